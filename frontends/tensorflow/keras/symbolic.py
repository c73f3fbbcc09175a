"""KerasTensor: a tensor that is only a shape and a dtype, and how a layer's call on such is noted for a functional model.

What a layer gives for them is found by recording its call, on stand-ins, into a graph that is thrown away; twice, so
that the extents which follow the unknown ones (None) show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.graph import Graph, placeholder, recorder
from irc.frontends.recorder.random import generator
from irc.frontends.recorder.storage import located
from irc.frontends.source import Site
from irc.frontends.tensorflow import dtypes, nest
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.recording import nothing_kept
from irc.frontends.tensorflow.tensor import TensorBase, wrap
from irc.ir.types import TensorType

STAND_INS = ((3, 96), (5, 160))
"""Extents that stand in for an unknown batch, and for any other unknown dimension."""


class KerasTensorError(RecordTypeError, ValueError):
    """A function of elements that was given a symbolic tensor: a ValueError, and a TypeError where Python wants a number."""


class KerasTensor:
    """A symbolic input or output of layers: `shape` (None where unknown), `dtype`, and where it comes from."""

    def __init__(self, shape: Sequence[int | None], dtype: Any = "float32", name: str | None = None) -> None:
        self.shape = tuple(None if n is None else int(n) for n in shape)
        self._dtype = dtypes.as_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self._keras_history: tuple[Any, int, int] | None = None
        self._site = Site.here()

    @property
    def dtype(self) -> str:
        """The name of the elements' dtype."""
        return self._dtype.name

    @property
    def ndim(self) -> int:
        """The number of dimensions, the batch among them."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, name={self.name}>"

    def _refuse(self, what: str) -> Any:
        return located(
            KerasTensorError(
                f"{what} needs the elements of a KerasTensor, which has only a shape and a dtype",
                notes=(
                    f"it is {self.name}, of shape {self.shape}",
                    "put the computation into a layer: keras.layers.Lambda(f), keras.ops, or a Layer with `call`",
                ),
            )
        )

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        raise self._refuse("a TensorFlow function")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise self._refuse("a conversion to a NumPy array")

    def __bool__(self) -> bool:
        raise self._refuse("a branch on it")

    def __iter__(self) -> Iterator[Any]:
        raise self._refuse("iteration")

    def __float__(self) -> float:
        raise self._refuse("float()")

    def __int__(self) -> int:
        raise self._refuse("int()")


class Node:
    """One call of a layer on symbolic tensors: its arguments and results, and the calls these came from."""

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
        self.layer, self.args, self.kwargs, self.outputs = layer, args, kwargs, outputs
        self.inputs = symbolic_leaves((args, kwargs))
        index = len(layer._inbound_nodes)
        for i, tensor in enumerate(nest.flatten(outputs)):
            tensor._keras_history = (layer, index, i)
        layer._inbound_nodes.append(self)

    @property
    def parents(self) -> list[Node]:
        found = (node_of(t) for t in self.inputs)
        return [node for node in found if node is not None]

    @property
    def is_input(self) -> bool:
        return not self.inputs


def node_of(tensor: KerasTensor) -> Node | None:
    """The call that a symbolic tensor comes from."""
    history = tensor._keras_history
    return None if history is None else history[0]._inbound_nodes[history[1]]


def symbolic_leaves(structure: Any) -> list[KerasTensor]:
    """The symbolic tensors in a nest, in order."""
    return [t for t in nest.flatten(structure) if isinstance(t, KerasTensor)]


def is_symbolic(args: Any, kwargs: Any) -> bool:
    """Whether a call is of symbolic tensors."""
    return any(isinstance(v, KerasTensor) for v in nest.flatten(args)) or (
        bool(kwargs) and any(isinstance(v, KerasTensor) for v in nest.flatten(kwargs))
    )


def note_call(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls a layer on symbolic tensors: symbolic results, with a node behind them."""
    outputs = infer(layer, args, kwargs, layer.variables)
    Node(layer, args, kwargs, outputs)
    return outputs


def infer(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], variables: Sequence[Any] = ()) -> Any:
    """What a function gives for symbolic tensors, as symbolic tensors; what it assigns to `variables` is undone."""
    runs = []
    for batch, other in STAND_INS:
        with _scratch(variables):
            made = [_stand_in(v, batch, other) for v in nest.flatten((args, kwargs))]
            new_args, new_kwargs = nest.pack_sequence_as((args, kwargs), made)
            result = function(*new_args, **new_kwargs)
            runs.append((result, [_type_of(t) for t in nest.flatten(result)]))
        if not any(None in t.shape for t in symbolic_leaves((args, kwargs))):
            runs.append(runs[0])
            break
    (structure, first), (_, second) = runs
    return nest.pack_sequence_as(structure, [_common(a, b) for a, b in zip(first, second, strict=True)])


def _type_of(value: Any) -> TensorType:
    if not isinstance(value, TensorBase):
        raise located(
            RecordValueError(
                f"a layer called on symbolic tensors gives tensors, and this one gave {type(value).__name__}: {value!r:.80}"
            )
        )
    return value._read().type


def _common(first: TensorType, second: TensorType) -> KerasTensor:
    shape = [a if a == b else None for a, b in zip(first.shape, second.shape, strict=True)]
    return KerasTensor(shape, dtypes.of_element(first.element))


def _stand_in(value: Any, batch: int, other: int) -> Any:
    if not isinstance(value, KerasTensor):
        return value
    shape = tuple((batch if i == 0 else other) if n is None else n for i, n in enumerate(value.shape))
    return wrap(placeholder(TensorType(shape, value._dtype.element)))


class Inference:
    """How many calls on stand-ins are under way."""

    __slots__ = ("depth",)

    def __init__(self) -> None:
        self.depth = 0


inference = Inference()


@contextmanager
def _scratch(variables: Sequence[Any]) -> Iterator[None]:
    """Records into a graph that is thrown away, and puts back what was assigned meanwhile."""
    graph = Graph(tracing=True)
    held = [v._storage for v in variables] + [generator.storage]
    before = [s._value for s in held]
    inference.depth += 1
    try:
        with recorder.within(graph), nothing_kept():
            yield
    finally:
        inference.depth -= 1
        for storage, value in [*graph.written.items(), *zip(held, before, strict=True)]:
            if storage._value is not value:
                storage._value = value
                storage.version += 1
