"""SGD, Adam, AdamW, Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from typing import Any

from irc.frontends.lowering import updates as U
from irc.frontends.torch.optim.optimizer import (
    MISSING,
    Group,
    Optimizer,
    check_range,
    count_host,
    hyper,
    need_params,
    number_host,
    run_update,
    zeros_like_host,
)
from irc.frontends.torch.tensor import Tensor


class SGD(Optimizer):
    """p - lr (momentum buffer of (g + weight_decay p))."""

    def __init__(
        self, params: Any = MISSING, lr: float = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: Any = None, differentiable: bool = False,
        fused: Any = None,
    ) -> None:  # fmt: skip
        need_params("SGD", params, ", lr=0.01")
        check_range("learning rate", lr)
        check_range("momentum value", momentum)
        check_range("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, group: Group, params: list[Tensor]) -> None:
        momentum, damped = group["momentum"] != 0, group["dampening"] != 0
        # The first momentum is the gradient itself, which zeros give too, unless it is damped.
        fresh = [p for p in params if momentum and self.state[p].get("momentum_buffer") is None]
        for p in fresh:
            self.state[p]["momentum_buffer"] = zeros_like_host(p)
        if damped and fresh:
            old = [p for p in params if not any(p is f for f in fresh)]
            for part, is_damped in ((fresh, False), (old, True)):
                if part:
                    self._run(group, part, momentum, is_damped)
            return
        self._run(group, params, momentum, damped)

    def _run(self, group: Group, params: list[Tensor], momentum: bool, damped: bool) -> None:
        buffers = [self.state[p]["momentum_buffer"] for p in params] if momentum else []
        numbers = [hyper(group, name) for name in ("lr", "weight_decay", "momentum")]
        undamped = hyper(group, "dampening", -1.0, 1.0)
        statics = (
            len(params), momentum, group["nesterov"], group["weight_decay"] != 0, damped, group["maximize"],
        )  # fmt: skip
        grads = [p._grad for p in params]
        run_update(U.sgd, [*params, *buffers], [*grads, *numbers, undamped], statics)  # type: ignore[list-item]


class Adam(Optimizer):
    """Kingma and Ba 2015, with PyTorch's arithmetic: `capturable` corrects with numbers of the parameters' precision."""

    decoupled = False

    def __init__(
        self, params: Any = MISSING, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: Any = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: Any = None,
    ) -> None:  # fmt: skip
        need_params(type(self).__name__, params, "")
        check_range("learning rate", lr)
        check_range("epsilon value", eps)
        check_range("beta parameter at index 0", betas[0], 1.0)
        check_range("beta parameter at index 1", betas[1], 1.0)
        check_range("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize,
            "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, group: Group, params: list[Tensor]) -> None:
        for cohort in self._cohorts(group, params):
            self._run(group, cohort)

    def _cohorts(self, group: Group, params: list[Tensor]) -> list[list[Tensor]]:
        """Parameters that have taken the same steps share one counter; new ones start one."""
        fresh = [p for p in params if not self.state[p]]
        if fresh:
            step = count_host()
            for p in fresh:
                state = self.state[p]
                state["step"] = step
                state["exp_avg"], state["exp_avg_sq"] = zeros_like_host(p), zeros_like_host(p)
                if group["amsgrad"]:
                    state["max_exp_avg_sq"] = zeros_like_host(p)
        cohorts: dict[int, list[Tensor]] = {}
        for p in params:
            cohorts.setdefault(id(self.state[p]["step"]), []).append(p)
        for cohort in cohorts.values():
            self._separate(group, cohort)
        return list(cohorts.values())

    def _separate(self, group: Group, cohort: list[Tensor]) -> None:
        """A counter that absent parameters share too is split."""
        step = self.state[cohort[0]]["step"]
        sharing = sum(s.get("step") is step for s in self.state.values())
        if sharing != len(cohort):
            own = step.detach().clone()
            for p in cohort:
                self.state[p]["step"] = own

    def _run(self, group: Group, params: list[Tensor]) -> None:
        states = [self.state[p] for p in params]
        step = states[0]["step"]
        moments = [[s[name] for s in states] for name in ("exp_avg", "exp_avg_sq")]
        peaks = [s["max_exp_avg_sq"] for s in states] if group["amsgrad"] else []
        written = [*params, *moments[0], *moments[1], *peaks, step]
        read = [*(p._grad for p in params), hyper(group, "lr"), hyper(group, "weight_decay")]
        statics = (
            len(params), *map(float, group["betas"]), float(group["eps"]), group["weight_decay"] != 0, self.decoupled,
            group["amsgrad"], group["maximize"], bool(group["capturable"]),
        )  # fmt: skip
        run_update(U.adam, written, read, statics)  # type: ignore[arg-type]


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    decoupled = True

    def __init__(
        self, params: Any = MISSING, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **options)


class Adagrad(Optimizer):
    """Duchi et al. 2011."""

    def __init__(
        self, params: Any = MISSING, lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, **options: Any,
    ) -> None:  # fmt: skip
        need_params("Adagrad", params, ", lr=0.01")
        check_range("learning rate", lr)
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, group: Group, params: list[Tensor]) -> None:
        step = group.setdefault("step", number_host(0.0))
        for p in params:
            if not self.state[p]:
                total = zeros_like_host(p)
                if group["initial_accumulator_value"]:
                    total.fill_(group["initial_accumulator_value"])
                self.state[p]["sum"] = total
        sums = [self.state[p]["sum"] for p in params]
        numbers = [hyper(group, name) for name in ("lr", "lr_decay", "weight_decay")]
        statics = (len(params), float(group["eps"]), group["weight_decay"] != 0, group["lr_decay"] != 0)
        run_update(U.adagrad, [*params, *sums, step], [*(p._grad for p in params), *numbers], statics)  # type: ignore[list-item]


class RMSprop(Optimizer):
    """Hinton's: gradients over the root of their running mean square."""

    def __init__(
        self, params: Any = MISSING, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        need_params("RMSprop", params, ", lr=0.01")
        check_range("learning rate", lr)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, group: Group, params: list[Tensor]) -> None:
        names = ["square_avg"]
        names += ["grad_avg"] * bool(group["centered"]) + ["momentum_buffer"] * (group["momentum"] != 0)
        for p in params:
            for name in names:
                if name not in self.state[p]:
                    self.state[p][name] = zeros_like_host(p)
        held = [self.state[p][name] for name in names for p in params]
        numbers = [hyper(group, name) for name in ("lr", "weight_decay", "momentum")]
        statics = (
            len(params), float(group["alpha"]), float(group["eps"]), bool(group["centered"]), group["momentum"] != 0,
            group["weight_decay"] != 0,
        )  # fmt: skip
        run_update(U.rmsprop, [*params, *held], [*(p._grad for p in params), *numbers], statics)  # type: ignore[list-item]


class Adadelta(Optimizer):
    """Zeiler 2012."""

    def __init__(
        self, params: Any = MISSING, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        **options: Any,
    ) -> None:  # fmt: skip
        need_params("Adadelta", params, "")
        check_range("learning rate", lr)
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay})

    def _update(self, group: Group, params: list[Tensor]) -> None:
        names = ("square_avg", "acc_delta")
        for p in params:
            for name in names:
                if name not in self.state[p]:
                    self.state[p][name] = zeros_like_host(p)
        held = [self.state[p][name] for name in names for p in params]
        numbers = [hyper(group, name) for name in ("lr", "weight_decay")]
        statics = (len(params), float(group["rho"]), float(group["eps"]), group["weight_decay"] != 0)
        run_update(U.adadelta, [*params, *held], [*(p._grad for p in params), *numbers], statics)  # type: ignore[list-item]
