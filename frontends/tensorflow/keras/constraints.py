"""keras.constraints: what a variable is put back to after an update."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.keras.naming import snake_case
from irc.frontends.tensorflow.pointwise import cast, clip_by_value, greater_equal, maximum, sqrt, square
from irc.frontends.tensorflow.reductions import reduce_sum


class Constraint:
    """Base: `constraint(w)` gives the value that is allowed."""

    def __call__(self, w: Any) -> Any:
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return dict(self.__dict__)


class MaxNorm(Constraint):
    """Norms along an axis at most `max_value`."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norms = sqrt(reduce_sum(square(w), axis=self.axis, keepdims=True))
        return w * (clip_by_value(norms, 0.0, float(self.max_value)) / (norms + 1e-7))


class NonNeg(Constraint):
    """No negative elements."""

    def __call__(self, w: Any) -> Any:
        return w * cast(greater_equal(w, 0.0), w.dtype)


class UnitNorm(Constraint):
    """Norms along an axis are 1."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (sqrt(reduce_sum(square(w), axis=self.axis, keepdims=True)) + 1e-7)


class MinMaxNorm(Constraint):
    """Norms along an axis between two bounds, at a rate."""

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norms = sqrt(reduce_sum(square(w), axis=self.axis, keepdims=True))
        bounded = clip_by_value(norms, float(self.min_value), float(self.max_value))
        wanted = bounded * float(self.rate) + norms * (1.0 - float(self.rate))
        return w * (wanted / maximum(norms, 1e-7))


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
ALL = {snake_case(c.__name__): c for c in (MaxNorm, NonNeg, UnitNorm, MinMaxNorm)}


def get(identifier: Any) -> Any:
    """A constraint from a name or a callable; None stays None."""
    if isinstance(identifier, str):
        found = ALL.get(snake_case(identifier))
        if found is None:
            raise located(RecordValueError(f"Could not interpret constraint identifier: {identifier}"))
        return found()
    return identifier() if isinstance(identifier, type) else identifier
