"""One module object under several names: `irc.torch` is `irc.frontends.torch`, and `irc run --as torch` adds `torch`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ALIASES = {
    "irc.torch": "irc.frontends.torch",
    "irc.tensorflow": "irc.frontends.tensorflow",
}


class _Loader:
    """Hands out the module that another name already has. (Not derived from importlib.abc: that import is slow.)"""

    def __init__(self, real: str) -> None:
        self.real = real
        self.spec: Any = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the alias's spec on the module; its own says where it came from.
        module.__spec__ = self.spec


class _Finder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for alias, real in ALIASES.items():
            if fullname == alias or fullname.startswith(alias + "."):
                import importlib.util  # noqa: PLC0415 - costs as much as all of `import irc`, and only aliases need it

                name = real + fullname[len(alias) :]
                loader: Any = _Loader(name)
                if name == real or importlib.util.find_spec(name) is not None:
                    return ModuleSpec(fullname, loader, is_package=True)
        return None


def install() -> None:
    """Makes the aliases importable; called once by `import irc`."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        finder: Any = _Finder()
        sys.meta_path.insert(0, finder)


LIBRARIES = ("torch", "tensorflow", "tensorflow1")
"""What `install_as` takes."""


def install_as(name: str) -> None:
    """Makes `import NAME` (torch, tensorflow) give irc's frontend of that name, in this process.

    As `tensorflow1`, `import tensorflow` gives TensorFlow 1's names, which build graphs."""
    library = name.rstrip("1")
    if library != name:
        # Longer names first: tensorflow.compat.v1 is itself.
        ALIASES.pop(library, None)
        ALIASES[f"{library}.compat"] = f"irc.frontends.{library}.compat"
        ALIASES[library] = f"irc.frontends.{library}.compat.v1"
    else:
        ALIASES[name] = f"irc.frontends.{name}"
    for loaded in [m for m in sys.modules if m == library or m.startswith(library + ".")]:
        del sys.modules[loaded]
    install()
    if library != name:
        importlib.import_module(ALIASES[library]).disable_v2_behavior()
