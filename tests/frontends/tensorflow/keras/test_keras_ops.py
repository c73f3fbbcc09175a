"""keras.ops against NumPy, on tensors and as nodes of models; the older names of keras.backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf

keras = tf.keras
ops = keras.ops

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 4)).astype(np.float32)
B = RNG.standard_normal((3, 4)).astype(np.float32)
POSITIVE = np.abs(A) + 0.1
SMALL = np.clip(A, -0.9, 0.9)
INTS = RNG.integers(-5, 9, (3, 4)).astype(np.int32)
CUBE = RNG.standard_normal((2, 3, 4)).astype(np.float32)

UNARY = {
    **dict.fromkeys(
        ("absolute", "abs", "negative", "sign", "square", "exp", "expm1", "floor", "ceil", "round"), A
    ),
    **dict.fromkeys(("sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "isnan", "isinf", "isfinite"), A),
    **dict.fromkeys(("log", "log1p", "sqrt", "reciprocal"), POSITIVE),
    **dict.fromkeys(("arcsin", "arccos"), SMALL),
    **dict.fromkeys(("ravel", "zeros_like", "ones_like", "logical_not"), A),
}
BINARY = {
    **dict.fromkeys(
        ("add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum", "arctan2"), (A, B)
    ),
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), (A, np.abs(A))),
    **dict.fromkeys(("logical_and", "logical_or"), (A > 0, B > 0)),
    **dict.fromkeys(("mod", "floor_divide"), (INTS, np.full((3, 4), 3, np.int32))),
    "power": (POSITIVE, B),
    "matmul": (A, B.T),
    "dot": (CUBE, B.T),
    "outer": (A[0], B[1]),
}
REDUCTIONS = ("sum", "prod", "mean", "var", "std", "max", "min", "amax", "amin", "all", "any")
OTHERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("argmax", (A,), {}),
    ("argmax", (A,), {"axis": 1}),
    ("argmin", (A,), {"axis": 0}),
    ("cumsum", (A,), {"axis": 1}),
    ("cumsum", (A,), {}),
    ("reshape", (A, (2, 6)), {}),
    ("reshape", (A, (-1,)), {}),
    ("transpose", (CUBE,), {}),
    ("transpose", (CUBE,), {"axes": (1, 0, 2)}),
    ("swapaxes", (CUBE, 0, 2), {}),
    ("moveaxis", (CUBE, 0, -1), {}),
    ("expand_dims", (A, 1), {}),
    ("squeeze", (A[None],), {}),
    ("broadcast_to", (A, (2, 3, 4)), {}),
    ("concatenate", ([A, INTS],), {"axis": 1}),
    ("stack", ([A, B],), {"axis": 1}),
    ("split", (A, 2), {"axis": 1}),
    ("split", (A, [1, 3]), {"axis": 1}),
    ("tile", (A, (2, 3)), {}),
    ("tile", (A, 2), {}),
    ("repeat", (A, 2), {"axis": 1}),
    ("pad", (A, ((1, 0), (2, 1))), {}),
    ("pad", (A, 1), {}),
    ("flip", (A,), {}),
    ("flip", (A,), {"axis": 1}),
    ("roll", (A, 2), {"axis": 1}),
    ("roll", (A, 2), {}),
    ("take", (A, np.array([2, 0])), {"axis": 0}),
    ("take", (A, np.array([7, 0])), {}),
    ("take_along_axis", (A, np.argsort(A, 1)), {"axis": 1}),
    ("take_along_axis", (A, np.argsort(A, 0)), {"axis": 0}),
    ("where", (A > 0, A, B), {}),
    ("clip", (A, -0.5, 0.5), {}),
    ("einsum", ("ij,kj->ik", A, B), {}),
    ("tensordot", (A, B), {"axes": 2}),
    ("arange", (2, 11, 3), {}),
    ("arange", (5,), {}),
    ("linspace", (0.0, 1.0, 5), {}),
    ("eye", (3,), {}),
    ("zeros", ((2, 3),), {}),
    ("ones", ((2, 3),), {}),
    ("full", ((2, 3), 7.0), {}),
]


def same(found: Any, wanted: Any) -> None:
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one(name: str) -> None:
    same(getattr(ops, name)(UNARY[name]), getattr(np, name)(UNARY[name]))


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two(name: str) -> None:
    same(getattr(ops, name)(*BINARY[name]), getattr(np, name)(*BINARY[name]))


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    of, wanted = getattr(ops, name), getattr(np, name)
    same(of(A), wanted(A))
    same(of(CUBE, axis=1), wanted(CUBE, axis=1))
    same(of(CUBE, axis=(0, 2), keepdims=True), wanted(CUBE, axis=(0, 2), keepdims=True))


@pytest.mark.parametrize(("name", "args", "named"), OTHERS, ids=[f"{o[0]}-{i}" for i, o in enumerate(OTHERS)])
def test_others(name: str, args: Any, named: Any) -> None:
    same(getattr(ops, name)(*args, **named), getattr(np, name)(*args, **named))


def test_what_numpy_does_not_have() -> None:
    e = np.exp(A - A.max(-1, keepdims=True))
    same(ops.softmax(A), e / e.sum(-1, keepdims=True))
    same(ops.log_softmax(A), np.log(e / e.sum(-1, keepdims=True)))
    same(ops.relu(A), np.maximum(A, 0))
    same(ops.sigmoid(A), 1 / (1 + np.exp(-A)))
    same(ops.silu(A), A / (1 + np.exp(-A)))
    same(ops.logsumexp(A, axis=1), np.log(np.exp(A).sum(1)))
    same(ops.norm(A, axis=1), np.linalg.norm(A, axis=1))
    same(ops.normalize(A), A / np.linalg.norm(A, axis=-1, keepdims=True))
    same(ops.one_hot(np.array([1, 0]), 3), np.eye(3)[[1, 0]])
    same(ops.rsqrt(POSITIVE), 1 / np.sqrt(POSITIVE))
    same(ops.divide_no_nan(A, np.zeros_like(A)), np.zeros_like(A))
    same(ops.top_k(A, 2)[0], -np.sort(-A, 1)[:, :2])
    assert ops.shape(A) == (3, 4)
    assert ops.convert_to_numpy(ops.cast(A, "int32")).dtype == np.int32
    same(ops.fori_loop(0, 5, lambda i, total: total + i, 0), 10)
    same(ops.while_loop(lambda i: i < 7, lambda i: (i + 2,), (0,))[0], 8)
    same(ops.cond(tf.constant(True), lambda: A, lambda: B), A)


def test_promotion() -> None:
    """As NumPy's arrays with weak Python numbers; TensorFlow's own functions refuse to mix."""
    assert ops.add(INTS, A).dtype == "float32"
    assert ops.add(INTS, 1).dtype == "int32"
    assert ops.multiply(INTS, 0.5).dtype == "float32"
    assert ops.mean(INTS).dtype == "float32"
    assert ops.sum(A > 0).dtype == "int32"


def test_they_are_nodes_of_models() -> None:
    """Functions and operators on symbolic tensors; the same numbers as outside, and a name in the summary."""
    keras.utils.clear_session()
    inputs = keras.Input((3, 4))
    hidden = keras.layers.Dense(4, kernel_initializer="ones")(inputs)
    outputs = ops.mean(ops.relu(hidden + inputs * 2.0) - 1.0, axis=1)[:, :2]
    model = keras.Model(inputs, outputs)
    assert model.output_shape == (None, 2)
    wanted = np.maximum(CUBE.sum(-1, keepdims=True) + CUBE * 2.0, 0) - 1.0
    same(model(CUBE), wanted.mean(1)[:, :2])
    assert [layer.name for layer in model.layers][1:] == [
        "dense",
        "multiply",
        "add",
        "relu",
        "subtract",
        "mean",
        "get_item",
    ]
    model.compile("sgd", loss="mse")
    before = model.evaluate(CUBE, np.zeros((2, 2)), verbose=0)
    model.fit(CUBE, np.zeros((2, 2)), epochs=3, verbose=0)
    assert model.evaluate(CUBE, np.zeros((2, 2)), verbose=0) < before


def test_older_names() -> None:
    K = keras.backend
    same(K.sum(A, axis=1), A.sum(1))
    same(K.mean(A), A.mean())
    same(K.square(A), A * A)
    same(K.dot(A, B.T), A @ B.T)
    same(K.batch_flatten(CUBE), CUBE.reshape(2, -1))
    same(K.concatenate([A, B]), np.concatenate([A, B], -1))
    same(K.permute_dimensions(A, (1, 0)), A.T)
    same(K.clip(A, -1.0, 1.0), np.clip(A, -1, 1))
    same(K.eval(K.variable(A)), A)
    assert K.int_shape(A) == (3, 4)
    assert K.epsilon() == 1e-7 and K.floatx() == "float32" and K.image_data_format() == "channels_last"
    p = 1 / (1 + np.exp(-A))
    same(K.binary_crossentropy((B > 0).astype(np.float32), p), -np.where(B > 0, np.log(p), np.log(1 - p)))


def test_random_numbers_of_a_seed() -> None:
    same(keras.random.normal((4,), seed=7), np.asarray(keras.random.normal((4,), seed=7)))
    a, b = (keras.random.normal((4,), seed=keras.random.SeedGenerator(7)) for _ in range(2))
    same(a, np.asarray(b))
    draws = keras.random.SeedGenerator(7)
    assert (
        np.abs(
            np.asarray(keras.random.normal((4,), seed=draws))
            - np.asarray(keras.random.normal((4,), seed=draws))
        ).max()
        > 0
    )
    assert sorted(np.asarray(keras.random.shuffle(np.arange(9), seed=1)).tolist()) == list(range(9))
    kept = np.asarray(keras.random.dropout(np.ones(1000, np.float32), 0.25, seed=1))
    assert (
        set(np.unique(kept).tolist()) == {0.0, np.float32(1 / 0.75).item()} and 0.7 < (kept > 0).mean() < 0.8
    )
    assert set(
        np.asarray(keras.random.categorical(np.array([[0.0, -99.0, 0.0]], np.float32), 50, seed=3))
        .ravel()
        .tolist()
    ) == {0, 2}
    assert np.asarray(keras.random.randint((50,), 2, 4, seed=1)).tolist().count(2) > 10
