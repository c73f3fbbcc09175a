"""Callback, the list that calls several, and the two that `fit` adds by itself: History and the progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from irc.frontends.tensorflow.keras.progress import Progbar

Logs = Mapping[str, Any]


def numbers(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Logs as Python numbers in alphabetical order, as callbacks and History see them."""
    out: dict[str, Any] = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, Mapping):
            out.update(numbers(value))
        else:
            out[name] = _number(value)
    return out


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value.numpy() if hasattr(value, "numpy") else value


class Callback:
    """Base of the callbacks: override what is wanted. `self.model` and `self.params` are set before the first call."""

    params: dict[str, Any] | None = None
    _model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Told before training what `fit` was told: epochs, steps, verbosity."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Told which model it watches."""
        self._model = model

    @property
    def model(self) -> Any:
        """The model it watches."""
        return self._model

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """An older name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """An older name of on_train_batch_end."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch of training, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch: `logs` are its losses and metrics, those of validation with `val_` before their names."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of training, counted from 0 within the epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of training, with its logs."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of evaluation, counted from 0 within the epoch."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of evaluation, with its logs."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of prediction, counted from 0 within the epoch."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of prediction, with its logs."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before training begins."""

    def on_train_end(self, logs: Any = None) -> None:
        """After training, with the last logs."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before evaluation begins."""

    def on_test_end(self, logs: Any = None) -> None:
        """After evaluation, with the last logs."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before prediction begins."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After prediction, with the last logs."""


def _overrides(callback: Callback, *names: str) -> bool:
    """Whether a callback does anything at these moments."""
    return any(
        name in vars(callback) or getattr(type(callback), name) is not getattr(Callback, name)
        for name in names
    )


class CallbackList(Callback):
    """Calls several callbacks. Their logs are looked at only where one of them takes part in that moment."""

    def __init__(
        self, callbacks: Iterable[Callback] | Callback | None = None, add_history: bool = False,
        add_progbar: bool = False, model: Any = None, **params: Any,
    ) -> None:  # fmt: skip
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        self.callbacks: list[Callback] = given
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in given):
            given.append(ProgbarLogger())
        self.history = next((c for c in given if isinstance(c, History)), None)
        if add_history and self.history is None:
            self.history = History()
            given.append(self.history)
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)
        self._train_batch = self._among(
            "on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"
        )
        self._test_batch = self._among("on_test_batch_begin", "on_test_batch_end")
        self._predict_batch = self._among("on_predict_batch_begin", "on_predict_batch_end")

    def _among(self, *names: str) -> list[Callback]:
        return [c for c in self.callbacks if _overrides(c, *names)]

    def append(self, callback: Callback) -> None:
        """Adds a callback behind the others."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tells every callback."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Tells every callback."""
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self._train_batch:
            callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self._train_batch:
            callback.on_train_batch_end(batch, _seen_by(callback, logs))

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self._test_batch:
            callback.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self._test_batch:
            callback.on_test_batch_end(batch, _seen_by(callback, logs))

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self._predict_batch:
            callback.on_predict_batch_begin(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self._predict_batch:
            callback.on_predict_batch_end(batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, numbers(logs))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tells every callback."""
        logs = numbers(logs)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_begin(self, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self.callbacks:
            callback.on_train_begin(numbers(logs))

    def on_train_end(self, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self.callbacks:
            callback.on_train_end(numbers(logs))

    def on_test_begin(self, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self.callbacks:
            callback.on_test_begin(numbers(logs))

    def on_test_end(self, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self.callbacks:
            callback.on_test_end(numbers(logs))

    def on_predict_begin(self, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self.callbacks:
            callback.on_predict_begin(numbers(logs))

    def on_predict_end(self, logs: Any = None) -> None:
        """Tells every callback."""
        for callback in self.callbacks:
            callback.on_predict_end(numbers(logs))


def _seen_by(callback: Callback, logs: Any) -> Any:
    return logs if isinstance(callback, ProgbarLogger) else numbers(logs)


class History(Callback):
    """What `fit` returns: `history.history` has a list for each name, one number an epoch."""

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class ProgbarLogger(Callback):
    """The progress bar, drawn as Keras draws it, whether or not a terminal shows it."""

    def __init__(self) -> None:
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self.seen = 0
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        verbose = params.get("verbose", "auto")
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: Any = None) -> None:
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begin()
        if self.verbose and self.epochs > 1:
            print(f"Epoch {epoch + 1}/{self.epochs}", flush=True)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._update(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Any = None) -> None:
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if not self._in_fit:
            self._update(batch, logs)

    def on_test_end(self, logs: Any = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._update(batch, None)

    def on_predict_end(self, logs: Any = None) -> None:
        self._finish(None)

    def _begin(self) -> None:
        self.seen = 0
        self.progbar = None
        if self.verbose:
            # Metrics are means already.
            names = [m.name for m in self.model.metrics] if self.model is not None else []
            self.progbar = Progbar(self.target, verbose=self.verbose, stateful_metrics=["loss", *names])

    def _update(self, batch: int, logs: Any) -> None:
        self.seen = batch + 1
        bar = self.progbar
        if bar is not None and self.verbose == 1:
            values = self._stateful(bar, numbers(logs)) if bar.is_due(self.seen) else []
            bar.update(self.seen, values, finalize=False)

    def _finish(self, logs: Any) -> None:
        bar = self.progbar
        if bar is None:
            return
        if self.target is None:
            self.target = bar.target = self.seen
        bar.update(self.target, self._stateful(bar, numbers(logs)), finalize=True)

    @staticmethod
    def _stateful(bar: Progbar, logs: dict[str, Any]) -> list[tuple[str, Any]]:
        bar.stateful_metrics.update(dict.fromkeys(logs))
        return list(logs.items())
