"""What stands between `dense<` and `>`, as a NumPy array. Hexadecimal strings and plain number lists go whole to C."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from irc.ir.cursor import integer_of
from irc.ir.types import ComplexType, FloatType, IndexType, IntegerType

Array = np.ndarray[Any, Any]

_TOKEN = re.compile(r"\s*(\[|\]|,|\([^()]*\)|[^\s\[\](),]+)")


MOST_DIMENSIONS = 32
"""Of a literal: what every NumPy can hold."""


class LiteralError(ValueError):
    """A literal that does not fit its type; `offset` is the place within the literal."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


def parse_elements(text: str, type: Any) -> Array:
    """The elements, of the type's dtype: with its shape, or a 0-d array for a splat."""
    dtype = dtype_of(type.element)
    if type.size * dtype.itemsize >= 1 << 63 or type.rank > MOST_DIMENSIONS:
        raise LiteralError(f"{type} is larger than any memory")
    body = text.strip()
    if not body:
        if type.size:
            raise LiteralError(f"no elements, {type} has {type.size}")
        return np.zeros(type.static_shape, dtype)
    if body.startswith('"'):
        return _hexadecimal(body, type, dtype)
    array = _plain(body, type.element, dtype)
    if array is None:
        with np.errstate(over="ignore"):
            array = _by_tokens(text, type.element, dtype)
    if array.ndim and array.shape != type.static_shape:
        raise LiteralError(f"elements of shape {_shape(array.shape)} do not fit {type}")
    if array.ndim == 0 and not type.size:
        raise LiteralError(f"one element, {type} has none")
    return array


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) if shape else "()"


def dtype_of(element: Any) -> np.dtype[Any]:
    """The dtype that holds an element; raises LiteralError where there is none."""
    try:
        return element.numpy
    except (AttributeError, KeyError):
        raise LiteralError(f"elements of {element} cannot be read") from None


def resource_elements(blob: bytes, type: Any) -> Array:
    """The elements of a resource: a blob that opens with its alignment in four bytes. Raises LiteralError."""
    dtype = dtype_of(type.element)
    if len(blob) < 4 or len(blob) - 4 != type.size * dtype.itemsize:
        raise LiteralError(f"{max(len(blob) - 4, 0)} bytes, {type} has {type.size * dtype.itemsize}")
    return np.frombuffer(blob, dtype, offset=4).reshape(type.static_shape)


def _hexadecimal(body: str, type: Any, dtype: np.dtype[Any]) -> Array:
    if not (body.endswith('"') and body[1:3] == "0x"):
        raise LiteralError("a string of elements starts with 0x")
    try:
        data = bytes.fromhex(body[3:-1])
    except ValueError:
        raise LiteralError("not hexadecimal digits") from None
    if dtype.kind == "b" and len(data) == (type.size + 7) // 8 and type.size > 1:
        # Older texts pack eight i1 elements a byte.
        return (
            np.unpackbits(np.frombuffer(data, np.uint8), count=type.size, bitorder="little")
            .astype(bool)
            .reshape(type.static_shape)
        )
    if len(data) == dtype.itemsize:
        return np.frombuffer(data, dtype).reshape(())
    if len(data) != type.size * dtype.itemsize:
        raise LiteralError(f"{len(data)} bytes, {type} has {type.size * dtype.itemsize}")
    return np.frombuffer(data, dtype).reshape(type.static_shape)


def _plain(body: str, element: Any, dtype: np.dtype[Any]) -> Array | None:
    """The common case, numbers as JSON writes them; None where the text holds anything else."""
    try:
        array = np.asarray(json.loads(body))
    except (ValueError, OverflowError):
        return None
    match array.dtype.kind:
        case "b":
            fits = dtype.kind == "b"
        case "i":
            fits = isinstance(element, FloatType) or (dtype.kind != "b" and _in_range(array, element))
        case "f":
            fits = isinstance(element, FloatType)
        case _:
            fits = False
    with np.errstate(over="ignore"):
        return array.astype(dtype) if fits else None


def _in_range(array: Array, element: Any) -> bool:
    if not isinstance(element, IntegerType | IndexType):
        return False
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    unsigned = getattr(element, "is_unsigned", False)
    return (0 if unsigned else -(1 << (element.width - 1))) <= low and high < 1 << element.width


def _by_tokens(text: str, element: Any, dtype: np.dtype[Any]) -> Array:
    """Element by element: hexadecimal bits, complex pairs, wide integers; and the errors."""
    root: list[Any] = []
    stack = [root]
    at = 0
    stripped = len(text.rstrip())
    while at < stripped:
        m = _TOKEN.match(text, at)
        if m is None:
            raise LiteralError("not an element", at)
        at = m.end()
        match m[1]:
            case "[":
                stack[-1].append([])
                stack.append(stack[-1][-1])
            case "]":
                if len(stack) == 1:
                    raise LiteralError("']' without '['", m.start(1))
                stack.pop()
            case ",":
                continue
            case token:
                stack[-1].append(_element(token, element, dtype, m.start(1)))
    if len(stack) != 1 or len(root) != 1:
        raise LiteralError("expected one element or one list of elements")
    try:
        return np.asarray(root[0], dtype)
    except ValueError:
        raise LiteralError("rows of different lengths") from None


def _element(token: str, element: Any, dtype: np.dtype[Any], offset: int) -> Any:
    try:
        if isinstance(element, ComplexType):
            real, _, imaginary = token.strip("()").partition(",")
            parts = [
                _element(p.strip(), element.element, element.element.numpy, offset) for p in (real, imaginary)
            ]
            return np.array(parts, element.element.numpy).view(dtype)[0]
        if isinstance(element, FloatType):
            if token.startswith("0x"):
                return np.frombuffer(int(token, 16).to_bytes(dtype.itemsize, "little"), dtype)[0]
            return np.asarray(float(token)).astype(dtype)[()]
        if dtype.kind == "b" and token in ("true", "false"):
            return token == "true"
        value = integer_of(token)
    except (ValueError, OverflowError):
        raise LiteralError(f"'{token}' is not an element of type {element}", offset) from None
    width = element.width
    unsigned = getattr(element, "is_unsigned", False)
    if not (0 if unsigned else -(1 << (width - 1))) <= value < 1 << width:
        raise LiteralError(f"{value} is outside {element}", offset)
    if dtype.kind == "b":
        return value != 0
    wraps = value >= 1 << (width - 1) and not unsigned
    return value - (1 << width) if wraps else value


def float_from_bits(bits: int, type: FloatType) -> float:
    """The float with these bits; NaNs keep their payload as far as a double can hold it."""
    dtype = type.numpy
    try:
        return float(np.frombuffer(bits.to_bytes(dtype.itemsize, "little"), dtype)[0])
    except OverflowError:
        raise LiteralError(f"0x{bits:X} is wider than {type}") from None
