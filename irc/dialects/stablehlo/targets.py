"""Custom calls whose meaning is known: for each target a function of the op and its operands' arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.dialects.stablehlo.numerics import Array
from irc.errors import FailedAssertionError
from irc.ir.attributes import StringAttr
from irc.ir.locations import span_of
from irc.ir.operation import Operation

Meaning = Callable[..., Any]

MEANINGS: dict[str, Meaning] = {}


def meaning(*targets: str) -> Callable[[Meaning], Meaning]:
    """Registers what `stablehlo.custom_call @target` computes."""

    def register(function: Meaning) -> Meaning:
        MEANINGS.update(dict.fromkeys(targets, function))
        return function

    return register


ASSERTION = "shape_assertion"
"""The target by which JAX asserts: the program fails where the first operand, an i1, is false. Its attribute
`error_message` says why, with the other operands in place of `{0}`, `{1}`, ...; it need not be about shapes."""

MESSAGE = "error_message"

ULPS, TOLERANCE = 3, 0.001
"""What check.expect_close and check.expect_almost_eq allow where they do not say."""


@meaning(ASSERTION)
def shape_assertion(op: Operation, holds: Array, *given: Array) -> tuple[()]:
    """Nothing; raises FailedAssertionError where `holds` is false."""
    if holds:
        return ()
    text = assertion_message(op)
    for i, number in enumerate(given):
        text = text.replace(f"{{{i}}}", str(number))
    raise FailedAssertionError(text, span=span_of(op.location))


def assertion_message(op: Operation) -> str:
    """What a `shape_assertion` says when it fails."""
    message = op.attributes.get(MESSAGE)
    return message.value if isinstance(message, StringAttr) else "an assertion does not hold"


@meaning("check.eq", "check.expect_eq")
def check_equal(op: Operation, found: Array, expected: Array) -> tuple[Array, ...]:
    """True; raises FailedAssertionError where two arrays are not equal, NaN to NaN included (a test's way of saying what
    it wants)."""
    return _checked(op, same(found, expected))


@meaning("check.expect_almost_eq")
def check_almost_equal(op: Operation, found: Array, expected: Array) -> tuple[Array, ...]:
    """The same for arrays that differ by no more than TOLERANCE, or the attribute `tolerance`."""
    given: Any = op.attributes.get("tolerance")
    with np.errstate(invalid="ignore"):
        near = np.abs(found - expected) <= (TOLERANCE if given is None else given.value)
    return _checked(op, near | same(found, expected))


@meaning("check.expect_close")
def check_close(op: Operation, found: Array, expected: Array) -> tuple[Array, ...]:
    """The same for floats that are at most ULPS numbers of their type apart, or as many as the attribute
    `max_ulp_difference` says; of complex numbers, each part."""
    if np.iscomplexobj(found):
        parts = (_close(op, f, e) for f, e in ((found.real, expected.real), (found.imag, expected.imag)))
        return _checked(op, np.logical_and(*parts))
    return _checked(op, _close(op, found, expected))


def _close(op: Operation, found: Array, expected: Array) -> Array:
    given: Any = op.attributes.get("max_ulp_difference")
    places = [_place(x) for x in (found, expected)]
    unsigned = f"u{places[0].dtype.itemsize}"
    apart = np.maximum(*places).view(unsigned) - np.minimum(*places).view(unsigned)
    close: Array = apart <= (ULPS if given is None else given.value)
    return close & np.isfinite(found) & np.isfinite(expected) | same(found, expected)


def _place(x: Array) -> Array:
    """The number of a float among all of its type in their order, that of zero being 0."""
    bits = np.ascontiguousarray(x).view(f"i{x.dtype.itemsize}")
    return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits)


def same(found: Array, expected: Array) -> Array:
    """Where two arrays are equal, NaN to NaN included."""
    return (found == expected) | (found != found) & (expected != expected)


def _checked(op: Operation, holds: Array) -> tuple[Array, ...]:
    apart = int(np.sum(~holds))
    if apart:
        text = f"{op.title.rpartition('@')[2]}: {apart} of {holds.size} elements differ"
        raise FailedAssertionError(text, span=span_of(op.location))
    return (np.asarray(True),)[: len(op.results)]
