"""Calls that become operations: of the eager namespace's functions, on graph tensors or while a graph is being built."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from irc.errors import IrcError
from irc.frontends.errors import RecordTypeError
from irc.frontends.recorder.storage import located
from irc.frontends.source import Site
from irc.frontends.tensorflow import array_ops, creation, dtypes, nest
from irc.frontends.tensorflow.compat.v1.actions import Action, Call, Const, Random
from irc.frontends.tensorflow.compat.v1.frame import NodeError
from irc.frontends.tensorflow.compat.v1.graph import Graph, get_default_graph, graph_of
from irc.frontends.tensorflow.compat.v1.infer import infer
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation, Probe, add_operators
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor
from irc.ir.types import TensorType


class Convertible:
    """What stands for a graph tensor where one is taken (a variable)."""

    def _as_graph_element(self) -> GraphTensor:
        """The graph tensor. Raises TypeError for a kind that does not say which."""
        raise located(RecordTypeError(f"{type(self).__name__} does not say which graph tensor it stands for"))


def prepared(value: Any) -> Any:
    """The same nesting with variables of graphs replaced by what they read."""
    if isinstance(value, Convertible):
        return value._as_graph_element()
    if isinstance(value, slice):
        return slice(*map(prepared, (value.start, value.stop, value.step)))
    if type(value) is tuple or type(value) is list:
        return type(value)([prepared(v) for v in value])
    if isinstance(value, Mapping):
        return {k: prepared(v) for k, v in value.items()}
    return value


def tensors_of(value: Any) -> Iterator[GraphTensor]:
    """The graph tensors in a nesting."""
    if isinstance(value, GraphTensor):
        yield value
    elif isinstance(value, slice):
        yield from tensors_of((value.start, value.stop, value.step))
    elif isinstance(value, Mapping):
        yield from tensors_of(list(value.values()))
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from tensors_of(v)


def call(
    function: Callable[..., Any],
    args: Any,
    type: str,
    name: str | None = None,
    kwargs: dict[str, Any] | None = None,
    action: type[Call] = Call,
) -> Any:
    """`function(*args, **kwargs)` as an operation, where graphs are concerned; else called at once."""
    if mode.running:
        return function(*args, **(kwargs or {}))
    args, kwargs = prepared(args), prepared(kwargs or {})
    inputs = list(tensors_of((args, kwargs)))
    if not inputs and not mode.in_graph:
        return function(*args, **kwargs)
    graph = graph_of(inputs)
    made = action(function, args, kwargs)
    try:
        result, probes = infer(made, inputs)
    except IrcError as error:
        raise _unbuilt(error, type) from None
    if not probes:
        return result
    outputs = iter(operation(graph, made, name or type, type, inputs, probes).outputs)
    leaves = [next(outputs) if isinstance(v, TensorBase) else v for v in nest.flatten(result)]
    return nest.pack_sequence_as(result, leaves)


def operation(
    graph: Graph, action: Action, name: str, type: str, inputs: list[GraphTensor], probes: list[Probe]
) -> Operation:
    """A new operation of a graph. A name that ends in `/` is taken as it is."""
    full = graph.exact_name(name[:-1]) if name.endswith("/") else graph.unique_name(name)
    kind = type[:1].upper() + type[1:]
    return Operation(graph, kind, full, action, inputs, probes, Site.here())


def _unbuilt(error: IrcError, type: str) -> IrcError:
    """The error as graphs word it: a ValueError as well, where operands do not go together."""
    if not isinstance(error, InvalidArgumentError) or isinstance(error, TypeError):
        return error
    return NodeError(error.message, span=error.span, constraint=error.constraint, notes=error.notes)


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False
) -> Any:
    """A constant tensor from Python or NumPy data."""
    if not mode.in_graph:
        return creation.constant(value, dtype, shape)
    array = _host(value, dtype, shape)
    type = TensorType(array.shape, dtypes.of_numpy(array.dtype).element)
    known = array if array.size <= 64 and array.dtype.kind in "iub" else None
    return operation(get_default_graph(), Const(array), name, "Const", [], [Probe.of(type, known)]).outputs[0]


def _host(value: Any, dtype: Any, shape: Any) -> np.ndarray[Any, Any]:
    before, mode.running = mode.running, True
    try:
        found = creation.constant(value, dtype, shape)
        return np.array(found._look("a constant of a graph"))
    finally:
        mode.running = before


def as_tensor(value: Any, dtype: Any = None, name: str | None = None, hint: Any = None) -> Any:
    """`value` as a tensor of the graph being built (an eager one outside of graphs)."""
    value = prepared(value)
    if isinstance(value, GraphTensor):
        if dtype is None or dtypes.as_dtype(dtype) is value.dtype:
            return value
        return call(convert_to_tensor, (value, dtype), "Identity", name)
    if not mode.in_graph:
        return convert_to_tensor(value, dtype, hint)
    if isinstance(value, TensorBase):
        return call(array_ops.identity, (value,), "Const", name)
    if any(True for _ in tensors_of(value)):
        return call(convert_to_tensor, (value, dtype, hint), "Pack", name or "packed")
    wanted = dtype
    if wanted is None and hint is not None and not isinstance(value, (np.ndarray, np.generic)):
        wanted = _hinted(value, dtypes.as_dtype(hint))
    return constant(value, wanted, name=name or "Const")


def _hinted(value: Any, hint: Any) -> Any:
    """The dtype hinted at, where Python data fits it."""
    leaves = nest.flatten(value)
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in leaves)
    real = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in leaves)
    return hint if (real and hint.is_floating) or (whole and hint.is_integer) else None


def graph_function(
    function: Callable[..., Any], type: str, *, random: bool = False, renamed: Mapping[str, str] | None = None
) -> Callable[..., Any]:
    """The function, for graphs too: there a call is an operation called `type`, or `name`.

    `renamed` are TF1's names of keyword arguments."""
    action = Random if random else Call

    @functools.wraps(function)
    def made(*args: Any, **kwargs: Any) -> Any:
        if mode.running:
            return function(*args, **kwargs)
        name = kwargs.pop("name", None)
        if renamed:
            kwargs = {renamed.get(k, k): v for k, v in kwargs.items()}
            kwargs.pop("", None)
        return call(function, args, type, name, kwargs, action)

    return made


add_operators(GraphTensor, lambda function, args, kind: call(function, args, kind))
