"""The ops. Importing this package registers every dialect."""

from irc.dialects import arith, builtin, func, math, memref, scf, stablehlo, vector

__all__ = ["arith", "builtin", "func", "math", "memref", "scf", "stablehlo", "vector"]
