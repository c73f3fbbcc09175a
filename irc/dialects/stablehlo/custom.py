"""Ops whose meaning stands elsewhere: a named target, or a function of the module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from irc.dialects.func import Func
from irc.dialects.stablehlo.attributes import OutputOperandAlias
from irc.dialects.stablehlo.base import TensorOp, compatible
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run
from irc.dialects.stablehlo.targets import MEANINGS
from irc.errors import UnsupportedError
from irc.ir.attributes import DictionaryAttr
from irc.ir.fields import ANY, BOOL, I32, STRING, SYMBOL, Attr, Operand, RegionField, Result, struct
from irc.ir.locations import span_of
from irc.ir.operation import Operation
from irc.ir.types import TensorType, TupleType, Type

_NAMESPACED = re.compile(r"[A-Za-z][\w$]*(\.[A-Za-z_][\w$]*)+")


class CustomCall(TensorOp, name="stablehlo.custom_call"):
    """A call of something outside the program, by name. Those of a known meaning run; others are carried through, and
    refused by name where they would run.

    C1: layouts are given for operands and results, or for none.
    C2: there is a layout for each operand, and for each result or part of a tuple.
    C3: values with layouts are not tuples.
    C4: a tensor's layout is a permutation of its dimensions; other values have an empty one.
    C5: an aliased operand exists.
    C6: indices into tuples lead to a part.
    C7: the parts that lie in one place have one type.
    """

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
        self._check_layouts()
        for alias in getattr(self.output_operand_aliases, "value", ()):
            self._check_alias(alias)
        return self.result_types

    @property
    def title(self) -> str:
        """The name and the target."""
        return f"{self.name} @{self.call_target_name}"

    def _check_layouts(self) -> None:
        given, got = self.operand_layouts, self.result_layouts
        message = "Layout attributes should be specified for either both operands and results or none."
        self.check((given is None) == (got is None), "C1", message)
        if given is None or got is None:
            return
        results = self.result_types
        if len(results) == 1 and isinstance(results[0], TupleType):
            results = results[0].elements
        self._check_types_and_layouts([v.type for v in self.operands], given, "operand")
        self._check_types_and_layouts(results, got, "result")

    def _check_types_and_layouts(self, types: Sequence[Any], layouts: Any, what: str) -> None:
        counts = f"{len(types)} != {len(layouts.value)}"
        message = f"Number of {what}s must match the number of {what} layouts, {counts}"
        self.check(len(types) == len(layouts.value), "C2", message)
        for i, (type, layout) in enumerate(zip(types, layouts.value, strict=True)):
            tuples = "Tuple types are not fully supported with layout constraints yet"
            self.check(not isinstance(type, TupleType), "C3", tuples)
            if isinstance(type, TensorType):
                message = f"incorrect layout {layout} for type '{type}', layout must be a permutation of [0, {type.rank})"
                self.check(sorted(layout.array.tolist()) == list(range(type.rank)), "C4", message)
            else:
                message = f"Only tensor types can have non-empty layout: {what} #{i} of type '{type}' has layout {layout}"
                self.check(layout.array.size == 0, "C4", message)

    def _check_alias(self, alias: OutputOperandAlias) -> None:
        name, index = "in the output_operand_alias attribute", alias.operand_index
        message = f"expects operandIndex {name} to be in range [0, {len(self.operands)}); got: {index}."
        self.check(0 <= index < len(self.operands), "C5", message)
        types = self.result_types
        whole = TupleType(types) if len(types) > 1 else types[0]
        given = self._part(self.operands[index].type, "operand_tuple_indices", alias.operand_tuple_indices)
        got = self._part(whole, "output_tuple_indices", alias.output_tuple_indices)
        message = f"shapes mismatch {name}: operand part has type '{given}' and output part has type '{got}'"
        self.check(given is got, "C7", message)

    def _part(self, type: Any, name: str, indices: Sequence[int]) -> Any:
        """What the indices lead to inside a type."""
        for i in indices:
            inside = isinstance(type, TupleType) and 0 <= i < len(type.elements)
            self.check(inside, "C6", f"{name} in the output_operand_alias attribute out of bounds")
            type = type.elements[i]
        return type

    def evaluate(self, *arrays: Array) -> Any:
        known = MEANINGS.get(self.call_target_name)
        if known is None:
            message = f"'{self.title}' has no reference evaluation"
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

    @property
    def mnemonic(self) -> str:
        """Of what it stands for, without its namespace."""
        return str(self.op_name).rpartition(".")[2]

    def infer(self) -> Sequence[Type]:
        named = _NAMESPACED.fullmatch(self.op_name or "") is not None
        message = f'name must be a valid namespaced op name, e.g. "my_namespace.my_op", not {self.op_name!r}'
        self.check(named, "C1", message)
        return self.result_types

    def check_symbols(self, symbols: Mapping[str, Operation]) -> None:
        """C2 to C4: the decomposition, among the module's symbols."""
        function = symbols.get(self.decomposition)
        if not isinstance(function, Func):
            raise self.error("C2", f"'{self.decomposition}' does not reference a valid function")
        takes, gives = function.type.inputs, function.type.results
        self._check_types("C3", "operand", [v.type for v in self.operands], takes)
        self._check_types("C4", "result", self.result_types, gives)

    def _check_types(self, label: str, what: str, given: Sequence[Any], wanted: Sequence[Any]) -> None:
        message = f"has {len(given)} {what}(s), but decomposition has {len(wanted)}"
        self.check(len(given) == len(wanted), label, message)
        for i, (a, b) in enumerate(zip(given, wanted, strict=True)):
            message = f"{what} at index {i} has type '{a}', but decomposition has type '{b}'"
            self.check(compatible(a, b), label, message)

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Any, ...]:
        return run(self.decomposition, *arrays)
