"""Ops of programs that run as several processes. They are read and checked; running them is refused, but for the numbers
of the only process there is here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from irc.dialects.stablehlo.attributes import ChannelHandle
from irc.dialects.stablehlo.base import TensorOp, is_unique, repeated, same_dim
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import check_reducer
from irc.ir.attributes import DenseElementsAttr
from irc.ir.fields import ANY, I64, UNIT, Attr, Operand, RegionField, Result, i64_elements, struct
from irc.ir.operation import Value
from irc.ir.quantized import same_element
from irc.ir.types import Dim, TensorType, Type, compatible_shapes, i32, ui32


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
        self.check(groups.type.rank == 2, rank, "replica groups should be a rank 2 tensor")
        ids = [i for i in groups.array.reshape(-1).tolist() if i != -1]
        self.check(is_unique(ids), unique, f"replica id #{repeated(ids)} seen more than once")
        missing = next((i for i in range(len(ids)) if i not in ids), None)
        if complete:
            self.check(missing is None, complete, f"replica id #{missing} not seen in replica groups")
        return groups.type.shape[1]

    def check_channel(self, needed: bool | None, label: str) -> None:
        """Global device ids need a channel."""
        number = self.channel_handle.handle if self.channel_handle is not None else 0
        message = f"channel_id must be positive when useGlobalDeviceIds is set but got: {number}"
        self.check(not needed or number > 0, label, message)

    def check_multiple(self, small: Dim, large: Dim, label: str, message: str) -> None:
        """One extent is a multiple of the other."""
        fits = small is None or large is None or (small > 0 and large % small == 0)
        self.check(fits, label, message)


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
            self.check_integer("all_gather_dim", "C1")
            self.check(dim < type.rank, "C1", "all_gather_dim must be a valid index of operand")
            self.check(same_element(given.element, type.element), "C6", f"makes {given} of {type}")
            self.check(
                type.shape[dim] != 0, "C6", "dimension size of operand at 'all_gather_dim' cannot be zero"
            )
            self.check(given.rank == type.rank, "C6", "operand and result must have the same rank")
            message = "operand and result should have the same shape except for the dimension size at 'all_gather_dim'"
            self.check(compatible_shapes(without(given, dim), without(type, dim)), "C6", message)
            small, large = type.shape[dim], given.shape[dim]
            message = f"result gather dimension has size {large}, expected to be a multiple of operand gather dimension"
            self.check_multiple(small, large, "C6", f"{message} size {small}")
        return self.result_types


def without(type: TensorType, dim: int) -> tuple[Dim, ...]:
    """The shape but for one dimension."""
    return (*type.shape[:dim], *type.shape[dim + 1 :])


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
        self.check_integer("scatter_dimension", "C2")
        self.check(given.rank == type.rank, "C8", "operand and result should have same rank")
        self.check(dim < type.rank, "C2", "scatter dim should be less than operand/result rank")
        extent = type.shape[dim]
        self.check(
            not size or extent is None or extent % size == 0, "C1", f"scatters {type} over {size} processes"
        )
        (element,) = check_reducer(self, self.computation, [type.element], "C7")
        part = given.shape[dim]
        self.check(part != 0, "C8", "result dimension size at scatter_dimension cannot be zero")
        self.check(extent != 0, "C8", "operand dimension size at scatter_dimension cannot be zero")
        message = f"operand scatter dimension has size {extent}, expected to be a multiple of result scatter dimension"
        self.check_multiple(part, extent, "C8", f"{message} size {part}")
        for i, (n, m) in enumerate(zip(type.shape, given.shape, strict=True)):
            message = f"non scatter dimensions should be same for operand ({n}) and result ({m})"
            self.check(i == dim or same_dim(n, m), "C8", message)
        message = f"result element-type is expected to be '{element}', but got '{given.element}'"
        self.check(same_element(element, given.element), "C9", message)
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
        self.check_integer("split_dimension", "C1")
        self.check_integer("concat_dimension", "C3")
        self.check_integer("split_count", "C4", positive=True)
        count = len(self.results) in (0, len(self.inputs))
        self.check(count, "C9", "requires the same number of operands and results")
        size = self.check_groups("I5", "C5", "C7")
        self.check(same_dim(size, parts), "C8", f"group size of replica_groups must be {parts}")
        return [self._exchanged(v.type, split, join, parts) for v in self.inputs]

    def _exchanged(self, type: TensorType, split: int, join: int, parts: int) -> TensorType:
        outside = f"is out-of-bounds for input rank {type.rank}"
        self.check(split < type.rank, "C1", f"AllToAll split_dimension {split} {outside}")
        self.check(join < type.rank, "C3", f"AllToAll concat_dimension {join} {outside}")
        cut, joined = type.shape[split], type.shape[join]
        message = f"split dimension has size {cut}, expected to be a multiple of split_count {parts}"
        self.check(cut is None or cut % parts == 0, "C2", message)
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
        shape = f"({len(pairs)}, {len(pairs[0]) if pairs else 2})"
        message = f"expect source_target_pairs attribute of shape (N, 2), but got {shape}"
        self.check(all(len(p) == 2 for p in pairs), "C1", message)
        for side, label, what in ((0, "C2", "sources"), (1, "C3", "targets")):
            self.check(is_unique([p[side] for p in pairs]), label, f"duplicate {what} not allowed")
        message = "replica ids in source_target_pairs must be >= 0"
        self.check(all(p >= 0 for pair in pairs for p in pair), "C4", message)
        return [self.operand.type]


class CollectiveBroadcast(_Collective, name="stablehlo.collective_broadcast"):
    """The first process of each group gives its operands to the others.

    C1: no replica is named twice.
    C2: replicas are not negative.
    C3: there is at least one operand, and results have the operands' types.
    C4: a root known when running is a last operand, an i32 for each of the others."""

    result_labels = ("C3", "C3")
    inputs = Operand(variadic=True)
    has_dynamic_root = Attr(UNIT, optional=True)
    received = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        data = check_root(self, self.has_dynamic_root, "C3", "C4")
        self.check_operands()
        self.check_groups("I2", "C1")
        groups = self.replica_groups
        ids = groups.array.reshape(-1).tolist() if isinstance(groups, DenseElementsAttr) else []
        bad = next((i for i in ids if i < 0), None)
        self.check(bad is None, "C2", f"replica_groups values must be positive, but was given {bad}")
        return [v.type for v in data]


def check_root(op: _Collective, dynamic: bool | None, count: str, label: str) -> Sequence[Value]:
    """The operands that are data; the last one is the root where that is known only when running."""
    name, values = op.name.partition(".")[2], op.operands
    op.check(len(values) > 0, count, f"{name} requires at least one data operand")
    if not dynamic:
        return values
    message = f"{name} with has_dynamic_root=true requires at least two operands (data + root)"
    op.check(len(values) > 1, label, message)
    *data, root = values
    type = root.type
    fits = isinstance(type, TensorType) and type.rank == 1 and type.element is i32
    message = f"last operand of {name} with has_dynamic_root=true must"
    op.check(fits, label, f"{message} be a rank-1 i32 tensor, but got '{type}'")
    size = type.shape[0]
    message += f" have the same number of elements as data operands ({len(data)}), but got {size}"
    op.check(same_dim(size, len(data)), label, message)
    return data


class CollectiveReduce(_Collective, name="stablehlo.collective_reduce"):
    """The operands of a group's processes, reduced element by element and kept by the first of them, or by the root.

    C1: no replica is named twice.
    C2: replicas are 0, 1, ... without gaps.
    C3: there is at least one operand; results have their operand's shape.
    C4: global device ids need a channel.
    C5: the computation takes two scalars to one of a type that the operands' promote to.
    C6: a root known when running is a last operand, an i32 for each of the others."""

    result_labels = ("C3", "C5")
    inputs = Operand(variadic=True)
    use_global_device_ids = Attr(UNIT, optional=True)
    has_dynamic_root = Attr(UNIT, optional=True)
    computation = RegionField()
    reduced = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        data = check_root(self, self.has_dynamic_root, "C3", "C6")
        self.check_operands()
        self.check_groups("I2", "C1", "C2")
        self.check_channel(self.use_global_device_ids, "C4")
        types = [v.type for v in data]
        return [t.with_element(check_reducer(self, self.computation, [t.element], "C5")[0]) for t in types]
