"""Error messages as golden files: what a user reads when a program in `errors/` ends. `--update-golden` rewrites them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "errors"
PROGRAMS = sorted(HERE.glob("*.py"))


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What each program writes to standard error; all of them in one process, each as `__main__` would be run."""
    code = """
import runpy, sys, traceback
import irc.torch
for path in sys.argv[1:]:
    print("=== " + path, file=sys.stderr)
    try:
        runpy.run_path(path, run_name="__main__")
        print("no error", file=sys.stderr)
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stderr.flush()
"""
    run = subprocess.run(
        [sys.executable, "-c", code, *(p.name for p in PROGRAMS)],
        capture_output=True,
        text=True,
        cwd=HERE,
        env={**os.environ, "IRC_TRACEBACK": ""},
        check=True,
    )
    found: dict[str, str] = {}
    for part in run.stderr.split("=== ")[1:]:
        name, _, text = part.partition("\n")
        lines = [line for line in text.splitlines() if "runpy" not in line and '"<string>"' not in line]
        found[Path(name).stem] = "\n".join(lines).replace(f"{HERE}{os.sep}", "") + "\n"
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_message(program: Path, printed: dict[str, str], request: pytest.FixtureRequest) -> None:
    text = printed[program.stem]
    golden = program.with_suffix(".txt")
    if request.config.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "run pytest --update-golden to accept the new text"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_message_points_into_the_program(program: Path, printed: dict[str, str]) -> None:
    """Each names the user's file, line and column, with a caret under an expression of that line, and no file of irc's."""
    text = printed[program.stem]
    assert f"{program.name}:" in text and "^" in text
    assert "frontends" not in text and "site-packages" not in text
    row = next(line for line in text.splitlines() if set(line.strip()) == {"^"})
    source = text.splitlines()[text.splitlines().index(row) - 1]
    assert source.strip() in program.read_text(encoding="utf-8")


def test_a_missing_import_stays_a_name_error() -> None:
    code = """
import irc.torch as torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 4)
    def forward(self, x):
        return F.relu(self.fc(x))
try: Net()(torch.ones(2, 3))
except NameError as error: print(type(error) is NameError, error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "True name 'F' is not defined\n"


LEGITIMATE = [
    ("(32, 7, 16)", "x.view(-1, 16)"),
    ("(32, 7, 16)", "x.reshape(-1, 7 * 16)"),
    ("(32, 7, 16)", "x.view(-1, 4, 4)"),
    ("(32, 3, 8, 8)", "x.view(-1, 8, 8)"),
    ("(32, 64)", "x.view(-1, 8, 8)"),
    ("(32, 64)", "x.view(-1, 16)"),
    ("(32, 64)", "x.view(-1)"),
    ("(32, 4, 6)", "x.transpose(0, 1).reshape(-1, 6)"),
    ("(1, 4, 6)", "x.view(-1, 8)"),
]


@pytest.mark.parametrize(("shape", "view"), LEGITIMATE)
def test_views_that_keep_samples_whole_pass(shape: str, view: str) -> None:
    import irc.torch as torch

    class Net(torch.nn.Module):
        def forward(self, x):  # type: ignore[no-untyped-def]
            return eval(view, {"x": x})

    assert Net()(torch.zeros(*eval(shape))).numel() == torch.zeros(*eval(shape)).numel()
