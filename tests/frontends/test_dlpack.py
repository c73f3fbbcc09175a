"""DLPack with NumPy and PyTorch: shared memory, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as torch
from irc.torch import nn

DTYPES = ["float32", "float64", "int64", "uint8", "bool", "complex64", "float16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_reads_the_tensors_memory(dtype: str) -> None:
    x = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))
    seen = np.from_dlpack(x)
    assert seen.ctypes.data == x.data_ptr() and x.__dlpack_device__() == (1, 0)
    assert seen.dtype == dtype and seen.tolist() == x.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_reads_numpys_memory(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    x = torch.from_dlpack(array)
    assert x.data_ptr() == array.ctypes.data and x.tolist() == array.tolist()
    assert (x + x).tolist() == (array + array).tolist()


def test_pytorch_reads_and_is_read() -> None:
    peer = pytest.importorskip("torch")
    mine = torch.randn(3, 4)
    theirs = peer.from_dlpack(mine)
    assert theirs.data_ptr() == mine.data_ptr() and theirs.tolist() == mine.tolist()
    given = peer.arange(12.0).reshape(3, 4)
    shown = torch.from_dlpack(given)
    assert shown.data_ptr() == given.data_ptr()
    given[0, 0] = 7
    assert shown[0, 0].item() == 7
    turned = torch.from_dlpack(given.T)
    assert turned.tolist() == given.T.tolist() and turned.data_ptr() != given.data_ptr()
    capsule = peer.utils.dlpack.to_dlpack(given)
    assert torch.utils.dlpack.from_dlpack(capsule).tolist() == given.tolist()


def test_memory_that_is_shown_is_never_given_away() -> None:
    """Neither to a result of the segment that reads it last, nor to the new state of a compiled step."""
    x = torch.ones(64, 64)
    seen = np.from_dlpack(x)
    x.mul_(3)
    x = x + 1
    assert x[0, 0].item() == 4 and (seen == 1).all()
    model = nn.Linear(8, 8, bias=False)
    updates = torch.optim.SGD(model.parameters(), lr=0.1)

    @irc.compile
    def step(data: Any) -> Any:
        updates.zero_grad()
        loss = model(data).sum()
        loss.backward()
        updates.step()
        return loss

    data = torch.ones(2, 8)
    step(data)
    before = np.from_dlpack(model.weight.detach())
    kept = before.copy()
    for _ in range(3):
        step(data)
    assert (before == kept).all() and not np.array_equal(model.weight.detach().numpy(), kept)
    array = np.ones((64, 64), np.float32)
    y = torch.from_dlpack(array)
    y.add_(1)
    assert (array == 1).all() and y[0, 0].item() == 2


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"require gradient, use tensor\.detach\(\)"):
        torch.ones(2, requires_grad=True).__dlpack__()
    with pytest.raises(TypeError, match="from_dlpack takes an object with __dlpack__, not list"):
        torch.from_dlpack([1.0])
    with pytest.raises(BufferError):
        np.from_dlpack(torch.ones(2, device="ptx-emulated"))
