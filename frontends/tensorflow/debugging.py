"""tf.debugging and tf.print: checks of values that are there, and output."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import numpy as np

from irc.frontends.errors import TraceError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.errors import InvalidArgumentError
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor


def print_(
    *inputs: Any,
    output_stream: Any = None,
    summarize: int = 3,
    sep: str = " ",
    end: str = "\n",
    name: Any = None,
) -> None:
    """Prints values. A program that is compiled prints nothing: refused while a function is traced."""
    for value in nest.flatten(list(inputs)):
        if isinstance(value, TensorBase) and not value.is_known:
            raise located(
                TraceError(
                    "tf.print of a tensor inside a traced function is not there: a compiled program has no output",
                    notes=(
                        "give the tensor back and print it outside, or call the function with tf.config.run_functions_eagerly(True)",
                    ),
                )
            )
    shown = [nest.map_structure(_shown, i) for i in inputs]
    builtins.print(*shown, sep=sep, end=end, file=output_stream or sys.stderr)


def _shown(value: Any) -> Any:
    return value.numpy() if isinstance(value, TensorBase) else value


def _check(name: str, holds: Any, text: str) -> Any:
    def run(
        x: Any, y: Any, message: str | None = None, summarize: Any = None, name: str | None = None
    ) -> None:
        a, b = (convert_to_tensor(v) for v in (x, y))
        if not (a.is_known and b.is_known):
            return
        if not bool(np.all(holds(a.numpy(), b.numpy()))):
            raise located(InvalidArgumentError(f"{message or ''} Condition x {text} y did not hold."))

    run.__name__ = run.__qualname__ = name
    run.__doc__ = (
        f"InvalidArgumentError unless x {text} y everywhere; not checked where values are not there (traced)."
    )
    return run


assert_equal = _check("assert_equal", np.equal, "==")
assert_less, assert_less_equal = (
    _check("assert_less", np.less, "<"),
    _check("assert_less_equal", np.less_equal, "<="),
)
assert_greater = _check("assert_greater", np.greater, ">")
assert_greater_equal = _check("assert_greater_equal", np.greater_equal, ">=")
assert_near = _check("assert_near", lambda a, b: np.isclose(a, b, rtol=1e-5, atol=1e-5), "close to")


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """The tensor; InvalidArgumentError where it has NaN or infinities and its value is there."""
    x = convert_to_tensor(tensor)
    if x.is_known and not np.isfinite(x.numpy()).all():
        raise located(InvalidArgumentError(f"{message} : Tensor had NaN or Inf values"))
    return x
