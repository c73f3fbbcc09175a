"""irc.cond, irc.while_loop, irc.scan: control flow that is part of the program.

Branches and bodies are recorded, not run: they become the regions of stablehlo.if and stablehlo.while, in compiled
functions and outside of them. Tensors they use from outside are captured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import ref

from irc.dialects import stablehlo as hlo
from irc.frontends.compile import flatten, unflatten
from irc.frontends.errors import RecordError, RecordTypeError, TraceError
from irc.frontends.lowering.control import counted_loop, put_slice, take_slice
from irc.frontends.recorder.graph import Graph, apply_template, placeholder, recorder
from irc.frontends.recorder.segment import literal_constant
from irc.frontends.recorder.storage import Handle, Storage, located
from irc.frontends.recorder.template import Template, find_template, keep_template, own_results
from irc.frontends.recorder.value import Literal, Node, Operand, Recorded
from irc.frontends.source import Site
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import FloatType, TensorType, i1, ui16, ui32, ui64
from irc.passes.expression import Expr, Scope


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], *operands: Any) -> Any:
    """`true_fn(*operands)` where `pred` holds, else `false_fn(*operands)`; both give the same structure and types.

    `pred` is a boolean scalar tensor. A Python bool picks a branch at once."""
    if isinstance(pred, bool):
        return (true_fn if pred else false_fn)(*operands)
    if not isinstance(pred, Handle) or pred._read().type is not TensorType((), i1):
        raise located(RecordTypeError("irc.cond takes a boolean scalar tensor (or a Python bool) as pred"))
    handles: list[Handle] = []
    structure = flatten(operands, handles, leaves=True)

    def record(states: Sequence[Storage]) -> list[Closure]:
        return [
            Closure(lambda *hs, f=f: f(*unflatten(structure, iter(hs))), handles, states)
            for f in (true_fn, false_fn)
        ]

    (taken, other), states = with_effects(record)
    _same_types("the branches of irc.cond give", taken, other)
    inputs = [*(h._read() for h in handles), *(s._value for s in states)]
    return taken.finish(branch(pred._read(), taken, other, inputs), states)


def branch(pred: Recorded, taken: Closure, other: Closure, inputs: Sequence[Recorded] = ()) -> list[Recorded]:
    """Records a stablehlo.if of two recorded functions of the same inputs; gives its results."""

    def lower(scope: Scope, p: Expr, *rest: Expr) -> list[Expr]:
        arguments, captured = _cut(rest, len(inputs), taken.captured, other.captured)
        regions = [
            scope.builder.region([], lambda b, c=c, extra=extra: _region(b, c, arguments, extra))
            for c, extra in zip((taken, other), captured, strict=True)
        ]
        made = hlo.If(p.value, regions=regions)
        scope.builder.emit(made)
        return [scope.of(r) for r in made.results]

    every = [pred, *inputs, *taken.captured, *other.captured]
    return record_closures(("if", taken.key, other.key), lower, every)


def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], init: Any) -> Any:
    """While `cond_fn(value)` holds: value = `body_fn(value)`. Gives the last value.

    `init` is a tensor or a nested tuple, list or dict of tensors; the body gives the same structure and types."""
    handles: list[Handle] = []
    structure = flatten(init, handles, leaves=True)
    if not handles:
        raise located(
            RecordTypeError("irc.while_loop takes a tensor, or tensors in tuples, lists and dicts, as init")
        )

    def record(states: Sequence[Storage]) -> list[Closure]:
        functions = (cond_fn, body_fn)
        return [
            Closure(lambda *hs, f=f: f(unflatten(structure, iter(hs))), handles, states) for f in functions
        ]

    (test, body), states = with_effects(record)
    if test.writes or [t for t, _ in test.results][: test.count] != [TensorType((), i1)]:
        raise located(RecordTypeError("the condition of irc.while_loop gives one boolean scalar tensor"))
    _same_carried("the body of irc.while_loop", body, structure, [h._read().type for h in handles])
    inputs = [*(h._read() for h in handles), *(s._value for s in states)]
    return body.finish(loop(test, body, inputs), states)


def loop(test: Closure, body: Closure, inputs: Sequence[Recorded]) -> list[Recorded]:
    """Records a stablehlo.while of two recorded functions of what is carried; gives what is carried in the end."""

    def lower(scope: Scope, *xs: Expr) -> list[Expr]:
        carried, (for_test, for_body) = _cut(xs, len(inputs), test.captured, body.captured)
        types = [c.type for c in carried]
        regions = [
            scope.builder.region(types, lambda b, *vs: _condition(b, test, vs, for_test)),
            scope.builder.region(types, lambda b, *vs: _region(b, body, vs, for_body)),
        ]
        made = hlo.While(carried, regions=regions)
        scope.builder.emit(made)
        return [scope.of(r) for r in made.results]

    every = [*inputs, *test.captured, *body.captured]
    return record_closures(("while", test.key, body.key), lower, every)


def with_effects(
    record: Callable[[Sequence[Storage]], list[Closure]],
) -> tuple[list[Closure], list[Storage]]:
    """Recorded functions, and the tensors from outside that they write to (variables, the random generator): those are
    carried like arguments, which may take recording them again."""
    states: dict[Storage, None] = {}
    while True:
        closures = record(list(states))
        found = [s for c in closures for s in c.effects if s not in states]
        if not found:
            return closures, list(states)
        states.update(dict.fromkeys(found))


def scan(
    f: Callable[..., Any], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> Any:
    """`carry, y = f(carry, x)` for each x along the first dimension of `xs`; gives the last carry and the stacked ys.

    `init` and `xs` are tensors or nested tuples, lists and dicts of them; without `xs`, `length` says how often."""
    carried: list[Handle] = []
    rows: list[Handle] = []
    carry_structure, row_structure = flatten(init, carried, leaves=True), flatten(xs, rows, leaves=True)
    lengths = {h._read().type.shape[0] for h in rows} | ({length} if length is not None else set())
    if len(lengths) != 1:
        raise located(
            RecordError(f"irc.scan goes along one length, and is given {sorted(map(str, lengths)) or 'none'}")
        )
    (trips,) = (n for n in lengths if n is not None)
    slices = [_row(h) for h in rows]
    n = len(carried)

    def step(*hs: Handle) -> Any:
        return f(unflatten(carry_structure, iter(hs[:n])), unflatten(row_structure, iter(hs[n:])))

    (body,), states = with_effects(lambda states: [Closure(step, [*carried, *slices], states)])
    kind, count = body.structure, body.count
    if not (isinstance(kind, tuple) and kind[0] in (tuple, list) and len(kind) == 3):
        raise located(RecordTypeError("the function of irc.scan gives (carry, y)"))
    _same_carried(
        "the function of irc.scan", body, carry_structure, [h._read().type for h in carried], kind[1]
    )

    def lower(scope: Scope, *every: Expr) -> list[Expr]:
        kept = every[n + len(rows) : n + len(rows) + len(states)]
        stacks_in = every[n : n + len(rows)]
        captured = [x.value for x in every[n + len(rows) + len(states) :]]
        stacks = [
            scope.constant(0, TensorType((trips, *t.shape), t.element)) for t, _ in body.results[n:count]
        ]

        def turn(inner: Scope, i: Expr, state: list[Expr]) -> list[Expr]:
            at = (trips - 1) - i if reverse else i
            rows_now = [take_slice(x, at).value for x in stacks_in]
            arguments = [
                *(s.value for s in state[:n]),
                *rows_now,
                *(s.value for s in state[n : n + len(kept)]),
            ]
            made = [inner.of(v) for v in body.place(inner.builder, arguments, captured)]
            ys = [put_slice(s, at, y) for s, y in zip(state[n + len(kept) :], made[n:count], strict=True)]
            return [*made[:n], *made[count:], *ys]

        found = counted_loop(scope, trips, [*every[:n], *kept, *stacks], turn)
        return [*found[:n], *found[n + len(kept) :], *found[n : n + len(kept)]]

    inputs = [h._read() for h in (*carried, *rows)] + [s._value for s in states]
    key = ("scan", body.key, trips, reverse, n, len(states))
    return body.finish(record_closures(key, lower, [*inputs, *body.captured]), states)


def _row(handle: Handle) -> Handle:
    """A stand-in for one slice along the first dimension."""
    value = handle._read()
    row = placeholder(TensorType(value.type.shape[1:], value.type.element), value.place)
    row.requires_grad = value.requires_grad
    made = type(handle).__new__(type(handle))
    made._hold(row)
    return made


class Closure:
    """A function recorded on stand-ins: its nodes, its results, and the values it uses from outside (`captured`).

    `key` is its structure: equal keys on equal operand types lower to the same region."""

    def __init__(
        self, function: Callable[..., Any], arguments: Sequence[Handle], states: Sequence[Storage] = ()
    ) -> None:
        """`states` are tensors from outside that the function may write to: further arguments, and further results."""
        graph = Graph(tracing=True)
        self.arguments: list[Recorded] = []
        handles: list[Handle] = []
        with recorder.within(graph):
            stand_ins = [self._stand_in(a) for a in arguments]
            before = {storage: self._stand_in_state(storage) for storage in states}
            try:
                structure = flatten(function(*stand_ins), handles, leaves=True)
                values = [h._read() for h in handles]
                finals = [storage._value for storage in states]
            finally:
                self._restore({**graph.written, **before})
        self.writes = list(graph.written)
        self.effects = [storage for storage in self.writes if storage not in before]
        self._take(graph, structure, [type(h) for h in handles], [*values, *finals])

    @classmethod
    def recorded(cls, graph: Graph, handles: Sequence[Handle], finals: Sequence[Recorded] = ()) -> Closure:
        """What was recorded into a graph without arguments; its results are a list."""
        made = cls.__new__(cls)
        made.arguments, made.effects, made.writes = [], [], []
        structure = flatten(list(handles), [], leaves=True)
        made._take(graph, structure, [type(h) for h in handles], [*(h._read() for h in handles), *finals])
        return made

    def _take(self, graph: Graph, structure: Any, kinds: list[Any], values: Sequence[Recorded]) -> None:
        self._check_effects(graph)
        self.structure = structure
        self.kinds = kinds
        self.count = len(kinds)
        self.results = [(v.type, v.requires_grad) for v in values]
        self.nodes = _needed_here(graph.pending, values)
        self.place_of = {node: i for i, node in enumerate(self.nodes)}
        self.captured: list[Recorded] = []
        self.known = {id(v): i for i, v in enumerate(self.arguments)}
        self.parts = [(node.running, tuple(map(self._reference, node.inputs))) for node in self.nodes]
        self.outputs = tuple(map(self._reference, values))
        self.key = (tuple(self.parts), self.outputs, tuple(a.type for a in self.arguments))

    def _stand_in_state(self, storage: Storage) -> Recorded:
        """Puts an argument into a storage; gives what it held."""
        before = storage._value
        value = placeholder(before.type, before.place)
        value.requires_grad, value.leaf = before.requires_grad, before.leaf
        self.arguments.append(value)
        storage._value = value
        value.owner = ref(storage)
        storage.version += 1
        return before

    @staticmethod
    def _restore(before: dict[Storage, Recorded]) -> None:
        for storage, value in before.items():
            storage._value = value
            storage.version += 1

    def _stand_in(self, argument: Handle) -> Handle:
        given = argument._read()
        value = placeholder(given.type, given.place)
        # What is carried may get a gradient in a later turn: a detach inside has to stop it.
        value.requires_grad = recorder.grad_enabled and type(given.type.element) is FloatType
        self.arguments.append(value)
        made = type(argument).__new__(type(argument))
        made._hold(value)
        return made

    @staticmethod
    def _check_effects(graph: Graph) -> None:
        if graph.grads:
            raise located(
                TraceError(
                    "a branch or loop body changes the gradient of a tensor from outside",
                    notes=("give the gradient back as a result, and add it outside",),
                )
            )

    def _reference(self, operand: Operand) -> Any:
        """("literal", number), or (place, index, whether the gradient stops here)."""
        if isinstance(operand, Literal):
            return "literal", operand.type, repr(operand.value), operand
        node = operand.node
        if node in self.place_of and operand.array is None:
            tracked = any(r.requires_grad for r in node.results if r.index == operand.index)
            return self.place_of[node], operand.index, tracked and not operand.requires_grad
        root = operand
        while (
            root.source is not None
            and id(root) not in self.known
            and root.array is None
            and root.node is None
        ):
            root = root.source
        if id(root) in self.known:
            return -1, self.known[id(root)], root is not operand
        for i, value in enumerate(self.captured):
            if value is operand:
                return -2, i, False
        self.captured.append(operand)
        return -2, len(self.captured) - 1, False

    def place(self, b: Builder, arguments: Sequence[Value], captured: Sequence[Value]) -> list[Value]:
        """The recorded ops in a builder; the values of the results."""
        scope = Scope(b)
        made: list[list[Value]] = []

        def value(ref: Any) -> Value:
            if ref[0] == "literal":
                return b.emit(literal_constant(ref[3]))
            place, index, cut = ref
            found = (
                arguments[index] if place == -1 else captured[index] if place == -2 else made[place][index]
            )
            return _stopped(scope.of(found)).value if cut else found

        for node, (template, refs) in zip(self.nodes, self.parts, strict=True):
            operations, values = template.place([value(r) for r in refs], node.site.location())
            b.operations += operations
            made.append(values)
        return [value(r) for r in self.outputs]

    def finish(self, values: Sequence[Recorded], states: Sequence[Storage]) -> Any:
        """Results as the function gave them; the last ones become the states' new values."""
        for storage, value in zip(states, values[self.count :], strict=True):
            before = storage._value
            if before.leaf is not None:
                value.requires_grad, value.leaf = True, before.leaf
            storage.write(value)
        return self.wrap(values[: self.count])

    def wrap(self, values: Iterable[Recorded]) -> Any:
        """Results as the function gave them."""
        handles = []
        for value, kind in zip(values, self.kinds, strict=True):
            handle = kind.__new__(kind)
            handle._hold(value)
            handles.append(handle)
        return unflatten(self.structure, iter(handles))


_WORDS = {16: ui16, 32: ui32, 64: ui64}


def _stopped(x: Expr) -> Expr:
    """x, through its bits: gradients do not follow."""
    if not isinstance(x.element, FloatType):
        return x
    word = x.type.with_element(_WORDS[x.element.width])
    bits = x.scope.emit(hlo.BitcastConvert(x.value, result_types=[word]))
    return x.scope.emit(hlo.BitcastConvert(bits.value, result_types=[x.type]))


def _needed_here(pending: Sequence[Node], values: Sequence[Recorded]) -> list[Node]:
    inside = dict.fromkeys(pending)
    found: dict[Node, None] = {}
    stack = list(values)
    while stack:
        node = stack.pop().node
        if node is not None and node in inside and node not in found:
            found[node] = None
            stack.extend(o for o in node.inputs if isinstance(o, Recorded))
    return [node for node in pending if node in found]


def _region(b: Builder, closure: Closure, arguments: Sequence[Value], captured: Sequence[Value]) -> None:
    b.emit(hlo.Return(closure.place(b, arguments, captured)))


def _condition(b: Builder, closure: Closure, arguments: Sequence[Value], captured: Sequence[Value]) -> None:
    b.emit(hlo.Return(closure.place(b, arguments, captured)[:1]))


def _cut(xs: Sequence[Expr], count: int, *captured: Sequence[Any]) -> tuple[list[Value], list[list[Value]]]:
    """The first `count` values, and then runs as long as each of `captured`."""
    values = [x.value for x in xs]
    out, at = [], count
    for part in captured:
        out.append(values[at : at + len(part)])
        at += len(part)
    return values[:count], out


def record_closures(key: Any, lower: Callable[..., list[Expr]], inputs: Sequence[Recorded]) -> list[Recorded]:
    """Records the operation. Operands that are constants of the program become part of it, so that a gradient can see
    where a loop starts and where it ends."""
    free = [v for v in inputs if not _is_constant(v)]
    full = (_strip(key), tuple(_operand_key(v) for v in inputs))
    template = find_template(full)
    if template is None:
        scope = Scope(Builder())
        parameters = [Value(v.type, None, i) for i, v in enumerate(free)]
        rest = iter(parameters)
        operands = [_placed(scope, v) if _is_constant(v) else next(rest) for v in inputs]
        results = [r.value for r in lower(scope, *map(scope.of, operands))]
        template = Template(parameters, scope.builder.operations, own_results(scope.builder, results))
        keep_template(full, template)
    return apply_template(template, tuple(free), Site.here())


def record_closure(
    key: Any, lower: Callable[..., list[Expr]], closure: Closure, inputs: Sequence[Recorded]
) -> list[Recorded]:
    """Records what `lower` makes of a recorded function: it is given the inputs, then what the function captured."""
    return record_closures(key, lower, [*inputs, *closure.captured])


def _is_constant(value: Recorded) -> bool:
    """Whether a pending value takes nothing from outside."""
    return value.array is None and value.node is not None and not value.node.template.parameters


def _operand_key(value: Recorded) -> Any:
    if value.node is not None and _is_constant(value):
        return value.node.template, value.index
    return value.type


def _placed(scope: Scope, value: Recorded) -> Value:
    assert value.node is not None
    operations, values = value.node.template.place([], value.node.site.location())
    scope.builder.operations += operations
    return values[value.index]


def _strip(key: Any) -> Any:
    """The key without the literal objects, whose numbers it holds anyway."""
    if isinstance(key, Literal):
        return None
    return tuple(map(_strip, key)) if isinstance(key, tuple) else key


def _same_types(what: str, first: Closure, second: Closure) -> None:
    one, two = [t for t, _ in first.results], [t for t, _ in second.results]
    if first.structure != second.structure or one != two:
        raise located(RecordTypeError(f"{what} different things: {_text(one)} and {_text(two)}"))


def _same_carried(
    what: str, body: Closure, structure: Any, types: Sequence[TensorType], given: Any = None
) -> None:
    found = [t for t, _ in body.results][: len(types)]
    if (body.structure if given is None else given) != structure or found != list(types):
        raise located(
            RecordTypeError(
                f"{what} gives {_text(found)} for {_text(types)}: what is carried keeps its structure and types"
            )
        )


def _text(types: Sequence[TensorType]) -> str:
    return ", ".join(map(str, types)) or "nothing"
