"""Loss functions: (y_true, y_pred) to one value for each sample."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from irc.frontends.errors import RecordValueError, warn
from irc.frontends.lowering import losses as L
from irc.frontends.recorder.storage import located
from irc.frontends.source import noted
from irc.frontends.tensorflow import dtypes, nn
from irc.frontends.tensorflow.array_ops import reshape
from irc.frontends.tensorflow.keras.alignment import same_rank
from irc.frontends.tensorflow.pointwise import (
    abs,
    add,
    cast,
    clip_by_value,
    divide,
    divide_no_nan,
    log,
    maximum,
    multiply,
    negative,
    not_equal,
    pow,
    softplus,
    square,
    subtract,
    where,
)
from irc.frontends.tensorflow.reductions import l2_normalize, normal_axis, reduce_max, reduce_mean, reduce_sum
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor, emit

EPSILON = 1e-7
"""Probabilities stay this far from 0 and 1 (keras.config.epsilon)."""


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    p = convert_to_tensor(y_pred, dtype_hint=dtypes.float32)
    p = p if p.dtype.is_floating else cast(p, dtypes.float32)
    y = convert_to_tensor(y_true, dtype_hint=p.dtype)
    return same_rank(y if y.dtype is p.dtype else cast(y, p.dtype), _kept(p, y_pred))


def _kept(made: Any, given: Any) -> Any:
    """The logits behind a prediction go with it."""
    if made is not given and hasattr(given, "_keras_logits"):
        made._keras_logits = given._keras_logits
    return made


def _elementwise(lower: Any, **defaults: Any) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Notes the lowering of a function that averages over its last dimension, for losses that average over everything."""

    def add_to(function: Any) -> Any:
        function.elementwise = lambda y, p, reduction, **options: emit(
            lower, (p, y), reduction, *{**defaults, **options}.values()
        )
        return function

    return add_to


@_elementwise(L.squared_error)
def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (y_true - y_pred)^2 along the last dimension."""
    y, p = _pair(y_true, y_pred)
    return reduce_mean(square(subtract(y, p)), axis=-1)


@_elementwise(L.absolute_error)
def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |y_true - y_pred| along the last dimension."""
    y, p = _pair(y_true, y_pred)
    return reduce_mean(abs(subtract(y, p)), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 times the mean of |(y_true - y_pred) / y_true|."""
    y, p = _pair(y_true, y_pred)
    return multiply(reduce_mean(abs(divide(subtract(y, p), maximum(abs(y), EPSILON))), axis=-1), 100.0)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (log(1 + y_true) - log(1 + y_pred))^2."""
    y, p = (log(add(maximum(v, EPSILON), 1.0)) for v in _pair(y_true, y_pred))
    return reduce_mean(square(subtract(y, p)), axis=-1)


@_elementwise(L.huber, delta=1.0)
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Half the square below `delta`, linear above; the mean along the last dimension."""
    y, p = _pair(y_true, y_pred)
    return reduce_mean(emit(L.huber, (p, y), "none", float(delta)), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """log(cosh(y_pred - y_true))."""
    y, p = _pair(y_true, y_pred)
    d = subtract(p, y)
    return reduce_mean(subtract(add(d, softplus(multiply(d, -2.0))), 0.6931471805599453), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """The sum of y_true log(y_true / y_pred)."""
    y, p = (clip_by_value(v, EPSILON, 1.0) for v in _pair(y_true, y_pred))
    return reduce_sum(multiply(y, log(divide(y, p))), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """y_pred - y_true log(y_pred)."""
    y, p = _pair(y_true, y_pred)
    return reduce_mean(subtract(p, multiply(y, log(add(p, EPSILON)))), axis=-1)


def _signs(y: Any) -> Any:
    """Labels of 0 and 1 as -1 and 1; others as they are."""
    binary = not_equal(multiply(y, subtract(y, 1.0)), 0.0)
    return where(reduce_max(cast(binary, y.dtype)) > 0.0, y, subtract(multiply(y, 2.0), 1.0))


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(1 - y_true y_pred, 0), labels being -1 and 1 (or 0 and 1)."""
    y, p = _pair(y_true, y_pred)
    return reduce_mean(maximum(subtract(1.0, multiply(_signs(y), p)), 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(1 - y_true y_pred, 0)^2, labels being -1 and 1 (or 0 and 1)."""
    y, p = _pair(y_true, y_pred)
    return reduce_mean(square(maximum(subtract(1.0, multiply(_signs(y), p)), 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(largest wrong score - right score + 1, 0), of one-hot labels."""
    y, p = _pair(y_true, y_pred)
    right, wrong = reduce_sum(multiply(y, p), axis=-1), reduce_max(multiply(subtract(1.0, y), p), axis=-1)
    return maximum(add(subtract(wrong, right), 1.0), 0.0)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle."""
    y, p = _pair(y_true, y_pred)
    return negative(reduce_sum(multiply(l2_normalize(y, axis), l2_normalize(p, axis)), axis=axis))


# Cross-entropies.


class Warned:
    """Warnings already given."""

    __slots__ = ("texts",)

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}


warned = Warned()


def logits_of(y_pred: Any, from_logits: bool, kind: str, name: str) -> tuple[Any, bool]:
    """The logits behind a softmax (or sigmoid) that gave the prediction, which are exact where probabilities round to 0;
    or the prediction itself. Warns where a softmax's result is told to be logits."""
    found = getattr(y_pred, "_keras_logits", None)
    if found is None:
        return y_pred, from_logits
    logits, given_by, made_by = found
    if given_by != kind:
        return y_pred, from_logits
    if from_logits:
        _warn_of_head(name, kind, made_by)
    return logits, True


def _warn_of_head(name: str, kind: str, made_by: Any) -> None:
    text = (
        f"`{name}` received `from_logits=True`, but the `output` argument was produced by a {kind} activation and thus does "
        "not represent logits. Was this intended?"
    )
    span = made_by.span() if made_by is not None else None
    key = f"{text} {span}"
    if key in warned.texts:
        return
    warned.texts[key] = None
    activation = kind.lower()
    warn(
        text,
        span,
        (
            f"drop activation='{activation}' here, or from_logits=True of the loss",
            "what is minimised is the loss of the logits, as if the activation were not there",
        ),
    )


def _smoothed(y: Any, label_smoothing: float) -> Any:
    if not label_smoothing:
        return y
    return add(multiply(y, 1.0 - label_smoothing), label_smoothing / int(y.shape[-1]))


def _says_input(
    operation: str, ignores: str | None = None
) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Notes whether a cross-entropy was told of logits or of probabilities, and of which class it takes no notice."""

    def wrapped(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @functools.wraps(function)
        def told(y_true: Any, y_pred: Any, from_logits: bool = False, *args: Any, **options: Any) -> Tensor:
            given = {} if ignores is None else {"ignored_class": options.get("ignore_class") or ignores}
            with noted(operation, input="logits" if from_logits else "probabilities", **given):
                return function(y_true, y_pred, from_logits, *args, **options)

        return told

    return wrapped


@_says_input("cross entropy")
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """-sum y_true log y_pred, of one-hot labels (or probabilities)."""
    if y_pred.shape[-1] == 1:
        warnings.warn(
            "In loss categorical_crossentropy, expected y_pred.shape to be (batch_size, num_classes) with num_classes > 1. "
            f"Received: y_pred.shape={tuple(y_pred.shape)}. Consider using 'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning, stacklevel=2,
        )  # fmt: skip
    y, p = _pair(y_true, y_pred)
    if y.shape != p.shape:
        hint = (
            "for class numbers write sparse_categorical_crossentropy"
            if y.ndim < p.ndim
            else "labels are one-hot here"
        )
        raise located(
            RecordValueError(
                "Arguments `target` and `output` must have the same shape. Received: "
                f"target.shape={tuple(y.shape)}, output.shape={tuple(p.shape)}",
                notes=(hint,),
            )
        )
    y = _smoothed(y, label_smoothing)
    logits, from_logits = logits_of(p, from_logits, "Softmax", "categorical_crossentropy")
    if from_logits:
        return nn.softmax_cross_entropy_with_logits(y, logits, axis)
    p = divide(p, reduce_sum(p, axis=axis, keepdims=True))
    p = clip_by_value(p, EPSILON, 1.0 - EPSILON)
    return emit(L.soft_likelihood, (log(p), y), normal_axis(axis, p.ndim))


@_says_input("cross entropy", "none")
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """-log of the probability of the class that each label names."""
    p = y_pred if isinstance(y_pred, TensorBase) else convert_to_tensor(y_pred, dtype_hint=dtypes.float32)
    y = class_numbers(y_true, p)
    kept = None if ignore_class is None else not_equal(y, ignore_class)
    logits, from_logits = logits_of(p, from_logits, "Softmax", "sparse_categorical_crossentropy")
    if not from_logits:
        logits = log(clip_by_value(p, EPSILON, 1.0 - EPSILON))
    if kept is None:
        return nn.sparse_softmax_cross_entropy_with_logits(y, logits)
    values = where(kept, nn.cross_entropy_of_numbers(y, logits), 0.0)
    values._keras_mask = kept  # type: ignore[attr-defined]
    return values


def class_numbers(y_true: Any, p: Any) -> Any:
    """Labels as integers, one dimension less than the predictions."""
    y = y_true if isinstance(y_true, TensorBase) else convert_to_tensor(y_true)
    if y.dtype not in (dtypes.int32, dtypes.int64):
        y = cast(y, dtypes.int64)
    if y.ndim == p.ndim and y.shape[-1] == 1:
        y = reshape(y, tuple(y.shape[:-1]))
    if y.ndim != p.ndim - 1 or tuple(y.shape) != tuple(p.shape[:-1]):
        hint = (
            "for one-hot labels write categorical_crossentropy"
            if y.shape == p.shape
            else "labels are class numbers here"
        )
        raise located(
            RecordValueError(
                f"Argument `output` must have rank (ndim) `target.ndim + 1`. Received: target.shape={tuple(y.shape)}, "
                f"output.shape={tuple(p.shape)}",
                notes=(hint,),
            )
        )
    return y


sparse_categorical_crossentropy.takes_class_numbers = True  # type: ignore[attr-defined]


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """-(y log p + (1 - y) log(1 - p)), the mean along the last dimension."""
    return reduce_mean(_binary(y_true, y_pred, from_logits, label_smoothing, "none"), axis=axis)


def _binary(y_true: Any, y_pred: Any, from_logits: bool, label_smoothing: float, reduction: str) -> Tensor:
    y, p = _pair(y_true, y_pred)
    if y.shape != p.shape:
        raise located(
            RecordValueError(
                "Arguments `target` and `output` must have the same shape. Received: "
                f"target.shape={tuple(y.shape)}, output.shape={tuple(p.shape)}"
            )
        )
    if label_smoothing:
        y = add(multiply(y, 1.0 - label_smoothing), 0.5 * label_smoothing)
    told = "logits" if from_logits else "probabilities"
    logits, from_logits = logits_of(p, from_logits, "Sigmoid", "binary_crossentropy")
    clamp = "none" if from_logits else f"probabilities {EPSILON} from 0 and 1"
    with noted("binary cross entropy", input=told, clamp=clamp):
        if from_logits:
            return emit(L.binary_cross_entropy_logits, (logits, y), False, False, reduction)
        return emit(L.binary_cross_entropy_clipped, (p, y), EPSILON, reduction)


binary_crossentropy.elementwise = (  # type: ignore[attr-defined]
    lambda y, p, reduction, from_logits=False, label_smoothing=0.0, axis=-1: _binary(
        y, p, from_logits, label_smoothing, reduction
    )
)


def binary_focal_crossentropy(
    y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
) -> Tensor:  # fmt: skip
    """Lin et al. 2018: samples that are sure weigh less."""
    y, p = _pair(y_true, y_pred)
    if label_smoothing:
        y = add(multiply(y, 1.0 - label_smoothing), 0.5 * label_smoothing)
    p = nn.sigmoid(p) if from_logits else p
    right = add(multiply(y, p), multiply(subtract(1.0, y), subtract(1.0, p)))
    values = multiply(pow(subtract(1.0, right), float(gamma)), _binary(y, p, False, 0.0, "none"))
    if apply_class_balancing:
        values = multiply(add(multiply(y, alpha), multiply(subtract(1.0, y), 1.0 - alpha)), values)
    return reduce_mean(values, axis=axis)


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Tensor:
    """1 - 2 |A and B| / (|A| + |B|)."""
    y, p = _pair(y_true, y_pred)
    both = reduce_sum(multiply(y, p), axis=axis)
    return subtract(
        1.0,
        divide_no_nan(
            multiply(both, 2.0), add(add(reduce_sum(y, axis=axis), reduce_sum(p, axis=axis)), EPSILON)
        ),
    )
