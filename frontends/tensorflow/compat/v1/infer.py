"""Shapes of a graph's tensors: an operation is recorded twice, with either of two sizes for what is not known."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np

from irc.errors import IrcError
from irc.frontends.recorder.graph import Graph as Recording
from irc.frontends.recorder.graph import constant, placeholder, recorder
from irc.frontends.recorder.value import Recorded
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.compat.v1.actions import Call, tensors_in
from irc.frontends.tensorflow.compat.v1.fold import MOST_KNOWN, fold
from irc.frontends.tensorflow.compat.v1.operation import SIZES, GraphTensor, Probe
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.recording import nothing_kept
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, wrap
from irc.ir.types import FloatType, IntegerType, TensorType

Types = dict[GraphTensor, tuple[TensorType, TensorType]]


def infer(call: Call, inputs: Sequence[GraphTensor]) -> tuple[Any, list[Probe]]:
    """What the call gives, and its tensors' types. Raises what the call raises on every guess of what is not known."""
    first: IrcError | None = None
    for given in _guesses(call, inputs):
        try:
            return _both(call, inputs, given)
        except IrcError as error:
            first = first or error
    assert first is not None
    raise _without_stand_ins(first, inputs)


def _without_stand_ins(error: IrcError, inputs: Sequence[GraphTensor]) -> IrcError:
    """The error with `?` for the extents that are not known, where no other extent is of that size."""
    size = str(SIZES[0])
    if not any(d == SIZES[0] for t in inputs for d in _extents(t)):
        pattern = re.compile(rf"(?<![\w.]){size}(?![\w.])|(?<=\dx){size}(?=x|\b)|(?<![\w.]){size}(?=x\d)")
        error.message = pattern.sub("?", error.message)
        error.notes = tuple(pattern.sub("?", note) for note in error.notes)
        error.args = (error.message,)
    return error


def _both(call: Call, inputs: Sequence[GraphTensor], given: Types) -> tuple[Any, list[Probe]]:
    side = _Side(0, given)
    result = side.run(call)
    found = side.found(result)
    exact = not side.looked and all(t.probe.is_exact for t in inputs if t not in given)
    if exact and all(a is b for a, b in given.values()):
        return result, [Probe.of(t, k) for t, k in found]
    other = _Side(1, given)
    again = other.found(other.run(call))
    probes = []
    for (a, m), (b, n) in zip(found, again, strict=True):
        probes.append(Probe((a, b), None if m is None or n is None else (m, n)))
    return result, probes


class _Side:
    """One of the two recordings."""

    def __init__(self, number: int, given: Types) -> None:
        self.number = number
        self.given = given
        self.looked = False
        self.arguments: dict[Recorded, None] = {}

    def value(self, tensor: GraphTensor) -> Tensor:
        """A stand-in for a graph tensor."""
        probe = tensor.probe
        if probe.known is not None and tensor not in self.given:
            return wrap(constant(probe.known[self.number], probe.types[self.number]))
        value = placeholder(self.given.get(tensor, probe.types)[self.number])
        self.arguments[value] = None
        return wrap(value)

    def run(self, call: Call) -> Any:
        graph = Recording(tracing=True)
        graph.known = self._guess
        before, mode.running = mode.running, True
        try:
            with recorder.within(graph), nothing_kept():
                return call.result(self.value)
        finally:
            mode.running = before
            # A random draw has moved its generator on.
            for storage, value in graph.written.items():
                storage._value = value

    def found(self, result: Any) -> list[tuple[TensorType, Any]]:
        """Types of the tensors, and values that follow from shapes."""
        return [(t._read().type, self._settled(t)) for t in tensors_in(result)]

    def _settled(self, tensor: TensorBase) -> Any:
        value = tensor._read()
        if not isinstance(value.type.element, IntegerType) or value.type.size > MOST_KNOWN:
            return None
        return fold(value, lambda root: None)

    def _guess(self, value: Recorded) -> Any:
        """The value that a function looks at (an extent, an axis, a rate): folded from stand-ins for what will be fed."""
        self.looked = True
        return fold(value, self._guess_of_argument)

    def _guess_of_argument(self, root: Recorded) -> Any:
        type = root.type
        if root not in self.arguments or type.size > MOST_KNOWN:
            return None
        guess: Any = SIZES[self.number]
        if isinstance(type.element, FloatType):
            guess = 0.5
        return np.full(type.static_shape, guess, type.element.numpy)


def _guesses(call: Call, inputs: Sequence[GraphTensor]) -> Iterator[Types]:
    """What the inputs' types may be: as they are; then each unknown rank and extent as something else."""
    yield {}
    distinct = list(dict.fromkeys(inputs))
    vague = [t for t in distinct if t.probe.shape.rank is None]
    sizes = dict.fromkeys(d for t in distinct for d in _extents(t) if d is not None)
    sizes |= dict.fromkeys(_data_sizes((*call.args, *call.kwargs.values())))
    shapes = [s for rank in range(5) for s in _shapes(rank, list(sizes))]
    for chosen in product(shapes, repeat=len(vague)) if 0 < len(vague) < 3 else ():
        yield {t: _typed(t, shape) for t, shape in zip(vague, chosen, strict=True)}
    if vague:
        return
    places = [(t, i) for t in distinct for i, d in enumerate(_extents(t)) if d is None]
    for (tensor, i), size in product(places, sizes):
        yield {tensor: _with_extent(tensor, [i], size)}
    for size in sizes:
        yield {t: _with_extent(t, [i for u, i in places if u is t], size) for t, _ in places}
    # What is cut into parts of a given size.
    whole = math.prod(n for n in nest.flatten(list(call.args)) if isinstance(n, int) and 1 < n < 4096)
    if 1 < whole <= 1 << 20:
        yield {t: _multiplied(t, [i for u, i in places if u is t], whole) for t, _ in places}


def _data_sizes(arguments: Sequence[Any]) -> Iterator[int]:
    """The extents of Python and NumPy data among the arguments."""
    for value in arguments:
        if isinstance(value, (list, np.ndarray)) and all(
            isinstance(v, (int, float, np.generic)) for v in nest.flatten(list(value))
        ):
            with suppress(ValueError):  # rows of different lengths
                yield from (n for n in np.shape(value) if n > 1)


def _extents(tensor: GraphTensor) -> list[int | None]:
    shape = tensor.probe.shape
    return [] if shape.rank is None else shape.as_list()


def _shapes(rank: int, sizes: list[int]) -> Iterator[tuple[int | None, ...]]:
    yield (None,) * rank
    if rank:
        for size in sizes:
            yield (*(None,) * (rank - 1), size)
            if rank > 1:
                yield (size, *(None,) * (rank - 1))


def _typed(tensor: GraphTensor, shape: tuple[int | None, ...]) -> tuple[TensorType, TensorType]:
    element = tensor.probe.types[0].element
    first, second = (TensorType(tuple(n if d is None else d for d in shape), element) for n in SIZES)
    return first, second


def _with_extent(tensor: GraphTensor, places: list[int], size: int) -> tuple[TensorType, TensorType]:
    first, second = (
        TensorType(tuple(size if i in places else d for i, d in enumerate(t.shape)), t.element)
        for t in tensor.probe.types
    )
    return first, second


def _multiplied(tensor: GraphTensor, places: list[int], factor: int) -> tuple[TensorType, TensorType]:
    first, second = (
        TensorType(tuple(d * factor if i in places else d for i, d in enumerate(t.static_shape)), t.element)
        for t in tensor.probe.types
    )
    return first, second
