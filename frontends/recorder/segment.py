"""Segments: from connected nodes to a key, a module, an executable, and arrays in their places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.dialects.stablehlo import Constant, Reshape
from irc.frontends.errors import TraceError
from irc.frontends.recorder.backend import Executable, cache, counters
from irc.frontends.recorder.bounded import Bounded
from irc.frontends.recorder.functions import referred
from irc.frontends.recorder.graph import needed
from irc.frontends.recorder.sizes import compile_sized
from irc.frontends.recorder.value import Literal, Node, Recorded
from irc.frontends.source import Site, scopes
from irc.ir.attributes import DenseElementsAttr
from irc.ir.locations import UNKNOWN, Location, NameLoc
from irc.ir.notes import Note, note_of
from irc.ir.operation import Block, Operation, Value


class Segment:
    """Nodes in order, what they take from outside, and which of their values come out.

    `parts` is the structure: for each node its template and one reference an operand: a value's number (counted over all
    templates), ~i for external i, None for a literal. `outputs` are such references. Nothing but `externals` holds on
    to a recorded value, so that `detach` lets inputs die that nothing else needs."""

    __slots__ = ("externals", "literals", "origins", "outputs", "parts", "sites", "types")

    def __init__(
        self, nodes: Sequence[Node], outputs: Iterable[Recorded], given: Sequence[Recorded] = ()
    ) -> None:
        """`given` externals come first, in this order."""
        self.externals: list[Recorded] = list(given)
        self.literals: list[Literal] = []
        external = {_identity(value): i for i, value in enumerate(given)}
        base: dict[Node, int] = {}
        parts: list[Any] = []
        count = 0
        for node in nodes:
            refs: list[int | None] = []
            for operand in node.inputs:
                if type(operand) is Literal:
                    self.literals.append(operand)
                    refs.append(None)
                else:
                    refs.append(self._reference(operand, base, external))
            parts.append(node.running)
            parts.append(tuple(refs))
            base[node] = count
            count += len(node.running.values)
        self.parts = tuple(parts)
        self.outputs = tuple(self._reference(o, base, external) for o in outputs)
        self.sites: list[Site] = [node.site for node in nodes]
        self.types = [v.type for v in self.externals]
        noting = scopes.describe is not None
        self.origins = [origin(v) if noting else UNKNOWN for v in self.externals]

    def _reference(self, value: Any, base: dict[Node, int], external: dict[int, int]) -> int:
        if value.array is None and value.node is not None:
            at = base.get(value.node)
            if at is not None:
                return at + value.index
        identity = _identity(value)
        number = external.get(identity)
        if number is None:
            number = external[identity] = len(self.externals)
            self.externals.append(value)
        return ~number

    def detach(self) -> list[Recorded]:
        """The externals, which the segment then no longer holds."""
        taken, self.externals = self.externals, []
        return taken

    def module(self, literal_inputs: Sequence[bool]) -> Module:
        """The segment as a module with @main and what its ops refer to; arguments are the externals, then the literals chosen to be inputs."""
        block = self.block(literal_inputs)
        return Module.of([Func.of("main", block), *referred(block.operations)])

    def block(self, literal_inputs: Sequence[bool]) -> Block:
        given = zip(self.types, self.origins, strict=True)
        arguments = [Value(t, None, i, "", place) for i, (t, place) in enumerate(given)]
        operations: list[Operation] = []
        literals: list[Value] = []
        count = len(arguments)
        for literal, is_input in zip(self.literals, literal_inputs, strict=True):
            if is_input:
                place = number_location(literal) if scopes.describe is not None else UNKNOWN
                arguments.append(value := Value(literal.type, None, len(arguments), "", place))
            else:
                operations.append(op := literal_constant(literal))
                value = op.result
            literals.append(value)
        numbers = iter(literals)
        values: list[Value] = []
        for template, refs, site in zip(self.parts[::2], self.parts[1::2], self.sites, strict=True):
            operands = [next(numbers) if r is None else values[r] if r >= 0 else arguments[~r] for r in refs]
            made, results = template.place(operands, site.location())
            operations += made
            values += results
        assert count == len(self.types)
        operations.append(Return([values[r] if r >= 0 else arguments[~r] for r in self.outputs]))
        return Block(arguments, operations)


def origin(value: Recorded) -> Location:
    """Where the values of an external come from: noted are those that are all alike."""
    shown: Recorded | None = value
    found: Location | None = None
    while shown is not None and found is None:
        found = scopes.origins.get(shown)
        shown = shown.source
    array = value.array
    alike = isinstance(array, np.ndarray) and array.size and bool((array == array.flat[0]).all())
    if found is None or not alike or note_of(found) is not None:
        return found or UNKNOWN
    return Note.of("initial", values=repr(array.flat[0].item())).at(found)


def made_at(value: Recorded) -> Location:
    """Where a value is made, behind ops that only show it."""
    if value.node is None or value.array is not None:
        return origin(value)
    node = value.node
    place = node.template.noted(node.site.location())
    only_shows = all(isinstance(op, Reshape) for op in node.template.operations) and note_of(place) is None
    match node.inputs:
        case (Recorded() as shown,) if only_shows:
            return made_at(shown)
    return place


def root_of(value: Recorded) -> Recorded:
    """The placeholder behind its aliases."""
    while value.array is None and value.node is None and value.source is not None:
        value = value.source
    return value


def _identity(value: Recorded) -> int:
    """What makes two externals one: their array, or the placeholder behind them."""
    if value.array is not None:
        return id(value.array)
    if value.node is not None:
        return id(value.node.saved[value.index])
    return id(root_of(value))


def external_array(value: Recorded) -> Any:
    """The array of an external that has one."""
    return value.array if value.array is not None or value.node is None else value.node.saved[value.index]


def literal_constant(literal: Literal) -> Operation:
    """A literal as an op."""
    return Constant(
        value=DenseElementsAttr.of(literal.type, literal_array(literal)), result_types=[literal.type]
    )


def number_location(literal: Literal) -> Location:
    """A note of the value that a literal has while it is compiled as an input."""
    return Note.of("number", value=repr(literal_array(literal).item())).at(NameLoc("number", UNKNOWN))


def literal_array(literal: Literal) -> Any:
    """The number as a 0-d array; integers wrap, as a conversion in the program would."""
    dtype = literal.type.element.numpy
    number = literal.value if literal.live is None else literal.live()
    with np.errstate(over="ignore"):
        if dtype.kind in "iu" and isinstance(number, int):
            return np.asarray(number & 0xFFFFFFFFFFFFFFFF, np.uint64).astype(dtype)
        return np.asarray(number).astype(dtype)


class Program:
    """The executables of one structure: literals baked in while they do not change, then taken as inputs."""

    __slots__ = ("executable", "general", "place", "values")

    def __init__(self, segment: Segment, donate: tuple[int, ...], place: str) -> None:
        self.place = place
        self.values = [literal.value for literal in segment.literals]
        self.executable = compile_sized(segment.module([False] * len(self.values)), donate, place=place)
        self.general: Executable | None = None

    def run(self, segment: Segment, arrays: Sequence[Any], donate: tuple[int, ...]) -> Any:
        """Results for these external arrays and the segment's literals."""
        counters.runs += 1
        if [literal.value for literal in segment.literals] == self.values:
            return self.executable(*arrays)
        if self.general is None:
            module = segment.module([True] * len(self.values))
            self.general = compile_sized(module, donate, place=self.place)
        return self.general(*arrays, *map(literal_array, segment.literals))


_PROGRAMS: Bounded[Program] = cache()

Slot = tuple[Node, int]


def compute(pending: list[Node], keep: Sequence[Recorded] = (), retain: bool = False) -> None:
    """Runs the pending nodes for everything that a tensor holds, and for `keep`, which goes into `saved` of its nodes: a
    program for each place, and more where one waits for another.

    With `retain` the nodes keep their history for a gradient. Otherwise it is dropped, and inputs that nothing needs any
    more are donated: results may be written into them."""
    groups = _by_place(pending)
    for group in groups:
        _compute(group, keep if len(groups) == 1 else _read_outside(group, pending, keep), retain)


def _by_place(pending: list[Node]) -> list[list[Node]]:
    """The nodes in groups of one place each, so that a group needs nothing of a later one."""
    if all(node.place == pending[0].place for node in pending):
        return [pending]
    stage: dict[Node, int] = {}
    groups: dict[tuple[int, str], list[Node]] = {}
    for node in pending:
        before = [o.node for o in node.inputs if isinstance(o, Recorded) and o.array is None]
        waits = [stage[n] + (n.place != node.place) for n in before if n in stage]
        stage[node] = max(waits, default=0)
        groups.setdefault((stage[node], node.place), []).append(node)
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]


def _read_outside(group: list[Node], pending: list[Node], keep: Sequence[Recorded]) -> list[Recorded]:
    """What other groups read of this one, and what is kept of it."""
    mine = dict.fromkeys(group)
    read = (o for node in pending if node not in mine for o in node.inputs)
    return [o for o in (*keep, *read) if isinstance(o, Recorded) and o.array is None and o.node in mine]


def _compute(pending: list[Node], keep: Sequence[Recorded], retain: bool) -> None:
    outputs = _held(pending)
    kept = [(v.node, v.index) for v in keep if v.node is not None and v.array is None]
    for slot in kept:
        outputs.setdefault(slot, [])
    if not outputs:
        release(pending, retain)
        return
    segment = _connect(outputs, keep)
    arrays, watched = _take_inputs(segment, pending)
    if not retain:
        release(pending, retain)
    donate = tuple(i for i, w in enumerate(watched) if w is not None and w() is None)
    place = pending[0].place
    key = (segment.parts, segment.outputs, donate, place)
    program = _PROGRAMS.get(key)
    if program is None:
        _PROGRAMS[key] = program = Program(segment, donate, place)
    _deliver(outputs, kept, program.run(segment, arrays, donate))
    if retain:
        release(pending, retain)


class LostValueError(TraceError, TypeError):
    """A value that is nowhere any more."""


def out_of_scope(site: Site | None = None) -> LostValueError:
    """The error for a value of a compiled function that has returned, or of a program that has failed."""
    return LostValueError(
        "this tensor is out of scope: it was recorded in a compiled function that has returned, or the program that was to "
        "compute it has failed",
        span=site.span() if site is not None else None,
        notes=("return it from the function: what a list or an attribute keeps of it has no value",),
    )


def _held(pending: list[Node]) -> dict[Slot, list[Recorded]]:
    """The pending values that tensors hold, each slot with everything that shows it."""
    found: dict[Slot, list[Recorded]] = {}
    for node in pending:
        for value in node.results:
            if value.array is None and value.is_held:
                found.setdefault((node, value.index), []).append(value)
        for value in node.results:
            group = found.get((node, value.index))
            if group is not None and value is not group[0] and value.array is None and not value.is_held:
                group.append(value)
    return found


def _connect(outputs: dict[Slot, list[Recorded]], keep: Sequence[Recorded]) -> Segment:
    shown = [group[0] if group else node.at(index) for (node, index), group in outputs.items()]
    return Segment(needed(shown), shown)


def _take_inputs(segment: Segment, pending: Sequence[Node]) -> tuple[list[Any], list[Any]]:
    externals = segment.detach()
    shown = _sources(externals)
    watched = [
        None if v.source is not None or v.array is None or id(v) in shown else ref(v) for v in externals
    ]
    arrays = [external_array(v) for v in externals]
    if any(a is None for a in arrays):
        lost = externals[next(i for i, a in enumerate(arrays) if a is None)]
        raise out_of_scope(next((node.site for node in pending if lost in node.inputs), Site.here()))
    return arrays, watched


def _sources(values: Sequence[Recorded]) -> dict[int, None]:
    """The identities of values whose array, or a part of it, another one of them shows."""
    found: dict[int, None] = {}
    for value in values:
        source = value.source
        while source is not None:
            found[id(source)] = None
            source = source.source
    return found


def _deliver(outputs: dict[Slot, list[Recorded]], kept: list[Slot], results: Sequence[Any]) -> None:
    arrays = dict(zip(outputs, results, strict=True))
    for slot, group in outputs.items():
        for value in group:
            value.array = arrays[slot]
            if scopes.describe is not None:
                scopes.origins[value] = slot[0].template.noted(slot[0].site.location())
            # The first may itself be made from this one: then that is known already.
            if value is not group[0] and id(value) not in _sources(group[:1]):
                value.source = group[0]
            if not value.has_history:
                value.node = None
    for node, index in kept:
        node.saved[index] = arrays[node, index]


def release(nodes: list[Node], retain: bool) -> None:
    """Marks nodes as run; without `retain` they forget their inputs."""
    for node in nodes:
        node.results = []
        node.computed = True
        if not retain:
            node.inputs = ()
