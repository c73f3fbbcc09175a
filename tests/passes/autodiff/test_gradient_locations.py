"""Every op that differentiation makes carries the line of the forward op it came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import irc
from irc.dialects import stablehlo as hlo
from irc.ir.locations import Location, file_location
from irc.passes.autodiff import jvp, vjp

pytest.importorskip("jax")

import jax
from gradients_against_jax import exported, inputs_of
from jax_functions import FUNCTIONS

PROGRAMS = [
    *(
        "jax.nn.softmax",
        "jax.nn.gelu",
        "jax.numpy.linalg.solve",
        "jax.lax.scan",
        "jax.lax.cond",
        "jax.lax.switch",
    ),
    *(
        "jax.lax.conv__grouped",
        "jax.lax.reduce_window__max",
        "jax.numpy.sort",
        "jax.numpy.at_max",
        "jax.numpy.cumprod",
    ),
    *(
        "jax.lax.igamma__x",
        "jax.numpy.fft.irfft",
        "jax.numpy.linalg.qr",
        "jax.lax.top_k",
        "jax.numpy.prod__axis",
    ),
]


def relocated(module: Any) -> tuple[Any, dict[int, str]]:
    """The module read from its own text, each op at its line; and the lines."""
    text = str(module)
    return irc.parse(text, "forward.mlir"), dict(enumerate(text.splitlines(), 1))


def made(module: Any) -> Iterator[Any]:
    """Ops of @main but its end and the ends of its regions."""
    for op in module.symbols["main"].walk():
        if not isinstance(op, hlo.Return) and op.name not in ("func.return", "func.func"):
            yield op


@pytest.mark.parametrize("transform", (vjp, jvp), ids=("vjp", "jvp"))
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_op_has_a_line_of_the_forward(name: str, transform: Any) -> None:
    with jax.enable_x64(True):
        module, lines = relocated(exported(FUNCTIONS[name], inputs_of(FUNCTIONS[name], "f64")))
    ops = list(made(transform(module)))
    missing = [op for op in ops if not is_placed(op.location, lines)]
    assert not missing, f"{len(ops) - len(missing)} of {len(ops)}; without: {missing[:5]}"


def is_placed(location: Location, lines: dict[int, str]) -> bool:
    """Whether a location is on a line of the forward text that holds an op."""
    at = file_location(location)
    return at is not None and at.file == "forward.mlir" and bool(lines[at.line].strip())
