"""Samples of ops that take shapes as operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.types import f64, i32
from samples.case import breaks, random, tensor, value, works

REFUSED = "XLA takes no shapes that are not known when compiling"


def shape(*extents: int) -> Any:
    return np.array(extents, np.int32)


def components(n: int) -> Any:
    return value(n, of=i32)


def known(*extents: int) -> Any:
    """A shape that a constant gives."""
    return S.Constant.of(shape(*extents)).result


works(
    "stablehlo.dynamic_iota",
    "rows",
    lambda b, s: b.emit(S.DynamicIota(s, iota_dimension=1, result_types=[tensor(2, 3)])),
    shape(2, 3),
    refused=REFUSED,
)
breaks(
    "stablehlo.dynamic_iota",
    "C1",
    lambda: S.DynamicIota(components(2), iota_dimension=2, result_types=[tensor(None, None)]),
)
breaks(
    "stablehlo.dynamic_iota",
    "C2",
    lambda: S.DynamicIota(components(2), iota_dimension=0, result_types=[tensor(None)]),
)

works(
    "stablehlo.dynamic_reshape",
    "split",
    lambda b, x, s: b.emit(S.DynamicReshape(x, s, result_types=[tensor(2, 3)])),
    random(6),
    shape(2, 3),
    refused=REFUSED,
)
breaks(
    "stablehlo.dynamic_reshape",
    "C1",
    lambda: S.DynamicReshape(value(6), components(2), result_types=[tensor(2, 3, of=f64)]),
)
breaks(
    "stablehlo.dynamic_reshape",
    "C2",
    lambda: S.DynamicReshape(value(6), components(2), result_types=[tensor(2, 4)]),
)
breaks(
    "stablehlo.dynamic_reshape",
    "C4",
    lambda: S.DynamicReshape(value(6), components(3), result_types=[tensor(2, 3)]),
)


def spread(x: Any, s: Any, dims: Any, result: Any, **more: Any) -> Any:
    return S.DynamicBroadcastInDim(x, s, broadcast_dimensions=dims, result_types=[result], **more)


works(
    "stablehlo.dynamic_broadcast_in_dim",
    "rows",
    lambda b, x, s: b.emit(spread(x, s, (1,), tensor(2, 3))),
    random(3),
    shape(2, 3),
    refused=REFUSED,
)


def broken_spread(
    label: str, dims: Any = (1,), result: Any = None, size: int = 2, operand: Any = None, **more: Any
) -> None:
    breaks(
        "stablehlo.dynamic_broadcast_in_dim",
        label,
        lambda: spread(operand or value(3), components(size), dims, result or tensor(2, 3), **more),
    )


broken_spread("C1", result=tensor(2, 3, of=f64))
broken_spread("C2", (0, 1))
broken_spread("C3", (2,))
broken_spread("C4", (0, 0), operand=value(1, 1))
broken_spread("C5", (0,))
broken_spread("C7", size=3)
broken_spread("C8", known_expanding_dimensions=(0,), known_nonexpanding_dimensions=(0,))
broken_spread("C9", known_expanding_dimensions=(1,))
broken_spread("C10", known_nonexpanding_dimensions=(1,))

works(
    "stablehlo.dynamic_pad",
    "edges",
    lambda b, x, v, *s: b.emit(S.DynamicPad(x, v, *s, result_types=[tensor(6)])),
    random(2),
    np.float32(7),
    shape(1),
    shape(2),
    shape(1),
    refused=REFUSED,
)
PADS = [components(1)] * 3
breaks(
    "stablehlo.dynamic_pad",
    "C3",
    lambda: S.DynamicPad(value(2), value(), *PADS[:2], known(-1), result_types=[tensor(None)]),
)
breaks(
    "stablehlo.dynamic_pad",
    "C4",
    lambda: S.DynamicPad(value(2), value(), known(1), known(2), known(0), result_types=[tensor(4)]),
)
breaks(
    "stablehlo.dynamic_pad",
    "C1",
    lambda: S.DynamicPad(value(2), value(of=f64), *PADS, result_types=[tensor(None)]),
)
breaks(
    "stablehlo.dynamic_pad",
    "C2",
    lambda: S.DynamicPad(value(2), value(), components(2), *PADS[1:], result_types=[tensor(None)]),
)

works(
    "stablehlo.real_dynamic_slice",
    "strided",
    lambda b, x, *s: b.emit(S.RealDynamicSlice(x, *s, result_types=[tensor(2)])),
    random(6),
    shape(1),
    shape(5),
    shape(2),
    refused=REFUSED,
)
breaks(
    "stablehlo.real_dynamic_slice",
    "C1",
    lambda: S.RealDynamicSlice(value(6), *PADS, result_types=[tensor(2, 2)]),
)
breaks(
    "stablehlo.real_dynamic_slice",
    "C2",
    lambda: S.RealDynamicSlice(value(6), components(2), *PADS[1:], result_types=[tensor(2)]),
)

ROWS = S.GatherDimensionNumbers(
    offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,), index_vector_dim=1
)
works(
    "stablehlo.dynamic_gather",
    "rows",
    lambda b, x, i, s: b.emit(S.DynamicGather(x, i, s, dimension_numbers=ROWS, result_types=[tensor(2, 4)])),
    random(6, 4),
    np.array([[0], [5]], np.int32),
    shape(1, 4),
    refused=REFUSED,
)


works(
    "stablehlo.get_dimension_size",
    "rows",
    lambda b, x: b.emit(S.GetDimensionSize(x, dimension=1)),
    random(2, 5),
)
breaks("stablehlo.get_dimension_size", "C1", lambda: S.GetDimensionSize(value(2, 5), dimension=2))
