"""tf.custom_gradient: a function that says itself what its gradient is.

Its results are where differentiation ends; a tape that meets them asks the function's own gradient and goes on behind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from irc.errors import UnsupportedError
from irc.frontends.errors import RecordTypeError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Recorded
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.gradient_tape import GradientTape
from irc.frontends.tensorflow.recording import CustomCall, tapes
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor, wrap


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """`f(*tensors)` gives (result, grad), where `grad(*upstream)` gives the gradients of the arguments.

    With variables in `f`, grad takes `variables=` as well and gives (gradients, gradients of the variables)."""
    if f is None:
        return custom_gradient
    function = f

    @functools.wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        given = tuple(nest.map_structure(_as_tensor, a) for a in args)
        if not tapes.recording:
            return nest.map_structure(_as_tensor, function(*given, **kwargs)[0])
        if any(tape.graph is not recorder.graph for tape in tapes.recording):
            raise located(
                UnsupportedError(
                    f"{function.__name__} has a gradient of its own, and is traced under a tape from outside the traced function",
                    notes=("put `with tf.GradientTape()` inside the function that tf.function traces",),
                )
            )
        return _recorded(function, given, kwargs)

    return decorated


def _as_tensor(value: Any) -> Tensor:
    return convert_to_tensor(value)


def _recorded(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Calls it and notes the call with the tapes' session; the results are cut from what made them."""
    with GradientTape() as own:
        result, grad = function(*args, **kwargs)
    session = own._session
    assert session is not None
    inputs = [t._read() for t in nest.flatten(args) if isinstance(t, TensorBase)]
    variables = own.watched_variables()
    made = [_cut(_as_tensor(t)) for t in nest.flatten(result)]
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
    sources = [*inputs, *(v._read() for v in variables)]
    if any(s.requires_grad for s in sources):
        for t in made:
            value = t._read()
            value.requires_grad, value.leaf = True, nobody
            session.watched.append(value)
        session.customs.append(
            CustomCall(
                tuple(inputs),
                tuple(v._read() for v in variables),
                tuple(t._read() for t in made),
                functools.partial(_gradients, grad, list(variables) if takes_variables else None),
                recorder.sequence,
            )
        )
    return nest.pack_sequence_as(result, made)


def nobody() -> None:
    """The leaf of such a result: it collects no gradient."""
    return None


def _cut(tensor: TensorBase) -> Tensor:
    return wrap(tensor._read().alias())


def _takes_variables(grad: Callable[..., Any]) -> bool:
    parameters = inspect.signature(grad).parameters.values()
    return any(p.name == "variables" or p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _gradients(
    grad: Callable[..., Any], variables: list[Any] | None, upstream: list[Tensor]
) -> list[Recorded | None]:
    """What the function's gradient gives for its arguments, then for its variables."""
    if variables:
        first, second = grad(*upstream, variables=variables)
        found = [*_listed(first), *_listed(second)]
    else:
        found = _listed(grad(*upstream))
    return [None if g is None else convert_to_tensor(g)._read() for g in found]


def _listed(value: Any) -> list[Any]:
    return list(nest.flatten(value)) if isinstance(value, (list, tuple)) else [value]
