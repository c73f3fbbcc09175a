"""Attributes and types of any shape: their text reads back to them, and MLIR reads it as the same."""

from __future__ import annotations

import re
from typing import Any

import mlir_oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irc.dialects.builtin import parse
from irc.errors import ParseError
from irc.ir import attributes as A
from irc.ir import types as T
from irc.ir.affine import AffineBinary, AffineConstant, AffineDim, AffineMapAttr, AffineSymbol
from irc.ir.attribute_text import parse_attribute, parse_type

ELEMENTS = [
    t for t in T.element_types() if getattr(t, "name", "") not in ("f6E2M3FN", "f6E3M2FN", "f4E2M1FN")
]
FLOATS = [t for t in ELEMENTS if isinstance(t, T.FloatType)]
INTEGERS = [t for t in ELEMENTS if isinstance(t, T.IntegerType) and t.width > 1]

extents = st.one_of(st.none(), st.integers(0, 9))
elements = st.sampled_from([*ELEMENTS, T.index])
tensors = st.builds(T.TensorType, st.lists(extents, max_size=4).map(tuple), st.sampled_from(ELEMENTS))
vectors = st.builds(
    T.VectorType,
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    st.sampled_from([T.f32, T.i1, T.i64, T.index]),
)
strides = st.lists(extents, min_size=2, max_size=2).map(tuple)
memrefs = st.builds(
    T.MemRefType,
    st.lists(extents, min_size=2, max_size=2).map(tuple),
    st.sampled_from([T.f32, T.i8, T.index]),
    st.one_of(st.none(), st.builds(T.StridedLayout, strides, extents)),
    st.one_of(st.none(), st.integers(1, 5)),
)
values = st.one_of(elements, tensors, vectors, memrefs, st.just(T.TokenType()))
types = st.one_of(
    values,
    st.builds(T.TupleType, st.lists(tensors, max_size=3).map(tuple)),
    st.builds(
        T.FunctionType, st.lists(values, max_size=3).map(tuple), st.lists(values, max_size=3).map(tuple)
    ),
)


@settings(max_examples=150, deadline=None)
@given(types)
def test_types_read_back(type: T.Type) -> None:
    assert parse_type(str(type)) is type
    assert parse_type(mlir_oracle.type_(str(type))) is type


def through_mlir(attr: A.Attribute) -> A.Attribute:
    """What irc reads from what MLIR prints of what irc printed."""
    (op,) = parse(mlir_oracle.attribute(str(attr))).operations
    return op.attributes["a"]


@st.composite
def dense(draw: st.DrawFn) -> A.DenseElementsAttr:
    element = draw(st.sampled_from(ELEMENTS))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    count = int(np.prod(shape))
    dtype = element.numpy
    if draw(st.booleans()):
        count, shape_of_data = 1, ()
    else:
        shape_of_data = shape
    raw = draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    if dtype.kind == "b":
        raw = bytes(b & 1 for b in raw)
    array = np.frombuffer(raw, dtype).reshape(shape_of_data)
    if element.width < 8:
        array = array.astype(np.int8).astype(dtype)  # the unused bits of the byte are no part of the value
    if shape_of_data != shape:
        array = np.broadcast_to(array, shape)
    return A.DenseElementsAttr.of(T.TensorType(shape, element), array)


@settings(max_examples=200, deadline=None)
@given(dense())
def test_literals_keep_their_bits(attr: A.DenseElementsAttr) -> None:
    assert parse_attribute(str(attr)) == attr
    assert through_mlir(attr) == attr


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FLOATS), st.floats(width=64))
def test_floats_keep_their_bits(type: T.FloatType, value: float) -> None:
    with np.errstate(all="ignore"):
        attr = A.FloatAttr(float(np.asarray(value).astype(type.numpy)), type)
    again = parse_attribute(str(attr))
    assert np.asarray(again.value, type.numpy).tobytes() == np.asarray(attr.value, type.numpy).tobytes()
    if np.isfinite(attr.value):
        assert through_mlir(attr) == attr


@st.composite
def integers(draw: st.DrawFn) -> A.IntegerAttr:
    type = draw(st.sampled_from(INTEGERS))
    low = 0 if type.is_unsigned else -(1 << (type.width - 1))
    return A.IntegerAttr(draw(st.integers(low, low + (1 << type.width) - 1)), type)


names = st.text(min_size=1, max_size=8)
leaves = st.one_of(
    st.builds(A.BoolAttr, st.booleans()),
    integers(),
    st.text(max_size=12).map(A.StringAttr),
    st.just(A.UnitAttr()),
    types.map(A.TypeAttr),
    st.builds(A.SymbolRefAttr, names, st.lists(names, max_size=2).map(tuple)),
    st.builds(
        A.DenseArrayAttr, st.just(T.i64), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3).map(tuple)
    ),
    st.builds(A.DenseArrayAttr, st.just(T.i1), st.lists(st.booleans(), max_size=3).map(tuple)),
    st.builds(
        A.DenseArrayAttr,
        st.just(T.f32),
        st.lists(st.floats(width=32, allow_nan=False), max_size=3).map(tuple),
    ),
    st.builds(
        A.EnumAttr, st.just("stablehlo"), st.just("comparison_direction"), st.sampled_from(["EQ", "LT"])
    ),
)


def dictionaries(values: Any) -> Any:
    return st.dictionaries(names, values, max_size=3).map(
        lambda d: A.DictionaryAttr(tuple(sorted(d.items())))
    )


attributes = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: A.ArrayAttr(tuple(v))), dictionaries(inner)
    ),
)


@settings(max_examples=200, deadline=None)
@given(attributes)
def test_attributes_read_back(attr: A.Attribute) -> None:
    assert parse_attribute(str(attr)) == attr
    assert through_mlir(attr) == attr


expressions = st.recursive(
    st.one_of(
        st.integers(0, 2).map(AffineDim),
        st.integers(0, 1).map(AffineSymbol),
        st.integers(-9, 9).map(AffineConstant),
    ),
    lambda inner: st.one_of(
        st.builds(AffineBinary, st.just("+"), inner, inner),
        st.builds(
            AffineBinary,
            st.sampled_from(["*", "mod", "floordiv", "ceildiv"]),
            inner,
            st.integers(1, 9).map(AffineConstant),
        ),
    ),
    max_leaves=6,
)


def value(e: Any, dims: tuple[int, ...], symbols: tuple[int, ...]) -> int:
    """What an affine expression is at a point."""
    match e:
        case AffineDim(position=p):
            return dims[p]
        case AffineSymbol(position=p):
            return symbols[p]
        case AffineConstant(value=v):
            return v  # type: ignore[no-any-return]
    x, y = value(e.lhs, dims, symbols), value(e.rhs, dims, symbols)
    meanings = {
        "+": x + y,
        "*": x * y,
        "mod": x % (y or 1),
        "floordiv": x // (y or 1),
        "ceildiv": -(-x // (y or 1)),
    }
    return meanings[e.operator]


@settings(max_examples=150, deadline=None)
@given(st.lists(expressions, max_size=3), st.tuples(*[st.integers(-20, 20)] * 5))
def test_affine_maps_read_back(results: list[Any], point: tuple[int, ...]) -> None:
    attr = AffineMapAttr(3, 2, tuple(results))
    assert parse_attribute(str(attr)) == attr
    # MLIR folds expressions: it must find the same values.
    folded = through_mlir(attr)
    assert isinstance(folded, AffineMapAttr)
    dims, symbols = point[:3], point[3:]
    assert [value(e, dims, symbols) for e in folded.results] == [
        value(e, dims, symbols) for e in attr.results
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("300 : i8", "300 is outside i8"),
        ("1.5 : i32", "i32 takes no decimal point"),
        ("0x1FFFFFFFF : f32", "wider than f32"),
        ("dense<[1, 2]> : tensor<3xi32>", "do not fit tensor<3xi32>"),
        ("dense<[[1, 2], [3]]> : tensor<2x2xi32>", "rows of different lengths"),
        ("dense<300> : tensor<i8>", "300 is outside i8"),
        ('dense<"0x00"> : tensor<2xf32>', "1 bytes, tensor<2xf32> has 8"),
        ("dense<1> : tensor<?xi32>", "needs a static tensor"),
        ("array<i64: 1, x>", "expected a number"),
        ("#unknown", "undefined attribute alias"),
        ("#stablehlo.gather<offset = [1]>", "unexpected field 'offset'"),
        ("affine_map<(d0) -> (d1)>", "'d1' is not a dimension"),
        ("tensor<2x3>", "expected a type, found '3'"),
        ("{a = 1, a = 2}", "attribute 'a' occurs twice"),
    ],
)
def test_errors_in_attributes(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=re.escape(message)):
        parse_attribute(text)
