"""Operations of torch with inputs, as functions of the namespace (`t`, PyTorch or irc) and tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_RANDOM = np.random.default_rng(0)


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    gradient: bool
    tolerance: float


CASES: list[Case] = []


def case(
    name: str, run: Callable[..., Any], *arrays: np.ndarray, grad: bool = True, tolerance: float = 2e-5
) -> None:
    CASES.append(Case(name, run, arrays, grad, tolerance))


def of(*shape: int) -> np.ndarray:
    return _RANDOM.standard_normal(shape).astype(np.float32)


def F(t: Any) -> Any:
    return t.nn.functional


A, B, C = of(3, 4), of(3, 4), of(4, 5)
POSITIVE = np.abs(A) + 0.5
WHOLE = _RANDOM.integers(0, 4, (3, 4))
IMAGES = of(2, 3, 8, 8)
PLACES = np.array([2, 0, 2])
CLASSES = np.array([0, 3, 1])
CHANCES = (_RANDOM.random((3, 4)) > 0.5).astype(np.float32)

FLAT = "floor ceil round sign trunc isnan logical_not"
for n in f"exp tanh sigmoid sin cos neg abs square relu erf expm1 sinh cosh atan {FLAT}".split():
    case(n, lambda t, x, n=n: getattr(t, n)(x), A, grad=n not in FLAT.split())
for n in ["log", "sqrt", "rsqrt", "log1p", "log2", "log10", "reciprocal"]:
    case(n, lambda t, x, n=n: getattr(t, n)(x), POSITIVE)
FLAT = "fmod remainder floor_divide eq lt ge"
for n in f"add sub mul div maximum minimum atan2 pow {FLAT}".split():
    case(n, lambda t, x, y, n=n: getattr(t, n)(x, y), POSITIVE, np.abs(B) + 0.3, grad=n not in FLAT.split())
for n in ["add", "sub", "mul", "div", "floor_divide", "remainder"]:
    case(f"int {n}", lambda t, x, y, n=n: getattr(t, n)(x, y + 1), WHOLE - 2, WHOLE, grad=False)
case("broadcast", lambda t, x, y: x * y + 1, of(3, 1, 4), of(2, 4))
case("scalars", lambda t, x: 2.5 - x / 3 + x**3 + x**2 + 2**x + 1 / x, POSITIVE)
case("powers", lambda t, x: x**0.5 + x**-0.5 + x**-2 + x**1.7, POSITIVE)
case("int plus float", lambda t, x: x + 1.5, WHOLE, grad=False)
case("int over int", lambda t, x: x / 2, WHOLE, grad=False)
case("mixed", lambda t, x: (x > 0) + t.tensor(2) + t.tensor([1.0, 2, 3, 4], dtype=t.float64), A, grad=False)

for n in ["sum", "mean", "prod", "max", "min", "var", "std"]:
    case(n, lambda t, x, n=n: getattr(t, n)(x), A)
first = lambda r: r[0] if isinstance(r, tuple) else r  # noqa: E731
for n in ["sum", "mean", "prod", "max", "min", "var", "std", "amax", "logsumexp"]:
    case(f"{n} dim", lambda t, x, n=n: first(getattr(t, n)(x, dim=1)), A)
    case(f"{n} keepdim", lambda t, x, n=n: first(getattr(t, n)(x, dim=0, keepdim=True)), A)
case("sum dims", lambda t, x: x.sum((0, 2)), of(2, 3, 4))
case("var biased", lambda t, x: x.var(unbiased=False), A)
for n in ["argmax", "argmin"]:
    case(f"{n} dim", lambda t, x, n=n: getattr(t, n)(x, dim=1), A, grad=False)
    case(n, lambda t, x, n=n: getattr(t, n)(x), A, grad=False)
case("any", lambda t, x: (x > 0).any(1), A, grad=False)
case("all", lambda t, x: (x > 0).all(), A, grad=False)
for p in (1, 2, 3, math.inf):
    case(f"norm {p}", lambda t, x, p=p: t.norm(x, p, 1), A)
case("cumsum", lambda t, x: t.cumsum(x, 1), A)
case("cumprod", lambda t, x: t.cumprod(x, 1), POSITIVE)
case("softmax", lambda t, x: t.softmax(x, 1), A)
case("log_softmax", lambda t, x: t.log_softmax(x, 0), A)

case("matmul", lambda t, x, y: x @ y, A, C)
case("matrix vector", lambda t, x, y: x @ y, A, of(4))
case("vector matrix", lambda t, x, y: x @ y, of(3), A)
case("dot", lambda t, x, y: x @ y, of(4), of(4))
case("bmm", lambda t, x, y: t.bmm(x, y), of(2, 3, 4), of(2, 4, 5))
case("matmul batches", lambda t, x, y: x @ y, of(2, 1, 3, 4), of(3, 4, 5))
case("matmul left batch", lambda t, x, y: x @ y, of(2, 3, 4), C)
case("matmul right batch", lambda t, x, y: x @ y, A, of(2, 4, 5))
for equation, *shapes in (
    ("ij,jk->ik", (3, 4), (4, 5)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("ij->j", (3, 4)),
    ("ii->i", (3, 3)),
    ("ij,ij->", (3, 4), (3, 4)),
    ("...ij,jk->...ik", (2, 3, 4), (4, 5)),
    ("i,j->ij", (3,), (4,)),
    ("ijk,ilm,njm,nlk,abc->", (2, 3, 4), (2, 5, 6), (7, 3, 6), (7, 5, 4), (1, 2, 3)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
):
    run = lambda t, *xs, e=equation: t.einsum(e, *xs)  # noqa: E731
    case(f"einsum {equation}", run, *(of(*s) for s in shapes), tolerance=1e-4)
case("outer", lambda t, x: t.outer(x, x), of(4))
case("cdist", lambda t, x, y: t.cdist(x, y), A, B)
case("addmm", lambda t, b, x, y: t.addmm(b, x, y, beta=0.5, alpha=2), of(5), A, C)

case("reshape", lambda t, x: x.reshape(2, -1) * 2, A)
case("view", lambda t, x: x.view(-1) * 2, A)
case("permute", lambda t, x: x.permute(2, 0, 1) * 2, of(2, 3, 4))
case("transpose reshape", lambda t, x: x.t().reshape(2, 6) * 2, A)
case("T", lambda t, x: x.T @ x, A)
case("squeeze", lambda t, x: x.squeeze() * x.squeeze(1), of(3, 1, 4))
case("unsqueeze", lambda t, x: x.unsqueeze(-1) * 2, A)
case("expand", lambda t, x: x.expand(3, 4) * 2, of(1, 4))
case("repeat", lambda t, x: x.repeat(2, 3), A)
case("repeat_interleave", lambda t, x: x.repeat_interleave(2, 1), A)
case("cat", lambda t, x, y: t.cat([x, y], 1), A, B)
case("cat promotes", lambda t, x: t.cat([x, t.tensor([[1, 2, 3, 4]])]), A, grad=False)
case("stack", lambda t, x, y: t.stack([x, y], 1), A, B)
case("split", lambda t, x: x.split(2, 1)[1] * 3, A)
case("chunk", lambda t, x: x.chunk(3, 1)[0] * 3, of(3, 7))
case("unbind", lambda t, x: x.unbind(1)[2] * 2, A)
case("flip", lambda t, x: x.flip(0, 1), A)
case("roll", lambda t, x: x.roll(1, 1), A)
case("tril", lambda t, x: x.tril(), of(4, 4))
case("triu", lambda t, x: t.triu(x, 1), A)
case("diag of matrix", lambda t, x: t.diag(x), of(4, 4))
case("diag of vector", lambda t, x: t.diag(x, 1) + t.diag(x, -1), of(4))
case("diagonal", lambda t, x: t.diagonal(x, 1), of(4, 5))
case("meshgrid", lambda t, x: t.meshgrid(x, x, indexing="ij")[0] * t.meshgrid(x, x, indexing="xy")[0], of(4))
case("unfold", lambda t, x: x.unfold(1, 2, 1), A)
case("where", lambda t, x, y: t.where(x > 0, x, y), A, B)
case("masked_fill", lambda t, x: x.masked_fill(x > 0, -1.0), A)
case("clamp", lambda t, x: x.clamp(-0.5, 0.5), A)
case("lerp", lambda t, x, y: t.lerp(x, y, 0.3), A, B)
case("addcmul", lambda t, x, y: t.addcmul(x, x, y, value=0.5), A, B)

case("index int", lambda t, x: x[1] * 2, A)
case("index slice", lambda t, x: x[:, 1:3] * 2, A)
case("index step", lambda t, x: x[..., None, ::2] * 2, A)
case("index negative", lambda t, x: x[-1, -2] * 2, A)
case("index tensor", lambda t, x: x[t.tensor(PLACES)] * 2, A)
case("index tensors", lambda t, x: x[t.tensor(PLACES), t.tensor([1, 1, 3])], A)
case("index tensor 2d", lambda t, x: x[:, t.tensor([[0, 1], [3, -1]])], A)
case("index apart", lambda t, x: x[t.tensor([0, 1]), :, t.tensor([1, 2])], of(2, 3, 4))
case("index int and tensor", lambda t, x: x[1, :, t.tensor([1, 2])], of(2, 3, 4))
case("index mask", lambda t, x: x[x > 0] * 2, A)
case("index_select", lambda t, x: t.index_select(x, 1, t.tensor(PLACES)), A)
case("gather", lambda t, x: x.gather(1, t.tensor([[0, 1], [2, 2], [3, 0]])), A)
case("scatter", lambda t, x, y: x.scatter(1, t.tensor([[0, 1], [2, 1], [3, 0]]), y), A, of(3, 2))
case("scatter_add", lambda t, x, y: x.scatter_add(1, t.tensor([[0, 1], [2, 2], [3, 0]]), y), A, of(3, 2))
case("sort", lambda t, x: x.sort(1)[0], A)
case("argsort", lambda t, x: x.argsort(1, descending=True), A, grad=False)
case("topk", lambda t, x: x.topk(2, 1)[0], A)
case("median", lambda t, x: x.median(), A)
case("median dim", lambda t, x: x.median(1)[0], A)


def writes(t: Any, x: Any) -> Any:
    y = x * 1
    y[1] = 0
    y[:, 2] += 5
    y.mul_(2)
    y[0, ::2] = y[1, ::2] + 3
    z = y.view(-1)
    z[3:5] = 7
    return y


def writes_at_tensors(t: Any, x: Any) -> Any:
    y = x * 1
    y[t.tensor([0, 2])] = 0
    y[:, t.tensor([1])] = 2.0
    y[y > 1] = 9
    return y


case("writes", writes, A)
case("writes at tensors", writes_at_tensors, A)

ACTIVATIONS = (
    "relu gelu silu elu selu leaky_relu softplus hardtanh relu6 logsigmoid mish hardswish hardsigmoid"
)
for n in f"{ACTIVATIONS} softsign celu tanhshrink".split():
    case(f"F.{n}", lambda t, x, n=n: getattr(F(t), n)(x * 2), A)
case("F.gelu tanh", lambda t, x: F(t).gelu(x, approximate="tanh"), A)
case("F.glu", lambda t, x: F(t).glu(x, 1), A)
case("F.prelu", lambda t, x, w: F(t).prelu(x, w), of(2, 3, 4), of(3))
case("F.linear", lambda t, x, w, b: F(t).linear(x, w, b), A, of(5, 4), of(5))
case("F.linear 3d", lambda t, x, w: F(t).linear(x, w), of(2, 3, 4), of(5, 4))
case("F.bilinear", lambda t, x, y, w: F(t).bilinear(x, y, w), A, of(3, 5), of(2, 4, 5))
for options in ({}, {"padding": 1}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"padding": "same"}):
    run = lambda t, x, w, b, o=options: F(t).conv2d(x, w, b, **o)  # noqa: E731
    case(f"F.conv2d {options}", run, IMAGES, of(4, 3, 3, 3), of(4), tolerance=1e-4)
case("F.conv2d groups", lambda t, x, w: F(t).conv2d(x, w, groups=3), IMAGES, of(6, 1, 3, 3), tolerance=1e-4)
case("F.conv1d", lambda t, x, w: F(t).conv1d(x, w, padding=1), of(2, 3, 8), of(4, 3, 3), tolerance=1e-4)
case("F.conv3d", lambda t, x, w: F(t).conv3d(x, w), of(1, 2, 4, 4, 4), of(3, 2, 2, 2, 2), tolerance=1e-4)
for options in ({}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": 2}):
    run = lambda t, x, w, b, o=options: F(t).conv_transpose2d(x, w, b, **o)  # noqa: E731
    case(f"F.conv_transpose2d {options}", run, IMAGES, of(3, 4, 3, 3), of(4), tolerance=1e-4)
for options in (
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
):
    case(f"F.max_pool2d {options}", lambda t, x, o=options: F(t).max_pool2d(x, **o), IMAGES)
    case(f"F.avg_pool2d {options}", lambda t, x, o=options: F(t).avg_pool2d(x, **o), IMAGES)
case("F.avg_pool2d inside", lambda t, x: F(t).avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMAGES)
case("F.adaptive_avg_pool2d", lambda t, x: F(t).adaptive_avg_pool2d(x, (3, 4)), IMAGES)
case("F.adaptive_avg_pool2d 1", lambda t, x: F(t).adaptive_avg_pool2d(x, 1), IMAGES)
case("F.adaptive_max_pool2d", lambda t, x: F(t).adaptive_max_pool2d(x, (3, 4)), IMAGES)
case("F.pad", lambda t, x: F(t).pad(x, (1, 2, 0, 1), value=3.0), IMAGES)
for mode in ("reflect", "replicate", "circular"):
    case(f"F.pad {mode}", lambda t, x, m=mode: F(t).pad(x, (1, 2, 2, 1), mode=m), IMAGES)
case("F.interpolate", lambda t, x: F(t).interpolate(x, scale_factor=2), IMAGES)
case("F.pixel_shuffle", lambda t, x: F(t).pixel_shuffle(x, 2), of(1, 8, 3, 3))
case(
    "F.batch_norm",
    lambda t, x, w, b: F(t).batch_norm(x, None, None, w, b, True),
    IMAGES,
    of(3),
    of(3),
    tolerance=2e-4,
)
case("F.layer_norm", lambda t, x, w, b: F(t).layer_norm(x, (4,), w, b), A, of(4), of(4), tolerance=1e-4)
case("F.group_norm", lambda t, x: F(t).group_norm(x, 2), of(2, 4, 3, 3), tolerance=1e-4)
case("F.instance_norm", lambda t, x: F(t).instance_norm(x), IMAGES, tolerance=1e-4)
case("F.normalize", lambda t, x: F(t).normalize(x), A)

for name, options in (
    ("", {}),
    ("weight", {"weight": [1.0, 2, 3, 4]}),
    ("ignored", {"ignore_index": 3}),
    ("smooth", {"label_smoothing": 0.1}),
    ("smooth weight", {"label_smoothing": 0.1, "weight": [1.0, 2, 3, 4]}),
    ("none", {"reduction": "none"}),
):

    def cross_entropy(t: Any, x: Any, options: dict[str, Any] = options) -> Any:
        given = {k: t.tensor(v) if isinstance(v, list) else v for k, v in options.items()}
        return F(t).cross_entropy(x, t.tensor(CLASSES), **given)

    case(f"F.cross_entropy {name}", cross_entropy, A)
case("F.cross_entropy soft", lambda t, x: F(t).cross_entropy(x, t.softmax(x.detach() * 2, 1)), A)
case(
    "F.cross_entropy 2d",
    lambda t, x: F(t).cross_entropy(x, t.tensor(np.arange(16).reshape(2, 8) % 3)),
    of(2, 3, 8),
)
case("F.nll_loss", lambda t, x: F(t).nll_loss(t.log_softmax(x, 1), t.tensor(CLASSES)), A)
case("F.binary_cross_entropy", lambda t, x: F(t).binary_cross_entropy(t.sigmoid(x), t.tensor(CHANCES)), A)
case("F.bce logits", lambda t, x: F(t).binary_cross_entropy_with_logits(x, t.tensor(CHANCES)), A)
case(
    "F.bce logits pos_weight",
    lambda t, x: F(t).binary_cross_entropy_with_logits(
        x, t.tensor(CHANCES), pos_weight=t.tensor([1.0, 2, 3, 4])
    ),
    A,
)
for n in ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"]:
    for how in ("mean", "sum", "none"):
        case(f"F.{n} {how}", lambda t, x, y, n=n, how=how: getattr(F(t), n)(x, y, reduction=how), A, B)
SHARES = POSITIVE / POSITIVE.sum(1, keepdims=True)
case("F.kl_div", lambda t, x: F(t).kl_div(t.log_softmax(x, 1), t.tensor(SHARES), reduction="batchmean"), A)
case("F.cosine_similarity", lambda t, x, y: F(t).cosine_similarity(x, y), A, B)
case("F.triplet_margin_loss", lambda t, x, y: F(t).triplet_margin_loss(x, y, x * 2), A, B)
case("F.embedding", lambda t, w: F(t).embedding(t.tensor([[0, 1], [2, 0]]), w), A)
case("F.one_hot", lambda t, x: F(t).one_hot(t.tensor(CLASSES), 5), A, grad=False)
case(
    "F.scaled_dot_product_attention",
    lambda t, q, k: F(t).scaled_dot_product_attention(q, k, k, is_causal=True),
    of(2, 2, 3, 4),
    of(2, 2, 3, 4),
)
case("arange", lambda t, x: t.arange(5) + t.arange(1, 11, 2), A, grad=False)
case("arange float", lambda t, x: t.arange(0, 1, 0.1), A, grad=False)
case("linspace", lambda t, x: t.linspace(0, 1, 7), A, grad=False)
case("eye", lambda t, x: t.eye(3, 4), A, grad=False)
case("full", lambda t, x: t.full((2, 3), 7), A, grad=False)
case("zeros", lambda t, x: t.zeros(2, 3, dtype=t.int32) + t.ones((3,)), A, grad=False)
