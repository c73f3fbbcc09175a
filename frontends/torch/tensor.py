"""torch.Tensor: an eager tensor is a recorded value. What it shares with a place in memory is in `Handle`; what can be
done with it is registered by the families beside this file (pointwise, reduction, shaping, ...)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

import numpy as np

from irc.frontends.errors import RecordError, RecordIndexError, RecordTypeError
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import apply, constant, moved, recorder
from irc.frontends.recorder.places import HOME
from irc.frontends.recorder.storage import Handle, IndexMap, located
from irc.frontends.recorder.template import Lowering
from irc.frontends.recorder.value import Literal, Operand, Recorded
from irc.frontends.torch.dtypes import dtype, of_element
from irc.frontends.torch.printing import format_tensor
from irc.frontends.torch.size import Size, device, device_at
from irc.ir.types import TensorType, tensor_of
from irc.runtime.devices import DeviceArray

F = TypeVar("F", bound=Callable[..., Any])


class Tensor(Handle):
    """A multi-dimensional array of one dtype, recorded as it is computed."""

    _grad: Tensor | None = None
    _retains_grad = False
    _strides: tuple[int, ...] | None = None
    name: str | None = None

    def __init__(self, *data: Any) -> None:
        """PyTorch's old constructor: float32, from extents (`Tensor(2, 3)`: zeros here) or from data (`Tensor([1, 2])`)."""
        if data and all(isinstance(n, int) for n in data):
            array = np.zeros(data, np.float32)
        else:
            array = np.array(data[0] if data else (), np.float32)
        self._hold(constant(*_host(array)))

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
        def __lshift__(self, other: Any) -> Tensor: ...
        def __rshift__(self, other: Any) -> Tensor: ...
        def __iadd__(self, other: Any) -> Tensor: ...
        def __isub__(self, other: Any) -> Tensor: ...
        def __imul__(self, other: Any) -> Tensor: ...
        def __itruediv__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    # What it is.

    @property
    def _type(self) -> TensorType:
        return self._read().type

    @property
    def shape(self) -> Size:
        return Size(self._read().type.static_shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one extent of it."""
        return self.shape if dim is None else self.shape[normal_dim(dim, self.dim())]

    @property
    def dtype(self) -> dtype:
        return of_element(self._read().type.element)

    @property
    def device(self) -> device:
        return device_at(self._read().place)

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def ndim(self) -> int:
        return self._read().type.rank

    def dim(self) -> int:
        return self._read().type.rank

    ndimension = dim

    def numel(self) -> int:
        return self._read().type.size

    nelement = numel

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    def element_size(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self._read().type.nbytes

    is_mps = False
    is_sparse = False
    is_quantized = False
    is_meta = False
    layout = "torch.strided"

    def stride(self, dim: int | None = None) -> Any:
        """Steps between elements, in elements, as PyTorch would lay the tensor out."""
        strides = self._strides if self._strides is not None else contiguous_strides(self.shape)
        return strides if dim is None else strides[normal_dim(dim, len(strides))]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        return self._strides is None or _same_layout(self._strides, self.shape)

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def storage_offset(self) -> int:
        return 0

    def data_ptr(self) -> int:
        """The address of the elements, on their device; the value is computed for it."""
        host = self._look("data_ptr()")
        array = self._read().array
        return array.address if isinstance(array, DeviceArray) else int(host.ctypes.data)

    def __len__(self) -> int:
        if not self.ndim:
            raise located(RecordTypeError("len() of a 0-d tensor"))
        return self.shape[0]

    def __hash__(self) -> int:
        return id(self)

    # Gradients.

    @property
    def requires_grad(self) -> bool:
        return self._read().requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    @property
    def is_leaf(self) -> bool:
        return not self._read().has_history

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Asks for gradients with respect to this tensor (or no longer)."""
        value = self._read()
        if value.has_history:
            if requires_grad:
                return self
            raise located(
                RecordError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                    "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            )
        if requires_grad and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise located(RecordError("only Tensors of floating point dtype can require gradients"))
        if value.requires_grad is not requires_grad:
            self._become_leaf(value.alias(), requires_grad)
        return self

    def _become_leaf(self, value: Recorded, requires_grad: bool) -> None:
        value.requires_grad = requires_grad
        value.leaf = ref(self) if requires_grad else None
        if self._parent is None:
            self._storage.write(value)
        else:
            self._hold(value)

    @property
    def grad(self) -> Tensor | None:
        return read_grad(self)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise located(
                    RecordTypeError(f"assigned grad expected to be a Tensor or None but got {_kind(value)}")
                )
            if value.shape != self.shape:
                raise located(
                    RecordError(
                        f"assigned grad has data of a different size: {list(value.shape)} for a tensor of "
                        f"{list(self.shape)}"
                    )
                )
        note_grad(self)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        note_grad(self)
        self._grad = None

    def retain_grad(self) -> None:
        """Keeps the gradient of a tensor that is not a leaf."""
        if not self.requires_grad:
            raise located(RecordError("can't retain_grad on Tensor that has requires_grad=False"))
        if not self.is_leaf:
            retained.append((self._read(), self))
            self._retains_grad = True

    @property
    def retains_grad(self) -> bool:
        return self._retains_grad

    @property
    def grad_fn(self) -> Any:
        """What made a tensor that gradients flow through; only its presence and name are of use."""
        value = self._read()
        return GradFn(value) if value.has_history else None

    def detach(self) -> Tensor:
        """The same elements outside the gradient; a write to either is seen in both."""
        return view_of(self, _DETACHED, self._strides)

    def detach_(self) -> Tensor:
        value = self._read()
        if value.requires_grad:
            self._become_leaf(value.alias(), False)
        return self

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise located(RecordTypeError(f"Variable data has to be a tensor, but got {_kind(new)}"))
        before = self._read()
        value = new._read().alias()
        if before.leaf is not None:
            value.requires_grad, value.leaf = True, before.leaf
        self._storage.write(value)
        self._strides = new._strides

    # Looking at it: this is where a segment is computed.

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """A copy of the elements as a NumPy array."""
        if self.requires_grad and not force:
            raise located(
                RecordError(
                    "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
                )
            )
        if recorder.spread and not force and self._read().place != HOME:
            raise located(
                RecordTypeError(
                    f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                    "memory first."
                )
            )
        return np.array(self._look("numpy()"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def item(self) -> Any:
        """The only element as a Python number."""
        if self.numel() != 1:
            raise located(RecordError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar"))
        return self._look("item()").reshape(()).item()

    def tolist(self) -> Any:
        return self._look("tolist()").tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.is_floating_point or self.numel() != 1:
            raise located(
                RecordTypeError("only integer tensors of a single element can be converted to an index")
            )
        return int(self.item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            many = "no values" if self.numel() == 0 else "more than one value"
            raise located(RecordError(f"Boolean value of Tensor with {many} is ambiguous"))
        return bool(self._look("a condition (if, while, and, or, bool())").reshape(()).item())

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        value = self._read()
        if value.array is None and recorder.graph.tracing:
            return f"tensor(<being recorded>, size={tuple(value.type.shape)}, dtype={self.dtype})"
        return format_tensor(self, self._look("print()"))

    def __str__(self) -> str:
        return repr(self) if not self._is_unknown() else str(self._look("print()"))

    def _is_unknown(self) -> bool:
        return self._read().array is None and recorder.graph.tracing

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else str(self)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise located(RecordTypeError("iteration over a 0-d tensor"))
        return iter([self[i] for i in range(self.shape[0])])

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        found = memo.get(id(self))
        if found is not None:
            return found
        if self._read().has_history:
            raise located(
                RecordError(
                    "Only Tensors created explicitly by the user support the deepcopy protocol at the moment."
                )
            )
        made = _copy_of(self)
        memo[id(self)] = made
        return made

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), np.array(self._look("pickling")), self.requires_grad)


class GradFn:
    """What `tensor.grad_fn` shows."""

    def __init__(self, value: Recorded) -> None:
        node = value.node
        assert node is not None
        name = node.template.operations[-1].mnemonic if node.template.operations else "node"
        self._name = "".join(part.capitalize() for part in name.split("_"))
        self.next_functions: tuple[Any, ...] = ()

    def name(self) -> str:
        return f"{self._name}Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()} object>"


def _kind(value: Any) -> str:
    return type(value).__name__


def _host(array: np.ndarray[Any, Any]) -> tuple[Any, TensorType]:
    return array, tensor_of(array)


def _copy_of(tensor: Tensor) -> Tensor:
    made = type(tensor).__new__(type(tensor))
    value = tensor._read()
    made._hold(value.alias())
    if value.requires_grad:
        made.requires_grad_(True)
    made.__dict__.update({k: v for k, v in tensor.__dict__.items() if k != "_grad"})
    return made


def _rebuild(kind: type[Tensor], array: np.ndarray[Any, Any], requires_grad: bool) -> Tensor:
    made = kind.__new__(kind)
    made._hold(constant(*_host(array)))
    return made.requires_grad_(requires_grad) if requires_grad else made


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a dense row-major tensor, in elements."""
    strides = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def _same_layout(strides: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether these strides are dense row-major; strides of extents of 1 do not matter."""
    dense = contiguous_strides(shape)
    return 0 in shape or all(a == b or n == 1 for a, b, n in zip(strides, dense, shape, strict=True))


def normal_dim(dim: int, rank: int, *, wrap_scalar: bool = True) -> int:
    """A dimension counted from the front; PyTorch's IndexError when it is out of range."""
    bound = max(rank, 1) if wrap_scalar else rank
    if not -bound <= dim < bound:
        raise located(
            RecordIndexError(
                f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {dim})"
            )
        )
    return dim + bound if dim < 0 else dim


def wrap(value: Recorded) -> Tensor:
    """A new tensor around a recorded value."""
    made = Tensor.__new__(Tensor)
    made._hold(value)
    return made


_DETACHED = IndexMap(None, None, detached=True)


def view_of(base: Tensor, index_map: IndexMap, strides: tuple[int, ...] | None = None) -> Tensor:
    """A view: its value is recorded now, and again after each write to the base."""
    made = Tensor.__new__(Tensor)
    made._show(base, index_map)
    made._strides = strides
    if recorder.graph.is_full:
        flush()
    made._read()
    return made


def emit(lower: Lowering, operands: Sequence[Tensor | Operand], *statics: Any) -> Tensor:
    """Records an operation with one result."""
    return emit_all(lower, operands, *statics)[0]


def emit_all(lower: Lowering, operands: Sequence[Tensor | Operand], *statics: Any) -> list[Tensor]:
    """Records an operation; a tensor for each of its results."""
    if recorder.graph.is_full:
        flush()
    values = [o if isinstance(o, (Recorded, Literal)) else o._read() for o in operands]
    if recorder.spread:
        _expect_one_device(values)
    return [wrap(r) for r in apply(lower, values, statics)]


def _expect_one_device(values: Sequence[Operand]) -> None:
    """PyTorch's error for operands on several devices; a scalar of the CPU goes with any."""
    if recorder.forced is not None:
        return
    places = [v.place for v in values if isinstance(v, Recorded) and (v.type.rank or v.place != HOME)]
    first, *others = dict.fromkeys(places) or (HOME,)
    if others:
        raise located(
            RecordError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{device_at(first)} and {device_at(others[0])}!",
                notes=("write x.to(device) for the one that is not where the others are",),
            )
        )


def beside(tensor: Tensor, other: Tensor) -> Tensor:
    """The tensor on the device of another."""
    if not recorder.spread or tensor._read().place == other._read().place:
        return tensor
    return wrap(moved(tensor._read(), other._read().place))


def cut(tensor: Tensor) -> Recorded:
    """The tensor's value outside the gradient."""
    value = tensor._read()
    return value.alias() if value.requires_grad else value


def method(*names: str) -> Callable[[F], F]:
    """Makes a function whose first argument is a tensor a method of Tensor, under these names (its own by default)."""

    def register(function: F) -> F:
        for name in names or (function.__name__,):
            setattr(Tensor, name, function)
        return function

    return register


retained: list[tuple[Recorded, Tensor]] = []
"""Tensors that are not leaves and asked to keep their gradient."""


def read_grad(tensor: Tensor) -> Tensor | None:
    """A tensor's gradient; a compiled function notes that it has asked."""
    graph = recorder.graph
    if graph.tracing and tensor not in graph.grads:
        graph.grad_reads.setdefault(tensor, tensor._grad is None)
    return tensor._grad


def note_grad(tensor: Tensor) -> None:
    """While a compiled function is recorded: remembers the `.grad` a tensor had before."""
    graph = recorder.graph
    if graph.tracing:
        graph.grads.setdefault(tensor, tensor._grad)
