"""Each elementwise rule against finite differences, twice differentiated; kinks against JAX."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_harness import check, program_for

from irc.dialects import stablehlo as hlo
from irc.interpreter import interpret
from irc.passes.autodiff import vjp
from irc.passes.expression import Expr

X = np.array([0.4, -1.3, 2.2, 0.9])
Y = np.array([1.7, 0.6, -0.8, 2.5])
POSITIVE = np.array([0.4, 1.3, 2.2, 0.9])

UNARY = {
    hlo.Abs: X,
    hlo.Negate: X,
    hlo.Cbrt: POSITIVE,
    hlo.Cosine: X,
    hlo.Exponential: X,
    hlo.ExponentialMinusOne: X,
    hlo.Log: POSITIVE,
    hlo.LogPlusOne: POSITIVE,
    hlo.Logistic: X,
    hlo.Rsqrt: POSITIVE,
    hlo.Sine: X,
    hlo.Sqrt: POSITIVE,
    hlo.Tan: X,
    hlo.Tanh: X,
    hlo.Sign: X,
    hlo.Floor: X,
    hlo.Ceil: X,
    hlo.RoundNearestAfz: X,
    hlo.RoundNearestEven: X,
}
BINARY = {
    hlo.Add: (X, Y),
    hlo.Subtract: (X, Y),
    hlo.Multiply: (X, Y),
    hlo.Divide: (X, Y),
    hlo.Maximum: (X, Y),
    hlo.Minimum: (X, Y),
    hlo.Power: (POSITIVE, Y),
    hlo.Atan2: (X, Y),
    hlo.Remainder: (np.array([3.5, -1.3, 2.2, 7.9]), np.array([1.7, 0.6, -0.8, 2.5])),
}


def apply(cls, *operands: Expr, **attributes) -> Expr:
    return operands[0].scope.emit(cls(*(o.value for o in operands), **attributes))


@pytest.mark.parametrize("cls", UNARY, ids=lambda c: c.name.partition(".")[2])
def test_unary(cls) -> None:
    check(lambda x: apply(cls, x), UNARY[cls], tolerance=1e-5)


@pytest.mark.parametrize("cls", BINARY, ids=lambda c: c.name.partition(".")[2])
def test_binary(cls) -> None:
    check(lambda x, y: apply(cls, x, y), *BINARY[cls], tolerance=1e-5)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 4.0])
def test_power_of_a_constant(exponent: float) -> None:
    check(lambda x: apply(hlo.Power, x, x.lift(exponent)), POSITIVE, tolerance=1e-5)


def test_power_at_zero_is_finite() -> None:
    module = vjp(program_for(lambda x, y: apply(hlo.Power, x, y), [np.zeros(2), np.array([0.0, 2.0])]))
    _, gx, gy = interpret(module, np.zeros(2), np.array([0.0, 2.0]), np.ones(2))
    np.testing.assert_array_equal(gx, [0, 0])
    np.testing.assert_array_equal(gy, [0, 0])


def test_select_and_clamp() -> None:
    p = np.array([True, False, True, True])
    check(lambda x, y, p: apply(hlo.Select, p, x, y), X, Y, p)
    check(lambda p, x, y: apply(hlo.Select, p, x, y), np.array(True), X, Y)
    low, high = np.full(4, -1.0), np.full(4, 1.0)
    check(lambda low, x, high: apply(hlo.Clamp, low, x, high), low, X, high)
    check(lambda low, x, high: apply(hlo.Clamp, low, x, high), np.array(-1.0), X, np.array(1.0))


def test_complex_parts() -> None:
    check(lambda x, y: apply(hlo.Real, apply(hlo.Complex, x, y) * apply(hlo.Complex, y, x)), X, Y)
    check(lambda x, y: apply(hlo.Imag, apply(hlo.Exponential, apply(hlo.Complex, x, y))), X, Y)
    check(lambda x, y: apply(hlo.Abs, apply(hlo.Complex, x, y)), X, Y)


def ties(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    module = vjp(program_for(lambda x, y: apply(cls, x, y), [x, y]))
    return interpret(module, x, y, np.ones_like(x))[1:]


@pytest.mark.parametrize("cls, name", [(hlo.Maximum, "maximum"), (hlo.Minimum, "minimum")])
def test_a_tie_is_shared_as_in_jax(cls, name: str) -> None:
    jax = pytest.importorskip("jax")
    x, y = np.array([1.0, 2.0, 3.0], np.float32), np.array([1.0, 5.0, 0.0], np.float32)
    wanted = jax.grad(lambda x, y: getattr(jax.numpy, name)(x, y).sum(), (0, 1))(x, y)
    for got, want in zip(ties(cls, x, y), wanted, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("constant_first", [False, True])
def test_relu_has_slope_zero_at_zero(constant_first: bool) -> None:
    def relu(x: Expr) -> Expr:
        return apply(hlo.Maximum, *((x.lift(0), x) if constant_first else (x, x.lift(0))))

    x = np.array([-1.0, 0.0, 2.0])
    _, g = interpret(vjp(program_for(relu, [x])), x, np.full(3, 7.0))
    np.testing.assert_array_equal(g, [0, 0, 7])


def test_clamp_at_its_bounds_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    x = np.array([-1.0, -0.5, 0.0, 0.5, 1.0], np.float32)
    low, high = np.float32(-0.5), np.float32(0.5)
    wanted = jax.grad(lambda x: jax.lax.clamp(low, x, high).sum())(x)
    module = vjp(program_for(lambda x: apply(hlo.Clamp, x.lift(-0.5), x, x.lift(0.5)), [x]))
    np.testing.assert_array_equal(interpret(module, x, np.ones_like(x))[1], wanted)
