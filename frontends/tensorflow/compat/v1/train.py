"""tf.train: optimizers that update variables as one operation, schedules, and a saver."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordError, RecordTypeError, RecordValueError
from irc.frontends.lowering import updates, updates_keras
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Literal
from irc.frontends.tensorflow import creation, dtypes, pointwise
from irc.frontends.tensorflow.compat.v1.actions import Action
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, call, constant, operation, prepared
from irc.frontends.tensorflow.compat.v1.frame import Frame
from irc.frontends.tensorflow.compat.v1.gradients import gradients
from irc.frontends.tensorflow.compat.v1.graph import Graph, GraphKeys, get_default_graph
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation
from irc.frontends.tensorflow.compat.v1.variables import (
    Variable,
    control_dependencies,
    group,
    trainable_variables,
)
from irc.frontends.tensorflow.tensor import TensorBase, emit_all
from irc.ir.types import TensorType, f64


class Update(Action):
    """New values of variables by one lowering of an optimizer.

    Its operands are the variables, then the operation's inputs (gradients, and numbers that are tensors) and literals."""

    writes = True

    def __init__(
        self,
        lower: Any,
        written: Sequence[Variable],
        gradients: int,
        numbers: Sequence[Any],
        counters: Sequence[Variable],
        statics: tuple[Any, ...],
    ) -> None:
        """`numbers` follow the gradients (literals, or None for the next of the operation's inputs); then the counters."""
        self.variables = (*written, *counters)
        self.written = tuple(written)
        self.counters = tuple(counters)
        self.lower = lower
        self.gradients = gradients
        self.numbers = tuple(numbers)
        self.statics = statics

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        held = [frame.run.read(v, op) for v in self.written]
        given = [frame.value(t) for t in op.inputs]
        rest = iter(given[self.gradients :])
        numbers = [next(rest) if n is None else n for n in self.numbers]
        counters = [frame.run.read(v, op) for v in self.counters]
        operands = [*held, *given[: self.gradients], *numbers, *counters]
        for variable, value in zip(self.written, emit_all(self.lower, operands, *self.statics), strict=True):
            frame.run.write(variable, value)
        return ()


class Optimizer:
    """Base of the optimizers."""

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise located(RecordValueError("Must specify the optimizer name"))
        self._name = name
        self._slots: dict[tuple[Variable, str], Variable] = {}

    def get_name(self) -> str:
        """Its name."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """An operation that updates the variables (all trainable ones) so that the loss falls."""
        found = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(g is None for g, _ in found):
            names = [v.name for _, v in found]
            raise located(
                RecordValueError(
                    f"No gradients provided for any variable, check your graph for ops that do not support gradients, between "
                    f"variables {names} and loss {loss}."
                )
            )
        return self.apply_gradients(found, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Variable]]:
        """Pairs of a gradient (None where the loss does not depend on it) and a variable."""
        if callable(loss) and not isinstance(loss, GraphTensor):
            raise located(
                RecordError(
                    "`loss` passed to Optimizer.compute_gradients should not be a function: that is for eager execution",
                    notes=("tf.keras.optimizers are for eager execution",),
                )
            )
        variables = list(var_list) if var_list is not None else trainable_variables()
        if not variables:
            raise located(RecordValueError("No variables to optimize."))
        weights = None if grad_loss is None else [grad_loss]
        found = gradients([loss], variables, weights)
        return list(zip(found, variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Any = None, name: str | None = None
    ) -> Operation:
        """An operation that updates the variables by these gradients, and then counts `global_step` up."""
        pairs = [(as_tensor(g), v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            names = [v.name for _, v in grads_and_vars]
            raise located(RecordValueError(f"No gradients provided for any variable: {names}."))
        graph = pairs[0][0].graph
        label = name or self._name
        with graph.control_dependencies(None):
            self._prepare(graph, [v for _, v in pairs])
        by_dtype: dict[Any, list[Any]] = {}
        for g, v in pairs:
            by_dtype.setdefault(v.dtype, []).append((g, v))
        made = [self._update([v for _, v in part], [g for g, _ in part], label) for part in by_dtype.values()]
        done = self._finish(made, label)
        if global_step is not None:
            with control_dependencies([done]):
                done = global_step.assign_add(1, name=f"{label}/AssignAdd", read_value=False)
        graph.add_to_collection(GraphKeys.TRAIN_OP, done)
        return done

    def _prepare(self, graph: Graph, variables: Sequence[Variable]) -> None:
        """Makes what every update needs besides slots."""

    def _update(self, variables: Sequence[Variable], grads: Sequence[GraphTensor], name: str) -> Operation:
        raise located(RecordTypeError(f"{type(self).__name__} has no update"))

    def _finish(self, made: list[Operation], name: str) -> Operation:
        """What is done when all updates are."""
        return made[0] if len(made) == 1 else group(*made, name=name)

    def _made(
        self,
        lower: Any,
        variables: Sequence[Variable],
        grads: Sequence[GraphTensor],
        numbers: Sequence[Any],
        statics: tuple[Any, ...],
        name: str,
        counters: Sequence[Variable] = (),
    ) -> Operation:
        """The operation; `numbers` are Python's, or tensors."""
        tensors: list[GraphTensor] = []
        literals = [_number(n, tensors) for n in numbers]
        action = Update(lower, variables, len(grads), literals, counters, statics)
        graph = grads[0].graph
        return operation(graph, action, name, f"Apply{self._name}", [*grads, *tensors], [])

    # Slots.

    def _slot(self, variable: Variable, slot: str, value: float = 0.0, name: str | None = None) -> Variable:
        """A variable beside another one, of its shape."""
        found = self._slots.get((variable, slot))
        if found is None:
            graph = variable.graph
            shape, d = list(variable.type.shape), variable.dtype
            with graph.control_dependencies(None), graph.name_scope(None):
                full = graph._unique(f"{variable.op.name}/{name or self._name}")
                found = self._slots[variable, slot] = Variable(
                    lambda: call(creation.fill, (shape, _typed(value, d)), "Fill", "Initializer/Fill"),
                    trainable=False,
                    name=f"{full}/",
                )
        return found

    def _all(self, variables: Sequence[Variable], slot: str, value: float = 0.0) -> list[Variable]:
        return [self._slot(v, slot, value) for v in variables]

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """The slot `name` of a variable, or None."""
        return self._slots.get((var, name))

    def get_slot_names(self) -> list[str]:
        """The names of what it keeps beside each variable."""
        return sorted({slot for _, slot in self._slots})

    def variables(self) -> list[Variable]:
        """The optimizer's own variables."""
        return list(self._slots.values())


def _typed(value: float, d: dtypes.DType) -> Any:
    return d.as_numpy_dtype(value)


def _number(value: Any, tensors: list[GraphTensor]) -> Any:
    """A Python number as a literal; a tensor goes to `tensors`."""
    if callable(value) and not isinstance(value, (GraphTensor, Variable)):
        value = value()
    value = prepared(value)
    if isinstance(value, GraphTensor):
        tensors.append(value)
        return None
    return Literal(float(value), TensorType((), f64))


class GradientDescentOptimizer(Optimizer):
    """variable -= learning_rate * gradient."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _update(self, variables: Sequence[Variable], grads: Sequence[GraphTensor], name: str) -> Operation:
        return self._made(
            updates_keras.sgd, variables, grads, [self._learning_rate], (len(grads), 0.0, False), name
        )


class MomentumOptimizer(Optimizer):
    """accumulation = momentum * accumulation + gradient; variable -= learning_rate * accumulation."""

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._momentum, self._nesterov = learning_rate, momentum, use_nesterov

    def _update(self, variables: Sequence[Variable], grads: Sequence[GraphTensor], name: str) -> Operation:
        held = [*variables, *self._all(variables, "momentum")]
        numbers = [self._learning_rate, 0.0, self._momentum, 1.0]
        statics = (len(grads), True, self._nesterov, False, False, False)
        return self._made(updates.sgd, held, grads, numbers, statics, name)


class AdamOptimizer(Optimizer):
    """Kingma and Ba 2015, in the form before section 2.1."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._beta1, self._beta2, self._epsilon = float(beta1), float(beta2), float(epsilon)
        self._iterations: Variable | None = None

    def _prepare(self, graph: Graph, variables: Sequence[Variable]) -> None:
        if self._iterations is None:
            with graph.name_scope(None):
                full = graph._unique(f"{self._name}/iterations")
                self._iterations = Variable(0, trainable=False, name=f"{full}/", dtype=dtypes.int64)

    def _update(self, variables: Sequence[Variable], grads: Sequence[GraphTensor], name: str) -> Operation:
        assert self._iterations is not None
        held = [*variables, *self._all(variables, "m"), *self._all(variables, "v")]
        statics = (len(grads), self._beta1, self._beta2, self._epsilon, False)
        return self._made(
            updates_keras.adam,
            held,
            grads,
            [self._learning_rate],
            statics,
            f"{name}/update",
            [self._iterations],
        )

    def _finish(self, made: list[Operation], name: str) -> Operation:
        assert self._iterations is not None
        with control_dependencies(made):
            return self._iterations.assign_add(1, name=name, read_value=False)

    def variables(self) -> list[Variable]:
        return [*([self._iterations] if self._iterations is not None else []), *super().variables()]


class RMSPropOptimizer(Optimizer):
    """Tieleman and Hinton 2012; the mean square starts at one."""

    def __init__(
        self,
        learning_rate: Any,
        decay: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._decay, self._momentum = learning_rate, float(decay), float(momentum)
        self._epsilon, self._centered = float(epsilon), bool(centered)

    def _update(self, variables: Sequence[Variable], grads: Sequence[GraphTensor], name: str) -> Operation:
        held = [*variables, *self._all(variables, "rms", 1.0)]
        if self._momentum > 0:
            held += self._all(variables, "momentum")
        if self._centered:
            held += self._all(variables, "mg")
        statics = (len(grads), self._decay, self._momentum, self._epsilon, self._centered)
        return self._made(updates_keras.rmsprop, held, grads, [self._learning_rate], statics, name)


class AdagradOptimizer(Optimizer):
    """Duchi et al. 2011."""

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        super().__init__(use_locking, name)
        if initial_accumulator_value <= 0.0:
            raise located(
                RecordValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
            )
        self._learning_rate, self._initial = learning_rate, initial_accumulator_value

    def _update(self, variables: Sequence[Variable], grads: Sequence[GraphTensor], name: str) -> Operation:
        held = [*variables, *self._all(variables, "accumulator", self._initial)]
        return self._made(updates_keras.adagrad, held, grads, [self._learning_rate], (len(grads), 0.0), name)


class AdadeltaOptimizer(Optimizer):
    """Zeiler 2012."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._rho, self._epsilon = learning_rate, float(rho), float(epsilon)

    def _update(self, variables: Sequence[Variable], grads: Sequence[GraphTensor], name: str) -> Operation:
        held = [*variables, *self._all(variables, "accum"), *self._all(variables, "accum_update")]
        statics = (len(grads), self._rho, self._epsilon)
        return self._made(updates_keras.adadelta, held, grads, [self._learning_rate], statics, name)


# The global step.


def create_global_step(graph: Graph | None = None) -> Variable:
    """A counter of steps, one for each graph. Raises ValueError where it is there."""
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise located(RecordValueError('"global_step" already exists.'))
    with graph.as_default(), graph.name_scope(None):
        keys = [GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP]
        return Variable(0, trainable=False, collections=keys, name="global_step", dtype=dtypes.int64)


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's counter of steps, or None."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def get_or_create_global_step(graph: Graph | None = None) -> Variable:
    """The counter of steps of the graph: an int64 variable, made where there is none yet."""
    return get_global_step(graph) or create_global_step(graph)


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of a counter of steps."""
    return int(sess.run(global_step_tensor))


# Schedules.


def _ratio(global_step: Any, decay_steps: Any, staircase: bool = False) -> Any:
    if global_step is None:
        raise located(RecordValueError("global_step is required for a learning rate schedule."))
    step = call(_to_float, (global_step,), "Cast")
    ratio = step / (float(decay_steps) if isinstance(decay_steps, (int, float)) else decay_steps)
    return call(pointwise.floor, (ratio,), "Floor") if staircase else ratio


def _to_float(x: Any) -> Any:
    return pointwise.cast(x, dtypes.float32)


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * decay_rate ** (global_step / decay_steps)."""
    base = constant(float(decay_rate)) if isinstance(decay_rate, (int, float)) else decay_rate
    return base ** _ratio(global_step, decay_steps, staircase) * learning_rate


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""
    return constant(math.exp(-decay_rate)) ** _ratio(global_step, decay_steps, staircase) * learning_rate


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    return learning_rate / (_ratio(global_step, decay_steps, staircase) * decay_rate + 1.0)


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """From learning_rate to end_learning_rate within decay_steps."""
    if cycle:
        raise located(RecordValueError("polynomial_decay(cycle=True) is not there"))
    left = 1.0 - call(pointwise.minimum, (_ratio(global_step, decay_steps), 1.0), "Minimum")
    return left**power * (learning_rate - end_learning_rate) + end_learning_rate


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Any:
    """Half a cosine wave from learning_rate to alpha * learning_rate (Loshchilov and Hutter 2017)."""
    ratio = call(pointwise.minimum, (_ratio(global_step, decay_steps), 1.0), "Minimum")
    wave = (call(pointwise.cos, (ratio * math.pi,), "Cos") + 1.0) * 0.5
    return (wave * (1 - alpha) + alpha) * learning_rate


def piecewise_constant(
    x: Any, boundaries: Sequence[Any], values: Sequence[float], name: str | None = None
) -> Any:
    """values[0] up to the first boundary, values[1] up to the second, ..."""
    if len(boundaries) != len(values) - 1:
        raise located(RecordValueError("The length of boundaries should be 1 less than the length of values"))
    found = as_tensor(values[0], None, None, dtypes.float32)
    for boundary, value in zip(boundaries, values[1:], strict=True):
        found = call(pointwise.where, (x > boundary, float(value), found), "Where")
    return found


piecewise_constant_decay = piecewise_constant


def _missing(name: str, advice: str) -> Any:
    def made(*args: Any, **kwargs: Any) -> Any:
        raise located(RecordTypeError(f"tf.train.{name} is not there", notes=(advice,)))

    return made


ProximalGradientDescentOptimizer = _missing(
    "ProximalGradientDescentOptimizer", "tf.train.GradientDescentOptimizer is"
)
ProximalAdagradOptimizer = _missing("ProximalAdagradOptimizer", "tf.train.AdagradOptimizer is")
FtrlOptimizer = _missing("FtrlOptimizer", "tf.train.AdagradOptimizer is")
SyncReplicasOptimizer = _missing("SyncReplicasOptimizer", "there is one process: use the optimizer inside")
MonitoredTrainingSession = _missing("MonitoredTrainingSession", "use tf.Session and tf.train.Saver")
Coordinator = _missing("Coordinator", "there are no queues: feed batches, or use tf.data")
start_queue_runners = _missing("start_queue_runners", "there are no queues: feed batches, or use tf.data")
batch = _missing("batch", "there are no queues: feed batches, or use tf.data")
shuffle_batch = _missing("shuffle_batch", "there are no queues: feed batches, or use tf.data")
slice_input_producer = _missing("slice_input_producer", "there are no queues: feed batches, or use tf.data")
