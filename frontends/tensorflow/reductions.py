"""Reductions over axes, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import normalization as N
from irc.frontends.lowering import reduction as L
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.pointwise import cast, floating, maximum, rsqrt, sqrt, square
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor, cut, emit, emit_all


def normal_axis(axis: Any, rank: int, op: str = "") -> int:
    """An axis counted from the front; InvalidArgumentError when it is out of range."""
    if isinstance(axis, (TensorBase, np.ndarray)):
        axis = int(axis)
    if not -rank <= axis < rank:
        raise located(
            InvalidArgumentError(
                f"Invalid reduction dimension ({axis} for input with {rank} dimension(s)"
                + (f" [Op:{op}]" if op else "")
            )
        )
    return axis + rank if axis < 0 else int(axis)


def normal_axes(axis: Any, rank: int, op: str = "") -> tuple[int, ...]:
    """One axis or several, counted from the front, in order; all of them for None."""
    if axis is None:
        return tuple(range(rank))
    if isinstance(axis, TensorBase):
        axis = axis.numpy().tolist()
    given = list(axis) if isinstance(axis, (list, tuple, range, np.ndarray)) else [axis]
    found = [normal_axis(a, rank, op) for a in given]
    if len(set(found)) != len(found):
        raise located(
            InvalidArgumentError(
                f"Invalid reduction arguments: Axes contains duplicate dimension: {found[0]} [Op:{op}]"
            )
        )
    return tuple(sorted(found))


def _reduction(
    name: str, op: str, lower: Any, *, typed: bool = False, booleans: bool = False
) -> Callable[..., Tensor]:
    def run(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        x = convert_to_tensor(
            input_tensor, dtypes.bool_ if booleans and not isinstance(input_tensor, TensorBase) else None
        )
        if x.dtype.is_bool is not booleans:
            wanted = "bool" if booleans else "numeric"
            raise located(
                InvalidArgumentError(
                    f"cannot compute {op} as input #0(zero-based) was expected to be a {wanted} tensor but is a "
                    f"{x.dtype.word} tensor [Op:{op}]"
                )
            )
        axes = normal_axes(axis, x.ndim, op)
        statics = (axes, bool(keepdims), x.dtype.element) if typed else (axes, bool(keepdims))
        return emit(lower, (x,), *statics, op=op)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"tf.{name}(input_tensor, axis=None, keepdims=False)."
    return run


reduce_sum = _reduction("reduce_sum", "Sum", L.sum, typed=True)
reduce_prod = _reduction("reduce_prod", "Prod", L.product, typed=True)
reduce_mean = _reduction("reduce_mean", "Mean", L.mean, typed=True)
reduce_max, reduce_min = (
    _reduction("reduce_max", "Max", L.maximum),
    _reduction("reduce_min", "Min", L.minimum),
)
reduce_all = _reduction("reduce_all", "All", L.all_of, booleans=True)
reduce_any = _reduction("reduce_any", "Any", L.any_of, booleans=True)


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The mean square distance from the mean."""
    x = floating(input_tensor, "Variance")
    return emit(L.variance, (x,), normal_axes(axis, x.ndim), bool(keepdims), 0, op="Variance")


def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The root of the variance."""
    return sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """log(sum(exp(x))), without overflow."""
    x = floating(input_tensor, "LogSumExp")
    axes = normal_axes(axis, x.ndim)
    peak = emit(L.finite_peak, (cut(x),), axes)
    return emit(L.log_sum_exp, (x, peak), axes, bool(keepdims), op="LogSumExp")


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The root of the sum of squares along the axes (of all elements by default)."""
    return norm(input_tensor, axis=axis, keepdims=keepdims)


def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """How many elements are not zero."""
    x = convert_to_tensor(input)
    return reduce_sum(cast(x != 0, dtype), axis, keepdims)


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The norm of a vector, or of all elements: `ord` is euclidean, a number or infinity."""
    x = floating(tensor, "Norm")
    power = 2.0 if ord in ("euclidean", "fro") else ord
    if isinstance(power, str):
        raise located(
            RecordValueError(
                f"'ord' must be a supported matrix norm in ['euclidean', 'fro', number], got {ord}"
            )
        )
    return emit(L.norm, (x,), normal_axes(axis, x.ndim), bool(keepdims), float(power), op="Norm")


def _argument(name: str, op: str, largest: bool) -> Callable[..., Tensor]:
    def run(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
        x = convert_to_tensor(input)
        d = normal_axis(0 if axis is None else axis, x.ndim, op)
        return cast(emit(L.argument, (x,), d, False, largest, op=op), output_type)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"tf.{name}(input, axis=0): the first such index along an axis."
    return run


argmax, argmin = _argument("argmax", "ArgMax", True), _argument("argmin", "ArgMin", False)


def _softmax_like(name: str, op: str, lower: Any) -> Callable[..., Tensor]:
    def run(logits: Any, axis: int | None = None, name: str | None = None) -> Tensor:
        x = floating(logits, op)
        if not x.ndim:
            raise located(InvalidArgumentError(f"logits must have at least one dimension [Op:{op}]"))
        d = normal_axis(-1 if axis is None else axis, x.ndim, op)
        peak = emit(L.maximum, (cut(x),), (d,), True)
        return emit(lower, (x, peak), d, op=op)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"tf.nn.{name}(logits, axis=-1)."
    return run


softmax = _softmax_like("softmax", "Softmax", L.softmax)
log_softmax = _softmax_like("log_softmax", "LogSoftmax", L.log_softmax)


def _cumulative(name: str, op: str, cls: Any, start: int) -> Callable[..., Tensor]:
    def run(
        x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
    ) -> Tensor:
        x = convert_to_tensor(x)
        d = normal_axis(axis, x.ndim, op)
        return emit(L.running, (x,), d, cls, start, bool(exclusive), bool(reverse), op=op)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"tf.{name}(x, axis=0, exclusive=False, reverse=False)."
    return run


cumsum, cumprod = (
    _cumulative("cumsum", "Cumsum", hlo.Add, 0),
    _cumulative("cumprod", "Cumprod", hlo.Multiply, 1),
)


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """x over its euclidean norm, which is at least the root of epsilon."""
    x = floating(x, "L2Normalize")
    total = reduce_sum(square(x), axis if dim is None else dim, True)
    return x * rsqrt(maximum(total, epsilon))


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes."""
    x = floating(x, "Moments")
    found = normal_axes(axes, x.ndim)
    mean, variance = emit_all(N.both_moments, (x,), found, bool(keepdims), op="Moments")
    return mean, variance
