"""A whole graph as StableHLO text: placeholders and variables as arguments, what nothing else takes as results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.frontends.recorder.graph import constant, placeholder
from irc.frontends.recorder.segment import Segment
from irc.frontends.recorder.storage import Handle
from irc.frontends.recorder.trace import Recording, Trace
from irc.frontends.tensorflow.compat.v1.actions import Placeholder
from irc.frontends.tensorflow.compat.v1.frame import Bindings, Needs, NeedsValue
from irc.frontends.tensorflow.compat.v1.graph import Graph
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation
from irc.frontends.tensorflow.compat.v1.session import record
from irc.frontends.tensorflow.tensor import Tensor, wrap
from irc.ir.printer import print_operation
from irc.ir.types import TensorType


class GraphVariables(Bindings):
    """Variables as arguments of a program."""

    def __init__(self, handles: dict[Any, Tensor]) -> None:
        self.handles = handles

    def handle(self, variable: Any) -> Tensor:
        return self.handles[variable]

    def is_initialized(self, variable: Any) -> bool:
        return True


def graph_text(graph: Graph, unknown: int) -> str:
    """The whole graph as text; see Graph.as_text. A value that the program depends on is taken to be one."""
    operations = _shown(graph)
    inputs = [op.outputs[0] for op in operations if isinstance(op.action, Placeholder)]
    variables = list(dict.fromkeys(v for op in operations for v in op.action.variables))
    taken = dict.fromkeys(t for op in operations for t in op.inputs)
    fetched = [t for op in operations if not op.action.variables for t in op.outputs if t not in taken]
    needs = Needs(operations, inputs)
    fixed: dict[GraphTensor, Tensor] = {}
    while True:
        try:
            return print_operation(_module(needs, fetched, inputs, variables, unknown, fixed))
        except NeedsValue as needed:
            type = _type_with(needed.tensor, unknown)
            fixed[needed.tensor] = wrap(constant(np.ones(type.static_shape, type.element.numpy), type))


def _module(
    needs: Needs,
    fetched: Sequence[GraphTensor],
    inputs: Sequence[GraphTensor],
    variables: Sequence[Any],
    unknown: int,
    fixed: dict[GraphTensor, Tensor],
) -> Any:
    """Operations as a module, with `fixed` values of inputs that it depends on."""
    free = [t for t in inputs if t not in fixed]
    arguments = [wrap(placeholder(_type_with(t, unknown))) for t in free]
    arguments += [wrap(placeholder(v.type)) for v in variables]

    def function(*handles: Any) -> list[Handle]:
        bindings = GraphVariables(dict(zip(variables, handles[len(free) :], strict=True)))
        fed = list(zip(free, handles[: len(free)], strict=True))
        return record(bindings, needs, fetched, [*fed, *fixed.items()], None)[1]

    trace = Trace(Recording(function, arguments), donate=False)
    segment = Segment(trace.nodes, trace.outputs, trace.placeholders)
    return segment.module([False] * len(segment.literals))


def _shown(graph: Graph) -> list[Operation]:
    """The operations outside of blocks, without those that only give variables their first values."""
    every = list(graph.by_name.values())
    initial = {op for op in every if op.action.initializes}
    users: dict[Operation, list[Operation]] = {op: [] for op in every}
    for op in every:
        for before in dict.fromkeys([*(t.op for t in op.inputs), *op.control_inputs]):
            users[before].append(op)
    hidden = dict.fromkeys(op for op in every if op in initial or _groups(op, initial))
    for op in reversed(every):
        if users[op] and all(user in hidden for user in users[op]):
            hidden[op] = None
    return [op for op in every if op.block is None and op not in hidden]


def _groups(op: Operation, initial: set[Operation]) -> bool:
    """Whether an operation only waits for initializers."""
    return (
        bool(op.control_inputs)
        and not op.outputs
        and all(c in initial or _groups(c, initial) for c in op.control_inputs)
    )


def _type_with(tensor: GraphTensor, unknown: int) -> TensorType:
    element = tensor.dtype.element
    if tensor.shape.rank is None:
        return TensorType((), element)
    return TensorType(tuple(unknown if d is None else d for d in tensor.shape.as_list()), element)
