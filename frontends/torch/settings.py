"""What programs set for the whole process."""

from __future__ import annotations


def set_num_threads(n: int) -> None:
    """How many threads compute."""
    from irc.runtime.pool import set_num_threads as set_threads  # noqa: PLC0415 - loads LLVM

    set_threads(n)


def get_num_threads() -> int:
    """How many threads a program runs on."""
    from irc.runtime.pool import get_num_threads as get_threads  # noqa: PLC0415 - loads LLVM

    return get_threads()


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: products of float32 are float32 here."""


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: everything is deterministic here."""
