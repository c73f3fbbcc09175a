"""tf.compat: TensorFlow's other versions. `v1` builds graphs; `v2` is the namespace around."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name == "v1":
        return importlib.import_module("irc.frontends.tensorflow.compat.v1")
    if name == "v2":
        return importlib.import_module("irc.frontends.tensorflow")
    raise AttributeError(f"tf.compat.{name} is not there")
