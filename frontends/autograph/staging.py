"""Branches and loops recorded from Python functions over Python variables: numbers become tensors where they have to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.errors import TraceError
from irc.frontends.compile import flatten, unflatten
from irc.frontends.control import Closure, with_effects
from irc.frontends.control import branch as record_branch
from irc.frontends.control import loop as record_loop
from irc.frontends.errors import RecordTypeError
from irc.frontends.lowering import creation as C
from irc.frontends.lowering import elementwise as W
from irc.frontends.lowering import indexing as I
from irc.frontends.recorder.graph import Graph, apply, recorder
from irc.frontends.recorder.storage import Handle, Storage, located
from irc.frontends.recorder.value import Literal, Recorded
from irc.frontends.source import Site
from irc.ir.types import FloatType, TensorType, f32, i1, i32
from irc.passes import expression as E

State = tuple[Any, ...]


class Undefined:
    """A variable that has no value yet; whatever is done with it is an UnboundLocalError."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _fail(self, *args: Any, **kwargs: Any) -> Any:
        raise UnboundLocalError(
            f"cannot access local variable '{self.name}' where it is not associated with a value"
        )

    __getattr__ = __call__ = __bool__ = __iter__ = __len__ = __getitem__ = __add__ = __radd__ = __sub__ = (
        _fail
    )
    __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __lt__ = __gt__ = __le__ = __ge__ = (
        __neg__
    ) = _fail
    __matmul__ = __rmatmul__ = __pow__ = __rpow__ = __float__ = __int__ = __str__ = __format__ = _fail

    def __repr__(self) -> str:
        return f"<{self.name}: not assigned>"


class StateError(TraceError, ValueError):
    """A loop whose turns change the kind of what it carries."""


def refuse(message: str, *notes: str) -> TraceError:
    """The error for what cannot become part of the program, at the user's line."""
    return located(TraceError(message, notes=tuple(notes)))


def changed(message: str, *notes: str) -> TraceError:
    """The error for a loop's variable that does not keep its kind."""
    return located(StateError(message, notes=tuple(notes)))


def is_symbolic(value: Any) -> bool:
    """Whether this is a tensor whose value is not there while the function is traced."""
    if not isinstance(value, Handle) or not recorder.graph.tracing:
        return False
    known = getattr(value, "is_known", None)
    return not (value._read().array is not None if known is None else known)


def scalar_pred(test: Any) -> Handle:
    """The condition of a branch or loop: one boolean."""
    type = test._read().type
    if type.size != 1:
        raise located(
            RecordTypeError(
                f"a condition is one boolean, and this tensor has shape {list(type.shape)}",
                notes=("write tf.reduce_any(x) or tf.reduce_all(x)",),
            )
        )
    if type is TensorType((), i1):
        return test
    return _apply(test, _as_pred, ())


def _as_pred(scope: Any, x: Any) -> Any:
    flat = E.reshape(x, ())
    return flat if flat.element is i1 else W.compare_zero(flat)


def _apply(like: Handle, lower: Any, statics: tuple[Any, ...], *more: Any) -> Handle:
    """An operation on a tensor, as one of its kind."""
    values = [like._read(), *(m if isinstance(m, Literal) else m._read() for m in more)]
    return _wrapped(type(like), apply(lower, values, statics)[0])


def _wrapped(kind: Any, value: Recorded) -> Handle:
    made = _plain(kind)
    made._hold(value)
    return made


def _plain(kind: Any) -> Any:
    """A tensor without a value, of what operations on this kind give."""
    result = getattr(kind, "_result_kind", kind)
    return result.__new__(result)


def number(kind: Any, value: Any, element: Any = None) -> Handle:
    """A Python number as a tensor: int32, float32 or bool, or the given element type."""
    value = value.item() if isinstance(value, np.generic) else value
    if element is None:
        integers = getattr(kind, "_integers", i32)
        element = i1 if isinstance(value, bool) else integers if isinstance(value, int) else f32
    literal = Literal(value, TensorType((), element))
    return _wrapped(kind, apply(C.filled, (literal,), ((),))[0])


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.generic)


def _fits(value: Any, element: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return element is i1
    if isinstance(value, int | np.integer):
        return element is not i1
    return isinstance(element, FloatType)


def logical(x: Any, y: Any, how: str) -> Any:
    """`and` and `or` of a symbolic tensor and another value."""
    if not isinstance(y, Handle):
        y = number(type(x), bool(y), i1)
    with _mode(x):
        return _apply(x, W.logical, (hlo.And if how == "and" else hlo.Or,), y)


def logical_not(x: Any) -> Any:
    """`not` of one boolean tensor."""
    with _mode(x):
        return _apply(x, W.logical_not, ())


def converted(x: Any, kind: type) -> Any:
    """int(x) and float(x): i32 and f32."""
    with _mode(x):
        return _apply(x, W.convert, (i32 if kind is int else f32,))


def _mode(handle: Handle) -> Any:
    """How operations on this tensor are recorded (with history, or without)."""
    return type(handle)._mode()  # type: ignore[attr-defined]


# Branches.


class _Recorded:
    """A branch: what it gives, and what it wrote to."""

    def __init__(self, run: Callable[[], State]) -> None:
        self.graph = Graph(tracing=True)
        with recorder.within(self.graph):
            try:
                self.values = list(run())
                self.written = {s: s._value for s in self.graph.written}
            finally:
                for storage, before in self.graph.written.items():
                    storage._value = before
                    storage.version += 1


def branch(test: Any, body: Callable[[], State], orelse: Callable[[], State], names: Sequence[str]) -> State:
    """Records both branches as a stablehlo.if; gives the variables' values after it."""
    kind = type(test)
    with _mode(test):
        pred = scalar_pred(test)
        sides = _Recorded(body), _Recorded(orelse)
        structures: list[Any] = []
        handles: tuple[list[Handle], list[Handle]] = ([], [])
        for place, name in enumerate(names):
            structures.append(_unify(name, sides, place, handles, kind))
        states = list(dict.fromkeys([*sides[0].written, *sides[1].written]))
        closures = [
            Closure.recorded(side.graph, own, [side.written.get(s, s._value) for s in states])
            for side, own in zip(sides, handles, strict=True)
        ]
        taken, other = closures
        results = record_branch(pred._read(), taken, other)
        made = iter(taken.finish(results, states))
    return tuple(unflatten(s, made) for s in structures)


def _unify(
    name: str,
    sides: tuple[_Recorded, _Recorded],
    place: int,
    handles: tuple[list[Handle], list[Handle]],
    kind: Any,
) -> Any:
    """One variable's structure after a branch; its tensors are added to `handles`."""
    one, two = (side.values[place] for side in sides)
    if isinstance(one, Undefined) and isinstance(two, Undefined):
        return flatten(one, [])
    for value, where in ((one, "the `if`"), (two, "the `else`")):
        if isinstance(value, Undefined):
            raise refuse(
                f"{_what(name)} has no value in {where} branch, and a tensor decides which branch runs",
                *_GIVE,
            )
    if _is_number(one) and _is_number(two) and type(one) is type(two) and (one == two or one != one):
        return flatten(one, [])
    one, two = _numbers_too(name, one, two, sides, kind)
    found: list[Handle] = []
    other: list[Handle] = []
    structure, second = flatten(one, found, leaves=True), flatten(two, other, leaves=True)
    if structure != second:
        raise refuse(
            f"{_what(name)} is {_kind(one)} after the `if` branch and {_kind(two)} after the `else` branch, and a tensor decides "
            "which one runs", *_GIVE,
        )  # fmt: skip
    for a, b in zip(found, other, strict=True):
        first, last = a._read().type, b._read().type
        if first is not last:
            raise refuse(
                f"{_what(name)} is {first} after the `if` branch and {last} after the `else` branch, and a tensor decides which one "
                "runs", "give both branches one shape and dtype",
            )  # fmt: skip
    handles[0].extend(found)
    handles[1].extend(other)
    return structure


_GIVE = ("give the variable a tensor of one shape and dtype in both branches, or before the `if`",)


def _what(name: str) -> str:
    return "what the function returns" if name == "ag__result" else name if " " in name else f"'{name}'"


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    return "a tensor" if isinstance(value, Handle) else f"a {type(value).__name__} ({value!r:.40})"


def _numbers_too(
    name: str, one: Any, two: Any, sides: tuple[_Recorded, _Recorded], kind: Any
) -> tuple[Any, Any]:
    """Numbers beside tensors (or other numbers) become tensors, each in its branch."""
    out = []
    for value, other, side in ((one, two, sides[0]), (two, one, sides[1])):
        if _is_number(value):
            element = None
            if isinstance(other, Handle):
                element = other._read().type.element
                if not _fits(value, element):
                    element = None
            elif _is_number(other) and isinstance(other, float) and not isinstance(value, bool):
                element = f32
            with recorder.within(side.graph):
                value = number(kind, value, element)
        out.append(value)
    return out[0], out[1]


# Loops.


def loop(
    test: Callable[[State], Any], body: Callable[[State], State], init: State, names: Sequence[str]
) -> State:
    """Records a stablehlo.while over Python variables; gives their values after it. Numbers among them become tensors; other
    Python values stay as they are through all turns."""
    probe = next((v for v in _leaves(init) if isinstance(v, Handle)), None)
    kind: Any = type(probe) if probe is not None else default_kind[0]
    with kind._mode():
        start = [number(kind, v) if _is_number(v) else v for v in init]
        handles: list[Handle] = []
        structures = [flatten(v, handles, leaves=True) for v in start]
        checked: list[Any] = []

        def turn(*hs: Handle) -> Any:
            given = iter(hs)
            return _same_kinds(
                names, start, body(tuple(unflatten(s, given) for s in structures)), structures, checked
            )

        def going(*hs: Handle) -> Any:
            given = iter(hs)
            return _as_condition(test(tuple(unflatten(s, given) for s in structures)), kind)

        def record(states: Sequence[Storage]) -> list[Closure]:
            return [Closure(f, handles, states) for f in (going, turn)]

        (tested, turned), states = with_effects(record)
        if tested.writes:
            raise refuse("the condition of a loop writes to a variable (or draws random numbers)")
        inputs = [*(h._read() for h in handles), *(s._value for s in states)]
        results = turned.finish(record_loop(tested, turned, inputs), states)
        made = iter(results)
    return tuple(unflatten(s, made) for s in structures)


default_kind: list[Any] = []
"""The kind of tensors that a loop over Python numbers alone makes: the frontend's that was imported first."""


def _leaves(values: Sequence[Any]) -> list[Any]:
    found: list[Handle] = []
    for value in values:
        flatten(value, found, leaves=True)
    return found


def _as_condition(value: Any, kind: Any) -> Handle:
    return scalar_pred(value) if isinstance(value, Handle) else number(kind, bool(value), i1)


def _same_kinds(
    names: Sequence[str], before: Sequence[Any], after: State, structures: Sequence[Any], checked: list[Any]
) -> list[Handle]:
    """The tensors of a turn's values, checked against what the turn began with."""
    out: list[Handle] = []
    for name, first, value, structure in zip(names, before, after, structures, strict=True):
        if isinstance(first, Undefined):
            if not isinstance(value, Undefined):
                raise changed(
                    f"{_what(name)} must be defined before the loop: it is assigned inside and read later, and the loop may not run "
                    "at all", "give it a value of the same shape and dtype before the loop",
                )  # fmt: skip
            continue
        if isinstance(first, Handle) and _is_number(value):
            element = first._read().type.element
            if _fits(value, element):
                value = number(type(first), value, element)
        found: list[Handle] = []
        if flatten(value, found, leaves=True) != structure:
            raise changed(
                f"{_what(name)} is {_kind(first)} before the loop and {_kind(value)} after one turn: what a loop carries keeps its "
                "kind", "give it a tensor before the loop",
            )  # fmt: skip
        expected: list[Handle] = []
        flatten(first, expected, leaves=True)
        for a, b in zip(expected, found, strict=True):
            if a._read().type is not b._read().type:
                raise changed(
                    f"{_what(name)} is {a._read().type} before the loop and {b._read().type} after one turn: what a loop carries "
                    "keeps its shape and dtype", _keeping(a._read().type, b._read().type),
                )  # fmt: skip
        out += found
    return out


def _keeping(before: Any, after: Any) -> str:
    """How a loop's variable is made to keep its type."""
    if before.element is not after.element:
        return "convert it before the loop, or inside: tf.cast(x, dtype)"
    if before.rank == after.rank:
        return (
            "make it as large as it gets before the loop, and fill it: a tf.TensorArray(dtype, size=n) with write and stack, "
            "or a tensor of zeros"
        )
    return "give it all its dimensions before the loop"


# What a `for` goes over.


class TensorRange:
    """range(start, limit, delta) with tensors among them: only a loop can go over it."""

    def __init__(
        self, start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Any = None
    ) -> None:
        if limit is None:
            start, limit = 0, start
        self.start, self.limit, self.delta = start, limit, delta
        self.element = None if dtype is None else dtype.element
        self.site = Site.here()

    def __iter__(self) -> Any:
        raise refuse(
            "a range that a tensor bounds can only be gone over by `for`", "write for i in tf.range(n):"
        )


def turns(values: Any) -> tuple[Handle, Callable[[Handle], Handle], Callable[[Handle], Any]]:
    """For a tensor or range: the first counter, whether there is another turn, and the item of a turn."""
    if isinstance(values, TensorRange):
        return _counted(values)
    kind = type(values)
    shape = values._read().type.shape
    if not shape:
        raise located(RecordTypeError("Cannot iterate over a scalar tensor."))
    n = shape[0]
    with kind._mode():
        start = number(kind, 0)

    def more(i: Handle) -> Handle:
        return _apply(i, _less, (n,))

    def item(i: Handle) -> Any:
        return _apply(values, I.take, (0,), i)

    return start, more, item


def _counted(values: TensorRange) -> tuple[Handle, Callable[[Handle], Handle], Callable[[Handle], Any]]:
    given = (values.start, values.limit, values.delta)
    tensors = [g for g in given if isinstance(g, Handle)]
    kind: Any = type(tensors[0]) if tensors else default_kind[0]
    element = values.element
    if element is None and tensors:
        element = tensors[0]._read().type.element
    if element is None:
        element = f32 if any(isinstance(g, float) for g in given) else getattr(kind, "_integers", i32)
    with kind._mode():
        start, limit, delta = (_as_element(kind, g, element) for g in given)
    ascending = None if isinstance(values.delta, Handle) else values.delta > 0

    def more(i: Handle) -> Handle:
        return _apply(i, _bounded, (ascending,), limit, delta, start)

    def item(i: Handle) -> Any:
        return _apply(i, _place, (), start, delta)

    with kind._mode():
        return number(kind, 0), more, item


def _as_element(kind: Any, value: Any, element: Any) -> Handle:
    if not isinstance(value, Handle):
        return number(kind, value, element)
    return value if value._read().type.element is element else _apply(value, W.convert, (element,))


def _less(scope: Any, i: Any, n: int) -> Any:
    return i < n


def _place(scope: Any, i: Any, start: Any, delta: Any) -> Any:
    return start + E.convert(i, start.element) * delta


def _bounded(scope: Any, i: Any, limit: Any, delta: Any, start: Any, ascending: bool | None) -> Any:
    at = _place(scope, i, start, delta)
    if ascending is not None:
        return at < limit if ascending else at > limit
    return E.select(delta > 0, at < limit, at > limit)


def following(i: Handle) -> Handle:
    """The counter of the next turn."""
    return _apply(i, _next, ())


def _next(scope: Any, i: Any) -> Any:
    return i + 1
