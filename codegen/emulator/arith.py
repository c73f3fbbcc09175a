"""arith: each op on NumPy scalars and arrays alike, with the results and the undefined cases of LLVM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.memory import Fault
from irc.codegen.vector_math.numpy_builder import NumpyBuilder
from irc.dialects import arith
from irc.dialects.arith import element
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Operation
from irc.ir.types import FloatType, IndexType, IntegerType, bf16, f16, f64

WIDE = NumpyBuilder("f64")


@emulates(arith.Constant)
def constant(m: Machine, op: arith.Constant) -> Any:
    value: Any = op.value
    if isinstance(value, DenseElementsAttr):
        return value.array
    return wrapped(value.value, value.type)


def wrapped(number: Any, type: Any) -> Any:
    """A Python number as a scalar of a type; integers keep their low bits."""
    if isinstance(type, IntegerType | IndexType) and type.width > 1:
        low = int(number) % (1 << type.width)
        number = low - (1 << type.width) if low >> (type.width - 1) else low
    return np.asarray(number, type.numpy)[()]


# Floats. What is narrower than f32 is computed in f32 and rounded once.


def in_f32(compute: Callable[..., Any], *operands: Any) -> Any:
    """`compute` of f32 operands where they are narrower floats, the result rounded back to their type."""
    dtype = np.asarray(operands[0]).dtype
    with np.errstate(all="ignore"):
        if dtype.itemsize >= 4 or dtype.kind in "biu":
            return compute(*operands)
        made = compute(*(np.asarray(x).astype(np.float32) for x in operands))
        return made.astype(dtype) if made.dtype == np.float32 else made


def maximum(x: Any, y: Any) -> Any:
    """IEEE 754-2019: NaN if either is, -0 below +0."""
    larger = np.where(x == y, np.where(np.signbit(x), y, x), np.maximum(x, y))
    return larger.astype(np.asarray(x).dtype)


def minimum(x: Any, y: Any) -> Any:
    return -maximum(-x, -y)


_FLOAT: dict[type[Operation], Callable[..., Any]] = {
    arith.AddF: np.add, arith.SubF: np.subtract, arith.MulF: np.multiply, arith.DivF: np.divide,
    arith.RemF: np.fmod, arith.MaximumF: maximum, arith.MinimumF: minimum,
}  # fmt: skip


@emulates(*_FLOAT)
def float_binary(m: Machine, op: Operation, x: Any, y: Any) -> Any:
    return in_f32(_FLOAT[type(op)], x, y)


@emulates(arith.NegF)
def negf(m: Machine, op: arith.NegF, x: Any) -> Any:
    return np.negative(x)


@emulates(arith.CmpF)
def cmpf(m: Machine, op: arith.CmpF, x: Any, y: Any) -> Any:
    if op.predicate in ("false", "true"):
        return np.full(np.shape(x), op.predicate == "true")
    return WIDE.cmpf(op.predicate, np.asarray(x).astype(np.float64), np.asarray(y).astype(np.float64))


# Integers. Signless: the op says how they are read.


def unsigned(x: Any) -> Any:
    """The same bits read as unsigned; booleans as they are."""
    x = np.asarray(x)
    return x if x.dtype.kind in "bu" else x.view(f"u{x.dtype.itemsize}")


def signed(x: Any, dtype: np.dtype[Any]) -> Any:
    """Unsigned bits as elements of `dtype` again."""
    return (
        np.asarray(x).astype(f"u{dtype.itemsize}").view(dtype) if dtype.kind == "i" else np.asarray(x, bool)
    )


def _by_bits(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Modulo 2**width; of booleans modulo 2."""

    def run(x: Any, y: Any) -> Any:
        dtype = np.asarray(x).dtype
        if dtype.kind == "b":
            return compute(np.asarray(x, np.uint8), np.asarray(y, np.uint8)) & 1 == 1
        with np.errstate(over="ignore"):
            return signed(compute(unsigned(x), unsigned(y)), dtype)

    return run


def _signed_division(remainder: bool) -> Callable[[Any, Any], Any]:
    def run(x: Any, y: Any) -> Any:
        x, y = np.asarray(x), np.asarray(y)
        if np.any(y == 0):
            raise Fault("divides by zero")
        if np.any((x == np.iinfo(x.dtype).min) & (y == -1)):
            raise Fault("divides the lowest integer by -1")
        if remainder:
            return np.fmod(x, y)
        # NumPy rounds down, LLVM towards zero.
        return (x - np.fmod(x, y)) // y

    return run


def _unsigned_division(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(x: Any, y: Any) -> Any:
        if np.any(np.asarray(y) == 0):
            raise Fault("divides by zero")
        return signed(compute(unsigned(x), unsigned(y)), np.asarray(x).dtype)

    return run


def _shift(compute: Callable[[Any, Any], Any], *, arithmetic: bool = False) -> Callable[[Any, Any], Any]:
    def run(x: Any, y: Any) -> Any:
        x, amount = np.asarray(x), unsigned(y)
        if np.any(amount >= 8 * x.dtype.itemsize):
            raise Fault(f"shifts by {amount.max()}, which is not less than the width")
        if arithmetic:
            return compute(x, amount.astype(x.dtype))
        return signed(compute(unsigned(x), amount), x.dtype)

    return run


def _by_sign(
    of_numbers: Callable[[Any, Any], Any], of_booleans: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    """The only set bit of an i1 is its sign: true is -1."""
    return lambda x, y: (of_booleans if np.asarray(x).dtype.kind == "b" else of_numbers)(x, y)


_INTEGER: dict[type[Operation], Callable[[Any, Any], Any]] = {
    arith.AddI: _by_bits(np.add), arith.SubI: _by_bits(np.subtract), arith.MulI: _by_bits(np.multiply),
    arith.AndI: _by_bits(np.bitwise_and), arith.OrI: _by_bits(np.bitwise_or), arith.XOrI: _by_bits(np.bitwise_xor),
    arith.MaxUI: _by_bits(np.maximum), arith.MinUI: _by_bits(np.minimum),
    arith.MaxSI: _by_sign(np.maximum, np.minimum), arith.MinSI: _by_sign(np.minimum, np.maximum),
    arith.DivSI: _signed_division(False), arith.RemSI: _signed_division(True),
    arith.DivUI: _unsigned_division(np.floor_divide), arith.RemUI: _unsigned_division(np.remainder),
    arith.ShLI: _shift(np.left_shift), arith.ShRUI: _shift(np.right_shift),
    arith.ShRSI: _shift(np.right_shift, arithmetic=True),
}  # fmt: skip


@emulates(*_INTEGER)
def integer_binary(m: Machine, op: Operation, x: Any, y: Any) -> Any:
    return _INTEGER[type(op)](x, y)


@emulates(arith.CmpI)
def cmpi(m: Machine, op: arith.CmpI, x: Any, y: Any) -> Any:
    predicate = op.predicate
    if predicate in ("eq", "ne"):
        return np.equal(x, y) if predicate == "eq" else np.not_equal(x, y)
    compare = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}[predicate[1:]]
    if predicate[0] == "u":
        return compare(unsigned(x), unsigned(y))
    # The only set bit of an i1 is its sign.
    flip = np.asarray(x).dtype.kind == "b"
    return compare(y, x) if flip else compare(x, y)


@emulates(arith.Select)
def select(m: Machine, op: arith.Select, condition: Any, yes: Any, no: Any) -> Any:
    return np.where(condition, yes, no).astype(np.asarray(yes).dtype)


# Conversions.


@emulates(arith.ExtF, arith.TruncF)
def float_to_float(m: Machine, op: Any, x: Any) -> Any:
    return rounded(x, element(op.result.type))


def rounded(x: Any, target: FloatType) -> Any:
    """A float rounded once to a narrower type, ties to even; ml_dtypes would go from f64 through f32 and round twice."""
    x = np.asarray(x)
    with np.errstate(all="ignore"):
        if x.dtype == np.float64 and target.width < 32 and target is not f16:
            x = _to_odd(x)
        return x.astype(target.numpy)


def _to_odd(x: Any) -> Any:
    """An f64 as f32, towards zero with the last bit set where that is inexact: rounding again is then harmless."""
    near = x.astype(np.float32)
    bits = near.view(np.uint32) - (np.abs(near.astype(np.float64)) > np.abs(x))
    inexact = near.astype(np.float64) != x
    return np.where(np.isnan(x), near, (bits | inexact).astype(np.uint32).view(np.float32)).astype(np.float32)


@emulates(arith.ExtSI)
def extend_signed(m: Machine, op: Any, x: Any) -> Any:
    target = element(op.result.type).numpy
    return -np.asarray(x).astype(target) if np.asarray(x).dtype.kind == "b" else np.asarray(x).astype(target)


@emulates(arith.ExtUI)
def extend_unsigned(m: Machine, op: Any, x: Any) -> Any:
    return unsigned(x).astype(element(op.result.type).numpy)


@emulates(arith.TruncI)
def truncate(m: Machine, op: Any, x: Any) -> Any:
    target = element(op.result.type).numpy
    return np.asarray(x) & 1 == 1 if target.kind == "b" else np.asarray(x).astype(target)


@emulates(arith.IndexCast, arith.IndexCastUI)
def index_cast(m: Machine, op: Any, x: Any) -> Any:
    narrows = element(op.source.type).width > element(op.result.type).width
    extend = extend_signed if isinstance(op, arith.IndexCast) else extend_unsigned
    return truncate(m, op, x) if narrows else extend(m, op, x)


@emulates(arith.SIToFP, arith.UIToFP)
def integer_to_float(m: Machine, op: Any, x: Any) -> Any:
    target = element(op.result.type)
    number = np.asarray(x) if isinstance(op, arith.SIToFP) else unsigned(x)
    if number.dtype.kind == "b" and isinstance(op, arith.SIToFP):
        return np.where(number, -1.0, 0.0).astype(target.numpy)
    if target is bf16 or target.width < 16:
        if number.dtype.itemsize > 4:
            raise Fault("converts 64 bits to a narrow float, which would round twice")
        return rounded(number.astype(f64.numpy), target)
    with np.errstate(over="ignore"):
        return number.astype(target.numpy)


@emulates(arith.FPToSI, arith.FPToUI)
def float_to_integer(m: Machine, op: Any, x: Any) -> Any:
    target = element(op.result.type)
    bits = target.width - isinstance(op, arith.FPToSI)
    low = -(2.0**bits) if isinstance(op, arith.FPToSI) else 0.0
    whole = np.trunc(np.asarray(x).astype(np.float64))
    if not np.all((whole >= low) & (whole < 2.0**bits)):
        raise Fault(f"converts {x} to {target}, which does not hold it")
    if isinstance(op, arith.FPToSI):
        return whole.astype(target.numpy)
    return signed(whole.astype(f"u{target.numpy.itemsize}"), target.numpy)


@emulates(arith.Bitcast)
def bitcast(m: Machine, op: arith.Bitcast, x: Any) -> Any:
    return np.asarray(x).view(element(op.result.type).numpy)
