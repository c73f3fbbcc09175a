"""Every op of the tensor level: its constraints are checked under their labels, and its reference means what XLA means."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import xla_oracle
from samples import BREAKS, SAMPLES, Break, Sample
from samples.compare import check_near

from irc.dialects.builtin import Module
from irc.dialects.describe import constraints, describe, op_names
from irc.dialects.func import Call, Func, Return
from irc.errors import UnsupportedError, VerifyError
from irc.interpreter import interpret
from irc.ir.builder import Builder
from irc.ir.operation import Value, registered

OPS = [*op_names("stablehlo"), *op_names("chlo")]

NO_REFERENCE = {
    "stablehlo.custom_call": "its meaning is not in the program",
    **dict.fromkeys(
        (
            f"stablehlo.{n}"
            for n in (
                "all_gather",
                "all_reduce",
                "all_to_all",
                "collective_broadcast",
                "collective_permute",
                "collective_reduce",
                "infeed",
                "outfeed",
                "recv",
                "reduce_scatter",
                "send",
            )
        ),
        "there is one process",
    ),
    "stablehlo.async_start": "work is done in order",
    "stablehlo.async_done": "work is done in order",
    "stablehlo.rng": "its numbers follow from nothing in the program",
    "stablehlo.set_dimension_size": "types cannot say how many elements count",
    "stablehlo.return": "the interpreter takes its operands",
}
NO_SAMPLE = {**NO_REFERENCE, "stablehlo.composite": "needs a function beside @main: test_composite"}


@cache
def of_xla(op: str) -> dict[str, list[Any]]:
    """XLA's results for every sample of an op, by name, from one compilation: @main calls each sample's function."""
    asked = [s for s in SAMPLES if s.op == op and not s.refused]
    mains = [s.module().symbols["main"] for s in asked]
    functions = [Func.of(f"f{i}", main.body.block, visibility="private") for i, main in enumerate(mains)]

    def body(b: Builder, *arguments: Value) -> None:
        given, results = iter(arguments), []
        for f in functions:
            call = Call([next(given) for _ in f.arguments], callee=f.sym_name, result_types=f.type.results)
            b.emit(call)
            results += call.results
        b.emit(Return(results))

    types = [v.type for f in functions for v in f.arguments]
    module = Module.of([Func.of("main", Builder().region(types, body).block), *functions])
    flat = iter(xla_oracle.run(str(module), [x for s in asked for x in s.inputs]))
    return {s.name: [next(flat) for _ in f.type.results] for s, f in zip(asked, functions, strict=True)}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.id)
def test_reference_means_what_xla_means(sample: Sample) -> None:
    ours = interpret(sample.module(), *sample.inputs)
    if sample.refused:
        pytest.skip(sample.refused)
    try:
        for mine, theirs in zip(ours, of_xla(sample.op)[sample.name], strict=True):
            check_near(mine, theirs)
    except Exception:
        if not sample.differs:
            raise
        pytest.xfail(sample.differs)
    assert not sample.differs, f"XLA agrees, though it was said that {sample.differs}"


@pytest.mark.parametrize("broken", BREAKS, ids=lambda b: b.id)
def test_broken_constraint_is_named(broken: Break) -> None:
    with pytest.raises(VerifyError) as caught:
        broken.make()
    assert caught.value.constraint == broken.label
    assert broken.op in caught.value.message


def concerns() -> list[Any]:
    """One entry for each thing that must exist of each op; its name is what is missing when it fails."""
    broken = {(b.op, b.label) for b in BREAKS}
    worked = {s.op for s in SAMPLES}
    found = []
    for name in OPS:
        cls = registered(name)
        assert cls is not None
        short = name.removeprefix("stablehlo.")
        found.append((f"{short}-docstring", bool(cls.__doc__)))
        found.append((f"{short}-evaluate", hasattr(cls, "evaluate") or name in NO_REFERENCE))
        found.append((f"{short}-sample", name in worked or name in NO_SAMPLE))
        found += [(f"{short}-{label}-sample", (name, label) in broken) for label in constraints(cls)]
    return [pytest.param(holds, id=what) for what, holds in found]


@pytest.mark.parametrize("holds", concerns())
def test_coverage(holds: bool) -> None:
    assert holds


@pytest.mark.parametrize("name", OPS)
def test_description(name: str) -> None:
    cls = registered(name)
    assert cls is not None
    page = describe(name)
    assert page.startswith(name)
    assert all(f"{label}:" in page for label in constraints(cls))


def test_description_of_no_op_names_those_near() -> None:
    with pytest.raises(UnsupportedError) as caught:
        describe("general")
    assert "stablehlo.dot_general" in caught.value.notes
