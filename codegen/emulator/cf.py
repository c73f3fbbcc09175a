"""cf: an assertion that fails stops the program."""

from __future__ import annotations

from irc.codegen.emulator.machine import Machine, emulates
from irc.dialects import cf
from irc.runtime import failures


@emulates(cf.Assert)
def assert_(m: Machine, op: cf.Assert, holds: bool) -> None:
    if not holds:
        raise failures.error_of(op.msg)
