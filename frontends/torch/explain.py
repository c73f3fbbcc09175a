"""What errors about modules and tensors say besides what is wrong: the module's path, and where shapes came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.errors import IrcError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.value import Operand, Recorded
from irc.frontends.source import scopes


def origin(value: Any) -> str | None:
    """Where a recorded value was made: its line's text and place."""
    node = value.node
    if node is None:
        return None
    span = node.site.span()
    if span is None:
        return None
    caret = span.caret().splitlines()
    return f"`{caret[0].strip()}` ({node.site.brief()})" if caret else node.site.brief()


def made_at(module: Any) -> str | None:
    """Where a module was made."""
    site = module.__dict__.get("_made_at")
    span = site.span() if site is not None else None
    if span is None:
        return None
    caret = span.caret().splitlines()
    return f"`{caret[0].strip()}` ({site.brief()})" if caret else site.brief()


def module_notes() -> list[str]:
    """The module being called, and where it was made."""
    scope = scopes.current
    if scope is None:
        return []
    module = scope.module
    where = made_at(module)
    return [f"{scope.path} is {module!r}" + (f", made at {where}" if where else "")] if "\n" not in repr(module) else [
        f"in {scope.path} ({type(module).__name__})"
    ]


def explain(error: IrcError, operands: Sequence[Operand]) -> None:
    """Adds the module and the operands' origins to an error about a recorded operation."""
    notes = list(error.notes)
    scope = scopes.current
    if scope is not None and not error.message.startswith(scope.path):
        error.message = f"{scope.path}: {error.message}"
        error.args = (error.message,)
    for name, operand in zip("abcdef", operands, strict=False):
        where = origin(operand) if isinstance(operand, Recorded) else None
        if where is not None:
            notes.append(f"{name} ({'x'.join(map(str, operand.type.shape))}) comes from {where}")
    error.notes = tuple(dict.fromkeys([*notes, *module_notes()]))


recorder.explain = explain
