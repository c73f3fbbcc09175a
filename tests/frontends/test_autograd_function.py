"""torch.autograd.Function: backward is the gradient; what it says is refused is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as torch
from irc.torch.autograd.function import once_differentiable

VALUES = [1.0, -2.0, 3.0]


class Exp(torch.autograd.Function):  # type: ignore[misc]
    """PyTorch's documented example, and a number beside the tensor."""

    @staticmethod
    def forward(ctx: Any, i: Any, k: float) -> Any:
        ctx.k = k
        result = i.exp()
        ctx.save_for_backward(result)
        return result * k

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (result,) = ctx.saved_tensors
        return g * result * ctx.k, None


class ReLU(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        g = g.clone()
        g[x < 0] = 0
        return g


class Larger(torch.autograd.Function):  # type: ignore[misc]
    """Two results, one without a gradient; setup_context."""

    @staticmethod
    def forward(a: Any, b: Any) -> Any:
        where = a > b
        return torch.where(where, a, b), where

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.where = output[1]

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, g: Any, _: Any) -> Any:
        nothing = torch.zeros_like(g)
        second = torch.where(ctx.where, nothing, g) if ctx.needs_input_grad[1] else None
        return torch.where(ctx.where, g, nothing), second


def leaf() -> Any:
    return torch.tensor(VALUES, requires_grad=True)


def test_backward_is_the_gradient() -> None:
    x = leaf()
    Exp.apply(x, 2.0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(VALUES), rtol=1e-6)
    x = leaf()
    y = ReLU.apply(x)
    assert y.requires_grad
    (y * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 2.0]
    with torch.no_grad():
        assert not ReLU.apply(x).requires_grad


def test_results_without_a_gradient_and_needs_input_grad() -> None:
    a, b = leaf(), torch.tensor([0.0, 1.0, 5.0])
    found, where = Larger.apply(a, b)
    assert (found.requires_grad, where.requires_grad) == (True, False)
    (g,) = torch.autograd.grad((found * found).sum(), a)
    assert g.tolist() == [2.0, 0.0, 0.0]


def test_gradients_of_gradients() -> None:
    x = leaf()
    (g,) = torch.autograd.grad(Exp.apply(x, 2.0).sum(), x, create_graph=True)
    g.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(VALUES), rtol=1e-6)
    (g,) = torch.autograd.grad(Larger.apply(x, x * 0)[0].pow(2).sum(), x, create_graph=True)
    assert g.tolist() == [2.0, 0.0, 6.0]  # looking does not ask for the second
    with pytest.raises(
        irc.UnsupportedError, match="twice a function that was marked with @once_differentiable"
    ):
        g.sum().backward()


def test_a_compiled_step_and_batches() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 4)
    steps = {}
    for name, relu in {"own": ReLU.apply, "builtin": torch.relu}.items():
        model = torch.nn.Linear(3, 4)
        model.load_state_dict(layer.state_dict())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        @irc.compile
        def step(x: Any, relu: Any = relu, model: Any = model, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = relu(model(x)).sum()
            loss.backward()
            optimizer.step()
            return loss

        rows = [torch.arange(3.0 * n).reshape(n, 3) / 9 for n in (2, 2, 4, 5)]
        steps[name] = [step(r).item() for r in rows] + model.weight.tolist()
    assert steps["own"] == steps["builtin"]
    x = torch.tensor(VALUES)
    assert irc.vmap(irc.grad(ReLU.apply))(x).tolist() == [1.0, 0.0, 1.0]
    assert irc.grad(lambda x: irc.vmap(ReLU.apply)(x).sum())(x).tolist() == [1.0, 0.0, 1.0]


def test_what_is_wrong_with_one_is_said_at_its_line() -> None:
    class Bad(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, g

    class InPlace(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.add_(1)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    class Nothing(torch.autograd.Function):  # type: ignore[misc]
        pass

    x = leaf()
    with pytest.raises(
        RuntimeError, match=r"BadBackward returned an incorrect number .*\(expected 1, got 2\)"
    ):
        Bad.apply(x)
    with pytest.raises(RuntimeError, match=r"InPlace\.forward writes to its argument"):
        InPlace.apply(x * 1)
    with pytest.raises(RuntimeError, match="You must implement the forward function"):
        Nothing.apply(x)
