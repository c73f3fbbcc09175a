"""Convolutions of 3x3 windows by Winograd's minimal filtering, F(2x2, 3x3): 16 products for 4 results in place of 36.

Given   `convolution(%x, %w)`, 3x3, NHWC, every stride 1
Result  `%u = ...` (the windows transformed, by ops), `composite "irc.winograd" %x, %u {decomposition = @winograd_...}`

The result's bits differ from the convolution's: sums are shorter, and on random numbers nearer to the exact ones. They are
what the decomposition says, an ordinary function, whoever runs it. Source: Lavin and Gray, Fast Algorithms for
Convolutional Neural Networks, 2016."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.ir.attributes import ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import TensorType, f32, i64
from irc.passes.constants import constant, constant_array, is_number
from irc.passes.expression import Expr, Scope
from irc.passes.extents.chosen import LEAST_CHANNELS
from irc.passes.layout.convolution import is_plain, is_static, orders_of
from irc.passes.manager import Context, Pass, map_functions
from irc.passes.marks import KIND, is_for_gpu

WINOGRAD = "irc.winograd"
"""The composite's name."""
PADDING = "padding"
"""The composite's attribute: rows and columns of zeros before the input."""
LEAST_POSITIONS = 128
"""Results of one channel that pay for transforming the windows in every call (and for more where that is done once)."""
LEAST_ODD = 512
"""The same where results fill no whole tiles of 2x2, unless the windows are constants."""


@dataclass(frozen=True)
class Winograd(Pass, name="winograd"):
    """Given  `convolution` 3x3, of at least 32 channels and features.  Result  `composite "irc.winograd"`.

    Programs for a GPU stay as they are: its kernels have no such tiles."""

    def apply(self, module: Module, context: Context) -> Module:
        if is_for_gpu(module):
            return module
        made: dict[str, Func] = {}
        rules = _rules(module, made)

        def change(func: Func) -> Func:
            block = Rewriter(rules, context.rewrites).block_of(func.block)
            return func if block is func.block else func.with_block(block)

        changed = map_functions(module, change)
        return changed.with_operations([*changed.operations, *made.values()]) if made else changed


def _rules(module: Module, made: dict[str, Func]) -> RewriteSet:
    """The rewrite; functions that it needs are collected in `made`."""
    rules = RewriteSet()

    @rules.rewrite("a convolution of 3x3 windows = Winograd's F(2x2, 3x3)", hlo.Convolution)
    def winograd(op: hlo.Convolution, b: Rewriter) -> Value | None:
        if not _applies(op):
            return None
        x, low = _unpadded(op.lhs)
        u = _transformed(b, op.rhs)
        # One function for each shape and padding; its name says which.
        shapes = *x.type.static_shape, *op.result.type.static_shape[1:]
        name = f"winograd_{'x'.join(map(str, shapes))}_{low[0]}_{low[1]}"
        if name in module.symbols:
            return None
        if name not in made:
            made[name] = _decomposition(name, x.type, u.type, op.result.type, low)
        padding = ArrayAttr(tuple(IntegerAttr(n, i64) for n in low))
        call = hlo.Composite(
            [x, u],
            name=WINOGRAD,
            decomposition=name,
            composite_attributes=DictionaryAttr(((PADDING, padding),)),
            result_types=[op.result.type],
            location=op.location,
        )
        return b.emit(call)

    return rules


def _applies(op: hlo.Convolution) -> bool:
    if not is_static(op) or not all(v.type.is_static for v in (op.lhs, op.rhs, op.result)):
        return False
    if not is_plain(op) or any(v.type.element is not f32 for v in (op.lhs, op.rhs, op.result)):
        return False
    d, w = op.dimension_numbers, op.window
    shape, out = op.rhs.type.static_shape, op.result.type.static_shape
    nhwc = (d.input_batch_dimension, d.kernel_input_feature_dimension, d.output_batch_dimension) == (0, 2, 0)
    if len(out) != 4 or not nhwc or shape[:2] != (3, 3) or orders_of(op).result != (0, 1, 2, 3):
        return False
    if op.feature_group_count != 1 or op.batch_group_count != 1 or {*w.strides, *w.rhs_dilation} != {1}:
        return False
    if min(shape[2:]) < LEAST_CHANNELS or shape[2] % 16 or shape[3] % 16:
        return False
    is_odd = (out[1] % 2 or out[2] % 2) and constant_array(op.rhs) is None
    return out[0] * out[1] * out[2] >= (LEAST_ODD if is_odd else LEAST_POSITIONS)


def lanes_of(features: int) -> int:
    """Features that lie together in the transformed windows: a panel of the products' right sides."""
    return next(n for n in (64, 48, 32, 16) if features % n == 0)


def _unpadded(x: Value) -> tuple[Value, tuple[int, int]]:
    """What is padded with zeros, and by how many rows and columns before it."""
    pad = x.op
    if isinstance(pad, hlo.Pad) and is_number(pad.padding_value, 0.0) and not any(pad.interior_padding):
        (n, *low, c), high = pad.edge_padding_low, pad.edge_padding_high
        if min(*low, *high) >= 0 and not any((n, c, high[0], high[3])):
            return pad.operand, (low[0], low[1])
    return x, (0, 0)


def _transformed(b: Builder, w: Value) -> Value:
    """G w G': the windows [3, 3, C, K] as [panel, 16, C, lane], computed now where they are a constant."""
    array = constant_array(w)
    if array is None:
        return _windows(Scope(b).of(w)).value
    aside = Builder(b.location)
    result = _windows(Scope(aside).of(w)).value
    known: dict[Value, Any] = {w: array}
    operations: list[Any] = aside.operations
    for op in operations:
        if isinstance(op, hlo.Constant):
            known[op.result] = constant_array(op.result)
        else:
            known[op.results[0]] = op.evaluate(*(known[v] for v in op.operands))
    return constant(b, result.type, known[result])


def _windows(w: Expr) -> Expr:
    c, k = w.shape[2:]
    lanes = lanes_of(k)
    panels = _reshape(w, (3, 3, c, k // lanes, lanes))
    u = w.scope.emit(hlo.Transpose(panels.value, permutation=(3, 0, 1, 2, 4)))
    for d in (1, 2):
        first, middle, last = (_slice(u, d, i, i + 1) for i in range(3))
        ends = first + last
        u = _concatenate([first, (ends + middle) * 0.5, (ends - middle) * 0.5, last], d)
    return _reshape(u, (k // lanes, 16, c, lanes))


def _decomposition(name: str, x: TensorType, u: TensorType, result: TensorType, low: tuple[int, int]) -> Func:
    """What the composite computes, in ops: tiles of 4x4 of the padded input transformed, products, 2x2 results.

    Zeros after the input are as many as whole tiles of results ask for."""
    b = Builder()
    arguments = [Value(x, None, 0, "x"), Value(u, None, 1, "u")]
    scope = Scope(b)
    tensor, windows = (scope.of(v) for v in arguments)
    rows = _plane(_padded(tensor, low, result.static_shape))
    columns = [[_input_tile([rows[i][j] for i in range(4)])[a] for j in range(4)] for a in range(4)]
    tiles = [t for line in columns for t in _input_tile(line)]
    products = [_product(t, windows, i) for i, t in enumerate(tiles)]
    sums = [[_output_tile([products[4 * i + j] for i in range(4)])[a] for j in range(4)] for a in range(2)]
    found = _interleave([_output_tile(line) for line in sums], result.static_shape)
    b.emit(Return([found.value]))
    block = Block(arguments, b.operations)
    return Func.of(name, block, visibility="private", attributes={KIND: StringAttr("winograd")})


def _padded(x: Expr, low: tuple[int, int], shape: tuple[int, ...]) -> Expr:
    high = [2 * (-(-shape[d] // 2)) + 2 - low[d - 1] - x.shape[d] for d in (1, 2)]
    zero = x.scope.constant(0.0, TensorType((), f32))
    return x.scope.emit(
        hlo.Pad(
            x.value,
            zero.value,
            edge_padding_low=(0, *low, 0),
            edge_padding_high=(0, *high, 0),
            interior_padding=(0, 0, 0, 0),
        )
    )


def _plane(x: Expr) -> list[list[Expr]]:
    """Element (i, j) of every 4x4 tile; tiles begin at every other row and column."""
    n, h, w, c = x.shape
    return [
        [
            x.scope.emit(
                hlo.Slice(
                    x.value,
                    start_indices=(0, i, j, 0),
                    limit_indices=(n, h - 3 + i, w - 3 + j, c),
                    strides=(1, 2, 2, 1),
                )
            )
            for j in range(4)
        ]
        for i in range(4)
    ]


def _input_tile(d: Sequence[Expr]) -> list[Expr]:
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _output_tile(m: Sequence[Expr]) -> list[Expr]:
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


def _product(tile: Expr, windows: Expr, i: int) -> Expr:
    """Transformed tiles times transformed windows, summed over channels in order."""
    panels, _, c, lanes = windows.shape
    u = _reshape(_slice(windows, 1, i, i + 1), (panels, c, lanes))
    n, h, w, _ = tile.shape
    numbers = hlo.DotDimensionNumbers(
        lhs_batching_dimensions=(),
        rhs_batching_dimensions=(),
        lhs_contracting_dimensions=(3,),
        rhs_contracting_dimensions=(1,),
    )
    made = TensorType((n, h, w, panels, lanes), f32)
    product = hlo.DotGeneral(tile.value, u.value, dot_dimension_numbers=numbers, result_types=[made])
    return _reshape(tile.scope.emit(product), (n, h, w, panels * lanes))


def _interleave(parts: Sequence[Sequence[Expr]], shape: tuple[int, ...]) -> Expr:
    """The results at (2i + a, 2j + b) from those of every (a, b), without what lies past the end."""
    n, h, w, k = parts[0][0].shape
    lines = [_concatenate([_reshape(p, (n, h, 1, w, 1, k)) for p in line], 4) for line in parts]
    whole = _reshape(_concatenate(lines, 2), (n, 2 * h, 2 * w, k))
    return _slice(_slice(whole, 1, 0, shape[1]), 2, 0, shape[2])


def _reshape(x: Expr, shape: tuple[int, ...]) -> Expr:
    return x.scope.emit(hlo.Reshape(x.value, result_types=[TensorType(shape, x.element)]))


def _slice(x: Expr, dim: int, start: int, stop: int) -> Expr:
    """Elements start..stop-1 along one dimension."""
    if (start, stop) == (0, x.shape[dim]):
        return x
    low = [start if d == dim else 0 for d in range(x.rank)]
    high = [stop if d == dim else n for d, n in enumerate(x.shape)]
    return x.scope.emit(hlo.Slice(x.value, start_indices=low, limit_indices=high, strides=[1] * x.rank))


def _concatenate(parts: Sequence[Expr], dim: int) -> Expr:
    return parts[0].scope.emit(hlo.Concatenate([p.value for p in parts], dimension=dim))


def is_winograd(op: Operation) -> bool:
    """Whether an op is this pass's composite."""
    return isinstance(op, hlo.Composite) and op.op_name == WINOGRAD
