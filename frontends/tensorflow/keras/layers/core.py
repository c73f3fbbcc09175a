"""Dense, Embedding, Activation and its kin, Flatten and other shapes, Lambda, Rescaling, Input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import channels_last as C
from irc.frontends.lowering import elementwise as W
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes, nn
from irc.frontends.tensorflow.array_ops import reshape, tile, transpose
from irc.frontends.tensorflow.keras import activations, constraints, initializers, regularizers
from irc.frontends.tensorflow.keras.layers.inputs import InputSpec
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.layers.weighted import KernelAndBias
from irc.frontends.tensorflow.keras.symbolic import KerasTensor, Node
from irc.frontends.tensorflow.pointwise import cast, not_equal
from irc.frontends.tensorflow.reductions import reduce_any
from irc.frontends.tensorflow.tensor import emit


def Input(
    shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: Any = None, batch_shape: Any = None,
    name: str | None = None, tensor: Any = None, **options: Any,
) -> KerasTensor:  # fmt: skip
    """A symbolic input of a functional model: `shape` is that of one sample."""
    layer = InputLayer(shape, batch_size, dtype, sparse, batch_shape=batch_shape, name=name, **options)
    return layer.output


class InputLayer(Layer):
    """Where a functional model's input comes in."""

    def __init__(
        self, shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: Any = None,
        batch_shape: Any = None, input_tensor: Any = None, name: str | None = None, input_shape: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        shape = input_shape if shape is None else shape
        batch_shape = options.pop("batch_input_shape", None) if batch_shape is None else batch_shape
        if options.pop("ragged", None) or sparse:
            raise located(RecordValueError("sparse and ragged inputs are not there"))
        if shape is None and batch_shape is None:
            raise located(RecordValueError("You must pass a `shape` argument."))
        if batch_shape is None:
            batch_shape = (batch_size, *((shape,) if isinstance(shape, int) else shape))
        self.batch_shape = tuple(batch_shape)
        self._dtype = dtypes.as_dtype(dtype or "float32")
        self.built = True
        Node(self, (), {}, KerasTensor(self.batch_shape, self._dtype, name=self.name))

    def call(self) -> Any:
        return self.output


class Dense(KernelAndBias):
    """activation(x kernel + bias)."""

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **options)
        if not isinstance(units, (int,)) or units <= 0:
            raise located(
                RecordValueError(
                    f"Received an invalid value for `units`, expected a positive integer. Received: units={units}"
                )
            )
        self.units, self.use_bias, self.activation = units, use_bias, activations.get(activation)
        self._tell(
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
        )
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        width = input_shape[-1]
        if width is None:
            raise located(
                RecordValueError(
                    f"The last dimension of the inputs to a Dense layer should be defined. Found None. Full input shape "
                    f"received: {tuple(input_shape)}"
                )
            )
        self.kernel = self._add_kernel((width, self.units))
        self._add_bias((self.units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: width})

    def _advice(self, shape: tuple[int | None, ...]) -> tuple[str, ...]:
        if len(shape) < 2:
            return ("Dense takes a batch: one sample is a batch of one, x[tf.newaxis, :]",)
        width = self.input_spec.axes[-1]
        known = math.prod(n for n in shape[1:] if n is not None)
        if len(shape) > 2 and known == width:
            return (f"add layers.Flatten() before it: a sample has {width} values",)
        return (f"its kernel is {tuple(self.kernel.shape)}, made for inputs of {width}",)

    def call(self, inputs: Any, training: Any = None) -> Any:
        operands = (inputs, self.kernel) if self.bias is None else (inputs, self.kernel, self.bias)
        return self.activation(emit(C.dense, operands, op="MatMul"))

    def get_config(self) -> dict[str, Any]:
        own = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
        return {**super().get_config(), **own}


class Embedding(Layer):
    """Rows of a table, by number."""

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform", embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None, mask_zero: bool = False, weights: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        length = options.pop("input_length", None)
        if length is not None:
            options["input_shape"] = (length,)
        super().__init__(weights=weights, **options)
        self.input_dim, self.output_dim, self.mask_zero = input_dim, output_dim, mask_zero
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.supports_masking = mask_zero
        self.autocast = False

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint, name="embeddings",
        )  # fmt: skip

    def call(self, inputs: Any) -> Any:
        index = inputs if inputs.dtype.is_integer else cast(inputs, dtypes.int32)
        return nn.embedding_lookup(self.embeddings, index)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return not_equal(inputs, 0) if self.mask_zero else None


class Masking(Layer):
    """Marks the time steps where all features are `mask_value`, for recurrent layers to pass over."""

    def __init__(self, mask_value: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.mask_value = mask_value
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        kept = reduce_any(not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * cast(kept, inputs.dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return reduce_any(not_equal(inputs, self.mask_value), axis=-1)


class Activation(Layer):
    """A function of each element (or along the last axis)."""

    def __init__(self, activation: Any, **options: Any) -> None:
        super().__init__(**options)
        self.activation = activations.get(activation)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class ReLU(Layer):
    """max(x, 0)."""

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        self.supports_masking = self.built = True

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """x above 0, negative_slope * x (0.3 by default) below."""

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        negative_slope = options.pop("alpha", negative_slope)
        super().__init__(**options)
        self.negative_slope = negative_slope
        self.supports_masking = self.built = True

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, self.negative_slope)


class ELU(Layer):
    """alpha * (exp(x) - 1) below 0, x above."""

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.alpha = alpha
        self.supports_masking = self.built = True

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, self.alpha)


class PReLU(Layer):
    """A leaky ReLU whose slopes are trained."""

    def __init__(
        self, alpha_initializer: Any = "zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
        shared_axes: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.alpha_initializer, self.alpha_regularizer = (
            initializers.get(alpha_initializer),
            regularizers.get(alpha_regularizer),
        )
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else list(shared_axes or ())
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shape = [1 if i + 1 in self.shared_axes else n for i, n in enumerate(input_shape[1:])]
        self.alpha = self.add_weight(
            shape,
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )

    def call(self, inputs: Any) -> Any:
        return emit(W.sloped, (inputs, self.alpha), op="PReLU")


class Softmax(Layer):
    """exp(x) over its sum along the axis; where a mask is 0, the result is 0."""

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis
        self.supports_masking = self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            inputs = inputs + (1.0 - cast(mask, inputs.dtype)) * -3e38
        return activations.softmax(inputs, axis=self.axis)


class Flatten(Layer):
    """All dimensions of a sample merged into one."""

    def __init__(self, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(min_ndim=1)
        self.built = True

    def call(self, inputs: Any) -> Any:
        shape = inputs._read().type.shape
        if self.data_format == "channels_first" and len(shape) > 2:
            inputs = transpose(inputs, (0, *range(2, len(shape)), 1))
        return reshape(inputs, (shape[0], math.prod(shape[1:])))


class Reshape(Layer):
    """Each sample in another shape; one extent may be -1."""

    def __init__(self, target_shape: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.target_shape = tuple(target_shape)
        self.built = True

    def call(self, inputs: Any) -> Any:
        shape = inputs._read().type.shape
        size, known = math.prod(shape[1:]), math.prod(n for n in self.target_shape if n != -1)
        fits = size % known == 0 if -1 in self.target_shape and known else size == known
        if not fits:
            raise located(
                RecordValueError(
                    f"The total size of the tensor must be unchanged. Received: input_shape={tuple(shape[1:])}, "
                    f"target_shape={self.target_shape}",
                    notes=(f"a sample has {size} values",),
                )
            )
        return reshape(inputs, (shape[0], *(size // known if n == -1 else n for n in self.target_shape)))


class Permute(Layer):
    """The dimensions of a sample in another order, counted from 1."""

    def __init__(self, dims: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise located(
                RecordValueError(
                    "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be consecutive "
                    f"and start from 1. Received dims={dims}"
                )
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """(N, F) as (N, n, F)."""

    def __init__(self, n: int, **options: Any) -> None:
        super().__init__(**options)
        self.n = n
        self.input_spec = InputSpec(ndim=2)
        self.built = True

    def call(self, inputs: Any) -> Any:
        rows, width = inputs._read().type.shape
        return tile(reshape(inputs, (rows, 1, width)), (1, self.n, 1))


class Lambda(Layer):
    """A function as a layer."""

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.function, self.arguments = function, dict(arguments or {})
        self.supports_masking = self.built = True

    def call(self, inputs: Any) -> Any:
        return self.function(inputs, **self.arguments)


class Rescaling(Layer):
    """x * scale + offset, in float32."""

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.offset = scale, offset
        self.supports_masking = self.built = True

    def call(self, inputs: Any) -> Any:
        x = inputs if inputs.dtype is self._dtype else cast(inputs, self._dtype)
        x = x * _number(self.scale)
        return x if isinstance(self.offset, (int, float)) and not self.offset else x + _number(self.offset)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, (int, float)) else value


class Identity(Layer):
    """What it is given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.supports_masking = self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs


class ActivityRegularization(Layer):
    """Adds what large activations cost to the loss."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **options: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **options)
        self.supports_masking = self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs
