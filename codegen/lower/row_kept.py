"""What is dear to compute and needed by more than one pass over a row (the exponentials of a softmax): the first pass keeps
it in a buffer of the row's length, which stays in the caches, and the later ones read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.nest import Loop, Tile, affines, weight
from irc.codegen.lower.space import Apply, Node, all_nodes, operands_of
from irc.dialects import memref
from irc.ir.operation import Value
from irc.ir.types import MemRefType, VectorType, f32, f64

_DEAR = 4
"""Reading costs about as much as so many elementwise operations."""
_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Kept:
    """Buffers of kept values, and the pass that fills each."""

    loop: int
    buffers: Mapping[Node, Value]
    passes: tuple[frozenset[Node], ...]

    @staticmethod
    def of(
        b: KernelBuilder, passes: Sequence[Sequence[Node]], loops: Sequence[Loop], first: int, count: int
    ) -> Kept:
        """For passes with these roots over the one loop from `first` on, of `count` turns; nothing where there are more, or nobody
        knows how many turns."""
        if len(loops) != first + 1 or not isinstance(count, int) or not count:
            return NOTHING
        needs = [_varying(roots, loops[first]) for roots in passes]
        nodes = _worth_keeping(needs, passes)
        if count * sum(n.type.numpy.itemsize for n in nodes) > _MOST_BYTES:
            nodes = []
        types = {n: MemRefType((count,), n.type) for n in nodes}
        buffers = {n: b.emit(memref.Alloca((), (), alignment=64, result_types=[t])) for n, t in types.items()}
        return Kept(first, buffers, tuple(frozenset(n) for n in needs))

    def _first(self, node: Node) -> int:
        return next(i for i, needs in enumerate(self.passes) if node in needs)

    def recall(self, tile: Tile, number: int) -> None:
        """Reads what earlier passes have kept and pass `number` needs at a tile."""
        for node, buffer in self.buffers.items():
            if node in self.passes[number] and self._first(node) < number:
                wide = VectorType(tile.widths, node.type)
                tile.known[node] = tile.b.load(buffer, [tile.at[self.loop]], wide)

    def keep(self, tile: Tile, number: int) -> None:
        """Stores what pass `number` is the first to compute."""
        for node, buffer in self.buffers.items():
            if self._first(node) == number:
                tile.b.store(tile.tile(node), buffer, [tile.at[self.loop]])


NOTHING = Kept(0, {}, ())


def _varying(roots: Sequence[Node], loop: Loop) -> dict[Node, bool]:
    """The nodes at and below `roots` that differ along a loop, and whether a dear operation is below each."""
    found: dict[Node, bool] = {}
    for node in all_nodes(roots):
        below = [o for o in operands_of(node) if o in found]
        if any(loop.stride(a) for a in affines([node])) or (isinstance(node, Apply) and below):
            found[node] = weight(node) > _DEAR or any(found[o] for o in below)
    return found


def _worth_keeping(needs: Sequence[Mapping[Node, bool]], passes: Sequence[Sequence[Node]]) -> list[Node]:
    """Nodes over dear operations that several passes need, and later ones for more than another such node."""
    several = {
        n
        for i, here in enumerate(needs)
        for n, dear in here.items()
        if dear and isinstance(n, Apply) and n.type in (f32, f64) and any(n in before for before in needs[:i])
    }
    kept: dict[Node, None] = {}
    for i, here in enumerate(needs):
        used = [*passes[i], *(o for n in here if n not in several for o in operands_of(n))]
        kept.update((n, None) for n in used if n in several and any(n in before for before in needs[:i]))
    return list(kept)
