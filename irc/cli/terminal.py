"""Text for people: coloured on a terminal (NO_COLOR and FORCE_COLOR are heeded), plain in a pipe."""

from __future__ import annotations

import sys
from typing import TextIO

from irc import options

_STYLES = (
    (r"(//|;|#) .*$|^(//|;|#)$", "dim"),
    (r'"[^"]*"', "green"),
    (r"@[\w.$]+", "bold yellow"),
    (r"%[\w.$#]+", "cyan"),
    (r"\b(tensor|memref|vector|strided|affine_map|array|dense)\b", "magenta"),
    (r"\b[a-z]+\.[a-z_][\w.]*", "bold blue"),
)


def coloured(stream: TextIO) -> bool:
    """Whether to write colours to a stream."""
    if options.text("FORCE_COLOR"):
        return True
    return stream.isatty() and not options.text("NO_COLOR")


def show(text: str, stream: TextIO | None = None) -> None:
    """Prints a text of any stage."""
    stream = stream or sys.stdout
    if not coloured(stream):
        stream.write(text if text.endswith("\n") else text + "\n")
        return
    # Only where there is a terminal to colour.
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    styled = Text(text.rstrip("\n"))
    for pattern, style in reversed(_STYLES):
        styled.highlight_regex(rf"(?m){pattern}", style)
    Console(file=stream, force_terminal=True, soft_wrap=True, highlight=False).print(styled)
