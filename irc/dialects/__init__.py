"""The ops. Importing this package registers every dialect."""

from irc.dialects import arith, builtin, func, math, memref, scf, vector

__all__ = ["arith", "builtin", "func", "math", "memref", "scf", "vector"]
