"""What a program takes and gives, and how an argument that is not yet right is made right or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from irc.ir.types import FloatType, IntegerType, MemRefType, TensorType
from irc.runtime import copies
from irc.runtime.devices import DeviceArray

Array = np.ndarray[Any, Any]

_READ: tuple[Literal["C_CONTIGUOUS"], Literal["ALIGNED"]] = ("C_CONTIGUOUS", "ALIGNED")
_WRITTEN: tuple[Literal["C_CONTIGUOUS"], Literal["ALIGNED"], Literal["WRITEABLE"]] = (*_READ, "WRITEABLE")


def short(type_: TensorType | MemRefType) -> str:
    """``f32[32,10]``: a type as messages to the caller say it."""
    return f"{type_.element}[{','.join(map(str, type_.shape))}]"


def describe(value: Any) -> str:
    """What was given, in the same words where it is an array."""
    if not isinstance(value, np.ndarray | np.generic | DeviceArray):
        return f"a value of type {type(value).__name__}"
    return f"{_dtype_name(value.dtype)}[{','.join(map(str, value.shape))}]"


def _dtype_name(dtype: np.dtype[Any]) -> str:
    bits = dtype.itemsize * 8
    match dtype.kind:
        case "b":
            return "i1"
        case "i":
            return str(IntegerType(bits))
        case "u":
            return str(IntegerType(bits, "unsigned"))
        case "f":
            return str(FloatType(f"f{bits}"))
        case "c":
            return f"complex<f{bits // 2}>"
    return {"bfloat16": "bf16"}.get(dtype.name, dtype.name)


@dataclass(frozen=True)
class Signature:
    """The argument and result types of a program. ``donors`` maps an output to the input whose buffer it
    takes, ``policy`` says what is done with arguments that cannot go in as they lie (see ``copies``)."""

    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    donors: tuple[tuple[int, int], ...] = ()
    policy: str = "copy"

    def __post_init__(self) -> None:
        taken: dict[int, int] = {}
        for output, donor in self.donors:
            if self.inputs[donor] is not self.outputs[output]:
                raise ValueError(
                    f"input {donor}, {short(self.inputs[donor])}, cannot become output {output}, "
                    f"{short(self.outputs[output])}"
                )
            if taken.setdefault(donor, output) != output:
                raise ValueError(f"input {donor} is donated to outputs {taken[donor]} and {output}")

    @cached_property
    def donated(self) -> frozenset[int]:
        return frozenset(donor for _, donor in self.donors)

    def convert(self, *args: Any) -> tuple[Array, ...]:
        """Arrays for the inputs: ``args`` themselves where they will do, else copies that are contiguous, which are counted.

        Raises TypeError for a wrong count or dtype, ValueError for a wrong shape or a donated array that
        another argument shares."""
        self.check_count(args, len(self.inputs))
        arrays = tuple(self.input(i, arg) for i, arg in enumerate(args))
        self._check_apart(arrays, sorted(self.donated))
        return arrays

    def convert_into(self, *args: Any) -> tuple[Array, ...]:
        """Like ``convert`` for a call that is given its outputs, which must be right as they are."""
        self.check_count(args, len(self.inputs) + len(self.outputs))
        count = len(self.inputs)
        arrays = tuple(self.input(i, arg) for i, arg in enumerate(args[:count]))
        arrays += tuple(self._output(i, arg) for i, arg in enumerate(args[count:], count))
        self._check_apart(arrays, range(count, len(args)))
        return arrays

    def refuse_outputs(self, *args: Any) -> None:
        """What stands for ``into`` in a program whose results take over its arguments' buffers."""
        raise TypeError("a program that is given its inputs' buffers takes no output arrays")

    def check_count(self, args: Sequence[Any], count: int) -> None:
        """Raises TypeError for a wrong number of arguments."""
        if len(args) != count:
            raise TypeError(f"expected {count} argument{'s' * (count != 1)}, got {len(args)}")

    def input(self, index: int, value: Any) -> Array:
        """One argument, as `convert` makes it."""
        expected = self.inputs[index]
        array = np.asarray(value)
        dtype = expected.element.numpy
        converts = self.policy == "convert" and np.can_cast(array.dtype, dtype, "same_kind")
        check_type(index, expected, array, value, converts)
        made = np.require(array, dtype, _WRITTEN if index in self.donated else _READ)
        if made is not array and isinstance(value, np.ndarray):
            if self.policy == "exact":
                raise ValueError(
                    f"argument {index}: {_unfit(array, dtype)}, and arguments are taken as they lie"
                )
            copies.note(made.nbytes)
        return made

    def _output(self, index: int, value: Any) -> Array:
        expected = self.outputs[index - len(self.inputs)]
        if not isinstance(value, np.ndarray):
            raise TypeError(
                f"argument {index}: expected an array {short(expected)} to write, got {describe(value)}"
            )
        check_type(index, expected, value, value)
        if not value.dtype.isnative:
            raise TypeError(f"argument {index}: an output must have the machine's byte order")
        flags = value.flags
        if not (flags.c_contiguous and flags.aligned and flags.writeable):
            raise ValueError(f"argument {index}: an output must be contiguous, aligned and writable")
        return value.view(np.ndarray)

    def _check_apart(self, arrays: tuple[Array, ...], written: Any) -> None:
        for w in written:
            for other, array in enumerate(arrays):
                if other != w and array.size and arrays[w].size and np.may_share_memory(arrays[w], array):
                    raise ValueError(
                        f"argument {other} shares memory with argument {w}, which the program writes"
                    )


def _unfit(array: Array, dtype: np.dtype[Any]) -> str:
    """Why an array cannot go in as it lies."""
    if array.dtype != dtype:
        return f"its byte order is not the machine's ({array.dtype.str})"
    if not array.flags.c_contiguous:
        return f"it is not contiguous (strides {array.strides})"
    return "it is not aligned" if not array.flags.aligned else "it is not writable"


def check_type(
    index: int, expected: TensorType, array: Array | DeviceArray, value: Any, converts: bool = False
) -> None:
    """Raise unless ``array`` has the dtype, whatever its byte order, or is converted to it, and the shape that is
    expected."""
    given = describe(value)
    if array.dtype.newbyteorder("=") != expected.element.numpy and not converts:
        raise TypeError(f"argument {index}: expected {short(expected)}, got {given}")
    if array.shape != expected.shape:
        raise ValueError(f"argument {index}: expected {short(expected)}, got {given}")
