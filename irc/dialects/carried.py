"""Ops of MLIR's core dialects that the texts of others hold and kernels here do not. They are read and printed; nothing
makes, checks or runs them. Meanings are MLIR's."""

from __future__ import annotations

from typing import Any, ClassVar

from irc.ir.assembly_elements import Directive, OpPrinter, directive
from irc.ir.attributes import IntegerAttr, OpaqueAttr, TypeAttr, UnitAttr
from irc.ir.fields import ANY, TYPE, Attr, Operand, RegionField, Result
from irc.ir.op_text import Argument, OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Operation
from irc.ir.types import VectorType, i1, i64, index


class Carried(Operation):
    """An op that is carried along as it was written."""

    pure: ClassVar[bool] = False


class ReadOnly(Directive):
    """A pretty form that is read; ops are printed in the generic form."""

    is_partial = True

    def expresses(self, op: Operation) -> bool:
        return False

    def print(self, p: OpPrinter, op: Operation, *args: Any) -> None:
        raise AssertionError(self)


_BINARY = "$lhs `,` $rhs attr-dict `:` type($result)"


class _Binary(Carried):
    assembly: ClassVar[str] = _BINARY
    lhs = Operand()
    rhs = Operand()
    result = Result()


class CeilDivS(_Binary, name="arith.ceildivsi"):
    """A signed quotient, rounded up."""


class CeilDivU(_Binary, name="arith.ceildivui"):
    """An unsigned quotient, rounded up."""


class FloorDivS(_Binary, name="arith.floordivsi"):
    """A signed quotient, rounded down."""


class _Extended(Carried):
    assembly: ClassVar[str] = "$lhs `,` $rhs attr-dict `:` type($low)"
    lhs = Operand()
    rhs = Operand()
    low = Result()
    high = Result()


@directive("arith.Extended")
class ExtendedForm(ReadOnly):
    """`%a, %b : t`: two results of the operands' type."""

    def parse(self, r: OpReader, s: OpState) -> None:
        s.operands[0] = [r.use()]
        r.expect(",")
        s.operands[1] = [r.use()]
        s.attributes.update(r.optional_dictionary())
        r.expect(":")
        s.types = [r.type()] * 2


class MulSExtended(_Extended, name="arith.mulsi_extended"):
    """Both halves of a signed product."""

    assembly = "custom<Extended>"


class MulUExtended(_Extended, name="arith.mului_extended"):
    """Both halves of an unsigned product."""

    assembly = "custom<Extended>"


class AddUExtended(_Extended, name="arith.addui_extended"):
    """A sum, and whether it overflowed."""

    assembly = "$lhs `,` $rhs attr-dict `:` type($low) `,` type($high)"


class Branch(Carried, name="cf.br"):
    """Goes on in another block."""

    assembly = "$dest (`(` $destOperands^ `:` type($destOperands) `)`)? attr-dict"
    terminator = True
    destOperands = Operand(variadic=True)


class ConditionalBranch(Carried, name="cf.cond_br"):
    """Goes on in one of two blocks."""

    assembly = (
        "$condition `,` $trueDest (`(` $trueDestOperands^ `:` type($trueDestOperands) `)`)? `,` "
        "$falseDest (`(` $falseDestOperands^ `:` type($falseDestOperands) `)`)? attr-dict"
    )
    terminator = True
    condition = Operand()
    trueDestOperands = Operand(variadic=True)
    falseDestOperands = Operand(variadic=True)


@directive("scf.Parallel")
class ParallelForm(ReadOnly):
    """`(%i) = (%lo) to (%hi) step (%s) init (%x) -> t { ... }`."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        names = r.list_of(r.name, "(", ")")
        r.expect("=")
        s.operands[0] = r.list_of(r.use, "(", ")")
        for field, word in ((1, "to"), (2, "step")):
            r.expect_word(word)
            s.operands[field] = r.list_of(r.use, "(", ")")
        if r.accept_word("init"):
            s.operands[3] = r.list_of(r.use, "(", ")")
        s.types = list(r.result_types()) if r.accept("->") else []
        arguments = [Argument(name, index, at) for name, at in names]
        s.regions.append((yield RegionRequest(arguments, "" if s.types else "scf.reduce")))
        s.attributes.update(r.optional_dictionary())


class Parallel(Carried, name="scf.parallel"):
    """Independent iterations, whose values are combined."""

    assembly = "custom<Parallel>"
    lowerBound = Operand(variadic=True)
    upperBound = Operand(variadic=True)
    step = Operand(variadic=True)
    initVals = Operand(variadic=True)
    region = RegionField()
    returned = Result(variadic=True)


@directive("llvm.Arithmetic")
class ArithmeticForm(ReadOnly):
    """`%a, %b overflow<nsw> : t`, `exact %a, %b : t`: flags before or after the operands."""

    def parse(self, r: OpReader, s: OpState) -> None:
        for flag in ("exact", "disjoint"):
            if r.accept_word(flag):
                s.attributes[f"is{flag.capitalize()}"] = UnitAttr()
        s.operands[0] = [r.use()]
        r.expect(",")
        s.operands[1] = [r.use()]
        read_overflow(r, s)
        s.attributes.update(r.optional_dictionary())
        r.expect(":")
        s.types = [r.type()]


def read_overflow(r: OpReader, s: OpState) -> None:
    """`overflow<nsw, nuw>`, where it stands."""
    if r.accept_word("overflow"):
        flags = ", ".join(r.list_of(r.word, "<", ">"))
        s.attributes["overflowFlags"] = OpaqueAttr(f"#llvm.overflow<{flags}>")


class _Arithmetic(_Binary):
    """Arithmetic of LLVM's on integers, floats or vectors of them."""

    assembly: ClassVar[str] = "custom<Arithmetic>"
    overflowFlags = Attr(ANY, optional=True)
    isExact = Attr(ANY, optional=True)
    isDisjoint = Attr(ANY, optional=True)
    fastmathFlags = Attr(ANY, optional=True)


def _arithmetic(*mnemonics: str) -> dict[str, type[Operation]]:
    return {
        m: type(
            m.capitalize(),
            (_Arithmetic,),
            {"__doc__": f"LLVM's `{m}`.", "__module__": __name__},
            name=f"llvm.{m}",
        )
        for m in mnemonics
    }


ARITHMETIC = _arithmetic(
    "add", "sub", "mul", "udiv", "sdiv", "urem", "srem", "and", "or", "xor", "shl", "lshr", "ashr", "fadd", "fsub", "fmul",
    "fdiv", "frem",
)  # fmt: skip


@directive("llvm.Cast")
class CastForm(ReadOnly):
    """`nneg %x overflow<nsw> : t to u`."""

    def parse(self, r: OpReader, s: OpState) -> None:
        if r.accept_word("nneg"):
            s.attributes["nonNeg"] = UnitAttr()
        s.operands[0] = [r.use()]
        read_overflow(r, s)
        s.attributes.update(r.optional_dictionary())
        r.expect(":")
        r.type()
        r.expect_word("to")
        s.types = [r.type()]


class _Cast(Carried):
    """A conversion of LLVM's."""

    assembly: ClassVar[str] = "custom<Cast>"
    arg = Operand()
    overflowFlags = Attr(ANY, optional=True)
    nonNeg = Attr(ANY, optional=True)
    result = Result()


CASTS = {
    m: type(m.capitalize(), (_Cast,), {"__doc__": f"LLVM's `{m}`.", "__module__": __name__}, name=f"llvm.{m}")
    for m in (
        "trunc", "zext", "sext", "fptrunc", "fpext", "fptoui", "fptosi", "uitofp", "sitofp", "ptrtoint", "inttoptr", "bitcast",
        "addrspacecast",
    )
}  # fmt: skip


class _Given(Carried):
    """A value that is only named."""

    assembly: ClassVar[str] = "attr-dict `:` type($res)"
    res = Result()


class Undef(_Given, name="llvm.mlir.undef"):
    """Any value at all."""


class Poison(_Given, name="llvm.mlir.poison"):
    """A value of which nothing may be asked."""


class Zero(_Given, name="llvm.mlir.zero"):
    """A value of zeros."""


class Unreachable(Carried, name="llvm.unreachable"):
    """Ends a block that is never run to its end."""

    assembly = "attr-dict"
    terminator = True


class Negate(Carried, name="llvm.fneg"):
    """A float with the other sign."""

    assembly = "$operand attr-dict `:` type($res)"
    operand = Operand()
    res = Result()


class Select(Carried, name="llvm.select"):
    """One of two values."""

    assembly = "$condition `,` $trueValue `,` $falseValue attr-dict `:` type($condition) `,` type($res)"
    condition = Operand()
    trueValue = Operand()
    falseValue = Operand()
    res = Result()


_INTEGER = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_FLOAT = (
    "_false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno", "_true",
)  # fmt: skip


@directive("llvm.Compare")
class CompareForm(ReadOnly):
    """`"eq" %a, %b : t`."""

    def parse(self, r: OpReader, s: OpState) -> None:
        predicates = _INTEGER if s.name == "llvm.icmp" else _FLOAT
        s.attributes["predicate"] = IntegerAttr(predicates.index(r.string()), i64)
        s.operands[0] = [r.use()]
        r.expect(",")
        s.operands[1] = [r.use()]
        s.attributes.update(r.optional_dictionary())
        r.expect(":")
        s.types = [truth_value(r.type())]


def truth_value(type: Any) -> Any:
    """i1, or a vector of them."""
    return type.__class__(type.shape, i1) if isinstance(type, VectorType) else i1


class CompareIntegers(_Binary, name="llvm.icmp"):
    """A relation between integers."""

    assembly = "custom<Compare>"
    predicate = Attr(ANY)


class CompareFloats(_Binary, name="llvm.fcmp"):
    """A relation between floats."""

    assembly = "custom<Compare>"
    predicate = Attr(ANY)
    fastmathFlags = Attr(ANY, optional=True)


class Load(Carried, name="llvm.load"):
    """What a pointer points to."""

    assembly = "$addr attr-dict `:` type($addr) `->` type($res)"
    addr = Operand()
    res = Result()


class Store(Carried, name="llvm.store"):
    """Puts a value where a pointer points to."""

    assembly = "$value `,` $addr attr-dict `:` type($value) `,` type($addr)"
    value = Operand()
    addr = Operand()


@directive("llvm.Alloca")
class AllocaForm(ReadOnly):
    """`%n x i32 {...} : (i64) -> !llvm.ptr`."""

    def parse(self, r: OpReader, s: OpState) -> None:
        s.operands[0] = [r.use()]
        r.expect_word("x")
        s.attributes["elem_type"] = TypeAttr(r.type())
        s.attributes.update(r.optional_dictionary())
        r.expect(":")
        s.types = list(r.function_type().results)


class Alloca(Carried, name="llvm.alloca"):
    """Room on the stack."""

    assembly = "custom<Alloca>"
    arraySize = Operand()
    elem_type = Attr(TYPE)
    res = Result()
