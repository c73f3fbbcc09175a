"""Tables of plain text, and numbers in them."""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equal length in columns: cells that begin with a digit on the right, others on the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows) + "\n"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [c.rjust(w) if c[:1].isdigit() else c.ljust(w) for c, w in zip(row, widths, strict=True)]
    return "  ".join(cells).rstrip()


def count(n: float) -> str:
    """A number as people say it: `31.2 k`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return str(n)


def seconds(s: float) -> str:
    """A time in milliseconds, a short one in microseconds."""
    return f"{1e3 * s:.2f} ms" if s >= 1e-4 else f"{1e6 * s:.1f} us"
