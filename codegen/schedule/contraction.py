"""Tiles of a contraction on the CPU: how many rows and vectors a tile has, how depth is blocked, what is packed, how
work is cut into tickets. Everything follows from shapes and strides; no choice changes a bit of the result.

The register file holds a tile of `mr` rows by `nv` vectors, `nv` vectors of the right side and a broadcast element of
the left: 6x64 for f32 in 32 registers of 512 bits. Two fused multiply-adds start each cycle and take four, so a
tile of fewer than eight accumulators waits for itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from irc.errors import IrcError
from irc.ir.attributes import Attribute, BoolAttr, DictionaryAttr, IntegerAttr, StringAttr
from irc.ir.extents import at_most, ceildiv
from irc.ir.types import i64

MEGA = 1 << 20
PAGE = 4096
_SEQUENTIAL_FLOPS = 25e5  # some 10 to 20 microseconds: less is not worth waking a thread
_FLOPS_OF_BYTE = 3  # in the time that a byte of the right side takes to come from the caches
_FLOPS_OF_LANE_PRODUCT = 4  # in the time of a product that loads both its factors
_TICKET_FLOPS = 4e6
_MAX_TICKETS = 32
_BLOCK_BYTES = MEGA // 2  # of the right side: half of a second-level cache
_FETCHED_BYTES = 2 * MEGA  # of the left side: more than a second-level cache
LARGE, LARGE_ROWS, LARGE_BYTES = 1000, 256, 2 * MEGA
"""A size that stands for large ones, and from how many rows and bytes of the right side on it is worth packing."""
_STRIP = 512  # bytes of a row of the right side that one ticket reads at least
_PACKED_ROWS = 192  # rows of a ticket that packs for itself
_FEW_ROWS = 128
_STREAM_STEPS = 8
_TURNED_ROWS = 4


@dataclass(frozen=True, slots=True)
class Problem:
    """What a schedule depends on. Strides and pitches are in bytes."""

    batch: int
    rows: tuple[int, ...]
    """Extents of the row axes, in the result's memory order."""
    lanes: int
    depth: tuple[int, ...]
    lane_kind: str
    """`column`: lanes lie along columns of rhs. `batch`: along an axis that both operands have (depthwise)."""
    vector_lanes: int
    registers: int
    element_bytes: int
    rhs_contiguous: bool
    rhs_pitch: int
    """Between neighbours along the last axis of depth."""
    rhs_dense: bool
    """Along some axis of depth, one row of rhs begins where the last one ended."""
    rhs_lane_pitch: int
    """Between neighbours along lanes."""
    rhs_turns: bool
    """The last axis of depth is contiguous in rhs (and lanes are not)."""
    lhs_pitch: int
    """Between neighbouring rows of a tile."""
    narrow: bool = False
    """The operands are narrower than the accumulator, and converted when read."""

    @property
    def row_count(self) -> int:
        return math.prod(self.rows)

    @property
    def depth_count(self) -> int:
        return math.prod(self.depth)

    @property
    def streams(self) -> bool:
        """Few rows against a right side past the caches: each part of the rows would read all of it again."""
        many = self.depth_count * self.lanes * self.element_bytes >= 4 * MEGA
        return many and self.row_count <= max(_FEW_ROWS, self.lanes - 1)

    @property
    def flops(self) -> float:
        """What decides about tickets: floating-point operations, or as many as take the time that loads take."""
        right = float(self.batch * self.lanes * self.depth_count)
        if self.lane_kind == "batch":
            return _FLOPS_OF_LANE_PRODUCT * 2.0 * right * self.row_count
        return right * max(2.0 * self.row_count, _FLOPS_OF_BYTE * self.element_bytes)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The attribute `irc.schedule` of a contraction kernel; edit it and compile from there.

    mr, nv: rows and vectors of a tile. kc: steps of depth between stores of the accumulators. bc, mc, nc: matrices,
    rows and lanes of one ticket. pack_b: `none`, `block` (by each ticket, a block at a time), `all` (once,
    before) or `turn` (nothing is packed: 16x16 squares are transposed in registers). pack_a: rows are copied to a
    buffer first. order: what the inner loop over tiles walks, `rows` or `lanes`. prefetch: while a tile is computed,
    the rows and the results of the next one are fetched into the caches; with `turn`, the right side a few lines ahead."""

    mr: int
    nv: int
    kc: int
    bc: int
    mc: int
    nc: int
    pack_b: str = "none"
    pack_a: bool = False
    order: str = "rows"
    prefetch: bool = False

    def attribute(self) -> DictionaryAttr:
        entries = [(f.name, _encode(getattr(self, f.name))) for f in fields(self)]
        return DictionaryAttr(tuple(sorted(entries, key=lambda e: e[0])))

    def edited(self, attribute: DictionaryAttr) -> Schedule:
        """This schedule with the fields that a hand-written attribute names. Raises IrcError for one that makes no sense."""
        given = {name: getattr(value, "value", None) for name, value in attribute.value}
        for name, value in given.items():
            if not _makes_sense(name, value):
                raise IrcError(f"irc.schedule has no field {name} = {value} for a contraction")
        return replace(self, **given)  # type: ignore[arg-type]


_CHOICES = {
    "pack_b": ("none", "block", "all", "turn"),
    "order": ("rows", "lanes"),
    "pack_a": (True, False),
    "prefetch": (True, False),
}


def _makes_sense(name: str, value: object) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    known = name in {f.name for f in fields(Schedule)}
    return known and isinstance(value, int) and not isinstance(value, bool) and value > 0


def _encode(value: object) -> Attribute:
    match value:
        case bool():
            return BoolAttr(value)
        case int():
            return IntegerAttr(value, i64)
    return StringAttr(str(value))


@dataclass(frozen=True, slots=True)
class RowPlan:
    """Tiles over the row axes: the last `whole` axes lie in a tile entirely; the axis before them, if any, is cut into
    `count` tiles of `size` or, from tile `large` on, `size - 1`; further axes are loops. Where that axis's extent is not
    known, tiles have `size` rows as long as there are so many left, and the rest is in smaller ones."""

    whole: int
    inner: int
    extent: int
    size: int
    count: int
    large: int

    @property
    def has_split(self) -> bool:
        return self.extent != 0


def row_plan(extents: tuple[int, ...], mr: int) -> RowPlan:
    """Balanced tiles of at most `mr` rows: 64 rows by 6 are nine tiles of 6 and two of 5."""
    whole, inner = 0, 1
    while whole < len(extents) and at_most(inner * extents[len(extents) - 1 - whole], mr):
        inner *= extents[len(extents) - 1 - whole]
        whole += 1
    if whole == len(extents):
        return RowPlan(whole, inner, 0, 1, 1, 1)
    extent = extents[len(extents) - 1 - whole]
    if not isinstance(extent, int):
        size = max(1, mr // inner)
        return RowPlan(whole, inner, extent, size, ceildiv(extent, size), extent // size)
    count = -(-extent // max(1, mr // inner))
    size = -(-extent // count)
    return RowPlan(whole, inner, extent, size, count, extent - count * (size - 1))


def rows_of_ticket(row_flops: float, pack_b: str) -> int:
    """Rows of one ticket where nobody knows how many rows there are: as many as are worth a ticket."""
    return max(int(_TICKET_FLOPS // max(row_flops, 1.0)), _PACKED_ROWS if pack_b == "block" else 1)


def one_element_each(depth: int) -> Schedule:
    """A ticket for each element of the result, which runs through all of depth."""
    return Schedule(1, 1, max(depth, 1), 1, 1, 1)


def default_schedule(p: Problem) -> Schedule:
    """The schedule for a problem, by shape alone."""
    pack_b = _packing(p)
    mr, nv = (max(1, p.row_count), _turned_vectors(p)) if pack_b == "turn" else _tile(p)
    width = nv * p.vector_lanes
    kc = max(p.depth_count, 1) if pack_b == "turn" else _depth_block(p, pack_b)
    streams = kc <= _STREAM_STEPS < p.depth_count
    # A block of the right side that stays in the second-level cache serves all rows of a ticket.
    most = p.lanes if streams else max(width, _BLOCK_BYTES // (kc * p.element_bytes) // width * width)
    bc, mc, nc = _tickets(p, mr, width, pack_b, most)
    pack_a = p.narrow and p.lane_kind == "column" and pack_b != "turn"
    prefetch = not pack_a and _fetches(p, pack_b)
    return Schedule(mr, nv, kc, bc, mc, nc, pack_b, pack_a, "lanes", prefetch)


def _fetches(p: Problem, pack_b: str) -> bool:
    """Whether each panel of the right side sees the left side come from past the second-level cache again, or the right
    side that is turned comes from there, in more streams than the processor follows by itself."""
    if pack_b == "turn":
        least = 8 * MEGA if p.rhs_lane_pitch % PAGE == 0 else MEGA
        return p.row_count == 1 and p.lanes * p.depth_count * p.element_bytes >= least
    whole = p.row_count * p.depth_count * p.element_bytes
    return p.lane_kind == "column" and len(p.depth) == 1 and whole >= _FETCHED_BYTES


def _turned_vectors(p: Problem) -> int:
    """Two blocks of eight steps at a time hide the products' latency; where rows of the right side fall into one set of
    the first-level cache, one block of sixteen, which takes whole lines."""
    return 2 if p.row_count == 1 and p.rhs_lane_pitch % PAGE else 1


_TILES = {
    32: ((6, 4), (8, 3), (14, 2), (14, 1), (12, 2), (10, 2), (10, 1), (4, 5), (3, 6), (3, 7), (2, 8), (1, 8)),
    16: ((6, 2), (4, 3), (12, 1), (10, 1), (2, 6), (1, 8)),
}
"""Rows and vectors of tiles that leave room for a row of the right side and one element in so many registers."""
_CLOSE = 1.05
"""The first tile is taken where none is better by more: few rows suit long rows that lie a power of two apart."""


def _tile(p: Problem) -> tuple[int, int]:
    """The tile with the fewest estimated cycles."""
    vectors = max(1, -(-p.lanes // p.vector_lanes))
    usable = [(mr, nv) for mr, nv in _TILES[p.registers] if nv <= vectors]
    if p.lhs_pitch % PAGE == 0 and p.row_count > 1:
        # All rows of a tile lie in one set of the first-level cache, which has so many ways.
        usable = [(mr, nv) for mr, nv in usable if mr <= (8 if vectors >= 4 else 10)]
    if p.registers == 32 and p.lhs_pitch == p.element_bytes and p.depth_count >= 128 and vectors >= 8:
        # Rows lie in one line for each step of depth, which a taller tile takes more of.
        usable = [(mr, nv) for mr, nv in usable if mr >= 12]
    cycles = {tile: _cycles(p, *tile, vectors) for tile in usable}
    best = min(usable, key=lambda tile: cycles[tile])
    first = usable[0]
    return first if cycles[first] <= _CLOSE * cycles[best] else best


def _cycles(p: Problem, mr: int, nv: int, vectors: int) -> float:
    """Cycles of all tiles for one step of depth, with each tile's fixed cost spread over its depth."""
    plan = row_plan(p.rows, mr)
    outer = p.row_count / (plan.inner * max(plan.extent, 1))
    heights = [(plan.size * plan.inner, plan.large), ((plan.size - 1) * plan.inner, plan.count - plan.large)]
    widths = [(nv, vectors // nv), (vectors % nv, 1 if vectors % nv else 0)]
    total = 0.0
    for rows, many in heights:
        for width, across in widths:
            if many and across:
                total += many * across * _tile_cycles(p, rows, width)
    return outer * total


def _tile_cycles(p: Problem, rows: int, width: int) -> float:
    products = rows * width
    loads = products + width if p.lane_kind == "batch" else rows + width
    fixed = 20 + 2 * products
    return max(max(products, 8) / 2, loads / 2) + width / 4 + fixed / max(p.depth_count, 1)


def _packing(p: Problem) -> str:
    """What to do with a right side whose rows are not contiguous, far apart, or too many for the caches."""
    if p.lane_kind == "batch" or p.depth_count == 0 or p.lanes == 1:
        return "none"
    rows, size = p.row_count, p.depth_count * p.lanes * p.element_bytes
    if not p.rhs_contiguous:
        if rows <= _TURNED_ROWS and p.rhs_turns and not p.narrow:
            return "turn"
        return "all" if rows > 256 and p.depth_count <= 8192 and not p.streams else "block"
    aliased = p.rhs_pitch % PAGE == 0 and p.depth_count >= 16 and p.lanes * p.element_bytes >= PAGE // 8
    scattered = p.rhs_pitch > PAGE and p.rhs_pitch > p.lanes * p.element_bytes and p.depth_count >= 64
    if scattered and rows >= 12:
        return "block"
    # Where one ticket takes all rows, what it packs stays in its cache.
    packed = "all" if rows >= LARGE_ROWS and not p.streams else "block"
    if (aliased and rows >= 96) or (p.narrow and rows >= 24):  # what is narrow is converted once
        return packed
    return packed if size >= LARGE_BYTES and rows >= LARGE_ROWS else "none"


def _depth_block(p: Problem, pack_b: str) -> int:
    depth = p.depth_count
    size = depth * p.lanes * p.element_bytes
    if p.row_count <= 4 and p.rhs_contiguous and size >= MEGA // 4 and p.lane_kind == "column":
        # From a third-level cache, fewer rows at a time come faster.
        return _STREAM_STEPS // 2 if 2 * MEGA <= size < 8 * MEGA else _STREAM_STEPS
    limit = 2048
    if p.lanes > 128 or pack_b == "block" or depth > 2048:
        limit = 512 if pack_b == "none" else 1024
    if p.rhs_pitch > PAGE and pack_b == "block" and len(p.depth) > 1:
        limit = 128
    if depth <= limit * 3 // 2:
        return max(depth, 1)
    return -(-depth // -(-depth // limit))


def _even(tickets: int) -> int:
    """Of few tickets an even number, so that two threads end together."""
    return max(2, tickets + tickets % 2)


def _tickets(p: Problem, mr: int, width: int, pack_b: str, most: int) -> tuple[int, int, int]:
    """(matrices, rows, lanes) of a ticket; at most `most` lanes.

    Where each ticket packs for itself, or the right side comes from memory for few rows, lanes are cut first and rows
    only in large parts; otherwise rows come first."""
    panels = -(-p.lanes // width)
    wanted = 1 if p.flops < _SEQUENTIAL_FLOPS else _even(min(_MAX_TICKETS, round(p.flops / _TICKET_FLOPS)))
    batches = min(wanted, max(p.batch, 1))
    bc = -(-max(p.batch, 1) // batches)
    rest = -(-wanted // batches)
    fewest = -(-p.lanes // most)
    # Panels worth touching a row's page for; where some axis of depth runs on from row to row, rows are no pages apart.
    strip = 1 if p.rhs_dense else max(1, -(-_STRIP // (width * p.element_bytes)))
    by_lanes = max(fewest, min(max(1, panels // strip), rest))
    least_rows = p.row_count if p.streams and by_lanes > 1 else _PACKED_ROWS if pack_b == "block" else 4 * mr
    if pack_b != "block" and p.row_count > 2 * mr and not p.streams:
        by_rows = min(-(-rest // fewest), max(1, p.row_count // (2 * mr)))
        by_lanes = max(fewest, min(-(-rest // by_rows), max(1, panels // strip)))
    else:
        by_rows = min(-(-rest // by_lanes), max(1, p.row_count // least_rows))
    return bc, -(-p.row_count // by_rows), -(-panels // by_lanes) * width
