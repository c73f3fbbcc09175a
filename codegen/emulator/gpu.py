"""gpu: kernels launched on a grid, where a thread stands, barriers and shuffles."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.codegen.emulator.grid import WARP, Extents, Thread, run_grid
from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.memory import Buffer, Fault, Memory
from irc.codegen.emulator.memref import dense
from irc.dialects import gpu, nvgpu

_MEETS = (gpu.Barrier, gpu.Shuffle, nvgpu.LdMatrix, nvgpu.MmaSync)


@emulates(gpu.LaunchFunc)
def launch(m: Machine, op: gpu.LaunchFunc, *operands: Any) -> None:
    """Blocks run one after the other, and must not meet in memory."""
    module = m.symbols.get(op.kernel.value)
    named = (
        {f.sym_name: f for f in module.body.block.operations} if isinstance(module, gpu.DeviceModule) else {}
    )
    kernel = named.get(op.kernel.nested[-1]) if op.kernel.nested else None
    if kernel is None:
        raise Fault(f"launches {op.kernel}, which there is not")
    frame = m.frame
    grid: Extents = tuple(int(frame[v]) for v in (op.gridSizeX, op.gridSizeY, op.gridSizeZ))  # type: ignore[assignment]
    size: Extents = tuple(int(frame[v]) for v in (op.blockSizeX, op.blockSizeY, op.blockSizeZ))  # type: ignore[assignment]
    known = kernel.attributes.get("known_block_size")
    if known is not None and tuple(known.value) != size:
        raise Fault(f"launches blocks of {size}, and @{kernel.sym_name} is for {tuple(known.value)}")
    inputs = len(kernel.function_type.inputs)
    given = [frame[v] for v in op.kernelOperands]

    def arguments() -> list[Any]:
        return given + [_fresh(a.type) for a in kernel.body.arguments[inputs:]]

    alone = not any(isinstance(inner, _MEETS) for inner in kernel.walk())
    run_grid(m, kernel.sym_name, kernel.body.block, grid, size, alone, arguments)


def _fresh(type: Any) -> Buffer:
    return dense(Memory("workgroup memory", type.nbytes, 1024), 0, type.static_shape, type.element)


def thread_of(m: Machine) -> Thread:
    """The thread a machine is. Faults outside kernels."""
    if not isinstance(m, Thread):
        raise Fault("stands outside a kernel")
    return m


_AXES = {"x": 0, "y": 1, "z": 2}


@emulates(gpu.ThreadId, gpu.BlockId, gpu.BlockDim, gpu.GridDim, gpu.GlobalId)
def place(m: Machine, op: Any) -> Any:
    at = thread_of(m).place
    n = _AXES[op.dimension]
    match op:
        case gpu.ThreadId():
            found = at.at[n]
        case gpu.BlockId():
            found = at.block[n]
        case gpu.BlockDim():
            found = at.block_size[n]
        case gpu.GridDim():
            found = at.grid[n]
        case _:
            found = at.block[n] * at.block_size[n] + at.at[n]
    return np.int64(found)


@emulates(gpu.LaneId)
def lane(m: Machine, op: gpu.LaneId) -> Any:
    return np.int64(thread_of(m).lane)


@emulates(gpu.SubgroupId)
def warp(m: Machine, op: gpu.SubgroupId) -> Any:
    return np.int64(thread_of(m).place.thread // WARP)


@emulates(gpu.NumSubgroups)
def warps(m: Machine, op: gpu.NumSubgroups) -> Any:
    return np.int64(-(-thread_of(m).place.threads // WARP))


@emulates(gpu.SubgroupSize)
def warp_size(m: Machine, op: gpu.SubgroupSize) -> Any:
    return np.int64(WARP)


@emulates(gpu.Barrier)
def barrier(m: Machine, op: gpu.Barrier) -> None:
    thread_of(m).meet(op, False, None, lambda values: values)


@emulates(gpu.Shuffle)
def shuffle(m: Machine, op: gpu.Shuffle, value: Any, offset: Any, width: Any) -> tuple[Any, Any]:
    """The value of another lane, or one's own where there is none."""
    thread = thread_of(m)
    if int(width) != WARP:
        raise Fault(f"shuffles {width} lanes")
    wanted = {
        "xor": thread.lane ^ int(offset),
        "up": thread.lane - int(offset),
        "down": thread.lane + int(offset),
        "idx": int(offset),
    }[op.mode]
    valid = 0 <= wanted < WARP
    chosen = thread.meet(op, True, (value, wanted if valid else thread.lane), _handed_round)
    return chosen, np.bool_(valid)


def _handed_round(values: list[Any]) -> list[Any]:
    """Each brings (value, lane it wants). A warp that is not full has no other lanes."""
    given = [v for v, _ in values]
    if any(wanted >= len(given) for _, wanted in values):
        raise Fault("reads a lane that the block does not have")
    return [given[wanted] for _, wanted in values]
