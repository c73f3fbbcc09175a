"""tf.gradients: an operation that runs the autodiff pass on what a session has recorded of its targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import array_ops, creation
from irc.frontends.tensorflow.compat.v1.actions import Action, Call
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, call, operation, prepared
from irc.frontends.tensorflow.compat.v1.frame import Frame
from irc.frontends.tensorflow.compat.v1.graph import graph_of
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation, Probe
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.compat.v1.variables import Variable
from irc.frontends.tensorflow.gradient_tape import UnconnectedGradients
from irc.frontends.tensorflow.tensor import TensorBase


class Gradient(Action):
    """The gradients of the sum of `targets` with respect to `sources`."""

    def __init__(
        self, targets: Sequence[GraphTensor], sources: Sequence[GraphTensor], weights: Sequence[Any]
    ) -> None:
        self.targets = targets
        self.sources = sources
        self.weights = weights

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        tape = frame.run.tape
        assert tape is not None
        weights = [None if w is None else frame.value(w) for w in self.weights]
        targets = [frame.value(t) for t in self.targets]
        sources = [frame.value(t) for t in self.sources]
        found = tape.gradient(targets, sources, weights)
        return [creation.zeros_like(s) if g is None else g for s, g in zip(sources, found, strict=True)]


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """The gradient of the sum of all `ys` with respect to each of `xs`: a list; None where no y depends on an x."""
    if not mode.in_graph and not isinstance(prepared(ys), GraphTensor):
        raise located(
            RecordTypeError(
                "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead."
            )
        )
    targets = [as_tensor(y) for y in _listed(ys)]
    sources = [_source(x) for x in _listed(xs)]
    weights = (
        [None] * len(targets)
        if grad_ys is None
        else [None if g is None else as_tensor(g) for g in _listed(grad_ys)]
    )
    _check(targets)
    graph = graph_of([*targets, *sources])
    reached = _connected(targets, [prepared(s) for s in _listed(stop_gradients or [])], sources)
    wanted = list(dict.fromkeys(x for x in sources if x in reached))
    found: dict[GraphTensor, Any] = {}
    if wanted:
        inputs = [*targets, *wanted, *(w for w in weights if w is not None)]
        probes = [Probe(x.probe.types) for x in wanted]
        action = Gradient(targets, wanted, weights)
        made = operation(graph, action, f"{name}/{targets[0].op.name}_grad", "Gradient", inputs, probes)
        found = dict(zip(wanted, made.outputs, strict=True))
    zero = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO
    return [found.get(x, call(creation.zeros_like, (x,), "zeros_like") if zero else None) for x in sources]


def hessians(ys: Any, xs: Any, name: str = "hessians", **options: Any) -> list[Any]:
    """The second derivatives of a scalar with respect to each of `xs`, of shape x.shape + x.shape."""
    raise located(
        RecordTypeError(
            "tf.hessians is not there", notes=("tf.gradients of each element of tf.gradients gives a row",)
        )
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _source(x: Any) -> GraphTensor:
    # Of a variable: of what it was when the targets read it, whatever control dependencies are open now.
    found = x._snapshot if isinstance(x, Variable) else prepared(x)
    if not isinstance(found, GraphTensor):
        raise located(
            RecordTypeError(f"a gradient is with respect to tensors and variables, not {type(x).__name__}")
        )
    return found


def _check(targets: Sequence[GraphTensor]) -> None:
    for y in targets:
        if not y.dtype.is_floating:
            raise located(
                RecordValueError(
                    f"the gradient of a tensor of {y.dtype.name} is not there: {y}", notes=(y.op.place,)
                )
            )


def _connected(
    targets: Sequence[GraphTensor], stopped: Sequence[GraphTensor], sources: Sequence[GraphTensor]
) -> dict[GraphTensor, None]:
    """The sources that a target depends on through floating-point tensors."""
    stop = dict.fromkeys(stopped)
    by_variable: dict[Any, list[GraphTensor]] = {}
    for x in sources:
        for variable in x.op.action.variables:
            by_variable.setdefault(variable, []).append(x)
    reached: dict[GraphTensor, None] = {}
    seen: dict[GraphTensor, None] = {}
    stack = list(targets)
    while stack:
        tensor = stack.pop()
        if tensor in seen or not tensor.dtype.is_floating:
            continue
        seen[tensor] = reached[tensor] = None
        action = tensor.op.action
        for variable in action.variables if not tensor.op.inputs else ():
            reached.update(dict.fromkeys(by_variable.get(variable, ())))
        cut = isinstance(action, Call) and action.function is array_ops.stop_gradient
        if not cut and tensor not in stop:
            stack.extend(tensor.op.inputs)
    return reached
