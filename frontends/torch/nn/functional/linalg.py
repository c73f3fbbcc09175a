"""Linear and bilinear maps."""

from __future__ import annotations

import math

from irc.frontends.errors import RecordError, ShapeError
from irc.frontends.explain import tensor_note
from irc.frontends.lowering import linalg as P
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.pointwise import need_tensor
from irc.frontends.torch.tensor import Tensor, emit


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias; weight is (out_features, in_features)."""
    x, w = need_tensor(input, "linear"), weight
    if x.dim() == 0 or x.shape[-1] != w.shape[-1]:
        raise located(_linear_error(x, w))
    if x.dtype is not w.dtype:
        a, b = dtypes.SCALAR_TYPE_NAMES[x.dtype], dtypes.SCALAR_TYPE_NAMES[w.dtype]
        raise located(
            RecordError(
                f"mat1 and mat2 must have the same dtype, but got {a} and {b}",
                notes=((f"write x.to({w.dtype!r})"),) if not x.dtype.is_floating_point else (),
            )
        )
    return emit(P.linear, (x, w) if bias is None else (x, w, bias))


def _linear_error(x: Tensor, w: Tensor) -> ShapeError:
    rows = math.prod(x.shape[:-1])
    given, wanted = x.shape[-1] if x.dim() else 0, w.shape[-1]
    fixes = [f"nn.Linear({given}, {w.shape[0]}) takes this input"] if given else []
    per_sample = math.prod(x.shape[1:])
    if x.dim() > 2 and per_sample == wanted:
        fixes = [f"flatten the input first: x.view(x.size(0), -1) has the {wanted} values a sample"]
    if w.dim() == 2 and given == w.shape[0]:
        fixes.append("the weight is (out_features, in_features): it looks transposed")
    return ShapeError(
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{given} and {wanted}x{w.shape[0]})",
        notes=(
            tensor_note("the input", x._read()),
            f"its last extent is {given}, and the weight wants {wanted}",
            *fixes,
        ),
    )


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return emit(P.bilinear, (input1, input2, weight) if bias is None else (input1, input2, weight, bias))
