"""Views: a buffer seen along the axes of a computation, with any strides, and the tiles read from and written to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.codegen.lower.builder import Index, KernelBuilder
from irc.codegen.lower.elementwise import convert
from irc.dialects import arith, memref, vector
from irc.ir.affine import AffineConstant, AffineDim, AffineMapAttr
from irc.ir.extents import typical
from irc.ir.operation import Value
from irc.ir.types import FloatType, VectorType, i32, i64

TileDim = tuple[int | None, int]
"""A dimension of a tile: the axis it lies along (None: nothing varies along it), and its extent."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where element (i0, i1, ...) of an index space lies in a buffer: offset + sum of index times stride.

    A stride is 0 where the buffer does not depend on the axis. The offset is a number; inside a kernel, any index."""

    offset: Any
    strides: tuple[int, ...]

    def collapsed(self, keep: Sequence[int]) -> Access:
        """The access on the axes `keep` only, in that order."""
        return Access(self.offset, tuple(self.strides[a] for a in keep))


@dataclass(frozen=True, slots=True)
class View:
    """`memref`, whose dimensions are the axes `axes` of an index space."""

    memref: Value
    axes: tuple[int, ...]

    @staticmethod
    def of(b: KernelBuilder, buffer: Value, access: Access, extents: Sequence[int]) -> View:
        """The whole buffer along the axes it depends on, the longest stride first."""
        axes = tuple(a for a, s in enumerate(access.strides) if s != 0 and extents[a] != 1)
        axes = tuple(sorted(axes, key=lambda a: -abs(typical(access.strides[a]))))
        sizes, strides = [extents[a] for a in axes], [access.strides[a] for a in axes]
        return View(b.cast(buffer, access.offset, sizes, strides), axes)

    def at(self, b: KernelBuilder, start: Mapping[int, Index], sizes: Mapping[int, Index]) -> View:
        """The part that begins at `start` (0 where not named) and has extent `sizes` (1 if started, else all)."""
        shape = self.memref.type.shape
        offsets = [start.get(a, 0) for a in self.axes]
        extents = [sizes.get(a, 1 if a in start else n) for a, n in zip(self.axes, shape, strict=True)]
        if not self.axes or (all(o == 0 for o in offsets) and tuple(extents) == shape):
            return self
        return View(b.subview(self.memref, offsets, extents), self.axes)

    def read(
        self,
        b: KernelBuilder,
        start: Mapping[int, Index],
        tile: Sequence[TileDim],
        ragged: Collection[int] = (),
    ) -> Value:
        """The tile at `start` (0 where not named). Dimensions along axes that the view lacks repeat.

        Along the axes `ragged` the tile may reach past the view's end; what lies there reads as 0."""
        element = self.memref.type.element
        type = VectorType(tuple(n for _, n in tile), element)
        dims = [(a, n) if a in self.axes else (None, 1) for a, n in tile]
        while dims and dims[0][0] is None:
            dims.pop(0)
        if not dims:
            value = b.emit(memref.Load(self.memref, self._indices(b, start)))
        else:
            padding = b.constant(0.0 if isinstance(element, FloatType) else 0, element)
            shape = VectorType(tuple(n for _, n in dims), element)
            indices, place = self._indices(b, start), self._place(dims, ragged)
            read = vector.TransferRead(self.memref, indices, padding, None, **place, result_types=[shape])
            value = b.emit(read)
        return value if value.type is type else b.emit(vector.Broadcast(value, result_types=[type]))

    def write(
        self,
        b: KernelBuilder,
        value: Value,
        start: Mapping[int, Index],
        tile: Sequence[TileDim],
        ragged: Collection[int] = (),
    ) -> None:
        """Writes the tile at `start`, but for what reaches past the view's end along the axes `ragged`.

        Tile dimensions that lie along no axis of the view have extent 1."""
        kept = [(a, n) for a, n in tile if a in self.axes]
        if not kept:
            scalar = b.emit(vector.Extract(value, (), static_position=(0,) * len(tile)))
            b.emit(memref.Store(scalar, self.memref, self._indices(b, start)))
            return
        shape = tuple(n for _, n in kept)
        if shape != value.type.shape:
            value = b.emit(vector.ShapeCast(value, result_types=[VectorType(shape, value.type.element)]))
        place = self._place(kept, ragged)
        b.emit(vector.TransferWrite(value, self.memref, self._indices(b, start), None, **place))

    def fetch(
        self, b: KernelBuilder, at: Mapping[int, Index], near: bool = False, writes: bool = False
    ) -> None:
        """Asks for the line of an element, to be read or written: into the first-level cache, or the second-level one."""
        indices, level = self._indices(b, at), 3 if near else 2
        b.emit(memref.Prefetch(self.memref, indices, isWrite=writes, localityHint=level, isDataCache=True))

    def _indices(self, b: KernelBuilder, start: Mapping[int, Index]) -> list[Value]:
        return b.indices([start.get(a, 0) for a in self.axes])

    def _place(self, tile: Sequence[TileDim], ragged: Collection[int]) -> dict[str, Any]:
        """The attributes that place the tile; no map where it lies along the view's last axes."""
        along = [a for a, _ in tile]
        in_bounds = tuple(a not in ragged for a in along)
        if along == list(self.axes[len(self.axes) - len(along) :]):
            return {"in_bounds": in_bounds}
        position = {a: i for i, a in enumerate(self.axes)}
        results = tuple(AffineConstant(0) if a is None else AffineDim(position[a]) for a in along)
        return {"in_bounds": in_bounds, "permutation_map": AffineMapAttr(len(self.axes), 0, results)}


@dataclass(frozen=True, slots=True)
class PackedView(View):
    """A buffer of narrow elements read in packs of 32 bits: `many` neighbours along the axis `along` are one i32, and indices
    along it count packs."""

    along: int
    many: int

    @staticmethod
    def along_depth(
        b: KernelBuilder, buffer: Value, access: Access, extents: Sequence[int], along: int, many: int
    ) -> PackedView:
        """The whole buffer; `access` is in packs, and packs lie side by side along `along`."""
        strides = tuple(s if a == along else s * many for a, s in enumerate(access.strides))
        sizes = [n * many if a == along else n for a, n in enumerate(extents)]
        plain = View.of(b, buffer, Access(access.offset * many, strides), sizes)
        return PackedView(plain.memref, plain.axes, along, many)

    def _elements(self, counts: Mapping[int, Index], b: KernelBuilder) -> dict[int, Index]:
        return {a: b.mul(i, self.many) if a == self.along else i for a, i in counts.items()}

    def at(self, b: KernelBuilder, start: Mapping[int, Index], sizes: Mapping[int, Index]) -> PackedView:
        extents = dict.fromkeys(start, 1) | dict(sizes)
        part = View.at(self, b, self._elements(start, b), self._elements(extents, b))
        return PackedView(part.memref, part.axes, self.along, self.many)

    def read(
        self,
        b: KernelBuilder,
        start: Mapping[int, Index],
        tile: Sequence[TileDim],
        ragged: Collection[int] = (),
    ) -> Value:
        """The tile of packs. They are read with `along` innermost, and turned where the tile has it elsewhere."""
        order = [d for d, (a, _) in enumerate(tile) if a != self.along]
        place = [d for d, (a, _) in enumerate(tile) if a == self.along]
        packs = tile[place[0]][1] if place else 1
        dims = (*(tile[d] for d in order), (self.along, packs * self.many))
        raw = View.read(self, b, self._elements(start, b), dims, ragged)
        shape = (*(n for _, n in dims[:-1]), packs)
        value = b.emit(vector.BitCast(raw, result_types=[VectorType(shape, i32)]))
        if not place:
            return b.emit(vector.ShapeCast(value, result_types=[VectorType(shape[:-1], i32)]))
        order += place
        if order == sorted(order):
            return value
        return b.emit(vector.Transpose(value, permutation=tuple(order.index(d) for d in range(len(order)))))


@dataclass(frozen=True, slots=True)
class Counter:
    """What a view of an iota would read: at each position, the sum of index times stride, as `element`."""

    access: Access
    element: Any

    def read(
        self,
        b: KernelBuilder,
        start: Mapping[int, Index],
        tile: Sequence[TileDim],
        ragged: Collection[int] = (),
    ) -> Value:
        """The tile at `start`; there is no end to reach past."""
        strides = self.access.strides
        base: Index = self.access.offset
        for placed, i in start.items():
            if placed < len(strides):
                base = b.add(base, b.mul(i, strides[placed]))
        shape = tuple(n for _, n in tile)
        steps = np.zeros(shape, np.int64)
        for d, (axis, n) in enumerate(tile):
            if axis is not None and axis < len(strides):
                steps += (np.arange(n) * strides[axis]).reshape(
                    [-1 if i == d else 1 for i in range(len(shape))]
                )
        counted = b.constant(steps, VectorType(shape, i64))
        if base != 0:
            number = b.emit(arith.IndexCast(b.index(base), result_types=[i64]))
            everywhere = b.emit(vector.Broadcast(number, result_types=[counted.type]))
            counted = b.emit(arith.AddI(counted, everywhere))
        return convert(b, counted, i64, self.element)
