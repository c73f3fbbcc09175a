"""Differences from XLA that are known and have a reason, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from irc.dialects.builtin import Module
from irc.ir.types import ComplexType


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


DIFFERENCES: tuple[Explanation, ...] = (
    Explanation(
        "XLA's complex sine, cosine and tangent lose imaginary parts far below 1: they go through differences of exponentials",
        complex_operands("stablehlo.sine", "stablehlo.cosine", "stablehlo.tan", "chlo.tan"),
    ),
)
"""XLA gives other results, and may."""

REFUSALS: dict[str, str] = {}
"""What XLA says when it takes no such program (a part of its message), and why that is so."""

FATAL: tuple[Explanation, ...] = ()
"""What must not be given to XLA: it ends the process."""
