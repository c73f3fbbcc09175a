"""Elementwise tensor ops as arith and math ops on tiles or scalars, for every kind of kernel.

The tile holds elements of `kernel_element` type: integers are signless, so the tensor op's element type says how they
are read. Narrow floats (f16, bf16) are computed in f32 and rounded once an op, as the reference does. What LLVM leaves
undefined (division by zero, wide shifts, floats out of range) is defined here, equal to the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.elementwise_bits import infinite, mulhi, next_after, reduce_precision
from irc.codegen.lower.erf_inv import erf_inv
from irc.codegen.lower.group import kernel_element
from irc.codegen.lower.narrow import in_f32, splat
from irc.codegen.lower.narrow_formats import computed_in, decode, encode, is_byte_format, masked
from irc.dialects import arith, chlo, math
from irc.dialects import stablehlo as hlo
from irc.errors import UnsupportedError
from irc.ir.locations import span_of
from irc.ir.operation import Operation, Value
from irc.ir.types import FloatType, IntegerType, bf16, f16, f32, f64, i1

Lowering = Callable[[KernelBuilder, Operation, Sequence[Value]], Value]

_FLOAT_UNARY: dict[type[Operation], type[Operation]] = {
    hlo.Abs: math.AbsF, hlo.Negate: arith.NegF, hlo.Exponential: math.Exp, hlo.ExponentialMinusOne: math.ExpM1,
    hlo.Log: math.Log, hlo.LogPlusOne: math.Log1p, hlo.Tanh: math.Tanh, hlo.Sqrt: math.Sqrt, hlo.Cbrt: math.Cbrt,
    hlo.Sine: math.Sin, hlo.Cosine: math.Cos, hlo.Tan: math.Tan, hlo.Floor: math.Floor, hlo.Ceil: math.Ceil,
    hlo.RoundNearestAfz: math.Round, hlo.RoundNearestEven: math.RoundEven,
    chlo.Erf: math.Erf, chlo.Erfc: math.Erfc, chlo.Tan: math.Tan, chlo.Acos: math.Acos, chlo.Acosh: math.Acosh,
    chlo.Asin: math.Asin, chlo.Asinh: math.Asinh, chlo.Atan: math.Atan, chlo.Atanh: math.Atanh,
    chlo.Cosh: math.Cosh, chlo.Sinh: math.Sinh,
}  # fmt: skip
_FLOAT_BINARY: dict[type[Operation], type[Operation]] = {
    hlo.Add: arith.AddF, hlo.Subtract: arith.SubF, hlo.Multiply: arith.MulF, hlo.Divide: arith.DivF,
    hlo.Remainder: arith.RemF, hlo.Maximum: arith.MaximumF, hlo.Minimum: arith.MinimumF, hlo.Power: math.PowF,
    hlo.Atan2: math.Atan2,
}  # fmt: skip
_INTEGER_BINARY: dict[type[Operation], type[Operation]] = {
    hlo.Add: arith.AddI, hlo.Subtract: arith.SubI, hlo.Multiply: arith.MulI,
    hlo.And: arith.AndI, hlo.Or: arith.OrI, hlo.Xor: arith.XOrI,
}  # fmt: skip
_BOOL_BINARY: dict[type[Operation], type[Operation]] = {
    hlo.Add: arith.OrI, hlo.Multiply: arith.AndI, hlo.Maximum: arith.OrI, hlo.Minimum: arith.AndI,
    hlo.And: arith.AndI, hlo.Or: arith.OrI, hlo.Xor: arith.XOrI,
}  # fmt: skip
_SIGNED_BINARY: dict[type[Operation], type[Operation]] = {hlo.Maximum: arith.MaxSI, hlo.Minimum: arith.MinSI}
_UNSIGNED_BINARY: dict[type[Operation], type[Operation]] = {
    hlo.Maximum: arith.MaxUI,
    hlo.Minimum: arith.MinUI,
}
_ON_BYTES = (hlo.BitcastConvert, hlo.Convert, hlo.Select)
"""Ops that work on formats kept in a byte; others are expanded to work on what those convert to."""
_FLOAT_PREDICATES = {"EQ": "oeq", "NE": "une", "GE": "oge", "GT": "ogt", "LE": "ole", "LT": "olt"}


def has_lowering(cls: type[Operation]) -> bool:
    """Whether `lower_elementwise` knows the class of op (its element types may still be refused)."""
    return any(cls in table for table in (_FLOAT_UNARY, _FLOAT_BINARY, _INTEGER_BINARY, _SPECIAL))


def lower_elementwise(b: KernelBuilder, op: Operation, operands: Sequence[Value]) -> Value:
    """Emits `op` on `operands`, scalars or vectors of one shape, and gives the result of that shape.

    Raises UnsupportedError, naming the op and its types, where there is no lowering."""
    for value in (*op.operands, *op.results):
        if is_byte_format(value.type.element) and not isinstance(op, _ON_BYTES):
            raise _refusal(op)
        kernel_element(value.type.element)
    special = _SPECIAL.get(type(op))
    made = special(b, op, operands) if special else None
    return made if made is not None else _by_table(b, op, operands)


def _by_table(b: KernelBuilder, op: Operation, operands: Sequence[Value]) -> Value:
    kind = type(op)
    target: Any = None
    match op.operands[0].type.element:
        case FloatType():
            target = _FLOAT_UNARY.get(kind) or _FLOAT_BINARY.get(kind)
        case IntegerType(width=1):
            target = _BOOL_BINARY.get(kind)
        case IntegerType(signedness="unsigned"):
            target = _INTEGER_BINARY.get(kind) or _UNSIGNED_BINARY.get(kind)
        case IntegerType():
            target = _INTEGER_BINARY.get(kind) or _SIGNED_BINARY.get(kind)
    if target is None:
        raise _refusal(op)
    return in_f32(b, lambda *x: b.emit(target(*x)), operands)


def _refusal(op: Operation) -> UnsupportedError:
    types = ", ".join(str(v.type) for v in op.operands)
    return UnsupportedError(f"no lowering of '{op.name}' on ({types})", span=span_of(op.location))


def _is_float(op: Operation) -> bool:
    return isinstance(op.operands[0].type.element, FloatType)


def _is_unsigned(op: Operation) -> bool:
    element = op.operands[0].type.element
    return isinstance(element, IntegerType) and (element.is_unsigned or element.width == 1)


def _abs(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value | None:
    """|INT_MIN| is INT_MIN."""
    if _is_float(op):
        return None
    if _is_unsigned(op):
        return x[0]
    zero = splat(b, 0, x[0])
    negative = b.emit(arith.CmpI(x[0], zero, predicate="slt"))
    return b.emit(arith.Select(negative, b.emit(arith.SubI(zero, x[0])), x[0]))


def _negate(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value | None:
    return None if _is_float(op) else b.emit(arith.SubI(splat(b, 0, x[0]), x[0]))


def _not(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    ones = True if arith.element(x[0].type) is i1 else -1
    return b.emit(arith.XOrI(x[0], splat(b, ones, x[0])))


def _count_bits(target: type[Operation]) -> Lowering:
    return lambda b, op, x: b.emit(target(x[0]))


def _logistic(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    """1 / (1 + exp(-x))."""

    def emit(v: Value) -> Value:
        one = splat(b, 1.0, v)
        grown = b.emit(arith.AddF(one, b.emit(math.Exp(b.emit(arith.NegF(v))))))
        return b.emit(arith.DivF(one, grown))

    return in_f32(b, emit, x)


def _square(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    return in_f32(b, lambda v: b.emit((arith.MulF if _is_float(op) else arith.MulI)(v, v)), x)


def _rsqrt(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    """1 / sqrt(x)."""
    return in_f32(b, lambda v: b.emit(arith.DivF(splat(b, 1.0, v), b.emit(math.Sqrt(v)))), x)


def _conj(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    """A real number is its own conjugate."""
    return x[0]


def _sign(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    """-1, 0 or 1; float zeros and NaN as they are."""
    return in_f32(b, lambda v: _sign_of(b, _is_unsigned(op), v), x)


def _sign_of(b: KernelBuilder, unsigned: bool, v: Value) -> Value:
    if isinstance(arith.element(v.type), FloatType):
        zero, one = splat(b, 0.0, v), splat(b, 1.0, v)
        ordered = b.emit(arith.CmpF(v, zero, predicate="one"))
        return b.emit(arith.Select(ordered, b.emit(math.CopySign(one, v)), v))
    zero, one = splat(b, 0, v), splat(b, 1, v)
    some = b.emit(arith.Select(b.emit(arith.CmpI(v, zero, predicate="ne")), one, zero))
    if unsigned:
        return some
    negative = b.emit(arith.CmpI(v, zero, predicate="slt"))
    return b.emit(arith.Select(negative, splat(b, -1, v), some))


def _is_finite(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    def emit(v: Value) -> Value:
        return b.emit(arith.CmpF(b.emit(math.AbsF(v)), splat(b, float("inf"), v), predicate="olt"))

    return in_f32(b, emit, x)


def _safe_divisor(b: KernelBuilder, x: Value, y: Value, unsigned: bool) -> tuple[Value, Value]:
    """(y == 0, a divisor for which the machine's division is defined; INT_MIN / -1 becomes INT_MIN / 1)."""
    zero = b.emit(arith.CmpI(y, splat(b, 0, y), predicate="eq"))
    unsafe = zero
    if not unsigned:
        lowest = -(1 << (arith.element(x.type).width - 1))
        overflow = b.emit(
            arith.AndI(
                b.emit(arith.CmpI(x, splat(b, lowest, x), predicate="eq")),
                b.emit(arith.CmpI(y, splat(b, -1, y), predicate="eq")),
            )
        )
        unsafe = b.emit(arith.OrI(zero, overflow))
    return zero, b.emit(arith.Select(unsafe, splat(b, 1, y), y))


def _divide(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value | None:
    """x / 0 has all bits set; INT_MIN / -1 is INT_MIN."""
    if _is_float(op):
        return None
    unsigned = _is_unsigned(op)
    zero, divisor = _safe_divisor(b, x[0], x[1], unsigned)
    quotient = b.emit((arith.DivUI if unsigned else arith.DivSI)(x[0], divisor))
    return b.emit(arith.Select(zero, splat(b, -1, x[0]), quotient))


def _remainder(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value | None:
    """x % 0 is x; the sign is the dividend's."""
    if _is_float(op):
        return None
    unsigned = _is_unsigned(op)
    zero, divisor = _safe_divisor(b, x[0], x[1], unsigned)
    rest = b.emit((arith.RemUI if unsigned else arith.RemSI)(x[0], divisor))
    return b.emit(arith.Select(zero, x[0], rest))


def _power(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value | None:
    """Integer powers wrap (square and multiply over all bits); a negative exponent gives 0 but for bases 1 and -1."""
    if _is_float(op):
        return None
    base, exponent = x
    one, zero = splat(b, 1, base), splat(b, 0, base)

    def turn(b: KernelBuilder, i: Value, result: Value, square: Value, rest: Value) -> Sequence[Value]:
        odd = b.emit(arith.CmpI(b.emit(arith.AndI(rest, one)), zero, predicate="ne"))
        taken = b.emit(arith.Select(odd, b.emit(arith.MulI(result, square)), result))
        return taken, b.emit(arith.MulI(square, square)), b.emit(arith.ShRUI(rest, one))

    result, _, _ = b.loop(0, arith.element(base.type).width, 1, turn, one, base, exponent)
    if _is_unsigned(op):
        return result
    negative = b.emit(arith.CmpI(exponent, zero, predicate="slt"))
    unit = b.emit(
        arith.OrI(
            b.emit(arith.CmpI(base, one, predicate="eq")),
            b.emit(arith.CmpI(base, splat(b, -1, base), predicate="eq")),
        )
    )
    # The bits of a negative exponent end in its parity, so 1 and -1 already have their powers.
    inverse = b.emit(arith.Select(unit, result, zero))
    return b.emit(arith.Select(negative, inverse, result))


def _shift(target: type[Operation]) -> Lowering:
    """An amount outside [0, width) shifts everything out, or leaves the sign."""

    def lower(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
        width = arith.element(x[0].type).width
        inside = b.emit(arith.CmpI(x[1], splat(b, width, x[1]), predicate="ult"))
        if target is arith.ShRSI:
            return b.emit(arith.ShRSI(x[0], b.emit(arith.Select(inside, x[1], splat(b, width - 1, x[1])))))
        amount = b.emit(arith.Select(inside, x[1], splat(b, 0, x[1])))
        return b.emit(arith.Select(inside, b.emit(target(x[0], amount)), splat(b, 0, x[0])))

    return lower


def _compare(b: KernelBuilder, op: hlo.Compare, x: Sequence[Value]) -> Value:
    direction = op.comparison_direction
    if _is_float(op):
        if op.compare_type == "TOTALORDER":
            keys = [_total_order_key(b, v) for v in x]
            return _compare_integers(b, direction, keys, unsigned=False)
        return in_f32(b, lambda p, q: b.emit(arith.CmpF(p, q, predicate=_FLOAT_PREDICATES[direction])), x)
    return _compare_integers(b, direction, x, _is_unsigned(op))


def _compare_integers(b: KernelBuilder, direction: str, x: Sequence[Value], unsigned: bool) -> Value:
    word = direction.lower()
    predicate = word if word in ("eq", "ne") else ("u" if unsigned else "s") + word
    return b.emit(arith.CmpI(x[0], x[1], predicate=predicate))


def _total_order_key(b: KernelBuilder, v: Value) -> Value:
    """An integer whose signed order is IEEE totalOrder: bits of negative floats are flipped but for the sign."""
    width = arith.element(v.type).width
    bits = b.emit(arith.Bitcast(v, result_types=[arith.like(v.type, IntegerType(width))]))
    negative = b.emit(arith.CmpI(bits, splat(b, 0, bits), predicate="slt"))
    flipped = b.emit(arith.XOrI(bits, splat(b, (1 << (width - 1)) - 1, bits)))
    return b.emit(arith.Select(negative, flipped, bits))


def _select(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    return b.emit(arith.Select(*x))


def _clamp(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    """min(max(operand, low), high)."""
    low, operand, high = x
    if _is_float(op):
        clamp = lambda lo, v, hi: b.emit(arith.MinimumF(b.emit(arith.MaximumF(v, lo)), hi))  # noqa: E731
        return in_f32(b, clamp, (low, operand, high))
    largest, least = (arith.MaxUI, arith.MinUI) if _is_unsigned(op) else (arith.MaxSI, arith.MinSI)
    return b.emit(least(b.emit(largest(operand, low)), high))


def _bitcast(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    source, target = op.operands[0].type.element, op.results[0].type.element
    if source.width != target.width or i1 in (source, target):
        raise _refusal(op)
    kind = kernel_element(target)
    if arith.element(x[0].type) is kind:
        return x[0]
    return b.emit(arith.Bitcast(x[0], result_types=[arith.like(x[0].type, kind)]))


def _convert(b: KernelBuilder, op: Operation, x: Sequence[Value]) -> Value:
    return convert(b, x[0], op.operands[0].type.element, op.results[0].type.element)


def convert(b: KernelBuilder, x: Value, source: Any, target: Any) -> Value:
    """`x`, of tensor element type `source`, as `target`. Floats to integers truncate, saturate and take NaN to 0."""
    if source is target:
        return x
    if is_byte_format(source):
        return convert(b, decode(b, x, source), computed_in(source), target)
    match source, target:
        case FloatType(), FloatType(width=width) if width <= 8:
            return encode(b, _float_to_float(b, x, f32), target)
        case IntegerType(), FloatType(width=width) if width <= 8:
            return encode(b, convert(b, x, source, f32), target)
        case IntegerType(), IntegerType(width=2) | IntegerType(width=4):
            return masked(b, convert(b, x, source, computed_in(target)), target)
        case FloatType(), IntegerType(width=2) | IntegerType(width=4):
            return masked(
                b,
                _float_to_integer(b, _float_to_float(b, x, f32) if source in (f16, bf16) else x, target),
                target,
            )
        case FloatType(), FloatType():
            return _float_to_float(b, x, target)
        case FloatType(), IntegerType(width=1):
            wide = _float_to_float(b, x, f32) if source in (f16, bf16) else x
            return b.emit(arith.CmpF(wide, splat(b, 0.0, wide), predicate="une"))
        case FloatType(), IntegerType():
            return _float_to_integer(b, _float_to_float(b, x, f32) if source in (f16, bf16) else x, target)
        case IntegerType(), FloatType():
            cast = arith.UIToFP if source.is_unsigned or source.width == 1 else arith.SIToFP
            exact = f64 if target is f64 else f32
            made = b.emit(cast(x, result_types=[arith.like(x.type, exact)]))
            return _float_to_float(b, made, target)
        case IntegerType(), IntegerType(width=1):
            return b.emit(arith.CmpI(x, splat(b, 0, x), predicate="ne"))
    return _integer_to_integer(b, x, source, target)


def _integer_to_integer(b: KernelBuilder, x: Value, source: IntegerType, target: IntegerType) -> Value:
    if source.width == target.width:
        return x
    cast: Any = arith.TruncI
    if target.width > source.width:
        cast = arith.ExtUI if source.is_unsigned or source.width == 1 else arith.ExtSI
    return b.emit(cast(x, result_types=[arith.like(x.type, IntegerType(target.width))]))


def _float_to_float(b: KernelBuilder, x: Value, target: FloatType) -> Value:
    source = arith.element(x.type)
    if source is target:
        return x
    if target in (f16, bf16) and source is not f32:
        x = _to_odd_f32(b, x) if source is f64 and target is f16 else _float_to_float(b, x, f32)
        source = f32
    cast = arith.ExtF if target.width > source.width else arith.TruncF
    return b.emit(cast(x, result_types=[arith.like(x.type, target)]))


def _to_odd_f32(b: KernelBuilder, x: Value) -> Value:
    """f64 to f32 rounded to odd, after which one more rounding is as good as rounding once (Boldo, Melquiond 2008)."""
    near = b.emit(arith.TruncF(x, result_types=[arith.like(x.type, f32)]))
    back = b.emit(arith.ExtF(near, result_types=[x.type]))
    bits = b.emit(arith.Bitcast(near, result_types=[arith.like(x.type, IntegerType(32))]))
    zero, one = splat(b, 0, bits), splat(b, 1, bits)
    even = b.emit(arith.CmpI(b.emit(arith.AndI(bits, one)), zero, predicate="eq"))
    inexact = b.emit(arith.CmpF(back, x, predicate="one"))
    size, whole = b.emit(math.AbsF(back)), b.emit(math.AbsF(x))
    step = b.emit(arith.Select(b.emit(arith.CmpF(size, whole, predicate="olt")), one, splat(b, -1, bits)))
    moved = b.emit(arith.Select(b.emit(arith.AndI(even, inexact)), b.emit(arith.AddI(bits, step)), bits))
    return b.emit(arith.Bitcast(moved, result_types=[near.type]))


def _float_to_integer(b: KernelBuilder, x: Value, target: IntegerType) -> Value:
    unsigned = target.is_unsigned
    bits = target.width if unsigned else target.width - 1
    # Both are exact, and what is below `high` truncates in range.
    low, high = 0.0 if unsigned else -(2.0**bits), 2.0**bits
    above = b.emit(arith.CmpF(x, splat(b, high, x), predicate="oge"))
    below = b.emit(arith.CmpF(x, splat(b, low, x), predicate="olt"))
    known = b.emit(arith.CmpF(x, x, predicate="ord"))
    outside = b.emit(arith.OrI(above, below))
    inside = b.emit(arith.AndI(known, b.emit(arith.XOrI(outside, splat(b, True, outside)))))
    safe = b.emit(arith.Select(inside, x, splat(b, 0.0, x)))
    cast = arith.FPToUI if unsigned else arith.FPToSI
    whole = b.emit(cast(safe, result_types=[arith.like(x.type, kernel_element(target))]))
    largest = -1 if unsigned and target.width >= 8 else (1 << bits) - 1
    least = 0 if unsigned else -(1 << bits)
    whole = b.emit(arith.Select(above, splat(b, largest, whole), whole))
    return b.emit(arith.Select(below, splat(b, least, whole), whole))


_SPECIAL: dict[type[Operation], Callable[..., Value | None]] = {
    hlo.Abs: _abs, hlo.Negate: _negate, hlo.Not: _not, hlo.Sign: _sign, hlo.IsFinite: _is_finite,
    hlo.Logistic: _logistic, hlo.Rsqrt: _rsqrt, chlo.Square: _square,
    hlo.Popcnt: _count_bits(math.CtPop), hlo.CountLeadingZeros: _count_bits(math.CountLeadingZeros),
    hlo.Divide: _divide, hlo.Remainder: _remainder, hlo.Power: _power,
    hlo.ShiftLeft: _shift(arith.ShLI), hlo.ShiftRightLogical: _shift(arith.ShRUI),
    hlo.ShiftRightArithmetic: _shift(arith.ShRSI),
    hlo.Compare: _compare, hlo.Select: _select, hlo.Clamp: _clamp,
    hlo.Convert: _convert, hlo.BitcastConvert: _bitcast, hlo.ReducePrecision: reduce_precision,
    chlo.IsInf: infinite(0), chlo.IsPosInf: infinite(1), chlo.IsNegInf: infinite(-1), chlo.Conj: _conj,
    chlo.ErfInv: erf_inv, chlo.NextAfter: next_after, chlo.Mulhi: mulhi,
}  # fmt: skip
"""Ops with a rule of their own; None from a rule means that the tables above apply."""
