"""torch.utils.data: datasets and the loader that makes batches of them, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordIndexError, RecordTypeError, RecordValueError
from irc.frontends.recorder.places import seen
from irc.frontends.recorder.random import host_generator
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.creation import from_array, tensor
from irc.frontends.torch.joining import stack
from irc.frontends.torch.tensor import Tensor


class Dataset:
    """`dataset[i]` and `len(dataset)`, written by the user."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __getitem__(self, index: int) -> Any:
        raise located(
            RecordTypeError(f"{type(self).__name__} has no __getitem__: write def __getitem__(self, index)")
        )

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """A stream: `iter(dataset)`."""

    def __iter__(self) -> Iterator[Any]:
        raise located(RecordTypeError(f"{type(self).__name__} has no __iter__: write def __iter__(self)"))


class TensorDataset(Dataset):
    """Tensors of one length: sample i is the i-th of each."""

    def __init__(self, *tensors: Tensor) -> None:
        if any(t.shape[0] != tensors[0].shape[0] for t in tensors):
            sizes = ", ".join(str(t.shape[0]) for t in tensors)
            raise located(RecordValueError(f"Size mismatch between tensors: {sizes} samples"))
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class ConcatDataset(Dataset):
    """Datasets one after another."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = list(datasets)

    def __len__(self) -> int:
        sizes: list[int] = [len(d) for d in self.datasets]  # type: ignore[arg-type]
        return sum(sizes)

    def __getitem__(self, index: int) -> Any:
        index = index + len(self) if index < 0 else index
        for d in self.datasets:
            n = len(d)  # type: ignore[arg-type]
            if index < n:
                return d[index]
            index -= n
        raise located(RecordIndexError("dataset index out of range"))


class Subset(Dataset):
    """Some samples of a dataset."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Any = None) -> list[Subset]:
    """Parts of these sizes (or shares), drawn at random."""
    n = len(dataset)
    sizes = [int(s) for s in lengths]
    if lengths and abs(sum(lengths) - 1) < 1e-9 and any(isinstance(s, float) for s in lengths):
        sizes = [int(n * s) for s in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    if sum(sizes) != n:
        raise located(
            RecordValueError("Sum of input lengths does not equal the length of the input dataset!")
        )
    order = host_generator(generator).permutation(n).tolist()
    out, start = [], 0
    for size in sizes:
        out.append(Subset(dataset, order[start : start + size]))
        start += size
    return out


class Sampler:
    """An order of samples."""

    def __init__(self, data_source: Any = None) -> None:
        self.data_source = data_source

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class SequentialSampler(Sampler):
    """In order."""


class RandomSampler(Sampler):
    """In a random order, or drawn with replacement."""

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__(data_source)
        self.replacement, self.generator = replacement, generator
        self.num_samples = len(data_source) if num_samples is None else num_samples

    def __iter__(self) -> Iterator[int]:
        n, host = len(self.data_source), host_generator(self.generator)
        order = (
            host.integers(0, n, self.num_samples)
            if self.replacement
            else host.permutation(n)[: self.num_samples]
        )
        return iter(order.tolist())

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Some samples in a random order."""

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        super().__init__(indices)
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        return iter([self.indices[i] for i in host_generator(self.generator).permutation(len(self.indices))])


class WeightedRandomSampler(Sampler):
    """Samples drawn with given weights."""

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        w = np.asarray(weights.numpy() if isinstance(weights, Tensor) else weights, np.float64)
        super().__init__(w)
        self.weights, self.num_samples, self.replacement, self.generator = (
            w,
            num_samples,
            replacement,
            generator,
        )

    def __iter__(self) -> Iterator[int]:
        p = self.weights / self.weights.sum()
        host = host_generator(self.generator)
        return iter(host.choice(len(p), self.num_samples, self.replacement, p).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of batch_size samples."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        super().__init__(sampler)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[Any]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples to a batch: tensors are stacked, numbers become tensors, tuples and dicts are collated part by part."""
    first = batch[0]
    if isinstance(first, Tensor):
        arrays = [a for a in (seen(t._read().array) for t in batch) if a is not None]
        if len(arrays) == len(batch) and not first.requires_grad and len({a.shape for a in arrays}) == 1:
            return from_array(np.stack(arrays))
        return stack(list(batch))
    if isinstance(first, np.ndarray):
        return from_array(np.stack(batch))
    if isinstance(first, np.generic):
        return from_array(np.array(batch))
    if isinstance(first, float):
        return tensor(list(batch), dtype=dtypes.float64)
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*map(default_collate, zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        return [default_collate(part) for part in zip(*batch, strict=True)]
    raise located(
        RecordTypeError(
            "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
            f"{type(first).__name__}"
        )
    )


def default_convert(data: Any) -> Any:
    return data if isinstance(data, Tensor) else default_collate([data])[0]


class DataLoader:
    """Iterates over batches of a dataset. `num_workers` is accepted; loading happens in this process."""

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None,
        batch_sampler: Any = None, num_workers: int = 0, collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Any = None,
        multiprocessing_context: Any = None, generator: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        if sampler is not None and shuffle:
            raise located(RecordValueError("sampler option is mutually exclusive with shuffle"))
        if batch_size is not None and batch_size < 1:
            raise located(
                RecordValueError(
                    f"batch_size should be a positive integer value, but got batch_size={batch_size}"
                )
            )
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.num_workers, self.generator, self.pin_memory = num_workers, generator, pin_memory
        self.collate_fn = collate_fn or (default_collate if batch_size is not None else default_convert)
        self._is_stream = isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__")
        if sampler is None and not self._is_stream:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and not self._is_stream:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler

    def __iter__(self) -> Iterator[Any]:
        if self._is_stream:
            yield from self._from_stream()
        elif self.batch_sampler is None:
            for index in self.sampler:
                yield self.collate_fn(self.dataset[index])
        else:
            for indices in self.batch_sampler:
                yield self._batch(indices)

    def _from_stream(self) -> Iterator[Any]:
        batch: list[Any] = []
        for sample in self.dataset:
            if self.batch_size is None:
                yield self.collate_fn(sample)
                continue
            batch.append(sample)
            if len(batch) == self.batch_size:
                yield self.collate_fn(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.collate_fn(batch)

    def _batch(self, indices: Any) -> Any:
        """Samples by number. Whole tensors that are in memory give their rows in one copy."""
        if type(self.dataset) is TensorDataset and self.collate_fn is default_collate:
            arrays = [t._look("a data set") for t in self.dataset.tensors]
            return [from_array(a[np.asarray(indices)]) for a in arrays]
        return self.collate_fn([self.dataset[i] for i in indices])

    def __len__(self) -> int:
        if self._is_stream:
            raise located(RecordTypeError(f"object of type '{type(self.dataset).__name__}' has no len()"))
        return len(self.batch_sampler) if self.batch_sampler is not None else len(self.sampler)
