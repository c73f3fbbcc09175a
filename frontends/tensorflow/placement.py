"""tf.device: where operations run, and where values are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.places import DEVICES, HOME, as_place, is_available
from irc.frontends.recorder.storage import located

_WORDS = {"CPU": HOME, "GPU": "cuda"}


def name_of(place: str) -> str:
    """The device of a place, as TensorFlow names it."""
    word = {place: word for word, place in _WORDS.items()}.get(place, place.upper())
    return f"/job:localhost/replica:0/task:0/device:{word}:0"


def place_named(name: str) -> str:
    """The place of a name such as `/GPU:0`, `/job:localhost/device:CPU:0` or `ptx-emulated`. Where there is no GPU it is the
    CPU, as with TensorFlow's soft placement."""
    last = name.rpartition("/")[2].removeprefix("device:")
    word, _, number = last.partition(":")
    place = _WORDS.get(word.upper(), word.lower())
    if place not in (HOME, *DEVICES) or number not in ("", "0", "*"):
        raise located(
            RecordValueError(f"Unknown device: {name!r}", notes=("irc has /CPU:0, /GPU:0 and ptx-emulated",))
        )
    return as_place(place) if is_available(place) else HOME


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Operations inside run on a device, wherever their operands are; None: where they are."""
    if device_name is None or callable(device_name):
        yield
        return
    name = getattr(device_name, "name", device_name)
    with recorder.at(forced=place_named(str(name))):
        yield
