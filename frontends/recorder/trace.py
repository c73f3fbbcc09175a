"""Traces: a Python function recorded once and replayed without it.

While it is recorded, its tensor arguments are placeholders, and what it reads and writes of the outside is noted:
storages (parameters, buffers, optimizer state, the random generator), gradients, live numbers such as learning rates.
Replaying gathers their arrays, calls one executable, and puts the results back; buffers that are replaced are donated.

A trace whose results still have a gradient is not an executable of its own: its nodes are recorded again, so that forward
and backward become one program as without the compiled function."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from sys import getrefcount
from typing import Any

from irc.dialects.builtin import Module
from irc.errors import UnsupportedError
from irc.frontends.recorder.backend import Executable, cache, counters
from irc.frontends.recorder.bounded import Bounded
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import Graph, apply_template, needed, placeholder, recorder
from irc.frontends.recorder.inputs import Forms, GradientSlot, LiveNumber, Place, Source
from irc.frontends.recorder.places import HOME, on_host
from irc.frontends.recorder.segment import Segment, made_at, root_of
from irc.frontends.recorder.sizes import compile_sized
from irc.frontends.recorder.storage import Handle, Storage, fresh, located
from irc.frontends.recorder.value import Literal, Recorded
from irc.frontends.source import scopes
from irc.ir.types import TensorType
from irc.passes.arguments import keeping
from irc.runtime.devices import DeviceArray


@dataclass(frozen=True, slots=True)
class Result:
    """One tensor a trace returns: the value's slot, an argument, or a tensor that was there before."""

    slot: int | None = None
    argument: int | None = None
    tensor: Any = None
    kind: type[Handle] | None = None


class Recording:
    """One run of a function into a graph of its own.

    `left` are values that tensors made inside still hold, besides results and gradients (a list appended to, an attribute
    set anew): no replay could make them, so such a recording is adopted by the program around it. Any other puts back
    what it changed: only replaying changes it for good."""

    def __init__(
        self, function: Callable[..., list[Handle]], arguments: Sequence[Handle], names: Sequence[str] = ()
    ) -> None:
        """`function(*handles)` gives a list of handles, in the order the caller wants them; `names` are the arguments'."""
        flush()
        self.graph = Graph(tracing=True)
        self.arguments = list(arguments)
        self.placeholders: list[Handle] = []
        self.initial: list[Recorded] = []
        kept = False
        with recorder.within(self.graph):
            for argument in arguments:
                self._stand_in(argument)
            self.graph.argument_names = {id(v): n for v, n in zip(self.initial, names, strict=False)}
            try:
                self.returned = function(*self.placeholders)
                self.final = {storage: storage._value for storage in self.graph.written}
                self.gradients = {tensor: tensor._grad for tensor in self.graph.grads}
                self.gradient_values = {t: g._read() for t, g in self.gradients.items() if g is not None}
                self.left = [*self._left_behind(), *self._kept_arguments()]
                kept = bool(self.left)
            finally:
                if not kept:
                    self._restore()

    def _stand_in(self, argument: Handle) -> None:
        given = argument._read()
        value = placeholder(given.type, given.place)
        value.requires_grad = given.requires_grad
        handle = type(argument).__new__(type(argument))
        handle._hold(value)
        self.placeholders.append(handle)
        self.initial.append(value)

    def _restore(self) -> None:
        for storage, before in self.graph.written.items():
            storage._value = before
            storage.version += 1
        for tensor, before in self.graph.grads.items():
            tensor._grad = before

    def _left_behind(self) -> list[Recorded]:
        known = [id(h._read()) for h in self.returned]
        known += [id(v) for v in self.gradient_values.values()]
        known += [id(v) for v in self.final.values()]
        known += [id(v) for v in self._bases()]
        pending = (v for node in self.graph.pending for v in node.results)
        return [v for v in pending if v.array is None and v.is_held and id(v) not in known]

    def _bases(self) -> list[Recorded]:
        """What returned views show a part of, where nobody but returned views can see it."""
        views = {id(h): h for h in self.returned}
        bases = {id(b): b for h in views.values() for b in _bases_of(h)}
        shown = Counter(id(h._parent) for h in {**views, **bases}.values())
        elsewhere: dict[int, Handle] = {}
        for key in bases:
            base = bases[key]
            # Its views, `bases`, this variable, and the call that counts.
            if key not in views and getrefcount(base) > shown[key] + 3:
                elsewhere.update((id(b), b) for b in (base, *_bases_of(base)))
        return [base._read() for key, base in bases.items() if key not in elsewhere]

    def _kept_arguments(self) -> list[Recorded]:
        """Arguments that somebody outside holds on to besides this recording and the results."""
        found = []
        for place in range(len(self.placeholders)):
            returned = sum(h is self.placeholders[place] for h in self.returned)
            # The list of placeholders, and the call that counts.
            if getrefcount(self.placeholders[place]) > 2 + returned:
                found.append(self.initial[place])
        return found

    @property
    def is_differentiable(self) -> bool:
        """Whether a gradient may still be asked for through a result."""
        values = [handle._read() for handle in self.returned]
        return any(v.has_history and not v.node.freed for v in values if v.node is not None)

    def adopt(self) -> list[Handle]:
        """Makes what was recorded part of the program around, and gives the results."""
        for value, argument in zip(self.initial, self.arguments, strict=True):
            given = argument._read()
            value.array, value.node, value.index, value.leaf = (
                given.array,
                given.node,
                given.index,
                given.leaf,
            )
            value.source = given
        recorder.graph.adopt(self.graph)
        for handle, value, argument in zip(self.placeholders, self.initial, self.arguments, strict=True):
            if handle._read() is not value:
                argument._write(handle._read().alias())
        stood_in = {id(h): a for h, a in zip(self.placeholders, self.arguments, strict=True)}
        return [stood_in.get(id(h), h) for h in self.returned]


def _bases_of(handle: Handle) -> Iterable[Handle]:
    """The handles that a view shows a part of, the nearest first."""
    while handle._parent is not None:
        handle = handle._parent
        yield handle


class Trace:
    """What replaying needs, taken from a recording: inputs, outputs, guards."""

    def __init__(self, recording: Recording, *, donate: bool) -> None:
        graph = recording.graph
        slots = self._gradient_slots(graph)
        written = [s for s in recording.final if not self._is_placeholder(recording, s)]
        self.states: list[Place] = [slots.get(s, s) for s in written]
        self.written_arguments = [
            i for i, h in enumerate(recording.placeholders) if h._storage in recording.final
        ]
        # A gradient that was there and is written to is state; one made inside is made anew at each call.
        self.gradients = [
            (t, g) for t, g in recording.gradients.items() if g is None or g._storage.graph is graph
        ]
        self.modules = dict(graph.modules)
        self.missing_gradients = dict(graph.grad_reads)
        self.epoch, self.moves, self.forced = recorder.epoch, recorder.moves, recorder.forced
        values, self.results = self._results(recording)
        arguments = [recording.final[recording.placeholders[i]._storage] for i in self.written_arguments]
        gradients = [recording.gradient_values[t] for t, g in self.gradients if g is not None]
        self.outputs = [*(recording.final[s] for s in written), *arguments, *gradients, *values]
        self.nodes = needed(self.outputs)
        self.place = self.forced or self._place(recording)
        self.placeholders = recording.initial
        self.before: dict[Storage, Recorded] = dict(graph.written)
        self.slots = slots
        self.donate = donate

    def _place(self, recording: Recording) -> str:
        """Where it runs as a whole: on the device that some of it is on."""
        places = [node.place for node in self.nodes]
        if recorder.spread:
            places += [v.place for v in recording.initial]
        others = list(dict.fromkeys(p for p in places if p != HOME))
        if len(others) > 1:
            raise located(UnsupportedError(f"one compiled function on several devices: {', '.join(others)}"))
        return others[0] if others else HOME

    @staticmethod
    def _gradient_slots(graph: Graph) -> dict[Storage, GradientSlot]:
        """The storages of gradients that were there before, by the tensors whose they are."""
        asked = [*graph.grads, *graph.grad_reads]
        return {t._grad._storage: GradientSlot(t) for t in dict.fromkeys(asked) if t._grad is not None}

    @staticmethod
    def _is_placeholder(recording: Recording, storage: Storage) -> bool:
        return any(h._storage is storage for h in recording.placeholders)

    @staticmethod
    def _results(recording: Recording) -> tuple[list[Recorded], list[Result]]:
        """Values that must come out, and how each returned tensor is made of them."""
        values: list[Recorded] = []
        results = []
        initial = {id(v): i for i, v in enumerate(recording.initial)}
        for handle in recording.returned:
            value = handle._read()
            if handle._storage.graph is not recording.graph:
                results.append(Result(tensor=handle))
            elif id(value) in initial:
                results.append(Result(argument=initial[id(value)]))
            else:
                results.append(Result(slot=len(values), kind=type(handle)))
                values.append(value)
        return values, results

    def refusal(self) -> str | None:
        """Why this trace does not stand for the world of now; None when it does."""
        if self.epoch != recorder.epoch:
            for module, training in self.modules.items():
                if module.training is not training:
                    return f"{type(module).__name__} is in {'training' if module.training else 'evaluation'} mode now"
            self.epoch = recorder.epoch
        if self.moves != recorder.moves:
            return "a module has moved to another device"
        for tensor, was_missing in self.missing_gradients.items():
            if (tensor._grad is None) is not was_missing:
                return (
                    "a gradient is there that was not" if was_missing else "a gradient is gone that was there"
                )
        return None

    def finish(self, slots: Sequence[Recorded], arguments: Sequence[Handle]) -> list[Handle]:
        """Puts new values into the storages, arguments and gradients, and makes the results."""
        at = len(self.states)
        for storage, value in zip(self.states, slots, strict=False):
            before = storage._value
            if before.leaf is not None:
                value.requires_grad, value.leaf = True, before.leaf
            storage.write(value)
        for i in self.written_arguments:
            arguments[i]._write(slots[at])
            at += 1
        for tensor, gradient in self.gradients:
            if gradient is None:
                tensor._grad = None
            else:
                tensor._grad = _handle(type(gradient), slots[at])
                at += 1
        return [self._result(r, slots, at, arguments) for r in self.results]

    @staticmethod
    def _result(result: Result, slots: Sequence[Recorded], at: int, arguments: Sequence[Handle]) -> Any:
        if result.tensor is not None:
            return result.tensor
        if result.argument is not None:
            return arguments[result.argument]
        assert result.slot is not None and result.kind is not None
        return _handle(result.kind, slots[at + result.slot])


class Executed(Trace):
    """A trace that is one executable.

    Where nobody else sees a state, its value stays the same object and gets the new array; the same goes for gradients that
    the last call made."""

    def __init__(
        self,
        recording: Recording,
        *,
        donate: bool,
        dynamic: bool | None = None,
        resized: Callable[[], Recording | None] | None = None,
    ) -> None:
        """`dynamic` False: one program for each size. `resized` records the function at other sizes, for a program that
        serves all from the beginning."""
        super().__init__(recording, donate=donate)
        segment = self._segment(self)
        sources = [Source(v, self.before, self.slots) for v in segment.externals[len(self.placeholders) :]]
        self.live = [LiveNumber(x, self.place) for x in segment.literals if x.live is not None]
        self.types = [o.type for o in self.outputs]
        self.donated = self._donations(sources, len(self.placeholders)) if donate else {}
        # For each input from outside: where it is, its type, and whether its buffer is given away.
        self.inputs = [(x, x.type, i in self.donated) for i, x in enumerate(sources, len(self.placeholders))]
        self.made: list[Handle | None] = [None] * len(self.gradients)
        # The tensors it makes anew, where that is all that it returns.
        self.kinds = [r.kind for r in self.results if r.slot is not None]
        self.own_types = self.types[len(self.types) - len(self.kinds) :]
        self.makes_all = len(self.kinds) == len(self.results)
        place = {value: i for i, value in enumerate(recording.initial)}
        self.checks = [(place[v], check) for v, check in recording.graph.checks if v in place]
        start = len(self.placeholders)
        kept = [start + i for i, x in enumerate(sources) if self.place == HOME and self._is_kept(x)]
        key = (
            segment.parts,
            segment.outputs,
            tuple(segment.types),
            tuple(self.donated.items()),
            tuple(kept),
            tuple(self._numbers(segment.literals)),
            dynamic,
            self.place,
        )
        found = _EXECUTABLES.get(key)
        if found is None:
            module = keeping(self._module(segment), kept)
            other = resized() if resized is not None and self.place == HOME else None
            sample = None
            if other is not None:
                sample = keeping(self._module(self._segment(Trace(other, donate=donate))), kept)
            _EXECUTABLES[key] = found = compile_sized(module, self.donated, dynamic, sample, self.place)
        self.executable: Executable = getattr(found, "call", found)
        self.forms = None
        program: Any = found
        if getattr(program, "preparation", None) is not None:
            self.executable = program.prepared
            self.forms = Forms(program.preparation.call, [(i, sources[i - start].holder) for i in kept])
        at_home = [i for i, o in enumerate(self.outputs) if o.place == HOME] if self.place != HOME else []
        if at_home and self.forced is None:
            self.executable = functools.partial(_bringing_home, self.executable, at_home)
        noting = scopes.describe is not None
        self.origins = [made_at(v) for v in self.outputs[: len(self.states)]] if noting else []
        """While locations carry notes: where the new values of the states are made."""
        self.nodes, self.outputs, self.placeholders, self.before, self.slots = [], [], [], {}, {}
        makes_only = self.makes_all and not any(
            (self.checks, self.live, self.states, self.written_arguments, self.gradients)
        )
        self.is_plain = makes_only and not self.inputs
        at_hand = self.place == HOME and all(x.is_storage for x, _, _ in self.inputs)
        self.is_steady = self.is_plain or (makes_only and at_hand)
        """Whether a call is nothing but arrays of arguments and storages in, new tensors out."""
        for node in recording.graph.pending:
            # They never run by themselves: what still shows their values is out of scope.
            node.computed = True

    @staticmethod
    def _segment(trace: Trace) -> Segment:
        return Segment(trace.nodes, trace.outputs, trace.placeholders)

    @staticmethod
    def _module(segment: Segment) -> Module:
        return segment.module([x.live is not None for x in segment.literals])

    @staticmethod
    def _numbers(literals: Iterable[Literal]) -> list[Any]:
        """Literals that are baked in, with their exact values; live ones are None."""
        return [repr(x.value) if x.live is None else None for x in literals]

    def _donations(self, sources: Sequence[Source], start: int) -> dict[int, int]:
        """Inputs that are replaced, with the outputs that replace them."""
        place = {storage: i for i, storage in enumerate(self.states)}
        found = {}
        for i, source in enumerate(sources, start):
            if source.holder in place and source.type is self.types[place[source.holder]]:
                found[i] = place[source.holder]
        return found

    def _is_kept(self, source: Source) -> bool:
        """Whether calls leave a tensor from outside as it is: weights, where nothing trains them."""
        return source.is_storage and source.holder not in self.states

    def sources(self) -> list[tuple[Storage, TensorType, int | None]]:
        """The storages that a steady call reads, their types, and the versions that the forms of now are made of."""
        versions = {} if self.forms is None else dict(self.forms.versions)
        return [(x.holder, type, versions.get(x.holder)) for x, type, _ in self.inputs]

    def run(self, arguments: Sequence[Handle]) -> list[Handle] | str:
        """One call of the executable; or why it does not fit what it would read."""
        if recorder.graph.pending:
            for argument in arguments:
                argument._read()
            flush()
        return self.call([a._read().array for a in arguments], arguments)

    def call(self, arrays: list[Any], arguments: Sequence[Handle]) -> list[Handle] | str:
        """The same with the arguments' arrays at hand, when nothing is pending; the list is used up."""
        if self.is_plain:
            counters.runs += 1
            return fresh(self.kinds, self.own_types, self.executable(*arrays))
        for place, check in self.checks:
            if not isinstance(arrays[place], DeviceArray):
                check(arrays[place])
        away = self.place != HOME
        for source, type, donated in self.inputs:
            value = source.holder._value if source.is_storage else source.read()
            if value.type is not type:
                return f"a tensor that the function uses is {value.type} now, and was {type}"
            array = value.array
            if away and not donated and not isinstance(array, DeviceArray):
                array = source.brought(value, self.place)
            elif donated and (value.source is not None or getrefcount(value) > SEEN_BY_ONE):
                array = array.copy()
            arrays.append(array)
        for number in self.live:
            arrays.append(number.array())
        if self.forms is not None:
            arrays += self.forms.of(arrays)
        counters.runs += 1
        return self._put(self.executable(*arrays), arguments)

    def _put(self, results: Sequence[Any], arguments: Sequence[Handle]) -> list[Handle]:
        """Puts the results where they belong."""
        at = 0
        for place in self.states:
            _replace(place, self.types[at], results[at])
            at += 1
        for place, origin in zip(self.states, self.origins, strict=False):
            scopes.origins[place._value] = origin
        for i in self.written_arguments:
            arguments[i]._write(Recorded(self.types[at], None, 0, results[at]))
            at += 1
        for i, (tensor, gradient) in enumerate(self.gradients):
            if gradient is None:
                tensor._grad = None
                continue
            made: Any = self.made[i]
            # The tensor's reference, this list's, `made`, and the call's: nobody else has last call's gradient.
            if made is not None and tensor._grad is made and getrefcount(made) == 4:
                _replace(made._storage, self.types[at], results[at])
            else:
                made = _handle(type(gradient), Recorded(self.types[at], None, 0, results[at]))
                tensor._grad = self.made[i] = made
            at += 1
        if self.makes_all:
            return fresh(self.kinds, self.own_types, results[at:] if at else results)
        slots = [Recorded(t, None, 0, a) for t, a in zip(self.own_types, results[at:], strict=True)]
        return [self._result(r, slots, 0, arguments) for r in self.results]


def _bringing_home(executable: Executable, at_home: Sequence[int], *arrays: Any) -> list[Any]:
    """The results of a program on a device, those of home copied there."""
    made = list(executable(*arrays))
    for i in at_home:
        made[i] = on_host(made[i])
    return made


SEEN_BY_ONE = 3
"""References to a value that only its storage holds: the storage's, a local variable's, and the counting call's."""


def _replace(place: Place, type: Any, array: Any) -> None:
    """A new version of a storage."""
    value = place._value
    if value.source is None and getrefcount(value) <= SEEN_BY_ONE and value.node is None:
        storage = place if isinstance(place, Storage) else place.storage
        value.array = array
        value.type = type
        storage.version += 1
        return
    new = Recorded(type, None, 0, array)
    if value.leaf is not None:
        new.requires_grad, new.leaf = True, value.leaf
    place.write(new)


def _handle(kind: Any, value: Recorded) -> Handle:
    made = kind.__new__(kind)
    made._hold(value)
    return made


class Replayed(Trace):
    """A trace whose nodes are recorded again at each call."""

    def __init__(self, recording: Recording, *, donate: bool) -> None:
        super().__init__(recording, donate=donate)
        self.sources: dict[int, Source] = {}
        self.inside = {node: i for i, node in enumerate(self.nodes)}
        self.argument = {id(v): i for i, v in enumerate(self.placeholders)}
        for value in self._externals():
            self.sources.setdefault(id(value), Source(value, self.before, self.slots))

    def _externals(self) -> Iterable[Recorded]:
        for value in [*(o for node in self.nodes for o in node.inputs), *self.outputs]:
            inside = (
                value.node in self.inside and value.array is None if isinstance(value, Recorded) else True
            )
            if not inside and id(root_of(value)) not in self.argument:
                yield value

    def run(self, arguments: Sequence[Handle]) -> list[Handle]:
        """Records the nodes on the arguments and states of now."""
        given = [a._read() for a in arguments]
        made: list[dict[tuple[int, bool], Recorded]] = []
        for node in self.nodes:
            operands = tuple(
                o if isinstance(o, Literal) else self._value(o, given, made) for o in node.inputs
            )
            results = apply_template(node.template, operands, node.site, node.place)
            made.append({(r.index, r.requires_grad): r for r in results})
        slots = [self._value(o, given, made, own=True) for o in self.outputs]
        return self.finish(slots, arguments)

    def _value(
        self,
        value: Recorded,
        given: Sequence[Recorded],
        made: list[dict[tuple[int, bool], Recorded]],
        own: bool = False,
    ) -> Recorded:
        """The value that stands for a recorded one in this replay; `own` ones are new to their owner."""
        if id(root_of(value)) in self.argument:
            found = given[self.argument[id(root_of(value))]]
            return found.alias() if own or (found.requires_grad and not value.requires_grad) else found
        if value.array is None and value.node in self.inside:
            results = made[self.inside[value.node]]
            found_here = results.get((value.index, value.requires_grad))
            if found_here is None:
                # Recorded outside the gradient (detach, no_grad), or inside a template: the same slot, cut.
                any_result = next(iter(results.values()))
                assert any_result.node is not None
                found_here = results[value.index, value.requires_grad] = any_result.node.at(
                    value.index, value.requires_grad
                )
            if own and found_here.owner is not None:
                found_here = found_here.alias()
            return found_here
        found = self.sources[id(value)].read()
        return found.alias() if own else found


_EXECUTABLES: Bounded[Executable] = cache()
