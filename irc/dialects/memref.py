"""MLIR's memref dialect: buffers of kernels, with strided layouts, unknown dimensions and memory spaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from irc.dialects.carried import Carried
from irc.ir.fields import (
    ANY,
    BOOL,
    I32,
    I64,
    I64_ARRAY,
    STRING,
    SYMBOL,
    TYPE,
    UNIT,
    Attr,
    Operand,
    Result,
    array_of,
)
from irc.ir.operation import Operation, Value
from irc.ir.types import IndexType, MemRefType, StridedLayout, Type, index

DYNAMIC = -(2**63)
"""MLIR's ShapedType::kDynamic: marks an entry of a static list whose value is an operand."""


def given(value: Value) -> Value:
    """An operand that is a value already."""
    return value


def _split(items: Sequence[Any], value: Callable[[Any], Value]) -> tuple[list[Value], tuple[int, ...]]:
    """The operands and the static list that together say `items`."""
    operands = [value(n) for n in items if not isinstance(n, int)]
    return operands, tuple(n if isinstance(n, int) else DYNAMIC for n in items)


class Load(Operation, name="memref.load"):
    """Reads one element. Pure but for writes around it: passes over kernels must not move it across them."""

    assembly: ClassVar[str] = "$memref `[` $indices `]` attr-dict `:` type($memref)"
    pure: ClassVar[bool] = False
    memref = Operand()
    indices = Operand(variadic=True)
    nontemporal = Attr(BOOL, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check(
            len(self.operands) - 1 == self.memref.type.rank,
            "indices",
            f"indexes {self.memref.type} by {len(self.operands) - 1} indices",
        )
        return [self.memref.type.element]


class Store(Operation, name="memref.store"):
    """Writes one element."""

    assembly: ClassVar[str] = "$value `,` $memref `[` $indices `]` attr-dict `:` type($memref)"
    pure: ClassVar[bool] = False
    value = Operand()
    memref = Operand()
    indices = Operand(variadic=True)
    nontemporal = Attr(BOOL, optional=True)

    def infer(self) -> Sequence[Type]:
        self.check(
            self.value.type is self.memref.type.element,
            "value",
            f"stores {self.value.type} into {self.memref.type}",
        )
        self.check(
            len(self.operands) - 2 == self.memref.type.rank,
            "indices",
            f"indexes {self.memref.type} by {len(self.operands) - 2} indices",
        )
        return []


class ExtractAlignedPointerAsIndex(Operation, name="memref.extract_aligned_pointer_as_index"):
    """The address of a buffer's memory, as a number: its alignment is asked for when the kernel runs."""

    assembly: ClassVar[str] = "$source attr-dict `:` type($source) `->` type($aligned_pointer)"
    source = Operand()
    aligned_pointer = Result()

    def infer(self) -> Sequence[Type]:
        return [index]


class Alloca(Operation, name="memref.alloca"):
    """A buffer on the stack of the enclosing function; small and static. The result type is given."""

    assembly: ClassVar[str] = (
        "`(` $dynamicSizes `)` (`` `[` $symbolOperands^ `]`)? attr-dict `:` type($memref)"
    )
    pure: ClassVar[bool] = False
    dynamicSizes = Operand(variadic=True)
    symbolOperands = Operand(variadic=True)
    alignment = Attr(I64, optional=True)
    memref = Result()


class Alloc(Carried, name="memref.alloc"):
    """A buffer on the heap. The result type is given; kernels have none, their buffers come from the program's arena."""

    assembly: ClassVar[str] = Alloca.assembly
    pure: ClassVar[bool] = False
    dynamicSizes = Operand(variadic=True)
    symbolOperands = Operand(variadic=True)
    alignment = Attr(I64, optional=True)
    memref = Result()


class Dealloc(Carried, name="memref.dealloc"):
    """Gives a buffer of the heap back."""

    assembly: ClassVar[str] = "$memref attr-dict `:` type($memref)"
    pure: ClassVar[bool] = False
    memref = Operand()


class Copy(Carried, name="memref.copy"):
    """Every element of one buffer into another of its shape."""

    assembly: ClassVar[str] = "$source `,` $target attr-dict `:` type($source) `to` type($target)"
    pure: ClassVar[bool] = False
    source = Operand()
    target = Operand()


class View(Operation, name="memref.view"):
    """`memref.view %arena[%offset][] : memref<4096xi8> to memref<16x16xf32>`: bytes seen as a typed buffer."""

    assembly: ClassVar[str] = (
        "$source `[` $byte_shift `]` `` `[` $sizes `]` attr-dict `:` type($source) `to` type($view)"
    )
    source = Operand()
    byte_shift = Operand()
    sizes = Operand(variadic=True)
    view = Result()


class ReinterpretCast(Operation, name="memref.reinterpret_cast"):
    """Another offset, shape and strides over the same memory; strides may overlap. Entries equal to DYNAMIC are operands.

    `ReinterpretCast.of(m, offset, sizes, strides, value)` makes one of any form."""

    assembly: ClassVar[str] = (
        "$source `to` `offset` `` `:` custom<DynamicIndexList>($offsets, $static_offsets) `` `,` `sizes` `` `:` "
        "custom<DynamicIndexList>($sizes, $static_sizes) `` `,` `strides` `` `:` custom<DynamicIndexList>($strides, $static_strides) "
        "attr-dict `:` type($source) `to` type($result)"
    )
    source = Operand()
    offsets = Operand(variadic=True)
    sizes = Operand(variadic=True)
    strides = Operand(variadic=True)
    static_offsets = Attr(I64_ARRAY)
    static_sizes = Attr(I64_ARRAY)
    static_strides = Attr(I64_ARRAY)
    result = Result()

    @staticmethod
    def of(
        source: Value,
        offset: Any,
        sizes: Sequence[int],
        strides: Sequence[int],
        value: Callable[[Any], Value] = given,
        type: MemRefType | None = None,
    ) -> ReinterpretCast:
        """Numbers stand in the op; expressions over named sizes, and an offset that is a value, become operands by `value`.

        The result's type is `type`, or says its strides."""
        t = source.type
        layout = StridedLayout(tuple(strides), offset if isinstance(offset, int) else None)
        made = type or MemRefType(tuple(sizes), t.element, layout, t.space)
        (offsets, static_offsets), (counts, static_sizes), (steps, static_strides) = (
            _split(items, value) for items in ((offset,), sizes, strides)
        )
        return ReinterpretCast(
            source, offsets, counts, steps,
            static_offsets=static_offsets, static_sizes=static_sizes, static_strides=static_strides,
            result_types=[made],
        )  # fmt: skip


class SubView(Operation, name="memref.subview"):
    """`memref.subview %m[%i, 4] [8, 8] [1, 1] : memref<...> to memref<8x8xf32, strided<[784, 1], offset: ?>>`."""

    assembly: ClassVar[str] = (
        "$source `` custom<DynamicIndexList>($offsets, $static_offsets) custom<DynamicIndexList>($sizes, $static_sizes) "
        "custom<DynamicIndexList>($strides, $static_strides) attr-dict `:` type($source) `to` type($result)"
    )
    source = Operand()
    offsets = Operand(variadic=True)
    sizes = Operand(variadic=True)
    strides = Operand(variadic=True)
    static_offsets = Attr(I64_ARRAY)
    static_sizes = Attr(I64_ARRAY)
    static_strides = Attr(I64_ARRAY)
    result = Result()

    @staticmethod
    def at(
        source: Value,
        offsets: Sequence[Any],
        sizes: Sequence[Any],
        steps: Sequence[int] = (),
        value: Callable[[Any], Value] = given,
    ) -> SubView:
        """The rank-preserving subview at `offsets`; what is no number becomes an operand by `value`."""
        t: MemRefType = source.type
        steps = tuple(steps) or (1,) * t.rank
        known = t.offset is not None and all(
            isinstance(o, int) and (isinstance(s, int) or o == 0)
            for o, s in zip(offsets, t.strides, strict=True)
        )
        offset = (
            t.offset + sum(o * s for o, s in zip(offsets, t.strides, strict=True) if o) if known else None
        )
        starts, static_offsets = _split(offsets, value)
        counts, static_sizes = _split(sizes, value)
        shape = tuple(None if isinstance(n, Value) else n for n in sizes)
        strides = tuple(None if s is None else s * k for s, k in zip(t.strides, steps, strict=True))
        return SubView(
            source, starts, counts, (),
            static_offsets=static_offsets, static_sizes=static_sizes, static_strides=steps,
            result_types=[MemRefType(shape, t.element, StridedLayout(strides, offset), t.space)],
        )  # fmt: skip


class Cast(Operation, name="memref.cast"):
    """The same buffer under a type that knows more, or less, of its layout."""

    assembly: ClassVar[str] = "$source attr-dict `:` type($source) `to` type($dest)"
    source = Operand()
    dest = Result()


class CollapseShape(Operation, name="memref.collapse_shape"):
    """Neighbouring dimensions, contiguous in memory, as one: `reassociation` lists them by result dimension."""

    assembly: ClassVar[str] = "$src $reassociation attr-dict `:` type($src) `into` type($result)"
    src = Operand()
    reassociation = Attr(array_of(array_of(I64)))
    result = Result()


class ExpandShape(Operation, name="memref.expand_shape"):
    """One dimension as several: `reassociation` lists them by source dimension."""

    assembly: ClassVar[str] = (
        "$src $reassociation `output_shape` custom<DynamicIndexList>($output_shape, $static_output_shape) "
        "attr-dict `:` type($src) `into` type($result)"
    )
    src = Operand()
    output_shape = Operand(variadic=True)
    reassociation = Attr(array_of(array_of(I64)))
    static_output_shape = Attr(I64_ARRAY)
    result = Result()


class Dim(Operation, name="memref.dim"):
    """The extent of one dimension."""

    assembly: ClassVar[str] = "attr-dict $source `,` $index `:` type($source)"
    source = Operand()
    index = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [IndexType()]


class Prefetch(Operation, name="memref.prefetch"):
    """`memref.prefetch %m[%i], read, locality<3>, data : memref<...>`."""

    assembly: ClassVar[str] = "custom<Prefetch>"
    pure: ClassVar[bool] = False
    memref = Operand()
    indices = Operand(variadic=True)
    isWrite = Attr(BOOL)
    localityHint = Attr(I32)
    isDataCache = Attr(BOOL)


class Global(Operation, name="memref.global"):
    """A named buffer of the module; `constant` with `initial_value` for data that is never written."""

    assembly: ClassVar[str] = "custom<Global>"
    pure: ClassVar[bool] = False
    sym_name = Attr(STRING)
    sym_visibility = Attr(STRING, optional=True)
    memref_type = Attr(TYPE, key="type")
    initial_value = Attr(ANY, optional=True)
    constant = Attr(UNIT, optional=True)
    alignment = Attr(I64, optional=True)


class GetGlobal(Operation, name="memref.get_global"):
    """The buffer of a `memref.global`. The result type is given."""

    assembly: ClassVar[str] = "$name `:` type($result) attr-dict"
    symbol = Attr(SYMBOL, key="name")
    result = Result()
