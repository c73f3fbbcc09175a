"""The text of PTX read into `syntax`. Scopes are undone here: inner names get names of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from irc.codegen.ptx_interpreter.scalars import TYPES
from irc.codegen.ptx_interpreter.syntax import (
    Address,
    Function,
    Instruction,
    Integer,
    Label,
    Operand,
    Register,
    Several,
    Symbol,
    Text,
    Variable,
)
from irc.errors import ParseError, SourceSpan

_TOKEN = re.compile(r"""(?:[\w$%.]|::)+|"[^"]*"|[{}()\[\]<>,;:=+\-|!@~*]|(\S)""")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_FLOAT = re.compile(r"0[fF][0-9a-fA-F]{8}|0[dD][0-9a-fA-F]{16}")
_DEBUG = re.compile(r"^[ \t]*\.(?:loc|file)\b[^\n]*$", re.MULTILINE)
_LINKING = (".visible", ".extern", ".weak", ".common")
_SPACES = (".global", ".const", ".shared", ".local", ".param")


class _Token(NamedTuple):
    text: str
    line: int
    column: int


def _tokens(source: str, file: str) -> Iterator[_Token]:
    source = _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), _DEBUG.sub("", source))
    for number, line in enumerate(source.split("\n"), 1):
        for match in _TOKEN.finditer(line):
            if match.lastindex:
                raise ParseError(f"'{match[0]}' is no PTX", span=SourceSpan(file, number, match.start() + 1))
            yield _Token(match[0], number, match.start() + 1)


@dataclass(slots=True)
class _Scope:
    """What is declared between two braces of a function."""

    suffix: str
    names: set[str] = field(default_factory=set)


class _Parser:
    def __init__(self, source: str, file: str) -> None:
        self.file = file
        self.lines = source.split("\n")
        self.tokens = list(_tokens(source, file))
        self.at = 0
        self.text = Text()
        self.scopes: list[_Scope] = []
        self.opened = 0

    # Tokens.

    @property
    def here(self) -> _Token:
        if self.at >= len(self.tokens):
            raise ParseError("the PTX ends too early", span=SourceSpan(self.file, len(self.lines), 1))
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> str:
        return self.tokens[self.at + ahead].text if self.at + ahead < len(self.tokens) else ""

    def next(self) -> str:
        token = self.here
        self.at += 1
        return token.text

    def take(self, text: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at].text == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            self.fail(f"'{text}' is expected, not '{self.here.text}'")

    def fail(self, message: str) -> None:
        token = self.here
        line = self.lines[token.line - 1]
        raise ParseError(message, span=SourceSpan(self.file, token.line, token.column, text=line))

    def integer(self) -> int:
        negative = self.take("-")
        word = self.next()
        try:
            value = int(word.rstrip("U"), 0)
        except ValueError:
            self.at -= 1
            self.fail(f"an integer is expected, not '{word}'")
        return -value if negative else value

    # The module.

    def module(self) -> Text:
        while self.at < len(self.tokens):
            match self.here.text:
                case ".version":
                    self.next()
                    self.text.version = self.next()
                case ".target":
                    self.next()
                    self.text.target = self.next()
                    while self.take(","):
                        self.next()
                case ".address_size":
                    self.next()
                    if self.integer() != 64:
                        self.fail("addresses of 64 bits are expected")
                case ".section":
                    self._skip_section()
                case _:
                    self._declaration()
        return self.text

    def _skip_section(self) -> None:
        while self.next() != "{":
            pass
        while self.next() != "}":
            pass

    def _declaration(self) -> None:
        external = False
        while self.here.text in _LINKING:
            external |= self.next() == ".extern"
        match self.here.text:
            case ".entry" | ".func":
                self._function()
            case space if space in _SPACES:
                for variable in self._variables(external):
                    self.text.variables[variable.name] = variable
            case word:
                self.fail(f"'{word}' is not known here")

    def _variables(self, external: bool = False) -> list[Variable]:
        """`.space .align 16 .b8 name[16] = {...}, name, ...;`"""
        made = [self._variable(self.next()[1:], external)]
        while self.take(","):
            first = made[0]
            made.append(self._named(first.space, first.type, first.alignment, external))
        self.expect(";")
        return made

    def _variable(self, space: str, external: bool = False) -> Variable:
        alignment, type = 0, ""
        while self.here.text.startswith("."):
            match self.next()[1:]:
                case "align":
                    alignment = self.integer()
                case "ptr" | "global" | "const" | "shared" | "local" | "attribute" | "unified":
                    pass
                case word if word in TYPES or word == "b128":
                    type = type or word
                case word if word.startswith("v"):
                    self.fail(f"variables of vector type '.{word}' are not known")
                case word:
                    self.fail(f"'.{word}' is not known in a declaration")
        return self._named(space, type, alignment, external)

    def _named(self, space: str, type: str, alignment: int, external: bool) -> Variable:
        name = self.next()
        width = 16 if type == "b128" else TYPES[type].itemsize
        count, array = 1, False
        while self.take("["):
            array = True
            count *= 0 if self.here.text == "]" else self.integer()
            self.expect("]")
        initial = self._initial(width) if self.take("=") else None
        size = width * count if array else width
        if initial is not None:
            initial = initial.ljust(size, b"\0")
        return Variable(name, space, type, size, max(alignment, width), initial, external)

    def _initial(self, width: int) -> bytes:
        if not self.take("{"):
            return self._constant(width)
        made = b""
        while not self.take("}"):
            made += self._constant(width)
            self.take(",")
        return made

    def _constant(self, width: int) -> bytes:
        if self.take("{"):
            self.at -= 1
            return self._initial(width)
        if _FLOAT.fullmatch(self.here.text):
            value = int(self.next()[2:], 16)
        elif self.here.text[0].isalpha() or self.here.text[0] in "_$%":
            self.fail("addresses in initial values are not known")
        else:
            value = self.integer()
        return (value % (1 << 8 * width)).to_bytes(width, "little")

    # Functions.

    def _function(self) -> None:
        line = self.here.line
        kernel = self.next() == ".entry"
        results = self._parameters() if not kernel and self.here.text == "(" else []
        function = Function(self.next(), kernel, line, results=results)
        if self.here.text == "(":
            function.parameters = self._parameters()
        while self.here.text.startswith("."):
            word = self.next()[1:]
            numbers: list[int] = []
            while self.here.text[0].isdigit() or self.here.text == ",":
                if not self.take(","):
                    numbers.append(self.integer())
            function.directives[word] = tuple(numbers)
        if self.take(";"):
            function.defined = False
        else:
            self._body(function)
        known = self.text.functions.get(function.name)
        if known is None or not known.defined:
            self.text.functions[function.name] = function

    def _parameters(self) -> list[Variable]:
        self.expect("(")
        made: list[Variable] = []
        while not self.take(")"):
            space = self.next()[1:]
            made.append(self._variable(space))
            self.take(",")
        return made

    def _body(self, function: Function) -> None:
        self.expect("{")
        self.scopes = [_Scope("", self._declared(self.at))]
        while self.scopes:
            match self.here.text:
                case "{":
                    self.opened += 1
                    self.at += 1
                    self.scopes.append(_Scope(f"@{self.opened}", self._declared(self.at)))
                case "}":
                    self.at += 1
                    self.scopes.pop()
                case ".reg":
                    self._registers(function)
                case ".pragma":
                    while self.next() != ";":
                        pass
                case space if space in _SPACES:
                    for v in self._variables():
                        name = self._scoped(v.name)
                        function.variables[name] = Variable(
                            name, v.space, v.type, v.size, v.alignment, v.initial
                        )
                case _ if self.peek() == ":":
                    self._label(function)
                case _:
                    function.body.append(self._instruction())

    def _declared(self, at: int) -> set[str]:
        """The names that the scope which begins at a token declares itself: registers, variables and labels."""
        names: set[str] = set()
        depth, opening = 0, True
        while depth >= 0 and at + 1 < len(self.tokens):
            text = self.tokens[at].text
            depth += (text == "{") - (text == "}")
            if depth == 0 and opening and text in (".reg", *_SPACES):
                while self.tokens[at].text != ";" and at + 2 < len(self.tokens):
                    at += 1
                    if not self.tokens[at].text.startswith(".") and self.tokens[at + 1].text in ",;[<=":
                        names.add(self.tokens[at].text)
            elif depth == 0 and opening and self.tokens[at + 1].text == ":":
                names.add(text)
            opening = self.tokens[at].text in (";", ":", "{", "}") and depth == 0
            at += 1
        return names

    def _scoped(self, name: str) -> str:
        for scope in reversed(self.scopes):
            if name in scope.names:
                return name + scope.suffix
        return name

    def _registers(self, function: Function) -> None:
        self.next()
        type = self.next()[1:]
        if type not in TYPES:
            self.at -= 1
            self.fail(f"registers of type '.{type}' are not known")
        while True:
            name = self.next()
            if self.take("<"):
                function.families[name] = type
                self.integer()
                self.expect(">")
            else:
                function.registers[self._scoped(name)] = type
            if not self.take(","):
                break
        self.expect(";")

    def _label(self, function: Function) -> None:
        name = self._scoped(self.next())
        self.expect(":")
        if self.take(".branchtargets"):
            targets: list[str] = []
            while not self.take(";"):
                if not self.take(","):
                    targets.append(self._scoped(self.next()))
            function.targets[name] = tuple(targets)
        elif self.here.text in (".callprototype", ".calltargets"):
            while self.next() != ";":
                pass
        else:
            function.body.append(Label(name))

    def _instruction(self) -> Instruction:
        guard = None
        if self.take("@"):
            negated = self.take("!")
            guard = Register(self._scoped(self.next()), negated)
        line = self.here.line
        name, *modifiers = self.next().split(".")
        operands: list[Operand] = []
        while not self.take(";"):
            found = self._operand()
            operands.append(found if found is not None else Several((None,)))
            if self.here.text == "|":
                self.next()
                operands[-1] = Several((found, self._operand()))
            if self.here.text != ";":
                self.expect(",")
        return Instruction(name, tuple(modifiers), tuple(operands), guard, line)

    def _operand(self) -> Operand | None:
        match self.here.text:
            case "_":
                self.next()
                return None
            case "{" | "(" as opening:
                self.next()
                closing = "}" if opening == "{" else ")"
                elements: list[Operand | None] = []
                while not self.take(closing):
                    elements.append(self._operand())
                    self.take(",")
                return Several(tuple(elements))
            case "[":
                return self._address()
            case "!":
                self.next()
                return Register(self._scoped(self.next()), True)
            case "-":
                return Integer(self.integer())
        return self._simple()

    def _simple(self) -> Register | Integer | Symbol:
        word = self.here.text
        if word[0].isdigit():
            if _FLOAT.fullmatch(word):
                self.next()
                return Integer(int(word[2:], 16), 32 if word[1] in "fF" else 64)
            return Integer(self.integer())
        name = self._scoped(self.next())
        offset = 0
        while self.here.text in "+-":
            sign = -1 if self.next() == "-" else 1
            offset += sign * self.integer()
        if offset:
            return Symbol(name, offset)
        return Register(name) if name.startswith("%") else Symbol(name)

    def _address(self) -> Address:
        self.expect("[")
        base = self._simple() if not self.here.text.startswith("-") else Integer(self.integer())
        offset = 0
        if isinstance(base, Symbol):
            name, offset = base.name, base.offset
            base = Register(name) if name.startswith("%") else Symbol(name)
        coordinates: tuple[Operand, ...] = ()
        if self.take(","):
            found = self._operand()
            assert isinstance(found, Several)
            coordinates = tuple(e for e in found.elements if e is not None)
        self.expect("]")
        return Address(base, offset, coordinates)


def parse(source: str, file: str = "<ptx>") -> Text:
    """A module of PTX. Raises ParseError, with the line, for what is no PTX or is not known here."""
    return _Parser(source, file).module()
