"""Matrix products."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordError, ShapeError
from irc.frontends.explain import tensor_note
from irc.frontends.lowering import linalg as L
from irc.frontends.lowering.elementwise import broadcast_shape
from irc.frontends.recorder.storage import located
from irc.frontends.torch.dtypes import SCALAR_TYPE_NAMES
from irc.frontends.torch.pointwise import need_tensor, promoted
from irc.frontends.torch.tensor import Tensor, emit
from irc.frontends.torch.writing import into


def _same_dtype(*tensors: Tensor) -> None:
    first = tensors[0].dtype
    for other in tensors[1:]:
        if other.dtype is not first:
            a, b = SCALAR_TYPE_NAMES[first], SCALAR_TYPE_NAMES[other.dtype]
            raise located(RecordError(f"expected m1 and m2 to have the same dtype, but got: {a} != {b}"))


def _text(x: Tensor) -> str:
    return "x".join(map(str, x.shape))


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product; dimensions before the last two are batches that broadcast."""
    need_tensor(input, "matmul")
    need_tensor(other, "matmul", "other", 2)
    _same_dtype(input, other)
    if not input.dim() or not other.dim():
        raise located(
            RecordError(
                f"both arguments to matmul need to be at least 1D, but they are {input.dim()}D and {other.dim()}D"
            )
        )
    inner = other.shape[-2] if other.dim() > 1 else other.shape[0]
    if input.shape[-1] != inner:
        raise located(
            ShapeError(
                f"mat1 and mat2 shapes cannot be multiplied ({_text(input)} and {_text(other)})",
                notes=(
                    tensor_note("the first", input._read()),
                    tensor_note("the second", other._read()),
                    f"the last extent of the first, {input.shape[-1]}, must be {inner}",
                ),
            )
        )
    if input.dim() > 2 and other.dim() > 2:
        _broadcastable(input, other)
    made = emit(L.matmul, (input, other), promoted(input, other).element)
    return made if out is None else into(out, made)


def _broadcastable(x: Tensor, y: Tensor) -> None:
    try:
        broadcast_shape(tuple(x.shape[:-2]), tuple(y.shape[:-2]))
    except ShapeError as error:
        raise located(error) from None


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices."""
    for name, x in (("self", input), ("mat2", mat2)):
        if x.dim() != 2:
            raise located(RecordError(f"{name} must be a matrix"))
    return matmul(input, mat2, out=out)


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two batches of matrices."""
    for name, x in (("batch1", input), ("batch2", mat2)):
        if x.dim() != 3:
            raise located(RecordError(f"{name} must be a 3D tensor"))
    if input.shape[0] != mat2.shape[0]:
        raise located(
            ShapeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, {input.shape[2]}] but "
                f"got: [{mat2.shape[0]}, {mat2.shape[1]}]."
            )
        )
    return matmul(input, mat2, out=out)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector."""
    return matmul(input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of products of two vectors."""
    if input.dim() != 1 or tensor.dim() != 1:
        raise located(RecordError(f"1D tensors expected, but got {input.dim()}D and {tensor.dim()}D tensors"))
    return matmul(input, tensor)


inner = dot


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of two vectors' elements."""
    return emit(L.outer, (input, vec2))


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * mat1 @ mat2."""
    return emit(L.addmm, (input, mat1, mat2), beta, alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2)."""
    product = bmm(batch1, batch2)
    return (input * beta if beta != 1 else input) + (product * alpha if alpha != 1 else product)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein's sums: `einsum("bij,bjk->bik", x, y)`."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else operands
    labels, out = _labels(equation, [x.dim() for x in tensors])
    sizes: dict[str, int] = {}
    for names, x in zip(labels, tensors, strict=True):
        for name, n in zip(names, x.shape, strict=True):
            if sizes.setdefault(name, n) != n:
                raise located(
                    ShapeError(
                        f"einsum(): subscript {name} has size {n} for one operand and {sizes[name]} for another"
                    )
                )
    return emit(L.einsum, tensors, labels, out)


def _labels(equation: str, ranks: list[int]) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        raise located(
            RecordError(f"einsum(): {len(inputs)} operands in the equation, and {len(ranks)} were given")
        )
    dots = max(
        (r - len(s.replace("...", "")) for s, r in zip(inputs, ranks, strict=True) if "..." in s), default=0
    )
    hidden = tuple(f".{i}" for i in range(dots))
    found = []
    for text, rank in zip(inputs, ranks, strict=True):
        before, ellipsis, after = text.partition("...")
        middle = hidden[dots - (rank - len(before) - len(after)) :] if ellipsis else ()
        names = (*before, *middle, *after)
        if len(names) != rank:
            raise located(
                RecordError(
                    f"einsum(): '{text}' has {len(names)} subscripts, and its operand {rank} dimensions"
                )
            )
        found.append(names)
    if arrow:
        before, ellipsis, after = right.partition("...")
        return tuple(found), (*before, *(hidden if ellipsis else ()), *after)
    every = [n for names in found for n in names]
    once = sorted(n for n in dict.fromkeys(every) if every.count(n) == 1 and not n.startswith("."))
    return tuple(found), (*hidden, *once)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of matrices, from left to right."""
    out = matrices[0]
    for m in matrices[1:]:
        out = matmul(out, m)
    return out


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """Distances between all rows of two matrices."""
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


for _name, _function in {
    "matmul": matmul, "mm": mm, "bmm": bmm, "mv": mv, "dot": dot, "outer": outer, "addmm": addmm, "__matmul__": matmul,
    "inner": dot, "ger": outer,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)
