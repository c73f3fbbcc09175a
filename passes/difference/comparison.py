"""What two canonical functions differ in, op by op."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from irc.dialects.stablehlo import (
    BroadcastInDim,
    Case,
    Constant,
    Divide,
    DotGeneral,
    If,
    Multiply,
    Pad,
    Reshape,
    Transpose,
    While,
)
from irc.ir.attributes import Attribute, DenseArrayAttr, DenseElementsAttr, FloatAttr, IntegerAttr
from irc.ir.keys import region_key
from irc.ir.locations import UNKNOWN, Location
from irc.ir.operation import Operation, Value
from irc.passes.canonical.axes import is_free
from irc.passes.canonical.symmetry import is_symmetric
from irc.passes.difference.alignment import Alignment, Node, elements_of


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` of an op is `a` in one program and `b` in the other, "" where it is not there.

    `follows` says that the ops read values of other extents, so that a difference was to be expected."""

    op: str
    what: str
    a: str
    b: str
    place_a: Location = UNKNOWN
    place_b: Location = UNKNOWN
    follows: bool = False
    a_node: Node | None = field(default=None, compare=False)
    b_node: Node | None = field(default=None, compare=False)


ORDER = "order of dimensions"
"""What a result differs in that has the same extents in another order."""


def compare(alignment: Alignment) -> list[Difference]:
    """The differences of two aligned functions, in the order of the first."""
    found: list[Difference] = []
    turned: dict[Node, None] = {}
    for x, y in alignment.pairs():
        reads_turned = any(o in turned for o in alignment.a.operands[x])
        is_turned = isinstance(x, DotGeneral) and isinstance(y, DotGeneral) and _is_turned(x, y, alignment)
        if is_turned or (reads_turned and any(len(s) > 1 for s in _shapes(x))):
            turned[x] = None
        if not is_turned:
            for d in _of_nodes(x, y, alignment):
                follows = d.follows or (reads_turned and d.what != "constant")
                follows = follows or (d.what == "constant" and _counts_elements(x, alignment))
                found.append(replace(d, follows=follows))
    only_a, only_b = alignment.alone()
    found += [_alone(n, True, alignment) for n in only_a]
    found += [_alone(n, False, alignment) for n in only_b]
    return found


NEAR = 4
"""Steps from a constant to the op whose extents it may come from."""


def _counts_elements(x: Node, alignment: Alignment, is_a: bool = True) -> bool:
    """Whether extents differ near an op, so that a constant of it (the divisor of a mean) was to differ."""
    graph, other = (alignment.a, alignment.to_b) if is_a else (alignment.b, alignment.to_a)
    reached = {x: None}
    for _ in range(NEAR):
        near = (
            n
            for node in reached
            for n in (*graph.operands[node], *graph.users.get(node, ()))
            if n is not None
        )
        reached = {**reached, **dict.fromkeys(near)}
    return any(n in other and _extents(n) != _extents(other[n]) for n in reached)


def _is_turned(x: DotGeneral, y: DotGeneral, alignment: Alignment) -> bool:
    """Whether two products are one with its sides changed, so that the result's dimensions are turned round."""
    d, e = x.dot_dimension_numbers, y.dot_dimension_numbers
    sides = (d.lhs_contracting_dimensions, d.rhs_contracting_dimensions)
    others = (e.rhs_contracting_dimensions, e.lhs_contracting_dimensions)
    turned = _fits(x.operands, y.operands[::-1], alignment)
    return (
        not d.lhs_batching_dimensions
        and sides == others
        and turned > _fits(x.operands, y.operands, alignment)
    )


def _differ(x: Node, y: Node, what: str, words: Sequence[str], follows: bool = False) -> Difference:
    """A difference of two matched nodes."""
    return Difference(_name(x), what, words[0], words[1], x.location, y.location, follows, x, y)


def _of_nodes(x: Node, y: Node, alignment: Alignment) -> Iterator[Difference]:
    if isinstance(x, While | If | Case):
        return
    elements = elements_of(x), elements_of(y)
    if elements[0] != elements[1]:
        words = [", ".join(e) for e in elements]
        yield _differ(x, y, "element type", words, _reads_other_elements(x, y, alignment))
    is_op = isinstance(x, Operation) and isinstance(y, Operation)
    follows = (
        _input_shapes(x) != _input_shapes(y) or elements[0] != elements[1]
        if isinstance(x, Operation) and isinstance(y, Operation)
        else bool(alignment.a.operands[x])
    )
    found = list(_of_operations(x, y, alignment)) if is_op else []  # type: ignore[arg-type]
    yield from (replace(d, follows=d.follows or follows) for d in found)
    if not found and _extents(x) != _extents(y):
        # What is spread is spread as far as its users ask.
        asked = isinstance(x, Operation) and is_free(x.results[0])
        turned = [sorted(map(str, e)) for e in _extents(x)] == [sorted(map(str, e)) for e in _extents(y)]
        what = ORDER if turned else "shape"
        yield _differ(x, y, what, [_shape_text(_shapes(n)) for n in (x, y)], follows or asked)


def _of_operations(x: Operation, y: Operation, alignment: Alignment) -> Iterator[Difference]:
    names = [
        n for n in dict.fromkeys((*x.attributes, *y.attributes)) if x.attributes.get(n) != y.attributes.get(n)
    ]
    if isinstance(x, Pad) and isinstance(y, Pad) and names:
        yield _differ(x, y, "padding", [_padding_text(op) for op in (x, y)])
    elif names:
        # One difference for all attributes of an op.
        yield _differ(x, y, ", ".join(names), [_attributes_text(op, names) for op in (x, y)])
    yield from _of_operands(x, y, alignment)
    if region_key(x.regions, {}) != region_key(y.regions, {}):
        yield _differ(x, y, "body", [_body(op) for op in (x, y)], elements_of(x) != elements_of(y))


def _padding_text(op: Pad) -> str:
    inside = op.interior_padding
    words = [
        ("low", op.edge_padding_low),
        ("high", op.edge_padding_high),
        *([("interior", inside)] if any(inside) else []),
    ]
    return "; ".join(f"{word} {', '.join(map(str, places))}" for word, places in words)


def _attributes_text(op: Operation, names: Sequence[str]) -> str:
    given = {n: _attribute_text(op.attributes[n]) for n in names if n in op.attributes}
    return (
        next(iter(given.values()), "default")
        if len(names) == 1
        else ", ".join(f"{n} {v}" for n, v in given.items())
    )


def _of_operands(x: Operation, y: Operation, alignment: Alignment) -> Iterator[Difference]:
    of_x, of_y = list(x.operands), list(y.operands)
    if (
        is_symmetric(x)
        and len(of_x) == 2
        and _fits(of_x, of_y[::-1], alignment) > _fits(of_x, of_y, alignment)
    ):
        of_y.reverse()
    names = _operand_names(x)
    for i, (v, w) in enumerate(zip(of_x, of_y, strict=False)):
        if _agree(v, w, alignment):
            continue
        constants = isinstance(v.op, Constant), isinstance(w.op, Constant)
        what = "constant" if all(constants) else names[i] if i < len(names) else f"operand {i}"
        yield _differ(x, y, what, (_value_text(v), _value_text(w)))
    if len(of_x) != len(of_y):
        yield _differ(x, y, "number of operands", (str(len(of_x)), str(len(of_y))))


def _operand_names(op: Operation) -> Sequence[str]:
    fields = type(op).operand_fields
    return [f.name for f in fields] if type(op).single_operands else ()


def _fits(of_x: Sequence[Value], of_y: Sequence[Value], alignment: Alignment) -> int:
    return sum(_agree(v, w, alignment) for v, w in zip(of_x, of_y, strict=False))


def _agree(v: Value, w: Value, alignment: Alignment) -> bool:
    """Whether two values are the same: matched, or constants of one value (in whatever shape)."""
    if isinstance(v.op, Constant) and isinstance(w.op, Constant):
        return v.op.attributes["value"] == w.op.attributes["value"] or None is not _number(v) == _number(w)
    node = alignment.a.node(v)
    if node is None or alignment.to_b.get(node) is not alignment.b.node(w):
        return False
    return v.op is None or isinstance(v.op, While | If | Case) or v.index == w.index


def _number(value: Value) -> str | None:
    """The one number that a constant is made of."""
    assert value.op is not None
    given = value.op.attributes["value"]
    if isinstance(given, DenseElementsAttr) and given.is_splat:
        return str(given.splat_array[()])
    return None


def _value_text(value: Value) -> str:
    if isinstance(value.op, Constant):
        return _number(value) or f"a constant {value.type}"
    return "an argument" if value.op is None else _name(value.op)


def _alone(node: Node, is_a: bool, alignment: Alignment) -> Difference:
    graph = alignment.a if is_a else alignment.b
    text = _shape_text(_shapes(node))
    place = node.location
    if isinstance(node, Operation):
        follows = _moves_ones_only(node) or (_scales(node) and _counts_elements(node, alignment, is_a))
    else:
        follows = bool(graph.operands[node])
    return Difference(
        _name(node), "", text if is_a else "", "" if is_a else text, place if is_a else UNKNOWN,
        UNKNOWN if is_a else place, follows, node if is_a else None, None if is_a else node,
    )  # fmt: skip


def _scales(op: Operation) -> bool:
    """Whether an op multiplies or divides by a constant: by 36 it divides, by 1/32 it multiplies."""
    return isinstance(op, Multiply | Divide) and any(isinstance(v.op, Constant) for v in op.operands)


def _moves_ones_only(op: Operation) -> bool:
    """Whether an op only puts extents of 1 elsewhere."""
    if not isinstance(op, Reshape | Transpose | BroadcastInDim):
        return False
    before, after = ([n for n in v.type.shape if n != 1] for v in (op.operands[0], op.results[0]))
    return before == after


def _reads_other_elements(x: Node, y: Node, alignment: Alignment) -> bool:
    above = zip(alignment.a.operands[x], alignment.b.operands[y], strict=False)
    return any(o is not None and p is not None and elements_of(o) != elements_of(p) for o, p in above)


def _name(node: Node) -> str:
    return node.name.removeprefix("stablehlo.") if isinstance(node, Operation) else "argument"


def _shapes(node: Node) -> list[tuple[int | None, ...]]:
    values = node.results if isinstance(node, Operation) else (node,)
    return [tuple(v.type.shape) if hasattr(v.type, "shape") else () for v in values]


def _extents(node: Node) -> list[list[int | None]]:
    """The shapes without extents of 1, which programs put where they like."""
    return [[n for n in shape if n != 1] for shape in _shapes(node)]


def _shape_text(shapes: Sequence[tuple[int | None, ...]]) -> str:
    return ", ".join("x".join("?" if n is None else str(n) for n in s) or "scalar" for s in shapes)


def _input_shapes(op: Operation) -> list[tuple[int | None, ...]]:
    """The shapes that an op reads; what it reads of constants it says itself."""
    return sorted(
        (
            tuple(v.type.shape)
            for v in op.operands
            if hasattr(v.type, "shape") and not isinstance(v.op, Constant)
        ),
        key=str,
    )


def _attribute_text(attribute: Attribute) -> str:
    """An attribute's value without its type."""
    match attribute:
        case DenseArrayAttr(value=items):
            return str(list(items))
        case DenseElementsAttr(array=array):
            return str(array.tolist())
        case IntegerAttr(value=value) | FloatAttr(value=value):
            return str(value)
    return str(attribute)


def _body(op: Operation) -> str:
    names = [_name(inner) for region in op.regions for inner in region.block.operations[:-1]]
    return ", ".join(names)
