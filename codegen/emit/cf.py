"""cf: an assertion that fails notes its message and goes on; whoever called the program asks for it afterwards."""

from __future__ import annotations

from irc.codegen.emit.constants import bytes_text
from irc.codegen.emit.function import FunctionEmitter, emits, refuse
from irc.dialects import cf
from irc.runtime.failures import SYMBOL


@emits(cf.Assert)
def emit_assert(e: FunctionEmitter, op: cf.Assert) -> None:
    if e.module.target.is_device:
        raise refuse(op, "an assertion in device code")
    wrong, on = e.new_label("failed"), e.new_label("holds")
    e.branch(e.scalar(op.arg), on, wrong)
    e.start(wrong)
    e.call(SYMBOL, "void", ("ptr", _message(e, op.msg)))
    e.jump(on)
    e.start(on)


def _message(e: FunctionEmitter, text: str) -> str:
    """The global that holds a message; equal ones share it."""
    data = text.encode() + b"\0"
    name = f"@message.{len(e.module.messages)}"
    name = e.module.messages.setdefault(text, name)
    e.module.globals.setdefault(name, f"{name} = private constant [{len(data)} x i8] {bytes_text(data)}")
    return name
