"""KernelBuilder: a Builder that folds index arithmetic, keeps constants at the kernel's top and makes loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import arith, memref, scf, vector
from irc.dialects.func import Func, Return
from irc.ir.attributes import ArrayAttr, Attribute, EnumAttr, IntegerAttr, UnitAttr
from irc.ir.builder import Builder
from irc.ir.extents import Atom, Extent, Undecided, at_most, divided, greatest, least
from irc.ir.locations import UNKNOWN, Location
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import MemRefType, Type, VectorType, i64, index

Index = int | Value
"""An index known now (a number, or an expression over named sizes), or a value of type index."""


_MAKERS: dict[str, Callable[[Value, Value], Operation]] = {
    "quotient": arith.DivUI,
    "remainder": arith.RemUI,
    "greatest": arith.MaxSI,
    "least": arith.MinSI,
}
"""What computes an expression's parts; a dividend is never negative."""


class KernelBuilder(Builder):
    """Builder of kernel ops. All nested builders of one kernel share the constants, which stand before its first op."""

    def __init__(
        self,
        location: Location = UNKNOWN,
        constants: dict[Any, Operation] | None = None,
        machine: Machine = HOST,
        sizes: dict[str, Value] | None = None,
    ) -> None:
        super().__init__(location)
        self.constants: dict[Any, Operation] = {} if constants is None else constants
        self.machine = machine
        self.sizes: dict[str, Value] = {} if sizes is None else sizes
        """The arguments that the named sizes are, those that were asked for."""

    def nested(self) -> KernelBuilder:
        return KernelBuilder(self.location, self.constants, self.machine, self.sizes)

    def constant(self, value: Any, type: Any) -> Value:
        """A number of a scalar type, or its splat for a vector type; equal constants are one."""
        attribute = arith.constant_attribute(value, type)
        made = self.constants.get(attribute)
        if made is None:
            made = self.constants[attribute] = arith.Constant(value=attribute)
        return made.results[0]

    def index(self, i: Index) -> Value:
        """An index as a value."""
        if isinstance(i, Value):
            return i
        return self.extent(i) if isinstance(i, Extent) else self.constant(i, index)

    def extent(self, x: Extent) -> Value:
        """An expression over named sizes, computed once at the kernel's top."""
        products = []
        for factors, count in x.terms:
            values = [self._atom(a) for a in factors]
            if count != 1 or not values:
                values.insert(0, self.constant(count, index))
            products.append(reduce(lambda a, b: self._at_top(arith.MulI(a, b)), values))
        return reduce(lambda a, b: self._at_top(arith.AddI(a, b)), products)

    def _at_top(self, op: Operation) -> Value:
        """The op's value, computed before the kernel's first op; ops that are the same are one."""
        key = (type(op), op.operands)
        return self.constants.setdefault(key, op).results[0]

    def _atom(self, atom: Atom) -> Value:
        if atom.kind == "size":
            (name,) = atom.parts
            return self.sizes.setdefault(name, Value(index, None, len(self.sizes), name))
        if atom.kind in ("quotient", "remainder") and not at_most(0, atom.parts[0]):
            raise Undecided(
                f"{atom}, of which nobody knows whether it divides something negative, has no code"
            )
        x, y = (self.index(part) for part in atom.parts)
        return self._at_top(_MAKERS[atom.kind](x, y))

    def indices(self, items: Sequence[Index]) -> list[Value]:
        return [self.index(i) for i in items]

    def add(self, x: Index, y: Index) -> Index:
        if not isinstance(x, Value) and not isinstance(y, Value):
            return x + y
        if x == 0:
            return y
        return x if y == 0 else self.emit(arith.AddI(self.index(x), self.index(y)))

    def sub(self, x: Index, y: Index) -> Index:
        if not isinstance(x, Value) and not isinstance(y, Value):
            return x - y
        return x if y == 0 else self.emit(arith.SubI(self.index(x), self.index(y)))

    def mul(self, x: Index, y: Index) -> Index:
        if not isinstance(x, Value) and not isinstance(y, Value):
            return x * y
        if x == 1 or y == 1:
            return y if x == 1 else x
        return 0 if x == 0 or y == 0 else self.emit(arith.MulI(self.index(x), self.index(y)))

    def div(self, x: Index, y: int) -> Index:
        """x / y rounded down, for x >= 0."""
        if not isinstance(x, Value) and (isinstance(y, int) or divided(x, y) is not None):
            return x // y
        return x if y == 1 else self.emit(arith.DivUI(self.index(x), self.index(y)))

    def rem(self, x: Index, y: int) -> Index:
        """x modulo y, for x >= 0."""
        if not isinstance(x, Value) and (isinstance(y, int) or divided(x, y) is not None):
            return x % y
        return 0 if y == 1 else self.emit(arith.RemUI(self.index(x), self.index(y)))

    def min(self, x: Index, y: Index) -> Index:
        if not isinstance(x, Value) and not isinstance(y, Value):
            return least(x, y)
        return self.emit(arith.MinSI(self.index(x), self.index(y)))

    def max(self, x: Index, y: Index) -> Index:
        if not isinstance(x, Value) and not isinstance(y, Value):
            return greatest(x, y)
        return self.emit(arith.MaxSI(self.index(x), self.index(y)))

    def compare(self, predicate: str, x: Index, y: Index) -> Value:
        return self.emit(arith.CmpI(self.index(x), self.index(y), predicate=predicate))

    def loop(
        self,
        lower: Index,
        upper: Index,
        step: int,
        body: Callable[..., Sequence[Value] | None],
        *carried: Value,
    ) -> tuple[Value, ...]:
        """`scf.for`; `body(builder, i, *carried)` gives the next carried values. A loop of one known turn or none is no loop."""
        if isinstance(lower, int) and isinstance(upper, int) and upper <= lower + step:
            return tuple(body(self, lower, *carried) or ()) if lower < upper else carried

        def region(b: KernelBuilder, i: Value, *values: Value) -> None:
            b.emit(scf.Yield(tuple(body(b, i, *values) or ())))

        made = self.region([index, *(v.type for v in carried)], region)
        op = scf.For(self.index(lower), self.index(upper), self.index(step), carried, regions=[made])
        self.emit(op)
        return op.results

    def forall(
        self, bounds: Sequence[int], body: Callable[..., None], each: str = "", threads: int = 0
    ) -> None:
        """`scf.forall` over 0 <= i < bound; `body(builder, *indices)`. Dimensions of extent 1 have no index of their own.

        On a grid, `each` says who runs an iteration: a thread, all threads of a `warp`, or those of a `block`,
        which has so many."""
        if 0 in bounds:
            return
        live = [d for d, n in enumerate(bounds) if n != 1]
        if not live and each:
            live = [0]
        if not live:
            body(self, *(0 for _ in bounds))
            return

        def region(b: KernelBuilder, *ids: Value) -> None:
            at: dict[int, Index] = dict(zip(live, ids, strict=True))
            body(b, *(at.get(d, 0) for d in range(len(bounds))))
            b.emit(scf.InParallel.create((), (), {}, (Region([Block()]),)))

        counts = [n if isinstance(n, int) else self.index(n) for n in (bounds[d] for d in live)]
        made = scf.Forall.over(counts, self.region([index] * len(live), region))
        if each:
            places = (EnumAttr("gpu", each, f"linear_dim_{i}", dotted=True) for i in range(len(live)))
            made = made.with_attributes(mapping=ArrayAttr(tuple(places)[::-1]))
        if threads:
            made.attributes["irc.threads"] = IntegerAttr(threads, i64)
        self.emit(made)

    def beside(self) -> None:
        """Says of the forall that was emitted last, if it was, that it may run together with the one before it: neither
        reads or writes what the other writes."""
        last = self.operations[-1] if self.operations else None
        if isinstance(last, scf.Forall):
            last.attributes["irc.beside"] = UnitAttr()

    def branch(
        self,
        condition: Value,
        then: Callable[[KernelBuilder], Sequence[Value] | None],
        otherwise: Callable[[KernelBuilder], Sequence[Value] | None] | None = None,
        types: Sequence[Type] = (),
    ) -> tuple[Value, ...]:
        """`scf.if`; both arms give values of `types`."""

        def region(arm: Callable[[KernelBuilder], Sequence[Value] | None]) -> Region:
            return self.region([], lambda b: b.emit(scf.Yield(tuple(arm(b) or ()))))

        regions = [region(then), region(otherwise) if otherwise else Region()]
        op = scf.If(condition, regions=regions, result_types=list(types))
        self.emit(op)
        return op.results

    def load(
        self, buffer: Value, at: Sequence[Index], tile: VectorType | None = None, alignment: int = 0
    ) -> Value:
        """The element at `at`, or the tile of this type from there along the last dimensions, all of it in bounds.

        `alignment`, where not 0: the tile begins at a multiple of so many bytes."""
        places = self.indices(at)
        if alignment and tile is not None:
            return self.emit(vector.Load(buffer, places, alignment=alignment, result_types=[tile]))
        if tile is None:
            return self.emit(memref.Load(buffer, places))
        padding, in_bounds = self.constant(0, tile.element), (True,) * tile.rank
        read = vector.TransferRead(buffer, places, padding, None, in_bounds=in_bounds, result_types=[tile])
        return self.emit(read)

    def store(self, value: Value, buffer: Value, at: Sequence[Index], alignment: int = 0) -> None:
        """Writes an element to `at`, or a tile from there along the last dimensions, all of it in bounds."""
        t, places = value.type, self.indices(at)
        if alignment:
            self.emit(vector.Store(value, buffer, places, alignment=alignment))
        elif isinstance(t, VectorType):
            self.emit(vector.TransferWrite(value, buffer, places, None, in_bounds=(True,) * t.rank))
        else:
            self.emit(memref.Store(value, buffer, places))

    def subview(self, source: Value, offsets: Sequence[Index], sizes: Sequence[Index]) -> Value:
        return self.emit(memref.SubView.at(source, offsets, sizes, value=self.index))

    def cast(self, source: Value, offset: Index, sizes: Sequence[int], strides: Sequence[int]) -> Value:
        """The memory of `source` under another offset, shape and strides."""
        return self.emit(memref.ReinterpretCast.of(source, offset, sizes, strides, self.index))


def kernel(
    name: str,
    arguments: Sequence[MemRefType],
    body: Callable[..., None],
    machine: Machine = HOST,
    *,
    attributes: dict[str, Attribute] | None = None,
    location: Location = UNKNOWN,
    names: Sequence[str] = (),
) -> Func:
    """A private function on buffers; `body(builder, *arguments)` emits its ops, without the return.

    The named sizes that it asks for are its last arguments, called as they are."""
    b = KernelBuilder(location, machine=machine)
    values = [
        Value(t, None, i, names[i] if i < len(names) else "", location) for i, t in enumerate(arguments)
    ]
    # What an argument's type does not say of its extents, the kernel says itself.
    known = [v if v.type.is_fixed else b.cast(v, 0, v.type.shape, v.type.strides) for v in values]
    body(b, *known)
    b.emit(Return(()))
    operations = [*b.constants.values(), *b.operations]
    for number, size in enumerate(b.sizes.values()):
        size.index = len(values) + number
    values += b.sizes.values()
    return Func.of(
        name, Block(values, operations), visibility="private", attributes=attributes, location=location
    )
