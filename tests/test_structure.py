"""The size of things, and their names: what keeps the sources easy to walk through."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
from test_layering import FILES

LONGEST_FILE = 600
LONGEST_FUNCTION = 80
DRAWERS = {"utils", "helpers", "misc", "common", "util"}
THEIRS = ("irc.frontends.torch.utils", "irc.frontends.torch.nn.utils", "irc.frontends.tensorflow.keras.utils")
"""Modules that PyTorch and TensorFlow named."""

MODULES = [pytest.param(path, name, id=name) for path, name in FILES]


@pytest.mark.parametrize("name", [name for _, name in FILES if not name.endswith("__main__")])
def test_every_module_can_be_imported(name: str) -> None:
    assert importlib.import_module(name).__name__ == name


@pytest.mark.parametrize("name", [name for _, name in FILES])
def test_a_module_says_what_is_in_it(name: str) -> None:
    assert name.startswith(THEIRS) or not DRAWERS & set(name.split("."))


@pytest.mark.parametrize(("path", "name"), MODULES)
def test_files_and_functions_are_short(path: Path, name: str) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= LONGEST_FILE, "split it along families"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


@pytest.mark.parametrize(("path", "name"), MODULES)
def test_public_things_have_docstrings(path: Path, name: str) -> None:
    """Classes and functions of a module. A function of one line says itself what it does; so does the sentence or op under
    which a decorator registers it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        registered = any(isinstance(d, ast.Call) for d in node.decorator_list)
        if isinstance(node, ast.FunctionDef) and (registered or len(node.body) == 1):
            continue
        assert ast.get_docstring(node), f"{path}:{node.lineno}: {node.name} has no docstring"
