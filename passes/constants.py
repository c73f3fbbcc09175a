"""Constants as passes see them: is this value one number throughout, and which; and making such values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from irc.dialects.stablehlo import Constant
from irc.ir.attributes import DenseElementsAttr
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import ComplexType, FloatType, IntegerType, TensorType


def constant_array(value: Value) -> np.ndarray[Any, Any] | None:
    """The elements of a constant (a splat is a broadcast view), or None."""
    elements = _elements(value)
    return None if elements is None else elements.array


def splat(value: Value) -> Any:
    """The one element of a constant that is the same throughout, as a NumPy scalar, or None."""
    elements = _elements(value)
    return elements.splat_array[()] if elements is not None and elements.is_splat else None


def _elements(value: Value) -> DenseElementsAttr | None:
    # Rewrites ask this of nearly every operand, most of which are no constants.
    if type(value.op) is not Constant:
        return None
    elements = value.op.attributes["value"]
    return elements if isinstance(elements, DenseElementsAttr) else None


def constant(b: Builder, type: TensorType, elements: Any) -> Value:
    """Emits a constant of this type from an array or one scalar for all elements."""
    return b.emit(Constant(value=DenseElementsAttr.of(type, elements)))


def is_integer(type: TensorType) -> bool:
    """Elements are integers or booleans, for which wrapping algebra is exact."""
    return isinstance(type.element, IntegerType)


def is_float(type: TensorType) -> bool:
    return isinstance(type.element, FloatType)


def is_number(value: Value, number: float) -> bool:
    """Every element is `number`; of zeros, the sign counts."""
    scalar = splat(value)
    if scalar is None or isinstance(value.type.element, ComplexType):
        return False
    if is_float(value.type):
        found = float(scalar)
        return found == number and math.copysign(1.0, found) == math.copysign(1.0, number)
    return int(scalar) == number and (value.type.element.width > 1 or number in (0, 1))


def is_zero_of_sum(value: Value) -> bool:
    """The x with a + x = a for every a: 0 for integers, -0.0 for floats (-0.0 + 0.0 is 0.0)."""
    return is_number(value, 0) if is_integer(value.type) else is_number(value, -0.0)


def is_one(value: Value) -> bool:
    return is_number(value, 1)


def is_all_ones(value: Value) -> bool:
    """Every bit of every element is set: true, -1, or the largest unsigned number."""
    scalar = splat(value)
    if scalar is None or not is_integer(value.type):
        return False
    element = value.type.element
    return int(scalar) == (2**element.width - 1 if element.is_unsigned or element.width == 1 else -1)


def least(type: TensorType) -> Any:
    """The x with max(a, x) = a for every a: -inf, or the smallest integer; None for complex numbers."""
    return _extreme(type, -1)


def greatest(type: TensorType) -> Any:
    """The x with min(a, x) = a for every a."""
    return _extreme(type, 1)


def _extreme(type: TensorType, sign: int) -> Any:
    match type.element:
        case FloatType(name="f16" | "bf16" | "f32" | "f64"):
            return sign * math.inf
        case IntegerType(width=width, is_unsigned=unsigned) if unsigned or width == 1:
            return 0 if sign < 0 else 2**width - 1
        case IntegerType(width=width):
            return -(2 ** (width - 1)) if sign < 0 else 2 ** (width - 1) - 1
    return None
