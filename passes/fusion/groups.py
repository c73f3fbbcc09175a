"""Which ops share a kernel: a greedy walk in program order, each op joining the group of one of its operands if it may.

Groups never make a cycle: an op joins a group only if none of its other operands depends on that group."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.extents import at_most
from irc.ir.operation import Operation, Value
from irc.ir.types import TensorType
from irc.passes.dot_products.definition import is_dot_product
from irc.passes.fusion.attention import refusal
from irc.passes.fusion.depthwise import padding_of
from irc.passes.fusion.masks import counted_masks
from irc.passes.fusion.reasons import Edge, Reason
from irc.passes.fusion.views import product_views
from irc.passes.pack import is_packed
from irc.passes.winograd import is_winograd

RESHAPING = (hlo.Reshape, hlo.Transpose, hlo.Slice, hlo.Reverse, hlo.BroadcastInDim)
"""Ops that only say where an element comes from."""
STORING = (hlo.Pad, hlo.Concatenate)
"""Ops that decide where elements are written: the last of their kernel."""
FREE = (hlo.Constant, hlo.Iota, hlo.BroadcastInDim)
"""Ops that cost nothing inside a kernel: copied into every group that uses them."""
BLOCK = 4096
LINE = 16
"""Elements of a run that vectors are worth."""
ROW_BYTES = 1 << 18
"""A row that several passes go over should stay in the second-level cache."""


@dataclass(frozen=True)
class Limits:
    """How large a group may grow: its ops, and those after a contraction or window."""

    max_ops: int
    max_epilogue: int
    attention: bool = False
    """Whether a product, the rows of it and their product may be one kernel."""
    recompute: bool = True
    """Whether a kernel may compute again what costs less to compute than to store and read."""
    views: bool = False
    """Whether products may take parts of tensors where they lie, and turn their results; and kernels count masks themselves."""


@dataclass(eq=False)
class Group:
    """Ops of one kernel, in program order. `shape` is what the kernel iterates over."""

    kind: str
    shape: tuple[int, ...]
    number: int
    ops: list[Operation] = field(default_factory=list)
    depends: int = 0
    """A bit for every group that this one needs, directly or not."""
    reduce: Any = None
    """The first reduction of a row group."""
    closed: bool = False
    """Nothing may join: its last op decides where elements are written."""
    merged: Group | None = None

    @property
    def bit(self) -> int:
        return 1 << self.number


def is_static(op: Operation) -> bool:
    """Whether operands and results are tensors of known shapes."""
    return all(isinstance(v.type, TensorType) and v.type.is_static for v in (*op.operands, *op.results))


def is_loop_op(op: Operation) -> bool:
    """Ops a loop kernel computes element by element."""
    if not is_static(op):
        return False
    if isinstance(op, hlo.Constant):
        return op.value.is_splat
    if isinstance(op, hlo.BitcastConvert):
        return bool(op.operand.type.shape == op.result.type.shape)
    return bool(getattr(op, "elementwise", False)) or isinstance(op, (*RESHAPING, hlo.Iota))


def is_free(op: Operation) -> bool:
    """Ops in no group of their own."""
    return isinstance(op, FREE) and is_loop_op(op)


def inner_operands(op: Operation) -> list[Value]:
    """The operands of the ops inside an op's regions."""
    if not op.regions:
        return []
    return [v for inner in op.walk() if inner is not op for v in inner.operands]


def users_of(operations: Sequence[Operation], free: Container[Operation]) -> dict[Value, list[Operation]]:
    """Who uses each value, seen through free ops: whoever uses a broadcast of a value uses the value."""
    users: dict[Value, list[Operation]] = {}
    for op in operations:
        if op in free:
            continue
        stack = [*op.operands, *inner_operands(op)]
        while stack:
            value = stack.pop()
            users.setdefault(value, []).append(op)
            if value.op is not None and value.op in free:
                stack.extend(value.op.operands)
    return users


def _takes_lines(op: Any) -> bool:
    """Whether a gather's windows are runs of the operand's last dimension, long enough for vectors."""
    d, rank = op.dimension_numbers, op.result.type.rank
    aside = (*d.collapsed_slice_dims, *d.operand_batching_dims)
    last = rank - 1 in d.offset_dims and op.operand.type.rank - 1 not in aside
    return last and op.result.type.shape[-1] >= LINE and not op.start_indices.type.element.is_unsigned


def plan_groups(operations: Sequence[Operation], limits: Limits) -> list[Group]:
    """The groups of a block: every op is in one, but for the terminator and free ops."""
    return Planner(operations, limits).run()


def _holds(shape: Sequence[int], larger: Sequence[int]) -> bool:
    """Whether a shape has at most as many elements as another."""
    return at_most(prod(shape), prod(larger))


class Planner:
    """Plans the groups of one block, and remembers why ops are in different ones."""

    def __init__(self, operations: Sequence[Operation], limits: Limits) -> None:
        self.operations = operations
        self.limits = limits
        self.groups: list[Group] = []
        self.group_of: dict[Operation, Group] = {}
        self.free = dict.fromkeys(op for op in operations if is_free(op))
        """Ops in no group of their own, which are copied into each that uses them."""
        self.views: dict[Operation, None] = {}
        if limits.views:
            self.views = product_views(operations, users_of(operations, self.free))
            self.free.update(self.views)
            self.free.update(counted_masks(operations, self.free))
        self.users = users_of(operations, self.free)
        self.reasons: dict[tuple[Operation, Operation], Reason] = {}

    def run(self) -> list[Group]:
        for op in self.operations:
            if op not in self.free:
                self._place(op)
        if self.limits.attention:
            for group in list(self.groups):
                self._attend(group)
        for group in self.groups:
            if group.merged is None:
                self._take_padding(group)
        return [g for g in self.groups if g.merged is None]

    def _take_padding(self, group: Group) -> None:
        """Merges a padding, which nobody else wants, into the depthwise convolution that it is for."""
        pad = padding_of(group.ops[0]) if group.kind == "contraction" else None
        made = self.group_of.get(pad) if pad is not None else None
        if pad is not None and made is not None and made.ops == [pad] and len(self.users[pad.result]) == 1:
            self._merge(group, made)
            group.kind = "depthwise"

    def _attend(self, last: Group) -> None:
        """Merges a product, the rows that it takes, and the product that those are made of, where they are attention."""
        if last.kind != "contraction" or not isinstance(last.ops[0], hlo.DotGeneral):
            return
        weights = last.ops[0].lhs
        rows = self.group_of.get(weights.op) if weights.op is not None else None
        if rows is None or rows.kind != "row":
            return
        made = {self.group_of[v.op]: None for op in rows.ops for v in op.operands if v.op in self.group_of}
        first = next((g for g in made if g.kind == "contraction"), None)
        if first is None:
            return
        reason = refusal(first.ops, rows.ops, last.ops)
        if reason is None and self._leads_around((first, rows, last)):
            reason = Reason.CYCLE
        pairs = [(a, b) for x, y in ((first, rows), (rows, last)) for a in x.ops for b in y.ops]
        if reason is not None:
            self.reasons.update((pair, reason) for pair in pairs)
            return
        self._merge(last, rows)
        self._merge(last, first)
        last.kind = "attention"

    def _leads_around(self, groups: Sequence[Group]) -> bool:
        """A further group depends on one of these and is needed by another."""
        bits = [g.bit for g in groups]
        return any(
            g not in groups and g.merged is None
            and any(g.depends & bit for bit in bits) and any(other.depends & g.bit for other in groups)
            for g in self.groups
        )  # fmt: skip

    def edges(self) -> list[Edge]:
        """Every use of an op's result by another op of the block, in order, with why the two are not in one group."""
        found: list[Edge] = []
        for op in self.operations:
            if op in self.free or op.terminator:
                continue
            found += [Edge(v, op, None) for v in op.operands if v.op in self.views]
            uses = dict.fromkeys(v for needed in self._needs(op) for v in self._made(needed))
            for value in uses:
                assert value.op is not None
                if isinstance(value.op, hlo.Constant):
                    continue
                fused = self.group_of[value.op] is self.group_of[op]
                reason = None if fused else self.reasons.get((value.op, op), Reason.ELSEWHERE)
                if reason is not None and all(isinstance(o, hlo.Reshape) for o in self.group_of[op].ops):
                    reason = Reason.VIEW
                found.append(Edge(value, op, reason))
        return found

    def _place(self, op: Operation) -> None:
        if op.terminator:
            return
        for producer in self._producers(op):
            reason = self._refusal(producer, op)
            if reason is None and self._would_cycle(producer, op):
                reason = Reason.CYCLE
            if reason is None:
                self._join(producer, op)
                self._merge_siblings(producer, op)
                return
            self.reasons.update(((member, op), reason) for member in producer.ops)
        kind, shape = self._kind(op)
        group = Group(kind, shape, len(self.groups))
        group.closed = isinstance(op, STORING)
        self.groups.append(group)
        self._join(group, op)

    def _kind(self, op: Operation) -> tuple[str, tuple[int, ...]]:
        if not op.results or not is_static(op):
            return "single", ()
        shape = op.results[0].type.static_shape
        if is_loop_op(op) or isinstance(op, STORING):
            return "loop", shape
        if isinstance(op, hlo.Reduce):
            return "row", shape
        is_sum = isinstance(op, hlo.DotGeneral | hlo.Convolution) or is_dot_product(op) or is_packed(op)
        if is_sum or is_winograd(op):
            return "contraction", shape
        if isinstance(op, hlo.ReduceWindow | hlo.SelectAndScatter):
            return "window", shape
        if isinstance(op, hlo.Gather) and _takes_lines(op):
            return "gather", shape
        return "single", shape

    def _made(self, value: Value) -> list[Value]:
        """The results of ops in groups that a value is, or is a broadcast of."""
        found: dict[Value, None] = {}
        stack = [value]
        while stack:
            value = stack.pop()
            if value.op in self.group_of:
                found[value] = None
            elif value.op is not None and value.op in self.free:
                stack.extend(value.op.operands)
        return list(found)

    def _defining(self, value: Value) -> list[Operation]:
        """The ops that compute a value, seen through the free ops on the way."""
        return list(dict.fromkeys(made.op for made in self._made(value) if made.op is not None))

    def _producers(self, op: Operation) -> list[Group]:
        """Groups an op reads from, the latest first."""
        found = {self.group_of[d]: None for v in self._needs(op) for d in self._defining(v)}
        return sorted(found, key=lambda g: -g.number)

    def _needs(self, op: Operation) -> list[Value]:
        return [*op.operands, *inner_operands(op)]

    def _direct(self, group: Group, op: Operation) -> list[Value]:
        """The operands that ops of the group make."""
        return [v for v in op.operands if v.op is not None and self.group_of.get(v.op) is group]

    def _refusal(self, group: Group, op: Operation) -> Reason | None:
        """Why one kernel cannot compute the group and then `op`; None where it can."""
        if isinstance(op, hlo.While | hlo.If | hlo.Case):
            return Reason.CONTROL
        if group.closed:
            return Reason.STORED
        if len(group.ops) >= self.limits.max_ops:
            return Reason.FULL
        if not is_static(op):
            return Reason.EXTENTS
        if not (is_loop_op(op) or isinstance(op, hlo.Reduce | hlo.Pad)):
            return Reason.OWN
        if isinstance(op, hlo.Complex) and group.kind != "loop":
            return Reason.COMPLEX
        if group.kind == "row":
            return self._after_row(group, op)
        if not self._direct(group, op):
            # A row group alone holds what comes back through a broadcast, at the size of its rows.
            return Reason.BROADCAST_ONLY
        match group.kind:
            case "loop":
                return self._after_loop(group, op)
            case "gather":
                return self._after_gather(group, op)
            case "contraction" | "window":
                return self._after_tile(group, op)
        return Reason.PRODUCER

    def _after_loop(self, group: Group, op: Operation) -> Reason | None:
        alone = self._only_used_by(group, op)
        if isinstance(op, hlo.Reduce):
            if not all(v.op is None or self.group_of.get(v.op, group) is group for v in op.inputs):
                return Reason.OUTSIDE
            return None if alone else Reason.USED
        if isinstance(op, hlo.Pad):
            if any(v is op.padding_value for v in self._direct(group, op)):
                return Reason.OWN
            return None if alone else Reason.USED
        shape = op.results[0].type.shape
        if not isinstance(op, RESHAPING):
            return None if shape == group.shape else Reason.SHAPE
        if isinstance(op, hlo.BroadcastInDim) or not _holds(shape, group.shape):
            return Reason.SHAPE
        return None if alone else Reason.USED

    def _after_gather(self, group: Group, op: Operation) -> Reason | None:
        if not isinstance(op, hlo.Reduce):
            return Reason.PRODUCER
        return Reason.SUM if op.inputs[0].type.rank - 1 in op.dimensions else self._after_loop(group, op)

    def _after_row(self, group: Group, op: Operation) -> Reason | None:
        first = group.reduce
        full, kept = first.inputs[0].type.shape, first.results[0].type.shape
        count = prod(full[d] for d in first.dimensions)
        fits = at_most(count, BLOCK) and at_most(count * 4 * len(group.ops), ROW_BYTES * 8)
        rows_in_cache = fits and self._minor(first)
        if isinstance(op, hlo.Reduce):
            same = op.inputs[0].type.shape == full and sorted(op.dimensions) == sorted(first.dimensions)
            return Reason.SUM if not same else None if rows_in_cache else Reason.CACHE
        if not is_loop_op(op) or isinstance(op, RESHAPING):
            return Reason.MOVED
        shape = op.results[0].type.shape
        if shape == kept and kept != full:
            return None if self._only_direct(group, op, kept) else Reason.SHAPE
        if shape != full:
            return Reason.SHAPE
        if not rows_in_cache:
            return Reason.CACHE
        return None if self._broadcasts_fit(group, op) else Reason.ROWS

    def _only_direct(self, group: Group, op: Operation, kept: tuple[int, ...]) -> bool:
        """Operands of the group are per row, not per element."""
        return all(v.type.shape == kept for v in self._direct(group, op))

    def _broadcasts_fit(self, group: Group, op: Operation) -> bool:
        """Row results come back along the dimensions that were kept."""
        first = group.reduce
        rank = len(first.inputs[0].type.shape)
        kept = tuple(d for d in range(rank) if d not in first.dimensions)
        for value in op.operands:
            source = value.op
            if source is None or not isinstance(source, hlo.BroadcastInDim):
                continue
            inside = any(self.group_of[d] is group for d in self._defining(source.operand))
            row = source.operand.type.shape == first.results[0].type.shape
            if inside and not (row and tuple(source.broadcast_dimensions) == kept):
                return False
        return all(v.type.shape == first.inputs[0].type.shape for v in self._direct(group, op))

    def _minor(self, op: Any) -> bool:
        """The reduced dimensions are the last ones."""
        rank = op.inputs[0].type.rank
        return sorted(op.dimensions) == list(range(rank - len(op.dimensions), rank))

    def _after_tile(self, group: Group, op: Operation) -> Reason | None:
        if self.limits.views and isinstance(op, hlo.Transpose) and isinstance(group.ops[0], hlo.DotGeneral):
            return self._turned(group, op)
        if not getattr(op, "elementwise", False):
            return Reason.MOVED if isinstance(op, RESHAPING) else Reason.OWN
        if len(group.ops) > self.limits.max_epilogue:
            return Reason.FULL
        return None if op.results[0].type.shape == group.shape else Reason.SHAPE

    def _turned(self, group: Group, op: Any) -> Reason | None:
        """A product's tiles are written to other places, whole rows of them."""
        rank = op.operand.type.rank
        rows = rank > 1 and op.permutation[-1] == rank - 1 and all(isinstance(n, int) for n in group.shape)
        if not rows or op.operand.type.shape != group.shape:
            return Reason.MOVED
        return None if self._only_used_by(group, op) else Reason.USED

    def _only_used_by(self, group: Group, op: Operation) -> bool:
        """All results of the group are used inside it and by `op`: afterwards `op` alone is its result."""
        for member in group.ops:
            for result in member.results:
                for user in self.users.get(result, ()):
                    if user is not op and self.group_of.get(user) is not group:
                        return False
        return True

    def _would_cycle(self, group: Group, op: Operation) -> bool:
        """Another operand of `op` depends on the group."""
        return any(
            self.group_of[d] is not group and self.group_of[d].depends & group.bit
            for v in self._needs(op)
            for d in self._defining(v)
        )

    def _join(self, group: Group, op: Operation) -> None:
        group.ops.append(op)
        self.group_of[op] = group
        if isinstance(op, hlo.Reduce) and group.reduce is None and group.kind in ("loop", "row", "gather"):
            group.kind, group.reduce = "row", op
        elif group.kind == "loop":
            group.shape = op.results[0].type.shape
        turned = group.kind == "contraction" and isinstance(op, hlo.Transpose)
        group.closed = group.closed or turned or isinstance(op, STORING)
        needs = 0
        for value in self._needs(op):
            for source in self._defining(value):
                other = self.group_of[source]
                if other is not group:
                    needs |= other.depends | other.bit
        self._depend(group, needs)

    def _depend(self, group: Group, needs: int) -> None:
        if needs & ~group.depends:
            group.depends |= needs
            for other in self.groups:
                if other.depends & group.bit:
                    other.depends |= group.depends

    def _merge_siblings(self, group: Group, op: Operation) -> None:
        """Loop groups over the same shape that feed the same op become one, so that what they read is read once."""
        if group.kind != "loop":
            return
        for value in op.operands:
            source = value.op
            other = self.group_of.get(source) if source is not None else None
            if (
                other is None
                or other is group
                or other.kind != "loop"
                or other.closed
                or other.shape != group.shape
            ):
                continue
            if len(group.ops) + len(other.ops) > self.limits.max_ops or self._between(group, other):
                continue
            self._merge(group, other)

    def _merge(self, group: Group, other: Group) -> None:
        """The ops of `other` become part of `group`."""
        order = {o: i for i, o in enumerate(self.operations)}
        group.ops = sorted((*group.ops, *other.ops), key=order.__getitem__)
        for moved in other.ops:
            self.group_of[moved] = group
        other.merged, other.ops = group, []
        for third in self.groups:
            if third.depends & other.bit:
                third.depends = third.depends & ~other.bit | group.bit
        group.depends &= ~group.bit
        self._depend(group, other.depends & ~group.bit)

    def _between(self, a: Group, b: Group) -> bool:
        """Some third group depends on one of them and is needed by the other."""
        return any(
            g is not a and g is not b and g.merged is None
            and ((g.depends & a.bit and b.depends & g.bit) or (g.depends & b.bit and a.depends & g.bit))
            for g in self.groups
        )  # fmt: skip
