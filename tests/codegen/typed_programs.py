"""One small program for every op on every element type: the text of those that the op's constraints allow."""

from __future__ import annotations

from collections.abc import Iterator

TYPES = (
    "i1", "i2", "i4", "i8", "i16", "i32", "i64", "ui2", "ui4", "ui8", "ui16", "ui32", "ui64", "bf16", "f16", "f32", "f64",
    "complex<f32>", "complex<f64>", "f8E4M3FN", "f8E5M2", "f8E3M4", "f8E4M3", "f8E4M3B11FNUZ", "f8E4M3FNUZ", "f8E5M2FNUZ",
    "f8E8M0FNU", "f6E2M3FN", "f6E3M2FN", "f4E2M1FN",
)  # fmt: skip

UNARY = (
    "abs", "cbrt", "ceil", "cosine", "count_leading_zeros", "exponential", "exponential_minus_one", "floor", "imag",
    "is_finite", "log", "log_plus_one", "logistic", "negate", "not", "popcnt", "real", "round_nearest_afz",
    "round_nearest_even", "rsqrt", "sign", "sine", "sqrt", "tan", "tanh",
)  # fmt: skip
BINARY = (
    "add", "and", "atan2", "divide", "maximum", "minimum", "multiply", "or", "power", "remainder", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "subtract", "xor",
)  # fmt: skip
CONVERTED = ("i1", "i4", "i32", "ui8", "bf16", "f32", "f64", "complex<f32>", "f8E4M3FN")


def programs(t: str) -> Iterator[tuple[str, str]]:
    """(op, text) for an element type, valid or not. Operands are `tensor<3x5xt>` where nothing else is needed; an i32 that
    is no 3x5 tensor is an index."""
    n, s = f"tensor<3x5x{t}>", f"tensor<{t}>"
    kind = "FLOAT"
    if t[0] in "iu":
        kind = "SIGNED" if t[0] == "i" and t != "i1" else "UNSIGNED"
    for op in UNARY:
        r = "tensor<3x5xi1>" if op == "is_finite" else n
        if op in ("imag", "real", "abs") and t.startswith("complex"):
            r = f"tensor<3x5x{t[8:11]}>"
        yield op, _main({"x": n}, r, f'"stablehlo.{op}"(%x) : ({n}) -> {r}')
    for op in BINARY:
        yield op, _main({"x": n, "y": n}, n, f"stablehlo.{op} %x, %y : {n}")
    for other in CONVERTED:
        r = f"tensor<3x5x{other}>"
        yield f"convert to {other}", _main({"x": n}, r, f"stablehlo.convert %x : ({n}) -> {r}")
    for direction in ("EQ", "LT"):
        compared = f"stablehlo.compare {direction}, %x, %y, {kind} : ({n}, {n}) -> tensor<3x5xi1>"
        yield f"compare {direction}", _main({"x": n, "y": n}, "tensor<3x5xi1>", compared)
    p = "tensor<3x5xi1>"
    yield "select", _main({"p": p, "x": n, "y": n}, n, f"stablehlo.select %p, %x, %y : {p}, {n}")
    yield "clamp", _main({"a": s, "x": n, "b": s}, n, f"stablehlo.clamp %a, %x, %b : ({s}, {n}, {s}) -> {n}")
    yield from _moving(t, n, s)
    yield from _combining(t, n, s, kind)


def _moving(t: str, n: str, s: str) -> Iterator[tuple[str, str]]:
    m, c = f"tensor<5x3x{t}>", f"tensor<2x2x{t}>"
    yield "transpose", _main({"x": n}, m, f"stablehlo.transpose %x, dims = [1, 0] : ({n}) -> {m}")
    yield "reverse", _main({"x": n}, n, f"stablehlo.reverse %x, dims = [0, 1] : {n}")
    r = f"tensor<6x9x{t}>"
    padded = f"stablehlo.pad %x, %v, low = [1, -1], high = [0, 1], interior = [1, 1] : ({n}, {s}) -> {r}"
    yield "pad", _main({"x": n, "v": s}, r, padded)
    yield "slice", _main({"x": n}, c, f"stablehlo.slice %x [1:3, 0:4:2] : ({n}) -> {c}")
    r = f"tensor<3x10x{t}>"
    yield (
        "concatenate",
        _main({"x": n, "y": n}, r, f"stablehlo.concatenate %x, %y, dim = 1 : ({n}, {n}) -> {r}"),
    )
    i = "tensor<i32>"
    sliced = f"stablehlo.dynamic_slice %x, %i, %i, sizes = [2, 2] : ({n}, {i}, {i}) -> {c}"
    yield "dynamic_slice", _main({"x": n, "i": i}, c, sliced)
    updated = f"stablehlo.dynamic_update_slice %x, %u, %i, %i : ({n}, {c}, {i}, {i}) -> {n}"
    yield "dynamic_update_slice", _main({"x": n, "u": c, "i": i}, n, updated)
    row = f"tensor<5x{t}>"
    spread = f"stablehlo.broadcast_in_dim %x, dims = [1] : ({row}) -> {n}"
    yield "broadcast_in_dim", _main({"x": row}, n, spread)
    yield "iota", _main({}, n, f"stablehlo.iota dim = 1 : {n}")
    places, taken = "tensor<4x1xi32>", f"tensor<4x5x{t}>"
    numbers = "offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1"
    gathered = (
        f'"stablehlo.gather"(%x, %i) <{{dimension_numbers = #stablehlo.gather<{numbers}>, '
        f"slice_sizes = array<i64: 1, 5>}}> : ({n}, {places}) -> {taken}"
    )
    yield "gather", _main({"x": n, "i": places}, taken, gathered)


def _combining(t: str, n: str, s: str, kind: str) -> Iterator[tuple[str, str]]:
    row = f"tensor<3x{t}>"
    for op in ("add", "and", "maximum", "minimum", "multiply", "or"):
        reduced = f"stablehlo.reduce(%x init: %v) applies stablehlo.{op} across dimensions = [1] : ({n}, {s}) -> {row}"
        yield f"reduce with {op}", _main({"x": n, "v": s}, row, reduced)
    r = f"tensor<2x4x{t}>"
    for op in ("add", "maximum"):
        sized = "<{window_dimensions = array<i64: 2, 2>}>"
        windows = f'"stablehlo.reduce_window"(%x, %v) {sized} ({_region(op, s)}) : ({n}, {s}) -> {r}'
        yield f"reduce_window with {op}", _main({"x": n, "v": s}, r, windows)
    less = _region(f"compare LT, {{}}, {kind}", s, "tensor<i1>")
    ordered = f'"stablehlo.sort"(%x) <{{dimension = 1 : i64, is_stable = true}}> ({less}) : ({n}) -> {n}'
    yield "sort", _main({"x": n}, n, ordered)
    places, taken = "tensor<4x1xi32>", f"tensor<4x5x{t}>"
    numbers = "update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1"
    scattered = (
        f'"stablehlo.scatter"(%x, %i, %u) <{{scatter_dimension_numbers = #stablehlo.scatter<{numbers}>}}> '
        f"({_region('add', s)}) : ({n}, {places}, {taken}) -> {n}"
    )
    yield "scatter", _main({"x": n, "i": places, "u": taken}, n, scattered)
    q, c = f"tensor<4x4x{t}>", f"tensor<2x2x{t}>"
    greater = _region(f"compare GE, {{}}, {kind}", s, "tensor<i1>")
    sized = "<{window_dimensions = array<i64: 2, 2>, window_strides = array<i64: 2, 2>}>"
    chosen = f'"stablehlo.select_and_scatter"(%x, %u, %v) {sized} ({greater}, {_region("add", s)}) : ({q}, {c}, {s}) -> {q}'
    yield "select_and_scatter", _main({"x": q, "u": c, "v": s}, q, chosen)
    y, r = f"tensor<5x4x{t}>", f"tensor<3x4x{t}>"
    product = f"stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : ({n}, {y}) -> {r}"
    yield "dot_general", _main({"x": n, "y": y}, r, product)
    x, w, r = f"tensor<1x5x5x2x{t}>", f"tensor<3x3x2x4x{t}>", f"tensor<1x3x3x4x{t}>"
    convolved = (
        "stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} "
        f"{{batch_group_count = 1 : i64, feature_group_count = 1 : i64}} : ({x}, {w}) -> {r}"
    )
    yield "convolution", _main({"x": x, "w": w}, r, convolved)


def _main(arguments: dict[str, str], result: str, op: str) -> str:
    given = ", ".join(f"%{name}: {type}" for name, type in arguments.items())
    return f"func.func @main({given}) -> {result} {{\n  %0 = {op}\n  return %0 : {result}\n}}"


def _region(op: str, s: str, result: str = "") -> str:
    """A region `(a, b) -> op(a, b)` on scalars; `{}` stands for the operands of a comparison."""
    body = op.format("%a, %b") + f" : ({s}, {s}) -> {result}" if result else f"{op} %a, %b : {s}"
    return f"{{\n  ^bb0(%a: {s}, %b: {s}):\n    %1 = stablehlo.{body}\n    stablehlo.return %1 : {result or s}\n  }}"
