"""The way from a module to something that runs: the driver, reached through one replaceable function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from irc import options
from irc.dialects.builtin import Module
from irc.frontends.recorder.bounded import Bounded, program_limit
from irc.frontends.recorder.places import HOME

Executable = Callable[..., Any]
"""exe(*arrays) -> list of arrays; arrays named in `donate` may be written to and come back as results."""

Donations = Mapping[int, int] | Sequence[int]
"""Inputs that may be written to, with the outputs that take them over where that is known."""

Compile = Callable[[Module, Donations], Executable]


@dataclass(slots=True)
class Counters:
    """How often this process compiled a program and ran one: what tests and `irc explain` count."""

    compiled: int = 0
    runs: int = 0


counters = Counters()


def _driver(module: Module, donate: Donations, target: str = "") -> Executable:
    from irc.driver import DeviceExecutable, compile_module  # noqa: PLC0415 - loads LLVM: only when something is compiled

    target = target or options.text("IRC_TARGET") or "cpu"
    made = compile_module(module, donate=donate, target=target)
    return made.resident if isinstance(made, DeviceExecutable) else made


_compile: Compile = _driver


def compile_program(module: Module, donate: Donations = (), place: str = HOME) -> Executable:
    """Compiles @main of `module` for a place: results live there."""
    counters.compiled += 1
    return _compile(module, donate) if place == HOME else _driver(module, donate, place)


_caches: list[Bounded[Any]] = []


def cache() -> Bounded[Any]:
    """Compiled programs by their structure, which `apart` knows of."""
    made: Bounded[Any] = Bounded("compiled programs", program_limit)
    _caches.append(made)
    return made


@contextmanager
def apart() -> Iterator[None]:
    """For a while nothing is known of what was compiled before, as in a new process: every program is compiled, and the
    numbers in it are constants until they change. Afterwards only what was known before is."""
    before = [known.snapshot() for known in _caches]
    for known in _caches:
        known.restore(({}, {}))
    try:
        yield
    finally:
        for known, old in zip(_caches, before, strict=False):
            known.restore(old)


@contextmanager
def using(compile: Compile) -> Iterator[None]:
    """Compiles with another function for a while (tests of recording use the reference interpreter)."""
    global _compile
    before, _compile = _compile, compile
    try:
        yield
    finally:
        _compile = before
