"""Gradients of recorded values: the autodiff pass on the part of the recording that leads to them.

`plan` finds that part, `backward` records the reverse ops as one node, and `flush` computes a segment and keeps what a
later backward will read (the residuals), so that no forward op runs twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.dialects.stablehlo import Constant
from irc.errors import IrcError, UnsupportedError
from irc.frontends.errors import RecordError, locate
from irc.frontends.recorder.functions import FUNCTIONS
from irc.frontends.recorder.graph import apply_template, needed, recorder
from irc.frontends.recorder.segment import compute
from irc.frontends.recorder.template import Template, copy_operations, own_results
from irc.frontends.recorder.value import Node, Operand, Recorded
from irc.frontends.source import Site
from irc.ir.attributes import DenseElementsAttr
from irc.ir.builder import Builder
from irc.ir.keys import region_key
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import FloatType
from irc.passes.autodiff.transform import Replacement, Reverse, copy_into

Residual = tuple[int, int]
"""(node position, value number), or (-1, external number)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The reverse of one structure: a template over residuals and cotangents; `reached` says which of the wanted values
    its results are the gradients of. `augmented` are the templates that nodes have to run as, by position."""

    template: Template | None
    residuals: tuple[Residual, ...]
    reached: tuple[int, ...]
    augmented: tuple[tuple[int, Template], ...] = ()


class History:
    """The nodes that lead from values gradients are asked for (`wanted`) to `roots`."""

    def __init__(
        self,
        roots: Sequence[Recorded],
        wanted: Sequence[Recorded] | None = None,
        more: Sequence[Recorded] = (),
        visible: Callable[[Node], bool] | None = None,
    ) -> None:
        """`wanted` None means the leaves, and those of `more` that are on the way. The history ends at nodes that are
        not `visible` (recorded while a tape did not)."""
        self.roots = tuple(roots)
        self.nodes = _ancestors(roots, visible)
        self.externals: list[Operand] = []
        self._external: dict[int, int] = {}
        self._shown: dict[tuple[int, int], Recorded] = {}
        self._base = {node: i for i, node in enumerate(self.nodes)}
        parts: list[Any] = []
        read_beyond = self._read_beyond()
        for node in self.nodes:
            parts.append(node.running if node in read_beyond else node.template)
            parts.append(tuple(self._reference(o) for o in node.inputs))
        self.root_refs = tuple(self._reference(r) for r in roots)
        on_the_way = [v for v in more if v.node in self._base]
        self.wanted = [*self._leaves(), *on_the_way] if wanted is None else list(wanted)
        self.wanted_refs = tuple(self._reference(w) for w in self.wanted)
        # Roots that nothing was computed for have no template that would tell their types.
        leaves = tuple(r.type for r, (place, _) in zip(self.roots, self.root_refs, strict=True) if place < 0)
        self.key = (tuple(parts), self.root_refs, self.wanted_refs, leaves)

    def _read_beyond(self) -> dict[Node, None]:
        """Nodes of which a later one reads what only their augmented template has (a gradient of a gradient)."""
        operands = (o for node in self.nodes for o in node.inputs if o.has_history)
        return {o.node: None for o in operands if o.index >= len(o.node.template.values)}  # type: ignore[union-attr, misc]

    def augment(self, found: Plan) -> None:
        """Makes the nodes run as the templates that a plan asks for."""
        for position, template in found.augmented:
            node = self.nodes[position]
            if node.augmented is not template:
                # What another plan's loop kept is not what this one's reads.
                known = len(node.template.values)
                node.saved = {k: array for k, array in node.saved.items() if k < known}
                node.augmented = template

    def _reference(self, value: Operand) -> tuple[int, int]:
        if value.has_history and value.node in self._base:
            ref = self._base[value.node], value.index
            if value.array is not None:
                self._shown[ref] = value
            return ref
        # A leaf shared by two tensors' values is one leaf; anything else is itself.
        number = self._external.get(id(value))
        if number is None:
            number = self._external[id(value)] = len(self.externals)
            self.externals.append(value)
        return -1, number

    def _leaves(self) -> list[Recorded]:
        return [
            v for v in self.externals if isinstance(v, Recorded) and v.requires_grad and v.leaf is not None
        ]

    def operand(self, residual: Residual) -> Operand:
        """The recorded value of a residual, with its array where that is known."""
        position, index = residual
        if position < 0:
            value = self.externals[index]
            if isinstance(value, Recorded) and value.array is None and value.node is not None:
                value.array = value.node.saved.get(value.index)
            return value
        if residual in self._shown:
            return self._shown[residual]
        node = self.nodes[position]
        # A gradient that is itself differentiated flows through the residuals too.
        tracked = recorder.grad_enabled and type(node.running.values[index].type.element) is FloatType
        return node.at(index, tracked)

    @property
    def is_freed(self) -> bool:
        return any(node.freed for node in self.nodes)

    @property
    def is_lost(self) -> bool:
        """Whether a backward has used up some of it for good: what went into those nodes is not known any more."""
        return any(node.template.parameters and not node.inputs for node in self.nodes)

    def free(self, operands: Sequence[Operand]) -> None:
        """Forgets what was kept for a backward: a second one is an error. What its operands still have to be computed
        from stays."""
        rerun = dict.fromkeys(needed(o for o in operands if isinstance(o, Recorded)))
        for node in self.nodes:
            node.freed = True
            if node not in rerun:
                node.saved = {}
                if node.computed:
                    node.inputs = ()


def _ancestors(roots: Sequence[Recorded], visible: Callable[[Node], bool] | None) -> list[Node]:
    found: dict[Node, None] = {}
    stack = [r.node for r in roots if r.has_history]
    while stack:
        node = stack.pop()
        assert node is not None
        if node not in found and (visible is None or visible(node)):
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
        self.operations: list[list[Operation]] = []
        self.operands: list[list[Value]] = []
        self.values: list[list[Value]] = []
        self.origin: dict[Value, Residual] = {v: (-1, i) for i, v in enumerate(self.externals)}
        templates, references = history.key[0][::2], history.key[0][1::2]
        for position, (node, template, refs) in enumerate(
            zip(history.nodes, templates, references, strict=True)
        ):
            operands = [self.value(r) for r in refs]
            made, values = template.place(operands, node.site.location())
            self.operations.append(made)
            self.operands.append(operands)
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
        replaced: dict[Operation, Replacement] = {}
        operations = [op for ops in self.operations for op in ops]
        reverse = Reverse(builder, operations, wanted, FUNCTIONS, replaced)
        for output, cotangent in zip(outputs, cotangents, strict=True):
            reverse.add(output, reverse.scope.of(cotangent))
        reverse.run()
        found = [reverse.cotangents.get(v) for v in wanted]
        reached = tuple(i for i, g in enumerate(found) if g is not None)
        if not reached:
            return Plan(None, (), ())
        augmented = self._augment(replaced) if replaced else ()
        grads = own_results(builder, [g.value for g in found if g is not None])
        read = self._read(builder.operations)
        given = [] if unit else cotangents
        template = Template([*read, *given], builder.operations, grads)
        return Plan(template, tuple(self.origin[v] for v in read), reached, augmented)

    def _read(self, operations: Sequence[Operation]) -> list[Value]:
        """What the reverse ops read of the forward: externals, then residuals, in order of first use."""
        used = dict.fromkeys(o for op in operations for inner in op.walk() for o in inner.operands)
        found = [v for v in used if v in self.origin]
        return sorted(found, key=lambda v: self.origin[v][0] >= 0)

    def _augment(self, replaced: dict[Operation, Replacement]) -> tuple[tuple[int, Template], ...]:
        """The templates of nodes some of whose ops were replaced: the old values first, then the new ones."""
        builder = Builder()
        local: dict[Value, Value] = {}
        out = []
        for position, operations in enumerate(self.operations):
            before = len(builder.operations)
            copy_into(builder, operations, local, replaced)
            if any(op in replaced for op in operations):
                made = builder.operations[before:]
                old = [local[v] for v in self.values[position]]
                more = [r for op in made for r in op.results if r not in dict.fromkeys(old)]
                values = [*old, *more]
                self._note_origins(position, local, values)
                parameters = [local.get(v, v) for v in self.operands[position]]
                results = [old[i] for i in self.history.nodes[position].template.results]
                out.append((position, _distinct_parameters(parameters, made, results, values)))
        return tuple(out)

    def _note_origins(self, position: int, local: dict[Value, Value], values: list[Value]) -> None:
        """Where the values that replaced ops make can be found."""
        place = {v: i for i, v in enumerate(values)}
        for made, copied in local.items():
            if copied in place and made not in self.origin:
                self.origin[made] = (position, place[copied])


def _distinct_parameters(
    parameters: list[Value], operations: Sequence[Operation], results: list[Value], values: list[Value]
) -> Template:
    """A template whose parameters are values of their own, though one was given twice."""
    fresh = [Value(p.type, None, i) for i, p in enumerate(parameters)]
    renamed = dict(zip(parameters, fresh, strict=True))
    made = copy_operations(operations, renamed)
    template = Template(fresh, made, [renamed[v] for v in results], [renamed[v] for v in values])
    place = {r: i for i, r in enumerate(r for op in made for r in op.results)}
    structure = region_key((Region([Block(fresh, made)]),), {})
    key = (structure, template.results, tuple(place[v] for v in template.values))
    return _AUGMENTED.setdefault(key, template)


_AUGMENTED: dict[Any, Template] = {}
"""Augmented templates by structure: plans for different roots meet in one where they ask for the same."""


def one(builder: Builder, value: Value) -> Value:
    """A constant one of a value's type."""
    ones = np.ones((), value.type.element.numpy)
    array = DenseElementsAttr.of(value.type, np.broadcast_to(ones, value.type.static_shape))
    return builder.emit(Constant(value=array, result_types=[value.type]))


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
    visible: Callable[[Node], bool] | None = None,
) -> list[tuple[Recorded, Recorded]]:
    """Records the gradients of `roots`: pairs of a wanted value (all leaves by default) and its gradient.

    `cotangents` None means one, for a single scalar root. Without `retain` the history can be used only once."""
    site = Site.here()
    history = History(roots, wanted, more, visible)
    if history.is_lost:
        raise locate(RecordError(SECOND_BACKWARD), site)
    try:
        found = plan(history, cotangents is None)
    except IrcError as error:
        raise locate(error, site) from None
    if history.is_freed and found.residuals:
        raise locate(RecordError(SECOND_BACKWARD), site)
    pairs = []
    history.augment(found)
    operands: tuple[Operand, ...] = ()
    if found.template is not None:
        operands = (*map(history.operand, found.residuals), *(cotangents or ()))
        results = apply_template(found.template, operands, site)
        pairs = [(history.wanted[i], g) for i, g in zip(found.reached, results, strict=True)]
    if not retain:
        history.free(operands)
    return pairs


def _has_gradient(history: History) -> bool:
    """Whether each op on the way has one."""
    try:
        plan(history, False)
    except UnsupportedError:
        return False
    return True


def flush() -> None:
    """Computes the pending segment: everything still referenced, and the residuals of gradients that may be asked for."""
    graph = recorder.graph
    roots = [
        value
        for node in graph.pending
        for value in node.results
        if value.requires_grad and value.leaf is None and not node.freed and value.is_held
    ]
    history = History(roots)
    if history.is_lost:
        history = History([r for r in roots if not History([r]).is_lost])
    # What has no gradient is refused when somebody asks for it, not here.
    asked = bool(history.roots)
    if not _has_gradient(history):
        history = History([r for r in history.roots if _has_gradient(History([r]))])
    if not history.roots:
        compute(graph.take(), retain=asked)
        return
    found = plan(history, False)
    history.augment(found)
    keep = [o for o in map(history.operand, found.residuals) if isinstance(o, Recorded) and o.array is None]
    compute(graph.take(), keep, retain=True)
