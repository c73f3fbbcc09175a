"""Contractions and what is solved with them: dot_general, convolution, cholesky, triangular_solve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from irc.dialects.stablehlo.attributes import (
    PRECISION,
    ConvDimensionNumbers,
    DotAlgorithm,
    DotDimensionNumbers,
)
from irc.dialects.stablehlo.base import (
    COMPLEX,
    FLOAT,
    TensorOp,
    check_padding,
    dilated,
    dims_in_range,
    is_unique,
    padded,
    same_dim,
    shape_text,
    window_count,
)
from irc.dialects.stablehlo.numerics import Array, arithmetic_dtype, convert, fma, multiply, narrow, of_parts
from irc.dialects.stablehlo.quantized import any_quantized, check_product
from irc.dialects.stablehlo.shape import pad
from irc.ir.fields import BOOL, BOOL_ARRAY, I64, I64_ARRAY, Attr, Operand, Result, enum, i64_elements, struct
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes


def accumulator_dtype(result: np.dtype[Any]) -> np.dtype[Any]:
    """What a contraction accumulates in: f32 for narrower floats, otherwise the result's own type."""
    return arithmetic_dtype(result)


def accumulate(a: Array, b: Array, acc: Array) -> Array:
    """One step of a contraction: fma for floats, a rounded complex product, wrapping for integers, `or` of `and` for i1."""
    if acc.dtype.kind == "f":
        return fma(*np.broadcast_arrays(a, b, acc))
    with np.errstate(all="ignore"):
        return np.asarray(acc + multiply(a, b))


SHORT = 4
"""A complex contraction over at most so many products adds them one after the other, each a rounded complex product;
a longer one, or a convolution, is four contractions of parts."""


def by_parts(product: Callable[[Array, Array], Array], x: Array, y: Array) -> Array:
    """A product of complex arrays from products of their parts."""
    return of_parts(
        product(x.real, y.real) - product(x.imag, y.imag),
        product(x.real, y.imag) + product(x.imag, y.real),
    )


class DotGeneral(TensorOp, name="stablehlo.dot_general"):
    """Sums of products over contracting dimensions, for each index of batching dimensions. The result's dimensions are
    batching, free of lhs, free of rhs. Products are added in row-major order of the contracting dimensions, each by fma.
    Complex numbers: four such contractions of parts, but for sums of up to four products, which are added as they are.

    C1: as many batching dimensions on both sides.
    C2: as many contracting dimensions on both sides.
    C3: no dimension of lhs is named twice.
    C4: no dimension of rhs is named twice.
    C5: lhs batching dimensions are dimensions of lhs.
    C6: lhs contracting dimensions are dimensions of lhs.
    C7: rhs batching dimensions are dimensions of rhs.
    C8: rhs contracting dimensions are dimensions of rhs.
    C9: paired batching dimensions have one extent.
    C10: paired contracting dimensions have one extent.
    C11: precision is given for both sides or not at all.
    C12: the result's shape is batching, lhs free, rhs free.
    C13: lhs and rhs have one element type (the result's is free: what is accumulated in, or rounded to).
    C14: where one is quantized, rhs is, and lhs if the result is.
    C16: rhs is not quantized along a contracting dimension.
    C17: quantized lhs and rhs have one storage type.
    C18: quantized lhs, rhs and result have one expressed type.
    C19: the result is quantized along an axis only if rhs is.
    C20: lhs and result that are not quantized have the expressed type of rhs.
    C21: with an algorithm, precision is DEFAULT.
    C22: the algorithm's lhs component count is positive.
    C23: the algorithm's rhs component count is positive.
    C24: the algorithm's number of primitive operations is positive."""

    quantized = "axis"
    by_floats = True
    assembly = (
        "$lhs `,` $rhs `,` custom<DotDimensionNumbers>($dot_dimension_numbers) `` "
        "custom<PrecisionConfigAndAlgorithm>($precision_config, $algorithm) attr-dict `:` "
        "functional-type(operands, results)"
    )
    result_labels = ("C12", "C13")
    lhs = Operand(constraint="any tensorwise")
    rhs = Operand()
    dot_dimension_numbers = Attr(struct(DotDimensionNumbers))
    precision_config = Attr(PRECISION, optional=True)
    algorithm = Attr(struct(DotAlgorithm), optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b, d = self.lhs.type, self.rhs.type, self.dot_dimension_numbers
        self._check_dimensions(a, b, d)
        result = self.results[0].type.element if self.results else a.element
        if any_quantized(a.element, b.element, result):
            check_product(self, a.element, b.element, result, 14)
            outside = b.element.axis not in d.rhs_contracting_dimensions
            message = "Quantization dimension of rhs should not be in the contracting dimension of rhs"
            self.check(outside, "C16", message)
        else:
            self.check(a.element is b.element, "C13", f"multiplies {a} by {b}")
        check_precision(self, "C11")
        if self.algorithm is not None:
            self._check_algorithm(self.algorithm)
        lhs_free, rhs_free = free_dimensions(a.rank, b.rank, d)
        shape = (
            *(a.shape[i] for i in d.lhs_batching_dimensions),
            *(a.shape[i] for i in lhs_free),
            *(b.shape[i] for i in rhs_free),
        )
        return [TensorType(shape, result)]

    def _check_dimensions(self, a: TensorType, b: TensorType, d: DotDimensionNumbers) -> None:
        lhs_batch, rhs_batch = d.lhs_batching_dimensions, d.rhs_batching_dimensions
        lhs_sum, rhs_sum = d.lhs_contracting_dimensions, d.rhs_contracting_dimensions
        message = "lhs and rhs should have the same number of"
        self.check(len(lhs_batch) == len(rhs_batch), "C1", f"{message} batching dimensions")
        self.check(len(lhs_sum) == len(rhs_sum), "C2", f"{message} contracting dimensions")
        lists = {
            "lhs_batching_dimensions": (lhs_batch, a.rank, "C5"),
            "lhs_contracting_dimensions": (lhs_sum, a.rank, "C6"),
            "rhs_batching_dimensions": (rhs_batch, b.rank, "C7"),
            "rhs_contracting_dimensions": (rhs_sum, b.rank, "C8"),
        }
        for label, side in (("C3", "lhs"), ("C4", "rhs")):
            names = f"{side}_batching_dimensions", f"{side}_contracting_dimensions"
            self.check_distinct(label, *((name, lists[name][0]) for name in names))
        for name, (dims, rank, label) in lists.items():
            outside = next((i for i in dims if not 0 <= i < rank), None)
            self.check(outside is None, label, f"{name} value: {outside} is out of range: [0, {rank})")
        batched = all(same_dim(a.shape[i], b.shape[j]) for i, j in zip(lhs_batch, rhs_batch, strict=True))
        self.check(batched, "C9", "batching dimension sizes must match for lhs/rhs")
        summed = all(same_dim(a.shape[i], b.shape[j]) for i, j in zip(lhs_sum, rhs_sum, strict=True))
        self.check(summed, "C10", "contracting dimension sizes must match for lhs/rhs")

    def _check_algorithm(self, algorithm: DotAlgorithm) -> None:
        precise = [p for p in self.precision_config or () if p != "DEFAULT"]
        self.check(not precise, "C21", "must specify DEFAULT precision config when algorithm is set.")
        self.check(algorithm.lhs_component_count > 0, "C22", "lhs component count must be positive")
        self.check(algorithm.rhs_component_count > 0, "C23", "rhs component count must be positive")
        self.check(algorithm.num_primitive_operations > 0, "C24", "num primitive operations must be positive")
        message = f"dot algorithm not known to be supported on any hardware: {algorithm.summary}"
        self.check(algorithm.is_known, "I8", message)

    def evaluate(self, x: Array, y: Array) -> Array:
        return contract(x, y, self.dot_dimension_numbers, self.result.type.element.numpy)


def contract(x: Array, y: Array, d: DotDimensionNumbers, dtype: np.dtype[Any]) -> Array:
    """dot_general of arrays, accumulated in order of the contracted index and rounded to `dtype` once."""
    wide = accumulator_dtype(dtype)
    lhs_free, rhs_free = free_dimensions(x.ndim, y.ndim, d)
    batch = [x.shape[i] for i in d.lhs_batching_dimensions]
    rows, columns = [x.shape[i] for i in lhs_free], [y.shape[i] for i in rhs_free]
    depth = prod(x.shape[i] for i in d.lhs_contracting_dimensions)
    if dtype.kind == "c" and depth > SHORT:
        part = np.zeros((), dtype).real.dtype
        return by_parts(lambda a, b: contract(a, b, d, part), x, y)
    a = x.transpose(*d.lhs_batching_dimensions, *lhs_free, *d.lhs_contracting_dimensions)
    b = y.transpose(*d.rhs_batching_dimensions, *d.rhs_contracting_dimensions, *rhs_free)
    a = convert(a.reshape(prod(batch), prod(rows), depth), wide)
    b = convert(b.reshape(prod(batch), depth, prod(columns)), wide)
    acc = np.zeros((prod(batch), prod(rows), prod(columns)), wide)
    for k in range(depth):
        acc = accumulate(a[:, :, k, None], b[:, None, k, :], acc)
    return narrow(acc, dtype).reshape((*batch, *rows, *columns))


def free_dimensions(lhs_rank: int, rhs_rank: int, d: DotDimensionNumbers) -> tuple[list[int], list[int]]:
    """Dimensions of each side that are neither batching nor contracting."""
    lhs = {*d.lhs_batching_dimensions, *d.lhs_contracting_dimensions}
    rhs = {*d.rhs_batching_dimensions, *d.rhs_contracting_dimensions}
    return [i for i in range(lhs_rank) if i not in lhs], [i for i in range(rhs_rank) if i not in rhs]


def check_precision(op: Any, label: str) -> None:
    """`precision_config` is absent, empty, or has one entry for each side."""
    given = op.precision_config
    count = 0 if given is None else len(given)
    message = f"expects precision config to be empty or have <= 2 elements, got {count}"
    op.check(count in (0, 2), label, message)


class Convolution(TensorOp, name="stablehlo.convolution"):
    """Windows of lhs times the kernel rhs. Products are added by fma, kernel positions in row-major order and input
    channels innermost; padding and dilation are zeros that take part.

    C1: lhs and rhs have one rank N.
    C2: window strides are N - 2.
    C3: they are positive.
    C4: padding is [N - 2, 2].
    C5: lhs dilations are N - 2.
    C6: they are positive.
    C7: rhs dilations are N - 2.
    C8: they are positive.
    C9: window reversals are N - 2.
    C10: the batch is a multiple of batch_group_count.
    C11: input features are a multiple of feature_group_count.
    C12: input spatial dimensions are N - 2.
    C13: input dimensions are all of lhs's, each once.
    C14: kernel input features are input features / feature_group_count.
    C15: kernel output features are a multiple of batch_group_count.
    C16: kernel output features are a multiple of feature_group_count.
    C17: kernel spatial dimensions are N - 2.
    C18: kernel dimensions are all of rhs's, each once.
    C19: output spatial dimensions are N - 2.
    C20: output dimensions are all of the result's, each once.
    C21: feature_group_count is positive.
    C22: batch_group_count is positive.
    C23: one of them is 1.
    C24: precision is given for both sides or not at all.
    C25: the result's extents are batch / batch_group_count, kernel output features, and numbers of windows.
    C26: the result has rank N.
    C27: lhs and rhs have one element type (the result's is free: what is accumulated in, or rounded to).
    C28: where one is quantized, rhs is, and lhs if the result is.
    C29: rhs is quantized along its output features, if along an axis.
    C30: the result is quantized along its features, if along an axis.
    C31: quantized lhs and rhs have one storage type.
    C32: quantized lhs, rhs and result have one expressed type.
    C33: the result is quantized along an axis only if rhs is.
    C34: lhs and result that are not quantized have the expressed type of rhs."""

    quantized = "axis"
    by_floats = True
    assembly = (
        "`(`operands`)` `dim_numbers` `=` custom<ConvolutionDimensions>($dimension_numbers) `,` `window` `=` `{` "
        "custom<WindowAttributes>($window_strides, $padding, $lhs_dilation, $rhs_dilation, $window_reversal) `}` "
        "attr-dict `:` functional-type(operands, results)"
    )
    result_labels = ("C25", "C27")
    lhs = Operand(constraint="any tensorwise")
    rhs = Operand()
    window_strides = Attr(I64_ARRAY, optional=True)
    padding = Attr(i64_elements(2), optional=True)
    lhs_dilation = Attr(I64_ARRAY, optional=True)
    rhs_dilation = Attr(I64_ARRAY, optional=True)
    window_reversal = Attr(BOOL_ARRAY, optional=True)
    dimension_numbers = Attr(struct(ConvDimensionNumbers))
    feature_group_count = Attr(I64)
    batch_group_count = Attr(I64)
    precision_config = Attr(PRECISION, optional=True)
    result = Result()

    @property
    def window(self) -> ConvWindow:
        """The window's attributes, defaults filled in."""
        padding = self.padding
        return self.window_with(((0, 0),) * (self.lhs.type.rank - 2) if padding is None else padding)

    def window_with(self, padding: tuple[tuple[int, int], ...]) -> ConvWindow:
        """The window with this padding."""
        n = self.lhs.type.rank - 2
        return ConvWindow(
            (1,) * n if self.window_strides is None else self.window_strides,
            padding,
            (1,) * n if self.lhs_dilation is None else self.lhs_dilation,
            (1,) * n if self.rhs_dilation is None else self.rhs_dilation,
            (False,) * n if self.window_reversal is None else self.window_reversal,
        )

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b, d = self.lhs.type, self.rhs.type, self.dimension_numbers
        message = f"expects convolution arguments to have same number of dimensions. Got: '{a}' and '{b}'."
        self.check(a.rank == b.rank, "C1", message)
        self._check_window(a.rank - 2)
        self._check_dimensions(a.rank, d)
        self._check_features(a, b, d)
        check_precision(self, "C24")
        element = a.element
        if self.results:
            self._check_result(a, b, d)
            element = self.results[0].type.element
        if any_quantized(a.element, b.element, element):
            self._check_quantized(a.element, b.element, element, d)
        else:
            message = (
                f"expects lhs and rhs to have compatible element type. Got: '{a.element}' and '{b.element}'"
            )
            self.check(a.element is b.element, "C27", message)
        return [TensorType(self._shape(a, b, d), element)]

    def _check_quantized(self, lhs: Any, rhs: Any, result: Any, d: ConvDimensionNumbers) -> None:
        check_product(self, lhs, rhs, result, 28)
        output = d.kernel_output_feature_dimension
        message = "quantization dimension of rhs should be same with kernel_output_feature_dimension"
        self.check(rhs.axis in (None, output), "C29", message)
        output = d.output_feature_dimension
        message = "quantization dimension of result should be same with output_feature_dimension"
        self.check(getattr(result, "axis", None) in (None, output), "C30", message)

    def _check_result(self, a: TensorType, b: TensorType, d: ConvDimensionNumbers) -> None:
        given, shape = self.results[0].type, self._shape(a, b, d)
        message = (
            f"inferred shape '[{shape_text(shape)}]' is incompatible with return type of operation '{given}'"
        )
        self.check(given.rank == a.rank, "C26", message)
        self.check(compatible_shapes(shape, given.shape), "C25", message)

    def _check_window(self, n: int) -> None:
        w = self.window
        lists: dict[str, tuple[Sequence[int], str, str, str]] = {
            "window-strides": (w.strides, "stride", "C2", "C3"),
            "base-dilation factors": (w.lhs_dilation, "base dilation factor", "C5", "C6"),
            "window-dilation factors": (w.rhs_dilation, "window dilation factor", "C7", "C8"),
            "window-reversal": (tuple(map(bool, w.reversal)), "", "C9", ""),
        }
        for name, (values, what, count, above) in lists.items():
            message = (
                f"expects {name} to have same dimension-size as size of window dimensions ({n}), but got: "
            )
            self.check(len(values) == n, count, f"{message}{len(values)}.")
            for i, value in enumerate(values):
                message = (
                    f"expects window to have positive {what} for {i}-th window dimension, but got {value}."
                )
                self.check(not what or value > 0, above, message)
        check_padding(self, w.padding, n, "C4")

    def _check_dimensions(self, rank: int, d: ConvDimensionNumbers) -> None:
        sides = {
            "input": (d.input_spatial_dimensions, d.input_dimensions, "C12", "C13"),
            "kernel": (d.kernel_spatial_dimensions, d.kernel_dimensions, "C17", "C18"),
            "output": (d.output_spatial_dimensions, d.output_dimensions, "C19", "C20"),
        }
        counts = [len(spatial) for spatial, _, _, _ in sides.values()]
        message = "expects the same size for input, kernel and output spatial-dimensions, but got "
        message += f"{counts[0]}, {counts[1]}, and {counts[2]} resp."
        wanted = f"expects convolution arguments to have {counts[0] + 2} dimensions. Got: {rank}"
        for spatial, _, label, _ in sides.values():
            self.check(len(spatial) == rank - 2, label, message if len(set(counts)) > 1 else wanted)
        for name, (_, dims, _, label) in sides.items():
            message = f"expects input, kernel, and output dimension-numbers to be in-range [0, {rank})."
            self.check(dims_in_range(dims, rank), label, message)
            message = f"expects {name} dimension-numbers to be unique, got {{{shape_text(dims)}}}."
            self.check(is_unique(dims), label, message)

    def _check_features(self, a: TensorType, b: TensorType, d: ConvDimensionNumbers) -> None:
        features, batches = self.feature_group_count, self.batch_group_count
        self.check_integer("feature_group_count", "C21", positive=True)
        self.check_integer("batch_group_count", "C22", positive=True)
        message = "expects batch_group_count and feature_group_count not to be both greater than 1. Got "
        self.check(features == 1 or batches == 1, "C23", f"{message}{batches} and {features} resp.")
        batch, channels = a.shape[d.input_batch_dimension], a.shape[d.input_feature_dimension]
        inputs, outputs = (
            b.shape[d.kernel_input_feature_dimension],
            b.shape[d.kernel_output_feature_dimension],
        )
        in_batches, in_features = f"batch_group_count = {batches}.", f"feature_group_count = {features}."
        message = (
            f"expects input batch dimension ({batch}) to be divisible by batch_group_count. Got {in_batches}"
        )
        self.check(_divides(batches, batch), "C10", message)
        start = f"expects input feature dimension ({channels})"
        message = f"{start} to be a multiple of feature_group_count. Got {in_features}"
        self.check(_divides(features, channels), "C11", message)
        message = (
            f"{start} / feature_group_count = kernel input feature dimension ({inputs}). Got {in_features}"
        )
        self.check(same_dim(inputs, channels and channels // features), "C14", message)
        message = f"expects output feature dimension size ({outputs}) to be a multiple of batch_group_count. Got {in_batches}"
        self.check(_divides(batches, outputs), "C15", message)
        message = f"expects kernel output feature dimension ({outputs}) to be divisible by feature_group_count. For {in_features}"
        self.check(_divides(features, outputs), "C16", message)

    def _shape(self, a: TensorType, b: TensorType, d: ConvDimensionNumbers) -> tuple[Dim, ...]:
        shape: list[Dim] = [None] * a.rank
        batch = a.shape[d.input_batch_dimension]
        shape[d.output_batch_dimension] = None if batch is None else batch // self.batch_group_count
        shape[d.output_feature_dimension] = b.shape[d.kernel_output_feature_dimension]
        w = self.window
        for i, out in enumerate(d.output_spatial_dimensions):
            size = padded(dilated(a.shape[d.input_spatial_dimensions[i]], w.lhs_dilation[i]), *w.padding[i])
            window = dilated(b.shape[d.kernel_spatial_dimensions[i]], w.rhs_dilation[i])
            shape[out] = None if window is None else window_count(size, window, w.strides[i])
        return tuple(shape)

    def evaluate(self, x: Array, kernel: Array) -> Array:
        return self.convolve(x, kernel, self.window)

    def convolve(self, x: Array, kernel: Array, window: ConvWindow) -> Array:
        """Both brought to [batch, spatial..., features] and [spatial..., inputs, outputs], convolved, and brought back."""
        dtype = self.result.type.element.numpy
        if dtype.kind == "c":
            part = np.zeros((), dtype).real.dtype
            return by_parts(lambda a, b: self._convolved(a, b, window, part), x, kernel)
        return self._convolved(x, kernel, window, dtype)

    def _convolved(self, x: Array, kernel: Array, window: ConvWindow, dtype: np.dtype[Any]) -> Array:
        d, wide = self.dimension_numbers, accumulator_dtype(dtype)
        inputs, outputs = d.kernel_input_feature_dimension, d.kernel_output_feature_dimension
        x = _padded_input(convert(x.transpose(d.input_dimensions), wide), window)
        kernel = convert(kernel.transpose(*d.kernel_spatial_dimensions, inputs, outputs), wide)
        kernel = np.flip(kernel, tuple(i for i, reverse in enumerate(window.reversal) if reverse))
        out = self._grouped(x, kernel, window)
        return narrow(out.transpose(np.argsort(d.output_dimensions)), dtype)

    def _grouped(self, x: Array, kernel: Array, w: ConvWindow) -> Array:
        """Input channels and batches split into groups, each with its share of the kernel's outputs."""
        groups = max(self.feature_group_count, self.batch_group_count)
        *positions, inputs, outputs = kernel.shape
        kernel = kernel.reshape(*positions, inputs, groups, outputs // groups)
        if self.batch_group_count > 1:
            x = np.moveaxis(x.reshape(groups, x.shape[0] // groups, *x.shape[1:]), 0, -2)
        else:
            x = x.reshape(*x.shape[:-1], groups, inputs)
        sizes = [
            window_count(n, (k - 1) * dilation + 1 if k else 0, stride) or 0
            for n, k, dilation, stride in zip(x.shape[1:], positions, w.rhs_dilation, w.strides, strict=False)
        ]
        acc = np.zeros((x.shape[0], *sizes, groups, outputs // groups), x.dtype)
        for at in np.ndindex(*positions) if acc.size else ():
            starts = [p * dilation for p, dilation in zip(at, w.rhs_dilation, strict=True)]
            seen = x[
                (
                    slice(None),
                    *(
                        slice(s, s + (n - 1) * d + 1, d)
                        for s, n, d in zip(starts, sizes, w.strides, strict=True)
                    ),
                )
            ]
            for k in range(inputs):
                acc = accumulate(seen[..., k, None], kernel[(*at, k)], acc)
        return acc.reshape(*acc.shape[:-2], outputs)


@dataclass(frozen=True, slots=True)
class ConvWindow:
    """How a convolution's window moves, for each spatial dimension."""

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    reversal: tuple[bool, ...]


def _padded_input(x: Array, w: ConvWindow) -> Array:
    low, high = [[0, *(p[side] for p in w.padding), 0] for side in (0, 1)]
    return pad(x, np.zeros((), x.dtype), low, high, [0, *(v - 1 for v in w.lhs_dilation), 0])


def _is_permutation(dims: Sequence[int], rank: int) -> bool:
    return sorted(dims) == list(range(rank))


def _divides(count: int, n: Dim) -> bool:
    return n is None or n % count == 0


class Cholesky(TensorOp, name="stablehlo.cholesky"):
    """The triangular factor of a positive definite matrix: L with L Lᴴ = a, or U with Uᴴ U = a. Only one triangle of `a`
    is read; the result's other triangle is zero. A matrix that is not positive definite gives NaN.

    C1: operand and result have one type.
    C2: the rank is at least 2.
    C3: the matrices are square."""

    assembly = "$a (`,` `lower` `=` $lower^)? attr-dict `:` custom<SameOperandsAndResultType>(type($a), type($result))"
    by_floats = True
    domain = (*FLOAT, *COMPLEX)
    result_labels = ("C1", "C1")
    a = Operand()
    lower = Attr(BOOL, default=False)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type = self.a.type
        shape = shape_text(type.shape)
        self.check(type.rank >= 2, "C2", f"argument 'a' must have rank >= 2, got shape {shape}.")
        message = f"minor dimensions of 'a' must have equal size, got shape {shape}."
        self.check(same_dim(type.shape[-2], type.shape[-1]), "C3", message)
        return [type]

    def evaluate(self, a: Array) -> Array:
        wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
        a = wide if self.lower else np.conj(np.swapaxes(wide, -1, -2))
        n, factor = a.shape[-1], np.zeros_like(a)
        with np.errstate(all="ignore"):
            for j in range(n):
                row = factor[..., j, :j]
                left = a[..., j, j].real - np.sum(np.abs(row) ** 2, axis=-1)
                pivot = np.sqrt(np.where(left > 0, left, np.nan))
                factor[..., j, j] = pivot
                below = a[..., j + 1 :, j] - np.einsum(
                    "...ik,...k->...i", factor[..., j + 1 :, :j], np.conj(row)
                )
                factor[..., j + 1 :, j] = below / pivot[..., None]
        result = factor if self.lower else np.conj(np.swapaxes(factor, -1, -2))
        return result.astype(self.result.type.element.numpy)


class TriangularSolve(TensorOp, name="stablehlo.triangular_solve"):
    """x with op(a) x = b, or x op(a) = b; `a` is triangular, and its other triangle is not read.

    C1: a and b have one element type.
    C2: they have one rank, at least 2.
    C3: batch dimensions agree, and the square matrices of a fit b's rows (columns from the right).
    C4: b and the result have one type."""

    by_floats = True
    domain = (*FLOAT, *COMPLEX)
    result_labels = ("C4", "C4")
    a = Operand()
    b = Operand()
    left_side = Attr(BOOL)
    lower = Attr(BOOL)
    unit_diagonal = Attr(BOOL)
    transpose_a = Attr(
        enum("stablehlo", "transpose", ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT", "TRANSPOSE_INVALID"))
    )
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.a.type, self.b.type
        both = f"compatible, but got '{a}' and '{b}'"
        self.check(same_element(a.element, b.element), "C1", f"element types of the operands must be {both}")
        self.check(a.rank >= 2, "C2", f"operand 'a' must have rank >= 2, but got '{a}'")
        square = same_dim(a.shape[-2], a.shape[-1])
        self.check(square, "C3", f"two minor dimensions of operand 'a' must be compatible, but got '{a}'")
        self.check(a.rank == b.rank, "C2", f"operands must have equal rank, but got '{a}' and '{b}'")
        shared = same_dim(a.shape[-1], b.shape[-2 if self.left_side else -1])
        self.check(shared, "C3", f"shared dimension of operands 'a' and 'b' must be {both}")
        batched = compatible_shapes(a.shape[:-2], b.shape[:-2])
        self.check(batched, "C3", f"batch dimensions of the operands must be {both}")
        known = self.transpose_a in ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT")
        self.check(known, "I6", "Invalid transpose option value for triangular solve")
        return [b]

    def evaluate(self, a: Array, b: Array) -> Array:
        wide = np.complex128 if a.dtype.kind == "c" else np.float64
        matrix = (np.tril if self.lower else np.triu)(a.astype(wide))
        if self.unit_diagonal:
            n = a.shape[-1]
            matrix[..., range(n), range(n)] = 1
        if self.transpose_a != "NO_TRANSPOSE":
            matrix = np.swapaxes(matrix, -1, -2)
        if self.transpose_a == "ADJOINT":
            matrix = np.conj(matrix)
        if self.left_side:
            return np.linalg.solve(matrix, b.astype(wide)).astype(b.dtype)
        solved = np.linalg.solve(np.swapaxes(matrix, -1, -2), np.swapaxes(b, -1, -2).astype(wide))
        return np.swapaxes(solved, -1, -2).astype(b.dtype)
