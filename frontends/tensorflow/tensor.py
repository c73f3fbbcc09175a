"""tf.Tensor: an eager tensor is a recorded value. Operators are registered by the families beside this file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from irc.errors import IrcError, VerifyError
from irc.frontends.autograph import staging
from irc.frontends.errors import RecordTypeError, RecordValueError, ShapeError
from irc.frontends.lowering import shape as L
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import chain_to_input, constant, recorder
from irc.frontends.recorder.segment import out_of_scope
from irc.frontends.recorder.storage import Handle, located
from irc.frontends.recorder.template import Lowering
from irc.frontends.recorder.value import Literal, Operand, Recorded
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.dtypes import DType, of_element
from irc.frontends.tensorflow.errors import InvalidArgumentError, NoValueError, OperatorNotAllowedInGraphError
from irc.frontends.tensorflow.placement import name_of
from irc.frontends.tensorflow.recording import history_kept, record
from irc.frontends.tensorflow.shape import TensorShape
from irc.ir.types import TensorType

F = TypeVar("F", bound=Callable[..., Any])


class TensorBase(Handle):
    """What tensors and variables have in common."""

    __array_priority__ = 100
    _result_kind: Any = None
    """What operations on it give."""
    _name: str | None = None
    _apply_layer: Any = None
    """For tensors of graphs: what calls a Keras layer on them."""

    if TYPE_CHECKING:
        # Registered by the families.
        def __add__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: Any) -> Any: ...
        def __ne__(self, other: Any) -> Any: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...

    # What it is.

    @property
    def shape(self) -> TensorShape:
        """The extents, as a TensorShape."""
        return TensorShape(self._read().type.shape)

    def get_shape(self) -> TensorShape:
        """The extents, as a TensorShape."""
        return self.shape

    @property
    def dtype(self) -> DType:
        """The elements' dtype."""
        return of_element(self._read().type.element)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._read().type.rank

    @property
    def device(self) -> str:
        """Where it is, as TensorFlow names it."""
        return name_of(self._read().place)

    @property
    def name(self) -> str | None:
        """The name of a variable or of a tensor of a graph; None of others."""
        return self._name

    @property
    def is_known(self) -> bool:
        """Whether its value can be looked at here: not while a function is traced, unless it was computed before."""
        return self._read().array is not None or not recorder.graph.tracing

    def set_shape(self, shape: Any) -> None:
        """Checks that the shape is as told."""
        self.shape.assert_is_compatible_with(shape)

    def ref(self) -> Reference:
        """A key for sets and dicts."""
        return Reference(self)

    def __hash__(self) -> int:
        kind = "Variable" if type(self).__name__ == "Variable" else "Tensor"
        raise located(RecordTypeError(f"{kind} is unhashable. Instead, use {kind.lower()}.ref() as the key."))

    @staticmethod
    def _mode() -> Any:
        """How operations are recorded here: with history where a tape records."""
        return history_kept()

    # Looking at it: this is where a segment is computed.

    def _look(self, what: str) -> Any:
        """The array of now; a traced function has none."""
        value = self._read()
        if value.array is None and recorder.graph.tracing:
            known = recorder.graph.known(value)
            if known is not None:
                return known
            raise located(
                OperatorNotAllowedInGraphError(
                    f"{what} needs the value of a symbolic `tf.Tensor`, which a traced function does not have",
                    notes=(chain_to_input(value), *_ADVICE),
                )
            )
        return super()._look(what)

    def numpy(self) -> Any:
        """A copy of the elements as a NumPy array; a NumPy number where there are no dimensions."""
        try:
            array = np.array(self._look("numpy()"))
        except OperatorNotAllowedInGraphError as error:
            raise NoValueError(error.message, span=error.span, notes=error.notes) from None
        return array if array.ndim else array[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = np.array(self._look("a conversion to a NumPy array"))
        return array if dtype is None else array.astype(dtype)

    def _only(self, what: str) -> Any:
        array = self._look(what)
        if array.size != 1:
            raise located(RecordTypeError("Only length-1 arrays can be converted to Python scalars"))
        return array.reshape(()).item()

    def __float__(self) -> float:
        return float(self._only("float()"))

    def __int__(self) -> int:
        return int(self._only("int()"))

    def __complex__(self) -> complex:
        return complex(self._only("complex()"))

    def __index__(self) -> int:
        if not self.dtype.is_integer or self.ndim:
            raise located(RecordTypeError("only integer scalar tensors can be converted to a scalar index"))
        return int(self._only("use as an index or extent"))

    def __bool__(self) -> bool:
        array = self._look("a branch on it (`if`, `while`, `and`, bool())")
        if array.size != 1:
            raise located(
                RecordValueError(
                    "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()",
                    notes=("write tf.reduce_any(x) or tf.reduce_all(x)",),
                )
            )
        return bool(array.reshape(()).item())

    def __len__(self) -> int:
        if not self.ndim:
            raise located(RecordTypeError("Scalar tensor has no `len()`"))
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise located(RecordTypeError("Cannot iterate over a scalar tensor."))
        return iter([self[i] for i in range(len(self))])

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec) if self.ndim == 0 and spec else str(self)

    def __reduce__(self) -> Any:
        return _rebuild, (np.array(self._look("pickling")),)


_ADVICE = (
    "in a function that tf.function traces, `if`, `while` and `for i in tf.range(...)` on tensors become part of the program",
    "for a choice between values write tf.where(condition, a, b) or tf.cond(pred, true_fn, false_fn)",
    "or look at the value outside the traced function; tf.print shows it from inside",
)


class Tensor(TensorBase):
    """A multi-dimensional array of one dtype that does not change, recorded as it is computed."""

    def __init__(self, value: Any, dtype: Any = None) -> None:
        self._hold(convert_to_tensor(value, dtype)._read().alias())

    def __repr__(self) -> str:
        if not self.is_known:
            return f"<tf.Tensor shape={self.shape}, dtype={self.dtype.name}, being traced>"
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={shown(self)}>"

    def __str__(self) -> str:
        if not self.is_known:
            return f'Tensor("{self._name or "Tensor"}:0", shape={self.shape}, dtype={self.dtype.name})'
        return f"tf.Tensor({self._look('print()')!s}, shape={self.shape}, dtype={self.dtype.name})"

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self


EagerTensor = Tensor
TensorBase._result_kind = Tensor
staging.default_kind.append(Tensor)


def shown(tensor: TensorBase) -> str:
    """The elements as NumPy's repr."""
    array = tensor._look("print()")
    return repr(array) if array.ndim else str(array[()])


class Reference:
    """What `tensor.ref()` gives: equal for one tensor, and hashable."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def deref(self) -> Any:
        """The tensor."""
        return self._tensor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other._tensor is self._tensor

    def __hash__(self) -> int:
        return id(self._tensor)


def _rebuild(array: np.ndarray[Any, Any]) -> Tensor:
    return from_array(array)


def wrap(value: Recorded) -> Tensor:
    """A new tensor around a recorded value."""
    made = Tensor.__new__(Tensor)
    made._hold(value)
    return made


def from_array(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor around an array that is its own from now on."""
    try:
        d = dtypes.of_numpy(array.dtype)
    except (KeyError, TypeError):
        raise located(
            RecordValueError(
                f"Failed to convert a NumPy array to a Tensor (Unsupported object type {array.dtype})."
            )
        ) from None
    return wrap(constant(np.asarray(array, order="C"), TensorType(tuple(array.shape), d.element)))


def emit(lower: Lowering, operands: Sequence[TensorBase | Operand], *statics: Any, op: str = "") -> Tensor:
    """Records an operation with one result. `op` is TensorFlow's name of it, for errors."""
    return emit_all(lower, operands, *statics, op=op)[0]


def emit_all(
    lower: Lowering, operands: Sequence[TensorBase | Operand], *statics: Any, op: str = ""
) -> list[Tensor]:
    """Records an operation; a tensor for each of its results."""
    if recorder.graph.is_full:
        flush()
    values = [o if isinstance(o, (Recorded, Literal)) else o._read() for o in operands]
    if not recorder.graph.tracing:
        for v in values:
            if type(v) is Recorded and v.is_lost:
                raise located(out_of_scope())
    try:
        return [wrap(r) for r in record(lower, values, statics)]
    except (ShapeError, VerifyError) as error:
        raise _invalid(error, values, op) from None


def _invalid(error: IrcError, values: Sequence[Operand], op: str) -> InvalidArgumentError:
    """An error of a lowering as TensorFlow words it."""
    shapes = " vs. ".join(f"[{','.join(map(str, v.type.shape))}]" for v in values)
    text = f"Incompatible shapes: {shapes}" if isinstance(error, ShapeError) else error.message
    made = InvalidArgumentError(f"{text} [Op:{op}]" if op else text, span=error.span, notes=error.notes)
    return located(made)


def cut(tensor: TensorBase) -> Recorded:
    """The tensor's value outside the gradient."""
    value = tensor._read()
    return value.alias() if value.requires_grad else value


def is_number(value: Any) -> bool:
    """Whether it is a Python or NumPy number."""
    return isinstance(value, (bool, int, float, complex, np.generic))


def literal(value: Any, d: DType) -> Literal:
    """A Python number as an operand of this dtype."""
    return Literal(value.item() if isinstance(value, np.generic) else value, TensorType((), d.element))


def fits(value: Any, d: DType) -> bool:
    """Whether a Python number can become a tensor of the dtype without changing its kind."""
    if isinstance(value, (bool, np.bool_)):
        return d.is_bool
    if isinstance(value, (int, np.integer)):
        return not d.is_bool and not (d.is_unsigned and value < 0)
    if isinstance(value, (float, np.floating)):
        return d.is_floating or d.is_complex
    return d.is_complex


def operand(value: Any, d: DType) -> Any:
    """The other operand of an operation on a tensor of dtype `d`: a tensor, or a number of that dtype."""
    if isinstance(value, TensorBase):
        return value
    if is_number(value):
        if fits(value, d):
            return literal(value, d)
        if not isinstance(value, np.generic):
            raise located(_no_conversion(value, d))
    return convert_to_tensor(value, dtype_hint=d)


def _no_conversion(value: Any, d: DType) -> RecordTypeError:
    return RecordTypeError(
        f"Cannot convert {value!r} to EagerTensor of dtype {d.word if d.is_floating else d.name}",
        notes=("TensorFlow does not promote: write tf.cast(x, dtype) on the tensor",),
    )


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """`value` as a tensor: tensors as they are, variables read, Python and NumPy data copied, lists of tensors stacked.

    Raises ValueError where a tensor has another dtype than `dtype`."""
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, TensorBase):
        if wanted is not None and wanted is not value.dtype:
            raise located(
                RecordValueError(
                    f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {value.dtype.name}: {value!r}"
                )
            )
        return value if isinstance(value, Tensor) else emit(_same, (value,))
    convert = getattr(type(value), "__tf_tensor__", None)
    if convert is not None:
        return convert(value, wanted, name)
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return _stacked(value, wanted, dtype_hint)
    return from_array(_array_of(value, wanted, None if dtype_hint is None else dtypes.as_dtype(dtype_hint)))


def _same(scope: Any, x: Any) -> Any:
    return x


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, TensorBase):
        return True
    return isinstance(value, (list, tuple)) and any(map(_holds_tensor, value))


def _stacked(value: Any, wanted: DType | None, hint: Any) -> Tensor:
    """A (nested) list of tensors and numbers as one tensor."""
    first = next((v for v in _leaves(value) if isinstance(v, TensorBase)), None)
    d = wanted or (first.dtype if first is not None else hint)
    parts = [convert_to_tensor(v, wanted, dtype_hint=d) for v in value]
    return emit(_stack, parts, op="Pack")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for v in value:
            yield from _leaves(v)
    else:
        yield value


def _stack(scope: Any, *parts: Any) -> Any:
    return L.stack(scope, *parts, 0, parts[0].element)


def _array_of(value: Any, wanted: DType | None, hint: DType | None) -> np.ndarray[Any, Any]:
    """Python or NumPy data as an array that nobody else has."""
    if isinstance(value, TensorShape):
        value = value.as_list()
    is_numpy = isinstance(value, (np.ndarray, np.generic))
    array = np.array(value) if is_numpy else _python_array(value)
    # A list of NumPy numbers or arrays keeps their dtype, too.
    typed = is_numpy or isinstance(next(_leaves(value), None), (np.generic, np.ndarray))
    d = wanted
    if d is None and hint is not None and _is_convertible(array, hint):
        d = hint
    if d is not None:
        if not typed and not _is_convertible(array, d):
            raise located(_no_conversion(next(_leaves(value)), d))
        return array.astype(d.numpy)
    if typed:
        return array
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    if array.dtype.kind in "iu":
        small = not array.size or (array.max() < 2**31 and array.min() >= -(2**31))
        return array.astype(np.int32 if small else np.int64)
    return array


def _python_array(value: Any) -> np.ndarray[Any, Any]:
    if value is None:
        raise located(
            RecordValueError(
                "Attempt to convert a value (None) with an unsupported type (<class 'NoneType'>) to a Tensor."
            )
        )
    try:
        array = np.array(value)
    except ValueError:
        raise located(RecordValueError("Can't convert non-rectangular Python sequence to Tensor.")) from None
    if array.dtype == object or array.dtype.kind in "US":
        kind = type(next(_leaves(value), value))
        what = "there are no tensors of strings" if array.dtype.kind in "US" else "an unsupported type"
        raise located(
            RecordValueError(f"Attempt to convert a value ({value!r:.80}) of {kind} to a Tensor: {what}.")
        )
    return array


def _is_convertible(array: np.ndarray[Any, Any], d: DType) -> bool:
    kinds = {"b": d.is_bool, "f": d.is_floating or d.is_complex, "c": d.is_complex}
    return kinds.get(array.dtype.kind, not d.is_bool)


def register(*names: str) -> Callable[[F], F]:
    """Makes a function whose first argument is a tensor a method of tensors and variables."""

    def add(function: F) -> F:
        for name in names:
            setattr(TensorBase, name, function)
        return function

    return add
