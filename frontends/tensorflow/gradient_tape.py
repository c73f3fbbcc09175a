"""tf.GradientTape: gradients of what was computed while the tape recorded, by the autodiff pass on the recording."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irc.frontends.control import scan
from irc.frontends.errors import RecordAttributeError, RecordError, RecordTypeError, RecordValueError
from irc.frontends.recorder.gradient import backward
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Node, Recorded
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.array_ops import reshape, transpose
from irc.frontends.tensorflow.creation import eye, zeros
from irc.frontends.tensorflow.recording import Session, history_kept, tapes
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor, emit, wrap
from irc.frontends.tensorflow.variable import Variable
from irc.ir.types import TensorType


class UnconnectedGradients(enum.Enum):
    """What a gradient is where the target does not depend on the source."""

    NONE = "none"
    ZERO = "zero"


def _nobody() -> None:
    """The leaf of a watched tensor: it collects no gradient of its own."""
    return None


class GradientTape:
    """Records operations for differentiation.

    Trainable variables are watched by themselves, tensors with `watch`. A tape gives one set of gradients unless it is
    `persistent`."""

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._session: Session | None = None
        self._intervals: list[tuple[int, int]] = []
        self._start: int | None = None
        self._used = False
        self._watched: dict[int, Any] = {}
        self._former: dict[int, tuple[Variable, list[Recorded]]] = {}

    # Recording.

    def __enter__(self) -> GradientTape:
        if self._start is not None:
            raise located(
                RecordValueError(
                    "Tape is still recording, This can happen if you try to re-enter an already-active tape."
                )
            )
        self._push()
        return self

    def __exit__(self, *exc: Any) -> None:
        if self._start is not None:
            self._pop()

    def _push(self) -> None:
        if tapes.session is None:
            tapes.session = self._session or Session()
        self._session = tapes.session
        self.graph = recorder.graph
        self._start = recorder.sequence
        tapes.recording.append(self)

    def _pop(self) -> None:
        assert self._start is not None
        self._intervals.append((self._start, recorder.sequence))
        self._start = None
        tapes.recording.remove(self)
        if not tapes.recording:
            tapes.session = None

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """What is computed inside is not part of the tape."""
        if self._start is None:
            raise located(RecordValueError("Tape is not recording."))
        self._pop()
        try:
            yield
        finally:
            self._push()

    def reset(self) -> None:
        """Forgets what was recorded and watched."""
        recording = self._start is not None
        if recording:
            self._pop()
        self._intervals, self._watched, self._former, self._session = [], {}, {}, None
        self._used = False
        if recording:
            self._push()

    def watch(self, tensor: Any) -> None:
        """Makes gradients with respect to tensors (nested in lists and dicts) possible."""
        for t in nest.flatten(tensor):
            if not isinstance(t, TensorBase):
                raise located(RecordTypeError(f"watch takes tensors and variables, not {type(t).__name__}"))
            if not t.dtype.is_floating:
                continue
            if self._start is None and self._session is None:
                raise located(
                    RecordError("tape.watch outside of `with tf.GradientTape() as tape:` watches nothing")
                )
            self._watched[id(t)] = t
            value = t._read()
            if not value.requires_grad or (value.has_history and value.node.freed):  # type: ignore[union-attr]
                value.requires_grad, value.leaf = True, _nobody
                assert self._session is not None
                self._session.watched.append(value)

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables that the tape has seen."""
        found: dict[int, Variable] = {i: t for i, t in self._watched.items() if isinstance(t, Variable)}
        if self._session is not None:
            for node in self._session.nodes:
                if self._sees(node):
                    for value in node.inputs:
                        holder = value.leaf() if value.leaf is not None else None
                        if isinstance(holder, Variable):
                            found.setdefault(id(holder), holder)
        return tuple(found.values())

    def _note_former(self, variable: Variable, value: Recorded) -> None:
        """A variable is about to get another value: gradients flow to what was read before, too."""
        if value.requires_grad:
            self._former.setdefault(id(variable), (variable, []))[1].append(value)

    def _sees(self, node: Node) -> bool:
        return self._covers(node.sequence)

    def _covers(self, n: int) -> bool:
        if self._start is not None and n > self._start:
            return True
        return any(a < n <= b for a, b in self._intervals)

    # Gradients.

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradients of the target (the sum of all its elements) with respect to the sources, nested as they are.

        None, or zeros where asked for, for a source that the target does not depend on."""
        how = UnconnectedGradients(unconnected_gradients)
        targets, given = self._targets(target, output_gradients)
        flat = nest.flatten(sources)
        self._begin()
        found = self._gradients(targets, given, flat)
        self._end()
        if how is UnconnectedGradients.ZERO:
            found = [zeros(s.shape, s.dtype) if g is None else g for g, s in zip(found, flat, strict=True)]
        return nest.pack_sequence_as(sources, found)

    def _targets(self, target: Any, output_gradients: Any) -> tuple[list[TensorBase], list[Any]]:
        targets = []
        for t in nest.flatten(target):
            if not isinstance(t, TensorBase):
                raise located(
                    RecordAttributeError(
                        f"the target of a gradient is a tensor, not {type(t).__name__}",
                        notes=(
                            "what .numpy(), float() or a NumPy function gives is a number that the tape knows nothing of",
                            "compute it with tf, inside `with tf.GradientTape() as tape:` (tf.reduce_mean for np.mean)",
                        ),
                    )
                )
            targets.append(t)
        given = [None] * len(targets) if output_gradients is None else nest.flatten(output_gradients)
        return targets, [
            None if g is None else convert_to_tensor(g, t.dtype) for g, t in zip(given, targets, strict=True)
        ]

    def _begin(self) -> None:
        if self._used:
            raise located(
                RecordError(
                    "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)",
                    notes=("write tf.GradientTape(persistent=True)",),
                )
            )
        if self._start is not None and not self._persistent:
            self._pop()

    def _end(self) -> None:
        if not self._persistent:
            self._used = True
            self._session = None
            self._former = {}

    def _gradients(
        self, targets: Sequence[TensorBase], given: Sequence[Any], sources: Sequence[Any]
    ) -> list[Any]:
        """One gradient for each source; None where there is none."""
        pairs = [(t._read(), g) for t, g in zip(targets, given, strict=True)]
        pairs = [(r, g) for r, g in pairs if r.requires_grad]
        wanted = [self._values_of(s) for s in sources]
        every = list({id(v): v for vs in wanted for v in vs}.values())
        if not pairs or not every:
            return [None] * len(sources)
        roots = [r for r, _ in pairs]
        with history_kept():
            cotangents = None
            if len(roots) > 1 or pairs[0][1] is not None:
                cotangents = [(g if g is not None else _ones_like(r))._read() for r, g in pairs]
            gradients: dict[int, list[Tensor]] = {}
            for v, g in backward(roots, cotangents, every, retain=True, visible=self._sees):
                gradients.setdefault(id(v), []).append(wrap(g))
        return [_total([g for v in vs for g in gradients.get(id(v), ())]) for vs in wanted]

    def _values_of(self, source: Any) -> list[Recorded]:
        """The recorded values of a source: what it was while the tape recorded."""
        if not isinstance(source, TensorBase):
            raise located(
                RecordTypeError(
                    f"a gradient is with respect to tensors and variables, not {type(source).__name__}"
                )
            )
        if isinstance(source, Variable) and not self._watch_variables and id(source) not in self._watched:
            return []
        _, former = self._former.get(id(source), (source, []))
        return [v for v in (source._read(), *former) if v.requires_grad]

    # Jacobians.

    def jacobian(
        self, target: Any, sources: Any, unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None, experimental_use_pfor: bool = True,
    ) -> Any:  # fmt: skip
        """Of shape target.shape + source.shape: a loop over the target's elements, one gradient each."""
        how = UnconnectedGradients(unconnected_gradients)
        flat = nest.flatten(sources)
        self._begin()
        n = target.shape.num_elements()
        rows = reshape(eye(n, dtype=target.dtype), (n, *target.shape))
        found = self._rows(target, flat, rows)
        self._end()
        out: list[Tensor | None] = []
        for source, g in zip(flat, found, strict=True):
            shape = (*target.shape, *source.shape)
            if g is not None:
                out.append(reshape(g, shape))
            else:
                out.append(zeros(shape, source.dtype) if how is UnconnectedGradients.ZERO else None)
        return nest.pack_sequence_as(sources, out)

    def batch_jacobian(
        self, target: Any, source: Any, unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None, experimental_use_pfor: bool = True,
    ) -> Any:  # fmt: skip
        """The Jacobian of each row of the target with respect to that row of the source: (b, y..., x...)."""
        how = UnconnectedGradients(unconnected_gradients)
        b, *rest = target.shape
        if source.shape[0] != b:
            raise located(
                RecordValueError(
                    f"Need first dimension of target shape ({target.shape}) and source shape ({source.shape}) to match."
                )
            )
        self._begin()
        n = target[0].shape.num_elements() if b else 0
        each = reshape(eye(n, dtype=target.dtype), (n, 1, *rest))
        rows = each + zeros((1, b, *(1,) * len(rest)), target.dtype)
        (found,) = self._rows(target, [source], rows)
        self._end()
        shape = (b, *rest, *source.shape[1:])
        if found is None:
            return zeros(shape, source.dtype) if how is UnconnectedGradients.ZERO else None
        order = (1, 0, *range(2, found.ndim))
        return reshape(transpose(found, order), shape)

    def _rows(self, target: TensorBase, sources: Sequence[Any], rows: Tensor) -> list[Any]:
        """The gradients for each of several cotangents, stacked: one loop in the program."""
        reached: list[int] = []

        def step(carry: Any, row: Tensor) -> Any:
            found = self._gradients([target], [row], sources)
            reached[:] = [i for i, g in enumerate(found) if g is not None]
            return carry, [g for g in found if g is not None]

        with history_kept():
            _, stacked = scan(step, (), rows)
        out: list[Any] = [None] * len(sources)
        for i, g in zip(reached, stacked, strict=True):
            out[i] = g
        return out


def _ones_like(value: Recorded) -> Tensor:
    return emit(_ones, (), value.type)


def _ones(scope: Any, type: TensorType) -> Any:
    return scope.constant(1, type)


def _total(parts: list[Tensor]) -> Any:
    """The sum of gradients with respect to the values one variable had."""
    if not parts:
        return None
    total: Any = parts[0]
    for more in parts[1:]:
        total = total + more
    return total
