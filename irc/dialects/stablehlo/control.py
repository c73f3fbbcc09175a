"""Control flow: conditionals, loops, what regions end in, and ops that only carry values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.dialects.stablehlo.base import TensorOp, all_compatible, compatible, is_predicate, region_types
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run
from irc.ir.fields import I32, Attr, Operand, RegionField, Result
from irc.ir.types import TokenType, TupleType, Type, i32

TOKEN = TokenType()


class Return(TensorOp, name="stablehlo.return"):
    """Ends a region; its operands are what the region gives."""

    assembly: ClassVar[str] = "$values attr-dict (`:` type($values)^)?"
    terminator: ClassVar[bool] = True
    pure: ClassVar[bool] = False
    values = Operand(variadic=True)


def all_pairs_compatible(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(some) == len(others) and all(map(compatible, some, others))


class If(TensorOp, name="stablehlo.if"):
    """What true_branch gives where pred holds, else what false_branch gives.

    C1: branches take nothing.
    C2: they give the same types.
    C3: which are the results'."""

    result_labels = ("C3", "C3")
    pred = Operand(constraint="bool 0d")
    true_branch = RegionField()
    false_branch = RegionField()
    chosen = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        (takes, gives), (takes_too, gives_too) = (
            region_types(self.true_branch),
            region_types(self.false_branch),
        )
        self.check(not takes and not takes_too, "C1", "has branches with arguments")
        self.check(
            all_pairs_compatible(gives, gives_too), "C2", f"has branches giving {gives} and {gives_too}"
        )
        return gives

    def evaluate(self, run: Run, pred: Array) -> tuple[Array, ...]:
        return run(self.true_branch if pred else self.false_branch)


class Case(TensorOp, name="stablehlo.case"):
    """What the branch numbered index gives; an index that is none takes the last branch.

    C1: there is at least one branch.
    C2: branches take nothing.
    C3: they give the same types.
    C4: which are the results'."""

    result_labels = ("C4", "C4")
    index = Operand(constraint="signed 0d")
    branches = RegionField(variadic=True)
    chosen = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        self.check(self.index.type.element is i32, "I1", f"takes an i32 index, not {self.index.type}")
        self.check(len(self.branches) > 0, "C1", "has no branches")
        types = [region_types(branch) for branch in self.branches]
        self.check(not any(takes for takes, _ in types), "C2", "has branches with arguments")
        first = types[0][1]
        same = all(all_pairs_compatible(first, gives) for _, gives in types)
        self.check(same, "C3", f"has branches giving {[gives for _, gives in types]}")
        return first

    def evaluate(self, run: Run, index: Array) -> tuple[Array, ...]:
        at, last = int(index), len(self.branches) - 1
        return run(self.branches[at if 0 <= at <= last else last])


class While(TensorOp, name="stablehlo.while"):
    """The operands, put through body for as long as cond holds.

    C1: cond takes the operands' types and gives one tensor<i1>.
    C2: body takes and gives the operands' types.
    C3: the results have the operands' types."""

    assembly: ClassVar[str] = "custom<While>"
    result_labels = ("C3", "C3")
    operand = Operand(variadic=True)
    cond = RegionField()
    body = RegionField()
    carried = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        types = [v.type for v in self.operands]
        takes, gives = region_types(self.cond)
        fits = all_pairs_compatible(takes, types) and is_predicate(gives)
        self.check(fits, "C1", f"has a condition from {takes} to {gives} for {types}")
        takes, gives = region_types(self.body)
        fits = all_pairs_compatible(takes, types) and all_pairs_compatible(gives, types)
        self.check(fits, "C2", f"has a body from {takes} to {gives} for {types}")
        return types

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Array, ...]:
        while run(self.cond, *arrays)[0]:
            arrays = run(self.body, *arrays)
        return arrays


class OptimizationBarrier(TensorOp, name="stablehlo.optimization_barrier"):
    """The operands, which no pass may look through: recomputation behind it stays.

    C1: the results have the operands' types."""

    assembly: ClassVar[str] = (
        "attr-dict ($operand^ `:` custom<PairwiseOpType>(type($operand), type($result))):(`(` `)`)?"
    )
    result_labels = ("C1", "C1")
    operand = Operand(variadic=True)
    result = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        return [v.type for v in self.operands]

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        return arrays


class Tuple(TensorOp, name="stablehlo.tuple"):
    """Values in one.

    C1: the result's type is the tuple of theirs."""

    assembly: ClassVar[str] = "$val attr-dict `:` custom<TupleOpType>(type($val), type($result))"
    result_labels = ("C1", "C1")
    val = Operand(variadic=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [TupleType(tuple(v.type for v in self.operands))]

    def evaluate(self, *values: Any) -> tuple[Any, ...]:
        return (values,)


class GetTupleElement(TensorOp, name="stablehlo.get_tuple_element"):
    """One value of a tuple.

    C1: the index is one of the tuple's.
    C2: the result's type is the element's."""

    assembly: ClassVar[str] = "$operand `[` $index `]` attr-dict `:` functional-type(operands, results)"
    result_labels = ("C2", "C2")
    operand = Operand()
    index = Attr(I32)
    result = Result()

    def infer(self) -> Sequence[Type]:
        type = self.operand.type
        self.check(isinstance(type, TupleType), "I1", f"takes a tuple, not {type}")
        self.check(0 <= self.index < len(type.elements), "C1", f"takes element {self.index} of {type}")
        return [type.elements[self.index]]

    def evaluate(self, values: Any) -> tuple[Any]:
        return (values[self.index],)


class AfterAll(TensorOp, name="stablehlo.after_all"):
    """A token that comes after those given. Tokens order effects; nothing compiled here has any."""

    assembly: ClassVar[str] = (
        "$inputs attr-dict `:` "
        "custom<VariadicSameOperandsAndResultType>(ref($inputs), type($inputs), type($result))"
    )
    inputs = Operand(variadic=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        types = [v.type for v in self.operands]
        self.check(all_compatible([TOKEN, *types]), "I1", f"takes tokens, not {types}")
        return [TOKEN]

    def evaluate(self, *tokens: None) -> None:
        return None


class CreateToken(TensorOp, name="stablehlo.create_token"):
    """A token that comes after nothing."""

    assembly: ClassVar[str] = "attr-dict `:` type(results)"
    output = Result()

    def infer(self) -> Sequence[Type]:
        return [TOKEN]

    def evaluate(self) -> None:
        return None
