"""Error messages as golden files: what a user reads when a program in `errors/` ends. `--update-golden` rewrites them.

Programs with TensorFlow are in `errors/tensorflow`, those that build graphs in `errors/tensorflow1`; the exceptions that
TensorFlow itself raises for them are recorded (`tests/recordings/record_tensorflow_errors.py`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "errors"
PROGRAMS = sorted(HERE.rglob("*.py"))
RAISED = json.loads((Path(__file__).parents[1] / "recordings" / "tensorflow_errors.json").read_text())[
    "raised"
]


def name_of(program: Path) -> str:
    return program.relative_to(HERE).with_suffix("").as_posix()


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What each program writes to standard error; those of a folder in one process, each as `__main__` would be run."""
    found: dict[str, str] = {}
    for folder, library in (
        (HERE, "torch"),
        (HERE / "tensorflow", "tensorflow"),
        (HERE / "tensorflow1", "tensorflow"),
    ):
        found |= printed_in(folder, library)
    return found


def printed_in(folder: Path, library: str) -> dict[str, str]:
    """By program; the classes of the exception are in a line of their own, which no golden file has."""
    code = """
import importlib, runpy, sys
library = importlib.import_module("irc." + sys.argv[1])
for path in sys.argv[2:]:
    print("=== " + path, file=sys.stderr)
    if path.startswith("tensorflow1/"):
        library.compat.v1.reset_default_graph()
    if path.startswith("tensorflow/"):
        library.keras.utils.clear_session()
    try:
        runpy.run_path(path, run_name="__main__")
        print("no error", file=sys.stderr)
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
        print("CLASSES", *(c.__name__ for c in type(error).__mro__), file=sys.stderr)
    sys.stderr.flush()
"""
    programs = [p.relative_to(HERE).as_posix() for p in PROGRAMS if p.parent == folder]
    run = subprocess.run(
        [sys.executable, "-c", code, library, *programs],
        capture_output=True,
        text=True,
        cwd=HERE,
        env={**os.environ, "IRC_TRACEBACK": "", "COLUMNS": "80"},
        check=True,
    )
    found: dict[str, str] = {}
    for part in run.stderr.split("=== ")[1:]:
        name, _, text = part.partition("\n")
        lines = [line for line in text.splitlines() if "runpy" not in line and '"<string>"' not in line]
        inside = f"{folder.relative_to(HERE).as_posix()}/"
        found[name.removesuffix(".py")] = (
            "\n".join(lines).replace(f"{HERE}{os.sep}", "").replace(inside, "") + "\n"
        )
    return found


def message(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("CLASSES "))


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_message(program: Path, printed: dict[str, str], request: pytest.FixtureRequest) -> None:
    text = message(printed[name_of(program)])
    golden = program.with_suffix(".txt")
    if request.config.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "run pytest --update-golden to accept the new text"


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_message_points_into_the_program(program: Path, printed: dict[str, str]) -> None:
    """Each names the user's file, line and column, with a caret under an expression of that line, and no file of irc's."""
    text = message(printed[name_of(program)])
    assert f"{program.name}:" in text and "^" in text
    assert "frontends" not in text and "site-packages" not in text
    row = next(line for line in text.splitlines() if set(line.strip()) == {"^"})
    source = text.splitlines()[text.splitlines().index(row) - 1]
    assert source.strip() in program.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RAISED)
def test_the_exception_is_tensorflows(name: str, printed: dict[str, str]) -> None:
    """`except` clauses written for TensorFlow catch what irc raises; None: TensorFlow goes on, and irc with it."""
    classes = next((line for line in printed[name].splitlines() if line.startswith("CLASSES ")), "").split()[
        1:
    ]
    if RAISED[name] is None:
        assert not classes
    else:
        assert RAISED[name] in classes


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
