"""What tests want of a result, as assertions: `check.eq` and its kind become one `shape_assertion` on one flag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.dialects.stablehlo import targets
from irc.ir.attributes import StringAttr
from irc.ir.operation import Value
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.ir.types import ComplexType, FloatType, IntegerType
from irc.passes import expression as E
from irc.passes.expression import Expr, Scope

rules = RewriteSet()


@rules.rewrite("check.eq(x, y) = an assertion that all elements are equal", hlo.CustomCall)
def _check(op: Any, b: Rewriter) -> Sequence[Value] | None:
    holds = CHECKS.get(op.call_target_name)
    if holds is None or not all(v.type.is_static for v in op.operands):
        return None
    scope = Scope(b)
    found, expected = map(scope.of, op.operands)
    every = E.reduce_with(hlo.And, holds(op, found, expected), range(found.rank), True)
    assertion = hlo.CustomCall(
        [every.value], call_target_name=targets.ASSERTION, has_side_effect=True, result_types=[]
    )
    text = f"{op.call_target_name}: elements differ"
    b.emit(assertion.with_attributes(**{targets.MESSAGE: StringAttr(text)}))
    return [every.value][: len(op.results)]


def _equal(op: Any, found: Expr, expected: Expr) -> Expr:
    """Equal, NaN to NaN included."""
    equal = E.eq(found, expected)
    if not isinstance(found.element, FloatType | ComplexType):
        return equal
    return equal | (E.is_nan(found) & E.is_nan(expected))


def _almost_equal(op: Any, found: Expr, expected: Expr) -> Expr:
    given = op.attributes.get("tolerance")
    near = E.absolute(found - expected) <= (targets.TOLERANCE if given is None else given.value)
    return near | _equal(op, found, expected)


def _close(op: Any, found: Expr, expected: Expr) -> Expr:
    if isinstance(found.element, ComplexType):
        return _close(op, E.real(found), E.real(expected)) & _close(op, E.imag(found), E.imag(expected))
    given = op.attributes.get("max_ulp_difference")
    places = [_place(x) for x in (found, expected)]
    apart = E.maximum(*places) - E.minimum(*places)
    unsigned = apart.type.with_element(IntegerType(apart.element.width, "unsigned"))
    apart = apart.scope.emit(hlo.BitcastConvert(apart.value, result_types=[unsigned]))
    close = apart <= (targets.ULPS if given is None else given.value)
    return (close & _is_finite(found) & _is_finite(expected)) | _equal(op, found, expected)


def _place(x: Expr) -> Expr:
    """The number of a float among all of its type in their order, that of zero being 0."""
    element = IntegerType(x.element.width)
    bits = x.scope.emit(hlo.BitcastConvert(x.value, result_types=[x.type.with_element(element)]))
    return E.select(bits < 0, int(np.iinfo(element.numpy).min) - bits, bits)


def _is_finite(x: Expr) -> Expr:
    return x.scope.emit(hlo.IsFinite(x.value))


CHECKS: dict[str, Callable[[Any, Expr, Expr], Expr]] = {
    "check.eq": _equal,
    "check.expect_eq": _equal,
    "check.expect_almost_eq": _almost_equal,
    "check.expect_close": _close,
}
"""For each check, where two tensors pass it."""
