"""Transformations from text: `irc opt model.mlir --passes 'grad{of=main wrt=0,1}'`, one after another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

import irc
from irc.interpreter import interpret

TEXT = """func.func @main(%x: tensor<3xf64>, %w: tensor<3xf64>, %i: tensor<i32>) -> (tensor<i32>, tensor<f64>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f64>
  %0 = stablehlo.multiply %x, %w : tensor<3xf64>
  %1 = stablehlo.sine %0 : tensor<3xf64>
  %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64>
  return %i, %2 : tensor<i32>, tensor<f64>
}
"""
X, W, N = np.array([0.1, 0.2, 0.3]), np.array([1.0, -2.0, 3.0]), np.array(7, np.int32)
SLOPE_X, SLOPE_W = np.cos(X * W) * W, np.cos(X * W) * X


def run(passes: str, *inputs: np.ndarray) -> list[np.ndarray]:
    return interpret(irc.opt(irc.parse(TEXT), passes), *inputs)


def test_grad_vjp_and_jvp() -> None:
    _, value, g_x, g_w = run("grad{of=main wrt=0,1 result=1}", X, W, N)
    np.testing.assert_allclose(value, np.sin(X * W).sum())
    np.testing.assert_allclose(g_x, SLOPE_X)
    np.testing.assert_allclose(g_w, SLOPE_W)
    *_, g_w = run("vjp{wrt=1}", X, W, N, np.array(2.0))
    np.testing.assert_allclose(g_w, 2 * SLOPE_W)
    *_, tangent = run("jvp{wrt=0}", X, W, N, W)
    np.testing.assert_allclose(tangent, (SLOPE_X * W).sum())


def test_one_after_another() -> None:
    """A gradient for each example, and a second derivative: the tangent of a gradient."""
    many = np.stack([X, X * 2])
    _, _, g_x = run("grad{result=1 wrt=0},vmap{size=2 over=0}", many, W, N)
    np.testing.assert_allclose(g_x, np.cos(many * W) * W)
    *_, moved = run("grad{result=1 wrt=0},jvp{wrt=0}", X, W, N, np.ones(3))
    np.testing.assert_allclose(moved, -np.sin(X * W) * W * W)


def test_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "model.mlir"
    path.write_text(TEXT)
    command = [
        sys.executable,
        "-m",
        "irc.cli",
        "opt",
        str(path),
        "--passes",
        "grad{of=main wrt=0,1 result=1}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "-> (tensor<i32>, tensor<f64>, tensor<3xf64>, tensor<3xf64>)" in done.stdout
