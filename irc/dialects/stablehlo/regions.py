"""Regions applied to many elements, the reduction tree of the numerics contract, and updates in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.dialects.stablehlo.base import TensorOp, compatible, promotable, quoted, region_types, scalar
from irc.dialects.stablehlo.numerics import Array, narrow
from irc.ir.operation import Region
from irc.ir.types import TensorType

Run = Callable[..., tuple[Array, ...]]
"""`run(region_or_function_name, *arrays)`: what the interpreter hands to ops with regions or callees."""

BLOCK = 4096
LANES = 64


def check_reducer(op: TensorOp, region: Region, elements: Sequence[Any], label: str) -> list[Any]:
    """The result elements `E` of a body of type (tensor<E>..., tensor<E>...) -> (tensor<E>...), each `E` promotable from
    the element given."""
    arguments, returned = region_types(region)
    n = len(elements)
    message = f"Reduction-region must take {2 * n} parameters, but takes {len(arguments)} parameter(s)"
    op.check(len(arguments) == 2 * n, label, message)
    op.check(len(returned) > 0, label, "The reduction-region expected to return some value(s)")
    message = f"Reduction-region here must produce {n} tensors, but produces {len(returned)} instead"
    op.check(len(returned) == n, label, message)
    for type in returned:
        message = f"Reduction-region here must produce tensor-typed result(s), but produces '{type}' instead"
        op.check(isinstance(type, TensorType), label, message)
    for i, argument in enumerate(arguments):
        which = f"reduction-region's parameter at index {i} is different than the corresponding result type"
        message = f"The type of {which}: '{argument}' vs '{returned[i % n]}'"
        op.check(compatible(argument, returned[i % n]), label, message)
    for i, (type, element) in enumerate(zip(returned, elements, strict=True)):
        start = f"reduction-region's result type at index {i}"
        message = f"The shape of {start} differs from the op's corresponding init-value type"
        op.check(type.rank == 0, label, f"{message}: '{type}' vs '{scalar(element)}'")
        message = (
            f"The element-type of {start} is expected to be promotable from the op's corresponding init-value"
        )
        op.check(
            promotable(element, type.element),
            label,
            f"{message} element-type: '{type}' vs '{scalar(element)}'",
        )
    return [t.element for t in returned]


def check_signature(
    op: TensorOp, region: Region, takes: Sequence[Any], gives: Sequence[Any], label: str
) -> None:
    """A comparator's exact type, given by element types of its scalars."""
    arguments, returned = region_types(region)
    message = f"comparator block should have {len(takes)} arguments"
    op.check(len(arguments) == len(takes), label, message)
    for i, (argument, element) in enumerate(zip(arguments, takes, strict=True)):
        message = f"comparator block argument #{i} should be of type '{scalar(element)}' but got '{argument}'"
        op.check(argument is scalar(element), label, message)
    message = f"comparator must return single output but got {len(returned)}"
    op.check(len(returned) == len(gives), label, message)
    message = f"comparator must return {', '.join(str(scalar(e)) for e in gives)} but got {quoted(returned)}"
    op.check(returned == [scalar(e) for e in gives], label, message)


def over_elements(run: Run, region: Region) -> Callable[..., tuple[Array, ...]]:
    """The region's function of scalars, applied to arrays element by element.

    A region of elementwise ops alone runs on whole arrays at once; any other once for each element."""
    whole = all(getattr(op, "elementwise", False) or op.terminator for op in region.operations)

    def at_once(*arrays: Array) -> tuple[Array, ...]:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        return tuple(np.broadcast_to(r, shape) for r in run(region, *arrays))

    def one_by_one(*arrays: Array) -> tuple[Array, ...]:
        arrays = tuple(np.broadcast_arrays(*arrays))
        dtypes = [o.type.element.numpy for o in region.block.terminator.operands]
        results = tuple(np.empty(arrays[0].shape, d) for d in dtypes)
        for at in np.ndindex(arrays[0].shape):
            for result, value in zip(results, run(region, *(np.asarray(a[at]) for a in arrays)), strict=True):
                result[at] = value
        return results

    return at_once if whole else one_by_one


def reduce_last(
    run: Run, region: Region, columns: Sequence[Array], inits: Sequence[Array]
) -> tuple[Array, ...]:
    """Reduces the last dimension of `columns` by a body of N pairs, starting from `inits`: op(init, tree)."""
    apply = over_elements(run, region)
    dtypes = [o.type.element.numpy for o in region.block.terminator.operands]
    columns = [narrow(c, d) for c, d in zip(columns, dtypes, strict=True)]
    starts = [
        np.broadcast_to(i.astype(d), c.shape[:-1]) for i, c, d in zip(inits, columns, dtypes, strict=True)
    ]
    if columns[0].shape[-1] == 0:
        return tuple(starts)
    return apply(*starts, *_tree(apply, columns))


def _tree(apply: Callable[..., tuple[Array, ...]], columns: Sequence[Array]) -> list[Array]:
    """The tree of the numerics contract, fixed by the number of elements alone."""
    n = columns[0].shape[-1]
    if n <= BLOCK:
        return _lanes(apply, columns)
    full = n // BLOCK
    heads = [c[..., : full * BLOCK].reshape(*c.shape[:-1], full, BLOCK) for c in columns]
    partial = _lanes(apply, heads)
    if n % BLOCK:
        tails = _lanes(apply, [c[..., full * BLOCK :] for c in columns])
        partial = [np.concatenate([p, t[..., None]], axis=-1) for p, t in zip(partial, tails, strict=True)]
    return _tree(apply, partial)


def _lanes(apply: Callable[..., tuple[Array, ...]], columns: Sequence[Array]) -> list[Array]:
    """Lane l folds elements l, l + 64, l + 128, ... from the left; then halves are combined: 32, 16, 8, 4, 2, 1."""
    n = columns[0].shape[-1]
    lanes = [c[..., :LANES].copy() for c in columns]
    for start in range(LANES, n, LANES):
        count = min(LANES, n - start)
        _combine(apply, lanes, [c[..., start : start + count] for c in columns], count)
    live, half = min(n, LANES), LANES // 2
    while half:
        if live > half:
            _combine(apply, lanes, [lane[..., half:live] for lane in lanes], live - half)
            live = half
        half //= 2
    return [lane[..., 0] for lane in lanes]


def _combine(
    apply: Callable[..., tuple[Array, ...]], lanes: list[Array], others: list[Array], count: int
) -> None:
    combined = apply(*(lane[..., :count] for lane in lanes), *others)
    for lane, value in zip(lanes, combined, strict=True):
        lane[..., :count] = value


def update_in_order(
    apply: Callable[..., tuple[Array, ...]],
    results: Sequence[Array],
    targets: Array,
    updates: Sequence[Array],
) -> None:
    """`results[t] = apply(results[t], update)` for flat arrays, in the order of `targets`; negative targets are skipped.

    Updates of different targets do not meet, so the first of every target are applied at once, then the second, ..."""
    kept = np.flatnonzero(targets >= 0)
    order = kept[np.argsort(targets[kept], kind="stable")]
    sorted_targets = targets[order]
    first = np.searchsorted(sorted_targets, sorted_targets, side="left")
    turn = np.arange(len(order)) - first
    for k in range(int(turn.max(initial=-1)) + 1):
        chosen = order[turn == k]
        at = targets[chosen]
        values = apply(*(r[at] for r in results), *(u[chosen] for u in updates))
        for result, value in zip(results, values, strict=True):
            result[at] = value
