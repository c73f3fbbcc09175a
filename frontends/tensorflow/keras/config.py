"""keras.config: Keras's settings. The dtype is float32, the epsilon 1e-7 and images are channels last: others are refused."""

from __future__ import annotations

from irc.errors import UnsupportedError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.keras.losses.functions import EPSILON


def epsilon() -> float:
    """The smallest probability that losses take the logarithm of."""
    return EPSILON


def set_epsilon(value: float) -> None:
    """Refused unless it is that already."""
    if value != EPSILON:
        raise located(UnsupportedError(f"an epsilon other than {EPSILON} is not there"))


def floatx() -> str:
    """The dtype of floats."""
    return "float32"


def set_floatx(value: str) -> None:
    """Refused unless it is float32."""
    if value != "float32":
        raise located(
            UnsupportedError(
                f"floats of {value} by default are not there", notes=(f"give layers dtype={value!r}",)
            )
        )


def image_data_format() -> str:
    """Where images have their channels."""
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Refused unless it is channels_last."""
    if data_format != "channels_last":
        raise located(
            UnsupportedError(
                f"images with {data_format} by default are not there",
                notes=("give layers data_format='channels_first'",),
            )
        )


def backend() -> str:
    """The library under Keras."""
    return "tensorflow"


def disable_traceback_filtering() -> None:
    """Accepted: IRC_TRACEBACK=1 shows every frame."""


enable_traceback_filtering = disable_interactive_logging = enable_interactive_logging = (
    disable_traceback_filtering
)
