"""Window kernels: reduce_window and select_and_scatter, bit for bit the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from group_programs import assert_same_bits, function, reference, run_group, samples, splat

from irc.codegen.lower.window import lower_window
from irc.dialects import stablehlo as hlo
from irc.errors import UnsupportedError
from irc.ir.types import TensorType, bf16, f32, i1, i32

Shape = tuple[int, ...]
BORDER = ((0, 0), (1, 1), (1, 1), (0, 0))


def region(b: Any, element: Any, op: Any, **attributes: Any) -> Any:
    t = TensorType((), element)
    return b.region([t, t], lambda b, x, y: b.emit(hlo.Return([b.emit(op(x, y, **attributes))])))


def pooled(
    shape: Shape,
    size: Shape,
    *,
    op: Any = hlo.Maximum,
    start: float = -np.inf,
    element: Any = f32,
    mean: bool = False,
    **window: Any,
) -> Any:
    """reduce_window; `mean` adds a division of the result, next to the result itself."""

    def body(b: Any, x: Any) -> Sequence[Any]:
        init = splat(b, start, TensorType((), element))
        y = b.emit(
            hlo.ReduceWindow([x], [init], window_dimensions=size, regions=[region(b, element, op)], **window)
        )
        return [y, b.emit(hlo.Divide(y, splat(b, 9.0, y.type)))] if mean else [y]

    return function([TensorType(shape, element)], body)


def pooled_gradient(
    shape: Shape, size: Shape, strides: Shape, padding: Any = None, start: float = 0.0
) -> Any:
    pads = padding or ((0, 0),) * len(shape)
    windows = tuple((n + sum(p) - k) // s + 1 for n, p, k, s in zip(shape, pads, size, strides, strict=True))

    def body(b: Any, x: Any, source: Any) -> Sequence[Any]:
        init = splat(b, start, TensorType((), f32))
        regions = [region(b, f32, hlo.Compare, comparison_direction="GE"), region(b, f32, hlo.Add)]
        return [
            b.emit(
                hlo.SelectAndScatter(
                    x,
                    source,
                    init,
                    window_dimensions=size,
                    window_strides=strides,
                    padding=padding,
                    regions=regions,
                )
            )
        ]

    return function([TensorType(shape, f32), TensorType(windows, f32)], body)


CASES = {
    "max": pooled((2, 8, 10, 20), (1, 2, 2, 1), window_strides=(1, 2, 2, 1)),
    "max-border": pooled((2, 9, 10, 70), (1, 3, 3, 1), window_strides=(1, 2, 2, 1), padding=BORDER),
    "mean-border": pooled((2, 9, 10, 7), (1, 3, 3, 1), op=hlo.Add, start=0.0, mean=True, padding=BORDER),
    "channels-first": pooled((2, 3, 9, 10), (1, 1, 2, 2), window_strides=(1, 1, 2, 2)),
    "dilated": pooled(
        (2, 9, 10, 7), (1, 3, 2, 1), op=hlo.Add, start=0.5, window_strides=(1, 2, 1, 1),
        padding=((0, 0), (3, 2), (1, 0), (0, 0)), window_dilations=(1, 2, 3, 1), base_dilations=(1, 2, 1, 1),
    ),
    "running-sum": pooled((100,), (100,), op=hlo.Add, start=0.0, padding=((99, 0),)),
    "more-than-lanes": pooled((1, 10, 10, 20), (1, 10, 10, 1), op=hlo.Add, start=0.0),
    "more-than-a-block": pooled((1, 100, 70, 2), (1, 100, 70, 1), op=hlo.Add, start=0.0),
    "lanes-padded": pooled((4, 6), (1, 1), padding=((0, 0), (1, 2))),
    "integers": pooled((2, 8, 10, 20), (1, 2, 2, 1), element=i32, start=-5.0, window_strides=(1, 2, 2, 1)),
    "bf16": pooled((2, 8, 10, 20), (1, 2, 2, 1), element=bf16, op=hlo.Add, start=0.0),
    "scalar": pooled((), (), op=hlo.Add, start=1.0),
    "no-windows": pooled((2, 3), (3, 1)),
    "gradient-tiling": pooled_gradient((2, 8, 10, 20), (1, 2, 2, 1), (1, 2, 2, 1)),
    "gradient-leftover": pooled_gradient((2, 9, 11, 20), (1, 2, 2, 1), (1, 2, 2, 1)),
    "gradient-overlapping": pooled_gradient((2, 9, 11, 20), (1, 3, 3, 1), (1, 1, 1, 1), start=0.25),
    "gradient-border": pooled_gradient((2, 9, 11, 20), (1, 3, 3, 1), (1, 2, 2, 1), BORDER),
    "gradient-channels-first": pooled_gradient((2, 3, 9, 11), (1, 1, 3, 3), (1, 1, 2, 2)),
    "gradient-windows-of-padding": pooled_gradient((6, 20), (2, 3), (1, 2), ((2, 2), (0, 3))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_windows_give_the_bits_of_the_reference(name: str) -> None:
    func = CASES[name]
    arrays = samples(func)
    # Equal elements within windows, so that ties and their order count.
    arrays[0] = np.round(arrays[0].astype(np.float64) * 2).astype(arrays[0].dtype)
    with np.errstate(invalid="ignore"):
        expected = reference(func, arrays)
    assert_same_bits(run_group(func, lower_window(func), arrays), expected)


def test_nan_is_carried_through_a_maximum() -> None:
    func = CASES["max-border"]
    arrays = samples(func)
    arrays[0][0, 4, 4, 3] = np.nan
    (found,) = run_group(func, lower_window(func), arrays)
    (expected,) = reference(func, arrays)
    assert np.array_equal(np.isnan(found), np.isnan(expected)) and np.isnan(found).sum() == 1


@pytest.mark.parametrize("name", ["gradient-tiling", "gradient-overlapping", "gradient-leftover"])
def test_ops_after_select_and_scatter_are_part_of_its_kernel(name: str) -> None:
    """A mask on the result, next to the result itself."""
    plain = CASES[name]
    shape = plain.returned[0].type

    def body(b: Any, x: Any, source: Any, mask: Any) -> Sequence[Any]:
        init = splat(b, 0.0, TensorType((), f32))
        y = b.emit(plain.returned[0].op.with_operands([x, source, init]))
        return [b.emit(hlo.Select(mask, y, splat(b, 0.0, shape))), y]

    func = function([*(a.type for a in plain.arguments), TensorType(shape.shape, i1)], body)
    arrays = samples(func)
    assert_same_bits(run_group(func, lower_window(func), arrays), reference(func, arrays))


def test_two_windows_in_one_function_are_refused() -> None:
    def body(b: Any, x: Any) -> Sequence[Any]:
        once = CASES["max"].returned[0].op
        y = b.emit(once.with_operands([x, splat(b, 0.0, TensorType((), f32))]))
        again = hlo.ReduceWindow(
            [y], [splat(b, 0.0, TensorType((), f32))], window_dimensions=(1, 2, 2, 1), regions=once.regions
        )
        return [b.emit(again)]

    with pytest.raises(UnsupportedError, match="has 2"):
        lower_window(function([CASES["max"].arguments[0].type], body))
