"""Metric: numbers kept in variables over batches. `update_state` adds a batch, `result` says what it comes to."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.frontends.errors import RecordError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.array_ops import broadcast_to
from irc.frontends.tensorflow.keras import initializers
from irc.frontends.tensorflow.keras.alignment import floats, labels, same_rank
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.keras.variables import Variable
from irc.frontends.tensorflow.pointwise import divide_no_nan
from irc.frontends.tensorflow.reductions import reduce_mean, reduce_sum
from irc.frontends.tensorflow.tensor import Tensor, from_array
from irc.frontends.tensorflow.variable import Variable as TensorFlowVariable


class Metric:
    """Base of all metrics: override `update_state` and `result`; variables come from `add_weight`."""

    _is_initialized = False
    _direction: str | None = None

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self._is_initialized = True
        self.name = name or auto_name(type(self))
        self._dtype = dtypes.as_dtype(dtype or "float32")
        self._variables: list[Any] = []

    @property
    def dtype(self) -> str:
        """The name of the dtype of its variables."""
        return self._dtype.name

    def add_variable(
        self,
        shape: Any = (),
        initializer: Any = None,
        dtype: Any = None,
        aggregation: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable that reset_state sets back to zero."""
        if not self._is_initialized:
            raise located(
                RecordError("You forgot to call `super().__init__()` in the `__init__()` method. Go add it!")
            )
        if isinstance(shape, str):
            shape, name = (), shape
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        made = Variable(
            initializers.get(initializer or "zeros"), shape, dtype or self._dtype, trainable=False, name=name,
            path=f"{self.name}/{name or 'variable'}",
        )  # fmt: skip
        self._variables.append(made)
        return made

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
        **more: Any,
    ) -> Variable:
        """Keras 2's name of `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Any]:
        """Its variables, and those of metrics in it."""
        found = {id(v): v for v in self._variables}
        for name, value in vars(self).items():
            if isinstance(value, Metric):
                found.update((id(v), v) for v in value.variables)
            elif isinstance(value, TensorFlowVariable) and name != "_variables":
                found.setdefault(id(value), value)
        return list(found.values())

    def reset_state(self) -> None:
        """Forgets all batches."""
        for v in self.variables:
            v.assign(from_array(np.zeros(tuple(v.shape), v.dtype.numpy)))

    def reset_states(self) -> None:
        """TF2's name of `reset_state`."""
        self.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch; override it."""
        raise located(RecordError(f"metric {type(self).__name__} has no update_state"))

    def result(self) -> Any:
        """What the batches so far come to, a scalar or a dict of them; override it."""
        raise located(RecordError(f"metric {type(self).__name__} has no result"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def samplewise(values: Any, sample_weight: Any, d: Any) -> tuple[Any, Any]:
    """Values weighted and averaged over all dimensions but the batch, and the weights likewise (None without)."""
    values = floats(values, d)
    weight = None
    if sample_weight is not None:
        values, weight = same_rank(values, floats(sample_weight, d))
        if values.ndim > weight.ndim:
            values = reduce_mean(values, axis=list(range(weight.ndim, values.ndim)))
        if weight.shape != values.shape:
            weight = broadcast_to(weight, tuple(values.shape))
        values = values * weight
        if weight.ndim > 1:
            weight = reduce_mean(weight, axis=list(range(1, weight.ndim)))
    if values.ndim > 1:
        values = reduce_mean(values, axis=list(range(1, values.ndim)))
    return values, weight


class Mean(Metric):
    """The mean of what it is given."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype=dtype, name=name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        values, weight = samplewise(values, sample_weight, self._dtype)
        self.total.assign_add(reduce_sum(values) if values.ndim else values)
        if weight is None:
            self.count.assign_add(float(values._read().type.size))
        else:
            self.count.assign_add(reduce_sum(weight) if weight.ndim else weight)

    def result(self) -> Tensor:
        return divide_no_nan(self.total, self.count)


class Sum(Metric):
    """The sum of what it is given."""

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype=dtype, name=name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        values, _ = samplewise(values, sample_weight, self._dtype)
        self.total.assign_add(reduce_sum(values))

    def result(self) -> Tensor:
        return self.total.value


class MeanMetricWrapper(Mean):
    """The mean of a function of labels and predictions."""

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(  # type: ignore[override]  # as Keras has it
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        mask = getattr(y_pred, "_keras_mask", None)
        y_pred = floats(y_pred, self._dtype)
        y_true = labels(self._fn, y_true, self._dtype)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if mask is not None and sample_weight is not None:
            weight, mask = same_rank(floats(sample_weight, self._dtype), floats(mask, self._dtype))
            sample_weight = weight * mask
        super().update_state(values, sample_weight)
