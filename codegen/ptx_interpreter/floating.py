"""Floats (PTX ISA, sections 9.7.3 to 9.7.5). What is narrower than f32 is computed in f64 and rounded once.

NaNs keep the payloads that the host gives them; devices make them 0x7fffffff."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from irc.codegen.ptx_interpreter.assembler import Assembler, executes
from irc.codegen.ptx_interpreter.integer import (
    by_halves,
    divide,
    integer_binary,
    multiply,
    multiply_add,
    negate,
    pure,
    uniform,
)
from irc.codegen.ptx_interpreter.machine import Step
from irc.codegen.ptx_interpreter.narrow import flush, narrowed, round_to
from irc.codegen.ptx_interpreter.scalars import HALVES, TYPES, Array
from irc.codegen.ptx_interpreter.syntax import Instruction
from irc.codegen.vector_math.numpy_builder import add_round_to_odd, fma_f32, fma_f64

Compute = Callable[..., Array]
FLOATS = ("f16", "bf16", "f32", "f64")


def element_of(type: str) -> str:
    return HALVES.get(type, type)


def is_float(type: str) -> bool:
    return element_of(type) in FLOATS


def _rounding(i: Instruction) -> str:
    return i.first_of("rn", "rz", "rm", "rp") or "rn"


def _finished(i: Instruction, a: Assembler, compute: Compute) -> Step:
    """A step of floats with what modifiers add: `.ftz`, `.sat`, packed halves."""
    type = element_of(i.type)

    def whole(*operands: Array) -> Array:
        if i.has("ftz"):
            operands = tuple(flush(o) for o in operands)
        result = compute(*operands)
        if i.has("ftz"):
            result = flush(result)
        if i.has("sat"):
            result = np.where(np.isnan(result), 0, np.clip(result, 0, 1)).astype(TYPES[type])
        if i.has("relu"):
            result = np.where(np.isnan(result), result, np.maximum(result, TYPES[type].type(0)))
        return result

    plain = not i.has("ftz", "sat", "relu")
    compute_all = compute if plain else whole
    return uniform(i, a, by_halves(compute_all, i.type) if i.type in HALVES else compute_all)


# Sums and products: the exact result, or one rounded to odd, rounded once more as asked.

_EXACT: dict[str, Compute] = {
    "add": add_round_to_odd,
    "sub": lambda x, y: add_round_to_odd(x, -y),
    "mul": np.multiply,
    "fma": lambda x, y, z: add_round_to_odd(x * y, z),
}
"""Of f64 arrays that hold f32 or narrower values."""


def _fma_f32(x: Array, y: Array, z: Array) -> Array:
    """Rounded once: rounding to f64 first does harm only where that lies halfway between two f32, or below the normal ones."""
    whole = np.multiply(x, y, dtype=np.float64) + z
    nearest = whole.astype(np.float32)
    doubtful = (whole.view(np.uint64) & np.uint64(0x1FFFFFFF)) == np.uint64(0x10000000)
    doubtful |= (np.abs(whole) < 2.0**-126) & (whole != 0)
    if doubtful.any():
        nearest[doubtful] = fma_f32(*(np.broadcast_to(v, whole.shape)[doubtful] for v in (x, y, z)))
    return nearest


_NEAREST: dict[str, Compute] = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "fma": _fma_f32}
_NEAREST_F64: dict[str, Compute] = {**_NEAREST, "fma": fma_f64}


def _arithmetic(name: str, type: str, rounding: str, a: Assembler, i: Instruction) -> Compute:
    if type == "f64":
        if rounding != "rn":
            raise a.refuse(f"the instruction '{i.opcode}'")
        return _NEAREST_F64[name]
    if type == "f32" and rounding == "rn":
        return _NEAREST[name]
    exact = _EXACT[name]

    def compute(*operands: Array) -> Array:
        return narrowed(exact(*(o.astype(np.float64) for o in operands)), type, rounding)

    return compute


@executes("add", "sub", "mul", "fma", "mad")
def arithmetic(i: Instruction, a: Assembler) -> Step:
    if not is_float(i.type):
        match i.name:
            case "mul":
                return multiply(i, a)
            case "mad":
                return multiply_add(i, a)
            case _:
                return integer_binary(i, a, np.add if i.name == "add" else np.subtract)
    name = "fma" if i.name == "mad" else i.name
    return _finished(i, a, _arithmetic(name, element_of(i.type), _rounding(i), a, i))


@executes("div")
def div(i: Instruction, a: Assembler) -> Step:
    if not is_float(i.type):
        return uniform(i, a, divide)
    return _quotient(i, a, np.divide)


@executes("sqrt")
def sqrt(i: Instruction, a: Assembler) -> Step:
    return _quotient(i, a, np.sqrt)


@executes("rcp")
def rcp(i: Instruction, a: Assembler) -> Step:
    return _quotient(i, a, lambda x: np.divide(x.dtype.type(1), x))


def _quotient(i: Instruction, a: Assembler, compute: Compute) -> Step:
    """Correctly rounded, or the approximations of the hardware taken as if they were."""
    if i.has("approx", "full"):
        a.approximate[i.opcode] = None
    elif _rounding(i) != "rn":
        raise a.refuse(f"the instruction '{i.opcode}'")
    return _finished(i, a, compute)


_APPROXIMATE: dict[str, Compute] = {
    "ex2": np.exp2,
    "lg2": np.log2,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "rsqrt": lambda x: 1 / np.sqrt(x),
}


@executes(*_APPROXIMATE)
def approximate(i: Instruction, a: Assembler) -> Step:
    """What the hardware gives a few bits of: computed in f64 and rounded once."""
    a.approximate[i.opcode] = None
    by, type = _APPROXIMATE[i.name], element_of(i.type)
    return _finished(i, a, lambda x: narrowed(by(x.astype(np.float64)), type))


@executes("abs", "neg")
def sign(i: Instruction, a: Assembler) -> Step:
    if not is_float(i.type):
        return uniform(i, a, np.abs if i.name == "abs" else negate)
    return _finished(i, a, np.abs if i.name == "abs" else np.negative)


@executes("copysign")
def copysign(i: Instruction, a: Assembler) -> Step:
    return uniform(i, a, lambda sign_of, x: np.copysign(x, sign_of))


def _larger(x: Array, y: Array) -> Array:
    """-0 is below +0; a NaN on either side gives the other operand."""
    chosen = np.where((x > y) | ((x == y) & ~np.signbit(x)) | np.isnan(y), x, y)
    return chosen.astype(x.dtype)


def _smaller(x: Array, y: Array) -> Array:
    chosen = np.where((x < y) | ((x == y) & np.signbit(x)) | np.isnan(y), x, y)
    return chosen.astype(x.dtype)


@executes("min", "max")
def extremum(i: Instruction, a: Assembler) -> Step:
    if not is_float(i.type):
        return integer_binary(i, a, np.minimum if i.name == "min" else np.maximum)
    by = _smaller if i.name == "min" else _larger

    def compute(*operands: Array) -> Array:
        found = operands[0]
        for other in operands[1:]:
            nan = np.isnan(found) | np.isnan(other)
            found = by(found, other)
            if i.has("NaN"):
                found = np.where(nan, found.dtype.type(np.nan), found)
        return found

    if i.has("xorsign"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    return _finished(i, a, compute)


_TESTS: dict[str, Compute] = {
    "finite": np.isfinite,
    "infinite": np.isinf,
    "number": lambda x: ~np.isnan(x),
    "notanumber": np.isnan,
    "subnormal": lambda x: (x != 0) & (np.abs(x) < np.finfo(x.dtype).tiny),
    "normal": lambda x: np.isfinite(x) & (np.abs(x) >= np.finfo(x.dtype).tiny),
}


@executes("testp")
def testp(i: Instruction, a: Assembler) -> Step:
    return pure(i, a, _TESTS[i.modifiers[0]], [i.type])


__all__ = ["FLOATS", "element_of", "is_float", "round_to"]
