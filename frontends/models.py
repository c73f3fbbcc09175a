"""Models in a program's globals, and calling one on inputs of given types: what `irc dump --input` needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.errors import IrcError
from irc.frontends import torch
from irc.frontends.compile import compile
from irc.frontends.torch.creation import from_numpy
from irc.frontends.torch.grad_mode import no_grad
from irc.ir.types import TensorType
from irc.passes.hooks import random_array


def models_in(names: dict[str, Any]) -> dict[str, Any]:
    """Instances of modules and Keras's models first, then their classes, by the names the program gave them."""
    bases = (torch.nn.Module, *_keras_models())
    instances = {n: v for n, v in names.items() if isinstance(v, bases)}
    classes = {
        n: v
        for n, v in names.items()
        if isinstance(v, type) and issubclass(v, bases) and v.__module__ == "__main__"
    }
    return instances | classes


def _keras_models() -> tuple[type, ...]:
    """Keras's class of models, if the program has imported Keras."""
    keras = sys.modules.get("irc.frontends.tensorflow.keras")
    return () if keras is None else (keras.Model,)


def call_with(model: Any, types: Sequence[TensorType]) -> None:
    """Calls a model (an instance, or a class that is made without arguments) on random inputs, without gradients, and
    looks at what it gives, so that it is compiled."""
    made = model() if isinstance(model, type) else model
    rng = np.random.default_rng(0)
    arrays = [random_array(t, rng) for t in types]
    inputs = [from_numpy(a) for a in arrays] if isinstance(made, torch.nn.Module) else arrays
    with no_grad():
        result = made(*inputs)
    for value in _tensors(result):
        value.numpy()


def called(model: Any, arrays: Sequence[np.ndarray[Any, Any]]) -> Callable[[], Sequence[Any]]:
    """What calls a model in PyTorch's style, compiled and in evaluation mode, on these arrays, and gives its tensors.

    Raises IrcError for another model."""
    if not isinstance(model, torch.nn.Module):
        raise IrcError("only a model in PyTorch's style is compared with others")
    model.eval()
    forward = compile(lambda *inputs: model(*inputs))
    tensors = [from_numpy(a) for a in arrays]

    def call() -> Sequence[Any]:
        with no_grad():
            return _tensors(forward(*tensors))

    return call


def weights_of(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a model's parameters and buffers, by PyTorch's names."""
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


def _tensors(result: Any) -> Sequence[Any]:
    return result if isinstance(result, tuple | list) else (result,)
