"""Random well-typed programs, made to contain what passes look for: repeated ops, constants, inverse moves, dead values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pass_programs import function, scalar_region, tensor

from irc.dialects import func
from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.stablehlo import ConvDimensionNumbers, DotDimensionNumbers
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import TensorType, f32, i1, i32

DIMS = (1, 2, 3)
FLOAT_CONSTANTS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, np.inf, -np.inf)
INTEGER_CONSTANTS = (0, 1, -1, 2, 2**31 - 1, -(2**31))
HELPER = tensor(2, 3)


class Maker:
    """Emits random ops on the values made so far. Every choice is drawn, so that failures shrink."""

    def __init__(
        self, draw: Callable[[st.SearchStrategy[Any]], Any], b: Builder, values: list[Value], depth: int = 0
    ) -> None:
        self.draw, self.b, self.values, self.depth = draw, b, values, depth

    def index(self, n: int) -> int:
        return int(self.draw(st.integers(0, n - 1)))

    def choose(self, items: Any) -> Any:
        return items[self.index(len(items))]

    def value(self, fits: Callable[[TensorType], bool] = lambda t: True) -> Value | None:
        fitting = [v for v in self.values if fits(v.type)]
        return self.choose(fitting) if fitting else None

    def of_type(self, type: TensorType) -> Value:
        """A value of this type: one there is, or a constant."""
        found = [v for v in self.values if v.type is type]
        if found and self.index(3):
            return self.choose(found)  # type: ignore[no-any-return]
        pool = (
            (True, False)
            if type.element is i1
            else INTEGER_CONSTANTS
            if type.element is i32
            else FLOAT_CONSTANTS
        )
        return self.b.emit(S.Constant.splat(self.choose(pool), type))  # type: ignore[no-any-return]

    def add(self, op: Any) -> None:
        made = self.b.emit(op)
        self.values += made if isinstance(made, tuple) else [made]

    def step(self) -> None:
        steps = [
            self.unary,
            self.binary,
            self.binary,
            self.compare,
            self.select,
            self.convert,
            self.move,
            self.move,
            self.reduce,
        ]
        steps += [self.dot, self.convolve, self.barrier]
        if self.depth < 2:
            steps += [self.branch, self.loop]
        if self.depth == 0:
            steps.append(self.call)
        self.choose(steps)()

    def unary(self) -> None:
        x = self.value()
        if x is not None:
            kinds = {
                f32: (S.Negate, S.Abs, S.Floor, S.Sqrt, S.Tanh),
                i32: (S.Negate, S.Abs, S.Not),
                i1: (S.Not,),
            }
            self.add(self.choose(kinds[x.type.element])(x))

    def binary(self) -> None:
        x = self.value()
        if x is not None:
            kinds = {
                f32: (S.Add, S.Subtract, S.Multiply, S.Divide, S.Maximum, S.Minimum),
                i32: (
                    S.Add,
                    S.Subtract,
                    S.Multiply,
                    S.Divide,
                    S.Remainder,
                    S.Maximum,
                    S.And,
                    S.Or,
                    S.Xor,
                    S.ShiftLeft,
                ),
                i1: (S.And, S.Or, S.Xor),
            }
            pair = [x, self.of_type(x.type)]
            if self.index(2):
                pair.reverse()
            self.add(self.choose(kinds[x.type.element])(*pair))

    def compare(self) -> None:
        x = self.value()
        if x is not None:
            direction = self.choose(("EQ", "NE", "LT", "LE", "GT", "GE"))
            self.add(S.Compare(x, self.of_type(x.type), comparison_direction=direction))

    def select(self) -> None:
        x = self.value()
        if x is not None:
            shape = x.type.shape if self.index(2) else ()
            self.add(S.Select(self.of_type(tensor(*shape, element=i1)), x, self.of_type(x.type)))

    def convert(self) -> None:
        x = self.value()
        if x is not None:
            self.add(S.Convert(x, result_types=[x.type.with_element(self.choose((f32, i32, i1)))]))

    def move(self) -> None:
        x = self.value(lambda t: t.rank > 0)
        if x is not None:
            self.choose(
                [
                    self.transpose,
                    self.reshape,
                    self.broadcast,
                    self.reverse,
                    self.slice,
                    self.pad,
                    self.concatenate,
                ]
            )(x)

    def transpose(self, x: Value) -> None:
        self.add(S.Transpose(x, permutation=self.draw(st.permutations(range(x.type.rank)))))

    def reshape(self, x: Value) -> None:
        shape = [n for n in x.type.shape if n != 1]
        for _ in range(self.index(3)):
            shape.insert(self.index(len(shape) + 1), 1)
        self.add(
            S.Reshape(x, result_types=[x.type.with_shape(tuple(shape) if len(shape) < 6 else (x.type.size,))])
        )

    def broadcast(self, x: Value) -> None:
        rank = min(x.type.rank + self.index(2), 5)
        dims = sorted(self.draw(st.permutations(range(rank)))[: x.type.rank])
        shape = [self.choose(DIMS) for _ in range(rank)]
        for n, d in zip(x.type.shape, dims, strict=True):
            shape[d] = shape[d] if n == 1 else n
        if x.type.rank <= rank:
            self.add(
                S.BroadcastInDim(x, broadcast_dimensions=dims, result_types=[x.type.with_shape(tuple(shape))])
            )

    def reverse(self, x: Value) -> None:
        self.add(S.Reverse(x, dimensions=[d for d in range(x.type.rank) if self.index(2)]))

    def slice(self, x: Value) -> None:
        starts = [self.index(n + 1) for n in x.type.shape]
        limits = [s + self.index(n - s + 1) for s, n in zip(starts, x.type.shape, strict=True)]
        if all(s < m for s, m in zip(starts, limits, strict=True)):
            self.add(
                S.Slice(
                    x, start_indices=starts, limit_indices=limits, strides=[1 + self.index(2) for _ in starts]
                )
            )

    def pad(self, x: Value) -> None:
        low, high = ([self.index(3) - 1 for _ in x.type.shape] for _ in "ab")
        if all(n + a + b > 0 for n, a, b in zip(x.type.shape, low, high, strict=True)) and x.type.size < 50:
            value = self.of_type(x.type.with_shape(()))
            inside = [self.index(2) for _ in low]
            self.add(S.Pad(x, value, edge_padding_low=low, edge_padding_high=high, interior_padding=inside))

    def concatenate(self, x: Value) -> None:
        if x.type.size < 50:
            self.add(
                S.Concatenate(
                    [x, self.of_type(x.type)][: 1 + self.index(2)], dimension=self.index(x.type.rank)
                )
            )

    def reduce(self) -> None:
        x = self.value(lambda t: t.element is not i1 and t.rank > 0)
        if x is not None:
            dims = [d for d in range(x.type.rank) if self.index(2)]
            region = scalar_region(self.b, self.choose((S.Add, S.Maximum, S.Multiply)), x.type.element)
            self.add(S.Reduce([x], [self.of_type(x.type.with_shape(()))], dimensions=dims, regions=[region]))

    def dot(self) -> None:
        x = self.value(lambda t: t.element is f32 and 0 < t.rank < 4)
        if x is not None:
            k = self.index(x.type.rank)
            y = self.value(lambda t: t.element is f32 and 0 < t.rank < 4 and x.type.shape[k] in t.shape)
            if y is not None and x.type.size * y.type.size < 500:
                dims = DotDimensionNumbers((), (), (k,), (y.type.shape.index(x.type.shape[k]),))
                self.add(S.DotGeneral(x, y, dot_dimension_numbers=dims))

    def convolve(self) -> None:
        x = self.value(lambda t: t.element is f32 and t.rank == 4 and t.size < 200)
        if x is not None:
            order = self.draw(st.permutations(range(4)))
            kernel = [1 + self.index(2) for _ in range(4)]
            kernel[1] = x.type.shape[order[1]]
            numbers = ConvDimensionNumbers(order[0], order[1], tuple(order[2:]), 1, 0, (2, 3), 0, 1, (2, 3))
            self.add(
                S.Convolution(
                    x,
                    self.of_type(tensor(*kernel)),
                    dimension_numbers=numbers,
                    feature_group_count=1,
                    batch_group_count=1,
                    padding=((1, 1), (1, 0)),
                )
            )

    def barrier(self) -> None:
        x = self.value()
        if x is not None:
            self.add(S.OptimizationBarrier([x]))

    def inner(self, b: Builder, values: list[Value]) -> Maker:
        maker = Maker(self.draw, b, [*self.values, *values], self.depth + 1)
        for _ in range(self.index(3)):
            maker.step()
        return maker

    def branch(self) -> None:
        x, y = self.value(), self.value()
        if x is None or y is None:
            return
        regions = []
        for _ in range(2):

            def body(b: Builder) -> None:
                maker = self.inner(b, [])
                b.emit(S.Return([maker.of_type(x.type), maker.of_type(y.type)]))

            regions.append(self.b.region([], body))
        self.add(S.If(self.of_type(tensor(element=i1)), regions=regions))

    def loop(self) -> None:
        """`for i in range(start, end)` with two carried values."""
        x, y = self.value(), self.value()
        if x is None or y is None:
            return
        scalar = tensor(element=i32)
        types = [scalar, scalar, x.type, y.type]

        def condition(b: Builder, i: Value, end: Value, u: Value, v: Value) -> None:
            b.emit(S.Return([b.emit(S.Compare(i, end, comparison_direction="LT"))]))

        def body(b: Builder, i: Value, end: Value, u: Value, v: Value) -> None:
            maker = self.inner(b, [u, v])
            following = b.emit(S.Add(i, b.emit(S.Constant.splat(1, scalar))))
            b.emit(S.Return([following, end, maker.of_type(x.type), maker.of_type(y.type)]))

        start, end = (self.b.emit(S.Constant.splat(self.index(3), scalar)) for _ in "ab")
        regions = [self.b.region(types, condition), self.b.region(types, body)]
        self.add(S.While([start, end, x, y], regions=regions))

    def call(self) -> None:
        self.add(
            func.Call(
                [self.of_type(HELPER), self.of_type(HELPER)], callee="helper", result_types=[HELPER, HELPER]
            )
        )


@st.composite
def programs(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Module:
    """A module: @main on three arguments, and a private helper that it may call."""

    def helper(b: Builder, x: Value, y: Value) -> list[Value]:
        return [b.emit(S.Multiply(x, y)), b.emit(S.Add(y, b.emit(S.Constant.splat(-0.0, HELPER))))]

    shape = tuple(draw(st.sampled_from(DIMS)) for _ in range(4))
    types = [tensor(*shape), HELPER, tensor(2, 3, element=i32), tensor(element=i1)]

    def main(b: Builder, *arguments: Value) -> list[Value]:
        maker = Maker(draw, b, list(arguments))
        for _ in range(draw(st.integers(1, 12))):
            maker.step()
        return [maker.choose(maker.values) for _ in range(2)] + [maker.values[-1]]

    return Module.of([function("main", types, main), function("helper", [HELPER] * 2, helper, "private")])
