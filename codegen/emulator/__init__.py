"""Kernel IR run in Python and NumPy, an op at a time: the twin that says what native code must compute.

One file a dialect, each a table of what its ops do. Values are what they look like: a scalar is a NumPy scalar, a tile an
array, a memref a place in a buffer of bytes. Buffers remember which bytes were ever written and, inside `scf.forall`,
which ticket touched them, so that mistakes that native code hides are errors here."""

from irc.codegen.emulator.machine import EmulationError
from irc.codegen.emulator.program import emulate

__all__ = ["EmulationError", "emulate"]
