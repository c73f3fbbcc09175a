"""keras.losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import advice, missing
from irc.frontends.tensorflow.keras.losses.functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    cosine_similarity,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from irc.frontends.tensorflow.keras.losses.loss import Loss, LossFunctionWrapper, Reduction

MEAN = "sum_over_batch_size"


def _class(name: str, function: Callable[..., Any]) -> Any:
    """The class of a loss function without options."""

    def __init__(self: Any, reduction: Any = MEAN, name: str = function.__name__, dtype: Any = None) -> None:
        LossFunctionWrapper.__init__(self, function, reduction, name, dtype)

    members = {"__init__": __init__, "__doc__": function.__doc__, "__module__": __name__}
    return type(name, (LossFunctionWrapper,), members)


MeanSquaredError = _class("MeanSquaredError", mean_squared_error)
MeanAbsoluteError = _class("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _class("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _class("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
KLDivergence = _class("KLDivergence", kl_divergence)
Poisson = _class("Poisson", poisson)
LogCosh = _class("LogCosh", log_cosh)
Hinge = _class("Hinge", hinge)
SquaredHinge = _class("SquaredHinge", squared_hinge)
CategoricalHinge = _class("CategoricalHinge", categorical_hinge)


class Huber(LossFunctionWrapper):
    """Half the square below `delta`, linear above."""

    def __init__(
        self, delta: float = 1.0, reduction: Any = MEAN, name: str = "huber_loss", dtype: Any = None
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=float(delta))


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between labels and predictions."""

    def __init__(
        self, axis: int = -1, reduction: Any = MEAN, name: str = "cosine_similarity", dtype: Any = None
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


class Dice(LossFunctionWrapper):
    """1 - 2 |A and B| / (|A| + |B|)."""

    def __init__(
        self, reduction: Any = MEAN, name: str = "dice", axis: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class BinaryCrossentropy(LossFunctionWrapper):
    """Of probabilities, or of logits with from_logits; labels are 0 and 1."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: Any = MEAN,
        name: str = "binary_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        options = {"from_logits": bool(from_logits), "label_smoothing": float(label_smoothing), "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **options)


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Lin et al. 2018."""

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1, reduction: Any = MEAN, name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            binary_focal_crossentropy, reduction, name, dtype, apply_class_balancing=apply_class_balancing, alpha=alpha,
            gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class CategoricalCrossentropy(LossFunctionWrapper):
    """Of probabilities, or of logits with from_logits; labels are one-hot."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: Any = MEAN,
        name: str = "categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        options = {"from_logits": bool(from_logits), "label_smoothing": float(label_smoothing), "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **options)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Of probabilities, or of logits with from_logits; labels are class numbers."""

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: Any = MEAN, axis: int = -1,
        name: str = "sparse_categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        options = {"from_logits": bool(from_logits), "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **options)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh
bce = BCE = binary_crossentropy

CLASSES = {
    c.__name__: c
    for c in (
        MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, KLDivergence,
        Poisson, LogCosh, Hinge, SquaredHinge, CategoricalHinge, Huber, CosineSimilarity, Dice, BinaryCrossentropy,
        BinaryFocalCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy,
    )
}  # fmt: skip
FUNCTIONS = {
    f.__name__: f
    for f in (
        mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error,
        kl_divergence, poisson, log_cosh, hinge, squared_hinge, categorical_hinge, huber, cosine_similarity, dice,
        binary_crossentropy, binary_focal_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy,
    )
}  # fmt: skip
FUNCTIONS |= {
    "mse": mse, "MSE": mse, "mae": mae, "MAE": mae, "mape": mape, "MAPE": mape, "msle": msle, "MSLE": msle, "kld": kld,
    "KLD": kld, "kullback_leibler_divergence": kld, "logcosh": log_cosh, "bce": bce, "BCE": bce,
}  # fmt: skip


def get(identifier: Any) -> Any:
    """A loss from its name (function or class), a function or an object; None stays None."""
    if isinstance(identifier, str):
        found = FUNCTIONS.get(identifier)
        if found is None and identifier in CLASSES:
            return CLASSES[identifier]()
        if found is None:
            raise located(
                RecordValueError(
                    f"Could not interpret loss identifier: {identifier}",
                    notes=advice(identifier, FUNCTIONS, quoted=True),
                )
            )
        return found
    if isinstance(identifier, dict):
        return CLASSES[identifier["class_name"]].from_config(identifier.get("config", {}))
    if isinstance(identifier, type):
        return identifier()
    if identifier is None or callable(identifier):
        return identifier
    raise located(RecordValueError(f"Could not interpret loss identifier: {identifier}"))


deserialize = get


def serialize(loss: Any) -> Any:
    """The name of a loss."""
    return getattr(loss, "name", None) or loss.__name__


__getattr__ = missing("keras.losses", globals())


__all__ = [
    "BCE", "KLD", "MAE", "MAPE", "MSE", "MSLE", "BinaryCrossentropy", "BinaryFocalCrossentropy",
    "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Dice", "Hinge", "Huber",
    "KLDivergence", "LogCosh", "Loss", "LossFunctionWrapper", "MeanAbsoluteError",
    "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "Reduction",
    "SparseCategoricalCrossentropy", "SquaredHinge", "bce", "binary_crossentropy",
    "binary_focal_crossentropy", "categorical_crossentropy", "categorical_hinge", "cosine_similarity",
    "deserialize", "dice", "get", "hinge", "huber", "kl_divergence", "kld", "kullback_leibler_divergence",
    "log_cosh", "logcosh", "mae", "mape", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_error", "mean_squared_logarithmic_error", "mse", "msle", "poisson", "serialize",
    "sparse_categorical_crossentropy", "squared_hinge",
]  # fmt: skip
