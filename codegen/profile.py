"""Kernels that note when they begin and end: calls of `@irc_profile` around every kernel that @main calls, inside every
ticket of the thread pool, and around @main itself. What is not profiled has none of it."""

from __future__ import annotations

import numpy as np

from irc.dialects import arith, memref, scf
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func
from irc.ir.attributes import DenseElementsAttr, StringAttr, TypeAttr
from irc.ir.locations import described
from irc.ir.operation import Block, Operation, Region
from irc.ir.rewriting import Rewriter
from irc.ir.types import FunctionType, MemRefType, TensorType, i8, index
from irc.runtime.profile import SYMBOL

_NAMES = "profile_names"
_WHOLE = "a call of the program"
_TICKET = " (ticket)"


def profiled(module: Module) -> Module:
    """A module of kernels with a record of every kernel and every ticket, named by source line; itself where it has them."""
    if SYMBOL in module.symbols:
        return module
    labels: dict[str, str] = {}
    for op in module.walk():
        if isinstance(op, Call):
            labels.setdefault(op.callee, f"{described(op.location)} {op.callee}")
    data, offsets = b"", {}
    for name in (_WHOLE, *labels.values(), *(label + _TICKET for label in labels.values())):
        offsets[name] = len(data)
        data += name.encode() + b"\0"
    names = MemRefType((len(data),), i8)
    made: list[Operation] = [_global(data, names), _declaration(names)]
    for op in module.operations:
        if isinstance(op, Func) and not op.is_declaration:
            whole = op.sym_name == "main"
            noter = _Noter(names, labels, offsets, labels.get(op.sym_name, _WHOLE))
            block = noter.block_of(op.block)
            made.append(op.with_block(noter.surrounded(block, _WHOLE) if whole else block))
        else:
            made.append(op)
    return module.with_operations(made)


def _global(data: bytes, names: MemRefType) -> Operation:
    value = DenseElementsAttr.of(TensorType(names.shape, i8), np.frombuffer(data, np.int8))
    return memref.Global(
        sym_name=_NAMES, sym_visibility="private", type=names, initial_value=value, constant=True
    )


def _declaration(names: MemRefType) -> Operation:
    attributes = {
        "sym_name": StringAttr(SYMBOL),
        "function_type": TypeAttr(FunctionType((names, index, index), ())),
        "sym_visibility": StringAttr("private"),
    }
    return Func.create((), (), attributes, (Region([]),))


class _Noter(Rewriter):
    def __init__(self, names: MemRefType, labels: dict[str, str], offsets: dict[str, int], here: str) -> None:
        super().__init__()
        self.names, self.labels, self.offsets, self.here = names, labels, offsets, here

    def replay(self, op: Operation) -> None:
        made = self.mapped(op)
        if isinstance(made, scf.Forall) and "irc.sequential" not in made.attributes:
            block = self.surrounded(made.region.block, self.here + _TICKET)
            made = made.with_operands(made.operands, [Region([block])])
        if isinstance(made, Call):
            self.note(self.labels[made.callee], 1)
        self.operations.append(made)
        if isinstance(made, Call):
            self.note(self.labels[made.callee], 0)
        if made is not op:
            self.replace(op, made.results)

    def surrounded(self, block: Block, label: str) -> Block:
        """The block with a record at its begin and one at its end."""
        inner = self.nested()
        inner.note(label, 1)
        inner.operations += block.operations[:-1]
        inner.note(label, 0)
        return Block(block.arguments, [*inner.operations, block.terminator])

    def note(self, label: str, what: int) -> None:
        """Appends one record."""
        held = self.emit(memref.GetGlobal(name=_NAMES, result_types=[self.names]))
        offset = self.emit(arith.Constant.of(self.offsets.get(label, self.offsets[_WHOLE]), index))
        kind = self.emit(arith.Constant.of(what, index))
        self.emit(Call([held, offset, kind], callee=SYMBOL, result_types=[]))
