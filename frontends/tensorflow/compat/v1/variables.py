"""tf.Variable in graphs: a name, a type and a first value. Its value is a session's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from irc.frontends.errors import RecordError, RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import array_ops, dtypes, variable
from irc.frontends.tensorflow.compat.v1.actions import Action, NoOp
from irc.frontends.tensorflow.compat.v1.calls import Convertible, as_tensor, call, operation, prepared
from irc.frontends.tensorflow.compat.v1.graph import Graph, GraphKeys, get_default_graph
from irc.frontends.tensorflow.compat.v1.operation import (
    GraphShape,
    GraphTensor,
    Operation,
    Probe,
    add_operators,
)
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.shape import TensorShape
from irc.frontends.tensorflow.tensor import Reference, TensorBase

if TYPE_CHECKING:
    from irc.frontends.tensorflow.compat.v1.frame import Frame


class Read(Action):
    """A variable's value at this point of the run."""

    def __init__(self, variable: Variable) -> None:
        self.variables = (variable,)

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        return [frame.run.read(self.variables[0], op)]


class Assign(Action):
    """Replaces a variable's value by the operand, or adds or subtracts it; gives the new value."""

    writes = True

    def __init__(self, variable: Variable, how: str = "", initializes: bool = False) -> None:
        self.variables = (variable,)
        self.how = how
        self.initializes = initializes

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        (target,) = self.variables
        value: Any = frame.value(op.inputs[0])
        if self.how:
            before = frame.run.read(target, op)
            value = before + value if self.how == "add" else before - value
        if value._read().type is not target.type:
            raise RecordError(
                f"Assign requires shapes of both tensors to match. lhs shape= {list(target.type.shape)} rhs shape= "
                f"{list(value.shape)}",
                notes=(target.op.place,),
            )
        frame.run.write(target, value)
        return [frame.run.read(target, op)]


class _AnyVariable(type):
    """Eager variables are instances as well."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, variable.Variable)


class Variable(Convertible, metaclass=_AnyVariable):
    """A variable of a graph. Where no graph is being built it is an eager variable."""

    op: Operation
    type: Any
    initializer: Operation
    initial_value: GraphTensor

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if not mode.in_graph:
            for name in ("collections", "expected_shape", "use_resource"):
                kwargs.pop(name, None)
            return variable.Variable(*args, **kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Iterable[str] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        """`name` that ends in `/` is complete (`tf.get_variable` gives one)."""
        if initial_value is None:
            raise located(RecordValueError("initial_value must be specified."))
        self.graph = graph = get_default_graph()
        self.constraint = constraint
        self.trainable = True if trainable is None else bool(trainable)
        if isinstance(initial_value, GraphTensor) and initial_value.op.block is not None:
            raise located(
                RecordValueError(
                    "the first value of a variable is computed outside of tf.cond and tf.while_loop",
                    notes=(initial_value.op.place, "give a function: tf.Variable(lambda: value)"),
                )
            )
        with graph.inside(None), graph.name_scope(name or "Variable") as scope:
            given = initial_value() if callable(initial_value) else initial_value
            self.initial_value = as_tensor(given, dtype, "initial_value")
            self._make(scope)
        for key in (GraphKeys.GLOBAL_VARIABLES,) if collections is None else collections:
            graph.add_to_collection(key, self)
        if self.trainable and (collections is None or GraphKeys.TRAINABLE_VARIABLES not in collections):
            graph.add_to_collection(GraphKeys.TRAINABLE_VARIABLES, self)

    def _make(self, scope: str) -> None:
        """The operations of a variable: itself, its first assignment, its reading."""
        first = self.initial_value
        if not first.shape.is_fully_defined():
            raise located(
                RecordValueError(
                    f"initial_value must have a shape specified: {first}",
                    notes=("a variable's shape is known when it is made",),
                )
            )
        self.type = first.probe.types[0]
        probe = [Probe.of(self.type)]
        self.op = operation(self.graph, Read(self), scope, "VariableV2", [], probe)
        assign = Assign(self, initializes=True)
        self.initializer = operation(self.graph, assign, f"{scope}Assign/", "Assign", [first], probe)
        self._snapshot = operation(self.graph, Read(self), f"{scope}read/", "Identity", [], probe).outputs[0]

    # What it is.

    @property
    def name(self) -> str:
        """Its name, with ':0' behind it."""
        return f"{self.op.name}:0"

    @property
    def dtype(self) -> dtypes.DType:
        """The elements' dtype."""
        return dtypes.of_element(self.type.element)

    @property
    def shape(self) -> TensorShape:
        """The extents."""
        return GraphShape(self.type.shape)

    def get_shape(self) -> TensorShape:
        """The extents."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """ValueError unless the shape is as told."""
        self.shape.assert_is_compatible_with(shape)

    device = ""

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def ref(self) -> Any:
        """A key for sets and dicts."""
        return Reference(self)

    # Reading.

    def _as_graph_element(self) -> GraphTensor:
        """Its value before the run; under control dependencies, after those."""
        if self.graph.current_control and not mode.running:
            return self.read_value()
        return self._snapshot

    def value(self) -> GraphTensor:
        """A tensor that reads it where it stands in the graph."""
        return self._as_graph_element()

    def read_value(self) -> GraphTensor:
        """Its value at this point: after the control dependencies of now."""
        name = f"{self.op.name}/read"
        made = operation(
            self.graph, Read(self), f"{self.graph._unique(name)}/", "Identity", [], [Probe.of(self.type)]
        )
        return made.outputs[0]

    def initialized_value(self) -> GraphTensor:
        """What it starts with, for the first values of other variables."""
        return self.initial_value

    def eval(self, session: Any = None) -> Any:
        """Its value in the default session, or in `session`."""
        return self._snapshot.eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Gives it a value in a session."""
        self.initializer.run({self.initial_value: value}, session)

    # Writing.

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """An operation that replaces the value, as the tensor of the new value."""
        return self._assigned(value, "", "Assign", name, read_value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """An operation that adds to the value."""
        return self._assigned(delta, "add", "AssignAdd", name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """An operation that subtracts from the value."""
        return self._assigned(delta, "sub", "AssignSub", name, read_value)

    def _assigned(self, value: Any, how: str, type: str, name: str | None, read_value: bool) -> Any:
        given = as_tensor(value, None, "value", self.dtype)
        if given.dtype is not self.dtype:
            raise located(
                RecordTypeError(
                    f"Input 'value' of '{type}' Op has type {given.dtype.name} that does not match type {self.dtype.name} of "
                    "argument 'ref'.",
                    notes=(self.op.place,),
                )
            )
        if not given.shape.is_compatible_with(self.shape):
            raise located(
                RecordValueError(
                    f"Cannot assign to variable {self.name} due to variable shape {self.shape} and value shape {given.shape} "
                    "are incompatible",
                    notes=(self.op.place,),
                )
            )
        made = operation(self.graph, Assign(self, how), name or type, type, [given], [Probe.of(self.type)])
        return made.outputs[0] if read_value else made


add_operators(Variable, lambda function, args, kind: call(function, args, kind))


def assign(
    ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None, name: str | None = None
) -> Any:
    """An operation that replaces a variable's value."""
    return ref.assign(value, name=name)


def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """An operation that adds to a variable."""
    return ref.assign_add(value, name=name)


def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """An operation that subtracts from a variable."""
    return ref.assign_sub(value, name=name)


# Operations that only wait.


def _waiting(graph: Graph, inputs: Iterable[Any], name: str) -> Operation:
    before = [graph.as_operation(prepared(i)) for i in inputs if i is not None]
    with graph.control_dependencies(before):
        return operation(graph, NoOp(), name, "NoOp", [], [])


def group(*inputs: Any, **kwargs: Any) -> Operation:
    """An operation that is done when all inputs are."""
    name = kwargs.pop("name", None) or "group_deps"
    flat = [x for i in inputs for x in (i if isinstance(i, (list, tuple)) else [i])]
    return _waiting(get_default_graph(), flat, name)


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing."""
    return operation(get_default_graph(), NoOp(), name or "NoOp", "NoOp", [], [])


def control_dependencies(control_inputs: Any) -> Any:
    """A context: what is made inside runs after these."""
    return get_default_graph().control_dependencies(control_inputs)


def tuple_(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The tensors, none of which is there before all are."""
    given = [t for t in tensors if t is not None]
    with control_dependencies([*given, *(control_inputs or ())]):
        return [None if t is None else call(array_ops.identity, (t,), "Identity", name) for t in tensors]


# Collections of variables.


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """What was added to a collection of the default graph."""
    return get_default_graph().get_collection(key, scope)


def global_variables(scope: str | None = None) -> list[Variable]:
    """All variables of the graph but local ones."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    """Variables that are not saved (those of metrics)."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """The variables in the collection of that name."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """The variables that are trained."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """The variables that have moving averages."""
    return get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Iterable[Variable], name: str = "init") -> Operation:
    """An operation that gives variables their first values."""
    return _waiting(get_default_graph(), [v.initializer for v in var_list], name)


def global_variables_initializer() -> Operation:
    """An operation that gives all variables their first values."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Operation:
    """An operation that gives local variables their initial values."""
    return variables_initializer(local_variables())
