"""GPU kernels as text: MLIR takes what irc prints, irc takes what MLIR prints, and the CPU emitter refuses each op by name."""

from __future__ import annotations

import pytest
from kernel_oracle import verified

from irc.codegen.emit import emit_module
from irc.codegen.emit.function import HANDLERS
from irc.dialects.builtin import Module, parse, print_module
from irc.dialects.carried import Carried
from irc.dialects.func import Func
from irc.errors import UnsupportedError, VerifyError
from irc.ir.keys import structural_key
from irc.ir.operation import all_operations

SHARED = "#gpu.address_space<workgroup>"
BARRIER = f"!nvgpu.mbarrier.group<memorySpace = {SHARED}>"
MAP = f"!nvgpu.tensormap.descriptor<tensor = memref<64x64xf16, {SHARED}>, swizzle = swizzle_128b, l2promo = none, oob = zero, interleave = none>"
DESCRIPTOR = "!nvgpu.warpgroup.descriptor<tensor = memref<128x64xf16, #gpu.address_space<workgroup>>>"
DESCRIPTOR_B = "!nvgpu.warpgroup.descriptor<tensor = memref<64x128xf16, #gpu.address_space<workgroup>>>"
ACCUMULATOR = "!nvgpu.warpgroup.accumulator<fragmented = vector<128x128xf32>>"


def func(body: str, arguments: str = "") -> str:
    return f"""func.func @main({arguments}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
{body}
  return
}}"""


TEXTS: dict[str, str] = {
    "places": func("""
  %0 = gpu.thread_id x
  %1 = gpu.thread_id y upper_bound 64
  %2 = gpu.block_id y
  %3 = gpu.block_dim z
  %4 = gpu.grid_dim x
  %5 = gpu.global_id x
  %6 = gpu.lane_id
  %7 = gpu.subgroup_id : index
  %8 = gpu.num_subgroups : index
  %9 = gpu.subgroup_size : index"""),
    "barrier": func("  gpu.barrier"),
    "shuffle": func(
        """
  %v, %ok = gpu.shuffle xor %x, %n, %n : f32
  %w, %in = gpu.shuffle down %v, %n, %n : f32
  %u, %there = gpu.shuffle idx %w, %n, %n : f32""",
        "%x: f32, %n: i32",
    ),
    "shared memory": func(
        f"""
  %m = gpu.dynamic_shared_memory : memref<?xi8, {SHARED}>
  %v = memref.view %m[%c0][] : memref<?xi8, {SHARED}> to memref<32x8xf32, {SHARED}>
  %x = memref.load %v[%c0, %c1] : memref<32x8xf32, {SHARED}>"""
    ),
    "launch": f"""module attributes {{gpu.container_module}} {{
  gpu.module @kernels {{
    gpu.func @k(%a: memref<16xf32>, %n: index) workgroup(%w: memref<32x8xf16, {SHARED}>)
        private(%p: memref<4xf32, #gpu.address_space<private>>) kernel
        attributes {{gpu.known_block_size = array<i32: 32, 1, 1>}} {{
      %x = memref.load %a[%n] : memref<16xf32>
      gpu.return
    }}
    gpu.func @half(%x: f32) -> f32 {{
      gpu.return %x : f32
    }}
  }}
  func.func @main(%a: memref<16xf32>, %bytes: i32) {{
    %c = arith.constant 1 : index
    gpu.launch_func @kernels::@k blocks in (%c, %c, %c) threads in (%c, %c, %c)
      dynamic_shared_memory_size %bytes args(%a : memref<16xf32>, %c : index)
    return
  }}
}}""",
    "asynchronous copies": func(
        f"""
  %0 = nvgpu.device_async_copy %a[%c0, %c1], %s[%c0], 4 : memref<8x8xf32> to memref<64xf32, {SHARED}>
  %1 = nvgpu.device_async_copy %a[%c0, %c0], %s[%c1], 4, %c1 {{bypassL1}} : memref<8x8xf32> to memref<64xf32, {SHARED}>
  %2 = nvgpu.device_async_create_group %0, %1
  nvgpu.device_async_wait %2 {{numGroups = 1 : i32}}""",
        f"%a: memref<8x8xf32>, %s: memref<64xf32, {SHARED}>",
    ),
    "matrix units": func(
        f"""
  %a = nvgpu.ldmatrix %s[%c0, %c1] {{numTiles = 4 : i32, transpose = false}} : memref<32x32xf16, {SHARED}> -> vector<4x2xf16>
  %b = nvgpu.ldmatrix %s[%c0, %c0] {{numTiles = 2 : i32, transpose = true}} : memref<32x32xf16, {SHARED}> -> vector<2x2xf16>
  %d = nvgpu.mma.sync (%a, %b, %c) {{mmaShape = [16, 8, 16]}} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>""",
        f"%s: memref<32x32xf16, {SHARED}>, %c: vector<2x2xf32>",
    ),
    "barriers in memory": func(
        f"""
  %b = nvgpu.mbarrier.create -> {BARRIER}
  nvgpu.mbarrier.init %b[%c0], %n : {BARRIER}
  nvgpu.mbarrier.init %b[%c0], %n, predicate = %p : {BARRIER}
  %t = nvgpu.mbarrier.arrive %b[%c0] : {BARRIER} -> !nvgpu.mbarrier.token
  %done = nvgpu.mbarrier.test.wait %b[%c0], %t : {BARRIER}, !nvgpu.mbarrier.token
  nvgpu.mbarrier.arrive.expect_tx %b[%c0], %n : {BARRIER}
  nvgpu.mbarrier.try_wait.parity %b[%c0], %p, %n : {BARRIER}""",
        "%n: index, %p: i1",
    ),
    "tensor memory access": func(
        f"""
  nvgpu.tma.async.load %map[%c0, %c1], %b[%c0] to %s : {MAP}, {BARRIER} -> memref<64x64xf16, {SHARED}>
  nvgpu.tma.async.load %map[%c0, %c1], %b[%c0] to %s, predicate = %p : {MAP}, {BARRIER} -> memref<64x64xf16, {SHARED}>
  nvgpu.tma.async.store %s to %map[%c0, %c1] : memref<64x64xf16, {SHARED}> -> {MAP}""",
        f"%map: {MAP}, %b: {BARRIER}, %s: memref<64x64xf16, {SHARED}>, %p: i1",
    ),
    "tensor maps": func(
        f"  %map = nvgpu.tma.create.descriptor %t box[%c1, %c1] : memref<*xf16> -> {MAP}", "%t: memref<*xf16>"
    ),
    "warpgroups": func(
        f"""
  %acc = nvgpu.warpgroup.mma.init.accumulator -> {ACCUMULATOR}
  %d = nvgpu.warpgroup.mma %x, %y, %acc {{transposeB}} : {DESCRIPTOR}, {DESCRIPTOR_B}, {ACCUMULATOR} -> {ACCUMULATOR}
  nvgpu.warpgroup.mma.store %d, %out : {ACCUMULATOR} to memref<128x128xf32, {SHARED}>""",
        f"%x: {DESCRIPTOR}, %y: {DESCRIPTOR_B}, %out: memref<128x128xf32, {SHARED}>",
    ),
    "warpgroup descriptors": func(
        f"  %d = nvgpu.warpgroup.generate.descriptor %s, %map : memref<64x128xf16, {SHARED}>, {MAP} -> {DESCRIPTOR_B}",
        f"%s: memref<64x128xf16, {SHARED}>, %map: {MAP}",
    ),
    "masks": func(
        """
  %r = vector.mask %m { vector.multi_reduction <add>, %v, %x [0] : vector<8xf32> to f32 } : vector<8xi1> -> f32
  %f = arith.constant 0.0 : f32
  %t = vector.mask %m, %v {
    %q = vector.transfer_read %b[%c0], %f {in_bounds = [true]} : memref<8xf32>, vector<8xf32>
    vector.yield %q : vector<8xf32>
  } : vector<8xi1> -> vector<8xf32>
  vector.mask %m { vector.transfer_write %t, %b[%c0] {in_bounds = [true]} : vector<8xf32>, memref<8xf32> } : vector<8xi1>""",
        "%m: vector<8xi1>, %v: vector<8xf32>, %x: f32, %b: memref<8xf32>",
    ),
    "a target's intrinsic": func(
        '  %y = "llvm.call_intrinsic"(%x) <{fastmathFlags = #llvm.fastmath<none>, intrin = "llvm.nvvm.ex2.approx.f",'
        " op_bundle_sizes = array<i32>, operandSegmentSizes = array<i32: 1, 0>}> : (f32) -> f32",
        "%x: f32",
    ),
}


GENERIC = ("a target's intrinsic",)
"""Read and printed in the generic form alone."""


@pytest.mark.parametrize("name", TEXTS)
def test_mlir_takes_what_irc_prints(name: str) -> None:
    module = parse(TEXTS[name])
    printed = print_module(module, locations=False)
    assert print_module(parse(printed), locations=False) == printed
    assert verified(printed) == verified(TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
def test_irc_takes_what_mlir_prints(name: str) -> None:
    module = parse(TEXTS[name])
    assert structural_key(parse(verified(TEXTS[name], generic=name in GENERIC))) == structural_key(module)


@pytest.mark.parametrize("name", TEXTS)
def test_the_generic_form_is_the_same_program(name: str) -> None:
    module = parse(TEXTS[name])
    assert structural_key(parse(print_module(module, generic=True))) == structural_key(module)


@pytest.mark.parametrize("name", TEXTS)
def test_the_cpu_emitter_refuses_them_by_name(name: str) -> None:
    """The first op that the CPU has no code for, or the type or memory space of an argument of it."""
    module = parse(TEXTS[name])
    known = {cls.name for cls in HANDLERS} | {"func.func", "func.return", "builtin.module"}
    first = next(op for op in module.walk() if op.name not in known)
    reasons = (
        f"does not take .*{first.name}",
        "memory space",
        "elements of type !nvgpu",
        r"elements of type memref<\*",
    )
    with pytest.raises(UnsupportedError, match="|".join(reasons)):
        emit_module(with_entry(module))


def with_entry(module: Module) -> Module:
    """The module with an entry that takes nothing but an arena, so that only the op in question stops the emitter."""
    names = {"main": "kernel"}
    others = [
        op.with_attributes(sym_name=names.get(op.sym_name, op.sym_name)) if isinstance(op, Func) else op
        for op in module.operations
    ]
    entry = parse("func.func @main(%arena: memref<1xi8>) {\n return\n}")
    return Module.of([*others, *entry.operations])


def test_every_op_is_written_here() -> None:
    """So that each has met MLIR's parser."""
    kernels = {n: c for n, c in all_operations().items() if not issubclass(c, Carried)}
    declared = {name for name, cls in kernels.items() if cls.dialect in ("gpu", "nvgpu", "llvm")}
    used = {op.name for text in TEXTS.values() for op in parse(text).walk()}
    assert declared - used == set()


BROKEN: dict[str, tuple[str, str]] = {
    "workgroup": (
        "shares memref<4xf32>, which is not workgroup memory",
        "gpu.module @m {\n gpu.func @k() workgroup(%w: memref<4xf32>) kernel {\n gpu.return\n }\n}",
    ),
    "offset": (
        "shuffles by i64 of i32",
        func("%v, %ok = gpu.shuffle xor %x, %o, %n : f32", "%x: f32, %o: i64, %n: i32"),
    ),
    "elements": (
        "multiplies vector<4x2xf16> by vector<2x2xf32>",
        func(
            "%d = nvgpu.mma.sync (%a, %b, %c) {mmaShape = [16, 8, 16]}"
            " : (vector<4x2xf16>, vector<2x2xf32>, vector<2x2xf32>) -> vector<2x2xf32>",
            "%a: vector<4x2xf16>, %b: vector<2x2xf32>, %c: vector<2x2xf32>",
        ),
    ),
}


@pytest.mark.parametrize("constraint", BROKEN)
def test_broken_ops_are_errors(constraint: str) -> None:
    message, text = BROKEN[constraint]
    with pytest.raises(VerifyError, match=message) as caught:
        parse(text)
    assert caught.value.constraint == constraint
