"""Which function of the eager namespace each TF1 name is in a graph, and what its operations are called there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from irc.frontends import tensorflow as tf
from irc.frontends.tensorflow import pointwise, tensor
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, graph_function

SAME = """
abs Abs, accumulate_n AccumulateNV2, acos Acos, acosh Acosh, add Add, add_n AddN, argmax ArgMax, argmin ArgMin,
argsort argsort, asin Asin, asinh Asinh, atan Atan, atan2 Atan2, atanh Atanh, boolean_mask boolean_mask,
broadcast_to BroadcastTo, cast Cast, clip_by_value clip_by_value, complex Complex, concat concat, cos Cos, cosh Cosh,
cumsum Cumsum, divide truediv, einsum einsum, ensure_shape EnsureShape, equal Equal, exp Exp, expand_dims ExpandDims,
eye eye, fill Fill, floor Floor, gather GatherV2, gather_nd GatherNd, greater Greater, greater_equal GreaterEqual,
identity Identity, less Less, less_equal LessEqual, linspace LinSpace, logical_and LogicalAnd, logical_not LogicalNot,
logical_or LogicalOr, matmul MatMul, maximum Maximum, meshgrid meshgrid, minimum Minimum, multiply Mul, negative Neg,
norm norm, not_equal NotEqual, one_hot one_hot, ones ones, ones_like ones_like, pad Pad, pow Pow, range range, rank Rank,
reduce_all All, reduce_any Any, reduce_logsumexp logsumexp, reduce_max Max, reduce_mean Mean, reduce_min Min,
reduce_prod Prod, reduce_sum Sum, repeat Repeat, reshape Reshape, reverse ReverseV2, roll Roll, round Round,
saturate_cast saturate_cast, scatter_nd ScatterNd, sequence_mask SequenceMask, shape Shape, sigmoid Sigmoid, sign Sign,
sin Sin, sinh Sinh, size Size, slice Slice, sort sort, split split, sqrt Sqrt, square Square, squeeze Squeeze, stack stack,
stop_gradient StopGradient, subtract Sub, tan Tan, tanh Tanh, tensordot Tensordot, tensor_scatter_nd_add TensorScatterAdd,
tensor_scatter_nd_sub TensorScatterSub, tensor_scatter_nd_update TensorScatterUpdate, tile Tile, transpose transpose,
truediv truediv, unique Unique, unstack unstack, zeros zeros, zeros_like zeros_like,
math.ceil Ceil, math.count_nonzero count_nonzero, math.cumprod Cumprod, math.divide_no_nan div_no_nan, math.erf Erf,
math.expm1 Expm1, math.floordiv FloorDiv, math.floormod FloorMod, math.imag Imag, math.in_top_k InTopKV2,
math.is_finite IsFinite, math.is_inf IsInf, math.is_nan IsNan, math.l2_normalize l2_normalize, math.log Log,
math.log1p Log1p, math.log_sigmoid LogSigmoid, math.log_softmax LogSoftmax, math.logical_xor LogicalXor,
math.mod FloorMod, math.real Real, math.reciprocal Reciprocal, math.reduce_euclidean_norm euclidean_norm,
math.reduce_std reduce_std, math.reduce_variance reduce_variance, math.rint Rint, math.rsqrt Rsqrt,
math.segment_sum SegmentSum, math.softmax Softmax, math.softplus Softplus, math.squared_difference SquaredDifference,
math.top_k TopKV2, math.unsorted_segment_sum UnsortedSegmentSum, math.xlogy Xlogy,
linalg.band_part MatrixBandPart, linalg.cross Cross, linalg.diag MatrixDiag, linalg.diag_part MatrixDiagPart,
linalg.matrix_transpose matrix_transpose, linalg.matvec MatVec, linalg.trace Trace,
nn.atrous_conv2d atrous_conv2d, nn.avg_pool1d AvgPool1D, nn.avg_pool2d AvgPool, nn.avg_pool3d AvgPool3D,
nn.bias_add BiasAdd, nn.compute_average_loss average_loss, nn.conv1d conv1d, nn.conv3d Conv3D,
nn.convolution convolution, nn.crelu CRelu, nn.elu Elu, nn.gelu Gelu, nn.l2_loss L2Loss, nn.leaky_relu LeakyRelu,
nn.local_response_normalization LRN, nn.log_sigmoid LogSigmoid, nn.lrn LRN, nn.max_pool1d MaxPool1D,
nn.max_pool2d MaxPool, nn.max_pool3d MaxPool3D, nn.normalize normalize, nn.relu Relu, nn.relu6 Relu6, nn.selu Selu,
nn.sigmoid Sigmoid, nn.sigmoid_cross_entropy_with_logits logistic_loss, nn.silu Silu, nn.softplus Softplus,
nn.softsign Softsign, nn.swish swish, nn.tanh Tanh, nn.top_k TopKV2, nn.in_top_k InTopKV2,
nn.l2_normalize l2_normalize, nn.zero_fraction zero_fraction,
random.normal random_normal, random.uniform random_uniform, random.truncated_normal truncated_normal,
random.shuffle RandomShuffle, random.categorical multinomial, clip_by_norm clip_by_norm, global_norm global_norm,
nn.embedding_lookup embedding_lookup, nn.batch_normalization batchnorm, nn.dropout dropout,
nn.softmax_cross_entropy_with_logits softmax_cross_entropy_with_logits,
nn.sparse_softmax_cross_entropy_with_logits SparseSoftmaxCrossEntropyWithLogits,
nn.conv2d Conv2D, nn.conv2d_transpose conv2d_transpose, nn.depthwise_conv2d depthwise,
nn.separable_conv2d separable_conv2d, nn.moments moments, nn.softmax Softmax, nn.log_softmax LogSoftmax,
nn.weighted_cross_entropy_with_logits logistic_loss, nn.pool pool, nn.max_pool MaxPool, nn.avg_pool AvgPool,
clip_by_global_norm clip_by_global_norm, bitcast Bitcast, broadcast_dynamic_shape BroadcastArgs
"""
"""Functions that are called the same in both, with what their operations are called."""

OLD = {
    "arg_max": "argmax", "arg_min": "argmin", "ceil": "math.ceil", "count_nonzero": "math.count_nonzero",
    "cross": "linalg.cross", "cumprod": "math.cumprod", "diag": "linalg.diag", "diag_part": "linalg.diag_part",
    "div_no_nan": "math.divide_no_nan", "erf": "math.erf", "expm1": "math.expm1",
    "floordiv": "math.floordiv", "floormod": "math.floormod", "imag": "math.imag", "is_finite": "math.is_finite",
    "is_inf": "math.is_inf", "is_nan": "math.is_nan", "lin_space": "linspace", "log": "math.log", "log1p": "math.log1p",
    "log_sigmoid": "math.log_sigmoid", "logical_xor": "math.logical_xor", "matrix_band_part": "linalg.band_part",
    "matrix_diag": "linalg.diag", "matrix_diag_part": "linalg.diag_part", "matrix_transpose": "linalg.matrix_transpose",
    "mod": "math.mod", "multinomial": "random.categorical", "random_normal": "random.normal",
    "random_shuffle": "random.shuffle", "random_uniform": "random.uniform", "real": "math.real",
    "reciprocal": "math.reciprocal", "rint": "math.rint", "rsqrt": "math.rsqrt", "segment_sum": "math.segment_sum",
    "squared_difference": "math.squared_difference", "trace": "linalg.trace", "truncated_normal": "random.truncated_normal",
    "unsorted_segment_sum": "math.unsorted_segment_sum",
    "math.abs": "abs", "math.add": "add", "math.add_n": "add_n", "math.argmax": "argmax", "math.argmin": "argmin",
    "math.cos": "cos", "math.cumsum": "cumsum", "math.divide": "divide", "math.equal": "equal", "math.exp": "exp",
    "math.floor": "floor", "math.greater": "greater", "math.greater_equal": "greater_equal", "math.less": "less",
    "math.less_equal": "less_equal", "math.logical_and": "logical_and", "math.logical_not": "logical_not",
    "math.logical_or": "logical_or", "math.maximum": "maximum", "math.minimum": "minimum", "math.multiply": "multiply",
    "math.negative": "negative", "math.not_equal": "not_equal", "math.pow": "pow", "math.reduce_all": "reduce_all",
    "math.reduce_any": "reduce_any", "math.reduce_logsumexp": "reduce_logsumexp", "math.reduce_max": "reduce_max",
    "math.reduce_mean": "reduce_mean", "math.reduce_min": "reduce_min", "math.reduce_prod": "reduce_prod",
    "math.reduce_sum": "reduce_sum", "math.round": "round", "math.sigmoid": "sigmoid", "math.sign": "sign",
    "math.sin": "sin", "math.sqrt": "sqrt", "math.square": "square", "math.subtract": "subtract", "math.tan": "tan",
    "math.tanh": "tanh", "math.truediv": "truediv", "linalg.eye": "eye", "linalg.matmul": "matmul",
    "linalg.norm": "norm", "linalg.tensordot": "tensordot", "linalg.einsum": "einsum",
    "linalg.l2_normalize": "math.l2_normalize",
}  # fmt: skip
"""TF1's other names of them."""

REDUCTIONS = {"keep_dims": "keepdims", "reduction_indices": "axis"}
RENAMED: dict[str, Mapping[str, str]] = {
    **{
        f"reduce_{word}": REDUCTIONS
        for word in ("all", "any", "logsumexp", "max", "mean", "min", "prod", "sum")
    },
    "argmax": {"dimension": "axis"},
    "argmin": {"dimension": "axis"},
    "math.count_nonzero": {**REDUCTIONS, "input_tensor": "input"},
    "expand_dims": {"dim": "axis"},
    "squeeze": {"squeeze_dims": "axis"},
    "norm": {"keep_dims": "keepdims"},
    "reverse": {"axis": "axis", "dims": "axis"},
    "concat": {"concat_dim": "axis"},
    "nn.softmax": {"dim": "axis"},
    "nn.log_softmax": {"dim": "axis"},
    "math.l2_normalize": {"dim": "axis"},
    "nn.l2_normalize": {"dim": "axis"},
    "nn.moments": {"keep_dims": "keepdims"},
    "nn.conv2d": {"filter": "filters", "use_cudnn_on_gpu": ""},
    "nn.conv1d": {"value": "input", "stride": "strides"},
    "nn.conv3d": {"filter": "filters"},
    "nn.depthwise_conv2d": {"rate": "dilations"},
    "nn.conv2d_transpose": {"value": "input", "filter": "filters"},
    "nn.max_pool": {"value": "input"},
    "nn.avg_pool": {"value": "input"},
    "nn.max_pool2d": {"value": "input"},
    "nn.avg_pool2d": {"value": "input"},
    "nn.weighted_cross_entropy_with_logits": {"targets": "labels"},
    "random.categorical": {"output_dtype": "dtype"},
}
"""Keyword arguments that TF1 calls otherwise; to an empty name: left out."""

RANDOM = (
    "random.normal",
    "random.uniform",
    "random.truncated_normal",
    "random.shuffle",
    "random.categorical",
    "nn.dropout",
)


PATHS = tuple(entry.split()[0] for entry in SAME.replace("\n", " ").split(","))


_EAGER: dict[str, Any] = {}
"""The eager functions, as they were before graphs took their names."""


def eager(path: str) -> Any:
    """A function of the eager namespace by its dotted name; None where it has none."""
    try:
        return reduce(getattr, path.split("."), tf)
    except AttributeError:
        return None


def graph_functions() -> dict[str, Callable[..., Any]]:
    """Every function that makes operations in graphs, by its dotted TF1 name."""
    made: dict[str, Callable[..., Any]] = {}
    for entry in SAME.replace("\n", " ").split(","):
        path, type = entry.split()
        function = _EAGER.setdefault(path, eager(path))
        if function is not None:
            made[path] = graph_function(function, type, random=path in RANDOM, renamed=RENAMED.get(path))
    for name, path in OLD.items():
        if path in made:
            made[name] = made[path]
    for name, d in {
        "to_float": "float32",
        "to_double": "float64",
        "to_int32": "int32",
        "to_int64": "int64",
    }.items():
        made[name] = graph_function(_cast_to(getattr(tf, d)), f"To{name[3:].capitalize()}")
    made["convert_to_tensor"] = converted
    made["div"] = graph_function(_div, "div")
    made["where"] = made["where_v2"] = graph_function(pointwise.where, "Where")
    return made


def _cast_to(dtype: Any) -> Callable[..., Any]:
    return lambda x: pointwise.cast(x, dtype)


def _div(x: Any, y: Any) -> Any:
    """Python 2's division: of integers, rounded down."""
    a = x if isinstance(x, tensor.TensorBase) else tensor.convert_to_tensor(x)
    return pointwise.floordiv(x, y) if a.dtype.is_integer else pointwise.divide(x, y)


def converted(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Any:
    """The value as a tensor."""
    return as_tensor(value, dtype, name, preferred_dtype or dtype_hint)
