"""What follows from kept arguments alone is computed when they change, not in every call: code motion out of calls.

Given   `func @main(%x, %w {irc.kept}) { %p = transpose %w; %y = f(%x, %p); return %y }`
Result  `func @prepare(%w) { return transpose %w }` and `func @main(%x, %w, %p) { %y = f(%x, %p); return %y }`

@prepare takes the kept arguments in order and gives what @main takes after its own. Ops that cost nothing where they are
used stay, as in `loop_invariant_code_motion`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.ir.attributes import ArrayAttr, DictionaryAttr
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import fresh_copy
from irc.passes.arguments import kept_arguments
from irc.passes.effects import Effects
from irc.passes.loop_invariant_code_motion import Motion
from irc.passes.manager import Context, Pass

PREPARE = "prepare"
"""The name of the function that is called when kept arguments change."""


@dataclass(frozen=True)
class Prepare(Pass, name="prepare"):
    """Given  `transpose %w` in @main, with %w marked `irc.kept`.  Result  it is in @prepare, its result an argument."""

    def apply(self, module: Module, context: Context) -> Module:
        main = module.symbols.get("main")
        if not isinstance(main, Func) or PREPARE in module.symbols:
            return module
        kept = kept_arguments(main)
        if not kept:
            return module
        arguments = main.block.arguments
        given = [a for i, a in enumerate(arguments) if i not in kept]
        motion = Motion(Effects(module), context)
        region = _live(motion.lightened(Region([Block(given, main.block.operations)])), motion.effects)
        used = dict.fromkeys(v for op in region.operations for inner in op.walk() for v in inner.operands)
        forms = [v for op in motion.operations for v in op.results if v in used]
        if not forms:
            return module
        made = {main: _main(main, region, forms)}
        operations = [made.get(op, op) if isinstance(op, Func) else op for op in module.operations]
        return module.with_operations(
            [*operations, _prepare([arguments[i] for i in kept], motion.operations, forms)]
        )


def _live(region: Region, effects: Effects) -> Region:
    """The region without ops that only what moved has read."""
    used: dict[Value, None] = {}
    kept: list[Operation] = []
    for op in reversed(region.operations):
        if op.terminator or not effects.is_pure(op) or any(v in used for v in op.results):
            used.update(dict.fromkeys(v for inner in op.walk() for v in inner.operands))
            kept.append(op)
    return Region([Block(region.arguments, kept[::-1])])


def _main(main: Func, region: Region, forms: Sequence[Value]) -> Func:
    """@main with the forms as its last arguments."""
    count = len(main.block.arguments)
    stand_ins = {v: Value(v.type, None, count + i, v.name, v.location) for i, v in enumerate(forms)}
    local: dict[Value, Value] = dict(stand_ins)
    operations: list[Operation] = []
    for op in region.operations:
        reads = any(v in local for inner in op.walk() for v in inner.operands)
        operations.append(fresh_copy(op, local) if reads else op)
        local.update(zip(op.results, operations[-1].results, strict=True))
    block = Block([*main.block.arguments, *stand_ins.values()], operations)
    assert isinstance(main.arg_attrs, ArrayAttr)
    attributes = ArrayAttr((*main.arg_attrs.value, *(DictionaryAttr(()) for _ in forms)))
    return main.with_block(block).with_attributes(arg_attrs=attributes)


def _prepare(kept: Sequence[Value], operations: Sequence[Operation], forms: Sequence[Value]) -> Func:
    arguments = [Value(v.type, None, i, v.name, v.location) for i, v in enumerate(kept)]
    local: dict[Value, Value] = dict(zip(kept, arguments, strict=True))
    made: list[Operation] = []
    for op in operations:
        made.append(fresh_copy(op, local))
        local.update(zip(op.results, made[-1].results, strict=True))
    made.append(Return([local[v] for v in forms]))
    return Func.of(PREPARE, Block(arguments, made), location=operations[0].location)


def preparation(module: Module) -> Module | None:
    """The program of @prepare alone, as @main; None where the module has none."""
    found = module.symbols.get(PREPARE)
    if not isinstance(found, Func):
        return None
    others = [
        op for op in module.operations if not (isinstance(op, Func) and op.sym_name in ("main", PREPARE))
    ]
    return module.with_operations([found.with_attributes(sym_name="main"), *others])
