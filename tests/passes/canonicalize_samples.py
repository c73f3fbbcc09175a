"""Programs for each rewrite of canonicalization: FIRES where it applies, STAYS where one guard keeps it from applying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pass_programs import F23, I23, P23, const, scalar_region, tensor

from irc.dialects import stablehlo as S
from irc.dialects.stablehlo import DotDimensionNumbers
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import ComplexType, Type, bf16, f16, f32, f64, i1, i8, i16, i32, i64, ui8

Body = Callable[..., Any]


@dataclass(frozen=True)
class Sample:
    rewrite: str
    what: str
    types: Sequence[Type]
    body: Body

    def __str__(self) -> str:
        return f"{self.rewrite}-{self.what}"


FIRES: list[Sample] = []
STAYS: list[Sample] = []


def fires(rewrite: str, what: str, types: Sequence[Type], body: Body) -> None:
    FIRES.append(Sample(rewrite, what, types, body))


def stays(rewrite: str, what: str, types: Sequence[Type], body: Body) -> None:
    STAYS.append(Sample(rewrite, what, types, body))


X, INT, P = [F23], [I23], [P23]
XX, II = [F23] * 2, [I23] * 2
C23 = tensor(2, 3, element=ComplexType(f32))


def unary(cls: Any) -> Body:
    return lambda b, x: b.emit(cls(x))


def with_const(cls: Any, value: Any, type: Any = F23) -> Body:
    """x ∘ value."""
    return lambda b, x: b.emit(cls(x, const(b, value, type)))


def const_with(cls: Any, value: Any, type: Any = F23) -> Body:
    """value ∘ x."""
    return lambda b, x: b.emit(cls(const(b, value, type), x))


# Order

for cls in (S.Add, S.Multiply, S.Maximum, S.Minimum):
    fires("constant_to_the_right", cls.__name__, X, const_with(cls, 3.0))
for cls in (S.And, S.Or, S.Xor):
    fires("constant_to_the_right", cls.__name__, INT, const_with(cls, 3, I23))
stays("constant_to_the_right", "not commutative", X, const_with(S.Subtract, 3.0))
stays(
    "constant_to_the_right",
    "two constants",
    X,
    lambda b, x: b.emit(S.Add(x, b.emit(S.Add(const(b, 2.0), const(b, 3.0))))),
)

# Sums and products

fires("add_zero", "float", X, with_const(S.Add, -0.0))
fires("add_zero", "integer", INT, with_const(S.Add, 0, I23))
stays("add_zero", "positive zero", X, with_const(S.Add, 0.0))
stays("add_zero", "one", INT, with_const(S.Add, 1, I23))
fires("subtract_zero", "float", X, with_const(S.Subtract, 0.0))
fires("subtract_zero", "integer", INT, with_const(S.Subtract, 0, I23))
stays("subtract_zero", "negative zero", X, with_const(S.Subtract, -0.0))
fires("subtract_from_zero", "float", X, const_with(S.Subtract, -0.0))
fires("subtract_from_zero", "integer", INT, const_with(S.Subtract, 0, I23))
stays("subtract_from_zero", "positive zero", X, const_with(S.Subtract, 0.0))
fires("subtract_itself", "integer", INT, lambda b, x: b.emit(S.Subtract(x, x)))
stays("subtract_itself", "float", X, lambda b, x: b.emit(S.Subtract(x, x)))
stays("subtract_itself", "another", II, lambda b, x, y: b.emit(S.Subtract(x, y)))
fires("add_negated", "right", XX, lambda b, x, y: b.emit(S.Add(x, b.emit(S.Negate(y)))))
fires("add_negated", "left", II, lambda b, x, y: b.emit(S.Add(b.emit(S.Negate(y)), x)))
stays("add_negated", "abs", XX, lambda b, x, y: b.emit(S.Add(x, b.emit(S.Abs(y)))))
fires("subtract_negated", "float", XX, lambda b, x, y: b.emit(S.Subtract(x, b.emit(S.Negate(y)))))
stays("subtract_negated", "left", XX, lambda b, x, y: b.emit(S.Subtract(b.emit(S.Negate(y)), x)))
fires("multiply_one", "float", X, with_const(S.Multiply, 1.0))
fires("multiply_one", "boolean", P, with_const(S.Multiply, True, P23))
stays("multiply_one", "two", X, with_const(S.Multiply, 2.0))
fires("multiply_zero", "integer", INT, with_const(S.Multiply, 0, I23))
stays("multiply_zero", "float", X, with_const(S.Multiply, 0.0))
fires("multiply_minus_one", "float", X, with_const(S.Multiply, -1.0))
fires("multiply_minus_one", "integer", INT, with_const(S.Multiply, -1, I23))
stays(
    "multiply_minus_one",
    "unsigned",
    [tensor(2, element=ui8)],
    with_const(S.Multiply, 255, tensor(2, element=ui8)),
)
fires(
    "multiply_negated",
    "float",
    XX,
    lambda b, x, y: b.emit(S.Multiply(b.emit(S.Negate(x)), b.emit(S.Negate(y)))),
)
stays("multiply_negated", "one side", XX, lambda b, x, y: b.emit(S.Multiply(b.emit(S.Negate(x)), y)))


def twice(cls: Any, c: Any, d: Any, type: Any) -> Body:
    return lambda b, x: b.emit(cls(b.emit(cls(x, const(b, c, type))), const(b, d, type)))


for cls in (S.Add, S.Multiply, S.And, S.Or, S.Xor):
    fires("associate_constants", cls.__name__, INT, twice(cls, 2**30 + 5, 2**30 + 7, I23))
stays("associate_constants", "float", X, twice(S.Add, 1e8, -1e8, F23))
stays(
    "associate_constants",
    "two kinds",
    INT,
    lambda b, x: b.emit(S.Add(b.emit(S.Multiply(x, const(b, 3, I23))), const(b, 5, I23))),
)
stays(
    "associate_constants",
    "no constant",
    II,
    lambda b, x, y: b.emit(S.Add(b.emit(S.Add(x, y)), const(b, 5, I23))),
)
fires("divide_one", "float", X, with_const(S.Divide, 1.0))
fires("divide_one", "integer", INT, with_const(S.Divide, 1, I23))
stays("divide_one", "minus one", X, with_const(S.Divide, -1.0))
fires("divide_power_of_two", "32", X, with_const(S.Divide, 32.0))
fires("divide_power_of_two", "-1/4", X, with_const(S.Divide, -0.25))
fires(
    "divide_power_of_two",
    "f16",
    [tensor(9, element=f16)],
    with_const(S.Divide, 2.0**14, tensor(9, element=f16)),
)
stays("divide_power_of_two", "three", X, with_const(S.Divide, 3.0))
stays("divide_power_of_two", "zero", X, with_const(S.Divide, 0.0))
stays("divide_power_of_two", "infinity", X, with_const(S.Divide, np.inf))
stays("divide_power_of_two", "integer", INT, with_const(S.Divide, 2, I23))
stays("divide_power_of_two", "inverse overflows", X, with_const(S.Divide, 2.0**-149))
fires("remainder_one", "integer", INT, with_const(S.Remainder, 1, I23))
stays("remainder_one", "float", X, with_const(S.Remainder, 1.0))
stays("remainder_one", "two", INT, with_const(S.Remainder, 2, I23))
fires("power_one", "float", X, with_const(S.Power, 1.0))
fires("power_one", "integer", INT, with_const(S.Power, 1, I23))
stays("power_one", "zero", X, with_const(S.Power, 0.0))
fires("power_two", "float", X, with_const(S.Power, 2.0))
fires("power_two", "integer", INT, with_const(S.Power, 2, I23))
stays("power_two", "three", X, with_const(S.Power, 3.0))

# Signs

fires("negate_negated", "float", X, lambda b, x: b.emit(S.Negate(b.emit(S.Negate(x)))))
stays("negate_negated", "abs", X, lambda b, x: b.emit(S.Negate(b.emit(S.Abs(x)))))
fires("absolute_of_sign", "negate", INT, lambda b, x: b.emit(S.Abs(b.emit(S.Negate(x)))))
fires("absolute_of_sign", "abs", X, lambda b, x: b.emit(S.Abs(b.emit(S.Abs(x)))))
stays("absolute_of_sign", "floor", X, lambda b, x: b.emit(S.Abs(b.emit(S.Floor(x)))))

# Lattices and bits

for cls in (S.Maximum, S.Minimum, S.And, S.Or):
    fires("idempotent", cls.__name__, INT, lambda b, x, cls=cls: b.emit(cls(x, x)))
    fires("absorb_repeated", cls.__name__, II, lambda b, x, y, cls=cls: b.emit(cls(b.emit(cls(x, y)), y)))
    stays("idempotent", cls.__name__, II, lambda b, x, y, cls=cls: b.emit(cls(x, y)))
fires("absorb_repeated", "float", XX, lambda b, x, y: b.emit(S.Maximum(x, b.emit(S.Maximum(x, y)))))
stays("absorb_repeated", "other op", XX, lambda b, x, y: b.emit(S.Maximum(b.emit(S.Minimum(x, y)), y)))
stays(
    "absorb_repeated",
    "other value",
    [F23] * 3,
    lambda b, x, y, z: b.emit(S.Maximum(b.emit(S.Maximum(x, y)), z)),
)
fires("extreme_bound", "max float", X, with_const(S.Maximum, -np.inf))
fires("extreme_bound", "min float", X, with_const(S.Minimum, np.inf))
fires("extreme_bound", "max integer", INT, with_const(S.Maximum, -(2**31), I23))
fires("extreme_bound", "min integer", INT, with_const(S.Minimum, 2**31 - 1, I23))
stays("extreme_bound", "max inf", X, with_const(S.Maximum, np.inf))
stays("extreme_bound", "min least", INT, with_const(S.Minimum, -(2**31), I23))
fires("logical_bounds", "and 1s", INT, with_const(S.And, -1, I23))
fires("logical_bounds", "and true", P, with_const(S.And, True, P23))
fires("logical_bounds", "and 0", INT, with_const(S.And, 0, I23))
fires("logical_bounds", "or 0", INT, with_const(S.Or, 0, I23))
fires("logical_bounds", "or 1s", [tensor(4, element=ui8)], with_const(S.Or, 255, tensor(4, element=ui8)))
stays("logical_bounds", "and 1", INT, with_const(S.And, 1, I23))
stays("logical_bounds", "or 127", [tensor(4, element=ui8)], with_const(S.Or, 127, tensor(4, element=ui8)))
fires("xor_zero", "integer", INT, with_const(S.Xor, 0, I23))
stays("xor_zero", "one", INT, with_const(S.Xor, 1, I23))
fires("xor_ones", "integer", INT, with_const(S.Xor, -1, I23))
fires("xor_ones", "boolean", P, with_const(S.Xor, True, P23))
stays("xor_ones", "one", INT, with_const(S.Xor, 1, I23))
fires("xor_itself", "integer", INT, lambda b, x: b.emit(S.Xor(x, x)))
stays("xor_itself", "another", II, lambda b, x, y: b.emit(S.Xor(x, y)))
fires("not_not", "integer", INT, lambda b, x: b.emit(S.Not(b.emit(S.Not(x)))))
stays("not_not", "negate", INT, lambda b, x: b.emit(S.Not(b.emit(S.Negate(x)))))
for cls in (S.ShiftLeft, S.ShiftRightArithmetic, S.ShiftRightLogical):
    fires("shift_by_zero", cls.__name__, INT, with_const(cls, 0, I23))
    stays("shift_by_zero", cls.__name__, INT, with_const(cls, 32, I23))

# Comparison and choice


def compare(direction: str, kind: str | None = None) -> Callable[..., S.Compare]:
    return lambda x, y: S.Compare(x, y, comparison_direction=direction, compare_type=kind)


DIRECTIONS = ("EQ", "NE", "LT", "LE", "GT", "GE")
for direction in DIRECTIONS:
    fires("compare_constant_to_the_right", direction, X, const_with(compare(direction), 1.0))
stays("compare_constant_to_the_right", "already", X, with_const(compare("LT"), 1.0))
for direction in DIRECTIONS:
    fires("compare_with_itself", direction, INT, lambda b, x, d=direction: b.emit(compare(d)(x, x)))
    fires(
        "compare_with_itself",
        f"total {direction}",
        X,
        lambda b, x, d=direction: b.emit(compare(d, "TOTALORDER")(x, x)),
    )
for direction in ("LT", "GT"):
    fires("compare_with_itself", f"float {direction}", X, lambda b, x, d=direction: b.emit(compare(d)(x, x)))
for direction in ("EQ", "NE", "LE", "GE"):
    stays("compare_with_itself", f"float {direction}", X, lambda b, x, d=direction: b.emit(compare(d)(x, x)))
stays("compare_with_itself", "another", II, lambda b, x, y: b.emit(compare("EQ")(x, y)))


def negated_compare(direction: str, kind: str | None = None) -> Body:
    return lambda b, x, y: b.emit(S.Not(b.emit(compare(direction, kind)(x, y))))


for direction in DIRECTIONS:
    fires("not_compare", direction, II, negated_compare(direction))
    fires("not_compare", f"total {direction}", XX, negated_compare(direction, "TOTALORDER"))
fires("not_compare", "float EQ", XX, negated_compare("EQ"))
fires("not_compare", "float NE", XX, negated_compare("NE"))
for direction in ("LT", "LE", "GT", "GE"):
    stays("not_compare", f"float {direction}", XX, negated_compare(direction))
fires("compare_with_boolean", "NE", P, with_const(compare("NE"), False, P23))
fires("compare_with_boolean", "EQ", P, with_const(compare("EQ"), True, P23))
stays("compare_with_boolean", "EQ false", P, with_const(compare("EQ"), False, P23))
stays("compare_with_boolean", "NE true", P, with_const(compare("NE"), True, P23))
stays("compare_with_boolean", "integer", INT, with_const(compare("EQ"), 1, I23))


def converted_compare(direction: str, value: float, element: Any, kind: str | None = None) -> Body:
    type = tensor(2, 3, element=element)

    def body(b: Builder, x: Value) -> Value:
        y = b.emit(S.Convert(x, result_types=[type]))
        return b.emit(compare(direction, kind)(y, const(b, value, type)))

    return body


fires("compare_converted_boolean", "float", P, converted_compare("NE", 0, f32))
fires("compare_converted_boolean", "integer", P, converted_compare("NE", 0, i32))
stays("compare_converted_boolean", "EQ", P, converted_compare("EQ", 0, f32))
stays("compare_converted_boolean", "one", P, converted_compare("NE", 1, f32))
stays("compare_converted_boolean", "from integer", INT, converted_compare("NE", 0, f32))
stays("compare_converted_boolean", "total order", P, converted_compare("NE", -0.0, f32, "TOTALORDER"))
fires("select_known", "true", XX, lambda b, x, y: b.emit(S.Select(const(b, True, P23), x, y)))
fires(
    "select_known", "false", XX, lambda b, x, y: b.emit(S.Select(const(b, False, tensor(element=i1)), x, y))
)
fires("select_known", "same", [P23, F23], lambda b, p, x: b.emit(S.Select(p, x, x)))
stays("select_known", "unknown", [P23, F23, F23], lambda b, p, x, y: b.emit(S.Select(p, x, y)))
stays(
    "select_known",
    "mixed",
    XX,
    lambda b, x, y: b.emit(S.Select(b.emit(S.Constant.of(np.array([[True, False, True]] * 2))), x, y)),
)
fires("select_not", "boolean", [P23, F23, F23], lambda b, p, x, y: b.emit(S.Select(b.emit(S.Not(p)), x, y)))
stays("select_not", "plain", [P23, F23, F23], lambda b, p, x, y: b.emit(S.Select(p, x, y)))


def select_constants(true: Any, false: Any, type: Any) -> Body:
    return lambda b, p: b.emit(S.Select(p, const(b, true, type), const(b, false, type)))


fires("select_boolean", "boolean", P, select_constants(True, False, P23))
stays("select_boolean", "swapped", P, select_constants(False, True, P23))
stays("select_boolean", "integer", P, select_constants(1, 0, I23))

# Conversions and parts


def converts(*elements: Any) -> tuple[list[Type], Body]:
    """x of the first element type, converted through the others."""

    def body(b: Builder, x: Value) -> Value:
        for element in elements[1:]:
            x = b.emit(S.Convert(x, result_types=[tensor(9, element=element)]))
        return x

    return [tensor(9, element=elements[0])], body


fires("convert_identity", "f32", *converts(f32, f32))
fires("convert_identity", "bitcast", X, lambda b, x: b.emit(S.BitcastConvert(x, result_types=[F23])))
stays("convert_identity", "narrower", *converts(f32, bf16))
stays("convert_identity", "bitcast i32", X, lambda b, x: b.emit(S.BitcastConvert(x, result_types=[I23])))
for chain in (
    (bf16, f32, bf16),
    (f16, f32, f16),
    (f32, f64, bf16),
    (f32, f64, i32),
    (i8, i32, f32),
    (i8, i32, ui8),
    (ui8, i16, f32),
    (i1, i32, f32),
    (i1, f32, i32),
    (i16, f32, i16),
    (i16, f32, i64),
    (i32, f64, f32),
    (i32, i64, i8),
):
    fires("convert_converted", "-".join(map(str, chain)), *converts(*chain))
for chain in (
    (f32, bf16, f32),
    (f32, f16, f64),
    (bf16, f16, f32),
    (f16, bf16, f32),
    (i32, f32, i32),
    (i32, f32, f64),
    (i8, ui8, i32),
    (ui8, i8, i32),
    (i8, f32, ui8),
    (i16, f32, i8),
    (f32, i32, f32),
    (i32, i1, i32),
    (i32, i8, i32),
):
    stays("convert_converted", "-".join(map(str, chain)), *converts(*chain))
fires("part_of_complex", "real", XX, lambda b, x, y: b.emit(S.Real(b.emit(S.Complex(x, y)))))
fires("part_of_complex", "imag", XX, lambda b, x, y: b.emit(S.Imag(b.emit(S.Complex(x, y)))))
stays("part_of_complex", "product", [C23], lambda b, z: b.emit(S.Real(b.emit(S.Multiply(z, z)))))
fires("complex_of_parts", "same", [C23], lambda b, z: b.emit(S.Complex(b.emit(S.Real(z)), b.emit(S.Imag(z)))))
stays(
    "complex_of_parts", "swapped", [C23], lambda b, z: b.emit(S.Complex(b.emit(S.Imag(z)), b.emit(S.Real(z))))
)
stays(
    "complex_of_parts",
    "two",
    [C23, C23],
    lambda b, z, w: b.emit(S.Complex(b.emit(S.Real(z)), b.emit(S.Imag(w)))),
)

# Moving elements


def moves(make: Callable[[Value], Any], *more: Callable[[Value], Any]) -> Body:
    """x through one op after another."""

    def body(b: Builder, x: Value) -> Value:
        for step in (make, *more):
            x = b.emit(step(x))
        return x

    return body


def reshape(*shape: int) -> Callable[[Value], Any]:
    return lambda x: S.Reshape(x, result_types=[x.type.with_shape(shape)])


def transpose(*permutation: int) -> Callable[[Value], Any]:
    return lambda x: S.Transpose(x, permutation=permutation)


def broadcast(dims: Sequence[int], *shape: int) -> Callable[[Value], Any]:
    return lambda x: S.BroadcastInDim(x, broadcast_dimensions=dims, result_types=[x.type.with_shape(shape)])


def reverse(*dims: int) -> Callable[[Value], Any]:
    return lambda x: S.Reverse(x, dimensions=dims)


def cut(*ranges: tuple[int, int, int]) -> Callable[[Value], Any]:
    starts, limits, strides = zip(*ranges, strict=True)
    return lambda x: S.Slice(x, start_indices=starts, limit_indices=limits, strides=strides)


def of_splat(step: Callable[[Value], Any]) -> Body:
    return lambda b, x: [x, b.emit(step(const(b, 7.0)))]


fires("move_splat", "broadcast", X, of_splat(broadcast((1, 2), 4, 2, 3)))
fires("move_splat", "reshape", X, of_splat(reshape(6)))
fires("move_splat", "transpose", X, of_splat(transpose(1, 0)))
fires("move_splat", "slice", X, of_splat(cut((0, 1, 1), (1, 3, 2))))
fires("move_splat", "reverse", X, of_splat(reverse(0)))
stays(
    "move_splat",
    "not splat",
    X,
    lambda b, x: b.emit(transpose(1, 0)(b.emit(S.Constant.of(np.float32([[1, 2], [3, 4]]))))),
)
stays("move_splat", "empty", X, of_splat(cut((0, 0, 1), (0, 3, 1))))
fires("reshape_identity", "same", X, moves(reshape(2, 3)))
stays("reshape_identity", "other", X, moves(reshape(3, 2)))
fires("reshape_reshaped", "twice", X, moves(reshape(3, 2), reshape(6)))
stays("reshape_reshaped", "of transpose", X, moves(transpose(1, 0), reshape(6)))
T234 = [tensor(2, 3, 4)]
fires("transpose_identity", "identity", T234, moves(transpose(0, 1, 2)))
stays("transpose_identity", "swap of equal extents", [tensor(3, 3)], moves(transpose(1, 0)))
fires("transpose_transposed", "rotate", T234, moves(transpose(1, 2, 0), transpose(0, 2, 1)))
fires("transpose_transposed", "back", T234, moves(transpose(1, 2, 0), transpose(2, 0, 1)))
stays("transpose_transposed", "of reverse", T234, moves(reverse(0), transpose(2, 0, 1)))
fires("transpose_of_ones", "column", [tensor(3, 1)], moves(transpose(1, 0)))
fires("transpose_of_ones", "two ones", [tensor(2, 1, 3, 1)], moves(transpose(3, 0, 2, 1)))
stays("transpose_of_ones", "two moved", [tensor(2, 1, 3)], moves(transpose(2, 1, 0)))
fires("broadcast_identity", "same", X, moves(broadcast((0, 1), 2, 3)))
stays("broadcast_identity", "swap of equal extents", [tensor(3, 3)], moves(broadcast((1, 0), 3, 3)))
stays("broadcast_identity", "stretch", [tensor(1, 3)], moves(broadcast((0, 1), 2, 3)))
fires("broadcast_broadcast", "rows", [tensor(3)], moves(broadcast((1,), 2, 3), broadcast((2, 0), 3, 4, 2)))
stays("broadcast_broadcast", "of reverse", X, moves(reverse(0), broadcast((1, 2), 4, 2, 3)))
fires("broadcast_of_ones", "added", X, moves(broadcast((0, 2), 2, 1, 3, 1)))
stays("broadcast_of_ones", "swapped", X, moves(broadcast((2, 0), 3, 1, 2)))
stays("broadcast_of_ones", "stretched", [tensor(1, 3)], moves(broadcast((0, 1), 2, 3)))
fires("broadcast_reshaped", "row", [tensor(3)], moves(reshape(1, 3), broadcast((0, 1), 2, 3)))
fires(
    "broadcast_reshaped",
    "channels",
    [tensor(3)],
    moves(reshape(1, 3, 1, 1), broadcast((0, 1, 2, 3), 2, 3, 4, 4)),
)
stays("broadcast_reshaped", "folded", X, moves(reshape(3, 2), broadcast((1, 2), 4, 3, 2)))
fires(
    "broadcast_reshaped",
    "operand has ones",
    [tensor(3, 1)],
    moves(reshape(1, 3, 1), broadcast((0, 1, 2), 2, 3, 4)),
)
fires(
    "elementwise_reshaped",
    "rows and a number",
    [tensor(1, 3)],
    lambda b, x: b.emit(S.Divide(b.emit(reshape(1, 3, 1)(x)), const(b, 5.0, tensor(1, 3, 1)))),
)
fires(
    "elementwise_reshaped",
    "two",
    [tensor(3)] * 2,
    lambda b, x, y: b.emit(S.Add(b.emit(reshape(3, 1)(x)), b.emit(reshape(3, 1)(y)))),
)
stays("elementwise_reshaped", "folded", X, lambda b, x: b.emit(S.Negate(b.emit(reshape(3, 2)(x)))))
stays(
    "elementwise_reshaped",
    "another operand",
    [tensor(3), tensor(3, 1)],
    lambda b, x, y: b.emit(S.Add(b.emit(reshape(3, 1)(x)), y)),
)
fires("reverse_of_ones", "one", [tensor(1, 3)], moves(reverse(0, 1)))
fires("reverse_of_ones", "only ones", [tensor(1, 3)], moves(reverse(0)))
stays("reverse_of_ones", "two", X, moves(reverse(0)))
fires("reverse_reversed", "same", X, moves(reverse(0, 1), reverse(1)))
stays("reverse_reversed", "of transpose", X, moves(transpose(1, 0), reverse(1)))

# Slice, pad, concatenate

V9 = [tensor(9)]
fires("slice_whole", "whole", X, moves(cut((0, 2, 1), (0, 3, 1))))
stays("slice_whole", "part", X, moves(cut((0, 2, 1), (0, 2, 1))))
fires("slice_sliced", "strides", V9, moves(cut((1, 9, 2)), cut((1, 4, 2))))
fires("slice_sliced", "last element", V9, moves(cut((0, 9, 4)), cut((0, 3, 2))))
stays("slice_sliced", "of reverse", V9, moves(reverse(0), cut((1, 4, 2))))
stays("slice_sliced", "nothing past the end", V9, moves(cut((8, 9, 2)), cut((1, 1, 1))))


def joined(dim: int, *ranges: tuple[int, int, int]) -> Body:
    return lambda b, x, y: b.emit(cut(*ranges)(b.emit(S.Concatenate([x, y], dimension=dim))))


fires("slice_of_concatenate", "first", XX, joined(1, (0, 2, 1), (1, 3, 1)))
fires("slice_of_concatenate", "second", XX, joined(0, (2, 4, 1), (1, 3, 2)))
stays("slice_of_concatenate", "both", XX, joined(1, (0, 2, 1), (1, 4, 1)))
stays("slice_of_concatenate", "nothing", XX, joined(1, (0, 2, 1), (3, 3, 1)))


def padded(low: Sequence[int], high: Sequence[int], inside: Sequence[int], value: float = 5.0) -> Body:
    def body(b: Builder, x: Value) -> Value:
        v = const(b, value, tensor())
        return b.emit(S.Pad(x, v, edge_padding_low=low, edge_padding_high=high, interior_padding=inside))

    return body


def padded_twice(first: Any, second: Any, values: tuple[float, float] = (5.0, 5.0)) -> Body:
    return lambda b, x: padded(*second, values[1])(b, padded(*first, values[0])(b, x))


fires("pad_nothing", "nothing", X, padded((0, 0), (0, 0), (0, 0)))
fires("pad_nothing", "inside one", [tensor(1, 3)], padded((0, 0), (0, 0), (2, 0)))
stays("pad_nothing", "low", X, padded((1, 0), (-1, 0), (0, 0)))
stays("pad_nothing", "inside", X, padded((0, 0), (0, 0), (0, 1)))
fires("pad_negative", "both", X, padded((-1, 0), (0, -2), (0, 0)))
stays("pad_negative", "mixed", X, padded((-1, 0), (0, 1), (0, 0)))
stays("pad_negative", "inside", X, padded((-1, 0), (0, -2), (0, 1)))
once = ((1, 0), (0, 2), (0, 0))
fires("pad_padded", "edges", X, padded_twice(once, once))
fires("pad_padded", "first inside", X, padded_twice(((1, 0), (0, 2), (0, 1)), once))
stays("pad_padded", "second inside", X, padded_twice(once, ((1, 0), (0, 2), (0, 1))))
stays("pad_padded", "two values", X, padded_twice(once, once, (5.0, 6.0)))
stays("pad_padded", "two zeros", X, padded_twice(once, once, (0.0, -0.0)))
stays("pad_padded", "cut off", X, padded_twice(((-1, 0), (0, 2), (0, 0)), once))
fires("concatenate_one", "one", X, lambda b, x: b.emit(S.Concatenate([x], dimension=0)))
stays("concatenate_one", "two", X, lambda b, x: b.emit(S.Concatenate([x, x], dimension=0)))
fires(
    "concatenate_empty",
    "one empty",
    [F23, tensor(2, 0)],
    lambda b, x, e: b.emit(S.Concatenate([x, e, x], dimension=1)),
)
stays(
    "concatenate_empty", "all empty", [tensor(2, 0)], lambda b, e: b.emit(S.Concatenate([e, e], dimension=1))
)


def nested_join(inner: int, outer: int) -> Body:
    def body(b: Builder, x: Value) -> Value:
        return b.emit(S.Concatenate([b.emit(S.Concatenate([x, x], dimension=inner))] * 2, dimension=outer))

    return body


fires("concatenate_nested", "same dimension", X, nested_join(1, 1))
stays("concatenate_nested", "other dimension", X, nested_join(0, 1))


def at(b: Builder, *starts: int) -> list[Value]:
    return [const(b, s, tensor(element=i64)) for s in starts]


N = tensor(element=i64)
fires(
    "dynamic_slice_whole",
    "whole",
    [F23, N, N],
    lambda b, x, i, j: b.emit(S.DynamicSlice(x, [i, j], slice_sizes=(2, 3))),
)
stays(
    "dynamic_slice_whole",
    "part",
    [F23, N, N],
    lambda b, x, i, j: b.emit(S.DynamicSlice(x, [i, j], slice_sizes=(2, 2))),
)
fires(
    "dynamic_slice_constant",
    "inside",
    X,
    lambda b, x: b.emit(S.DynamicSlice(x, at(b, 1, 0), slice_sizes=(1, 2))),
)
fires(
    "dynamic_slice_constant",
    "clamped",
    X,
    lambda b, x: b.emit(S.DynamicSlice(x, at(b, 9, -9), slice_sizes=(1, 2))),
)
stays(
    "dynamic_slice_constant",
    "one unknown",
    [F23, N],
    lambda b, x, i: b.emit(S.DynamicSlice(x, [i, *at(b, 0)], slice_sizes=(1, 2))),
)
fires(
    "dynamic_update_whole",
    "whole",
    [F23, F23, N, N],
    lambda b, x, y, i, j: b.emit(S.DynamicUpdateSlice(x, y, [i, j])),
)
stays(
    "dynamic_update_whole",
    "part",
    [F23, tensor(2, 2), N, N],
    lambda b, x, y, i, j: b.emit(S.DynamicUpdateSlice(x, y, [i, j])),
)

# Reductions and contractions


def reduced(op: Any, dims: Sequence[int], init: float = 0.0, element: Any = f32) -> Body:
    def body(b: Builder, x: Value) -> Value:
        start = const(b, init, tensor(element=element))
        return b.emit(S.Reduce([x], [start], dimensions=dims, regions=[scalar_region(b, op, element)]))

    return body


fires("reduce_of_ones", "no dimensions", X, reduced(S.Add, ()))
fires("reduce_of_ones", "one", [tensor(2, 1, 3)], reduced(S.Maximum, (1,), -np.inf))
fires("reduce_of_ones", "init counts", [tensor(1, 3)], reduced(S.Multiply, (0,), 3.0))
stays("reduce_of_ones", "two", X, reduced(S.Add, (0,)))
stays("reduce_of_ones", "not commutative", [tensor(1, 3)], reduced(S.Subtract, (0,)))
fires("reduce_of_none", "empty", [tensor(2, 0)], reduced(S.Add, (1,), 2.0))
stays("reduce_of_none", "empty result", [tensor(0, 2)], reduced(S.Add, (1,), 2.0))


def dot(
    lhs: Sequence[int], rhs: Sequence[int], lhs_by: Sequence[int], rhs_by: Sequence[int], batch: int = 0
) -> Body:
    """transpose(x) · transpose(y), contracting `lhs` with `rhs`."""
    batches = tuple(range(batch))
    dims = DotDimensionNumbers(batches, batches, tuple(lhs), tuple(rhs))

    def body(b: Builder, x: Value, y: Value) -> Value:
        return b.emit(
            S.DotGeneral(
                b.emit(transpose(*lhs_by)(x)), b.emit(transpose(*rhs_by)(y)), dot_dimension_numbers=dims
            )
        )

    return body


fires("dot_of_transposed", "rhs", [tensor(2, 3), tensor(4, 3)], dot((1,), (0,), (0, 1), (1, 0)))
fires(
    "dot_of_transposed", "batch", [tensor(2, 3, 4), tensor(2, 5, 4)], dot((2,), (1,), (0, 1, 2), (0, 2, 1), 1)
)
fires(
    "dot_of_transposed",
    "batch inside",
    [tensor(3, 2, 4), tensor(2, 4, 5)],
    dot((2,), (1,), (1, 0, 2), (0, 1, 2), 1),
)
stays("dot_of_transposed", "free order", [tensor(2, 5, 3), tensor(3, 4)], dot((2,), (0,), (1, 0, 2), (0, 1)))

# Control flow


def regions_of(b: Builder, *bodies: Callable[[Builder], Any]) -> list[Any]:
    return [b.region([], lambda inner, body=body: inner.emit(S.Return([body(inner)]))) for body in bodies]


def choose(pred: Any, b: Builder, x: Value, y: Value) -> Value:
    return b.emit(
        S.If(pred, regions=regions_of(b, lambda r: r.emit(S.Add(x, y)), lambda r: r.emit(S.Subtract(x, y))))
    )


def case_of(b: Builder, index: Value, x: Value, count: int = 3) -> Value:
    bodies = [lambda r, n=n: r.emit(S.Multiply(x, const(r, n + 2.0))) for n in range(count)]
    return b.emit(S.Case(index, regions=regions_of(b, *bodies)))


B0, I0 = tensor(element=i1), tensor(element=i32)
fires("if_known", "true", XX, lambda b, x, y: choose(const(b, True, B0), b, x, y))
fires("if_known", "false", XX, lambda b, x, y: choose(const(b, False, B0), b, x, y))
stays("if_known", "unknown", [B0, F23, F23], lambda b, p, x, y: choose(p, b, x, y))
for index in (0, 2, 3, -1):
    fires("case_known", str(index), X, lambda b, x, index=index: case_of(b, const(b, index, I0), x))
fires("case_known", "one branch", [I0, F23], lambda b, i, x: case_of(b, i, x, 1))
stays("case_known", "unknown", [I0, F23], lambda b, i, x: case_of(b, i, x))


def loop(start: int, end: Any, step: int = 1, unchanged: bool = True) -> Body:
    """Multiplies x by 3 while i < limit; the limit is carried, and changed by the body unless `unchanged`."""

    def condition(r: Builder, i: Value, limit: Value, x: Value) -> None:
        r.emit(S.Return([end if isinstance(end, Value) else r.emit(compare("LT")(i, limit))]))

    def body(r: Builder, i: Value, limit: Value, x: Value) -> None:
        following = r.emit(S.Add(i, const(r, step, I0)))
        after = limit if unchanged else r.emit(S.Subtract(limit, const(r, 1, I0)))
        r.emit(S.Return([following, after, r.emit(S.Multiply(x, const(r, 3.0)))]))

    def whole(b: Builder, limit: Value | None, x: Value) -> Any:
        limit = const(b, end, I0) if limit is None else limit
        types = [I0, I0, F23]
        regions = [b.region(types, condition), b.region(types, body)]
        return b.emit(S.While([const(b, start, I0), limit, x], regions=regions))

    return whole


def endless(value: bool) -> Body:
    """A loop whose condition is a constant; `true` must never be run, so it stands in a branch not taken."""

    def build(b: Builder, p: Value, x: Value) -> Value:
        def run(r: Builder) -> Value:
            regions = [
                r.region([F23], lambda c, y: c.emit(S.Return([const(c, value, B0)]))),
                r.region([F23], lambda c, y: c.emit(S.Return([c.emit(S.Negate(y))]))),
            ]
            return r.emit(S.While([x], regions=regions))

        never = b.emit(S.And(p, b.emit(S.Not(p))))
        return b.emit(S.If(never, regions=regions_of(b, run, lambda r: x)))

    return build


fires("while_false", "false", [B0, F23], endless(False))
stays("while_false", "true", [B0, F23], endless(True))
fires("unchanged_value", "limit", X, lambda b, x: loop(0, 3)(b, None, x))
fires(
    "unchanged_value",
    "argument",
    [I0, F23],
    lambda b, n, x: loop(0, 3)(b, b.emit(S.Minimum(n, const(b, 3, I0))), x),
)
stays("unchanged_value", "changed", X, lambda b, x: loop(0, 3, unchanged=False)(b, None, x))
fires(
    "element_of_tuple",
    "second",
    XX,
    lambda b, x, y: b.emit(S.GetTupleElement(b.emit(S.Tuple([x, y])), index=1)),
)
stays(
    "element_of_tuple",
    "of barrier",
    XX,
    lambda b, x, y: b.emit(
        S.GetTupleElement(b.emit(S.OptimizationBarrier([b.emit(S.Tuple([x, y]))])), index=1)
    ),
)

# Computed shapes


def numbers(b: Builder, *values: int) -> Value:
    return b.emit(S.Constant.of(np.array(values, np.int64)))


def unknown(type: Any) -> Any:
    return type.with_shape((None,) * type.rank)


V2 = tensor(2, element=i64)
fires(
    "known_shape",
    "reshape",
    [F23, V2],
    lambda b, x, n: [n, b.emit(S.DynamicReshape(x, numbers(b, 3, 2), result_types=[tensor(3, 2)]))],
)
fires(
    "known_shape",
    "iota",
    X,
    lambda b, x: [x, b.emit(S.DynamicIota(numbers(b, 4), iota_dimension=0, result_types=[tensor(4)]))],
)
fires(
    "known_shape",
    "broadcast",
    [tensor(3)],
    lambda b, x: b.emit(
        S.DynamicBroadcastInDim(x, numbers(b, 2, 3), broadcast_dimensions=(1,), result_types=[F23])
    ),
)
fires(
    "known_shape",
    "pad",
    X,
    lambda b, x: b.emit(
        S.DynamicPad(
            x,
            const(b, 1.0, tensor()),
            numbers(b, 1, 0),
            numbers(b, 0, -1),
            numbers(b, 0, 1),
            result_types=[tensor(3, 4)],
        )
    ),
)
fires(
    "known_shape",
    "slice",
    X,
    lambda b, x: b.emit(
        S.RealDynamicSlice(
            x, numbers(b, 0, 1), numbers(b, 2, 3), numbers(b, 1, 2), result_types=[tensor(2, 1)]
        )
    ),
)
fires("known_shape", "extent", X, lambda b, x: [x, b.emit(S.GetDimensionSize(x, dimension=1))])
stays(
    "known_shape",
    "unknown extent",
    [tensor(None)],
    lambda b, x: [x, b.emit(S.GetDimensionSize(x, dimension=0))],
)
stays(
    "known_shape",
    "unknown result",
    X,
    lambda b, x: b.emit(S.DynamicReshape(x, numbers(b, 6), result_types=[tensor(None)])),
)
stays(
    "known_shape",
    "computed slice",
    [tensor(9)],
    lambda b, x: b.emit(
        S.RealDynamicSlice(
            x,
            b.emit(
                S.Reshape(
                    b.emit(S.Convert(b.emit(S.Abs(b.emit(S.Constant.splat(2, N)))), result_types=[N])),
                    result_types=[tensor(1, element=i64)],
                )
            ),
            numbers(b, 5),
            numbers(b, 1),
            result_types=[tensor(3)],
        )
    ),
)
