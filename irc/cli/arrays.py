"""Arrays on the command line: files, shapes to fill with random numbers, and printed results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from irc.errors import IrcError
from irc.ir.text import parse_type
from irc.ir.types import TensorType
from irc.passes.hooks import random_array

_SHORT = re.compile(r"(?P<element>[a-zA-Z]\w*)(?:\[(?P<shape>[\d,\s]*)\])?\Z")


def tensor_type(text: str) -> TensorType:
    """`f32[32,3,32,32]`, `i64`, or MLIR's `tensor<32x10xf32>`. Raises IrcError for anything else."""
    text = text.strip()
    short = _SHORT.match(text)
    if short and not text.startswith("tensor"):
        extents = [n.strip() for n in (short["shape"] or "").split(",") if n.strip()]
        text = f"tensor<{''.join(n + 'x' for n in extents)}{short['element']}>"
    made = parse_type(text)
    if not isinstance(made, TensorType) or not made.is_static:
        raise IrcError(f"'{text}' is no tensor type with known extents; write f32[32,3,32,32]")
    return made


def arguments(types: Sequence[TensorType], files: Sequence[str], seed: int) -> list[np.ndarray[Any, Any]]:
    """One array a type: from the .npy files in order, then random ones."""
    rng = np.random.default_rng(seed)
    arrays: list[np.ndarray[Any, Any]] = []
    for i, t in enumerate(types):
        if i < len(files):
            given = np.load(Path(files[i]), allow_pickle=False)
            if given.shape != t.static_shape:
                raise IrcError(f"{files[i]} has shape {given.shape}, argument {i} is {t}")
            arrays.append(given.astype(t.element.numpy, copy=False))
        else:
            arrays.append(random_array(t, rng))
    return arrays


def describe(array: np.ndarray[Any, Any], type: TensorType) -> str:
    """The type, then the elements, shortened where there are many."""
    return f"{type}\n{np.array2string(np.asarray(array), threshold=64, edgeitems=3)}"
