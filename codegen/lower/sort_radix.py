"""Long rows sorted by the digits of a key, the lowest first: where the comparator compares what one function makes of one
operand's two elements, and that is a number whose bits can be put in its order.

Every pass is stable: elements whose keys are equal keep their places, as in a stable merge sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from irc.codegen.lower.blocks import below
from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.group import kernel_element
from irc.dialects import arith, memref
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Return
from irc.ir.operation import Block, Region, Value
from irc.ir.types import FloatType, IntegerType, MemRefType, f32, f64, i32, index

LEAST = 64
"""Elements of a row that pay for counting digits."""
BITS = 8
"""Of a digit: so few runs are written at once that their ends stay in the first-level cache."""

Place = Callable[[Index], list[Index]]


@dataclass(frozen=True)
class SortKey:
    """What is compared: `region` makes it from one element of every operand. `operand`: the operand that is the key itself,
    whose elements are found again from their keys; else None."""

    region: Region
    element: Any
    kind: str
    is_descending: bool
    operand: int | None

    @property
    def integer(self) -> IntegerType:
        return IntegerType(self.element.width)

    def of(self, b: KernelBuilder, values: Sequence[Value]) -> Value:
        """The key as an integer; keys that are less when read as unsigned come first."""
        (value,) = apply_region(b, self.region, values)
        if self.kind == "FLOAT":
            value = b.emit(arith.AddF(value, b.constant(0.0, value.type)))  # -0 equals 0
        integer = self.integer
        if isinstance(value.type, FloatType):
            bits = b.emit(arith.Bitcast(value, result_types=[integer]))
            negative = b.emit(arith.ShRSI(bits, b.constant(self.element.width - 1, integer)))
            bits = b.emit(arith.XOrI(bits, b.emit(arith.OrI(negative, self._sign(b)))))
        else:
            bits = b.emit(arith.XOrI(value, self._sign(b))) if self.kind == "SIGNED" else value
        return b.emit(arith.XOrI(bits, b.constant(-1, integer))) if self.is_descending else bits

    def back(self, b: KernelBuilder, key: Value) -> Value:
        """The operand's element that has this key."""
        integer = self.integer
        ones = b.constant(-1, integer)
        bits = b.emit(arith.XOrI(key, ones)) if self.is_descending else key
        if isinstance(kernel_element(self.element), FloatType):
            positive = b.emit(arith.ShRSI(bits, b.constant(self.element.width - 1, integer)))
            flipped = b.emit(arith.OrI(b.emit(arith.XOrI(positive, ones)), self._sign(b)))
            bits = b.emit(arith.XOrI(bits, flipped))
            return b.emit(arith.Bitcast(bits, result_types=[kernel_element(self.element)]))
        return b.emit(arith.XOrI(bits, self._sign(b))) if self.kind == "SIGNED" else bits

    def _sign(self, b: KernelBuilder) -> Value:
        return b.constant(-1 << (self.element.width - 1), self.integer)


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
    itself = arguments.index(compare.lhs) if compare.lhs in arguments and kind != "FLOAT" else None
    return SortKey(made, element, kind, (compare.comparison_direction == "GT") != is_swapped, itself)


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


def scratch_types(key: SortKey, elements: Sequence[Any], count: int) -> tuple[MemRefType, ...]:
    """Two buffers of keys, and two of every operand that is carried along."""
    carried = [e for i, e in enumerate(elements) if i != key.operand]
    return tuple(
        MemRefType((count,), e) for e in (key.integer, key.integer, *(e for e in carried for _ in "ab"))
    )


@dataclass(frozen=True)
class RadixSort:
    """The passes over one row."""

    key: SortKey
    inputs: Sequence[Value]
    outputs: Sequence[Value]
    scratch: Sequence[Value]
    counters: Value
    count: int
    place: Place

    @staticmethod
    def counters_for(b: KernelBuilder, key: SortKey) -> Value:
        """A counter for each digit's every value."""
        shape = (key.element.width // BITS, 1 << BITS)
        return b.emit(memref.Alloca((), (), alignment=64, result_types=[MemRefType(shape, i32)]))

    def emit(self, b: KernelBuilder) -> None:
        digits, values = self.counters.type.shape
        b.loop(0, digits, 1, lambda b, d: b.loop(0, values, 1, lambda b, v: self._count(b, (d, v), 0)))
        b.loop(0, self.count, 1, self._tally)
        b.loop(0, digits, 1, self._sum)
        for number in range(digits):
            b.loop(0, self.count, 1, lambda b, i, number=number: self._move(b, i, number, digits))

    def _count(self, b: KernelBuilder, at: Sequence[Index], value: int) -> None:
        b.store(b.constant(value, i32), self.counters, at)

    def _digit(self, b: KernelBuilder, key: Value, number: int) -> Value:
        integer = self.key.integer
        if number:
            key = b.emit(arith.ShRUI(key, b.constant(number * BITS, integer)))
        if (number + 1) * BITS < self.key.element.width:
            key = b.emit(arith.AndI(key, b.constant((1 << BITS) - 1, integer)))
        return b.emit(arith.IndexCastUI(key, result_types=[index]))

    def _next(self, b: KernelBuilder, key: Value, number: int) -> Value:
        """The counter of a key's digit, counted up; its value before."""
        at: list[Index] = [number, self._digit(b, key, number)]
        before = b.load(self.counters, at)
        b.store(b.emit(arith.AddI(before, b.constant(1, i32))), self.counters, at)
        return before

    def _tally(self, b: KernelBuilder, i: Index) -> None:
        key = self.key.of(b, [b.load(v, self.place(i)) for v in self.inputs])
        for number in range(self.counters.type.shape[0]):
            self._next(b, key, number)

    def _sum(self, b: KernelBuilder, number: Index) -> None:
        """How many elements come before those of each value of a digit."""

        def turn(b: KernelBuilder, v: Index, before: Value) -> list[Value]:
            here = b.load(self.counters, (number, v))
            b.store(before, self.counters, (number, v))
            return [b.emit(arith.AddI(before, here))]

        b.loop(0, self.counters.type.shape[1], 1, turn, b.constant(0, i32))

    def _move(self, b: KernelBuilder, i: Index, number: int, digits: int) -> None:
        """Element i to its place in the order of one digit."""
        carried = [n for n in range(len(self.inputs)) if n != self.key.operand]
        keys, others = self.scratch[:2], self.scratch[2:]
        if number == 0:
            values = [b.load(v, self.place(i)) for v in self.inputs]
            key, moved = self.key.of(b, values), [values[n] for n in carried]
        else:
            side = (number - 1) % 2
            key, moved = b.load(keys[side], [i]), [b.load(v, [i]) for v in others[side::2]]
        to = b.emit(arith.IndexCastUI(self._next(b, key, number), result_types=[index]))
        if number < digits - 1:
            for value, target in zip(
                (key, *moved), (keys[number % 2], *others[number % 2 :: 2]), strict=True
            ):
                b.store(value, target, [to])
            return
        for n, value in zip(carried, moved, strict=True):
            b.store(value, self.outputs[n], self.place(to))
        if self.key.operand is not None:
            b.store(self.key.back(b, key), self.outputs[self.key.operand], self.place(to))
