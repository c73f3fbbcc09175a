"""Programs with unknown extents: as text, and as JAX exports them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Shape = tuple[int | None, ...]

ELEMENTWISE = """
func.func @main(%x: tensor<?x5xf32>, %b: tensor<?x3xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<5x?xf32>, tensor<?x5xi32>,
                                                              tensor<?x9xf32>) {
  %both = stablehlo.concatenate %x, %b, dim = 1 : (tensor<?x5xf32>, tensor<?x3xf32>) -> tensor<?x8xf32>
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x5xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %two = stablehlo.constant dense<2> : tensor<1xi32>
  %five = stablehlo.constant dense<5> : tensor<1xi32>
  %to = stablehlo.concatenate %n1, %two, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %shape = stablehlo.concatenate %n1, %five, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %zeros = stablehlo.constant dense<0> : tensor<2xi32>
  %ones = stablehlo.constant dense<1> : tensor<2xi32>
  %cut = stablehlo.real_dynamic_slice %x, %zeros, %to, %ones
    : (tensor<?x5xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<?x2xf32>
  %turned = stablehlo.transpose %x, dims = [1, 0] : (tensor<?x5xf32>) -> tensor<5x?xf32>
  %square = stablehlo.multiply %turned, %turned : tensor<5x?xf32>
  %rows = stablehlo.dynamic_iota %shape, dim = 0 : (tensor<2xi32>) -> tensor<?x5xi32>
  %spread = stablehlo.dynamic_broadcast_in_dim %n, %shape, dims = [] : (tensor<i32>, tensor<2xi32>) -> tensor<?x5xi32>
  %left = stablehlo.subtract %spread, %rows : tensor<?x5xi32>
  %zero = stablehlo.constant dense<-1.0> : tensor<f32>
  %padded = stablehlo.pad %x, %zero, low = [0, 1], high = [0, 3], interior = [0, 0] : (tensor<?x5xf32>, tensor<f32>) -> tensor<?x9xf32>
  return %both, %cut, %square, %left, %padded
    : tensor<?x8xf32>, tensor<?x2xf32>, tensor<5x?xf32>, tensor<?x5xi32>, tensor<?x9xf32>
}"""

SUMS = """
func.func @main(%x: tensor<?x7xf32>, %v: tensor<3x?xf32>) -> (tensor<7xf32>, tensor<f32>, tensor<?xf32>, tensor<3xf32>, tensor<3xf32>) {
  %c = stablehlo.constant dense<1.5> : tensor<f32>
  %columns = stablehlo.reduce(%x init: %c) applies stablehlo.add across dimensions = [0] : (tensor<?x7xf32>, tensor<f32>) -> tensor<7xf32>
  %all = stablehlo.reduce(%x init: %c) applies stablehlo.add across dimensions = [0, 1] : (tensor<?x7xf32>, tensor<f32>) -> tensor<f32>
  %rows = stablehlo.reduce(%x init: %c) applies stablehlo.add across dimensions = [1] : (tensor<?x7xf32>, tensor<f32>) -> tensor<?xf32>
  %long = stablehlo.reduce(%v init: %c) applies stablehlo.add across dimensions = [1] : (tensor<3x?xf32>, tensor<f32>) -> tensor<3xf32>
  %most = stablehlo.reduce(%v init: %c) applies stablehlo.maximum across dimensions = [1] : (tensor<3x?xf32>, tensor<f32>) -> tensor<3xf32>
  return %columns, %all, %rows, %long, %most : tensor<7xf32>, tensor<f32>, tensor<?xf32>, tensor<3xf32>, tensor<3xf32>
}"""

PRODUCTS = """
func.func @main(%x: tensor<?x31xf32>, %w: tensor<40x31xf32>, %q: tensor<?x31xf32>, %s: tensor<2x?x?xf32>)
    -> (tensor<?x40xf32>, tensor<40x?xf32>, tensor<?x?xf32>, tensor<31x31xf32>, tensor<2x?x31xf32>) {
  %rows = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (tensor<?x31xf32>, tensor<40x31xf32>) -> tensor<?x40xf32>
  %lanes = stablehlo.dot_general %w, %x, contracting_dims = [1] x [1] : (tensor<40x31xf32>, tensor<?x31xf32>) -> tensor<40x?xf32>
  %both = stablehlo.dot_general %q, %x, contracting_dims = [1] x [1] : (tensor<?x31xf32>, tensor<?x31xf32>) -> tensor<?x?xf32>
  %depth = stablehlo.dot_general %x, %x, contracting_dims = [0] x [0] : (tensor<?x31xf32>, tensor<?x31xf32>) -> tensor<31x31xf32>
  %batch = stablehlo.dot_general %s, %x, contracting_dims = [2] x [0] : (tensor<2x?x?xf32>, tensor<?x31xf32>) -> tensor<2x?x31xf32>
  return %rows, %lanes, %both, %depth, %batch
    : tensor<?x40xf32>, tensor<40x?xf32>, tensor<?x?xf32>, tensor<31x31xf32>, tensor<2x?x31xf32>
}"""

EXACT: dict[str, tuple[str, tuple[Shape, ...]]] = {
    "elementwise": (ELEMENTWISE, ((None, 5), (None, 3))),
    "sums": (SUMS, ((None, 7), (3, None))),
    "products": (PRODUCTS, ((None, 31), (40, 31), (None, 31), (2, None, None))),
}
"""Texts whose native bits are the interpreter's, with the shapes of their arguments."""


def mlp(x: Any, w: Any, b: Any, v: Any, c: Any) -> Any:
    return jax.nn.log_softmax(jax.nn.relu(x @ w + b) @ v + c)


def mlp_step(x: Any, y: Any, *weights: Any) -> Any:
    def loss(weights: Any) -> Any:
        return -jnp.mean(jnp.sum(mlp(x, *weights) * y, axis=1))

    value, gradients = jax.value_and_grad(loss)(weights)
    return value, [p - 0.1 * g for p, g in zip(weights, gradients, strict=True)]


def convolved(x: Any, w: Any, stride: int = 1) -> Any:
    return lax.conv_general_dilated(
        x, w, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def cnn(x: Any, w: Any, v: Any, u: Any) -> Any:
    h = jax.nn.relu(convolved(x, w))
    h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return jax.nn.relu(convolved(h, v, 2)).mean((1, 2)) @ u


def cnn_step(x: Any, y: Any, *weights: Any) -> Any:
    value, gradients = jax.value_and_grad(lambda ws: jnp.mean((cnn(x, *ws) - y) ** 2))(weights)
    return value, [p - 0.1 * g for p, g in zip(weights, gradients, strict=True)]


def attention(x: Any, q: Any, k: Any, v: Any, scale: Any, shift: Any) -> Any:
    """A block of attention after a layer norm, with four heads."""
    batch, time, width = x.shape
    h = x - x.mean(-1, keepdims=True)
    h = h / jnp.sqrt((h**2).mean(-1, keepdims=True) + 1e-5) * scale + shift
    heads = [(h @ w).reshape(batch, time, 4, width // 4).transpose(0, 2, 1, 3) for w in (q, k, v)]
    scores = jax.nn.softmax(heads[0] @ heads[1].swapaxes(-1, -2) / 4.0)
    return x + (scores @ heads[2]).transpose(0, 2, 1, 3).reshape(batch, time, width)


_WEIGHTS: tuple[Shape, ...] = ((20, 24), (24,), (24, 10), (10,))
_FILTERS: tuple[Shape, ...] = ((3, 3, 3, 8), (3, 3, 8, 16), (16, 10))
_MATRICES: tuple[Shape, ...] = ((16, 16), (16, 16), (16, 16), (16,), (16,))
EXPORTED: dict[str, tuple[Any, tuple[Shape, ...]]] = {
    "mlp": (mlp, ((None, 20), *_WEIGHTS)),
    "mlp_step": (mlp_step, ((None, 20), (None, 10), *_WEIGHTS)),
    "cnn": (cnn, ((None, 8, 8, 3), *_FILTERS)),
    "cnn_step": (cnn_step, ((None, 8, 8, 3), (None, 10), *_FILTERS)),
    "attention": (attention, ((None, 6, 16), *_MATRICES)),
    "attention_in_time": (attention, ((2, None, 16), *_MATRICES)),
}


def _scanned(x: Any) -> Any:
    return lax.scan(lambda c, row: (c * 0.5 + row, c * row), jnp.zeros(x.shape[0]), x.T)[1]


def _embedded(table: Any, places: Any) -> Any:
    return jax.grad(lambda t: (t[places.astype(int) % 7] ** 2).sum())(table)


def _pooled(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


SNIPPETS: dict[str, tuple[Any, tuple[Shape, ...]]] = {
    "gather": (lambda t, i: t[i.astype(int) % 7], ((7, 5), (None,))),
    "scatter": (lambda x, i: jnp.zeros((7, 5)).at[i.astype(int) % 7].add(x), ((None, 5), (None,))),
    "embedding_gradient": (_embedded, ((7, 5), (None, 3))),
    "scan": (_scanned, ((None, 5),)),
    "while": (lambda x: lax.while_loop(lambda c: c[1] < 3, lambda c: (c[0] * 2 + 1, c[1] + 1), (x, 0))[0], ((None, 5),)),
    "cond": (lambda x: lax.cond(x.sum() > 0, lambda y: y * 2, lambda y: y - 1, x), ((None, 5),)),
    "dynamic_slice": (lambda x, i: lax.dynamic_slice(x, (0, i[0].astype(int) % 3), (x.shape[0], 2)), ((None, 5), (1,))),
    "update": (lambda x, i: lax.dynamic_update_slice(x, x[:1], (i[0].astype(int) % 3, 0)), ((None, 5), (1,))),
    "sort_columns": (lambda x: jnp.sort(x, axis=0), ((None, 5),)),
    "sort_rows": (lambda x: jnp.sort(x, axis=1), ((None, 5),)),
    "argmax": (lambda x: (jnp.argmax(x, axis=1), jnp.argmax(x, axis=0)), ((None, 5),)),
    "differences": (lambda x: x[1:] - x[:-1], ((None, 5),)),
    "every_other": (lambda x: x[::2], ((None, 5),)),
    "reversed": (lambda x: (x[::-1], x[:, ::-1]), ((None, 5),)),
    "joined": (lambda x, y: jnp.pad(jnp.concatenate([x, y, x]), ((1, 2), (0, 0))), ((None, 5), (3, 5))),
    "image": (lambda x, w: _pooled(convolved(x, w)), ((2, None, None, 3), (3, 3, 3, 4))),
    "causal": (lambda q: jnp.where(jnp.tril(jnp.ones((q.shape[0],) * 2, bool)), q @ q.T, -1.0), ((None, 8),)),
    "low_precision": (lambda x, w: (x.astype(jnp.bfloat16) @ w.astype(jnp.bfloat16)), ((None, 16), (16, 8))),
    "depthwise": (lambda x, w: lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=16),
        ((None, 6, 6, 16), (3, 3, 1, 16))),
    "top_k": (lambda x: lax.top_k(x, 2)[0], ((None, 5),)),
}  # fmt: skip
"""One op each, in what surrounds it in JAX's exports."""

REFUSED: dict[str, tuple[Any, tuple[Shape, ...]]] = {
    "sort of unknown length by two keys": (lambda x: lax.sort((x, x * 2), num_keys=2)[1], ((None,),)),
    "prefix sums of unknown length": (lambda x: jnp.cumsum(x, axis=0), ((None, 5),)),
    "cholesky": (lambda x: jnp.linalg.cholesky(x @ x.swapaxes(-1, -2) + 5 * jnp.eye(4)), ((None, 4, 4),)),
    "fft": (lambda x: jnp.abs(jnp.fft.fft(x)), ((None, 8),)),
    "random numbers": (lambda x: x + jax.random.uniform(jax.random.key(0), (x.shape[0], 4)), ((None, 4),)),
    "padding that a size decides": (lambda x, w: convolved(x, w, 2), ((2, None, 9, 3), (3, 3, 3, 4))),
}
"""What JAX exports and irc refuses: this list may only shrink."""


def exported(name: str) -> str:
    """The text that JAX writes of a function with an unknown extent."""
    function, shapes = (EXPORTED | SNIPPETS | REFUSED)[name]
    (b,) = jax.export.symbolic_shape("b")
    specs = [jax.ShapeDtypeStruct([b if n is None else n for n in s], np.float32) for s in shapes]
    return jax.export.export(jax.jit(function))(*specs).mlir_module()


def arguments(shapes: Sequence[Shape], n: int) -> list[Any]:
    rng = np.random.default_rng(n)
    return [rng.standard_normal([n if d is None else d for d in s]).astype(np.float32) for s in shapes]
