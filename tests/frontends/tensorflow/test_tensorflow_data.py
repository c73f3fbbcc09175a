"""tf.data: order, batches, lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf

D = tf.data.Dataset


def listed(dataset: Any) -> Any:
    return [tf.nest.map_structure(lambda a: np.asarray(a).tolist(), e) for e in dataset.as_numpy_iterator()]


PIPELINES: dict[str, tuple[Any, Any]] = {
    "range": (lambda: D.range(2, 8, 3), [2, 5]),
    "map": (lambda: D.range(3).map(lambda i: i * 2), [0, 2, 4]),
    "map with a branch": (lambda: D.range(4).map(lambda i: i if i % 2 == 0 else -i), [0, -1, 2, -3]),
    "filter": (lambda: D.range(5).filter(lambda i: i > 2), [3, 4]),
    "batch": (lambda: D.range(5).batch(2), [[0, 1], [2, 3], [4]]),
    "batch, rest dropped": (lambda: D.range(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]]),
    "repeat": (lambda: D.range(2).repeat(2).batch(3), [[0, 1, 0], [1]]),
    "take and skip": (lambda: D.range(9).skip(2).take(3), [2, 3, 4]),
    "endless": (lambda: D.range(3).repeat().take(5), [0, 1, 2, 0, 1]),
    "zip": (lambda: D.zip((D.range(3), D.range(5, 9))), [(0, 5), (1, 6), (2, 7)]),
    "enumerate": (lambda: D.range(7, 9).enumerate(3), [(3, 7), (4, 8)]),
    "concatenate": (lambda: D.range(2).concatenate(D.range(1)), [0, 1, 0]),
    "unbatch": (lambda: D.range(4).batch(2).unbatch(), [0, 1, 2, 3]),
    "window": (lambda: D.range(5).window(2, drop_remainder=True).flat_map(lambda w: w.batch(2)), [[0, 1], [2, 3]]),
    "interleave": (
        lambda: D.range(3).interleave(lambda i: D.from_tensors(i).repeat(2), cycle_length=2),
        [0, 1, 0, 1, 2, 2],
    ),
    "shard": (lambda: D.range(7).shard(3, 1), [1, 4]),
    "dicts": (lambda: D.from_tensor_slices({"a": [1, 2], "b": [3.0, 4.0]}), [{"a": 1, "b": 3.0}, {"a": 2, "b": 4.0}]),
    "padded": (
        lambda: D.range(1, 4).map(lambda i: i).flat_map(lambda i: D.from_tensors(np.arange(int(i)))).padded_batch(3),
        [[[0, 0, 0], [0, 1, 0], [0, 1, 2]]],
    ),
    "scan": (lambda: D.range(4).scan(np.int64(0), lambda s, x: (s + x, s + x)), [0, 1, 3, 6]),
}  # fmt: skip


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline(name: str) -> None:
    make, wanted = PIPELINES[name]
    assert listed(make()) == wanted


def test_shuffle() -> None:
    first = D.range(50).shuffle(50, seed=3)
    one, two = listed(first), listed(first)
    assert sorted(one) == sorted(two) == list(range(50)) and one != two != list(range(50))
    assert listed(D.range(50).shuffle(50, seed=3)) == one
    same = D.range(50).shuffle(50, seed=3, reshuffle_each_iteration=False)
    assert listed(same) == listed(same)
    # A small buffer moves nothing forward by more than its size.
    near = listed(D.range(50).shuffle(4, seed=0))
    assert sorted(near) == list(range(50)) and all(value <= place + 3 for place, value in enumerate(near))
    # The order is the same whether rows are gathered or elements pass one by one.
    x = np.arange(20)
    gathered = listed(D.from_tensor_slices(x).shuffle(20, seed=5).batch(6))
    assert gathered == listed(D.from_tensor_slices(x).map(lambda v: v).shuffle(20, seed=5).batch(6))


def test_lengths() -> None:
    assert len(D.range(10).batch(3)) == 4 and D.range(2).repeat().cardinality().numpy() == -1
    assert D.range(4).filter(lambda i: i > 1).cardinality().numpy() == -2
    with pytest.raises(TypeError, match="infinite"):
        len(D.range(2).repeat())
    assert D.range(10).skip(3).take(100).cardinality().numpy() == 7


def test_specs_and_elements() -> None:
    dataset = D.from_tensor_slices((np.zeros((6, 3), np.float32), np.arange(6))).batch(4)
    assert dataset.element_spec == (tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.int64))
    shapes = [(x.shape.as_list(), y.dtype) for x, y in dataset]
    assert shapes == [([4, 3], tf.int64), ([2, 3], tf.int64)]
    iterator = iter(D.range(1))
    assert iterator.get_next().numpy() == 0
    with pytest.raises(tf.errors.OutOfRangeError):
        iterator.get_next()


def test_generator_and_cache() -> None:
    calls = []

    def generate() -> Any:
        calls.append(1)
        for i in range(2):
            yield i, [i] * 2

    signature = (tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.float32))
    dataset = D.from_generator(generate, output_signature=signature)
    assert listed(dataset) == [(0, [0.0, 0.0]), (1, [1.0, 1.0])]
    kept = dataset.cache()
    assert listed(kept) == listed(kept) and len(calls) == 2


def test_elements_do_not_change_with_the_array() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes"):
        listed(
            D.from_generator(
                lambda: iter([[1], [1, 2]]), output_signature=tf.TensorSpec([None], tf.int32)
            ).batch(2)
        )


def test_not_inside_a_traced_function() -> None:
    @tf.function
    def total() -> Any:
        out = tf.constant(0, tf.int64)
        for i in D.range(3):
            out += i
        return out

    with pytest.raises(TypeError, match="iterating over a dataset inside a traced function"):
        total()
