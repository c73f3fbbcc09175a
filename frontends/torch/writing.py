"""Writing into tensors: what in-place operations and `out` do."""

from __future__ import annotations

from irc.frontends.errors import RecordError
from irc.frontends.lowering import elementwise as L
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.tensor import Tensor, emit


def into(target: Tensor, value: Tensor) -> Tensor:
    """Writes a result into a tensor given as `out`."""
    target._write(emit(L.copy_into, (target, value))._read().alias())
    return target


def write(target: Tensor, value: Tensor) -> Tensor:
    """Writes a result that nobody else holds into `target`, as an in-place operation does; checks what PyTorch checks."""
    held = target._read()
    if held.leaf is not None and recorder.grad_enabled:
        raise located(
            RecordError("a leaf Variable that requires grad is being used in an in-place operation.")
        )
    if (
        target._parent is not None
        and recorder.grad_enabled
        and target._storage._value.leaf is not None
        and (held.requires_grad)
    ):
        raise located(
            RecordError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation."
            )
        )
    d, given = target.dtype, value.dtype
    if dtypes.category(given) > dtypes.category(d):
        names = dtypes.SCALAR_TYPE_NAMES
        raise located(
            RecordError(
                f"result type {names.get(given, given)} can't be cast to the desired output type {names.get(d, d)}"
            )
        )
    if value._read().type is not held.type:
        value = emit(L.copy_into, (target, value))
    result = value._read()
    result.owner = None  # it changes hands
    target._write(result)
    return target
