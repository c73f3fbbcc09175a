"""Making tensors: from data, filled, counted, random."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordError, RecordTypeError, RecordValueError, TraceError
from irc.frontends.lowering import creation as C
from irc.frontends.recorder.graph import constant, moved, recorder
from irc.frontends.recorder.places import HOME
from irc.frontends.recorder.random import draw, host_generator
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.dtypes import dtype, of_number
from irc.frontends.torch.pointwise import is_number, literal, to_dtype
from irc.frontends.torch.size import device, place_of_device, placed, placed_like
from irc.frontends.torch.tensor import Tensor, emit, method, wrap
from irc.frontends.torch.writing import into, write
from irc.ir.types import TensorType, element_of, i64


def from_array(array: np.ndarray[Any, Any], requires_grad: bool = False) -> Tensor:
    """A tensor around an array that is its own from now on."""
    try:
        element = element_of(array.dtype)
    except KeyError:
        raise located(
            RecordTypeError(f"can't convert np.ndarray of type numpy.{array.dtype} to a tensor")
        ) from None
    made = wrap(constant(np.asarray(array, order="C"), TensorType(tuple(array.shape), element)))
    return made.requires_grad_(True) if requires_grad else made


@placed
def tensor(
    data: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with a copy of the data. Python ints become int64, Python floats the default dtype."""
    if isinstance(data, Tensor):
        made = to_dtype(data.detach().clone(), dtype or data.dtype)
        made = at_place(made, data._read().place if device is None else recorder.making)
        return made.requires_grad_(True) if requires_grad else made
    if dtype is not None and is_number(data) and not isinstance(data, np.generic):
        return from_array(np.array(data).astype(dtype.numpy), requires_grad)
    return from_array(_array_of(data, dtype), requires_grad)


def _array_of(data: Any, wanted: dtype | None) -> np.ndarray[Any, Any]:
    if isinstance(data, np.ndarray):
        return np.array(data, None if wanted is None else wanted.numpy)
    found = _contains_tensor(data)
    if found:
        data = _plain(data)
    try:
        array = np.array(data)
    except ValueError as error:
        raise located(RecordValueError(f"expected a rectangular nesting of numbers: {error}")) from None
    if array.dtype == object or array.dtype.kind in "US":
        raise located(RecordTypeError(f"could not infer dtype of {_leaf_kind(data)}"))
    if wanted is not None:
        return array.astype(wanted.numpy)
    if array.size == 0 and array.dtype.kind == "f":
        return array.astype(dtypes.default.floating.numpy)
    if array.dtype.kind == "f" and not isinstance(_first(data), np.floating):
        return array.astype(dtypes.default.floating.numpy)
    if array.dtype.kind in "iu" and not isinstance(_first(data), np.integer):
        return array.astype(np.int64)
    if array.dtype.kind == "c":
        return array.astype(np.complex64)
    return array


def _contains_tensor(data: Any) -> bool:
    first = _first(data)
    return isinstance(first, Tensor)


def _first(data: Any) -> Any:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data


def _leaf_kind(data: Any) -> str:
    return type(_first(data)).__name__


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.tolist()
    return [_plain(x) for x in data] if isinstance(data, (list, tuple)) else data


@placed
def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """The tensor itself where it already is one of this dtype, else a copy."""
    if isinstance(data, Tensor):
        made = data if device is None else at_place(data, recorder.making)
        return made if dtype is None else to_dtype(made, dtype)
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor with a copy of the array: later writes to the array are not seen (PyTorch shares the memory)."""
    if not isinstance(ndarray, np.ndarray):
        raise located(RecordTypeError(f"expected np.ndarray (got {type(ndarray).__name__})"))
    return from_array(np.array(ndarray))


def extents(size: Sequence[Any], name: str) -> tuple[int, ...]:
    """The shape given as `f(2, 3)` or `f((2, 3))`."""
    given = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    out = []
    for n in given:
        if isinstance(n, Tensor):
            n = int(n)
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
            raise located(
                RecordTypeError(
                    f"{name}(): argument 'size' must be tuple of ints, but found element of type {_kind(n)}"
                )
            )
        if n < 0:
            raise located(RecordError(f"Trying to create tensor with negative dimension {n}: {list(given)}"))
        out.append(int(n))
    return tuple(out)


def _kind(value: Any) -> str:
    return type(value).__name__


def filled(shape: tuple[int, ...], value: Any, d: dtype, requires_grad: bool = False) -> Tensor:
    """A tensor of one value and dtype."""
    made = emit(C.filled, (literal(value, d),), shape)
    return made.requires_grad_(True) if requires_grad else made


def _filling(name: str, value: Any) -> Any:
    @placed
    def run(
        *size: Any,
        out: Tensor | None = None,
        dtype: dtype | None = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        made = filled(extents(size, name), value, dtype or dtypes.default.floating, requires_grad)
        return made if out is None else into(out, made)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(*size, dtype=None): a tensor filled with {value}."
    return run


zeros, ones = _filling("zeros", 0), _filling("ones", 1)
empty = _filling("empty", 0)


@placed
def full(
    size: Sequence[int], fill_value: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False,
    layout: Any = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A tensor filled with one value; the dtype is the value's by default."""
    shape = extents([size] if isinstance(size, (tuple, list)) else size, "full")
    if isinstance(fill_value, Tensor):
        made = emit(C.filled, (to_dtype(fill_value, dtype or fill_value.dtype),), shape)
    else:
        made = filled(shape, fill_value, dtype or of_number(fill_value))
    return made.requires_grad_(True) if requires_grad else made


def _like(name: str, value: Any) -> Any:
    @placed_like
    def run(
        input: Tensor, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False,
        layout: Any = None, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        return filled(tuple(input.shape), value, dtype or input.dtype, requires_grad)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input): of the input's shape and dtype, filled with {value}."
    return run


zeros_like, ones_like, empty_like = _like("zeros_like", 0), _like("ones_like", 1), _like("empty_like", 0)


@placed_like
def full_like(input: Tensor, fill_value: Any, *, dtype: dtype | None = None, **ignored: Any) -> Tensor:
    return filled(tuple(input.shape), fill_value, dtype or input.dtype)


@placed
def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: dtype | None = None, device: Any = None,
    requires_grad: bool = False, out: Tensor | None = None, layout: Any = None,
) -> Tensor:  # fmt: skip
    """start, start + step, ... up to `end`, which is left out."""
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if isinstance(x, Tensor) else x for x in (start, end, step))
    if step == 0:
        raise located(RecordError("step must be nonzero"))
    if (end - start) / step < 0:
        raise located(RecordError("upper bound and lower bound inconsistent with step sign"))
    integral = all(isinstance(x, (int, np.integer)) for x in (start, end, step))
    d = dtype or (dtypes.int64 if integral else dtypes.default.floating)
    count = max(0, math.ceil((end - start) / step))
    made = emit(C.count, (), count, start, step, d.element)
    return made.requires_grad_(True) if requires_grad else made


def range_(start: Any, end: Any, step: Any = 1) -> Tensor:
    return arange(start, end + step, step)


@placed
def linspace(
    start: Any, end: Any, steps: int, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """`steps` numbers from start to end, both included."""
    d = dtype or dtypes.default.floating
    low, high = float(start), float(end)
    made = from_array(np.linspace(low, high, steps, dtype=np.float64).astype(d.numpy))
    return made.requires_grad_(True) if requires_grad else made


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *, dtype: dtype | None = None
) -> Tensor:
    """`steps` numbers from base^start to base^end, their logarithms evenly spaced."""
    d = dtype or dtypes.default.floating
    return from_array(np.logspace(float(start), float(end), steps, base=base).astype(d.numpy))


@placed
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    made = emit(C.identity_matrix, (), n, n if m is None else m, (dtype or dtypes.default.floating).element)
    return made.requires_grad_(True) if requires_grad else made


def _random(name: str, distribution: str) -> Any:
    @placed
    def run(
        *size: Any,
        generator: Any = None,
        out: Tensor | None = None,
        dtype: dtype | None = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> Tensor:
        d = dtype or dtypes.default.floating
        made = wrap(draw(distribution, extents(size, name), d.element))
        made = made if out is None else into(out, made)
        return made.requires_grad_(True) if requires_grad else made

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(*size): random numbers, {distribution}."
    return run


rand, randn = _random("rand", "uniform"), _random("randn", "normal")


@placed_like
def rand_like(input: Tensor, *, dtype: dtype | None = None, **ignored: Any) -> Tensor:
    return rand(tuple(input.shape), dtype=dtype or input.dtype)


@placed_like
def randn_like(input: Tensor, *, dtype: dtype | None = None, **ignored: Any) -> Tensor:
    return randn(tuple(input.shape), dtype=dtype or input.dtype)


@placed
def randint(
    low: int, high: Any = None, size: Any = None, *, dtype: dtype | None = None, generator: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Random integers from `low` (0) up to `high`, which is left out."""
    if size is None:
        low, high, size = 0, low, high
    if high <= low:
        raise located(
            RecordError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        )
    d = dtype or dtypes.int64
    value = draw("integer", extents((tuple(size),), "randint"), i64, (int(low), int(high)))
    return to_dtype(wrap(value), d)


@placed_like
def randint_like(input: Tensor, low: int, high: int | None = None, *, dtype: dtype | None = None) -> Tensor:
    """Random integers from `low` up to `high`, of the input's shape."""
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, tuple(input.shape), dtype=dtype or input.dtype)


@placed
def randperm(n: int, *, generator: Any = None, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """A random order of 0 ... n - 1."""
    if recorder.graph.tracing:
        raise located(
            TraceError(
                "torch.randperm inside a compiled function would be the same order at every call",
                notes=("draw it outside and pass it in",),
            )
        )
    order = host_generator(generator).permutation(n).astype((dtype or dtypes.int64).numpy)
    return from_array(order)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, **options: Any
) -> Tensor:
    """Normal random numbers; `mean` and `std` are numbers (then `size` is needed) or tensors."""
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        shape = (mean if isinstance(mean, Tensor) else std).shape
        return randn(tuple(shape)) * std + mean
    return randn(tuple(size if size is not None else ()), **options) * std + mean


@placed_like
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None) -> Tensor:
    """1 with probability `input` (or `p`), else 0."""
    chance = input if p is None else p
    return to_dtype(rand(tuple(input.shape), dtype=input.dtype) < chance, input.dtype)


@placed_like
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None
) -> Tensor:
    """Indices drawn with the weights of each row; looks at the weights."""
    weights = np.asarray(input._look("multinomial()"), np.float64)
    rows = weights.reshape(-1, weights.shape[-1])
    draws = [host_generator(generator).choice(r.size, num_samples, replacement, r / r.sum()) for r in rows]
    return from_array(np.array(draws, np.int64).reshape((*weights.shape[:-1], num_samples)))


def scalar_tensor(value: Any, *, dtype: dtype | None = None) -> Tensor:
    return tensor(value, dtype=dtype)


def complex_(real: Tensor, imag: Tensor) -> Tensor:
    return emit(C.complex_of, (real, imag))


# Methods.


@method("new_zeros")
@placed_like
def new_zeros(self: Tensor, *size: Any, dtype: dtype | None = None, **options: Any) -> Tensor:
    return zeros(*size, dtype=dtype or self.dtype, **options)


@method("new_ones")
@placed_like
def new_ones(self: Tensor, *size: Any, dtype: dtype | None = None, **options: Any) -> Tensor:
    return ones(*size, dtype=dtype or self.dtype, **options)


@method("new_empty")
@placed_like
def new_empty(self: Tensor, *size: Any, dtype: dtype | None = None, **options: Any) -> Tensor:
    return zeros(*size, dtype=dtype or self.dtype, **options)


@method("new_full")
@placed_like
def new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: dtype | None = None, **options: Any
) -> Tensor:
    return full(size, fill_value, dtype=dtype or self.dtype, **options)


@method("new_tensor")
@placed_like
def new_tensor(self: Tensor, data: Any, *, dtype: dtype | None = None, **options: Any) -> Tensor:
    return tensor(data, dtype=dtype or self.dtype, **options)


def _replace(self: Tensor, value: Any) -> Tensor:
    return write(self, value)


@method("normal_")
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fills with normal random numbers."""
    return _replace(self, randn(tuple(self.shape), dtype=self.dtype) * std + mean)


@method("uniform_")
def uniform_(self: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Any = None, **other: Any) -> Tensor:
    """Fills with random numbers between two bounds."""
    low, high = other.get("from", a), other.get("to", b)
    return _replace(self, rand(tuple(self.shape), dtype=self.dtype) * (high - low) + low)


@method("random_")
def random_(self: Tensor, a: int = 0, b: int | None = None) -> Tensor:
    """Fills with random integers from `a` up to `b` (with one argument: from 0 up to it)."""
    low, high = (0, a) if b is None else (a, b)
    high = high or 2**24
    return _replace(self, to_dtype(randint(low, high, tuple(self.shape)), self.dtype))


@method("bernoulli_")
def bernoulli_(self: Tensor, p: float = 0.5) -> Tensor:
    return _replace(self, to_dtype(rand(tuple(self.shape)) < p, self.dtype))


@method("exponential_")
def exponential_(self: Tensor, lambd: float = 1.0) -> Tensor:
    draws = rand(tuple(self.shape), dtype=self.dtype)
    return _replace(self, -(1 - draws).log() / lambd)


@method("to")
def to(self: Tensor, *args: Any, **options: Any) -> Tensor:
    """`.to(dtype)`, `.to(device)`, `.to(other)`: the tensor itself where nothing changes."""
    wanted = options.get("dtype")
    where = options.get("device")
    for given in args:
        if isinstance(given, dtype):
            wanted = given
        elif isinstance(given, Tensor):
            wanted, where = given.dtype, given.device
        elif isinstance(given, (device, str)):
            where = given
    made = self if where is None else at_place(self, place_of_device(where))
    if wanted is not None and wanted is not self.dtype:
        return to_dtype(made, wanted)
    return made.clone() if options.get("copy") and made is self else made


def at_place(tensor: Tensor, place: str) -> Tensor:
    """The tensor at a place: itself where it is there."""
    value = tensor._read()
    return tensor if value.place == place else wrap(moved(value, place))


def _cast(name: str, d: dtype) -> None:
    def run(self: Tensor, *, memory_format: Any = None) -> Tensor:
        return to_dtype(self, d)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"The elements as {d}."
    setattr(Tensor, name, run)


for _name, _dtype in {
    "float": dtypes.float32, "double": dtypes.float64, "half": dtypes.float16, "bfloat16": dtypes.bfloat16,
    "int": dtypes.int32, "long": dtypes.int64, "short": dtypes.int16, "char": dtypes.int8, "byte": dtypes.uint8,
    "bool": dtypes.bool_,
}.items():  # fmt: skip
    _cast(_name, _dtype)


@method("cpu")
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    return at_place(self, HOME)


@method("cuda")
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    return at_place(self, place_of_device("cuda" if device is None else device))


@method("pin_memory")
def pin_memory(self: Tensor) -> Tensor:
    return self


@method("type")
def type_(self: Tensor, wanted: Any = None) -> Any:
    """The name of the tensor's type, or the tensor converted."""
    names = {"Float": "FloatTensor", "Double": "DoubleTensor", "Long": "LongTensor"}
    if wanted is None:
        word = dtypes.SCALAR_TYPE_NAMES[self.dtype]
        return f"torch.{names.get(word, word + 'Tensor')}"
    if isinstance(wanted, dtype):
        return to_dtype(self, wanted)
    name = wanted if isinstance(wanted, str) else wanted.__name__
    return to_dtype(self, LEGACY[name.rpartition(".")[2]])


LEGACY = {
    "FloatTensor": dtypes.float32, "DoubleTensor": dtypes.float64, "HalfTensor": dtypes.float16,
    "LongTensor": dtypes.int64, "IntTensor": dtypes.int32, "ShortTensor": dtypes.int16, "ByteTensor": dtypes.uint8,
    "CharTensor": dtypes.int8, "BoolTensor": dtypes.bool_,
}  # fmt: skip


def _legacy(name: str, d: dtype) -> Any:
    def run(*data: Any) -> Tensor:
        if data and all(isinstance(n, int) for n in data):
            return zeros(*data, dtype=d)
        return tensor(data[0] if data else [], dtype=d)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"PyTorch's old constructor of {d} tensors."
    return run


(
    FloatTensor,
    DoubleTensor,
    HalfTensor,
    LongTensor,
    IntTensor,
    ShortTensor,
    ByteTensor,
    CharTensor,
    BoolTensor,
) = (_legacy(name, d) for name, d in LEGACY.items())


@method("type_as")
def type_as(self: Tensor, other: Tensor) -> Tensor:
    return to_dtype(self, other.dtype)


def is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def numel(input: Tensor) -> int:
    return input.numel()
