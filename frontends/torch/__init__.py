"""irc.torch: PyTorch's names over the recorder. `irc.torch` and this are one module."""

from irc.frontends.torch.pointwise import (
    abs,
    absolute,
    acos,
    add,
    addcdiv,
    addcmul,
    allclose,
    arctan,
    asin,
    atan,
    atan2,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    ceil,
    clamp,
    clamp_max,
    clamp_min,
    clip,
    clone,
    cos,
    cosh,
    div,
    divide,
    eq,
    equal,
    erf,
    exp,
    exp2,
    expm1,
    fix,
    floor,
    floor_divide,
    fmod,
    frac,
    ge,
    greater,
    greater_equal,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    left_shift,
    lerp,
    less,
    less_equal,
    log,
    log10,
    log1p,
    log2,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    logit,
    lt,
    masked_fill,
    maximum,
    minimum,
    mul,
    multiply,
    ne,
    neg,
    negative,
    not_equal,
    pow,
    reciprocal,
    remainder,
    right_shift,
    round,
    rsqrt,
    sgn,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    sub,
    subtract,
    tan,
    tanh,
    true_divide,
    trunc,
    where,
)
from irc.frontends.torch.creation import (
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    arange,
    as_tensor,
    asarray,
    bernoulli,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_tensor,
    linspace,
    logspace,
    multinomial,
    normal,
    numel,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from irc.frontends.torch.shaping import (
    atleast_1d,
    atleast_2d,
    broadcast_tensors,
    broadcast_to,
    cartesian_prod,
    cat,
    chunk,
    concat,
    concatenate,
    diag,
    diag_embed,
    diagonal,
    flatten,
    flip,
    fliplr,
    flipud,
    hstack,
    meshgrid,
    moveaxis,
    movedim,
    narrow,
    permute,
    ravel,
    repeat_interleave,
    reshape,
    roll,
    row_stack,
    select,
    split,
    squeeze,
    stack,
    swapaxes,
    swapdims,
    t,
    tensor_split,
    tile,
    transpose,
    tril,
    triu,
    unbind,
    unflatten,
    unsqueeze,
    vstack,
)
from irc.frontends.torch.reductions import (
    all,
    amax,
    amin,
    aminmax,
    any,
    argmax,
    argmin,
    count_nonzero,
    cumprod,
    cumsum,
    dist,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    norm,
    prod,
    softmax,
    std,
    std_mean,
    sum,
    trace,
    var,
    var_mean,
)
from irc.frontends.torch.products import (
    addmm,
    baddbmm,
    bmm,
    cdist,
    chain_matmul,
    dot,
    einsum,
    inner,
    matmul,
    mm,
    mv,
    outer,
)
from irc.frontends.torch.indexing import (
    argsort,
    bincount,
    gather,
    index_add,
    index_copy,
    index_fill,
    index_select,
    kthvalue,
    masked_select,
    median,
    nonzero,
    scatter,
    scatter_add,
    scatter_reduce,
    searchsorted,
    sort,
    take,
    take_along_dim,
    topk,
    unique,
)
from irc.frontends.torch.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
import math as _math
from typing import Any as _Any

from irc.frontends.compile import compile
from irc.frontends.errors import NotThere as _NotThere
from irc.frontends.errors import install_hook as _install_hook
from irc.frontends.recorder.storage import located as _located
from irc.frontends.torch import accelerator, autograd, backends, cuda, nn, optim, random, utils
from irc.frontends.torch.dtypes import (
    bfloat16,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from irc.frontends.torch.dtypes import bool_ as bool
from irc.frontends.torch.nn.functional import (
    conv1d,
    conv2d,
    cosine_similarity,
    dropout,
    layer_norm,
    max_pool2d,
    relu,
    relu_,
    selu,
)
from irc.frontends.torch.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from irc.frontends.torch.serialization import load, save
from irc.frontends.torch.size import Size, device
from irc.frontends.torch.tensor import Tensor

float, double, half = float32, float64, float16
short, int, long = int16, int32, int64
cfloat = complex64
pi, e, inf, nan = _math.pi, _math.e, _math.inf, _math.nan
newaxis = None
strided = "torch.strided"
contiguous_format = preserve_format = channels_last = None
__version__ = "2.13.0+irc"


def set_num_threads(n: _Any) -> None:
    """How many threads compute."""
    from irc.runtime.pool import set_num_threads as set_threads

    set_threads(n)


def get_num_threads() -> _Any:
    from irc.runtime.pool import get_num_threads as get_threads

    return get_threads()


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: float32 products are float32 here."""


def use_deterministic_algorithms(mode: _Any, **options: _Any) -> None:
    """Accepted: everything is deterministic here."""


def is_floating_point(input: _Any) -> _Any:
    return input.is_floating_point()


def result_type(a: _Any, b: _Any) -> _Any:
    """The dtype of an operation on both."""
    from irc.frontends.torch.pointwise import promoted

    return promoted(a, b)


class _DTypeInfo:
    """torch.finfo and torch.iinfo."""

    def __init__(self, type: _Any = float32) -> None:
        from ml_dtypes import finfo as _finfo
        from ml_dtypes import iinfo as _iinfo

        found = (_finfo if type.is_floating_point else _iinfo)(type.numpy)
        self.bits = type.itemsize * 8
        self.min, self.max = found.min.__index__() if hasattr(found.min, "__index__") else found.min, found.max
        if type.is_floating_point:
            self.min, self.max = map(_number, (found.min, found.max))
            self.eps, self.tiny = _number(found.eps), _number(found.tiny)
            self.smallest_normal, self.resolution = self.tiny, _number(found.resolution)


def _number(value: _Any) -> _Any:
    return value.item() if hasattr(value, "item") else value


finfo = iinfo = _DTypeInfo


def __getattr__(name: str) -> _Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise _located(
        _NotThere(f"torch.{name} is not there", notes=("irc.torch has the part of PyTorch that is listed in its tests",))
    )


_install_hook()
