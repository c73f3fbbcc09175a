"""Loss: values for each sample from a function of labels and predictions, then their weighted mean or sum."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordError, RecordValueError
from irc.frontends.lowering import losses as L
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.keras.alignment import floats, labels, same_rank
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.pointwise import divide_no_nan, where
from irc.frontends.tensorflow.reductions import reduce_sum
from irc.frontends.tensorflow.tensor import Tensor, emit

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


class Reduction:
    """Keras 2's names of reductions."""

    AUTO = SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    NONE = "none"
    SUM = "sum"


class Loss:
    """Base of all losses: override `call(y_true, y_pred)`, which gives a value for each sample."""

    def __init__(
        self, name: str | None = None, reduction: Any = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or auto_name(type(self))
        reduction = {None: "none", "auto": "sum_over_batch_size"}.get(reduction, reduction)
        if reduction not in REDUCTIONS:
            raise located(
                RecordValueError(
                    f"Invalid value for argument `reduction`. Expected one of {(*REDUCTIONS, None)}. Received: "
                    f"reduction={reduction}"
                )
            )
        self.reduction = reduction
        self._dtype = dtypes.as_dtype(dtype or "float32")

    @property
    def dtype(self) -> str:
        """The name of the dtype it is computed in."""
        return self._dtype.name

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value for each sample, (batch, ...), of labels and predictions; override it."""
        raise located(RecordError(f"loss {type(self).__name__} has no call(y_true, y_pred)"))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        mask = getattr(y_pred, "_keras_mask", None)
        y_pred, y_true = self._prediction(y_pred), self._labels(y_true)
        if sample_weight is None and mask is None:
            whole = self._whole(y_true, y_pred)
            if whole is not None:
                return whole
        values = self.call(y_true, y_pred)
        own = getattr(values, "_keras_mask", None)
        if own is not None:
            mask = own if mask is None else mask & own
        return reduce_weighted(values, sample_weight, mask, self.reduction, self._dtype)

    def _prediction(self, y_pred: Any) -> Any:
        made = floats(y_pred, self._dtype)
        if made is not y_pred and hasattr(y_pred, "_keras_logits"):
            made._keras_logits = y_pred._keras_logits
        return made

    def _labels(self, y_true: Any) -> Any:
        return floats(y_true, self._dtype)

    def _whole(self, y_true: Any, y_pred: Any) -> Any:
        """The reduced loss in one piece, where the function has such a form."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss made of a function; further arguments go to the function."""

    def __init__(
        self,
        fn: Any,
        reduction: Any = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name or getattr(fn, "__name__", None), reduction=reduction, dtype=dtype)
        self.fn, self._fn_kwargs = fn, kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if not getattr(self.fn, "takes_class_numbers", False):
            y_true, y_pred = same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def _labels(self, y_true: Any) -> Any:
        return labels(self.fn, y_true, self._dtype)

    def _whole(self, y_true: Any, y_pred: Any) -> Any:
        # The mean over a last dimension and then over samples is the mean over all elements.
        elementwise = getattr(self.fn, "elementwise", None)
        if elementwise is not None:
            _check_shapes(*same_rank(y_true, y_pred))
        if elementwise is None or self.reduction not in ("sum_over_batch_size", "mean"):
            return None
        y_true, y_pred = same_rank(y_true, y_pred)
        if y_true.shape != y_pred.shape or not y_pred.ndim:
            return None
        return elementwise(y_true, y_pred, "mean", **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._fn_kwargs}


def _check_shapes(y_true: Any, y_pred: Any) -> None:
    """ValueError where labels and predictions do not go together, whatever the function."""
    a, b = tuple(y_true.shape), tuple(y_pred.shape)
    if all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b), strict=False)):
        return
    notes = ("is every sample there in both?",)
    if a and b and a[:-1] == b[:-1]:
        notes = (
            f"a label has {a[-1]} values and the model gives {b[-1]}: its last layer would be Dense({a[-1]})",
        )
    raise located(
        RecordValueError(f"Dimensions must be equal: the labels are {a}, the predictions {b}", notes=notes)
    )


def reduce_weighted(values: Any, sample_weight: Any, mask: Any, reduction: str, d: Any) -> Tensor:
    """Values times weights, where the mask holds, as their mean or sum."""
    values = floats(values, d)
    weight = None if sample_weight is None else floats(sample_weight, d)
    if mask is not None:
        weight = _masked(weight, mask, reduction, d)
    if weight is not None:
        values, weight = same_rank(values, weight)
        values = values * weight
    if reduction == "none" or not values.ndim:
        return values
    if reduction == "mean_with_sample_weight" and weight is not None:
        return divide_no_nan(reduce_sum(values), reduce_sum(weight))
    return emit(_reduced, (values,), "sum" if reduction == "sum" else "mean")


def _reduced(scope: Any, x: Any, how: str) -> Any:
    return L.reduced(x, how)


def _masked(weight: Any, mask: Any, reduction: str, d: Any) -> Any:
    """Weights with a mask: a mean is over the samples that count."""
    share = floats(mask, d)
    if reduction in ("mean", "sum_over_batch_size"):
        total = float(math.prod(mask._read().type.shape))
        factor = divide_no_nan(reduce_sum(share) * 0.0 + total, reduce_sum(share))
        share = where(mask, factor, 0.0)
    if weight is None:
        return share
    share, weight = same_rank(share, weight)
    return weight * share
