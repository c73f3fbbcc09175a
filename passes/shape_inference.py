"""Shape inference: unknown extents become known from the types of arguments, through calls, branches and loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any

from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func
from irc.dialects.stablehlo import (
    BroadcastInDim,
    Case,
    Compare,
    Constant,
    CustomCall,
    DynamicBroadcastInDim,
    DynamicReshape,
    If,
    RealDynamicSlice,
    Reshape,
    While,
)
from irc.errors import IrcError
from irc.ir.extents import Undecided
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Region, Value, refine
from irc.ir.rewriting import Rewriter, RewriteSet, same_operations
from irc.ir.types import Dim, TensorType, Type, i64
from irc.passes.canonicalize import dynamic
from irc.passes.dce import without_dead_functions
from irc.passes.extents.ties import Slot, ties
from irc.passes.fold import folding
from irc.passes.manager import Context, Pass

MAX_SHAPE_BYTES = 4096
"""Constants up to this size are folded on the way: shapes are computed from extents."""


class Unequal(Exception):
    """Two expressions over named sizes that an op says are the same extent."""

    def __init__(self, left: int, right: int, op: Operation) -> None:
        super().__init__(f"{left} and {right} at {op.name}")
        self.left = left
        self.right = right
        self.span = span_of(op.location)


@dataclass(frozen=True)
class ShapeInference(Pass, name="shape_inference"):
    """Given  `%0 = tanh %x : tensor<?xf32>` with `%x : tensor<4xf32>`.  Result  `%0 = tanh %x : tensor<4xf32>`.

    Ops that take shapes as operands become those that say them, where they turn out constant."""

    def apply(self, module: Module, context: Context) -> Module:
        return specialize(module, {}, context)


def refined(module: Module, types: Sequence[Type], entry: str = "main") -> Module:
    """The module for arguments of these types, which must fit those of @entry; all that follows from them is inferred.

    Raises IrcError where a type does not fit, VerifyError where an op cannot work on what it would get."""
    return specialize(module, {entry: types}, Context())


def specialize(module: Module, entries: dict[str, Sequence[Type]], context: Context) -> Module:
    """Infers every public function for its own argument types, or those of `entries`; private ones as they are called."""
    whole = _Module(module, context)
    for op in module.operations:
        if isinstance(op, Func) and op.sym_visibility != "private" and not op.is_declaration:
            own = [a.type for a in op.arguments]
            types = entries.get(op.sym_name, own)
            if len(types) != len(own):
                raise IrcError(f"@{op.sym_name} takes {len(own)} arguments, not {len(types)}")
            whole.put(op.sym_name, op, [_met(a, b, op) for a, b in zip(own, types, strict=True)])
    operations = [whole.made.pop(op.sym_name, op) if isinstance(op, Func) else op for op in module.operations]
    new = [*operations, *whole.made.values()]
    if same_operations(new, module.operations):
        return module
    return without_dead_functions(module.with_operations(new))


@dataclass
class _Module:
    """Functions made so far, by symbol, and which function is for which types."""

    source: Module
    context: Context
    made: dict[str, Func] = field(default_factory=dict)
    names: dict[tuple[Any, ...], str] = field(default_factory=dict)
    running: dict[str, None] = field(default_factory=dict)

    def put(self, name: str, func: Func, types: Sequence[Type]) -> Func:
        block = _Refiner(self).body(func.block, types)
        made = func if block is func.block else func.with_block(block)
        self.made[name] = made if name == func.sym_name else made.with_attributes(sym_name=name)
        return self.made[name]

    def callee(self, call: Call, types: Sequence[Type]) -> Func | None:
        """The callee made for these types; None for a declaration or a function that is still being inferred."""
        func = self.source.symbols.get(call.callee)
        if not isinstance(func, Func) or func.is_declaration or call.callee in self.running:
            return None
        key = (call.callee, *types)
        if key not in self.names:
            taken = {*self.source.symbols, *self.made}
            first = func.sym_visibility == "private" and call.callee not in self.made
            own = all(map(is_, func.type.inputs, types))
            name = call.callee if first or own else _fresh(call.callee, taken)
            self.running[call.callee] = None
            self.names[key] = name
            if name not in self.made:
                self.put(name, func if first or own else _private(func), types)
            del self.running[call.callee]
        return self.made[self.names[key]]


def _private(func: Func) -> Func:
    return func.with_attributes(sym_visibility="private")


def _fresh(name: str, taken: Iterable[str]) -> str:
    number = 0
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


class _Refiner(Rewriter):
    """Replays ops on operands whose types know more, and lets results know what follows."""

    def __init__(self, whole: _Module) -> None:
        super().__init__(RewriteSet(dynamic.rules, folding(MAX_SHAPE_BYTES)), whole.context.rewrites)
        self.whole = whole

    def argument(self, old: Value, type: Type) -> Value:
        """A block argument of this type in the old one's place."""
        if old.type is type:
            return old
        self.map[old] = Value(type, None, old.index, old.name, old.location)
        return self.map[old]

    def body(self, block: Block, types: Sequence[Type]) -> Block:
        """The block with arguments of these types, in a scope of its own; the same object when nothing changed."""
        scope = self.nested()
        # A loop's body is tried with several types: what one try maps, the next must not see.
        scope.map = dict(self.map)
        arguments = [scope.argument(a, t) for a, t in zip(block.arguments, types, strict=True)]
        for op in block.operations:
            scope.replay(op)
        old, new = (*block.arguments, *block.operations), (*arguments, *scope.operations)
        same = len(new) == len(old) and all(map(is_, new, old))
        return block if same else Block(arguments, scope.operations)

    def replay(self, op: Operation) -> None:
        self.location = op.location
        match op:
            case While():
                self._loop(op)
            case If() | Case():
                self._branches(op)
            case Call():
                self._call(op)
            case CustomCall(call_target_name="shape_assertion") if self._holds(op):
                pass
            case _:
                try:
                    self._infer(op)
                except Undecided as error:
                    raise Undecided(f"'{op.name}': {error.message}", span=span_of(op.location)) from None

    def _infer(self, op: Operation) -> None:
        self._agree(op)
        made = self.mapped(op)
        form = dynamic.static_form(made)
        if form is None and isinstance(made, RealDynamicSlice):
            form = dynamic.moving_slice(made, self)
        made = made if form is None else form
        emitted = self.emit(_knowing(made, op))
        self.replace(op, emitted if isinstance(emitted, tuple) else (emitted,))

    def _agree(self, op: Operation) -> None:
        """Raises Unequal where operands have different expressions for what the op says is one extent."""
        if all(v.type.is_fixed for v in map(self.value, op.operands) if isinstance(v.type, TensorType)):
            return
        operands = dict.fromkeys(op.operands)
        through: dict[Slot, Dim] = {}
        for pair in ties(op) or ():
            m, n = (self.value(v).type.shape[i] if v in operands else through.get((v, i)) for v, i in pair)
            _same_extent(m, n, op)
            through.update(dict.fromkeys(pair, n if m is None else m))
        if isinstance(op, DynamicBroadcastInDim):
            self._stretch(op)

    def _stretch(self, op: DynamicBroadcastInDim) -> None:
        """An extent of the operand that is not known to be 1 is the result's."""
        target = dynamic.extents_of(self.value(op.output_dimensions))
        shape = self.value(op.operand).type.shape
        for n, d in zip(shape, op.broadcast_dimensions, strict=True):
            if target is not None and n != 1:
                _same_extent(n, target[d], op)

    def _holds(self, op: CustomCall) -> bool:
        """Whether an assertion about extents is true for every size that there may be; that two of them are equal is made so."""
        condition = self.value(op.operands[0])
        compared = condition.op
        if isinstance(compared, Compare) and compared.comparison_direction == "EQ":
            sides = [dynamic.extents_of(v) for v in compared.operands]
            if sides[0] is not None and sides[1] is not None:
                for m, n in zip(*sides, strict=True):
                    _same_extent(m, n, op)
        return dynamic.extents_of(condition) == [1]

    def _finish(
        self, op: Operation, operands: Sequence[Value], regions: Sequence[Region], types: Sequence[Type]
    ) -> None:
        """Emits the op with these parts; the old one where nothing changed."""
        if all(map(is_, (*operands, *regions, *types), (*op.operands, *op.regions, *op.result_types))):
            self.operations.append(op)
            return
        made = type(op).create(operands, types, op.attributes, regions, op.location)
        self.operations.append(made)
        self.replace(op, made.results)

    def _call(self, op: Call) -> None:
        operands = [self.value(o) for o in op.operands]
        func = self.whole.callee(op, [o.type for o in operands])
        if func is None:
            super().replay(op)
            return
        named = op if func.sym_name == op.callee else op.with_attributes(callee=func.sym_name)
        types = [_met(a, b, op) for a, b in zip(op.result_types, func.type.results, strict=True)]
        if named is not op or not all(map(is_, types, op.result_types)):
            made = Call.create(operands, types, named.attributes, (), op.location)
            self.operations.append(made)
            self.replace(op, made.results)
        else:
            super().replay(op)

    def _branches(self, op: If | Case) -> None:
        operands = [self.value(o) for o in op.operands]
        regions = [self._region(r, ()) for r in op.regions]
        given = zip(*([o.type for o in r.block.terminator.operands] for r in regions), strict=True)
        joined = [_joined(types) for types in given]
        types = [_met(declared, t, op) for declared, t in zip(op.result_types, joined, strict=True)]
        self._finish(op, operands, [_forgetting(r, joined) for r in regions], types)

    def _loop(self, op: While) -> None:
        """Carried values know what holds before the first iteration and after every one."""
        operands = [self.value(o) for o in op.operands]
        types = [_met(a.type, o.type, op) for a, o in zip(op.regions[1].arguments, operands, strict=True)]
        while True:
            regions = [self._region(r, types) for r in op.regions]
            after = [o.type for o in regions[1].block.terminator.operands]
            joined = [_joined(pair) for pair in zip(types, after, strict=True)]
            if all(map(is_, joined, types)):
                break
            types = joined
        results = [_met(r.type, t, op) for r, t in zip(op.results, types, strict=True)]
        self._finish(op, operands, regions, results)

    def _region(self, region: Region, types: Sequence[Type]) -> Region:
        block = self.body(region.block, types)
        return region if block is region.block else Region([block])


def _knowing(op: Operation, old: Operation) -> Operation:
    """The op with results that know all that the old type, the operands and the op itself say."""
    types = [_met(a.type, b.type, op) for a, b in zip(old.results, op.results, strict=True)]
    match op:
        case Reshape():
            types = [_filled(types[0], op.operand.type)]
        case BroadcastInDim():
            types = [_stretched(types[0], op)]
    if all(map(is_, types, op.result_types)):
        return op
    made = op.with_operands(op.operands) if op is old else op
    refine(made, types)
    for before, after in zip(old.results, made.results, strict=True):
        after.name = before.name
    return made


def _met(a: Any, b: Any, op: Operation) -> Any:
    """The type that knows what either knows; raises VerifyError where they contradict each other."""
    if a is b or not (isinstance(a, TensorType) and isinstance(b, TensorType)):
        return a
    if a.element is not b.element or a.rank != b.rank:
        raise op.error("types", f"has {a} where {b} is given")
    shape: list[Dim] = []
    for m, n in zip(a.shape, b.shape, strict=True):
        if m is not None and n is not None and m != n:
            _same_extent(m, n, op)
            raise op.error("types", f"has {a} where {b} is given")
        shape.append(n if m is None else m)
    return TensorType(tuple(shape), a.element, a.encoding)


def _same_extent(m: Dim, n: Dim, op: Operation) -> None:
    """Raises Unequal for two extents that are not written alike, one of them an expression."""
    if m is not None and n is not None and m != n and not (isinstance(m, int) and isinstance(n, int)):
        raise Unequal(m, n, op)


def _joined(types: Sequence[Any]) -> Any:
    """The type that knows what all of them know alike."""
    first = types[0]
    if all(t is first for t in types) or not isinstance(first, TensorType):
        return first
    columns = zip(*(t.shape for t in types), strict=True)
    return first.with_shape(tuple(c[0] if all(n == c[0] for n in c) else None for c in columns))


def _forgetting(region: Region, types: Sequence[Any]) -> Region:
    """The branch, giving these types: where it gives a larger or smaller tensor than another branch, it must not say."""
    *operations, end = region.operations
    operands = list(end.operands)
    for i, (value, type) in enumerate(zip(end.operands, types, strict=True)):
        if value.type is not type and value.type.is_static:
            shape = Constant.of(value.type.shape, i64)
            made = DynamicReshape.create([value, shape.output], [type], {}, (), end.location)
            operations += [shape, made]
            operands[i] = made.result
    if all(map(is_, operands, end.operands)):
        return region
    return Region([Block((), [*operations, end.with_operands(operands)])])


def _filled(type: TensorType, source: TensorType) -> TensorType:
    """A reshape's one unknown extent, from the number of elements."""
    known = 1
    for n in type.shape:
        known *= 1 if n is None else n
    if type.shape.count(None) != 1 or not source.is_static or known == 0:
        return type
    return type.with_shape(tuple(source.size // known if n is None else n for n in type.shape))


def _stretched(type: TensorType, op: BroadcastInDim) -> TensorType:
    """A broadcast's extents, from those of the operand that are not 1."""
    shape = list(type.shape)
    for n, d in zip(op.operand.type.shape, op.broadcast_dimensions, strict=True):
        if shape[d] is None and n != 1:
            shape[d] = n
    return type.with_shape(tuple(shape))
