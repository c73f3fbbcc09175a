"""Comparing and choosing, element by element: compare, select, clamp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo import numerics as N
from irc.dialects.stablehlo.base import (
    TensorOp,
    all_compatible,
    compatible,
    element_kind,
    merge_types,
    shape_text,
)
from irc.dialects.stablehlo.numerics import Array, native
from irc.ir.fields import Attr, Operand, Result, enum
from irc.ir.quantized import same_element
from irc.ir.types import Type, compatible_shapes, i1

DIRECTION = enum("stablehlo", "comparison_direction", ("EQ", "NE", "GE", "GT", "LE", "LT"))
COMPARISON = enum("stablehlo", "comparison_type", ("NOTYPE", "FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED"))
_RELATIONS: dict[str, Any] = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "GE": np.greater_equal,
    "GT": np.greater,
    "LE": np.less_equal,
    "LT": np.less,
}
_COMPARISONS_OF = {
    "bool": ("UNSIGNED",),
    "signed": ("SIGNED",),
    "unsigned": ("UNSIGNED",),
    "float": ("FLOAT", "TOTALORDER"),
    "complex": ("FLOAT",),
    "quantized": ("FLOAT", "TOTALORDER"),
}


class Compare(TensorOp, name="stablehlo.compare"):
    """One of six relations. NaN is unequal to everything, unless TOTALORDER places it.

    C1: lhs and rhs have one element type.
    C2: lhs, rhs and result have one shape.
    C3: the comparison type, where given, is the element type's: SIGNED, UNSIGNED (i1 too), FLOAT (complex too), or
        TOTALORDER for floats."""

    assembly = (
        "$comparison_direction `,` $lhs `,` $rhs (`,` $compare_type^)? attr-dict `:` "
        "functional-type(operands, results)"
    )
    elementwise = True
    by_floats = True
    result_labels = ("C2", "C2")
    lhs = Operand()
    rhs = Operand()
    comparison_direction = Attr(DIRECTION)
    compare_type = Attr(COMPARISON, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.lhs.type, self.rhs.type
        self.check(same_element(a.element, b.element), "C1", f"compares {a} with {b}")
        self.check(
            compatible_shapes(a.shape, b.shape),
            "C2",
            "requires compatible types for all operands and results",
        )
        allowed = (None, "NOTYPE", *_COMPARISONS_OF[element_kind(a.element)])
        self.check(self.compare_type in allowed, "C3", f"compares {a.element} as {self.compare_type}")
        return [merge_types((a, b)).with_element(i1)]

    def evaluate(self, x: Array, y: Array) -> Array:
        relation = _RELATIONS[self.comparison_direction]
        if self.compare_type == "TOTALORDER":
            return relation(N.total_order(x), N.total_order(y))
        if x.dtype.kind == "c" and self.comparison_direction not in ("EQ", "NE"):
            return N.lexicographic(relation, x, y)
        wide = N.arithmetic_dtype(x.dtype)
        return relation(x.astype(wide), y.astype(wide))


class Select(TensorOp, name="stablehlo.select"):
    """on_true where pred, on_false elsewhere.

    C1: pred is a scalar or has on_true's shape.
    C2: on_true, on_false and result have one type."""

    assembly = "operands attr-dict `:` custom<SelectOpType>(type($pred), type($on_true), type($on_false), type($result))"
    elementwise = True
    by_floats = True
    result_labels = ("C2", "C2")
    pred = Operand(constraint="bool")
    on_true = Operand()
    on_false = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        pred, a, b = (o.type for o in self.operands)
        self.check(compatible(a, b), "C2", "requires compatible types for non-predicate operands")
        fits = pred.rank == 0 or all_compatible([t.with_element(i1) for t in (pred, a)])
        self.check(fits, "C1", "requires the same shape for all operands")
        return [merge_types((a, b))]

    def evaluate(self, pred: Array, on_true: Array, on_false: Array) -> Array:
        return np.where(pred, on_true, on_false)


class Clamp(TensorOp, name="stablehlo.clamp"):
    """minimum(maximum(operand, min), max).

    C1: min is a scalar or has the operand's shape.
    C2: max is a scalar or has the operand's shape.
    C3: all have one element type.
    C4: operand and result have one type."""

    assembly = (
        "$min `,` $operand `,` $max attr-dict `:` "
        "custom<SameOperandsAndResultType>(type($min), type($operand), type($max), type($result))"
    )
    elementwise = True
    by_floats = True
    result_labels = ("C4", "C4")
    min = Operand()
    operand = Operand()
    max = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        low, x, high = (o.type for o in self.operands)
        self.check(
            same_element(low.element, x.element) and same_element(x.element, high.element),
            "C3",
            f"clamps {x} between {low} and {high}",
        )
        for label, name, type in (("C1", "min", low), ("C2", "max", high)):
            shape = f"{name} shape [{shape_text(type.shape)}] is not scalar and is not compatible to operand shape"
            fits = type.rank == 0 or compatible_shapes(type.shape, x.shape)
            self.check(fits, label, f"{shape} [{shape_text(x.shape)}]")
        return [x]

    def evaluate(self, low: Array, x: Array, high: Array) -> Array:
        return native(lambda a, v, b: N.minimum(N.maximum(v, a), b), low, x, high)
