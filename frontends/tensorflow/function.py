"""tf.function: a Python function traced once for each signature, and run without Python from then on.

Tensors and arrays are described by shape and dtype; Python values are part of the signature. What Python does besides
(print, append) happens while the function is traced. `if`, `while` and `for` on tensors become part of the program."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from irc.frontends.autograph import convert
from irc.frontends.compile import CompiledFunction
from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.recording import history_kept
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor, from_array, is_number
from irc.frontends.tensorflow.type_spec import TensorSpec
from irc.frontends.tensorflow.variable import Variable


class _Options:
    """`tf.config.run_functions_eagerly`."""

    eagerly = False


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Whether functions run as plain Python from now on."""
    _Options.eagerly = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Whether tf.function runs its Python at every call."""
    return _Options.eagerly


def executing_eagerly() -> bool:
    """Whether operations are outside of a traced function."""
    return not recorder.graph.tracing


class Function:
    """A function that tf.function made."""

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str,
        input_signature: Any = None,
        autograph: bool = True,
    ) -> None:
        self.python_function = python_function
        self._name = name
        self._autograph = autograph
        self._signature = None if input_signature is None else tuple(input_signature)
        self._parameters = _signature_of(python_function)
        self._traced = 0
        self._compiled = CompiledFunction(self._trace, name=name)
        functools.update_wrapper(self, python_function, updated=())

    # Calling.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _Options.eagerly:
            return self.python_function(*args, **kwargs)
        args, kwargs = self._canonical(args, kwargs)
        if recorder.graph.tracing:
            return self._body(*args, **kwargs)
        with history_kept():
            return self._compiled(*args, **kwargs)

    def _body(self, *args: Any, **kwargs: Any) -> Any:
        function = convert(self.python_function) if self._autograph else self.python_function
        return function(*args, **kwargs)

    def _trace(self, *args: Any, **kwargs: Any) -> Any:
        """The function as it is recorded: numbers it gives become tensors, variables their values."""
        self._traced += 1
        before = len(Variable.made)
        result = nest.map_structure(_as_result, self._body(*args, **kwargs))
        self._check_variables(Variable.made[before:])
        del Variable.made[before:]
        return result

    def _check_variables(self, made: Sequence[ref[Variable]]) -> None:
        if made and (self._traced > 1 or any(v() is None for v in made)):
            raise located(
                RecordValueError(
                    "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is only "
                    "created once or created outside tf.function.",
                    notes=("keep it: self.v = tf.Variable(...) where self.v is None, or make it outside",),
                )
            )

    def _canonical(self, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, arrays as tensors; checked against input_signature where there is one."""
        if self._signature is not None:
            return self._checked(args, kwargs), {}
        if self._parameters is not None and (kwargs or len(args) < len(self._parameters.parameters)):
            # One order for arguments given by name, and defaults spelled out.
            try:
                bound = self._parameters.bind(*args, **kwargs)
            except TypeError as error:
                raise located(RecordTypeError(f"{self._name}(): {error}")) from None
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        args = tuple(_as_argument(a) for a in args)
        return args, {k: _as_argument(v) for k, v in kwargs.items()}

    def _checked(self, args: Any, kwargs: Any) -> tuple[Any, ...]:
        assert self._signature is not None
        if kwargs and self._parameters is not None:
            bound = self._parameters.bind_partial(*args, **kwargs)
            args = (*bound.args, *bound.kwargs.values())
        if len(args) > len(self._signature):
            raise located(
                RecordTypeError(
                    f"{self._name}(): input_signature has {len(self._signature)} arguments, got {len(args)}"
                )
            )
        out = []
        for position, (given, spec) in enumerate(zip(args, self._signature, strict=False)):
            out.append(_fitted(given, spec, self._name, position))
        return tuple(out)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: one traced function for each object."""
        if instance is None:
            return self
        methods = instance.__dict__.setdefault(_METHODS, {})
        name = self.python_function.__name__
        found = methods.get(name)
        if found is None or found._of is not self:
            bound = functools.partial(_call_method, ref(instance), self.python_function)
            found = methods[name] = Function(bound, self._name, self._signature, self._autograph)
            found._of = self
            found._parameters = _without_self(self._parameters)
        return found

    _of: Any = None

    # Looking into it.

    @property
    def input_signature(self) -> Any:
        """The TensorSpecs given to tf.function, or None."""
        return self._signature

    def experimental_get_tracing_count(self) -> int:
        """How often the function has been traced."""
        return self._traced

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The function for one signature, given by tensors or TensorSpecs."""
        specs = args or self._signature or ()
        return ConcreteFunction(self, tuple(specs), kwargs)

    def __repr__(self) -> str:
        return f"<irc.tensorflow.Function {self._name}>"


_METHODS = "_irc_functions"


def _call_method(instance: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return convert(function)(instance(), *args, **kwargs)


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _without_self(signature: inspect.Signature | None) -> inspect.Signature | None:
    if signature is None:
        return None
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _as_argument(value: Any) -> Any:
    """Arrays (in lists, tuples and dicts, too) as tensors."""
    if isinstance(value, (np.ndarray, np.generic)):
        return from_array(np.array(value))
    if type(value) in (list, tuple):
        return type(value)([_as_argument(v) for v in value])
    if type(value) is dict:
        return {k: _as_argument(v) for k, v in value.items()}
    return value


def _as_result(value: Any) -> Any:
    if isinstance(value, Variable):
        return value.read_value()
    return convert_to_tensor(value) if is_number(value) or isinstance(value, np.ndarray) else value


def _fitted(given: Any, spec: Any, name: str, position: int) -> Any:
    """An argument as the tensors that a (nested) spec asks for."""
    if not isinstance(spec, TensorSpec):
        if nest.is_nested(spec):
            flat = [
                _fitted(g, s, name, position)
                for g, s in zip(nest.flatten(given), nest.flatten(spec), strict=True)
            ]
            return nest.pack_sequence_as(spec, flat)
        return given
    tensor = given if isinstance(given, TensorBase) else convert_to_tensor(given, dtype_hint=spec.dtype)
    if not spec.is_compatible_with(tensor):
        raise located(
            RecordTypeError(
                f"Binding inputs to tf.function failed due to `Can not cast {TensorSpec.from_tensor(tensor)!r} to {spec!r}`.",
                notes=(f"argument {position} of {name}",),
            )
        )
    return tensor


class ConcreteFunction:
    """A function with the arguments it takes."""

    def __init__(self, function: Function, specs: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._function = function
        self._specs = tuple(nest.map_structure(_spec_of, s) for s in specs)
        self._named = {k: nest.map_structure(_spec_of, v) for k, v in named.items()}
        self.name = f"__inference_{function._name}"

    @property
    def structured_input_signature(self) -> Any:
        """The TensorSpecs of positional arguments and of those by name."""
        return self._specs, self._named

    @property
    def inputs(self) -> list[Any]:
        """The TensorSpecs of all arguments, one after another."""
        return [s for s in nest.flatten((self._specs, self._named)) if isinstance(s, TensorSpec)]

    @property
    def function_def(self) -> str:
        """What `repr` gives: the name and the signature."""
        return repr(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it; Python values fixed by the signature may be left out."""
        fixed = [s for s in self._specs if not isinstance(s, TensorSpec) and not nest.is_nested(s)]
        if fixed and len(args) == len(self._specs) - len(fixed):
            given = iter(args)
            args = tuple(s if not isinstance(s, TensorSpec) else next(given) for s in self._specs)
        checked = [
            _fitted(a, s, self._function._name, i)
            for i, (a, s) in enumerate(zip(args, self._specs, strict=False))
        ]
        named = {k: _fitted(v, self._named.get(k), self._function._name, 0) for k, v in kwargs.items()}
        rest = {k: v for k, v in self._named.items() if k not in named and not isinstance(v, TensorSpec)}
        return self._function(*checked, **named, **rest)

    def __repr__(self) -> str:
        return f"ConcreteFunction {self._function._name}({', '.join(map(repr, self._specs))})"


def _spec_of(value: Any) -> Any:
    return TensorSpec.from_tensor(value) if isinstance(value, TensorBase) else value


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: Any = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: Any = None,
    experimental_compile: Any = None,
    experimental_follow_type_hints: Any = None,
) -> Any:
    """Makes a traced function of a Python function; usable with and without arguments as a decorator."""
    if func is None:
        return lambda f: function(f, input_signature, autograph, jit_compile)
    if isinstance(func, Function):
        return func
    name = getattr(func, "__name__", type(func).__name__)
    return Function(func, name, input_signature, autograph)
