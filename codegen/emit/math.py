"""math: exact functions are LLVM's, the others are written by `vector_math` through a builder of
instructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from irc.codegen.emit.arith import Texts, float_constant, float_op
from irc.codegen.emit.function import (
    FunctionEmitter,
    constant,
    elementwise,
    emits,
    refuse,
    suffix,
    with_scalar,
)
from irc.codegen.vector_math import TABLE, Builder, DType
from irc.dialects import math
from irc.dialects.arith import element
from irc.ir.operation import Operation
from irc.ir.types import f32, f64

if TYPE_CHECKING:
    from irc.codegen.emit.module import ModuleEmitter

_EXACT = {
    math.AbsF: "fabs",
    math.Ceil: "ceil",
    math.Floor: "floor",
    math.Round: "round",
    math.RoundEven: "roundeven",
    math.Trunc: "trunc",
    math.Sqrt: "sqrt",
    math.CopySign: "copysign",
    math.Fma: "fma",
}


@emits(*_EXACT)
def emit_exact(e: FunctionEmitter, op: Operation) -> None:
    name = _EXACT[type(op)]
    float_op(e, op, lambda t, v: e.call(f"llvm.{name}.{suffix(t)}", t, *((t, text) for text in v)))


@emits(math.AbsI, math.CountLeadingZeros)
def emit_flagged(e: FunctionEmitter, op: Operation) -> None:
    """The flag says that INT_MIN and zero have results: INT_MIN, and the width."""
    name = "abs" if isinstance(op, math.AbsI) else "ctlz"
    elementwise(e, op, lambda t, v: e.call(f"llvm.{name}.{suffix(t)}", t, (t, v[0]), ("i1", "false")))


@emits(math.CtPop)
def emit_ctpop(e: FunctionEmitter, op: math.CtPop) -> None:
    elementwise(e, op, lambda t, v: e.call(f"llvm.ctpop.{suffix(t)}", t, (t, v[0])))


def emit_approximated(e: FunctionEmitter, op: Operation) -> None:
    """A function of `vector_math`, once for each register; narrow floats are the lowering's to widen."""
    kind = element(op.operands[0].type)
    if kind not in (f32, f64):
        raise refuse(op, f"{op.name} on {kind}")
    function = TABLE[op.name]

    def inline(register: str, texts: Texts) -> str:
        b = LLVMBuilder(e, register)
        return str(function(b, *((register, text) for text in texts))[1])

    functions: dict[str, str] = {}

    def apart(register: str, texts: Texts) -> str:
        name = functions.get(register)
        if name is None:
            name = functions[register] = _function_of(e.module, op.name, register, len(texts))
        return e.ins(f'call {register} @"{name}"({", ".join(f"{register} {text}" for text in texts)})')

    registers = len(e.types(op.operands[0].type))
    elementwise(e, op, apart if registers > INLINE and not e.module.target.is_device else inline)


def _function_of(module: ModuleEmitter, op: str, register: str, count: int) -> str:
    """A function of the module that computes an op on one register."""
    e = FunctionEmitter(module, f"{op}.{suffix(register)}")
    names = [f"%x{i}" for i in range(count)]
    result = TABLE[op](LLVMBuilder(e, register), *((register, name) for name in names))[1]
    e.do(f"ret {register} {result}")
    return module.define(e.name, register, ", ".join(f"{register} {name}" for name in names), e)


def _register_approximated() -> None:
    exact = {cls.name for cls in _EXACT}
    classes = [c for c in vars(math).values() if isinstance(c, type) and issubclass(c, Operation)]
    emits(*(c for c in classes if c.name in TABLE and c.name not in exact))(emit_approximated)


_register_approximated()

INLINE = 4
"""Registers up to which an approximated function is written out in line. The tile of a matrix product has two dozen: written
out for each, a function of fifty instructions is most of a kernel, and most of LLVM's time."""

Typed = tuple[str, str]
"""An LLVM type and a register or constant of it."""


class LLVMBuilder(Builder):
    """Writes vector math as instructions on one register type; values are (type, text)."""

    def __init__(self, e: FunctionEmitter, register: str) -> None:
        self.e = e
        self.float = register
        self._dtype: DType = "f32" if "float" in register else "f64"
        self.int = with_scalar(register, "i32" if self._dtype == "f32" else "i64")
        self.mask = with_scalar(register, "i1")
        # One register of sixteen f32: the AVX-512 instructions below take exactly that.
        self._avx512 = register == "<16 x float>" and e.module.target.has("avx512f")

    @property
    def dtype(self) -> DType:
        return self._dtype

    def const(self, value: float) -> Typed:
        return self.float, float_constant(self.float, value)

    def iconst(self, value: int) -> Typed:
        bits = 32 if self._dtype == "f32" else 64
        wrapped = value % (1 << bits)
        return self.int, constant(self.int, str(wrapped - (1 << bits) if wrapped >> (bits - 1) else wrapped))

    def _binary(self, name: str, x: Typed, y: Typed) -> Typed:
        return x[0], self.e.ins(f"{name} {x[0]} {x[1]}, {y[1]}")

    def _intrinsic(self, name: str, *values: Typed) -> Typed:
        return self.float, self.e.call(f"llvm.{name}.{suffix(self.float)}", self.float, *values)

    def addf(self, x: Typed, y: Typed) -> Typed:
        return self._binary("fadd", x, y)

    def subf(self, x: Typed, y: Typed) -> Typed:
        return self._binary("fsub", x, y)

    def mulf(self, x: Typed, y: Typed) -> Typed:
        return self._binary("fmul", x, y)

    def divf(self, x: Typed, y: Typed) -> Typed:
        return self._binary("fdiv", x, y)

    def negf(self, x: Typed) -> Typed:
        return self.float, self.e.ins(f"fneg {self.float} {x[1]}")

    def absf(self, x: Typed) -> Typed:
        return self._intrinsic("fabs", x)

    def fma(self, x: Typed, y: Typed, z: Typed) -> Typed:
        return self._intrinsic("fma", x, y, z)

    def sqrt(self, x: Typed) -> Typed:
        return self._intrinsic("sqrt", x)

    def roundeven(self, x: Typed) -> Typed:
        return self._intrinsic("roundeven", x)

    def floor(self, x: Typed) -> Typed:
        return self._intrinsic("floor", x)

    def cmpf(self, predicate: str, x: Typed, y: Typed) -> Typed:
        return self.mask, self.e.ins(f"fcmp {predicate} {self.float} {x[1]}, {y[1]}")

    def cmpi(self, predicate: str, x: Typed, y: Typed) -> Typed:
        return self.mask, self.e.ins(f"icmp {predicate} {self.int} {x[1]}, {y[1]}")

    def select(self, mask: Typed, x: Typed, y: Typed) -> Typed:
        return x[0], self.e.ins(f"select {mask[0]} {mask[1]}, {x[0]} {x[1]}, {y[0]} {y[1]}")

    def and_(self, x: Typed, y: Typed) -> Typed:
        return self._binary("and", x, y)

    def or_(self, x: Typed, y: Typed) -> Typed:
        return self._binary("or", x, y)

    def not_(self, x: Typed) -> Typed:
        return x[0], self.e.ins(f"xor {x[0]} {x[1]}, {constant(x[0], 'true')}")

    def sitofp(self, i: Typed) -> Typed:
        return self.float, self.e.ins(f"sitofp {self.int} {i[1]} to {self.float}")

    def bitcast_int(self, x: Typed) -> Typed:
        return self.int, self.e.ins(f"bitcast {self.float} {x[1]} to {self.int}")

    def bitcast_float(self, i: Typed) -> Typed:
        return self.float, self.e.ins(f"bitcast {self.int} {i[1]} to {self.float}")

    def addi(self, x: Typed, y: Typed) -> Typed:
        return self._binary("add", x, y)

    def subi(self, x: Typed, y: Typed) -> Typed:
        return self._binary("sub", x, y)

    def andi(self, x: Typed, y: Typed) -> Typed:
        return self._binary("and", x, y)

    def ori(self, x: Typed, y: Typed) -> Typed:
        return self._binary("or", x, y)

    def xori(self, x: Typed, y: Typed) -> Typed:
        return self._binary("xor", x, y)

    def shli(self, x: Typed, y: Typed) -> Typed:
        return self._binary("shl", x, y)

    def shrsi(self, x: Typed, y: Typed) -> Typed:
        return self._binary("ashr", x, y)

    def ldexp(self, x: Typed, n: Typed) -> Typed:
        """One `vscalefps` where there is one."""
        return self._masked("scalef", (x, n)) if self._avx512 else super().ldexp(x, n)

    def split_exponent(self, x: Typed) -> tuple[Typed, Typed]:
        """`vgetmantps` normalises into [0.75, 1.5) and gives NaN below zero; `vgetexpps` is one less under
        1."""
        if not self._avx512:
            return super().split_exponent(x)
        mantissa = self._masked("getmant", (x,), ("i32", "11"))
        exponent = self._masked("getexp", (x,))
        below_one = self.cmpf("olt", mantissa, self.const(1.0))
        return mantissa, self.select(below_one, self.addf(exponent, self.const(1.0)), exponent)

    def _masked(self, name: str, values: tuple[Typed, ...], *immediate: Typed) -> Typed:
        """An AVX-512 intrinsic with every lane on and the usual rounding."""
        rest = (*immediate, (self.float, "zeroinitializer"), ("i16", "-1"), ("i32", "4"))
        return self.float, self.e.call(f"llvm.x86.avx512.mask.{name}.ps.512", self.float, *values, *rest)

    def select_rare(
        self, mask: Typed, rare: Callable[[], tuple[Any, ...]], usual: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Branches around `rare` where no lane needs it."""
        e = self.e
        some = mask[1]
        if mask[0] != "i1":
            lanes = mask[0][1:].partition(" ")[0]
            bits = e.ins(f"bitcast {mask[0]} {mask[1]} to i{lanes}")
            some = e.ins(f"icmp ne i{lanes} {bits}, 0")
        there, done, before = e.new_label("rare"), e.new_label("usual"), e.block
        e.branch(some, there, done)
        e.start(there)
        found = [self.select(mask, r, u)[1] for r, u in zip(rare(), usual, strict=True)]
        after = e.block
        e.jump(done)
        e.start(done)
        types = [t for t, _ in usual]
        names, at = e.phis(types)
        e.set_phis(at, names, types, (before, [text for _, text in usual]), (after, found))
        return tuple(zip(types, names, strict=True))
