"""One program for every size, from two recordings of it at different sizes.

What differs between the two are extents, bounds and constants, each of which must be a formula in the sizes of the arguments
(`formulas`). The module made has unknown extents there, and StableHLO's dynamic ops where an op says a size. Whoever
meets the program at a further size asks `fits` whether the formulas give what it says: two recordings prove nothing alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import UnsupportedError, VerifyError
from irc.ir.attributes import DenseElementsAttr
from irc.ir.extents import Atom, Extent, at
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import TensorType, i32
from irc.passes.extents.formulas import Ratio, Size, number_of
from irc.passes.extents.skeleton import SIZED, Number


@dataclass(frozen=True)
class General:
    """A program for every size: its module, the sizes it depends on, and each number of its skeleton, as it is or as a
    formula."""

    module: Module
    sizes: tuple[Size, ...]
    places: tuple[int, ...]
    """Which number each size is."""
    numbers: tuple[Number | Ratio, ...]

    def fits(self, numbers: Sequence[Number]) -> bool:
        """Whether a program with this structure and these numbers is this one."""
        sizes: dict[str, int] = {}
        for size, place in zip(self.sizes, self.places, strict=True):
            given = numbers[place]
            if not isinstance(given, int) or given < 2:
                return False
            sizes[size.name] = given
        return all(_at(own, sizes) == given for own, given in zip(self.numbers, numbers, strict=True))


def _at(number: Number | Ratio, sizes: Mapping[str, int]) -> Number:
    if isinstance(number, Ratio):
        return number.at(sizes)
    return at(number, sizes) if isinstance(number, Extent) else number


def general(module: Module, first: Sequence[Number], second: Sequence[Number]) -> General | None:
    """What `module`, whose numbers are `first`, has in common with one of the same structure whose numbers are `second`.

    None where a number that differs is no formula in the sizes of the arguments, where a size is 0 or 1 at one of
    the times, and where StableHLO has no op of a computed size (random bits)."""
    func = module.operations[0]
    assert isinstance(func, Func)
    sizes, places = _sizes(func, first, second)
    if not sizes or any(min(s.first, s.second) < 2 for s in sizes):
        return None
    numbers: list[Number | Ratio] = []
    known: dict[tuple[Number, Number], int | Ratio | None] = {}
    for one, two in zip(first, second, strict=True):
        if one == two:
            numbers.append(one)
            continue
        if (one, two) not in known:
            known[one, two] = number_of(one, two, sizes)
        formula = known[one, two]
        if formula is None:
            return None
        numbers.append(formula)
    try:
        made = _Generalizer(sizes, iter(numbers)).function(func)
    except (VerifyError, UnsupportedError):
        return None
    return General(module.with_operations([made]), tuple(sizes), tuple(places), tuple(numbers))


def _sizes(func: Func, first: Sequence[Number], second: Sequence[Number]) -> tuple[list[Size], list[int]]:
    """The extents of arguments that differ, those that are multiples of another left out, and where they stand."""
    found: dict[tuple[int, int], tuple[Size, int]] = {}
    place = 0
    for i, argument in enumerate(func.arguments):
        for d in range(argument.type.rank):
            one, two = first[place], second[place]
            if one != two:
                assert isinstance(one, int)
                assert isinstance(two, int)
                found.setdefault((one, two), (Size(f"n{len(found)}", i, d, one, two), place))
            place += 1
    kept: list[tuple[Size, int]] = []
    for (one, two), size in sorted(found.items(), key=lambda item: item[0]):
        if not any(s.first and one % s.first == 0 and one // s.first * s.second == two for s, _ in kept):
            kept.append(size)
    return [s for s, _ in kept], [p for _, p in kept]


@dataclass
class _Generalizer:
    """Walks the function as `skeleton` does, taking a number or formula wherever that took one."""

    sizes: Sequence[Size]
    numbers: Iterator[Number | Ratio]
    map: dict[Value, Value] = field(default_factory=dict)
    head: list[Operation] = field(default_factory=list)
    extents: dict[Any, Value] = field(default_factory=dict)

    def function(self, func: Func) -> Func:
        self.own = func.arguments
        block = self.block(func.block)
        return func.with_block(Block(block.arguments, [*self.head, *block.operations]))

    def block(self, block: Block) -> Block:
        arguments = [Value(self.type(a)[0], None, a.index, a.name, a.location) for a in block.arguments]
        self.map.update(zip(block.arguments, arguments, strict=True))
        made: list[Operation] = []
        for op in block.operations:
            self.operation(op, made)
        return Block(arguments, made)

    def type(self, value: Value) -> tuple[Any, list[int]]:
        """The type with unknown extents, and all its extents."""
        if not isinstance(value.type, TensorType):
            return value.type, []
        shape: list[Any] = [next(self.numbers) for _ in value.type.shape]
        known = tuple(n if isinstance(n, int) else None for n in shape)
        return (value.type if None not in known else value.type.with_shape(known)), shape

    def operation(self, op: Operation, made: list[Operation]) -> None:
        operands = [self.map[v] for v in op.operands]
        said = self.attributes(op)
        types = [self.type(r) for r in op.results]
        regions = [Region([self.block(b) for b in r.blocks]) for r in op.regions]
        changes = any(isinstance(n, Extent | Ratio) for numbers in said.values() for n in numbers)
        unknown = any(isinstance(n, Extent) for _, shape in types for n in shape)
        rule = _RULES.get(type(op)) if changes or (unknown and type(op) in _SAY_SHAPES) else None
        if rule is not None:
            result = rule(self, op, operands, said, types, made)
            result.name = op.results[0].name
            self.map[op.results[0]] = result
            return
        if changes or (unknown and type(op) is hlo.RngBitGenerator):
            raise UnsupportedError(f"'{op.name}' has no form of computed size")
        new = type(op).create(operands, [t for t, _ in types], op.attributes, regions, op.location)
        new.check_results(new.infer())
        for old, now in zip(op.results, new.results, strict=True):
            now.name = old.name
        self.map.update(zip(op.results, new.results, strict=True))
        made.append(new)

    def attributes(self, op: Operation) -> dict[str, list[Any]]:
        """The numbers of attributes, by name."""
        if type(op) is hlo.Constant:
            value = op.attributes["value"]
            return (
                {"value": [next(self.numbers)]}
                if isinstance(value, DenseElementsAttr) and value.is_splat
                else {}
            )
        return {name: [next(self.numbers) for _ in getattr(op, name)] for name in SIZED.get(type(op), ())}

    # What the dynamic ops take: computed once, at the head of the function.

    def put(self, op: Operation) -> Value:
        self.head.append(op)
        return op.results[0]

    def extent(self, n: int) -> Value:
        """A number as tensor<i32>."""
        if n not in self.extents:
            self.extents[n] = self._extent(n)
        return self.extents[n]

    def _extent(self, n: int) -> Value:
        if not isinstance(n, Extent):
            return self.put(hlo.Constant.splat(n, TensorType((), i32)))
        products = [self._product(factors, count) for factors, count in n.terms]
        return reduce(lambda x, y: self.put(hlo.Add(x, y)), products)

    def _product(self, factors: Sequence[Atom], count: int) -> Value:
        values = [self.size(*atom.parts) for atom in factors]
        if count != 1 or not values:
            values.insert(0, self.extent(count))
        return reduce(lambda x, y: self.put(hlo.Multiply(x, y)), values)

    def size(self, name: str) -> Value:
        if name not in self.extents:
            s = next(s for s in self.sizes if s.name == name)
            asked = hlo.GetDimensionSize(self.map[self.own[s.argument]], dimension=s.dimension)
            self.extents[name] = self.put(asked)
        return self.extents[name]

    def vector(self, numbers: Sequence[int]) -> Value:
        """Numbers as tensor<nxi32>."""
        key = ("vector", *numbers)
        if key not in self.extents:
            if all(isinstance(n, int) for n in numbers):
                value = DenseElementsAttr.of(TensorType((len(numbers),), i32), np.array(numbers, np.int32))
                self.extents[key] = self.put(hlo.Constant(value=value))
            else:
                one = TensorType((1,), i32)
                parts = [self.put(hlo.Reshape(self.extent(n), result_types=[one])) for n in numbers]
                joined = hlo.Concatenate(parts, dimension=0) if len(parts) > 1 else None
                self.extents[key] = self.put(joined) if joined is not None else parts[0]
        return self.extents[key]

    def ratio(self, ratio: Ratio) -> Value:
        """A constant that follows from sizes, as a scalar."""
        if ratio not in self.extents:
            type = TensorType((), ratio.element)
            above, below = (
                None if e is None else self.put(hlo.Convert(self.extent(e), result_types=[type]))
                for e in (ratio.numerator, ratio.denominator)
            )
            if below is not None:
                above = self.put(hlo.Constant.splat(1, type)) if above is None else above
                above = self.put(hlo.Divide(above, below))
            assert above is not None
            self.extents[ratio] = above
        return self.extents[ratio]


def _constant(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: list[Operation]) -> Value:
    ((type, shape),) = types
    number = said["value"][0]
    if isinstance(number, Ratio):
        scalar = g.ratio(number)
    else:
        scalar = g.put(hlo.Constant(value=DenseElementsAttr.of(type.with_shape(()), op.value.splat_array)))
    if not type.rank:
        return scalar
    if type.is_static:
        spread: Operation = hlo.BroadcastInDim(scalar, broadcast_dimensions=(), result_types=[type])
    else:
        spread = hlo.DynamicBroadcastInDim(
            scalar, g.vector(shape), broadcast_dimensions=(), result_types=[type], location=op.location
        )
    made.append(spread)
    return spread.results[0]


def _placed(made: list[Operation], op: Operation) -> Value:
    made.append(op)
    return op.results[0]


def _broadcast(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: Any) -> Value:
    ((type, shape),) = types
    return _placed(made, hlo.DynamicBroadcastInDim(
        operands[0], g.vector(shape), broadcast_dimensions=op.broadcast_dimensions, result_types=[type],
        location=op.location,
    ))  # fmt: skip


def _reshape(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: Any) -> Value:
    ((type, shape),) = types
    new = hlo.DynamicReshape(operands[0], g.vector(shape), result_types=[type], location=op.location)
    return _placed(made, new)


def _iota(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: Any) -> Value:
    ((type, shape),) = types
    return _placed(made, hlo.DynamicIota(
        g.vector(shape), iota_dimension=op.iota_dimension, result_types=[type], location=op.location
    ))  # fmt: skip


def _slice(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: Any) -> Value:
    ((type, _),) = types
    bounds = [g.vector(said["start_indices"]), g.vector(said["limit_indices"]), g.vector(op.strides)]
    return _placed(
        made, hlo.RealDynamicSlice(operands[0], *bounds, result_types=[type], location=op.location)
    )


def _pad(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: Any) -> Value:
    ((type, _),) = types
    amounts = [said["edge_padding_low"], said["edge_padding_high"], op.interior_padding]
    new = hlo.DynamicPad(*operands, *map(g.vector, amounts), result_types=[type], location=op.location)
    return _placed(made, new)


def _gather(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: Any) -> Value:
    ((type, _),) = types
    return _placed(made, hlo.DynamicGather(
        *operands, g.vector(said["slice_sizes"]), dimension_numbers=op.dimension_numbers,
        indices_are_sorted=op.indices_are_sorted, result_types=[type], location=op.location,
    ))  # fmt: skip


def _dynamic_slice(g: _Generalizer, op: Any, operands: Any, said: Any, types: Any, made: Any) -> Value:
    """A gather of one slice: it clamps its start as dynamic_slice does."""
    ((type, _),) = types
    rank = type.rank
    starts = [
        _placed(made, hlo.Reshape(v, result_types=[TensorType((1,), v.type.element)])) for v in operands[1:]
    ]
    start = _placed(made, hlo.Concatenate(starts, dimension=0)) if rank > 1 else starts[0]
    every = tuple(range(rank))
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=every, collapsed_slice_dims=(), operand_batching_dims=(), start_indices_batching_dims=(),
        start_index_map=every, index_vector_dim=0,
    )  # fmt: skip
    return _placed(made, hlo.DynamicGather(
        operands[0], start, g.vector(said["slice_sizes"]), dimension_numbers=numbers, result_types=[type],
        location=op.location,
    ))  # fmt: skip


_RULES: dict[type[Operation], Any] = {
    hlo.BroadcastInDim: _broadcast,
    hlo.Constant: _constant,
    hlo.DynamicSlice: _dynamic_slice,
    hlo.Gather: _gather,
    hlo.Iota: _iota,
    hlo.Pad: _pad,
    hlo.Reshape: _reshape,
    hlo.Slice: _slice,
}
_SAY_SHAPES = (hlo.BroadcastInDim, hlo.Constant, hlo.Iota, hlo.Reshape)
"""Ops whose result's extents nothing else says."""
