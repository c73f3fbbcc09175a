"""For every op: inputs that work, and an op that breaks each constraint. One module a family, named as the dialect's."""

from samples import (
    collective,
    control,
    dynamic,
    elementwise,
    indexing,
    legacy,
    linalg,
    normalization,
    quantized,
    reduction,
    scan,
    shape,
    transfer,
)
from samples.case import BREAKS, SAMPLES, Break, Sample

__all__ = [
    "BREAKS",
    "SAMPLES",
    "Break",
    "Sample",
    "collective",
    "control",
    "dynamic",
    "elementwise",
    "indexing",
    "legacy",
    "linalg",
    "normalization",
    "quantized",
    "reduction",
    "scan",
    "shape",
    "transfer",
]
