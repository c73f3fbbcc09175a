"""Activations."""

from __future__ import annotations

from irc.frontends.errors import RecordError
from irc.frontends.lowering import elementwise as W
from irc.frontends.recorder.storage import located
from irc.frontends.torch.creation import rand_like
from irc.frontends.torch.nn.functional.indexing import one_hot
from irc.frontends.torch.pointwise import need_tensor, sigmoid, tanh, where
from irc.frontends.torch.reductions import softmax
from irc.frontends.torch.tensor import Tensor, emit, method
from irc.frontends.torch.writing import write


def written(input: Tensor, inplace: bool, made: Tensor) -> Tensor:
    return write(input, made) if inplace else made


@method("relu")
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0)."""
    return written(input, inplace, emit(W.relu, (need_tensor(input, "relu"),)))


@method("relu_")
def relu_(input: Tensor) -> Tensor:
    return relu(input, True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.hardtanh, (input,), min_val, max_val))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.leaky_relu, (input,), negative_slope))


@method("prelu")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    return emit(W.prelu, (input, weight))


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.elu, (input,), alpha, 1.0, 1.0))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.elu, (input,), alpha, 1.0, 1 / alpha))


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Klambauer et al. 2017."""
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return written(input, inplace, emit(W.elu, (input,), alpha, scale, 1.0))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the normal distribution function, by erf ("none") or by the tanh formula ("tanh")."""
    if approximate not in ("none", "tanh"):
        raise located(RecordError("approximate argument must be either none or tanh."))
    return emit(W.gelu, (input,), approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.silu, (input,)))


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.mish, (input,)))


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.hardsigmoid, (input,)))


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    return written(input, inplace, emit(W.hardswish, (input,)))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return emit(W.softplus, (input,), beta, threshold)


def softsign(input: Tensor) -> Tensor:
    return emit(W.softsign, (input,))


def logsigmoid(input: Tensor) -> Tensor:
    return emit(W.log_sigmoid, (input,))


def tanhshrink(input: Tensor) -> Tensor:
    return input - tanh(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    return written(input, inplace, where(input > threshold, input, value))


def softmin(input: Tensor, dim: int | None = None) -> Tensor:
    return softmax(-input, dim)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """One half times the sigmoid of the other."""
    a, b = input.chunk(2, dim)
    return a * sigmoid(b)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, dim: int = -1) -> Tensor:
    """Samples of classes that gradients go through (Jang et al. 2017); one-hot ones where `hard`."""
    noise = -(-_open_uniform(logits).log()).log()
    y = softmax((logits + noise) / tau, dim)
    if not hard:
        return y
    index = y.argmax(dim)
    chosen = one_hot(index, y.shape[dim]).to(y.dtype).movedim(-1, dim)
    return chosen - y.detach() + y


def _open_uniform(x: Tensor) -> Tensor:
    """Uniform numbers in (0, 1]."""
    return 1 - rand_like(x)
