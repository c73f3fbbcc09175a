"""Module text to ops: lark's LALR parser over the coarse lexer, building each op as its text has been read.

A format that comes to a region stops there (it is a generator) and goes on when the region's brace has closed, so that
names are bound in the order of the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from threading import Lock
from typing import Any

from irc.errors import ParseError, SourceSpan
from irc.ir.assembly import GENERIC, Format, format_of
from irc.ir.attributes import Attribute, LocationAttr
from irc.ir.cache_folder import cache_folder
from irc.ir.collector import uncollected
from irc.ir.cursor import unquote
from irc.ir.diagnostics import SourceText
from irc.ir.lalr import Tables, Unexpected
from irc.ir.op_text import OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Operation, Region, UnregisteredOp, registered, short_names

_RESOURCE = re.compile(r'([\w$.-]+|"[^"]*")\s*:\s*"0x([0-9A-Fa-f]*)"')


@uncollected
def parse_operations(
    text: str, filename: str = "<string>"
) -> tuple[list[Operation], Callable[[Operation], SourceSpan]]:
    """The top-level ops of a text, and what finds the place of an op whose location is not one of a file.

    Nothing is verified but what reading needs; raises ParseError."""
    source = SourceText(text, filename)
    source.check_characters()
    reader = ModuleReader(source)
    with _LOCK:
        _ACTIONS.reader = reader
        try:
            reader.run(_tables())
        finally:
            _ACTIONS.reader = None
    return reader.operations, lambda op: source.word_span(dict(reader.located).get(op, 0))


class _Pending:
    """An op whose text goes on after the region that stands open."""

    __slots__ = ("region", "request", "results", "state", "steps")

    def __init__(self, state: OpState, steps: Steps, results: Any) -> None:
        self.state = state
        self.steps = steps
        self.results = results
        self.request: RegionRequest | None = None
        self.region: Region | None = None


class ModuleReader(OpReader):
    """The state of one parse, and what the grammar's rules do."""

    def __init__(self, source: SourceText) -> None:
        super().__init__(source)
        self.pending: list[_Pending] = []

    def run(self, tables: Tables) -> None:
        # It loads lark, which is heavy: see `_lark`.
        from irc.ir.lexer import ModuleLexer, Unreadable  # noqa: PLC0415

        self._read_resources()
        try:
            tables.parse(ModuleLexer().lex(self.text))
        except Unreadable as e:
            raise self.source.error(str(e), e.offset, e.offset + 1) from None
        except Unexpected as e:
            raise self._unexpected(e) from None
        self._locate()

    def _unexpected(self, error: Unexpected) -> ParseError:
        token = error.token
        wanted = [_WORDS[t] for t in _WORDS if t in error.expected]
        what = " or ".join(dict.fromkeys(wanted)) or "the end of the text"
        at = token.start_pos if token is not None else len(self.text)
        if token is None:
            notes = tuple(
                f"opened by '{p.state.name}' at line {self.source.line_column(p.state.offset)[0]}"
                for p in self.pending[-1:]
            )
            return self.source.error(f"expected {what}, found the end of the text", at, notes=notes)
        seen = self.text[at : token.end_pos].strip()
        return self.source.error(f"expected {what}, found '{seen[:40]}'", at, token.end_pos)

    # The grammar's rules.

    def alias(self, name: Any, text: Any) -> None:
        """`#name = attribute` or `!name = type`."""
        self.pos, self.end = name.start_pos, text.end_pos
        kind = self.text[self.pos]
        key = self.text[name.start_pos + 1 : name.end_pos - 1].strip()
        self.pos = text.start_pos
        if kind == "!":
            self.type_aliases[key] = self.type()
        else:
            self.attribute_aliases[key] = self.attribute()
        if not self.at_end():
            raise self.expected("an operation")

    def head(self, results: Any, name: Any, text: Any) -> _Pending | None:
        """An op's text up to its first region; returns the op's state if more is to come."""
        self.pos = name.end_pos
        self.end = text.end_pos if text is not None else name.end_pos
        if name.type == "QUOTED":
            op_name = unquote(self.text[name.start_pos : name.end_pos])
            cls = registered(op_name) or UnregisteredOp
            fmt: Format = GENERIC
        else:
            cls = self._class(name)
            op_name = cls.name
            fmt = format_of(cls)
        s = OpState(cls, op_name, name.start_pos)
        if not fmt.has_regions:
            fmt.parse(self, s)
            self._finish(s, results)
            return None
        pending = _Pending(s, fmt.steps(self, s), results)
        self.pending.append(pending)
        return pending if self._advance(pending, None) else None

    def _class(self, name: Any) -> type[Operation]:
        text = self.text[name.start_pos : name.end_pos]
        cls = registered(text) or short_names().get(text)
        if cls is None:
            raise self.source.error(f"unknown operation '{text}'", name.start_pos, name.end_pos)
        return cls

    def _advance(self, pending: _Pending, region: Region | None) -> bool:
        """Lets an op's format go on to its next region; False when the op is complete."""
        while True:
            try:
                pending.request = pending.steps.send(region)  # type: ignore[arg-type]
            except StopIteration:
                self.pending.pop()
                self._finish(pending.state, pending.results)
                return False
            if not self.peek("{"):
                return True
            region = self._empty_region(pending)

    def _empty_region(self, pending: _Pending) -> Region:
        """`{}`, which the lexer leaves inside the text."""
        assert pending.request is not None
        start = self.skip()
        self.accept("{")
        if not self.accept("}"):
            raise self.source.error("expected a region, found attributes", start)
        end = self.end
        self.open_region(pending.request, pending.state.cls.isolated, start)
        region = self.close_region(start)
        self.end = end
        return region

    def open(self, token: Any) -> None:
        if not self.pending or self.pending[-1].request is None or self.pending[-1].region is not None:
            raise self.source.error("expected an operation, found '{'", token.start_pos, token.end_pos)
        pending = self.pending[-1]
        if not self.at_end():
            raise self.expected("a region")
        assert pending.request is not None
        self.open_region(pending.request, pending.state.cls.isolated, token.start_pos)
        pending.request = None

    def label(self, token: Any) -> None:
        self.open_block(token.start_pos, token.end_pos)

    def close(self, token: Any) -> None:
        self.pos, self.end = token.start_pos, token.end_pos
        self.pending[-1].region = self.close_region(token.start_pos)

    def tail(self, text: Any) -> None:
        """What an op writes after a region."""
        pending = self.pending[-1]
        region, pending.region = pending.region, None
        if text is not None:
            self.pos, self.end = text.start_pos, text.end_pos
        else:
            self.pos = self.end
        self._advance(pending, region)

    def op(self, pending: _Pending | None) -> None:
        """The end of an op: a format that still waits for a region did not get it."""
        if pending is not None and self.pending and self.pending[-1] is pending:
            raise self.expected("'{', a region")

    def _finish(self, s: OpState, results: Any) -> None:
        if not self.at_end():
            s.location = self.optional_location()
            if not self.at_end():
                raise self.expected("the end of the operation")
        op = self.finish(s)
        if results is not None:
            self.define_results(op, results.start_pos, results.end_pos)

    # What stands outside ops.

    def _read_resources(self) -> None:
        """The resource section stands at the end and is needed before: its blobs are read first."""
        at = self.text.rfind("{-#")
        if at >= 0:
            for m in _RESOURCE.finditer(self.text, at):
                name = unquote(m[1]) if m[1].startswith('"') else m[1]
                if len(m[2]) % 2:
                    raise self.source.error(f"resource '{name}' ends within a byte", m.start(2) - 2, m.end(2))
                self.resources[name] = bytes.fromhex(m[2])

    def _locate(self) -> None:
        """Location aliases stand at the end of a text: ops that name one get it now."""
        for item, alias, offset in self.unlocated:
            found: Attribute | None = self.attribute_aliases.get(alias)
            if not isinstance(found, LocationAttr):
                raise self.source.error(f"undefined location alias '#{alias}'", offset)
            item.location = found.value
            if isinstance(item, Operation):
                for result in item.results:
                    result.location = item.location


class _Actions:
    """lark's transformer: hands the rules to the reader of the parse in progress."""

    reader: ModuleReader | None = None

    def start(self, children: list[Any]) -> None: ...

    def alias(self, children: list[Any]) -> None:
        self._reader.alias(*children)

    def head(self, children: list[Any]) -> Any:
        return self._reader.head(*children)

    def tail(self, children: list[Any]) -> None:
        self._reader.tail(children[1])

    def op(self, children: list[Any]) -> None:
        self._reader.op(children[0])

    def region(self, children: list[Any]) -> None: ...

    def block(self, children: list[Any]) -> None: ...

    def open(self, children: list[Any]) -> None:
        self._reader.open(children[0])

    def close(self, children: list[Any]) -> None:
        self._reader.close(children[0])

    def label(self, children: list[Any]) -> None:
        self._reader.label(children[0])

    @property
    def _reader(self) -> ModuleReader:
        assert self.reader is not None
        return self.reader


_ACTIONS = _Actions()
_LOCK = Lock()

_WORDS = {
    "NAME": "an operation",
    "QUOTED": "an operation",
    "RESULTS": "an operation",
    "TEXT": "an attribute or type",
    "OPEN": "a region",
    "CLOSE": "'}'",
    "LABEL": "a block label",
}


@lru_cache(maxsize=1)
def _tables() -> Tables:
    return Tables(_lark())


def _lark() -> Any:
    """The LALR parser. Loading lark costs more than most parses: it happens when the first text is read.

    Its tables are kept on disk; lark checks that they are of this grammar, lark and Python."""
    # Heavy, and of no use to a program that reads no text.
    from lark import Lark  # noqa: PLC0415

    from irc.ir.lexer import ModuleLexer  # noqa: PLC0415

    folder = cache_folder()
    grammar = resources.files("irc.ir").joinpath("grammar.lark").read_text()
    return Lark(
        grammar,
        parser="lalr",
        lexer=ModuleLexer,
        transformer=_ACTIONS,
        maybe_placeholders=True,
        cache=str(folder / "grammar.tables") if folder else False,
    )
