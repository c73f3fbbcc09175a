"""The seed program with a tape: as others would write it, one executable a step."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SEED = Path(__file__).parents[3] / "examples" / "seeds" / "keras_mlp_tape.py"


def test_a_thousand_epochs_with_a_tape() -> None:
    code = f"""
import irc, runpy
irc.install_as("tensorflow")
from irc.frontends.recorder.backend import counters
runpy.run_path({str(SEED)!r}, run_name="__main__")
print("compiled", counters.compiled, "runs", counters.runs)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    losses = [float(x) for x in re.findall(r"loss ([\d.]+)", done.stdout)]
    assert len(losses) == 5 and losses[-1] < 0.01
    # The first step has no optimizer state behind it, and the last run is the accuracy's.
    assert "compiled 3 runs 1001" in done.stdout
