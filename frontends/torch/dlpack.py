"""DLPack: tensors handed to other libraries, and taken from them, with no copy.

What is handed out is the array of now: it stays as it is, and a later operation in place makes a new one that the other
library does not see."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.frontends.errors import RecordError, RecordTypeError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.places import device_named
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Recorded, Shared
from irc.frontends.torch.tensor import Tensor, method, wrap
from irc.ir.types import TensorType, element_of
from irc.runtime.devices import DeviceArray

_HOST = (1, 3)
"""kDLCPU and kDLCUDAHost: memory that the host reads."""
_CUDA = 2


@method("__dlpack__")
def export(self: Tensor, *, stream: Any = None, **asked: Any) -> Any:
    """A capsule that shares the tensor's memory, on its device. `stream` is the reader's, and not None on a GPU."""
    if self.requires_grad:
        raise located(RecordError("Can't export tensors that require gradient, use tensor.detach()"))
    array = _shared(self)
    if isinstance(array, DeviceArray):
        return array.__dlpack__(stream=stream)
    return array.__dlpack__(**{name: value for name, value in asked.items() if value is not None})


@method("__dlpack_device__")
def export_device(self: Tensor) -> tuple[int, int]:
    """DLPack's numbers of the tensor's device."""
    kind, number = _shared(self).__dlpack_device__()
    return int(kind), int(number)


def _shared(tensor: Tensor) -> Any:
    """The tensor's array, which from now on nothing of irc's writes to, while others may."""
    tensor._look("DLPack")
    value = tensor._read()
    if not value.is_shared:
        owner = value
        while owner.source is not None:
            owner = owner.source
        owner.source = Shared(owner.type, None, 0, owner.array)
        recorder.epoch += 1  # calls that go straight to a program look again
    return value.array


class _Capsule:
    """A bare capsule of host memory as an object of the protocol."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **asked: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return _HOST[0], 0


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of another library's, on its device; it is never written to. Strides that are not dense are
    copied."""
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    if not hasattr(ext_tensor, "__dlpack__"):
        raise located(
            RecordTypeError(f"from_dlpack takes an object with __dlpack__, not {type(ext_tensor).__name__}")
        )
    kind, _ = ext_tensor.__dlpack_device__()
    if int(kind) == _CUDA:
        there = device_named("cuda").adopt(ext_tensor)
        return _borrowed(there, there.type)
    if int(kind) not in _HOST:
        raise located(RecordError(f"from_dlpack: memory of DLPack device {int(kind)} is not supported"))
    try:
        array = np.ascontiguousarray(np.from_dlpack(ext_tensor))
        element = element_of(array.dtype)
    except (RuntimeError, BufferError, KeyError) as error:
        raise located(RecordTypeError(f"from_dlpack: {error}")) from None
    return _borrowed(array, TensorType(array.shape, element))


def _borrowed(array: Any, type: TensorType) -> Tensor:
    value = Recorded(type, None, 0, array)
    value.source = Shared(type, None, 0, array)
    return wrap(value)


to_dlpack = export
