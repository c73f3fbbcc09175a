"""Algebra of elementwise ops. Floats keep their bits, signed zeros and NaNs included; which NaN it is does not count."""

from __future__ import annotations

import math

import numpy as np

from irc.dialects.stablehlo import (
    Abs,
    Add,
    And,
    BitcastConvert,
    Compare,
    Complex,
    Constant,
    Convert,
    Divide,
    Imag,
    Maximum,
    Minimum,
    Multiply,
    Negate,
    Not,
    Or,
    Power,
    Real,
    Remainder,
    Select,
    ShiftLeft,
    ShiftRightArithmetic,
    ShiftRightLogical,
    Subtract,
    Xor,
)
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import FloatType, IntegerType, Type
from irc.passes.constants import (
    constant,
    greatest,
    is_all_ones,
    is_float,
    is_integer,
    is_number,
    is_one,
    is_zero_of_sum,
    least,
    splat,
)

rules = RewriteSet()
rewrite = rules.rewrite

# Order


@rewrite("c ∘ x = x ∘ c, for commutative ∘", Add, Multiply, Maximum, Minimum, And, Or, Xor)
def constant_to_the_right(op: Add, b: Rewriter) -> Value | None:
    match op.lhs, op.rhs:
        case Value(Constant()), Value(Constant()):
            return None
        case Value(Constant()) as c, x:
            return b.emit(type(op).create((x, c), op.result_types, op.attributes, (), op.location))
    return None


# Sums and products


@rewrite("x + 0 = x, for floats x + -0.0 = x", Add)
def add_zero(op: Add, b: Rewriter) -> Value | None:
    return op.lhs if is_zero_of_sum(op.rhs) else None


@rewrite("x - 0 = x", Subtract)
def subtract_zero(op: Subtract, b: Rewriter) -> Value | None:
    # x - -0.0 turns -0.0 into 0.0.
    return op.lhs if is_number(op.rhs, 0) else None


@rewrite("0 - x = -x, for floats -0.0 - x = -x", Subtract)
def subtract_from_zero(op: Subtract, b: Rewriter) -> Value | None:
    return b.emit(Negate(op.rhs)) if is_zero_of_sum(op.lhs) else None


@rewrite("x - x = 0, for integers", Subtract)
def subtract_itself(op: Subtract, b: Rewriter) -> Value | None:
    same = op.lhs is op.rhs and is_integer(op.result.type) and op.result.type.is_static
    return constant(b, op.result.type, 0) if same else None


@rewrite("x + -y = x - y", Add)
def add_negated(op: Add, b: Rewriter) -> Value | None:
    match op:
        case Add(lhs=x, rhs=Value(Negate(operand=y))) | Add(lhs=Value(Negate(operand=y)), rhs=x):
            return b.emit(Subtract(x, y))
    return None


@rewrite("x - -y = x + y", Subtract)
def subtract_negated(op: Subtract, b: Rewriter) -> Value | None:
    match op:
        case Subtract(lhs=x, rhs=Value(Negate(operand=y))):
            return b.emit(Add(x, y))
    return None


@rewrite("x * 1 = x", Multiply)
def multiply_one(op: Multiply, b: Rewriter) -> Value | None:
    return op.lhs if is_one(op.rhs) else None


@rewrite("x * 0 = 0, for integers", Multiply)
def multiply_zero(op: Multiply, b: Rewriter) -> Value | None:
    return op.rhs if is_integer(op.result.type) and is_number(op.rhs, 0) else None


@rewrite("x * -1 = -x", Multiply)
def multiply_minus_one(op: Multiply, b: Rewriter) -> Value | None:
    return b.emit(Negate(op.lhs)) if is_number(op.rhs, -1) else None


@rewrite("-x * -y = x * y", Multiply)
def multiply_negated(op: Multiply, b: Rewriter) -> Value | None:
    match op:
        case Multiply(lhs=Value(Negate(operand=x)), rhs=Value(Negate(operand=y))):
            return b.emit(Multiply(x, y))
    return None


@rewrite("(x ∘ c) ∘ d = x ∘ (c ∘ d), for integers and ∘ of + * and or xor", Add, Multiply, And, Or, Xor)
def associate_constants(op: Add, b: Rewriter) -> Value | None:
    cls = type(op)
    match op.lhs, op.rhs:
        case Value(inner), Value(Constant()) as d if isinstance(inner, cls) and is_integer(op.result.type):
            x, c = inner.operands
            if splat(c) is not None and splat(d) is not None:
                arrays = [np.asarray(splat(v)) for v in (c, d)]
                return b.emit(cls(x, constant(b, d.type, op.evaluate(*arrays))))
    return None


@rewrite("x / 1 = x", Divide)
def divide_one(op: Divide, b: Rewriter) -> Value | None:
    return op.lhs if is_one(op.rhs) else None


@rewrite("x / c = x * (1 / c), for floats and c a power of two", Divide)
def divide_power_of_two(op: Divide, b: Rewriter) -> Value | None:
    c = splat(op.rhs)
    if c is None or not is_float(op.result.type):
        return None
    inverse = _exact_inverse(float(c), op.result.type.element)
    return None if inverse is None else b.emit(Multiply(op.lhs, constant(b, op.rhs.type, inverse)))


def _exact_inverse(c: float, element: FloatType) -> float | None:
    """1 / c where c is a power of two whose inverse the element type holds: both sides then round the same number."""
    if not math.isfinite(c) or abs(math.frexp(c)[0]) != 0.5:
        return None
    inverse = 1.0 / c
    with np.errstate(over="ignore"):
        return inverse if float(np.asarray(inverse).astype(element.numpy)) == inverse else None


@rewrite("x % 1 = 0, for integers", Remainder)
def remainder_one(op: Remainder, b: Rewriter) -> Value | None:
    if is_integer(op.result.type) and is_one(op.rhs) and op.result.type.is_static:
        return constant(b, op.result.type, 0)
    return None


@rewrite("x ** 1 = x", Power)
def power_one(op: Power, b: Rewriter) -> Value | None:
    return op.lhs if is_one(op.rhs) else None


@rewrite("x ** 2 = x * x", Power)
def power_two(op: Power, b: Rewriter) -> Value | None:
    return b.emit(Multiply(op.lhs, op.lhs)) if is_number(op.rhs, 2) else None


# Signs


@rewrite("-(-x) = x", Negate)
def negate_negated(op: Negate, b: Rewriter) -> Value | None:
    match op:
        case Negate(operand=Value(Negate(operand=x))):
            return x
    return None


@rewrite("|-x| = |x| and ||x|| = |x|", Abs)
def absolute_of_sign(op: Abs, b: Rewriter) -> Value | None:
    match op:
        case Abs(operand=Value(Negate(operand=x))):
            return b.emit(Abs(x))
        case Abs(operand=Value(Abs() as inner)):
            return inner.result
    return None


# Lattices and bits


@rewrite("x ∘ x = x, for ∘ of max min and or", Maximum, Minimum, And, Or)
def idempotent(op: Maximum, b: Rewriter) -> Value | None:
    return op.lhs if op.lhs is op.rhs else None


@rewrite("(x ∘ y) ∘ y = x ∘ y, for ∘ of max min and or", Maximum, Minimum, And, Or)
def absorb_repeated(op: Maximum, b: Rewriter) -> Value | None:
    for inner, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        if type(inner.op) is type(op) and other in inner.op.operands:
            return inner
    return None


@rewrite("max(x, least) = x and min(x, greatest) = x", Maximum, Minimum)
def extreme_bound(op: Maximum, b: Rewriter) -> Value | None:
    bound = least(op.result.type) if isinstance(op, Maximum) else greatest(op.result.type)
    return op.lhs if bound is not None and is_number(op.rhs, bound) else None


@rewrite("x and 1s = x, x and 0 = 0, x or 0 = x, x or 1s = 1s", And, Or)
def logical_bounds(op: And, b: Rewriter) -> Value | None:
    ones, zero = is_all_ones(op.rhs), is_number(op.rhs, 0)
    if ones or zero:
        return op.lhs if ones == isinstance(op, And) else op.rhs
    return None


@rewrite("x xor 0 = x", Xor)
def xor_zero(op: Xor, b: Rewriter) -> Value | None:
    return op.lhs if is_number(op.rhs, 0) else None


@rewrite("x xor 1s = not x", Xor)
def xor_ones(op: Xor, b: Rewriter) -> Value | None:
    return b.emit(Not(op.lhs)) if is_all_ones(op.rhs) else None


@rewrite("x xor x = 0", Xor)
def xor_itself(op: Xor, b: Rewriter) -> Value | None:
    same = op.lhs is op.rhs and op.result.type.is_static
    return constant(b, op.result.type, 0) if same else None


@rewrite("not not x = x", Not)
def not_not(op: Not, b: Rewriter) -> Value | None:
    match op:
        case Not(operand=Value(Not(operand=x))):
            return x
    return None


@rewrite("x << 0 = x, x >> 0 = x", ShiftLeft, ShiftRightArithmetic, ShiftRightLogical)
def shift_by_zero(op: ShiftLeft, b: Rewriter) -> Value | None:
    return op.lhs if is_number(op.rhs, 0) else None


# Comparison and choice

_MIRRORED = {"EQ": "EQ", "NE": "NE", "LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE"}
_INVERSE = {"EQ": "NE", "NE": "EQ", "LT": "GE", "GE": "LT", "GT": "LE", "LE": "GT"}


@rewrite("c < x = x > c", Compare)
def compare_constant_to_the_right(op: Compare, b: Rewriter) -> Value | None:
    match op.lhs, op.rhs:
        case Value(Constant()), Value(Constant()):
            return None
        case Value(Constant()) as c, x:
            direction = _MIRRORED[op.comparison_direction]
            return b.emit(Compare(x, c, comparison_direction=direction, compare_type=op.compare_type))
    return None


@rewrite("x < x is false; x = x is true unless x may be NaN", Compare)
def compare_with_itself(op: Compare, b: Rewriter) -> Value | None:
    if op.lhs is not op.rhs or not op.result.type.is_static:
        return None
    ordered = is_integer(op.lhs.type) or op.compare_type == "TOTALORDER"
    if op.comparison_direction in ("LT", "GT") or (op.comparison_direction == "NE" and ordered):
        return constant(b, op.result.type, False)
    return constant(b, op.result.type, True) if ordered else None


@rewrite("not (x < y) = x >= y, unless x or y may be NaN", Not)
def not_compare(op: Not, b: Rewriter) -> Value | None:
    match op:
        case Not(operand=Value(Compare(comparison_direction=direction, compare_type=kind) as inner)):
            ordered = is_integer(inner.lhs.type) or kind == "TOTALORDER" or direction in ("EQ", "NE")
            if ordered:
                inverse = _INVERSE[direction]
                return b.emit(Compare(*inner.operands, comparison_direction=inverse, compare_type=kind))
    return None


@rewrite("p != false is p, p = true is p, for booleans", Compare)
def compare_with_boolean(op: Compare, b: Rewriter) -> Value | None:
    if op.lhs.type.element is op.result.type.element and is_number(
        op.rhs, {"NE": 0, "EQ": 1}.get(op.comparison_direction, -1)
    ):
        return op.lhs
    return None


@rewrite("convert(p) != 0 is p, for a boolean p", Compare)
def compare_converted_boolean(op: Compare, b: Rewriter) -> Value | None:
    match op:
        case Compare(lhs=Value(Convert(operand=p)), rhs=zero, comparison_direction="NE") if (
            p.type.element is op.result.type.element and is_number(zero, 0)
        ):
            return p
    return None


@rewrite("select(true, x, y) = x, select(false, x, y) = y, select(p, x, x) = x", Select)
def select_known(op: Select, b: Rewriter) -> Value | None:
    if op.on_true is op.on_false:
        return op.on_true
    chosen = splat(op.pred)
    return None if chosen is None else op.on_true if chosen else op.on_false


@rewrite("select(not p, x, y) = select(p, y, x)", Select)
def select_not(op: Select, b: Rewriter) -> Value | None:
    match op:
        case Select(pred=Value(Not(operand=p)), on_true=x, on_false=y):
            return b.emit(Select(p, y, x))
    return None


@rewrite("select(p, true, false) = p", Select)
def select_boolean(op: Select, b: Rewriter) -> Value | None:
    boolean = op.pred.type.element is op.result.type.element
    return op.pred if boolean and is_number(op.on_true, 1) and is_number(op.on_false, 0) else None


# Conversions and parts


@rewrite("convert(x) to its own type = x", Convert, BitcastConvert)
def convert_identity(op: Convert, b: Rewriter) -> Value | None:
    return op.operand if op.operand.type is op.result.type else None


@rewrite("convert(convert(x)) = convert(x), when the first loses nothing", Convert)
def convert_converted(op: Convert, b: Rewriter) -> Value | None:
    match op:
        case Convert(operand=Value(Convert(operand=x) as inner)):
            first, middle, last = x.type.element, inner.result.type.element, op.result.type.element
            if _is_lossless(first, middle) and not _wraps_differently(first, middle, last):
                return b.emit(Convert(x, result_types=op.result_types))
    return None


_FLOAT_SHAPE = {"f16": (11, 5), "bf16": (8, 8), "f32": (24, 8), "f64": (53, 11)}
"""Bits of significand and of exponent."""


def _is_lossless(source: Type, target: Type) -> bool:
    """Every value of `source` is a value of `target`."""
    match source, target:
        case IntegerType(), IntegerType():
            if source.width == 1 or source.is_unsigned == target.is_unsigned:
                return source.width <= target.width and target.width > 1
            return source.is_unsigned and source.width < target.width
        case IntegerType(), FloatType(name=name) if name in _FLOAT_SHAPE:
            return source.width <= _FLOAT_SHAPE[name][0] and source.width <= 2 ** (_FLOAT_SHAPE[name][1] - 1)
        case FloatType(name=a), FloatType(name=c) if a in _FLOAT_SHAPE and c in _FLOAT_SHAPE:
            return all(m <= n for m, n in zip(_FLOAT_SHAPE[a], _FLOAT_SHAPE[c], strict=True))
    return False


def _wraps_differently(first: Type, middle: Type, last: Type) -> bool:
    """Integers wrap and floats saturate on their way to an integer: int -> float -> smaller int is not int -> int."""
    through_float = isinstance(first, IntegerType) and isinstance(middle, FloatType)
    return (
        through_float
        and isinstance(last, IntegerType)
        and first is not last
        and not _is_lossless(first, last)
    )


@rewrite("real(complex(x, y)) = x, imag(complex(x, y)) = y", Real, Imag)
def part_of_complex(op: Real, b: Rewriter) -> Value | None:
    match op:
        case Real(operand=Value(Complex(lhs=x))):
            return x
        case Imag(operand=Value(Complex(rhs=y))):
            return y
    return None


@rewrite("complex(real(z), imag(z)) = z", Complex)
def complex_of_parts(op: Complex, b: Rewriter) -> Value | None:
    match op:
        case Complex(lhs=Value(Real(operand=z)), rhs=Value(Imag(operand=w))) if z is w:
            return z
    return None
