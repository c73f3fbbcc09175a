"""Less held between kernels: what one computes elementwise, and another reads, is computed in that one.

`sunk` works on fusions. A backward kernel that read the exponentials, the softmax and the masks of an attention reads its
scores instead, and makes them again: each element by the same ops, so it has the same bits. `pruned` leaves out results
that nothing reads, with all that leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.ir.attributes import StringAttr
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import fresh_copy
from irc.ir.types import TensorType
from irc.passes.autodiff.transform import free_values
from irc.passes.marks import KIND

LONGEST = 64
"""How many ops a kernel may take over."""

KINDS = ("loop", "row", "contraction")

SMALL = 8
"""A value so many times smaller than the largest that a kernel reads is not worth it."""

Place = tuple[Call | None, Value]
"""A value inside the function that a call calls; with None, of the function around."""


@dataclass
class _Sunk:
    """What a call is going to be: the operands it reads no more, the ops it takes over, the values it reads instead."""

    operands: dict[int, Place] = field(default_factory=dict)
    operations: list[tuple[Call, Operation]] = field(default_factory=list)
    pivots: list[Place] = field(default_factory=list)


def is_cheap(op: Operation | None) -> bool:
    """Whether an op takes each element of its result from one place of each operand."""
    if op is None or op.regions:
        return False
    return isinstance(op, hlo.BroadcastInDim | hlo.Iota | hlo.Constant) or bool(
        getattr(op, "elementwise", False)
    )


def size_of(value: Value) -> int:
    """Bytes of a value of known extents."""
    return value.type.nbytes if isinstance(value.type, TensorType) and value.type.is_static else 0


def sunk(module: Module, main: Func) -> Module:
    """The module in which kernels compute what they read, where that is less to hold."""
    sinker = _Sinker(module, main)
    for op in main.block.operations:
        if isinstance(op, Call) and op.callee in sinker.fusions:
            sinker.consider(op)
    return pruned(sinker.module(), main.sym_name) if sinker.found else module


class _Sinker:
    def __init__(self, module: Module, main: Func) -> None:
        self.source, self.main = module, main
        self.fusions = fusions_of(module)
        self.found: dict[Call, _Sunk] = {}
        self.extra: dict[Call, list[Value]] = {}

    def settled(self, place: Place) -> Place:
        """Where a value is made."""
        while True:
            call, value = place
            if call is None:
                made = value.op
                if not isinstance(made, Call) or made.callee not in self.fusions:
                    return place
                place = made, self.fusions[made.callee].returned[value.index]
            elif value.op is None:
                place = None, call.operands[value.index]
            else:
                return place

    def cone(self, places: Sequence[Place]) -> _Sunk | None:
        """The cheap ops that make some values, in order, and what they are made from; None where they are too many."""
        made = _Sunk()
        done: dict[Place, None] = {}
        stack = list(reversed(places))
        while stack:
            place = self.settled(stack[-1])
            call, value = place
            if place in done:
                stack.pop()
            elif call is None or not is_cheap(value.op):
                done[place] = None
                made.pivots.append(place)
            else:
                assert value.op is not None
                waiting = [p for o in value.op.operands if (p := self.settled((call, o))) not in done]
                if waiting:
                    stack += reversed(waiting)
                    continue
                done[place] = None
                made.operations.append((call, value.op))
            if len(made.operations) > LONGEST:
                return None
        return made

    def consider(self, call: Call) -> None:
        """Decides what a kernel computes itself."""
        function = self.fusions[call.callee]
        largest = max(map(size_of, call.operands), default=0)
        operands: dict[int, Place] = {}
        for i, operand in enumerate(call.operands):
            place = self.settled((None, operand))
            big = size_of(operand) * SMALL >= largest
            if big and place[0] is not None and is_cheap(place[1].op) and _is_read_in_step(function, i):
                operands[i] = place
        made = self.cone(list(operands.values())) if operands else None
        if made is None:
            return
        kept = {self.settled((None, v)): None for i, v in enumerate(call.operands) if i not in operands}
        before = {place: size_of(place[1]) for place in operands.values()}
        after = sum(size_of(place[1]) for place in made.pivots if place not in kept)
        if after >= sum(before.values()):
            return
        made.operands = operands
        self.found[call] = made
        for place in made.pivots:
            owner, value = place
            if owner is not None and value not in (
                *self.fusions[owner.callee].returned,
                *self.extra.get(owner, ()),
            ):
                self.extra.setdefault(owner, []).append(value)

    def module(self) -> Module:
        """The module as decided."""
        renamed: dict[Value, Value] = {}
        inner: dict[Place, Value] = {}
        operations: list[Operation] = []
        functions: dict[str, Func] = {}
        for op in self.main.block.operations:
            if op not in self.found and op not in self.extra:
                local = {v: renamed.get(v, v) for v in (*op.operands, *free_values(op))}
                made = fresh_copy(op, local) if any(a is not b for a, b in local.items()) else op
            else:
                assert isinstance(op, Call)
                functions[op.callee], operands = self.function(op, renamed, inner)
                types = [v.type for v in functions[op.callee].returned]
                made = Call.create(operands, types, op.attributes, (), op.location)
                names = [*self.fusions[op.callee].returned, *self.extra.get(op, ())]
                inner.update(((op, v), r) for v, r in zip(names, made.results, strict=True))
            operations.append(made)
            renamed.update(zip(op.results, made.results, strict=False))
        main = self.main.with_block(Block(self.main.block.arguments, operations))
        changed = {**functions, main.sym_name: main}
        return self.source.with_operations(
            changed.get(op.sym_name, op) if isinstance(op, Func) else op for op in self.source.operations
        )

    def function(
        self, call: Call, renamed: dict[Value, Value], inner: dict[Place, Value]
    ) -> tuple[Func, list[Value]]:
        """What a call calls in the end, and its operands: those of before that it still reads, then the pivots."""
        old = self.fusions[call.callee]
        decided = self.found.get(call, _Sunk())
        arguments: list[Value] = []
        operands: list[Value] = []
        local: dict[Value, Value] = {}
        for i, (argument, operand) in enumerate(zip(old.arguments, call.operands, strict=True)):
            if i not in decided.operands:
                arguments.append(Value(argument.type, None, len(arguments), location=argument.location))
                operands.append(renamed.get(operand, operand))
                local[argument] = arguments[-1]
        known: dict[Place, Value] = {}
        for place in decided.pivots:
            owner, value = place
            arguments.append(Value(value.type, None, len(arguments), location=value.location))
            operands.append(
                renamed.get(value, value) if owner is None else self.outside(owner, value, renamed, inner)
            )
            known[place] = arguments[-1]
        operations: list[Operation] = []
        for owner, op in decided.operations:
            operations.append(fresh_copy(op, {o: known[self.settled((owner, o))] for o in op.operands}))
            known[owner, op.results[0]] = operations[-1].results[0]
        local.update((old.arguments[i], known[place]) for i, place in decided.operands.items())
        for op in old.block.operations[:-1]:
            operations.append(fresh_copy(op, local))
            local.update(zip(op.results, operations[-1].results, strict=True))
        returned = [local.get(v, v) for v in (*old.returned, *self.extra.get(call, ()))]
        block = Block(arguments, [*operations, Return(returned, location=old.block.terminator.location)])
        return old.with_block(block), operands

    def outside(
        self, owner: Call, value: Value, renamed: dict[Value, Value], inner: dict[Place, Value]
    ) -> Value:
        """The result of a call that is a value inside."""
        if (owner, value) in inner:
            return inner[owner, value]
        result = owner.results[list(self.fusions[owner.callee].returned).index(value)]
        return renamed.get(result, result)


def _is_read_in_step(function: Func, index: int) -> bool:
    """Whether nothing but cheap ops and reductions read an argument: what makes it can stand in the kernel."""
    return all(is_cheap(op) or isinstance(op, hlo.Reduce) for op in users(function, index))


def users(function: Func, index: int) -> list[Operation]:
    """The ops of a function that read one of its arguments."""
    argument = function.arguments[index]
    return [op for op in function.block.operations if argument in (*op.operands, *free_values(op))]


def fusions_of(module: Module) -> dict[str, Func]:
    """The functions that become kernels which take over ops and leave out results."""
    return {op.sym_name: op for op in module.operations if isinstance(op, Func) and _kind(op) in KINDS}


def _kind(function: Func) -> str:
    kind = function.attributes.get(KIND)
    return kind.value if isinstance(kind, StringAttr) else ""


def pruned(module: Module, entry: str) -> Module:
    """The module without results of kernels that nothing reads, and what leads to them alone."""
    main, fusions = module.symbols[entry], fusions_of(module)
    assert isinstance(main, Func)
    read: dict[Value, None] = {}
    changed: dict[str, Func] = {}
    kept: list[tuple[Operation, list[int], list[Value]]] = []
    for op in reversed(main.block.operations):
        operands, results = list(op.operands), list(range(len(op.results)))
        if isinstance(op, Call) and op.callee in fusions:
            results = [i for i, r in enumerate(op.results) if r in read]
            if not results:
                continue
            if len(results) < len(op.results):
                changed[op.callee], places = _with_results(fusions[op.callee], results)
                operands = [op.operands[i] for i in places]
        read.update(dict.fromkeys((*operands, *free_values(op))))
        kept.append((op, results, operands))
    if not changed:
        return module
    renamed: dict[Value, Value] = {}
    operations: list[Operation] = []
    for op, results, operands in reversed(kept):
        local = {v: renamed.get(v, v) for v in (*operands, *free_values(op))}
        if len(results) < len(op.results):
            types = [op.results[i].type for i in results]
            made: Operation = Call.create([local[v] for v in operands], types, op.attributes, (), op.location)
        else:
            made = fresh_copy(op, local) if any(a is not b for a, b in local.items()) else op
        operations.append(made)
        renamed.update((op.results[i], r) for i, r in zip(results, made.results, strict=True))
    changed[main.sym_name] = main.with_block(Block(main.block.arguments, operations))
    return module.with_operations(
        changed.get(op.sym_name, op) if isinstance(op, Func) else op for op in module.operations
    )


def _with_results(function: Func, results: Sequence[int]) -> tuple[Func, list[int]]:
    """The function with some of its results, and the numbers of the arguments that it still takes."""
    returned = [function.returned[i] for i in results]
    read = dict.fromkeys(returned)
    operations: list[Operation] = []
    for op in reversed(function.block.operations[:-1]):
        if any(r in read for r in op.results):
            operations.append(op)
            read.update(dict.fromkeys((*op.operands, *free_values(op))))
    places = [i for i, a in enumerate(function.arguments) if a in read]
    arguments = [Value(function.arguments[i].type, None, n) for n, i in enumerate(places)]
    local: dict[Value, Value] = {function.arguments[i]: a for i, a in zip(places, arguments, strict=True)}
    made: list[Operation] = []
    for op in reversed(operations):
        made.append(fresh_copy(op, local))
        local.update(zip(op.results, made[-1].results, strict=True))
    end = Return([local[v] for v in returned], location=function.block.terminator.location)
    return function.with_block(Block(arguments, [*made, end])), places
