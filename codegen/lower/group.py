"""What a lowering gives back: the kernels that compute one fused-level function."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.types import ComplexType, FloatType, IndexType, IntegerType, MemRefType, TensorType, i8


@dataclass(frozen=True, slots=True)
class KernelGroup:
    """Kernels to call in order. Every one takes the same memrefs: inputs, then outputs, then scratch.

    Inputs and outputs are dense row-major buffers of the fused function's arguments and results; `scratch` buffers
    hold nothing before the first kernel and nothing that matters after the last. They start at multiples of 64 bytes."""

    functions: tuple[Func, ...]
    scratch: tuple[MemRefType, ...] = ()


def kernel_element(element: object) -> IntegerType | FloatType | IndexType:
    """The element type that kernels use: integers are signless there, the op says how they are read. Elements of fewer
    bits, and floats of 8 or fewer, are bytes.

    Raises UnsupportedError for types that no kernel holds (complex numbers)."""
    match element:
        case IntegerType(width=2) | IntegerType(width=4):
            return i8
        case FloatType(width=width) if width <= 8:
            return i8
        case (
            IntegerType(width=1)
            | IntegerType(width=8)
            | IntegerType(width=16)
            | IntegerType(width=32)
            | IntegerType(width=64)
        ):
            return IntegerType(element.width)
        case FloatType() | IndexType():
            return element
        case ComplexType() | IntegerType():
            raise UnsupportedError(f"kernels on elements of type {element} are not supported")
    raise UnsupportedError(f"kernels on values of type {element} are not supported")


def buffer_type(tensor: object) -> MemRefType:
    """The dense row-major buffer of a tensor type; a complex number is its two parts, one more dimension.

    Raises UnsupportedError where an extent is not known."""
    if not isinstance(tensor, TensorType):
        raise UnsupportedError(f"kernels on values of type {tensor} are not supported")
    if not tensor.is_static:
        raise UnsupportedError(
            f"kernels on unknown extents (known only when running) are not supported: {tensor}"
        )
    if isinstance(tensor.element, ComplexType):
        return MemRefType((*tensor.static_shape, 2), kernel_element(tensor.element.element))
    return MemRefType(tensor.shape, kernel_element(tensor.element))
