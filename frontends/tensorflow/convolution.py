"""Convolutions and pooling: inputs (N, ..., C), filters (..., in, out), padding "SAME", "VALID" or explicit.

SAME pads so that the output has ceil(n / stride) elements; where the padding is odd, the extra one is behind."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import convolution as L
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.array_ops import reshape, transpose
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.pointwise import floating
from irc.frontends.tensorflow.tensor import Tensor, convert_to_tensor, emit

Pads = tuple[tuple[int, int], ...]


def spatial(value: Any, n: int, name: str, channels_first: bool = False) -> tuple[int, ...]:
    """A number, one for each spatial dimension, or one for every dimension of the input."""
    if value is None:
        return (1,) * n
    given = (int(value),) * n if isinstance(value, int) else tuple(int(v) for v in value)
    if len(given) == 1:
        given *= n
    if len(given) == n + 2:
        given = given[2:] if channels_first else given[1:-1]
    if len(given) != n:
        raise located(
            RecordValueError(f"{name} should be of length 1, {n} or {n + 2}, but was {len(given)}: {value}")
        )
    return given


def same_padding(extents: Any, window: Any, strides: Any, dilations: Any) -> Pads:
    """TensorFlow's SAME."""
    out = []
    for n, k, s, d in zip(extents, window, strides, dilations, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        out.append((total // 2, total - total // 2))
    return tuple(out)


def padding_of(
    padding: Any, extents: Any, window: Any, strides: Any, dilations: Any, channels_first: bool = False
) -> Pads:
    """Low and high padding of each spatial dimension."""
    if isinstance(padding, str):
        kind = padding.upper()
        if kind == "SAME":
            return same_padding(extents, window, strides, dilations)
        if kind != "VALID":
            raise located(
                RecordValueError(f"`padding` should be 'SAME' or 'VALID' or a list of pairs, got {padding!r}")
            )
        return ((0, 0),) * len(extents)
    pairs = [(int(a), int(b)) for a, b in padding]
    if len(pairs) == len(extents) + 2:
        pairs = pairs[2:] if channels_first else pairs[1:-1]
    return tuple(pairs)


def _check(x: Tensor, w: Tensor, n: int, op: str, groups: bool = True) -> None:
    if x.ndim != n + 2 or w.ndim != n + 2:
        raise located(
            InvalidArgumentError(
                f"{'input' if x.ndim != n + 2 else 'filter'} must be {n + 2}-dimensional: {x.shape if x.ndim != n + 2 else w.shape} [Op:{op}]"
            )
        )
    channels, depth = x.shape[-1], w.shape[-2]
    if groups and (not depth or channels % depth):
        raise located(
            InvalidArgumentError(
                f"input depth must be evenly divisible by filter depth: {channels} vs {depth} [Op:{op}]",
                notes=(
                    f"the input is {x.shape}, channels last; the filter is {w.shape}: height, width, in, out",
                ),
            )
        )


def convolution(
    input: Any, filters: Any, strides: Any = None, padding: Any = "VALID", data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """A convolution of as many spatial dimensions as the input has besides batch and channels."""
    n = convert_to_tensor(input).ndim - 2
    return _convolution(input, filters, strides, padding, data_format, dilations, n, f"Conv{n}D")


def _convolution(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str | None,
    dilations: Any,
    n: int,
    op: str,
) -> Tensor:
    x, w = floating(input, op), convert_to_tensor(filters)
    first = bool(data_format) and data_format.startswith("NC")  # type: ignore[union-attr]
    if first:
        x = transpose(x, (0, *range(2, n + 2), 1))
    _check(x, w, n, op)
    steps, dil = spatial(strides, n, "strides", first), spatial(dilations, n, "dilations", first)
    kernel = w._read().type.shape[:n]
    pads = padding_of(padding, x._read().type.shape[1:-1], kernel, steps, dil, first)
    groups = int(x.shape[-1] // w.shape[-2])
    y = emit(L.convolution_last, (x, w), steps, pads, dil, groups, op=op)
    return transpose(y, (0, n + 1, *range(1, n + 1))) if first else y


def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: Any,
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """(N, W, C) with filters (kw, C/groups, O)."""
    return _convolution(input, filters, stride, padding, data_format, dilations, 1, "Conv1D")


def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """(N, H, W, C) with filters (kh, kw, C/groups, O)."""
    return _convolution(input, filters, strides, padding, data_format, dilations, 2, "Conv2D")


def conv3d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """(N, D, H, W, C) with filters (kd, kh, kw, C/groups, O)."""
    return _convolution(input, filters, strides, padding, data_format, dilations, 3, "Conv3D")


def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: Any, name: str | None = None) -> Tensor:
    """conv2d with elements of the filter `rate` places apart."""
    return conv2d(value, filters, 1, padding, dilations=rate)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Each channel with filters of its own: (kh, kw, C, multiplier) gives C * multiplier channels."""
    x, w = floating(input, "DepthwiseConv2dNative"), convert_to_tensor(filter)
    _check(x, w, 2, "DepthwiseConv2dNative", groups=False)
    kh, kw, c, m = w._read().type.shape
    if c != x.shape[-1]:
        raise located(
            InvalidArgumentError(
                f"input and filter must have the same depth: {x.shape[-1]} vs {c} [Op:DepthwiseConv2dNative]"
            )
        )
    return conv2d(x, reshape(w, (kh, kw, 1, c * m)), strides, padding, data_format, dilations)


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """A depthwise convolution, then one of 1 x 1."""
    deep = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return conv2d(deep, pointwise_filter, 1, "VALID", data_format)


def conv2d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NHWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of conv2d as an operation: filters are (kh, kw, out, in)."""
    return conv_transpose(input, filters, output_shape, strides, padding, dilations, 2)


def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any, dilations: Any, n: int
) -> Tensor:
    """The gradient of a convolution, of `n` spatial dimensions."""
    op = f"Conv{n}DBackpropInput"
    x, w = floating(input, op), convert_to_tensor(filters)
    steps, dil = spatial(strides, n, "strides"), spatial(dilations, n, "dilations")
    shape = tuple(int(v) for v in output_shape)
    out = shape[1:-1] if len(shape) == n + 2 else shape
    kernel = w._read().type.shape[:n]
    if w.shape[-1] != x.shape[-1]:
        raise located(
            InvalidArgumentError(
                f"filter's last dimension must be the input's channels: {w.shape} and {x.shape} [Op:{op}]"
            )
        )
    forward = padding_of(padding, out, kernel, steps, dil)
    pads = []
    for m, k, s, d, (low, _), extent in zip(
        out, kernel, steps, dil, forward, x._read().type.shape[1:-1], strict=True
    ):
        before = d * (k - 1) - low
        pads.append((before, m - ((extent - 1) * s + 1 + before - d * (k - 1))))
    return emit(L.transposed_convolution_last, (x, w), steps, tuple(pads), dil, op=op)


# Pooling.


def _pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None,
    n: int,
    average: bool,
    dilations: Any = None,
) -> Tensor:
    op = "AvgPool" if average else "MaxPool"
    x = floating(input, op) if average else convert_to_tensor(input)
    if x.ndim != n + 2:
        raise located(InvalidArgumentError(f"input must be {n + 2}-dimensional: {x.shape} [Op:{op}]"))
    first = bool(data_format) and data_format.startswith("NC")  # type: ignore[union-attr]
    window, steps = spatial(ksize, n, "ksize", first), spatial(strides, n, "strides", first)
    dil = spatial(dilations, n, "dilations", first)
    start = 2 if first else 1
    pads = padding_of(padding, x._read().type.shape[start : start + n], window, steps, dil, first)
    if average:
        none = ((0, 0),) * n
        return emit(L.average_pool, (x,), window, steps, pads, none, None, start, op=op)
    return emit(L.max_pool, (x,), window, steps, pads, dil, start, op=op)


def max_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The largest element of each window of (N, ..., C); ksize and strides are numbers, or one for each dimension."""
    return _pool(input, ksize, strides, padding, data_format, convert_to_tensor(input).ndim - 2, False)


def avg_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The mean of each window of (N, ..., C); places of the padding do not count."""
    return _pool(input, ksize, strides, padding, data_format, convert_to_tensor(input).ndim - 2, True)


def _pooling(name: str, n: int, average: bool) -> Any:
    def run(
        input: Any,
        ksize: Any,
        strides: Any,
        padding: Any,
        data_format: str | None = None,
        name: str | None = None,
    ) -> Tensor:
        return _pool(input, ksize, strides, padding, data_format, n, average)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"The {'mean' if average else 'largest element'} of each window of {n} dimensions; padding does not count."
    return run


max_pool1d, max_pool2d, max_pool3d = (_pooling(f"max_pool{n}d", n, False) for n in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (_pooling(f"avg_pool{n}d", n, True) for n in (1, 2, 3))


def pool(
    input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: Any = "VALID",
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """MAX or AVG pooling of any number of dimensions."""
    n = convert_to_tensor(input).ndim - 2
    return _pool(
        input, window_shape, strides, padding, data_format, n, pooling_type.upper() == "AVG", dilations
    )
