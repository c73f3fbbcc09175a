"""The compiler told in order: a module in, native code out.

    tensor  --PIPELINE-->  fused  --lower_program-->  kernel  --emit_module-->  LLVM text  --assemble-->  object code

Every stage is text that can be compiled from again (`compile_module` sees by itself where a text stands)."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from irc import options
from irc.codegen.buffers import MemoryPlan
from irc.codegen.emit.module import emit_module
from irc.codegen.program import DONOR, SIGNATURE, lower_program
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError, UnsupportedError
from irc.ir.attributes import ArrayAttr, Attribute, DictionaryAttr, IntegerAttr, StringAttr, TypeAttr
from irc.ir.printer import print_operation
from irc.ir.types import FunctionType, MemRefType, i32
from irc.passes.manager import PIPELINE_ATTRIBUTE, Hook, run_pipeline
from irc.runtime.executable import NativeProgram
from irc.runtime.jit import assemble, assembly
from irc.runtime.target import Target, host_target

PIPELINE = "inline,canonicalize,cse,fold,dce,layout,canonicalize,cse,dce,fusion"
"""What happens between the tensor level and the fused level."""

TARGET = "irc.target"
"""Module attribute: triple, processor and features the code is for."""


class Executable:
    """A compiled module: `exe(*arrays)` gives a list of arrays, one for each result of @main."""

    def __init__(self, fused: Module, kernels: Module, target: Target, opt: int, timings: dict[str, float], source: Module) -> None:
        self.module, self.fused, self.kernels, self.target, self.opt = source, fused, kernels, target, opt
        self.timings = timings
        start = time.perf_counter()
        self.llvm = emit_module(kernels, target)
        timings["emit"] = time.perf_counter() - start
        start = time.perf_counter()
        self.object_code = assemble(self.llvm, target, opt)
        timings["llvm"] = time.perf_counter() - start
        signature = kernels.attributes[SIGNATURE]
        assert isinstance(signature, TypeAttr) and isinstance(signature.value, FunctionType)
        inputs: Any = signature.value.inputs
        outputs: Any = signature.value.results
        self.donated = _donated(kernels)
        start = time.perf_counter()
        self.program = NativeProgram(
            self.object_code, inputs, outputs, arena_bytes=_arena_bytes(kernels), donate=self.donated
        )
        timings["load"] = time.perf_counter() - start
        self.call = self.program.call

    def __call__(self, *arrays: Any) -> list[np.ndarray[Any, Any]]:
        return self.call(*arrays)

    @property
    def arena_bytes(self) -> int:
        return self.program.arena_bytes

    @cached_property
    def stages(self) -> dict[str, str]:
        """The text of every stage: tensor, fused, kernel, llvm, asm."""
        return {
            "tensor": print_operation(self.module),
            "fused": print_operation(self.fused),
            "kernel": print_operation(self.kernels),
            "llvm": self.llvm,
            "asm": assembly(self.llvm, self.target, self.opt),
        }

    @cached_property
    def memory_plan(self) -> MemoryPlan:
        """The arena of one call. Known where the module was compiled from the tensor or fused level."""
        if is_kernel_level(self.fused):
            raise IrcError("a module of kernels carries no memory plan")
        return lower_program(self.fused)[1]


def compile_module(
    module: Module,
    *,
    target: str = "cpu",
    donate: Mapping[int, int] | Sequence[int] = (),
    pipeline: str | None = None,
    opt: int = 2,
    hooks: Sequence[Hook] = (),
) -> Executable:
    """Compiles @main of a module of any level.

    `donate` maps inputs to the outputs that take over their buffers, or lists inputs, each of which goes to the first
    output of its type that no other took. `opt` is LLVM's code generation level. Raises UnsupportedError, naming it, for
    what has no lowering."""
    if target != "cpu":
        raise UnsupportedError(f"there is no target '{target}' (targets: cpu)")
    machine = host_target()
    timings: dict[str, float] = {}
    source = stamped(donated(module, donate), machine)
    start = time.perf_counter()
    fused = source if is_kernel_level(source) else run_pipeline(source, remaining(source, pipeline), hooks=hooks)
    fused = finished(fused)
    timings["passes"] = time.perf_counter() - start
    start = time.perf_counter()
    kernels = fused if is_kernel_level(fused) else lower_program(fused)[0]
    timings["lower"] = time.perf_counter() - start
    made = Executable(fused, kernels, machine, opt, timings, source)
    if options.logged("compile"):
        spent = ", ".join(f"{stage} {seconds * 1000:.0f} ms" for stage, seconds in timings.items())
        print(f"irc: compiled {made.program!r}: {spent}", file=sys.stderr)
    return made


def remaining(module: Module, pipeline: str | None) -> str:
    """The pipeline to run: the one given, else what the module says is left, else all of it."""
    left = module.attributes.get(PIPELINE_ATTRIBUTE)
    if pipeline is not None:
        return pipeline
    return left.value if isinstance(left, StringAttr) else PIPELINE


def finished(module: Module) -> Module:
    """The module marked as fused: nothing of the pipeline is left."""
    attributes = {**module.attributes, PIPELINE_ATTRIBUTE: StringAttr("")}
    return Module.of(module.operations, attributes)


def stamped(module: Module, target: Target) -> Module:
    """The module with the target it is compiled for; raises IrcError where it says another."""
    entries = (("cpu", target.cpu), ("features", target.features), ("triple", target.triple))
    mine = DictionaryAttr(tuple((k, StringAttr(v)) for k, v in entries))
    if TARGET in module.attributes and module.attributes[TARGET] != mine:
        raise IrcError(f"the module was made for {module.attributes[TARGET]}, this machine is {mine}")
    return Module.of(module.operations, {**module.attributes, TARGET: mine})


def is_kernel_level(module: Module) -> bool:
    """Whether @main works on buffers."""
    return SIGNATURE in module.attributes


def donated(module: Module, donate: Mapping[int, int] | Sequence[int]) -> Module:
    """The module with its donations written at the arguments of @main."""
    main = module.symbols.get("main")
    if not donate or not isinstance(main, Func):
        return module
    pairs = dict(donate) if isinstance(donate, Mapping) else _matched(main, donate)
    entries: list[Attribute] = []
    for i in range(len(main.arguments)):
        given = main.arg_attrs.value[i] if isinstance(main.arg_attrs, ArrayAttr) else DictionaryAttr(())
        assert isinstance(given, DictionaryAttr)
        mine = dict(given.value)
        if i in pairs:
            mine[DONOR] = IntegerAttr(pairs[i], i32)
        entries.append(DictionaryAttr(tuple(sorted(mine.items(), key=lambda item: item[0]))))
    new = main.with_attributes(arg_attrs=ArrayAttr(tuple(entries)))
    return module.with_operations([new if op is main else op for op in module.operations])


def _matched(main: Func, donate: Sequence[int]) -> dict[int, int]:
    free = {i: v.type for i, v in enumerate(main.returned)}
    pairs: dict[int, int] = {}
    for i in donate:
        output = next((k for k, t in free.items() if t is main.arguments[i].type), None)
        if output is not None:
            pairs[i] = output
            del free[output]
    return pairs


def _donated(kernels: Module) -> dict[int, int]:
    main = kernels.symbols["main"]
    arguments = main.attributes.get("irc.arguments")
    if not isinstance(arguments, ArrayAttr):
        return {}
    found = {}
    for i, entry in enumerate(arguments.value):
        donor = entry.get(DONOR) if isinstance(entry, DictionaryAttr) else None
        if isinstance(donor, IntegerAttr):
            found[i] = donor.value
    return found


def _arena_bytes(kernels: Module) -> int:
    main = kernels.symbols["main"]
    assert isinstance(main, Func)
    t: Any = main.arguments[-1].type
    assert isinstance(t, MemRefType)
    return t.size



def parse(text: str, filename: str = "<string>") -> Module:
    """The module a text says, verified. Raises ParseError or VerifyError with line, column and caret."""
    module = parse_text(text, filename)
    module.verify()
    return module


def opt(module: Module, pipeline: str, hooks: Sequence[Hook] = ()) -> Module:
    """The module after the passes of a textual pipeline: `opt(m, "canonicalize,cse,fusion{max_ops=16}")`."""
    return run_pipeline(module, pipeline, hooks=hooks)
