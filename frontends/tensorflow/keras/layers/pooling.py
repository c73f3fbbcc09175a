"""Pooling, cropping and upsampling of the spatial dimensions."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import channels_last as C
from irc.frontends.lowering import convolution as L
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.convolution import padding_of
from irc.frontends.tensorflow.keras.layers.convolution import channels_first, extents
from irc.frontends.tensorflow.keras.layers.inputs import InputSpec
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.reductions import reduce_max, reduce_mean
from irc.frontends.tensorflow.tensor import emit


class _Pooling(Layer):
    """The largest element, or the mean, of each window; the stride is the window's size by default."""

    rank = 2
    average = False

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.pool_size = extents(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else extents(strides, self.rank, "strides")
        self.padding = padding.lower()
        if self.padding not in ("valid", "same"):
            raise located(
                RecordValueError(
                    f"The `padding` argument must be one of {{'valid', 'same'}}. Received: {padding}"
                )
            )
        self._first = channels_first(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Any) -> Any:
        start, n = (2 if self._first else 1), self.rank
        size, ones = inputs._read().type.shape[start : start + n], (1,) * self.rank
        pads = padding_of(self.padding, size, self.pool_size, self.strides, ones)
        if any(e + a + b < k for e, k, (a, b) in zip(size, self.pool_size, pads, strict=True)):
            raise located(
                RecordValueError(
                    f"Computed output size would be negative. Received: inputs of spatial size {tuple(size)}, pool_size="
                    f"{self.pool_size}",
                    notes=("padding='same' gives at least one window",),
                )
            )
        if self.average:
            none = ((0, 0),) * n
            return emit(
                L.average_pool, (inputs,), self.pool_size, self.strides, pads, none, None, start, op="AvgPool"
            )
        return emit(L.max_pool, (inputs,), self.pool_size, self.strides, pads, ones, start, op="MaxPool")


def _pooling(name: str, n: int, average: bool) -> Any:
    kind = "mean" if average else "largest element"
    members = {
        "rank": n,
        "average": average,
        "__doc__": f"The {kind} of each window.",
        "__module__": __name__,
    }
    return type(name, (_Pooling,), members)


MaxPooling1D, MaxPooling2D, MaxPooling3D = (_pooling(f"MaxPooling{n}D", n, False) for n in (1, 2, 3))
AveragePooling1D, AveragePooling2D, AveragePooling3D = (
    _pooling(f"AveragePooling{n}D", n, True) for n in (1, 2, 3)
)
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D


class _GlobalPooling(Layer):
    """The largest element, or the mean, of each channel."""

    rank = 2
    average = True

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._first, self.keepdims = channels_first(data_format), keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True
        self.supports_masking = self.rank == 1 and self.average

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None and self.rank == 1 and self.average:
            return emit(C.mean_where, (inputs, mask))
        axes = list(range(2, inputs.ndim)) if self._first else list(range(1, inputs.ndim - 1))
        return (reduce_mean if self.average else reduce_max)(inputs, axis=axes, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return None


def _global(name: str, n: int, average: bool) -> Any:
    kind = "mean" if average else "largest element"
    members = {
        "rank": n,
        "average": average,
        "__doc__": f"The {kind} of each channel.",
        "__module__": __name__,
    }
    return type(name, (_GlobalPooling,), members)


GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D = (
    _global(f"GlobalAveragePooling{n}D", n, True) for n in (1, 2, 3)
)
GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D = (
    _global(f"GlobalMaxPooling{n}D", n, False) for n in (1, 2, 3)
)
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D


class _UpSampling(Layer):
    """Each element repeated along the spatial dimensions."""

    rank = 2

    def __init__(
        self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **options: Any
    ) -> None:
        super().__init__(**options)
        if interpolation != "nearest":
            raise located(
                RecordValueError(
                    f"upsampling with interpolation={interpolation!r} is not there: 'nearest' is"
                )
            )
        self.size = extents(size, self.rank, "size")
        self._first = channels_first(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return emit(L.upsample_nearest, (inputs,), self.size, 2 if self._first else 1)


class UpSampling1D(_UpSampling):
    """Each step of (N, T, C) repeated."""

    rank = 1


class UpSampling2D(_UpSampling):
    """Each row and column of (N, H, W, C) repeated."""

    rank = 2


class UpSampling3D(_UpSampling):
    """Each place of (N, D, H, W, C) repeated."""

    rank = 3


class _Cropping(Layer):
    """Without the edges of the spatial dimensions."""

    rank = 2

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        given = ((cropping, cropping),) * self.rank if isinstance(cropping, int) else tuple(cropping)
        if self.rank == 1 and given and isinstance(given[0], int):
            given = (given,)
        self.cropping = tuple((p, p) if isinstance(p, int) else tuple(p) for p in given)
        self._first = channels_first(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Any) -> Any:
        none = ((0, 0),)
        pairs = (*none, *none, *self.cropping) if self._first else (*none, *self.cropping, *none)
        return emit(C.crop, (inputs,), pairs)


class Cropping1D(_Cropping):
    """(N, T, C) without steps at the start and the end."""

    rank = 1


class Cropping2D(_Cropping):
    """(N, H, W, C) without rows and columns at the sides."""

    rank = 2
