"""Weights in `.npz` files: one array for each variable, by its path."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from irc.errors import UnsupportedError
from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located


def _keys(model: Any) -> list[str]:
    """A key for each weight: its place and path, so that none occurs twice."""
    return [f"{i}:{getattr(w, 'path', w.name)}" for i, w in enumerate(model.weights)]


def _path(filepath: Any, what: str) -> str:
    path = os.fspath(filepath)
    if not path.endswith(".npz"):
        raise located(
            UnsupportedError(
                f"{what}({path!r}) is not there: irc keeps weights in .npz files",
                notes=(f"write model.{what}('name.weights.npz')",),
            )
        )
    return path


def save_weights(model: Any, filepath: Any, overwrite: bool) -> None:
    """Writes the weights of a model to a file of NumPy arrays (.npz)."""
    path = _path(filepath, "save_weights")
    if not overwrite and os.path.exists(path):
        raise located(RecordValueError(f"{path} exists, and overwrite=False"))
    if not model.weights:
        raise located(
            RecordValueError(
                f"model {model.name} has no weights yet",
                notes=("call it on data first, or model.build(shape)",),
            )
        )
    arrays = dict(zip(_keys(model), (w.numpy() for w in model.weights), strict=True))
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool) -> None:
    """Reads the weights of a model built like the one that wrote the file."""
    path = _path(filepath, "load_weights")
    if not model.weights:
        raise located(
            RecordValueError(
                f"model {model.name} has no weights yet",
                notes=("call it on data first, or model.build(shape)",),
            )
        )
    with np.load(path) as found:
        names = list(found)
        if len(names) != len(model.weights):
            raise located(
                RecordValueError(
                    f"{path} holds {len(names)} weights, and model {model.name} has {len(model.weights)}"
                )
            )
        for name, variable in zip(names, model.weights, strict=True):
            value = found[name]
            if value.shape != tuple(variable.shape):
                text = f"{path}: {name} is of shape {value.shape}, and {variable.path} of shape {tuple(variable.shape)}"
                if not skip_mismatch:
                    raise located(RecordValueError(text))
                warnings.warn(text, stacklevel=3)
            else:
                variable.assign(value)
