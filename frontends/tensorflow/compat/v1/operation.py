"""Operations of a graph and their outputs: tensors without a value."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from irc.frontends.errors import RecordAttributeError, RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Recorded
from irc.frontends.source import Site
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.dtypes import DType, of_element
from irc.frontends.tensorflow.errors import OperatorNotAllowedInGraphError
from irc.frontends.tensorflow.shape import Dimension, TensorShape
from irc.frontends.tensorflow.tensor import Tensor
from irc.ir.types import TensorType

if TYPE_CHECKING:
    from irc.frontends.tensorflow.compat.v1.graph import Block, Graph
    from irc.frontends.tensorflow.compat.v1.session import Session

SIZES = (97, 101)
"""What stands for an extent that is not known. Each operation's types are worked out for both; what differs between them
is not known."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a tensor is for either of SIZES: its types, and its values where they follow from the shapes."""

    types: tuple[TensorType, TensorType]
    known: tuple[Any, Any] | None = None

    @staticmethod
    def of(type: TensorType, known: Any = None) -> Probe:
        return Probe((type, type), None if known is None else (known, known))

    @staticmethod
    def unknown(shape: TensorShape, dtype: DType) -> Probe:
        """Of a shape with None in it; of unknown rank: a scalar, and a vector."""
        if shape.rank is None:
            return Probe((TensorType((), dtype.element), TensorType((SIZES[1],), dtype.element)))
        first, second = (
            TensorType(tuple(n if d is None else d for d in shape.as_list()), dtype.element) for n in SIZES
        )
        return Probe((first, second))

    @property
    def is_exact(self) -> bool:
        return self.types[0] is self.types[1] and (
            self.known is None or np.array_equal(self.known[0], self.known[1])
        )

    @property
    def shape(self) -> TensorShape:
        first, second = (t.shape for t in self.types)
        if len(first) != len(second):
            return GraphShape(None)
        return GraphShape([a if a == b else None for a, b in zip(first, second, strict=True)])

    def narrowed(self, shape: TensorShape) -> Probe:
        """The same, of a shape that is known better."""
        mine = self.shape
        if mine.rank is None:
            return Probe.unknown(shape, of_element(self.types[0].element))
        mine.assert_is_compatible_with(shape)
        if shape.rank is None:
            return self
        wanted = shape.as_list()
        first, second = (
            TensorType(tuple(d if w is None else w for d, w in zip(t.shape, wanted, strict=True)), t.element)
            for t in self.types
        )
        return Probe((first, second), self.known)


class Extent(int):
    """A known extent: an int, with TF1's `.value`."""

    @property
    def value(self) -> int:
        return int(self)


class GraphShape(TensorShape):
    """A TensorShape whose extents are TF1's: they have a `.value`, which is None where it is not known."""

    __slots__ = ()

    def _wrapped(self, extent: int | None) -> Any:
        return Dimension(None) if extent is None else Extent(extent)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(key, slice):
            return GraphShape(found)
        return self._wrapped(found)

    def __iter__(self) -> Iterator[Any]:
        return (self._wrapped(d) for d in self.as_list())

    def __str__(self) -> str:
        if self.rank is None:
            return "<unknown>"
        text = ", ".join("?" if d is None else str(d) for d in self.as_list())
        return f"({text},)" if self.rank == 1 else f"({text})"

    def __reduce__(self) -> Any:
        return GraphShape, (self._dims,)


class NodeDef:
    """The name, type and inputs of an operation."""

    def __init__(self, operation: Operation) -> None:
        self.name = operation.name
        self.op = operation.type
        inputs = [t.name if t.value_index else t.op.name for t in operation.inputs]
        self.input = [*inputs, *(f"^{c.name}" for c in operation.control_inputs)]
        self.device = ""

    def __repr__(self) -> str:
        lines = [f'name: "{self.name}"', f'op: "{self.op}"', *(f'input: "{i}"' for i in self.input)]
        return "\n".join(lines) + "\n"


class Operation:
    """A node of a graph: an action that is carried out in a session, the tensors it takes and gives, and the Python line
    that made it."""

    device = ""

    def __init__(
        self,
        graph: Graph,
        type: str,
        name: str,
        action: Any,
        inputs: Sequence[GraphTensor],
        probes: Sequence[Probe],
        site: Site,
    ) -> None:
        """`name` is complete and unique. Waits for the graph's current control dependencies."""
        self.graph = graph
        self.type = type
        self.name = name
        self.action = action
        self.inputs = tuple(inputs)
        self.site = site
        self.number = len(graph.by_name)
        self.block: Block | None = graph.block
        made_here = {t.op for t in inputs}
        self.control_inputs = tuple(c for c in graph.current_control if c not in made_here)
        self.outputs = [GraphTensor(self, i, probe) for i, probe in enumerate(probes)]
        graph.add(self)

    def _as_graph_element(self) -> Operation:
        return self

    @property
    def node_def(self) -> NodeDef:
        """A text of the operation."""
        return NodeDef(self)

    @property
    def op_def(self) -> Any:
        """The name of its kind."""
        return self.node_def

    def values(self) -> tuple[GraphTensor, ...]:
        """Its results."""
        return tuple(self.outputs)

    def run(self, feed_dict: Any = None, session: Session | None = None) -> None:
        """Runs it in the default session, or in `session`."""
        _session(session, "run", self.graph).run(self, feed_dict)

    @property
    def place(self) -> str:
        """What errors call it: its name and the line that made it."""
        return f"node {self.name} ({self.type}), made at {self.site.brief()}"

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"

    def __str__(self) -> str:
        return repr(self.node_def)


def _session(given: Session | None, what: str, graph: Graph) -> Session:
    if given is None:
        if not mode.sessions:
            raise located(
                RecordValueError(
                    f"Cannot {what} using `{what}()`: No default session is registered. Use `with sess.as_default()` or pass "
                    f"an explicit session to `{what}(session=sess)`"
                )
            )
        given = mode.sessions[-1]
    if given.graph is not graph:
        raise located(RecordValueError(f"Cannot use the given session to {what}: its graph is another one."))
    return given


class GraphTensor(Tensor):
    """An output of an operation. It has a name, a dtype and as much of a shape as is known, and no value: `session.run`
    gives one."""

    def __init__(self, op: Operation, value_index: int, probe: Probe) -> None:
        self.op = op
        self.value_index = value_index
        self.probe = probe

    def _as_graph_element(self) -> GraphTensor:
        return self

    @staticmethod
    def _apply_layer(layer: Any, args: Any, kwargs: Any) -> Any:
        from irc.frontends.tensorflow.compat.v1.keras_layers import apply_layer  # noqa: PLC0415 - the rest does without Keras

        return apply_layer(layer, args, kwargs)

    @property
    def graph(self) -> Graph:
        """The graph it belongs to."""
        return self.op.graph

    @property
    def name(self) -> str:
        """Its operation's name, and which of the results it is."""
        return f"{self.op.name}:{self.value_index}"

    @property
    def shape(self) -> TensorShape:
        """The extents, None for those that a feed decides."""
        return self.probe.shape

    @property
    def dtype(self) -> DType:
        """The elements' dtype."""
        return of_element(self.probe.types[0].element)

    @property
    def ndim(self) -> int:
        """The number of dimensions, None where it is not known."""
        rank = self.shape.rank
        if rank is None:
            raise located(RecordValueError(f"the rank of {self.name} is not known"))
        return rank

    def set_shape(self, shape: Any) -> None:
        """Says what is known of the shape besides."""
        self.probe = self.probe.narrowed(TensorShape(shape))

    def consumers(self) -> list[Operation]:
        """The operations that take it."""
        return [op for op in self.graph.by_name.values() if self in op.inputs]

    def eval(self, feed_dict: Any = None, session: Session | None = None) -> Any:
        """Its value in the default session, or in `session`."""
        return _session(session, "eval", self.graph).run(self, feed_dict)

    @property
    def is_known(self) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    # It has no value.

    def _no_value(self, what: str) -> Any:
        return located(
            OperatorNotAllowedInGraphError(
                f"{what} needs the value of {self.name}, which is a symbolic tensor of a graph",
                notes=(self.op.place, f"sess.run({self.name!r}) or its .eval() gives the value"),
            )
        )

    def _read(self) -> Recorded:
        raise located(
            RecordTypeError(
                f"{self.name} is a symbolic tensor of a graph, and this does not work in graphs",
                notes=(self.op.place,),
            )
        )

    def _look(self, what: str) -> Any:
        raise self._no_value(what)

    @property
    def numpy(self) -> Any:
        raise located(
            RecordAttributeError(
                "'Tensor' object has no attribute 'numpy'",
                notes=(self.op.place, f"sess.run({self.name!r}) or its .eval() gives the value"),
            )
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        raise self._no_value("a conversion to a NumPy array")

    def __index__(self) -> int:
        raise self._no_value("use as an index or extent")

    __int__ = __index__

    def __float__(self) -> float:
        raise self._no_value("float()")

    def __bool__(self) -> bool:
        raise located(
            OperatorNotAllowedInGraphError(
                "Using a `tf.Tensor` as a Python `bool` is not allowed.",
                notes=(
                    self.op.place,
                    "write `if t is not None:` to test if a tensor is there, and tf.cond(t, f, g) to choose by its value",
                ),
            )
        )

    def __len__(self) -> int:
        raise located(
            RecordTypeError(
                f"len is not well defined for a symbolic Tensor ({self.name}). Please call `x.shape` rather than `len(x)` for "
                "shape information."
            )
        )

    def __iter__(self) -> Iterator[Any]:
        raise located(
            OperatorNotAllowedInGraphError(
                "Iterating over a symbolic `tf.Tensor` is not allowed",
                notes=(self.op.place, "tf.unstack(t) gives a list"),
            )
        )

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self.shape.rank is None else f", shape={self.shape}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'

    def __format__(self, spec: str) -> str:
        return str(self)

    def __reduce__(self) -> Any:
        raise self._no_value("pickling")


Caller = Callable[..., Any]

BINARY = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "truediv", "floordiv": "floordiv", "mod": "mod", "pow": "pow",
    "matmul": "matmul", "and": "LogicalAnd", "or": "LogicalOr", "xor": "LogicalXor",
}  # fmt: skip
COMPARISONS = {"lt": "Less", "le": "LessEqual", "gt": "Greater", "ge": "GreaterEqual"}
UNARY = {"neg": "Neg", "abs": "Abs", "invert": "LogicalNot"}


def add_operators(cls: Any, call: Caller) -> None:
    """Python's operators on graph tensors (and variables): `call(function, args, type)` makes an operation of them."""
    for word, kind in (BINARY | COMPARISONS).items():
        function = getattr(operator, f"{word}_" if word in ("and", "or") else word)
        setattr(cls, f"__{word}__", _binary(call, function, kind))
        if word in BINARY:
            setattr(cls, f"__r{word}__", _reflected(call, function, kind))
    for word, kind in UNARY.items():
        setattr(cls, f"__{word}__", _unary(call, getattr(operator, word), kind))
    cls.__div__, cls.__rdiv__ = cls.__truediv__, cls.__rtruediv__
    cls.__getitem__ = _binary(call, operator.getitem, "strided_slice")


def _binary(call: Caller, function: Any, kind: str) -> Any:
    return lambda self, other: call(function, (self, other), kind)


def _reflected(call: Caller, function: Any, kind: str) -> Any:
    return lambda self, other: call(function, (other, self), kind)


def _unary(call: Caller, function: Any, kind: str) -> Any:
    return lambda self: call(function, (self,), kind)
