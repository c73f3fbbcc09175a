"""backward, grad, no_grad: what PyTorch promises about gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as t
from irc.frontends.recorder.backend import counters

torch = pytest.importorskip("torch")


def both(program: Any) -> tuple[Any, Any]:
    return program(t), program(torch)


def assert_same(program: Any, tolerance: float = 1e-5) -> None:
    own, theirs = both(program)
    for a, b in zip(own, theirs, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


def test_another_result_of_a_used_up_history_can_still_be_looked_at() -> None:
    leaf = t.ones(3, requires_grad=True)
    shared = leaf * 2
    shared.tolist()
    first, second = shared * 2, shared + 1
    first.sum().backward()
    assert leaf.grad.tolist() == [4.0, 4.0, 4.0]
    assert second.tolist() == [3.0, 3.0, 3.0]
    with pytest.raises(RuntimeError, match="second time"):
        second.sum().backward()


def test_gradients_accumulate() -> None:
    def program(t: Any) -> list[Any]:
        x = t.tensor([1.0, 2.0], requires_grad=True)
        (x * x).sum().backward()
        x.sin().sum().backward()
        return [x.grad]

    assert_same(program)


def test_second_backward_is_an_error() -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()
    z = (x * x).sum()
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.tolist() == [6, 12]


def test_second_backward_is_an_error_after_a_look() -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x.exp()).sum()
    y.item()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_heads_with_a_shared_trunk() -> None:
    """Two losses at once, one after the other with retain_graph, and weighted."""

    def program(t: Any) -> list[Any]:
        w = t.tensor([[1.0, 2.0], [3.0, -1.0]], requires_grad=True)
        trunk = (t.tensor([[1.0, 1.0]]) @ w).tanh()
        first, second = trunk.pow(2).sum(), trunk.exp().mean()
        (first + 0.5 * second).backward(retain_graph=True)
        first.backward(retain_graph=True)
        second.backward()
        return [w.grad]

    assert_same(program)


def test_gradient_of_a_gradient() -> None:
    def program(t: Any) -> list[Any]:
        x = t.tensor([0.5, 2.0], requires_grad=True)
        (g,) = t.autograd.grad((x**3 * x.sin()).sum(), x, create_graph=True)
        (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
        h.pow(2).sum().backward()
        return [g, h, x.grad]

    assert_same(program, 1e-4)


def test_gradient_of_a_gradient_of_a_looked_at_value() -> None:
    def program(t: Any) -> list[Any]:
        x = t.tensor([0.5, 2.0], requires_grad=True)
        y = (x.exp() * x.sin()).sum()
        y.item()
        (g,) = t.autograd.grad(y, x, create_graph=True)
        g.tolist()
        (g * g).sum().backward()
        return [x.grad]

    assert_same(program, 1e-4)


def test_cuts() -> None:
    def program(t: Any) -> list[Any]:
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = x * x.detach() + (x * 3).data * x
        with t.no_grad():
            z = x * 10
            assert not z.requires_grad
            with t.enable_grad():
                assert (x * 2).requires_grad
        (y * z).sum().backward()
        return [x.grad]

    assert_same(program)


def test_no_grad_as_decorator() -> None:
    x = t.ones(2, requires_grad=True)

    @t.no_grad()
    def doubled() -> Any:
        return x * 2

    assert not doubled().requires_grad
    assert t.is_grad_enabled()


def test_gradient_of_more_than_a_scalar() -> None:
    def program(t: Any) -> list[Any]:
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = x * x
        y.backward(t.tensor([1.0, 10.0]))
        return [x.grad]

    assert_same(program)
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        (t.ones(2, requires_grad=True) * 2).backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        t.ones(1).sum().backward()


def test_inputs_retain_and_unused() -> None:
    x, w = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
    h = x * 2
    h.retain_grad()
    (h * w).sum().backward(inputs=[x])
    assert w.grad is None and x.grad.tolist() == [2, 2]
    h2 = x * 3
    h2.retain_grad()
    (h2 * h2).sum().backward()
    assert h2.grad.tolist() == [6, 6]
    with pytest.raises(RuntimeError, match="not have been used"):
        t.autograd.grad(x.sum(), w)
    assert t.autograd.grad(x.sum(), w, allow_unused=True) == (None,)


def test_frozen_parameters_have_no_gradient() -> None:
    net = t.nn.Sequential(t.nn.Linear(3, 3), t.nn.Linear(3, 1))
    net[0].requires_grad_(False)
    net(t.ones(2, 3)).sum().backward()
    assert net[0].weight.grad is None and net[1].weight.grad is not None


def test_loop_runs_forward_once() -> None:
    """Looking at an RNN's loss before backward computes the loop once, with what its gradient reads."""
    t.manual_seed(0)
    net = t.nn.RNN(3, 4)
    x = t.randn(5, 2, 3)

    def gradients(look: bool) -> list[np.ndarray]:
        net.zero_grad()
        loss = net(x)[0].pow(2).sum()
        if look:
            loss.item()
        runs = counters.runs
        loss.backward()
        found = [p.grad.numpy() for p in net.parameters()]
        assert counters.runs == runs + 1
        return found

    for a, b in zip(gradients(False), gradients(True), strict=True):
        np.testing.assert_array_equal(a, b)


def test_functional_gradients() -> None:
    f = lambda x, w: ((x * w["a"]).sin() + w["b"]).sum()  # noqa: E731
    x, w = t.tensor([1.0, 2.0]), {"a": t.tensor([3.0, 4.0]), "b": t.tensor(1.0)}
    value, grads = irc.value_and_grad(f, argnums=1)(x, w)
    np.testing.assert_allclose(grads["a"].numpy(), x.numpy() * np.cos(x.numpy() * w["a"].numpy()), rtol=1e-5)
    assert grads["b"].item() == 2
    assert value.item() == pytest.approx(np.sin([3.0, 8.0]).sum() + 2, rel=1e-5)
    second = irc.grad(lambda x: irc.grad(lambda y: (x * y * y).sum())(x).sum())(x)
    np.testing.assert_allclose(second.numpy(), 4 * x.numpy())
