"""Gradients of programs that JAX exported, against JAX's own.

    python tests/gradients_against_jax.py [--native] [--dtype f32|f64] [--only WORD] [--share N]

For each function of tests/jax_functions.py: the forward StableHLO that JAX exports is read, differentiated by the pass,
and run; cotangents are random. Prints N of M, and what differs by cause. The status is 1 where anything
differs that the list DIFFERENT there does not give the reason of. The distance is max |ours - JAX's| over max |JAX's| (at least 1), to be below 1e-5 in f32 and 1e-10 in f64."""

from __future__ import annotations

import argparse
import collections
import sys
import warnings
from typing import Any

import jax
import numpy as np
from jax_functions import DIFFERENT, DIFFERENT_NATIVELY, FUNCTIONS, Case

import irc.dialects  # noqa: F401
from irc.dialects.builtin import Module, parse
from irc.driver import compile_module
from irc.errors import IrcError
from irc.interpreter import interpret
from irc.passes.autodiff import vjp

TOLERANCES = {"f32": 1e-5, "f64": 1e-10}
TYPES = {"f32": np.float32, "f64": np.float64}


def inputs_of(case: Case, dtype: str) -> list[np.ndarray[Any, Any]]:
    return [np.array(a, TYPES[dtype], order="C") for a in case[1]]


def exported(case: Case, inputs: list[Any]) -> Module:
    """The forward as JAX writes it."""
    return parse(jax.jit(case[0], keep_unused=True).lower(*inputs).as_text())


def is_smooth(x: Any) -> bool:
    return bool(np.issubdtype(x.dtype, np.inexact))


def cotangents_for(results: list[Any]) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    made = []
    for r in results:
        if is_smooth(r):
            g = rng.standard_normal(r.shape)
            made.append((g + 1j * rng.standard_normal(r.shape) if np.iscomplexobj(r) else g).astype(r.dtype))
    return made


def theirs(case: Case, inputs: list[Any], cotangents: list[Any]) -> list[np.ndarray[Any, Any]]:
    """JAX's gradients for these cotangents."""

    def smooth(*args: Any) -> list[Any]:
        return [r for r in jax.tree.leaves(case[0](*args)) if is_smooth(r)]

    return [np.asarray(g) for g in jax.jit(lambda x, g: jax.vjp(smooth, *x)[1](g))(inputs, cotangents)]


def distance(case: Case, dtype: str, native: bool = False) -> tuple[float, float]:
    """How far our gradient is from JAX's, and how far it may be: a program in f64 that rounds to f32 between is held to
    what f32 gives. Raises IrcError where there is no gradient."""
    with jax.enable_x64(dtype == "f64"):
        inputs = inputs_of(case, dtype)
        shapes = jax.tree.leaves(jax.eval_shape(case[0], *inputs))
        cotangents = cotangents_for(shapes)
        wanted = theirs(case, inputs, cotangents)
        forward = exported(case, inputs)
        module = vjp(forward)
    run = compile_module(module) if native else lambda *a: interpret(module, *a)
    with np.errstate(all="ignore"):
        found = run(*inputs, *cotangents)[-len(inputs) :]
    worst = 0.0
    for got, want in zip(found, wanted, strict=True):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        apart = np.abs(np.where(same, 0, np.asarray(got, np.complex128) - want)).max(initial=0.0)
        largest = np.abs(np.where(np.isnan(want), 0, want)).max(initial=1.0)
        worst = max(worst, float(np.nan_to_num(apart, nan=np.inf) / largest))
    return worst, TOLERANCES["f32" if "xf32>" in str(forward) else dtype]


def outcome(name: str, dtype: str, native: bool) -> str | None:
    """Why a function's gradient is not JAX's; None where it is."""
    try:
        apart, allowed = distance(FUNCTIONS[name], dtype, native)
    except IrcError as e:
        return e.message.splitlines()[0]
    if apart <= allowed:
        return None
    return (native and DIFFERENT_NATIVELY.get(name)) or DIFFERENT.get(name) or f"differs by {apart:.1e}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Gradients against JAX's.")
    parser.add_argument("--native", action="store_true", help="run generated code, not the interpreter")
    parser.add_argument("--dtype", choices=tuple(TYPES), action="append")
    parser.add_argument("--only", default="", help="functions whose name has this in it")
    parser.add_argument("--share", type=int, default=1, help="every Nth function")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    names = [n for n in FUNCTIONS if given.only in n][:: given.share]
    status = 0
    for dtype in given.dtype or list(TYPES):
        causes: dict[str, list[str]] = collections.defaultdict(list)
        for name in names:
            why = outcome(name, dtype, given.native)
            if why is not None:
                causes[why].append(name)
        failed = sum(map(len, causes.values()))
        print(f"{dtype}: {len(names) - failed} of {len(names)} gradients are JAX's to {TOLERANCES[dtype]:g}")
        for why, which in sorted(causes.items(), key=lambda item: -len(item[1])):
            print(f"    {len(which)} {why}: {', '.join(which)}")
        reasons = (*DIFFERENT.values(), *DIFFERENT_NATIVELY.values())
        status |= any(why not in reasons for why in causes)
    return status


if __name__ == "__main__":
    sys.exit(main())
