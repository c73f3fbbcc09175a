"""Running a Python file as `__main__`, as `python file.py` would, and the models it defines."""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from irc.errors import IrcError


@contextlib.contextmanager
def command_line(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    """`sys.argv` and `sys.path` as the program expects them."""
    before, search = sys.argv, sys.path[:]
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before, search


def run_program(path: str, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Executes a file as `__main__` and returns its globals. A SystemExit of 0 is a normal end."""
    file = Path(path)
    if not file.is_file():
        raise IrcError(f"there is no file {path}")
    with command_line(file, arguments):
        try:
            return runpy.run_path(str(file), run_name="__main__")
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise
            return {}
