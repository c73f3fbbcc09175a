"""Ops that take shapes as operands, or ask for extents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo import numerics as N
from irc.dialects.stablehlo.attributes import ConvDimensionNumbers
from irc.dialects.stablehlo.base import (
    TensorOp,
    all_compatible,
    is_unique,
    same_dim,
    shape_text,
)
from irc.dialects.stablehlo.indexing import Gather, gather
from irc.dialects.stablehlo.linalg import Convolution, ConvWindow
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.quantized import check_reshaped
from irc.dialects.stablehlo.shape import Constant, broadcast_in_dim, check_broadcast, pad, padded_extent
from irc.ir.fields import I64, I64_ARRAY, Attr, Operand, Result
from irc.ir.operation import Value
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes, i32


def known_components(value: Value) -> list[Dim]:
    """The components of a vector, where a constant gives them."""
    if isinstance(value.op, Constant):
        return [int(n) for n in value.op.value.array]
    return [None] * value.type.shape[0]


def check_shape_operand(op: TensorOp, shape: Value, type: TensorType, label: str) -> None:
    """A shape operand has one component for each dimension of the result, and agrees with what is known of both."""
    message = "result should have a rank equal to the number of elements in output_shape"
    op.check(shape.type.shape[0] == type.rank, label, f"{message}: '{type}' by '{shape.type}'")
    known = known_components(shape)
    message = f"output shape [{shape_text(known)}] is incompatible with return type of operation '{type}'"
    op.check(compatible_shapes(tuple(known), type.shape), label, message)


class DynamicIota(TensorOp, name="stablehlo.dynamic_iota"):
    """iota of a computed shape.

    C1: the dimension is one of the result's.
    C2: the shape has a component for each of the result's dimensions."""

    assembly = "$output_shape `,` `dim` `=` $iota_dimension attr-dict `:` functional-type(operands, results)"
    result_labels = ("C2", "C2")
    output_shape = Operand(constraint="dimension 1d static")
    iota_dimension = Attr(I64)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type = self.given_type("C2")
        check_shape_operand(self, self.output_shape, type, "C2")
        self.check_integer("iota_dimension", "C1")
        inside = self.iota_dimension < type.rank
        self.check(inside, "C1", "iota dimension cannot go beyond the output rank.")
        return [type]

    def evaluate(self, shape: Array) -> Array:
        extents = tuple(int(n) for n in shape)
        indices = np.indices(extents, sparse=True)[self.iota_dimension]
        return np.broadcast_to(N.convert(indices, self.result.type.element.numpy), extents)


class DynamicReshape(TensorOp, name="stablehlo.dynamic_reshape"):
    """reshape to a computed shape.

    C1: operand and result have one element type.
    C2: they have as many elements.
    C3: a quantized axis keeps its extent, and the number of elements before it.
    C4: the shape has a component for each of the result's dimensions."""

    quantized = "axis"
    assembly = "operands attr-dict `:` functional-type(operands, results)"
    result_labels = ("C4", "C1")
    operand = Operand()
    output_shape = Operand(constraint="dimension 1d static")
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        source, type = self.operand.type, self.given_type("C4")
        self.check(same_element(source.element, type.element), "C1", f"from {source} to {type}")
        static = source.is_static and type.is_static
        if static:
            message = f"number of output elements ({type.size}) doesn't match expected number of elements"
            self.check(source.size == type.size, "C2", f"{message} ({source.size})")
        check_shape_operand(self, self.output_shape, type, "C4")
        check_reshaped(self, source, type)
        return [type]

    def evaluate(self, x: Array, shape: Array) -> Array:
        return x.reshape([int(n) for n in shape])


class DynamicBroadcastInDim(TensorOp, name="stablehlo.dynamic_broadcast_in_dim"):
    """broadcast_in_dim to a computed shape.

    C1: operand and result have one element type.
    C2: there is a result dimension for each of the operand's.
    C3: each is a dimension of the result.
    C4: none is named twice.
    C5: extents are 1 or the result's.
    C6: a quantized axis becomes the result's, with its scales and zero points.
    C7: the shape has a component for each of the result's dimensions.
    C8: no dimension is said twice to stretch or not to.
    C9: dimensions said to stretch are the operand's.
    C10: dimensions said not to stretch are the operand's."""

    quantized = "axis"
    assembly = (
        "$operand `,` $output_dimensions `,` `dims` `=` $broadcast_dimensions attr-dict `:` "
        "functional-type(operands, results)"
    )
    result_labels = ("C5", "C1")
    operand = Operand()
    output_dimensions = Operand(constraint="dimension 1d static")
    broadcast_dimensions = Attr(I64_ARRAY)
    known_expanding_dimensions = Attr(I64_ARRAY, optional=True)
    known_nonexpanding_dimensions = Attr(I64_ARRAY, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        source, type = self.operand.type, self.given_type("C5")
        self.check(same_element(source.element, type.element), "C1", f"from {source} to {type}")
        check_shape_operand(self, self.output_dimensions, type, "C7")
        check_broadcast(self, source, type, self.broadcast_dimensions)
        stretch, stay = self.known_expanding_dimensions or (), self.known_nonexpanding_dimensions or ()
        message = "duplicate expansion hint for at least one operand dimension"
        self.check(is_unique(stretch + stay), "C8", message)
        for label, dims in (("C9", stretch), ("C10", stay)):
            for d in dims:
                message = f"hint for expanding dimension {d} does not refer to a valid operand dimension"
                self.check(0 <= d < source.rank, label, message)
        return [type]

    def evaluate(self, x: Array, shape: Array) -> Array:
        return broadcast_in_dim(x, self.broadcast_dimensions, [int(n) for n in shape])


class DynamicPad(TensorOp, name="stablehlo.dynamic_pad"):
    """pad by computed amounts.

    C1: operand, padding value and result have one element type.
    C2: the three paddings have a component for each dimension.
    C3: interior padding is not negative.
    C4: result extents are low + n + max(n - 1, 0) * interior + high."""

    assembly = "operands attr-dict `:` functional-type(operands, results)"
    result_labels = ("C4", "C1")
    operand = Operand()
    padding_value = Operand(constraint="any 0d")
    edge_padding_low = Operand(constraint="dimension 1d static")
    edge_padding_high = Operand(constraint="dimension 1d static")
    interior_padding = Operand(constraint="dimension 1d static")
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        source, type = self.operand.type, self.given_type("C4")
        same = all_compatible([t.with_shape(()) for t in (source, self.padding_value.type, type)])
        self.check(same, "C1", f"pads {source} with {self.padding_value.type} to {type}")
        amounts = self.operands[2:]
        for value in amounts:
            message = f"padding operands size ({value.type.shape[0]}) must match operand rank ({source.rank})"
            self.check(value.type.shape[0] == source.rank, "C2", message)
        low, high, interior = map(known_components, amounts)
        message = f"interior_padding must be non-negative, but got {shape_text(interior)}"
        self.check(all(n is None or n >= 0 for n in interior), "C3", message)
        shape = tuple(map(_padded_extent, source.shape, low, high, interior))
        for i, (n, m) in enumerate(zip(shape, type.shape, strict=True)):
            message = f"expected output dimension at index {i} to equal {n}, but got {m}"
            self.check(same_dim(n, m), "C4", message)
        return [type]

    def evaluate(self, x: Array, value: Array, low: Array, high: Array, interior: Array) -> Array:
        return pad(x, value, *([int(n) for n in amounts] for amounts in (low, high, interior)))


def _padded_extent(n: Dim, low: Dim, high: Dim, interior: Dim) -> Dim:
    if low is None or high is None or interior is None:
        return None
    return padded_extent(n, low, high, interior)


class RealDynamicSlice(TensorOp, name="stablehlo.real_dynamic_slice"):
    """slice with computed starts, limits and strides.

    C1: operand and result have one element type and rank.
    C2: starts, limits and strides have a component for each dimension."""

    assembly = "operands attr-dict `:` functional-type(operands, results)"
    result_labels = ("C1", "C1")
    operand = Operand()
    start_indices = Operand(constraint="dimension 1d static")
    limit_indices = Operand(constraint="dimension 1d static")
    strides = Operand(constraint="dimension 1d static")
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        source, type = self.operand.type, self.given_type("C1")
        fits = same_element(source.element, type.element) and source.rank == type.rank
        self.check(fits, "C1", f"slices {source} to {type}")
        names = ("start_indices", "limit_indices", "strides")
        for name, value in zip(names, self.operands[1:], strict=True):
            size = value.type.shape[0]
            message = f"has mismatched number of operand rank ({source.rank}) and {name} size ({size})"
            self.check(size == source.rank, "C2", message)
        return [type]

    def evaluate(self, x: Array, starts: Array, limits: Array, strides: Array) -> Array:
        return x[
            tuple(slice(int(a), int(b), int(s)) for a, b, s in zip(starts, limits, strides, strict=True))
        ]


class DynamicGather(Gather, name="stablehlo.dynamic_gather"):
    """gather of slices of computed size; the constraints are gather's.

    C20: slice sizes have a component for each operand dimension."""

    slice_sizes = Operand(constraint="integer 1d static")

    @property
    def sizes(self) -> Sequence[Dim]:
        """The slice's extents, where they are known when compiling."""
        count = self.slice_sizes.type.shape[0]
        self.check(count == self.operand.type.rank, "C20", f"has {count} slice sizes for {self.operand.type}")
        return known_components(self.slice_sizes)

    def evaluate(self, x: Array, indices: Array, sizes: Array) -> Array:  # type: ignore[override]
        return gather(x, indices, self.dimension_numbers, [int(n) for n in sizes])


class DynamicConv(Convolution, name="stablehlo.dynamic_conv"):
    """A convolution with computed padding; the constraints are convolution's.

    C4: padding is [N - 2, 2]."""

    assembly = ""
    padding = Operand(constraint="dimension 2d static")

    @property
    def window(self) -> ConvWindow:
        """The window's attributes, with no padding: that is known when running."""
        return self.window_with(((0, 0),) * (self.lhs.type.rank - 2))

    def infer(self) -> Sequence[Type]:
        (type,) = super().infer()
        padding, spatial = self.padding.type, self.lhs.type.rank - 2
        message = f"expects padding to be of shape [{spatial}, 2], but got [{shape_text(padding.shape)}]"
        self.check(compatible_shapes(padding.shape, (spatial, 2)), "C4", message)
        return [type]

    def _shape(self, a: TensorType, b: TensorType, d: ConvDimensionNumbers) -> tuple[Dim, ...]:
        known = super()._shape(a, b, d)
        return tuple(None if i in d.output_spatial_dimensions else n for i, n in enumerate(known))

    def evaluate(self, x: Array, kernel: Array, padding: Array) -> Array:  # type: ignore[override]
        return self.convolve(x, kernel, self.window_with(tuple(map(tuple, padding.tolist()))))


class GetDimensionSize(TensorOp, name="stablehlo.get_dimension_size"):
    """One extent, as i32.

    C1: the dimension is one of the operand's."""

    assembly = "$operand `,` `dim` `=` $dimension attr-dict `:` functional-type(operands, results)"
    operand = Operand()
    dimension = Attr(I64)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type = self.operand.type
        self.check(0 <= self.dimension < type.rank, "C1", f"asks for dimension {self.dimension} of {type}")
        return [TensorType((), i32)]

    def evaluate(self, x: Array) -> Any:
        return np.asarray(x.shape[self.dimension], np.int32)
