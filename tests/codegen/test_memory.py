"""The memory plan: what it says, that it is what is taken, and that too much is refused before anything runs."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import irc
from irc.codegen.fit import batch_of
from irc.passes.extents import growing, resized
from irc.passes.manager import run_pipeline
from irc.runtime.arena_text import arena_block
from irc.runtime.available import parse_bytes
from irc.runtime.entry import arena_bytes_held
from irc.runtime.executable import release_memory

LAYER = """func.func @main(%x: tensor<{n}x1024xf32>, %w: tensor<1024x2048xf32>, %y: tensor<{n}xi32>) -> (tensor<f32>, tensor<1024x2048xf32>) {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %h = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<{n}x1024xf32>, tensor<1024x2048xf32>) -> tensor<{n}x2048xf32>
  %r = stablehlo.reshape %h : (tensor<{n}x2048xf32>) -> tensor<{n}x8x256xf32>
  %t = stablehlo.transpose %r, dims = [1, 0, 2] : (tensor<{n}x8x256xf32>) -> tensor<8x{n}x256xf32>
  %m = stablehlo.reduce(%t init: %zero) applies stablehlo.maximum across dimensions = [2] : (tensor<8x{n}x256xf32>, tensor<f32>) -> tensor<8x{n}xf32>
  %c = stablehlo.convert %y : (tensor<{n}xi32>) -> tensor<{n}xf32>
  %b = stablehlo.broadcast_in_dim %c, dims = [1] : (tensor<{n}xf32>) -> tensor<8x{n}xf32>
  %d = stablehlo.multiply %m, %b : tensor<8x{n}xf32>
  %s = stablehlo.reduce(%d init: %zero) applies stablehlo.add across dimensions = [0, 1] : (tensor<8x{n}xf32>, tensor<f32>) -> tensor<f32>
  %g = stablehlo.dot_general %x, %h, contracting_dims = [0] x [0] : (tensor<{n}x1024xf32>, tensor<{n}x2048xf32>) -> tensor<1024x2048xf32>
  return %s, %g : tensor<f32>, tensor<1024x2048xf32>
}}"""


def layer(batch: int) -> irc.Module:
    return irc.parse(LAYER.format(n=batch), "layer.mlir")


def test_the_plan_reads_as_a_picture() -> None:
    text = str(irc.compile_module(layer(64)).memory_plan)
    lines = text.splitlines()
    assert "▼" in lines[0]
    assert any("f32[64,2048]" in line and "layer.mlir:3" in line and "██" in line for line in lines)
    assert lines[-1].endswith("in all")


@pytest.mark.parametrize("batch", [1, 2, 7, 64, 100])
def test_another_batch_is_the_program_written_for_it(batch: int) -> None:
    module = run_pipeline(layer(64), "inline")
    main = module.symbols["main"]
    found = batch_of(main)
    assert found is not None
    assert [found.dimensions(a) for a in main.arguments] == [[0], [], [0]]
    made = resized(main, found, batch)
    assert made is not None
    assert str(module.with_operations([made])) == str(run_pipeline(layer(batch), "inline"))


@pytest.mark.parametrize("batch", [3, 64, 4096])
def test_what_is_planned_is_what_is_taken(batch: int) -> None:
    """To the byte: the arena from the system, results from NumPy or from blocks of their own."""
    program = irc.compile_module(layer(batch))
    plan = program.memory_plan
    arguments = [np.zeros(t.static_shape, t.element.numpy) for t in program.stamp.inputs]
    release_memory()
    before = arena_bytes_held()
    results = program(*arguments)
    assert arena_bytes_held() - before == arena_block(plan.arena_bytes)
    assert sum(r.nbytes for r in results) == plan.output_bytes
    assert sum(a.nbytes for a in arguments) == plan.input_bytes
    release_memory()
    assert arena_bytes_held() == 0


def test_the_width_of_a_layer_is_no_batch() -> None:
    main = run_pipeline(layer(64), "inline").symbols["main"]
    width = growing(main, 1, 0)
    assert width is not None
    assert [width.dimensions(a) for a in main.arguments] == [[1], [0], []]


def test_too_much_is_refused_with_the_batch_that_fits() -> None:
    limit = 40 << 20
    with pytest.raises(irc.OutOfMemoryError) as refused:
        irc.compile_module(layer(4096), memory_limit=limit)
    text = str(refused.value)
    assert isinstance(refused.value, MemoryError)
    assert "nothing was run" in text
    assert "layer.mlir:3" in text
    (note,) = [n for n in refused.value.notes if "largest batch" in n]
    best = int(note.split(" is ")[1].split()[0])
    assert "%x, %y" in note
    irc.compile_module(layer(best), memory_limit=limit)
    with pytest.raises(irc.OutOfMemoryError):
        irc.compile_module(layer(best + 1), memory_limit=limit)


def test_the_environment_sets_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRC_MEMORY_LIMIT", "1M")
    with pytest.raises(irc.OutOfMemoryError, match=r"may take 1\.0 MiB \(IRC_MEMORY_LIMIT\)"):
        irc.compile_module(layer(64))
    monkeypatch.setenv("IRC_MEMORY_LIMIT", "plenty")
    with pytest.raises(irc.IrcError, match="no number of bytes"):
        irc.compile_module(layer(64))


@pytest.mark.parametrize(
    ("text", "nbytes"), [("12", 12), ("3k", 3072), ("1.5 GiB", 3 << 29), ("2MB", 2 << 20)]
)
def test_numbers_of_bytes(text: str, nbytes: int) -> None:
    assert parse_bytes(text) == nbytes


CHILD = f"""
import resource, sys
import numpy as np
import irc
TEXT = {LAYER!r}
small = irc.compile_module(irc.parse(TEXT.format(n=2)))
small(*[np.zeros(t.static_shape, t.element.numpy) for t in small.stamp.inputs])
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (300 << 20), resource.RLIM_INFINITY))
try:
    irc.compile_module(irc.parse(TEXT.format(n=1 << 16)))
except irc.OutOfMemoryError as e:
    (note,) = [n for n in e.notes if "largest batch" in n]
    print(note.split(" is ")[1].split()[0], "RLIMIT_AS" in str(e))
"""


def test_a_limit_on_address_space_is_seen() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    best, named = done.stdout.split()
    assert named == "True"
    assert 1000 < int(best) < 1 << 16


def test_calls_at_once_do_not_meet() -> None:
    """Eight threads, one executable: every call has an arena of its own."""
    program = irc.compile_module(layer(64))
    random = np.random.default_rng(0)
    w = random.standard_normal((1024, 2048), np.float32)
    y = np.ones(64, np.int32)
    inputs = [random.standard_normal((64, 1024), np.float32) for _ in range(8)]
    alone = [program(x, w, y) for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda x: program(x, w, y), inputs * 4))
    for i, results in enumerate(together):
        for a, b in zip(results, alone[i % 8], strict=True):
            assert a.tobytes() == b.tobytes()
