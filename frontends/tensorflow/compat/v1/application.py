"""Small names of TF1: seeds, devices, collections, the application's main function."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from irc.frontends.tensorflow.compat.v1.graph import get_default_graph


def set_random_seed(seed: int | None) -> None:
    """Starts the random numbers of the default graph's sessions: each draws the same ones. None: the process's."""
    get_default_graph().seed = None if seed is None else int(seed)


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The graph's seed, and an operation's own."""
    return get_default_graph().seed, op_seed


def device(device_name_or_function: Any) -> Any:
    """There is one device: nothing changes."""
    return get_default_graph().device(device_name_or_function)


def colocate_with(op: Any, ignore_existing: bool = False) -> Any:
    """Accepted: there is one device."""
    return get_default_graph().colocate_with(op, ignore_existing)


def add_to_collection(name: Any, value: Any) -> None:
    """Adds to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def _run(main: Any = None, argv: list[str] | None = None) -> None:
    main = main or sys.modules["__main__"].main
    sys.exit(main(argv if argv is not None else sys.argv))


def _told(level: str) -> Any:
    def tell(message: Any, *values: Any) -> None:
        print(f"{level}:tensorflow:{message % values if values else message}", file=sys.stderr)

    return tell


def _silent(*values: Any) -> None:
    """Said only where it is asked for."""


app = SimpleNamespace(run=_run)

logging = SimpleNamespace(
    DEBUG=10,
    INFO=20,
    WARN=30,
    ERROR=40,
    FATAL=50,
    set_verbosity=_silent,
    get_verbosity=lambda: 30,
    debug=_silent,
    info=_silent,
    log=_silent,
    vlog=_silent,
    warn=_told("WARNING"),
    warning=_told("WARNING"),
    error=_told("ERROR"),
    fatal=_told("FATAL"),
)

test = SimpleNamespace(
    is_gpu_available=lambda *args, **kwargs: False,
    is_built_with_cuda=lambda: False,
    gpu_device_name=lambda: "",
)
