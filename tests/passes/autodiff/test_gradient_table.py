"""The whole table of gradients: no op without a rule or a reason, no rule that nothing was compared with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[2] / "gradient_table.py"


@pytest.mark.slow
def test_the_table_has_no_gaps() -> None:
    done = subprocess.run([sys.executable, str(TABLE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 gaps" in done.stdout
