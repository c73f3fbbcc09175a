"""Strict types, checked over a linked view of the sources: type checkers do not follow the folders' mapping."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def linked_view(target: Path) -> Path:
    """A folder in which `irc` holds everything under the names it is imported by."""
    package = target / "irc"
    package.mkdir(parents=True)
    for item in (ROOT / "irc").iterdir():
        if item.name != "__pycache__":
            (package / item.name).symlink_to(item)
    for folder in ("passes", "codegen", "frontends"):
        (package / folder).symlink_to(ROOT / folder)
    return target


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_strict_types(tmp_path: Path) -> None:
    view = linked_view(tmp_path / "view")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", "irc"]
    done = subprocess.run(command, cwd=view, capture_output=True, text=True)
    assert done.returncode < 2, done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert errors == []
