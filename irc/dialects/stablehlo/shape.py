"""Ops that make, move or reinterpret elements without computing: constant, iota, convert, reshape, transpose, slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from irc.dialects.quantization import quantized_element
from irc.dialects.stablehlo import numerics as N
from irc.dialects.stablehlo.base import (
    COMPLEX,
    FLOAT,
    INTEGER,
    TensorOp,
    all_compatible,
    element_kind,
    is_unique,
    merge_shapes,
    same_dim,
    shape_text,
)
from irc.dialects.stablehlo.elementwise import UnaryElementwise
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.quantized import any_quantized, check_moved, check_reshaped, check_spread
from irc.ir.attributes import DenseElementsAttr
from irc.ir.fields import I64, I64_ARRAY, Attr, Operand, Result, struct
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes, tensor_of


class Constant(TensorOp, name="stablehlo.constant"):
    """The elements of `value`.

    C1: the value's type is the result's."""

    assembly: ClassVar[str] = "custom<Constant>($value)"
    elementwise = True
    result_labels = ("C1", "C1")
    value = Attr(struct(DenseElementsAttr))
    output = Result()

    @staticmethod
    def of(value: Any, element: Any = None) -> Constant:
        """From an array or number; `element` (default: that of the array's dtype) is the element type."""
        array = np.asarray(value) if element is None else np.asarray(value).astype(element.numpy)
        return Constant(value=DenseElementsAttr.of(tensor_of(array), array))

    @staticmethod
    def splat(value: Any, type: TensorType) -> Constant:
        """One number everywhere."""
        return Constant(value=DenseElementsAttr.of(type, value))

    def infer(self) -> Sequence[Type]:
        type = self.attributes["value"].type  # type: ignore[attr-defined]
        given = quantized_element(self.results[0].type) if self.results else None
        # Elements of a quantized constant are written as they are stored.
        return [type.with_element(given) if given is not None and given.storage is type.element else type]

    def evaluate(self) -> Array:
        return self.value.array


class Iota(TensorOp, name="stablehlo.iota"):
    """Each element is its index along one dimension.

    C1: the dimension is one of the result's."""

    assembly = "`dim` `=` $iota_dimension attr-dict `:` type($output)"
    result_labels = ("C1", "C1")
    iota_dimension = Attr(I64)
    output = Result()

    def infer(self) -> Sequence[Type]:
        type = self.given_type("C1")
        self.check_integer("iota_dimension", "C1")
        self.check(type.rank > 0, "C1", "does not support scalars.")
        in_range = self.iota_dimension < type.rank
        self.check(in_range, "C1", "iota dimension cannot go beyond the output rank.")
        kinds = (*INTEGER, *FLOAT, *COMPLEX)
        self.check(element_kind(type.element) in kinds, "O1", f"cannot count in {type.element}")
        return [type]

    def evaluate(self) -> Array:
        type = self.output.type
        indices = np.indices(type.static_shape, sparse=True)[self.iota_dimension]
        return np.broadcast_to(N.convert(indices, type.element.numpy), type.static_shape)


class Convert(UnaryElementwise, name="stablehlo.convert"):
    """Element conversion. Floats to integers truncate and saturate, NaN becomes 0; integers wrap; complex to real drops
    the imaginary part; to i1 it is `!= 0`.

    C1: operand and result have one shape."""

    quantized = ""
    assembly = "$operand attr-dict `:` custom<SameOperandsAndResultType>(type($operand), type($result))"

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        return [self.operand.type.with_element(self.given_type("C1").element)]

    def evaluate(self, x: Array) -> Array:
        return N.convert(x, self.result.type.element.numpy)


class BitcastConvert(TensorOp, name="stablehlo.bitcast_convert"):
    """The same bits as other elements. Wider elements come from, narrower ones go to, a new last dimension (lowest bits
    first).

    C1: shapes agree but for a last dimension that makes up for the widths.
    C2: complex elements come from complex elements only."""

    quantized = "axis"
    assembly = "operands attr-dict `:` functional-type(operands, results)"
    result_labels = ("C1", "C1")
    operand = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        source, type = self.operand.type, self.given_type("C1")
        kinds = [element_kind(t.element) for t in (source, type)]
        message = f"cannot convert between real and complex types, but got: '{source}' and '{type}'"
        self.check(kinds.count("complex") != 1, "C2", message)
        self._check_shapes(source, type)
        return [type]

    def _check_shapes(self, source: TensorType, type: TensorType) -> None:
        old, new = source.element.width, type.element.width
        small, big = (source, type) if old < new else (type, source)
        s, b = small.rank, big.rank
        message = (
            f"rank of smaller element type ({s}) should be 1 more than rank of larger element type ({b})"
        )
        self.check(old == new or s == b + 1, "C1", f"{message}, but {s} != {b} + 1.")
        pair = f"Got: '{source}' and '{type}'"
        last = small.shape[-1] if old != new else 1
        narrow, wide = min(old, new), max(old, new)
        message = f"requires compatible bit widths. {pair}, but {narrow} * {last} != {wide}."
        self.check(last is None or narrow * last == wide, "C1", message)
        message = (
            "operand and result shapes must match except for the innermost dimension of the shape with the"
        )
        self.check(self._shapes_agree(source, type), "C1", f"{message} smaller element type. {pair}.")

    @staticmethod
    def _shapes_agree(source: TensorType, type: TensorType) -> bool:
        old, new = source.element.width, type.element.width
        if old == new:
            return compatible_shapes(source.shape, type.shape)
        wide, narrow = (source, type) if old > new else (type, source)
        ratio = max(old, new) // min(old, new)
        return compatible_shapes((*wide.shape, ratio), narrow.shape) and max(old, new) % min(old, new) == 0

    def evaluate(self, x: Array) -> Array:
        source, target = self.operand.type.element, self.result.type.element
        if min(source.width, target.width) >= 8 and bool not in (source.numpy, target.numpy):
            shape = self.result.type.static_shape
            return np.asarray(np.ascontiguousarray(x).reshape(-1).view(target.numpy).reshape(shape))
        bits = _to_bits(x, source.width).reshape(
            *self._bit_shape(x.shape, source.width, target.width), target.width
        )
        return _from_bits(bits, target)

    @staticmethod
    def _bit_shape(shape: tuple[int, ...], old: int, new: int) -> tuple[int, ...]:
        return shape if old == new else (*shape, old // new) if old > new else shape[:-1]


def _to_bits(x: Array, width: int) -> Array:
    raw = np.ascontiguousarray(x).reshape(-1).view(np.uint8).reshape(*x.shape, x.dtype.itemsize)
    return np.unpackbits(raw, axis=-1, bitorder="little")[..., :width]


def _from_bits(bits: Array, element: Any) -> Array:
    """Elements from their bits, lowest first; the rest of a sub-byte element's byte is 0, as ml_dtypes has it."""
    whole = 8 * element.numpy.itemsize
    fill = np.zeros_like(bits[..., :1])
    full = np.concatenate([bits, np.repeat(fill, whole - element.width, axis=-1)], axis=-1)
    packed = np.packbits(full.reshape(*bits.shape[:-1], whole), axis=-1, bitorder="little")
    return np.asarray(packed.reshape(-1).view(element.numpy).reshape(bits.shape[:-1]))


class Reshape(TensorOp, name="stablehlo.reshape"):
    """The same elements in row-major order.

    C1: operand and result have one element type.
    C2: they have as many elements.
    C3: a quantized axis keeps its extent, and the number of elements before it."""

    quantized = "axis"
    assembly = "operands attr-dict `:` functional-type(operands, results)"
    result_labels = ("C2", "C1")
    operand = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        source, type = self.operand.type, self.given_type("C2")
        self.check(same_element(source.element, type.element), "C1", f"from {source} to {type}")
        static = source.is_static and type.is_static
        if static:
            message = f"number of output elements ({type.size}) doesn't match expected number of elements"
            self.check(source.size == type.size, "C2", f"{message} ({source.size})")
        check_reshaped(self, source, type)
        return [type]

    def evaluate(self, x: Array) -> Array:
        return x.reshape(self.result.type.static_shape)


class BroadcastInDim(TensorOp, name="stablehlo.broadcast_in_dim"):
    """Operand dimension i becomes result dimension `broadcast_dimensions[i]`; extents of 1 stretch.

    C1: operand and result have one element type.
    C2: there is a result dimension for each of the operand's.
    C3: each is a dimension of the result.
    C4: none is named twice.
    C5: extents are 1 or the result's.
    C6: a quantized axis becomes the result's, with its scales and zero points."""

    quantized = "axis"
    assembly = (
        "$operand `,` `dims` `=` $broadcast_dimensions attr-dict `:` functional-type(operands, results)"
    )
    result_labels = ("C5", "C1")
    operand = Operand()
    broadcast_dimensions = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        source, type, dims = self.operand.type, self.given_type("C5"), self.broadcast_dimensions
        self.check(same_element(source.element, type.element), "C1", f"from {source} to {type}")
        check_broadcast(self, source, type, dims)
        return [type]

    def evaluate(self, x: Array) -> Array:
        return broadcast_in_dim(x, self.broadcast_dimensions, self.result.type.static_shape)


def check_broadcast(op: TensorOp, source: TensorType, type: TensorType, dims: Sequence[int]) -> None:
    """C2 to C5 of broadcast_in_dim and dynamic_broadcast_in_dim."""
    message = f"broadcast_dimensions size ({len(dims)}) does not match operand rank ({source.rank})"
    op.check(len(dims) == source.rank, "C2", message)
    op.check(is_unique(dims), "C4", "broadcast_dimensions should not have duplicates")
    for i, (n, d) in enumerate(zip(source.shape, dims, strict=True)):
        message = f"broadcast_dimensions contains invalid value {d} for result with rank {type.rank}"
        op.check(0 <= d < type.rank, "C3", message)
        size = type.shape[d]
        message = (
            f"size of operand dimension {i} ({n}) is not equal to 1 or size of result dimension {d} ({size})"
        )
        op.check(n == 1 or same_dim(n, size), "C5", message)
    check_spread(op, source, type, dims)


def broadcast_in_dim(x: Array, dims: Sequence[int], shape: Sequence[int]) -> Array:
    """Dimension i of `x` becomes dimension `dims[i]` of an array of this shape, repeated where its extent is 1."""
    spread = [1] * len(shape)
    for n, d in zip(x.shape, dims, strict=True):
        spread[d] = n
    order = np.argsort(dims, kind="stable")
    return np.broadcast_to(np.transpose(x, order).reshape(spread), shape)


class Transpose(TensorOp, name="stablehlo.transpose"):
    """Result dimension i is operand dimension `permutation[i]`.

    C1: operand and result have one element type.
    C2: `permutation` names each of the operand's dimensions once.
    C3: the result's extents are the operand's, permuted.
    C4: a quantized axis is the one that is permuted to the result's."""

    quantized = "axis"
    assembly = "$operand `,` `dims` `=` $permutation attr-dict `:` functional-type(operands, results)"
    result_labels = ("C3", "C1")
    operand = Operand()
    permutation = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, permutation = self.operand.type, self.permutation
        dims, rank = list(range(type.rank)), len(permutation)
        message = f"TransposeOp operand rank {type.rank} does not match permutation size {rank}"
        self.check(type.rank == rank, "C2", message)
        message = f"attribute permutation must be a permutation of {dims} but got {shape_text(permutation)}"
        self.check(sorted(permutation) == dims, "C2", message)
        shape = tuple(type.shape[d] for d in permutation)
        if not any_quantized(type.element) or not self.results:
            return [type.with_shape(shape)]
        given = self.results[0].type
        self.check(same_element(type.element, given.element), "C1", f"from {type} to {given}")
        check_moved(self, type, given, "C1")
        source, target = type.element.axis, given.element.axis
        moved = source is None or source == permutation[target]
        name = f"operand quantization_dimension {source} is not same as permutation[{target}]"
        self.check(moved, "C4", f"{name} = {permutation[target] if target is not None else None}")
        return [TensorType(shape, given.element)]

    def evaluate(self, x: Array) -> Array:
        return np.transpose(x, self.permutation)


class Slice(TensorOp, name="stablehlo.slice"):
    """Elements from start up to limit, every stride-th.

    C1: operand and result have one element type.
    C2: starts, limits and strides are as many as dimensions.
    C3: 0 <= start <= limit <= extent.
    C4: strides are positive.
    C5: result extents are ceil((limit - start) / stride)."""

    assembly = (
        "$operand custom<SliceRanges>($start_indices, $limit_indices, $strides) attr-dict `:` "
        "functional-type(operands, results)"
    )
    result_labels = ("C5", "C1")
    operand = Operand()
    start_indices = Attr(I64_ARRAY)
    limit_indices = Attr(I64_ARRAY)
    strides = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type = self.operand.type
        lists = (self.start_indices, self.limit_indices, self.strides)
        count = next((len(v) for v in lists if len(v) != type.rank), None)
        message = f"the number of elements in start_indices ({count}) does not match the rank of the operand"
        self.check(count is None, "C2", f"{message} ({type.rank})")
        for i, (start, limit, stride, n) in enumerate(zip(*lists, type.shape, strict=True)):
            where = f"in dimension {i}"
            self.check(start >= 0, "C3", f"negative start index {start} {where}")
            message = f"limit index {limit} is larger than dimension size {n} {where}"
            self.check(n is None or limit <= n, "C3", message)
            self.check(
                start <= limit, "C3", f"start index {start} is larger than limit index {limit} {where}"
            )
            self.check(stride > 0, "C4", f"stride must be positive but got {stride} {where}")
        shape = tuple(-(-(limit - start) // stride) for start, limit, stride in zip(*lists, strict=True))
        return [type.with_shape(shape)]

    def evaluate(self, x: Array) -> Array:
        lists = (self.start_indices, self.limit_indices, self.strides)
        return x[tuple(slice(*range) for range in zip(*lists, strict=True))]


class DynamicSlice(TensorOp, name="stablehlo.dynamic_slice"):
    """A slice of fixed size whose start is clamped so that it lies inside.

    C1: operand and result have one element type.
    C2: start indices and slice sizes are as many as dimensions.
    C3: start indices have one type.
    C4: slice sizes lie between 0 and the extents.
    C5: the result's shape is the slice sizes."""

    assembly = (
        "$operand `,` custom<VariadicOperandWithAttribute>($start_indices) `sizes` `=` $slice_sizes attr-dict `:` "
        "functional-type(operands, results)"
    )
    result_labels = ("C5", "C1")
    operand = Operand()
    start_indices = Operand(variadic=True, constraint="integer 0d")
    slice_sizes = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, sizes, starts = self.operand.type, self.slice_sizes, [v.type for v in self.start_indices]
        message = (
            f"has mismatched number of slice sizes ({len(sizes)}) and number of start indices ({len(starts)})"
        )
        self.check(len(starts) == len(sizes), "C2", message)
        message = (
            f"has mismatched number of start indices ({len(starts)}) and the rank of operand ({type.rank})"
        )
        self.check(len(starts) == type.rank, "C2", message)
        self.check(all_compatible(starts), "C3", "start indices must have same element type")
        for i, (size, n) in enumerate(zip(sizes, type.shape, strict=True)):
            self.check(size >= 0, "C4", f"has negative size index to dynamic slice: {size}")
            message = f"has slice size {size} greater than dimension size {n} in dimension {i} of operand"
            self.check(n is None or size <= n, "C4", message)
        return [type.with_shape(tuple(sizes))]

    def evaluate(self, x: Array, *starts: Array) -> Array:
        return x[clamped_window(starts, self.slice_sizes, x.shape)]


def clamped_window(starts: Sequence[Array], sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    """The window of `sizes` at `starts`, moved inside `shape`."""
    begins = [min(max(int(s), 0), n - size) for s, size, n in zip(starts, sizes, shape, strict=True)]
    return tuple(slice(b, b + size) for b, size in zip(begins, sizes, strict=True))


class DynamicUpdateSlice(TensorOp, name="stablehlo.dynamic_update_slice"):
    """The operand with a window replaced; its start is clamped so that it lies inside.

    C1: operand and result have one type.
    C2: update and operand have one element type.
    C3: they have one rank.
    C4: start indices are as many as dimensions.
    C5: start indices have one type.
    C6: the update is not larger than the operand."""

    assembly = "operands attr-dict `:` functional-type(operands, results)"
    result_labels = ("C1", "C1")
    operand = Operand()
    update = Operand()
    start_indices = Operand(variadic=True, constraint="integer 0d")
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, update, starts = self.operand.type, self.update.type, [v.type for v in self.start_indices]
        self.check(same_element(update.element, type.element), "C2", f"puts {update} into {type}")
        message = f"update rank does not match operand rank: {update.rank} vs {type.rank}."
        self.check(update.rank == type.rank, "C3", message)
        message = f"expects number of start_indices to match operand rank: {len(starts)} vs {type.rank}."
        self.check(len(starts) == type.rank, "C4", message)
        self.check(all_compatible(starts), "C5", "start indices must have same element type")
        for i, (u, n) in enumerate(zip(update.shape, type.shape, strict=True)):
            message = f"expects size at dimension {i} of update to be in range [0, {n}]. Got: {u}."
            self.check(u is None or n is None or u <= n, "C6", message)
        return [type]

    def evaluate(self, x: Array, update: Array, *starts: Array) -> Array:
        out = x.copy()
        out[clamped_window(starts, update.shape, x.shape)] = update
        return out


class Pad(TensorOp, name="stablehlo.pad"):
    """Padding before, after and between elements; negative edge padding removes.

    C1: operand, padding value and result have one element type.
    C2: the three paddings are as many as dimensions.
    C3: interior padding is not negative.
    C4: result extents are low + n + max(n - 1, 0) * interior + high."""

    assembly = (
        "$operand `,` $padding_value `,` `low` `=` $edge_padding_low `,` `high` `=` $edge_padding_high `,` "
        "`interior` `=` $interior_padding attr-dict `:` functional-type(operands, results)"
    )
    result_labels = ("C4", "C1")
    operand = Operand()
    padding_value = Operand(constraint="any 0d")
    edge_padding_low = Attr(I64_ARRAY)
    edge_padding_high = Attr(I64_ARRAY)
    interior_padding = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, value = self.operand.type, self.padding_value.type
        low, high, interior = self.edge_padding_low, self.edge_padding_high, self.interior_padding
        self.check(same_element(value.element, type.element), "C1", f"pads {type} with {value}")
        for name in ("edge_padding_low", "edge_padding_high", "interior_padding"):
            length = len(getattr(self, name))
            message = f"{name} length ({length}) must match operand rank ({type.rank})"
            self.check(length == type.rank, "C2", message)
        message = f"Interior padding cannot be negative: {min(interior, default=0)}"
        self.check(all(i >= 0 for i in interior), "C3", message)
        shape = tuple(map(padded_extent, type.shape, low, high, interior))
        for i, n in enumerate(shape):
            self.check(n is None or n >= 0, "C4", f"Padding result in negative size for dimension {i}")
        return [type.with_shape(shape)]

    def evaluate(self, x: Array, value: Array) -> Array:
        return pad(x, value, self.edge_padding_low, self.edge_padding_high, self.interior_padding)


def padded_extent(n: Dim, low: int, high: int, interior: int) -> Dim:
    """An extent after padding."""
    return None if n is None else low + n + max(n - 1, 0) * interior + high


def pad(x: Array, value: Array, low: Sequence[int], high: Sequence[int], interior: Sequence[int]) -> Array:
    """Spread out, put between paddings, then cut what is negative."""
    spread = [n + max(n - 1, 0) * i for n, i in zip(x.shape, interior, strict=True)]
    before, after = [max(v, 0) for v in low], [max(v, 0) for v in high]
    full = np.full([b + n + a for b, n, a in zip(before, spread, after, strict=True)], value, x.dtype)
    full[tuple(slice(b, b + n, i + 1) for b, n, i in zip(before, spread, interior, strict=True))] = x
    cut = [slice(max(-lo, 0), n - max(-hi, 0)) for lo, hi, n in zip(low, high, full.shape, strict=True)]
    return full[tuple(cut)]


class Concatenate(TensorOp, name="stablehlo.concatenate"):
    """Inputs one after another along a dimension.

    C1: inputs have one element type.
    C2: their shapes agree but for that dimension.
    C3: there is at least one.
    C4: the dimension is one of theirs.
    C5: the result has their element type.
    C6: its extent along the dimension is the sum of theirs."""

    assembly = (
        "custom<VariadicOperandWithAttribute>($inputs) `dim` `=` $dimension attr-dict `:` "
        "functional-type(operands, results)"
    )
    result_labels = ("C6", "C5")
    inputs = Operand(variadic=True)
    dimension = Attr(I64)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check(len(self.inputs) > 0, "C3", "expected 1 or more operands, but found 0")
        self.check_operands()
        types, dim = [v.type for v in self.inputs], self.dimension
        self.check_integer("dimension", "C4")
        self.check(all(same_element(t.element, types[0].element) for t in types), "C1", f"joins {types}")
        first = types[0]
        self.check(first.rank > 0, "C4", "rank-0 values cannot be concatenated")
        message = f"dimension {dim} is out-of-bounds for input rank {first.rank}"
        self.check(dim < first.rank, "C4", message)
        for i, type in enumerate(types):
            self.check(type.rank == first.rank, "C2", f"operands (0) and ({i}) do not match rank")
            for d, (n, m) in enumerate(zip(first.shape, type.shape, strict=True)):
                shapes = f"({shape_text(first.shape)}) != ({shape_text(type.shape)})"
                message = (
                    f"shapes of operand (0) and ({i}) are not compatible at non-concat index {d}: {shapes}"
                )
                self.check(d == dim or same_dim(n, m), "C2", message)
        others = [t.with_shape((*t.shape[:dim], *t.shape[dim + 1 :])) for t in types]
        shape = list(merge_shapes(t.shape for t in others))
        extents = [t.shape[dim] for t in types]
        shape.insert(dim, None if None in extents else sum(extents))
        return [types[0].with_shape(tuple(shape))]

    def evaluate(self, *inputs: Array) -> Array:
        return np.concatenate(inputs, axis=self.dimension)


class Reverse(TensorOp, name="stablehlo.reverse"):
    """Elements in opposite order along some dimensions.

    C1: operand and result have one type.
    C2: no dimension is named twice.
    C3: each is one of the operand's."""

    assembly = (
        "$operand `,` `dims` `=` $dimensions attr-dict `:` "
        "custom<SameOperandsAndResultType>(type($operand), type($result))"
    )
    result_labels = ("C1", "C1")
    operand = Operand()
    dimensions = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, dims = self.operand.type, self.dimensions
        self.check(is_unique(dims), "C2", f"dimensions should be unique. Got: {shape_text(dims)}")
        for d in dims:
            self.check(d >= 0, "C3", f"all dimensions should be non-negative. Got dimension: {d}.")
            message = f"all dimensions should be between [0, {type.rank}). Got dimension: {d}."
            self.check(d < type.rank, "C3", message)
        return [type]

    def evaluate(self, x: Array) -> Array:
        return np.flip(x, self.dimensions)
