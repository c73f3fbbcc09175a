"""Extents that are known only when running: polynomials with integer coefficients over named sizes.

An `Extent` goes wherever an extent, a stride or a number of bytes goes, and adds, multiplies and divides as an int does;
a result that no size is left in is an int. Every named size is at least 1. What bounds alone decide may be compared and
tested; anything else raises Undecided, so that no code is made for one size that another would need differently."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from irc.errors import UnsupportedError

TYPICAL = 64
"""What a named size is taken to be where a choice among right answers is only one of speed."""

_Number = int if TYPE_CHECKING else object
"""To a type checker an Extent is an int, as it goes where ints go; when running it is not one, so that what takes only
ints fails."""


class Undecided(UnsupportedError):
    """A question that has different answers for different sizes."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A factor that is no product or sum: a named `size`, or `quotient`, `remainder`, `greatest`, `least` of two parts."""

    kind: str
    parts: tuple[Any, ...]

    def __str__(self) -> str:
        match self.kind, self.parts:
            case "size", (name,):
                return str(name)
            case "quotient", (x, y):
                return f"(({x}) // {y})"
            case "remainder", (x, y):
                return f"(({x}) % {y})"
            case _, (x, y):
                return f"{'max' if self.kind == 'greatest' else 'min'}({x}, {y})"
        raise AssertionError(self.kind)

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The least and the greatest value it can have, None where there is none."""
        if self.kind == "size":
            return 1, None
        (low, high), (least, most) = map(bounds, self.parts)
        match self.kind:
            case "quotient":
                return None if low is None else low // self.parts[
                    1
                ], None if high is None else high // self.parts[1]
            case "remainder":
                return 0, self.parts[1] - 1
            case "greatest":
                above = [n for n in (low, least) if n is not None]
                return max(above, default=None), None if high is None or most is None else max(high, most)
        below = [n for n in (high, most) if n is not None]
        return None if low is None or least is None else min(low, least), min(below, default=None)

    def at(self, sizes: Mapping[str, int]) -> int:
        if self.kind == "size":
            return sizes[self.parts[0]]
        x, y = (at(part, sizes) for part in self.parts)
        match self.kind:
            case "quotient":
                return x // y
            case "remainder":
                return x % y
            case "greatest":
                return max(x, y)
        return min(x, y)


Factors = tuple[Atom, ...]
"""A product of atoms, sorted by their text."""


class Extent(_Number):  # type: ignore[misc, valid-type]
    """A sum of products of atoms; at least one of them is there (else it would be an int)."""

    terms: tuple[tuple[Factors, int], ...]

    def __new__(cls, terms: tuple[tuple[Factors, int], ...]) -> Extent:
        made = object.__new__(cls)
        made.terms = terms
        return made

    @cached_property
    def bounds(self) -> tuple[int | None, int | None]:
        low: int | None = 0
        high: int | None = 0
        for factors, count in self.terms:
            least, most = _product([a.bounds for a in factors])
            if count < 0:
                least, most = most, least
            low = None if low is None or least is None else low + least * count
            high = None if high is None or most is None else high + most * count
        return low, high

    @cached_property
    def text(self) -> str:
        parts = []
        for factors, count in self.terms:
            shown = [str(a) for a in factors]
            if count != 1 or not shown:
                shown.insert(0, str(count))
            parts.append("*".join(shown))
        return " + ".join(parts)

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(self.text, spec)

    def __hash__(self) -> int:
        return hash(self.terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Extent) and self.terms == other.terms

    def __ne__(self, other: object) -> bool:
        return not self == other

    # Arithmetic.

    def __add__(self, other: int) -> int:
        return _sum((*self.terms, *_terms(other)))

    __radd__ = __add__

    def __neg__(self) -> int:
        return self * -1

    def __sub__(self, other: int) -> int:
        return self + other * -1

    def __rsub__(self, other: int) -> int:
        return self * -1 + other

    def __mul__(self, other: int) -> int:
        pairs = ((x, y) for x in self.terms for y in _terms(other))
        return _sum((_sorted((*a, *b)), m * n) for (a, m), (b, n) in pairs)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> int:
        return quotient(self, other)

    def __rfloordiv__(self, other: int) -> int:
        return quotient(other, self)

    def __mod__(self, other: int) -> int:
        return remainder(self, other)

    def __rmod__(self, other: int) -> int:
        return remainder(other, self)

    def __divmod__(self, other: int) -> tuple[int, int]:
        return quotient(self, other), remainder(self, other)

    def __truediv__(self, other: Any) -> float:
        raise Undecided(f"{self} / {other} is not a whole number for every size")

    __rtruediv__ = __truediv__

    def __abs__(self) -> int:
        return self if self >= 0 else -self

    # Questions.

    def __lt__(self, other: int) -> bool:
        return _decided(other - self, 1, f"{self} < {other}")

    def __le__(self, other: int) -> bool:
        return _decided(other - self, 0, f"{self} <= {other}")

    def __gt__(self, other: int) -> bool:
        return _decided(self - other, 1, f"{self} > {other}")

    def __ge__(self, other: int) -> bool:
        return _decided(self - other, 0, f"{self} >= {other}")

    def __bool__(self) -> bool:
        low, high = self.bounds
        if (low is not None and low > 0) or (high is not None and high < 0):
            return True
        raise Undecided(f"whether {self} is 0 is not known for every size")

    def __index__(self) -> int:
        raise Undecided(f"{self} is not one number for every size")

    __int__ = __index__

    def __float__(self) -> float:
        raise Undecided(f"{self} is not one number for every size")


def size(name: str) -> int:
    """The extent that is a named size."""
    return Extent((((Atom("size", (name,)),), 1),))


def _terms(x: int) -> tuple[tuple[Factors, int], ...]:
    if isinstance(x, Extent):
        return x.terms
    return (((), x),) if x else ()


def _sorted(factors: Iterable[Atom]) -> Factors:
    return tuple(sorted(factors, key=str))


def _sum(terms: Iterable[tuple[Factors, int]]) -> int:
    total: dict[Factors, int] = {}
    for factors, count in terms:
        total[factors] = total.get(factors, 0) + count
    kept = {f: n for f, n in total.items() if n}
    if not kept or list(kept) == [()]:
        return kept.get((), 0)
    order = sorted(kept, key=lambda f: (-len(f), [str(a) for a in f]))
    return Extent(tuple((f, kept[f]) for f in order))


def _atom(kind: str, *parts: int) -> int:
    return Extent((((Atom(kind, parts),), 1),))


def bounds(x: int) -> tuple[int | None, int | None]:
    """The least and the greatest value of an extent over all sizes, None where there is none."""
    return x.bounds if isinstance(x, Extent) else (x, x)


def _product(parts: Iterable[tuple[int | None, int | None]]) -> tuple[int | None, int | None]:
    """The bounds of a product of factors; unknown where one of them may be negative."""
    low: int = 1
    high: int | None = 1
    for least, most in parts:
        if least is None or least < 0:
            return None, None
        low *= least
        high = None if high is None or most is None else high * most
    return low, high


def _decided(difference: int, least: int, question: str) -> bool:
    """Whether `difference` >= `least`."""
    low, high = bounds(difference)
    if low is not None and low >= least:
        return True
    if high is not None and high < least:
        return False
    raise Undecided(f"whether {question} is not known for every size")


def quotient(x: int, y: int) -> int:
    """x / y rounded down. Raises Undecided for a divisor that is no number and does not divide x."""
    if not isinstance(x, Extent) and not isinstance(y, Extent):
        return x // y
    exact = divided(x, y)
    if exact is not None:
        return exact
    if isinstance(y, Extent):
        low, high = bounds(x)
        if low is not None and low >= 0 and bounds(y - x)[0] not in (None, 0) and bounds(y - x)[0] > 0:  # type: ignore[operator]
            return 0
        raise Undecided(f"{x} // {y} is not known for every size")
    if y < 0:
        raise Undecided(f"{x} // {y} is not supported")
    if all(n < 0 for _, n in _terms(x)):
        return -quotient(-x + (y - 1), y)
    whole = _sum((f, n // y) for f, n in _terms(x))
    rest = _sum((f, n % y) for f, n in _terms(x))
    low, high = bounds(rest)
    if low is not None and high is not None and low // y == high // y:
        return whole + low // y
    if low is not None and low < 0:  # code divides what is not negative
        return whole + low // y + _atom("quotient", rest - low // y * y, y)
    return whole + _atom("quotient", rest, y)


def remainder(x: int, y: int) -> int:
    """x modulo y; raises Undecided like `quotient`."""
    if not isinstance(x, Extent) and not isinstance(y, Extent):
        return x % y
    if divided(x, y) is not None:
        return 0
    if isinstance(y, Extent):
        return x - quotient(x, y) * y
    rest = _sum((f, n % y) for f, n in _terms(x))
    low, high = bounds(rest)
    if low is not None and high is not None and low // y == high // y:
        return rest - low // y * y
    if low is not None and low < 0:
        rest = rest - low // y * y
    return _atom("remainder", rest, y)


def divided(x: int, y: int) -> int | None:
    """x / y where that leaves no rest, whatever the sizes; else None. Long division by the leading term."""
    if y == 0:
        return None
    (lead, by), found, rest = _terms(y)[0], 0, x
    for _ in range(4 * len(_terms(x)) + 1):
        if isinstance(rest, int) and rest == 0:
            return found
        factors, count = _terms(rest)[0]
        left = list(factors)
        for atom in lead:
            if atom not in left:
                return None
            left.remove(atom)
        if count % by:
            return None
        step = _sum([(tuple(left), count // by)])
        found, rest = found + step, rest - step * y
    return None


def divides(y: int, x: int) -> bool:
    """Whether x is a multiple of y, whatever the sizes."""
    return divided(x, y) is not None if isinstance(x, Extent) or isinstance(y, Extent) else x % y == 0


def greatest(x: int, y: int) -> int:
    """The larger of two extents: one of them where bounds decide, else an extent that is computed when running."""
    for a, b in ((x, y), (y, x)):
        if decides(lambda a=a, b=b: a >= b, False):  # type: ignore[misc]
            return a
    return _atom("greatest", *sorted((x, y), key=str))


def least(x: int, y: int) -> int:
    """The smaller of two extents."""
    for a, b in ((x, y), (y, x)):
        if decides(lambda a=a, b=b: a <= b, False):  # type: ignore[misc]
            return a
    return _atom("least", *sorted((x, y), key=str))


def ceildiv(x: int, y: int) -> int:
    """x / y rounded up."""
    return -(-x // y) if not isinstance(x, Extent) else quotient(x + (y - 1), y)


def decides(question: Callable[[], bool], otherwise: bool) -> bool:
    """The answer to a question about extents; `otherwise` where it is not the same for every size."""
    try:
        return question()
    except Undecided:
        return otherwise


def at_most(x: int, y: int) -> bool:
    """Whether x <= y for every size."""
    return decides(lambda: x <= y, False)


def at(x: int, sizes: Mapping[str, int]) -> int:
    """The number an extent is for sizes of its names."""
    if not isinstance(x, Extent):
        return x
    return sum(n * prod(a.at(sizes) for a in factors) for factors, n in x.terms)


def typical(x: int, size: int = TYPICAL) -> int:
    """The number an extent is taken to be where any number gives right code: every name is `size`."""
    return at(x, dict.fromkeys(names(x), size))


def names(x: int) -> list[str]:
    """The sizes an extent depends on."""
    found: dict[str, None] = {}
    stack: list[Any] = [x]
    while stack:
        item = stack.pop()
        if isinstance(item, Extent):
            for factors, _ in reversed(item.terms):
                for atom in reversed(factors):
                    if atom.kind == "size":
                        found[atom.parts[0]] = None
                    else:
                        stack.extend(reversed(atom.parts))
    return list(found)


def replaced(x: int, name: str, by: int) -> int:
    """The extent with another in a named size's place."""
    if not isinstance(x, Extent):
        return x
    total = 0
    for factors, count in x.terms:
        product = count
        for atom in factors:
            product = product * _replaced_atom(atom, name, by)
        total = total + product
    return total


_MAKERS: dict[str, Callable[[int, int], int]] = {
    "quotient": quotient,
    "remainder": remainder,
    "greatest": greatest,
    "least": least,
}


def _replaced_atom(atom: Atom, name: str, by: int) -> int:
    if atom.kind == "size":
        return by if atom.parts[0] == name else Extent((((atom,), 1),))
    x, y = (replaced(part, name, by) for part in atom.parts)
    return _MAKERS[atom.kind](x, y)


def parsed(text: str) -> int:
    """The extent that `str` wrote."""
    return _read(ast.parse(text, mode="eval").body)


def parsed_shape(text: str) -> tuple[int, ...]:
    """The extents that `str` wrote, with commas between them."""
    return tuple(map(_read, ast.parse(f"[{text}]", mode="eval").body.elts))  # type: ignore[attr-defined]


def _read(node: ast.AST) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.Name(id=name):
            return size(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_read(operand)
        case ast.BinOp(left=left, op=op, right=right):
            x, y = _read(left), _read(right)
            match op:
                case ast.Add():
                    return x + y
                case ast.Mult():
                    return x * y
                case ast.FloorDiv():
                    return quotient(x, y)
                case ast.Mod():
                    return remainder(x, y)
        case ast.Call(func=ast.Name(id=name), args=[a, b]):
            return (greatest if name == "max" else least)(_read(a), _read(b))
    raise UnsupportedError(f"no extent: {ast.unparse(node) if isinstance(node, ast.expr) else node}")
