"""Attributes of functions and modules by which passes know what was made by an earlier one, and for what machine."""

from __future__ import annotations

from irc.dialects.builtin import Module

KIND = "irc.kind"
"""Of a function: that it becomes a kernel, and which."""
TARGET = "irc.target"
"""Of a module: the machine it is compiled for, a dictionary with `triple`, `cpu` and `features`."""


def is_for_gpu(module: Module) -> bool:
    """Whether a module is compiled for a GPU, whose kernels know fewer forms than a processor's."""
    return "nvptx" in str(module.attributes.get(TARGET))
