"""Reductions: over dimensions, over windows, and the scatter of a window's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from irc.dialects.stablehlo.base import (
    TensorOp,
    dilated,
    dims_in_range,
    is_unique,
    merge_shapes,
    padded,
    window_count,
)
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import (
    Run,
    check_reducer,
    check_signature,
    over_elements,
    reduce_last,
    update_in_order,
)
from irc.dialects.stablehlo.shape import pad
from irc.ir.fields import I64_ARRAY, Attr, Operand, RegionField, Result, i64_elements
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes, i1


def check_inputs(op: Any, count: str, shapes: str, elements: str) -> tuple[list[TensorType], tuple[Dim, ...]]:
    """Checks `inputs` against `init_values` under these labels; the input types and their common shape."""
    op.check(len(op.operands) > 0 and len(op.operands) % 2 == 0, count, f"has {len(op.operands)} operands")
    op.check_operands()
    types, inits = [v.type for v in op.inputs], [v.type for v in op.init_values]
    op.check(all(compatible_shapes(types[0].shape, t.shape) for t in types), shapes, f"reduces {types}")
    same = all(same_element(t.element, i.element) for t, i in zip(types, inits, strict=True))
    op.check(same, elements, f"reduces {types} from {inits}")
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
        self.check(dims_in_range(dims, len(shape)), "C4", f"reduces {types} along {list(dims)}")
        self.check(is_unique(dims), "C5", f"reduces {types} along {list(dims)}")
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
        labelled = {
            "window dimensions": (w.sizes, "C4", "C5"),
            "window strides": (w.strides, "C6", "C7"),
            "base dilations": (w.base_dilations, "C8", "C9"),
            "window dilations": (w.window_dilations, "C10", "C11"),
        }
        for name, (values, count, positive) in labelled.items():
            self.check(len(values) == len(shape), count, f"has {name} {values} for {types}")
            self.check(all(v > 0 for v in values), positive, f"has {name} {values}")
        check_padding(self, w, len(shape), "C12")
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


def check_padding(op: TensorOp, window: Window, rank: int, label: str) -> None:
    """Raises the error labelled so unless padding has two numbers a dimension."""
    well_formed = len(window.padding) == rank and all(len(p) == 2 for p in window.padding)
    op.check(well_formed, label, f"has padding {window.padding} for {rank} dimensions")


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
        self.check(same_element(source.element, type.element), "C1", f"scatters {source} by {type}")
        self.check(same_element(init.element, type.element), "C3", f"scatters onto {init} by {type}")
        self.check(len(w.sizes) == type.rank, "C4", f"has window dimensions {w.sizes} for {type}")
        self.check(all(v > 0 for v in w.sizes), "C5", f"has window dimensions {w.sizes}")
        self.check(len(w.strides) == type.rank, "C6", f"has window strides {w.strides} for {type}")
        self.check(all(v > 0 for v in w.strides), "C7", f"has window strides {w.strides}")
        check_padding(self, w, type.rank, "C8")
        counts = w.counts(type.shape)
        self.check(
            compatible_shapes(counts, source.shape), "C2", f"has {list(counts)} windows for source {source}"
        )
        check_signature(self, self.select, [type.element] * 2, [i1], "C9")
        (element,) = check_reducer(self, self.scatter, [type.element], "C10")
        return [type.with_element(element)]

    def evaluate(self, run: Run, x: Array, source: Array, init: Array) -> Array:
        dtype = self.result.type.element.numpy
        result = np.full(x.size, init.astype(dtype), dtype)
        chosen = self._chosen(over_elements(run, self.select), x)
        add = over_elements(run, self.scatter)
        update_in_order(add, [result], chosen.reshape(-1), [source.reshape(-1).astype(dtype)])
        return result.reshape(x.shape)

    def _chosen(self, select: Any, x: Array) -> Array:
        """The flat index of each window's choice; -1 for a window of padding alone."""
        places = self.window.columns(np.arange(x.size).reshape(x.shape), np.asarray(-1))
        values, best = x.reshape(-1), places[..., 0]
        for k in range(1, places.shape[-1]):
            other = places[..., k]
            (stays,) = select(values[best], values[other])
            best = np.where((other < 0) | ((best >= 0) & stays), best, other)
        return best
