"""Samples of control flow, tuples, composites, custom calls, sort and map, random bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.dialects.func import Func
from irc.ir.builder import Builder
from irc.ir.operation import Value
from irc.ir.types import TokenType, TupleType, f32, f64, i1, i32, i64, ui8, ui16, ui32, ui64
from samples.case import breaks, random, reducer, region, tensor, value, works

# if and case


def negated(b: Any, x: Any) -> Any:
    return region([], lambda c: c.emit(S.Negate(x)))


def doubled(b: Any, x: Any) -> Any:
    return region([], lambda c: c.emit(S.Add(x, x)))


for name, pred in (("true", True), ("false", False)):
    works(
        "stablehlo.if",
        name,
        lambda b, p, x: b.emit(S.If(p, regions=[negated(b, x), doubled(b, x)])),
        np.array(pred),
        random(3),
    )
gives_f32, gives_i32 = (
    region([], lambda c, v=v: c.emit(S.Constant.of(v))) for v in (np.float32(1), np.int32(1))
)
takes_f32 = region([tensor()], lambda c, x: x)
breaks("stablehlo.if", "I1", lambda: S.If(value(2, of=i1), regions=[gives_f32, gives_f32]))
breaks("stablehlo.if", "C1", lambda: S.If(value(of=i1), regions=[takes_f32, gives_f32]))
breaks("stablehlo.if", "C2", lambda: S.If(value(of=i1), regions=[gives_f32, gives_i32]))
breaks(
    "stablehlo.if",
    "C3",
    lambda: S.If(value(of=i1), regions=[gives_f32, gives_f32], result_types=[tensor(of=i32)]),
)

for at in (0, 1, -1, 7):
    works(
        "stablehlo.case",
        f"at{at}",
        lambda b, i, x: b.emit(S.Case(i, regions=[negated(b, x), doubled(b, x)])),
        np.int32(at),
        random(3),
    )
breaks("stablehlo.case", "I1", lambda: S.Case(value(of=i64), regions=[gives_f32]))
breaks("stablehlo.case", "C1", lambda: S.Case(value(of=i32)))
breaks("stablehlo.case", "C2", lambda: S.Case(value(of=i32), regions=[takes_f32]))
breaks("stablehlo.case", "C3", lambda: S.Case(value(of=i32), regions=[gives_f32, gives_i32]))
breaks(
    "stablehlo.case", "C4", lambda: S.Case(value(of=i32), regions=[gives_f32], result_types=[tensor(of=i32)])
)

# while


def counting(b: Any, i: Any, x: Any) -> Any:
    def condition(c: Any, i: Any, x: Any) -> Any:
        return c.emit(S.Compare(i, c.emit(S.Constant.of(np.int32(5))), comparison_direction="LT"))

    def body(c: Any, i: Any, x: Any) -> Any:
        return c.emit(S.Add(i, c.emit(S.Constant.of(np.int32(1))))), c.emit(S.Add(x, x))

    types = [i.type, x.type]
    return b.emit(S.While([i, x], regions=[region(types, condition), region(types, body)]))


works("stablehlo.while", "counts", counting, np.int32(0), random(3))
works("stablehlo.while", "never", counting, np.int32(9), random(3))
TRUE = region([tensor()], lambda b, x: b.emit(S.Constant.of(np.array(True))))
SAME = region([tensor()], lambda b, x: x)
breaks("stablehlo.while", "C1", lambda: S.While([value()], regions=[SAME, SAME]))
breaks("stablehlo.while", "C2", lambda: S.While([value()], regions=[TRUE, TRUE]))
breaks(
    "stablehlo.while", "C3", lambda: S.While([value()], regions=[TRUE, SAME], result_types=[tensor(of=i32)])
)

# values carried

works(
    "stablehlo.optimization_barrier",
    "two",
    lambda b, *xs: b.emit(S.OptimizationBarrier(list(xs))),
    random(3),
    random(2, dtype=np.int32),
)
breaks(
    "stablehlo.optimization_barrier",
    "C1",
    lambda: S.OptimizationBarrier([value(2)], result_types=[tensor(3)]),
)

works(
    "stablehlo.tuple",
    "and-back",
    lambda b, x, y: b.emit(S.GetTupleElement(b.emit(S.Tuple([x, y])), index=1)),
    random(3),
    random(2, dtype=np.int32),
)
works(
    "stablehlo.get_tuple_element",
    "nested",
    lambda b, x, y: b.emit(
        S.GetTupleElement(
            b.emit(S.GetTupleElement(b.emit(S.Tuple([x, b.emit(S.Tuple([y]))])), index=1)), index=0
        )
    ),
    random(3),
    random(2),
)
PAIR = TupleType((tensor(), tensor(2)))
breaks("stablehlo.tuple", "C1", lambda: S.Tuple([value()], result_types=[PAIR]))
breaks("stablehlo.get_tuple_element", "I1", lambda: S.GetTupleElement(value(), index=0))
breaks("stablehlo.get_tuple_element", "C1", lambda: S.GetTupleElement(Value(PAIR), index=2))
breaks(
    "stablehlo.get_tuple_element",
    "C2",
    lambda: S.GetTupleElement(Value(PAIR), index=1, result_types=[tensor()]),
)


def after_tokens(b: Any, x: Any) -> Any:
    token = b.emit(S.CreateToken())
    b.emit(S.AfterAll([token, token]))
    return b.emit(S.Negate(x))


works("stablehlo.create_token", "unused", after_tokens, random(2))
works("stablehlo.after_all", "two", after_tokens, random(2))
breaks("stablehlo.after_all", "I1", lambda: S.AfterAll([Value(TokenType()), value()]))

# composite and custom_call


def composite(name: str, takes: Any, gives: Any, decomposition: str = "f") -> Any:
    """A composite checked against a module that has @f: tensor<2xf32> -> tensor<2xf32>."""
    from irc.dialects.func import Return

    def body(b: Builder, x: Value) -> None:
        b.emit(Return([b.emit(S.Negate(x))]))

    function = Func.of("f", Builder().region([tensor(2)], body).block)
    op = S.Composite([Value(takes)], name=name, decomposition=decomposition, result_types=[gives])
    op.check_symbols({"f": function})
    return op


breaks("stablehlo.composite", "C1", lambda: composite("f", tensor(2), tensor(2)))
breaks("stablehlo.composite", "C2", lambda: composite("my.f", tensor(2), tensor(2), "g"))
breaks("stablehlo.composite", "C3", lambda: composite("my.f", tensor(3), tensor(2)))
breaks("stablehlo.composite", "C4", lambda: composite("my.f", tensor(2), tensor(3)))

# sort and map


def ascending(element: Any, direction: str = "LT", others: tuple[Any, ...] = ()) -> Any:
    types = [tensor(of=e) for e in (element, *others) for _ in range(2)]
    return region(types, lambda b, x, y, *_: b.emit(S.Compare(x, y, comparison_direction=direction)))


works(
    "stablehlo.sort",
    "rows",
    lambda b, x: b.emit(S.Sort([x], dimension=1, regions=[ascending(f32)])),
    random(3, 37),
)
works(
    "stablehlo.sort",
    "columns",
    lambda b, x: b.emit(S.Sort([x], dimension=0, regions=[ascending(f32, "GT")])),
    random(9, 4),
)
works(
    "stablehlo.sort",
    "stable",
    lambda b, x, i: b.emit(
        S.Sort([x, i], dimension=0, is_stable=True, regions=[ascending(i32, others=(i32,))])
    ),
    random(50, dtype=np.int32),
    np.arange(50, dtype=np.int32),
)
works(
    "stablehlo.sort",
    "one",
    lambda b, x: b.emit(S.Sort([x], dimension=-1, regions=[ascending(f32)])),
    random(3, 1),
)
breaks("stablehlo.sort", "C1", lambda: S.Sort([], dimension=0, regions=[ascending(f32)]))
breaks(
    "stablehlo.sort",
    "C2",
    lambda: S.Sort([value(3)], dimension=0, regions=[ascending(f32)], result_types=[tensor(4)]),
)
breaks(
    "stablehlo.sort",
    "C3",
    lambda: S.Sort([value(3), value(4)], dimension=0, regions=[ascending(f32, others=(f32,))]),
)
breaks("stablehlo.sort", "C4", lambda: S.Sort([value(3)], dimension=1, regions=[ascending(f32)]))
breaks("stablehlo.sort", "C5", lambda: S.Sort([value(3)], dimension=0, regions=[reducer(S.Add)]))


def mapped(b: Any, x: Any, y: Any) -> Any:
    return b.emit(S.Map([x, y], dimensions=(0, 1), regions=[reducer(S.Multiply)]))


works("stablehlo.map", "multiply", mapped, random(2, 3), random(2, 3, seed=1))
breaks("stablehlo.map", "C1", lambda: S.Map([value(2), value(3)], dimensions=(0,), regions=[reducer(S.Add)]))
breaks("stablehlo.map", "C2", lambda: S.Map([], dimensions=(), regions=[reducer(S.Add)]))
breaks("stablehlo.map", "C3", lambda: S.Map([value(2, 3)] * 2, dimensions=(1, 0), regions=[reducer(S.Add)]))
breaks("stablehlo.map", "C4", lambda: S.Map([value(2)] * 2, dimensions=(0,), regions=[reducer(S.Add, f64)]))

# rng_bit_generator

KEY = np.array([0x123456789ABCDEF, 2**64 - 3, 7], np.uint64)


def random_bits(algorithm: str, shape: tuple[int, ...], element: Any) -> Any:
    return lambda b, s: b.emit(
        S.RngBitGenerator(s, rng_algorithm=algorithm, result_types=[s.type, tensor(*shape, of=element)])
    )


for algorithm, words in (("THREE_FRY", 2), ("PHILOX", 2), ("PHILOX", 3), ("DEFAULT", 2), ("DEFAULT", 3)):
    for element in (ui8, ui16, ui32, ui64):
        for shape in ((), (7,), (3, 5), (3, 4)):
            size = "x".join(map(str, shape)) or "scalar"
            works(
                "stablehlo.rng_bit_generator",
                f"{algorithm}{words}-{element}-{size}",
                random_bits(algorithm, shape, element),
                KEY[:words],
            )


def broken_bits(label: str, state: Any, algorithm: str = "THREE_FRY", of: Any = None) -> None:
    types = [of or state.type, tensor(4, of=ui32)]
    breaks(
        "stablehlo.rng_bit_generator",
        label,
        lambda: S.RngBitGenerator(state, rng_algorithm=algorithm, result_types=types),
    )


broken_bits("C1", value(2, of=ui64), of=tensor(3, of=ui64))
broken_bits("C2", value(3, of=ui64))
broken_bits("I2", value(2, of=ui32), of=tensor(2, of=ui32))
