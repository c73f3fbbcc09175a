"""TensorFlow 1: graphs, what sessions run and compile, variables, control dependencies, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import irc
from irc.frontends.recorder.backend import counters
from irc.frontends.tensorflow.compat import v1 as tf


@pytest.fixture(autouse=True)
def graph() -> Iterator[Any]:
    with tf.Graph().as_default() as made:
        yield made


def test_names_shapes_and_lookups(graph: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = tf.matmul(x, tf.ones([4, 2])) + 1.0
    z = tf.reshape(y, [tf.shape(y)[0], 2, 1])
    assert [t.name for t in (x, y, z)] == ["x:0", "add:0", "Reshape:0"]
    assert [t.shape.as_list() for t in (x, y, z)] == [[None, 4], [None, 2], [None, 2, 1]]
    assert x.get_shape()[1].value == 4
    assert x.shape[0].value is None
    assert y.dtype == tf.float32
    assert y.op.type == "Add"
    assert graph.get_tensor_by_name("add:0") is y
    assert graph.get_operation_by_name("add") is y.op
    assert (y + 1.0).name == "add_1:0"
    with tf.name_scope("a"), tf.name_scope("b"):
        assert tf.identity(x).name == "a/b/Identity:0"
    with tf.name_scope("a"):
        assert tf.identity(x, name="named").name == "a_1/named:0"


def test_what_is_not_known_of_shapes() -> None:
    x = tf.placeholder(tf.float32, [None, None])
    assert tf.matmul(x, tf.ones([7, 3])).shape.as_list() == [None, 3]
    assert (tf.placeholder(tf.float32, [None]) + tf.ones([32])).shape.as_list() == [32]
    assert tf.placeholder(tf.float32).shape.rank is None
    n = tf.placeholder(tf.int32, [])
    assert tf.zeros([n, 3]).shape.as_list() == [None, 3]
    assert tf.reshape(tf.reshape(x, [-1, 28]), [-1, 28, 1]).shape.as_list() == [None, 28, 1]


def test_fetches_of_every_form() -> None:
    a = tf.constant(2.0, name="a")
    x = tf.placeholder(tf.float32, [], name="x")
    y = a * x
    with tf.Session() as sess:
        feed = {x: 3.0}
        assert sess.run(y, feed) == 6.0
        assert sess.run("mul:0", {"x:0": 4.0}) == 8.0
        assert sess.run([y, a], feed) == [6.0, 2.0]
        assert sess.run((y, (a,)), feed) == (6.0, (2.0,))
        assert sess.run({"y": y, "more": [a]}, feed) == {"y": 6.0, "more": [2.0]}
        assert sess.run(tf.no_op()) is None
        assert sess.run([tf.no_op(), a]) == [None, 2.0]
        assert sess.run([]) == []
        assert y.eval(feed) == 6.0
        # Any tensor can be fed: what it was made from does not run.
        assert sess.run(y, {a: 5.0, x: 1.0}) == 5.0
        assert isinstance(sess.run(a), np.float32)


def test_a_session_compiles_once_for_each_fetch_and_feed() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.ones([3, 2]))
    loss = tf.reduce_sum(tf.square(tf.matmul(x, w)))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    init = tf.global_variables_initializer()
    with tf.Session() as sess:
        sess.run(init)
        assert sess.executables == 1
        for _ in range(5):
            sess.run([train, loss], {x: np.ones((4, 3))})
        assert sess.executables == 2
        sess.run([train, loss], {x: np.ones((5, 3))})
        assert sess.executables == 3
        for _ in range(3):
            sess.run(loss, {x: np.ones((4, 3))})
        assert sess.executables == 4
    before = counters.compiled
    with tf.Session() as sess:
        sess.run(init)
        sess.run([train, loss], {x: np.ones((4, 3))})
    assert counters.compiled == before, "another session of the same graph finds its programs"


def test_variables_stay_in_their_session() -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    up = tf.assign_add(v, [10.0, 10.0])
    one, two = tf.Session(), tf.Session()
    one.run(v.initializer)
    two.run(v.initializer)
    held = one.run(v)
    np.testing.assert_array_equal(one.run(up), [11, 12])
    np.testing.assert_array_equal(one.run(up), [21, 22])
    np.testing.assert_array_equal(held, [1, 2])
    np.testing.assert_array_equal(two.run(v), [1, 2])
    v.load([5.0, 6.0], two)
    np.testing.assert_array_equal(two.run(v), [5, 6])


def test_reads_come_before_writes_but_for_control_dependencies() -> None:
    v = tf.Variable(1.0)
    up = v.assign_add(1.0)
    doubled = v * 2.0
    with tf.control_dependencies([up]):
        after = v.read_value()
        also_after = v + 0.0
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run([up, doubled, after, also_after]) == [2.0, 2.0, 2.0, 2.0]
        assert sess.run([doubled, up]) == [4.0, 3.0]


def test_values_can_be_swapped() -> None:
    a, b = tf.Variable([1.0, 1.0]), tf.Variable([2.0, 2.0])
    swap = tf.group(a.assign(b), b.assign(a))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(swap)
        np.testing.assert_array_equal(sess.run([a, b]), [[2, 2], [1, 1]])


def test_variable_scopes_share() -> None:
    with tf.variable_scope("outer"):
        with tf.variable_scope("inner"):
            a = tf.get_variable("w", [2, 2])
        with tf.variable_scope("inner", reuse=True):
            assert tf.get_variable("w", [2, 2]) is a
        with tf.variable_scope("inner", reuse=tf.AUTO_REUSE):
            assert tf.get_variable("w") is a
            tf.get_variable("b", initializer=[1.0, 2.0], trainable=False)
    assert a.name == "outer/inner/w:0"
    assert [v.name for v in tf.trainable_variables()] == ["outer/inner/w:0"]
    assert [v.name for v in tf.global_variables()] == ["outer/inner/w:0", "outer/inner/b:0"]
    assert tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "outer/") == [a]
    with (
        pytest.raises(ValueError, match="outer/inner/w already exists, disallowed"),
        tf.variable_scope("outer/inner"),
    ):
        tf.get_variable("w", [2, 2])
    with pytest.raises(ValueError, match="v does not exist"), tf.variable_scope("outer", reuse=True):
        tf.get_variable("v", [2])


def test_default_sessions_and_closing() -> None:
    a = tf.constant(3)
    sess = tf.InteractiveSession()
    assert a.eval() == 3
    sess.close()
    with pytest.raises(ValueError, match="No default session is registered"):
        a.eval()
    with pytest.raises(RuntimeError, match="closed Session"):
        sess.run(a)
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
        assert tf.get_default_session() is sess


def test_random_numbers_follow_the_seed(graph: Any) -> None:
    tf.set_random_seed(3)
    r = tf.random_normal([4])
    own = tf.random_uniform([2], seed=1)
    with tf.Session() as sess:
        first = [sess.run(r), sess.run(r), sess.run(own)]
    with tf.Session() as sess:
        again = [sess.run(r), sess.run(r), sess.run(own)]
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
    assert not np.array_equal(first[0], first[1])


def test_the_graph_is_the_ir(graph: Any) -> None:
    """The text parses, and computes what the session does."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2), name="w")
    y = tf.tanh(tf.matmul(x, w), name="y")
    text = graph.as_text(unknown=2)
    module = irc.parse(text)
    module.verify()
    assert "stablehlo.tanh" in text
    assert 'loc("y"(' in text
    given = np.full((2, 3), 0.1, np.float32)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        (found,) = irc.interpret(module, given, sess.run(w))
        np.testing.assert_allclose(found, sess.run(y, {x: given}), rtol=1e-6)


def test_a_finalized_graph_takes_nothing_more(graph: Any) -> None:
    graph.finalize()
    with pytest.raises(RuntimeError, match="Graph is finalized and cannot be modified"):
        tf.constant(1)


def test_placeholders_with_defaults_and_numbers_that_shapes_depend_on() -> None:
    n = tf.placeholder_with_default(2, [])
    y = tf.reduce_sum(tf.ones([n, 3]))
    with tf.Session() as sess:
        assert sess.run(y) == 6.0
        assert sess.run(y, {n: 5}) == 15.0


# Errors name the node and the line that made it.


def caught(kind: Any, function: Any) -> str:
    with pytest.raises(kind) as error:
        function()
    return str(error.value)


def test_a_placeholder_that_is_not_fed() -> None:
    x = tf.placeholder(tf.float32, [None, 784], name="images")
    y = tf.reduce_sum(x)
    text = caught(tf.errors.InvalidArgumentError, lambda: tf.Session().run(y))
    assert "You must feed a value for placeholder tensor 'images' with dtype float and shape [?,784]" in text
    assert "node images (Placeholder), made at test_v1.py:" in text
    assert "feed_dict={x: value}" in text


def test_a_variable_without_a_value() -> None:
    w = tf.Variable(tf.zeros([2]), name="weights")
    text = caught(tf.errors.FailedPreconditionError, lambda: tf.Session().run(w + 1.0))
    assert "Attempting to use uninitialized value weights" in text
    assert 'w = tf.Variable(tf.zeros([2]), name="weights")' in text


def test_shapes_that_do_not_go_together() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    text = caught(ValueError, lambda: tf.matmul(x, tf.ones([4, 2])))
    assert "tf.matmul(x, tf.ones([4, 2]))" in text
    y = tf.add(x, tf.placeholder(tf.float32, [None, 3], name="y"), name="both")
    with tf.Session() as sess:
        feed = {x: np.ones((2, 3)), "y:0": np.ones((5, 3))}
        text = caught(tf.errors.InvalidArgumentError, lambda: sess.run(y, feed))
    assert "node both (Add), made at test_v1.py:" in text
    assert 'name="both")' in text


@pytest.mark.parametrize(
    ("run", "kind", "words"),
    [
        (lambda s, x: s.run(None), TypeError, "Fetch argument None has invalid type"),
        (lambda s, x: s.run("nobody:0"), ValueError, "The operation, 'nobody', does not exist in the graph"),
        (
            lambda s, x: s.run(x, {x: np.ones((2, 4))}),
            ValueError,
            "Cannot feed value of shape (2, 4) for Tensor 'x:0'",
        ),
        (lambda s, x: s.run(x, {x: x}), TypeError, "The value of a feed cannot be a tf.Tensor object"),
        (lambda s, x: s.run(x, {"who:0": 1}), TypeError, "Cannot interpret feed_dict key as Tensor"),
        (lambda s, x: bool(x), TypeError, "Using a `tf.Tensor` as a Python `bool` is not allowed"),
        (lambda s, x: x.numpy(), AttributeError, "'Tensor' object has no attribute 'numpy'"),
        (lambda s, x: list(x), TypeError, "Iterating over a symbolic `tf.Tensor` is not allowed"),
        (lambda s, x: np.array(x), TypeError, "needs the value of x:0"),
    ],
)
def test_what_cannot_be(run: Any, kind: Any, words: str) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.Session() as sess:
        assert words in caught(kind, lambda: run(sess, x))


def test_what_is_not_there_says_what_to_use() -> None:
    assert "print the values that sess.run gives" in caught(
        AttributeError, lambda: tf.summary.scalar("loss", 1.0)
    )
    assert "tf.layers, tf.nn.rnn_cell" in caught(AttributeError, lambda: tf.contrib.rnn.BasicLSTMCell)
    assert "no queues" in caught(TypeError, lambda: tf.train.Coordinator())


def test_the_names_of_tf_build_graphs_where_one_is_built(graph: Any) -> None:
    import irc.tensorflow as tf2

    x = tf.placeholder(tf2.float32, [None, 2])
    v = tf2.Variable([[1.0], [2.0]])
    y = tf2.nn.relu(tf2.matmul(x, v)) + tf2.constant(1.0)
    z = tf2.cond(tf2.reduce_sum(y) > 0.0, lambda: y, lambda: -y)
    assert y.graph is graph
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(z, {x: np.ones((2, 2))}), [[4], [4]])


def test_outside_of_graphs_they_are_eager() -> None:
    import subprocess
    import sys

    program = """
import irc.tensorflow as tf
with tf.Graph().as_default():
    pass
v = tf.Variable(3.0)
with tf.GradientTape() as tape:
    y = tf.cond(v > 1.0, lambda: tf.square(v), lambda: v)
assert isinstance(v, tf.Variable) and tape.gradient(y, v).numpy() == 6.0
try:
    tf.compat.v1.placeholder(tf.float32)
except RuntimeError as error:
    assert "not compatible with eager execution" in str(error)
tf.compat.v1.disable_eager_execution()
x = tf.compat.v1.placeholder(tf.float32, [])
w = tf.Variable(2.0)
with tf.compat.v1.Session() as sess:
    sess.run(tf.compat.v1.global_variables_initializer())
    print(sess.run(tf.add(x, w), {x: 1.0}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "3.0\n", done.stderr
