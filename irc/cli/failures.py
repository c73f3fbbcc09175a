"""What can be wrong with a module: it crashes the compiler, two ways to run it differ, a command fails on its file.

Each is tried in a process of its own, so that nothing a module does ends the reduction."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from irc.codegen.emulator import emulate
from irc.dialects.builtin import Module
from irc.driver import PIPELINE, compile_module
from irc.errors import IrcError, UnsupportedError
from irc.interpreter import interpret
from irc.passes.hooks import explain_difference, random_inputs
from irc.passes.manager import run_pipeline

SECONDS = 60.0
"""How long one module may take."""
FINE = ""


def native(module: Module, arrays: Sequence[Any], pipeline: str) -> list[Any]:
    """The results of generated code."""
    return compile_module(module)(*(np.array(a, order="C") for a in arrays))


def unfused(module: Module, arrays: Sequence[Any], pipeline: str) -> list[Any]:
    """The same, a kernel an op."""
    program = compile_module(module, pipeline=PIPELINE.removesuffix(",fusion"))
    return program(*(np.array(a, order="C") for a in arrays))


def emulated(module: Module, arrays: Sequence[Any], pipeline: str) -> list[Any]:
    """The kernels, interpreted."""
    kernels = compile_module(module).stages.kernel
    assert kernels is not None
    return emulate(kernels, *arrays)


WAYS: dict[str, Callable[[Module, Sequence[Any], str], list[Any]]] = {
    "interpreter": lambda module, arrays, pipeline: interpret(module, *arrays),
    "passes": lambda module, arrays, pipeline: interpret(run_pipeline(module, pipeline), *arrays),
    "native": native,
    "unfused": unfused,
    "emulator": emulated,
}
"""The ways to run a module that must agree; `passes` interprets what the pipeline of --passes makes of it."""


def difference(module: Module, ways: Sequence[str], pipeline: str, tolerance: float, seed: int) -> str:
    """What two ways to run a module disagree about, on random inputs; "" where they agree or one refuses the module."""
    arrays = random_inputs(module, seed)
    try:
        with np.errstate(all="ignore"):
            want, got = (WAYS[way](module, arrays, pipeline) for way in ways)
    except UnsupportedError:
        return FINE
    found = [explain_difference(w, g, tolerance) for w, g in zip(want, got, strict=True)]
    return "differs" if any(found) else FINE


def compiled(module: Module, pipeline: str | None) -> str:
    """Verifies the module and runs a pipeline, or compiles it and calls it; what goes wrong is raised."""
    module.verify()
    if pipeline is not None:
        after = run_pipeline(module, pipeline)
        try:
            after.verify()
        except IrcError as error:
            return f"the passes leave a module that is not valid [{error.constraint}]"
        return FINE
    program = compile_module(module)
    program(*random_inputs(module, 0))
    return FINE


def command_status(module: Module, command: str) -> str:
    """The exit status of a shell command with the module's file in the place of `{}`, or at its end; "" for 0."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.mlir"
        path.write_text(f"{module}\n", encoding="utf-8")
        line = command.replace("{}", str(path)) if "{}" in command else f"{command} {path}"
        done = subprocess.run(line, shell=True, capture_output=True, timeout=SECONDS)
    return f"status {done.returncode}" if done.returncode else FINE


def outcome(action: Callable[[], str], seconds: float = SECONDS) -> str:
    """What an action says, in a forked process: its words; the exception that it ended with, if that is no IrcError, and
    where; or the signal. An IrcError is "", since refusing is right."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(action, writing)
    os.close(writing)
    said = b""
    ready, _, _ = select.select([reading], [], [], seconds)
    if ready:
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
    else:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not ready:
        return "takes too long"
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else said.decode()


def _child(action: Callable[[], str], writing: int) -> None:
    """Runs the action, writes the outcome and ends the process."""
    # What the program prints, and what a crashing library says, is not the outcome.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.write(writing, said_by(action).encode())
    os._exit(0)


def said_by(action: Callable[[], str]) -> str:
    """The outcome of an action, here: the words of one that ends."""
    try:
        return action()
    except IrcError:
        return FINE
    except BaseException as error:
        return internal_error(error)


def internal_error(error: BaseException) -> str:
    """An exception and the function it was raised in: what tells one bug from another."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    ours = [f for f in frames if "irc" in Path(f.filename).parts or Path(f.filename).is_relative_to(_SOURCES)]
    where = f" in {Path(ours[-1].filename).name}:{ours[-1].name}" if ours else ""
    return f"{type(error).__name__}{where}"


_SOURCES = Path(sys.modules["irc"].__file__ or ".").parents[1]
