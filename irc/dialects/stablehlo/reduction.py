"""Reductions: over dimensions, over windows, and the scatter of a window's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from irc.dialects.stablehlo.base import (
    TensorOp,
    check_padding,
    compatible,
    dilated,
    is_predicate,
    is_unique,
    merge_shapes,
    padded,
    quoted,
    region_types,
    repeated,
    scalar,
    window_count,
)
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import (
    Run,
    check_reducer,
    over_elements,
    reduce_last,
    update_in_order,
)
from irc.dialects.stablehlo.shape import pad
from irc.ir.fields import I64_ARRAY, Attr, Operand, RegionField, Result, i64_elements
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes


def check_inputs(op: Any, count: str, shapes: str, elements: str) -> tuple[list[TensorType], tuple[Dim, ...]]:
    """Checks `inputs` against `init_values` under these labels; the input types and their common shape."""
    op.check(len(op.operands) > 0 and len(op.operands) % 2 == 0, count, "requires at least 1 input value")
    op.check_operands()
    types, inits = [v.type for v in op.inputs], [v.type for v in op.init_values]
    for i, type in enumerate(types):
        message = f"expects all inputs to have compatible shapes. Shape at input-index {i} is not compatible with shape"
        op.check(compatible_shapes(types[0].shape, type.shape), shapes, f"{message} at input-index 0")
    for i, (type, init) in enumerate(zip(types, inits, strict=True)):
        message = f"The element-type of reduction-region's argument at index {len(types) + i} is expected to be promotable"
        fits = same_element(type.element, init.element)
        op.check(fits, elements, f"{message} from '{type.element}', but got '{init.element}'")
    return types, merge_shapes(t.shape for t in types)


class Reduce(TensorOp, name="stablehlo.reduce"):
    """Each result element is init combined by the body with all elements along the dimensions, in the tree of the
    numerics contract.

    C1: inputs have one shape.
    C2: inputs and initial values have one element type, pair by pair.
    C3: there is at least one input, and as many initial values.
    C4: dimensions are dimensions of the inputs.
    C5: none is named twice.
    C6: the body takes N + N scalars to N scalars of types that the inputs' promote to.
    C7: the result's shape is the inputs' without the dimensions.
    C8: the results' element types are the body's."""

    assembly: ClassVar[str] = "custom<Reduce>"
    same_variadic_size = True
    result_labels = ("C7", "C8")
    inputs = Operand(variadic=True)
    init_values = Operand(variadic=True, constraint="any 0d")
    dimensions = Attr(I64_ARRAY)
    body = RegionField()
    reduced = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        types, shape = check_inputs(self, count="C3", shapes="C1", elements="C2")
        dims = self.dimensions
        outside = next((d for d in dims if not 0 <= d < len(shape)), None)
        message = f"Out-of-bounds dimension {outside}, expected to be in range [0, {len(shape)})"
        self.check(outside is None, "C4", message)
        self.check(is_unique(dims), "C5", f"Duplicate reduction dimension: {repeated(dims)}")
        elements = check_reducer(self, self.body, [t.element for t in types], "C6")
        kept = tuple(n for i, n in enumerate(shape) if i not in dims)
        return [TensorType(kept, e) for e in elements]

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Array, ...]:
        half = len(arrays) // 2
        dims = sorted(self.dimensions)
        kept = [i for i in range(arrays[0].ndim) if i not in dims]
        columns = []
        for x in arrays[:half]:
            shape = [x.shape[i] for i in kept]
            columns.append(x.transpose(*kept, *dims).reshape(*shape, prod(x.shape[i] for i in dims)))
        return reduce_last(run, self.body, columns, arrays[half:])


class ReduceWindow(TensorOp, name="stablehlo.reduce_window"):
    """A reduction of each window. Padding and the holes of base dilation are elements equal to init.

    C1: there is at least one input, and as many initial values.
    C2: inputs have one shape.
    C3: inputs and initial values have one element type, pair by pair.
    C4: window dimensions are as many as the inputs'.
    C5: they are positive.
    C6: window strides are as many as the inputs' dimensions.
    C7: they are positive.
    C8: base dilations are as many as the inputs' dimensions.
    C9: they are positive.
    C10: window dilations are as many as the inputs' dimensions.
    C11: they are positive.
    C12: padding is [rank, 2].
    C13: the body takes N + N scalars to N scalars of types that the inputs' promote to.
    C14: results have one shape.
    C15: which is the number of windows along each dimension.
    C16: the results' element types are the body's."""

    same_variadic_size = True
    result_labels = ("C15", "C16")
    inputs = Operand(variadic=True)
    init_values = Operand(variadic=True, constraint="any 0d")
    window_dimensions = Attr(I64_ARRAY)
    window_strides = Attr(I64_ARRAY, optional=True)
    base_dilations = Attr(I64_ARRAY, optional=True)
    window_dilations = Attr(I64_ARRAY, optional=True)
    padding = Attr(i64_elements(2), optional=True)
    body = RegionField()
    reduced = Result(variadic=True)

    @property
    def window(self) -> Window:
        """The window's attributes, defaults filled in."""
        n = self.inputs[0].type.rank
        return Window(
            self.window_dimensions,
            (1,) * n if self.window_strides is None else self.window_strides,
            (1,) * n if self.base_dilations is None else self.base_dilations,
            (1,) * n if self.window_dilations is None else self.window_dilations,
            ((0, 0),) * n if self.padding is None else self.padding,
        )

    def infer(self) -> Sequence[Type]:
        types, shape = check_inputs(self, count="C1", shapes="C2", elements="C3")
        w = self.window
        message = "expects window-dimensions size == input rank, but got window-dimensions size:"
        rank = f"with rank = {len(shape)}."
        self.check(
            len(w.sizes) == len(shape), "C4", f"{message} {len(w.sizes)} and input: '{types[0]}' {rank}"
        )
        check_window(self, w, ("C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12"))
        elements = check_reducer(self, self.body, [t.element for t in types], "C13")
        given = [r.type for r in self.results if isinstance(r.type, TensorType)]
        self.check(
            all(compatible_shapes(given[0].shape, t.shape) for t in given), "C14", f"has results {given}"
        )
        return [TensorType(w.counts(shape), e) for e in elements]

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Array, ...]:
        half = len(arrays) // 2
        columns = [self.window.columns(x, init) for x, init in zip(arrays[:half], arrays[half:], strict=True)]
        return reduce_last(run, self.body, columns, arrays[half:])


@dataclass(frozen=True, slots=True)
class Window:
    """How a window moves over an input, for each dimension."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    base_dilations: tuple[int, ...]
    window_dilations: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    def counts(self, shape: Sequence[Dim]) -> tuple[Dim, ...]:
        """How many windows there are along each dimension."""
        spread = map(dilated, shape, self.base_dilations)
        full = [padded(n, *p) for n, p in zip(spread, self.padding, strict=True)]
        seen = [
            (size - 1) * dilation + 1
            for size, dilation in zip(self.sizes, self.window_dilations, strict=True)
        ]
        return tuple(map(window_count, full, seen, self.strides))

    def columns(self, x: Array, hole: Array) -> Array:
        """[windows..., elements of a window in row-major order]; `hole` stands in padding and between dilated elements."""
        counts = self.counts(x.shape)
        low, high = [[p[side] for p in self.padding] for side in (0, 1)]
        x = pad(x, hole, low, high, [d - 1 for d in self.base_dilations])
        for i, size in enumerate(self.sizes):
            starts = np.arange(counts[i] or 0) * self.strides[i]
            x = np.take(x, starts[:, None] + np.arange(size) * self.window_dilations[i], axis=2 * i)
        rank = len(self.sizes)
        x = x.transpose(*range(0, 2 * rank, 2), *range(1, 2 * rank, 2))
        return x.reshape(*x.shape[:rank], prod(self.sizes))


def check_window(op: TensorOp, window: Window, labels: Sequence[str]) -> None:
    """Sizes are positive; strides, base and window dilations are as many as dimensions, and positive; padding has two
    numbers for each. Labels are in this order."""
    n = len(window.sizes)
    positive, *rest = labels
    lists = {
        "window-strides": (window.strides, "stride"),
        "base-dilation factors": (window.base_dilations, "base dilation factor"),
        "window-dilation factors": (window.window_dilations, "window dilation factor"),
    }
    for i, size in enumerate(window.sizes):
        message = f"expects window to have positive value for {i}-th window dimension, but got {size}."
        op.check(size > 0, positive, message)
    for (name, (values, what)), count, above in zip(lists.items(), rest[::2], rest[1::2], strict=False):
        message = f"expects {name} to have same dimension-size as size of window dimensions ({n}), but got: {len(values)}."
        op.check(len(values) == n, count, message)
        for i, value in enumerate(values):
            message = f"expects window to have positive {what} for {i}-th window dimension, but got {value}."
            op.check(value > 0, above, message)
    check_padding(op, window.padding, n, labels[-1])


class SelectAndScatter(TensorOp, name="stablehlo.select_and_scatter"):
    """Each window of operand picks an element by `select` (from the left, padding left out), where the source element of
    the window is added by `scatter` onto init. Source elements are taken in row-major order.

    C1: operand and source have one element type.
    C2: source has the shape of the windows.
    C3: init has operand's element type.
    C4: window dimensions are as many as operand's.
    C5: they are positive.
    C6: window strides are as many as operand's dimensions.
    C7: they are positive.
    C8: padding is [rank, 2].
    C9: select takes two elements to tensor<i1>.
    C10: scatter takes two scalars to one of a type that operand's promotes to.
    C11: operand and result have one shape.
    C12: the result's element type is scatter's."""

    result_labels = ("C11", "C12")
    operand = Operand()
    source = Operand()
    init_value = Operand(constraint="any 0d")
    window_dimensions = Attr(I64_ARRAY, optional=True)
    window_strides = Attr(I64_ARRAY, optional=True)
    padding = Attr(i64_elements(2), optional=True)
    select = RegionField()
    scatter = RegionField()
    result = Result()

    @property
    def window(self) -> Window:
        """The window's attributes, defaults filled in."""
        ones = (1,) * self.operand.type.rank
        return Window(
            ones if self.window_dimensions is None else self.window_dimensions,
            ones if self.window_strides is None else self.window_strides,
            ones,
            ones,
            ((0, 0),) * len(ones) if self.padding is None else self.padding,
        )

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, source, init, w = self.operand.type, self.source.type, self.init_value.type, self.window
        same = same_element(source.element, type.element)
        self.check(
            same, "C1", f"expects source-type to have element type '{type.element}', but got '{source}'"
        )
        message = "The element-type of reduction-region's argument at index 1 is expected to be promotable"
        same = same_element(init.element, type.element)
        self.check(same, "C3", f"{message} from '{type.element}', but got '{init.element}'")
        message = "expects window-dimensions size == operand rank, but got window-dimensions size:"
        rank = f"with rank = {type.rank}."
        self.check(
            len(w.sizes) == type.rank, "C4", f"{message} {len(w.sizes)} and operand-type: '{type}' {rank}"
        )
        check_window(self, w, ("C5", "C6", "C7", *["C6"] * 4, "C8"))
        counts = w.counts(type.shape)
        message = f"expects source-type to be '{type.with_shape(counts)}', but got'{source}'"
        self.check(compatible_shapes(counts, source.shape), "C2", message)
        self._check_select(type.element)
        (element,) = check_reducer(self, self.scatter, [type.element], "C10")
        return [type.with_element(element)]

    def evaluate(self, run: Run, x: Array, source: Array, init: Array) -> Array:
        dtype = self.result.type.element.numpy
        result = np.full(x.size, init.astype(dtype), dtype)
        chosen = self._chosen(over_elements(run, self.select), x)
        add = over_elements(run, self.scatter)
        update_in_order(add, [result], chosen.reshape(-1), [source.reshape(-1).astype(dtype)])
        return result.reshape(x.shape)

    def _check_select(self, element: Any) -> None:
        arguments, returned = region_types(self.select)
        message = f"expects the select-region to take 2 parameters, but takes {len(arguments)}"
        self.check(len(arguments) == 2, "C9", message)
        for i, argument in enumerate(arguments):
            message = f"expects the type of select-region's parameter at index {i} to be '{scalar(element)}', but got"
            self.check(compatible(argument, scalar(element)), "C9", f"{message} '{argument}'")
        message = f"expects select-region to return single value, but got: {len(returned)}"
        self.check(len(returned) == 1, "C9", message)
        message = f"expects the return-type of select-region to be tensor<i1>, but got: {quoted(returned)}"
        self.check(is_predicate(returned), "C9", message)

    def _chosen(self, select: Any, x: Array) -> Array:
        """The flat index of each window's choice; -1 for a window of padding alone."""
        places = self.window.columns(np.arange(x.size).reshape(x.shape), np.asarray(-1))
        values, best = x.reshape(-1), places[..., 0]
        for k in range(1, places.shape[-1]):
            other = places[..., k]
            (stays,) = select(values[best], values[other])
            best = np.where((other < 0) | ((best >= 0) & stays), best, other)
        return best
