"""The ops. Importing this package registers every dialect."""

from irc.dialects import builtin, func

__all__ = ["builtin", "func"]
