"""MLIR as jaxlib carries it, with the dialects of kernels: does it take a text, and what does it make of it?"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

jax_mlir = pytest.importorskip("jax._src.interpreters.mlir")
ir = pytest.importorskip("jaxlib.mlir.ir")
for _dialect in ("arith", "func", "gpu", "llvm", "math", "memref", "nvgpu", "scf", "vector"):
    pytest.importorskip(f"jaxlib.mlir.dialects.{_dialect}")


@lru_cache(maxsize=1)
def context() -> Any:
    made = jax_mlir.make_ir_context()
    made.allow_unregistered_dialects = False
    made.load_all_available_dialects()
    return made


def verified(text: str, *, generic: bool = False) -> str:
    """The module as MLIR prints it; raises with its diagnostics where it does not parse or verify the text."""
    with context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        module.operation.verify()
        return str(module.operation.get_asm(print_generic_op_form=generic))
