"""Native code in every way that must not matter: other threads, machines, schedules and passes, the twins of its stages.

All of them give the bits of the code as it is compiled by default; no tolerance anywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from outcomes import Outcomes
from text_checks import Finding

from irc.cli.bits import Way, contractions, copies, scheduled, ways
from irc.dialects import scf
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.driver import Executable, compile_module
from irc.errors import UnsupportedError
from irc.ir.types import TensorType
from irc.passes.hooks import explain_difference

EVERY_WAY = -1
SHARE = 4
"""Ways that compile again are many: each module has so many of them."""
EMULATED_WORK, PTX_WORK = 40_000, 4_000
"""Elements that interpreters of kernels may compute for one module."""


def check_ways(
    module: Module,
    program: Executable,
    arrays: Sequence[Any],
    wants: Sequence[Any],
    seed: int,
    notes: Outcomes,
) -> Finding | None:
    """The first way among those of this seed (EVERY_WAY: among all) whose results have other bits than `wants`."""
    kernels = program.stages.kernel
    if kernels is not None and any(
        isinstance(op, scf.Forall) and max(op.staticUpperBound) > 1 for op in kernels.walk()
    ):
        notes.note("cut into tickets")
    for name, way in chosen(module, program, arrays, seed):
        try:
            gots = way()
        except UnsupportedError as e:
            if name != "as PTX":
                raise
            notes.note(f"no PTX: {e.message[:80]}")
            continue
        for i, (want, got) in enumerate(zip(wants, gots, strict=True)):
            difference = explain_difference(want, got)
            if difference:
                return Finding("other bits", name, f"{name}: result {i}: {difference}")
        notes.note(f"the same bits: {name.partition(' {')[0]}")
    return None


def chosen(
    module: Module, program: Executable, arrays: Sequence[Any], seed: int
) -> Iterator[tuple[str, Way]]:
    """Ways that cost little, and a share of the others."""
    r, every = random.Random(seed), seed == EVERY_WAY
    dear: list[tuple[str, Way]] = []
    work = work_of(module)
    for name, way in ways(module, program, arrays):
        if name.startswith("emulated"):
            if work <= EMULATED_WORK and (name == "emulated" or every or not r.randrange(4)):
                yield name, way
        elif name.endswith("threads") or name == "unaligned arrays":
            yield name, way
        else:
            dear.append((name, way))
    fused = program.stages.fused
    if fused is not None and contractions(fused):
        edits = random_schedule(r)
        dear.append((f"schedule {edits}", lambda: compile_module(scheduled(fused, edits))(*copies(arrays))))
    yield from dear if every else r.sample(dear, min(SHARE, len(dear)))
    if work <= PTX_WORK and (every or not r.randrange(4)):
        yield "as PTX", lambda: compile_module(module, target="ptx-emulated")(*copies(arrays))


def random_schedule(r: random.Random) -> dict[str, bool | int | str]:
    """Tiles, blocks and packing of contractions as nobody would choose them."""
    edits: dict[str, bool | int | str] = {
        "mr": r.choice((1, 2, 3, 5, 6, 8, 11)),
        "nv": r.choice((1, 2, 3, 4)),
        "kc": r.choice((1, 2, 7, 16, 64)),
        "bc": r.choice((1, 2, 5)),
        "mc": r.choice((1, 4, 9, 48)),
        "nc": r.choice((16, 32, 48, 64)),
        "pack_a": bool(r.randrange(2)),
        "pack_b": r.choice(("none", "block", "all")),
        "order": r.choice(("rows", "lanes")),
        "prefetch": bool(r.randrange(2)),
    }
    return {key: edits[key] for key in r.sample(sorted(edits), r.randrange(1, len(edits) + 1))}


def work_of(module: Module) -> int:
    """About how many elements are computed: those of results, as often as products go through depth; bodies of loops count
    three times."""
    return sum(map(_work, module.operations))


def _work(op: Any) -> int:
    inner = sum(_work(o) for region in op.regions for block in region.blocks for o in block.operations)
    sizes = [v.type.size for v in op.results if isinstance(v.type, TensorType) and v.type.is_static]
    own = sum(sizes)
    match op:
        case hlo.While():
            return 4 * inner
        case hlo.DotGeneral() | hlo.Convolution():
            return max(own, 1) * max(1, op.rhs.type.size // 8)
        case hlo.Sort():
            return 10 * own
    if op.regions and not isinstance(op, hlo.If | hlo.Case) and op.dialect == "stablehlo":
        return own + sum(o.type.size for o in op.operands if isinstance(o.type, TensorType)) * max(1, inner)
    return own + inner
