"""The meaning of a program, slow and obvious: every op's `evaluate` in order, in NumPy. Used by tests alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.dialects.quantization import computes_quantized, evaluate_by_floats
from irc.errors import IrcError, UnsupportedError
from irc.ir.fields import SYMBOL
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import TensorType, compatible_shapes

Array = np.ndarray[Any, Any]
MOST_ELEMENTS = 1 << 31
"""Of a result. What is larger is refused by name before memory is asked for."""


def interpret(module: Module, *arrays: Any, entry: str = "main") -> list[Array]:
    """The results of one function of `module` on arrays that fit its argument types.

    Raises UnsupportedError, naming the op, where an op has no reference; IrcError where an input does not fit or an
    evaluation fails."""
    interpreter = _Interpreter(module)
    function = interpreter.function(entry)
    if len(arrays) != len(function.arguments):
        raise IrcError(f"@{entry} takes {len(function.arguments)} arguments, not {len(arrays)}")
    inputs = [_input(i, v, a) for i, (v, a) in enumerate(zip(function.arguments, arrays, strict=True))]
    return [np.array(r) for r in interpreter.call(entry, *inputs)]


def _input(index: int, value: Value, array: Any) -> Array:
    given = np.asarray(array)
    type = value.type
    fits = isinstance(type, TensorType) and given.dtype == type.element.numpy
    if not fits or not compatible_shapes(given.shape, type.shape):
        raise IrcError(f"argument {index} is {given.dtype}{list(given.shape)}, and {type} is wanted")
    return given


class _Interpreter:
    """Runs functions and regions of one module. Arrays are kept by value, for as long as their function runs."""

    def __init__(self, module: Module) -> None:
        self.symbols = module.symbols

    def function(self, name: str) -> Func:
        """The function of this name; one without a body is refused."""
        found = self.symbols.get(name)
        if not isinstance(found, Func):
            raise IrcError(f"there is no function @{name}")
        if found.is_declaration:
            raise UnsupportedError(f"function @{name} has no body")
        return found

    def call(self, name: str, *arrays: Array) -> tuple[Any, ...]:
        return self.block(self.function(name).block, arrays, {})

    def block(self, block: Block, arrays: Sequence[Any], known: dict[Value, Any]) -> tuple[Any, ...]:
        """Runs a block with `known` values visible; what its terminator returns."""
        known.update(zip(block.arguments, arrays, strict=True))
        for op in block.operations:
            if op.terminator:
                return tuple(known[o] for o in op.operands)
            known.update(zip(op.results, self.operation(op, known), strict=True))
        return ()

    def operation(self, op: Operation, known: dict[Value, Any]) -> tuple[Any, ...]:
        evaluate = getattr(op, "evaluate", None)
        if evaluate is None:
            raise UnsupportedError(f"'{op.title}' has no reference evaluation", span=span_of(op.location))

        for result in op.results:
            if (
                isinstance(result.type, TensorType)
                and result.type.is_static
                and result.type.size > MOST_ELEMENTS
            ):
                message = f"'{op.name}' gives {result.type}, more than the reference evaluates"
                raise UnsupportedError(message, span=span_of(op.location))

        def run(body: Region | str, *arrays: Array) -> tuple[Any, ...]:
            return (
                self.call(body, *arrays) if isinstance(body, str) else self.block(body.block, arrays, known)
            )

        operands = [known[o] for o in op.operands]
        try:
            if computes_quantized(op):
                given = evaluate_by_floats(op, operands)
            else:
                given = evaluate(run, *operands) if _takes_run(op) else evaluate(*operands)
        except IrcError:
            raise
        except Exception as failure:
            message = f"evaluating '{op.title}' failed: {failure}"
            raise IrcError(message, span=span_of(op.location)) from failure
        results = given if isinstance(given, tuple) and len(op.results) != 1 else _one(given)
        return tuple(_checked(op, r, v) for r, v in zip(op.results, results, strict=True))


def _takes_run(op: Operation) -> bool:
    return bool(op.region_fields) or any(a.codec is SYMBOL for a in op.attribute_fields.values())


def _one(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)


def _checked(op: Operation, result: Value, array: Any) -> Any:
    """The array, which must be of the result's element type (its shape is larger where a region runs on many elements)."""
    if not isinstance(result.type, TensorType):
        return array
    array = np.asarray(array)
    if array.dtype != result.type.element.numpy:
        raise IrcError(f"'{op.name}' evaluated to {array.dtype} for {result.type}", span=span_of(op.location))
    return array
