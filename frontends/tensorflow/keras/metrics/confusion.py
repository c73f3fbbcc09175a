"""Metrics of binary decisions: true and false positives and negatives at thresholds, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import metrics as L
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.array_ops import reshape
from irc.frontends.tensorflow.creation import ones_like
from irc.frontends.tensorflow.indexing import top_k
from irc.frontends.tensorflow.keras.alignment import floats, same_rank
from irc.frontends.tensorflow.keras.metrics.metric import Metric
from irc.frontends.tensorflow.pointwise import (
    add,
    divide,
    divide_no_nan,
    greater,
    greater_equal,
    log,
    logical_and,
    maximum,
    minimum,
    multiply,
    sigmoid,
    subtract,
    where,
)
from irc.frontends.tensorflow.reductions import reduce_min, reduce_sum
from irc.frontends.tensorflow.tensor import Tensor, emit

KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def _thresholds(given: Any, default: float = 0.5) -> tuple[float, ...]:
    found = (default,) if given is None else (given,) if isinstance(given, (int, float)) else tuple(given)
    bad = [t for t in found if t is None or not 0 <= t <= 1]
    if bad:
        raise located(
            RecordValueError(
                f"Invalid values for argument `thresholds`. Expected values to be in the range [0, 1]. Received: {bad}"
            )
        )
    return tuple(map(float, found))


class _Confusion(Metric):
    """Counts at thresholds; `kinds` are those that are kept, each in a variable of its name."""

    kinds: tuple[str, ...] = KINDS

    def __init__(self, thresholds: Sequence[float], name: str | None, dtype: Any) -> None:
        super().__init__(dtype=dtype, name=name)
        self._at = tuple(thresholds)
        for kind in self.kinds:
            setattr(self, kind, self.add_variable((len(self._at),), "zeros", name=kind))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        p = floats(y_pred, self._dtype)
        y, p = same_rank(floats(y_true, self._dtype), p)
        weight = ones_like(p)
        if sample_weight is not None:
            given = floats(sample_weight, self._dtype)
            given = (
                reshape(given, (*given.shape, *(1,) * (p.ndim - given.ndim)))
                if given.ndim < p.ndim
                else given
            )
            weight = multiply(weight, given)
        self._count(y, p, weight)

    def _count(self, y: Any, p: Any, weight: Any) -> None:
        counts = emit(L.confusion, (reshape(y, (-1,)), reshape(p, (-1,)), reshape(weight, (-1,))), self._at)
        for i, kind in enumerate(KINDS):
            if kind in self.kinds:
                getattr(self, kind).assign_add(counts[i])

    def _shown(self, values: Any) -> Tensor:
        """A scalar where there is one threshold."""
        return values[0] if len(self._at) == 1 else values


def _counter(name: str, kind: str, doc: str) -> Any:
    def __init__(self: Any, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        _Confusion.__init__(self, _thresholds(thresholds), name, dtype)

    def result(self: Any) -> Any:
        return self._shown(getattr(self, kind).value)

    members = {
        "__init__": __init__,
        "result": result,
        "kinds": (kind,),
        "__doc__": doc,
        "__module__": __name__,
    }
    return type(name, (_Confusion,), members)


TruePositives = _counter("TruePositives", "true_positives", "How many positives are found.")
FalsePositives = _counter("FalsePositives", "false_positives", "How many negatives are taken for positives.")
TrueNegatives = _counter("TrueNegatives", "true_negatives", "How many negatives are found.")
FalseNegatives = _counter("FalseNegatives", "false_negatives", "How many positives are missed.")


class _OfClass(_Confusion):
    """Counts of one class, or among the k largest predictions."""

    _direction = "up"

    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        among = top_k is not None and thresholds is None
        super().__init__((-np.inf,) if among else _thresholds(thresholds), name, dtype)
        self.top_k, self.class_id = top_k, class_id

    def _count(self, y: Any, p: Any, weight: Any) -> None:
        if self.top_k is not None:
            least = reduce_min(top_k(p, self.top_k)[0], axis=-1, keepdims=True)
            p = where(greater_equal(p, least), p, -np.inf)
        if self.class_id is not None:
            y, p, weight = y[..., self.class_id], p[..., self.class_id], weight[..., self.class_id]
        super()._count(y, p, weight)


class Precision(_OfClass):
    """Which share of those taken for positive is."""

    kinds = ("true_positives", "false_positives")

    def result(self) -> Tensor:
        found = self.true_positives.value  # type: ignore[attr-defined]
        return self._shown(divide_no_nan(found, add(found, self.false_positives.value)))  # type: ignore[attr-defined]


class Recall(_OfClass):
    """Which share of the positives is found."""

    kinds = ("true_positives", "false_negatives")

    def result(self) -> Tensor:
        found = self.true_positives.value  # type: ignore[attr-defined]
        return self._shown(divide_no_nan(found, add(found, self.false_negatives.value)))  # type: ignore[attr-defined]


class AUC(_Confusion):
    """The area under the curve of recall over false positives (ROC), or of precision over recall (PR)."""

    _direction = "up"

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
        name: str | None = None, dtype: Any = None, thresholds: Any = None, multi_label: bool = False,
        num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        if multi_label or label_weights is not None:
            raise located(RecordValueError("AUC(multi_label=True) is not there: make one AUC for each label"))
        if curve.upper() not in ("ROC", "PR"):
            raise located(
                RecordValueError(f'Invalid AUC curve value: "{curve}". Expected values are ["PR", "ROC"]')
            )
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise located(RecordValueError(f'Invalid AUC summation method value: "{summation_method}".'))
        if thresholds is None:
            between = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        else:
            between = sorted(map(float, thresholds))
        self.curve, self.summation_method, self._from_logits = curve.upper(), summation_method, from_logits
        super().__init__((-1e-7, *between, 1.0 + 1e-7), name, dtype)

    def _count(self, y: Any, p: Any, weight: Any) -> None:
        if self._from_logits:
            p = sigmoid(p)
        super()._count(y, p, weight)

    def result(self) -> Tensor:
        tp, fp, tn, fn = (getattr(self, kind).value for kind in KINDS)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated(tp, fp, fn)
        recall = divide_no_nan(tp, add(tp, fn))
        if self.curve == "ROC":
            x, y = divide_no_nan(fp, add(fp, tn)), recall
        else:
            x, y = recall, divide_no_nan(tp, add(tp, fp))
        left, right = y[:-1], y[1:]
        match self.summation_method:
            case "interpolation":
                heights = divide(add(left, right), 2.0)
            case "minoring":
                heights = minimum(left, right)
            case _:
                heights = maximum(left, right)
        return reduce_sum(multiply(subtract(x[:-1], x[1:]), heights))


def _interpolated(tp: Any, fp: Any, fn: Any) -> Tensor:
    """The area under precision over recall with true positives linear in positives between thresholds (Davis and Goadrich
    2006)."""
    positives = add(tp, fp)
    before, after = positives[:-1], positives[1:]
    gained = subtract(tp[:-1], tp[1:])
    slope = divide_no_nan(gained, maximum(subtract(before, after), 0.0))
    intercept = subtract(tp[1:], multiply(slope, after))
    there = logical_and(greater(before, 0.0), greater(after, 0.0))
    ratio = where(there, divide_no_nan(before, maximum(after, 0.0)), ones_like(after))
    area = multiply(slope, add(gained, multiply(intercept, log(ratio))))
    return reduce_sum(divide_no_nan(area, maximum(add(tp[1:], fn[1:]), 0.0)))
