"""Products read slices where they lie and write their results turned, in the bits of products with copies around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import irc
from irc.dialects import stablehlo as hlo
from irc.driver import PIPELINE, Executable
from irc.ir.operation import Value
from irc.ir.types import TensorType, f32, row_major_strides
from irc.passes.fusion.views import viewed

COPIED = PIPELINE.replace("fusion", "fusion{attention=false views=false}")


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape, dtype=np.float32)


def parts(x: Any, y: Any) -> Any:
    """Columns of one matrix times columns of another, and rows of the one times the other."""
    return x[:, 3:19] @ y[:, 5:60].T[:16], x[1:8] @ y


def heads(x: Any) -> Any:
    b, t, c = x.shape
    q, k = (x[..., i * c // 2 : (i + 1) * c // 2].reshape(b, t, 4, -1) for i in range(2))
    return jnp.einsum("bqhd,bkhd->bhqk", q, k)


def every_other(x: Any, y: Any) -> Any:
    return x[::2] @ y[:, 0:32], x[1::2] @ y[:, 32:64]


def turned(x: Any, y: Any) -> Any:
    return jnp.transpose(jnp.einsum("hqk,hkd->hqd", x, y), (1, 0, 2))


def turned_back(x: Any, y: Any) -> Any:
    """Something follows the transpose, and somebody else wants the product as it was."""
    made = jnp.einsum("hqk,hkd->hqd", x, y)
    return jnp.transpose(made, (1, 0, 2)) + 1, made * 2


def turned_after_more(x: Any, y: Any, bias: Any) -> Any:
    return jnp.transpose(jax.nn.relu(jnp.einsum("hqk,hkd->hqd", x, y) + bias), (1, 0, 2)).reshape(
        x.shape[1], -1
    )


def deep(x: Any, y: Any) -> Any:
    """So deep that sums are kept in the result between blocks of depth."""
    return jnp.transpose(jnp.einsum("hqk,hkd->hqd", x, y), (1, 0, 2))


CASES: dict[str, tuple[Callable[..., Any], list[np.ndarray]]] = {
    "parts": (parts, [normal(40, 70), normal(70, 70)]),
    "heads": (heads, [normal(2, 30, 128)]),
    "every-other": (every_other, [normal(50, 30), normal(30, 64)]),
    "turned": (turned, [normal(3, 50, 40), normal(3, 40, 33)]),
    "turned-back": (turned_back, [normal(3, 50, 40), normal(3, 40, 33)]),
    "turned-after-more": (turned_after_more, [normal(3, 50, 40), normal(3, 40, 33), normal(50, 33)]),
    "deep": (deep, [normal(2, 20, 4500), normal(2, 4500, 160)]),
}


def compiled(name: str, pipeline: str | None = None, **options: Any) -> Executable:
    function, arrays = CASES[name]
    source = jax.jit(function).lower(*arrays).as_text()
    return irc.compile_module(irc.parse(source), pipeline=pipeline, **options)


@pytest.mark.parametrize("name", CASES)
def test_same_bits_as_copies(name: str) -> None:
    arrays = CASES[name][1]
    read, copied = compiled(name, check_bounds=True), compiled(name, COPIED)
    for mine, wanted in zip(read(*arrays), copied(*arrays), strict=True):
        assert mine.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("name", ["heads", "every-other", "turned", "turned-after-more", "deep"])
def test_no_kernel_copies(name: str) -> None:
    main = irc.parse(compiled(name).stages["fused"]).symbols["main"]
    names = [op.name for op in main.walk()]
    assert "func.call" in names
    assert "stablehlo.slice" not in names and "stablehlo.transpose" not in names


@pytest.mark.parametrize(
    ("shape", "target"),
    [
        ((4, 6), (2, 2, 6)),
        ((4, 6), (4, 2, 3)),
        ((4, 6), (24,)),
        ((1, 4, 6), (4, 1, 6)),
        ((4, 6), (3, 8)),
        ((6, 4), (2, 12)),
    ],
)
@pytest.mark.parametrize("steps", [(1, 1), (2, 1), (1, 2)])
def test_reshapes_of_slices_are_views_where_numpy_says_so(
    shape: tuple[int, ...], target: tuple[int, ...], steps: tuple[int, int]
) -> None:
    *outer, n, m = shape
    whole = np.arange(np.prod(outer, dtype=int) * n * m * steps[0] * steps[1]).reshape(
        *outer, n * steps[0], m * steps[1]
    )
    part = whole[..., :: steps[0], :: steps[1]]
    operand = Value(TensorType(shape, f32), None, 0)
    op = hlo.Reshape(operand, result_types=[TensorType(target, f32)])
    start = tuple(s // 8 for s in part.strides)
    found = viewed(op, (0, start))
    same = part.reshape(target)
    if not np.shares_memory(part, same):
        assert found is None
        return
    assert found is not None and found[0] == 0
    assert [s for s, e in zip(found[1], target, strict=True) if e != 1] == [
        s // 8 for s, e in zip(same.strides, target, strict=True) if e != 1
    ]
    assert row_major_strides(target) == found[1] or steps != (1, 1)
