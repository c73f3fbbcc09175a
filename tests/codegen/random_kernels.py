"""Random well-typed programs shaped to try kernels: tiles with a rest, transposes, reductions of every kind, loops.

Every choice is an index below some number: drawn from Hypothesis, a failure shrinks; drawn from a seed, programs are larger
and more varied. `Traits` say what programs may hold."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from hypothesis import strategies as st

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.ir.attributes import DenseElementsAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import (
    FloatType,
    IntegerType,
    TensorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
    ui8,
    ui32,
    ui64,
)

Index = Callable[[int], int]
"""A number from 0 up to, not including, another."""

EXTENTS = (1, 2, 3, 5, 16, 17, 33, 64, 70)
LARGEST = 3000
ELEMENTS = (f32, f32, f64, bf16, f16, i1, i8, i32, i64, ui8, ui32)
FLOAT_NUMBERS = (0.0, -0.0, 1.0, -1.5, 2.0, 0.5, 1e4)
INTEGER_NUMBERS = (0, 1, 2, 3, 7, 100)

FLOAT_UNARY = (
    S.Negate, S.Abs, S.Floor, S.Ceil, S.Sqrt, S.Rsqrt, S.Sign, S.RoundNearestEven, S.RoundNearestAfz, S.IsFinite,
)  # fmt: skip
APPROXIMATED = (
    S.Exponential, S.ExponentialMinusOne, S.Log, S.LogPlusOne, S.Tanh, S.Logistic, S.Sine, S.Cosine, S.Tan, S.Cbrt,
)  # fmt: skip
INTEGER_UNARY = (S.Negate, S.Abs, S.Not, S.Sign, S.Popcnt, S.CountLeadingZeros)
FLOAT_BINARY = (S.Add, S.Subtract, S.Multiply, S.Divide, S.Remainder, S.Maximum, S.Minimum)
INTEGER_BINARY = (
    S.Add, S.Subtract, S.Multiply, S.Divide, S.Remainder, S.Maximum, S.Minimum, S.And, S.Or, S.Xor, S.Power,
    S.ShiftLeft, S.ShiftRightLogical, S.ShiftRightArithmetic,
)  # fmt: skip
BOOL_BINARY = (S.And, S.Or, S.Xor, S.Add, S.Multiply, S.Maximum, S.Minimum)


def tensor(*shape: int, element: Any = f32) -> TensorType:
    return TensorType(shape, element)


def region(b: Builder, types: Sequence[TensorType], body: Callable[..., Any]) -> Region:
    """A region that returns what `body(builder, *arguments)` gives."""

    def write(inner: Builder, *arguments: Value) -> None:
        given = body(inner, *arguments)
        inner.emit(S.Return([given] if isinstance(given, Value) else list(given)))

    return b.region(types, write)


@dataclass(frozen=True)
class Traits:
    """What a program may hold. `exact`: nothing approximated. `portable`: nothing that compilers may choose: initial values
    are identities, ties are broken."""

    exact: bool = True
    elements: Sequence[Any] = ELEMENTS
    portable: bool = False


def identity(kind: type[Operation], element: Any) -> Any:
    """What combining by `kind` leaves every number (or boolean) as it is with."""
    if isinstance(element, FloatType):
        return {S.Add: 0.0, S.Multiply: 1.0, S.Maximum: -math.inf, S.Minimum: math.inf}[kind]
    bits = element.width - (not element.is_unsigned and element.width > 1)
    lowest = 0 if bits == element.width else -(1 << bits)
    table = {S.Add: 0, S.Or: 0, S.Xor: 0, S.Multiply: 1, S.Maximum: lowest, S.Minimum: (1 << bits) - 1}
    return table.get(kind, True if element is i1 else (1 << bits) - 1 if lowest == 0 else -1)


class Maker:
    """Emits random ops on the values made so far."""

    def __init__(
        self,
        index: Index,
        b: Builder,
        values: Sequence[Value],
        traits: Traits,
        depth: int = 0,
    ) -> None:
        self.index, self.b, self.values = index, b, list(values)
        self.traits, self.depth = traits, depth

    def choose(self, items: Sequence[Any]) -> Any:
        return items[self.index(len(items))]

    def shuffled(self, n: int) -> list[int]:
        left = list(range(n))
        return [left.pop(self.index(len(left))) for _ in range(n)]

    def value(self, fits: Callable[[TensorType], bool] = lambda t: True) -> Value | None:
        """A value made so far, the latest ones more often."""
        fitting = [v for v in self.values if fits(v.type)]
        return self.choose([*fitting, *fitting[-3:]]) if fitting else None

    def of_type(self, type: TensorType) -> Value:
        """A value of this type: one there is, one spread or converted to it, or a constant."""
        found = [v for v in self.values if v.type is type]
        scalars = [v for v in self.values if v.type.rank == 0 and v.type.element is type.element]
        ways: list[Any] = [lambda: self.constant(type)]
        if found:
            ways += [lambda: self.choose(found)] * 3
        if scalars and type.rank:
            ways.append(lambda: self.spread(self.choose(scalars), type))
        rows = [
            v
            for v in self.values
            if type.rank == 2 and v.type is tensor(type.shape[1] or 0, element=type.element)
        ]
        if rows:
            ways.append(
                lambda: self.emit(
                    S.BroadcastInDim(self.choose(rows), broadcast_dimensions=(1,), result_types=[type])
                )
            )
        others = [v for v in self.values if v.type.shape == type.shape and v.type.element is not type.element]
        if others:
            ways.append(lambda: self.emit(S.Convert(self.choose(others), result_types=[type])))
        return self.choose(ways)()  # type: ignore[no-any-return]

    def spread(self, scalar: Value, type: TensorType) -> Value:
        return self.emit(S.BroadcastInDim(scalar, broadcast_dimensions=(), result_types=[type]))

    def constant(self, type: TensorType) -> Value:
        numbers: Sequence[Any] = FLOAT_NUMBERS if isinstance(type.element, FloatType) else INTEGER_NUMBERS
        return self.emit(
            S.Constant.splat(self.choose((True, False) if type.element is i1 else numbers), type)
        )

    def emit(self, op: Operation) -> Any:
        return self.b.emit(op)

    def add(self, op: Operation) -> None:
        made = self.b.emit(op)
        self.values += made if isinstance(made, tuple) else [made]

    def step(self) -> None:
        steps = [
            self.unary,
            self.binary,
            self.binary,
            self.compare,
            self.select,
            self.clamp,
            self.convert,
            self.iota,
        ]
        steps += (
            [self.move] * 6
            + [self.reduce] * 3
            + [
                self.argmax,
                self.dot,
                self.batch_dot,
                self.convolution,
                self.window,
                self.pool_gradient,
                self.sort,
            ]
        )
        steps += [
            self.gather,
            self.scatter,
            self.dynamic_slice,
            self.dynamic_update_slice,
            self.bits,
            self.random_bits,
        ]
        if self.depth < 2:
            steps += [self.branch, self.loop]
        self.choose(steps)()

    # Elementwise.

    def unary(self) -> None:
        x = self.value()
        if x is None:
            return
        match x.type.element:
            case FloatType():
                self.add(self.choose(FLOAT_UNARY if self.traits.exact else (*FLOAT_UNARY, *APPROXIMATED))(x))
            case IntegerType(width=1):
                self.add(S.Not(x))
            case IntegerType(is_unsigned=True):
                self.add(self.choose((S.Not, S.Popcnt, S.CountLeadingZeros))(x))
            case _:
                self.add(self.choose(INTEGER_UNARY)(x))

    def binary(self) -> None:
        x = self.value()
        if x is None:
            return
        pair = [x, self.of_type(x.type)]
        if self.index(2):
            pair.reverse()
        if x.type.element is i1:
            kinds: Sequence[Any] = BOOL_BINARY
        else:
            kinds = FLOAT_BINARY if isinstance(x.type.element, FloatType) else INTEGER_BINARY
        self.add(self.choose(kinds)(*pair))

    def compare(self) -> None:
        x = self.value()
        if x is not None:
            direction = self.choose(("EQ", "NE", "LT", "LE", "GT", "GE"))
            self.add(S.Compare(x, self.of_type(x.type), comparison_direction=direction))

    def select(self) -> None:
        x = self.value()
        if x is not None:
            shape = x.type.shape if self.index(3) else ()
            self.add(S.Select(self.of_type(tensor(*shape, element=i1)), x, self.of_type(x.type)))

    def clamp(self) -> None:
        x = self.value(lambda t: t.element is not i1)
        if x is not None:
            bound = x.type if self.index(2) else x.type.with_shape(())
            self.add(S.Clamp(self.of_type(bound), x, self.of_type(bound)))

    def convert(self) -> None:
        x = self.value()
        if x is not None:
            self.add(S.Convert(x, result_types=[x.type.with_element(self.choose(self.traits.elements))]))

    def bits(self) -> None:
        """The bits of a number as another of the same width; NaN, which has many, is taken out before."""
        widths = {
            f32: (i32, ui32),
            f64: (i64,),
            f16: (i16,),
            bf16: (i16,),
            i32: (ui32, f32),
            i64: (f64,),
            ui8: (i8,),
            i8: (ui8,),
        }
        x = self.value(lambda t: t.element in widths)
        if x is not None:
            source = self.ordered(x) if isinstance(x.type.element, FloatType) else x
            targets = [e for e in widths[x.type.element] if e in self.traits.elements or e is i16]
            if targets:
                self.add(S.BitcastConvert(source, result_types=[x.type.with_element(self.choose(targets))]))

    def random_bits(self) -> None:
        state = self.emit(
            S.Constant(value=DenseElementsAttr.of(tensor(2, element=ui64), [self.index(99), 7]))
        )
        made = tensor(self.choose(EXTENTS), element=self.choose((ui32, ui8)))
        algorithm = self.choose(("THREE_FRY", "PHILOX"))
        _, drawn = self.emit(
            S.RngBitGenerator(state, rng_algorithm=algorithm, result_types=[state.type, made])
        )
        self.values.append(drawn)

    def iota(self) -> None:
        shape = [self.choose(EXTENTS[:7]) for _ in range(1 + self.index(2))]
        element = self.choose([e for e in self.traits.elements if e is not i1])
        self.add(
            S.Iota(iota_dimension=self.index(len(shape)), result_types=[tensor(*shape, element=element)])
        )

    # Movement.

    def move(self) -> None:
        x = self.value(lambda t: t.rank > 0)
        if x is not None:
            moves = [
                self.transpose,
                self.transpose,
                self.reshape,
                self.broadcast,
                self.reverse,
                self.slice,
                self.pad,
            ]
            self.choose([*moves, self.concatenate])(x)

    def transpose(self, x: Value) -> None:
        self.add(S.Transpose(x, permutation=self.shuffled(x.type.rank)))

    def reshape(self, x: Value) -> None:
        """Some dimensions joined, some cut in two."""
        shape = list(x.type.shape)
        for _ in range(1 + self.index(3)):
            d = self.index(len(shape)) if shape else 0
            if self.index(2) and len(shape) > 1:
                d = min(d, len(shape) - 2)
                shape[d : d + 2] = [shape[d] * shape[d + 1]]
            elif shape and len(shape) < 4:
                divisors = [k for k in (1, 2, 3, 4, 5, 8, 16) if shape[d] % k == 0]
                low = self.choose(divisors)
                shape[d : d + 1] = [shape[d] // low, low]
        self.add(S.Reshape(x, result_types=[x.type.with_shape(tuple(shape))]))

    def broadcast(self, x: Value) -> None:
        rank = min(x.type.rank + self.index(2), 4)
        if x.type.rank > rank:
            return
        dims = sorted(self.shuffled(rank)[: x.type.rank])
        shape = [self.choose(EXTENTS) for _ in range(rank)]
        for n, d in zip(x.type.shape, dims, strict=True):
            shape[d] = shape[d] if n == 1 else n
        if prod(shape) <= LARGEST:
            self.add(
                S.BroadcastInDim(x, broadcast_dimensions=dims, result_types=[x.type.with_shape(tuple(shape))])
            )

    def reverse(self, x: Value) -> None:
        self.add(S.Reverse(x, dimensions=[d for d in range(x.type.rank) if self.index(2)]))

    def slice(self, x: Value) -> None:
        starts = [self.index(n) for n in x.type.shape]
        limits = [s + 1 + self.index(n - s) for s, n in zip(starts, x.type.shape, strict=True)]
        self.add(
            S.Slice(
                x, start_indices=starts, limit_indices=limits, strides=[1 + self.index(3) for _ in starts]
            )
        )

    def pad(self, x: Value) -> None:
        low, high = ([self.index(5) - 2 for _ in x.type.shape] for _ in "ab")
        inside = [self.choose((0, 0, 0, 1, 2)) for _ in low]
        places = zip(x.type.shape, low, high, inside, strict=True)
        shape = [n + (n - 1) * k + a + b for n, a, b, k in places]
        if all(n > 0 for n in shape) and prod(shape) <= LARGEST:
            value = self.of_type(x.type.with_shape(()))
            self.add(S.Pad(x, value, edge_padding_low=low, edge_padding_high=high, interior_padding=inside))

    def concatenate(self, x: Value) -> None:
        d = self.index(x.type.rank)
        rest = (*x.type.shape[:d], *x.type.shape[d + 1 :])

        def fits(t: TensorType) -> bool:
            same = t.element is x.type.element and t.rank == x.type.rank
            return same and (*t.shape[:d], *t.shape[d + 1 :]) == rest

        parts = [x, *(self.value(fits) for _ in range(self.index(3)))]
        if sum(v.type.size for v in parts) <= LARGEST:
            self.add(S.Concatenate(parts, dimension=d))

    # Reductions and products.

    def reducer(self, element: Any) -> Any:
        if element is i1:
            return self.choose((S.And, S.Or))
        kinds = (S.Add, S.Multiply, S.Maximum, S.Minimum)
        return self.choose(kinds if isinstance(element, FloatType) else (*kinds, S.And, S.Or, S.Xor))

    def reduce(self) -> None:
        x = self.value(lambda t: t.rank > 0)
        if x is not None:
            dims = [d for d in range(x.type.rank) if self.index(2)]
            scalar = x.type.with_shape(())
            kind = self.reducer(x.type.element)
            body = region(self.b, [scalar] * 2, lambda b, p, q: b.emit(kind(p, q)))
            self.add(S.Reduce([x], [self.start(kind, scalar)], dimensions=dims, regions=[body]))

    def start(self, kind: Any, scalar: TensorType) -> Value:
        """The initial value of a reduction."""
        if not self.traits.portable:
            return self.of_type(scalar)
        return self.emit(S.Constant.splat(identity(kind, scalar.element), scalar))

    def argmax(self) -> None:
        """Two operands: the value and where it was."""
        x = self.value(lambda t: t.rank > 0)
        if x is None:
            return
        if self.traits.portable:
            x = self.ordered(x)
        scalar, place = x.type.with_shape(()), tensor(element=i32)
        numbers = self.emit(S.Iota(iota_dimension=x.type.rank - 1, result_types=[x.type.with_element(i32)]))

        def body(b: Builder, p: Value, i: Value, q: Value, j: Value) -> Any:
            wins = b.emit(S.Compare(p, q, comparison_direction="GE"))
            if self.traits.portable:
                ties = b.emit(S.Compare(p, q, comparison_direction="EQ"))
                first = b.emit(S.Compare(i, j, comparison_direction="LT"))
                wins = b.emit(S.Select(ties, first, wins))
            return b.emit(S.Select(wins, p, q)), b.emit(S.Select(wins, i, j))

        made = region(self.b, [scalar, place] * 2, body)
        nowhere = self.emit(S.Constant.splat(2**31 - 1 if self.traits.portable else -1, place))
        start = [self.start(S.Maximum, scalar), nowhere]
        self.add(S.Reduce([x, numbers], start, dimensions=[self.index(x.type.rank)], regions=[made]))

    def dot(self) -> None:
        x = self.value(lambda t: t.element is not i1 and 0 < t.rank < 4)
        if x is not None:
            k = self.index(x.type.rank)
            y = self.value(
                lambda t: t.element is x.type.element and 0 < t.rank < 4 and x.type.shape[k] in t.shape
            )
            if y is not None and x.type.size * y.type.size // x.type.shape[k] ** 2 <= LARGEST:
                dims = S.DotDimensionNumbers((), (), (k,), (y.type.shape.index(x.type.shape[k]),))
                self.add(S.DotGeneral(x, y, dot_dimension_numbers=dims))

    def batch_dot(self) -> None:
        """A value times itself, one dimension a batch, another contracted."""
        x = self.value(lambda t: t.element is not i1 and 1 < t.rank < 4 and t.size < 600)
        if x is not None:
            batch, k = self.shuffled(x.type.rank)[:2]
            rest = x.type.size // (x.type.shape[batch] * x.type.shape[k])
            if x.type.shape[batch] * rest * rest <= LARGEST:
                dims = S.DotDimensionNumbers((batch,), (batch,), (k,), (k,))
                self.add(S.DotGeneral(x, x, dot_dimension_numbers=dims))

    def convolution(self) -> None:
        """Any order of dimensions, strides, dilations, padding, groups of features."""
        x = self.value(lambda t: t.element is not i1 and t.rank == 4 and t.size < 1500)
        if x is None:
            source = self.value(
                lambda t: t.element is not i1 and t.size in (33, 66, 64, 70, 80, 85, 160, 170, 272, 1088)
            )
            if source is None:
                return
            n = source.type.size
            shape = (1, 1, n, 1) if n % 2 else (2, 1, 1, n // 2) if n % 5 else (1, n // 10, 5, 2)
            x = self.emit(S.Reshape(source, result_types=[source.type.with_shape(shape)]))
        order, kernel_order = self.shuffled(4), self.shuffled(4)
        features = x.type.shape[order[1]]
        groups = self.choose([g for g in (1, 1, 1, features) if features % g == 0])
        sizes = [groups * self.choose((1, 2, 5)), features // groups, 1 + self.index(3), 1 + self.index(2)]
        kernel = [0] * 4
        for d, n in zip(kernel_order, sizes, strict=True):
            kernel[d] = n
        numbers = S.ConvDimensionNumbers(
            order[0], order[1], tuple(order[2:]), kernel_order[1], kernel_order[0], tuple(kernel_order[2:]),
            *self._output_order(),
        )  # fmt: skip
        window = {
            "window_strides": [1 + self.index(2) for _ in "hw"],
            "padding": [(self.index(3), self.index(3)) for _ in "hw"],
            "lhs_dilation": [1 + self.index(2) for _ in "hw"],
            "rhs_dilation": [1 + self.index(2) for _ in "hw"],
            "window_reversal": [self.index(3) == 0 for _ in "hw"],
        }
        extents = [x.type.shape[d] for d in order[2:]]
        places = zip(
            extents, sizes[2:], window["padding"], window["lhs_dilation"], window["rhs_dilation"], strict=True
        )
        if any(
            (n - 1) * wide + 1 + low + high < (k - 1) * apart + 1 for n, k, (low, high), wide, apart in places
        ):
            return
        rhs = self.of_type(x.type.with_shape(tuple(kernel)))
        self.add(
            S.Convolution(
                x, rhs, dimension_numbers=numbers, feature_group_count=groups, batch_group_count=1, **window
            )
        )

    def _output_order(self) -> tuple[int, int, tuple[int, int]]:
        batch, feature, *space = self.shuffled(4)
        return batch, feature, (space[0], space[1])

    def pool_gradient(self) -> None:
        """Each window's greatest element gets the window's value of another array."""
        x = self.value(lambda t: 0 < t.rank < 5 and t.size < 600 and t.element is not i1)
        if x is None:
            return
        x, scalar = self.ordered(x), x.type.with_shape(())
        sizes = [min(1 + self.index(3), e) for e in x.type.shape]
        strides = [1 + self.index(3) for _ in sizes]
        counts = tuple((n - k) // step + 1 for n, k, step in zip(x.type.shape, sizes, strides, strict=True))
        pick = region(
            self.b, [scalar] * 2, lambda b, p, q: b.emit(S.Compare(p, q, comparison_direction="GE"))
        )
        add = region(self.b, [scalar] * 2, lambda b, p, q: b.emit(S.Add(p, q)))
        self.add(
            S.SelectAndScatter(
                x,
                self.of_type(x.type.with_shape(counts)),
                self.start(S.Add, scalar),
                window_dimensions=sizes,
                window_strides=strides,
                regions=[pick, add],
            )
        )

    def window(self) -> None:
        x = self.value(lambda t: 0 < t.rank < 5 and t.size < 1000)
        if x is None:
            return
        n = x.type.rank
        sizes = [min(1 + self.index(3), e) for e in x.type.shape]
        scalar, kind = (
            x.type.with_shape(()),
            self.choose((S.Add, S.Maximum, S.Minimum)) if x.type.element is not i1 else S.Or,
        )
        body = region(self.b, [scalar] * 2, lambda b, p, q: b.emit(kind(p, q)))
        padding = [(self.index(2), self.index(2)) for _ in range(n)]
        strides = [1 + self.index(2) for _ in range(n)]
        self.add(
            S.ReduceWindow(
                [x],
                [self.start(kind, scalar)],
                window_dimensions=sizes,
                window_strides=strides,
                padding=padding,
                regions=[body],
            )
        )

    # Data-dependent places.

    def sort(self) -> None:
        x = self.value(lambda t: t.rank > 0 and t.size < 500)
        if x is not None:
            x, scalar, direction = self.ordered(x), x.type.with_shape(()), self.choose(("LT", "GT"))
            other = self.of_type(x.type.with_element(i32))
            types = [scalar, scalar, tensor(element=i32), tensor(element=i32)]
            body = region(
                self.b, types, lambda b, p, q, *_: b.emit(S.Compare(p, q, comparison_direction=direction))
            )
            self.add(S.Sort([x, other], dimension=self.index(x.type.rank), is_stable=True, regions=[body]))

    def ordered(self, x: Value) -> Value:
        """The value with 0 for NaN, which no order by less-than has a place for."""
        known = self.emit(S.Compare(x, x, comparison_direction="EQ"))
        return self.emit(S.Select(known, x, self.emit(S.Constant.splat(0, x.type))))

    def places(self) -> Value:
        """Indices, some of them outside."""
        found = self.value(lambda t: t.rank == 1 and t.element in (i32, i64, i8))
        if found is not None and found.type.size < 20:
            return found
        return self.emit(S.Iota(iota_dimension=0, result_types=[tensor(self.choose((1, 3, 7)), element=i32)]))

    def gather(self) -> None:
        """Rows (or elements) along the first dimension."""
        x = self.value(lambda t: t.rank > 0)
        if x is None:
            return
        places = self.places()
        if prod(x.type.shape[1:]) * places.type.size <= LARGEST:
            n = x.type.rank
            numbers = S.GatherDimensionNumbers(tuple(range(1, n)), (0,), (), (), (0,), 1)
            self.add(S.Gather(x, places, dimension_numbers=numbers, slice_sizes=(1, *x.type.shape[1:])))

    def scatter(self) -> None:
        """Rows (or elements) combined into the first dimension."""
        x = self.value(lambda t: t.rank > 0 and t.size < 1000)
        if x is None:
            return
        places, scalar = self.places(), x.type.with_shape(())
        updates = x.type.with_shape((places.type.size, *x.type.shape[1:]))
        if updates.size > LARGEST:
            return
        kind = self.reducer(x.type.element)
        body = region(self.b, [scalar] * 2, lambda b, p, q: b.emit(kind(p, q)))
        numbers = S.ScatterDimensionNumbers(tuple(range(1, x.type.rank)), (0,), (), (), (0,), 1)
        self.add(
            S.Scatter([x], places, [self.of_type(updates)], scatter_dimension_numbers=numbers, regions=[body])
        )

    def starts(self, x: Value) -> list[Value]:
        return [self.of_type(tensor(element=i32)) for _ in x.type.shape]

    def dynamic_slice(self) -> None:
        x = self.value(lambda t: t.rank > 0)
        if x is not None:
            self.add(S.DynamicSlice(x, self.starts(x), slice_sizes=[1 + self.index(n) for n in x.type.shape]))

    def dynamic_update_slice(self) -> None:
        x = self.value(lambda t: t.rank > 0)
        if x is not None:
            update = self.value(
                lambda t: t.element is x.type.element and t.rank == x.type.rank
                and all(m <= n for m, n in zip(t.shape, x.type.shape, strict=True))
            )  # fmt: skip
            assert update is not None, "x fits itself"
            self.add(S.DynamicUpdateSlice(x, update, self.starts(x)))

    # Control flow.

    def inner(self, b: Builder, values: Sequence[Value]) -> Maker:
        maker = Maker(self.index, b, [*self.values, *values], self.traits, self.depth + 1)
        for _ in range(self.index(4)):
            maker.step()
        return maker

    def branch(self) -> None:
        x, y = self.value(), self.value()
        if x is None or y is None:
            return

        def body(b: Builder) -> list[Value]:
            maker = self.inner(b, [])
            return [maker.of_type(x.type), maker.of_type(y.type)]

        regions = [region(self.b, [], body) for _ in range(2)]
        self.add(S.If(self.of_type(tensor(element=i1)), regions=regions))

    def loop(self) -> None:
        """`for i in range(3)` with two carried values."""
        x, y = self.value(), self.value()
        if x is None or y is None:
            return
        scalar = tensor(element=i32)
        types = [scalar, x.type, y.type]

        def condition(b: Builder, i: Value, u: Value, v: Value) -> Value:
            return b.emit(S.Compare(i, b.emit(S.Constant.splat(3, scalar)), comparison_direction="LT"))

        def body(b: Builder, i: Value, u: Value, v: Value) -> list[Value]:
            maker = self.inner(b, [i, u, v])
            following = b.emit(S.Add(i, b.emit(S.Constant.splat(1, scalar))))
            return [following, maker.of_type(x.type), maker.of_type(y.type)]

        regions = [region(self.b, types, condition), region(self.b, types, body)]
        self.add(S.While([self.emit(S.Constant.splat(0, scalar)), x, y], regions=regions))


def random_program(index: Index, traits: Traits, steps: int) -> Module:
    """A module whose @main takes four arguments and returns up to four values."""
    shape = [EXTENTS[index(len(EXTENTS))] for _ in range(1 + index(3))]
    while prod(shape) > LARGEST:
        shape.pop()
    first, second = (traits.elements[index(len(traits.elements))] for _ in "ab")
    types = [
        tensor(*shape, element=first),
        tensor(*shape[-1:], element=first),
        tensor(*shape, element=second),
        tensor(element=i32),
    ]
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    b = Builder()
    maker = Maker(index, b, arguments, traits)
    for _ in range(1 + index(steps)):
        maker.step()
    returned = [maker.values[-1], *(maker.choose(maker.values) for _ in range(index(4)))]
    b.emit(Return(returned))
    return Module.of([Func.of("main", Block(arguments, b.operations))])


EXACT = Traits()
APPROXIMATE = Traits(exact=False)
INTEGERS = Traits(elements=[e for e in ELEMENTS if isinstance(e, IntegerType)], portable=True)


@st.composite
def programs(
    draw: Callable[[st.SearchStrategy[int]], int], traits: Traits = EXACT, steps: int = 12
) -> Module:
    """Programs as a Hypothesis strategy."""
    return random_program(lambda n: draw(st.integers(0, n - 1)), traits, steps)


def seeded_program(seed: int, traits: Traits = EXACT, steps: int = 30) -> Module:
    """The program of a seed: the same in every process."""
    return random_program(random.Random(seed).randrange, traits, steps)
