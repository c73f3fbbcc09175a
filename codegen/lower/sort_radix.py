"""Long rows sorted by the digits of a key, the lowest first: where the comparator compares what one function makes of one
operand's two elements, and that is a number whose bits can be put in its order.

Every pass is stable: elements whose keys are equal keep their places, as in a stable merge sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from irc.codegen.lower.blocks import below
from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.gather import in_vectors
from irc.codegen.lower.nest import buffer_bytes
from irc.dialects import arith, memref
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Return
from irc.ir.extents import typical
from irc.ir.operation import Block, Region, Value
from irc.ir.types import FloatType, IntegerType, MemRefType, VectorType, f32, f64, i32, index

LEAST = 64
"""Elements of a row that pay for counting digits."""
MANY = 1 << 13
"""Elements of a row that pay for longer digits, of which there are fewer."""
BITS, MANY_BITS = 8, 11
"""Of a digit, at most. Of the runs that are written at once, those of short digits keep their ends in the first-level
cache; the next lines of the others are asked for."""
TOGETHER, LANES, UNROLLED = 128, 16, 4
"""Elements whose digits are found before the first of them is moved (what has just been stored by vectors is slow to
read by elements), in vectors of so many; elements of a turn of the loop that moves them."""
LINE = 64

Place = Callable[[Index], list[Index]]


@dataclass(frozen=True)
class SortKey:
    """What is compared: `region` makes it from one element of every operand."""

    region: Region
    element: Any
    kind: str
    is_descending: bool

    @property
    def integer(self) -> IntegerType:
        return IntegerType(self.element.width)

    def of(self, b: KernelBuilder, values: Sequence[Value]) -> Value:
        """The keys of elements, or of vectors of them, as integers; what is less when read as unsigned comes first."""
        (value,) = apply_region(b, self.region, values)
        if self.kind == "FLOAT":
            value = b.emit(arith.AddF(value, b.constant(0.0, value.type)))  # -0 equals 0
        integer = arith.like(value.type, self.integer)
        sign = b.constant(-1 << (self.element.width - 1), integer)
        if isinstance(arith.element(value.type), FloatType):
            bits = b.emit(arith.Bitcast(value, result_types=[integer]))
            negative = b.emit(arith.ShRSI(bits, b.constant(self.element.width - 1, integer)))
            bits = b.emit(arith.XOrI(bits, b.emit(arith.OrI(negative, sign))))
        else:
            bits = b.emit(arith.XOrI(value, sign)) if self.kind == "SIGNED" else value
        return b.emit(arith.XOrI(bits, b.constant(-1, integer))) if self.is_descending else bits


def sort_key(op: Any) -> SortKey | None:
    """The key of a sort's comparator, if it has one."""
    region = op.comparator
    (less,) = region.operations[-1].operands
    compare = less.op
    if not isinstance(compare, hlo.Compare) or compare.comparison_direction not in ("LT", "GT"):
        return None
    element = compare.lhs.type.element
    if element not in (f32, f64) and not (isinstance(element, IntegerType) and element.width >= 8):
        return None
    firsts, seconds = region.arguments[::2], region.arguments[1::2]
    pairs = {**dict(zip(firsts, seconds, strict=True)), **dict(zip(seconds, firsts, strict=True))}
    if not _same(compare.lhs, compare.rhs, pairs):
        return None
    sides = {v for op in below([compare.lhs]) for v in op.operands} | {compare.lhs}
    is_swapped = any(v in seconds for v in sides)
    if is_swapped and any(v in firsts for v in sides):
        return None
    arguments = seconds if is_swapped else firsts
    made = Region([Block(arguments, [*below([compare.lhs]), Return([compare.lhs])])])
    kind = "UNSIGNED" if getattr(element, "is_unsigned", False) else "SIGNED"
    if isinstance(element, FloatType):
        kind = "TOTALORDER" if compare.compare_type == "TOTALORDER" else "FLOAT"
    return SortKey(made, element, kind, (compare.comparison_direction == "GT") != is_swapped)


def _same(x: Value, y: Value, pairs: dict[Value, Value]) -> bool:
    """Whether `y` is made of the second elements as `x` is of the first (or the other way round)."""
    stack = [(x, y)]
    while stack:
        a, c = stack.pop()
        if a.op is None or c.op is None:
            if pairs.get(a) is not c:
                return False
        elif type(a.op) is not type(c.op) or a.op.attributes != c.op.attributes or a.index != c.index:
            return False
        else:
            stack.extend(zip(a.op.operands, c.op.operands, strict=True))
    return True


def digits_of(width: int, count: int) -> list[tuple[int, int]]:
    """(first bit, bits) of every digit of a key of so many bits, the lowest first."""
    number = -(-width // (MANY_BITS if typical(count) >= MANY else BITS))
    ends = [width * i // number for i in range(number + 1)]
    return [(low, high - low) for low, high in pairwise(ends)]


@dataclass(frozen=True)
class _Side:
    """Where a row lies: a buffer of every operand, and the place of element i."""

    buffers: Sequence[Value]
    place: Place


def spare_rows(is_contiguous: bool) -> int:
    """How many buffers of a row's length belong to every operand, where rows are contiguous or are not."""
    return 1 if is_contiguous else 2


@dataclass(frozen=True)
class RadixSort:
    """The passes over one row. `scratch` holds the spare rows of one operand after the other; `counters` has a row for every
    digit."""

    key: SortKey
    inputs: Sequence[Value]
    outputs: Sequence[Value]
    scratch: Sequence[Value]
    counters: Value
    count: int
    place: Place
    is_contiguous: bool
    """Whether neighbours in the row are neighbours in memory."""

    @staticmethod
    def counters_for(b: KernelBuilder, key: SortKey, count: int) -> Value:
        """A counter for each digit's every value."""
        digits = digits_of(key.element.width, count)
        shape = (len(digits), 1 << max(bits for _, bits in digits))
        return b.emit(memref.Alloca((), (), alignment=LINE, result_types=[MemRefType(shape, i32)]))

    @cached_property
    def digits(self) -> list[tuple[int, int]]:
        return digits_of(self.key.element.width, self.count)

    def emit(self, b: KernelBuilder) -> None:
        rows, values = self.counters.type.shape
        b.loop(0, rows, 1, lambda b, d: b.loop(0, values, 1, lambda b, v: self._count(b, (d, v), 0)))
        shape = (len(self.digits), TOGETHER)
        found = b.emit(memref.Alloca((), (), alignment=LINE, result_types=[MemRefType(shape, i32)]))
        source, *sides = self._sides
        if not self.is_contiguous:
            b.loop(0, self.count, 1, lambda b, i: self._gather(b, i, source))
        tally = lambda b, _, n: [self._next(b, found, d, n) for d in range(rows)]  # noqa: E731
        self._each(b, source, found, range(rows), tally)
        b.loop(0, rows, 1, self._sum)
        for number in range(rows):
            target = sides[(rows - number) % 2]
            if number == rows - 1:
                target = _Side(self.outputs, self.place)
            self._pass(b, number, source, target, found)
            source = target

    @property
    def _sides(self) -> list[_Side]:
        """Where the row lies first, then the two places it is moved between: one of them the outputs where neighbours in the
        row are neighbours there."""
        spare, other = (
            _Side(self.scratch[k :: spare_rows(self.is_contiguous)], lambda i: [i]) for k in range(2)
        )
        if self.is_contiguous:
            return [_Side(self.inputs, self.place), spare, _Side(self.outputs, self.place)]
        return [other, spare, other]

    def _gather(self, b: KernelBuilder, i: Index, side: _Side) -> None:
        """An element to where the first pass reads."""
        for source, target in zip(self.inputs, side.buffers, strict=True):
            b.store(b.load(source, self.place(i)), target, side.place(i))

    def _count(self, b: KernelBuilder, at: Sequence[Index], value: int) -> None:
        b.store(b.constant(value, i32), self.counters, at)

    def _each(
        self,
        b: KernelBuilder,
        source: _Side,
        found: Value,
        numbers: Sequence[int],
        body: Callable[[KernelBuilder, Index, Index], Any],
    ) -> None:
        """`body(b, i, n)` for every element i, whose digits of these numbers are at place n of `found`."""

        def find(b: KernelBuilder, i: Index, n: Index, width: int) -> None:
            wide = [VectorType((width,), v.type.element) for v in source.buffers]
            key = self.key.of(
                b, [b.load(v, source.place(i), t) for v, t in zip(source.buffers, wide, strict=True)]
            )
            for number in numbers:
                b.store(self._digit(b, key, number), found, [number, n])

        def block(b: KernelBuilder, start: Index, size: int) -> None:
            in_vectors(b, size, lambda b, n, width: find(b, b.add(start, n), n, width), LANES)
            in_vectors(b, size, lambda b, n, width: turn(b, start, n, width), UNROLLED)

        def turn(b: KernelBuilder, start: Index, first: Index, width: int) -> None:
            for n in (b.add(first, k) for k in range(width)):
                body(b, b.add(start, n), n)

        whole = self.count - self.count % TOGETHER
        b.loop(0, whole, TOGETHER, lambda b, i: block(b, i, TOGETHER))
        if not isinstance(self.count, int):
            b.loop(whole, self.count, 1, lambda b, i: block(b, i, 1))
        elif self.count % TOGETHER:
            block(b, whole, self.count % TOGETHER)

    def _digit(self, b: KernelBuilder, keys: Value, number: int) -> Value:
        """A digit of every key."""
        (low, bits), width = self.digits[number], self.key.element.width
        if low:
            keys = b.emit(arith.ShRUI(keys, b.constant(low, keys.type)))
        if low + bits < width:
            keys = b.emit(arith.AndI(keys, b.constant((1 << bits) - 1, keys.type)))
        if width == i32.width:
            return keys
        cast: Any = arith.TruncI if width > i32.width else arith.ExtUI
        return b.emit(cast(keys, result_types=[arith.like(keys.type, i32)]))

    def _next(self, b: KernelBuilder, found: Value, number: int, n: Index) -> Value:
        """The counter of a digit, counted up; its value before."""
        digit = b.emit(arith.IndexCastUI(b.load(found, [number, n]), result_types=[index]))
        before = b.load(self.counters, [number, digit])
        b.store(b.emit(arith.AddI(before, b.constant(1, i32))), self.counters, [number, digit])
        return before

    def _sum(self, b: KernelBuilder, number: Index) -> None:
        """How many elements come before those of each value of a digit."""

        def turn(b: KernelBuilder, v: Index, before: Value) -> list[Value]:
            here = b.load(self.counters, (number, v))
            b.store(before, self.counters, (number, v))
            return [b.emit(arith.AddI(before, here))]

        b.loop(0, self.counters.type.shape[1], 1, turn, b.constant(0, i32))

    def _pass(self, b: KernelBuilder, number: int, source: _Side, target: _Side, found: Value) -> None:
        """Every element to its place in the order of one digit."""
        asks = self.digits[number][1] > BITS and (self.is_contiguous or target.buffers is not self.outputs)

        def move(b: KernelBuilder, i: Index, n: Index) -> None:
            to = b.emit(arith.IndexCastUI(self._next(b, found, number, n), result_types=[index]))
            values = [b.load(v, source.place(i)) for v in source.buffers]
            for value, buffer in zip(values, target.buffers, strict=True):
                if asks:
                    ahead = b.indices(target.place(b.add(to, LINE // buffer_bytes(buffer))))
                    b.emit(memref.Prefetch(buffer, ahead, isWrite=True, localityHint=3, isDataCache=True))
                b.store(value, buffer, target.place(to))

        self._each(b, source, found, [number], move)
