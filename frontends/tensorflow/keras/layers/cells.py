"""Cells of recurrent layers: one step in time. Built-in ones project all inputs at once, outside of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import channels_last as C
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nn
from irc.frontends.tensorflow.array_ops import concat, split
from irc.frontends.tensorflow.creation import ones, zeros
from irc.frontends.tensorflow.keras import activations, constraints, initializers, regularizers
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.layers.weighted import KernelAndBias
from irc.frontends.tensorflow.tensor import Tensor, emit


class Cell(KernelAndBias):
    """Base of the built-in cells: `gates` blocks of `units` columns in each weight; the output is the first state."""

    gates = 1
    states = 1

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
        seed: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        if units <= 0:
            raise located(
                RecordValueError(
                    f"Received an invalid value for argument `units`, expected a positive integer, got {units}."
                )
            )
        self.units, self.use_bias, self.activation = units, use_bias, activations.get(activation)
        self._tell(
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
        )
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.dropout, self.recurrent_dropout = float(dropout), float(recurrent_dropout)
        self.state_size: Any = units if self.states == 1 else [units] * self.states
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        width = self.gates * self.units
        self.kernel = self._add_kernel((input_shape[-1], width))
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint, name="recurrent_kernel",
        )  # fmt: skip
        self._add_bias(self._bias_shape(width), self._bias_initializer())

    def _bias_shape(self, width: int) -> tuple[int, ...]:
        return (width,)

    def _bias_initializer(self) -> Any:
        return self.bias_initializer

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        """Zeros for each state of a batch."""
        return [zeros((batch_size, self.units), self._dtype) for _ in range(self.states)]

    def project(self, x: Any) -> Any:
        """The inputs' part of the gates, for one step or for all at once."""
        operands = (x, self.kernel) if self.bias is None else (x, self.kernel, self.bias)
        return emit(C.dense, operands, op="MatMul")

    def recur(self, h: Any, kernel: Any = None) -> Any:
        """The state's part of the gates."""
        return emit(C.dense, (h, self.recurrent_kernel if kernel is None else kernel), op="MatMul")

    def step(self, part: Any, states: Sequence[Any], kept: Any = None) -> list[Any]:
        """The new states; `kept` is the mask of recurrent dropout or None."""
        raise located(RecordValueError(f"{type(self).__name__} has no step"))

    def masks(self, x: Any, training: bool) -> tuple[Any, Any]:
        """The masks of dropout on the inputs and on the state: the same at every step."""
        if not training:
            return None, None
        batch, width = x._read().type.shape[-2:]
        own = nn.dropout(ones((batch, width), x.dtype), self.dropout) if self.dropout else None
        kept = (
            nn.dropout(ones((batch, self.units), x.dtype), self.recurrent_dropout)
            if self.recurrent_dropout
            else None
        )
        return own, kept

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """One step: the output and the new states."""
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        own, kept = self.masks(inputs, training)
        new = self.step(self.project(inputs if own is None else inputs * own), given, kept)
        return new[0], new if isinstance(states, (list, tuple)) else new[0]


def _held(h: Any, kept: Any) -> Any:
    return h if kept is None else h * kept


class SimpleRNNCell(Cell):
    """h' = activation(x W + b + h U)."""

    def step(self, part: Any, states: Sequence[Any], kept: Any = None) -> list[Any]:
        return [self.activation(part + self.recur(_held(states[0], kept)))]


class LSTMCell(Cell):
    """Gates i, f, c, o; the forget gate's bias starts at 1."""

    gates, states = 4, 2

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", unit_forget_bias: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            **options,
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def _bias_initializer(self) -> Any:
        return self._with_forget_bias if self.unit_forget_bias else self.bias_initializer

    def _with_forget_bias(self, shape: Any, dtype: Any = None) -> Tensor:
        n, first = self.units, self.bias_initializer
        return concat([first((n,), dtype), initializers.Ones()((n,), dtype), first((2 * n,), dtype)], 0)

    def step(self, part: Any, states: Sequence[Any], kept: Any = None) -> list[Any]:
        gate, (h, c) = self.recurrent_activation, states
        i, f, g, o = split(part + self.recur(_held(h, kept)), 4, axis=-1)
        c = gate(f) * c + gate(i) * self.activation(g)
        return [gate(o) * self.activation(c), c]


class GRUCell(Cell):
    """Gates z, r, h. With reset_after (the default) there are two biases, and r scales the state's part after its product."""

    gates = 3

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        *args: Any, reset_after: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(units, activation, use_bias, *args, **options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self, width: int) -> tuple[int, ...]:
        return (2, width) if self.reset_after else (width,)

    def project(self, x: Any) -> Any:
        if self.bias is None:
            return emit(C.dense, (x, self.kernel), op="MatMul")
        bias = self.bias[0] if self.reset_after else self.bias
        return emit(C.dense, (x, self.kernel, bias), op="MatMul")

    def step(self, part: Any, states: Sequence[Any], kept: Any = None) -> list[Any]:
        gate, h = self.recurrent_activation, states[0]
        xz, xr, xh = split(part, 3, axis=-1)
        used = _held(h, kept)
        if self.reset_after:
            both = self.recur(used)
            both = both if self.bias is None else both + self.bias[1]
            hz, hr, hh = split(both, 3, axis=-1)
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + r * hh)
        else:
            n = self.units
            hz, hr = split(self.recur(used, self.recurrent_kernel[:, : 2 * n]), 2, axis=-1)
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + self.recur(r * used, self.recurrent_kernel[:, 2 * n :]))
        return [z * h + (1.0 - z) * new]


class StackedRNNCells(Layer):
    """Several cells as one, the output of each the input of the next."""

    def __init__(self, cells: Sequence[Any], **options: Any) -> None:
        super().__init__(**options)
        self.cells = list(cells)
        self.built = True

    @property
    def state_size(self) -> list[Any]:
        """The cells' state sizes, one after another."""
        return [c.state_size for c in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of what the last cell gives."""
        return getattr(self.cells[-1], "output_size", self.cells[-1].state_size)

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Zeros for each state of every cell."""
        return [initial_state(c, batch_size, self._dtype) for c in self.cells]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new = []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, after = cell(inputs, state)
            new.append(after)
        return inputs, new


def initial_state(cell: Any, batch: int, d: Any) -> Any:
    """Zeros of a cell's state sizes."""
    if hasattr(cell, "get_initial_state"):
        made = cell.get_initial_state(batch)
        return made if isinstance(made, (list, tuple)) else [made]
    return _zeros(cell.state_size, batch, d)


def _zeros(size: Any, batch: int, d: Any) -> Any:
    if isinstance(size, (list, tuple)) and not isinstance(size[0] if size else None, int):
        return [_zeros(s, batch, d) for s in size]
    if isinstance(size, (list, tuple)):
        return [zeros((batch, n), d) for n in size]
    return [zeros((batch, size), d)]
