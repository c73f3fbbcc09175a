"""Differences from XLA that are known and have a reason, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.ir.types import ComplexType, IntegerType


@dataclass(frozen=True)
class Explanation:
    """`applies` says of which modules it speaks."""

    reason: str
    applies: Callable[[Module], bool]


def holds(*names: str) -> Callable[[Module], bool]:
    """Of modules with one of these ops."""
    return lambda module: any(op.name in names for op in module.walk())


def complex_operands(*names: str) -> Callable[[Module], bool]:
    """Of modules with one of these ops on complex numbers."""
    return lambda module: any(
        op.name in names and isinstance(getattr(op.operands[0].type, "element", None), ComplexType)
        for op in module.walk()
    )


def grouped_convolution(module: Module) -> bool:
    """Whether a convolution has groups."""
    return any(
        op.name == "stablehlo.convolution"
        and any(op.attributes[key].value > 1 for key in ("feature_group_count", "batch_group_count"))  # type: ignore[attr-defined]
        for op in module.walk()
    )


def integer_power(module: Module) -> bool:
    """Whether integers are raised to a power."""
    return any(
        op.name == "stablehlo.power" and isinstance(op.operands[0].type.element, IntegerType)
        for op in module.walk()
    )


DIFFERENCES: tuple[Explanation, ...] = (
    Explanation(
        "XLA's complex sine, cosine and tangent lose imaginary parts far below 1: they go through differences of exponentials",
        complex_operands("stablehlo.sine", "stablehlo.cosine", "stablehlo.tan", "chlo.tan"),
    ),
    Explanation(
        "XLA's complex atan2 is a logarithm of a number near 1: what is near 0 is as exact as 1 is",
        complex_operands("stablehlo.atan2"),
    ),
    Explanation(
        "XLA normalizes as x * a + (offset - mean * a): what is near 0 is as exact as the larger of these is",
        holds("stablehlo.batch_norm_inference"),
    ),
    Explanation(
        "XLA's powers of integers past 32 bits are not those modulo 2 ** 32 (3 ** 100, say)", integer_power
    ),
    Explanation(
        "XLA makes one convolution of groups, with zeros between them: what is infinite in one group is NaN in the others",
        grouped_convolution,
    ),
)
"""XLA gives other results, and may."""

REFUSALS: dict[str, str] = {
    "expected 'sizes'": "MLIR's own text of a dynamic_slice of one number is none that MLIR reads",
    "Failed after scatter_simplifier": "XLA's simplifier of scatters makes programs that XLA's verifier refuses",
}
"""What XLA says when it takes no such program (a part of its message), and why that is so."""


def narrowed_bits(module: Module) -> bool:
    """Whether integers are made narrower, and bits are combined by `and` or `or`."""
    names = {op.name for op in module.walk()}
    narrowed = any(
        op.name == "stablehlo.convert"
        and isinstance(op.operands[0].type.element, IntegerType)
        and isinstance(op.results[0].type.element, IntegerType)
        and 1 < op.results[0].type.element.width < op.operands[0].type.element.width
        for op in module.walk()
    )
    return narrowed and bool(names & {"stablehlo.and", "stablehlo.or"})


FATAL: tuple[Explanation, ...] = (
    Explanation("`and` or `or` of integers that were made narrower ends XLA's compiler", narrowed_bits),
)
"""What must not be given to XLA: it ends the process."""
