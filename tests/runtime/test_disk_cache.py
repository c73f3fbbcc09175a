"""What is kept on disk: found again by content alone, whole or not at all, within a limit; and why it was not found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import irc
from irc import cli, driver
from irc.driver import compile_module
from irc.runtime import jit
from irc.runtime.disk_cache import DiskCache, disk_cache

TEXT = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}"""
X = np.arange(4, dtype=np.float32)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of a test's own; what irc needs to run any program is loaded before."""
    monkeypatch.setenv("IRC_CACHE", "0")
    compile_module(irc.parse(TEXT))(X)
    monkeypatch.setenv("IRC_CACHE", "1")
    monkeypatch.setenv("IRC_CACHE_DIR", str(tmp_path))


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The texts that LLVM was given."""
    seen: list[str] = []
    real = jit.assemble

    def noted(text: str, *rest: object) -> bytes:
        seen.append(text)
        return real(text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("irc.driver.assemble", noted)
    monkeypatch.setattr(jit, "assemble", noted)
    yield seen


def files() -> list[Path]:
    cache = disk_cache()
    assert cache is not None
    return [e.path for e in cache.entries()]


def test_a_program_is_compiled_once(compilations: list[str]) -> None:
    first = compile_module(irc.parse(TEXT))
    assert len(compilations) == 1
    again = compile_module(irc.parse("\n\n" + TEXT.replace("%x", "%other"), "elsewhere.mlir"))
    assert len(compilations) == 1
    assert again(X)[0].tobytes() == first(X)[0].tobytes()
    assert again.object_code == first.object_code
    assert again.stages["kernel"] != ""
    assert str(again.memory_plan) != ""


def test_a_text_whose_program_is_on_disk_is_not_parsed(
    compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compile_module(TEXT)
    real = driver.parse
    parsed: list[str] = []
    monkeypatch.setattr(driver, "parse", lambda text, *rest: parsed.append(text) or real(text, *rest))
    again = compile_module(TEXT)
    assert (len(compilations), parsed) == (1, [])
    assert again(X)[0].tobytes() == first(X)[0].tobytes()
    assert str(again.stages["tensor"]) == str(first.stages["tensor"])
    for other in (
        lambda: compile_module(TEXT, donate=[0]),
        lambda: compile_module(TEXT, pipeline="canonicalize,fusion"),
        lambda: compile_module(TEXT.replace("add", "multiply")),
    ):
        other()
    assert len(compilations) == 4
    # The program alone is gone: its text is parsed, and it is made again.
    for path in files():
        if b'"text"' not in path.read_bytes().partition(b"\n")[0]:
            path.unlink()
    parsed.clear()
    assert compile_module(TEXT)(X)[0].tobytes() == first(X)[0].tobytes()
    assert (len(compilations), len(parsed)) == (5, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda: compile_module(irc.parse(TEXT.replace("add", "multiply"))),
        lambda: compile_module(irc.parse(TEXT.replace("4x", "5x"))),
        lambda: compile_module(irc.parse(TEXT), opt=2),
        lambda: compile_module(irc.parse(TEXT), target="x86-64-v3"),
        lambda: compile_module(irc.parse(TEXT), donate=[0]),
        lambda: compile_module(irc.parse(TEXT), pipeline="canonicalize,fusion"),
    ],
)
def test_whatever_decides_the_code_is_in_the_key(change: object, compilations: list[str]) -> None:
    compile_module(irc.parse(TEXT))
    change()  # type: ignore[operator]
    assert len(compilations) == 2


def test_a_damaged_entry_is_made_again(compilations: list[str]) -> None:
    compile_module(irc.parse(TEXT))
    (path,) = files()
    data = bytearray(path.read_bytes())
    for bad in (
        bytes(data[:-1]),
        b"",
        bytes(data[:-9]) + bytes([data[-9] ^ 1]) + bytes(data[-8:]),
        b"no json\n" + bytes(data),
    ):
        path.write_bytes(bad)
        assert compile_module(irc.parse(TEXT))(X)[0].tolist() == [0, 2, 4, 6]
    assert len(compilations) == 5
    assert path.read_bytes() == bytes(data)


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IRC_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert disk_cache() is None
    assert compile_module(irc.parse(TEXT))(X)[0].tolist() == [0, 2, 4, 6]


def test_a_memory_limit_holds_for_what_is_kept() -> None:
    compile_module(irc.parse(TEXT))
    with pytest.raises(irc.OutOfMemoryError):
        compile_module(irc.parse(TEXT), memory_limit=8)


def test_bounds_checks_are_not_kept(compilations: list[str]) -> None:
    compile_module(irc.parse(TEXT), check_bounds=True)
    assert files() == []


def test_the_oldest_go_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "objects", 1 << 20)
    for i in range(5):
        cache.put({"module": str(i)}, bytes(1000))
        os.utime(cache.path({"module": str(i)}), (i, i))
    assert cache.get({"module": "0"}) is not None  # used now
    kept = 2 * files()[0].stat().st_size
    gone = cache.collect(kept)
    assert [e.fields["module"] for e in cache.entries()] == ["0", "4"]
    assert len(gone) == 3
    cache.put({"module": "big"}, bytes(2 << 20))
    assert cache.get({"module": "big"}) is None


def test_many_writers_and_readers_at_once(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "objects", 1 << 20)
    payloads = [bytes([i]) * 50_000 for i in range(4)]

    def work(i: int) -> bool:
        fields = {"module": str(i % 4)}
        cache.put(fields, payloads[i % 4])
        found = cache.get(fields)
        return found in (None, payloads[i % 4])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    assert len(cache.entries()) == 4
    assert not list(cache.folder.glob("*.part"))


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    code = f"""
import numpy as np, irc
from irc.runtime import jit
import irc.driver
count = []
real = jit.assemble
jit.assemble = irc.driver.assemble = lambda *a: count.append(1) or real(*a)
program = irc.compile_module(irc.parse('''{TEXT}'''))
print(len(count), program(np.arange(4, dtype=np.float32))[0].tolist(), len(count))
"""
    told = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert int(told[0][0]) >= 1
    assert told[1][0] == told[1][-1] == "0"
    assert told[0][1:-1] == told[1][1:-1]


def test_why_names_the_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = disk_cache()
    assert cache is not None
    here = {"module": "abc", "irc": "1", "cpu": "znver5", "opt": "2"}
    assert cache.why(here) == "nothing is kept yet"
    cache.put({**here, "cpu": "znver4"}, b"code")
    assert cache.why(here).endswith("cpu is 'znver5', there it is 'znver4'")
    assert "no program with this content (module xyz)" in cache.why({**here, "module": "xyz"})


def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRC_LOG", "")
    file = tmp_path / "p.mlir"
    file.write_text(TEXT)
    assert cli.main(["cache", "why", str(file)]) == 0
    assert "not on disk: nothing is kept yet" in capsys.readouterr().err
    assert cli.main(["cache", "why", str(file)]) == 0
    assert capsys.readouterr().err == ""
    assert cli.main(["cache", "ls"]) == 0
    listed = capsys.readouterr().out
    assert "  text   " in listed and "  module " in listed and "2 entries" in listed
    assert cli.main(["cache", "gc"]) == 0
    assert "removed 2 entries" in capsys.readouterr().out
    monkeypatch.setenv("IRC_CACHE", "0")
    assert cli.main(["cache", "ls"]) == 1
    assert "no programs are kept" in capsys.readouterr().err
