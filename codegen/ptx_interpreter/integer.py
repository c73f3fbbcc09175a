"""Integers, bits, comparisons and moves (PTX ISA, sections 9.7.1, 9.7.2, 9.7.6, 9.7.8 and 9.7.9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.assembler import CARRY, Assembler, executes
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.scalars import HALVES, TYPES, Array, as_type, pack, unpack
from irc.codegen.ptx_interpreter.syntax import Instruction, Register, Several

Compute = Callable[..., Array]


def pure(i: Instruction, a: Assembler, compute: Compute, types: Sequence[str]) -> Step:
    """`result = compute(operands)`, the operands read as these types."""
    target = a.target(i.operands[0])
    sources = [a.source(o, t, undefined=i.name == "prmt") for o, t in zip(i.operands[1:], types, strict=True)]
    match sources:
        case [x]:
            return lambda m: target(m, compute(x(m)))
        case [x, y]:
            return lambda m: target(m, compute(x(m), y(m)))
        case [x, y, z]:
            return lambda m: target(m, compute(x(m), y(m), z(m)))
    return lambda m: target(m, compute(*(s(m) for s in sources)))


def uniform(i: Instruction, a: Assembler, compute: Compute) -> Step:
    """All operands of the instruction's type."""
    return pure(i, a, compute, [i.type] * (len(i.operands) - 1))


def by_halves(compute: Compute, type: str) -> Compute:
    """What works on elements, on the halves of packed values."""
    element = HALVES[type]

    def packed(*operands: Array) -> Array:
        columns = zip(*(unpack(o, element) for o in operands), strict=True)
        return pack([np.asarray(compute(*column)) for column in columns])

    return packed


def twice(type: str) -> np.dtype[Any]:
    """The integer type of double width; that of 64 bits is no NumPy type."""
    return np.dtype(f"{TYPES[type].kind}{TYPES[type].itemsize * 2}")


# Products.


def high(x: Array, y: Array) -> Array:
    """The upper half of a product."""
    width = x.dtype.itemsize * 8
    if width < 64:
        wide = np.dtype(f"{x.dtype.kind}{x.dtype.itemsize * 2}")
        return (x.astype(wide) * y.astype(wide) >> wide.type(width)).astype(x.dtype)
    upper = _high_unsigned(x.view(np.uint64), y.view(np.uint64))
    if x.dtype.kind == "i":
        upper = upper - np.where(x < 0, y.view(np.uint64), 0) - np.where(y < 0, x.view(np.uint64), 0)
    return upper.view(x.dtype)


def _high_unsigned(x: Array, y: Array) -> Array:
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    xl, xh, yl, yh = x & low, x >> half, y & low, y >> half
    middle = xh * yl + (xl * yl >> half)
    other = xl * yh + (middle & low)
    return xh * yh + (middle >> half) + (other >> half)


def _wide(x: Array, y: Array) -> Array:
    wide = np.dtype(f"{x.dtype.kind}{x.dtype.itemsize * 2}")
    return np.multiply(x, y, dtype=wide)


def _times_24(x: Array, y: Array) -> Array:
    shift = x.dtype.type(8)
    return ((x << shift) >> shift) * ((y << shift) >> shift)


_PRODUCTS: dict[str, Compute] = {"lo": np.multiply, "hi": high, "wide": _wide}


def multiply(i: Instruction, a: Assembler) -> Step:
    """`mul.lo`, `.hi` and `.wide` of integers."""
    return uniform(i, a, _PRODUCTS[i.first_of("lo", "hi", "wide")])


def multiply_add(i: Instruction, a: Assembler) -> Step:
    """`mad` and `madc` of integers, with carries where asked."""
    half = i.first_of("lo", "hi", "wide")
    product = _PRODUCTS[half]
    if i.name == "madc" or i.has("cc"):
        return _carried(i, a, lambda x, y, z: (product(x, y), z))
    result = f"{i.type[0]}{int(i.type[1:]) * 2}" if half == "wide" else i.type
    return pure(i, a, lambda x, y, z: product(x, y) + z, [i.type, i.type, result])


@executes("mul24", "mad24")
def multiply_24(i: Instruction, a: Assembler) -> Step:
    if i.has("hi"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    if i.name == "mul24":
        return uniform(i, a, _times_24)
    return uniform(i, a, lambda x, y, z: _times_24(x, y) + z)


# Sums with carries.


def _carried(i: Instruction, a: Assembler, terms: Callable[..., tuple[Array, Array]]) -> Step:
    """x + y + carry, or x - y - borrow."""
    kind = f"u{i.type[1:]}"
    target = a.target(i.operands[0])
    sources = [a.source(o, kind) for o in i.operands[1:]]
    flag = a.source(Register(CARRY), "pred") if i.name.endswith("c") else None
    out = a.target(Register(CARRY)) if i.has("cc") else None
    minus = i.name.startswith("sub")

    def step(m: Machine) -> None:
        x, y = terms(*(s(m) for s in sources))
        carry = flag(m).astype(x.dtype) if flag is not None else x.dtype.type(0)
        partial = x - y if minus else x + y
        whole = partial - carry if minus else partial + carry
        target(m, whole)
        if out is not None:
            out(m, (x < y) | (partial < carry) if minus else (partial < x) | (whole < partial))

    return step


@executes("addc", "subc", "madc")
def with_carry(i: Instruction, a: Assembler) -> Step:
    if i.name == "madc":
        return multiply_add(i, a)
    return _carried(i, a, lambda x, y: (x, y))


def _saturated(compute: Compute) -> Compute:
    def saturated(x: Array, y: Array) -> Array:
        wide = compute(x.astype(np.int64), y.astype(np.int64))
        return np.clip(wide, -(1 << 31), (1 << 31) - 1).astype(np.int32)

    return saturated


def integer_binary(i: Instruction, a: Assembler, compute: Compute) -> Step:
    """add, sub, min, max of integers, packed ones included."""
    if i.type in HALVES:
        return uniform(i, a, by_halves(compute, i.type))
    if i.has("cc"):
        return _carried(i, a, lambda x, y: (x, y))
    return uniform(i, a, _saturated(compute) if i.has("sat") else compute)


# Division.


def divide(x: Array, y: Array) -> Array:
    """Towards zero; all ones where the divisor is zero, as devices give."""
    quotient = (x - np.fmod(x, np.where(y == 0, y.dtype.type(1), y))) // np.where(y == 0, y.dtype.type(1), y)
    return np.where(y == 0, ~x.dtype.type(0), quotient).astype(x.dtype)


@executes("rem")
def rem(i: Instruction, a: Assembler) -> Step:
    return uniform(i, a, lambda x, y: np.where(y == 0, x, np.fmod(x, np.where(y == 0, y.dtype.type(1), y))))


@executes("sad")
def sad(i: Instruction, a: Assembler) -> Step:
    return uniform(i, a, lambda x, y, z: z + (np.maximum(x, y) - np.minimum(x, y)))


@executes("dp4a")
def dp4a(i: Instruction, a: Assembler) -> Step:
    of_x, of_y = (np.dtype(f"{'i' if t[0] == 's' else 'u'}1") for t in i.modifiers[-2:])
    total = "s32" if "s32" in i.modifiers else "u32"

    def dot(x: Array, y: Array, z: Array) -> Array:
        products = x.view(of_x).reshape(-1, 4).astype(np.int64) * y.view(of_y).reshape(-1, 4)
        return (products.sum(1) + z).astype(TYPES[total])

    return pure(i, a, dot, ["b32", "b32", total])


# Bits.

_LOGIC: dict[str, Compute] = {
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
}


@executes(*_LOGIC)
def logic(i: Instruction, a: Assembler) -> Step:
    return uniform(i, a, _LOGIC[i.name])


@executes("cnot")
def cnot(i: Instruction, a: Assembler) -> Step:
    return uniform(i, a, lambda x: (x == 0).astype(x.dtype))


@executes("lop3")
def lop3(i: Instruction, a: Assembler) -> Step:
    """A truth table of three bits."""

    def look_up(x: Array, y: Array, z: Array, t: Array) -> Array:
        made = np.zeros(1, np.uint32)
        for row in range(8):
            terms = [v if row >> 2 - n & 1 else ~v for n, v in enumerate((x, y, z))]
            made = made | np.where(
                t >> np.uint32(row) & np.uint32(1), terms[0] & terms[1] & terms[2], np.uint32(0)
            )
        return made

    return pure(i, a, look_up, ["b32", "b32", "b32", "u32"])


def _shift_left(x: Array, by: Array) -> Array:
    width = x.dtype.itemsize * 8
    if by.shape[0] == 1:
        return x << x.dtype.type(by[0]) if by[0] < width else np.zeros_like(x)
    return np.where(by < width, x << np.minimum(by, width - 1).astype(x.dtype), x.dtype.type(0))


def _shift_right(x: Array, by: Array) -> Array:
    width = x.dtype.itemsize * 8
    if by.shape[0] == 1 and by[0] < width:
        return x >> x.dtype.type(by[0])
    moved = x >> np.minimum(by, width - 1).astype(x.dtype)
    return moved if x.dtype.kind == "i" else np.where(by < width, moved, x.dtype.type(0))


@executes("shl")
def shl(i: Instruction, a: Assembler) -> Step:
    return pure(i, a, _shift_left, [i.type, "u32"])


@executes("shr")
def shr(i: Instruction, a: Assembler) -> Step:
    return pure(i, a, _shift_right, [i.type, "u32"])


@executes("shf")
def shf(i: Instruction, a: Assembler) -> Step:
    """A shift of the 64 bits (high, low); its upper or its lower half."""
    left, wraps = i.has("l"), i.has("wrap")

    def funnel(low: Array, upper: Array, by: Array) -> Array:
        count = by & np.uint32(31) if wraps else np.minimum(by, np.uint32(32))
        whole = upper.astype(np.uint64) << np.uint64(32) | low
        moved = (
            whole << count.astype(np.uint64) >> np.uint64(32) if left else whole >> count.astype(np.uint64)
        )
        return moved.astype(np.uint32)

    return pure(i, a, funnel, ["b32", "b32", "u32"])


@executes("popc")
def popc(i: Instruction, a: Assembler) -> Step:
    return uniform(i, a, lambda x: np.bitwise_count(x).astype(np.uint32))


def leading_zeros(x: Array) -> Array:
    """Of unsigned integers; their width where they are 0."""
    width = x.dtype.itemsize * 8
    for shift in (1, 2, 4, 8, 16, 32):
        if shift < width:
            x = x | x >> x.dtype.type(shift)
    return (width - np.bitwise_count(x)).astype(np.uint32)


@executes("clz")
def clz(i: Instruction, a: Assembler) -> Step:
    return uniform(i, a, leading_zeros)


@executes("bfind")
def bfind(i: Instruction, a: Assembler) -> Step:
    def find(x: Array) -> Array:
        width = x.dtype.itemsize * 8
        bits = np.where(x < 0, ~x, x).view(f"u{x.dtype.itemsize}")
        zeros = leading_zeros(bits)
        found = zeros if i.has("shiftamt") else np.uint32(width - 1) - zeros
        return np.where(bits == 0, np.uint32(0xFFFFFFFF), found)

    return uniform(i, a, find)


@executes("brev")
def brev(i: Instruction, a: Assembler) -> Step:
    def reverse(x: Array) -> Array:
        octets = x.view(np.uint8).reshape(x.shape[0], -1)[:, ::-1]
        bits = np.unpackbits(np.ascontiguousarray(octets), axis=1, bitorder="little").reshape(
            x.shape[0], -1, 8
        )
        return (
            np.packbits(bits[:, :, ::-1], axis=2, bitorder="little")
            .reshape(x.shape[0], -1)
            .view(x.dtype)[:, 0]
        )

    return uniform(i, a, reverse)


@executes("bfe")
def bfe(i: Instruction, a: Assembler) -> Step:
    def extract(x: Array, start: Array, count: Array) -> Array:
        width = x.dtype.itemsize * 8
        bits = x.view(f"u{x.dtype.itemsize}")
        start, count = start & np.uint32(0xFF), count & np.uint32(0xFF)
        field = _shift_right(bits, start) & ~_shift_left(~bits.dtype.type(0), count)
        if x.dtype.kind == "i":
            top = np.minimum(start + count - np.uint32(1), width - 1)
            sign = (_shift_right(bits, top) & bits.dtype.type(1)) * (count > 0)
            field = field | np.where(sign != 0, _shift_left(~bits.dtype.type(0), np.minimum(count, width)), 0)
        return field.astype(bits.dtype).view(x.dtype)

    return pure(i, a, extract, [i.type, "u32", "u32"])


@executes("bfi")
def bfi(i: Instruction, a: Assembler) -> Step:
    def insert(x: Array, into: Array, start: Array, count: Array) -> Array:
        start, count = start & np.uint32(0xFF), count & np.uint32(0xFF)
        mask = _shift_left(~_shift_left(~x.dtype.type(0), count), start)
        return into & ~mask | _shift_left(x, start) & mask

    return pure(i, a, insert, [i.type, i.type, "u32", "u32"])


@executes("prmt")
def prmt(i: Instruction, a: Assembler) -> Step:
    if i.modifiers != ("b32",):
        raise a.refuse(f"the instruction '{i.opcode}'")

    def permute(x: Array, y: Array, selectors: Array) -> Array:
        length = max(v.shape[0] for v in (x, y, selectors))
        octets = np.empty((length, 8), np.uint8)
        octets[:, :4], octets[:, 4:] = x.view(np.uint8).reshape(-1, 4), y.view(np.uint8).reshape(-1, 4)
        chosen = (selectors[:, None] >> np.arange(0, 16, 4, dtype=np.uint32)) & np.uint32(15)
        chosen = np.broadcast_to(chosen, (length, 4)).astype(np.int64)
        taken = np.take_along_axis(octets, chosen & 7, axis=1)
        signs = np.where(taken & 0x80, 0xFF, 0).astype(np.uint8)
        permuted = np.ascontiguousarray(np.where(chosen & 8, signs, taken))
        return permuted.view(np.uint32)[:, 0]

    return pure(i, a, permute, ["b32", "b32", "b32"])


@executes("bmsk")
def bmsk(i: Instruction, a: Assembler) -> Step:
    def mask(start: Array, count: Array) -> Array:
        if i.has("wrap"):
            start, count = start & np.uint32(31), count & np.uint32(31)
        return _shift_left(~_shift_left(np.full(1, 0xFFFFFFFF, np.uint32), count), start)

    return pure(i, a, mask, ["u32", "u32"])


@executes("szext")
def szext(i: Instruction, a: Assembler) -> Step:
    def extend(x: Array, count: Array) -> Array:
        shift = np.uint32(32) - np.minimum(count & np.uint32(31) if i.has("wrap") else count, 32)
        return _shift_right(_shift_left(x.view(np.uint32), shift).view(x.dtype), shift)

    return pure(i, a, extend, [i.type, "u32"])


# Moves and choices.


@executes("mov")
def mov(i: Instruction, a: Assembler) -> Step:
    if isinstance(i.operands[0], Several) and isinstance(i.operands[1], Several):
        raise a.refuse("a move between vectors")
    return uniform(i, a, lambda x: x)


def _choose(x: Array, y: Array, first: Array) -> Array:
    return np.where(first, x, y)


@executes("selp")
def selp(i: Instruction, a: Assembler) -> Step:
    kind = f"b{TYPES[i.type].itemsize * 8}"
    return pure(i, a, _choose, [kind, kind, "pred"])


@executes("slct")
def slct(i: Instruction, a: Assembler) -> Step:
    kind, by = i.modifiers[-2:]
    return pure(i, a, lambda x, y, c: _choose(x, y, c >= 0), [kind, kind, by])


def unordered(compare: Compute) -> Compute:
    return lambda x, y: compare(x, y) | np.isnan(x) | np.isnan(y)


def _not_equal(x: Array, y: Array) -> Array:
    found = x != y
    return found if x.dtype.kind in "iub" else found & ~np.isnan(x) & ~np.isnan(y)


COMPARISONS: dict[str, Compute] = {
    "eq": np.equal, "ne": _not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "lo": np.less, "ls": np.less_equal, "hi": np.greater, "hs": np.greater_equal,
    "equ": unordered(np.equal), "neu": unordered(np.not_equal), "ltu": unordered(np.less),
    "leu": unordered(np.less_equal), "gtu": unordered(np.greater), "geu": unordered(np.greater_equal),
    "num": lambda x, y: ~(np.isnan(x) | np.isnan(y)), "nan": lambda x, y: np.isnan(x) | np.isnan(y),
}  # fmt: skip

_JOINS: dict[str, Compute] = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}


def _flushed(x: Array) -> Array:
    return np.where(np.abs(x) < np.finfo(np.float32).tiny, np.copysign(x.dtype.type(0), x), x)


def compare(i: Instruction, a: Assembler, type: str) -> Compute:
    """The comparison an instruction names, for arrays of the type."""
    by = COMPARISONS[i.modifiers[0]]
    if i.has("ftz") and type == "f32":
        return lambda x, y: by(_flushed(x), _flushed(y))
    return by


@executes("setp")
def setp(i: Instruction, a: Assembler) -> Step:
    """`p = x < y`; with `p|q`, q is the opposite; both joined to a third predicate where one is given."""
    if i.type in ("f16x2", "bf16x2"):
        return _setp_halves(i, a)
    by = compare(i, a, i.type)
    x, y = (a.source(o, i.type) for o in i.operands[1:3])
    join = i.first_of(*_JOINS)
    if isinstance(i.operands[0], Several):
        first, second = (a.target(e) for e in i.operands[0].elements)
    else:
        first, second = a.target(i.operands[0]), None
    with_other = a.source(i.operands[3], "pred") if join else None

    def step(m: Machine) -> None:
        found = by(x(m), y(m))
        opposite = ~found if second is not None else found
        if with_other is not None:
            other = with_other(m)
            found, opposite = _JOINS[join](found, other), _JOINS[join](opposite, other)
        first(m, found)
        if second is not None:
            second(m, opposite)

    return step


def _setp_halves(i: Instruction, a: Assembler) -> Step:
    by, element = compare(i, a, i.type), HALVES[i.type]
    pair = i.operands[0]
    if not isinstance(pair, Several) or i.first_of(*_JOINS):
        raise a.refuse(f"the instruction '{i.opcode}'")
    targets = [a.target(e) for e in pair.elements]
    x, y = (a.source(o, "b32") for o in i.operands[1:3])

    def step(m: Machine) -> None:
        for target, p, q in zip(targets, unpack(x(m), element), unpack(y(m), element), strict=True):
            target(m, np.asarray(by(p, q), bool))

    return step


@executes("set")
def set_(i: Instruction, a: Assembler) -> Step:
    """All ones, or 1.0, where the comparison holds."""
    result, kind = i.modifiers[-2:]
    if kind in HALVES or i.first_of(*_JOINS):
        raise a.refuse(f"the instruction '{i.opcode}'")
    by = compare(i, a, kind)
    true = np.asarray(1, TYPES[result]) if TYPES[result].kind == "f" else ~np.asarray(0, TYPES[result])
    return pure(i, a, lambda x, y: np.where(by(x, y), true, TYPES[result].type(0)), [kind, kind])


def negate(x: Array) -> Array:
    return as_type(-x, x.dtype)
