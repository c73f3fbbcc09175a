"""Programs through PTX: compiled for a GPU, run by the interpreter of PTX, compared with the host's code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func
from irc.driver import compile_module

Array = np.ndarray[Any, Any]


def arrays_for(module: Module, seed: int = 0) -> list[Array]:
    """Arguments of @main: normal floats, small integers, random booleans."""
    main = module.symbols["main"]
    assert isinstance(main, Func)
    return [_array(np.random.default_rng(seed + i), a.type) for i, a in enumerate(main.arguments)]


def _array(rng: np.random.Generator, type: Any) -> Array:
    dtype, shape = np.dtype(type.element.numpy), type.static_shape
    match dtype.kind:
        case "b":
            return rng.integers(0, 2, shape).astype(dtype)
        case "i" | "u":
            return rng.integers(0, 5, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def differences(module: Module, arrays: Sequence[Array]) -> list[int]:
    """The results whose bits are not the host's when the kernels run as PTX."""
    host = compile_module(module)(*(a.copy() for a in arrays))
    device = compile_module(module, target="ptx-emulated")(*(a.copy() for a in arrays))
    pairs = zip(host, device, strict=True)
    return [i for i, (h, d) in enumerate(pairs) if not same_bits(np.asarray(h), np.asarray(d))]


def same_bits(x: Array, y: Array) -> bool:
    """Whether two arrays are the same to the bit, any NaN being like any other: a device makes its own."""
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.dtype.kind in "fcV":
        wide = [a.astype(np.complex128 if a.dtype.kind == "c" else np.float64) for a in (x, y)]
        nan = np.isnan(wide[0])
        return bool((nan == np.isnan(wide[1])).all()) and x[~nan].tobytes() == y[~nan].tobytes()
    return x.tobytes() == y.tobytes()


def on_matrix_units(element: str) -> str:
    """The algorithm of a dot_general whose sums may be made in a matrix unit's order."""
    return (
        f", algorithm = <lhs_precision_type = {element}, rhs_precision_type = {element}, accumulation_type = f32, "
        "lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, "
        "allow_imprecise_accumulation = false>"
    )


def dot(lhs: str, rhs: str, out: str, element: str, how: str, result: str = "") -> Module:
    """A dot_general with a bias along the last dimension of its result."""
    result = result or element
    a, b, c = f"tensor<{lhs}x{element}>", f"tensor<{rhs}x{element}>", f"tensor<{out}x{result}>"
    last = out.rpartition("x")[2]
    return parse(f"""
func.func @main(%a: {a}, %b: {b}, %c: tensor<{last}x{result}>) -> {c} {{
  %0 = stablehlo.dot_general %a, %b, {how} : ({a}, {b}) -> {c}
  %1 = stablehlo.broadcast_in_dim %c, dims = [{out.count("x")}] : (tensor<{last}x{result}>) -> {c}
  %2 = stablehlo.add %0, %1 : {c}
  return %2 : {c}
}}""")
