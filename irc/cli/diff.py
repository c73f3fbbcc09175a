"""`irc diff A B`: two models compared through the canonical form. Each is a Python program, which is executed, or a text."""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from irc.aliases import LIBRARIES
from irc.cli import sources
from irc.dialects.builtin import parse
from irc.errors import IrcError
from irc.frontends.differences import Comparison, Row, differences
from irc.frontends.points import POINTS
from irc.ir.locations import Location, described, file_location
from irc.passes.difference.program import Program


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument("a", metavar="A", nargs="?", help="a Python program, or the text of a module")
    parser.add_argument("b", metavar="B", nargs="?", help="the other")
    parser.add_argument(
        "--as",
        dest="frontends",
        action="append",
        default=[],
        choices=LIBRARIES,
        help="execute with irc in this library's place: once for both or once for each; without it, what each imports",
    )
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="TYPE",
        help="an argument such as f32[8,3,32,32] for the models of programs that compile nothing",
    )
    parser.add_argument(
        "--input-b",
        action="append",
        default=[],
        metavar="TYPE",
        help="the same for the second model, where it takes another layout",
    )
    parser.add_argument(
        "--points",
        action="store_true",
        help="print the points in which PyTorch's defaults differ from Keras's and TensorFlow's",
    )
    parser.add_argument("--json", action="store_true", help="the differences as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compares and prints; returns 0 where the programs are the same, else 1."""
    if arguments.points:
        print(points())
        return 0
    if arguments.a is None or arguments.b is None:
        raise IrcError("irc diff compares two programs: irc diff A B")
    frontends = _frontends(arguments)
    inputs = arguments.input, arguments.input_b or arguments.input
    given = list(zip((arguments.a, arguments.b), frontends, inputs, strict=True))
    sides = [Side(*each) for each in given]
    a, b = [side.programs() for side in sides]
    found = differences(a, b)
    if arguments.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        print(report(found, arguments.a, arguments.b))
    return 0 if found.same else 1


def _frontends(arguments: argparse.Namespace) -> list[str | None]:
    given = arguments.frontends
    if len(given) > 2:
        raise IrcError("--as is for both programs, or for the first and the second")
    return [given[0], given[-1]] if given else [None, None]


class Side:
    """One of the two: a Python program that has been started, or the text of a module."""

    def __init__(self, path: str, library: str | None = None, inputs: Sequence[str] = ()) -> None:
        """Raises IrcError for a file that cannot be read. A program runs in a process of its own: what it does to its
        frontend is not to be seen by the other."""
        self.path = path
        self.text, _ = sources.read(path)
        self.process: subprocess.Popen[str] | None = None
        if not path.endswith(".py"):
            return
        command = [sys.executable, "-m", "irc.cli", "dump", "--notes"]
        library = library or imported_library(self.text, path)
        command += ["--as", library] if library else []
        command += [f"--input={given}" for given in inputs]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([*command, path], stdout=pipe, stderr=pipe, text=True)

    def programs(self) -> list[Program]:
        """What the program compiled, or the module of the text."""
        if self.process is None:
            return [Program.of(parse(self.text, self.path))]
        out, complaints = self.process.communicate()
        if self.process.returncode:
            raise IrcError(f"{self.path} does not run:\n{complaints.rstrip()}")
        texts = out.split("// -----\n")
        # Ops without a place are nowhere: their lines in the dump are none of the program's.
        return [Program.of(parse(text, ""), i) for i, text in enumerate(texts)]


def imported_library(text: str, path: str) -> str | None:
    """The library that a program imports and irc stands in for; None where it imports irc's own."""
    try:
        tree = ast.parse(text, path)
    except SyntaxError as error:
        raise IrcError(f"{path}:{error.lineno}: {error.msg}") from None
    names: list[str] = []
    builds_graphs = False
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="tf" | "tensorflow"), attr=name) if name in GRAPHS:
                builds_graphs = True
            case ast.Import(names=aliases):
                names += [a.name for a in aliases]
            case ast.ImportFrom(module=str(module), level=0):
                names.append(module)
    roots = [name.split(".")[0] for name in names]
    found = [library for library in ("torch", "tensorflow") if library in roots]
    if len(found) > 1:
        raise IrcError(f"{path} imports {' and '.join(found)}: say --as for each program")
    if found == ["tensorflow"] and builds_graphs:
        return "tensorflow1"
    return found[0] if found else None


GRAPHS = ("placeholder", "Session", "InteractiveSession", "global_variables_initializer")
"""Names that `import tensorflow as tf` gave programs in TensorFlow 1 and gives none since."""


def points() -> str:
    """The table of points where the families differ."""
    rows = [("point", "PyTorch", "Keras and TensorFlow"), *((p.title, p.torch, p.tensorflow) for p in POINTS)]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)


def report(found: Comparison, name_a: str, name_b: str) -> str:
    """The comparison in words."""
    lines = []
    told = [row for row in found.rows if not (found.same and row.held)]
    if found.same:
        lines.append(f"{name_a} and {name_b} are the same program")
    elif not told:
        lines.append(f"{name_a} and {name_b} have no program in common")
    else:
        points = len({row.title for row in told})
        lines.append(f"{name_a} and {name_b} differ in {points} point{'s' * (points != 1)}")
    for row in told:
        lines += ["", *_row_lines(row)]
    lines += [f"note: {remark}" for remark in found.remarks]
    return "\n".join(lines)


def _row_lines(row: Row) -> list[str]:
    head = row.title if not row.what or row.what in row.title else f"{row.title}: {row.what}"
    lines = [head]
    first, *more = row.places
    values = [row.a or "none", row.b or "none"]
    width = max(map(len, values))
    for side, value, place in zip("AB", values, first, strict=True):
        lines.append(f"  {side}  {value:<{width}}  {_shown(place)}".rstrip())
    if more:
        lines.append(f"     and in {len(more)} more place{'s' * (len(more) != 1)}")
    return lines


def _shown(place: Location) -> str:
    """The place and the user's text."""
    at = file_location(place)
    if at is None:
        return described(place).removeprefix("unknown line").strip()
    if not at.file:
        return ""
    text = _source_line(at.file, at.line)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return f"{described(place)}  {text}".rstrip()


LONGEST = 90
"""Characters of a line of the program that are shown."""


def _source_line(file: str, line: int) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _as_json(found: Comparison) -> dict[str, Any]:
    return {
        "same": found.same,
        "rows": [
            {
                "point": row.title, "what": row.what, "a": row.a, "b": row.b,
                "kind": "held" if row.held else "different",
                "places": [[_json_place(p) for p in pair] for pair in row.places],
            }
            for row in found.rows
        ],
        "notes": found.remarks,
    }  # fmt: skip


def _json_place(place: Location) -> dict[str, Any] | None:
    at = file_location(place)
    if at is None or not at.file:
        return None
    return {"file": at.file, "line": at.line, "text": _source_line(at.file, at.line)}
