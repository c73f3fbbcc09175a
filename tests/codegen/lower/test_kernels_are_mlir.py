"""MLIR's own parser and verifier take the kernels of contractions and windows."""

from __future__ import annotations

from typing import Any

import pytest
import test_contraction
import test_window

from irc.codegen.lower.contraction import lower_contraction
from irc.codegen.lower.window import lower_window
from irc.dialects.builtin import Module, print_module

mlir = pytest.importorskip("jaxlib.mlir.ir")
interpreters = pytest.importorskip("jax._src.interpreters.mlir")


@pytest.fixture(scope="module")
def context() -> Any:
    import jaxlib.mlir.dialects.arith
    import jaxlib.mlir.dialects.func
    import jaxlib.mlir.dialects.memref
    import jaxlib.mlir.dialects.scf
    import jaxlib.mlir.dialects.vector  # noqa: F401

    made = interpreters.make_ir_context()
    made.allow_unregistered_dialects = False
    return made


def verify(context: Any, functions: Any) -> None:
    with context:
        mlir.Module.parse(print_module(Module.of(functions), locations=False)).operation.verify()


@pytest.mark.parametrize("name", test_contraction.CASES)
def test_contractions(name: str, context: Any) -> None:
    for edits in (*test_contraction.SCHEDULES, {"pack_b": "turn"}):
        verify(
            context,
            lower_contraction(test_contraction.scheduled(test_contraction.CASES[name], edits)).functions,
        )


@pytest.mark.parametrize("name", test_window.CASES)
def test_windows(name: str, context: Any) -> None:
    verify(context, lower_window(test_window.CASES[name]).functions)
