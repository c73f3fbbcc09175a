"""keras.optimizers.schedules: learning rates as functions of the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from irc.frontends.errors import RecordError, RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.pointwise import (
    add,
    cast,
    ceil,
    cos,
    divide,
    floor,
    less,
    less_equal,
    log,
    maximum,
    minimum,
    multiply,
    pow,
    subtract,
    where,
)
from irc.frontends.tensorflow.tensor import Tensor, TensorBase, convert_to_tensor


def _steps(step: Any) -> Any:
    """The step as a float32 tensor."""
    made = step if isinstance(step, TensorBase) else convert_to_tensor(step)
    return made if made.dtype is dtypes.float32 else cast(made, dtypes.float32)


class LearningRateSchedule:
    """Base: override `__call__(step)`; step is an integer tensor."""

    def __call__(self, step: Any) -> Any:
        raise located(
            RecordError(
                f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
            )
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with arguments by name."""
        return cls(**config)


class _Decay(LearningRateSchedule):
    """Base of those that decay by a rate every `decay_steps` steps: smoothly, or at once with `staircase`."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase = decay_rate, staircase
        self.name = name or type(self).__name__
        if decay_steps <= 0:
            raise located(
                RecordValueError(f"Argument `decay_steps` must be > 0. Received: decay_steps={decay_steps}")
            )

    def _decays(self, step: Any) -> Any:
        """How many decays there have been."""
        share = divide(_steps(step), float(self.decay_steps))
        return floor(share) if self.staircase else share


class ExponentialDecay(_Decay):
    """initial_learning_rate * decay_rate ^ (step / decay_steps)."""

    def __call__(self, step: Any) -> Tensor:
        return multiply(float(self.initial_learning_rate), pow(float(self.decay_rate), self._decays(step)))


class InverseTimeDecay(_Decay):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)."""

    def __call__(self, step: Any) -> Tensor:
        decayed = add(1.0, multiply(float(self.decay_rate), self._decays(step)))
        return divide(float(self.initial_learning_rate), decayed)


class PolynomialDecay(LearningRateSchedule):
    """From the initial rate to `end_learning_rate` in decay_steps, along a power."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step: Any) -> Tensor:
        now, whole = _steps(step), float(self.decay_steps)
        if self.cycle:
            length = multiply(whole, maximum(ceil(divide(now, whole)), 1.0))
            share = divide(now, length)
        else:
            share = divide(minimum(now, whole), whole)
        span = float(self.initial_learning_rate) - float(self.end_learning_rate)
        return add(
            multiply(span, pow(subtract(1.0, share), float(self.power))), float(self.end_learning_rate)
        )


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to and with step boundaries[i], the last one after."""

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise located(
                RecordValueError(
                    "The length of boundaries should be 1 less than the length of values. Received: "
                    f"boundaries={list(boundaries)} of length {len(boundaries)}, and values={list(values)} of length "
                    f"{len(values)}."
                )
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Tensor:
        now = _steps(step)
        rate: Any = convert_to_tensor(float(self.values[-1]))
        for boundary, value in reversed(list(zip(self.boundaries, self.values, strict=False))):
            rate = where(less_equal(now, float(boundary)), float(value), rate)
        return rate


class CosineDecay(LearningRateSchedule):
    """Along half a cosine from the initial (or warm-up) rate to `alpha` times it."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps, self.alpha, self.name = (
            initial_learning_rate,
            decay_steps,
            alpha,
            name,
        )
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Tensor:
        now, start = _steps(step), float(self.initial_learning_rate)
        if self.warmup_target is None:
            return self._decayed(now, start)
        target, warm = float(self.warmup_target), float(self.warmup_steps)
        rising = add(start, multiply(target - start, divide(now, warm)))
        return where(less(now, warm), rising, self._decayed(subtract(now, warm), target))

    def _decayed(self, now: Any, start: float) -> Tensor:
        share = divide(minimum(now, float(self.decay_steps)), float(self.decay_steps))
        wave = multiply(0.5, add(1.0, cos(multiply(share, math.pi))))
        return multiply(start, add(multiply(1.0 - self.alpha, wave), float(self.alpha)))


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay in periods, each `t_mul` times as long and starting `m_mul` times as high as the one before."""

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: int, t_mul: float = 2.0, m_mul: float = 1.0,
        alpha: float = 0.0, name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Tensor:
        done = divide(_steps(step), float(self.first_decay_steps))
        if self.t_mul == 1.0:
            period = floor(done)
            share = subtract(done, period)
        else:
            t = float(self.t_mul)
            grown = subtract(1.0, multiply(done, 1.0 - t))
            period = floor(divide(log(grown), math.log(t)))
            before = divide(subtract(1.0, pow(t, period)), 1.0 - t)
            share = divide(subtract(done, before), pow(t, period))
        height = pow(float(self.m_mul), period)
        wave = multiply(multiply(0.5, height), add(1.0, cos(multiply(share, math.pi))))
        return multiply(
            float(self.initial_learning_rate), add(multiply(1.0 - self.alpha, wave), float(self.alpha))
        )
