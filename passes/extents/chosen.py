"""Forms that ops take at some sizes of a program and not at others. Asked before anything is compiled: it loads no pass."""

from __future__ import annotations

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.ir.types import bf16, f32

LEAST_CHANNELS = 32
"""Channels and features from which convolutions of 3x3 windows may take Winograd's form (`irc.passes.winograd`)."""


def chosen_by_size(module: Module) -> bool:
    """Whether some convolution takes Winograd's form at some sizes of a program and not at others, or some product of bf16
    numbers the form of a processor's instruction: then no program that serves all sizes has the bits of each."""
    return any(_is_chosen(op) for op in module.walk())


def _is_chosen(op: object) -> bool:
    if isinstance(op, hlo.DotGeneral | hlo.Convolution) and op.lhs.type.element is bf16:
        return True
    return isinstance(op, hlo.Convolution) and _has_windows(op)


def _has_windows(op: hlo.Convolution) -> bool:
    d, w, shape = op.dimension_numbers, op.window, op.rhs.type.shape
    channels = shape[d.kernel_input_feature_dimension], shape[d.kernel_output_feature_dimension]
    return (
        [shape[i] for i in d.kernel_spatial_dimensions] == [3, 3]
        and {*w.strides, *w.rhs_dilation} == {1}
        and op.rhs.type.element is f32
        and all(n is None or (n >= LEAST_CHANNELS and n % 16 == 0) for n in channels)
    )
