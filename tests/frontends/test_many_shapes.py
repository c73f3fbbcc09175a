"""Memory stays flat however many shapes a process meets: programs are bounded, and their code is unlinked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

_PROGRAM = """
import os, sys
import numpy as np
import irc, irc.torch as torch

@irc.compile
def f(x):
    return x * 2.0 + 1.0

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

count, early = int(sys.argv[1]), int(sys.argv[2])
for n in range(1, count + 1):
    x = torch.tensor(np.full((n % 100 + 1, n // 100 + 1), 3.0, np.float32))
    assert f(x).numpy().flat[0] == 7.0
    if n in (early, count):
        print(resident())
"""


def _resident(count: int, early: int) -> tuple[int, int]:
    environment = {**os.environ, "IRC_PROGRAM_LIMIT": "32", "IRC_CACHE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(count), str(early)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, last = map(int, done.stdout.split())
    return first, last


def test_memory_is_flat_over_shapes() -> None:
    first, last = _resident(400, 150)
    assert last - first < 4 << 20


@pytest.mark.slow
def test_memory_is_flat_over_ten_thousand_shapes() -> None:
    first, last = _resident(10_000, 1000)
    assert last - first < 0.1 * first
