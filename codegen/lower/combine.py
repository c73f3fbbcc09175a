"""A reduction's body, applied to values that are already in a kernel: scalars or tiles alike."""

from __future__ import annotations

from collections.abc import Sequence

from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.elementwise import lower_elementwise
from irc.codegen.lower.group import kernel_element
from irc.codegen.lower.narrow_formats import stored
from irc.dialects import stablehlo as hlo
from irc.dialects import vector
from irc.errors import UnsupportedError
from irc.ir.locations import span_of
from irc.ir.operation import Region, Value
from irc.ir.types import VectorType


def apply_region(b: KernelBuilder, region: Region, values: Sequence[Value]) -> list[Value]:
    """The results of a region of elementwise ops on scalars, for `values` of one shape each.

    Raises UnsupportedError, naming the op, where the region holds anything else."""
    known = dict(zip(region.arguments, values, strict=True))
    shape = next((v.type.shape for v in values if isinstance(v.type, VectorType)), None)
    for op in region.operations:
        if op.terminator:
            return [known[v] for v in op.operands]
        if isinstance(op, hlo.Constant):
            element = kernel_element(op.result.type.element)
            t = VectorType(shape, element) if shape is not None else element
            known[op.result] = b.constant(stored(op.value.splat_array[()], op.result.type.element), t)
        elif getattr(op, "elementwise", False) and all(o in known for o in op.operands):
            with b.at(op.location):
                known[op.results[0]] = lower_elementwise(
                    b, op, [_like(b, known[o], shape) for o in op.operands]
                )
        else:
            raise UnsupportedError(
                f"'{op.name}' inside a reduction's body is not supported", span=span_of(op.location)
            )
    raise AssertionError("a region ends in a terminator")


def _like(b: KernelBuilder, value: Value, shape: tuple[int | None, ...] | None) -> Value:
    if shape is None or isinstance(value.type, VectorType):
        return value
    return b.emit(vector.Broadcast(value, result_types=[VectorType(shape, value.type)]))
