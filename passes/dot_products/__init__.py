"""Products of bf16 numbers and of bytes by the processor's dot-product instructions, in packs of 32 bits along depth.

Given   `dot_general %x, %w : (bf16, bf16) -> f32`, `(i8, i8) -> i32`, or a convolution of them
Result  `composite "irc.dot_general_bf16" %x, %packs {decomposition = @dot_general_bf16_...}`, where %packs holds
        (%w[2k, n], %w[2k + 1, n]) as one i32. An operand that is contiguous along depth is taken as it lies.

Sums of bytes are exact, so no bit changes: signed bytes become unsigned by adding 128, which a sum over the other side
takes away again. Sums of bf16 products have the bits that vdpbf16ps gives (`definition`): the same multiply-adds in f32, of
each two the later one first, with numbers too small to be normal as zeros. Written only for processors that have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo.linalg import free_dimensions
from irc.ir.attributes import DictionaryAttr, StringAttr
from irc.ir.builder import Builder
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import bf16, f32, i8, i32, ui8, ui16
from irc.passes import expression as E
from irc.passes.constants import constant, constant_array
from irc.passes.dot_products.definition import IN_ORDER, Packs, contracted, decomposition, packs_of
from irc.passes.expression import Expr, Scope
from irc.passes.layout.convolution import is_plain, is_static
from irc.passes.manager import Context, Pass, map_functions
from irc.passes.marks import TARGET

NEEDS = {"bf16": "+avx512bf16", "u8s8": "+avx512vnni"}
"""The processor's feature for packs of a kind."""
BITS = {8: ui8, 16: ui16}
"""What holds the bits of an element."""
LEAST_FLOPS = 1 << 18
LEAST_LANES = 16
LEAST_DEPTH = 16
LEAST_REUSE = 32
"""Rows (or columns) against which an operand that has to be packed in every call pays for it."""


@dataclass(frozen=True)
class DotProducts(Pass, name="dot_products"):
    """Given  `dot_general : (bf16, bf16) -> f32`.  Result  `composite "irc.dot_general_bf16"`, on processors that have it."""

    def apply(self, module: Module, context: Context) -> Module:
        features = _features(module)
        kinds = [k for k, feature in NEEDS.items() if feature in features]
        if IN_ORDER in module.attributes:
            kinds = [k for k in kinds if k != "bf16"]
        if not kinds:
            return module
        made: dict[str, Func] = {}
        rules = _rules(module, kinds, made)

        def change(func: Func) -> Func:
            block = Rewriter(rules, context.rewrites).block_of(func.block)
            return func if block is func.block else func.with_block(block)

        changed = map_functions(module, change)
        return changed.with_operations([*changed.operations, *made.values()]) if made else changed


def _features(module: Module) -> Sequence[str]:
    target = module.attributes.get(TARGET)
    if not isinstance(target, DictionaryAttr):
        return ()
    features = dict(target.value)["features"]
    return features.value.split(",") if isinstance(features, StringAttr) else ()


def _rules(module: Module, kinds: Sequence[str], made: dict[str, Func]) -> RewriteSet:
    """The rewrite; functions that it needs are collected in `made`."""
    rules = RewriteSet()

    @rules.rewrite("a sum of products = sums of packs, by an instruction", hlo.DotGeneral, hlo.Convolution)
    def packed(op: Any, b: Rewriter) -> Value | None:
        kind = _kind(op)
        if kind is None or kind not in kinds or not _applies(op) or not _pays(op):
            return None
        return _product(op, kind, b, module, made)

    return rules


def _kind(op: Any) -> str | None:
    lhs, rhs, result = (v.type.element for v in (op.lhs, op.rhs, op.result))
    if lhs is not rhs:
        return None
    if lhs is bf16 and result in (bf16, f32):
        return "bf16"
    # What unsigned bytes as signed ones lack differs from window to window.
    bytes_ = (i8,) if isinstance(op, hlo.Convolution) else (i8, ui8)
    return "u8s8" if lhs in bytes_ and result is i32 else None


def _applies(op: Any) -> bool:
    """Whether the op is a sum over packs: depth's last dimension cut into whole ones, nothing padded or reversed."""
    if not all(v.type.is_static for v in (op.lhs, op.rhs, op.result)) or _is_precise(op):
        return False
    if isinstance(op, hlo.Convolution):
        one = op.feature_group_count == op.batch_group_count == 1
        if not one or not is_static(op) or not is_plain(op) or any(op.window.reversal):
            return False
    elif op.algorithm is not None or not op.dot_dimension_numbers.lhs_contracting_dimensions:
        return False
    along = contracted(op)
    many, extent = packs_of(op.lhs.type.element), op.lhs.type.static_shape[along[0]]
    return bool(extent % many == 0 and extent > many)


def _is_precise(op: Any) -> bool:
    return any(p != "DEFAULT" for p in op.precision_config or ()) and op.lhs.type.element is bf16


def _extents(op: Any) -> tuple[int, int, int, int]:
    """(matrices, rows, columns, depth)."""
    x, w, out = (v.type.static_shape for v in (op.lhs, op.rhs, op.result))
    if isinstance(op, hlo.Convolution):
        d = op.dimension_numbers
        columns = w[d.kernel_output_feature_dimension]
        return 1, prod(out) // max(columns, 1), columns, prod(w) // max(columns, 1)
    d = op.dot_dimension_numbers
    left, right = free_dimensions(len(x), len(w), d)
    matrices = prod(x[i] for i in d.lhs_batching_dimensions)
    depth = prod(x[i] for i in d.lhs_contracting_dimensions)
    return matrices, prod(x[i] for i in left), prod(w[i] for i in right), depth


def _pays(op: Any) -> bool:
    matrices, rows, columns, depth = _extents(op)
    if 2 * matrices * rows * columns * depth < LEAST_FLOPS or depth < LEAST_DEPTH:
        return False
    if op.result.type.static_shape[-1] < LEAST_LANES or rows * columns < LEAST_LANES:
        return False
    for side, axis, reuse in zip((op.lhs, op.rhs), contracted(op), (columns, rows), strict=True):
        packed = axis == side.type.rank - 1 or constant_array(side) is not None
        if not packed and reuse < LEAST_REUSE:
            return False
    return True


def _product(op: Any, kind: str, b: Rewriter, module: Module, made: dict[str, Func]) -> Value | None:
    """The composite on packed operands; of bytes, less what making them unsigned has added."""
    scope, along = Scope(b), contracted(op)
    sides = [scope.of(v) for v in (op.lhs, op.rhs)]
    flipped = None
    if kind == "u8s8":
        # One side is to be unsigned and the other signed: signed sides flip the left one, unsigned ones the right one.
        flipped = int(op.lhs.type.element is ui8)
        sides[flipped] = _known(b, sides[flipped], lambda x: _turned(x, flipped))
    operands = [
        _known(b, x, lambda x, axis=axis: _packed(x, axis)) for x, axis in zip(sides, along, strict=True)
    ]
    packs = Packs(kind, op)
    name = packs.name([v.type for v in operands])
    if name in module.symbols:
        return None
    if name not in made:
        made[name] = decomposition(name, packs, [v.type for v in operands])
    call = hlo.Composite(
        [v.value for v in operands],
        name=f"irc.{packs.title}",
        decomposition=name,
        composite_attributes=packs.attributes,
        result_types=[op.result.type],
        location=op.location,
    )
    result: Expr = scope.emit(call)
    if flipped is None:
        return result.value
    other = scope.of((op.rhs, op.lhs)[flipped])
    excess = _known(b, other, lambda x: _excess(x, op, 1 - flipped))
    spread = E.broadcast(excess, result.shape, _kept(op, 1 - flipped)[1])
    return (result - spread if flipped == 0 else result + spread).value


def _known(b: Builder, x: Expr, change: Any) -> Expr:
    """`change(x)`, computed now where `x` is a constant."""
    array = constant_array(x.value)
    if array is None:
        made: Expr = change(x)
        return made
    aside = Builder(b.location)
    result = change(Scope(aside).of(x.value))
    known: dict[Value, Any] = {x.value: array}
    operations: list[Operation] = aside.operations
    for operation in operations:
        known[operation.results[0]] = (
            constant_array(operation.results[0])
            if isinstance(operation, hlo.Constant)
            else _evaluated(operation, [known[v] for v in operation.operands])
        )
    return x.scope.of(constant(b, result.type, known[result.value]))


def _evaluated(op: Any, arrays: Sequence[Any]) -> Any:
    if isinstance(op, hlo.Reduce):
        return arrays[0].sum(axis=tuple(op.dimensions), dtype=arrays[0].dtype)
    return op.evaluate(*arrays)


def _turned(x: Expr, side: int) -> Expr:
    """Signed bytes plus 128 as unsigned ones, or unsigned ones less 128 as signed ones: the highest bit is turned."""
    other = (ui8, i8)[side]
    bits = x.scope.emit(hlo.BitcastConvert(x.value, result_types=[x.type.with_element(other)]))
    top = x.scope.constant(128 if other is ui8 else -128, bits.type)
    return x.scope.emit(hlo.Xor(bits.value, top.value))


def _packed(x: Expr, axis: int) -> Expr:
    """Packs along `axis`; an operand whose last dimension it is is taken as it lies."""
    if axis == x.rank - 1:
        return x
    many = packs_of(x.element)
    shape = (*x.shape[:axis], x.shape[axis] // many, many, *x.shape[axis + 1 :])
    apart = E.reshape(x, shape)
    wide: Expr | None = None
    for i in range(many):
        part = _one(apart, axis + 1, i)
        shifted = _wide(part, i * 32 // many)
        wide = shifted if wide is None else wide | shifted
    assert wide is not None
    return wide


def _one(x: Expr, axis: int, i: int) -> Expr:
    """Element i along an axis, which goes."""
    low = [i if d == axis else 0 for d in range(x.rank)]
    high = [i + 1 if d == axis else n for d, n in enumerate(x.shape)]
    kept = [n for d, n in enumerate(x.shape) if d != axis]
    return E.reshape(E.slice(x, low, high), kept)


def _wide(x: Expr, shift: int) -> Expr:
    """An element's bits in an i32, from bit `shift` on."""
    same = x.type.with_element(BITS[x.element.width])
    bits = x.scope.emit(hlo.BitcastConvert(x.value, result_types=[same]))
    wide = E.convert(bits, i32)
    if shift == 0:
        return wide
    amount = x.scope.constant(shift, wide.type)
    return x.scope.emit(hlo.ShiftLeft(wide.value, amount.value))


def _kept(op: Any, side: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The dimensions of a side that are summed over, and the result's dimensions that the others are."""
    operand = (op.lhs, op.rhs)[side]
    if isinstance(op, hlo.Convolution):
        d = op.dimension_numbers
        summed = [i for i in range(operand.type.rank) if i != d.kernel_output_feature_dimension]
        return tuple(summed), (d.output_feature_dimension,)
    d = op.dot_dimension_numbers
    batching = (d.lhs_batching_dimensions, d.rhs_batching_dimensions)[side]
    summed = (d.lhs_contracting_dimensions, d.rhs_contracting_dimensions)[side]
    frees = free_dimensions(op.lhs.type.rank, op.rhs.type.rank, d)
    start = len(batching) + (len(frees[0]) if side else 0)
    place = {dim: i for i, dim in enumerate(batching)}
    place |= {dim: start + i for i, dim in enumerate(frees[side])}
    return tuple(summed), tuple(place[i] for i in range(operand.type.rank) if i not in summed)


def _excess(x: Expr, op: Any, side: int) -> Expr:
    """128 times the sums of a side over depth."""
    return E.reduce_sum(E.convert(x, i32), _kept(op, side)[0]) * 128
