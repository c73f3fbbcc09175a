"""Which program of one model is compared with which of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from irc.passes.difference.alignment import Graph, label_of
from irc.passes.difference.program import Program


def distinct(programs: Iterable[Program]) -> list[Program]:
    """Programs that compute something, each once; all of them where none does."""
    found: dict[str, Program] = {}
    for program in programs:
        found.setdefault(program.text, program)
    return [p for p in found.values() if not p.is_trivial] or list(found.values())


def paired(
    of_a: list[Program], of_b: list[Program]
) -> tuple[list[tuple[Program, Program]], list[Program], list[Program]]:
    """Programs that are the same, then those most alike; and the rest of each."""
    ranked = sorted(
        ((likeness(a, b), -i, -j) for i, a in enumerate(of_a) for j, b in enumerate(of_b)), reverse=True
    )
    left_a, left_b = dict(enumerate(of_a)), dict(enumerate(of_b))
    pairs = {}
    for score, i, j in ranked:
        if -i in left_a and -j in left_b and score > LEAST_LIKE:
            pairs[-i] = (left_a.pop(-i), left_b.pop(-j))
    return [pairs[i] for i in sorted(pairs)], list(left_a.values()), list(left_b.values())


LEAST_LIKE, MUCH_LIKE = 0.3, 0.8
"""Programs of which less than this share of ops is alike are not compared; of which more is, one is the other at its first
step."""


def likeness(a: Program, b: Program) -> float:
    """The share of ops that two programs have in common; 2 for the same program."""
    if a.text == b.text:
        return 2.0
    one, two = (Counter(map(label_of, Graph(p.canonical.block).nodes)) for p in (a, b))
    return 2 * (one & two).total() / max(one.total() + two.total(), 1)
