"""Delta debugging (Zeller and Hildebrandt, 2002): the smallest part of a list, or of a text, that still fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_TOKEN = re.compile(r'\s*(?:"[^"\n]*"|[%#@^!]?[\w$.]+|->|\S)|\s+')
MOST_TOKENS = 400
"""Texts of more are reduced by lines alone: each step costs a reading."""


def smallest(items: Sequence[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """A part of `items`, in order, that fails and from which no single item can be left out.

    `items` itself must fail. Pieces of half the length are left out first, then smaller ones."""
    kept = list(items)
    size = max(1, len(kept) // 2)
    while kept:
        smaller = False
        at = len(kept)
        while at > 0:
            start = max(0, at - size)
            rest = kept[:start] + kept[at:]
            if fails(rest):
                kept, smaller = rest, True
            at = start
        if size == 1 and not smaller:
            break
        size = max(1, size // 2) if size > 1 else 1
    return kept


def smallest_text(text: str, fails: Callable[[str], bool]) -> str:
    """A text that fails with as few lines, then as few words and brackets, as leaving out can reach."""
    lines = smallest(text.split("\n"), lambda kept: fails("\n".join(kept)))
    text = "\n".join(lines)
    tokens = _TOKEN.findall(text)
    if len(tokens) <= MOST_TOKENS and "".join(tokens) == text:
        text = "".join(smallest(tokens, lambda kept: fails("".join(kept))))
    return text
