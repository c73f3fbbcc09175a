"""MLIR itself, as jaxlib carries it: does it take a text, and do two texts mean the same to it?"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

jax_mlir = pytest.importorskip("jax._src.interpreters.mlir")
ir = pytest.importorskip("jaxlib.mlir.ir")
from jaxlib.mlir.dialects import chlo, stablehlo  # noqa: E402


@lru_cache(maxsize=1)
def context() -> Any:
    made = jax_mlir.make_ir_context()
    stablehlo.register_dialect(made, load=True)
    chlo.register_dialect(made, load=True)
    made.allow_unregistered_dialects = True
    return made


def generic(text: str) -> str:
    """The generic form of a module that MLIR parses and verifies; raises with its diagnostics otherwise."""
    with context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        module.operation.verify()
        return str(module.operation.get_asm(print_generic_op_form=True))


def attribute(text: str) -> str:
    """A module with one op that holds the attribute as `a`, as MLIR prints it."""
    with context(), ir.Location.unknown():
        return str(ir.Module.parse(f'"test.op"() {{a = {text}}} : () -> ()'))


def type_(text: str) -> str:
    """A type as MLIR prints it."""
    with context():
        return str(ir.Type.parse(text))


def locations(text: str) -> list[tuple[str, str]]:
    """(name, location) of every op, outermost first."""
    found: list[tuple[str, str]] = []

    def walk(op: Any) -> None:
        found.append((op.operation.name, str(op.location)))
        for region in op.regions:
            for block in region.blocks:
                for inner in block.operations:
                    walk(inner)

    with context(), ir.Location.unknown():
        walk(ir.Module.parse(text).operation)
    return found
