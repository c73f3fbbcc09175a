"""Folding: exact ops on constants go, the others stay, and constants do not grow without bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pass_programs import F23, I23, P23, assert_same_meaning, const, hard_array, names, program, tensor

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module
from irc.dialects.stablehlo.elementwise import BinaryElementwise, UnaryElementwise
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import ComplexType, bf16, f16, f32, f64, i1, i8, i32, ui8
from irc.passes.fold import EXACT
from irc.passes.manager import run_pipeline

ELEMENTS = [i1, i8, ui8, i32, f16, bf16, f32, f64, ComplexType(f32)]
APPROXIMATE = (S.Exponential, S.Log, S.Tanh, S.Logistic, S.Sine, S.Power, S.Atan2, S.Cbrt)


def folded(module: Module, pipeline: str = "fold,dce") -> Module:
    after = run_pipeline(module, pipeline)
    assert_same_meaning(module, after)
    return after


def on_constants(cls: Any, element: Any) -> Module:
    """The op on constants with hard values."""
    type = tensor(4, 5, element=element)
    count = 1 if issubclass(cls, UnaryElementwise) else 2

    def body(b: Builder) -> Value:
        return b.emit(cls(*(b.emit(S.Constant.of(hard_array(type, seed))) for seed in range(count))))

    return program([], body)


def accepts(cls: Any, element: Any) -> bool:
    kind = {i1: "bool", i8: "signed", i32: "signed", ui8: "unsigned"}.get(element)
    return (kind or ("complex" if isinstance(element, ComplexType) else "float")) in cls.domain


SIMPLE = [
    c
    for c in (*EXACT, *APPROXIMATE)
    if issubclass(c, UnaryElementwise | BinaryElementwise) and c is not S.Convert
]


@pytest.mark.parametrize("cls", SIMPLE, ids=lambda c: c.__name__)
def test_exact_ops_fold_for_real_elements_and_others_stay(cls: Any) -> None:
    for element in ELEMENTS:
        if accepts(cls, element):
            is_integer = element in (i1, i8, i32, ui8)
            exact = (cls in EXACT or is_integer) and not isinstance(element, ComplexType)
            left = names(folded(on_constants(cls, element)))
            assert (left == ["constant"]) == exact, element


def test_compare_select_and_convert_fold() -> None:
    def body(b: Builder) -> Value:
        x, y = (b.emit(S.Constant.of(hard_array(F23, seed))) for seed in (0, 1))
        p = b.emit(S.Compare(x, y, comparison_direction="LT"))
        return b.emit(S.Convert(b.emit(S.Select(p, x, y)), result_types=[I23]))

    assert names(folded(program([], body))) == ["constant"]


def test_moves_fold_for_complex_numbers_too() -> None:
    def body(b: Builder) -> Value:
        z = b.emit(S.Constant.of(np.arange(6, dtype=np.complex64).reshape(2, 3)))
        return b.emit(S.Real(b.emit(S.Transpose(z, permutation=(1, 0)))))

    assert names(folded(program([], body))) == ["constant"]


def test_a_large_splat_stays_a_splat() -> None:
    huge = tensor(1 << 20, 1 << 12)

    def body(b: Builder) -> Value:
        return b.emit(S.Slice(b.emit(S.Sqrt(b.emit(S.Add(const(b, 9.0, huge), const(b, 7.0, huge))))),
                              start_indices=(0, 0), limit_indices=(2, 2), strides=(1, 1)))  # fmt: skip

    after = run_pipeline(program([], body), "fold,dce")
    (constant,) = [op for op in after.walk() if isinstance(op, S.Constant)]
    assert constant.value.is_splat and float(constant.value.splat_array) == 4.0


def test_constants_grow_only_while_small() -> None:
    def body(length: int) -> Any:
        return lambda b: b.emit(S.Iota(iota_dimension=0, result_types=[tensor(length, element=i32)]))

    assert names(folded(program([], body(16)))) == ["constant"]
    assert names(folded(program([], body(512)))) == ["iota"]


def test_the_budget_holds() -> None:
    def body(b: Builder) -> Value:
        return b.emit(S.Reverse(b.emit(S.Constant.of(np.arange(600, dtype=np.float32))), dimensions=(0,)))

    assert names(folded(program([], body), "fold{max_bytes=2400},dce")) == ["constant"]
    assert names(folded(program([], body), "fold{max_bytes=2399},dce")) == ["constant", "reverse"]


def test_what_folding_finds_out_is_used_in_the_same_walk() -> None:
    """3 < 2 is false, so the branch is known, so its sum with -0.0 is x."""

    def body(b: Builder, x: Value) -> Value:
        p = b.emit(
            S.Compare(
                const(b, 3, tensor(element=i32)), const(b, 2, tensor(element=i32)), comparison_direction="LT"
            )
        )
        regions = [
            b.region([], lambda r, c=c: r.emit(S.Return([r.emit(S.Add(x, const(r, c)))])))
            for c in (1.0, -0.0)
        ]
        return b.emit(S.If(p, regions=regions))

    assert names(folded(program([F23], body))) == []


def test_one_unknown_operand_is_enough_to_stay() -> None:
    assert names(folded(program([P23], lambda b, p: b.emit(S.Select(p, const(b, 1.0), const(b, 2.0)))))) == [
        "constant",
        "constant",
        "select",
    ]
