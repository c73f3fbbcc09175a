"""What is installed is what is in the checkout: the wheel holds every module, under one top-level name."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"irc": "irc", "passes": "irc/passes", "codegen": "irc/codegen", "frontends": "irc/frontends"}


def expected_files() -> set[str]:
    """Every file of the product, as the wheel names it."""
    found = set()
    for folder, target in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".lark", ".typed") and "__pycache__" not in path.parts:
                found.add(f"{target}/{path.relative_to(ROOT / folder).as_posix()}")
    return found


def test_every_package_is_listed() -> None:
    """A sub-package missing from the list imports from an editable install and is absent from the wheel."""
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {str(Path(name).parent).replace("/", ".") for name in expected_files() if name.endswith(".py")}
    assert there - listed == set()
    assert listed - there == set()


@pytest.mark.slow
def test_the_wheel_holds_everything(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if ".dist-info/" not in n}
    assert names == expected_files()
    assert {n.partition("/")[0] for n in names} == {"irc"}


def test_a_bare_import_outside_the_checkout_fails(tmp_path: Path) -> None:
    """An installed irc puts one module on the machine: never one called `passes`."""
    for name in ("passes", "codegen", "frontends"):
        done = subprocess.run(
            [sys.executable, "-P", "-c", f"import {name}"], cwd=tmp_path, capture_output=True
        )
        assert done.returncode != 0, f"`import {name}` works outside the checkout"
