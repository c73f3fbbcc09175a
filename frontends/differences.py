"""What two models differ in, as rows: in the words of the frontends' operations where their notes tell, else op by op.

settings   operations of both models are matched in the order they were recorded, and their notes compared
boundary   how arguments are held: the order of their dimensions outside of the canonical form
initial    what parameters start from
structure  what the canonical functions differ in; ops that a row above explains are left out"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from irc.frontends.points import title_of
from irc.ir.locations import UNKNOWN, FusedLoc, Location, file_location
from irc.ir.notes import CALL, Note, note_of, notes_of
from irc.ir.operation import Value
from irc.passes.difference.alignment import Alignment, Node
from irc.passes.difference.beside import Beside
from irc.passes.difference.comparison import ORDER, Difference, compare
from irc.passes.difference.pairing import MUCH_LIKE, distinct, likeness, paired
from irc.passes.difference.program import INITIAL, TURNED, Called, CallKey, Program, is_backward, keys_of

Place = tuple[Location, Location]


@dataclass(slots=True)
class Row:
    """One point: what differs, both values, and the places (of each model) where it does.

    A `held` row is about the boundary alone: the canonical form sees one program through it."""

    title: str
    what: str
    a: str
    b: str
    places: list[Place] = field(default_factory=list)
    held: bool = False


@dataclass(slots=True)
class Comparison:
    """Rows, what only one of the models computes beside the other's, and whether the programs are the same."""

    rows: list[Row]
    remarks: list[str]
    same: bool


class Rows:
    """Rows with equal words are one row."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, str, str], Row] = {}

    def add(self, title: str, what: str, a: str, b: str, place: Place, held: bool = False) -> None:
        row = self.found.setdefault((title, what, a, b), Row(title, what, a, b, [], held))
        if place not in row.places:
            row.places.append(place)


def differences(programs_a: Sequence[Program], programs_b: Sequence[Program]) -> Comparison:
    """Compares what two models compute."""
    of_a, of_b = (distinct(programs) for programs in (programs_a, programs_b))
    pairs, alone_a, alone_b = paired(of_a, of_b)
    rows, remarks = Rows(), []
    for a, b in pairs:
        remarks += _Pair(a, b, rows).fill()
    for word, alone, own in (("A", alone_a, of_a), ("B", alone_b, of_b)):
        new = [p for p in alone if not any(likeness(p, q) > MUCH_LIKE for q in own if q not in alone)]
        remarks += [f"{word} also runs a program of {_count(p)} ops that the other does not" for p in new]
    found = list(rows.found.values())
    same = all(row.held for row in found) and bool(pairs)
    return Comparison(found, list(dict.fromkeys(remarks)), same)


def _count(program: Program) -> int:
    return len(program.canonical.block.operations)


class _Pair:
    """Two programs, and the rows that tell them apart."""

    def __init__(self, a: Program, b: Program, rows: Rows) -> None:
        self.a, self.b, self.rows = a, b, rows
        self.told: dict[CallKey, Location] = {}
        """Calls of operations that a row tells of, and their places: their ops are explained."""

    def fill(self) -> list[str]:
        """Adds the rows; returns remarks."""
        if self.a.text != self.b.text:
            self._settings()
        self.alignment = Alignment(self.a.canonical.block, self.b.canonical.block)
        self._boundary()
        if self.a.text == self.b.text:
            return []
        return self._structure()

    # Settings

    def _settings(self) -> None:
        ops_a, ops_b = self.a.operations, self.b.operations
        names_a, names_b = ([call.note.operation for call in ops] for ops in (ops_a, ops_b))
        matcher = SequenceMatcher(None, names_a, names_b, autojunk=False)
        alone_a: list[Called] = []
        alone_b: list[Called] = []
        for tag, i, end_i, j, end_j in matcher.get_opcodes():
            if tag == "equal":
                for x, y in zip(ops_a[i:end_i], ops_b[j:end_j], strict=True):
                    self._compared(x, y)
            else:
                alone_a += ops_a[i:end_i]
                alone_b += ops_b[j:end_j]
        # The same operation at another place of the sequence: an update that a graph runs last.
        for x in alone_a[:]:
            like = next((y for y in alone_b if y.note.operation == x.note.operation), None)
            if like is not None:
                alone_a.remove(x)
                alone_b.remove(like)
                self._compared(x, like)
        self._unmatched(alone_a, alone_b)

    def _compared(self, x: Called, y: Called) -> None:
        for name, value in x.note.settings:
            other = y.note.get(name)
            if name != CALL and other is not None and other != value:
                title = _title(x.note, y.note, name)
                self.rows.add(title, name, value, other, (x.place, y.place))
                self._tell(x, y)

    def _unmatched(self, calls_a: Sequence[Called], calls_b: Sequence[Called]) -> None:
        for call in calls_a:
            self.rows.add(call.note.operation, "", "there", "not there", (call.place, UNKNOWN))
        for call in calls_b:
            self.rows.add(call.note.operation, "", "not there", "there", (UNKNOWN, call.place))
        self._tell(*calls_a, *calls_b)

    def _tell(self, *calls: Called) -> None:
        self.told.update((key, call.place) for call in calls for key in call.keys)

    # Arguments

    def _boundary(self) -> None:
        orders_a, orders_b = self.a.orders(), self.b.orders()
        roles, roles_b = self.a.roles(), self.b.roles()
        for x, y in self.alignment.pairs():
            if not isinstance(x, Value) or x not in orders_a or not isinstance(y, Value):
                continue
            role, place_a = roles.get(x, ("", UNKNOWN))
            place = place_a, roles_b.get(y, ("", UNKNOWN))[1]
            self._held(role, orders_a[x], orders_b[y], place)
            self._initial(role, x, y)

    def _held(self, role: str, a: tuple[int, ...], b: tuple[int, ...], place: Place) -> None:
        """A row for an argument held in another order. The canonical dimension i is dimension order[i] of the argument."""
        names = _DIMENSIONS.get((role, len(a)))
        if a == b or names is None:
            return
        title, words = names
        self.rows.add(
            title, "" if title == _LINEAR else role, _held_as(words, a), _held_as(words, b), place, held=True
        )

    def _initial(self, role: str, x: Value, y: Value) -> None:
        first, second = _start(x), _start(y)
        if role in _STARTS and first is not None and second is not None and first != second:
            self.rows.add(_STARTS[role], _CALLED.get(role, role), first, second, (x.location, y.location))

    # Structure

    def _structure(self) -> list[str]:
        """Rows for what no other row explains; remarks on what only one of the programs gives back."""
        beside = Beside(self.alignment)
        found = [d for d in compare(self.alignment) if not beside.has(d) and (d.what or d.op != "argument")]
        before = len(self.rows.found)
        for d in found:
            if d.what == "element type" and not d.follows and not self._is_internal(d):
                self.rows.add(_DTYPE, d.what, d.a, d.b, self._read_at(d))
        told = self._beside_told([d for d in found if not d.what])
        open_ = [d for d in found if not d.follows and not self._is_told(d) and d not in told]
        groups = self._alone([d for d in open_ if not d.what])
        for (name, place_a, place_b), (of_a, of_b) in groups.items():
            title = f"{name}: computed otherwise" if name else "computed otherwise"
            self.rows.add(title, "", _listed(of_a), _listed(of_b), (place_a, place_b))
        self._changed([d for d in open_ if d.what], [(name, a) for name, a, _ in groups])
        if len(self.rows.found) == before and not self.told and found:
            # All of it follows from something: then the first is what the rest follows from.
            self._changed(found[:1], [])
        return beside.remarks() if found or beside.places else ["they take and give back other things"]

    def _changed(self, found: Sequence[Difference], otherwise: Sequence[tuple[str, Location]]) -> None:
        """Rows for ops that both programs have, but for those inside of what is computed otherwise altogether."""
        forward = {_bare(d): None for d in found if not _is_backward(d)}
        for d in found:
            if _is_backward(d) and _bare(d) in forward:
                continue
            if (
                d.what != "element type"
                and not self._only_rewired(d)
                and (_within(d), without_metadata(d.place_a)) not in otherwise
            ):
                title = f"{d.what} of an argument" if d.op == "argument" else f"{d.op} {d.what}"
                title = "pad" if d.op == "pad" and d.what == "padding" else title.rstrip()
                within = _within(d)
                self.rows.add(
                    f"{within}: {title}" if within else title, d.what, d.a, d.b, (d.place_a, d.place_b)
                )

    def _is_told(self, d: Difference) -> bool:
        """Whether the op belongs to an operation that a row tells of; one without notes is known by its place."""
        if any(self._place_is_told(place) for place in (d.place_a, d.place_b)):
            return True
        if d.op == "argument" and d.what in ("shape", ORDER):
            return d.what == ORDER or any(map(self._place_is_told, self._readers(d)))
        titles = dict.fromkeys(row.title for row in self.rows.found.values())
        moved = d.op in _MOVES or d.what == ORDER
        return (moved and _LAYOUT in titles) or (d.op == "convert" and _DTYPE in titles)

    def _beside_told(self, alone: Sequence[Difference]) -> list[Difference]:
        """Of ops that one program has alone, those that hang together with ops of a told operation: a sigmoid that a loss
        of logits takes in."""
        found: list[Difference] = []
        for is_a, graph in ((True, self.alignment.a), (False, self.alignment.b)):
            of = {n: d for d in alone if (n := d.a_node if is_a else d.b_node) is not None}
            stack = [n for n, d in of.items() if any(map(self._place_is_told, (d.place_a, d.place_b)))]
            seen = dict.fromkeys(stack)
            while stack:
                node = stack.pop()
                for near in (*graph.operands[node], *graph.users.get(node, ())):
                    if near in of and near not in seen:
                        seen[near] = None
                        stack.append(near)
            found += [of[n] for n in seen]
        return found

    def _place_is_told(self, place: Location) -> bool:
        pairs = list(notes_of(place))
        if pairs:
            return any(key in self.told for note, at in pairs for key in keys_of(note, at))
        bare = without_metadata(place)
        return type(bare) is not Location and bare in self.told.values()

    def _only_rewired(self, d: Difference) -> bool:
        """Whether an op merely reads what one of the programs computes otherwise, which is told where that is."""
        alone_a, alone_b = self.alignment.alone_sets()
        reads_a, reads_b = self.alignment.a.operands, self.alignment.b.operands
        return (
            d.what not in ("constant", *_attribute_names(d.a_node))
            and d.a_node is not None
            and d.b_node is not None
            and (
                any(o in alone_a for o in reads_a[d.a_node] if o is not None)
                or any(o in alone_b for o in reads_b[d.b_node] if o is not None)
            )
        )

    def _is_internal(self, d: Difference) -> bool:
        """Whether it is an op of an operation that a row tells of, or a number that only such ops read. Labels and indices
        are the user's, whoever reads them."""
        if not d.a.startswith("f"):
            return False
        readers = self._readers(d)
        is_read = d.op == "argument" and bool(readers) and all(map(self._place_is_told, readers))
        return is_read or (d.op != "argument" and self._is_told(d))

    def _readers(self, d: Difference) -> list[Location]:
        """The places of the ops that read two nodes."""
        sides = ((d.a_node, self.alignment.a), (d.b_node, self.alignment.b))
        return [u.location for node, graph in sides if node is not None for u in graph.users.get(node, ())]

    def _read_at(self, d: Difference) -> Place:
        """The places of two arguments where they are read, if it is not known where they were made."""
        found = []
        for node, place, graph in (
            (d.a_node, d.place_a, self.alignment.a),
            (d.b_node, d.place_b, self.alignment.b),
        ):
            users = graph.users.get(node, ()) if node is not None else ()
            places = (place, *(u.location for u in users))
            found.append(next((p for p in places if has_place(p)), UNKNOWN))
        return found[0], found[1]

    def _alone(
        self, found: Sequence[Difference]
    ) -> dict[tuple[str, Location, Location], tuple[list[str], list[str]]]:
        """Ops that only one program has, by the operation they belong to and its place in each program."""
        groups: dict[tuple[str, Location, Location], tuple[list[str], list[str]]] = {}
        first: dict[str, Place] = {}
        for d in found:
            is_a = d.a_node is not None
            here = without_metadata(d.place_a if is_a else d.place_b)
            there = self.counterparts[is_a].get(here, UNKNOWN)
            places = (here, there) if is_a else (there, here)
            name = _within(d)
            if name:
                # What an operation of the frontend does otherwise is one row.
                places = first.setdefault(name, self._places_of(name, places))
            groups.setdefault((name, *places), ([], []))[not is_a].append(d.op)
        return groups

    def _places_of(self, name: str, places: Place) -> Place:
        """Where each program calls an operation first; a place that is known stays."""
        calls = (
            next((call.place for call in p.operations if call.note.operation == name), UNKNOWN)
            for p in (self.a, self.b)
        )
        one, other = (place if has_place(place) else call for place, call in zip(places, calls, strict=True))
        return one, other

    @cached_property
    def counterparts(self) -> tuple[dict[Location, Location], dict[Location, Location]]:
        """For each place in one program the place in the other that most of its ops are matched with: of B's, and of A's."""
        counts: Counter[Place] = Counter()
        for x, y in self.alignment.pairs():
            counts[without_metadata(x.location), without_metadata(y.location)] += 1
        of_a: dict[Location, Location] = {}
        of_b: dict[Location, Location] = {}
        for (place_a, place_b), _ in counts.most_common():
            of_a.setdefault(place_a, place_b)
            of_b.setdefault(place_b, place_a)
        return of_b, of_a


def _attribute_names(node: Node | None) -> tuple[str, ...]:
    return () if node is None or isinstance(node, Value) else tuple(node.attribute_fields)


def _within(d: Difference) -> str:
    """The operation of the frontend that an op is part of, or ""."""
    note = note_of(d.place_a) or note_of(d.place_b)
    return "" if note is None or note.operation == INITIAL else note.operation


def _listed(ops: Sequence[str]) -> str:
    counts = Counter(ops)
    return ", ".join(op if n == 1 else f"{n} {op}" for op, n in counts.items())


def without_metadata(place: Location) -> Location:
    """The place itself: without notes, and whether it is about a gradient."""
    while isinstance(place, FusedLoc):
        place = place.locations[0]
    return place


def _bare(d: Difference) -> Place:
    return without_metadata(d.place_a), without_metadata(d.place_b)


def _is_backward(d: Difference) -> bool:
    return is_backward(d.place_a) or is_backward(d.place_b)


def has_place(place: Location) -> bool:
    """Whether a location names a line of a file."""
    at = file_location(place)
    return at is not None and bool(at.file)


_MOVES = ("transpose", "reshape", "broadcast_in_dim")


def _title(x: Note, y: Note, name: str) -> str:
    if x.operation == "convolution" and name == "padding" and _is_same_padding(x, y):
        return "padding='same', stride > 1"
    return title_of(x.operation, name)


def _is_same_padding(x: Note, y: Note) -> bool:
    """Strided, and padded by as many places on both sides, or one more at the end, in one or the other."""
    strides = ast.literal_eval(x.get("stride") or "()")
    pads = [ast.literal_eval(n.get("padding") or "()") for n in (x, y)]
    symmetric = [all(low == high for low, high in p) for p in pads]
    return x.get("stride") == y.get("stride") and max(strides, default=1) > 1 and symmetric[0] != symmetric[1]


_LAYOUT, _LINEAR, _DTYPE = "layout", "Linear/Dense weight", "int / float default"
_DIMENSIONS = {
    ("convolution's input", 4): (_LAYOUT, "NHWC"),
    ("convolution's input", 3): (_LAYOUT, "NWC"),
    ("convolution's input", 5): (_LAYOUT, "NDHWC"),
    ("convolution's weight", 4): (_LAYOUT, "HWIO"),
    ("convolution's weight", 3): (_LAYOUT, "WIO"),
    ("convolution's weight", 5): (_LAYOUT, "DHWIO"),
    ("product", 2): (_LINEAR, ("in", "out")),
    (TURNED, 2): (_LINEAR, ("out", "in")),
}
"""What dimensions of canonical arguments are called, by what they are to the op that reads them."""

_STARTS = {
    "convolution's weight": "Linear init",
    "product": "Linear init",
    TURNED: "Linear init",
    "bias": "Linear init",
    "table": "Embedding init",
}
_CALLED = {"product": "weight of a product", TURNED: "weight of a product", "table": ""}


def _held_as(words: Sequence[str], order: Sequence[int]) -> str:
    """The names of an argument's dimensions in the order in which it is given."""
    given = [""] * len(order)
    for name, d in zip(words, order, strict=True):
        given[d] = name
    return "".join(given) if isinstance(words, str) else f"({', '.join(given)})"


def _start(argument: Value) -> str | None:
    note = note_of(argument.location)
    return note.get("values") if note is not None and note.operation == INITIAL else None
