"""Control flow: conditionals, loops, what regions end in, and ops that only carry values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.dialects.stablehlo.base import (
    TensorOp,
    all_compatible,
    compatible,
    is_predicate,
    quoted,
    region_types,
)
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run
from irc.ir.fields import I32, Attr, Operand, RegionField, Result
from irc.ir.operation import Region, Value
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


def check_scalar(op: TensorOp, value: Value) -> None:
    """What chooses between branches is a scalar."""
    rank = getattr(value.type, "rank", 0)
    op.check(rank == 0, "I1", f"operand should be rank 0 tensor but got rank {rank}")


def check_branches(op: TensorOp, branches: Sequence[Region], takes: str, gives: str) -> list[Any]:
    """The types that all branches give; they take nothing."""
    types = [region_types(branch) for branch in branches]
    for i, (arguments, _) in enumerate(types):
        op.check(not arguments, takes, f"branch {i} must have 0 arguments, but found {len(arguments)}")
    first = types[0][1]
    for i, (_, returned) in enumerate(types):
        message = (
            f"branch 0 and branch {i} have mismatched return types: {quoted(first)} vs {quoted(returned)}"
        )
        op.check(all_pairs_compatible(first, returned), gives, message)
    return first


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
        check_scalar(self, self.pred)
        self.check_operands()
        return check_branches(self, [self.true_branch, self.false_branch], "C1", "C2")

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
        check_scalar(self, self.index)
        self.check_operands()
        wanted = f"operand #0 must be tensor of 32-bit signless integer values, but got '{self.index.type}'"
        self.check(self.index.type.element is i32, "I1", wanted)
        self.check(len(self.branches) > 0, "C1", "expect at least one branch")
        return check_branches(self, self.branches, "C2", "C3")

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
        self._check_types("C1", types, takes, "condition block arguments")
        body_takes, body_gives = region_types(self.body)
        self._check_types("C2", types, body_takes, "body block arguments")
        self._check_types("C2", types, body_gives, "body block return types")
        message = f"expect condition body returns a single value but got {len(gives)}"
        self.check(len(gives) == 1, "C1", message)
        message = f"expect condition block return a zero-ranked tensor of i1 but got '{gives[0]}'"
        self.check(is_predicate(gives), "C1", message)
        return types

    def _check_types(self, label: str, types: Sequence[Any], others: Sequence[Any], what: str) -> None:
        message = f"expect operands to be compatible with {what} but got {quoted(types)} vs {quoted(others)}"
        self.check(all_pairs_compatible(types, others), label, message)

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
        self.check_integer("index", "C1")
        self.check(isinstance(type, TupleType), "I1", f"operand #0 must be nested tuple, but got '{type}'")
        size = len(type.elements)
        self.check(
            self.index < size, "C1", f"index {self.index} is out of bounds of operand with size {size}"
        )
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
