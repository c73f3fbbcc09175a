"""keras.Sequential: layers one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.keras.layers.core import InputLayer
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.models.graph import LayerGraph
from irc.frontends.tensorflow.keras.models.model import Model
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.keras.symbolic import KerasTensor, node_of


class Sequential(Model, marks_built=False):
    """`Sequential([layer, ...])`; it is built when its input's shape is known."""

    _untracked = (*Model._untracked, "_first", "_end")

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        self._chain: list[Layer] = []
        self._first: KerasTensor | None = None
        self._end: Any = None
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._count()

    @property
    def layers(self) -> list[Layer]:
        return list(self._chain)

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Puts a layer (or an Input) behind the others."""
        if isinstance(layer, KerasTensor):
            node = node_of(layer)
            layer = node.layer if node is not None else layer
        if isinstance(layer, InputLayer):
            if self._first is not None or self._chain:
                raise located(
                    RecordValueError(
                        f"Sequential model '{self.name}' has already been configured to use an input: it comes first"
                    )
                )
            self._first = self._end = layer.output
            return
        if not isinstance(layer, Layer):
            raise located(
                RecordTypeError(
                    f"Only instances of `keras.Layer` can be added to a Sequential model. Received: {layer} (of type {type(layer)})"
                )
            )
        if any(layer.name == other.name for other in self._chain):
            raise located(
                RecordValueError(
                    f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already the name of "
                    "a layer in this model. Update the `name` argument to pass a unique name."
                )
            )
        if self._first is None and not self._chain:
            shape = layer._batch_shape
            if shape is None and getattr(layer, "_graph", None) is not None:
                shape = layer.input_shape  # type: ignore[attr-defined]
            if shape is not None:
                self._first = self._end = InputLayer(batch_shape=shape).output
        self._chain.append(layer)
        if self._end is not None:
            self._extend([layer])
        if rebuild:
            self._count()

    def _count(self) -> None:
        """A name of functional models is used up each time the chain is put together: Keras makes one inside."""
        if self._graph is not None:
            auto_name("functional")

    def pop(self, rebuild: bool = True) -> Layer:
        """Takes the last layer off."""
        layer = self._chain.pop()
        layer._inbound_nodes.clear()
        if self._first is not None:
            self._end = self._first
            for other in self._chain:
                self._end = other._inbound_nodes[-1].outputs
            self._graph = LayerGraph(self._first, self._end) if self._chain else None
        self.built = self._graph is not None
        self._forget_steps()
        return layer

    def _extend(self, layers: Sequence[Layer]) -> None:
        """Calls layers on the symbolic end."""
        for layer in layers:
            self._end = layer(self._end)
        self._graph = LayerGraph(self._first, self._end)
        self.built = True
        self._forget_steps()

    def build(self, input_shape: Any = None) -> None:
        """Builds all layers for inputs of this shape (None for the batch)."""
        if self._first is None and input_shape is not None and self._chain:
            self._first = self._end = InputLayer(batch_shape=(None, *tuple(input_shape)[1:])).output
            self._extend(self._chain)
            self._count()

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        shape = getattr(args[0], "shape", None) if args else None
        if self._graph is None and shape is not None:
            self.build((None, *tuple(shape)[1:]))
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self._graph is not None:
            (inputs,) = self._fitted(inputs)
        if mask is not None:
            inputs._keras_mask = mask
        for layer in self._chain:
            inputs = layer(inputs)
        return inputs

    def __len__(self) -> int:
        return len(self._chain)
