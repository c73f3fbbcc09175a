"""Ops of programs that run as several processes. They are read and checked; running them is refused, but for the numbers
of the only process there is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo.attributes import ChannelHandle
from irc.dialects.stablehlo.base import TensorOp, is_unique, same_dim
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import check_reducer
from irc.ir.attributes import DenseElementsAttr
from irc.ir.fields import ANY, I64, UNIT, Attr, Operand, RegionField, Result, i64_elements, struct
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes, ui32


class ReplicaId(TensorOp, name="stablehlo.replica_id"):
    """Which replica this process is: 0."""

    assembly = "attr-dict `:` type(results)"
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [TensorType((), ui32)]

    def evaluate(self) -> Array:
        return np.zeros((), np.uint32)


class PartitionId(TensorOp, name="stablehlo.partition_id"):
    """Which partition this process is: 0."""

    assembly = "attr-dict `:` type(results)"
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [TensorType((), ui32)]

    def evaluate(self) -> Array:
        return np.zeros((), np.uint32)


class _Collective(TensorOp):
    """Groups of processes exchange tensors. A group is a row of `replica_groups`; -1 fills rows up."""

    pure = False
    replica_groups = Attr(ANY)
    channel_handle = Attr(struct(ChannelHandle), optional=True)

    def check_groups(self, rank: str, unique: str, complete: str = "") -> Dim:
        """The groups' size where they are numbers, checked under these labels."""
        groups = self.replica_groups
        if not isinstance(groups, DenseElementsAttr):
            return None
        self.check(groups.type.rank == 2, rank, f"has replica groups {groups}, which are not a matrix")
        ids = [i for i in groups.array.reshape(-1).tolist() if i != -1]
        self.check(is_unique(ids), unique, f"names a replica twice in {groups}")
        if complete:
            self.check(sorted(ids) == list(range(len(ids))), complete, f"leaves out a replica in {groups}")
        return groups.type.shape[1]

    def check_channel(self, needed: bool | None, label: str) -> None:
        """Global device ids need a channel."""
        handle = self.channel_handle
        self.check(
            not needed or (handle is not None and handle.handle > 0), label, f"has the channel {handle}"
        )

    def check_grown(self, given: Any, type: TensorType, dim: int, label: str) -> None:
        """A result like the operand, but for a multiple of its extent along `dim`."""
        self.check(given.rank == type.rank, label, f"makes {given} of {type}")
        others = [t.with_shape((*t.shape[:dim], *t.shape[dim + 1 :])) for t in (given, type)]
        self.check(compatible_shapes(others[0].shape, others[1].shape), label, f"makes {given} of {type}")
        small, large = type.shape[dim], given.shape[dim]
        fits = small is None or large is None or (small > 0 and large % small == 0)
        self.check(fits, label, f"makes {given} of {type} along dimension {dim}")


class AllGather(_Collective, name="stablehlo.all_gather"):
    """The operands of a group's processes, one after another.

    C1: the dimension is one of the operands'.
    C2: no replica is named twice.
    C4: replicas are 0, 1, ... without gaps.
    C5: global device ids need a channel.
    C6: results are like operands, with a multiple of the extent along the dimension."""

    result_labels = ("C6", "C6")
    inputs = Operand(variadic=True)
    all_gather_dim = Attr(I64)
    use_global_device_ids = Attr(UNIT, optional=True)
    gathered = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        self.check_groups("I3", "C2", "C4")
        self.check_channel(self.use_global_device_ids, "C5")
        dim = self.all_gather_dim
        self.check(len(self.results) == len(self.inputs), "C6", f"gives {len(self.results)} results")
        for operand, result in zip(self.inputs, self.results, strict=True):
            type, given = operand.type, result.type
            self.check(0 <= dim < type.rank, "C1", f"gathers {type} along dimension {dim}")
            self.check(same_element(given.element, type.element), "C6", f"makes {given} of {type}")
            self.check_grown(given, type, dim, "C6")
        return self.result_types


class AllReduce(_Collective, name="stablehlo.all_reduce"):
    """The operands of a group's processes, reduced element by element.

    C1: no replica is named twice.
    C3: replicas are 0, 1, ... without gaps.
    C4: global device ids need a channel.
    C5: the computation takes two scalars to one of a type that the operands' promote to.
    C6: results have their operand's shape.
    C7: the results' element type is the computation's."""

    result_labels = ("C6", "C7")
    inputs = Operand(variadic=True)
    use_global_device_ids = Attr(UNIT, optional=True)
    computation = RegionField()
    reduced = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        self.check_groups("I2", "C1", "C3")
        self.check_channel(self.use_global_device_ids, "C4")
        types = [v.type for v in self.inputs]
        return [t.with_element(check_reducer(self, self.computation, [t.element], "C5")[0]) for t in types]


class ReduceScatter(_Collective, name="stablehlo.reduce_scatter"):
    """An all_reduce of which each process of a group keeps its part.

    C1: the operand's extent along the dimension is a multiple of the group's size.
    C2: the dimension is one of the operand's.
    C3: no replica is named twice.
    C5: replicas are 0, 1, ... without gaps.
    C6: global device ids need a channel.
    C7: the computation takes two scalars to one of a type that the operand's promotes to.
    C8: the result is like the operand, with a part of the extent along the dimension.
    C9: the result's element type is the computation's."""

    result_labels = ("C8", "C9")
    operand = Operand()
    scatter_dimension = Attr(I64)
    use_global_device_ids = Attr(UNIT, optional=True)
    computation = RegionField()
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        type, given, dim = self.operand.type, self.given_type("C8"), self.scatter_dimension
        size = self.check_groups("I3", "C3", "C5")
        self.check_channel(self.use_global_device_ids, "C6")
        self.check(0 <= dim < type.rank, "C2", f"scatters {type} along dimension {dim}")
        extent = type.shape[dim]
        self.check(
            not size or extent is None or extent % size == 0, "C1", f"scatters {type} over {size} processes"
        )
        (element,) = check_reducer(self, self.computation, [type.element], "C7")
        self.check(
            extent != 0 and given.rank == type.rank and given.shape[dim] != 0,
            "C8",
            f"makes {given} of {type}",
        )
        self.check_grown(type, given, dim, "C8")
        return [given.with_element(element)]


class AllToAll(_Collective, name="stablehlo.all_to_all"):
    """Each process cuts its operands, sends a part to each of its group, and joins what it gets.

    C1: the split dimension is one of the operands'.
    C2: its extent is a multiple of the number of parts.
    C3: the joined dimension is one of the operands'.
    C4: the number of parts is positive.
    C5: no replica is named twice.
    C7: replicas are 0, 1, ... without gaps.
    C8: groups have as many processes as there are parts.
    C9: results are like operands, shorter along one dimension and longer along the other."""

    result_labels = ("C9", "C9")
    inputs = Operand(variadic=True)
    split_dimension = Attr(I64)
    concat_dimension = Attr(I64)
    split_count = Attr(I64)
    exchanged = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        split, join, parts = self.split_dimension, self.concat_dimension, self.split_count
        self.check(parts > 0, "C4", f"cuts into {parts} parts")
        size = self.check_groups("I5", "C5", "C7")
        self.check(same_dim(size, parts), "C8", f"cuts into {parts} parts for {size} processes")
        return [self._exchanged(v.type, split, join, parts) for v in self.inputs]

    def _exchanged(self, type: TensorType, split: int, join: int, parts: int) -> TensorType:
        self.check(0 <= split < type.rank, "C1", f"cuts {type} along dimension {split}")
        self.check(0 <= join < type.rank, "C3", f"joins {type} along dimension {join}")
        cut, joined = type.shape[split], type.shape[join]
        self.check(cut is None or cut % parts == 0, "C2", f"cuts {type} into {parts} parts")
        shape = list(type.shape)
        if split != join:
            shape[split] = None if cut is None else cut // parts
            shape[join] = None if joined is None else joined * parts
        return type.with_shape(tuple(shape))


class CollectivePermute(TensorOp, name="stablehlo.collective_permute"):
    """Each pair's source sends its operand to the target; who gets nothing has zeros.

    C1: pairs have two members.
    C2: no process sends twice.
    C3: no process receives twice.
    C4: processes are not negative.
    C5: operand and result have one type."""

    pure = False
    result_labels = ("C5", "C5")
    operand = Operand()
    source_target_pairs = Attr(i64_elements(2))
    channel_handle = Attr(struct(ChannelHandle), optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_operands()
        pairs = self.source_target_pairs
        self.check(all(len(p) == 2 for p in pairs), "C1", f"has source-target pairs {pairs}")
        for side, label in ((0, "C2"), (1, "C3")):
            self.check(is_unique([p[side] for p in pairs]), label, f"has source-target pairs {pairs}")
        self.check(all(p >= 0 for pair in pairs for p in pair), "C4", f"has source-target pairs {pairs}")
        return [self.operand.type]


class CollectiveBroadcast(_Collective, name="stablehlo.collective_broadcast"):
    """The first process of each group gives its operands to the others.

    C1: no replica is named twice.
    C2: replicas are not negative.
    C3: there is at least one operand, and results have the operands' types."""

    result_labels = ("C3", "C3")
    inputs = Operand(variadic=True)
    received = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check(len(self.inputs) > 0, "C3", "has no operands")
        self.check_operands()
        self.check_groups("I2", "C1")
        groups = self.replica_groups
        negative = isinstance(groups, DenseElementsAttr) and bool((groups.array < 0).any())
        self.check(not negative, "C2", f"has replica groups {groups}")
        return [v.type for v in self.inputs]
