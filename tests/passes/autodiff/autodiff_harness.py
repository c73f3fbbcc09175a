"""Builds small programs from expressions, and compares their gradients with finite differences in f64."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from irc.dialects import func
from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.interpreter import interpret
from irc.ir.builder import Builder
from irc.ir.locations import FileLineCol
from irc.ir.operation import Block, Value
from irc.ir.types import TensorType, tensor_of
from irc.passes.autodiff import jvp, vjp
from irc.passes.expression import Expr, Scope

EVIDENCE: dict[str, dict[str, float]] = {}
"""What was checked of each op: the greatest distance found in "vjp" (first order), "again" (second order) and "jvp", over
all programs that the op was in. `tests/gradient_table.py` prints it."""


def note(module: Module, what: str, found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    """Puts down how far results of a check were apart, relative to the greatest expected one."""
    scale = max([1.0, *(float(np.abs(e).max(initial=0)) for e in expected)])
    apart = max([0.0, *(float(np.abs(f - e).max(initial=0)) for f, e in zip(found, expected, strict=True))])
    for op in module.walk():
        seen = EVIDENCE.setdefault(op.name, {})
        seen[what] = max(seen.get(what, 0.0), apart / scale)


HERE = FileLineCol("model.py", 1, 1)


def program(body: Callable[..., Any], *types: TensorType) -> Module:
    """`@main` of `body`, which takes and returns expressions (one, or a sequence of them)."""
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    builder = Builder(HERE)
    scope = Scope(builder)
    made = body(*map(scope.of, arguments))
    results = [made] if isinstance(made, Expr) else list(made)
    builder.emit(func.Return([r.value for r in results]))
    return Module.of([Func.of("main", Block(arguments, builder.operations))])


def program_for(body: Callable[..., Any], arrays: Sequence[np.ndarray]) -> Module:
    return program(body, *map(tensor_of, arrays))


def is_float(array: Any) -> bool:
    return np.issubdtype(np.asarray(array).dtype, np.inexact)


def numeric_vjp(
    f: Callable[..., Sequence[np.ndarray]],
    arrays: Sequence[np.ndarray],
    cotangents: Sequence[np.ndarray],
    step: float,
) -> list[np.ndarray]:
    """The gradient of sum(cotangents * f(arrays)) by central differences, element by element."""

    def total(*inputs: np.ndarray) -> float:
        results = [r for r in f(*inputs) if is_float(r)]
        return float(sum((r.astype(np.float64) * c).sum() for r, c in zip(results, cotangents, strict=True)))

    gradients = []
    for i, array in enumerate(arrays):
        if not is_float(array):
            continue
        gradient = np.zeros(array.shape)
        for at in np.ndindex(array.shape):
            moved = [np.array(a) for a in arrays]
            moved[i][at] = array[at] + step
            above = total(*moved)
            moved[i][at] = array[at] - step
            gradient[at] = (above - total(*moved)) / (2 * step)
        gradients.append(gradient)
    return gradients


def check(
    body: Callable[..., Any],
    *arrays: Any,
    seed: int = 0,
    order: int = 2,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    same_bits: bool = True,
) -> Module:
    """The gradient of `body` at `arrays` (f64) against finite differences: reverse mode, forward mode, and
    to `order` 2 the gradient of the gradient. Returns the module with the gradient."""
    inputs = [np.asarray(a) for a in arrays]
    return check_module(program_for(body, inputs), inputs, seed, order, step, tolerance, same_bits)


def check_module(
    module: Module,
    inputs: Sequence[np.ndarray],
    seed: int = 0,
    order: int = 2,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    same_bits: bool = True,
    source: Module | None = None,
) -> Module:
    """See `check`. The results are to have the bits they had, or with `same_bits` False what rounding makes of them."""
    rng = np.random.default_rng(seed)
    results = interpret(module, *inputs)
    cotangents = [rng.standard_normal(r.shape) for r in results if is_float(r)]
    reverse = vjp(module)
    reverse.verify() if hasattr(reverse, "verify") else None
    found = interpret(reverse, *inputs, *cotangents)
    for before, after in zip(results, found, strict=False):
        rounding = 0 if same_bits else 1e-13
        np.testing.assert_allclose(
            after, before, rounding, rounding, err_msg="the gradient changed the result"
        )
    found = found[len(results) :]
    expected = numeric_vjp(lambda *a: interpret(module, *a), inputs, cotangents, step)
    for i, (got, want) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_allclose(
            got, want, rtol=tolerance, atol=tolerance, err_msg=f"gradient of argument {i}"
        )
    note(source or module, "again" if source else "vjp", found, expected)
    if source is None:
        check_narrower(module, inputs, cotangents, found)
    moved = check_forward(module, inputs, cotangents, found, rng)
    if source is None:
        note(module, "jvp", *moved)
    if order > 1:
        again = [*inputs, *cotangents]
        check_module(reverse, again, seed + 1, order - 1, step, tolerance * 10, source=source or module)
    return reverse


NARROWER: dict[str, tuple[type[Any], float]] = {
    "f32": (np.float32, 1e-3),
    "f16": (np.float16, 0.3),
    "bf16": (ml_dtypes.bfloat16, 0.3),
}
"""Types in which each program's gradient is computed as well, and how far it may be from that in f64, relative to the
greatest number of it (programs are no better conditioned than they are: rounding differs, a wrong rule by more)."""


def check_narrower(
    module: Module,
    inputs: Sequence[np.ndarray],
    cotangents: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
) -> None:
    """The gradient of the same program in narrower types, where the program exists in them (LAPACK's calls do not in 16 bits), at
    the same points, near to that in f64."""
    for name, (dtype, tolerance) in NARROWER.items():
        try:
            narrow = retyped(module, dtype)
            made = vjp(narrow)
            arrays = [a.astype(dtype) if is_float(a) else a for a in (*inputs, *cotangents)]
            with np.errstate(all="ignore"):
                found = interpret(made, *arrays)[-len(gradients) :]
        except (IrcError, TypeError):
            continue
        found = [np.asarray(g, np.float64) for g in found]
        if all(np.isfinite(g).all() for g in found):
            scale = max([1.0, *(float(np.abs(g).max(initial=0)) for g in gradients)])
            for got, want in zip(found, gradients, strict=True):
                np.testing.assert_allclose(
                    got, want, rtol=0, atol=tolerance * scale, err_msg=f"the gradient in {name}"
                )
            note(module, name, found, gradients)


def retyped(module: Module, dtype: type[Any]) -> Module:
    """The program with another type in the place of f64: by its text, in which constants are numbers."""
    name = "bf16" if dtype is ml_dtypes.bfloat16 else f"f{np.dtype(dtype).itemsize * 8}"
    text = re.sub(r"(?<=[x<( ])f64\b", name, str(module))
    return parse(text)


def check_forward(
    module: Module,
    inputs: Sequence[np.ndarray],
    cotangents: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Forward and reverse mode are transposes: <cotangents, J tangents> = <J^T cotangents, tangents>."""
    tangents = [rng.standard_normal(a.shape) for a in inputs if is_float(a)]
    found = interpret(jvp(module), *inputs, *tangents)
    found = found[len(found) - len(cotangents) :]
    forward = sum((c * t).sum() for c, t in zip(cotangents, found, strict=True))
    reverse = sum((g * t).sum() for g, t in zip(gradients, tangents, strict=True))
    np.testing.assert_allclose(forward, reverse, rtol=1e-9, atol=1e-9)
    return [np.asarray(forward)], [np.asarray(reverse)]
