"""tf.nn.rnn_cell, tf.nn.dynamic_rnn, tf.nn.static_rnn: cells whose weights are variables of the graph; dynamic_rnn is a
`while` of the IR."""

from __future__ import annotations

from collections import namedtuple
from contextlib import AbstractContextManager
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering.control import put_slice
from irc.frontends.recorder.storage import located
from irc.frontends.source import noted
from irc.frontends.tensorflow import array_ops, creation, dtypes, linalg, nest, pointwise
from irc.frontends.tensorflow import nn as eager
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, call
from irc.frontends.tensorflow.compat.v1.control_flow import while_loop
from irc.frontends.tensorflow.compat.v1.initializers import Ones, Zeros
from irc.frontends.tensorflow.compat.v1.layers import Layer
from irc.frontends.tensorflow.compat.v1.nn import dropout
from irc.frontends.tensorflow.compat.v1.variable_scope import variable_scope
from irc.frontends.tensorflow.tensor import emit

LSTMStateTuple = namedtuple("LSTMStateTuple", ("c", "h"))


def _tanh(x: Any) -> Any:
    return call(pointwise.tanh, (x,), "Tanh")


def _sigmoid(x: Any) -> Any:
    return call(pointwise.sigmoid, (x,), "Sigmoid")


class RNNCell(Layer):
    """Base: `cell(input, state)` gives (output, new state)."""

    state_size: Any = 0
    output_size: Any = 0

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        if scope is not None and self._scope is None:
            self._scope = scope
        return super().__call__(inputs, state)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros, nested as `state_size` is."""
        return nest.map_structure(
            lambda n: call(creation.zeros, ([batch_size, n], dtype), "zeros"), self.state_size
        )

    def _product(self, parts: list[Any], width: int, prefix: str = "", bias: Any = Zeros) -> Any:
        """[parts...] @ kernel + bias."""
        joined = call(array_ops.concat, (parts, 1), "concat") if len(parts) > 1 else parts[0]
        kernel = self.add_weight(f"{prefix}kernel", [joined.shape.as_list()[-1], width], self._initializer)
        made = call(linalg.matmul, (joined, kernel), "MatMul")
        return call(eager.bias_add, (made, self.add_weight(f"{prefix}bias", [width], bias)), "BiasAdd")

    _initializer: Any = None

    def add_weight(self, name: str, shape: Any, *args: Any, **kwargs: Any) -> Any:
        """A weight made once: later calls, in a loop's body as well, take it from here."""
        held = self.__dict__.setdefault("_held", {})
        if name not in held:
            held[name] = super().add_weight(name, shape, *args, **kwargs)
        return held[name]


class BasicRNNCell(RNNCell):
    """new state = output = activation([input, state] @ kernel + bias)."""

    default = "basic_rnn_cell"

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(True, name, _reuse=reuse, **kwargs)
        self._units, self._activation = num_units, activation or _tanh
        self.state_size = self.output_size = num_units

    def call(self, inputs: Any, state: Any) -> Any:
        made = self._activation(self._product([inputs, state], self._units))
        return made, made


class BasicLSTMCell(RNNCell):
    """Zaremba et al. 2014; gates in the order input, new, forget, output."""

    default = "basic_lstm_cell"

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(True, name, _reuse=reuse, **kwargs)
        if not state_is_tuple:
            raise located(RecordValueError("state_is_tuple=False is not there"))
        self._units, self._forget, self._activation = num_units, forget_bias, activation or _tanh
        self._initializer = initializer
        self.state_size, self.output_size = LSTMStateTuple(num_units, num_units), num_units

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = state
        gates = self._product([inputs, h], 4 * self._units)
        i, new, forget, out = call(array_ops.split, (gates, 4, 1), "split")
        c = c * _sigmoid(forget + self._forget) + _sigmoid(i) * self._activation(new)
        h = self._activation(c) * _sigmoid(out)
        return h, LSTMStateTuple(c, h)


class LSTMCell(BasicLSTMCell):
    """A BasicLSTMCell under TF1's other name (without peepholes and projections)."""

    default = "lstm_cell"

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: Any = None,
        initializer: Any = None,
        num_proj: Any = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if use_peepholes or num_proj is not None or cell_clip is not None:
            raise located(RecordValueError("LSTMCell has no peepholes, projection or clipping here"))
        super().__init__(
            num_units, forget_bias, state_is_tuple, activation, reuse, name, initializer, **kwargs
        )


class GRUCell(RNNCell):
    """Cho et al. 2014."""

    default = "gru_cell"

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(True, name, _reuse=reuse, **kwargs)
        self._units, self._activation = num_units, activation or _tanh
        self._initializer, self._bias = kernel_initializer, bias_initializer
        self.state_size = self.output_size = num_units

    def call(self, inputs: Any, state: Any) -> Any:
        gates = _sigmoid(self._product([inputs, state], 2 * self._units, "gates/", self._bias or Ones))
        reset, keep = call(array_ops.split, (gates, 2, 1), "split")
        new = self._activation(
            self._product([inputs, reset * state], self._units, "candidate/", self._bias or Zeros)
        )
        made = keep * state + (1.0 - keep) * new
        return made, made


class MultiRNNCell(RNNCell):
    """Cells one after another: each takes the output of the one before."""

    default = "multi_rnn_cell"

    def __init__(self, cells: Any, state_is_tuple: bool = True) -> None:
        super().__init__()
        self._cells = list(cells)
        self.state_size = tuple(c.state_size for c in self._cells)
        self.output_size = self._cells[-1].output_size

    def call(self, inputs: Any, state: Any) -> Any:
        states = []
        for n, (cell, own) in enumerate(zip(self._cells, state, strict=True)):
            with variable_scope(f"cell_{n}"):
                inputs, new = cell(inputs, own)
            states.append(new)
        return inputs, tuple(states)


class DropoutWrapper(RNNCell):
    """A cell with dropout on what goes in and comes out."""

    default = "dropout_wrapper"

    def __init__(
        self,
        cell: RNNCell,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self._cell, self._in, self._out, self._seed = cell, input_keep_prob, output_keep_prob, seed
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        if self._in is not None and not (isinstance(self._in, float) and self._in == 1.0):
            inputs = dropout(inputs, self._in, seed=self._seed)
        out, state = self._cell(inputs, state, scope)
        if self._out is not None and not (isinstance(self._out, float) and self._out == 1.0):
            out = dropout(out, self._out, seed=self._seed)
        return out, state


def _start(cell: RNNCell, like: Any, batch_axis: int, initial_state: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return initial_state
    if dtype is None:
        raise located(RecordValueError("If there is no initial_state, you must give a dtype."))
    batch = like.shape.as_list()[batch_axis]
    if batch is None:
        batch = call(array_ops.shape, (like,), "Shape")[batch_axis]
    return cell.zero_state(batch, dtypes.as_dtype(dtype))


def _told(cell: Any) -> AbstractContextManager[None]:
    """What is recorded inside belongs to a recurrent layer, of which it is said what others do otherwise."""
    match cell:
        case BasicLSTMCell():
            return noted("LSTM", biases="one", forget_bias=f"{cell._forget} is added")
        case GRUCell():
            return noted("GRU", biases="one")
    return noted("RNN", biases="one")


def static_rnn(
    cell: RNNCell,
    inputs: Any,
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A cell over a list of inputs: the outputs, and the last state."""
    inputs = [as_tensor(x) for x in inputs]
    if not inputs:
        raise located(RecordValueError("inputs must not be empty"))
    if sequence_length is not None:
        raise located(
            RecordValueError("static_rnn takes no sequence_length here", notes=("tf.nn.dynamic_rnn does",))
        )
    outputs = []
    with _told(cell), variable_scope(scope or "rnn"):
        state = _start(cell, inputs[0], 0, initial_state, dtype)
        for x in inputs:
            out, state = cell(x, state)
            outputs.append(out)
    return outputs, state


def _row(x: Any, t: Any) -> Any:
    return x[t]


def _put(stack: Any, t: Any, row: Any) -> Any:
    return emit(_put_slice, (stack, t, row))


def _put_slice(scope: Any, stack: Any, t: Any, row: Any) -> Any:
    return put_slice(stack, t, row)


def dynamic_rnn(
    cell: RNNCell,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """A cell over the time dimension of (batch, time, features): all outputs, and the last state. Past the end of a
    sequence outputs are zero and the state stays."""
    inputs = as_tensor(inputs)
    with _told(cell), variable_scope(scope or "rnn") as own:
        x = inputs if time_major else call(array_ops.transpose, (inputs, [1, 0, 2]), "transpose")
        state = _start(cell, x, 1, initial_state, dtype or inputs.dtype)
        # The cell's weights are made here: a loop's body makes no variables.
        first, _ = cell(x[0], state)
        own.reuse_variables()
        steps = call(array_ops.shape, (x,), "Shape")[0]
        shape = call(array_ops.shape, (first,), "Shape")
        stack = call(creation.zeros, ([steps, shape[0], cell.output_size], first.dtype), "zeros")
        lengths = None if sequence_length is None else as_tensor(sequence_length)

        def body(t: Any, state: Any, stack: Any) -> Any:
            out, new = cell(call(_row, (x, t), "Read"), state)
            if lengths is not None:
                live = call(array_ops.expand_dims, (call(_before, (t, lengths), "Less"), 1), "ExpandDims")
                new = nest.map_structure(
                    lambda a, b: call(pointwise.where, (live, a, b), "Select"), new, state
                )
                out = call(_or_zero, (live, out), "Select")
            return t + 1, new, call(_put, (stack, t, out), "Write")

        _, state, stack = while_loop(lambda t, *rest: t < steps, body, (0, state, stack))
        outputs = stack if time_major else call(array_ops.transpose, (stack, [1, 0, 2]), "transpose")
    return outputs, state


def _before(t: Any, lengths: Any) -> Any:
    return pointwise.less(pointwise.cast(t, lengths.dtype), lengths)


def _or_zero(live: Any, out: Any) -> Any:
    return pointwise.where(live, out, creation.zeros_like(out))


def static_bidirectional_rnn(
    cell_fw: RNNCell,
    cell_bw: RNNCell,
    inputs: Any,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    scope: Any = None,
    **kwargs: Any,
) -> tuple[list[Any], Any, Any]:
    """One cell forwards and one backwards over a list of inputs; outputs side by side."""
    with variable_scope(scope or "bidirectional_rnn"):
        forwards, last = static_rnn(cell_fw, inputs, initial_state_fw, dtype, scope="fw")
        backwards, first = static_rnn(cell_bw, list(inputs)[::-1], initial_state_bw, dtype, scope="bw")
    pairs = zip(forwards, backwards[::-1], strict=True)
    return [call(array_ops.concat, ([a, b], 1), "concat") for a, b in pairs], last, first
