"""What loops carry changes places instead of being copied: any way in which a body passes its values on gives the reference's
bits, in the plan's memory."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import irc
from irc.codegen.emulator import emulate
from irc.codegen.slots import BIG
from irc.runtime.arena_text import arena_block
from irc.runtime.entry import arena_bytes_held
from irc.runtime.executable import release_memory

T = "tensor<32x32xi32>"
SMALL = "tensor<2x2xi32>"
assert 32 * 32 * 4 >= BIG > 2 * 2 * 4

OPS = {
    "reverse": "stablehlo.reverse {x}, dims = [0] : {t}",
    "transpose": "stablehlo.transpose {x}, dims = [1, 0] : ({t}) -> {t}",
    "double": "stablehlo.add {x}, {x} : {t}",
    "add": "stablehlo.add {x}, {y} : {t}",
    "product": "stablehlo.dot_general {x}, {y}, contracting_dims = [1] x [0] : ({t}, {t}) -> {t}",
}


class Writer:
    """Writes loops whose bodies pass values on at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.number = 0

    def name(self) -> str:
        self.number += 1
        return f"%v{self.number}"

    def loop(self, inits: list[tuple[str, str]], depth: int) -> tuple[list[str], list[str]]:
        """Lines of a loop over (value, type) pairs, and the names of its results."""
        names, result = [self.name() for _ in inits], self.name()
        lines, made = self.body(list(zip(names, (t for _, t in inits), strict=True)), depth)
        count, turns = self.name(), self.random.randint(0, 4)
        carried = ", ".join(f"{n} = {v}" for n, (v, _) in zip(names, inits, strict=True))
        types = ", ".join(t for _, t in inits)
        text = [
            f"{count} = stablehlo.constant dense<{turns}> : tensor<i32>",
            f"{result}:{len(inits) + 1} = stablehlo.while({count}i = %zero, {carried}) : tensor<i32>, {types}",
            "cond {",
            f"  {count}p = stablehlo.compare LT, {count}i, {count}, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>",
            f"  stablehlo.return {count}p : tensor<i1>",
            "} do {",
            *lines,
            f"  {count}j = stablehlo.add {count}i, %one : tensor<i32>",
            f"  stablehlo.return {', '.join([count + 'j', *made])} : tensor<i32>, {types}",
            "}",
        ]
        return text, [f"{result}#{i + 1}" for i in range(len(inits))]

    def body(self, values: list[tuple[str, str]], depth: int) -> tuple[list[str], list[str]]:
        """Lines, and a value of each type for the next turn."""
        known, lines = list(values), ["  // a turn"]
        for _ in range(self.random.randint(1, 5)):
            if depth and self.random.random() < 0.3:
                inner = self.random.sample(known, min(len(known), self.random.randint(1, 3)))
                text, results = self.loop(inner, depth - 1)
                lines += text
                known += zip(results, (t for _, t in inner), strict=True)
                continue
            x, t = self.random.choice(known)
            y = self.random.choice([v for v, kind in known if kind == t])
            lines.append(
                f"{(made := self.name())} = {self.random.choice(list(OPS.values())).format(x=x, y=y, t=t)}"
            )
            known.append((made, t))
        return lines, [self.random.choice([v for v, kind in known if kind == t]) for _, t in values]

    def program(self) -> str:
        types = [T] * self.random.randint(1, 4) + [SMALL] * self.random.randint(0, 2)
        arguments = [(f"%a{i}", t) for i, t in enumerate(types)]
        lines, results = self.loop(arguments, 1)
        lines += [f"%last = stablehlo.reverse {results[0]}, dims = [1] : {T}"]
        taken = ", ".join(f"{v}: {t}" for v, t in arguments)
        given = ", ".join([*types, T])
        return "\n".join(
            [
                f"func.func @main({taken}) -> ({given}) {{",
                "%zero = stablehlo.constant dense<0> : tensor<i32>",
                "%one = stablehlo.constant dense<1> : tensor<i32>",
                *lines,
                f"return {', '.join([*results, '%last'])} : {given}",
                "}",
            ]
        )


@pytest.mark.parametrize("seed", range(60))
def test_any_way_of_passing_values_on(seed: int) -> None:
    module = irc.parse(Writer(seed).program())
    rng = np.random.default_rng(seed)
    shapes = [a.type.static_shape for a in module.symbols["main"].arguments]
    arrays = [rng.integers(-3, 4, s).astype(np.int32) for s in shapes]
    with np.errstate(all="ignore"):
        wants = irc.interpret(module, *arrays)
    program = irc.compile_module(module)
    for want, got in zip(wants, program(*arrays), strict=True):
        np.testing.assert_array_equal(want, got)
    if seed % 10 == 0:
        for want, got in zip(wants, emulate(program.stages.kernel, *arrays), strict=True):
            np.testing.assert_array_equal(want, got)


WAVE = """func.func @main(%u: tensor<64x64xf32>, %v: tensor<64x64xf32>, %w: tensor<64x64xf32>, %n: tensor<i32>) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %r:3 = stablehlo.while(%i = %zero, %old = %u, %now = %v) : tensor<i32>, tensor<64x64xf32>, tensor<64x64xf32>
  cond {
    %p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  } do {
    %j = stablehlo.add %i, %one : tensor<i32>
    %pull = stablehlo.dot_general %now, %w, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %next = stablehlo.subtract %pull, %old : tensor<64x64xf32>
    stablehlo.return %j, %now, %next : tensor<i32>, tensor<64x64xf32>, tensor<64x64xf32>
  }
  return %r#1, %r#2 : tensor<64x64xf32>, tensor<64x64xf32>
}"""


def test_buffers_that_alternate_are_in_the_plan_and_not_copied() -> None:
    program = irc.compile_module(irc.parse(WAVE))
    plan = str(program.memory_plan)
    assert plan.count("(alternating)") == 2
    kernels = program.stages["kernel"]
    loop = kernels[kernels.index("scf.while") : kernels.index("scf.yield")]
    assert "memref<64x64xf32>, memref<64x64xf32>" in loop
    assert loop.count("call @copy") <= 1, "only the counter is copied"
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((64, 64)).astype(np.float32) / 8 for _ in range(3)]
    release_memory()
    before = arena_bytes_held()
    for turns in range(4):
        u, v, w = arrays
        for _ in range(turns):
            u, v = v, v @ w - u
        for want, got in zip((u, v), program(*arrays, np.int32(turns)), strict=True):
            np.testing.assert_allclose(want, got, rtol=1e-4, atol=1e-5)
    assert arena_bytes_held() - before == arena_block(program.memory_plan.arena_bytes)


def test_calls_at_once_have_buffers_of_their_own() -> None:
    """Eight threads in one program with an arena, a loop whose buffers change places, and constants."""
    program = irc.compile_module(irc.parse(WAVE))
    rng = np.random.default_rng(1)
    calls = [
        (*(rng.standard_normal((64, 64)).astype(np.float32) / 8 for _ in range(3)), np.int32(5 + i))
        for i in range(8)
    ]
    alone = [program(*given) for given in calls]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda given: program(*given), calls * 8))
    for i, results in enumerate(together):
        for want, got in zip(alone[i % 8], results, strict=True):
            assert want.tobytes() == got.tobytes()
