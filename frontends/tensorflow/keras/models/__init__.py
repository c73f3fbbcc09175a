"""keras.models."""

from __future__ import annotations

from typing import Any

from irc.errors import UnsupportedError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.keras.models.model import Functional, Model
from irc.frontends.tensorflow.keras.models.sequential import Sequential


def load_model(filepath: Any, *args: Any, **options: Any) -> Any:
    """Refused: irc keeps weights only."""
    raise located(
        UnsupportedError(
            f"load_model({str(filepath)!r}) is not there: irc keeps weights, not whole models",
            notes=(
                "make the model by its code, and load its weights: model.load_weights('name.weights.npz')",
            ),
        )
    )


def save_model(model: Any, filepath: Any, **options: Any) -> None:
    """Refused: irc keeps weights only."""
    model.save(filepath)


__all__ = ["Functional", "Model", "Sequential", "load_model", "save_model"]
