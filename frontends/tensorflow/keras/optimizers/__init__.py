"""keras.optimizers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import advice, missing
from irc.frontends.tensorflow.keras.optimizers import schedules
from irc.frontends.tensorflow.keras.optimizers.algorithms import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Nadam,
    RMSprop,
)
from irc.frontends.tensorflow.keras.optimizers.optimizer import Optimizer

ALL = {c.__name__.lower(): c for c in (SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Nadam, RMSprop)}
legacy = SimpleNamespace(**{c.__name__: c for c in ALL.values()})
experimental = SimpleNamespace(**{c.__name__: c for c in (*ALL.values(), Optimizer)})


def get(identifier: Any) -> Any:
    """An optimizer from its name or object."""
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        found = ALL.get(identifier.lower())
        if found is not None:
            return found()
    if isinstance(identifier, dict):
        return ALL[identifier["class_name"].lower()].from_config(identifier.get("config", {}))
    if isinstance(identifier, type):
        return identifier()
    raise located(
        RecordValueError(
            f"Could not interpret optimizer identifier: {identifier}",
            notes=advice(str(identifier), ALL, quoted=True),
        )
    )


__getattr__ = missing("keras.optimizers", globals())


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "experimental",
    "get",
    "legacy",
    "schedules",
]
