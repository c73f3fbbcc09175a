"""keras.metrics."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import advice, missing
from irc.frontends.tensorflow.keras import losses as K
from irc.frontends.tensorflow.keras.alignment import floats, same_rank
from irc.frontends.tensorflow.keras.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    sparse_categorical_crossentropy,
)
from irc.frontends.tensorflow.keras.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from irc.frontends.tensorflow.keras.metrics.confusion import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from irc.frontends.tensorflow.keras.metrics.metric import Mean, MeanMetricWrapper, Metric, Sum
from irc.frontends.tensorflow.keras.naming import name_of
from irc.frontends.tensorflow.pointwise import negative, sqrt, square, subtract
from irc.frontends.tensorflow.tensor import Tensor


def _mean_of(name: str, function: Any, direction: str | None = "down") -> Any:
    """The class of the mean of a loss function without options."""

    def __init__(self: Any, name: str = function.__name__, dtype: Any = None) -> None:
        MeanMetricWrapper.__init__(self, function, name, dtype)

    members = {
        "__init__": __init__,
        "_direction": direction,
        "__doc__": function.__doc__,
        "__module__": __name__,
    }
    return type(name, (MeanMetricWrapper,), members)


MeanSquaredError = _mean_of("MeanSquaredError", mean_squared_error)
MeanAbsoluteError = _mean_of("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _mean_of("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _mean_of("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
KLDivergence = _mean_of("KLDivergence", kl_divergence)
Poisson = _mean_of("Poisson", K.poisson)
Hinge = _mean_of("Hinge", K.hinge)
SquaredHinge = _mean_of("SquaredHinge", K.squared_hinge)
CategoricalHinge = _mean_of("CategoricalHinge", K.categorical_hinge)
LogCoshError = _mean_of("LogCoshError", K.log_cosh)


class RootMeanSquaredError(Mean):
    """The root of the mean square difference."""

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]  # as Keras has it
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        y, p = same_rank(floats(y_true, self._dtype), floats(y_pred, self._dtype))
        super().update_state(square(subtract(p, y)), sample_weight)

    def result(self) -> Tensor:
        return sqrt(super().result())


class CosineSimilarity(MeanMetricWrapper):
    """The cosine of the angle between labels and predictions."""

    _direction = "up"

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(lambda y, p: negative(K.cosine_similarity(y, p, axis)), name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of binary_crossentropy."""

    _direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=float(label_smoothing)
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of categorical_crossentropy."""

    _direction = "down"

    def __init__(
        self, name: str = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0, axis: int = -1,
    ) -> None:  # fmt: skip
        options = {"from_logits": from_logits, "label_smoothing": float(label_smoothing), "axis": axis}
        super().__init__(categorical_crossentropy, name, dtype, **options)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of sparse_categorical_crossentropy."""

    _direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, axis=axis)


CLASSES = {
    c.__name__: c
    for c in (
        Mean, Sum, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError, RootMeanSquaredError, CosineSimilarity, KLDivergence, Poisson, Hinge, SquaredHinge,
        CategoricalHinge, LogCoshError, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, AUC,
        Precision, Recall, TruePositives, TrueNegatives, FalsePositives, FalseNegatives,
    )
}  # fmt: skip
BY_NAME: dict[str, Any] = {
    "binary_accuracy": BinaryAccuracy, "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy, "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy, "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError, "MSE": MeanSquaredError, "mean_absolute_error": MeanAbsoluteError, "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError, "mean_absolute_percentage_error": MeanAbsolutePercentageError,
    "mape": MeanAbsolutePercentageError, "MAPE": MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": MeanSquaredLogarithmicError, "msle": MeanSquaredLogarithmicError,
    "MSLE": MeanSquaredLogarithmicError, "root_mean_squared_error": RootMeanSquaredError, "rmse": RootMeanSquaredError,
    "RMSE": RootMeanSquaredError, "cosine_similarity": CosineSimilarity, "kl_divergence": KLDivergence, "kld": KLDivergence,
    "KLD": KLDivergence, "poisson": Poisson, "hinge": Hinge, "squared_hinge": SquaredHinge,
    "categorical_hinge": CategoricalHinge, "binary_crossentropy": BinaryCrossentropy, "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy, "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy, "auc": AUC, "precision": Precision,
    "recall": Recall,
}  # fmt: skip
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kl_divergence


def get(identifier: Any) -> Any:
    """A metric from its name, class or object; a function stays a function."""
    if isinstance(identifier, str):
        found = BY_NAME.get(identifier, CLASSES.get(identifier))
        if found is None:
            raise located(
                RecordValueError(
                    f"Could not interpret metric identifier: {identifier}",
                    notes=advice(identifier, ("accuracy", *BY_NAME), quoted=True),
                )
            )
        return found()
    if isinstance(identifier, type):
        return identifier()
    if identifier is None or callable(identifier):
        return identifier
    raise located(RecordValueError(f"Could not interpret metric identifier: {identifier}"))


def serialize(metric: Any) -> str:
    """The name of a metric."""
    return name_of(metric)


__getattr__ = missing("keras.metrics", globals())


__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "FalseNegatives",
    "FalsePositives",
    "Mean",
    "MeanMetricWrapper",
    "Metric",
    "Precision",
    "Recall",
    "SparseCategoricalAccuracy",
    "Sum",
    "TrueNegatives",
    "TruePositives",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "get",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]
