"""What operations do when a session runs them. Each works on the values (tensors being recorded) of a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from irc.dialects.stablehlo import Constant
from irc.frontends.lowering import shape as lowering
from irc.frontends.recorder.value import Recorded
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, emit, from_array
from irc.ir.attributes import DenseElementsAttr
from irc.ir.types import TensorType

if TYPE_CHECKING:
    from irc.frontends.tensorflow.compat.v1.frame import Frame
    from irc.frontends.tensorflow.compat.v1.operation import Operation


class Action:
    """Base: gives the operation's outputs. One that `writes` changes `variables`; one that `initializes` gives a variable
    its first value. `sources` and `targets` are what gradients are taken of and with respect to."""

    writes = False
    initializes = False
    variables: tuple[Any, ...] = ()
    sources: Sequence[GraphTensor] = ()
    targets: Sequence[GraphTensor] = ()

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        """The outputs, as values of the frame."""
        return ()


class NoOp(Action):
    """Only waits for its control inputs."""


class Placeholder(Action):
    """Gives what it was fed, or its default. Without one, a session refuses before it runs anything."""

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        return [frame.value(t) for t in op.inputs]


class Const(Action):
    """A constant; small ones are part of the program's text."""

    INLINE_BYTES = 1024

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        if self.array.nbytes > self.INLINE_BYTES:
            return [from_array(self.array)]
        return [constant_op(self.array, op.outputs[0].probe.types[0])]


def constant_op(array: np.ndarray[Any, Any], type: TensorType) -> Tensor:
    """A constant that is part of the program's text."""
    return emit(_constant, (), type, array.tobytes(), op="Const")


def _constant(scope: Any, type: TensorType, content: bytes) -> Any:
    array = np.frombuffer(content, type.element.numpy).reshape(type.static_shape)
    return scope.emit(Constant(value=DenseElementsAttr.of(type, array), result_types=[type]))


class Call(Action):
    """A function of the eager namespace, called with the values of graph tensors among its arguments."""

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        return tensors_in(self.result(frame.value))

    def result(self, value: Callable[[GraphTensor], TensorBase]) -> Any:
        """What the function gives where `value` says what graph tensors are."""
        args, kwargs = substituted((self.args, self.kwargs), value)
        return self.function(*args, **kwargs)


class Random(Call):
    """A call that draws random numbers: from the session's generator, or one of its own where it has a seed."""

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
        self.seed = kwargs.pop("seed", None)
        super().__init__(function, args, kwargs)

    def run(self, frame: Frame, op: Operation) -> Sequence[TensorBase]:
        with frame.run.drawing(op, self.seed):
            return super().run(frame, op)


def tensors_in(result: Any) -> list[TensorBase]:
    """The tensors in nested lists, tuples and dicts."""
    return [leaf for leaf in nest.flatten(result) if isinstance(leaf, TensorBase)]


def substituted(value: Any, replace: Callable[[GraphTensor], Any]) -> Any:
    """The same nesting (slices included) with its graph tensors replaced."""
    if isinstance(value, GraphTensor):
        return replace(value)
    if isinstance(value, slice):
        return slice(*(substituted(v, replace) for v in (value.start, value.stop, value.step)))
    if type(value) is tuple or type(value) is list:
        return type(value)([substituted(v, replace) for v in value])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[substituted(v, replace) for v in value])
    if isinstance(value, Mapping):
        return {k: substituted(v, replace) for k, v in value.items()}
    return value


def copied(tensor: TensorBase) -> Tensor:
    """The same values by an operation of the program, where they are an argument's or a variable's as they are."""
    value = tensor._read()
    if value.array is None and value.node is not None:
        return detached(tensor)
    return detached(emit(lowering.identity, (tensor,), op="Identity"))


def unowned(tensor: TensorBase) -> Recorded:
    """The tensor's value for another place to hold, outside the gradient."""
    return tensor._read().alias()


def detached(tensor: TensorBase) -> Tensor:
    """The same values, outside the gradient."""
    made = Tensor.__new__(Tensor)
    made._hold(unowned(tensor))
    return made
