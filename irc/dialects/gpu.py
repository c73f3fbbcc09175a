"""MLIR's gpu dialect: where a thread stands in its grid, what threads of a block share, and kernels launched on a device.

Lowering for a grid makes these ops and code for NVIDIA's GPUs is made of them; the CPU emitter refuses every one by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.ir.assembly_elements import (
    Directive,
    OperandElement,
    OpPrinter,
    TypeElement,
    directive,
    read_dictionary,
)
from irc.ir.attributes import (
    EnumAttr,
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
    TypeAttr,
    UnitAttr,
    symbol_text,
)
from irc.ir.fields import (
    ANY,
    I64,
    INDEX,
    STRING,
    TYPE,
    UNIT,
    Attr,
    Operand,
    RegionField,
    Result,
    enum,
    struct,
)
from irc.ir.op_text import Argument, OpReader, OpState, RegionRequest, Steps
from irc.ir.operation import Operation
from irc.ir.types import FunctionType, MemRefType, Type, i1, i64, index

WORKGROUP = EnumAttr("gpu", "address_space", "workgroup", dotted=True)
"""The memory space of what a block shares: `memref<32x8xf32, #gpu.address_space<workgroup>>`."""
PRIVATE = EnumAttr("gpu", "address_space", "private", dotted=True)
GLOBAL = EnumAttr("gpu", "address_space", "global", dotted=True)

DIMENSION = enum("gpu", "dim", ("x", "y", "z"))
SHUFFLE_MODE = enum("gpu", "shuffle_mode", ("xor", "up", "down", "idx"))


class _Place(Operation):
    """An index along one dimension of the grid."""

    assembly: ClassVar[str] = "$dimension (`upper_bound` $upper_bound^)? attr-dict"
    dimension = Attr(DIMENSION)
    upper_bound = Attr(INDEX, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [index]


class ThreadId(_Place, name="gpu.thread_id"):
    """`gpu.thread_id x`: the thread's place in its block."""


class BlockId(_Place, name="gpu.block_id"):
    """`gpu.block_id x`: the block's place in the grid."""


class BlockDim(_Place, name="gpu.block_dim"):
    """`gpu.block_dim x`: threads of a block."""


class GridDim(_Place, name="gpu.grid_dim"):
    """`gpu.grid_dim x`: blocks of the grid."""


class GlobalId(_Place, name="gpu.global_id"):
    """`gpu.global_id x`: the thread's place in the whole grid."""


class LaneId(Operation, name="gpu.lane_id"):
    """The thread's place in its subgroup (warp)."""

    assembly: ClassVar[str] = "(`upper_bound` $upper_bound^)? attr-dict"
    upper_bound = Attr(INDEX, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [index]


class _OfSubgroups(Operation):
    assembly: ClassVar[str] = "(`upper_bound` $upper_bound^)? attr-dict `:` type($result)"
    upper_bound = Attr(INDEX, optional=True)
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [index]


class SubgroupId(_OfSubgroups, name="gpu.subgroup_id"):
    """`gpu.subgroup_id : index`: the subgroup's place in its block."""


class NumSubgroups(_OfSubgroups, name="gpu.num_subgroups"):
    """Subgroups of a block."""


class SubgroupSize(_OfSubgroups, name="gpu.subgroup_size"):
    """Threads of a subgroup."""


class Barrier(Operation, name="gpu.barrier"):
    """Every thread of the block waits for all others; what they wrote before is seen after."""

    assembly: ClassVar[str] = "attr-dict"
    pure: ClassVar[bool] = False


class Shuffle(Operation, name="gpu.shuffle"):
    """`%v, %ok = gpu.shuffle xor %x, %offset, %width : f32`: the value of another lane of the subgroup.

    The lane is this one xor, plus (down) or minus (up) the offset, or the offset itself (idx); `valid` says that it takes
    part."""

    assembly: ClassVar[str] = "$mode $value `,` $offset `,` $width attr-dict `:` type($value)"
    pure: ClassVar[bool] = False
    value = Operand()
    offset = Operand()
    width = Operand()
    mode = Attr(SHUFFLE_MODE)
    shuffleResult = Result()
    valid = Result()

    def infer(self) -> Sequence[Type]:
        self.check(
            self.offset.type is self.width.type,
            "offset",
            f"shuffles by {self.offset.type} of {self.width.type}",
        )
        return [self.value.type, i1]


class DynamicSharedMemory(Operation, name="gpu.dynamic_shared_memory"):
    """The workgroup memory whose size the launch gives: `memref<?xi8, #gpu.address_space<workgroup>>`."""

    assembly: ClassVar[str] = "attr-dict `:` type($resultMemref)"
    resultMemref = Result()

    def infer(self) -> Sequence[Type]:
        return [MemRefType((None,), self.results[0].type.element, None, WORKGROUP)]


@directive("gpu.Func")
class FuncForm(Directive):
    """`@k(%a: t) -> t workgroup(%w : m) private(%p : m) kernel attributes {...} { ... }`."""

    has_regions = True

    def steps(self, r: OpReader, s: OpState) -> Steps:
        s.attributes["sym_name"] = StringAttr(r.symbol())
        arguments = r.list_of(lambda: self._argument(r), "(", ")")
        results = r.result_types() if r.accept("->") else []
        s.attributes["function_type"] = TypeAttr(
            FunctionType(tuple(a.type for a in arguments), tuple(results))
        )
        for word in ("workgroup", "private"):
            shared = r.list_of(lambda: self._argument(r), "(", ")") if r.accept_word(word) else []
            if shared and word == "workgroup":
                s.attributes["workgroup_attributions"] = IntegerAttr(len(shared), i64)
            arguments += shared
        if r.accept_word("kernel"):
            s.attributes["kernel"] = UnitAttr()
        if r.accept_word("attributes"):
            read_dictionary(r, s)
        s.regions.append((yield RegionRequest(arguments)))

    def _argument(self, r: OpReader) -> Argument:
        name, at = r.name()
        r.expect(":")
        return Argument(name, r.type(), at)

    def print(self, p: OpPrinter, op: Any) -> None:
        given = op.body.arguments
        inputs = len(op.function_type.inputs)
        shared = inputs + (op.workgroup_attributions or 0)
        text = [f"{p.value(a)}: {p.type(a.type)}" for a in given]
        p.write(f"{symbol_text(op.sym_name)}({', '.join(text[:inputs])})")
        if op.function_type.results:
            p.write(f" -> ({p.types(op.function_type.results)})")
        for word, items in (("workgroup", text[inputs:shared]), ("private", text[shared:])):
            if items:
                p.write(f" {word}({', '.join(items)})")
        p.write(" kernel" if op.kernel else "")
        shown = ["sym_name", "function_type", "kernel"]
        # A count of none is written, for nothing else says that it was there.
        shown += ["workgroup_attributions"] if op.workgroup_attributions else []
        others = {k: v for k, v in op.attributes.items() if k not in shown}
        if others:
            p.write(f" attributes {p.dictionary(others)}")
        p.write(" ")
        p.region(op.body, arguments=False)


class Func(Operation, name="gpu.func"):
    """A function of a device. The body's arguments are the function's, then its workgroup and its private buffers."""

    assembly: ClassVar[str] = "custom<Func>"
    pure: ClassVar[bool] = False
    isolated: ClassVar[bool] = True
    sym_name = Attr(STRING)
    function_type = Attr(TYPE)
    workgroup_attributions = Attr(I64, optional=True)
    kernel = Attr(UNIT, optional=True)
    arg_attrs = Attr(ANY, optional=True)
    res_attrs = Attr(ANY, optional=True)
    body = RegionField()

    def infer(self) -> Sequence[Type]:
        given = tuple(a.type for a in self.body.arguments)
        inputs: tuple[Any, ...] = self.function_type.inputs
        self.check(given[: len(inputs)] == inputs, "function_type", f"takes {inputs}, its body {given}")
        shared = given[len(inputs) : len(inputs) + (self.workgroup_attributions or 0)]
        for type in shared:
            self.check(type.space == WORKGROUP, "workgroup", f"shares {type}, which is not workgroup memory")
        return []


class Return(Operation, name="gpu.return"):
    """Ends the body of a `gpu.func`."""

    assembly: ClassVar[str] = "attr-dict ($values^ `:` type($values))?"
    terminator: ClassVar[bool] = True
    pure: ClassVar[bool] = False
    values = Operand(variadic=True)


class DeviceModule(Operation, name="gpu.module"):
    """`gpu.module @kernels { gpu.func ... }`: functions compiled for a device together."""

    assembly: ClassVar[str] = "$sym_name attr-dict-with-keyword $body"
    pure: ClassVar[bool] = False
    isolated: ClassVar[bool] = True
    no_terminator: ClassVar[bool] = True
    sym_name = Attr(STRING)
    body = RegionField()


@directive("gpu.LaunchOperands")
class LaunchOperands(Directive):
    """`args(%a : t, %b : u)`, nothing without arguments."""

    is_partial = True

    def expresses(self, op: Any) -> bool:
        """Clusters, and what a launch waits for, are not written."""
        return not (op.asyncDependencies or op.clusterSizeX or op.asyncObject)

    def parse(self, r: OpReader, s: OpState, values: OperandElement, types: TypeElement) -> None:
        if r.accept_word("args"):
            r.list_of(lambda: self._one(r, s.operands[values.index]), "(", ")")

    def _one(self, r: OpReader, into: list[Any]) -> None:
        at = r.skip()
        into.append(r.use())
        r.expect(":")
        r.check_types(into[-1:], [r.type()], [at], at)

    def print(self, p: OpPrinter, op: Operation, values: OperandElement, types: TypeElement) -> None:
        given = [f"{p.value(v)} : {p.type(v.type)}" for v in values.get(op)]
        p.write(f" args({', '.join(given)})" if given else "")


class LaunchFunc(Operation, name="gpu.launch_func"):
    """`gpu.launch_func @kernels::@k blocks in (%x, %y, %z) threads in (%u, %v, %w) args(%a : memref<16xf32>)`."""

    assembly: ClassVar[str] = (
        "$kernel `blocks` `in` `(` $gridSizeX `,` $gridSizeY `,` $gridSizeZ `)` "
        "`threads` `in` `(` $blockSizeX `,` $blockSizeY `,` $blockSizeZ `)` "
        "(`dynamic_shared_memory_size` $dynamicSharedMemorySize^)? "
        "custom<LaunchOperands>($kernelOperands, type($kernelOperands)) attr-dict"
    )
    pure: ClassVar[bool] = False
    asyncDependencies = Operand(variadic=True)
    gridSizeX = Operand()
    gridSizeY = Operand()
    gridSizeZ = Operand()
    blockSizeX = Operand()
    blockSizeY = Operand()
    blockSizeZ = Operand()
    clusterSizeX = Operand(optional=True)
    clusterSizeY = Operand(optional=True)
    clusterSizeZ = Operand(optional=True)
    dynamicSharedMemorySize = Operand(optional=True)
    kernelOperands = Operand(variadic=True)
    asyncObject = Operand(optional=True)
    kernel = Attr(struct(SymbolRefAttr))

    def infer(self) -> Sequence[Type]:
        return []
