"""Functions, globals and calls of MLIR's llvm dialect. They are read in their pretty form, carried, and printed in the
generic form; nothing here makes or runs them."""

from __future__ import annotations

from typing import Any, ClassVar

from irc.dialects.carried import Carried, ReadOnly
from irc.ir.assembly_elements import directive
from irc.ir.attributes import (
    ArrayAttr,
    DenseArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    SymbolRefAttr,
    TypeAttr,
    UnitAttr,
)
from irc.ir.fields import ANY, STRING, SYMBOL, TYPE, Attr, Operand, RegionField, Result
from irc.ir.op_text import Argument, OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Region
from irc.ir.types import OpaqueType, i32, i64

LINKAGES = (
    "private", "internal", "available_externally", "linkonce", "weak", "common", "appending", "extern_weak",
    "linkonce_odr", "weak_odr", "external",
)  # fmt: skip


def read_linkage(r: OpReader, s: OpState) -> None:
    """A linkage's name, where one stands."""
    for word in LINKAGES:
        if r.accept_word(word):
            s.attributes["linkage"] = OpaqueAttr(f"#llvm.linkage<{word}>")
            return


@directive("llvm.Func")
class FuncForm(ReadOnly):
    """`internal @f(%x: i32 {llvm.noundef}, ...) -> i32 attributes {...} { ... }`."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        read_linkage(r, s)
        s.attributes["unnamed_addr"] = IntegerAttr(0, i64)
        s.attributes["sym_name"] = StringAttr(r.symbol())
        arguments: list[Argument] = []
        dictionaries: list[dict[str, Any]] = []
        variadic: list[bool] = []
        r.list_of(lambda: self._argument(r, arguments, dictionaries, variadic), "(", ")")
        result = self._result(r, s) if r.accept("->") else "void"
        inputs = [str(a.type) for a in arguments] + ["..."] * len(variadic)
        s.attributes["function_type"] = TypeAttr(OpaqueType(f"llvm.func<{result} ({', '.join(inputs)})>"))
        if any(dictionaries):
            s.attributes["arg_attrs"] = _dictionaries(dictionaries)
        if r.accept_word("attributes"):
            s.attributes.update(r.optional_dictionary())
        s.regions.append((yield RegionRequest(arguments)) if r.region_follows() else Region())

    def _argument(
        self, r: OpReader, into: list[Argument], dictionaries: list[dict[str, Any]], variadic: list[bool]
    ) -> None:
        if r.accept("..."):
            variadic.append(True)
            return
        name, at = ("", r.pos)
        if r.peek("%"):
            name, at = r.name()
            r.expect(":")
        argument = Argument(name, r.type(), at)
        dictionaries.append(r.optional_dictionary())
        argument.location = r.optional_location()
        into.append(argument)

    def _result(self, r: OpReader, s: OpState) -> str:
        if not r.accept("("):
            return str(r.type())
        type = r.type()
        found = r.optional_dictionary()
        r.expect(")")
        if found:
            s.attributes["res_attrs"] = _dictionaries([found])
        return str(type)


def _dictionaries(found: list[dict[str, Any]]) -> ArrayAttr:
    return ArrayAttr(tuple(DictionaryAttr(tuple(sorted(d.items()))) for d in found))


class Func(Carried, name="llvm.func"):
    """A function of LLVM's, with or without a body."""

    assembly: ClassVar[str] = "custom<Func>"
    isolated: ClassVar[bool] = True
    sym_name = Attr(STRING)
    function_type = Attr(TYPE)
    linkage = Attr(ANY, optional=True)
    body = RegionField()


class Return(Carried, name="llvm.return"):
    """Ends a function, with at most one value."""

    assembly: ClassVar[str] = "attr-dict ($arg^ `:` type($arg))?"
    terminator: ClassVar[bool] = True
    arg = Operand(optional=True)


@directive("llvm.Global")
class GlobalForm(ReadOnly):
    """`internal constant @x(42 : i32) {addr_space = 0 : i32} : i32`."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        read_linkage(r, s)
        for word, key in (("thread_local", "thread_local_"), ("constant", "constant")):
            if r.accept_word(word):
                s.attributes[key] = UnitAttr()
        s.attributes["unnamed_addr"] = IntegerAttr(0, i64)
        s.attributes["sym_name"] = StringAttr(r.symbol())
        r.expect("(")
        if not r.accept(")"):
            s.attributes["value"] = r.attribute()
            r.expect(")")
        s.attributes.update(r.optional_dictionary())
        value = s.attributes.get("value")
        if r.accept(":"):
            s.attributes["global_type"] = TypeAttr(r.type())
        elif isinstance(value, StringAttr):
            size = len(value.value.encode())
            s.attributes["global_type"] = TypeAttr(OpaqueType(f"llvm.array<{size} x i8>"))
        s.regions.append((yield RegionRequest()) if r.region_follows() else Region())


class Global(Carried, name="llvm.mlir.global"):
    """A variable or constant of a module."""

    assembly: ClassVar[str] = "custom<Global>"
    isolated: ClassVar[bool] = True
    sym_name = Attr(STRING)
    global_type = Attr(TYPE)
    linkage = Attr(ANY, optional=True)
    value = Attr(ANY, optional=True)
    initializer = RegionField()


class AddressOf(Carried, name="llvm.mlir.addressof"):
    """Where a global or a function lies."""

    assembly: ClassVar[str] = "$global_name attr-dict `:` type($res)"
    global_name = Attr(SYMBOL)
    res = Result()


class Constant(Carried, name="llvm.mlir.constant"):
    """A number, or an array of numbers."""

    assembly: ClassVar[str] = "`(` $value `)` attr-dict `:` type($res)"
    value = Attr(ANY)
    res = Result()


@directive("llvm.Call")
class CallForm(ReadOnly):
    """`@f(%x) : (i32) -> i32`, or a pointer's value in place of the name, its type before the function's."""

    def parse(self, r: OpReader, s: OpState) -> None:
        pointer = r.optional_use()
        if pointer is None:
            s.attributes["callee"] = SymbolRefAttr(r.symbol())
        given = r.list_of(r.use, "(", ")")
        s.attributes.update(r.optional_dictionary())
        r.expect(":")
        if pointer is not None:
            r.type()
            r.expect(",")
        type = r.function_type()
        operands = [*([] if pointer is None else [pointer]), *given]
        s.operands[0] = operands
        s.types = list(type.results)
        s.attributes["operandSegmentSizes"] = DenseArrayAttr(i32, (len(operands), 0))
        s.attributes["op_bundle_sizes"] = DenseArrayAttr(i32, ())


class Call(Carried, name="llvm.call"):
    """Calls a function, or what a pointer points to."""

    assembly: ClassVar[str] = "custom<Call>"
    callee_operands = Operand(variadic=True)
    op_bundle_operands = Operand(variadic=True)
    callee = Attr(SYMBOL, optional=True)
    returned = Result(variadic=True)
