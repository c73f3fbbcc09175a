"""Each shape op's rule against finite differences, twice differentiated."""

from __future__ import annotations

import numpy as np
import pytest
from autodiff_harness import check, program_for

from irc.dialects import stablehlo as hlo
from irc.interpreter import interpret
from irc.ir.types import TensorType, f32, f64
from irc.passes.autodiff import vjp
from irc.passes.expression import (
    Expr,
    broadcast,
    concatenate,
    convert,
    dynamic_slice,
    dynamic_update_slice,
    reshape,
    reverse,
    sin,
    slice,
    transpose,
)

M = np.random.default_rng(3).standard_normal((3, 4))
T = np.random.default_rng(4).standard_normal((2, 3, 4))


def padded(x: Expr, filling: Expr, low, high, interior) -> Expr:
    made = hlo.Pad(
        x.value, filling.value, edge_padding_low=low, edge_padding_high=high, interior_padding=interior
    )
    return x.scope.emit(made)


def broadcast_to(x: Expr, shape: tuple[int, ...], dimensions: tuple[int, ...]) -> Expr:
    return sin(broadcast(x, shape, dimensions))


CASES = {
    "reshape": lambda x: sin(reshape(x, (4, 3))),
    "transpose": lambda x: sin(transpose(x, (1, 0))),
    "reverse": lambda x: sin(reverse(x, (1,))),
    "broadcast_new": lambda x: broadcast_to(x, (2, 3, 4), (1, 2)),
    "broadcast_permuted": lambda x: broadcast_to(x, (4, 2, 3), (2, 0)),
    "broadcast_ones": lambda x: broadcast_to(slice(x, (0, 0), (3, 1)), (2, 3, 5), (1, 2)),
    "broadcast_ones_permuted": lambda x: broadcast_to(slice(x, (0, 0), (1, 4)), (4, 6), (1, 0)),
    "slice": lambda x: sin(slice(x, (1, 1), (3, 4))),
    "slice_strided": lambda x: sin(slice(x, (0, 1), (3, 4), (2, 2))),
    "slice_empty": lambda x: reshape(slice(x, (1, 2), (1, 4)), (0,)),
    "concatenate": lambda x: sin(concatenate([x, x * 2, x], 1)),
    "dynamic_slice_twice": lambda x: sin(
        dynamic_slice(x, corner(x, 1, 2), (2, 2)) * dynamic_slice(x, corner(x, 9, 9), (2, 2))
    ),
    "dynamic_update_slice": lambda x: sin(
        dynamic_update_slice(x, slice(x, (0, 0), (2, 2)) * 3, corner(x, 1, 1))
    ),
}


def corner(x: Expr, *places: int) -> list[Expr]:
    from irc.ir.types import i32

    return [x.scope.constant(p, TensorType((), i32)) for p in places]


@pytest.mark.parametrize("name", CASES)
def test_shape_op(name: str) -> None:
    check(CASES[name], M)


@pytest.mark.parametrize(
    "low, high, interior",
    [
        ((1, 0), (0, 2), (0, 0)),
        ((-1, 1), (1, -2), (0, 0)),
        ((0, 1), (2, 0), (1, 2)),
        ((-1, 0), (0, -1), (1, 1)),
    ],
)
def test_pad(low, high, interior) -> None:
    check(lambda x, f: sin(padded(x, f, low, high, interior)), M, np.array(0.5))


def test_convert_gives_the_cotangent_back_its_type() -> None:
    module = vjp(program_for(lambda x: convert(x * x, f64), [M.astype(np.float32)]))
    assert module.symbols["main"].type.results[1] is TensorType((3, 4), f32)
    got = interpret(module, M.astype(np.float32), np.ones((3, 4)))[1]
    np.testing.assert_allclose(got, 2 * M.astype(np.float32))


def test_integers_stop_the_gradient() -> None:
    from irc.ir.types import i32

    check(lambda x: x * convert(convert(x * 10, i32), f64), M, order=1, tolerance=1e-4, step=1e-7)
