"""Texts broken in small ways: what a typing mistake, a bad merge or another tool's bug makes of a program.

Every choice comes from one seeded generator, so a case is its seed and its corpus."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

TOKEN = re.compile(r'"[^"\n]*"|[%#@^!]?[\w$.]+|->|\s+|.', re.S)
NUMBER = re.compile(r"-?\b\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\b")
TYPE = re.compile(
    r"\b(?:tensor|vector|memref|tuple|complex)<[^<>]*(?:<[^<>]*>[^<>]*)*>|\b(?:u?i\d+|b?f\d\w*|index)\b"
)

NUMBERS = (
    "0", "-1", "1", "2", "3", "7", "255", "256", "2147483648", "-2147483649", "9223372036854775808",
    "18446744073709551616", "99999999999999", "1" + "0" * 40, "9" * 5000, "0x", "0xFF", "0x7FC00000", "1e400", "1.5",
    "-0.0", "1.", "?", "*", "nan", "true",
)  # fmt: skip
TYPES = (
    "tensor<f32>", "tensor<0xf32>", "tensor<?xf32>", "tensor<*xf32>", "tensor<99999999999999xf32>", "tensor<2x3xi4>",
    "tensor<2xcomplex<f32>>", "tensor<3x!stablehlo.token>", "tensor<2xf8E4M3FN>", "tensor<4xui8>", "tensor<2xindex>",
    "tensor<1x1x1x1x1x1x1x1xf64>", "tensor<2xtensor<2xf32>>", "tensor<i65>", "tensor<2xi7>", "tuple<>",
    "tuple<tensor<f32>, tuple<i1>>", "!stablehlo.token", "memref<4x?xf32, strided<[?, 1], offset: ?>>",
    "vector<4xf32>", "vector<0xf32>", "complex<i32>", "complex<bf16>", "none", "index", "f80", "si8", "i0", "i1",
    "(i32) -> ()", "tensor<2xf32, #stablehlo.bounds<3>>", "!quant.uniform<i8:f32, 0.5:3>", "f6E2M3FN", "()",
    "tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25:-3}>>", "tensor<4294967296x4294967296x4294967296xi8>",
)  # fmt: skip
CHARACTERS = "(){}[]<>,:=%#@^!\"'\\/*+-?.0x1aé\0\t\r\n \x7f￿\U0001d538\ud800;$&|"
WORDS = (
    "dense<", "dense<>", 'dense<"0x', "dense<[[1, 2], [3]]>", "array<i64: 1>", "array<i1: 2>", "loc(", "loc(unknown)",
    'loc("a"("b":1:2))', "loc(#loc)", "loc(callsite(unknown at unknown))", "-> ", "{}", "{}, {}", "({", "})", "<{", "}>",
    "//", "/*", "#map", "#stablehlo<comparison_direction LT>", "#stablehlo.dot<>", "affine_map<(d0) -> (d0)>", "@main",
    '@"a b"', "%0", "%arg0", "%0#1", "%0:2", "^bb0", "^bb0:", "^bb1(%x: i32):", "applies", "across", "dims",
    "stablehlo.add", '"stablehlo.add"', "stablehlo.return", "func.return", "return", '"x.y"()', "module", "unit",
    "distinct[0]<>", "dense_resource<a>", '{-# dialect_resources: {builtin: {a: "0x04000000"}} #-}', "opaque<>",
    "sparse<>", "[b, 0, f]x[0, i, o]->[b, 0, f]", "strided<[1]>", "0x1p3", "private", "attributes {", "cond", "do",
)  # fmt: skip

Mutation = Callable[[random.Random, str, Sequence[str]], str]


def _span(r: random.Random, text: str, longest: int = 40) -> tuple[int, int]:
    start = r.randrange(len(text) + 1)
    return start, min(len(text), start + r.randrange(1, longest))


def delete_bytes(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    start, end = _span(r, text, r.choice((2, 8, 200)))
    return text[:start] + text[end:]


def duplicate_bytes(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    start, end = _span(r, text)
    return text[:end] + text[start:]


def insert_characters(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    at = r.randrange(len(text) + 1)
    return text[:at] + "".join(r.choice(CHARACTERS) for _ in range(r.randrange(1, 4))) + text[at:]


def replace_character(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    at = r.randrange(len(text) + 1)
    return text[:at] + r.choice(CHARACTERS) + text[at + 1 :]


def truncate(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    return text[: r.randrange(len(text) + 1)]


def _tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def delete_token(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    tokens = _tokens(text)
    if tokens:
        del tokens[r.randrange(len(tokens))]
    return "".join(tokens)


def duplicate_token(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    tokens = _tokens(text)
    if tokens:
        at = r.randrange(len(tokens))
        tokens[at:at] = [tokens[at]] * r.choice((1, 1, 2, 50))
    return "".join(tokens)


def swap_tokens(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    tokens = _tokens(text)
    if tokens:
        a = r.randrange(len(tokens))
        b = r.randrange(len(tokens)) if r.randrange(2) else min(a + 2, len(tokens) - 1)
        tokens[a], tokens[b] = tokens[b], tokens[a]
    return "".join(tokens)


def change_token(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    """A token becomes another of this text, a word of the language, or one of another text."""
    tokens = _tokens(text)
    if tokens:
        source = r.choice((tokens, WORDS, _tokens(r.choice(corpus)) or WORDS))
        tokens[r.randrange(len(tokens))] = r.choice(source)
    return "".join(tokens)


def _substitute(r: random.Random, text: str, pattern: re.Pattern[str], others: Sequence[str]) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text
    m = r.choice(found)
    return text[: m.start()] + r.choice(others) + text[m.end() :]


def change_number(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    return _substitute(r, text, NUMBER, NUMBERS)


def change_type(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    others = TYPES if r.randrange(2) else TYPE.findall(text) or TYPES
    return _substitute(r, text, TYPE, others)


def change_type_everywhere(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    """One type becomes another wherever it stands: texts that may still be valid."""
    found = TYPE.findall(text)
    return text.replace(r.choice(found), r.choice(TYPES)) if found else text


def move_lines(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    """A line is dropped, doubled, or changes places with another."""
    lines = text.split("\n")
    a, b = (r.randrange(len(lines)) for _ in "ab")
    match r.randrange(3):
        case 0:
            del lines[a]
        case 1:
            lines.insert(b, lines[a])
        case _:
            lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def splice(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    """Lines of another text."""
    theirs = r.choice(corpus).split("\n")
    start = r.randrange(len(theirs))
    lines = text.split("\n")
    at = r.randrange(len(lines) + 1)
    lines[at:at] = theirs[start : start + r.choice((1, 1, 2, 8))]
    return "\n".join(lines)


def nest(r: random.Random, text: str, corpus: Sequence[str]) -> str:
    """Brackets inside brackets, a great many."""
    at = r.randrange(len(text) + 1)
    opening, closing = r.choice(
        ("()", "[]", "{}", "<>", ("tuple<", ">"), ("loc(fused[", "])"), ("({", "})"), ("-", ""))
    )
    depth = r.choice((3, 20, 300, 5000))
    return text[:at] + opening * depth + (closing * depth if r.randrange(2) else "") + text[at:]


MUTATIONS: tuple[Mutation, ...] = (
    delete_bytes, duplicate_bytes, insert_characters, replace_character, truncate, delete_token, duplicate_token,
    swap_tokens, change_token, change_token, change_number, change_number, change_type, change_type,
    change_type_everywhere, move_lines, splice, nest,
)  # fmt: skip


def mutated(seed: int, corpus: Sequence[str]) -> str:
    """One text of the corpus after one to four mutations."""
    r = random.Random(seed)
    text = r.choice(corpus)
    for _ in range(r.choice((1, 1, 2, 3, 4))):
        text = r.choice(MUTATIONS)(r, text, corpus)
    return text
