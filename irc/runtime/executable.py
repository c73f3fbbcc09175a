"""A native program: object code in memory, and a way to call it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from irc.ir.types import TensorType
from irc.runtime import blocks, entry, failures, jit, pool, profile
from irc.runtime.copies import policy_of
from irc.runtime.signature import Signature, short

Array = np.ndarray[Any, Any]


def imports(object_code: bytes) -> dict[str, int]:
    """The names a program may call besides libc's: ``irc_parallel``, and those of assertions and records where it has any."""
    found = {"irc_parallel": pool.parallel_address()}
    if failures.asserted_by(object_code):
        found[failures.SYMBOL] = failures.address()
    if profile.noted_by(object_code):
        found[profile.SYMBOL] = profile.address()
    return found


def linked(object_code: bytes, symbol: str) -> jit.Code:
    """A program's code, linked; a profile that is being taken knows of it."""
    code = jit.link(object_code, [symbol], imports(object_code))
    noting = profile.profile()
    if noting is not None:
        noting.code.append(code)
    return code


class NativeProgram:
    """``void symbol(ptr args, ptr arena)`` as a Python function of arrays.

    ``args`` holds the inputs' data pointers, then the outputs'; ``arena`` is ``arena_bytes`` of uninitialised
    memory at a 64-byte boundary (null when none is asked for). Calls may run at once in several threads.

    ``donate`` maps an input to the output that takes over its buffer: the result is then the caller's array
    itself, overwritten (or a copy's, where the argument had to be copied). ``keep_gil`` suits programs that
    take less than a few microseconds. The code is unlinked when the last of the object, ``call`` and ``into`` dies.

    ``call(*inputs) -> list`` and ``into(*inputs, *outputs) -> None`` are built-in functions; calling the
    object is ``call`` with one Python frame more. Arguments are ndarrays, or anything NumPy can view as
    one, of exactly the declared dtype and shape; TypeError or ValueError name the argument that is not. ``arguments`` says
    what is done with those that cannot go in as they lie (see ``copies``)."""

    def __init__(
        self,
        object_code: bytes,
        inputs: Sequence[TensorType],
        outputs: Sequence[TensorType],
        *,
        arena_bytes: int = 0,
        symbol: str = "irc_main",
        donate: Mapping[int, int] | None = None,
        keep_gil: bool = False,
        arguments: str | None = None,
        name: str = "irc_program",
    ) -> None:
        donors = tuple(sorted((output, donor) for donor, output in (donate or {}).items()))
        self.signature = Signature(tuple(inputs), tuple(outputs), donors, policy_of(arguments))
        self.arena_bytes = arena_bytes
        self.object_code = object_code
        self.name = name
        code = linked(object_code, symbol)
        self.call, self.into = entry_points(
            code, code.addresses[symbol], self.signature, arena_bytes, name, keep_gil=keep_gil
        )

    def __call__(self, *arrays: Any) -> list[Array]:
        return self.call(*arrays)

    def __repr__(self) -> str:
        takes = ", ".join(map(short, self.signature.inputs))
        gives = ", ".join(map(short, self.signature.outputs))
        return f"<{self.name}: ({takes}) -> [{gives}]>"


def entry_points(
    code: jit.Code,
    address: int,
    signature: Signature,
    arena_bytes: int,
    name: str,
    *,
    keep_gil: bool = False,
    sizes: tuple[int, ...] = (),
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``call`` and ``into`` of a program for arguments of fixed types; ``sizes`` are those its code is told."""
    plan = entry.Plan(
        program=address,
        code=code,
        inputs=signature.inputs,
        outputs=signature.outputs,
        arena_bytes=arena_bytes,
        keep_gil=keep_gil,
        convert=signature.convert,
        convert_into=signature.convert_into,
        donors=dict(signature.donors),
        makers=makers(signature),
        sizes=sizes,
    )
    call, into = entry.make_entries(plan, name)
    return call, signature.refuse_outputs if signature.donors else into


def makers(signature: Signature) -> dict[int, Callable[[], Array]]:
    """For each big output that is no input's buffer: what makes its array."""
    donated = {output for output, _ in signature.donors}
    return {
        i: functools.partial(blocks.RESULTS.empty, output.static_shape, output.element.numpy)
        for i, output in enumerate(signature.outputs)
        if i not in donated and output.nbytes >= blocks.BIG
    }


def release_memory() -> None:
    """Give the system back what waits for reuse: finished calls' arenas and dead results' blocks."""
    entry.release_arenas()
    blocks.RESULTS.release()
