"""The ops. Importing this package registers every dialect."""

from irc.dialects import (
    arith,
    assembly,
    builtin,
    chlo,
    func,
    math,
    memref,
    scf,
    stablehlo,
    tile_assembly,
    vector,
)

__all__ = [
    "arith",
    "assembly",
    "builtin",
    "chlo",
    "func",
    "math",
    "memref",
    "scf",
    "stablehlo",
    "tile_assembly",
    "vector",
]
