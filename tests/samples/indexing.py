"""Samples of gather and scatter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.types import f64, i32
from samples.case import breaks, random, reducer, region, tensor, value, works

G, D = S.GatherDimensionNumbers, S.ScatterDimensionNumbers

# gather


def gather(numbers: Any, sizes: Any) -> Any:
    return lambda b, x, i: b.emit(S.Gather(x, i, dimension_numbers=numbers, slice_sizes=sizes))


ROWS = G(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,), index_vector_dim=1)
works(
    "stablehlo.gather", "rows", gather(ROWS, (1, 4)), random(6, 4), np.array([[0], [5], [2], [2]], np.int32)
)
works("stablehlo.gather", "clamped", gather(ROWS, (1, 4)), random(6, 4), np.array([[-3], [99]], np.int64))
works(
    "stablehlo.gather",
    "flat-indices",
    gather(G(offset_dims=(2,), collapsed_slice_dims=(0,), start_index_map=(0,), index_vector_dim=2), (1, 4)),
    random(6, 4),
    np.array([[0, 1], [5, 4]], np.int32),
)
works(
    "stablehlo.gather",
    "windows",
    gather(G(offset_dims=(0, 2), start_index_map=(1, 0), index_vector_dim=0), (2, 3)),
    random(5, 6),
    np.array([[0, 3, 9], [1, 0, 3]], np.int32),
)
works(
    "stablehlo.gather",
    "batched",
    gather(
        G((2,), (1,), (0,), (1,), (1,), 2),
        (1, 1, 3),
    ),
    random(2, 5, 3),
    np.array([[[0], [1]], [[4], [2]], [[3], [3]]], np.int32),
)
works(
    "stablehlo.gather",
    "points",
    gather(G((), (0, 1), (), (), (0, 1), 1), (1, 1)),
    random(4, 5),
    np.array([[0, 1], [3, 4]], np.int32),
)


def broken_gather(
    label: str,
    operand: Any = None,
    indices: Any = None,
    sizes: Any = (1, 4),
    numbers: Any = None,
    **more: Any,
) -> None:
    given = {"dimension_numbers": replace(ROWS, **(numbers or {})), **more}
    operand, indices = operand or value(6, 4), indices or value(3, 1, of=i32)
    breaks("stablehlo.gather", label, lambda: S.Gather(operand, indices, slice_sizes=sizes, **given))
    computed = S.Constant.of(np.array(sizes, np.int32)).result
    breaks("stablehlo.dynamic_gather", label, lambda: S.DynamicGather(operand, indices, computed, **given))


CUBE = value(6, 4, 5)
broken_gather("C1", numbers={"offset_dims": ()})
broken_gather("C2", numbers={"index_vector_dim": 3})
broken_gather("C3", numbers={"start_index_map": (0, 1)})
broken_gather("C4", CUBE, sizes=(1, 4, 5), numbers={"offset_dims": (2, 1)})
broken_gather("C5", numbers={"offset_dims": (2,)})
broken_gather(
    "C6", CUBE, sizes=(1, 4, 5), numbers={"collapsed_slice_dims": (0,), "operand_batching_dims": (0,)}
)
broken_gather("C7", CUBE, sizes=(1, 1, 5), numbers={"collapsed_slice_dims": (1, 0)})
broken_gather("C8", numbers={"collapsed_slice_dims": (2,)})
broken_gather("C9", sizes=(2, 4))
broken_gather(
    "C10", CUBE, sizes=(1, 1, 5), numbers={"collapsed_slice_dims": (), "operand_batching_dims": (1, 0)}
)
broken_gather("C11", numbers={"collapsed_slice_dims": (), "operand_batching_dims": (2,)})
broken_gather("C12", sizes=(2, 4), numbers={"collapsed_slice_dims": (), "operand_batching_dims": (0,)})
broken_gather("C13", numbers={"start_indices_batching_dims": (0, 0)})
broken_gather("C14", numbers={"start_indices_batching_dims": (2,)})
broken_gather("C15", numbers={"start_indices_batching_dims": (1,)})
broken_gather("C16", numbers={"start_indices_batching_dims": (0,)})
broken_gather(
    "C17", CUBE, sizes=(1, 1, 5), numbers={"operand_batching_dims": (1,), "start_indices_batching_dims": (0,)}
)
broken_gather(
    "C18",
    CUBE,
    value(4, 2, of=i32),
    sizes=(1, 1, 5),
    numbers={"start_index_map": (0, 0), "operand_batching_dims": (1,), "start_indices_batching_dims": (0,)},
)
broken_gather("C19", numbers={"start_index_map": (2,)})
broken_gather("C20", sizes=(1,))
broken_gather("C21", sizes=(1, 5))
broken_gather("C22", result_types=[tensor(3, 5)])
broken_gather("C23", result_types=[tensor(3, 4, of=f64)])

# scatter

ROW = D(
    update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), index_vector_dim=1
)


def scatter(numbers: Any, op: Any = S.Add) -> Any:
    body = region([tensor()] * 2, lambda b, x, y: y) if op is None else reducer(op)
    return lambda b, x, i, u: b.emit(
        S.Scatter([x], i, [u], scatter_dimension_numbers=numbers, regions=[body])
    )


REPEATED = np.array([[0], [5], [2], [2]], np.int32)
works("stablehlo.scatter", "add", scatter(ROW), random(6, 4), REPEATED, random(4, 4, seed=1))
works(
    "stablehlo.scatter",
    "outside",
    scatter(ROW),
    random(6, 4),
    np.array([[-1], [6], [2], [2]], np.int32),
    random(4, 4, seed=1),
)
works(
    "stablehlo.scatter",
    "replace",
    scatter(ROW, None),
    random(6, 4),
    np.array([[4], [0]], np.int32),
    random(2, 4, seed=1),
)
works(
    "stablehlo.scatter",
    "windows",
    scatter(D((0, 2), (), (), (), (1, 0), 0)),
    random(5, 6),
    np.array([[0, 3], [1, 0]], np.int32),
    random(2, 2, 3),
)
works(
    "stablehlo.scatter",
    "batched",
    scatter(D((2,), (1,), (0,), (1,), (1,), 2)),
    random(2, 5, 3),
    np.array([[[0], [1]], [[4], [2]], [[3], [3]]], np.int32),
    random(3, 2, 3),
)
works(
    "stablehlo.scatter",
    "points",
    scatter(D((), (0, 1), (), (), (0, 1), 1), S.Maximum),
    random(4, 5),
    np.array([[0, 1], [3, 4], [0, 1]], np.int32),
    random(3),
)


def two_scatters(b: Any, x: Any, y: Any, i: Any, u: Any, v: Any) -> Any:
    body = region([tensor()] * 4, lambda c, p, q, r, s: (c.emit(S.Add(p, r)), c.emit(S.Multiply(q, s))))
    return b.emit(S.Scatter([x, y], i, [u, v], scatter_dimension_numbers=ROW, regions=[body]))


works(
    "stablehlo.scatter",
    "two",
    two_scatters,
    random(6, 4),
    random(6, 4, seed=2),
    REPEATED,
    random(4, 4, seed=1),
    random(4, 4, seed=3),
)


def broken_scatter(
    label: str,
    inputs: Any = None,
    indices: Any = None,
    updates: Any = None,
    numbers: Any = None,
    body: Any = None,
    **more: Any,
) -> None:
    breaks(
        "stablehlo.scatter",
        label,
        lambda: S.Scatter(
            [value(6, 4)] if inputs is None else inputs,
            indices or value(3, 1, of=i32),
            [value(3, 4)] if updates is None else updates,
            scatter_dimension_numbers=replace(ROW, **(numbers or {})),
            regions=[body or reducer(S.Add)],
            **more,
        ),
    )


PAIR = region([tensor()] * 4, lambda b, x, y, z, w: (x, y))
SOLID = [value(6, 4, 5)]
broken_scatter("C1", [value(6, 4), value(6, 5)], updates=[value(3, 4)] * 2, body=PAIR)
broken_scatter("C2", numbers={"inserted_window_dims": ()})
broken_scatter("C3", [value(6, 4)] * 2, updates=[value(3, 4), value(3, 3)], body=PAIR)
broken_scatter("C4", updates=[value(3, 5)])
broken_scatter("C5", updates=[])
broken_scatter("C6", updates=[value(3, 4, of=f64)])
broken_scatter("C7", SOLID, updates=[value(3, 4, 5)], numbers={"update_window_dims": (2, 1)})
broken_scatter("C8", numbers={"update_window_dims": (2,)})
broken_scatter("C9", SOLID, updates=[value(3, 4)], numbers={"input_batching_dims": (0,)})
broken_scatter("C10", SOLID, numbers={"inserted_window_dims": (1, 0)})
broken_scatter("C11", numbers={"inserted_window_dims": (2,)})
broken_scatter("C12", SOLID, numbers={"inserted_window_dims": (), "input_batching_dims": (1, 0)})
broken_scatter("C13", numbers={"inserted_window_dims": (), "input_batching_dims": (2,)})
broken_scatter("C14", numbers={"scatter_indices_batching_dims": (0, 0)})
broken_scatter("C15", numbers={"scatter_indices_batching_dims": (2,)})
broken_scatter("C16", numbers={"scatter_indices_batching_dims": (1,)})
broken_scatter("C17", numbers={"scatter_indices_batching_dims": (0,)})
broken_scatter("C18", SOLID, numbers={"input_batching_dims": (1,), "scatter_indices_batching_dims": (0,)})
broken_scatter("C19", numbers={"scatter_dims_to_operand_dims": (0, 1)})
broken_scatter("C20", indices=value(3, 2, of=i32), numbers={"scatter_dims_to_operand_dims": (0, 0)})
broken_scatter("C21", numbers={"scatter_dims_to_operand_dims": (2,)})
broken_scatter("C22", numbers={"index_vector_dim": 3})
broken_scatter("C23", body=reducer(S.Add, i32))
broken_scatter("C24", result_types=[tensor(6, 5)])
broken_scatter("C25", result_types=[tensor(6, 4, of=f64)])
