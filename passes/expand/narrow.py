"""Ops on elements kept in a byte (integers of 2 and 4 bits, floats of 4, 6 and 8): they convert, compute and convert
back. Integers are computed in 8 bits and cut, floats in f32 and rounded once an op, as the reference does."""

from __future__ import annotations

from typing import Any

from irc.dialects import chlo
from irc.dialects import stablehlo as hlo
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Operation, Value, all_operations
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import FloatType, IntegerType, TensorType, f32, i8, i32, ui8
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

rules = RewriteSet()

_KEPT = (chlo.Mulhi, chlo.NextAfter, hlo.BitcastConvert, hlo.Constant, hlo.Convert, hlo.Select)
"""Ops that move or convert elements, and those that are about their bits."""
_OF_BITS = (hlo.CountLeadingZeros, hlo.Popcnt, hlo.ShiftRightArithmetic, hlo.ShiftRightLogical)
"""Ops that ask for the highest bit, or for the bits above those there are."""
_ELEMENTWISE = tuple(
    cls for cls in all_operations().values() if getattr(cls, "elementwise", False) and cls not in _KEPT
)


def is_narrow(value: Value) -> bool:
    """Whether the elements of a tensor are kept in a byte without being integers of 8 bits."""
    element = getattr(value.type, "element", None)
    if isinstance(element, FloatType):
        return element.width <= 8
    return isinstance(element, IntegerType) and 1 < element.width < 8


def _convert(b: Rewriter, x: Value, element: Any) -> Value:
    if x.type.element is element:
        return x
    return b.emit(hlo.Convert(x, result_types=[x.type.with_element(element)]))


def _widened(b: Rewriter, x: Value) -> Value:
    """The value in the type it is computed in."""
    element = x.type.element
    if not is_narrow(x):
        return x
    if isinstance(element, FloatType):
        return _convert(b, x, f32)
    return _convert(b, x, ui8 if element.is_unsigned else i8)


@rules.rewrite("f(x) = convert(f(convert(x))), for elements kept in a byte", *_ELEMENTWISE)
def _elementwise(op: Any, b: Rewriter) -> Value | None:
    if not any(map(is_narrow, op.operands)):
        return None
    if isinstance(op, _OF_BITS):
        return _of_bits(op, b)
    made = b.emit(_retyped(op, [_widened(b, v) for v in op.operands]))
    return _convert(b, made, op.results[0].type.element)


def _retyped(op: Operation, operands: list[Value]) -> Operation:
    """The op on operands of another element type; its result has that type where it had theirs."""
    (result,) = op.results
    same = result.type.element is op.operands[-1].type.element
    element = operands[-1].type.element if same else result.type.element
    return type(op).create(operands, [result.type.with_element(element)], op.attributes, (), op.location)


def _of_bits(op: Any, b: Rewriter) -> Value:
    """Above the low bits that count there are zeros, or in a value shifted arithmetically copies of the highest."""
    element = op.operands[0].type.element
    if isinstance(op, hlo.ShiftRightArithmetic):
        operands = [_convert(b, _convert(b, v, IntegerType(element.width)), i8) for v in op.operands]
        return _convert(b, b.emit(_retyped(op, operands)), element)
    operands = [_convert(b, _convert(b, v, _word(element)), ui8) for v in op.operands]
    made = b.emit(_retyped(op, operands))
    if isinstance(op, hlo.CountLeadingZeros):
        unused = b.emit(hlo.Constant(value=DenseElementsAttr.of(made.type, 8 - element.width)))
        made = b.emit(hlo.Subtract(made, unused))
    return _convert(b, made, element)


@rules.rewrite("iota = convert(iota), for elements kept in a byte", hlo.Iota)
def _iota(op: Any, b: Rewriter) -> Value | None:
    t = op.result.type
    if not is_narrow(op.result):
        return None
    wide = f32 if isinstance(t.element, FloatType) else i32
    made = hlo.Iota(iota_dimension=op.iota_dimension, result_types=[TensorType(t.shape, wide)])
    return _convert(b, b.emit(made), t.element)


@rules.rewrite("a product accumulates in a wide type, and is converted once", hlo.DotGeneral, hlo.Convolution)
def _product(op: Any, b: Rewriter) -> Value | None:
    if not any(map(is_narrow, (*op.operands, *op.results))):
        return None
    result = op.result.type
    wide = result.element
    if is_narrow(op.result):
        wide = f32 if isinstance(result.element, FloatType) else i32
    elif isinstance(wide, FloatType) and wide.width < 32:
        wide = f32
    operands = [_convert(b, v, wide) for v in op.operands]
    made = type(op).create(operands, [result.with_element(wide)], op.attributes, (), op.location)
    return _convert(b, b.emit(made), result.element)


@rules.rewrite(
    "bitcast_convert between nibbles and wider integers = shifts, the low bits first", hlo.BitcastConvert
)
def _bitcast(op: Any, b: Rewriter) -> Value | None:
    source, target = op.operand.type, op.result.type
    if source.element.width == target.element.width or not any(map(is_narrow, (op.operand, op.result))):
        return None
    if source.element.width < target.element.width:
        return _packed(b, op.operand, target)
    return _unpacked(b, op.operand, target)


def _packed(b: Rewriter, x: Value, target: TensorType) -> Value:
    """The elements of the last dimension side by side in one."""
    *shape, count = x.type.static_shape
    narrow, word = _word(x.type.element), _word(target.element)
    bits = Scope(b).of(_convert(b, _reread(b, x, narrow), word))
    zeros = [0] * len(shape)
    total = None
    for k in range(count):
        part = E.reshape(E.slice(bits, (*zeros, k), (*shape, k + 1)), shape)
        shifted = Expr(part.scope, b.emit(hlo.ShiftLeft(part.value, part.lift(k * narrow.width).value)))
        total = shifted if total is None else total | shifted
    assert total is not None, "a wider element is made of some"
    return _reread(b, total.value, target.element)


def _unpacked(b: Rewriter, x: Value, target: TensorType) -> Value:
    """The parts of each element, along a new last dimension."""
    *shape, count = target.static_shape
    narrow, word = _word(target.element), _word(x.type.element)
    bits = Scope(b).of(_reread(b, x, word))
    parts = []
    for k in range(count):
        moved = b.emit(hlo.ShiftRightLogical(bits.value, bits.lift(k * narrow.width).value))
        parts.append(E.reshape(bits.scope.of(_convert(b, moved, narrow)), (*shape, 1)))
    return _reread(b, E.concatenate(parts, len(shape)).value, target.element)


def _word(element: Any) -> IntegerType:
    return IntegerType(element.width, "unsigned")


def _reread(b: Rewriter, x: Value, element: Any) -> Value:
    """The same bits as another type of this width."""
    if x.type.element is element:
        return x
    return b.emit(hlo.BitcastConvert(x, result_types=[x.type.with_element(element)]))
