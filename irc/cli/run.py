"""`irc run FILE`: a module's text of any stage on random or given inputs, or a Python program under a frontend."""

from __future__ import annotations

import argparse
import time
from hashlib import sha256

from irc import options
from irc.aliases import LIBRARIES, install_as
from irc.cli import sources
from irc.cli.arrays import arguments as make_arguments
from irc.cli.arrays import describe
from irc.cli.bits import verify_bits
from irc.cli.programs import run_program
from irc.codegen.gpu.devices import TARGETS
from irc.dialects.builtin import parse
from irc.dialects.func import Func
from irc.driver import compile_module, compile_text
from irc.errors import IrcError
from irc.interpreter import interpret
from irc.runtime.elf import code_digest
from irc.runtime.target import PROCESSORS as CPUS


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument(
        "file",
        help="MLIR, LLVM or assembly text that `irc dump` printed, or a .py program; - is standard input",
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for a program: its arguments")
    parser.add_argument(
        "--as", dest="frontend", choices=LIBRARIES, help="run the program with irc in this library's place"
    )
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="FILE.npy",
        help="an argument (repeat); random if absent",
    )
    parser.add_argument("--seed", type=int, default=0, help="of random arguments")
    parser.add_argument(
        "--target",
        choices=["cpu", "interpreter", *CPUS, *TARGETS],
        default="cpu",
        help="native code, the reference, code for a lesser processor, or a GPU's code on it or in an interpreter of PTX",
    )
    parser.add_argument(
        "--digest", action="store_true", help="print the object code's digest instead of running"
    )
    parser.add_argument(
        "--verify-bits",
        action="store_true",
        help="run in every way that must not change a bit: threads, fusion, schedules, alignment, the emulator",
    )
    parser.add_argument(
        "--check-bounds", action="store_true", help="check every access of generated code to memory (slow)"
    )
    parser.add_argument(
        "--trap-nan",
        action="store_true",
        help="stop with the line of the first op that makes a NaN or an infinity, and the range of its inputs (slow)",
    )
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="time N calls")


def run(arguments: argparse.Namespace) -> int:
    """Runs the file and prints what it gives; returns the exit status."""
    if not arguments.frontend and "--as" in arguments.arguments:
        raise IrcError(
            "what follows the file is the program's own",
            notes=(f"write: irc run --as LIBRARY {arguments.file}",),
        )
    if arguments.check_bounds:
        options.put("IRC_CHECK_BOUNDS", "1")
    if arguments.trap_nan:
        options.put("IRC_TRAP_NAN", "1")
    if arguments.frontend:
        install_as(arguments.frontend)
    if arguments.file.endswith(".py"):
        if arguments.target == "interpreter":
            raise IrcError("a program's models run natively or on a GPU, never in the interpreter")
        if arguments.target != "cpu":
            options.put("IRC_TARGET", arguments.target)
        run_program(arguments.file, arguments.arguments)
        return 0
    if arguments.frontend:
        raise IrcError(f"--as {arguments.frontend} runs Python programs, {arguments.file} is none")
    source, name = sources.read(arguments.file)
    if arguments.target == "interpreter":
        return _interpret(source, name, arguments)
    if arguments.verify_bits:
        return _verify_bits(source, name, arguments)
    program = compile_text(source, name, target=arguments.target)
    if arguments.digest:
        digest = code_digest if arguments.target == "cpu" else lambda code: sha256(code).hexdigest()
        print(digest(program.object_code))
        return 0
    arrays = make_arguments(program.stamp.inputs, arguments.input, arguments.seed)
    for array, type in zip(program(*arrays), program.stamp.outputs, strict=True):
        print(describe(array, type))
    if arguments.repeat:
        start = time.perf_counter()
        for _ in range(arguments.repeat):
            program(*arrays)
        print(f"{(time.perf_counter() - start) / arguments.repeat * 1e6:.1f} us a call")
    return 0


def _verify_bits(source: str, name: str, arguments: argparse.Namespace) -> int:
    module = parse(source, name)
    types = compile_module(module).stamp.inputs
    for way in verify_bits(module, make_arguments(types, arguments.input, arguments.seed)):
        print(f"the same bits: {way}")
    return 0


def _interpret(source: str, name: str, arguments: argparse.Namespace) -> int:
    module = parse(source, name)
    main = module.symbols.get("main")
    if not isinstance(main, Func):
        raise IrcError("the module has no function @main")
    arrays = make_arguments([a.type for a in main.arguments], arguments.input, arguments.seed)
    for array, value in zip(interpret(module, *arrays), main.returned, strict=True):
        print(describe(array, value.type))
    return 0
