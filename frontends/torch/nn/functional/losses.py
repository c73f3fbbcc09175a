"""Losses, and the distances some of them are made of."""

from __future__ import annotations

import warnings
from typing import Any

from irc.frontends.errors import RecordError, RecordIndexError, RecordValueError
from irc.frontends.explain import tensor_note
from irc.frontends.lowering import elementwise as W
from irc.frontends.lowering import losses as L
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.places import seen
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.pointwise import need_tensor, promoted, to_dtype, where
from irc.frontends.torch.reductions import log_softmax
from irc.frontends.torch.tensor import Tensor, emit


def check_reduction(reduction: str, size_average: Any = None, reduce: Any = None) -> str:
    """One of "none", "mean", "sum"."""
    if size_average is not None or reduce is not None:
        warnings.warn(
            "size_average and reduce args will be deprecated, please use reduction instead.", stacklevel=4
        )
        return "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise located(RecordValueError(f"{reduction} is not a valid value for reduction"))
    return reduction


def _pair(input: Tensor, target: Tensor, name: str) -> tuple[Tensor, Tensor]:
    x, y = need_tensor(input, name), need_tensor(target, name, "target", 2)
    if x.shape != y.shape:
        shape = W.broadcast_shape(tuple(x.shape), tuple(y.shape))
        warnings.warn(
            f"Using a target size ({y.shape}) that is different to the input size ({x.shape}). This will likely lead to "
            "incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )
        x, y = x.expand(*shape), y.expand(*shape)
    d = promoted(x, y)
    return to_dtype(x, d), to_dtype(y, d)


def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of (input - target)^2."""
    return emit(
        L.squared_error, _pair(input, target, "mse_loss"), check_reduction(reduction, size_average, reduce)
    )


def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """The mean of |input - target|."""
    return emit(
        L.absolute_error, _pair(input, target, "l1_loss"), check_reduction(reduction, size_average, reduce)
    )


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Half the square over beta below beta, |input - target| - beta / 2 above."""
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    how = check_reduction(reduction, size_average, reduce)
    return emit(L.smooth_absolute_error, _pair(input, target, "smooth_l1_loss"), how, beta)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    return emit(L.huber, _pair(input, target, "huber_loss"), check_reduction(reduction), delta)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of probabilities."""
    x, y = (
        need_tensor(input, "binary_cross_entropy"),
        need_tensor(target, "binary_cross_entropy", "target", 2),
    )
    if x.shape != y.shape:
        raise located(
            RecordValueError(
                f"Using a target size ({y.shape}) that is different to the input size ({x.shape}) is deprecated. Please ensure "
                "they have the same size.",
                notes=_target_notes(x, y),
            )
        )
    if x.dtype is not y.dtype:
        a, b = dtypes.SCALAR_TYPE_NAMES[x.dtype], dtypes.SCALAR_TYPE_NAMES[y.dtype]
        raise located(RecordError(f"Found dtype {b} but expected {a}", notes=("write target.float()",)))
    operands = (x, y) if weight is None else (x, y, weight)
    return emit(L.binary_cross_entropy, operands, check_reduction(reduction, size_average, reduce))


def _target_notes(x: Tensor, y: Tensor) -> tuple[str, ...]:
    if x.numel() == y.numel() and x.dim() == y.dim() + 1 and x.shape[-1] == 1:
        return ("write input.squeeze(-1), or target.unsqueeze(-1)",)
    return ()


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Of logits: sigmoid and loss in one, without overflow."""
    if input.shape != target.shape:
        raise located(
            RecordValueError(
                f"Target size ({target.shape}) must be the same as input size ({input.shape})",
                notes=_target_notes(input, target),
            )
        )
    x, y = _pair(input, target, "binary_cross_entropy_with_logits")
    weights = [w for w in (weight, pos_weight) if w is not None]
    how = check_reduction(reduction, size_average, reduce)
    flags = (weight is not None, pos_weight is not None)
    return emit(L.binary_cross_entropy_logits, (x, y, *weights), *flags, how)


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of log-probabilities and class indices."""
    how = check_reduction(reduction, size_average, reduce)
    return _likelihood(input, target, weight, ignore_index, how, 0.0, "nll_loss")


def _likelihood(
    x: Tensor, target: Tensor, weight: Tensor | None, ignored: int, how: str, smoothing: float, name: str
) -> Tensor:
    _check_classes(x, target, ignored, name)
    operands = (x, target) if weight is None else (x, target, weight)
    return emit(L.negative_log_likelihood, operands, ignored, smoothing, how)


def _check_classes(x: Tensor, target: Tensor, ignored: int, name: str) -> None:
    if target.dtype is not dtypes.int64:
        kind = dtypes.SCALAR_TYPE_NAMES.get(target.dtype, str(target.dtype))
        raise located(
            RecordError(
                f"expected scalar type Long but found {kind}",
                notes=("class indices are int64: write target.long()",),
            )
        )
    wanted = (*x.shape[:1], *x.shape[2:]) if x.dim() > 1 else ()
    if tuple(target.shape) != wanted:
        if target.dim() and x.dim() > 1 and target.shape[0] != x.shape[0]:
            raise located(
                RecordValueError(
                    f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({target.shape[0]}).",
                    notes=(tensor_note("the input", x._read()), tensor_note("the target", target._read())),
                )
            )
        hint = ("write target.squeeze(1)",) if target.numel() == x.shape[0] else ()
        raise located(
            RecordError(
                f"{name}: the target of an input of size {list(x.shape)} has size {list(wanted)}, not {list(target.shape)}",
                notes=hint,
            )
        )
    labels = seen(target._read().array)
    if labels is not None and labels.size and not recorder.graph.tracing:
        classes = x.shape[1] if x.dim() > 1 else x.shape[0]
        bad = (labels != ignored) & ((labels < 0) | (labels >= classes))
        if bad.any():
            raise located(
                RecordIndexError(
                    f"Target {int(labels[bad].reshape(-1)[0])} is out of bounds.",
                    notes=(f"there are {classes} classes: 0 ... {classes - 1}",),
                )
            )


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Of logits (N, C, ...) and class indices (N, ...) or probabilities (N, C, ...)."""
    x, y = need_tensor(input, "cross_entropy_loss"), need_tensor(target, "cross_entropy_loss", "target", 2)
    how = check_reduction(reduction, size_average, reduce)
    logp = log_softmax(x, 1 if x.dim() > 1 else 0)
    if x.shape == y.shape and y.dtype.is_floating_point:
        operands = (logp, y) if weight is None else (logp, y, weight)
        return emit(L.soft_cross_entropy, operands, label_smoothing, how)
    return _likelihood(logp, y, weight, ignore_index, how, label_smoothing, "cross_entropy")


def kl_div(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target (log target - input): input is a logarithm."""
    batch = input.shape[0] if input.dim() else 1
    return emit(L.divergence, (input, target), reduction, log_target, batch)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    return _reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    return _reduced(where(target == 1, input, (margin - input).clamp(min=0)), reduction)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along a dimension."""
    dot = (x1 * x2).sum(dim)
    return dot / (x1.norm(2, dim).clamp(min=eps) * x2.norm(2, dim).clamp(min=eps))


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    """1 - cos where the target is 1, max(cos - margin, 0) where it is -1."""
    cos = cosine_similarity(input1, input2, 1)
    return _reduced(where(target == 1, 1 - cos, (cos - margin).clamp(min=0)), reduction)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(|anchor - positive| - |anchor - negative| + margin, 0)."""
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    return _reduced((near - far + margin).clamp(min=0), reduction)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, eps: float = 1e-8, reduction: str = "mean"
) -> Tensor:
    """input - target log(input), or exp(input) - target * input where the input is a logarithm."""
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    return _reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """(log(var) + (input - target)^2 / var) / 2."""
    v = var.clamp(min=eps)
    return _reduced(0.5 * (v.log() + (input - target) ** 2 / v), reduction)
