"""Attributes as they are always spelled: what stands at its default is left out, lists without order are sorted, slices end
behind their last element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.dialects.stablehlo import Reduce, Reverse, Slice
from irc.ir.attributes import Attribute
from irc.ir.operation import Operation
from irc.ir.rewriting import Rewriter


def _all(value: Any) -> Callable[[Any], bool]:
    return lambda given: all(v == value for v in given)


_DEFAULTS: dict[str, Callable[[Any], bool]] = {
    "precision_config": _all("DEFAULT"),
    "result_accuracy": lambda accuracy: getattr(accuracy, "mode", "") == "DEFAULT",
    # The element type says all but this one.
    "compare_type": lambda kind: kind != "TOTALORDER",
    "window_strides": _all(1),
    "lhs_dilation": _all(1),
    "rhs_dilation": _all(1),
    "base_dilations": _all(1),
    "window_dilations": _all(1),
    "padding": lambda pairs: not any(map(any, pairs)),
    "window_reversal": lambda flags: not any(flags),
    # Promises to a compiler, which change no result.
    "indices_are_sorted": lambda flag: True,
    "unique_indices": lambda flag: True,
}
"""Optional attributes, and which of their values say no more than their absence."""

_UNORDERED: dict[type[Operation], str] = {Reduce: "dimensions", Reverse: "dimensions"}


class Spelling(Rewriter):
    """Brings ops over with their attributes spelled the one way; discardable attributes go."""

    def mapped(self, op: Operation) -> Operation:
        made = super().mapped(op)
        attributes = spelled(made)
        if attributes == made.attributes or not op.dialect:
            return made
        return type(made).create(
            made.operands, made.result_types, attributes, made.regions, made.location, made.successors
        )


def _just_enough(op: Slice) -> dict[str, Attribute]:
    """Limits right behind the last element that is taken; strides of 1 where there is only one."""
    extents = op.result.type.static_shape
    strides = tuple(s if n > 1 else 1 for n, s in zip(extents, op.strides, strict=True))
    limits = tuple(
        start + max((n - 1) * s + 1, 0)
        for start, n, s in zip(op.start_indices, extents, strides, strict=True)
    )
    return Slice(op.operand, start_indices=op.start_indices, limit_indices=limits, strides=strides).attributes


def spelled(op: Operation) -> dict[str, Attribute]:
    """The op's attributes without defaults and without those it does not declare."""
    fields = op.attribute_fields
    kept: dict[str, Attribute] = {}
    for key, attribute in op.attributes.items():
        field = fields.get(key)
        if field is None:
            if key in ("operandSegmentSizes", "resultSegmentSizes"):
                kept[key] = attribute
            continue
        is_default = _DEFAULTS.get(key)
        if field.optional and is_default is not None and is_default(field.codec.decode(attribute)):
            continue
        kept[key] = attribute
    if isinstance(op, Slice):
        kept |= _just_enough(op)
    unordered = _UNORDERED.get(type(op))
    if unordered in kept:
        codec = fields[unordered].codec
        kept[unordered] = codec.encode(sorted(codec.decode(kept[unordered])))
    return kept
