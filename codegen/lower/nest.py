"""Loop nests over tiles: from traced stores to scf loops whose innermost body works on vectors.

The counters of a space become loops, adjacent ones merged wherever every address runs through both as through one. The
innermost loop is cut into tiles of `lanes` elements; when a buffer is contiguous along another loop (a transpose), the
tile is square and spans both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, gcd, prod
from typing import Any

from irc.codegen.lower import elementwise
from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.group import kernel_element
from irc.codegen.lower.narrow_formats import stored
from irc.codegen.lower.space import (
    Affine,
    Apply,
    Counter,
    Leaf,
    Node,
    Position,
    Reduced,
    Space,
    Splat,
    Traced,
    all_nodes,
    operands_of,
)
from irc.dialects import arith, chlo, memref, vector
from irc.dialects import stablehlo as hlo
from irc.ir.extents import ceildiv, typical
from irc.ir.operation import Value
from irc.ir.types import MemRefType, VectorType, i1, i64, index

SQUARE = 16
"""Rows and columns of a transposing tile."""
STREAM_BYTES = 1 << 24
"""A result of so many bytes goes past the caches: nobody finds it there afterwards."""
LINE = 64
"""Bytes of a line, which is written as a whole or not past the caches."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop over one or more counters that every address treats as one."""

    counters: tuple[Counter, ...]
    extent: int

    def stride(self, address: Affine) -> int:
        return address.coefficient(self.counters[-1])


def affines(nodes: Iterable[Node]) -> list[Affine]:
    """Every affine index among `nodes`."""
    found = []
    for node in nodes:
        if isinstance(node, Leaf):
            found.append(node.address)
        elif isinstance(node, Position):
            found.append(node.index)
    return found


def merge(space: Space, counters: Sequence[Counter], addresses: Sequence[Affine]) -> list[Loop]:
    """Loops over `counters` in order, adjacent ones merged where every address allows it."""
    loops: list[Loop] = []
    for counter in counters:
        extent = space.extent(counter)
        if loops:
            last = loops[-1]
            if all(last.stride(a) == a.coefficient(counter) * extent for a in addresses):
                loops[-1] = Loop((*last.counters, counter), last.extent * extent)
                continue
        loops.append(Loop((counter,), extent))
    return loops


def _is_big(output: Value) -> bool:
    """Whether an output is known to be larger than what the caches hold."""
    return bool(output.type.is_fixed and output.type.nbytes >= STREAM_BYTES)


class Views:
    """The buffers of a kernel as its nests index them. Casts stand once, before the first loop."""

    def __init__(self, top: KernelBuilder, buffers: dict[Value, Value]) -> None:
        self.top = top
        self.buffers = buffers
        self.casts: dict[Any, Value] = {}
        self.streams = False

    def streaming(
        self, b: KernelBuilder, outputs: Sequence[Value], emit: Callable[[KernelBuilder, Views], None]
    ) -> None:
        """`emit(b, views)`; where outputs are big, once with views that write them past the caches, which runs where they
        begin at a line."""
        big = [o for o in outputs if _is_big(o)]
        if b.machine.is_grid or not big:
            emit(b, self)
            return
        aligned: Value | None = None
        for output in big:
            place = b.emit(memref.ExtractAlignedPointerAsIndex(output))
            here = b.compare("eq", b.rem(place, LINE), 0)
            aligned = here if aligned is None else b.emit(arith.AndI(aligned, here))
        assert aligned is not None
        views = Views(self.top, self.buffers)
        views.casts, views.streams = self.casts, True
        b.branch(aligned, lambda inner: emit(inner, views), lambda inner: emit(inner, self))

    def static(self, buffer: Value, offset: int, sizes: tuple[int, ...], strides: tuple[int, ...]) -> Value:
        t: MemRefType = buffer.type
        if t.shape == sizes and t.strides == strides and t.offset == offset and t.is_fixed:
            return buffer
        key = (buffer, offset, sizes, strides)
        if key not in self.casts:
            self.casts[key] = self.top.cast(buffer, offset, sizes, strides)
        return self.casts[key]


class Tile:
    """Emits the nodes of one nest for one tile.

    `at` gives every loop's index (the tile's first one for the loops in `axes`); `widths` are the tile's extents along
    `axes`. A node that varies along no axis stays a scalar and is spread where it meets a tile."""

    def __init__(
        self,
        builder: KernelBuilder,
        views: Views,
        loops: Sequence[Loop],
        axes: tuple[int, ...] = (),
        widths: tuple[int, ...] = (),
    ) -> None:
        self.b = builder
        self.views = views
        self.loops = list(loops)
        self.axes = axes
        self.widths = widths
        self.at: dict[int, Index] = {}
        self.known: dict[Node, Value] = {}

    def inside(self, builder: KernelBuilder, loop: int | None = None, at: Index = 0) -> Tile:
        """The same scalars seen from inside one more loop."""
        tile = Tile(builder, self.views, self.loops)
        tile.at = dict(self.at) if loop is None else {**self.at, loop: at}
        tile.known = dict(self.known)
        return tile

    def moved(self, builder: KernelBuilder, at: dict[int, Index]) -> Tile:
        """The same tile at another place of loops it does not span, knowing what it knew."""
        tile = Tile(builder, self.views, self.loops, self.axes, self.widths)
        tile.at = {**self.at, **at}
        tile.known = dict(self.known)
        return tile

    def over(self, axes: tuple[int, ...], widths: tuple[int, ...]) -> Tile:
        """A tile at this place, which knows its scalars."""
        tile = Tile(self.b, self.views, self.loops, axes, widths)
        tile.at, tile.known = self.at, dict(self.known)
        return tile

    def vector_type(self, element: Any) -> VectorType:
        return VectorType(self.widths, element)

    def varies(self, address: Affine) -> bool:
        return any(self.loops[a].stride(address) for a in self.axes)

    def tile(self, node: Node) -> Value:
        """The node as a vector of the tile's shape."""
        value = self.value(node)
        if isinstance(value.type, VectorType) or not self.axes:
            return value
        return self.b.emit(vector.Broadcast(value, result_types=[self.vector_type(value.type)]))

    def value(self, root: Node) -> Value:
        """The node as a scalar where it does not vary over the tile, else as a vector."""
        for node in all_nodes([root], self.known):
            self.known[node] = self._emit(node)
        return self.known[root]

    def _emit(self, node: Node) -> Value:
        match node:
            case Splat(type=t, value=number):
                return self.b.constant(stored(number, t), kernel_element(t))
            case Leaf():
                return self._read(node)
            case Position(type=t, index=place):
                return self._position(t, place)
            case Apply(op=op, operands=operands):
                values = [self.known[o] for o in operands]
                if any(isinstance(v.type, VectorType) for v in values):
                    values = [self.tile(o) for o in operands]
                with self.b.at(op.location):
                    return elementwise.lower_elementwise(self.b, op, values)
            case Reduced():
                raise AssertionError("a reduction is emitted by the row kernel before its users")
        raise AssertionError(f"no such node: {node}")

    def _position(self, t: Any, place: Affine) -> Value:
        b = self.b
        base = self._sum(place)
        scalar = b.index(base)
        if self.varies(place):
            wide = self.vector_type(index)
            scalar = b.emit(vector.Broadcast(scalar, result_types=[wide]))
            for axis, a in enumerate(self.axes):
                step = self.loops[a].stride(place)
                if step:
                    lanes = b.emit(vector.Step(result_types=[VectorType((self.widths[axis],), index)]))
                    if step != 1:
                        lanes = b.emit(arith.MulI(lanes, self._splat(step, lanes.type)))
                    scalar = b.emit(arith.AddI(scalar, self._spread(lanes, axis)))
        target = kernel_element(t)
        integer = target if not hasattr(target, "name") else i64
        cast = b.emit(arith.IndexCast(scalar, result_types=[arith.like(scalar.type, integer)]))
        return cast if integer is target else elementwise.convert(b, cast, i64, target)

    def _splat(self, number: int, wide: VectorType) -> Value:
        if isinstance(number, int):
            return self.b.constant(number, wide)
        return self.b.emit(vector.Broadcast(self.b.index(number), result_types=[wide]))

    def _sum(self, place: Affine) -> Index:
        total: Index = place.constant
        for i, loop in enumerate(self.loops):
            total = self.b.add(total, self.b.mul(self.at.get(i, 0), loop.stride(place)))
        return total

    def _spread(self, value: Value, axis: int) -> Value:
        """A vector along one axis, repeated along the other."""
        if len(self.axes) == 1:
            return value
        wide = self.vector_type(value.type.element)
        if axis == 1:
            return self.b.emit(vector.Broadcast(value, result_types=[wide]))
        turned = VectorType((self.widths[1], self.widths[0]), value.type.element)
        spread = self.b.emit(vector.Broadcast(value, result_types=[turned]))
        return self.b.emit(vector.Transpose(spread, permutation=(1, 0)))

    def _offsets(self, dynamic: Sequence[tuple[Node, int, int]]) -> Index:
        """Run-time starts, clamped into range as StableHLO's dynamic ops do, times their strides."""
        b = self.b
        total: Index = 0
        for node, limit, stride in dynamic:
            if getattr(node.type, "is_unsigned", False):
                start = b.emit(arith.IndexCastUI(self.value(node), result_types=[index]))
                start = b.emit(arith.MinUI(start, b.index(limit)))
            else:
                start = b.emit(arith.IndexCast(self.value(node), result_types=[index]))
                start = b.emit(arith.MinSI(b.emit(arith.MaxSI(start, b.index(0))), b.index(limit)))
            total = b.add(total, b.mul(start, stride))
        return total

    def view(
        self, buffer: Value, address: Affine, dynamic: Sequence[tuple[Node, int, int]] = (), base: Index = 0
    ) -> tuple[Value, list[int]]:
        """The buffer as this nest's loops run over it from `base` on, and which loops index it: axes last, in order."""
        order = [i for i, loop in enumerate(self.loops) if loop.stride(address) and i not in self.axes]
        order += [a for a in self.axes if self.loops[a].stride(address)]
        sizes = tuple(self.loops[i].extent for i in order)
        strides = tuple(self.loops[i].stride(address) for i in order)
        offset = self.b.add(self.b.add(base, address.constant), self._offsets(dynamic))
        if not isinstance(offset, Value):
            return self.views.static(buffer, offset, sizes, strides), order
        return self.b.cast(buffer, offset, sizes, strides), order

    def _read(self, leaf: Leaf) -> Value:
        buffer, order = self.view(self.views.buffers[leaf.buffer], leaf.address, leaf.dynamic)
        b, element = self.b, buffer.type.element
        places = [b.index(self.at.get(i, 0)) for i in order]
        live = [axis for axis, a in enumerate(self.axes) if a in order]
        if not live:
            return b.load(buffer, places)
        if self._contiguous(buffer):
            wide = VectorType(tuple(self.widths[axis] for axis in live), element)
            read = b.load(buffer, places, wide, self._alignment(buffer, leaf.address, leaf.dynamic))
            return read if len(live) == len(self.axes) else self._spread(read, live[0])
        if len(live) == 2 and buffer.type.strides[-2] == 1:
            return self._read_turned(leaf)
        if len(self.axes) == 1:
            return self._gather(buffer, places)
        raise AssertionError("a square tile reads a buffer that is contiguous along neither axis")

    def ask(self, leaf: Leaf) -> None:
        """Asks for the lines where the leaf lies, without reading them."""
        buffer, order = self.view(self.views.buffers[leaf.buffer], leaf.address, leaf.dynamic)
        places = [self.at.get(i, 0) for i in order]
        live = [axis for axis, a in enumerate(self.axes) if a in order]
        step = LINE // buffer_bytes(buffer)
        wide = self.widths[live[-1]] if live and self._contiguous(buffer) else 1
        for along in range(0, wide, step):
            where = [*places[:-1], self.b.add(places[-1], along)] if along else places
            self.b.emit(
                memref.Prefetch(
                    buffer, self.b.indices(where), isWrite=False, localityHint=3, isDataCache=True
                )
            )

    def _alignment(self, buffer: Value, address: Affine, dynamic: Sequence[Any] = (), base: Index = 0) -> int:
        """On a grid, the bytes of a tile where it always begins at a multiple of them; else 0. Buffers do."""
        if not self.b.machine.is_grid or len(self.axes) != 1 or dynamic or base != 0:
            return 0
        (axis,), (width,) = self.axes, self.widths
        steps = [loop.stride(address) for i, loop in enumerate(self.loops) if i != axis]
        return buffer_bytes(buffer) * width if gcd(width, address.constant, *steps) == width else 0

    def _streams(self, store: Traced, output: Value, base: Index) -> bool:
        """Whether a tile goes past the caches: it consists of whole lines of a big output."""
        if not self.views.streams or not _is_big(output) or store.dynamic or base != 0:
            return False
        line = LINE // buffer_bytes(output)
        steps = [loop.stride(store.address) for i, loop in enumerate(self.loops) if i not in self.axes[-1:]]
        return self.widths[-1:] != () and gcd(line, self.widths[-1], store.address.constant, *steps) == line

    def _contiguous(self, buffer: Value) -> bool:
        return buffer.type.strides[-1] == 1

    def _read_turned(self, leaf: Leaf) -> Value:
        turned = Tile(self.b, self.views, self.loops, self.axes[::-1], self.widths[::-1])
        turned.at, turned.known = self.at, self.known
        read = turned._read(leaf)
        return self.b.emit(vector.Transpose(read, permutation=(1, 0)))

    def _gather(self, buffer: Value, places: list[Value]) -> Value:
        b, wide = self.b, self.vector_type(buffer.type.element)
        lanes = b.emit(vector.Step(result_types=[self.vector_type(index)]))
        mask = b.constant(True, self.vector_type(i1))
        nothing = b.constant(0, wide)
        return b.emit(vector.Gather(buffer, places, lanes, mask, nothing))

    def write(self, store: Traced, output: Value, base: Index = 0) -> None:
        """Writes the tile of a store into the output, from element `base` on."""
        b = self.b
        value = self.tile(store.node)
        buffer, order = self.view(output, store.address, store.dynamic, base)
        places = [b.index(self.at.get(i, 0)) for i in order]
        if not self.axes or self._contiguous(buffer):
            wide = bool(self.axes) and self.axes[0] in order
            aligned = self._alignment(buffer, store.address, store.dynamic, base) if wide else 0
            if self._streams(store, output, base):
                b.emit(vector.Store(value, buffer, places, nontemporal=True, alignment=LINE))
            else:
                b.store(value, buffer, places, aligned)
        else:
            lanes = b.emit(vector.Step(result_types=[self.vector_type(index)]))
            mask = b.constant(True, self.vector_type(i1))
            b.emit(vector.Scatter(buffer, places, lanes, mask, value))


def _fitting(width: int, extent: int) -> int:
    """The width of a tile along a loop: all of it where that is less."""
    return min(width, extent) if isinstance(extent, int) else width


TICKET_COST = 1 << 15
"""Work of one ticket, in elementwise operations: about ten microseconds."""
MOST_TICKETS = 32
_HEAVY = (
    hlo.Exponential, hlo.ExponentialMinusOne, hlo.Log, hlo.LogPlusOne, hlo.Logistic, hlo.Tanh, hlo.Sine, hlo.Cosine,
    hlo.Tan, hlo.Power, hlo.Atan2, hlo.Cbrt, hlo.Divide, hlo.Remainder, chlo.Erf, chlo.Erfc, chlo.Tan,
)  # fmt: skip


def buffer_bytes(buffer: Value) -> int:
    """Bytes of one element of a buffer."""
    return int(buffer.type.element.numpy.itemsize)


def weight(node: Node) -> int:
    """The cost of a node in elementwise operations."""
    if isinstance(node, Apply):
        return 12 if isinstance(node.op, _HEAVY) else 1
    return 1 if isinstance(node, Leaf) else 0


def lanes_for(nodes: Sequence[Node]) -> int:
    """Elements of a tile: more where the work on each is light."""
    return 16 if any(weight(n) > 4 for n in nodes) else 32


Body = Callable[[Tile], None]


class Nest:
    """The outermost `depth` loops of a tile's loops, some of them in tiles; `emit` calls a body for every place.

    `axes` are the loops the tile spans and `widths` its extents along them. `nodes` are hoisted: a scalar is computed
    in the outermost loop it can be. `work` is the cost of one whole nest in elementwise operations."""

    def __init__(
        self,
        nodes: Sequence[Node],
        loops: Sequence[Loop],
        depth: int,
        axes: tuple[int, ...],
        widths: tuple[int, ...],
        first: int = 0,
    ) -> None:
        self.nodes = nodes
        self.loops = loops
        self.first, self.depth = first, depth
        self.axes = axes
        self.widths = tuple(_fitting(w, loops[a].extent) for a, w in zip(axes, widths, strict=False))
        self.levels = self._levels()

    def _levels(self) -> dict[Node, int]:
        """The innermost loop each node varies with; a reduction is never hoisted, nor what uses it."""
        levels: dict[Node, int] = {}
        for node in self.nodes:
            own = len(self.loops) if isinstance(node, Reduced) else -1
            for address in affines([node]):
                own = max([own, *(i for i, loop in enumerate(self.loops) if loop.stride(address))])
            levels[node] = max([own, *(levels[o] for o in operands_of(node))])
        return levels

    def emit(self, tile: Tile, body: Body, *, parallel: bool = True, each: str = "") -> None:
        """Emits the loops where `tile` stands. The outermost one is cut into tickets, by shape alone, when it is worth it;
        on a grid every place is a ticket, for `each` (see KernelBuilder.forall)."""
        if parallel and tile.b.machine.is_grid:
            self._emit_grid(tile, body, each)
            return
        if self.first == 0:
            self._hoist(tile, -1)
        if self.first == self.depth:
            body(tile)
            return
        tickets, chunk = self._tickets() if parallel else (1, 0)
        extent = self.loops[self.first].extent
        if tickets == 1:
            self._level(tile, self.first, (), body)
            return
        unit = self._width(self.first) or 1
        whole = extent - extent % unit

        def ticket(b: KernelBuilder, t: Index) -> None:
            low = b.mul(t, chunk)
            high = b.add(low, chunk) if whole == tickets * chunk else b.min(b.add(low, chunk), whole)
            self._range(tile.inside(b), self.first, low, high, (), body)

        tile.b.forall([tickets], ticket)
        self._rest(tile, self.first, whole, (), body)

    def _emit_grid(self, tile: Tile, body: Body, each: str) -> None:
        """One ticket a place. Scalars are computed again in each, rather than handed over; widths divide extents."""
        units = [self._width(i) or 1 for i in range(self.depth)]

        def ticket(b: KernelBuilder, *ids: Index) -> None:
            here = tile.inside(b)
            here.at = {i: b.mul(at, unit) for i, (at, unit) in enumerate(zip(ids, units, strict=True))}
            body(here.over(self.axes, self.widths) if self.axes else here)

        bounds = [loop.extent // unit for loop, unit in zip(self.loops, units, strict=False)]
        tile.b.forall(bounds or [1], ticket if bounds else lambda b, _: ticket(b), each)

    def _width(self, loop: int) -> int:
        return self.widths[self.axes.index(loop)] if loop in self.axes else 0

    def _tickets(self) -> tuple[int, int]:
        """How many tickets, and how many turns of the outermost loop each takes.

        Where the extent of that loop is not known, tickets are as large as is worth it, and there are as many as it takes."""
        cost = sum(map(weight, self.nodes))
        work = typical(prod(loop.extent for loop in self.loops)) * cost
        unit = self._width(self.first) or 1
        units = self.loops[self.first].extent // unit
        if not isinstance(units, int):
            turn = typical(prod(loop.extent for loop in self.loops[self.first + 1 :])) * cost * unit
            chunk = max(1, TICKET_COST // max(turn, 1))
            return ceildiv(units, chunk), chunk * unit
        wanted = max(1, min(MOST_TICKETS, work // TICKET_COST, units))
        chunk = ceil(units / wanted)
        return max(1, ceil(units / chunk)), chunk * unit

    def _hoist(self, tile: Tile, depth: int) -> None:
        for node in self.nodes:
            if self.levels[node] == depth and not isinstance(node, Position | Splat):
                tile.value(node)

    def _level(self, tile: Tile, loop: int, widths: tuple[int, ...], body: Body) -> None:
        """All of a loop: its full tiles, then what is left."""
        extent = self.loops[loop].extent
        whole = extent - extent % (self._width(loop) or 1)
        self._range(tile, loop, 0, whole, widths, body)
        self._rest(tile, loop, whole, widths, body)

    def _rest(self, tile: Tile, loop: int, at: int, widths: tuple[int, ...], body: Body) -> None:
        """What is left of a loop after its full tiles: one smaller tile; where its width is not known, as many of a few
        lanes as there are, then lane by lane."""
        extent = self.loops[loop].extent
        if isinstance(extent - at, int):
            if at != extent:
                self._step(tile, loop, at, (*widths, extent - at), body)
            return
        for width in dict.fromkeys((max(1, self._width(loop) // 4), 1)):
            stop = extent - extent % width
            step = lambda b, i, w=width: self._step(tile.inside(b), loop, i, (*widths, w), body)  # noqa: E731
            tile.b.loop(at, stop, width, step)
            at = stop

    def _range(
        self, tile: Tile, loop: int, low: Index, high: Index, widths: tuple[int, ...], body: Body
    ) -> None:
        width = self._width(loop)
        wide = (*widths, width) if width else widths
        if not (isinstance(low, int) and isinstance(high, int) and low >= high):
            tile.b.loop(low, high, width or 1, lambda b, i: self._step(tile.inside(b), loop, i, wide, body))

    def _step(self, tile: Tile, loop: int, at: Index, widths: tuple[int, ...], body: Body) -> None:
        """One turn of a loop."""
        here = tile.inside(tile.b, loop, at)
        if loop not in self.axes:
            self._hoist(here, loop)
        if loop + 1 < self.depth:
            self._level(here, loop + 1, widths, body)
        else:
            body(here.over(self.axes, widths) if self.axes else here)
