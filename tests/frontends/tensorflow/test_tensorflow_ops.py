"""Operations against NumPy and PyTorch: values, dtypes, and TensorFlow's own rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 4)).astype(np.float32)
B = RNG.standard_normal((3, 4)).astype(np.float32)
P = np.abs(A) + 0.5
N = RNG.integers(-9, 9, (3, 4)).astype(np.int32)
J = RNG.integers(1, 5, (3, 4)).astype(np.int32)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


CASES: dict[str, tuple[Any, Any]] = {
    "add": (lambda: tf.add(A, B), A + B),
    "operators": (lambda: (tf.constant(A) + B) * 2 - 1 / tf.constant(P), (A + B) * 2 - 1 / P),
    "matmul": (lambda: tf.matmul(A, B, transpose_b=True), A @ B.T),
    "matvec": (lambda: tf.linalg.matvec(A, B[0]), A @ B[0]),
    "tensordot": (lambda: tf.tensordot(A, B, [[0], [0]]), np.tensordot(A, B, [[0], [0]])),
    "einsum": (lambda: tf.einsum("ij,kj->ik", A, B), A @ B.T),
    "einsum batches": (lambda: tf.einsum("...ij,...kj->...ik", A[None], B[None]), (A @ B.T)[None]),
    "floordiv": (lambda: tf.constant(N) // tf.constant(J), N // J),
    "floormod": (lambda: tf.constant(N) % tf.constant(J), N % J),
    "integer division": (lambda: tf.constant(N) / tf.constant(J), N / J),
    "divide_no_nan": (lambda: tf.math.divide_no_nan([1.0, 2.0], [0.0, 4.0]), np.float32([0, 0.5])),
    "pow": (lambda: tf.constant(P) ** 2.5, P**2.5),
    "square": (lambda: tf.square(A), A * A),
    "sqrt": (lambda: tf.sqrt(P), np.sqrt(P)),
    "log1p": (lambda: tf.math.log1p(P), np.log1p(P)),
    "tanh": (lambda: tf.tanh(A), np.tanh(A)),
    "round to even": (lambda: tf.round([0.5, 1.5, 2.5]), np.float32([0, 2, 2])),
    "cast truncates": (lambda: tf.cast([1.9, -1.9], tf.int32), np.int32([1, -1])),
    "clip": (lambda: tf.clip_by_value(A, -0.5, 0.5), np.clip(A, -0.5, 0.5)),
    "where": (lambda: tf.where(tf.constant(A) > 0, A, B), np.where(A > 0, A, B)),
    "reduce_mean": (lambda: tf.reduce_mean(A, axis=1, keepdims=True), A.mean(1, keepdims=True)),
    "reduce_std": (lambda: tf.math.reduce_std(A, 0), A.std(0)),
    "reduce_logsumexp": (lambda: tf.reduce_logsumexp(A, 1), np.log(np.exp(A).sum(1))),
    "argmax": (lambda: tf.argmax(A, axis=1), A.argmax(1)),
    "argmax default axis": (lambda: tf.argmax(A), A.argmax(0)),
    "cumsum": (lambda: tf.cumsum(A, 1), A.cumsum(1)),
    "cumsum from the end, exclusive": (
        lambda: tf.cumsum([1, 2, 3], exclusive=True, reverse=True),
        np.int32([5, 3, 0]),
    ),
    "softmax": (lambda: tf.nn.softmax(A), softmax(A)),
    "reshape": (lambda: tf.reshape(A, [-1, 2]), A.reshape(-1, 2)),
    "transpose": (lambda: tf.transpose(A), A.T),
    "concat": (lambda: tf.concat([A, B], 1), np.concatenate([A, B], 1)),
    "stack": (lambda: tf.stack([A, B], 1), np.stack([A, B], 1)),
    "split": (lambda: tf.split(A, [1, -1], 1)[1], A[:, 1:]),
    "tile": (lambda: tf.tile(A, [2, 1]), np.tile(A, (2, 1))),
    "repeat": (lambda: tf.repeat(A, [1, 0, 2], axis=0), np.repeat(A, [1, 0, 2], 0)),
    "pad": (lambda: tf.pad(A, [[1, 0], [0, 2]]), np.pad(A, [[1, 0], [0, 2]])),
    "pad reflect": (lambda: tf.pad(A, [[1, 1], [2, 0]], "REFLECT"), np.pad(A, [[1, 1], [2, 0]], "reflect")),
    "pad symmetric": (
        lambda: tf.pad(A, [[1, 1], [2, 0]], "SYMMETRIC"),
        np.pad(A, [[1, 1], [2, 0]], "symmetric"),
    ),
    "one_hot": (lambda: tf.one_hot([0, 2, -1], 3), np.float32([[1, 0, 0], [0, 0, 1], [0, 0, 0]])),
    "range": (lambda: tf.range(1, 10, 3), np.int32([1, 4, 7])),
    "linspace": (lambda: tf.linspace(0.0, 1.0, 5), np.linspace(0, 1, 5, dtype=np.float32)),
    "eye": (lambda: tf.eye(2, 3), np.eye(2, 3, dtype=np.float32)),
    "gather": (lambda: tf.gather(A, [2, 0], axis=0), A[[2, 0]]),
    "gather in batches": (
        lambda: tf.gather(A, [[1, 0], [3, 3], [2, 1]], batch_dims=1),
        np.take_along_axis(A, np.array([[1, 0], [3, 3], [2, 1]]), 1),
    ),
    "gather_nd": (lambda: tf.gather_nd(A, [[0, 1], [2, 3]]), A[[0, 2], [1, 3]]),
    "scatter_nd": (lambda: tf.scatter_nd([[1], [1]], [2.0, 3.0], [3]), np.float32([0, 5, 0])),
    "boolean_mask": (lambda: tf.boolean_mask(A, A > 0), A[A > 0]),
    "slices": (lambda: tf.constant(A)[1:, ::-2, tf.newaxis], A[1:, ::-2, None]),
    "ellipsis": (lambda: tf.constant(A)[..., -1], A[..., -1]),
    "sort": (lambda: tf.sort(A, direction="DESCENDING"), -np.sort(-A)),
    "top_k": (lambda: tf.math.top_k(A, 2).indices, np.argsort(-A, 1)[:, :2].astype(np.int32)),
    "unique": (lambda: tf.unique([4, 4, 1, 2, 1])[0], np.int32([4, 1, 2])),
    "confusion_matrix": (
        lambda: tf.math.confusion_matrix([0, 1, 1], [1, 1, 1]),
        np.int32([[0, 1], [0, 2]]),
    ),
    "norm": (lambda: tf.norm(A, axis=1), np.linalg.norm(A, axis=1)),
    "l2_normalize": (lambda: tf.math.l2_normalize(A, 1), A / np.linalg.norm(A, axis=1, keepdims=True)),
    "leaky_relu": (lambda: tf.nn.leaky_relu(A), np.where(A > 0, A, 0.2 * A)),
    "l2_loss": (lambda: tf.nn.l2_loss(A), (A * A).sum() / 2),
    "moments": (lambda: tf.nn.moments(tf.constant(A), [0])[1], A.var(0)),
    "bias_add": (lambda: tf.nn.bias_add(A, B[0]), A + B[0]),
    "batch_normalization": (
        lambda: tf.nn.batch_normalization(A, A.mean(0), A.var(0), B[0], B[1], 1e-3),
        (A - A.mean(0)) / np.sqrt(A.var(0) + 1e-3) * B[1] + B[0],
    ),
    "sparse softmax loss": (
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([1, 0, 3], A),
        -np.log(softmax(A))[np.arange(3), [1, 0, 3]],
    ),
    "softmax loss": (
        lambda: tf.nn.softmax_cross_entropy_with_logits(softmax(B), A),
        -(softmax(B) * np.log(softmax(A))).sum(1),
    ),
    "sigmoid loss": (
        lambda: tf.nn.sigmoid_cross_entropy_with_logits(softmax(B), A),
        np.maximum(A, 0) - A * softmax(B) + np.log1p(np.exp(-np.abs(A))),
    ),
    "trace": (lambda: tf.linalg.trace(A[:, :3]), np.trace(A[:, :3])),
    "meshgrid": (lambda: tf.meshgrid([1, 2], [3, 4, 5])[0], np.int32([[1, 2]] * 3)),
    "clip_by_norm": (lambda: tf.clip_by_norm([3.0, 4.0], 1.0), np.float32([0.6, 0.8])),
}


@pytest.mark.parametrize("name", CASES)
def test_value(name: str) -> None:
    run, wanted = CASES[name]
    found = run().numpy()
    assert np.shape(found) == np.shape(wanted)
    assert np.asarray(found).dtype == np.asarray(wanted).dtype
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)


SAME = [(5, 3, 1, 1), (5, 3, 2, 1), (6, 3, 2, 1), (7, 2, 3, 1), (6, 3, 1, 2)]


@pytest.mark.parametrize("n, k, stride, dilation", SAME)
def test_same_padding_is_tensorflows(n: int, k: int, stride: int, dilation: int) -> None:
    """The odd element of padding is behind; PyTorch on an input padded by hand agrees."""
    torch = pytest.importorskip("torch")
    x = RNG.standard_normal((2, n, n, 3)).astype(np.float32)
    w = RNG.standard_normal((k, k, 3, 4)).astype(np.float32)
    y = tf.nn.conv2d(x, w, stride, "SAME", dilations=dilation)
    total = max((-(-n // stride) - 1) * stride + (k - 1) * dilation + 1 - n, 0)
    low, high = total // 2, total - total // 2
    wide = torch.nn.functional.pad(torch.tensor(x).permute(0, 3, 1, 2), (low, high, low, high))
    kernel = torch.tensor(w).permute(3, 2, 0, 1)
    wanted = torch.nn.functional.conv2d(wide, kernel, stride=stride, dilation=dilation).permute(0, 2, 3, 1)
    assert y.shape == (2, -(-n // stride), -(-n // stride), 4)
    np.testing.assert_allclose(y.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)


def test_convolutions_and_pools() -> None:
    torch = pytest.importorskip("torch")
    x = RNG.standard_normal((2, 7, 7, 4)).astype(np.float32)
    first = torch.tensor(x).permute(0, 3, 1, 2)
    w = RNG.standard_normal((3, 3, 4, 2)).astype(np.float32)
    deep = tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "VALID")
    kernel = torch.tensor(w).permute(2, 3, 0, 1).reshape(8, 1, 3, 3)
    wanted = torch.nn.functional.conv2d(first, kernel, groups=4).permute(0, 2, 3, 1)
    np.testing.assert_allclose(deep.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)
    pooled = tf.nn.max_pool2d(x, 2, 2, "VALID")
    wanted = torch.nn.functional.max_pool2d(first, 2).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(pooled.numpy(), wanted.numpy())
    average = tf.nn.avg_pool2d(x, 3, 2, "SAME")
    wanted = torch.nn.functional.avg_pool2d(first, 3, 2, 1, count_include_pad=False).permute(0, 2, 3, 1)
    np.testing.assert_allclose(average.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n, k, stride, padding", [(4, 3, 2, "SAME"), (5, 3, 1, "VALID"), (3, 4, 2, "VALID")])
def test_transposed_convolution_is_the_gradient(n: int, k: int, stride: int, padding: str) -> None:
    size = n * stride if padding == "SAME" else (n - 1) * stride + k
    x = RNG.standard_normal((1, size, size, 2)).astype(np.float32)
    w = RNG.standard_normal((k, k, 2, 3)).astype(np.float32)
    g = RNG.standard_normal((1, n, n, 3)).astype(np.float32)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = tf.nn.conv2d(given, w, stride, padding)
    wanted = tape.gradient(y, given, output_gradients=g)
    found = tf.nn.conv2d_transpose(g, w, x.shape, stride, padding)
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)


def test_default_dtypes() -> None:
    assert tf.constant(1).dtype == tf.int32 and tf.constant(1.0).dtype == tf.float32
    assert tf.constant([True]).dtype == tf.bool and tf.constant(np.zeros(2)).dtype == tf.float64
    assert tf.constant(2**40).dtype == tf.int64 and (tf.constant(1) / 2).dtype == tf.float64
    assert tf.constant(1.0).dtype == "float32" == tf.constant(1.0).dtype and tf.float32 == np.float32
    assert tf.argmax([1.0, 2.0]).dtype == tf.int64 and tf.shape([1, 2]).dtype == tf.int32


def test_shapes() -> None:
    s = tf.TensorShape([2, None, 3])
    assert s.rank == 3 and s.as_list() == [2, None, 3] and s.num_elements() is None
    assert s.is_compatible_with([2, 7, 3]) and not s.is_compatible_with([3, 7, 3])
    assert str(s) == "(2, None, 3)" and tf.zeros([2, 3]).shape == (2, 3) and tf.zeros([2, 3]).shape == [2, 3]


def test_printing() -> None:
    assert repr(tf.constant([1.0, 2.0])) == (
        "<tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>"
    )
    assert str(tf.constant(1.5)) == "tf.Tensor(1.5, shape=(), dtype=float32)"
    assert repr(tf.Variable(3, name="n")) == "<tf.Variable 'n:0' shape=() dtype=int32, numpy=3>"


def test_random_numbers() -> None:
    tf.random.set_seed(1)
    first = tf.random.normal([4000]).numpy()
    tf.random.set_seed(1)
    np.testing.assert_array_equal(first, tf.random.normal([4000]).numpy())
    assert abs(first.mean()) < 0.06 and abs(first.std() - 1) < 0.06
    cut = tf.random.truncated_normal([4000], stddev=2.0).numpy()
    assert np.abs(cut).max() <= 4 and abs(cut.std() - 2 * 0.8796) < 0.1
    draws = tf.random.uniform([1000], 2, 5, tf.int32).numpy()
    assert set(draws) == {2, 3, 4}
    assert sorted(tf.random.shuffle(tf.range(9)).numpy()) == list(range(9))
    kept = tf.nn.dropout(tf.ones([10000]), 0.4).numpy()
    assert abs((kept == 0).mean() - 0.4) < 0.03 and kept.max() == np.float32(1 / 0.6)
    same = [tf.random.stateless_normal([3], [1, 2]).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*same)


def test_variables() -> None:
    v = tf.Variable([1.0, 2.0])
    v.assign_add([1.0, 1.0])
    v.assign_sub(tf.constant([0.5, 0.0]))
    np.testing.assert_array_equal(v.numpy(), [1.5, 3])
    seen = v.read_value()
    v.assign([0, 0])
    np.testing.assert_array_equal(seen.numpy(), [1.5, 3])
    assert (v + 1).dtype == tf.float32 and v.shape == (2,) and v.ref() == v.ref()


REFUSED = {
    "dtypes": (
        lambda: tf.constant(1) + tf.constant(1.0),
        "expected to be a int32 tensor but is a float tensor",
    ),
    "a float into int32": (lambda: tf.constant(1) + 1.5, "Cannot convert 1.5 to EagerTensor of dtype int32"),
    "shapes": (
        lambda: tf.ones([2, 3]) + tf.ones([2, 4]),
        r"Incompatible shapes: \[2,3\] vs. \[2,4\] \[Op:AddV2\]",
    ),
    "matmul": (
        lambda: tf.ones([2, 3]) @ tf.ones([2, 3]),
        r"In\[0\]: \[2,3\], In\[1\]: \[2,3\] \[Op:MatMul\]",
    ),
    "reshape": (lambda: tf.reshape(tf.ones([6]), [4, 2]), "6 values, but the requested shape has 8"),
    "index": (lambda: tf.gather([1.0, 2.0], [2]), r"indices\[0\] = 2 is not in \[0, 2\)"),
    "sqrt of integers": (lambda: tf.sqrt([4]), "bfloat16, half, float, double"),
    "assigned shape": (lambda: tf.Variable([1.0]).assign([1.0, 2.0]), "Shape mismatch"),
    "ragged list": (lambda: tf.constant([[1, 2], [3]]), "non-rectangular"),
    "hash": (lambda: hash(tf.constant(1)), "Tensor is unhashable"),
    "a name": (lambda: tf.nowhere, "tf.nowhere is not there"),
    "depth": (lambda: tf.nn.conv2d(tf.ones([1, 4, 4, 3]), tf.ones([2, 2, 2, 1]), 1, "SAME"), "3 vs 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name: str) -> None:
    """TensorFlow's words, at this file's line."""
    run, text = REFUSED[name]
    with pytest.raises(
        (tf.errors.InvalidArgumentError, TypeError, ValueError, AttributeError), match=text
    ) as found:
        run()
    assert found.value.span.file == __file__
