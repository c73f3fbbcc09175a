"""Training: against PyTorch, and how many programs it compiles and runs."""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as t
from irc.frontends.recorder import graph
from irc.frontends.recorder.backend import counters

torch = pytest.importorskip("torch")


def classifier(t: Any) -> Any:
    """Seed model a, smaller."""
    nn = t.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.pool = nn.MaxPool2d(2)
            self.flatten = nn.Flatten()
            self.fc1 = nn.Linear(8 * 4 * 4, 16)
            self.fc2 = nn.Linear(16, 10)
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            x = self.flatten(self.pool(self.relu(self.conv(x))))
            return self.fc2(self.relu(self.fc1(x)))

    return Net()


def same_weights(own: Any, theirs: Any) -> None:
    own.load_state_dict({k: t.tensor(v.numpy()) for k, v in theirs.state_dict().items()})


RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((6, 3, 8, 8)).astype(np.float32)
LABELS = RNG.integers(0, 10, 6)

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "maximize": True}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True, "betas": (0.8, 0.9)}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.05, "lr_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True}),
    ("Adadelta", {"lr": 1.0}),
]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=lambda v: str(v))
def test_optimizers_match_pytorch(name: str, options: dict[str, Any]) -> None:
    start = [RNG.standard_normal(s).astype(np.float32) for s in ((4, 3), (3,))]

    def train(t: Any) -> list[Any]:
        w, b = (t.tensor(a, requires_grad=True) for a in start)
        optimizer = getattr(t.optim, name)([{"params": [w]}, {"params": [b], "lr": 0.02}], **options)
        x, y = t.tensor(IMAGES[0, 0, :, :4]), t.tensor(IMAGES[0, 1, :, :3])
        for _ in range(5):
            optimizer.zero_grad()
            ((x @ w + b - y) ** 2).mean().backward()
            optimizer.step()
        return [w.detach().numpy(), b.detach().numpy()]

    for own, theirs in zip(train(t), train(torch), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=2e-4, atol=2e-5)


def test_classifier_matches_pytorch() -> None:
    theirs = classifier(torch)
    own = classifier(t)
    same_weights(own, theirs)

    def train(t: Any, net: Any) -> list[float]:
        optimizer = t.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        criterion = t.nn.CrossEntropyLoss()
        x, y = t.tensor(IMAGES), t.tensor(LABELS)
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    np.testing.assert_allclose(train(t, own), train(torch, theirs), rtol=1e-4)
    for a, b in zip(own.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-3, atol=1e-5)


class Loop:
    """A training loop whose parts a test can look at."""

    def __init__(self, momentum: float = 0.0) -> None:
        t.manual_seed(1)
        self.net = t.nn.Sequential(t.nn.Linear(4, 5), t.nn.Tanh(), t.nn.Linear(5, 2))
        self.optimizer = t.optim.SGD(self.net.parameters(), lr=0.1, momentum=momentum)
        self.x, self.y = t.tensor(IMAGES[0, 0, :, :4]), t.tensor(LABELS[:1].repeat(8) % 2)

    def loss(self) -> Any:
        self.optimizer.zero_grad()
        return t.nn.functional.cross_entropy(self.net(self.x), self.y)


def spent(run: Any) -> tuple[int, int]:
    """(compiled, runs) of a call."""
    before = counters.compiled, counters.runs
    run()
    return counters.compiled - before[0], counters.runs - before[1]


def test_a_step_is_one_program() -> None:
    loop = Loop()

    def step() -> None:
        loss = loop.loss()
        loss.backward()
        loop.optimizer.step()

    spent(step)
    for _ in range(3):
        assert spent(step) == (0, 1)


def test_a_look_before_backward_makes_two_programs() -> None:
    """Forward with residuals, then backward and update; nothing is computed twice."""
    loop = Loop()

    def step() -> None:
        loss = loop.loss()
        loss.item()
        loss.backward()
        loop.optimizer.step()

    spent(step)
    spent(step)
    for _ in range(3):
        assert spent(step) == (0, 2)


def test_a_look_after_the_step_is_free() -> None:
    loop = Loop()

    def step() -> None:
        loss = loop.loss()
        loss.backward()
        loop.optimizer.step()
        loss.item()
        loop.net[0].weight.grad.tolist()
        loop.net[0].weight.tolist()

    spent(step)
    for _ in range(3):
        assert spent(step) == (0, 1)


def test_a_changing_learning_rate_compiles_once_more() -> None:
    loop = Loop()
    schedule = t.optim.lr_scheduler.ExponentialLR(loop.optimizer, 0.9)

    def step() -> None:
        loop.loss().backward()
        loop.optimizer.step()
        schedule.step()

    spent(step)
    assert spent(step) == (1, 1)
    for _ in range(4):
        assert spent(step) == (0, 1)


def test_ten_thousand_operations_are_computed_on_the_way() -> None:
    x = t.zeros(3)
    x.tolist()
    compiled, runs = spent(lambda: _count(x, 25_000))
    assert 3 <= runs <= 6 and compiled <= 3


def _count(x: Any, n: int) -> None:
    for _ in range(n):
        x = x + 1
    assert x.tolist() == [n] * 3


def test_memory_does_not_grow_when_nobody_looks() -> None:
    """Seed model b: 1,000 steps whose loss nobody looks at; peak memory at the end within 10 % of step 10."""
    t.manual_seed(0)
    nn = t.nn
    net = nn.Sequential(
        nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 1), nn.Sigmoid()
    )
    criterion, optimizer = nn.BCELoss(), t.optim.Adam(net.parameters())
    x = t.randn(16, 10)
    y = (x.sum(1, keepdim=True) > 0).float()
    peaks, losses = {}, []
    for step in range(1, 1001):
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        if step in (10, 1000):
            peaks[step] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            losses.append(loss)
    assert peaks[1000] <= 1.1 * peaks[10]
    assert losses[1].item() < losses[0].item()


def test_dropout_is_reproducible_and_scaled() -> None:
    drop = t.nn.Dropout(0.25)
    x = t.ones(4000)
    t.manual_seed(5)
    a, b = drop(x), drop(x)
    t.manual_seed(5)
    c = drop(x)
    assert a.tolist() == c.tolist() != b.tolist()
    kept = a.numpy()
    assert set(np.unique(kept)) == {0.0, np.float32(1 / 0.75)}
    assert abs((kept == 0).mean() - 0.25) < 0.03
    drop.eval()
    assert drop(x).tolist() == x.tolist()


def test_batch_norm_statistics_match_pytorch() -> None:
    x = IMAGES * 3 + 1
    for momentum in (0.1, None):
        own, theirs = t.nn.BatchNorm2d(3, momentum=momentum), torch.nn.BatchNorm2d(3, momentum=momentum)
        for i in range(3):
            a, b = own(t.tensor(x * (i + 1))), theirs(torch.tensor(x * (i + 1)))
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-4)
        own.eval(), theirs.eval()
        np.testing.assert_allclose(
            own(t.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-4
        )
        for name, value in theirs.state_dict().items():
            np.testing.assert_allclose(own.state_dict()[name].numpy(), value.numpy(), rtol=1e-4)


def test_random_numbers_have_their_distributions() -> None:
    t.manual_seed(0)
    u, n, k = t.rand(20000).numpy(), t.randn(20000).numpy(), t.randint(3, 9, (20000,)).numpy()
    assert u.min() >= 0 and u.max() < 1 and abs(u.mean() - 0.5) < 0.01 and abs(u.var() - 1 / 12) < 0.005
    assert abs(n.mean()) < 0.03 and abs(n.std() - 1) < 0.02 and abs((n**4).mean() - 3) < 0.2
    assert set(k.tolist()) == set(range(3, 9)) and abs(k.mean() - 5.5) < 0.05


@pytest.mark.parametrize("layer", ["Linear(30, 20)", "Conv2d(3, 8, 3)", "Embedding(50, 20)", "LSTM(6, 5)"])
def test_initial_weights_have_pytorchs_spread(layer: str) -> None:
    t.manual_seed(0)
    torch.manual_seed(0)
    own, theirs = eval(f"t.nn.{layer}"), eval(f"torch.nn.{layer}")
    for (name, a), (other, b) in zip(own.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other and tuple(a.shape) == tuple(b.shape)
        bound = np.abs(b.detach().numpy()).max()
        assert np.abs(a.detach().numpy()).max() < 1.7 * bound
        if a.numel() > 100:
            assert a.detach().numpy().std() == pytest.approx(b.detach().numpy().std(), rel=0.2)


def test_several_heads_and_a_loss_of_ones_own() -> None:
    def train(t: Any, build: Any) -> list[float]:
        nn = t.nn

        class Weighted(nn.Module):
            def __init__(self, share: float) -> None:
                super().__init__()
                self.share = share

            def forward(self, a: Any, b: Any) -> Any:
                return (self.share * (a - b).abs() + (1 - self.share) * (a - b) ** 2).mean()

        trunk, first, second = build()
        parameters = [*trunk.parameters(), *first.parameters(), *second.parameters()]
        optimizer = t.optim.Adam(parameters, lr=0.01)
        x, y = t.tensor(IMAGES[0, 0]), t.tensor(IMAGES[0, 1, :, :2])
        labels = t.tensor(np.arange(8) % 3)
        losses = []
        for _ in range(4):
            optimizer.zero_grad()
            h = trunk(x).tanh()
            one, two = Weighted(0.3)(first(h), y), nn.CrossEntropyLoss()(second(h), labels)
            (one + 0.5 * two).backward()
            optimizer.step()
            losses += [one.item(), two.item()]
        return losses

    theirs = [torch.nn.Linear(8, 6), torch.nn.Linear(6, 2), torch.nn.Linear(6, 3)]
    own = [t.nn.Linear(8, 6), t.nn.Linear(6, 2), t.nn.Linear(6, 3)]
    for a, b in zip(own, theirs, strict=True):
        same_weights(a, b)
    np.testing.assert_allclose(train(t, lambda: own), train(torch, lambda: theirs), rtol=1e-4)


def test_clipping_matches_pytorch() -> None:
    def program(t: Any) -> list[Any]:
        w = t.tensor(IMAGES[0, 0], requires_grad=True)
        (w**3).sum().backward()
        total = t.nn.utils.clip_grad_norm_([w], 0.5)
        return [total.numpy(), w.grad.numpy()]

    for own, theirs in zip(program(t), program(torch), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-5)


def test_optimizer_state_can_be_saved(tmp_path: Any) -> None:
    def build() -> tuple[Any, Any]:
        net = t.nn.Linear(4, 2)
        return net, t.optim.Adam(net.parameters(), lr=0.1)

    def step(net: Any, optimizer: Any) -> None:
        optimizer.zero_grad()
        net(t.tensor(IMAGES[0, 0, :, :4])).pow(2).sum().backward()
        optimizer.step()

    net, optimizer = build()
    step(net, optimizer)
    step(net, optimizer)
    t.save(
        {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 2}, tmp_path / "c.safetensors"
    )
    twin, other = build()
    saved = t.load(tmp_path / "c.safetensors")
    assert saved["epoch"] == 2
    twin.load_state_dict(saved["net"])
    other.load_state_dict(saved["optimizer"])
    step(net, optimizer)
    step(twin, other)
    np.testing.assert_array_equal(net.weight.detach().numpy(), twin.weight.detach().numpy())
    assert float(other.state[twin.weight]["step"]) == 3


def test_absent_parameters_keep_their_own_step_count() -> None:
    def train(t: Any) -> list[Any]:
        a, b = t.tensor([1.0, 2.0], requires_grad=True), t.tensor([3.0], requires_grad=True)
        optimizer = t.optim.Adam([a, b], lr=0.1)
        for i in range(4):
            optimizer.zero_grad()
            loss = (a * a).sum() + ((b * b).sum() if i % 2 else 0)
            loss.backward()
            optimizer.step()
        return [a.detach().numpy(), b.detach().numpy()]

    for own, theirs in zip(train(t), train(torch), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-5)


def test_step_with_a_closure() -> None:
    loop = Loop()

    def closure() -> Any:
        loss = loop.loss()
        loss.backward()
        return loss

    first = loop.optimizer.step(closure).item()
    assert loop.optimizer.step(closure).item() < first


def test_compiled_losses_equal_recorded_ones() -> None:
    def losses(compiled: bool) -> list[float]:
        loop = Loop(momentum=0.9)

        def step() -> Any:
            loss = loop.loss()
            loss.backward()
            loop.optimizer.step()
            return loss

        run = irc.compile(step) if compiled else step
        return [run().item() for _ in range(5)]

    assert losses(True) == losses(False)


def test_segments_may_end_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Computed after every other op, a training with dropout, views and clipping gives the same bits."""

    def train() -> list[np.ndarray]:
        t.manual_seed(3)
        net = t.nn.Sequential(t.nn.Linear(4, 6), t.nn.Tanh(), t.nn.Dropout(0.5), t.nn.Linear(6, 2))
        optimizer = t.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        x, y = t.tensor(IMAGES[0, 0, :, :4]), t.tensor(LABELS[:1].repeat(8) % 2)
        for _ in range(3):
            optimizer.zero_grad()
            logits = net(x * 1)
            logits[:, 0] += logits[:, 1].detach()
            t.nn.functional.cross_entropy(logits, y, label_smoothing=0.1).backward()
            t.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()
        return [p.detach().numpy() for p in net.parameters()]

    whole = train()
    monkeypatch.setattr(graph, "OPERATION_LIMIT", 2)
    for a, b in zip(train(), whole, strict=True):
        assert a.tobytes() == b.tobytes()
