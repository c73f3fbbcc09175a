"""Options of TensorFlow's runtime: programs name them, and irc has no use for any."""

from __future__ import annotations

from typing import Any


class ConfigProto:
    """Options of TensorFlow's runtime. All are taken and none has an effect."""

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = ConfigProto()
        setattr(self, name, made)
        return made


class GPUOptions(ConfigProto):
    """Options of graphics processors."""


class OptimizerOptions(ConfigProto):
    """Options of TensorFlow's graph optimizer."""

    L0, L1 = -1, 0
    OFF, ON_1, ON_2 = -1, 1, 2


class GraphOptions(ConfigProto):
    """Options of graphs."""


class RunOptions(ConfigProto):
    """Options of one run."""

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = range(4)


class RunMetadata(ConfigProto):
    """What TensorFlow tells of a run."""
