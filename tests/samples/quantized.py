"""Samples of quantized tensors: the ops that make and read them, and ops that break what they ask of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.dialects import stablehlo as S
from irc.ir.quantized import QuantizedType
from irc.ir.types import f16, f32, i8, i16, i32
from samples.case import breaks, random, tensor, value, works

NO_ORACLE = "XLA's text has no quantized types"
Q8 = QuantizedType(i8, f32, (0.05,), (3,))
OTHER = QuantizedType(i8, f32, (0.1,), (-7,))
Q16 = QuantizedType(i16, f32, (0.05,), (3,))
HALF = QuantizedType(i8, f16, (0.05,), (3,))


def per_axis(axis: int, *scales: float, storage: Any = i8, expressed: Any = f32) -> QuantizedType:
    return QuantizedType(storage, expressed, scales, (1,) * len(scales), axis)


def through(build: Callable[..., Any], *elements: QuantizedType) -> Callable[..., Any]:
    """What `build` makes of quantized operands, as floats."""

    def body(b: Any, *arguments: Any) -> Any:
        given = [
            b.emit(S.UniformQuantize(a, result_types=[a.type.with_element(e)]))
            for a, e in zip(arguments, elements, strict=True)
        ]
        built = build(b, *given)
        return b.emit(
            S.UniformDequantize(built, result_types=[built.type.with_element(built.type.element.expressed)])
        )

    return body


def quantized_sample(op: str, name: str, build: Callable[..., Any], elements: Any, *inputs: Any) -> None:
    works(op, name, through(build, *elements), *inputs, refused=NO_ORACLE)


quantized_sample("stablehlo.uniform_quantize", "tensor", lambda b, x: x, [Q8], random(4, 5))
quantized_sample(
    "stablehlo.uniform_dequantize", "axis", lambda b, x: x, [per_axis(1, 0.1, 0.2)], random(4, 2)
)
quantized_sample(
    "stablehlo.add", "quantized", lambda b, x, y: b.emit(S.Add(x, y)), [Q8, OTHER], random(9), random(9)
)

for op in (S.UniformQuantize, S.UniformDequantize):
    source, target = (f32, Q8) if op is S.UniformQuantize else (Q8, f32)
    breaks(
        op.name, "C1", lambda op=op, s=source, t=target: op(value(2, of=s), result_types=[tensor(3, of=t)])
    )
breaks(
    "stablehlo.uniform_quantize", "C2", lambda: S.UniformQuantize(value(2), result_types=[tensor(2, of=HALF)])
)
breaks(
    "stablehlo.uniform_dequantize",
    "C2",
    lambda: S.UniformDequantize(value(2, of=Q8), result_types=[tensor(2, of=f16)]),
)


def broken_add(label: str, lhs: Any, rhs: Any, result: Any) -> None:
    breaks(
        "stablehlo.add",
        label,
        lambda: S.Add(value(2, 3, of=lhs), value(2, 3, of=rhs), result_types=[tensor(2, 3, of=result)]),
    )


FIRST, SECOND = per_axis(0, 0.1, 0.2), per_axis(1, 0.1, 0.2, 0.3)
broken_add("C2", Q8, f32, Q8)
broken_add("C3", Q8, Q16, Q8)
broken_add("C4", Q8, HALF, Q8)
broken_add("C5", FIRST, Q8, Q8)
broken_add("C6", FIRST, Q8, SECOND)
broken_add("C7", FIRST, SECOND, FIRST)


def broken_product(names: dict[str, str], make: Callable[[Any, Any, Any], Any], wrong_axis: Any) -> None:
    """Breaks of the constraints that dot_general and convolution share, by their labels."""
    given = {
        "weights": (Q8, f32, Q8),
        "axis": (Q8, wrong_axis, Q8),
        "storage": (Q8, Q16, Q8),
        "expressed": (Q8, HALF, Q8),
        "granularity": (Q8, Q8, per_axis(3, 0.1, 0.2)),
        "hybrid": (f32, HALF, f32),
    }
    for what, label in names.items():
        op, call = make(*given[what])
        breaks(op, label, call)


def dot(lhs: Any, rhs: Any, result: Any) -> tuple[str, Callable[[], Any]]:
    numbers = S.DotDimensionNumbers((), (), (1,), (0,))
    sides = value(2, 3, of=lhs), value(3, 2, of=rhs)
    types = [tensor(2, 2, of=result)]
    return "stablehlo.dot_general", lambda: S.DotGeneral(
        *sides, dot_dimension_numbers=numbers, result_types=types
    )


broken_product(
    {
        "weights": "C14",
        "axis": "C16",
        "storage": "C17",
        "expressed": "C18",
        "granularity": "C19",
        "hybrid": "C20",
    },
    dot,
    per_axis(0, 0.1, 0.2, 0.3),
)
NUMBERS = S.ConvDimensionNumbers(0, 3, (1, 2), 2, 3, (0, 1), 0, 3, (1, 2))
GROUPS = {"feature_group_count": 1, "batch_group_count": 1, "dimension_numbers": NUMBERS}
CONVOLUTION = {
    "weights": "C28",
    "axis": "C29",
    "storage": "C31",
    "expressed": "C32",
    "granularity": "C33",
    "hybrid": "C34",
}


def conv(lhs: Any, rhs: Any, result: Any) -> tuple[str, Callable[[], Any]]:
    sides = value(1, 4, 4, 2, of=lhs), value(1, 1, 2, 2, of=rhs)
    types = [tensor(1, 4, 4, 2, of=result)]
    return "stablehlo.convolution", lambda: S.Convolution(*sides, **GROUPS, result_types=types)


def dynamic_conv(lhs: Any, rhs: Any, result: Any) -> tuple[str, Callable[[], Any]]:
    sides = value(1, 4, 4, 2, of=lhs), value(1, 1, 2, 2, of=rhs)
    types = [tensor(1, None, None, 2, of=result)]
    amounts = value(2, 2, of=i32)
    return "stablehlo.dynamic_conv", lambda: S.DynamicConv(*sides, amounts, **GROUPS, result_types=types)


for convolve in (conv, dynamic_conv):
    broken_product(CONVOLUTION, convolve, per_axis(2, 0.1, 0.2))
    breaks(convolve(Q8, Q8, Q8)[0], "C30", convolve(Q8, per_axis(3, 0.1, 0.2), per_axis(0, 0.1))[1])

breaks(
    "stablehlo.reshape",
    "C3",
    lambda: S.Reshape(value(2, 3, of=FIRST), result_types=[tensor(3, 2, of=per_axis(1, 0.1, 0.2))]),
)
breaks(
    "stablehlo.dynamic_reshape",
    "C3",
    lambda: S.DynamicReshape(
        value(2, 3, of=FIRST), value(2, of=i32), result_types=[tensor(3, 2, of=per_axis(1, 0.1, 0.2))]
    ),
)
breaks(
    "stablehlo.broadcast_in_dim",
    "C6",
    lambda: S.BroadcastInDim(
        value(2, of=FIRST), broadcast_dimensions=(0,), result_types=[tensor(2, 2, of=per_axis(1, 0.1, 0.2))]
    ),
)
breaks(
    "stablehlo.dynamic_broadcast_in_dim",
    "C6",
    lambda: S.DynamicBroadcastInDim(
        value(1, of=per_axis(0, 0.1)),
        value(1, of=i32),
        broadcast_dimensions=(0,),
        result_types=[tensor(2, of=per_axis(0, 0.1, 0.2))],
    ),
)
breaks(
    "stablehlo.transpose",
    "C4",
    lambda: S.Transpose(value(2, 2, of=FIRST), permutation=(1, 0), result_types=[tensor(2, 2, of=FIRST)]),
)
