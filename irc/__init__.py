"""irc: a tensor compiler that a person can read. Public names are looked up when first used."""

from __future__ import annotations

import importlib
from typing import Any

from irc.aliases import install

install()

__version__ = "0.1.0"

_PUBLIC = {
    "parse": "irc.dialects.builtin",
    "interpret": "irc.interpreter",
    "opt": "irc.driver:optimize",
    "compile_module": "irc.driver",
    "to_device": "irc.codegen.gpu.devices",
    "Executable": "irc.driver",
    "Module": "irc.dialects.builtin",
    "IrcError": "irc.errors",
    "ParseError": "irc.errors",
    "VerifyError": "irc.errors",
    "UnsupportedError": "irc.errors",
    "FailedAssertionError": "irc.errors",
    "NonFiniteError": "irc.errors",
    "OutOfBoundsError": "irc.errors",
    "OutOfMemoryError": "irc.errors",
    "TraceError": "irc.errors",
    "compile": "irc.frontends.compile",
    "grad": "irc.frontends.transforms",
    "value_and_grad": "irc.frontends.transforms",
    "vjp": "irc.frontends.functional",
    "jvp": "irc.frontends.functional",
    "hessian": "irc.frontends.functional",
    "vmap": "irc.frontends.functional",
    "stop_gradient": "irc.frontends.functional",
    "checkpoint": "irc.frontends.functional",
    "custom_vjp": "irc.frontends.custom_rules",
    "custom_jvp": "irc.frontends.custom_rules",
    "cond": "irc.frontends.control",
    "while_loop": "irc.frontends.control",
    "scan": "irc.frontends.control",
    "install_as": "irc.aliases",
    "set_num_threads": "irc.runtime.pool",
    "get_num_threads": "irc.runtime.pool",
    "copies": "irc.runtime.copies",
}
"""Where each public name is defined."""


def __getattr__(name: str) -> Any:
    if name in ("torch", "tensorflow"):
        return importlib.import_module(f"irc.frontends.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'irc' has no attribute '{name}'")
    module, _, attribute = _PUBLIC[name].partition(":")
    value = getattr(importlib.import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC, "torch"])
