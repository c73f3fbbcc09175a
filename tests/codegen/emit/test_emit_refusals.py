"""What the emitter has no code for is refused by name; these lists may only shrink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kernels import Writer, function, module_of

from irc.codegen.emit import emit_module
from irc.codegen.emit.function import HANDLERS
from irc.dialects import arith, func, math, memref, scf, vector
from irc.dialects.builtin import Module
from irc.dialects.carried import Carried
from irc.errors import UnsupportedError
from irc.ir.affine import AffineMapAttr
from irc.ir.operation import Value, all_operations
from irc.ir.types import (
    ComplexType,
    MemRefType,
    StridedLayout,
    VectorType,
    bf16,
    f32,
    i8,
    i64,
    index,
)

STRUCTURE = {
    "func.func", "func.return", "memref.global",
    "scf.condition", "scf.forall.in_parallel", "scf.yield",
}  # fmt: skip
REFUSED = {
    "gpu.barrier", "gpu.block_dim", "gpu.block_id", "gpu.dynamic_shared_memory", "gpu.func", "gpu.global_id", "gpu.grid_dim",
    "gpu.lane_id", "gpu.launch_func", "gpu.module", "gpu.num_subgroups", "gpu.return", "gpu.shuffle", "gpu.subgroup_id",
    "gpu.subgroup_size", "gpu.thread_id",
    "llvm.call_intrinsic",
    "nvgpu.device_async_copy", "nvgpu.device_async_create_group", "nvgpu.device_async_wait", "nvgpu.ldmatrix",
    "nvgpu.mbarrier.arrive", "nvgpu.mbarrier.arrive.expect_tx", "nvgpu.mbarrier.create", "nvgpu.mbarrier.init",
    "nvgpu.mbarrier.test.wait", "nvgpu.mbarrier.try_wait.parity", "nvgpu.mma.sync", "nvgpu.tma.async.load",
    "nvgpu.tma.async.store", "nvgpu.tma.create.descriptor", "nvgpu.warpgroup.generate.descriptor", "nvgpu.warpgroup.mma",
    "nvgpu.warpgroup.mma.init.accumulator", "nvgpu.warpgroup.mma.store",
    "vector.mask", "vector.yield",
}  # fmt: skip


def test_every_op_of_the_kernel_dialects_has_code_or_is_listed() -> None:
    dialects = ("arith", "func", "gpu", "llvm", "math", "memref", "nvgpu", "scf", "vector")
    kernel_ops = {n: c for n, c in all_operations().items() if not issubclass(c, Carried)}
    known = {name for name, cls in kernel_ops.items() if cls.dialect in dialects}
    assert known - {cls.name for cls in HANDLERS} - STRUCTURE == REFUSED


FLAT = MemRefType((64,), f32)


def contract(b: Writer, source: Value, element: Any = f32, kind: str = "add") -> None:
    maps = tuple(AffineMapAttr.select(3, d) for d in ((0, 2), (2, 1), (0, 1)))
    tiles = [b.constant(0, VectorType((4, 4), element)) for _ in range(3)]
    kinds = ("parallel", "parallel", "reduction")
    b.emit(vector.Contract(*tiles, indexing_maps=maps, iterator_types=kinds, kind=kind))


FORMS: dict[str, tuple[Any, Callable[[Writer, Value], Any]]] = {
    "where its extents are asked for": (
        MemRefType((4, None), f32), lambda b, m: b.read(m, (1, 0), (4,))),
    r"memref<4xf32, strided<\[\?\]>>": (
        MemRefType((4,), f32, StridedLayout((None,))), lambda b, m: b.read(m, (0,), (4,))),
    "memory space of memref<4xf32, 3": (MemRefType((4,), f32, None, 3), lambda b, m: b.read(m, (0,), (4,))),
    "elements of type complex<f32>": (
        MemRefType((4,), ComplexType(f32)), lambda b, m: b.emit(memref.Load(m, b.at(0)))),
    "vector.contract of kind mul": (FLAT, lambda b, m: contract(b, m, kind="mul")),
    "accumulates in bf16": (FLAT, lambda b, m: contract(b, m, bf16)),
    "math.exp on bf16": (
        FLAT, lambda b, m: b.emit(math.Exp(b.constant(1, VectorType((4,), bf16))))),
    "arith.sitofp from i64 to bf16": (
        FLAT, lambda b, m: b.emit(arith.SIToFP(b.constant(1, i64), result_types=[bf16]))),
    "memref.alloca of a size that is not known": (
        FLAT, lambda b, m: b.emit(memref.Alloca(b.at(4), (), result_types=[FLAT]))),
    "memref.reinterpret_cast of a buffer whose offset is not known": (
        FLAT, lambda b, m: b.emit(memref.ReinterpretCast.of(
            b.emit(memref.Cast(m, result_types=[MemRefType((64,), f32, StridedLayout((1,), None))])),
            0, (4,), (1,)))),
    "vector.load of memref<4xf32, strided": (
        MemRefType((4,), f32, StridedLayout((2,))),
        lambda b, m: b.emit(vector.Load(m, b.at(0), result_types=[VectorType((2,), f32)]))),
    "scf.forall with lower bounds or steps that are not known": (
        FLAT, lambda b, m: b.emit(scf.Forall(
            b.at(4), (), (), (), staticLowerBound=(memref.DYNAMIC,), staticUpperBound=(8,), staticStep=(1,),
            regions=[b.region([index], lambda b, i: b.emit(scf.InParallel(regions=[])))]))),
    "a call of @missing": (FLAT, lambda b, m: b.emit(func.Call([], callee="missing", result_types=[]))),
}  # fmt: skip


@pytest.mark.parametrize("message", FORMS)
def test_forms_without_code_are_refused(message: str) -> None:
    type_, write = FORMS[message]

    def body(b: Writer, buffer: Value) -> None:
        write(b, buffer)

    with pytest.raises(UnsupportedError, match=message):
        emit_module(module_of([type_], body))


def test_modules_without_an_entry_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="no function @main"):
        emit_module(Module.of([]))
    with pytest.raises(UnsupportedError, match="argument of type f32"):
        emit_module(Module.of([function("main", [f32, MemRefType((0,), i8)], lambda b, x, a: None)]))


def test_globals_that_are_written_are_refused() -> None:
    shared = memref.Global(sym_name="shared", type=FLAT)
    with pytest.raises(UnsupportedError, match=r"memref\.global @shared"):
        emit_module(module_of([FLAT], lambda b, m: None, others=[shared]))
