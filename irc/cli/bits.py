"""`irc run --verify-bits`: one program run in every way that must not matter, and the results compared bit for bit.

A result's bits follow from ops, shapes and element types; never from fusion, layout, schedule, threads, alignment, donation,
LLVM's level, or the order in which tickets run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from irc.codegen.emulator import emulate
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module, parse
from irc.dialects.func import Call, Func, Return
from irc.driver import PIPELINE, Executable, compile_module, retargeted
from irc.errors import IrcError
from irc.ir.attributes import Attribute, BoolAttr, DictionaryAttr, IntegerAttr, StringAttr
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter
from irc.ir.types import i64
from irc.passes.hooks import explain_difference
from irc.runtime.pool import get_num_threads, set_num_threads
from irc.runtime.target import PROCESSORS

Array = np.ndarray[Any, Any]
Way = Callable[[], list[Array]]

THREADS = (1, 2, 3, 8)
LAYOUT = "without layout"
PIPELINES = {
    "without fusion": PIPELINE.removesuffix(",fusion"),
    "each op alone": f"{PIPELINE}{{max_ops=1}}",
    LAYOUT: PIPELINE.replace("layout,", ""),
}
"""Other passes, which lead to kernels of other shapes."""
SCHEDULES: tuple[dict[str, bool | int | str], ...] = (
    {"pack_b": "all", "kc": 16, "order": "lanes", "mc": 8, "nc": 32, "prefetch": True},
    {"pack_b": "block", "pack_a": True, "kc": 7},
    {"pack_b": "none", "mr": 3, "nv": 2, "mc": 6, "nc": 32, "kc": 10, "bc": 1},
)
CONTRACTION = StringAttr("contraction")
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
        # Layout is what makes the padding of convolutions an op.
        spared = LAYOUT if any(isinstance(op, hlo.Convolution) for op in module.walk()) else ""
        compilations: dict[str, dict[str, Any]] = {
            **{name: {"pipeline": passes} for name, passes in PIPELINES.items() if name != spared},
            "donated": {"donate": range(len(arrays))},
            "LLVM's level 0": {"opt": 0},
            "bounds checked": {"check_bounds": True},
        }
        for name, how in compilations.items():
            yield name, lambda how=how: compile_module(module, **how)(*copies(arrays))  # type: ignore[misc]
    if stages.kernel is not None:
        yield "from its text", lambda: compile_module(parse(program.stages["kernel"]))(*copies(arrays))
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
    """Functions of kind contraction, and contractions that stand alone in @main or in its control flow."""
    main = fused.symbols["main"]
    outlined = [op for op in fused.operations if op.attributes.get("irc.kind") == CONTRACTION]
    return outlined + [op for op in main.walk() if isinstance(op, hlo.DotGeneral | hlo.Convolution)]


def scheduled(fused: Module, edits: dict[str, bool | int | str]) -> Module:
    """The fused module with these entries of `irc.schedule` on every contraction."""
    schedule = DictionaryAttr(
        tuple(sorted(((k, _entry(v)) for k, v in edits.items()), key=lambda item: item[0]))
    )
    main, outliner = fused.symbols["main"], _Outliner()
    assert isinstance(main, Func)
    changed = main.with_block(outliner.block_of(main.block))
    made = [changed if op is main else op for op in fused.operations] + outliner.functions
    return fused.with_operations(
        op.with_attributes(**{"irc.schedule": schedule})
        if op.attributes.get("irc.kind") == CONTRACTION
        else op
        for op in made
    )


def _entry(value: bool | int | str) -> Attribute:
    match value:
        case bool():
            return BoolAttr(value)
        case int():
            return IntegerAttr(value, i64)
        case _:
            return StringAttr(value)


class _Outliner(Rewriter):
    """Gives lone contractions functions of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: list[Operation] = []

    def replay(self, op: Operation) -> None:
        if not isinstance(op, hlo.DotGeneral | hlo.Convolution):
            super().replay(op)
            return
        lone = self.mapped(op)
        function = _around(lone, f"contraction_{len(self.functions)}")
        self.functions.append(function)
        types = [r.type for r in lone.results]
        self.replace(op, [self.emit(Call(lone.operands, callee=function.sym_name, result_types=types))])


def _around(op: Operation, name: str) -> Func:
    arguments = [Value(o.type, None, i) for i, o in enumerate(op.operands)]
    inner = op.with_operands(arguments)
    block = Block(arguments, [inner, Return(inner.results)])
    return Func.of(name, block, visibility="private", attributes={"irc.kind": CONTRACTION})
