"""Recurrent classifiers in both styles: a loop over time is one loop of the program, however long the sequence is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rnn_steps

import irc
from irc.driver import compile_module
from irc.frontends.recorder.backend import apart, using


def programs(step: Callable[[int], Any], steps: int) -> list[tuple[Any, Any]]:
    """The modules that one training step compiles, with their executables."""
    made = []

    def kept(module: Any, donate: Any) -> Any:
        made.append((module, compile_module(module, donate=donate)))
        return made[-1][1]

    with apart(), using(kept):
        step(steps)
    return made


def operations(module: Any) -> int:
    return sum(1 for _ in module.walk())


def fused(executable: Any) -> int:
    return operations(irc.parse(str(executable.stages["fused"])))


def kernels(executable: Any) -> int:
    return str(executable.stages["kernel"]).count("func.func")


@pytest.mark.parametrize("style", rnn_steps.STYLES)
def test_the_program_does_not_grow_with_time(style: str) -> None:
    """As many operations, fused functions and kernels for a hundred steps as for two hundred, and as many fused functions
    for a thousand: only a sum over more than 4096 numbers takes a second kernel. Forward and backward are `while`s."""
    runs = [programs(rnn_steps.STYLES[style], steps) for steps in (100, 200, 1000)]
    for first, *others in zip(*runs, strict=True):
        module, executable = first
        for other, again in others:
            assert operations(other) == operations(module)
            assert fused(again) == fused(executable)
            assert 0 <= kernels(again) - kernels(executable) <= 2
        assert kernels(others[0][1]) == kernels(executable)
    assert sum(op.name == "stablehlo.while" for op in runs[-1][-1][0].walk()) == 2


def test_both_styles_give_the_same_loss() -> None:
    """From equal weights, with PyTorch's two biases added."""
    ours, theirs = rnn_steps.losses(steps=12)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
