"""Kernel functions as kernels of a device: each `scf.forall` becomes a grid, what stands between two of them a grid of one
thread, and calls of the functions become launches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from irc.codegen.emit.device import shared_bytes
from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.schedule.machine import WARP
from irc.dialects import arith, gpu, memref, scf
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func
from irc.errors import UnsupportedError
from irc.ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    EnumAttr,
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
    TypeAttr,
    UnitAttr,
)
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import fresh_copy
from irc.ir.types import FunctionType, i32, i64, index

KERNELS = "kernels"
"""The name of the module of kernels."""
THREADS = "irc.threads"
"""Attribute of a forall whose iterations are blocks: threads of each."""
_BLOCK = 256
"""Threads of a block where each thread is a ticket."""
_WARPS = 4
"""Warps of a block where each warp is a ticket."""


@dataclass(frozen=True)
class Piece:
    """One kernel of a function: which of the function's arguments it takes, and its launch."""

    kernel: gpu.Func
    arguments: tuple[int, ...]
    blocks: int
    threads: int


def outline(module: Module) -> Module:
    """The module with a `gpu.module` in place of its kernel functions; @main launches what it called."""
    main = module.symbols["main"]
    assert isinstance(main, Func)
    names: dict[str, None] = {}
    pieces: dict[str, list[Piece]] = {}
    for op in module.operations:
        if isinstance(op, Func) and op is not main:
            pieces[op.sym_name] = _Cutter(op, names).pieces()
    kernels = [p.kernel for group in pieces.values() for p in group]
    device = gpu.DeviceModule.create(
        (), (), {"sym_name": StringAttr(KERNELS)}, (Region([Block((), kernels)]),), main.location
    )
    host = main.with_block(_launching(main.block, pieces))
    others = [op for op in module.operations if not isinstance(op, Func)]
    attributes = {**module.attributes, "gpu.container_module": UnitAttr()}
    return Module.of([*others, device, host], attributes)


@dataclass
class _Cutter:
    """Cuts one function into pieces."""

    func: Func
    names: dict[str, None]
    used: list[Piece] = field(default_factory=list)

    def pieces(self) -> list[Piece]:
        waiting: list[Operation] = []
        together: list[scf.Forall] = []
        for op in self.func.block.operations[:-1]:
            if isinstance(op, scf.Forall) and _is_grid(op):
                self._sequential(waiting)
                waiting = []
                if not (together and _joins(op, together[-1])):
                    self._grids(together)
                    together = []
                together.append(op)
            elif not _repeatable(op):
                self._grids(together)
                together = []
                waiting.append(op)
        self._grids(together)
        self._sequential(waiting)
        return self.used

    def _grids(self, together: Sequence[scf.Forall]) -> None:
        """One grid for foralls that run together."""
        if len(together) == 1:
            self.used.append(self._grid(together[0]))
        elif together:
            body = _Body(self.func, together)
            parts = [(op, list(op.staticUpperBound)) for op in together]
            total = sum(prod(counts) for _, counts in parts)
            threads = min(_BLOCK, -(-total // WARP) * WARP)
            body.run_one_of(parts, _thread_number(body.b, threads), 0)
            self.used.append(self._piece(body, -(-total // threads), threads))

    def _sequential(self, roots: Sequence[Operation]) -> None:
        """A grid of one thread for what is no forall."""
        if roots:
            body = _Body(self.func, roots)
            self.used.append(self._piece(body, 1, 1))

    def _grid(self, op: scf.Forall) -> Piece:
        body = _Body(self.func, [op])
        counts = list(op.staticUpperBound)
        total = prod(counts)
        if total >= 1 << 31:
            raise UnsupportedError(
                f"a grid of {total} places is not supported", span=span_of(self.func.location)
            )
        match _each(op):
            case "block":
                threads = op.attributes[THREADS]
                assert isinstance(threads, IntegerAttr)
                body.run(op, _number(body.b, "block"), counts)
                return self._piece(body, total, threads.value)
            case "warp":
                warps = min(_WARPS, total)
                ticket = _warp_number(body.b, warps)
                body.run_below(op, ticket, counts, total, total % warps == 0)
                return self._piece(body, -(-total // warps), warps * WARP)
            case _:
                threads_ = min(_BLOCK, -(-total // WARP) * WARP)
                ticket = _thread_number(body.b, threads_)
                body.run_below(op, ticket, counts, total, total % threads_ == 0)
                return self._piece(body, -(-total // threads_), threads_)

    def _piece(self, body: _Body, blocks: int, threads: int) -> Piece:
        base = re.sub(r"[^A-Za-z0-9_]", "_", self.func.sym_name)
        name, number = base, 0
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names[name] = None
        return Piece(body.kernel(name, threads), tuple(body.numbers), blocks, threads)


class _Body:
    """The body of one kernel while it is written: its roots but for a forall, and what they need from before, computed
    again inside it."""

    def __init__(self, func: Func, roots: Sequence[Operation]) -> None:
        self.func = func
        self.b = KernelBuilder(roots[0].location)
        self.local: dict[Value, Value] = {}
        self.shared: list[Value] = []
        before = {r: op for op in func.block.operations for r in op.results}
        self.arguments: list[Value] = []
        self.numbers: list[int] = []
        needed = _needed(roots, before)
        for argument in func.arguments:
            if argument in needed:
                self.numbers.append(argument.index)
                new = Value(argument.type, None, len(self.arguments), argument.name, argument.location)
                self.local[argument] = new
                self.arguments.append(new)
        mine = dict.fromkeys(roots)
        for op in func.block.operations:
            if op in mine:
                if not _is_grid(op):
                    self.copy(op)
            elif any(r in needed for r in op.results):
                if not _repeatable(op):
                    raise UnsupportedError(
                        f"'{op.name}' between two parts of a kernel is not supported on a device",
                        span=span_of(op.location),
                    )
                self.copy(op)

    def copy(self, op: Operation) -> None:
        made = fresh_copy(op, self.local)
        self.b.operations.append(made)
        self.local.update(zip(op.results, made.results, strict=True))

    def run(self, op: scf.Forall, ticket: Value, counts: Sequence[int]) -> None:
        """The body of a forall, its indices the digits of an i32 ticket, the last one fastest."""
        rest = ticket
        digits: list[Value] = []
        for place in reversed(range(len(counts))):
            digit = rest
            if place:
                n = self.b.constant(counts[place], i32)
                digit = self.b.emit(arith.RemUI(rest, n))
                rest = self.b.emit(arith.DivUI(rest, n))
            digits.insert(0, self.b.emit(arith.IndexCastUI(digit, result_types=[index])))
        inner = dict(self.local)
        inner.update(zip(op.region.arguments, digits, strict=True))
        for inside in op.region.block.operations[:-1]:
            if isinstance(inside, memref.Alloca) and inside.memref.type.space == gpu.WORKGROUP:
                shared = Value(inside.memref.type, None, 0, "shared", inside.location)
                self.shared.append(shared)
                inner[inside.memref] = shared
                continue
            made = fresh_copy(inside, inner)
            self.b.operations.append(made)
            inner.update(zip(inside.results, made.results, strict=True))

    def run_one_of(self, parts: Sequence[tuple[scf.Forall, list[int]]], ticket: Value, start: int) -> None:
        """The forall whose share of the tickets, counted from `start`, this ticket is in; none past the last."""
        (op, counts), *rest = parts
        outer, stop = self.b, start + prod(counts)
        inside = outer.emit(arith.CmpI(ticket, outer.constant(stop, i32), predicate="ult"))
        self.b = outer.nested()
        mine = self.b.emit(arith.SubI(ticket, self.b.constant(start, i32))) if start else ticket
        self.run(op, mine, counts)
        regions = [_yielding(self.b), Region()]
        if rest:
            self.b = outer.nested()
            self.run_one_of(rest, ticket, stop)
            regions[1] = _yielding(self.b)
        self.b = outer
        self.b.emit(scf.If(inside, regions=regions, result_types=[]))

    def run_below(
        self, op: scf.Forall, ticket: Value, counts: Sequence[int], total: int, everywhere: bool
    ) -> None:
        """`run` where the ticket is one of `total`: everywhere, or behind a comparison."""
        if everywhere:
            self.run(op, ticket, counts)
            return
        outer = self.b
        inside = outer.emit(arith.CmpI(ticket, outer.constant(total, i32), predicate="ult"))
        self.b = outer.nested()
        self.run(op, ticket, counts)
        regions = [_yielding(self.b), Region()]
        self.b = outer
        self.b.emit(scf.If(inside, regions=regions, result_types=[]))

    def kernel(self, name: str, threads: int) -> gpu.Func:
        arguments = list(self.arguments)
        for value in self.shared:
            value.index = len(arguments)
            arguments.append(value)
        operations = [*self.b.constants.values(), *self.b.operations, gpu.Return(())]
        attributes: dict[str, Attribute] = {
            "sym_name": StringAttr(name),
            "function_type": TypeAttr(FunctionType(tuple(a.type for a in self.arguments), ())),
            "kernel": UnitAttr(),
            "known_block_size": DenseArrayAttr(i32, (threads, 1, 1)),
        }
        if self.shared:
            attributes["workgroup_attributions"] = IntegerAttr(len(self.shared), i64)
        return gpu.Func.create(
            (), (), attributes, (Region([Block(arguments, operations)]),), self.func.location
        )


def _yielding(b: KernelBuilder) -> Region:
    """What a builder holds, as an arm of a branch."""
    b.emit(scf.Yield(()))
    return Region([Block((), b.operations)])


def _joins(op: scf.Forall, before: scf.Forall) -> bool:
    """Whether a forall may run together with the one before it, in threads that know nothing of each other."""
    return "irc.beside" in op.attributes and _each(op) == _each(before) == "thread"


def _each(op: scf.Forall) -> str:
    """Who runs an iteration: `thread`, `warp` or `block`."""
    places = op.mapping
    if isinstance(places, ArrayAttr) and places.value and isinstance(places.value[0], EnumAttr):
        return places.value[0].mnemonic
    return "thread"


def _is_grid(op: Operation) -> bool:
    return isinstance(op, scf.Forall) and "irc.sequential" not in op.attributes


def _repeatable(op: Operation) -> bool:
    """Whether an op may be done again in another kernel: it changes nothing, and finds what it found."""
    return (op.pure or isinstance(op, memref.Load)) and not op.regions


def _needed(roots: Sequence[Operation], before: dict[Value, Operation]) -> dict[Value, None]:
    """The values of the function that `roots` need, directly or through other ops of it."""
    needed: dict[Value, None] = {}
    stack = list(roots)
    mine = dict.fromkeys(roots)
    while stack:
        for inner in stack.pop().walk():
            for value in inner.operands:
                if value in needed:
                    continue
                needed[value] = None
                maker = before.get(value)
                if maker is not None and maker not in mine:
                    stack.append(maker)
    return needed


def _i32(b: KernelBuilder, value: Value) -> Value:
    return b.emit(arith.IndexCastUI(value, result_types=[i32]))


def _number(b: KernelBuilder, what: str) -> Value:
    cls = gpu.BlockId if what == "block" else gpu.ThreadId
    return _i32(b, b.emit(cls(dimension="x")))


def _thread_number(b: KernelBuilder, threads: int) -> Value:
    start = b.emit(arith.MulI(_number(b, "block"), b.constant(threads, i32)))
    return b.emit(arith.AddI(start, _number(b, "thread")))


def _warp_number(b: KernelBuilder, warps: int) -> Value:
    start = b.emit(arith.MulI(_number(b, "block"), b.constant(warps, i32)))
    mine = b.emit(arith.ShRUI(_number(b, "thread"), b.constant(WARP.bit_length() - 1, i32)))
    return b.emit(arith.AddI(start, mine))


def _launching(block: Block, pieces: dict[str, list[Piece]]) -> Block:
    """The host's block with launches for calls, at any depth."""
    b = KernelBuilder()
    return _replaced(block, pieces, b, top=True)


def _replaced(block: Block, pieces: dict[str, list[Piece]], b: KernelBuilder, top: bool = False) -> Block:
    operations: list[Operation] = []
    for op in block.operations:
        if isinstance(op, Call) and op.callee in pieces:
            for piece in pieces[op.callee]:
                operations.append(_launch(b, piece, op))
        elif op.regions:
            regions = [Region([_replaced(inner, pieces, b) for inner in r.blocks]) for r in op.regions]
            operations.append(_with_regions(op, regions))
        else:
            operations.append(op)
    if top:
        operations = [*b.constants.values(), *operations]
    return Block(block.arguments, operations)


def _with_regions(op: Operation, regions: Sequence[Region]) -> Operation:
    """The op around other regions; as long as it gives no values, nothing else needs to know."""
    assert not op.results, op.name
    return op.with_operands(op.operands, regions)


def _launch(b: KernelBuilder, piece: Piece, call: Call) -> gpu.LaunchFunc:
    one = b.index(1)
    shared = shared_bytes(piece.kernel)
    return gpu.LaunchFunc(
        (),
        *(b.index(piece.blocks), one, one),
        *(b.index(piece.threads), one, one),
        None, None, None,
        b.constant(shared, i32) if shared else None,
        [call.operands[i] for i in piece.arguments],
        None,
        kernel=SymbolRefAttr(KERNELS, (piece.kernel.sym_name,)),
        location=call.location,
    )  # fmt: skip
