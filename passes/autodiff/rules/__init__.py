"""The gradient table, one file for each family of ops in `irc.dialects`. Importing it declares every rule."""

from irc.passes.autodiff.rules import (
    chlo,
    collective,
    control,
    custom,
    dynamic,
    elementwise,
    fft,
    function,
    indexing,
    legacy,
    linalg,
    normalization,
    random,
    reduction,
    shape,
    sorting,
)

__all__ = [
    "chlo",
    "collective",
    "control",
    "custom",
    "dynamic",
    "elementwise",
    "fft",
    "function",
    "indexing",
    "legacy",
    "linalg",
    "normalization",
    "random",
    "reduction",
    "shape",
    "sorting",
]
