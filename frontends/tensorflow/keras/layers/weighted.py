"""Bases of layers with a kernel and a bias, and of those with a scale and a shift: what each starts from, what it costs,
and what it is held to."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow.keras import constraints, initializers, regularizers
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.variables import Variable

Told = tuple[Any, Any, Any]
"""An initializer, a regularizer and a constraint, as names, functions or objects."""


def resolved(told: Told) -> Told:
    """The objects that are meant."""
    initializer, regularizer, constraint = told
    return initializers.get(initializer), regularizers.get(regularizer), constraints.get(constraint)


class KernelAndBias(Layer):
    """A layer whose weights are a kernel and, with `use_bias`, a bias."""

    use_bias = True

    def _tell(self, kernel: Told, bias: Told) -> None:
        self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint = resolved(kernel)
        self.bias_initializer, self.bias_regularizer, self.bias_constraint = resolved(bias)
        self.bias: Variable | None = None

    def _add_kernel(self, shape: tuple[int, ...], name: str = "kernel") -> Variable:
        told = {"regularizer": self.kernel_regularizer, "constraint": self.kernel_constraint}
        return self.add_weight(shape, self.kernel_initializer, name=name, **told)

    def _add_bias(self, shape: tuple[int, ...], initializer: Any = None) -> None:
        if self.use_bias:
            told = {"regularizer": self.bias_regularizer, "constraint": self.bias_constraint}
            self.bias = self.add_weight(shape, initializer or self.bias_initializer, name="bias", **told)


class ScaleAndShift(Layer):
    """A layer that scales by gamma and shifts by beta what it has normalised."""

    def _tell(self, gamma: Told, beta: Told) -> None:
        self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint = resolved(gamma)
        self.beta_initializer, self.beta_regularizer, self.beta_constraint = resolved(beta)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _add_affine(self, shape: tuple[int, ...], scale: bool, shift: bool) -> None:
        if scale:
            told = {"regularizer": self.gamma_regularizer, "constraint": self.gamma_constraint}
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma", **told)
        if shift:
            told = {"regularizer": self.beta_regularizer, "constraint": self.beta_constraint}
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta", **told)

    @property
    def _affine(self) -> list[Variable]:
        return [v for v in (self.gamma, self.beta) if v is not None]
