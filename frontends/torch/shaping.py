"""Shapes: views, joining, splitting, repeating."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from irc.frontends.batches import check_merged_batch
from irc.frontends.errors import RecordError, RecordIndexError, RecordTypeError
from irc.frontends.lowering import shape as L
from irc.frontends.lowering.elementwise import broadcast_shape
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.places import seen
from irc.frontends.recorder.storage import IndexMap, located
from irc.frontends.recorder.value import Recorded
from irc.frontends.torch.creation import extents
from irc.frontends.torch.dtypes import dtype
from irc.frontends.torch.tensor import Tensor, contiguous_strides, emit, method, normal_dim, view_of
from irc.ir.types import TensorType


def normal_dims(dims: Any, rank: int) -> tuple[int, ...]:
    """One dimension or several, counted from the front; all of them for None."""
    if dims is None or dims == ():
        return tuple(range(rank))
    given = (dims,) if isinstance(dims, int) else tuple(dims)
    out = tuple(normal_dim(d, rank) for d in given)
    if len(set(out)) != len(out):
        raise located(RecordError(f"dim {out[0]} appears multiple times in the list of dims"))
    return tuple(d for d in out if d < rank) if rank else ()


def resolved(shape: Sequence[int], given: Sequence[int], name: str) -> tuple[int, ...]:
    """`given` with its -1 worked out for a tensor of this shape."""
    size = math.prod(shape)
    unknown = [i for i, n in enumerate(given) if n == -1]
    if len(unknown) > 1:
        raise located(RecordError("only one dimension can be inferred"))
    if any(n < -1 for n in given):
        raise located(RecordError(f"invalid shape dimension {min(given)}"))
    known = math.prod(n for n in given if n != -1)
    if unknown:
        if known == 0:
            raise located(
                RecordError(
                    f"cannot reshape tensor of {size} elements into shape {list(given)} because the unspecified dimension "
                    "size -1 can be any value and is ambiguous"
                )
            )
        if size % known == 0:
            return tuple(size // known if n == -1 else n for n in given)
    elif known == size:
        return tuple(given)
    raise located(_does_not_fit(shape, given, size, known))


def _does_not_fit(shape: Sequence[int], given: Sequence[int], size: int, known: int) -> RecordError:
    notes = [f"the tensor is {'x'.join(map(str, shape))}, {size} elements"]
    if len(shape) > 1 and len(given) == 2 and shape[0]:
        a_sample = size // shape[0]
        notes.append(
            f"that is {a_sample} values a sample of a batch of {shape[0]}: write x.view(x.size(0), -1), or {a_sample} for "
            f"{known if given[0] == -1 else given[1]}"
        )
    return RecordError(f"shape '{list(given)}' is invalid for input of size {size}", notes=tuple(notes))


def view(self: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape, seen through the same memory."""
    if len(shape) == 1 and isinstance(shape[0], dtype):
        raise located(RecordError("Tensor.view(dtype), which reads the bits as another type, is not there"))
    given = _signed_extents(shape, "view")
    target = resolved(self.shape, given, "view")
    if not self.is_contiguous() and not _viewable(self, target):
        raise located(
            RecordError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous subspaces). Use .reshape(...) instead."
            )
        )
    check_merged_batch(self.shape, given, target, "view", "x.view(x.size(0), -1)")
    return _reshaped(self, target)


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape: a view where the memory allows it, a copy otherwise."""
    given = _signed_extents(shape, "reshape")
    target = resolved(input.shape, given, "reshape")
    check_merged_batch(input.shape, given, target, "reshape", "x.reshape(x.size(0), -1)")
    if not input.is_contiguous() and not _viewable(input, target):
        return emit(L.reshape, (input,), target)
    return _reshaped(input, target)


def _signed_extents(shape: Sequence[Any], name: str) -> tuple[int, ...]:
    flat = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    out = []
    for n in flat:
        value = n.__index__() if hasattr(n, "__index__") and not isinstance(n, bool) else None
        if value is None:
            raise located(
                RecordTypeError(
                    f"{name}(): argument 'size' must be tuple of ints, but found element of type {_kind(n)}"
                )
            )
        out.append(int(value))
    return tuple(out)


def _kind(value: Any) -> str:
    return type(value).__name__


def _viewable(x: Tensor, target: Sequence[int]) -> bool:
    """Whether a strided layout can show the target shape: dimensions of 1 may come and go, others stay as they are."""
    return [n for n in x.shape if n != 1] == [n for n in target if n != 1]


def _reshaped(x: Tensor, target: tuple[int, ...]) -> Tensor:
    strides = None
    if not x.is_contiguous():
        steps = iter([s for s, n in zip(x.stride(), x.shape, strict=True) if n != 1])
        strides = tuple(1 if n == 1 else next(steps) for n in target)
    return view_of(x, IndexMap(L.reshape, L.reshape_update, (target,)), strides)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim ... end_dim merged into one."""
    rank = input.dim()
    if rank == 0:
        return _reshaped(input, (1,))
    start, end = normal_dim(start_dim, rank), normal_dim(end_dim, rank)
    if start > end:
        raise located(RecordError("flatten() has invalid args: start_dim cannot come after end_dim"))
    shape = input.shape
    target = (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    if not input.is_contiguous() and not _viewable(input, target):
        return emit(L.reshape, (input,), target)
    return _reshaped(input, target)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension split into several."""
    d = normal_dim(dim, input.dim())
    return _reshaped(
        input, (*input.shape[:d], *resolved((input.shape[d],), sizes, "unflatten"), *input.shape[d + 1 :])
    )


def ravel(input: Tensor) -> Tensor:
    return reshape(input, -1)


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order."""
    given = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    rank = input.dim()
    if len(given) != rank:
        raise located(
            RecordError(
                "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
                f"ordering of dimensions i.e. input.dim() = {rank} is not equal to len(dims) = {len(given)}"
            )
        )
    order = tuple(normal_dim(d, rank) for d in given)
    if len(set(order)) != rank:
        raise located(RecordError("permute(): duplicate dims are not allowed."))
    strides = input.stride()
    return view_of(
        input, IndexMap(L.transpose, L.transpose_update, (order,)), tuple(strides[d] for d in order)
    )


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    rank = input.dim()
    if rank == 0:
        return input
    a, b = normal_dim(dim0, rank), normal_dim(dim1, rank)
    order = list(range(rank))
    order[a], order[b] = order[b], order[a]
    return permute(input, order)


swapaxes = swapdims = transpose


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest in order."""
    rank = input.dim()
    sources = [normal_dim(d, rank) for d in ((source,) if isinstance(source, int) else source)]
    targets = [normal_dim(d, rank) for d in ((destination,) if isinstance(destination, int) else destination)]
    rest = iter(d for d in range(rank) if d not in sources)
    placed = dict(zip(targets, sources, strict=True))
    return permute(input, [placed[i] if i in placed else next(rest) for i in range(rank)])


moveaxis = movedim


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector is itself."""
    if input.dim() > 2:
        raise located(RecordError(f"t() expects a tensor with <= 2 dimensions, but self is {input.dim()}D"))
    return transpose(input, 0, 1) if input.dim() == 2 else input


def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without dimensions of extent 1 (all of them, or those named)."""
    rank = input.dim()
    dims = normal_dims(dim, rank)
    return _reshaped(input, tuple(n for d, n in enumerate(input.shape) if d not in dims or n != 1))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a dimension of extent 1 put in."""
    rank = input.dim()
    if not -rank - 1 <= dim <= rank:
        raise located(
            RecordIndexError(
                f"Dimension out of range (expected to be in range of [{-rank - 1}, {rank}], but got {dim})"
            )
        )
    d = dim + rank + 1 if dim < 0 else dim
    return _reshaped(input, (*input.shape[:d], 1, *input.shape[d:]))


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """Dimensions of extent 1 shown as longer ones; -1 keeps an extent."""
    given = _signed_extents(sizes, "expand")
    shape = input.shape
    lead = len(given) - len(shape)
    if lead < 0:
        raise located(
            RecordError(
                f"expand: the number of sizes provided ({len(given)}) must be greater or equal to the number of dimensions "
                f"in the tensor ({len(shape)})"
            )
        )
    target, strides = [], []
    steps = input.stride()
    for i, n in enumerate(given):
        own = shape[i - lead] if i >= lead else 1
        extent = own if n == -1 else n
        if own not in (1, extent):
            raise located(
                RecordError(
                    f"The expanded size of the tensor ({extent}) must match the existing size ({own}) at non-singleton "
                    f"dimension {i}.  Target sizes: {list(given)}.  Tensor sizes: {list(shape)}"
                )
            )
        target.append(extent)
        strides.append(steps[i - lead] if i >= lead and own == extent else 0)
    return view_of(input, IndexMap(L.expand, None, (tuple(target),)), tuple(strides))


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    return expand(input, *other.shape)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    return expand(input, *size)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape."""
    shape = broadcast_shape(*(tuple(x.shape) for x in tensors))
    return tuple(expand(x, *shape) for x in tensors)


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself where its elements lie in order, else a copy."""
    return input if input.is_contiguous() else input.clone()


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` places along a dimension, from `start`."""
    d = normal_dim(dim, input.dim())
    n, begin = input.shape[d], int(start)
    begin = begin + n if begin < 0 else begin
    if begin + length > n:
        raise located(RecordError(f"start ({begin}) + length ({length}) exceeds dimension size ({n})."))
    return sliced(input, {d: (begin, begin + length, 1)})


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One slice along a dimension, which is gone then."""
    d = normal_dim(dim, input.dim(), wrap_scalar=False)
    n, i = input.shape[d], int(index)
    if not -n <= i < n:
        raise located(RecordIndexError(f"index {i} is out of bounds for dimension {d} with size {n}"))
    i = i + n if i < 0 else i
    return sliced(input, {d: (i, i + 1, 1)}, dropped=(d,))


def sliced(
    x: Tensor,
    ranges: dict[int, tuple[int, int, int]],
    dropped: tuple[int, ...] = (),
    inserted: tuple[int, ...] = (),
) -> Tensor:
    """A view of ranges (start, limit, stride) of some dimensions; `dropped` ones go, and extents of 1 are put in at
    places of the result."""
    shape, steps = x.shape, x.stride()
    start, limit, stride, out, strides = [], [], [], [], []
    for d, n in enumerate(shape):
        a, b, s = ranges.get(d, (0, n, 1))
        b = max(a, b)
        start.append(a)
        limit.append(b)
        stride.append(s)
        if d not in dropped:
            out.append(-(-(b - a) // s))
            strides.append(steps[d] * s)
    for place in inserted:
        out.insert(place, 1)
        strides.insert(place, 1)
    statics = (tuple(start), tuple(limit), tuple(stride), tuple(out))
    strides_out = tuple(strides)
    made = view_of(x, _SliceMap(L.slice, L.slice_update, statics), strides_out)
    if strides_out == contiguous_strides(out):
        made._strides = None
    return made


class _SliceMap(IndexMap):
    """A slice of a computed tensor outside the gradient is taken at once: it only shows a part of the array."""

    __slots__ = ()

    def read(self, base: Any) -> Any:
        tracked = base.requires_grad and recorder.grad_enabled
        whole = seen(base.array)
        if whole is None or tracked or recorder.graph.tracing:
            return super().read(base)
        start, limit, stride, shape = self.statics
        window = tuple(slice(a, b, s) for a, b, s in zip(start, limit, stride, strict=True))
        part = whole[window].reshape(shape)
        made = Recorded(
            TensorType(shape, base.type.element), None, 0, part if part.flags.c_contiguous else part.copy()
        )
        made.source = base
        return made


def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """Copies side by side along each dimension."""
    times = extents(sizes, "repeat")
    if len(times) < input.dim():
        raise located(
            RecordError(
                "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
            )
        )
    return emit(L.repeat, (input,), times)


def tile(input: Tensor, *dims: Any) -> Tensor:
    """The elements repeated so often along each dimension, counted from the last."""
    times = extents(dims, "tile")
    return emit(L.repeat, (input,), (*(1,) * (input.dim() - len(times)), *times))


def flip(input: Tensor, *dims: Any) -> Tensor:
    """The order along dimensions reversed."""
    given = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return emit(L.flip, (input,), normal_dims(tuple(given), input.dim()))


def fliplr(input: Tensor) -> Tensor:
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    return flip(input, 0)


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Elements moved along dimensions, around the end."""
    if dims is None:
        return roll(ravel(input), shifts, 0).reshape(input.shape)
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    return emit(L.roll, (input,), shifts, normal_dims(dims, input.dim()))


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The part on and below a diagonal."""
    return emit(L.triangle, (input,), diagonal, True)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The part on and above a diagonal."""
    return emit(L.triangle, (input,), diagonal, False)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal."""
    if input.dim() == 1:
        return emit(L.diagonal_matrix, (input,), diagonal)
    return emit(L.diagonal, (input,), diagonal)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as a new last one."""
    x = movedim(input, (dim1, dim2), (-2, -1)) if input.dim() > 2 else input
    return emit(L.diagonal, (x,), offset)


def diag_embed(input: Tensor, offset: int = 0) -> Tensor:
    return emit(L.diagonal_matrix, (input,), offset)


def atleast_1d(input: Tensor) -> Tensor:
    return input if input.dim() else input.reshape(1)


def atleast_2d(input: Tensor) -> Tensor:
    return input if input.dim() > 1 else input.reshape(1, -1)


def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows along a dimension."""
    return emit(L.unfold, (self,), normal_dim(dimension, self.dim()), size, step)


for _name, _function in {
    "view": view, "reshape": reshape, "flatten": flatten, "unflatten": unflatten, "ravel": ravel, "permute": permute,
    "transpose": transpose, "swapaxes": transpose, "swapdims": transpose, "movedim": movedim, "moveaxis": movedim,
    "t": t, "squeeze": squeeze, "unsqueeze": unsqueeze, "expand": expand, "expand_as": expand_as,
    "broadcast_to": broadcast_to, "contiguous": contiguous, 
    "narrow": narrow, "select": select, "repeat": repeat, "tile": tile,
    "flip": flip, "roll": roll, "tril": tril, "triu": triu, "diag": diag, "diagonal": diagonal, "unfold": unfold,
    "diag_embed": diag_embed,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)


@method("view_as", "reshape_as")
def view_as(self: Tensor, other: Tensor) -> Tensor:
    return view(self, *other.shape)


def _transposed(self: Tensor) -> Tensor:
    return permute(self, *reversed(range(self.dim())))


@method("squeeze_")
def squeeze_(self: Tensor, dim: Any = None) -> Tensor:
    return _turn_into(self, squeeze(self, dim))


@method("unsqueeze_")
def unsqueeze_(self: Tensor, dim: int) -> Tensor:
    return _turn_into(self, unsqueeze(self, dim))


@method("t_")
def t_(self: Tensor) -> Tensor:
    return _turn_into(self, t(self))


def _turn_into(self: Tensor, other: Tensor) -> Tensor:
    """Makes this handle show what another one shows."""
    value = other._read()
    value.owner = None
    self._hold(value)
    self._strides = other._strides
    return self


Tensor.T = property(_transposed)  # type: ignore[attr-defined]
Tensor.mT = property(lambda self: transpose(self, -2, -1))  # type: ignore[attr-defined]
Tensor.H = property(lambda self: transpose(self, -2, -1))  # type: ignore[attr-defined]
