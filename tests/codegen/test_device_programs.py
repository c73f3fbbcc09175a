"""Whole programs as PTX give the host's bits, every thread of them watched by the interpreter."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from device_programs import arrays_for, differences, dot, on_matrix_units
from kernel_oracle import verified
from random_kernels import APPROXIMATE, EXACT, seeded_program
from small_programs import PROGRAMS, reduction
from test_bits import hard_arguments

from irc import cli
from irc.codegen.gpu.program import Launch
from irc.codegen.gpu.target import PROCESSORS, ptx
from irc.dialects.builtin import Module, parse, print_module
from irc.driver import compile_module
from irc.errors import UnsupportedError

MATMUL = "contracting_dims = [1] x [0]"
CONVOLUTION = """
func.func @main(%x: tensor<2x8x9x9xf32>, %w: tensor<40x8x3x3xf32>) -> tensor<2x40x5x5xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = [2, 2], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x9x9xf32>, tensor<40x8x3x3xf32>) -> tensor<2x40x5x5xf32>
  return %0 : tensor<2x40x5x5xf32>
}"""
TILED: dict[str, Module] = {
    "whole tiles": dot("128x96", "96x64", "128x64", "f32", MATMUL),
    "short tiles": dot("100x37", "37x50", "100x50", "f32", MATMUL),
    "one tile of depth": dot("70x16", "16x40", "70x40", "f32", MATMUL),
    "depth contiguous on both sides": dot("64x70", "96x70", "64x96", "f32", "contracting_dims = [1] x [1]"),
    "depth contiguous on neither": dot("70x64", "70x96", "64x96", "f32", "contracting_dims = [0] x [0]"),
    "matrices": dot(
        "3x70x20", "3x20x40", "3x70x40", "f32", "batching_dims = [0] x [0], contracting_dims = [2] x [1]"
    ),
    "bf16": dot("70x24", "24x40", "70x40", "bf16", MATMUL),
    "f64": dot("70x24", "24x40", "70x40", "f64", MATMUL),
    "integers": dot("70x24", "24x40", "70x40", "i32", MATMUL),
    "convolution": parse(CONVOLUTION),
}
"""Contractions that are large enough for tiles in shared memory."""
BF16, F16 = MATMUL + on_matrix_units("bf16"), MATMUL + on_matrix_units("f16")
ON_MATRIX_UNITS: dict[str, Module] = {
    "whole tiles": dot("128x64", "64x128", "128x128", "bf16", BF16, "f32"),
    "short tiles": dot("100x72", "72x88", "100x88", "bf16", BF16, "f32"),
    "nothing even": dot("50x37", "37x51", "50x51", "bf16", BF16, "f32"),
    "both turned": dot(
        "72x96", "88x72", "96x88", "bf16", "contracting_dims = [0] x [1]" + on_matrix_units("bf16"), "f32"
    ),
    "f16": dot("100x72", "72x88", "100x88", "f16", F16, "f32"),
}
LARGE = dot("1024x20", "20x1024", "1024x1024", "f32", MATMUL)
"""Enough of them for the large tile."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    module = parse(PROGRAMS[name])
    assert differences(module, arrays_for(module)) == []


@pytest.mark.parametrize("name", TILED)
def test_contractions_in_tiles(name: str) -> None:
    assert "bar.sync" in compile_module(TILED[name], target="sm_80").stages["ptx"]
    assert differences(TILED[name], arrays_for(TILED[name])) == []


def test_large_tiles() -> None:
    assert differences(LARGE, arrays_for(LARGE)) == []


@pytest.mark.parametrize("name", ON_MATRIX_UNITS)
def test_matrix_units_where_the_program_names_them(name: str) -> None:
    """Sums in another order: close, not the same."""
    module = ON_MATRIX_UNITS[name]
    device = compile_module(module, target="ptx-emulated")
    assert "mma.sync" in device.stages["ptx"]
    arrays = arrays_for(module)
    for made, host in zip(device(*arrays), compile_module(module)(*arrays), strict=True):
        assert np.abs(made - host).max() < 1e-4


def test_no_matrix_units_where_nothing_asks_for_them() -> None:
    assert "mma.sync" not in compile_module(TILED["bf16"], target="sm_80").stages["ptx"]


TEXTS = {n: parse(PROGRAMS[n]) for n in ("softmax", "while", "if", "matmul", "sum of 9000")} | {
    "tiles": TILED["short tiles"],
    "matrix units": ON_MATRIX_UNITS["short tiles"],
    "columns": parse(reduction("add", (100, 33), (0,))),
}


@pytest.mark.parametrize("name", TEXTS)
def test_cut_programs_are_mlir_and_compile_again(name: str) -> None:
    """MLIR takes the kernels and the launches; from their text comes the same PTX."""
    first = compile_module(TEXTS[name], target="sm_80")
    text = first.stages["kernel"]
    verified(text)
    again = compile_module(parse(text), target="sm_80")
    assert again.stages["ptx"] == first.stages["ptx"]
    assert again.device_program.host == first.device_program.host  # type: ignore[attr-defined]


def test_the_host_decides_between_launches() -> None:
    host = compile_module(parse(PROGRAMS["while"]), target="sm_80").device_program.host  # type: ignore[attr-defined]
    assert [type(step).__name__ for step in host.steps] == ["Launch", "Launch", "Launch", "Repeat"]
    assert host.summary.endswith("launches, 1 loop driven by the host")
    plain = compile_module(parse(PROGRAMS["layernorm"]), target="sm_80")
    assert plain.stages["kernel"].startswith("// 1 launch\n") or "in one graph" in plain.stages["kernel"]
    assert all(isinstance(step, Launch) for step in host.steps[-1].body)


def spilling(module: Module, processor: str, folder: Path) -> list[str]:
    """What ptxas says of kernels that spill registers."""
    file = folder / "kernels.ptx"
    file.write_text(compile_module(module, target=processor).stages["ptx"])
    command = ["ptxas", f"-arch={processor}", "-v", "-o", str(folder / "out"), str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    spills = [line for line in said.splitlines() if "spill" in line]
    assert spills
    return [line for line in spills if " 0 bytes spill stores, 0 bytes spill loads" not in line]


assembled = pytest.mark.skipif(shutil.which("ptxas") is None, reason="there is no assembler of PTX here")


@assembled
@pytest.mark.parametrize("processor", PROCESSORS)
def test_kernels_assemble_and_spill_nothing(processor: str, tmp_path: Path) -> None:
    chosen = [
        *TILED.values(),
        *ON_MATRIX_UNITS.values(),
        LARGE,
        *(parse(PROGRAMS[n]) for n in ("softmax", "layernorm", "elementwise")),
    ]
    for module in chosen:
        assert spilling(module, processor, tmp_path) == []


@assembled
@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_kernel_spills(name: str, processor: str, tmp_path: Path) -> None:
    assert spilling(parse(PROGRAMS[name]), processor, tmp_path) == []


def test_unknown_targets_are_refused() -> None:
    module = parse(PROGRAMS["sum of 2"])
    with pytest.raises(
        UnsupportedError, match=r"no target 'sm_10' .*targets: cpu, .*cuda, ptx-emulated, sm_80"
    ):
        compile_module(module, target="sm_10")
    with pytest.raises(UnsupportedError, match=r"no PTX for a call of 'llvm\.exp\.f32'"):
        program = compile_module(module, target="sm_80")
        ptx("declare float @llvm.exp.f32(float)\n", program.stages.target)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "softmax.mlir"
    file.write_text(print_module(parse(PROGRAMS["softmax"])))
    assert cli.main(["dump", str(file), "--target", "sm_90a", "--stage", "ptx"]) == 0
    assert ".target sm_90a" in capsys.readouterr().out
    assert cli.main(["run", str(file), "--target", "ptx-emulated"]) == 0
    emulated = capsys.readouterr().out
    assert cli.main(["run", str(file)]) == 0
    assert capsys.readouterr().out == emulated


@pytest.mark.parametrize("seed", range(8))
def test_random_programs(seed: int) -> None:
    """On numbers that algebra forgets: zeros of both signs, infinities, NaN, the smallest there are."""
    module = seeded_program(seed, APPROXIMATE if seed % 2 else EXACT)
    assert differences(module, hard_arguments(module, seed)) == []


TURNS: dict[str, tuple[tuple[int, ...], tuple[int, ...], str]] = {
    "whole squares": ((64, 64), (1, 0), "f32"),
    "edges": ((70, 45), (1, 0), "f64"),
    "channels last": ((2, 33, 20, 17), (0, 2, 3, 1), "bf16"),
    "around the middle": ((40, 3, 50), (2, 1, 0), "i1"),
}


@pytest.mark.parametrize("shape, order, element", TURNS.values(), ids=TURNS)
def test_transposes_through_shared_memory(
    shape: tuple[int, ...], order: tuple[int, ...], element: str
) -> None:
    """With something fused that reads straight on, and two results."""
    given = f"tensor<{'x'.join(map(str, shape))}x{element}>"
    turned = f"tensor<{'x'.join(str(shape[d]) for d in order)}x{element}>"
    module = parse(f"""
func.func @main(%x: {given}, %y: {turned}) -> ({turned}, {turned}) {{
  %0 = stablehlo.transpose %x, dims = {list(order)} : ({given}) -> {turned}
  %1 = stablehlo.add %0, %y : {turned}
  %2 = stablehlo.multiply %1, %0 : {turned}
  return %1, %2 : {turned}, {turned}
}}""")
    assert "bar.sync" in compile_module(module, target="sm_80").stages["ptx"]
    assert differences(module, arrays_for(module)) == []


POOLS = {"meeting": (3, 2, 1), "all steps": (3, 1, 0), "apart": (2, 3, 0), "padded": (3, 1, 1)}


@pytest.mark.parametrize("size, stride, pad", POOLS.values(), ids=POOLS)
def test_gradients_of_pools_whose_windows_meet(size: int, stride: int, pad: int) -> None:
    """Each element asks the windows around it, in the order in which the host's loop comes to them."""
    count = (9 + 2 * pad - size) // stride + 1
    whole, given = "tensor<2x9x9x3xf32>", f"tensor<2x{count}x{count}x3xf32>"
    module = parse(f"""
func.func @main(%x: {whole}, %s: {given}, %i: tensor<f32>) -> {whole} {{
  %0 = "stablehlo.select_and_scatter"(%x, %s, %i) <{{padding = dense<[[0, 0], [{pad}, {pad}], [{pad}, {pad}], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, {size}, {size}, 1>, window_strides = array<i64: 1, {stride}, {stride}, 1>}}> ({{
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %p = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  }}, {{
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %p = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %p : tensor<f32>
  }}) : ({whole}, {given}, tensor<f32>) -> {whole}
  %1 = stablehlo.multiply %0, %x : {whole}
  return %1 : {whole}
}}""")
    assert differences(module, arrays_for(module)) == []


TEAMS = {
    "a thread": (31, 20),
    "a short last turn": (100, 33),
    "less than a turn": (40, 70),
    "blocks": (4200, 17),
}


@pytest.mark.parametrize("shape", TEAMS.values(), ids=TEAMS)
def test_columns_by_threads_and_by_blocks(shape: tuple[int, int]) -> None:
    module = parse(reduction("add", shape, (0,)))
    assert differences(module, arrays_for(module)) == []


@pytest.mark.parametrize("element", ["f16", "f32", "f64"])
def test_remainders_are_exact(element: str) -> None:
    """Of numbers of all sizes: a device divides step by step where the host calls libm."""
    raw = np.random.default_rng(0).integers(0, 2**63, (2, 500), np.uint64)
    raw[0, :100] = raw[1, :100] % 97
    x, y = raw.astype(f"u{int(element[1:]) // 8}").view(f"f{int(element[1:]) // 8}")
    type = f"tensor<500x{element}>"
    module = parse(f"""
func.func @main(%x: {type}, %y: {type}) -> {type} {{
  %0 = stablehlo.remainder %x, %y : {type}
  return %0 : {type}
}}""")
    assert differences(module, [x, y]) == []


def test_parts_of_one_result_are_one_grid() -> None:
    """The slabs around a padded tensor and its middle, and the parts of a concatenation; not what writes over others."""
    launches = {
        name: [
            step.kernel
            for step in compile_module(parse(PROGRAMS[name]), target="sm_80").device_program.host.steps
        ]  # type: ignore[attr-defined]
        for name in ("convolution", "concatenate", "dynamic slices")
    }
    assert sum("pad" in kernel for kernel in launches["convolution"]) == 1
    assert sum("concatenate" in kernel for kernel in launches["concatenate"]) == 1
    assert sum("update" in kernel for kernel in launches["dynamic slices"]) == 2
