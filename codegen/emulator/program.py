"""A program of kernels on arrays: memory for its arguments and arena, then @main."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.codegen.emulator import arith, cf, func, gpu, math, memref, nvgpu, scf, vector
from irc.codegen.emulator.machine import EmulationError, Machine, Order
from irc.codegen.emulator.memory import Array, Memory
from irc.codegen.stamp import ProgramStamp
from irc.dialects import gpu as gpu_dialect
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.locations import span_of
from irc.ir.types import TensorType

DEVICE = 256
"""What memory of a device is aligned to."""

# Importing them registers their handlers.
_HANDLERS = (arith, cf, func, gpu, math, memref, nvgpu, scf, vector)


def emulate(kernels: Module, *arrays: Any, order: Order | None = None) -> list[Array]:
    """The results of a module of kernels on arrays of exactly its input types.

    `order(n)` gives the order in which the n tickets of a forall run (increasing by default); no order may change a bit.
    Raises EmulationError, naming the op and its line, for an access outside a buffer, a read of memory that was never
    written, a misaligned view, two tickets that meet in memory, arithmetic that LLVM leaves undefined, or an output that is
    not written whole; UnsupportedError for an op it does not know."""
    stamp = ProgramStamp.of(kernels)
    main = kernels.symbols["main"]
    assert isinstance(main, Func)
    if len(arrays) != len(stamp.inputs):
        raise IrcError(f"@main takes {len(stamp.inputs)} arrays, not {len(arrays)}")
    pairs = zip(arrays, stamp.inputs, strict=True)
    aligned = DEVICE if any(isinstance(op, gpu_dialect.DeviceModule) for op in kernels.operations) else 1
    memories = [
        _input(i, np.asarray(a), t, i in dict(stamp.donors), aligned) for i, (a, t) in enumerate(pairs)
    ]
    donors = {output: memories[donor] for donor, output in stamp.donors}
    outputs = [donors.get(i) or _output(i, t, aligned) for i, t in enumerate(stamp.outputs)]
    arena = Memory("the arena", stamp.arena_bytes)
    buffers = [
        memref.dense(memory, 0, argument.type.static_shape, argument.type.element)
        for memory, argument in zip([*memories, *outputs, arena], main.arguments, strict=True)
    ]
    Machine(kernels, order or range).call(main.block, buffers)
    return [_result(m, t, main) for m, t in zip(outputs, stamp.outputs, strict=True)]


def _input(number: int, array: Array, type: TensorType, donated: bool, aligned: int) -> Memory:
    """Caller's arrays are aligned to their elements and no more, unless a device holds copies of them."""
    if array.dtype != type.element.numpy or array.shape != type.shape:
        raise IrcError(f"argument {number} is {array.dtype}{list(array.shape)}, and {type} is wanted")
    return Memory.holding(
        f"argument {number}", array, max(aligned, array.dtype.itemsize), constant=not donated
    )


def _output(number: int, type: TensorType, aligned: int) -> Memory:
    return Memory(f"result {number}", type.nbytes, max(aligned, type.element.numpy.itemsize))


def _result(memory: Memory, type: TensorType, main: Func) -> Array:
    missing = int((~memory.known).sum())
    if missing:
        raise EmulationError(
            f"{missing} bytes of {memory.name} are never written", span=span_of(main.location)
        )
    return memory.bytes.view(type.element.numpy).reshape(type.static_shape).copy()
