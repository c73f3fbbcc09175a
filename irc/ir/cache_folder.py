"""Where things are kept between processes."""

from __future__ import annotations

import os
from pathlib import Path

from irc import options


def cache_folder() -> Path | None:
    """What is kept between processes lies here: `IRC_CACHE_DIR`, else the user's cache folder. None: nowhere."""
    own, shared = options.text("IRC_CACHE_DIR"), options.text("XDG_CACHE_HOME")
    try:
        folder = Path(own) if own else Path(shared or Path.home() / ".cache") / "irc"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None
