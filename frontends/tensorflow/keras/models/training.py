"""compile, fit, evaluate, predict. A step of training is one program: forward, backward, update and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.frontends.compile import CompiledFunction
from irc.frontends.errors import RecordError, RecordValueError
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.gradient_tape import GradientTape
from irc.frontends.tensorflow.keras import optimizers
from irc.frontends.tensorflow.keras.callbacks import CallbackList
from irc.frontends.tensorflow.keras.callbacks.callback import numbers
from irc.frontends.tensorflow.keras.metrics.metric import Mean, Metric
from irc.frontends.tensorflow.keras.models.batches import (
    Batches,
    batches,
    class_weights,
    is_array_like,
    split,
    unpack,
)
from irc.frontends.tensorflow.keras.models.outputs import Losses, Metrics
from irc.frontends.tensorflow.keras.symbolic import infer
from irc.frontends.tensorflow.reductions import reduce_mean
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor


class Trainer:
    """What models add to layers: training and evaluation. Override train_step, test_step or predict_step."""

    optimizer: Any = None
    loss: Any = None
    run_eagerly = False
    stop_training = False
    history: Any = None
    _compiled = False
    _losses_of: Any = None
    _metrics_of: Any = None
    _loss_tracker: Any = None

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, loss_weights: Any = None,
        weighted_metrics: Any = None, run_eagerly: bool | None = False, steps_per_execution: Any = 1,
        jit_compile: Any = "auto", **options: Any,
    ) -> None:  # fmt: skip
        """Says how the model is trained. To be called again after `trainable` of a layer has changed."""
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss
        self.run_eagerly = bool(run_eagerly)
        names = self.output_names
        self._loss_tracker = Mean(name="loss")
        self._losses_of = Losses(loss, loss_weights, names) if loss is not None else None
        namer = Losses(None, None, names).output_names
        self._metrics_of = Metrics(metrics, weighted_metrics, namer) if metrics or weighted_metrics else None
        self._compiled = True
        self._forget_steps()

    def _forget_steps(self) -> None:
        """The compiled steps are made again."""
        self._steps: dict[str, Callable[[Any], Any]] = {}

    output_names: Any = None

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled

    @property
    def metrics(self) -> list[Metric]:
        """The loss, those of `compile`, and those among the attributes."""
        found: list[Metric] = [] if self._loss_tracker is None else [self._loss_tracker]
        if self._losses_of is not None:
            found += self._losses_of.trackers
        if self._metrics_of is not None:
            found += self._metrics_of.metrics
        found += super().metrics  # type: ignore[misc]
        return list({id(m): m for m in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` gives, the loss first."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Starts all metrics again."""
        for m in self.metrics:
            m.reset_state()

    # One step.

    def train_step(self, data: Any) -> Any:
        """What one batch does in training; gives numbers by name."""
        x, y, weight = unpack(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight, training=True)
        variables = self.trainable_weights  # type: ignore[attr-defined]
        self._track(loss, x)
        if variables:
            gradients = tape.gradient(loss, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(x, y, y_pred, sample_weight=weight)

    def test_step(self, data: Any) -> Any:
        """What one batch does in evaluation."""
        x, y, weight = unpack(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        self._track(self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight, training=False), x)
        return self.compute_metrics(x, y, y_pred, sample_weight=weight)

    def predict_step(self, data: Any) -> Any:
        """The predictions for one batch; override it for a way of your own."""
        x, _, _ = unpack(data)
        return self(x, training=False)  # type: ignore[operator]

    def _track(self, loss: Any, x: Any) -> None:
        batch = int(nest.flatten(x)[0]._read().type.shape[0])
        if self._loss_tracker is not None:
            self._loss_tracker.update_state(loss, sample_weight=float(batch))
        if self._losses_of is not None:
            self._losses_of.track(batch)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of `compile`, and what layers and regularizers add."""
        total = None
        if self._losses_of is not None and y is not None:
            total = self._losses_of(y, y_pred, sample_weight)
        for more in self.losses:  # type: ignore[attr-defined]
            more = more if isinstance(more, TensorBase) else convert_to_tensor(more)
            more = more if not more.ndim else reduce_mean(more)
            total = more if total is None else total + more
        if total is None and self._losses_of is not None:
            raise located(
                RecordValueError(
                    "there are no labels for the loss of `compile`: y is None",
                    notes=("give them: fit(x, y), or a data set whose elements are (x, y)",),
                )
            )
        if total is None:
            raise located(
                RecordValueError(
                    "No loss to compute. Provide a `loss` argument in `compile()`.",
                    notes=("and labels: fit(x, y)",),
                )
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Adds a batch to the metrics of `compile`; their results."""
        if self._metrics_of is not None and y is not None:
            self._metrics_of.update(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name."""
        inside = {id(m) for m in self._metrics_of.metrics} if self._metrics_of is not None else {}
        found: dict[str, Any] = {}
        for m in self.metrics:
            if id(m) in inside:
                continue
            result = m.result()
            found.update(result if isinstance(result, dict) else {m.name: result})
        return {**found, **(self._metrics_of.results() if self._metrics_of is not None else {})}

    # Compiled steps.

    def _step(self, kind: str) -> Callable[[Any], Any]:
        """train_step, test_step or predict_step as one program for each signature."""
        found = self._steps.get(kind)
        if found is None:
            function = getattr(self, f"{kind}_step")

            def run(data: Any) -> Any:
                try:
                    return function(data)
                finally:
                    # A loss that a layer holds would be left behind by the function that is recorded.
                    self._clear_losses()  # type: ignore[attr-defined]

            found = run if self.run_eagerly else CompiledFunction(run, name=f"{self.name}.{kind}_step")  # type: ignore[attr-defined]
            self._steps[kind] = found
        return found

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The compiled training step, made where it is not there yet."""
        return self._step("train")

    def _ready(self, data: Any, train: bool, first: bool = True) -> None:
        """Builds what a step needs before it is recorded: weights, losses, metrics, slots. Only the first step of an epoch
        has to look for that."""
        if first:
            x, y, weight = unpack(data)
            if self._needs_build(y):
                self._try_out(x, y, weight)
            if train and self.optimizer is not None and not self.optimizer.built:
                self.optimizer.build(self.trainable_weights)  # type: ignore[attr-defined]
        if recorder.graph.pending:
            flush()

    def _needs_build(self, y: Any) -> bool:
        metrics, losses = self._metrics_of, self._losses_of
        return (
            any(not layer.built for layer in self._flatten_layers())  # type: ignore[attr-defined]
            or (metrics is not None and metrics.groups is None and y is not None)
            or (losses is not None and losses.parts is None and y is not None)
        )

    def _try_out(self, x: Any, y: Any, weight: Any) -> None:
        """Calls the model once without computing anything, so that it builds."""

        def call(x: Any, y: Any) -> Any:
            y_pred = self(x, training=False)  # type: ignore[operator]
            if y is not None:
                if self._losses_of is not None and self._losses_of.parts is None:
                    self._losses_of.build(y, y_pred)
                if self._metrics_of is not None and self._metrics_of.groups is None:
                    self._metrics_of.build(y, y_pred)
            return [t for t in nest.flatten(y_pred) if isinstance(t, Tensor)]

        infer(call, (x, y), {}, self.variables)  # type: ignore[attr-defined]
        self._clear_losses()  # type: ignore[attr-defined]

    def _need_compile(self, what: str) -> None:
        if not self._compiled:
            raise located(RecordValueError(f"You must call `compile()` before calling `{what}()`."))

    # Loops.

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
        class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: Any = 1,
        **options: Any,
    ) -> Any:  # fmt: skip
        """Trains for `epochs` passes over the data; gives the History."""
        self._need_compile("fit")
        if validation_split and validation_data is None:
            if not is_array_like(x):
                raise located(
                    RecordValueError("`validation_split` is only supported for arrays: give validation_data")
                )
            (x, y, sample_weight), validation_data = split((x, y, sample_weight), validation_split)
        if class_weight is not None:
            given = class_weights(y, class_weight)
            sample_weight = given if sample_weight is None else given * np.asarray(sample_weight)
        data = batches(x, y, sample_weight, batch_size, steps_per_epoch, shuffle)
        checked = self._validation(validation_data, validation_batch_size or batch_size, validation_steps)
        every = CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=data.steps,
        )
        self.stop_training = False
        every.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            every.on_epoch_begin(epoch)
            logs = numbers(self._train_epoch(data, every))
            data.end_epoch()
            if checked is not None and _is_due(epoch, validation_freq):
                found = self._run_test(checked, every)
                logs.update({f"val_{name}": value for name, value in found.items()})
            every.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        self.optimizer.finalize_variable_values(self.trainable_weights)  # type: ignore[attr-defined]
        every.on_train_end(logs)
        return self.history

    def _validation(self, given: Any, batch_size: int | None, steps: int | None) -> Batches | None:
        if given is None:
            return None
        if isinstance(given, (tuple, list)):
            return batches(*unpack(given), batch_size, steps)
        return batches(given, steps=steps)

    def _train_epoch(self, data: Batches, every: CallbackList) -> Any:
        logs: Any = {}
        for i, element in enumerate(data.epoch()):
            self._ready(element, train=True, first=not i)
            every.on_train_batch_begin(i)
            logs = self._step("train")(element)
            every.on_train_batch_end(i, logs)
            if self.stop_training:
                break
        return logs

    def _run_test(self, data: Batches, every: CallbackList) -> dict[str, Any]:
        every.on_test_begin()
        self.reset_metrics()
        logs: Any = {}
        for i, element in enumerate(data.epoch()):
            self._ready(element, train=False, first=not i)
            every.on_test_batch_begin(i)
            logs = self._step("test")(element)
            every.on_test_batch_end(i, logs)
        found = numbers(logs)
        every.on_test_end(found)
        return found

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto", sample_weight: Any = None,
        steps: int | None = None, callbacks: Any = None, return_dict: bool = False, **options: Any,
    ) -> Any:  # fmt: skip
        """The loss and metrics of data: a list in the order of metrics_names, or a dict."""
        self._need_compile("evaluate")
        data = batches(x, y, sample_weight, batch_size, steps)
        every = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=data.steps
        )
        logs = self._run_test(data, every)
        return logs if return_dict else self._in_order(logs)

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """Results with the loss first; a number where there is one."""
        names = [n for n in self.get_metrics_result() if n in logs]
        found = [logs[n] for n in [*names, *(n for n in logs if n not in names)]]
        return found[0] if len(found) == 1 else found

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None,
        **options: Any,
    ) -> Any:  # fmt: skip
        """The outputs for data, as NumPy arrays."""
        data = batches(x, None, None, batch_size, steps)
        every = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=data.steps
        )
        every.on_predict_begin()
        made: list[list[Any]] = []
        structure: Any = None
        for i, element in enumerate(data.epoch()):
            every.on_predict_batch_begin(i)
            structure = self._predicted(element)
            every.on_predict_batch_end(i, {"outputs": structure})
            made.append([np.asarray(t.numpy()) for t in nest.flatten(structure)])
        every.on_predict_end()
        if not made:
            raise located(RecordError("predict was given no data"))
        return nest.pack_sequence_as(structure, [np.concatenate(parts) for parts in zip(*made, strict=True)])

    def _predicted(self, element: Any) -> Any:
        if not self._compiled and not hasattr(self, "_steps"):
            self._forget_steps()
        self._ready(element, train=False)
        return self._step("predict")((element[0],))

    # One batch.

    def _batch(self, x: Any, y: Any, weight: Any) -> Any:
        (element,) = batches(x, y, weight, batch_size=1 << 62).epoch()
        return element

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        **options: Any,
    ) -> Any:
        """One step of training."""
        self._need_compile("train_on_batch")
        if class_weight is not None:
            sample_weight = class_weights(y, class_weight)
        return self._on_batch("train", x, y, sample_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False, **options: Any
    ) -> Any:
        """The loss and metrics of one batch."""
        self._need_compile("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, return_dict)

    def _on_batch(self, kind: str, x: Any, y: Any, weight: Any, return_dict: bool) -> Any:
        element = self._batch(x, y, weight)
        self._ready(element, train=kind == "train")
        self.reset_metrics()
        logs = numbers(self._step(kind)(element))
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The predictions for one batch, as NumPy arrays."""
        return nest.map_structure(lambda t: t.numpy(), self._predicted(self._batch(x, None, None)))


def _is_due(epoch: int, frequency: Any) -> bool:
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency
