"""Attributes and locations read from their MLIR text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import numpy as np

from irc.errors import IrcError
from irc.ir import affine_text
from irc.ir.attributes import (
    ArrayAttr,
    Attribute,
    BoolAttr,
    DenseArrayAttr,
    DenseElementsAttr,
    DenseResourceAttr,
    DictionaryAttr,
    EnumAttr,
    FloatAttr,
    IntegerAttr,
    LocationAttr,
    OpaqueAttr,
    StringAttr,
    StructAttr,
    SymbolRefAttr,
    TypeAttr,
    UnitAttr,
)
from irc.ir.cursor import BALANCED, HEX_LITERAL, SPACE, STRING, SUFFIX, integer_of, unquote
from irc.ir.dense_text import LiteralError, dtype_of, float_from_bits, parse_elements, resource_elements
from irc.ir.diagnostics import SourceText
from irc.ir.locations import UNKNOWN, CallSiteLoc, FileLineCol, FusedLoc, Location, NameLoc
from irc.ir.type_text import TypeReader
from irc.ir.types import FloatType, IndexType, IntegerType, f64, i1, i64

A = TypeVar("A", bound=StructAttr)
MOST_DIGITS = 1000
"""Of an integer: what is longer fits no type that is used, and Python refuses to convert it."""
NumberAttr = BoolAttr | IntegerAttr | FloatAttr

_ANGLED = re.compile(rf"{SPACE}({HEX_LITERAL}|<{BALANCED}>)")
_DICTIONARY = re.compile(rf"{SPACE}(\{{{BALANCED}\}})")
_KEY = re.compile(rf"{SPACE}(?:([A-Za-z_][\w$.-]*)|({STRING}))")
_NUMBER = re.compile(rf"{SPACE}(-?)(0x[0-9A-Fa-f]+|\d+(\.\d*(?:[eE][-+]?\d+)?)?)")
_HASHED = re.compile(rf"{SPACE}#({SUFFIX})(<{BALANCED}>)?")
_ENUM_BODY = re.compile(r"<\s*([A-Za-z_]\w*)\s+([\w.]+)\s*>\Z")
_DOTTED_BODY = re.compile(r"<\s*([A-Za-z_]\w*)\s*>\Z")
_WORD = re.compile(rf"{SPACE}([A-Za-z_][\w$]*)")
_FILE_RANGE = re.compile(rf"{SPACE}to{SPACE}(?=\d*:\d)")


class AttributeReader(TypeReader):
    """Reads attributes. `attribute_aliases` holds `#name = attribute` of the text so far, `resources` the bytes of
    the text's resource section by name."""

    def __init__(self, source: SourceText) -> None:
        super().__init__(source)
        self.attribute_aliases: dict[str, Any] = {}
        self.resources: dict[str, bytes] = {}
        self._structs: dict[str, type[StructAttr]] | None = None
        self._literals: dict[tuple[str, Any], DenseElementsAttr] = {}
        self._dictionaries: dict[str, dict[str, Attribute]] = {}

    def attribute(self) -> Any:
        """Any attribute. Numbers without a type are i64 or f64."""
        start = self.skip()
        if start >= self.end:
            raise self.expected("an attribute")
        reader = _BY_CHARACTER.get(self.text[start])
        if reader is not None:
            return reader(self)
        m = _WORD.match(self.text, start, self.end)
        word = m[1] if m else ""
        by_word = _BY_WORD.get(word)
        if by_word is not None and m is not None:
            self.pos = m.end()
            return by_word(self)
        found = self.optional_type()
        if found is None:
            raise self.expected("an attribute")
        return TypeAttr(found)

    # Names and brackets.

    def _string(self) -> Attribute:
        value = StringAttr(self.string())
        if self.accept(":"):
            self.type()
        return value

    def _array(self) -> Attribute:
        return ArrayAttr(tuple(self.list_of(self.attribute)))

    def symbol_reference(self) -> SymbolRefAttr:
        """`@name` or `@outer::@inner`."""
        names = [self.symbol()]
        while self.accept("::"):
            names.append(self.symbol())
        return SymbolRefAttr(names[0], tuple(names[1:]))

    def _type(self) -> Attribute:
        return TypeAttr(self.type())

    def _dictionary(self) -> Attribute:
        return DictionaryAttr(tuple(sorted(self.dictionary().items())))

    def optional_dictionary(self) -> dict[str, Attribute]:
        """`{...}` where it comes next, else nothing."""
        return self.dictionary() if self.peek("{") else {}

    def dictionary(self) -> dict[str, Attribute]:
        """`{name = attribute, flag}`. Equal texts are read once."""
        m = _DICTIONARY.match(self.text, self.pos, self.end)
        if m is not None and (known := self._dictionaries.get(m[1])) is not None:
            self.pos = m.end()
            return dict(known)
        found: dict[str, Attribute] = {}
        start = self.skip()
        self.list_of(lambda: self._entry(found), "{", "}")
        if m is not None and self.pos == m.end() and m.end() - start < 4096:
            self._dictionaries[m[1]] = dict(found)
        return found

    def _entry(self, into: dict[str, Attribute]) -> None:
        m = _KEY.match(self.text, self.pos, self.end)
        if m is None:
            raise self.expected("an attribute name")
        name = m[1] or unquote(m[2])
        if name in into:
            raise self.error(f"attribute '{name}' occurs twice", m.start(m.lastindex or 0), m.end())
        self.pos = m.end()
        into[name] = self.attribute() if self.accept("=") else UnitAttr()

    # Numbers.

    def _number(self) -> Attribute:
        m = _NUMBER.match(self.text, self.pos, self.end)
        if m is None:
            raise self.expected("a number")
        self.pos = m.end()
        digits, is_decimal = m[2], m[3] is not None
        type = self.type() if self.accept(":") else f64 if is_decimal else i64
        try:
            return number_attribute(m[1] == "-", digits, is_decimal, type)
        except LiteralError as e:
            raise self.error(str(e), m.start(1), m.end()) from None

    def number(self, type: Any) -> NumberAttr:
        """A number whose type is known from elsewhere."""
        m = _NUMBER.match(self.text, self.pos, self.end)
        if m is None:
            raise self.expected("a number")
        self.pos = m.end()
        try:
            return number_attribute(m[1] == "-", m[2], m[3] is not None, type)
        except LiteralError as e:
            raise self.error(str(e), m.start(1), m.end()) from None

    # Words.

    def _true(self) -> Attribute:
        return BoolAttr(True)

    def _false(self) -> Attribute:
        return BoolAttr(False)

    def _unit(self) -> Attribute:
        return UnitAttr()

    def _dense(self) -> Attribute:
        m = self._angled()
        self.expect(":")
        at = self.skip()
        return self._elements(m, self.type(), at)

    def elements(self, type: Any) -> Attribute:
        """`dense<...>` whose type is known from elsewhere and not written."""
        at = self.skip()
        self.expect_word("dense")
        return self._elements(self._angled(), type, at)

    def _elements(self, m: re.Match[str], type: Any, at: int) -> Attribute:
        if not hasattr(type, "shape") or None in type.shape:
            raise self.error(f"'dense' needs a static tensor or vector type, not {type}", at, self.pos)
        start, end = m.start(1) + 1, m.end(1) - 1
        text = self.text[start:end]  # the one copy of what may be the weights of a model
        known = self._literals.get((text, type)) if len(text) < 80 else None
        if known is not None:
            return known
        try:
            found = DenseElementsAttr.of(type, parse_elements(text, type))
        except LiteralError as e:
            raise self.error(str(e), start + e.offset, m.end()) from None
        if len(text) < 80:
            self._literals[text, type] = found
        return found

    def _dense_resource(self) -> Attribute:
        m = self._angled()
        self.expect(":")
        type = self.type()
        name = m[1][1:-1].strip()
        name = unquote(name) if name.startswith('"') else name
        blob = self.resources.get(name)
        if blob is None:
            return DenseResourceAttr(name, type)
        if not hasattr(type, "shape") or None in type.shape:
            raise self.error(f"'dense_resource' needs a static tensor or vector type, not {type}", m.start(1))
        try:
            return DenseElementsAttr.of(type, resource_elements(blob, type))
        except LiteralError as e:
            raise self.error(f"resource '{name}' has {e}", m.start(1), m.end()) from None

    def _dense_array(self) -> Attribute:
        self.expect("<")
        element = self.type()
        values = []
        if self.accept(":") and not self.peek(">"):
            values.append(self._array_item(element))
            while self.accept(","):
                values.append(self._array_item(element))
        self.expect(">")
        return DenseArrayAttr(element, tuple(values))

    def _array_item(self, element: Any) -> Any:
        if element is IntegerType(1):
            return self.boolean()
        found = self.optional_length() if element is i64 else None
        return self.number(element).value if found is None else found

    def boolean(self) -> bool:
        """`true`, `false`, or an integer."""
        if self.accept_word("true"):
            return True
        if self.accept_word("false"):
            return False
        return self.integer() != 0

    def _sparse(self) -> Attribute:
        return self._kept("sparse", typed=True)

    def _opaque(self) -> Attribute:
        return self._kept("opaque", typed=True)

    def _affine_set(self) -> Attribute:
        return self._kept("affine_set", typed=False)

    def _distinct(self) -> Attribute:
        start = self.pos
        self.list_of(self.integer)
        body = self._angled()[1] if self.peek("<") else ""
        return OpaqueAttr(f"distinct{''.join(self.text[start : self.pos].partition('<')[0].split())}{body}")

    def _kept(self, word: str, typed: bool) -> Attribute:
        body = " ".join(self._angled()[1].split())
        if not typed:
            return OpaqueAttr(word + body)
        self.expect(":")
        return OpaqueAttr(f"{word}{body} : {self.type()}")

    def _affine_map(self) -> Attribute:
        self.expect("<")
        found = affine_text.read_map(self)
        self.expect(">")
        return found

    def _strided_layout(self) -> Attribute:
        return TypeAttr(self._strided())

    def _location(self) -> Attribute:
        self.pos -= len("loc")
        return LocationAttr(self.location())

    def _angled(self) -> re.Match[str]:
        m = _ANGLED.match(self.text, self.pos, self.end)
        if m is None:
            if not self.peek("<"):
                raise self.expected("'<'")
            raise self.error("'<' is never closed", self.pos, self.pos + 1)
        self.pos = m.end()
        return m

    # `#...`: aliases, enumerations, structs.

    def _hashed(self) -> Attribute:
        m = _HASHED.match(self.text, self.pos, self.end)
        if m is None:
            raise self.expected("an attribute")
        name, body = m[1], m[2]
        if "." not in name and body is None:
            if name not in self.attribute_aliases:
                raise self.error(f"undefined attribute alias '#{name}'", m.start(1) - 1, m.end())
            self.pos = m.end()
            return self.attribute_aliases[name]
        self.pos = m.end()
        if "." not in name:
            return self._dialect_attribute(name, body)
        struct = self.structs.get(name)
        if struct is not None and body is not None:
            self.pos = m.start(2)
            return self.struct(struct)
        word = _DOTTED_BODY.match(body or "")
        if word:
            dialect, _, mnemonic = name.partition(".")
            return EnumAttr(dialect, mnemonic, word[1], dotted=True)
        return OpaqueAttr(f"#{name}{' '.join((body or '').split())}")

    def _dialect_attribute(self, dialect: str, body: str) -> Attribute:
        m = _ENUM_BODY.match(body)
        return EnumAttr(dialect, m[1], m[2]) if m else OpaqueAttr(f"#{dialect}{' '.join(body.split())}")

    @property
    def structs(self) -> dict[str, type[StructAttr]]:
        """The attribute classes with named fields, by mnemonic (`stablehlo.gather`)."""
        if self._structs is None:
            self._structs = {}
            pending = list(StructAttr.__subclasses__())
            while pending:
                cls = pending.pop()
                pending += cls.__subclasses__()
                if cls.mnemonic:
                    self._structs[cls.mnemonic] = cls
        return self._structs

    def struct(self, cls: type[A]) -> A:
        """The fields of a struct attribute class in angle brackets; a class with `parse_body` reads its own text."""
        own = getattr(cls, "parse_body", None)
        start = self.skip()
        raw = self.accept("<") and self.accept_word("raw")
        self.pos = start
        if own is not None and not raw:
            m = self._angled()
            try:
                return own(m[1][1:-1])
            except (ValueError, LookupError, IrcError) as e:
                raise self.error(f"not a {cls.mnemonic}: {e}", m.start(1), m.end()) from None
        values = self._members({f.name: "bool" in str(f.type) for f in fields(cls)})
        for f in fields(cls):
            if f.name not in values and f.default is MISSING and f.default_factory is MISSING:
                values[f.name] = () if "Dims" in str(f.type) or "tuple" in str(f.type) else 0
        try:
            return cls(**values)
        except (TypeError, ValueError) as e:
            raise self.error(str(e), start, self.pos) from None

    def _members(self, names: dict[str, bool]) -> dict[str, Any]:
        """`<name = value, ...>` of fields by name and whether they are booleans; `raw` marks fields written out where
        a class has a text of its own."""
        values: dict[str, Any] = {}
        self.expect("<")
        self.accept_word("raw")
        while not self.accept(">"):
            self._member(names, values)
            if not self.peek(">"):
                self.expect(",")
        return values

    def _member(self, names: dict[str, bool], into: dict[str, Any]) -> None:
        start = self.skip()
        name = self.word("a field name")
        if name not in names or name in into:
            raise self.error(f"unexpected field '{name}'", start, self.pos)
        self.expect("=")
        at = self.skip()
        into[name] = self._member_value()
        if isinstance(into[name], bool) != names[name]:
            raise self.error(f"the value of '{name}' is of the wrong kind", at, self.pos)

    def _member_value(self) -> Any:
        if self.peek("["):
            return tuple(self.list_of(self.integer))
        if self.peek('"'):
            return self.string()
        number = self.optional_integer()
        if number is not None:
            return number
        for word, value in (("true", True), ("false", False)):
            if self.accept_word(word):
                return value
        return self.type()

    # Locations.

    def optional_location(self) -> Location | str | None:
        """`loc(...)` where it comes next: a location, or the name of an alias that may be defined later."""
        m = _WORD.match(self.text, self.pos, self.end)
        if m is None or m[1] != "loc":
            return None
        return self.location()

    def location(self) -> Any:
        self.expect_word("loc")
        self.expect("(")
        m = _HASHED.match(self.text, self.pos, self.end)
        if m is not None and m[2] is None:
            self.pos = m.end()
            found: Any = self.attribute_aliases.get(m[1])
            found = found.value if isinstance(found, LocationAttr) else m[1]
        else:
            found = self._location_body()
        self.expect(")")
        return found

    def _location_body(self) -> Location:
        start = self.skip()
        if self.accept("#"):
            self.pos = start
            found = self._hashed()
            if not isinstance(found, LocationAttr):
                raise self.error("expected a location alias", start, self.pos)
            return found.value
        text = self.optional_string()
        if text is not None:
            return self._named_or_file(text)
        for word, reader in _LOCATIONS.items():
            if self.accept_word(word):
                return reader(self)
        raise self.expected("a location")

    def _named_or_file(self, text: str) -> Location:
        if self.accept(":"):
            line = self.integer()
            self.expect(":")
            column = self.integer()
            m = _FILE_RANGE.match(self.text, self.pos, self.end)
            if m is None:
                return FileLineCol(text, line, column)
            self.pos = m.end()
            last = self.optional_integer()
            self.expect(":")
            return FileLineCol(text, line, column, last or line, self.integer())
        if not self.accept("("):
            return NameLoc(text, UNKNOWN)
        child = self._location_body()
        self.expect(")")
        return NameLoc(text, child)

    def _fused(self) -> Location:
        metadata = ""
        if self.accept("<"):
            metadata = str(self.attribute())
            self.expect(">")
        return FusedLoc(tuple(self.list_of(self._location_body)), metadata)

    def _callsite(self) -> Location:
        self.expect("(")
        callee = self._location_body()
        self.expect_word("at")
        caller = self._location_body()
        self.expect(")")
        return CallSiteLoc(callee, caller)

    def _unknown(self) -> Location:
        return UNKNOWN


def parse_attribute(text: str) -> Any:
    """The attribute that a text is; raises ParseError."""
    return _whole(AttributeReader(SourceText(text)), AttributeReader.attribute)


def parse_type(text: str) -> Any:
    """The type that a text is; raises ParseError."""
    return _whole(AttributeReader(SourceText(text)), AttributeReader.type)


def _whole(r: AttributeReader, read: Callable[[AttributeReader], Any]) -> Any:
    found = read(r)
    if not r.at_end():
        raise r.expected("the end of the text")
    return found


def number_attribute(negative: bool, digits: str, is_decimal: bool, type: Any) -> NumberAttr:
    """The attribute of a number's text. Hexadecimal digits of a float are its bits."""
    if isinstance(type, FloatType):
        dtype = dtype_of(type)
        if digits.startswith("0x"):
            if negative:
                raise LiteralError("bits of a float have no sign")
            return FloatAttr(float_from_bits(int(digits, 16), type), type)
        with np.errstate(over="ignore"):
            value = float(np.asarray(float(digits)).astype(dtype))
        return FloatAttr(-value if negative else value, type)
    if is_decimal:
        raise LiteralError(f"{type} takes no decimal point")
    if not isinstance(type, IntegerType | IndexType):
        raise LiteralError(f"{type} is not a number's type")
    if len(digits) > MOST_DIGITS:
        raise LiteralError(f"a number of {len(digits)} digits is outside {type}")
    value = -integer_of(digits) if negative else integer_of(digits)
    if type is i1 and value in (0, 1, -1):
        return BoolAttr(value != 0)
    if isinstance(type, IntegerType):
        if not -(1 << (type.width - 1)) <= value < (1 << type.width):
            raise LiteralError(f"{value} is outside {type}")
        if type.signedness == "signless" and type.width > 1 and value >= 1 << (type.width - 1):
            value -= 1 << type.width
    return IntegerAttr(value, type)


Reader = Callable[[AttributeReader], Any]
_BY_CHARACTER: dict[str, Reader] = {
    '"': AttributeReader._string,
    "[": AttributeReader._array,
    "{": AttributeReader._dictionary,
    "@": AttributeReader.symbol_reference,
    "#": AttributeReader._hashed,
    "(": AttributeReader._type,
    "!": AttributeReader._type,
    **dict.fromkeys("-0123456789", AttributeReader._number),
}
_BY_WORD: dict[str, Reader] = {
    "true": AttributeReader._true,
    "false": AttributeReader._false,
    "unit": AttributeReader._unit,
    "dense": AttributeReader._dense,
    "dense_resource": AttributeReader._dense_resource,
    "array": AttributeReader._dense_array,
    "sparse": AttributeReader._sparse,
    "opaque": AttributeReader._opaque,
    "distinct": AttributeReader._distinct,
    "affine_map": AttributeReader._affine_map,
    "affine_set": AttributeReader._affine_set,
    "strided": AttributeReader._strided_layout,
    "loc": AttributeReader._location,
}
_LOCATIONS: dict[str, Callable[[AttributeReader], Location]] = {
    "fused": AttributeReader._fused,
    "callsite": AttributeReader._callsite,
    "unknown": AttributeReader._unknown,
}
