"""Elementwise operations of torch: arithmetic, comparison, mathematics, in place and not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from irc.dialects import stablehlo as hlo
from irc.frontends.errors import RecordError, RecordTypeError
from irc.frontends.lowering import elementwise as L
from irc.frontends.recorder.storage import located
from irc.frontends.recorder.value import Literal
from irc.frontends.torch import dtypes
from irc.frontends.torch.dtypes import dtype, of_element, of_number
from irc.frontends.torch.tensor import Tensor, emit
from irc.frontends.torch.writing import into
from irc.ir.types import TensorType

Operand = Any
"""A tensor or a Python number."""


def is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex, np.generic))


def promoted(*operands: Any) -> dtype:
    """PyTorch's result_type of tensors and Python numbers."""
    parts = []
    for o in operands:
        if isinstance(o, Tensor):
            type = o._read().type
            parts.append((of_element(type.element), 2 if type.shape else 1))
        else:
            parts.append((of_number(o), 0))
    return dtypes.result_of(parts)


def floating(d: dtype) -> dtype:
    """The dtype that mathematics on integers gives: the default float."""
    return d if d.is_floating_point or d.is_complex else dtypes.default.floating


def literal(value: Any, d: dtype) -> Literal:
    """A Python number as an operand of this dtype."""
    return Literal(value.item() if isinstance(value, np.generic) else value, TensorType((), d.element))


def operand(value: Any, d: dtype, name: str = "the operation") -> Any:
    """A tensor as it is, a number as a literal of dtype `d`; TypeError for anything else."""
    if isinstance(value, Tensor):
        return value
    if is_number(value):
        return literal(value, d)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return literal(value.item(), d)
    raise located(RecordTypeError(f"{name}: a tensor or a number is wanted, not {type(value).__name__}"))


def _binary(name: str, cls: Any, *, float_result: bool = False) -> Callable[..., Tensor]:
    def run(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
        d = promoted(input, other)
        d = floating(d) if float_result else d
        made = emit(L.binary, (operand(input, d, name), operand(other, d, name)), cls, d.element)
        return made if out is None else into(out, made)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input, other): elementwise, with broadcasting and type promotion."
    return run


multiply = _binary("mul", hlo.Multiply)
maximum = _binary("maximum", hlo.Maximum)
minimum = _binary("minimum", hlo.Minimum)
atan2 = _binary("atan2", hlo.Atan2, float_result=True)
fmod = _binary("fmod", hlo.Remainder)
bitwise_and = _binary("bitwise_and", hlo.And)
bitwise_or = _binary("bitwise_or", hlo.Or)
bitwise_xor = _binary("bitwise_xor", hlo.Xor)
left_shift = _binary("bitwise_left_shift", hlo.ShiftLeft)
right_shift = _binary("bitwise_right_shift", hlo.ShiftRightArithmetic)
mul = multiply


def add(input: Operand, other: Operand, *, alpha: Any = 1, out: Tensor | None = None) -> Tensor:
    """input + alpha * other."""
    return _add_like("add", hlo.Add, input, other, alpha, out)


def sub(input: Operand, other: Operand, *, alpha: Any = 1, out: Tensor | None = None) -> Tensor:
    """input - alpha * other."""
    if any(isinstance(o, Tensor) and o.dtype is dtypes.bool_ for o in (input, other)):
        raise located(
            RecordError(
                "Subtraction, the `-` operator, with a bool tensor is not supported. "
                "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
            )
        )
    return _add_like("sub", hlo.Subtract, input, other, alpha, out)


def _add_like(name: str, cls: Any, x: Operand, y: Operand, alpha: Any, out: Tensor | None) -> Tensor:
    d = promoted(x, y)
    a, b = operand(x, d, name), operand(y, d, name)
    if is_number(alpha) and alpha == 1:
        if d is dtypes.bool_:
            cls = hlo.Or
        made = emit(L.binary, (a, b), cls, d.element)
    else:
        made = emit(L.scaled_add, (a, b, operand(alpha, d, name)), cls, d.element)
    return made if out is None else into(out, made)


subtract = sub


def div(
    input: Operand, other: Operand, *, rounding_mode: str | None = None, out: Tensor | None = None
) -> Tensor:
    """input / other; `rounding_mode` "floor" or "trunc" rounds the quotient and keeps integers integers."""
    d = promoted(input, other)
    match rounding_mode:
        case None:
            d = floating(d)
            made = emit(L.binary, (operand(input, d), operand(other, d)), hlo.Divide, d.element)
        case "floor":
            made = emit(L.floor_divide, (operand(input, d), operand(other, d)), d.element)
        case "trunc":
            made = emit(L.truncated_divide, (operand(input, d), operand(other, d)), d.element)
        case _:
            raise located(
                RecordError(
                    f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
                )
            )
    return made if out is None else into(out, made)


divide = true_divide = div


def floor_divide(input: Operand, other: Operand) -> Tensor:
    """The quotient rounded down."""
    return div(input, other, rounding_mode="floor")


def remainder(input: Operand, other: Operand) -> Tensor:
    """Python's %: the sign is the divisor's."""
    d = promoted(input, other)
    return emit(L.remainder, (operand(input, d), operand(other, d)), d.element)


def pow(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """input ** exponent; a number as exponent is part of the program, not an input."""
    made = _power(input, exponent)
    return made if out is None else into(out, made)


def _power(x: Operand, exponent: Operand) -> Tensor:
    d = promoted(x, exponent)
    if isinstance(x, Tensor) and is_number(exponent) and not isinstance(exponent, complex):
        power: Any = exponent
        if float(power).is_integer() and -64 <= power <= 64:
            n = int(power)
            if n < 0 and not (d.is_floating_point or d.is_complex):
                raise located(RecordError("Integers to negative integer powers are not allowed."))
            return emit(L.integer_power, (x,), n, d.element)
        if float(power) in (0.5, -0.5):
            return emit(L.root_power, (x,), d.element, hlo.Sqrt if float(power) > 0 else hlo.Rsqrt)
    return emit(L.binary, (operand(x, d, "pow"), operand(exponent, d, "pow")), hlo.Power, d.element)


def _comparison(name: str, direction: str) -> Callable[..., Tensor]:
    def run(input: Operand, other: Operand) -> Tensor:
        d = promoted(input, other)
        return emit(L.compare, (operand(input, d, name), operand(other, d, name)), direction, d.element)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input, other): a bool tensor."
    return run


eq, ne = _comparison("eq", "EQ"), _comparison("ne", "NE")
lt, le = _comparison("lt", "LT"), _comparison("le", "LE")
gt, ge = _comparison("gt", "GT"), _comparison("ge", "GE")
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


def _unary(name: str, cls: Any, *, float_result: bool = True) -> Callable[..., Tensor]:
    def run(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        d = need_tensor(input, name).dtype
        d = floating(d) if float_result else d
        made = emit(L.unary, (input,), cls, d.element)
        return made if out is None else into(out, made)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input): elementwise."
    return run


def need_tensor(value: Any, name: str, place: str = "input", position: int = 1) -> Tensor:
    """`value` where it is a tensor; PyTorch's TypeError otherwise."""
    if not isinstance(value, Tensor):
        kind = type(value).__name__
        raise located(
            RecordTypeError(f"{name}(): argument '{place}' (position {position}) must be Tensor, not {kind}")
        )
    return value


exp, log = _unary("exp", hlo.Exponential), _unary("log", hlo.Log)
expm1, log1p = _unary("expm1", hlo.ExponentialMinusOne), _unary("log1p", hlo.LogPlusOne)
sqrt, rsqrt = _unary("sqrt", hlo.Sqrt), _unary("rsqrt", hlo.Rsqrt)
sin, cos, tan = _unary("sin", hlo.Sine), _unary("cos", hlo.Cosine), _unary("tan", hlo.Tan)
tanh, sigmoid = _unary("tanh", hlo.Tanh), _unary("sigmoid", hlo.Logistic)
neg, abs = _unary("neg", hlo.Negate, float_result=False), _unary("abs", hlo.Abs, float_result=False)
sign = _unary("sign", hlo.Sign, float_result=False)
negative, absolute, sgn = neg, abs, sign


def _rounding(name: str, cls: Any) -> Callable[..., Tensor]:
    def run(input: Tensor) -> Tensor:
        if not need_tensor(input, name).dtype.is_floating_point:
            return clone(input)
        return emit(L.unary, (input,), cls, input.dtype.element)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input): elementwise; integers stay as they are."
    return run


floor, ceil = _rounding("floor", hlo.Floor), _rounding("ceil", hlo.Ceil)
round = _rounding("round", hlo.RoundNearestEven)


def trunc(input: Tensor) -> Tensor:
    """Towards zero."""
    return emit(L.truncate, (input,)) if input.dtype.is_floating_point else clone(input)


fix = trunc


def frac(input: Tensor) -> Tensor:
    """What is left after trunc."""
    return input - trunc(input)


def log2(input: Tensor) -> Tensor:
    return emit(L.log_base, (input,), 2.0, floating(input.dtype).element)


def log10(input: Tensor) -> Tensor:
    return emit(L.log_base, (input,), 10.0, floating(input.dtype).element)


def exp2(input: Tensor) -> Tensor:
    return emit(L.exp_base, (input,), 2.0, floating(input.dtype).element)


def square(input: Tensor) -> Tensor:
    return emit(L.square, (input,))


def reciprocal(input: Tensor) -> Tensor:
    return emit(L.reciprocal, (input,), floating(input.dtype).element)


def erf(input: Tensor) -> Tensor:
    return emit(L.erf, (input,))


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), x kept `eps` away from 0 and 1 where it is given."""
    x = input if eps is None else clamp(input, eps, 1 - eps)
    return log(x / (1 - x))


def _composed(name: str, lower: Any) -> Callable[[Tensor], Tensor]:
    def run(input: Tensor) -> Tensor:
        return emit(lower, (need_tensor(input, name),), floating(input.dtype).element)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"torch.{name}(input): elementwise."
    return run


sinh, cosh, atan = _composed("sinh", L.sinh), _composed("cosh", L.cosh), _composed("atan", L.atan)
asin, acos = _composed("asin", L.asin), _composed("acos", L.acos)
asinh, acosh, atanh = _composed("asinh", L.asinh), _composed("acosh", L.acosh), _composed("atanh", L.atanh)
arctan, arcsin, arccos = atan, asin, acos


def isnan(input: Tensor) -> Tensor:
    return emit(L.is_nan, (input,))


def isinf(input: Tensor) -> Tensor:
    return emit(L.is_infinite, (input,))


def isfinite(input: Tensor) -> Tensor:
    return emit(L.is_finite, (input,))


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    return emit(L.logical, (input, other), hlo.And)


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    return emit(L.logical, (input, other), hlo.Or)


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    return emit(L.logical, (input, other), hlo.Xor)


def logical_not(input: Tensor) -> Tensor:
    return emit(L.logical_not, (input,))


def bitwise_not(input: Tensor) -> Tensor:
    """Not, bit by bit; of booleans logical_not."""
    if input.dtype.is_floating_point:
        raise located(RecordTypeError("ones' complement (~) is defined on integer and boolean tensors only"))
    return emit(L.unary, (input,), hlo.Not, input.dtype.element)


def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Between `min` and `max`; either may be None."""
    limits = [b for b in (min, max) if b is not None]
    if not limits:
        raise located(RecordError("torch.clamp: At least one of 'min' or 'max' must not be None"))
    d = promoted(input, *limits)
    lower = L.clamp_both if len(limits) == 2 else L.clamp_low if max is None else L.clamp_high
    made = emit(lower, (input, *(operand(b, d) for b in limits)), d.element)
    return made if out is None else into(out, made)


clip = clamp


def clamp_min(input: Tensor, min: Any) -> Tensor:
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    return clamp(input, max=max)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Tensor:
    """input where the condition holds, other elsewhere."""
    if input is None or other is None:
        raise located(
            RecordError(
                "torch.where(condition) alone has a size that depends on the data, which a recorded program does not have; "
                "write torch.where(condition, a, b), or use condition.numpy().nonzero()"
            )
        )
    d = promoted(input, other)
    return emit(L.where, (condition, operand(input, d), operand(other, d)), d.element)


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`value` where the mask holds, input elsewhere."""
    if mask.dtype is not dtypes.bool_:
        raise located(
            RecordError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
        )
    return emit(L.where, (mask, operand(value, input.dtype), input), input.dtype.element)


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight * (end - input)."""
    return emit(L.lerp, (input, end, operand(weight, input.dtype)))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """input + value * tensor1 * tensor2."""
    return input + (tensor1 * tensor2 if value == 1 else tensor1 * tensor2 * value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """input + value * tensor1 / tensor2."""
    return input + (tensor1 / tensor2 if value == 1 else tensor1 / tensor2 * value)


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy that gradients flow through."""
    return emit(_same, (input,))


def _same(scope: Any, x: Any) -> Any:
    return x


def to_dtype(input: Tensor, d: dtype) -> Tensor:
    """The elements converted; the tensor itself where it has the dtype."""
    return input if input.dtype is d else emit(L.convert, (input,), d.element)


def same(a: Any, b: Any) -> bool:
    """Whether two looked-at tensors have one shape and equal elements."""
    return bool(a.shape == b.shape and np.array_equal(a._look("equal()"), b._look("equal()")))


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements are equal; looks at both."""
    return same(input, other)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether |input - other| <= atol + rtol |other| everywhere; looks at both."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Whether |input - other| is at most atol + rtol |other|; two NaNs where `equal_nan`."""
    near = (
        le(abs(input - other), abs(other) * rtol + atol)
        if input.dtype.is_floating_point
        else eq(input, other)
    )
    found = logical_or(near, eq(input, other))
    return logical_or(found, logical_and(isnan(input), isnan(other))) if equal_nan else found


def is_floating_point(input: Tensor) -> bool:
    return input.dtype.is_floating_point


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of an operation on both."""
    return promoted(tensor1, tensor2)


_METHODS: dict[str, Callable[..., Any]] = {
    "add": add, "sub": sub, "mul": multiply, "multiply": multiply, "div": div, "divide": div, "true_divide": div,
    "floor_divide": floor_divide, "remainder": remainder, "pow": pow, "maximum": maximum, "minimum": minimum,
    "atan2": atan2, "fmod": fmod, "bitwise_and": bitwise_and, "bitwise_or": bitwise_or, "bitwise_xor": bitwise_xor,
    "bitwise_not": bitwise_not, "eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge, "less": lt, "greater": gt,
    "exp": exp, "log": log, "expm1": expm1, "log1p": log1p, "sqrt": sqrt, "rsqrt": rsqrt, "sin": sin, "cos": cos,
    "tan": tan, "tanh": tanh, "sigmoid": sigmoid, "neg": neg, "negative": neg, "abs": abs, "absolute": abs,
    "sign": sign, "floor": floor, "ceil": ceil, "round": round, "trunc": trunc, "frac": frac, "log2": log2,
    "log10": log10, "exp2": exp2, "square": square, "reciprocal": reciprocal, "erf": erf, "logit": logit,
    "sinh": sinh, "cosh": cosh, "atan": atan, "asin": asin, "acos": acos,
    "asinh": asinh, "acosh": acosh, "atanh": atanh, "isnan": isnan, "isinf": isinf,
    "isfinite": isfinite, "logical_and": logical_and, "logical_or": logical_or, "logical_xor": logical_xor,
    "logical_not": logical_not, "clamp": clamp, "clip": clamp, "clamp_min": clamp_min, "clamp_max": clamp_max,
    "masked_fill": masked_fill, "lerp": lerp, "addcmul": addcmul, "addcdiv": addcdiv, "clone": clone,
    "equal": equal, "allclose": allclose, "isclose": isclose, "subtract": sub,
    "__add__": add, "__sub__": sub, "__mul__": multiply, "__truediv__": div, "__floordiv__": floor_divide,
    "__mod__": remainder, "__pow__": pow, "__neg__": neg, "__abs__": abs, "__invert__": bitwise_not,
    "__and__": bitwise_and, "__or__": bitwise_or, "__xor__": bitwise_xor, "__lshift__": left_shift,
    "__rshift__": right_shift, "__lt__": lt, "__le__": le, "__gt__": gt, "__ge__": ge,
}  # fmt: skip


for _name, _method in _METHODS.items():
    setattr(Tensor, _name, _method)


def _operator(name: str, function: Callable[..., Tensor], *, swapped: bool = False) -> None:
    """An operator method that leaves what it does not know to the other operand."""

    def run(self: Tensor, other: Any) -> Any:
        known = isinstance(other, Tensor) or is_number(other)
        if not known and not (isinstance(other, np.ndarray) and other.ndim == 0):
            return NotImplemented
        return function(other, self) if swapped else function(self, other)

    setattr(Tensor, name, run)


_OPERATORS: dict[str, Callable[..., Tensor]] = {
    "add": add, "sub": sub, "mul": multiply, "truediv": div, "floordiv": floor_divide, "mod": remainder, "pow": pow,
    "and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor,
}  # fmt: skip


for _name, _function in _OPERATORS.items():
    _operator(f"__{_name}__", _function)
    _operator(f"__r{_name}__", _function, swapped=True)


_operator("__eq__", eq)
_operator("__ne__", ne)
