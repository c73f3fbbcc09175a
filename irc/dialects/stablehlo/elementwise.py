"""Elementwise StableHLO ops. `compare`, `select` and `clamp` stand at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from irc.dialects.stablehlo import numerics as N
from irc.dialects.stablehlo.base import (
    BOOL,
    COMPLEX,
    FLOAT,
    INTEGER,
    SIGNED,
    TensorOp,
    all_compatible,
    compatible,
    element_kind,
    merge_types,
)
from irc.dialects.stablehlo.numerics import Array, native, precise
from irc.ir.fields import ANY, I32, Attr, Operand, Result, enum
from irc.ir.types import ComplexType, TensorType, Type, compatible_shapes, i1


class UnaryElementwise(TensorOp):
    """C1: operand and result have one type."""

    assembly: ClassVar[str] = (
        "$operand attr-dict `:` custom<SameOperandsAndResultType>(type($operand), type($result))"
    )
    elementwise: ClassVar[bool] = True
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
    result_labels: ClassVar[tuple[str, str]] = ("C1", "C1")
    lhs = Operand()
    rhs = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.lhs.type, self.rhs.type
        self.check(compatible(a, b), "C1", f"has operands of types {a} and {b}")
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
        return np.abs(x) if x.dtype.kind == "c" else native(np.abs, x)


class Negate(UnaryElementwise, name="stablehlo.negate"):
    """-x; integers wrap."""

    domain = (*INTEGER, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array) -> Array:
        return native(np.negative, x)


class Sign(UnaryElementwise, name="stablehlo.sign"):
    """-1, 0 or 1; zeros and NaN stay; x / |x| for complex numbers."""

    domain = (*SIGNED, *FLOAT, *COMPLEX)

    def evaluate(self, x: Array) -> Array:
        return native(N.sign, x)


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

        return native(logistic, x)


class Rsqrt(Transcendental, name="stablehlo.rsqrt"):
    """1 / sqrt(x), with these roundings."""

    def evaluate(self, x: Array) -> Array:
        return native(lambda v: v.dtype.type(1) / np.sqrt(v), x)


class Sine(Transcendental, name="stablehlo.sine"):
    """sin x."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.sin, x)


class Sqrt(Transcendental, name="stablehlo.sqrt"):
    """Square root, correctly rounded."""

    def evaluate(self, x: Array) -> Array:
        return native(np.sqrt, x)


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
    result_labels = ("C1", "C1")
    operand = Operand()
    exponent_bits = Attr(I32)
    mantissa_bits = Attr(I32)
    output = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        self.check(self.exponent_bits >= 1, "C2", f"has {self.exponent_bits} exponent bits")
        self.check(self.mantissa_bits >= 0, "C3", f"has {self.mantissa_bits} mantissa bits")
        return [self.operand.type]

    def evaluate(self, x: Array) -> Array:
        return native(lambda v: N.reduce_precision(v, self.exponent_bits, self.mantissa_bits), x)


# Unary, on bits and on parts.


class Not(UnaryElementwise, name="stablehlo.not"):
    """Bitwise, or logical for i1."""

    domain = (*BOOL, *INTEGER)

    def evaluate(self, x: Array) -> Array:
        return native(np.invert, x)


class Popcnt(UnaryElementwise, name="stablehlo.popcnt"):
    """How many bits are set."""

    domain = INTEGER

    def evaluate(self, x: Array) -> Array:
        return np.asarray(np.sum(N.bits_of(x), axis=0).astype(x.dtype))


class CountLeadingZeros(UnaryElementwise, name="stablehlo.count_leading_zeros"):
    """How many zero bits stand above the highest set one."""

    domain = INTEGER

    def evaluate(self, x: Array) -> Array:
        from_the_top = N.bits_of(x)[::-1]
        return np.asarray(
            np.sum(np.logical_not(np.logical_or.accumulate(from_the_top)), axis=0).astype(x.dtype)
        )


class IsFinite(TensorOp, name="stablehlo.is_finite"):
    """Neither infinite nor NaN.

    C1: x and y have one shape."""

    assembly = "operands attr-dict `:` functional-type(operands, results)"
    domain = FLOAT
    elementwise = True
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
        out = np.empty(np.broadcast_shapes(x.shape, y.shape), np.result_type(x.dtype, np.complex64))
        out.real, out.imag = x, y
        return out


# Binary arithmetic.


class Add(BinaryElementwise, name="stablehlo.add"):
    """Sum; integers wrap, i1 is `or`."""

    commutative = True

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
        return native(np.multiply, x, y)


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


# Binary, on bits.


class _Bitwise(BinaryElementwise):
    domain: ClassVar[tuple[str, ...]] = (*BOOL, *INTEGER)
    commutative: ClassVar[bool] = True


class And(_Bitwise, name="stablehlo.and"):
    """Bitwise, or logical for i1."""

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.bitwise_and, x, y)


class Or(_Bitwise, name="stablehlo.or"):
    """Bitwise, or logical for i1."""

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.bitwise_or, x, y)


class Xor(_Bitwise, name="stablehlo.xor"):
    """Bitwise, or logical for i1."""

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(np.bitwise_xor, x, y)


class ShiftLeft(BinaryElementwise, name="stablehlo.shift_left"):
    """0 for amounts outside [0, width)."""

    domain = INTEGER

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(lambda a, b: N.shift(a, b, N.width_of(x.dtype), "left"), x, y)


class ShiftRightArithmetic(BinaryElementwise, name="stablehlo.shift_right_arithmetic"):
    """Copies of the sign move in; nothing but them for amounts outside [0, width)."""

    domain = INTEGER

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(lambda a, b: N.shift(a, b, N.width_of(x.dtype), "arithmetic"), x, y)


class ShiftRightLogical(BinaryElementwise, name="stablehlo.shift_right_logical"):
    """Zeros move in; 0 for amounts outside [0, width)."""

    domain = INTEGER

    def evaluate(self, x: Array, y: Array) -> Array:
        return native(lambda a, b: N.shift(a, b, N.width_of(x.dtype), "logical"), x, y)


# Choosing.

DIRECTION = enum("stablehlo", "comparison_direction", ("EQ", "NE", "GE", "GT", "LE", "LT"))
COMPARISON = enum("stablehlo", "comparison_type", ("NOTYPE", "FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED"))
_RELATIONS: dict[str, Any] = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "GE": np.greater_equal,
    "GT": np.greater,
    "LE": np.less_equal,
    "LT": np.less,
}
_COMPARISONS_OF = {
    "bool": ("UNSIGNED",),
    "signed": ("SIGNED",),
    "unsigned": ("UNSIGNED",),
    "float": ("FLOAT", "TOTALORDER"),
    "complex": ("FLOAT",),
}


class Compare(TensorOp, name="stablehlo.compare"):
    """One of six relations. NaN is unequal to everything, unless TOTALORDER places it.

    C1: lhs and rhs have one element type.
    C2: lhs, rhs and result have one shape.
    C3: the comparison type, where given, is the element type's: SIGNED, UNSIGNED (i1 too), FLOAT (complex too), or
        TOTALORDER for floats."""

    assembly = (
        "$comparison_direction `,` $lhs `,` $rhs (`,` $compare_type^)? attr-dict `:` "
        "functional-type(operands, results)"
    )
    elementwise = True
    result_labels = ("C2", "C2")
    lhs = Operand()
    rhs = Operand()
    comparison_direction = Attr(DIRECTION)
    compare_type = Attr(COMPARISON, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.lhs.type, self.rhs.type
        self.check(a.element is b.element, "C1", f"compares {a} with {b}")
        self.check(compatible_shapes(a.shape, b.shape), "C2", f"compares {a} with {b}")
        allowed = (None, "NOTYPE", *_COMPARISONS_OF[element_kind(a.element)])
        self.check(self.compare_type in allowed, "C3", f"compares {a.element} as {self.compare_type}")
        return [merge_types((a, b)).with_element(i1)]

    def evaluate(self, x: Array, y: Array) -> Array:
        relation = _RELATIONS[self.comparison_direction]
        if self.compare_type == "TOTALORDER":
            return relation(N.total_order(x), N.total_order(y))
        if x.dtype.kind == "c" and self.comparison_direction not in ("EQ", "NE"):
            return N.lexicographic(relation, x, y)
        wide = N.arithmetic_dtype(x.dtype)
        return relation(x.astype(wide), y.astype(wide))


class Select(TensorOp, name="stablehlo.select"):
    """on_true where pred, on_false elsewhere.

    C1: pred is a scalar or has on_true's shape.
    C2: on_true, on_false and result have one type."""

    assembly = "operands attr-dict `:` custom<SelectOpType>(type($pred), type($on_true), type($on_false), type($result))"
    elementwise = True
    result_labels = ("C2", "C2")
    pred = Operand(constraint="bool")
    on_true = Operand()
    on_false = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        pred, a, b = (o.type for o in self.operands)
        self.check(compatible(a, b), "C2", f"chooses between {a} and {b}")
        fits = pred.rank == 0 or all_compatible([t.with_element(i1) for t in (pred, a)])
        self.check(fits, "C1", f"chooses elements of {a} by {pred}")
        return [merge_types((a, b))]

    def evaluate(self, pred: Array, on_true: Array, on_false: Array) -> Array:
        return np.where(pred, on_true, on_false)


class Clamp(TensorOp, name="stablehlo.clamp"):
    """minimum(maximum(operand, min), max).

    C1: min is a scalar or has the operand's shape.
    C2: max is a scalar or has the operand's shape.
    C3: all have one element type.
    C4: operand and result have one type."""

    assembly = (
        "$min `,` $operand `,` $max attr-dict `:` "
        "custom<SameOperandsAndResultType>(type($min), type($operand), type($max), type($result))"
    )
    elementwise = True
    result_labels = ("C4", "C4")
    min = Operand()
    operand = Operand()
    max = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        low, x, high = (o.type for o in self.operands)
        self.check(low.element is x.element is high.element, "C3", f"clamps {x} between {low} and {high}")
        self.check(
            low.rank == 0 or compatible_shapes(low.shape, x.shape), "C1", f"clamps {x} from below by {low}"
        )
        self.check(
            high.rank == 0 or compatible_shapes(high.shape, x.shape), "C2", f"clamps {x} from above by {high}"
        )
        return [x]

    def evaluate(self, low: Array, x: Array, high: Array) -> Array:
        return native(lambda a, v, b: N.minimum(N.maximum(v, a), b), low, x, high)
