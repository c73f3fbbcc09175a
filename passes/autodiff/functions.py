"""Whole functions: a module whose @main also returns gradients."""

from __future__ import annotations

from collections.abc import Sequence

from irc.dialects import func
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.builder import Builder
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Value
from irc.ir.rewriting import Rewriter
from irc.passes.autodiff.forward import Forward
from irc.passes.autodiff.transform import Replacement, Reverse, splice
from irc.passes.dce import DeadCode
from irc.passes.expression import Scope, is_differentiable, zeros_like
from irc.passes.manager import Context


def value_and_grad(
    module: Module, wrt: Sequence[int] | None = None, of: int = 0, entry: str = "main"
) -> Module:
    """`f(*args) -> results` becomes `f(*args) -> (*results, *gradients)`.

    The gradients are those of result number `of`, a scalar, with respect to the arguments numbered `wrt`
    (absent: all that are floating-point or complex), each of its argument's type; zeros where the result
    does not depend on it. Raises IrcError where result or arguments have no derivative, UnsupportedError
    naming an op that has no gradient."""
    main = _function(module, entry)
    output = main.returned[of]
    if not is_differentiable(output.type) or output.type.shape != ():
        raise IrcError(
            f"the gradient is asked of result {of}, a {output.type}, which is not a floating-point scalar",
            span=span_of(output.location),
        )
    backward = _Backward(module, main, _arguments(main, wrt))
    backward.seed(output, backward.reverse.scope.constant(1, output.type).value)
    return backward.module(main.arguments, main.returned)


def vjp(module: Module, wrt: Sequence[int] | None = None, entry: str = "main") -> Module:
    """`f(*args) -> results` becomes `f(*args, *cotangents) -> (*results, *gradients)`, one cotangent for
    each result that is floating-point or complex, in order."""
    main = _function(module, entry)
    outputs = [v for v in main.returned if is_differentiable(v.type)]
    cotangents = _arguments_after(main, outputs)
    backward = _Backward(module, main, _arguments(main, wrt))
    for output, cotangent in zip(outputs, cotangents, strict=True):
        backward.seed(output, cotangent)
    return backward.module((*main.arguments, *cotangents), main.returned)


def jvp(module: Module, wrt: Sequence[int] | None = None, entry: str = "main") -> Module:
    """`f(*args) -> results` becomes `f(*args, *tangents) -> (*results, *tangents of the results)`, a
    tangent for each argument in `wrt` and of each result that is floating-point or complex. See
    `forward.py`."""
    main = _function(module, entry)
    inputs = _arguments(main, wrt)
    tangents = _arguments_after(main, inputs)
    builder = Builder(main.location)
    forward = Forward(builder, _functions(module), {}, dict(zip(inputs, tangents, strict=True)))
    forward.run(main.block)
    scope = Scope(builder)
    moved = [forward.tangent(v, scope) for v in main.returned if is_differentiable(v.type)]
    returned = [*map(forward.value, main.returned), *moved]
    return _rebuilt(module, main, (*main.arguments, *tangents), builder.operations, {}, returned)


class _Backward:
    """The reverse of a function's body, not yet put together with it."""

    def __init__(self, module: Module, main: Func, wrt: Sequence[Value]) -> None:
        functions = _functions(module)
        self.source, self.main, self.wrt = module, main, wrt
        self.builder = Builder(main.location)
        self.replaced: dict[Operation, Replacement] = {}
        self.reverse = Reverse(self.builder, main.block.operations[:-1], wrt, functions, self.replaced)

    def seed(self, output: Value, cotangent: Value) -> None:
        self.reverse.add(output, self.reverse.scope.of(cotangent))

    def module(self, arguments: Sequence[Value], returned: Sequence[Value]) -> Module:
        """The module with the reverse after the forward ops; returns `returned` and the gradients."""
        self.reverse.run()
        scope = self.reverse.scope
        gradients = [self.reverse.cotangents.get(v) or zeros_like(scope.of(v)) for v in self.wrt]
        operations = [*self.main.block.operations[:-1], *self.builder.operations]
        results = [*returned, *(g.value for g in gradients)]
        return _rebuilt(self.source, self.main, arguments, operations, self.replaced, results)


def _rebuilt(
    module: Module,
    main: Func,
    arguments: Sequence[Value],
    operations: Sequence[Operation],
    replaced: dict[Operation, Replacement],
    returned: Sequence[Value],
) -> Module:
    """The module with `main`'s body made of `operations`, without those that nothing reads."""
    rewriter = Rewriter()
    splice(rewriter, operations, replaced)
    end = func.Return([rewriter.value(v) for v in returned], location=main.block.terminator.location)
    block = Block(arguments, [*rewriter.operations, end])
    changed = main.for_results(len(returned)).with_block(block)
    whole = module.with_operations(changed if op is main else op for op in module.operations)
    return DeadCode().apply(whole, Context())


def _arguments_after(main: Func, values: Sequence[Value]) -> list[Value]:
    """New arguments after those of `main`, of the types of `values`."""
    count = len(main.arguments)
    return [Value(v.type, None, count + i, location=v.location) for i, v in enumerate(values)]


def _functions(module: Module) -> dict[str, Func]:
    return {name: op for name, op in module.symbols.items() if isinstance(op, Func)}


def _function(module: Module, entry: str) -> Func:
    found = module.symbols.get(entry)
    if not isinstance(found, Func) or found.is_declaration:
        raise IrcError(f"there is no function @{entry} with a body to take a gradient of")
    return found


def _arguments(main: Func, wrt: Sequence[int] | None) -> list[Value]:
    if wrt is None:
        return [a for a in main.arguments if is_differentiable(a.type)]
    for i in wrt:
        if not 0 <= i < len(main.arguments):
            raise IrcError(f"argument {i} is asked for; @{main.sym_name} has {len(main.arguments)}")
        if not is_differentiable(main.arguments[i].type):
            raise IrcError(f"there is no gradient with respect to argument {i}, a {main.arguments[i].type}")
    return [main.arguments[i] for i in wrt]
