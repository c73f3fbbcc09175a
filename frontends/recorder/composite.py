"""Recorded functions as functions of the program, and composites of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func, Return
from irc.frontends.recorder.functions import keep
from irc.ir.attributes import Attribute, DictionaryAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import TensorType
from irc.passes.autodiff.rules.custom import UNDIFFERENTIABLE


def function_of(
    name: str,
    types: Sequence[TensorType],
    fill: Callable[[Builder, list[Value]], Sequence[Value]],
    refusal: Attribute | None = None,
) -> str:
    """The name of a private function of arguments of these types: `fill` emits its ops and gives its results. With a
    `refusal` they are behind a composite that has no gradient, for that reason."""
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    builder = Builder()
    results = list(fill(builder, arguments))
    builder.emit(Return(results))
    made = keep(Func.of(name, Block(arguments, builder.operations), visibility="private"))
    if refusal is None:
        return made
    given = [r.type for r in results]
    return function_of(
        name, types, lambda b, xs: composite(b, name, xs, made, given, {UNDIFFERENTIABLE: refusal})
    )


def composite(
    b: Builder,
    name: str,
    operands: Sequence[Value],
    decomposition: str,
    types: Sequence[TensorType],
    attributes: Mapping[str, Attribute],
) -> tuple[Value, ...]:
    """Emits a composite of a kept function; gives its results."""
    made = hlo.Composite(
        operands,
        name=f"irc.{name}",
        decomposition=decomposition,
        composite_attributes=DictionaryAttr(tuple(sorted(attributes.items(), key=lambda item: item[0]))),
        result_types=types,
    )
    b.emit(made)
    return made.results


def symbol(name: str) -> str:
    """A Python function's name as one of the program's."""
    return re.sub(r"\W+", "_", name).strip("_") or "custom"
