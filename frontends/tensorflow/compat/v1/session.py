"""tf.Session: runs parts of a graph. What some fetches need is recorded and compiled once for the types it is fed; variables
stay in the session, and what an update replaces is given back to it as memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from irc import options
from irc.frontends.errors import RecordError, RecordTypeError, RecordValueError
from irc.frontends.recorder import random as R
from irc.frontends.recorder.graph import constant, placeholder
from irc.frontends.recorder.places import on_host
from irc.frontends.recorder.storage import Handle, located
from irc.frontends.recorder.trace import Executed, Recording
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.compat.v1.actions import Placeholder, copied
from irc.frontends.tensorflow.compat.v1.config import ConfigProto
from irc.frontends.tensorflow.compat.v1.frame import Bindings, Frame, Needs, NeedsValue, Run
from irc.frontends.tensorflow.compat.v1.graph import Graph, get_default_graph
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.shape import bracketed
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, wrap
from irc.ir.types import TensorType

MOST_VALUES = 32
"""Recordings that differ only in the value of something fed; with more of them irc says so."""


class SessionVariables(Bindings):
    """The values of variables in a session."""

    def __init__(self) -> None:
        self.handles: dict[Any, Tensor] = {}
        self.initialized: dict[Any, None] = {}

    def handle(self, variable: Any) -> Tensor:
        found = self.handles.get(variable)
        if found is None:
            found = self.handles[variable] = wrap(placeholder(variable.type))
        return found

    def is_initialized(self, variable: Any) -> bool:
        return variable in self.initialized


class Step:
    """What some fetches need for fed values of some types: one executable."""

    def __init__(self, session: BaseSession, needs: Needs, fetched: Sequence[Any], feeds: Feeds) -> None:
        # Made in the recording around: a variable's place is there before it is recorded that it is written to.
        for variable in dict.fromkeys(v for op in needs.operations for v in op.action.variables):
            session.variables.handle(variable)
        self.written: list[Any] = []

        def function(*values: TensorBase) -> list[Handle]:
            run, results = record(session.variables, needs, fetched, feeds.stand_ins(values), session)
            self.written = list(run.written)
            return results

        recording = Recording(function, feeds.handles)
        assert not recording.left, "values of a graph are held outside of its recording"
        self.trace = Executed(recording, donate=True)

    def run(self, handles: Sequence[Handle]) -> list[Any]:
        """The fetched values as arrays."""
        found = self.trace.run(handles)
        assert not isinstance(found, str), found
        return [self._array(handle) for handle in found]

    @staticmethod
    def _array(handle: Handle) -> Any:
        array = on_host(handle._read().array)
        return array if array.ndim else array[()]


def record(
    bindings: Bindings,
    needs: Needs,
    fetched: Sequence[GraphTensor],
    feeds: Sequence[tuple[GraphTensor, TensorBase]],
    session: BaseSession | None,
) -> tuple[Run, list[Handle]]:
    """Records the operations of `needs`; the run and the fetched values."""
    run = Run(bindings, needs, feeds, session)
    frame = Frame(run)
    for tensor, value in feeds:
        frame.feed(tensor, value)
    frame.execute(needs.operations)
    return run, [copied(frame.value(tensor)) for tensor in fetched]


class Plan:
    """What a set of fetches needs when a set of tensors is fed, with a step for each combination of types."""

    def __init__(self, fetches: Sequence[Any], fed: Sequence[GraphTensor]) -> None:
        self.fetched = [f for f in fetches if isinstance(f, GraphTensor)]
        self.needs = Needs([f.op if isinstance(f, GraphTensor) else f for f in fetches], fed)
        self.static: dict[GraphTensor, None] = {}
        """Fed tensors whose value, not only whose type, the recording depends on."""
        self.steps: dict[Any, Step] = {}
        self.position = [i for i, f in enumerate(fetches) if isinstance(f, GraphTensor)]
        self.count = len(fetches)
        self._check()

    def _check(self) -> None:
        """InvalidArgumentError for a placeholder that is needed and not fed."""
        for op in self.needs.operations:
            if isinstance(op.action, Placeholder) and not op.inputs and op.outputs[0] not in self.needs.fed:
                tensor = op.outputs[0]
                shape = tensor.shape
                known = "" if shape.rank is None else f" and shape {bracketed(shape.as_list())}"
                raise located(
                    InvalidArgumentError(
                        f"You must feed a value for placeholder tensor '{op.name}' with dtype {tensor.dtype.word}{known}",
                        notes=(op.place, f"sess.run(..., feed_dict={{{_name_of(tensor)}: value}})"),
                    )
                )


def _name_of(tensor: GraphTensor) -> str:
    """How the line that made a tensor calls it, if it is an assignment; else its name in quotes."""
    span = tensor.op.site.span()
    text = span.caret().strip() if span is not None else ""
    before, equals, _ = text.partition("=")
    return before.strip() if equals and before.strip().isidentifier() else repr(tensor.name)


class Feeds:
    """Tensors and the values they are fed, in the graph's order."""

    def __init__(self, graph: Graph, feed_dict: Any) -> None:
        pairs = [pair for key, value in (feed_dict or {}).items() for pair in _fed(graph, key, value)]
        pairs.sort(key=lambda pair: (pair[0].op.number, pair[0].value_index))
        self.tensors = tuple(t for t, _ in pairs)
        self.arrays = [a for _, a in pairs]
        self.static: dict[GraphTensor, None] = {}

    def signature(self, static: dict[GraphTensor, None]) -> Any:
        """The types; values where they matter."""
        self.static = static
        return tuple(
            (t.dtype, a.shape, a.tobytes() if t in static else None)
            for t, a in zip(self.tensors, self.arrays, strict=True)
        )

    @property
    def handles(self) -> list[Handle]:
        """The fed values that are arguments of the executable."""
        return [
            wrap(constant(a, TensorType(a.shape, t.dtype.element)))
            for t, a in zip(self.tensors, self.arrays, strict=True)
            if t not in self.static
        ]

    def stand_ins(self, values: Sequence[TensorBase]) -> list[tuple[GraphTensor, TensorBase]]:
        """All tensors, with the recording's arguments or their values."""
        rest = iter(values)
        return [
            (
                t,
                wrap(constant(np.array(a), TensorType(a.shape, t.dtype.element)))
                if t in self.static
                else next(rest),
            )
            for t, a in zip(self.tensors, self.arrays, strict=True)
        ]


def _fed(graph: Graph, key: Any, value: Any) -> list[tuple[GraphTensor, np.ndarray[Any, Any]]]:
    """The tensors that one entry of a feed_dict feeds. Raises what TensorFlow raises for keys and values that cannot be."""
    if isinstance(key, (tuple, list)):
        return [pair for k, v in zip(key, value, strict=True) for pair in _fed(graph, k, v)]
    try:
        tensor = graph.as_graph_element(key, allow_operation=False)
    except (TypeError, ValueError, KeyError) as error:
        raise located(
            RecordTypeError(f"Cannot interpret feed_dict key as Tensor: {getattr(error, 'message', error)}")
        ) from None
    if not isinstance(tensor, GraphTensor):
        raise located(
            RecordTypeError(
                f"Cannot interpret feed_dict key as Tensor: The name {key!r} refers to an Operation, not a Tensor. Tensor names "
                'must be of the form "<op_name>:<output_index>".',
                notes=(f"write {key + ':0'!r}, or the tensor itself",),
            )
        )
    if tensor.op.block is not None:
        raise located(RecordValueError(f"Tensor {tensor} may not be fed.", notes=(tensor.op.place,)))
    return [(tensor, _array(tensor, value))]


def _array(tensor: GraphTensor, value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, GraphTensor):
        raise located(
            RecordTypeError(
                "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, "
                f"lists, numpy ndarrays, or TensorHandles. For reference, the tensor object was {value} which was passed to "
                f"the feed with key {tensor}.",
                notes=("sess.run(...) of it first gives an array",),
            )
        )
    wanted = tensor.dtype.numpy
    if isinstance(value, TensorBase):
        value = value.numpy()
    try:
        array = np.asarray(value, wanted, order="C")
    except (TypeError, ValueError) as error:
        raise located(
            RecordValueError(
                f"Cannot feed {type(value).__name__} for Tensor '{tensor.name}' of dtype {tensor.dtype.name}: {error}",
                notes=(tensor.op.place,),
            )
        ) from None
    if isinstance(value, int) and array.dtype.kind in "iu" and int(array) != value:
        raise located(
            RecordTypeError(
                f"Type of feed value {value} with type int is not compatible with Tensor type {tensor.dtype.name}."
            )
        )
    probe = tensor.probe
    exact = probe.types[0] is probe.types[1]
    if array.shape != probe.types[0].shape if exact else not tensor.shape.is_compatible_with(array.shape):
        raise located(
            RecordValueError(
                f"Cannot feed value of shape {array.shape} for Tensor '{tensor.name}', which has shape '{tensor.shape}'",
                notes=(tensor.op.place,),
            )
        )
    return array


class BaseSession:
    """What sessions and interactive sessions share."""

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: ConfigProto | None = None
    ) -> None:
        self.graph = graph or get_default_graph()
        self.variables = SessionVariables()
        self.plans: dict[Any, Plan] = {}
        self.closed = False
        self._generators: dict[Any, R.Generator] = {}
        if config is not None and options.logged("session"):
            print(
                "irc: a session's config has no effect: there is one device, and memory is planned",
                file=sys.stderr,
            )

    # Running.

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """The values of `fetches`: an operation (None), a tensor, a name, or lists, tuples and dicts of them.

        `feed_dict` gives tensors values for this run. Raises InvalidArgumentError where a placeholder is not fed,
        FailedPreconditionError where a variable has no value yet."""
        if self.closed:
            raise located(RecordError("Attempted to use a closed Session."))
        leaves = [fetches] if isinstance(fetches, (GraphTensor, Operation)) else nest.flatten(fetches)
        elements = tuple(self._element(leaf) for leaf in leaves)
        values = self._values(elements, Feeds(self.graph, feed_dict))
        if fetches is leaves[0] if leaves else False:
            return values[0]
        return nest.pack_sequence_as(fetches, values)

    def _element(self, fetch: Any) -> Any:
        if isinstance(fetch, (GraphTensor, Operation)) and fetch.graph is self.graph:
            element = fetch
        else:
            element = self._looked_up(fetch)
        block = element.block if isinstance(element, Operation) else element.op.block
        if block is not None:
            raise located(
                RecordValueError(
                    f"Operation '{getattr(element, 'op', element).name}' has been marked as not fetchable: it is "
                    "part of a branch or a loop."
                )
            )
        return element

    def _looked_up(self, fetch: Any) -> Any:
        if not self.graph.by_name:
            raise located(
                RecordError("The Session graph is empty. Add operations to the graph before calling run().")
            )
        try:
            return self.graph.as_graph_element(fetch)
        except (TypeError, ValueError, KeyError) as error:
            kind = RecordTypeError if isinstance(error, TypeError) else RecordValueError
            why = getattr(error, "message", str(error))
            how = "has invalid type" if kind is RecordTypeError else "cannot be interpreted as a Tensor."
            text = f"{how} {type(fetch)!r}, must be a string or Tensor." if kind is RecordTypeError else how
            raise located(
                kind(f"Fetch argument {fetch!r} {text} ({why})", notes=getattr(error, "notes", ()))
            ) from None

    def _values(self, elements: tuple[Any, ...], feeds: Feeds) -> list[Any]:
        key = (elements, feeds.tensors)
        plan = self.plans.get(key)
        if plan is None:
            plan = self.plans[key] = Plan(elements, feeds.tensors)
        signature = feeds.signature(plan.static)
        step = plan.steps.get(signature)
        if step is None:
            step = self._step(plan, feeds)
        found = step.run(feeds.handles)
        self.variables.initialized.update(dict.fromkeys(step.written))
        values: list[Any] = [None] * plan.count
        for position, value in zip(plan.position, found, strict=True):
            values[position] = value
        return values

    def _step(self, plan: Plan, feeds: Feeds) -> Step:
        while True:
            signature = feeds.signature(plan.static)
            try:
                step = plan.steps[signature] = Step(self, plan.needs, plan.fetched, feeds)
            except NeedsValue as needed:
                plan.static[needed.tensor] = None
                plan.steps.clear()
                continue
            if plan.static and len(plan.steps) == MOST_VALUES and options.logged("compile"):
                names = ", ".join(t.name for t in plan.static)
                print(f"irc: a program for each of {MOST_VALUES} values of {names} so far", file=sys.stderr)
            return step

    def make_callable(self, fetches: Any, feed_list: Sequence[Any] = ()) -> Callable[..., Any]:
        """A function of the values of `feed_list`."""
        return lambda *values: self.run(fetches, dict(zip(feed_list, values, strict=True)))

    def partial_run(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: what a run computes is not kept."""
        raise located(
            RecordTypeError(
                "partial_run is not there: what a run computes is not kept",
                notes=("run all fetches at once",),
            )
        )

    partial_run_setup = partial_run

    def generator(self, op: Operation, seed: int | None) -> R.Generator:
        """Where an operation's random numbers come from: with a seed of its own a stream of its own, with the graph's one
        of the session, else the process's."""
        if seed is None and self.graph.seed is None:
            return R.generator
        key = op if seed is not None else None
        found = self._generators.get(key)
        if found is None:
            mixed = (self.graph.seed or 0) * 1_000_003 + (0 if seed is None else seed + 1)
            found = self._generators[key] = R.Generator(mixed)
        return found

    # What tests and people ask.

    @property
    def executables(self) -> int:
        """How many programs this session has had compiled."""
        return sum(len(plan.steps) for plan in self.plans.values())

    @property
    def graph_def(self) -> Any:
        """Refused, as `Graph.as_graph_def` is."""
        return self.graph.as_graph_def()

    @property
    def sess_str(self) -> str:
        """The target it was made for."""
        return ""

    def list_devices(self) -> list[str]:
        """The devices: one CPU."""
        return ["/job:localhost/replica:0/task:0/device:CPU:0"]

    def reset(self) -> None:
        """Forgets all values and programs."""
        self.variables, self.plans = SessionVariables(), {}

    def close(self) -> None:
        """Forgets the variables' values; the session cannot be used any more."""
        self.reset()
        self.closed = True


class Session(BaseSession):
    """Runs operations of a graph (the default one where none is given)."""

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: ConfigProto | None = None
    ) -> None:
        super().__init__(target, graph, config)
        self._contexts: list[Any] = []

    def as_default(self) -> Any:
        """A context in which `tensor.eval()` and `op.run()` use this session; it stays open."""
        return _Default(self)

    def __enter__(self) -> Session:
        around = self.graph.as_default()
        around.__enter__()
        self._contexts.append(around)
        mode.sessions.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mode.sessions.remove(self)
        self._contexts.pop().__exit__(kind, error, trace)
        self.close()


class _Default:
    """The context of `session.as_default()`."""

    def __init__(self, session: BaseSession) -> None:
        self.session = session

    def __enter__(self) -> BaseSession:
        mode.sessions.append(self.session)
        return self.session

    def __exit__(self, *error: Any) -> None:
        mode.sessions.remove(self.session)


class InteractiveSession(BaseSession):
    """A session that is the default one from the moment it is made."""

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: ConfigProto | None = None
    ) -> None:
        super().__init__(target, graph, config)
        mode.sessions.append(self)
        self._around = self.graph.as_default() if graph is not None else None
        if self._around is not None:
            self._around.__enter__()

    def as_default(self) -> Any:
        """A context; the session is the default one anyway."""
        return _Default(self)

    def close(self) -> None:
        if self in mode.sessions:
            mode.sessions.remove(self)
        if self._around is not None:
            self._around.__exit__(None, None, None)
            self._around = None
        super().close()


def get_default_session() -> Any:
    """The innermost default session, or None."""
    return mode.sessions[-1] if mode.sessions else None
