"""Random well-typed modules by seed, from several makers: kernels' programs, the same with every other op, ops in all
generality, and chains of samples."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import random_kernels as kernels
from general_modules import BIG, SMALL, Size, general_program, smooth_program
from jitter import rounding
from random_kernels import Traits
from samples import SAMPLES, Sample
from small_programs import arguments
from test_bits import hard_arguments
from wide_modules import WIDE, wide_program

from irc.dialects.builtin import Module
from irc.dialects.func import Func, Return
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import ComplexType, FloatType, IntegerType, TensorType, tensor_of


@dataclass(frozen=True)
class Case:
    """A module with arguments. `exact`: no function in it is approximated; `portable`: every compiler means the same;
    `gradient`: it has one that finite differences can tell."""

    name: str
    module: Module
    arguments: list[Any]
    exact: bool
    portable: bool
    gradient: bool = False


def sample_chain(seed: int) -> tuple[Module, list[Any], bool]:
    """Samples one after the other, each on results of those before where their types fit; and whether XLA takes them all."""
    r = random.Random(seed)
    chosen = [r.choice(SAMPLES) for _ in range(r.choice((1, 2, 4, 6)))]
    b = Builder()
    arguments: list[Value] = []
    arrays: list[Any] = []
    made: list[Value] = []
    for sample in chosen:
        operands = []
        for array in sample.inputs:
            fitting = [v for v in made if v.type is tensor_of(array) and joins(sample, v.type)]
            if fitting and r.randrange(3):
                operands.append(r.choice(fitting))
                continue
            value = Value(tensor_of(array), None, len(arguments))
            arguments.append(value)
            arrays.append(array)
            operands.append(value)
        built = sample.build(b, *operands)
        results = [built] if isinstance(built, Value) else list(built)
        made += [v for v in results if isinstance(v.type, TensorType) and v.type.is_static]
    returned = made[-4:]
    b.emit(Return(returned))
    module = Module.of([Func.of("main", Block(arguments, b.operations))])
    return module, arrays, not any(s.differs or s.refused for s in chosen)


def joins(sample: Sample, type: TensorType) -> bool:
    """Whether an operand may be any value of its type: floats of ops that are defined on all of them."""
    tame = sample.op.partition(".")[2] in (
        "add", "subtract", "multiply", "maximum", "minimum", "abs", "negate", "tanh", "logistic", "cosine", "sine",
        "transpose", "reshape", "broadcast_in_dim", "reverse", "concatenate", "slice", "pad", "select", "compare",
        "dot_general", "convolution", "reduce", "real", "imag", "complex", "and", "or", "xor", "not", "clamp",
    )  # fmt: skip
    return tame and isinstance(type.element, FloatType | ComplexType | IntegerType)


PORTABLE = Traits(exact=False, portable=True)
KINDS: tuple[tuple[str, Callable[[int], Case]], ...] = (
    ("kernels", lambda seed: _kernels(seed, Traits(), 14)),
    ("portable", lambda seed: _kernels(seed, PORTABLE, 8)),
    ("integers", lambda seed: _kernels(seed, kernels.INTEGERS, 12)),
    ("wide", lambda seed: _wide(seed, Traits(exact=bool(seed % 2), elements=WIDE), 12)),
    ("wide-portable", lambda seed: _wide(seed, replace(PORTABLE, exact=bool(seed % 2)), 8)),
    ("chain", lambda seed: _chain(seed)),
    ("general", lambda seed: _general(seed, SMALL)),
    ("general too", lambda seed: _general(seed, SMALL)),
    ("big", lambda seed: _general(seed, BIG)),
    ("general-portable", lambda seed: _general(seed, SMALL, True)),
    ("gradients", lambda seed: _smooth(seed)),
)  # fmt: skip


def _kernels(seed: int, traits: Traits, steps: int) -> Case:
    module = kernels.seeded_program(seed, traits, steps)
    return Case("kernels", module, hard_arguments(module, seed), traits.exact, traits.portable)


def _wide(seed: int, traits: Traits, steps: int) -> Case:
    module = wide_program(random.Random(seed).randrange, traits, steps)
    return Case("wide", module, hard_arguments(module, seed), traits.exact, traits.portable)


def _chain(seed: int) -> Case:
    module, arrays, portable = sample_chain(seed)
    return Case("chain", module, arrays, False, portable)


def _general(seed: int, size: Size, portable: bool = False) -> Case:
    r = random.Random(seed)
    exact = bool(r.randrange(2))
    module = general_program(r.randrange, exact, size, portable)
    return Case("general", module, hard_arguments(module, seed), exact, portable)


def _smooth(seed: int) -> Case:
    module = smooth_program(random.Random(seed).randrange)
    return Case("gradients", module, arguments(module, seed), False, False, gradient=True)


def case_of(seed: int) -> Case:
    """The case of a seed: the makers take turns."""
    name, make = KINDS[seed % len(KINDS)]
    case = make(seed)
    arrays = portable_arguments(case.arguments) if case.portable else case.arguments
    return replace(case, name=name, arguments=arrays)


def portable_arguments(arrays: Sequence[Any]) -> list[Any]:
    """The arrays without denormal numbers, which some processors' settings take for 0."""
    made = []
    for array in arrays:
        kind = rounding(array.dtype)
        small = np.abs(array) < kind[1] if kind is not None else np.zeros(array.shape, bool)
        made.append(np.where(small, np.zeros((), array.dtype), array).astype(array.dtype))
    return made
