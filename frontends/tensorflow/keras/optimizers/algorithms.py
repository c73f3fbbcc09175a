"""SGD, Adam, AdamW, Adamax, Nadam, RMSprop, Adagrad, Adadelta, with Keras's defaults."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.lowering import updates_keras as U
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow.keras.initializers import Constant
from irc.frontends.tensorflow.keras.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """v = momentum * v - lr * g; w = w + v (or w + momentum * v - lr * g with Nesterov's)."""

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str = "SGD",
        **options: Any,
    ) -> None:
        if not 0 <= momentum <= 1:
            raise located(RecordValueError("`momentum` must be a float between [0, 1]."))
        super().__init__(learning_rate, name=name, **options)
        self.momentum, self.nesterov = float(momentum), bool(nesterov)

    def _wanted_slots(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        self._run(U.sgd, grads, variables, self.momentum, self.nesterov)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class Adam(Optimizer):
    """Kingma and Ba 2015; epsilon is 1e-7, and stands where it does before their section 2.1."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, name: str = "adam", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, name=name, **options)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = (
            float(beta_1),
            float(beta_2),
            float(epsilon),
            bool(amsgrad),
        )

    def _wanted_slots(self) -> tuple[str, ...]:
        return ("momentum", "velocity", "velocity_hat") if self.amsgrad else ("momentum", "velocity")

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        self._run(U.adam, grads, variables, self.beta_1, self.beta_2, self.epsilon, self.amsgrad, counts=True)

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "amsgrad": self.amsgrad}
        return {**super().get_config(), **own}


class AdamW(Adam):
    """Adam whose weights decay beside it (Loshchilov and Hutter 2019)."""

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, amsgrad: bool = False, name: str = "adamw", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, name, weight_decay=weight_decay, **options
        )


class Adamax(Optimizer):
    """Adam with the infinity norm."""

    slot_names = ("momentum", "norm")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        name: str = "adamax", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, name=name, **options)
        self.beta_1, self.beta_2, self.epsilon = float(beta_1), float(beta_2), float(epsilon)

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        self._run(U.adamax, grads, variables, self.beta_1, self.beta_2, self.epsilon, counts=True)


class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016)."""

    slot_names = ("momentum", "velocity")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        name: str = "nadam", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, name=name, **options)
        self.beta_1, self.beta_2, self.epsilon = float(beta_1), float(beta_2), float(epsilon)

    def build(self, variables: Any) -> None:
        if not self.built:
            super().build(variables)
            self._product = self.add_variable((), "ones", name="u_product")

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        statics = (self.beta_1, self.beta_2, self.epsilon)
        self._run(U.nadam, grads, variables, *statics, counts=True, extra=[self._product])


class RMSprop(Optimizer):
    """Hinton's: gradients over the root of their mean square; rho is 0.9, epsilon 1e-7 and under the root."""

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, name: str = "rmsprop", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, name=name, **options)
        self.rho, self.momentum, self.epsilon, self.centered = (
            float(rho),
            float(momentum),
            float(epsilon),
            bool(centered),
        )

    def _wanted_slots(self) -> tuple[str, ...]:
        return ("velocity", *("momentum",) * (self.momentum > 0), *("average_gradient",) * self.centered)

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        self._run(U.rmsprop, grads, variables, self.rho, self.momentum, self.epsilon, self.centered)

    def get_config(self) -> dict[str, Any]:
        own = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon, "centered": self.centered}
        return {**super().get_config(), **own}


class Adagrad(Optimizer):
    """Duchi et al. 2011."""

    slot_names = ("accumulator",)

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        name: str = "adagrad", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, name=name, **options)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, float(epsilon)

    def _slot(self, variable: Any, name: str) -> Any:
        return self.add_variable_from_reference(variable, name, Constant(self.initial_accumulator_value))

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        self._run(U.adagrad, grads, variables, self.epsilon)


class Adadelta(Optimizer):
    """Zeiler 2012."""

    slot_names = ("accumulated_grad", "accumulated_delta_var")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        name: str = "adadelta",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, name=name, **options)
        self.rho, self.epsilon = float(rho), float(epsilon)

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        self._run(U.adadelta, grads, variables, self.rho, self.epsilon)
