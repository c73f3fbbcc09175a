"""Directives of the assembly formats of arith, memref and vector: what their `custom<...>` reads and prints."""

from __future__ import annotations

from typing import Any

from irc.dialects.assembly import optional_dictionary, print_attributes, result_list
from irc.ir.assembly_elements import (
    Directive,
    OpPrinter,
    TypeElement,
    directive,
    read_dictionary,
)
from irc.ir.attributes import (
    ArrayAttr,
    Attribute,
    BoolAttr,
    DenseElementsAttr,
    EnumAttr,
    IntegerAttr,
    StringAttr,
    TypeAttr,
    UnitAttr,
    elements_text,
    string_text,
    symbol_text,
)
from irc.ir.op_text import OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Block, Operation, Region
from irc.ir.types import MemRefType, TensorType, i1, i32, result_text

# arith.


@directive("arith.SelectLike")
class SelectLike(Directive):
    """The type of the values, after that of the condition where it is not i1."""

    def parse(self, r: OpReader, s: OpState, condition: TypeElement, result: TypeElement) -> None:
        at = r.skip()
        first = r.type()
        types = (first, r.type()) if r.accept(",") else (i1, first)
        condition.of.set_types(r, s, types[:1], at)
        result.of.set_types(r, s, types[1:], at)

    def print(self, p: OpPrinter, op: Operation, condition: TypeElement, result: TypeElement) -> None:
        (of_condition,), of_values = condition.of.types(op), result.of.types(op)
        p.write(p.types(of_values if of_condition is i1 else [of_condition, *of_values]))


# memref.


@directive("memref.Prefetch")
class Prefetch(Directive):
    """`%m[%i], read, locality<3>, data {...} : type`."""

    def parse(self, r: OpReader, s: OpState) -> None:
        at = r.skip()
        s.operands[0] = [r.use()]
        r.expect("[")
        r.uses(s.operands[1], s.offsets[1])
        r.expect("]")
        r.expect(",")
        s.attributes["isWrite"] = BoolAttr(self._choice(r, "write", "read"))
        r.expect(",")
        r.expect_word("locality")
        r.expect("<")
        s.attributes["localityHint"] = IntegerAttr(r.integer(), i32)
        r.expect(">")
        r.expect(",")
        s.attributes["isDataCache"] = BoolAttr(self._choice(r, "data", "instr"))
        optional_dictionary(r, s)
        r.expect(":")
        r.check_types(s.operands[0], [r.type()], [at], at)

    def _choice(self, r: OpReader, yes: str, no: str) -> bool:
        if r.accept_word(yes):
            return True
        r.expect_word(no)
        return False

    def print(self, p: OpPrinter, op: Any) -> None:
        where = f"{p.value(op.memref)}[{p.values(op.indices)}]"
        use = f"{'write' if op.isWrite else 'read'}, locality<{op.localityHint}>, {'data' if op.isDataCache else 'instr'}"
        p.write(f"{where}, {use}")
        print_attributes(p, op, "isWrite", "localityHint", "isDataCache")
        p.write(f" : {p.type(op.memref.type)}")


@directive("memref.Global")
class Global(Directive):
    """`"private" constant @name : memref<2xf32> = dense<[1.0, 2.0]> {...}`; `uninitialized` without a value."""

    def parse(self, r: OpReader, s: OpState) -> None:
        visibility = r.optional_string()
        if visibility is not None:
            s.attributes["sym_visibility"] = StringAttr(visibility)
        if r.accept_word("constant"):
            s.attributes["constant"] = UnitAttr()
        s.attributes["sym_name"] = StringAttr(r.symbol())
        r.expect(":")
        type = r.type()
        s.attributes["type"] = TypeAttr(type)
        if r.accept("="):
            if not isinstance(type, MemRefType):
                raise r.error(f"initial elements of {type}, which is no memref")
            if r.accept_word("uninitialized"):
                s.attributes["initial_value"] = UnitAttr()
            else:
                s.attributes["initial_value"] = r.elements(TensorType(type.shape, type.element))
        optional_dictionary(r, s)

    def print(self, p: OpPrinter, op: Any) -> None:
        if op.sym_visibility is not None:
            p.write(f"{string_text(op.sym_visibility)} ")
        p.write("constant " if op.constant else "")
        p.write(f"{symbol_text(op.sym_name)} : {p.type(op.memref_type)}")
        value = op.attributes.get("initial_value")
        if isinstance(value, DenseElementsAttr):
            p.write(f" = dense<{elements_text(value)}>")
        elif value is not None:
            p.write(" = uninitialized")
        print_attributes(p, op, "sym_name", "sym_visibility", "type", "constant", "initial_value")


# vector.


class _Transfer(Directive):
    """Reads and writes of tiles."""

    def read_place(self, r: OpReader, s: OpState, base: int, indices: int) -> None:
        s.operands[base], s.offsets[base] = [r.use()], []
        r.expect("[")
        r.uses(s.operands[indices], s.offsets[indices])
        r.expect("]")

    def read_types(self, r: OpReader, s: OpState, first: Any, second: Any) -> None:
        optional_dictionary(r, s)
        r.expect(":")
        for take in (first, second):
            at = r.skip()
            take(r.type(), at)
            if take is first:
                r.expect(",")


@directive("vector.TransferRead")
class TransferRead(_Transfer):
    """`%m[%i, %j], %pad, %mask {...} : memref type, vector type`."""

    def parse(self, r: OpReader, s: OpState) -> None:
        self.read_place(r, s, 0, 1)
        r.expect(",")
        s.operands[2] = [r.use()]
        if r.accept(","):
            s.operands[3] = [r.use()]

        def base(type: Any, at: int) -> None:
            r.check_types(s.operands[0], [type], (), at)

        def result(type: Any, at: int) -> None:
            s.types = [type]

        self.read_types(r, s, base, result)

    def print(self, p: OpPrinter, op: Any) -> None:
        p.write(f"{p.value(op.base)}[{p.values(op.indices)}], {p.value(op.padding)}")
        p.write(f", {p.value(op.mask)}" if op.mask is not None else "")
        print_attributes(p, op)
        p.write(f" : {p.types([op.base.type, op.vector.type])}")


@directive("vector.TransferWrite")
class TransferWrite(_Transfer):
    """`%v, %m[%i, %j], %mask {...} : vector type, memref type`."""

    def parse(self, r: OpReader, s: OpState) -> None:
        s.operands[0] = [r.use()]
        r.expect(",")
        self.read_place(r, s, 1, 2)
        if r.accept(","):
            s.operands[3] = [r.use()]

        def value(type: Any, at: int) -> None:
            r.check_types(s.operands[0], [type], (), at)

        def base(type: Any, at: int) -> None:
            r.check_types(s.operands[1], [type], (), at)

        self.read_types(r, s, value, base)
        s.types = []

    def print(self, p: OpPrinter, op: Any) -> None:
        p.write(f"{p.value(op.valueToStore)}, {p.value(op.base)}[{p.values(op.indices)}]")
        p.write(f", {p.value(op.mask)}" if op.mask is not None else "")
        print_attributes(p, op)
        p.write(f" : {p.types([op.valueToStore.type, op.base.type])}")


@directive("vector.Contract")
class Contract(Directive):
    """`{indexing_maps = [...], iterator_types = ["parallel", ...], kind = ...} %a, %b, %c {...} : t, t into t`."""

    KEYS = ("indexing_maps", "iterator_types", "kind")

    def parse(self, r: OpReader, s: OpState) -> None:
        read_dictionary(r, s)
        iterators = s.attributes.get("iterator_types")
        if isinstance(iterators, ArrayAttr):
            s.attributes["iterator_types"] = ArrayAttr(tuple(map(self._iterator, iterators.value)))
        for field in range(3):
            if field:
                r.expect(",")
            s.operands[field] = [r.use()]
        optional_dictionary(r, s)
        r.expect(":")
        at = r.skip()
        types = r.types()
        r.expect_word("into")
        result = r.type()
        r.check_types([*s.operands[0], *s.operands[1], *s.operands[2]], [*types, result], (), at)
        s.types = [result]

    def _iterator(self, attr: Attribute) -> Attribute:
        if isinstance(attr, StringAttr):
            return EnumAttr("vector", "iterator_type", attr.value, dotted=True)
        return attr

    def print(self, p: OpPrinter, op: Any) -> None:
        named = {k: op.attributes[k] for k in self.KEYS if k in op.attributes}
        named["iterator_types"] = ArrayAttr(tuple(StringAttr(i) for i in op.iterator_types))
        p.write(f"{p.dictionary(named)} {p.values(op.operands)}")
        print_attributes(p, op, *self.KEYS)
        p.write(f" : {p.types([op.lhs.type, op.rhs.type])} into {p.type(op.result.type)}")


@directive("vector.Mask")
class Mask(Directive):
    """`%m, %passthru { op  vector.yield %r : t } {...} : mask type -> type`; MLIR adds the yield where it is left out."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        at = r.skip()
        s.operands[0], s.offsets[0] = [r.use()], [at]
        if r.accept(","):
            s.operands[1] = [r.use()]
        region = yield RegionRequest((), "vector.yield")
        s.regions.append(_with_yield(region))
        optional_dictionary(r, s)
        r.expect(":")
        r.check_types(s.operands[0], [r.type()], s.offsets[0], at)
        s.types = result_list(r)

    def print(self, p: OpPrinter, op: Any) -> None:
        p.write(p.values(op.operands))
        p.write(" ")
        p.region(op.maskRegion, arguments=False)
        print_attributes(p, op)
        p.write(f" : {p.type(op.mask.type)}")
        p.write(f" -> {result_text(op.result_types)}" if op.results else "")


def _with_yield(region: Region) -> Region:
    """The region with a terminator that gives the results of its only op."""
    inner, last = region.operations[-2:] if len(region.operations) == 2 else (None, None)
    if inner is None or last is None or last.operands or not inner.results:
        return region
    given = type(last).create(inner.results, (), {}, (), last.location)
    return Region([Block((), [inner, given])])
