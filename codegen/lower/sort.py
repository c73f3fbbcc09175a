"""Sort kernels: every row along the sorted dimension, by digits where there is a key, else by a stable merge, bottom up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.codegen.lower.builder import Index, KernelBuilder, kernel
from irc.codegen.lower.combine import apply_region
from irc.codegen.lower.gather import center, nest
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.codegen.lower.sort_radix import LEAST, RadixSort, SortKey, sort_key, spare_rows
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import arith
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.extents import at_most
from irc.ir.locations import span_of
from irc.ir.operation import Value
from irc.ir.types import MemRefType, i1


def lower_sort(func: Func, machine: Machine = HOST) -> KernelGroup:
    """One kernel for `stablehlo.sort`, with more buffers for every operand as scratch."""
    op = center(func, hlo.Sort)
    key = (
        None
        if machine.is_grid or at_most(op.inputs[0].type.static_shape[op.dimension], LEAST - 1)
        else sort_key(op)
    )
    return _merging(func, op, machine) if key is None else _by_digits(func, op, key, machine)


def _by_digits(func: Func, op: Any, key: SortKey, machine: Machine) -> KernelGroup:
    """By the digits of a key."""
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]
    shape = op.inputs[0].type.static_shape
    along = op.dimension % len(shape)
    is_last = along == len(shape) - 1
    elements = [t.element for t in types[len(func.arguments) :] for _ in range(spare_rows(is_last))]
    scratch = tuple(MemRefType((shape[along],), e) for e in elements)

    def body(b: KernelBuilder, *buffers: Value) -> None:
        named = dict(zip(func.arguments, buffers, strict=False))
        outputs = buffers[len(func.arguments) : len(types)]
        counters = RadixSort.counters_for(b, key, shape[along])

        def row(inner: KernelBuilder, at: list[Index]) -> None:
            def place(i: Index) -> list[Index]:
                return [*at[:along], i, *at[along:]]

            inputs = [named[v] for v in op.inputs]
            spare = buffers[len(types) :]
            RadixSort(key, inputs, outputs, spare, counters, shape[along], place, is_last).emit(inner)

        nest(b, [n for i, n in enumerate(shape) if i != along], row)

    made = kernel(func.sym_name, [*types, *scratch], body, machine, location=func.location)
    return KernelGroup((made,), scratch)


def _merging(func: Func, op: Any, machine: Machine) -> KernelGroup:
    """By merging runs."""
    types = [buffer_type(v.type) for v in (*func.arguments, *func.returned)]
    scratch = tuple(buffer_type(v.type) for v in op.results)
    shape = op.inputs[0].type.static_shape
    along = op.dimension % len(shape)
    rows = [n for i, n in enumerate(shape) if i != along]
    if not isinstance(shape[along], int):
        raise UnsupportedError(
            f"'{op.name}' of {shape[along]} elements by a comparator that is no key is not supported",
            span=span_of(op.location),
        )
    passes = max(0, shape[along] - 1).bit_length()

    def body(b: KernelBuilder, *buffers: Value) -> None:
        named = dict(zip(func.arguments, buffers, strict=False))
        inputs = [named[v] for v in op.inputs]
        outputs = list(buffers[len(func.arguments) : len(func.arguments) + len(op.results)])
        spare = list(buffers[len(func.arguments) + len(op.results) :])
        # Passes go to and fro; the last one must end in the outputs.
        here, there = (outputs, spare) if passes % 2 == 0 else (spare, outputs)

        def row(inner: KernelBuilder, at: list[Index]) -> None:
            def place(i: Index) -> list[Index]:
                return [*at[:along], i, *at[along:]]

            def copy(deeper: KernelBuilder, i: Index) -> None:
                for source, target in zip(inputs, here, strict=True):
                    deeper.store(deeper.load(source, place(i)), target, place(i))

            inner.loop(0, shape[along], 1, copy)
            source, target = here, there
            for k in range(passes):
                _merge_pass(inner, op, source, target, place, shape[along], 1 << k)
                source, target = target, source

        if b.machine.is_grid:
            b.forall(rows, lambda inner, *at: row(inner, list(at)))
        else:
            nest(b, rows, row)

    made = kernel(func.sym_name, [*types, *scratch], body, machine, location=func.location)
    return KernelGroup((made,), scratch)


def _merge_pass(
    b: KernelBuilder, op: Any, source: list[Value], target: list[Value], place: Any, n: int, width: int
) -> None:
    """Merges neighbouring runs of `width` elements. An element of the right run goes first only if it is less."""

    def pair(inner: KernelBuilder, start: Index) -> None:
        middle = inner.min(inner.add(start, width), n)
        stop = inner.min(inner.add(start, 2 * width), n)

        def step(deeper: KernelBuilder, k: Index, left: Value, right: Value) -> Sequence[Value]:
            lefts = [deeper.load(s, place(deeper.min(left, n - 1))) for s in source]
            rights = [deeper.load(s, place(deeper.min(right, n - 1))) for s in source]
            sides = [v for both in zip(rights, lefts, strict=True) for v in both]
            (less,) = apply_region(deeper, op.comparator, sides)
            over = deeper.compare("sge", right, stop)
            stay = deeper.emit(arith.OrI(over, deeper.emit(arith.XOrI(less, deeper.constant(True, i1)))))
            take = deeper.emit(arith.AndI(deeper.compare("slt", left, middle), stay))
            for x, y, out in zip(lefts, rights, target, strict=True):
                deeper.store(deeper.emit(arith.Select(take, x, y)), out, place(k))
            one, zero = deeper.index(1), deeper.index(0)
            went = deeper.emit(arith.Select(take, one, zero))
            return [
                deeper.index(deeper.add(left, went)),
                deeper.index(deeper.sub(deeper.add(right, one), went)),
            ]

        inner.loop(start, stop, 1, step, inner.index(start), inner.index(middle))

    b.loop(0, n, 2 * width, pair)
