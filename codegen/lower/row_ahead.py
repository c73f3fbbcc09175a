"""Rows of a table that are gathered and combined: which come next is known long before they are read, but no processor
guesses it, so their lines are asked for ahead."""

from __future__ import annotations

from collections.abc import Sequence

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.nest import Loop, Tile, affines
from irc.codegen.lower.space import Leaf, Node, all_nodes
from irc.codegen.lower.tree import LANES

_ROWS = 32
"""How many rows ahead, at least."""


def gathered(nodes: Sequence[Node], reduced: Sequence[Loop]) -> list[Leaf]:
    """The leaves among `nodes` that begin somewhere else at every turn of the reduced loops."""

    def moves(leaf: Leaf) -> bool:
        starts = affines(all_nodes([start for start, *_ in leaf.dynamic]))
        return any(loop.stride(a) for a in starts for loop in reduced)

    return [n for n in all_nodes(nodes) if isinstance(n, Leaf) and moves(n)]


def ask_ahead(tile: Tile, leaves: Sequence[Leaf], first: int, stop: Index, count: Index) -> None:
    """Asks for what `leaves` read some turns later than at this tile. The reduced loop is `first`, of `count` turns, of
    which those before `stop` are run here; of fewer turns than there are lanes, the row is a later one."""
    b, at = tile.b, dict(tile.at)
    rows = [i for i in range(first) if i not in tile.axes]
    if not isinstance(count, int) or count > LANES:
        at[first] = b.min(b.add(at[first], LANES), b.sub(stop, 1))
    elif rows and count:
        at[rows[-1]] = _later(b, tile, rows[-1], -(-_ROWS // count))
    else:
        return
    later = Tile(b, tile.views, tile.loops, tile.axes, tile.widths)
    later.at = at
    for leaf in leaves:
        later.ask(leaf)


def ask_next_row(tile: Tile, leaves: Sequence[Leaf], kept: int) -> None:
    """Asks for what `leaves` read at this tile's place of the next row."""
    if not leaves:
        return
    later = Tile(tile.b, tile.views, tile.loops, tile.axes, tile.widths)
    later.at = {**tile.at, kept - 1: _later(tile.b, tile, kept - 1, 1)}
    for leaf in leaves:
        later.ask(leaf)


def _later(b: KernelBuilder, tile: Tile, loop: int, turns: int) -> Index:
    return b.min(b.add(tile.at.get(loop, 0), turns), tile.loops[loop].extent - 1)
