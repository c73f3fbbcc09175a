"""Random modules without manners: every op in the generality that its constraints allow, on every element type.

Extents of 0 and large ones, complex numbers and those of a few bits, several operands wherever there may be several, regions
that combine in their own way, control flow inside control flow that carries tensors of any type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from random_kernels import ELEMENTS, Index, Traits, identity, region, tensor
from wide_modules import COMPLEX_BINARY, COMPLEX_UNARY, WIDE, WideMaker

from irc.dialects import chlo
from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import ComplexType, FloatType, IntegerType, TensorType, f32, f64, i1, i32, i64, ui8

COMPLEX = (ComplexType(f32), ComplexType(f64))
EVERY = (
    *dict.fromkeys(WIDE), *COMPLEX, IntegerType(2), IntegerType(2, "unsigned"), FloatType("f8E4M3"), FloatType("f8E3M4"),
    FloatType("f8E4M3FNUZ"), FloatType("f8E5M2FNUZ"),
)  # fmt: skip
SMALL_EXTENTS = (0, 1, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33)
MEDIUM, LARGE = 3000, 1 << 18
INDEX_TYPES = (i32, i64, ui8, IntegerType(16), IntegerType(8), IntegerType(32, "unsigned"))


@dataclass(frozen=True)
class Size:
    """How large a program's tensors are: extents to choose from, the least elements of some and the most of one."""

    extents: tuple[int, ...]
    least: int
    largest: int
    steps: int


SMALL = Size(SMALL_EXTENTS, 0, MEDIUM, 10)
BIG = Size((1, 2, 3, 7, 16, 33, 64, 65, 100, 128, 255, 300, 1000, 4100), 1 << 16, LARGE, 5)


class GeneralMaker(WideMaker):
    """What the other makers emit, on values they can work with; beside that, ops of any form on values of any type."""

    size = SMALL

    def step(self) -> None:
        steps: list[Callable[[], None]] = [
            self.any_elementwise, self.any_elementwise, self.any_convert, self.any_move, self.any_move, self.any_select,
            self.full_gather, self.full_scatter, self.full_sort, self.full_convolution, self.full_reduce,
            self.full_window, self.full_dot, self.full_dot, self.any_dynamic_slice, self.any_bits, self.full_pool_gradient,
            self.full_map, self.barrier, self.chlo_binary, self.predicate,
        ]  # fmt: skip
        if self.depth < 2:
            steps += [self.full_while, self.full_branch]
        if self.index(4):
            self.choose(steps)()
        else:
            super().step()

    def inner(self, b: Builder, values: Sequence[Value]) -> GeneralMaker:
        maker = GeneralMaker(self.index, b, [*self.values, *values], self.traits, self.depth + 1)
        maker.size = self.size
        for _ in range(self.index(4)):
            maker.step()
        return maker

    def value(self, fits: Callable[[TensorType], bool] = lambda t: True) -> Value | None:
        """A value that the other makers know how to go on with."""
        return self.any(
            lambda t: (
                not isinstance(t.element, ComplexType) and 0 < t.size <= MEDIUM and t.rank < 6 and fits(t)
            )
        )

    def any(self, fits: Callable[[TensorType], bool] = lambda t: True) -> Value | None:
        if self.size.least and self.index(3):
            large = super().value(lambda t: t.size >= self.size.least and fits(t))
            if large is not None:
                return large
        return super().value(fits)

    def room(self, *shape: int) -> bool:
        return prod(shape) <= self.size.largest

    def extent(self) -> int:
        return int(self.choose(self.size.extents))

    # Elementwise.

    def any_elementwise(self) -> None:
        x = self.any()
        if x is None:
            return
        if not isinstance(x.type.element, ComplexType):
            self.choose((self.unary, self.binary, self.compare, self.clamp, self.select))()
            return
        binary = COMPLEX_BINARY[:3] if self.traits.exact else COMPLEX_BINARY
        unary = (
            (S.Negate, chlo.Conj)
            if self.traits.exact
            else (*COMPLEX_UNARY, S.Negate, chlo.Conj, S.Tan, S.Logistic)
        )
        match self.index(4):
            case 0:
                self.add(self.choose(unary)(x))
            case 1:
                self.add(S.Compare(x, self.of_type(x.type), comparison_direction=self.choose(("EQ", "NE"))))
            case 2:
                self.add(self.choose((S.Real, S.Imag) if self.traits.exact else (S.Real, S.Imag, S.Abs))(x))
            case _:
                self.add(self.choose(binary)(x, self.of_type(x.type)))

    def any_convert(self) -> None:
        x = self.any()
        if x is None:
            return
        target = self.choose(self.traits.elements)
        if isinstance(x.type.element, ComplexType) and not isinstance(target, ComplexType):
            x = self.emit(self.choose((S.Real, S.Imag))(x))
        self.add(S.Convert(x, result_types=[x.type.with_element(target)]))

    def any_select(self) -> None:
        x = self.any()
        if x is not None:
            shape = x.type.shape if self.index(3) else ()
            self.add(S.Select(self.of_type(tensor(*shape, element=i1)), x, self.of_type(x.type)))

    def predicate(self) -> None:
        x = self.any(lambda t: isinstance(t.element, FloatType))
        if x is not None:
            self.add(self.choose((chlo.IsInf, chlo.IsPosInf, chlo.IsNegInf, S.IsFinite))(x))

    def chlo_binary(self) -> None:
        x = self.any(lambda t: t.element in (f32, f64) and t.size <= 300)
        if x is not None:
            exact = self.traits.exact or self.traits.portable
            kinds = (chlo.NextAfter,) if exact else (chlo.NextAfter, chlo.Zeta, chlo.Polygamma)
            self.add(self.choose(kinds)(x, self.of_type(x.type)))

    def barrier(self) -> None:
        found = [v for v in (self.any() for _ in range(1 + self.index(3))) if v is not None]
        if found:
            self.add(S.OptimizationBarrier(found))

    def full_map(self) -> None:
        """An op on every element, in a region of several ops."""
        x = self.any()
        if x is None:
            return
        others = [self.of_type(x.type) for _ in range(self.index(3))]
        scalar = x.type.with_shape(())
        body = region(self.b, [scalar] * (1 + len(others)), lambda b, *given: self.combination(b, given))
        self.add(S.Map([x, *others], dimensions=tuple(range(x.type.rank)), regions=[body]))

    def combination(self, b: Builder, given: Sequence[Value]) -> Value:
        """One scalar of several of one type."""
        made = given[0]
        for other in given[1:]:
            kind = self.choose(self.combiners(made.type.element))
            pair = [made, other]
            if not self.index(4):
                pair.reverse()
            made = b.emit(kind(*pair))
        if not self.index(4) and isinstance(made.type.element, FloatType | ComplexType):
            made = b.emit(S.Negate(made))
        return made

    def combiners(self, element: Any) -> Sequence[Any]:
        """Ops of two scalars; where programs are portable, those whose order does not matter."""
        kinds: tuple[Any, ...] = (S.Add, S.Multiply, S.Maximum, S.Minimum)
        if element is i1:
            kinds = (S.And, S.Or)
        elif isinstance(element, ComplexType):
            kinds = (S.Add, S.Multiply)
        elif not isinstance(element, FloatType):
            kinds = (*kinds, S.And, S.Or, S.Xor)
        if self.traits.portable:
            return kinds
        return (*kinds, S.Xor) if element is i1 else (*kinds, S.Subtract)

    def body(self, types: Sequence[TensorType]) -> tuple[Region, list[Value]]:
        """A region that combines N + N scalars to N, each with its partner, or all as the first ones decide; and values to
        begin from."""
        n = len(types)
        scalars = [t.with_shape(()) for t in types]
        if self.traits.portable:
            kinds = [self.choose(self.combiners(t.element)) for t in types]
            plain = lambda b, *given: [b.emit(k(given[i], given[n + i])) for i, k in enumerate(kinds)]  # noqa: E731
            return region(self.b, scalars * 2, plain), [
                self.emit(S.Constant.splat(neutral(k, t.element), t))
                for k, t in zip(kinds, scalars, strict=True)
            ]

        def each(b: Builder, *given: Value) -> list[Value]:
            return [self.combination(b, (given[i], given[n + i])) for i in range(n)]

        def decided(b: Builder, *given: Value) -> list[Value]:
            left = b.emit(
                S.Compare(given[0], given[n], comparison_direction=self.direction(scalars[0].element))
            )
            return [b.emit(S.Select(left, given[i], given[n + i])) for i in range(n)]

        made = region(self.b, scalars * 2, decided if n > 1 and self.index(2) else each)
        return made, [self.of_type(t) for t in scalars]

    def direction(self, element: Any) -> str:
        if self.traits.portable:
            return "GE"
        equal = isinstance(element, ComplexType)
        return str(self.choose(("EQ", "NE") if equal else ("LT", "LE", "GT", "GE", "EQ", "NE")))

    # Movement.

    def any_move(self) -> None:
        x = self.any()
        if x is not None:
            moves = (self.turn, self.flatten, self.spread_out, self.flip, self.cut, self.widen, self.join)
            self.choose(moves)(x)

    def turn(self, x: Value) -> None:
        self.add(S.Transpose(x, permutation=self.shuffled(x.type.rank)))

    def flip(self, x: Value) -> None:
        self.add(S.Reverse(x, dimensions=[d for d in range(x.type.rank) if self.index(2)]))

    def flatten(self, x: Value) -> None:
        t = x.type
        shapes = [(t.size,), (1, *t.shape), (*t.shape, 1), tuple(n for n in t.shape if n != 1)]
        if t.rank > 1:
            shapes.append((t.shape[0] * t.shape[1], *t.shape[2:]))
        for divisor in (2, 3, 5, 16):
            if t.rank and t.size and t.shape[-1] % divisor == 0:
                shapes.append((*t.shape[:-1], divisor, t.shape[-1] // divisor))
        if t.size == 0:
            shapes += [(0,), (0, 3), (2, 0, 1)]
        self.add(S.Reshape(x, result_types=[t.with_shape(self.choose(shapes))]))

    def spread_out(self, x: Value) -> None:
        rank = x.type.rank + self.index(3)
        dims = self.shuffled(rank)[: x.type.rank]
        shape = [self.extent() for _ in range(rank)]
        for n, d in zip(x.type.shape, dims, strict=True):
            shape[d] = shape[d] if n == 1 else n
        if self.room(*shape) and rank < 7:
            made = x.type.with_shape(tuple(shape))
            self.add(S.BroadcastInDim(x, broadcast_dimensions=dims, result_types=[made]))

    def cut(self, x: Value) -> None:
        starts = [self.index(n + 1) for n in x.type.shape]
        limits = [
            s + self.index(n - s + 1) if not self.index(8) else n
            for s, n in zip(starts, x.type.shape, strict=True)
        ]
        self.add(
            S.Slice(
                x, start_indices=starts, limit_indices=limits, strides=[1 + self.index(4) for _ in starts]
            )
        )

    def widen(self, x: Value) -> None:
        low, high = ([self.index(7) - 3 for _ in x.type.shape] for _ in "ab")
        inside = [self.choose((0, 0, 0, 1, 2, 4)) for _ in low]
        places = zip(x.type.shape, low, high, inside, strict=True)
        shape = [n + max(n - 1, 0) * k + a + b for n, a, b, k in places]
        if all(n >= 0 for n in shape) and self.room(*shape):
            value = self.of_type(x.type.with_shape(()))
            self.add(S.Pad(x, value, edge_padding_low=low, edge_padding_high=high, interior_padding=inside))

    def join(self, x: Value) -> None:
        if x.type.rank == 0:
            return
        d = self.index(x.type.rank)
        extents = [
            x.type.shape[d],
            *(self.choose((0, 1, 2, 5, x.type.shape[d])) for _ in range(self.index(4))),
        ]
        shapes = [(*x.type.shape[:d], n, *x.type.shape[d + 1 :]) for n in extents]
        if self.room(sum(prod(s) for s in shapes)):
            parts = [x, *(self.of_type(x.type.with_shape(s)) for s in shapes[1:])]
            self.add(S.Concatenate(parts, dimension=d))

    def any_bits(self) -> None:
        """Bits of one element as several, or of several as one; NaN, which has many, is taken out before."""
        x = self.any(
            lambda t: t.element in self.traits.elements and t.element.width >= 8 and t.element is not i1
        )
        if x is None or isinstance(x.type.element, ComplexType):
            return
        width, t = x.type.element.width, x.type
        if isinstance(t.element, FloatType):
            x = self.ordered(x)
        whole = [IntegerType(n, s) for n in (8, 16, 32, 64) for s in ("signless", "unsigned")]
        made = self.choose(whole)
        if made.width == width:
            shape = t.shape
        elif made.width < width:
            shape = (*t.shape, width // made.width)
        elif t.rank and t.shape[-1] == made.width // width:
            shape = t.shape[:-1]
        else:
            return
        if self.room(*shape):
            self.add(S.BitcastConvert(x, result_types=[TensorType(shape, made)]))

    def any_dynamic_slice(self) -> None:
        x = self.any()
        if x is None:
            return
        sizes = [self.index(n + 1) for n in x.type.shape]
        at = self.choose(INDEX_TYPES)
        starts = [self.of_type(tensor(element=at)) for _ in sizes]
        if self.index(2):
            self.add(S.DynamicSlice(x, starts, slice_sizes=sizes))
        else:
            self.add(S.DynamicUpdateSlice(x, self.of_type(x.type.with_shape(tuple(sizes))), starts))

    # Reductions, windows, products.

    def alike(self, x: Value, count: int) -> list[Value]:
        """The value and some of its shape, of any element type."""
        return [
            x,
            *(self.of_type(x.type.with_element(self.choose(self.traits.elements))) for _ in range(count)),
        ]

    def full_reduce(self) -> None:
        x = self.any()
        if x is None:
            return
        inputs = self.alike(x, self.choose((0, 0, 0, 1, 2)))
        dims = [d for d in self.shuffled(x.type.rank) if self.index(2)]
        body, starts = self.body([v.type for v in inputs])
        self.add(S.Reduce(inputs, starts, dimensions=dims, regions=[body]))

    def full_window(self) -> None:
        x = self.any(lambda t: t.rank < 5 and t.size < 2000)
        if x is None:
            return
        n = x.type.rank
        window = {
            "window_dimensions": [1 + self.index(3) for _ in range(n)],
            "window_strides": [1 + self.index(3) for _ in range(n)],
            "base_dilations": [self.choose((1, 1, 2, 3)) for _ in range(n)],
            "window_dilations": [self.choose((1, 1, 2, 3)) for _ in range(n)],
        }
        padding = [(self.index(4) - 1, self.index(4) - 1) for _ in range(n)]
        counts = []
        for e, k, step, wide, apart, (low, high) in zip(x.type.shape, *window.values(), padding, strict=True):
            padded = (0 if e == 0 else (e - 1) * wide + 1) + low + high
            reach = (k - 1) * apart + 1
            if padded < 0:
                return
            counts.append(0 if padded < reach else (padded - reach) // step + 1)
        if prod(counts) * prod(window["window_dimensions"]) > MEDIUM * 3:
            return
        inputs = self.alike(x, self.choose((0, 0, 1)))
        body, starts = self.body([v.type for v in inputs])
        shape = {"padding": padding} if n else {}
        self.add(S.ReduceWindow(inputs, starts, regions=[body], **window, **shape))

    def full_pool_gradient(self) -> None:
        x = self.any(lambda t: 0 < t.rank < 5 and 0 < t.size < 600)
        if x is None or (self.traits.portable and isinstance(x.type.element, ComplexType)):
            return
        if self.traits.portable:
            x = self.ordered(x)
        scalar = x.type.with_shape(())
        sizes = [1 + self.index(3) for _ in x.type.shape]
        strides = [1 + self.index(3) for _ in sizes]
        padding = [(self.index(k), self.index(k)) for k in sizes]
        counts = [
            (n + low + high - k) // step + 1
            for n, k, step, (low, high) in zip(x.type.shape, sizes, strides, padding, strict=True)
        ]
        if min(counts) <= 0:
            return
        direction = self.direction(x.type.element)
        pick = region(
            self.b, [scalar] * 2, lambda b, p, q: b.emit(S.Compare(p, q, comparison_direction=direction))
        )
        source = self.of_type(x.type.with_shape(tuple(counts)))
        body, starts = self.body([x.type])
        window = {"window_dimensions": sizes, "window_strides": strides, "padding": padding}
        self.add(S.SelectAndScatter(x, source, *starts, regions=[pick, body], **window))

    def full_dot(self) -> None:
        """Any number of batch and contracting dimensions, in any order on both sides."""
        x = self.any(lambda t: t.rank < 5 and not (self.traits.portable and t.element is i1))
        if x is None:
            return
        roles = [self.choose("bkkff") for _ in x.type.shape]
        batch = [d for d in self.shuffled(x.type.rank) if roles[d] == "b"]
        depth = [d for d in self.shuffled(x.type.rank) if roles[d] == "k"]
        free = [self.extent() for _ in range(self.index(3))]
        extents = [*(x.type.shape[d] for d in batch), *(x.type.shape[d] for d in depth), *free]
        order = self.shuffled(len(extents))
        shape = tuple(extents[i] for i in order)
        place = {i: d for d, i in enumerate(order)}
        depth_size = prod(x.type.shape[d] for d in depth)
        batch_size = prod(x.type.shape[d] for d in batch)
        rows = x.type.size // max(1, depth_size * batch_size)
        if not self.room(*shape) or batch_size * rows * prod(free) > self.size.largest or len(order) > 5:
            return
        if batch_size * rows * prod(free) * depth_size > 64 * self.size.largest:
            return
        y = self.of_type(x.type.with_shape(shape))
        dims = S.DotDimensionNumbers(
            tuple(batch), tuple(place[i] for i in range(len(batch))),
            tuple(depth), tuple(place[len(batch) + i] for i in range(len(depth))),
        )  # fmt: skip
        self.add(S.DotGeneral(x, y, dot_dimension_numbers=dims))

    def full_convolution(self) -> None:
        """0 to 3 spatial dimensions, negative padding, groups of features or of the batch."""
        space = self.index(4)
        source = self.any(lambda t: 0 < t.size < 2000 and not (self.traits.portable and t.element is i1))
        if source is None:
            return
        t = source.type
        kind, groups = self.choose((("feature", 1), ("feature", 2), ("feature", 3), ("batch", 2)))
        by_feature, by_batch = (groups, 1) if kind == "feature" else (1, groups)
        batch, features = by_batch * (1 + self.index(2)), by_feature * (1 + self.index(4))
        extents = [1 + self.index(9 if space < 3 else 4) for _ in range(space)]
        order, kernel_order, result_order = (self.shuffled(space + 2) for _ in "abc")
        lhs = self.placed(order, [batch, features, *extents])
        sizes = [1 + self.index(3) for _ in range(space)]
        outputs = groups * self.choose((1, 2, 5, 17))
        kernel = self.placed(kernel_order, [features // by_feature, outputs, *sizes])
        window = {
            "window_strides": [1 + self.index(3) for _ in sizes],
            "padding": [(self.index(4) - 1, self.index(4) - 1) for _ in sizes],
            "lhs_dilation": [self.choose((1, 1, 2, 3)) for _ in sizes],
            "rhs_dilation": [self.choose((1, 1, 2)) for _ in sizes],
            "window_reversal": [self.index(3) == 0 for _ in sizes],
        }
        if any(
            (n - 1) * wide + 1 + low + high < 0
            for n, (low, high), wide in zip(extents, window["padding"], window["lhs_dilation"], strict=True)
        ):
            return
        if not space:
            window = {}
        numbers = S.ConvDimensionNumbers(
            order[0], order[1], tuple(order[2:]), kernel_order[0], kernel_order[1], tuple(kernel_order[2:]),
            result_order[0], result_order[1], tuple(result_order[2:]),
        )  # fmt: skip
        x, rhs = self.of_size(source, t.with_shape(lhs)), self.of_type(t.with_shape(kernel))
        self.add(
            S.Convolution(
                x,
                rhs,
                dimension_numbers=numbers,
                feature_group_count=by_feature,
                batch_group_count=by_batch,
                **window,
            )
        )

    def placed(self, order: Sequence[int], extents: Sequence[int]) -> tuple[int, ...]:
        shape = [0] * len(order)
        for d, n in zip(order, extents, strict=True):
            shape[d] = n
        return tuple(shape)

    def of_size(self, source: Value, type: TensorType) -> Value:
        """A value of this type, from the elements of another: its first ones, or repeated."""
        flat = self.emit(S.Reshape(source, result_types=[type.with_shape((source.type.size,))]))
        while flat.type.size < type.size:
            flat = self.emit(S.Concatenate([flat, flat], dimension=0))
        flat = self.emit(S.Slice(flat, start_indices=[0], limit_indices=[type.size], strides=[1]))
        return self.emit(S.Reshape(flat, result_types=[type]))  # type: ignore[no-any-return]

    # Sort, gather, scatter.

    def full_sort(self) -> None:
        """One to three operands; a comparator that looks at some of them, in turn."""
        x = self.any(lambda t: t.rank > 0 and t.size < 700)
        if x is None:
            return
        inputs = self.alike(x, self.choose((0, 1, 1, 2)))
        inputs = [self.ordered(v) if isinstance(v.type.element, FloatType) else v for v in inputs]
        keys = [k for k in self.shuffled(len(inputs)) if not isinstance(inputs[k].type.element, ComplexType)]
        if not keys:
            return
        scalars = [v.type.with_shape(()) for v in inputs for _ in "pq"]
        first, *rest = keys[: 1 + self.index(2)]
        ways = [self.choose(("LT", "GT")) for _ in keys]

        def body(b: Builder, *given: Value) -> Value:
            wins = b.emit(S.Compare(given[2 * first], given[2 * first + 1], comparison_direction=ways[0]))
            for way, k in zip(ways[1:], rest, strict=False):
                ties = b.emit(S.Compare(given[2 * first], given[2 * first + 1], comparison_direction="EQ"))
                after = b.emit(S.Compare(given[2 * k], given[2 * k + 1], comparison_direction=way))
                wins = b.emit(S.Select(ties, after, wins))
            return wins  # type: ignore[no-any-return]

        made = region(self.b, scalars, body)
        self.add(S.Sort(inputs, dimension=self.index(x.type.rank), is_stable=True, regions=[made]))

    def index_layout(self, t: TensorType) -> Any:
        """Roles of an operand's dimensions (window, gone or batch) and a type for indices into it."""
        roles = [self.choose("wwwgb" if n else "w") for n in t.shape]
        batch = [d for d, r in enumerate(roles) if r == "b"][:2]
        roles = ["w" if r == "b" and d not in batch else r for d, r in enumerate(roles)]
        gone = [d for d, r in enumerate(roles) if r == "g"]
        mapped = [d for d in self.shuffled(t.rank) if d not in batch and (d in gone or not self.index(3))]
        places = [(d, t.shape[d]) for d in batch] + [
            (-1, self.choose((0, 1, 2, 3, 5))) for _ in range(self.index(3))
        ]
        order = self.shuffled(len(places))
        shape = [places[i][1] for i in order]
        at = [next(k for k, i in enumerate(order) if places[i][0] == d) for d in batch]
        vector = self.index(len(shape) + 1) if len(mapped) != 1 or self.index(2) else len(shape)
        if len(mapped) != 1 or self.index(2):
            shape.insert(vector, len(mapped))
            at = [k + (k >= vector) for k in at]
            counted = [n for k, n in enumerate(shape) if k != vector]
        else:
            vector, counted = len(shape), list(shape)
        return roles, gone, batch, mapped, at, vector, tuple(shape), counted

    def full_gather(self) -> None:
        x = self.any(lambda t: t.rank < 5)
        if x is None:
            return
        roles, gone, batch, mapped, at, vector, shape, counted = self.index_layout(x.type)
        sizes = [1 if r != "w" else self.index(n + 1) for r, n in zip(roles, x.type.shape, strict=True)]
        kept = [d for d, r in enumerate(roles) if r == "w"]
        if not self.room(*counted, *(sizes[d] for d in kept)) or prod(counted) > 300:
            return
        offsets = tuple(sorted(self.shuffled(len(counted) + len(kept))[: len(kept)]))
        indices = self.of_type(tensor(*shape, element=self.choose(INDEX_TYPES)))
        numbers = S.GatherDimensionNumbers(
            offsets, tuple(gone), tuple(batch), tuple(at), tuple(mapped), vector
        )
        self.add(S.Gather(x, indices, dimension_numbers=numbers, slice_sizes=sizes))

    def full_scatter(self) -> None:
        x = self.any(lambda t: t.rank < 5 and t.size < 2000)
        if x is None:
            return
        roles, gone, batch, mapped, at, vector, shape, counted = self.index_layout(x.type)
        kept = [d for d, r in enumerate(roles) if r == "w"]
        sizes = [self.index(x.type.shape[d] + 1) for d in kept]
        if prod(counted) * prod(sizes) > 1000:
            return
        rank = len(counted) + len(kept)
        offsets = sorted(self.shuffled(rank)[: len(kept)])
        rest, inside = iter(counted), iter(sizes)
        updates = tuple(next(inside) if d in offsets else next(rest) for d in range(rank))
        inputs = self.alike(x, self.choose((0, 0, 1)))
        scattered = [self.of_type(v.type.with_shape(updates)) for v in inputs]
        indices = self.of_type(tensor(*shape, element=self.choose(INDEX_TYPES)))
        numbers = S.ScatterDimensionNumbers(
            tuple(offsets), tuple(gone), tuple(batch), tuple(at), tuple(mapped), vector
        )
        body, _ = self.body([v.type for v in inputs])
        self.add(S.Scatter(inputs, indices, scattered, scatter_dimension_numbers=numbers, regions=[body]))

    # Control flow.

    def carried(self) -> list[Value]:
        found = [self.any() for _ in range(1 + self.index(4))]
        return [v for v in found if v is not None]

    def full_branch(self) -> None:
        """An `if` or a `case` of several results, some of them passed on as they are."""
        values = self.carried()

        def body(b: Builder) -> list[Value]:
            maker = self.inner(b, [])
            return [v if not self.index(4) else maker.of_type(v.type) for v in values]

        if self.index(2):
            regions = [region(self.b, [], body) for _ in "tf"]
            self.add(S.If(self.of_type(tensor(element=i1)), regions=regions))
        else:
            regions = [region(self.b, [], body) for _ in range(1 + self.index(3))]
            self.add(S.Case(self.of_type(tensor(element=i32)), regions=regions))

    def full_while(self) -> None:
        """A few rounds, ended early by what is carried; values stay, change places, or are computed."""
        values = self.carried()
        scalar = tensor(element=i32)
        types = [scalar, *(v.type for v in values)]
        rounds, early = self.index(4), self.index(2)

        def condition(b: Builder, i: Value, *given: Value) -> Value:
            going = b.emit(S.Compare(i, b.emit(S.Constant.splat(rounds, scalar)), comparison_direction="LT"))
            flag = next((v for v in given if v.type is tensor(element=i1)), None)
            return b.emit(S.And(going, flag)) if early and flag is not None else going  # type: ignore[no-any-return]

        def body(b: Builder, i: Value, *given: Value) -> list[Value]:
            maker = self.inner(b, [i, *given])
            following = [b.emit(S.Add(i, b.emit(S.Constant.splat(1, scalar))))]
            for v in given:
                alike = [w for w in given if w.type is v.type]
                following.append(
                    self.choose((v, self.choose(alike), maker.of_type(v.type), maker.of_type(v.type)))
                )
            return following

        regions = [region(self.b, types, condition), region(self.b, types, body)]
        self.add(S.While([self.emit(S.Constant.splat(0, scalar)), *values], regions=regions))


def neutral(kind: type[Operation], element: Any) -> Any:
    """What combining by `kind` leaves everything as it is with."""
    if isinstance(element, ComplexType):
        return 1 if kind is S.Multiply else 0
    return identity(kind, element)


class SmoothMaker(GeneralMaker):
    """Programs with gradients that finite differences can tell: nothing that rounds f64 to steps."""

    def inner(self, b: Builder, values: Sequence[Value]) -> SmoothMaker:
        maker = SmoothMaker(self.index, b, [*self.values, *values], self.traits, self.depth + 1)
        maker.size = self.size
        for _ in range(self.index(4)):
            maker.step()
        return maker

    def step(self) -> None:
        if self.index(3):
            super().step()
        else:
            self.smooth()

    def smooth(self) -> None:
        """Functions where they are far from their poles."""
        x = self.value(lambda t: t.element is f64)
        if x is None:
            return
        square = self.emit(S.Add(self.emit(S.Multiply(x, x)), self.emit(S.Constant.splat(0.5, x.type))))
        anywhere = (S.Tanh, S.Logistic, S.Sine, S.Cosine, chlo.Erf, chlo.Atan, S.Negate, S.Cbrt)
        positive = (S.Log, S.Sqrt, S.Rsqrt, S.LogPlusOne, chlo.Lgamma, chlo.Digamma)
        match self.index(3):
            case 0:
                self.add(self.choose(positive)(square))
            case 1:
                self.add(S.Divide(self.of_type(x.type), square))
            case _:
                self.add(self.choose(anywhere)(x))

    def bits(self) -> None:
        self.smooth()

    any_bits = precision = random_bits = bits


def smooth_program(index: Index) -> Module:
    """A module of f64 (and whole numbers, and complex ones on the way)."""
    traits = Traits(exact=False, elements=(f64, f64, f64, i32))
    size = replace(SMALL, extents=SMALL_EXTENTS[1:10], largest=600)
    return Module.of([_function("main", index, traits, size, [], SmoothMaker)])


def general_program(index: Index, exact: bool, size: Size, portable: bool = False) -> Module:
    """A module of up to six arguments, with a private function that @main may call."""
    known = (*dict.fromkeys(ELEMENTS), *COMPLEX) if portable else EVERY
    palette = [known[index(len(known))] for _ in range(1 + index(3))]
    traits = Traits(
        exact=exact,
        portable=portable,
        elements=(*palette, f32, i32) if index(2) or set(palette) == {i1} else tuple(palette),
    )
    helper = _function("helper", index, traits, replace(size, steps=4), [], GeneralMaker)
    main = _function("main", index, traits, size, [helper], GeneralMaker)
    used = any(isinstance(op, Call) for op in main.walk())
    return Module.of([main, *([helper] if used else [])])


def _function(
    name: str, index: Index, traits: Traits, size: Size, helpers: Sequence[Func], kind: type[GeneralMaker]
) -> Func:
    shape = [size.extents[index(len(size.extents))] for _ in range(index(4))]
    for _ in range(20):
        if prod(shape) >= size.least:
            break
        shape = [size.extents[index(len(size.extents))] for _ in range(1 + index(3))]
    while prod(shape) > size.largest:
        shape.pop()
    types = [
        tensor(*shape, element=traits.elements[index(len(traits.elements))]) for _ in range(1 + index(3))
    ]
    types += [tensor(*shape[index(3) :], element=types[0].element), tensor(element=(i32, i1)[index(2)])]
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    b = Builder()
    maker = kind(index, b, arguments, traits)
    maker.size = size
    for _ in range(1 + index(size.steps)):
        maker.step()
    if helpers and not index(3):
        maker.add(call(maker, helpers[0]))
        maker.step()
    returned = [maker.values[-1], *(maker.choose(maker.values) for _ in range(index(4)))]
    b.emit(Return(returned))
    visibility = {} if name == "main" else {"visibility": "private"}
    return Func.of(name, Block(arguments, b.operations), **visibility)


def call(maker: GeneralMaker, callee: Func) -> Operation:
    operands = [maker.of_type(a.type) for a in callee.arguments]
    return Call(operands, callee=callee.sym_name, result_types=[v.type for v in callee.returned])
