"""The canonical form: what a program computes, blind to who wrote it.

Names, locations and discardable attributes go; equal spellings become one; parameters are [in, out] and HWIO, activations
NHWC; results, operands of commutative ops, ops and arguments stand in an order that follows from the program alone.
@main keeps its signature and permutes arguments and results around a call of @canonical, so that two programs are the
same exactly if the texts of @canonical are. Bits stay.

    simplify    inline; algebra, ones, sinking and loops beside canonicalization and folding, until nothing changes
    axes, plan  which dimensions are one, and the order each is held in
    arrange     the function in these orders
    colours     digests that see neither names nor order
    ordering    results, ops, operands and arguments in the order of their colours"""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects import func as F
from irc.dialects.builtin import Module, print_module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.attributes import ArrayAttr, Attribute, DictionaryAttr
from irc.ir.operation import Block, Operation, Region, Value
from irc.passes.canonical.arrange import Arranged, arrange
from irc.passes.canonical.ones import in_type, without_extents_of_one
from irc.passes.canonical.ordering import Ordered
from irc.passes.canonical.simplify import inlined, simplified
from irc.passes.layout.forms import Forms
from irc.passes.layout.orders import inverse
from irc.passes.manager import Context, Pass


@dataclass(frozen=True)
class Canonical(Pass, name="canonical"):
    """Given  `func @main(%w: tensor<4x3xf32>, %x: tensor<2x3xf32>) { dot_general %x, %w, contracting [1] x [1] }`.
    Result  `func private @canonical(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) { dot_general %x, %w, contracting [1] x [0] }`,
    and a @main that transposes %w and calls it.

    With `locations` ops keep where they came from."""

    locations: bool = False

    def apply(self, module: Module, context: Context) -> Module:
        module = inlined(module, context)
        operations: list[Operation] = []
        for op in module.operations:
            if isinstance(op, Func) and not op.is_declaration:
                operations += self._split(op, context)
        return Module.of(operations)

    def _split(self, func: Func, context: Context) -> tuple[Func, Func]:
        """The entry, and the canonical function that it calls."""
        arranged = arrange(simplified(func, context), context)
        ordered = Ordered(arranged.func.block, locations=self.locations)
        made = Func.of(canonical_name(func.sym_name), ordered.block, visibility="private")
        return _entry(func, made, arranged, ordered), made


def canonical_name(function: str) -> str:
    """The name of the canonical function of one called `function`."""
    return "canonical" if function == "main" else f"{function}_canonical"


def canonical_function(module: Module, *, locations: bool = False) -> Func:
    """The canonical form of @main, or of the only public function; raises IrcError where there is none."""
    made = Canonical(locations).apply(module, Context())
    functions = [op for op in made.operations if isinstance(op, Func)]
    entry = made.symbols.get("main", functions[0] if len(functions) == 2 else None)
    if not isinstance(entry, Func):
        raise IrcError("the module has no function @main")
    found = made.symbols[canonical_name(entry.sym_name)]
    assert isinstance(found, Func)
    return found


def canonical_text(module: Module) -> str:
    """The text of @main's canonical form: equal for two programs exactly if they compute the same in the same way."""
    return print_module(canonical_function(module), locations=False)


def _entry(func: Func, canonical: Func, arranged: Arranged, ordered: Ordered) -> Func:
    """The function of the old signature that calls the canonical one."""
    b = Forms()
    given = [Value(a.type, None, i) for i, a in enumerate(func.arguments)]
    orders = dict(zip(arranged.func.arguments, arranged.arguments, strict=True))
    place = {v: i for i, v in enumerate(arranged.func.arguments)}
    inside: dict[Value, Value] = {}

    def value(v: Value) -> Value:
        """What holds a value of the canonical function."""
        if v not in inside:
            inside[v] = b.transposed(without_extents_of_one(b, given[place[v]]), orders[v])
        return inside[v]

    operands = [value(v) for v in ordered.arguments]
    call = F.Call(operands, callee=canonical.sym_name, result_types=[v.type for v in canonical.returned])
    b.emit(call)
    inside.update(zip(ordered.results, call.results, strict=True))
    returned = []
    for v, order, old in zip(arranged.func.returned, arranged.results, func.returned, strict=True):
        returned.append(in_type(b, b.transposed(value(v), inverse(order)), old.type))
    b.emit(F.Return(returned))
    attributes = {k: _without_irc(v) for k, v in func.attributes.items() if not k.startswith("irc.")}
    return Func.create((), (), attributes, (Region([Block(given, b.operations)]),))


def _without_irc(attribute: Attribute) -> Attribute:
    """The attributes of arguments and results without irc's own."""
    match attribute:
        case ArrayAttr(value=items):
            return ArrayAttr(tuple(map(_without_irc, items)))
        case DictionaryAttr(value=entries):
            return DictionaryAttr(tuple((k, v) for k, v in entries if not k.startswith("irc.")))
    return attribute
