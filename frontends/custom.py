"""Functions that say themselves what their gradient is: each call is one composite of the program, whose attribute names
the gradient (`passes.autodiff.rules.custom`).

The function and its gradient are recorded, one inside the other: what the gradient uses of the function's inside becomes a
further result of the composite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from irc.frontends.compile import flatten, unflatten
from irc.frontends.control import Closure, record_closures, with_effects
from irc.frontends.errors import RecordError, RecordTypeError
from irc.frontends.recorder.composite import composite, function_of, symbol
from irc.frontends.recorder.graph import placeholder, recorder
from irc.frontends.recorder.segment import root_of
from irc.frontends.recorder.storage import Handle, located
from irc.frontends.recorder.value import Recorded
from irc.frontends.transforms import wrap
from irc.ir.attributes import Attribute, DenseArrayAttr, IntegerAttr, StringAttr, SymbolRefAttr
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import FloatType, TensorType, i32, i64
from irc.passes.autodiff.rules.custom import CUSTOM_JVP, CUSTOM_VJP, RESIDUALS, WRT
from irc.passes.expression import Expr, Scope

Gradients = tuple[Sequence[Handle | None], Sequence[tuple[Handle, Handle]]]
"""The gradients of a function's arguments (None: there is none), then tensors from outside, each with its own."""

Gradient = Callable[[list[Handle | None]], Gradients]
"""Takes the gradient of each tensor in a function's result; None stands for that of one that is no floating-point tensor."""


def is_differentiated(arguments: Sequence[Handle]) -> bool:
    """Whether somebody may ask for the gradient of a call with these arguments."""
    if not recorder.grad_enabled:
        return False
    asked = recorder.differentiating or recorder.graph.tracing
    return asked or any(h._read().requires_grad for h in arguments)


def is_float(kind: TensorType) -> bool:
    """Whether tensors of a type have gradients."""
    return type(kind.element) is FloatType


class Call:
    """A call of a function with a gradient of its own, recorded."""

    def __init__(
        self,
        name: str,
        function: Callable[..., tuple[Any, Gradient]],
        arguments: Sequence[Handle],
        *,
        through_results: bool,
        refusal: str | None,
    ) -> None:
        self.name, self.function, self.arguments = name, function, list(arguments)
        self.through_results, self.refusal = through_results, refusal
        (self.forward,), self.states = with_effects(lambda states: [Closure(self._run, arguments, states)])
        inside = len(self.arguments) + len(self.states)
        self.inputs = [h._read() for h in self.arguments] + [s._value for s in self.states]
        self.inputs += self.forward.captured
        self.places = [self._settled(p, inside) for p in self.used]
        self.wrt = [i if i >= 0 else self._input(v, inside) for i, v in self.wanted]
        self.inputs = [
            v if i in self.wrt or not v.requires_grad else v.alias() for i, v in enumerate(self.inputs)
        ]

    def _run(self, *stand_ins: Handle) -> Any:
        """Runs the function and then its gradient; gives the result and the tensors that the gradient uses beside."""
        given = [h._read() for h in stand_ins]
        result, gradient = self.function(*stand_ins)
        outputs: list[Handle] = []
        flatten(result, outputs, leaves=True)
        self.count = len(outputs)
        shown = [h for h in outputs if is_float(h._read().type)]
        self.backward = self._reversed(gradient, given, outputs, shown)
        pending = dict.fromkeys(recorder.graph.pending)
        self.used: list[Any] = []
        residuals: list[Recorded] = []
        for value in self.backward.captured:
            argument = next((i for i, v in enumerate(given) if v is root_of(value)), None)
            output = next((i for i, h in enumerate(outputs) if h._read() is value), None)
            if argument is not None:
                self.used.append(("input", argument))
            elif output is not None and self.through_results:
                self.used.append(("result", output))
            elif value.array is None and value.node in pending:
                self.used.append(("residual", len(residuals)))
                residuals.append(value)
            else:
                self.used.append(("outside", value))
        self.residuals = len(residuals)
        kind = type(stand_ins[0]) if stand_ins else type(outputs[0])
        return result, [wrap(kind, _again(v)) for v in residuals]

    def _reversed(
        self,
        gradient: Gradient,
        given: Sequence[Recorded],
        outputs: Sequence[Handle],
        shown: Sequence[Handle],
    ) -> Closure:
        self.wanted: list[tuple[int, Recorded]] = []

        def run(*upstream: Handle) -> list[Handle]:
            each = iter(upstream)
            of_arguments, of_others = gradient(
                [next(each) if is_float(h._read().type) else None for h in outputs]
            )
            pairs = [(i, given[i], g) for i, g in enumerate(of_arguments) if g is not None]
            pairs += [(-1, h._read(), g) for h, g in of_others]
            for i, value, g in pairs:
                self._check(i, value.type, g)
            self.wanted = [(i, value) for i, value, _ in pairs]
            return [g for *_, g in pairs]

        before, recorder.grad_enabled = recorder.grad_enabled, True
        try:
            closure = Closure(run, shown)
        finally:
            recorder.grad_enabled = before
        if closure.effects:
            raise located(RecordError(f"the gradient of {self.name} writes to a tensor from outside"))
        return closure

    def _check(self, i: int, type: TensorType, g: Handle) -> None:
        if not isinstance(g, Handle) or g._read().type is not type:
            got = g._read().type if isinstance(g, Handle) else "Python object"
            what = f"argument {i}" if i >= 0 else "a variable"
            raise located(
                RecordTypeError(
                    f"the gradient of {self.name} for {what}, a {type}, is a {got}: it has the same type"
                )
            )

    def _settled(self, place: Any, inside: int) -> tuple[str, int]:
        """Where the gradient finds a value: what is from outside becomes an input."""
        what, found = place
        return ("input", self._input(found, inside)) if what == "outside" else place

    def _input(self, value: Recorded, inside: int) -> int:
        """The number of a value from outside among the inputs."""
        for i, known in enumerate(self.inputs[inside:], inside):
            if known is value:
                return i
        self.inputs.append(value)
        return len(self.inputs) - 1

    def record(self) -> Any:
        """Records the composite; gives what the function gave."""
        key = ("custom", self.name, self.forward.key, self.backward.key, tuple(self.places), tuple(self.wrt))
        made = record_closures((*key, self.count, self.refusal), self._lower, self.inputs)
        shown = self.count + len(self.states)
        ordered = [*made[: self.count], *made[shown:], *made[self.count : shown]]
        return self.forward.finish(ordered, self.states)[0]

    def _lower(self, scope: Scope, *xs: Expr) -> list[Expr]:
        types = [x.type for x in xs]
        every = [t for t, _ in self.forward.results]
        behind = self.count + self.residuals
        results = [*every[: self.count], *every[behind:], *every[self.count : behind]]
        decomposition = function_of(self.name, types, self._placed)
        cotangents = [t for t in results[: len(results) - self.residuals] if is_float(t)]
        attributes: dict[str, Attribute] = {WRT: DenseArrayAttr(i64, tuple(self.wrt))}
        if self.residuals:
            attributes[RESIDUALS] = IntegerAttr(self.residuals, i32)
        takes = [*types, *results, *cotangents]
        refusal = None if self.refusal is None else StringAttr(self.refusal)
        rule = function_of(
            f"{self.name}_vjp", takes, lambda b, vs: self._rule(b, vs, len(types), results), refusal
        )
        attributes[CUSTOM_VJP] = SymbolRefAttr(rule)
        operands = [x.value for x in xs]
        return [
            scope.of(r)
            for r in composite(scope.builder, self.name, operands, decomposition, results, attributes)
        ]

    def _placed(self, b: Builder, arguments: Sequence[Value]) -> list[Value]:
        """What the composite computes: results, new states, residuals."""
        inside = len(self.arguments) + len(self.states)
        captured = arguments[inside : inside + len(self.forward.captured)]
        made = self.forward.place(b, arguments[:inside], captured)
        behind = self.count + self.residuals
        return [*made[: self.count], *made[behind:], *made[self.count : behind]]

    def _rule(
        self, b: Builder, arguments: Sequence[Value], inputs: int, results: Sequence[TensorType]
    ) -> list[Value]:
        """Its gradient, of inputs, results and cotangents."""
        first = {"input": 0, "result": inputs, "residual": inputs + len(results) - self.residuals}
        captured = [arguments[first[what] + i] for what, i in self.places]
        upstream = arguments[inputs + len(results) :][: len(self.backward.arguments)]
        return self.backward.place(b, upstream, captured)


def with_gradient(
    name: str,
    function: Callable[..., tuple[Any, Gradient]],
    arguments: Sequence[Handle],
    *,
    through_results: bool = False,
    refusal: str | None = None,
) -> Any:
    """The result of `function(*arguments)`, which gives it with what gives its gradient.

    With `through_results` a result that the gradient uses has the function's own gradient, when that of the gradient is
    asked for; without, that of the ops that made it. A `refusal` says why the gradient has none. Raises RecordTypeError for
    a gradient of another type than what it is of."""
    return Call(symbol(name), function, arguments, through_results=through_results, refusal=refusal).record()


def _again(value: Recorded) -> Recorded:
    """The same value for another owner, in the gradient as before."""
    made = value.alias()
    made.requires_grad = value.requires_grad
    return made


def with_tangent(
    name: str,
    function: Callable[..., Any],
    rule: Callable[[list[Handle], list[Handle], Any], list[Handle]],
    arguments: Sequence[Handle],
) -> Any:
    """The result of `function(*arguments)`, where `rule(arguments, tangents, result)` gives how it moves with its
    floating-point arguments: a tangent for each floating-point tensor in it."""
    forward = _without_effects(name, function, arguments)
    results = [t for t, _ in forward.results]
    moving = [i for i, h in enumerate(arguments) if is_float(h._read().type)]
    n, behind = len(arguments), len(arguments) + len(results)

    def moved(*given: Handle) -> list[Handle]:
        result = unflatten(forward.structure, iter(given[n:behind]))
        return rule(list(given[:n]), list(given[behind:]), result)

    stand_ins = [wrap(k, placeholder(t)) for k, t in zip(forward.kinds, results, strict=True)]
    moves = _without_effects(name, moved, [*arguments, *stand_ins, *(arguments[i] for i in moving)])
    given, wanted = [t for t, _ in moves.results], [t for t in results if is_float(t)]
    if given != wanted:
        shown = [", ".join(map(str, types)) or "nothing" for types in (wanted, given)]
        raise located(
            RecordTypeError(f"{name} gives {shown[0]}, and its rule says that it moves by {shown[1]}")
        )
    cut, title = n + len(forward.captured), symbol(name)

    def lower(scope: Scope, *xs: Expr) -> list[Expr]:
        types = [x.type for x in xs]
        takes = [*types, *results, *(types[i] for i in moving)]
        decomposition = function_of(title, types, lambda b, vs: forward.place(b, vs[:n], vs[n:cut]))
        tangents = function_of(
            f"{title}_jvp",
            takes,
            lambda b, vs: moves.place(b, [*vs[:n], *vs[len(types) :]], vs[cut : len(types)]),
        )
        attributes = {WRT: DenseArrayAttr(i64, tuple(moving)), CUSTOM_JVP: SymbolRefAttr(tangents)}
        operands = [x.value for x in xs]
        return [
            scope.of(r) for r in composite(scope.builder, title, operands, decomposition, results, attributes)
        ]

    captured = (v.alias() if v.requires_grad else v for v in (*forward.captured, *moves.captured))
    inputs = [*(h._read() for h in arguments), *captured]
    made = record_closures(
        ("custom_jvp", title, forward.key, moves.key, len(forward.captured)), lower, inputs
    )
    return forward.wrap(made)


def _without_effects(name: str, function: Callable[..., Any], arguments: Sequence[Handle]) -> Closure:
    closure = Closure(function, arguments)
    if closure.effects:
        raise located(RecordError(f"{name}, which says how it moves, writes to a tensor from outside"))
    return closure
