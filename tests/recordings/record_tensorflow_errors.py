"""Records which exception real TensorFlow raises for each program in `tests/frontends/errors/tensorflow*`, once.

In an environment of its own (see `record_keras_losses.py`); it writes `tensorflow_errors.json` beside itself."""

from __future__ import annotations

import json
import os
import runpy
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # type: ignore[import-not-found]

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "frontends" / "errors"


def raised_by(source: str) -> str | None:
    """The exception's class; None where the program ends well."""
    tf.compat.v1.reset_default_graph()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(source.replace("irc.tensorflow", "tensorflow"), encoding="utf-8")
        try:
            runpy.run_path(str(program), run_name="__main__")
        except Exception as error:
            return type(error).__name__
    return None


def main() -> None:
    raised = {}
    # Graphs last: eager execution does not come back once it is disabled.
    for folder in ("tensorflow", "tensorflow1"):
        for program in sorted((PROGRAMS / folder).glob("*.py")):
            raised[f"{folder}/{program.stem}"] = raised_by(program.read_text(encoding="utf-8"))
    found = {"recorded with": {"tensorflow": tf.__version__, "keras": tf.keras.__version__}, "raised": raised}
    (HERE / "tensorflow_errors.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
