"""What rewritten functions call: Python's own meaning for values that are there, a recorded branch or loop for tensors whose
value is not."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Sequence
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from irc.frontends.autograph import staging
from irc.frontends.autograph.staging import TensorRange, Undefined, is_symbolic, refuse
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import Handle

State = tuple[Any, ...]
Get = Callable[[], State]
Put = Callable[[State], None]

__all__ = [
    "Undefined", "and_", "call", "changing", "for_stmt", "if_exp", "if_stmt", "items", "not_", "or_", "store",
    "while_stmt",
]  # fmt: skip


class _Frame:
    """A rewritten function that runs: the levels of its bodies that are being recorded as regions."""

    __slots__ = ("levels",)

    def __init__(self) -> None:
        self.levels: list[int] = []


_frames = [_Frame()]

_rewriter: list[Callable[[Any], Any]] = []
"""What rewrites a function: `convert`, which knows this module."""


def rewrite_with(convert: Callable[[Any], Any]) -> None:
    """Tells this module how functions that rewritten ones call are rewritten."""
    _rewriter[:] = [convert]


def _recording(level: int, run: Callable[[], Any]) -> Any:
    """Runs something as the inside of a region at a level of the current function."""
    levels = _frames[-1].levels
    levels.append(level)
    try:
        return run()
    finally:
        levels.pop()


# Statements.


def if_stmt(
    test: Any, body: Callable[[], None], orelse: Callable[[], None], get: Get, put: Put, names: Sequence[str], outputs: int,
    level: int,
) -> None:  # fmt: skip
    """`if test: body() else: orelse()`, which change the variables `names`; the first `outputs` of them are read later."""
    if not is_symbolic(test):
        (body if test else orelse)()
        return
    before = get()

    def branch(part: Callable[[], None]) -> Callable[[], State]:
        def run() -> State:
            put(before)
            part()
            return get()[:outputs]

        return lambda: _recording(level, run)

    try:
        made = staging.branch(test, branch(body), branch(orelse), names[:outputs])
    finally:
        put(before)
    put((*made, *before[outputs:]))


def while_stmt(
    test: Callable[[], Any], body: Callable[[], None], get: Get, put: Put, names: Sequence[str], level: int
) -> None:
    """`while test(): body()`. Turns whose test is known run at once; from the first one on that is not, it is a loop of the
    program."""
    while True:
        going = test()
        if is_symbolic(going):
            break
        if not going:
            return
        body()

    def turn(state: State) -> State:
        put(state)
        body()
        return get()

    def condition(state: State) -> Any:
        put(state)
        return test()

    before = get()
    try:
        made = staging.loop(
            lambda s: _recording(level, lambda: condition(s)),
            lambda s: _recording(level, lambda: turn(s)),
            before,
            names,
        )
    except BaseException:
        put(before)
        raise
    put(made)


def for_stmt(
    values: Any, going: Callable[[], Any] | None, body: Callable[[Any], None], get: Get, put: Put, names: Sequence[str],
    level: int,
) -> None:  # fmt: skip
    """`for item in values: body(item)`, while `going()`. Over a tensor, or a range with a tensor as bound, it is a loop of the
    program."""
    if isinstance(values, TensorRange) or (isinstance(values, Handle) and recorder.graph.tracing):
        _staged_for(values, going, body, get, put, names, level)
        return
    for item in values:
        body(item)
        if going is not None:
            on = going()
            if is_symbolic(on):
                raise refuse(
                    "a `break` (or `return`) that a tensor decides cannot end a loop over Python values",
                    "loop over tf.range(n) or over a tensor, so that the loop itself is part of the program",
                )
            if not on:
                return


def _staged_for(
    values: Any, going: Callable[[], Any] | None, body: Callable[[Any], None], get: Get, put: Put, names: Sequence[str],
    level: int,
) -> None:  # fmt: skip
    counter, end, item = staging.turns(values)

    def turn(state: State) -> State:
        place, *rest = state
        put(tuple(rest))
        body(item(place))
        return (staging.following(place), *get())

    def condition(state: State) -> Any:
        place, *rest = state
        put(tuple(rest))
        more = end(place)
        return more if going is None else and_(lambda: more, going)

    before = get()
    try:
        made = staging.loop(
            lambda s: _recording(level, lambda: condition(s)), lambda s: _recording(level, lambda: turn(s)),
            (counter, *before), ("the counter", *names),
        )  # fmt: skip
    except BaseException:
        put(before)
        raise
    put(made[1:])


# Expressions.


def if_exp(test: Any, body: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """`body() if test else orelse()`."""
    if not is_symbolic(test):
        return body() if test else orelse()
    level = max(_frames[-1].levels, default=0) + 1
    parts = [lambda f=f: (_recording(level, f),) for f in (body, orelse)]
    return staging.branch(test, parts[0], parts[1], ("the value",))[0]


def and_(*parts: Callable[[], Any]) -> Any:
    """`a and b and ...`: of tensors, elementwise."""
    return _joined(parts, "and", lambda value: not value)


def or_(*parts: Callable[[], Any]) -> Any:
    """`a or b or ...`: of tensors, elementwise."""
    return _joined(parts, "or", bool)


def _joined(parts: Sequence[Callable[[], Any]], how: str, decides: Callable[[Any], bool]) -> Any:
    value = parts[0]()
    for part in parts[1:]:
        if is_symbolic(value):
            other = part()
            value = staging.logical(value, other, how)
        elif decides(value):
            return value
        else:
            value = part()
    return value


def not_(value: Any) -> Any:
    """`not value`: of a tensor, elementwise."""
    return staging.logical_not(value) if is_symbolic(value) else not value


# Calls, and effects that a region cannot have.


def call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls a function of the user's rewritten, and others as they are."""
    if isinstance(function, builtins.type):
        made = _conversion(function, args)
        return function(*args, **kwargs) if made is None else made
    if isinstance(function, FunctionType | MethodType) or _is_callable_object(function):
        new = _rewriter[0](function if isinstance(function, FunctionType | MethodType) else function.__call__)
        if new is not function:
            _frames.append(_Frame())
            try:
                return new(*args, **kwargs)
            finally:
                _frames.pop()
    return function(*args, **kwargs)


def _is_callable_object(function: Any) -> bool:
    own = inspect.getattr_static(type(function), "__call__", None)
    return isinstance(own, FunctionType)


def _conversion(kind: type, args: tuple[Any, ...]) -> Any:
    """int(x) and float(x) of a tensor, and range over tensors."""
    if not any(map(is_symbolic, args)):
        return None
    if kind is range:
        return TensorRange(*args)
    if kind in (int, float) and len(args) == 1:
        return staging.converted(args[0], kind)
    return None


def items(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a `for` goes over, where it is a call: a range that tensors bound is never made."""
    lazy = getattr(function, "_irc_lazy_range", None)
    if lazy is not None and recorder.graph.tracing:
        return lazy(*args, **kwargs)
    return call(function, *args, **kwargs)


def changing(method: Any, level: int) -> Any:
    """A method that may change a Python container; refused for one from outside of a region."""
    owner = getattr(method, "__self__", None)
    if isinstance(method, BuiltinMethodType) and isinstance(owner, list | dict | set) and _is_outside(level):
        raise refuse(
            f"a {type(owner).__name__} from outside is changed (`{method.__name__}`) inside a branch or loop that is part of the "
            "program: Python would change it once, while the function is traced",
            "collect values in a tensor: tf.TensorArray, or the ys of irc.scan",
            "or loop over a Python range, which is unrolled",
        )
    return method


def store(owner: Any, what: str, level: int) -> None:
    """A store into an attribute or element; refused inside a region."""
    if _is_outside(level) and not isinstance(owner, Handle):
        raise refuse(
            f"`{what}` is set inside a branch or loop that is part of the program: Python would set it once, while the function "
            "is traced",
            "assign to a variable (tf.Variable.assign), or give the value back and set it outside",
        )


def _is_outside(level: int) -> bool:
    """Whether something made at a level of the current function is outside of the innermost region."""
    if level < 0:
        return any(frame.levels for frame in _frames)
    return level < max(_frames[-1].levels, default=0)
