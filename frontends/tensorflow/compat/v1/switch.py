"""Whether TensorFlow's names build graphs: `disable_eager_execution`, `disable_v2_behavior` and what they undo.

The names of the namespace `tf` that make operations are replaced once by functions that do so where a graph is being built
and are the eager ones elsewhere."""

from __future__ import annotations

from typing import Any

from irc.frontends import tensorflow as tf
from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.compat.v1 import calls, control_flow, names, variable_scope, variables
from irc.frontends.tensorflow.compat.v1.shared import mode


def disable_eager_execution() -> None:
    """From now on operations go into the default graph."""
    if mode.graphs:
        raise located(RecordValueError("disable_eager_execution must be called at program startup"))
    install()
    mode.eager = False


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """From now on operations are carried out at once."""
    if mode.default_graph is not None and mode.default_graph.by_name:
        raise located(RecordValueError("tf.enable_eager_execution must be called at program startup."))
    mode.eager = True


def disable_v2_behavior() -> None:
    """From now on operations go into the default graph."""
    disable_eager_execution()


def enable_v2_behavior() -> None:
    """Turns eager execution on again."""
    enable_eager_execution()


def executing_eagerly() -> bool:
    """Whether operations are carried out at once."""
    return mode.eager and not mode.graphs


def _ignored(*args: Any, **kwargs: Any) -> None:
    """There is one kind of variables, shapes and control flow."""


def install() -> None:
    """Makes the namespace `tf` build graphs where one is being built."""
    if getattr(tf, "_builds_graphs", False):
        return
    tf._builds_graphs = True
    for path, function in names.graph_functions().items():
        if path in names.PATHS:
            *outer, name = path.split(".")
            setattr(getattr(tf, outer[0]) if outer else tf, name, function)
    replaced = {
        "constant": calls.constant,
        "convert_to_tensor": names.converted,
        "where": names.graph_functions()["where"],
        "Variable": variables.Variable,
        "cond": control_flow.cond,
        "while_loop": control_flow.while_loop,
        "name_scope": variable_scope.name_scope,
        "group": variables.group,
        "control_dependencies": variables.control_dependencies,
    }
    for name, value in replaced.items():
        setattr(tf, name, _Either(getattr(tf, name, None), value).choose())


class _Either:
    """The eager namespace's own where nothing is being built."""

    def __init__(self, eager: Any, graph: Any) -> None:
        self.eager, self.graph = eager, graph

    def choose(self) -> Any:
        if self.eager is None or isinstance(self.graph, type):
            return self.graph
        eager, graph = self.eager, self.graph

        def run(*args: Any, **kwargs: Any) -> Any:
            builds = mode.in_graph or any(True for _ in calls.tensors_of(calls.prepared((args, kwargs))))
            return (graph if builds else eager)(*args, **kwargs)

        run.__name__ = run.__qualname__ = getattr(eager, "__name__", "run")
        run.__doc__ = eager.__doc__
        return run


mode.building = install
