"""Which ops of two programs are the same op: those whose neighbourhoods are alike, the widest neighbourhoods first.

An op's label is its name with the rank, elements and, at first, extents of its results: constants' values and attributes
are left out, since these are what programs that nearly agree differ in. Labels are refined by those of operands and users,
round by round (Weisfeiler and Leman 1968), together and each way alone; ops are then matched from the last round back to
the first, and from each match along operands and users, as patience and GumTree (Falleri et al. 2014) go from anchors
outward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from irc.dialects.stablehlo import Case, Constant, DotGeneral, If, While
from irc.ir.operation import Block, Operation, Value
from irc.passes.canonical.colours import digest
from irc.passes.canonical.symmetry import is_symmetric
from irc.passes.regions import walk

Node = Operation | Value
"""An op that is no constant, or an argument of a function or of a region."""

ROUNDS = 8
NARROW = 3
"""Neighbourhoods of this many rounds and fewer are looked at when all wider ones have been."""

ABOVE, BELOW = "above", "below"
BOTH = (ABOVE, BELOW)


def elements_of(node: Node) -> tuple[str, ...]:
    """Element types and ranks of what a node gives."""
    values = node.results if isinstance(node, Operation) else (node,)
    return tuple(f"{v.type.element}" for v in values if hasattr(v.type, "element"))


def label_of(node: Node, extents: bool = False) -> str:
    """The label of a node; with `extents`, in whatever order."""
    if isinstance(node, While | If | Case):
        # What control flow carries is compared by itself.
        return node.name
    values = node.results if isinstance(node, Operation) else (node,)
    shapes = [getattr(v.type, "shape", ()) for v in values]
    ranks = [sorted(map(str, s)) if extents else len(s) for s in shapes]
    name = node.name if isinstance(node, Operation) else "argument"
    kinds = [_kind(v) for v in values]
    return f"{name} {ranks} {kinds}"


def _kind(value: Value) -> str:
    """The kind of an element: i32 and i64 are both integers, which programs of two families differ in."""
    word = str(getattr(value.type, "element", value.type))
    return word if word == "i1" else word.rstrip("0123456789")[:1] if word[:1] in "if" else word


@dataclass
class Graph:
    """The nodes of a function in order, with what each reads (None for a constant) and who reads it."""

    block: Block
    nodes: list[Node] = field(default_factory=list)
    operands: dict[Node, list[Node | None]] = field(default_factory=dict)
    users: dict[Node, list[Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for argument in self.block.arguments:
            self._add(argument, [])
        for op in walk(self.block):
            if not isinstance(op, Constant) and not op.terminator:
                self._add(op, [self.node(v) for v in op.operands])
                self._enter(op)
        self.place = {node: i for i, node in enumerate(self.nodes)}

    def _add(self, node: Node, operands: list[Node | None]) -> None:
        self.nodes.append(node)
        self.operands[node] = operands
        for operand in operands:
            if operand is not None:
                self.users.setdefault(operand, []).append(node)

    def _enter(self, op: Operation) -> None:
        for region in op.regions:
            for i, argument in enumerate(region.arguments):
                start = [self.node(op.operands[i])] if isinstance(op, While) else []
                self._add(argument, [*start, op] if not isinstance(op, While) else start)

    def node(self, value: Value) -> Node | None:
        """The node that gives a value; None for a constant."""
        if value.op is None:
            return value
        return None if isinstance(value.op, Constant) else value.op

    def keys(self, ways: tuple[str, ...], extents: bool) -> list[dict[Node, bytes]]:
        """The labels of all nodes, round by round."""
        rounds = [{node: digest(label_of(node, extents)) for node in self.nodes}]
        for _ in range(ROUNDS):
            last = rounds[-1]
            rounds.append({node: self._refined(node, last, ways) for node in self.nodes})
        return rounds

    def _refined(self, node: Node, last: Mapping[Node, bytes], ways: tuple[str, ...]) -> bytes:
        parts = [last[node]]
        if ABOVE in ways:
            above = [last[o] if o is not None else b"constant" for o in self.operands[node]]
            # A product either way round is one product.
            in_order = (
                not isinstance(node, DotGeneral) and not is_symmetric(node)
                if isinstance(node, Operation)
                else True
            )
            parts.append(digest(*(above if in_order else sorted(above))))
        if BELOW in ways:
            parts.append(digest(*sorted(last[u] for u in self.users.get(node, ()))))
        return digest(*parts)


class Alignment:
    """Nodes of one function matched with nodes of another."""

    def __init__(self, a: Block, b: Block) -> None:
        self.a, self.b = Graph(a), Graph(b)
        self.to_b: dict[Node, Node] = {}
        self.to_a: dict[Node, Node] = {}
        self._alone: tuple[dict[Node, None], dict[Node, None]] | None = None
        self._labels = {n: label_of(n) for g in (self.a, self.b) for n in g.nodes}
        for extents in (True, False):
            of_ways = {
                ways: list(zip(self.a.keys(ways, extents), self.b.keys(ways, extents), strict=True))
                for ways in ((ABOVE,), BOTH, (BELOW,))
            }
            for most in (1, len(self._labels)):
                for rounds in of_ways.values():
                    for keys_a, keys_b in reversed(rounds[NARROW:]):
                        self._match_round(keys_a, keys_b, most)
            for keys_a, keys_b in reversed(of_ways[BOTH][:NARROW]):
                self._match_round(keys_a, keys_b, len(self._labels))

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """The matches, in the order of the first function."""
        return ((n, self.to_b[n]) for n in self.a.nodes if n in self.to_b)

    def alone(self) -> tuple[list[Node], list[Node]]:
        """The nodes without a match, of each function."""
        return (
            [n for n in self.a.nodes if n not in self.to_b],
            [n for n in self.b.nodes if n not in self.to_a],
        )

    def alone_sets(self) -> tuple[dict[Node, None], dict[Node, None]]:
        """The same, to ask whether a node is among them."""
        if self._alone is None:
            only_a, only_b = self.alone()
            self._alone = dict.fromkeys(only_a), dict.fromkeys(only_b)
        return self._alone

    def _match_round(self, keys_a: Mapping[Node, bytes], keys_b: Mapping[Node, bytes], most: int) -> None:
        """Matches, in order, nodes that as many on the other side are like, where these are at most so many."""
        groups: dict[bytes, tuple[list[Node], list[Node]]] = {}
        for side, (keys, graph, done) in enumerate(
            ((keys_a, self.a, self.to_b), (keys_b, self.b, self.to_a))
        ):
            for node in graph.nodes:
                if node not in done:
                    groups.setdefault(keys[node], ([], []))[side].append(node)
        for nodes_a, nodes_b in groups.values():
            if len(nodes_a) == len(nodes_b) <= most:
                for a, b in zip(nodes_a, nodes_b, strict=True):
                    self._match(a, b)

    def _match(self, a: Node, b: Node) -> None:
        """Matches two nodes, and from there what they read and what reads them where there is no choice."""
        stack = [(a, b)]
        while stack:
            a, b = stack.pop()
            if a in self.to_b or b in self.to_a or self._labels[a] != self._labels[b]:
                continue
            self.to_b[a], self.to_a[b] = b, a
            above = self._operand_pairs(a, b)
            below = _only_choices(
                [u for u in self.a.users.get(a, ()) if u not in self.to_b],
                [u for u in self.b.users.get(b, ()) if u not in self.to_a],
                self._labels,
            )
            stack += [*below, *above]

    def _operand_pairs(self, a: Node, b: Node) -> list[tuple[Node, Node]]:
        of_a, of_b = self.a.operands[a], self.b.operands[b]
        if isinstance(a, DotGeneral) or (isinstance(a, Operation) and is_symmetric(a)):
            free_a = [o for o in of_a if o is not None and o not in self.to_b]
            free_b = [o for o in of_b if o is not None and o not in self.to_a]
            return _only_choices(free_a, free_b, self._labels)
        pairs = zip_longest(of_a, of_b)
        return [(o, p) for o, p in pairs if o is not None and p is not None]


def _only_choices(
    nodes_a: list[Node], nodes_b: list[Node], labels: Mapping[Node, str]
) -> list[tuple[Node, Node]]:
    """Pairs of nodes whose label only one on each side has."""
    found: dict[str, tuple[list[Node], list[Node]]] = {}
    for side, nodes in enumerate((nodes_a, nodes_b)):
        for node in dict.fromkeys(nodes):
            found.setdefault(labels[node], ([], []))[side].append(node)
    return [(a[0], b[0]) for a, b in found.values() if len(a) == len(b) == 1]
