"""What a user sets from outside: environment variables, each read when it is needed."""

from __future__ import annotations

import os

_DOCUMENTED = {
    "IRC_NUM_THREADS": "threads of the pool (default: OMP_NUM_THREADS, then the processors this process may use)",
    "IRC_LOG": "what to tell on standard error, by commas: compile (every compilation and why), fusion, passes",
    "IRC_DUMP_DIR": "a folder that receives the module after every pass, numbered",
    "IRC_VERIFY_EACH": "1: the module is verified after every pass",
    "IRC_COMPARE_EACH": "1: the module is interpreted on random inputs after every pass, and results are compared",
    "IRC_TRACEBACK": "1: errors show irc's own frames as well",
}


def documented() -> dict[str, str]:
    """Every variable with its meaning."""
    return dict(_DOCUMENTED)


def text(name: str, default: str = "") -> str:
    """The value of a documented variable."""
    assert name in _DOCUMENTED, name
    return os.environ.get(name, default)


def flag(name: str) -> bool:
    return text(name) not in ("", "0", "false")


def logged(topic: str) -> bool:
    """Whether IRC_LOG asks for `topic`."""
    wanted = text("IRC_LOG").replace(";", ",").split(",")
    return topic in wanted or "all" in wanted
