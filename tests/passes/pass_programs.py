"""Small programs for tests of passes, and arguments with the values that break careless algebra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from irc.dialects import func as F
from irc.dialects.builtin import Module
from irc.dialects.stablehlo import Constant, Return
from irc.interpreter import interpret
from irc.ir.builder import Builder
from irc.ir.operation import Block, Region, Value
from irc.ir.types import FloatType, IntegerType, TensorType, Type, f32, i1, i32
from irc.passes.hooks import explain_difference, random_array

F23 = TensorType((2, 3), f32)
I23 = TensorType((2, 3), i32)
P23 = TensorType((2, 3), i1)


def tensor(*shape: int, element: Any = f32) -> TensorType:
    return TensorType(shape, element)


def function(
    name: str, types: Sequence[Type], body: Callable[..., Any], visibility: str | None = None
) -> F.Func:
    """A function of these argument types around `body(builder, *arguments) -> value or values`."""
    b = Builder()
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    results = body(b, *arguments)
    b.emit(F.Return([results] if isinstance(results, Value) else list(results)))
    return F.Func.of(name, Block(arguments, b.operations), visibility=visibility)


def program(types: Sequence[Type], body: Callable[..., Any], *others: F.Func) -> Module:
    """A module whose @main is `body`."""
    return Module.of([function("main", types, body), *others])


def const(b: Builder, value: Any, type: TensorType = F23) -> Value:
    return b.emit(Constant.splat(value, type))


def scalar_region(b: Builder, op: Any, element: Any = f32) -> Region:
    """The region `(a, b) -> op(a, b)` on scalars."""
    scalar = TensorType((), element)

    def body(inner: Builder, x: Value, y: Value) -> None:
        inner.emit(Return([inner.emit(op(x, y))]))

    return b.region([scalar, scalar], body)


def hard_array(type: TensorType, seed: int) -> np.ndarray[Any, Any]:
    """Values at the edges of the type: signed zeros, infinities, NaN, extremes; then random ones."""
    rng = np.random.default_rng(seed)
    array = random_array(type, rng)
    match type.element:
        case FloatType() as element:
            edges = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 3.0], np.float64).astype(
                element.numpy
            )
        case IntegerType(width=width) as element if width > 1:
            low = 0 if element.is_unsigned else -(2 ** (width - 1))
            high = 2**width - 1 if element.is_unsigned else 2 ** (width - 1) - 1
            edges = np.array([0, 1, low, high, 2, high - 1], object).astype(element.numpy)
        case _:
            return array
    flat = array.reshape(-1)
    chosen = rng.permutation(flat.size)[: min(len(edges), max(flat.size - 1, 1))]
    flat[chosen] = rng.permutation(edges)[: len(chosen)]
    return flat.reshape(array.shape)


def hard_inputs(module: Module, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    main = module.symbols["main"]
    assert isinstance(main, F.Func)
    return [hard_array(a.type, seed + 7919 * i) for i, a in enumerate(main.arguments)]


def assert_same_meaning(
    before: Module, after: Module, inputs: Sequence[Any] | None = None, tolerance: float = 0.0
) -> None:
    """Both interpret to equal bits (any NaN equals any NaN) on hard inputs, or on those given."""
    sets = [inputs] if inputs is not None else [hard_inputs(before, seed) for seed in (0, 1, 2)]
    for arrays in sets:
        wants, gots = interpret(before, *arrays), interpret(after, *arrays)
        assert len(wants) == len(gots)
        for want, got in zip(wants, gots, strict=True):
            assert not (difference := explain_difference(want, got, tolerance)), difference


def names(module: Module, entry: str = "main") -> list[str]:
    """Op names of a function, without the dialect, the terminator left out."""
    main = module.symbols[entry]
    assert isinstance(main, F.Func)
    return [op.name.partition(".")[2] for op in main.block.operations[:-1]]
