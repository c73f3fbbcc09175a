"""MLIR's func dialect: functions, calls, returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from irc.ir.attributes import ArrayAttr, Attribute, DictionaryAttr, StringAttr, TypeAttr
from irc.ir.fields import ANY, STRING, SYMBOL, TYPE, Attr, Operand, RegionField, Result
from irc.ir.locations import UNKNOWN, Location
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import FunctionType, Type


class Func(Operation, name="func.func"):
    """A function: `func.func private @f(%x: tensor<2xf32> {attr}) -> tensor<2xf32> attributes {...} { ... }`.

    A declaration has a region without blocks. `arg_attrs` and `res_attrs` are arrays of dictionaries, or absent."""

    assembly: ClassVar[str] = "custom<Function>"
    pure: ClassVar[bool] = False
    isolated: ClassVar[bool] = True
    default_dialect: ClassVar[str] = "func"
    sym_name = Attr(STRING)
    function_type = Attr(TYPE)
    sym_visibility = Attr(STRING, optional=True)
    arg_attrs = Attr(ANY, optional=True)
    res_attrs = Attr(ANY, optional=True)
    body = RegionField()

    @staticmethod
    def of(
        name: str,
        body: Block,
        *,
        visibility: str | None = None,
        attributes: dict[str, Attribute] | None = None,
        location: Location = UNKNOWN,
    ) -> Func:
        """A function around a block whose terminator is a `func.return`; the type follows from the block."""
        inputs = tuple(a.type for a in body.arguments)
        results = tuple(o.type for o in body.terminator.operands)
        attrs: dict[str, Attribute] = {
            **(attributes or {}),
            "sym_name": StringAttr(name),
            "function_type": TypeAttr(FunctionType(inputs, results)),
        }
        if visibility:
            attrs["sym_visibility"] = StringAttr(visibility)
        return Func.create((), (), attrs, (Region([body]),), location)

    @property
    def type(self) -> FunctionType:
        return self.function_type

    def check_symbols(self, symbols: Mapping[str, Operation]) -> None:
        """The body's arguments and what it returns are of the function's type."""
        if self.is_declaration:
            return
        given = tuple(a.type for a in self.body.arguments)
        self.check(
            given == self.type.inputs,
            "function_type",
            f"takes {_listed(self.type.inputs)}, its body {_listed(given)}",
        )
        for block in self.body.blocks:
            last = block.operations[-1] if block.operations else None
            if isinstance(last, Return):
                returned = tuple(o.type for o in last.operands)
                if returned != self.type.results:
                    raise last.error(
                        "function_type",
                        f"returns {_listed(returned)}, the function {_listed(self.type.results)}",
                    )

    @property
    def block(self) -> Block:
        return self.body.block

    @property
    def arguments(self) -> tuple[Value, ...]:
        return self.body.block.arguments

    @property
    def returned(self) -> tuple[Value, ...]:
        return self.body.block.terminator.operands

    @property
    def is_declaration(self) -> bool:
        return not self.body.blocks

    def argument_attribute(self, index: int, name: str) -> Attribute | None:
        """One attribute of one argument, or None."""
        return _entry(self.arg_attrs, index, name)

    def result_attribute(self, index: int, name: str) -> Attribute | None:
        """One attribute of one result, or None."""
        return _entry(self.res_attrs, index, name)

    def with_block(self, block: Block) -> Func:
        """The same function with another body; the type follows from it."""
        attrs = dict(self.attributes)
        attrs["function_type"] = TypeAttr(
            FunctionType(
                tuple(a.type for a in block.arguments), tuple(o.type for o in block.terminator.operands)
            )
        )
        return Func.create((), (), attrs, (Region([block]),), self.location)

    def for_results(self, count: int) -> Func:
        """The function before it gets a body that returns `count` values: attributes of results stay with theirs, and
        those that follow have none."""
        given: Any = self.res_attrs
        if not isinstance(given, ArrayAttr):
            return self
        padding = (DictionaryAttr(()),) * (count - len(given.value))
        return self.with_attributes(res_attrs=ArrayAttr((*given.value, *padding)))


def _listed(types: Sequence[Type]) -> str:
    return f"({', '.join(map(str, types))})"


def _entry(array: Any, index: int, name: str) -> Attribute | None:
    if not isinstance(array, ArrayAttr):
        return None
    entry = array.value[index]
    return entry.get(name) if isinstance(entry, DictionaryAttr) else None


class Return(Operation, name="func.return"):
    """Ends a function: its results."""

    assembly: ClassVar[str] = "attr-dict ($values^ `:` type($values)) : (custom<NoValues>())?"
    terminator: ClassVar[bool] = True
    pure: ClassVar[bool] = False
    values = Operand(variadic=True)


class Call(Operation, name="func.call"):
    """A call of a function in the same module. Result types are the callee's and are given."""

    assembly: ClassVar[str] = "$callee `(` $arguments `)` attr-dict `:` functional-type($arguments, results)"
    callee = Attr(SYMBOL)
    arguments = Operand(variadic=True)
    returned = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        return self.result_types

    def check_symbols(self, symbols: Mapping[str, Operation]) -> None:
        """The callee is a function of the module, called with its types."""
        callee = symbols.get(self.callee)
        if not isinstance(callee, Func):
            raise self.error("callee", f"'{self.callee}' does not reference a valid function")
        called = FunctionType(tuple(o.type for o in self.operands), self.result_types)
        self.check(called is callee.type, "callee", f"calls @{self.callee} as {called}, it is {callee.type}")

    def evaluate(self, run: Callable[..., tuple[Any, ...]], *arrays: Any) -> tuple[Any, ...]:
        return run(self.callee, *arrays)
