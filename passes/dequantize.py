"""Quantized numbers as the integers they are stored as: no value is quantized afterwards.

Given   func @main(%x: tensor<2x!quant.uniform<i8:f32, 0.5>>) { %0 = add %x, %x : ... !quant.uniform<i8:f32, 2.0> }
Result  %a = (convert %x) * 0.5; %b = %a + %a; %0 = convert (round (clamp -128 (%b / 2.0) 127)) : i8

Ops that compute do so on floats (StableHLO specification: `dequantize_op_quantize`); ops that move elements move integers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.quantization import computes_quantized, quantized_element
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.quantized import QuantizedType
from irc.ir.rewriting import Rewriter
from irc.ir.types import TensorType, i32, i64
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope
from irc.passes.manager import Context, FunctionPass


@dataclass(frozen=True)
class Dequantize(FunctionPass, name="dequantize"):
    """Given  `uniform_dequantize %q`.  Result  the integers of `%q`, less their zero point, times their scale."""

    def function(self, func: Func, module: Module, context: Context) -> Func:
        values = (v for op in func.walk() for v in (*op.operands, *op.results))
        if not _any_quantized(values) and not _any_quantized(func.arguments):
            return func
        return func.with_block(_Walk().block(func.block))


def _any_quantized(values: Iterable[Value]) -> bool:
    return any(quantized_element(v.type) is not None for v in values)


def _with_element(type: Any, what: str) -> Any:
    """A quantized tensor's type with its storage or expressed type as element; any other as it is."""
    element = quantized_element(type)
    return type if element is None else TensorType(type.shape, getattr(element, what))


class _Walk(Rewriter):
    """Replays a function; values that were quantized are mapped to the integers stored."""

    def block(self, block: Block) -> Block:
        inner = self.nested()
        arguments = []
        for old in block.arguments:
            new = Value(_with_element(old.type, "storage"), None, old.index, old.name, old.location)
            inner.map[old] = new
            arguments.append(new)
        for op in block.operations:
            inner.replay(op)
        return Block(arguments, inner.operations)

    def replay(self, op: Operation) -> None:
        self.location = op.location
        scope = Scope(self)
        if isinstance(op, hlo.UniformQuantize):
            given = self._as_float(scope, op.operand)
            self.replace(op, [_stored(given, op.result.type.element).value])
        elif isinstance(op, hlo.UniformDequantize):
            self.replace(op, [self._as_float(scope, op.operand).value])
        elif computes_quantized(op):
            floats = [self._as_float(scope, v).value for v in op.operands]
            self._made(op, floats, "expressed")
        elif op.regions or _any_quantized((*op.operands, *op.results)):
            self._made(op, [self.value(v) for v in op.operands], "storage")
        else:
            super().replay(op)

    def _made(self, op: Operation, operands: list[Value], what: str) -> None:
        """The op on other operands; results that come out as floats are stored as the integers nearest to them."""
        types = [_with_element(r.type, what) for r in op.results]
        regions = [Region([self.block(b) for b in r.blocks]) for r in op.regions]
        made = type(op).create(operands, types, op.attributes, regions, op.location)
        self.operations.append(made)
        scope, results = Scope(self), []
        for old, new in zip(op.results, made.results, strict=True):
            element = quantized_element(old.type)
            keeps = element is None or what == "storage"
            results.append(new if keeps else _stored(scope.of(new), element).value)
        self.replace(op, results)

    def _as_float(self, scope: Scope, old: Value) -> Expr:
        """(stored - zero point) * scale, or what was a float before."""
        new, element = scope.of(self.value(old)), quantized_element(old.type)
        if element is None:
            return new
        wide = E.convert(new, i64 if element.width > 16 else i32)
        scales, zeros = _parameters(wide, element)
        return E.convert(wide - zeros, element.expressed) * scales


def _stored(x: Expr, element: Any) -> Expr:
    """The integer nearest to x / scale + zero point that the storage's range holds; 0 for NaN."""
    scales, zeros = _parameters(x, element)
    low, high = (x.scope.constant(v, TensorType((), x.element)).value for v in element.range)
    shifted = x / scales + zeros
    clamped = x.scope.emit(hlo.Clamp(low, shifted.value, high))
    return E.convert(x.scope.emit(hlo.RoundNearestEven(clamped.value)), element.storage)


def _parameters(x: Expr, element: QuantizedType) -> tuple[Expr, Expr]:
    """Scales in the expressed type, and zero points in `x`'s, spread over the tensor."""
    shape, axis = x.shape, element.axis
    scales = np.asarray(element.scales, np.float64).astype(element.expressed.numpy)
    zeros = np.asarray(element.zero_points, np.int64)
    if axis is None:
        expressed = x.scope.constant(scales[0], TensorType(shape, element.expressed))
        return expressed, x.scope.constant(zeros[0], x.type)
    kinds = (scales, element.expressed), (zeros, x.element)
    parts = [x.scope.constant(v, TensorType((len(scales),), kind)) for v, kind in kinds]
    first, second = (E.broadcast(p, shape, [axis]) for p in parts)
    return first, second
