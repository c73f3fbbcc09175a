"""A cursor over a text: the small steps that every reader of types, attributes and ops is made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from irc.errors import IrcError, ParseError
from irc.ir.diagnostics import SourceText
from irc.ir.extents import parsed

T = TypeVar("T")

SPACE = r"(?:[ \t\r\n]|//[^\n]*)*+"
"""White space and comments."""

STRING = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'

HEX_LITERAL = r'<"0x[^"]*+">'
"""The body of a `dense` of many numbers: the one thing that is megabytes long, in the form that is looked through fastest."""


def balanced(depth: int = 16) -> str:
    """A pattern for what may stand between brackets: anything, brackets in pairs down to `depth`."""
    plain = rf"[^()\[\]{{}}<>\"/=-]++|{STRING}|->|[<>]=|=|-|//[^\n]*|/"
    inner = rf"(?>{plain})*+"
    for _ in range(depth):
        inner = rf"(?>{plain}|[(\[{{<]{inner}[)\]}}>])*+"
    return inner


BALANCED = balanced()
BARE = r"[A-Za-z_][\w$.]*"
SUFFIX = r"[\w$.-]+"
"""What follows `%`, `^`, `#`, `!` or `@` in a bare name."""

_SPACE = re.compile(SPACE)
_WORD = re.compile(rf"{SPACE}([A-Za-z_][\w$]*)")
_BARE = re.compile(rf"{SPACE}({BARE})")
_OVER_SIZES = re.compile(r"(?=[^\n]*?\bn\d)(?:n\d+|\d+|max|min|[-+*/%(), ])+")
_INTEGER = re.compile(rf"{SPACE}(-?(?:0x[0-9A-Fa-f]+|\d+))")
_STRING = re.compile(rf"{SPACE}({STRING})")
_SYMBOL = re.compile(rf"{SPACE}@(?:([A-Za-z_$.-][\w$.-]*)|({STRING}))")
_SEEN = re.compile(rf"(?:[%#@^!]?[\w$.-]+|{STRING}|->|\S)")
_ESCAPE = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))", re.S)
_NAMED_ESCAPES = {b"n": b"\n", b"t": b"\t"}


def unquote(text: str) -> str:
    """The value of a quoted string, the quotes included in `text`; bytes that are not UTF-8 become surrogates."""
    if "\\" not in text:
        return text[1:-1]
    raw = text[1:-1].encode("utf-8", "surrogateescape")
    value = _ESCAPE.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else _NAMED_ESCAPES.get(m[2], m[2]), raw)
    return value.decode("utf-8", "surrogateescape")


def integer_of(text: str) -> int:
    """The value of an integer's text: decimal, perhaps with zeros in front, or hexadecimal. Raises ValueError."""
    return int(text, 16 if text.lstrip("-").startswith("0x") else 10)


def _expression_end(text: str, at: int, end: int) -> int:
    """Where the item of a list ends that begins here: at a separator outside parentheses."""
    depth = 0
    while at < end and (depth or text[at] not in ",:]>)\n"):
        depth += (text[at] == "(") - (text[at] == ")")
        at += 1
    return at


def quote(value: str) -> str:
    """A quoted string; everything outside printable ASCII as `\\XX` of its UTF-8 bytes."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    out = []
    for byte in value.encode("utf-8", "surrogateescape"):
        char = chr(byte)
        if char == "\\":
            out.append("\\\\")
        elif 32 <= byte < 127 and char != '"':
            out.append(char)
        else:
            out.append(f"\\{byte:02X}")
    return f'"{"".join(out)}"'


class Cursor:
    """A position in `source.text`, between it and `end`. Every step skips white space and comments first."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.text = source.text
        self.pos = 0
        self.end = len(source.text)

    def skip(self) -> int:
        """Past white space; the position there."""
        pos, text = self.pos, self.text
        if pos < self.end:
            first = text[pos]
            if first not in " \t\r\n/":
                return pos
            # One space between words is what most texts have.
            if first == " " and pos + 1 < self.end and text[pos + 1] not in " \t\r\n/":
                self.pos = pos + 1
                return pos + 1
        m = _SPACE.match(self.text, self.pos, self.end)
        assert m is not None
        self.pos = m.end()
        return self.pos

    def at_end(self) -> bool:
        return self.pos >= self.end or self.skip() >= self.end

    def peek(self, literal: str) -> bool:
        """Whether `literal` comes next."""
        return self.text.startswith(literal, self.skip(), self.end)

    def accept(self, literal: str) -> bool:
        """Takes `literal` if it comes next."""
        if self.text.startswith(literal, self.pos, self.end):
            self.pos += len(literal)
            return True
        if self.text.startswith(literal, self.skip(), self.end):
            self.pos += len(literal)
            return True
        return False

    def expect(self, literal: str) -> None:
        if not self.accept(literal):
            raise self.expected(f"'{literal}'")

    def accept_word(self, word: str) -> bool:
        """Takes the bare word `word`, whole, if it comes next."""
        m = _WORD.match(self.text, self.pos, self.end)
        if m is None or m[1] != word:
            return False
        self.pos = m.end()
        return True

    def expect_word(self, word: str) -> None:
        if not self.accept_word(word):
            raise self.expected(f"'{word}'")

    def optional_word(self) -> str | None:
        """A bare word without dots, or None."""
        m = _WORD.match(self.text, self.pos, self.end)
        if m is None:
            return None
        self.pos = m.end()
        return m[1]

    def word(self, what: str = "a word") -> str:
        found = self.optional_word()
        if found is None:
            raise self.expected(what)
        return found

    def dotted(self, what: str = "a name") -> str:
        """A bare word that may have dots."""
        m = _BARE.match(self.text, self.pos, self.end)
        if m is None:
            raise self.expected(what)
        self.pos = m.end()
        return m[1]

    def optional_integer(self) -> int | None:
        m = _INTEGER.match(self.text, self.pos, self.end)
        if m is None:
            return None
        self.pos = m.end()
        # Longer digits are not even converted: Python refuses some, and they fit nothing.
        value = integer_of(m[1]) if len(m[1]) <= 22 else 1 << 64
        if not -(1 << 63) <= value < 1 << 63:
            raise self.error("integer value too large", m.start(1), m.end())
        return value

    def integer(self) -> int:
        found = self.optional_integer()
        if found is None:
            raise self.expected("an integer")
        return found

    def optional_length(self) -> int | None:
        """An expression over the named sizes n0, n1, ... as one is printed."""
        start = self.skip()
        end = _expression_end(self.text, start, self.end)
        if not _OVER_SIZES.fullmatch(self.text, start, end):
            return None
        try:
            value = parsed(self.text[start:end].strip())
        except (SyntaxError, ValueError, ArithmeticError, IrcError):
            raise self.error("not an extent", start, end) from None
        self.pos = end
        return value

    def length(self) -> int:
        """An integer, or an expression over named sizes."""
        found = self.optional_length()
        return self.integer() if found is None else found

    def optional_string(self) -> str | None:
        m = _STRING.match(self.text, self.pos, self.end)
        if m is None:
            return None
        self.pos = m.end()
        return unquote(m[1])

    def string(self) -> str:
        found = self.optional_string()
        if found is None:
            raise self.expected("a string")
        return found

    def optional_symbol(self) -> str | None:
        """`@name` or `@"any name"`, without the `@`."""
        m = _SYMBOL.match(self.text, self.pos, self.end)
        if m is None:
            return None
        self.pos = m.end()
        return m[1] or unquote(m[2])

    def symbol(self) -> str:
        found = self.optional_symbol()
        if found is None:
            raise self.expected("a symbol name")
        return found

    def list_of(self, item: Callable[[], T], opening: str = "[", closing: str = "]") -> list[T]:
        """`[item, item]`, perhaps empty."""
        self.expect(opening)
        items: list[T] = []
        if self.accept(closing):
            return items
        while True:
            items.append(item())
            if self.accept(closing):
                return items
            if not self.accept(","):
                raise self.expected(f"',' or '{closing}'")

    def error(self, message: str, offset: int | None = None, end: int = 0) -> ParseError:
        """A ParseError at `offset`, or at what comes next."""
        at = self.skip() if offset is None else offset
        return self.source.error(message, at, end)

    def expected(self, what: str) -> ParseError:
        """`expected WHAT, found SEEN`, at what comes next."""
        at = self.skip()
        seen = _SEEN.match(self.text, at)
        if seen is None:
            return self.source.error(f"expected {what}, found the end of the text", at)
        last = self._before(at)
        if at >= self.end and "\n" in self.text[last:at]:
            # What follows is another statement: the place is the end of this one.
            return self.source.error(f"expected {what} at the end of this operation", last)
        return self.source.error(f"expected {what}, found '{_short(seen[0])}'", at, seen.end())

    def _before(self, at: int) -> int:
        """The end of what stands before white space that ends at `at`."""
        while at and self.text[at - 1].isspace():
            at -= 1
        return at


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
