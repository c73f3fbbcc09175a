"""tf.compat.v1: TensorFlow 1's names. Graphs are built by calls, run by sessions, and compiled by irc.

`irc.tensorflow.compat.v1` and, under `irc run --as tensorflow1`, `tensorflow` are this module."""

# ruff: noqa: F401 - it is where the names meet
from __future__ import annotations

from types import SimpleNamespace as _Namespace
from typing import Any as _Any

from irc.frontends import tensorflow as _tf
from irc.frontends.tensorflow import errors, nest
from irc.frontends.tensorflow.compat.v1 import (
    initializers,
    layers,
    losses,
    metrics,
)
from irc.frontends.tensorflow.compat.v1 import nn as _nn
from irc.frontends.tensorflow.compat.v1 import (
    rnn as _rnn,
)
from irc.frontends.tensorflow.compat.v1 import (
    saver as _saver,
)
from irc.frontends.tensorflow.compat.v1 import (
    switch as _switch,
)
from irc.frontends.tensorflow.compat.v1 import (
    train as _train,
)
from irc.frontends.tensorflow.compat.v1.application import (
    add_to_collection,
    app,
    colocate_with,
    device,
    get_seed,
    logging,
    set_random_seed,
    test,
)
from irc.frontends.tensorflow.compat.v1.calls import constant
from irc.frontends.tensorflow.compat.v1.config import (
    ConfigProto,
    GPUOptions,
    GraphOptions,
    OptimizerOptions,
    RunMetadata,
    RunOptions,
)
from irc.frontends.tensorflow.compat.v1.control_flow import case, cond, while_loop
from irc.frontends.tensorflow.compat.v1.gradients import gradients, hessians
from irc.frontends.tensorflow.compat.v1.graph import (
    Graph,
    GraphKeys,
    get_default_graph,
    reset_default_graph,
)
from irc.frontends.tensorflow.compat.v1.names import graph_functions as _graph_functions
from irc.frontends.tensorflow.compat.v1.operation import NodeDef, Operation
from irc.frontends.tensorflow.compat.v1.placeholders import (
    placeholder,
    placeholder_with_default,
    sparse_placeholder,
)
from irc.frontends.tensorflow.compat.v1.refused import ADVICE as _ADVICE
from irc.frontends.tensorflow.compat.v1.refused import Refused as _Refused
from irc.frontends.tensorflow.compat.v1.refused import refusal as _refusal
from irc.frontends.tensorflow.compat.v1.session import InteractiveSession, Session, get_default_session
from irc.frontends.tensorflow.compat.v1.switch import (
    disable_eager_execution,
    disable_v2_behavior,
    enable_eager_execution,
    enable_v2_behavior,
    executing_eagerly,
)
from irc.frontends.tensorflow.compat.v1.variable_scope import (
    AUTO_REUSE,
    VariableScope,
    get_local_variable,
    get_variable,
    get_variable_scope,
    make_template,
    name_scope,
    variable_scope,
)
from irc.frontends.tensorflow.compat.v1.variables import (
    Variable,
    assign,
    assign_add,
    assign_sub,
    control_dependencies,
    get_collection,
    global_variables,
    global_variables_initializer,
    group,
    local_variables,
    local_variables_initializer,
    model_variables,
    moving_average_variables,
    no_op,
    trainable_variables,
    variables_initializer,
)
from irc.frontends.tensorflow.compat.v1.variables import tuple_ as tuple
from irc.frontends.tensorflow.gradient_tape import GradientTape, UnconnectedGradients
from irc.frontends.tensorflow.shape import Dimension, TensorShape
from irc.frontends.tensorflow.tensor import Tensor

__version__ = VERSION = "1.15.5+irc"
newaxis = None

zeros_initializer = initializers.Zeros
ones_initializer = initializers.Ones
constant_initializer = initializers.Constant
random_normal_initializer = initializers.RandomNormal
random_uniform_initializer = initializers.RandomUniform
truncated_normal_initializer = initializers.TruncatedNormal
variance_scaling_initializer = initializers.VarianceScaling
glorot_uniform_initializer = initializers.GlorotUniform
glorot_normal_initializer = initializers.GlorotNormal
orthogonal_initializer = initializers.Orthogonal
initialize_all_variables = global_variables_initializer
initialize_variables = variables_initializer
all_variables = global_variables
disable_resource_variables = enable_resource_variables = _switch._ignored
disable_v2_tensorshape = enable_v2_tensorshape = _switch._ignored
disable_control_flow_v2 = enable_control_flow_v2 = _switch._ignored
disable_tensor_equality = enable_tensor_equality = _switch._ignored
version = _Namespace(VERSION=__version__, GIT_VERSION="irc", COMPILER_VERSION="irc")

nn = _Namespace(
    **{n: getattr(_nn, n) for n in dir(_nn) if getattr(getattr(_nn, n), "__module__", "") == _nn.__name__},
    dynamic_rnn=_rnn.dynamic_rnn,
    static_rnn=_rnn.static_rnn,
    static_bidirectional_rnn=_rnn.static_bidirectional_rnn,
    rnn_cell=_Namespace(
        **{
            n: getattr(_rnn, n)
            for n in (
                "BasicLSTMCell",
                "BasicRNNCell",
                "DropoutWrapper",
                "GRUCell",
                "LSTMCell",
                "LSTMStateTuple",
                "MultiRNNCell",
                "RNNCell",
            )
        }
    ),
)
train = _Namespace(
    **{
        n: getattr(_train, n)
        for n in dir(_train)
        if not n.startswith("_") and n not in ("annotations", "Any")
    },
    Saver=_saver.Saver,
    latest_checkpoint=_saver.latest_checkpoint,
    checkpoint_exists=_saver.checkpoint_exists,
    export_meta_graph=_saver.export_meta_graph,
    import_meta_graph=_saver.import_meta_graph,
)
math, linalg, random = _Namespace(), _Namespace(), _Namespace(set_random_seed=set_random_seed)


def _fill() -> None:
    """The functions that make operations, under their TF1 names."""
    here = globals()
    for path, function in _graph_functions().items():
        outer, _, name = path.rpartition(".")
        space = here[outer].__dict__ if outer else here
        space.setdefault(name, function)


_fill()


def __getattr__(name: str) -> _Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name in _ADVICE:
        return _Refused(name)
    found = getattr(_tf, name, None)
    if found is None:
        raise _refusal(name)
    return found
