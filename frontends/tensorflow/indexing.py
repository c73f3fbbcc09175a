"""x[...], gather and scatter, sorting, masks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.lowering import indexing as L
from irc.frontends.lowering import shape as S
from irc.frontends.recorder.places import seen
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.array_ops import expand_dims, reshape, reverse, unstack
from irc.frontends.tensorflow.creation import ones_like, zeros
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.pointwise import cast
from irc.frontends.tensorflow.reductions import normal_axis, reduce_any
from irc.frontends.tensorflow.shape import bracketed
from irc.frontends.tensorflow.tensor import (
    Tensor,
    TensorBase,
    convert_to_tensor,
    emit,
    emit_all,
    from_array,
    register,
)


class _Index:
    """x[...] taken apart: ranges of dimensions (negative steps reversed later), tensors as indices, new dimensions."""

    def __init__(self, x: TensorBase, index: Any) -> None:
        items = list(index) if isinstance(index, tuple) else [index]
        used = sum(1 for i in items if i is not None and i is not Ellipsis)
        if used > x.ndim:
            raise located(
                InvalidArgumentError(
                    f"Index out of range using input dim {x.ndim}; input has only {x.ndim} dims [Op:StridedSlice]"
                )
            )
        if not any(i is Ellipsis for i in items):
            items.append(Ellipsis)
        self.shape = x._read().type.static_shape
        self.start, self.limit, self.step = [0] * x.ndim, list(self.shape), [1] * x.ndim
        self.reversed: list[int] = []
        self.out: list[int] = []
        self.chosen: list[tuple[int, TensorBase]] = []
        d = 0
        for item in items:
            if item is None:
                self.out.append(1)
            elif item is Ellipsis:
                hidden = x.ndim - used
                self.out += self.shape[d : d + hidden]
                d += hidden
            else:
                self._one(d, item)
                d += 1

    def _one(self, d: int, item: Any) -> None:
        n = self.shape[d]
        if isinstance(item, slice):
            self._range(d, item, n)
            return
        if isinstance(item, TensorBase) and not item.is_known:
            if item.ndim or not item.dtype.is_integer:
                raise located(_bad_index(item))
            # A dynamic index: this dimension goes by a gather of one row afterwards.
            self.chosen.append((len(self.out), item))
            self.out.append(n)
            return
        i = _number(item)
        if not -n <= i < n:
            raise located(
                InvalidArgumentError(f"slice index {i} of dimension {d} out of bounds. [Op:StridedSlice]")
            )
        i = i + n if i < 0 else i
        self.start[d], self.limit[d] = i, i + 1

    def _range(self, d: int, item: slice, n: int) -> None:
        start, stop, step = (None if v is None else _number(v) for v in (item.start, item.stop, item.step))
        if step == 0:
            raise located(InvalidArgumentError(f"slice step {d} must be non-zero [Op:StridedSlice]"))
        places = range(n)[slice(start, stop, step)]
        if places.step < 0:
            places = places[::-1]
            self.reversed.append(len(self.out))
        size = len(places)
        self.start[d], self.step[d] = (places[0] if size else 0), places.step
        self.limit[d] = self.start[d] + (size - 1) * places.step + 1 if size else self.start[d]
        self.out.append(size)

    def apply(self, x: TensorBase) -> Tensor:
        statics = (tuple(self.start), tuple(self.limit), tuple(self.step), tuple(self.out))
        made = emit(S.slice, (x,), *statics, op="StridedSlice")
        if self.reversed:
            made = reverse(made, self.reversed)
        for d, index in reversed(self.chosen):
            made = emit(L.take, (made, index), d, op="StridedSlice")
        return made


def _number(item: Any) -> int:
    if isinstance(item, TensorBase):
        if item.ndim or not item.dtype.is_integer:
            raise located(_bad_index(item))
        return int(
            item._look("a slice with a symbolic bound, whose result has a size that depends on the data,")
        )
    if isinstance(item, (bool, np.bool_)) or not isinstance(item, (int, np.integer)):
        raise located(_bad_index(item))
    return int(item)


def _bad_index(item: Any) -> RecordTypeError:
    return RecordTypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are valid indices, "
        f"got {item!r:.60}",
        notes=(
            "rows that a vector of indices names: tf.gather(x, indices); where a mask holds: tf.boolean_mask(x, mask)",
        ),
    )


@register("__getitem__")
def getitem(self: TensorBase, index: Any) -> Tensor:
    """x[index] for integers, slices, ... and tf.newaxis; a boolean mask as tf.boolean_mask."""
    if isinstance(index, TensorBase) and index.dtype.is_bool:
        return boolean_mask(self, index)
    return _Index(self, index).apply(self)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """The slices of params along an axis that indices (any shape) name."""
    x, index = convert_to_tensor(params), convert_to_tensor(indices)
    if not index.dtype.is_integer:
        raise located(
            InvalidArgumentError(
                f"Value for attr 'Tindices' of {index.dtype.word} is not in the list of allowed values: int32, int64 [Op:GatherV2]"
            )
        )
    b = batch_dims + index.ndim if batch_dims < 0 else batch_dims
    d = normal_axis(b if axis is None else axis, x.ndim, "GatherV2")
    check_bounds(index, x._read().type.shape[d], d)
    if not b:
        return emit(L.take if index.ndim else L.take_one, (x, index), d, op="GatherV2")
    return emit(L.take_batched, (x, index), d, b, op="GatherV2")


def check_bounds(index: TensorBase, extent: Any, d: int = 0) -> None:
    """Indices whose values are known are checked where they are used."""
    known = seen(index._read().array)
    if known is not None and known.size:
        low, high = int(known.min()), int(known.max())
        if low < 0 or high >= extent:
            where = int(np.argmax((known.reshape(-1) < 0) | (known.reshape(-1) >= extent)))
            place = ",".join(str(i) for i in np.unravel_index(where, known.shape))
            bad = known.reshape(-1)[where]
            raise located(
                InvalidArgumentError(f"indices[{place}] = {bad} is not in [0, {extent}) [Op:GatherV2]")
            )


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """The slices at index vectors, which are the last dimension of indices."""
    x, index = convert_to_tensor(params), convert_to_tensor(indices)
    if batch_dims:
        raise located(
            RecordValueError(
                "gather_nd with batch_dims is not there", notes=("write tf.gather(..., batch_dims=)",)
            )
        )
    columns = unstack(index, axis=-1)
    for i, column in enumerate(columns):
        check_bounds(column, x._read().type.shape[i], i)
    return emit(L.take_many, (x, *columns), 0, op="GatherNd")


def _scattered(tensor: Any, indices: Any, updates: Any, how: str, op: str) -> Tensor:
    x, index = convert_to_tensor(tensor), convert_to_tensor(indices)
    new = convert_to_tensor(updates, dtype_hint=x.dtype)
    columns = unstack(index, axis=-1)
    return emit(L.put_many, (x, new, *columns), 0, how, op=op)


def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """The tensor with the slices at index vectors replaced."""
    return _scattered(tensor, indices, updates, "set", "TensorScatterUpdate")


def tensor_scatter_nd_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with the updates added at the index vectors; those for one place add up."""
    return _scattered(tensor, indices, updates, "sum", "TensorScatterAdd")


def tensor_scatter_nd_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with the updates subtracted at the index vectors."""
    return _scattered(tensor, indices, -convert_to_tensor(updates), "sum", "TensorScatterSub")


def tensor_scatter_nd_max(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with the larger of old and new at the index vectors."""
    return _scattered(tensor, indices, updates, "amax", "TensorScatterMax")


def tensor_scatter_nd_min(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with the smaller of old and new at the index vectors."""
    return _scattered(tensor, indices, updates, "amin", "TensorScatterMin")


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros with updates added at index vectors."""
    new = convert_to_tensor(updates)
    return tensor_scatter_nd_add(zeros(shape, new.dtype), indices, new)


def put_rows(x: Tensor, indices: Any, values: Any, how: str) -> Tensor:
    """x with rows replaced or added to."""
    new = convert_to_tensor(values, dtype_hint=x.dtype)
    return emit(L.put_many, (x, new, convert_to_tensor(indices)), 0, how, op="ScatterUpdate")


class IndexedSlices(NamedTuple):
    """Rows of a tensor by their numbers."""

    values: Any
    indices: Any
    dense_shape: Any = None


def boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str = "boolean_mask") -> Tensor:
    """The slices where a mask holds; looks at the mask, because the result's size depends on it."""
    x, m = convert_to_tensor(tensor), convert_to_tensor(mask)
    start = 0 if axis is None else int(axis)
    old = x._read().type.shape
    if old[start : start + m.ndim] != m._read().type.shape:
        raise located(
            RecordValueError(
                f"Shapes {bracketed(old[start : start + m.ndim])} and {bracketed(m._read().type.shape)} are incompatible"
            )
        )
    places = np.flatnonzero(m._look("tf.boolean_mask, whose result has a size that depends on the data,"))
    flat = reshape(x, (*old[:start], -1, *old[start + m.ndim :]))
    return emit(L.take, (flat, from_array(places.astype(np.int64))), start, op="GatherV2")


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The elements in order along an axis."""
    x = convert_to_tensor(values)
    return emit_all(L.sort, (x,), normal_axis(axis, x.ndim), _descending(direction), op="Sort")[0]


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """Where each element of the sorted tensor comes from: int32."""
    x = convert_to_tensor(values)
    return cast(
        emit(L.argsort, (x,), normal_axis(axis, x.ndim), _descending(direction), op="Sort"), dtypes.int32
    )


def _descending(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise located(
            RecordValueError(
                f"Argument `direction` should be one of 'ASCENDING' or 'DESCENDING'. Received: direction={direction}"
            )
        )
    return direction == "DESCENDING"


class TopK(NamedTuple):
    """The k largest elements and where they are."""

    values: Tensor
    indices: Tensor


def top_k(
    input: Any, k: int = 1, sorted: bool = True, index_type: Any = dtypes.int32, name: str | None = None
) -> TopK:
    """The k largest elements along the last axis, in order."""
    x = convert_to_tensor(input)
    n = x._read().type.shape[-1]
    if int(k) > n:
        raise located(
            InvalidArgumentError(f"input must have at least k columns. Had {n}, needed {int(k)} [Op:TopKV2]")
        )
    values, places = emit_all(L.top_k, (x,), int(k), x.ndim - 1, True, op="TopKV2")
    return TopK(values, cast(places, index_type))


def in_top_k(targets: Any, predictions: Any, k: int, name: str | None = None) -> Tensor:
    """Whether each target is among the k largest predictions."""
    found = top_k(predictions, k).indices
    return reduce_any(found == expand_dims(cast(targets, dtypes.int32), -1), -1)


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The different elements in order of first occurrence, and each element's place among them; looks at the tensor."""
    array = convert_to_tensor(x)._look("tf.unique, whose result has a size that depends on the data,")
    values, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return from_array(values[order]), from_array(place[inverse].astype(dtypes.as_dtype(out_idx).numpy))


def segment_sum(data: Any, segment_ids: Any, num_segments: Any = None, name: str | None = None) -> Tensor:
    """Rows of one segment added up."""
    x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    count = int(ids.numpy().max()) + 1 if num_segments is None else int(num_segments)
    start = zeros((count, *x._read().type.shape[ids.ndim :]), x.dtype)
    return emit(L.put_many, (start, x, ids), 0, "sum", op="UnsortedSegmentSum")


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """How often each class (row) was taken for each class (column)."""
    y, p = convert_to_tensor(labels), convert_to_tensor(predictions)
    n = num_classes
    if n is None:
        n = max(int(v._look("the number of classes of a confusion matrix").max()) for v in (y, p)) + 1
    d = dtypes.as_dtype(dtype)
    share = ones_like(y, d) if weights is None else cast(weights, d)
    return emit(L.put_many, (zeros((int(n), int(n)), d), share, y, p), 0, "sum", op="ConfusionMatrix")
