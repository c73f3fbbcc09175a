"""Which convolutions take the padding of their input into their own kernel: depthwise ones, whose kernel reads each pixel
where it lies and zeros beside the image. What is padded in memory would be written and read once more, which is most of
what such a convolution costs."""

from __future__ import annotations

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Operation
from irc.ir.types import TensorType, f32

_SPATIAL = (1, 2)


def padding_of(op: Operation) -> hlo.Pad | None:
    """The pad of zeros that a depthwise convolution's kernel does itself; None where it does not.

    Images are NHWC and windows HWIO, of one output channel for each input channel, in f32, of known sizes."""
    if not isinstance(op, hlo.Convolution) or not isinstance(op.lhs.op, hlo.Pad):
        return None
    pad, types = op.lhs.op, [v.type for v in (op.lhs, op.rhs, op.result)]
    if not all(isinstance(t, TensorType) and t.is_fixed and t.rank == 4 and t.element is f32 for t in types):
        return None
    d, w = op.dimension_numbers, op.window
    layout = (
        d.input_batch_dimension, *d.input_spatial_dimensions, d.input_feature_dimension,
        *d.kernel_spatial_dimensions, d.kernel_input_feature_dimension, d.kernel_output_feature_dimension,
        d.output_batch_dimension, *d.output_spatial_dimensions, d.output_feature_dimension,
    )  # fmt: skip
    channels = op.lhs.type.shape[3]
    is_depthwise = op.feature_group_count == channels == op.rhs.type.shape[3] and op.batch_group_count == 1
    plain = not any(map(any, w.padding)) and not any(w.reversal) and set(w.lhs_dilation) == {1}
    if layout != (0, 1, 2, 3) * 3 or not is_depthwise or not plain or 0 in op.result.type.shape:
        return None
    return pad if _is_border_of_zeros(pad) else None


def _is_border_of_zeros(pad: hlo.Pad) -> bool:
    """Whether a pad puts zeros around images, as many as there are pixels beside or fewer."""
    zero = pad.padding_value.op
    if not isinstance(zero, hlo.Constant) or any(pad.interior_padding) or not pad.operand.type.size:
        return False
    (number,) = zero.value.array.reshape(-1).tolist()
    edges = [*zip(pad.edge_padding_low, pad.edge_padding_high, strict=True)]
    aside = all(e == (0, 0) for i, e in enumerate(edges) if i not in _SPATIAL)
    # 0 * -0 is not 0 * 0.
    is_zero = number == 0.0 and not str(number).startswith("-")
    return is_zero and aside and all(min(edges[i]) >= 0 for i in _SPATIAL)
