"""tf.nn of TF1 where it differs from TF2's: arguments, and what gradients flow into."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import array_ops, linalg
from irc.frontends.tensorflow import nn as eager
from irc.frontends.tensorflow.compat.v1.actions import Random
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, call, prepared
from irc.frontends.tensorflow.tensor import is_number


def _named(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    if sentinel is not None or labels is None or logits is None:
        raise located(
            RecordValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
        )


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: Any = -1,
    name: str | None = None,
    axis: Any = None,
) -> Any:
    """The cross-entropy of probabilities and unnormalised logarithms; no gradient flows into the labels."""
    _named("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    labels = call(array_ops.stop_gradient, (as_tensor(labels),), "StopGradient")
    return softmax_cross_entropy_with_logits_v2(labels, logits, dim if axis is None else axis, name)


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = -1, name: str | None = None, dim: Any = None
) -> Any:
    """The cross-entropy of probabilities and unnormalised logarithms."""
    kind = "softmax_cross_entropy_with_logits"
    return call(
        eager.softmax_cross_entropy_with_logits, (labels, logits, axis if dim is None else dim), kind, name
    )


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The cross-entropy of class numbers and unnormalised logarithms."""
    _named("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    kind = "SparseSoftmaxCrossEntropyWithLogits"
    return call(eager.sparse_softmax_cross_entropy_with_logits, (labels, logits), kind, name)


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The cross-entropy of independent probabilities and logits."""
    _named("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    return call(eager.sigmoid_cross_entropy_with_logits, (labels, logits), "logistic_loss", name)


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: Any = None,
    name: str | None = None,
    rate: Any = None,
) -> Any:
    """Each element kept with probability `keep_prob`, and divided by it; `rate` is 1 - keep_prob."""
    if (keep_prob is None) is (rate is None):
        raise located(RecordValueError("You must give one of the arguments `rate` and `keep_prob`"))
    if rate is None:
        kept = prepared(keep_prob)
        rate = 1 - kept if is_number(kept) else 1.0 - kept
    kwargs = {"noise_shape": noise_shape, "seed": seed}
    return call(eager.dropout, (as_tensor(x), rate), "dropout", name, kwargs, Random)


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Any:
    """The rows of params that ids name."""
    params = prepared(params)
    if isinstance(params, (list, tuple)):
        if len(params) != 1:
            raise located(
                RecordValueError(
                    "embeddings in several parts are not there", notes=("concatenate them first",)
                )
            )
        params = params[0]
    return call(eager.embedding_lookup, (params, ids, max_norm), "embedding_lookup", name)


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: float,
    name: str | None = None,
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset."""
    return call(
        eager.batch_normalization, (x, mean, variance, offset, scale, variance_epsilon), "batchnorm", name
    )


def moments(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> Any:
    """Mean and variance along axes."""
    return call(eager.moments, (x, axes, None, bool(keep_dims or keepdims)), "moments", name)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """x @ weights + biases."""
    return call(eager.bias_add, (call(linalg.matmul, (x, weights), "MatMul"), biases), "xw_plus_b", name)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """relu(x @ weights + biases)."""
    return call(eager.relu, (xw_plus_b(x, weights, biases),), "Relu", name)
