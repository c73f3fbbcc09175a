"""Operations in place: the result becomes a new version of the tensor's storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.frontends.lowering import elementwise as L
from irc.frontends.torch.pointwise import (
    abs,
    add,
    addcdiv,
    addcmul,
    bitwise_and,
    bitwise_or,
    ceil,
    clamp,
    clamp_max,
    clamp_min,
    clone,
    cos,
    div,
    exp,
    floor,
    floor_divide,
    lerp,
    log,
    logical_and,
    logical_not,
    logical_or,
    masked_fill,
    multiply,
    need_tensor,
    neg,
    operand,
    pow,
    reciprocal,
    remainder,
    round,
    rsqrt,
    sigmoid,
    sin,
    sqrt,
    square,
    sub,
    tanh,
)
from irc.frontends.torch.tensor import Tensor, beside, emit, method
from irc.frontends.torch.writing import write


def _in_place(name: str, function: Callable[..., Tensor]) -> None:
    def run(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return write(self, function(self, *args, **kwargs))

    run.__name__ = run.__qualname__ = f"{name}_"
    run.__doc__ = f"Tensor.{name} in place."
    setattr(Tensor, f"{name}_", run)


_IN_PLACE: dict[str, Callable[..., Tensor]] = {
    "add": add, "sub": sub, "mul": multiply, "div": div, "pow": pow, "clamp": clamp, "exp": exp, "log": log,
    "sqrt": sqrt, "rsqrt": rsqrt, "neg": neg, "abs": abs, "tanh": tanh, "sigmoid": sigmoid, "floor": floor,
    "ceil": ceil, "round": round, "reciprocal": reciprocal, "square": square, "masked_fill": masked_fill,
    "lerp": lerp, "addcmul": addcmul, "addcdiv": addcdiv, "clamp_min": clamp_min, "clamp_max": clamp_max,
    "floor_divide": floor_divide, "remainder": remainder, "sin": sin, "cos": cos, "clip": clamp,
    "logical_and": logical_and, "logical_or": logical_or, "logical_not": logical_not, "multiply": multiply,
    "subtract": sub, "divide": div, "bitwise_and": bitwise_and, "bitwise_or": bitwise_or,
}  # fmt: skip
for _name, _function in _IN_PLACE.items():
    _in_place(_name, _function)
for _name, _written in {
    "add": "add_", "sub": "sub_", "mul": "mul_", "truediv": "div_", "pow": "pow_", "and": "bitwise_and_",
    "or": "bitwise_or_",
}.items():  # fmt: skip
    setattr(Tensor, f"__i{_name}__", getattr(Tensor, _written))


def _filled(scope: Any, value: Any, shape: Any) -> Any:
    return L.spread(value, shape)


@method("fill_")
def fill_(self: Tensor, value: Any) -> Tensor:
    """Every element becomes `value`."""
    made = operand(value, self.dtype)
    if isinstance(made, Tensor):
        return write(self, emit(L.copy_into, (self.detach(), made)))
    return write(self, emit(_filled, (made,), tuple(self.shape)))


@method("zero_")
def zero_(self: Tensor) -> Tensor:
    return fill_(self, 0)


@method("copy_")
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """The elements become those of `src`, converted and broadcast."""
    need_tensor(src, "copy_", "other")
    src = beside(src, self)
    converted = emit(L.convert, (src,), self.dtype.element) if src.dtype is not self.dtype else clone(src)
    return write(self, converted)


@method("set_")
def set_(self: Tensor, source: Tensor) -> Tensor:
    self.data = source
    return self
