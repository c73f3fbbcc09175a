"""MLIR's math dialect. Every function here is computed by `irc.codegen.vector_math`, the same bits on every target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from irc.ir.fields import ANY, Attr, Operand, Result
from irc.ir.operation import Operation
from irc.ir.types import Type


class _Unary(Operation):
    assembly: ClassVar[str] = "$operand custom<Flags>($fastmath) attr-dict `:` type($result)"
    fastmath = Attr(ANY, optional=True)
    operand = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.operands[0].type]


class AbsF(_Unary, name="math.absf"):
    """Without the sign."""


class AbsI(_Unary, name="math.absi"):
    """Without the sign; INT_MIN stays."""


class Ceil(_Unary, name="math.ceil"):
    """The next integral number above."""


class Floor(_Unary, name="math.floor"):
    """The next integral number below."""


class Round(_Unary, name="math.round"):
    """Ties away from zero."""


class RoundEven(_Unary, name="math.roundeven"):
    """Ties to even."""


class Trunc(_Unary, name="math.trunc"):
    """Toward zero."""


class Sqrt(_Unary, name="math.sqrt"):
    """The square root, rounded to nearest."""


class Rsqrt(_Unary, name="math.rsqrt"):
    """1 / sqrt(x), two roundings."""


class Cbrt(_Unary, name="math.cbrt"):
    """The cube root, of negative numbers too."""


class Exp(_Unary, name="math.exp"):
    """e^x."""


class Exp2(_Unary, name="math.exp2"):
    """2^x."""


class ExpM1(_Unary, name="math.expm1"):
    """e^x - 1, without cancellation near 0."""


class Log(_Unary, name="math.log"):
    """The natural logarithm."""


class Log1p(_Unary, name="math.log1p"):
    """log(1 + x), without cancellation near 0."""


class Log2(_Unary, name="math.log2"):
    """The logarithm to base 2."""


class Tanh(_Unary, name="math.tanh"):
    """The hyperbolic tangent."""


class Sin(_Unary, name="math.sin"):
    """The sine of an argument of any size."""


class Cos(_Unary, name="math.cos"):
    """The cosine of an argument of any size."""


class Tan(_Unary, name="math.tan"):
    """The tangent of an argument of any size."""


class Acos(_Unary, name="math.acos"):
    """The inverse cosine."""


class Acosh(_Unary, name="math.acosh"):
    """The inverse hyperbolic cosine."""


class Asin(_Unary, name="math.asin"):
    """The inverse sine."""


class Asinh(_Unary, name="math.asinh"):
    """The inverse hyperbolic sine."""


class Atan(_Unary, name="math.atan"):
    """The inverse tangent."""


class Atanh(_Unary, name="math.atanh"):
    """The inverse hyperbolic tangent."""


class Cosh(_Unary, name="math.cosh"):
    """The hyperbolic cosine."""


class Sinh(_Unary, name="math.sinh"):
    """The hyperbolic sine."""


class Erf(_Unary, name="math.erf"):
    """The error function."""


class Erfc(_Unary, name="math.erfc"):
    """1 - erf(x), without cancellation where that is small."""


class CtPop(_Unary, name="math.ctpop"):
    """How many bits are set."""


class CountLeadingZeros(_Unary, name="math.ctlz"):
    """How many zero bits stand before the first that is set."""


class _Binary(Operation):
    assembly: ClassVar[str] = "$lhs `,` $rhs custom<Flags>($fastmath) attr-dict `:` type($result)"
    fastmath = Attr(ANY, optional=True)
    lhs = Operand()
    rhs = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check(
            self.lhs.type is self.rhs.type,
            "operands",
            f"has operands of types {self.lhs.type} and {self.rhs.type}",
        )
        return [self.lhs.type]


class Atan2(_Binary, name="math.atan2"):
    """The angle of the point (rhs, lhs)."""


class PowF(_Binary, name="math.powf"):
    """lhs to the power of rhs."""


class CopySign(_Binary, name="math.copysign"):
    """lhs with the sign of rhs."""


class Fma(Operation, name="math.fma"):
    """a * b + c with one rounding."""

    assembly: ClassVar[str] = "$a `,` $b `,` $c custom<Flags>($fastmath) attr-dict `:` type($result)"
    fastmath = Attr(ANY, optional=True)
    a = Operand()
    b = Operand()
    c = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.operands[0].type]
