"""Texts read and printed: nothing is lost, MLIR takes what is printed and means the same by it, and nothing crashes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mlir_oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_programs import PROGRAMS

import irc.dialects  # noqa: F401
from irc.dialects.builtin import parse, print_module
from irc.errors import IrcError, ParseError, VerifyError
from irc.ir.keys import structural_key
from irc.ir.locations import FileLineCol, TextLoc
from irc.ir.printer import print_operation

LOCATED = Path(__file__).parents[1] / "golden" / "text" / "locations.mlir"


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    return PROGRAMS[request.param]


def test_mlir_means_the_same_by_what_is_printed(program: str) -> None:
    assert mlir_oracle.generic(str(parse(program))) == mlir_oracle.generic(program)


def test_reading_what_was_printed_gives_the_same_module(program: str) -> None:
    module = parse(program)
    text = str(module)
    again = parse(text)
    assert structural_key(again) == structural_key(module)
    assert str(again) == text


def test_the_generic_form_reads_back_to_the_same_text(program: str) -> None:
    module = parse(program)
    generic = print_module(module, generic=True)
    assert "stablehlo.add %" not in generic and "scf.for %" not in generic
    assert str(parse(generic)) == str(module)


def test_what_mlir_prints_is_read(program: str) -> None:
    assert structural_key(parse(mlir_oracle.generic(program))) == structural_key(
        parse(mlir_oracle.generic(str(parse(program))))
    )


def test_programs_that_jax_lowers_are_kept() -> None:
    jax = pytest.importorskip("jax")

    def layer(w: object, x: object) -> object:
        def step(carry: object, row: object) -> tuple[object, object]:
            return jax.numpy.tanh(carry @ w + row), jax.numpy.max(row)

        carry, rows = jax.lax.scan(step, x[0], x)  # type: ignore[index]
        picked = jax.lax.cond(carry[0] > 0, lambda v: v * 2, lambda v: v - 1, carry)  # type: ignore[index]
        return jax.numpy.sort(picked), rows, jax.numpy.argmax(picked), picked[jax.numpy.array([1, 0])]

    text = (
        jax.jit(jax.value_and_grad(lambda w, x: layer(w, x)[0].sum()))
        .lower(np.eye(4), np.ones((3, 4)))
        .as_text()
    )
    assert mlir_oracle.generic(str(parse(text))) == mlir_oracle.generic(text)


# Places.


def test_ops_without_a_location_have_their_place_in_the_text() -> None:
    module = parse(PROGRAMS["odd_spellings"], "odd.mlir")
    add = next(op for op in module.walk() if op.name == "stablehlo.add")
    assert isinstance(add.location, TextLoc)
    assert add.location.position() == FileLineCol("odd.mlir", 8, 65)
    assert "loc(" not in str(module)
    assert 'loc("odd.mlir":8:65)' in print_operation(module, text_locations=True)


def test_locations_can_be_hidden() -> None:
    module = parse(LOCATED.read_text().partition("// GIVES")[0])
    assert "loc(" in str(module)
    assert "loc" not in print_module(module, locations=False)
    assert structural_key(parse(print_module(module, locations=False))) == structural_key(module)


def test_mlir_reads_the_printed_locations() -> None:
    text = str(parse(LOCATED.read_text().partition("// GIVES")[0]))
    mlir_oracle.generic(text)


def test_the_locations_that_jax_writes_are_kept() -> None:
    jax = pytest.importorskip("jax")

    def softmax(x: object) -> object:
        with jax.named_scope("attention"):
            return jax.lax.scan(lambda c, r: (jax.numpy.tanh(c + r), c.sum()), x[0], jax.nn.softmax(x))  # type: ignore[index]

    text = jax.jit(softmax).lower(np.ones((3, 4))).as_text(debug_info=True)
    wanted = mlir_oracle.locations(text)
    given = mlir_oracle.locations(str(parse(text)))
    assert [name for name, _ in given] == [name for name, _ in wanted]
    known = [(g, w) for g, w in zip(given, wanted, strict=True) if w[1] != "loc(unknown)"]
    assert len(known) > 20
    assert all(g == w for g, w in known)


# Resources.


def test_resource_blobs_become_literals() -> None:
    head = (
        "func.func @main() -> tensor<2xf32> {\n  %0 = stablehlo.constant dense_resource<w> : tensor<2xf32>\n"
    )
    tail = '  return %0 : tensor<2xf32>\n}\n{-#\n  dialect_resources: {builtin: {w: "0x040000000000803F00000040"}}\n#-}\n'
    module = parse(head + tail)
    constant = next(op for op in module.walk() if op.name == "stablehlo.constant")
    np.testing.assert_array_equal(constant.attributes["value"].array, np.array([1, 2], np.float32))  # type: ignore[attr-defined]


# Errors.


def test_an_error_says_where_and_what() -> None:
    with pytest.raises(ParseError) as caught:
        parse("func.func @main() {\n  %0 = stablehlo.ad %x : tensor<2xf32>\n}\n", "wrong.mlir")
    e = caught.value
    assert (e.line, e.column) == (2, 8)
    assert e.caret == "      %0 = stablehlo.ad %x : tensor<2xf32>\n           ^^^^^^^^^^^^"
    assert str(e).startswith("wrong.mlir:2:8: unknown operation 'stablehlo.ad'")


def test_a_verifier_error_carries_its_label() -> None:
    with pytest.raises(VerifyError) as caught:
        parse((LOCATED.parents[1] / "errors" / "verify_shape.mlir").read_text())
    assert caught.value.constraint == "C12"
    assert caught.value.line == 3


CHARACTERS = '%@#!"<>(){}[],:=-> \n0x1abfstablehlo.'


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_broken_texts_give_errors_and_nothing_else(data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from([PROGRAMS["tensor"], PROGRAMS["odd_spellings"], PROGRAMS["kernel"][:4000]])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(st.text(CHARACTERS, max_size=4)) + text[at + cut :]
    try:
        module = parse(text)
    except IrcError as e:
        assert str(e)
    else:
        assert str(parse(str(module))) == str(module)


# Processes.


def run(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=True
    )
    return done.stdout


def test_lark_is_loaded_by_the_first_text() -> None:
    code = """
import sys, irc.dialects
from irc.dialects.builtin import parse
print("lark" in sys.modules); parse("module {}"); print("lark" in sys.modules)
"""
    assert run(code).split() == ["False", "True"]


def test_the_same_text_in_every_process() -> None:
    code = f"""
from irc.dialects.builtin import parse
print(parse({PROGRAMS["tensor"]!r}))
"""
    assert run(code, PYTHONHASHSEED="1") == run(code, PYTHONHASHSEED="77")


def test_a_cache_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code = "from irc.dialects.builtin import parse; print(parse('module {}'))"
    assert run(code, IRC_CACHE_DIR=str(tmp_path / "file" / "below")) == "module {\n}\n\n"
