"""Modules of PTX that can be launched."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.codegen.ptx_interpreter.assembler import Kernel
from irc.codegen.ptx_interpreter.errors import PtxError
from irc.codegen.ptx_interpreter.machine import Dimensions, Machine, Shape
from irc.codegen.ptx_interpreter.memory import GlobalMemory, Region
from irc.codegen.ptx_interpreter.program import make_kernel
from irc.codegen.ptx_interpreter.schedule import Schedule, Stuck
from irc.codegen.ptx_interpreter.syntax import Text, Variable
from irc.codegen.ptx_interpreter.text import parse
from irc.errors import IrcError, SourceSpan

BATCH_LANES = 32768
BATCH_BYTES = 1 << 29
"""Threads, and bytes of shared and local memory and registers, that run at once at most; a batch has one block at least."""
STATIC_SHARED = 48 << 10
SHARED = {"sm_80": 163 << 10, "sm_86": 99 << 10, "sm_89": 99 << 10, "sm_90": 227 << 10, "sm_90a": 227 << 10}
THREADS = 1024


def load(ptx: str, file: str = "<ptx>") -> PtxModule:
    """A module of PTX text. Raises ParseError for what is no PTX; `file` is what messages call it."""
    return PtxModule(parse(ptx, file), file, ptx.split("\n"))


class PtxModule:
    """Parsed PTX; kernels are made ready at their first launch and kept."""

    def __init__(self, text: Text, file: str, lines: list[str]) -> None:
        self.text, self.file, self.lines = text, file, lines
        self._kernels: dict[str, Kernel] = {}

    @property
    def kernels(self) -> tuple[str, ...]:
        """The names of what can be launched."""
        return tuple(f.name for f in self.text.functions.values() if f.kernel and f.defined)

    def kernel(self, name: str) -> Kernel:
        """A kernel made ready. Raises IrcError for a name that is none, UnsupportedError for an instruction not known here."""
        if name not in self._kernels:
            function = self.text.functions.get(name)
            if function is None or not function.kernel:
                raise IrcError(
                    f"{self.file} has no kernel '{name}'; it has {', '.join(self.kernels) or 'none'}"
                )
            self._kernels[name] = make_kernel(self.text, function, self.file, self.lines)
        return self._kernels[name]

    def launch(
        self,
        memory: GlobalMemory,
        kernel_name: str,
        *,
        grid: Sequence[int],
        block: Sequence[int],
        arguments: Sequence[Any],
        shared_bytes: int = 0,
        limit: int = 1_000_000,
    ) -> None:
        """Runs a kernel to its end.

        Arguments are integers (addresses among them), floats, NumPy scalars, or bytes for a parameter that is an array;
        `shared_bytes` is dynamic shared memory; `limit` the straight runs after which a loop is taken to be endless.
        Raises PtxError, naming line, kernel, block and thread, for what the kernel must not do."""
        kernel = self.kernel(kernel_name)
        shape = Shape(_three(grid), _three(block))
        shared = kernel.shared_size + shared_bytes
        self._check(kernel, shape, shared)
        parameters, places = _parameters(kernel, arguments)
        symbols = self._variables(memory) | kernel.shared | kernel.local | places
        for region in memory.regions:
            region.shadow.forget_accesses()
        clock = 1
        with np.errstate(all="ignore"):
            for blocks in _batches(kernel, shape, shared):
                m = Machine(shape, blocks, len(kernel.registers), memory, shared, kernel.local_size, clock)
                m.parameters, m.symbols = parameters, symbols
                try:
                    Schedule(m, kernel, limit).run()
                except Stuck as stuck:
                    raise self._error(kernel, m, stuck) from None
                clock = m.clocks.now + 1

    def _variables(self, memory: GlobalMemory) -> dict[str, int]:
        """Addresses of the module's own variables, which a memory gets at the first launch over it."""
        if self not in memory.modules:
            memory.modules[self] = {
                v.name: _allocate(v, memory) for v in self.text.variables.values() if v.space != "shared"
            }
        return memory.modules[self]

    def _check(self, kernel: Kernel, shape: Shape, shared: int) -> None:
        problems: list[str] = []
        wanted = kernel.directives.get("reqntid")
        if wanted is not None and (*wanted, 1, 1)[:3] != shape.block:
            problems.append(f"it wants blocks of {(*wanted, 1, 1)[:3]} threads")
        most = int(np.prod(kernel.directives.get("maxntid", (THREADS,))))
        if not 1 <= shape.threads <= most:
            problems.append(f"a block has 1 to {most} threads")
        if min(shape.grid) < 1 or shape.grid[0] >= 1 << 31 or max(shape.grid[1:]) >= 1 << 16:
            problems.append("a grid has 1 to 2^31-1 blocks in x and 65535 in y and z")
        if kernel.shared_size > STATIC_SHARED:
            problems.append(
                f"{kernel.shared_size} bytes of static shared memory are more than {STATIC_SHARED}"
            )
        limit = SHARED.get(self.text.target, 227 << 10)
        if shared > limit:
            problems.append(
                f"{shared} bytes of shared memory are more than the {limit} of {self.text.target}"
            )
        if problems:
            raise PtxError(
                f"kernel '{kernel.name}' cannot be launched with grid {shape.grid} and block {shape.block}: {problems[0]}"
            )

    def _error(self, kernel: Kernel, m: Machine, stuck: Stuck) -> PtxError:
        where = f"kernel '{kernel.name}'"
        if stuck.lane is not None:
            block, thread = m.place(stuck.lane)
            where += f", block {block}, thread {thread}"
        line = stuck.instruction.line
        text = self.lines[line - 1]
        start = len(text) - len(text.lstrip()) + 1
        names = {f"register {n} ": f"register {name} " for name, n in kernel.registers.items()}
        message = stuck.message
        for plain, named in names.items():
            if message.startswith(plain):
                message = message.replace(plain, named)
                break
        return PtxError(f"{where}: {message}", span=SourceSpan(self.file, line, start, len(text) + 1, text))


def _three(extents: Sequence[int]) -> Dimensions:
    x, y, z = (*(int(e) for e in extents), 1, 1)[:3]
    return x, y, z


def _batches(kernel: Kernel, shape: Shape, shared: int) -> list[range]:
    """Runs of blocks that are run at once."""
    bytes_of_block = shared * 12 + shape.lanes * (8 * len(kernel.registers) + 2 * kernel.local_size)
    size = max(1, min(BATCH_LANES // shape.lanes, BATCH_BYTES // max(bytes_of_block, 1)))
    return [range(start, min(start + size, shape.blocks)) for start in range(0, shape.blocks, size)]


def _allocate(v: Variable, memory: GlobalMemory) -> int:
    constant = v.space == "const"
    data = np.frombuffer(v.initial or bytes(v.size), np.uint8)
    return memory.allocate(data, f"variable {v.name}", constant=constant)


def _parameters(kernel: Kernel, arguments: Sequence[Any]) -> tuple[Region, dict[str, int]]:
    if len(arguments) != len(kernel.parameters):
        raise IrcError(
            f"kernel '{kernel.name}' takes {len(kernel.parameters)} arguments, not {len(arguments)}"
        )
    places: dict[str, int] = {}
    data = b""
    for parameter, argument in zip(kernel.parameters, arguments, strict=True):
        data = data.ljust(-(-len(data) // parameter.alignment) * parameter.alignment, b"\0")
        places[parameter.name] = len(data)
        data += _bytes(parameter, argument)
    region = Region("the parameters", len(data), known=True, constant=True)
    region.bytes[: len(data)] = np.frombuffer(data, np.uint8)
    return region, places


def _bytes(parameter: Variable, argument: Any) -> bytes:
    size = parameter.size
    match argument:
        case bytes() | bytearray() | np.ndarray():
            made = bytes(argument) if not isinstance(argument, np.ndarray) else argument.tobytes()
        case bool() | int() | np.integer() | np.bool_():
            made = (int(argument) % (1 << 8 * size)).to_bytes(size, "little")
        case float() if size in (4, 8):
            made = struct.pack("<f" if size == 4 else "<d", argument)
        case _:
            made = np.asarray(argument).tobytes()
    if len(made) != size:
        raise IrcError(
            f"parameter '{parameter.name}' has {size} bytes, and the argument {argument!r} has {len(made)}"
        )
    return made
