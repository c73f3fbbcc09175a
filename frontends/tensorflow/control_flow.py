"""tf.cond, tf.while_loop, tf.map_fn, tf.TensorArray: control flow that is part of the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from irc.frontends.autograph import convert, staging
from irc.frontends.autograph.operators import and_
from irc.frontends.control import scan as record_scan
from irc.frontends.errors import RecordTypeError, RecordValueError, TraceError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes, nest
from irc.frontends.tensorflow.array_ops import reverse
from irc.frontends.tensorflow.creation import zeros
from irc.frontends.tensorflow.indexing import gather, getitem, tensor_scatter_nd_update
from irc.frontends.tensorflow.recording import history_kept
from irc.frontends.tensorflow.shape import TensorShape
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """`true_fn()` where pred holds, else `false_fn()`; both give tensors of one structure."""
    if not callable(true_fn) or not callable(false_fn):
        raise located(RecordTypeError("'true_fn' and 'false_fn' must be callable."))
    taken, other = convert(true_fn), convert(false_fn)
    if not staging.is_symbolic(pred):
        return (taken if bool(pred) else other)()
    return staging.branch(pred, lambda: (taken(),), lambda: (other(),), ("the result",))[0]


def case(
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: Any = None
) -> Any:
    """The first function whose predicate holds, else the default."""
    (pred, function), *rest = pred_fn_pairs
    if not rest:
        return function() if default is None else cond(pred, function, default)
    return cond(pred, function, lambda: case(rest, default))


def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str | None = None) -> Any:
    """The function of a number; the last one (or the default) for a number that none has."""
    pairs = list(branch_fns.items()) if isinstance(branch_fns, dict) else list(enumerate(branch_fns))
    index = convert_to_tensor(branch_index)
    last = pairs[-1][1] if default is None else default
    return case([(index == i, f) for i, f in pairs], last)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, shape_invariants: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False, maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """While `cond(*loop_vars)` holds: loop_vars = `body(*loop_vars)`."""
    test, step = convert(cond), convert(body)
    start = tuple(nest.map_structure(_as_tensor, v) for v in loop_vars)
    limit = None if maximum_iterations is None else convert_to_tensor(maximum_iterations, dtypes.int32)

    def going(state: tuple[Any, ...]) -> Any:
        count, *values = state
        more = test(*values)
        return more if limit is None else and_(lambda: count < limit, lambda: more)

    def turn(state: tuple[Any, ...]) -> tuple[Any, ...]:
        count, *values = state
        made = step(*values)
        made = tuple(made) if isinstance(made, (list, tuple)) and len(start) != 1 else _single(made)
        return (count + 1, *made)

    names = ("the count", *(f"loop variable {i}" for i in range(len(start))))
    made = staging.loop(going, turn, (convert_to_tensor(0), *start), names)[1:]
    return made[0] if len(made) == 1 and not isinstance(loop_vars, (list, tuple)) else type(loop_vars)(made)


def _single(made: Any) -> tuple[Any, ...]:
    return tuple(made) if isinstance(made, (list, tuple)) and len(made) == 1 else (made,)


def _as_tensor(value: Any) -> Any:
    return value if isinstance(value, TensorArray) else convert_to_tensor(value)


def map_fn(
    fn: Callable[..., Any], elems: Any, dtype: Any = None, parallel_iterations: Any = None, back_prop: Any = None,
    swap_memory: bool = False, infer_shape: bool = True, name: str | None = None, fn_output_signature: Any = None,
) -> Any:  # fmt: skip
    """The function of each slice along the first dimension, stacked."""
    function = convert(fn)
    rows = nest.map_structure(convert_to_tensor, elems)
    with history_kept():
        _, made = record_scan(lambda carry, row: (carry, _tensors(function(row))), (), rows)
    return made


vectorized_map = map_fn


def _tensors(value: Any) -> Any:
    return nest.map_structure(convert_to_tensor, value)


def scan(
    fn: Callable[..., Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """accumulator = fn(accumulator, element) along the first dimension: all accumulators."""
    function = convert(fn)
    rows = nest.map_structure(convert_to_tensor, elems)
    if initializer is None:
        raise located(RecordValueError("tf.scan without `initializer` is not there", notes=("give one",)))
    start = nest.map_structure(convert_to_tensor, initializer)

    def step(carry: Any, row: Any) -> Any:
        made = _tensors(function(carry, row))
        return made, made

    with history_kept():
        return record_scan(step, start, rows, reverse=reverse)[1]


def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None, **options: Any) -> Any:
    """The last accumulator of a scan."""
    function = convert(fn)
    rows = nest.map_structure(convert_to_tensor, elems)
    if initializer is None:
        raise located(RecordValueError("tf.foldl without `initializer` is not there", notes=("give one",)))
    start = nest.map_structure(convert_to_tensor, initializer)
    with history_kept():
        return record_scan(lambda c, row: (_tensors(function(c, row)), None), start, rows)[0]


def foldr(fn: Callable[..., Any], elems: Any, initializer: Any = None, **options: Any) -> Any:
    """foldl from the end."""
    rows = nest.map_structure(lambda e: reverse(convert_to_tensor(e), [0]), elems)
    return foldl(fn, rows, initializer)


class _Cells(NamedTuple):
    """What a TensorArray holds: a stack of elements, and what it was made with."""

    stacked: Any
    size: int
    dtype: Any


class TensorArray(_Cells):
    """Elements of one shape, written and read by number; each write gives a new one. The size is fixed."""

    __slots__ = ()

    def __new__(
        cls, dtype: Any = None, size: Any = None, dynamic_size: Any = None, clear_after_read: Any = None,
        tensor_array_name: Any = None, handle: Any = None, flow: Any = None, infer_shape: bool = True,
        element_shape: Any = None, colocate_with_first_write_call: bool = True, name: Any = None,
    ) -> TensorArray:  # fmt: skip
        if isinstance(dtype, TensorBase) or (dtype is None and size is None):
            # Put together again from its parts.
            return super().__new__(cls, dtype, size, dynamic_size)
        d = dtypes.as_dtype(dtype)
        n = int(size or 0)
        if not n:
            raise located(
                RecordValueError(
                    "a TensorArray has a fixed size here", notes=("write tf.TensorArray(dtype, size=n)",)
                )
            )
        stacked = None if element_shape is None else zeros((n, *TensorShape(element_shape)), d)
        return super().__new__(cls, stacked, n, d)

    @property
    def element_shape(self) -> TensorShape:
        """The shape that its elements have."""
        return TensorShape(None) if self.stacked is None else self.stacked.shape[1:]

    def write(self, index: Any, value: Any, name: Any = None) -> TensorArray:
        """With an element replaced."""
        new = convert_to_tensor(value, dtype_hint=self.dtype)
        if new.dtype is not self.dtype:
            raise located(
                RecordTypeError(f"TensorArray dtype is {self.dtype.name} but the value's is {new.dtype.name}")
            )
        before = self.stacked
        if before is None:
            if recorder.graph.tracing and staging.is_symbolic(index):
                raise located(
                    TraceError(
                        "a TensorArray that a loop writes to needs the shape of its elements before the loop",
                        notes=(
                            f"write tf.TensorArray(tf.{self.dtype.name}, size=n, element_shape={list(new.shape)})",
                        ),
                    )
                )
            before = zeros((self.size, *new.shape), self.dtype)
        where = convert_to_tensor(index)
        made = tensor_scatter_nd_update(before, where[None, None], new[None])
        return _Cells.__new__(TensorArray, made, self.size, self.dtype)

    def read(self, index: Any, name: Any = None) -> Tensor:
        """The element at an index, which may be a tensor."""
        return (gather if isinstance(index, TensorBase) else getitem)(self._all(), index)

    def stack(self, name: Any = None) -> Tensor:
        """All elements, stacked."""
        return self._all()

    concat = stack

    def unstack(self, value: Any, name: Any = None) -> TensorArray:
        """With the slices of a tensor as elements."""
        given = convert_to_tensor(value)
        return _Cells.__new__(TensorArray, given, given.shape[0], given.dtype)

    def gather(self, indices: Any, name: Any = None) -> Tensor:
        """The elements at the indices, stacked."""
        return gather(self._all(), indices)

    def _all(self) -> Tensor:
        if self.stacked is None:
            raise located(RecordValueError("nothing has been written to this TensorArray"))
        return self.stacked


def group(*inputs: Any, **kwargs: Any) -> None:
    """Accepted: operations happen in program order."""


def no_op(name: str | None = None) -> None:
    """Nothing."""


def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Any = (),
    Tout: Any = None,
    stateful: bool = True,
    name: Any = None,
) -> Any:
    """A Python function of NumPy arrays, called at once; a traced function cannot hold one."""
    assert func is not None
    for value in inp:
        if staging.is_symbolic(value):
            raise located(
                TraceError(
                    "a Python function (numpy_function, py_function) cannot be part of a compiled program",
                    notes=(
                        "call it outside of the traced function; in a dataset, make the elements with from_generator",
                    ),
                )
            )
    made = func(*(convert_to_tensor(v).numpy() for v in inp))
    if isinstance(Tout, (list, tuple)):
        return [convert_to_tensor(m, d) for m, d in zip(made, Tout, strict=True)]
    return convert_to_tensor(made, Tout)


def py_function(
    func: Callable[..., Any] | None = None, inp: Any = (), Tout: Any = None, name: Any = None
) -> Any:
    """As numpy_function, of eager tensors."""
    assert func is not None

    def call(*arrays: Any) -> Any:
        made = func(*(convert_to_tensor(a) for a in arrays))
        return (
            [m.numpy() if isinstance(m, TensorBase) else m for m in made]
            if isinstance(made, (list, tuple))
            else (made.numpy() if isinstance(made, TensorBase) else made)
        )

    return numpy_function(call, inp, Tout)
