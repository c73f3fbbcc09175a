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
    dilated,
    dims_in_range,
    is_unique,
    padded,
    same_dim,
    window_count,
)
from irc.dialects.stablehlo.numerics import Array, arithmetic_dtype, convert, fma, multiply, narrow, of_parts
from irc.dialects.stablehlo.quantized import any_quantized, check_product
from irc.dialects.stablehlo.shape import pad
from irc.ir.fields import BOOL, BOOL_ARRAY, I64, I64_ARRAY, Attr, Operand, Result, enum, i64_elements, struct
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
        text = f"has dimension numbers {d.body()} for {a} and {b}"
        self.check(len(lhs_batch) == len(rhs_batch), "C1", text)
        self.check(len(lhs_sum) == len(rhs_sum), "C2", text)
        self.check(is_unique(lhs_batch + lhs_sum), "C3", text)
        self.check(is_unique(rhs_batch + rhs_sum), "C4", text)
        self.check(dims_in_range(lhs_batch, a.rank), "C5", text)
        self.check(dims_in_range(lhs_sum, a.rank), "C6", text)
        self.check(dims_in_range(rhs_batch, b.rank), "C7", text)
        self.check(dims_in_range(rhs_sum, b.rank), "C8", text)
        batched = all(same_dim(a.shape[i], b.shape[j]) for i, j in zip(lhs_batch, rhs_batch, strict=True))
        self.check(batched, "C9", text)
        summed = all(same_dim(a.shape[i], b.shape[j]) for i, j in zip(lhs_sum, rhs_sum, strict=True))
        self.check(summed, "C10", text)

    def _check_algorithm(self, algorithm: DotAlgorithm) -> None:
        precise = [p for p in self.precision_config or () if p != "DEFAULT"]
        self.check(not precise, "C21", f"has precision {precise} beside an algorithm")
        self.check(algorithm.lhs_component_count > 0, "C22", f"has {algorithm}")
        self.check(algorithm.rhs_component_count > 0, "C23", f"has {algorithm}")
        self.check(algorithm.num_primitive_operations > 0, "C24", f"has {algorithm}")

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
    op.check(given is None or len(given) in (0, 2), label, f"has precision {given}")


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
        self.check(a.rank == b.rank, "C1", f"convolves {a} with {b}")
        self._check_window(a.rank - 2)
        self._check_dimensions(a.rank, d)
        self._check_features(a, b, d)
        check_precision(self, "C24")
        element = a.element
        if self.results:
            self.check(self.results[0].type.rank == a.rank, "C26", f"has a result {self.results[0].type}")
            element = self.results[0].type.element
        if any_quantized(a.element, b.element, element):
            self._check_quantized(a.element, b.element, element, d)
        else:
            self.check(a.element is b.element, "C27", f"convolves {a} with {b}")
        return [TensorType(self._shape(a, b, d), element)]

    def _check_quantized(self, lhs: Any, rhs: Any, result: Any, d: ConvDimensionNumbers) -> None:
        check_product(self, lhs, rhs, result, 28)
        output = d.kernel_output_feature_dimension
        message = f"quantization dimension of rhs should be kernel_output_feature_dimension {output}"
        self.check(rhs.axis in (None, output), "C29", message)
        output = d.output_feature_dimension
        message = f"quantization dimension of result should be output_feature_dimension {output}"
        self.check(getattr(result, "axis", None) in (None, output), "C30", message)

    def _check_window(self, n: int) -> None:
        w = self.window
        self.check(len(w.strides) == n, "C2", f"has window strides {w.strides} for {n} dimensions")
        self.check(all(v > 0 for v in w.strides), "C3", f"has window strides {w.strides}")
        well_formed = len(w.padding) == n and all(len(p) == 2 for p in w.padding)
        self.check(well_formed, "C4", f"has padding {w.padding} for {n} dimensions")
        self.check(len(w.lhs_dilation) == n, "C5", f"has lhs dilations {w.lhs_dilation} for {n} dimensions")
        self.check(all(v > 0 for v in w.lhs_dilation), "C6", f"has lhs dilations {w.lhs_dilation}")
        self.check(len(w.rhs_dilation) == n, "C7", f"has rhs dilations {w.rhs_dilation} for {n} dimensions")
        self.check(all(v > 0 for v in w.rhs_dilation), "C8", f"has rhs dilations {w.rhs_dilation}")
        self.check(len(w.reversal) == n, "C9", f"has window reversals {w.reversal} for {n} dimensions")

    def _check_dimensions(self, rank: int, d: ConvDimensionNumbers) -> None:
        text = f"has dimension numbers {d.body()}"
        self.check(len(d.input_spatial_dimensions) == rank - 2, "C12", text)
        self.check(_is_permutation(d.input_dimensions, rank), "C13", text)
        self.check(len(d.kernel_spatial_dimensions) == rank - 2, "C17", text)
        self.check(_is_permutation(d.kernel_dimensions, rank), "C18", text)
        self.check(len(d.output_spatial_dimensions) == rank - 2, "C19", text)
        self.check(_is_permutation(d.output_dimensions, rank), "C20", text)

    def _check_features(self, a: TensorType, b: TensorType, d: ConvDimensionNumbers) -> None:
        features, batches = self.feature_group_count, self.batch_group_count
        text = f"convolves {a} with {b} in {features} feature groups and {batches} batch groups"
        self.check(features > 0, "C21", text)
        self.check(batches > 0, "C22", text)
        self.check(features == 1 or batches == 1, "C23", text)
        batch, channels = a.shape[d.input_batch_dimension], a.shape[d.input_feature_dimension]
        inputs, outputs = (
            b.shape[d.kernel_input_feature_dimension],
            b.shape[d.kernel_output_feature_dimension],
        )
        self.check(_divides(batches, batch), "C10", text)
        self.check(_divides(features, channels), "C11", text)
        self.check(same_dim(inputs, channels and channels // features), "C14", text)
        self.check(_divides(batches, outputs), "C15", text)
        self.check(_divides(features, outputs), "C16", text)

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
            x = np.moveaxis(x.reshape(groups, -1, *x.shape[1:]), 0, -2)
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
        self.check(type.rank >= 2, "C2", f"factors {type}")
        self.check(same_dim(type.shape[-2], type.shape[-1]), "C3", f"factors {type}")
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
    transpose_a = Attr(enum("stablehlo", "transpose", ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT")))
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.a.type, self.b.type
        self.check(a.element is b.element, "C1", f"solves {a} for {b}")
        self.check(a.rank == b.rank >= 2, "C2", f"solves {a} for {b}")
        rows = b.shape[-2 if self.left_side else -1]
        fits = compatible_shapes(a.shape[-2:], (rows, rows)) and compatible_shapes(a.shape[:-2], b.shape[:-2])
        self.check(fits, "C3", f"solves {a} for {b}")
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
