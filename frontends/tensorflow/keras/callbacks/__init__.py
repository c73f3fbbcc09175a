"""keras.callbacks."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from irc.errors import UnsupportedError
from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.keras.callbacks.callback import Callback, CallbackList, History, ProgbarLogger
from irc.frontends.tensorflow.keras.callbacks.monitoring import (
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
]


class LambdaCallback(Callback):
    """A callback made of functions: `LambdaCallback(on_epoch_end=lambda epoch, logs: ...)`."""

    def __init__(
        self, on_epoch_begin: Callable[..., Any] | None = None, on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None, on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None, on_train_batch_end: Callable[..., Any] | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin or more.pop("on_batch_begin", None),
            "on_train_batch_end": on_train_batch_end or more.pop("on_batch_end", None),
        }  # fmt: skip
        for name, function in {**given, **more}.items():
            if function is not None:
                setattr(self, name, function)


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch: `schedule(epoch, lr)` gives it."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, float(optimizer.learning_rate))
        except TypeError:
            rate = self.schedule(epoch)
        if not hasattr(rate, "__float__"):
            raise located(
                RecordValueError(f"The output of the `schedule` function should be a float. Got: {rate}")
            )
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate)}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class CSVLogger(Callback):
    """Writes a line of numbers each epoch."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = filename, separator, append
        self._columns: list[str] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._columns = []
        if not self.append:
            Path(self.filename).write_text("", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        row = {"epoch": epoch, **(logs or {})}
        self._columns = self._columns or list(row)
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns, delimiter=self.separator)
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)


def _refused(name: str, advice: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise located(UnsupportedError(f"keras.callbacks.{name} is not there", notes=(advice,)))

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


TensorBoard = _refused("TensorBoard", "keras.callbacks.CSVLogger writes the same numbers as a table")
BackupAndRestore = _refused(
    "BackupAndRestore", "ModelCheckpoint('name.weights.npz', save_weights_only=True) saves weights"
)
RemoteMonitor = _refused("RemoteMonitor", "write a Callback with on_epoch_end")
