"""tf.train: checkpoints, in files of named arrays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.errors import NotFoundError
from irc.frontends.tensorflow.module import Module
from irc.frontends.tensorflow.variable import Variable

SUFFIX = ".index"
"""The file of a checkpoint; its arrays are in NumPy's .npz format."""


def _named(value: Any, path: str, found: dict[str, Any], seen: dict[int, Any]) -> None:
    """The variables below an object, by the attributes that lead to them."""
    if id(value) in seen:
        return
    if isinstance(value, Variable):
        seen[id(value)] = value
        found[path] = value
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            _named(item, f"{path}/{i}", found, seen)
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            _named(value[key], f"{path}/{key}", found, seen)
    elif isinstance(value, Module) and type(value).variables is Module.variables:
        seen[id(value)] = value
        for key in sorted(vars(value)):
            if not key.startswith("_irc"):
                _named(vars(value)[key], f"{path}/{key}", found, seen)
    elif hasattr(type(value), "variables"):
        seen[id(value)] = value
        for i, v in enumerate(value.variables):
            _named(v, f"{path}/{i}", found, seen)


class Status:
    """What `restore` gives: says whether everything was found."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing

    def assert_consumed(self) -> Status:
        """ValueError where a variable has no value in the file."""
        if self.missing:
            raise located(RecordValueError(f"the checkpoint has no value for {', '.join(self.missing)}"))
        return self

    assert_existing_objects_matched = assert_nontrivial_match = assert_consumed

    def expect_partial(self) -> Status:
        """Itself: nothing is said of values that a checkpoint has no use for."""
        return self


class Checkpoint:
    """Saves and restores the variables of objects given by name."""

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        self._objects = dict(kwargs) if root is None else {"root": root, **kwargs}
        self.save_counter = Variable(np.int64(0), trainable=False, name="save_counter")
        for name, value in kwargs.items():
            setattr(self, name, value)

    def _variables(self) -> dict[str, Any]:
        found: dict[str, Any] = {"save_counter": self.save_counter}
        seen: dict[int, Any] = {}
        for name, value in self._objects.items():
            _named(value, name, found, seen)
        return found

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Saves under exactly this name."""
        path = Path(str(file_prefix) + SUFFIX)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: v.numpy() for name, v in self._variables().items()}
        with path.open("wb") as file:
            np.savez(file, **{name.replace("/", "|"): a for name, a in arrays.items()})
        return str(file_prefix)

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Saves under the name with a number that counts up."""
        self.save_counter.assign_add(1)
        return self.write(f"{file_prefix}-{int(self.save_counter.numpy())}")

    def read(self, save_path: Any, options: Any = None) -> Status:
        """Gives the variables the saved values."""
        path = Path(str(save_path) + SUFFIX)
        if not path.exists():
            raise located(
                NotFoundError(
                    f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {save_path}"
                )
            )
        with np.load(path) as file:
            arrays = {name.replace("|", "/"): file[name] for name in file.files}
        missing = []
        for name, variable in self._variables().items():
            if name in arrays:
                variable.assign(arrays[name])
            else:
                missing.append(name)
        return Status(missing)

    def restore(self, save_path: Any, options: Any = None) -> Status:
        """As read; nothing happens for None."""
        return Status([]) if save_path is None else self.read(save_path)


def latest_checkpoint(checkpoint_dir: Any, latest_filename: Any = None) -> str | None:
    """The checkpoint with the highest number in a folder; None where there is none."""
    found = sorted(Path(checkpoint_dir).glob("*" + SUFFIX), key=_number)
    return str(found[-1])[: -len(SUFFIX)] if found else None


def _number(path: Path) -> tuple[int, str]:
    match = re.search(r"-(\d+)\.index$", path.name)
    return (int(match.group(1)) if match else -1, path.name)


class CheckpointManager:
    """Keeps the latest checkpoints of a folder."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None,
        checkpoint_name: str = "ckpt",
        **options: Any,
    ) -> None:
        self.checkpoint = checkpoint
        self.directory = str(directory)
        self._keep = max_to_keep
        self._prefix = str(Path(directory) / checkpoint_name)

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of the files kept, the oldest first."""
        found = sorted(Path(self.directory).glob("*" + SUFFIX), key=_number)
        return [str(f)[: -len(SUFFIX)] for f in found]

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the newest files, or None."""
        return latest_checkpoint(self.directory)

    def save(self, checkpoint_number: Any = None, **options: Any) -> str:
        """Saves, and removes what is too old."""
        if checkpoint_number is None:
            path = self.checkpoint.save(self._prefix)
        else:
            path = self.checkpoint.write(f"{self._prefix}-{int(checkpoint_number)}")
        if self._keep is not None:
            for old in self.checkpoints[: -self._keep]:
                Path(old + SUFFIX).unlink()
        return path

    def restore_or_initialize(self) -> str | None:
        """Restores the newest checkpoint where there is one; gives its prefix."""
        latest = self.latest_checkpoint
        if latest is not None:
            self.checkpoint.restore(latest)
        return latest
