"""Which functions are rewritten, and how the rewritten code becomes a function again."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import sys
import sysconfig
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any, TypeVar

from irc.frontends.autograph import operators
from irc.frontends.autograph.rewrite import MODULE, rewrite
from irc.frontends.source import is_internal

F = TypeVar("F", bound=Callable[..., Any])

_CODES: dict[CodeType, CodeType | None] = {}
"""Rewritten code by the original's; None where there is nothing to rewrite."""

_KEPT = "_irc_not_converted"
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_LIBRARY = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_FOREIGN = ("numpy", "scipy", "matplotlib", "pandas", "PIL", "absl", "six")


def do_not_convert(function: F) -> F:
    """Marks a function that stays as it is."""
    setattr(function, _KEPT, True)
    return function


def convert(function: Any) -> Any:
    """The function rewritten; itself where it is no function of the user's, or its source cannot be found."""
    match function:
        case functools.partial():
            return functools.partial(convert(function.func), *function.args, **function.keywords)
        case MethodType():
            made = convert(function.__func__)
            return function if made is function.__func__ else MethodType(made, function.__self__)
        case FunctionType():
            return _converted(function)
        case _:
            return function


def _converted(function: FunctionType) -> FunctionType:
    if getattr(function, _KEPT, False) or not _is_users(function):
        return function
    code = function.__code__
    if code not in _CODES:
        _CODES[code] = _rewritten(function)
    made = _CODES[code]
    if made is None:
        return function
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    cells[MODULE] = CellType(operators)
    closure = tuple(cells[name] for name in made.co_freevars)
    new = FunctionType(made, function.__globals__, function.__name__, function.__defaults__, closure)
    new.__kwdefaults__ = function.__kwdefaults__
    new.__qualname__, new.__doc__, new.__module__ = (
        function.__qualname__,
        function.__doc__,
        function.__module__,
    )
    new.__dict__.update(function.__dict__)
    setattr(new, _KEPT, True)
    return new


def _is_users(function: FunctionType) -> bool:
    code = function.__code__
    if code.co_flags & _GENERATORS or is_internal(code.co_filename):
        return False
    top = (function.__module__ or "").partition(".")[0]
    if top in _FOREIGN or (top in sys.stdlib_module_names and top != "__main__"):
        return False
    return not (code.co_filename.startswith(_LIBRARY) and "site-packages" not in code.co_filename)


def _rewritten(function: FunctionType) -> CodeType | None:
    node = _source(function.__code__)
    if node is None:
        return None
    parts = function.__qualname__.split(".")[:-1]
    owner = parts[-1] if parts and parts[-1] != "<locals>" else ""
    return rewrite(node, function.__code__.co_freevars, function.__code__.co_filename, owner)


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _source(code: CodeType) -> ast.FunctionDef | ast.Lambda | None:
    """The function's node in its file; None where the file is not what the code was made of."""
    tree = _parsed("".join(linecache.getlines(code.co_filename)))
    if tree is None:
        return None
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    found: list[Any] = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=code.co_name):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                if first == code.co_firstlineno:
                    found.append(node)
            case ast.Lambda() if code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
                found.append(node)
    found = [n for n in found if _arguments(n) == arguments]
    if len(found) > 1:
        found = [n for n in found if _begins(n, code)]
    return found[0] if len(found) == 1 else None


def _arguments(node: ast.FunctionDef | ast.Lambda) -> tuple[str, ...]:
    a = node.args
    return tuple(x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs))


def _begins(node: ast.Lambda, code: CodeType) -> bool:
    """Whether a lambda's body is where the code's instructions are."""
    if not isinstance(node, ast.Lambda):
        return True
    places = [
        (line, column)
        for line, _, column, _ in code.co_positions()
        if line is not None and column is not None
    ]
    body = node.body
    first, last = (body.lineno, body.col_offset), (body.end_lineno or body.lineno, body.end_col_offset or 0)
    inside = [p for p in places if first <= p <= last]
    return bool(inside) and (body.lineno, body.col_offset) in places


operators.rewrite_with(convert)
