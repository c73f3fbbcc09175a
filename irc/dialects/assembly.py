"""Directives of func's and the kernel dialects' assembly formats: what their `custom<...>` reads and prints."""

from __future__ import annotations

from typing import Any

from irc.ir.assembly import AttrElement, Directive, OperandElement, OpPrinter, directive, read_dictionary
from irc.ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    DictionaryAttr,
    StringAttr,
    TypeAttr,
    symbol_text,
)
from irc.ir.op_text import Argument, OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Operation, Region
from irc.ir.types import FunctionType, i64

DYNAMIC = -(2**63)


@directive("Function")
class Function(Directive):
    """`private @f(%x: type {attributes}) -> (type {attributes}) attributes {...} { body }`; no body: a declaration."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        for visibility in ("public", "private", "nested"):
            if r.accept_word(visibility):
                s.attributes["sym_visibility"] = StringAttr(visibility)
        s.attributes["sym_name"] = StringAttr(r.symbol())
        arguments: list[Argument] = []
        argument_attributes: list[dict[str, Attribute]] = []
        r.list_of(lambda: self._argument(r, arguments, argument_attributes), "(", ")")
        results: list[Any] = []
        result_attributes: list[dict[str, Attribute]] = []
        if r.accept("->"):
            self._results(r, results, result_attributes)
        inputs = tuple(a.type for a in arguments)
        s.attributes["function_type"] = TypeAttr(FunctionType(inputs, tuple(results)))
        for key, dictionaries in (("arg_attrs", argument_attributes), ("res_attrs", result_attributes)):
            if any(dictionaries):
                s.attributes[key] = ArrayAttr(tuple(DictionaryAttr(tuple(sorted(d.items()))) for d in dictionaries))
        if r.accept_word("attributes"):
            read_dictionary(r, s)
        if not r.region_follows():
            s.regions.append(Region())
            return
        s.regions.append((yield RegionRequest(arguments)))

    def _argument(self, r: OpReader, into: list[Argument], attributes: list[dict[str, Attribute]]) -> None:
        if not r.peek("%"):
            into.append(Argument("", r.type(), r.pos))
            attributes.append(r.optional_dictionary())
            return
        name, offset = r.name()
        r.expect(":")
        argument = Argument(name, r.type(), offset)
        attributes.append(r.optional_dictionary())
        argument.location = r.optional_location()
        into.append(argument)

    def _results(self, r: OpReader, into: list[Any], attributes: list[dict[str, Attribute]]) -> None:
        def result() -> None:
            into.append(r.type())
            attributes.append(r.optional_dictionary())

        if r.peek("("):
            r.list_of(result, "(", ")")
        else:
            into.append(r.type())
            attributes.append({})

    def print(self, p: OpPrinter, op: Any) -> None:
        attrs = op.attributes
        if op.sym_visibility:
            p.write(f"{op.sym_visibility} ")
        p.write(symbol_text(op.sym_name))
        body: Region = op.body
        inputs = body.arguments if body.blocks else op.type.inputs
        parts = []
        for i, a in enumerate(inputs):
            entry = self._entry(p, attrs.get("arg_attrs"), i)
            if body.blocks:
                parts.append(f"{p.value(a)}: {p.type(a.type)}{entry}{p.location(a.location)}")
            else:
                parts.append(f"{p.type(a)}{entry}")
        p.write(f"({', '.join(parts)})")
        results = [f"{p.type(t)}{self._entry(p, attrs.get('res_attrs'), i)}" for i, t in enumerate(op.type.results)]
        bare = len(results) == 1 and results[0] == p.type(op.type.results[0]) and results[0][0] != "("
        if results:
            p.write(f" -> {results[0]}" if bare else f" -> ({', '.join(results)})")
        shown = ("sym_name", "function_type", "sym_visibility", "arg_attrs", "res_attrs")
        others = {k: v for k, v in attrs.items() if k not in shown}
        if others:
            p.write(f" attributes {p.dictionary(others)}")
        if body.blocks:
            p.write(" ")
            p.region(body, arguments=False)

    def _entry(self, p: OpPrinter, array: Any, index: int) -> str:
        entry = array.value[index] if isinstance(array, ArrayAttr) and index < len(array.value) else None
        return f" {entry}" if isinstance(entry, DictionaryAttr) and entry.value else ""
