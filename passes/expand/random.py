"""Random bits as the integer arithmetic that defines them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.stablehlo.random import split_dimension
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import FloatType, IntegerType, TensorType, ui32, ui64

rules = RewriteSet()


class _Words:
    """Arithmetic on one-dimensional tensors of words."""

    def __init__(self, b: Rewriter, count: int) -> None:
        self.b = b
        self.count = count

    def constant(self, value: int, element: Any) -> Value:
        scalar = self.b.emit(hlo.Constant(value=DenseElementsAttr.of(TensorType((), element), value)))
        return self.spread(scalar)

    def spread(self, scalar: Value) -> Value:
        t = TensorType((self.count,), scalar.type.element)
        return self.b.emit(hlo.BroadcastInDim(scalar, broadcast_dimensions=(), result_types=[t]))

    def convert(self, x: Value, element: Any) -> Value:
        return self.b.emit(hlo.Convert(x, result_types=[x.type.with_element(element)]))

    def halves(self, x: Value) -> tuple[Value, Value]:
        """(low, high) 32 bits of 64."""
        high = self.b.emit(hlo.ShiftRightLogical(x, self.constant(32, ui64)))
        return self.convert(x, ui32), self.convert(high, ui32)

    def joined(self, low: Value, high: Value) -> Value:
        wide = self.b.emit(hlo.ShiftLeft(self.convert(high, ui64), self.constant(32, ui64)))
        return self.b.emit(hlo.Or(self.convert(low, ui64), wide))

    def add(self, x: Value, y: Value) -> Value:
        return self.b.emit(hlo.Add(x, y))

    def xor(self, x: Value, y: Value) -> Value:
        return self.b.emit(hlo.Xor(x, y))

    def rotate(self, x: Value, distance: int) -> Value:
        left = self.b.emit(hlo.ShiftLeft(x, self.constant(distance, ui32)))
        right = self.b.emit(hlo.ShiftRightLogical(x, self.constant(32 - distance, ui32)))
        return self.b.emit(hlo.Or(left, right))

    def counters(self, start: Value) -> Value:
        t = TensorType((self.count,), ui64)
        return self.add(self.spread(start), self.b.emit(hlo.Iota(iota_dimension=0, result_types=[t])))


def _word(b: Rewriter, state: Value, i: int) -> Value:
    part = b.emit(hlo.Slice(state, start_indices=(i,), limit_indices=(i + 1,), strides=(1,)))
    return _reshape(b, part, ())


def _reshape(b: Rewriter, x: Value, shape: Sequence[int]) -> Value:
    return b.emit(hlo.Reshape(x, result_types=[TensorType(tuple(shape), x.type.element)]))


def _number(b: Rewriter, value: int) -> Value:
    return b.emit(hlo.Constant(value=DenseElementsAttr.of(TensorType((), ui64), value)))


@rules.rewrite("random bits = the arithmetic of their generator", hlo.RngBitGenerator)
def _random_bits(op: Any, b: Rewriter) -> Sequence[Value] | None:
    state, t = op.initial_state, op.results[1].type
    if not (t.is_static and state.type.is_static):
        return None
    wide = t.element.width == 64
    draw = _threefry if op.rng_algorithm == "THREE_FRY" else _philox
    after, bits = draw(b, state, t.static_shape, wide)
    return _state(b, after), _as_elements(b, bits, t)


def _state(b: Rewriter, words: Sequence[Value]) -> Value:
    return b.emit(hlo.Concatenate([_reshape(b, w, (1,)) for w in words], dimension=0))


def _as_elements(b: Rewriter, bits: Value, t: TensorType) -> Value:
    """The low bits of each word, as the element type that was asked for."""
    word = IntegerType(t.element.width, "unsigned")
    if bits.type.element is not word:
        bits = b.emit(hlo.Convert(bits, result_types=[bits.type.with_element(word)]))
    if t.element is word:
        return bits
    if isinstance(t.element, FloatType | IntegerType):
        return b.emit(hlo.BitcastConvert(bits, result_types=[t]))
    return bits


def _threefry(b: Rewriter, state: Value, shape: tuple[int, ...], wide: bool) -> tuple[list[Value], Value]:
    """The counter runs over the elements; for 32 bits over half of them, two from each."""
    key, counter = _word(b, state, 0), _word(b, state, 1)
    padded = shape or (1,)
    split = split_dimension(padded)
    half = [-(-n // 2) if i == split and not wide else n for i, n in enumerate(padded)]
    words = _Words(b, prod(half))
    low, high = _threefry2x32(words, words.halves(words.spread(key)), words.halves(words.counters(counter)))
    if wide:
        bits = _reshape(b, words.joined(low, high), shape)
    else:
        inner = [*half[: split + 1], 1, *half[split + 1 :]]
        stacked = b.emit(hlo.Concatenate([_reshape(b, w, inner) for w in (low, high)], dimension=split + 1))
        whole = _reshape(b, stacked, [2 * n if i == split else n for i, n in enumerate(half)])
        bits = _reshape(b, _first(b, whole, padded), shape)
    return [key, b.emit(hlo.Add(counter, _number(b, words.count)))], bits


def _first(b: Rewriter, x: Value, shape: Sequence[int]) -> Value:
    if x.type.static_shape == tuple(shape):
        return x
    zeros, ones = (0,) * len(shape), (1,) * len(shape)
    return b.emit(hlo.Slice(x, start_indices=zeros, limit_indices=tuple(shape), strides=ones))


def _threefry2x32(w: _Words, key: tuple[Value, Value], counter: tuple[Value, Value]) -> tuple[Value, Value]:
    """20 rounds of Threefry-2x32 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3)."""
    keys = (key[0], key[1], w.xor(w.xor(key[0], key[1]), w.constant(0x1BD11BDA, ui32)))
    x, y = w.add(counter[0], keys[0]), w.add(counter[1], keys[1])
    for group in range(5):
        for distance in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x = w.add(x, y)
            y = w.xor(w.rotate(y, distance), x)
        x = w.add(x, keys[(group + 1) % 3])
        y = w.add(w.add(y, keys[(group + 2) % 3]), w.constant(group + 1, ui32))
    return x, y


def _philox(b: Rewriter, state: Value, shape: tuple[int, ...], wide: bool) -> tuple[list[Value], Value]:
    """Four words a counter, in order; a 64-bit element is two of them, low word first."""
    three = state.type.static_shape[0] == 3
    key, low = _word(b, state, 0), _word(b, state, 1)
    # XLA, given one word of counter, takes the key for the other.
    high = _word(b, state, 2) if three else key
    count = -(-prod(shape) * (2 if wide else 1) // 4)
    words = _Words(b, count)
    counters = words.counters(low)
    carries = _carried(b, words, counters, words.spread(low), words.spread(high))
    four = _philox4x32(
        words, words.halves(words.spread(key)), (*words.halves(counters), *words.halves(carries))
    )
    drawn = [words.joined(four[0], four[1]), words.joined(four[2], four[3])] if wide else list(four)
    stacked = b.emit(hlo.Concatenate([_reshape(b, w, (count, 1)) for w in drawn], dimension=1))
    flat = _reshape(b, stacked, (count * len(drawn),))
    after = b.emit(hlo.Add(low, _number(b, count)))
    one = _Words(b, 1)
    ends = [_reshape(b, v, (1,)) for v in (after, low, high)]
    top = _reshape(b, _carried(b, one, *ends), ())
    return [key, after, top][: 3 if three else 2], _reshape(b, _first(b, flat, (prod(shape),)), shape)


def _carried(b: Rewriter, w: _Words, total: Value, before: Value, high: Value) -> Value:
    """The upper word after an addition to the lower one."""
    over = b.emit(hlo.Compare(total, before, comparison_direction="LT", compare_type="UNSIGNED"))
    return w.add(high, w.convert(over, ui64))


def _philox4x32(w: _Words, key: tuple[Value, Value], counter: Sequence[Value]) -> tuple[Value, ...]:
    """10 rounds of Philox-4x32 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3)."""
    a, b, c, d = counter
    key_a, key_b = key
    for _ in range(10):
        low_a, high_a = _product(w, a, 0xD2511F53)
        low_c, high_c = _product(w, c, 0xCD9E8D57)
        a, b, c, d = w.xor(w.xor(high_c, b), key_a), low_c, w.xor(w.xor(high_a, d), key_b), low_a
        key_a = w.add(key_a, w.constant(0x9E3779B9, ui32))
        key_b = w.add(key_b, w.constant(0xBB67AE85, ui32))
    return a, b, c, d


def _product(w: _Words, x: Value, factor: int) -> tuple[Value, Value]:
    return w.halves(w.b.emit(hlo.Multiply(w.convert(x, ui64), w.constant(factor, ui64))))
