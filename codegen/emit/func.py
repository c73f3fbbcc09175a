"""func: a kernel is a private LLVM function whose parameters are the registers of its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irc.codegen.emit.function import FunctionEmitter, emits, refuse
from irc.dialects.func import Call, Func
from irc.ir.types import Type
from irc.runtime.profile import SYMBOL

if TYPE_CHECKING:
    from irc.codegen.emit.module import ModuleEmitter


def emit_function(module: ModuleEmitter, op: Func) -> None:
    """Writes a function of the module, or declares the one that profiles; memrefs are passed as pointers, several results as a struct."""
    e = FunctionEmitter(module, op.sym_name)
    if op.sym_name == SYMBOL and op.is_declaration:
        module.declare(SYMBOL, "void", [t for kind in op.type.inputs for t in e.types(kind)])
        return
    if op.is_declaration:
        raise refuse(op, f"the declaration of @{op.sym_name}: every function is inside the module")
    types = e.types_all(op.arguments)
    names = [f"%a{i}" for i in range(len(types))]
    e.bind(op.arguments, names)
    last = e.emit_block(op.block)
    e.do(_returned(e, e.types_all(last.operands), e.flat_all(last.operands)))
    parameters = ", ".join(f"{t} {n}" for t, n in zip(types, names, strict=True))
    result = _result_type([t for r in op.type.results for t in e.types(r)])
    module.define(op.sym_name, result, parameters, e)


def _result_type(types: list[str]) -> str:
    if len(types) > 1:
        return f"{{ {', '.join(types)} }}"
    return types[0] if types else "void"


def _returned(e: FunctionEmitter, types: list[str], texts: list[str]) -> str:
    if not types:
        return "ret void"
    if len(types) == 1:
        return f"ret {types[0]} {texts[0]}"
    whole, made = _result_type(types), "poison"
    for i, (type_, text) in enumerate(zip(types, texts, strict=True)):
        made = e.ins(f"insertvalue {whole} {made}, {type_} {text}, {i}")
    return f"ret {whole} {made}"


@emits(Call)
def emit_call(e: FunctionEmitter, op: Call) -> None:
    callee = e.module.symbols.get(op.callee)
    if not isinstance(callee, Func):
        raise refuse(op, f"a call of @{op.callee}, which is not in the module")
    pairs = zip(e.types_all(op.operands), e.flat_all(op.operands), strict=True)
    arguments = ", ".join(f"{t} {v}" for t, v in pairs)
    results: tuple[Type, ...] = op.result_types
    types = [t for r in results for t in e.types(r)]
    text = f'call {_result_type(types)} @"{e.module.called(op.callee)}"({arguments})'
    if not types:
        e.do(text)
        return
    made = e.ins(text)
    if len(types) == 1:
        e.bind(op.results, [made])
    else:
        whole = _result_type(types)
        e.bind(op.results, [e.ins(f"extractvalue {whole} {made}, {i}") for i in range(len(types))])
