"""Shape rules with unknown extents: what is inferred must fit what is inferred when all extents are known."""

from __future__ import annotations

from typing import Any

import pytest
from samples import SAMPLES, Sample

from irc.dialects.stablehlo import TensorOp
from irc.ir.operation import Operation, Value
from irc.ir.types import TensorType

RESULT_GIVEN = {
    "stablehlo.bitcast_convert",
    "stablehlo.broadcast_in_dim",
    "stablehlo.convert",
    "stablehlo.dot_general",
    "stablehlo.iota",
    "stablehlo.reshape",
    "stablehlo.rng_bit_generator",
    "stablehlo.uniform_quantize",
}


def hidden(type: Any, which: int) -> Any:
    """The type with every extent unknown (0), or every second one (1, 2)."""
    if not isinstance(type, TensorType):
        return type
    return type.with_shape(
        tuple(None if which == 0 or i % 2 == which - 1 else n for i, n in enumerate(type.shape))
    )


def ops_of(sample: Sample) -> list[Operation]:
    """The sample's own ops; shape operands stay known, since programs say how many components they have."""
    found = [op for op in sample.module().operations[0].regions[0].operations if isinstance(op, TensorOp)]
    return [op for op in found if op.operands and "dynamic" not in op.name and "tuple" not in op.name]


@pytest.mark.parametrize("sample", [s for s in SAMPLES if ops_of(s)], ids=lambda s: s.id)
def test_inference_with_unknown_extents(sample: Sample) -> None:
    for op in ops_of(sample):
        for which in range(3):
            operands = [Value(hidden(v.type, which)) for v in op.operands]
            given = op.result_types if op.name in RESULT_GIVEN else ()
            blurred = type(op).create(operands, given, op.attributes, op.regions)
            # The known result is a special case of what is inferred, and extents that are inferred are right.
            op.check_results(blurred.infer())
