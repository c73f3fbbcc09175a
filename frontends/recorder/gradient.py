"""Gradients of recorded values: the autodiff pass on the part of the recording that leads to them.

`plan` finds that part, `backward` records the reverse ops as one node, and `flush` computes a segment and keeps what a
later backward will read (the residuals), so that no forward op runs twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.dialects.stablehlo import Constant
from irc.errors import IrcError
from irc.frontends.errors import RecordError, locate
from irc.frontends.recorder.graph import apply_template, recorder
from irc.frontends.recorder.segment import compute
from irc.frontends.recorder.template import Template, own_results
from irc.frontends.recorder.value import Literal, Node, Operand, Recorded
from irc.frontends.source import Site
from irc.ir.attributes import DenseElementsAttr
from irc.ir.builder import Builder
from irc.ir.operation import Operation, Value
from irc.ir.types import FloatType
from irc.passes.autodiff import gradient, residuals

Residual = tuple[int, int]
"""(node position, value number), or (-1, external number)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The reverse of one structure: a template over residuals and cotangents; `reached` says which of the wanted values
    its results are the gradients of."""

    template: Template | None
    residuals: tuple[Residual, ...]
    reached: tuple[int, ...]


class History:
    """The nodes that lead from values gradients are asked for (`wanted`) to `roots`."""

    def __init__(
        self, roots: Sequence[Recorded], wanted: Sequence[Recorded] | None = None, more: Sequence[Recorded] = ()
    ) -> None:
        """`wanted` None means the leaves, and those of `more` that are on the way."""
        self.roots = tuple(roots)
        self.nodes = _ancestors(roots)
        self.externals: list[Operand] = []
        self._external: dict[int, int] = {}
        self._base = {node: i for i, node in enumerate(self.nodes)}
        parts: list[Any] = []
        for node in self.nodes:
            parts.append(node.template)
            parts.append(tuple(self._reference(o) for o in node.inputs))
        self.root_refs = tuple(self._reference(r) for r in roots)
        on_the_way = [v for v in more if v.node in self._base]
        self.wanted = [*self._leaves(), *on_the_way] if wanted is None else list(wanted)
        self.wanted_refs = tuple(self._reference(w) for w in self.wanted)
        self.key = (tuple(parts), self.root_refs, self.wanted_refs)

    def _reference(self, value: Operand) -> tuple[int, int]:
        if value.has_history and value.node in self._base:
            return self._base[value.node], value.index  # type: ignore[union-attr, index]
        # A leaf shared by two tensors' values is one leaf; anything else is itself.
        number = self._external.get(id(value))
        if number is None:
            number = self._external[id(value)] = len(self.externals)
            self.externals.append(value)
        return -1, number

    def _leaves(self) -> list[Recorded]:
        return [v for v in self.externals if isinstance(v, Recorded) and v.requires_grad and v.leaf is not None]

    def operand(self, residual: Residual) -> Operand:
        """The recorded value of a residual."""
        position, index = residual
        if position < 0:
            return self.externals[index]
        node = self.nodes[position]
        # A gradient that is itself differentiated flows through the residuals too.
        tracked = recorder.grad_enabled and type(node.template.values[index].type.element) is FloatType
        return node.at(index, tracked)

    @property
    def is_freed(self) -> bool:
        return any(node.freed for node in self.nodes)

    def free(self) -> None:
        """Forgets what was kept for a backward: a second one is an error."""
        for node in self.nodes:
            node.freed = True
            node.saved = {}
            if node.computed:
                node.inputs = ()


def _ancestors(roots: Sequence[Recorded]) -> list[Node]:
    found: dict[Node, None] = {}
    stack = [r.node for r in roots if r.has_history]
    while stack:
        node = stack.pop()
        assert node is not None
        if node not in found:
            found[node] = None
            stack.extend(o.node for o in node.inputs if o.has_history)
    return sorted(found, key=lambda n: n.sequence)


_PLANS: dict[Any, Plan] = {}


def plan(history: History, unit: bool) -> Plan:
    """The reverse of a history. With `unit` the cotangent of the only root is one, not an operand."""
    key = (history.key, unit)
    found = _PLANS.get(key)
    if found is None:
        found = _PLANS[key] = _Planner(history).plan(unit)
    return found


class _Planner:
    """Places a history's ops and runs the autodiff pass over them."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.externals = [Value(v.type, None, i) for i, v in enumerate(history.externals)]
        self.operations: list[Operation] = []
        self.values: list[list[Value]] = []
        self.origin: dict[Value, Residual] = {v: (-1, i) for i, v in enumerate(self.externals)}
        parts = history.key[0]
        for position, (node, refs) in enumerate(zip(history.nodes, parts[1::2], strict=True)):
            made, values = node.template.place([self.value(r) for r in refs], node.site.location())
            self.operations += made
            self.values.append(values)
            self.origin.update((v, (position, i)) for i, v in enumerate(values))

    def value(self, ref: Residual) -> Value:
        position, index = ref
        return self.externals[index] if position < 0 else self.values[position][index]

    def plan(self, unit: bool) -> Plan:
        history, builder = self.history, Builder()
        outputs = [self.value(r) for r in history.root_refs]
        wanted = [self.value(r) for r in history.wanted_refs]
        cotangents = [one(builder, outputs[0])] if unit else [Value(o.type) for o in outputs]
        given = [] if unit else cotangents
        results = gradient(builder, outputs, cotangents, wanted, self.operations)
        reached = tuple(i for i, g in enumerate(results) if g is not None)
        if not reached:
            return Plan(None, (), ())
        grads = own_results(builder, [g for g in results if g is not None])
        read = self._read(builder.operations)
        template = Template([*read, *given], builder.operations, grads)
        return Plan(template, tuple(self.origin[v] for v in read), reached)

    def _read(self, operations: Sequence[Operation]) -> list[Value]:
        """What the reverse ops read of the forward: residuals and externals, in order of first use."""
        inside = residuals(operations, self.operations)
        used = dict.fromkeys(o for op in operations for inner in op.walk() for o in inner.operands)
        outside = [v for v in self.externals if v in used]
        return [*outside, *inside]


def one(builder: Builder, value: Value) -> Value:
    """A constant one of a value's type."""
    ones = np.ones((), value.type.element.numpy)
    array = DenseElementsAttr.of(value.type, np.broadcast_to(ones, value.type.static_shape))
    return builder.emit(Constant(value=array, result_types=[value.type]))  # type: ignore[no-any-return]


SECOND_BACKWARD = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)


def backward(
    roots: Sequence[Recorded],
    cotangents: Sequence[Recorded] | None,
    wanted: Sequence[Recorded] | None = None,
    more: Sequence[Recorded] = (),
    *,
    retain: bool = False,
) -> list[tuple[Recorded, Recorded]]:
    """Records the gradients of `roots`: pairs of a wanted value (all leaves by default) and its gradient.

    `cotangents` None means one, for a single scalar root. Without `retain` the history can be used only once."""
    site = Site.here()
    history = History(roots, wanted, more)
    try:
        found = plan(history, cotangents is None)
    except IrcError as error:
        raise locate(error, site) from None
    if history.is_freed and found.residuals:
        raise locate(RecordError(SECOND_BACKWARD), site)
    pairs = []
    if found.template is not None:
        operands = (*map(history.operand, found.residuals), *(cotangents or ()))
        results = apply_template(found.template, operands, site)
        pairs = [(history.wanted[i], g) for i, g in zip(found.reached, results, strict=True)]
    if not retain:
        history.free()
    return pairs


def flush() -> None:
    """Computes the pending segment: everything still referenced, and the residuals of gradients that may be asked for."""
    graph = recorder.graph
    roots = [
        value
        for node in graph.pending
        for value in node.results
        if value.requires_grad and value.leaf is None and not node.freed and value.is_held
    ]
    if not roots:
        compute(graph.take())
        return
    history = History(roots)
    found = plan(history, False)
    keep = [o for o in map(history.operand, found.residuals) if isinstance(o, Recorded) and o.array is None]
    compute(graph.take(), keep, retain=True)
