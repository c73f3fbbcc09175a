"""tf.custom_gradient: a function that says itself what its gradient is, one composite of the program for each call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from irc.frontends.custom import Gradients, with_gradient
from irc.frontends.errors import RecordTypeError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import Handle, located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.recording import history_kept, tapes
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor, emit, wrap
from irc.frontends.tensorflow.variable import Variable
from irc.passes.expression import zeros_like


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """`f(*tensors)` gives (result, grad), where `grad(*upstream)` gives the gradients of the arguments.

    With variables in `f`, grad takes `variables=` as well and gives (gradients, gradients of the variables)."""
    if f is None:
        return custom_gradient
    function = f

    @functools.wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        given = tuple(nest.map_structure(_as_tensor, a) for a in args)
        if not (tapes.recording or recorder.differentiating or recorder.graph.tracing):
            return nest.map_structure(_as_tensor, function(*given, **kwargs)[0])
        with history_kept():
            return _recorded(function, given, kwargs)

    return decorated


def _as_tensor(value: Any) -> Tensor:
    return convert_to_tensor(value)


def _recorded(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """One call, as a composite."""

    def run(*tensors: Handle) -> tuple[Any, Callable[[list[Handle | None]], Gradients]]:
        result, grad = function(*nest.pack_sequence_as(args, tensors), **kwargs)
        variables = _variables_read()
        takes_variables = _takes_variables(grad)
        if variables and not takes_variables:
            raise located(
                RecordTypeError(
                    f"{function.__name__} uses {variables[0].name}: its gradient has to take them, too",
                    notes=(
                        "write def grad(*upstream, variables=None): and return gradients, gradients_of_variables",
                    ),
                )
            )
        made = nest.map_structure(_as_tensor, result)
        flat = nest.flatten(made)

        def reverse(upstream: list[Handle | None]) -> Gradients:
            given = [emit(_zeros, (t,)) if g is None else g for g, t in zip(upstream, flat, strict=True)]
            if not (variables and takes_variables):
                return [_gradient(g) for g in _listed(grad(*given))], []
            first, second = grad(*given, variables=variables)
            pairs = zip(variables, map(_gradient, _listed(second)), strict=True)
            return [_gradient(g) for g in _listed(first)], [(v, g) for v, g in pairs if g is not None]

        return made, reverse

    return with_gradient(function.__name__, run, [_current(t) for t in nest.flatten(args)])


def _current(tensor: TensorBase) -> TensorBase:
    """The tensor, outside the gradient where the tape that recorded it is gone."""
    value = tensor._read()
    is_gone = value.has_history and value.node is not None and value.node.freed
    return wrap(value.alias()) if is_gone else tensor


def _variables_read() -> list[Variable]:
    """The variables that what is being recorded has read, each once."""
    found: dict[int, Variable] = {}
    for node in recorder.graph.pending:
        for value in node.inputs:
            holder = value.leaf() if value.leaf is not None else None
            if isinstance(holder, Variable):
                found.setdefault(id(holder), holder)
    return list(found.values())


def _zeros(scope: Any, x: Any) -> Any:
    return zeros_like(x)


def _takes_variables(grad: Callable[..., Any]) -> bool:
    parameters = inspect.signature(grad).parameters.values()
    return any(p.name == "variables" or p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _gradient(value: Any) -> Tensor | None:
    return None if value is None else convert_to_tensor(value)


def _listed(value: Any) -> list[Any]:
    return list(nest.flatten(value)) if isinstance(value, (list, tuple)) else [value]
