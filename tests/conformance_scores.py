"""Scores on the conformance suites, per suite and per op family, with failures by cause; and the floors they must not fall below.

`python tests/conformance.py --scores` runs this. Each job is one question about one suite: verdicts of the verifier, texts kept
(judged by MLIR), results of the interpreter and of native code. The suites bring their harness, which runs every case in a worker
process that is replaced when it dies."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FLOORS = HERE / "conformance_floors.json"
WORKERS = 2
SECONDS = 20.0
"""One case may take this long."""

PROGRAMS = (
    "stablehlo_interpret.zip", "stablehlo_testdata.zip", "stablehlo_math.zip", "stablehlo_quantized.zip", "jax_programs.zip",
    "torch_programs.zip",
)  # fmt: skip
TEXTS = ("stablehlo_verify.jsonl", "mlir_core_text.jsonl")


@dataclass(frozen=True)
class Job:
    """A question about every `step`th case of a suite."""

    question: str
    suite: str
    step: int = 1
    skip: str = ""
    """Tags of cases that are left out."""

    @property
    def name(self) -> str:
        share = f" (1 in {self.step})" if self.step > 1 else ""
        return f"{self.question} {self.suite}{' (core)' if self.skip else ''}{share}"


@dataclass
class Score:
    """What a job found: how many are right, and of the others, why not; and both for each op family."""

    right: int = 0
    total: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    families: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    more: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Further counts, each with what it is out of."""
    seconds: float = 0.0

    def add(self, right: bool, family: str, cause: str = "") -> None:
        self.right += right
        self.total += 1
        self.families[family][0] += right
        self.families[family][1] += 1
        if not right:
            self.causes[generalised(cause)] += 1


CORE = "quant,newer,testops,chlo,dynamic"
"""Tags of the verifier's cases that are not of the core."""

JOBS = (
    *(Job("interpret", suite) for suite in PROGRAMS),
    *(Job("verify", suite) for suite in TEXTS),
    Job("verify", "stablehlo_verify.jsonl", skip=CORE),
    *(Job("roundtrip", suite) for suite in (*PROGRAMS[:2], *PROGRAMS[4:], "mlir_core_text.jsonl")),
    Job("native", "stablehlo_interpret.zip"),
    Job("native", "stablehlo_quantized.zip"),
    Job("native", "stablehlo_testdata.zip", 2),
    Job("native", "jax_programs.zip", 2),
    Job("native", "torch_programs.zip"),
)
"""What continuous integration asks: a few minutes' work."""

WHOLE = (
    *(Job(question, suite) for question in ("interpret", "native", "roundtrip") for suite in PROGRAMS),
    *(Job(question, suite) for question in ("verify", "roundtrip") for suite in TEXTS),
    Job("verify", "stablehlo_verify.jsonl", skip=CORE),
)
"""All there is."""


def generalised(cause: str) -> str:
    """A message without what differs from case to case."""
    return re.sub(
        r"\d+", "N", re.sub(r"^.*?:\d+:\d+: ", "", cause.strip().splitlines()[0] if cause.strip() else "?")
    )[:110]


def family(name: str) -> str:
    """The op a case is about, as its name says."""
    word = re.sub(r"[^a-z_]+.*", "", name.rpartition("/")[2].partition(".")[0].lower())
    parts = [p for p in word.split("_") if p not in ("test", "op", "lax", "dynamic", "")]
    return "_".join(parts[:2]) or "others"


def score(job: Job, folder: Path) -> Score:
    """Runs one job."""
    start = time.monotonic()
    found = {"verify": _verdicts, "roundtrip": _texts}.get(job.question, _results)(job, folder)
    found.seconds = time.monotonic() - start
    return found


def _results(job: Job, folder: Path) -> Score:
    """Cases with inputs and results, by the adapter of the question's name."""
    run: Any = importlib.import_module("run")
    cases: Any = importlib.import_module("cases")
    path = str(folder / job.suite)
    made = Score()
    chosen = cases.ids(path)[:: job.step]
    for line in run.run(f"conformance:{job.question}", Chosen(path, chosen), SECONDS):
        made.add(line["status"] == "pass", family(line["id"]), why(line))
    return made


class Chosen(str):
    """A path of which the harness sees only some cases."""

    ids: Sequence[str]

    def __new__(cls, path: str, ids: Sequence[str]) -> Chosen:
        made = super().__new__(cls, path)
        made.ids = ids
        return made


def why(line: dict[str, Any]) -> str:
    said = str(line.get("why", ""))
    return said if line["status"] == "error" else f"{line['status']}: {said}" if said else str(line["status"])


def _harness(job: Job, folder: Path, program: str, *arguments: str) -> Any:
    """The JSON that a program of the harness writes."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out.json"
        command = [
            sys.executable,
            str(folder / "harness" / program),
            "--adapter",
            f"conformance:{job.question}",
        ]
        done = subprocess.run(
            [*command, "--json", str(out), *arguments],
            cwd=HERE,
            capture_output=True,
            text=True,
            env=environment(),
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr[-1000:]}")
        return json.loads(out.read_text()), done.stdout


def environment() -> dict[str, str]:
    """Workers find the adapters in this folder, and use one thread each."""
    return {**os.environ, "PYTHONPATH": str(HERE), "IRC_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _verdicts(job: Job, folder: Path) -> Score:
    arguments = ("--skip-tags", job.skip, str(folder / job.suite))
    lines, _ = _harness(job, folder, "run_verify.py", *arguments)
    made = Score()
    for name, status, diagnostics in lines:
        made.add(" ok" in status, family(name), f"{status}: {diagnostics or name}")
    rejects = [status for _, status, _ in lines if status.startswith("reject")]
    if rejects:
        made.more["rejects with the expected message"] = (
            sum("message ok" in s for s in rejects),
            len(rejects),
        )
    return made


def _texts(job: Job, folder: Path) -> Score:
    """Programs read, printed, and compared by MLIR with what they were."""
    path = str(folder / job.suite)
    found, said = _harness(job, folder, "run_roundtrip.py", "--step", str(job.step), path)
    made = Score()
    for name, cause in found[path]:
        made.add(False, family(name), cause)
    summary = re.search(r": (\d+) of (\d+) programs kept", said)
    assert summary is not None, said
    right, total = int(summary[1]), int(summary[2])
    made.families["kept"] = [right, right]
    made.right, made.total = right, total
    return made


def scores(jobs: Sequence[Job], folder: Path) -> dict[str, Score]:
    """All jobs, some at a time."""
    sys.path.insert(0, str(folder / "harness"))
    os.environ.update(environment())
    cases: Any = importlib.import_module("cases")
    every = cases.ids
    cases.ids = lambda path: path.ids if isinstance(path, Chosen) else every(path)
    with ThreadPoolExecutor(WORKERS) as pool:
        return dict(
            zip((job.name for job in jobs), pool.map(lambda job: score(job, folder), jobs), strict=True)
        )


def report(found: dict[str, Score], details: bool) -> str:
    """A line a job; then, where asked for, op families that are not complete, and causes."""
    rows = []
    for name, s in found.items():
        rows.append(
            f"{name}: {s.right} of {s.total} ({100 * s.right / max(s.total, 1):.1f} %), {s.seconds:.0f} s"
        )
        rows += [f"    {what}: {a} of {b} ({100 * a / b:.1f} %)" for what, (a, b) in s.more.items()]
        if not details:
            continue
        mean = [100 * a / b for a, b in s.families.values() if b]
        rows.append(f"    mean over {len(mean)} op families: {sum(mean) / max(len(mean), 1):.1f} %")
        short = sorted(
            ((a, b, f) for f, (a, b) in s.families.items() if a < b), key=lambda row: row[0] - row[1]
        )
        rows += [f"    {a:4} of {b:4}  {f}" for a, b, f in short[:40]]
        rows += [f"    {count:4} x {cause}" for cause, count in s.causes.most_common(40)]
    return "\n".join(rows)


def counts(found: dict[str, Score]) -> dict[str, tuple[int, int]]:
    """Every count that has a floor, with what it is out of."""
    made = {name: (s.right, s.total) for name, s in found.items()}
    return made | {f"{name}: {what}": pair for name, s in found.items() for what, pair in s.more.items()}


def below(found: dict[str, Score]) -> list[str]:
    """What falls short of its floor."""
    floors = json.loads(FLOORS.read_text())
    return [
        f"{name}: {right} of {total}, and {floors[name]} is the floor"
        for name, (right, total) in counts(found).items()
        if right < floors.get(name, 0)
    ]


def record(found: dict[str, Score]) -> None:
    """Makes what was found the floors, less what slow machines may miss: programs that run have their time."""
    floors = json.loads(FLOORS.read_text()) if FLOORS.exists() else {}
    for name, (right, _) in counts(found).items():
        runs = name.startswith(("interpret", "native"))
        floors[name] = max(right - right // 100 - runs, 0)
    FLOORS.write_text(json.dumps(floors, indent=2) + "\n")
