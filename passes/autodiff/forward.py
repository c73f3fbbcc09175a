"""Forward mode: each op is followed by ops that say how its results move when its operands do.

The rule of an op is not written twice. Its reverse is linear in the cotangents it starts from, and the
reverse of that with respect to them takes tangents forward; at which cotangents it is taken makes no
difference, so they are zeros, and what reads them is dead. Loops carry tangents beside their values and
keep no stacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from irc.dialects import func
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.ir.builder import Builder
from irc.ir.locations import fuse
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import fresh_copy
from irc.ir.types import TensorType
from irc.passes.autodiff.loops import while_activity
from irc.passes.autodiff.recording import reads
from irc.passes.autodiff.registry import NoGradient, rule_of
from irc.passes.autodiff.rules.control import branch_activity
from irc.passes.autodiff.rules.custom import CUSTOM_JVP, has_rule, rule_name, tangents_by_rule, wanted_inputs
from irc.passes.autodiff.transform import Reverse, copy_into, free_values
from irc.passes.expression import Scope, is_differentiable, zeros_like

TANGENT_OF = '"tangent of"'
"""The metadata of the fused location of an op that forward mode emitted."""


class Forward:
    """Copies ops into a builder with their tangents. `local` maps old values to new ones, `tangents` new
    values to how they move; a value without an entry stands still."""

    def __init__(
        self,
        builder: Builder,
        functions: Mapping[str, Func],
        local: dict[Value, Value],
        tangents: dict[Value, Value],
    ) -> None:
        self.builder = builder
        self.functions = functions
        self.local = local
        self.tangents = tangents
        self.read: dict[Value, None] = {}

    def value(self, old: Value) -> Value:
        return self.local.get(old, old)

    def tangent(self, old: Value, scope: Scope) -> Value:
        """How an old value moves; zeros where it stands still."""
        new = self.value(old)
        return self.tangents.get(new) or zeros_like(scope.of(new)).value

    def moving(self, op: Operation) -> dict[Value, None]:
        """What an old op reads that moves."""
        read = (*op.operands, *free_values(op))
        return {v: None for v in read if self.value(v) in self.tangents}

    def run(self, block: Block) -> None:
        """All ops but the terminator. Tangents are made of results that something reads."""
        self.read = dict.fromkeys(reads(block.operations))
        for op in block.operations[:-1]:
            body = self.inlined(op)
            if body is not None:
                self.inline(op, body)
            elif isinstance(op, hlo.GetTupleElement) and isinstance(op.operand.op, hlo.Tuple):
                self.local[op.result] = self.value(op.operand.op.val[op.index])
            elif self.moving(op) and (special := SPECIAL.get(type(op))) is not None:
                with self.builder.at(op.location):
                    special(self, op)
            else:
                self.plain(op)

    def inlined(self, op: Operation) -> Block | None:
        """The body that takes the place of a call, or of a composite that does not name a rule of its own."""
        match op:
            case func.Call(callee=name):
                pass
            case hlo.Composite(decomposition=name) if not has_rule(op):
                pass
            case _:
                return None
        callee = self.functions.get(name)
        return callee.block if self.moving(op) and callee is not None and not callee.is_declaration else None

    def inline(self, op: Operation, block: Block) -> None:
        inner = dict(zip(block.arguments, map(self.value, op.operands), strict=True))
        body = Forward(self.builder, self.functions, inner, self.tangents)
        body.run(block)
        self.local.update(
            (r, body.value(v)) for r, v in zip(op.results, block.terminator.operands, strict=True)
        )

    def plain(self, op: Operation) -> None:
        made = fresh_copy(op, self.local)
        self.builder.operations.append(made)
        self.local.update(zip(op.results, made.results, strict=True))
        rule = rule_of(type(op))
        if self.moving(op) and not isinstance(rule, NoGradient):
            with self.builder.at(fuse(op.location, metadata=TANGENT_OF)):
                wanted = [m for m, r in zip(made.results, op.results, strict=True) if r in self.read]
                self.transposed(made, wanted)

    def transposed(self, op: Operation, results: Sequence[Value]) -> None:
        """The tangents of a new op's results, by its reverse and the reverse of that."""
        outputs = [r for r in results if isinstance(r.type, TensorType) and is_differentiable(r.type)]
        # A scope for each, since one scope would give equal zeros one constant.
        zeros = [zeros_like(Scope(self.builder).of(r)).value for r in outputs]
        inputs = [o for o in dict.fromkeys(op.operands) if o in self.tangents]
        once = Reverse(Builder(op.location), [op], inputs, self.functions)
        for output, zero in zip(outputs, zeros, strict=True):
            once.add(output, once.scope.of(zero))
        once.run()
        self.builder.operations += once.builder.operations
        again = Reverse(self.builder, once.builder.operations, zeros, self.functions)
        for value in inputs:
            g = once.cotangents.get(value)
            if g is not None:
                again.add(g.value, again.scope.of(self.tangents[value]))
        again.run()
        for output, zero in zip(outputs, zeros, strict=True):
            if zero in again.cotangents:
                self.tangents[output] = again.cotangents[zero].value

    def region(self, region: Region, types: Sequence[Any], body: Callable[..., None]) -> Region:
        """A region with `types` as arguments, the first of which are those of the old one; `body(forward,
        builder, arguments)` fills it."""

        def fill(b: Builder, *arguments: Value) -> None:
            local = {**self.local, **dict(zip(region.arguments, arguments, strict=False))}
            body(Forward(b, self.functions, local, dict(self.tangents)), b, arguments)

        return self.builder.region(types, fill)


def branch(forward: Forward, op: Any) -> None:
    """Each branch also returns the tangents of its results."""
    flows = [i for i, f in enumerate(branch_activity(op, forward.moving(op))) if f]

    def body(inner: Forward, b: Builder, arguments: Sequence[Value], block: Block) -> None:
        inner.run(block)
        returned, scope = block.terminator.operands, Scope(b)
        b.emit(hlo.Return([*map(inner.value, returned), *(inner.tangent(returned[i], scope) for i in flows)]))

    regions = [
        forward.region(r, [], lambda inner, b, arguments, block=r.block: body(inner, b, arguments, block))
        for r in op.regions
    ]
    made = type(op)(forward.value(op.operands[0]), regions=regions)
    finish(forward, op, made, flows)


def loop(forward: Forward, op: Any) -> None:
    """The loop also carries the tangents of what moves."""
    flows = [i for i, f in enumerate(while_activity(op, forward.moving(op))) if f]
    scope = Scope(forward.builder)
    starts = [*map(forward.value, op.operands), *(forward.tangent(op.operands[i], scope) for i in flows)]
    types = [v.type for v in starts]
    count = len(op.operands)

    def condition(inner: Forward, b: Builder, arguments: Sequence[Value]) -> None:
        copy_into(b, op.cond.operations, inner.local)

    def body(inner: Forward, b: Builder, arguments: Sequence[Value]) -> None:
        inner.tangents.update(zip((arguments[i] for i in flows), arguments[count:], strict=True))
        inner.run(op.body.block)
        returned, own = op.body.block.terminator.operands, Scope(b)
        b.emit(hlo.Return([*map(inner.value, returned), *(inner.tangent(returned[i], own) for i in flows)]))

    regions = [forward.region(op.cond, types, condition), forward.region(op.body, types, body)]
    finish(forward, op, hlo.While(starts, regions=regions), flows)


def composite(forward: Forward, op: Any) -> None:
    """One that says how its results move is followed by that; any other is transposed twice."""
    if rule_name(op, CUSTOM_JVP) is None:
        forward.plain(op)
        return
    made = fresh_copy(op, forward.local)
    forward.builder.operations.append(made)
    forward.local.update(zip(op.results, made.results, strict=True))
    with forward.builder.at(fuse(op.location, metadata=TANGENT_OF)):
        scope = Scope(forward.builder)
        moves = [forward.tangent(op.operands[i], scope) for i in wanted_inputs(op)]
        found = tangents_by_rule(forward.functions, forward.builder, op, made, moves)
    outputs = [r for r in made.results if is_differentiable(r.type)]
    forward.tangents.update(zip(outputs, found, strict=True))


def finish(forward: Forward, op: Operation, made: Operation, flows: Sequence[int]) -> None:
    """Puts `made` in the place of `op`; its last results are the tangents of those numbered `flows`."""
    forward.builder.emit(made)
    count = len(op.results)
    forward.local.update(zip(op.results, made.results, strict=False))
    forward.tangents.update(zip((made.results[i] for i in flows), made.results[count:], strict=True))


SPECIAL: dict[type[Operation], Callable[[Forward, Any], None]] = {
    hlo.If: branch,
    hlo.Case: branch,
    hlo.While: loop,
    hlo.Composite: composite,
}
