"""Reverse mode: a list of ops is walked backwards, and each op's rule says what its operands' cotangents are.

The cotangent of a complex value is the transpose's, as in JAX (PyTorch's gradient is its conjugate). Zero
cotangents are never made. Every op emitted carries the location of the forward op it came from, fused
under "grad of"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.builder import Builder
from irc.ir.locations import fuse, span_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter, fresh_copy
from irc.passes.autodiff.registry import (
    Accumulate,
    Adjoint,
    Contribution,
    NoGradient,
    PerOperand,
    Refused,
    rule_of,
)
from irc.passes.expression import Expr, Scope, is_differentiable

GRAD_OF = '"grad of"'
"""The metadata of the fused location of an op that autodiff emitted."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Forward ops that compute what an op computed, and keep what its reverse needs; `values` stand for
    its results."""

    operations: tuple[Operation, ...]
    values: tuple[Value, ...]


def gradient(
    builder: Builder,
    outputs: Sequence[Value],
    cotangents: Sequence[Value],
    wrt: Sequence[Value],
    operations: Sequence[Operation],
    functions: Mapping[str, Func] | None = None,
) -> list[Value | None]:
    """Emits into `builder` the ops that take `cotangents` of `outputs` back through `operations` to `wrt`.

    `operations` are in the order they ran; `wrt` may be inputs of theirs or results among them. Returns
    one cotangent for each of `wrt`, of its type; None where no output depends on it. What the emitted ops
    read of `operations` are the residuals (see `residuals`). `functions` are the callees of `func.call`.
    Raises UnsupportedError naming an op that has no gradient."""
    reverse = Reverse(builder, operations, wrt, functions)
    for output, cotangent in zip(outputs, cotangents, strict=True):
        reverse.add(output, reverse.scope.of(cotangent))
    reverse.run()
    return [None if (g := reverse.cotangents.get(v)) is None else g.value for v in wrt]


def residuals(emitted: Sequence[Operation], operations: Sequence[Operation]) -> list[Value]:
    """The results of `operations` that `emitted` reads, in order of first use: what must outlive the
    forward run."""
    made = {r: None for op in operations for r in op.results}
    read = (o for top in emitted for op in top.walk() for o in op.operands)
    return list(dict.fromkeys(v for v in read if v in made))


def free_values(op: Operation) -> list[Value]:
    """Values that the regions of `op` read from outside themselves, in order of first use."""
    if not op.regions:
        return []
    inside: dict[Value, None] = {}
    used: dict[Value, None] = {}
    for inner in op.walk():
        for region in inner.regions:
            for block in region.blocks:
                inside.update((a, None) for a in block.arguments)
        if inner is not op:
            inside.update((r, None) for r in inner.results)
            used.update((o, None) for o in inner.operands)
    return [v for v in used if v not in inside]


def activity(operations: Sequence[Operation], wrt: Sequence[Value]) -> dict[Value, None]:
    """The values through which a derivative with respect to `wrt` flows, `wrt` included."""
    active = {v: None for v in wrt if is_differentiable(v.type)}
    for op in operations:
        rule = rule_of(type(op))
        if isinstance(rule, NoGradient):
            continue
        if isinstance(rule, Adjoint) and rule.activity is not None:
            flows = rule.activity(op, active)
        else:
            through = any(o in active and (rule is None or rule.flows(i)) for i, o in enumerate(op.operands))
            flows = [through or any(v in active for v in free_values(op))] * len(op.results)
        active.update(
            (r, None) for r, f in zip(op.results, flows, strict=True) if f and is_differentiable(r.type)
        )
    return active


class Reverse:
    """One walk backwards. Rules of ops with several results or regions (`Adjoint`) talk to it directly."""

    def __init__(
        self,
        builder: Builder,
        operations: Sequence[Operation],
        wrt: Sequence[Value],
        functions: Mapping[str, Func] | None = None,
        replaced: dict[Operation, Replacement] | None = None,
    ) -> None:
        """With `replaced`, forward ops that a rule wants in another form are put there instead of into
        `builder`; the caller rebuilds the forward list (`splice`)."""
        self.builder = builder
        self.scope = Scope(builder)
        self.operations = operations
        self.functions = functions or {}
        self.active = activity(operations, wrt)
        self.cotangents: dict[Value, Expr] = {}
        self.replaced = replaced

    def add(self, value: Value, contribution: Contribution) -> None:
        """Adds to the cotangent of `value`; nothing happens where no derivative flows."""
        if contribution is None or value not in self.active:
            return
        before = self.cotangents.get(value)
        if isinstance(contribution, Accumulate):
            total = contribution.onto(before)
        else:
            total = contribution if before is None else before + contribution
        assert total.type is value.type, (
            f"cotangent {total.type} of a {value.type} from {self.builder.location}"
        )
        self.cotangents[value] = total

    def run(self) -> None:
        """Takes the cotangents added so far back through all ops."""
        for op in reversed(self.operations):
            gs = [self.cotangents.get(r) for r in op.results]
            if any(g is not None for g in gs):
                with self.builder.at(fuse(op.location, metadata=GRAD_OF)):
                    self._through(op, gs)

    def _through(self, op: Operation, gs: list[Expr | None]) -> None:
        rule = rule_of(type(op))
        if isinstance(rule, NoGradient) or not self.reaches(op):
            return
        if rule is None or isinstance(rule, Refused):
            raise self.refusal(op, f"has no gradient: {'no rule is known' if rule is None else rule.reason}")
        if isinstance(rule, Adjoint):
            rule.apply(self, op, gs)
            return
        (g,) = gs
        assert g is not None
        ans = self.scope.of(op.result)
        operands = tuple(map(self.scope.of, op.operands))
        for i, operand in enumerate(op.operands):
            if operand in self.active:
                if isinstance(rule, PerOperand) and (reason := rule.missing(i)) is not None:
                    raise self.refusal(op, f"has no gradient with respect to operand {i}: {reason}")
                self.add(operand, rule.contribution(i, g, ans, operands))

    def reaches(self, op: Operation) -> bool:
        """Whether `op` reads something that needs a cotangent."""
        return any(o in self.active for o in (*op.operands, *free_values(op)))

    def refusal(self, op: Operation, message: str) -> UnsupportedError:
        """The error that `op` cannot be differentiated, at its line."""
        label = f"{op.name.partition('.')[2]}-vjp"
        return UnsupportedError(f"'{op.name}' op {message}", span=span_of(op.location), constraint=label)

    def replace(self, op: Operation, operations: Sequence[Operation], values: Sequence[Value]) -> None:
        """The reverse of `op` needs `operations`, which compute its results (`values`) and more."""
        if self.replaced is not None:
            self.replaced[op] = Replacement(tuple(operations), tuple(values))
            return
        for made in operations:
            self.builder.emit(made)

    def through(
        self,
        op: Operation,
        operations: Sequence[Operation],
        values: Sequence[Value],
        gs: Sequence[Expr | None],
    ) -> None:
        """Goes back through `operations`, which compute the results of `op` as `values` from its operands."""
        wrt = list(dict.fromkeys(v for v in op.operands if v in self.active))
        inner = Reverse(self.builder, operations, wrt, self.functions, self.replaced)
        for value, g in zip(values, gs, strict=True):
            inner.add(value, g)
        inner.run()
        for value in wrt:
            self.add(value, inner.cotangents.get(value))


def splice(
    rewriter: Rewriter, operations: Sequence[Operation], replaced: Mapping[Operation, Replacement]
) -> None:
    """Replays `operations` with those that were replaced in their new form."""
    for op in operations:
        new = replaced.get(op)
        if new is None:
            rewriter.replay(op)
            continue
        splice(rewriter, new.operations, replaced)
        rewriter.replace(op, [rewriter.value(v) for v in new.values])


def copy_into(
    builder: Builder,
    operations: Sequence[Operation],
    local: dict[Value, Value],
    replaced: Mapping[Operation, Replacement] | None = None,
) -> None:
    """Emits fresh copies of `operations`, operands looked up in `local`, where the results are put as
    well; those that were replaced are copied in their new form."""
    for op in operations:
        new = replaced.get(op) if replaced else None
        if new is None:
            made = fresh_copy(op, local)
            builder.operations.append(made)
            local.update(zip(op.results, made.results, strict=True))
            continue
        copy_into(builder, new.operations, local, replaced)
        local.update((old, local.get(v, v)) for old, v in zip(op.results, new.values, strict=True))


def inline(builder: Builder, block: Block, arguments: Sequence[Value]) -> tuple[Value, ...]:
    """Emits fresh copies of a block's ops with `arguments` for its arguments; returns what its terminator
    returned."""
    local = dict(zip(block.arguments, arguments, strict=True))
    copy_into(builder, block.operations[:-1], local)
    return tuple(local.get(o, o) for o in block.terminator.operands)
