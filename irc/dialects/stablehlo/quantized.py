"""Quantized tensors: the ops that make and read them, and what other ops ask of their quantized operands."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np

from irc.dialects.quantization import dequantize, quantize
from irc.dialects.stablehlo.base import FLOAT, TensorOp, is_quantized_tensor
from irc.dialects.stablehlo.numerics import Array
from irc.ir.fields import Operand, Result
from irc.ir.quantized import QuantizedType
from irc.ir.types import TensorType, Type


class _Quantization(TensorOp):
    assembly: ClassVar[str] = (
        "$operand attr-dict `:` custom<SameOperandsAndResultType>(type($operand), type($result))"
    )
    quantized: ClassVar[str] = "axis"
    domain: ClassVar[tuple[str, ...]] = FLOAT
    result_labels: ClassVar[tuple[str, str]] = ("C1", "C1")
    operand = Operand()
    result = Result()


class UniformQuantize(_Quantization, name="stablehlo.uniform_quantize"):
    """Floats to the nearest quantized numbers, or quantized numbers to others.

    C1: operand and result have one shape.
    C2: the result's expressed type is the operand's element type, or its expressed type."""

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type: Any = self.given_type("C1")
        fits = isinstance(type, TensorType) and is_quantized_tensor(type)
        self.check(fits, "O1", f"result #0 must be ranked tensor of quantized values, but got '{type}'")
        given = self.operand.type.element
        wanted = given.expressed if isinstance(given, QuantizedType) else given
        found = type.element.expressed
        message = f"Expressed type of result expected to be '{wanted}', but got '{found}'"
        self.check(found is wanted, "C2", message)
        return [self.operand.type.with_element(type.element)]

    def evaluate(self, x: Array) -> Array:
        source = self.operand.type.element
        floats = dequantize(x, source) if isinstance(source, QuantizedType) else x
        return quantize(floats, self.result.type.element)


class UniformDequantize(_Quantization, name="stablehlo.uniform_dequantize"):
    """The floats that quantized numbers stand for.

    C1: operand and result have one shape.
    C2: the result's element type is the operand's expressed type."""

    result_labels = ("C1", "C2")

    def infer(self) -> Sequence[Type]:
        type = self.operand.type
        fits = isinstance(type, TensorType) and is_quantized_tensor(type)
        self.check(fits, "I1", f"operand #0 must be ranked tensor of quantized values, but got '{type}'")
        return [type.with_element(type.element.expressed)]

    def evaluate(self, x: Array) -> Array:
        return np.asarray(dequantize(x, self.operand.type.element))


def any_quantized(*elements: Any) -> bool:
    return any(isinstance(e, QuantizedType) for e in elements)


def check_sum(op: TensorOp, lhs: Any, rhs: Any, result: Any) -> None:
    """C2 to C7 of add, on element types of which one is quantized."""
    given = [lhs, rhs, result]
    all_are = all(isinstance(e, QuantizedType) for e in given)
    op.check(all_are, "C2", "expects all operands and results to be either quantized or non-quantized")
    storages, expressed = {e.storage for e in given}, {e.expressed for e in given}
    op.check(len(storages) == 1, "C3", "mismatched operands and result quantization storage types")
    op.check(len(expressed) == 1, "C4", "mismatched operands and result quantization expressed types")
    per_axis = lhs.axis is not None or rhs.axis is not None
    message = (
        "result is not per_axis quantized but lhs or rhs are"
        if per_axis
        else "result per_axis quantized but none from rhs and lhs are per_axis quantized"
    )
    op.check(per_axis == (result.axis is not None), "C5", message)
    for label, side, element in (("C6", "lhs", lhs), ("C7", "rhs", rhs)):
        fits = element.axis is None or element.axis == result.axis
        op.check(
            fits, label, f"quantization_dimension of {side} and result are not same {element} vs {result}"
        )


def check_product(op: TensorOp, lhs: Any, rhs: Any, result: Any, first: int) -> None:
    """Of dot_general (C14 and on) or convolution (C28 and on): what element types of which one is quantized must satisfy."""
    label = [f"C{first + i}" for i in range(7)]
    weights = isinstance(rhs, QuantizedType) and (
        isinstance(lhs, QuantizedType) == isinstance(result, QuantizedType)
    )
    op.check(
        weights,
        label[0],
        "rhs should be quantized for quantized operations and is_quantized(lhs)=is_quantized(result) should hold",
    )
    if not isinstance(lhs, QuantizedType):
        message = "mismatched rhs quantization expressed type and lhs and result element type"
        op.check(lhs is rhs.expressed and lhs is result, label[6], message)
        return
    storages = lhs.storage is rhs.storage
    op.check(storages, label[3], "mismatched lhs and rhs quantization storage types")
    expressed = lhs.expressed is rhs.expressed is result.expressed
    op.check(expressed, label[4], "mismatched lhs, rhs and result quantization expressed types")
    granular = rhs.axis is not None or result.axis is None
    op.check(granular, label[5], "mismatched rhs and result quantization granularity")


def check_moved(op: TensorOp, source: TensorType, type: TensorType, label: str) -> None:
    """An op that moves elements leaves their scales and zero points."""
    a, b = source.element, type.element
    if not (isinstance(a, QuantizedType) and isinstance(b, QuantizedType)):
        return
    same = a.scales == b.scales and a.zero_points == b.zero_points
    what = "scale and zero_point" if a.axis is None else "scales and zero_points"
    op.check(same, label, f"expect same quantization {what} but got '{source}' vs '{type}'")


def check_reshaped(op: TensorOp, source: TensorType, type: TensorType) -> None:
    """C1 and C3 of reshape: the quantized axis keeps its extent, and as many elements stand before it."""
    check_moved(op, source, type, "C1")
    a, b = source.element, type.element
    if not any_quantized(a) or a.axis is None or not (source.is_static and type.is_static):
        return
    extents = source.static_shape[a.axis] == type.static_shape[b.axis]
    message = "expect same quantization dimension size for operand and result"
    op.check(extents, "C3", f"{message} '{source}' and '{type}'")
    before = prod(source.static_shape[: a.axis]), prod(type.static_shape[: b.axis])
    message = "product of dimensions before quantization dimension must match between operand and result"
    op.check(before[0] == before[1], "C3", f"{message} for {before[0]} and {before[1]}")


def check_spread(op: TensorOp, source: TensorType, type: TensorType, dims: Sequence[int]) -> None:
    """C6 of broadcast_in_dim: the quantized axis goes where its dimension goes, its parameters with it."""
    a, b = source.element, type.element
    if not isinstance(a, QuantizedType) or a.axis is None:
        check_moved(op, source, type, "C1")
        return
    goes = dims[a.axis]
    message = f"result quantization_dimension {b.axis} not same as broadcast_dimensions[{a.axis}] = {goes}"
    op.check(b.axis == goes, "C6", message)
    if source.shape[a.axis] != 1:
        check_moved(op, source, type, "C6")
        return
    for i, (scale, zero) in enumerate(zip(b.scales, b.zero_points, strict=True)):
        message = f"mismatch result scale {i} ({scale:.6e}) and operand scale 0 ({a.scales[0]:.6e})"
        op.check(scale == a.scales[0], "C6", message)
        message = f"mismatch result zero_point {i} ({zero}) and operand zero_point 0 ({a.zero_points[0]})"
        op.check(zero == a.zero_points[0], "C6", message)
