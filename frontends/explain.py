"""What errors about modules and tensors say besides what is wrong: the module's path, and where shapes came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.errors import IrcError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.value import Operand, Recorded
from irc.frontends.source import Site, scopes


def place(site: Site | None) -> str | None:
    """A site as `expression` (file:line)."""
    text = site.expression() if site is not None else ""
    return f"`{text}` ({site.brief()})" if text and site is not None else None


def origin(value: Recorded) -> str | None:
    """Where a recorded value was made, while its history is known."""
    return place(value.node.site) if value.node is not None else None


def made_at(module: Any) -> str | None:
    """Where a module was made."""
    return place(module.__dict__.get("_made_at"))


def module_note() -> list[str]:
    """The module being called, and where it was made."""
    scope = scopes.current
    if scope is None:
        return []
    text = repr(scope.module)
    where = made_at(scope.module)
    kind = text if "\n" not in text else type(scope.module).__name__
    return [f"{scope.path} is {kind}" + (f", made by {where}" if where else "")]


def tensor_note(name: str, value: Recorded) -> str:
    """A tensor's shape, and the line it comes from."""
    shape = "x".join(map(str, value.type.shape)) or "a scalar"
    where = origin(value)
    return f"{name} is {shape}" + (f", from {where}" if where else "")


def explain(error: IrcError, operands: Sequence[Operand]) -> None:
    """Adds the module and the operands' origins to an error about a recorded operation."""
    scope = scopes.current
    if scope is not None and not error.message.startswith(scope.path):
        error.message = f"{scope.path}: {error.message}"
        error.args = (error.message,)
    tensors = [o for o in operands if isinstance(o, Recorded)]
    names = "abcdef" if len(operands) > 1 else ("the input",)
    notes = [tensor_note(name, o) for name, o in zip(names, tensors, strict=False)]
    error.notes = tuple(dict.fromkeys([*notes, *error.notes, *module_note()]))


recorder.explain = explain
