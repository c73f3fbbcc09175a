"""The parts of declared assembly formats: each reads its piece of an op's text, and prints it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from irc.ir.attribute_forms import form_of
from irc.ir.attributes import Attribute, UnitAttr
from irc.ir.cursor import SPACE
from irc.ir.fields import Attr
from irc.ir.locations import Location
from irc.ir.op_text import OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Block, Operation, Region, Value

SEGMENTS = ("operandSegmentSizes", "resultSegmentSizes")


class OpPrinter(Protocol):
    """What elements print with (irc.ir.printer)."""

    def write(self, text: str) -> None: ...
    def value(self, value: Value) -> str: ...
    def values(self, values: Sequence[Value]) -> str: ...
    def type(self, type: Any) -> str: ...
    def types(self, types: Sequence[Any]) -> str: ...
    def function_type(self, inputs: Sequence[Any], results: Sequence[Any]) -> str: ...
    def dictionary(self, attributes: dict[str, Attribute]) -> str: ...
    def block(self, block: Block) -> str: ...
    def region(self, region: Region, *, arguments: bool = True, implicit: str = "") -> None: ...
    def arguments(self, values: Sequence[Value]) -> str: ...
    def newline(self) -> None: ...
    def location(self, location: Location) -> str: ...
    def generic(self, op: Operation) -> None: ...
    def generic_body(self, op: Operation) -> None: ...


class Element:
    """A part of a format. `space`: whether a space is printed before it."""

    has_regions: bool = False
    space: bool = False

    def parse(self, r: OpReader, s: OpState) -> None:
        raise AssertionError(self)

    def steps(self, r: OpReader, s: OpState) -> Steps:
        self.parse(r, s)
        yield from ()

    def print(self, p: OpPrinter, op: Operation) -> None:
        raise AssertionError(self)

    def starts(self, r: OpReader, s: OpState) -> bool:
        """Whether the text goes on with this element, where it opens an optional group."""
        raise AssertionError(f"{self} cannot open an optional group")

    def present(self, op: Operation) -> bool:
        """Whether the op has it, where it anchors an optional group."""
        raise AssertionError(f"{self} cannot anchor an optional group")

    def expresses(self, op: Operation) -> bool:
        """Whether what it prints says all there is; an op of which that is not so is printed in generic form."""
        return True

    def shown_keys(self) -> Sequence[str]:
        """The attributes that it prints, which `attr-dict` then leaves out."""
        return ()


# What `$name` and `type(...)` stand for.


class OperandElement(Element):
    """`$operand`: one use, a list of them, or one or none."""

    def __init__(self, cls: type[Operation], index: int) -> None:
        self.field = cls.operand_fields[index]
        self.index = index

    def parse(self, r: OpReader, s: OpState) -> None:
        values, offsets = s.operands[self.index], s.offsets[self.index]
        if self.field.variadic:
            r.uses(values, offsets)
            return
        offset = r.skip()
        found = r.optional_use() if self.field.optional else r.use()
        if found is not None:
            values.append(found)
            offsets.append(offset)

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.write((" " if self.space else "") + p.values(self.get(op)))

    def starts(self, r: OpReader, s: OpState) -> bool:
        return r.peek("%")

    def present(self, op: Operation) -> bool:
        return bool(self.get(op))

    def get(self, op: Operation) -> Sequence[Value]:
        """The operands, as a list of any length."""
        if op.single_operands:
            return (op.operands[self.index],)
        start, stop = op.segment(op.operand_fields, len(op.operands), SEGMENTS[0], self.index)
        return op.operands[start:stop]

    def types(self, op: Operation) -> list[Any]:
        return [v.type for v in self.get(op)]

    def set_types(self, r: OpReader, s: OpState, types: Sequence[Any], at: int) -> None:
        r.check_types(s.operands[self.index], types, s.offsets[self.index], at)

    def count(self, s: OpState) -> int | None:
        return len(s.operands[self.index])

    @property
    def single(self) -> bool:
        return self.field.is_single


class OperandsElement(Element):
    """`operands`: all of them."""

    single = False

    def parse(self, r: OpReader, s: OpState) -> None:
        values, offsets = r.value_list()
        fields = s.cls.operand_fields
        loose = sum(not f.is_single for f in fields)
        rest = len(values) - (len(fields) - loose)
        if rest < 0 or (rest and not loose):
            wanted = len(fields) - loose
            raise r.error(
                f"'{s.name}' takes {wanted} operands, found {len(values)}", offsets[0] if offsets else None
            )
        if loose > 1:
            s.flat = values
            return
        at = 0
        for i, f in enumerate(fields):
            n = 1 if f.is_single else rest
            s.operands[i], s.offsets[i] = values[at : at + n], offsets[at : at + n]
            at += n

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.write((" " if self.space else "") + p.values(op.operands))

    def types(self, op: Operation) -> list[Any]:
        return [v.type for v in op.operands]

    def set_types(self, r: OpReader, s: OpState, types: Sequence[Any], at: int) -> None:
        offsets = [o for group in s.offsets for o in group]
        r.check_types(s.all_operands(), types, offsets, at)

    def count(self, s: OpState) -> int | None:
        return len(s.all_operands())


class ResultElement(Element):
    """A result, inside `type(...)`."""

    def __init__(self, cls: type[Operation], index: int) -> None:
        self.field = cls.result_fields[index]
        self.index = index

    @property
    def single(self) -> bool:
        return self.field.is_single

    def types(self, op: Operation) -> list[Any]:
        if len(op.result_fields) == 1:
            return [r.type for r in op.results]
        start, stop = op.segment(op.result_fields, len(op.results), SEGMENTS[1], self.index)
        return [r.type for r in op.results[start:stop]]

    def set_types(self, r: OpReader, s: OpState, types: Sequence[Any], at: int) -> None:
        s.result_types[self.index] = list(types)

    def count(self, s: OpState) -> int | None:
        return None


class ResultsElement(Element):
    """`results`, inside `type(...)`."""

    single = False

    def types(self, op: Operation) -> list[Any]:
        return [r.type for r in op.results]

    def set_types(self, r: OpReader, s: OpState, types: Sequence[Any], at: int) -> None:
        s.types = list(types)

    def count(self, s: OpState) -> int | None:
        return None


Typed = OperandElement | OperandsElement | ResultElement | ResultsElement


class AttrElement(Element):
    """`$attribute`, written in the short form of its kind."""

    def __init__(self, field: Attr) -> None:
        self.key = field.key
        self.field = field
        self.form = form_of(field)

    def parse(self, r: OpReader, s: OpState) -> None:
        s.attributes[self.key] = self.form.read(r)

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.write((" " if self.space else "") + self.form.write(op.attributes[self.key]))

    def starts(self, r: OpReader, s: OpState) -> bool:
        return any(r.peek(c) for c in self.form.opening) if self.form.opening else not r.at_end()

    def present(self, op: Operation) -> bool:
        attr = op.attributes.get(self.key)
        default = self.field.default
        return attr is not None and (default is None or self.field.codec.decode(attr) != default)

    def shown_keys(self) -> Sequence[str]:
        return (self.key,)

    def get(self, op: Operation) -> Any:
        return op.attributes.get(self.key)


class UnitElement(AttrElement):
    """A unit attribute: its group's literal says all."""

    def parse(self, r: OpReader, s: OpState) -> None:
        s.attributes[self.key] = UnitAttr()

    def print(self, p: OpPrinter, op: Operation) -> None: ...


class RegionElement(Element):
    """`$region`, with its block label where the block has arguments."""

    has_regions = True

    def __init__(self, cls: type[Operation], index: int) -> None:
        self.index = index
        self.variadic = cls.region_fields[index].variadic
        self.bodiless = cls.no_terminator

    def steps(self, r: OpReader, s: OpState) -> Steps:
        if self.variadic and r.at_end() and not r.peek("{"):
            return
        while True:
            region = yield RegionRequest()
            if self.bodiless and not region.blocks:
                region = Region([Block()])
            s.regions.append(region)
            if not (self.variadic and r.accept(",")):
                return

    def print(self, p: OpPrinter, op: Operation) -> None:
        for i, region in enumerate(op.regions[self.index :] if self.variadic else (op.regions[self.index],)):
            p.write(", " if i else " ")
            p.region(region, arguments=not self.bodiless)

    def present(self, op: Operation) -> bool:
        return len(op.regions) > self.index


class SuccessorElement(Element):
    """`$successor`."""

    def __init__(self, index: int) -> None:
        self.index = index

    def parse(self, r: OpReader, s: OpState) -> None:
        s.successors.append(r.successor())

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.write((" " if self.space else "") + p.block(op.successors[self.index]))


# Types and dictionaries.


class TypeElement(Element):
    """`type($x)`."""

    def __init__(self, of: Typed) -> None:
        self.of = of

    def parse(self, r: OpReader, s: OpState) -> None:
        at = r.skip()
        count = self.of.count(s)
        if self.of.single:
            found = [r.type()]
        elif count == 0 or (count is None and r.at_end()):
            found = []
        else:
            found = r.types()
        self.of.set_types(r, s, found, at)

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.write((" " if self.space else "") + p.types(self.of.types(op)))

    def present(self, op: Operation) -> bool:
        return bool(self.of.types(op))


class FunctionalType(Element):
    """`functional-type(inputs, results)`."""

    def __init__(self, inputs: Typed, results: Typed) -> None:
        self.inputs = inputs
        self.results = results

    def parse(self, r: OpReader, s: OpState) -> None:
        at = r.skip()
        found = r.function_type()
        self.inputs.set_types(r, s, found.inputs, at)
        if self.results.single and len(found.results) != 1:
            raise r.error(f"expected one result type, found {len(found.results)}", at, r.pos)
        self.results.set_types(r, s, found.results, at)

    def print(self, p: OpPrinter, op: Operation) -> None:
        text = p.function_type(self.inputs.types(op), self.results.types(op))
        p.write((" " if self.space else "") + text)


class AttrDict(Element):
    """`attr-dict`: the attributes that nothing else in the format prints."""

    def __init__(self, keyword: bool) -> None:
        self.keyword = keyword
        self.elided: frozenset[str] = frozenset(SEGMENTS)

    def parse(self, r: OpReader, s: OpState) -> None:
        if self.keyword and not r.accept_word("attributes"):
            return
        if self.keyword or r.peek("{"):
            read_dictionary(r, s)

    def print(self, p: OpPrinter, op: Operation) -> None:
        attrs = {k: v for k, v in op.attributes.items() if k not in self.elided}
        if attrs:
            p.write((" attributes " if self.keyword else " ") + p.dictionary(attrs))


def read_dictionary(r: OpReader, s: OpState) -> None:
    """`{...}` into the op's attributes."""
    at = r.skip()
    for key, value in r.dictionary().items():
        if key in s.attributes:
            raise r.error(f"attribute '{key}' occurs twice", at)
        s.attributes[key] = value


# Literals, groups, directives.


class Literal(Element):
    """`` `text` ``: punctuation or a keyword, as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_word = text[0].isalpha() or text[0] == "_"
        self.pattern = re.compile(SPACE + re.escape(text) + (r"(?![\w$])" if self.is_word else ""))

    def parse(self, r: OpReader, s: OpState) -> None:
        m = self.pattern.match(r.text, r.pos, r.end)
        if m is None:
            raise r.expected(f"'{self.text}'")
        r.pos = m.end()

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.write(" " + self.text if self.space else self.text)

    def starts(self, r: OpReader, s: OpState) -> bool:
        return self.pattern.match(r.text, r.pos, r.end) is not None


class Space(Element):
    """`` ` ` ``: a space, or nothing between what stands on both sides."""

    def __init__(self, text: str) -> None:
        self.text = "\n" if text == "\\n" else text

    def parse(self, r: OpReader, s: OpState) -> None: ...

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.newline() if self.text == "\n" else p.write(self.text)


class Group(Element):
    """`( then )?` and `( then ):( otherwise )?`."""

    def __init__(self, then: list[Element], otherwise: list[Element], anchor: Element) -> None:
        self.then = then
        self.otherwise = otherwise
        self.anchor = anchor
        self.has_regions = any(e.has_regions for e in (*then, *otherwise))
        self.first = next(e for e in then if not isinstance(e, Space))

    def parse(self, r: OpReader, s: OpState) -> None:
        for e in self.then if self.first.starts(r, s) else self.otherwise:
            e.parse(r, s)

    def steps(self, r: OpReader, s: OpState) -> Steps:
        for e in self.then if self.first.starts(r, s) else self.otherwise:
            yield from e.steps(r, s)

    def print(self, p: OpPrinter, op: Operation) -> None:
        for e in self.then if self.anchor.present(op) else self.otherwise:
            e.print(p, op)

    def shown_keys(self) -> Sequence[str]:
        return [k for e in (*self.then, *self.otherwise) for k in e.shown_keys()]


class Directive:
    """What `custom<Name>(...)` does. Arguments are the elements written in the parentheses.

    Directives that read regions set `has_regions` and define `steps`, a generator that yields a RegionRequest for each
    region and receives it."""

    has_regions: ClassVar[bool] = False
    shares_arguments: ClassVar[bool] = False
    """All regions of the op are written with one list of argument names, the last region's."""
    is_partial: ClassVar[bool] = False
    """There are ops that it cannot express: it defines `expresses`."""
    spaced: ClassVar[bool] = True
    """A space is printed before it where MLIR's rules ask for one."""

    def parse(self, r: OpReader, s: OpState, *args: Any) -> None:
        raise AssertionError(self)

    def steps(self, r: OpReader, s: OpState, *args: Any) -> Steps:
        raise AssertionError(self)

    def print(self, p: OpPrinter, op: Operation, *args: Any) -> None:
        raise AssertionError(self)

    def expresses(self, op: Operation) -> bool:
        """Whether `print` says all there is."""
        return True


_DIRECTIVES: dict[str, Directive] = {}
D = TypeVar("D", bound=type[Directive])


def directive(name: str) -> Callable[[D], D]:
    """Registers a Directive class as `custom<Name>`; for one dialect only when `name` is `dialect.Name`."""

    def register(cls: D) -> D:
        _DIRECTIVES[name] = cls()
        return cls

    return register


def directive_named(dialect: str, name: str) -> Directive:
    """What `custom<name>` means in a dialect's formats."""
    found = _DIRECTIVES.get(f"{dialect}.{name}") or _DIRECTIVES.get(name)
    assert found is not None, f"custom<{name}> is not a directive of {dialect}"
    return found


class Custom(Element):
    """`custom<Name>(...)`: the directive registered under that name, with the elements in the parentheses."""

    def __init__(self, cls: type[Operation], name: str, args: Sequence[Any]) -> None:
        self.directive = directive_named(cls.dialect, name)
        self.args = args
        self.has_regions = self.directive.has_regions

    def parse(self, r: OpReader, s: OpState) -> None:
        self.directive.parse(r, s, *self.args)

    def steps(self, r: OpReader, s: OpState) -> Steps:
        if self.has_regions:
            yield from self.directive.steps(r, s, *self.args)
        else:
            self.directive.parse(r, s, *self.args)

    def print(self, p: OpPrinter, op: Operation) -> None:
        if self.space and self.directive.spaced:
            p.write(" ")
        self.directive.print(p, op, *self.args)

    def expresses(self, op: Operation) -> bool:
        return self.directive.expresses(op)

    def shown_keys(self) -> Sequence[str]:
        return [k for a in self.args if isinstance(a, Element) for k in a.shown_keys()]
