"""Arithmetic on quantized tensors, by way of floats (StableHLO specification: `quantize`, `dequantize_op_quantize`,
`hybrid_dequantize_then_op`). Arrays of a quantized type hold the stored integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.ir.operation import Operation, Value
from irc.ir.quantized import QuantizedType
from irc.ir.types import TensorType

Array = np.ndarray[Any, Any]


def dequantize(array: Array, type: QuantizedType) -> Array:
    """(stored - zero point) * scale, in the expressed type."""
    scales, zeros = _parameters(type, array.ndim)
    return (array.astype(np.int64) - zeros).astype(type.expressed.numpy) * scales


def quantize(array: Array, type: QuantizedType) -> Array:
    """The stored integer nearest to array / scale + zero point that the storage's range holds; 0 for NaN."""
    scales, zeros = _parameters(type, array.ndim)
    low, high = type.range
    with np.errstate(all="ignore"):
        shifted = np.asarray(array / scales + zeros.astype(array.dtype))
    rounded = np.rint(np.clip(shifted.astype(np.float64), low, high))
    return np.where(np.isnan(rounded), 0.0, rounded).astype(np.int64).astype(type.numpy)


def _parameters(type: QuantizedType, rank: int) -> tuple[Array, Array]:
    """Scales in the expressed type, and zero points, along the quantized axis."""
    shape = [1] * rank
    if type.axis is not None:
        shape[type.axis] = len(type.scales)
    scales = np.asarray(type.scales, np.float64).astype(type.expressed.numpy)
    return scales.reshape(shape), np.asarray(type.zero_points, np.int64).reshape(shape)


def quantized_element(type: Any) -> QuantizedType | None:
    """The element type of a quantized tensor type, None for any other type."""
    element = getattr(type, "element", None)
    return element if isinstance(element, QuantizedType) else None


def computes_quantized(op: Operation) -> bool:
    """Whether an op computes with quantized numbers rather than moving them."""
    values = (*op.operands, *op.results)
    by_floats: bool = getattr(op, "by_floats", False)
    return by_floats and any(quantized_element(v.type) for v in values)


def evaluate_by_floats(op: Operation, arrays: Sequence[Array]) -> Any:
    """The op on dequantized operands; its results quantized where their types are."""
    values = [_expressed(v) for v in op.operands]
    floats = [
        dequantize(a, element) if (element := quantized_element(v.type)) else a
        for v, a in zip(op.operands, arrays, strict=True)
    ]
    types = [_expressed(r).type for r in op.results]
    plain: Any = type(op).create(values, types, op.attributes, op.regions, op.location)
    given = plain.evaluate(*floats)
    results = given if isinstance(given, tuple) else (given,)
    return tuple(
        quantize(np.asarray(x), element) if (element := quantized_element(r.type)) else x
        for r, x in zip(op.results, results, strict=True)
    )


def _expressed(value: Value) -> Value:
    """A value of the expressed type."""
    element = quantized_element(value.type)
    if element is None:
        return value
    return Value(TensorType(value.type.shape, element.expressed))
