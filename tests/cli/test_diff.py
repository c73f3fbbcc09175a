"""`irc diff`: the rows that tell two models apart, each with both values and both lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from irc.cli import main
from irc.cli.diff import Side, imported_library, report
from irc.dialects.builtin import Module, parse
from irc.errors import IrcError
from irc.frontends.differences import Comparison, differences
from irc.frontends.points import POINTS
from irc.ir.printer import print_operation
from irc.passes.difference.program import Program

FOLDER = Path(__file__).parent / "diff"
TWO_FRONTENDS = Path(__file__).parent.parent / "two_frontends"


def compared(a: Path, b: Path) -> Comparison:
    """The comparison of two programs or texts."""
    sides = [Side(str(path)) for path in (a, b)]
    one, other = [side.programs() for side in sides]
    return differences(one, other)


def told(found: Comparison) -> list[tuple[str, str, str, str]]:
    """The rows without their places."""
    return [(row.title, row.what, row.a, row.b) for row in found.rows]


# Two models as one writes them in each family, with its own defaults.

IMAGES = [
    "layout", "Linear/Dense weight", "padding='same', stride > 1", "Linear init", "BatchNorm", "Adam eps / RMSprop",
    "LeakyReLU slope", "cross-entropy input", "int / float default",
]  # fmt: skip
OWN_DEFAULTS = {
    ("images", "keras"): IMAGES,
    ("images", "tf1"): IMAGES,
    ("words", "keras"): [
        "Linear/Dense weight", "Linear init", "Embedding init", "LayerNorm eps", "Adam eps / RMSprop",
        "LSTM (RNN, GRU) biases", "BCE clamp", "int / float default",
    ],
}  # fmt: skip
"""The points of the table that apply, in its order."""


TWO_FRONTENDS_DEFAULTS = {
    ("mlp", "keras"): ["Linear/Dense weight", "Linear init", "cross-entropy input", "int / float default"],
    ("seed_mlp", "keras"): ["Linear/Dense weight", "Linear init", "Adam eps / RMSprop", "BCE clamp"],
    ("seed_cnn", "keras"): [
        "layout", "Linear/Dense weight", "Linear init", "cross-entropy input", "int / float default",
    ],
    ("rnn", "tf1"): [
        "Linear/Dense weight", "Linear init", "Adam eps / RMSprop", "LSTM (RNN, GRU) biases", "cross-entropy input",
        "int / float default",
    ],
}  # fmt: skip
"""The same of the models that stand in three styles."""


SLOW = (("mlp", "keras"), ("seed_cnn", "keras"))


@pytest.mark.parametrize(
    ("name", "family"),
    [pytest.param(*each, marks=[pytest.mark.slow] * (each in SLOW)) for each in TWO_FRONTENDS_DEFAULTS],
)
def test_the_four_models_with_their_own_defaults(name: str, family: str) -> None:
    found = compared(*(TWO_FRONTENDS / "defaults" / f"{name}_{style}.py" for style in ("torch", family)))
    assert not found.same
    titles = {row.title for row in found.rows}
    wanted = TWO_FRONTENDS_DEFAULTS[name, family]
    assert [point.title for point in POINTS if point.title in titles] == wanted
    assert titles == set(wanted)


@pytest.mark.parametrize(("name", "family"), OWN_DEFAULTS)
def test_models_with_their_own_defaults_differ_in_the_points_that_apply(
    name: str, family: str, pytestconfig: pytest.Config
) -> None:
    programs = [FOLDER / f"{name}_{style}.py" for style in ("torch", family)]
    found = compared(*programs)
    assert not found.same
    titles = {row.title for row in found.rows}
    wanted = OWN_DEFAULTS[name, family]
    assert [point.title for point in POINTS if point.title in titles] == wanted
    assert titles == set(wanted)
    golden = FOLDER / f"{name}_{family}.txt"
    text = report(found, *(p.name for p in programs)) + "\n"
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(text)
    assert text == golden.read_text(), "if this is right, accept it: pytest --update-golden"


# Programs that nearly agree.

NEAR = {
    "an epsilon": ("eps=1e-5", "eps=1e-4", "self.norm(", ("BatchNorm", "eps", "1e-05", "0.0001")),
    "a stride": ("stride=2", "stride=1", "self.conv(", ("convolution stride", "stride", "(2, 2)", "(1, 1)")),
    "a padding side": (
        "(0, 1, 0, 1)", "(1, 0, 1, 0)", "F.pad",
        ("pad", "padding", "low 0, 0, 0, 0; high 0, 1, 1, 0", "low 0, 1, 1, 0; high 0, 0, 0, 0"),
    ),
    "a learning rate": ("lr=0.1", "lr=0.01", "optimizer.step()", ("SGD: multiply constant", "constant", "0.1", "0.01")),
    "an activation": (
        "F.relu(", "torch.tanh(", "self.norm(",
        ("computed otherwise", "", "maximum, compare, select", "tanh, 2 multiply, subtract"),
    ),
    "a reduction": ('"mean"', '"sum"', "F.mse_loss", ("computed otherwise", "", "2 multiply", "")),
}  # fmt: skip
"""What is written instead of what, the line that is shown, and the row."""


@pytest.fixture(scope="module")
def near() -> list[Program]:
    return Side(str(FOLDER / "near.py")).programs()


@pytest.mark.parametrize("name", NEAR)
def test_a_near_miss_is_one_row_with_both_values_and_lines(
    name: str, near: list[Program], tmp_path: Path
) -> None:
    old, new, shown, row = NEAR[name]
    text = (FOLDER / "near.py").read_text()
    assert text.count(old) == 1
    other = tmp_path / "other.py"
    other.write_text(text.replace(old, new))
    found = differences(near, Side(str(other)).programs())
    assert told(found) == [row]
    assert not found.same
    said = report(found, "near.py", "other.py")
    lines = text.splitlines()
    line = max(i for i, words in enumerate(lines, 1) if shown in words)
    assert f"near.py:{line} " in said
    assert lines[line - 1].strip() in said
    assert f"other.py:{line} " in said


def test_a_program_is_the_same_as_itself(near: list[Program]) -> None:
    found = differences(near, near)
    assert found.same
    assert found.rows == []
    assert report(found, "a.py", "b.py") == "a.py and b.py are the same program"


# Texts.

TEXT = """func.func @main(%x: tensor<1x8x8x3xf32>, %w: tensor<3x3x3x4xf32>, %s: tensor<4xf32>) -> tensor<1x4x4x4xf32> {
  %y = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {stride = [2, 2], pad = [[0, 1], [0, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
    : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x4x4x4xf32>
  %eps = stablehlo.constant dense<1.0e-05> : tensor<4xf32>
  %0 = stablehlo.add %s, %eps : tensor<4xf32>
  %1 = stablehlo.sqrt %0 : tensor<4xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [3] : (tensor<4xf32>) -> tensor<1x4x4x4xf32>
  %3 = stablehlo.divide %y, %2 : tensor<1x4x4x4xf32>
  return %3 : tensor<1x4x4x4xf32>
}
"""
NEAR_TEXTS = {
    "epsilon": ({"1.0e-05": "1.0e-03"}, ("add constant", "constant", "1e-05", "0.001"), 6),
    "stride": (
        {"stride = [2, 2]": "stride = [1, 1]", "1x4x4x4": "1x7x7x4"},
        ("convolution window_strides", "window_strides", "[2, 2]", "default"),
        2,
    ),
    "padding": (
        {"[[0, 1], [0, 1]]": "[[1, 0], [1, 0]]"},
        ("pad", "padding", "low 0, 0, 0, 0; high 0, 1, 1, 0", "low 0, 1, 1, 0; high 0, 0, 0, 0"),
        2,
    ),
}


@pytest.mark.parametrize("name", NEAR_TEXTS)
def test_texts_differ_op_by_op(name: str, tmp_path: Path, capsys: Any) -> None:
    changes, row, line = NEAR_TEXTS[name]
    other = TEXT
    for old, new in changes.items():
        other = other.replace(old, new)
    a, b = tmp_path / "a.mlir", tmp_path / "b.mlir"
    a.write_text(TEXT)
    b.write_text(other)
    assert main(["diff", str(a), str(b), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(r["point"], r["what"], r["a"], r["b"]) for r in found["rows"]] == [row]
    ((first, second),) = found["rows"][0]["places"]
    assert (first["line"], second["line"]) == (line, line)
    assert first["text"] == TEXT.splitlines()[line - 1].strip()


def test_layouts_and_names_are_no_difference(tmp_path: Path, capsys: Any) -> None:
    a, b = tmp_path / "a.mlir", tmp_path / "b.mlir"
    a.write_text(
        """func.func @main(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}"""
    )
    b.write_text(
        """func.func @main(%w: tensor<3x4xf32>, %data: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %out = stablehlo.dot_general %data, %w, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %out : tensor<2x4xf32>
}"""
    )
    assert main(["diff", str(a), str(b)]) == 0
    assert "are the same program" in capsys.readouterr().out


# The command line.


def test_the_library_is_guessed_from_the_imports() -> None:
    assert imported_library("import torch.nn as nn", "a.py") == "torch"
    assert imported_library("from tensorflow import keras", "a.py") == "tensorflow"
    assert (
        imported_library("import tensorflow as tf\nx = tf.placeholder(tf.float32)", "a.py") == "tensorflow1"
    )
    assert imported_library("import irc.torch as torch", "a.py") is None
    with pytest.raises(IrcError, match="imports torch and tensorflow"):
        imported_library("import torch, tensorflow", "a.py")


def test_a_program_that_fails_is_reported(tmp_path: Path, capsys: Any) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import torch\ntorch.zeros(2) + torch.zeros(3)\n")
    assert main(["diff", str(broken), str(broken)]) == 1
    assert "broken.py does not run" in capsys.readouterr().err


def test_the_table_of_points_is_printed(capsys: Any) -> None:
    assert main(["diff", "--points"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(POINTS)
    assert lines[1].split() == ["layout", "NCHW,", "OIHW", "NHWC,", "HWIO"]


# Models whose differing defaults are passed explicitly.


@pytest.mark.parametrize(("model", "other"), [("mlp", "keras"), ("rnn", "tf1")])
def test_equalised_models_of_both_families_are_the_same(model: str, other: str) -> None:
    found = compared(TWO_FRONTENDS / f"{model}_torch.py", TWO_FRONTENDS / f"{model}_{other}.py")
    assert found.same
    # What is left is how arguments are held.
    assert {row.title for row in found.rows} == {"Linear/Dense weight"}


def test_models_of_programs_that_compile_nothing_are_called(tmp_path: Path, capsys: Any) -> None:
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("import torch.nn as nn\nnet = nn.Sequential(nn.Linear(4, 3), nn.LeakyReLU())\n")
    b.write_text(
        "from tensorflow.keras import Sequential, layers\nnet = Sequential([layers.Dense(3), layers.LeakyReLU()])\n"
    )
    assert main(["diff", str(a), str(b), "--input", "f32[2,4]"]) == 1
    said = capsys.readouterr().out
    assert "differ in 3 points" in said
    for title in ("LeakyReLU slope", "Linear init", "Linear/Dense weight"):
        assert title in said


# Nothing is overlooked.

CHANGES = {
    "stablehlo.add ": "stablehlo.subtract ",
    "stablehlo.subtract ": "stablehlo.add ",
    "stablehlo.multiply ": "stablehlo.divide ",
    "GT,": "GE,",
    "dense<1.000000e+00>": "dense<3.750000e+00>",
}


def test_every_op_that_is_changed_is_told(near: list[Program]) -> None:
    step = max(near, key=lambda p: len(p.entry.block.operations))
    lines = print_operation(Module.of([step.entry])).splitlines()
    changed = [
        (i, old) for i, line in enumerate(lines) for old in CHANGES if old in line and "applies" not in line
    ][::4]
    assert len(changed) > 8
    for i, old in changed:
        text = "\n".join([*lines[:i], lines[i].replace(old, CHANGES[old], 1), *lines[i + 1 :]])
        other = Program.of(parse(text, ""))
        if other.text != step.text:
            found = differences([step], [other])
            assert not found.same, lines[i]
            assert found.rows, lines[i]


def test_programs_that_compute_nothing_are_compared_too(tmp_path: Path, capsys: Any) -> None:
    text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n  return %x : tensor<2xf32>\n}\n"
    a, b = tmp_path / "a.mlir", tmp_path / "b.mlir"
    a.write_text(text)
    b.write_text(text.replace("%x", "%y"))
    assert main(["diff", str(a), str(b)]) == 0
    capsys.readouterr()
