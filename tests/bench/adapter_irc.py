"""irc in the peer benchmark, through the torch-style frontend. The benchmark's folder gives `spec` and `base`; BENCH_IRC_PYTHON
names the Python that has irc (else that of the environment VENV)."""

from __future__ import annotations

from typing import Any

import spec
from base import Adapter as Base

import irc
import irc.torch as torch
import irc.torch.nn.functional as F

VENV = "irc"
ENV: dict[str, str] = {}
IMPORT = "import irc.torch"
INTERPRETER = __import__("os").environ.get("BENCH_IRC_PYTHON")


class Ops:
    """The benchmark's ops on tensors of irc.torch."""

    linear = staticmethod(F.linear)
    relu = staticmethod(F.relu)
    relu6 = staticmethod(F.relu6)
    gelu = staticmethod(F.gelu)
    cross_entropy = staticmethod(F.cross_entropy)
    matmul = staticmethod(torch.matmul)
    tanh = staticmethod(torch.tanh)
    add = staticmethod(torch.add)

    def __init__(self, recurrent: Any = None) -> None:
        self.recurrent = recurrent

    def conv2d(self, x: Any, w: Any, b: Any, stride: int, padding: int, groups: int) -> Any:
        return F.conv2d(x, w, b, stride, padding, 1, groups)

    def maxpool2d(self, x: Any, kernel: int, stride: int, padding: int) -> Any:
        return F.max_pool2d(x, kernel, stride, padding)

    def global_avgpool(self, x: Any) -> Any:
        return x.mean((2, 3))

    def flatten_chw(self, x: Any) -> Any:
        return x.flatten(1)

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape)

    def embedding(self, table: Any, ids: Any) -> Any:
        return F.embedding(ids, table)

    def last_step(self, y: Any) -> Any:
        return y[:, -1]

    def layernorm(self, x: Any, gain: Any, bias: Any) -> Any:
        return F.layer_norm(x, (x.shape[-1],), gain, bias, 1e-5)

    def gelu_tanh(self, x: Any) -> Any:
        return F.gelu(x, approximate="tanh")

    def softmax(self, x: Any) -> Any:
        return F.softmax(x, -1)

    def attention(self, qkv: Any, heads: int, causal: bool) -> Any:
        batch, length, width = qkv.shape
        each = qkv.view(batch, length, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*each.unbind(0), is_causal=causal)
        return y.transpose(1, 2).reshape(batch, length, width // 3)

    def lstm(self, x: Any, wih: Any, whh: Any, b: Any) -> Any:
        return self.recurrent(x)[0]

    def sum(self, x: Any, axis: int) -> Any:
        return x.sum(axis)

    def transpose2d(self, x: Any) -> Any:
        return x.t().contiguous()

    def embed_sum(self, table: Any, ids: Any) -> Any:
        return F.embedding(ids, table).sum(1)

    def sort(self, x: Any) -> Any:
        return torch.sort(x)[0]


class Adapter(Base):
    NAME = "irc"

    def setup(self) -> str:
        irc.set_num_threads(self.threads)
        return str(irc.__version__)

    def load(self, wl: Any, P: dict[str, Any], X: dict[str, Any]) -> None:
        train = wl.kind == "train"
        self._wP = {
            k: torch.nn.Parameter(torch.from_numpy(v.copy()), requires_grad=train) for k, v in P.items()
        }
        self._wX = {k: torch.from_numpy(v.copy()) for k, v in X.items()}
        if train:
            self._wX["labels"] = self._wX["labels"].long()
        self._wo = Ops(self._recurrent(wl) if "ih.w" in P else None)

    def _recurrent(self, wl: Any) -> Any:
        """nn.LSTM with the benchmark's weights: one vector of biases, so that the other is zero and stays so."""
        made = torch.nn.LSTM(wl.cfg["inp"], wl.cfg["hid"], batch_first=True)
        made.weight_ih_l0, made.weight_hh_l0 = self._wP["ih.w"], self._wP["hh.w"]
        made.bias_ih_l0 = self._wP["rnn.b"]
        made.bias_hh_l0 = torch.nn.Parameter(torch.zeros(4 * wl.cfg["hid"]), requires_grad=False)
        return made

    def build(self, wl: Any) -> Any:
        step = self._training(wl) if wl.kind == "train" else self._inference(wl)
        values = tuple(self._wX.values())
        return lambda: step(*values)

    def _inference(self, wl: Any) -> Any:
        ops, parameters, names = self._wo, self._wP, tuple(self._wX)

        @irc.compile
        def forward(*values: Any) -> Any:
            with torch.no_grad():
                return spec.forward(ops, wl, parameters, dict(zip(names, values, strict=True)))

        return forward

    def _training(self, wl: Any) -> Any:
        ops, parameters, names = self._wo, self._wP, tuple(self._wX)
        weights = list(parameters.values())
        if wl.opt == "sgd":
            optimizer: Any = torch.optim.SGD(weights, lr=wl.lr)
        else:
            adam = spec.ADAM
            optimizer = torch.optim.Adam(weights, lr=wl.lr, betas=(adam["b1"], adam["b2"]), eps=adam["eps"])

        @irc.compile
        def step(*values: Any) -> Any:
            optimizer.zero_grad()
            loss = spec.loss_fn(ops, wl, parameters, dict(zip(names, values, strict=True)))
            loss.backward()
            optimizer.step()
            return loss

        return step

    def to_numpy(self, wl: Any, out: Any) -> Any:
        return out.detach().numpy()

    def params(self, wl: Any) -> dict[str, Any]:
        return {k: v.detach().numpy() for k, v in self._wP.items()}
