"""Directives of StableHLO's assembly formats, as in StableHLO's AssemblyFormat.cpp: what their `custom<...>` reads and prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irc.dialects.stablehlo.attributes import ConvDimensionNumbers, DotAlgorithm, DotDimensionNumbers
from irc.ir.assembly import GENERIC
from irc.ir.assembly_elements import (
    AttrElement,
    Directive,
    OperandElement,
    OpPrinter,
    TypeElement,
    directive,
    read_dictionary,
)
from irc.ir.attributes import (
    ArrayAttr,
    DenseArrayAttr,
    DenseElementsAttr,
    EnumAttr,
    IntegerAttr,
    StringAttr,
    symbol_text,
)
from irc.ir.fields import i64_elements
from irc.ir.op_text import Argument, OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Block, Operation, Region, Value, registered
from irc.ir.types import ComplexType, TensorType, TupleType, Type, i1, i32, i64


def integers(values: Sequence[int]) -> DenseArrayAttr:
    return DenseArrayAttr(i64, tuple(values))


# Types.


@directive("stablehlo.VariadicSameOperandsAndResultType")
class VariadicSameOperandsAndResultType(Directive):
    """One type where all operands and the result agree, else a function type."""

    def parse(
        self, r: OpReader, s: OpState, ref: OperandElement, operands: TypeElement, result: TypeElement
    ) -> None:
        at = r.skip()
        if r.peek("("):
            found = r.function_type()
            operands.of.set_types(r, s, found.inputs, at)
            result.of.set_types(r, s, found.results, at)
            return
        type = r.type()
        operands.of.set_types(r, s, [type] * len(s.operands[ref.index]), at)
        result.of.set_types(r, s, [type], at)

    def print(
        self, p: OpPrinter, op: Operation, ref: Any, operands: TypeElement, result: TypeElement
    ) -> None:
        (out,) = result.of.types(op)
        inputs = operands.of.types(op)
        p.write(p.type(out) if all(t is out for t in inputs) else p.function_type(inputs, [out]))


@directive("stablehlo.PairwiseOpType")
class PairwiseOpType(Directive):
    """Operands and results have one list of types."""

    def parse(self, r: OpReader, s: OpState, operands: TypeElement, results: TypeElement) -> None:
        at = r.skip()
        found = r.types()
        operands.of.set_types(r, s, found, at)
        results.of.set_types(r, s, found, at)

    def print(self, p: OpPrinter, op: Operation, operands: TypeElement, results: TypeElement) -> None:
        p.write(p.types(operands.of.types(op)))


@directive("stablehlo.TupleOpType")
class TupleOpType(Directive):
    """The tuple's type says the operands' types."""

    def parse(self, r: OpReader, s: OpState, operands: TypeElement, result: TypeElement) -> None:
        at = r.skip()
        found = r.type()
        if not isinstance(found, TupleType):
            raise r.error("expected tuple type", at, r.pos)
        operands.of.set_types(r, s, found.elements, at)
        result.of.set_types(r, s, [found], at)

    def print(self, p: OpPrinter, op: Operation, operands: TypeElement, result: TypeElement) -> None:
        p.write(p.types(result.of.types(op)))


class _Abbreviated(Directive):
    """Types written short where `expand` says the operands' from what is written, else as a function type."""

    def expand(self, r: OpReader, written: list[Any], at: int) -> tuple[list[Any], Any]:
        raise AssertionError(self)

    def short(self, operands: list[Any], result: Any) -> list[Any] | None:
        raise AssertionError(self)

    def parse(self, r: OpReader, s: OpState, *args: TypeElement) -> None:
        at = r.skip()
        if r.peek("("):
            found = r.function_type()
            operands, results = list(found.inputs), list(found.results)
            if len(operands) != len(args) - 1 or len(results) != 1:
                raise r.error(f"{len(args) - 1} operands present, but expected {len(operands)}", at, r.pos)
            result = results[0]
        else:
            operands, result = self.expand(r, r.types(), at)
        for arg, type in zip(args, (*operands, result), strict=True):
            arg.of.set_types(r, s, (type,), at)

    def print(self, p: OpPrinter, op: Operation, *args: TypeElement) -> None:
        *operands, result = (a.of.types(op)[0] for a in args)
        short = self.short(operands, result)
        p.write(p.types(short) if short is not None else p.function_type(operands, [result]))


@directive("stablehlo.ComplexOpType")
class ComplexOpType(_Abbreviated):
    """The complex result's type: operands have its part type."""

    def expand(self, r: OpReader, written: list[Any], at: int) -> tuple[list[Any], Any]:
        (type,) = written
        if not isinstance(type, TensorType) or not isinstance(type.element, ComplexType):
            raise r.error("expected tensor with complex element type", at, r.pos)
        part = type.with_element(type.element.element)
        return [part, part], type

    def short(self, operands: list[Any], result: Any) -> list[Any] | None:
        part = result.with_element(result.element.element)
        return [result] if all(o is part for o in operands) else None


@directive("stablehlo.SelectOpType")
class SelectOpType(_Abbreviated):
    """The predicate's type, and that of all others."""

    def expand(self, r: OpReader, written: list[Any], at: int) -> tuple[list[Any], Any]:
        if len(written) != 2:
            raise r.error("expected functional type or list of two types", at, r.pos)
        return [written[0], written[1], written[1]], written[1]

    def short(self, operands: list[Any], result: Any) -> list[Any] | None:
        return [operands[0], result] if operands[1] is result and operands[2] is result else None


# Operands and attributes.


@directive("stablehlo.VariadicOperandWithAttribute")
class VariadicOperandWithAttribute(Directive):
    """Operands each with a comma after it."""

    def parse(self, r: OpReader, s: OpState, operands: OperandElement) -> None:
        operands.parse(r, s)
        if s.operands[operands.index]:
            r.expect(",")

    def print(self, p: OpPrinter, op: Operation, operands: OperandElement) -> None:
        if values := operands.get(op):
            p.write(f"{p.values(values)},")


@directive("stablehlo.Constant")
class Constant(Directive):
    """The attributes and the value; in generic form where the value's type is not the result's."""

    def parse(self, r: OpReader, s: OpState, value: AttrElement) -> None:
        if r.peek("("):
            for _ in GENERIC.steps(r, s):
                raise r.expected("no region")
            return
        if r.peek("{"):
            read_dictionary(r, s)
        found = s.attributes[value.key] = r.attribute()
        type = getattr(found, "type", None)
        if not isinstance(type, Type):
            raise r.error("expected elements", None)
        s.types = [type]

    def print(self, p: OpPrinter, op: Operation, value: AttrElement) -> None:
        attr = value.get(op)
        if attr.type is not op.results[0].type:
            p.generic_body(op)
            return
        others = {k: v for k, v in op.attributes.items() if k != value.key}
        p.write(f"{p.dictionary(others)} {attr}" if others else str(attr))


@directive("stablehlo.SliceRanges")
class SliceRanges(Directive):
    """`[start:limit:stride, ...]`; a stride of 1 is left out."""

    def parse(self, r: OpReader, s: OpState, *keys: AttrElement) -> None:
        ranges = r.list_of(lambda: self._range(r))
        for key, values in zip(keys, zip(*ranges, strict=True) if ranges else ((), (), ()), strict=True):
            s.attributes[key.key] = integers(values)

    def _range(self, r: OpReader) -> tuple[int, int, int]:
        start = r.length()
        r.expect(":")
        limit = r.length()
        return start, limit, r.integer() if r.accept(":") else 1

    def print(self, p: OpPrinter, op: Operation, *keys: AttrElement) -> None:
        starts, limits, strides = (k.get(op).value for k in keys)
        ranges = [
            f"{a}:{b}" if step == 1 else f"{a}:{b}:{step}"
            for a, b, step in zip(starts, limits, strides, strict=True)
        ]
        p.write(f"[{', '.join(ranges)}]")


@directive("stablehlo.DotDimensionNumbers")
class DotDimensions(Directive):
    """`batching_dims = [0] x [0], contracting_dims = [2] x [1]`; no batching dimensions are left out."""

    def parse(self, r: OpReader, s: OpState, attr: AttrElement) -> None:
        batching: tuple[Any, Any] = ((), ())
        if r.accept_word("batching_dims"):
            batching = self._pair(r)
            r.expect(",")
        r.expect_word("contracting_dims")
        contracting = self._pair(r)
        s.attributes[attr.key] = DotDimensionNumbers(*batching, *contracting)

    def _pair(self, r: OpReader) -> tuple[Any, Any]:
        r.expect("=")
        lhs = tuple(r.list_of(r.integer))
        r.expect_word("x")
        return lhs, tuple(r.list_of(r.integer))

    def print(self, p: OpPrinter, op: Operation, attr: AttrElement) -> None:
        d = attr.get(op)
        if d.lhs_batching_dimensions or d.rhs_batching_dimensions:
            p.write(
                f"batching_dims = {list(d.lhs_batching_dimensions)} x {list(d.rhs_batching_dimensions)}, "
            )
        p.write(
            f"contracting_dims = {list(d.lhs_contracting_dimensions)} x {list(d.rhs_contracting_dimensions)}"
        )


@directive("stablehlo.PrecisionConfig")
class PrecisionConfig(Directive):
    """`, precision = [DEFAULT, HIGH]`, where there is one."""

    def parse(self, r: OpReader, s: OpState, precision: AttrElement) -> None:
        if r.accept(","):
            self.read(r, s, precision)

    def read(self, r: OpReader, s: OpState, precision: AttrElement) -> None:
        r.expect_word("precision")
        r.expect("=")
        words = r.list_of(lambda: r.word("a precision"))
        s.attributes[precision.key] = ArrayAttr(tuple(EnumAttr("stablehlo", "precision", w) for w in words))

    def print(self, p: OpPrinter, op: Operation, precision: AttrElement) -> None:
        attr = precision.get(op)
        if attr is not None:
            p.write(f", precision = [{', '.join(a.value for a in attr.value)}]")


@directive("stablehlo.PrecisionConfigAndAlgorithm")
class PrecisionConfigAndAlgorithm(PrecisionConfig):
    """`, precision = [...], algorithm = <...>`, either or both."""

    def parse(self, r: OpReader, s: OpState, precision: AttrElement, *more: AttrElement) -> None:
        (algorithm,) = more
        if not r.accept(","):
            return
        if not r.accept_word("algorithm"):
            self.read(r, s, precision)
            if not r.accept(","):
                return
            r.expect_word("algorithm")
        r.expect("=")
        s.attributes[algorithm.key] = r.struct(DotAlgorithm)

    def print(self, p: OpPrinter, op: Operation, precision: AttrElement, *more: AttrElement) -> None:
        super().print(p, op, precision)
        attr = more[0].get(op)
        if attr is not None:
            p.write(f", algorithm = <{attr.body()}>")


@directive("stablehlo.ConvolutionDimensions")
class ConvolutionDimensions(Directive):
    """`[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`."""

    def parse(self, r: OpReader, s: OpState, attr: AttrElement) -> None:
        at = r.skip()
        for separator in ("x", "->", ""):
            r.list_of(lambda: r.word("a dimension") if r.optional_integer() is None else "")
            if separator == "x":
                r.expect_word(separator)
            elif separator:
                r.expect(separator)
        try:
            s.attributes[attr.key] = ConvDimensionNumbers.parse_body(r.text[at : r.pos])
        except ValueError as e:
            raise r.error(str(e), at, r.pos) from None

    def print(self, p: OpPrinter, op: Operation, attr: AttrElement) -> None:
        p.write(attr.get(op).body())


WINDOW_WORDS = ("stride", "pad", "lhs_dilate", "rhs_dilate", "reverse")
PAIRS = i64_elements(2)


@directive("stablehlo.WindowAttributes")
class WindowAttributes(Directive):
    """`stride = [2, 2], pad = [[0, 1], [0, 1]], reverse = [false, false]`; those that an op has not are left out."""

    def parse(self, r: OpReader, s: OpState, *attrs: AttrElement) -> None:
        keys = dict(zip(WINDOW_WORDS, attrs, strict=True))
        while not r.peek("}"):
            at = r.skip()
            word = r.word(f"one of {', '.join(keys)}")
            attr = keys.pop(word, None)
            if attr is None:
                raise r.error(f"unexpected '{word}'", at, r.pos)
            r.expect("=")
            s.attributes[attr.key] = self._value(r, word)
            if not r.accept(","):
                return

    def _value(self, r: OpReader, word: str) -> DenseArrayAttr | DenseElementsAttr:
        if word == "pad":
            at = r.skip()
            pairs = r.list_of(lambda: tuple(r.list_of(r.integer)))
            if any(len(pair) != 2 for pair in pairs):
                raise r.error("expected pairs of integers", at, r.pos)
            return PAIRS.encode(pairs)  # type: ignore[return-value]
        if word == "reverse":
            return DenseArrayAttr(i1, tuple(r.list_of(r.boolean)))
        return integers(r.list_of(r.length))

    def print(self, p: OpPrinter, op: Operation, *attrs: AttrElement) -> None:
        parts = []
        for word, attr in zip(WINDOW_WORDS, attrs, strict=True):
            value = attr.get(op)
            if value is None:
                continue
            if isinstance(value, DenseElementsAttr):
                items = [str(list(pair)) for pair in PAIRS.decode(value)]
            else:
                items = [str(v).lower() for v in value.value]
            parts.append(f"{word} = [{', '.join(items)}]")
        p.write(", ".join(parts))


@directive("stablehlo.CustomCallTarget")
class CustomCallTarget(Directive):
    """The target's name, written as a symbol."""

    def parse(self, r: OpReader, s: OpState, target: AttrElement) -> None:
        s.attributes[target.key] = StringAttr(r.symbol())

    def print(self, p: OpPrinter, op: Operation, target: AttrElement) -> None:
        p.write(symbol_text(target.get(op).value))


@directive("stablehlo.ExponentMantissa")
class ExponentMantissa(Directive):
    """`e5m10`."""

    def parse(self, r: OpReader, s: OpState, exponent: AttrElement, mantissa: AttrElement) -> None:
        at = r.skip()
        word = r.word("e#m#")
        e, separator, m = word[1:].partition("m")
        if word[0] != "e" or not separator or not e.isdigit() or not m.isdigit():
            raise r.error(f"expected exponent mantissa in format e#m#, saw {word}", at, r.pos)
        if max(len(e), len(m)) > 10 or max(int(e), int(m)) >= 1 << 31:
            raise r.error(f"unable to parse exponent and mantissa '{word}' as 32-bit integers", at, r.pos)
        s.attributes[exponent.key] = IntegerAttr(int(e), i32)
        s.attributes[mantissa.key] = IntegerAttr(int(m), i32)

    def print(self, p: OpPrinter, op: Operation, exponent: AttrElement, mantissa: AttrElement) -> None:
        p.write(f"e{exponent.get(op).value}m{mantissa.get(op).value}")


# Ops with regions.


@directive("stablehlo.Reduce")
class Reduce(Directive):
    """`(%x init: %i), ... applies NAME across dimensions = [1] : type`, or with the region as `reducer(...) (...) {...}`."""

    has_regions = True
    spaced = False

    def steps(self, r: OpReader, s: OpState) -> Steps:
        inputs: list[Value] = []
        inits: list[Value] = []
        offsets: list[int] = []
        while r.accept("("):
            offsets.append(r.skip())
            inputs.append(r.use())
            r.expect_word("init")
            r.expect(":")
            inits.append(r.use())
            r.expect(")")
            r.accept(",")
        s.operands[:2] = inputs, inits
        inner = None
        if r.accept_word("applies"):
            inner = self._inner(r, s)
        for word in ("across", "dimensions"):
            r.expect_word(word)
        r.expect("=")
        s.attributes["dimensions"] = integers(r.list_of(r.integer))
        if r.peek("{"):
            read_dictionary(r, s)
        r.expect(":")
        at = r.skip()
        found = r.function_type()
        r.check_types([*inputs, *inits], found.inputs, offsets, at)
        s.types = list(found.results)
        if inner is None:
            s.regions.append((yield RegionRequest(self._reducer(r))))
        else:
            s.regions.append(self._region(r, s, inner, inputs, at))

    def _inner(self, r: OpReader, s: OpState) -> type[Operation]:
        at = r.skip()
        name = r.dotted("an operation")
        cls = registered(name)
        if cls is None or not cls.commutative or cls.dialect != s.cls.dialect:
            raise r.error(
                "expected the inner-op to be a commutative binary-op from the "
                f"{s.cls.dialect} dialect, with zero region, producing single result",
                at,
                r.pos,
            )
        return cls

    def _region(
        self, r: OpReader, s: OpState, inner: type[Operation], inputs: list[Value], at: int
    ) -> Region:
        if not inputs:
            raise r.error("input types missing in reduce-op function type", at)
        if not isinstance(inputs[0].type, TensorType):
            raise r.error(f"reduces tensors, not {inputs[0].type}", at)
        scalar = inputs[0].type.with_shape(())
        arguments = [Value(scalar, None, i) for i in range(2)]
        op = inner.create(arguments, [scalar], {})
        end = registered(f"{s.cls.dialect}.return")
        assert end is not None
        ops = [op, end.create(op.results, (), {})]
        for item in (*arguments, *op.results, *ops):
            r.place(item, None, s.offset)
        return Region([Block(arguments, ops)])

    def _reducer(self, r: OpReader) -> list[Argument]:
        """`reducer(%a: t, %b: t) (%c: t, %d: t)`: elements first, then accumulators, as the block has them."""
        r.expect_word("reducer")
        pairs = []
        while r.accept("("):
            first = r.argument()
            r.expect(",")
            pairs.append((first, r.argument()))
            r.expect(")")
        return [a for a, _ in pairs] + [b for _, b in pairs]

    def print(self, p: OpPrinter, op: Operation) -> None:
        n = len(op.operands) // 2
        pairs = [
            f"({p.value(x)} init: {p.value(i)})"
            for x, i in zip(op.operands[:n], op.operands[n:], strict=True)
        ]
        p.write(", ".join(pairs))
        inner = self._compact(op)
        if inner is not None:
            p.write(f" applies {inner.name}")
        p.write(f" across dimensions = {list(op.attributes['dimensions'].value)}")  # type: ignore[attr-defined]
        others = {k: v for k, v in op.attributes.items() if k != "dimensions"}
        p.write(f" {p.dictionary(others)}" if others else "")
        p.write(f" : {p.function_type([o.type for o in op.operands], op.result_types)}")
        if inner is None:
            p.newline()
            arguments = op.regions[0].arguments
            listed = [f"({p.arguments(pair)}) " for pair in zip(arguments[:n], arguments[n:], strict=True)]
            p.write(f" reducer{''.join(listed)} ")
            p.region(op.regions[0], arguments=False)

    def _compact(self, op: Operation) -> Operation | None:
        """The op that alone makes up the region, where the short form says it all."""
        block = op.regions[0].block
        if len(block.operations) != 2 or not op.operands:
            return None
        inner, end = block.operations
        scalar = TensorType((), op.operands[0].type.element)
        types = [v.type for v in (*inner.operands, *inner.results)]
        fits = (
            inner.commutative
            and inner.dialect == op.dialect
            and not inner.regions
            and not inner.attributes
            and len(inner.operands) == 2
            and all(t is scalar for t in types)
            and tuple(inner.operands) == tuple(block.arguments)
            and tuple(end.operands) == tuple(inner.results)
            and end.name.endswith(".return")
        )
        return inner if fits else None


@directive("stablehlo.While")
class While(Directive):
    """`(%a = %x) : types attributes {...} cond {...} do {...}`."""

    has_regions = True
    shares_arguments = True
    is_partial = True
    spaced = False

    def expresses(self, op: Operation) -> bool:
        """The body's arguments are written without types: they are the operands'."""
        types = [o.type for o in op.operands]
        return all(
            [v.type for v in values] == types for values in (op.results, *(r.arguments for r in op.regions))
        )

    def steps(self, r: OpReader, s: OpState) -> Steps:
        bindings: list[tuple[str, int]] = []
        inits: list[Value] = []
        offsets: list[int] = []

        def binding() -> None:
            bindings.append(r.name())
            r.expect("=")
            offsets.append(r.skip())
            inits.append(r.use())

        r.list_of(binding, "(", ")")
        s.operands[0], s.offsets[0] = inits, offsets
        s.types = []
        if inits:
            r.expect(":")
            at = r.skip()
            s.types = r.types()
            r.check_types(inits, s.types, offsets, at)
        if r.accept_word("attributes"):
            read_dictionary(r, s)
        arguments = [Argument(name, t, at) for (name, at), t in zip(bindings, s.types, strict=True)]
        for word in ("cond", "do"):
            r.expect_word(word)
            s.regions.append((yield RegionRequest(arguments)))

    def print(self, p: OpPrinter, op: Operation) -> None:
        pairs = zip(op.regions[1].arguments, op.operands, strict=True)
        p.write(f"({', '.join(f'{p.value(a)} = {p.value(x)}' for a, x in pairs)})")
        if op.operands:
            p.write(f" : {p.types([o.type for o in op.operands])}")
        if op.attributes:
            p.write(f" attributes {p.dictionary(op.attributes)}")
        p.newline()
        p.write("cond ")
        p.region(op.regions[0], arguments=False)
        p.write(" do ")
        p.region(op.regions[1], arguments=False)
