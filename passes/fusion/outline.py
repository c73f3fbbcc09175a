"""Turns planned groups into private functions and calls, in an order in which every value is made before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.ir.attributes import StringAttr
from irc.ir.locations import fuse
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import TensorType
from irc.passes.fusion.groups import Group, Limits, Planner, inner_operands, users_of
from irc.passes.fusion.reasons import Edge, EdgeRemark, Reason
from irc.passes.fusion.recompute import Recomputation, reached
from irc.passes.manager import Remark

_WITH_CONSTANTS = (hlo.ReduceWindow, hlo.SelectAndScatter)
"""Ops whose kernel wants to know its initial value."""


class Outliner:
    """Makes the fusions of one module; `fusions` collects their functions, `remarks` says why each edge is fused or not."""

    def __init__(self, module: Module, limits: Limits, remarks: list[Remark]) -> None:
        self.limits = limits
        self.remarks = remarks
        self.names = dict.fromkeys(module.symbols)
        self.fusions: list[Func] = []

    def function(self, func: Func) -> Func:
        return func.with_block(self.block(func.block, {}))

    def block(self, block: Block, known: dict[Value, Value]) -> Block:
        """The block with its groups outlined; `known` maps values of enclosing blocks."""
        return _BlockOutliner(self, block, dict(known)).run()

    def name(self, ops: Sequence[Operation]) -> str:
        """`fused_dot_general_add`, from the ops that name the computation best."""
        words = list(dict.fromkeys(op.mnemonic for op in ops if not isinstance(op, hlo.Reshape)))
        base = "fused_" + "_".join(words[:3] or ["reshape"])
        name, number = base, 0
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names[name] = None
        return name


@dataclass(frozen=True)
class _Body:
    """What a group's function holds: members and the free ops copied in, in order, and what comes from outside."""

    ops: list[Operation]
    inputs: list[Value]


class _BlockOutliner:
    def __init__(self, owner: Outliner, block: Block, known: dict[Value, Value]) -> None:
        self.owner = owner
        self.block = block
        self.known = known
        self.order = {op: i for i, op in enumerate(block.operations)}
        self.groups: dict[Operation, Group] = {}
        planner = Planner(block.operations, owner.limits)
        for group in planner.run():
            self.groups.update((op, group) for op in group.ops)
        self.edges = planner.edges()
        self.kernels: dict[Group, str] = {}
        self.bodies: dict[Group, _Body] = {}
        self.users = users_of(block.operations, planner.free)
        self.free = planner.free
        self.views = planner.views
        self.copies: dict[Group, dict[Operation, None]] = {}
        if owner.limits.recompute:
            inputs = lambda group: self._make_body(group).inputs  # noqa: E731
            made = Recomputation(block.operations, self.groups, self.users, inputs, self.free)
            self.copies = made.copies
        self.edges = [self._settled(edge) for edge in self.edges]
        self.stored = self._stored()
        self.emitted: list[Operation] = []
        self.done: dict[Operation | Group, None] = {}

    def run(self) -> Block:
        for op in self.block.operations:
            if op in self.groups or op.terminator:
                self._require(op)
        self.owner.remarks += self._remarks()
        return Block(self.block.arguments, self.emitted)

    def _settled(self, edge: Edge) -> Edge:
        """An edge whose value the consumer's kernel computes for itself says so."""
        copied = self.copies.get(self.groups[edge.consumer], {})
        return replace(edge, reason=Reason.RECOMPUTED) if edge.reason and edge.value.op in copied else edge

    def _stored(self) -> dict[Value, None]:
        """The values of groups that others take: what a group reads, and what any other op uses."""
        groups = dict.fromkeys(self.groups[op] for op in self.block.operations if op in self.groups)
        stored = reached((v for group in groups for v in self._inputs(group)), self.free)
        stored.update(
            dict.fromkeys(
                value for value, using in self.users.items() if any(op not in self.groups for op in using)
            )
        )
        return stored

    def _remarks(self) -> list[EdgeRemark]:
        stored = {g: dict.fromkeys(self._results(g)) for g in dict.fromkeys(self.groups.values())}
        counted: dict[Value, None] = {}
        remarks = []
        for edge in self.edges:
            assert edge.value.op is not None
            target = self.groups[edge.consumer]
            source = self.groups.get(edge.value.op, target)
            remarks.append(
                EdgeRemark.of(
                    edge,
                    self.kernels[source],
                    self.kernels[target],
                    self._saved(edge, stored[source], counted),
                )
            )
            counted[edge.value] = None
        return remarks

    def _saved(self, edge: Edge, stored: dict[Value, None], counted: dict[Value, None]) -> int:
        """Bytes of memory that an edge saves, or would save: one read, and the write where nobody else wants the value
        (counted once)."""
        type = edge.value.type
        together = edge.reason in (None, Reason.RECOMPUTED)
        if edge.reason is Reason.VIEW or not isinstance(type, TensorType) or not type.is_static:
            return 0
        alone = edge.value not in stored if together else len(self.users[edge.value]) == 1
        return type.nbytes * (2 if alone and edge.value not in counted else 1)

    # What a function holds

    def body(self, group: Group) -> _Body:
        if group not in self.bodies:
            self.bodies[group] = self._make_body(group)
        return self.bodies[group]

    def _make_body(self, group: Group) -> _Body:
        members = dict.fromkeys(group.ops)
        inputs: dict[Value, None] = {}
        stack = list(group.ops)
        while stack:
            op = stack.pop()
            for value in op.operands:
                source = value.op
                if source is not None and source in members:
                    continue
                if source is not None and self._copied(group, source):
                    members[source] = None
                    stack.append(source)
                else:
                    inputs[value] = None
        ops = sorted(members, key=self.order.__getitem__)
        wanted = dict.fromkeys(v for op in ops for v in op.operands if v in inputs)
        return _Body(ops, list(wanted))

    def _copied(self, group: Group, source: Operation) -> bool:
        """Whether an op of no group, or of another one, becomes part of the group's function."""
        if source in self.copies.get(group, {}):
            return True
        if source not in self.free:
            return False
        if source in self.views:
            return True
        if group.kind == "single":
            return False
        if group.kind in ("attention", "depthwise"):
            products = hlo.DotGeneral | hlo.Convolution
            return not any(
                v.op is source for op in group.ops if isinstance(op, products) for v in op.operands
            )
        center = group.ops[0]
        if group.kind in ("loop", "row") or not any(v.op is source for v in center.operands):
            return True
        # What the center takes comes from memory, whoever else in the group uses it; but its initial value is known.
        initial = center.operands[len(center.operands) - len(center.results) :]
        known = isinstance(source, hlo.Constant) and all(v in initial for v in source.results)
        elsewhere = any(v.op is source for v in center.operands[: -len(center.results)])
        return known and not elsewhere and isinstance(center, _WITH_CONSTANTS)

    def _results(self, group: Group) -> list[Value]:
        """The group's values that others use."""
        return [r for op in group.ops for r in op.results if r in self.stored]

    # Emission

    def _require(self, op: Operation) -> None:
        """Emits an op or its group after everything it needs; iterative, so that depth does not matter."""
        stack: list[tuple[Operation, bool]] = [(op, False)]
        while stack:
            at, ready = stack.pop()
            unit = self.groups.get(at, at)
            if unit in self.done:
                continue
            if ready:
                self.done[unit] = None
                self._emit(unit)
            else:
                stack.append((at, True))
                stack.extend((v.op, False) for v in reversed(self._inputs(unit)) if v.op in self.order)

    def _inputs(self, unit: Operation | Group) -> list[Value]:
        if isinstance(unit, Group):
            captured = [
                v for op in unit.ops for v in inner_operands(op) if v.op is not None and v.op in self.order
            ]
            return [*self.body(unit).inputs, *captured]
        return [*unit.operands, *(v for v in inner_operands(unit) if v.op is not None and v.op in self.order)]

    def _emit(self, unit: Operation | Group) -> None:
        if isinstance(unit, Operation):
            self._emit_alone(unit)
            return
        body = self.body(unit)
        self.kernels[unit] = unit.ops[0].mnemonic
        if not self._results(unit) and all(op.pure and op.results for op in unit.ops):
            return  # whoever wants what it makes computes it
        if len(body.ops) == 1:
            self._emit_alone(body.ops[0])
        else:
            self._emit_call(unit, body)

    def _emit_alone(self, op: Operation) -> None:
        operands = [self.known.get(v, v) for v in op.operands]
        regions = op.regions
        if isinstance(op, hlo.While | hlo.If | hlo.Case):
            regions = tuple(Region([self.owner.block(r.block, self.known)]) for r in op.regions)
        if regions is op.regions and all(a is b for a, b in zip(operands, op.operands, strict=True)):
            self.emitted.append(op)
            return
        made = op.with_operands(operands, regions)
        self.known.update(zip(op.results, made.results, strict=True))
        self.emitted.append(made)

    def _emit_call(self, group: Group, body: _Body) -> None:
        inside = dict.fromkeys(body.ops)
        reshapes: list[Operation] = []
        returned: dict[Value, None] = {}
        for value in self._results(group):
            # A reshape at the end is a view of what the kernel writes.
            while value.op is not None and isinstance(value.op, hlo.Reshape) and value.op in inside:
                reshapes.append(value.op)
                value = value.op.operands[0]
            if value.op is not None and value.op in inside:
                returned[value] = None
        if returned:
            self._call(group, body, list(returned))
        for op in sorted(dict.fromkeys(reshapes), key=self.order.__getitem__):
            self._emit_alone(op)

    def _call(self, group: Group, body: _Body, returned: list[Value]) -> None:
        ops = _needed(body.ops, returned)
        used = dict.fromkeys(v for op in ops for v in op.operands)
        inputs = [v for v in body.inputs if v in used]
        arguments = [Value(v.type, None, i, v.name, v.location) for i, v in enumerate(inputs)]
        inner: dict[Value, Value] = dict(zip(inputs, arguments, strict=True))
        made: list[Operation] = []
        for op in ops:
            copy = op.with_operands([inner[v] for v in op.operands])
            inner.update(zip(op.results, copy.results, strict=True))
            made.append(copy)
        made.append(Return([inner[v] for v in returned]))
        location = fuse(*(op.location for op in group.ops))
        kind = "window" if group.kind == "single" else group.kind
        func = Func.of(
            self.owner.name(group.ops), Block(arguments, made),
            visibility="private", attributes={"irc.kind": StringAttr(kind)}, location=location,
        )  # fmt: skip
        self.owner.fusions.append(func)
        self.kernels[group] = f"@{func.sym_name}"
        call = Call(
            [self.known.get(v, v) for v in inputs],
            callee=func.sym_name,
            result_types=[v.type for v in returned],
            location=location,
        )
        self.known.update(zip(returned, call.results, strict=True))
        self.emitted.append(call)


def _needed(ops: Sequence[Operation], returned: Sequence[Value]) -> list[Operation]:
    """The ops that the results depend on."""
    live = dict.fromkeys(returned)
    kept: list[Operation] = []
    for op in reversed(ops):
        if any(r in live for r in op.results):
            kept.append(op)
            live.update(dict.fromkeys(op.operands))
    return kept[::-1]
