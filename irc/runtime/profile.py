"""Where the time went: IRC_PROFILE=trace.json writes a trace for chrome://tracing or Perfetto when the process ends.

Phases of compilation are noted in Python, kernels by the program itself: it calls ``irc_profile(names, offset, what)``
(see ``irc.codegen.profile``), which keeps one record with the time and the thread. Unprofiled programs are unchanged."""

from __future__ import annotations

import atexit
import ctypes
import functools
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from irc import options
from irc.runtime import jit

SYMBOL = "irc_profile"
"""``void irc_profile(ptr names, i64 offset, i64 what)``: ``what`` of the zero-terminated name begins (1) or ends (0)."""

ROOM = 1 << 20
"""Records that are kept; what comes later is counted as lost."""

_TEXT = f"""
@records = internal global ptr null, align 8
@next = internal global i64 0, align 64

declare i32 @clock_gettime(i32, ptr)
declare i64 @pthread_self()

define void @{SYMBOL}(ptr %names, i64 %offset, i64 %what) {{
entry:
  %records = load ptr, ptr @records, align 8
  %off = icmp eq ptr %records, null
  br i1 %off, label %done, label %count

count:
  %number = atomicrmw add ptr @next, i64 1 monotonic
  %kept = icmp ult i64 %number, {ROOM}
  br i1 %kept, label %keep, label %done

keep:
  %time = alloca [2 x i64], align 8
  %got = call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %rest.at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.at, align 8
  %whole = mul i64 %seconds, 1000000000
  %now = add i64 %whole, %rest
  %thread = call i64 @pthread_self()
  %name = getelementptr i8, ptr %names, i64 %offset
  %record = getelementptr [4 x i64], ptr %records, i64 %number
  store ptr %name, ptr %record, align 8
  %what.at = getelementptr i64, ptr %record, i64 1
  store i64 %what, ptr %what.at, align 8
  %now.at = getelementptr i64, ptr %record, i64 2
  store i64 %now, ptr %now.at, align 8
  %thread.at = getelementptr i64, ptr %record, i64 3
  store i64 %thread, ptr %thread.at, align 8
  br label %done

done:
  ret void
}}

define void @irc_profile_into(ptr %records) {{
  store ptr %records, ptr @records, align 8
  ret void
}}

define i64 @irc_profile_count() {{
  %count = load atomic i64, ptr @next monotonic, align 8
  ret i64 %count
}}
"""


@functools.cache
def _load() -> dict[str, int]:
    return jit.load(jit.assembled(_TEXT), (SYMBOL, "irc_profile_into", "irc_profile_count"))


def noted_by(object_code: bytes) -> bool:
    """Whether a program makes records."""
    return SYMBOL.encode() in object_code


def address() -> int:
    """The address of ``irc_profile``, which does nothing where no profile is asked for."""
    return _load()[SYMBOL]


class Profile:
    """What this process noted so far, and where it goes at the end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.phases: list[dict[str, Any]] = []
        self.code: list[Any] = []
        """Programs that hold the names of records."""
        self.records = np.zeros((ROOM, 4), np.int64)
        found = _load()
        self._count = ctypes.PYFUNCTYPE(ctypes.c_int64)(found["irc_profile_count"])
        into = ctypes.PYFUNCTYPE(None, ctypes.c_int64)(found["irc_profile_into"])
        into(self.records.__array_interface__["data"][0])
        atexit.register(self.write)

    def events(self) -> list[dict[str, Any]]:
        """The trace's events: phases, then kernels, each on its thread; times are microseconds."""
        main = threading.main_thread().ident
        threads: dict[int, int] = {main or 0: 0}
        kernels = []
        count = min(self._count(), ROOM)
        for name, begins, at, thread in self.records[:count].tolist():
            number = threads.setdefault(thread % (1 << 64), len(threads))
            kernels.append(
                {
                    "name": ctypes.string_at(name).decode(),
                    "cat": "kernel",
                    "ph": "B" if begins else "E",
                    "ts": at / 1e3,
                    "pid": os.getpid(),
                    "tid": number,
                }
            )
        names = [
            {
                "name": "thread_name",
                "ph": "M",
                "pid": os.getpid(),
                "tid": n,
                "args": {"name": f"thread {n}" if n else "main thread"},
            }
            for n in threads.values()
        ]
        return [*names, *self.phases, *kernels]

    def write(self) -> None:
        """The whole trace as JSON."""
        lost = max(0, self._count() - ROOM)
        whole = {"traceEvents": self.events(), "displayTimeUnit": "ns", "otherData": {"lost": lost}}
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(whole, file)


@functools.cache
def _profile(path: str) -> Profile:
    return Profile(path)


def profile() -> Profile | None:
    """The process's profile, where IRC_PROFILE asks for one."""
    path = options.text("IRC_PROFILE")
    return _profile(path) if path else None


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Notes a phase of compilation."""
    start = time.perf_counter_ns()
    try:
        yield
    finally:
        noting = profile()
        if noting is not None:
            spent = (time.perf_counter_ns() - start) / 1e3
            event = {"name": name, "cat": "compile", "ph": "X", "ts": start / 1e3, "dur": spent}
            noting.phases.append({**event, "pid": os.getpid(), "tid": 0})
