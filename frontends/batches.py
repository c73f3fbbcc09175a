"""A batch that a view has torn apart: `x.view(-1, n)` with the wrong n turns 25 samples into 256 rows without a word.

Rule: inside a module's forward, a view or reshape whose -1 stands for the batch (dimension 0 of a tensor that has the
batch extent of the module's input) must leave whole samples: as many rows as samples, or each sample cut into equal
rows, as (B, T, C).view(-1, C) does. Rows that mix samples are an error."""

from __future__ import annotations

import math
from collections.abc import Sequence

from irc.frontends.errors import ShapeError
from irc.frontends.recorder.storage import located
from irc.frontends.source import Scope, scopes


def check_merged_batch(
    shape: Sequence[int], given: Sequence[int], target: Sequence[int], name: str, instead: str
) -> None:
    """Raises ShapeError where the rule above is broken; `given` is the shape as written, with its -1, and `instead` what
    keeps the batch."""
    scope = scopes.current
    if scope is None or not given or given[0] != -1 or len(given) < 2:
        return
    if len(shape) < 2 or target[0] == shape[0] or shape[0] != scope.root.batch:
        return
    if target[0] % shape[0] == 0:
        return
    raise located(_error(scope, shape, target, name, instead))


def _error(scope: Scope, shape: Sequence[int], target: Sequence[int], name: str, instead: str) -> ShapeError:
    batch, sample = shape[0], math.prod(shape[1:])
    rows, row = target[0], math.prod(target[1:])
    product = "*".join(map(str, shape[1:]))
    written = ", ".join(map(str, target[1:]))
    return ShapeError(
        f"{scope.path}: this {name} turns a batch of {batch} samples into {rows} rows ({batch} \u2192 {rows}): each row of "
        f"{row} values takes from more than one sample",
        notes=(
            f"the tensor is {'x'.join(map(str, shape))}: {sample} values a sample ({product}), and {written} is asked for",
            f"write {instead}, or {product} in place of {row}",
        ),
    )
