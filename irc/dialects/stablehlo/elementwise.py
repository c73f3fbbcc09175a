"""Elementwise StableHLO ops on numbers; those on bits stand in `bitwise`, those that choose in `selection`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from irc.dialects.stablehlo import numerics as N
from irc.dialects.stablehlo.base import (
    COMPLEX,
    FLOAT,
    INTEGER,
    SIGNED,
    TensorOp,
    compatible,
    merge_shapes,
    merge_types,
    quoted,
)
from irc.dialects.stablehlo.numerics import Array, native, precise
from irc.dialects.stablehlo.quantized import any_quantized, check_sum
from irc.ir.fields import ANY, I32, Attr, Operand, Result
from irc.ir.types import ComplexType, TensorType, Type, compatible_shapes, i1


class UnaryElementwise(TensorOp):
    """C1: operand and result have one type."""

    assembly: ClassVar[str] = (
        "$operand attr-dict `:` custom<SameOperandsAndResultType>(type($operand), type($result))"
    )
    elementwise: ClassVar[bool] = True
    by_floats: ClassVar[bool] = True
    result_labels: ClassVar[tuple[str, str]] = ("C1", "C1")
    operand = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        return [self.operand.type]


class Transcendental(UnaryElementwise):
    """A unary op whose accuracy may be asked for; every lowering here meets the tightest request."""

    domain: ClassVar[tuple[str, ...]] = (*FLOAT, *COMPLEX)
    result_accuracy = Attr(ANY, optional=True)


class BinaryElementwise(TensorOp):
    """C1: lhs, rhs and result have one type."""

    assembly: ClassVar[str] = (
        "$lhs `,` $rhs attr-dict `:` custom<SameOperandsAndResultType>(type($lhs), type($rhs), type($result))"
    )
    elementwise: ClassVar[bool] = True
    by_floats: ClassVar[bool] = True
    result_labels: ClassVar[tuple[str, str]] = ("C1", "C1")
    lhs = Operand()
    rhs = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.lhs.type, self.rhs.type
        message = "requires compatible types for all operands and results"
        self.check(compatible(a, b), "C1", f"{message}, but has {quoted((a, b))}")
        return [merge_types((a, b))]


# Unary, on numbers.


class Abs(UnaryElementwise, name="stablehlo.abs"):
    """Magnitude; |INT_MIN| is INT_MIN.

    C1: the result has the operand's shape.
    C2: it has the operand's element type, or the part type of a complex operand."""

    domain = (*SIGNED, *FLOAT, *COMPLEX)
    result_labels = ("C1", "C2")

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        return [part_type(self.operand.type)]

    def evaluate(self, x: Array) -> Array:
        return N.absolute(x) if x.dtype.kind == "c" else native(np.abs, x)


class Negate(UnaryElementwise, name="stablehlo.negate"):
    """-x; integers wrap."""

    domain = (*INTEGER, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array) -> Array:
        return native(np.negative, x)


class Sign(UnaryElementwise, name="stablehlo.sign"):
    """-1, 0 or 1; zeros and NaN stay; x / |x| for complex numbers."""

    domain = (*SIGNED, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array) -> Array:
        return precise(N.complex_sign, x) if x.dtype.kind == "c" else native(N.sign, x)


class Ceil(UnaryElementwise, name="stablehlo.ceil"):
    """The least integer not below x."""

    domain = FLOAT

    def evaluate(self, x: Array) -> Array:
        return native(np.ceil, x)


class Floor(UnaryElementwise, name="stablehlo.floor"):
    """The greatest integer not above x."""

    domain = FLOAT

    def evaluate(self, x: Array) -> Array:
        return native(np.floor, x)


class RoundNearestAfz(UnaryElementwise, name="stablehlo.round_nearest_afz"):
    """The nearest integer, halves away from zero."""

    domain = FLOAT

    def evaluate(self, x: Array) -> Array:
        return native(N.round_half_away, x)


class RoundNearestEven(UnaryElementwise, name="stablehlo.round_nearest_even"):
    """The nearest integer, halves to even."""

    domain = FLOAT

    def evaluate(self, x: Array) -> Array:
        return native(np.rint, x)


class Cbrt(Transcendental, name="stablehlo.cbrt"):
    """Cube root; the principal one of a complex number."""

    def evaluate(self, x: Array) -> Array:
        return precise(lambda v: np.power(v, 1 / 3) if v.dtype.kind == "c" else np.cbrt(v), x)


class Cosine(Transcendental, name="stablehlo.cosine"):
    """cos x."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.cos, x)


class Exponential(Transcendental, name="stablehlo.exponential"):
    """e to the x."""

    def evaluate(self, x: Array) -> Array:
        return precise(N.complex_exp if x.dtype.kind == "c" else np.exp, x)


class ExponentialMinusOne(Transcendental, name="stablehlo.exponential_minus_one"):
    """e to the x, minus 1, exact near 0."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.expm1, x)


class Log(Transcendental, name="stablehlo.log"):
    """Natural logarithm."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.log, x)


class LogPlusOne(Transcendental, name="stablehlo.log_plus_one"):
    """Natural logarithm of 1 + x, exact near 0."""

    def evaluate(self, x: Array) -> Array:
        return precise(N.complex_log1p if x.dtype.kind == "c" else np.log1p, x)


class Logistic(Transcendental, name="stablehlo.logistic"):
    """1 / (1 + exp(-x)), with these roundings."""

    def evaluate(self, x: Array) -> Array:
        def logistic(v: Array) -> Array:
            one = v.dtype.type(1)
            return np.asarray(one / (one + precise(np.exp, -v)))

        return (precise if x.dtype.kind == "c" else native)(logistic, x)


class Rsqrt(Transcendental, name="stablehlo.rsqrt"):
    """1 / sqrt(x), with these roundings."""

    def evaluate(self, x: Array) -> Array:
        return (precise if x.dtype.kind == "c" else native)(lambda v: v.dtype.type(1) / np.sqrt(v), x)


class Sine(Transcendental, name="stablehlo.sine"):
    """sin x."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.sin, x)


class Sqrt(Transcendental, name="stablehlo.sqrt"):
    """Square root, correctly rounded."""

    def evaluate(self, x: Array) -> Array:
        return (precise if x.dtype.kind == "c" else native)(np.sqrt, x)


class Tan(Transcendental, name="stablehlo.tan"):
    """tan x."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.tan, x)


class Tanh(Transcendental, name="stablehlo.tanh"):
    """Hyperbolic tangent."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.tanh, x)


class ReducePrecision(TensorOp, name="stablehlo.reduce_precision"):
    """The value as a float with fewer exponent and mantissa bits would hold it, rounded to nearest even.

    C1: operand and output have one type.
    C2: there is at least 1 exponent bit.
    C3: the number of mantissa bits is not negative."""

    assembly = (
        "$operand `,` `format` `=` custom<ExponentMantissa>($exponent_bits, $mantissa_bits) attr-dict `:` "
        "custom<SameOperandsAndResultType>(type($operand), type($output))"
    )
    domain = FLOAT
    elementwise = True
    by_floats = True
    result_labels = ("C1", "C1")
    operand = Operand()
    exponent_bits = Attr(I32)
    mantissa_bits = Attr(I32)
    output = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        self.check_integer("exponent_bits", "C2", positive=True)
        self.check_integer("mantissa_bits", "C3")
        return [self.operand.type]

    def evaluate(self, x: Array) -> Array:
        return native(lambda v: N.reduce_precision(v, self.exponent_bits, self.mantissa_bits), x)


# Unary, on parts.


class IsFinite(TensorOp, name="stablehlo.is_finite"):
    """Neither infinite nor NaN.

    C1: x and y have one shape."""

    assembly = "operands attr-dict `:` functional-type(operands, results)"
    domain = FLOAT
    elementwise = True
    by_floats = True
    result_labels = ("C1", "C1")
    x = Operand()
    y = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        return [self.x.type.with_element(i1)]

    def evaluate(self, x: Array) -> Array:
        return np.isfinite(x.astype(np.float64))


class _Part(UnaryElementwise):
    """C1: the result has the operand's shape.
    C2: its elements are the operand's parts, or the operand's own when that is real."""

    quantized: ClassVar[str] = ""
    domain: ClassVar[tuple[str, ...]] = (*FLOAT, *COMPLEX)
    result_labels: ClassVar[tuple[str, str]] = ("C1", "C2")

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        return [part_type(self.operand.type)]


class Real(_Part, name="stablehlo.real"):
    """The real part."""

    def evaluate(self, x: Array) -> Array:
        return x.real


class Imag(_Part, name="stablehlo.imag"):
    """The imaginary part; 0 for a real operand."""

    def evaluate(self, x: Array) -> Array:
        return x.imag if x.dtype.kind == "c" else np.zeros_like(x)


def part_type(type: TensorType) -> TensorType:
    """The type with complex elements replaced by their part type."""
    return type.with_element(type.element.element) if isinstance(type.element, ComplexType) else type


class Complex(TensorOp, name="stablehlo.complex"):
    """lhs + i rhs.

    C1: lhs and rhs have one type.
    C2: the result has their shape.
    C3: its elements are complex numbers of their element type."""

    assembly = "operands attr-dict `:` custom<ComplexOpType>(type($lhs), type($rhs), type($result))"
    quantized = ""
    domain = FLOAT
    elementwise = True
    result_labels = ("C2", "C3")
    lhs = Operand()
    rhs = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.lhs.type, self.rhs.type
        self.check(a.element.width in (32, 64), "I1", f"takes f32 or f64 elements, not {a}")
        self.check(compatible(a, b), "C1", f"has operands of types {a} and {b}")
        return [merge_types((a, b)).with_element(ComplexType(a.element))]

    def evaluate(self, x: Array, y: Array) -> Array:
        return N.of_parts(x, y)


# Binary arithmetic.


class Add(BinaryElementwise, name="stablehlo.add"):
    """Sum; integers wrap, i1 is `or`.

    C2: operands and result are quantized, or none of them.
    C3: quantized ones have one storage type.
    C4: they have one expressed type.
    C5: the result is quantized along an axis if an operand is.
    C6: the quantized axis of lhs is the result's.
    C7: the quantized axis of rhs is the result's."""

    commutative = True
    quantized = "axis"

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.lhs.type, self.rhs.type
        result = self.results[0].type if self.results else a
        elements = a.element, b.element, getattr(result, "element", None)
        if not any_quantized(*elements):
            return super().infer()
        check_sum(self, *elements)
        self.check(compatible_shapes(a.shape, b.shape), "C1", f"has operands of types {a} and {b}")
        return [TensorType(merge_shapes((a.shape, b.shape)), elements[2])]

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.add, x, y)


class Subtract(BinaryElementwise, name="stablehlo.subtract"):
    """Difference; integers wrap."""

    domain = (*INTEGER, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.subtract, x, y)


class Multiply(BinaryElementwise, name="stablehlo.multiply"):
    """Product; integers wrap, i1 is `and`."""

    commutative = True

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(N.multiply, x, y)


class Divide(BinaryElementwise, name="stablehlo.divide"):
    """Quotient; of integers toward zero, with x / 0 = -1 (all bits set) and INT_MIN / -1 = INT_MIN."""

    domain = (*INTEGER, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(N.divide, x, y)


class Remainder(BinaryElementwise, name="stablehlo.remainder"):
    """What division toward zero leaves, with the sign of lhs; x % 0 = x for integers."""

    domain = (*INTEGER, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(N.remainder, x, y)


class Maximum(BinaryElementwise, name="stablehlo.maximum"):
    """IEEE-754 maximum: NaN if either is, +0 above -0; `or` for i1; complex numbers by real, then imaginary part."""

    commutative = True

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(N.maximum, x, y)


class Minimum(BinaryElementwise, name="stablehlo.minimum"):
    """IEEE-754 minimum: NaN if either is, -0 below +0; `and` for i1; complex numbers by real, then imaginary part."""

    commutative = True

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(N.minimum, x, y)


class Power(BinaryElementwise, name="stablehlo.power"):
    """lhs to the rhs. Integers wrap; a negative integer exponent gives 0 unless lhs is 1 or -1."""

    domain = (*INTEGER, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array, y: Array) -> Array:
        return (precise if N.is_float(x) or x.dtype.kind == "c" else native)(N.power, x, y)


class Atan2(BinaryElementwise, name="stablehlo.atan2"):
    """The angle of the point (rhs, lhs); -i log((rhs + i lhs) / sqrt(lhs² + rhs²)) for complex numbers."""

    domain = (*FLOAT, *COMPLEX)

    def evaluate(self, y: Array, x: Array) -> Array:
        if y.dtype.kind == "c":
            return precise(lambda a, b: -1j * np.log((b + 1j * a) / np.sqrt(a * a + b * b)), y, x)
        return precise(np.arctan2, y, x)
