"""tf.data.Dataset: a pipeline of steps, each a Source."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable
from collections.abc import Iterator as Iterable
from typing import Any

import numpy as np

from irc.frontends.errors import RecordTypeError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.random import host_generator
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.data import elements as E
from irc.frontends.tensorflow.data import sources as S
from irc.frontends.tensorflow.errors import OperatorNotAllowedInGraphError, OutOfRangeError
from irc.frontends.tensorflow.function import Function
from irc.frontends.tensorflow.tensor import from_array
from irc.frontends.tensorflow.type_spec import TensorSpec

AUTOTUNE = -1
INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = S.INFINITE, S.UNKNOWN


class Options:
    """Accepted: `dataset.with_options`."""

    def __init__(self) -> None:
        self.experimental_deterministic = True
        self.deterministic = True


class Iterator:
    """What `iter(dataset)` gives."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._elements = dataset._source.iterate()

    @property
    def element_spec(self) -> Any:
        """The TensorSpecs of an element, nested as it is."""
        return self._dataset.element_spec

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        return E.to_tensors(next(self._elements))

    def get_next(self) -> Any:
        """The next element; OutOfRangeError at the end."""
        try:
            return next(self)
        except StopIteration:
            raise located(OutOfRangeError("End of sequence [Op:IteratorGetNext]")) from None

    next = get_next


class Dataset:
    """A sequence of elements: tensors, in tuples and dicts."""

    def __init__(self, source: S.Source, spec: Any = None) -> None:
        self._source = source
        self._spec = spec

    # Where elements come from.

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The slices along the first dimension."""
        arrays = E.to_host(tensors)
        return Dataset(S.Slices(arrays), _spec_of_rows(arrays))

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element."""
        element = E.to_host(tensors)
        return Dataset(S.Items(lambda: iter([element]), 1), E.spec_of(element))

    @staticmethod
    def range(*args: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Dataset:
        """start, start + step, ...: the arguments are Python's range's."""
        d = dtypes.as_dtype(output_type)
        numbers = np.array(builtins.range(*map(int, args)), d.numpy)
        return Dataset(S.Slices(numbers), TensorSpec((), d))

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any = None, output_shapes: Any = None, args: Any = None,
        output_signature: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """What a generator function yields; it is called again for each iteration."""
        if not callable(generator):
            raise located(RecordTypeError("`generator` must be a Python callable."))
        if output_signature is None and output_types is None:
            raise located(
                RecordTypeError(
                    "To specify an output signature, either set the `output_signature` or the `output_types` argument."
                )
            )
        spec = output_signature if output_signature is not None else _signature(output_types, output_shapes)
        given = () if args is None else tuple(np.asarray(a) for a in args)

        def make() -> Iterable[Any]:
            return (E.fitted(value, spec) for value in generator(*given))

        return Dataset(S.Items(make), spec)

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several datasets side by side; the shortest ends it."""
        given = (
            datasets
            if datasets is not None
            else args[0]
            if len(args) == 1 and not isinstance(args[0], Dataset)
            else args
        )
        given = tuple(given) if isinstance(given, list) else given
        for d in E.leaves(given):
            if not isinstance(d, Dataset):
                raise located(
                    RecordTypeError(
                        f"Invalid input to `zip`: a (nested) structure of datasets, not {type(d).__name__}"
                    )
                )
        sources = E.map_leaves(lambda d: d._source, given)
        return Dataset(S.Zipped(given, sources), E.map_leaves(lambda d: d.element_spec, given))

    @staticmethod
    def sample_from_datasets(
        datasets: Any, weights: Any = None, seed: int | None = None, stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: Any = None,
    ) -> Dataset:  # fmt: skip
        """Elements of datasets chosen at random."""
        chosen = list(datasets)
        share = np.ones(len(chosen)) if weights is None else np.asarray(weights, np.float64)
        first = int(host_generator().integers(2**62)) if seed is None else int(seed)

        def make() -> Iterable[Any]:
            rng = np.random.Generator(np.random.Philox(key=first))
            alive = {i: d._source.iterate() for i, d in enumerate(chosen)}
            while alive:
                numbers = list(alive)
                p = share[numbers] / share[numbers].sum()
                i = int(rng.choice(numbers, p=p))
                try:
                    yield next(alive[i])
                except StopIteration:
                    if stop_on_empty_dataset:
                        return
                    del alive[i]

        return Dataset(S.Items(make), chosen[0].element_spec)

    @staticmethod
    def random(
        seed: int | None = None, rerandomize_each_iteration: Any = None, name: str | None = None
    ) -> Dataset:
        """Random int64 numbers without end."""
        first = int(host_generator().integers(2**62)) if seed is None else int(seed)

        def make() -> Iterable[Any]:
            rng = np.random.Generator(np.random.Philox(key=first))
            return (np.asarray(rng.integers(2**32)) for _ in itertools.count())

        return Dataset(S.Items(make, S.INFINITE), TensorSpec((), dtypes.int64))

    # Seeing them.

    def __iter__(self) -> Any:
        if recorder.graph.tracing:
            raise located(
                OperatorNotAllowedInGraphError(
                    "iterating over a dataset inside a traced function would make its elements constants of the program",
                    notes=(
                        "iterate outside, and make the step a tf.function: for x, y in dataset: step(x, y)",
                    ),
                )
            )
        return Iterator(self)

    def as_numpy_iterator(self) -> Any:
        """The elements as NumPy arrays."""
        return map(E.to_numpy, self._source.iterate())

    @property
    def element_spec(self) -> Any:
        """The TensorSpecs of an element; the first element is made to find out where nothing else says."""
        if self._spec is None:
            first = next(self._source.iterate(), None)
            self._spec = E.spec_of(first) if first is not None else TensorSpec(None, dtypes.float32)
        return self._spec() if callable(self._spec) else self._spec

    def cardinality(self, name: str | None = None) -> Any:
        """How many elements: an int64 tensor; -1 for infinitely many, -2 where that is not known."""
        return from_array(np.asarray(self._source.count(), np.int64))

    def __len__(self) -> int:
        n = self._source.count()
        if n < 0:
            raise located(
                RecordTypeError(
                    "The dataset is infinite." if n == S.INFINITE else "The dataset length is unknown."
                )
            )
        return n

    def __bool__(self) -> bool:
        return True

    def counted(self, n: int) -> Dataset:
        """The dataset, told how many elements it has."""
        return Dataset(S.Items(self._source.iterate, n), self._lazy_spec)

    def _lazy_spec(self) -> Any:
        return self.element_spec

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element."""
        return next(iter(self))

    def __repr__(self) -> str:
        return f"<{type(self._source).__name__}Dataset element_spec={self.element_spec!r}>"

    # Steps.

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: Any = None, deterministic: Any = None,
        synchronous: Any = None, use_unbounded_threadpool: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The function of each element; traced once for each signature, as tf.function does."""
        call = _element_function(map_func)
        return Dataset(S.Mapped(self._source, call))

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which the function gives True."""
        call = _element_function(predicate)
        source = self._source
        return Dataset(S.Items(lambda: (e for e in source.iterate() if bool(call(e)))), self._lazy_spec)

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements up to the first for which the predicate does not hold."""
        call = _element_function(predicate)
        source = self._source
        return Dataset(
            S.Items(lambda: itertools.takewhile(lambda e: bool(call(e)), source.iterate())), self._lazy_spec
        )

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the datasets that the function makes of each element, one dataset after another."""
        return self.interleave(map_func, cycle_length=1)

    def interleave(
        self, map_func: Callable[..., Any], cycle_length: int | None = None, block_length: int = 1,
        num_parallel_calls: Any = None, deterministic: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The elements of several datasets that the function makes, in turns."""
        source, width = self._source, 1 if cycle_length in (None, -1) else int(cycle_length)

        def make() -> Iterable[Any]:
            made = (_called(map_func, E.to_tensors(e))._source.iterate() for e in source.iterate())
            return _in_turns(made, width, block_length)

        return Dataset(S.Items(make))

    def batch(
        self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None, deterministic: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Several elements stacked along a new first dimension."""
        size, drop = int(batch_size), bool(drop_remainder)
        known = size if drop else None

        def spec() -> Any:
            return E.map_leaves(lambda s: TensorSpec((known, *s.shape), s.dtype), self.element_spec)

        return Dataset(S.Batched(self._source, size, drop), spec)

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Several elements stacked, each padded to the largest of them."""
        join = lambda chosen: E.padded(chosen, padded_shapes, padding_values)  # noqa: E731
        return Dataset(S.Batched(self._source, int(batch_size), bool(drop_remainder), join))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The slices along the first dimension of each element."""
        source = self._source
        parts = lambda: itertools.chain.from_iterable(S.Slices(e).iterate() for e in source.iterate())  # noqa: E731
        return Dataset(
            S.Items(parts),
            lambda: E.map_leaves(lambda s: TensorSpec(s.shape[1:], s.dtype), self.element_spec),
        )

    def rebatch(self, batch_size: Any, drop_remainder: bool = False, name: str | None = None) -> Dataset:
        """Batches of another size, made of the elements in the same order."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def shuffle(
        self,
        buffer_size: Any,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The elements in a random order: each is drawn from a buffer of the next `buffer_size`."""
        size = max(len(self), 1) if buffer_size is None else int(buffer_size)
        again = True if reshuffle_each_iteration is None else bool(reshuffle_each_iteration)
        return Dataset(S.Shuffled(self._source, size, seed, again), self._lazy_spec)

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """The elements several times; without end for None or -1."""
        times = -1 if count is None else int(count)
        return Dataset(S.Repeated(self._source, times), self._lazy_spec)

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first elements; all of them for -1."""
        n = int(count)
        return Dataset(S.Part(self._source, 0, None if n < 0 else n), self._lazy_spec)

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """Without the first elements; none is left for -1."""
        n = int(count)
        return Dataset(
            S.Part(self._source, n, None) if n >= 0 else S.Part(self._source, 0, 0), self._lazy_spec
        )

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Every num_shards-th element, from `index` on."""
        return Dataset(S.Part(self._source, int(index), None, int(num_shards)), self._lazy_spec)

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """These elements, then the other's."""
        return Dataset(S.Chained([self._source, dataset._source]), self._lazy_spec)

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Each element with its number, in int64."""
        counter = S.Items(lambda: (np.asarray(i, np.int64) for i in itertools.count(int(start))), S.INFINITE)
        return Dataset.zip((Dataset(counter, TensorSpec((), dtypes.int64)), self))

    def cache(self, filename: Any = "", name: str | None = None) -> Dataset:
        """Remembers the elements after a first whole iteration."""
        return Dataset(S.Cached(self._source), self._lazy_spec)

    def prefetch(self, buffer_size: Any = None, name: str | None = None) -> Dataset:
        """Accepted: elements are made when they are asked for."""
        return self

    def with_options(self, options: Options, name: str | None = None) -> Dataset:
        """The same elements; options say how TensorFlow computes them, and there is one way here."""
        return self

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """The function of this dataset."""
        return transformation_func(self)

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Datasets of `size` neighbouring elements, one every `shift`."""
        source, step = self._source, size if shift is None else shift

        def make() -> Iterable[Any]:
            every = list(source.iterate())
            for start in builtins.range(0, len(every), step):
                found = every[start : start + size * stride : stride]
                if len(found) == size or not drop_remainder:
                    yield _of_elements(found)

        return Dataset(S.Items(make), lambda: self)

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """state = reduce_func(state, element) for each element."""
        state = E.to_tensors(E.to_host(initial_state))
        call = Function(reduce_func, getattr(reduce_func, "__name__", "reduce_func"))
        for element in self:
            state = call(state, element)
        return state

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """state, out = scan_func(state, element): the outs."""
        source = self._source
        call = Function(scan_func, getattr(scan_func, "__name__", "scan_func"))

        def make() -> Iterable[Any]:
            state = E.to_tensors(E.to_host(initial_state))
            for element in source.iterate():
                state, out = call(state, E.to_tensors(element))
                yield E.to_host(out)

        return Dataset(S.Items(make))

    def unique(self, name: str | None = None) -> Dataset:
        """Without elements that have been there."""
        source = self._source

        def make() -> Iterable[Any]:
            seen: dict[bytes, None] = {}
            for element in source.iterate():
                key = element.tobytes()
                if key not in seen:
                    seen[key] = None
                    yield element

        return Dataset(S.Items(make), self._lazy_spec)


DatasetV2 = Dataset


def _of_elements(found: list[Any]) -> Dataset:
    return Dataset(S.Items(lambda: iter(found), len(found)))


def _spec_of_rows(arrays: Any) -> Any:
    return E.map_leaves(lambda a: TensorSpec(a.shape[1:], a.dtype), arrays)


def _signature(types: Any, shapes: Any) -> Any:
    """TensorSpecs of from_generator's older arguments."""
    if isinstance(types, (tuple, list)):
        given = [None] * len(types) if shapes is None else shapes
        return tuple(_signature(t, s) for t, s in zip(types, given, strict=True))
    if isinstance(types, dict):
        return {k: _signature(t, None if shapes is None else shapes[k]) for k, t in types.items()}
    return TensorSpec(shapes, types)


def _called(function: Callable[..., Any], element: Any) -> Any:
    """A tuple's parts are arguments of their own."""
    return function(*element) if type(element) is tuple else function(element)


def _element_function(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """A user's function as one of host elements, compiled once for each signature."""
    compiled = Function(function, getattr(function, "__name__", "function"))

    def call(element: Any) -> Any:
        result = _called(compiled, E.to_tensors(element))
        result = tuple(result) if isinstance(result, list) else result
        if result is None:
            raise located(
                RecordTypeError("Unsupported return value from function passed to Dataset.map(): None.")
            )
        return result if isinstance(result, Dataset) else E.to_host(result)

    return call


def _in_turns(made: Iterable[Any], width: int, block: int) -> Iterable[Any]:
    """`block` elements of each of `width` iterators in turn; one that ends makes room for the next."""
    active = list(itertools.islice(made, width))
    place = 0
    while active:
        place %= len(active)
        found = list(itertools.islice(active[place], block))
        yield from found
        if len(found) == block:
            place += 1
            continue
        following = next(made, None)
        if following is None:
            del active[place]
        else:
            active[place] = following
