"""Views and writes: every handle on a storage sees each write, as in PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import irc.torch
from irc.frontends.recorder.backend import counters

torch = pytest.importorskip("torch")


def base(t: Any) -> Any:
    return t.arange(24.0).reshape(2, 3, 4) * 1


def write_through_view(t: Any) -> list[Any]:
    x = base(t)
    v = x[1, :, 1:3]
    v += 100
    return [x, v]


def view_sees_base(t: Any) -> list[Any]:
    x = base(t)
    v, w = x.view(6, 4), x.permute(2, 0, 1)
    x[0, 0] = -1
    return [v, w]


def view_of_view(t: Any) -> list[Any]:
    x = base(t)
    v = x.transpose(0, 1)[2].reshape(-1)
    x.mul_(2)
    w = x.transpose(0, 1)[1]
    w[0] = 5
    return [x, v, w]


def strided(t: Any) -> list[Any]:
    x = base(t)
    x[:, ::2, 1::2] = t.tensor([7.0, 8.0])
    x[..., 0].zero_()
    return [x]


def chunks(t: Any) -> list[Any]:
    x = base(t)
    for i, part in enumerate(x.chunk(2, 2)):
        part.fill_(i)
    a, b, c = x.unbind(1)
    b.copy_(t.ones(2, 4, dtype=t.int64))
    return [x, a, c]


def detached(t: Any) -> list[Any]:
    x = base(t)
    x.detach()[0] = 3
    x.data.add_(1)
    return [x]


def expanded(t: Any) -> list[Any]:
    x = t.ones(3, 1)
    e = x.expand(3, 4)
    x[1] = 5
    return [e, e.sum()]


def clones_are_apart(t: Any) -> list[Any]:
    x = base(t)
    c, f = x.clone(), x.flatten()
    x.zero_()
    return [c, f]


def squeezed(t: Any) -> list[Any]:
    x = base(t)
    y = x.unsqueeze(0).squeeze()
    y[1] = 0
    x.unsqueeze_(0)
    return [x, y]


def swapped(t: Any) -> list[Any]:
    x = base(t)
    first = x[0].clone()
    x[0] = x[1]
    x[1] = first
    return [x]


def into_row_of_itself(t: Any) -> list[Any]:
    x = base(t)
    x[0] = x[0] + x[1]
    x[:, 1] = x[:, 0]
    return [x]


def in_place_chain(t: Any) -> list[Any]:
    x = base(t)
    x.add_(1).mul_(2).sub_(3).div_(4).clamp_(0, 8).sqrt_()
    x **= 2
    return [x]


PROGRAMS = [
    write_through_view, view_sees_base, view_of_view, strided, chunks, detached, expanded, clones_are_apart, squeezed,
    swapped, into_row_of_itself, in_place_chain,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("look", [False, True], ids=["at the end", "on the way"])
def test_matches_pytorch(program: Callable[[Any], list[Any]], look: bool) -> None:
    """The same whether values are computed between the writes or all at the end."""
    expected = program(torch)
    found = program(_Looking() if look else irc.torch)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


class _Looking:
    """irc.torch, with `arange` and `ones` computed before they are given out."""

    def __getattr__(self, name: str) -> Any:
        return getattr(irc.torch, name)

    def arange(self, *args: Any) -> Any:
        x = irc.torch.arange(*args)
        x.tolist()
        return x

    def ones(self, *args: Any, **options: Any) -> Any:
        x = irc.torch.ones(*args, **options)
        x.tolist()
        return x


def test_a_row_of_a_computed_tensor_needs_no_program() -> None:
    t = irc.torch
    x = t.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4))
    x.tolist()
    before = counters.runs
    assert x[1].tolist() == [4, 5, 6, 7]
    assert x[:, 2].tolist() == [2, 6, 10]
    assert counters.runs == before


def test_numpy_is_a_copy_both_ways() -> None:
    t = irc.torch
    source = np.ones(3, np.float32)
    x = t.from_numpy(source)
    source[:] = 5
    out = x.numpy()
    out[:] = 7
    assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize("how", ["recorded", "compiled"])
def test_state_of_a_copy_is_its_own(how: str) -> None:
    """deepcopy and clones of a state_dict are not written when the original trains and gives its buffers away."""
    t = irc.torch
    net = t.nn.Linear(3, 2)
    twin = copy.deepcopy(net)
    kept = {k: v.clone() for k, v in net.state_dict().items()}
    optimizer = t.optim.SGD(net.parameters(), lr=1.0)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = net(x).sum()
        loss.backward()
        optimizer.step()
        return loss

    compiled = irc.compile(step) if how == "compiled" else step
    before = twin.weight.detach().numpy()
    for _ in range(3):
        compiled(t.ones(4, 3))
    np.testing.assert_array_equal(twin.weight.detach().numpy(), before)
    np.testing.assert_array_equal(kept["weight"].numpy(), before)
    assert not np.array_equal(net.weight.detach().numpy(), before)


def test_broadcast_view_refuses_writes() -> None:
    t = irc.torch
    with pytest.raises(RuntimeError, match="more than one element"):
        t.ones(3, 1).expand(3, 4).add_(1)


def test_leaf_refuses_writes() -> None:
    t = irc.torch
    w = t.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        w.add_(1)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        w[0] = 1
    with t.no_grad():
        w.add_(1)
    assert w.requires_grad and w.is_leaf and w.tolist() == [2, 2, 2]


def test_result_must_fit_the_dtype() -> None:
    t = irc.torch
    with pytest.raises(RuntimeError, match="can't be cast"):
        t.ones(3, dtype=t.int64).add_(1.5)
