"""The coarse lexer: a handful of tokens a statement, each found by one regular expression, for lark's LALR parser.

Where a TEXT ends. Brackets are taken whole, so only what stands outside them matters: results (`%a, %b:2 =` before an
op name), an op name (a word with a dot, or one of the short names such as `return`), a quoted op name before `(`, a
block label, an alias definition, a region's brace, or the end. `applies NAME` and a quoted string that no `(` follows
belong to the TEXT. A brace opens a dictionary if an attribute name and `=`, `,` or `}` follow, and a region otherwise;
`{word}` is a region where the word is an op."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from lark.lexer import Lexer

from irc.ir.cursor import BALANCED, BARE, HEX_LITERAL, SPACE, STRING, SUFFIX, balanced
from irc.ir.operation import all_operations, short_names

_NAMES = rf"%{SUFFIX}(?::\d+)?(?:{SPACE},{SPACE}%{SUFFIX}(?::\d+)?)*{SPACE}="
_USE = rf"%{SUFFIX}(?:\#\d+)?"
_LABEL = rf"\^{SUFFIX}{SPACE}(?:\({balanced(4)}\){SPACE})?:"
_KEY = rf"(?:[A-Za-z_][\w$.-]*|{STRING})"
_ALIAS = rf"[#!]{SUFFIX}{SPACE}=(?!=)"
_SPACE = re.compile(SPACE)
_STRING = re.compile(STRING)
_LONE_WORD = re.compile(rf"\{{{SPACE}({BARE}){SPACE}\}}")


class Tok:
    """A token: its type and place. lark asks for `type`, and for positions once, at the end."""

    __slots__ = ("end_pos", "start_pos", "type")
    line: ClassVar[int] = 0
    column: ClassVar[int] = 0
    end_line: ClassVar[int] = 0
    end_column: ClassVar[int] = 0

    def __init__(self, type: str, start: int, end: int) -> None:
        self.type = type
        self.start_pos = start
        self.end_pos = end


@lru_cache(maxsize=8)
def _patterns(shorts: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The patterns of statements and of TEXT, for a set of short op names."""
    short = rf"(?:{'|'.join(map(re.escape, shorts)) or '(?!)'})(?![\w$.])"
    name = rf"(?:[A-Za-z_][\w$]*(?:\.[\w$]+)+|{short})"
    results = rf"{_NAMES}(?={SPACE}(?:{name}|\"))"
    statement = rf"""{SPACE}(?:
          (?P<RESULTS>{results})
        | (?P<NAME>{name})
        | (?P<CLOSE>\}})
        | (?P<OPEN>\{{(?!-\#))
        | (?P<QUOTED>{STRING}(?={SPACE}\())
        | (?P<LABEL>{_LABEL})
        | (?P<ALIAS>{_ALIAS})
        | (?P<RESOURCES>\{{-\#[^#]*+(?:\#(?!-\}})[^#]*+)*+\#-\}})
        | (?P<END>\Z)
        )"""
    item = rf"""
          \s++
        | ->
        | [,:=?*+.;|&-]
        | \d[\w.]*
        | (?!{results}){_USE}(?:{SPACE},{SPACE}{_USE})*+
        | applies{SPACE}{BARE}
        | (?!{short})[A-Za-z_][\w$]*+(?!\.[\w$])
        | {HEX_LITERAL} | <{BALANCED}> | \[{BALANCED}\]
        | \((?!{SPACE}\{{)(?:{BALANCED})\)
        | \((?={SPACE}\{{) | \)
        | \{{(?={SPACE}(?:\}}|{_KEY}{SPACE}[=,\}}])){BALANCED}\}}
        | @(?:[\w$.-]+|{STRING})
        | {STRING}(?!{SPACE}\()
        | (?!{_ALIAS})[#!]{SUFFIX}
        | (?!{_LABEL})\^{SUFFIX}
        | //[^\n]*
        | [/]
        """
    return re.compile(statement, re.X), re.compile(rf"{SPACE}((?>{item})*+)", re.X)


class ModuleLexer(Lexer):
    """lark's view of the lexer: `lex(text)` yields tokens."""

    def __init__(self, lexer_conf: Any = None) -> None: ...

    def lex(self, text: str) -> Iterator[Tok]:  # type: ignore[override]
        statement, items = _patterns(tuple(sorted(short_names())))
        pos = 0
        while True:
            m = statement.match(text, pos)
            kind = m.lastgroup if m is not None else None
            if m is None or kind is None:
                raise _unreadable(text, pos)
            if kind == "END":
                return
            start, pos = m.span(kind)
            yield Tok(kind, start, pos)
            if kind in _BEFORE_TEXT:
                text_start, text_end = _text(text, pos, items)
                if text_end > text_start:
                    yield Tok("TEXT", text_start, text_end)
                pos = text_end


_BEFORE_TEXT = frozenset({"NAME", "QUOTED", "CLOSE", "ALIAS"})


def _text(text: str, pos: int, items: re.Pattern[str]) -> tuple[int, int]:
    """Start and end of the TEXT after `pos`. A lone word in braces is a region, and ends it, if the word is an op."""
    m = items.match(text, pos)
    assert m is not None
    start, end = m.span(1)
    for lone in _LONE_WORD.finditer(text, start, end):
        if lone[1] in all_operations() or lone[1] in short_names():
            return start, lone.start()
    return start, end


class Unreadable(Exception):
    """No token begins at `offset`."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def _unreadable(text: str, pos: int) -> Unreadable:
    """What stands at `pos` begins no token: a bracket without its partner, or a stray character."""
    space = _SPACE.match(text, pos)
    at = space.end() if space else pos
    character = text[at]
    if character in "([{<":
        return Unreadable(f"'{character}' is never closed", at)
    if character == '"' and not _STRING.match(text, at):
        return Unreadable("a string without its closing quote", at)
    return Unreadable(f"expected an operation, found '{character}'", at)
