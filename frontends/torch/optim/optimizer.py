"""torch.optim: optimizers whose step is one recorded operation over all parameters of a group.

The end of `step` is where a training segment is computed: forward, backward and update run as one program, and what the
update replaced is given back to it as memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import apply, constant, recorder
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Literal, Recorded
from irc.frontends.torch.grad_mode import enable_grad
from irc.frontends.torch.tensor import Tensor, wrap
from irc.ir.types import TensorType, f64, i64

Group = dict[str, Any]


class Optimizer:
    """Base of the optimizers: parameter groups with their options, and the state of each parameter."""

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise located(
                RecordTypeError(
                    "params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.Tensor",
                    notes=("write [parameter]",),
                )
            )
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        groups = list(params)
        if not groups:
            raise located(
                RecordValueError(
                    "optimizer got an empty parameter list",
                    notes=("a generator that was used up is empty: call net.parameters() again",),
                )
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Adds parameters with options of their own."""
        if not isinstance(param_group, dict):
            raise located(RecordTypeError(f"param_group must be a dict, but got {type(param_group)}"))
        given = param_group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        # named_parameters() is taken too.
        params = [p[1] if isinstance(p, tuple) else p for p in params]
        held = [p for group in self.param_groups for p in group["params"]]
        for p in params:
            if not isinstance(p, Tensor):
                raise located(
                    RecordTypeError(
                        f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}"
                    )
                )
            if not p.is_leaf:
                raise located(RecordValueError("can't optimize a non-leaf Tensor"))
            if any(p is other for other in held):
                raise located(RecordValueError("some parameters appear in more than one parameter group"))
        self.param_groups.append({**self.defaults, **param_group, "params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients, or fills them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad.detach_().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient. With a closure, that is called first and gives the loss."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        before, recorder.grad_enabled = recorder.grad_enabled, False
        try:
            for group in self.param_groups:
                params = [p for p in group["params"] if p.grad is not None]
                if params:
                    with recorder.at(making=params[0]._read().place):
                        self._update(group, params)
            if not recorder.graph.tracing:
                flush()
        finally:
            recorder.grad_enabled = before
        return loss

    def _update(self, group: Group, params: list[Tensor]) -> None:
        raise located(RecordTypeError(f"{type(self).__name__} has no update"))

    def state_dict(self) -> dict[str, Any]:
        """Options and state, parameters by number."""
        number = {id(p): i for i, p in enumerate(p for g in self.param_groups for p in g["params"])}
        groups = [
            {**{k: v for k, v in g.items() if k != "params"}, "params": [number[id(p)] for p in g["params"]]}
            for g in self.param_groups
        ]
        return {"state": {number[id(p)]: dict(s) for p, s in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what state_dict gave."""
        groups = state_dict["param_groups"]
        sizes = [len(g["params"]) for g in self.param_groups]
        if sizes != [len(g["params"]) for g in groups]:
            raise located(
                RecordValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                )
            )
        params = [p for g in self.param_groups for p in g["params"]]
        numbers = [n for g in groups for n in g["params"]]
        by_number = dict(zip(numbers, params, strict=True))
        self.state.clear()
        for n, state in state_dict["state"].items():
            self.state[by_number[n]] = {k: _own(v) for k, v in state.items()}
        for mine, given in zip(self.param_groups, groups, strict=True):
            mine.update({k: v for k, v in given.items() if k != "params"})

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {k}: {v}" for k, v in sorted(group.items()) if k != "params"]
        return "\n".join([*lines, ")"])


def _own(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def hyper(group: Group, name: str, scale: float = 1.0, offset: float = 0.0) -> Literal:
    """An option (scaled, moved) as an operand: a compiled step reads it again at each call."""

    def read() -> float:
        return float(group[name]) * scale + offset

    return Literal(read(), TensorType((), f64), read)


def check_range(name: str, value: float, high: float | None = None) -> None:
    """An option at least 0 (and below `high`)."""
    if value < 0.0 or (high is not None and value >= high):
        raise located(RecordValueError(f"Invalid {name}: {value}"))


def zeros_like_host(p: Tensor) -> Tensor:
    """Zeros that are computed already, so that the first step has the structure of all others."""
    type = p._read().type
    return wrap(constant(np.zeros(type.static_shape, type.element.numpy), type))


def number_host(value: float) -> Tensor:
    """An f64 scalar that is computed already."""
    return wrap(constant(np.asarray(value, np.float64), TensorType((), f64)))


def count_host() -> Tensor:
    """A count of 0 that is computed already."""
    return wrap(constant(np.asarray(0, np.int64), TensorType((), i64)))


def rewrite(tensors: Sequence[Tensor], values: Iterable[Recorded]) -> None:
    """New versions of tensors."""
    for t, value in zip(tensors, values, strict=True):
        t._write(value)


def run_update(
    lower: Any, written: Sequence[Tensor], read: Sequence[Tensor | Literal], statics: tuple[Any, ...]
) -> None:
    """Records an update: `written` tensors come first and get its results."""
    operands = [x if isinstance(x, Literal) else x._read() for x in (*written, *read)]
    rewrite(written, apply(lower, operands, statics))


MISSING: Any = object()
"""The default of `params`, so that leaving it out can be explained."""


def need_params(name: str, params: Any, more: str) -> None:
    """TypeError where an optimizer is made without parameters."""
    if params is MISSING:
        raise located(
            RecordTypeError(
                f"{name}.__init__() missing 1 required positional argument: 'params'",
                notes=(
                    f"an optimizer is told which parameters to train: write optim.{name}(net.parameters(){more}), where net "
                    "is your module",
                ),
            )
        )
