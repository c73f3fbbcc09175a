"""What fuzzing has found: one small text a finding, kept and tried again by the tests for ever.

The first line says how it is tried: `// FOUND text -- ...` as a text alone; `// FOUND module SEED exact portable -- ...`
as a program too, on arguments made from the seed; more words are `gradient`, `native` (it is not refused) and `passes=...`."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from module_checks import check_module
from outcomes import Outcomes
from random_modules import case_of, portable_arguments
from small_programs import arguments
from test_bits import hard_arguments
from text_checks import Finding, check_text, guarded

from irc.dialects.builtin import Module, parse
from irc.ir.text import print_module
from irc.passes.reduce import reduced
from irc.passes.reduce_text import smallest_text

FOUND = Path(__file__).parent / "found"
MARK = "// FOUND "
SECONDS = 120.0
QUICK = 5.0
"""For a try on the way to a smaller module: loops that lose their counter never end."""


def replay(path: Path) -> Finding | None:
    """What a kept case finds now."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    head = text.partition("\n")[0].removeprefix(MARK).partition(" -- ")[0].split()
    finding = guarded(lambda: check_text(text), SECONDS)
    if finding is not None or head[0] == "text":
        return finding
    return guarded(lambda: _checked(parse(text), int(head[1]), head[2:]), SECONDS)


OPEN_ORDER = (
    "reduce",
    "reduce_window",
    "select_and_scatter",
    "scatter",
    "sort",
    "all_reduce",
    "reduce_scatter",
)


def _checked(module: Module, seed: int, flags: Sequence[str]) -> Finding | None:
    portable, gradient = "portable" in flags, "gradient" in flags
    arrays = arguments(module, seed) if gradient else hard_arguments(module, seed)
    pipelines = [flag.removeprefix("passes=") for flag in flags if flag.startswith("passes=")]
    outcomes = Outcomes()
    found = check_module(
        module, portable_arguments(arrays) if portable else arrays, exact="exact" in flags, portable=portable,
        gradient=gradient, pipeline="".join(pipelines), outcomes=outcomes,
    )  # fmt: skip
    refused = [what for what in outcomes.counts if what.startswith("no native code")]
    return Finding("refused", "native", refused[0]) if "native" in flags and refused else found


def keep_text(
    text: str, finding: Finding, find: Callable[[str], Finding | None], folder: Path = FOUND
) -> Path:
    """Makes the text small and writes it down."""

    def fails(candidate: str) -> bool:
        again = find(candidate)
        return again is not None and again.kind == finding.kind and same_place(again, finding)

    return _write(folder, "text", finding, smallest_text(text, fails) if fails(text) else text)


def same_place(a: Finding, b: Finding) -> bool:
    """Places that are functions must be equal; those that are messages may name other types."""
    return a.place == b.place if ".py:" in b.place else True


def keep_module(seed: int, finding: Finding, folder: Path = FOUND) -> Path:
    """Makes the module of a seed small and writes it down, with a seed of arguments on which it fails."""
    case = case_of(seed)
    asks_xla = finding.kind.startswith("XLA")
    flags = ["exact"] * case.exact + ["portable"] * case.portable + ["gradient"] * case.gradient
    if "passes" in finding.kind:
        flags.append(f"passes={finding.place}")
    asked = [flag for flag in flags if flag != "portable" or asks_xla]
    known = combinations(case.module)
    for number in (seed, 0, 1, 2):

        def fails(module: Module, number: int = number) -> bool:
            if asks_xla and not combinations(module) <= known:
                return False
            again = guarded(lambda: _checked(module, number, asked), QUICK)
            return again is not None and again.kind == finding.kind

        if finding.kind not in ("process ended", "hang") and fails(case.module):
            small = reduced(case.module, fails, budget=300)
            break
    else:
        small, number = case.module, seed
    how = " ".join(["module", str(number), *flags])
    return _write(folder, how, finding, print_module(small, locations=False))


def combinations(module: Module) -> set[str]:
    """How a module combines elements in orders that are open: bodies and initial values. A smaller module with others
    would be one about which compilers need not agree."""
    found = set()
    for op in module.walk():
        if op.regions and op.name.rpartition(".")[2] in OPEN_ORDER:
            bodies = ["".join(inner.name for inner in region.block.operations) for region in op.regions]
            starts = [str(o.op and o.op.attributes) for o in op.operands if not o.type.shape]
            found.add(" ".join([op.name, *bodies, *starts]))
    return found


def _write(folder: Path, how: str, finding: Finding, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "_", f"{finding.kind}_{finding.place.rpartition('/')[2]}")[:60].strip("_").lower()
    path = folder / f"{name}_{zlib.crc32(text.encode('utf-8', 'surrogatepass')) & 0xFFFF:04x}.mlir"
    why = " ".join(finding.detail.split())[:150].encode("ascii", "replace").decode()
    data = f"{MARK}{how} -- {finding.kind}: {why}\n{text}"
    path.write_bytes(data.encode("utf-8", "surrogatepass"))
    return path


def found() -> list[Path]:
    """The kept cases, by name."""
    return sorted(FOUND.glob("*.mlir"))
