"""Samples of ops that make, move or reinterpret elements."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.attributes import DenseElementsAttr
from irc.ir.types import ComplexType, bf16, element_of, f16, f32, f64, i1, i8, i16, i32, i64, ui8, ui32
from samples.case import breaks, random, tensor, value, works
from samples.elementwise import EDGES

# constant and iota

works("stablehlo.constant", "values", lambda b: b.emit(S.Constant.of(random(3, 4))))
works("stablehlo.constant", "splat", lambda b: b.emit(S.Constant.splat(2, tensor(3, of=i32))))
breaks(
    "stablehlo.constant",
    "C1",
    lambda: S.Constant(value=DenseElementsAttr.of(tensor(2), [1, 2]), result_types=[tensor(3)]),
)
for element in (f32, i32, ui8, bf16, ComplexType(f32)):
    works(
        "stablehlo.iota",
        str(element),
        lambda b, e=element: b.emit(S.Iota(iota_dimension=1, result_types=[tensor(2, 5, of=e)])),
    )
breaks("stablehlo.iota", "C1", lambda: S.Iota(iota_dimension=2, result_types=[tensor(2, 5)]))

# convert and bitcast_convert


def converted(to):
    return lambda b, x: b.emit(S.Convert(x, result_types=[tensor(*x.type.shape, of=to)]))


for kind, targets in {
    "f32": (f64, bf16, f16, i32, i8, ui8, i64, i1, ComplexType(f32)),
    "f64": (f32, i32, i64, ui32, f16),
    "bf16": (f32, i32),
    "i32": (f32, f64, bf16, i8, ui8, i64, i1, ui32),
    "ui8": (f32, i8, i32),
    "i1": (f32, i32),
    "c64": (f32, ComplexType(f64)),
}.items():
    for target in targets:
        works("stablehlo.convert", f"{kind}-{target}", converted(target), EDGES[kind])
works(
    "stablehlo.convert", "saturates", converted(i8), np.array([1e3, -1e3, 127.9, -128.9, np.nan], np.float32)
)
breaks("stablehlo.convert", "C1", lambda: S.Convert(value(2), result_types=[tensor(3, of=i32)]))


def bitcast(to, *shape):
    return lambda b, x: b.emit(S.BitcastConvert(x, result_types=[tensor(*shape, of=to)]))


works("stablehlo.bitcast_convert", "same", bitcast(i32, 3), random(3))
works("stablehlo.bitcast_convert", "narrower", bitcast(i8, 3, 4), random(3))
works("stablehlo.bitcast_convert", "wider", bitcast(f32, 3), random(3, 2, dtype=np.int16))
works("stablehlo.bitcast_convert", "bf16", bitcast(i16, 3), random(3).astype(ml_dtypes.bfloat16))
works(
    "stablehlo.bitcast_convert", "int4", bitcast(element_of(ml_dtypes.int4), 3, 2), random(3, dtype=np.int8)
)
breaks(
    "stablehlo.bitcast_convert", "C1", lambda: S.BitcastConvert(value(3), result_types=[tensor(3, 3, of=i8)])
)
breaks(
    "stablehlo.bitcast_convert",
    "C2",
    lambda: S.BitcastConvert(value(3, of=f64), result_types=[tensor(3, of=ComplexType(f32))]),
)

# reshape, broadcast_in_dim, transpose, reverse

works(
    "stablehlo.reshape",
    "split",
    lambda b, x: b.emit(S.Reshape(x, result_types=[tensor(2, 3, 4)])),
    random(6, 4),
)
works("stablehlo.reshape", "scalar", lambda b, x: b.emit(S.Reshape(x, result_types=[tensor()])), random(1, 1))
breaks("stablehlo.reshape", "C1", lambda: S.Reshape(value(6), result_types=[tensor(2, 3, of=f64)]))
breaks("stablehlo.reshape", "C2", lambda: S.Reshape(value(6), result_types=[tensor(2, 4)]))


def broadcast(dims, *shape):
    return lambda b, x: b.emit(S.BroadcastInDim(x, broadcast_dimensions=dims, result_types=[tensor(*shape)]))


works("stablehlo.broadcast_in_dim", "scalar", broadcast((), 2, 3), random())
works("stablehlo.broadcast_in_dim", "rows", broadcast((1,), 2, 3), random(3))
works("stablehlo.broadcast_in_dim", "stretch", broadcast((0, 2), 4, 2, 3), random(1, 3))
works("stablehlo.broadcast_in_dim", "permuted", broadcast((2, 0), 3, 4, 2), random(2, 3))


def broken_broadcast(label, dims, result=None, operand=(2, 3)):
    breaks(
        "stablehlo.broadcast_in_dim",
        label,
        lambda: S.BroadcastInDim(
            value(*operand), broadcast_dimensions=dims, result_types=[result or tensor(2, 3, 4)]
        ),
    )


broken_broadcast("C1", (0, 1), tensor(2, 3, 4, of=f64))
broken_broadcast("C2", (0,))
broken_broadcast("C3", (0, 3))
broken_broadcast("C4", (0, 0))
broken_broadcast("C5", (0, 2))

works(
    "stablehlo.transpose",
    "three",
    lambda b, x: b.emit(S.Transpose(x, permutation=(2, 0, 1))),
    random(2, 3, 4),
)
works("stablehlo.transpose", "none", lambda b, x: b.emit(S.Transpose(x, permutation=())), random())
breaks(
    "stablehlo.transpose",
    "C1",
    lambda: S.Transpose(value(2, 3), permutation=(1, 0), result_types=[tensor(3, 2, of=f64)]),
)
breaks("stablehlo.transpose", "C2", lambda: S.Transpose(value(2, 3), permutation=(1, 1)))
breaks(
    "stablehlo.transpose",
    "C3",
    lambda: S.Transpose(value(2, 3), permutation=(1, 0), result_types=[tensor(2, 3)]),
)

works("stablehlo.reverse", "two", lambda b, x: b.emit(S.Reverse(x, dimensions=(0, 2))), random(2, 3, 4))
breaks("stablehlo.reverse", "C1", lambda: S.Reverse(value(2), dimensions=(0,), result_types=[tensor(3)]))
breaks("stablehlo.reverse", "C2", lambda: S.Reverse(value(2, 3), dimensions=(0, 0)))
breaks("stablehlo.reverse", "C3", lambda: S.Reverse(value(2, 3), dimensions=(2,)))

# slices


def sliced(x, starts, limits, strides, **more):
    return S.Slice(x, start_indices=starts, limit_indices=limits, strides=strides, **more)


works("stablehlo.slice", "strided", lambda b, x: b.emit(sliced(x, (1, 0), (6, 4), (2, 3))), random(7, 4))
works("stablehlo.slice", "empty", lambda b, x: b.emit(sliced(x, (2,), (2,), (1,))), random(4))
breaks("stablehlo.slice", "C1", lambda: sliced(value(4), (0,), (2,), (1,), result_types=[tensor(2, of=f64)]))
breaks("stablehlo.slice", "C2", lambda: sliced(value(4), (0, 0), (2, 2), (1, 1)))
breaks("stablehlo.slice", "C3", lambda: sliced(value(4), (0,), (5,), (1,)))
breaks("stablehlo.slice", "C4", lambda: sliced(value(4), (0,), (2,), (0,)))
breaks("stablehlo.slice", "C5", lambda: sliced(value(4), (0,), (2,), (1,), result_types=[tensor(3)]))


def index(*_):
    return value(of=i32)


works(
    "stablehlo.dynamic_slice",
    "inside",
    lambda b, x, i, j: b.emit(S.DynamicSlice(x, [i, j], slice_sizes=(2, 3))),
    random(5, 6),
    np.int32(1),
    np.int32(2),
)
works(
    "stablehlo.dynamic_slice",
    "clamped",
    lambda b, x, i, j: b.emit(S.DynamicSlice(x, [i, j], slice_sizes=(2, 3))),
    random(5, 6),
    np.int32(100),
    np.int32(-7),
)


def broken_slice(label, starts, sizes, **more):
    breaks(
        "stablehlo.dynamic_slice",
        label,
        lambda: S.DynamicSlice(value(4, 5), starts, slice_sizes=sizes, **more),
    )


broken_slice("C1", [index(), index()], (2, 2), result_types=[tensor(2, 2, of=f64)])
broken_slice("C2", [index()], (2, 2))
broken_slice("C3", [index(), value(of=i64)], (2, 2))
broken_slice("C4", [index(), index()], (2, 6))
broken_slice("C5", [index(), index()], (2, 2), result_types=[tensor(2, 3)])

works(
    "stablehlo.dynamic_update_slice",
    "inside",
    lambda b, x, u, i, j: b.emit(S.DynamicUpdateSlice(x, u, [i, j])),
    random(5, 6),
    random(2, 3, seed=1),
    np.int32(1),
    np.int32(2),
)
works(
    "stablehlo.dynamic_update_slice",
    "clamped",
    lambda b, x, u, i, j: b.emit(S.DynamicUpdateSlice(x, u, [i, j])),
    random(5, 6),
    random(2, 3, seed=1),
    np.int32(-1),
    np.int32(5),
)


def broken_update(label, update, starts, **more):
    breaks(
        "stablehlo.dynamic_update_slice",
        label,
        lambda: S.DynamicUpdateSlice(value(4, 5), update, starts, **more),
    )


broken_update("C1", value(2, 2), [index(), index()], result_types=[tensor(4, 6)])
broken_update("C2", value(2, 2, of=f64), [index(), index()])
broken_update("C3", value(2), [index(), index()])
broken_update("C4", value(2, 2), [index()])
broken_update("C5", value(2, 2), [index(), value(of=i64)])
broken_update("C6", value(2, 6), [index(), index()])

# pad and concatenate


def padded(x, v, low, high, interior, **more):
    return S.Pad(x, v, edge_padding_low=low, edge_padding_high=high, interior_padding=interior, **more)


works(
    "stablehlo.pad",
    "edges",
    lambda b, x, v: b.emit(padded(x, v, (1, 0), (2, 3), (0, 0))),
    random(2, 3),
    np.float32(7),
)
works(
    "stablehlo.pad",
    "interior",
    lambda b, x, v: b.emit(padded(x, v, (1, 0), (0, 1), (1, 2))),
    random(2, 3),
    np.float32(7),
)
works(
    "stablehlo.pad",
    "negative",
    lambda b, x, v: b.emit(padded(x, v, (-1, 1), (2, -2), (0, 1))),
    random(3, 4),
    np.float32(7),
)
breaks("stablehlo.pad", "C1", lambda: padded(value(2), value(of=f64), (0,), (0,), (0,)))
breaks("stablehlo.pad", "C2", lambda: padded(value(2), value(), (0, 0), (0, 0), (0, 0)))
breaks("stablehlo.pad", "C3", lambda: padded(value(2), value(), (0,), (0,), (-1,)))
breaks("stablehlo.pad", "C4", lambda: padded(value(2), value(), (1,), (0,), (0,), result_types=[tensor(2)]))

works(
    "stablehlo.concatenate",
    "three",
    lambda b, *xs: b.emit(S.Concatenate(list(xs), dimension=1)),
    random(2, 3),
    random(2, 1),
    random(2, 2),
)
breaks("stablehlo.concatenate", "C1", lambda: S.Concatenate([value(2), value(2, of=f64)], dimension=0))
breaks("stablehlo.concatenate", "C2", lambda: S.Concatenate([value(2, 3), value(3, 3)], dimension=1))
breaks("stablehlo.concatenate", "C3", lambda: S.Concatenate([], dimension=0))
breaks("stablehlo.concatenate", "C4", lambda: S.Concatenate([value(2)], dimension=1))
breaks(
    "stablehlo.concatenate",
    "C5",
    lambda: S.Concatenate([value(2)], dimension=0, result_types=[tensor(2, of=f64)]),
)
breaks(
    "stablehlo.concatenate", "C6", lambda: S.Concatenate([value(2)], dimension=0, result_types=[tensor(3)])
)
