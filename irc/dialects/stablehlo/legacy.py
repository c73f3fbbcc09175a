"""Ops that StableHLO keeps only for old programs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from irc.dialects.stablehlo.attributes import PRECISION, DotDimensionNumbers
from irc.dialects.stablehlo.base import TensorOp, element_kind, same_dim
from irc.dialects.stablehlo.linalg import contract
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.quantized import any_quantized
from irc.ir.fields import I64, I64_ARRAY, Attr, Operand, Result, enum
from irc.ir.types import TensorType, Type


class Dot(TensorOp, name="stablehlo.dot"):
    """dot_general of vectors and matrices: the last dimension of lhs with the first of rhs.

    C1: both have rank 1 or 2.
    C2: the contracted extents are one.
    C3: both have one element type; the result's shape is what remains."""

    quantized = "axis"
    by_floats = True
    assembly = "$lhs `,` $rhs `` custom<PrecisionConfig>($precision_config) attr-dict `:` functional-type(operands, results)"
    result_labels = ("C3", "C3")
    lhs = Operand()
    rhs = Operand()
    precision_config = Attr(PRECISION, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = self.lhs.type, self.rhs.type
        self.check(
            a.rank in (1, 2) and b.rank in (1, 2), "C1", "expected both lhs/rhs ranks to be either 1 or 2"
        )
        self.check(same_dim(a.shape[-1], b.shape[0]), "C2", f"multiplies {a} by {b}")
        element = self.results[0].type.element if self.results else a.element
        if not any_quantized(a.element, b.element, element):
            self.check(a.element is b.element, "C3", f"multiplies {a} by {b}")
        return [TensorType((*a.shape[:-1], *b.shape[1:]), element)]

    def evaluate(self, x: Array, y: Array) -> Array:
        numbers = DotDimensionNumbers((), (), (x.ndim - 1,), (0,))
        return contract(x, y, numbers, self.result.type.element.numpy)


class Broadcast(TensorOp, name="stablehlo.broadcast"):
    """The operand, repeated along new leading dimensions.

    C1: the new extents are not negative.
    C2: the result has them, then the operand's, and its element type."""

    assembly = "$operand `,` `sizes` `=` $broadcast_sizes attr-dict `:` functional-type(operands, results)"
    result_labels = ("C2", "C2")
    operand = Operand()
    broadcast_sizes = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, sizes = self.operand.type, self.broadcast_sizes
        message = f"Broadcast with negative dimension size {min(sizes, default=0)}"
        self.check(all(n >= 0 for n in sizes), "C1", message)
        return [type.with_shape((*sizes, *type.shape))]

    def evaluate(self, x: Array) -> Array:
        return np.broadcast_to(x, (*self.broadcast_sizes, *x.shape))


class Rng(TensorOp, name="stablehlo.rng"):
    """Random numbers from a state that is nowhere in the program. Running it is refused: use rng_bit_generator.

    C1: both bounds and the result have one element type.
    C2: normal numbers are floats.
    C3: the shape has a component for each of the result's dimensions."""

    assembly = (
        "$a `,` $b `,` $shape `,` `distribution` `=` $rng_distribution attr-dict `:` "
        "functional-type(operands, results)"
    )
    pure = False
    result_labels = ("C3", "C1")
    a = Operand(constraint="bool integer float 0d")
    b = Operand(constraint="bool integer float 0d")
    shape = Operand(constraint="dimension 1d static")
    rng_distribution = Attr(enum("stablehlo", "rng_distribution", ("UNIFORM", "NORMAL")))
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, type = self.a.type, self.given_type("C3")
        self.check(a.element is self.b.type.element, "C1", f"has bounds {a} and {self.b.type}")
        uniform = self.rng_distribution == "UNIFORM"
        self.check(uniform or element_kind(a.element) == "float", "C2", f"draws normal {a.element}")
        self.check(type.rank == self.shape.type.shape[0], "C3", f"fills {type} by a shape {self.shape.type}")
        return [type.with_element(a.element)]


class SetDimensionSize(TensorOp, name="stablehlo.set_dimension_size"):
    """The operand with fewer elements that count along a dimension. Running it is refused: types cannot say it.

    C1: the dimension is one of the operand's."""

    assembly = "$operand `,` $size `,` `dim` `=` $dimension attr-dict `:` functional-type(operands, results)"
    operand = Operand()
    size = Operand(constraint="signed 0d")
    dimension = Attr(I64)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type = self.operand.type
        self.check(0 <= self.dimension < type.rank, "C1", f"sizes dimension {self.dimension} of {type}")
        return [type.with_shape(tuple(None if i == self.dimension else n for i, n in enumerate(type.shape)))]
