"""What a program gives back that another one does not, and that nothing else of it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from irc.ir.locations import Location, described
from irc.ir.operation import Value
from irc.passes.difference.alignment import Alignment, Graph, Node
from irc.passes.difference.comparison import Difference


class Beside:
    """What only one of two programs gives back and nothing else needs: counters, metrics, gradients."""

    def __init__(self, alignment: Alignment) -> None:
        self.nodes: dict[Node, None] = {}
        self.places: list[tuple[str, Location]] = []
        sides = ((alignment.a, alignment.to_b, "A"), (alignment.b, alignment.to_a, "B"))
        left = [
            _left_over(graph, done, other)
            for (graph, done, _), other in zip(sides, _reversed(sides), strict=True)
        ]
        for (graph, done, word), theirs in zip(sides, left[::-1], strict=True):
            types = [_kind(v) for v in theirs]
            alone = [n for n in graph.nodes if n not in done and not isinstance(n, Value)]
            ends = [v for v in graph.block.terminator.operands if graph.node(v) in dict.fromkeys(alone)]
            asked = [v for v in ends if _kind(v) in types and not _is_tally(graph, done, v)]
            needed = _needed(graph, [graph.node(v) for v in asked])
            for node in reversed(alone):
                if node not in needed and all(
                    u in self.nodes or u is graph.block.terminator for u in graph.users.get(node, ())
                ):
                    self.nodes[node] = None
                    self.places.append((word, node.location))

    def has(self, d: Difference) -> bool:
        """Whether a difference is about an op of these."""
        return any(n in self.nodes for n in (d.a_node, d.b_node) if n is not None)

    def remarks(self) -> list[str]:
        """What each of the programs gives back beside the other."""
        found: dict[str, dict[str, None]] = {}
        for word, place in reversed(self.places):
            found.setdefault(word, {})[described(place)] = None
        return [
            f"{word} also gives back what is computed at {', '.join(found[word])}" for word in sorted(found)
        ]


def _kind(value: Value) -> tuple[str, list[str]]:
    """A type without the order of its dimensions."""
    return str(value.type.element), sorted(str(n) for n in value.type.shape if n != 1)


def _is_tally(graph: Graph, done: dict[Node, Node], result: Value) -> bool:
    """Whether a scalar is computed from a scalar that the other program is not given: a count, a mean so far."""
    behind = _needed(graph, [graph.node(result)])
    own = (n for n in behind if isinstance(n, Value) and n not in done and not graph.operands[n])
    return not result.type.shape and any(not n.type.shape for n in own)


def _reversed(sides: Sequence[tuple[Graph, dict[Node, Node], str]]) -> list[Graph]:
    return [graph for graph, _, _ in sides[::-1]]


def _left_over(graph: Graph, done: dict[Node, Node], other: Graph) -> list[Value]:
    """Results that the other program does not give back."""
    given = dict.fromkeys(other.node(v) for v in other.block.terminator.operands)
    return [v for v in graph.block.terminator.operands if done.get(graph.node(v) or v) not in given]


def _needed(graph: Graph, roots: Iterable[Node | None]) -> dict[Node, None]:
    found: dict[Node, None] = {}
    stack = [n for n in roots if n is not None]
    while stack:
        node = stack.pop()
        if node not in found:
            found[node] = None
            stack += [o for o in graph.operands[node] if o is not None]
    return found
