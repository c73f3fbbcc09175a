"""The losses and metrics of a compiled model, for one output or for several (by place or by name)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordKeyError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.keras import losses as L
from irc.frontends.tensorflow.keras import metrics as M
from irc.frontends.tensorflow.keras.metrics.metric import Mean, MeanMetricWrapper, Metric
from irc.frontends.tensorflow.keras.naming import name_of


def kind_of_labels(y_true: Any, y_pred: Any) -> str:
    """binary, sparse or categorical, by the shapes."""
    if y_pred.shape[-1] == 1:
        return "binary"
    sparse = y_true.ndim < y_pred.ndim or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1)
    return "sparse" if sparse else "categorical"


ACCURACIES = {
    "binary": M.BinaryAccuracy, "sparse": M.SparseCategoricalAccuracy, "categorical": M.CategoricalAccuracy,
}  # fmt: skip
CROSSENTROPIES = {
    "binary": L.binary_crossentropy, "sparse": L.sparse_categorical_crossentropy,
    "categorical": L.categorical_crossentropy,
}  # fmt: skip


def make_loss(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A loss object."""
    if identifier in ("crossentropy", "ce"):
        identifier = CROSSENTROPIES[kind_of_labels(y_true, y_pred)]
    found = L.get(identifier)
    if isinstance(found, L.Loss):
        return found
    return L.LossFunctionWrapper(found, name=identifier if isinstance(identifier, str) else name_of(found))


def make_metric(identifier: Any, y_true: Any, y_pred: Any) -> Metric:
    """A metric object; one told by a name has that name."""
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        return ACCURACIES[kind_of_labels(y_true, y_pred)](name=identifier)
    found = M.get(identifier)
    if not isinstance(found, Metric):
        return MeanMetricWrapper(found, name=name_of(found))
    if isinstance(identifier, str):
        found.name = identifier
    return found


def by_output(given: Any, names: Sequence[str], what: str) -> list[Any]:
    """One entry for each output of something told by place or by name."""
    n = len(names)
    if isinstance(given, dict):
        unknown = [k for k in given if k not in names]
        if unknown:
            raise located(
                RecordKeyError(
                    f"{what} names the output {unknown[0]!r}, and the outputs are {', '.join(map(repr, names))}"
                )
            )
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)) and len(given) == n:
        return list(given)
    raise located(
        RecordValueError(
            f"{what} should be a dict by output names ({', '.join(names)}) or a list of {n}. Received: {given}"
        )
    )


def flat(structure: Any, names: Sequence[str], n: int) -> list[Any]:
    """The parts of labels or predictions, one for each output."""
    if isinstance(structure, dict) and set(structure) == set(names):
        return [structure[name] for name in names]
    found = nest.flatten(structure) if structure is not None else [None] * n
    return found if len(found) == n else [structure] * n if n == 1 else found


class Losses:
    """The losses of `compile`: called with labels and predictions they give one scalar."""

    def __init__(self, loss: Any, weights: Any, names: Sequence[str] | None) -> None:
        self.loss, self.weights, self.names = loss, weights, names
        self.parts: list[Any] | None = None
        self.trackers: list[Metric] = []

    def output_names(self, y_pred: Any) -> list[str]:
        """The names of the outputs: the model's, the keys of a dict, or numbers."""
        n = len(nest.flatten(y_pred))
        if isinstance(y_pred, dict):
            return sorted(y_pred)
        if self.names is not None and len(self.names) == n:
            return list(self.names)
        return [f"output_{i}" for i in range(n)]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Makes the loss objects, one for each output, when the first batch is known."""
        names = self.output_names(y_pred)
        n = len(names)
        truth, guess = flat(y_true, names, n), flat(y_pred, names, n)
        if n == 1:
            given: list[Any] = [nest.flatten(self.loss)[0]]
        elif isinstance(self.loss, (list, tuple, dict)):
            given = by_output(self.loss, names, "`loss`")
        else:
            given = [self.loss] * n
        if len(truth) != n:
            raise located(
                RecordValueError(
                    f"the model has {n} outputs ({', '.join(names)}), and there are labels for {len(truth)}"
                )
            )
        self.built_names = names
        self.parts = [
            None if g is None else make_loss(g, t, p) for g, t, p in zip(given, truth, guess, strict=True)
        ]
        self.factors = self._factors(names)
        if n > 1:
            self.trackers = [
                Mean(name=f"{name}_loss")
                for name, part in zip(names, self.parts, strict=True)
                if part is not None
            ]

    def _factors(self, names: Sequence[str]) -> list[Any]:
        if self.weights is None:
            return [None] * len(names)
        if isinstance(self.weights, (int, float)):
            return [self.weights] * len(names)
        return by_output(self.weights, names, "`loss_weights`")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if self.parts is None:
            self.build(y_true, y_pred)
        assert self.parts is not None
        n = len(self.parts)
        truth, guess = flat(y_true, self.built_names, n), flat(y_pred, self.built_names, n)
        weight = [None] * n if sample_weight is None else flat(sample_weight, self.built_names, n)
        weight = weight * n if len(weight) < n else weight
        self.values = []
        total = None
        for part, factor, t, p, w in zip(self.parts, self.factors, truth, guess, weight, strict=True):
            if part is None:
                continue
            value = part(t, p, w)
            self.values.append(value)
            value = value if factor is None else value * float(factor)
            total = value if total is None else total + value
        return total

    def track(self, batch: int) -> None:
        """Adds the losses of the last call to their metrics."""
        for tracker, value in zip(self.trackers, self.values, strict=False):
            tracker.update_state(value, sample_weight=float(batch))
        self.values = []


class Metrics:
    """The metrics of `compile`, for each output."""

    def __init__(self, metrics: Any, weighted: Any, names: Any) -> None:
        self.told, self.told_weighted, self.namer = metrics, weighted, names
        self.groups: list[list[Metric]] | None = None
        self.weighted_groups: list[list[Metric]] = []

    @property
    def metrics(self) -> list[Metric]:
        """All metric objects."""
        return [m for group in [*(self.groups or ()), *self.weighted_groups] for m in group]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Makes the metric objects, some for each output, when the first batch is known."""
        self.names = self.namer(y_pred)
        n = len(self.names)
        truth, guess = flat(y_true, self.names, n), flat(y_pred, self.names, n)
        self.groups = self._made(self.told, truth, guess, "`metrics`")
        self.weighted_groups = self._made(self.told_weighted, truth, guess, "`weighted_metrics`")

    def _made(self, told: Any, truth: list[Any], guess: list[Any], what: str) -> list[list[Metric]]:
        n = len(self.names)
        if not told:
            return [[] for _ in range(n)]
        given = [nest.flatten(told)] if n == 1 else by_output(told, self.names, what)
        lists = [[] if g is None else list(g) if isinstance(g, (list, tuple)) else [g] for g in given]
        return [[make_metric(m, t, p) for m in ms] for ms, t, p in zip(lists, truth, guess, strict=True)]

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch to all metrics."""
        if self.groups is None:
            self.build(y_true, y_pred)
        assert self.groups is not None
        n = len(self.names)
        truth, guess = flat(y_true, self.names, n), flat(y_pred, self.names, n)
        weight = [None] * n if sample_weight is None else flat(sample_weight, self.names, n)
        weight = weight * n if len(weight) < n else weight
        for group, t, p in zip(self.groups, truth, guess, strict=True):
            for m in group:
                m.update_state(t, p)
        for group, t, p, w in zip(self.weighted_groups, truth, guess, weight, strict=True):
            for m in group:
                m.update_state(t, p, w)

    def results(self) -> dict[str, Any]:
        """The results by name; those of several outputs have the output's name in front."""
        found: dict[str, Any] = {}
        for groups, prefix in ((self.groups or [], ""), (self.weighted_groups, "weighted_")):
            for name, group in zip(getattr(self, "names", ()), groups, strict=False):
                for m in group:
                    label = m.name if len(self.names) == 1 else f"{name}_{m.name}"
                    label = prefix + label if label in found else label
                    known, count = label, 1
                    while label in found:
                        label, count = f"{known}_{count}", count + 1
                    found[label] = m.result()
        return found
