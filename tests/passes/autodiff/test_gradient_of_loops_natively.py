"""Loops whose length is known only when they run, as compiled code: Newton's method, an ODE with steps of adapted size;
gradients against finite differences, forward over reverse, and what a known length preallocates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import irc
from irc.dialects import stablehlo as hlo
from irc.driver import compile_module
from irc.passes.autodiff import jvp, loops, value_and_grad, vjp

jax = pytest.importorskip("jax")
jnp = jax.numpy


def exported(f: Callable[..., Any], *arrays: np.ndarray) -> Any:
    with jax.enable_x64(True):
        return irc.parse(jax.jit(f, keep_unused=True).lower(*arrays).as_text())


def newton(a: Any, p: Any) -> Any:
    """The root of x^3 + p x = a for each a, to a tolerance: a number of turns that depends on the data."""

    def wrong(x: Any) -> Any:
        return x**3 + p * x - a

    def going(state: Any) -> Any:
        x, _ = state
        return jnp.abs(wrong(x)).max() > 1e-12

    def turn(state: Any) -> Any:
        x, n = state
        return x - wrong(x) / (3 * x**2 + p), n + 1

    x, _ = jax.lax.while_loop(going, turn, (jnp.ones_like(a), 0))
    return (x * jnp.arange(1.0, 4.0)).sum()


def adaptive(y: Any, k: Any) -> Any:
    """y' = -k sin(y) to time 1 by Heun's method, the step halved or grown by the error of Euler's."""

    def slope(y: Any) -> Any:
        return -k * jnp.sin(y)

    def going(state: Any) -> Any:
        return state[1] < 1.0

    def turn(state: Any) -> Any:
        y, t, h = state
        h = jnp.minimum(h, 1.0 - t)
        first = slope(y)
        second = slope(y + h * first)
        error = h * jnp.abs(second - first).max() / 2
        fits = error < 1e-3
        after = jnp.where(fits, y + h * (first + second) / 2, y)
        return after, jnp.where(fits, t + h, t), jnp.where(fits, h * 1.3, h / 2)

    y, _, _ = jax.lax.while_loop(going, turn, (y, jnp.zeros(()), jnp.full((), 0.3)))
    return (y**2).sum()


PROGRAMS = {
    newton: (np.array([0.5, 3.0, 20.0]), np.array(0.7)),
    adaptive: (np.array([0.4, 1.1]), np.array(2.3)),
}


def differences(run: Callable[..., Any], inputs: tuple[np.ndarray, ...], h: float = 1e-6) -> list[np.ndarray]:
    found = []
    for i, array in enumerate(inputs):
        slope = np.zeros(array.shape)
        for at in np.ndindex(array.shape):
            ends = []
            for sign in (1, -1):
                moved = [np.array(a) for a in inputs]
                moved[i][at] += sign * h
                ends.append(float(run(*moved)[0]))
            slope[at] = (ends[0] - ends[1]) / (2 * h)
        found.append(slope)
    return found


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("room", [2**26, 200], ids=["every state kept", "few states kept"])
def test_gradients_are_finite_differences(f: Any, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "CHECKPOINT_BYTES", room)
    inputs = PROGRAMS[f]
    module = exported(f, *inputs)
    _, *gradients = compile_module(value_and_grad(module))(*inputs)
    for got, want in zip(gradients, differences(compile_module(module), inputs), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_forward_over_reverse(f: Any) -> None:
    """The gradient of the gradient along a direction, both ways, against differences of the compiled gradient."""
    inputs = PROGRAMS[f]
    module = exported(f, *inputs)
    gradient = value_and_grad(module)
    compiled, direction = compile_module(gradient), [np.full(a.shape, 0.7) for a in inputs]
    h = 1e-6
    ends = [compiled(*(a + s * h * d for a, d in zip(inputs, direction, strict=True)))[1:] for s in (1, -1)]
    wanted = [(p - q) / (2 * h) for p, q in zip(*ends, strict=True)]
    along = compile_module(jvp(gradient))(*inputs, *direction)[-len(inputs) :]
    back = compile_module(vjp(gradient))(*inputs, np.zeros(()), *direction)[-len(inputs) :]
    for forward, reverse, want in zip(along, back, wanted, strict=True):
        np.testing.assert_allclose(forward, want, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(reverse, want, rtol=1e-5, atol=1e-6)


def third(x: Any) -> Any:
    return jax.lax.fori_loop(0, 4, lambda i, a: jnp.sin(a) * x, x).sum()


def test_gradients_of_any_order() -> None:
    """The third derivative of a loop, by three reverses, by JAX's."""
    x = np.array([0.3, 1.2])
    with jax.enable_x64(True):
        f = third
        for _ in range(2):
            f = lambda x, g=f: jax.grad(g)(x).sum()  # noqa: E731
        module = exported(f, x)
        wanted = jax.jit(jax.grad(f))(x)
    np.testing.assert_allclose(compile_module(value_and_grad(module))(x)[1], wanted, rtol=1e-9)
    module = exported(third, x)
    for _ in range(2):
        module = summed(value_and_grad(module, [0]))
    np.testing.assert_allclose(compile_module(value_and_grad(module, [0]))(x)[-1], wanted, rtol=1e-9)


def summed(module: Any) -> Any:
    """@main that gives the sum of its last result."""
    from irc.dialects import func
    from irc.ir.builder import Builder
    from irc.ir.operation import Block
    from irc.passes.expression import Scope, reduce_sum

    main = module.symbols["main"]
    builder = Builder()
    builder.operations += main.block.operations[:-1]
    total = reduce_sum(Scope(builder).of(main.returned[-1]), (0,))
    builder.emit(func.Return([total.value]))
    made = main.with_block(Block(main.block.arguments, builder.operations)).with_attributes(res_attrs=None)
    return module.with_operations(made if op is main else op for op in module.operations)


def test_a_known_length_is_preallocated() -> None:
    """Stacks of as many entries as there are turns, and nothing computed twice: one loop forward, one back."""
    x = np.array([0.3, 1.2])
    module = value_and_grad(exported(third, x))
    forward, reverse = (op for op in module.walk() if isinstance(op, hlo.While))
    assert any(t.shape == (4, 2) for t in forward.result_types)
    assert not any(isinstance(op, hlo.While) for op in reverse.body.operations)
