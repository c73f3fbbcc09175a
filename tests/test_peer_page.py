"""The page of all peers: what it says follows from the harness's rows."""

from __future__ import annotations

from typing import Any

import pytest
from bench import peer_page
from bench.peer_page import Results, Workload, page

WORKLOADS = [
    Workload("W1_mlp_b1", "infer", "MLP, batch 1"),
    Workload("T3_lstm", "train", "LSTM training"),
    Workload("K9_sort_1M", "kernel", "sort"),
]


def _row(peer: str, workload: str, threads: int, wall: float) -> dict[str, Any]:
    row = {
        "peer": peer,
        "workload": workload,
        "threads": threads,
        "status": "ok",
        "version": "1.0",
        "wall": wall,
    }
    return {**row, "cold_s": 0.5, "peak_rss": 100.0, "child_peak": 80.0 if peer == "torch_compile" else 0.0}


@pytest.fixture
def measured() -> dict[str, Any]:
    rows = []
    for threads in (1, 2):
        for peer, times in {
            "irc_stablehlo": (1e-3, 2e-3, 8e-3),
            "irc": (2e-3, 2e-3, 8e-3),
            "ort": (1.5e-3, None, 4e-3),
            "torch_compile": (3e-3, 4e-3, 2e-3),
        }.items():
            for workload, wall in zip(WORKLOADS, times, strict=True):
                if wall is not None:
                    rows.append(_row(peer, workload.name, threads, wall / threads))
    rows.append({**_row("ort", "T3_lstm", 1, 1.0), "status": "skipped"})
    rows.append({**_row("iree", "T3_lstm", 1, 1e-9), "status": "wrong"})
    host = {"cpu": "A processor", "cores": 2, "kernel": "6.1", "python": "3.11"}
    return {"rows": rows, "host": host, "when": "2026-01-02 03:04:05"}


def _line(text: str, heading: str, first: str) -> list[str]:
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    (line,) = [s for s in section.splitlines() if s.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_speeds_are_those_of_the_best_peer_over_ones_own(measured: dict[str, Any]) -> None:
    text = page(WORKLOADS, measured, {}, {})
    assert _line(text, "Speed, 1 thread", "MLP, batch 1") == [
        "MLP, batch 1", "onnxruntime, 1.50 ms", "**1.50**", "0.75", "1 of 3", "**1.00**", "0.50", "-",
    ]  # fmt: skip
    # A wrong answer is no time; who skipped a workload has no place in it.
    assert _line(text, "Speed, 1 thread", "LSTM training")[1:] == [
        "torch.compile, 4.00 ms", "**2.00**", "**2.00**", "1 of 2", "-", "**1.00**", "wrong",
    ]  # fmt: skip
    assert _line(text, "Speed, 2 threads", "sort")[2:5] == ["0.25", "0.25", "3 of 3"]


def test_means_are_geometric_and_say_of_how_many(measured: dict[str, Any]) -> None:
    more = [*WORKLOADS, Workload("W2", "infer", "CNN")]
    measured["rows"] += [_row("irc", "W2", 1, 1e-3), _row("torch_compile", "W2", 1, 3e-3)]
    text = page(more, measured, {}, {})
    assert _line(text, "Geometric means of speed", "irc, torch frontend")[1] == "1.50"  # of 0.75 and 3
    assert _line(text, "Geometric means of speed", "onnxruntime")[1] == "1.00 (1)"
    assert "irc is first at one thread in inference: 2 of 2, training: 1 of 1, kernels: 0 of 1." in text


def test_where_irc_is_behind_and_how_threads_scale(measured: dict[str, Any]) -> None:
    text = page(WORKLOADS, measured, {}, {"K9_sort_1M": "its digits"})
    behind = "0.25 from text, 0.25 torch frontend (torch.compile)"
    assert f"| sort | {behind} | {behind} | its digits |" in text
    behind = "1.50 from text, 0.75 torch frontend (onnxruntime)"
    assert f"| MLP, batch 1 | {behind} | {behind} |  |" in text
    assert "LSTM" not in text.split("## Where irc is behind")[1].split("\n## ")[0]
    assert _line(text, "Two threads over one", "sort")[1:] == ["2.00"] * 4
    assert _line(text, "Peak memory, MiB", "sort")[1:5] == ["100", "100", "100", "100 + 80"]


def test_imports_and_versions_and_the_day(measured: dict[str, Any]) -> None:
    imports = {"irc": {"import_s": 0.11, "rss_mib": 47.9, "venv_mib_without_pip": 270}}
    text = page(WORKLOADS, measured, imports, {})
    assert "| irc, torch frontend | 0.11 | 48 | 270 |" in text
    assert "Measured on 2026-01-02 on 2 processors of A processor" in text
    assert "Versions: irc 1.0, onnxruntime 1.0, torch.compile 1.0, IREE 1.0." in text


def test_peers_that_take_minutes_are_not_waited_for() -> None:
    groups = peer_page._by_peers_left_out(["W1_mlp_b1", "T3_lstm", "K1", "K9_sort_1M"])
    assert groups == [((), ["W1_mlp_b1", "K1"]), (("iree", "tf_xla"), ["T3_lstm", "K9_sort_1M"])]


def test_no_results_are_no_speeds() -> None:
    results = Results(WORKLOADS, {})
    assert results.best("K9_sort_1M") is None and results.rank("K9_sort_1M") == "-" and results.peers == []
