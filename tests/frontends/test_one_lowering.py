"""What both frontends lower alike: numbers that are constants of a program, slices at a scalar index, Adam's corrections,
a class that is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
import irc.torch as torch
from irc.driver import Executable, Observer, observing
from irc.frontends.recorder.backend import apart
from irc.frontends.recorder.gradient import flush
from irc.passes.hooks import Hook


class Texts(Observer):
    """The programs that are compiled."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def compiled(self, executable: Executable, hooks: Sequence[Hook]) -> None:
        self.texts.append(executable.stages["tensor"])


def compiled(run: Callable[[], Any]) -> tuple[Any, str]:
    """What a function gives, and the last program that it compiled; what waits from before is computed first."""
    seen = Texts()
    flush()
    with apart(), observing(seen):
        made = run()
    return made, seen.texts[-1]


@pytest.mark.parametrize("how", ["assign_add", "assign_sub"])
def test_a_number_added_to_a_variable_is_a_constant(how: str) -> None:
    count = tf.Variable(np.int64(5))

    def run() -> Any:
        getattr(count, how)(2)
        return count.numpy()

    made, text = compiled(run)
    assert made == (7 if how == "assign_add" else 3)
    assert "constant dense<2> : tensor<i64>" in text
    assert "%arg1" not in text


def test_a_number_of_another_kind_is_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        tf.Variable(np.int64(5)).assign_add(0.5)


@pytest.mark.parametrize("index", [0, 2])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_scalar_index_is_a_slice(index: int, axis: int) -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    place = tf.Variable(index)
    made, text = compiled(lambda: tf.gather(tf.constant(table), place, axis=axis).numpy())
    np.testing.assert_array_equal(made, table.take(index, axis))
    assert "dynamic_slice" in text and "gather" not in text


def test_a_scalar_index_of_a_slice_counts_from_the_end() -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    place = tf.Variable(-1)
    made, _ = compiled(lambda: tf.constant(table)[place].numpy())
    np.testing.assert_array_equal(made, table[-1])


def test_a_class_that_is_left_out_may_be_none() -> None:
    """Also where the labels are known when the loss is recorded."""
    logits = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    labels = np.array([1, -1, 2])
    loss = tf.keras.losses.sparse_categorical_crossentropy
    found = loss(labels, logits, from_logits=True, ignore_class=-1).numpy()
    kept = loss(labels[[0, 2]], logits[[0, 2]], from_logits=True).numpy()
    assert found[1] == 0.0
    np.testing.assert_array_equal(found[[0, 2]], kept)
    mean = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    np.testing.assert_allclose(mean(labels, logits).numpy(), kept.mean(), rtol=1e-6)


@pytest.mark.parametrize("capturable", [False, True])
def test_corrections_of_adam(capturable: bool) -> None:
    """Against the formula in double precision; `capturable` computes the corrections as exactly as the parameters are."""
    gradients = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
    w = torch.nn.Parameter(torch.zeros(8))
    optimizer = torch.optim.Adam([w], lr=0.1, eps=1e-8, capturable=capturable)
    m, v, wanted = np.zeros(8), np.zeros(8), np.zeros(8)

    def run() -> None:
        w.grad = torch.from_numpy(row)
        optimizer.step()

    for t, row in enumerate(gradients, 1):
        _, text = compiled(run)
        m, v = m + (row - m) * 0.1, v + (row.astype(float) ** 2 - v) * 0.001
        wanted = wanted - 0.1 / (1 - 0.9**t) * m / (np.sqrt(v) / np.sqrt(1 - 0.999**t) + 1e-8)
        powers = [line for line in text.splitlines() if "stablehlo.power" in line]
        assert len(powers) == 2 and all(("f32" if capturable else "f64") in line for line in powers)
    np.testing.assert_allclose(w.detach().numpy(), wanted, rtol=1e-4 if capturable else 2e-6, atol=1e-7)
    assert int(optimizer.state[w]["step"]) == 5
