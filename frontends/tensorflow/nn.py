"""tf.nn: activations, convolutions and pooling (NHWC, HWIO), losses on logits, normalisation, dropout."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.lowering import elementwise as W
from irc.frontends.lowering import indexing as I
from irc.frontends.lowering import losses as Losses
from irc.frontends.recorder.graph import require
from irc.frontends.recorder.places import seen
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import missing
from irc.frontends.tensorflow.array_ops import concat, pad, reshape
from irc.frontends.tensorflow.convolution import (
    atrous_conv2d,
    avg_pool,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    conv1d,
    conv2d,
    conv2d_transpose,
    conv3d,
    convolution,
    depthwise_conv2d,
    max_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    pool,
    separable_conv2d,
)
from irc.frontends.tensorflow.dtypes import float32
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.indexing import check_bounds, in_top_k, top_k
from irc.frontends.tensorflow.pointwise import (
    add,
    cast,
    floating,
    log_sigmoid,
    pair,
    rsqrt,
    sigmoid,
    softplus,
    square,
    tanh,
)
from irc.frontends.tensorflow.random import dropout_mask
from irc.frontends.tensorflow.reductions import (
    l2_normalize,
    log_softmax,
    moments,
    norm,
    normal_axis,
    reduce_mean,
    reduce_sum,
    softmax,
)
from irc.frontends.tensorflow.shape import bracketed
from irc.frontends.tensorflow.tensor import Tensor, convert_to_tensor, emit, is_number


def _activation(name: str, op: str, lower: Any, *statics: Any, doc: str) -> Callable[..., Tensor]:
    def run(features: Any, name: str | None = None) -> Tensor:
        return emit(lower, (floating(features, op),), *statics, op=op)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = doc
    return run


elu = _activation("elu", "Elu", W.elu, 1.0, 1.0, 1.0, doc="exp(x) - 1 below 0, x above.")
selu = _activation(
    "selu", "Selu", W.elu, 1.6732632423543772, 1.0507009873554805, 1.0, doc="Klambauer et al. 2017."
)
softsign = _activation("softsign", "Softsign", W.softsign, doc="x / (|x| + 1).")
relu6 = _activation("relu6", "Relu6", W.hardtanh, 0.0, 6.0, doc="x between 0 and 6.")


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0)."""
    return emit(W.relu, (convert_to_tensor(features),), op="Relu")


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x above 0, alpha x below."""
    return emit(W.leaky_relu, (floating(features, "LeakyRelu"),), float(alpha), op="LeakyRelu")


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """x times the normal distribution function."""
    return emit(W.gelu, (floating(features, "Gelu"),), "tanh" if approximate else "none", op="Gelu")


def silu(features: Any, beta: float = 1.0) -> Tensor:
    """x sigmoid(beta x)."""
    x = floating(features, "Silu")
    return emit(W.silu, (x,), op="Silu") if is_number(beta) and beta == 1 else x * sigmoid(x * beta)


swish = silu


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """relu of x and of -x, joined."""
    x = convert_to_tensor(features)
    return relu(concat([x, -x], axis))


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """value + bias along the channels (the last dimension; the second for NC...)."""
    x = convert_to_tensor(value)
    b = convert_to_tensor(bias, dtype_hint=x.dtype)
    d = 1 if (data_format or "N...C").startswith("NC") else x.ndim - 1
    n = x._read().type.shape[d]
    if b._read().type.shape != (n,):
        raise located(
            InvalidArgumentError(
                f"Must provide as many biases as the last dimension of the input tensor: {b.shape} vs. {n} in {x.shape} [Op:BiasAdd]"
            )
        )
    if d != x.ndim - 1:
        b = reshape(b, (n, *(1,) * (x.ndim - 1 - d)))
    return add(x, b)


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: float,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset."""
    x = floating(x, "BatchNorm")
    inverse = rsqrt(convert_to_tensor(variance) + variance_epsilon)
    if scale is not None:
        inverse = inverse * scale
    out = x * inverse
    shift = -(convert_to_tensor(mean) * inverse)
    return out + (shift if offset is None else convert_to_tensor(offset) + shift)


def dropout(
    x: Any, rate: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Each element zero with probability `rate`, the others over 1 - rate."""
    x = floating(x, "Dropout")
    if not is_number(rate):
        rate = float(rate)
    if not 0 <= rate < 1:
        raise located(
            RecordValueError(
                f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}"
            )
        )
    if rate == 0:
        return x
    full = x._read().type.shape
    shape = (
        full
        if noise_shape is None
        else tuple(n if k is None else k for n, k in zip(full, noise_shape, strict=True))
    )
    mask = dropout_mask(shape, float(rate), seed)
    return emit(W.keep, (x, mask), 1 / (1 - rate), op="Dropout")


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of squares."""
    return reduce_sum(square(floating(t, "L2Loss"))) / 2


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Tensor:
    """The rows of params that ids name."""
    x, index = convert_to_tensor(params) if not hasattr(params, "_read") else params, convert_to_tensor(ids)
    check_bounds(index, x._read().type.shape[0])
    return emit(I.take, (x, index), 0, op="ResourceGather")


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Tensor:
    """-sum labels log softmax(logits) along the axis; labels are probabilities."""
    x = floating(logits, "SoftmaxCrossEntropyWithLogits")
    y, x, _ = pair(convert_to_tensor(labels, dtype_hint=x.dtype), x, "SoftmaxCrossEntropyWithLogits")
    if y.shape != x.shape:
        raise located(
            InvalidArgumentError(
                f"logits and labels must be broadcastable: logits_size={bracketed(x._read().type.shape)} "
                f"labels_size={bracketed(y._read().type.shape)} [Op:SoftmaxCrossEntropyWithLogits]"
            )
        )
    d = normal_axis(axis, x.ndim)
    return emit(Losses.soft_likelihood, (log_softmax(x, d), y), d, op="SoftmaxCrossEntropyWithLogits")


def _check_labels(classes: int, labels: Any) -> None:
    """Raises InvalidArgumentError where a label names no class."""
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        bad = labels[(labels < 0) | (labels >= classes)].reshape(-1)[0]
        op = "SparseSoftmaxCrossEntropyWithLogits"
        raise located(
            InvalidArgumentError(
                f"Received a label value of {bad} which is outside the valid range of [0, {classes}). [Op:{op}]",
                notes=(
                    f"the predictions have {classes} classes, numbered from 0: label {bad} is none of them",
                ),
            )
        )


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """-log softmax(logits) at the class that each label names; classes are the last dimension."""
    op = "SparseSoftmaxCrossEntropyWithLogits"
    x, y = floating(logits, op), convert_to_tensor(labels)
    if not y.dtype.is_integer:
        raise located(
            InvalidArgumentError(
                f"Value for attr 'Tlabels' of {y.dtype.word} is not in the list of allowed values: int32, int64 [Op:{op}]"
            )
        )
    if y._read().type.shape != x._read().type.shape[:-1]:
        raise located(
            RecordValueError(
                f"`labels.shape` must equal `logits.shape` except for the last dimension. Received: labels.shape={y.shape} and "
                f"logits.shape={x.shape}",
                notes=(
                    "labels are class numbers here; for one-hot labels write tf.nn.softmax_cross_entropy_with_logits",
                ),
            )
        )
    check = functools.partial(_check_labels, int(x.shape[-1]))
    if y._read().array is None:
        require(y._read(), check)
    elif (known := seen(y._read().array)) is not None:
        check(known)
    return cross_entropy_of_numbers(y, x)


def cross_entropy_of_numbers(y: Any, x: Any) -> Tensor:
    """-log softmax(x) at the class that each label names; 0 for a label that names none."""
    logp = log_softmax(x, x.ndim - 1)
    return emit(Losses.likelihood_last, (logp, y), op="SparseSoftmaxCrossEntropyWithLogits")


def sigmoid_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """max(x, 0) - x y + log(1 + exp(-|x|))."""
    op = "SigmoidCrossEntropyWithLogits"
    if labels is None or logits is None:
        raise located(RecordTypeError("sigmoid_cross_entropy_with_logits takes labels= and logits="))
    x = floating(logits, op)
    y, x, _ = pair(convert_to_tensor(labels, dtype_hint=x.dtype), x, op)
    if y.shape != x.shape:
        raise located(
            RecordValueError(
                f"`logits` and `labels` must have the same shape, received ({x.shape} vs {y.shape})."
            )
        )
    return emit(Losses.binary_cross_entropy_logits, (x, y), False, False, "none", op=op)


def weighted_cross_entropy_with_logits(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> Tensor:
    """sigmoid_cross_entropy_with_logits with the positive part weighted."""
    op = "WeightedCrossEntropyWithLogits"
    x = floating(logits, op)
    y, x, _ = pair(convert_to_tensor(labels, dtype_hint=x.dtype), x, op)
    weight = convert_to_tensor(pos_weight, x.dtype)
    return emit(Losses.binary_cross_entropy_logits, (x, y, weight), False, True, "none", op=op)


def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The tensor over its norm, and the norm."""
    x = floating(tensor, "Normalize")
    size = norm(x, ord, axis, True)
    return x / size, size


def compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None
) -> Tensor:
    """The sum of losses over the size of the batch."""
    loss = convert_to_tensor(per_example_loss)
    if sample_weight is not None:
        loss = loss * convert_to_tensor(sample_weight, dtype_hint=loss.dtype)
    n = loss.shape[0] if global_batch_size is None else int(global_batch_size)
    return reduce_sum(loss) / n


def scale_regularization_loss(regularization_loss: Any) -> Tensor:
    """The sum of regularization losses: there is one replica."""
    return reduce_sum(convert_to_tensor(regularization_loss))


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """x over (bias + alpha sum of squares of neighbouring channels) ^ beta."""
    x = floating(input, "LRN")
    n = x.shape[-1]
    wide = pad(square(x), [[0, 0]] * (x.ndim - 1) + [[depth_radius, depth_radius]])
    total = wide[..., 0:n]
    for k in range(1, 2 * depth_radius + 1):
        total = total + wide[..., k : k + n]
    return x / (bias + alpha * total) ** beta


lrn = local_response_normalization


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of elements that are 0."""
    return reduce_mean(cast(convert_to_tensor(value) == 0, float32))


__all__ = [
    "atrous_conv2d", "avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_normalization", "bias_add",
    "compute_average_loss", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "convolution", "crelu",
    "depthwise_conv2d", "dropout", "elu", "embedding_lookup", "gelu", "in_top_k", "l2_loss", "l2_normalize",
    "leaky_relu", "local_response_normalization", "log_sigmoid", "log_softmax", "lrn", "max_pool",
    "max_pool1d", "max_pool2d", "max_pool3d", "moments", "normalize", "pool", "relu", "relu6",
    "scale_regularization_loss", "selu", "separable_conv2d", "sigmoid", "sigmoid_cross_entropy_with_logits",
    "silu", "softmax", "softmax_cross_entropy_with_logits", "softplus", "softsign",
    "sparse_softmax_cross_entropy_with_logits", "swish", "tanh", "top_k",
    "weighted_cross_entropy_with_logits", "zero_fraction",
]  # fmt: skip

__getattr__ = missing("tf.nn", globals())
