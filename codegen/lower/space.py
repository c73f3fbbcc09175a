"""Index analysis: which element of which buffer a fused computation reads, as an affine function of loop counters.

A loop or row kernel computes some values at every point of an iteration space. `trace` follows a value from its index
back through broadcasts, transposes, slices and reshapes to the buffers it is read from; what it returns is a graph of
nodes whose leaves carry an affine address. Reshapes split loop counters where they must (32x16384 into 32x64x16x16)."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.errors import UnsupportedError
from irc.ir.extents import Undecided, divides
from irc.ir.locations import span_of
from irc.ir.operation import Operation, Value
from irc.ir.types import TensorType, row_major_strides

Counter = tuple[str, int]
"""A loop counter: the dimension it belongs to, and its place among the factors that dimension was split into."""


class NotAffine(Exception):
    """`value` cannot be computed inside this kernel: its index is not affine in the loop counters."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class _Uneven(Exception):
    """An index that no splitting divides evenly."""


class _Split(Exception):
    """The counter must be split so that its inner part runs over `low` values."""

    def __init__(self, counter: Counter, low: int) -> None:
        super().__init__()
        self.counter = counter
        self.low = low


@dataclass(frozen=True, slots=True)
class Affine:
    """sum(coefficient * counter) + constant; no coefficient is zero."""

    terms: tuple[tuple[Counter, int], ...] = ()
    constant: int = 0

    def __add__(self, other: Affine | int) -> Affine:
        if not isinstance(other, Affine):
            return Affine(self.terms, self.constant + other)
        total = dict(self.terms)
        for counter, c in other.terms:
            total[counter] = total.get(counter, 0) + c
        return Affine(tuple((k, c) for k, c in total.items() if c != 0), self.constant + other.constant)

    def __mul__(self, factor: int) -> Affine:
        if factor == 0:
            return Affine()
        return Affine(tuple((k, c * factor) for k, c in self.terms), self.constant * factor)

    def coefficient(self, counter: Counter) -> int:
        return dict(self.terms).get(counter, 0)


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A value at a place of the iteration space; compares by identity."""

    type: Any
    """The element type."""


@dataclass(frozen=True, eq=False, slots=True)
class Leaf(Node):
    """An element of a buffer (a function argument), `address` elements from its start.

    `dynamic` adds run-time offsets (dynamic_slice): scalar node, largest legal start, stride in elements."""

    buffer: Value
    address: Affine
    dynamic: tuple[tuple[Node, int, int], ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Apply(Node):
    """An elementwise op on nodes."""

    op: Operation
    operands: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Splat(Node):
    """One number everywhere."""

    value: Any


@dataclass(frozen=True, eq=False, slots=True)
class Position(Node):
    """An index as a number (iota)."""

    index: Affine


@dataclass(frozen=True, eq=False, slots=True)
class Reduced(Node):
    """A result of a reduction over `counters`, at a place given by the kept counters."""

    op: Operation
    number: int
    inputs: tuple[Node, ...]
    initial: tuple[Node, ...]
    counters: tuple[Counter, ...]


@dataclass
class Space:
    """Named dimensions with extents, in loop order, each split into factors (outermost first)."""

    extents: dict[str, int] = field(default_factory=dict)
    splits: dict[str, list[int]] = field(default_factory=dict)

    def dimension(self, name: str, extent: int) -> Affine:
        """The dimension's index in terms of its counters."""
        self.extents[name] = extent
        factors = self.splits.setdefault(name, [extent])
        index, stride = Affine(), 1
        for place in reversed(range(len(factors))):
            if factors[place] not in (0, 1):
                index = index + Affine((((name, place), stride),))
            stride *= factors[place]
        return index

    def counters(self, names: Sequence[str]) -> list[Counter]:
        return [(n, i) for n in names for i, e in enumerate(self.splits[n]) if e not in (0, 1)]

    def extent(self, counter: Counter) -> int:
        return self.splits[counter[0]][counter[1]]

    def split(self, counter: Counter, low: int) -> None:
        factors = self.splits[counter[0]]
        factors[counter[1] : counter[1] + 1] = [factors[counter[1]] // low, low]

    def divide(self, index: Affine, by: int) -> tuple[Affine, Affine]:
        """Quotient and remainder, both affine; splits a counter or raises _Uneven where they are not."""
        if by == 1:
            return index, Affine()
        try:
            return self._divide(index, by)
        except Undecided:
            raise _Uneven from None

    def _divide(self, index: Affine, by: int) -> tuple[Affine, Affine]:
        high = tuple((k, c // by) for k, c in index.terms if divides(by, c))
        low = tuple((k, c) for k, c in index.terms if not divides(by, c))
        rest = index.constant % by
        if low:
            turns = [c * (self.extent(k) - 1) for k, c in low]
            if rest + sum(t for t in turns if t < 0) < 0 or rest + sum(t for t in turns if t >= 0) >= by:
                for k, c in low:
                    inner = by // abs(c) if divides(c, by) else 0
                    if inner != 0 and self.extent(k) != inner and divides(inner, self.extent(k)):
                        raise _Split(k, inner)
                raise _Uneven
        return Affine(high, index.constant // by), Affine(low, rest)


def linear(index: Sequence[Affine], shape: Sequence[int]) -> Affine:
    """The row-major address of an index in a dense array."""
    total = Affine()
    for i, stride in zip(index, row_major_strides(tuple(shape)), strict=True):
        assert stride is not None
        total = total + i * stride
    return total


@dataclass(frozen=True, slots=True)
class Lines:
    """Some rows of a row function that are computed where they stand: `values` of theirs have memory of `count` rows only,
    `pitch` elements apart, which the dimension `LINE` walks."""

    values: Container[Value]
    count: int
    pitch: int

    def address(self, space: Space, index: Sequence[Affine], full: int) -> Affine:
        """Where such a value has the element at an index of a row (of `full` dimensions), or the row's one."""
        line = space.dimension(LINE, self.count)
        return line * self.pitch + index[-1] if len(index) == full else line


LINE = "l"


class Tracer:
    """Traces values of one function over one space; equal questions have one node as answer."""

    def __init__(
        self, space: Space, leaves: Sequence[Value], addresses: Mapping[Value, Affine] | None = None
    ) -> None:
        self.space = space
        self.leaves = dict.fromkeys(leaves)
        self.addresses = addresses or {}
        """Of leaves that are read at one place only."""
        self.memo: dict[tuple[Value, tuple[Affine, ...]], Node] = {}
        self.conversions: dict[tuple[Node, Any], Node] = {}

    def trace(self, value: Value, index: tuple[Affine, ...]) -> Node:
        """The node of `value` at `index`. Raises NotAffine, or UnsupportedError for an op that no kernel of this kind holds."""
        key = (value, index)
        node = self.memo.get(key)
        if node is None:
            node = self.memo[key] = self._make(value, index)
        return node

    def _make(self, value: Value, index: tuple[Affine, ...]) -> Node:
        t = value.type
        if value in self.leaves:
            return Leaf(t.element, value, self.addresses.get(value) or linear(index, t.static_shape))
        op = value.op
        rule = INDEXING.get(type(op)) if op is not None else None
        if rule is not None:
            return rule(self, op, value, index)
        if op is not None and getattr(op, "elementwise", False):
            # Operands of rank 0 beside shaped ones spread (clamp, select).
            places = [index if o.type.rank else () for o in op.operands]
            return Apply(t.element, op, tuple(map(self.trace, op.operands, places)))
        name = op.title if op is not None else "a value from outside the function"
        raise UnsupportedError(f"'{name}' cannot be part of a loop kernel", span=span_of(value.location))

    def converted(self, node: Node, element: Any) -> Node:
        """The node as an element of another type (a reduction's body may be wider than what it reduces)."""
        if node.type is element:
            return node
        key = (node, element)
        if key not in self.conversions:
            op = hlo.Convert(Value(TensorType((), node.type)), result_types=[TensorType((), element)])
            self.conversions[key] = Apply(element, op, (node,))
        return self.conversions[key]

    def reshaped(self, value: Value, address: Affine) -> Node:
        """The node of `value` at a row-major address."""
        if value in self.leaves:
            return Leaf(value.type.element, value, address)
        index, rest = [], address
        try:
            for stride in row_major_strides(value.type.static_shape):
                assert stride is not None
                at, rest = self.space.divide(rest, stride)
                index.append(at)
        except _Uneven:
            raise NotAffine(value) from None
        return self.trace(value, tuple(index))


def _broadcast(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    shape = op.operand.type.static_shape
    return t.trace(
        op.operand,
        tuple(Affine() if e == 1 else index[d] for d, e in zip(op.broadcast_dimensions, shape, strict=True)),
    )


def _transpose(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    source: list[Affine] = [Affine()] * len(index)
    for at, d in zip(index, op.permutation, strict=True):
        source[d] = at
    return t.trace(op.operand, tuple(source))


def _reshape(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    return t.reshaped(op.operand, linear(index, value.type.static_shape))


def _slice(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    return t.trace(
        op.operand, tuple(i * s + b for i, s, b in zip(index, op.strides, op.start_indices, strict=True))
    )


def _reverse(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    shape = value.type.static_shape
    return t.trace(
        op.operand,
        tuple(i * -1 + (shape[d] - 1) if d in op.dimensions else i for d, i in enumerate(index)),
    )


def _constant(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    if not op.value.is_splat:
        raise UnsupportedError(
            f"'{op.name}' of several numbers inside a kernel is not supported", span=span_of(op.location)
        )
    return Splat(value.type.element, op.value.splat_array[()])


def _iota(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    return Position(value.type.element, index[op.iota_dimension])


def _dimension_size(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    extent = op.operand.type.static_shape[op.dimension]
    return Position(value.type.element, Affine(constant=extent))


def _dynamic_slice(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    if op.operand not in t.leaves:
        raise NotAffine(op.operand)
    shape = op.operand.type.static_shape
    dynamic = tuple(
        (t.trace(start, ()), extent - size, stride)
        for start, extent, size, stride in zip(
            op.start_indices, shape, op.slice_sizes, row_major_strides(shape), strict=True
        )
        if extent != size
    )
    return Leaf(value.type.element, op.operand, linear(index, shape), dynamic)


def _gather(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    """An element of the operand, as far after the window's start as its place in the window."""
    if op.operand not in t.leaves:
        raise NotAffine(op.operand)
    d, shape = op.dimension_numbers, op.operand.type.static_shape
    batch = [i for n, i in enumerate(index) if n not in d.offset_dims]
    within = iter([index[n] for n in d.offset_dims])
    aside = (*d.collapsed_slice_dims, *d.operand_batching_dims)
    place = [Affine() if n in aside else next(within) for n in range(len(shape))]
    for n, m in zip(d.operand_batching_dims, d.start_indices_batching_dims, strict=True):
        place[n] = batch[m - (m > d.index_vector_dim)]
    strides, dynamic = row_major_strides(shape), []
    for k, n in enumerate(d.start_index_map):
        at = [*batch[: d.index_vector_dim], Affine(constant=k), *batch[d.index_vector_dim :]]
        start = t.trace(op.start_indices, tuple(at[: op.start_indices.type.rank]))
        dynamic.append((start, shape[n] - op.slice_sizes[n], strides[n]))
    return Leaf(value.type.element, op.operand, linear(place, shape), tuple(dynamic))


def _reduce(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    if any(counter[0].startswith("r") for i in index for counter, _ in i.terms):
        raise NotAffine(value)  # a reduction inside the elements of another
    shape = op.inputs[0].type.static_shape
    names = reduced_names(op)
    reduced = {d: t.space.dimension(name, shape[d]) for d, name in names.items()}
    kept = iter(index)
    source = tuple(reduced[d] if d in reduced else next(kept) for d in range(len(shape)))
    elements = [r.type.element for r in op.results]
    return Reduced(
        value.type.element,
        op,
        value.index,
        tuple(t.converted(t.trace(x, source), e) for x, e in zip(op.inputs, elements, strict=True)),
        tuple(t.converted(t.trace(x, ()), e) for x, e in zip(op.init_values, elements, strict=True)),
        tuple(t.space.counters(tuple(names.values()))),
    )


def _bitcast(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    if op.operand.type.shape != value.type.shape:
        raise UnsupportedError(
            f"'{op.name}' that changes the shape inside a kernel is not supported", span=span_of(op.location)
        )
    return Apply(value.type.element, op, (t.trace(op.operand, index),))


def _part(t: Tracer, op: Any, value: Value, index: tuple[Affine, ...]) -> Node:
    """One of the two numbers that a complex one is in memory."""
    if op.operand not in t.leaves:
        raise NotAffine(op.operand)
    address = linear(index, value.type.static_shape) * 2 + isinstance(op, hlo.Imag)
    return Leaf(value.type.element, op.operand, address)


def reduced_names(op: Any) -> dict[int, str]:
    """The space's dimension for each reduced dimension of an op; reductions over equal extents share them."""
    shape = op.inputs[0].type.static_shape
    return {d: f"r{place}:{shape[d]}" for place, d in enumerate(sorted(op.dimensions))}


INDEXING: dict[type[Operation], Any] = {
    hlo.BroadcastInDim: _broadcast,
    hlo.Transpose: _transpose,
    hlo.Reshape: _reshape,
    hlo.Slice: _slice,
    hlo.Reverse: _reverse,
    hlo.Constant: _constant,
    hlo.Iota: _iota,
    hlo.DynamicSlice: _dynamic_slice,
    hlo.Gather: _gather,
    hlo.BitcastConvert: _bitcast,
    hlo.Reduce: _reduce,
    hlo.Real: _part,
    hlo.Imag: _part,
    hlo.GetDimensionSize: _dimension_size,
}
"""How ops that only say where an element comes from are followed."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where a value goes: element `index` of the box `shape`, which is element `start + index` of `value`, is written at
    `sum(index * strides) + offset` of the output buffer.

    `dynamic` adds run-time offsets: scalar value, largest legal start, stride."""

    value: Value
    buffer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    start: tuple[int, ...] = ()
    dynamic: tuple[tuple[Value, int, int], ...] = ()

    @staticmethod
    def whole(value: Value, buffer: int, step: int = 1, offset: int = 0) -> Store:
        """The value into a buffer of its own shape, each element `step` after the one before."""
        shape = value.type.static_shape
        return Store(value, buffer, shape, tuple(s * step for s in row_major_strides(shape)), offset)


@dataclass(frozen=True, slots=True)
class Traced:
    """A store whose value is a node: the root of what a loop nest computes."""

    node: Node
    buffer: int
    address: Affine
    dynamic: tuple[tuple[Node, int, int], ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.node, *(start for start, _, _ in self.dynamic))


def trace_stores(
    space: Space, leaves: Sequence[Value], stores: Sequence[Store], prefix: str = "i"
) -> list[Traced]:
    """Traces stores over one space, whose dimensions `i0, i1, ...` are those of the first store's box.

    A store of as many elements but another shape is traced by address (a reshape of the space)."""
    shape = stores[0].shape
    while True:
        tracer = Tracer(space, leaves)
        try:
            index = tuple(space.dimension(f"{prefix}{d}", e) for d, e in enumerate(shape))
            return [_trace_store(tracer, s, index, shape) for s in stores]
        except _Split as need:
            space.split(need.counter, need.low)


def _trace_store(t: Tracer, store: Store, index: tuple[Affine, ...], shape: tuple[int, ...]) -> Traced:
    dynamic = tuple((t.trace(v, ()), limit, stride) for v, limit, stride in store.dynamic)
    if store.shape != shape:
        step = store.strides[-1] if store.strides else 1
        whole = Store.whole(store.value, store.buffer, step, store.offset)
        assert prod(shape) == prod(store.shape) and store == whole, "stores of one nest"
        address = linear(index, shape)
        return Traced(t.reshaped(store.value, address), store.buffer, address * step + store.offset, dynamic)
    at = tuple(i + s for i, s in zip(index, store.start, strict=True)) if store.start else index
    address = Affine(constant=store.offset)
    for i, stride in zip(index, store.strides, strict=True):
        address = address + i * stride
    return Traced(t.trace(store.value, at), store.buffer, address, dynamic)


def trace_rows(
    space: Space, leaves: Sequence[Value], returned: Sequence[Value], lines: Lines | None = None
) -> list[Traced]:
    """Traces results over the dimensions a reduction keeps (`k0, ...`) and those it reduces (`r0:extent, ...`).

    A result has as many elements as the reduction's result, or as its operand."""
    first: Any = next(op for op in _above(returned, leaves) if isinstance(op, hlo.Reduce))
    shape, kept = first.inputs[0].type.static_shape, first.results[0].type.static_shape
    while True:
        names = reduced_names(first)
        try:
            rows = tuple(space.dimension(f"k{d}", e) for d, e in enumerate(kept))
            reduced = {d: space.dimension(name, shape[d]) for d, name in names.items()}
            left = iter(rows)
            places = tuple(reduced[d] if d in reduced else next(left) for d in range(len(shape)))
            spaces = ((kept, rows), (shape, places))
            held = {} if lines is None else _line_addresses(space, lines, (*leaves, *returned), spaces)
            tracer = Tracer(space, leaves, held)
            return [_trace_row(tracer, v, i, spaces) for i, v in enumerate(returned)]
        except _Split as need:
            space.split(need.counter, need.low)


def _line_addresses(space: Space, lines: Lines, values: Sequence[Value], spaces: Any) -> dict[Value, Affine]:
    (_, rows), (shape, places) = spaces
    return {
        v: lines.address(space, places if v.type.static_shape == shape else rows, len(shape))
        for v in values
        if v in lines.values
    }


def _trace_row(t: Tracer, value: Value, buffer: int, spaces: Any) -> Traced:
    for shape, index in spaces:
        if value.type.static_shape == shape:
            address = t.addresses.get(value) or linear(index, shape)
            return Traced(t.trace(value, index), buffer, address)
    for shape, index in spaces:
        if value.type.size == prod(shape):
            address = linear(index, shape)
            return Traced(t.reshaped(value, address), buffer, address)
    raise UnsupportedError(
        f"a result of type {value.type} beside this reduction is not supported", span=span_of(value.location)
    )


def _above(values: Sequence[Value], leaves: Sequence[Value]) -> Iterator[Operation]:
    """The ops that `values` depend on, users before operands, as far as the leaves."""
    stack, seen = list(reversed(values)), set(leaves)
    while stack:
        value = stack.pop()
        if value.op is not None and value not in seen:
            seen.add(value)
            yield value.op
            stack.extend(reversed(value.op.operands))


def all_nodes(roots: Sequence[Node], known: Container[Node] = ()) -> list[Node]:
    """Every node at and below `roots`, operands before users, each once; those in `known` (and below) left out."""
    seen: dict[Node, None] = {}
    stack: list[tuple[Node, bool]] = [(n, False) for n in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if node in seen or node in known:
            continue
        below = operands_of(node)
        if done or not below:
            seen[node] = None
        else:
            stack.append((node, True))
            stack.extend((n, False) for n in reversed(below))
    return list(seen)


def operands_of(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is computed from."""
    match node:
        case Apply(operands=operands):
            return operands
        case Reduced(inputs=inputs, initial=initial):
            return (*inputs, *initial)
        case Leaf(dynamic=dynamic):
            return tuple(start for start, _, _ in dynamic)
    return ()
