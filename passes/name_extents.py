"""Unknown extents of @main's arguments get names, and every other extent becomes an expression over them.

A name stands for each unknown extent, then extents that an op or a shape assertion says are equal are made one: the pass
infers all types, stops where two expressions that must agree do not, replaces a name, and begins again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.extents import divided, names, replaced, size
from irc.ir.types import TensorType, Type
from irc.passes.manager import Context, Pass
from irc.passes.shape_inference import Unequal, specialize


@dataclass(frozen=True)
class NameExtents(Pass, name="name_extents"):
    """Given  `main(%x : tensor<?x4xf32>, %y : tensor<?x4xf32>) { add %x, %y }`.  Result: both extents are one name's."""

    def apply(self, module: Module, context: Context) -> Module:
        main = module.symbols.get("main")
        if not isinstance(main, Func) or main.is_declaration:
            return module
        if all(_is_known(t) for op in main.walk() for t in op.result_types) and all(
            map(_is_known, main.type.inputs)
        ):
            return module
        types = _named([a.type for a in main.arguments])
        while True:
            try:
                return specialize(module, {"main": types}, context)
            except Unequal as found:
                name, by = _solution(found)
                types = [_with(t, name, by) for t in types]


def _is_known(type: Type) -> bool:
    return not isinstance(type, TensorType) or type.is_static


def _named(types: Sequence[Type]) -> list[Type]:
    """The types with a name for every unknown extent: n0, n1, ..."""
    found: list[Type] = []
    count = 0
    for type in types:
        if isinstance(type, TensorType):
            shape = []
            for extent in type.shape:
                shape.append(size(f"n{count}") if extent is None else extent)
                count += extent is None
            type = TensorType(tuple(shape), type.element, type.encoding)
        found.append(type)
    return found


def _with(type: Type, name: str, by: int) -> Type:
    if not isinstance(type, TensorType):
        return type
    shape = tuple(None if n is None else replaced(n, name, by) for n in type.shape)
    return TensorType(shape, type.element, type.encoding)


def _solution(found: Unequal) -> tuple[str, int]:
    """The name to replace, the last one of those that stand alone on one side, and what by.

    Raises UnsupportedError where no name can be replaced by a whole expression."""
    difference: Any = found.left - found.right
    for name in sorted(names(difference), key=lambda n: -int(n[1:])):
        alone = size(name)
        rest = replaced(difference, name, 0)
        slope = difference - rest
        by = divided(slope, alone)
        if by in (1, -1) and name not in names(rest):
            return name, -rest * by
    raise UnsupportedError(
        f"extents {found.left} and {found.right}, which must be equal, cannot be made one", span=found.span
    )
