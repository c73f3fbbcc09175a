"""Packing: blocks of a contraction's operands copied to where the tiles read them in order.

Of the right side, panels as wide as a tile, one step of depth after another. Of the left side, the rows of one tile at a
pitch that is no power of two. Elements are converted to the accumulator's type on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.contraction_plan import Plan
from irc.codegen.lower.view import TileDim, View
from irc.dialects import arith, vector
from irc.ir.extents import decides, divides, typical

At = dict[int, Index]
PANEL = -2
"""The axis of a packed buffer that counts panels."""
_SQUARE = 16


@dataclass(frozen=True, slots=True)
class Block:
    """A block of depth. `at` places the axes walked one index at a time, `low` and `high` bound the chunked axis."""

    number: Index
    at: At = field(default_factory=dict)
    low: Index = 0
    high: Index = 0


def block_of(b: KernelBuilder, plan: Plan, number: Index) -> Block:
    """Block `number` of the plan's depth."""
    blocks = plan.blocks
    if blocks.chunked is None:
        return Block(number)
    low = b.mul(b.rem(number, blocks.chunks), blocks.chunk)
    high = b.min(b.add(low, blocks.chunk), plan.extent(blocks.chunked))
    if divides(blocks.chunk, plan.extent(blocks.chunked)):
        high = b.add(low, blocks.chunk)
    return Block(number, plan.unravel(b, b.div(number, blocks.chunks), blocks.outer), low, high)


def walk_depth(
    b: KernelBuilder, plan: Plan, block: Block, axes: Sequence[int], body: Callable[[KernelBuilder, At], None]
) -> None:
    """Runs `body` for every index along `axes` of the block, the first axis outermost."""
    if not axes:
        body(b, dict(block.at))
        return
    low, high = bounds(plan, block, axes[0])

    def turn(b: KernelBuilder, i: Index) -> None:
        walk_depth(b, plan, block, axes[1:], lambda b, at: body(b, {**at, axes[0]: i}))

    b.loop(low, high, 1, turn)


def bounds(plan: Plan, block: Block, axis: int) -> tuple[Index, Index]:
    """Where `axis` runs within the block."""
    return (block.low, block.high) if axis == plan.blocks.chunked else (0, plan.extent(axis))


def local(b: KernelBuilder, plan: Plan, block: Block, at: At, whole: bool) -> At:
    """The indices in a packed buffer: of all depth when `whole`, else counted from the block's beginning."""
    chunked = plan.blocks.chunked
    if whole or chunked is None or chunked not in at:
        return at
    return {**at, chunked: b.sub(at[chunked], block.low)}


def pack_panels(
    b: KernelBuilder, plan: Plan, source: View, target: View, block: Block, panels: tuple[Index, Index]
) -> None:
    """Copies the panels `panels[0] <= p < panels[1]` of one matrix and block of depth.

    `source` is the matrix; `target` has the axes PANEL, depth, lane."""
    whole = plan.schedule.pack_b == "all"
    base = 0 if whole else panels[0]
    turned = _contiguous_depth(plan)
    others = sorted(
        (a for a in plan.block_axes if a != turned),
        key=lambda a: -abs(typical(plan.contraction.rhs.strides[a])),
    )

    def panel(b: KernelBuilder, at: At, p: Index, width: int, lanes: int) -> None:
        start = {**at, plan.lane: b.mul(p, plan.width)}
        into = {**local(b, plan, block, at, whole), PANEL: b.sub(p, base)}
        if turned is None:
            tile = [(plan.lane, width)]
            value = source.read(b, start, tile, () if width == lanes else (plan.lane,))
            target.write(b, plan.rhs.convert(b, value, plan.accumulator), into, tile)
        else:
            _turn_panel(b, plan, source, target, block, turned, start, into, lanes)

    def step(b: KernelBuilder, at: At) -> None:
        each_panel(b, plan, panels, lambda b, p, width, lanes: panel(b, at, p, width, lanes))

    walk_depth(b, plan, block, others, step)


def each_panel(
    b: KernelBuilder,
    plan: Plan,
    panels: tuple[Index, Index],
    body: Callable[[KernelBuilder, Index, int, int], None],
) -> None:
    """`body(b, panel, width, valid lanes)` for each panel of a range; the tail, if any, is the last of all."""
    low, high = panels
    full = plan.full_panels
    has_tail = plan.tail != 0
    if low == 0 and high == plan.panels:
        high_full: Index = full
    else:
        high_full = b.min(high, full) if has_tail else high
    if full != 0:
        b.loop(low, high_full, 1, lambda b, p: body(b, p, plan.width, plan.width))
    if not has_tail:
        return
    if not isinstance(plan.tail, int):
        last, rest = b.compare("eq", high, plan.panels), b.compare("ne", plan.tail, 0)
        b.branch(b.emit(arith.AndI(last, rest)), lambda b: body(b, full, plan.tail_width, plan.tail))
        return
    if high == plan.panels:
        body(b, full, plan.tail_width, plan.tail)
    elif not isinstance(high, int):
        last = b.compare("eq", high, plan.panels)
        b.branch(last, lambda b: body(b, full, plan.tail_width, plan.tail))


def _contiguous_depth(plan: Plan) -> int | None:
    """The axis of depth to turn: contiguous and long, where lanes are not contiguous."""
    strides = plan.contraction.rhs.strides
    if plan.contraction.lane is None or strides[plan.lane] == 1:
        return None
    found = [a for a in plan.block_axes if strides[a] == 1 and typical(plan.extent(a)) >= _SQUARE // 2]
    return found[0] if found else None


def _turn_panel(
    b: KernelBuilder,
    plan: Plan,
    source: View,
    target: View,
    block: Block,
    turned: int,
    start: At,
    into: At,
    lanes: int,
) -> None:
    """One panel by transposes of 16x16 squares: rows are read along depth and written along lanes."""
    whole = plan.schedule.pack_b == "all"

    def squares(b: KernelBuilder, k: Index, ragged: tuple[int, ...]) -> None:
        to = {**into, **local(b, plan, block, {turned: k}, whole)}

        def square(b: KernelBuilder, lane: Index, over: tuple[int, ...], past: tuple[int, ...] = ()) -> None:
            at = {**start, turned: k, plan.lane: b.add(start[plan.lane], lane)}
            tile = source.read(b, at, [(plan.lane, _SQUARE), (turned, _SQUARE)], over)
            made = b.emit(vector.Transpose(plan.rhs.convert(b, tile, plan.accumulator), permutation=(1, 0)))
            rows: list[TileDim] = [(turned, _SQUARE), (plan.lane, _SQUARE)]
            target.write(b, made, {**to, plan.lane: lane}, rows, (*ragged, *past))

        full = lanes - lanes % _SQUARE
        b.loop(0, full, _SQUARE, lambda b, lane: square(b, lane, ragged))
        if lanes == full:
            return
        # A panel narrower than a square (8 lanes of f64) does not hold all of one.
        narrow = plan.width % _SQUARE != 0 and decides(lambda: full + _SQUARE > plan.width, True)
        past = (plan.lane,) if narrow else ()
        if isinstance(lanes, int):
            square(b, full, (*ragged, plan.lane), past)
        else:
            b.branch(b.compare("ne", lanes, full), lambda b: square(b, full, (*ragged, plan.lane), past))

    by_sixteen(b, plan, block, turned, squares)


def by_sixteen(
    b: KernelBuilder,
    plan: Plan,
    block: Block,
    axis: int,
    body: Callable[[KernelBuilder, Index, tuple[int, ...]], None],
) -> None:
    """`body(b, i, ragged axes)` for every sixteenth index of the block along `axis`; the last run may be ragged."""
    low, high = bounds(plan, block, axis)
    chunk = plan.blocks.chunk if axis == plan.blocks.chunked else _SQUARE
    if divides(_SQUARE, plan.extent(axis)) and chunk % _SQUARE == 0:
        b.loop(low, high, _SQUARE, lambda b, k: body(b, k, ()))
        return
    rest = b.rem(b.sub(high, low), _SQUARE)
    middle = b.sub(high, rest)
    b.loop(low, middle, _SQUARE, lambda b, k: body(b, k, ()))
    if isinstance(rest, int):
        body(b, middle, (axis,))
    else:
        b.branch(b.compare("ne", rest, 0), lambda b: body(b, middle, (axis,)))


def pack_rows(
    b: KernelBuilder, plan: Plan, source: View, target: View, block: Block, rows: tuple[TileDim, ...]
) -> None:
    """Copies the rows of a tile for one block of depth. `source` begins at the tile; `target` has axes rows, depth."""
    inner = plan.block_axes[-1] if plan.block_axes else None
    run = _SQUARE if inner is not None and plan.contraction.lhs.strides[inner] == 1 else 1

    def copy(b: KernelBuilder, at: At, ragged: tuple[int, ...] = ()) -> None:
        tile = (*rows, (inner, run))
        value = plan.lhs.convert(b, source.read(b, at, tile, ragged), plan.accumulator)
        target.write(b, value, local(b, plan, block, at, False), tile, ragged)

    def line(b: KernelBuilder, at: At) -> None:
        assert inner is not None
        by_sixteen(b, plan, block, inner, lambda b, k, ragged: copy(b, {**at, inner: k}, ragged))

    if run == 1:
        walk_depth(b, plan, block, plan.block_axes, copy)
    else:
        walk_depth(b, plan, block, plan.block_axes[:-1], line)
