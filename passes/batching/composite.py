"""Composites with gradients of their own keep them: what they name becomes functions of all examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects import func
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.attributes import DictionaryAttr, SymbolRefAttr
from irc.ir.builder import Builder
from irc.ir.locations import span_of
from irc.ir.operation import Block, Value
from irc.passes.autodiff.rules.custom import CUSTOM_JVP, CUSTOM_VJP, rule_name, shown_results, wanted_inputs
from irc.passes.batching.batcher import Batcher, control
from irc.passes.expression import is_differentiable, reduce_sum
from irc.passes.symbols import content_named


@control(hlo.Composite)
def composite(b: Batcher, op: Any) -> None:
    """Inputs may differ or not; all results do. The cotangent of an input that is the same for all is the examples' sum."""
    differs = [b.is_batched(v) for v in op.inputs]
    given = dict(op.composite_attributes.value)
    wanted = wanted_inputs(op)
    if (rule := rule_name(op, CUSTOM_VJP)) is not None:
        cotangents = [r for r in shown_results(op) if is_differentiable(r.type)]
        takes = [*differs, *[True] * (len(op.results) + len(cotangents))]
        given[CUSTOM_VJP] = SymbolRefAttr(function(b, op, rule, takes, [differs[i] for i in wanted]))
    if (rule := rule_name(op, CUSTOM_JVP)) is not None:
        moves = [r for r in op.results if is_differentiable(r.type)]
        takes = [*differs, *[True] * len(op.results), *(differs[i] for i in wanted)]
        given[CUSTOM_JVP] = SymbolRefAttr(function(b, op, rule, takes, [True] * len(moves)))
    made = hlo.Composite(
        [b.value(v) for v in op.inputs],
        name=op.op_name,
        version=op.version,
        decomposition=function(b, op, op.decomposition, differs, [True] * len(op.results)),
        composite_attributes=DictionaryAttr(tuple(sorted(given.items(), key=lambda item: item[0]))),
        result_types=[b.wide(r.type) for r in op.results],
    )
    b.builder.emit(made)
    for old, new in zip(op.results, made.results, strict=True):
        b.define(old, new)


def function(b: Batcher, op: Any, name: str, takes: Sequence[bool], gives: Sequence[bool]) -> str:
    """The name of a function for all examples: which arguments and results differ. A result that is to be the same for all
    is the sum of the examples'."""
    old = b.functions.get(name)
    if old is None or old.is_declaration:
        message = f"'{op.title}' names @{name}, which has no body"
        raise UnsupportedError(message, span=span_of(op.location))
    builder = Builder(old.location)
    inner = Batcher(builder, b.size, b.functions)
    arguments = []
    for i, (argument, differs) in enumerate(zip(old.arguments, takes, strict=True)):
        type = b.wide(argument.type) if differs else argument.type
        arguments.append(Value(type, None, i, argument.name, argument.location))
        inner.define(argument, arguments[-1], differs)
    inner.run(old.block.operations[:-1])
    returned = [
        inner.batched(v) if differs else _summed(inner, v)
        for v, differs in zip(old.returned, gives, strict=True)
    ]
    builder.emit(func.Return(returned))
    block = Block(arguments, builder.operations)
    made = content_named(
        Func.of(f"{old.sym_name}_x{b.size}", block, visibility="private", location=old.location)
    )
    b.functions.setdefault(made.sym_name, made)
    return made.sym_name


def _summed(inner: Batcher, old: Value) -> Value:
    return reduce_sum(inner.scope.of(inner.batched(old)), (0,)).value
