"""keras.Model: a layer that trains. `Model(inputs, outputs)` is the graph between symbolic tensors."""

from __future__ import annotations

import math
from typing import Any

from irc.errors import UnsupportedError
from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.models import saving
from irc.frontends.tensorflow.keras.models.graph import LayerGraph
from irc.frontends.tensorflow.keras.models.summary import print_summary
from irc.frontends.tensorflow.keras.models.training import Trainer
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.keras.symbolic import KerasTensor, node_of
from irc.frontends.tensorflow.pointwise import cast
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor


class Model(Trainer, Layer, marks_built=False):
    """Subclass it with `call`, or give symbolic `inputs` and `outputs`."""

    _untracked: tuple[str, ...] = (
        "_graph", "_steps", "optimizer", "loss", "history", "_losses_of", "_metrics_of", "_loss_tracker", "stop_training",
    )  # fmt: skip
    _graph: LayerGraph | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        inputs = kwargs.pop("inputs", args[0] if args else None)
        outputs = kwargs.pop("outputs", args[1] if len(args) > 1 else None)
        if args and (len(args) < 2 and outputs is None):
            raise located(
                RecordTypeError("a functional model needs inputs and outputs: keras.Model(inputs, outputs)")
            )
        if outputs is not None and "name" not in kwargs and type(self) is Model:
            kwargs["name"] = auto_name("functional")
        super().__init__(**kwargs)
        self._forget_steps()
        if outputs is not None:
            self._graph = LayerGraph(inputs, outputs)
            self._graph_layers = list(self._graph.layers)
            self.built = True

    # A graph of layers.

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self._graph is None:
            raise located(
                RecordValueError(f"Model {type(self).__name__} does not have a `call()` method implemented.")
            )
        return self._graph.run(self._fitted(inputs))

    def _fitted(self, inputs: Any) -> list[Any]:
        """The inputs in the graph's order, with the dtypes and ranks of its Inputs."""
        graph = self._graph
        assert graph is not None
        if isinstance(inputs, dict):
            names = [_input_name(t) for t in graph.inputs]
            if isinstance(graph.inputs_structure, dict) and set(graph.inputs_structure) <= set(inputs):
                given = nest.flatten({k: inputs[k] for k in graph.inputs_structure})
            else:
                missing = [n for n in names if n not in inputs]
                if missing:
                    raise located(
                        RecordValueError(f"Missing data for input {missing[0]!r}. The inputs are {names}")
                    )
                given = [inputs[n] for n in names]
        else:
            given = nest.flatten(inputs)
        if len(given) != len(graph.inputs):
            raise located(
                RecordValueError(
                    f'Layer "{self.name}" expects {len(graph.inputs)} input(s), but it received {len(given)} input tensors.'
                )
            )
        return [self._fitting(v, t) for v, t in zip(given, graph.inputs, strict=True)]

    def _fitting(self, value: Any, wanted: KerasTensor) -> Any:
        if isinstance(value, KerasTensor):
            return value
        x = value if isinstance(value, TensorBase) else convert_to_tensor(value)
        x = x if x.dtype is wanted._dtype else cast(x, wanted._dtype)
        shape = tuple(x.shape)
        fits = len(shape) == len(wanted.shape) and all(
            w in (None, n) for n, w in zip(shape[1:], wanted.shape[1:], strict=True)
        )
        if fits:
            return x
        if len(shape) == len(wanted.shape) + 1 and shape[-1] == 1:
            return convert_to_tensor(x)[..., 0]
        if len(shape) == len(wanted.shape) - 1 and wanted.shape[-1] == 1:
            return convert_to_tensor(x)[..., None]
        raise located(
            RecordValueError(
                f'Input 0 of layer "{self.name}" is incompatible with the layer: expected shape={wanted.shape}, found shape={shape}',
                notes=_sample_advice(shape[1:], wanted.shape[1:]),
            )
        )

    def _child_path(self, child: Any) -> str | None:
        """Layers of a graph or a chain by their place, since no attribute of the user's holds them."""
        if self._graph is not None or hasattr(self, "_chain"):
            place = next((i for i, layer in enumerate(self.layers) if layer is child), None)
            if place is not None:
                return f"layers[{place}]"
        return super()._child_path(child)

    @property
    def layers(self) -> list[Layer]:
        """The layers it is made of."""
        return self._layers

    @property
    def inputs(self) -> Any:
        """The symbolic inputs."""
        return None if self._graph is None else self._graph.inputs

    @property
    def outputs(self) -> Any:
        """The symbolic outputs."""
        return None if self._graph is None else self._graph.outputs

    @property
    def input(self) -> Any:
        return super().input if self._graph is None else self._graph.inputs_structure

    @property
    def output(self) -> Any:
        """The symbolic output, or all of them."""
        return super().output if self._graph is None else self._graph.outputs_structure

    @property
    def input_shape(self) -> Any:
        """The shape of the input with None for the batch, or those of all."""
        return nest.map_structure(lambda t: t.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of the output with None for the batch, or those of all."""
        return nest.map_structure(lambda t: t.shape, self.output)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [_input_name(t) for t in self.inputs or ()]

    @property
    def output_names(self) -> Any:
        """The names of the layers that give the outputs; a dict's keys."""
        if self._graph is None:
            return None
        if isinstance(self._graph.outputs_structure, dict):
            return sorted(self._graph.outputs_structure)
        found: list[str] = []
        for t in self._graph.outputs:
            name = t._keras_history[0].name if t._keras_history else t.name
            known, count = name, 1
            while name in found:
                name, count = f"{known}_{count}", count + 1
            found.append(name)
        return found

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name or by place."""
        if index is not None:
            if index >= len(self.layers):
                raise located(
                    RecordValueError(
                        f"Was asked to retrieve layer at index {index} but model only has {len(self.layers)} layers."
                    )
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise located(
            RecordValueError(
                f"No such layer: {name}. Existing layers are: {[layer.name for layer in self.layers]}."
            )
        )

    def build(self, input_shape: Any = None) -> None:
        """Builds a subclassed model for inputs of this shape, by calling it on symbolic ones."""
        if self._graph is None and input_shape is not None and not self.built:
            self.built = True
            many = isinstance(input_shape, list) or any(isinstance(v, (tuple, list)) for v in input_shape)
            shapes = input_shape if many else [input_shape]
            tensors = [KerasTensor(s) for s in shapes]
            try:
                self(tensors if many else tensors[0])
            finally:
                self._inbound_nodes.clear()

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if type(self).build is not Model.build:
            super()._build_for(args, kwargs)
        self.built = True

    # What it says of itself.

    def summary(
        self, line_length: int | None = None, positions: Any = None, print_fn: Any = None, expand_nested: bool = False,
        show_trainable: bool = False, layer_range: Any = None,
    ) -> None:  # fmt: skip
        """Prints its layers, their outputs' shapes and how many parameters they have."""
        print_summary(self, line_length, print_fn, expand_nested, show_trainable)

    # Weights in files.

    def save_weights(self, filepath: Any, overwrite: bool = True, **options: Any) -> None:
        """Writes the weights as `.npz`; other formats are refused."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **options: Any) -> None:
        """Reads weights that save_weights wrote."""
        saving.load_weights(self, filepath, skip_mismatch)

    def save(self, filepath: Any, overwrite: bool = True, **options: Any) -> None:
        """Refused: irc saves weights."""
        raise located(
            UnsupportedError(
                f"saving a whole model ({str(filepath)!r}) is not there: irc saves weights",
                notes=(
                    "write model.save_weights('name.weights.npz'), and load_weights into a model made by the same code",
                ),
            )
        )

    export = save

    def to_json(self, **options: Any) -> str:
        """Refused: keep the code that makes the model."""
        raise located(UnsupportedError("model.to_json() is not there: keep the code that makes the model"))


def _sample_advice(given: Any, wanted: Any) -> tuple[str, ...]:
    """What to write where samples have another shape than the model's Input says."""
    if None not in wanted and math.prod(given) == math.prod(wanted):
        if len(wanted) == 1:
            return (
                f"a sample is {given}, {wanted[0]} values in all: write Input(shape={tuple(given)}) and layers.Flatten() first, "
                f"or give tf.reshape(x, (-1, {wanted[0]}))",
            )
        return (
            f"a sample has the same number of values: give tf.reshape(x, (-1, {', '.join(map(str, wanted))}))",
        )
    if tuple(given) == tuple(wanted[1:]):
        return ("one sample is a batch of one: x[tf.newaxis, ...]",)
    return (f"its Input says shape={tuple(wanted)}, and a sample of the data is {tuple(given)}",)


def _input_name(t: KerasTensor) -> str:
    node = node_of(t)
    return node.layer.name if node is not None else t.name


Functional = Model
