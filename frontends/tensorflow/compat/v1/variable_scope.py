"""tf.get_variable and tf.variable_scope: variables by name, shared where that is asked for."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.compat.v1.calls import prepared
from irc.frontends.tensorflow.compat.v1.graph import Graph, GraphKeys, get_default_graph
from irc.frontends.tensorflow.compat.v1.initializers import GlorotUniform, Zeros, initializer_of
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.compat.v1.variables import Variable
from irc.frontends.tensorflow.shape import TensorShape
from irc.frontends.tensorflow.tensor import TensorBase


class _ReuseMode(enum.Enum):
    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE


class VariableStore:
    """The variables of a graph that were got by name, the scope that is open, and the names that layers have taken."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.scope = VariableScope(False)
        self.counts: dict[str, int] = {}

    def unique(self, prefix: str) -> str:
        """`prefix` in the open scope, with `_1`, `_2`, ... where it was taken."""
        full = self.scope.inner(prefix)
        count = self.counts.get(full, 0)
        self.counts[full] = count + 1
        return prefix if not count else f"{prefix}_{count}"


def store_of(graph: Graph) -> VariableStore:
    """The variable store of a graph."""
    if graph.variable_store is None:
        graph.variable_store = VariableStore()
    return graph.variable_store


class VariableScope:
    """A prefix of names, and what `get_variable` takes where it is not told."""

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        dtype: Any = dtypes.float32,
        custom_getter: Any = None,
        constraint: Any = None,
        name_scope: str = "",
    ) -> None:
        self.reuse = reuse
        self.name = name
        self.initializer = initializer
        self.regularizer = regularizer
        self.dtype = dtype
        self.custom_getter = custom_getter
        self.constraint = constraint
        self.original_name_scope = name_scope

    def inner(self, name: str) -> str:
        return f"{self.name}/{name}" if self.name else name

    def reuse_variables(self) -> None:
        """From now on variables are those that are there."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """The initializer of variables that are told none."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """The regularizer of variables that are told none."""
        self.regularizer = regularizer

    def global_variables(self) -> list[Variable]:
        """The variables whose names stand under this scope."""
        return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, f"{self.name}/")

    def trainable_variables(self) -> list[Variable]:
        """Those of them that are trained."""
        return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, f"{self.name}/")

    def get_variable(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A variable of this scope, as tf.get_variable gives it."""
        return get_variable(name, *args, **kwargs)


def get_variable_scope() -> VariableScope:
    """The variable scope that is open."""
    return store_of(get_default_graph()).scope


@contextmanager
def variable_scope(
    name_or_scope: Any,
    default_name: str | None = None,
    values: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: Any = None,
    constraint: Any = None,
    auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:
    """Names of variables made inside start with the scope's; its settings hold for them, too.

    `reuse` True takes variables that are there, AUTO_REUSE makes those that are not."""
    graph = get_default_graph()
    store = store_of(graph)
    before = store.scope
    if name_or_scope is None and default_name is None:
        raise located(RecordValueError("If default_name is None then name_or_scope is required"))
    given = name_or_scope if isinstance(name_or_scope, VariableScope) else None
    if given is not None:
        full, label = given.name, given.name.rpartition("/")[2]
    else:
        label = name_or_scope or store.unique(str(default_name))
        full = before.inner(label)
        if name_or_scope:
            store.counts.setdefault(full, 1)
    base = given or before
    inherited = (
        True
        if before.reuse is True
        else reuse
        if reuse is not None
        else base.reuse
        if given
        else before.reuse
    )
    with graph.name_scope(label if auxiliary_name_scope else graph.get_name_scope() + "/") as names:
        scope = VariableScope(
            inherited,
            full,
            initializer or base.initializer,
            regularizer or base.regularizer,
            dtype or base.dtype,
            custom_getter or base.custom_getter,
            constraint or base.constraint,
            names,
        )
        store.scope = scope
        try:
            yield scope
        finally:
            store.scope = before


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: Any = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """The variable of this name in the open variable scope: a new one, or, where the scope reuses, the one that is there.

    Raises ValueError where it is there and not to be reused, or to be reused and not there."""
    store = store_of(get_default_graph())
    scope = store.scope
    full = scope.inner(name)
    found = store.variables.get(full)
    if found is not None:
        return _shared(found, full, shape, dtype, scope)
    if scope.reuse is True:
        raise located(
            RecordValueError(
                f"Variable {full} does not exist, or was not created with tf.get_variable(). Did you mean to set "
                "reuse=tf.AUTO_REUSE in VarScope?"
            )
        )
    wanted = dtypes.as_dtype(dtype or scope.dtype)
    getter = custom_getter or scope.custom_getter
    if getter is not None:
        raise located(
            RecordValueError(
                "custom_getter is not there", notes=("wrap tf.get_variable in a function instead",)
            )
        )
    value = _first_value(full, shape, wanted, initializer if initializer is not None else scope.initializer)
    graph = get_default_graph()
    before = graph._scope
    graph._scope = ""
    try:
        made = Variable(
            value,
            trainable=trainable,
            collections=collections,
            name=f"{graph._unique(full)}/" if mode.in_graph else full,
            constraint=constraint or scope.constraint,
        )
    finally:
        graph._scope = before
    if mode.in_graph:
        store.variables[full] = made
    _regularize(made, full, regularizer or scope.regularizer)
    return made


def _shared(found: Variable, full: str, shape: Any, dtype: Any, scope: VariableScope) -> Variable:
    if scope.reuse is False or scope.reuse is None:
        raise located(
            RecordValueError(
                f"Variable {full} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?",
                notes=(f"originally defined at {found.op.site.brief()}",),
            )
        )
    if shape is not None and not TensorShape(shape).is_compatible_with(found.shape):
        raise located(
            RecordValueError(
                f"Trying to share variable {full}, but specified shape {TensorShape(shape)} and found shape {found.shape}.",
                notes=(f"originally defined at {found.op.site.brief()}",),
            )
        )
    if dtype is not None and dtypes.as_dtype(dtype) is not found.dtype:
        raise located(
            RecordValueError(
                f"Trying to share variable {full}, but specified dtype {dtypes.as_dtype(dtype).name} and found dtype "
                f"{found.dtype.name}.",
                notes=(f"originally defined at {found.op.site.brief()}",),
            )
        )
    return found


def _first_value(full: str, shape: Any, dtype: dtypes.DType, initializer: Any) -> Any:
    """The value, or a function that gives it inside of the variable's name scope."""
    given = initializer_of(prepared(initializer))
    if given is None:
        given = GlorotUniform() if dtype.is_floating else Zeros()
    if not callable(given) or isinstance(given, (GraphTensor, TensorBase)):
        if shape is not None and not isinstance(given, (int, float)):
            raise located(RecordValueError("If initializer is a constant, do not specify shape."))
        return given
    if shape is None:
        raise located(
            RecordValueError(
                f"Shape of a new variable ({full}) must be fully defined, but instead was <unknown>.",
            )
        )
    extents = TensorShape(shape)
    if not extents.is_fully_defined():
        raise located(
            RecordValueError(
                f"Shape of a new variable ({full}) must be fully defined, but instead was {extents}."
            )
        )
    return _caller(given, extents.as_list(), dtype)


def _caller(initializer: Callable[..., Any], shape: list[Any], dtype: dtypes.DType) -> Callable[[], Any]:
    return lambda: initializer(shape, dtype=dtype)


def _regularize(variable: Any, full: str, regularizer: Any) -> None:
    if regularizer is None:
        return
    graph = get_default_graph()
    with graph.name_scope(f"{full}/Regularizer/"):
        loss = regularizer(variable)
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Any:
    """A variable that is not trained, in the collection of local ones."""
    kwargs |= {"trainable": False, "collections": [GraphKeys.LOCAL_VARIABLES]}
    return get_variable(name, *args, **kwargs)


class name_scope:
    """A context: names of operations made inside start with its name."""

    def __init__(self, name: str | None, default_name: str | None = None, values: Any = None) -> None:
        self._name = name if name is not None else default_name

    @property
    def name(self) -> str | None:
        """The name, without the scopes around it."""
        return self._name

    def __enter__(self) -> str:
        self._context = get_default_graph().name_scope(self._name)
        return self._context.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)


def make_template(
    name: str, func: Callable[..., Any], create_scope_now_: bool = False, **kwargs: Any
) -> Callable[..., Any]:
    """The function with its variables made at its first call and shared by all later ones."""
    held: list[VariableScope] = []

    def run(*args: Any, **more: Any) -> Any:
        with variable_scope(held[0] if held else None, name, reuse=bool(held) or None) as scope:
            result = func(*args, **{**kwargs, **more})
            if not held:
                held.append(scope)
            return result

    return run
