"""Fused functions around one op, and kernel groups compiled and run on NumPy arrays: what the lowering tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.codegen.emit import emit_module
from irc.codegen.lower.builder import KernelBuilder
from irc.codegen.lower.group import KernelGroup, buffer_type
from irc.dialects import memref
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Call, Func, Return
from irc.interpreter import interpret
from irc.ir.attributes import Attribute, DenseElementsAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import MemRefType, TensorType, f32, i8
from irc.runtime import jit
from irc.runtime.executable import NativeProgram

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
NHWC = hlo.ConvDimensionNumbers(0, 3, (1, 2), 2, 3, (0, 1), 0, 3, (1, 2))
NCHW = hlo.ConvDimensionNumbers(0, 1, (2, 3), 1, 0, (2, 3), 0, 1, (2, 3))
WEIGHT_GRADIENT = hlo.ConvDimensionNumbers(3, 0, (1, 2), 0, 3, (1, 2), 2, 3, (0, 1))


def function(types: Sequence[TensorType], body: Callable[..., Sequence[Value]], name: str = "fused") -> Func:
    """A function of tensors; `body(b, *arguments)` gives what it returns."""
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    b = Builder()
    b.emit(Return(list(body(b, *arguments))))
    return Func.of(name, Block(arguments, b.operations))


def splat(b: Builder, value: Any, type: TensorType) -> Value:
    return b.emit(hlo.Constant(value=DenseElementsAttr.of(type, value)))


def bias_relu(b: Builder, y: Value, bias: Value) -> list[Value]:
    """Both what goes into relu and what comes out of it."""
    last = y.type.rank - 1
    wide = b.emit(hlo.BroadcastInDim(bias, broadcast_dimensions=(last,), result_types=[y.type]))
    before = b.emit(hlo.Add(y, wide))
    return [before, b.emit(hlo.Maximum(before, splat(b, 0.0, y.type)))]


def matmul(
    m: int,
    n: int,
    k: int,
    *,
    element: Any = f32,
    result: Any = None,
    turned: str = "",
    batch: Shape = (),
    after: Any = None,
) -> Func:
    """lhs @ rhs, each stored transposed where `turned` names it; `after(b, y, bias)` follows."""
    r = len(batch)
    lhs = TensorType((*batch, *((k, m) if "lhs" in turned else (m, k))), element)
    rhs = TensorType((*batch, *((n, k) if "rhs" in turned else (k, n))), element)
    free = tuple(range(r))
    numbers = hlo.DotDimensionNumbers(free, free, (r + ("lhs" not in turned),), (r + ("rhs" in turned),))
    types = [TensorType((*batch, m, n), result)] if result else None

    def body(b: Builder, x: Value, w: Value, *rest: Value) -> Sequence[Value]:
        y = b.emit(hlo.DotGeneral(x, w, dot_dimension_numbers=numbers, result_types=types))
        return after(b, y, *rest) if after else [y]

    extra = [TensorType((n,), element)] if after else []
    return function([lhs, rhs, *extra], body)


def convolution(
    x: Shape, w: Shape, *, numbers: Any = NHWC, after: Any = None, element: Any = f32, **window: Any
) -> Func:
    window.setdefault("feature_group_count", 1)
    window.setdefault("batch_group_count", 1)

    def body(b: Builder, lhs: Value, rhs: Value, *rest: Value) -> Sequence[Value]:
        y = b.emit(hlo.Convolution(lhs, rhs, dimension_numbers=numbers, **window))
        return after(b, y, *rest) if after else [y]

    extra = [TensorType((w[numbers.kernel_output_feature_dimension],), element)] if after else []
    return function([TensorType(x, element), TensorType(w, element), *extra], body)


def with_attribute(func: Func, name: str, value: Attribute) -> Func:
    return Func.create((), (), {**func.attributes, name: value}, func.regions, func.location)


def samples(func: Func, seed: int = 0) -> list[Array]:
    """Random arguments; integers are small, unsigned where the type is."""
    rng = np.random.default_rng(seed)
    arrays = []
    for argument in func.arguments:
        dtype = argument.type.element.numpy
        if dtype.kind == "b":
            array = rng.integers(0, 2, argument.type.static_shape)
        elif dtype.kind in "iu":
            array = rng.integers(0 if dtype.kind == "u" else -9, 10, argument.type.static_shape)
        else:
            array = rng.standard_normal(argument.type.static_shape)
        arrays.append(array.astype(dtype))
    return arrays


def reference(func: Func, arrays: Sequence[Array]) -> list[Array]:
    """What the interpreter makes of the function."""
    return interpret(Module.of([func.with_attributes(sym_name="main")]), *arrays)


def run_group(func: Func, group: KernelGroup, arrays: Sequence[Array]) -> list[Array]:
    """The kernels of a group, called in order on fresh outputs and scratch."""
    return compile_group(func, group)(*arrays)


def compile_group(func: Func, group: KernelGroup) -> NativeProgram:
    """A native program of a group alone; its scratch lies in the arena."""
    inputs, outputs = [v.type for v in func.arguments], [v.type for v in func.returned]
    places, size = [], 64
    for t in group.scratch:
        places.append(size)
        size += -(-t.nbytes // 64) * 64
    types = [*map(buffer_type, (*inputs, *outputs)), MemRefType((size,), i8)]
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    b = KernelBuilder()
    scratch = [
        b.emit(memref.View(arguments[-1], b.index(at), (), result_types=[t]))
        for at, t in zip(places, group.scratch, strict=True)
    ]
    for kernel in group.functions:
        b.emit(Call([*arguments[:-1], *scratch], callee=kernel.sym_name, result_types=[]))
    b.emit(Return(()))
    main = Func.of("main", Block(arguments, [*b.constants.values(), *b.operations]))
    text = emit_module(Module.of([*group.functions, main]))
    return NativeProgram(jit.assemble(text), inputs, outputs, arena_bytes=size)


def assert_same_bits(found: Sequence[Array], expected: Sequence[Array], where: object = "") -> None:
    for i, (x, y) in enumerate(zip(found, expected, strict=True)):
        assert x.dtype == y.dtype and x.shape == y.shape, where
        differ = np.flatnonzero(np.frombuffer(x.tobytes(), np.uint8) != np.frombuffer(y.tobytes(), np.uint8))
        assert not differ.size, f"result {i} differs, {where}: {x} instead of {y}"
