"""tf.train.Saver: the values of variables in a file of NumPy's (`.npz`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.graph import constant
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.compat.v1.variables import Variable, global_variables
from irc.frontends.tensorflow.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError

LATEST = "checkpoint"
"""The file that names the latest checkpoint of a folder."""


class Saver:
    """Writes variables (all of them, a list, or a dict by name) to `path.npz` and reads them back."""

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int = 5,
        **options: Any,
    ) -> None:
        self._given = var_list
        self._kept: list[str] = []
        self._most = max_to_keep
        if var_list is None and not global_variables():
            raise located(RecordValueError("No variables to save"))

    def _variables(self, graph: Any) -> dict[str, Variable]:
        given = self._given
        if isinstance(given, Mapping):
            return dict(given)
        with graph.as_default():
            return {v.op.name: v for v in (global_variables() if given is None else given)}

    def save(
        self,
        sess: Any,
        save_path: str | os.PathLike[str],
        global_step: Any = None,
        latest_filename: str | None = None,
        **options: Any,
    ) -> str:
        """Writes the values of now; gives the path without `.npz`. A number of steps is added to the name."""
        path = os.fspath(save_path)
        if global_step is not None:
            step = global_step if isinstance(global_step, int) else int(sess.run(global_step))
            path = f"{path}-{step}"
        variables = self._variables(sess.graph)
        for v in variables.values():
            if not sess.variables.is_initialized(v):
                raise located(
                    FailedPreconditionError(
                        f"Attempting to use uninitialized value {v.op.name}", notes=(v.op.place,)
                    )
                )
        arrays: dict[str, Any] = {
            name: np.array(sess.variables.handle(v)._read().array) for name, v in variables.items()
        }
        if not Path(path).parent.is_dir():
            raise located(RecordValueError(f"Parent directory of {path} doesn't exist, can't save."))
        np.savez(f"{path}.npz", **arrays)
        (Path(path).parent / (latest_filename or LATEST)).write_text(
            f'model_checkpoint_path: "{Path(path).name}"\n'
        )
        self._forget(path)
        return path

    def _forget(self, path: str) -> None:
        """Removes the oldest of more than `max_to_keep` files."""
        self._kept = [p for p in self._kept if p != path] + [path]
        while self._most and len(self._kept) > self._most:
            Path(f"{self._kept.pop(0)}.npz").unlink(missing_ok=True)

    def restore(self, sess: Any, save_path: str | None) -> None:
        """Gives variables the values in a file."""
        if save_path is None:
            raise located(RecordValueError("Can't load save_path when it is None."))
        file = Path(f"{save_path}.npz")
        if not file.is_file():
            raise located(RecordValueError(f"The passed save_path is not a valid checkpoint: {save_path}"))
        with np.load(file) as held:
            for name, v in self._variables(sess.graph).items():
                if name not in held:
                    raise located(NotFoundError(f"Key {name} not found in checkpoint", notes=(v.op.place,)))
                array = held[name]
                if array.shape != v.type.shape:
                    raise located(
                        InvalidArgumentError(
                            f"Assign requires shapes of both tensors to match. lhs shape= {list(v.type.shape)} rhs shape= "
                            f"{list(array.shape)}",
                            notes=(v.op.place,),
                        )
                    )
                value = constant(np.ascontiguousarray(array, v.type.element.numpy), v.type)
                sess.variables.handle(v)._storage.write(value)
                sess.variables.initialized[v] = None

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the files kept, the oldest first."""
        return list(self._kept)


def latest_checkpoint(
    checkpoint_dir: str | os.PathLike[str], latest_filename: str | None = None
) -> str | None:
    """The path of the checkpoint written last in a folder, or None."""
    named = Path(checkpoint_dir) / (latest_filename or LATEST)
    if not named.is_file():
        return None
    return os.fspath(Path(checkpoint_dir) / named.read_text().split('"')[1])


def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there are files of this prefix."""
    return Path(f"{checkpoint_prefix}.npz").is_file()


def export_meta_graph(*args: Any, **kwargs: Any) -> Any:
    """Refused: keep the code that builds the graph."""
    raise located(
        RecordValueError("a graph is not saved", notes=("graph.as_text() gives it as StableHLO text",))
    )


import_meta_graph = export_meta_graph
