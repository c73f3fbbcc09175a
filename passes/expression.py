"""Values that read as mathematics: `g * y`, `select(x > y, g, 0)`, emitted into a builder as StableHLO ops.

Shapes must be equal, as StableHLO asks; a Python number stands for a splat constant of the other operand's
type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects import chlo
from irc.dialects import stablehlo as hlo
from irc.errors import UnsupportedError
from irc.ir.attributes import DenseElementsAttr
from irc.ir.builder import Builder
from irc.ir.locations import span_of
from irc.ir.operation import Operation, Region, Value
from irc.ir.types import ComplexType, Dim, FloatType, IntegerType, TensorType, TupleType, i1, i32

Number = int | float | bool | complex


class Scope:
    """A builder, and the constants already made in it."""

    __slots__ = ("builder", "constants")

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.constants: dict[DenseElementsAttr, Expr] = {}

    def of(self, value: Value) -> Expr:
        return Expr(self, value)

    def emit(self, op: Operation) -> Any:
        """Appends the op; its result as an expression, or a tuple of them."""
        made = self.builder.emit(op)
        return Expr(self, made) if isinstance(made, Value) else tuple(Expr(self, r) for r in made)

    def constant(self, value: Any, type: TensorType) -> Expr:
        """A constant of a static type; an equal one made before in this builder is reused."""
        if not type.is_static:
            raise UnsupportedError(
                f"a constant of type {type} is needed, whose extents are not known",
                span=span_of(self.builder.location),
            )
        elements = DenseElementsAttr.of(type, value)
        found = self.constants.get(elements)
        if found is None:
            found = self.constants[elements] = self.emit(hlo.Constant(value=elements))
        return found

    def iota(self, type: TensorType, dimension: int) -> Expr:
        return self.emit(hlo.Iota(iota_dimension=dimension, result_types=[type]))


class Expr:
    """A value and the scope that ops on it are emitted into."""

    __slots__ = ("scope", "value")

    def __init__(self, scope: Scope, value: Value) -> None:
        self.scope = scope
        self.value = value

    @property
    def op(self) -> Any:
        """The op that made the value; None for a block argument."""
        return self.value.op

    @property
    def type(self) -> TensorType:
        return self.value.type

    @property
    def element(self) -> Any:
        return self.type.element

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents, all known; an UnsupportedError otherwise."""
        if not self.type.is_static:
            raise UnsupportedError(
                f"the extents of a {self.type} are needed, which are not all known",
                span=span_of(self.scope.builder.location),
            )
        return self.type.static_shape

    @property
    def rank(self) -> int:
        return self.type.rank

    def lift(self, other: Expr | Number) -> Expr:
        """`other` as an expression of this one's type."""
        return other if isinstance(other, Expr) else full_like(self, other)

    def __add__(self, other: Expr | Number) -> Expr:
        return _emit(hlo.Add, self, self.lift(other))

    def __radd__(self, other: Number) -> Expr:
        return self.lift(other) + self

    def __sub__(self, other: Expr | Number) -> Expr:
        return _emit(hlo.Subtract, self, self.lift(other))

    def __rsub__(self, other: Number) -> Expr:
        return self.lift(other) - self

    def __mul__(self, other: Expr | Number) -> Expr:
        return _emit(hlo.Multiply, self, self.lift(other))

    def __rmul__(self, other: Number) -> Expr:
        return self.lift(other) * self

    def __truediv__(self, other: Expr | Number) -> Expr:
        return _emit(hlo.Divide, self, self.lift(other))

    def __rtruediv__(self, other: Number) -> Expr:
        return self.lift(other) / self

    def __neg__(self) -> Expr:
        return _emit(hlo.Negate, self)

    def __and__(self, other: Expr) -> Expr:
        return _emit(hlo.And, self, other)

    def __or__(self, other: Expr) -> Expr:
        return _emit(hlo.Or, self, other)

    def __invert__(self) -> Expr:
        return _emit(hlo.Not, self)

    def __lt__(self, other: Expr | Number) -> Expr:
        return compare(self, "LT", other)

    def __le__(self, other: Expr | Number) -> Expr:
        return compare(self, "LE", other)

    def __gt__(self, other: Expr | Number) -> Expr:
        return compare(self, "GT", other)

    def __ge__(self, other: Expr | Number) -> Expr:
        return compare(self, "GE", other)


def _emit(cls: Any, *operands: Expr, **attributes: Any) -> Expr:
    return operands[0].scope.emit(cls(*(o.value for o in operands), **attributes))


def compare(x: Expr, direction: str, y: Expr | Number) -> Expr:
    """`x direction y`, an i1 tensor; `==` stays Python's, so equality is `eq(x, y)`."""
    kind = "FLOAT"
    if isinstance(x.element, IntegerType):
        kind = "UNSIGNED" if x.element.is_unsigned or x.element is i1 else "SIGNED"
    return _emit(hlo.Compare, x, x.lift(y), comparison_direction=direction, compare_type=kind)


def eq(x: Expr, y: Expr | Number) -> Expr:
    return compare(x, "EQ", y)


def exp(x: Expr) -> Expr:
    return _emit(hlo.Exponential, x)


def log(x: Expr) -> Expr:
    return _emit(hlo.Log, x)


def sqrt(x: Expr) -> Expr:
    return _emit(hlo.Sqrt, x)


def rsqrt(x: Expr) -> Expr:
    return _emit(hlo.Rsqrt, x)


def sin(x: Expr) -> Expr:
    return _emit(hlo.Sine, x)


def cos(x: Expr) -> Expr:
    return _emit(hlo.Cosine, x)


def tan(x: Expr) -> Expr:
    return _emit(hlo.Tan, x)


def tanh(x: Expr) -> Expr:
    return _emit(hlo.Tanh, x)


def sinh(x: Expr) -> Expr:
    return _emit(chlo.Sinh, x)


def cosh(x: Expr) -> Expr:
    return _emit(chlo.Cosh, x)


def expm1(x: Expr) -> Expr:
    return _emit(hlo.ExponentialMinusOne, x)


def log1p(x: Expr) -> Expr:
    return _emit(hlo.LogPlusOne, x)


def cbrt(x: Expr) -> Expr:
    return _emit(hlo.Cbrt, x)


def atan2(y: Expr, x: Expr | Number) -> Expr:
    """The angle of the point (x, y)."""
    return _emit(hlo.Atan2, y, y.lift(x))


def absolute(x: Expr) -> Expr:
    return _emit(hlo.Abs, x)


def sign(x: Expr) -> Expr:
    return _emit(hlo.Sign, x)


def copysign(x: Expr, y: Expr) -> Expr:
    """|x| with the sign of y, that of a zero included."""
    size = absolute(x)
    return select(is_negative(y), -size, size)


def is_negative(x: Expr) -> Expr:
    """Whether the sign bit of a float is set."""
    bits = x.type.with_element(IntegerType(x.element.width))
    return _emit(hlo.BitcastConvert, x, result_types=[bits]) < 0


def is_nan(x: Expr) -> Expr:
    return compare(x, "NE", x)


def is_infinite(x: Expr) -> Expr:
    return eq(absolute(x), math.inf)


def floor(x: Expr) -> Expr:
    return _emit(hlo.Floor, x)


def power(x: Expr, y: Expr | Number) -> Expr:
    return _emit(hlo.Power, x, x.lift(y))


def maximum(x: Expr, y: Expr | Number) -> Expr:
    return _emit(hlo.Maximum, x, x.lift(y))


def minimum(x: Expr, y: Expr | Number) -> Expr:
    return _emit(hlo.Minimum, x, x.lift(y))


def real(x: Expr) -> Expr:
    return _emit(hlo.Real, x)


def imag(x: Expr) -> Expr:
    return _emit(hlo.Imag, x)


def make_complex(x: Expr, y: Expr) -> Expr:
    return _emit(hlo.Complex, x, y)


def conj(x: Expr) -> Expr:
    return make_complex(real(x), -imag(x)) if isinstance(x.element, ComplexType) else x


def select(p: Expr, x: Expr | Number, y: Expr | Number) -> Expr:
    """`x` where `p`, else `y`; at least one of them is an expression."""
    like = x if isinstance(x, Expr) else y
    assert isinstance(like, Expr)
    return _emit(hlo.Select, p, like.lift(x), like.lift(y))


def full_like(x: Expr, value: Number) -> Expr:
    """`value` throughout, in the type of `x`."""
    if x.type.is_static:
        return x.scope.constant(value, x.type)
    return broadcast_like(x.scope.constant(value, TensorType((), x.element)), x, ())


def zeros_like(x: Expr) -> Expr:
    return full_like(x, 0)


def extent(x: Expr, dimension: int) -> int:
    """One extent, which must be known; an UnsupportedError otherwise."""
    n = x.type.shape[dimension]
    return x.shape[dimension] if n is None else n


def extents(x: Expr, dimensions: Sequence[int] | None = None) -> Expr:
    """The shape of `x` as a vector of i32, for the ops that take computed shapes."""
    scope = x.scope
    one = TensorType((1,), i32)
    parts = []
    for d in range(x.rank) if dimensions is None else dimensions:
        n = x.type.shape[d]
        if n is None:
            size: Expr = scope.emit(hlo.GetDimensionSize(x.value, dimension=d))
            parts.append(reshape(size, (1,)))
        else:
            parts.append(scope.constant(n, one))
    return concatenate(parts, 0)


def convert(x: Expr, element: Any) -> Expr:
    """To another element type; `x` itself when it has it."""
    return x if x.element is element else _emit(hlo.Convert, x, result_types=[x.type.with_element(element)])


def reshape(x: Expr, shape: Sequence[Dim]) -> Expr:
    """Same elements in row-major order; `x` itself when it has the shape."""
    if tuple(shape) == x.type.shape:
        return x
    return _emit(hlo.Reshape, x, result_types=[TensorType(tuple(shape), x.element)])


def broadcast(x: Expr, shape: Sequence[Dim], dimensions: Sequence[int]) -> Expr:
    """`x`'s dimension i becomes dimension `dimensions[i]` of the result."""
    if tuple(shape) == x.type.shape and tuple(dimensions) == tuple(range(x.rank)):
        return x
    result = TensorType(tuple(shape), x.element)
    return _emit(hlo.BroadcastInDim, x, broadcast_dimensions=tuple(dimensions), result_types=[result])


def broadcast_like(x: Expr, like: Expr, dimensions: Sequence[int]) -> Expr:
    """`x` in the shape of `like`, whose dimension `dimensions[i]` is dimension i of `x`."""
    shape = like.type.shape
    if like.type.is_static or (x.type.shape == shape and tuple(dimensions) == tuple(range(x.rank))):
        return broadcast(x, shape, dimensions)
    made = hlo.DynamicBroadcastInDim(
        x.value,
        extents(like).value,
        broadcast_dimensions=tuple(dimensions),
        result_types=[TensorType(shape, x.element)],
    )
    return x.scope.emit(made)


def reshape_like(x: Expr, like: Expr) -> Expr:
    """The elements of `x` in the shape of `like`."""
    if like.type.is_static or x.type.shape == like.type.shape:
        return reshape(x, like.type.shape)
    result = TensorType(like.type.shape, x.element)
    made = hlo.DynamicReshape(x.value, extents(like).value, result_types=[result])
    return x.scope.emit(made)


def transpose(x: Expr, permutation: Sequence[int]) -> Expr:
    """Dimension i of the result is dimension `permutation[i]` of `x`."""
    if tuple(permutation) == tuple(range(x.rank)):
        return x
    return _emit(hlo.Transpose, x, permutation=tuple(permutation))


def inverse(permutation: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


def reverse(x: Expr, dimensions: Sequence[int]) -> Expr:
    return _emit(hlo.Reverse, x, dimensions=tuple(dimensions)) if dimensions else x


def pad(
    x: Expr, low: Sequence[int], high: Sequence[int], interior: Sequence[int], value: Expr | Number = 0
) -> Expr:
    """Negative `low` and `high` cut."""
    if not (any(low) or any(high) or any(interior)):
        return x
    filling = value if isinstance(value, Expr) else x.scope.constant(value, TensorType((), x.element))
    return _emit(
        hlo.Pad,
        x,
        filling,
        edge_padding_low=tuple(low),
        edge_padding_high=tuple(high),
        interior_padding=tuple(interior),
    )


def slice(x: Expr, start: Sequence[int], limit: Sequence[Dim], strides: Sequence[int] | None = None) -> Expr:
    """A limit of None is the end of a dimension of unknown extent."""
    steps = tuple(strides) if strides is not None else (1,) * x.rank
    if not any(start) and tuple(limit) == x.type.shape and set(steps) <= {1}:
        return x
    if None in limit:
        return _open_slice(x, start, limit, steps)
    return _emit(hlo.Slice, x, start_indices=tuple(start), limit_indices=tuple(limit), strides=steps)


def _open_slice(x: Expr, start: Sequence[int], limit: Sequence[Dim], steps: Sequence[int]) -> Expr:
    """A slice whose limits are known when it runs; dimensions left open are taken whole."""
    vector = TensorType((x.rank,), i32)
    ends = [
        extents(x, [d]) if n is None else x.scope.constant(n, TensorType((1,), i32))
        for d, n in enumerate(limit)
    ]
    shape = [None if n is None else -(-(n - a) // s) for a, n, s in zip(start, limit, steps, strict=True)]
    made = hlo.RealDynamicSlice(
        x.value,
        x.scope.constant(list(start), vector).value,
        concatenate(ends, 0).value,
        x.scope.constant(list(steps), vector).value,
        result_types=[TensorType(tuple(shape), x.element)],
    )
    return x.scope.emit(made)


def concatenate(parts: Sequence[Expr], dimension: int) -> Expr:
    """The parts side by side along a dimension; a single part is itself."""
    scope = parts[0].scope
    if len(parts) == 1:
        return parts[0]
    return scope.emit(hlo.Concatenate([p.value for p in parts], dimension=dimension))


def dynamic_slice(x: Expr, starts: Sequence[Expr], sizes: Sequence[int]) -> Expr:
    return x.scope.emit(hlo.DynamicSlice(x.value, [s.value for s in starts], slice_sizes=tuple(sizes)))


def dynamic_update_slice(x: Expr, update: Expr, starts: Sequence[Expr]) -> Expr:
    return x.scope.emit(hlo.DynamicUpdateSlice(x.value, update.value, [s.value for s in starts]))


def binary_region(scope: Scope, cls: Any, element: Any) -> Region:
    """The region `(a, b) -> cls(a, b)` on scalars, as reduce and scatter take it."""
    scalar = TensorType((), element)

    def body(b: Builder, x: Value, y: Value) -> None:
        b.emit(hlo.Return([b.emit(cls(x, y))]))

    return scope.builder.region([scalar, scalar], body)


def reduce_with(cls: Any, x: Expr, dimensions: Sequence[int], initial: Number) -> Expr:
    """Folds `dimensions` away with the binary op `cls`, whose neutral element is `initial`."""
    if not dimensions:
        return x
    scope = x.scope
    start = scope.constant(initial, TensorType((), x.element))
    region = binary_region(scope, cls, x.element)
    return scope.emit(
        hlo.Reduce([x.value], [start.value], dimensions=tuple(sorted(dimensions)), regions=[region])
    )


def reduce_sum(x: Expr, dimensions: Sequence[int]) -> Expr:
    """Sums `dimensions` away; one of extent 1 goes by a reshape."""
    if not x.type.is_static:
        return reduce_with(hlo.Add, x, dimensions, 0)
    total = reduce_with(hlo.Add, x, [d for d in dimensions if x.shape[d] != 1], 0)
    return reshape(total, [n for d, n in enumerate(x.shape) if d not in dimensions])


def splat(x: Expr) -> Any | None:
    """The one number every element of `x` is, seen through shape ops; None when that is not known."""
    value = x.value
    while isinstance(value.op, hlo.BroadcastInDim | hlo.Reshape | hlo.Transpose):
        value = value.op.operand
    match value.op:
        case hlo.Constant(value=DenseElementsAttr(is_splat=True) as elements):
            return elements.splat_array[()]
        case hlo.Constant(value=DenseElementsAttr(array=array)) if array.size == 1:
            return np.asarray(array).reshape(())[()]
    return None


def is_constant(x: Expr) -> bool:
    """Whether `x` is a constant, seen through shape ops."""
    value = x.value
    while isinstance(value.op, hlo.BroadcastInDim | hlo.Reshape | hlo.Transpose):
        value = value.op.operand
    return isinstance(value.op, hlo.Constant)


def is_differentiable(type: Any) -> bool:
    """Whether values of this type have cotangents: tensors of floats and of complex numbers."""
    if isinstance(type, TupleType):
        return any(map(is_differentiable, type.elements))
    return isinstance(type, TensorType) and isinstance(type.element, FloatType | ComplexType)
