"""Base of the optimizers: a step counter, a learning rate, slots beside each variable, and one recorded update of all.

The end of `apply_gradients` is where a training segment is computed, as one program of forward, backward and update."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from irc.errors import UnsupportedError
from irc.frontends.errors import RecordAttributeError, RecordError, RecordTypeError, RecordValueError
from irc.frontends.lowering import updates_keras as U
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Literal
from irc.frontends.tensorflow.gradient_tape import GradientTape
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.keras.optimizers.schedules import LearningRateSchedule
from irc.frontends.tensorflow.keras.variables import Variable
from irc.frontends.tensorflow.pointwise import cast, divide
from irc.frontends.tensorflow.recording import nothing_kept
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor, emit_all, from_array
from irc.frontends.tensorflow.variable import Variable as TensorFlowVariable
from irc.ir.types import TensorType, f64

PAIRS = "write optimizer.apply_gradients(zip(gradients, model.trainable_variables))"
REFUSED = ("use_ema", "ema_momentum", "ema_overwrite_frequency", "gradient_accumulation_steps", "jit_compile")


class Optimizer:
    """Override `_slots` and `_update`, or as in Keras `build(variables)` and `update_step(gradient, variable, lr)`."""

    slot_names: tuple[str, ...] = ()

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, loss_scale_factor: float | None = None,
        name: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        learning_rate = options.pop("lr", learning_rate)
        if options.pop("decay", None) is not None:
            warnings.warn("Argument `decay` is no longer supported and will be ignored.", stacklevel=3)
        self._check_options(options)
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise located(
                RecordValueError("Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set.")
            )
        self.name = name or auto_name(type(self))
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.loss_scale_factor = global_clipnorm, loss_scale_factor
        self.built = False
        self._excluded: list[int] = []
        self._excluded_names: list[str] = []
        self.iterations = Variable(from_array(np.zeros((), np.int64)), trainable=False, name="iteration")
        self._variables: list[Any] = [self.iterations]
        self._learning_rate: Any = learning_rate
        if not isinstance(learning_rate, LearningRateSchedule) and not callable(learning_rate):
            self._learning_rate = _rate(learning_rate)
            self._variables.append(self._learning_rate)
        self._slots: dict[str, list[Any]] = {}
        self._trainable_variables: list[Any] = []

    @staticmethod
    def _check_options(options: dict[str, Any]) -> None:
        for name, value in options.items():
            if name not in REFUSED:
                raise located(RecordTypeError(f"Argument(s) not recognized: {options}"))
            if value and name not in ("jit_compile", "ema_momentum"):
                raise located(UnsupportedError(f"an optimizer with {name}={value} is not there"))

    # The learning rate.

    @property
    def learning_rate(self) -> Any:
        """The variable that holds it, or what the schedule says for this step."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self.iterations)
        return rate() if callable(rate) and not isinstance(rate, TensorBase) else rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or (callable(value) and not isinstance(value, TensorBase)):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = value
            return
        if isinstance(self._learning_rate, LearningRateSchedule):
            raise located(
                RecordTypeError(
                    "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor "
                    "argument, hence its learning rate is not settable. If you need the learning rate to be settable, you "
                    "should instantiate the optimizer with a float `learning_rate` argument."
                )
            )
        self._learning_rate.assign(np.float32(value) if not isinstance(value, TensorBase) else value)

    lr = learning_rate

    def _rate_operand(self) -> Any:
        """The learning rate as an operand: a compiled step reads the variable again at each call."""
        rate = self.learning_rate
        if isinstance(rate, TensorFlowVariable) and rate._read().array is not None:
            return Literal(_number(rate), TensorType((), f64), lambda: _number(rate))
        if isinstance(rate, TensorBase):
            return rate
        return Literal(float(rate), TensorType((), f64))

    # Variables.

    @property
    def variables(self) -> list[Any]:
        """The counter of iterations, the learning rate, and what is kept beside the variables."""
        return list(self._variables)

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the slots of these variables."""
        if self.built:
            return
        self.built = True
        self._trainable_variables = list(variables)
        self._place = {id(v): i for i, v in enumerate(self._trainable_variables)}
        self._slots = {
            name: [self._slot(v, name) for v in self._trainable_variables] for name in self._wanted_slots()
        }

    def _wanted_slots(self) -> tuple[str, ...]:
        return self.slot_names

    def _slot(self, variable: Any, name: str) -> Any:
        return self.add_variable_from_reference(variable, name)

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of the optimizer."""
        made = Variable(initializer, tuple(shape), dtype or "float32", trainable=False, name=name)
        self._variables.append(made)
        return made

    def add_variable_from_reference(
        self,
        reference_variable: Any,
        name: str | None = None,
        initializer: Any = "zeros",
        model_variable: Any = None,
    ) -> Variable:
        """A variable of the shape and dtype of another."""
        label = f"{getattr(reference_variable, 'path', reference_variable.name).replace('/', '_')}_{name}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=label)

    add_slot = add_variable_from_reference

    def _get_variable_index(self, variable: Any) -> int:
        return self._place[id(variable)]

    def assign(self, variable: Any, value: Any) -> None:
        """Replaces the value of a variable."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        """Adds to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Subtracts from a variable."""
        variable.assign_sub(value)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Variables, or words in names, whose weights do not decay."""
        self._excluded = [id(v) for v in var_list or ()]
        self._excluded_names = list(var_names or ())

    def _decays(self, variable: Any) -> bool:
        named = any(re.search(word, variable.name) for word in self._excluded_names)
        return id(variable) not in self._excluded and not named

    # The step.

    def minimize(self, loss: Any, var_list: Any, tape: Any = None, **more: Any) -> Any:
        """One step down a loss: a function that gives it, or a tensor that `tape` has recorded."""
        if callable(loss):
            with GradientTape() as tape:
                value = loss()
        else:
            value = loss
            if tape is None:
                raise located(
                    RecordValueError(
                        "`tape` is required when a `Tensor` loss is passed.",
                        notes=("write optimizer.minimize(lambda: loss_of_the_model(), var_list)",),
                    )
                )
        variables = list(var_list() if callable(var_list) else var_list)
        return self.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None, **more: Any
    ) -> Any:
        """One step, of pairs of a gradient and its variable."""
        if isinstance(name, (list, tuple)):
            raise located(
                RecordTypeError(
                    "apply_gradients takes one argument, pairs of a gradient and its variable, and got two lists",
                    notes=(PAIRS,),
                )
            )
        pairs = [_pair(p) for p in grads_and_vars]
        if pairs:
            self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """One step, of gradients and their variables (those it was built with by default)."""
        if trainable_variables is None:
            if not self.built:
                raise located(
                    RecordValueError(
                        "When passing `grads` without `variables`, the optimizer must already be built on a list of variables. "
                        "Call `optimizer.build(trainable_variables)` first."
                    )
                )
            trainable_variables = self._trainable_variables
        variables = list(trainable_variables)
        with nothing_kept():
            self.build(variables)
            self._check_known(variables)
            self._apply(list(grads), variables)
            self.iterations.assign_add(1)
            if not recorder.graph.tracing:
                flush()

    def _check_known(self, variables: Sequence[Any]) -> None:
        for v in variables:
            if id(v) not in self._place:
                raise located(
                    RecordValueError(
                        f"Unknown variable: {v.name}. This optimizer can only be called for the variables it was originally "
                        "built with. When working with a new set of variables, you should recreate a new optimizer instance."
                    )
                )

    def _apply(self, grads: list[Any], variables: list[Any]) -> None:
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        missing = [getattr(v, "path", v.name) for g, v in zip(grads, variables, strict=True) if g is None]
        if not pairs:
            raise located(
                RecordValueError(
                    "No gradients provided for any variable.",
                    notes=(
                        f"the variables are {', '.join(missing)}",
                        "is the loss computed from them, inside the tape?",
                    ),
                )
            )
        if missing:
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss.", stacklevel=4
            )
        found = [_gradient(g, v) for g, v in pairs]
        held = [v for _, v in pairs]
        if self.loss_scale_factor is not None:
            found = [divide(g, float(self.loss_scale_factor)) for g in found]
        found = self._clipped(found)
        self._decay(held)
        self._update(found, held)
        for v in held:
            if v.constraint is not None:
                v.assign(v.constraint(v))

    def _clipped(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm:
            return emit_all(U.clip_norm, grads, float(self.clipnorm))
        if self.global_clipnorm:
            return emit_all(U.clip_global_norm, grads, float(self.global_clipnorm))
        if self.clipvalue:
            return emit_all(U.clip_value, grads, float(self.clipvalue))
        return grads

    def _decay(self, variables: Sequence[Any]) -> None:
        decaying = [v for v in variables if self.weight_decay is not None and self._decays(v)]
        if decaying:
            made = emit_all(
                U.decay, [*decaying, self._rate_operand()], len(decaying), float(self.weight_decay or 0)
            )
            _write(decaying, made)

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        """Variable after variable, through update_step; the built-in optimizers update all at once."""
        rate = self.learning_rate
        rate = rate if isinstance(rate, TensorBase) else convert_to_tensor(float(rate))
        for g, v in zip(grads, variables, strict=True):
            self.update_step(g, v, rate)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Changes one variable by its gradient; override it for a way of your own."""
        raise located(
            RecordError(f"{type(self).__name__} has no update_step(gradient, variable, learning_rate)")
        )

    def _run(
        self,
        lower: Any,
        grads: list[Any],
        variables: list[Any],
        *statics: Any,
        counts: bool = False,
        extra: Sequence[Any] = (),
    ) -> None:
        """Records one update: variables and slots (and `extra` ones) come first and get its results."""
        places = [self._place[id(v)] for v in variables]
        slots = [held[i] for held in self._slots.values() for i in places]
        written = [*variables, *slots, *extra]
        read = [*grads, self._rate_operand(), *([self.iterations] if counts else [])]
        _write(written, emit_all(lower, [*written, *read], len(variables), *statics))

    def finalize_variable_values(self, var_list: Any) -> None:
        """Called at the end of `fit`."""

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": rate if isinstance(rate, LearningRateSchedule) else float(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)

    def get_weights(self) -> list[Any]:
        """The values of its variables, as NumPy arrays."""
        return [v.numpy() for v in self._variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Takes over arrays for its variables, in order."""
        for v, value in zip(self._variables, weights, strict=True):
            v.assign(convert_to_tensor(value, dtype_hint=v.dtype))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _pair(given: Any) -> tuple[Any, Any]:
    """A gradient and its variable, of what `apply_gradients` iterates over."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        what = f"a {type(given).__name__} alone" if isinstance(given, TensorBase) else repr(given)
        raise located(
            RecordValueError(
                f"apply_gradients takes pairs of a gradient and its variable, and got {what:.60}",
                notes=(PAIRS,),
            )
        )
    gradient, variable = given
    if not isinstance(variable, TensorFlowVariable):
        swapped = isinstance(gradient, TensorFlowVariable)
        raise located(
            RecordAttributeError(
                f"apply_gradients takes pairs (gradient, variable); the second of this pair is a {type(variable).__name__}"
                + (" and the first is the variable" if swapped else ""),
                notes=(PAIRS,),
            )
        )
    return gradient, variable


def _number(variable: Any) -> float:
    """The number that a variable holds; a function being traced reads what was there before."""
    known = variable._read().array
    array = variable.numpy() if known is None else known
    return float(np.asarray(array).reshape(()))


def _rate(value: Any) -> Variable:
    number = value.numpy() if isinstance(value, TensorBase) else value
    return Variable(from_array(np.asarray(number, np.float32)), trainable=False, name="learning_rate")


def _gradient(g: Any, v: Any) -> Any:
    """A gradient as a tensor of its variable's dtype; rows of an embedding put together."""
    dense = convert_to_tensor(g) if not isinstance(g, Tensor) else g
    return dense if dense.dtype is v.dtype else cast(dense, v.dtype)


def _write(variables: Sequence[Any], values: Sequence[Tensor]) -> None:
    for v, value in zip(variables, values, strict=True):
        v._write(value._read())
