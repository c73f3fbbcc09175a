"""Ops read from their text: value names and their scopes, regions that are still open, and what a format has read so far."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from irc.errors import IrcError, ParseError
from irc.ir.attribute_text import AttributeReader
from irc.ir.attributes import Attribute, DenseArrayAttr
from irc.ir.cursor import SPACE, SUFFIX
from irc.ir.diagnostics import SourceText
from irc.ir.locations import UNKNOWN, Location, TextLoc
from irc.ir.operation import Block, Operation, Region, UnregisteredOp, Value, refine, registered
from irc.ir.types import i32
from irc.ir.verify import infer_types

_USE = re.compile(rf"{SPACE}%({SUFFIX}(?:#\d+)?)")
_NAME = re.compile(rf"{SPACE}%({SUFFIX})")
_BLOCK = re.compile(rf"{SPACE}\^({SUFFIX})")
_BINDING = re.compile(rf"%({SUFFIX})(?::(\d+))?")
_SINGLE = re.compile(rf"%({SUFFIX}){SPACE}=")
_UNNAMED = re.compile(r"\d+\Z|arg\d+\Z")


DEEPEST = 100
"""How deep regions may be nested: printer, verifier and passes recurse into them."""


@dataclass(slots=True)
class Argument:
    """A block argument that an op's own text names: `%i` of a loop, `%x: type loc(...)` of a function."""

    name: str
    type: Any
    offset: int
    location: Location | str | None = None


@dataclass(slots=True)
class RegionRequest:
    """What a format asks for when it comes to a region; it is sent the Region back.

    `terminator` names the op that closes a block written without one."""

    arguments: Sequence[Argument] = ()
    terminator: str = ""


Steps = Generator[RegionRequest, Region, None]


class OpState:
    """What has been read of one op. Operands, their places and result types are lists by declared field."""

    __slots__ = (
        "attributes", "cls", "flat", "location", "name", "offset", "offsets", "operands", "regions", "result_types",
        "successors", "types",
    )  # fmt: skip

    def __init__(self, cls: type[Operation], name: str, offset: int) -> None:
        self.cls = cls
        self.name = name
        self.offset = offset
        self.operands: list[list[Value]] = [[] for _ in cls.operand_fields]
        self.offsets: list[list[int]] = [[] for _ in cls.operand_fields]
        self.flat: list[Value] | None = None
        """All operands, where the text gives them in one list."""
        self.result_types: list[list[Any] | None] = [None] * len(cls.result_fields)
        self.types: list[Any] | None = None
        """All result types, where the text gives them in one list."""
        self.attributes: dict[str, Attribute] = {}
        self.regions: list[Region] = []
        self.successors: list[Block] = []
        self.location: Location | str | None = None

    def all_operands(self) -> list[Value]:
        return self.flat if self.flat is not None else [v for group in self.operands for v in group]

    def all_types(self) -> list[Any] | None:
        """The result types, or None where some must be inferred."""
        if self.types is not None:
            return self.types
        if len(self.result_types) == 1:
            return self.result_types[0]
        if any(group is None for group in self.result_types):
            return None
        return [t for group in self.result_types for t in group or ()]

    def segments(self) -> None:
        """Stores how many operands each field has, where a class needs that."""
        if self.flat is not None or self.cls.single_operands or self.cls.same_variadic_size:
            return
        if sum(not f.is_single for f in self.cls.operand_fields) > 1:
            self.attributes.setdefault(
                "operandSegmentSizes", DenseArrayAttr(i32, tuple(map(len, self.operands)))
            )


@dataclass(slots=True)
class _Frame:
    """An open region: its blocks so far, and what to restore when it closes."""

    request: RegionRequest
    names: dict[str, Value]
    added: list[str]
    operations: list[Operation]
    isolated: bool
    blocks: list[Block] = field(default_factory=list)
    labels: dict[str, Block] = field(default_factory=dict)
    undefined: dict[str, int] = field(default_factory=dict)


class OpReader(AttributeReader):
    """Reads what formats are made of, over one module's text, and knows which values are visible."""

    def __init__(self, source: SourceText) -> None:
        super().__init__(source)
        self.names: dict[str, Value] = {}
        self.added: list[str] = []
        self.frames: list[_Frame] = []
        self.operations: list[Operation] = []
        self.forward: dict[str, tuple[Value, int]] = {}
        self.unlocated: list[tuple[Any, str, int]] = []
        self.located: list[tuple[Operation, int]] = []
        """Ops with a location of their own, which may be no place that an error can show, and where they stand."""

    # Uses and names of values.

    def use(self) -> Value:
        """`%name` or `%name#1`: the value."""
        found = self.optional_use()
        if found is None:
            raise self.expected("an operand")
        return found

    def optional_use(self) -> Value | None:
        m = _USE.match(self.text, self.pos, self.end)
        if m is None:
            return None
        self.pos = m.end()
        found = self.names.get(m[1])
        return found if found is not None else self._later(m[1], m.start(1) - 1)

    def uses(self, into: list[Value], offsets: list[int]) -> None:
        """`%a, %b`, perhaps nothing."""
        m = _USE.match(self.text, self.pos, self.end)
        while m is not None:
            self.pos = m.end()
            found = self.names.get(m[1])
            into.append(found if found is not None else self._later(m[1], m.start(1) - 1))
            offsets.append(m.start(1) - 1)
            if not self.accept(","):
                return
            comma = self.pos
            m = _USE.match(self.text, self.pos, self.end)
            if m is None:
                self.pos = comma - 1

    def value_list(self) -> tuple[list[Value], list[int]]:
        values: list[Value] = []
        offsets: list[int] = []
        self.uses(values, offsets)
        return values, offsets

    def name(self) -> tuple[str, int]:
        """`%name` where a value is defined: the name, and where it stands."""
        m = _NAME.match(self.text, self.pos, self.end)
        if m is None:
            raise self.expected("a value name")
        self.pos = m.end()
        return m[1], m.start(1) - 1

    def region_follows(self) -> bool:
        """Whether a region comes next, in this piece of text or right after it."""
        return self.peek("{") or (self.at_end() and self.text.startswith("{", self.end))

    def argument(self) -> Argument:
        """`%name: type loc(...)`."""
        name, offset = self.name()
        self.expect(":")
        type = self.type()
        return Argument(name, type, offset, self.optional_location())

    def _later(self, name: str, offset: int) -> Value:
        """A value that is not defined yet: allowed among labelled blocks, whose order in the text is free."""
        if not any(frame.labels for frame in self.frames):
            raise self.undeclared(name, offset)
        if name not in self.forward:
            self.forward[name] = (Value(None, None, 0), offset)  # type: ignore[arg-type]
        return self.forward[name][0]

    def undeclared(self, name: str, offset: int) -> ParseError:
        return self.error(f"use of undeclared SSA value name '%{name}'", offset, offset + 1 + len(name))

    def define(self, name: str, value: Value, offset: int) -> None:
        if name in self.names:
            raise self.error(f"redefinition of SSA value '%{name}'", offset, offset + 1 + len(name))
        self.names[name] = value
        self.added.append(name)

    def check_types(
        self, values: Sequence[Value], types: Sequence[Any], offsets: Sequence[int], at: int
    ) -> None:
        """The types that the text gives for operands are those the values have."""
        if len(values) != len(types):
            raise self.error(f"{len(values)} operands present, but expected {len(types)}", at)
        for i, (value, type) in enumerate(zip(values, types, strict=True)):
            if value.type is type:
                continue
            if value.type is None:
                value.type = type
                continue
            offset = offsets[i] if i < len(offsets) else at
            m = _USE.match(self.text, offset)
            shown = f"'%{m[1]}' " if m and offset != at else ""
            raise self.error(
                f"use of value {shown}expects different type than prior uses: '{type}' vs '{value.type}'",
                offset,
                m.end() if m else 0,
            )

    # Blocks.

    def successor(self) -> Block:
        """`^name`, defined before or after."""
        m = _BLOCK.match(self.text, self.pos, self.end)
        if m is None:
            raise self.expected("a block name")
        self.pos = m.end()
        if not self.frames:
            raise self.error("a successor outside a region", m.start(1) - 1, m.end())
        frame = self.frames[-1]
        if m[1] not in frame.labels:
            frame.labels[m[1]] = Block()
            frame.undefined[m[1]] = m.start(1) - 1
        return frame.labels[m[1]]

    def open_region(self, request: RegionRequest, isolated: bool, offset: int) -> None:
        if len(self.frames) >= DEEPEST:
            raise self.error(f"regions are nested more than {DEEPEST} deep", offset)
        frame = _Frame(request, self.names, self.added, self.operations, isolated)
        self.frames.append(frame)
        self.names = {} if isolated else self.names
        self.added = []
        self.operations = []
        if request.arguments:
            frame.blocks.append(Block(self._define_arguments(request.arguments)))

    def _define_arguments(self, arguments: Sequence[Argument]) -> list[Value]:
        values = []
        for i, a in enumerate(arguments):
            value = Value(a.type, None, i, hint(a.name))
            self.place(value, a.location, a.offset)
            if a.name:
                self.define(a.name, value, a.offset)
            values.append(value)
        return values

    def open_block(self, start: int, end: int) -> None:
        """`^name(%a: type, ...):` from `start` to `end`."""
        frame = self.frames[-1]
        self.pos, self.end = start, end
        self._finish_block(frame)
        m = _BLOCK.match(self.text, start)
        assert m is not None
        self.pos = m.end()
        arguments = self.list_of(self.argument, "(", ")") if self.peek("(") else []
        block = frame.labels.setdefault(m[1], Block())
        if m[1] not in frame.undefined and any(block is b for b in frame.blocks):
            raise self.error(f"redefinition of block '^{m[1]}'", start, m.end())
        frame.undefined.pop(m[1], None)
        block.arguments = tuple(self._define_arguments(arguments))
        frame.blocks.append(block)

    def _finish_block(self, frame: _Frame) -> None:
        """Gives the ops read since the last label to the block they stand in."""
        if not frame.blocks and self.operations:
            frame.blocks.append(Block())
        if frame.blocks:
            frame.blocks[-1].operations = tuple(self.operations)
        self.operations = []

    def close_region(self, offset: int) -> Region:
        frame = self.frames[-1]
        self._close_with_terminator(frame.request, offset)
        self._finish_block(frame)
        for name, at in frame.undefined.items():
            raise self.error(f"reference to an undefined block '^{name}'", at, at + 1 + len(name))
        if frame.labels:
            self._resolve_forward(frame)
        self.frames.pop()
        if not frame.isolated:
            for name in self.added:
                del self.names[name]
        self.names, self.added, self.operations = frame.names, frame.added, frame.operations
        return Region(frame.blocks)

    def _close_with_terminator(self, request: RegionRequest, offset: int) -> None:
        if request.terminator and not (self.operations and self.operations[-1].terminator):
            self.operations.append(implicit_terminator(request.terminator, TextLoc(self.source, offset)))

    def _resolve_forward(self, frame: _Frame) -> None:
        """Puts the values now defined in the place of those that were used before."""
        known = {late: self.names[name] for name, (late, _) in self.forward.items() if name in self.names}
        if known:
            for block in frame.blocks:
                for outer in block.operations:
                    for op in outer.walk():
                        op.operands = tuple(known.get(o, o) for o in op.operands)
            for name in [n for n, (late, _) in self.forward.items() if late in known]:
                late, at = self.forward.pop(name)
                if late.type is not None and late.type is not known[late].type:
                    raise self.error(f"'%{name}' is {known[late].type}, used before as {late.type}", at)
        if frame.isolated or not any(f.labels for f in self.frames[:-1]):
            for name, (_, at) in self.forward.items():
                raise self.undeclared(name, at)

    # Finished ops.

    def place(self, item: Any, location: Location | str | None, offset: int) -> None:
        """Gives an op or value its location, now or, for an alias that is not defined yet, at the end."""
        if isinstance(location, str):
            self.unlocated.append((item, location, offset))
            location = None
        item.location = TextLoc(self.source, offset) if location is None else location

    def finish(self, s: OpState) -> Operation:
        """The op that has been read, with its results."""
        cls = s.cls
        s.segments()
        types = s.all_types()
        location = s.location if isinstance(s.location, Location) else TextLoc(self.source, s.offset)
        parts = (s.all_operands(), types or (), s.attributes, s.regions, location, s.successors)
        op = UnregisteredOp.named(s.name, *parts) if cls is UnregisteredOp else cls.create(*parts)
        if isinstance(s.location, str):
            self.unlocated.append((op, s.location, s.offset))
        if s.location is not None:
            self.located.append((op, s.offset))
        if types is None:
            self._infer(op, s.offset)
        self.operations.append(op)
        return op

    def _infer(self, op: Operation, offset: int) -> None:
        try:
            refine(op, infer_types(op))
        except IrcError as e:
            e.span = e.span or self.source.word_span(offset)
            raise

    def define_results(self, op: Operation, start: int, end: int) -> None:
        """Binds `%a, %b:2 =`."""
        results = op.results
        single = _SINGLE.match(self.text, start, end)
        if single is not None and len(results) == 1:
            self.define(single[1], results[0], start)
            results[0].name = hint(single[1])
            return
        at = 0
        for m in _BINDING.finditer(self.text, start, end):
            name, count = m[1], m[2]
            n = 1 if count is None else int(count[:9])
            if at + n > len(results):
                at += n
                continue
            for i in range(n if count is not None else 0):
                self.define(f"{name}#{i}", results[at + i], m.start())
            if n:
                self.define(name, results[at], m.start())
                results[at].name = hint(name)
            at += n
        if at != len(results):
            raise self.error(f"'{op.name}' has {len(results)} results, {at} are named", start, end)


def hint(name: str) -> str:
    """The part of a name worth keeping: numbers, and MLIR's `arg0`, come from printing."""
    return "" if _UNNAMED.match(name) else name


def implicit_terminator(name: str, location: Location = UNKNOWN) -> Operation:
    """The op that ends a block whose text leaves it out."""
    cls = registered(name)
    assert cls is not None, name
    # A block that has no terminator of its own can be made here; of a list of others there is none.
    empty = [Region([Block()]) for f in cls.region_fields if cls.no_terminator or not f.variadic]
    return cls.create((), (), {}, empty, location)
