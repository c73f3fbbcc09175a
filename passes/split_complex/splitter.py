"""The walk that takes complex values apart: every old complex value becomes two new real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from irc.dialects import stablehlo as hlo
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.rewriting import Rewriter
from irc.ir.types import ComplexType, TensorType, Type
from irc.passes.expression import Scope
from irc.passes.split_complex.number import Number

Rule = Callable[["Splitter", Any], Sequence[Value | Number]]
"""The results of an op with a complex operand or result, its operands taken from the splitter."""


def is_complex(value: Value) -> bool:
    return isinstance(value.type, TensorType) and isinstance(value.type.element, ComplexType)


def part_type(type: Any) -> Any:
    """The type of the parts of a complex tensor."""
    return type.with_element(type.element.element)


class Splitter(Rewriter):
    """Replays a function. `numbers` holds what complex values became, the map of a rewriter what others did."""

    def __init__(self, rules: Mapping[type[Operation], Rule]) -> None:
        super().__init__()
        self.rules = rules
        self.numbers: dict[Value, Number] = {}
        self.scope = Scope(self)

    def nested(self) -> Self:
        inner = super().nested()
        inner.scope = Scope(inner)
        return inner

    def function(self, block: Block) -> Block:
        """The block of a function: complex arguments are read once, at its start."""
        inner = self.nested()
        for argument in block.arguments:
            if is_complex(argument):
                inner.read(argument, argument)
        for op in block.operations:
            inner.replay(op)
        return Block(block.arguments, inner.operations)

    def read(self, old: Value, new: Value) -> None:
        """From here on, the parts of the complex value `new` stand for `old`."""
        re, im = self.emit(hlo.Real(new)), self.emit(hlo.Imag(new))
        self.numbers[old] = Number(self.scope.of(re), self.scope.of(im))

    def number(self, old: Value) -> Number:
        """The parts of an old complex value, to compute with in this block."""
        found = self.numbers[old]
        return Number(self.scope.of(found.re.value), self.scope.of(found.im.value))

    def whole(self, old: Value) -> Value:
        """What an old value became, a complex one put together again."""
        if not is_complex(old):
            return self.value(old)
        found = self.numbers[old]
        return self.emit(hlo.Complex(found.re.value, found.im.value))

    def expanded(self, values: Iterable[Value]) -> list[Value]:
        """The new values for old ones in order, two for a complex one."""
        made: list[Value] = []
        for old in values:
            if is_complex(old):
                made += [self.numbers[old].re.value, self.numbers[old].im.value]
            else:
                made.append(self.value(old))
        return made

    def replay(self, op: Operation) -> None:
        if not any(map(is_complex, (*op.operands, *op.results))):
            super().replay(op)
            return
        self.location = op.location
        rule = self.rules.get(type(op))
        if rule is not None:
            self.bind(op, rule(self, op))
        elif isinstance(op, hlo.Return):
            self.emit(hlo.Return(self.expanded(op.operands)))
        else:
            self._at_boundary(op)

    def bind(self, op: Operation, made: Sequence[Value | Number]) -> None:
        """`made` stands for the results of `op`."""
        for old, new in zip(op.results, made, strict=True):
            if isinstance(new, Number):
                self.numbers[old] = new
            else:
                self.map[old] = new

    def _at_boundary(self, op: Operation) -> None:
        """Calls, returns of functions, and what has no rule: complex operands and results as they were."""
        made = op.with_operands([self.whole(v) for v in op.operands])
        self.operations.append(made)
        for old, new in zip(op.results, made.results, strict=True):
            if is_complex(old):
                self.read(old, new)
            else:
                self.map[old] = new

    def in_pairs(self, op: Operation, regions: Sequence[Region] | None = None) -> list[Value | Number]:
        """The op with two operands, region arguments and results for each complex one."""
        types: list[Type] = []
        for result in op.results:
            types += [part_type(result.type)] * 2 if is_complex(result) else [result.type]
        given = [self.split_region(r) for r in op.regions] if regions is None else regions
        made = type(op).create(self.expanded(op.operands), types, op.attributes, given, op.location)
        self.operations.append(made)
        left = iter(made.results)
        return [self.taken(left) if is_complex(r) else next(left) for r in op.results]

    def taken(self, values: Any) -> Number:
        """The next two of an iterator of values."""
        return Number(self.scope.of(next(values)), self.scope.of(next(values)))

    def split_region(self, region: Region, by_part: bool = False) -> Region:
        """The region with two arguments for each complex one.

        Arguments of a comparator come in couples, and so do those of their parts: `by_part`."""
        inner = self.nested()
        arguments: list[Value] = []
        step = 2 if by_part else 1
        for i in range(0, len(region.arguments), step):
            couple = region.arguments[i : i + step]
            arguments += inner._arguments(couple, len(arguments))
        for op in region.operations:
            inner.replay(op)
        return Region([Block(arguments, inner.operations)])

    def _arguments(self, couple: Sequence[Value], start: int) -> list[Value]:
        """New arguments for old ones of one type, numbered from `start` on."""
        if not is_complex(couple[0]):
            made = [Value(a.type, None, start + i, a.name, a.location) for i, a in enumerate(couple)]
            self.map.update(zip(couple, made, strict=True))
            return made
        kind = part_type(couple[0].type)
        made = [Value(kind, None, start + i, location=couple[0].location) for i in range(2 * len(couple))]
        res, ims = made[: len(couple)], made[len(couple) :]
        for old, re, im in zip(couple, res, ims, strict=True):
            self.numbers[old] = Number(self.scope.of(re), self.scope.of(im))
        return made
