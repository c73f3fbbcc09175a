"""`irc dump FILE [--stage S]`: what became of a program. A Python file is executed as `__main__`, and every program that
was compiled is shown; a file of MLIR is compiled and shown."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from typing import Any

from irc.aliases import LIBRARIES, install_as
from irc.cli import sources
from irc.cli.arrays import tensor_type
from irc.cli.programs import run_program
from irc.cli.terminal import show
from irc.codegen.gpu.target import PROCESSORS
from irc.driver import (
    STAGES,
    Executable,
    Observer,
    compile_module,
    compile_text,
    observing,
    retargeted,
    target_of,
)
from irc.errors import IrcError
from irc.frontends.models import call_with, models_in
from irc.frontends.points import noting
from irc.passes.hooks import Record, Timing
from irc.passes.manager import Hook
from irc.runtime.target import PROCESSORS as CPUS


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument("file", help="a Python program, or the text of a module")
    parser.add_argument("arguments", nargs="*", help="the program's arguments")
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
    parser.add_argument("--program", type=int, metavar="N", help="only the Nth compiled program, from 0")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="TYPE",
        help="an argument such as f32[32,3,32,32] for a model to be called with",
    )
    parser.add_argument("--model", metavar="NAME", help="which model of the file to call with --input")
    parser.add_argument(
        "--as", dest="frontend", choices=LIBRARIES, help="execute with irc in this library's place"
    )


class Collector(Observer):
    """Keeps every compiled program with what its passes recorded."""

    def __init__(self) -> None:
        self.programs: list[tuple[Executable, Sequence[Hook]]] = []

    def hooks(self) -> Sequence[Hook]:
        return (Record(), Timing())

    def compiled(self, executable: Executable, hooks: Sequence[Hook]) -> None:
        self.programs.append((executable, hooks))


def run(arguments: argparse.Namespace) -> int:
    """Runs or compiles the file and prints what was compiled; returns the exit status."""
    collector = Collector()
    with observing(collector), noting() if arguments.notes else contextlib.nullcontext():
        if arguments.file.endswith(".py"):
            if arguments.frontend:
                install_as(arguments.frontend)
            # What the program itself prints must not mix with the dump.
            with contextlib.redirect_stdout(sys.stderr):
                names = run_program(arguments.file, arguments.arguments)
                if arguments.input or not collector.programs:
                    _call_a_model(names, arguments)
        else:
            compile_text(*sources.read(arguments.file), target=arguments.target)
    if arguments.target != "cpu":
        collector.programs = [
            for_target(e, h, arguments.target) if e.stages.target != target_of(arguments.target) else (e, h)
            for e, h in collector.programs
        ]
    chosen = list(enumerate(collector.programs))
    if arguments.program is not None:
        chosen = chosen[arguments.program : arguments.program + 1]
    if not chosen:
        raise IrcError(
            f"{arguments.file} compiled {len(collector.programs)} programs, there is no number {arguments.program}"
        )
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


def _call_a_model(names: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Calls the file's model on the types of --input; without them, says which models there are."""
    models = models_in(names)
    if not arguments.input:
        found = ", ".join(models) or "none"
        raise IrcError(
            f"{arguments.file} compiled nothing",
            notes=(
                f"models in it: {found}",
                "name an input to call one with: --input 'f32[32,3,32,32]' [--model NAME]",
            ),
        )
    name = arguments.model or next(iter(models), None)
    if name not in models:
        raise IrcError(f"{arguments.file} has no model '{name}' (models: {', '.join(models) or 'none'})")
    call_with(models[name], [tensor_type(t) for t in arguments.input])


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
