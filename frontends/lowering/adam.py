"""Adam's arithmetic, one for every frontend (Kingma and Ba 2015, in the order before section 2.1).

What differs between the frontends is said by two flags. PyTorch adds epsilon to the root of the corrected second moment
(their algorithm 1), Keras and TensorFlow to that of the second moment as it is (epsilon hat): where it is 0 the two are
one. PyTorch corrects with numbers of double precision, unless told to keep them on the device (`capturable`), Keras and
TensorFlow with numbers of the parameters' precision."""

from __future__ import annotations

from dataclasses import dataclass

from irc.dialects import stablehlo as hlo
from irc.frontends.lowering.elementwise import emit, spread
from irc.ir.types import f64
from irc.passes import expression as E
from irc.passes.expression import Expr


def _power(base: float, exponent: Expr) -> Expr:
    return emit(hlo.Power, exponent.lift(base), exponent)


@dataclass(frozen=True, slots=True)
class Adam:
    """One step: how many have been taken, the learning rate (scalars), and what is fixed."""

    count: Expr
    rate: Expr
    beta1: float
    beta2: float
    epsilon: float
    corrects_epsilon: bool = False
    is_wide: bool = False

    def moments(self, m: Expr, v: Expr, g: Expr) -> tuple[Expr, Expr]:
        """The running means of the gradient and of its square."""
        return m + (g - m) * (1 - self.beta1), v + (g * g - v) * (1 - self.beta2)

    def move(self, m: Expr, v: Expr) -> Expr:
        """What is subtracted from a parameter; `v` is the second moment, or the largest one so far."""
        element = f64 if self.is_wide else m.element
        step = E.convert(self.count + 1, element)
        root = E.sqrt(1 - _power(self.beta2, step))
        size = self._as(E.convert(self.rate, element) * root / (1 - _power(self.beta1, step)), m)
        below = E.sqrt(v)
        if self.epsilon:
            corrected = self._as(root * self.epsilon, m) if self.corrects_epsilon else self.epsilon
            below = below + corrected
        return m * size / below

    @staticmethod
    def _as(number: Expr, like: Expr) -> Expr:
        return spread(E.convert(number, like.element), like.shape)
