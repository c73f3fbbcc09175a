"""One program for every size: the second size makes it, and the results are those of a program of each size's own."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as torch
from irc.dialects.builtin import Module
from irc.errors import UnsupportedError
from irc.frontends.recorder import backend
from irc.interpreter import interpret
from irc.torch import nn, optim
from irc.torch.nn import functional as F


class Mlp(nn.Module):
    sizes = (12,)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(12, 16), nn.LayerNorm(16), nn.Linear(16, 10)

    def forward(self, x: Any) -> Any:
        return self.last(self.norm(F.gelu(self.first(x))))


class Cnn(nn.Module):
    sizes = (1, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Linear(64, 10)

    def forward(self, x: Any) -> Any:
        return self.last(F.max_pool2d(F.relu(self.norm(self.conv(x))), 2).flatten(1))


class Lstm(nn.Module):
    sizes = (6, 5)

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.last = nn.LSTM(5, 8, batch_first=True), nn.Linear(8, 10)

    def forward(self, x: Any) -> Any:
        return self.last(self.cells(x)[0][:, -1])


class Attention(nn.Module):
    sizes = (6, 8)

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.last = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 10)

    def forward(self, x: Any) -> Any:
        return self.last(self.attention(x, x, x)[0].mean(1))


class Dropout(nn.Module):
    sizes = (12,)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(12, 16), nn.Dropout(0.3), nn.Linear(16, 10)

    def forward(self, x: Any) -> Any:
        return self.last(self.drop(F.relu(self.first(x))))


def step_of(model: Any, dynamic: bool | None = None) -> Any:
    optimizer, criterion = optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss()

    @irc.compile(dynamic=dynamic)
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def losses(kind: Any, batches: Sequence[int], dynamic: bool | None) -> list[bytes]:
    """Bits of the losses of training on batches of these sizes, and of a weight at the end."""
    torch.manual_seed(0)
    model, rng = kind(), np.random.default_rng(0)
    step = step_of(model, dynamic)
    found = []
    for size in batches:
        x = rng.standard_normal((size, *kind.sizes), np.float32)
        y = rng.integers(0, 10, size)
        found.append(step(torch.tensor(x), torch.tensor(y)).numpy().tobytes())
    return [*found, next(iter(model.parameters())).detach().numpy().tobytes()]


@contextmanager
def counted() -> Iterator[list[Module]]:
    """The modules that are compiled, here for the interpreter."""
    modules: list[Module] = []

    def compile(module: Module, donate: Any) -> Any:
        modules.append(module)
        return lambda *arrays: interpret(module, *arrays)

    with backend.apart(), backend.using(compile):
        yield modules


BATCHES = (8, 5, 7, 8, 3, 2, 12, 5, 1)


@pytest.mark.parametrize("kind", [Mlp, Cnn, Lstm, Attention, Dropout])
def test_a_training_step_is_compiled_twice_for_all_sizes(kind: Any) -> None:
    with counted() as apart:
        expected = losses(kind, BATCHES, dynamic=False)
    with counted() as modules:
        assert losses(kind, BATCHES, dynamic=None) == expected
    alone = [m for m in modules if all(a.type.is_static for a in m.symbols["main"].arguments)]
    # The first size, every other one, and one element, which broadcasts and may be another program.
    steps = len(apart) - (len(set(BATCHES)) - 1)
    assert len(modules) - steps <= 2
    assert len(modules) - len(alone) >= 1


def test_recordings_that_differ_in_more_than_sizes_are_compiled_alone() -> None:
    @irc.compile
    def f(x: Any) -> Any:
        # An odd size takes another way; 3 x also depends on what no formula gives.
        return x * float(x.shape[0] ** 0.5) if x.shape[0] % 2 else x + 1.0

    with counted() as modules:
        for n in (4, 6, 9, 25, 49):
            x = np.arange(n, dtype=np.float32)
            expected = x * np.float32(n**0.5) if n % 2 else x + 1
            np.testing.assert_array_equal(f(torch.tensor(x)).numpy(), expected)
    known = [m.symbols["main"].arguments[0].type.shape for m in modules]
    assert known == [(4,), (None,), (9,), (25,), (49,)]


def test_a_formula_that_two_sizes_suggest_is_checked_at_the_third() -> None:
    @irc.compile
    def f(x: Any) -> Any:
        n = x.shape[0]
        return torch.cat([x, torch.zeros({4: 4, 6: 6, 8: 2}[n])])

    with counted() as modules:
        for n in (4, 6, 8):
            assert f(torch.tensor(np.ones(n))).shape == (n + {4: 4, 6: 6, 8: 2}[n],)
    assert len(modules) == 3


@pytest.mark.parametrize(("channels", "programs"), [(32, 3), (24, 2)])
def test_bits_do_not_depend_on_the_sizes_met_before(channels: int, programs: int) -> None:
    """Winograd's form of a convolution is chosen by size."""
    model = nn.Conv2d(channels, channels, 3, padding=1)
    x = torch.tensor(np.random.default_rng(0).standard_normal((9, channels, 16, 16), np.float32))
    with backend.apart():
        alone = irc.compile(lambda v: model(v), dynamic=False)(x).detach().numpy()
    with backend.apart():
        compiled = irc.compile(lambda v: model(v))
        before = backend.counters.compiled
        for size in (2, 5, 9):
            made = compiled(x[:size].contiguous()).detach().numpy()
        assert backend.counters.compiled - before == programs
    assert made.tobytes() == alone.tobytes()


def test_what_has_no_code_for_unknown_extents_is_compiled_by_size() -> None:
    def refusing(module: Module, donate: Any) -> Any:
        if not all(a.type.is_static for a in module.symbols["main"].arguments):
            raise UnsupportedError("unknown extents are not supported")
        return lambda *arrays: interpret(module, *arrays)

    @irc.compile
    def f(x: Any) -> Any:
        return (x * 2.0).sum()

    told = io.StringIO()
    with backend.apart(), backend.using(refusing), pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRC_LOG", "compile")
        with redirect_stderr(told):
            for n in (4, 6, 8):
                assert f(torch.ones(n)).item() == 2 * n
    assert told.getvalue().count("each size is compiled by itself: unknown extents are not supported") == 1


def test_one_program_from_the_beginning() -> None:
    with counted() as apart:
        expected = losses(Mlp, BATCHES[:-1], dynamic=False)
    with counted() as modules:
        assert losses(Mlp, BATCHES[:-1], dynamic=True) == expected
    # Those that initialise, and one for all steps.
    assert len(modules) == len(apart) - len(set(BATCHES[:-1])) + 1


def test_a_function_that_takes_one_size_only_is_compiled_for_it() -> None:
    @irc.compile(dynamic=True)
    def f(x: Any) -> Any:
        if x.shape[0] != 4:
            raise ValueError("four, please")
        return x + 1.0

    with counted() as modules:
        assert f(torch.tensor(np.ones(4))).tolist() == [2.0] * 4
    assert [m.symbols["main"].arguments[0].type.shape for m in modules] == [(4,)]


class Embedding(nn.Module):
    sizes = (6,)

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(20, 8), nn.Linear(8, 10)

    def forward(self, x: Any) -> Any:
        return self.last(self.table((x * 5).abs().long()).mean(1))


@pytest.mark.parametrize("kind", [Mlp, Cnn, Lstm, Attention, Embedding, Dropout])
def test_native_code_for_all_sizes_has_the_bits_of_code_for_each(kind: Any) -> None:
    batches = (8, 5, 7, 40, 3)
    with backend.apart():
        expected = losses(kind, batches, dynamic=False)
    with backend.apart():
        before = backend.counters.compiled
        one = losses(kind, (8,), dynamic=None)
        alone = backend.counters.compiled - before
    with backend.apart():
        before = backend.counters.compiled
        assert losses(kind, batches, dynamic=None) == expected
        assert backend.counters.compiled - before == alone + 1
    assert one[0] == expected[0]
