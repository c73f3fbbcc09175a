"""tf.cond and tf.while_loop in graphs: branches and bodies are built as blocks of operations, and become the regions of
stablehlo.if and stablehlo.while when a session records them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.errors import TraceError
from irc.frontends import control
from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest, pointwise
from irc.frontends.tensorflow.compat.v1.actions import Action, NoOp, Random, constant_op, tensors_in
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, operation, prepared
from irc.frontends.tensorflow.compat.v1.frame import Frame
from irc.frontends.tensorflow.compat.v1.graph import Block, Graph, graph_of
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation, Probe
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.recording import history_kept
from irc.frontends.tensorflow.shape import TensorShape
from irc.frontends.tensorflow.tensor import TensorBase
from irc.ir.types import TensorType, i32

_ZERO = np.zeros((), np.int32)


class Built:
    """A block that has been built: its results, nested as the function gave them, and what it takes from outside."""

    def __init__(
        self, graph: Graph, function: Callable[..., Any], arguments: Sequence[GraphTensor] = ()
    ) -> None:
        self.block = Block(graph.block)
        with graph.inside(self.block):
            self.arguments = [_argument(graph, a) for a in arguments]
            self.structure = function(*self.arguments)
            self.operations_waited = [v for v in _leaves(self.structure) if isinstance(v, Operation)]
            self.results = [
                as_tensor(v)
                for v in _leaves(self.structure)
                if v is not None and not isinstance(v, Operation)
            ]
        inside = dict.fromkeys(self.block.operations)
        taken = [t for op in self.block.operations for t in op.inputs]
        self.captured = list(dict.fromkeys(t for t in [*taken, *self.results] if t.op not in inside))
        actions = [op.action for op in self.block.operations]
        self.variables = tuple(dict.fromkeys(v for a in actions for v in a.variables))
        self.writes = any(a.writes for a in actions)
        self.has_effects = self.writes or any(
            isinstance(a, Random) or getattr(a, "has_effects", False) for a in actions
        )

    def run(self, frame: Frame, values: Sequence[TensorBase] = ()) -> list[TensorBase]:
        """Records it in a frame inside of `frame`."""
        inner = Frame(frame.run, frame)
        for argument, value in zip(self.arguments, values, strict=True):
            inner.feed(argument, value)
        arguments = dict.fromkeys(a.op for a in self.arguments)
        inner.execute(op for op in self.block.operations if op not in arguments)
        return [inner.value(t) for t in self.results]


def _leaves(structure: Any) -> list[Any]:
    return nest.flatten(prepared(structure))


def _argument(graph: Graph, like: GraphTensor) -> GraphTensor:
    probe = Probe(like.probe.types)
    return operation(graph, NoOp(), "Argument", "Placeholder", [], [probe]).outputs[0]


class Branch(Action):
    """One of two blocks, by a boolean.

    Where a block changes a variable or draws random numbers the boolean has to be known while the session records: from
    what is fed, for each of its values once."""

    def __init__(self, taken: Built, other: Built, resolves: bool) -> None:
        """With `resolves`, a boolean that follows from what is fed is known, too."""
        self.taken, self.other = taken, other
        self.resolves = resolves
        self.variables = tuple(dict.fromkeys((*taken.variables, *other.variables)))
        self.writes = taken.writes or other.writes
        self.has_effects = taken.has_effects or other.has_effects

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        pred = frame.value(op.inputs[0])
        known = frame.run.known(pred._read()) if self.has_effects or self.resolves else None
        if known is not None:
            return (self.taken if known.item() else self.other).run(frame)
        if self.has_effects:
            raise TraceError(
                f"a branch of {op.name} changes a variable or draws random numbers, and which one is taken is computed",
                notes=(
                    "tf.where(pred, a, b) chooses between values computed before",
                    "or feed the condition through a placeholder: each of its values is compiled once",
                ),
            )
        with history_kept():
            made = control.cond(pred, lambda: self.taken.run(frame), lambda: self.other.run(frame))
        return tensors_in(made)


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
    _resolves: bool = False,
) -> Any:
    """`true_fn()` where `pred` holds, else `false_fn()`: tensors nested alike, of the same types."""
    true_fn, false_fn = true_fn or fn1, false_fn or fn2
    for function, which in ((true_fn, "true_fn"), (false_fn, "false_fn")):
        if not callable(function):
            raise located(RecordTypeError(f"{which} must be callable."))
    assert true_fn is not None and false_fn is not None
    if isinstance(pred, bool):
        raise located(
            RecordTypeError(
                "pred must not be a Python bool", notes=("write an `if`: it is known while building",)
            )
        )
    pred = as_tensor(pred)
    if not isinstance(pred, GraphTensor):
        return (true_fn if pred else false_fn)()
    if not pred.dtype.is_bool or pred.shape.rank not in (0, None):
        raise located(RecordTypeError(f"pred is a boolean scalar, not {pred}", notes=(pred.op.place,)))
    graph = pred.graph
    with graph.name_scope(name or "cond") as scope:
        taken, other = Built(graph, true_fn), Built(graph, false_fn)
        _check_alike(taken, other)
        inputs = [pred, *dict.fromkeys((*taken.captured, *other.captured))]
        probes = [_met(a.probe, b.probe) for a, b in zip(taken.results, other.results, strict=True)]
        made = operation(graph, Branch(taken, other, _resolves), f"{scope}Merge/", "Cond", inputs, probes)
    if not probes:
        return made
    outputs = iter(made.outputs)
    flat = [None if v is None else next(outputs) for v in _leaves(taken.structure)]
    found = nest.pack_sequence_as(prepared(taken.structure), flat)
    singleton = isinstance(found, (list, tuple)) and len(found) == 1
    return found[0] if singleton and not strict else found


def either(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """One of two functions' results, by a Python value or a tensor. Where the tensor follows from what is fed, each of its
    values is compiled for itself."""
    pred = prepared(pred)
    if not isinstance(pred, GraphTensor):
        return (true_fn if pred else false_fn)()
    return cond(pred, true_fn, false_fn, strict=True, _resolves=True)


def _check_alike(taken: Built, other: Built) -> None:
    if len(taken.results) != len(other.results):
        raise located(
            RecordValueError(
                f"true_fn and false_fn must return the same number of results: {len(taken.results)} and {len(other.results)}"
            )
        )
    for a, b in zip(taken.results, other.results, strict=True):
        if a.dtype is not b.dtype:
            raise located(
                RecordValueError(
                    f"Outputs of true_fn and false_fn must have the same type: {a.dtype.name}, {b.dtype.name}",
                    notes=(a.op.place, b.op.place),
                )
            )


def _met(a: Probe, b: Probe) -> Probe:
    """What is known of a value that comes from either."""
    return Probe((a.types[0], b.types[1]))


class Loop(Action):
    """A block again and again while another one gives true."""

    def __init__(self, test: Built, body: Built, count: int, maximum: int | None) -> None:
        self.test, self.body = test, body
        self.count = count
        self.maximum = maximum
        self.variables = tuple(dict.fromkeys((*test.variables, *body.variables)))
        self.writes = test.writes or body.writes
        self.has_effects = test.has_effects or body.has_effects

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        carried = [frame.value(t) for t in op.inputs[: self.count]]
        maximum = self.maximum
        with history_kept():
            if maximum is None:
                return control.while_loop(
                    lambda vs: self.test.run(frame, vs)[0], lambda vs: self.body.run(frame, vs), carried
                )
            start = constant_op(_ZERO, TensorType((), i32))
            _, values = control.while_loop(
                lambda c: pointwise.logical_and(c[0] < maximum, self.test.run(frame, c[1])[0]),
                lambda c: (c[0] + 1, self.body.run(frame, c[1])),
                (start, carried),
            )
        return values


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """While `cond(*loop_vars)` holds: loop_vars = `body(*loop_vars)`. Gives the last ones.

    What is carried keeps its shape: a `while` of the IR has one type for each value."""
    if not callable(cond) or not callable(body):
        raise located(RecordTypeError("cond and body must be callable."))
    given = list(loop_vars) if isinstance(loop_vars, (list, tuple)) else [loop_vars]
    if not given:
        raise located(RecordValueError("No loop variables provided"))
    if not mode.in_graph and not any(isinstance(prepared(v), GraphTensor) for v in nest.flatten(given)):
        return _eager_loop(cond, body, given, maximum_iterations)
    carried = [as_tensor(v) for v in nest.flatten(given)]
    graph = graph_of(carried)

    def nested(function: Callable[..., Any], wanted: int | None) -> Callable[..., Any]:
        def run(*flat: GraphTensor) -> Any:
            found = function(*nest.pack_sequence_as(given, list(flat)))
            if wanted == 1 and not isinstance(found, (list, tuple)):
                return [found]
            return found

        return run

    with graph.name_scope(name or "while") as scope:
        starts = [_invariant(t, s) for t, s in zip(carried, _shapes(given, shape_invariants), strict=True)]
        test = Built(graph, nested(cond, None), starts)
        if len(test.results) != 1 or not test.results[0].dtype.is_bool:
            raise located(RecordTypeError("cond must return one boolean scalar tensor"))
        steps = Built(graph, nested(body, len(given)), starts)
        _check_carried(given, carried, steps)
        inputs = [*carried, *dict.fromkeys((*test.captured, *steps.captured))]
        maximum = None if maximum_iterations is None else _static(maximum_iterations)
        action = Loop(test, steps, len(carried), maximum)
        made = operation(
            graph, action, f"{scope}Exit/", "While", inputs, [Probe(t.probe.types) for t in starts]
        )
    found = nest.pack_sequence_as(given, made.outputs)
    if return_same_structure and isinstance(loop_vars, tuple):
        return tuple(found)
    return found[0] if len(found) == 1 and not return_same_structure else found


def _static(value: Any) -> int:
    if isinstance(value, GraphTensor):
        known = value.probe.known
        if known is None or not value.probe.is_exact:
            raise located(
                RecordValueError("maximum_iterations is a number or a constant", notes=(value.op.place,))
            )
        return int(known[0])
    return int(value)


def _shapes(given: Any, invariants: Any) -> list[Any]:
    count = len(nest.flatten(given))
    if invariants is None:
        return [None] * count
    found: list[Any] = []
    for value, shape in zip(given, invariants, strict=True):
        found += [shape] if not nest.is_nested(value) else list(shape)
    return found


class _Start:
    """A loop variable as its blocks see it: of the shape that holds in every iteration."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe


def _invariant(tensor: GraphTensor, shape: Any) -> Any:
    if shape is None:
        return _Start(Probe(tensor.probe.types))
    wanted = TensorShape(shape)
    if not wanted.is_compatible_with(tensor.shape):
        raise located(RecordValueError(f"The shape invariant {wanted} is not compatible with {tensor}"))
    # Only extents that are not known to begin with stay so: a carried value has one type.
    return _Start(Probe(tensor.probe.types))


def _check_carried(given: Any, carried: list[GraphTensor], body: Built) -> None:
    if len(body.results) != len(carried):
        raise located(
            RecordValueError(
                f"The number of elements body gives is {len(body.results)}, and loop_vars has {len(carried)}."
            )
        )
    for before, after in zip(carried, body.results, strict=True):
        if before.dtype is not after.dtype:
            raise located(
                RecordTypeError(
                    f"{before} enters the loop with dtype {before.dtype.name}, but has dtype {after.dtype.name} after one "
                    "iteration.",
                    notes=(after.op.place,),
                )
            )
        if before.probe.types != after.probe.types:
            raise located(
                RecordValueError(
                    f"Input tensor '{before.name}' enters the loop with shape {before.shape}, but has shape {after.shape} after "
                    "one iteration.",
                    notes=(
                        after.op.place,
                        "what a loop carries keeps its shape: write into a tensor of the final size",
                    ),
                )
            )


def _eager_loop(cond: Any, body: Any, given: list[Any], maximum: Any) -> Any:
    values, turns = given, 0
    while cond(*values) and (maximum is None or turns < int(maximum)):
        found = body(*values)
        values = list(found) if isinstance(found, (list, tuple)) else [found]
        turns += 1
    return values[0] if len(values) == 1 else values


def case(
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case"
) -> Any:
    """The function of the first pair whose boolean holds, else `default`."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    if default is None:
        *pairs, (_, default) = pairs
    chosen = default
    for pred, function in reversed(pairs):
        chosen = _either(pred, function, chosen, name)
    return chosen()


def _either(pred: Any, function: Any, otherwise: Any, name: str) -> Callable[[], Any]:
    return lambda: cond(pred, function, otherwise, name=name)
