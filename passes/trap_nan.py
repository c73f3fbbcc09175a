"""The pass `trap_nan`: a program also says which op was the first to make a NaN or an infinity, and of what.

    made, sites = instrumented(module)      # @main has one result more, the report
    error = finding(report, sites)          # None where all was well

An op is at fault where its result has a NaN and no operand has one, or an infinity and every operand is finite. So
constants that are infinite (masks, the beginnings of maxima) are no fault, nor is what becomes of them. Ops that cannot
make either from finite operands are not watched. A loop's condition returns nothing else: where an op of it can be at fault
it is asked before the loop and at the end of each turn instead."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.dialects import chlo, func
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError, NonFiniteError
from irc.ir.builder import Builder
from irc.ir.locations import Location, described, span_of
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import Rewriter, fresh_region
from irc.ir.types import ComplexType, FloatType, TensorType, f64, i1
from irc.passes.expression import (
    Expr,
    Scope,
    absolute,
    concatenate,
    convert,
    eq,
    imag,
    is_nan,
    maximum,
    minimum,
    real,
    reduce_with,
    reshape,
    select,
    slice,
)
from irc.passes.manager import Context, Pass

HARMLESS = (
    *(hlo.Constant, hlo.Iota, hlo.Reshape, hlo.BroadcastInDim, hlo.Transpose, hlo.Slice, hlo.DynamicSlice),
    *(
        hlo.DynamicUpdateSlice,
        hlo.Pad,
        hlo.Concatenate,
        hlo.Reverse,
        hlo.Gather,
        hlo.Select,
        hlo.Clamp,
        hlo.Sort,
    ),
    *(hlo.Negate, hlo.Abs, hlo.Sign, hlo.Maximum, hlo.Minimum, hlo.Floor, hlo.Ceil, hlo.Tanh, hlo.Logistic),
    *(hlo.RoundNearestAfz, hlo.RoundNearestEven, hlo.Real, hlo.Imag, hlo.Complex, hlo.OptimizationBarrier),
    *(hlo.DynamicReshape, hlo.DynamicBroadcastInDim, hlo.DynamicPad, hlo.RealDynamicSlice, hlo.DynamicIota),
    *(chlo.Erf, chlo.Erfc, chlo.TopK, chlo.Conj),
)
"""Ops whose results are finite where their operands are."""

MOST = 6
"""How many operands of an op are described."""

REPORT = TensorType((2 + 2 * MOST,), f64)
"""The number of the site at fault (0: none), whether it made a NaN, then the least and greatest number of each operand."""


@dataclass(frozen=True, slots=True)
class Site:
    """An op that is watched, or an argument of @main."""

    title: str
    types: tuple[TensorType, ...]
    location: Location


def instrumented(module: Module) -> tuple[Module, list[Site]]:
    """The module, inlined into @main, with the report as its last result; and what the report's numbers, counted from
    1, stand for. Raises IrcError where there is no @main."""
    main = module.symbols.get("main")
    if not isinstance(main, Func) or main.is_declaration:
        raise IrcError("there is no @main to watch")
    sites: list[Site] = []
    trap = _Trap(sites)
    trap.state = Scope(trap).constant(0, REPORT).value
    for argument in main.block.arguments:
        trap.watch_argument(argument)
    trap.run(main.block.operations[:-1])
    end = main.block.terminator
    returned = [*map(trap.value, end.operands), trap.state]
    block = Block(main.block.arguments, [*trap.operations, func.Return(returned, location=end.location)])
    made = main.for_results(len(returned)).with_block(block)
    return module.with_operations(made if op is main else op for op in module.operations), sites


def finding(report: np.ndarray[Any, Any], sites: Sequence[Site]) -> NonFiniteError | None:
    """The error that a report stands for."""
    number = int(report[0])
    if number == 0:
        return None
    site, kind = sites[number - 1], "a NaN" if report[1] else "an infinity"
    if not site.types:
        return NonFiniteError(f"{site.title} holds {kind}", span=span_of(site.location))
    ranges = np.asarray(report[2:]).reshape(MOST, 2)
    inputs = tuple(
        f"input {i}, a {type}, in [{low:.6g}, {high:.6g}]"
        for i, (type, (low, high)) in enumerate(zip(site.types, ranges, strict=False))
        if type.element is not i1
    )
    message = f"{site.title} makes {kind}, the first of the program"
    return NonFiniteError(message, span=span_of(site.location), notes=inputs)


class _Trap(Rewriter):
    """Brings ops over, each watched one followed by a check; `state` is the report so far."""

    state: Value

    def __init__(self, sites: list[Site]) -> None:
        super().__init__()
        self.sites = sites

    def run(self, operations: Sequence[Operation]) -> None:
        for op in operations:
            self.location = op.location
            match op:
                case hlo.While():
                    self._loop(op)
                case hlo.If() | hlo.Case():
                    self._branch(op)
                case _:
                    self.replay(op)
                    if _can_fail(op):
                        self._watch(self.operations[-1])

    def _inner(self, block: Block, arguments: Sequence[Value], state: Value) -> Region:
        """A region of the same ops, watched; it returns the state as well."""
        inner = self.nested()
        inner.state = state
        inner.run(block.operations[:-1])
        returned = [*map(inner.value, block.terminator.operands), inner.state]
        inner.operations.append(hlo.Return(returned, location=block.terminator.location))
        return Region([Block(arguments, inner.operations)])

    def _branch(self, op: Any) -> None:
        regions = [self._inner(r.block, (), self.state) for r in op.regions]
        self._finish(op, op.operands, regions)

    def _loop(self, op: Any) -> None:
        if any(inner.regions or _can_fail(inner) for inner in op.cond.operations[:-1]):
            self._asking_loop(op)
            return
        count = len(op.operands)
        body, condition = op.body.block, op.cond.block
        carried = Value(REPORT, None, count)
        watched = self._inner(body, (*body.arguments, carried), carried)
        unwatched = (*condition.arguments, Value(REPORT, None, count))
        asked = Region([Block(unwatched, self.block_of(condition).operations)])
        self._finish(op, [*op.operands, self.state], [asked, watched])

    def _asking_loop(self, op: Any) -> None:
        """The loop carries whether it goes on, which is asked where it is watched."""
        body, count = op.body.block, len(op.operands)
        start = [self.value(v) for v in op.operands]
        goes_on = self._asked(op.cond, start)
        state, flag = Value(REPORT, None, count), Value(_FLAG, None, count + 1)
        inner = self.nested()
        inner.state = state
        inner.run(body.operations[:-1])
        returned = [inner.value(v) for v in body.terminator.operands]
        again = inner._asked(op.cond, returned)
        end = hlo.Return([*returned, inner.state, again], location=body.terminator.location)
        watched = Region([Block((*body.arguments, state, flag), [*inner.operations, end])])
        types = [*op.result_types, REPORT, _FLAG]
        carried = [Value(t, None, i) for i, t in enumerate(types)]
        test = Region([Block(carried, [hlo.Return([carried[-1]])])])
        made = hlo.While.create(
            [*start, self.state, goes_on], types, op.attributes, [test, watched], op.location
        )
        self.operations.append(made)
        self.replace(op, made.results[:-2])
        self.state = made.results[-2]

    def _asked(self, condition: Region, values: Sequence[Value]) -> Value:
        """A copy of a loop's condition, watched, for these values."""
        block = fresh_region(condition, {}).block
        self.map.update(zip(block.arguments, values, strict=True))
        self.run(block.operations[:-1])
        return self.value(block.terminator.operands[0])

    def _finish(self, op: Operation, operands: Sequence[Value], regions: Sequence[Region]) -> None:
        """Puts the op in its place, its last result the state."""
        types = [*op.result_types, REPORT]
        made = type(op).create(map(self.value, operands), types, op.attributes, regions, op.location)
        self.operations.append(made)
        self.replace(op, made.results[:-1])
        self.state = made.results[-1]

    def watch_argument(self, argument: Value) -> None:
        if not _is_watched(argument):
            return
        name = f"argument {argument.index}" + (f" (%{argument.name})" if argument.name else "")
        self.sites.append(Site(name, (), argument.location))
        holds = _every([~is_nan(p) for p in _parts(Scope(self).of(argument))])
        self._check(holds, lambda scope: (scope.constant(True, _FLAG), scope.constant(True, _FLAG), []))

    def _watch(self, op: Operation) -> None:
        """After `op`: where a result is not finite, a branch that looks at the operands."""
        results = [r for r in op.results if _is_watched(r)]
        if not results:
            return
        backward = "gradient of " if described(op.location).startswith("gradient of") else ""
        operands = [o for o in op.operands if isinstance(o.type, TensorType)]
        types = tuple(o.type for o in operands[:MOST])
        self.sites.append(Site(f"{backward}'{op.title}'", types, op.location))
        scope = Scope(self)
        finite = [scope.emit(hlo.IsFinite(p.value)) for r in results for p in _parts(scope.of(r))]

        def look(scope: Scope) -> tuple[Expr, Expr, list[Expr]]:
            ends = [_range(scope.of(o)) for o in operands]
            has_nan = _some(scope, [is_nan(_range(scope.of(r))[0]) for r in results])
            had_nan = _some(scope, [is_nan(low) for low, _ in ends])
            had_infinity = _some(scope, [eq(absolute(e), np.inf) for pair in ends for e in pair])
            fault = ~had_nan & (has_nan | ~had_infinity)
            return fault, has_nan, [e for pair in ends[:MOST] for e in pair]

        self._check(_every(finite), look)

    def _check(self, holds: Expr, look: Callable[[Scope], tuple[Expr, Expr, list[Expr]]]) -> None:
        """The state after a site: what it was where `holds`, else what `look` finds, unless a site was at fault before."""
        before, number = self.state, len(self.sites)

        def found(b: Builder) -> None:
            scope = Scope(b)
            fault, nan, ends = look(scope)
            zero, old = scope.constant(0, _ONE), scope.of(before)
            numbers = [scope.constant(number, _ONE), select(nan, 1.0, zero), *ends]
            numbers += [zero] * (REPORT.static_shape[0] - len(numbers))
            made = concatenate([reshape(n, (1,)) for n in numbers], 0)
            first = eq(reshape(slice(old, (0,), (1,)), ()), 0)
            b.emit(hlo.Return([scope.emit(hlo.Select((first & fault).value, made.value, before)).value]))

        def kept(b: Builder) -> None:
            b.emit(hlo.Return([before]))

        regions = [self.region([], kept), self.region([], found)]
        self.state = self.emit(hlo.If(holds.value, regions=regions, result_types=[REPORT]))


_ONE = TensorType((), f64)
_FLAG = TensorType((), i1)


def _can_fail(op: Operation) -> bool:
    """Whether an op can make a NaN or an infinity of finite operands."""
    return not isinstance(op, HARMLESS) and any(_is_watched(r) for r in op.results)


def _is_watched(value: Value) -> bool:
    return isinstance(value.type, TensorType) and isinstance(value.type.element, FloatType | ComplexType)


def _parts(x: Expr) -> list[Expr]:
    return [real(x), imag(x)] if isinstance(x.element, ComplexType) else [x]


def _every(holds: Sequence[Expr]) -> Expr:
    """Whether all of these flags hold everywhere."""
    flags = [reduce_with(hlo.And, flag, range(flag.rank), True) for flag in holds]
    return functools.reduce(lambda p, q: p & q, flags)


def _some(scope: Scope, flags: Sequence[Expr]) -> Expr:
    return functools.reduce(lambda p, q: p | q, flags, scope.constant(False, _FLAG))


def _range(x: Expr) -> tuple[Expr, Expr]:
    """The least and greatest number of a tensor in f64, both NaN where one is; 0 for truth values."""
    if x.element is i1:
        zero = x.scope.constant(0, _ONE)
        return zero, zero
    parts = [convert(p, f64) for p in _parts(x)]
    lows = [reduce_with(hlo.Minimum, p, range(p.rank), np.inf) for p in parts]
    highs = [reduce_with(hlo.Maximum, p, range(p.rank), -np.inf) for p in parts]
    return functools.reduce(minimum, lows), functools.reduce(maximum, highs)


@dataclass(frozen=True)
class TrapNan(Pass, name="trap_nan"):
    """Given  `@main(%x) -> %y`.  Result  `@main(%x) -> (%y, %report)`: the number of the first op that made a NaN or an
    infinity, and the range of its operands."""

    def apply(self, module: Module, context: Context) -> Module:
        return instrumented(module)[0]
