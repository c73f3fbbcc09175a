"""Making tensors, and changing their shape: reshape, transpose, concat, split, pad, tile."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.frontends.batches import check_merged_batch
from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.lowering import indexing as I
from irc.frontends.lowering import shape as L
from irc.frontends.lowering.elementwise import broadcast_shape
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.reductions import normal_axes, normal_axis
from irc.frontends.tensorflow.shape import TensorShape, bracketed
from irc.frontends.tensorflow.tensor import (
    Tensor,
    TensorBase,
    convert_to_tensor,
    emit,
    from_array,
    wrap,
)


def extents(shape: Any, what: str = "shape") -> tuple[int, ...]:
    """A shape given as numbers, a TensorShape, an array or a tensor; a tensor's value is looked at unless it is static."""
    if isinstance(shape, TensorBase):
        shape = static_value(shape)
    given = [shape] if isinstance(shape, (int, np.integer)) else list(shape)
    out = []
    for n in given:
        if n is None:
            raise located(
                RecordValueError(
                    f"Cannot convert a partially known TensorShape {TensorShape(shape)} to a Tensor."
                )
            )
        if isinstance(n, (float, np.floating)) and not isinstance(n, TensorBase):
            raise located(RecordTypeError(f"Cannot convert {n!r} to EagerTensor of dtype int32"))
        out.append(int(n))
    return tuple(out)


def static_value(tensor: TensorBase) -> Any:
    """The value of an integer tensor that has to be known: a list or a number."""
    return np.asarray(tensor._look("a shape")).tolist()


# Shapes.


def shape(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """The shape as an integer vector: known when it is recorded."""
    x = input if isinstance(input, TensorBase) else convert_to_tensor(input)
    return from_array(np.array(x._read().type.shape, dtypes.as_dtype(out_type).numpy))


def size(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """The number of elements, as a scalar of `out_type`."""
    x = input if isinstance(input, TensorBase) else convert_to_tensor(input)
    return from_array(np.array(x._read().type.size, dtypes.as_dtype(out_type).numpy))


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions, as an int32 scalar."""
    x = input if isinstance(input, TensorBase) else convert_to_tensor(input)
    return from_array(np.array(x.ndim, np.int32))


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements in another shape; -1 is worked out."""
    x = convert_to_tensor(tensor)
    given, count = extents(shape), x._read().type.size
    unknown = [i for i, n in enumerate(given) if n == -1]
    if len(unknown) > 1:
        raise located(
            InvalidArgumentError(
                f"Only one input size may be -1, not both {unknown[0]} and {unknown[1]} [Op:Reshape]"
            )
        )
    known = math.prod(n for n in given if n != -1)
    if unknown and known and count % known == 0:
        target = tuple(count // known if n == -1 else n for n in given)
        check_merged_batch(
            x._read().type.shape, given, target, "reshape", "tf.reshape(x, (tf.shape(x)[0], -1))"
        )
        return emit(L.reshape, (x,), target, op="Reshape")
    if unknown:
        raise located(
            InvalidArgumentError(
                f"Input to reshape is a tensor with {count} values, but the requested shape requires a multiple of {known} "
                "[Op:Reshape]",
                notes=(f"the tensor is {x.shape}",),
            )
        )
    if known != count:
        raise located(
            InvalidArgumentError(
                f"Input to reshape is a tensor with {count} values, but the requested shape has {known} [Op:Reshape]",
                notes=(f"the tensor is {x.shape}",),
            )
        )
    return emit(L.reshape, (x,), given, op="Reshape")


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str = "transpose") -> Tensor:
    """Dimensions in another order; reversed by default."""
    x = convert_to_tensor(a)
    order = tuple(reversed(builtins.range(x.ndim))) if perm is None else extents(perm)
    order = tuple(d + x.ndim if d < 0 else d for d in order)
    if sorted(order) != list(builtins.range(x.ndim)):
        raise located(
            InvalidArgumentError(
                f"transpose expects a vector of size {x.ndim}. But input(1) is {list(order)} [Op:Transpose]"
            )
        )
    return emit(L.transpose, (x,), order, op="Transpose")


def identity(input: Any, name: str | None = None) -> Tensor:
    """The same elements as a new tensor; a variable is read."""
    return emit(L.identity, (convert_to_tensor(input),), op="Identity")


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same elements, through which gradients do not flow."""
    return wrap(convert_to_tensor(input)._read().alias())


def expand_dims(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """With an extent of 1 put in."""
    x = convert_to_tensor(input)
    if axis is None:
        raise located(RecordTypeError("expand_dims() missing 1 required positional argument: 'axis'"))
    n, a = x.ndim, int(axis)
    if not -n - 1 <= a <= n:
        raise located(
            InvalidArgumentError(
                f"Tried to expand dim index {a} for tensor with {n} dimensions. [Op:ExpandDims]"
            )
        )
    at = a + n + 1 if a < 0 else a
    old = x._read().type.shape
    return emit(L.reshape, (x,), (*old[:at], 1, *old[at:]), op="ExpandDims")


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Without extents of 1: all of them, or those at `axis`."""
    x = convert_to_tensor(input)
    old = x._read().type.shape
    gone = (
        [d for d, n in enumerate(old) if n == 1]
        if axis in (None, [], ())
        else normal_axes(axis, x.ndim, "Squeeze")
    )
    for d in gone:
        if old[d] != 1:
            raise located(
                InvalidArgumentError(
                    f"Can not squeeze dim[{d}], expected a dimension of 1, got {old[d]} [Op:Squeeze]"
                )
            )
    return emit(L.reshape, (x,), tuple(n for d, n in enumerate(old) if d not in gone), op="Squeeze")


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements repeated to fill `shape`, aligned at the last dimension; InvalidArgumentError if they do not fit."""
    x = convert_to_tensor(input)
    wanted, old = extents(shape), x._read().type.shape
    wanted = tuple(old[i - len(wanted)] if n == -1 else n for i, n in enumerate(wanted))
    fits = len(old) <= len(wanted) and all(
        a in (1, b) for a, b in zip(reversed(old), reversed(wanted), strict=False)
    )
    if not fits:
        raise located(
            InvalidArgumentError(
                f"Incompatible shapes: {bracketed(old)} vs. {bracketed(wanted)} [Op:BroadcastTo]"
            )
        )
    return emit(L.expand, (x,), wanted, op="BroadcastTo")


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The TensorShape that two shapes broadcast to. ValueError where there is none."""
    return TensorShape(broadcast_shape(tuple(TensorShape(shape_x)), tuple(TensorShape(shape_y))))  # type: ignore[arg-type]


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that two shapes broadcast to, as an int32 vector."""
    return from_array(np.array(broadcast_shape(extents(shape_x), extents(shape_y)), np.int32))


def _alike(values: Any, op: str) -> list[Any]:
    """Tensors of one dtype, which is that of the first tensor among them."""
    given = list(values) if isinstance(values, (list, tuple)) else [values]
    hint = next((v.dtype for v in given if isinstance(v, TensorBase)), None)
    parts = [convert_to_tensor(v, dtype_hint=hint) for v in given]
    if not parts:
        raise located(RecordValueError("List argument 'values' must be a list with at least 1 tensor"))
    for i, part in enumerate(parts):
        if part.dtype is not parts[0].dtype:
            raise located(
                InvalidArgumentError(
                    f"cannot compute {op} as input #{i}(zero-based) was expected to be a {parts[0].dtype.word} tensor "
                    f"but is a {part.dtype.word} tensor [Op:{op}]"
                )
            )
    return parts


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Joined along an axis."""
    if isinstance(values, TensorBase):
        values = list(values) if values.ndim > 1 else [values]
    parts = _alike(values, "ConcatV2")
    n = parts[0].ndim
    d = normal_axis(axis, n, "ConcatV2")
    first = parts[0]._read().type.shape
    for i, part in enumerate(parts):
        other = part._read().type.shape
        if len(other) != n or any(
            a != b for k, (a, b) in enumerate(zip(first, other, strict=False)) if k != d
        ):
            raise located(
                InvalidArgumentError(
                    f"ConcatOp : Dimension {_first_difference(first, other, d)} in both shapes must be equal: shape[0] = {bracketed(first)} vs. "
                    f"shape[{i}] = {bracketed(other)} [Op:ConcatV2]"
                )
            )
    return emit(L.cat, parts, d, parts[0].dtype.element, op="ConcatV2")


def _first_difference(a: Sequence[Any], b: Sequence[Any], but: int) -> int:
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y and i != but), min(len(a), len(b))
    )


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Joined along a new axis."""
    parts = _alike(list(values) if isinstance(values, TensorBase) else values, "Pack")
    for i, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise located(
                InvalidArgumentError(
                    f"Shapes of all inputs must match: values[0].shape = {bracketed(parts[0]._read().type.shape)} != "
                    f"values[{i}].shape = {bracketed(part._read().type.shape)} [Op:Pack]"
                )
            )
    return emit(
        L.stack, parts, normal_axis(axis, parts[0].ndim + 1, "Pack"), parts[0].dtype.element, op="Pack"
    )


parallel_stack = stack


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis."""
    x = convert_to_tensor(value)
    d = normal_axis(axis, x.ndim, "Unpack")
    old = x._read().type.shape
    kept = tuple(n for i, n in enumerate(old) if i != d)
    return [emit(L.reshape, (_cut(x, d, i, i + 1),), kept) for i in builtins.range(old[d])]


def _cut(x: Any, d: int, start: int, limit: int) -> Tensor:
    old = x._read().type.shape
    low, high = [0] * len(old), list(old)
    low[d], high[d] = start, limit
    out = tuple(b - a for a, b in zip(low, high, strict=True))
    return emit(L.slice, (x,), tuple(low), tuple(high), (1,) * len(old), out)


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str = "split"
) -> list[Tensor]:
    """Parts along an axis: equal ones, or of given sizes."""
    x = convert_to_tensor(value)
    d = normal_axis(axis, x.ndim, "Split")
    n = x._read().type.shape[d]
    if isinstance(num_or_size_splits, TensorBase):
        num_or_size_splits = static_value(num_or_size_splits)
    if isinstance(num_or_size_splits, (int, np.integer)):
        parts = int(num_or_size_splits)
        if n % parts:
            raise located(
                InvalidArgumentError(
                    f"Number of ways to split should evenly divide the split dimension, but got split_dim {d} (size = {n}) and "
                    f"num_split {parts} [Op:Split]"
                )
            )
        sizes = [n // parts] * parts
    else:
        sizes = [int(s) for s in num_or_size_splits]
        if -1 in sizes:
            sizes[sizes.index(-1)] = n - sum(s for s in sizes if s != -1)
        if sum(sizes) != n:
            raise located(
                InvalidArgumentError(
                    f"Determined shape must match the sum of sizes: {sizes} for {n} [Op:SplitV]"
                )
            )
    out, at = [], 0
    for s in sizes:
        out.append(_cut(x, d, at, at + s))
        at += s
    return out


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The part from `begin` of `size` (-1: to the end)."""
    x = convert_to_tensor(input_)
    old = x._read().type.shape
    low = extents(begin)
    sizes = tuple(n - a if s == -1 else s for n, a, s in zip(old, low, extents(size), strict=True))
    for d, (n, a, s) in enumerate(zip(old, low, sizes, strict=True)):
        if a < 0 or s < 0 or a + s > n:
            raise located(
                InvalidArgumentError(f"Expected size[{d}] in [0, {max(n - a, 0)}], but got {s} [Op:Slice]")
            )
    high = tuple(a + s for a, s in zip(low, sizes, strict=True))
    return emit(L.slice, (x,), low, high, (1,) * len(old), sizes, op="Slice")


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Tensor:
    """Elements put around: a value, or a reflection."""
    x = convert_to_tensor(tensor)
    if isinstance(paddings, TensorBase):
        paddings = static_value(paddings)
    low, high = (tuple(int(p[i]) for p in paddings) for i in (0, 1))
    kind = mode.upper()
    if kind == "CONSTANT":
        value = constant_values.numpy().item() if isinstance(constant_values, TensorBase) else constant_values
        return emit(L.pad, (x,), low, high, value, op="PadV2")
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise located(RecordValueError(f"Unknown padding mode: {mode}"))
    return emit(L.pad_edge, (x,), low, high, kind.lower(), op="MirrorPad")


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Whole copies side by side."""
    x = convert_to_tensor(input)
    return emit(L.repeat, (x,), extents(multiples), op="Tile")


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Each element several times along an axis."""
    x = convert_to_tensor(input)
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    d = normal_axis(axis, x.ndim)
    if isinstance(repeats, TensorBase):
        repeats = static_value(repeats)
    if isinstance(repeats, (int, np.integer)):
        return emit(L.repeat_interleave, (x,), int(repeats), d, op="Repeat")
    times = [int(r) for r in repeats]
    if len(times) == 1:
        return emit(L.repeat_interleave, (x,), times[0], d, op="Repeat")
    rows = from_array(np.repeat(np.arange(len(times)), times).astype(np.int32))
    return emit(I.take, (x, rows), d, op="Repeat")


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements in opposite order along the axes."""
    x = convert_to_tensor(tensor)
    return emit(L.flip, (x,), normal_axes(axis, x.ndim, "ReverseV2"), op="ReverseV2")


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements shifted along an axis (or several, with as many shifts); what leaves at one end comes in at the other."""
    x = convert_to_tensor(input)
    axes = [axis] if isinstance(axis, int) else list(axis)
    shifts = [shift] if isinstance(shift, int) else list(shift)
    return emit(
        L.roll, (x,), tuple(int(s) for s in shifts), tuple(normal_axis(a, x.ndim) for a in axes), op="Roll"
    )


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor itself; InvalidArgumentError unless its shape is compatible with `shape`."""
    x = convert_to_tensor(x)
    if not x.shape.is_compatible_with(shape):
        raise located(
            InvalidArgumentError(
                f"Shape of tensor {x.shape} is not compatible with expected shape {TensorShape(shape)}. [Op:EnsureShape]"
            )
        )
    return x


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Blocks of space become channels."""
    x = convert_to_tensor(input)
    n, h, w, c = x._read().type.shape
    b = block_size
    y = transpose(reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape(y, (n, h // b, w // b, b * b * c))


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Channels become blocks of space."""
    x = convert_to_tensor(input)
    n, h, w, c = x._read().type.shape
    b = block_size
    y = transpose(reshape(x, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return reshape(y, (n, h * b, w * b, c // (b * b)))


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor or a variable."""
    return isinstance(x, TensorBase)
