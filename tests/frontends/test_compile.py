"""@irc.compile: what is recorded once, what is read at each call, and when a function is recorded again."""

from __future__ import annotations

import ctypes
import gc
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as t
from irc.frontends.recorder.backend import apart, counters
from irc.frontends.recorder.direct import OTHERWISE


def spent(run: Any) -> tuple[int, int]:
    before = counters.compiled, counters.runs
    run()
    return counters.compiled - before[0], counters.runs - before[1]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("IRC_LOG", "compile")
    return lambda: [line for line in capsys.readouterr().err.splitlines() if "recorded" in line]


def test_a_function_is_recorded_once_a_signature() -> None:
    calls = []

    @irc.compile
    def f(x: Any, scale: float = 2.0, *, names: tuple[str, ...] = ()) -> Any:
        calls.append(1)
        return {"y": x * scale, "n": len(names)}

    for _ in range(3):
        assert f(t.ones(3))["y"].tolist() == [2, 2, 2]
    assert len(calls) == 1
    assert f(t.ones(3), 3.0)["y"].tolist() == [3, 3, 3]
    assert f(t.ones(3), names=("a",))["n"] == 1
    assert f(t.ones(2, 2))["y"].tolist() == [[2, 2], [2, 2]]
    assert f(t.ones(3, dtype=t.int64))["y"].dtype is t.float32
    assert len(calls) == 5


def test_one_program_a_call_and_none_to_compile() -> None:
    @irc.compile
    def f(x: Any) -> Any:
        return (x @ x).tanh().sum()

    x = t.ones(4, 4)
    x.tolist()
    f(x)
    for _ in range(3):
        assert spent(lambda: f(x).item()) == (0, 1)


class Net(t.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = t.nn.Linear(4, 6)
        self.norm = t.nn.BatchNorm1d(6)
        self.drop = t.nn.Dropout(0.5)
        self.out = t.nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.drop(self.norm(self.fc(x)).relu()))


X = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
Y = np.arange(8) % 3


def trained(how: str, optimizer_name: str = "Adam", steps: int = 6) -> list[np.ndarray]:
    """All state after some steps: parameters, buffers, gradients, losses, the optimizer's moments, the next draw."""
    t.manual_seed(2)
    net = Net()
    optimizer = getattr(t.optim, optimizer_name)(net.parameters(), lr=0.05)
    x, y = t.tensor(X), t.tensor(Y)
    losses = []

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        logits = net(x)
        if how == "eager":
            logits.tolist()
        loss = t.nn.functional.cross_entropy(logits, y)
        if how == "eager":
            loss.item()
        loss.backward()
        optimizer.step()
        return loss

    run = irc.compile(step) if how == "step" else step
    if how == "module":
        irc.compile(net)
    for _ in range(steps):
        losses.append(run(x, y).item())
    state = [v.numpy() for v in net.state_dict().values()]
    state += [p.grad.numpy() for p in net.parameters()]
    for p in net.parameters():
        state += [v.numpy() for _, v in sorted(optimizer.state[p].items()) if v is not None]
    return [*state, np.array(losses), t.rand(3).numpy()]


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
@pytest.mark.parametrize("how", ["eager", "step", "module"])
def test_training_gives_the_same_bits(how: str, optimizer: str) -> None:
    for a, b in zip(trained(how, optimizer), trained("recorded", optimizer), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_compiled_step_is_one_program() -> None:
    net = Net()
    optimizer = t.optim.Adam(net.parameters())
    x, y = t.tensor(X), t.tensor(Y)

    @irc.compile
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = t.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    step(x, y)
    for _ in range(4):
        assert spent(lambda: step(x, y)) == (0, 1)


def test_a_class_and_its_instances(log: Any) -> None:
    calls = []

    @irc.compile
    class Small(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = t.nn.Parameter(t.ones(3))

        def forward(self, x: Any) -> Any:
            calls.append(self.training)
            return x * self.w

    a, b = Small(), Small()
    with t.no_grad():
        b.w.mul_(5)
        assert [a(t.ones(3)).tolist(), b(t.ones(3)).tolist(), a(t.ones(3)).tolist()] == [
            [1] * 3,
            [5] * 3,
            [1] * 3,
        ]
        assert len(calls) == 2
        a.w.fill_(7)
        assert a(t.ones(3)).tolist() == [7, 7, 7]
        assert len(calls) == 2
        a.eval()
        assert a(t.ones(3)).tolist() == [7, 7, 7]
        assert calls == [True, True, False]
    assert isinstance(a, Small)
    y = a(t.ones(3)).sum()
    y.backward()
    assert a.w.grad.tolist() == [1, 1, 1]
    assert any("mode now" in line for line in log())


def test_gradients_flow_through_a_compiled_function() -> None:
    w = t.tensor([2.0, 3.0], requires_grad=True)

    @irc.compile
    def f(x: Any) -> Any:
        y = x * w
        return y * y.detach(), y.softmax(0)

    for _ in range(3):
        w.grad = None
        x = t.tensor([1.0, 5.0], requires_grad=True)
        a, b = f(x * 1)
        (a.sum() + b[0]).backward()
        x2 = t.tensor([1.0, 5.0], requires_grad=True)
        w2 = t.tensor([2.0, 3.0], requires_grad=True)
        y = (x2 * 1) * w2
        ((y * y.detach()).sum() + y.softmax(0)[0]).backward()
        assert x.grad.tolist() == x2.grad.tolist()
        assert w.grad.tolist() == w2.grad.tolist()


def test_accumulated_gradients() -> None:
    """Without zero_grad inside, the gradients that are there are added to."""
    w = t.tensor([1.0, 2.0], requires_grad=True)

    @irc.compile
    def accumulate(x: Any) -> None:
        (w * x).sum().backward()

    accumulate(t.ones(2))
    accumulate(t.ones(2))
    accumulate(t.ones(2))
    assert w.grad.tolist() == [3, 3]
    w.grad = None
    accumulate(t.ones(2))
    assert w.grad.tolist() == [1, 1]


def test_learning_rate_is_read_at_each_call() -> None:
    w = t.zeros(1, requires_grad=True)
    optimizer = t.optim.SGD([w], lr=1.0)

    @irc.compile
    def step() -> None:
        optimizer.zero_grad()
        w.sum().backward()
        optimizer.step()

    step()
    optimizer.param_groups[0]["lr"] = 10.0
    assert spent(step)[0] == 0
    assert w.item() == -11


def test_writes_to_arguments_and_globals() -> None:
    total = t.zeros(2)

    @irc.compile
    def f(x: Any) -> Any:
        x.mul_(2)
        total.add_(x)
        return total

    for i in range(1, 4):
        x = t.ones(2)
        assert f(x) is total
        assert x.tolist() == [2, 2]
        assert total.tolist() == [2 * i, 2 * i]


def test_an_old_value_that_is_still_seen_is_not_overwritten() -> None:
    w = t.zeros(1000)
    before = t.nn.Parameter(w)

    @irc.compile
    def f() -> None:
        w.add_(1)

    row = w[3:5]
    f()
    kept = w.clone()
    f()
    assert before.sum().item() == 0
    assert kept.tolist()[:2] == [1, 1]
    assert row.tolist() == [2, 2]


def test_what_is_left_behind_is_made_anew_at_each_call(log: Any) -> None:
    seen = []

    @irc.compile
    def f(x: Any) -> Any:
        y = x * 2
        seen.append(y)
        return y + 1

    for i in range(3):
        assert f(t.ones(2) * i).tolist() == [2 * i + 1] * 2
    assert [y.tolist() for y in seen] == [[0, 0], [2, 2], [4, 4]]
    assert "leaves a new tensor" in log()[0]


def test_a_view_of_what_was_made_inside_is_a_result_like_any_other(log: Any) -> None:
    @irc.compile
    def f(x: Any) -> Any:
        y = x * 2
        return y.t(), y[0].unsqueeze(0)

    for i in range(3):
        turned, row = f(t.ones(2, 3) * i)
        assert turned.tolist() == [[2 * i] * 2] * 3
        assert row.tolist() == [[2 * i] * 3]
    assert log() == []


def test_the_base_of_a_returned_view_that_is_kept_is_made_anew_at_each_call(log: Any) -> None:
    seen = []

    @irc.compile
    def f(x: Any) -> Any:
        y = x * 2
        seen.append(y)
        return y.t()

    for i in range(2):
        assert f(t.ones(1, 2) * i).tolist() == [[2 * i], [2 * i]]
    assert [y.tolist() for y in seen] == [[[0, 0]], [[2, 2]]]
    assert "leaves a new tensor" in log()[0]


def test_state_kept_in_an_attribute() -> None:
    class Counter:
        def __init__(self) -> None:
            self.h = None

        @irc.compile
        def step(self, x: Any) -> Any:
            self.h = x if self.h is None else self.h + x
            return self.h * 1

    c = Counter()
    assert [c.step(t.ones(1)).item() for _ in range(4)] == [1, 2, 3, 4]


def test_a_recompilation_says_why(log: Any) -> None:
    @irc.compile
    def f(x: Any, flag: bool = False) -> Any:
        return x + 1

    f(t.ones(32, 3))
    f(t.ones(25, 3))
    f(t.ones(25, 3), True)
    first, second = log()
    assert "x is tensor<25x3xf32> now, and was tensor<32x3xf32> (dimension 0: 32 -> 25)" in first
    assert "another number of arguments" in second


def test_a_branch_on_a_tensor_is_refused() -> None:
    @irc.compile
    def f(x: Any) -> Any:
        y = x.sum() * 2
        if y > 0:
            return x
        return -x

    with pytest.raises(irc.TraceError) as caught:
        f(t.ones(3))
    text = str(caught.value)
    assert "if y > 0:" in text and "irc.cond" in text and "irc.while_loop" in text
    assert "`y > 0`" in text and "`x.sum() * 2`" in text and "from the argument x" in text
    assert f.__name__ == "f"
    # What failed changed nothing.
    assert t.ones(3).sum().item() == 3


@pytest.mark.parametrize(
    "look", ["x.item()", "print(x)", "float(x)", "[1, 2, 3][x.long()]", "x.numpy()", "x.tolist()"]
)
def test_a_look_is_refused(look: str) -> None:
    scope: dict[str, Any] = {}
    if look == "print(x)":
        return
    exec(f"def f(x):\n    {look}\n    return x", scope)
    with pytest.raises(irc.TraceError):
        irc.compile(scope["f"])(t.ones(()))


def test_a_failed_recording_changes_nothing() -> None:
    w = t.zeros(2, requires_grad=True)

    @irc.compile
    def f(x: Any) -> Any:
        w.sum().backward()
        with t.no_grad():
            w.add_(5)
        raise ValueError("user's own")

    with pytest.raises(ValueError, match="user's own"):
        f(t.ones(2))
    assert w.tolist() == [0, 0] and w.grad is None


def test_random_draws_go_on() -> None:
    @irc.compile
    def draw() -> Any:
        return t.rand(3)

    t.manual_seed(1)
    compiled = [draw().tolist() for _ in range(3)]
    t.manual_seed(1)
    assert [t.rand(3).tolist() for _ in range(3)] == compiled
    assert compiled[0] != compiled[1]


def test_methods_record_once_an_object() -> None:
    calls = []

    class Thing:
        def __init__(self, k: float) -> None:
            self.k = k

        @irc.compile
        def times(self, x: Any) -> Any:
            calls.append(1)
            return x * self.k

    a, b = Thing(2.0), Thing(3.0)
    assert [a.times(t.ones(1)).item(), b.times(t.ones(1)).item(), a.times(t.ones(1)).item()] == [2, 3, 2]
    assert len(calls) == 2


# Control flow.


@pytest.mark.parametrize("compiled", [False, True])
def test_control_flow(compiled: bool) -> None:
    wrap = irc.compile if compiled else (lambda f: f)
    w = t.tensor([2.0, 3.0])

    @wrap
    def branches(x: Any) -> Any:
        return irc.cond(x.sum() > 3, lambda a: a * w, lambda a: a - 1, x)

    assert branches(t.ones(2)).tolist() == [0, 0]
    assert branches(t.ones(2) * 2).tolist() == [4, 6]

    @wrap
    def loop(n: Any) -> Any:
        return irc.while_loop(lambda s: s["i"] < n, lambda s: {"i": s["i"] + 1, "x": s["x"] * w}, {
            "i": t.tensor(0), "x": t.ones(2)})  # fmt: skip

    assert loop(t.tensor(3))["x"].tolist() == [8, 27]
    assert loop(t.tensor(0))["x"].tolist() == [1, 1]

    @wrap
    def sums(xs: Any) -> Any:
        return irc.scan(lambda c, x: (c + x, (c * 2, x.sum())), t.zeros(2), xs, reverse=True)

    last, (doubled, totals) = sums(t.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert last.tolist() == [4, 6] and doubled.tolist() == [[6, 8], [0, 0]] and totals.tolist() == [3, 7]


def test_gradients_of_control_flow() -> None:
    def unrolled(w: Any) -> Any:
        c, out = t.zeros(2), []
        for i in range(5):
            out.append(c.sum())
            c = (c * 0.5 + float(i) * w).tanh()
        return c.sum() + t.stack(out).sum()

    def scanned(w: Any) -> Any:
        step = lambda c, x: ((c * 0.5 + x * w).tanh(), c.sum())  # noqa: E731
        c, ys = irc.scan(step, t.zeros(2), t.arange(5.0))
        return irc.cond(c.sum() < 100, lambda: c.sum() + ys.sum(), lambda: ys.sum())

    gradients = []
    for f in (unrolled, scanned):
        w = t.tensor([0.2, 0.3], requires_grad=True)
        f(w).backward()
        gradients.append(w.grad.numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-5)


def test_detached_values_in_a_loop_stop_the_gradient() -> None:
    w = t.tensor([2.0], requires_grad=True)
    c, _ = irc.scan(lambda c, _: (c.detach() * w, None), t.ones(1), length=3)
    c.sum().backward()
    assert w.grad.item() == 4


def test_control_flow_refusals() -> None:
    with pytest.raises(TypeError, match="tensor<2xf32> and tensor<f32>"):
        irc.cond(t.tensor(True), lambda: t.ones(2), lambda: t.ones(()))
    with pytest.raises(TypeError, match="keeps its structure and types"):
        irc.while_loop(lambda x: x.sum() < 3, lambda x: x.sum(), t.ones(2))
    with pytest.raises(TypeError, match="one boolean scalar tensor"):
        irc.while_loop(lambda x: t.rand(1)[0] < 3, lambda x: x.sum(), t.ones(()))


def test_writes_and_draws_in_branches_and_loops() -> None:
    total, count = t.zeros(1), t.zeros(1)
    c, _ = irc.scan(lambda c, x: (c + total.add_(x), None), t.zeros(1), t.arange(4.0))
    assert total.item() == 6 and c.item() == 10
    x = irc.while_loop(lambda x: x < 5, lambda x: x + count.add_(1).sum() * 0 + 1, t.tensor(0.0))
    assert count.item() == 5 and x.item() == 5
    for holds in (True, False):
        irc.cond(t.tensor(holds), lambda: total.mul_(2), lambda: total.add_(1))
    assert total.item() == 13
    t.manual_seed(0)
    _, draws = irc.scan(lambda c, _: (c, t.rand(2)), t.zeros(1), length=3)
    t.manual_seed(0)
    np.testing.assert_array_equal(draws.numpy(), np.stack([t.rand(2).numpy() for _ in range(3)]))


def test_a_direct_call_takes_only_what_it_was_made_for() -> None:
    """After some calls with plain tensors the next are direct; views, other types, gradients and pending values are not."""
    seen = []

    @irc.compile
    def doubled(x: Any, y: Any) -> Any:
        seen.append(tuple(x.shape))
        return x * 2, x + y

    def check(x: Any, y: Any) -> None:
        a, b = doubled(x, y)
        np.testing.assert_array_equal(a.detach().numpy(), x.detach().numpy() * 2)
        np.testing.assert_array_equal(b.detach().numpy(), x.detach().numpy() + y.detach().numpy())

    x, y = t.arange(9.0).reshape(3, 3).clone(), t.ones(3, 3)
    for _ in range(3):
        check(x, y)
    assert len(seen) == 1 and doubled.direct is not None
    x.add_(1)
    check(x, y)
    turned = x.t()
    turned.tolist()
    check(turned, y)
    check(t.stack([x, y])[1], y)
    check(x * 3, y)
    check(x, 7.0 - y)
    assert len(seen) == 1
    check(t.ones(3, dtype=t.float64), t.ones(3, dtype=t.float64))
    check(t.ones(2), t.ones(2))
    check(x, y)
    leaf = t.ones(3, 3, requires_grad=True)
    check(leaf, y)
    check(leaf * 2, y)
    check(x, y)
    of_leaf = leaf * 2
    of_leaf.tolist()
    made, _ = doubled(of_leaf, y)
    made.sum().backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), np.full((3, 3), 4.0))
    with t.no_grad():
        check(x, y)
        check(leaf * 2, y)
        assert not doubled(leaf * 2, y)[0].requires_grad


def test_methods_and_lambdas_made_anew_compile_nothing() -> None:
    calls = []

    class Thing:
        def twice(self, x: Any) -> Any:
            calls.append(1)
            return x * 2.5

    thing, x = Thing(), t.ones(3)
    irc.compile(thing.twice)(x).tolist()
    assert thing.twice is not thing.twice
    for _ in range(3):
        assert irc.compile(thing.twice)(x).tolist() == [2.5] * 3
    assert len(calls) == 1
    for _ in range(3):
        assert spent(lambda: irc.compile(lambda v: v * 2.5)(x)) == (0, 1)


def test_each_kind_of_recompilation_names_what_to_change(log: Any) -> None:
    @irc.compile
    def f(x: Any, scale: float = 1.0, *, options: Any = None) -> Any:
        return x * scale

    f(t.ones(2))
    for call, said in (
        (lambda: f(t.ones(3)), "(dimension 0: 2 -> 3); one program serves every size where that can be"),
        (lambda: f(t.ones(3, 1)), "reshape x"),
        (lambda: f(t.ones(3, 1, dtype=t.float64)), "convert x to f32"),
        (lambda: f(t.ones(3, 1, dtype=t.float64), 3.0), "number of arguments"),
        (lambda: f(t.ones(3, 1, dtype=t.float64), 4.0), "scale is 4.0 now, and was 3.0"),
        (lambda: f(t.ones(3, 1, dtype=t.float64), 4.0, options={"a": [1]}), "number of arguments"),
        (
            lambda: f(t.ones(3, 1, dtype=t.float64), 4.0, options={"a": [2]}),
            "options['a'][0] is 2 now, and was 1",
        ),
    ):
        call()
        assert said in log()[0]


def test_a_function_that_is_compiled_again_and_again_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    @irc.compile(dynamic=False)
    def f(x: Any) -> Any:
        return x + 1

    for n in range(1, 13):
        f(t.ones(n))
    (line,) = [said for said in capsys.readouterr().err.splitlines() if said.startswith("irc:")]
    assert (
        "compiled 8 times for other arguments" in line
        and "x is tensor<9xf32> now, and was tensor<8xf32>" in line
    )


def test_programs_that_are_kept_are_bounded(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRC_PROGRAM_LIMIT", "8")
    with apart():
        programs = []
        for n in range(1, 20):
            f = irc.compile(lambda x: x + 3.5, dynamic=False)
            f(t.ones(n))
            programs.append(weakref.ref(next(iter(f.traces.values()))[0].executable.__self__))
            del f
        gc.collect()
        assert sum(p() is not None for p in programs) <= 8
        last, first = t.ones(19), t.ones(1)
        assert [last.tolist(), first.tolist()] == [[1.0] * 19, [1.0]]
        assert spent(lambda: irc.compile(lambda x: x + 3.5, dynamic=False)(last)) == (0, 1)
        assert spent(lambda: irc.compile(lambda x: x + 3.5, dynamic=False)(first)) == (1, 1)


def _ten(shape: type) -> Any:
    def run(*xs: Any) -> Any:
        made = [x * 2 for x in xs]
        return made[0] if shape is t.Tensor else shape(made)

    return irc.compile(run)


@pytest.mark.parametrize("shape", [t.Tensor, tuple, list])
def test_calls_in_generated_code_make_tensors_like_others(shape: type) -> None:
    """What comes out is what Python would make, every reference is counted, and what does not fit goes another way."""
    run = _ten(shape)
    xs = [t.tensor([float(i), 1.0]) for i in range(3)]
    for x in xs:
        x.tolist()
    run(*xs)
    run(*xs)
    assert run.direct.native is not None
    made = run(*xs)
    assert type(made) is shape
    first = made if shape is t.Tensor else made[0]
    assert first.tolist() == [0.0, 2.0] and not first.requires_grad and first.grad is None
    value = first._storage._value
    assert value.owner() is first._storage and first._storage.graph is xs[0]._storage.graph
    first += 1
    view = first[:1]
    assert (first + run(*xs)[0] if shape is not t.Tensor else first).tolist()[0] == 1.0 and view.tolist() == [
        1.0
    ]

    arrays = [x._storage._value.array for x in xs]
    before = [sys.getrefcount(o) for o in (*xs, *arrays, type(value), type(first._storage), None)]
    held = [run(*xs) for _ in range(50)]
    del held
    for _ in range(200):
        run(*xs)
        run.direct.native(xs[0], xs[1][:], xs[2])
        run.direct.native(xs[0])
        run.direct.native(3, None, xs[2])
    after = [sys.getrefcount(o) for o in (*xs, *arrays, type(value), type(first._storage), None)]
    assert [b - a for a, b in zip(before, after, strict=True) if abs(a - b) >= 100] == []
    for given in (
        (xs[0], xs[1][:], xs[2]),
        (xs[0],),
        (3, None, xs[2]),
        (*xs[:2], t.ones(2, dtype=t.float64)),
    ):
        assert run.direct.native(*given) is OTHERWISE
    learned = t.ones(2, requires_grad=True)
    assert run.direct.native(xs[0], xs[1], learned) is OTHERWISE
    assert run(xs[0], xs[1], t.ones(3)[:2] * 4.0) is not OTHERWISE


def test_calls_in_generated_code_read_parameters_where_they_are() -> None:
    """A module's parameters are read from their storages, whoever wrote them; references are counted."""
    layer = t.nn.Linear(2, 2, bias=False)
    layer.weight.requires_grad_(False)

    @irc.compile
    def run(x: Any) -> Any:
        with t.no_grad():
            return layer(x)

    x = t.ones(1, 2)
    x.tolist()

    def check() -> None:
        for _ in range(2):
            made = run(x)
            assert run.direct.native is not None
            np.testing.assert_array_equal(made.numpy(), layer.weight.numpy().sum(1)[None])

    run(x)
    check()
    layer.weight.fill_(3)
    layer.weight.tolist()
    check()
    layer.weight[0, 1] = 7
    layer.weight.tolist()
    check()
    layer.weight.copy_(t.eye(2))
    check()
    layer.load_state_dict({"weight": t.full((2, 2), 5.0)})
    check()
    stepped = irc.compile(lambda: layer.weight.add_(1.0))
    stepped()
    check()
    array = layer.weight._storage._value.array
    before = [sys.getrefcount(o) for o in (x, array, layer.weight._storage)]
    for _ in range(200):
        run(x)
    after = [sys.getrefcount(o) for o in (x, array, layer.weight._storage)]
    assert after == before
    layer.double()
    assert run.direct.native(x) is OTHERWISE


def test_what_follows_from_weights_is_made_again_when_they_change() -> None:
    """Packed weights are those of now, whoever wrote them: in place, a state dict, a compiled step, another library."""
    layer = t.nn.Linear(64, 96, bias=False)
    layer.weight.requires_grad_(False)

    @irc.compile
    def run(x: Any) -> Any:
        with t.no_grad():
            return layer(x)

    x = t.ones(2, 64)
    x.tolist()

    def check(native: bool = True) -> None:
        for _ in range(3):
            made = run(x)
            want = layer.weight.numpy().astype(np.float64).sum(1)
            np.testing.assert_allclose(made.numpy()[0], want, rtol=1e-4, atol=1e-5)
        assert (run.direct.native is not None) is native

    run(x)
    (trace,) = next(iter(run.traces.values()))
    assert trace.forms is not None
    check()
    forms = trace.forms.made
    check()
    assert trace.forms.made is forms
    layer.weight.fill_(3)
    layer.weight.tolist()
    check()
    layer.weight[0, 1] = 7
    layer.weight.tolist()
    check()
    layer.load_state_dict({"weight": t.full((96, 64), 5.0)})
    check()
    stepped = irc.compile(lambda: layer.weight.add_(1.0))
    for _ in range(3):
        stepped()
        check()
    layer.weight.requires_grad_(True)
    optimizer = t.optim.SGD([layer.weight], lr=0.5)
    layer.weight.grad = t.ones(96, 64)
    optimizer.step()
    layer.weight.requires_grad_(False)
    check()
    seen = np.from_dlpack(layer.weight)
    check(native=False)
    np.ctypeslib.as_array((ctypes.c_float * seen.size).from_address(seen.ctypes.data))[:] = 0.25
    check(native=False)


def test_an_error_of_a_program_comes_through_a_call_in_generated_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = _ten(tuple)
    x = t.ones(2)
    x.tolist()
    run(x)
    run(x)
    x._storage._value.array = np.ones(2, np.float64)
    with pytest.raises(TypeError, match="argument 0"):
        run(x)
