"""Ops whose meaning stands elsewhere: a named target, or a function of the module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from irc.dialects.func import Func
from irc.dialects.stablehlo.base import TensorOp
from irc.dialects.stablehlo.control import all_pairs_compatible
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run
from irc.dialects.stablehlo.targets import MEANINGS
from irc.errors import UnsupportedError
from irc.ir.attributes import DictionaryAttr
from irc.ir.fields import ANY, BOOL, I32, STRING, SYMBOL, Attr, Operand, RegionField, Result, struct
from irc.ir.locations import span_of
from irc.ir.operation import Operation
from irc.ir.types import Type

_NAMESPACED = re.compile(r"[A-Za-z][\w$]*(\.[A-Za-z_][\w$]*)+")


class CustomCall(TensorOp, name="stablehlo.custom_call"):
    """A call of something outside the program, by name. Those of a known meaning run; others are carried through, and
    refused by name where they would run."""

    assembly: ClassVar[str] = (
        "custom<CustomCallTarget>($call_target_name) `(` $inputs `)` attr-dict `:` functional-type(operands, results)"
    )
    pure: ClassVar[bool] = False
    inputs = Operand(variadic=True)
    call_target_name = Attr(STRING)
    has_side_effect = Attr(BOOL, default=False)
    backend_config = Attr(ANY, optional=True)
    api_version = Attr(I32, default=1)
    called_computations = Attr(ANY, optional=True)
    operand_layouts = Attr(ANY, optional=True)
    result_layouts = Attr(ANY, optional=True)
    output_operand_aliases = Attr(ANY, optional=True)
    result_tilings = Attr(ANY, optional=True)
    returned = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        return self.result_types

    def evaluate(self, *arrays: Array) -> Any:
        known = MEANINGS.get(self.call_target_name)
        if known is None:
            message = f"'{self.name} @{self.call_target_name}' has no reference evaluation"
            raise UnsupportedError(message, span=span_of(self.location))
        return known(self, *arrays)


class Composite(TensorOp, name="stablehlo.composite"):
    """An op made of others: `name` says what it stands for, `decomposition` is the function that computes it.

    C1: the name is `namespace.op`.
    C2: the decomposition is a function of the module.
    C3: it takes the inputs' types.
    C4: it gives the results' types.
    """

    assembly: ClassVar[str] = (
        "$name operands (` ` `(` $composite_regions^ `)`)? attr-dict `:` functional-type(operands, results)"
    )
    inputs = Operand(variadic=True)
    op_name = Attr(STRING, key="name")
    composite_attributes = Attr(struct(DictionaryAttr), default=DictionaryAttr(()))
    decomposition = Attr(SYMBOL)
    version = Attr(I32, default=0)
    composite_regions = RegionField(variadic=True)
    returned = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        named = _NAMESPACED.fullmatch(self.op_name or "") is not None
        self.check(named, "C1", f"has the name {self.op_name!r}, which is not namespace.op")
        return self.result_types

    def check_symbols(self, symbols: Mapping[str, Operation]) -> None:
        """C2 to C4: the decomposition, among the module's symbols."""
        function = symbols.get(self.decomposition)
        if not isinstance(function, Func):
            raise self.error("C2", f"'{self.decomposition}' does not reference a valid function")
        takes, gives = function.type.inputs, function.type.results
        given, got = [v.type for v in self.operands], list(self.result_types)
        self.check(
            all_pairs_compatible(given, takes), "C3", f"gives {given} to a decomposition of {list(takes)}"
        )
        self.check(
            all_pairs_compatible(got, gives), "C4", f"has results {got} of a decomposition to {list(gives)}"
        )

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Any, ...]:
        return run(self.decomposition, *arrays)
