"""Where the time of a program goes: its LLVM text with a clock around every kernel call, and which call is of which op."""

from __future__ import annotations

import ctypes
import functools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from irc.codegen.lower.group import KernelGroup
from irc.codegen.plan import Branch, Loop, Planner, Run, Step
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.ir.locations import Location
from irc.ir.operation import Operation

_CALL = re.compile(r'  call void @("?)(?P<name>[\w.$]+)\1\(')
_CLOCK = 3
"""CLOCK_THREAD_CPUTIME_ID of Linux: what other processes take of the core does not count."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """One op of a fused program, and the kernels that it calls; `func` is the function they compute. A copy that the memory
    plan asks for has none."""

    kernels: tuple[str, ...]
    location: Location
    func: Func | None = None
    op: Operation | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """How often a call site was passed in one call of the program, and the seconds spent there."""

    times: int
    seconds: float


def call_sites(module: Module, machine: Machine = HOST) -> list[CallSite]:
    """The call sites of a fused module in the order in which the program's text has them."""
    main = module.symbols["main"]
    assert isinstance(main, Func)
    found: list[CallSite] = []
    planner = Planner(module, main, machine)
    _collect(planner, planner.run(), found)
    return found


def _collect(planner: Planner, steps: Sequence[Step], found: list[CallSite]) -> None:
    for step in steps:
        match step:
            case Run(group=group, location=location, op=op):
                func = None if op is None else planner.function(op)
                found.append(CallSite(_names(group), location, func, op))
            case Loop(condition=condition, body=body):
                _collect(planner, condition, found)
                _collect(planner, body, found)
            case Branch(arms=arms):
                for arm in arms:
                    _collect(planner, arm, found)


def _names(group: KernelGroup) -> tuple[str, ...]:
    return tuple(f.sym_name for f in group.functions)


class Clocks:
    """Clocks for a program's LLVM text: `text` is to be run in its place, `calls` are the kernels called, in order."""

    def __init__(self, llvm: str, symbol: str = "irc_main") -> None:
        lines = llvm.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith(f"define void @{symbol}("))
        end = lines.index("}", start)
        self.calls: list[str] = []
        for line in lines[start:end]:
            call = _CALL.match(line)
            if call and not call["name"].startswith("llvm."):
                self.calls.append(call["name"])
        self.counters = (ctypes.c_int64 * (2 * len(self.calls) + 2))()
        body = self._clocked(lines[start:end])
        declared = [] if "@clock_gettime(" in llvm else ["declare i32 @clock_gettime(i32, ptr)"]
        self.text = "\n".join([*lines[:start], *body, *lines[end:], *declared, ""])

    def _clocked(self, lines: Sequence[str]) -> list[str]:
        made, at = [], 0
        for line in lines:
            call = _CALL.match(line)
            if call is None or call["name"].startswith("llvm."):
                made.append(line)
                if line == "entry:":
                    made.append("  %clock = alloca [2 x i64], align 8")
                    made.append("  %clock.fraction = getelementptr i8, ptr %clock, i64 8")
                continue
            made += [*_now(f"%t{at}.a"), line, *_now(f"%t{at}.b"), *self._add(at)]
            at += 1
        return made

    def _add(self, at: int) -> list[str]:
        lines = [f"  %t{at}.d = sub i64 %t{at}.b.ns, %t{at}.a.ns"]
        for place, by in ((2 * at, f"%t{at}.d"), (2 * at + 1, "1")):
            where = f"inttoptr (i64 {ctypes.addressof(self.counters) + 8 * place} to ptr)"
            lines += [
                f"  %t{place}.old = load i64, ptr {where}, align 8",
                f"  %t{place}.new = add i64 %t{place}.old, {by}",
                f"  store i64 %t{place}.new, ptr {where}, align 8",
            ]
        return lines

    def read(self) -> list[Taken]:
        """What each call took since this was last asked, without what the clock itself takes."""
        own, found = _clock_seconds(), []
        for i in range(len(self.calls)):
            times = self.counters[2 * i + 1]
            found.append(Taken(times, max(self.counters[2 * i] * 1e-9 - times * own, 0.0)))
        ctypes.memset(self.counters, 0, ctypes.sizeof(self.counters))
        return found


@functools.cache
def _clock_seconds() -> float:
    """What lies between two looks at the clock."""
    looks = [time.thread_time_ns() for _ in range(1001)]
    return 1e-9 * median(b - a for a, b in pairwise(looks))


def _now(name: str) -> list[str]:
    return [
        f"  {name}.r = call i32 @clock_gettime(i32 {_CLOCK}, ptr %clock)",
        f"  {name}.s = load i64, ptr %clock, align 8",
        f"  {name}.f = load i64, ptr %clock.fraction, align 8",
        f"  {name}.m = mul i64 {name}.s, 1000000000",
        f"  {name}.ns = add i64 {name}.m, {name}.f",
    ]


def by_site(sites: Sequence[CallSite], clocks: Clocks, rounds: Sequence[Sequence[Taken]]) -> list[Taken]:
    """The medians of the rounds, summed over the kernels of each call site."""
    # Names may differ: of kernels that are the same, one is emitted.
    assert sum(len(site.kernels) for site in sites) == len(clocks.calls), "other calls than the plan has"
    found, at = [], 0
    for site in sites:
        own = range(at, at + len(site.kernels))
        spent: Any = sum(median(r[i].seconds for r in rounds) for i in own)
        found.append(Taken(rounds[0][at].times if own else 0, spent))
        at += len(own)
    return found
