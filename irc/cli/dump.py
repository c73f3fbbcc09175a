"""`irc dump FILE [--stage S]`: what became of a program. A Python file is executed as `__main__`, and every program that
was compiled is shown; a file of MLIR is compiled and shown."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence

from irc.cli import collecting
from irc.cli.terminal import show
from irc.codegen.gpu.target import PROCESSORS
from irc.driver import STAGES, Executable, compile_module, retargeted, target_of
from irc.errors import IrcError
from irc.frontends.points import noting
from irc.passes.hooks import Record, Timing
from irc.passes.manager import Hook
from irc.runtime.target import PROCESSORS as CPUS


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    collecting.add(parser)
    parser.add_argument(
        "--stage", choices=[*STAGES, "ptx", "all"], default="tensor", help="which level to show"
    )
    parser.add_argument(
        "--target",
        choices=["cpu", *CPUS, *PROCESSORS],
        default="cpu",
        help="what the program is compiled for",
    )
    parser.add_argument("--timing", action="store_true", help="how long each stage and pass took")
    parser.add_argument("--memory", action="store_true", help="the memory plan")
    parser.add_argument(
        "--notes",
        action="store_true",
        help="locations say which operation of the frontend an op comes from, and its settings",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs or compiles the file and prints what was compiled; returns the exit status."""
    with noting() if arguments.notes else contextlib.nullcontext():
        programs = collecting.collected(arguments, arguments.target)
    if arguments.target != "cpu":
        programs = [
            for_target(e, h, arguments.target) if e.stages.target != target_of(arguments.target) else (e, h)
            for e, h in programs
        ]
    chosen = collecting.chosen(programs, arguments)
    for number, (program, hooks) in chosen:
        _show(number, len(chosen), program, hooks, arguments)
    return 0


def for_target(program: Executable, hooks: Sequence[Hook], target: str) -> tuple[Executable, Sequence[Hook]]:
    """A program that was compiled for the host, compiled for another target, and the hooks of that."""
    module = program.stages.tensor
    if module is None:
        raise IrcError(f"a program of kernels cannot be compiled for {target}")
    again = [type(h)() for h in hooks]
    return compile_module(retargeted(module), target=target, hooks=again), again


def _show(
    number: int, count: int, program: Executable, hooks: Sequence[Hook], arguments: argparse.Namespace
) -> None:
    mark = {"llvm": ";", "asm": "#", "ptx": "//"}.get(arguments.stage, "//")
    if count > 1 or arguments.stage == "all":
        if number:
            print("// -----\n" if arguments.stage not in ("llvm", "asm") else "")
        show(f"{mark} program {number}: {program!r}\n")
    if arguments.stage != "all":
        show(program.stages[arguments.stage])
    else:
        for stage in STAGES:
            show(f"// ===== {stage}\n{program.stages[stage]}\n")
            if stage == "tensor":
                show(_passes(hooks))
    if arguments.timing:
        show(_timing(program, hooks, mark))
    if arguments.memory:
        show("\n".join(f"{mark} {line}" for line in str(program.memory_plan).splitlines()) + "\n")


def _passes(hooks: Sequence[Hook]) -> str:
    """The rewrites that fired, pass by pass, as comments."""
    lines = ["// ===== passes"]
    for hook in hooks:
        if isinstance(hook, Record):
            for name, fired in hook.fired:
                lines += [f"// {name}", *(f"//   {line}" for line in fired)]
    return "\n".join(lines) + "\n"


def _timing(program: Executable, hooks: Sequence[Hook], mark: str) -> str:
    lines = [f"{mark} stage          ms"]
    lines += [f"{mark} {stage:<10} {1e3 * seconds:7.2f}" for stage, seconds in program.timings.items()]
    for hook in hooks:
        if isinstance(hook, Timing):
            lines += [f"{mark}   {line}" for line in hook.report().splitlines()]
    return "\n".join(lines) + "\n"
