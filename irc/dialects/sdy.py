"""Shardy's dialect, as JAX prints it: where parts of tensors lie. There is one place here, so nothing is moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.dialects.stablehlo.base import TensorOp
from irc.dialects.stablehlo.numerics import Array
from irc.ir.assembly_elements import AttrElement, Directive, OpPrinter, directive
from irc.ir.attributes import OpaqueAttr, StringAttr, symbol_text
from irc.ir.fields import ANY, STRING, Attr, Operand, Result
from irc.ir.op_text import OpReader, OpState
from irc.ir.operation import Operation
from irc.ir.types import Type


def read_angled(r: OpReader, name: str) -> OpaqueAttr:
    """`<...>`, the body of an attribute whose name is not written."""
    r.skip()
    start, depth = r.pos, 0
    while True:
        c = r.text[r.pos : r.pos + 1]
        if not c or (not depth and c != "<"):
            raise r.expected("'<'")
        depth += {"<": 1, ">": -1}.get(c, 0)
        r.pos += 1
        if not depth:
            return OpaqueAttr(f"#sdy.{name}{r.text[start : r.pos]}")


def angled(attr: Any, name: str) -> str:
    """The body alone, as `read_angled` reads it."""
    return str(attr).removeprefix(f"#sdy.{name}")


@directive("sdy.Mesh")
class MeshForm(Directive):
    """`@mesh = <["x"=2, "y"=4]>`."""

    def parse(self, r: OpReader, s: OpState) -> None:
        s.attributes["sym_name"] = StringAttr(r.symbol())
        r.expect("=")
        s.attributes["mesh"] = read_angled(r, "mesh")
        s.attributes.update(r.optional_dictionary())

    def print(self, p: OpPrinter, op: Any) -> None:
        others = {k: v for k, v in op.attributes.items() if k not in ("sym_name", "mesh")}
        p.write(f"{symbol_text(op.sym_name)} = {angled(op.mesh, 'mesh')}")
        p.write(f" {p.dictionary(others)}" if others else "")


class Mesh(Operation, name="sdy.mesh"):
    """Devices by the axes they are counted along."""

    assembly: ClassVar[str] = "custom<Mesh>"
    pure: ClassVar[bool] = False
    sym_name = Attr(STRING)
    mesh = Attr(ANY)


@directive("sdy.Sharding")
class ShardingForm(Directive):
    """`<@mesh, [{"x"}, {}]>`."""

    def parse(self, r: OpReader, s: OpState, sharding: AttrElement) -> None:
        s.attributes[sharding.key] = read_angled(r, "sharding")

    def print(self, p: OpPrinter, op: Operation, sharding: AttrElement) -> None:
        p.write(angled(op.attributes[sharding.key], "sharding"))


class ShardingConstraint(TensorOp, name="sdy.sharding_constraint"):
    """The operand, which is to lie as the sharding says."""

    assembly = "$input custom<Sharding>($sharding) attr-dict `:` type($result)"
    input = Operand()
    sharding = Attr(ANY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.input.type]

    def evaluate(self, x: Array) -> Array:
        return x
