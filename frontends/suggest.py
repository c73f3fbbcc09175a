"""Names that are not there: which of the known ones was meant."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from irc.frontends.errors import NotThere
from irc.frontends.recorder.storage import located


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs in case and underscores only, or else the most similar one; None where none is near."""
    by_letters: dict[str, str] = {}
    for k in known:
        by_letters.setdefault(_letters(k), k)
    found = difflib.get_close_matches(_letters(name), by_letters, 1, 0.72)
    return by_letters[found[0]] if found else None


def advice(name: str, known: Iterable[str], prefix: str = "", quoted: bool = False) -> tuple[str, ...]:
    """Notes of an error: what was meant, or else all that is known."""
    names = sorted(known)
    found = closest(name, names)
    if found is not None:
        return (f"did you mean {found!r}?" if quoted else f"did you mean {prefix}{found}?",)
    return (f"known: {', '.join(names)}",)


def missing(shown: str, module: dict[str, Any]) -> Callable[[str], Any]:
    """The `__getattr__` of a module that users call `shown`."""

    def refuse(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise located(NotThere(f"{shown}.{name} is not there", notes=advice_of(name, shown, module)))

    return refuse


def advice_of(name: str, shown: str, module: dict[str, Any]) -> tuple[str, ...]:
    """Which public name of a module was meant; nothing where none is near."""
    found = closest(name, sorted(n for n in module if not n.startswith("_")))
    return () if found is None else (f"did you mean {shown}.{found}?",)


def _letters(name: str) -> str:
    return name.lower().replace("_", "")
