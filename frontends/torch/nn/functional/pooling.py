"""Windows that keep their largest element or their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordError
from irc.frontends.lowering import convolution as C
from irc.frontends.recorder.storage import located
from irc.frontends.torch.nn.functional.convolution import per_dimension
from irc.frontends.torch.pointwise import need_tensor
from irc.frontends.torch.tensor import Tensor, emit


def pool_padding(
    extents: Sequence[int], kernel: Sequence[int], strides: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[tuple[int, int], ...]:  # fmt: skip
    """Places before and after; `ceil_mode` adds places behind, so that no element is left out."""
    out = []
    for n, k, s, p, d in zip(extents, kernel, strides, padding, dilation, strict=True):
        if p > k // 2:
            raise located(
                RecordError(
                    f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k}"
                )
            )
        reach = d * (k - 1) + 1
        if n + 2 * p < reach and not ceil_mode:
            raise located(
                RecordError(
                    f"Given input size: ({'x'.join(map(str, extents))}). Output size is too small: a window of {reach} does "
                    f"not fit into {n + 2 * p}"
                )
            )
        behind = p
        if ceil_mode:
            places = -(-(n + 2 * p - reach) // s) + 1
            if (places - 1) * s >= n + p:
                places -= 1
            behind = max(p, (places - 1) * s + reach - n - p)
        out.append((p, behind))
    return tuple(out)


def _max_pool(
    n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    return_indices: bool,
) -> Tensor:  # fmt: skip
    x = need_tensor(input, f"max_pool{n}d")
    if return_indices:
        raise located(RecordError(f"max_pool{n}d with return_indices=True is not there"))
    if x.dim() == n + 1:
        wide = _max_pool(n, x.unsqueeze(0), kernel_size, stride, padding, dilation, ceil_mode, False)
        return wide.squeeze(0)
    kernel, dil = per_dimension(kernel_size, n), per_dimension(dilation, n)
    strides = kernel if stride is None or stride == [] else per_dimension(stride, n)
    pads = pool_padding(x.shape[2:], kernel, strides, per_dimension(padding, n), dil, ceil_mode)
    return emit(C.max_pool, (x,), kernel, strides, pads, dil)


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:  # fmt: skip
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:  # fmt: skip
    """The largest element of each window; stride is the kernel's size by default."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _avg_pool(
    n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:  # fmt: skip
    x = need_tensor(input, f"avg_pool{n}d")
    if x.dim() == n + 1:
        return _avg_pool(
            n, x.unsqueeze(0), kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        ).squeeze(0)
    kernel = per_dimension(kernel_size, n)
    strides = kernel if stride is None or stride == [] else per_dimension(stride, n)
    given = per_dimension(padding, n)
    pads = pool_padding(x.shape[2:], kernel, strides, given, (1,) * n, ceil_mode)
    counted = tuple((p, p) for p in given) if count_include_pad else ((0, 0),) * n
    return emit(C.average_pool, (x,), kernel, strides, pads, counted, divisor_override)


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window."""
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _adaptive(n: int, input: Tensor, output_size: Any, average: bool) -> Tensor:
    if input.dim() == n + 1:
        return _adaptive(n, input.unsqueeze(0), output_size, average).squeeze(0)
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * n
    sizes = tuple(e if o is None else int(o) for e, o in zip(input.shape[2:], given, strict=True))
    return emit(C.adaptive_pool, (input,), sizes, average)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(1, input, output_size, True)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(2, input, output_size, True)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(1, input, output_size, False)


def adaptive_max_pool2d(input: Tensor, output_size: Any) -> Tensor:
    return _adaptive(2, input, output_size, False)
