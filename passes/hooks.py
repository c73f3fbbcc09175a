"""Hooks around passes: numbered dumps, times, verification, comparison of meaning, reproducers, fired rewrites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from irc import options
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.interpreter import interpret
from irc.ir.types import ComplexType, FloatType, IntegerType, TensorType
from irc.passes.manager import Hook, Pass, Remark, Step, with_pipeline


@dataclass
class PrintTree(Hook):
    """Writes the module after every pass: `0003.after-cse.mlir`, and `0000.input.mlir` first.

    Each file carries the pipeline that is still to run, so that it can be replayed. Files are numbered on across
    pipelines that share the hook. A pass that changed nothing writes no file."""

    directory: Path
    count: int = 0

    def begin(self, module: Module, passes: Sequence[Pass]) -> None:
        self._write("input", with_pipeline(module, passes))

    def after(self, step: Step) -> None:
        if step.after is not None and step.after is not step.before:
            self._write(f"after-{step.this.name}", with_pipeline(step.after, step.remaining[1:]))

    def _write(self, what: str, module: Module) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / f"{self.count:04d}.{what}.mlir").write_text(f"{module}\n")
        self.count += 1


@dataclass
class Timing(Hook):
    """How long each pass took."""

    seconds: list[tuple[str, float]] = field(default_factory=list)

    def after(self, step: Step) -> None:
        self.seconds.append((str(step.this), step.seconds))

    def report(self) -> str:
        """A line a pass, in milliseconds, and the sum."""
        rows = [f"{1e3 * s:9.2f} ms  {name}" for name, s in self.seconds]
        return "\n".join([*rows, f"{1e3 * sum(s for _, s in self.seconds):9.2f} ms  in all"])


class VerifyEach(Hook):
    """Verifies the module after every pass that changed it."""

    def after(self, step: Step) -> None:
        if step.after is not None and step.after is not step.before:
            step.after.verify()


@dataclass
class CompareEach(Hook):
    """Interprets the module before the first pass and after every one, and compares the results.

    `inputs` are @main's arguments (random ones where None). Results must have equal bits, except that any NaN equals
    any NaN; with `tolerance`, floats may differ by that much of the largest element (or of 1, where all are smaller)."""

    inputs: Sequence[Any] | None = None
    tolerance: float = 0.0
    seed: int = 0
    expected: list[Any] = field(default_factory=list)

    def begin(self, module: Module, passes: Sequence[Pass]) -> None:
        if self.inputs is None:
            self.inputs = random_inputs(module, self.seed)
        self.expected = interpret(module, *self.inputs)

    def after(self, step: Step) -> None:
        if step.after is None or step.after is step.before:
            return
        for i, (want, got) in enumerate(
            zip(self.expected, interpret(step.after, *self.inputs or ()), strict=True)
        ):
            difference = explain_difference(want, got, self.tolerance)
            if difference:
                raise IrcError(f"pass '{step.this}' changed result {i}: {difference}")


@dataclass
class Reproducer(Hook):
    """On an error, writes the module before the failing pass with the pipeline from there on, and notes the command."""

    directory: Path

    def failed(self, step: Step, error: BaseException) -> None:
        path = self.directory / f"reproducer-{step.index:04d}-{step.this.name}.mlir"
        self.directory.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{with_pipeline(step.before, step.remaining)}\n")
        error.add_note(f"pass '{step.this}' failed; replay with: irc opt {path}")


@dataclass
class Record(Hook):
    """Which rewrites fired in each pass, and what passes remarked, for `irc dump` and `irc explain`."""

    fired: list[tuple[str, list[str]]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def after(self, step: Step) -> None:
        lines = step.context.rewrites.lines()
        if lines:
            self.fired.append((step.this.name, lines))
        self.remarks += step.context.remarks

    def report(self) -> str:
        return "\n".join(
            f"{name}:\n" + "\n".join(f"  {line}" for line in lines) for name, lines in self.fired
        )


def hooks_from_environment() -> list[Hook]:
    """The hooks that IRC_DUMP_DIR, IRC_VERIFY_EACH and IRC_COMPARE_EACH ask for."""
    hooks: list[Hook] = []
    if directory := options.text("IRC_DUMP_DIR"):
        hooks += [_print_tree(directory), Reproducer(Path(directory))]
    if options.flag("IRC_VERIFY_EACH"):
        hooks.append(VerifyEach())
    if options.flag("IRC_COMPARE_EACH"):
        hooks.append(CompareEach())
    return hooks


@cache
def _print_tree(directory: str) -> PrintTree:
    """One for a folder, so that the dumps of a process are numbered on."""
    return PrintTree(Path(directory))


def random_inputs(module: Module, seed: int = 0, entry: str = "main") -> list[np.ndarray[Any, Any]]:
    """Arrays for the arguments of a function, the same for the same seed; unknown extents become 3."""
    func = module.symbols[entry]
    assert isinstance(func, Func)
    rng = np.random.default_rng(seed)
    return [random_array(a.type, rng) for a in func.arguments]


def random_array(type: TensorType, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Floats from a normal distribution, small integers (not negative where unsigned), fair booleans."""
    shape = tuple(3 if d is None else d for d in type.shape)
    match type.element:
        case FloatType() as element:
            return rng.standard_normal(shape).astype(element.numpy)
        case ComplexType() as element:
            return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(element.numpy)
        case IntegerType(width=1):
            return rng.integers(0, 2, shape).astype(bool)
        case IntegerType() as element:
            low = 0 if element.is_unsigned else -min(8, 2 ** (element.width - 1))
            return rng.integers(low, min(8, 2 ** (element.width - 1) - 1), shape, endpoint=True).astype(
                element.numpy
            )
    raise IrcError(f"no random values for {type}")


def explain_difference(want: Any, got: Any, tolerance: float = 0.0) -> str:
    """What differs between two arrays, or "" where nothing does."""
    want, got = np.asarray(want), np.asarray(got)
    if want.shape != got.shape or want.dtype != got.dtype:
        return f"{want.dtype}{list(want.shape)} became {got.dtype}{list(got.shape)}"
    same = equal_bits(want, got)
    if same.all():
        return ""
    at = tuple(int(i) for i in np.argwhere(~same)[0])
    message = f"{int((~same).sum())} of {want.size} elements differ, first at {list(at)}: {want[at]} became {got[at]}"
    if tolerance and np.issubdtype(want.dtype, np.inexact):
        scale = float(np.max(np.abs(want), initial=1.0, where=np.isfinite(want)))
        if np.allclose(got, want, rtol=0.0, atol=tolerance * scale, equal_nan=True):
            return ""
    return message


def equal_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Elementwise: the same bits, or both NaN (which NaN is not part of any promise)."""
    raw = (a.size, a.dtype.itemsize)
    bits = np.ascontiguousarray(a).view(np.uint8).reshape(raw) == np.ascontiguousarray(b).view(
        np.uint8
    ).reshape(raw)
    same = bits.all(axis=1).reshape(a.shape)
    return same | ((a != a) & (b != b))
