"""The one op of MLIR's llvm dialect that kernels may hold: a call of a target's intrinsic."""

from __future__ import annotations

from typing import ClassVar

from irc.ir.fields import I32_ARRAY, STRING, Attr, Operand, Result
from irc.ir.operation import Operation


class CallIntrinsic(Operation, name="llvm.call_intrinsic"):
    """`"llvm.call_intrinsic"(%x) <{intrin = "llvm.nvvm.ex2.approx.f", ...}> : (f32) -> f32`, in the generic form alone: a
    string before a parenthesis begins an op of that name. The result types are given.

    Nothing is known of what it does, so no pass moves or removes it."""

    pure: ClassVar[bool] = False
    args = Operand(variadic=True)
    op_bundle_operands = Operand(variadic=True)
    intrin = Attr(STRING)
    op_bundle_sizes = Attr(I32_ARRAY)
    returned = Result(variadic=True)
