"""Functions that are made of others at the tensor level: of complex numbers, and special ones. Measured through native code.

The error of a complex result is its distance from the truth, in ulp of the truth's size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.codegen.emit.module import emit_module
from irc.codegen.program import lower_program
from irc.codegen.stamp import ProgramStamp
from irc.codegen.vector_math.accuracy import Measurement, sample
from irc.codegen.vector_math.builder import FORMATS, DType
from irc.dialects.builtin import parse
from irc.passes.manager import run_pipeline
from irc.runtime.executable import NativeProgram
from irc.runtime.jit import assemble
from irc.runtime.target import host_target

Array = np.ndarray[Any, Any]
PIPELINE = "expand,split_complex,canonicalize,cse,fold,dce,fusion"


@dataclass(frozen=True)
class MeasuredOp:
    """`reference(mpmath, *arguments)` is the truth; `bounds` what the error stays below, in ulp, in f32 and f64.

    `bits` to compute it in: many where its own steps cancel. `within`: the largest exponent of two of arguments;
    `positive`: the others have zeros beside which the error is small only beside 1."""

    reference: Callable[..., Any]
    bounds: tuple[float, float]
    arity: int = 1
    bits: int = 400
    within: int = 1 << 20
    positive: bool = False

    def bound(self, dtype: DType) -> float:
        return self.bounds[dtype == "f64"]


MANY_BITS = 2400

COMPLEX: dict[str, MeasuredOp] = {
    # The error of a power of complex<f64> grows with |w log z|, here up to 200.
    "stablehlo.abs": MeasuredOp(lambda mp, z: abs(z), (1.0, 1.5)),
    "stablehlo.atan2": MeasuredOp(
        lambda mp, y, x: -1j * mp.log((x + 1j * y) / mp.sqrt(x * x + y * y)), (1.0, 4.0), 2, MANY_BITS, 100
    ),
    "stablehlo.cbrt": MeasuredOp(lambda mp, z: mp.exp(mp.log(z) / 3), (1.0, 3.0)),
    "stablehlo.cosine": MeasuredOp(lambda mp, z: mp.cos(z), (1.0, 3.0)),
    "stablehlo.divide": MeasuredOp(lambda mp, z, w: z / w, (3.5, 3.5), 2),
    "stablehlo.exponential": MeasuredOp(lambda mp, z: mp.exp(z), (1.0, 2.0)),
    "stablehlo.exponential_minus_one": MeasuredOp(lambda mp, z: mp.expm1(z), (1.0, 3.0), bits=MANY_BITS),
    "stablehlo.log": MeasuredOp(lambda mp, z: mp.log(z), (1.0, 2.5)),
    "stablehlo.log_plus_one": MeasuredOp(lambda mp, z: mp.log1p(z), (1.0, 2.0), bits=MANY_BITS),
    "stablehlo.logistic": MeasuredOp(lambda mp, z: 1 / (1 + mp.exp(-z)), (1.0, 6.0)),
    "stablehlo.multiply": MeasuredOp(lambda mp, z, w: z * w, (2.0, 2.0), 2),
    "stablehlo.power": MeasuredOp(lambda mp, z, w: mp.exp(w * mp.log(z)), (1.0, 500.0), 2, within=3),
    "stablehlo.rsqrt": MeasuredOp(lambda mp, z: 1 / mp.sqrt(z), (1.0, 3.5)),
    "stablehlo.sign": MeasuredOp(lambda mp, z: z / abs(z), (1.0, 2.5)),
    "stablehlo.sine": MeasuredOp(lambda mp, z: mp.sin(z), (1.0, 3.0)),
    "stablehlo.sqrt": MeasuredOp(lambda mp, z: mp.sqrt(z), (1.0, 2.0)),
    "stablehlo.tan": MeasuredOp(lambda mp, z: mp.tan(z), (1.0, 5.0), bits=MANY_BITS),
    "stablehlo.tanh": MeasuredOp(lambda mp, z: mp.tanh(z), (1.0, 5.0), bits=MANY_BITS),
    "chlo.acos": MeasuredOp(lambda mp, z: mp.acos(z), (1.0, 3.0), bits=MANY_BITS),
    "chlo.acosh": MeasuredOp(lambda mp, z: mp.acosh(z), (1.0, 3.0), bits=MANY_BITS),
    "chlo.asin": MeasuredOp(lambda mp, z: mp.asin(z), (1.0, 3.0), bits=MANY_BITS),
    "chlo.asinh": MeasuredOp(lambda mp, z: mp.asinh(z), (1.0, 3.0), bits=MANY_BITS),
    "chlo.atan": MeasuredOp(lambda mp, z: mp.atan(z), (1.0, 3.0), bits=MANY_BITS),
    "chlo.atanh": MeasuredOp(lambda mp, z: mp.atanh(z), (1.0, 3.0), bits=MANY_BITS),
    "chlo.cosh": MeasuredOp(lambda mp, z: mp.cosh(z), (1.0, 3.0)),
    "chlo.sinh": MeasuredOp(lambda mp, z: mp.sinh(z), (1.0, 3.0)),
    "chlo.square": MeasuredOp(lambda mp, z: z * z, (2.0, 2.0)),
}
REAL: dict[str, MeasuredOp] = {
    "stablehlo.logistic": MeasuredOp(lambda mp, x: 1 / (1 + mp.exp(-x)), (3.0, 3.0), within=6),
    "chlo.bessel_i1e": MeasuredOp(lambda mp, x: mp.besseli(1, x) * mp.exp(-abs(x)), (1.0, 8.0), within=9),
    "chlo.digamma": MeasuredOp(lambda mp, x: mp.digamma(x), (1.0, 30.0), within=9, positive=True),
    "chlo.lgamma": MeasuredOp(lambda mp, x: mp.re(mp.loggamma(x)), (1.0, 6.0), within=9, positive=True),
}


def measure_op(name: str, dtype: DType, is_complex: bool, count: int, seed: int = 0) -> Measurement:
    """The largest error of one op over about `count` arguments whose result is finite."""
    op = (COMPLEX if is_complex else REAL)[name]
    draw = complex_sample if is_complex else _real_sample
    arguments = [draw(name, dtype, count, seed + i, op.within) for i in range(op.arity)]
    if op.positive:
        arguments = list(map(np.abs, arguments))
    shortest = min(a.size for a in arguments)
    order = np.random.default_rng(seed)
    arguments = [arguments[0][:shortest], *(order.permutation(a)[:shortest] for a in arguments[1:])]
    result = run_op(name, dtype, is_complex, arguments)
    rows = zip(result.tolist(), *(a.tolist() for a in arguments), strict=True)
    errors = [_error(op, dtype, got, given) for got, *given in rows]
    worst = int(np.argmax(errors))
    return Measurement(name, dtype, errors[worst], tuple(a[worst].item() for a in arguments))


def run_op(name: str, dtype: DType, is_complex: bool, arguments: list[Array]) -> Array:
    """The op's results by compiled code."""
    element = f"complex<{dtype}>" if is_complex else dtype
    t = f"tensor<{arguments[0].size}x{element}>"
    made = f"tensor<{arguments[0].size}x{dtype}>" if name == "stablehlo.abs" else t
    names = [f"%{i}" for i in range(len(arguments))]
    given = ", ".join(f"{n}: {t}" for n in names)
    types = ", ".join(t for _ in names)
    op = f'"{name}"({", ".join(names)}) : ({types}) -> {made}'
    module = parse(f"func.func @main({given}) -> {made} {{ %r = {op} return %r : {made} }}")
    kernels, _ = lower_program(run_pipeline(module, PIPELINE))
    stamp, target = ProgramStamp.of(kernels), host_target()
    code = assemble(emit_module(kernels, target), target)
    program = NativeProgram(code, stamp.inputs, stamp.outputs, arena_bytes=stamp.arena_bytes)
    return program(*arguments)[0]


def complex_sample(name: str, dtype: DType, count: int, seed: int, within: int) -> Array:
    """Arguments, an eighth each: of any size, moderate, beside the axes, beside 1, -1, i and -i, beside the unit circle, and
    beside the multiples of pi/2."""
    rng = np.random.default_rng(seed)
    n = max(count // 8, 1)
    limit = min(FORMATS[dtype].bias - 7, within)

    def any_size() -> Array:
        return rng.choice([-1.0, 1.0], n) * 2.0 ** rng.uniform(-limit, limit, n)

    def moderate() -> Array:
        return rng.uniform(-10, 10, n) * 2.0 ** -rng.integers(0, 12, n)

    def small() -> Array:
        return rng.choice([-1.0, 1.0], n) * 2.0 ** rng.uniform(-60, -3, n)

    def unit() -> Array:
        return rng.choice([-1.0, 1.0], n)

    angle, turns = rng.uniform(-math.pi, math.pi, n), rng.integers(-30, 30, n) * (math.pi / 2)
    pairs = (
        (any_size(), any_size()),
        (moderate(), moderate()),
        (moderate(), small()),
        (small(), moderate()),
        (unit() + small(), small()),
        (small(), unit() + small()),
        (np.cos(angle) * (1 + small()), np.sin(angle) * (1 + small())),
        (turns + small(), moderate()),
    )
    part, kind = (np.float32, np.complex64) if dtype == "f32" else (np.float64, np.complex128)
    parts = [np.stack(pair, -1) for pair in pairs]
    made: Array = np.concatenate(parts).astype(part).view(kind)[:, 0]
    return made


def _real_sample(name: str, dtype: DType, count: int, seed: int, within: int) -> Array:
    (x,) = sample(name, dtype, count, seed)
    return x[np.isfinite(x) & (np.abs(x) < 2.0 ** min(within, FORMATS[dtype].bias))]


def _error(op: MeasuredOp, dtype: DType, got: complex, given: list[complex]) -> float:
    """In ulp of the truth's size; 0 where the truth is no number or too large, infinite where only the result is."""
    import mpmath  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra of the tests

    form = FORMATS[dtype]
    with mpmath.workprec(op.bits):
        try:
            truth = mpmath.mpc(op.reference(mpmath, *(mpmath.mpmathify(a) for a in given)))
        except (ValueError, ZeroDivisionError):
            return 0.0
        limit = mpmath.ldexp(1, form.bias + 1)
        if not mpmath.isfinite(truth) or max(abs(truth.real), abs(truth.imag)) >= limit:
            return 0.0
        if not (math.isfinite(got.real) and math.isfinite(got.imag)):
            return math.inf
        exponent = max(int(mpmath.frexp(abs(truth))[1]) - 1, 1 - form.bias) if truth else 1 - form.bias
        return float(mpmath.ldexp(abs(mpmath.mpc(got) - truth), form.fraction_bits - exponent))
