"""Random modules in which an extent of an argument, and all that grows with it, is made unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from random_modules import case_of
from test_bits import hard_arguments

from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.driver import compile_module
from irc.errors import UnsupportedError
from irc.ir.extents import size
from irc.ir.operation import Operation
from irc.ir.rewriting import Rewriter
from irc.ir.types import TensorType
from irc.passes.extents import Growing, growing, resized

SIZES = (1, 2, 3, 5, 17, 33)


@dataclass(frozen=True)
class Unknown:
    """A module and an extent of it that may be any."""

    module: Module
    main: Func
    batch: Growing

    def at(self, extent: int) -> Module | None:
        """The module where the extent is this one, a number or an expression."""
        made = resized(self.main, self.batch, extent)
        if made is None:
            return None
        return self.module.with_operations([made if op is self.main else op for op in self.module.operations])


class _Spread(Rewriter):
    """Constants of one number become a number that is broadcast, which any extent may have."""

    def replay(self, op: Operation) -> None:
        if isinstance(op, hlo.Constant) and op.value.is_splat and op.result.type.rank:
            self.location = op.location
            scalar = self.emit(hlo.Constant.splat(op.value.splat_array[()], op.result.type.with_shape(())))
            wide = hlo.BroadcastInDim(scalar, broadcast_dimensions=(), result_types=[op.result.type])
            self.replace(op, (self.emit(wide),))
            return
        super().replay(op)


def unknown_of(module: Module) -> Unknown | None:
    """The module with its first argument's first extent free, or that of the next one where something forbids it."""
    found = module.symbols["main"]
    assert isinstance(found, Func)
    main = found.with_block(_Spread().block_of(found.block))
    for i, argument in enumerate(main.arguments):
        shape = getattr(argument.type, "shape", ())
        for d in range(len(shape)):
            batch = growing(main, i, d) if isinstance(argument.type, TensorType) and shape[d] > 1 else None
            if batch is not None:
                made = Unknown(
                    module.with_operations([main if op is found else op for op in module.operations]),
                    main,
                    batch,
                )
                if all(made.at(n) is not None for n in SIZES):
                    return made
    return None


def check(seed: int) -> str:
    """Compares native code for any size with code for each. What came of it: "same", or why nothing was compared."""
    unknown = unknown_of(case_of(seed).module)
    if unknown is None:
        return "no extent is free"
    try:
        module = unknown.at(size("n0"))
        if module is None:
            return "no extent is free"
        program = compile_module(module)
    except UnsupportedError as error:
        return f"refused: {error.message}"
    for n in SIZES:
        special = unknown.at(n)
        assert special is not None
        arrays = hard_arguments(special, seed)
        for k, (found, wanted) in enumerate(
            zip(program(*arrays), compile_module(special)(*arrays), strict=True)
        ):
            assert found.shape == wanted.shape, f"seed {seed}, size {n}, result {k}: {found.shape}"
            same = np.array_equal(_bits(found), _bits(wanted))
            assert same, f"seed {seed}, size {n}, result {k}:\n{special}"
    return "same"


def _bits(array: Any) -> Any:
    """The bits, NaNs all alike."""
    if array.dtype.kind in "fc":
        array = np.where(array != array, np.asarray(np.nan, array.dtype), array)
    return np.ascontiguousarray(array).view(np.uint8)
