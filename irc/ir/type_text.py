"""Types read from their MLIR text. Equal texts are read once: a program names few types many times."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from irc.ir.affine import AffineMapAttr
from irc.ir.cursor import BALANCED, SPACE, SUFFIX, Cursor
from irc.ir.diagnostics import SourceText
from irc.ir.quantized import QuantizedTypeError, read_quantized
from irc.ir.types import (
    FLOAT_NAMES,
    ComplexType,
    Dim,
    FloatType,
    FunctionType,
    FutureType,
    IndexType,
    IntegerType,
    MemRefType,
    NoneType,
    OpaqueType,
    StridedLayout,
    TensorType,
    TokenType,
    TupleType,
    Type,
    UnrankedMemRefType,
    UnrankedTensorType,
    VectorType,
)

_ANGLED = rf"<{BALANCED}>"
_TYPE = re.compile(rf"{SPACE}(!{SUFFIX}(?:{_ANGLED})?|[a-z]\w*(?:{_ANGLED})?)")
_SIGNATURE = re.compile(
    rf"{SPACE}(\([^()%\"]*\)[ ]*->[ ]*(?:\([^()%\"]*\)|[a-z]\w*(?:<[^<>()%\"]*(?:<[^<>()%\"]*>[^<>()%\"]*)*>)?))"
)
_INTEGER = re.compile(r"(si|ui|i)([1-9]\d*)\Z")
_EXTENT = re.compile(rf"{SPACE}(\?|\d+|\[\d+\])x")
_ALIAS = re.compile(r"!([A-Za-z_][\w$-]*)\Z")
_FLOATS = frozenset(FLOAT_NAMES)
_MEMO: dict[str, Type] = {}
_SIGNATURES: dict[str, FunctionType] = {}
_MEMO_LIMIT = 50_000
WIDEST = (1 << 24) - 1
"""Bits of an integer type: MLIR's limit."""

_SIMPLE: dict[str, Any] = {"index": IndexType, "none": NoneType}
_DIALECT_READERS: dict[str, Callable[[str], Type | None]] = {
    "stablehlo.token": lambda text: TokenType(),
    "stablehlo.future": lambda text: FutureType(_inside(text)),
    "quant.uniform": read_quantized,
}
"""What reads a dialect's type from its text without `!`; None: it is carried as it is."""


def _inside(text: str) -> tuple[Type, ...]:
    """The types between `<` and `>` of a dialect's type."""
    return tuple(TypeReader(SourceText(text.partition("<")[2][:-1])).types())


class TypeReader(Cursor):
    """Reads types. `type_aliases` holds `!name = type` of the text so far."""

    def __init__(self, source: SourceText) -> None:
        super().__init__(source)
        self.type_aliases: dict[str, Type] = {}

    def type(self) -> Any:
        """A type; function types included."""
        m = _TYPE.match(self.text, self.pos, self.end)
        if m is None:
            return self._function_or_error()
        known = _MEMO.get(m[1])
        if known is not None:
            self.pos = m.end()
            return known
        start = m.start(1)
        found = self._read_type(m)
        text = self.text[start : self.pos]
        if len(_MEMO) < _MEMO_LIMIT and not (self.type_aliases and "!" in text) and "#" not in text:
            _MEMO[text] = found
        return found

    def optional_type(self) -> Any:
        """A type where one comes next, else None."""
        m = _TYPE.match(self.text, self.pos, self.end)
        if (m and self._is_type_start(m[1])) or self.peek("("):
            return self.type()
        return None

    def _is_type_start(self, text: str) -> bool:
        word = text.partition("<")[0]
        return (
            text[0] == "!"
            or word in _READERS
            or word in _SIMPLE
            or word in _FLOATS
            or bool(_INTEGER.match(word))
        )

    def types(self) -> list[Any]:
        """`type, type, ...`, at least one."""
        found = [self.type()]
        while self.accept(","):
            found.append(self.type())
        return found

    def function_type(self) -> FunctionType:
        """`(types) -> type` or `(types) -> (types)`."""
        m = _SIGNATURE.match(self.text, self.pos, self.end)
        if m is not None:
            known = _SIGNATURES.get(m[1])
            if known is not None:
                self.pos = m.end()
                return known
        found = self._function_type()
        if (
            m is not None
            and self.pos == m.end()
            and len(_SIGNATURES) < _MEMO_LIMIT
            and "!" not in m[1]
            and "#" not in m[1]
        ):
            _SIGNATURES[m[1]] = found
        return found

    def _function_type(self) -> FunctionType:
        inputs = self.list_of(self.type, "(", ")")
        self.expect("->")
        return FunctionType(tuple(inputs), tuple(self.result_types()))

    def result_types(self) -> list[Any]:
        """What follows `->`: one bare type or a parenthesised list."""
        if not self.peek("("):
            return [self.type()]
        start = self.pos
        found = self.list_of(self.type, "(", ")")
        if self.peek("->"):
            self.pos = start
            return [self._function_type()]
        return found

    def _function_or_error(self) -> Any:
        if self.peek("("):
            return self.function_type()
        raise self.expected("a type")

    def _read_type(self, m: re.Match[str]) -> Any:
        text = m[1]
        if text[0] == "!":
            return self._dialect_type(m)
        word = text.partition("<")[0]
        start = m.start(1)
        self.pos = start + len(word)
        if (number := _INTEGER.match(word)) is not None:
            sign = {"i": "signless", "ui": "unsigned", "si": "signed"}[number[1]]
            if len(number[2]) > 8 or int(number[2]) > WIDEST:
                raise self.error(f"integer bitwidth is limited to {WIDEST} bits", start, self.pos)
            return IntegerType(int(number[2]), sign)
        if word in _FLOATS:
            return FloatType(word)
        if word in _SIMPLE:
            return _SIMPLE[word]()
        reader = _READERS.get(word)
        if reader is None:
            self.pos = start
            raise self.expected("a type")
        self.expect("<")
        found = reader(self)
        self.expect(">")
        return found

    def _dialect_type(self, m: re.Match[str]) -> Any:
        text = m[1]
        alias = _ALIAS.match(text)
        if alias:
            if alias[1] not in self.type_aliases:
                raise self.error(f"undefined type alias '!{alias[1]}'", m.start(1), m.end(1))
            self.pos = m.end()
            return self.type_aliases[alias[1]]
        if "." not in text.partition("<")[0]:
            raise self.error(f"a dialect type needs a dot: '{text}'", m.start(1), m.end(1))
        self.pos = m.end()
        name = text[1:]
        reader = _DIALECT_READERS.get(name.partition("<")[0])
        try:
            return reader(name) or OpaqueType(name) if reader else OpaqueType(name)
        except QuantizedTypeError as e:
            raise self.error(str(e), m.start(1), m.end(1)) from None

    def _extents(self) -> tuple[tuple[Dim, ...], tuple[bool, ...]]:
        """`2x?x[4]x` before an element type: extents, and which of them are scalable."""
        shape: list[Dim] = []
        scalable: list[bool] = []
        while (m := _EXTENT.match(self.text, self.pos, self.end)) is not None:
            self.pos = m.end()
            scalable.append(m[1][0] == "[")
            digits = m[1].strip("[]")
            if len(digits) > 19 or (digits != "?" and int(digits) >= 1 << 63):
                raise self.error("dimension too large", m.start(1), m.end(1))
            shape.append(None if digits == "?" else int(digits))
        return tuple(shape), tuple(scalable)

    def _tensor(self) -> Any:
        if self.accept("*"):
            self._times()
            return UnrankedTensorType(self.type())
        shape, _ = self._extents()
        element = self.type()
        encoding = self.attribute() if self.accept(",") else None
        return TensorType(shape, element, encoding)

    def _times(self) -> None:
        if not self.text.startswith("x", self.pos):
            raise self.expected("'x'")
        self.pos += 1

    def _vector(self) -> Any:
        shape, scalable = self._extents()
        if None in shape:
            raise self.error("a vector has no unknown extents")
        return VectorType(shape, self.type(), scalable if any(scalable) else ())

    def _memref(self) -> Any:
        unranked = self.accept("*")
        if unranked:
            self._times()
        shape, _ = self._extents()
        element = self.type()
        layout: Any = None
        space: Any = None
        while self.accept(","):
            if self.accept_word("strided"):
                layout = self._strided()
            else:
                found = self._memory_space()
                layout, space = (found, space) if isinstance(found, AffineMapAttr) else (layout, found)
        return UnrankedMemRefType(element, space) if unranked else MemRefType(shape, element, layout, space)

    def _memory_space(self) -> Any:
        number = self.optional_integer()
        if number is None:
            return self.attribute()
        if self.accept(":"):
            self.type()
        return number

    def _strided(self) -> StridedLayout:
        self.expect("<")
        strides = tuple(self.list_of(self.extent))
        offset: Dim = 0
        if self.accept(","):
            self.expect_word("offset")
            self.expect(":")
            offset = self.extent()
        self.expect(">")
        return StridedLayout(strides, offset)

    def extent(self) -> Dim:
        """An integer, or `?`."""
        return None if self.accept("?") else self.integer()

    def _complex(self) -> Any:
        return ComplexType(self.type())

    def _tuple(self) -> Any:
        return TupleType(() if self.peek(">") else tuple(self.types()))

    def attribute(self) -> Any:
        """Encodings and memory spaces are attributes: the attribute reader knows them."""
        raise self.expected("a type without attributes")


_READERS = {
    "tensor": TypeReader._tensor,
    "vector": TypeReader._vector,
    "memref": TypeReader._memref,
    "complex": TypeReader._complex,
    "tuple": TypeReader._tuple,
}
