"""How much of what programs use is there, and tested: `python tests/bench/coverage.py tf2.tsv tf1.tsv`.

A table has a line for each name that public programs use: `name`, `sites` (how often), `in_scope` (y or n). A name is there
if irc has it; it is tested if a test, a recording or an example that is run calls it, or its object under another name."""

from __future__ import annotations

import ast
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import irc.tensorflow as tf
from irc.frontends.tensorflow.compat import v1

TESTS = Path(__file__).parent.parent
SOURCES = [
    *(TESTS / "frontends" / "tensorflow").rglob("*.py"),
    *(TESTS / "recordings").glob("keras_*.py"),
    *(TESTS.parent / "examples" / "seeds").glob("keras_*.py"),
    *(TESTS.parent / "examples" / "seeds").glob("tf1_*.py"),
    TESTS / "frontends" / "test_same_operations.py",
    TESTS / "rnn_steps.py",
]
ROOTS = {"tf": tf, "keras": tf.keras, "k": tf.keras, "v1": v1, "L": tf.keras.layers}
"""What files call modules without saying so (parameters)."""


NOTHING = object()
"""Stands for a name whose value is None (tf.newaxis)."""


def resolved(root: Any, path: str) -> Any:
    """The object behind a dotted path; None where a part of it is not there."""
    found = root
    for part in path.split(".") if path else ():
        try:
            found = getattr(found, part)
        except Exception:
            return None
    return NOTHING if found is None else found


class Uses(ast.NodeVisitor):
    """The objects of irc that a file names, its aliases (`L = keras.layers`) resolved."""

    def __init__(self, source: str, is_graph: bool) -> None:
        self.names: dict[str, Any] = dict(ROOTS, tf=v1) if is_graph else dict(ROOTS)
        self.found: list[Any] = []
        self.words: list[str] = []
        self.looked_up: list[Any] = []
        self.visit(ast.parse(source))
        # `getattr(ops, name)` with the names in a table of the file.
        for module in self.looked_up:
            self.found += [
                x for w in self.words if w.isidentifier() and (x := resolved(module, w)) is not None
            ]

    def value(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.value(node.value)
            return None if base is None else resolved(base, node.attr)
        return None

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            made = self.value(node.value)
            if isinstance(target, ast.Name) and made is not None:
                self.names[target.id] = made
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = (node.module or "").removeprefix("irc.")
        if module.split(".")[0] == "tensorflow":
            for alias in node.names:
                inside = resolved(tf, ".".join(module.split(".")[1:]))
                self.names[alias.asname or alias.name] = resolved(inside, alias.name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        found = self.value(node)
        if found is not None:
            self.found.append(found)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        found = self.names.get(node.id)
        if found is not None:
            self.found.append(found)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.words.append(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) == 2:
            module = self.value(node.args[0])
            if module is not None and not isinstance(node.args[1], ast.Constant):
                self.looked_up.append(module)
        self.generic_visit(node)


def tested() -> dict[int, Any]:
    """Every object that a test names, by identity."""
    found: dict[int, Any] = {}
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        is_graph = path.name.startswith("tf1_") or "import v1 as tf" in source
        found |= {id(x): x for x in Uses(source, is_graph).found}
    return found


def rows(table: Path) -> Iterator[tuple[str, int]]:
    """Names in scope and how often programs use them."""
    with table.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["in_scope"] == "y":
                yield row["name"], int(row["sites"])


def object_of(name: str, is_graph: bool) -> Any:
    if name.startswith("keras."):
        return resolved(tf.keras, name.removeprefix("keras."))
    return resolved(v1 if is_graph else tf, name.removeprefix("tf."))


def main() -> None:
    known = tested()
    for table in map(Path, sys.argv[1:]):
        every = list(rows(table))
        made = {name: object_of(name, table.stem == "tf1") for name, _ in every}
        total = sum(sites for _, sites in every)
        there = [(n, s) for n, s in every if made[n] is not None]
        named = [(n, s) for n, s in there if id(made[n]) in known]
        for what, some in (("there", there), ("tested", named)):
            sites = sum(s for _, s in some)
            print(
                f"{table.stem}: {what} {len(some)} of {len(every)} names, {sites} of {total} sites ({100 * sites / total:.1f} %)"
            )
        left = [(n, s) for n, s in there if id(made[n]) not in known]
        print("  there and not tested:", ", ".join(f"{n} ({s})" for n, s in left[:60]))
        print("  not there:", ", ".join(f"{n} ({s})" for n, s in every if made[n] is None)[:600])


if __name__ == "__main__":
    main()
