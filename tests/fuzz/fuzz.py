"""Fuzzing by seed: mutated texts, and random modules that interpreter, native code and XLA must agree about.

    python tests/fuzz/fuzz.py [texts|modules|all] [--seconds 3600] [--examples N] [--seed S]

Cases run in batches in processes of their own, so that one which ends its process is a finding too. What is found is made
small and kept in tests/fuzz/found, which the tests replay for ever. The status is 1 where something was found."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
for folder in ("ir", "codegen", "fuzz", "."):
    # Run as a program, the helpers of the tests are found as pytest finds them.
    sys.path.insert(0, str(HERE.parent / folder))

import found_cases  # noqa: E402
from corpus import all_texts  # noqa: E402
from module_checks import check_module  # noqa: E402
from mutations import mutated  # noqa: E402
from outcomes import Outcomes  # noqa: E402
from passes_checked import random_pipeline  # noqa: E402
from random_modules import KINDS, case_of  # noqa: E402
from text_checks import Finding, check_text, guarded  # noqa: E402

from irc import options  # noqa: E402

TEXT_SECONDS, MODULE_SECONDS = 10.0, 300.0
TEXT_MEMORY = 6 << 30
BATCH = {"texts": 10_000, "modules": 100}
LONGEST_BATCH = 3600
"""Seconds: a batch that takes longer hangs where no time limit reaches it."""


def text_finding(text: str) -> Finding | None:
    return guarded(lambda: check_text(text), TEXT_SECONDS, TEXT_MEMORY)


def module_finding(seed: int, outcomes: Outcomes, portable: bool = True) -> Finding | None:
    def check() -> Finding | None:
        case = case_of(seed)
        return check_module(
            case.module, case.arguments, exact=case.exact, portable=portable and case.portable,
            gradient=case.gradient, ways=seed, pipeline=random_pipeline(seed), outcomes=outcomes,
        )  # fmt: skip

    return guarded(check, MODULE_SECONDS)


def run_batch(
    kind: str, first: int, count: int, progress: Path, skip: Sequence[int] = ()
) -> Iterator[dict[str, Any]]:
    """What the seeds from `first` on find; the seed in work stands in the file `progress`."""
    outcomes = Outcomes()
    corpus = all_texts() if kind == "texts" else ()
    for seed in range(first, first + count):
        if seed in skip:
            continue
        progress.write_text(str(seed))
        text = mutated(seed, corpus) if kind == "texts" else ""
        finding = text_finding(text) if kind == "texts" else module_finding(seed, outcomes)
        if finding is not None:
            yield {"seed": seed, "text": text, **asdict(finding)}
    yield {"outcomes": dict(outcomes.counts)}


def in_process(kind: str, first: int, count: int) -> Iterator[dict[str, Any]]:
    """A batch in a process of its own. A case that ends the process is found, and the batch goes on behind it."""
    with tempfile.TemporaryDirectory() as folder:
        progress, last = Path(folder) / "seed", first + count
        while first < last:
            command = [
                sys.executable,
                __file__,
                kind,
                "--batch",
                str(first),
                str(last - first),
                str(progress),
            ]
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_BATCH)
            yield from (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
            if done.returncode == 0:
                return
            seed = int(progress.read_text()) if progress.exists() else first
            first = seed + 1
            if kind == "modules" and survives_without_xla(seed):
                yield {"outcomes": {"XLA ends the process": 1}}
                continue
            how = {"kind": "process ended", "place": str(done.returncode), "detail": done.stderr[-2000:]}
            yield {"seed": seed, "text": "", **how}


def survives_without_xla(seed: int) -> bool:
    """Whether a module that ended its process is one that XLA alone cannot bear."""
    code = f"import fuzz; fuzz.module_finding({seed}, fuzz.Outcomes(), portable=False)"
    return subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True).returncode == 0


def fuzz(kinds: Sequence[str], seconds: float, examples: int, seed: int) -> int:
    """Runs batches of each kind in turn until time or examples are spent; the number of findings that are new."""
    start, done = time.monotonic(), Counter[str]()
    outcomes, found = Counter[str](), Counter[tuple[str, str, str]]()
    while any(done[k] < examples for k in kinds) and time.monotonic() - start < seconds:
        for kind in kinds:
            count = min(BATCH[kind], examples - done[kind])
            if count <= 0:
                continue
            for line in in_process(kind, seed + done[kind], count):
                if "outcomes" in line:
                    outcomes.update(line["outcomes"])
                    continue
                key = (kind, line["kind"], line["place"])
                found[key] += 1
                if found[key] == 1:
                    print(f"{kind} {line['seed']}: {line['kind']} at {line['place']}: {line['detail'][:300]}")
                    print(f"    kept as {keep(kind, line)}", flush=True)
            done[kind] += count
        report = ", ".join(f"{done[k]} {k}" for k in kinds)
        print(f"{time.monotonic() - start:.0f} s: {report}, {len(found)} kinds of findings", flush=True)
    for what, count in outcomes.most_common():
        print(f"{count:8} {what}")
    for key, count in found.most_common():
        print(f"{count:8} FOUND {' | '.join(key)}")
    return len(found)


def keep(kind: str, line: dict[str, Any]) -> Path:
    finding = Finding(line["kind"], line["place"], line["detail"])
    if kind == "texts":
        return found_cases.keep_text(line["text"], finding, text_finding)
    return found_cases.keep_module(line["seed"], finding)


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("what", choices=["texts", "modules", "all"], nargs="?", default="all")
    arguments.add_argument(
        "--seconds", type=float, default=float("inf"), help="stop at the end of a batch after this"
    )
    arguments.add_argument("--examples", type=int, help="cases of each kind (default: without end, or 10000)")
    arguments.add_argument("--seed", type=int, default=0, help="the first")
    arguments.add_argument("--batch", nargs=3, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    options.put("IRC_CACHE", "0")
    warnings.simplefilter("ignore")
    if given.batch:
        first, count, progress = given.batch
        for line in run_batch(given.what, int(first), int(count), Path(progress)):
            print(json.dumps(line), flush=True)
        return 0
    kinds = ("texts", "modules") if given.what == "all" else (given.what,)
    examples = given.examples or (10_000 if given.seconds == float("inf") else 1 << 60)
    print(f"{len(all_texts())} texts, {len(KINDS)} makers of modules", flush=True)
    return 1 if fuzz(kinds, given.seconds, examples, given.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
