"""Attention as one kernel: the bits of the three kernels that it is made of, whatever comes between the products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import irc
from irc.codegen.lower import attention
from irc.dialects import memref
from irc.driver import PIPELINE, Executable
from irc.passes.fusion.reasons import EdgeRemark
from irc.passes.manager import Hook, Remark, Step, run_pipeline

APART = PIPELINE.replace("fusion", "fusion{attention=false}")


def normal(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def heads(b: int, h: int, t: int, d: int, keys: int = 0) -> list[np.ndarray]:
    """Queries, keys and values as [batch, head, position, channel]."""
    return [normal(b, h, n, d) for n in (t, keys or t, keys or t)]


def attend(q: Any, k: Any, v: Any) -> Any:
    s = jnp.einsum("bhqd,bhkd->bhqk", q, k) / np.float32(q.shape[-1] ** 0.5)
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(s, -1), v)


def causal(q: Any, k: Any, v: Any) -> Any:
    """Positions of the second dimension, a mask of positions, results as they are wanted by what follows."""
    s = jnp.einsum("bqhd,bkhd->bhqk", q, k)
    s = jnp.where(jnp.tril(jnp.ones(s.shape[-2:], bool)), s, -1e30)
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(s, -1), v).reshape(*q.shape[:2], -1) * 2


def crossed(q: Any, k: Any, v: Any) -> Any:
    """Few queries, many keys, heads beside each other; what follows needs the whole sums."""
    s = jnp.einsum("bqhd,bkhd->bhqk", q, k)
    e = jnp.exp(s - s.max(-1, keepdims=True))
    return jnp.einsum("bhqk,bkhd->bhqd", e, v) / e.sum(-1)[..., None]


def counted(q: Any, k: Any, v: Any) -> Any:
    """A mask of numbers that the kernel counts itself."""
    s = jnp.einsum("bhqd,bhkd->bhqk", q, k)
    row, column = (jax.lax.broadcasted_iota(jnp.int32, s.shape, d) for d in (2, 3))
    s = jnp.where(row >= column, s, -jnp.inf)
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(s, -1), v)


def projected(x: Any, w: Any) -> Any:
    """Queries, keys and values as slices of one product, which is what most models have."""
    b, t, _ = x.shape
    qkv = (x @ w).reshape(b, t, 3, 4, -1)
    q, k, v = (qkv[:, :, i] for i in range(3))
    p = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q, k), -1)
    return jnp.einsum("bhqk,bkhd->bqhd", p, v).reshape(b, t, -1)


def biased(q: Any, k: Any, v: Any, bias: Any, gone: Any) -> Any:
    """A bias for each head, and keys that some batches have not."""
    s = jnp.einsum("bhqd,bhkd->bhqk", q, k) + bias
    s = jnp.where(gone[:, None, None, :] > 0, -1e9, s)
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(s, -1), v)


def divided_last(q: Any, k: Any, v: Any) -> Any:
    s = jnp.einsum("bhqd,bhkd->bhqk", q, k)
    e = jnp.exp(s - s.max(-1, keepdims=True))
    return jnp.einsum("bhqk,bhkd->bhqd", e, v) / e.sum(-1)[..., None]


def with_weights(q: Any, k: Any, v: Any) -> Any:
    s = jnp.einsum("bhqd,bhkd->bhqk", q, k)
    p = jax.nn.softmax(s, -1)
    return jnp.einsum("bhqk,bhkd->bhqd", p, v), p, s.max(-1)


def with_scores(q: Any, k: Any, v: Any) -> Any:
    s = jnp.einsum("bhqd,bhkd->bhqk", q, k)
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(s, -1), v), s


def in_half(q: Any, k: Any, v: Any) -> Any:
    q, k, v = (x.astype(jnp.float16) for x in (q, k, v))
    s = jnp.einsum("bhqd,bhkd->bhqk", q, k).astype(jnp.float32)
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(s, -1).astype(jnp.float16), v).astype(jnp.float32)


def backwards(p: Any, go: Any, k: Any, v: Any) -> Any:
    dp = jnp.einsum("bhqd,bhkd->bhqk", go, v)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))
    return jnp.einsum("bhqk,bhkd->bhqd", ds, k), jnp.einsum("bhqk,bhqd->bhkd", ds, go)


CASES: dict[str, tuple[Callable[..., Any], list[np.ndarray]]] = {
    "plain": (attend, heads(2, 3, 64, 32)),
    "one-head": (attend, heads(1, 1, 96, 16)),
    "last-block-overlaps": (attend, heads(1, 2, 131, 24)),
    "other-keys": (attend, heads(2, 2, 70, 32, 150)),
    "many-keys": (attend, heads(1, 1, 24, 32, 3000)),
    "many-strided-keys": (crossed, [normal(1, n, 17, 64) for n in (80, 3000, 3000)]),
    "wide-heads": (attend, heads(1, 2, 80, 200)),
    "many-tickets": (attend, heads(1, 2, 300, 64)),
    "causal": (causal, [normal(2, 100, 3, 32) for _ in range(3)]),
    "counted": (counted, heads(1, 2, 150, 16)),
    "projected": (projected, [normal(2, 90, 40), normal(40, 192) / 4]),
    "biased": (
        biased,
        [*heads(2, 2, 90, 16), normal(2, 90, 90), (normal(2, 90) > 1).astype(np.float32)],
    ),
    "divided-last": (divided_last, heads(2, 2, 100, 32)),
    "weights-returned": (with_weights, heads(1, 2, 100, 32)),
    "scores-returned": (with_scores, heads(1, 2, 100, 32)),
    "float16": (in_half, heads(1, 2, 100, 32)),
    "backwards": (backwards, [normal(1, 2, 100, 100), *heads(1, 2, 100, 32)]),
}


def compiled(name: str, pipeline: str | None = None, **options: Any) -> Executable:
    function, arrays = CASES[name]
    source = jax.jit(function).lower(*arrays).as_text()
    return irc.compile_module(irc.parse(source), pipeline=pipeline, **options)


def bits(results: list[np.ndarray]) -> list[bytes]:
    return [r.tobytes() for r in results]


@pytest.mark.parametrize("name", CASES)
def test_same_bits_as_three_kernels(name: str) -> None:
    arrays = CASES[name][1]
    one, apart = compiled(name), compiled(name, APART)
    assert 'irc.kind = "attention"' in one.stages["kernel"]
    assert 'irc.kind = "attention"' not in apart.stages["fused"]
    assert bits(one(*arrays)) == bits(apart(*arrays))


@pytest.mark.parametrize("name", CASES)
def test_near_to_jax(name: str) -> None:
    function, arrays = CASES[name]
    wanted = jax.tree.leaves(jax.jit(function)(*arrays))
    for mine, theirs in zip(compiled(name)(*arrays), wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=5e-2 if name == "float16" else 2e-4)


@pytest.mark.parametrize(
    "name", ["many-tickets", "last-block-overlaps", "causal", "counted", "projected", "backwards"]
)
def test_every_access_is_inside(name: str) -> None:
    arrays = CASES[name][1]
    assert bits(compiled(name, check_bounds=True)(*arrays)) == bits(compiled(name)(*arrays))


def test_scores_are_never_in_memory() -> None:
    b, h, t, d = 1, 2, 1024, 32
    source = jax.jit(attend).lower(*heads(b, h, t, d)).as_text()
    one, apart = (irc.compile_module(irc.parse(source), pipeline=p) for p in (None, APART))
    assert apart.arena_bytes >= 4 * b * h * t * t
    assert one.arena_bytes <= 4 * b * h * t * d


@pytest.mark.parametrize(
    "name", ["biased", "weights-returned", "scores-returned", "divided-last", "backwards"]
)
def test_same_bits_where_no_block_fits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise attention.Unfit

    arrays = CASES[name][1]
    wanted = bits(compiled(name)(*arrays))
    monkeypatch.setattr(attention, "_Attention", refuse)
    one = compiled(name, memory_limit=1 << 33)
    assert 'irc.kind = "attention"' in one.stages["fused"]
    assert 'irc.kind = "attention"' not in one.stages["kernel"]
    assert bits(one(*arrays)) == wanted


def test_same_bits_on_two_threads() -> None:
    arrays = CASES["many-tickets"][1]
    one = compiled("many-tickets")
    wanted = bits(one(*arrays))
    before = irc.get_num_threads()
    try:
        irc.set_num_threads(2)
        assert all(bits(one(*arrays)) == wanted for _ in range(20))
    finally:
        irc.set_num_threads(before)


def test_nothing_is_copied_for_it() -> None:
    """Neither slices nor heads turned to their places nor a mask are kernels of their own."""
    for name, kernels in (("projected", 2), ("causal", 2), ("counted", 1)):
        main = irc.parse(compiled(name).stages["fused"]).symbols["main"]
        names = [op.name for op in main.walk() if op is not main]
        assert names.count("func.call") + names.count("stablehlo.dot_general") == kernels
        others = (
            "func.call",
            "func.return",
            "stablehlo.constant",
            "stablehlo.reshape",
            "stablehlo.dot_general",
        )
        assert all(n in others for n in names), names


def test_a_gpu_has_kernels_of_their_own() -> None:
    fused = compiled("plain", target="sm_80").stages["fused"]
    assert 'irc.kind = "attention"' not in fused


def reasons(function: Callable[..., Any], *arrays: np.ndarray) -> set[str]:
    """Why the scores' edges to the second product are not fused."""
    module = irc.parse(jax.jit(function).lower(*arrays).as_text())
    remarks: list[Remark] = []

    class Reader(Hook):
        def after(self, step: Step) -> None:
            remarks.extend(step.context.remarks)

    run_pipeline(module, PIPELINE, hooks=[Reader()])
    found = [r for r in remarks if isinstance(r, EdgeRemark) and r.consumer == "dot_general"]
    return {"fused" if r.reason is None else r.reason.value for r in found if r.producer == "divide"}


def test_edges_say_why() -> None:
    def turned(q: Any, k: Any, v: Any) -> Any:
        return jnp.einsum("bhqk,bhqd->bhkd", jax.nn.softmax(jnp.einsum("bhqd,bhkd->bhqk", q, k)), v)

    assert reasons(attend, *heads(1, 2, 64, 16)) == {"fused"}
    assert reasons(attend, *heads(1, 2, 4, 16, 64)) == {"few-rows"}
    assert reasons(turned, *heads(1, 2, 64, 16)) == {"no-attention"}


def test_stacks_stay_small() -> None:
    """A block's memory is the stack's of the thread that computes it, however many keys there are, and however wide."""
    for name in CASES:
        kernel = irc.parse(compiled(name).stages["kernel"])
        taken = [
            sum(op.results[0].type.nbytes for op in func.walk() if isinstance(op, memref.Alloca))
            for func in kernel.operations
        ]
        assert max(taken) <= 3 << 18, name
