"""Samples of reductions over dimensions and over windows."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.types import f32, f64, i1, i32
from samples.case import breaks, random, reducer, region, tensor, value, works

# reduce


def reduce(op: Any, dims: Any, element: Any = f32, **more: Any) -> Any:
    return lambda b, x, v: b.emit(S.Reduce([x], [v], dimensions=dims, regions=[reducer(op, element)], **more))


works("stablehlo.reduce", "add", reduce(S.Add, (1,)), random(4, 300), np.float32(0))
works("stablehlo.reduce", "init", reduce(S.Add, (0,)), random(5, 3), np.float32(10))
works("stablehlo.reduce", "all", reduce(S.Add, (0, 1, 2)), random(3, 50, 70), np.float32(0))
works("stablehlo.reduce", "middle", reduce(S.Multiply, (1,)), random(3, 5, 4), np.float32(1))
works("stablehlo.reduce", "max", reduce(S.Maximum, (1,)), random(3, 9), np.float32(-np.inf))
works(
    "stablehlo.reduce",
    "none",
    reduce(S.Add, ()),
    random(3),
    np.float32(0.5),
    differs="XLA takes the initial value for the body's identity",
)
works("stablehlo.reduce", "empty", reduce(S.Add, (1,)), random(3, 0), np.float32(0))
works("stablehlo.reduce", "integers", reduce(S.Add, (0,), i32), random(9, 2, dtype=np.int32), np.int32(0))
works("stablehlo.reduce", "and", reduce(S.And, (0,), i1), random(3, 2, dtype=bool), np.array(True))


def widening(b: Any, x: Any, v: Any) -> Any:
    """bf16 inputs summed in f32."""
    return b.emit(S.Reduce([x], [v], dimensions=(0,), regions=[reducer(S.Add, f32)]))


works(
    "stablehlo.reduce",
    "widened",
    widening,
    random(40, 2).astype(ml_dtypes.bfloat16),
    np.array(0, ml_dtypes.bfloat16),
    refused="XLA takes no reduction whose body widens",
)


def argmax_body(b: Any, x: Any, i: Any, y: Any, j: Any) -> Any:
    wins = b.emit(S.Compare(x, y, comparison_direction="GE"))
    return b.emit(S.Select(wins, x, y)), b.emit(S.Select(wins, i, j))


def argmax(b: Any, x: Any, i: Any, v: Any, w: Any) -> Any:
    body = region([tensor(), tensor(of=i32)] * 2, argmax_body)
    return b.emit(S.Reduce([x, i], [v, w], dimensions=(1,), regions=[body]))


works(
    "stablehlo.reduce",
    "argmax",
    argmax,
    random(3, 70),
    np.broadcast_to(np.arange(70, dtype=np.int32), (3, 70)),
    np.float32(-np.inf),
    np.int32(0),
)


def scalar_body(b: Any, x: Any, v: Any) -> Any:
    """A body with a reshape, which cannot run on whole arrays."""

    def body(c: Any, p: Any, q: Any) -> Any:
        return c.emit(S.Add(p, c.emit(S.Reshape(q, result_types=[tensor()]))))

    return b.emit(S.Reduce([x], [v], dimensions=(0,), regions=[region([tensor()] * 2, body)]))


works("stablehlo.reduce", "scalar-body", scalar_body, random(5, 3), np.float32(0))


def broken_reduce(
    label: str, inputs: Any = None, inits: Any = None, dims: Any = (1,), body: Any = None, **more: Any
) -> None:
    breaks(
        "stablehlo.reduce",
        label,
        lambda: S.Reduce(
            [value(2, 3)] if inputs is None else inputs,
            [value()] if inits is None else inits,
            dimensions=dims,
            regions=[body or reducer(S.Add)],
            **more,
        ),
    )


TWO = region([tensor()] * 4, lambda b, x, y, z, w: (x, y))
broken_reduce("C1", [value(2, 3), value(2, 4)], [value(), value()], body=TWO)
broken_reduce("C2", inits=[value(of=f64)])
broken_reduce("C3", [value(2, 3)], [])
broken_reduce("C4", dims=(2,))
broken_reduce("C5", dims=(1, 1))
broken_reduce("C6", body=reducer(S.Add, i32))
broken_reduce("C7", result_types=[tensor(3)])
broken_reduce("C8", result_types=[tensor(2, of=f64)])

# reduce_window


def windows(op: Any, sizes: Any, element: Any = f32, **more: Any) -> Any:
    return lambda b, x, v: b.emit(
        S.ReduceWindow([x], [v], window_dimensions=sizes, regions=[reducer(op, element)], **more)
    )


works(
    "stablehlo.reduce_window",
    "max",
    windows(S.Maximum, (1, 2, 2, 1), window_strides=(1, 2, 2, 1)),
    random(2, 6, 6, 3),
    np.float32(-np.inf),
)
works(
    "stablehlo.reduce_window",
    "add",
    windows(S.Add, (3, 2), padding=((1, 0), (0, 1))),
    random(5, 6),
    np.float32(0),
)
works(
    "stablehlo.reduce_window",
    "dilated",
    windows(S.Add, (2, 2), base_dilations=(2, 1), window_dilations=(1, 3)),
    random(4, 7),
    np.float32(0),
)
works(
    "stablehlo.reduce_window",
    "integers",
    windows(S.Minimum, (3,), i32),
    random(8, dtype=np.int32),
    np.int32(100),
)
works(
    "stablehlo.reduce_window",
    "cumulative",
    windows(S.Add, (100,), padding=((99, 0),)),
    random(100),
    np.float32(0),
)
works("stablehlo.reduce_window", "none-fits", windows(S.Add, (9,)), random(8), np.float32(0))


def broken_window(
    label: str, inputs: Any = None, inits: Any = None, body: Any = None, sizes: Any = (2, 2), **more: Any
) -> None:
    breaks(
        "stablehlo.reduce_window",
        label,
        lambda: S.ReduceWindow(
            [value(4, 5)] if inputs is None else inputs,
            [value()] if inits is None else inits,
            window_dimensions=sizes,
            regions=[body or reducer(S.Add)],
            **more,
        ),
    )


broken_window("C1", [value(4, 5)], [])
broken_window("C2", [value(4, 5), value(4, 6)], [value(), value()], TWO)
broken_window("C3", inits=[value(of=f64)])
broken_window("C4", sizes=(2,))
broken_window("C5", sizes=(2, 0))
broken_window("C6", window_strides=(1,))
broken_window("C7", window_strides=(1, 0))
broken_window("C8", base_dilations=(1,))
broken_window("C9", base_dilations=(1, 0))
broken_window("C10", window_dilations=(1,))
broken_window("C11", window_dilations=(1, 0))
broken_window("C12", padding=((0, 0),))
broken_window("C13", body=reducer(S.Add, i32))
broken_window(
    "C14", [value(4, 5), value(4, 5)], [value(), value()], TWO, result_types=[tensor(3, 4), tensor(3, 3)]
)
broken_window("C15", result_types=[tensor(3, 3)])
broken_window("C16", result_types=[tensor(3, 4, of=f64)])

# select_and_scatter


def selector(element: Any = f32, direction: str = "GE") -> Any:
    return region(
        [tensor(of=element)] * 2, lambda b, x, y: b.emit(S.Compare(x, y, comparison_direction=direction))
    )


def select_and_scatter(sizes: Any, **more: Any) -> Any:
    return lambda b, x, s, v: b.emit(
        S.SelectAndScatter(x, s, v, window_dimensions=sizes, regions=[selector(), reducer(S.Add)], **more)
    )


works(
    "stablehlo.select_and_scatter",
    "pool",
    select_and_scatter((1, 2, 2), window_strides=(1, 2, 2)),
    random(2, 6, 4),
    random(2, 3, 2, seed=1),
    np.float32(0),
)
works(
    "stablehlo.select_and_scatter",
    "overlapping",
    select_and_scatter((3, 3), window_strides=(2, 2), padding=((1, 1), (0, 1))),
    random(7, 6),
    random(4, 3, seed=1),
    np.float32(0.5),
)


def broken_select(
    label: str, operand: Any = None, source: Any = None, init: Any = None, regions: Any = None, **more: Any
) -> None:
    given = {"window_dimensions": (2, 2), "window_strides": (2, 2), **more}
    breaks(
        "stablehlo.select_and_scatter",
        label,
        lambda: S.SelectAndScatter(
            operand or value(4, 6),
            source or value(2, 3),
            init or value(),
            regions=regions or [selector(), reducer(S.Add)],
            **given,
        ),
    )


broken_select("C1", source=value(2, 3, of=f64))
broken_select("C2", source=value(2, 2))
broken_select("C3", init=value(of=f64))
broken_select("C4", window_dimensions=(2,))
broken_select("C5", window_dimensions=(2, 0))
broken_select("C6", window_strides=(2,))
broken_select("C7", window_strides=(2, 0))
broken_select("C8", padding=((0, 0),))
broken_select("C9", regions=[reducer(S.Add), reducer(S.Add)])
broken_select("C10", regions=[selector(), reducer(S.Add, i32)])
broken_select("C11", result_types=[tensor(4, 5)])
broken_select("C12", result_types=[tensor(4, 6, of=f64)])
