"""func: a call runs the function's body on the caller's values."""

from __future__ import annotations

from typing import Any

from irc.codegen.emulator.machine import Machine, emulates
from irc.codegen.emulator.memory import Fault
from irc.dialects.func import Call, Func


@emulates(Call)
def call(m: Machine, op: Call, *arguments: Any) -> tuple[Any, ...]:
    callee = m.symbols.get(op.callee)
    if not isinstance(callee, Func) or callee.is_declaration:
        raise Fault(f"calls @{op.callee}, which has no body")
    return tuple(m.call(callee.block, arguments))
