"""Texts to begin from: golden files, samples of every op, and the conformance suites where they are present."""

from __future__ import annotations

import json
import os
import zipfile
from functools import cache
from pathlib import Path

from samples import SAMPLES
from text_programs import PROGRAMS

from irc.errors import IrcError

TESTS = Path(__file__).parents[1]
LONGEST = 6000
"""Characters of a text: longer ones only cost time."""


def conformance() -> Path | None:
    """The folder of the conformance suites, where there is one."""
    folder = Path(os.environ.get("IRC_CONFORMANCE") or TESTS.parent.parent / "shared" / "conformance")
    return folder if folder.is_dir() else None


@cache
def own_texts() -> tuple[str, ...]:
    """The texts of this project, in an order that is always the same."""
    golden = [p.read_text() for p in sorted((TESTS / "golden").rglob("*.mlir"))]
    samples = []
    for sample in SAMPLES:
        try:
            samples.append(str(sample.module()))
        except IrcError:
            continue  # a sample that is under work
    found = [*PROGRAMS.values(), *golden, *samples]
    return tuple(dict.fromkeys(t for t in found if len(t) < LONGEST))


@cache
def all_texts() -> tuple[str, ...]:
    """These, and the texts of the conformance suites."""
    folder = conformance()
    if folder is None:
        return own_texts()
    found: list[str] = []
    for archive in sorted(folder.iterdir()):
        if archive.suffix == ".jsonl":
            found += [json.loads(line)["text"] for line in archive.read_text().splitlines()]
        elif archive.suffix == ".zip" and not archive.name.startswith("onnx"):
            with zipfile.ZipFile(archive) as z:
                names = [i for i in z.infolist() if i.filename.endswith(".mlir") and i.file_size < LONGEST]
                found += [z.read(i).decode() for i in names]
    return tuple(dict.fromkeys([*own_texts(), *(t for t in found if len(t) < LONGEST)]))
