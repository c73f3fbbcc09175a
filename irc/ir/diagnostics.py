"""A text that is being read, and the errors about it: line, column, the line itself and a caret under the place."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from irc.errors import ParseError, SourceSpan

_HALF = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r'"[^"\n]*"|[%^@]?[\w.$]+')


class SourceText:
    """A text with the name it is reported under. Offsets become lines and columns only when an error needs them."""

    def __init__(self, text: str, filename: str = "<string>") -> None:
        self.text = text
        self.filename = filename

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def line_column(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """A line without its newline; long ones (literals of weights) are cut."""
        start = self._starts[line - 1]
        stop = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        return self.text[start : min(stop, start + 2000)]

    def span(self, offset: int, end: int = 0) -> SourceSpan:
        """The place of `text[offset:end]`; the caret stands under its first line."""
        line, column = self.line_column(min(offset, len(self.text)))
        text = self.line_text(line)
        stop = column + (end - offset) if end > offset else 0
        return SourceSpan(self.filename, line, column, min(stop, len(text) + 1), text)

    def word_span(self, offset: int) -> SourceSpan:
        """The place of the word (an op's name, perhaps quoted) at an offset."""
        m = _WORD.match(self.text, offset)
        return self.span(offset, m.end() if m else 0)

    def check_characters(self) -> None:
        """Raises ParseError where the text holds half of a character that Python writes as two."""
        if self.text.isascii():
            return
        half = _HALF.search(self.text)
        if half is not None:
            raise self.error(f"U+{ord(half[0]):04X} is no character", half.start(), half.end())

    def error(self, message: str, offset: int, end: int = 0, notes: tuple[str, ...] = ()) -> ParseError:
        return ParseError(message, span=self.span(offset, end), notes=notes)
