"""sort and map: functions of scalars over whole tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo.base import (
    TensorOp,
    all_compatible,
    merge_shapes,
    region_types,
    scalar,
    shape_text,
)
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run, check_signature, over_elements
from irc.ir.fields import BOOL, I64, I64_ARRAY, Attr, Operand, RegionField, Result
from irc.ir.types import TensorType, Type, compatible_shapes, i1


class Sort(TensorOp, name="stablehlo.sort"):
    """Inputs ordered together along a dimension by `comparator`; equal elements keep their order, asked for or not.

    C1: there is at least one input.
    C2: the results have the inputs' types.
    C3: inputs have one shape.
    C4: the dimension is one of theirs, counted from the end when negative.
    C5: the comparator takes two scalars of each input, side by side, to tensor<i1>."""

    result_labels = ("C2", "C2")
    inputs = Operand(variadic=True)
    dimension = Attr(I64, default=-1)
    is_stable = Attr(BOOL, default=False)
    comparator = RegionField()
    ordered = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check(len(self.inputs) > 0, "C1", "has no inputs")
        self.check_operands()
        types = [v.type for v in self.inputs]
        self.check(
            all(compatible_shapes(types[0].shape, t.shape) for t in types),
            "C3",
            "requires the same shape for all operands and results",
        )
        rank = types[0].rank
        message = f"dimension attribute value must be in range [-{rank}, {rank}), but found {self.dimension}"
        self.check(-rank <= self.dimension < rank, "C4", message)
        pairs = [t.element for t in types for _ in range(2)]
        check_signature(self, self.comparator, pairs, [i1], "C5")
        shape = merge_shapes(t.shape for t in types)
        return [t.with_shape(shape) for t in types]

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Array, ...]:
        columns = [np.moveaxis(a, self.dimension, -1) for a in arrays]
        compare = over_elements(run, self.comparator)
        order = _sorting_order(columns, lambda a, b: _interleaved(compare, a, b))
        return tuple(np.moveaxis(np.take_along_axis(c, order, -1), -1, self.dimension) for c in columns)


def _interleaved(compare: Callable[..., tuple[Array, ...]], a: list[Array], b: list[Array]) -> Array:
    return compare(*(x for pair in zip(a, b, strict=True) for x in pair))[0]


def _sorting_order(columns: list[Array], less: Callable[[list[Array], list[Array]], Array]) -> Array:
    """The permutation of the last dimension that sorts, by Batcher's bitonic network: each of its steps compares all
    pairs at distance `apart` at once. Places past the end sort last; equal elements by place, which makes it stable."""
    n = columns[0].shape[-1]
    size = 1 << max(n - 1, 0).bit_length()
    order = np.broadcast_to(np.arange(size), (*columns[0].shape[:-1], size)).copy()

    def before(a: Array, b: Array) -> Array:
        at_a, at_b = (
            [np.take_along_axis(c, np.minimum(at, max(n - 1, 0)), -1) for c in columns] for at in (a, b)
        )
        a_first, b_first = less(at_a, at_b), less(at_b, at_a)
        both = (a < n) & (b < n)
        return np.where(both & (a_first != b_first), a_first, a < b)

    run_length = 2
    while run_length <= size and n:
        apart = run_length // 2
        while apart:
            low = np.array([i for i in range(size) if not i & apart])
            a, b = order[..., low], order[..., low + apart]
            swap = before(a, b) != (low & run_length == 0)
            order[..., low], order[..., low + apart] = np.where(swap, b, a), np.where(swap, a, b)
            apart //= 2
        run_length *= 2
    return order[..., :n]


class Map(TensorOp, name="stablehlo.map"):
    """A function of scalars applied to elements at the same place.

    C1: inputs and result have one shape.
    C2: there is at least one input.
    C3: dimensions are all of the inputs', in order.
    C4: the computation takes a scalar of each input to one of the result."""

    result_labels = ("C1", "C4")
    inputs = Operand(variadic=True)
    dimensions = Attr(I64_ARRAY)
    computation = RegionField()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check(len(self.inputs) > 0, "C2", "has no inputs")
        self.check_operands()
        types: list[Any] = [v.type for v in self.inputs]
        self.check(all_compatible([t.with_element(i1) for t in types]), "C1", f"maps {types}")
        complete = list(self.dimensions) == list(range(types[0].rank))
        dims, rank = list(self.dimensions), types[0].rank
        message = (
            f"requires monotonically increasing dimension numbers, but got: {shape_text(dims)}"
            if dims != list(range(len(dims)))
            else "applied to a subset of dimensions currently not supported: "
            f"operand dimensions = {rank}, requested map dimensions size = {len(dims)}"
        )
        self.check(complete, "C3", message)
        returned = self._check_computation(types)
        return [TensorType(merge_shapes(t.shape for t in types), returned[0].element)]

    def _check_computation(self, types: Sequence[Any]) -> list[Any]:
        """What the computation of scalars gives."""
        arguments, returned = region_types(self.computation)
        message = "expects number of operands to match the arity of map computation, but got: "
        self.check(len(arguments) == len(types), "C4", f"{message}{len(types)} and {len(arguments)}")
        for i, (argument, type) in enumerate(zip(arguments, types, strict=True)):
            message = f"computation arguments must be 0-rank tensor, but got: arg #{i} of type '{argument}'"
            self.check(getattr(argument, "shape", None) == (), "C4", message)
            message = (
                f"element type of operands and computation arguments must match, but got: {type.element} and "
            )
            self.check(argument is scalar(type.element), "C4", f"{message}{argument.element}")
        message = f"computation must return single output, but got: {len(returned)}"
        self.check(len(returned) == 1, "C4", message)
        message = f"computation must return 0-rank tensor, but got: '{returned[0]}'"
        self.check(getattr(returned[0], "shape", None) == (), "C4", message)
        return returned

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Array, ...]:
        return over_elements(run, self.computation)(*arrays)
