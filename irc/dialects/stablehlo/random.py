"""Random bits from an explicit state: Threefry-2x32 and Philox-4x32 as XLA lays them out, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from irc.dialects.stablehlo.base import FLOAT, INTEGER, TensorOp, element_kind
from irc.dialects.stablehlo.numerics import Array
from irc.ir.fields import Attr, Operand, Result, enum
from irc.ir.types import Type, ui64

ALGORITHM = enum("stablehlo", "rng_algorithm", ("DEFAULT", "THREE_FRY", "PHILOX"))
_STATE_SIZES = {"DEFAULT": (2, 3), "THREE_FRY": (2,), "PHILOX": (2, 3)}
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


class RngBitGenerator(TensorOp, name="stablehlo.rng_bit_generator"):
    """Bits that follow from the state (key, then counter), and the state after them. DEFAULT is PHILOX. Elements of 8 and
    16 bits are the low bits of 32.

    C1: both states have one type.
    C2: the state holds 2 elements for THREE_FRY, 2 or 3 for PHILOX and DEFAULT."""

    assembly = (
        "$initial_state `,` `algorithm` `=` $rng_algorithm attr-dict `:` functional-type(operands, results)"
    )
    result_labels = ("C1", "C1")
    initial_state = Operand(constraint="unsigned 1d")
    rng_algorithm = Attr(ALGORITHM)
    output_state = Result()
    output = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        state = self.initial_state.type
        self.check(state.element is ui64, "I2", f"takes a state of ui64, not {state}")
        sizes = _STATE_SIZES[self.rng_algorithm]
        self.check(state.shape[0] is None or state.shape[0] in sizes, "C2", f"has a state {state}")
        self.check(len(self.results) == 2, "O2", "cannot infer its output: give result_types")
        output = self.results[1].type
        self.check(element_kind(output.element) in (*INTEGER, *FLOAT), "O2", f"cannot fill {output}")
        return [state, output]

    def evaluate(self, state: Array) -> tuple[Array, Array]:
        type = self.output.type
        width, shape = type.element.width, type.static_shape
        fill = _threefry_bits if self.rng_algorithm == "THREE_FRY" else _philox_bits
        with np.errstate(over="ignore"):
            new_state, bits = fill(state, shape, 64 if width == 64 else 32)
        narrow = bits.astype(f"u{type.element.numpy.itemsize}")
        return new_state, narrow.view(type.element.numpy)


def _threefry_bits(state: Array, shape: tuple[int, ...], width: int) -> tuple[Array, Array]:
    """The counter runs over the elements; for 32 bits over half of them, two from each."""
    key, counter = _halves(state[0]), state[1]
    if width == 64:
        count = prod(shape)
        low, high = threefry2x32(key, _halves(counter + np.arange(count, dtype=np.uint64)))
        bits = (_joined(low, high)).reshape(shape)
    else:
        padded = shape or (1,)
        split = split_dimension(padded)
        half = [-(-n // 2) if i == split else n for i, n in enumerate(padded)]
        count = prod(half)
        pair = threefry2x32(key, _halves(counter + np.arange(count, dtype=np.uint64)))
        stacked = np.stack([p.reshape(half) for p in pair], axis=split + 1)
        whole = [2 * h if i == split else h for i, h in enumerate(half)]
        bits = stacked.reshape(whole)[tuple(slice(n) for n in padded)].reshape(shape)
    return np.array([state[0], counter + np.uint64(count)], np.uint64), bits


def split_dimension(shape: Sequence[int]) -> int:
    """The first even dimension; without one, the first of the largest."""
    even = [i for i, n in enumerate(shape) if n % 2 == 0]
    return even[0] if even else int(np.argmax(shape))


def threefry2x32(key: tuple[Array, Array], counter: tuple[Array, Array]) -> tuple[Array, Array]:
    """20 rounds of Threefry-2x32 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3)."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(0x1BD11BDA))
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(5):
        for distance in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x = x + y
            y = ((y << np.uint32(distance)) | (y >> np.uint32(32 - distance))) ^ x
        x = x + keys[(group + 1) % 3]
        y = y + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x, y


def _philox_bits(state: Array, shape: tuple[int, ...], width: int) -> tuple[Array, Array]:
    """Four words a counter, in order; a 64-bit element is two of them, low word first."""
    key, low = state[0], state[1]
    # XLA, given one word of counter, takes the key for the other.
    high = state[2] if len(state) == 3 else key
    words = prod(shape) * width // 32
    count = -(-words // 4)
    counters, carries = _add128(low, high, np.arange(count, dtype=np.uint64))
    four = philox4x32(_halves(key), (*_halves(counters), *_halves(carries)))
    drawn = np.stack(four, axis=-1).reshape(-1)
    bits = drawn if width == 32 else _joined(drawn[0::2], drawn[1::2])
    after = _add128(low, high, np.asarray(count, np.uint64))
    new_state = np.array([key, *after][: len(state)], np.uint64)
    return new_state, bits[: prod(shape)].reshape(shape)


def philox4x32(key: tuple[Array, Array], counter: Sequence[Array]) -> tuple[Array, ...]:
    """10 rounds of Philox-4x32 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3)."""
    a, b, c, d = counter
    key_a, key_b = key
    for _ in range(10):
        low_a, high_a = _halves(a.astype(np.uint64) * np.uint64(0xD2511F53))
        low_c, high_c = _halves(c.astype(np.uint64) * np.uint64(0xCD9E8D57))
        a, b, c, d = high_c ^ b ^ key_a, low_c, high_a ^ d ^ key_b, low_a
        key_a, key_b = key_a + np.uint32(0x9E3779B9), key_b + np.uint32(0xBB67AE85)
    return a, b, c, d


def _add128(low: Array, high: Array, step: Array) -> tuple[Array, Array]:
    total = low + step
    return total, high + (total < low).astype(np.uint64)


def _halves(word: Array) -> tuple[Array, Array]:
    """(low, high) 32 bits of 64."""
    return (word & _LOW).astype(np.uint32), (word >> _HALF).astype(np.uint32)


def _joined(low: Array, high: Array) -> Array:
    return low.astype(np.uint64) | (high.astype(np.uint64) << _HALF)
