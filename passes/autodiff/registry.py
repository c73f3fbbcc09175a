"""The gradient table: which rule an op class has. Rules are in `rules/`, one file for each family of ops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from irc.ir.operation import Operation, Value
from irc.passes.expression import Expr

if TYPE_CHECKING:
    from irc.passes.autodiff.transform import Reverse


@dataclass(frozen=True, slots=True)
class Accumulate:
    """A contribution that is cheaper to write into what is there already than to make whole and add.

    `onto(None)` makes it whole; `onto(g)` is `g` with it added."""

    onto: Callable[[Expr | None], Expr]


Contribution = Expr | Accumulate | None
"""What a rule gives for one operand; None is a zero that is never made."""

Formula = Callable[..., Contribution]


@dataclass(frozen=True, slots=True)
class PerOperand:
    """`formulas[i](g, ans, *operands)` is the cotangent of operand i, given the cotangent `g` of the one
    result `ans`.

    None in place of a formula: the result does not depend on that operand differentiably. A sentence in
    its place: the derivative exists and there is no rule for it, for this reason."""

    formulas: tuple[Formula | str | None, ...]

    def flows(self, index: int) -> bool:
        return self.formulas[index] is not None

    def contribution(self, index: int, g: Expr, ans: Expr, operands: tuple[Expr, ...]) -> Contribution:
        formula = self.formulas[index]
        return formula(g, ans, *operands) if callable(formula) else None

    def missing(self, index: int) -> str | None:
        """Why there is no rule for this operand, where that is so."""
        formula = self.formulas[index]
        return formula if isinstance(formula, str) else None


@dataclass(frozen=True, slots=True)
class Variadic:
    """`formula(i, g, ans, *operands)` is the cotangent of operand i of an op with any number of operands."""

    formula: Formula

    def flows(self, index: int) -> bool:
        return True

    def contribution(self, index: int, g: Expr, ans: Expr, operands: tuple[Expr, ...]) -> Contribution:
        return self.formula(index, g, ans, *operands)


@dataclass(frozen=True, slots=True)
class Adjoint:
    """`apply(reverse, op, gs)` adds the cotangents of everything `op` reads, itself: for ops with several
    results, regions or callees. `gs[i]` is the cotangent of result i, or None."""

    apply: Callable[[Reverse, Any, list[Expr | None]], None]
    activity: Callable[[Any, dict[Value, None]], list[bool]] | None = None
    """`activity(op, active)`: which results depend on the active values; absent: all, if any operand is
    active."""

    def flows(self, index: int) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class NoGradient:
    """The results do not depend on any operand differentiably: `reason` says why."""

    reason: str

    def flows(self, index: int) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Refused:
    """The results have a gradient, for which there is no rule: `reason` says why, in the error."""

    reason: str

    def flows(self, index: int) -> bool:
        return True


Rule = PerOperand | Variadic | Adjoint | NoGradient | Refused

_RULES: dict[type[Operation], Rule] = {}


def defvjp(cls: type[Operation], *formulas: Formula | str | None) -> None:
    """Declares the cotangents of `cls`, one formula `(g, ans, *operands)` (or None) for each operand."""
    _RULES[cls] = PerOperand(formulas)


def defvjp_variadic(cls: type[Operation]) -> Callable[[Formula], Formula]:
    """Declares `(i, g, ans, *operands)` for an op with any number of operands."""

    def declare(formula: Formula) -> Formula:
        _RULES[cls] = Variadic(formula)
        return formula

    return declare


def defadjoint(
    *classes: type[Operation], activity: Callable[[Any, dict[Value, None]], list[bool]] | None = None
) -> Callable[[Any], Any]:
    """Declares `(reverse, op, gs)` for ops that one formula an operand cannot describe."""

    def declare(apply: Any) -> Any:
        for cls in classes:
            _RULES[cls] = Adjoint(apply, activity)
        return apply

    return declare


def nograd(reason: str, *classes: type[Operation]) -> None:
    """Declares that these ops pass no gradient on, and why."""
    for cls in classes:
        _RULES[cls] = NoGradient(reason)


def refuse(reason: str, *classes: type[Operation]) -> None:
    """Declares that there is no rule for these ops though they have gradients, and why."""
    for cls in classes:
        _RULES[cls] = Refused(reason)


def rule_of(cls: type[Operation]) -> Rule | None:
    """The rule of an op class; None where nobody has decided yet."""
    return _RULES.get(cls)


def all_rules() -> dict[type[Operation], Rule]:
    """Every rule, in order of declaration."""
    return dict(_RULES)
