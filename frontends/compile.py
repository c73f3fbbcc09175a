"""@irc.compile: functions, modules and whole training steps, recorded once a signature and replayed without Python."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from irc.errors import IrcError, UnsupportedError
from irc.frontends.recompile import reason
from irc.frontends.recorder.bounded import is_told, tell
from irc.frontends.recorder.direct import OTHERWISE, Direct
from irc.frontends.recorder.graph import placeholder, recorder
from irc.frontends.recorder.places import DEVICES, HOME, as_place, device_named
from irc.frontends.recorder.storage import Handle
from irc.frontends.recorder.trace import Executed, Recording, Replayed, Trace

LIMIT = 64
"""Signatures that one function keeps; the one used longest ago goes first."""

OFTEN = 8
"""Programs after which a function says once, asked or not, that it is compiled again and again."""

_TENSOR = object()


def compile(
    function: Any = None, *, target: str = "cpu", dynamic: bool | None = None, donate: bool = True
) -> Any:
    """Compiles a function, a module (class or instance), or a step that trains one.

    The first call with new argument types records the function; later ones run an executable. Tensors it reads from
    outside (parameters, buffers, optimizer state, the random generator) are read at each call, and what it writes to them
    is written at each call; with `donate` their old buffers are reused. Other Python values are part of the signature.
    A call with other sizes than the first makes a program for every size, where one can serve them. With `dynamic` True the
    first call makes it already: the function is recorded twice, the second time with other first dimensions of the
    arguments. With `dynamic` False each size has a program of its own. With the `target` `cuda` or `ptx-emulated` it runs
    there, wherever its tensors are, and what it makes or writes stays there: each size has a program of its own.
    Raises TraceError where the function looks at a tensor's value."""
    if function is None:
        return functools.partial(compile, target=target, dynamic=dynamic, donate=donate)
    if target != HOME and target not in DEVICES:
        raise UnsupportedError(f"there is no target '{target}' (targets: {', '.join((HOME, *DEVICES))})")
    if target != HOME:
        device_named(target)
    special = getattr(function, "__irc_compile__", None)
    if special is not None:
        return special(functools.partial(CompiledFunction, dynamic=dynamic, donate=donate, target=target))
    if inspect.ismethod(function) and hasattr(function.__self__, "__dict__"):
        return _method(function, dynamic, donate, target)
    return CompiledFunction(function, dynamic=dynamic, donate=donate, target=target)


def _method(function: Any, dynamic: bool | None, donate: bool, target: str) -> CompiledFunction:
    """`irc.compile(thing.method)`: Python makes a bound method anew each time; what is compiled of it is kept beside it."""
    bound = function.__self__.__dict__.setdefault("_irc_methods", {})
    key = (function.__func__, dynamic, donate, target)
    if key not in bound:
        whole = functools.partial(function.__func__, function.__self__)
        bound[key] = CompiledFunction(
            whole, dynamic=dynamic, donate=donate, name=function.__qualname__, target=target
        )
    return bound[key]


class CompiledFunction:
    """A function with its recorded traces, one or more for each signature."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        dynamic: bool | None = None,
        donate: bool = True,
        name: str = "",
        target: str = HOME,
    ) -> None:
        self.function = function
        self.target = target
        self.name = name or getattr(function, "__qualname__", type(function).__name__)
        self.donate = donate
        self.dynamic = dynamic
        self.traces: OrderedDict[Any, list[Executed | Replayed]] = OrderedDict()
        self.shapes: dict[Trace, Any] = {}
        self.direct: Direct | None = None
        self.told_often = False
        functools.update_wrapper(self, function, updated=())

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: one compiled function for each object, so that bound methods do not record again."""
        if instance is None:
            return self
        bound = instance.__dict__.get("_irc_methods")
        if bound is None:
            bound = instance.__dict__["_irc_methods"] = {}
        name = self.function.__name__
        if name not in bound:
            bound[name] = CompiledFunction(
                functools.partial(self.function, instance),
                dynamic=self.dynamic,
                donate=self.donate,
                name=self.name,
                target=self.target,
            )
        return bound[name]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        graph, direct = recorder.graph, self.direct
        if graph.tracing:
            return self.function(*args, **kwargs)
        if direct is not None and not kwargs and not graph.pending:
            made = direct.call(args)
            if made is not OTHERWISE:
                return made
        tensors: list[Handle] = []
        structure = flatten((args, kwargs), tensors)
        if recorder.forced is not None:
            structure = (recorder.forced, structure)
        signature = (structure, recorder.grad_enabled, *[_tensor_key(t) for t in tensors])
        found = self.traces.get(signature)
        refusals = []
        if found is not None:
            for trace in found:
                refusal = trace.refusal()
                made = trace.run(tensors) if refusal is None else refusal
                if not isinstance(made, str):
                    self.traces.move_to_end(signature)
                    self._go_direct(trace, args, kwargs)
                    return self._unflatten(trace, made)
                refusals.append(made)
        if self.traces:
            self._tell(signature, refusals, args, kwargs)
        return self._record(signature, tensors, args, kwargs)

    def _go_direct(self, trace: Trace, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The next call may be one like this."""
        if type(trace) is not Executed or kwargs or not args:
            return
        if all(isinstance(a, Handle) and a._parent is None and not is_static(a) for a in args):
            shape = self.shapes[trace]
            self.direct = Direct(trace, args, _packing(shape), _native_shape(shape))

    def _unflatten(self, trace: Trace, results: list[Handle]) -> Any:
        return unflatten(self.shapes[trace], iter(results))

    def _record(self, signature: Any, tensors: list[Handle], args: Any, kwargs: Any) -> Any:
        shape: list[Any] = []

        def run(*stand_ins: Handle) -> list[Handle]:
            new_args, new_kwargs = _replaced((args, kwargs), iter(stand_ins))
            returned: list[Handle] = []
            shape.append(flatten(self.function(*new_args, **new_kwargs), returned))
            return returned

        with recorder.at(forced=as_place(self.target)) if self.target != HOME else nullcontext():
            recording = Recording(run, tensors, _names(self.function, args, kwargs))
            trace = None if recording.left else self._trace(recording, run, tensors)
        if recording.left:
            kind = recording.left[0].type
            tell(
                f"{self.name} is recorded at every call: it leaves a new {kind} behind in a tensor from outside"
            )
            return unflatten(shape[0], iter(recording.adopt()))
        assert trace is not None
        del recording
        self.shapes[trace] = shape[0]
        self.traces.setdefault(signature, []).append(trace)
        if len(self.traces) > LIMIT:
            _, dropped = self.traces.popitem(last=False)
            self.direct = None
            for old in dropped:
                self.shapes.pop(old, None)
            tell(
                f"{self.name} has been called with more than {LIMIT} kinds of arguments: the one unused longest is forgotten"
            )
        made = trace.run(tensors)
        assert not isinstance(made, str), made
        return self._unflatten(trace, made)

    def _programs(self) -> int:
        made = [t.executable if type(t) is Executed else t for traces in self.traces.values() for t in traces]
        return len({id(program) for program in made})

    def _trace(
        self, recording: Recording, run: Callable[..., list[Handle]], tensors: list[Handle]
    ) -> Executed | Replayed:
        if recording.is_differentiable:
            return Replayed(recording, donate=self.donate)
        return Executed(
            recording,
            donate=self.donate,
            dynamic=self.dynamic,
            resized=(lambda: resized(run, tensors)) if self.dynamic else None,
        )

    def _tell(self, signature: Any, refusals: Sequence[str], args: Any, kwargs: Any) -> None:
        often = not self.told_often and len(self.traces) >= OFTEN and self._programs() >= OFTEN
        if not often and not is_told():
            return
        latest = next(reversed(self.traces))
        names = _names(self.function, args, kwargs)
        why = refusals[-1] if refusals else reason(self.function, names, latest, signature)
        if often:
            self.told_often = True
            print(
                f"irc: {self.name} has been compiled {OFTEN} times for other arguments; now {why} (IRC_LOG=recompile tells of each)",
                file=sys.stderr,
            )
        else:
            tell(f"{self.name} is recorded again: {why}")


def resized(function: Callable[..., list[Handle]], arguments: Sequence[Handle]) -> Recording | None:
    """The function recorded on arguments with one element more in their first dimension; None where it cannot take them."""
    stand_ins = []
    for argument in arguments:
        type = argument._read().type
        if type.rank and type.static_shape[0] > 1:
            type = type.with_shape((type.static_shape[0] + 1, *type.static_shape[1:]))
        handle = argument.__class__.__new__(argument.__class__)
        handle._hold(value := placeholder(type, argument._read().place))
        value.requires_grad = argument._read().requires_grad
        stand_ins.append(handle)
    try:
        recording = Recording(function, stand_ins)
    except (IrcError, TypeError, ValueError, IndexError, RuntimeError):
        return None
    return None if recording.left else recording


def _tensor_key(tensor: Handle) -> Any:
    value = tensor._read()
    if recorder.spread:
        return value.type, value.requires_grad, value.place
    return value.type, value.requires_grad


def is_static(tensor: Handle) -> bool:
    """A parameter given as an argument is that parameter, not one of its type: its gradient belongs to it."""
    leaf = tensor._read().leaf
    return leaf is not None and leaf() is tensor


def flatten(value: Any, tensors: list[Handle], leaves: bool = False) -> Any:
    """The structure of nested tuples, lists and dicts, with tensors taken out into a list (parameters, too, with
    `leaves`)."""
    if isinstance(value, Handle):
        if not leaves and is_static(value):
            return _Static(value)
        tensors.append(value)
        return _TENSOR
    if type(value) is tuple or type(value) is list:
        return (type(value), *[flatten(v, tensors, leaves) for v in value])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return (type(value), *[flatten(v, tensors, leaves) for v in value])
    if isinstance(value, dict):
        return (dict, tuple(value), *[flatten(v, tensors, leaves) for v in value.values()])
    return _Static(value)


class _Static:
    """A Python value in a signature: compared by type and value, or by identity where it cannot be hashed; an array by
    its content."""

    __slots__ = ("key", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        if isinstance(value, Handle):
            self.key: Any = (type(value), id(value))
            return
        if isinstance(value, np.ndarray):
            self.key = (value.dtype.str, value.shape, value.tobytes())
            return
        try:
            hash(value)
            # repr tells 0.0 from -0.0, and a NaN equals itself.
            self.key = (type(value), repr(value) if isinstance(value, float) else value)
        except TypeError:
            self.key = (type(value), id(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return repr(self.value)


def unflatten(structure: Any, tensors: Any) -> Any:
    """What `flatten` took apart, with these tensors in its place."""
    if structure is _TENSOR:
        return next(tensors)
    if isinstance(structure, _Static):
        return structure.value
    kind, *rest = structure
    if kind is dict:
        names, *values = rest
        return {n: unflatten(v, tensors) for n, v in zip(names, values, strict=True)}
    made = [unflatten(v, tensors) for v in rest]
    return kind(*made) if hasattr(kind, "_fields") else kind(made)


def _native_shape(structure: Any) -> str:
    """How a structure is called where results are made without Python (`one`, `tuple`, `list`); empty for others."""
    if structure is _TENSOR:
        return "one"
    flat = isinstance(structure, tuple) and all(s is _TENSOR for s in structure[1:])
    return {tuple: "tuple", list: "list"}.get(structure[0], "") if flat else ""


def _packing(structure: Any) -> Callable[[list[Handle]], Any]:
    """What makes the result of its tensors."""
    if structure is _TENSOR:
        return operator.itemgetter(0)
    if (
        type(structure) is tuple
        and structure[0] in (tuple, list)
        and all(s is _TENSOR for s in structure[1:])
    ):
        return structure[0]
    return lambda made: unflatten(structure, iter(made))


def _replaced(value: Any, tensors: Any) -> Any:
    """The same nesting with its tensors replaced in order."""
    if isinstance(value, Handle):
        return value if is_static(value) else next(tensors)
    if type(value) is tuple or type(value) is list:
        return type(value)([_replaced(v, tensors) for v in value])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[_replaced(v, tensors) for v in value])
    if isinstance(value, dict):
        return {k: _replaced(v, tensors) for k, v in value.items()}
    return value


def _names(function: Any, args: Any, kwargs: Any) -> list[str]:
    """What the function calls each tensor among its arguments: `x`, `batch[1]`."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return []
    found: list[str] = []
    for name, value in bound.items():
        _name_tensors(name, value, found)
    return found


def _name_tensors(name: str, value: Any, found: list[str]) -> None:
    if isinstance(value, Handle):
        if not is_static(value):
            found.append(name)
    elif isinstance(value, (tuple, list)):
        for i, v in enumerate(value):
            _name_tensors(f"{name}[{i}]", v, found)
    elif isinstance(value, dict):
        for k, v in value.items():
            _name_tensors(f"{name}[{k!r}]", v, found)
