"""keras.activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import elementwise as W
from irc.frontends.recorder.storage import located
from irc.frontends.source import Site, scopes
from irc.frontends.suggest import advice, missing
from irc.frontends.tensorflow import nn
from irc.frontends.tensorflow.pointwise import exp, floating, minimum, where
from irc.frontends.tensorflow.pointwise import sigmoid as _sigmoid
from irc.frontends.tensorflow.pointwise import softplus as _softplus
from irc.frontends.tensorflow.pointwise import tanh as _tanh
from irc.frontends.tensorflow.tensor import Tensor, convert_to_tensor, emit


def _with_logits(made: Tensor, x: Any, kind: str) -> Tensor:
    """Notes what a softmax or sigmoid was taken of: cross-entropies start from there."""
    scope = scopes.current
    made_at = scope.module.__dict__.get("_made_at") if scope is not None else None
    made._keras_logits = (x, kind, made_at or Site.here())  # type: ignore[attr-defined]
    return made


def linear(x: Any) -> Any:
    """x itself."""
    return x


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """x where it is at least the threshold, else negative_slope * (x - threshold); at most max_value."""
    x = convert_to_tensor(x)
    if not threshold:
        y = nn.leaky_relu(x, negative_slope) if negative_slope else nn.relu(x)
    else:
        low = negative_slope * (x - threshold) if negative_slope else 0.0 * x
        y = where(x >= threshold, x, low)
    return y if max_value is None else minimum(y, float(max_value))


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x above 0, negative_slope * x below."""
    return nn.leaky_relu(x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """alpha * (exp(x) - 1) below 0, x above."""
    return emit(W.elu, (floating(x, "Elu"),), float(alpha), 1.0, 1.0)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) over its sum along the axis."""
    x = convert_to_tensor(x)
    return _with_logits(nn.softmax(x, axis=axis), x, "Softmax")


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x))."""
    x = convert_to_tensor(x)
    return _with_logits(_sigmoid(x), x, "Sigmoid")


def tanh(x: Any) -> Tensor:
    """tanh(x)."""
    return _tanh(x)


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x))."""
    return _softplus(x)


def exponential(x: Any) -> Tensor:
    """exp(x)."""
    return exp(x)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x times the normal distribution function."""
    return nn.gelu(x, approximate)


def silu(x: Any) -> Tensor:
    """x sigmoid(x)."""
    return nn.silu(x)


def hard_sigmoid(x: Any) -> Tensor:
    """x / 6 + 1 / 2 between 0 and 1."""
    return emit(W.hardsigmoid, (floating(x, "HardSigmoid"),))


def hard_silu(x: Any) -> Tensor:
    """x hard_sigmoid(x)."""
    return emit(W.hardswish, (floating(x, "HardSilu"),))


def mish(x: Any) -> Tensor:
    """x tanh(softplus(x))."""
    return emit(W.mish, (floating(x, "Mish"),))


def hard_tanh(x: Any) -> Tensor:
    """x between -1 and 1."""
    return emit(W.hardtanh, (floating(x, "HardTanh"),), -1.0, 1.0)


relu6, selu, softsign, log_softmax = nn.relu6, nn.selu, nn.softsign, nn.log_softmax
swish, hard_swish = silu, hard_silu

ALL: dict[str, Callable[..., Any]] = {
    "linear": linear, "relu": relu, "leaky_relu": leaky_relu, "relu6": relu6, "elu": elu, "selu": selu,
    "softmax": softmax, "log_softmax": log_softmax, "sigmoid": sigmoid, "tanh": tanh, "softplus": softplus,
    "softsign": softsign, "exponential": exponential, "gelu": gelu, "silu": silu, "swish": silu,
    "hard_sigmoid": hard_sigmoid, "hard_silu": hard_silu, "hard_swish": hard_silu, "mish": mish, "hard_tanh": hard_tanh,
}  # fmt: skip


def get(identifier: Any) -> Any:
    """An activation from a name or a function; None is linear."""
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        found = ALL.get(identifier)
        if found is None:
            raise located(
                RecordValueError(
                    f"Could not interpret activation function identifier: {identifier}",
                    notes=advice(identifier, ALL, quoted=True),
                )
            )
        return found
    if callable(identifier):
        return identifier
    raise located(RecordValueError(f"Could not interpret activation function identifier: {identifier}"))


def serialize(activation: Any) -> str:
    """The name of an activation."""
    return getattr(activation, "__name__", type(activation).__name__)


deserialize = get
__getattr__ = missing("keras.activations", globals())
