"""Golden files: a `tests/golden/**/*.mlir` that begins with `// RUN:` is a test. `pytest --update-golden` rewrites them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from golden import RUN, GoldenCase, GoldenMismatch
from hypothesis import settings

HERE = Path(__file__).parent

# A test compiles what it is about; those of the cache turn it on for themselves.
os.environ.setdefault("IRC_CACHE", "0")

# Continuous integration tries the same examples every time: a random program that fails is for people to look at.
settings.register_profile("repeatable", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden files from what irc gives now"
    )


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.File | None:
    golden = file_path.suffix == ".mlir" and HERE / "golden" in file_path.parents
    if golden and file_path.read_text().startswith(RUN):
        return GoldenFile.from_parent(parent, path=file_path)  # type: ignore[no-any-return]
    return None


class GoldenFile(pytest.File):
    def collect(self) -> Iterator[GoldenItem]:
        yield GoldenItem.from_parent(self, name=self.path.stem)


class GoldenItem(pytest.Item):
    def runtest(self) -> None:
        case = GoldenCase.read(self.path)
        if self.config.getoption("--update-golden"):
            case.rewrite()
        else:
            case.check()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, GoldenMismatch):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"golden {self.path.relative_to(HERE / 'golden')}"
