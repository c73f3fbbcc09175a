"""Directives of the assembly formats of func and scf, and of mixed lists of values and integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.ir.assembly_elements import (
    SEGMENTS,
    AttrElement,
    Directive,
    OperandElement,
    OpPrinter,
    directive,
    read_dictionary,
)
from irc.ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    DictionaryAttr,
    OpaqueAttr,
    StringAttr,
    TypeAttr,
    UnitAttr,
    symbol_text,
)
from irc.ir.op_text import Argument, OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import FunctionType, i1, i64, index

DYNAMIC = -(2**63)
"""MLIR's ShapedType::kDynamic, which marks a value in a static list."""


@directive("Function")
class Function(Directive):
    """`private @f(%x: type {attributes}) -> (type {attributes}) attributes {...} { body }`; no body: a declaration."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        for visibility in ("public", "private", "nested"):
            if r.accept_word(visibility):
                s.attributes["sym_visibility"] = StringAttr(visibility)
        s.attributes["sym_name"] = StringAttr(r.symbol())
        arguments: list[Argument] = []
        argument_attributes: list[dict[str, Attribute]] = []
        r.list_of(lambda: self._argument(r, arguments, argument_attributes), "(", ")")
        results: list[Any] = []
        result_attributes: list[dict[str, Attribute]] = []
        if r.accept("->"):
            self._results(r, results, result_attributes)
        inputs = tuple(a.type for a in arguments)
        s.attributes["function_type"] = TypeAttr(FunctionType(inputs, tuple(results)))
        for key, dictionaries in (("arg_attrs", argument_attributes), ("res_attrs", result_attributes)):
            if any(dictionaries):
                s.attributes[key] = ArrayAttr(
                    tuple(DictionaryAttr(tuple(sorted(d.items()))) for d in dictionaries)
                )
        if r.accept_word("attributes"):
            read_dictionary(r, s)
        if not r.region_follows():
            s.regions.append(Region())
            return
        s.regions.append((yield RegionRequest(arguments)))

    def _argument(self, r: OpReader, into: list[Argument], attributes: list[dict[str, Attribute]]) -> None:
        if not r.peek("%"):
            into.append(Argument("", r.type(), r.pos))
            attributes.append(r.optional_dictionary())
            return
        name, offset = r.name()
        r.expect(":")
        argument = Argument(name, r.type(), offset)
        attributes.append(r.optional_dictionary())
        argument.location = r.optional_location()
        into.append(argument)

    def _results(self, r: OpReader, into: list[Any], attributes: list[dict[str, Attribute]]) -> None:
        def result() -> None:
            into.append(r.type())
            attributes.append(r.optional_dictionary())

        if r.peek("("):
            r.list_of(result, "(", ")")
        else:
            into.append(r.type())
            attributes.append({})

    def print(self, p: OpPrinter, op: Any) -> None:
        attrs = op.attributes
        if op.sym_visibility:
            p.write(f"{op.sym_visibility} ")
        p.write(symbol_text(op.sym_name))
        body: Region = op.body
        inputs = body.arguments if body.blocks else op.type.inputs
        parts = []
        for i, a in enumerate(inputs):
            entry = self._entry(p, attrs.get("arg_attrs"), i)
            if body.blocks:
                parts.append(f"{p.value(a)}: {p.type(a.type)}{entry}{p.location(a.location)}")
            else:
                parts.append(f"{p.type(a)}{entry}")
        p.write(f"({', '.join(parts)})")
        results = [
            f"{p.type(t)}{self._entry(p, attrs.get('res_attrs'), i)}" for i, t in enumerate(op.type.results)
        ]
        bare = len(results) == 1 and results[0] == p.type(op.type.results[0]) and results[0][0] != "("
        if results:
            p.write(f" -> {results[0]}" if bare else f" -> ({', '.join(results)})")
        shown = ("sym_name", "function_type", "sym_visibility", "arg_attrs", "res_attrs")
        others = {k: v for k, v in attrs.items() if k not in shown}
        if others:
            p.write(f" attributes {p.dictionary(others)}")
        if body.blocks:
            p.write(" ")
            p.region(body, arguments=False)

    def _entry(self, p: OpPrinter, array: Any, index: int) -> str:
        entry = array.value[index] if isinstance(array, ArrayAttr) and index < len(array.value) else None
        return f" {entry}" if isinstance(entry, DictionaryAttr) and entry.value else ""


# scf.


class Bindings:
    """`(%a = %x, %b = %y)`: names of block arguments, and the values they start from."""

    def __init__(self) -> None:
        self.names: list[tuple[str, int]] = []
        self.values: list[Value] = []
        self.offsets: list[int] = []

    def read(self, r: OpReader) -> None:
        r.list_of(lambda: self._one(r), "(", ")")

    def _one(self, r: OpReader) -> None:
        self.names.append(r.name())
        r.expect("=")
        self.offsets.append(r.skip())
        self.values.append(r.use())

    def arguments(self, types: Sequence[Any]) -> list[Argument]:
        return [Argument(name, t, at) for (name, at), t in zip(self.names, types, strict=True)]


def bindings_text(p: OpPrinter, arguments: Sequence[Value], values: Sequence[Value]) -> str:
    """`(%a = %x, %b = %y)`: what arguments start from."""
    pairs = zip(arguments, values, strict=True)
    return f"({', '.join(f'{p.value(a)} = {p.value(v)}' for a, v in pairs)})"


def print_attributes(p: OpPrinter, op: Operation, *elided: str, keyword: str = "") -> None:
    """` {...}` of the attributes that nothing else prints."""
    attrs = {k: v for k, v in op.attributes.items() if k not in elided and k not in SEGMENTS}
    if attrs:
        p.write(f"{keyword} {p.dictionary(attrs)}")


def optional_dictionary(r: OpReader, s: OpState) -> None:
    """`{...}` into the op's attributes, where it comes next."""
    if r.peek("{"):
        read_dictionary(r, s)


def result_list(r: OpReader) -> list[Any]:
    """`-> (types)` or `-> type`, where it comes next."""
    return r.result_types() if r.accept("->") else []


@directive("scf.For")
class For(Directive):
    """`%i = %lo to %hi step %s iter_args(%a = %x) -> (t) : i32 { ... }`; no results, no terminator written."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        name, at = r.name()
        r.expect("=")
        for field, word in enumerate(("", "to", "step")):
            if word:
                r.expect_word(word)
            s.operands[field] = [r.use()]
        carried = Bindings()
        s.types = []
        if r.accept_word("iter_args"):
            carried.read(r)
            types_at = r.skip()
            s.types = result_list(r)
            r.check_types(carried.values, s.types, carried.offsets, types_at)
        s.operands[3] = carried.values
        counter = r.type() if r.accept(":") else index
        for field in range(3):
            r.check_types(s.operands[field], [counter], (), at)
        arguments = [Argument(name, counter, at), *carried.arguments(s.types)]
        s.regions.append((yield RegionRequest(arguments, "" if s.types else "scf.yield")))
        optional_dictionary(r, s)

    def print(self, p: OpPrinter, op: Operation) -> None:
        counter, *carried = op.regions[0].arguments
        low, high, step, *inits = op.operands
        p.write(f"{p.value(counter)} = {p.value(low)} to {p.value(high)} step {p.value(step)}")
        if inits:
            p.write(f" iter_args{bindings_text(p, carried, inits)} -> ({p.types([v.type for v in inits])})")
        p.write("" if counter.type is index else f" : {p.type(counter.type)}")
        p.write(" ")
        p.region(op.regions[0], arguments=False, implicit="" if inits else "scf.yield")
        print_attributes(p, op)


@directive("scf.If")
class If(Directive):
    """`%c -> (t) { ... } else { ... }`; no results, no terminators written."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        at = r.skip()
        s.operands[0] = [r.use()]
        r.check_types(s.operands[0], [i1], [at], at)
        s.types = result_list(r)
        implicit = "" if s.types else "scf.yield"
        s.regions.append((yield RegionRequest((), implicit)))
        s.regions.append((yield RegionRequest((), implicit)) if r.accept_word("else") else Region())
        optional_dictionary(r, s)

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.write(p.values(op.operands))
        if op.results:
            p.write(f" -> ({p.types(op.result_types)})")
        implicit = "" if op.results else "scf.yield"
        p.write(" ")
        p.region(op.regions[0], arguments=False, implicit=implicit)
        if len(op.regions) > 1 and op.regions[1].blocks:
            p.write(" else ")
            p.region(op.regions[1], arguments=False, implicit=implicit)
        print_attributes(p, op)


@directive("scf.While")
class While(Directive):
    """`(%a = %x) : (t) -> (u) { ... } do { ^bb0(%b: u): ... } attributes {...}`."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        carried = Bindings()
        if r.peek("("):
            carried.read(r)
        s.operands[0] = carried.values
        r.expect(":")
        at = r.skip()
        types = r.function_type()
        r.check_types(carried.values, types.inputs, carried.offsets, at)
        s.types = list(types.results)
        s.regions.append((yield RegionRequest(carried.arguments(types.inputs))))
        r.expect_word("do")
        s.regions.append((yield RegionRequest()))
        if r.accept_word("attributes"):
            read_dictionary(r, s)

    def print(self, p: OpPrinter, op: Operation) -> None:
        if op.operands:
            p.write(f"{bindings_text(p, op.regions[0].arguments, op.operands)} ")
        p.write(f": {p.function_type([o.type for o in op.operands], op.result_types)} ")
        p.region(op.regions[0], arguments=False)
        p.write(" do ")
        p.region(op.regions[1])
        print_attributes(p, op, keyword=" attributes")


@directive("scf.Forall")
class Forall(Directive):
    """`(%i, %j) in (4, %n) shared_outs(%o = %t) -> (t) { ... }`, or `(%i) = (%a) to (%b) step (%c)`."""

    has_regions = True
    BOUNDS = ("LowerBound", "UpperBound", "Step")

    def steps(self, r: OpReader, s: OpState) -> Steps:
        names = r.list_of(r.name, "(", ")")
        n = len(names)
        if r.accept_word("in"):
            lists = [([], [0] * n), mixed_list(r, "(", ")"), ([], [1] * n)]
        else:
            r.expect("=")
            lists = []
            for word in ("to", "step", ""):
                lists.append(mixed_list(r, "(", ")"))
                if word:
                    r.expect_word(word)
        for field, (name, (values, static)) in enumerate(zip(self.BOUNDS, lists, strict=True)):
            s.operands[field] = values
            s.attributes[f"static{name}"] = DenseArrayAttr(i64, tuple(static))
        shared = Bindings()
        s.types = []
        if r.accept_word("shared_outs"):
            shared.read(r)
            s.types = result_list(r)
        s.operands[3] = shared.values
        arguments = [Argument(name, index, at) for name, at in names] + shared.arguments(s.types)
        s.regions.append((yield RegionRequest(arguments, "scf.forall.in_parallel")))
        optional_dictionary(r, s)

    def print(self, p: OpPrinter, op: Any) -> None:
        n = len(op.staticUpperBound)
        arguments = op.regions[0].arguments
        lower, upper, step = (
            mixed_text(p, getattr(op, f"dynamic{name}"), getattr(op, f"static{name}"), "(", ")")
            for name in self.BOUNDS
        )
        normal = op.staticLowerBound == (0,) * n and op.staticStep == (1,) * n
        p.write(f"({p.values(arguments[:n])}) ")
        p.write(f"in {upper} " if normal else f"= {lower} to {upper} step {step} ")
        if op.outputs:
            p.write(
                f"shared_outs{bindings_text(p, arguments[n:], op.outputs)} -> ({p.types(op.result_types)}) "
            )
        p.region(op.regions[0], arguments=False, implicit="" if op.results else "scf.forall.in_parallel")
        print_attributes(p, op, *(f"static{name}" for name in self.BOUNDS))


@directive("scf.InParallel")
class InParallel(Directive):
    """`{ ... }`: what a forall's iterations insert into its results."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        region = yield RegionRequest()
        s.regions.append(region if region.blocks else Region([Block()]))
        optional_dictionary(r, s)

    def print(self, p: OpPrinter, op: Operation) -> None:
        p.region(op.regions[0], arguments=False)
        print_attributes(p, op)


@directive("func.NoValues")
class NoValues(Directive):
    """Nothing. Texts whose values were struck out keep the colon that stood before their types."""

    spaced = False

    def parse(self, r: OpReader, s: OpState) -> None:
        r.accept(":")

    def print(self, p: OpPrinter, op: Operation) -> None:
        pass


@directive("scf.Reduce")
class Reduce(Directive):
    """`(%x, %y : t, u) { ... }, { ... }`: a region for each value, its arguments in its head."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        if r.accept("("):
            s.operands[0] = [r.use()]
            while r.accept(","):
                s.operands[0].append(r.use())
            r.expect(":")
            r.types()
            r.expect(")")
        for i in range(len(s.operands[0])):
            if i:
                r.expect(",")
            s.regions.append((yield RegionRequest()))

    def print(self, p: OpPrinter, op: Operation) -> None:
        if op.operands:
            p.write(f"({p.values(op.operands)} : {p.types([v.type for v in op.operands])})")
        for i, region in enumerate(op.regions):
            p.write(", " if i else " ")
            p.region(region)


FLAGS = {"exact": "isExact", "nneg": "nonNeg", "overflow": "overflowFlags", "fastmath": "fastmath"}
"""What an op of arith or math may be told, by the word that says it: the attribute."""


@directive("Flags")
class Flags(Directive):
    """`overflow<nsw, nuw>`, `fastmath<nnan>`, `exact`, `nneg`: leave given to a compiler, which none here makes use of."""

    spaced = False

    def parse(self, r: OpReader, s: OpState, *keys: AttrElement) -> None:
        if r.peek(":"):
            return
        for word, key in FLAGS.items():
            if all(k.key != key for k in keys) or not r.accept_word(word):
                continue
            flags = ", ".join(r.list_of(r.word, "<", ">")) if r.peek("<") else ""
            s.attributes[key] = OpaqueAttr(f"#arith.{word}<{flags}>") if flags else UnitAttr()

    def print(self, p: OpPrinter, op: Operation, *keys: AttrElement) -> None:
        for word, key in FLAGS.items():
            found = op.attributes.get(key)
            if found is not None:
                p.write(
                    f" {word}" if isinstance(found, UnitAttr) else f" {str(found).removeprefix('#arith.')}"
                )


# Lists of integers and values.


def mixed_list(r: OpReader, opening: str = "[", closing: str = "]") -> tuple[list[Value], list[int]]:
    """`[4, %n]`: the values, and the integers with DYNAMIC where a value stands."""
    values: list[Value] = []

    def item() -> int:
        value = r.optional_use()
        if value is None:
            return r.integer()
        values.append(value)
        return DYNAMIC

    return values, r.list_of(item, opening, closing)


def mixed_text(
    p: OpPrinter, values: Sequence[Value], static: Sequence[int], opening: str = "[", closing: str = "]"
) -> str:
    """The text that `mixed_list` reads."""
    rest = iter(values)
    items = [p.value(next(rest)) if n == DYNAMIC else str(n) for n in static]
    return f"{opening}{', '.join(items)}{closing}"


@directive("DynamicIndexList")
class DynamicIndexList(Directive):
    """`[4, %n]` into a list of operands and one of integers."""

    def parse(self, r: OpReader, s: OpState, values: OperandElement, static: AttrElement) -> None:
        s.operands[values.index], integers = mixed_list(r)
        s.attributes[static.key] = DenseArrayAttr(i64, tuple(integers))

    def print(self, p: OpPrinter, op: Operation, values: OperandElement, static: AttrElement) -> None:
        p.write(mixed_text(p, values.get(op), static.get(op).value))
