"""The runtime for NVIDIA's GPUs, where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from irc import to_device
from irc.dialects.builtin import parse
from irc.driver import compile_module
from irc.errors import UnsupportedError
from irc.runtime import cuda

HERE = Path(__file__).parent
PROGRAM = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }"
installed = pytest.mark.skipif(find_spec("cuda") is None, reason="cuda-core is not installed")


@installed
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is nothing here that makes a library")
def test_cuda_core_on_a_driver_of_ours() -> None:
    paths = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
    # Callbacks of Python must not outlive it: the process ends before the driver is closed.
    code = (
        "import os, sys, pytest; "
        f"status = pytest.main(['-q', '-p', 'no:cacheprovider', {str(HERE / 'cuda_on_fake_driver.py')!r}]); "
        "sys.stdout.flush(); os._exit(status)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def test_without_the_package_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.core", None)
    monkeypatch.setattr(cuda, "LIBRARY", "libc.so.6")
    cuda.cuda_device.cache_clear()
    with pytest.raises(UnsupportedError, match=r"needs the package cuda-core: pip install 'irc\[cuda\]'"):
        compile_module(parse(PROGRAM), target="cuda")


def test_without_a_driver_the_message_says_so() -> None:
    try:
        cuda.cuda_device()
    except UnsupportedError as error:
        assert "target 'cuda' needs" in str(error)
    else:
        pytest.skip("there is a GPU here")
    with pytest.raises(UnsupportedError, match=r"NVIDIA's driver|a GPU"):
        to_device([1.0], "cuda")
