"""XLA on the CPU, through jaxlib: the outside opinion on what a StableHLO text means."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.cli.peers import xla_step


def run(text: str, inputs: Any) -> list[np.ndarray[Any, Any]]:
    """The results of @main. Raises what XLA raises when it refuses the text."""
    return [np.asarray(r) for r in xla_step(text, inputs)()]
