"""What programs of kernels seldom hold, at random: complex numbers, chlo, linear algebra, ops of unknown shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import random_kernels as kernels
from hypothesis import strategies as st
from random_kernels import ELEMENTS, Maker, Traits, region, tensor

from irc.dialects import chlo
from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.ir.attributes import DenseElementsAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import (
    FloatType,
    IntegerType,
    TensorType,
    f32,
    f64,
    i16,
    i32,
    i64,
    ui16,
    ui64,
)

WIDE = (
    *ELEMENTS, i16, ui16, ui64, IntegerType(4), IntegerType(4, "unsigned"), FloatType("f8E4M3FN"), FloatType("f8E5M2"),
    FloatType("f8E4M3B11FNUZ"),
)  # fmt: skip
CHLO = (
    chlo.Acos, chlo.Acosh, chlo.Asin, chlo.Asinh, chlo.Atan, chlo.Atanh, chlo.Cosh, chlo.Sinh, chlo.Erf, chlo.Erfc,
    chlo.ErfInv, chlo.Lgamma, chlo.Digamma, chlo.BesselI1e, chlo.Square, chlo.Tan,
)  # fmt: skip
COMPLEX_UNARY = (S.Negate, S.Exponential, S.Log, S.Sqrt, S.Rsqrt, S.Tanh, S.Sine, S.Cosine, S.Sign)
COMPLEX_BINARY = (S.Add, S.Subtract, S.Multiply, S.Divide)
LARGEST = 600


class WideMaker(Maker):
    """What programs of kernels seldom hold: complex numbers, chlo, linear algebra, ops of unknown shapes, branches by number."""

    def step(self) -> None:
        more = [
            self.complex, self.special, self.cholesky, self.triangular, self.normalization, self.fourier, self.case,
            self.map, self.shapes, self.precision, self.tuple, self.top_k, self.composite_math, self.two_reductions,
        ]  # fmt: skip
        self.choose([super().step] * 8 + [self.unary, self.binary] * 4 + more)()

    def inner(self, b: Builder, values: Sequence[Value]) -> Maker:
        maker = WideMaker(self.index, b, [*self.values, *values], self.traits, self.depth + 1)
        for _ in range(self.index(4)):
            maker.step()
        return maker

    def float(self, fits: Callable[[TensorType], bool] = lambda t: True) -> Value | None:
        """A value of f32 or f64."""
        return self.value(lambda t: t.element in (f32, f64) and t.size <= LARGEST and fits(t))

    def complex(self) -> None:
        x = self.float()
        if x is None:
            return
        if self.traits.portable:
            x = self.tame(x)  # of what is infinite, complex functions have many opinions
        z = self.emit(S.Complex(x, self.of_type(x.type)))
        for _ in range(self.index(3)):
            if self.index(2) or self.traits.exact:
                other = self.emit(S.Complex(self.of_type(x.type), x))
                z = self.emit(
                    self.choose(COMPLEX_BINARY[:3] if self.traits.exact else COMPLEX_BINARY)(z, other)
                )
            else:
                z = self.emit(self.choose(COMPLEX_UNARY)(z))
        self.add(self.choose((S.Real, S.Imag) if self.traits.exact else (S.Real, S.Imag, S.Abs))(z))

    def special(self) -> None:
        x = self.float()
        if x is not None and not self.traits.exact:
            self.add(self.choose(CHLO)(x))

    def composite_math(self) -> None:
        x = self.float()
        if x is not None and not self.traits.exact:
            self.add(self.choose((S.Power, S.Atan2))(x, self.of_type(x.type)))

    def tame(self, x: Value) -> Value:
        """The value between -100 and 100: where every element meets every other, one that is infinite decides all."""
        low, high = (self.emit(S.Constant.splat(bound, x.type.with_shape(()))) for bound in (-100, 100))
        return self.emit(S.Clamp(low, self.ordered(x), high))

    def square(self, x: Value, n: int) -> Value:
        """An n by n matrix of a value's type, its diagonal large."""
        t = tensor(n, n, element=x.type.element)
        rows, columns = (
            self.emit(S.Iota(iota_dimension=d, result_types=[tensor(n, n, element=i32)])) for d in (0, 1)
        )
        diagonal = self.emit(S.Compare(rows, columns, comparison_direction="EQ"))
        large = self.emit(S.Constant.splat(2 * n, t))
        small = self.emit(S.Constant.splat(0.5, t))
        return self.emit(S.Select(diagonal, large, small))

    def cholesky(self) -> None:
        x = self.float()
        if x is not None and not self.traits.exact:
            self.add(S.Cholesky(self.square(x, 1 + self.index(5)), lower=bool(self.index(2))))

    def triangular(self) -> None:
        x = self.float(lambda t: t.rank == 2 and t.shape[0] < 20)
        if x is not None and not self.traits.exact:
            a = self.square(x, x.type.shape[0])
            flags = {"lower": bool(self.index(2)), "unit_diagonal": bool(self.index(2))}
            transposed = self.choose(("NO_TRANSPOSE", "TRANSPOSE"))
            self.add(S.TriangularSolve(a, self.tame(x), left_side=True, transpose_a=transposed, **flags))

    def normalization(self) -> None:
        x = self.float(lambda t: t.rank > 0)
        if x is None or self.traits.exact:
            return
        d = self.index(x.type.rank)
        t = x.type.with_shape((x.type.shape[d],))
        scale, offset, mean = (self.of_type(t) for _ in "abc")
        if self.index(2):
            positive = self.emit(S.Constant.splat(2, t))
            self.add(S.BatchNormInference(x, scale, offset, mean, positive, epsilon=0.001, feature_index=d))
        else:
            self.add(S.BatchNormTraining(self.tame(x), scale, offset, epsilon=0.001, feature_index=d))

    def fourier(self) -> None:
        x = self.float(lambda t: t.rank > 0 and t.shape[-1] < 64)
        if x is None or self.traits.exact:
            return
        n = x.type.shape[-1]
        x = self.tame(x)
        if self.index(2):
            z = self.emit(S.Fft(x, fft_type="RFFT", fft_length=(n,)))
        else:
            z = self.emit(
                S.Fft(self.emit(S.Complex(x, x)), fft_type=self.choose(("FFT", "IFFT")), fft_length=(n,))
            )
        self.add(self.choose((S.Real, S.Imag))(z))

    def case(self) -> None:
        x = self.value()
        if x is None:
            return

        def body(b: Builder) -> Value:
            return self.inner(b, []).of_type(x.type)

        regions = [region(self.b, [], body) for _ in range(1 + self.index(4))]
        self.add(S.Case(self.of_type(tensor(element=i32)), regions=regions))

    def map(self) -> None:
        x = self.value()
        if x is not None:
            scalar = x.type.with_shape(())
            kind = self.choose((S.Maximum, S.Minimum))
            body = region(self.b, [scalar] * 2, lambda b, p, q: b.emit(kind(p, q)))
            self.add(S.Map([x, self.of_type(x.type)], dimensions=tuple(range(x.type.rank)), regions=[body]))

    def shape(self, *extents: int) -> Value:
        value = DenseElementsAttr.of(tensor(len(extents), element=i64), np.array(extents, np.int64))
        return self.emit(S.Constant(value=value))

    def shapes(self) -> None:
        """Ops that are told shapes by values, which are constants here."""
        x = self.value(lambda t: t.rank > 0 and t.size <= LARGEST)
        if x is None:
            return
        t = x.type
        match self.index(6):
            case 0:
                self.add(S.DynamicReshape(x, self.shape(t.size), result_types=[t.with_shape((t.size,))]))
            case 1:
                made = t.with_shape((2, *t.shape))
                dims = tuple(range(1, t.rank + 1))
                self.add(
                    S.DynamicBroadcastInDim(
                        x, self.shape(*made.shape), broadcast_dimensions=dims, result_types=[made]
                    )
                )
            case 2:
                n = 1 + self.index(20)
                self.add(
                    S.DynamicIota(self.shape(n), iota_dimension=0, result_types=[tensor(n, element=i32)])
                )
            case 3:
                self.add(S.GetDimensionSize(x, dimension=self.index(t.rank)))
            case 4:
                starts = [self.index(n) for n in t.shape]
                limits = [s + 1 + self.index(n - s) for s, n in zip(starts, t.shape, strict=True)]
                made = t.with_shape(tuple(b - a for a, b in zip(starts, limits, strict=True)))
                ones = self.shape(*(1 for _ in starts))
                self.add(
                    S.RealDynamicSlice(x, self.shape(*starts), self.shape(*limits), ones, result_types=[made])
                )
            case _:
                zeros = self.shape(*(0 for _ in t.shape))
                low = [self.index(3) for _ in t.shape]
                made = t.with_shape(tuple(a + n for a, n in zip(low, t.shape, strict=True)))
                if prod(made.shape) <= LARGEST:
                    value = self.of_type(t.with_shape(()))
                    self.add(S.DynamicPad(x, value, self.shape(*low), zeros, zeros, result_types=[made]))

    def precision(self) -> None:
        x = self.float()
        if x is not None:
            self.add(S.ReducePrecision(x, exponent_bits=2 + self.index(7), mantissa_bits=self.index(24)))

    def tuple(self) -> None:
        x, y = self.value(), self.value()
        if x is not None and y is not None:
            pair = self.emit(S.Tuple([x, y]))
            self.add(S.GetTupleElement(pair, index=self.index(2)))

    def top_k(self) -> None:
        x = self.value(lambda t: t.element in (f32, i32) and t.rank > 0)
        if x is not None:
            self.add(chlo.TopK(self.ordered(x), k=1 + self.index(x.type.shape[-1])))

    def two_reductions(self) -> None:
        """One reduce of two operands."""
        x = self.value(lambda t: t.rank > 0)
        if x is not None:
            y = self.of_type(x.type)
            kind = self.reducer(x.type.element)
            scalar = x.type.with_shape(())
            body = region(
                self.b, [scalar] * 4, lambda b, p, q, r, s: (b.emit(kind(p, r)), b.emit(kind(q, s)))
            )
            starts = [self.start(kind, scalar), self.start(kind, scalar)]
            self.add(S.Reduce([x, y], starts, dimensions=[self.index(x.type.rank)], regions=[body]))


def wide_program(index: kernels.Index, traits: Traits, steps: int) -> Module:
    """As `random_kernels.random_program`, with all the makers know."""
    shape = [kernels.EXTENTS[index(7)] for _ in range(1 + index(3))]
    while prod(shape) > LARGEST:
        shape.pop()
    first, second = (traits.elements[index(len(traits.elements))] for _ in "ab")
    types = [
        tensor(*shape, element=first), tensor(*shape, element=f32), tensor(*shape, element=second), tensor(element=i32),
    ]  # fmt: skip
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    b = Builder()
    maker = WideMaker(index, b, arguments, traits)
    for _ in range(1 + index(steps)):
        maker.step()
    returned = [maker.values[-1], *(maker.choose(maker.values) for _ in range(index(4)))]
    b.emit(Return(returned))
    return Module.of([Func.of("main", Block(arguments, b.operations))])


@st.composite
def wide_programs(draw: Callable[[st.SearchStrategy[int]], int], traits: Traits, steps: int) -> Module:
    """The same as a Hypothesis strategy, whose failures shrink."""
    return wide_program(lambda n: draw(st.integers(0, n - 1)), traits, steps)
