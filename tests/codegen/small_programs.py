"""Small programs of every kind of kernel, as text: what the tests of stages and of bits share."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func
from irc.ir.types import ComplexType, FloatType

Array = np.ndarray[Any, Any]


def reducer(name: str, element: str) -> str:
    """The region of a reduction by one binary op."""
    return f"""({{
  ^bb0(%p: tensor<{element}>, %q: tensor<{element}>):
    %r = stablehlo.{name} %p, %q : tensor<{element}>
    stablehlo.return %r : tensor<{element}>
  }})"""


def reduction(
    name: str, shape: tuple[int, ...], dims: tuple[int, ...], element: str = "f32", start: str = "0.0"
) -> str:
    """@main reduces its only argument."""
    extents = "x".join(map(str, shape))
    kept = "".join(f"{n}x" for d, n in enumerate(shape) if d not in dims)
    return f"""
func.func @main(%x: tensor<{extents}x{element}>) -> tensor<{kept}{element}> {{
  %c = stablehlo.constant dense<{start}> : tensor<{element}>
  %0 = stablehlo.reduce(%x init: %c) applies stablehlo.{name} across dimensions = {list(dims)} : (tensor<{extents}x{element}>, tensor<{element}>) -> tensor<{kept}{element}>
  return %0 : tensor<{kept}{element}>
}}"""


PROGRAMS: dict[str, str] = {
    "elementwise": """
func.func @main(%x: tensor<37x5xf32>, %y: tensor<5xf32>) -> (tensor<37x5xf32>, tensor<37x5xi1>) {
  %0 = stablehlo.broadcast_in_dim %y, dims = [1] : (tensor<5xf32>) -> tensor<37x5xf32>
  %1 = stablehlo.add %x, %0 : tensor<37x5xf32>
  %2 = stablehlo.tanh %1 : tensor<37x5xf32>
  %3 = stablehlo.multiply %2, %x : tensor<37x5xf32>
  %4 = stablehlo.compare GT, %3, %0 : (tensor<37x5xf32>, tensor<37x5xf32>) -> tensor<37x5xi1>
  return %3, %4 : tensor<37x5xf32>, tensor<37x5xi1>
}""",
    "integers": """
func.func @main(%x: tensor<70xi32>, %y: tensor<70xi32>) -> (tensor<70xi32>, tensor<70xi8>) {
  %0 = stablehlo.divide %x, %y : tensor<70xi32>
  %1 = stablehlo.shift_left %0, %y : tensor<70xi32>
  %2 = stablehlo.convert %1 : (tensor<70xi32>) -> tensor<70xi8>
  return %1, %2 : tensor<70xi32>, tensor<70xi8>
}""",
    "transpose": """
func.func @main(%x: tensor<3x40x33xf32>) -> tensor<33x3x40xf32> {
  %0 = stablehlo.transpose %x, dims = [2, 0, 1] : (tensor<3x40x33xf32>) -> tensor<33x3x40xf32>
  %1 = stablehlo.negate %0 : tensor<33x3x40xf32>
  return %1 : tensor<33x3x40xf32>
}""",
    "moved and reshaped": """
func.func @main(%x: tensor<6x35xf32>) -> tensor<17xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<6x35xf32>) -> tensor<35x6xf32>
  %1 = stablehlo.negate %0 : tensor<35x6xf32>
  %2 = stablehlo.reshape %1 : (tensor<35x6xf32>) -> tensor<10x21xf32>
  %3 = stablehlo.transpose %2, dims = [1, 0] : (tensor<10x21xf32>) -> tensor<21x10xf32>
  %4 = stablehlo.reshape %3 : (tensor<21x10xf32>) -> tensor<210xf32>
  %5 = stablehlo.slice %4 [3:190:11] : (tensor<210xf32>) -> tensor<17xf32>
  return %5 : tensor<17xf32>
}""",
    "softmax": """
func.func @main(%x: tensor<9x70xf32>) -> tensor<9x70xf32> {
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<9x70xf32>, tensor<f32>) -> tensor<9xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<9xf32>) -> tensor<9x70xf32>
  %2 = stablehlo.subtract %x, %1 : tensor<9x70xf32>
  %3 = stablehlo.exponential %2 : tensor<9x70xf32>
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<9x70xf32>, tensor<f32>) -> tensor<9xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<9xf32>) -> tensor<9x70xf32>
  %6 = stablehlo.divide %3, %5 : tensor<9x70xf32>
  return %6 : tensor<9x70xf32>
}""",
    "layernorm": """
func.func @main(%x: tensor<11x48xf32>, %w: tensor<48xf32>, %b: tensor<48xf32>) -> tensor<11x48xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<48.0> : tensor<11xf32>
  %eps = stablehlo.constant dense<1.0e-5> : tensor<11xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<11x48xf32>, tensor<f32>) -> tensor<11xf32>
  %1 = stablehlo.divide %0, %n : tensor<11xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<11xf32>) -> tensor<11x48xf32>
  %3 = stablehlo.subtract %x, %2 : tensor<11x48xf32>
  %4 = stablehlo.multiply %3, %3 : tensor<11x48xf32>
  %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<11x48xf32>, tensor<f32>) -> tensor<11xf32>
  %6 = stablehlo.divide %5, %n : tensor<11xf32>
  %7 = stablehlo.add %6, %eps : tensor<11xf32>
  %8 = stablehlo.rsqrt %7 : tensor<11xf32>
  %9 = stablehlo.broadcast_in_dim %8, dims = [0] : (tensor<11xf32>) -> tensor<11x48xf32>
  %10 = stablehlo.multiply %3, %9 : tensor<11x48xf32>
  %11 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<48xf32>) -> tensor<11x48xf32>
  %12 = stablehlo.multiply %10, %11 : tensor<11x48xf32>
  %13 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<48xf32>) -> tensor<11x48xf32>
  %14 = stablehlo.add %12, %13 : tensor<11x48xf32>
  return %14 : tensor<11x48xf32>
}""",
    "matmul": """
func.func @main(%x: tensor<13x70xf32>, %w: tensor<70x37xf32>, %b: tensor<37xf32>) -> tensor<13x37xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<13x37xf32>
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<13x70xf32>, tensor<70x37xf32>) -> tensor<13x37xf32>
  %1 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<37xf32>) -> tensor<13x37xf32>
  %2 = stablehlo.add %0, %1 : tensor<13x37xf32>
  %3 = stablehlo.maximum %2, %zero : tensor<13x37xf32>
  return %3 : tensor<13x37xf32>
}""",
    "matmul of a transpose": """
func.func @main(%x: tensor<13x24xf64>, %w: tensor<10x24xf64>) -> tensor<13x10xf64> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (tensor<13x24xf64>, tensor<10x24xf64>) -> tensor<13x10xf64>
  return %0 : tensor<13x10xf64>
}""",
    "batch matmul in bf16": """
func.func @main(%x: tensor<2x5x9xbf16>, %w: tensor<2x9x18xbf16>) -> tensor<2x5x18xbf16> {
  %0 = stablehlo.dot_general %x, %w, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x5x9xbf16>, tensor<2x9x18xbf16>) -> tensor<2x5x18xbf16>
  return %0 : tensor<2x5x18xbf16>
}""",
    "a narrowed matmul, one lane past a vector": """
func.func @main(%x: tensor<9x3xi64>, %w: tensor<3x33xi64>, %y: tensor<9x3xf32>, %v: tensor<3x17xf32>) -> (tensor<9x33xi8>, tensor<9x17xbf16>) {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<9x3xi64>, tensor<3x33xi64>) -> tensor<9x33xi64>
  %1 = stablehlo.convert %0 : (tensor<9x33xi64>) -> tensor<9x33xi8>
  %2 = stablehlo.dot_general %y, %v, contracting_dims = [1] x [0] : (tensor<9x3xf32>, tensor<3x17xf32>) -> tensor<9x17xf32>
  %3 = stablehlo.convert %2 : (tensor<9x17xf32>) -> tensor<9x17xbf16>
  return %1, %3 : tensor<9x33xi8>, tensor<9x17xbf16>
}""",
    "pool gradient": """
func.func @main(%x: tensor<17xf32>, %y: tensor<16xf32>, %z: tensor<17xf32>) -> tensor<17xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.select_and_scatter"(%x, %y, %zero) <{window_dimensions = array<i64: 2>, window_strides = array<i64: 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %2 = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %2 : tensor<i1>
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %2 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }) : (tensor<17xf32>, tensor<16xf32>, tensor<f32>) -> tensor<17xf32>
  %1 = stablehlo.multiply %0, %z : tensor<17xf32>
  return %1 : tensor<17xf32>
}""",
    "convolution": """
func.func @main(%x: tensor<2x3x9x9xf32>, %w: tensor<8x3x3x3xf32>) -> tensor<2x8x9x9xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x9x9xf32>, tensor<8x3x3x3xf32>) -> tensor<2x8x9x9xf32>
  %1 = stablehlo.logistic %0 : tensor<2x8x9x9xf32>
  return %1 : tensor<2x8x9x9xf32>
}""",
    "max pool": f"""
func.func @main(%x: tensor<2x8x8x5xf32>) -> tensor<2x4x4x5xf32> {{
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %low) <{{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>}}> {reducer("maximum", "f32")} : (tensor<2x8x8x5xf32>, tensor<f32>) -> tensor<2x4x4x5xf32>
  return %0 : tensor<2x4x4x5xf32>
}}""",
    "average pool": f"""
func.func @main(%x: tensor<1x7x7x3xf32>) -> tensor<1x5x5x3xf32> {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %zero) <{{window_dimensions = array<i64: 1, 3, 3, 1>}}> {reducer("add", "f32")} : (tensor<1x7x7x3xf32>, tensor<f32>) -> tensor<1x5x5x3xf32>
  return %0 : tensor<1x5x5x3xf32>
}}""",
    "cumulative sum": f"""
func.func @main(%x: tensor<12xf32>) -> tensor<12xf32> {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %zero) <{{window_dimensions = array<i64: 12>, padding = dense<[[11, 0]]> : tensor<1x2xi64>}}> {reducer("add", "f32")} : (tensor<12xf32>, tensor<f32>) -> tensor<12xf32>
  return %0 : tensor<12xf32>
}}""",
    "gather": """
func.func @main(%x: tensor<10x40xf32>, %i: tensor<7xi32>) -> tensor<7x40xf32> {
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 40>}> : (tensor<10x40xf32>, tensor<7xi32>) -> tensor<7x40xf32>
  return %0 : tensor<7x40xf32>
}""",
    "scatter": f"""
func.func @main(%x: tensor<10x40xf32>, %i: tensor<7xi32>, %u: tensor<7x40xf32>) -> tensor<10x40xf32> {{
  %0 = "stablehlo.scatter"(%x, %i, %u) <{{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}}> {reducer("add", "f32")} : (tensor<10x40xf32>, tensor<7xi32>, tensor<7x40xf32>) -> tensor<10x40xf32>
  return %0 : tensor<10x40xf32>
}}""",
    "sort": """
func.func @main(%x: tensor<3x33xf32>, %i: tensor<3x33xi32>) -> (tensor<3x33xf32>, tensor<3x33xi32>) {
  %0:2 = "stablehlo.sort"(%x, %i) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<i32>, %d: tensor<i32>):
    %1 = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  }) : (tensor<3x33xf32>, tensor<3x33xi32>) -> (tensor<3x33xf32>, tensor<3x33xi32>)
  return %0#0, %0#1 : tensor<3x33xf32>, tensor<3x33xi32>
}""",
    "random bits": """
func.func @main(%s: tensor<2xui64>) -> (tensor<2xui64>, tensor<21xui32>) {
  %0, %1 = stablehlo.rng_bit_generator %s, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<21xui32>)
  return %0, %1 : tensor<2xui64>, tensor<21xui32>
}""",
    "while": """
func.func @main(%x: tensor<20xf32>, %n: tensor<i32>) -> (tensor<20xf32>, tensor<i32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %bound = stablehlo.minimum %n, %one : tensor<i32>
  %end = stablehlo.add %bound, %one : tensor<i32>
  %0:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<20xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %end : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %2 = stablehlo.add %i, %one : tensor<i32>
    %3 = stablehlo.sine %y : tensor<20xf32>
    %4 = stablehlo.reverse %3, dims = [0] : tensor<20xf32>
    stablehlo.return %2, %4 : tensor<i32>, tensor<20xf32>
  }
  return %0#1, %0#0 : tensor<20xf32>, tensor<i32>
}""",
    "if": """
func.func @main(%p: tensor<i1>, %x: tensor<19xf32>) -> tensor<19xf32> {
  %0 = "stablehlo.if"(%p) ({
    %1 = stablehlo.exponential %x : tensor<19xf32>
    stablehlo.return %1 : tensor<19xf32>
  }, {
    %1 = stablehlo.add %x, %x : tensor<19xf32>
    stablehlo.return %1 : tensor<19xf32>
  }) : (tensor<i1>) -> tensor<19xf32>
  return %0 : tensor<19xf32>
}""",
    "pad": """
func.func @main(%x: tensor<5x6xf32>, %v: tensor<f32>) -> tensor<8x15xf32> {
  %0 = stablehlo.pad %x, %v, low = [2, 3], high = [1, 1], interior = [0, 1] : (tensor<5x6xf32>, tensor<f32>) -> tensor<8x15xf32>
  return %0 : tensor<8x15xf32>
}""",
    "concatenate": """
func.func @main(%x: tensor<4x6xf32>, %y: tensor<4x35xf32>) -> tensor<4x47xf32> {
  %0 = stablehlo.negate %x : tensor<4x6xf32>
  %1 = stablehlo.concatenate %0, %y, %x, dim = 1 : (tensor<4x6xf32>, tensor<4x35xf32>, tensor<4x6xf32>) -> tensor<4x47xf32>
  return %1 : tensor<4x47xf32>
}""",
    "dynamic slices": """
func.func @main(%x: tensor<20x6xf32>, %i: tensor<i32>, %u: tensor<2x6xf32>) -> (tensor<3x6xf32>, tensor<20x6xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.dynamic_slice %x, %i, %zero, sizes = [3, 6] : (tensor<20x6xf32>, tensor<i32>, tensor<i32>) -> tensor<3x6xf32>
  %1 = stablehlo.dynamic_update_slice %x, %u, %i, %zero : (tensor<20x6xf32>, tensor<2x6xf32>, tensor<i32>, tensor<i32>) -> tensor<20x6xf32>
  return %0, %1 : tensor<3x6xf32>, tensor<20x6xf32>
}""",
    "constant table": """
func.func @main(%x: tensor<5xf32>) -> tensor<5xf32> {
  %c = stablehlo.constant dense<[1.0, 2.5, -3.0, 0x7F800000, 1.0e-20]> : tensor<5xf32>
  %0 = stablehlo.multiply %x, %c : tensor<5xf32>
  return %0 : tensor<5xf32>
}""",
    "bits of another width": """
func.func @main(%x: tensor<7x4xi8>) -> tensor<7xf32> {
  %0 = stablehlo.bitcast_convert %x : (tensor<7x4xi8>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}""",
    **{f"sum of {n}": reduction("add", (n,), (0,)) for n in (1, 2, 63, 64, 65, 100, 4096, 4097, 9000)},
    **{f"sum of {n} rows": reduction("add", (n, 5), (0,)) for n in (1, 64, 130, 4200)},
    "sum of blocks": reduction("add", (2, 3, 40), (0, 2)),
    "least": reduction("minimum", (9, 65), (1,), "i32", "7"),
}

PARALLEL: dict[str, str] = {
    "much elementwise": """
func.func @main(%x: tensor<200x300xf32>) -> tensor<200x300xf32> {
  %0 = stablehlo.exponential %x : tensor<200x300xf32>
  %1 = stablehlo.logistic %0 : tensor<200x300xf32>
  return %1 : tensor<200x300xf32>
}""",
    "a long sum": reduction("add", (300000,), (0,)),
    "long rows": reduction("add", (64, 5000), (1,)),
    "a large matmul": """
func.func @main(%x: tensor<150x200xf32>, %w: tensor<200x170xf32>) -> tensor<150x170xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<150x200xf32>, tensor<200x170xf32>) -> tensor<150x170xf32>
  return %0 : tensor<150x170xf32>
}""",
}
"""Programs large enough to be cut into tickets: for native code, too slow for the emulator."""


def module_of(name: str) -> Module:
    return parse((PROGRAMS.get(name) or PARALLEL[name]).strip())


def arguments(module: Module, seed: int = 0) -> list[Array]:
    """Random arguments; integers are small, some of them negative and zero."""
    main = module.symbols["main"]
    assert isinstance(main, Func)
    rng = np.random.default_rng(seed)
    made = []
    for argument in main.arguments:
        shape, element = argument.type.static_shape, argument.type.element
        if isinstance(element, FloatType):
            made.append(rng.standard_normal(shape).astype(element.numpy))
        elif isinstance(element, ComplexType):
            made.append((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(element.numpy))
        else:
            low, high = (0, 2) if element.width == 1 else (0 if element.is_unsigned else -9, 10)
            made.append(rng.integers(low, high, shape).astype(element.numpy))
    return made
