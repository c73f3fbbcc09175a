"""tf.Variable: a tensor that can be assigned to."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from weakref import ref

import numpy as np

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.lowering import shape as L
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import Graph, apply_template, needed, recorder
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Literal, Recorded
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.indexing import put_rows
from irc.frontends.tensorflow.recording import nothing_kept, tapes
from irc.frontends.tensorflow.shape import TensorShape
from irc.frontends.tensorflow.tensor import (
    Tensor,
    TensorBase,
    convert_to_tensor,
    emit,
    fits,
    is_number,
    shown,
    wrap,
)


class VariableSynchronization(enum.Enum):
    """Where copies of a variable are brought together; there is one copy here."""

    AUTO, NONE, ON_WRITE, ON_READ = range(4)


class VariableAggregation(enum.Enum):
    """How copies of a variable are brought together; there is one copy here."""

    NONE, SUM, MEAN, ONLY_FIRST_REPLICA = range(4)


_outside: Graph = recorder.graph
"""The recording outside of all traced functions."""


@contextmanager
def init_scope() -> Iterator[None]:
    """Lifts what is recorded inside out of the function being traced, and out of all tapes."""
    graph = recorder.graph
    if not graph.tracing:
        with nothing_kept():
            yield
        return
    with recorder.within(_outside), nothing_kept():
        yield


class Variable(TensorBase):
    """A variable with an initial value, which may be a function that gives it.

    A trainable one of floating dtype is watched by every tape. Raises ValueError without an initial value, and where a
    value of another shape is assigned."""

    made: ClassVar[list[ref[Variable]]] = []
    """The variables made while functions were traced."""
    handle = None
    constraint: Any = None
    _trainable = False

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:
        if initial_value is None:
            raise located(
                RecordValueError(
                    "Argument `initial_value` must be specified",
                    notes=("write tf.Variable(tf.zeros(shape))",),
                )
            )
        with init_scope():
            given = initial_value() if callable(initial_value) else initial_value
            value = _initial(given, dtype)
        if shape is not None and not TensorShape(shape).is_compatible_with(value.type.shape):
            raise located(
                RecordValueError(
                    f"The initial value's shape ({TensorShape(value.type.shape)}) is not compatible with the "
                    f"explicitly supplied `shape` argument ({TensorShape(shape)})."
                )
            )
        self._trainable = True if trainable is None else bool(trainable)
        self._name = f"{name or 'Variable'}:0"
        self.constraint = constraint
        self.synchronization, self.aggregation = synchronization, aggregation
        value.requires_grad = self._trainable and dtypes.of_element(value.type.element).is_floating
        value.leaf = ref(self) if value.requires_grad else None
        if recorder.graph.tracing:
            Variable.made.append(ref(self))
        traced = recorder.graph.tracing
        with recorder.within(_outside):
            self._hold(value)
            if traced:
                # It is state of the traced function from now on, and state has a value.
                flush()

    @property
    def is_known(self) -> bool:
        # A traced function reads a variable each time it runs.
        return not recorder.graph.tracing

    def _look(self, what: str) -> Any:
        if recorder.graph.tracing:
            return self.read_value()._look(what)
        return super()._look(what)

    @property
    def trainable(self) -> bool:
        """Whether tapes watch it, which Keras may set."""
        return self._trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        """Whether tapes watch it (Keras sets this)."""
        self._trainable = bool(trainable)
        value = self._read()
        wanted = self._trainable and self.dtype.is_floating
        if value.requires_grad is not wanted:
            made = value.alias()
            made.requires_grad, made.leaf = wanted, ref(self) if wanted else None
            self._storage.write(made)

    @property
    def initializer(self) -> None:
        """None: a variable has its value from the start."""
        return None

    @property
    def initial_value(self) -> Any:
        """Its value of now: what it started from is not kept."""
        return self.read_value()

    def value(self) -> Tensor:
        """Its value of now."""
        return emit(L.identity, (self,), op="ReadVariableOp")

    read_value = value

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Replaces the value by one of its shape and dtype; gives the variable."""
        self._put(self._given(value, "assign"))
        return self if read_value else None

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds to the value; gives the variable."""
        with nothing_kept():
            value = self + self._step(delta, "assign_add")
        self._put_fresh(value)
        return self if read_value else None

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts from the value; gives the variable."""
        with nothing_kept():
            value = self - self._step(delta, "assign_sub")
        self._put_fresh(value)
        return self if read_value else None

    def _given(self, value: Any, how: str) -> Tensor:
        given = convert_to_tensor(value, dtype_hint=self.dtype)
        if given.dtype is not self.dtype:
            raise located(
                RecordValueError(
                    f"Tensor conversion requested dtype {self.dtype.name} for Tensor with dtype {given.dtype.name}: {given!r}",
                    notes=(f"variable {self.name} is {self.dtype.name}",),
                )
            )
        if given.shape != self.shape:
            raise located(
                RecordValueError(
                    f"Cannot {how} value to variable '{self.name}': Shape mismatch.The variable shape {self.shape}, and the "
                    f"assigned value shape {given.shape} are incompatible."
                )
            )
        return given

    def _step(self, delta: Any, how: str) -> Any:
        """What is added or subtracted; a number stays one, so that counting is a constant of the program."""
        given = self._given(delta, how)
        return delta if is_number(delta) and fits(delta, self.dtype) else given

    def _put(self, value: Tensor) -> None:
        """Takes over the value of a tensor that others may show, too."""
        self._note()
        self._write(value._read().alias())

    def _put_fresh(self, value: Tensor) -> None:
        """Takes over the value of a tensor that nobody else has: its memory can be given back to the next step."""
        self._note()
        self._write(value._read())

    def _note(self) -> None:
        """A tape that records remembers what was read before."""
        before = self._read()
        for tape in tapes.recording:
            tape._note_former(self, before)

    def scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Variable:
        """Replaces rows: `sparse_delta` has `indices` and `values`."""
        return self._scattered(sparse_delta, "set")

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Adds to rows: `sparse_delta` has `indices` and `values`; rows named twice are added to twice."""
        return self._scattered(sparse_delta, "sum")

    def _scattered(self, delta: Any, how: str) -> Variable:
        with nothing_kept():
            value = put_rows(self.read_value(), delta.indices, delta.values, how)
        self._put_fresh(value)
        return self

    def is_initialized(self, name: str | None = None) -> bool:
        """True: a variable has its value from the start."""
        return True

    def experimental_ref(self) -> Any:
        """TF 2.0's name of `ref`."""
        return self.ref()

    def __repr__(self) -> str:
        head = f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}"
        return f"{head}, numpy={shown(self)}>" if self.is_known else f"{head}>"

    __str__ = __repr__

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        made = memo.get(id(self))
        if made is None:
            made = memo[id(self)] = Variable(
                np.array(self._look("copying")),
                self._trainable,
                name=(self._name or "")[:-2],
                dtype=self.dtype,
            )
        return made

    def __reduce__(self) -> Any:
        return _rebuild, (np.array(self._look("pickling")), self._trainable, (self._name or ":0")[:-2])


def _rebuild(array: Any, trainable: bool, name: str) -> Variable:
    return Variable(array, trainable, name=name)


def _initial(given: Any, dtype: Any) -> Recorded:
    """The value a variable starts with, of its own."""
    made = convert_to_tensor(_lifted(given) if isinstance(given, TensorBase) else given, dtype)
    return made._read().alias()


def _lifted(given: TensorBase) -> TensorBase:
    """A tensor as one of the program outside: what a function being traced has recorded for it is recorded there again."""
    value = given._read()
    pending = dict.fromkeys(_outside.pending)
    if value.array is not None or value.node in pending:
        return given
    made: dict[Any, Any] = {}
    for node in needed([value]):
        if node not in pending:
            operands = tuple(_outer(o, made) for o in node.inputs)
            made[node] = apply_template(node.template, operands, node.site)[0].node
    return wrap(_outer(value, made))


def _outer(operand: Any, made: dict[Any, Any]) -> Any:
    """An operand of a lifted node."""
    if isinstance(operand, Literal) or operand.array is not None:
        return operand
    if operand.node in made:
        return made[operand.node].at(operand.index)
    if operand.node is None:
        raise located(
            RecordTypeError(
                "a variable made inside a traced function starts from an argument of that function, which is there only "
                "while it runs",
                notes=("make the variable outside, or from values that do not depend on the arguments",),
            )
        )
    return operand
