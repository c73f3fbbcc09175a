"""Random products and convolutions, of any dimension numbers and under random schedules: the reference's bits."""

from __future__ import annotations

from typing import Any

from group_programs import assert_same_bits, convolution, function, reference, run_group, samples
from hypothesis import given, settings
from hypothesis import strategies as st
from test_contraction import scheduled

from irc.codegen.lower.contraction import lower_contraction
from irc.dialects import stablehlo as hlo
from irc.ir.types import TensorType, f32

EXTENTS = st.sampled_from((1, 1, 2, 3, 5, 8, 17, 33))
EDITS = st.fixed_dictionaries(
    {},
    optional={
        "mr": st.integers(1, 14),
        "nv": st.integers(1, 3),
        "kc": st.sampled_from((1, 5, 16, 40)),
        "bc": st.integers(1, 3),
        "mc": st.sampled_from((1, 4, 20, 1000)),
        "nc": st.sampled_from((1, 16, 48, 1000)),
        "pack_b": st.sampled_from(("none", "block", "all", "turn")),
        "pack_a": st.booleans(),
        "order": st.sampled_from(("rows", "lanes")),
        "prefetch": st.booleans(),
    },
)


@st.composite
def products(draw: Any) -> Any:
    """dot_general with dimensions of each role in any order."""
    roles = {
        role: [draw(EXTENTS) for _ in range(draw(st.integers(0, 2)))]
        for role in ("batch", "sum", "left", "right")
    }
    left = draw(st.permutations([(r, i) for r in ("batch", "sum", "left") for i in range(len(roles[r]))]))
    right = draw(st.permutations([(r, i) for r in ("batch", "sum", "right") for i in range(len(roles[r]))]))

    def at(side: list[tuple[str, int]], role: str) -> tuple[int, ...]:
        return tuple(side.index((role, i)) for i in range(len(roles[role])))

    numbers = hlo.DotDimensionNumbers(
        at(left, "batch"), at(right, "batch"), at(left, "sum"), at(right, "sum")
    )
    types = [TensorType(tuple(roles[r][i] for r, i in side), f32) for side in (left, right)]
    return function(types, lambda b, x, w: [b.emit(hlo.DotGeneral(x, w, dot_dimension_numbers=numbers))])


@st.composite
def convolutions(draw: Any) -> Any:
    """Convolutions of one or two spatial dimensions in any layout, with groups of either kind."""
    spatial = draw(st.integers(1, 2))
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    by_batch = draw(st.booleans())
    batch, channels, features = (draw(st.sampled_from((1, 2, 5))) for _ in range(3))
    features *= groups
    kernel = [draw(st.integers(1, 3)) for _ in range(spatial)]
    strides, dilations = ([draw(st.integers(1, 2)) for _ in range(spatial)] for _ in range(2))
    image = [(k - 1) * d + 1 + draw(st.integers(0, 8)) for k, d in zip(kernel, dilations, strict=True)]
    lhs = [batch * groups if by_batch else batch, channels if by_batch else channels * groups, *image]
    rhs = [channels, features, *kernel]
    orders = [draw(st.permutations(range(spatial + 2))) for _ in range(3)]

    def placed(order: list[int]) -> list[int]:
        """Where each of (batch, feature, spatial...) stands."""
        return [order.index(i) for i in range(spatial + 2)]

    (a, c, *s), (i, o, *r), (ob, of, *os) = map(placed, orders)
    numbers = hlo.ConvDimensionNumbers(a, c, tuple(s), i, o, tuple(r), ob, of, tuple(os))
    return convolution(
        tuple(lhs[p] for p in orders[0]),
        tuple(rhs[p] for p in orders[1]),
        numbers=numbers,
        window_strides=strides,
        rhs_dilation=dilations,
        window_reversal=[draw(st.booleans()) for _ in range(spatial)],
        feature_group_count=1 if by_batch else groups,
        batch_group_count=groups if by_batch else 1,
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.one_of(products(), convolutions()), EDITS)
def test_any_contraction_under_any_schedule(func: Any, edits: dict[str, Any]) -> None:
    chosen = scheduled(func, edits)
    arrays = samples(func)
    assert_same_bits(run_group(chosen, lower_contraction(chosen), arrays), reference(func, arrays), edits)
