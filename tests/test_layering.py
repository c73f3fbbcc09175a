"""Architecture as a test: a module imports from its own row and the rows before it (design section 4)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = (
    ("irc.errors", "irc.options", "irc.aliases"),
    ("irc.ir",),
    ("irc.dialects",),
    ("irc.interpreter",),
    ("irc.passes",),
    ("irc.runtime",),
    ("irc.codegen",),
    ("irc.driver",),
    ("irc.frontends",),
    ("irc.cli",),
)
FOLDERS = {"irc": "irc", "passes": "irc.passes", "codegen": "irc.codegen", "frontends": "irc.frontends"}
BARE = ("passes", "codegen", "frontends")
HEAVY = ("numpy", "lark", "llvmlite", "ml_dtypes", "rich")


def sources() -> Iterator[tuple[Path, str]]:
    """Every source file with the name it is imported by."""
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT / folder).with_suffix("")
            parts = [p for p in inner.parts if p != "__init__"]
            yield path, ".".join([package, *parts])


FILES = list(sources())


def row(name: str) -> int | None:
    for number, members in enumerate(ROWS):
        if any(name == m or name.startswith(m + ".") for m in members):
            return number
    return None


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, those inside functions too; those for type checkers alone left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unchecked = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in unchecked:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize(("path", "name"), FILES, ids=[name for _, name in FILES])
def test_imports_go_downwards(path: Path, name: str) -> None:
    mine = row(name)
    for line, target in imports(path):
        assert target.partition(".")[0] not in BARE, (
            f"{path}:{line}: 'import {target}' loads a second copy; write irc.{target}"
        )
        theirs = row(target)
        if mine is not None and theirs is not None:
            assert theirs <= mine, f"{path}:{line}: {name} (row {mine}) imports {target} (row {theirs})"


def test_every_module_has_a_row() -> None:
    rowless = [name for _, name in FILES if row(name) is None and name != "irc"]
    assert rowless == []


def test_import_irc_is_light() -> None:
    """`import irc` loads neither numpy nor the parser nor LLVM."""
    import subprocess
    import sys

    code = f"import irc, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
