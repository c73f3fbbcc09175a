"""keras.regularizers: what large weights cost."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import losses as L
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, emit


class Regularizer:
    """Base: `regularizer(weights)` gives a scalar that is added to the loss."""

    def __call__(self, x: Any) -> Any:
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)


def _factor(name: str, value: Any) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise located(
            RecordValueError(
                f"Invalid value for argument {name}: expected a non-negative float. Received: {name}={value}"
            )
        )
    return float(value)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor("l1", l1 or 0.0), _factor("l2", l2 or 0.0)

    def __call__(self, x: TensorBase) -> Tensor:
        return emit(L.penalty, (x,), self.l1, self.l2)


class L1(L1L2):
    """l1 * sum(|x|)."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """l2 * sum(x^2)."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


l1, l2 = L1, L2


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """l1 * sum(|w|) + l2 * sum(w^2)."""
    return L1L2(l1, l2)


ALL = {"l1": L1, "L1": L1, "l2": L2, "L2": L2, "l1_l2": L1L2, "L1L2": L1L2, "l1l2": L1L2}


def get(identifier: Any) -> Any:
    """A regularizer from a name or a callable; None stays None."""
    if isinstance(identifier, str):
        found = ALL.get(identifier)
        if found is None:
            raise located(RecordValueError(f"Could not interpret regularizer identifier: {identifier}"))
        return found()
    if isinstance(identifier, dict):
        return ALL[identifier["class_name"]].from_config(identifier.get("config", {}))
    if identifier is None or callable(identifier):
        return identifier
    raise located(RecordValueError(f"Could not interpret regularizer identifier: {identifier}"))
