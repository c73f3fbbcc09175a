"""nn.RNN, LSTM, GRU and their cells: the loop over time is one stablehlo.while."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordValueError, ShapeError
from irc.frontends.lowering import recurrent as R
from irc.frontends.recorder.storage import located
from irc.frontends.torch.creation import zeros
from irc.frontends.torch.joining import cat, stack
from irc.frontends.torch.nn import functional as F
from irc.frontends.torch.nn import init
from irc.frontends.torch.nn.lazy import fresh
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.parameter import Parameter
from irc.frontends.torch.size import placed
from irc.frontends.torch.tensor import Tensor, emit_all


class RNNBase(Module):
    """Layers of a recurrent cell; weights uniform in +-1/sqrt(hidden_size), named as PyTorch names them."""

    mode = "RNN_TANH"
    kind = "tanh"
    gates = 1
    states = 1

    @placed
    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if hidden_size <= 0:
            raise located(RecordValueError("hidden_size must be greater than zero"))
        if num_layers <= 0:
            raise located(RecordValueError("num_layers must be greater than zero"))
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = (
            bias,
            batch_first,
            dropout,
            bidirectional,
        )
        for layer, suffix in self._directions():
            size = input_size if layer == 0 else hidden_size * (2 if bidirectional else 1)
            rows = self.gates * hidden_size
            self.register_parameter(f"weight_ih_l{suffix}", fresh(rows, size, dtype=dtype))
            self.register_parameter(f"weight_hh_l{suffix}", fresh(rows, hidden_size, dtype=dtype))
            if bias:
                self.register_parameter(f"bias_ih_l{suffix}", fresh(rows, dtype=dtype))
                self.register_parameter(f"bias_hh_l{suffix}", fresh(rows, dtype=dtype))
        self.reset_parameters()

    def _directions(self) -> list[tuple[int, str]]:
        ways = ("", "_reverse") if self.bidirectional else ("",)
        return [(layer, f"{layer}{way}") for layer in range(self.num_layers) for way in ways]

    def reset_parameters(self) -> None:
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing to do: weights are laid out when the program is compiled."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        return [self._weights(suffix) for _, suffix in self._directions()]

    def _weights(self, suffix: str) -> list[Parameter]:
        names = ["weight_ih_l", "weight_hh_l"] + ["bias_ih_l", "bias_hh_l"] * self.bias
        return [self._parameters[name + suffix] for name in names]  # type: ignore[misc]

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        batched = input.dim() == 3
        if input.dim() not in (2, 3):
            raise located(
                RecordValueError(
                    f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D instead"
                )
            )
        if input.shape[-1] != self.input_size:
            raise located(
                ShapeError(
                    f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}",
                    notes=(
                        f"nn.{type(self).__name__}({input.shape[-1]}, {self.hidden_size}) takes this input",
                    ),
                )
            )
        x = input if batched else input.unsqueeze(1)
        x = x.transpose(0, 1) if self.batch_first and batched else x
        given = self._initial(x, hx, batched)
        x, final = self._layers(x, given)
        last = [stack(states, 0) for states in zip(*final, strict=True)]
        if not batched:
            x, last = x.squeeze(1), [s.squeeze(1) for s in last]
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, self._state(last)

    def _layers(self, x: Tensor, given: list[Tensor]) -> tuple[Tensor, list[list[Tensor]]]:
        final: list[list[Tensor]] = []
        outputs: list[Tensor] = []
        for number, (layer, suffix) in enumerate(self._directions()):
            backwards = suffix.endswith("_reverse")
            if layer and not backwards and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            operands = [x, *(s[number] for s in given), *self._weights(suffix)]
            out, *last = emit_all(R.layer, operands, self.kind, self.bias, backwards)
            final.append(last)
            outputs.append(out)
            if backwards or not self.bidirectional:
                x = cat(outputs, 2) if self.bidirectional else out
                outputs = []
        return x, final

    def _initial(self, x: Tensor, hx: Any, batched: bool) -> list[Tensor]:
        shape = (len(self._directions()), x.shape[1], self.hidden_size)
        if hx is None:
            return [zeros(*shape, dtype=x.dtype) for _ in range(self.states)]
        given = [hx] if isinstance(hx, Tensor) else list(hx)
        given = given if batched else [s.unsqueeze(1) for s in given]
        for s in given:
            if tuple(s.shape) != shape:
                raise located(ShapeError(f"Expected hidden size {shape}, got {list(s.shape)}"))
        return given

    def _state(self, last: list[Tensor]) -> Any:
        return last[0]

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if not self.bias:
            text += f", bias={self.bias}"
        for name in ("batch_first", "dropout", "bidirectional"):
            value = getattr(self, name)
            if value:
                text += f", {name}={value}"
        return text


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu."""

    def __init__(self, *args: Any, nonlinearity: str = "tanh", **kwargs: Any) -> None:
        if len(args) > 3:
            args, nonlinearity = (*args[:3], *args[4:]), args[3]
        if nonlinearity not in ("tanh", "relu"):
            raise located(
                RecordValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
            )
        self.__dict__["kind"] = nonlinearity
        super().__init__(*args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Hidden state and cell state; gates i, f, g, o."""

    kind, gates, states = "lstm", 4, 2

    def _state(self, last: list[Tensor]) -> Any:
        return tuple(last)


class GRU(RNNBase):
    """Gates r, z, n."""

    kind, gates = "gru", 3


class RNNCellBase(Module):
    """One step of a recurrent layer."""

    kind = "tanh"
    gates = 1
    states = 1

    @placed
    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows, bound = self.gates * hidden_size, 1.0 / math.sqrt(hidden_size)
        self.weight_ih, self.weight_hh = fresh(rows, input_size), fresh(rows, hidden_size)
        self.register_parameter("bias_ih", fresh(rows) if bias else None)
        self.register_parameter("bias_hh", fresh(rows) if bias else None)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        single = input.dim() == 1
        x = input.unsqueeze(0) if single else input
        if hx is None:
            given = [zeros(x.shape[0], self.hidden_size, dtype=x.dtype) for _ in range(self.states)]
        else:
            given = [hx] if isinstance(hx, Tensor) else list(hx)
            given = [s.unsqueeze(0) for s in given] if single else given
        weights = [self.weight_ih, self.weight_hh, *((self.bias_ih, self.bias_hh) if self.bias else ())]
        made = emit_all(R.cell, [x, *given, *weights], self.kind, self.bias)
        made = [s.squeeze(0) for s in made] if single else made
        return made[0] if self.states == 1 else tuple(made)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    """One step of RNN: (N, input) and (N, hidden) give (N, hidden)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh"
    ) -> None:
        self.__dict__["kind"] = nonlinearity
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = nonlinearity


class LSTMCell(RNNCellBase):
    """One step of LSTM: (N, input) and two states (N, hidden) give two new ones."""

    kind, gates, states = "lstm", 4, 2


class GRUCell(RNNCellBase):
    """One step of GRU: (N, input) and (N, hidden) give (N, hidden)."""

    kind, gates = "gru", 3
