"""PTX text run in NumPy, the twin that says what a device must compute where there is none.

`load(text)` reads a module; `module.launch(memory, name, grid=, block=, arguments=, shared_bytes=)` runs a kernel over
a `GlobalMemory`, whose `allocate(array)` and `reserve(bytes)` give addresses and whose `read(address, shape, dtype)` gives
arrays back. All threads of many blocks run at once, each register an array over them. Accesses out of bounds, misaligned
or of what was never written, races, missing waits, divergent collectives and deadlocks are errors that name line, kernel,
block and thread.

Arithmetic is the device's to the bit where PTX says what that is. Approximate instructions (`Kernel.approximate`) are
rounded correctly here, and the sums of matrix products are made in f64 and rounded once."""

from irc.codegen.ptx_interpreter.errors import PtxError
from irc.codegen.ptx_interpreter.launch import PtxModule, load
from irc.codegen.ptx_interpreter.memory import GlobalMemory

__all__ = ["GlobalMemory", "PtxError", "PtxModule", "load"]
