"""Affine maps read from their MLIR text: `(d0, d1)[s0] -> (d0 + s0 * 4, d1 mod 8)`."""

from __future__ import annotations

from typing import Any

from irc.ir.affine import AffineBinary, AffineConstant, AffineDim, AffineExpr, AffineMapAttr, AffineSymbol
from irc.ir.cursor import Cursor

Names = dict[str, AffineExpr]


def read_map(c: Cursor) -> AffineMapAttr:
    """What stands between the angle brackets of `affine_map<...>`."""
    dims = c.list_of(lambda: c.word("a dimension"), "(", ")")
    symbols = c.list_of(lambda: c.word("a symbol")) if c.peek("[") else []
    names: Names = {name: AffineDim(i) for i, name in enumerate(dims)}
    names.update((name, AffineSymbol(i)) for i, name in enumerate(symbols))
    c.expect("->")
    results = c.list_of(lambda: _sum(c, names), "(", ")")
    return AffineMapAttr(len(dims), len(symbols), tuple(results))


def _sum(c: Cursor, names: Names) -> AffineExpr:
    found = _product(c, names)
    while True:
        if c.accept("+"):
            found = AffineBinary("+", found, _product(c, names))
        elif c.peek("-") and not c.peek("->"):
            c.accept("-")
            found = AffineBinary("+", found, _negated(_product(c, names)))
        else:
            return found


def _product(c: Cursor, names: Names) -> AffineExpr:
    found = _atom(c, names)
    while True:
        operator: Any = (
            "*"
            if c.accept("*")
            else next((w for w in ("mod", "floordiv", "ceildiv") if c.accept_word(w)), None)
        )
        if operator is None:
            return found
        found = AffineBinary(operator, found, _atom(c, names))


def _atom(c: Cursor, names: Names) -> AffineExpr:
    if c.accept("("):
        found = _sum(c, names)
        c.expect(")")
        return found
    number = c.optional_integer()
    if number is not None:
        return AffineConstant(number)
    if c.accept("-"):
        return _negated(_atom(c, names))
    start = c.skip()
    name = c.word("a dimension, a symbol or an integer")
    if name not in names:
        raise c.error(f"'{name}' is not a dimension or symbol of this map", start, c.pos)
    return names[name]


def _negated(e: AffineExpr) -> AffineExpr:
    return (
        AffineConstant(-e.value)
        if isinstance(e, AffineConstant)
        else AffineBinary("*", e, AffineConstant(-1))
    )
