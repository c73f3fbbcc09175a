"""Layers against PyTorch with equal weights, and against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
from irc.frontends.errors import RecordValueError

torch = pytest.importorskip("torch")
keras = tf.keras
L = keras.layers


def draws(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def given(layer: Any, shape: tuple[int, ...], seed: int = 1) -> list[Any]:
    """Builds a layer and gives it weights drawn here."""
    layer.build((None, *shape[1:]))
    weights = [draws(*w.shape, seed=seed + i) * 0.5 for i, w in enumerate(layer.weights)]
    layer.built = True
    layer.set_weights(weights)
    return weights


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-4, atol=2e-5)


def test_dense() -> None:
    layer, x = L.Dense(5, activation="relu"), draws(3, 7)
    w, b = given(layer, x.shape)
    close(layer(x), np.maximum(x @ w + b, 0))


@pytest.mark.parametrize("stride", [1, 2])
def test_conv2d(stride: int) -> None:
    layer, x = L.Conv2D(4, 3, strides=stride), draws(2, 9, 8, 3)
    w, b = given(layer, x.shape)
    wanted = torch.nn.functional.conv2d(
        torch.tensor(x.transpose(0, 3, 1, 2)),
        torch.tensor(w.transpose(3, 2, 0, 1)),
        torch.tensor(b),
        stride=stride,
    )
    close(layer(x), wanted.numpy().transpose(0, 2, 3, 1))


def test_same_padding_is_asymmetric() -> None:
    """Stride 2 on 4 places with a window of 3: one place behind, none before."""
    layer, x = (
        L.Conv1D(1, 3, strides=2, padding="same", use_bias=False),
        np.arange(1, 5, dtype=np.float32).reshape(1, 4, 1),
    )
    layer.build(x.shape)
    layer.built = True
    layer.set_weights([np.ones((3, 1, 1), np.float32)])
    close(layer(x)[0, :, 0], [6.0, 7.0])


def test_pools() -> None:
    x = draws(2, 6, 6, 3)
    blocks = x.reshape(2, 3, 2, 3, 2, 3)
    close(L.MaxPooling2D()(x), blocks.max((2, 4)))
    close(L.AveragePooling2D()(x), blocks.mean((2, 4)))
    close(L.GlobalAveragePooling2D()(x), x.mean((1, 2)))


@pytest.mark.parametrize(("ours", "theirs"), [("LSTM", "LSTM"), ("SimpleRNN", "RNN")])
def test_recurrent_layers(ours: str, theirs: str) -> None:
    layer, x = getattr(L, ours)(4, return_sequences=True), draws(3, 6, 5)
    w, u, b = given(layer, x.shape)
    other = getattr(torch.nn, theirs)(5, 4, batch_first=True)
    with torch.no_grad():
        other.weight_ih_l0.copy_(torch.tensor(w.T))
        other.weight_hh_l0.copy_(torch.tensor(u.T))
        other.bias_ih_l0.copy_(torch.tensor(b))
        other.bias_hh_l0.zero_()
    close(layer(x), other(torch.tensor(x))[0].detach())


def test_a_layer_that_was_built_directly_is_not_built_again() -> None:
    layer, given = L.Dense(3), np.arange(15, dtype=np.float32).reshape(5, 3)
    layer.build((None, 5))
    layer.set_weights([given, np.ones(3, np.float32)])
    np.testing.assert_array_equal(layer(np.eye(5, dtype=np.float32)).numpy(), given + 1)


def test_gru_swaps_two_gates() -> None:
    layer, x = L.GRU(4, return_sequences=True), draws(3, 6, 5)
    w, u, b = given(layer, x.shape)
    order = np.r_[4:8, 0:4, 8:12]
    other = torch.nn.GRU(5, 4, batch_first=True)
    with torch.no_grad():
        other.weight_ih_l0.copy_(torch.tensor(w.T[order]))
        other.weight_hh_l0.copy_(torch.tensor(u.T[order]))
        other.bias_ih_l0.copy_(torch.tensor(b[0][order]))
        other.bias_hh_l0.copy_(torch.tensor(b[1][order]))
    close(layer(x), other(torch.tensor(x))[0].detach())


def test_masked_steps_keep_the_state() -> None:
    layer = L.LSTM(3)
    x = draws(2, 4, 5)
    given(layer, x.shape)
    mask = np.array([[True, True, False, False]] * 2)
    close(layer(x, mask=tf.constant(mask)), layer(x[:, :2]))


def test_batch_normalization_trains_and_infers() -> None:
    layer, x = L.BatchNormalization(), draws(16, 5) * 3 + 1
    y = layer(x, training=True)
    mean, variance = x.mean(0), x.var(0)
    close(y, (x - mean) / np.sqrt(variance + 1e-3))
    close(layer.moving_mean, 0.01 * mean)
    close(layer.moving_variance, 0.99 + 0.01 * variance)
    close(layer(x), (x - 0.01 * mean) / np.sqrt(0.99 + 0.01 * variance + 1e-3))


def test_layer_normalization() -> None:
    x = draws(4, 6)
    close(
        L.LayerNormalization()(x), (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    )


def test_dropout_scales_and_sleeps() -> None:
    x = np.ones((200, 50), np.float32)
    layer = L.Dropout(0.25)
    close(layer(x), x)
    y = np.asarray(layer(x, training=True))
    assert set(np.unique(y).tolist()) == {0.0, np.float32(1 / 0.75).item()}
    assert abs((y == 0).mean() - 0.25) < 0.02


def test_embedding() -> None:
    layer, index = L.Embedding(10, 3), np.array([[1, 2], [9, 0]])
    layer.build(None)
    layer.built = True
    close(layer(index), np.asarray(layer.embeddings)[index])


def test_glorot_uniform_bounds() -> None:
    w = np.asarray(keras.initializers.GlorotUniform(seed=1)((300, 200)))
    bound = np.sqrt(6 / 500)
    assert np.abs(w).max() <= bound
    assert abs(w.std() - bound / np.sqrt(3)) < 1e-3


def test_orthogonal_columns() -> None:
    q = np.asarray(keras.initializers.Orthogonal(seed=1)((8, 5)))
    close(q.T @ q, np.eye(5))


def test_unknown_extents_of_symbolic_tensors() -> None:
    x = keras.Input((None, 4))
    y = L.LSTM(3, return_sequences=True)(x)
    assert y.shape == (None, None, 3)
    assert L.Conv2D(2, 3, strides=2, padding="same")(keras.Input((32, None, 1))).shape == (None, 16, None, 2)


def test_an_input_of_another_width_is_refused() -> None:
    layer = L.Dense(3)
    layer(draws(2, 4))
    with pytest.raises(RecordValueError, match="expected axis -1 of input shape to have value 4") as found:
        layer(draws(2, 5))
    assert found.value.line is not None
