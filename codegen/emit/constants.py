"""Constants as LLVM text: floats by their bits, equal elements as a splat."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from irc.codegen.emit.held import llvm_type
from irc.ir.types import FloatType


def float_text(value: Any, scalar: str) -> str:
    """A float in LLVM's hexadecimal form, which is exact: the bits of the double, or of the half."""
    if scalar == "half":
        return f"0xH{int(np.float16(value).view(np.uint16)):04X}"
    value = float(value)
    if scalar == "float":
        value = _nearest_single(value)
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _nearest_single(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def scalar_text(value: Any, element: Any) -> str:
    """One constant of an element type, as an operand without its type."""
    scalar = llvm_type(element)
    if isinstance(element, FloatType):
        if scalar.startswith("i"):
            raw = np.asarray(value, element.numpy).tobytes()
            return str(int.from_bytes(raw, "little"))
        return float_text(value, scalar)
    if scalar == "i1":
        return "true" if value else "false"
    return str(int(value))


def splat_text(value: Any, element: Any) -> str:
    """A constant vector of equal elements, of any length, as an operand without its type."""
    return f"splat ({llvm_type(element)} {scalar_text(value, element)})"


def vector_text(values: Any, element: Any) -> str:
    """A constant vector of `values` (a one-dimensional array) as an operand without its type."""
    scalar = llvm_type(element)
    texts = [scalar_text(v, element) for v in values]
    if len(set(texts)) == 1:
        return f"splat ({scalar} {texts[0]})"
    return f"<{', '.join(f'{scalar} {text}' for text in texts)}>"


def bytes_text(data: bytes) -> str:
    """Bytes as an LLVM constant: a string, or what LLVM calls all zeros."""
    if data.count(0) == len(data):
        return "zeroinitializer"
    return 'c"' + "".join(_BYTES[b] for b in data) + '"'


_BYTES = [chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:02X}" for b in range(256)]
