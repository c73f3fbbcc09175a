"""Shrinks a module that fails to a small one that fails as well: delta debugging over functions, results, ops, regions,
extents and constants. What "fails" means is the caller's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from irc.dialects.arith import Constant as ArithConstant
from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func, Return
from irc.dialects.stablehlo import Constant
from irc.errors import IrcError
from irc.ir.attributes import DenseElementsAttr, FloatAttr, IntegerAttr
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter
from irc.ir.text import print_module
from irc.ir.types import ComplexType, FloatType, IndexType, IntegerType, TensorType, Type, VectorType
from irc.passes.manager import run_pipeline
from irc.passes.reduce_text import smallest

Fails = Callable[[Module], bool]
_EXTENT = re.compile(r"(?<=[<x])\d+(?=x)")
_NUMBER = re.compile(r"(?<![\w.%#@\-])\d+(?![\w.])")
ENTRY = "main"


@dataclass
class Reduction:
    """One reduction in progress: the smallest module so far, and how many more may be tried."""

    module: Module
    fails: Fails
    budget: int
    tried: int = 0

    def accept(self, make: Callable[..., Module], *arguments: Any) -> bool:
        """Goes on with the module that `make(*arguments)` gives, if it is valid and fails."""
        if self.budget <= self.tried:
            return False
        try:
            candidate = make(*arguments)
            if candidate is self.module:
                return False
        except Exception:
            return False  # the step itself trips over the fault that is looked for
        try:
            candidate.verify()
        except IrcError:
            return False
        except Exception:
            pass  # the fault may be the verifier's
        self.tried += 1
        if not self.fails(candidate):
            return False
        self.module = candidate
        return True

    def functions(self) -> list[Func]:
        return [op for op in self.module.operations if isinstance(op, Func) and not op.is_declaration]

    def with_function(self, old: Operation, new: Operation | None) -> Module:
        """The module with one top-level op changed, or left out."""
        kept = [new if op is old else op for op in self.module.operations]
        return self.module.with_operations([op for op in kept if op is not None])


def reduced(module: Module, fails: Fails, budget: int = 2000) -> Module:
    """A smaller module that fails too. `module` itself must fail; at most `budget` others are tried.

    `fails` sees valid modules only. It is asked often: let it answer False at the first sign of another failure."""
    state = Reduction(module, fails, budget)
    size = 0
    while size != (size := len(str(state.module))) and state.tried < budget:
        for step in STEPS:
            step(state)
    return state.module


# The steps.


def _cleaned(state: Reduction) -> None:
    """Calls inlined and dead code gone, where the failure survives that."""
    for pipeline in ("inline,dce", "dce"):
        state.accept(run_pipeline, state.module, pipeline)


def _fewer_functions(state: Reduction) -> None:
    for op in state.module.operations:
        if op in state.module.operations and not _is_entry(op):
            state.accept(state.with_function, op, None)


def _is_entry(op: Operation) -> bool:
    return isinstance(op, Func) and op.sym_name == ENTRY


def _fewer_results(state: Reduction) -> None:
    """Only @main: what others return is somebody's operand."""
    entry = next((f for f in state.functions() if _is_entry(f)), None)
    if entry is None or len(entry.body.blocks) != 1:
        return
    count = len(entry.returned)

    def returning(kept: Sequence[int]) -> Module:
        assert entry is not None
        end = Return([entry.returned[i] for i in kept])
        new = entry.with_block(Block(entry.arguments, [*entry.block.operations[:-1], end]))
        return state.with_function(entry, new.with_attributes(res_attrs=None))

    for i in range(count if count > 1 else 0):
        if state.accept(returning, [i]):
            return
    if count:
        state.accept(returning, [])


def _fewer_operations(state: Reduction) -> None:
    """Ops left out in pieces, their results replaced."""
    for ways in (
        (_Dropper.operand, _Dropper.zero),
        (_Dropper.zero,),
        (_Dropper.one,),
        (_Dropper.visible,),
        (_Dropper.argument,),
    ):
        for name in [f.sym_name for f in state.functions()]:
            _drop_from(state, name, ways)


def _drop_from(state: Reduction, name: str, ways: Sequence[Way]) -> None:
    func = _function(state, name)
    if func is None:
        return
    total = sum(1 for _ in _inside(func))

    def keeping(kept: Iterable[int]) -> bool:
        wanted = dict.fromkeys(kept)
        doomed = {op: True for i, op in enumerate(_inside(func)) if i not in wanted}

        before = state.module
        found = state.accept(_dropped, state, func, doomed, ways)
        state.module, found_module = before, state.module
        if found:
            best.append(found_module)
        return found

    best: list[Module] = []
    smallest(range(total), keeping)
    if best:
        state.module = best[-1]


def _dropped(state: Reduction, func: Func, doomed: dict[Operation, bool], ways: Sequence[Way]) -> Module:
    return state.with_function(func, _Dropper(doomed, ways, func).function(func))


def _function(state: Reduction, name: str) -> Func | None:
    return next((f for f in state.functions() if f.sym_name == name), None)


def _inside(func: Func) -> Iterator[Operation]:
    """Every op of a function that can be left out, outermost first."""
    ops = func.walk()
    next(ops)
    return (op for op in ops if not op.terminator and not isinstance(op, Constant | ArithConstant))


def _opened(state: Reduction) -> None:
    """Control flow replaced by what stands in one of its regions."""
    while any(state.accept(make) for make in _openings(state)):
        pass


def _openings(state: Reduction) -> Iterator[Callable[[], Module]]:
    for func in state.functions():
        for op in _inside(func):
            for k, region in enumerate(op.regions):
                if _can_open(op, k):
                    yield partial(_open, state, func, op, region.block)


def _open(state: Reduction, func: Func, op: Operation, block: Block) -> Module:
    return state.with_function(func, _Opener(op, block).function(func))


def _can_open(op: Operation, k: int) -> bool:
    region = op.regions[k]
    if len(region.blocks) != 1 or not region.block.operations or not region.block.operations[-1].terminator:
        return False
    taken = [a.type for a in region.block.arguments]
    given = [o.type for o in region.block.terminator.operands]
    return given == [r.type for r in op.results] and (not taken or taken == [o.type for o in op.operands])


def _fewer_arguments(state: Reduction) -> None:
    """Of @main: those nobody uses go, and the others become constants."""
    for kind in (None, 0, 1):
        entry = next((f for f in state.functions() if _is_entry(f)), None)
        for i in reversed(range(len(entry.arguments) if entry is not None else 0)):
            state.accept(_without_argument, state, i, kind)


def _without_argument(state: Reduction, index: int, number: int | None) -> Module:
    entry = next(f for f in state.functions() if _is_entry(f))
    argument = entry.arguments[index]
    rewriter = Rewriter()
    if number is not None:
        constant = constant_of(argument.type, number)
        if constant is None:
            return state.module
        rewriter.map[argument] = rewriter.emit(constant)
    for op in entry.block.operations:
        rewriter.replay(op)
    kept = [a for i, a in enumerate(entry.arguments) if i != index]
    arguments = [Value(a.type, None, i, a.name, a.location) for i, a in enumerate(kept)]
    again = Rewriter(mapping=dict(zip(kept, arguments, strict=True)))
    for op in rewriter.operations:
        again.replay(op)
    new = entry.with_block(Block(arguments, again.operations)).with_attributes(arg_attrs=None)
    return state.with_function(entry, new)


def _simpler_constants(state: Reduction) -> None:
    """One number everywhere, and that 0 or 1."""
    for number in (0, 1):
        for func in state.functions():
            found = [op for op in func.walk() if isinstance(op, Constant | ArithConstant)]
            for op in found:
                simple = constant_of(op.results[0].type, number)
                if simple is None or _is_simple(op):
                    continue
                current = _function(state, func.sym_name)
                if current is not None:
                    state.accept(_swapped, state, current, op, simple)


def _is_simple(op: Operation) -> bool:
    """Whether a constant is already what it could become."""
    simple = [constant_of(op.results[0].type, number) for number in (0, 1)]
    return any(s is not None and s.attributes == op.attributes for s in simple)


def _unused_constants(state: Reduction) -> None:
    for func in state.functions():
        used = dict.fromkeys(o for op in func.walk() for o in op.operands)
        unused = {
            op: True
            for op in func.walk()
            if isinstance(op, Constant | ArithConstant) and op.results[0] not in used
        }
        if unused:
            state.accept(_dropped, state, func, unused, (_Dropper.nothing,))


def _swapped(state: Reduction, func: Func, old: Operation, new: Operation) -> Module:
    return state.with_function(func, _Swap({old: new}).function(func))


def _smaller_extents(state: Reduction) -> None:
    """Each number that is an extent somewhere becomes a smaller one: in types, or wherever it stands."""
    for pattern in (_EXTENT, _NUMBER):
        text = print_module(state.module, locations=False)
        for n in sorted({int(m[0]) for m in _EXTENT.finditer(text)}, reverse=True):
            for smaller in dict.fromkeys((1, 2, 3, n // 4, n // 2, n - 1)):
                if 0 < smaller < n:
                    text = print_module(state.module, locations=False)
                    new = _with_number(text, pattern, n, smaller)
                    if new != text and state.accept(_read, new):
                        break


def _read(text: str) -> Module:
    return parse(text, verify=False)


def _with_number(text: str, pattern: re.Pattern[str], old: int, new: int) -> str:
    return pattern.sub(lambda m: str(new) if int(m[0]) == old else m[0], text)


def _plainer(state: Reduction) -> None:
    """No locations, no attributes of the module."""
    state.accept(_read, print_module(state.module, locations=False))
    for key in [k for k in state.module.attributes if k != "sym_name"]:
        attributes = {k: v for k, v in state.module.attributes.items() if k != key}
        state.accept(Module.of, state.module.operations, attributes)


STEPS: tuple[Callable[[Reduction], None], ...] = (
    _cleaned, _fewer_results, _fewer_functions, _fewer_operations, _opened, _cleaned, _fewer_arguments,
    _simpler_constants, _unused_constants, _smaller_extents, _plainer,
)  # fmt: skip


# Edits.


def constant_of(type: Type, number: int) -> Operation | None:
    """A constant of a tensor, vector or scalar type; None for what has none."""
    element = getattr(type, "element", type)
    static = getattr(type, "is_static", True)
    if not static or not isinstance(element, FloatType | IntegerType | ComplexType | IndexType):
        return None
    match type:
        case TensorType():
            return Constant.splat(number, type)
        case VectorType():
            return ArithConstant(value=DenseElementsAttr.of(type, number), result_types=[type])
        case FloatType():
            return ArithConstant(value=FloatAttr(float(number), type), result_types=[type])
        case IntegerType() | IndexType():
            return ArithConstant(value=IntegerAttr(number, type), result_types=[type])
    return None


class _Edit(Rewriter):
    """A walk over one function that changes some of its ops."""

    def function(self, func: Func) -> Func:
        blocks = func.body.blocks
        if len(blocks) == 1:
            return func.with_block(self.block_of(func.block))
        return func.with_operands((), [self.region_of(func.body)])


Way = Callable[["_Dropper", Operation, Value, int], Value | None]


class _Dropper(_Edit):
    """Leaves ops out; `ways` give a value for each of their results, the first that can."""

    def __init__(self, doomed: dict[Operation, bool], ways: Sequence[Way], func: Func) -> None:
        super().__init__()
        self.doomed = doomed
        self.added: list[Value] = []
        self.ways = ways
        self.func = func

    def replay(self, op: Operation) -> None:
        if op in self.doomed:
            count = len(self.operations)
            values = [self.instead(op, result, i) for i, result in enumerate(op.results)]
            if all(v is not None for v in values):
                self.replace(op, [v for v in values if v is not None])
                return
            del self.operations[count:]
        super().replay(op)

    def instead(self, op: Operation, result: Value, index: int) -> Value | None:
        for way in self.ways:
            found = way(self, op, result, index)
            if found is not None:
                return found
        return None

    def operand(self, op: Operation, result: Value, index: int) -> Value | None:
        """An operand of the result's type: the one at the result's place before the others."""
        for o in (*op.operands[index : index + 1], *op.operands):
            value = self.value(o)
            if value.type is result.type:
                return value
        return None

    def argument(self, op: Operation, result: Value, index: int) -> Value | None:
        """A new argument of @main."""
        if not _is_entry(self.func) or constant_of(result.type, 0) is None:
            return None
        self.added.append(Value(result.type, None, len(self.arguments) + len(self.added)))
        return self.added[-1]

    def function(self, func: Func) -> Func:
        made = super().function(func)
        if not self.added:
            return made
        block = Block([*made.arguments, *self.added], made.block.operations)
        return made.with_block(block).with_attributes(arg_attrs=None)

    def visible(self, op: Operation, result: Value, index: int) -> Value | None:
        """An argument of the function."""
        return next((a for a in self.arguments if a.type is result.type), None)

    @cached_property
    def arguments(self) -> tuple[Value, ...]:
        return self.func.body.blocks[0].arguments

    def nothing(self, op: Operation, result: Value, index: int) -> Value | None:
        """The result itself: nobody uses it."""
        return result

    def zero(self, op: Operation, result: Value, index: int) -> Value | None:
        return self._constant(result.type, 0)

    def one(self, op: Operation, result: Value, index: int) -> Value | None:
        return self._constant(result.type, 1)

    def _constant(self, type: Type, number: int) -> Value | None:
        made = constant_of(type, number)
        return self.emit(made) if made is not None else None


class _Opener(_Edit):
    """Puts the ops of a region in the place of its op."""

    def __init__(self, target: Operation, block: Block) -> None:
        super().__init__()
        self.target = target
        self.block = block

    def replay(self, op: Operation) -> None:
        if op is not self.target:
            super().replay(op)
            return
        for argument, operand in zip(self.block.arguments, op.operands, strict=False):
            self.map[argument] = self.value(operand)
        for inner in self.block.operations[:-1]:
            super().replay(inner)
        self.replace(op, [self.value(o) for o in self.block.terminator.operands])


class _Swap(_Edit):
    """Puts ops in the place of others with equal results."""

    def __init__(self, swaps: dict[Operation, Any]) -> None:
        super().__init__()
        self.swaps = swaps

    def replay(self, op: Operation) -> None:
        new = self.swaps.get(op)
        if new is None:
            super().replay(op)
        else:
            self.operations.append(new)
            self.replace(op, new.results)
