"""tf.losses: weighted losses as scalars, kept in the collection of losses."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import array_ops, dtypes, math, nn, pointwise, reductions
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, call
from irc.frontends.tensorflow.compat.v1.graph import GraphKeys, get_default_graph
from irc.frontends.tensorflow.tensor import convert_to_tensor


class Reduction:
    """How losses of elements become one."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"


BY_NONZERO = Reduction.SUM_BY_NONZERO_WEIGHTS


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """Losses times weights, reduced; goes into the collection."""
    kinds = [v for k, v in vars(Reduction).items() if k.isupper()]
    if reduction not in kinds:
        raise located(RecordValueError(f"Invalid Reduction Key {reduction}"))
    with get_default_graph().name_scope(scope or "weighted_loss"):
        made = call(_weighted, (as_tensor(losses), weights, reduction), "value")
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, made)
    return made


def _weighted(losses: Any, weights: Any, reduction: str) -> Any:
    x = losses if losses.dtype.is_floating else pointwise.cast(losses, dtypes.float32)
    if isinstance(weights, (int, float)):
        total = x if weights == 1 else x * float(weights)
        count = float(x._read().type.size) if weights else 0.0
        present: Any = max(count, 1.0)
        mass: Any = count * float(weights) or 1.0
    else:
        given = pointwise.cast(convert_to_tensor(weights), x.dtype)
        w = array_ops.broadcast_to(_aligned(given, x), x.shape)
        total = x * w
        nonzero = pointwise.cast(pointwise.not_equal(w, 0.0), x.dtype)
        present = pointwise.maximum(reductions.reduce_sum(nonzero), 1.0)
        mass = reductions.reduce_sum(w)
    if reduction == Reduction.NONE:
        return total
    summed = reductions.reduce_sum(total)
    if reduction == Reduction.SUM:
        return summed
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return summed / float(x._read().type.size)
    if reduction == Reduction.MEAN:
        return math.divide_no_nan(
            summed, convert_to_tensor(mass, x.dtype) if isinstance(mass, float) else mass
        )
    return summed / present


def _aligned(weights: Any, losses: Any) -> Any:
    """Weights with dimensions of one behind, or without one, so that they go with the losses."""
    if weights.ndim == losses.ndim + 1 and weights.shape.as_list()[-1] == 1:
        return array_ops.squeeze(weights, -1)
    while 0 < weights.ndim < losses.ndim:
        weights = array_ops.expand_dims(weights, -1)
    return weights


def _loss(
    function: Any,
    labels: Any,
    predictions: Any,
    weights: Any,
    scope: Any,
    collection: Any,
    reduction: str,
    *more: Any,
) -> Any:
    name = scope or function.__name__.strip("_")
    with get_default_graph().name_scope(name):
        losses = call(function, (as_tensor(labels), as_tensor(predictions), *more), "losses")
    return compute_weighted_loss(losses, weights, f"{name}_loss", collection, reduction)


def _both(labels: Any, predictions: Any) -> tuple[Any, Any]:
    p = predictions if predictions.dtype.is_floating else pointwise.cast(predictions, dtypes.float32)
    y = labels if labels.dtype is p.dtype else pointwise.cast(labels, p.dtype)
    if not y.shape.is_compatible_with(p.shape):
        raise located(RecordValueError(f"Shapes {p.shape} and {y.shape} are incompatible"))
    return y, p


def _mean_squared_error(labels: Any, predictions: Any) -> Any:
    y, p = _both(labels, predictions)
    return math.squared_difference(p, y)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """The mean of squared differences."""
    return _loss(_mean_squared_error, labels, predictions, weights, scope, loss_collection, reduction)


def _absolute_difference(labels: Any, predictions: Any) -> Any:
    y, p = _both(labels, predictions)
    return pointwise.abs(p - y)


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """The mean of absolute differences."""
    return _loss(_absolute_difference, labels, predictions, weights, scope, loss_collection, reduction)


def _huber(labels: Any, predictions: Any, delta: float) -> Any:
    y, p = _both(labels, predictions)
    error = pointwise.abs(p - y)
    quadratic = pointwise.minimum(error, delta)
    return quadratic * quadratic * 0.5 + (error - quadratic) * delta


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """Quadratic up to delta, linear beyond."""
    return _loss(_huber, labels, predictions, weights, scope, loss_collection, reduction, float(delta))


def _log_loss(labels: Any, predictions: Any, epsilon: float) -> Any:
    y, p = _both(labels, predictions)
    return -(y * math.log(p + epsilon)) - (1.0 - y) * math.log(1.0 - p + epsilon)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """The cross-entropy of probabilities."""
    return _loss(_log_loss, labels, predictions, weights, scope, loss_collection, reduction, epsilon)


def _hinge(labels: Any, logits: Any) -> Any:
    y, p = _both(labels, logits)
    return nn.relu(1.0 - (y * 2.0 - 1.0) * p)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """max(0, 1 - y x) for labels 0 and 1 as -1 and 1."""
    return _loss(_hinge, labels, logits, weights, scope, loss_collection, reduction)


def _sigmoid(labels: Any, logits: Any, smoothing: float) -> Any:
    y, x = _both(labels, logits)
    if smoothing:
        y = y * (1 - smoothing) + 0.5 * smoothing
    return nn.sigmoid_cross_entropy_with_logits(labels=y, logits=x)


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """The cross-entropy of independent labels and logits."""
    return _loss(
        _sigmoid,
        multi_class_labels,
        logits,
        weights,
        scope,
        loss_collection,
        reduction,
        float(label_smoothing),
    )


def _softmax(labels: Any, logits: Any, smoothing: float) -> Any:
    y, x = _both(labels, logits)
    if smoothing:
        y = y * (1 - smoothing) + smoothing / y.shape.as_list()[-1]
    return nn.softmax_cross_entropy_with_logits(labels=array_ops.stop_gradient(y), logits=x)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """The cross-entropy of one-hot labels and logits."""
    return _loss(
        _softmax, onehot_labels, logits, weights, scope, loss_collection, reduction, float(label_smoothing)
    )


def _sparse(labels: Any, logits: Any) -> Any:
    if labels.ndim == logits.ndim:
        labels = array_ops.squeeze(labels, -1)
    return nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Any:
    """The cross-entropy of class numbers and logits."""
    return _loss(_sparse, labels, logits, weights, scope, loss_collection, reduction)


def add_loss(loss: Any, loss_collection: Any = GraphKeys.LOSSES) -> None:
    """Adds a loss to a collection, that of losses by default."""
    get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: Any = None, loss_collection: Any = GraphKeys.LOSSES) -> list[Any]:
    """The losses of a collection, those under `scope` where one is given."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: Any = None) -> list[Any]:
    """The losses that regularizers of variables have added."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: Any = None, name: str = "total_regularization_loss") -> Any:
    """The sum of the regularization losses."""
    found = get_regularization_losses(scope)
    return call(pointwise.add_n, (found,), "AddN", name) if found else as_tensor(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: Any = None
) -> Any:
    """The sum of all losses."""
    found = get_losses(scope)
    if add_regularization_losses:
        found += get_regularization_losses(scope)
    return call(pointwise.add_n, (found,), "AddN", name)
