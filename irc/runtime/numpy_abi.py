"""Where CPython and NumPy keep what an entry point reads: offsets in objects, checked against live ones."""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

import numpy as np

from irc.errors import UnsupportedError

OBJECT_TYPE = 8  # PyObject.ob_type
ARRAY_DATA = 16  # PyArrayObject: char *data; int nd; npy_intp *dimensions, *strides; base; descr; int flags
ARRAY_RANK = 24
ARRAY_DIMS = 32
ARRAY_DTYPE = 56
ARRAY_FLAGS = 64
DTYPE_WORD = 24  # PyArray_Descr: char kind, type, byteorder, flags; int type_num: one 64-bit word
DTYPE_MASK = 0xFFFFFFFF00FFFFFF  # all of that word but the flags

C_CONTIGUOUS = 0x0001
ALIGNED = 0x0100
WRITEABLE = 0x0400

_NEW_FROM_DESCR = 94  # slots of NumPy's C API table, fixed since NumPy 1.0
_ARRAY_TYPE = 2

PYTHON_FUNCTIONS = (
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
    "PyObject_Vectorcall",
    "PyObject_CallNoArgs",
    "PyErr_NoMemory",
    "PyErr_SetString",
    "PyList_New",
    "PyList_SetItem",
    "PyTuple_GetItem",
    "Py_IncRef",
    "Py_DecRef",
)


def dtype_word(dtype: np.dtype[Any]) -> int:
    """What the masked word of an equal dtype's descriptor holds: kind, character, byte order and type
    number."""
    return ctypes.c_uint64.from_address(id(dtype) + DTYPE_WORD).value & DTYPE_MASK


@functools.cache
def symbols() -> dict[str, int]:
    """Addresses of the Python and NumPy functions and objects that entry points call, by the name they
    use."""
    check_layout()
    found = {name: address(getattr(ctypes.pythonapi, name)) for name in PYTHON_FUNCTIONS}
    found["PyArray_Type"] = id(np.ndarray)
    found["PyArray_NewFromDescr"] = _numpy_table()[_NEW_FROM_DESCR]
    found["Py_None"] = id(None)
    found["irc_system_error"] = id(SystemError)
    return found


def address(function: Any) -> int:
    """Where a C function that ctypes knows lies."""
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _numpy_table() -> Any:
    """NumPy's table of C functions, as an indexable array of addresses."""
    core = np._core if hasattr(np, "_core") else np.core  # NumPy 2 renamed the package
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    table = ctypes.cast(pointer(core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_size_t))
    if table[_ARRAY_TYPE] != id(np.ndarray):
        raise UnsupportedError(f"NumPy {np.__version__} has a C interface that irc does not know")
    return table


def check_layout() -> None:
    """Raise UnsupportedError unless live arrays hold their fields where the offsets above say."""
    for array in (np.zeros((3, 5), np.float32), np.zeros((2, 4, 6), np.int64)[::2, 1:], np.array(True)):
        read_only = array.view()
        read_only.flags.writeable = False
        for one in (array, read_only, array.astype(array.dtype.newbyteorder(">"))):
            if _as_laid_out(one) != _as_told(one):
                raise UnsupportedError(
                    f"Python {sys.version.split()[0]} with NumPy {np.__version__} lays arrays out in a way "
                    f"that irc does not know"
                )


def _as_laid_out(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    at = id(array)
    rank = ctypes.c_int32.from_address(at + ARRAY_RANK).value
    if rank != array.ndim:
        return (rank,)
    dims = ctypes.c_size_t.from_address(at + ARRAY_DIMS).value
    flags = ctypes.c_int32.from_address(at + ARRAY_FLAGS).value
    dtype = ctypes.c_size_t.from_address(at + ARRAY_DTYPE).value
    word = ctypes.c_uint64.from_address(dtype + DTYPE_WORD).value
    return (
        ctypes.c_size_t.from_address(at + OBJECT_TYPE).value,
        ctypes.c_size_t.from_address(at + ARRAY_DATA).value,
        rank,
        tuple(ctypes.c_ssize_t.from_address(dims + 8 * i).value for i in range(rank)),
        dtype,
        tuple(bool(flags & bit) for bit in (C_CONTIGUOUS, ALIGNED, WRITEABLE)),
        (chr(word & 0xFF), chr(word >> 8 & 0xFF), chr(word >> 16 & 0xFF), word >> 32),
    )


def _as_told(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    dtype = array.dtype
    return (
        id(np.ndarray),
        array.__array_interface__["data"][0],
        array.ndim,
        array.shape,
        id(dtype),
        (array.flags.c_contiguous, array.flags.aligned, array.flags.writeable),
        (dtype.kind, dtype.char, dtype.byteorder, dtype.num),
    )
