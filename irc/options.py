"""What a user sets from outside: environment variables, each read when it is needed. No other module reads them."""

from __future__ import annotations

import os

_DOCUMENTED = {
    "IRC_NUM_THREADS": "threads of the pool (default: OMP_NUM_THREADS, then the processors this process may use)",
    "IRC_TARGET": "what models run on: cpu (default), cuda, or ptx-emulated (a GPU's code in an interpreter)",
    "IRC_DYNAMIC": "0: every size of a program is compiled by itself, instead of one program for all from the second on",
    "IRC_DOT_INSTRUCTIONS": "0: sums of bf16 products are made by multiply-adds in f32 one after the other, on every processor, "
    "instead of the faster dot-product instruction of some, which takes two at a time and flushes denormals",
    "IRC_MEMORY_LIMIT": "bytes a program may hold, such as 512M or 3.5G: one that needs more runs steps again, or is refused before it "
    "runs",
    "IRC_ARGUMENTS": "arrays that cannot go in as they lie: copy (default; irc.copies() counts), exact (refuse), or convert "
    "(wrong dtypes as well)",
    "IRC_PROGRAM_LIMIT": "compiled programs that a process keeps in memory (default: 512); those unused longest go first",
    "IRC_LOG": "what to tell on standard error: compile (every compilation), recompile (why a function was compiled again), "
    "cache (why a program was not on disk)",
    "IRC_PROFILE": "a file that receives a trace of this process's compilations and kernels, for chrome://tracing or Perfetto",
    "IRC_DUMP_DIR": "a folder that receives the module after every pass, numbered",
    "IRC_VERIFY_EACH": "1: the module is verified after every pass",
    "IRC_COMPARE_EACH": "1: the module is interpreted on random inputs after every pass, and results are compared",
    "IRC_CHECK_BOUNDS": "1: generated code checks every access to memory (slow; finds faults of irc's own)",
    "IRC_TRAP_NAN": "1: the first op that makes a NaN or an infinity is an error, with its line and inputs (slow)",
    "IRC_TRACEBACK": "1: errors show irc's own frames as well",
    "IRC_CACHE": "0: no compiled program is kept on disk",
    "IRC_CACHE_DIR": "where programs and the parser's tables are kept (default: irc in XDG_CACHE_HOME or ~/.cache)",
    "IRC_CACHE_LIMIT": "bytes of compiled programs on disk (default: 1G)",
}
_SHARED = {
    "OMP_NUM_THREADS": "as in other libraries: threads, where IRC_NUM_THREADS does not say",
    "XDG_CACHE_HOME": "the user's cache folder (default: ~/.cache)",
    "NO_COLOR": "no colours on a terminal",
    "FORCE_COLOR": "colours even where there is no terminal",
}
"""Variables that are not irc's own: it follows them as other programs do."""


def documented() -> dict[str, str]:
    """Every variable with its meaning, irc's own first."""
    return {**_DOCUMENTED, **_SHARED}


def text(name: str, default: str = "") -> str:
    """The value of a documented variable."""
    assert name in _DOCUMENTED or name in _SHARED, name
    return os.environ.get(name, default)


def flag(name: str) -> bool:
    """Whether a documented variable is set to anything but 0 or false."""
    return text(name) not in ("", "0", "false")


def put(name: str, value: str) -> None:
    """Sets a documented variable for this process and those it starts."""
    assert name in _DOCUMENTED, name
    os.environ[name] = value


def inherited(**changes: str) -> dict[str, str]:
    """The environment of a process to start: this one's, with changes."""
    return {**os.environ, **changes}


def log(topic: str) -> None:
    """Adds a topic to what IRC_LOG asks for."""
    os.environ["IRC_LOG"] = ",".join(filter(None, (text("IRC_LOG"), topic)))


def logged(topic: str) -> bool:
    """Whether IRC_LOG asks for `topic`; several are separated by commas, and `all` is every one."""
    wanted = text("IRC_LOG").replace(";", ",").split(",")
    return topic in wanted or "all" in wanted
