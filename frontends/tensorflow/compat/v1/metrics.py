"""tf.metrics: a value over all batches seen, and the operation that takes one more batch in."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow import array_ops, creation, dtypes, math, pointwise, reductions
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, call
from irc.frontends.tensorflow.compat.v1.graph import GraphKeys, get_default_graph
from irc.frontends.tensorflow.compat.v1.variables import Variable


def _counter(name: str) -> Variable:
    keys = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    zero = call(creation.zeros, ([], dtypes.float32), "zeros")
    return Variable(zero, trainable=False, collections=keys, name=name)


def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The mean of all values so far, and the update."""
    graph = get_default_graph()
    with graph.name_scope(name or "mean"):
        total, count = _counter("total"), _counter("count")
        part, size = call(_sums, (as_tensor(values), weights), "sums")
        value = call(math.divide_no_nan, (total, count), "value")
        update = call(math.divide_no_nan, (total.assign_add(part), count.assign_add(size)), "update_op")
    graph.add_to_collections(metrics_collections, value)
    graph.add_to_collections(updates_collections, update)
    return value, update


def _sums(values: Any, weights: Any) -> tuple[Any, Any]:
    x = pointwise.cast(values, dtypes.float32)
    if weights is None:
        return reductions.reduce_sum(x), creation.fill([], float(x._read().type.size))
    w = array_ops.broadcast_to(pointwise.cast(weights, dtypes.float32), x.shape)
    return reductions.reduce_sum(x * w), reductions.reduce_sum(w)


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The share of predictions that are equal to their labels, and the update."""
    same = call(_same, (as_tensor(labels), as_tensor(predictions)), "Equal")
    return mean(same, weights, metrics_collections, updates_collections, name or "accuracy")


def _same(labels: Any, predictions: Any) -> Any:
    if labels.ndim == predictions.ndim + 1:
        labels = array_ops.squeeze(labels, -1)
    return pointwise.cast(
        pointwise.equal(pointwise.cast(labels, predictions.dtype), predictions), dtypes.float32
    )


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The mean of squared differences, and the update."""
    errors = call(math.squared_difference, (as_tensor(predictions), as_tensor(labels)), "SquaredDifference")
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_squared_error")
