"""The same program written otherwise: other names, other sequence of arguments, results and independent ops, operands of
commutative ops turned round, values held in another order of dimensions."""

from __future__ import annotations

import random
from collections.abc import Sequence

from irc.dialects import func as F
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import Transpose
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import fresh_copy


def shuffled(module: Module, seed: int) -> Module:
    """The module with @main rewritten by chance."""
    rng = random.Random(seed)
    changed = [_shuffled(op, rng) if op is module.symbols.get("main") else op for op in module.operations]
    return module.with_operations(changed)


def _shuffled(func: Func, rng: random.Random) -> Func:
    arguments = rng.sample(list(func.arguments), len(func.arguments))
    local = {a: Value(a.type, None, i, f"x{rng.randrange(10**6)}") for i, a in enumerate(arguments)}
    operations: list[Operation] = []
    for op in _topological(func.block, rng):
        made = _turned(fresh_copy(op, local), rng)
        operations.append(made)
        local.update(zip(op.results, made.results, strict=True))
    returned = rng.sample([local[v] for v in func.returned], len(func.returned))
    operations.append(F.Return(returned))
    return Func.of("main", Block([local[a] for a in arguments], operations))


def _turned(op: Operation, rng: random.Random) -> Operation:
    if op.commutative and len(op.operands) == 2 and rng.random() < 0.5:
        return op.with_operands(op.operands[::-1])
    return op


def _topological(block: Block, rng: random.Random) -> Sequence[Operation]:
    """The ops but the terminator, each after what it (or a region of it) uses."""
    waiting = list(block.operations[:-1])
    own = {r: op for op in waiting for r in op.results}
    needs = {op: {own[o] for inner in op.walk() for o in inner.operands if o in own} - {op} for op in waiting}
    done: list[Operation] = []
    while waiting:
        ready = [op for op in waiting if not needs[op] - set(done)]
        chosen = rng.choice(ready)
        waiting.remove(chosen)
        done.append(chosen)
    return done


def laid_out(module: Module, seed: int) -> Module:
    """The module with the arguments and results of @main in other orders of dimensions, transposed where they are used."""
    rng = random.Random(seed)
    func = module.symbols["main"]
    assert isinstance(func, Func)
    b = Builder()
    arguments, local = [], {}
    for i, a in enumerate(func.arguments):
        order = rng.sample(range(a.type.rank), a.type.rank)
        back = sorted(range(len(order)), key=order.__getitem__)
        arguments.append(Value(a.type.with_shape(tuple(a.type.shape[d] for d in order)), None, i))
        local[a] = b.emit(Transpose(arguments[-1], permutation=back))
    for op in func.block.operations[:-1]:
        made = fresh_copy(op, local)
        b.emit(made)
        local.update(zip(op.results, made.results, strict=True))
    returned = []
    for v in func.returned:
        order = rng.sample(range(v.type.rank), v.type.rank)
        returned.append(b.emit(Transpose(local[v], permutation=order)))
    b.emit(F.Return(returned))
    made_func = Func.of("main", Block(arguments, b.operations))
    return module.with_operations([made_func if op is func else op for op in module.operations])


__all__ = ["Region", "laid_out", "shuffled"]
