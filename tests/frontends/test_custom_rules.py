"""irc.custom_vjp and irc.custom_jvp: what the function says is its gradient everywhere, and stands in the program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc
import irc.tensorflow as tf
import irc.torch as torch
from irc.driver import Observer, observing


@irc.custom_vjp
def log1pexp(x: Any) -> Any:
    return torch.log(1 + torch.exp(x))


def forward(x: Any) -> tuple[Any, Any]:
    e = torch.exp(x)
    return torch.log(1 + e), e


log1pexp.defvjp(forward, lambda e, g: (g * (1 - 1 / (1 + e)),))
X = torch.tensor([100.0, 1.0, -2.0])
SIGMOID = 1 / (1 + np.exp(-np.array([100.0, 1.0, -2.0])))


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_gradients_are_what_the_function_says() -> None:
    """The program's own would be nan at 100."""
    close(irc.grad(lambda x: log1pexp(x).sum())(X), SIGMOID)
    leaf = torch.tensor([100.0, 1.0, -2.0], requires_grad=True)
    log1pexp(leaf).sum().backward()
    close(leaf.grad, SIGMOID)
    compiled = irc.compile(lambda x: irc.grad(lambda x: log1pexp(x).sum())(x))
    close(compiled(X), SIGMOID)
    for n in (5, 7, 9):
        close(compiled(torch.full((n,), 100.0)), np.ones(n))
    close(irc.grad(irc.checkpoint(lambda x: log1pexp(x).sum()))(X), SIGMOID)


def test_batches_of_it() -> None:
    close(irc.vmap(irc.grad(log1pexp))(X), SIGMOID)
    close(irc.grad(lambda x: irc.vmap(log1pexp)(x).sum())(X), SIGMOID)
    close(irc.grad(lambda x: irc.vmap(irc.vmap(log1pexp))(x.reshape(3, 1)).sum())(X), SIGMOID)


def test_in_a_loop_and_a_branch() -> None:
    def looped(x: Any) -> Any:
        return irc.scan(lambda c, row: (c + log1pexp(row), None), torch.zeros(()), x)[0]

    close(irc.grad(looped)(X), SIGMOID)
    chosen = lambda x: irc.cond(x.sum() > 0, lambda x: log1pexp(x).sum(), lambda x: x.sum(), x)  # noqa: E731
    close(irc.grad(chosen)(X), SIGMOID)


def test_gradients_of_gradients_go_through_what_forward_computes() -> None:
    at = torch.tensor([1.0, 3.0])
    s = 1 / (1 + np.exp(-np.array([1.0, 3.0])))
    close(irc.hessian(lambda x: log1pexp(x).sum())(at), np.diag(s * (1 - s)))
    close(irc.grad(lambda x: irc.grad(lambda x: log1pexp(x).sum())(x).sum())(at), s * (1 - s))


def test_structures_fixed_arguments_and_none() -> None:
    def scaled(k: float, parts: dict[str, Any], n: Any) -> Any:
        return {"out": parts["a"] * parts["b"] * k + n}

    rule = irc.custom_vjp(scaled, nondiff_argnums=(0,))
    rule.defvjp(
        lambda k, parts, n: (scaled(k, parts, n), parts),
        lambda k, parts, g: ({"a": g["out"] * 10, "b": g["out"] * k}, None),
    )
    a, b, n = torch.ones(2), torch.ones(2), torch.ones(2)
    parts, other = irc.grad(lambda p, n: rule(3.0, p, n)["out"].sum(), (0, 1))({"a": a, "b": b}, n)
    close(parts["a"], [10, 10])
    close(parts["b"], [3, 3])
    assert other is None
    rule.defvjp(lambda k, parts, n: (scaled(k, parts, n), None), lambda k, res, g: (g["out"], None))
    with pytest.raises(TypeError, match="another structure than its argument"):
        irc.grad(lambda p: rule(3.0, p, n)["out"].sum())({"a": a, "b": b})
    with pytest.raises(RuntimeError, match=r"has no rule yet: call scaled\.defvjp"):
        irc.custom_vjp(scaled)(1.0, {}, n)


def test_a_gradient_of_another_type_is_refused_at_its_line() -> None:
    wrong = irc.custom_vjp(lambda x: x * 2)
    wrong.defvjp(lambda x: (x * 2, None), lambda res, g: (g.sum(),))
    with pytest.raises(
        TypeError,
        match=r"for argument 0, a tensor<3xf32>, is a tensor<f32>.*test_custom_rules|has the same type",
    ):
        irc.grad(lambda x: wrong(x).sum())(X)


@irc.custom_jvp
def square(x: Any, y: Any) -> Any:
    return x * x * y


@square.defjvp
def moved(primals: Any, tangents: Any) -> Any:
    (x, y), (dx, dy) = primals, tangents
    return square(x, y), 10 * x * y * dx + x * x * dy


def test_how_a_function_moves_is_transposed_for_its_gradient() -> None:
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    value, tangent = irc.jvp(lambda x: square(x, y).sum(), (x,), (torch.ones(2),))
    assert (float(value), float(tangent)) == (19.0, 110.0)
    close(irc.grad(lambda x: square(x, y).sum())(x), [30, 80])
    close(irc.grad(lambda y: square(x, y).sum())(y), [1, 4])
    close(irc.grad(lambda x: irc.vmap(square)(x, y).sum())(x), [30, 80])
    close(irc.compile(irc.grad(lambda x: square(x, y).sum()))(x), [30, 80])


def test_the_result_in_its_own_rule_is_the_one_that_is_differentiated() -> None:
    exp = irc.custom_jvp(lambda x: torch.exp(x))
    exp.defjvp(lambda p, t: (exp(*p), exp(*p) * t[0] * 2))
    close(irc.grad(lambda x: irc.grad(exp)(x))(torch.tensor(0.5)), 4 * np.exp(0.5))
    product = irc.custom_jvp(lambda x, y: x * y)
    product.defjvps(lambda t, ans, x, y: t * y * 3, None)
    close(irc.grad(product)(torch.tensor(2.0), torch.tensor(5.0)), 15.0)


def test_on_keras_tensors() -> None:
    root = irc.custom_vjp(lambda x: tf.sqrt(x))
    root.defvjp(lambda x: (tf.sqrt(x), None), lambda res, g: (g * 7.0,))
    assert float(irc.grad(root)(tf.constant(4.0))) == 7.0


class Stages(Observer):
    texts: list[str]

    def __init__(self) -> None:
        self.texts = []

    def compiled(self, executable: Any, hooks: Any) -> None:
        self.texts.append(executable.stages["tensor"])


def test_it_stands_in_the_program_which_differentiates_as_text() -> None:
    """The text of the forward, read again, has the gradient; natively nothing of it is left but fused ops."""
    odd = irc.custom_vjp(lambda x: torch.sin(x))
    odd.defvjp(lambda x: (torch.sin(x), x), lambda x, g: (g * torch.tanh(x) * 7,))
    odd.name = "odd"
    seen = Stages()
    with observing(seen):
        irc.compile(lambda x: odd(x) * 2)(torch.tensor([1.0, 2.0, 3.0], requires_grad=True)).tolist()
    (text,) = [t for t in seen.texts if "composite" in t]
    assert 'stablehlo.composite "irc.odd"' in text
    assert "irc.vjp = @odd_vjp" in text
    module = irc.parse(text)
    assert str(module) == text
    made = irc.opt(module, "vjp")
    made.verify()
    executable = irc.compile_module(made)
    x = np.array([1.0, 2.0, 3.0], np.float32)
    # The second result is what a backward would read: the text of the forward keeps it.
    *_, g = executable(x, np.ones_like(x), np.zeros_like(x))
    np.testing.assert_allclose(g, 14 * np.tanh(x), rtol=1e-6)
    fused = executable.stages["fused"]
    assert "composite" not in fused
    assert fused.count("call @") == 2  # one loop for the result, one for the gradient
