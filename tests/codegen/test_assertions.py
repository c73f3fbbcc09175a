"""Assertions of a program: they hold or raise with their line, natively, from disk, in the emulator and on a device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc
from irc.codegen.emulator import emulate
from irc.driver import compile_module

CHECK = """func.func @main(%x: tensor<3x{T}>, %y: tensor<3x{T}>) {{
  %0 = stablehlo.custom_call @{check}(%x, %y) : (tensor<3x{T}>, tensor<3x{T}>) -> tensor<i1>
  return
}}"""
ASSERTION = """func.func @main(%x: tensor<i32>) -> tensor<i32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %holds = stablehlo.compare GT, %x, %zero, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.custom_call @shape_assertion(%holds) {api_version = 2 : i32, error_message = "x must be positive", has_side_effect = true} : (tensor<i1>) -> ()
  %double = stablehlo.add %x, %x : tensor<i32>
  return %double : tensor<i32>
}"""

Runner = Callable[..., Any]
RUNNERS: dict[str, Runner] = {
    "interpreter": irc.interpret,
    "native": lambda m, *given: compile_module(m)(*given),
    "emulator": lambda m, *given: emulate(compile_module(m).stages.kernel, *given),
    "device": lambda m, *given: compile_module(m, target="ptx-emulated")(*given),
}


def failure(run: Runner, text: str, *given: Any) -> irc.FailedAssertionError | None:
    try:
        run(irc.parse(text, "checked.mlir"), *given)
    except irc.FailedAssertionError as error:
        return error
    return None


def step(x: float, n: int, kind: Any) -> Any:
    """The n-th number above x."""
    for _ in range(n):
        x = np.nextafter(kind(x), kind(np.inf))
    return x


PAIRS = [
    ("check.eq", "f32", [1, np.nan, -0.0], [1, np.nan, 0.0], True),
    ("check.eq", "f32", [1, 2, 3], [1, np.nan, 3], False),
    ("check.expect_eq", "i8", [1, -2, 3], [1, -2, 3], True),
    ("check.expect_eq", "i8", [1, -2, 3], [1, -2, 4], False),
    ("check.expect_eq", "i1", [True, False, True], [True, True, True], False),
    ("check.expect_eq", "complex<f32>", [1, 2j, 3], [1, 2j, 3 + 1j], False),
    ("check.expect_close", "f32", [1.0, np.inf, np.nan], [step(1.0, 3, np.float32), np.inf, np.nan], True),
    ("check.expect_close", "f32", [1.0, 1.0, 1.0], [1.0, step(1.0, 4, np.float32), 1.0], False),
    ("check.expect_close", "f32", [1e-45, 0.0, 1.0], [-1e-45, -0.0, 1.0], True),
    ("check.expect_close", "f32", [3e38, 0.0, 1.0], [-3e38, -0.0, 1.0], False),
    ("check.expect_close", "f32", [np.finfo(np.float32).max, 0, 0], [np.inf, 0, 0], False),
    ("check.expect_close", "f64", [1.0, 2.0, -4.0], [1.0, step(2.0, 2, np.float64), -4.0], True),
    ("check.expect_close", "complex<f32>", [1, 2j, 3], [1, 2j, 3 + 1j], False),
    ("check.expect_almost_eq", "f32", [1.0, np.inf, np.nan], [1.0009, np.inf, np.nan], True),
    ("check.expect_almost_eq", "f32", [1.0, 2.0, 3.0], [1.0, 2.0011, 3.0], False),
]
DTYPES = {"f32": np.float32, "f64": np.float64, "i8": np.int8, "i1": bool, "complex<f32>": np.complex64}


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(("check", "element", "x", "y", "holds"), PAIRS)
def test_checks(runner: str, check: str, element: str, x: Any, y: Any, holds: bool) -> None:
    text = CHECK.format(T=element, check=check)
    error = failure(RUNNERS[runner], text, np.array(x, DTYPES[element]), np.array(y, DTYPES[element]))
    assert (error is None) == holds
    if error is not None:
        assert error.message.startswith(f"{check}: ") and error.message.endswith("elements differ")
        assert error.span is not None and (error.span.file, error.line, error.column) == (
            "checked.mlir",
            2,
            8,
        )


@pytest.mark.parametrize("runner", RUNNERS)
def test_an_assertion_raises_what_it_says(runner: str) -> None:
    assert failure(RUNNERS[runner], ASSERTION, np.int32(1)) is None
    error = failure(RUNNERS[runner], ASSERTION, np.int32(-1))
    assert error is not None and (error.message, error.line) == ("x must be positive", 4)


def test_a_program_from_disk_asserts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRC_CACHE", "1")
    monkeypatch.setenv("IRC_CACHE_DIR", str(tmp_path))
    for _ in range(2):
        error = failure(RUNNERS["native"], ASSERTION, np.int32(-1))
        assert error is not None and error.line == 4
    assert list(tmp_path.rglob("*")), "nothing was kept"


def test_a_failure_is_raised_in_the_thread_that_made_it() -> None:
    program = compile_module(irc.parse(ASSERTION))
    wrong: list[int] = []

    def call(sign: int) -> None:
        for i in range(1, 200):
            try:
                raised = int(program(np.int32(sign * i))[0]) != 2 * i
            except irc.FailedAssertionError:
                raised = True
            if raised != (sign < 0):
                wrong.append(sign * i)

    threads = [threading.Thread(target=call, args=(sign,)) for sign in (1, -1) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
