"""keras.layers.Layer: weights, and a `call` that uses them. `build` makes the weights when the first input is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import wraps
from typing import Any

from irc.frontends.autograph import convert
from irc.frontends.errors import RecordError, RecordTypeError, RecordValueError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.source import Scope, Site, name_in_frames, scopes
from irc.frontends.tensorflow import dtypes, nest
from irc.frontends.tensorflow.keras import initializers, regularizers
from irc.frontends.tensorflow.keras.layers.inputs import Parameters, calls, parameters_of
from irc.frontends.tensorflow.keras.metrics.metric import Metric
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.keras.symbolic import KerasTensor, inference, is_symbolic, node_of, note_call
from irc.frontends.tensorflow.keras.variables import Variable
from irc.frontends.tensorflow.pointwise import cast
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor
from irc.frontends.tensorflow.variable import Variable as TensorFlowVariable

_OWN = ("_first_shapes", "_inbound_nodes", "_losses", "_made_at", "_made_with")
"""Attributes that are looked through by themselves, or not at all."""


class Layer:
    """Base of all layers. Override `build(input_shape)` and `call(inputs)`; assigning layers and variables to attributes
    registers them."""

    input_spec: Any = None
    supports_masking = False
    _is_initialized = False
    _first_shapes: list[Any] | None = None
    """Of the outputs of the first call on tensors: what a summary shows of layers that no symbolic tensor has passed."""
    _untracked: tuple[str, ...] = ()
    built: bool
    _weights: list[Any]
    _inbound_nodes: list[Any]
    _losses: list[Any]
    _made_at: Site
    _made_with: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, marks_built: bool = True, **options: Any) -> None:
        """A `build` that is called directly marks the layer as built, too."""
        super().__init_subclass__(**options)
        own = cls.__dict__.get("build")
        if own is not None and marks_built:
            cls.build = _marking(own)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = object.__new__(cls)
        made.__dict__.update(_weights=[], _inbound_nodes=[], _losses=[], _made_at=Site.here(), built=False)
        made.__dict__["_made_with"] = args, kwargs
        return made

    def __init__(
        self, *, activity_regularizer: Any = None, trainable: bool = True, dtype: Any = None, autocast: bool = True,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        self._is_initialized = True
        self.name = name or auto_name(type(self))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self.autocast = autocast
        self._dtype = dtypes.as_dtype(getattr(dtype, "name", dtype) or "float32")
        self._batch_shape = _given_shape(kwargs)
        self._initial_weights = kwargs.pop("weights", None)
        if kwargs:
            raise located(
                RecordTypeError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}")
            )

    # What it is made of.

    def _members(self) -> Iterator[Any]:
        """Layers, variables and metrics among the attributes, in the order they were assigned."""
        for name, value in list(vars(self).items()):
            if name not in _OWN and name not in self._untracked:
                yield from _found(value)

    def _own(self, kind: type) -> list[Any]:
        return _distinct([m for m in self._members() if isinstance(m, kind)])

    @property
    def _layers(self) -> list[Layer]:
        return self._own(Layer)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> Iterator[Layer]:
        if include_self:
            yield self
        for layer in self._layers:
            yield layer
            if recursive:
                yield from layer._flatten_layers(include_self=False)

    def _own_variables(self) -> list[Any]:
        found = [*self._weights, *self._own(TensorFlowVariable)]
        trained = [v for v in found if getattr(v, "was_trainable", v.trainable)]
        return _distinct([*trained, *found])

    @property
    def weights(self) -> list[Any]:
        """Its variables, trainable ones first, then those of the layers inside."""
        return _distinct([*self._own_variables(), *(w for layer in self._layers for w in layer.weights)])

    @property
    def variables(self) -> list[Any]:
        """Weights, and the variables of metrics."""
        metrics = [v for m in self._own(Metric) for v in m.variables]
        inside = [v for layer in self._layers for v in layer.variables]
        return _distinct([*self._own_variables(), *inside, *metrics])

    @property
    def trainable_weights(self) -> list[Any]:
        """Variables that training changes."""
        if not self.trainable:
            return []
        own = [v for v in self._own_variables() if v.trainable]
        return _distinct([*own, *(w for layer in self._layers for w in layer.trainable_weights)])

    @property
    def trainable_variables(self) -> list[Any]:
        """Variables that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The weights that training leaves alone (moving statistics, frozen ones)."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The variables that training leaves alone, those of metrics too."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def metrics(self) -> list[Metric]:
        """The metrics of this layer and of those in it."""
        return _distinct([*self._own(Metric), *(m for layer in self._layers for m in layer.metrics)])

    @property
    def trainable(self) -> bool:
        """Whether training changes its weights; setting it sets that of all layers in it."""
        return self._trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        self._trainable = bool(trainable)
        for variable in self._own_variables():
            if getattr(variable, "was_trainable", True):
                variable.trainable = bool(trainable)
        for layer in self._layers:
            layer.trainable = trainable

    @property
    def dtype(self) -> str:
        """The name of the dtype of its weights and of what it computes in."""
        return self._dtype.name

    compute_dtype = variable_dtype = dtype

    @property
    def path(self) -> str:
        """Its name."""
        return self.name

    def count_params(self) -> int:
        """How many numbers its weights hold. ValueError before it is built."""
        if not self.built:
            raise located(
                RecordValueError(
                    f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. You can build it "
                    "manually via: `layer.build(input_shape)`.",
                    notes=(
                        "calling it on data builds it, too; a keras.Input as the first layer builds a Sequential",
                    ),
                )
            )
        return sum(int(w._read().type.size) for w in self.weights)

    def get_weights(self) -> list[Any]:
        """The weights as NumPy arrays."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Takes over arrays of the weights' shapes, in order."""
        own = self.weights
        if len(own) != len(weights):
            raise located(
                RecordValueError(
                    f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length {len(weights)}, "
                    f"but the layer was expecting {len(own)} weights."
                )
            )
        for variable, value in zip(own, weights, strict=True):
            if tuple(variable.shape) != tuple(value.shape):
                raise located(
                    RecordValueError(
                        f"Layer {self.name} weight shape {tuple(variable.shape)} is not compatible with provided weight "
                        f"shape {tuple(value.shape)}."
                    )
                )
            variable.assign(convert_to_tensor(value, dtype_hint=variable.dtype))

    def add_weight(
        self, shape: Any = None, initializer: Any = None, dtype: Any = None, trainable: bool = True, autocast: bool = True,
        regularizer: Any = None, constraint: Any = None, aggregation: Any = None, name: str | None = None, **more: Any,
    ) -> Variable:  # fmt: skip
        """A variable of this layer. By default it is glorot_uniform where it is floating, and zeros elsewhere."""
        self._check_initialized()
        if isinstance(shape, str):
            # Keras 2: add_weight(name, shape, ...).
            shape, name, initializer = (
                (initializer, shape, None) if not isinstance(initializer, str) else (None, shape, initializer)
            )
            shape = more.pop("shape", shape)
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(map(int, shape))
        wanted = dtypes.as_dtype(dtype or self._dtype)
        if initializer is None:
            initializer = "glorot_uniform" if wanted.is_floating else "zeros"
        path = f"{self.name}/{name or 'variable'}"
        made = Variable(initializers.get(initializer), shape, wanted, trainable, name=name, path=path)
        made.regularizer, made.constraint = regularizers.get(regularizer), constraint
        if trainable and not self._trainable:
            made.trainable = False
        self._weights.append(made)
        return made

    add_variable = add_weight

    # Losses.

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar to what training minimises."""
        self._losses += nest.flatten(loss)

    @property
    def losses(self) -> list[Any]:
        """What add_loss and activity regularizers added in the last call, and what weight regularizers give now."""
        added = [value for layer in self._flatten_layers() for value in layer._losses]
        regularized = [v for v in self.trainable_weights if getattr(v, "regularizer", None) is not None]
        return [*added, *(v.regularizer(v) for v in regularized)]

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._losses.clear()

    # Calling.

    def build(self, input_shape: Any) -> None:
        """Makes the weights; override it."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The results for some inputs, which are tensors; override it. RecordError where nobody did."""
        raise located(
            RecordError(f"Layer {type(self).__name__} does not have a `call()` method implemented.")
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._check_initialized()
        if is_symbolic(args, kwargs):
            with _Within(self, args):
                self._prepare(args, kwargs)
            return note_call(self, args, kwargs)
        graph_call = _graph_call(args)
        if graph_call is not None:
            return graph_call(self, args, kwargs)
        args = nest.map_structure(self._converted, args)
        if kwargs:
            kwargs = {k: nest.map_structure(self._converted, v) for k, v in kwargs.items()}
        if scopes.current is None:
            self._clear_losses()
        before = calls.training
        with _Within(self, args):
            self._prepare(args, kwargs)
            parameters = parameters_of(type(self).call)
            try:
                calls.training = self._training(parameters, args, kwargs)
                mask = self._take_mask(parameters, args, kwargs)
                # Traced, a user's `call` may branch on tensors.
                call = convert(self.call) if recorder.graph.tracing else self.call
                outputs = call(*args, **kwargs)
                self._after(args, outputs, mask)
                if self._first_shapes is None and not inference.depth:
                    self._first_shapes = [
                        tuple(t.shape) for t in nest.flatten(outputs) if isinstance(t, TensorBase)
                    ]
            finally:
                calls.training = before
        return outputs

    def _prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Checks the input, and builds at the first call."""
        if args and self.input_spec is not None:
            self._check_input(args[0])
        if not self.built:
            self._build_for(args, kwargs)

    def _check_input(self, given: Any) -> None:
        specs = nest.flatten(self.input_spec)
        for i, (spec, tensor) in enumerate(zip(specs, nest.flatten(given), strict=False)):
            shape = tuple(tensor.shape) if hasattr(tensor, "shape") else ()
            problem = spec.problem(shape) if spec is not None else None
            if problem is not None:
                raise located(
                    RecordValueError(
                        f'Input {i} of layer "{self.name}" is incompatible with the layer: {problem}',
                        notes=self._advice(shape),
                    )
                )

    def _advice(self, shape: tuple[int | None, ...]) -> tuple[str, ...]:
        """What to write where an input does not fit."""
        return ()

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        build = parameters_of(type(self).build)
        names = parameters_of(type(self).call).names
        given = dict(zip(names, args, strict=False)) | kwargs
        wanted = [n for n in build.names if n.endswith("_shape") and n.removesuffix("_shape") in given]
        if wanted and (len(build.names) > 1 or build.names[0] != "input_shape"):
            self._build(**{n: _shapes(given[n.removesuffix("_shape")]) for n in wanted})
        elif args:
            self._build(_shapes(args[0]))
        elif given:
            self._build(_shapes(next(iter(given.values()))))

    def _build(self, *shapes: Any, **named: Any) -> None:
        self.build(*shapes, **named)
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _converted(self, value: Any) -> Any:
        """Arrays and floating tensors in the layer's dtype; anything else as it is."""
        if isinstance(value, TensorBase):
            d = value.dtype
            return (
                cast(value, self._dtype)
                if self.autocast and d.is_floating and d is not self._dtype
                else value
            )
        if hasattr(value, "__array__"):
            made = convert_to_tensor(value)
            return cast(made, self._dtype) if self.autocast and made.dtype.is_floating else made
        return value

    def _training(self, parameters: Parameters, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | None:
        """Whether this call trains: as told, as the layer around, as `call`'s default says, or not."""
        if not parameters.has("training"):
            told = None if parameters.takes_any else kwargs.pop("training", None)
            return calls.training if told is None else bool(told)
        place = parameters.names.index("training")
        training = args[place] if place < len(args) else kwargs.get("training")
        if training is None:
            training = calls.training
            if training is None:
                training = parameters.defaults.get("training")
            training = bool(training) if training is not None else False
            if place >= len(args):
                kwargs["training"] = training
        return training

    def _take_mask(self, parameters: Parameters, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The mask of the first input, handed to a `call` that takes one."""
        if not args:
            return None
        found = [getattr(t, "_keras_mask", None) for t in nest.flatten(args[0])]
        if all(m is None for m in found):
            return kwargs.get("mask")
        mask = nest.pack_sequence_as(args[0], found)
        if (
            parameters.has("mask")
            and kwargs.get("mask") is None
            and parameters.names.index("mask") >= len(args)
        ):
            kwargs["mask"] = mask
        return kwargs.get("mask", mask)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the results, given that of the inputs."""
        return previous_mask

    def _after(self, args: tuple[Any, ...], outputs: Any, mask: Any) -> None:
        """Activity regularization, and the mask that goes on."""
        if self.activity_regularizer is not None:
            for output in nest.flatten(outputs):
                loss = self.activity_regularizer(output)
                self.add_loss(loss / float(output._read().type.shape[0]) if output.ndim else loss)
        if self.supports_masking:
            new = self.compute_mask(args[0] if args else None, mask)
            if new is not None:
                for output, m in zip(nest.flatten(outputs), nest.flatten(new), strict=False):
                    output._keras_mask = m

    def _check_initialized(self) -> None:
        if not self._is_initialized:
            kind = type(self).__name__
            raise located(
                RecordError(
                    f"In layer {kind}, you forgot to call `super().__init__()` as the first statement in the `__init__()` "
                    "method. Go add it!"
                )
            )

    # Symbolic calls.

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shapes that the layer gives for inputs of these shapes (None where unknown)."""
        given = args[0] if args else next(iter(kwargs.values()))
        inputs = _of_shapes(given, self._dtype)
        outputs = self(inputs)
        return nest.map_structure(lambda t: t.shape, outputs)

    @property
    def input(self) -> Any:
        """The symbolic input of its only call in a functional model."""
        return self._node().args[0]

    @property
    def output(self) -> Any:
        """The symbolic result of its only call in a functional model."""
        return self._node().outputs

    def _node(self) -> Any:
        if not self._inbound_nodes:
            raise located(
                RecordError(
                    f"The layer {self.name} has never been called and thus has no defined output.",
                    notes=("call the model on data, or give the first layer an Input",),
                )
            )
        return self._inbound_nodes[0]

    # Names.

    def _child_path(self, child: Any) -> str | None:
        """The path from this layer to one below it, by attributes."""
        for name, value in vars(self).items():
            if name in _OWN or name in self._untracked:
                continue
            found = _path_in(value, child, name)
            if found is not None:
                return found
        for layer in self._layers:
            below = layer._child_path(child)
            if below is not None:
                return f"{self._child_path(layer)}.{below}"
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name; override it to add those of the layer."""
        return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _marking(build: Any) -> Any:
    @wraps(build)
    def run(self: Layer, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        self.built = True

    return run


def _graph_call(args: tuple[Any, ...]) -> Any:
    """How a layer is called on a tensor of a TensorFlow 1 graph; None where there is none among the arguments."""
    for value in nest.flatten(args):
        found = getattr(type(value), "_apply_layer", None)
        if found is not None:
            return found
    return None


class _Within:
    """Makes a layer the innermost scope for a while, so that errors name it."""

    __slots__ = ("args", "before", "layer")

    def __init__(self, layer: Layer, args: tuple[Any, ...]) -> None:
        self.layer, self.args = layer, args

    def __enter__(self) -> None:
        outer = self.before = scopes.current
        if outer is not None:
            scopes.current = Scope(self.layer, outer)
            return
        first = next((a for a in nest.flatten(self.args) if isinstance(a, TensorBase)), None)
        batch = first._read().type.shape[0] if first is not None and first.ndim else None
        scopes.current = Scope(self.layer, None, _root_name(self.layer), batch)

    def __exit__(self, *exc: object) -> None:
        scopes.current = self.before


def _root_name(layer: Layer) -> str:
    """The name by which the user knows a layer that is called by no other."""
    found = layer.__dict__.get("_root_name")
    if found is None:
        found = layer.__dict__["_root_name"] = name_in_frames(layer) or layer.name
    return found


def _given_shape(kwargs: dict[str, Any]) -> tuple[int | None, ...] | None:
    """The input shape told to a first layer in Keras 2's way: input_shape, input_dim, batch_input_shape."""
    whole = kwargs.pop("batch_input_shape", None) or kwargs.pop("batch_shape", None)
    if whole is not None:
        return tuple(whole)
    size = kwargs.pop("batch_size", None)
    shape = kwargs.pop("input_shape", None)
    dim, length = kwargs.pop("input_dim", None), kwargs.pop("input_length", None)
    if shape is not None:
        return (size, *((shape,) if isinstance(shape, int) else shape))
    if dim is not None:
        return (size, dim) if length is None else (size, length, dim)
    return None if length is None else (size, length)


def _distinct(things: Sequence[Any]) -> list[Any]:
    return list({id(t): t for t in things}.values())


def _found(value: Any) -> Iterator[Any]:
    if isinstance(value, (Layer, TensorFlowVariable, Metric)):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from _found(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from _found(v)


def _path_in(value: Any, child: Any, name: str) -> str | None:
    if value is child:
        return name
    items: Any = ()
    if isinstance(value, (list, tuple)):
        items = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    for key, v in items:
        found = _path_in(v, child, f"{name}.{key}")
        if found is not None:
            return found
    return None


def _shapes(value: Any) -> Any:
    """The shapes of tensors, nested as they are."""
    if isinstance(value, (TensorBase, KerasTensor)):
        return tuple(value.shape)
    if isinstance(value, dict):
        return {k: _shapes(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shapes(v) for v in value]
    return tuple(getattr(value, "shape", ()))


def _of_shapes(given: Any, d: Any) -> Any:
    """Symbolic tensors of a nest of shapes."""
    if isinstance(given, dict):
        return {k: _of_shapes(v, d) for k, v in given.items()}
    if isinstance(given, (list, tuple)) and any(isinstance(v, (list, tuple)) for v in given):
        return [_of_shapes(v, d) for v in given]
    return KerasTensor(tuple(given), d)


def connected(tensor: KerasTensor) -> bool:
    """Whether a symbolic tensor comes from an Input."""
    return node_of(tensor) is not None
