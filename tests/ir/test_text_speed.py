"""How fast texts are read and printed, beside a figure of the machine that is measured in the same breath.

Two busy cores read 26,000 operations a second and print 130,000 where that figure is 25 ms; the bounds leave half as much
again to twice as much time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from irc.dialects.builtin import parse

pytestmark = pytest.mark.slow  # times say nothing on a busy machine

OPERATIONS = 4000


def seconds(action: Callable[[], Any]) -> float:
    """Of processor time, the best of some runs."""
    found = []
    for _ in range(4):
        start = time.process_time()
        action()
        found.append(time.process_time() - start)
    return min(found)


def machine() -> float:
    """A hundred thousand short strings put into a dictionary."""
    return seconds(lambda: {str(i): i for i in range(100_000)})


@lru_cache(maxsize=1)
def program() -> str:
    """Ops as JAX writes them: arithmetic, constants, broadcasts, products, a reduction."""
    lines = []
    last = "%arg0"
    for i in range(0, OPERATIONS, 5):
        lines += [
            f"    %c{i} = stablehlo.constant dense<1.{i}> : tensor<f32>",
            f"    %b{i} = stablehlo.broadcast_in_dim %c{i}, dims = [] : (tensor<f32>) -> tensor<8x8xf32>",
            f"    %m{i} = stablehlo.multiply {last}, %b{i} : tensor<8x8xf32>",
            f"    %d{i} = stablehlo.dot_general %m{i}, %b{i}, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : "
            "(tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>",
            f"    %t{i} = stablehlo.transpose %d{i}, dims = [1, 0] : (tensor<8x8xf32>) -> tensor<8x8xf32>",
        ]
        last = f"%t{i}"
    body = "\n".join(lines)
    return f"func.func @main(%arg0: tensor<8x8xf32>) -> tensor<8x8xf32> {{\n{body}\n    return {last} : tensor<8x8xf32>\n}}\n"


def test_operations_read_and_printed() -> None:
    module = parse(program(), verify=False)
    unit = machine()
    reading = seconds(lambda: parse(program(), verify=False)) / OPERATIONS
    printing = seconds(lambda: str(module)) / OPERATIONS
    assert reading < unit / 400, (
        f"{1 / reading:.0f} operations a second, the machine's figure is {1e3 * unit:.1f} ms"
    )
    assert printing < unit / 1600, (
        f"{1 / printing:.0f} operations a second, the machine's figure is {1e3 * unit:.1f} ms"
    )


def test_long_hexadecimal_literals() -> None:
    """20 MB: a fifth of what half a second is asked for."""
    array = np.arange(2_500_000, dtype=np.float32)
    text = (
        "func.func @main() -> tensor<2500000xf32> {\n"
        f'  %0 = stablehlo.constant dense<"0x{array.tobytes().hex()}"> : tensor<2500000xf32>\n'
        "  return %0 : tensor<2500000xf32>\n}\n"
    )
    module = parse(text)
    assert (module.symbols["main"].returned[0].op.value.array == array).all()
    assert seconds(lambda: parse(text)) < 6 * machine()
