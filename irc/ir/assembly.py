"""Declared assembly formats: one declaration, read both ways.

`Operation.assembly` is written in the language of MLIR's `assemblyFormat`: literals in backquotes, `$name` for a declared
operand, attribute or region, `type($x)`, `functional-type(...)`, `attr-dict`, optional groups `( ... $anchor^ ...)?`, and
`custom<Name>(...)` for what a directive registered under that name reads and prints (irc.ir.assembly_elements). Spaces
come out as MLIR's own printers put them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from irc.ir.assembly_elements import (
    AttrDict,
    AttrElement,
    Custom,
    Directive,
    Element,
    FunctionalType,
    Group,
    Literal,
    OperandElement,
    OperandsElement,
    OpPrinter,
    RegionElement,
    ResultElement,
    ResultsElement,
    Space,
    SuccessorElement,
    TypeElement,
    UnitElement,
    directive,
    read_dictionary,
)
from irc.ir.op_text import OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Operation
from irc.ir.types import FunctionType


class Format:
    """The elements of one op class's assembly, in order."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self.elements = tuple(elements)
        self.has_regions = any(e.has_regions for e in elements)
        self.shares_arguments = any(isinstance(e, Custom) and e.directive.shares_arguments for e in elements)
        self.partial = [e for e in elements if isinstance(e, Custom) and e.directive.is_partial]
        shown = frozenset(k for e in elements for k in e.shown_keys())
        for e in elements:
            if isinstance(e, AttrDict):
                e.elided |= shown

    def parse(self, r: OpReader, s: OpState) -> None:
        for e in self.elements:
            e.parse(r, s)

    def steps(self, r: OpReader, s: OpState) -> Steps:
        for e in self.elements:
            if e.has_regions:
                yield from e.steps(r, s)
            else:
                e.parse(r, s)

    def print(self, p: OpPrinter, op: Operation) -> None:
        for e in self.elements:
            e.print(p, op)

    def expresses(self, op: Operation) -> bool:
        """Whether the pretty form says all there is of an op."""
        return all(e.expresses(op) for e in self.partial)


_FORMATS: dict[type[Operation], Format] = {}


def format_of(cls: type[Operation]) -> Format:
    """The compiled format of a class; MLIR's generic form where it declares none."""
    found = _FORMATS.get(cls)
    if found is None:
        found = _FORMATS[cls] = Format(_Compiler(cls).compile()) if cls.assembly else GENERIC
    return found


_TOKEN = re.compile(r"\s*(`[^`]*`|\$\w+|custom<\w+>|[\w-]+|[()?:,^])")


class _Compiler:
    """From the text of a format to its elements, with MLIR's rules for spaces."""

    def __init__(self, cls: type[Operation]) -> None:
        self.cls = cls
        self.tokens = _TOKEN.findall(cls.assembly)
        self.at = 0
        self.want_space = True
        self.after_punctuation = False

    def compile(self) -> list[Element]:
        elements = []
        while self.at < len(self.tokens):
            elements.append(self.element()[0])
        return elements

    def next(self) -> str:
        token: str = self.tokens[self.at]
        self.at += 1
        return token

    def take(self, token: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == token:
            self.at += 1
            return True
        return False

    def element(self) -> tuple[Element, bool]:
        """The next element, and whether it is marked as its group's anchor."""
        if self.take("("):
            return self.group(), False
        element = self.spaced(self.single())
        return element, self.take("^")

    def group(self) -> Group:
        then, anchor = self.members()
        otherwise: list[Element] = []
        if self.take(":"):
            assert self.take("("), self.cls
            otherwise, _ = self.members()
        assert self.take("?") and anchor is not None, f"{self.cls.name}: a group without anchor or '?'"
        return Group(then, otherwise, anchor)

    def members(self) -> tuple[list[Element], Element | None]:
        elements, anchor = [], None
        while not self.take(")"):
            element, anchors = self.element()
            elements.append(element)
            anchor = element if anchors else anchor
        return elements, anchor

    def single(self) -> Element:
        token = self.next()
        if token[0] == "`":
            text = token[1:-1]
            return Space(text) if not text.strip() or text == "\\n" else Literal(text)
        if token[0] == "$":
            return self.variable(token[1:])
        if token.startswith("custom<"):
            return Custom(self.cls, token[7:-1], self.arguments() if self.take("(") else ())
        match token:
            case "attr-dict" | "attr-dict-with-keyword":
                return AttrDict(token.endswith("keyword"))
            case "operands":
                return OperandsElement()
            case "results":
                return ResultsElement()
            case "type":
                return TypeElement(self.arguments_of_directive()[0])
            case "functional-type":
                inputs, results = self.arguments_of_directive()
                return FunctionalType(inputs, results)
            case "qualified" | "ref":
                return self.arguments_of_directive()[0]
        raise AssertionError(f"{self.cls.name}: '{token}' is not known in an assembly format")

    def arguments_of_directive(self) -> list[Any]:
        assert self.take("("), self.cls
        return self.arguments()

    def arguments(self) -> list[Any]:
        args = []
        while not self.take(")"):
            args.append(self.single())
            self.take(",")
        return args

    def variable(self, name: str) -> Element:
        for i, operand in enumerate(self.cls.operand_fields):
            if operand.name == name:
                return OperandElement(self.cls, i)
        for i, result in enumerate(self.cls.result_fields):
            if result.name == name:
                return ResultElement(self.cls, i)
        for i, region in enumerate(self.cls.region_fields):
            if region.name == name:
                return RegionElement(self.cls, i)
        for field in self.cls.attribute_fields.values():
            if name in (field.name, field.key):
                return UnitElement(field) if field.codec.name == "unit" else AttrElement(field)
        if "successor" in name.lower() or name in ("dest", "trueDest", "falseDest"):
            return SuccessorElement(0 if name != "falseDest" else 1)
        raise AssertionError(f"{self.cls.name}: '${name}' is not declared")

    def spaced(self, element: Element) -> Element:
        """Decides the space before an element, as the printers that mlir-tblgen writes do."""
        if isinstance(element, Space):
            self.want_space = False
            self.after_punctuation = not element.text
        elif isinstance(element, Literal):
            element.space = self.want_space and self._space_before(element.text)
            self.want_space = len(element.text) != 1 or element.text not in "<({["
            self.after_punctuation = not (element.text[0].isalpha() or element.text[0] == "_")
        elif not isinstance(element, AttrDict):
            element.space = self.want_space or not self.after_punctuation
            self.want_space, self.after_punctuation = True, False
        return element

    def _space_before(self, text: str) -> bool:
        if len(text) != 1 and text != "->":
            return True
        if self.after_punctuation:
            return text[0] not in ">)}],"
        return text[0] not in "<>(){}[],"


class GenericForm(Format):
    """`"name"(operands) [successors] <{properties}> ({regions}) {attributes} : (types) -> types`."""

    def __init__(self) -> None:
        super().__init__(())
        self.has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        r.expect("(")
        offsets: list[int] = []
        s.flat = []
        r.uses(s.flat, offsets)
        r.expect(")")
        if r.peek("["):
            s.successors += r.list_of(r.successor)
        if r.accept("<"):
            read_dictionary(r, s)
            r.expect(">")
        if r.accept("("):
            yield from self._regions(r, s)
        if r.peek("{"):
            read_dictionary(r, s)
        r.expect(":")
        at = r.skip()
        found: FunctionType = r.function_type()
        r.check_types(s.flat, found.inputs, offsets, at)
        s.types = list(found.results)

    def _regions(self, r: OpReader, s: OpState) -> Steps:
        while True:
            region = yield RegionRequest()
            s.regions.append(region)
            if not r.accept(","):
                break
        r.expect(")")

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.generic(op)


GENERIC = GenericForm()


# Directives that several dialects use.


@directive("SameOperandsAndResultType")
class SameOperandsAndResultType(Directive):
    """One type where operands and result agree, else a function type. Arguments: types of operands, then of the result."""

    def parse(self, r: OpReader, s: OpState, *args: Any) -> None:
        at = r.skip()
        *operands, result = (a.of for a in args)
        if r.peek("("):
            found = r.function_type()
            if len(found.inputs) != len(operands) or len(found.results) != 1:
                raise r.error(
                    f"{len(operands)} operands present, but expected {len(found.inputs)}", at, r.pos
                )
            for operand, type in zip(operands, found.inputs, strict=True):
                operand.set_types(r, s, (type,), at)
            result.set_types(r, s, found.results, at)
            return
        types = (r.type(),)
        for operand in operands:
            operand.set_types(r, s, types, at)
        result.set_types(r, s, types, at)

    def print(self, p: OpPrinter, op: Operation, *args: Any) -> None:
        types = [t for a in args for t in a.of.types(op)]
        if all(t is types[-1] for t in types):
            p.write(p.type(types[-1]))
        else:
            p.write(p.function_type(types[:-1], types[-1:]))
