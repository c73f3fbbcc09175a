"""keras.ops: NumPy's functions, and those of neural networks, on tensors and on symbolic tensors.

As in NumPy, and unlike TensorFlow's own functions, operands of different dtypes are promoted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from irc.frontends.autograph import staging
from irc.frontends.suggest import missing
from irc.frontends.tensorflow import array_ops as A
from irc.frontends.tensorflow import control_flow, dtypes, nest
from irc.frontends.tensorflow import creation as C
from irc.frontends.tensorflow import indexing as I
from irc.frontends.tensorflow import linalg as M
from irc.frontends.tensorflow import pointwise as P
from irc.frontends.tensorflow import reductions as R
from irc.frontends.tensorflow.keras import activations
from irc.frontends.tensorflow.keras.losses import functions as L
from irc.frontends.tensorflow.keras.operation import operation
from irc.frontends.tensorflow.keras.symbolic import KerasTensor
from irc.frontends.tensorflow.tensor import TensorBase, is_number
from irc.frontends.tensorflow.tensor import convert_to_tensor as _convert

# Dtypes.


def _tensor(x: Any) -> Any:
    return x if isinstance(x, TensorBase) else _convert(x)


def _floats(x: Any) -> Any:
    x = _tensor(x)
    return x if x.dtype.is_floating or x.dtype.is_complex else P.cast(x, dtypes.float32)


def _rank(d: Any) -> tuple[int, int]:
    kind = 3 if d.is_complex else 2 if d.is_floating else 0 if d.is_bool else 1
    return kind, d.size


def _promoted(x: Any, y: Any) -> tuple[Any, Any]:
    """Both in one dtype; Python numbers take that of the other, unless they are floats and it holds integers."""
    if is_number(x) and not is_number(y):
        y, x = _promoted(y, x)
        return x, y
    x = _tensor(x)
    if is_number(y) and not isinstance(y, np.generic):
        return (_floats(x), y) if isinstance(y, float) else (x, y)
    y = _tensor(y)
    if x.dtype is y.dtype:
        return x, y
    wanted = sorted((x.dtype, y.dtype), key=_rank)[-1]
    return P.cast(x, wanted), P.cast(y, wanted)


def _truth(x: Any) -> Any:
    return x if x.dtype.is_bool else P.not_equal(x, 0)


def _named(name: str, doc: str, function: Callable[..., Any]) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return operation(function)


def _binary(name: str, of: Callable[..., Any]) -> Any:
    return _named(name, f"NumPy's {name}.", lambda x1, x2: of(*_promoted(x1, x2)))


def _unary(name: str, of: Callable[..., Any], floats: bool = False) -> Any:
    return _named(name, f"NumPy's {name}.", lambda x: of(_floats(x) if floats else _tensor(x)))


def _logical(name: str, of: Callable[..., Any]) -> Any:
    return _named(name, f"NumPy's {name}.", lambda x1, x2: of(_truth(_tensor(x1)), _truth(_tensor(x2))))


def _divided(x: Any, y: Any) -> Any:
    return P.divide(_floats(x), _floats(y) if not is_number(y) else float(y))


add, subtract, multiply = (
    _binary("add", P.add),
    _binary("subtract", P.subtract),
    _binary("multiply", P.multiply),
)
divide, true_divide = _binary("divide", _divided), _binary("true_divide", _divided)
maximum, minimum = _binary("maximum", P.maximum), _binary("minimum", P.minimum)
power, mod, floor_divide = (
    _binary("power", P.pow),
    _binary("mod", P.floormod),
    _binary("floor_divide", P.floordiv),
)
divide_no_nan, arctan2 = _binary("divide_no_nan", P.divide_no_nan), _binary("arctan2", P.atan2)
equal, not_equal = _binary("equal", P.equal), _binary("not_equal", P.not_equal)
less, less_equal = _binary("less", P.less), _binary("less_equal", P.less_equal)
greater, greater_equal = _binary("greater", P.greater), _binary("greater_equal", P.greater_equal)
logical_and, logical_or = _logical("logical_and", P.logical_and), _logical("logical_or", P.logical_or)
absolute, abs = _unary("absolute", P.abs), _unary("abs", P.abs)
negative, sign, square = _unary("negative", P.negative), _unary("sign", P.sign), _unary("square", P.square)
logical_not = _unary("logical_not", lambda x: P.logical_not(_truth(x)))
stop_gradient = _unary("stop_gradient", A.stop_gradient)
exp, log, log1p, expm1 = (_unary(n, getattr(P, n), True) for n in ("exp", "log", "log1p", "expm1"))
sqrt, rsqrt, floor, ceil = (_unary(n, getattr(P, n), True) for n in ("sqrt", "rsqrt", "floor", "ceil"))
sin, cos, tan, sinh, cosh = (_unary(n, getattr(P, n), True) for n in ("sin", "cos", "tan", "sinh", "cosh"))
arcsin, arccos, arctan = (
    _unary("arcsin", P.asin, True),
    _unary("arccos", P.acos, True),
    _unary("arctan", P.atan, True),
)
erf, isnan, isinf = (
    _unary("erf", P.erf, True),
    _unary("isnan", P.is_nan, True),
    _unary("isinf", P.is_inf, True),
)
isfinite, reciprocal = _unary("isfinite", P.is_finite, True), _unary("reciprocal", P.reciprocal, True)
round = _named("round", "NumPy's round, to whole numbers.", lambda x, decimals=0: P.round(_tensor(x)))

# Activations.

relu, relu6, elu = (_unary(n, getattr(activations, n), True) for n in ("relu", "relu6", "elu"))
selu, gelu, silu = (_unary(n, getattr(activations, n), True) for n in ("selu", "gelu", "silu"))
sigmoid, tanh, softplus = (_unary(n, getattr(activations, n), True) for n in ("sigmoid", "tanh", "softplus"))
swish, hard_sigmoid = silu, _unary("hard_sigmoid", activations.hard_sigmoid, True)
leaky_relu, softmax = operation(activations.leaky_relu), operation(activations.softmax)
log_softmax = operation(activations.log_softmax)

# Reductions.


def _reduction(
    name: str, of: Callable[..., Any], floats: bool = False, prepare: Callable[..., Any] | None = None
) -> Any:
    def reduced(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = _floats(x) if floats else _tensor(x)
        return of(x if prepare is None else prepare(x), axis, keepdims)

    return _named(name, f"NumPy's {name}.", reduced)


def _countable(x: Any) -> Any:
    return P.cast(x, dtypes.int32) if x.dtype.is_bool else x


def _position(of: Callable[..., Any]) -> Callable[..., Any]:
    def found(x: Any, axis: Any, keepdims: bool) -> Any:
        made = of(A.reshape(x, (-1,)), 0) if axis is None else of(x, axis)
        made = P.cast(made, dtypes.int32)
        return A.expand_dims(made, axis) if keepdims and axis is not None else made

    return found


sum = _reduction("sum", R.reduce_sum, prepare=_countable)
prod = _reduction("prod", R.reduce_prod, prepare=_countable)
mean, var, std = (
    _reduction(n, f, True)
    for n, f in (("mean", R.reduce_mean), ("var", R.reduce_variance), ("std", R.reduce_std))
)
max, min, amax, amin = (_reduction(n, f) for n, f in (("max", R.reduce_max), ("min", R.reduce_min)) * 2)
all, any = _reduction("all", R.reduce_all, prepare=_truth), _reduction("any", R.reduce_any, prepare=_truth)
logsumexp = _reduction("logsumexp", R.reduce_logsumexp, True)
argmax, argmin = _reduction("argmax", _position(R.argmax)), _reduction("argmin", _position(R.argmin))


@operation
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors, or of matrices where two axes are given."""
    return M.norm(_floats(x), "euclidean" if ord is None else ord, axis, keepdims)


@operation
def cumsum(x: Any, axis: int | None = None) -> Any:
    """Sums of all elements so far."""
    return R.cumsum(A.reshape(x, (-1,)) if axis is None else _tensor(x), 0 if axis is None else axis)


@operation
def normalize(x: Any, axis: int = -1, order: int = 2, epsilon: float = 1e-12) -> Any:
    """Over the norm along an axis."""
    x = _floats(x)
    if order == 2:
        return R.l2_normalize(x, axis, epsilon**2)
    return P.divide(x, P.maximum(M.norm(x, order, axis, True), epsilon))


# Shapes.


def shape(x: Any) -> tuple[Any, ...]:
    """The extents, None where they are not known."""
    return tuple(x.shape)


@operation
def reshape(x: Any, newshape: Any) -> Any:
    """The same elements in another shape; one extent may be -1."""
    return A.reshape(_tensor(x), newshape)


@operation
def transpose(x: Any, axes: Any = None) -> Any:
    """With the axes in another order, backwards by default."""
    return A.transpose(_tensor(x), axes)


@operation
def ravel(x: Any) -> Any:
    """All elements in a row."""
    return A.reshape(_tensor(x), (-1,))


@operation
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """With two axes exchanged."""
    x = _tensor(x)
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return A.transpose(x, order)


@operation
def moveaxis(x: Any, source: int, destination: int) -> Any:
    """With an axis at another place."""
    x = _tensor(x)
    order = [i for i in range(x.ndim) if i != source % x.ndim]
    order.insert(destination % x.ndim, source % x.ndim)
    return A.transpose(x, order)


@operation
def expand_dims(x: Any, axis: Any) -> Any:
    """With an extent of 1 put in."""
    return A.expand_dims(_tensor(x), axis)


@operation
def squeeze(x: Any, axis: Any = None) -> Any:
    """Without extents of 1."""
    return A.squeeze(_tensor(x), axis)


@operation
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeated to a shape."""
    return A.broadcast_to(_tensor(x), shape)


@operation
def concatenate(xs: Any, axis: int = 0) -> Any:
    """Joined along an axis."""
    return A.concat(_alike(xs), axis)


@operation
def stack(x: Any, axis: int = 0) -> Any:
    """Joined along a new axis."""
    return A.stack(_alike(x), axis)


def _alike(xs: Any) -> list[Any]:
    parts = [_tensor(x) for x in xs]
    wanted = sorted((p.dtype for p in parts), key=_rank)[-1]
    return [p if p.dtype is wanted else P.cast(p, wanted) for p in parts]


@operation
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Equal parts, or those between the places given."""
    x = _tensor(x)
    if isinstance(indices_or_sections, int):
        return A.split(x, indices_or_sections, axis)
    edges = [0, *(int(i) for i in indices_or_sections), int(x.shape[axis])]
    return A.split(x, [b - a for a, b in pairwise(edges)], axis)


@operation
def tile(x: Any, repeats: Any) -> Any:
    """The whole repeated along each axis."""
    x = _tensor(x)
    counts = [repeats] if isinstance(repeats, int) else list(repeats)
    return A.tile(x, [1] * (x.ndim - len(counts)) + counts)


@operation
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated."""
    return A.repeat(_tensor(x), repeats, axis)


@operation
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """With elements before and behind, of each axis or of all alike."""
    x = _tensor(x)
    width = [pad_width, pad_width] if isinstance(pad_width, int) else list(pad_width)
    if isinstance(width[0], int):
        width = [width] * x.ndim
    return A.pad(x, width, mode, constant_values)


@operation
def flip(x: Any, axis: Any = None) -> Any:
    """Backwards along axes."""
    x = _tensor(x)
    return A.reverse(
        x, list(range(x.ndim)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
    )


@operation
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Moved along an axis, what falls off coming in again."""
    x = _tensor(x)
    if axis is not None:
        return A.roll(x, shift, axis)
    return A.reshape(A.roll(A.reshape(x, (-1,)), shift, 0), tuple(x.shape))


@operation
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The slices of some numbers along an axis."""
    x = _tensor(x)
    return I.gather(A.reshape(x, (-1,)) if axis is None else x, indices, axis=0 if axis is None else axis)


@operation
def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Any:
    """Along an axis, the elements at the places that `indices`, of the same rank, names."""
    x, places = _tensor(x), _tensor(indices)
    last = axis % x.ndim
    order = [i for i in range(x.ndim) if i != last] + [last]
    back = [order.index(i) for i in range(x.ndim)]
    found = I.gather(A.transpose(x, order), A.transpose(places, order), batch_dims=x.ndim - 1)
    return A.transpose(found, back)


@operation
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, else x2."""
    if x1 is None:
        return I.boolean_mask(condition, condition)
    if is_number(x1) and is_number(x2):
        x1 = _tensor(x1)
    return P.where(_truth(_tensor(condition)), *_promoted(x1, x2))


@operation
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """No less than x_min and no more than x_max."""
    return P.clip_by_value(_tensor(x), x_min, x_max)


@operation
def get_item(x: Any, key: Any) -> Any:
    """x[key]."""
    return _tensor(x)[key]


# Tensors made.


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None) -> Any:
    """A tensor of Python or NumPy data."""
    made = _convert(x)
    return made if dtype is None else P.cast(made, dtype)


array = convert_to_tensor


def convert_to_numpy(x: Any) -> np.ndarray[Any, Any]:
    """The elements as a NumPy array."""
    return np.asarray(x)


@operation
def cast(x: Any, dtype: Any) -> Any:
    """The elements in another dtype."""
    return P.cast(_tensor(x), dtype)


def zeros(shape: Any, dtype: Any = "float32") -> Any:
    """Zeros."""
    return C.zeros(shape, dtype or "float32")


def ones(shape: Any, dtype: Any = "float32") -> Any:
    """Ones."""
    return C.ones(shape, dtype or "float32")


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One number everywhere."""
    return C.fill(shape, convert_to_tensor(fill_value, dtype or "float32"))


@operation
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of another tensor."""
    return C.zeros_like(_tensor(x), dtype)


@operation
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones in the shape of another tensor."""
    return C.ones_like(_tensor(x), dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """start, start + step, ... below stop."""
    made = C.range(0, start, step) if stop is None else C.range(start, stop, step)
    return made if dtype is None else P.cast(made, dtype)


def linspace(start: Any, stop: Any, num: int = 50) -> Any:
    """Numbers evenly from start to stop."""
    return C.linspace(float(start), float(stop), num)


def eye(N: int, M: int | None = None, dtype: Any = "float32") -> Any:
    """The identity."""
    return C.eye(N, M, dtype=dtypes.as_dtype(dtype or "float32"))


@operation
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Any:
    """A 1 at each class number, zeros beside it."""
    return C.one_hot(_tensor(x), num_classes, axis=axis, dtype=dtypes.as_dtype(dtype or "float32"))


# Products.


@operation
def matmul(x1: Any, x2: Any) -> Any:
    """Matrix products; vectors as NumPy has them."""
    x, y = _promoted(x1, x2)
    if x.ndim > 1 and y.ndim > 1:
        return M.matmul(x, y)
    if y.ndim == 1:
        return M.tensordot(x, y, 1)
    return A.squeeze(M.matmul(A.expand_dims(x, 0), y), -2)


@operation
def dot(x1: Any, x2: Any) -> Any:
    """Products summed over the last axis of x1 and the second to last of x2."""
    x, y = _promoted(x1, x2)
    if not x.ndim or not y.ndim:
        return P.multiply(x, y)
    return M.tensordot(x, y, [[x.ndim - 1], [y.ndim - 2 if y.ndim > 1 else 0]])


@operation
def einsum(subscripts: str, *operands: Any) -> Any:
    """Products summed as the subscripts say."""
    return M.einsum(subscripts, *map(_tensor, operands))


@operation
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Products summed over the axes given."""
    return M.tensordot(*_promoted(x1, x2), axes)


@operation
def outer(x1: Any, x2: Any) -> Any:
    """All products of two vectors' elements."""
    x, y = _promoted(x1, x2)
    return P.multiply(A.reshape(x, (-1, 1)), A.reshape(y, (1, -1)))


@operation
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The k largest of the last axis, and their places."""
    return I.top_k(_tensor(x), k)


# Losses.

binary_crossentropy = operation(L.binary_crossentropy)
categorical_crossentropy = operation(L.categorical_crossentropy)
sparse_categorical_crossentropy = operation(L.sparse_categorical_crossentropy)

# Control flow.


def cond(pred: Any, true_fn: Any, false_fn: Any) -> Any:
    """true_fn() where pred holds, else false_fn()."""
    return control_flow.cond(pred, true_fn, false_fn)


def while_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any = None) -> Any:
    """While cond(*loop_vars) holds: loop_vars = body(*loop_vars)."""
    return control_flow.while_loop(cond, body, loop_vars, maximum_iterations=maximum_iterations)


def fori_loop(lower: Any, upper: Any, body_fun: Any, init_val: Any) -> Any:
    """value = body_fun(i, value) for all i from lower below upper."""

    def turn(state: Any) -> Any:
        i, value = state
        return i + 1, nest.map_structure(_tensor, body_fun(i, value))

    start = (_convert(lower), nest.map_structure(_tensor, init_val))
    return staging.loop(lambda s: s[0] < upper, turn, start, ("the count", "the value"))[1]


def vectorized_map(function: Any, elements: Any) -> Any:
    """The function of each slice, stacked."""
    return control_flow.map_fn(function, elements)


def _reflected(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: function(other, self)


for _name, _of in {
    "add": add, "sub": subtract, "mul": multiply, "truediv": true_divide, "floordiv": floor_divide, "mod": mod,
    "pow": power, "matmul": matmul,
}.items():  # fmt: skip
    setattr(KerasTensor, f"__{_name}__", lambda self, other, of=_of: of(self, other))
    setattr(KerasTensor, f"__r{_name}__", _reflected(_of))
for _name, _of in {
    "lt": less, "le": less_equal, "gt": greater, "ge": greater_equal, "getitem": get_item,
}.items():  # fmt: skip
    setattr(KerasTensor, f"__{_name}__", lambda self, other, of=_of: of(self, other))
for _name, _of in {"neg": negative, "abs": absolute}.items():
    setattr(KerasTensor, f"__{_name}__", lambda self, of=_of: of(self))


__getattr__ = missing("keras.ops", globals())
