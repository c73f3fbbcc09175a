"""arith: scalars and tiles alike, one instruction a register wherever the target has one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from irc.codegen.emit.constants import float_text, scalar_text, splat_text, vector_text
from irc.codegen.emit.function import (
    FunctionEmitter,
    constant,
    elementwise,
    emits,
    refuse,
    scalar_part,
    suffix,
    with_scalar,
)
from irc.codegen.emit.held import llvm_type, rows_of, shape_of, split
from irc.dialects import arith
from irc.dialects.arith import element
from irc.dialects.vector import Broadcast
from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Operation, Value
from irc.ir.types import FloatType, VectorType, bf16, f16, f32, f64

Texts = tuple[str, ...]


def float_constant(register: str, value: float) -> str:
    """A float constant for a register type, scalar or vector."""
    return constant(register, float_text(value, scalar_part(register)))


@emits(arith.Constant)
def emit_constant(e: FunctionEmitter, op: arith.Constant) -> None:
    value: Any = op.value
    if not isinstance(value, DenseElementsAttr):
        e.set(op, scalar_text(value.value, value.type))
        return
    type_ = op.result.type
    if not isinstance(type_, VectorType):
        raise refuse(op, f"a constant of type {type_}")
    if value.is_splat:
        text = splat_text(value.splat_array[()], type_.element)
        e.set_tile(op, [text] * len(e.types(type_)))
        return
    pieces = split(shape_of(type_)[-1], e.lanes)
    registers = []
    for row in value.array.reshape(rows_of(type_), -1):
        at = 0
        for n in pieces:
            registers.append(vector_text(row[at : at + n], type_.element))
            at += n
    e.set_tile(op, registers)


# bf16 is carried as its bits. LLVM's own conversion would use an instruction that flushes denormals.


def widen_bf16(e: FunctionEmitter, register: str, text: str) -> str:
    """bf16 bits (a register of i16) as f32."""
    wide = with_scalar(register, "i32")
    bits = e.ins(f"zext {register} {text} to {wide}")
    high = e.ins(f"shl {wide} {bits}, {constant(wide, '16')}")
    return e.ins(f"bitcast {wide} {high} to {with_scalar(register, 'float')}")


def narrow_bf16(e: FunctionEmitter, register: str, text: str) -> str:
    """An f32 (`register` is its type) rounded to bf16 bits, ties to even; NaNs stay NaNs."""
    wide, mask = with_scalar(register, "i32"), with_scalar(register, "i1")
    bits = e.ins(f"bitcast {register} {text} to {wide}")
    high = e.ins(f"lshr {wide} {bits}, {constant(wide, '16')}")
    odd = e.ins(f"and {wide} {high}, {constant(wide, '1')}")
    half = e.ins(f"add {wide} {odd}, {constant(wide, '32767')}")
    rounded = e.ins(f"add {wide} {bits}, {half}")
    kept = e.ins(f"lshr {wide} {rounded}, {constant(wide, '16')}")
    quiet = e.ins(f"or {wide} {high}, {constant(wide, '64')}")
    nan = e.ins(f"fcmp uno {register} {text}, {text}")
    chosen = e.ins(f"select {mask} {nan}, {wide} {quiet}, {wide} {kept}")
    return e.ins(f"trunc {wide} {chosen} to {with_scalar(register, 'i16')}")


def check_half(e: FunctionEmitter, op: Operation, *elements: Any) -> None:
    """Without conversion instructions LLVM would call a library that the process does not have."""
    target = e.module.target
    if f16 in elements and target.triple.startswith("x86_64") and not target.has("f16c"):
        raise refuse(op, f"{op.name} on f16 for {target.cpu}, which has no F16C")


def float_op(
    e: FunctionEmitter, op: Operation, write: Callable[[str, Texts], str], *, returns_float: bool = True
) -> None:
    """An op on floats, register by register; on bf16 each operand is widened and the result rounded back."""
    kind = element(op.operands[0].type)
    if kind is bf16:

        def through_f32(register: str, texts: Texts) -> str:
            made = write(with_scalar(register, "float"), tuple(widen_bf16(e, register, t) for t in texts))
            return narrow_bf16(e, with_scalar(register, "float"), made) if returns_float else made

        elementwise(e, op, through_f32)
    elif kind in (f16, f32, f64):
        check_half(e, op, kind)
        elementwise(e, op, write)
    else:
        raise refuse(op, f"{op.name} on {kind}")


_FLOAT: dict[type[Operation], str] = {
    arith.AddF: "fadd",
    arith.SubF: "fsub",
    arith.MulF: "fmul",
    arith.DivF: "fdiv",
}
_INTEGER: dict[type[Operation], str] = {
    arith.AddI: "add",
    arith.SubI: "sub",
    arith.MulI: "mul",
    arith.DivSI: "sdiv",
    arith.DivUI: "udiv",
    arith.RemSI: "srem",
    arith.RemUI: "urem",
    arith.AndI: "and",
    arith.OrI: "or",
    arith.XOrI: "xor",
    arith.ShLI: "shl",
    arith.ShRSI: "ashr",
    arith.ShRUI: "lshr",
}
_INTEGER_CHOICE: dict[type[Operation], str] = {
    arith.MaxSI: "smax",
    arith.MaxUI: "umax",
    arith.MinSI: "smin",
    arith.MinUI: "umin",
}


@emits(*_FLOAT)
def emit_float(e: FunctionEmitter, op: Operation) -> None:
    name = _FLOAT[type(op)]
    float_op(e, op, lambda t, v: e.ins(f"{name} {t} {v[0]}, {v[1]}"))


@emits(*_INTEGER)
def emit_integer(e: FunctionEmitter, op: Operation) -> None:
    name = _INTEGER[type(op)]
    elementwise(e, op, lambda t, v: e.ins(f"{name} {t} {v[0]}, {v[1]}"))


@emits(*_INTEGER_CHOICE)
def emit_integer_choice(e: FunctionEmitter, op: Operation) -> None:
    name = _INTEGER_CHOICE[type(op)]
    elementwise(e, op, lambda t, v: e.call(f"llvm.{name}.{suffix(t)}", t, (t, v[0]), (t, v[1])))


@emits(arith.NegF)
def emit_negf(e: FunctionEmitter, op: arith.NegF) -> None:
    if element(op.operand.type) is bf16:
        elementwise(e, op, lambda t, v: e.ins(f"xor {t} {v[0]}, {constant(t, '-32768')}"))
    else:
        float_op(e, op, lambda t, v: e.ins(f"fneg {t} {v[0]}"))


def constant_number(value: Value) -> float | None:
    """The number that every element of a float value is, where that is known."""
    maker = value.op
    if isinstance(maker, Broadcast):
        return constant_number(maker.source)
    if not isinstance(maker, arith.Constant):
        return None
    attribute: Any = maker.value
    if isinstance(attribute, DenseElementsAttr):
        return float(attribute.splat_array[()]) if attribute.is_splat else None
    return float(attribute.value)


def extremum(e: FunctionEmitter, maximum: bool, register: str, x: str, y: str) -> str:
    """IEEE 754-2019 maximum or minimum of two registers: NaN if either is, -0 below +0."""
    name = f"llvm.{'maximum' if maximum else 'minimum'}.{suffix(register)}"
    return e.call(name, register, (register, x), (register, y))


@emits(arith.MaximumF, arith.MinimumF)
def emit_extremum(e: FunctionEmitter, op: Any) -> None:
    """With a constant that is not NaN, one compare-and-select (`vmaxps`): it gives x where x is NaN or ties.

    Only a tie with the greater zero (for maximum) can then be wrong, in its sign, which adding +0 mends."""
    maximum = isinstance(op, arith.MaximumF)
    number = constant_number(op.lhs)
    swapped = number is not None
    if number is None:
        number = constant_number(op.rhs)
    zero = math.copysign(1, number) if number == 0 else 0.0
    if number is None or math.isnan(number) or (zero < 0 and not maximum):
        float_op(e, op, lambda t, v: extremum(e, maximum, t, v[0], v[1]))
        return
    predicate, mend = ("ogt", zero > 0) if maximum else ("olt", False)

    def write(t: str, v: Texts) -> str:
        c, x = v if swapped else (v[1], v[0])
        better = e.ins(f"fcmp {predicate} {t} {c}, {x}")
        chosen = e.ins(f"select {with_scalar(t, 'i1')} {better}, {t} {c}, {t} {x}")
        return e.ins(f"fadd {t} {chosen}, {float_constant(t, 0.0)}") if mend else chosen

    float_op(e, op, write)


@emits(arith.RemF)
def emit_remf(e: FunctionEmitter, op: arith.RemF) -> None:
    """`frem` becomes a call of libm's fmod for each element: exact, and slow."""
    float_op(e, op, lambda t, v: e.ins(f"frem {t} {v[0]}, {v[1]}"))


@emits(arith.CmpF)
def emit_cmpf(e: FunctionEmitter, op: arith.CmpF) -> None:
    predicate = op.predicate
    float_op(e, op, lambda t, v: e.ins(f"fcmp {predicate} {t} {v[0]}, {v[1]}"), returns_float=False)


@emits(arith.CmpI)
def emit_cmpi(e: FunctionEmitter, op: arith.CmpI) -> None:
    predicate = op.predicate
    elementwise(e, op, lambda t, v: e.ins(f"icmp {predicate} {t} {v[0]}, {v[1]}"))


@emits(arith.Select)
def emit_select(e: FunctionEmitter, op: arith.Select) -> None:
    if isinstance(op.condition.type, VectorType) or not isinstance(op.result.type, VectorType):
        types = e.types(op.result.type)
        conditions, yes, no = (e.flat(o) for o in op.operands)
        texts = [
            e.ins(f"select {with_scalar(t, 'i1')} {c}, {t} {a}, {t} {b}")
            for t, c, a, b in zip(types, conditions, yes, no, strict=True)
        ]
    else:
        c = e.scalar(op.condition)
        both = zip(e.types(op.result.type), e.flat(op.true_value), e.flat(op.false_value), strict=True)
        texts = [e.ins(f"select i1 {c}, {t} {a}, {t} {b}") for t, a, b in both]
    e.bind(op.results, texts)


_CASTS = {
    arith.ExtSI: "sext",
    arith.ExtUI: "zext",
    arith.TruncI: "trunc",
    arith.SIToFP: "sitofp",
    arith.UIToFP: "uitofp",
    arith.FPToSI: "fptosi",
    arith.FPToUI: "fptoui",
    arith.ExtF: "fpext",
    arith.TruncF: "fptrunc",
}


@emits(*_CASTS)
def emit_cast(e: FunctionEmitter, op: Any) -> None:
    source, target = element(op.source.type), element(op.result.type)
    for kind in (source, target):
        if isinstance(kind, FloatType) and kind not in (bf16, f16, f32, f64):
            raise refuse(op, f"{op.name} between {source} and {target}")
    check_half(e, op, source, target)
    elementwise(e, op, lambda t, v: _converted(e, op, source, target, t, v[0]))


def _converted(e: FunctionEmitter, op: Any, source: Any, target: Any, register: str, text: str) -> str:
    """One register converted with one rounding; bf16 comes and goes through f32."""
    name, scalar = _CASTS[type(op)], llvm_type(target)
    if source is bf16:
        text, register = widen_bf16(e, register, text), with_scalar(register, "float")
    if target is bf16 and isinstance(op, arith.SIToFP | arith.UIToFP):
        if source.width > 32:
            raise refuse(op, f"{op.name} from {source} to bf16, which would round twice")
        wide = with_scalar(register, "double")
        register, text = wide, e.ins(f"{name} {register} {text} to {wide}")
    if target in (bf16, f16) and scalar_part(register) == "double":
        register, text = with_scalar(register, "float"), narrow_to_odd(e, register, text)
    if target is bf16:
        return narrow_bf16(e, register, text)
    made = with_scalar(register, scalar)
    return text if register == made else e.ins(f"{name} {register} {text} to {made}")


def narrow_to_odd(e: FunctionEmitter, register: str, text: str) -> str:
    """An f64 as f32, rounded towards zero with the last bit set where that is inexact.

    What then rounds to fewer bits rounds as from the f64 (Boldo and Melquiond, 2008)."""
    single, mask = with_scalar(register, "float"), with_scalar(register, "i1")
    bits_type = with_scalar(register, "i32")
    near = e.ins(f"fptrunc {register} {text} to {single}")
    back = e.ins(f"fpext {single} {near} to {register}")
    size = [e.call(f"llvm.fabs.{suffix(register)}", register, (register, v)) for v in (back, text)]
    above = e.ins(f"fcmp ogt {register} {size[0]}, {size[1]}")
    inexact = e.ins(f"fcmp une {register} {back}, {text}")
    bits = e.ins(f"bitcast {single} {near} to {bits_type}")
    step = e.ins(f"zext {mask} {above} to {bits_type}")
    inward = e.ins(f"sub {bits_type} {bits}, {step}")
    sticky = e.ins(f"zext {mask} {inexact} to {bits_type}")
    return e.ins(f"bitcast {bits_type} {e.ins(f'or {bits_type} {inward}, {sticky}')} to {single}")


@emits(arith.Bitcast)
def emit_bitcast(e: FunctionEmitter, op: arith.Bitcast) -> None:
    scalar = llvm_type(element(op.result.type))
    elementwise(
        e,
        op,
        lambda t, v: (
            v[0] if scalar_part(t) == scalar else e.ins(f"bitcast {t} {v[0]} to {with_scalar(t, scalar)}")
        ),
    )


@emits(arith.IndexCast, arith.IndexCastUI)
def emit_index_cast(e: FunctionEmitter, op: Any) -> None:
    source, target = llvm_type(element(op.source.type)), llvm_type(element(op.result.type))
    widen = "sext" if isinstance(op, arith.IndexCast) else "zext"
    name = "trunc" if int(source[1:]) > int(target[1:]) else widen
    elementwise(
        e,
        op,
        lambda t, v: v[0] if source == target else e.ins(f"{name} {t} {v[0]} to {with_scalar(t, target)}"),
    )
