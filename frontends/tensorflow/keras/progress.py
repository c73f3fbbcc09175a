"""The line that `fit`, `evaluate` and `predict` draw, with Keras 3's bar, estimate and numbers."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

BOLD, GREEN, GREY, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"
BAR = "\N{BOX DRAWINGS HEAVY HORIZONTAL}"


class Progbar:
    """`update(current, values)` draws how far of `target` steps (None: unknown) the work is.

    verbose 0 draws nothing, 1 a bar that is drawn again every `interval` seconds, 2 one line at the end. Values that are
    not among `stateful_metrics` are averaged over steps."""

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05,
        stateful_metrics: Sequence[str] | None = None, unit_name: str = "step",
    ) -> None:  # fmt: skip
        self.target, self.width, self.verbose, self.interval = target, width, verbose, interval
        self.stateful_metrics = dict.fromkeys(stateful_metrics or ())
        self.unit_name = unit_name
        self._values: dict[str, tuple[float, float]] = {}
        self._seen = 0
        self._start = time.time()
        self._last_drawn = 0.0
        self._first_step_at: float | None = None
        self._width_before = 0

    def is_due(self, current: int) -> bool:
        """Whether `update` would draw: values need not be looked at otherwise."""
        if self.verbose == 1:
            done = self.target is not None and current >= self.target
            return done or time.time() - self._last_drawn >= self.interval
        return self.verbose == 2 and self.target is not None and current >= self.target

    def update(
        self, current: int, values: Sequence[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Shows how far it is, and values by name."""
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._take(current, values or ())
        now = time.time()
        per_unit = self._per_unit(current, now)
        if self.verbose == 1 and (finalize or now - self._last_drawn >= self.interval):
            self._draw(current, now, per_unit, finalize)
            self._last_drawn = now
        elif self.verbose == 2 and finalize:
            steps = self.target or current
            text = f"{current:{len(str(steps))}d}/{steps} - {now - self._start:.0f}s -"
            _write(f"{text}{self._speed(per_unit)}{self._metrics()}\n")

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """Shows so many more steps."""
        self.update(self._seen + n, values)

    def _take(self, current: int, values: Sequence[tuple[str, Any]]) -> None:
        steps = max(current - self._seen, 1)
        for name, value in values:
            number = float(np.mean(value))
            if name in self.stateful_metrics:
                self._values[name] = (number, 1)
            else:
                total, count = self._values.get(name, (0.0, 0.0))
                self._values[name] = (total + number * steps, count + steps)
        self._seen = current

    def _per_unit(self, current: int, now: float) -> float:
        """Seconds a step takes; the first one, which compiles, does not count."""
        if not current:
            return 0.0
        if self._first_step_at is None or current == 1:
            self._first_step_at = self._first_step_at or now
            return (now - self._start) / current
        return (now - self._first_step_at) / (current - 1)

    def _draw(self, current: int, now: float, per_unit: float, finalize: bool) -> None:
        bar, hidden = self._bar(current)
        if self.target is not None and not finalize:
            clock = _duration(per_unit * (self.target - current))
        else:
            clock = f"{now - self._start:.0f}s"
        info = f" {BOLD}{clock}{PLAIN}{self._speed(per_unit)}{self._metrics()}"
        hidden += len(BOLD) + len(PLAIN)
        width = len(bar) + len(info) - hidden
        start = "\b" * self._width_before + "\r"
        _write(start + bar + info + " " * (self._width_before - width) + ("\n" if finalize else ""))
        self._width_before = width

    def _bar(self, current: int) -> tuple[str, int]:
        """The bar, and how many of its characters are not seen."""
        if self.target is None:
            return f"{current:7d}/Unknown", 0
        text = f"{current:{len(str(self.target))}d}/{self.target}"
        full = int(self.width * current / self.target)
        done = f"{GREEN}{BAR * full}{PLAIN}" if full else ""
        bar = f"{BOLD}{text}{PLAIN} {done}{GREY}{BAR * (self.width - full)}{PLAIN}"
        return bar, len(bar) - len(text) - 1 - self.width

    def _speed(self, per_unit: float) -> str:
        if per_unit >= 1 or per_unit == 0:
            return f" {per_unit:.0f}s/{self.unit_name}"
        if per_unit >= 1e-3:
            return f" {per_unit * 1e3:.0f}ms/{self.unit_name}"
        return f" {per_unit * 1e6:.0f}us/{self.unit_name}"

    def _metrics(self) -> str:
        means = {name: total / max(1, count) for name, (total, count) in self._values.items()}
        return "".join(f" - {n}: {v:.4f}" if abs(v) > 1e-3 else f" - {n}: {v:.4e}" for n, v in means.items())


def _duration(seconds: float) -> str:
    s = int(seconds)
    if s > 3600:
        return f"{s // 3600}:{s % 3600 // 60:02d}:{s % 60:02d}"
    return f"{s // 60}:{s % 60:02d}" if s > 60 else f"{s}s"


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
