"""Joining tensors, taking them apart, and repeating parts of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordError, RecordTypeError
from irc.frontends.lowering import shape as L
from irc.frontends.recorder.storage import located
from irc.frontends.torch.pointwise import need_tensor, promoted
from irc.frontends.torch.shaping import expand, narrow, ravel, select
from irc.frontends.torch.size import Size
from irc.frontends.torch.tensor import Tensor, emit, normal_dim


def _joined(name: str, tensors: Any, dim: int, lower: Any, grow: int) -> Tensor:
    if not isinstance(tensors, (tuple, list)):
        raise located(
            RecordTypeError(
                f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
            )
        )
    if not tensors:
        raise located(RecordError(f"{name}(): expected a non-empty list of Tensors"))
    parts = [need_tensor(x, name, "tensors") for x in tensors]
    if name == "cat" and len(parts) > 1:
        # PyTorch lets empty vectors join anything.
        parts = [x for x in parts if tuple(x.shape) != (0,)] or parts[:1]
    d = normal_dim(dim, parts[0].dim() + grow)
    for i, part in enumerate(parts[1:], 1):
        _check_join(name, parts[0].shape, part.shape, d, i, grow)
    return emit(lower, parts, d, promoted(*parts).element)


def _check_join(name: str, first: Size, other: Size, d: int, number: int, grow: int) -> None:
    if grow:
        if first != other:
            raise located(
                RecordError(
                    f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and {list(other)} at "
                    f"entry {number}"
                )
            )
    elif len(first) != len(other):
        raise located(
            RecordError(f"Tensors must have same number of dimensions: got {len(first)} and {len(other)}")
        )
    else:
        for i, (a, b) in enumerate(zip(first, other, strict=True)):
            if i != d and a != b:
                raise located(
                    RecordError(
                        f"Sizes of tensors must match except in dimension {d}. Expected size {a} but got size {b} for "
                        f"tensor number {number} in the list."
                    )
                )


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors one after another along a dimension."""
    return _joined("cat", tensors, dim, L.cat, 0)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors beside each other along a new dimension."""
    return _joined("stack", tensors, dim, L.stack, 1)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    return cat(tensors, 0 if tensors[0].dim() < 2 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    return cat([x if x.dim() > 1 else x.reshape(1, -1) for x in tensors], 0)


row_stack = vstack


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one size (the last may be smaller), or of the sizes given; each is a view."""
    d = normal_dim(dim, tensor.dim())
    n = tensor.shape[d]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size <= 0:
            raise located(RecordError(f"split expects split_size be non-negative, but got split_size={size}"))
        sizes = [min(size, n - i) for i in range(0, n, size)] or [0]
    else:
        sizes = list(split_size_or_sections)
        if sum(sizes) != n:
            raise located(
                RecordError(
                    f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {d}), "
                    f"but got split_sizes={sizes}"
                )
            )
    out, start = [], 0
    for size in sizes:
        out.append(narrow(tensor, d, start, size))
        start += size
    return tuple(out)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of one size, the last maybe smaller."""
    if chunks <= 0:
        raise located(RecordError(f"chunk expects `chunks` to be greater than 0, got: {chunks}"))
    n = input.shape[normal_dim(dim, input.dim())]
    return split(input, max(1, -(-n // chunks)), dim)


def tensor_split(input: Tensor, sections: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along a dimension whose sizes differ by one at most, the longer ones first."""
    n = input.shape[normal_dim(dim, input.dim())]
    small, more = divmod(n, sections)
    return split(input, [small + 1] * more + [small] * (sections - more), dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension, which they no longer have."""
    d = normal_dim(dim, input.dim())
    return tuple(select(input, d, i) for i in range(input.shape[d]))


def repeat_interleave(
    input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element several times."""
    if isinstance(repeats, Tensor):
        if repeats.numel() != 1:
            counts = repeats.tolist()
            parts = [
                expand(p, n, *p.shape[1:]) for p, n in zip(split(ravel(input), 1), counts, strict=True) if n
            ]
            return cat(parts) if dim is None else _interleaved(input, counts, normal_dim(dim, input.dim()))
        repeats = int(repeats)
    x = ravel(input) if dim is None else input
    return emit(L.repeat_interleave, (x,), repeats, normal_dim(dim or 0, x.dim()))


def _interleaved(x: Tensor, counts: Sequence[int], dim: int) -> Tensor:
    parts = []
    for part, n in zip(split(x, 1, dim), counts, strict=True):
        if n:
            shape = list(part.shape)
            shape[dim] = n
            parts.append(expand(part, *shape))
    return cat(parts, dim)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid, one tensor an axis."""
    axes = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    if indexing not in ("ij", "xy"):
        raise located(
            RecordError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
        )
    swapped = indexing == "xy" and len(axes) > 1
    order = [1, 0, *range(2, len(axes))] if swapped else list(range(len(axes)))
    shape = tuple(axes[i].numel() for i in order)
    out = []
    for i, axis in enumerate(axes):
        place = order.index(i)
        wide = [1] * len(axes)
        wide[place] = axis.numel()
        out.append(expand(axis.reshape(wide), *shape))
    return tuple(out)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    return stack([g.reshape(-1) for g in meshgrid(*tensors)], 1)


for _name, _function in {
    "split": split, "chunk": chunk, "unbind": unbind, "tensor_split": tensor_split, "repeat_interleave": repeat_interleave,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)
