"""Samples of ops for several processes: they are checked, and not run."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.attributes import DenseElementsAttr
from irc.ir.types import TensorType, f64, i32, i64
from samples.case import breaks, reducer, tensor, value, works

works("stablehlo.replica_id", "alone", lambda b: b.emit(S.ReplicaId()))
works("stablehlo.partition_id", "alone", lambda b: b.emit(S.PartitionId()))


def groups(*rows: Any) -> DenseElementsAttr:
    array = np.array(rows, np.int64)
    return DenseElementsAttr.of(TensorType(array.shape, i64), array)


PAIR, TWICE, GAP, FLAT = groups([0, 1]), groups([0, 0]), groups([0, 2]), groups(0, 1)


def gather(label: str, of: Any = PAIR, dim: int = 0, result: Any = None, **more: Any) -> None:
    breaks(
        "stablehlo.all_gather",
        label,
        lambda: S.AllGather(
            [value(4, 3)],
            replica_groups=of,
            all_gather_dim=dim,
            result_types=[result or tensor(8, 3)],
            **more,
        ),
    )


gather("C1", dim=2)
gather("C2", TWICE)
gather("C4", GAP)
gather("C5", use_global_device_ids=True)
gather("C6", result=tensor(9, 3))
gather("I3", FLAT)


def reduce(label: str, of: Any = PAIR, body: Any = None, **more: Any) -> None:
    breaks(
        "stablehlo.all_reduce",
        label,
        lambda: S.AllReduce([value(4, 3)], replica_groups=of, regions=[body or reducer(S.Add)], **more),
    )


reduce("C1", TWICE)
reduce("C3", GAP)
reduce("C4", use_global_device_ids=True)
reduce("C5", body=reducer(S.Add, i32))
reduce("C6", result_types=[tensor(4, 4)])
reduce("C7", result_types=[tensor(4, 3, of=f64)])


def scatter(
    label: str,
    of: Any = PAIR,
    body: Any = None,
    operand: Any = None,
    result: Any = None,
    dim: int = 0,
    **more: Any,
) -> None:
    breaks(
        "stablehlo.reduce_scatter",
        label,
        lambda: S.ReduceScatter(
            operand or value(4, 3),
            replica_groups=of,
            scatter_dimension=dim,
            regions=[body or reducer(S.Add)],
            result_types=[result or tensor(2, 3)],
            **more,
        ),
    )


scatter("C1", operand=value(5, 3))
scatter("C2", dim=2)
scatter("C3", TWICE)
scatter("C5", GAP)
scatter("C6", use_global_device_ids=True)
scatter("C7", body=reducer(S.Add, i32))
scatter("C8", result=tensor(3, 3))
scatter("C9", result=tensor(2, 3, of=f64))


def exchange(label: str, of: Any = PAIR, split: int = 0, join: int = 1, parts: int = 2, **more: Any) -> None:
    breaks(
        "stablehlo.all_to_all",
        label,
        lambda: S.AllToAll(
            [value(4, 3)],
            replica_groups=of,
            split_dimension=split,
            concat_dimension=join,
            split_count=parts,
            **more,
        ),
    )


exchange("C1", split=2)
exchange("C2", groups([0, 1, 2]), parts=3)
exchange("C3", join=2)
exchange("C4", parts=0)
exchange("C5", TWICE)
exchange("C7", GAP)
exchange("C8", parts=4)
exchange("C9", result_types=[tensor(4, 3)])


def permute(label: str, *pairs: Any, **more: Any) -> None:
    breaks(
        "stablehlo.collective_permute",
        label,
        lambda: S.CollectivePermute(value(2), source_target_pairs=pairs, **more),
    )


permute("C1", (0, 1, 2))
permute("C2", (0, 1), (0, 2))
permute("C3", (0, 1), (2, 1))
permute("C4", (0, -1))
permute("C5", (0, 1), result_types=[tensor(3)])


def give(label: str, of: Any = PAIR, inputs: Any = None, **more: Any) -> None:
    given = [value(2)] if inputs is None else inputs
    breaks(
        "stablehlo.collective_broadcast",
        label,
        lambda: S.CollectiveBroadcast(given, replica_groups=of, **more),
    )


give("C1", TWICE)
give("C2", groups([0, -1]))
give("C3", inputs=[])
give("C4", inputs=[value(2), value(2, of=i32)], has_dynamic_root=True)


def collect(label: str, of: Any = PAIR, body: Any = None, inputs: Any = None, **more: Any) -> None:
    given = [value(4, 3)] if inputs is None else inputs
    breaks(
        "stablehlo.collective_reduce",
        label,
        lambda: S.CollectiveReduce(given, replica_groups=of, regions=[body or reducer(S.Add)], **more),
    )


collect("C1", TWICE)
collect("C2", GAP)
collect("C3", inputs=[])
collect("C4", use_global_device_ids=True)
collect("C5", body=reducer(S.Add, i32))
collect("C6", inputs=[value(4, 3)], has_dynamic_root=True)
