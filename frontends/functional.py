"""irc.vmap, irc.jvp, irc.vjp, irc.hessian, irc.stop_gradient, irc.checkpoint: functions of tensors into other functions.

A function is recorded once on stand-ins (see `control.Closure`), and the pass of that name works on what was recorded;
the result is recorded like any operation, so that each of them works on the results of the others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from irc.dialects import stablehlo as hlo
from irc.dialects.func import Return
from irc.frontends.compile import flatten, unflatten
from irc.frontends.control import Closure, record_closure
from irc.frontends.errors import RecordError, RecordTypeError
from irc.frontends.recorder.functions import FUNCTIONS
from irc.frontends.recorder.gradient import backward
from irc.frontends.recorder.graph import apply, differentiated, placeholder, recorder
from irc.frontends.recorder.storage import Handle, located
from irc.frontends.recorder.value import Recorded
from irc.frontends.transforms import grad, is_nested, leaf, map_tensors, wrap
from irc.ir.attributes import UnitAttr
from irc.ir.builder import Builder
from irc.ir.operation import Block, Value
from irc.ir.types import FloatType, TensorType, i32
from irc.passes.autodiff.forward import Forward
from irc.passes.autodiff.rules.control import CHECKPOINT
from irc.passes.batching import Batcher
from irc.passes.expression import Expr, Scope, convert, eq, reshape, transpose, zeros_like


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: int = 0) -> Callable[..., Any]:
    """A function of one example on a batch: the examples lie along dimension `in_axes` of each argument (an int, or one
    for each argument; None: the same for all), and along `out_axes` of each result."""

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        handles, structure, axes = _along(args, in_axes)
        sizes = {h._read().type.shape[a] for h, a in zip(handles, axes, strict=True) if a is not None}
        if len(sizes) != 1 or None in sizes:
            shown = sorted(map(str, sizes)) or "none"
            raise located(RecordError(f"irc.vmap goes over one number of examples, and is given {shown}"))
        (size,) = sizes
        assert size is not None
        examples = [_example(h, a) for h, a in zip(handles, axes, strict=True)]
        closure = _recorded(function, structure, examples, "irc.vmap")

        def lower(scope: Scope, *xs: Expr) -> list[Expr]:
            parameters, operations, results = _placed(closure, [h._read().type for h in examples], xs)
            fronts = [x if a is None else _moved(x, a, 0) for x, a in zip(xs, axes, strict=False)]
            values = [x.value for x in (*fronts, *xs[len(fronts) :])]
            differs = [v for v, a in zip(values, axes, strict=False) if a is not None]
            local = dict(zip(parameters, values, strict=True))
            batcher = Batcher(scope.builder, size, FUNCTIONS, local, differs)
            batcher.run(operations)
            return [_moved(scope.of(batcher.batched(r)), 0, out_axes) for r in results]

        key = ("vmap", closure.key, tuple(axes), out_axes, size)
        return closure.wrap(record_closure(key, lower, closure, [h._read() for h in handles]))

    return run


def _along(args: Sequence[Any], in_axes: Any) -> tuple[list[Handle], Any, list[int | None]]:
    """The tensors in the arguments, the structure they are in, and where the examples of each lie."""
    given = [in_axes] * len(args) if in_axes is None or isinstance(in_axes, int) else list(in_axes)
    if len(given) != len(args):
        raise located(RecordTypeError(f"in_axes of irc.vmap has {len(given)} for {len(args)} arguments"))
    handles: list[Handle] = []
    axes: list[int | None] = []
    for argument, axis in zip(args, given, strict=True):
        flatten(argument, handles, leaves=True)
        axes += [axis] * (len(handles) - len(axes))
    axes = [a if a is None or a >= 0 else a + h._read().type.rank for h, a in zip(handles, axes, strict=True)]
    return handles, flatten(tuple(args), [], leaves=True), axes


def _example(handle: Handle, axis: int | None) -> Handle:
    """A stand-in for one example."""
    if axis is None:
        return handle
    value = handle._read()
    shape = tuple(n for d, n in enumerate(value.type.shape) if d != axis)
    one = placeholder(TensorType(shape, value.type.element))
    one.requires_grad = value.requires_grad
    made = type(handle).__new__(type(handle))
    made._hold(one)
    return made


def _moved(x: Expr, source: int, target: int) -> Expr:
    """One dimension moved to another place."""
    order = [d for d in range(x.rank) if d != source]
    order.insert(target if target >= 0 else target + x.rank, source)
    return transpose(x, order)


def _recorded(function: Callable[..., Any], structure: Any, handles: Sequence[Handle], what: str) -> Closure:
    """The function on stand-ins for `handles`. Raises RecordError where it writes to something outside."""
    with differentiated():
        closure = Closure(lambda *hs: function(*unflatten(structure, iter(hs))), handles)
    if closure.effects:
        raise located(RecordError(f"the function of {what} writes to a tensor from outside"))
    return closure


def _placed(
    closure: Closure, types: Sequence[Any], xs: Sequence[Expr]
) -> tuple[list[Value], list[Any], list[Value]]:
    """Its parameters (arguments of these types, then captured values), its ops, its results."""
    every = [*types, *(x.type for x in xs[len(types) :])]
    parameters = [Value(t, None, i) for i, t in enumerate(every)]
    builder = Builder()
    results = closure.place(builder, parameters[: len(types)], parameters[len(types) :])
    return parameters, builder.operations, results


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """`function(*primals)`, and how it moves when the arguments move by `tangents`, which have their structure."""
    handles: list[Handle] = []
    moves: list[Handle] = []
    structure = flatten(tuple(primals), handles, leaves=True)
    if flatten(tuple(tangents), moves, leaves=True) != structure:
        raise located(
            RecordTypeError("irc.jvp takes a tangent for each tensor of the arguments, in their structure")
        )
    for h, m in zip(handles, moves, strict=True):
        if h._read().type is not m._read().type or type(h._read().type.element) is not FloatType:
            message = f"irc.jvp moves a {h._read().type} by a {m._read().type}"
            raise located(RecordTypeError(f"{message}: both are floating-point tensors of one type"))
    closure = _recorded(function, structure, handles, "irc.jvp")
    n = len(handles)

    def lower(scope: Scope, *every: Expr) -> list[Expr]:
        xs, ts = [*every[:n], *every[2 * n :]], every[n : 2 * n]
        parameters, operations, results = _placed(closure, [h._read().type for h in handles], xs)
        local = dict(zip(parameters, (x.value for x in xs), strict=True))
        moving = {x.value: t.value for x, t in zip(xs, ts, strict=False)}
        forward = Forward(scope.builder, FUNCTIONS, local, moving)
        forward.run(Block(parameters, [*operations, Return(results)]))
        out = [scope.of(forward.value(r)) for r in results]
        return [
            *out,
            *(
                scope.of(forward.tangent(r, scope)) if _moves(r) else zeros_like(o)
                for r, o in zip(results, out, strict=True)
            ),
        ]

    inputs = [h._read() for h in (*handles, *moves)]
    made = record_closure(("jvp", closure.key), lower, closure, inputs)
    return closure.wrap(made[: closure.count]), closure.wrap(made[closure.count :])


def _moves(value: Value) -> bool:
    return type(value.type.element) is FloatType


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """`function(*primals)`, and the function that takes cotangents (in the structure of the result) back to the gradients
    of the arguments: zeros where nothing depends on one."""
    wanted: list[Recorded] = []
    given = [map_tensors(p, lambda t: leaf(t, wanted)) for p in primals]
    with differentiated() as before:
        nested = before and is_nested(primals, range(len(primals)))
        out = function(*given)
    results: list[Handle] = []
    structure = flatten(out, results, leaves=True)

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        """The gradients of the arguments for these cotangents."""
        gs: list[Handle] = []
        if flatten(cotangents, gs, leaves=True) != structure:
            raise located(RecordTypeError("cotangents have the structure of the result"))
        pairs = [(r._read(), g._read()) for r, g in zip(results, gs, strict=True) if r._read().requires_grad]
        before, recorder.grad_enabled = (
            recorder.grad_enabled,
            nested or any(g.requires_grad for _, g in pairs),
        )
        try:
            roots, upstream = [r for r, _ in pairs], [g for _, g in pairs]
            found = backward(roots, upstream, wanted, retain=True) if pairs else []
        finally:
            recorder.grad_enabled = before
        known = {id(v): g for v, g in found}
        each = iter([known.get(id(w)) or apply(_zeros, (w,))[0] for w in wanted])
        return tuple(map_tensors(p, lambda t: wrap(type(t), next(each))) for p in primals)

    return out if nested else stop_gradient(out), pullback


def _zeros(scope: Any, x: Any) -> Any:
    return zeros_like(x)


def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The second derivatives of a function's scalar result with respect to one tensor: of shape (*shape, *shape)."""
    slope = grad(function, argnums)

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        x = args[argnums]

        def column(direction: Any) -> Any:
            moved = lambda at: slope(*args[:argnums], at, *args[argnums + 1 :])  # noqa: E731
            return jvp(moved, (x,), (direction,))[1]

        shape = x._read().type.shape
        rows = vmap(column)(wrap(type(x), apply(_basis, (x._read(),))[0]))
        return wrap(type(x), apply(_reshaped, (rows._read(),), ((*shape, *shape),))[0])

    return run


def _basis(scope: Scope, x: Expr) -> Expr:
    """Each unit vector in the shape of `x`."""
    shape = x.shape
    n = functools.reduce(lambda a, b: a * b, shape, 1)
    places = TensorType((n, n), i32)
    made = convert(eq(scope.iota(places, 0), scope.iota(places, 1)), x.element)
    return reshape(made, (n, *shape))


def _reshaped(scope: Scope, x: Expr, shape: tuple[int, ...]) -> Expr:
    return reshape(x, shape)


def stop_gradient(value: Any) -> Any:
    """The tensors of a nested structure, as constants to every gradient."""
    return map_tensors(value, lambda t: wrap(type(t), t._read().alias()))


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; what its gradient needs of the inside is computed again instead of kept."""

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        handles: list[Handle] = []
        structure = flatten(tuple(args), handles, leaves=True)
        closure = _recorded(function, structure, handles, "irc.checkpoint")

        def lower(scope: Scope, *xs: Expr) -> list[Expr]:
            values = [x.value for x in xs]

            def body(b: Builder) -> None:
                b.emit(hlo.Return(closure.place(b, values[: len(handles)], values[len(handles) :])))

            index = scope.constant(0, TensorType((), i32))
            region = scope.builder.region([], body)
            made = hlo.Case(index.value, regions=[region], attributes={CHECKPOINT: UnitAttr()})
            scope.builder.emit(made)
            return [scope.of(r) for r in made.results]

        inputs = [h._read() for h in handles]
        return closure.wrap(record_closure(("checkpoint", closure.key), lower, closure, inputs))

    return run
