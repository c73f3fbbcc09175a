"""tf.Graph: operations by name, scopes, control dependencies and collections.

A graph holds calls that have not been made yet: what a session needs of them is recorded for the types it is fed, and
that recording is the IR."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from irc.frontends.errors import RecordError, RecordKeyError, RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.compat.v1.shared import mode

if TYPE_CHECKING:
    from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Operation


class GraphKeys:
    """Names of the standard collections."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    METRIC_VARIABLES = "metric_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    UPDATE_OPS = "update_ops"
    TRAIN_OP = "train_op"
    GLOBAL_STEP = "global_step"
    SUMMARIES = "summaries"
    BIASES = "biases"
    WEIGHTS = "weights"
    ACTIVATIONS = "activations"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    SAVERS = "savers"


class Block:
    """A branch or loop body: operations of the same graph that only run inside of another one."""

    def __init__(self, outer: Block | None) -> None:
        self.outer = outer
        self.operations: list[Operation] = []
        self.arguments: list[GraphTensor] = []

    def encloses(self, other: Block | None) -> bool:
        """Whether `other` is this block or lies inside."""
        while other is not None and other is not self:
            other = other.outer
        return other is self


class Graph:
    """A dataflow graph; `with graph.as_default():` makes operations go into it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Operation] = {}
        self.seed: int | None = None
        self.block: Block | None = None
        """The branch or loop body that is being built."""
        self.variable_store: Any = None
        self._names: dict[str, int] = {}
        self._scope = ""
        self._control: list[Operation] = []
        self._collections: dict[Any, list[Any]] = {}
        self._finalized = False

    # Building.

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Operations made inside go into this graph."""
        mode.building()
        mode.graphs.append(self)
        try:
            yield self
        finally:
            mode.graphs.remove(self)

    def add(self, operation: Operation) -> None:
        """Takes a new operation in."""
        if self._finalized:
            raise located(
                RecordError(
                    "Graph is finalized and cannot be modified.",
                    notes=(f"the operation would have been '{operation.name}'",),
                )
            )
        self.by_name[operation.name] = operation
        if self.block is not None:
            self.block.operations.append(operation)

    def finalize(self) -> None:
        """No operation can be added any more."""
        self._finalized = True

    @property
    def finalized(self) -> bool:
        """Whether no operation may be added any more."""
        return self._finalized

    @property
    def version(self) -> int:
        """How many operations have been added."""
        return len(self.by_name)

    building_function = False

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` in the current scope, with `_1`, `_2`, ... where it is taken."""
        return self._unique(f"{self._scope}/{name}" if self._scope else name, mark_as_used)

    def exact_name(self, name: str) -> str:
        """A complete name, which is taken from now on; another where an operation has it."""
        if name in self.by_name:
            return self._unique(name)
        self._names.setdefault(name.lower(), 1)
        return name

    def _unique(self, name: str, mark_as_used: bool = True) -> str:
        key = name.lower()
        count = self._names.get(key, 0)
        if not mark_as_used:
            return name if not count else f"{name}_{count}"
        self._names[key] = count + 1
        if not count:
            return name
        found = f"{name}_{count}"
        while found.lower() in self._names:
            count += 1
            found = f"{name}_{count}"
        self._names[key] = count + 1
        self._names[found.lower()] = 1
        return found

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Names made inside start with `name/`; a name that ends in `/` enters a scope again, None leaves all."""
        before = self._scope
        if not name:
            self._scope = ""
        elif name.endswith("/"):
            self._scope = name[:-1]
        else:
            self._scope = self.unique_name(name)
        try:
            yield f"{self._scope}/" if self._scope else ""
        finally:
            self._scope = before

    def get_name_scope(self) -> str:
        """The prefix of names of now."""
        return self._scope

    @contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Operations made inside run after these (None: after none)."""
        before = self._control
        if control_inputs is None:
            self._control = []
        else:
            found = [self.as_operation(c) for c in control_inputs]
            self._control = list(dict.fromkeys([*before, *found]))
        try:
            yield
        finally:
            self._control = before

    @property
    def current_control(self) -> tuple[Operation, ...]:
        """What an operation made now has to wait for."""
        return tuple(self._control)

    @contextmanager
    def inside(self, block: Block | None) -> Iterator[Block | None]:
        """Builds a branch or loop body; with None, what is outside of all of them."""
        before, control = self.block, self._control
        self.block, self._control = block, []
        try:
            yield block
        finally:
            self.block, self._control = before, control

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """There is one device: nothing changes."""
        yield

    @contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Accepted: there is one device."""
        yield

    @contextmanager
    def gradient_override_map(self, op_type_map: Any) -> Iterator[None]:
        """Refused: gradients are derived from the program."""
        raise located(
            RecordTypeError(
                "gradient_override_map is not there: gradients are those of the IR's ops",
                notes=(
                    "for another gradient write tf.stop_gradient(f(x) - g(x)) + g(x), which has the gradient of g",
                ),
            )
        )
        yield

    # Looking things up.

    def get_operations(self) -> list[Operation]:
        """All operations, in the order they were made."""
        return list(self.by_name.values())

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of this name. KeyError where there is none."""
        found = self.by_name.get(name)
        if found is None:
            raise located(
                RecordKeyError(
                    f"The name '{name}' refers to an Operation not in the graph.", notes=self._similar(name)
                )
            )
        return found

    def get_tensor_by_name(self, name: str) -> GraphTensor:
        """`add:0` is the first output of the operation `add`."""
        owner, colon, index = name.rpartition(":")
        if not colon or not index.isdigit():
            more = (f"write '{name}:0' for its first output",) if name in self.by_name else ()
            raise located(
                RecordValueError(
                    f"The name '{name}' looks like an (invalid) Operation name, not a Tensor. Tensor names must be of the "
                    'form "<op_name>:<output_index>".',
                    notes=more,
                )
            )
        found = self.by_name.get(owner)
        if found is None:
            raise located(
                RecordKeyError(
                    f"The name '{name}' refers to a Tensor which does not exist. The operation, '{owner}', does not exist in "
                    "the graph.",
                    notes=self._similar(owner),
                )
            )
        if int(index) >= len(found.outputs):
            raise located(
                RecordKeyError(
                    f"The name '{name}' refers to a Tensor which does not exist. The operation, '{owner}', exists but only has "
                    f"{len(found.outputs)} outputs."
                )
            )
        return found.outputs[int(index)]

    def _similar(self, name: str) -> tuple[str, ...]:
        close = difflib.get_close_matches(name, self.by_name, 3)
        return (f"close to it: {', '.join(close)}",) if close else ()

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The operation or tensor of this graph that `obj` (itself, a name, a variable) stands for."""
        if isinstance(obj, str):
            return (
                self.get_tensor_by_name(obj)
                if ":" in obj and allow_tensor
                else self.get_operation_by_name(obj)
            )
        convert = getattr(obj, "_as_graph_element", None)
        if convert is None:
            kinds = (
                "Tensor or Operation"
                if allow_tensor and allow_operation
                else "Tensor"
                if allow_tensor
                else "Operation"
            )
            raise located(RecordTypeError(f"Can not convert a {type(obj).__name__} into a {kinds}."))
        element = convert()
        if element.graph is not self:
            raise located(RecordValueError(f"{element} is not an element of this graph."))
        return element

    def as_operation(self, obj: Any) -> Operation:
        """The operation that makes `obj`, for control dependencies."""
        element = self.as_graph_element(obj)
        return getattr(element, "op", None) or element

    def as_text(self, unknown: int = 1) -> str:
        """The graph as StableHLO text: @main takes the placeholders, then the variables, and gives what no operation
        takes, then the variables' new values. Extents that are not known are taken to be `unknown`."""
        from irc.frontends.tensorflow.compat.v1.graph_text import graph_text  # noqa: PLC0415 - it records what a graph holds

        return graph_text(self, unknown)

    def as_graph_def(self, from_version: Any = None, add_shapes: bool = False) -> Any:
        """Refused: `as_text` gives the graph, as StableHLO."""
        raise located(
            RecordTypeError(
                "there are no GraphDefs here", notes=("graph.as_text() gives the graph as StableHLO text",)
            )
        )

    # Collections.

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Adds a value to the collection of this name."""
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Adds a value to the collections of these names (one name, several, or None)."""
        for name in (names,) if isinstance(names, str) else names or ():
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """What was added under a name; with `scope`, what has a name that starts with it."""
        found = self._collections.get(name, [])
        return (
            list(found) if scope is None else [x for x in found if getattr(x, "name", "").startswith(scope)]
        )

    def get_collection_ref(self, name: Any) -> list[Any]:
        """The collection of this name itself: what is added to the list is in it."""
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[Any]:
        """The names of all collections."""
        return [k for k, v in self._collections.items() if v]

    def clear_collection(self, name: Any) -> None:
        """Removes all values from a collection."""
        self._collections.pop(name, None)

    def __repr__(self) -> str:
        return f"<tf.Graph of {len(self.by_name)} operations>"


def get_default_graph() -> Graph:
    """The graph that operations go into."""
    return mode.graphs[-1] if mode.graphs else default_graph()


def default_graph() -> Graph:
    """The graph that is there without `as_default`."""
    if mode.default_graph is None:
        mode.default_graph = Graph()
    return mode.default_graph


def reset_default_graph() -> None:
    """Forgets the default graph. AssertionError inside of `as_default`."""
    if mode.graphs:
        raise located(RecordError("Do not use tf.reset_default_graph() to clear nested graphs."))
    mode.default_graph = None


def graph_of(elements: Sequence[Any]) -> Graph:
    """The one graph that elements belong to, or the default graph."""
    graph = None
    first = None
    for element in elements:
        if graph is None:
            graph, first = element.graph, element
        elif element.graph is not graph:
            raise located(RecordValueError(f"{element} must be from the same graph as {first}."))
    return graph or get_default_graph()
