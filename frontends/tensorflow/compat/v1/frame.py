"""Running a graph's operations into a recording: the values they have in one session, for the types it is fed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from irc.errors import IrcError
from irc.frontends.errors import RecordError, locate
from irc.frontends.recorder import random as R
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.value import Recorded
from irc.frontends.source import Scope, Site, scopes
from irc.frontends.tensorflow.compat.v1.actions import constant_op, copied, detached
from irc.frontends.tensorflow.compat.v1.fold import MOST_KNOWN, fold
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.errors import FailedPreconditionError, InvalidArgumentError
from irc.frontends.tensorflow.gradient_tape import GradientTape
from irc.frontends.tensorflow.recording import nothing_kept
from irc.frontends.tensorflow.tensor import Tensor, TensorBase
from irc.ir.types import IntegerType

if TYPE_CHECKING:
    from irc.frontends.tensorflow.compat.v1.session import BaseSession
    from irc.frontends.tensorflow.compat.v1.variables import Variable


class Bindings(ABC):
    """The variables of one session: where each is kept, and whether it has a value yet."""

    @abstractmethod
    def handle(self, variable: Variable) -> Tensor:
        """The variable's own tensor, which is written to."""

    @abstractmethod
    def is_initialized(self, variable: Variable) -> bool:
        """Whether a variable has its value."""


class NeedsValue(Exception):
    """The recording depends on the value of something that is fed, not only on its type."""

    def __init__(self, tensor: GraphTensor) -> None:
        self.tensor = tensor


class Run:
    """What is true of a whole recording: variables as they are by now, the tape, what gradients are asked for."""

    def __init__(
        self,
        bindings: Bindings,
        needs: Needs,
        feeds: Sequence[tuple[GraphTensor, TensorBase]],
        session: BaseSession | None,
    ) -> None:
        self.bindings = bindings
        self.needs = needs
        self.session = session
        self.feeds = {id(handle._read()): tensor for tensor, handle in feeds}
        self.tape = GradientTape(persistent=True) if needs.recorded else None
        self.written: dict[Variable, None] = {}
        self._reads: dict[Variable, tuple[int, Tensor]] = {}

    def read(self, variable: Variable, op: Operation) -> Tensor:
        """The variable's value now. Raises FailedPreconditionError where it has none."""
        if variable not in self.written and not self.bindings.is_initialized(variable):
            raise _uninitialized(variable, op)
        handle = self.bindings.handle(variable)
        version = handle._storage.version
        found = self._reads.get(variable)
        if found is None or found[0] != version:
            made = detached(handle)
            if variable in self.needs.tracked_variables:
                self.watch(made)
            found = self._reads[variable] = version, made
        return found[1]

    def write(self, variable: Variable, value: TensorBase) -> None:
        """Replaces the variable's value."""
        with nothing_kept():
            made = copied(value)
        self.bindings.handle(variable)._write(made._read().alias())
        self.written[variable] = None

    def watch(self, value: Tensor) -> None:
        """Makes gradients with respect to the value possible."""
        assert self.tape is not None
        with self.recording(True):
            self.tape.watch(value)

    @contextmanager
    def recording(self, wanted: bool) -> Iterator[None]:
        """Whether gradients flow through what is recorded inside."""
        tape = self.tape
        is_on = tape is not None and tape._start is not None
        if tape is None or is_on is wanted:
            yield
            return
        switch, back = (tape._push, tape._pop) if wanted else (tape._pop, tape._push)
        switch()
        try:
            yield
        finally:
            back()

    @contextmanager
    def drawing(self, op: Operation, seed: int | None) -> Iterator[None]:
        """Random numbers drawn inside come from the operation's generator."""
        before = R.generator
        R.generator = before if self.session is None else self.session.generator(op, seed)
        try:
            yield
        finally:
            R.generator = before

    def known(self, value: Recorded) -> Any:
        """The value that a function looks at while it is recorded."""
        return fold(value, self._fed)

    def _fed(self, root: Recorded) -> Any:
        tensor = self.feeds.get(id(root))
        if tensor is not None:
            raise NeedsValue(tensor)
        return None


class Frame:
    """Values of graph tensors while a block (the graph, a branch, a loop body) is recorded."""

    def __init__(self, run: Run, outer: Frame | None = None) -> None:
        self.run = run
        self.outer = outer
        self.values: dict[GraphTensor, TensorBase] = {}
        self.fed: dict[GraphTensor, None] = {}

    def value(self, tensor: GraphTensor) -> TensorBase:
        """The value of a tensor of the graph in this run."""
        found = self.values.get(tensor)
        if found is not None:
            return found
        assert self.outer is not None, f"{tensor} was not run"
        return self.outer.value(tensor)

    def feed(self, tensor: GraphTensor, value: TensorBase) -> None:
        """Gives a tensor its value from outside."""
        self.fed[tensor] = None
        self.values[tensor] = self._tracked(tensor, value)

    def execute(self, operations: Iterable[Operation]) -> None:
        """Runs operations in order. Errors name the operation and the line that made it."""
        graph = recorder.graph
        known, before, around = graph.known, scopes.pinned, mode.running
        graph.known, mode.running = self.run.known, True
        try:
            for op in operations:
                scopes.pinned = Site(
                    op.site.code, op.site.instruction, Scope(None, None, op.name), op.site.note
                )
                try:
                    self._execute(op)
                except IrcError as error:
                    raise in_node(error, op) from None
        finally:
            graph.known, scopes.pinned, mode.running = known, before, around

    def _execute(self, op: Operation) -> None:
        if self.outer is None:
            with self.run.recording(op in self.run.needs.recorded):
                values = op.action.run(self, op)
        else:
            values = op.action.run(self, op)
        for tensor, value in zip(op.outputs, values, strict=True):
            if tensor not in self.fed:
                self.values[tensor] = self._tracked(tensor, settled(value))

    def _tracked(self, tensor: GraphTensor, value: TensorBase) -> TensorBase:
        """The value, watched where a gradient with respect to it is asked for."""
        if tensor in self.run.needs.tracked and not value._read().requires_grad and value.dtype.is_floating:
            value = detached(value)
            self.run.watch(value)
        return value


def settled(value: TensorBase) -> TensorBase:
    """A small integer tensor that follows from shapes and constants as a constant: loops count up to such."""
    recorded = value._read()
    type = recorded.type
    if not isinstance(type.element, IntegerType) or type.size > MOST_KNOWN:
        return value
    array = fold(recorded, lambda root: None)
    return value if array is None else constant_op(np.asarray(array), type)


def in_node(error: IrcError, op: Operation) -> IrcError:
    """The error with the operation's name and line. Errors of shapes are InvalidArgumentErrors, and ValueErrors too."""
    made = error
    if isinstance(error, RecordError) and not isinstance(error, InvalidArgumentError):
        made = NodeError(error.message, span=error.span, constraint=error.constraint, notes=error.notes)
    locate(made, op.site)
    if not any(note.startswith("node ") for note in made.notes):
        made.notes = (*made.notes, op.place)
    return made


class NodeError(InvalidArgumentError, ValueError):
    """Operands that do not go together, in a graph."""


def _uninitialized(variable: Variable, op: Operation) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"Attempting to use uninitialized value {variable.op.name}",
        span=variable.op.site.span(),
        notes=(
            f"{op.place} reads it",
            "run tf.global_variables_initializer() in this session first: every session has values of its own",
        ),
    )


class Needs:
    """What has to run for some fetches when some tensors are fed, and in which order.

    Operations that change variables come after all others that do not wait for a change: what is read in a run is the
    value from before it, unless a control dependency or an operand says otherwise. (TensorFlow leaves this open.)"""

    def __init__(self, roots: Iterable[Operation], fed: Iterable[GraphTensor]) -> None:
        self.fed = dict.fromkeys(fed)
        found = self._reachable(roots)
        self.recorded = self._leading_to_gradients(found)
        self.tracked: dict[GraphTensor, None] = {}
        self.tracked_variables: dict[Variable, None] = {}
        for op in found:
            for x in op.action.sources:
                self.tracked[x] = None
                self.tracked_variables.update(dict.fromkeys(x.op.action.variables))
        self.operations = self._ordered(found)

    def _dependencies(self, op: Operation) -> list[Operation]:
        return [*(t.op for t in op.inputs if t not in self.fed), *op.control_inputs]

    def _reachable(self, roots: Iterable[Operation]) -> dict[Operation, None]:
        found: dict[Operation, None] = {}
        stack = list(roots)
        while stack:
            op = stack.pop()
            if op not in found and not (op.outputs and all(t in self.fed for t in op.outputs)):
                found[op] = None
                stack.extend(self._dependencies(op))
        return found

    def _leading_to_gradients(self, found: dict[Operation, None]) -> dict[Operation, None]:
        """The operations that gradients are taken of, whole or in part."""
        targets = [y.op for op in found for y in op.action.targets if y not in self.fed]
        return self._reachable(targets) if targets else {}

    def _ordered(self, found: dict[Operation, None]) -> list[Operation]:
        level: dict[Operation, int] = {}
        for op in sorted(found, key=lambda o: o.number):
            before = [level[d] + d.action.writes for d in self._dependencies(op) if d in level]
            level[op] = max(before, default=0)
        return sorted(found, key=lambda o: (level[o], o.action.writes, o not in self.recorded, o.number))
