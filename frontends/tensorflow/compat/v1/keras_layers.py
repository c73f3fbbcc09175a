"""Keras layers and models called on a graph's tensors: one operation each, with a variable of the graph for each weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irc.errors import UnsupportedError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.compat.v1.actions import Call, Random
from irc.frontends.tensorflow.compat.v1.calls import call
from irc.frontends.tensorflow.compat.v1.graph import get_default_graph
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.compat.v1.variables import Variable
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.symbolic import KerasTensor, infer
from irc.frontends.tensorflow.tensor import TensorBase


def apply_layer(layer: Layer, args: Any, kwargs: Any) -> Any:
    """What the layer gives for tensors of a graph. Its weights' first values are those that the layer was built with."""
    with _carried_out():
        given, named = nest.map_structure(_symbolic, (args, kwargs))
        infer(layer, given, named, layer.variables)
        arrays = [w.numpy() for w in layer.weights]
    weights = [_twin(w, array) for w, array in zip(layer.weights, arrays, strict=True)]

    def run(args: Any, kwargs: Any, values: Sequence[TensorBase]) -> Any:
        with _holding(layer, values):
            return layer(*args, **kwargs)

    action = Random if kwargs.get("training") else Call
    return call(run, (args, kwargs, weights), type(layer).__name__, layer.name, action=action)


@contextmanager
def _carried_out() -> Iterator[None]:
    """Calls are carried out, not put into a graph."""
    before, mode.running = mode.running, True
    try:
        yield
    finally:
        mode.running = before


def _symbolic(value: Any) -> Any:
    return KerasTensor(value.shape.as_list(), value.dtype) if isinstance(value, GraphTensor) else value


def _twin(weight: Any, array: Any) -> Variable:
    """The variable of the default graph that stands for a layer's weight."""
    graph = get_default_graph()
    made = vars(weight).get("_twin")
    if made is None or made.graph is not graph:
        made = Variable(array, trainable=weight.trainable, name=weight.path)
        weight._twin = made
        weight._as_graph_element = made._as_graph_element
    return made


@contextmanager
def _holding(layer: Layer, values: Sequence[TensorBase]) -> Iterator[None]:
    """The layer's weights have other values for a while. Refuses what would change them."""
    storages = [w._storage for w in layer.weights]
    before = [s._value for s in storages]
    given = [v._read() for v in values]
    for storage, value in zip(storages, given, strict=True):
        storage._value = value
    try:
        yield
        changed = next(
            (w for w, s, v in zip(layer.weights, storages, given, strict=True) if s._value is not v), None
        )
        if changed is not None:
            raise located(
                UnsupportedError(
                    f"{changed.path} would change in a call of layer {layer.name} in a graph",
                    notes=("tf.layers.batch_normalization and its kin keep such state in a graph",),
                )
            )
    finally:
        for storage, value in zip(storages, before, strict=True):
            storage._value = value
