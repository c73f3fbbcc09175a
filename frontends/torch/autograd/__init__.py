"""torch.autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordError, RecordValueError
from irc.frontends.recorder.gradient import backward as record_backward
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Recorded
from irc.frontends.torch.autograd import function
from irc.frontends.torch.autograd.function import Function
from irc.frontends.torch.grad_mode import enable_grad, no_grad, set_grad_enabled
from irc.frontends.torch.tensor import Tensor, beside, emit, method, note_grad, read_grad, retained, wrap
from irc.ir.types import TensorType

Variable = Tensor


def backward(
    tensors: Sequence[Tensor],
    gradients: Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | Tensor | None = None,
) -> None:
    """torch.autograd.backward: adds to `.grad` of the leaves, or of `inputs` alone."""
    wanted = None
    if inputs is not None:
        wanted = [t._read() for t in ([inputs] if isinstance(inputs, Tensor) else inputs)]
    held = {id(value): tensor for value, tensor in retained}
    pairs = _gradients(
        tensors, gradients, wanted, retain_graph, create_graph, [value for value, _ in retained]
    )
    # All are held before the first is added to another: that may compute what is pending.
    for value, gradient in [(value, wrap(gradient)) for value, gradient in pairs]:
        tensor = value.leaf() if value.leaf is not None else held.get(id(value))
        if tensor is not None:
            _accumulate(tensor, gradient, create_graph)
    if not (retain_graph if retain_graph is not None else create_graph):
        retained[:] = [
            (value, tensor) for value, tensor in retained if value.node is None or not value.node.freed
        ]


def _accumulate(tensor: Tensor, gradient: Tensor, create_graph: bool) -> None:
    before = read_grad(tensor)
    note_grad(tensor)
    gradient = beside(gradient, tensor)
    if before is None:
        tensor._grad = gradient
    elif create_graph:
        tensor._grad = before + gradient
    else:
        before._write((before.detach() + gradient)._read().alias())


def _gradients(
    tensors: Sequence[Tensor],
    gradients: Sequence[Tensor | None] | None,
    wanted: Sequence[Recorded] | None,
    retain_graph: bool | None,
    create_graph: bool,
    more: Sequence[Recorded] = (),
) -> list[tuple[Recorded, Recorded]]:
    roots = [t._read() for t in tensors]
    for tensor, root in zip(tensors, roots, strict=True):
        if not root.requires_grad:
            raise located(
                RecordError("element 0 of tensors does not require grad and does not have a grad_fn")
            )
        if gradients is None and tensor.numel() != 1:
            raise located(RecordError("grad can be implicitly created only for scalar outputs"))
    given = None
    if gradients is not None or len(roots) != 1:
        given = [_cotangent(t, g) for t, g in zip(tensors, gradients or [None] * len(roots), strict=True)]
    before, recorder.grad_enabled = recorder.grad_enabled, create_graph
    try:
        keep = create_graph if retain_graph is None else retain_graph
        return record_backward(roots, given, wanted, more, retain=keep)
    finally:
        recorder.grad_enabled = before


def _cotangent(tensor: Tensor, gradient: Tensor | None) -> Recorded:
    if gradient is None:
        return emit(_ones, (), tensor._type)._read()
    if gradient.shape != tensor.shape:
        raise located(
            RecordError(
                f"Mismatch in shape: grad_output[0] has a shape of {gradient.shape} and output[0] has a shape of "
                f"{tensor.shape}."
            )
        )
    value = gradient._read()
    if value.type.element is not tensor._type.element:
        raise located(RecordValueError(f"the gradient is {gradient.dtype} and the tensor {tensor.dtype}"))
    return value


def _ones(scope: Any, type: TensorType) -> Any:
    return scope.constant(1, type)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """torch.autograd.grad: the gradients of the outputs with respect to the inputs; `.grad` is left alone."""
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs
    wanted = [t._read() for t in inputs]
    if not all(w.requires_grad for w in wanted):
        raise located(RecordError("One of the differentiated Tensors does not require grad"))
    found = {id(v): g for v, g in _gradients(outputs, given, wanted, retain_graph, create_graph)}
    results = [wrap(found[id(w)]) if id(w) in found else None for w in wanted]
    if not allow_unused and not materialize_grads and any(r is None for r in results):
        raise located(
            RecordError(
                "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
                "this is the desired behavior."
            )
        )
    if materialize_grads:
        results = [emit(_zeros, (), w.type) if g is None else g for g, w in zip(results, wanted, strict=True)]
    return tuple(results)


def _zeros(scope: Any, type: TensorType) -> Any:
    return scope.constant(0, type)


@method("backward")
def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | Tensor | None = None,
) -> None:
    """Adds the gradients of this tensor to `.grad` of the leaves it was computed from."""
    backward([self], None if gradient is None else [gradient], retain_graph, create_graph, inputs)


class set_detect_anomaly:
    """Accepted; `irc run --trap-nan` finds the first NaN."""

    def __init__(self, mode: bool = True, check_nan: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> set_detect_anomaly:
        return self

    def __exit__(self, *exc: Any) -> None:
        return None


detect_anomaly = set_detect_anomaly

__all__ = [
    "Function", "Tensor", "Variable", "backward", "detect_anomaly", "enable_grad", "function", "grad", "no_grad",
    "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip
