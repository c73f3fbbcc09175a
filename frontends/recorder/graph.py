"""The recording: operations go in one after another, and a segment of them is computed when somebody looks.

    apply(lower, operands, statics)   records one operation and returns its values
    flush()                           computes everything that is still referenced

A segment's key is its structure: the templates in order and how they are connected. A segment seen before runs its
executable at once. See design section 7."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irc.dialects.stablehlo import Convert, Reshape
from irc.errors import IrcError
from irc.frontends.errors import TraceError, locate
from irc.frontends.recorder.places import HOME, put
from irc.frontends.recorder.template import Lowering, find_template, make_template
from irc.frontends.recorder.value import Node, Operand, Placeholder, Recorded
from irc.frontends.source import Site, scopes
from irc.ir.types import FloatType, TensorType

OPERATION_LIMIT = 10_000
BYTE_LIMIT = 1 << 31
"""A segment is computed when it exceeds this many ops, or when its pending results would fill this many bytes."""


class Graph:
    """One recording. `tracing` graphs belong to a compiled function: they are never computed while they grow."""

    def __init__(self, tracing: bool = False) -> None:
        self.tracing = tracing
        self.known: Callable[[Recorded], Any] = _unknown
        """While tracing: the array of a value that follows from shapes and constants; None where it does not."""
        self.pending: list[Node] = []
        self.operations = 0
        self.nbytes = 0
        self.written: dict[Any, Recorded] = {}
        """While tracing: storages written to, with the value each had before."""
        self.argument_names: dict[int, str] = {}
        """While tracing: what the function calls its arguments, by the identity of their placeholders."""
        self.grads: dict[Any, Any] = {}
        """While tracing: tensors whose `.grad` was set, with what it was before."""
        self.grad_reads: dict[Any, bool] = {}
        """While tracing: tensors whose `.grad` was asked for before it was set, and whether it was missing."""
        self.checks: list[tuple[Recorded, Callable[[Any], None]]] = []
        """While tracing: what is called with the array of an argument before each run; it raises what is wrong with it."""
        self.modules: dict[Any, bool] = {}
        """While tracing: modules called, with their `training`, as guards."""

    @property
    def is_full(self) -> bool:
        return not self.tracing and (self.operations > OPERATION_LIMIT or self.nbytes > BYTE_LIMIT)

    def add(self, node: Node) -> None:
        self.pending.append(node)
        self.operations += len(node.template.operations)
        self.nbytes += node.template.weight

    def adopt(self, other: Graph) -> None:
        """Takes over what another graph recorded."""
        for node in other.take():
            self.add(node)

    def take(self) -> list[Node]:
        """The pending nodes, which are then no longer pending."""
        nodes = self.pending
        self.pending = []
        self.operations = self.nbytes = 0
        return nodes


def _unknown(value: Recorded) -> Any:
    return None


class Recorder:
    """The state of recording in this process: the graph that grows now, and whether gradients are recorded."""

    __slots__ = (
        "differentiating",
        "epoch",
        "explain",
        "forced",
        "grad_enabled",
        "graph",
        "making",
        "moves",
        "sequence",
        "spread",
    )

    def __init__(self) -> None:
        self.graph = Graph()
        self.grad_enabled = True
        self.differentiating = False
        """Whether irc.grad or irc.vjp runs a function: frontends whose history is kept by tapes keep it then, too."""
        self.sequence = 0
        self.epoch = 0
        """Counts changes of modules between training and evaluation."""
        self.spread = False
        """Whether any value has ever been put elsewhere than at home."""
        self.making = HOME
        """Where values that are made of nothing are put."""
        self.forced: str | None = None
        """Where everything runs, wherever its operands are."""
        self.moves = 0
        """Counts moves of parameters from one place to another: a trace from before is of no use."""
        self.explain: Callable[[IrcError, Sequence[Operand]], None] = _no_explanation
        """Adds what a frontend knows about the operands (module path, where a shape came from) to an error."""

    @contextmanager
    def within(self, graph: Graph) -> Iterator[Graph]:
        """Records into another graph for a while."""
        before, self.graph = self.graph, graph
        try:
            yield graph
        finally:
            self.graph = before

    @contextmanager
    def at(self, *, making: str | None = None, forced: str | None = None) -> Iterator[None]:
        """Makes values at a place, or runs everything at one, for a while."""
        before = self.making, self.forced
        self.making, self.forced = making or self.making, forced or self.forced
        self.spread = self.spread or self.making != HOME or self.forced not in (None, HOME)
        try:
            yield
        finally:
            self.making, self.forced = before

    def place_for(self, operands: Sequence[Operand]) -> str:
        """Where an operation on these operands runs: with the first that is not at home."""
        if self.forced is not None:
            return self.forced
        values = [o for o in operands if isinstance(o, Recorded)]
        if not values:
            return self.making
        return next((v.place for v in values if v.place != HOME), HOME)


@contextmanager
def differentiated() -> Iterator[bool]:
    """History is kept inside, for a function that is going to be differentiated; gives whether it was kept before."""
    before = recorder.grad_enabled, recorder.differentiating
    recorder.grad_enabled = recorder.differentiating = True
    try:
        yield before[0]
    finally:
        recorder.grad_enabled, recorder.differentiating = before


def _no_explanation(error: IrcError, operands: Sequence[Operand]) -> None:
    return None


recorder = Recorder()


def apply(
    lower: Lowering, operands: Sequence[Operand], statics: tuple[Any, ...] = (), place: str | None = None
) -> list[Recorded]:
    """Records `lower` on the operands, to run at a place. Errors are raised here, at the user's line; nothing is computed."""
    operands = tuple(operands)
    types = [o.type for o in operands]
    key = (lower, statics, *types)
    template = find_template(key)
    site = Site.here()
    if template is None:
        try:
            template = make_template(key, lower, statics, types)
        except IrcError as error:
            recorder.explain(locate(error, site), operands)
            raise
    return apply_template(template, operands, site, place)


def apply_template(
    template: Any, operands: tuple[Operand, ...], site: Site, place: str | None = None
) -> list[Recorded]:
    """Records a template on operands of its parameters' types."""
    recorder.sequence += 1
    node = Node(template, operands, site, recorder.sequence)
    if recorder.spread:
        node.place = recorder.forced or place or recorder.place_for(operands)
    results = [Recorded(t, node, i) for t, i in zip(template.result_types, template.results, strict=True)]
    if recorder.grad_enabled:
        for operand in operands:
            if operand.requires_grad:
                for result in results:
                    result.requires_grad = type(result.type.element) is FloatType
                break
    node.results = list(results)
    recorder.graph.add(node)
    return results


def require(value: Recorded, check: Callable[[Any], None]) -> None:
    """Has the array of an argument checked at each call of the function being traced, where `value` is that argument or
    it in another shape or dtype."""
    while value.array is None and value.node is not None and value.node.template.only(Convert, Reshape):
        (value,) = value.node.inputs  # type: ignore[assignment]
    while value.array is None and value.node is None and value.source is not None:
        value = value.source
    if recorder.graph.tracing and value.array is None and value.node is None:
        recorder.graph.checks.append((value, check))


def constant(array: Any, type: TensorType) -> Recorded:
    """A computed value around a host array that nobody else will write to."""
    made = Recorded(type, None, 0, array)
    if recorder.spread and (place := recorder.forced or recorder.making) != HOME:
        made.array = put(array, type, place)
    if scopes.describe is not None:
        scopes.origins[made] = Site.here().location()
    return made


def moved(value: Recorded, place: str) -> Recorded:
    """The value at another place: copied there at once where it is computed and nothing depends on how, else recorded."""
    if recorder.forced is not None or value.place == place:
        return value
    recorder.spread = True
    if value.array is not None and not value.requires_grad and not recorder.graph.tracing:
        return Recorded(value.type, None, 0, put(value.array, value.type, place))
    return apply(same, (value,), (), place)[0]


def same(b: Any, x: Any) -> Any:
    """The lowering of nothing: the value again."""
    return x


def placeholder(type: TensorType, place: str = HOME) -> Recorded:
    """A value that a trace takes as an argument, which is at a place."""
    return Placeholder(type, place) if place != HOME else Recorded(type)


def refuse_look(what: str, value: Recorded) -> TraceError:
    """The error for looking at a value inside a compiled function."""
    return TraceError(
        f"{what} needs the value of a tensor, which a compiled function does not have while it is recorded",
        span=Site.here().span(),
        notes=(chain_to_input(value), *ADVICE),
    )


ADVICE = (
    "for a choice between values write irc.cond(pred, true_fn, false_fn, *operands) or torch.where(pred, a, b)",
    "for a loop write irc.while_loop(cond_fn, body_fn, init) or irc.scan(f, init, xs)",
    "or look at the value outside the compiled function",
)


def chain_to_input(value: Recorded, limit: int = 8) -> str:
    """How a value came from an argument of the function, operation by operation."""
    steps: list[str] = []
    at: Recorded | None = value
    while at is not None and at.node is not None and len(steps) < limit:
        site = at.node.site
        step = f"`{site.expression() or 'an operation'}` ({site.brief()})"
        if not steps or steps[-1] != step:
            steps.append(step)
        at = next((o for o in at.node.inputs if isinstance(o, Recorded)), None)
    if at is not None and at.node is None:
        while at.source is not None and at.array is None:
            at = at.source
        name = recorder.graph.argument_names.get(id(at))
        steps.append(
            f"the argument {name}"
            if name
            else "a tensor from outside"
            if at.array is not None
            else "an argument"
        )
    return f"why it is a tensor: {', from '.join(steps)}"


def needed(outputs: Iterable[Recorded]) -> list[Node]:
    """The nodes that have to run for these values, in recorded order."""
    found: dict[Node, None] = {}
    stack = list(outputs)
    while stack:
        value = stack.pop()
        node = value.node
        if value.array is not None or node is None or node in found:
            continue
        if node.computed and value.index in node.saved:
            continue
        found[node] = None
        stack.extend(o for o in node.inputs if isinstance(o, Recorded))
    return sorted(found, key=_sequence)


def _sequence(node: Node) -> int:
    return node.sequence
