"""Functions of floats that a device has no instruction for, and LLVM no expansion that is exact."""

from __future__ import annotations

from collections.abc import Callable

from irc.codegen.emit.arith import float_constant, float_op
from irc.codegen.emit.device import on_device
from irc.codegen.emit.function import FunctionEmitter, scalar_part, suffix, with_scalar
from irc.dialects import arith, math


@on_device(math.Round)
def emit_round(e: FunctionEmitter, op: math.Round) -> None:
    """Halves away from zero: the whole part, and one more where half or more is left."""

    def write(t: str, v: tuple[str, ...]) -> str:
        whole = e.call(f"llvm.trunc.{suffix(t)}", t, (t, v[0]))
        left = e.call(f"llvm.fabs.{suffix(t)}", t, (t, e.ins(f"fsub {t} {v[0]}, {whole}")))
        more = e.ins(f"fcmp oge {t} {left}, {float_constant(t, 0.5)}")
        one, zero = float_constant(t, 1.0), float_constant(t, 0.0)
        step = e.ins(f"select {with_scalar(t, 'i1')} {more}, {t} {one}, {t} {zero}")
        return e.ins(f"fadd {t} {whole}, {e.call(f'llvm.copysign.{suffix(t)}', t, (t, step), (t, v[0]))}")

    float_op(e, op, write)


@on_device(arith.RemF)
def emit_remainder(e: FunctionEmitter, op: arith.RemF) -> None:
    """Long division in floats, element by element: the divisor is doubled up to the dividend, then taken away, where it
    fits, on the way back down. Each step is exact."""

    def write(t: str, v: tuple[str, ...]) -> str:
        scalar = scalar_part(t)
        if t == scalar:
            return _remainder(e, t, *v)
        lanes = int(t[1:].partition(" ")[0])
        made = []
        for i in range(lanes):
            x, y = (e.ins(f"extractelement {t} {text}, i64 {i}") for text in v)
            made.append(_remainder(e, scalar, x, y))
        return e.vector_of(made, scalar)

    float_op(e, op, write)


def _remainder(e: FunctionEmitter, t: str, x: str, y: str) -> str:
    if t == "half":
        wide = [e.ins(f"fpext half {text} to float") for text in (x, y)]
        return e.ins(f"fptrunc float {_remainder(e, 'float', *wide)} to half")
    ax, ay = (e.call(f"llvm.fabs.{suffix(t)}", t, (t, text)) for text in (x, y))
    # Infinity is no dividend and zero no divisor; NaN is neither: their remainder is NaN.
    finite = e.ins(f"fcmp one {t} {ax}, {float_constant(t, float('inf'))}")
    some = e.ins(f"fcmp one {t} {ay}, {float_constant(t, 0.0)}")
    defined = e.ins(f"and i1 {finite}, {some}")
    larger = e.ins(f"fcmp oge {t} {ax}, {ay}")
    start, done, before = e.new_label("divide"), e.new_label("divided"), e.block
    e.branch(e.ins(f"and i1 {defined}, {larger}"), start, done)
    e.start(start)
    half = e.ins(f"fmul {t} {ax}, {float_constant(t, 0.5)}")
    (top,) = _while(
        e, [(t, ay)], lambda s: e.ins(f"fcmp ole {t} {s[0]}, {half}"), lambda s: _doubled(e, t, s)
    )
    _, left = _while(
        e,
        [(t, top), (t, ax)],
        lambda s: e.ins(f"fcmp oge {t} {s[0]}, {ay}"),
        lambda s: _taken_away(e, t, s),
    )
    after = e.block
    e.jump(done)
    e.start(done)
    (rest,), at = e.phis([t])
    e.set_phis(at, [rest], [t], (before, [ax]), (after, [left]))
    signed = e.call(f"llvm.copysign.{suffix(t)}", t, (t, rest), (t, x))
    nan = float_constant(t, float("nan"))
    return e.ins(f"select i1 {defined}, {t} {signed}, {t} {nan}")


def _doubled(e: FunctionEmitter, t: str, state: list[str]) -> list[str]:
    return [e.ins(f"fadd {t} {state[0]}, {state[0]}")]


def _taken_away(e: FunctionEmitter, t: str, state: list[str]) -> list[str]:
    divisor, left = state
    fits = e.ins(f"fcmp oge {t} {left}, {divisor}")
    less = e.ins(f"fsub {t} {left}, {divisor}")
    lower = e.ins(f"fmul {t} {divisor}, {float_constant(t, 0.5)}")
    return [lower, e.ins(f"select i1 {fits}, {t} {less}, {t} {left}")]


def _while(
    e: FunctionEmitter,
    state: list[tuple[str, str]],
    test: Callable[[list[str]], str],
    step: Callable[[list[str]], list[str]],
) -> list[str]:
    """A loop that changes registers (type and first text of each) while a test holds; what they are after it."""
    ask, body, done, before = e.new_label("ask"), e.new_label("again"), e.new_label("end"), e.block
    e.jump(ask)
    e.start(ask)
    types = [t for t, _ in state]
    names, at = e.phis(types)
    e.branch(test(list(names)), body, done)
    e.start(body)
    made = step(list(names))
    e.set_phis(at, names, types, (before, [text for _, text in state]), (e.block, made))
    e.jump(ask)
    e.start(done)
    return list(names)
