"""tf.linalg: products of matrices."""

from __future__ import annotations

import re
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import linalg as L
from irc.frontends.lowering import shape as S
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import missing
from irc.frontends.tensorflow.array_ops import expand_dims, roll, squeeze, transpose
from irc.frontends.tensorflow.creation import eye
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.pointwise import pair
from irc.frontends.tensorflow.reductions import l2_normalize, norm, reduce_sum
from irc.frontends.tensorflow.shape import bracketed
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor, emit


def _turned(x: Any) -> Tensor:
    """The last two dimensions exchanged."""
    n = x.ndim
    return transpose(x, (*range(n - 2), n - 1, n - 2))


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False, adjoint_b: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None, grad_a: bool = False,
    grad_b: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The matrix product of the last two dimensions; others are batches that broadcast."""
    x, y, d = pair(a, b, "MatMul")
    x, y = (v if isinstance(v, TensorBase) else convert_to_tensor(v.value, d) for v in (x, y))
    if x.ndim < 2 or y.ndim < 2:
        bad = "In[0]" if x.ndim < 2 else "In[1]"
        raise located(
            InvalidArgumentError(
                f"{bad} has {(x if x.ndim < 2 else y).ndim} dimensions. Expected at least 2, got shape "
                f"{bracketed((x if x.ndim < 2 else y)._read().type.shape)} [Op:MatMul]",
                notes=(
                    "for a matrix and a vector write tf.linalg.matvec(a, x); for two vectors tf.tensordot(x, y, 1)",
                ),
            )
        )
    x = _turned(x) if transpose_a or adjoint_a else x
    y = _turned(y) if transpose_b or adjoint_b else y
    one, two = x._read().type.shape, y._read().type.shape
    if one[-1] != two[-2]:
        raise located(
            InvalidArgumentError(
                f"Matrix size-incompatible: In[0]: {bracketed(one)}, In[1]: {bracketed(two)} [Op:MatMul]",
                notes=(f"{one[-1]} columns of the first meet {two[-2]} rows of the second",),
            )
        )
    return emit(L.matmul, (x, y), d.element, op="MatMul")


def _operator(name: str, swapped: bool) -> None:
    def run(self: TensorBase, other: Any) -> Any:
        return matmul(other, self) if swapped else matmul(self, other)

    setattr(TensorBase, name, run)


_operator("__matmul__", False)
_operator("__rmatmul__", True)


def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The product of matrices and vectors (the last dimension of b)."""
    y = convert_to_tensor(b)
    return squeeze(matmul(a, expand_dims(y, -1), transpose_a, adjoint_a=adjoint_a), -1)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over axes: a number of them (last of a, first of b), or two lists."""
    x, y, _ = pair(a, b, "Tensordot")
    if isinstance(axes, int):
        one, two = list(range(x.ndim - axes, x.ndim)), list(range(axes))
    else:
        one, two = ([v] if isinstance(v, int) else [int(k) for k in v] for v in axes)
    one, two = [k % x.ndim for k in one] if x.ndim else [], [k % y.ndim for k in two] if y.ndim else []
    for i, j in zip(one, two, strict=True):
        if x.shape[i] != y.shape[j]:
            raise located(
                InvalidArgumentError(
                    f"Matrix size-incompatible: In[0]: {x.shape} at axis {i}, In[1]: {y.shape} at axis {j} [Op:MatMul]"
                )
            )
    return emit(L.tensordot, (x, y), tuple(one), tuple(two), op="Tensordot")


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Sums of products by labels: `einsum("ij,jk->ik", a, b)`; `...` stands for batches."""
    parts = [
        convert_to_tensor(i)
        for i in (inputs[0] if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)) else inputs)
    ]
    left, arrow, right = equation.replace(" ", "").partition("->")
    labels = left.split(",")
    if len(labels) != len(parts):
        raise located(
            RecordValueError(f'Got {len(parts)} arguments for equation "{equation}", expecting {len(labels)}')
        )
    names = [_spelled(label, part.ndim) for label, part in zip(labels, parts, strict=True)]
    if arrow:
        hidden = max((n for n in names), key=lambda n: sum(len(c) > 1 for c in n))
        out = _expanded(right, tuple(c for c in hidden if len(c) > 1))
    else:
        every = [c for n in names for c in n]
        out = tuple(sorted({c for c in every if every.count(c) == 1 or len(c) > 1}))
    _check_labels(equation, names, parts)
    for part in parts:
        pair(parts[0], part, "Einsum")
    return emit(L.einsum, parts, tuple(names), out, op="Einsum")


def _spelled(label: str, rank: int) -> tuple[str, ...]:
    hidden = rank - len(label.replace("...", ""))
    return _expanded(label, tuple(f"...{i}" for i in range(hidden)))


def _expanded(label: str, batch: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for token in re.findall(r"\.\.\.|.", label):
        found += batch if token == "..." else [token]
    return tuple(found)


def _check_labels(equation: str, names: list[tuple[str, ...]], parts: list[Any]) -> None:
    sizes: dict[str, int] = {}
    for label, part in zip(names, parts, strict=True):
        if len(label) != part.ndim:
            raise located(
                InvalidArgumentError(
                    f'Expected input to have rank {len(label)} but got: {part.ndim} in "{equation}" [Op:Einsum]'
                )
            )
        for c, n in zip(label, part._read().type.shape, strict=True):
            if sizes.setdefault(c, n) != n:
                raise located(
                    InvalidArgumentError(
                        f'Expected dimension {sizes[c]} at axis of label {c} but got dimension {n} in "{equation}" [Op:Einsum]'
                    )
                )


def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> Tensor:
    """The last two dimensions exchanged."""
    return _turned(convert_to_tensor(a))


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the diagonal of the last two dimensions."""
    return reduce_sum(diag_part(x), -1)


def diag_part(input: Any, name: str | None = None, k: int = 0, **options: Any) -> Tensor:
    """The diagonal of the last two dimensions."""
    return emit(S.diagonal, (convert_to_tensor(input),), int(k), op="MatrixDiagPart")


def diag(diagonal: Any, name: str | None = None, k: int = 0, **options: Any) -> Tensor:
    """A matrix with these elements on a diagonal, zeros elsewhere."""
    return emit(S.diagonal_matrix, (convert_to_tensor(diagonal),), int(k), op="MatrixDiag")


def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Tensor:
    """The elements within so many diagonals below and above the main one (-1: all of them)."""
    x = convert_to_tensor(input)
    if num_lower >= 0:
        x = emit(S.triangle, (x,), -int(num_lower), False, op="MatrixBandPart")
    if num_upper >= 0:
        x = emit(S.triangle, (x,), int(num_upper), True, op="MatrixBandPart")
    return x


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The vector product along the last dimension."""
    x, y, _ = pair(convert_to_tensor(a), b, "Cross")
    y = convert_to_tensor(y)
    return roll(x, -1, -1) * roll(y, -2, -1) - roll(x, -2, -1) * roll(y, -1, -1)


__all__ = [
    "band_part", "cross", "diag", "diag_part", "einsum", "eye", "l2_normalize", "matmul", "matrix_transpose", "matvec",
    "norm", "tensordot", "trace",
]  # fmt: skip

__getattr__ = missing("tf.linalg", globals())
