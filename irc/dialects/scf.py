"""MLIR's scf dialect: loops and branches of kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.dialects.carried import Carried
from irc.dialects.memref import DYNAMIC
from irc.ir.fields import ANY, I64_ARRAY, Attr, Operand, RegionField, Result
from irc.ir.operation import Operation, Region
from irc.ir.types import IndexType, IntegerType, Type


class For(Operation, name="scf.for"):
    """`scf.for %i = %lo to %hi step %s iter_args(%a = %x) -> (t) { ... scf.yield %y : t }`; the step is positive."""

    assembly: ClassVar[str] = "custom<For>"
    pure: ClassVar[bool] = False
    lowerBound = Operand()
    upperBound = Operand()
    step = Operand()
    initArgs = Operand(variadic=True)
    region = RegionField()
    returned = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        bounds = [v.type for v in self.operands[:3]]
        counts = isinstance(bounds[0], IndexType | IntegerType) and len(dict.fromkeys(bounds)) == 1
        self.check(counts, "operands", f"counts in integers or index, not {bounds[0]}")
        return [v.type for v in self.operands[3:]]


class Forall(Operation, name="scf.forall"):
    """`scf.forall (%i, %j) in (4, 8) { ... }`: independent iterations, in any order and at once.

    Tickets of the thread pool on the CPU, the grid on a GPU. Lower bounds are 0 and steps 1 unless given."""

    assembly: ClassVar[str] = "custom<Forall>"
    pure: ClassVar[bool] = False
    dynamicLowerBound = Operand(variadic=True)
    dynamicUpperBound = Operand(variadic=True)
    dynamicStep = Operand(variadic=True)
    outputs = Operand(variadic=True)
    staticLowerBound = Attr(I64_ARRAY)
    staticUpperBound = Attr(I64_ARRAY)
    staticStep = Attr(I64_ARRAY)
    mapping = Attr(ANY, optional=True)
    region = RegionField()
    returned = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        return []

    @staticmethod
    def over(bounds: Sequence[Any], region: Region) -> Forall:
        """Iterations 0 <= i < bound (a number or a value) in each dimension; the region takes one index a dimension and ends
        in InParallel."""
        n = len(bounds)
        return Forall(
            (),
            [b for b in bounds if not isinstance(b, int)],
            (),
            (),
            staticLowerBound=(0,) * n,
            staticUpperBound=tuple(b if isinstance(b, int) else DYNAMIC for b in bounds),
            staticStep=(1,) * n,
            regions=[region],
        )


class InParallel(Operation, name="scf.forall.in_parallel"):
    """The terminator of `scf.forall`; not written in the pretty form."""

    assembly: ClassVar[str] = "custom<InParallel>"
    pure: ClassVar[bool] = False
    terminator: ClassVar[bool] = True
    no_terminator: ClassVar[bool] = True
    region = RegionField(variadic=True)


class If(Operation, name="scf.if"):
    """`scf.if %c -> (t) { ... scf.yield } else { ... }`. Result types are given; regions are then and else (maybe empty)."""

    assembly: ClassVar[str] = "custom<If>"
    pure: ClassVar[bool] = False
    condition = Operand()
    thenRegion = RegionField()
    elseRegion = RegionField()
    returned = Result(variadic=True)


class While(Operation, name="scf.while"):
    """`scf.while (%a = %x) : (t) -> (u) { ... scf.condition(%c) %y : u } do { ^bb0(%b: u): ... scf.yield %z : t }`."""

    assembly: ClassVar[str] = "custom<While>"
    pure: ClassVar[bool] = False
    inits = Operand(variadic=True)
    before = RegionField()
    after = RegionField()
    returned = Result(variadic=True)


class Reduce(Carried, name="scf.reduce"):
    """Ends the body of `scf.parallel`: each operand is combined over all iterations by its region."""

    assembly: ClassVar[str] = "custom<Reduce>"
    pure: ClassVar[bool] = False
    terminator: ClassVar[bool] = True
    values = Operand(variadic=True)
    reductions = RegionField(variadic=True)


class ReduceReturn(Carried, name="scf.reduce.return"):
    """Ends a region of `scf.reduce`: two values combined."""

    assembly: ClassVar[str] = "$result attr-dict `:` type($result)"
    pure: ClassVar[bool] = False
    terminator: ClassVar[bool] = True
    result = Operand()


class Condition(Operation, name="scf.condition"):
    """Ends the first region of `scf.while`: whether to go on, and with which values."""

    assembly: ClassVar[str] = "`(` $condition `)` attr-dict ($arguments^ `:` type($arguments))?"
    pure: ClassVar[bool] = False
    terminator: ClassVar[bool] = True
    condition = Operand()
    arguments = Operand(variadic=True)


class Yield(Operation, name="scf.yield"):
    """Ends a region: the values it gives to its op."""

    assembly: ClassVar[str] = "attr-dict ($values^ `:` type($values))?"
    pure: ClassVar[bool] = False
    terminator: ClassVar[bool] = True
    values = Operand(variadic=True)
