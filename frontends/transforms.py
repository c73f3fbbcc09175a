"""irc.grad and irc.value_and_grad: functions that give gradients of functions of tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from irc.frontends.errors import RecordTypeError
from irc.frontends.recorder.gradient import backward
from irc.frontends.recorder.graph import apply, differentiated, recorder
from irc.frontends.recorder.storage import Handle, located
from irc.frontends.recorder.value import Recorded
from irc.ir.types import FloatType


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives `function`'s scalar result and its gradient with respect to some arguments.

    An argument may be a tensor or a nested tuple, list or dict of tensors; its gradient has the same structure. With
    `has_aux` the function gives (value, aux), and the result is ((value, aux), gradients)."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        wanted: list[Recorded] = []
        marked = list(args)
        for n in numbers:
            marked[n] = map_tensors(args[n], lambda t: leaf(t, wanted))
        with differentiated() as before:
            out = function(*marked, **kwargs)
            value = out[0] if has_aux else out
            nested = before and is_nested(args, numbers)
            gradients = _gradients(value, wanted, create=nested)
        kind = type(value)
        found = iter(gradients)
        made = [map_tensors(args[n], lambda t: wrap(kind, next(found))) for n in numbers]
        result = made[0] if isinstance(argnums, int) else tuple(made)
        if not nested:
            value = wrap(kind, value._read().alias())
        return ((value, out[1]) if has_aux else value), result

    return run


def grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The gradient alone; with `has_aux`, (gradient, aux)."""
    both = value_and_grad(function, argnums, has_aux)

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        out, gradients = both(*args, **kwargs)
        return (gradients, out[1]) if has_aux else gradients

    return run


def map_tensors(value: Any, f: Callable[[Handle], Any]) -> Any:
    """A nested structure with `f` of each tensor in its place."""
    if isinstance(value, Handle):
        return f(value)
    if isinstance(value, dict):
        return {k: map_tensors(v, f) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map_tensors(v, f) for v in value)
    return value


def leaf(tensor: Handle, wanted: list[Recorded]) -> Handle:
    """The tensor, with a value that a gradient can be asked for."""
    value = tensor._read()
    if type(value.type.element) is not FloatType:
        raise located(
            RecordTypeError(f"a gradient is with respect to floating-point tensors, not {value.type}")
        )
    if value.requires_grad:
        # A value of its own, or an inner gradient would take the outer one's variable for its own.
        value = apply(_same, (value,))[0]
    else:
        value = value.alias()
        value.requires_grad = True
        # A leaf without a tensor to collect its gradient: `wanted` asks for it.
        value.leaf = _nobody
    made = type(tensor).__new__(type(tensor))
    made._hold(value)
    wanted.append(made._read())
    return made


def _nobody() -> None:
    return None


def _same(scope: Any, x: Any) -> Any:
    return x


def is_nested(args: Sequence[Any], numbers: Sequence[int]) -> bool:
    """Whether an argument already carries a gradient: then the gradient's own is recorded."""
    found: list[bool] = []
    for n in numbers:
        map_tensors(args[n], lambda t: found.append(t._read().requires_grad))
    return any(found)


def _gradients(value: Any, wanted: list[Recorded], create: bool) -> list[Recorded | None]:
    if not isinstance(value, Handle) or value._read().type.shape != ():
        raise located(RecordTypeError("a gradient is of a function that gives one scalar tensor"))
    root = value._read()
    if not root.requires_grad:
        return [None] * len(wanted)
    recorder.grad_enabled = create
    pairs = backward([root], None, wanted, retain=create)
    found = {id(v): g for v, g in pairs}
    return [found.get(id(w)) for w in wanted]


def wrap(kind: Any, value: Recorded | None) -> Any:
    """A tensor of this kind around a value; None for none."""
    if value is None:
        return None
    made = kind.__new__(kind)
    made._hold(value)
    return made
