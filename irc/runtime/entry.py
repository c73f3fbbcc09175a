"""The way from Python into a native program: C functions in generated code that read ndarrays where they lie.

One pair of functions serves every signature. What a program takes and gives stands in a table of 64-bit
words, which is also the function's ``self``: an int64 array, whose life is that of the function. So a
signature costs no compilation, and passing ten arrays takes about a tenth of a microsecond
(tests/runtime/benchmark_calls.py).

Arguments that the quick test accepts (exact ndarrays of the declared dtype and shape, contiguous, aligned) go
straight in. Any other call asks the table's converter, a Python function, for arrays that will do; it is that
function which raises when there are none.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.ir.types import TensorType
from irc.runtime import jit, numpy_abi
from irc.runtime.entry_table import (
    ARENA,
    BYTES,
    CONVERT,
    CONVERT_INTO,
    DIMS,
    DONATED,
    DONATIONS,
    DONOR,
    DTYPE,
    FLAGS,
    HEADER,
    INPUTS,
    KEEP_GIL,
    MAKER,
    OUTPUTS,
    PROGRAM,
    RANK,
    SIZES,
    SPEC,
    WORD,
)
from irc.runtime.entry_text import ENTRY_TEXT
from irc.runtime.numpy_abi import ALIGNED, C_CONTIGUOUS, WRITEABLE


@dataclass(frozen=True, slots=True)
class Plan:
    """What an entry point needs to know of a program. ``donors`` maps an output to the input whose buffer
    it gets; ``makers`` an output to the callable that makes its array where NumPy's allocator should
    not. ``code`` is what holds the program in memory: it lives as long as the entry points."""

    program: int
    code: jit.Code
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    arena_bytes: int
    keep_gil: bool
    convert: Callable[..., tuple[Any, ...]]
    convert_into: Callable[..., tuple[Any, ...]]
    donors: dict[int, int]
    makers: dict[int, Callable[[], Any]]
    sizes: tuple[int, ...] = ()
    """The numbers that the program's named sizes are."""


class Table(np.ndarray[Any, Any]):
    """The words an entry point reads, with references to every object that they point to."""

    keep: tuple[Any, ...] = ()


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_METH_FASTCALL = 0x0080
_LOCK = threading.Lock()


@functools.cache
def _load() -> dict[str, int]:
    names = ("irc_call", "irc_call_into", "irc_release_arenas", "irc_arena_held")
    return jit.load(jit.assembled(ENTRY_TEXT), names, numpy_abi.symbols())


def addresses() -> dict[str, int]:
    """The loaded entry functions, compiled on first use."""
    with _LOCK:
        return _load()


def release_arenas() -> None:
    """Free the memory that waits for the next call's intermediate values."""
    ctypes.PYFUNCTYPE(None)(addresses()["irc_release_arenas"])()


def arena_bytes_held() -> int:
    """Bytes taken from the system for arenas, in use or waiting."""
    held: int = ctypes.PYFUNCTYPE(ctypes.c_int64)(addresses()["irc_arena_held"])()
    return held


def make_entries(plan: Plan, name: str) -> tuple[Any, Any]:
    """``call(*inputs) -> list of arrays`` and ``into(*inputs, *outputs) -> None``, as built-in functions."""
    table = _table(plan)
    found = addresses()
    call = builtin(name, found["irc_call"], table, b"call(*inputs) -> list of arrays")
    into = builtin(f"{name}.into", found["irc_call_into"], table, b"into(*inputs, *outputs) -> None")
    return call, into


def builtin(name: str, address: int, table: Table, doc: bytes) -> Any:
    """The C function at an address as a built-in function whose self is the table."""
    # The method's definition is read as long as the function lives, so the table, its self, keeps it.
    definition = _MethodDef(name.encode(), address, _METH_FASTCALL, doc)
    table.keep += (definition,)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    return make(ctypes.addressof(definition), table, None)


def _table(plan: Plan) -> Table:
    specs = (*plan.inputs, *plan.outputs)
    dims = [np.array(spec.shape or (0,), np.int64) for spec in specs]
    donated = sorted(set(plan.donors.values()))
    written = np.array([*donated, *range(len(plan.inputs), len(specs))], np.int64)
    words = [0] * HEADER
    words[PROGRAM], words[ARENA], words[KEEP_GIL] = plan.program, plan.arena_bytes, int(plan.keep_gil)
    words[INPUTS], words[OUTPUTS] = len(plan.inputs), len(plan.outputs)
    words[CONVERT], words[CONVERT_INTO] = id(plan.convert), id(plan.convert_into)
    words[DONATED], words[DONATIONS] = _data(written), len(donated)
    sizes = np.array(plan.sizes, np.int64)
    words[SIZES] = _data(sizes) if plan.sizes else 0
    for i, spec in enumerate(specs):
        is_written = i >= len(plan.inputs) or i in donated
        words += _spec_words(spec, _data(dims[i]), is_written, i - len(plan.inputs), plan)
    table = np.array(words, np.uint64).view(Table)
    table.keep = (plan, dims, written, sizes)
    return table


def _spec_words(spec: TensorType, dims: int, is_written: bool, output: int, plan: Plan) -> Sequence[int]:
    dtype = spec.element.numpy  # the type holds it, and the plan holds the type
    words = [0] * SPEC
    words[WORD] = numpy_abi.dtype_word(dtype)
    words[RANK], words[DIMS], words[BYTES] = len(spec.shape), dims, spec.nbytes
    words[FLAGS] = C_CONTIGUOUS | ALIGNED | (WRITEABLE if is_written else 0)
    words[DTYPE] = id(dtype)
    words[DONOR] = plan.donors.get(output, -1) % (1 << 64)
    words[MAKER] = id(plan.makers[output]) if output in plan.makers else 0
    return words


def _data(array: np.ndarray[Any, Any]) -> int:
    return int(array.__array_interface__["data"][0])
