"""What a sample is: a small module of one op with inputs that work, or an op that breaks one constraint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.dialects.stablehlo import Return as StablehloReturn
from irc.ir.builder import Builder
from irc.ir.operation import Operation, Region, Value
from irc.ir.types import TensorType, Type, f32, tensor_of

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Sample:
    """`build(b, *arguments)` emits the op and gives its result, or its results.

    `differs` says why XLA gives another answer, where it does; `refused` why it must not be asked (some refusals end the
    process)."""

    op: str
    name: str
    build: Callable[..., Any]
    inputs: tuple[Array, ...]
    differs: str = ""
    refused: str = ""

    @property
    def id(self) -> str:
        return f"{self.op.removeprefix('stablehlo.')}-{self.name}"

    def module(self) -> Module:
        """A module whose @main is this op on these inputs."""

        def body(b: Builder, *arguments: Value) -> None:
            built = self.build(b, *arguments)
            b.emit(Return([built] if isinstance(built, Value) else list(built)))

        region = Builder().region([tensor_of(x) for x in self.inputs], body)
        return Module.of([Func.of("main", region.block)])


@dataclass(frozen=True)
class Break:
    """`make()` raises VerifyError with `label`."""

    op: str
    label: str
    make: Callable[[], Any]

    @property
    def id(self) -> str:
        return f"{self.op.removeprefix('stablehlo.')}-{self.label}"


SAMPLES: list[Sample] = []
BREAKS: list[Break] = []


def works(
    op: str, name: str, build: Callable[..., Any], *inputs: Any, differs: str = "", refused: str = ""
) -> None:
    SAMPLES.append(Sample(op, name, build, tuple(np.asarray(x) for x in inputs), differs, refused))


def breaks(op: str, label: str, make: Callable[[], Any]) -> None:
    BREAKS.append(Break(op, label, make))


def value(*shape: int | None, of: Any = f32) -> Value:
    """A value of no op, to make broken ops with."""
    return Value(TensorType(tuple(shape), of))


def tensor(*shape: int | None, of: Any = f32) -> TensorType:
    return TensorType(tuple(shape), of)


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> Array:
    """Normal numbers; integers from -9 to 9 (unsigned from 0)."""
    rng = np.random.default_rng([seed, *shape])
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -9, 10, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def region(types: Sequence[Type], body: Callable[..., Any]) -> Region:
    """A region whose body gives one value, or several, which are returned."""

    def with_return(b: Builder, *arguments: Value) -> None:
        built = body(b, *arguments)
        b.emit(StablehloReturn([built] if isinstance(built, Value) else list(built)))

    return Builder().region(list(types), with_return)


def reducer(op: type[Operation], element: Any = f32) -> Region:
    """A region of two scalars and one binary op."""
    return region([tensor(of=element)] * 2, lambda b, x, y: b.emit(op(x, y)))
