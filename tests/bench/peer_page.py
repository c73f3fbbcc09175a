"""The table of all peers, `tests/bench/PEERS.md`: `python tests/bench/peer_page.py [--measure] [--harness FOLDER] [--work FOLDER]`.

The harness is the peer benchmark of `../shared/bench`; its environments (one for each peer, see its README; one named `irc` with
irc and the packages it needs, nothing else) and results lie in the work folder. `--measure` runs it: every workload, at one and at
two threads, and what is imported. Without it the page is written from the results that are there."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE / "PEERS.md"
TEXT, FRONTEND = "irc_stablehlo", "irc"
OURS = (TEXT, FRONTEND)
PEERS = (
    "openvino", "ort", "tf", "tf_xla", "torch", "torch_compile", "torch_compile_freeze", "jax", "iree", "numpy",
)  # fmt: skip
NAMES = {
    TEXT: "irc, from text", FRONTEND: "irc, torch frontend", "openvino": "OpenVINO", "ort": "onnxruntime", "tf": "TensorFlow",
    "tf_xla": "TensorFlow XLA", "torch": "PyTorch", "torch_compile": "torch.compile", "torch_compile_freeze": "torch.compile, frozen",
    "jax": "JAX", "iree": "IREE", "numpy": "NumPy",
}  # fmt: skip
KINDS = {"infer": "inference", "train": "training", "kernel": "kernels"}
LEFT_OUT = {"K9_sort_1M": ("iree", "tf_xla"), "T3_lstm": ("iree", "tf_xla")}
"""Peers that are not waited for: IREE's sort takes minutes, and compiling the unrolled LSTM most of one. Those two workloads run together
without both, because every further run of the harness starts all peers again."""

Row = dict[str, Any]


# Measuring.


def measure(harness: Path, work: Path, threads: Sequence[int], workloads: str, peers: Sequence[str]) -> None:
    """Runs the harness into `peers.json` and `imports.json` of the work folder's results."""
    try:
        _run(harness, work, "--imports", "--peers", ",".join(peers))
        listed = [w.name for w in listing(harness) if any(w.name.startswith(p) for p in workloads.split(","))]
        for count in threads:
            for left_out, names in _by_peers_left_out(listed):
                asked = [p for p in peers if p not in left_out]
                _run(harness, work, "--quick", "--merge", "--threads", str(count), "--peers", ",".join(asked),
                     "--workloads", ",".join(names), "--out", str(work / "results" / "peers.json"))  # fmt: skip
    finally:
        for folder in (harness, harness / "adapters"):
            shutil.rmtree(folder / "__pycache__", ignore_errors=True)


def _by_peers_left_out(names: Iterable[str]) -> list[tuple[tuple[str, ...], list[str]]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        groups.setdefault(LEFT_OUT.get(name, ()), []).append(name)
    return list(groups.items())


def _run(harness: Path, work: Path, *arguments: str) -> None:
    environment = {
        **os.environ,
        "BENCH_WORK": str(work),
        "BENCH_ADAPTERS": str(HERE),
        "IRC_CACHE": "0",  # else a program met before would not be compiled
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run([sys.executable, str(harness / "run.py"), *arguments], env=environment, check=True)


# Reading.


@dataclass(frozen=True)
class Workload:
    name: str
    kind: str
    title: str


def listing(harness: Path) -> list[Workload]:
    """The harness's workloads, in its order."""
    done = subprocess.run(
        [sys.executable, "-B", str(harness / "run.py"), "--list"], capture_output=True, text=True, check=True
    )
    return [Workload(*line.split(None, 2)) for line in done.stdout.splitlines()]


@dataclass(frozen=True)
class Results:
    """Rows of the harness for one number of threads. A speed is the best peer's time over one's own: more is faster, and the best
    peer, which is never irc, has 1."""

    workloads: Sequence[Workload]
    rows: dict[tuple[str, str], Row]

    def time(self, peer: str, name: str) -> float | None:
        row = self.rows.get((peer, name), {})
        return float(row["wall"]) if row.get("status") == "ok" else None

    def best(self, name: str) -> tuple[float, str] | None:
        times = [(t, p) for p in PEERS if (t := self.time(p, name)) is not None]
        return min(times, default=None)

    def speed(self, peer: str, name: str) -> float | None:
        own, best = self.time(peer, name), self.best(name)
        return None if own is None or best is None else best[0] / own

    def rank(self, name: str) -> str:
        """irc's place among all who ran the workload, by the faster of its two rows."""
        own = [t for p in OURS if (t := self.time(p, name)) is not None]
        times = [t for p in PEERS if (t := self.time(p, name)) is not None]
        return f"{sum(t < min(own) for t in times) + 1} of {len(times) + 1}" if own else "-"

    @cached_property
    def peers(self) -> list[str]:
        return [p for p in (*OURS, *PEERS) if any((p, w.name) in self.rows for w in self.workloads)]

    def of_kind(self, kind: str) -> list[Workload]:
        return [w for w in self.workloads if w.kind == kind]

    def mean(self, peer: str, workloads: Iterable[Workload]) -> tuple[float, int] | None:
        """Geometric mean of a peer's speeds, and of how many."""
        speeds = [s for w in workloads if (s := self.speed(peer, w.name)) is not None]
        return (statistics.geometric_mean(speeds), len(speeds)) if speeds else None


# Writing.


def page(
    workloads: Sequence[Workload], measured: dict[str, Any], imports: dict[str, Any], notes: dict[str, str]
) -> str:
    """The page. `measured` and `imports` are what the harness wrote; `notes` says by workload what is known where irc is behind."""
    rows = [r for r in measured["rows"] if r["peer"] in NAMES]
    known = [w for w in workloads if any(r["workload"] == w.name for r in rows)]
    by_threads = {
        n: Results(known, {(r["peer"], r["workload"]): r for r in rows if r["threads"] == n})
        for n in sorted({r["threads"] for r in rows})
    }
    first = next(iter(by_threads.values()))
    parts = [_head(measured, rows), _means(by_threads)]
    parts += [_speeds(n, results) for n, results in by_threads.items()]
    if len(by_threads) > 1:
        parts.append(_scaling(*list(by_threads.values())[:2]))
    parts += [_behind(by_threads, notes), _cold(first), _memory(first), _imports(imports, rows)]
    return "\n\n".join(parts) + "\n"


def _head(measured: dict[str, Any], rows: Sequence[Row]) -> str:
    versions = {r["peer"]: r["version"] for r in rows if "version" in r}
    named = ", ".join(f"{NAMES[p]} {versions[p]}" for p in ("irc", *PEERS) if p in versions).replace(
        NAMES[FRONTEND], "irc"
    )
    host, day = measured["host"], measured["when"].split()[0]
    return f"""# irc beside its peers

Measured on {day} on {host["cores"]} processors of {host["cpu"]} (Linux, Python {host["python"]}), written by
`python tests/bench/peer_page.py`. All run the same workloads with the same weights on the same data; every answer was first checked
against NumPy in float64, and rounds of the peers took turns. irc is there twice: from the StableHLO text of each workload as JAX
lowers it, and through its torch frontend.

**Speed** is the time of the best peer over one's own: the best peer has 1.00, irc more than that where it is ahead.

Versions: {named}."""


def _table(
    columns: Sequence[str], lines: Iterable[Sequence[str]], aligned: str = "", heading: str = ""
) -> str:
    """A Markdown table; `aligned` has l or r for each column, the last one goes on."""
    kinds = aligned.ljust(len(columns), aligned[-1:] or "l")
    marks = ["---:" if kind == "r" else "---" for kind in kinds]
    table = [columns, marks, *lines]
    text = "\n".join(f"| {' | '.join(line)} |" for line in table)
    return f"{heading}\n\n{text}" if heading else text


def _speed(speed: float | None, row: Row | None) -> str:
    if speed is not None:
        return f"**{speed:.2f}**" if speed >= 0.995 else f"{speed:.2f}"
    return {"wrong": "wrong", "failed": "failed", "slow": "slow"}.get((row or {}).get("status", ""), "-")


def _means(by_threads: dict[int, Results]) -> str:
    columns = [
        (results, KINDS[kind], count, results.of_kind(kind))
        for count, results in by_threads.items()
        for kind in KINDS
        if results.of_kind(kind)
    ]
    names = [f"{kind}, {_threads(n)} ({len(ws)})" for _, kind, n, ws in columns]
    everyone = list(dict.fromkeys(p for results in by_threads.values() for p in results.peers))
    found = {p: [results.mean(p, ws) for results, _, _, ws in columns] for p in everyone}
    order = [p for p in everyone if p in OURS]
    order += sorted((p for p in everyone if p not in OURS), key=lambda p: -((found[p][0] or (0.0, 0))[0]))
    lines = [
        [NAMES[p], *(_mean(mean, len(c[3])) for mean, c in zip(found[p], columns, strict=True))]
        for p in order
    ]
    ranks = [f"{KINDS[kind]}: {_first_places(r, r.of_kind(kind))}" for n, r in by_threads.items() for kind in KINDS
             if n == next(iter(by_threads)) and r.of_kind(kind)]  # fmt: skip
    table = _table(["", *names], lines, "lr", "## Geometric means of speed")
    return f"{table}\n\nIn brackets: of how many workloads, where it is not all. irc is first at one thread in {', '.join(ranks)}."


def _mean(mean: tuple[float, int] | None, of: int) -> str:
    if mean is None:
        return "-"
    return f"{mean[0]:.2f}" if mean[1] == of else f"{mean[0]:.2f} ({mean[1]})"


def _first_places(results: Results, workloads: Sequence[Workload]) -> str:
    return f"{sum(results.rank(w.name).startswith('1 of') for w in workloads)} of {len(workloads)}"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _speeds(count: int, results: Results) -> str:
    others = [p for p in results.peers if p not in OURS]
    ours = [p for p in OURS if p in results.peers]
    lines = []
    for w in results.workloads:
        best = results.best(w.name)
        text = f"{NAMES[best[1]]}, {_seconds(best[0])}" if best else "-"
        cells = [_speed(results.speed(p, w.name), results.rows.get((p, w.name))) for p in (*ours, *others)]
        lines.append([w.title, text, *cells[: len(ours)], results.rank(w.name), *cells[len(ours) :]])
    columns = ["", "best peer", *(NAMES[p] for p in ours), "irc's place", *(NAMES[p] for p in others)]
    note = "- : not for this peer" + (
        "; IREE and TensorFlow XLA are not waited for where they sort or train the LSTM"
        if any(w.name in LEFT_OUT for w in results.workloads)
        else ""
    )
    return f"{_table(columns, lines, 'llr', f'## Speed, {_threads(count)}')}\n\n{note}."


def _seconds(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _scaling(one: Results, two: Results) -> str:
    peers = [p for p in one.peers if p in two.peers]
    lines = []
    for w in one.workloads:
        pairs = [(one.time(p, w.name), two.time(p, w.name)) for p in peers]
        lines.append([w.title, *(f"{a / b:.2f}" if a and b else "-" for a, b in pairs)])
    return _table(["", *(NAMES[p] for p in peers)], lines, "lr", "## Two threads over one")


def _behind(by_threads: dict[int, Results], notes: dict[str, str]) -> str:
    lines = []
    for w in next(iter(by_threads.values())).workloads:
        cells = [_short_of(results, w.name) for results in by_threads.values()]
        if any(cells):
            lines.append([w.title, *(cell or "ahead" for cell in cells), notes.get(w.name, "")])
    heading = "## Where irc is behind"
    columns = ["", *map(_threads, by_threads), "why, as far as known"]
    return _table(columns, lines, "l", heading) if lines else f"{heading}\n\nNowhere."


def _short_of(results: Results, name: str) -> str:
    """The speeds of irc where one of them is below the best peer's, and who that is."""
    speeds = [(p, s) for p in OURS if (s := results.speed(p, name)) is not None]
    best = results.best(name)
    if best is None or all(s >= 0.995 for _, s in speeds):
        return ""
    ours = ", ".join(f"{s:.2f} {NAMES[p].removeprefix('irc, ')}" for p, s in speeds)
    return f"{ours} ({NAMES[best[1]]})"


def _cells(heading: str, results: Results, cell: Callable[[Row], str], note: str) -> str:
    lines = []
    for w in results.workloads:
        found = [results.rows.get((p, w.name), {}) for p in results.peers]
        lines.append([w.title, *(cell(row) if "cold_s" in row else "-" for row in found)])
    table = _table(["", *(NAMES[p] for p in results.peers)], lines, "lr", f"## {heading}")
    return f"{table}\n\n{note}"


def _cold(results: Results) -> str:
    note = (
        "Nothing was kept from earlier runs. One process a peer ran all workloads, so what it does once (imports, a precompiled header "
        "of torch.compile, irc's parser tables) is in the first line at most."
    )
    return _cells("Build and first call, seconds", results, lambda row: f"{row['cold_s']:.2f}", note)


def _memory(results: Results) -> str:
    def cell(row: Row) -> str:
        child = row.get("child_peak", 0)
        return f"{row['peak_rss']:.0f}" + (f" + {child:.0f}" if child > 30 else "")

    note = (
        "Peak of the resident process, weights, arguments and what earlier workloads left included; after +, the largest process it "
        "started (a compiler)."
    )
    return _cells("Peak memory, MiB", results, cell, note)


def _imports(imports: dict[str, Any], rows: Sequence[Row]) -> str:
    known = [p for p in (FRONTEND, *PEERS) if p in imports]
    lines = [
        [
            NAMES[p],
            f"{imports[p]['import_s']:.2f}",
            f"{imports[p]['rss_mib']:.0f}",
            f"{imports[p]['venv_mib_without_pip']}",
        ]
        for p in known
    ]
    columns = ["", "import, s", "memory after it, MiB", "installed, MiB"]
    table = _table(columns, lines, "lr", "## Import and installation")
    return f"{table}\n\nA whole process less an empty one; the environment with all it needs, without pip."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = HERE.parents[1].parent / "shared" / "bench"
    parser.add_argument("--harness", type=Path, default=shared)
    parser.add_argument("--work", type=Path, default=Path(os.environ.get("BENCH_WORK", shared)))
    parser.add_argument("--measure", action="store_true", help="run the harness first: about 20 minutes")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--workloads", default="W,T,K", help="prefixes")
    parser.add_argument("--peers", default=",".join((FRONTEND, TEXT, *PEERS)))
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    harness, work = given.harness.resolve(), given.work.resolve()
    if given.measure:
        threads = [int(n) for n in given.threads.split(",")]
        measure(harness, work, threads, given.workloads, given.peers.split(","))
    measured, imports = (
        json.loads((work / "results" / f).read_text()) for f in ("peers.json", "imports.json")
    )
    notes = json.loads((HERE / "peer_notes.json").read_text())
    given.out.write_text(page(listing(harness), measured, imports, notes))
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
