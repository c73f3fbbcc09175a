"""Recurrent layers: the loop over time is one stablehlo.while, whatever the number of steps."""

from __future__ import annotations

from typing import Any

from irc.frontends.control import scan
from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import channels_last as C
from irc.frontends.recorder.storage import located
from irc.frontends.source import noted
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.array_ops import concat, reshape, reverse, transpose
from irc.frontends.tensorflow.creation import zeros, zeros_like
from irc.frontends.tensorflow.keras.layers.cells import (
    Cell,
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    initial_state,
)
from irc.frontends.tensorflow.keras.layers.inputs import InputSpec, calls
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.variables import Variable
from irc.frontends.tensorflow.recording import history_kept
from irc.frontends.tensorflow.tensor import emit


class RNN(Layer):
    """A cell (or several, stacked) along the time dimension of (N, T, ...)."""

    def __init__(
        self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, zero_output_for_mask: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        options.pop("time_major", None)
        super().__init__(**options)
        self.cell: Any = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        for part in ("call", "state_size"):
            if not hasattr(self.cell, part):
                raise located(
                    RecordValueError(f"Argument `cell` should have a `{part}`. Received: cell={cell}")
                )
        self.return_sequences, self.return_state, self.go_backwards = (
            return_sequences,
            return_state,
            go_backwards,
        )
        self.stateful, self.zero_output_for_mask = stateful, zero_output_for_mask
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=3)
        self.states: Any = None

    def _advice(self, shape: tuple[int | None, ...]) -> tuple[str, ...]:
        return (
            "it takes (batch, time, features): one number a step is x[..., tf.newaxis]",
            "class numbers of words become features in an Embedding before it",
        )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if not getattr(self.cell, "built", True):
            self.cell._build((sequences_shape[0], *sequences_shape[2:]))

    @property
    def units(self) -> Any:
        """The size of the cell's output."""
        return self.cell.units

    def get_initial_state(self, batch_size: int) -> Any:
        """Zeros for each state of a batch."""
        return initial_state(self.cell, batch_size, self._dtype)

    def reset_state(self) -> None:
        """Sets the states that a stateful layer keeps back to zero."""
        for v in nest.flatten(self.states or []):
            v.assign(zeros_like(v))

    reset_states = reset_state

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        x = transpose(sequences, (1, 0, *range(2, sequences.ndim)))
        start = self._start(x._read().type.static_shape[1], initial_state)
        turned = transpose(mask, (1, 0)) if mask is not None else None
        calls.training = training
        outputs, last, states = self._loop(x, start, turned, training)
        if self.stateful:
            self._keep(states)
        out = transpose(outputs, (1, 0, *range(2, outputs.ndim))) if self.return_sequences else last
        return [out, *nest.flatten(states)] if self.return_state else out

    def _start(self, batch: int, given: Any) -> Any:
        zero = initial_state(self.cell, batch, self._dtype)
        if given is not None:
            return nest.pack_sequence_as(zero, nest.flatten(given))
        if self.stateful:
            if self.states is None:
                shapes = [v._read().type.shape for v in nest.flatten(zero)]
                self.states = [
                    Variable("zeros", shape, self._dtype, trainable=False, name="state") for shape in shapes
                ]
            return nest.pack_sequence_as(zero, [v.read_value() for v in self.states])
        return zero

    def _keep(self, states: Any) -> None:
        for v, value in zip(self.states, nest.flatten(states), strict=True):
            v.assign(value)

    def _loop(self, x: Any, start: Any, mask: Any, training: bool) -> tuple[Any, Any, Any]:
        """All outputs (T, N, ...) where they are wanted, the last one, and the last states."""
        if isinstance(self.cell, Cell):
            own, kept = self.cell.masks(x, training)
            parts = self.cell.project(x if own is None else x * own)
            return self._known(parts, start, mask, kept)
        return self._any(x, start, mask)

    def _known(self, parts: Any, start: Any, mask: Any, kept: Any) -> tuple[Any, Any, Any]:
        """With a built-in cell, whose output is its first state."""

        def body(states: Any, row: Any) -> Any:
            part, there = row if mask is not None else (row, None)
            new = self.cell.step(part, states, kept)
            if there is not None:
                new = [emit(C.last_where, (n, o, there)) for n, o in zip(new, states, strict=True)]
            shown = new[0]
            if there is not None and self.zero_output_for_mask:
                shown = emit(C.last_where, (shown, zeros_like(shown), there))
            return new, [shown] if self.return_sequences else []

        with history_kept():
            states, stacked = scan(
                body, list(start), parts if mask is None else (parts, mask), reverse=self.go_backwards
            )
        outputs = stacked[0] if stacked else None
        if outputs is not None and self.go_backwards:
            outputs = reverse(outputs, [0])
        return outputs, states[0], states

    def _any(self, x: Any, start: Any, mask: Any) -> tuple[Any, Any, Any]:
        """With a cell of the user's."""
        flat = nest.flatten(start)
        size = getattr(self.cell, "output_size", None) or nest.flatten(self.cell.state_size)[0]
        size = size if isinstance(size, (list, tuple)) else (size,)
        shown = zeros((x._read().type.shape[1], *size), flat[0].dtype)

        def body(carry: Any, row: Any) -> Any:
            before, *old = carry
            part, there = row if mask is not None else (row, None)
            states = nest.pack_sequence_as(start, old)
            out, new = self.cell(part, states)
            fresh = nest.flatten(new)
            if there is not None:
                fresh = [emit(C.last_where, (n, o, there)) for n, o in zip(fresh, old, strict=True)]
                out = emit(
                    C.last_where, (out, zeros_like(out) if self.zero_output_for_mask else before, there)
                )
            return [out, *fresh], [out] if self.return_sequences else []

        with history_kept():
            (last, *states), stacked = scan(
                body, [shown, *flat], x if mask is None else (x, mask), reverse=self.go_backwards
            )
        outputs = stacked[0] if stacked else None
        if outputs is not None and self.go_backwards:
            outputs = reverse(outputs, [0])
        return outputs, last, nest.pack_sequence_as(start, states)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = nest.flatten(previous_mask)[0]
        return mask if self.return_sequences else None


class _Named(RNN):
    """A recurrent layer with a cell of its own, whose arguments it takes."""

    cell_class: Any = None
    family = "RNN"

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        with noted(self.family, **self._told()):
            return super().call(sequences, initial_state, mask, training)

    def _told(self) -> dict[str, str]:
        """What is to be said of the layer beside layers of other libraries."""
        biases = "two" if getattr(self.cell, "reset_after", False) else "one"
        return {"biases": biases if self.cell.use_bias else "none"}

    def __init__(self, units: int, *args: Any, **options: Any) -> None:
        own = (
            "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask", "name",
            "trainable", "activity_regularizer", "input_shape", "input_dim", "input_length", "batch_input_shape",
            "batch_shape", "weights", "time_major", "use_cudnn", "implementation",
        )  # fmt: skip
        mine = {k: v for k, v in options.items() if k in own}
        mine.pop("use_cudnn", None)
        mine.pop("implementation", None)
        rest = {k: v for k, v in options.items() if k not in own}
        super().__init__(self.cell_class(units, *args, **rest), **mine)

    def __getattr__(self, name: str) -> Any:
        cell = self.__dict__.get("cell")
        if cell is not None and not name.startswith("__") and name in cell.__dict__:
            return cell.__dict__[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


class SimpleRNN(_Named):
    """h' = tanh(x W + b + h U)."""

    cell_class = SimpleRNNCell


class LSTM(_Named):
    """Hochreiter and Schmidhuber 1997; one bias, that of the forget gate starts at 1."""

    cell_class = LSTMCell
    family = "LSTM"

    def _told(self) -> dict[str, str]:
        forget = "starts at 1" if self.cell.unit_forget_bias else "as the other gates'"
        return {**super()._told(), "forget_bias": forget}


class GRU(_Named):
    """Cho et al. 2014, with reset_after."""

    cell_class = GRUCell
    family = "GRU"


def clone(layer: Layer, **changes: Any) -> Any:
    """A layer made as another was, with some arguments changed."""
    args, kwargs = layer._made_with
    args = tuple(clone(a) if isinstance(a, Layer) else a for a in args)
    return type(layer)(*args, **{**kwargs, **changes})


class Bidirectional(Layer):
    """A recurrent layer, and one like it that goes backwards in time."""

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(weights=weights, **options)
        if merge_mode not in ("sum", "mul", "concat", "ave", None):
            raise located(
                RecordValueError(
                    f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of {{'sum', 'mul', 'ave', 'concat', None}}"
                )
            )
        if layer._batch_shape is not None:
            self._batch_shape = layer._batch_shape
        backward = backward_layer or clone(
            layer, go_backwards=not layer.go_backwards, name=f"backward_{layer.name}"
        )
        self.forward_layer, self.backward_layer = layer, backward
        if backward_layer is None:
            layer.name = f"forward_{layer.name}"
        self.merge_mode = merge_mode
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.supports_masking = True
        self.built = True

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        starts: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            starts = (initial_state[:half], initial_state[half:])
        both = [
            layer(sequences, initial_state=start, mask=mask, training=training)
            for layer, start in zip((self.forward_layer, self.backward_layer), starts, strict=True)
        ]
        states: list[Any] = []
        if self.return_state:
            states = [*both[0][1:], *both[1][1:]]
            both = [b[0] for b in both]
        y, z = both
        if self.return_sequences:
            z = reverse(z, [1])
        match self.merge_mode:
            case "concat":
                out: Any = concat([y, z], -1)
            case "sum":
                out = y + z
            case "ave":
                out = (y + z) / 2.0
            case "mul":
                out = y * z
            case _:
                out = [y, z]
        if not states:
            return out
        return [*out, *states] if isinstance(out, list) else [out, *states]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return nest.flatten(previous_mask)[0] if self.return_sequences else None


class TimeDistributed(Layer):
    """A layer on every time step of (N, T, ...)."""

    def __init__(self, layer: Any, **options: Any) -> None:
        super().__init__(**options)
        self.layer = layer
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            self.layer._build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: bool = False) -> Any:
        n, t, *rest = inputs._read().type.shape
        y = self.layer(reshape(inputs, (n * t, *rest)))
        return reshape(y, (n, t, *y._read().type.shape[1:]))
