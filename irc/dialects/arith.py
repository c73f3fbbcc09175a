"""MLIR's arith dialect: scalar and vector arithmetic of kernels. Meanings are MLIR's; nothing here is fast-math."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from irc.ir.attributes import Attribute, BoolAttr, DenseElementsAttr, FloatAttr, IntegerAttr
from irc.ir.fields import ANY, Attr, Operand, Result, integer_enum
from irc.ir.operation import Operation
from irc.ir.types import FloatType, IndexType, IntegerType, Type, VectorType, i1


def element(type: Any) -> Any:
    """The element type of a vector, or the scalar type itself."""
    return type.element if isinstance(type, VectorType) else type


def like(type: Any, new_element: Any) -> Any:
    """`type` with another element type: a vector of the same shape, or the scalar."""
    return VectorType(type.shape, new_element) if isinstance(type, VectorType) else new_element


class Constant(Operation, name="arith.constant"):
    """`arith.constant 4 : index`, `arith.constant dense<0.0> : vector<6x64xf32>`."""

    assembly: ClassVar[str] = "attr-dict $value"
    value = Attr(ANY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.value.type]

    def evaluate(self) -> np.ndarray[Any, Any]:
        """Of a tensor, as programs exported by torch-mlir hold them."""
        value: Any = self.attributes["value"]
        return np.asarray(value.value, value.type.element.numpy)

    @staticmethod
    def of(value: Any, type: Any) -> Constant:
        """A constant of a scalar or vector type from a Python number (splat for vectors) or an array."""
        return Constant(value=constant_attribute(value, type))


def constant_attribute(value: Any, type: Any) -> Attribute:
    """What a constant of a scalar or vector type holds (see `Constant.of`)."""
    if isinstance(type, VectorType):
        return DenseElementsAttr.of(type, value)
    if isinstance(type, FloatType):
        return FloatAttr(float(np.asarray(value).astype(type.numpy)), type)
    return BoolAttr(bool(value)) if type is i1 else IntegerAttr(int(value), type)


class _Binary(Operation):
    assembly: ClassVar[str] = (
        "$lhs `,` $rhs custom<Flags>($fastmath, $overflowFlags, $isExact) attr-dict `:` type($result)"
    )
    domain: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[type, ...]] = ()
    """The classes of `domain`."""
    lhs = Operand()
    rhs = Operand()
    fastmath = Attr(ANY, optional=True)
    overflowFlags = Attr(ANY, optional=True)
    isExact = Attr(ANY, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        a, b = self.operands
        self.check(a.type is b.type, "operands", f"has operands of types {a.type} and {b.type}")
        self.check(isinstance(element(a.type), self.kinds), "domain", f"does not take {a.type}")
        return [a.type]


class _FloatBinary(_Binary):
    domain = ("float",)
    kinds = (FloatType,)


class _IntegerBinary(_Binary):
    domain = ("integer", "index")
    kinds = (IntegerType, IndexType)


class AddF(_FloatBinary, name="arith.addf"):
    """lhs + rhs."""

    commutative = True


class SubF(_FloatBinary, name="arith.subf"):
    """lhs - rhs."""


class MulF(_FloatBinary, name="arith.mulf"):
    """lhs * rhs."""

    commutative = True


class DivF(_FloatBinary, name="arith.divf"):
    """lhs / rhs."""


class RemF(_FloatBinary, name="arith.remf"):
    """C's fmod: the sign of the dividend."""


class MaximumF(_FloatBinary, name="arith.maximumf"):
    """NaN if either is NaN; -0.0 < +0.0."""


class MinimumF(_FloatBinary, name="arith.minimumf"):
    """NaN if either is NaN; -0.0 < +0.0."""


class AddI(_IntegerBinary, name="arith.addi"):
    """lhs + rhs; wraps."""

    commutative = True


class SubI(_IntegerBinary, name="arith.subi"):
    """lhs - rhs; wraps."""


class MulI(_IntegerBinary, name="arith.muli"):
    """lhs * rhs; wraps."""

    commutative = True


class DivSI(_IntegerBinary, name="arith.divsi"):
    """Rounded toward zero. Undefined for a zero divisor and for INT_MIN / -1: guard before."""


class DivUI(_IntegerBinary, name="arith.divui"):
    """Of unsigned numbers, rounded toward zero. Undefined for a zero divisor: guard before."""


class RemSI(_IntegerBinary, name="arith.remsi"):
    """The sign of the dividend. Undefined for a zero divisor and for INT_MIN rem -1: guard before."""


class RemUI(_IntegerBinary, name="arith.remui"):
    """Of unsigned numbers. Undefined for a zero divisor: guard before."""


class AndI(_IntegerBinary, name="arith.andi"):
    """Bit by bit: both."""

    commutative = True


class OrI(_IntegerBinary, name="arith.ori"):
    """Bit by bit: either."""

    commutative = True


class XOrI(_IntegerBinary, name="arith.xori"):
    """Bit by bit: one of the two."""

    commutative = True


class ShLI(_IntegerBinary, name="arith.shli"):
    """Zeros come in. Undefined for shifts of the width or more: guard before."""


class ShRSI(_IntegerBinary, name="arith.shrsi"):
    """Copies of the sign come in. Undefined for shifts of the width or more: guard before."""


class ShRUI(_IntegerBinary, name="arith.shrui"):
    """Zeros come in. Undefined for shifts of the width or more: guard before."""


class MaxSI(_IntegerBinary, name="arith.maxsi"):
    """The larger of signed numbers."""


class MaxUI(_IntegerBinary, name="arith.maxui"):
    """The larger of unsigned numbers."""


class MinSI(_IntegerBinary, name="arith.minsi"):
    """The smaller of signed numbers."""


class MinUI(_IntegerBinary, name="arith.minui"):
    """The smaller of unsigned numbers."""


class NegF(Operation, name="arith.negf"):
    """The other sign, of NaN and zeros too."""

    assembly: ClassVar[str] = "$operand custom<Flags>($fastmath) attr-dict `:` type($result)"
    fastmath = Attr(ANY, optional=True)
    operand = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.operands[0].type]


CMPF = (
    "false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true",
)  # fmt: skip
"""The predicates of cmpf, in the order of MLIR's numbers."""
CMPI = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
"""The predicates of cmpi, in the order of MLIR's numbers."""


class _Comparison(Operation):
    assembly: ClassVar[str] = "$predicate `,` $lhs `,` $rhs custom<Flags>($fastmath) attr-dict `:` type($lhs)"
    fastmath = Attr(ANY, optional=True)
    lhs = Operand()
    rhs = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        a, b = self.operands
        self.check(a.type is b.type, "operands", f"compares {a.type} with {b.type}")
        return [like(a.type, i1)]


class CmpF(_Comparison, name="arith.cmpf"):
    """`arith.cmpf olt, %a, %b : f32`: i1, or a vector of i1.

    Ordered predicates (o...) are false where an operand is NaN, unordered ones (u...) true."""

    predicate = Attr(integer_enum(CMPF))


class CmpI(_Comparison, name="arith.cmpi"):
    """`arith.cmpi slt, %a, %b : i32`: i1, or a vector of i1.

    The predicate says how bits are read: signed (s...) or unsigned (u...)."""

    predicate = Attr(integer_enum(CMPI))


class Select(Operation, name="arith.select"):
    """`condition` is i1, or a vector of i1 shaped as the values."""

    assembly: ClassVar[str] = (
        "$condition `,` $true_value `,` $false_value attr-dict `:` custom<SelectLike>(type($condition), type($result))"
    )
    condition = Operand()
    true_value = Operand()
    false_value = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        a, b = self.true_value.type, self.false_value.type
        self.check(a is b, "operands", f"chooses between {a} and {b}")
        return [a]


class _Cast(Operation):
    """A conversion; the result type is given."""

    assembly: ClassVar[str] = (
        "$source custom<Flags>($overflowFlags, $nonNeg, $fastmath) attr-dict `:` type($source) `to` type($result)"
    )
    overflowFlags = Attr(ANY, optional=True)
    nonNeg = Attr(ANY, optional=True)
    fastmath = Attr(ANY, optional=True)
    source = Operand()
    result = Result()


class ExtF(_Cast, name="arith.extf"):
    """To a wider float: exact."""


class TruncF(_Cast, name="arith.truncf"):
    """Rounds to nearest, ties to even."""


class ExtSI(_Cast, name="arith.extsi"):
    """To a wider integer: copies of the sign come in."""


class ExtUI(_Cast, name="arith.extui"):
    """To a wider integer: zeros come in."""


class TruncI(_Cast, name="arith.trunci"):
    """To a narrower integer: the low bits."""


class SIToFP(_Cast, name="arith.sitofp"):
    """From a signed integer: rounds to nearest, ties to even."""


class UIToFP(_Cast, name="arith.uitofp"):
    """From an unsigned integer: rounds to nearest, ties to even."""


class FPToSI(_Cast, name="arith.fptosi"):
    """Toward zero. Undefined outside the range of the result: clamp before."""


class FPToUI(_Cast, name="arith.fptoui"):
    """Toward zero. Undefined outside the range of the result: clamp before."""


class Bitcast(_Cast, name="arith.bitcast"):
    """The same bits as another type of the same width."""


class IndexCast(_Cast, name="arith.index_cast"):
    """Between index and a signed integer."""


class IndexCastUI(_Cast, name="arith.index_castui"):
    """Between index and an unsigned integer."""
