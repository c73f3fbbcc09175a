"""The part of CHLO that exported programs contain: functions that StableHLO leaves to be made of its own ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from irc.dialects import special
from irc.dialects.stablehlo.base import BOOL as BOOLEAN
from irc.dialects.stablehlo.base import COMPLEX, FLOAT, INTEGER, TensorOp, compatible, merge_types
from irc.dialects.stablehlo.elementwise import UnaryElementwise
from irc.dialects.stablehlo.numerics import Array, complex_square, native, precise, total_order, width_of
from irc.ir.fields import ANY, BOOL, I64, Attr, Operand, Result
from irc.ir.types import Type, i1, i32


class _Unary(UnaryElementwise):
    """C1: operand and result have one type."""

    assembly: ClassVar[str] = "$operand attr-dict `:` type($operand) `->` type($result)"
    domain: ClassVar[tuple[str, ...]] = FLOAT


class _OfComplexToo(_Unary):
    domain: ClassVar[tuple[str, ...]] = (*FLOAT, *COMPLEX)


class Acos(_OfComplexToo, name="chlo.acos"):
    """Inverse cosine, in [0, pi]."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.arccos, x)


class Acosh(_OfComplexToo, name="chlo.acosh"):
    """Inverse hyperbolic cosine."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.arccosh, x)


class Asin(_OfComplexToo, name="chlo.asin"):
    """Inverse sine, in [-pi/2, pi/2]."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.arcsin, x)


class Asinh(_OfComplexToo, name="chlo.asinh"):
    """Inverse hyperbolic sine."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.arcsinh, x)


class Atan(_OfComplexToo, name="chlo.atan"):
    """Inverse tangent, in [-pi/2, pi/2]."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.arctan, x)


class Atanh(_OfComplexToo, name="chlo.atanh"):
    """Inverse hyperbolic tangent."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.arctanh, x)


class BesselI1e(_Unary, name="chlo.bessel_i1e"):
    """exp(-|x|) times the modified Bessel function of order 1."""

    def evaluate(self, x: Array) -> Array:
        return precise(special.bessel_i1e, x)


class Conj(_OfComplexToo, name="chlo.conj"):
    """The complex conjugate."""

    def evaluate(self, x: Array) -> Array:
        return native(np.conj, x)


class Cosh(_OfComplexToo, name="chlo.cosh"):
    """Hyperbolic cosine."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.cosh, x)


class Digamma(_Unary, name="chlo.digamma"):
    """The logarithmic derivative of gamma."""

    def evaluate(self, x: Array) -> Array:
        return precise(special.digamma, x)


class Erf(_Unary, name="chlo.erf"):
    """The error function."""

    def evaluate(self, x: Array) -> Array:
        return precise(special.erf, x)


class ErfInv(_Unary, name="chlo.erf_inv"):
    """The inverse of the error function; NaN outside [-1, 1]."""

    def evaluate(self, x: Array) -> Array:
        return precise(special.erf_inv, x)


class Erfc(_Unary, name="chlo.erfc"):
    """1 - erf(x), exact in the tail."""

    def evaluate(self, x: Array) -> Array:
        return precise(special.erfc, x)


class Lgamma(_Unary, name="chlo.lgamma"):
    """log |gamma(x)|."""

    def evaluate(self, x: Array) -> Array:
        return precise(special.lgamma, x)


class Sinh(_OfComplexToo, name="chlo.sinh"):
    """Hyperbolic sine."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.sinh, x)


class Square(_OfComplexToo, name="chlo.square"):
    """x * x."""

    def evaluate(self, x: Array) -> Array:
        return native(complex_square if x.dtype.kind == "c" else np.square, x)


class Tan(_OfComplexToo, name="chlo.tan"):
    """tan x."""

    def evaluate(self, x: Array) -> Array:
        return precise(np.tan, x)


class ConstantLike(TensorOp, name="chlo.constant_like"):
    """One number in the shape of the operand.

    C1: the result's element type is the number's."""

    result_labels = ("C1", "C1")
    operand = Operand()
    value = Attr(ANY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        given: Any = self.results[0].type if self.results else None
        fits = given is None or given.element is self.value.type
        self.check(fits, "C1", "value's type doesn't match element return type")
        return [self.operand.type.with_element(self.value.type)]

    def evaluate(self, x: Array) -> Array:
        return np.full(x.shape, self.value.value, self.value.type.numpy)


class _IsInfinite(_Unary):
    """C1: operand and result have one shape."""

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        return [self.operand.type.with_element(i1)]


class IsInf(_IsInfinite, name="chlo.is_inf"):
    """Whether x is infinite."""

    def evaluate(self, x: Array) -> Array:
        return np.isinf(x.astype(np.float64))


class IsNegInf(_IsInfinite, name="chlo.is_neg_inf"):
    """Whether x is -inf."""

    def evaluate(self, x: Array) -> Array:
        return np.isneginf(x.astype(np.float64))


class IsPosInf(_IsInfinite, name="chlo.is_pos_inf"):
    """Whether x is +inf."""

    def evaluate(self, x: Array) -> Array:
        return np.isposinf(x.astype(np.float64))


class _Binary(TensorOp):
    """C1: both operands and the result have one type."""

    domain: ClassVar[tuple[str, ...]] = FLOAT
    elementwise: ClassVar[bool] = True
    result_labels: ClassVar[tuple[str, str]] = ("C1", "C1")

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        a, b = (o.type for o in self.operands)
        self.check(compatible(a, b), "C1", f"has operands of types {a} and {b}")
        return [merge_types((a, b))]


class NextAfter(_Binary, name="chlo.next_after"):
    """The neighbour of x in the direction of y."""

    assembly = "$x `,` $y attr-dict `:` type($x) `,` type($y) `->` type(results)"
    x = Operand()
    y = Operand()
    result = Result()

    def evaluate(self, x: Array, y: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.nextafter(x, y)


class Polygamma(_Binary, name="chlo.polygamma"):
    """The n-th derivative of digamma."""

    assembly = "$n `,` $x attr-dict `:` type($n) `,` type($x) `->` type(results)"
    n = Operand()
    x = Operand()
    result = Result()

    def evaluate(self, n: Array, x: Array) -> Array:
        return precise(special.polygamma, n, x)


class Zeta(_Binary, name="chlo.zeta"):
    """Hurwitz zeta: the sum of (q + k) to the -x over natural k."""

    assembly = "$x `,` $q attr-dict `:` type($x) `,` type($q) `->` type(results)"
    x = Operand()
    q = Operand()
    result = Result()

    def evaluate(self, x: Array, q: Array) -> Array:
        return precise(special.zeta, x, q)


class Mulhi(_Binary, name="chlo.mulhi"):
    """The upper half of the double-width product."""

    assembly = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)"
    domain = INTEGER
    commutative = True
    lhs = Operand()
    rhs = Operand()
    result = Result()

    def evaluate(self, x: Array, y: Array) -> Array:
        return np.asarray((x.astype(object) * y.astype(object)) >> width_of(x.dtype)).astype(x.dtype)


class TopK(TensorOp, name="chlo.top_k"):
    """The k largest elements of the last dimension, in descending order, and their indices; of equal ones the first.
    Floats are in total order.

    C1: the operand has a dimension.
    C2: it holds at least k elements.
    C3: values have the operand's type, indices i32, with k elements each."""

    assembly = (
        "`(` $operand `,` `k` `=` $k (`,` `is_stable` `=` $is_stable^)? `)` attr-dict `:` "
        "type($operand) `->` `(` type($values) `,` type($indices) `)`"
    )
    domain = (*BOOLEAN, *INTEGER, *FLOAT)
    result_labels = ("C3", "C3")
    operand = Operand()
    k = Attr(I64)
    is_stable = Attr(BOOL, default=True)
    values = Result()
    indices = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type = self.operand.type
        self.check(type.rank >= 1, "C1", f"takes the largest of {type}")
        last = type.shape[-1]
        self.check(
            self.k >= 0 and (last is None or self.k <= last), "C2", f"takes the {self.k} largest of {type}"
        )
        values = type.with_shape((*type.shape[:-1], self.k))
        return [values, values.with_element(i32)]

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        # The bitwise complement of an integer reverses the order without overflow.
        key = ~(x if x.dtype.kind in "biu" else total_order(x))
        indices = np.argsort(key, axis=-1, kind="stable")[..., : self.k]
        return np.take_along_axis(x, indices, -1), indices.astype(np.int32)
