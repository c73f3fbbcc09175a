"""tf.function: tracing, and control flow on tensors against the same functions run as plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
from irc.errors import TraceError
from irc.frontends.recorder.backend import counters


def test_traced_once_for_each_signature() -> None:
    traced = []

    @tf.function
    def f(x: Any, scale: Any = 1) -> Any:
        traced.append(x.shape)
        return x * scale

    assert f(tf.ones([2])).numpy().tolist() == [1, 1]
    f(np.zeros(2, np.float32)), f(tf.zeros([2])), f(scale=1, x=tf.zeros([2]))
    assert len(traced) == 1
    f(tf.zeros([3])), f(tf.zeros([2]), 2)
    assert len(traced) == 3 == f.experimental_get_tracing_count()


def test_input_signature() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(x: Any) -> Any:
        return tf.reduce_sum(x, 0)

    assert f([[1, 2], [3, 4]]).numpy().tolist() == [4, 6]
    with pytest.raises(TypeError, match=r"Can not cast TensorSpec\(shape=\(3,\)"):
        f(tf.ones([3]))


def test_a_training_step_is_one_program() -> None:
    w = tf.Variable(tf.ones([3, 1]))
    x, y = tf.constant(np.eye(3, dtype=np.float32)), tf.constant(np.ones((3, 1), np.float32) * 2)

    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x @ w - y) ** 2)
        w.assign_sub(0.5 * tape.gradient(loss, w))
        return loss

    plain = [step().numpy() for _ in range(4)]
    w.assign(tf.ones([3, 1]))
    w.numpy(), x.numpy(), y.numpy()
    compiled = tf.function(step)
    first = compiled().numpy()
    runs = counters.runs
    assert [first, *(compiled().numpy() for _ in range(3))] == plain
    assert counters.runs == runs + 3


def test_gradients_through_a_function() -> None:
    w = tf.Variable(3.0)

    @tf.function
    def cube(x: Any) -> Any:
        return x * x * w

    x = tf.constant(2.0)
    for _ in range(2):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = cube(x)
        assert [g.numpy() for g in tape.gradient(y, [x, w])] == [12, 4]


def test_methods_have_traces_of_their_own() -> None:
    class Scale(tf.Module):
        def __init__(self, k: float) -> None:
            super().__init__()
            self.k = tf.Variable(k)
            self.__hidden = 2.0

        @tf.function
        def __call__(self, x: Any) -> Any:
            return x * self.k * self.__hidden if x > 0 else -x

    a, b = Scale(2.0), Scale(3.0)
    assert [m(tf.constant(5.0)).numpy() for m in (a, b, a)] == [20, 30, 20]
    a.k.assign(7.0)
    assert a(tf.constant(1.0)).numpy() == 14 and a(tf.constant(-1.0)).numpy() == 1
    assert a.trainable_variables == (a.k,) or a.trainable_variables[0] is a.k


def test_variables_are_made_once() -> None:
    class Lazy(tf.Module):
        v: Any = None

        @tf.function
        def __call__(self, x: Any) -> Any:
            if self.v is None:
                self.v = tf.Variable(tf.ones([2]))
            return self.v.assign_add(x)

    lazy = Lazy()
    assert lazy(tf.constant([1.0, 2.0])).numpy().tolist() == [2, 3]
    assert lazy(tf.constant([1.0, 2.0])).numpy().tolist() == [3, 5]

    @tf.function
    def always(x: Any) -> Any:
        return tf.Variable(1.0) + x

    with pytest.raises(ValueError, match="singleton"):
        always(tf.constant(1.0))


# Control flow: each function means the same traced and as plain Python.


def branch(x: Any) -> Any:
    if x > 0:
        y = x * 2
        kind = 1
    elif x < -5:
        y, kind = x, 2
    else:
        y = -x
        kind = 3
    return y, kind


def guards(x: Any) -> Any:
    if x > 5:
        return x
    with tf.name_scope("rest"):
        if x < 0:
            return x * 100
        return -x


def counting(x: Any) -> Any:
    total, i = 0.0, 0
    while i < x:
        total += tf.cast(i, tf.float32) * 0.5
        i += 1
    return total, i


def leaving(x: Any) -> Any:
    total = 0
    for i in tf.range(10):
        if i == x:
            break
        if i % 2 == 0:
            continue
        total += i
    else:
        total += 1000
    return total


def nested(x: Any) -> Any:
    count = 0
    for i in tf.range(x):
        for j in tf.range(x):
            if j > i:
                break
            count += 1
    return count


def unrolled(x: Any) -> Any:
    kept = []
    for k in range(3):
        if k == 1:
            continue
        kept.append(x * k)
    return kept


def logic(x: Any) -> Any:
    inside = 0 < x < 5 and not (x == 3 or x == 4)
    return 1 if inside else 2


def rows(x: Any) -> Any:
    total = tf.zeros([2], tf.int32)
    for row in tf.stack([[x, 1], [2, x]]):
        total = total + row
    return total


def helper(x: Any) -> Any:
    return x if x > 0 else 0


def calling(x: Any) -> Any:
    return helper(x) + helper(-x) * 3


def collatz(x: Any) -> Any:
    steps = 0
    while x != 1 and steps < 200:
        x = x // 2 if x % 2 == 0 else 3 * x + 1
        steps += 1
    return steps


def swapped(x: Any) -> Any:
    a, b = 0, 1
    for _ in tf.range(x):
        a, b = b, a + b
    return a


def captured(x: Any) -> Any:
    k = 2

    def scaled(v: Any) -> Any:
        return v * k if v > 2 else v

    if x > 3:
        k = 5
    return scaled(x)


def temporaries(x: Any) -> Any:
    if x > 2:
        helper_value = x + 1
        y = helper_value * 2
    else:
        text = "a Python value of this branch alone"
        y = x + len(text)
    return y


def ranges(x: Any) -> Any:
    total = 0
    for i in range(x):
        for j in tf.range(x, 0, -2):
            total += i * j
    return total


FUNCTIONS = (
    branch, guards, counting, leaving, nested, unrolled, logic, rows, calling, collatz, swapped, captured, temporaries, ranges,
)  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_control_flow(function: Callable[..., Any]) -> None:
    compiled = tf.function(function)
    for n in (0, 1, 3, 4, 7, -3, -7):
        if n <= 0 and function in (collatz, ranges, nested, swapped):
            continue
        kind = tf.float32 if function is counting else tf.int32
        found = compiled(tf.constant(n, kind) if function is not counting else tf.constant(n))
        wanted = function(tf.constant(n))
        found, wanted = ([np.asarray(v) for v in tf.nest.flatten(r)] for r in (found, wanted))
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    assert compiled.experimental_get_tracing_count() == 1


def test_variables_decide_anew_at_each_call() -> None:
    flag = tf.Variable(True)

    @tf.function
    def f(x: Any) -> Any:
        if flag:
            return x
        return -x

    assert f(tf.constant(1)).numpy() == 1
    flag.assign(False)
    assert f(tf.constant(1)).numpy() == -1


def test_writes_and_draws_inside() -> None:
    v = tf.Variable(0.0)

    @tf.function
    def f(n: Any) -> Any:
        for i in tf.range(n):
            if i % 2 == 0:
                v.assign_add(1.0)
        return v

    assert f(tf.constant(5)).numpy() == 3 == v.numpy()

    @tf.function
    def draws(n: Any) -> Any:
        low, high = tf.constant(1.0), tf.constant(0.0)
        for _ in tf.range(n):
            u = tf.random.uniform([])
            low, high = tf.minimum(low, u), tf.maximum(high, u)
        return high - low

    assert draws(tf.constant(20)).numpy() > 0.5


def test_a_training_loop_inside() -> None:
    @tf.function
    def train(turns: Any) -> Any:
        w = tf.constant(5.0)
        for _ in tf.range(turns):
            with tf.GradientTape() as tape:
                tape.watch(w)
                loss = (w - 1) ** 2
            w = w - 0.1 * tape.gradient(loss, w)
        return w

    np.testing.assert_allclose(train(tf.constant(30)).numpy(), 1 + 4 * 0.8**30, rtol=1e-4)


def test_gradient_through_a_loop_and_a_branch() -> None:
    @tf.function
    def power(x: Any, n: Any) -> Any:
        y = tf.constant(1.0)
        for _ in tf.range(n):
            y = y * x if x > 0 else y * 2 * x
        return y

    for start, wanted in ((3.0, 27.0), (-1.0, 24.0)):
        x = tf.constant(start)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = power(x, tf.constant(3))
        assert tape.gradient(y, x).numpy() == wanted


def test_tensor_array_map_and_loops_by_name() -> None:
    @tf.function
    def squares(n: Any) -> Any:
        made = tf.TensorArray(tf.int32, size=4, element_shape=[])
        for i in tf.range(4):
            made = made.write(i, i * i * n)
        return made.stack()

    assert squares(tf.constant(2)).numpy().tolist() == [0, 2, 8, 18]
    assert tf.map_fn(lambda x: x * 2 if x > 1 else -x, tf.constant([1, 2, 3])).numpy().tolist() == [-1, 4, 6]
    i, total = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + i), [0, 0])
    assert (i.numpy(), total.numpy()) == (5, 10)
    assert tf.cond(tf.constant(True), lambda: 1, lambda: 2) == 1


# What cannot become part of the program.


def appends(x: Any) -> Any:
    out: list[Any] = []
    for _ in tf.range(3):
        out.append(x)
    return out


def half_defined(x: Any) -> Any:
    if x > 0:
        y = x
    return y


def changes_type(x: Any) -> Any:
    y = x
    while y > 0:
        y = tf.cast(y, tf.float32) - 1
    return y


def grows(x: Any) -> Any:
    y = tf.zeros([1], tf.int32)
    while x > 0:
        y = tf.concat([y, y], 0)
        x -= 1
    return y


def python_loop(x: Any) -> Any:
    for k in range(3):
        if x > k:
            break
    return x


class Holder:
    value: Any = None


def stores(x: Any) -> Any:
    if x > 0:
        Holder.value = x
    return x


def mixed(x: Any) -> Any:
    if x > 0:  # noqa: SIM108 - the statement is what is tested
        y = None
    else:
        y = x
    return y


def looks(x: Any) -> Any:
    return x.numpy()


REFUSED = {
    appends: ("out.append", "changed (`append`) inside a branch or loop"),
    half_defined: ("x > 0", "'y' has no value in the `else` branch"),
    changes_type: ("y > 0", "'y' is tensor<i32> before the loop and tensor<f32> after one turn"),
    grows: ("x > 0", "'y' is tensor<1xi32> before the loop and tensor<2xi32> after one turn"),
    python_loop: ("range(3)", "cannot end a loop over Python values"),
    stores: ("Holder.value", "`Holder.value` is set inside a branch or loop"),
    mixed: ("x > 0", "'y' is None after the `if` branch and a tensor after the `else` branch"),
    looks: ("x.numpy()", "needs the value of a symbolic `tf.Tensor`"),
}


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: f.__name__)
def test_refused_at_its_line(function: Callable[..., Any]) -> None:
    place, text = REFUSED[function]
    with pytest.raises(TraceError) as found:
        tf.function(function)(tf.constant(1))
    error = found.value
    assert text in error.message and error.notes
    source, marks = error.caret.splitlines()
    assert source[marks.index("^") : marks.rindex("^") + 1] == place
    assert Holder.value is None


def test_objects_that_are_called_are_rewritten() -> None:
    class Base(tf.Module):
        def __call__(self, x: Any) -> Any:
            return x * 2 if x > 0 else -x

    class Derived(Base):
        pass

    class Layer(tf.keras.layers.Layer):
        def call(self, x: Any) -> Any:
            if tf.reduce_sum(x) > 0:
                return x * 2
            return -x

    for made in (Derived(), Layer()):
        compiled = tf.function(lambda x, f=made: f(x))
        assert [compiled(tf.constant(v)).numpy() for v in (3.0, -3.0)] == [6, 3]
