"""Tensors on a device, which here is the interpreter of PTX: they stay there, and give the host's bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as torch
from irc.codegen.gpu.emulated import EmulatedDevice
from irc.errors import UnsupportedError
from irc.torch import nn

DEVICE = "ptx-emulated"


@pytest.fixture
def travels(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How many arrays went to the device and came back."""
    seen: Counter[str] = Counter()
    for name in ("write", "read"):
        real = getattr(EmulatedDevice, name)

        def counted(self: Any, *given: Any, name: str = name, real: Any = real) -> Any:
            seen[name] += 1
            return real(self, *given)

        monkeypatch.setattr(EmulatedDevice, name, counted)
    yield seen


def test_tensors_go_stay_and_come_back(travels: Counter[str]) -> None:
    x = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    there = x.to(DEVICE)
    y = (there * 2).sum(1)
    assert (x.device.type, there.device.type, y.device.type) == ("cpu", DEVICE, DEVICE)
    assert travels["read"] == 0
    assert y.cpu().device.type == "cpu" and y.tolist() == [6, 24]
    assert there.to(DEVICE) is there and torch.zeros(2).to(y).device.type == DEVICE
    assert repr(there[0]) == "tensor([0., 1., 2.], device='ptx-emulated')"


def test_tensors_are_made_on_a_device() -> None:
    made = [
        torch.zeros(3, device=DEVICE),
        torch.tensor([1, 2], device=DEVICE),
        torch.randn(2, 2, device=torch.device(DEVICE)),
        torch.arange(3, device=DEVICE),
        torch.ones_like(torch.zeros(2, device=DEVICE)),
        torch.zeros(2, device=DEVICE).new_full((2,), 3.0),
        nn.Linear(2, 3, device=DEVICE).weight,
    ]
    assert {t.device.type for t in made} == {DEVICE}
    with torch.device(DEVICE):
        assert torch.ones(2).device.type == torch.tensor(1.0).device.type == DEVICE
    assert torch.ones(2).device.type == torch.zeros_like(made[0], device="cpu").device.type == "cpu"


def test_random_numbers_are_the_same_everywhere() -> None:
    torch.manual_seed(3)
    host = [torch.randn(5), torch.randn(5), torch.randn(5)]
    torch.manual_seed(3)
    there = [torch.randn(5, device=DEVICE), torch.randn(5), torch.randn(5, device=DEVICE)]
    assert [t.tolist() for t in there] == [t.tolist() for t in host]


MIXED: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda here, there: here + there,
    "matmul": lambda here, there: there @ here,
    "cat": lambda here, there: torch.cat([here, there]),
    "where": lambda here, there: torch.where(here > 0, there, there),
    "linear": lambda here, there: nn.Linear(3, 3)(there),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixed_devices_are_pytorchs_error_at_the_users_line(name: str) -> None:
    here, there = torch.ones(3, 3), torch.ones(3, 3, device=DEVICE)
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device") as caught:
        MIXED[name](here, there)
    assert "cpu" in str(caught.value) and DEVICE in str(caught.value)
    span: Any = caught.value.span  # type: ignore[attr-defined]
    assert span.file == __file__


def test_what_pytorch_lets_mix() -> None:
    there = torch.arange(6, dtype=torch.float32, device=DEVICE)
    index = torch.tensor([4, 1])
    assert (there + torch.tensor(1.0)).tolist() == [1, 2, 3, 4, 5, 6]
    assert there[index].tolist() == [4, 1] and there[there > 3].tolist() == [4, 5]
    there[index] = torch.tensor([10.0, 20.0])
    there[0] = torch.tensor(7.0)
    there[2:4].copy_(torch.tensor([8.0, 9.0]))
    assert there.device.type == DEVICE and there.tolist() == [7, 20, 8, 9, 10, 5]
    here = torch.zeros(6)
    here.copy_(there)
    assert here.device.type == "cpu" and here.tolist() == there.tolist()
    with pytest.raises(TypeError, match=r"can't convert ptx-emulated device type tensor to numpy"):
        there.numpy()


def test_gradients_go_back_to_the_leaf() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (w.to(DEVICE) ** 2).sum().backward()
    assert w.grad is not None and w.grad.device.type == "cpu" and w.grad.tolist() == [2, 4]


def network() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(48, 4),
    )  # fmt: skip


def trained(
    place: Callable[[Any], Any], wrap: Callable[[Any], Any], optimizer: str
) -> tuple[list[float], Any]:
    """Losses of some steps, and the model; `place` moves a model or a tensor."""
    model = place(network())
    made = getattr(torch.optim, optimizer)
    more = {"momentum": 0.9} if optimizer == "SGD" else {}
    updates = made(model.parameters(), lr=0.05, **more)

    def step(x: Any, y: Any) -> Any:
        updates.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        updates.step()
        return loss

    run, losses = wrap(step), []
    for _ in range(3):
        x, y = torch.randn(4, 1, 4, 4), torch.randint(0, 4, (4,))
        losses.append(run(place(x), place(y)).item())
    return losses, model


def there(value: Any) -> Any:
    return value.to(DEVICE)


def here(value: Any) -> Any:
    return value


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("way", ["eager", "compiled", "compiled for the target"])
def test_training_there_has_the_hosts_bits(way: str, optimizer: str) -> None:
    host, kept = trained(here, here, optimizer)
    wrap = {"eager": here, "compiled": irc.compile, "compiled for the target": irc.compile(target=DEVICE)}[
        way
    ]
    place = here if "target" in way else there
    losses, model = trained(place, wrap, optimizer)
    assert losses == host
    for mine, other in zip(model.parameters(), kept.parameters(), strict=True):
        assert mine.device.type == DEVICE
        assert mine.detach().cpu().numpy().tobytes() == other.detach().numpy().tobytes()


def test_a_compiled_step_keeps_its_state_there(travels: Counter[str]) -> None:
    model = network().to(DEVICE)
    updates = torch.optim.Adam(model.parameters(), lr=0.01)

    @irc.compile
    def step(x: Any, y: Any) -> Any:
        updates.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        updates.step()
        return loss

    batch = torch.randn(4, 1, 4, 4).to(DEVICE), torch.randint(0, 4, (4,)).to(DEVICE)
    for _ in range(2):
        step(*batch)
    places = [p.data_ptr() for p in model.parameters()]
    travels.clear()
    loss = step(*batch)
    assert travels == {}
    assert loss.item() > 0 and travels == {"read": 1}
    assert [p.data_ptr() for p in model.parameters()] == places


def test_a_step_may_bring_its_batch_itself(travels: Counter[str]) -> None:
    model = nn.Linear(3, 2).to(DEVICE)

    @irc.compile
    def run(x: Any) -> Any:
        with torch.no_grad():
            return model(x.to(DEVICE)).sum().cpu()

    x = torch.ones(4, 3)
    with torch.no_grad():
        expected = model.cpu()(x).sum().item()
    model.to(DEVICE)
    for _ in range(2):
        travels.clear()
        made = run(x)
        assert made.device.type == "cpu" and made.item() == expected
        assert travels == {"write": 1, "read": 1}


def test_a_model_that_moves_is_recorded_again() -> None:
    model = nn.Linear(3, 2)
    run = irc.compile(model)
    x = torch.ones(1, 3)
    with torch.no_grad():
        first = run(x)
        model.to(DEVICE)
        second = run(x.to(DEVICE))
        model.cpu()
        third = run(x)
    assert [t.device.type for t in (first, second, third)] == ["cpu", DEVICE, "cpu"]
    assert first.tolist() == second.tolist() == third.tolist()


def test_gradients_flow_through_a_compiled_function_there() -> None:
    model = nn.Linear(3, 2).to(DEVICE)
    run, x = irc.compile(model), torch.ones(4, 3)
    for target in (run, irc.compile(nn.Linear(3, 2), target=DEVICE)):
        for _ in range(2):
            target(x.to(DEVICE)).sum().backward()
    assert model.weight.grad is not None and model.weight.grad.device.type == DEVICE
    assert model.weight.grad.tolist() == [[8.0] * 3] * 2


def test_loops_and_choices_there() -> None:
    def run(x: Any) -> Any:
        start = torch.tensor(0).to(x.device), x
        _, y = irc.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1] * 1.5), start)
        return irc.cond(y.sum() > 3, lambda a: a + 1, lambda a: a - 1, y)

    x = torch.tensor([0.5, 0.25])
    assert irc.compile(run)(x.to(DEVICE)).tolist() == run(x.to(DEVICE)).tolist() == run(x).tolist()


def test_state_dicts_cross() -> None:
    model, other = nn.Linear(3, 2).to(DEVICE), nn.Linear(3, 2)
    other.load_state_dict(model.state_dict())
    assert other.weight.device.type == "cpu" and other.weight.tolist() == model.weight.tolist()
    model.load_state_dict(nn.Linear(3, 2).state_dict())
    assert model.weight.device.type == DEVICE


def test_devices_that_are_not_here() -> None:
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
    with pytest.raises(RuntimeError, match="device 'cuda' is not available"):
        torch.zeros(2, device="cuda")
    with pytest.raises(
        RuntimeError, match="device 'xla' is not available: irc runs on cpu, cuda, ptx-emulated"
    ):
        torch.zeros(2).to("xla")
    with pytest.raises(UnsupportedError, match=r"no target 'tpu' \(targets: cpu, cuda, ptx-emulated\)"):
        irc.compile(target="tpu")(abs)
    with pytest.raises(UnsupportedError, match="target 'cuda' needs"):
        irc.compile(abs, target="cuda")


def test_device_arrays_of_programs() -> None:
    module = irc.parse("""
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %x, %y : tensor<4xf32>
  return %0 : tensor<4xf32>
}""")
    program = irc.compile_module(module, target=DEVICE, donate=[0])
    x = irc.to_device(np.arange(4, dtype=np.float32), DEVICE)
    (made,) = program(x, np.ones(4, np.float32))
    assert made is x and np.asarray(x).tolist() == [1, 2, 3, 4] and x.copy().numpy().tolist() == [1, 2, 3, 4]
    with pytest.raises(TypeError, match=r"argument 1: expected f32\[4\], got i32\[4\]"):
        program(x, irc.to_device(np.zeros(4, np.int32), DEVICE))
    with pytest.raises(BufferError, match="no other library's"):
        x.__dlpack__()
