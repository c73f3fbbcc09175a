"""Tensors made from nothing: constants, filled ones, counts, classes as vectors."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from irc.frontends.autograph.staging import TensorRange
from irc.frontends.errors import RecordTypeError
from irc.frontends.lowering import creation as C
from irc.frontends.lowering import losses as Losses
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.array_ops import broadcast_to, expand_dims, extents, reshape, transpose
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.pointwise import cast, where
from irc.frontends.tensorflow.reductions import normal_axis
from irc.frontends.tensorflow.tensor import (
    Tensor,
    TensorBase,
    convert_to_tensor,
    emit,
    from_array,
    is_number,
    literal,
)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """A tensor with a copy of the value; a single one fills the shape."""
    made: Tensor = convert_to_tensor(value, None if isinstance(value, TensorBase) else dtype)
    if shape is None:
        return made
    wanted = extents(shape)
    if made.shape.num_elements() == 1:
        return broadcast_to(reshape(made, ()), wanted)
    if made.shape.num_elements() != math.prod(wanted):
        raise located(
            RecordTypeError(
                f"Eager execution of tf.constant with unsupported shape. Tensor {made} (converted from {value!r:.60}) has "
                f"{made.shape.num_elements()} elements, but got `shape` {wanted} with {math.prod(wanted)} elements."
            )
        )
    return reshape(made, wanted)


def _filled(value: Any, shape: Any, dtype: Any) -> Tensor:
    return emit(C.filled, (literal(value, dtypes.as_dtype(dtype)),), extents(shape), op="Fill")


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Tensor:
    """A tensor of zeros: `shape` is a list, a TensorShape or an integer tensor whose value is known."""
    return _filled(0, shape, dtype)


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Tensor:
    """A tensor of ones, of a shape given as for `zeros`."""
    return _filled(1, shape, dtype)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Tensor:
    """Zeros of the input's shape, and of its dtype unless another is given."""
    x = input if isinstance(input, TensorBase) else convert_to_tensor(input)
    return _filled(0, x.shape, dtype or x.dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Tensor:
    """Ones of the input's shape, and of its dtype unless another is given."""
    x = input if isinstance(input, TensorBase) else convert_to_tensor(input)
    return _filled(1, x.shape, dtype or x.dtype)


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Tensor:
    """A tensor of one value, whose dtype it has."""
    if is_number(value):
        return _filled(value, dims, dtypes.of_number(value))
    return emit(C.filled, (convert_to_tensor(value),), extents(dims), op="Fill")


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    n, m = int(num_rows), int(num_rows if num_columns is None else num_columns)
    made = emit(C.identity_matrix, (), n, m, dtypes.as_dtype(dtype).element, op="Eye")
    return made if batch_shape is None else broadcast_to(made, (*extents(batch_shape), n, m))


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """start, start + delta, ... up to `limit`, which is left out."""
    if limit is None:
        start, limit = 0, start
    found = [v.dtype for v in (start, limit, delta) if isinstance(v, (TensorBase, np.generic))]
    numbers = [
        v._look("a bound of tf.range").item() if isinstance(v, TensorBase) else v
        for v in (start, limit, delta)
    ]
    if dtype is not None:
        d = dtypes.as_dtype(dtype)
    else:
        kinds = [dtypes.as_dtype(f) for f in found] + [dtypes.of_number(n) for n in numbers]
        d = max(kinds, key=[dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64].index)
    low, high, step = numbers
    if step == 0:
        raise located(InvalidArgumentError("Requires delta != 0: 0 [Op:Range]"))
    if (high - low) / step < 0:
        raise located(
            InvalidArgumentError(
                f"Requires start {'<=' if step > 0 else '>='} limit when delta {'>' if step > 0 else '<'} 0: {low}/{high} [Op:Range]"
            )
        )
    return emit(C.count, (), max(0, math.ceil((high - low) / step)), low, step, d.element, op="Range")


def _lazy_range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Any = None
) -> TensorRange:
    """What a `for` of a traced function goes over: the numbers are not made."""
    return TensorRange(start, limit, delta, None if dtype is None else dtypes.as_dtype(dtype))


range.__dict__["_irc_lazy_range"] = _lazy_range


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """`num` numbers from start to stop, both included."""
    a, b = convert_to_tensor(start), convert_to_tensor(stop)
    if a.dtype.is_integer:
        a, b = cast(a, dtypes.float64), cast(b, dtypes.float64)
    n = int(num)
    if n <= 0:
        raise located(InvalidArgumentError(f"Requires num > 0: {n} [Op:LinSpace]"))
    if a.ndim == 0 and a._read().array is not None and b._read().array is not None:
        return from_array(np.linspace(a.numpy(), b.numpy(), n, dtype=a.dtype.numpy))
    steps = reshape(cast(range(n), a.dtype) / max(n - 1, 1), (n, *(1,) * a.ndim))
    return a + (b - a) * steps


lin_space = linspace


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """on_value at each index along a new axis (the last), off_value elsewhere; all off for an index out of range."""
    x = convert_to_tensor(indices)
    if not x.dtype.is_integer:
        raise located(
            InvalidArgumentError(
                f"Value for attr 'TI' of {x.dtype.word} is not in the list of allowed values: uint8, int8, int32, int64 [Op:OneHot]"
            )
        )
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    given = next((v for v in (on_value, off_value) if v is not None), None)
    d = (
        dtypes.as_dtype(dtype)
        if dtype is not None
        else convert_to_tensor(given).dtype
        if given is not None
        else dtypes.float32
    )
    made = emit(
        Losses.one_hot,
        (x,),
        int(depth),
        dtypes.bool_.element if given is not None else d.element,
        op="OneHot",
    )
    if given is not None:
        made = where(made, _as(on, d), _as(off, d))
    if axis in (None, -1, x.ndim):
        return made
    order = list(builtins.range(x.ndim))
    order.insert(normal_axis(axis, x.ndim + 1), x.ndim)
    return transpose(made, order)


def _as(value: Any, d: Any) -> Any:
    return convert_to_tensor(value, d)


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Grids of coordinates of vectors."""
    parts = [convert_to_tensor(a) for a in args]
    lengths = [p._read().type.size for p in parts]
    out = []
    for i, p in enumerate(parts):
        wide = [1] * len(parts)
        wide[i] = lengths[i]
        grid = broadcast_to(reshape(p, wide), lengths)
        if indexing == "xy" and len(parts) > 1:
            grid = transpose(grid, (1, 0, *builtins.range(2, len(parts))))
        out.append(grid)
    return out


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None
) -> Tensor:
    """True up to each length."""
    x = convert_to_tensor(lengths)
    n = int(x.numpy().max()) if maxlen is None else int(maxlen)
    return cast(cast(range(n), x.dtype) < expand_dims(x, -1), dtype)
