"""`irc run --verify-bits`: one program run in every way that must not matter, and the results compared bit for bit.

A result's bits follow from ops, shapes and element types; never from fusion, schedule, threads, alignment, or the order in
which tickets run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from irc.codegen.emulator import emulate
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.driver import PIPELINE, Executable, compile_module, retargeted
from irc.errors import IrcError
from irc.ir.attributes import Attribute, BoolAttr, DictionaryAttr, IntegerAttr, StringAttr
from irc.ir.operation import Block, Operation, Value
from irc.ir.types import i64
from irc.passes.hooks import explain_difference
from irc.runtime.pool import get_num_threads, set_num_threads
from irc.runtime.target import PROCESSORS

Array = np.ndarray[Any, Any]
Way = Callable[[], list[Array]]

THREADS = (1, 2, 3)
SCHEDULES: tuple[dict[str, bool | int | str], ...] = (
    {"pack_b": "all", "kc": 16, "order": "lanes", "mc": 8, "nc": 32},
    {"pack_b": "block", "pack_a": True, "kc": 7},
    {"pack_b": "none", "mr": 3, "nv": 2, "mc": 6, "nc": 32, "kc": 10, "bc": 1},
)
EMULATED_ELEMENTS = 1 << 14
"""A program whose arguments and results hold more is too slow to emulate."""


def verify_bits(module: Module, arrays: Sequence[Array]) -> list[str]:
    """The ways in which the program gave the same bits; raises IrcError naming the first way that did not."""
    program = compile_module(module)
    wants = program(*copies(arrays))
    passed = []
    for name, way in ways(module, program, arrays):
        for i, (want, got) in enumerate(zip(wants, way(), strict=True)):
            difference = explain_difference(want, got)
            if difference:
                raise IrcError(f"{name}: result {i} has other bits: {difference}")
        passed.append(name)
    return passed


def copies(arrays: Sequence[Array]) -> list[Array]:
    """Arrays of their own, which a program may overwrite where they are donated."""
    return [np.array(a) for a in arrays]


def ways(module: Module, program: Executable, arrays: Sequence[Array]) -> Iterator[tuple[str, Way]]:
    """Every way to run the program, by name."""
    for count in THREADS:
        yield f"{count} threads", lambda count=count: with_threads(count, program, arrays)  # type: ignore[misc]
    yield "unaligned arrays", lambda: program(*(unaligned(a) for a in arrays))
    stages = program.stages
    if stages.tensor is not None:
        plain = PIPELINE.removesuffix(",fusion")
        yield "without fusion", lambda: compile_module(module, pipeline=plain)(*copies(arrays))
    if stages.fused is not None and contractions(stages.fused):
        for edits in SCHEDULES:
            other = scheduled(stages.fused, edits)
            yield f"schedule {edits}", lambda other=other: compile_module(other)(*copies(arrays))  # type: ignore[misc]
    tensor = stages.tensor
    for name, processor in PROCESSORS.items():
        if tensor is not None and processor.runs_here:
            made = partial(compile_module, retargeted(tensor), target=name)
            yield f"for {name}", lambda made=made: made()(*copies(arrays))  # type: ignore[misc]
    types = (*program.stamp.inputs, *program.stamp.outputs)
    if stages.kernel is not None and sum(t.size for t in types) <= EMULATED_ELEMENTS:
        kernels = stages.kernel
        yield "emulated", lambda: emulate(kernels, *arrays)
        yield "emulated, tickets shuffled", lambda: emulate(kernels, *arrays, order=shuffled)


def with_threads(count: int, program: Executable, arrays: Sequence[Array]) -> list[Array]:
    """The results with this many threads."""
    before = get_num_threads()
    set_num_threads(count)
    try:
        return program(*copies(arrays))
    finally:
        set_num_threads(before)


def shuffled(count: int) -> list[int]:
    """An order of tickets that is neither forward nor backward."""
    return random.Random(count).sample(range(count), count)


def unaligned(array: Array) -> Array:
    """A copy aligned to its elements and no more."""
    room = np.empty(array.size * array.itemsize + 64, np.uint8)
    start = -room.ctypes.data % 64 + array.itemsize
    made = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    made[...] = array
    return made


# Schedules of contractions.


def contractions(fused: Module) -> list[Operation]:
    """Functions of kind contraction, and contractions that stand alone in @main."""
    main = fused.symbols["main"]
    assert isinstance(main, Func)
    outlined = [op for op in fused.operations if op.attributes.get("irc.kind") == StringAttr("contraction")]
    return outlined + [op for op in main.block.operations if isinstance(op, hlo.DotGeneral | hlo.Convolution)]


def scheduled(fused: Module, edits: dict[str, bool | int | str]) -> Module:
    """The fused module with these entries of `irc.schedule` on every contraction."""
    schedule = DictionaryAttr(
        tuple(sorted(((k, _entry(v)) for k, v in edits.items()), key=lambda item: item[0]))
    )
    found = dict.fromkeys(contractions(fused))
    made: list[Operation] = []
    for op in fused.operations:
        if op is fused.symbols["main"] and isinstance(op, Func):
            made += _outlined(op, found)
        else:
            made.append(op)
    marked = [
        op.with_attributes(**{"irc.schedule": schedule})
        if op.attributes.get("irc.kind") == StringAttr("contraction")
        else op
        for op in made
    ]
    return fused.with_operations(marked)


def _entry(value: bool | int | str) -> Attribute:
    match value:
        case bool():
            return BoolAttr(value)
        case int():
            return IntegerAttr(value, i64)
        case _:
            return StringAttr(value)


def _outlined(main: Func, found: dict[Operation, None]) -> list[Operation]:
    """@main with its lone contractions called as functions, and those functions."""
    known: dict[Value, Value] = {}
    body: list[Operation] = []
    functions: list[Operation] = []
    for op in main.block.operations:
        operands = [known.get(o, o) for o in op.operands]
        now = op.with_operands(operands) if any(o in known for o in op.operands) else op
        if op in found:
            function = _around(op, f"contraction_{len(functions)}")
            functions.append(function)
            now = Call(operands, callee=function.sym_name, result_types=[r.type for r in op.results])
        known.update(zip(op.results, now.results, strict=True))
        body.append(now)
    return [main.with_block(Block(main.arguments, body)), *functions]


def _around(op: Operation, name: str) -> Func:
    arguments = [Value(o.type, None, i) for i, o in enumerate(op.operands)]
    inner = op.with_operands(arguments)
    block = Block(arguments, [inner, Return(inner.results)])
    return Func.of(name, block, visibility="private", attributes={"irc.kind": StringAttr("contraction")})
