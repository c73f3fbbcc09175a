"""Affine maps: `affine_map<(d0, d1)[s0] -> (d0 + 2, d1 mod 4, 0)>`. They compare and hash by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.ir.attributes import Attribute


@dataclass(frozen=True, slots=True)
class AffineDim:
    """`d0`: a dimension of the map."""

    position: int

    def __str__(self) -> str:
        return f"d{self.position}"


@dataclass(frozen=True, slots=True)
class AffineSymbol:
    """`s0`: a symbol of the map."""

    position: int

    def __str__(self) -> str:
        return f"s{self.position}"


@dataclass(frozen=True, slots=True)
class AffineConstant:
    """An integer."""

    value: int

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class AffineBinary:
    """`operator` is one of + * mod floordiv ceildiv."""

    operator: str
    lhs: AffineExpr
    rhs: AffineExpr

    def __str__(self) -> str:
        def side(e: AffineExpr, bare: bool) -> str:
            return str(e) if bare or not isinstance(e, AffineBinary) else f"({e})"

        # Sums read from the left: one on the right side keeps its parentheses.
        is_sum = self.operator == "+"
        right = is_sum and not (isinstance(self.rhs, AffineBinary) and self.rhs.operator == "+")
        return f"{side(self.lhs, is_sum)} {self.operator} {side(self.rhs, right)}"


AffineExpr = AffineDim | AffineSymbol | AffineConstant | AffineBinary


@dataclass(frozen=True, repr=False)
class AffineMapAttr(Attribute):
    """A map from `dims` dimensions and `symbols` symbols to the values of `results`."""

    dims: int
    symbols: int
    results: tuple[AffineExpr, ...]

    @staticmethod
    def select(dims: int, positions: Sequence[int]) -> AffineMapAttr:
        """`(d0, ..., dn) -> (d[p0], d[p1], ...)`."""
        return AffineMapAttr(dims, 0, tuple(AffineDim(p) for p in positions))

    @property
    def positions(self) -> tuple[int, ...]:
        """The dimension each result is; every result must be a bare dimension."""
        return tuple(e.position for e in self.results if isinstance(e, AffineDim | AffineSymbol))

    def __str__(self) -> str:
        dims = ", ".join(f"d{i}" for i in range(self.dims))
        symbols = f"[{', '.join(f's{i}' for i in range(self.symbols))}]" if self.symbols else ""
        return f"affine_map<({dims}){symbols} -> ({', '.join(map(str, self.results))})>"
