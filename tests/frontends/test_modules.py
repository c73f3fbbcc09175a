"""nn.Module: registration, state, text, recurrent layers and containers, as PyTorch has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc.torch as t

torch = pytest.importorskip("torch")

PRINTED = [
    "Linear(3, 4, bias=False)", "Conv2d(3, 8, 3, padding=1, stride=2, groups=1)", "Conv2d(4, 8, 3, groups=2, bias=False)",
    "ConvTranspose2d(3, 8, 3, stride=2, output_padding=1)", "MaxPool2d(2)", "AvgPool2d(3, 2, 1)", "Flatten()",
    "BatchNorm2d(8)", "LayerNorm(5)", "Dropout(0.3)", "ReLU()", "ReLU(inplace=True)", "LeakyReLU(0.2)", "GELU()",
    "Softmax(dim=1)", "Embedding(10, 3, padding_idx=0)", "LSTM(3, 4, num_layers=2, batch_first=True)",
    "RNN(3, 4)", "GroupNorm(2, 4)", "AdaptiveAvgPool2d((1, 1))", "Sequential(nn.Linear(2, 3), nn.ReLU())",
    "ModuleList([nn.Linear(2, 2) for _ in range(3)])", "ModuleDict({'a': nn.Tanh()})", "CrossEntropyLoss()",
    "Sequential(nn.Sequential(nn.Linear(1, 1)), nn.Sigmoid())", "Identity()", "Upsample(scale_factor=2)",
]  # fmt: skip


@pytest.mark.parametrize("text", PRINTED)
def test_prints_as_pytorch(text: str) -> None:
    own, theirs = (eval(f"nn.{text}", {"nn": n}) for n in (t.nn, torch.nn))
    assert repr(own) == repr(theirs)
    assert [k for k, _ in own.named_parameters()] == [k for k, _ in theirs.named_parameters()]
    assert list(own.state_dict()) == list(theirs.state_dict())


TENSORS = [
    [1.0, 2.0], [1.5, -2.25], [[1, 2], [3, 400]], 3.0, [True, False], [], [1e-8, 1.0], [1e9, 1.0], [float("nan"), 1.0],
    [float("inf"), -1.0], [[[1.0, 2], [3, 4]], [[5, 6], [7, 8]]], list(range(30)),
]  # fmt: skip


@pytest.mark.parametrize("data", TENSORS, ids=lambda d: str(d)[:30])
def test_tensors_print_as_pytorch(data: Any) -> None:
    assert repr(t.tensor(data)) == repr(torch.tensor(data))


def test_other_tensors_print_as_pytorch() -> None:
    for f in (
        lambda t: t.zeros(2000),
        lambda t: t.arange(2000.0).reshape(40, 50),
        lambda t: t.ones(2, dtype=t.float64),
        lambda t: t.ones(2, requires_grad=True),
        lambda t: t.zeros(0, 3),
        lambda t: t.tensor([1, 2], dtype=t.int32),
        lambda t: t.nn.Parameter(t.ones(2)),
    ):
        assert repr(f(t)) == repr(f(torch))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("RNN", {}),
        ("RNN", {"nonlinearity": "relu", "num_layers": 2, "bidirectional": True}),
        ("LSTM", {"batch_first": True}),
        ("LSTM", {"num_layers": 2, "bias": False}),
        ("GRU", {"num_layers": 2, "bidirectional": True}),
    ],
    ids=str,
)
def test_recurrent_layers_match_pytorch(kind: str, options: dict[str, Any]) -> None:
    theirs = getattr(torch.nn, kind)(4, 5, **options)
    own = getattr(t.nn, kind)(4, 5, **options)
    own.load_state_dict({k: t.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float32)

    def outcome(t: Any, net: Any) -> list[Any]:
        given = t.tensor(x, requires_grad=True)
        y, state = net(given)
        states = state if isinstance(state, tuple) else (state,)
        ((y**2).sum() + sum(s.sum() for s in states)).backward()
        return [y.detach(), *(s.detach() for s in states), given.grad, *(p.grad for p in net.parameters())]

    for a, b in zip(outcome(t, own), outcome(torch, theirs), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_recurrent_cells_match_pytorch(kind: str) -> None:
    theirs, own = getattr(torch.nn, kind)(4, 5), getattr(t.nn, kind)(4, 5)
    own.load_state_dict({k: t.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
    a, b = own(t.tensor(x)), theirs(torch.tensor(x))
    pairs = zip(a, b, strict=True) if isinstance(b, tuple) else [(a, b)]
    for one, two in pairs:
        np.testing.assert_allclose(one.detach().numpy(), two.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_lazy_layers_learn_their_extents() -> None:
    net = t.nn.Sequential(
        t.nn.LazyConv2d(4, 3), t.nn.LazyBatchNorm2d(), t.nn.ReLU(), t.nn.Flatten(), t.nn.LazyLinear(5)
    )
    assert net(t.ones(2, 3, 5, 5)).shape == (2, 5)
    assert type(net[0]) is t.nn.Conv2d and net[4].in_features == 36
    assert tuple(net[4].weight.shape) == (5, 36) and net[4].weight.requires_grad
    net(t.ones(2, 3, 5, 5)).sum().backward()
    assert net[0].weight.grad is not None


class Tree(t.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = t.nn.Linear(2, 2)
        self.b = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2))
        self.register_buffer("steps", t.zeros(()), persistent=False)
        self.scale = t.nn.Parameter(t.ones(1))
        self.tied = self.a


def test_walking() -> None:
    tree = Tree()
    assert [n for n, _ in tree.named_modules()] == ["", "a", "b", "b.0", "b.1"]
    assert [n for n, _ in tree.named_children()] == ["a", "b"]
    names = [n for n, _ in tree.named_parameters()]
    assert names[0] == "scale" and len(names) == 7
    assert "steps" not in tree.state_dict() and "tied.weight" in tree.state_dict()
    assert next(n for n, _ in tree.named_buffers()) == "steps"
    seen = []
    tree.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "Linear", "BatchNorm1d", "Sequential", "Tree"]
    tree.eval()
    assert not tree.b[1].training
    assert tree.get_submodule("b.0") is tree.b[0]


def test_registration_rules() -> None:
    tree = Tree()
    with pytest.raises(TypeError, match=r"torch.nn.Parameter or None"):
        tree.scale = t.ones(1)
    with pytest.raises(KeyError, match="already exists"):
        tree.register_buffer("forward", None)
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = tree.missing
    tree.a = None
    assert tree.a is None and "a.weight" not in dict(tree.named_parameters())

    class Forgetful(t.nn.Module):
        def __init__(self) -> None:
            self.fc = t.nn.Linear(1, 1)

    with pytest.raises(AttributeError, match="super"):
        Forgetful()


def test_load_state_dict_says_everything_that_is_wrong() -> None:
    tree = Tree()
    state = tree.state_dict()
    del state["a.weight"]
    state["more"] = t.ones(1)
    state["scale"] = t.ones(3)
    with pytest.raises(RuntimeError) as caught:
        tree.load_state_dict(state)
    text = str(caught.value)
    assert 'Missing key(s) in state_dict: "a.weight"' in text
    assert 'Unexpected key(s) in state_dict: "more"' in text
    assert "size mismatch for scale" in text
    found = Tree().load_state_dict({"more": t.ones(1)}, strict=False)
    assert found.unexpected_keys == ["more"] and "scale" in found.missing_keys


def test_hooks() -> None:
    net = t.nn.Linear(2, 2)
    seen = []
    handle = net.register_forward_hook(lambda m, args, out: seen.append(tuple(out.shape)))
    before = net.register_forward_pre_hook(lambda m, args: (args[0] * 0,))
    out = net(t.ones(1, 2))
    assert seen == [(1, 2)] and out.tolist() == [net.bias.tolist()]
    handle.remove(), before.remove()
    net(t.ones(1, 2))
    assert len(seen) == 1


def test_dtype_conversion() -> None:
    net = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2)).double()
    assert net[0].weight.dtype is t.float64 and net[1].num_batches_tracked.dtype is t.int64
    assert net(t.ones(3, 2, dtype=t.float64)).dtype is t.float64
    assert net.to("cpu") is net
    with pytest.raises(RuntimeError, match="is_available"):
        net.to("cuda")
    assert not t.cuda.is_available() and str(t.device("cuda:1")) == "cuda:1"


@pytest.mark.parametrize("batch_first", [False, True])
def test_attention_matches_pytorch(batch_first: bool) -> None:
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=batch_first)
    own = t.nn.MultiheadAttention(8, 2, batch_first=batch_first)
    own.load_state_dict({k: t.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    rng = np.random.default_rng(0)
    q, k = (
        rng.standard_normal((3, 3, 8)).astype(np.float32),
        rng.standard_normal((3, 3, 8)).astype(np.float32),
    )
    hidden = np.triu(np.ones((3, 3), bool), 1)
    pads = np.array([[False, False, True], [False] * 3, [False, True, False]])

    def outcome(t: Any, net: Any) -> list[Any]:
        x = t.tensor(q, requires_grad=True)
        y, w = net(x, t.tensor(k), t.tensor(k), key_padding_mask=t.tensor(pads), attn_mask=t.tensor(hidden))
        (y**2).sum().backward()
        return [y.detach(), w.detach(), x.grad, *(p.grad for p in net.parameters())]

    for a, b in zip(outcome(t, own), outcome(torch, theirs), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)


def test_categorical_matches_pytorch() -> None:
    logits = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    own = t.distributions.Categorical(logits=t.tensor(logits))
    theirs = torch.distributions.Categorical(logits=torch.tensor(logits))
    classes = [0, 2, 1, 1]
    for a, b in (
        (own.log_prob(t.tensor(classes)), theirs.log_prob(torch.tensor(classes))),
        (own.entropy(), theirs.entropy()),
        (own.probs, theirs.probs),
    ):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)
    t.manual_seed(0)
    drawn = own.sample((4000,)).numpy()
    shares = np.stack([(drawn == c).mean(0) for c in range(3)], 1)
    np.testing.assert_allclose(shares, theirs.probs.numpy(), atol=0.03)


def test_assert_close() -> None:
    t.testing.assert_close(t.ones(2), t.ones(2) + 1e-7)
    for other in (t.ones(2) + 1e-2, t.ones(3), t.ones(2, dtype=t.float64)):
        with pytest.raises(AssertionError):
            t.testing.assert_close(t.ones(2), other)
