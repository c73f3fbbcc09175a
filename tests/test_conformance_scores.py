"""The scores of the conformance suites: what counts as a fall, and that a command says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import conformance_scores
import pytest
from conformance import folder
from conformance_scores import FLOORS, JOBS, WHOLE, Job, Score, below, family, generalised, record, report

SCRIPT = Path(__file__).parent / "conformance.py"


@pytest.fixture
def found() -> dict[str, Score]:
    made = Score()
    made.add(True, "add")
    made.add(False, "add", "<string>:3:7: 'stablehlo.add' op takes 17 things")
    made.add(False, "dot_general", "")
    made.more["rejects with the expected message"] = (5, 9)
    return {"verify a.jsonl": made, "interpret b.zip": Score(100, 100)}


def test_a_score_below_its_floor_is_named(
    found: dict[str, Score], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conformance_scores, "FLOORS", tmp_path / "floors.json")
    record(found)
    assert below(found) == []
    floors = json.loads((tmp_path / "floors.json").read_text())
    assert floors.pop("interpret b.zip") == 98, "what may be too slow elsewhere"
    assert floors == {"verify a.jsonl": 1, "verify a.jsonl: rejects with the expected message": 5}
    found["verify a.jsonl"].more["rejects with the expected message"] = (4, 9)
    assert below(found) == ["verify a.jsonl: rejects with the expected message: 4 of 9, and 5 is the floor"]


def test_the_report_lists_families_and_causes(found: dict[str, Score]) -> None:
    text = report(found, details=True)
    assert "verify a.jsonl: 1 of 3 (33.3 %)" in text
    assert "mean over 2 op families: 25.0 %" in text
    assert "1 of    2  add" in text
    assert "1 x 'stablehlo.add' op takes N things" in text
    assert "op takes" not in report(found, details=False)


def test_messages_of_one_kind_are_one_cause() -> None:
    assert (
        generalised("a.mlir:3:4: bad 12 of f32") == generalised("b.mlir:9:1: bad 7 of f32") == "bad N of fN"
    )
    assert generalised("") == "?"
    assert family("dynamic_slice_float32_20x20") == "slice_float" and family("17") == "others"


def test_every_job_has_a_floor() -> None:
    floors = json.loads(FLOORS.read_text())
    assert {job.name for job in JOBS} <= set(floors)
    assert all(isinstance(job, Job) for job in WHOLE)


def test_the_command_without_suites_says_so(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--scores", "--floors"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"IRC_CONFORMANCE": str(tmp_path / "none"), "PATH": ""}
    )
    assert done.returncode == 0 and "nothing is scored" in done.stdout


@pytest.mark.skipif(not folder().is_dir(), reason="no conformance suites here")
def test_the_command_fails_below_the_floor(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); sys.argv = ['conformance.py', '--scores', '--floors', "
        "'--only', '(core)']; import conformance, conformance_scores, pathlib; "
        f"conformance_scores.FLOORS = pathlib.Path({str(tmp_path / 'floors.json')!r}); sys.exit(conformance.main())"
    )
    for floor, status in ((1, 0), (100_000, 1)):
        (tmp_path / "floors.json").write_text(json.dumps({"verify stablehlo_verify.jsonl (core)": floor}))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
    assert "100000 is the floor" in done.stdout
