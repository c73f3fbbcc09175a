"""MLIR's math dialect. Every function here is computed by `irc.codegen.vector_math`, the same bits on every target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from irc.ir.fields import Operand, Result
from irc.ir.operation import Operation
from irc.ir.types import Type


class _Unary(Operation):
    assembly: ClassVar[str] = "$operand attr-dict `:` type($result)"
    operand = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.operands[0].type]


class AbsF(_Unary, name="math.absf"): ...


class AbsI(_Unary, name="math.absi"): ...


class Ceil(_Unary, name="math.ceil"): ...


class Floor(_Unary, name="math.floor"): ...


class Round(_Unary, name="math.round"):
    """Ties away from zero."""


class RoundEven(_Unary, name="math.roundeven"): ...


class Trunc(_Unary, name="math.trunc"): ...


class Sqrt(_Unary, name="math.sqrt"): ...


class Rsqrt(_Unary, name="math.rsqrt"): ...


class Cbrt(_Unary, name="math.cbrt"): ...


class Exp(_Unary, name="math.exp"): ...


class Exp2(_Unary, name="math.exp2"): ...


class ExpM1(_Unary, name="math.expm1"): ...


class Log(_Unary, name="math.log"): ...


class Log1p(_Unary, name="math.log1p"): ...


class Log2(_Unary, name="math.log2"): ...


class Tanh(_Unary, name="math.tanh"): ...


class Sin(_Unary, name="math.sin"): ...


class Cos(_Unary, name="math.cos"): ...


class Tan(_Unary, name="math.tan"): ...


class Acos(_Unary, name="math.acos"): ...


class Acosh(_Unary, name="math.acosh"): ...


class Asin(_Unary, name="math.asin"): ...


class Asinh(_Unary, name="math.asinh"): ...


class Atan(_Unary, name="math.atan"): ...


class Atanh(_Unary, name="math.atanh"): ...


class Cosh(_Unary, name="math.cosh"): ...


class Sinh(_Unary, name="math.sinh"): ...


class Erf(_Unary, name="math.erf"): ...


class Erfc(_Unary, name="math.erfc"): ...


class CtPop(_Unary, name="math.ctpop"): ...


class CountLeadingZeros(_Unary, name="math.ctlz"): ...


class _Binary(Operation):
    assembly: ClassVar[str] = "$lhs `,` $rhs attr-dict `:` type($result)"
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


class Atan2(_Binary, name="math.atan2"): ...


class PowF(_Binary, name="math.powf"): ...


class CopySign(_Binary, name="math.copysign"): ...


class Fma(Operation, name="math.fma"):
    """a * b + c with one rounding."""

    assembly: ClassVar[str] = "$a `,` $b `,` $c attr-dict `:` type($result)"
    a = Operand()
    b = Operand()
    c = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.operands[0].type]
