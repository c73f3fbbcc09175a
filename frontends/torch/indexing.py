"""x[...] and what reads and writes at indices."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from irc.frontends.errors import RecordError, RecordIndexError, RecordTypeError
from irc.frontends.lowering import elementwise as W
from irc.frontends.lowering import indexing as L
from irc.frontends.recorder.graph import recorder, refuse_look
from irc.frontends.recorder.places import seen
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.creation import from_array
from irc.frontends.torch.pointwise import is_number, literal
from irc.frontends.torch.shaping import movedim, sliced
from irc.frontends.torch.size import placed_like
from irc.frontends.torch.tensor import Tensor, beside, emit, emit_all, normal_dim
from irc.frontends.torch.writing import write

SortResult = namedtuple("SortResult", ["values", "indices"])
TopkResult = namedtuple("TopkResult", ["values", "indices"])
MedianResult = namedtuple("MedianResult", ["values", "indices"])


class _Parsed:
    """An index taken apart: a basic view, and integer tensors at some of its dimensions."""

    def __init__(self, x: Tensor, index: Any) -> None:
        items = list(index) if isinstance(index, tuple) else [index]
        items = [_as_index(item) for item in items]
        items = _spread_masks(x, items)
        used = sum(1 for i in items if i is not None and i is not Ellipsis)
        if used > x.dim():
            raise located(
                RecordIndexError(f"too many indices for tensor of dimension {x.dim()} (got {used})")
            )
        if sum(i is Ellipsis for i in items) > 1:
            raise located(RecordIndexError("an index can only have a single ellipsis ('...')"))
        if not any(i is Ellipsis for i in items):
            items.append(Ellipsis)
        self.ranges: dict[int, tuple[int, int, int]] = {}
        self.dropped: list[int] = []
        self.inserted: list[int] = []
        self.arrays: dict[int, Tensor] = {}
        self._walk(x, items, x.dim() - used)

    def _walk(self, x: Tensor, items: list[Any], hidden: int) -> None:
        source = target = 0
        for item in items:
            if item is None:
                self.inserted.append(target)
                target += 1
            elif item is Ellipsis:
                source += hidden
                target += hidden
            elif isinstance(item, int):
                self._integer(x, source, item)
                source += 1
            elif isinstance(item, slice):
                self.ranges[source] = _range(item, x.shape[source])
                source += 1
                target += 1
            else:
                item = beside(item, x)
                _check_bounds(item, x.shape[source], source)
                self.arrays[target] = item
                source += 1
                target += 1

    def _integer(self, x: Tensor, d: int, i: int) -> None:
        n = x.shape[d]
        if not -n <= i < n:
            raise located(RecordIndexError(f"index {i} is out of bounds for dimension {d} with size {n}"))
        i = i + n if i < 0 else i
        self.ranges[d] = (i, i + 1, 1)
        self.dropped.append(d)

    def view(self, x: Tensor) -> Tensor:
        return sliced(x, self.ranges, tuple(self.dropped), tuple(self.inserted))


def _range(item: slice, n: int) -> tuple[int, int, int]:
    bounds = [None if v is None else int(v) for v in (item.start, item.stop, item.step)]
    if bounds[2] is not None and bounds[2] <= 0:
        raise located(
            RecordError("step must be greater than zero", notes=("write x.flip(dim) to turn it around",))
        )
    start, stop, step = slice(*bounds).indices(n)
    return start, max(start, stop), step


def _as_index(item: Any) -> Any:
    """int, slice, None, Ellipsis, or an integer or bool tensor."""
    if item is None or item is Ellipsis or isinstance(item, (slice, bool)):
        return item
    if isinstance(item, (int, np.integer)):
        return int(item)
    if isinstance(item, (list, np.ndarray, range)):
        array = np.asarray(item)
        return from_array(array.astype(np.int64) if array.dtype != bool else array)
    if isinstance(item, Tensor):
        if item.dtype.is_floating_point:
            raise located(RecordIndexError("tensors used as indices must be long, int, byte or bool tensors"))
        known = seen(item._read().array)
        if (
            item.dim() == 0
            and item.dtype is not dtypes.bool_
            and known is not None
            and not recorder.graph.tracing
        ):
            return int(known)
        return item
    raise located(
        RecordTypeError(f"only integers, slices, ellipsis, None and tensors are indices, not {_kind(item)}")
    )


def _kind(value: Any) -> str:
    return type(value).__name__


def _spread_masks(x: Tensor, items: list[Any]) -> list[Any]:
    """Boolean masks as the integer places where they hold; a mask is looked at for that."""
    out: list[Any] = []
    for item in items:
        if isinstance(item, bool):
            item = from_array(np.array(item))
        if isinstance(item, Tensor) and item.dtype is dtypes.bool_:
            value = item._read()
            if recorder.graph.tracing:
                error = refuse_look(
                    "indexing with a mask, whose result has a size that depends on the data,", value
                )
                error.notes = ("write torch.where(mask, a, b), or multiply by mask.to(dtype)", *error.notes)
                raise error
            out += [from_array(places) for places in np.nonzero(item._look("a mask as index"))]
        else:
            out.append(item)
    return out


def _check_bounds(index: Tensor, extent: int, d: int) -> None:
    """Indices whose values are known are checked where they are used."""
    known = seen(index._read().array)
    if known is not None and known.size and not recorder.graph.tracing:
        low, high = int(known.min()), int(known.max())
        if low < -extent or high >= extent:
            bad = low if low < -extent else high
            raise located(
                RecordIndexError(f"index {bad} is out of bounds for dimension {d} with size {extent}")
            )


def _gathered_first(dims: list[int]) -> bool:
    """Whether index tensors stand apart, so that their dimensions come first in the result."""
    return dims != list(range(dims[0], dims[0] + len(dims)))


def getitem(self: Tensor, index: Any) -> Tensor:
    """x[index]: a view for ints, slices, None and ...; a copy where tensors are among the indices."""
    parsed = _Parsed(self, index)
    base = parsed.view(self)
    if not parsed.arrays:
        return base
    dims = list(parsed.arrays)
    first = dims[0]
    if _gathered_first(dims):
        base = movedim(base, tuple(dims), tuple(range(len(dims))))
        first = 0
    return emit(L.take_many, (base, *parsed.arrays.values()), first)


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """x[index] = value, converted and broadcast."""
    if isinstance(index, Tensor) and index.dtype is dtypes.bool_ and _single(value):
        new = literal(value, self.dtype) if is_number(value) else beside(value, self)
        index = beside(index, self)
        write(self, emit(L.masked_select_update, (self, index, new)))
        return
    parsed = _Parsed(self, index)
    target = parsed.view(self)
    if not parsed.arrays:
        _assign(target, value)
        return
    dims = list(parsed.arrays)
    first = dims[0]
    if _gathered_first(dims):
        target = movedim(target, tuple(dims), tuple(range(len(dims))))
        first = 0
    new = literal(value, self.dtype) if is_number(value) else beside(_as_value(value), self)
    made = emit(L.put_many, (target, new, *parsed.arrays.values()), first, "set")
    write(target, made)


def _single(value: Any) -> bool:
    return is_number(value) or (isinstance(value, Tensor) and value.numel() == 1 and value.dim() == 0)


def _as_value(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else from_array(np.asarray(value))


def _assign(target: Tensor, value: Any) -> None:
    if is_number(value):
        target.fill_(value)
        return
    source = beside(_as_value(value), target)
    extra = source.dim() - target.dim()
    if extra > 0 and all(n == 1 for n in source.shape[:extra]):
        source = source.reshape(source.shape[extra:])
    converted = emit(W.copy_into, (target.detach(), source))
    write(target, converted)


for _name, _function in {"__getitem__": getitem, "__setitem__": setitem}.items():
    setattr(Tensor, _name, _function)


def embedding_rows(weight: Tensor, index: Tensor) -> Tensor:
    """weight[index] along dimension 0, the index checked where it is known."""
    if index.dtype.is_floating_point:
        raise located(
            RecordError(
                "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
                f"torch.{dtypes.SCALAR_TYPE_NAMES[index.dtype]}Tensor instead"
            )
        )
    known = seen(index._read().array)
    if known is not None and known.size and not recorder.graph.tracing:
        low, high = int(known.min()), int(known.max())
        if low < 0 or high >= weight.shape[0]:
            raise located(
                RecordIndexError(
                    "index out of range in self",
                    notes=(f"index {low if low < 0 else high}, and there are {weight.shape[0]} rows",),
                )
            )
    return emit(L.take, (weight, index), 0)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along a dimension that a vector of indices names."""
    d = normal_dim(dim, input.dim())
    _check_bounds(index, input.shape[d], d)
    return emit(L.take, (input, index), d)


def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements of the flattened tensor."""
    return emit(L.take, (input.reshape(-1), index), 0)


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """out[i][j] = input[i][index[i][j]] for dim 1."""
    d = normal_dim(dim, input.dim())
    if index.dim() != input.dim():
        raise located(RecordError("Index tensor must have the same number of dimensions as input tensor"))
    _check_bounds(index, input.shape[d], d)
    x = sliced(input, {i: (0, index.shape[i], 1) for i in range(input.dim()) if i != d})
    return emit(L.gather, (x, index), d)


take_along_dim = gather


def scatter(input: Tensor, dim: int, index: Tensor, src: Any, *, reduce: str | None = None) -> Tensor:
    """input with input[i][index[i][j]] set from src[i][j], for dim 1."""
    how = {None: "set", "add": "sum", "multiply": "prod"}.get(reduce, reduce)
    new = literal(src, input.dtype) if is_number(src) else src
    return emit(L.scatter, (input, index, new), normal_dim(dim, input.dim()), how)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    return emit(L.scatter, (input, index, src), normal_dim(dim, input.dim()), "sum")


def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`src` combined into the places that `index` names along a dimension: "sum", "prod", "amax" or "amin"."""
    if not include_self or reduce == "mean":
        raise located(RecordError("scatter_reduce with include_self=False, or of means, is not there"))
    return emit(L.scatter, (input, index, src), normal_dim(dim, input.dim()), reduce)


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """input with slices added at the places that `index` names."""
    d = normal_dim(dim, input.dim())
    moved, more = movedim(input, d, 0), movedim(source, d, 0)
    made = emit(L.put_many, (moved, more if alpha == 1 else more * alpha, index), 0, "sum")
    return movedim(made, 0, d)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The input with slices along a dimension replaced by those of `source`."""
    d = normal_dim(dim, input.dim())
    made = emit(L.put_many, (movedim(input, d, 0), movedim(source, d, 0), index), 0, "set")
    return movedim(made, 0, d)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """The input with slices along a dimension filled with a value."""
    d = normal_dim(dim, input.dim())
    made = emit(L.put_many, (movedim(input, d, 0), literal(value, input.dtype), index), 0, "set")
    return movedim(made, 0, d)


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> SortResult:
    """The elements in order along a dimension, and where each came from."""
    return SortResult(*emit_all(L.sort, (input,), normal_dim(dim, input.dim()), descending))


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    return emit(L.argsort, (input,), normal_dim(dim, input.dim()), descending)


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> TopkResult:
    """The k largest elements along a dimension, and where they are."""
    d = normal_dim(dim, input.dim())
    if k > input.shape[d]:
        raise located(RecordError("selected index k out of range"))
    return TopkResult(*emit_all(L.top_k, (input,), int(k), d, largest))


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> SortResult:
    """The k-th smallest element along a dimension (the first is k = 1), and where it is."""
    values, places = sort(input, dim)
    found = values.select(dim, k - 1), places.select(dim, k - 1)
    return SortResult(*(v.unsqueeze(dim) if keepdim else v for v in found))


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower middle element."""
    if dim is None:
        flat = input.reshape(-1)
        return sort(flat).values.select(0, (flat.shape[0] - 1) // 2)
    n = input.shape[normal_dim(dim, input.dim())]
    return MedianResult(*kthvalue(input, (n - 1) // 2 + 1, dim, keepdim))


@placed_like
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The places of elements that are not zero; looks at the tensor."""
    places = np.nonzero(input._look("nonzero(), whose result has a size that depends on the data,"))
    if as_tuple:
        return tuple(from_array(p) for p in places)
    return from_array(np.stack(places, 1) if places else np.zeros((0, 0), np.int64))


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds; looks at the mask."""
    shape = W.broadcast_shape(tuple(input.shape), tuple(mask.shape))
    return getitem(input.expand(*shape), mask.expand(*shape))


@placed_like
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Any = None,
) -> Any:
    """The different elements in order; looks at the tensor."""
    found: Any = np.unique(  # type: ignore[call-overload]
        input._look("unique()"), return_inverse=return_inverse, return_counts=return_counts, axis=dim
    )
    return tuple(map(from_array, found)) if isinstance(found, tuple) else from_array(found)


@placed_like
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number occurs; looks at the tensor."""
    w = None if weights is None else weights._look("bincount()")
    return from_array(np.bincount(input._look("bincount()"), w, minlength))


def searchsorted(sorted_sequence: Tensor, values: Tensor, *, right: bool = False) -> Tensor:
    """Where values would be put into a sorted vector."""
    below = sorted_sequence <= values.unsqueeze(-1) if right else sorted_sequence < values.unsqueeze(-1)
    return below.sum(-1)


def _in_place(name: str, function: Any) -> None:
    def run(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return write(self, function(self, *args, **kwargs))

    run.__name__ = run.__qualname__ = name
    setattr(Tensor, name, run)


for _name, _function in {
    "scatter_": scatter, "scatter_add_": scatter_add, "index_add_": index_add, "index_copy_": index_copy,
    "index_fill_": index_fill, "scatter_reduce_": scatter_reduce,
}.items():  # fmt: skip
    _in_place(_name, _function)
    setattr(Tensor, _name[:-1], _function)
for _name, _function in {
    "index_select": index_select, "gather": gather, "sort": sort, "argsort": argsort, "topk": topk, "median": median,
    "nonzero": nonzero, "masked_select": masked_select, "unique": unique, "take": take, "kthvalue": kthvalue,
    "bincount": bincount,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)
