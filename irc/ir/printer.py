"""Ops to MLIR text: names of values, indentation, locations. Each op's own text comes from its declared format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from irc.ir.assembly import GENERIC, Format, format_of
from irc.ir.assembly_elements import SEGMENTS
from irc.ir.attributes import Attribute, UnitAttr, dictionary_text, string_text
from irc.ir.locations import UNKNOWN, CallSiteLoc, FusedLoc, Location, NameLoc, TextLoc, fuse
from irc.ir.operation import (
    Block,
    Operation,
    Region,
    UnregisteredOp,
    Value,
    all_operations,
    short_names,
)
from irc.ir.types import FunctionType, result_text

INDENT = "  "
_UNNAMED = re.compile(r"(?:arg)?\d+\Z")
_ILLEGAL = re.compile(r"[^\w$.-]", re.ASCII)


def print_operation(
    op: Operation, *, locations: bool = True, generic: bool = False, text_locations: bool = False
) -> str:
    """The MLIR text of an op and all inside it, closed by a newline.

    `locations`: `loc(#locN)` after each op whose place is known, defined at the end. `text_locations`: the places of ops
    in the text they were read from count as known. `generic`: no op is written in its pretty form."""
    printer = Printer(locations=locations, generic=generic, text_locations=text_locations)
    printer.top(op)
    return printer.text()


class Names:
    """Names of values and blocks: hints where they are free, else numbers, counted as MLIR counts.

    A region's own values are named before those of regions inside it, which start from its counters; regions side by
    side may use the same names, and isolated ones start afresh."""

    def __init__(self) -> None:
        self.values: dict[Value, str] = {}
        self.blocks: dict[Block, str] = {}
        self.used: set[str] = set()
        self.results = 0
        self.arguments = 0

    def name_op(self, op: Operation) -> None:
        """Names all that a top-level op defines and contains."""
        added: list[str] = []
        self._results(op, added)
        self._regions(op)

    def _regions(self, op: Operation) -> None:
        hints = op.regions[-1] if op.regions and format_for(op).shares_arguments else None
        for region in op.regions:
            if region.blocks:
                self._region(region, op.isolated, hints if hints is not None else region)

    def _region(self, region: Region, isolated: bool, hints: Region) -> None:
        counters, outer = (self.results, self.arguments), self.used
        if isolated:
            self.results = self.arguments = 0
            self.used = set()
        added: list[str] = []
        for number, block in enumerate(region.blocks):
            self.blocks[block] = f"bb{number}"
            named = hints.blocks[0].arguments if number == 0 else block.arguments
            for i, argument in enumerate(block.arguments):
                self._argument(argument, named[i].name if i < len(named) else argument.name, added)
            for op in block.operations:
                self._results(op, added)
        for block in region.blocks:
            for op in block.operations:
                if op.regions:
                    self._regions(op)
        self.used.difference_update(added)
        self.used = outer
        self.results, self.arguments = counters

    def _results(self, op: Operation, added: list[str]) -> None:
        results = op.results
        if not results:
            return
        if len(results) == 1:
            self.values[results[0]] = self._result(results[0], added)
            return
        starts = [i for i, r in enumerate(results) if i == 0 or legal_name(r.name)]
        for start, stop in zip(starts, [*starts[1:], len(results)], strict=True):
            name = self._result(results[start], added)
            for i in range(start, stop):
                self.values[results[i]] = name if stop == start + 1 else f"{name}#{i - start}"

    def _result(self, value: Value, added: list[str]) -> str:
        hint = legal_name(value.name)
        if hint:
            return self._unique(hint, added)
        name = f"%{self.results}"
        self.results += 1
        return name

    def _argument(self, value: Value, hint: str, added: list[str]) -> None:
        hint = legal_name(hint)
        if hint:
            self.values[value] = self._unique(hint, added)
            return
        self.values[value] = f"%arg{self.arguments}"
        self.arguments += 1

    def _unique(self, hint: str, added: list[str]) -> str:
        base = name = f"%{hint}"
        n = 0
        while name in self.used:
            name = f"{base}_{n}"
            n += 1
        self.used.add(name)
        added.append(name)
        return name


def legal_name(hint: str) -> str:
    """A hint as it may stand after `%`; empty for none, and for those that look like printed numbers."""
    if not hint or _UNNAMED.match(hint):
        return ""
    name = _ILLEGAL.sub("_", hint)
    return f"_{name}" if name[0].isdigit() else name


def format_for(op: Operation) -> Format:
    """The format of an op; the generic one where its class declares none, or one that does not say all of this op."""
    found = format_of(type(op))
    return GENERIC if found.partial and not found.expresses(op) else found


class Printer:
    """Writes ops, and is what formats and directives print with (assembly.OpPrinter)."""

    def __init__(
        self, *, locations: bool = True, generic: bool = False, text_locations: bool = False
    ) -> None:
        self.out: list[str] = []
        self.indent = ""
        self.locations = locations
        self.is_generic = generic
        self.text_locations = text_locations
        self.names = Names()
        self.parents: list[Operation] = []
        self._types: dict[Any, str] = {}
        self._aliases: dict[Location, str] = {}

    def top(self, op: Operation) -> None:
        """A top-level op; a module's own name goes without its dialect."""
        self.names.name_op(op)
        self._operation(op, op.default_dialect)
        self.out.append("\n")

    def text(self) -> str:
        """All that was written, and the definitions of the locations that it names."""
        definitions = [f"#{name} = loc({self._body(loc)})\n" for loc, name in self._aliases.items()]
        return "".join((*self.out, *definitions))

    # What formats print with.

    def write(self, text: str) -> None:
        self.out.append(text)

    def newline(self) -> None:
        self.out.append(f"\n{self.indent}")

    def value(self, value: Value) -> str:
        return self.names.values.get(value, "%<unknown>")

    def values(self, values: Sequence[Value]) -> str:
        return ", ".join([self.value(v) for v in values])

    def type(self, type: Any) -> str:
        found = self._types.get(type)
        if found is None:
            found = self._types[type] = str(type)
        return found

    def types(self, types: Sequence[Any]) -> str:
        return ", ".join([self.type(t) for t in types])

    def function_type(self, inputs: Sequence[Any], results: Sequence[Any]) -> str:
        if len(results) == 1 and not isinstance(results[0], FunctionType):
            return f"({self.types(inputs)}) -> {self.type(results[0])}"
        return f"({self.types(inputs)}) -> {result_text(tuple(results))}"

    def dictionary(self, attributes: dict[str, Attribute]) -> str:
        if len(attributes) == 1:
            ((name, attr),) = attributes.items()
            if isinstance(attr, UnitAttr) and (name in all_operations() or name in short_names()):
                # `{return}` would read as a region.
                return f"{{{name} = unit}}"
        return dictionary_text(attributes)

    def block(self, block: Block) -> str:
        return f"^{self.names.blocks.get(block, '<unknown>')}"

    def arguments(self, values: Sequence[Value]) -> str:
        """`%a: type, %b: type`, each with its location."""
        return ", ".join(f"{self.value(v)}: {self.type(v.type)}{self.location(v.location)}" for v in values)

    def region(self, region: Region, *, arguments: bool = True, implicit: str = "") -> None:
        """`{ ... }`. Without `arguments` the first block has no label; `implicit` is a terminator left unwritten."""
        self.out.append("{\n")
        outer, self.indent = self.indent, self.indent + INDENT
        for i, block in enumerate(region.blocks):
            if i or (arguments and (block.arguments or self._needs_label(region))):
                listed = f"({self.arguments(block.arguments)})" if block.arguments else ""
                self.out.append(f"{outer}{self.block(block)}{listed}:\n")
            for op in block.operations:
                if op.name == implicit and not op.operands and op is block.operations[-1]:
                    continue
                self.out.append(self.indent)
                self._operation(op, self.parents[-1].default_dialect)
                self.out.append("\n")
        self.indent = outer
        self.out.append(f"{outer}}}")

    def _needs_label(self, region: Region) -> bool:
        """An empty block is told from no block by its label, and a block that is branched to by its name."""
        if len(region.blocks) == 1:
            return not region.blocks[0].operations
        entry = region.blocks[0]
        return any(entry in op.successors for block in region.blocks for op in block.operations)

    # Ops.

    def _operation(self, op: Operation, default_dialect: str) -> None:
        if op.results:
            self.out.append(self._results(op))
        fmt = GENERIC if self.is_generic else format_for(op)
        if fmt is not GENERIC:
            short = default_dialect and op.dialect == default_dialect
            self.out.append(op.name[len(default_dialect) + 1 :] if short else op.name)
        self.parents.append(op)
        fmt.print(self, op)
        self.parents.pop()
        self.out.append(self.location(op.location))

    def _results(self, op: Operation) -> str:
        """`%a, %b:2 = `."""
        groups: dict[str, int] = {}
        for result in op.results:
            name = self.value(result).partition("#")[0]
            groups[name] = groups.get(name, 0) + 1
        return ", ".join(name if n == 1 else f"{name}:{n}" for name, n in groups.items()) + " = "

    def generic(self, op: Operation) -> None:
        """The generic form."""
        self.write(string_text(op.name))
        self.generic_body(op)

    def generic_body(self, op: Operation) -> None:
        """The generic form after the name; declared attributes are properties, others stand in the dictionary."""
        declared: Any = () if isinstance(op, UnregisteredOp) else (*op.attribute_fields, *SEGMENTS)
        properties = {k: v for k, v in op.attributes.items() if k in declared}
        others = {k: v for k, v in op.attributes.items() if k not in declared}
        self.write(f"({self.values(op.operands)})")
        if op.successors:
            self.write(f"[{', '.join(map(self.block, op.successors))}]")
        if properties:
            self.write(f" <{self.dictionary(properties)}>")
        for i, region in enumerate(op.regions):
            self.write(", " if i else " (")
            self.region(region)
        if op.regions:
            self.write(")")
        if others:
            self.write(f" {self.dictionary(others)}")
        self.write(f" : {self.function_type([o.type for o in op.operands], op.result_types)}")

    # Locations.

    def location(self, location: Location) -> str:
        """` loc(#locN)`, or nothing where the place is unknown or locations are hidden."""
        if not self.locations or type(location) is Location:
            return ""
        shown = self._visible(location)
        return "" if type(shown) is Location else f" loc(#{self._alias(shown)})"

    def _visible(self, location: Location) -> Location:
        """The location without what is not to be shown."""
        match location:
            case TextLoc():
                return location.position() if self.text_locations else UNKNOWN
            case NameLoc(child=child):
                return replace(location, child=self._visible(child))
            case FusedLoc(locations=parts, metadata=metadata):
                return fuse(*map(self._visible, parts), metadata=metadata)
            case CallSiteLoc(callee=callee, caller=caller):
                return CallSiteLoc(self._visible(callee), self._visible(caller))
        return location

    def _alias(self, location: Location) -> str:
        """The name of a location; those inside it get theirs before."""
        known = self._aliases.get(location)
        if known is not None:
            return known
        for part in _parts(location):
            if type(part) is not Location:
                self._alias(part)
        name = self._aliases[location] = f"loc{len(self._aliases)}"
        return name

    def _body(self, location: Location) -> str:
        """A location's text, those inside it by their names."""

        def inner(part: Location) -> str:
            return "unknown" if type(part) is Location else f"#{self._aliases[part]}"

        match location:
            case NameLoc(child=child) if type(child) is not Location:
                return f"{string_text(location.name)}({inner(child)})"
            case FusedLoc(locations=parts, metadata=metadata):
                tag = f"<{metadata}>" if metadata else ""
                return f"fused{tag}[{', '.join(map(inner, parts))}]"
            case CallSiteLoc(callee=callee, caller=caller):
                return f"callsite({inner(callee)} at {inner(caller)})"
        return str(location)


def _parts(location: Location) -> tuple[Location, ...]:
    match location:
        case NameLoc(child=child):
            return (child,)
        case FusedLoc(locations=parts):
            return parts
        case CallSiteLoc(callee=callee, caller=caller):
            return callee, caller
    return ()
