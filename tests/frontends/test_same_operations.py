"""What both families have is one operation: the same canonical program, whichever of them wrote it, and so the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
import irc.torch as torch
from irc.dialects.builtin import Module
from irc.driver import compile_module
from irc.frontends.recorder.backend import apart, using
from irc.passes.canonical import canonical_text

F = torch.nn.functional
K = tf.keras
Array = np.ndarray[Any, Any]
Case = tuple[Callable[..., Any], Callable[..., Any]]


def draws(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(0.05, 0.95, shape).astype(np.float32)


def keras_layer(make: Callable[[], Any], *weights: Array) -> Callable[..., Any]:
    """A layer with these weights, called on an input."""

    def run(x: Any) -> Any:
        layer = make()
        layer.build(tuple(x.shape))
        layer.set_weights(list(weights))
        return layer(x)

    return run


def first_kernel(kernel: Array) -> Any:
    """(h, w, in, out) as PyTorch holds it."""
    return torch.tensor(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))


X, IMAGE, KERNEL, AGAIN = draws(6, 8) - 0.5, draws(2, 8, 8, 3), draws(3, 3, 3, 4), draws(2, 2, 4, 5)
SCALE, SHIFT, MEAN, SPREAD = (draws(8, seed=i) for i in range(1, 5))
INDEX = np.array([3, 0, 5, 3])

OF_ONE = [
    "sinh", "cosh", "asinh", "atanh", "atan", "asin", "acos", "exp", "expm1", "log", "log1p", "sqrt",
    "rsqrt", "sin", "cos", "tan", "tanh", "sigmoid", "abs", "sign", "floor", "round", "square",
    "reciprocal",
]  # fmt: skip
MATHS: dict[str, Case] = {name: (getattr(torch, name), getattr(tf.math, name)) for name in OF_ONE}
ACTIVATIONS: dict[str, Case] = {
    "relu": (F.relu, tf.nn.relu),
    "relu6": (F.relu6, tf.nn.relu6),
    "elu": (F.elu, tf.nn.elu),
    "selu": (F.selu, tf.nn.selu),
    "gelu": (F.gelu, tf.nn.gelu),
    "gelu by tanh": (lambda x: F.gelu(x, "tanh"), lambda x: tf.nn.gelu(x, True)),
    "silu": (F.silu, tf.nn.silu),
    "mish": (F.mish, K.activations.mish),
    "softsign": (F.softsign, tf.nn.softsign),
    "log_sigmoid": (F.logsigmoid, tf.math.log_sigmoid),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), tf.nn.leaky_relu),
    "hardtanh": (F.hardtanh, K.activations.hard_tanh),
    "hardsigmoid": (F.hardsigmoid, K.activations.hard_sigmoid),
    "hardswish": (F.hardswish, K.activations.hard_silu),
    "softmax": (lambda x: F.softmax(x, -1), tf.nn.softmax),
    "log_softmax": (lambda x: F.log_softmax(x, -1), tf.nn.log_softmax),
}
REDUCTIONS: dict[str, Case] = {
    "sum": (lambda x: x.sum(1), lambda x: tf.reduce_sum(x, 1)),
    "mean": (lambda x: x.mean((0, 1)), lambda x: tf.reduce_mean(x, (0, 1))),
    "max": (lambda x: x.amax(1), lambda x: tf.reduce_max(x, 1)),
    "prod": (lambda x: x.prod(1), lambda x: tf.reduce_prod(x, 1)),
    "variance": (lambda x: x.var(1, unbiased=False), lambda x: tf.math.reduce_variance(x, 1)),
    "norm": (lambda x: x.norm(2, 1), lambda x: tf.norm(x, axis=1)),
    "logsumexp": (lambda x: x.logsumexp(1), lambda x: tf.reduce_logsumexp(x, 1)),
    "argmax": (lambda x: x.argmax(1), lambda x: tf.argmax(x, 1)),
    "cumsum": (lambda x: x.cumsum(1), lambda x: tf.cumsum(x, 1)),
    "sort": (lambda x: x.sort(1).values, lambda x: tf.sort(x, 1)),
}
SHAPES: dict[str, Case] = {
    "transpose": (lambda x: x.t() * 2, lambda x: tf.transpose(x) * 2),
    "slice": (lambda x: (x * 2)[1:5:2, ::3] * 3, lambda x: (x * 2)[1:5:2, ::3] * 3),
    "concatenate": (lambda x: torch.cat([x, x * 2], 1), lambda x: tf.concat([x, x * 2], 1)),
    "stack": (lambda x: torch.stack([x, x * 2]), lambda x: tf.stack([x, x * 2])),
    "pad": (lambda x: F.pad(x, (1, 2)), lambda x: tf.pad(x, [[0, 0], [1, 2]])),
    "flip": (lambda x: x.flip(1), lambda x: tf.reverse(x, [1])),
    "tril": (lambda x: x.tril(), lambda x: tf.linalg.band_part(x, -1, 0)),
    "rows": (
        lambda x: F.embedding(torch.tensor(INDEX), x),
        lambda x: tf.nn.embedding_lookup(x, tf.constant(INDEX)),
    ),
    "one_hot": (
        lambda x: F.one_hot(torch.tensor(INDEX), 6).float() @ x,
        lambda x: tf.one_hot(tf.constant(INDEX), 6) @ x,
    ),
}
LOSSES: dict[str, Case] = {
    "mse": (lambda x: F.mse_loss(x, torch.tensor(X * X)), lambda x: K.losses.MeanSquaredError()(X * X, x)),
    "mae": (lambda x: F.l1_loss(x, torch.tensor(X * X)), lambda x: K.losses.MeanAbsoluteError()(X * X, x)),
    "huber": (lambda x: F.huber_loss(x, torch.tensor(X * 3)), lambda x: K.losses.Huber()(X * 3, x)),
}
NORMALIZATIONS: dict[str, Case] = {
    "batch_norm": (
        lambda x: F.batch_norm(x, *map(torch.tensor, (MEAN, SPREAD, SCALE, SHIFT)), eps=1e-3),
        keras_layer(K.layers.BatchNormalization, SCALE, SHIFT, MEAN, SPREAD),
    ),
    "layer_norm": (
        lambda x: F.layer_norm(x, (8,), *map(torch.tensor, (SCALE, SHIFT)), eps=1e-3),
        keras_layer(K.layers.LayerNormalization, SCALE, SHIFT),
    ),
    "rms_norm": (
        lambda x: F.rms_norm(x, (8,), torch.tensor(SCALE), 1e-6),
        keras_layer(K.layers.RMSNormalization, SCALE),
    ),
    "attention": (
        lambda x: F.scaled_dot_product_attention(*[x.exp()] * 3, scale=1.0),
        lambda x: K.layers.Attention()([tf.exp(x)] * 3),
    ),
    "prelu": (lambda x: F.prelu(x, torch.tensor(SCALE)), keras_layer(K.layers.PReLU, SCALE)),
}
IMAGES: dict[str, Case] = {
    "max_pool": (lambda x: F.max_pool2d(x, 2), K.layers.MaxPooling2D(2)),
    "avg_pool": (lambda x: F.avg_pool2d(x, 3, 1), K.layers.AveragePooling2D(3, 1)),
    "padded avg_pool": (
        lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
        K.layers.AveragePooling2D(3, 1, "same"),
    ),
    "global average": (
        lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
        K.layers.GlobalAveragePooling2D(),
    ),
    "global maximum": (lambda x: F.adaptive_max_pool2d(x, 1).flatten(1), K.layers.GlobalMaxPooling2D()),
    "upsampling": (
        lambda x: F.conv2d(F.interpolate(x, scale_factor=2), first_kernel(AGAIN)),
        lambda x: tf.nn.conv2d(K.layers.UpSampling2D(2)(x), AGAIN, 1, "VALID"),
    ),
    "group_norm": (
        lambda x: F.group_norm(x, 2, torch.tensor(SCALE[:4]), torch.tensor(SHIFT[:4]), 1e-3),
        keras_layer(lambda: K.layers.GroupNormalization(2), SCALE[:4], SHIFT[:4]),
    ),
}


def program(run: Callable[[Any], Any], given: Any) -> tuple[str, Array]:
    """The canonical text of the program that computes a result, and the result."""
    found = run(given)
    made: list[Module] = []

    def kept(module: Module, donate: Any) -> Any:
        made.append(module)
        return compile_module(module, donate=donate)

    with apart(), using(kept):
        value = found.numpy()
    return canonical_text(made[-1]), value


OPTIMIZERS: dict[str, tuple[Callable[..., Any], Callable[[], Any]]] = {
    "sgd": (lambda p: torch.optim.SGD(p, 0.5), lambda: K.optimizers.SGD(0.5)),
    "adagrad": (
        lambda p: torch.optim.Adagrad(p, 0.5, initial_accumulator_value=0.1, eps=0.0),
        lambda: K.optimizers.Adagrad(0.5, epsilon=0.0),
    ),
    "rmsprop": (
        lambda p: torch.optim.RMSprop(p, 0.5, alpha=0.9, eps=0.0),
        lambda: K.optimizers.RMSprop(0.5, epsilon=0.0),
    ),
    "centred rmsprop": (
        lambda p: torch.optim.RMSprop(p, 0.5, alpha=0.9, eps=0.0, centered=True),
        lambda: K.optimizers.RMSprop(0.5, epsilon=0.0, centered=True),
    ),
    "adadelta": (
        lambda p: torch.optim.Adadelta(p, 0.5, rho=0.9, eps=1e-6),
        lambda: K.optimizers.Adadelta(0.5, rho=0.9, epsilon=1e-6),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_of_both_families_give_the_same_bits(name: str) -> None:
    """Where their defaults are made equal."""
    make, make_other = OPTIMIZERS[name]
    parameter, variable = torch.nn.Parameter(torch.tensor(X)), tf.Variable(X)
    ours, theirs = make([parameter]), make_other()
    for step in range(4):
        gradient = draws(*X.shape, seed=10 + step) - 0.5
        parameter.grad = torch.tensor(gradient)
        ours.step()
        theirs.apply_gradients([(tf.constant(gradient), variable)])
    assert not np.array_equal(variable.numpy(), X)
    np.testing.assert_array_equal(parameter.detach().numpy(), variable.numpy())


CASES = {**MATHS, **ACTIVATIONS, **REDUCTIONS, **SHAPES, **LOSSES, **NORMALIZATIONS}


@pytest.mark.parametrize("name", CASES)
def test_both_families_record_the_same(name: str) -> None:
    ours, theirs = CASES[name]
    given = np.abs(X) if name in ("acosh", "log", "log1p", "sqrt", "rsqrt") else X
    (text, value), (other, result) = program(ours, torch.tensor(given)), program(theirs, tf.constant(given))
    assert text == other
    np.testing.assert_array_equal(value, result)


@pytest.mark.parametrize("name", IMAGES)
def test_both_families_record_the_same_of_images(name: str) -> None:
    """Channels come first in one, and last in the other; a convolution before says which of the dimensions they are."""
    ours, theirs = IMAGES[name]
    first = torch.tensor(np.ascontiguousarray(IMAGE.transpose(0, 3, 1, 2)))
    text, value = program(lambda x: ours(F.conv2d(x, first_kernel(KERNEL))), first)
    other, result = program(lambda x: theirs(tf.nn.conv2d(x, KERNEL, 1, "VALID")), tf.constant(IMAGE))
    assert text == other
    np.testing.assert_array_equal(value if value.ndim < 4 else value.transpose(0, 2, 3, 1), result)
