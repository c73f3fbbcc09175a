"""Names that public programs use and no other test calls: values against NumPy, eager and in TensorFlow 1 graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
from irc.frontends.tensorflow.compat import v1

keras = tf.keras

A = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
B = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)
P = np.abs(A) + 0.1
N = np.array([[3, -4, 5], [0, 7, -2]], np.int32)

VALUES: dict[str, tuple[Callable[[], Any], Any]] = {
    "expand_dims": (lambda: tf.expand_dims(A, 1), A[:, None]),
    "squeeze": (lambda: tf.squeeze(A[None, :, None], [0, 2]), A),
    "convert_to_tensor": (lambda: tf.convert_to_tensor([[1, 2]], dtype=tf.float32), np.float32([[1, 2]])),
    "equal": (lambda: tf.equal(N, [[3, 4, 5], [1, 7, 2]]), np.array([[1, 0, 1], [0, 1, 0]], bool)),
    "not_equal": (lambda: tf.math.not_equal(N, 0), N != 0),
    "greater": (lambda: tf.greater(A, B), A > B),
    "less": (lambda: tf.less(A, B), A < B),
    "size": (lambda: tf.size(A), 12),
    "ones_like": (lambda: tf.ones_like(N), np.ones_like(N)),
    "zeros_like": (lambda: tf.zeros_like(A), np.zeros_like(A)),
    "add_n": (lambda: tf.add_n([A, B, A]), A + B + A),
    "math.add_n": (lambda: tf.math.add_n([A, B]), A + B),
    "fill": (lambda: tf.fill([2, 2], 7), np.full((2, 2), 7, np.int32)),
    "multiply": (lambda: tf.multiply(A, B), A * B),
    "slice": (lambda: tf.slice(A, [1, 0], [2, 3]), A[1:, :3]),
    "pow": (lambda: tf.pow(P, 2.0), P**2),
    "reduce_min": (lambda: tf.reduce_min(A, axis=0), A.min(0)),
    "py_function": (lambda: tf.py_function(lambda x: x * 2.0, [tf.constant(A)], tf.float32), A * 2),
    "uint8": (lambda: tf.cast([1.5, 255.0], tf.uint8), np.uint8([1, 255])),
    "int16": (lambda: tf.constant([1, -2], tf.int16), np.int16([1, -2])),
    "int8": (lambda: tf.cast([1, -2], tf.int8), np.int8([1, -2])),
    "float16": (lambda: tf.cast(A, tf.float16), A.astype(np.float16)),
    "pi": (lambda: tf.constant(tf.pi), np.float32(np.pi)),
    "to_categorical": (lambda: keras.utils.to_categorical([1, 0, 2]), np.eye(3)[[1, 0, 2]]),
    "activations.relu": (lambda: keras.activations.relu(A), np.maximum(A, 0)),
    "activations.gelu": (lambda: keras.activations.softplus(A), np.log1p(np.exp(A))),
    "layers.add": (lambda: keras.layers.add([tf.constant(A), tf.constant(B)]), A + B),
    "layers.concatenate": (lambda: keras.layers.concatenate([tf.constant(A), tf.constant(B)]), np.concatenate([A, B], 1)),
    "initializers.Zeros": (lambda: keras.initializers.Zeros()((2, 3)), np.zeros((2, 3))),
    "initializers.zeros": (lambda: tf.initializers.zeros()((2, 3)), np.zeros((2, 3))),
    "initializers.Constant": (lambda: keras.initializers.Constant(2.5)((2,)), [2.5, 2.5]),
    "regularizers.l1": (lambda: keras.regularizers.l1(0.1)(tf.constant(A)), 0.1 * np.abs(A).sum()),
    "regularizers.l1_l2": (
        lambda: keras.regularizers.l1_l2(l1=0.1, l2=0.2)(tf.constant(A)),
        0.1 * np.abs(A).sum() + 0.2 * (A * A).sum(),
    ),
    "compute_average_loss": (lambda: tf.nn.compute_average_loss(A[0], global_batch_size=8), A[0].sum() / 8),
    "scale_regularization_loss": (lambda: tf.nn.scale_regularization_loss(tf.constant(3.0)), 3.0),
    "Reduction.NONE": (
        lambda: keras.losses.MeanSquaredError(reduction=keras.losses.Reduction.NONE)(A, B),
        ((A - B) ** 2).mean(1),
    ),
    "Reduction.SUM": (
        lambda: keras.losses.MeanSquaredError(reduction=keras.losses.Reduction.SUM)(A, B),
        ((A - B) ** 2).mean(1).sum(),
    ),
    "binary_crossentropy": (
        lambda: keras.losses.binary_crossentropy(A > 0, tf.sigmoid(B)),
        -np.where(A > 0, np.log(1 / (1 + np.exp(-B))), np.log(1 / (1 + np.exp(B)))).mean(1),
    ),
    "sparse_categorical_crossentropy": (
        lambda: keras.losses.sparse_categorical_crossentropy([1, 0, 2], tf.nn.softmax(A)),
        -np.log(np.exp(A) / np.exp(A).sum(1, keepdims=True))[[0, 1, 2], [1, 0, 2]],
    ),
}  # fmt: skip


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    made, wanted = VALUES[name]
    found = made()
    close(found, wanted)
    if isinstance(wanted, np.ndarray) and isinstance(found, tf.Tensor):
        assert found.dtype.as_numpy_dtype == wanted.dtype or wanted.dtype == np.float64


GRAPHS: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "nn.sigmoid": (lambda a, p: v1.nn.sigmoid(a), 1 / (1 + np.exp(-A))),
    "sigmoid": (lambda a, p: v1.sigmoid(a), 1 / (1 + np.exp(-A))),
    "nn.tanh": (lambda a, p: v1.nn.tanh(a), np.tanh(A)),
    "log": (lambda a, p: v1.log(p), np.log(P)),
    "exp": (lambda a, p: v1.exp(a), np.exp(A)),
    "sqrt": (lambda a, p: v1.sqrt(p), np.sqrt(P)),
    "pow": (lambda a, p: v1.pow(p, 2.0), P**2),
    "abs": (lambda a, p: v1.abs(a), np.abs(A)),
    "negative": (lambda a, p: v1.negative(a), -A),
    "multiply": (lambda a, p: v1.multiply(a, p), A * P),
    "add_n": (lambda a, p: v1.add_n([a, p, a]), A + P + A),
    "stack": (lambda a, p: v1.stack([a, p]), np.stack([A, P])),
    "tile": (lambda a, p: v1.tile(a, [1, 2]), np.tile(A, (1, 2))),
    "expand_dims": (lambda a, p: v1.expand_dims(a, 0), A[None]),
    "squeeze": (lambda a, p: v1.squeeze(v1.expand_dims(a, 0)), A),
    "zeros_like": (lambda a, p: v1.zeros_like(a), np.zeros_like(A)),
    "one_hot": (lambda a, p: v1.one_hot([1, 0], 3), np.eye(3)[[1, 0]]),
    "to_float": (lambda a, p: v1.to_float(v1.constant([1, 2])), [1.0, 2.0]),
    "range": (lambda a, p: v1.range(2, 8, 3), [2, 5]),
    "convert_to_tensor": (lambda a, p: v1.convert_to_tensor([[1.0, 2.0]]) + 1.0, [[2.0, 3.0]]),
    "embedding_lookup": (lambda a, p: v1.nn.embedding_lookup(a, [2, 0]), A[[2, 0]]),
    "bias_add": (lambda a, p: v1.nn.bias_add(a, [1.0, 2.0, 3.0, 4.0]), A + np.arange(1, 5)),
    "clip_by_norm": (lambda a, p: v1.clip_by_norm(a, 1.0), A / np.linalg.norm(A)),
    "arg_min": (lambda a, p: v1.arg_min(a, 1), A.argmin(1)),
    "sparse_softmax_cross_entropy": (
        lambda a, p: v1.nn.sparse_softmax_cross_entropy_with_logits(labels=[1, 0, 2], logits=a),
        -np.log(np.exp(A) / np.exp(A).sum(1, keepdims=True))[[0, 1, 2], [1, 0, 2]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_values_of_graphs(name: str) -> None:
    make, wanted = GRAPHS[name]
    with v1.Graph().as_default(), v1.Session() as sess:
        a, p = v1.placeholder(v1.float32, [None, 4]), v1.placeholder(v1.float32, [3, 4])
        close(sess.run(make(a, p), {a: A, p: P}), wanted)


def test_initializers_draw_what_they_say() -> None:
    drawn = [tf.random_normal_initializer(0.5, 2.0), tf.initializers.RandomNormal(0.5, 2.0, seed=1)]
    for initializer in drawn:
        values = np.asarray(initializer((200, 200)))
        assert abs(values.mean() - 0.5) < 0.05 and abs(values.std() - 2.0) < 0.05
    with v1.Graph().as_default(), v1.Session() as sess:
        w = v1.get_variable("w", [2, 3], initializer=v1.constant_initializer(4.0))
        step = v1.train.get_or_create_global_step()
        assert v1.train.get_global_step() is step
        sess.run(v1.global_variables_initializer())
        close(sess.run(w), np.full((2, 3), 4.0))


def test_generators_repeat() -> None:
    a, b = (tf.random.Generator.from_seed(3).normal((5,)) for _ in range(2))
    close(a, np.asarray(b))


def test_checkpoints(tmp_path: Path) -> None:
    """Variables of a model and an optimizer come back; a manager keeps the latest."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    checkpoint = tf.train.Checkpoint(model=model, step=tf.Variable(1))
    manager = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=2)
    before = model.get_weights()
    for _ in range(3):
        manager.save()
    assert len(manager.checkpoints) == 2
    model.set_weights([w + 1 for w in before])
    checkpoint.restore(tf.train.latest_checkpoint(str(tmp_path)))
    close(model.get_weights()[0], before[0])


def test_callbacks(tmp_path: Path) -> None:
    """A callback of the user's sees each epoch; ModelCheckpoint keeps the weights."""
    seen = []

    class Mine(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append((epoch, logs["loss"]))

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    path = tmp_path / "best.weights.npz"
    keep = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    history = model.fit(A, B[:, :1], epochs=3, verbose=0, callbacks=[Mine(), keep]).history["loss"]
    assert [n for n, _ in seen] == [0, 1, 2]
    assert [x for _, x in seen] == history
    weights = model.get_weights()
    model.set_weights([w * 0 for w in weights])
    model.load_weights(path)
    close(model.get_weights()[0], weights[0])


def test_data_options() -> None:
    rows = tf.data.Dataset.from_tensor_slices(A).map(lambda x: x * 2.0, num_parallel_calls=tf.data.AUTOTUNE)
    close(np.stack([np.asarray(x) for x in rows.prefetch(tf.data.AUTOTUNE)]), A * 2)
