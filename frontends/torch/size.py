"""torch.Size and torch.device: what a shape and a place look like."""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any, TypeVar

from irc import options
from irc.errors import UnsupportedError
from irc.frontends.errors import RecordError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.places import DEVICES, HOME, as_place, device_named
from irc.frontends.recorder.storage import located

F = TypeVar("F", bound=Callable[..., Any])


class Size(tuple[int, ...]):
    """A shape: `torch.Size([32, 10])`."""

    __slots__ = ()

    def numel(self) -> int:
        return prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))


class device:
    """A device: `cpu`, `cuda`, or `ptx-emulated`, an interpreter of a GPU's code. In a `with` statement, tensors that are
    made of nothing are made there."""

    __slots__ = ("_entered", "index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        name = str(type)
        kind, _, number = name.partition(":")
        self.type = kind
        self._entered: list[Any] = []
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> device:
        entered = recorder.at(making=place_of_device(self))
        entered.__enter__()
        self._entered.append(entered)
        return self

    def __exit__(self, *exc: Any) -> None:
        self._entered.pop().__exit__(*exc)


def place_of_device(where: Any) -> str:
    """The place that `device=` names. Raises RecordError for one that is not here."""
    kind = where if isinstance(where, device) else device(where)
    if kind.type in (HOME, "meta"):
        return HOME
    if kind.type not in DEVICES:
        raise located(
            RecordError(
                f"device '{kind}' is not available: irc runs on {', '.join((HOME, *DEVICES))}",
            )
        )
    try:
        device_named(kind.type)
    except UnsupportedError as error:
        raise located(
            RecordError(
                f"device '{kind}' is not available: torch.cuda.is_available() is False, since {error.message}",
                notes=("write torch.device('cuda' if torch.cuda.is_available() else 'cpu')",),
            )
        ) from None
    if kind.index:
        raise located(RecordError(f"device '{kind}' is not available: irc runs on the first device"))
    return as_place(kind.type)


def device_at(place: str) -> device:
    """What `tensor.device` shows for a place."""
    if place == HOME:
        target = options.text("IRC_TARGET")
        place = target if target in DEVICES else HOME
    return device(place, 0 if place == "cuda" else None)


def placed(function: F) -> F:
    """A function whose argument `device` says where what it makes lives."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        where = kwargs.get("device")
        if where is None:
            return function(*args, **kwargs)
        with recorder.at(making=place_of_device(where)):
            return function(*args, **kwargs)

    return run  # type: ignore[return-value]


def placed_like(function: F) -> F:
    """The same of a function whose first argument is a tensor: without a `device`, with that."""

    @functools.wraps(function)
    def run(input: Any, *args: Any, **kwargs: Any) -> Any:
        where = kwargs.get("device")
        if where is None and not recorder.spread:
            return function(input, *args, **kwargs)
        with recorder.at(making=input._read().place if where is None else place_of_device(where)):
            return function(input, *args, **kwargs)

    return run  # type: ignore[return-value]
