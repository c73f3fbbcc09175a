"""Loop kernels on a grid in which a buffer is contiguous along another loop than the results: a transpose, and what is fused
around it. A block takes 32 by 32 places. It reads such buffers along their own lines into memory that its threads share, and
takes from there what it needs along the others, so that both ways go through memory line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.nest import Loop, Tile, Views
from irc.codegen.lower.space import Leaf, Node, Traced
from irc.codegen.lower.tree_warp import lane_id
from irc.codegen.schedule.machine import WARP
from irc.dialects import arith, gpu, memref
from irc.ir.operation import Value
from irc.ir.types import MemRefType

_WARPS = 8
_MOST = 8
"""Buffers of a block's shared memory."""


def turned_leaves(loops: Sequence[Loop], nodes: Sequence[Node], axes: tuple[int, ...]) -> list[Leaf]:
    """The leaves that are contiguous along the first of two axes; none where a block would not serve."""
    if len(axes) != 2 or min(loops[a].extent for a in axes) < WARP // 2:
        return []
    row, lane = (loops[a] for a in axes)
    found = [
        n for n in nodes if isinstance(n, Leaf) and row.stride(n.address) == 1 and lane.stride(n.address) > 1
    ]
    return found if len(found) <= _MOST else []


def emit_turned(
    b: KernelBuilder,
    views: Views,
    loops: Sequence[Loop],
    traced: Sequence[Traced],
    outputs: Sequence[Value],
    axes: tuple[int, ...],
    leaves: Sequence[Leaf],
) -> None:
    """A grid of blocks over all loops, in squares over the two axes."""
    row, lane = axes
    others = [i for i in range(len(loops)) if i not in axes]
    grid = [loops[i].extent for i in others] + [-(-loops[a].extent // WARP) for a in axes]

    def block(b: KernelBuilder, *ids: Index) -> None:
        kept = dict(zip(others, ids, strict=False))
        corner = b.mul(ids[-2], WARP), b.mul(ids[-1], WARP)
        x, warp = lane_id(b), b.emit(gpu.SubgroupId())
        shared = [_square(b, views.buffers[leaf.buffer].type.element) for leaf in leaves]
        turns = [b.add(warp, j * _WARPS) for j in range(WARP // _WARPS)]

        def at(b: KernelBuilder, r: Index, c: Index) -> Tile:
            tile = Tile(b, views, loops)
            tile.at = {**kept, row: b.add(corner[0], r), lane: b.add(corner[1], c)}
            return tile

        def where(b: KernelBuilder, r: Index, c: Index, then: Callable[[KernelBuilder], None]) -> None:
            checks = [
                b.compare("ult", b.add(start, i), loops[a].extent)
                for a, start, i in zip(axes, corner, (r, c), strict=True)
                if loops[a].extent % WARP
            ]
            if not checks:
                then(b)
            else:
                b.branch(checks[0] if len(checks) == 1 else b.emit(arith.AndI(*checks)), then)

        def read(b: KernelBuilder, y: Index) -> None:
            for leaf, square in zip(leaves, shared, strict=True):
                b.store(at(b, x, y).value(leaf), square, (y, x))

        def write(b: KernelBuilder, y: Index) -> None:
            tile = at(b, y, x)
            for leaf, square in zip(leaves, shared, strict=True):
                tile.known[leaf] = b.load(square, (x, y))
            for store in traced:
                tile.value(store.node)
            for store in traced:
                tile.write(store, outputs[store.buffer])

        def each(b: KernelBuilder, body: Callable[[KernelBuilder, Index], None], is_turned: bool) -> None:
            for y in turns:
                r, c = (x, y) if is_turned else (y, x)
                where(b, r, c, lambda inner, y=y: body(inner, y))  # type: ignore[misc]

        each(b, read, True)
        b.emit(gpu.Barrier())
        each(b, write, False)

    b.forall(grid, block, "block", _WARPS * WARP)


def _square(b: KernelBuilder, element: object) -> Value:
    """Shared memory for one value a place; lines are a word longer, so that a column's words lie in different banks."""
    t = MemRefType((WARP, WARP + 1), element, None, gpu.WORKGROUP)
    return b.emit(memref.Alloca((), (), alignment=128, result_types=[t]))
