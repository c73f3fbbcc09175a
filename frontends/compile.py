"""@irc.compile."""

from typing import Any


def compile(function: Any = None, **options: Any) -> Any:
    return function
