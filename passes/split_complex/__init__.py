"""Complex numbers as pairs of real ones: inside a function no value is complex.

Given   func @main(%z: tensor<4xcomplex<f32>>) { %0 = multiply %z, %z; return %0 }
Result  %x = real %z; %y = imag %z; ... %0 = complex %re, %im; return %0

Arguments and results of functions stay as they are: `real`, `imag` and `complex` read and write them. Loops and branches
carry pairs, reductions and scatters combine them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.ir.operation import Operation
from irc.passes.manager import Context, FunctionPass
from irc.passes.split_complex.rules import RULES
from irc.passes.split_complex.splitter import Splitter, is_complex


@dataclass(frozen=True)
class SplitComplex(FunctionPass, name="split_complex"):
    """Given  `%0 = negate %z : tensor<complex<f32>>`.  Result  `negate` on `real %z` and on `imag %z`, then `complex`."""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        if not any(is_complex(v) for op in _inner(func) for v in (*op.operands, *op.results)):
            return func
        return func.with_block(Splitter(RULES).function(func.block))


def _inner(func: Func) -> Iterator[Operation]:
    """The ops that must not see complex values: all but those that read arguments and make results."""
    return (op for op in func.walk() if not isinstance(op, hlo.Real | hlo.Imag | hlo.Complex | Return))
