"""cvt and the conversions of addresses (PTX ISA, section 9.7.9)."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from irc.codegen.ptx_interpreter.assembler import Assembler, executes
from irc.codegen.ptx_interpreter.floating import FLOATS, Compute
from irc.codegen.ptx_interpreter.integer import pure
from irc.codegen.ptx_interpreter.machine import Machine, Step
from irc.codegen.ptx_interpreter.memory import LOCAL_WINDOW, SHARED_WINDOW, WINDOW
from irc.codegen.ptx_interpreter.narrow import flush, integral, narrowed, round_to
from irc.codegen.ptx_interpreter.scalars import HALVES, TYPES, Array, pack, unpack
from irc.codegen.ptx_interpreter.syntax import Instruction

_MODES = ("rn", "rz", "rm", "rp", "rna")
_INTEGRAL = ("rni", "rzi", "rmi", "rpi")
_NAN = {"f16": 0x7FFF, "bf16": 0x7FFF}
_EIGHTS = {"e4m3x2": (ml_dtypes.float8_e4m3fn, "e4m3"), "e5m2x2": (ml_dtypes.float8_e5m2, "e5m2")}


def _is_float(type: str) -> bool:
    return type in FLOATS


@executes("cvt")
def cvt(i: Instruction, a: Assembler) -> Step:
    if i.has("pack"):
        raise a.refuse(f"the instruction '{i.opcode}'")
    to, of = i.modifiers[-2:]
    if to in HALVES or to in _EIGHTS or of in _EIGHTS:
        return _packed(i, a, to, of)
    if to == "tf32":
        mode = i.first_of(*_MODES)
        return pure(i, a, lambda x: round_to(x.astype(np.float64), "tf32", mode).astype(np.float32), ["f32"])
    return pure(i, a, _scalar(i, to, of), [of])


def _scalar(i: Instruction, to: str, of: str) -> Compute:
    if not _is_float(of):
        return _integer_to_float(i, to) if _is_float(to) else _integer_to_integer(i, to, of)
    if _is_float(to):
        return _float_to_float(i, to, of)
    mode = i.first_of(*_INTEGRAL) or "rzi"

    def to_integer(x: Array) -> Array:
        x = flush(x) if i.has("ftz") else x
        return saturated(integral(x.astype(np.float64), mode), TYPES[to])

    return to_integer


def saturated(x: Array, dtype: np.dtype[Any]) -> Array:
    """Integral f64 values as integers, those too large as the nearest there is, NaN as 0."""
    info = np.iinfo(dtype)
    low, high = float(info.min), float(info.max)
    inside = np.where((x >= low) & (x < high), x, 0).astype(dtype)
    return np.where(x >= high, dtype.type(info.max), np.where(x < low, dtype.type(info.min), inside))


def _integer_to_integer(i: Instruction, to: str, of: str) -> Compute:
    dtype = TYPES[to]
    if not i.has("sat"):
        return lambda x: x.astype(dtype)
    source, info = TYPES[of], np.iinfo(dtype)
    low = max(info.min, np.iinfo(source).min)
    high = min(info.max, np.iinfo(source).max)
    return lambda x: np.clip(x, source.type(low), source.type(high)).astype(dtype)


def _integer_to_float(i: Instruction, to: str) -> Compute:
    mode = i.first_of(*_MODES) or "rn"

    def to_float(x: Array) -> Array:
        if mode == "rn" and to in ("f32", "f64"):
            return x.astype(TYPES[to])
        return narrowed(_to_odd(x), to, mode)

    return to_float


def _to_odd(x: Array) -> Array:
    """Integers as f64: exactly, or rounded to odd, which any shorter format can be rounded from."""
    if x.dtype.itemsize < 8:
        return x.astype(np.float64)
    low_bits = x & x.dtype.type(0xFFF)
    sticky = np.where(low_bits != 0, x.dtype.type(0x800), x.dtype.type(0))
    huge = np.abs(x.astype(np.float64)) >= 2.0**52
    return np.where(huge, (x & ~x.dtype.type(0xFFF)) | sticky, x).astype(np.float64)


def _float_to_float(i: Instruction, to: str, of: str) -> Compute:
    mode, whole = i.first_of(*_MODES) or "rn", i.first_of(*_INTEGRAL)

    def to_float(x: Array) -> Array:
        x = flush(x) if i.has("ftz") else x
        if whole:
            x = integral(x.astype(np.float64), whole)
        return _finished(i, x, to, mode)

    return to_float


def _finished(i: Instruction, x: Array, to: str, mode: str) -> Array:
    made = _narrow(x, to, mode)
    if i.has("sat"):
        made = np.where(np.isnan(made), 0, np.clip(made.astype(np.float64), 0, 1)).astype(TYPES[to])
    if i.has("relu"):
        made = np.where(made > 0, made, np.where(np.isnan(made), made, TYPES[to].type(0)))
    if i.has("ftz"):
        made = flush(made)
    return made


def _narrow(x: Array, to: str, mode: str) -> Array:
    if mode == "rn" and x.dtype == np.float32 and to in ("f16", "bf16"):
        made = x.astype(TYPES[to])
    else:
        made = narrowed(x.astype(np.float64), to, mode)
    if to not in _NAN:
        return made
    unknown = np.isnan(made)
    if not unknown.any():
        return made
    return np.where(unknown, np.uint16(_NAN[to]), made.view(np.uint16)).view(TYPES[to])


def _packed(i: Instruction, a: Assembler, to: str, of: str) -> Step:
    """Two values rounded and put side by side, the first operand in the upper half; or one pair made another."""
    mode = i.first_of(*_MODES) or "rn"
    if of in _EIGHTS:
        eighth, _ = _EIGHTS[of]

        def widen(x: Array) -> Array:
            return pack([_narrow(h.astype(np.float32), "f16", "rn") for h in _octets(x, eighth)])

        return pure(i, a, widen, ["b16"])
    if to in _EIGHTS:
        eighth, format = _EIGHTS[to]

        def eighths(low: Array, high: Array) -> Array:
            halves = [
                round_to(v.astype(np.float64), format, mode, finite=True).astype(eighth) for v in (low, high)
            ]
            return pack([np.asarray(h).view(np.uint8) for h in halves])

        if of == "f16x2":
            return pure(i, a, lambda x: eighths(*unpack(x, "f16")), ["b32"])
        return pure(i, a, lambda high, low: eighths(low, high), ["f32", "f32"])
    element = HALVES[to]
    return pure(i, a, lambda high, low: pack([_finished(i, v, element, mode) for v in (low, high)]), [of, of])


def _octets(x: Array, dtype: type) -> list[Array]:
    parts: Array = np.ascontiguousarray(x).view(dtype).reshape(-1, 2)
    return [np.ascontiguousarray(parts[:, 0]), np.ascontiguousarray(parts[:, 1])]


# Addresses.

WINDOWS = {"shared": SHARED_WINDOW, "shared::cta": SHARED_WINDOW, "shared::cluster": SHARED_WINDOW,
           "local": LOCAL_WINDOW, "global": 0, "const": 0, "param": 0}  # fmt: skip
"""Where each space begins among generic addresses."""


@executes("cvta")
def cvta(i: Instruction, a: Assembler) -> Step:
    space = i.modifiers[1] if i.has("to") else i.modifiers[0]
    base = np.uint64(WINDOWS[space])
    if i.has("to"):
        return pure(i, a, lambda x: x - base, ["u64"])
    return pure(i, a, lambda x: x + base, ["u64"])


@executes("isspacep")
def isspacep(i: Instruction, a: Assembler) -> Step:
    space = i.modifiers[0]
    base = WINDOWS[space]
    if base:
        return pure(i, a, lambda x: (x >= np.uint64(base)) & (x < np.uint64(base + WINDOW)), ["u64"])
    return pure(i, a, lambda x: np.full(x.shape, space == "global") & (x < np.uint64(LOCAL_WINDOW)), ["u64"])


@executes("mapa")
def mapa(i: Instruction, a: Assembler) -> Step:
    """Every block is a cluster of its own."""
    target, x = a.target(i.operands[0]), a.source(i.operands[1], i.type)
    return lambda m: target(m, x(m))


@executes("getctarank")
def getctarank(i: Instruction, a: Assembler) -> Step:
    target = a.target(i.operands[0])

    def step(m: Machine) -> None:
        target(m, np.zeros(1, np.uint32))

    return step
