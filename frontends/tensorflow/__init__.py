"""irc.tensorflow: TensorFlow 2's names over the recorder. `irc.tensorflow` and this are one module."""

import math as _math
from importlib import import_module as _import_module
from typing import Any as _Any

from irc.frontends import explain as _explain
from irc.frontends.errors import NotThere as _NotThere
from irc.frontends.errors import install_hook as _install_hook
from irc.frontends.recorder.storage import located as _located
from irc.frontends.suggest import advice_of as _advice_of
from irc.frontends.tensorflow import (
    autograph,
    config,
    data,
    debugging,
    errors,
    linalg,
    math,
    nest,
    nn,
    random,
    train,
    version,
)
from irc.frontends.tensorflow.array_ops import (
    broadcast_dynamic_shape,
    broadcast_static_shape,
    broadcast_to,
    concat,
    depth_to_space,
    ensure_shape,
    expand_dims,
    identity,
    is_tensor,
    pad,
    rank,
    repeat,
    reshape,
    reverse,
    roll,
    shape,
    size,
    slice,
    space_to_depth,
    split,
    squeeze,
    stack,
    stop_gradient,
    tile,
    transpose,
    unstack,
)
from irc.frontends.tensorflow.clipping import clip_by_global_norm, clip_by_norm, global_norm
from irc.frontends.tensorflow.control_flow import (
    TensorArray,
    case,
    cond,
    foldl,
    foldr,
    group,
    map_fn,
    no_op,
    numpy_function,
    py_function,
    scan,
    switch_case,
    vectorized_map,
    while_loop,
)
from irc.frontends.tensorflow.creation import (
    constant,
    eye,
    fill,
    linspace,
    meshgrid,
    one_hot,
    ones,
    ones_like,
    range,
    sequence_mask,
    zeros,
    zeros_like,
)
from irc.frontends.tensorflow.custom_gradient import custom_gradient
from irc.frontends.tensorflow.debugging import print_ as print
from irc.frontends.tensorflow.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from irc.frontends.tensorflow.dtypes import bool_ as bool
from irc.frontends.tensorflow.function import Function, executing_eagerly, function, run_functions_eagerly
from irc.frontends.tensorflow.gradient_tape import GradientTape, UnconnectedGradients
from irc.frontends.tensorflow.indexing import (
    IndexedSlices,
    argsort,
    boolean_mask,
    gather,
    gather_nd,
    scatter_nd,
    sort,
    tensor_scatter_nd_add,
    tensor_scatter_nd_max,
    tensor_scatter_nd_min,
    tensor_scatter_nd_sub,
    tensor_scatter_nd_update,
    unique,
)
from irc.frontends.tensorflow.linalg import einsum, matmul, norm, tensordot
from irc.frontends.tensorflow.module import Module, name_scope
from irc.frontends.tensorflow.placement import device
from irc.frontends.tensorflow.pointwise import (
    abs,
    acos,
    acosh,
    add,
    add_n,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cast,
    clip_by_value,
    cos,
    cosh,
    divide,
    equal,
    exp,
    floor,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    pow,
    round,
    saturate_cast,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
    truediv,
    where,
)
from irc.frontends.tensorflow.pointwise import complex_ as complex
from irc.frontends.tensorflow.reductions import (
    argmax,
    argmin,
    cumsum,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)
from irc.frontends.tensorflow.shape import TensorShape
from irc.frontends.tensorflow.tensor import Tensor, convert_to_tensor
from irc.frontends.tensorflow.type_spec import TensorSpec, TypeSpec, type_spec_from_value
from irc.frontends.tensorflow.variable import (
    Variable,
    VariableAggregation,
    VariableSynchronization,
    init_scope,
)

double, half = float64, float16
pi = _math.pi
newaxis = None
__version__ = "2.19.0+irc"


_LAZY = {
    "keras": "irc.frontends.tensorflow.keras",
    "compat": "irc.frontends.tensorflow.compat",
    "optimizers": "irc.frontends.tensorflow.keras.optimizers",
    "losses": "irc.frontends.tensorflow.keras.losses",
    "metrics": "irc.frontends.tensorflow.keras.metrics",
    "initializers": "irc.frontends.tensorflow.keras.initializers",
}
"""Packages that are loaded when first used; `import tensorflow as tf; tf.keras` needs no import of its own."""

_INITIALIZERS = {
    "random_normal_initializer": "RandomNormal",
    "random_uniform_initializer": "RandomUniform",
    "zeros_initializer": "Zeros",
    "ones_initializer": "Ones",
    "constant_initializer": "Constant",
}


_OF_GRAPHS = ("Graph", "Operation", "control_dependencies", "gradients")
"""Names that are about graphs: they are `tf.compat.v1`'s."""


def __getattr__(name: str) -> _Any:
    if name in _OF_GRAPHS:
        return getattr(_import_module("irc.frontends.tensorflow.compat.v1"), name)
    if name in _LAZY:
        return _import_module(_LAZY[name])
    if name in _INITIALIZERS:
        return getattr(_import_module(_LAZY["initializers"]), _INITIALIZERS[name])
    if name.startswith("__"):
        raise AttributeError(name)
    raise _located(_NotThere(f"tf.{name} is not there", notes=_advice(name)))


_ELSEWHERE = {
    "reduce_avg": "reduce_mean", "mean": "reduce_mean", "sum": "reduce_sum", "max": "reduce_max", "min": "reduce_min",
    "prod": "reduce_prod", "all": "reduce_all", "any": "reduce_any", "cat": "concat", "concatenate": "concat",
    "arange": "range", "tensor": "constant", "array": "constant", "view": "reshape", "permute": "transpose",
    "log": "math.log", "relu": "nn.relu", "softmax": "nn.softmax", "randn": "random.normal", "rand": "random.uniform",
    "mul": "multiply", "sub": "subtract", "neg": "negative", "div": "divide", "unsqueeze": "expand_dims",
    "from_numpy": "convert_to_tensor", "flatten": "reshape", "dot": "tensordot", "mm": "matmul",
}  # fmt: skip
"""What other libraries call TensorFlow's functions."""


def _advice(name: str) -> tuple[str, ...]:
    """What to write for a name that is not there: TensorFlow 1's has another place, others may be slips."""
    if name in _ELSEWHERE:
        return (f"did you mean tf.{_ELSEWHERE[name]}?",)
    if name in vars(_import_module("irc.frontends.tensorflow.compat.v1")):
        return (
            f"it is TensorFlow 1's: write tf.compat.v1.{name}, or run the program with `irc run --as tensorflow1`",
        )
    found = _advice_of(name, "tf", globals())
    return found or ("irc.tensorflow has the part of TensorFlow that is listed in its tests",)


_install_hook()
