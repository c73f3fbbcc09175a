"""Datasets, loaders, and saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc.torch as t
from irc.frontends.recorder.backend import counters
from irc.torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

X = np.arange(20, dtype=np.float32).reshape(10, 2)
Y = np.arange(10)


def test_batches_of_tensors() -> None:
    data = TensorDataset(t.tensor(X), t.tensor(Y))
    batches = list(DataLoader(data, batch_size=4))
    assert [len(y) for _, y in batches] == [4, 4, 2] == [4, 4, 2]
    assert batches[1][0].tolist() == X[4:8].tolist()
    assert len(DataLoader(data, batch_size=4)) == 3
    assert (
        len(DataLoader(data, batch_size=4, drop_last=True))
        == 2
        == len(list(DataLoader(data, 4, drop_last=True)))
    )


def test_shuffling_follows_the_seed() -> None:
    data = TensorDataset(t.tensor(Y))
    loader = DataLoader(data, batch_size=3, shuffle=True)

    def order() -> list[int]:
        return [n for (y,) in loader for n in y.tolist()]

    t.manual_seed(4)
    first, second = order(), order()
    t.manual_seed(4)
    assert order() == first != second
    assert sorted(first) == list(range(10)) != first
    mine = t.Generator().manual_seed(1)
    again = t.Generator().manual_seed(1)
    assert t.randperm(10, generator=mine).tolist() == t.randperm(10, generator=again).tolist()


class Pairs(Dataset):
    def __init__(self) -> None:
        self.x = t.tensor(X)

    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: int) -> Any:
        return {"x": self.x[i], "n": i, "f": i / 2, "name": str(i), "pair": (np.float32(i), np.ones(2))}


def test_collating_needs_no_program() -> None:
    before = counters.runs
    (batch,) = list(DataLoader(Pairs(), batch_size=10))
    assert batch["x"].tolist() == X.tolist() and batch["n"].dtype is t.int64
    assert batch["f"].dtype is t.float64 and batch["name"] == [str(i) for i in range(10)]
    assert batch["pair"][0].tolist() == list(range(10)) and batch["pair"][1].shape == (10, 2)
    assert counters.runs == before


def test_other_datasets() -> None:
    class Stream(IterableDataset):
        def __iter__(self) -> Any:
            return iter(range(5))

    assert [b.tolist() for b in DataLoader(Stream(), batch_size=2)] == [[0, 1], [2, 3], [4]]
    data = TensorDataset(t.tensor(Y))
    parts = random_split(data, [7, 3], generator=t.Generator().manual_seed(0))
    assert sorted(int(s[i][0]) for s in parts for i in range(len(s))) == list(range(10))
    assert [len(p) for p in random_split(data, [0.5, 0.5])] == [5, 5]
    assert len(ConcatDataset([data, data])) == 20 and int(ConcatDataset([data, data])[15][0]) == 5
    assert [int(y) for (y,) in Subset(data, [3, 1])] == [3, 1]
    sampler = WeightedRandomSampler([0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 4)
    assert [y.tolist() for (y,) in DataLoader(data, batch_size=4, sampler=sampler)] == [[2, 2, 2, 2]]


def test_saving(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    t.save({"a": t.tensor(X), 3: [t.tensor(True), None, "text", 1.5], "b": t.ones(2, dtype=t.bfloat16)}, path)
    read = t.load(path)
    assert (
        read["a"].tolist() == X.tolist() and read[3][0].dtype is t.bool and read[3][1:] == [None, "text", 1.5]
    )
    assert read["b"].dtype is t.bfloat16
    with pytest.raises(TypeError, match="state_dict"):
        t.save(t.nn.Linear(1, 1), path)


def test_pickles_are_refused_with_advice(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "x.pt"
    torch.save({"a": torch.ones(1)}, path)
    with pytest.raises(RuntimeError, match="pickle") as caught:
        t.load(path)
    assert "safetensors" in str(caught.value)
