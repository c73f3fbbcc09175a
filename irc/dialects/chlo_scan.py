"""chlo.scan: a body run along a dimension, from one slice to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from irc.dialects.stablehlo.base import TensorOp, compatible, region_types, same_dim
from irc.dialects.stablehlo.numerics import Array
from irc.dialects.stablehlo.regions import Run
from irc.ir.assembly_elements import Directive, OpPrinter, directive
from irc.ir.attributes import DenseArrayAttr, IntegerAttr
from irc.ir.fields import BOOL, I64, Attr, Operand, RegionField, Result
from irc.ir.op_text import OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Region, Value
from irc.ir.types import Dim, TensorType, Type, i32, i64

_SHOWN = ("dimension", "operandSegmentSizes", "resultSegmentSizes")


@directive("chlo.Scan")
class ScanForm(Directive):
    """`(%x) inits (%c) dimension=0 attributes {...} { ... } : (types) -> types`."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        s.operands[0] = r.list_of(r.use, "(", ")")
        r.expect_word("inits")
        s.operands[1] = r.list_of(r.use, "(", ")")
        r.expect_word("dimension")
        r.expect("=")
        s.attributes["dimension"] = IntegerAttr(r.integer(), i64)
        if r.accept_word("attributes"):
            s.attributes.update(r.optional_dictionary())
        s.regions.append((yield RegionRequest()))
        r.expect(":")
        results = r.function_type().results
        counts = len(s.operands[0]), len(s.operands[1])
        s.attributes["operandSegmentSizes"] = DenseArrayAttr(i32, counts)
        s.attributes["resultSegmentSizes"] = DenseArrayAttr(i32, (len(results) - counts[1], counts[1]))
        s.types = list(results)

    def print(self, p: OpPrinter, op: Any) -> None:
        p.write(f"({p.values(op.inputs)}) inits ({p.values(op.inits)}) dimension={op.dimension} ")
        others = {k: v for k, v in op.attributes.items() if k not in _SHOWN}
        p.write(f"attributes {p.dictionary(others)} " if others else "")
        p.region(op.body)
        p.write(f" : {p.function_type([v.type for v in op.operands], op.result_types)}")


class Scan(TensorOp, name="chlo.scan"):
    """The body takes a slice of each input and the carries, and gives a slice of each output and the next carries; slices
    are taken in order along the dimension, or from its end on. Results are the outputs, then the last carries.

    C1: there is an input or an output.
    C2: the dimension is one of each input's.
    C3: inputs have one extent along it, which is `scan_dim_size` where that is given.
    C4: the body takes the inputs' types without the dimension, then the carries'.
    C5: it gives outputs without the dimension, then the carries' types."""

    assembly: ClassVar[str] = "custom<Scan>"
    isolated = True
    result_labels = ("C5", "C5")
    inputs = Operand(variadic=True)
    inits = Operand(variadic=True)
    dimension = Attr(I64)
    scan_dim_size = Attr(I64, optional=True)
    is_reverse = Attr(BOOL, default=False)
    is_associative = Attr(BOOL, optional=True)
    body = RegionField()
    outputs = Result(variadic=True)
    carries = Result(variadic=True)

    @staticmethod
    def of(
        inputs: Sequence[Value], inits: Sequence[Value], body: Region, dimension: int, **more: Any
    ) -> Scan:
        """A scan whose results are what the body's type says."""
        outputs = len(region_types(body)[1]) - len(inits)
        segments = {"resultSegmentSizes": DenseArrayAttr(i32, (outputs, len(inits)))}
        return Scan(inputs, inits, dimension=dimension, regions=[body], attributes=segments, **more)

    @property
    def extent(self) -> Dim:
        """How many slices there are."""
        known = [v.type.shape[self.dimension] for v in self.inputs]
        return next((n for n in (self.scan_dim_size, *known) if n is not None), None)

    def infer(self) -> Sequence[Type]:
        dim, types = self.dimension, [v.type for v in self.inputs]
        arguments, returned = region_types(self.body)
        outputs = len(returned) - len(self.inits)
        message = "at least one of inputs or outputs must be present"
        self.check(bool(types) or outputs > 0, "C1", message)
        self.check_integer("dimension", "C2")
        size: Dim = self.scan_dim_size
        for i, type in enumerate(types):
            self.check(dim < type.rank, "C2", f"scan dimension of operand {i} is out of bounds")
            n = type.shape[dim]
            self.check(same_dim(n, size), "C3", f"invalid scan dimension size of operand {i}")
            size = n if size is None else size
        slices = [_without(t, dim) for t in types]
        wanted = [*slices, *(v.type for v in self.inits)]
        message = f"expects {len(wanted)} arguments in the body, but got {len(arguments)}"
        self.check(len(arguments) == len(wanted), "C4", message)
        for i, (argument, type) in enumerate(zip(arguments, wanted, strict=True)):
            message = f"operand and body argument {i} are incompatible"
            self.check(compatible(argument, type), "C4", message)
        self.check(outputs >= 0, "C5", f"body must return at least {len(self.inits)} values (carries)")
        whole = [t.with_shape((*t.shape[:dim], size, *t.shape[dim:])) for t in returned[:outputs]]
        return [*whole, *returned[outputs:]]

    def evaluate(self, run: Run, *arrays: Array) -> tuple[Array, ...]:
        inputs, carries = arrays[: len(self.inputs)], arrays[len(self.inputs) :]
        n = self.extent if self.extent is not None else inputs[0].shape[self.dimension]
        outputs = [
            np.zeros((n, *_slice_shape(r.type, self.dimension)), r.type.element.numpy) for r in self.outputs
        ]
        for i in reversed(range(n)) if self.is_reverse else range(n):
            slices = [np.take(x, i, axis=self.dimension) for x in inputs]
            made = run(self.body, *slices, *carries)
            carries = made[len(outputs) :]
            for output, part in zip(outputs, made, strict=False):
                output[i] = part
        return (*(np.moveaxis(x, 0, self.dimension) for x in outputs), *carries)


def _without(type: TensorType, dim: int) -> TensorType:
    return type.with_shape((*type.shape[:dim], *type.shape[dim + 1 :]))


def _slice_shape(type: TensorType, dim: int) -> tuple[int, ...]:
    return _without(type, dim).static_shape
