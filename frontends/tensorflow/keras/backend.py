"""keras.backend: Keras's older names of TensorFlow's functions, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.errors import UnsupportedError
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import missing
from irc.frontends.tensorflow import array_ops as A
from irc.frontends.tensorflow import clipping, dtypes, nn
from irc.frontends.tensorflow import creation as C
from irc.frontends.tensorflow import linalg as M
from irc.frontends.tensorflow import pointwise as P
from irc.frontends.tensorflow import random as T
from irc.frontends.tensorflow import reductions as R
from irc.frontends.tensorflow.keras.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx
from irc.frontends.tensorflow.keras.losses.functions import binary_crossentropy as _bce
from irc.frontends.tensorflow.keras.losses.functions import categorical_crossentropy as _cce
from irc.frontends.tensorflow.keras.naming import clear_session, names
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor
from irc.frontends.tensorflow.variable import Variable

abs, exp, log, sqrt, square, sign = P.abs, P.exp, P.log, P.sqrt, P.square, P.sign
sin, cos, pow, round = P.sin, P.cos, P.pow, P.round
maximum, minimum, equal, not_equal = P.maximum, P.minimum, P.equal, P.not_equal
greater, greater_equal, less, less_equal = P.greater, P.greater_equal, P.less, P.less_equal
cast, clip, shape, stack, reshape = P.cast, P.clip_by_value, A.shape, A.stack, A.reshape
sigmoid, tanh, softmax, softplus = P.sigmoid, P.tanh, nn.softmax, P.softplus
zeros_like, ones_like, identity, tile, squeeze = C.zeros_like, C.ones_like, A.identity, A.tile, A.squeeze
stop_gradient, dropout, zeros, ones = A.stop_gradient, nn.dropout, C.zeros, C.ones
clip_by_norm = clipping.clip_by_norm


def _reduction(of: Callable[..., Any]) -> Callable[..., Any]:
    def reduced(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return of(x, axis, keepdims)

    return reduced


sum, mean, max, min = (_reduction(f) for f in (R.reduce_sum, R.reduce_mean, R.reduce_max, R.reduce_min))
prod, any, all = _reduction(R.reduce_prod), _reduction(R.reduce_any), _reduction(R.reduce_all)
var, std, logsumexp = _reduction(R.reduce_variance), _reduction(R.reduce_std), _reduction(R.reduce_logsumexp)


def argmax(x: Any, axis: int = -1) -> Any:
    """Where the largest is along an axis."""
    return R.argmax(x, axis)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """x above 0, alpha * x below."""
    y = nn.leaky_relu(x, alpha) if alpha else nn.relu(x)
    return y if max_value is None else P.minimum(y, float(max_value))


def dot(x: Any, y: Any) -> Any:
    """Products summed over the last axis of x and the second to last of y."""
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    return M.matmul(x, y) if x.ndim == y.ndim == 2 else M.tensordot(x, y, [[x.ndim - 1], [y.ndim - 2]])


def transpose(x: Any) -> Any:
    """With the axes backwards."""
    return A.transpose(x)


def permute_dimensions(x: Any, pattern: Any) -> Any:
    """With the axes in another order."""
    return A.transpose(x, pattern)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """With an extent of 1 put in."""
    return A.expand_dims(x, axis)


def flatten(x: Any) -> Any:
    """All elements in a row."""
    return A.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """A row for each sample."""
    x = convert_to_tensor(x)
    return A.reshape(x, (x.shape[0], -1))


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Joined along an axis."""
    return A.concat(tensors, axis)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """Over the Euclidean norm."""
    return R.l2_normalize(x, axis)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The extents as Python numbers."""
    return tuple(x.shape)


def ndim(x: Any) -> int:
    """How many axes there are."""
    return len(x.shape)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A tensor of Python or NumPy data, in floatx by default."""
    return C.constant(value, dtypes.as_dtype(dtype or floatx()), shape)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable with a value."""
    return Variable(np.asarray(value, dtype or floatx()), name=name, constraint=constraint)


def eval(x: Any) -> Any:
    """The elements as a NumPy array."""
    return x.numpy() if isinstance(x, TensorBase) else np.asarray(x)


get_value = eval


def set_value(x: Any, value: Any) -> None:
    """Gives a variable a value."""
    x.assign(np.asarray(value, x.dtype.numpy))


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normal random numbers."""
    return T.normal(shape, mean, stddev, dtypes.as_dtype(dtype or floatx()), seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Uniform random numbers."""
    return T.uniform(shape, minval, maxval, dtypes.as_dtype(dtype or floatx()), seed)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-(t log p + (1 - t) log(1 - p)), element by element."""
    t, p = convert_to_tensor(target), convert_to_tensor(output)
    return _bce(A.expand_dims(t, -1), A.expand_dims(p, -1), from_logits=from_logits)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-sum t log p."""
    return _cce(target, output, from_logits=from_logits, axis=axis)


def get_uid(prefix: str = "") -> int:
    """A number that counts up with each call."""
    names.unique(prefix)
    return names.counts[prefix]


def backend() -> str:
    """The library under Keras."""
    return "tensorflow"


def learning_phase() -> int:
    """0: layers are told by `training=`."""
    return 0


def set_learning_phase(value: int) -> None:
    """Refused: layers are told by `training=`."""
    raise located(
        UnsupportedError(
            "there is no learning phase", notes=("call layers and models with training=True or False",)
        )
    )


__all__ = ["clear_session", "epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx"]
__getattr__ = missing("keras.backend", globals())
