"""gather and scatter: windows at computed places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo.attributes import GatherDimensionNumbers, ScatterDimensionNumbers
from irc.dialects.stablehlo.base import (
    TensorOp,
    is_sorted,
    is_unique,
    merge_shapes,
    same_dim,
    shape_text,
)
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run, check_reducer, over_elements, update_in_order
from irc.ir.fields import BOOL, I64_ARRAY, Attr, Operand, RegionField, Result, struct
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes


def index_shape(shape: Sequence[Dim], index_vector_dim: int) -> tuple[Dim, ...]:
    """The shape of an index tensor without the dimension that holds the components of one index."""
    return tuple(n for i, n in enumerate(shape) if i != index_vector_dim)


def components(shape: Sequence[Dim], index_vector_dim: int) -> Dim:
    """How many components one index has."""
    return shape[index_vector_dim] if index_vector_dim < len(shape) else 1


def index_vectors(indices: Array, index_vector_dim: int) -> Array:
    """[places..., components], signed."""
    if index_vector_dim == indices.ndim:
        indices = indices[..., None]
    return np.moveaxis(indices, index_vector_dim, -1).astype(np.int64)


def place_dims(rank: int, window_dims: Sequence[int]) -> list[int]:
    """Dimensions of a result (or update) that are not window dimensions."""
    return [i for i in range(rank) if i not in window_dims]


def combine(places: Sequence[Dim], window: Sequence[Dim], window_dims: Sequence[int]) -> tuple[Dim, ...]:
    """The shape with `window` at `window_dims` and `places` elsewhere, both in order."""
    rank = len(places) + len(window)
    rest, inside = iter(places), iter(window)
    return tuple(next(inside) if i in window_dims else next(rest) for i in range(rank))


def batching_places(places: Array, index_batching_dims: Sequence[int], index_vector_dim: int) -> Array:
    """[places..., batching dims]: the place's own coordinate along each batching dimension of the indices."""
    shape = places.shape[:-1]
    axes = [d if d < index_vector_dim else d - 1 for d in index_batching_dims]
    grids = np.indices(shape) if axes else np.zeros((0, *shape), np.int64)
    return np.stack([grids[a] for a in axes], axis=-1) if axes else np.zeros((*shape, 0), np.int64)


def check_paired(
    op: TensorOp,
    label: str,
    names: tuple[str, str],
    first: tuple[TensorType, Sequence[int]],
    second: tuple[TensorType, Sequence[int]],
) -> None:
    """Paired batching dimensions have one extent."""
    (type, dims), (other, others) = first, second
    for k, (i, j) in enumerate(zip(dims, others, strict=True)):
        n, m = type.shape[i], other.shape[j]
        message = f"{names[0]}[{k}] and {names[1]}[{k}] must have compatible sizes, but got {n} and {m}."
        op.check(same_dim(n, m), label, message)


class Gather(TensorOp, name="stablehlo.gather"):
    """Slices of operand at start indices, which are clamped so that slices lie inside.

    C1: operand dimensions are offset, collapsed or batching ones.
    C2: index_vector_dim is a dimension of the indices, or the one past the last.
    C3: an index has as many components as start_index_map.
    C4: offset_dims are sorted, each once.
    C5: they are dimensions of the result.
    C6: collapsed and batching dims are each named once.
    C7: collapsed_slice_dims are sorted.
    C8: they are operand's.
    C9: slices are at most 1 along them.
    C10: operand_batching_dims are sorted.
    C11: they are operand's.
    C12: slices are at most 1 along them.
    C13: start_indices_batching_dims are each named once.
    C14: they are dimensions of the indices.
    C15: index_vector_dim is none of them.
    C16: both kinds of batching dims are as many.
    C17: paired batching dims have one extent.
    C18: start_index_map and operand_batching_dims are each named once.
    C19: start_index_map names operand dimensions.
    C20: slice sizes are as many as operand dimensions.
    C21: they lie between 0 and the extents.
    C22: the result's shape is that of the indices, with the slice's at offset_dims.
    C23: operand and result have one element type."""

    result_labels = ("C22", "C23")
    operand = Operand()
    start_indices = Operand(constraint="integer")
    dimension_numbers = Attr(struct(GatherDimensionNumbers))
    slice_sizes = Attr(I64_ARRAY)
    indices_are_sorted = Attr(BOOL, default=False)
    result = Result()

    @property
    def sizes(self) -> Sequence[Dim]:
        """The slice's extents."""
        return self.slice_sizes

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, indices, d = self.operand.type, self.start_indices.type, self.dimension_numbers
        sizes = self.sizes
        self._check_operand_dims(type, d, sizes)
        self._check_indices(type, indices, d)
        places = index_shape(indices.shape, d.index_vector_dim)
        collapsed = (*d.collapsed_slice_dims, *d.operand_batching_dims)
        window = [n for i, n in enumerate(sizes) if i not in collapsed]
        rank = len(places) + len(window)
        outside = next((i for i in d.offset_dims if not 0 <= i < rank), None)
        message = "Expects each element of offset_dims to be in range [0, implied-result-rank)"
        self.check(outside is None, "C5", f"{message} i.e. [0, {rank}). got: {outside}.")
        return [type.with_shape(combine(places, window, d.offset_dims))]

    def _check_operand_dims(self, type: TensorType, d: GatherDimensionNumbers, sizes: Sequence[Dim]) -> None:
        collapsed, batching = d.collapsed_slice_dims, d.operand_batching_dims
        message = (
            f"offset_dims size ({len(d.offset_dims)}) plus collapse_slice_dims size ({len(collapsed)}) plus "
            f"operand_batching_dims size ({len(batching)}) is not equal to operand rank ({type.rank})"
        )
        counted = len(d.offset_dims) + len(collapsed) + len(batching)
        self.check(type.rank == counted, "C1", message)
        self._check_sorted("C4", "offset_dims", d.offset_dims)
        self.check(
            is_unique(d.offset_dims),
            "C4",
            f"expects offset_dims to not repeat, got: [{shape_text(d.offset_dims)}]",
        )
        self.check_distinct("C6", ("collapsed_slice_dims", collapsed), ("operand_batching_dims", batching))
        self._check_sorted("C7", "collapsed_slice_dims", collapsed)
        self.check_inside("C8", "collapsed_slice_dims", collapsed, type.rank, "operand")
        self._check_sorted("C10", "operand_batching_dims", batching)
        self.check_inside("C11", "operand_batching_dims", batching, type.rank, "operand")
        message = f"slice_sizes size ({len(sizes)}) not equal to operand rank ({type.rank})"
        self.check(len(sizes) == type.rank, "C20", message)
        for i, (s, n) in enumerate(zip(sizes, type.shape, strict=True)):
            message = f"slice size ({s}) is out of bounds for operand dimension ({n}) at index {i}"
            self.check(s is None or (s >= 0 and (n is None or s <= n)), "C21", message)
        for label, name, dims in (
            ("C9", "collapsed_slice_dims", collapsed),
            ("C12", "operand_batching_dims", batching),
        ):
            for i in dims:
                message = f"Expects that for each dim in {name}, slice_sizes[dim] should be <= 1, but got {sizes[i]}"
                self.check((sizes[i] or 0) <= 1, label, message)

    def _check_sorted(self, label: str, name: str, dims: Sequence[int]) -> None:
        self.check(is_sorted(dims), label, f"expects {name} to be sorted, got: [{shape_text(dims)}]")

    def _check_indices(self, type: TensorType, indices: TensorType, d: GatherDimensionNumbers) -> None:
        batching, index_batching = d.operand_batching_dims, d.start_indices_batching_dims
        vector = d.index_vector_dim
        self.check_vector_dim("C2", vector, indices.rank, "start_indices")
        known = components(indices.shape, vector)
        message = f"start_index_map size ({len(d.start_index_map)}) is not equal to size of index dimension ({vector}) of"
        self.check(same_dim(known, len(d.start_index_map)), "C3", f"{message} start_indices ({known})")
        message = f"expects start_indices_batching_dims to not repeat, got: [{shape_text(index_batching)}]"
        self.check(is_unique(index_batching), "C13", message)
        self.check_inside("C14", "start_indices_batching_dims", index_batching, indices.rank, "start_indices")
        message = f"expects start_indices_batching_dims not to include index_vector_dim {vector}"
        self.check(vector not in index_batching, "C15", message)
        message = "operand_batching_dims and start_indices_batching_dims should have the same size"
        self.check(len(batching) == len(index_batching), "C16", message)
        names = "operand_batching_dims", "start_indices_batching_dims"
        check_paired(self, "C17", names, (type, batching), (indices, index_batching))
        self.check_distinct(
            "C18", ("start_index_map", d.start_index_map), ("operand_batching_dims", batching)
        )
        self.check_inside("C19", "start_index_map", d.start_index_map, type.rank, "operand")

    def evaluate(self, x: Array, indices: Array) -> Array:
        return gather(x, indices, self.dimension_numbers, self.slice_sizes)


def gather(x: Array, indices: Array, d: GatherDimensionNumbers, sizes: Sequence[int]) -> Array:
    """Slices of `sizes` at clamped places, laid out as `d` says."""
    vectors = index_vectors(indices, d.index_vector_dim)
    starts = np.zeros((*vectors.shape[:-1], x.ndim), np.int64)
    for k, dim in enumerate(d.start_index_map):
        starts[..., dim] = np.clip(vectors[..., k], 0, x.shape[dim] - sizes[dim])
    batching = batching_places(vectors, d.start_indices_batching_dims, d.index_vector_dim)
    for k, dim in enumerate(d.operand_batching_dims):
        starts[..., dim] = batching[..., k]
    collapsed = (*d.collapsed_slice_dims, *d.operand_batching_dims)
    window = [1 if i in collapsed else n for i, n in enumerate(sizes)]
    kept = [n for i, n in enumerate(sizes) if i not in collapsed]
    shape = [n or 0 for n in combine(vectors.shape[:-1], kept, d.offset_dims)]
    if 0 in sizes or 0 in shape:
        return np.zeros(shape, x.dtype)
    every = (*vectors.shape[:-1], *kept)
    taken = x[tuple(full_places(starts, window))].reshape(every) if x.ndim else np.full(every, x)
    order = (*place_dims(len(shape), d.offset_dims), *d.offset_dims)
    return taken.transpose(np.argsort(order))


def full_places(starts: Array, window: Sequence[int]) -> list[Array]:
    """For each operand dimension, the coordinate of each element: [places..., window...]."""
    rank = len(window)
    grids = np.indices(tuple(window))
    places = starts.reshape(*starts.shape[:-1], *(1,) * rank, rank)
    return [places[..., i] + grids[i] for i in range(rank)]


class Scatter(TensorOp, name="stablehlo.scatter"):
    """The inputs with updates combined in at computed places, in row-major order of the updates; elements that fall
    outside are skipped.

    C1: inputs have one shape.
    C2: input dimensions are window, inserted or batching ones.
    C3: updates have one shape.
    C4: which is that of the indices, with windows not larger than the inputs at update_window_dims.
    C5: there is at least one input, and as many updates.
    C6: updates have their input's element type.
    C7: update_window_dims are sorted, each once.
    C8: they are dimensions of the updates.
    C9: inserted and batching dims are each named once.
    C10: inserted_window_dims are sorted.
    C11: they are the inputs'.
    C12: input_batching_dims are sorted.
    C13: they are the inputs'.
    C14: scatter_indices_batching_dims are each named once.
    C15: they are dimensions of the indices.
    C16: index_vector_dim is none of them.
    C17: both kinds of batching dims are as many.
    C18: paired batching dims have one extent.
    C19: an index has as many components as scatter_dims_to_operand_dims.
    C20: scatter_dims_to_operand_dims and input_batching_dims are each named once.
    C21: scatter_dims_to_operand_dims names input dimensions.
    C22: index_vector_dim is a dimension of the indices, or the one past the last.
    C23: the update computation takes N + N scalars to N scalars of types that the inputs' promote to.
    C24: the results have the inputs' shapes.
    C25: the results' element types are the computation's."""

    same_variadic_size = True
    result_labels = ("C24", "C25")
    inputs = Operand(variadic=True)
    scatter_indices = Operand(constraint="dimension")
    updates = Operand(variadic=True)
    scatter_dimension_numbers = Attr(struct(ScatterDimensionNumbers))
    indices_are_sorted = Attr(BOOL, default=False)
    unique_indices = Attr(BOOL, default=False)
    update_computation = RegionField()
    scattered = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        paired = len(self.operands) >= 3 and len(self.operands) % 2 == 1
        self.check(paired, "C5", f"has {len(self.operands)} operands")
        self.check_operands()
        types, updates = [v.type for v in self.inputs], [v.type for v in self.updates]
        indices, d = self.scatter_indices.type, self.scatter_dimension_numbers
        one_shape = all(compatible_shapes(types[0].shape, t.shape) for t in types)
        self.check(one_shape, "C1", "Not all inputs have compatible shapes.")
        one_shape = all(compatible_shapes(updates[0].shape, t.shape) for t in updates)
        self.check(one_shape, "C3", "Not all updates have compatible shapes.")
        for i, (u, t) in enumerate(zip(updates, types, strict=True)):
            message = (
                f"The element-type of reduction-region's argument at index {len(types) + i} is expected to be"
            )
            same = same_element(u.element, t.element)
            self.check(same, "C6", f"{message} promotable from '{t.element}', but got '{u.element}'")
        self._check_input_dims(types[0], d)
        self._check_indices(types[0], indices, d)
        self._check_updates(types[0], indices, updates[0], d)
        elements = check_reducer(self, self.update_computation, [t.element for t in types], "C23")
        shape = merge_shapes(t.shape for t in types)
        return [TensorType(shape, e) for e in elements]

    def _check_input_dims(self, type: TensorType, d: ScatterDimensionNumbers) -> None:
        inserted, batching = d.inserted_window_dims, d.input_batching_dims
        counted = len(d.update_window_dims) + len(inserted) + len(batching)
        message = (
            "Expects rank-of operand to match size-of('update_window_dims') + size-of('inserted_window_dims') + "
            f"size-of('input_batching_dims') i.e. {counted} but got {type.rank}."
        )
        self.check(type.rank == counted, "C2", message)
        self.check_in_order("C7", "update_window_dims", d.update_window_dims)
        self.check_distinct("C9", ("inserted_window_dims", inserted), ("input_batching_dims", batching))
        self.check_in_order("C10", "inserted_window_dims", inserted)
        self.check_inside("C11", "inserted_window_dims", inserted, type.rank, "operand")
        self.check_in_order("C12", "input_batching_dims", batching)
        self.check_inside("C13", "input_batching_dims", batching, type.rank, "operand")

    def _check_indices(self, type: TensorType, indices: TensorType, d: ScatterDimensionNumbers) -> None:
        batching, index_batching = d.input_batching_dims, d.scatter_indices_batching_dims
        vector, targets = d.index_vector_dim, d.scatter_dims_to_operand_dims
        self.check_vector_dim("C22", vector, indices.rank, "scatter_indices")
        message = f"Expects scatter_indices_batching_dims to not repeat; got: [{shape_text(index_batching)}]."
        self.check(is_unique(index_batching), "C14", message)
        self.check_inside(
            "C15", "scatter_indices_batching_dims", index_batching, indices.rank, "scatter_indices"
        )
        message = f"expects scatter_indices_batching_dims not to include index_vector_dim {vector}."
        self.check(vector not in index_batching, "C16", message)
        message = "input_batching_dims and scatter_indices_batching_dims should have the same size."
        self.check(len(batching) == len(index_batching), "C17", message)
        names = "input_batching_dims", "scatter_indices_batching_dims"
        check_paired(self, "C18", names, (type, batching), (indices, index_batching))
        known = components(indices.shape, vector)
        message = (
            f"Scatter op has {len(targets)} elements in scatter_dims_to_operand_dims and the bound of dimension "
            f"index_vector_dim={vector} of scatter_indices is {known}. These two numbers must be equal."
        )
        self.check(same_dim(known, len(targets)), "C19", message)
        self.check_distinct(
            "C20", ("scatter_dims_to_operand_dims", targets), ("input_batching_dims", batching)
        )
        self.check_inside("C21", "scatter_dims_to_operand_dims", targets, type.rank, "operand")

    def _check_updates(
        self, type: TensorType, indices: TensorType, update: TensorType, d: ScatterDimensionNumbers
    ) -> None:
        places = index_shape(indices.shape, d.index_vector_dim)
        rank = len(places) + len(d.update_window_dims)
        message = (
            f"expects updates tensor must be of rank {rank} ( == rank-of('scatter_indices') - 1 + "
            "size-of('update_window_dims'), where 'scatter_indices' is expanded by a trailing 1 dimension if "
            f"'index_vector_dim' == rank-of('scatter_indices')), but got {update.rank}."
        )
        self.check(update.rank == rank, "C4", message)
        self.check_inside("C8", "update_window_dims", d.update_window_dims, update.rank, "updates")
        for dim, i in zip(d.update_window_dims, self._window_dims(type.rank), strict=True):
            w, n = update.shape[dim], type.shape[i]
            message = (
                "expects bounds of the window dimensions of updates to not exceed the bounds of the corresponding "
                f"dimensions of operand. For dimension {dim}, updates bound is {w}, operand bound is {n}."
            )
            self.check(w is None or n is None or w <= n, "C4", message)
        for dim, n in zip(place_dims(update.rank, d.update_window_dims), places, strict=True):
            message = (
                "expects bounds of the scatter dimensions of updates to be same as the bounds of the corresponding "
                f"dimensions of scatter indices. For scatter dimension {dim}, updates bound is {update.shape[dim]} , "
                f"scatter_indices bound is {n}."
            )
            self.check(same_dim(update.shape[dim], n), "C4", message)

    def _window_dims(self, rank: int) -> list[int]:
        """Input dimensions that an update's window covers."""
        d = self.scatter_dimension_numbers
        return place_dims(rank, (*d.inserted_window_dims, *d.input_batching_dims))

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Array, ...]:
        n = len(arrays) // 2
        inputs, indices, updates = arrays[:n], arrays[n], arrays[n + 1 :]
        dtypes = [r.type.element.numpy for r in self.results]
        flat = [x.astype(d).reshape(-1) for x, d in zip(inputs, dtypes, strict=True)]
        targets = self._targets(inputs[0].shape, indices, updates[0].shape)
        new = [u.astype(d).reshape(-1) for u, d in zip(updates, dtypes, strict=True)]
        update_in_order(over_elements(run, self.update_computation), flat, targets.reshape(-1), new)
        return tuple(x.reshape(inputs[0].shape) for x in flat)

    def _targets(self, shape: Sequence[int], indices: Array, update_shape: Sequence[int]) -> Array:
        """The flat input index of each update element; -1 outside."""
        d = self.scatter_dimension_numbers
        vectors = index_vectors(indices, d.index_vector_dim)
        starts = np.zeros((*vectors.shape[:-1], len(shape)), np.int64)
        for k, dim in enumerate(d.scatter_dims_to_operand_dims):
            starts[..., dim] = vectors[..., k]
        batching = batching_places(vectors, d.scatter_indices_batching_dims, d.index_vector_dim)
        for k, dim in enumerate(d.input_batching_dims):
            starts[..., dim] = batching[..., k]
        window: list[Any] = [1] * len(shape)
        for dim, at in zip(self._window_dims(len(shape)), d.update_window_dims, strict=True):
            window[dim] = update_shape[at]
        flat = np.zeros((*vectors.shape[:-1], *window), np.int64)
        inside = np.ones(flat.shape, bool)
        for place, n in zip(full_places(starts, window), shape, strict=True):
            inside &= (place >= 0) & (place < n)
            flat = flat * n + place
        flat = np.where(inside, flat, -1)
        flat = flat.reshape((*vectors.shape[:-1], *(window[i] for i in self._window_dims(len(shape)))))
        order = (*place_dims(len(update_shape), d.update_window_dims), *d.update_window_dims)
        return flat.transpose(np.argsort(order))
