"""chlo, Fourier transforms, batch normalisation, computed shapes, composites, tuples; and that every op is
decided."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from autodiff_harness import check, check_module, program_for

from irc.dialects import chlo, func
from irc.dialects import stablehlo as hlo
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.stablehlo import legacy
from irc.errors import UnsupportedError
from irc.interpreter import interpret
from irc.ir.attributes import DictionaryAttr, SymbolRefAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value, all_operations
from irc.ir.types import TensorType, f64, i64, tensor_of, ui64
from irc.passes.autodiff import all_rules, rule_of, vjp
from irc.passes.autodiff.registry import NoGradient, Refused
from irc.passes.expression import (
    Expr,
    Scope,
    broadcast_like,
    convert,
    imag,
    make_complex,
    real,
    reduce_sum,
    sin,
)

RNG = np.random.default_rng(23)
X = RNG.standard_normal(4)
SMALL = np.array([0.3, -0.7, 0.5, -0.1])
ABOVE_ONE = np.array([1.3, 2.7, 1.5, 4.1])

UNARY = {
    chlo.Acos: SMALL,
    chlo.Acosh: ABOVE_ONE,
    chlo.Asin: SMALL,
    chlo.Asinh: X,
    chlo.Atan: X,
    chlo.Atanh: SMALL,
    chlo.Cosh: X,
    chlo.Sinh: X,
    chlo.Tan: SMALL,
    chlo.Square: X,
    chlo.Erf: X,
    chlo.Erfc: X,
    chlo.ErfInv: SMALL,
    chlo.Lgamma: ABOVE_ONE,
    chlo.Digamma: ABOVE_ONE,
    chlo.BesselI1e: X * 5,
}


@pytest.mark.parametrize("cls", UNARY, ids=lambda c: c.name)
def test_chlo(cls) -> None:
    check(lambda x: x.scope.emit(cls(x.value)), UNARY[cls], tolerance=1e-5)


def test_chlo_of_two() -> None:
    x = np.array([2.5, 1.5, 3.0])
    check(lambda x: x.scope.emit(chlo.Polygamma(x.lift(1).value, x.value)), x, tolerance=1e-5)
    check(lambda x: x.scope.emit(chlo.Zeta(x.lift(2.5).value, x.value)), x, tolerance=1e-5)
    with pytest.raises(UnsupportedError, match=r"operand 0.*zeta-vjp"):
        vjp(program_for(lambda x: x.scope.emit(chlo.Zeta(x.value, x.lift(2).value)), [x]))


def test_conjugate() -> None:
    def body(x: Expr, y: Expr) -> Sequence[Expr]:
        z = make_complex(x, y)
        w = z * z * x.scope.emit(chlo.Conj(z.value))
        return real(w), imag(w)

    check(body, X, SMALL)


def test_top_k() -> None:
    check(lambda x: sin(x.scope.emit(chlo.TopK(x.value, k=2))[0]), RNG.standard_normal((3, 4)))


@pytest.mark.parametrize("n", [5, 6])
@pytest.mark.parametrize("leading", [(), (3,)])
def test_fft(n: int, leading: tuple[int, ...]) -> None:
    lengths = (*leading, n)

    def transform(x: Expr, kind: str) -> Expr:
        return x.scope.emit(hlo.Fft(x.value, fft_type=kind, fft_length=lengths))

    def there_and_back(x: Expr, y: Expr) -> Sequence[Expr]:
        z = transform(make_complex(x, y), "FFT")
        w = transform(z * z, "IFFT")
        return real(w), imag(w)

    def reals(x: Expr, y: Expr) -> Sequence[Expr]:
        z = transform(x, "RFFT")
        return [transform(z * z, "IRFFT") * y]

    x, y = RNG.standard_normal((2, *lengths)), RNG.standard_normal((2, *lengths))
    check(there_and_back, x, y, order=1)
    check(reals, x, y, order=1)


def vector(scale: float = 1.0) -> np.ndarray:
    return RNG.uniform(0.5, 1.5, 3) * scale


@pytest.mark.parametrize("feature", [1, 2])
def test_batch_norm(feature: int) -> None:
    shape = (2, 3, 4) if feature == 1 else (4, 2, 3)
    options = {"epsilon": 0.125, "feature_index": feature}

    def inference(*operands: Expr) -> Expr:
        return operands[0].scope.emit(hlo.BatchNormInference(*(o.value for o in operands), **options))

    def training(*operands: Expr) -> Sequence[Expr]:
        return operands[0].scope.emit(hlo.BatchNormTraining(*(o.value for o in operands), **options))

    x = RNG.standard_normal(shape)
    check(inference, x, vector(), vector(), vector(), vector(), tolerance=1e-5)
    check(training, x, vector(), vector(), tolerance=1e-5)


def test_computed_shapes_of_static_extent() -> None:
    def body(x: Expr) -> Expr:
        scope = x.scope
        shape = scope.constant([2, 2], TensorType((2,), i64))
        square = TensorType((2, 2), f64)
        y = scope.emit(hlo.DynamicReshape(x.value, shape.value, result_types=[square]))
        wide = TensorType((3, 2, 2), f64)
        dims = scope.constant([3, 2, 2], TensorType((3,), i64))
        made = hlo.DynamicBroadcastInDim(
            sin(y).value, dims.value, broadcast_dimensions=(1, 2), result_types=[wide]
        )
        return sin(scope.emit(made))

    check(body, X)


def test_old_forms() -> None:
    a, b = RNG.standard_normal((2, 3)), RNG.standard_normal((3, 4))
    for x, y in ((a, b), (a[0], b), (a, b[:, 0]), (a[0], b[:, 0])):
        check(lambda x, y: x.scope.emit(legacy.Dot(x.value, y.value)), x, y)
    check(lambda x: sin(x.scope.emit(legacy.Broadcast(x.value, broadcast_sizes=(2, 1)))), a)


def amounts(x: Expr, *numbers: int) -> Expr:
    return x.scope.constant(list(numbers), TensorType((len(numbers),), i64))


def test_computed_amounts() -> None:
    def sliced(x: Expr) -> Expr:
        operands = [x, amounts(x, 1, 0), amounts(x, 4, 5), amounts(x, 1, 2)]
        open_type = TensorType((None, 3), f64)
        return sin(x.scope.emit(hlo.RealDynamicSlice(*(o.value for o in operands), result_types=[open_type])))

    def padded(x: Expr, filling: Expr) -> Expr:
        operands = [x, filling, amounts(x, 1, -1), amounts(x, -1, 2), amounts(x, 0, 2)]
        open_type = TensorType((None, None), f64)
        return sin(x.scope.emit(hlo.DynamicPad(*(o.value for o in operands), result_types=[open_type])))

    x = RNG.standard_normal((4, 5))
    check(sliced, x)
    check(padded, x, np.array(0.5))


def test_a_tuple_is_looked_through() -> None:
    def body(x: Expr, y: Expr) -> Expr:
        pair = x.scope.builder.emit(hlo.Tuple([sin(x).value, y.value]))
        parts = [x.scope.emit(hlo.GetTupleElement(pair, index=i)) for i in (0, 1)]
        return parts[0] * parts[1]

    check(body, X, SMALL, order=1)


def function(name: str, body, *types: TensorType) -> Func:
    arguments = [Value(t, None, i) for i, t in enumerate(types)]
    builder = Builder()
    builder.emit(func.Return([r.value for r in body(*map(Scope(builder).of, arguments))]))
    return Func.of(name, Block(arguments, builder.operations), visibility="private")


def composite(*operands: Expr, **attributes) -> Expr:
    made = hlo.Composite(
        [o.value for o in operands],
        name="test.op",
        decomposition="op",
        result_types=[operands[0].type],
        **attributes,
    )
    return operands[0].scope.emit(made)


def test_a_composite_is_differentiated_through_its_decomposition() -> None:
    type = tensor_of(X)
    op = function("op", lambda x, y: [sin(x) * y], type, type)
    main = program_for(lambda x, y: composite(x * y, y), [X, SMALL]).operations
    check_module(Module.of([*main, op]), [X, SMALL])


def test_a_composite_names_its_own_gradient() -> None:
    """As if the slope were 7 ans: a straight-through estimator, say."""
    type = tensor_of(X)
    op = function("op", lambda x: [sin(x)], type)
    rule = function("rule", lambda x, ans, g: [g * ans * 7], type, type, type)
    attributes = DictionaryAttr((("irc.vjp", SymbolRefAttr("rule")),))
    main = program_for(lambda x: composite(x * x, composite_attributes=attributes), [X]).operations
    module = vjp(Module.of([*main, op, rule]))
    _, g = interpret(module, X, np.ones(4))
    np.testing.assert_allclose(g, 7 * np.sin(X * X) * 2 * X)
    wrong = function("rule", lambda x, g: [g], type, type)
    with pytest.raises(UnsupportedError, match=r"does not fit.*composite-vjp"):
        vjp(Module.of([*main, op, wrong]))


def test_a_custom_call_is_refused_at_its_line() -> None:
    def body(x: Expr) -> Expr:
        return x.scope.emit(hlo.CustomCall([x.value], call_target_name="f", result_types=[x.type]))

    with pytest.raises(
        UnsupportedError, match=r"custom_call.*@f computes is not known.*custom_call-vjp"
    ) as refusal:
        vjp(program_for(body, [X]))
    assert refusal.value.line == 1


def test_random_bits_stop_the_gradient() -> None:
    def body(x: Expr) -> Expr:
        state = x.scope.constant([1, 2], TensorType((2,), ui64))
        bits = TensorType((4,), ui64)
        made = hlo.RngBitGenerator(state.value, rng_algorithm="THREE_FRY", result_types=[state.type, bits])
        return x * convert(x.scope.emit(made)[1] & x.scope.constant(255, bits), f64)

    check(body, X, order=1, tolerance=1e-4)


def test_batch_norm_grad_itself() -> None:
    def body(x: Expr, scale: Expr, mean: Expr, variance: Expr, g: Expr) -> Sequence[Expr]:
        values = [v.value for v in (x, scale, mean, variance, g)]
        return x.scope.emit(hlo.BatchNormGrad(*values, epsilon=0.1, feature_index=1))

    def at_its_statistics(x: Expr, scale: Expr, g: Expr) -> Sequence[Expr]:
        mean = reduce_sum(x, (0, 2)) / 12
        apart = x - broadcast_like(mean, x, (1,))
        variance = reduce_sum(apart * apart, (0, 2)) / 12
        return body(x, scale, mean, variance, g)

    check(
        at_its_statistics,
        RNG.standard_normal((3, 2, 4)),
        RNG.standard_normal(2),
        RNG.standard_normal((3, 2, 4)),
        order=1,
    )


def test_a_gather_of_computed_sizes() -> None:
    numbers = hlo.GatherDimensionNumbers(
        offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,), index_vector_dim=1
    )

    def body(x: Expr, at: Expr) -> Expr:
        sizes = x.scope.constant([1, 3], TensorType((2,), i64))
        made = hlo.DynamicGather(
            x.value, at.value, sizes.value, dimension_numbers=numbers, result_types=[TensorType((3, 3), f64)]
        )
        return x.scope.emit(made)

    check(body, RNG.standard_normal((4, 3)), np.array([2, 0, 2], np.int64))


def test_rounding_and_neighbours_pass_the_gradient_on() -> None:
    """Rounding to f64's own precision, which differences can see; the number next to x moves with x."""

    def rounded(x: Expr) -> Expr:
        return sin(x.scope.emit(hlo.ReducePrecision(x.value, exponent_bits=11, mantissa_bits=52)))

    check(rounded, X)
    check(lambda x, y: x.scope.emit(chlo.NextAfter(x.value, y.value)), X, X + 1)


DIFFERENTIABLE_DIALECTS = ("stablehlo", "chlo", "func")


OPS = {name: cls for name, cls in all_operations().items() if cls.dialect in DIFFERENTIABLE_DIALECTS}


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_a_gradient_or_says_why_not(name: str) -> None:
    assert rule_of(OPS[name]) is not None, f"{name.partition('.')[2]}-vjp"


def test_the_list_of_refusals_only_shrinks() -> None:
    refused = sorted(cls.name for cls, rule in all_rules().items() if isinstance(rule, Refused))
    assert refused == [
        "chlo.scan",
        "stablehlo.all_gather",
        "stablehlo.all_reduce",
        "stablehlo.all_to_all",
        "stablehlo.async_done",
        "stablehlo.async_start",
        "stablehlo.collective_broadcast",
        "stablehlo.collective_permute",
        "stablehlo.collective_reduce",
        "stablehlo.dynamic_conv",
        "stablehlo.infeed",
        "stablehlo.outfeed",
        "stablehlo.recv",
        "stablehlo.reduce_scatter",
        "stablehlo.rng",
        "stablehlo.send",
        "stablehlo.set_dimension_size",
        "stablehlo.uniform_dequantize",
        "stablehlo.uniform_quantize",
    ]
    assert all(rule.reason for rule in all_rules().values() if isinstance(rule, Refused | NoGradient))
