"""The first NaN or infinity: planted ones are found at their line, with what made them; nothing else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc
from irc.driver import compile_module
from irc.errors import NonFiniteError, UnsupportedError
from irc.interpreter import interpret
from irc.passes.trap_nan import finding, instrumented


def of(text: str) -> Any:
    """The module of a text whose name is net.py."""
    return irc.parse(text.strip(), "net.py")


def straight(*lines: str) -> Any:
    """`@main(%x: tensor<3xf32>)` of these lines; the last value is %y, and the first line is line 2."""
    body = "\n".join(f"  {line}" for line in lines)
    return of(
        f"func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {{\n{body}\n  return %y : tensor<3xf32>\n}}"
    )


ZERO = "%z = stablehlo.constant dense<0.0> : tensor<3xf32>"

LOOP = of("""
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %i0 = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.constant dense<6> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %r:2 = stablehlo.while(%i = %i0, %a = %x) : tensor<i32>, tensor<f32>
  cond {
    %p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  } do {
    %f = stablehlo.convert %i : (tensor<i32>) -> tensor<f32>
    %d = stablehlo.subtract %a, %f : tensor<f32>
    %l = stablehlo.sqrt %d : tensor<f32>
    %s = stablehlo.multiply %l, %l : tensor<f32>
    %t = stablehlo.add %s, %f : tensor<f32>
    %j = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %j, %t : tensor<i32>, tensor<f32>
  }
  return %r#1 : tensor<f32>
}""")

ASKING = of("""
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %half = stablehlo.constant dense<0.5> : tensor<f32>
  %r = stablehlo.while(%a = %x) : tensor<f32>
  cond {
    %l = stablehlo.log %a : tensor<f32>
    %p = stablehlo.compare GT, %l, %half : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  } do {
    %d = stablehlo.subtract %a, %one : tensor<f32>
    %s = stablehlo.subtract %d, %one : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }
  return %r : tensor<f32>
}""")

BRANCH = of("""
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %p = stablehlo.compare GT, %x, %zero : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %y = "stablehlo.if"(%p) ({
    %a = stablehlo.sine %x : tensor<f32>
    stablehlo.return %a : tensor<f32>
  }, {
    %b = stablehlo.sine %x : tensor<f32>
    %c = stablehlo.rsqrt %b : tensor<f32>
    stablehlo.return %c : tensor<f32>
  }) : (tensor<i1>) -> tensor<f32>
  return %y : tensor<f32>
}""")

MASKED = straight(
    "%m = stablehlo.constant dense<0xFF800000> : tensor<3xf32>",
    "%i = stablehlo.constant dense<0xFF800000> : tensor<f32>",
    "%p = stablehlo.compare GT, %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>",
    "%w = stablehlo.select %p, %x, %m : tensor<3xi1>, tensor<3xf32>",
    "%g = stablehlo.reduce(%w init: %i) applies stablehlo.maximum across dimensions = [0] : (tensor<3xf32>, tensor<f32>) -> tensor<f32>",
    "%b = stablehlo.broadcast_in_dim %g, dims = [] : (tensor<f32>) -> tensor<3xf32>",
    "%y = stablehlo.subtract %w, %b : tensor<3xf32>",
)


def gradient(module: Any) -> Any:
    return irc.opt(module, "grad")


SUM = "%s = stablehlo.reduce(%q init: %z) applies stablehlo.add across dimensions = [0] : (tensor<3xf32>, tensor<f32>) -> tensor<f32>"
SLOPE = of(f"""
func.func @main(%x: tensor<3xf32>) -> tensor<f32> {{
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %q = stablehlo.sqrt %x : tensor<3xf32>
  {SUM}
  return %s : tensor<f32>
}}""")

# name: module, input, line, op, what it makes, the range of its first input
PLANTED: dict[str, tuple[Any, Any, int, str, str, tuple[float, float]]] = {
    "log": (straight("%y = stablehlo.log %x : tensor<3xf32>"), [1, -2, 3], 2, "log", "NaN", (-2, 3)),
    "sqrt": (straight("%y = stablehlo.sqrt %x : tensor<3xf32>"), [1, 4, -9], 2, "sqrt", "NaN", (-9, 4)),
    "0 / 0": (
        straight(ZERO, "%y = stablehlo.divide %x, %z : tensor<3xf32>"),
        [1, 0, 2],
        3,
        "divide",
        "NaN",
        (0, 2),
    ),
    "1 / 0": (
        straight(ZERO, "%y = stablehlo.divide %x, %z : tensor<3xf32>"),
        [1, 3, 2],
        3,
        "divide",
        "infinity",
        (1, 3),
    ),
    "exponential": (
        straight("%y = stablehlo.exponential %x : tensor<3xf32>"),
        [1, 99, 2],
        2,
        "exponential",
        "infinity",
        (1, 99),
    ),
    "power": (
        straight(
            "%e = stablehlo.constant dense<0.5> : tensor<3xf32>",
            "%n = stablehlo.negate %x : tensor<3xf32>",
            "%y = stablehlo.power %n, %e : tensor<3xf32>",
        ),
        [1, 2, 3],
        4,
        "power",
        "NaN",
        (-3, -1),
    ),
    "product": (
        straight(
            "%q = stablehlo.multiply %x, %x : tensor<3xf32>", "%y = stablehlo.multiply %q, %q : tensor<3xf32>"
        ),
        [1e15, 2, 3],
        3,
        "multiply",
        "infinity",
        (4, 1e30),
    ),
    "conversion": (
        straight(
            "%h = stablehlo.convert %x : (tensor<3xf32>) -> tensor<3xf16>",
            "%y = stablehlo.convert %h : (tensor<3xf16>) -> tensor<3xf32>",
        ),
        [1, 7e4, 3],
        2,
        "convert",
        "infinity",
        (1, 7e4),
    ),
    "a masked row": (MASKED, [1, 2, 3], 8, "subtract", "NaN", (-np.inf, -np.inf)),
    "in a loop": (LOOP, 3.5, 12, "sqrt", "NaN", (-0.5, -0.5)),
    "in a loop's condition": (ASKING, 1.75, 6, "log", "NaN", (-0.25, -0.25)),
    "in the first condition": (ASKING, -3.0, 6, "log", "NaN", (-3.0, -3.0)),
    "in a branch": (BRANCH, -1.0, 9, "rsqrt", "NaN", (np.sin(-1), np.sin(-1))),
    "in a gradient": (gradient(SLOPE), [1, 0, 4], 3, "divide", "infinity", (0.5, 0.5)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_found(name: str) -> None:
    module, given, line, op, kind, (low, high) = PLANTED[name]
    with pytest.raises(NonFiniteError, match=f"'stablehlo.{op}' makes an? {kind}") as found:
        compile_module(module, trap_nan=True)(np.array(given, np.float32))
    assert found.value.span is not None and (found.value.span.file, found.value.line) == ("net.py", line)
    assert ("gradient of" in found.value.message) == (name == "in a gradient")
    assert (
        f"in [{np.float64(np.float32(low)):.6g}, {np.float64(np.float32(high)):.6g}]" in found.value.notes[0]
    )


FINE = {
    "log": [1, 2, 3],
    "in a loop": 20.0,
    "in a loop's condition": 7.25,
    "in a branch": 1.0,
    "in a gradient": [1, 2, 3],
}


@pytest.mark.parametrize("name", FINE)
def test_results_keep_their_bits(name: str) -> None:
    module, x = PLANTED[name][0], np.array(FINE[name], np.float32)
    plain, watched = compile_module(module)(x), compile_module(module, trap_nan=True)(x)
    assert [a.tobytes() for a in plain] == [a.tobytes() for a in watched]
    made, sites = instrumented(module)
    *results, report = interpret(made, x)
    assert len(results) == len(plain) and finding(report, sites) is None


def test_infinite_arguments_and_constants_are_no_fault() -> None:
    module = straight("%y = stablehlo.add %x, %x : tensor<3xf32>")
    watched = compile_module(module, trap_nan=True)
    assert np.isinf(watched(np.array([1, np.inf, 2], np.float32))[0][1])
    with pytest.raises(NonFiniteError, match=r"argument 0 \(%x\) holds a NaN"):
        watched(np.array([1, np.nan, 2], np.float32))


def test_given_arrays_are_refused() -> None:
    watched = compile_module(PLANTED["log"][0], trap_nan=True)
    with pytest.raises(UnsupportedError, match="writes into no given arrays"):
        watched(np.ones(3, np.float32), out=[np.empty(3, np.float32)])


TRAINING = """
import torch

weight = torch.ones(3, requires_grad=True)
x = torch.tensor([4.0, 1.0, 0.0])
for step in range(2):
    root = torch.sqrt(weight * x)
    loss = root.sum()
    loss.backward()
    print(weight.grad)
"""


def test_a_training_program_stops_at_its_line(tmp_path: Path) -> None:
    """The slope of a root at 0 is infinite: it is the backward of line 7."""
    program = tmp_path / "net.py"
    program.write_text(TRAINING)
    command = [sys.executable, "-m", "irc.cli", "run", "--trap-nan", "--as", "torch", str(program)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "net.py:7:" in done.stderr and "gradient of 'stablehlo.divide' makes an infinity" in done.stderr
    assert "torch.sqrt(weight * x)" in done.stderr
