"""Elements of datasets: structures of host arrays, which become tensors when somebody sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor, from_array
from irc.frontends.tensorflow.type_spec import TensorSpec


def is_nested(structure: Any) -> bool:
    """Tuples and dicts are structure; a list is data (or datasets)."""
    return isinstance(structure, (tuple, Mapping))


def map_leaves(f: Callable[..., Any], first: Any, *rest: Any) -> Any:
    """The function applied to the leaves of structures nested alike."""
    if isinstance(first, Mapping):
        return {k: map_leaves(f, first[k], *(r[k] for r in rest)) for k in first}
    if isinstance(first, tuple):
        made = [map_leaves(f, *parts) for parts in zip(first, *rest, strict=True)]
        return type(first)(*made) if hasattr(first, "_fields") else tuple(made)
    return f(first, *rest)


def leaves(structure: Any) -> list[Any]:
    """The leaves in order."""
    found: list[Any] = []
    map_leaves(found.append, structure)
    return found


def to_host(value: Any) -> Any:
    """Data as host arrays: lists are data, and so are numbers and tensors."""
    if is_nested(value):
        return map_leaves(to_host, value)
    if isinstance(value, np.ndarray):
        dtypes.as_dtype(value.dtype)
        return value
    tensor = value if isinstance(value, TensorBase) else convert_to_tensor(value)
    return tensor._look("an element of a dataset")


def to_tensors(element: Any) -> Any:
    """What a program sees of an element."""
    return map_leaves(lambda a: from_array(a) if isinstance(a, np.ndarray) else a, element)


def to_numpy(element: Any) -> Any:
    """The element as NumPy arrays, numbers where there are no dimensions."""
    return map_leaves(
        lambda a: (np.array(a) if a.ndim else a[()]) if isinstance(a, np.ndarray) else a, element
    )


def row(structure: Any, i: int) -> Any:
    """One element of stacked arrays."""
    return map_leaves(lambda a: np.asarray(a[i]), structure)


def rows(structure: Any, places: Any) -> Any:
    """Some elements of stacked arrays, stacked."""
    return map_leaves(lambda a: a[places], structure)


def stacked(elements: Sequence[Any]) -> Any:
    """Elements along a new first dimension. InvalidArgumentError where shapes differ."""
    return map_leaves(_stack, *elements)


def _stack(*parts: Any) -> Any:
    for i, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise located(
                InvalidArgumentError(
                    "Cannot batch tensors with different shapes in component 0. First element had shape "
                    f"{list(parts[0].shape)} and element {i} had shape {list(part.shape)}. [Op:IteratorGetNext]",
                    notes=("pad them: dataset.padded_batch(batch_size)",),
                )
            )
    return np.stack(parts)


def padded(elements: Sequence[Any], shapes: Any, values: Any) -> Any:
    """Elements along a new first dimension, each padded to the largest (or to `shapes`)."""

    def one(place: int, parts: Sequence[Any]) -> Any:
        wanted = None if shapes is None else leaves_of_shapes(shapes)[place]
        value = 0 if values is None else (values[place] if isinstance(values, (list, tuple)) else values)
        largest = np.max([p.shape for p in parts], axis=0) if parts[0].ndim else ()
        extents = [
            int(n) if wanted is None or wanted[d] in (None, -1) else int(wanted[d])
            for d, n in enumerate(largest)
        ]
        out = np.full((len(parts), *extents), value, parts[0].dtype)
        for i, p in enumerate(parts):
            place_of_it: tuple[int | slice, ...] = (i, *(slice(0, n) for n in p.shape))
            out[place_of_it] = p
        return out

    columns = list(zip(*(leaves(e) for e in elements), strict=True))
    made = iter([one(i, c) for i, c in enumerate(columns)])
    return map_leaves(lambda _: next(made), elements[0])


def leaves_of_shapes(shapes: Any) -> list[Any]:
    """Shapes nested like an element; a list or TensorShape of extents is a leaf."""
    if isinstance(shapes, tuple) and any(isinstance(s, (tuple, list)) or hasattr(s, "rank") for s in shapes):
        return [leaf for s in shapes for leaf in leaves_of_shapes(s)]
    return [list(shapes)]


def first_extent(structure: Any) -> int:
    """The common first extent of arrays that are to be sliced."""
    found = leaves(structure)
    if not found:
        raise located(RecordValueError("Invalid `element`. `element` should not be empty."))
    for a in found:
        if not a.ndim:
            raise located(RecordValueError("Unbatching a tensor is only supported for rank >= 1"))
        if len(a) != len(found[0]):
            raise located(
                RecordValueError(
                    f"Dimensions {len(found[0])} and {len(a)} are not compatible: all have one first extent"
                )
            )
    return len(found[0])


def spec_of(element: Any) -> Any:
    """The TensorSpecs of an element."""
    return map_leaves(lambda a: TensorSpec(a.shape, a.dtype) if isinstance(a, np.ndarray) else a, element)


def fitted(value: Any, spec: Any) -> Any:
    """What a generator gives, as arrays of the dtypes and shapes that were announced."""
    if isinstance(spec, Mapping):
        return {k: fitted(value[k], spec[k]) for k in spec}
    if isinstance(spec, tuple):
        if not isinstance(value, (tuple, list)) or len(value) != len(spec):
            raise located(
                RecordTypeError(
                    f"`generator` yielded an element that did not match the expected structure. The expected structure was "
                    f"{spec}, but the yielded element was {value!r:.60}."
                )
            )
        return tuple(fitted(v, s) for v, s in zip(value, spec, strict=True))
    array = np.asarray(to_host(value) if isinstance(value, TensorBase) else value)
    array = array.astype(spec.dtype.numpy)
    if not spec.shape.is_compatible_with(array.shape):
        raise located(
            RecordTypeError(
                f"`generator` yielded an element of shape {array.shape} where an element of shape {spec.shape} was expected."
            )
        )
    return array
