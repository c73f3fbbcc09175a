"""Environment variables: one module reads them, and each that it documents is read somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from irc import options

ROOT = Path(__file__).parent.parent
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for folder in ("irc", "passes", "codegen", "frontends")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
OWN = ROOT / "irc" / "options.py"


def test_only_options_reads_the_environment() -> None:
    readers = [path for path, text in SOURCES.items() if "os.environ" in text or "getenv" in text]
    assert readers == [OWN]


@pytest.mark.parametrize("name", options.documented())
def test_a_documented_variable_is_read(name: str) -> None:
    reading = "options.logged(" if name == "IRC_LOG" else f'"{name}"'
    assert any(reading in text for path, text in SOURCES.items() if path != OWN)


def test_flags_and_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, wanted in (("", False), ("0", False), ("false", False), ("1", True)):
        monkeypatch.setenv("IRC_TRACEBACK", value)
        assert options.flag("IRC_TRACEBACK") is wanted
    monkeypatch.setenv("IRC_LOG", "compile,passes")
    assert options.logged("compile") and not options.logged("fusion")
    monkeypatch.setenv("IRC_LOG", "all")
    assert options.logged("fusion")
