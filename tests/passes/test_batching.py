"""vmap, as a pass: a batch at once is what its examples are one by one, for functions of JAX, their gradients, and what
has no rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")

import jax
from gradients_against_jax import exported, inputs_of
from jax_functions import FUNCTIONS

import irc
from irc.errors import IrcError, UnsupportedError
from irc.interpreter import interpret
from irc.passes.autodiff import vjp
from irc.passes.batching import vmap

QUICK = [n for n in FUNCTIONS if n.startswith(("jax.numpy", "jax.nn", "jax.lax"))]
SHARE = [
    *QUICK[5::19],
    *("jax.lax.dynamic_slice", "jax.lax.dynamic_update_slice", "jax.lax.conv__grouped", "jax.lax.switch"),
    *(
        "jax.numpy.at_add",
        "jax.numpy.take_along_axis",
        "jax.lax.scan",
        "jax.numpy.linalg.solve",
        "jax.lax.igamma__x",
    ),
]


def assert_batched(
    module: Any, inputs: Sequence[np.ndarray], over: Sequence[int], run: Any = interpret
) -> Any:
    """`vmap` of a module over three examples, which are the inputs times a little less than 1."""
    many = [np.stack([a * np.asarray(f, a.dtype) for f in (1, 0.9, 0.95)]) for a in inputs]
    batched = vmap(module, 3, over)
    batched.verify()
    found = run(batched, *[many[i] if i in over else a for i, a in enumerate(inputs)])
    each = [
        interpret(module, *[many[i][k] if i in over else a for i, a in enumerate(inputs)]) for k in range(3)
    ]
    for j, result in enumerate(found):
        np.testing.assert_allclose(result, np.stack([e[j] for e in each]), rtol=1e-9, atol=1e-11)
    return batched


def module_of(name: str) -> tuple[Any, list[np.ndarray]]:
    with jax.enable_x64(True):
        inputs = inputs_of(FUNCTIONS[name], "f64")
        return exported(FUNCTIONS[name], inputs), inputs


@pytest.mark.parametrize("name", SHARE)
def test_functions_of_jax(name: str) -> None:
    module, inputs = module_of(name)
    assert_batched(module, inputs, range(len(inputs)))
    if len(inputs) > 1:
        assert_batched(module, inputs, [1])


@pytest.mark.parametrize(
    "name", ("jax.nn.softmax", "jax.lax.conv__same", "jax.lax.scan", "jax.numpy.sort", "jax.lax.cond")
)
def test_gradients(name: str) -> None:
    module, inputs = module_of(name)
    backward = vjp(module)
    results = interpret(module, *inputs)
    assert_batched(backward, [*inputs, *(np.ones_like(r) for r in results)], range(len(inputs)))


STARTS = """func.func @main(%x: tensor<4x5xf64>, %u: tensor<2x2xf64>, %i: tensor<i32>) -> (tensor<2x3xf64>, tensor<4x5xf64>, tensor<9x5xf64>, tensor<f64>) {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %zero = stablehlo.constant dense<0.0> : tensor<f64>
  %0 = stablehlo.dynamic_slice %x, %i, %one, sizes = [2, 3] : (tensor<4x5xf64>, tensor<i32>, tensor<i32>) -> tensor<2x3xf64>
  %1 = stablehlo.dynamic_update_slice %x, %u, %i, %i : (tensor<4x5xf64>, tensor<2x2xf64>, tensor<i32>, tensor<i32>) -> tensor<4x5xf64>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0, 1] : (tensor<4x5xf64>, tensor<f64>) -> tensor<f64>
  %2 = stablehlo.pad %x, %s, low = [3, 0], high = [2, 0], interior = [0, 0] : (tensor<4x5xf64>, tensor<f64>) -> tensor<9x5xf64>
  %3 = stablehlo.reduce(%x init: %s) applies stablehlo.maximum across dimensions = [0, 1] : (tensor<4x5xf64>, tensor<f64>) -> tensor<f64>
  return %0, %1, %2, %3 : tensor<2x3xf64>, tensor<4x5xf64>, tensor<9x5xf64>, tensor<f64>
}"""


def test_starts_that_differ_and_what_runs_in_a_loop() -> None:
    """Starts past the end are moved inside; a padding of its own for each example has no rule."""
    module, rng = irc.parse(STARTS), np.random.default_rng(0)
    x, u = rng.standard_normal((3, 4, 5)), rng.standard_normal((3, 2, 2))
    at = np.array([-1, 1, 9], np.int32)
    batched = vmap(module, 3)
    found = interpret(batched, x, u, at)
    for j in range(4):
        for k in range(3):
            np.testing.assert_array_equal(found[j][k], interpret(module, x[k], u[k], at[k])[j])
    names = [op.name for op in batched.walk()]
    assert (
        names.count("stablehlo.while") == 2 and "stablehlo.gather" in names and "stablehlo.scatter" in names
    )
    for a, b in zip(irc.compile_module(batched)(x, u, at), found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_what_is_the_same_for_all_is_computed_once() -> None:
    module = irc.parse("""func.func @main(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %0 = stablehlo.sine %y : tensor<3xf32>
  %1 = stablehlo.add %x, %0 : tensor<3xf32>
  return %1 : tensor<3xf32>
}""")
    text = str(irc.opt(module, "vmap{size=4 over=0}"))
    assert "sine %y : tensor<3xf32>" in text and "-> tensor<4x3xf32>" in text


def test_what_cannot_be_batched_is_said() -> None:
    call = irc.parse("""func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = stablehlo.custom_call @somewhere(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}""")
    with pytest.raises(UnsupportedError, match="@somewhere' cannot run for many examples at once"):
        vmap(call, 2)
    with pytest.raises(IrcError, match="argument 4 is asked for; @main has 1"):
        vmap(call, 2, [4])
