"""Why a compiled function is compiled again: which argument, which dimension, from what to what, and what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from irc.ir.types import TensorType

Signature = Sequence[Any]
"""The arguments' structure, whether gradients are recorded, then the type and gradient flag of each tensor."""


def reason(function: Callable[..., Any], names: Sequence[str], before: Signature, now: Signature) -> str:
    """What differs between two signatures, in the words of the function's parameters; `names` are the tensors'."""
    if before[0] != now[0]:
        return _other_value(function, before[0], now[0])
    if before[1] != now[1]:
        return f"gradients are {'on' if now[1] else 'off'} now; both are kept, so this happens once for each kind of call"
    for i, ((old, old_grad, *was), (new, new_grad, *place)) in enumerate(
        zip(before[2:], now[2:], strict=False)
    ):
        name = names[i] if i < len(names) else f"tensor {i}"
        if old is not new:
            return f"{name} is {new} now, and was {old}{_advice(name, old, new)}"
        if old_grad is not new_grad:
            return (
                f"{name} {'requires' if new_grad else 'does not require'} a gradient now; "
                f"pass {name}.detach() where none is wanted"
            )
        if was != place:
            return f"{name} is on {place[0] if place else 'cpu'} now; every device has a program of its own"
    return "it has another number of tensors"


def _advice(name: str, old: TensorType, new: TensorType) -> str:
    if len(old.shape) != len(new.shape):
        return f"; every rank is a program of its own: reshape {name} to one of them"
    changed = [i for i, (a, b) in enumerate(zip(old.shape, new.shape, strict=True)) if a != b]
    if not changed:
        return f"; convert {name} to {old.element} before the call"
    sizes = ", ".join(f"dimension {i}: {old.shape[i]} -> {new.shape[i]}" for i in changed)
    return f" ({sizes}); one program serves every size where that can be (dynamic=False: one for each)"


def _other_value(function: Callable[..., Any], before: Any, now: Any) -> str:
    """Of structures (see `flatten`) that differ: the argument, and its values where those are what differs."""
    try:
        parameters = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        parameters = []
    path, old, new = _first_difference(before, now, "")
    name = _argument(path, parameters)
    if path in ("[0]", "[1]"):
        return "another number of arguments is given; every way to give them is a program of its own: always give all"
    if isinstance(old, tuple) or isinstance(new, tuple):
        return f"{name} is nested differently now"
    return (
        f"{name} is {_shown(new)} now, and was {_shown(old)}; every value that is no tensor is a program of its own: "
        f"pass a number that changes as a tensor"
    )


def _first_difference(old: Any, new: Any, path: str) -> tuple[str, Any, Any]:
    """Where two structures differ first, and what stands there."""
    if not (isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new) and old[0] is new[0]):
        return path, old, new
    first, keys = (2, list(old[1])) if old[0] is dict else (1, list(range(len(old) - 1)))
    if old[0] is dict and old[1] != new[1]:
        return path, old, new
    for key, a, b in zip(keys, old[first:], new[first:], strict=True):
        if a != b:
            return _first_difference(a, b, f"{path}[{key!r}]")
    return path, old, new


def _argument(path: str, parameters: Sequence[str]) -> str:
    """`[0][1]...` and `[1]['k']...` of (args, kwargs), as the function calls it."""
    where, _, rest = path.removeprefix("[").partition("][")
    key, _, inner = rest.partition("]")
    if where == "1" and key:
        return key.strip("'") + inner
    if key.isdigit() and int(key) < len(parameters):
        return parameters[int(key)] + inner
    return f"argument {key}{inner}"


def _shown(value: Any) -> str:
    text = "a tensor" if value.__class__ is object else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
