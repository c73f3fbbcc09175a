"""Colours: digests of values by everything they are computed from and everything they are used for, blind to names, to
the sequence of independent ops, of arguments and results, and of operands of commutative ops.

The refinement is that of Weisfeiler and Leman (1968): values of one colour are told apart by the colours around them
until no more of them are. Coarse colours see neither constants' values, nor attributes, nor how dimensions are ordered:
models that nearly agree nearly agree in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from irc.dialects.stablehlo import Constant, DotGeneral, While
from irc.ir.attributes import Attribute, DenseElementsAttr
from irc.ir.operation import Block, Operation, Value
from irc.passes.canonical.axes import permutation_of
from irc.passes.canonical.symmetry import SIDED, is_symmetric, side_keys

Digest = bytes
MAX_ROUNDS = 8


def digest(*parts: bytes | str) -> Digest:
    """Eight bytes that tell sequences of parts apart."""
    h = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(4, "little"))
        h.update(data)
    return h.digest()


class Colours:
    """The colours of a function's values. `marks` are values told apart from others by decision."""

    def __init__(
        self, block: Block, *, coarse: bool = False, marks: Mapping[Value, int] | None = None
    ) -> None:
        self.coarse = coarse
        self.marks = marks or {}
        self._attributes: dict[Attribute, bytes] = {}
        self._keys: dict[Operation, bytes] = {}
        self._values: dict[Value, Digest] = {}
        self.operations: dict[Operation, Digest] = {}
        count = 0
        for _ in range(MAX_ROUNDS):
            self._round(block)
            found = len(set(self._values.values()))
            if found == count:
                break
            count = found

    def __getitem__(self, value: Value) -> Digest:
        return self._values.get(value, b"")

    def _round(self, block: Block) -> None:
        self._up: dict[Value, Digest] = {}
        self._uses: dict[Value, list[Digest]] = {}
        self._below: dict[Value, Digest] = {}
        for argument in block.arguments:
            self._up[argument] = self._source(argument, "argument")
        self._forward(block)
        for value in block.terminator.operands:
            self._use(value, digest("returned"))
        self._backward(block)
        for argument in block.arguments:
            self._look_back(argument)
        self._values = {v: digest(up, self._below.get(v, b"")) for v, up in self._up.items()}

    # What values are computed from

    def _source(self, value: Value, kind: str, *more: Digest) -> Digest:
        mark = str(self.marks.get(value, ""))
        return digest(kind, self._type(value), self._values.get(value, b""), mark, *more)

    def _type(self, value: Value) -> str:
        type = value.type
        if not self.coarse or not hasattr(type, "shape"):
            return str(type)
        return f"{type.element} {sorted(-1 if n is None else n for n in type.shape)}"

    def _forward(self, block: Block) -> None:
        for op in block.operations:
            if op.regions:
                self._enter(op)
            if self.coarse and permutation_of(op) is not None:
                self._up[op.results[0]] = self._up.get(op.operands[0], b"")
                continue
            colour = self._colour(op)
            self.operations[op] = colour
            for i, result in enumerate(op.results):
                self._up[result] = self._source(result, str(i), colour)
            if isinstance(op, While):
                ends = op.regions[1].block.terminator.operands
                for result, start, end in zip(op.results, op.operands, ends, strict=True):
                    self._up[result] = self._source(result, "carried", colour, self._up[start], self._up[end])

    def _enter(self, op: Operation) -> None:
        for number, region in enumerate(op.regions):
            for i, argument in enumerate(region.arguments):
                if isinstance(op, While):
                    self._up[argument] = self._source(argument, "carried", self._up[op.operands[i]])
                else:
                    self._up[argument] = self._source(argument, f"{number} {i}")
            for inner in region.blocks:
                self._forward(inner)

    def _colour(self, op: Operation) -> Digest:
        ups = [self._up.get(v, b"") for v in op.operands]
        ends = [digest(*(self._up.get(v, b"") for v in r.block.terminator.operands)) for r in op.regions]
        key = self._key(op)
        if isinstance(op, While):
            carried = op.regions[1].block.terminator.operands
            pairs = [digest(a, self._up[b]) for a, b in zip(ups, carried, strict=True)]
            return digest(key, *sorted(pairs), ends[0])
        if self._is_symmetric(op):
            return digest(key, *self._sides(op, ups))
        return digest(key, *ups, *ends)

    def _is_symmetric(self, op: Operation) -> bool:
        """Every product is one where it is not seen how dimensions are ordered."""
        return is_symmetric(op) or (self.coarse and isinstance(op, DotGeneral))

    def _sides(self, op: Operation, parts: Sequence[Digest]) -> list[Digest]:
        """What belongs to each operand of a symmetric op, without the order of the two."""
        if self.coarse:
            return sorted(parts)
        return sorted(digest(part, own) for part, own in zip(parts, side_keys(op), strict=True))

    def _key(self, op: Operation) -> bytes:
        found = self._keys.get(op)
        if found is None:
            # What a loop carries has no order, and says its types itself.
            types = [] if isinstance(op, While) else [self._type(r) for r in op.results]
            attributes: list[bytes | str] = []
            if not self.coarse:
                skipped = SIDED.get(type(op)) if is_symmetric(op) else None
                for name in sorted(op.attributes):
                    if name != skipped:
                        attributes += [name, self._attribute(op.attributes[name])]
            found = self._keys[op] = digest(op.name, *types, *attributes)
        return found

    def _attribute(self, attribute: Attribute) -> bytes:
        found = self._attributes.get(attribute)
        if found is None:
            if isinstance(attribute, DenseElementsAttr):
                found = digest(str(attribute.type), attribute.key)
            else:
                found = str(attribute).encode()
            self._attributes[attribute] = found
        return found

    # What values are used for

    def _use(self, value: Value, token: Digest) -> None:
        self._uses.setdefault(value, []).append(token)

    def _look_back(self, value: Value) -> Digest:
        # Whether a constant is shared is no part of the program.
        used = () if isinstance(value.op, Constant) else sorted(self._uses.get(value, ()))
        below = self._below[value] = digest(*used)
        return below

    def _backward(self, block: Block) -> None:
        for op in reversed(block.operations):
            if op.terminator:
                continue
            if self.coarse and permutation_of(op) is not None:
                self._look_back(op.results[0])
                self._uses.setdefault(op.operands[0], []).extend(self._uses.get(op.results[0], ()))
                continue
            below = [self._look_back(r) for r in op.results]
            if isinstance(op, While):
                self._back_through_loop(op, below)
                continue
            token = digest(self.operations[op], *below)
            for number, region in enumerate(op.regions):
                for i, value in enumerate(region.block.terminator.operands):
                    self._use(value, digest(token, f"{number} {i}"))
                for inner in region.blocks:
                    self._backward(inner)
                for argument in region.arguments:
                    self._look_back(argument)
            self._use_operands(op, token)

    def _use_operands(self, op: Operation, token: Digest) -> None:
        symmetric = self._is_symmetric(op)
        keys = side_keys(op) if symmetric and not self.coarse else (b"", b"")
        for i, value in enumerate(op.operands):
            self._use(value, digest(token, keys[i] if symmetric else str(i)))

    def _back_through_loop(self, op: While, below: Sequence[Digest]) -> None:
        token = digest(self.operations[op], *sorted(below))
        condition, body = op.regions
        for value in condition.block.terminator.operands:
            self._use(value, digest(token, "condition"))
        for value, after in zip(body.block.terminator.operands, below, strict=True):
            self._use(value, digest(token, "carried", after))
        for region in op.regions:
            self._backward(region.block)
        for i, value in enumerate(op.operands):
            seen = [self._look_back(region.arguments[i]) for region in op.regions]
            self._use(value, digest(token, "start", below[i], *seen))
