"""Reductions: over dimensions, over windows, and the scatter of a window's choice."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

from irc.dialects.stablehlo.base import (
    TensorOp,
    all_compatible,
    dims_in_range,
    is_unique,
    merge_shapes,
)
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run, check_reducer, reduce_last
from irc.ir.fields import I64_ARRAY, Attr, Operand, RegionField, Result
from irc.ir.types import Dim, TensorType, Type, compatible_shapes


def check_inputs(op: Any, count: str, shapes: str, elements: str) -> tuple[list[TensorType], tuple[Dim, ...]]:
    """Checks `inputs` against `init_values` under these labels; the input types and their common shape."""
    op.check(len(op.operands) > 0 and len(op.operands) % 2 == 0, count, f"has {len(op.operands)} operands")
    op.check_operands()
    types, inits = [v.type for v in op.inputs], [v.type for v in op.init_values]
    op.check(all(compatible_shapes(types[0].shape, t.shape) for t in types), shapes, f"reduces {types}")
    same = all(t.element is i.element for t, i in zip(types, inits, strict=True))
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
