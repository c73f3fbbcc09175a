"""`irc ops [NAME]`: the list of ops, or one op's reference page."""

from __future__ import annotations

import argparse

from irc.codegen.emit.module import HANDLERS
from irc.codegen.lower import lowering_of
from irc.dialects.describe import Concern, describe, op_names
from irc.errors import IrcError
from irc.ir.operation import Operation, all_operations
from irc.passes.autodiff import rule_of
from irc.passes.autodiff.registry import NoGradient, Refused

TENSOR_DIALECTS = ("stablehlo", "chlo")


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument(
        "name", nargs="?", help="an op (stablehlo.dot_general, dot_general) or a dialect (stablehlo)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints names, or a page; returns the exit status."""
    name = arguments.name
    names = all_operations()
    if name is None or name in {n.partition(".")[0] for n in names}:
        print("\n".join(op_names(name or "")))
        return 0
    # A bare name means the tensor op before the kernel op of the same name.
    bare = sorted(
        (n for n in names if n.partition(".")[2] == name), key=lambda n: (not n.startswith("stablehlo."), n)
    )
    full = name if name in names else next(iter(bare), None)
    if full is None:
        raise IrcError(f"there is no op '{name}'; `irc ops` lists them")
    print(describe(full, _concerns(names[full])))
    return 0


def _concerns(cls: type[Operation]) -> dict[str, Concern]:
    """What the parts of the compiler say of an op: tensor ops are lowered to kernels, kernel ops are emitted."""
    if cls.dialect in TENSOR_DIALECTS:
        return {"gradient": _gradient, "native code": lowering_of}
    return {"native code": lambda _: "LLVM instructions"} if cls in HANDLERS else {}


def _gradient(cls: type[Operation]) -> str:
    match rule_of(cls):
        case None:
            return "none"
        case NoGradient(reason=reason):
            return f"none: {reason}"
        case Refused(reason=reason):
            return f"refused: {reason}"
    return "yes"
