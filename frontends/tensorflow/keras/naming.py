"""Names that nobody gave: `dense`, `dense_1`, ... as Keras counts them."""

from __future__ import annotations

import re
from typing import Any

_BEFORE_A_WORD = re.compile(r"(?<=[^_])(?=[A-Z][a-z])")
_AFTER_A_LETTER = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Names:
    """How often each name has been given out."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def unique(self, prefix: str) -> str:
        """`prefix` the first time, then `prefix_1`, ..."""
        count = self.counts.get(prefix, 0)
        self.counts[prefix] = count + 1
        return prefix if count == 0 else f"{prefix}_{count}"


names = Names()


def snake_case(name: str) -> str:
    """`GlobalAveragePooling2D` as `global_average_pooling2d`."""
    words = _BEFORE_A_WORD.sub("_", re.sub(r"\W+", "", name))
    return _AFTER_A_LETTER.sub("_", words).lower()


def auto_name(thing: Any) -> str:
    """The next free name of a class (or of a word)."""
    word = thing if isinstance(thing, str) else thing.__name__
    return names.unique(snake_case(word))


def name_of(thing: Any) -> str:
    """The name by which a function, a class's instance or a class is known."""
    if isinstance(thing, str):
        return thing
    found = getattr(thing, "name", None) or getattr(thing, "__name__", None)
    return found if isinstance(found, str) else snake_case(type(thing).__name__)


def clear_session(free_memory: bool = True) -> None:
    """Counts names from the start again."""
    names.counts.clear()
