"""The compiler told in order: a module in, native code out.

    tensor  --PIPELINE-->  fused  --lower_program-->  kernel  --emit_module-->  LLVM text  --assemble-->  object code

Every stage is text that can be compiled from again: `compile_text` sees by itself where a text stands."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from irc import options
from irc.codegen.bounds import checked
from irc.codegen.emit.module import emit_module
from irc.codegen.fit import Needs, admit, check, fits, within
from irc.codegen.gpu.compile import DeviceProgram, compile_kernels
from irc.codegen.gpu.devices import TARGETS, device_of, processor_of
from irc.codegen.gpu.execution import LoadedProgram
from irc.codegen.gpu.program import read_program
from irc.codegen.gpu.target import device_target, ptx
from irc.codegen.kept import Shelf
from irc.codegen.memory_plan import MemoryPlan
from irc.codegen.profile import profiled
from irc.codegen.program import SIGNATURE, lower_program
from irc.codegen.schedule.machine import GRID, Machine
from irc.codegen.stamp import ProgramStamp
from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func
from irc.errors import IrcError, UnsupportedError
from irc.ir.attributes import DictionaryAttr, StringAttr, UnitAttr
from irc.ir.collector import uncollected
from irc.passes.arguments import KEPT, donated, keeping, kept_arguments
from irc.passes.dot_products.definition import IN_ORDER
from irc.passes.extents.written import written
from irc.passes.hooks import hooks_from_environment
from irc.passes.manager import PIPELINE_ATTRIBUTE, Hook, run_pipeline
from irc.passes.marks import TARGET
from irc.passes.prepare import PREPARE, preparation
from irc.passes.trap_nan import Site, finding, instrumented
from irc.runtime import failures
from irc.runtime.bound import bound
from irc.runtime.devices import DeviceArray
from irc.runtime.disk_cache import disk_cache
from irc.runtime.jit import assemble, assembly, wrap_assembly
from irc.runtime.nvjitlink import assemble_ptx
from irc.runtime.profile import phase, profile
from irc.runtime.sized import program_of
from irc.runtime.target import PROCESSORS, Target, host_target

LOWERING = (
    "dequantize,subsume,expand,split_complex,"
    "canonicalize,cse,fold,dce,layout,canonicalize,winograd,dot_products,pack,loop_invariant_code_motion,cse,dce,"
    "prepare,fusion"
)
"""The passes once there is one function."""

PIPELINE = f"inline,name_extents,{LOWERING}"
"""What happens between the tensor level and the fused level."""

SEPARATE = f"{PIPELINE}{{attention=false}}"
"""The same with the products of an attention apart, for `rematerialize`: what a step makes can only be left out as a whole."""

OPT = 1
"""LLVM's code generation level. Level 2 adds a second scheduling of registers already given, which took a tenth of the time
and made no kernel faster; level 0 makes matrix products two and a half times slower."""

"""Module attribute: triple, processor and features the code is for."""

STAGES = ("tensor", "fused", "kernel", "llvm", "asm")


@dataclass(frozen=True)
class Stages:
    """What a program was at each level; a level above the one it was compiled from is None."""

    tensor: Module | None
    fused: Module | None
    kernel: Module | None
    llvm: str
    stamp: ProgramStamp
    target: Target
    opt: int
    plan: MemoryPlan | None = None
    again: bool = False  # steps are run again because of a memory limit: not kept on disk

    def text(self, stage: str) -> str:
        """The text of one of STAGES; raises IrcError for a level above the one the program was compiled from."""
        if stage in ("asm", "ptx") and self.target.is_device:
            return ptx(self.llvm, self.target)
        if stage == "ptx":
            raise IrcError(f"there is no PTX for {self.target.cpu}: name a GPU's target")
        if stage == "asm":
            return self.stamp.header("#") + assembly(self.llvm, self.target, self.opt)
        found = getattr(self, stage)
        if found is None:
            raise IrcError(f"the program was compiled from a later stage than '{stage}'")
        if stage == "kernel" and self.target.is_device:
            return f"// {read_program(found).summary}\n{found}"
        return str(found)

    def __getitem__(self, stage: str) -> str:
        return self.text(stage)


class Executable:
    """A compiled module: `exe(*arrays)` gives a list of arrays, one for each result of @main.

    `exe(*arrays, out=[...])` writes the results into given arrays of exactly their types, where nothing is donated.
    `call` is the same without `out`, and a Python frame less."""

    def __init__(
        self,
        stamp: ProgramStamp,
        target: Target,
        object_code: bytes,
        stages: Callable[[], Stages],
        timings: dict[str, float],
        arguments: str | None = None,
        needs: Needs | None = None,
        memory_limit: int | None = None,
    ) -> None:
        self.stamp = stamp
        self.preparation: Executable | None = None
        """Makes what `call` takes after the arguments of @main, from those that are kept; None where it takes nothing more."""
        self.kept: Sequence[int] = ()
        self.needs = needs
        """What a call holds, over the named sizes of a program that has some."""
        self.memory_limit = memory_limit
        self.target = target
        self.object_code = object_code
        self.timings = timings
        """Seconds spent in passes, lower, emit, llvm and load."""
        self._stages = stages
        self.call = self._foreign
        self._sites: Sequence[Site] = ()
        if target.runs_here:
            with _timed(timings, "load"):
                self.program = program_of(
                    object_code,
                    stamp.inputs,
                    stamp.outputs,
                    arena_bytes=stamp.arena_bytes,
                    donate=dict(stamp.donors),
                    admit=self._admit,
                    arguments=arguments,
                )
            self.call = self._asserting if failures.asserted_by(object_code) else self.program.call

    @staticmethod
    def of(
        stages: Stages,
        timings: dict[str, float],
        arguments: str | None = None,
        memory_limit: int | None = None,
    ) -> Executable:
        """The program of these stages."""
        with _timed(timings, "llvm"):
            code = assemble(stages.llvm, stages.target, stages.opt)
        return Executable(
            stages.stamp, stages.target, code, lambda: stages, timings, arguments, stages.plan, memory_limit
        )

    @cached_property
    def stages(self) -> Stages:
        """What the program was at each level; one that came from disk is compiled for it now."""
        return self._stages()

    def _admit(self, sizes: Mapping[str, int]) -> None:
        """Raises OutOfMemoryError where a call for these sizes does not fit."""
        if self.needs is not None:
            admit(self.needs, sizes, self.memory_limit)

    def _foreign(self, *arrays: Any) -> list[np.ndarray[Any, Any]]:
        made = self.target
        raise UnsupportedError(f"the code is for {made.cpu} ({made.triple}), which this machine cannot run")

    def __call__(
        self, *arrays: Any, out: Sequence[np.ndarray[Any, Any]] | None = None
    ) -> list[np.ndarray[Any, Any]]:
        if out is None:
            return self.call(*arrays)
        self._into(*arrays, *out)
        return list(out)

    def prepare(self, preparation: Executable, kept: Sequence[int]) -> None:
        """From here on `call` takes the arguments of @main alone, and what follows from the kept ones is made anew in each."""
        self.preparation, self.kept = preparation, tuple(kept)
        self.call = self._preparing

    def _preparing(self, *arrays: Any) -> list[np.ndarray[Any, Any]]:
        return self.prepared(*arrays, *self._forms(arrays))

    def _forms(self, arrays: Sequence[Any] | Mapping[int, Any]) -> list[np.ndarray[Any, Any]]:
        """What the preparation makes of the kept ones of these arguments."""
        return [] if self.preparation is None else self.preparation.call(*(arrays[i] for i in self.kept))

    @property
    def prepared(self) -> Callable[..., list[np.ndarray[Any, Any]]]:
        """The call that takes, after the arguments of @main, what the preparation made of the kept ones."""
        return self._asserting if failures.asserted_by(self.object_code) else self.program.call

    def bind(self, arrays: Mapping[int, Any]) -> Callable[..., list[np.ndarray[Any, Any]]]:
        """A call with some arguments given now, by their numbers, which takes the others.

        What follows from kept arguments (see `compile_module`) is made now and held as long as the call: all of them are
        to be among `arrays`, which nobody may write to afterwards. Raises ValueError where they are not."""
        missing = [i for i in self.kept if i not in arrays]
        if missing:
            raise ValueError(f"the program keeps argument {missing[0]}, which is not bound")
        forms = self._forms(arrays)
        call = self.call if self.preparation is None else self.prepared
        return bound(call, len(self.stamp.inputs) - len(forms), arrays, forms)

    def _into(self, *arrays: Any) -> None:
        count = len(self.stamp.inputs) - (
            0 if self.preparation is None else len(self.preparation.stamp.outputs)
        )
        arrays = (*arrays[:count], *self._forms(arrays[:count]), *arrays[count:])
        if self._sites:
            raise UnsupportedError("a program that looks for NaNs writes into no given arrays")
        if not self.target.runs_here:
            raise UnsupportedError(f"a program for {self.target.cpu} writes into no given arrays")
        if failures.asserted_by(self.object_code):
            self._asserting(*arrays, run=self.program.into)
        else:
            self.program.into(*arrays)

    def _asserting(self, *arrays: Any, run: Callable[..., Any] | None = None) -> list[np.ndarray[Any, Any]]:
        with failures.LOCK:
            results: list[np.ndarray[Any, Any]] = (run or self.program.call)(*arrays)
            failed = failures.take()
        if failed is not None:
            raise failures.error_of(failed)
        return results

    def trap(self, sites: Sequence[Site]) -> None:
        """From here on the last result is a report on these sites, and an error where it says so."""
        self._sites = sites
        self.stamp = replace(self.stamp, outputs=self.stamp.outputs[:-1])
        self.call = _trapping(self.call, sites)

    @property
    def arena_bytes(self) -> int:
        """Bytes of working memory of one call."""
        return self.stamp.arena_bytes

    @property
    def memory_plan(self) -> MemoryPlan:
        """The arena of one call; raises IrcError for a program that was compiled from kernels or later."""
        if self.stages.plan is None:
            raise IrcError("a program of kernels carries no memory plan")
        return self.stages.plan

    def __repr__(self) -> str:
        if not self.target.runs_here:
            return f"<program for {self.target.cpu}>"
        return repr(self.program)


def _trapping(call: Callable[..., list[Any]], sites: Sequence[Site]) -> Callable[..., list[Any]]:
    """A call whose last result is looked at, and left out."""

    def run(*arrays: Any) -> list[Any]:
        *results, report = call(*arrays)
        error = finding(np.asarray(report), sites)
        if error is not None:
            raise error
        return results

    return run


class DeviceExecutable(Executable):
    """A compiled module whose kernels run on a device, which is asked for at the first call.

    `exe(*arrays)` gives arrays of the host for those, and device arrays where one of its arguments is one; `resident` always
    gives device arrays. Arrays of the host are copied to the device at each call."""

    def __init__(self, stages: Stages, timings: dict[str, float], target: str) -> None:
        assert stages.kernel is not None
        self.device_program = DeviceProgram(stages.kernel, stages.llvm, stages.stamp, stages.target)
        with _timed(timings, "llvm"):
            code = self.device_program.ptx.encode()
        super().__init__(stages.stamp, stages.target, code, lambda: stages, timings)
        self.device_name = target
        self.call = self._run
        self.resident: Callable[..., list[DeviceArray]] = self._resident
        """The results as device arrays; a donated device array is overwritten, and is the result itself."""

    def trap(self, sites: Sequence[Site]) -> None:
        super().trap(sites)
        self.resident = _trapping(self.resident, sites)

    @cached_property
    def loaded(self) -> LoadedProgram:
        """The program on its device."""
        return LoadedProgram(self.device_program, device_of(self.device_name))

    def cubin(self) -> bytes:
        """The kernels' machine code, for drivers that are new enough. Raises UnsupportedError without nvidia-nvjitlink."""
        return assemble_ptx(self.device_program.ptx, self.stages.target.cpu)

    def _resident(self, *arrays: Any) -> list[DeviceArray]:
        return self.loaded(*arrays)

    def _run(self, *arrays: Any) -> list[Any]:
        made = self.loaded(*arrays)
        stay = any(isinstance(a, DeviceArray) for a in arrays)
        return made if stay else [a.numpy() for a in made]

    def __repr__(self) -> str:
        return f"<program for {self.stages.target.cpu}: {self.device_program.host.summary}>"


class Observer:
    """Told of every compilation while it is registered."""

    def hooks(self) -> Sequence[Hook]:
        """Hooks for the passes of the next compilation."""
        return ()

    def compiled(self, executable: Executable, hooks: Sequence[Hook]) -> None:
        """After a compilation; `hooks` are those this observer gave it."""


@dataclass
class _State:
    observers: list[Observer] = field(default_factory=list)


_STATE = _State()


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Registers an observer for a while."""
    _STATE.observers.append(observer)
    try:
        yield
    finally:
        _STATE.observers.remove(observer)


@uncollected
def compile_module(
    module: Module | str,
    *,
    target: str = "cpu",
    donate: Mapping[int, int] | Sequence[int] = (),
    keep: Sequence[int] = (),
    pipeline: str | None = None,
    opt: int = OPT,
    memory_limit: int | None = None,
    check_bounds: bool | None = None,
    trap_nan: bool | None = None,
    arguments: str | None = None,
    hooks: Sequence[Hook] = (),
    filename: str = "<string>",
) -> Executable:
    """Compiles @main of a module of any level, or of its text (of the file `filename`, for errors), which is not even parsed
    where its program is on disk.

    `donate` maps inputs to the outputs that take over their buffers, or lists inputs, each of which goes to the first
    output of its type that no other took. `keep` lists inputs that calls mostly come with again (weights): what follows from
    them alone, packed or transposed forms for instance, can be made once (`Executable.bind`). `opt` is LLVM's code
    generation level. Raises UnsupportedError, naming it, for what has no lowering. A program that needs more than
    `memory_limit` bytes (else IRC_MEMORY_LIMIT's), or more than the machine has left, runs steps again instead of holding
    what they made (the pass `rematerialize`), with the same bits; where that is not enough, OutOfMemoryError says what would
    be. With `check_bounds` (else IRC_CHECK_BOUNDS) every access of generated code is checked, and a call that reached
    outside a buffer raises OutOfBoundsError. With `trap_nan` (else IRC_TRAP_NAN) a call that made a NaN or an infinity raises
    NonFiniteError, which names the first op that did. `arguments` (else IRC_ARGUMENTS) says what is done with arrays that cannot go in as they lie: `copy` (the default; `irc.copies()` counts),
    `exact` (a ValueError), or `convert` (wrong dtypes are copied as well, where NumPy's same_kind casting allows)."""
    machine = target_of(target)
    timings: dict[str, float] = {}
    watching = [(o, list(o.hooks())) for o in _STATE.observers]
    every = [*hooks, *hooks_from_environment(), *(h for _, given in watching for h in given)]
    guarded = options.flag("IRC_CHECK_BOUNDS") if check_bounds is None else check_bounds
    in_order = options.text("IRC_DOT_INSTRUCTIONS", "1") in ("0", "false")
    trapping = options.flag("IRC_TRAP_NAN") if trap_nan is None else trap_nan
    special = bool(every) or guarded or trapping or profile() is not None or machine.is_device
    shelf = Shelf(None if special else disk_cache(), machine, opt)

    @functools.cache
    def source() -> tuple[Module, str, list[Site]]:
        """The module, the pipeline left to run, and where it looks for NaNs."""
        parsed = parse(module, filename) if isinstance(module, str) else module
        whole = stamped(keeping(donated(parsed, donate), keep), machine)
        whole = with_sums_in_order(whole) if in_order else whole
        left = "" if is_kernel_level(whole) else remaining(whole, pipeline)
        trapped, sites = _trapped(whole, left) if trapping else (whole, [])
        return (trapped if sites else whole), left, sites

    def cold() -> Stages:
        whole, left, _ = source()
        levels = _lowered(whole, left, machine, memory_limit, every, timings)
        return _emitted(levels, machine, opt, guarded, timings)

    made: Executable | None = None
    kept = None
    if shelf.cache is not None:
        said = (donate, keep, pipeline, in_order)
        with _timed(timings, "disk"):
            kept = shelf.of_text(module, said) if isinstance(module, str) else None
            kept = kept or shelf.of_module(*source()[:2])
    if kept is not None and fits(kept, memory_limit):
        made = Executable(kept.stamp, machine, kept.object_code, cold, timings, arguments, kept, memory_limit)
    if made is None and machine.is_device:
        made = DeviceExecutable(cold(), timings, target)
    elif made is None:
        made = Executable.of(cold(), timings, arguments, memory_limit)
        if shelf.fields is not None and not made.stages.again:
            shelf.keep(made.stamp, made.object_code, made.memory_plan)
    if trapping and source()[2]:
        made.trap(source()[2])
    if keep or not isinstance(module, str) or KEPT in module:
        _prepared(made, *source()[:2], shelf)
    for observer, given in watching:
        observer.compiled(made, given)
    if options.logged("compile"):
        spent = ", ".join(f"{stage} {seconds * 1000:.0f} ms" for stage, seconds in timings.items())
        print(f"irc: compiled {made!r}: {spent}", file=sys.stderr)
    return made


def _prepared(made: Executable, source: Module, left: str, shelf: Shelf) -> None:
    """Gives a program whose kept arguments are prepared the program that prepares them."""
    main = source.symbols.get("main")
    if not left or not isinstance(main, Func) or len(made.stamp.inputs) == len(main.arguments):
        return

    def cold() -> Stages:
        alone = made.stages.fused and preparation(made.stages.fused)
        assert alone is not None
        levels = _lowered(alone, "", made.target, None, (), {})
        return _emitted(levels, made.target, shelf.opt, False, {})

    beside = Shelf(shelf.cache, made.target, shelf.opt)
    kept = beside.of_module(source, PREPARE)
    if kept is not None:
        preparing = Executable(kept.stamp, made.target, kept.object_code, cold, {})
    else:
        preparing = Executable.of(cold(), {})
        beside.keep(preparing.stamp, preparing.object_code, preparing.memory_plan)
    made.prepare(preparing, kept_arguments(main))


def _trapped(source: Module, left: str) -> tuple[Module, list[Site]]:
    """The module with a report on its sites as its last result."""
    if left != PIPELINE:
        raise IrcError("NaNs are looked for in a program of the tensor level, compiled by the whole pipeline")
    return instrumented(run_pipeline(source, "inline"))


@dataclass(frozen=True)
class _Levels:
    """A module on its way down; what is above the level it began at is None."""

    tensor: Module | None
    fused: Module | None
    kernel: Module
    plan: MemoryPlan | None
    again: bool = False


def _lowered(
    source: Module,
    left: str,
    machine: Target,
    memory_limit: int | None,
    hooks: Sequence[Hook],
    timings: dict[str, float],
) -> _Levels:
    """Passes and lowering; raises OutOfMemoryError for a program that does not fit."""
    if is_kernel_level(source):
        return _Levels(None, None, source, None)
    with _timed(timings, "passes"):
        fused = finished(run_pipeline(source, left, hooks=hooks))
    with _timed(timings, "lower"):
        kernels, plan = lower_program(fused, machine=shaped_for(machine))
    if machine.is_device or fits(plan, memory_limit):
        return _Levels(source if left else None, fused, kernels, plan)
    if left != PIPELINE:
        check(plan, memory_limit, lambda: None, LOWERING)
    with _timed(timings, "rematerialize"):
        apart = finished(run_pipeline(source, SEPARATE, hooks=hooks))
        fused, kernels, least = within(apart, plan, memory_limit, shaped_for(machine))
    check(least, memory_limit, lambda: run_pipeline(source, "inline"), LOWERING, plan)
    return _Levels(source, fused, kernels, least, again=True)


def _emitted(levels: _Levels, machine: Target, opt: int, guarded: bool, timings: dict[str, float]) -> Stages:
    """The kernels as LLVM text."""
    with _timed(timings, "emit"):
        if machine.is_device:
            program = compile_kernels(levels.kernel, machine)
            kernels, llvm, stamp = program.kernels, program.llvm, program.stamp
        else:
            kernels = checked(levels.kernel) if guarded else levels.kernel
            kernels = profiled(kernels) if profile() is not None else kernels
            stamp = ProgramStamp.of(kernels)
            llvm = stamp.header(";") + emit_module(kernels, machine)
    return Stages(levels.tensor, levels.fused, kernels, llvm, stamp, machine, opt, levels.plan, levels.again)


def target_of(name: str) -> Target:
    """The target of a name: `cpu` (this machine), another processor, or one of a GPU. Raises UnsupportedError for others,
    and for `cuda` without a driver."""
    if name == "cpu":
        return host_target()
    if name in PROCESSORS:
        return PROCESSORS[name]
    if name not in TARGETS:
        raise UnsupportedError(
            f"there is no target '{name}' (targets: cpu, {', '.join((*PROCESSORS, *TARGETS))})"
        )
    return device_target(processor_of(name))


def shaped_for(target: Target) -> Machine:
    """What kernels for a target are shaped for."""
    return GRID if target.is_device else Machine(target.vector_bits)


def compile_text(text: str, filename: str = "<string>", opt: int = OPT, target: str = "cpu") -> Executable:
    """Compiles the text of any stage: MLIR of the tensor, fused or kernel level, LLVM IR, or assembly (for a GPU, MLIR)."""
    for comment, wrap in ((";", lambda body: body), ("#", wrap_assembly)):
        stamp = ProgramStamp.read(text, comment)
        if stamp is not None:
            return Executable.of(Stages(None, None, None, wrap(text), stamp, host_target(), opt), {})
    return compile_module(text, opt=opt, target=target, filename=filename)


def retargeted(module: Module) -> Module:
    """The module without the target it was compiled for."""
    kept = {k: v for k, v in module.attributes.items() if k != TARGET}
    return Module.of(module.operations, kept)


def remaining(module: Module, pipeline: str | None = None) -> str:
    """The pipeline to run: the one given, else what the module says is left, else all of it."""
    left = module.attributes.get(PIPELINE_ATTRIBUTE)
    if pipeline is not None:
        return pipeline
    return left.value if isinstance(left, StringAttr) else PIPELINE


def finished(module: Module) -> Module:
    """The module marked as fused: nothing of the pipeline is left."""
    return written(Module.of(module.operations, {**module.attributes, PIPELINE_ATTRIBUTE: StringAttr("")}))


def stamped(module: Module, target: Target) -> Module:
    """The module with the target it is compiled for; raises IrcError where it says another."""
    entries = (("cpu", target.cpu), ("features", target.features), ("triple", target.triple))
    mine = DictionaryAttr(tuple((k, StringAttr(v)) for k, v in entries))
    if module.attributes.get(TARGET, mine) != mine:
        raise IrcError(f"the module was made for {module.attributes[TARGET]}, this machine is {mine}")
    return Module.of(module.operations, {**module.attributes, TARGET: mine})


def with_sums_in_order(module: Module) -> Module:
    """The module, told to make its sums of bf16 products in the order of depth."""
    return Module.of(module.operations, {**module.attributes, IN_ORDER: UnitAttr()})


def is_kernel_level(module: Module) -> bool:
    """Whether @main works on buffers."""
    return SIGNATURE in module.attributes


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    with phase(name):
        yield
    timings[name] = time.perf_counter() - start


def optimize(module: Module, pipeline: str, hooks: Sequence[Hook] = ()) -> Module:
    """The module after the passes of a textual pipeline: `irc.opt(m, "canonicalize,cse,fusion{max_ops=16}")`."""
    return run_pipeline(module, pipeline, hooks=hooks)
