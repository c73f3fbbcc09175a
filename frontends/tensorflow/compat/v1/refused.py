"""Parts of TF1 that are not there, each with what to use instead."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import NotThere
from irc.frontends.recorder.storage import located

ADVICE = {
    "summary": "print the values that sess.run gives, or collect them in a list and plot it",
    "estimator": "write the loop: a Session, or a Keras model's fit",
    "feature_column": "make arrays with NumPy",
    "contrib": "tf.layers, tf.nn.rnn_cell and tf.train are there",
    "examples": "load the data with NumPy and feed it (examples/data has a set of digits)",
    "gfile": "use open() and pathlib",
    "image": "use NumPy or an image library before feeding",
    "io": "use open() and NumPy",
    "python_io": "use open() and NumPy",
    "saved_model": "tf.train.Saver keeps weights; graph.as_text() is the graph",
    "sparse": "use dense tensors",
    "SparseTensor": "use dense tensors",
    "SparseTensorValue": "use dense arrays",
    "strings": "there are no tensors of strings",
    "string": "there are no tensors of strings",
    "py_func": "compute with NumPy between two runs",
    "numpy_function": "compute with NumPy between two runs",
    "py_function": "compute with NumPy between two runs",
    "distribute": "there is one device",
    "tpu": "there is one device",
    "FIFOQueue": "there are no queues: feed batches",
    "RandomShuffleQueue": "there are no queues: feed batches",
    "read_file": "read it before feeding",
    "decode_csv": "use NumPy",
    "flags": "use argparse",
    "FixedLengthRecordReader": "read the file before feeding",
    "TFRecordReader": "read the file before feeding",
}


class Refused:
    """A module that is not there: every name in it says so."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise refusal(f"{self._name}.{name}")


def refusal(path: str) -> Any:
    """The error for a name that is not there."""
    parts = path.split(".")
    advice = next((ADVICE[p] for p in parts if ADVICE.get(p)), None)
    notes = (
        (advice,) if advice else ("irc.tensorflow has the part of TensorFlow that is listed in its tests",)
    )
    return located(NotThere(f"tf.{path} is not there", notes=notes))
