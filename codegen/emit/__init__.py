"""Kernel IR to LLVM text: tiles are cut into registers, buffers become pointers, foralls become tickets."""

from irc.codegen.emit.module import emit_module

__all__ = ["emit_module"]
