"""The walk: ops over one example go in, ops over all of them come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from irc.dialects import func
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.builder import Builder
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import fresh_copy, fresh_region
from irc.ir.types import TensorType, i32
from irc.passes.autodiff.loops import counted_loop, entry_of, put_entry
from irc.passes.autodiff.rules.custom import has_rule
from irc.passes.autodiff.transform import free_values
from irc.passes.expression import Scope, broadcast


@dataclass(frozen=True, slots=True)
class Wider:
    """The same op over all examples: its operands and the attributes that change. Each result has one dimension more,
    in front."""

    operands: Sequence[Value]
    attributes: Mapping[str, Any]


Rule = Callable[["Batcher", Any], Wider | Sequence[Value] | None]
"""What becomes of an op of which some operand differs: the op made wider, its results, or None, where it runs in a loop."""

RULES: dict[type[Operation], Rule] = {}
CONTROL: dict[type[Operation], Callable[[Batcher, Any], None]] = {}
"""Ops that define their results themselves."""


def rule(*classes: type[Operation]) -> Callable[[Rule], Rule]:
    """Registers the rule of ops."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(classes, function))
        return function

    return register


def control(*classes: type[Operation]) -> Callable[[Any], Any]:
    """Registers what control flow becomes."""

    def register(function: Any) -> Any:
        CONTROL.update(dict.fromkeys(classes, function))
        return function

    return register


class Batcher:
    """Copies ops into a builder. `local` maps old values to new ones; those among `differs` have `size` examples along
    their first dimension."""

    def __init__(
        self,
        builder: Builder,
        size: int,
        functions: dict[str, Func] | None = None,
        local: Mapping[Value, Value] | None = None,
        differs: Iterable[Value] = (),
    ) -> None:
        self.builder = builder
        self.scope = Scope(builder)
        self.size = size
        self.functions = {} if functions is None else functions
        """Those of the module; what composites name for all examples is added."""
        self.local = dict(local or {})
        self.differs = dict.fromkeys(differs)

    def inside(self, builder: Builder) -> Batcher:
        """One for a region."""
        return Batcher(builder, self.size, self.functions, self.local, self.differs)

    def value(self, old: Value) -> Value:
        return self.local.get(old, old)

    def is_batched(self, old: Value) -> bool:
        return self.value(old) in self.differs

    def wide(self, type: Any) -> TensorType:
        """The type with the examples in front. Raises UnsupportedError for what is no tensor."""
        if not isinstance(type, TensorType):
            raise UnsupportedError(f"a {type} has no examples", span=span_of(self.builder.location))
        return TensorType((self.size, *type.shape), type.element)

    def batched(self, old: Value) -> Value:
        """The value for every example: repeated where it is the same for all."""
        new = self.value(old)
        if new in self.differs:
            return new
        x = self.scope.of(new)
        return broadcast(x, self.wide(x.type).shape, range(1, x.rank + 1)).value

    def define(self, old: Value, new: Value, differs: bool = True) -> None:
        self.local[old] = new
        if differs:
            self.differs[new] = None

    def run(self, operations: Sequence[Operation]) -> None:
        """Brings ops over, in order."""
        for op in operations:
            with self.builder.at(op.location):
                self._bring(op)

    def _bring(self, op: Operation) -> None:
        block = self._body(op)
        if not any(self.is_batched(v) for v in (*op.operands, *free_values(op))):
            made = fresh_copy(op, self.local)
            self.builder.operations.append(made)
            self.local.update(zip(op.results, made.results, strict=True))
        elif block is not None:
            self._inline(op, block)
        elif type(op) in CONTROL:
            CONTROL[type(op)](self, op)
        else:
            for old, new in zip(op.results, self._widened(op), strict=True):
                self.define(old, new)

    def _body(self, op: Operation) -> Block | None:
        """The body that takes the place of a call or a composite that has no gradient of its own."""
        match op:
            case hlo.Composite() if has_rule(op):
                return None
            case func.Call(callee=name) | hlo.Composite(decomposition=name):
                callee = self.functions.get(name)
                return None if callee is None or callee.is_declaration else callee.block
        return None

    def _inline(self, op: Operation, block: Block) -> None:
        inner = self.inside(self.builder)
        for argument, operand in zip(block.arguments, op.operands, strict=True):
            inner.define(argument, self.value(operand), self.is_batched(operand))
        inner.run(block.operations[:-1])
        for old, returned in zip(op.results, block.terminator.operands, strict=True):
            self.define(old, inner.value(returned), inner.is_batched(returned))

    def _widened(self, op: Operation) -> Sequence[Value]:
        captures = any(self.is_batched(v) for v in free_values(op))
        known = RULES.get(type(op)) or (elementwise if getattr(op, "elementwise", False) else None)
        made = None if known is None or captures else known(self, op)
        if made is None:
            return self.one_by_one(op)
        return self.widened(op, made) if isinstance(made, Wider) else made

    def widened(self, op: Operation, wider: Wider) -> tuple[Value, ...]:
        """Emits the op made wider; its results."""
        attributes = op.with_attributes(**wider.attributes).attributes if wider.attributes else op.attributes
        regions = [fresh_region(r, self.local) for r in op.regions]
        types = [self.wide(r.type) for r in op.results]
        made = type(op).create(wider.operands, types, attributes, regions, self.builder.location)
        self.builder.operations.append(made)
        return made.results

    def one_by_one(self, op: Operation) -> list[Value]:
        """A loop over the examples, each result put beside those before it."""
        if not op.pure:
            message = f"'{op.title}' cannot run for many examples at once: it acts on something outside"
            raise UnsupportedError(message, span=span_of(op.location))
        read = [v for v in (*op.operands, *free_values(op)) if self.is_batched(v)]
        stacks = [self.scope.constant(0, self.wide(r.type)).value for r in op.results]

        def turn(scope: Scope, i: Any, now: Sequence[Value]) -> list[Value]:
            local = dict(self.local)
            local.update((v, entry_of(scope.of(self.value(v)), i, v.type).value) for v in read)
            made = fresh_copy(op, local)
            scope.builder.operations.append(made)
            pairs = zip(now, made.results, strict=True)
            return [put_entry(scope.of(stack), scope.of(r), i).value for stack, r in pairs]

        found = counted_loop(self.scope, TensorType((), i32), self.size, stacks, turn)
        return [x.value for x in found]

    def region(self, types: Sequence[Any], fill: Callable[[Batcher, tuple[Value, ...]], None]) -> Region:
        """A region with arguments of these types; `fill(batcher, arguments)` emits its ops and its end."""
        return self.builder.region(types, lambda b, *arguments: fill(self.inside(b), arguments))


def elementwise(b: Batcher, op: Any) -> Wider | None:
    """Each operand in the shape of the result; a scalar among them is repeated."""
    shape = op.result.type.shape
    operands = []
    for operand in op.operands:
        new = b.batched(operand) if operand.type.shape == shape else b.value(operand)
        if operand.type.shape != shape:
            # A scalar predicate or bound: one for each example, or one for all.
            spread = (0,) if b.is_batched(operand) else ()
            new = broadcast(b.scope.of(new), (b.size, *shape), spread).value
        operands.append(new)
    return Wider(operands, {})
