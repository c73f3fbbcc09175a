"""The ops. Importing this package registers every dialect."""

from irc.dialects import (
    arith,
    assembly,
    builtin,
    cf,
    chlo,
    func,
    gpu,
    llvm,
    math,
    memref,
    nvgpu,
    scf,
    stablehlo,
    tile_assembly,
    vector,
)

__all__ = [
    "arith",
    "assembly",
    "builtin",
    "cf",
    "chlo",
    "func",
    "gpu",
    "llvm",
    "math",
    "memref",
    "nvgpu",
    "scf",
    "stablehlo",
    "tile_assembly",
    "vector",
]
