"""Quantized element types: integers that stand for floats, `(integer - zero point) * scale` (StableHLO specification,
"Quantized element types"; the text is that of MLIR's quant dialect)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from irc.ir.attributes import float_text
from irc.ir.types import FLOAT_NAMES, FloatType, IntegerType, Type, f64

_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_PAIR = re.compile(rf"\s*({_NUMBER})\s*(?::\s*([-+]?\d+))?\s*\Z")
_UNIFORM = re.compile(
    r"quant\.uniform<\s*(?P<sign>si|ui|i|u)(?P<width>\d+)\s*(?:<\s*(?P<low>-?\d+)\s*:\s*(?P<high>-?\d+)\s*>)?\s*"
    r":\s*(?P<expressed>\w+)\s*(?::\s*(?P<axis>-?\d+)\s*)?,\s*(?P<numbers>\{[^{}:]*(?::[^{}]*)?\}|[^{},]*)>\Z"
)
_SIGNS = {"i": "signless", "u": "unsigned", "ui": "unsigned", "si": "signed"}


class QuantizedTypeError(ValueError):
    """A quantized type whose parts do not go together."""


@dataclass(frozen=True, eq=False, repr=False)
class QuantizedType(Type):
    """`!quant.uniform<i8<-127:127>:f32:1, {2.0:15, 0.5}>`: storage, its range, expressed type, axis, scales, zero points.

    `axis` is None where one scale holds for the whole tensor. The elements of arrays are the stored integers."""

    storage: IntegerType
    expressed: FloatType
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None
    low: int | None = None
    high: int | None = None

    @property
    def width(self) -> int:
        return self.storage.width

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """The storage's NumPy dtype."""
        return self.storage.numpy

    @property
    def range(self) -> tuple[int, int]:
        """The least and the largest stored integer."""
        low, high = full_range(self.storage)
        return low if self.low is None else self.low, high if self.high is None else self.high

    @property
    def baseline(self) -> tuple[Any, ...]:
        """What types that differ in their scales and zero points alone have in common, the axis left out."""
        return self.storage, self.range, self.expressed, self.axis is None

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        storage = f"{'u' if self.storage.is_unsigned else str(self.storage).rstrip('0123456789')}{self.width}"
        limits = "" if self.low is None else f"<{self.low}:{self.high}>"
        pairs = [
            float_text(s, f64) + (f":{z}" if z else "")
            for s, z in zip(self.scales, self.zero_points, strict=True)
        ]
        if self.axis is None:
            return f"!quant.uniform<{storage}{limits}:{self.expressed}, {pairs[0]}>"
        return f"!quant.uniform<{storage}{limits}:{self.expressed}:{self.axis}, {{{','.join(pairs)}}}>"


def same_element(a: Any, b: Any) -> bool:
    """Whether element types agree as the specification wants of an op's operands and results: quantized ones may differ
    in scales and zero points."""
    if a is b:
        return True
    return isinstance(a, QuantizedType) and isinstance(b, QuantizedType) and a.baseline == b.baseline


_ENDLESS = re.compile(r"\d{400}")


def full_range(storage: IntegerType) -> tuple[int, int]:
    """The least and the largest integer of a storage type."""
    if storage.is_unsigned:
        return 0, (1 << storage.width) - 1
    return -(1 << (storage.width - 1)), (1 << (storage.width - 1)) - 1


def read_quantized(text: str) -> QuantizedType | None:
    """The type of `quant.uniform<...>`; None where the text is another type of that dialect.

    Raises QuantizedTypeError, labelled as in the specification, where the parts do not go together."""
    m = _UNIFORM.match(text)
    if m is None or m["expressed"] not in FLOAT_NAMES:
        return None
    if _ENDLESS.search(text):
        raise QuantizedTypeError("a number has more digits than any type holds")
    storage = IntegerType(int(m["width"]), _SIGNS[m["sign"]])
    if not 0 < storage.width <= 32:
        raise QuantizedTypeError(f"illegal storage type size: {storage.width}")
    axis = None if m["axis"] is None else int(m["axis"])
    listed = m["numbers"].strip()
    if listed.startswith("{") != (axis is not None):
        raise QuantizedTypeError("C10: a list of scales and a dimension go together")
    scales, zeros = _pairs(listed.strip("{}").split(","))
    low, high = (int(m["low"]), int(m["high"])) if m["low"] else (None, None)
    _check(storage, FloatType(m["expressed"]), scales, axis, low, high)
    if (low, high) == full_range(storage):
        low = high = None
    return QuantizedType(storage, FloatType(m["expressed"]), scales, zeros, axis, low, high)


def _pairs(items: list[str]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    found = [_PAIR.match(item) for item in items]
    if None in found:
        raise QuantizedTypeError("expected scales, each with a zero point after a colon or none")
    return tuple(float(m[1]) for m in found if m), tuple(int(m[2] or 0) for m in found if m)


def _check(
    storage: IntegerType,
    expressed: FloatType,
    scales: tuple[float, ...],
    axis: int | None,
    low: int | None,
    high: int | None,
) -> None:
    least, largest = full_range(storage)
    if low is not None and not least <= low:
        raise QuantizedTypeError(f"illegal storage type minimum: {low}")
    if low is not None and high is not None and not (low < high <= largest):
        raise QuantizedTypeError(f"illegal storage type maximum: {high}")
    if axis is not None and axis < 0:
        raise QuantizedTypeError(f"illegal quantized dimension: {axis}")
    for scale in scales:
        if not (0 < scale < math.inf):
            raise QuantizedTypeError(f"illegal scale: {scale:.6f}")
        limits = np.finfo(expressed.numpy) if expressed.name in ("f16", "f32", "f64") else None
        if limits and not float(limits.smallest_subnormal) <= scale <= float(limits.max):
            raise QuantizedTypeError(f"scale out of expressed type range: {scale:.6f}")
