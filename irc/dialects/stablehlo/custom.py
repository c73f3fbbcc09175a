"""Ops whose meaning stands elsewhere: a named target, or a function of the module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.dialects.stablehlo.base import TensorOp
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run
from irc.ir.attributes import DictionaryAttr
from irc.ir.fields import ANY, BOOL, I32, STRING, SYMBOL, Attr, Operand, RegionField, Result, struct
from irc.ir.types import Type


class CustomCall(TensorOp, name="stablehlo.custom_call"):
    """A call of something the compiler does not know, by name. It is carried through; running it is refused."""

    assembly: ClassVar[str] = (
        "custom<CustomCallTarget>($call_target_name) `(` $inputs `)` attr-dict `:` functional-type(operands, results)"
    )
    pure: ClassVar[bool] = False
    inputs = Operand(variadic=True)
    call_target_name = Attr(STRING)
    has_side_effect = Attr(BOOL, default=False)
    backend_config = Attr(ANY, optional=True)
    api_version = Attr(I32, default=1)
    called_computations = Attr(ANY, optional=True)
    operand_layouts = Attr(ANY, optional=True)
    result_layouts = Attr(ANY, optional=True)
    output_operand_aliases = Attr(ANY, optional=True)
    result_tilings = Attr(ANY, optional=True)
    returned = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        return self.result_types


class Composite(TensorOp, name="stablehlo.composite"):
    """An op made of others: `name` says what it stands for, `decomposition` is the function that computes it.

    C1: the name is `namespace.op`.
    C2: the decomposition is a function of the module.
    C3: it takes the inputs' types.
    C4: it gives the results' types.

    C2 to C4 are about the module, and are checked with it."""

    assembly: ClassVar[str] = (
        "$name operands (` ` `(` $composite_regions^ `)`)? attr-dict `:` functional-type(operands, results)"
    )
    inputs = Operand(variadic=True)
    op_name = Attr(STRING, key="name")
    composite_attributes = Attr(struct(DictionaryAttr), default=DictionaryAttr(()))
    decomposition = Attr(SYMBOL)
    version = Attr(I32, default=0)
    composite_regions = RegionField(variadic=True)
    returned = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        namespace, dot, rest = (self.op_name or "").partition(".")
        self.check(bool(namespace and dot and rest), "C1", f"has the name {self.op_name!r}")
        return self.result_types

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Any, ...]:
        return run(self.decomposition, *arrays)
