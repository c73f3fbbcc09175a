"""MLIR's nvgpu dialect: what NVIDIA's GPUs do beside plain arithmetic: asynchronous copies, matrix units, barriers in
memory, tensor memory access, warpgroups.

Code is made of copies, waits, ldmatrix and mma; the rest can be written, read and printed. The CPU emitter refuses every op of
it by name. Types are carried by their text (`!nvgpu.mbarrier.group<...>`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from irc.ir.assembly_elements import Directive, Literal, OpPrinter, TypeElement, directive
from irc.ir.cursor import BALANCED
from irc.ir.fields import BOOL, I32, I64, INDEX, UNIT, Attr, Operand, Result, array_of
from irc.ir.op_text import OpReader, OpState
from irc.ir.operation import Operation
from irc.ir.types import OpaqueType, Type, i1

ASYNC_TOKEN = OpaqueType("nvgpu.device.async.token")
BARRIER_TOKEN = OpaqueType("nvgpu.mbarrier.token")

_PARAMETERS = re.compile(rf"<{BALANCED}>")


@directive("nvgpu.Short")
class Short(Directive):
    """A type of this dialect where only one kind can stand: `<...>` for `!nvgpu.mnemonic<...>`; the long form is read too."""

    def parse(self, r: OpReader, s: OpState, mnemonic: Literal, of: TypeElement) -> None:
        at = r.skip()
        found = _PARAMETERS.match(r.text, r.pos, r.end) if r.peek("<") else None
        if found is None:
            type = r.type()
        else:
            r.pos = found.end()
            type = OpaqueType(f"nvgpu.{mnemonic.text}{found[0]}")
        of.of.set_types(r, s, [type], at)

    def print(self, p: OpPrinter, op: Operation, mnemonic: Literal, of: TypeElement) -> None:
        (type,) = of.of.types(op)
        p.write(p.type(type).removeprefix(f"!nvgpu.{mnemonic.text}"))


class _Effect(Operation):
    """An op that waits, signals, or touches memory."""

    pure: ClassVar[bool] = False


class DeviceAsyncCopy(_Effect, name="nvgpu.device_async_copy"):
    """`nvgpu.device_async_copy %src[%i], %dst[%j], 4 : memref<...> to memref<..., 3>`: into workgroup memory, in the
    background; with a count of source elements the rest is filled with zeros."""

    assembly: ClassVar[str] = (
        "$src `[` $srcIndices `]` `,` $dst `[` $dstIndices `]` `,` $dstElements (`,` $srcElements^)? "
        "attr-dict `:` type($src) `to` type($dst)"
    )
    dst = Operand()
    dstIndices = Operand(variadic=True)
    src = Operand()
    srcIndices = Operand(variadic=True)
    srcElements = Operand(optional=True)
    dstElements = Attr(INDEX)
    bypassL1 = Attr(UNIT, optional=True)
    asyncToken = Result()

    def infer(self) -> Sequence[Type]:
        same = self.src.type.element is self.dst.type.element
        self.check(same, "elements", f"copies {self.src.type} to {self.dst.type}")
        return [ASYNC_TOKEN]


class DeviceAsyncCreateGroup(_Effect, name="nvgpu.device_async_create_group"):
    """Copies that are waited for together."""

    assembly: ClassVar[str] = "$inputTokens attr-dict"
    inputTokens = Operand(variadic=True)
    asyncToken = Result()

    def infer(self) -> Sequence[Type]:
        return [ASYNC_TOKEN]


class DeviceAsyncWait(_Effect, name="nvgpu.device_async_wait"):
    """Waits for a group, or until at most `numGroups` groups are under way."""

    assembly: ClassVar[str] = "$asyncDependencies attr-dict"
    asyncDependencies = Operand()
    numGroups = Attr(I32, optional=True)

    def infer(self) -> Sequence[Type]:
        return []


class LdMatrix(_Effect, name="nvgpu.ldmatrix"):
    """A warp reads 8x8 matrices of 16-bit elements, each lane its part. The result type is given."""

    assembly: ClassVar[str] = "$srcMemref `[` $indices `]` attr-dict `:` type($srcMemref) `->` type($res)"
    srcMemref = Operand()
    indices = Operand(variadic=True)
    transpose = Attr(BOOL)
    numTiles = Attr(I32)
    res = Result()


class MmaSync(Operation, name="nvgpu.mma.sync"):
    """A warp's matrix product `matrixA * matrixB + matrixC`, each lane its part; `mmaShape` is (m, n, k)."""

    assembly: ClassVar[str] = (
        "`(` $matrixA `,` $matrixB `,` $matrixC `)` attr-dict "
        "`:` `(` type($matrixA) `,` type($matrixB) `,` type($matrixC) `)` `->` type($res)"
    )
    matrixA = Operand()
    matrixB = Operand()
    matrixC = Operand()
    mmaShape = Attr(array_of(I64))
    tf32Enabled = Attr(UNIT, optional=True)
    res = Result()

    def infer(self) -> Sequence[Type]:
        a, b = self.matrixA.type, self.matrixB.type
        self.check(a.element is b.element, "elements", f"multiplies {a} by {b}")
        self.check(len(self.mmaShape) == 3, "mmaShape", f"has the shape {list(self.mmaShape)}")
        return [self.matrixC.type]


# Barriers in memory. `barriers` may hold several; `mbarId` is the one meant.


class MBarrierCreate(_Effect, name="nvgpu.mbarrier.create"):
    """Barriers in workgroup memory. The result type is given."""

    assembly: ClassVar[str] = "attr-dict `->` custom<Short>(`mbarrier.group`, type($barriers))"
    barriers = Result()


class MBarrierInit(_Effect, name="nvgpu.mbarrier.init"):
    """`count` arrivals complete a phase."""

    assembly: ClassVar[str] = (
        "$barriers `[` $mbarId `]` `,` $count (`,` `predicate` `=` $predicate^)? attr-dict `:` custom<Short>(`mbarrier.group`, type($barriers))"
    )
    barriers = Operand()
    count = Operand()
    mbarId = Operand()
    predicate = Operand(optional=True)

    def infer(self) -> Sequence[Type]:
        return []


class MBarrierArrive(_Effect, name="nvgpu.mbarrier.arrive"):
    """Arrives at a barrier of the group; the token names the phase that it arrived in."""

    assembly: ClassVar[str] = (
        "$barriers `[` $mbarId `]` attr-dict `:` custom<Short>(`mbarrier.group`, type($barriers)) `->` type($token)"
    )
    barriers = Operand()
    mbarId = Operand()
    token = Result()

    def infer(self) -> Sequence[Type]:
        return [BARRIER_TOKEN]


class MBarrierArriveExpectTx(_Effect, name="nvgpu.mbarrier.arrive.expect_tx"):
    """Arrives, and lets the phase wait for `txcount` bytes of asynchronous copies too."""

    assembly: ClassVar[str] = (
        "$barriers `[` $mbarId `]` `,` $txcount (`,` `predicate` `=` $predicate^)? attr-dict `:` custom<Short>(`mbarrier.group`, type($barriers))"
    )
    barriers = Operand()
    txcount = Operand()
    mbarId = Operand()
    predicate = Operand(optional=True)

    def infer(self) -> Sequence[Type]:
        return []


class MBarrierTestWait(_Effect, name="nvgpu.mbarrier.test.wait"):
    """Whether the phase of the token is complete."""

    assembly: ClassVar[str] = (
        "$barriers `[` $mbarId `]` `,` $token attr-dict `:` custom<Short>(`mbarrier.group`, type($barriers)) `,` type($token)"
    )
    barriers = Operand()
    token = Operand()
    mbarId = Operand()
    waitComplete = Result()

    def infer(self) -> Sequence[Type]:
        return [i1]


class MBarrierTryWaitParity(_Effect, name="nvgpu.mbarrier.try_wait.parity"):
    """Waits for the phase of this parity, for at most about `ticks` nanoseconds a try."""

    assembly: ClassVar[str] = (
        "$barriers `[` $mbarId `]` `,` $phaseParity `,` $ticks attr-dict `:` custom<Short>(`mbarrier.group`, type($barriers))"
    )
    barriers = Operand()
    phaseParity = Operand()
    ticks = Operand()
    mbarId = Operand()

    def infer(self) -> Sequence[Type]:
        return []


# Tensor memory access: boxes of tensors copied by a descriptor.


class TmaCreateDescriptor(_Effect, name="nvgpu.tma.create.descriptor"):
    """A descriptor of the boxes of a tensor (an unranked memref). The result type is given."""

    assembly: ClassVar[str] = (
        "$tensor `box` `[` $boxDimensions `]` attr-dict `:` type($tensor) `->` custom<Short>(`tensormap.descriptor`, type($tensorMap))"
    )
    tensor = Operand()
    boxDimensions = Operand(variadic=True)
    tensorMap = Result()


class TmaAsyncLoad(_Effect, name="nvgpu.tma.async.load"):
    """The box at `coordinates` into workgroup memory; the barrier counts its bytes."""

    assembly: ClassVar[str] = (
        "$tensorMapDescriptor `[` $coordinates `]` `,` $barriers `[` $mbarId `]` `to` $dst "
        "(`multicast_mask` `=` $multicastMask^)? (`,` `predicate` `=` $predicate^)? "
        "attr-dict `:` custom<Short>(`tensormap.descriptor`, type($tensorMapDescriptor)) `,` custom<Short>(`mbarrier.group`, type($barriers)) `->` type($dst)"
    )
    dst = Operand()
    barriers = Operand()
    tensorMapDescriptor = Operand()
    coordinates = Operand(variadic=True)
    mbarId = Operand()
    multicastMask = Operand(optional=True)
    predicate = Operand(optional=True)

    def infer(self) -> Sequence[Type]:
        return []


class TmaAsyncStore(_Effect, name="nvgpu.tma.async.store"):
    """Workgroup memory into the box at `coordinates`."""

    assembly: ClassVar[str] = (
        "$src `to` $tensorMapDescriptor `[` $coordinates `]` (`,` `predicate` `=` $predicate^)? "
        "attr-dict `:` type($src) `->` custom<Short>(`tensormap.descriptor`, type($tensorMapDescriptor))"
    )
    src = Operand()
    tensorMapDescriptor = Operand()
    coordinates = Operand(variadic=True)
    predicate = Operand(optional=True)

    def infer(self) -> Sequence[Type]:
        return []


# Warpgroups: matrix products of four warps on tiles in workgroup memory.


class WarpgroupGenerateDescriptor(_Effect, name="nvgpu.warpgroup.generate.descriptor"):
    """How a tile lies in workgroup memory, for the matrix unit. The result type is given."""

    assembly: ClassVar[str] = (
        "$tensor `,` $tensorMap attr-dict `:` type($tensor) `,` custom<Short>(`tensormap.descriptor`, type($tensorMap)) `->` custom<Short>(`warpgroup.descriptor`, type($descriptor))"
    )
    tensor = Operand()
    tensorMap = Operand()
    descriptor = Result()


class WarpgroupMmaInitAccumulator(_Effect, name="nvgpu.warpgroup.mma.init.accumulator"):
    """Zeros, spread over the registers of a warpgroup. The result type is given."""

    assembly: ClassVar[str] = "attr-dict `->` custom<Short>(`warpgroup.accumulator`, type($matrixC))"
    matrixC = Result()


class WarpgroupMma(_Effect, name="nvgpu.warpgroup.mma"):
    """The product of two tiles added to an accumulator; waits until `waitGroup` products are under way."""

    assembly: ClassVar[str] = (
        "$descriptorA `,` $descriptorB `,` $matrixC attr-dict "
        "`:` custom<Short>(`warpgroup.descriptor`, type($descriptorA)) `,` custom<Short>(`warpgroup.descriptor`, type($descriptorB)) `,` custom<Short>(`warpgroup.accumulator`, type($matrixC)) `->` custom<Short>(`warpgroup.accumulator`, type($matrixD))"
    )
    descriptorA = Operand()
    descriptorB = Operand()
    matrixC = Operand()
    waitGroup = Attr(I64, default=1)
    transposeA = Attr(UNIT, optional=True)
    transposeB = Attr(UNIT, optional=True)
    matrixD = Result()

    def infer(self) -> Sequence[Type]:
        return [self.matrixC.type]


class WarpgroupMmaStore(_Effect, name="nvgpu.warpgroup.mma.store"):
    """An accumulator into a memref."""

    assembly: ClassVar[str] = (
        "$matrixD `,` $dstMemref attr-dict `:` custom<Short>(`warpgroup.accumulator`, type($matrixD)) `to` type($dstMemref)"
    )
    matrixD = Operand()
    dstMemref = Operand()

    def infer(self) -> Sequence[Type]:
        return []
