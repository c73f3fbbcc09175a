"""Dead code elimination: ops nobody uses, loop-carried values that only feed themselves, what is sorted for nobody, functions
nobody calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import Case, If, Sort, While
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import Rewriter, same_operations
from irc.passes.effects import Effects
from irc.passes.manager import Context, Pass, map_functions
from irc.passes.symbols import referenced_symbols


@dataclass(frozen=True)
class DeadCode(Pass, name="dce"):
    """Given  `%0 = add %a, %b; %1 = multiply %a, %b; return %1`.  Result  `%1 = multiply %a, %b; return %1`.

    Liveness runs backwards through regions. Of a while, a carried value stays when its result is used, or the condition
    or a carried value that stays needs it; of a sort, an input when its result is used or the comparator reads it; of an if
    or case, results that are used stay."""

    def apply(self, module: Module, context: Context) -> Module:
        effects = Effects(module)
        return without_dead_functions(map_functions(module, lambda func: _function(func, effects)))


def _function(func: Func, effects: Effects) -> Func:
    live = Liveness(effects)
    live.block(func.block, range(len(func.returned)))
    block = _Sweep(live).block_of(func.block)
    return func if block is func.block else func.with_block(block)


class Liveness:
    """The values that are needed, as a set that only grows. It is asked for membership, never walked."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.values: set[Value] = set()

    def needs(self, op: Operation) -> bool:
        return any(r in self.values for r in op.results) or op.terminator or not self.effects.is_pure(op)

    def block(self, block: Block, returned: Sequence[int]) -> None:
        """Marks what a block needs to give the operands `returned` of its terminator."""
        self.values.update(block.terminator.operands[i] for i in returned)
        for op in reversed(block.operations[:-1]):
            if self.needs(op):
                self.operation(op)

    def operation(self, op: Operation) -> None:
        match op:
            case If() | Case():
                self.values.update(op.operands)
                for region in op.regions:
                    self.block(region.block, self.kept(op))
            case While():
                self._loop(op)
            case Sort():
                self.block(op.comparator.block, (0,))
                self.values.update(op.operands[i] for i in self.kept(op))
            case _:
                self.values.update(op.operands)
                for region in op.regions:
                    for block in region.blocks:
                        self.block(block, range(len(block.terminator.operands)))

    def _loop(self, op: While) -> None:
        condition, body = (region.block for region in op.regions)
        self.block(condition, range(len(condition.terminator.operands)))
        before: list[int] | None = None
        while (kept := self.kept(op)) != before:
            before = kept
            self.block(body, kept)
        self.values.update(op.operands[i] for i in kept)

    def kept(self, op: Operation) -> list[int]:
        """Which results of an op with regions stay."""
        if not self.effects.is_pure(op) and not isinstance(op, While):
            return list(range(len(op.results)))
        return [
            i
            for i, result in enumerate(op.results)
            if result in self.values
            or any(a in self.values for region in op.regions for a in _arguments(op, region, i))
        ]


def _arguments(op: Operation, region: Region, i: int) -> Sequence[Value]:
    """The arguments of an op's region that go with its result `i`."""
    match op:
        case While():
            return region.arguments[i : i + 1]
        case Sort():
            return region.arguments[2 * i : 2 * i + 2]
    return ()


class _Sweep(Rewriter):
    """Brings over what is live; narrows while, sort, if and case to the results that stay."""

    def __init__(self, live: Liveness) -> None:
        super().__init__()
        self.live = live

    def replay(self, op: Operation) -> None:
        if not self.live.needs(op):
            return
        narrowed = isinstance(op, If | Case | Sort | While)
        kept = self.live.kept(op) if narrowed else []
        if not narrowed or len(kept) == len(op.results):
            super().replay(op)
            return
        operands = [self.value(o) for o in op.operands]
        made = type(op).create(
            [operands[i] for i in kept] if isinstance(op, Sort | While) else operands,
            [op.results[i].type for i in kept],
            op.attributes,
            [self._narrow(region, kept, op, j) for j, region in enumerate(op.regions)],
            op.location,
        )
        self.operations.append(made)
        self.map.update(zip((op.results[i] for i in kept), made.results, strict=True))

    def _narrow(self, region: Region, kept: list[int], op: Operation, index: int) -> Region:
        """The region with the arguments that go with the results `kept` and, but for a while's condition and a comparator, the
        results `kept`."""
        inner = self.nested()
        old = [a for i in kept for a in _arguments(op, region, i)]
        arguments = tuple(Value(a.type, None, i, a.name, a.location) for i, a in enumerate(old))
        self.map.update(zip(old, arguments, strict=True))
        for nested in region.operations[:-1]:
            inner.replay(nested)
        end = region.block.terminator
        if not isinstance(op, Sort) and not (isinstance(op, While) and index == 0):
            end = type(end).create([end.operands[i] for i in kept], (), end.attributes, (), end.location)
        inner.operations.append(inner.mapped(end))
        return Region([Block(arguments, inner.operations)])


def without_dead_functions(module: Module) -> Module:
    """The module without private functions that nothing public reaches through symbols."""
    symbols = module.symbols
    roots = [op for op in module.operations if not (isinstance(op, Func) and op.sym_visibility == "private")]
    reached = {name: None for op in roots for name in referenced_symbols(op)}
    queue = list(reached)
    while queue:
        target = symbols.get(queue.pop())
        if target is not None:
            new = [name for name in referenced_symbols(target) if name not in reached]
            reached.update(dict.fromkeys(new))
            queue += new
    kept = [
        op
        for op in module.operations
        if not (isinstance(op, Func) and op.sym_visibility == "private" and op.sym_name not in reached)
    ]
    return module if same_operations(kept, module.operations) else module.with_operations(kept)
