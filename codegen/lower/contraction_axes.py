"""Every dot_general and convolution as one sum over strided views.

    out[batch, rows, columns] = sum over depth of lhs[batch, rows, depth] * rhs[batch, columns, depth]

An axis is a loop of that sum; it is named by which of the three it moves. A convolution is no special case: its windows
are views whose strides overlap, so a filter's width and the channels are one contiguous axis of depth, and the gradient
of its weights is the same sum with other strides. No copies, no transposes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from irc.codegen.lower.view import Access
from irc.dialects import stablehlo as hlo
from irc.errors import UnsupportedError
from irc.ir.extents import greatest
from irc.ir.locations import span_of
from irc.ir.operation import Operation
from irc.ir.types import row_major_strides


@dataclass(frozen=True, slots=True)
class Contraction:
    """Axes of the sum: those of the result in its memory order, then depth in the order of accumulation.

    `others` are accesses of what is combined with the result afterwards; they move along result axes only."""

    extents: tuple[int, ...]
    lhs: Access
    rhs: Access
    out: Access
    others: tuple[Access, ...] = ()

    def kind(self, axis: int) -> str:
        """`batch`, `row`, `column` or `depth`."""
        if not self.out.strides[axis]:
            return "depth"
        in_lhs, in_rhs = self.lhs.strides[axis] != 0, self.rhs.strides[axis] != 0
        return "batch" if in_lhs and in_rhs else "row" if in_lhs else "column"

    def of_kind(self, kind: str) -> tuple[int, ...]:
        return tuple(a for a in range(len(self.extents)) if self.kind(a) == kind)

    def size(self, axes: Sequence[int]) -> int:
        return math.prod(self.extents[a] for a in axes)

    @property
    def accesses(self) -> tuple[Access, ...]:
        return (self.lhs, self.rhs, self.out, *self.others)

    @property
    def lane(self) -> int | None:
        """The innermost axis of the result, along which its elements are contiguous; None for a single element."""
        inside = [a for a, s in enumerate(self.out.strides) if s]
        return inside[-1] if inside else None

    def swapped(self) -> Contraction:
        """The same sum with the operands' roles exchanged (products commute, so the bits are the same)."""
        return replace(self, lhs=self.rhs, rhs=self.lhs)

    def simplified(self) -> Contraction:
        """Without axes of extent 1, and with neighbours merged that are one run in every buffer."""
        return _merged(_select(self, [a for a, n in enumerate(self.extents) if n != 1]))


def _select(c: Contraction, keep: Sequence[int]) -> Contraction:
    return Contraction(
        tuple(c.extents[a] for a in keep),
        c.lhs.collapsed(keep),
        c.rhs.collapsed(keep),
        c.out.collapsed(keep),
        tuple(x.collapsed(keep) for x in c.others),
    )


def _merged(c: Contraction) -> Contraction:
    for a in range(len(c.extents) - 1):
        inner = c.extents[a + 1]
        same = c.kind(a) == c.kind(a + 1)
        if same and all(x.strides[a] == inner * x.strides[a + 1] for x in c.accesses):
            extents = list(c.extents)
            extents[a + 1] *= extents[a]
            keep = [i for i in range(len(extents)) if i != a]
            return _merged(_select(replace(c, extents=tuple(extents)), keep))
    return c


@dataclass(frozen=True, slots=True)
class _Axis:
    extent: int
    lhs: int = 0
    rhs: int = 0
    out: int = 0
    dim: int | None = None
    """The result dimension it walks, `step` elements at a time."""
    step: int = 1


@dataclass(frozen=True, slots=True)
class AxisMap:
    """How dimensions of the op's result became axes: (dimension or None, elements a step) of each."""

    dims: tuple[tuple[int | None, int], ...]

    def access(self, strides: Sequence[int], offset: int = 0) -> Access:
        """The access of a buffer that has the given stride along each dimension of the result."""
        return Access(offset, tuple(0 if d is None else strides[d] * step for d, step in self.dims))


@dataclass(frozen=True, slots=True)
class Panels:
    """A right side whose columns lie in panels: so many lanes in each, and elements from one to the next."""

    lanes: int
    stride: int


def contraction_of(
    op: Operation, lhs: Access, rhs: Access, panels: Panels | None = None
) -> tuple[Contraction, AxisMap]:
    """The sum that `op` computes; `lhs` and `rhs` give the strides of its operands' dimensions (where the right side lies in
    panels, within one).

    Raises UnsupportedError for what the layout pass has not made explicit (padding, base dilation)."""
    match op:
        case hlo.DotGeneral():
            axes, lhs_offset, rhs_offset = _dot_axes(op, lhs, rhs, panels), lhs.offset, rhs.offset
        case hlo.Convolution():
            axes, lhs_offset, rhs_offset = _convolution_axes(op, lhs, rhs, panels)
        case _:
            raise UnsupportedError(f"'{op.name}' is not a contraction", span=span_of(op.location))
    contraction = Contraction(
        tuple(x.extent for x in axes),
        Access(lhs_offset, tuple(x.lhs if x.extent not in (0, 1) else 0 for x in axes)),
        Access(rhs_offset, tuple(x.rhs if x.extent not in (0, 1) else 0 for x in axes)),
        Access(0, tuple(x.out for x in axes)),
    )
    return contraction, AxisMap(tuple((x.dim, x.step) for x in axes))


def dense_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides in elements; an extent of 0 counts as 1, so that no stride is 0."""
    return row_major_strides(tuple(greatest(n, 1) for n in shape))


def _out_strides(op: Operation) -> tuple[int, ...]:
    return dense_strides(op.results[0].type.static_shape)


def _columns(extent: int, rhs: int, out: int, dim: int, panels: Panels | None) -> list[_Axis]:
    """The axes of a dimension that the right side alone has."""
    if panels is None:
        return [_Axis(extent, 0, rhs, out, dim)]
    lanes = panels.lanes
    return [
        _Axis(extent // lanes, 0, panels.stride, lanes * out, dim, lanes),
        _Axis(lanes, 0, rhs, out, dim),
    ]


def _dot_axes(op: hlo.DotGeneral, lhs: Access, rhs: Access, panels: Panels | None) -> list[_Axis]:
    """Result dimensions are batch, free lhs, free rhs; depth goes in the order of the contracting dimensions."""
    numbers = op.dot_dimension_numbers
    left, right, out = op.lhs.type.static_shape, op.rhs.type.static_shape, _out_strides(op)
    batch = list(zip(numbers.lhs_batching_dimensions, numbers.rhs_batching_dimensions, strict=True))
    depth = list(zip(numbers.lhs_contracting_dimensions, numbers.rhs_contracting_dimensions, strict=True))
    axes = [_Axis(left[i], lhs.strides[i], rhs.strides[j], out[d], d) for d, (i, j) in enumerate(batch)]
    for i in range(len(left)):
        if i not in (*numbers.lhs_batching_dimensions, *numbers.lhs_contracting_dimensions):
            axes.append(_Axis(left[i], lhs.strides[i], 0, out[len(axes)], len(axes)))
    dim = len(axes)
    for j in range(len(right)):
        if j not in (*numbers.rhs_batching_dimensions, *numbers.rhs_contracting_dimensions):
            axes += _columns(right[j], rhs.strides[j], out[dim], dim, panels)
            dim += 1
    return axes + [_Axis(left[i], lhs.strides[i], rhs.strides[j]) for i, j in depth]


def _convolution_axes(
    op: hlo.Convolution, lhs: Access, rhs: Access, panels: Panels | None
) -> tuple[list[_Axis], int, int]:
    """Depth is the kernel's position, row-major, then the input channel. Also the operands' offsets.

    Negative padding moves the view's start; a reversed window is walked backwards."""
    n = op.dimension_numbers
    kernel, result = op.rhs.type.static_shape, op.results[0].type.static_shape
    window = op.window
    padding, dilation = window.padding, window.rhs_dilation
    if any(low > 0 or high > 0 for low, high in padding) or any(d != 1 for d in window.lhs_dilation):
        raise UnsupportedError(
            "convolution with padding or base dilation must be made an explicit stablehlo.pad before code generation",
            span=span_of(op.location),
        )
    lhs_offset = lhs.offset
    rhs_offset = rhs.offset
    out = _out_strides(op)
    axes: list[_Axis] = []
    for d, extent in enumerate(result):
        if d == n.output_batch_dimension:
            axes.append(_Axis(extent, lhs.strides[n.input_batch_dimension], 0, out[d], d))
        elif d == n.output_feature_dimension:
            if panels is None:
                axes += _feature_axes(op, lhs, rhs, extent, out[d], d)
            else:
                axes += _columns(extent, rhs.strides[n.kernel_output_feature_dimension], out[d], d, panels)
        else:
            i = n.output_spatial_dimensions.index(d)
            stride = lhs.strides[n.input_spatial_dimensions[i]]
            lhs_offset -= padding[i][0] * stride
            axes.append(_Axis(extent, window.strides[i] * stride, 0, out[d], d))
    for i, d in enumerate(n.kernel_spatial_dimensions):
        step = rhs.strides[d]
        if window.reversal[i]:
            rhs_offset += (kernel[d] - 1) * step
            step = -step
        axes.append(_Axis(kernel[d], dilation[i] * lhs.strides[n.input_spatial_dimensions[i]], step))
    channels = n.kernel_input_feature_dimension
    axes.append(_Axis(kernel[channels], lhs.strides[n.input_feature_dimension], rhs.strides[channels]))
    return axes, lhs_offset, rhs_offset


def _feature_axes(
    op: hlo.Convolution, lhs: Access, rhs: Access, extent: int, out: int, dim: int
) -> list[_Axis]:
    """Output features; groups are an axis of their own, which walks input features or batches in blocks."""
    n = op.dimension_numbers
    step = rhs.strides[n.kernel_output_feature_dimension]
    groups, walked = op.feature_group_count, n.input_feature_dimension
    if op.batch_group_count > 1:
        groups, walked = op.batch_group_count, n.input_batch_dimension
    each, block = extent // groups, op.lhs.type.static_shape[walked] // groups
    return [
        _Axis(groups, block * lhs.strides[walked], each * step, each * out, dim, each),
        _Axis(each, 0, step, out, dim),
    ]
