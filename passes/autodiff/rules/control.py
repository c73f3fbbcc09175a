"""Gradients of control flow: the forward op is made again so that it also returns what the reverse reads.

A branch returns its residuals, zeros standing for those of the branches not taken, and the reverse is a
branch on the same predicate. Loops are in `loops.py`."""

from __future__ import annotations

from typing import Any

from irc.dialects import stablehlo as hlo
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.passes.autodiff.loops import loop_vjp, while_activity
from irc.passes.autodiff.recording import Recording, reads, record
from irc.passes.autodiff.registry import defadjoint, nograd
from irc.passes.autodiff.transform import Reverse, activity, copy_into, free_values
from irc.passes.expression import Expr, Scope

nograd("ends a region", hlo.Return)
nograd("orders effects", hlo.AfterAll, hlo.CreateToken)
defadjoint(hlo.While, activity=while_activity)(loop_vjp)


def branch_activity(op: Any, active: dict[Value, None]) -> list[bool]:
    """Which results depend on active values, in any of the branches."""
    flows = [False] * len(op.results)
    captured = [v for v in free_values(op) if v in active]
    for region in op.regions:
        inner = activity(region.operations, captured)
        flows = [f or v in inner for f, v in zip(flows, region.block.terminator.operands, strict=True)]
    return flows


CHECKPOINT = "irc.checkpoint"
"""A branch with this attribute keeps nothing for its reverse, which runs it again."""


@defadjoint(hlo.If, hlo.Case, activity=branch_activity)
def branch_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    if CHECKPOINT in op.attributes and len(op.regions) == 1:
        again_vjp(reverse, op, gs)
        return
    captured = [v for v in free_values(op) if v in reverse.active]
    recordings, found = [], []
    for region in op.regions:
        returned = region.block.terminator.operands
        seeds = [(v, g.value) for v, g in zip(returned, gs, strict=True) if g is not None]
        recording, cotangents = record(reverse, region.block, seeds, {}, captured)
        recording.plan([*reads(recording.emitted), *(g.value for g in cotangents.values())])
        recordings.append(recording)
        found.append(cotangents)
    touched = [v for v in captured if any(v in cotangents for cotangents in found)]
    if not touched:
        return
    kept = keep_branches(reverse, op, recordings)

    regions = []
    for recording, cotangents, saved in zip(recordings, found, kept, strict=True):
        local = dict(zip(recording.saved, saved, strict=True))
        regions.append(reverse.builder.region([], reverse_branch(recording, cotangents, touched, local)))
    types = [v.type for v in touched]
    made = type(op)(op.operands[0], regions=regions, result_types=types)
    reverse.builder.emit(made)
    for value, g in zip(touched, made.results, strict=True):
        reverse.add(value, reverse.scope.of(g))


def again_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """Runs a branch again, on what it read, behind a barrier that lets it begin no sooner than the cotangents are there,
    and goes back through that."""
    block, read = op.regions[0].block, free_values(op)
    present = [i for i, g in enumerate(gs) if g is not None]
    held = hlo.OptimizationBarrier([*read, *(gs[i].value for i in present)])  # type: ignore[union-attr]
    reverse.builder.emit(held)
    builder = Builder(op.location)
    local = dict(zip(read, held.results, strict=False))
    copy_into(builder, block.operations[:-1], local)
    reverse.builder.operations += builder.operations
    wrt = [v for v in read if v in reverse.active]
    inner = Reverse(reverse.builder, builder.operations, [local[v] for v in wrt], reverse.functions)
    for i, g in zip(present, held.results[len(read) :], strict=True):
        end = block.terminator.operands[i]
        inner.add(local.get(end, end), reverse.scope.of(g))
    # On top of what is there already: sums are taken in the order, and so to the bits, of a body that is not run again.
    inner.cotangents.update((local[v], reverse.cotangents[v]) for v in wrt if v in reverse.cotangents)
    inner.run()
    reverse.cotangents.update((v, inner.cotangents[local[v]]) for v in wrt if local[v] in inner.cotangents)


def reverse_branch(
    recording: Recording, cotangents: dict[Value, Expr], touched: list[Value], local: dict[Value, Value]
) -> Any:
    """The body of the backward branch: the cotangents of `touched`, zero where this branch does not use one."""

    def body(b: Builder) -> None:
        recording.copy_reverse(b, local)
        scope = Scope(b)
        gs = []
        for value in touched:
            g = cotangents.get(value)
            gs.append(scope.constant(0, value.type).value if g is None else local.get(g.value, g.value))
        b.emit(hlo.Return(gs))

    return body


def keep_branches(reverse: Reverse, op: Any, recordings: list[Recording]) -> list[list[Value]]:
    """Replaces the op by one that also returns what each branch saves; returns these results, branch by
    branch."""
    count = len(op.results)
    forward = Builder(op.location)
    types = [v.type for recording in recordings for v in recording.saved]
    regions = []
    for recording in recordings:

        def body(b: Builder, recording: Recording = recording) -> None:
            local: dict[Value, Value] = {}
            copy_into(b, recording.block.operations[:-1], local, recording.replaced)
            scope = Scope(b)
            saved: list[Value] = []
            for other in recordings:
                for v in other.saved:
                    saved.append(local.get(v, v) if other is recording else scope.constant(0, v.type).value)
            returned = [local.get(v, v) for v in recording.block.terminator.operands]
            b.emit(hlo.Return([*returned, *saved]))

        regions.append(forward.region([], body))
    made = type(op)(op.operands[0], regions=regions, result_types=[*op.result_types, *types])
    forward.emit(made)
    reverse.replace(op, forward.operations, made.results[:count])
    results = iter(made.results[count:])
    return [[next(results) for _ in recording.saved] for recording in recordings]


@defadjoint(hlo.Tuple)
def tuple_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    """Never reached: a tuple has no cotangent, its elements have."""


@defadjoint(hlo.GetTupleElement)
def get_tuple_element_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    if not isinstance(op.operand.op, hlo.Tuple):
        raise reverse.refusal(op, "has a gradient only where the tuple was made beside it")
    reverse.add(op.operand.op.val[op.index], gs[0])


@defadjoint(hlo.OptimizationBarrier)
def optimization_barrier_vjp(reverse: Reverse, op: Any, gs: list[Expr | None]) -> None:
    present = [(x, g) for x, g in zip(op.operands, gs, strict=True) if g is not None and x in reverse.active]
    made = hlo.OptimizationBarrier([g.value for _, g in present])
    reverse.builder.emit(made)
    for (x, _), result in zip(present, made.results, strict=True):
        reverse.add(x, reverse.scope.of(result))
