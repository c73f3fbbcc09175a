"""The fuzzer builds on the makers of other tests: their folders are on the path here too."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("ir", "codegen"):
    sys.path.append(str(Path(__file__).parents[1] / folder))
