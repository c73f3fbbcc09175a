"""torch.autograd."""

from __future__ import annotations

from typing import Any

from irc.frontends.torch.grad_mode import enable_grad, no_grad, set_grad_enabled
from irc.frontends.torch.tensor import Tensor, backward, grad

Variable = Tensor


class set_detect_anomaly:
    """Accepted; `irc run --trap-nan` finds the first NaN."""

    def __init__(self, mode: bool = True, check_nan: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> set_detect_anomaly:
        return self

    def __exit__(self, *exc: Any) -> None:
        return None


detect_anomaly = set_detect_anomaly

__all__ = [
    "Tensor", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "no_grad", "set_detect_anomaly",
    "set_grad_enabled",
]  # fmt: skip
