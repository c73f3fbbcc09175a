"""Reductions, and what sorts and counts."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.frontends.errors import RecordError
from irc.frontends.lowering import reduction as L
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.dtypes import dtype
from irc.frontends.torch.pointwise import clamp_min, floating, maximum, minimum, need_tensor, to_dtype, where
from irc.frontends.torch.shaping import normal_dims
from irc.frontends.torch.tensor import Tensor, cut, emit, emit_all, normal_dim
from irc.frontends.torch.writing import into

Dims = int | Sequence[int] | None

MaxResult = namedtuple("MaxResult", ["values", "indices"])
MinResult = namedtuple("MinResult", ["values", "indices"])


def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtype | None = None, axis: Dims = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The sum over dimensions (all by default); integers and booleans add up as int64."""
    need_tensor(input, "sum")
    own = input.dtype
    d = dtype or (own if own.is_floating_point or own.is_complex else dtypes.int64)
    made = emit(L.sum, (input,), normal_dims(dim if axis is None else axis, input.dim()), keepdim, d.element)
    return made if out is None else into(out, made)


def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtype | None = None, axis: Dims = None
) -> Tensor:
    """The mean over dimensions (all by default)."""
    d = dtype or need_tensor(input, "mean").dtype
    if not (d.is_floating_point or d.is_complex):
        raise located(
            RecordError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
                f"{dtypes.SCALAR_TYPE_NAMES[d]}"
            )
        )
    return emit(L.mean, (input,), normal_dims(dim if axis is None else axis, input.dim()), keepdim, d.element)


def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The product over a dimension, or of all elements."""
    d = dtype or (input.dtype if input.dtype.is_floating_point else dtypes.int64)
    return emit(L.product, (input,), normal_dims(dim, input.dim()), keepdim, d.element)


def _spread_measure(name: str, lower: Any) -> Callable[..., Tensor]:
    def run(
        input: Tensor,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: Any = None,
    ) -> Tensor:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        by = (1 if unbiased else 0) if correction is None else correction
        return emit(lower, (input,), normal_dims(dim, input.dim()), keepdim, by)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input, dim): by n - correction, which is 1 by default."
    return run


var, std = _spread_measure("var", L.variance), _spread_measure("std", L.deviation)


def var_mean(
    input: Tensor, dim: Dims = None, *, correction: int = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    return var(input, dim, keepdim=keepdim, correction=correction), mean(input, dim, keepdim)


def std_mean(
    input: Tensor, dim: Dims = None, *, correction: int = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    return std(input, dim, keepdim=keepdim, correction=correction), mean(input, dim, keepdim)


def _extreme(name: str, lower: Any, largest: bool, kind: Any, pairwise: Any) -> Callable[..., Any]:
    def run(
        input: Tensor,
        dim: Any = None,
        keepdim: bool = False,
        *,
        other: Tensor | None = None,
        axis: Any = None,
    ) -> Any:
        need_tensor(input, name)
        if isinstance(dim, Tensor) or other is not None:
            return pairwise(input, dim if other is None else other)
        dim = dim if axis is None else axis
        if input.numel() == 0 and dim is None:
            raise located(
                RecordError(
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                    "with the 'dim' argument."
                )
            )
        if dim is None:
            return emit(lower, (input,), normal_dims(None, input.dim()), keepdim)
        if input.dim() == 0:
            return kind(input.clone(), to_dtype(input.detach() * 0, dtypes.int64))
        return kind(*emit_all(L.extreme, (input,), normal_dim(dim, input.dim()), keepdim, largest))

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}: of all elements, along a dimension (with the indices), or of two tensors."
    return run


max = _extreme("max", L.maximum, True, MaxResult, maximum)
min = _extreme("min", L.minimum, False, MinResult, minimum)


def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    return emit(L.maximum, (input,), normal_dims(dim, input.dim()), keepdim)


def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    return emit(L.minimum, (input,), normal_dims(dim, input.dim()), keepdim)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    return amin(input, dim, keepdim), amax(input, dim, keepdim)


def _argument(name: str, largest: bool) -> Callable[..., Tensor]:
    def run(
        input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None
    ) -> Tensor:
        need_tensor(input, name)
        dim = dim if axis is None else axis
        place = None if dim is None or input.dim() == 0 else normal_dim(dim, input.dim())
        return emit(L.argument, (input,), place, keepdim, largest)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input, dim): the first index, int64."
    return run


argmax, argmin = _argument("argmax", True), _argument("argmin", False)


def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    return emit(L.all_of, (input,), normal_dims(dim, input.dim()), keepdim)


def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    return emit(L.any_of, (input,), normal_dims(dim, input.dim()), keepdim)


def norm(
    input: Tensor, p: Any = "fro", dim: Dims = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The p-norm of the elements (2 by default)."""
    power = {"fro": 2.0, None: 2.0, "inf": math.inf, "-inf": -math.inf}.get(p, p)
    if isinstance(power, str):
        raise located(RecordError(f"norm of order '{p}' is not there: 'fro' or a number"))
    x = to_dtype(input, dtype or floating(input.dtype))
    return emit(L.norm, (x,), normal_dims(dim, input.dim()), keepdim, float(power))


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    return norm(input - other, p)


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log(sum(exp(input))) along dimensions, without overflow."""
    dims = normal_dims(dim, input.dim())
    peak = emit(L.finite_peak, (cut(input),), dims)
    return emit(L.log_sum_exp, (input, peak), dims, keepdim)


def _softmax_like(name: str, lower: Any) -> Callable[..., Tensor]:
    def run(input: Tensor, dim: int | None = None, dtype: dtype | None = None, **ignored: Any) -> Tensor:
        x = to_dtype(input, dtype) if dtype is not None else input
        d = normal_dim(default_dim(x.dim()) if dim is None else dim, x.dim())
        if x.dim() == 0:
            return lower_scalar(lower, x)
        peak = emit(L.maximum, (cut(x),), (d,), True)
        return emit(lower, (x, peak), d)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input, dim)."
    return run


def lower_scalar(lower: Any, x: Tensor) -> Tensor:
    """A softmax of a scalar: that of one element."""
    wide = x.reshape(1)
    made = emit(lower, (wide, cut(wide)), 0)
    return made.reshape(())


def default_dim(rank: int) -> int:
    """The dimension that softmax without one takes (PyTorch's old rule)."""
    return 0 if rank in (0, 1, 3) else 1


softmax, log_softmax = _softmax_like("softmax", L.softmax), _softmax_like("log_softmax", L.log_softmax)


def cumsum(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """Running sums along a dimension."""
    d = dtype or (input.dtype if input.dtype.is_floating_point else dtypes.int64)
    return emit(L.cumulative, (input,), normal_dim(dim, input.dim()), hlo.Add, 0, d.element)


def cumprod(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """Running products along a dimension."""
    d = dtype or (input.dtype if input.dtype.is_floating_point else dtypes.int64)
    return emit(L.cumulative, (input,), normal_dim(dim, input.dim()), hlo.Multiply, 1, d.element)


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    return emit(L.count_nonzero, (input,), normal_dims(dim, input.dim()))


def median_of_sorted(values: Tensor, n: int) -> Tensor:
    return values.select(-1, (n - 1) // 2)


def trace(input: Tensor) -> Tensor:
    return sum(input.diagonal())


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """input over its norm along a dimension, which is at least eps."""
    return input / clamp_min(norm(input, p, dim, keepdim=True), eps)


def renorm_to(input: Tensor, limit: float, p: float = 2.0) -> Tensor:
    """Rows longer than `limit` scaled down to it."""
    size = norm(input, p, 1, keepdim=True)
    return where(size > limit, input * (limit / (size + 1e-7)), input)


for _name, _function in {
    "sum": sum, "mean": mean, "prod": prod, "var": var, "std": std, "max": max, "min": min, "amax": amax, "amin": amin,
    "argmax": argmax, "argmin": argmin, "all": all, "any": any, "norm": norm, "logsumexp": logsumexp,
    "softmax": softmax, "log_softmax": log_softmax, "cumsum": cumsum, "cumprod": cumprod,
    "count_nonzero": count_nonzero, "trace": trace, "dist": dist,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)
