"""Attention: a product, rows (a softmax), and a product of those rows, as one kernel.

    pack what several blocks read in another order      kernels of their own
    tickets (matrices, blocks of rows)                  scf.forall
      block of scores = rows of q . k^T, epilogue       in memory of the ticket's own, in the second-level cache
      each of its rows: maximum, sum, exponentials      in place
      rows of the block . v, epilogue                   stored

The three parts are those of three kernels, restricted to a block of rows; so each element's bits are theirs, and the scores
of all rows are never in memory at once. Source of the idea: Dao and others, FlashAttention, 2022; with rows that fit in cache
nothing has to be rescaled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder, kernel
from irc.codegen.lower.contraction import Sum
from irc.codegen.lower.contraction_plan import Plan
from irc.codegen.lower.contraction_tiles import emit_contraction, pack_all
from irc.codegen.lower.cut import lower_in_two, part, without
from irc.codegen.lower.epilogue import stored_value
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.lower.nest import Views
from irc.codegen.lower.row import Rows
from irc.codegen.lower.space import Lines
from irc.codegen.lower.view import Access
from irc.codegen.schedule.contraction import Schedule, default_schedule
from irc.codegen.schedule.machine import Machine
from irc.dialects import memref
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.attributes import StringAttr
from irc.ir.operation import Operation, Value
from irc.ir.types import MemRefType

BLOCK_BYTES = 1 << 18
"""Scores of one block: a quarter of a second-level cache."""
MOST_ROWS, LEAST_ROWS = 256, 8
TICKETS = 16
"""So many blocks are made where they have rows enough to be worth it."""
WORTH_ROWS = 64
SEQUENTIAL_FLOPS = 5e6
PACKED_BYTES = 1 << 19
PACKING_BLOCKS = 4
"""So few blocks pack for themselves, a panel at a time, which stays in the first-level cache."""
_PAD = 16
"""Elements between rows of scores, so that their pitch is no power of two."""


class Unfit(Exception):
    """No block of this function's rows can be computed by itself."""


@dataclass(frozen=True)
class Parts:
    """A function cut in three. `scores` and `weights` are the values that go from the first part to the second, and from
    that one to the last; `results` are those of each part that the function returns."""

    func: Func
    products: tuple[Any, ...]
    scores: list[Value]
    weights: list[Value]
    results: tuple[list[Value], list[Value], list[Value]]

    @property
    def shape(self) -> tuple[int, ...]:
        """[batch..., rows, keys]."""
        return tuple(self.products[0].result.type.static_shape)


def products_of(func: Func) -> list[Any]:
    """The matrix products of a function, in order."""
    return [op for op in func.block.operations if isinstance(op, hlo.DotGeneral)]


def parts_of(func: Func) -> Parts:
    """Cuts a function of two products, one of which needs the other through reductions; or of one that needs reductions."""
    *firsts, last = products_of(func)
    level: dict[Operation, int] = {}
    for op in func.block.operations[:-1]:
        below = max((level.get(v.op, 0) for v in op.operands if v.op is not None), default=0)
        own = 2 if isinstance(op, hlo.Reduce) and (below or not firsts) else 0
        own = 3 if op is last else 1 if op in firsts else own
        level[op] = max(own, below)
    crossing: list[dict[Value, None]] = [{}, {}, {}, {}]
    for op, at in level.items():
        for v in op.operands:
            while isinstance(v.op, hlo.BroadcastInDim):  # costs nothing where it is wanted
                v = v.op.operand
            if v.op is not None and 0 < level[v.op] < at:
                crossing[level[v.op]][v] = None
    if any(level[op] == 3 and v in crossing[1] for op in level for v in op.operands):
        raise Unfit
    results: tuple[list[Value], list[Value], list[Value]] = ([], [], [])
    for v in map(stored_value, func.returned):
        at = 0 if v.op is None else level[v.op]
        results[max(at, 1) - 1 if at else 1].append(v)
    return Parts(func, (*firsts, last), list(crossing[1]), list(crossing[2]), results)


def is_attention(func: Func) -> bool:
    """Whether a function has products and reductions."""
    operations = func.block.operations
    return bool(products_of(func)) and any(isinstance(op, hlo.Reduce) for op in operations)


def lower_attention(func: Func, machine: Machine, lower: Callable[[Func], KernelGroup]) -> KernelGroup:
    """The kernels of a function in which rows of a product are reduced, and multiplied again.

    Where no block of rows can be computed by itself, and on a grid, its parts are kernels of their own, by `lower`."""
    parts = parts_of(func)
    if len(parts.products) == 2 and not machine.is_grid:
        try:
            return _Attention(parts, machine).group()
        except (Unfit, UnsupportedError):
            pass
    first = len(parts.products) == 2
    values = (*parts.scores, *parts.results[0]) if first else (*parts.weights, *parts.results[1])
    return lower_in_two(func, list(dict.fromkeys(v for v in values if v.op is not None)), lower)


@dataclass(frozen=True)
class _Product:
    """One of the two products: as a sum over everything, and over the rows of a block."""

    sum: Sum
    places: tuple[int | None, ...]
    """Of each dimension of the scores, the dimension of this product's result that goes with it."""
    local: tuple[bool, ...]
    """Of lhs, rhs, result and what the epilogue reads: whether it has memory for a block's rows only."""
    blocks: int
    rows: int
    machine: Machine

    def axis(self, dim: int) -> int:
        """The axis of a dimension of the scores that is one of the result's."""
        return next(a for a, (d, _) in enumerate(self.sum.dims.dims) if d == self.places[dim])

    @cached_property
    def whole(self) -> Plan:
        """The sum over everything, of which only the packing is done."""
        s = replace(self.sum, contraction=self.sum.contraction.simplified())
        return s.plan(replace(self.block.schedule, pack_b="all"), self.sum.vector_lanes(self.machine))

    @cached_property
    def block(self) -> Plan:
        """The sum over the rows of a block of one matrix, at its beginning."""
        c, row = self.sum.contraction, self.axis(len(self.places) - 2)
        outer = [self.axis(d) for d in range(len(self.places) - 2)]
        extents = tuple(1 if a in outer else self.rows if a == row else n for a, n in enumerate(c.extents))
        s = replace(self.sum, contraction=replace(c, extents=extents).simplified())
        if s.is_by_rows or s.contraction.lane is None or s.contraction.of_kind("batch"):
            raise Unfit
        if len(s.contraction.of_kind("column")) != 1:
            raise Unfit
        found = default_schedule(s.problem(self.machine))
        if found.pack_b == "none":
            return self._planned(s, found, "none")
        if self.blocks <= PACKING_BLOCKS:
            plan = self._planned(s, found, "block")
            # What a block packs lies on the stack of the thread that computes it.
            if plan.packed_type is not None and plan.packed_type.nbytes <= PACKED_BYTES:
                return plan
        return self._planned(s, found, "all")

    def _planned(self, s: Sum, found: Schedule, pack: str) -> Plan:
        """The plan of a block's sum for this way of packing: panel by panel, so that what was packed stays in cache."""
        vector = s.vector_lanes(self.machine)
        lanes, width = s.contraction.size(s.contraction.of_kind("column")), found.nv * vector
        schedule = replace(
            found, bc=1, mc=self.rows, nc=width if pack == "block" else -(-lanes // width) * width,
            pack_b=pack, order="rows", prefetch=False,
        )  # fmt: skip
        plan = s.plan(schedule, vector, alone=True)
        if plan.blocks.count > 1 and not plan.spills_to_output:
            return s.plan(replace(schedule, kc=max(plan.depth_size, 1)), vector, alone=True)
        return plan

    def at(self, b: KernelBuilder, places: Sequence[Index]) -> Plan:
        """The sum for the block that begins at a place along every dimension of the scores but the last."""
        c = self.sum.contraction
        accesses = []
        for access, local in zip(c.accesses, self.local, strict=True):
            offset: Index = access.offset
            if not local:
                for d, i in enumerate(places):
                    offset = b.add(offset, b.mul(i, access.strides[self.axis(d)]))
            accesses.append(offset)
        block = self.block.contraction
        lhs, rhs, out, *others = (
            Access(offset, access.strides) for offset, access in zip(accesses, block.accesses, strict=True)
        )
        moved = replace(block, lhs=lhs, rhs=rhs, out=out, others=tuple(others))
        return replace(self.block, contraction=moved)

    def matrix(self, b: KernelBuilder, places: Sequence[Index]) -> Index:
        """The number of the matrix of the right side."""
        order = sorted(range(len(places) - 1), key=lambda d: self.places[d])  # type: ignore[arg-type,return-value]
        shape = self.sum.epilogue.shape
        number: Index = 0
        for d in order:
            place = self.places[d]
            assert place is not None
            number = b.add(b.mul(number, shape[place]), places[d])
        return number


class _Attention:
    def __init__(self, parts: Parts, machine: Machine) -> None:
        self.parts = parts
        self.machine = machine
        self.shape = parts.shape
        if not all(isinstance(n, int) for n in self.shape):
            raise Unfit
        *_, count, keys = self.shape
        scores = max(1, len(parts.scores))
        most = max(LEAST_ROWS, min(MOST_ROWS, BLOCK_BYTES // (4 * keys * scores)))
        wanted = min(-(-TICKETS // max(1, prod(self.shape[:-2]))), -(-count // WORTH_ROWS))
        self.blocks = max(-(-count // most), wanted)
        self.rows = -(-count // self.blocks)
        self.pitch = -(-keys // _PAD) * _PAD + _PAD
        self.func = parts.func
        returned = [stored_value(v) for v in parts.func.returned]
        self.kept = [v for v in (*parts.scores, *parts.weights) if v not in returned]
        """Values that only a block of is ever there."""
        self._cut()

    def _cut(self) -> None:
        """The three functions, and who they are made for."""
        parts = self.parts
        first = list(dict.fromkeys((*parts.scores, *parts.results[0])))
        weights = list(dict.fromkeys((*parts.results[1], *parts.weights)))
        # What is written over the scores is written last.
        middle = sorted(weights, key=lambda v: v in self.kept)
        self.made = (first, middle, list(dict.fromkeys(parts.results[2])))
        rows, self.score_places = without(self.func, parts.scores, middle)
        last, self.weight_places = without(self.func, parts.weights, self.made[2])
        self.functions = (part(self.func, first), rows, last)
        self.products = (
            self._product(0, {}),
            self._product(1, self._strides(self.weight_places, parts.weights)),
        )
        self.lines = Lines(
            dict.fromkeys(
                [p for p, v in zip(self.score_places, parts.scores, strict=True) if v in self.kept]
                + [w for w, v in zip(rows.returned, middle, strict=True) if v in self.kept]
            ),
            self.rows,
            self.pitch,
        )
        self.row = Rows.plan(rows.arguments, rows.returned, self.machine, self.lines)
        if not self.row.has_lines:
            raise Unfit

    def _strides(self, places: Sequence[Value], values: Sequence[Value]) -> dict[Value, tuple[int, ...]]:
        """Strides of the arguments that stand for values of a block."""
        return {p: self._line_strides(v) for p, v in zip(places, values, strict=True) if v in self.kept}

    def _line_strides(self, value: Value) -> tuple[int, ...]:
        rank = len(self.shape)
        if value.type.rank == rank:
            return (*(0 for _ in range(rank - 2)), self.pitch, 1)
        return (*(0 for _ in range(rank - 2)), 1)

    def _product(self, number: int, local: dict[Value, tuple[int, ...]]) -> _Product:
        func, rank = self.functions[2 * number], len(self.shape)
        (center,) = products_of(func)
        s = Sum.of(func, center, local)
        c, numbers = s.contraction, center.dot_dimension_numbers
        places: tuple[int | None, ...] = tuple(range(rank))
        if number:
            batch = numbers.lhs_batching_dimensions
            if sorted(batch) != list(range(rank - 2)) or s.lhs.argument not in self.weight_places:
                raise Unfit
            places = (*(batch.index(d) for d in range(rank - 2)), rank - 2, None)
        kept = [v in self.kept for v in self.made[2 * number]]
        if any(kept) != all(kept):
            raise Unfit
        if any(kept):
            steps = (*(0 for _ in range(rank - 2)), self.pitch, 1)
            strides = tuple(0 if d is None else steps[d] for d, _ in s.dims.dims)
            # A result's axes are those with a stride, so that a matrix of the batch still has one.
            out = tuple(
                x or 1 if d is not None else 0 for x, (d, _) in zip(strides, s.dims.dims, strict=True)
            )
            s = replace(s, contraction=replace(c, out=Access(0, out)))
        local_others = [v in local for v, _ in s.epilogue.reads]
        flags = (s.lhs.argument in local, s.rhs.argument in local, any(kept), *local_others)
        return _Product(s, places, flags, self.blocks, self.rows, self.machine)

    # Emission

    def group(self) -> KernelGroup:
        """The kernels, and the packed operands between them."""
        func = self.func
        packed = [p for p in self.products if p.block.schedule.pack_b == "all"]
        scratch = tuple(p.whole.packed_type for p in packed if p.whole.packed_type is not None)
        buffers = tuple(buffer_type(v.type) for v in (*func.arguments, *func.returned))
        functions = []

        def made(name: str, body: Any) -> Func:
            return kernel(
                func.sym_name + name, (*buffers, *scratch), body, self.machine,
                attributes={"irc.kind": StringAttr("attention")}, location=func.location,
                names=[v.name for v in func.arguments],
            )  # fmt: skip

        def pack(number: int, p: _Product) -> Func:
            def body(b: KernelBuilder, *values: Value) -> None:
                source = values[p.whole.func.arguments.index(p.whole.rhs.argument)]
                pack_all(b, p.whole, source, values[len(buffers) + number])

            return made(f"_pack_{number}" if number else "_pack", body)

        functions = [pack(i, p) for i, p in enumerate(packed)]
        functions.append(made("", lambda b, *values: self._emit(b, values, packed)))
        return KernelGroup(tuple(functions), scratch)

    def _emit(self, b: KernelBuilder, values: Sequence[Value], packed: Sequence[_Product]) -> None:
        batch = self.shape[:-2]
        count = self.shape[-2]

        def ticket(b: KernelBuilder, *ids: Index) -> None:
            start = b.mul(ids[-1], self.rows)
            if self.blocks * self.rows != count:
                # The last block begins where it still has all its rows.
                start = b.min(start, count - self.rows)
            self._block(b, values, packed, [*ids[:-1], start])

        flops = (
            4.0
            * prod(self.shape)
            * self.products[0].sum.contraction.size(self.products[0].sum.contraction.of_kind("depth"))
        )
        grid = [*batch, self.blocks]
        if flops < SEQUENTIAL_FLOPS:
            _each(b, grid, ticket)
        else:
            b.forall(grid, ticket)

    def _block(
        self, b: KernelBuilder, values: Sequence[Value], packed: Sequence[_Product], places: list[Index]
    ) -> None:
        """One block of rows, from its scores to the results."""
        func = self.func
        inputs = list(values[: len(func.arguments)])
        held = {
            stored_value(v): m
            for v, m in zip(
                func.returned, values[len(inputs) : len(inputs) + len(func.returned)], strict=True
            )
        }
        held.update(self._memory(b))
        scores = [held[v] for v in self.parts.scores]
        weights = [held[v] for v in self.parts.weights]
        for i, (product, more) in enumerate(zip(self.products, ([], weights), strict=True)):
            if i:
                self._rows(b, [*inputs, *scores], [held[v] for v in self.made[1]], places)
            plan = product.at(b, places)
            outputs = [held[v] for v in self.made[2 * i]]
            scratch = [
                self._packed(b, product, values, packed, places)
                if n == 0 and plan.packed_type
                else _alloca(b, t)
                for n, t in enumerate(plan.scratch)
            ]
            emit_contraction(b, plan, [*inputs, *more, *outputs, *scratch])

    def _packed(
        self,
        b: KernelBuilder,
        product: _Product,
        values: Sequence[Value],
        packed: Sequence[_Product],
        places: Sequence[Index],
    ) -> Value:
        """Where the right side of a product is packed: for this block, or its matrix of those that were packed before."""
        t = product.block.packed_type
        assert t is not None
        if product not in packed:
            return _alloca(b, t)
        whole = values[len(values) - len(packed) + packed.index(product)]
        sizes = (1, *whole.type.shape[1:])
        return b.subview(whole, [product.matrix(b, places), *(0 for _ in sizes[1:])], sizes)

    def _memory(self, b: KernelBuilder) -> dict[Value, Value]:
        """Memory for the block's values that nobody else sees. Weights take the place of scores, if there is one of either."""
        found: dict[Value, Value] = {}
        wide = [v for v in self.kept if v.type.rank == len(self.shape)]
        for v in self.kept:
            t = buffer_type(v.type).element
            if v not in wide:
                found[v] = _alloca(b, MemRefType((self.rows,), t))
                continue
            other = next((o for o in wide if o in found), None)
            alike = other is not None and len(wide) == 2 and buffer_type(other.type).element == t
            if alike and v in self.parts.weights and other in self.parts.scores:
                found[v] = found[other]
            else:
                found[v] = _alloca(b, MemRefType((self.rows, self.pitch), t))
        return found

    def _rows(
        self, b: KernelBuilder, inputs: Sequence[Value], outputs: Sequence[Value], places: Sequence[Index]
    ) -> None:
        views = Views(b, dict(zip(self.functions[1].arguments, inputs, strict=True)))
        self.row.emit_lines(b, views, outputs, places, self.rows)


def _alloca(b: KernelBuilder, t: MemRefType) -> Value:
    return b.emit(memref.Alloca((), (), alignment=64, result_types=[t]))


def _each(b: KernelBuilder, grid: Sequence[int], body: Any, *found: Index) -> None:
    if not grid:
        body(b, *found)
    else:
        b.loop(0, grid[0], 1, lambda b, i: _each(b, grid[1:], body, *found, i))
