"""The same model in torch style, in Keras style and as a TensorFlow 1 graph is one program: the same canonical text, byte for
byte, and the same weights, bit for bit, after training from the same ones.

Each program in `two_frontends/` is a file that runs by itself and defines `build(weights)`, which gives three functions:
`forward(x)` the model's outputs, `step(x, y)` one step of training and its loss, `read()` the weights, held as in
`two_frontends/starts.py`, where the weights and the batches come from. Nothing is compiled but what these programs run."""

from __future__ import annotations

import functools
import runpy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irc.dialects.builtin import Module
from irc.driver import Executable, Observer, observing
from irc.frontends.recorder.backend import apart
from irc.passes.canonical import canonical_text
from irc.passes.hooks import Hook
from irc.passes.manager import run_pipeline

FOLDER = Path(__file__).parent / "two_frontends"
MODELS = ("mlp", "seed_mlp", "seed_cnn", "rnn")
STYLES = ("torch", "keras", "tf1")
STEPS = 20


class Latest(Observer):
    """Keeps the program that was compiled last: what comes before it makes weights, or slots of an optimizer."""

    module: Module

    def compiled(self, executable: Executable, hooks: Sequence[Hook]) -> None:
        assert executable.stages.tensor is not None
        self.module = executable.stages.tensor


@dataclass(frozen=True)
class Run:
    """What a program compiled and computed."""

    forward: Module
    step: Module
    losses: list[float]
    weights: dict[str, np.ndarray[Any, Any]]


def start(model: str) -> Any:
    """Weights and a batch."""
    return runpy.run_path(str(FOLDER / "starts.py"))[model]()


def run(path: Path, model: str, steps: int) -> Run:
    """Builds the program in a file on the model's weights, calls the model once and trains it."""
    sys.path.insert(0, str(FOLDER))
    try:
        build: Callable[..., Any] = runpy.run_path(str(path))["build"]
    finally:
        sys.path.remove(str(FOLDER))
    weights, x, y = start(model)
    called, trained = Latest(), Latest()
    with apart():
        forward, step, read = build(weights)
        with observing(called):
            forward(x)
        with observing(trained):
            losses = [step(x, y) for _ in range(steps)]
        return Run(called.module, trained.module, losses, {k: np.array(v) for k, v in read().items()})


@functools.cache
def found(model: str, style: str) -> Run:
    """A program of the folder, trained."""
    return run(FOLDER / f"{model}_{style}.py", model, STEPS)


@functools.cache
def text(model: str, style: str, what: str) -> str:
    """The canonical text of a program's `forward` or `step`."""
    return canonical_text(getattr(found(model, style), what))


@pytest.mark.parametrize("style", STYLES[1:])
@pytest.mark.parametrize("what", ["forward", "step"])
@pytest.mark.parametrize("model", MODELS)
def test_canonical_text_is_the_same_to_the_byte(model: str, what: str, style: str) -> None:
    assert text(model, style, what) == text(model, "torch", what)


@pytest.mark.parametrize("style", STYLES[1:])
@pytest.mark.parametrize("model", MODELS)
def test_weights_are_the_same_to_the_bit(model: str, style: str) -> None:
    one, other = found(model, "torch"), found(model, style)
    assert one.losses == other.losses
    assert one.losses[-1] < one.losses[0]
    before = start(model)[0]
    for name, array in before.items():
        a, b = one.weights[name], other.weights[name]
        assert a.shape == b.shape == array.shape
        assert a.tobytes() == b.tobytes(), name
        assert (a != array).any(), f"{name} is not trained"


@pytest.mark.parametrize("style", STYLES)
def test_the_recurrent_loop_is_a_while(style: str) -> None:
    assert text("rnn", style, "forward").count("stablehlo.while") == 1
    assert text("rnn", style, "step").count("stablehlo.while") == 2


@pytest.mark.parametrize("model", MODELS)
def test_the_canonical_form_of_itself(model: str) -> None:
    once = run_pipeline(found(model, "tf1").step, "canonical")
    assert str(run_pipeline(once, "canonical")) == str(once)


NEAR = {
    "a learning rate": ("mlp", "keras", "learning_rate=0.1", "learning_rate=0.11"),
    "an activation": ("mlp", "torch", "torch.relu(", "torch.sigmoid("),
    "a sum for a mean": ("mlp", "torch", "CrossEntropyLoss()", 'CrossEntropyLoss(reduction="sum")'),
    "a mean over other elements": ("rnn", "tf1", "reduce_mean(losses)", "reduce_mean(losses) / 10.0"),
    "an epsilon": ("seed_mlp", "keras", "epsilon=0.0", "epsilon=1e-7"),
    "an epsilon in a graph": ("seed_mlp", "tf1", "epsilon=0.0", "epsilon=1e-8"),
    "an epsilon in torch": ("seed_mlp", "torch", "eps=0.0", "eps=1e-8"),
    "a decay of moments": ("seed_mlp", "tf1", "beta2=0.999", "beta2=0.9999"),
    "the precision of a correction": ("seed_mlp", "torch", "capturable=True", "capturable=False"),
    "another order of two layers": (
        "seed_mlp",
        "keras",
        'Dense(10, activation="relu"), Dense(1)',
        "Dense(10), Dense(1)",
    ),
    "a side of the padding": ("seed_cnn", "tf1", "[1, 1], [1, 1], [0, 0]]", "[2, 0], [1, 1], [0, 0]]"),
    "a mean for a maximum": ("seed_cnn", "torch", "F.max_pool2d(x, 2)", "F.avg_pool2d(x, 2)"),
    "the order of a flatten": (
        "seed_cnn",
        "tf1",
        "tf.transpose(h, [0, 3, 1, 2])",
        "tf.transpose(h, [0, 3, 2, 1])",
    ),
    "an ignored class": ("seed_cnn", "torch", "CrossEntropyLoss()", "CrossEntropyLoss(ignore_index=-1)"),
    "a nonlinearity of a cell": ("rnn", "keras", "SimpleRNN(32)", 'SimpleRNN(32, activation="sigmoid")'),
    "the direction of time": ("rnn", "keras", "SimpleRNN(32)", "SimpleRNN(32, go_backwards=True)"),
}
"""Programs that nearly agree: the model, the style, and what stands there instead."""


@pytest.mark.parametrize("name", NEAR)
def test_near_misses_are_told_apart(name: str, tmp_path: Path) -> None:
    model, style, old, new = NEAR[name]
    made = changed(tmp_path / "near.py", model, style, (old, new))
    assert canonical_text(run(made, model, 2).step) != text(model, style, "step")


def changed(path: Path, model: str, style: str, *changes: tuple[str, str]) -> Path:
    """A program of the folder with some of its source replaced, in a file."""
    source = (FOLDER / f"{model}_{style}.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert source.count(old) == 1, f"{old} stands there {source.count(old)} times"
        source = source.replace(old, new)
    path.write_text(source, encoding="utf-8")
    return path


TALL = (("kernel_size=3, padding=1", "kernel_size=3, padding=1, stride=(2, 1)"), ("(x, 2)", "(x, (1, 2))"))
WIDE = (("kernel_size=3, padding=1", "kernel_size=3, padding=1, stride=(1, 2)"), ("(x, 2)", "(x, (2, 1))"))


def test_strides_are_told_apart(tmp_path: Path) -> None:
    """The same sizes everywhere, from strides along one dimension or the other."""
    texts = [text("seed_cnn", "torch", "step")]
    for i, changes in enumerate((TALL, WIDE)):
        made = changed(tmp_path / f"strides{i}.py", "seed_cnn", "torch", *changes)
        texts.append(canonical_text(run(made, "seed_cnn", 2).step))
    assert len(dict.fromkeys(texts)) == 3


def test_one_epsilon_in_two_places(tmp_path: Path) -> None:
    """The same number is another Adam in PyTorch than in Keras and TensorFlow, and one in these two."""
    epsilons = {
        "torch": ("eps=0.0", "eps=1e-7"),
        "keras": ("epsilon=0.0", "epsilon=1e-7"),
        "tf1": ("epsilon=0.0", "epsilon=1e-7"),
    }
    texts = {}
    for style, change in epsilons.items():
        made = changed(tmp_path / f"{style}.py", "seed_mlp", style, change)
        texts[style] = canonical_text(run(made, "seed_mlp", 2).step)
    assert texts["keras"] == texts["tf1"] != texts["torch"]
