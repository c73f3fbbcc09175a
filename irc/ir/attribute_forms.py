"""The short forms that attributes have in declared formats: without their type, or as a bare word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from irc.ir.attributes import Attribute, EnumAttr, StringAttr, float_text, symbol_text
from irc.ir.cursor import SPACE
from irc.ir.fields import Attr, Codec
from irc.ir.op_text import OpReader
from irc.ir.types import FloatType


class Form:
    """How an attribute of one kind is written in a format: without its type, or as a bare word."""

    def __init__(
        self, read: Callable[[OpReader], Attribute], write: Callable[[Any], str], opening: Sequence[str] = ()
    ) -> None:
        self.read = read
        self.write = write
        self.opening = opening


def form_of(field: Attr) -> Form:
    """The short form of a declared attribute's kind; the attribute's full text where it has none."""
    codec = field.codec
    if codec.keywords:
        return _word_form(codec)
    if codec.name == "string" and field.key == "sym_name":
        return Form(lambda r: StringAttr(r.symbol()), lambda a: symbol_text(a.value), ("@",))
    if codec.name.startswith("array<"):
        return _list_form(codec)
    if codec.name in ("i64", "i32", "index", "i8", "i16", "f32", "f64"):
        type = codec.encode(0).type  # type: ignore[attr-defined]
        return Form(lambda r: r.number(type), _number_text)
    if codec.name == "bool":
        return Form(lambda r: codec.encode(r.boolean()), str)
    if "." in codec.name:
        name = codec.name
        return Form(lambda r: r.struct(r.structs[name]), lambda a: f"<{a.body()}>")
    return Form(lambda r: r.attribute(), str)


_LIST = re.compile(rf"{SPACE}(\[[\w, -]*\])")


def _number_text(attr: Any) -> str:
    return float_text(attr.value, attr.type) if isinstance(attr.type, FloatType) else str(attr.value)


def _word_form(codec: Codec) -> Form:
    """A word of an enumeration, in angle brackets where MLIR's attribute has them."""
    sample = codec.encode(codec.keywords[0])
    angled = isinstance(sample, EnumAttr) and sample.dotted

    def read(r: OpReader) -> Attribute:
        if angled:
            r.expect("<")
        start = r.skip()
        word = r.optional_word()
        if word not in codec.keywords:
            r.pos = start
            raise r.expected(f"one of {', '.join(codec.keywords)}")
        if angled:
            r.expect(">")
        return codec.encode(word)

    def write(attr: Any) -> str:
        word = codec.decode(attr)
        return f"<{word}>" if angled else str(word)

    return Form(read, write)


def _list_form(codec: Codec) -> Form:
    """`[1, 0]`. Equal texts are read once."""
    is_bool = codec.name == "array<i1>"
    known: dict[str, Attribute] = {}

    def read(r: OpReader) -> Attribute:
        m = _LIST.match(r.text, r.pos, r.end)
        if m is not None and (found := known.get(m[1])) is not None:
            r.pos = m.end()
            return found
        made = codec.encode(r.list_of(r.boolean if is_bool else r.length))
        if m is not None and len(known) < 10_000:
            known[m[1]] = made
        return made

    def write(attr: Any) -> str:
        return f"[{', '.join(str(v).lower() if is_bool else str(v) for v in attr.value)}]"

    return Form(read, write, ("[",))
