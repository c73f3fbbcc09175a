"""Gradients of custom calls to LAPACK, routine by routine (Giles, "Collected matrix derivative results", 2008; Townsend,
"Differentiating the singular value decomposition", 2016). Householder's routines are differentiated through their loops.

Formulas are of G, the conjugate of a cotangent g: cotangents are those of the transpose. Where a routine is holomorphic
(getrf, trsm, gtsv) they are the same of g. What stands in a triangle that a routine does not read, and in a result that it does not fill, has
the gradient of what it is: a copy, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.stablehlo.lapack import parameters, targets
from irc.ir.attributes import DictionaryAttr, IntegerAttr
from irc.ir.builder import Builder
from irc.ir.types import ComplexType, TensorType, i32, ui8
from irc.passes.autodiff.loops import counted_loop
from irc.passes.autodiff.registry import defadjoint
from irc.passes.autodiff.rules.linalg import (
    adjoint,
    cholesky_cotangent,
    halved_triangle,
    matmul,
    solve,
    transposed,
    triangle,
    triangular_solve_cotangents,
)
from irc.passes.autodiff.transform import Reverse
from irc.passes.expand.lapack import ROUTINES as LOOPS
from irc.passes.expression import (
    Expr,
    Scope,
    broadcast,
    concatenate,
    conj,
    convert,
    eq,
    make_complex,
    pad,
    real,
    reduce_sum,
    select,
    slice,
    zeros_like,
)

CONFIG = "mhlo.backend_config"
"""The attribute that holds what a call passes to its routine."""

Cotangents = list[Expr | None]
RULES: dict[str, Callable[[Reverse, Any, Cotangents], None]] = {}


@defadjoint(hlo.CustomCall)
def custom_call_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """By the name of what is called."""
    rule = RULES.get(op.call_target_name)
    if rule is None:
        raise reverse.refusal(op, f"has no gradient: what @{op.call_target_name} computes is not known")
    rule(reverse, op, gs)


def routine(*names: str) -> Callable[[Any], Any]:
    """Registers the rule of LAPACK's routines."""

    def register(rule: Any) -> Any:
        RULES.update(dict.fromkeys(targets(*names), rule))
        return rule

    return register


def given(reverse: Reverse, op: Any, gs: Cotangents, i: int) -> Expr:
    """The cotangent of result i, zeros where it has none."""
    g = gs[i]
    return zeros_like(reverse.scope.of(op.results[i])) if g is None else g


def rows_and_columns(x: Expr, rows: tuple[int, int], columns: tuple[int, int]) -> Expr:
    """A block of each matrix."""
    batch = x.shape[:-2]
    start = (0,) * len(batch)
    return slice(x, (*start, rows[0], columns[0]), (*batch, rows[1], columns[1]))


def diagonal_matrix(x: Expr) -> Expr:
    """Matrices with the numbers of each vector on their diagonals."""
    *batch, n = x.shape
    return triangle(broadcast(x, (*batch, n, n), range(x.rank)), "EQ")


def scaled_columns(x: Expr, by: Expr) -> Expr:
    """Column j of each matrix times number j."""
    return x * broadcast(by, x.shape, [*range(x.rank - 2), x.rank - 1])


def differences(x: Expr, y: Expr) -> Expr:
    """1 / (x_j - y_i) in row i, column j; 0 on the diagonal."""
    *batch, n = x.shape
    shape = (*batch, n, n)
    lead = range(len(batch))
    apart = broadcast(x, shape, [*lead, x.rank]) - broadcast(y, shape, range(x.rank))
    return triangle(1 / triangle(apart, "NE", 1), "NE")


@routine("potrf")
def potrf_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """Cholesky's, and the triangle that is copied."""
    g = gs[0]
    if g is None:
        return
    lower = parameters(op).get("uplo", "L") == "L"
    read = cholesky_cotangent(reverse.scope.of(op.results[0]), g, lower)
    reverse.add(
        op.operands[0], triangle(read, "GE" if lower else "LE") + triangle(g, "LT" if lower else "GT")
    )


@routine("trsm")
def trsm_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """That of triangular_solve."""
    (g,) = gs
    assert g is not None
    read = parameters(op)
    a, _ = map(reverse.scope.of, op.operands)
    ans = reverse.scope.of(op.results[0])
    turned, left = read.get("trans_x", "N") != "N", read.get("side") == "L"
    lower, unit = read.get("uplo") == "L", read.get("diag") == "U"
    conjugated = read.get("trans_x") == "C"
    a = conj(a) if conjugated else a
    g_a, g_b = triangular_solve_cotangents(a, ans, g, left, turned, lower, unit)
    reverse.add(op.operands[0], conj(g_a) if conjugated else g_a)
    reverse.add(op.operands[1], g_b)


@routine("getrf")
def getrf_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """With P A = L U square: P' L^-T (stril(L^T g) + triu(g U^T)) U^-T. A tall A2 = L2 U and a wide A2 = L U2 are solved
    for, and what L2 and U2 depend on is taken from the cotangents of L and U first."""
    g = gs[0]
    if g is None:
        return
    lu = reverse.scope.of(op.results[0])
    m, n = lu.shape[-2:]
    k = min(m, n)
    square, g_square = (rows_and_columns(x, (0, k), (0, k)) for x in (lu, g))
    g_lower, g_upper = triangle(g_square, "GT"), triangle(g_square, "LE")
    parts: list[Expr] = []
    if m > k:
        below = rows_and_columns(lu, (k, m), (0, n))
        g_below = rows_and_columns(g, (k, m), (0, n))
        parts.append(solve(square, g_below, left=False, turned=True, lower=False))
        g_upper = triangle(g_upper - matmul(transposed(below), parts[0]), "LE")
    if n > k:
        beside = rows_and_columns(lu, (0, m), (k, n))
        g_beside = rows_and_columns(g, (0, m), (k, n))
        parts.append(solve(square, g_beside, left=True, turned=True, lower=True, unit=True))
        g_lower = triangle(g_lower - matmul(parts[0], transposed(beside)), "GT")
    lower = triangle(square, "GT") + diagonal_matrix(_ones(square))
    upper = triangle(square, "LE")
    inner = triangle(matmul(transposed(lower), g_lower), "GT")
    inner = inner + triangle(matmul(g_upper, transposed(upper)), "LE")
    inner = solve(square, inner, left=True, turned=True, lower=True, unit=True)
    whole = solve(square, inner, left=False, turned=True, lower=False)
    if parts:
        whole = concatenate([whole, *parts], lu.rank - (2 if m > k else 1))
    places = permutation(reverse.scope.of(op.results[1]), m)
    reverse.add(op.operands[0], matmul(transposed(convert(places, whole.element)), whole))


def _ones(x: Expr) -> Expr:
    """A one for each row of square matrices."""
    return x.scope.constant(1, TensorType(x.shape[:-1], x.element))


def permutation(pivots: Expr, m: int) -> Expr:
    """The matrices of truth values that exchange row j with row `pivots[j]` (counted from 1), for j from 0 on."""
    *batch, count = pivots.shape
    lead = range(len(batch))
    places = TensorType((*batch, m), i32)

    def exchange(scope: Scope, j: Expr, now: Any) -> list[Any]:
        order, numbers = scope.of(now[0]), scope.iota(places, len(batch))
        among = scope.iota(pivots.type, len(batch))
        chosen = select(eq(among, broadcast(j, pivots.shape, ())), scope.of(pivots.value), 0)
        other = broadcast(reduce_sum(chosen, [len(batch)]) - 1, places.static_shape, lead)
        here, there = eq(numbers, broadcast(j, places.static_shape, ())), eq(numbers, other)
        mine, its = (
            broadcast(reduce_sum(select(at, order, 0), [len(batch)]), places.static_shape, lead)
            for at in (here, there)
        )
        return [select(here, its, select(there, mine, order)).value]

    scope = pivots.scope
    start = scope.iota(places, len(batch)).value
    (order,) = counted_loop(scope, TensorType((), i32), count, [start], exchange)
    shape = (*batch, m, m)
    return eq(broadcast(order, shape, range(order.rank)), scope.iota(TensorType(shape, i32), len(batch) + 1))


@routine("syevd", "heevd")
def syevd_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """V (diag(G_w) + (V^H G_V) / (w_j - w_i)) V^H, folded into the triangle that is read. Equal eigenvalues have no
    gradient of their vectors, nor have the phases of these."""
    v, w = map(reverse.scope.of, op.results[:2])
    inner = diagonal_matrix(convert(given(reverse, op, gs, 1), v.element))
    if gs[0] is not None:
        inner = inner + convert(differences(w, w), v.element) * matmul(adjoint(v), conj(gs[0]))
    whole = matmul(matmul(v, inner), adjoint(v))
    folded = halved_triangle(whole + adjoint(whole))
    lower = parameters(op).get("uplo", "L") == "L"
    reverse.add(op.operands[0], conj(folded) if lower else transposed(folded))


@routine("gesdd")
def gesdd_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """U ((J + J^H) S + S (K + K^H) + diag(G_s + i Im diag(U^H G_U) / s)) V^H with J = (U^H G_U) / (s_j^2 - s_i^2), K the same
    of V, and what G_U and G_V have outside of U's and V's columns. Equal singular values have no gradient of their vectors,
    and where the phases of these are not cancelled there is none of them."""
    if all(g is None for g in gs[1:4]):
        return
    s, u, vt = _thin_svd(reverse, op)
    v, g_s = adjoint(vt), convert(given(reverse, op, gs, 1), u.element)
    if gs[2] is None and gs[3] is None:
        reverse.add(op.operands[0], conj(matmul(scaled_columns(u, g_s), vt)))
        return
    if op.results[2].type is not u.type or op.results[3].type is not vt.type:
        raise reverse.refusal(
            op, "has a gradient of its vectors only where there is one for each singular value"
        )
    g_u, g_v = conj(given(reverse, op, gs, 2)), transposed(given(reverse, op, gs, 3))
    squares, sizes = s * s, convert(s, u.element)
    apart = convert(differences(squares, squares), u.element)
    of_u = matmul(adjoint(u), g_u)
    j, k = apart * of_u, apart * matmul(adjoint(v), g_v)
    inner = scaled_columns(j + adjoint(j), sizes) + adjoint(scaled_columns(k + adjoint(k), sizes))
    inner = inner + diagonal_matrix(g_s)
    if isinstance(u.element, ComplexType):
        inner = inner + scaled_columns(triangle(of_u - adjoint(of_u), "EQ"), 0.5 / sizes)
    whole = matmul(matmul(u, inner), vt)
    m, n = u.shape[-2], v.shape[-2]
    if m > s.shape[-1]:
        whole = whole + matmul(scaled_columns(g_u - matmul(u, of_u), 1 / sizes), vt)
    if n > s.shape[-1]:
        rest = scaled_columns(g_v - matmul(v, matmul(adjoint(v), g_v)), 1 / sizes)
        whole = whole + matmul(u, adjoint(rest))
    reverse.add(op.operands[0], conj(whole))


def _thin_svd(reverse: Reverse, op: Any) -> tuple[Expr, Expr, Expr]:
    """(s, U, V^T) with a vector for each singular value; the call is made again where its vectors were not asked for."""
    scope = reverse.scope
    _, s, u, vt = map(scope.of, op.results[:4])
    *batch, m, n = op.operands[0].type.static_shape
    k = min(m, n)
    mode = parameters(op).get("mode", "A")
    if mode == "N":
        types = [r.type for r in op.results]
        types[2:4] = TensorType((*batch, m, k), u.element), TensorType((*batch, k, n), u.element)
        attributes = {**op.attributes, CONFIG: DictionaryAttr((("mode", IntegerAttr(ord("S"), ui8)),))}
        again = type(op).create(op.operands, types, attributes, (), reverse.builder.location)
        _, s, u, vt = map(scope.of, reverse.builder.emit(again)[:4])
    return s, rows_and_columns(u, (0, m), (0, k)), rows_and_columns(vt, (0, k), (0, n))


@routine("geqrf", "orgqr", "ungqr")
def through_loops(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """Through the loops that the routine is."""
    if isinstance(op.operands[0].type.element, ComplexType):
        raise reverse.refusal(
            op, "has a gradient only for real matrices: there is no loop of complex reflections"
        )
    forward = Builder(op.location)
    made = LOOPS[op.call_target_name](op, Scope(forward))
    assert made is not None
    values = [convert(x, r.type.element).value for x, r in zip(made, op.results, strict=True)]
    reverse.replace(op, forward.operations, values)
    reverse.through(op, forward.operations, values, gs)


@routine("gtsv")
def gtsv_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """The cotangent b' of b solves the transposed system, and that of each band is the one of - b' x^T."""
    below, diagonal, above, _ = map(reverse.scope.of, op.operands)
    for operand, copied in zip(op.operands[:3], gs[:3], strict=True):
        reverse.add(operand, copied)
    g = gs[3]
    if g is None:
        return
    lead = (0,) * (diagonal.rank - 1)

    def moved(x: Expr, by: int) -> Expr:
        """Elements `by` places further along the system, zeros following."""
        end = (0,) * (x.rank - diagonal.rank)
        return pad(x, (*lead, by, *end), (*lead, -by, *end), (0,) * x.rank)

    turned = type(op).create(
        [moved(above, 1).value, op.operands[1], moved(below, -1).value, g.value],
        op.result_types,
        op.attributes,
        (),
        reverse.builder.location,
    )
    g_b = reverse.scope.of(reverse.builder.emit(turned)[3])
    x = reverse.scope.of(op.results[3])
    for operand, by in zip(op.operands[:3], (1, 0, -1), strict=True):
        reverse.add(operand, -reduce_sum(g_b * moved(x, by) if by else g_b * x, [x.rank - 1]))
    reverse.add(op.operands[3], g_b)


@routine("geev")
def geev_vjp(reverse: Reverse, op: Any, gs: Cotangents) -> None:
    """The sum of g_w conj(l) r^T / (l^H r) over the eigenvalues, with left and right vectors l and r, which are asked for
    again. A value that is not simple has no gradient."""
    is_complex = isinstance(op.operands[0].type.element, ComplexType)
    first = 1 if is_complex else 2
    if gs[first] is not None or gs[first + 1] is not None:
        raise reverse.refusal(
            op,
            "has a gradient of its values, not of its vectors: their lengths and phases are LAPACK's choice",
        )
    scope = reverse.scope
    g = given(reverse, op, gs, 0)
    g = g if is_complex else make_complex(g, -given(reverse, op, gs, 1))
    config = DictionaryAttr(
        tuple((key, IntegerAttr(ord("V"), ui8)) for key in ("compute_left", "compute_right"))
    )
    again = type(op).create(
        op.operands, op.result_types, {**op.attributes, CONFIG: config}, (), reverse.builder.location
    )
    left, right = map(scope.of, reverse.builder.emit(again)[first : first + 2])
    left = conj(left)
    along = reduce_sum(left * right, [left.rank - 2])
    whole = matmul(scaled_columns(left, g / along), transposed(right))
    reverse.add(op.operands[0], whole if is_complex else real(whole))
