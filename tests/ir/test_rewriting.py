"""Rewriter: what does not change is reused, what changes is seen by everything after it, locations follow."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import pytest

from irc.dialects.func import Func
from irc.dialects.stablehlo import Abs, Add, If, Multiply, Negate, Return, Tanh
from irc.errors import VerifyError
from irc.ir.builder import Builder
from irc.ir.locations import FileLineCol
from irc.ir.operation import Value
from irc.ir.rewriting import RewriteLog, Rewriter, RewriteSet, fresh_region
from irc.ir.types import TensorType, i1

sys.path.insert(0, str(Path(__file__).parents[1] / "passes"))
from pass_programs import F23, function

rules = RewriteSet()


@rules.rewrite("-(-x) = x", Negate)
def _cancel(op: Negate, b: Rewriter) -> Value | None:
    match op:
        case Negate(operand=Value(Negate(operand=x))):
            return x
    return None


@rules.rewrite("|x| = -(-x) (a rewrite whose result is rewritten again)", Abs)
def _expand(op: Abs, b: Rewriter) -> Value | None:
    return b.emit(Negate(b.emit(Negate(op.operand))))


def test_a_block_without_matches_is_the_same_object() -> None:
    block = function("f", [F23], lambda b, x: b.emit(Tanh(b.emit(Negate(x))))).block
    assert Rewriter(rules).block_of(block) is block


def test_only_what_depends_on_a_change_is_made_anew() -> None:
    def body(b: Builder, x: Value) -> Value:
        kept = b.emit(Tanh(x))
        cancelled = b.emit(Negate(b.emit(Negate(kept))))
        return b.emit(Add(b.emit(Multiply(x, kept)), cancelled))

    block = function("f", [F23], body).block
    tanh, negate, _, multiply, add, _ = block.operations
    after = Rewriter(rules).block_of(block).operations
    assert after[:3] == (tanh, negate, multiply)
    assert after[3] is not add and after[3].operands == (multiply.result, tanh.result)


def test_rewrites_see_the_results_of_rewrites() -> None:
    block = function("f", [F23], lambda b, x: b.emit(Abs(x))).block
    log = RewriteLog()
    after = Rewriter(rules, log).block_of(block)
    assert after.terminator.operands == block.arguments
    assert [
        log.count(s) for s in ("-(-x) = x", "|x| = -(-x) (a rewrite whose result is rewritten again)")
    ] == [1, 1]


def test_regions_are_reused_unless_a_value_they_use_changed() -> None:
    def body(b: Builder, x: Value, p: Value) -> list[Value]:
        y = b.emit(Negate(b.emit(Negate(x))))

        def branch(of: Value) -> object:
            return b.region([], lambda r: r.emit(Return([r.emit(Tanh(of))])))

        return [b.emit(If(p, regions=[branch(v), branch(v)])) for v in (x, y)]

    block = function("f", [F23, TensorType((), i1)], body).block
    before = [op for op in block.operations if isinstance(op, If)]
    after = [op for op in Rewriter(rules).block_of(block).operations if isinstance(op, If)]
    assert after[0] is before[0]
    assert after[1] is not before[1]
    assert after[1].regions[0].operations[0].operands == (block.arguments[0],)


def test_a_circle_of_rewrites_is_an_error_that_names_it() -> None:
    circle = RewriteSet()
    circle.rewrite("x + y = y + x", Add)(lambda op, b: b.emit(Add(op.rhs, op.lhs)))
    block = function("f", [F23], lambda b, x: b.emit(Add(x, b.emit(Tanh(x))))).block
    with pytest.raises(VerifyError, match=r"in a circle.*x \+ y = y \+ x"):
        Rewriter(circle).block_of(block)


def test_new_ops_take_the_location_of_the_op_they_stand_for() -> None:
    def body(b: Builder, x: Value) -> Value:
        b.location = FileLineCol("model.py", 7, 3)
        return b.emit(Tanh(b.emit(Abs(x))))

    swap = RewriteSet()
    swap.rewrite("|x| = x * x", Abs)(lambda op, b: b.emit(Multiply(op.operand, op.operand)))
    log = RewriteLog()
    after = Rewriter(swap, log).block_of(function("f", [F23], body).block)
    assert [str(op.location) for op in after.operations[:2]] == ['"model.py":7:3'] * 2
    assert log.lines() == ['1x  |x| = x * x  ("model.py":7:3)']


def test_a_fresh_region_shares_no_value() -> None:
    b = Builder()
    region = b.region([F23, F23], lambda r, x, y: r.emit(Return([r.emit(Add(x, y))])))
    copy = fresh_region(region, {})
    assert copy.operations[0].operands == copy.arguments
    assert not set(copy.arguments) & set(region.arguments)


def chain(length: int) -> Func:
    """x through negate, tanh, multiply, ...; the first two ops cancel, so that everything after them is made anew."""

    def body(b: Builder, x: Value) -> Value:
        x = b.emit(Negate(b.emit(Negate(x))))
        for i in range(length):
            x = b.emit(Tanh(x)) if i % 2 else b.emit(Multiply(x, x))
        return x

    return function("f", [F23], body)


if __name__ == "__main__":
    for what, rewrites in (("nothing changes", None), ("all is made anew", rules)):
        block = chain(5000).block
        times = []
        for _ in range(21):
            start = time.process_time()
            Rewriter(rewrites).block_of(block)
            times.append(time.process_time() - start)
        print(f"5,000 ops, {what}: {1e3 * statistics.median(times):.1f} ms")
