"""How datasets run: each kind gives an iterator over host elements, and what it knows of its length."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.random import host_generator
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.data import elements as E

INFINITE, UNKNOWN = -1, -2

Order = tuple["Slices", Iterator[int]]


class Source:
    """One step of a pipeline."""

    def iterate(self) -> Iterator[Any]:
        """The elements from the start."""
        raise located(RecordTypeError(f"{type(self).__name__} has no elements"))

    def count(self) -> int:
        """How many elements there are; INFINITE or UNKNOWN."""
        return UNKNOWN

    def order(self) -> Order | None:
        """Where the elements are rows of arrays: the arrays, and the rows' numbers in order."""
        return None


class Slices(Source):
    """Rows of arrays."""

    def __init__(self, arrays: Any) -> None:
        self.arrays = arrays
        self.n = E.first_extent(arrays)

    def iterate(self) -> Iterator[Any]:
        return (E.row(self.arrays, i) for i in range(self.n))

    def count(self) -> int:
        return self.n

    def order(self) -> Order:
        return self, iter(range(self.n))


class Items(Source):
    """Elements made anew by a function for each iteration."""

    def __init__(self, make: Callable[[], Iterator[Any]], count: int = UNKNOWN) -> None:
        self.make = make
        self.number = count

    def iterate(self) -> Iterator[Any]:
        return self.make()

    def count(self) -> int:
        return self.number


class Mapped(Source):
    """Elements through a function of host elements."""

    def __init__(self, source: Source, function: Callable[[Any], Any]) -> None:
        self.source = source
        self.function = function

    def iterate(self) -> Iterator[Any]:
        return map(self.function, self.source.iterate())

    def count(self) -> int:
        return self.source.count()


class Reordered(Source):
    """Base of steps that only choose among elements: on rows of arrays they choose numbers."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def choose(self, items: Iterator[Any]) -> Iterator[Any]:
        """The chosen ones of an iterator over elements or numbers."""
        return items

    def iterate(self) -> Iterator[Any]:
        found = self.order()
        if found is not None:
            slices, numbers = found
            return (E.row(slices.arrays, i) for i in numbers)
        return self.choose(self.source.iterate())

    def order(self) -> Order | None:
        found = self.source.order()
        return None if found is None else (found[0], self.choose(found[1]))


class Shuffled(Reordered):
    """A buffer from which a random element is drawn each time."""

    def __init__(self, source: Source, size: int, seed: int | None, again: bool) -> None:
        super().__init__(source)
        if size < 1:
            raise located(RecordValueError(f"`buffer_size` must be greater than zero, got {size}"))
        self.size = size
        self.again = again
        first = int(host_generator().integers(2**63)) if seed is None else int(seed)
        self.seed = first & 0x7FFFFFFFFFFFFFFF
        self.epoch = 0

    def choose(self, items: Iterator[Any]) -> Iterator[Any]:
        key = (self.epoch << 64) + self.seed
        self.epoch += self.again
        rng = np.random.Generator(np.random.Philox(key=key))
        buffer = list(itertools.islice(items, self.size))
        for item in items:
            k = int(rng.integers(len(buffer)))
            yield buffer[k]
            buffer[k] = item
        for k in rng.permutation(len(buffer)):
            yield buffer[k]

    def count(self) -> int:
        return self.source.count()


class Repeated(Reordered):
    """The elements several times, or without end."""

    def __init__(self, source: Source, times: int) -> None:
        super().__init__(source)
        self.times = times

    def iterate(self) -> Iterator[Any]:
        for _ in itertools.count() if self.times < 0 else range(self.times):
            empty = True
            for element in self.source.iterate():
                empty = False
                yield element
            if empty and self.times < 0:
                return

    def order(self) -> Order | None:
        first = self.source.order()
        if first is None:
            return None
        return first[0], self._numbers(first[1])

    def _numbers(self, numbers: Iterator[int]) -> Iterator[int]:
        for turn in itertools.count() if self.times < 0 else range(self.times):
            if turn:
                again = self.source.order()
                assert again is not None
                numbers = again[1]
            yield from numbers

    def count(self) -> int:
        n = self.source.count()
        if self.times < 0:
            return INFINITE if n != 0 else 0
        return n if n < 0 else n * self.times


class Part(Reordered):
    """The elements from `start` up to `stop` (None: the end), every `step`-th."""

    def __init__(self, source: Source, start: int, stop: int | None, step: int = 1) -> None:
        super().__init__(source)
        self.bounds = (start, stop, step)

    def choose(self, items: Iterator[Any]) -> Iterator[Any]:
        return itertools.islice(items, *self.bounds)

    def count(self) -> int:
        n, (start, stop, step) = self.source.count(), self.bounds
        if n == UNKNOWN:
            return UNKNOWN
        if n == INFINITE:
            return INFINITE if stop is None else len(range(start, stop, step))
        return len(range(start, n if stop is None else min(n, stop), step))


class Batched(Source):
    """Several elements stacked along a new first dimension."""

    def __init__(
        self, source: Source, size: int, drop: bool, join: Callable[[Sequence[Any]], Any] = E.stacked
    ) -> None:
        self.source = source
        if size < 1:
            raise located(RecordValueError(f"batch_size must be greater than zero, got {size}"))
        self.size = size
        self.drop = drop
        self.join = join

    def iterate(self) -> Iterator[Any]:
        found = self.source.order()
        if found is not None and self.join is E.stacked:
            slices, numbers = found
            for chosen in self._runs(numbers):
                yield E.rows(slices.arrays, _as_slice(chosen))
        else:
            for chosen in self._runs(self.source.iterate()):
                yield self.join(chosen)

    def _runs(self, items: Iterator[Any]) -> Iterator[list[Any]]:
        while run := list(itertools.islice(items, self.size)):
            if len(run) == self.size or not self.drop:
                yield run

    def count(self) -> int:
        n = self.source.count()
        return n if n < 0 else n // self.size if self.drop else -(-n // self.size)


def _as_slice(numbers: list[int]) -> Any:
    """Neighbouring rows as a slice, which copies nothing."""
    first, n = numbers[0], len(numbers)
    if numbers[-1] == first + n - 1 and all(b == a + 1 for a, b in itertools.pairwise(numbers)):
        return slice(first, first + n)
    return np.array(numbers)


class Zipped(Source):
    """Elements of several datasets side by side."""

    def __init__(self, structure: Any, sources: Any) -> None:
        self.structure = structure
        self.sources = sources

    def iterate(self) -> Iterator[Any]:
        flat = E.leaves(self.sources)
        for parts in zip(*(s.iterate() for s in flat), strict=False):
            given = iter(parts)
            yield E.map_leaves(lambda _, given=given: next(given), self.sources)

    def count(self) -> int:
        counts = [s.count() for s in E.leaves(self.sources)]
        finite = [n for n in counts if n >= 0]
        if UNKNOWN in counts:
            return UNKNOWN
        return min(finite) if finite else INFINITE


class Chained(Source):
    """One dataset after another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources

    def iterate(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(s.iterate() for s in self.sources)

    def count(self) -> int:
        counts = [s.count() for s in self.sources]
        if INFINITE in counts:
            return INFINITE
        return UNKNOWN if UNKNOWN in counts else sum(counts)


class Cached(Source):
    """Remembers the elements of a first whole iteration."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.kept: list[Any] | None = None

    def iterate(self) -> Iterator[Any]:
        if self.kept is not None:
            yield from self.kept
            return
        kept = []
        for element in self.source.iterate():
            kept.append(element)
            yield element
        self.kept = kept

    def order(self) -> Order | None:
        # Arrays are in memory already; a random order is kept as it was drawn.
        return self.source.order() if isinstance(self.source, Slices) else None

    def count(self) -> int:
        return self.source.count()
