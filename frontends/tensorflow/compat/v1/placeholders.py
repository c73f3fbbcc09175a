"""tf.placeholder: what a session is fed."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.compat.v1.actions import Placeholder
from irc.frontends.tensorflow.compat.v1.calls import as_tensor, operation
from irc.frontends.tensorflow.compat.v1.graph import get_default_graph
from irc.frontends.tensorflow.compat.v1.operation import GraphTensor, Probe
from irc.frontends.tensorflow.compat.v1.shared import mode
from irc.frontends.tensorflow.shape import TensorShape


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> GraphTensor:
    """A tensor that every run that needs it is fed. Extents may be None, and so may the shape."""
    _only_in_graphs("tf.placeholder()")
    probe = Probe.unknown(TensorShape(shape), dtypes.as_dtype(dtype))
    return operation(
        get_default_graph(), Placeholder(), name or "Placeholder", "Placeholder", [], [probe]
    ).outputs[0]


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> GraphTensor:
    """A tensor that may be fed, and is `input` where it is not."""
    _only_in_graphs("tf.placeholder_with_default()")
    given = as_tensor(input)
    probe = Probe.unknown(TensorShape(shape), given.dtype)
    made = operation(
        given.graph,
        Placeholder(),
        name or "PlaceholderWithDefault",
        "PlaceholderWithDefault",
        [given],
        [probe],
    )
    return made.outputs[0]


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Refused: there are no sparse tensors."""
    raise located(RecordError("there are no sparse tensors: feed a dense one through tf.placeholder"))


def _only_in_graphs(what: str) -> None:
    if not mode.in_graph:
        raise located(
            RecordError(
                f"{what} is not compatible with eager execution.",
                notes=(
                    "call tf.compat.v1.disable_eager_execution() first, or build in `with tf.Graph().as_default():`",
                ),
            )
        )
