"""One module under every name, and `import irc` stays light."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_one_module_object() -> None:
    code = """
import irc, irc.torch.nn.functional as F
import irc.frontends.torch as real
from irc.torch import nn
from irc.torch.utils.data import DataLoader
import irc.frontends.torch.utils.data as data
assert irc.torch is real and nn is real.nn and F is real.nn.functional and DataLoader is data.DataLoader
assert real.__spec__.name == real.__name__ == 'irc.frontends.torch'
print('same')
"""
    assert run(code) == "same"


def test_install_as_torch() -> None:
    code = """
import irc
irc.install_as('torch')
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader
from torch.optim import Adam
import irc.torch
assert torch is irc.torch and nn is irc.torch.nn and F.relu is irc.torch.nn.functional.relu
print(torch.__name__)
"""
    assert run(code) == "irc.frontends.torch"


def test_import_is_light() -> None:
    heavy = "numpy", "llvmlite", "lark", "ml_dtypes"
    code = f"import irc, sys; print([m for m in {heavy!r} if m in sys.modules])"
    assert run(code) == "[]"


def test_recording_does_not_load_llvm() -> None:
    code = "import irc.torch as t, sys; x = t.ones(3) * 2; print('llvmlite' in sys.modules)"
    assert run(code) == "False"


def test_missing_names_are_attribute_errors_with_the_name() -> None:
    code = """
import irc.torch as torch
print(hasattr(torch, 'no_such_thing'))
try: torch.no_such_thing
except AttributeError as e: print('torch.no_such_thing' in str(e))
"""
    assert run(code).split() == ["False", "True"]
