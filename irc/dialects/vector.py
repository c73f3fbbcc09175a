"""MLIR's vector dialect: tiles. A `vector<6x64xf32>` is as large as the schedule says; the emitter cuts it into registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.dialects.carried import Carried
from irc.ir.affine import AffineMapAttr
from irc.ir.assembly_elements import Directive, OpPrinter, directive
from irc.ir.attributes import OpaqueAttr
from irc.ir.fields import (
    ANY,
    BOOL,
    I64,
    I64_ARRAY,
    Attr,
    Operand,
    RegionField,
    Result,
    array_of,
    enum,
    struct,
)
from irc.ir.op_text import OpReader, OpState
from irc.ir.operation import Operation
from irc.ir.types import Type, VectorType, i1

AFFINE_MAP = struct(AffineMapAttr)
KINDS = (
    "add", "mul", "minui", "minsi", "minnumf", "maxui", "maxsi", "maxnumf", "and", "or", "xor", "maximumf", "minimumf",
)  # fmt: skip
KIND = enum("vector", "kind", KINDS, dotted=True)
PACKS = "irc.packs"
"""The attribute of a contraction of packs."""
ITERATOR = enum("vector", "iterator_type", ("parallel", "reduction"), dotted=True)


class TransferRead(Operation, name="vector.transfer_read"):
    """Reads a tile at `indices`; elements masked off or out of bounds read as `padding`.

    Without `permutation_map` the tile lies along the last dimensions. A map result that is the constant 0 broadcasts.
    The result type is given."""

    assembly: ClassVar[str] = "custom<TransferRead>"
    pure: ClassVar[bool] = False
    base = Operand()
    indices = Operand(variadic=True)
    padding = Operand()
    mask = Operand(optional=True)
    permutation_map = Attr(AFFINE_MAP, optional=True)
    in_bounds = Attr(array_of(BOOL), optional=True)
    vector = Result()


class TransferWrite(Operation, name="vector.transfer_write"):
    """Writes a tile at `indices`; elements masked off or out of bounds are not written."""

    assembly: ClassVar[str] = "custom<TransferWrite>"
    pure: ClassVar[bool] = False
    valueToStore = Operand()
    base = Operand()
    indices = Operand(variadic=True)
    mask = Operand(optional=True)
    permutation_map = Attr(AFFINE_MAP, optional=True)
    in_bounds = Attr(array_of(BOOL), optional=True)

    def infer(self) -> Sequence[Type]:
        return []


class Load(Operation, name="vector.load"):
    """Contiguous elements along the last dimension; all in bounds. The result type is given."""

    assembly: ClassVar[str] = "$base `[` $indices `]` attr-dict `:` type($base) `,` type($result)"
    pure: ClassVar[bool] = False
    base = Operand()
    indices = Operand(variadic=True)
    nontemporal = Attr(BOOL, optional=True)
    alignment = Attr(I64, optional=True)
    result = Result()


class Store(Operation, name="vector.store"):
    """Contiguous elements along the last dimension; all in bounds."""

    assembly: ClassVar[str] = (
        "$valueToStore `,` $base `[` $indices `]` attr-dict `:` type($base) `,` type($valueToStore)"
    )
    pure: ClassVar[bool] = False
    valueToStore = Operand()
    base = Operand()
    indices = Operand(variadic=True)
    nontemporal = Attr(BOOL, optional=True)
    alignment = Attr(I64, optional=True)


class Broadcast(Operation, name="vector.broadcast"):
    """A scalar or a vector repeated along new leading dimensions or dimensions of extent 1. The result type is given."""

    assembly: ClassVar[str] = "$source attr-dict `:` type($source) `to` type($vector)"
    source = Operand()
    vector = Result()


class Contract(Operation, name="vector.contract"):
    """acc + lhs · rhs over affine maps. Here: one fma per element and reduction step, steps in increasing order.

    With the attribute PACKS each element of lhs and rhs is an i32 that holds several numbers, the first lowest. `bf16`: two,
    whose products are added to an f32 as x86's vdpbf16ps does: the second first, each by an fma, and what is too small to
    be normal counts as zero before and after. `u8s8` and `s8u8`: four bytes of lhs and of rhs, unsigned or signed, whose
    products are added to an i32."""

    assembly: ClassVar[str] = "custom<Contract>"
    lhs = Operand()
    rhs = Operand()
    acc = Operand()
    indexing_maps = Attr(array_of(AFFINE_MAP))
    iterator_types = Attr(array_of(ITERATOR))
    kind = Attr(KIND, default="add")
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.acc.type]


class Fma(Operation, name="vector.fma"):
    """lhs * rhs + acc, each element with one rounding."""

    assembly: ClassVar[str] = "$lhs `,` $rhs `,` $acc attr-dict `:` type($lhs)"
    lhs = Operand()
    rhs = Operand()
    acc = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.lhs.type]


class Extract(Operation, name="vector.extract"):
    """`vector.extract %v[0, 3] : f32 from vector<6x64xf32>`; a shorter position gives a subvector."""

    assembly: ClassVar[str] = (
        "$source `` custom<DynamicIndexList>($dynamic_position, $static_position) attr-dict `:` type($result) `from` type($source)"
    )
    source = Operand()
    dynamic_position = Operand(variadic=True)
    static_position = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        t = self.source.type
        rest = t.shape[len(self.static_position) :]
        return [VectorType(rest, t.element) if rest else t.element]


class Insert(Operation, name="vector.insert"):
    """`vector.insert %x, %v[0, 4] : f32 into vector<6x64xf32>`."""

    assembly: ClassVar[str] = (
        "$valueToStore `,` $dest custom<DynamicIndexList>($dynamic_position, $static_position) attr-dict `:` "
        "type($valueToStore) `into` type($dest)"
    )
    valueToStore = Operand()
    dest = Operand()
    dynamic_position = Operand(variadic=True)
    static_position = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.dest.type]


class ExtractStridedSlice(Operation, name="vector.extract_strided_slice"):
    """A part of a tile; strides are 1. `offsets` and `sizes` may name leading dimensions only."""

    assembly: ClassVar[str] = "$source attr-dict `:` type($source) `to` type($result)"
    source = Operand()
    offsets = Attr(array_of(I64))
    sizes = Attr(array_of(I64))
    strides = Attr(array_of(I64))
    result = Result()

    def infer(self) -> Sequence[Type]:
        t = self.source.type
        return [VectorType((*self.sizes, *t.shape[len(self.sizes) :]), t.element)]

    @staticmethod
    def of(source: Any, offsets: Sequence[int], sizes: Sequence[int]) -> ExtractStridedSlice:
        return ExtractStridedSlice(source, offsets=offsets, sizes=sizes, strides=(1,) * len(sizes))


class InsertStridedSlice(Operation, name="vector.insert_strided_slice"):
    """A tile with a part of it replaced, at `offsets`; strides are 1."""

    assembly: ClassVar[str] = "$valueToStore `,` $dest attr-dict `:` type($valueToStore) `into` type($dest)"
    valueToStore = Operand()
    dest = Operand()
    offsets = Attr(array_of(I64))
    strides = Attr(array_of(I64))
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.dest.type]


class Shuffle(Operation, name="vector.shuffle"):
    """Elements of two vectors (leading dimension) chosen by `mask`."""

    assembly: ClassVar[str] = "$v1 `,` $v2 $mask attr-dict `:` type($v1) `,` type($v2)"
    v1 = Operand()
    v2 = Operand()
    mask = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        t = self.v1.type
        return [VectorType((len(self.mask), *t.shape[1:]), t.element)]


class MultiReduction(Operation, name="vector.multi_reduction"):
    """`vector.multi_reduction <add>, %v, %acc [0] : vector<64x16xf32> to vector<16xf32>`.

    Here, within each reduced dimension, by halving (element i with element i + n/2), then with `acc`."""

    assembly: ClassVar[str] = (
        "$kind `,` $source `,` $acc attr-dict $reduction_dims `:` type($source) `to` type($dest)"
    )
    source = Operand()
    acc = Operand()
    kind = Attr(KIND)
    reduction_dims = Attr(I64_ARRAY)
    dest = Result()

    def infer(self) -> Sequence[Type]:
        return [self.acc.type]


class Transpose(Operation, name="vector.transpose"):
    """Dimension i of the result is dimension `permutation[i]` of the vector."""

    assembly: ClassVar[str] = "$vector `,` $permutation attr-dict `:` type($vector) `to` type($result)"
    vector = Operand()
    permutation = Attr(I64_ARRAY)
    result = Result()

    def infer(self) -> Sequence[Type]:
        t = self.vector.type
        return [VectorType(tuple(t.shape[p] for p in self.permutation), t.element)]


class ShapeCast(Operation, name="vector.shape_cast"):
    """The same elements in row-major order under another shape. The result type is given."""

    assembly: ClassVar[str] = "$source attr-dict `:` type($source) `to` type($result)"
    source = Operand()
    result = Result()


class BitCast(Operation, name="vector.bitcast"):
    """The same bits as elements of another width: the last dimension changes. The result type is given."""

    assembly: ClassVar[str] = "$source attr-dict `:` type($source) `to` type($result)"
    source = Operand()
    result = Result()


class CreateMask(Operation, name="vector.create_mask"):
    """True where every index is below its operand. The result type is given."""

    assembly: ClassVar[str] = "$mask_operands attr-dict `:` type($result)"
    mask_operands = Operand(variadic=True)
    result = Result()


class ConstantMask(Operation, name="vector.constant_mask"):
    """`vector.constant_mask [6, 40] : vector<6x64xi1>`. The result type is given."""

    assembly: ClassVar[str] = "$mask_dim_sizes attr-dict `:` type($result)"
    mask_dim_sizes = Attr(I64_ARRAY)
    result = Result()


class MaskedLoad(Carried, name="vector.maskedload"):
    """Contiguous elements; those masked off are `pass_thru`'s, and are not read."""

    assembly: ClassVar[str] = (
        "$base `[` $indices `]` `,` $mask `,` $pass_thru attr-dict `:` "
        "type($base) `,` type($mask) `,` type($pass_thru) `into` type($result)"
    )
    pure: ClassVar[bool] = False
    base = Operand()
    indices = Operand(variadic=True)
    mask = Operand()
    pass_thru = Operand()
    result = Result()


class MaskedStore(Carried, name="vector.maskedstore"):
    """Writes the elements that the mask has."""

    assembly: ClassVar[str] = (
        "$base `[` $indices `]` `,` $mask `,` $valueToStore attr-dict `:` "
        "type($base) `,` type($mask) `,` type($valueToStore)"
    )
    pure: ClassVar[bool] = False
    base = Operand()
    indices = Operand(variadic=True)
    mask = Operand()
    valueToStore = Operand()


@directive("vector.Reduction")
class ReductionForm(Directive):
    """`<add>, %v, %acc fastmath<nnan> : vector<4xf32> into f32`; the sum starts from %acc where it is given."""

    def parse(self, r: OpReader, s: OpState) -> None:
        r.expect("<")
        s.attributes["kind"] = KIND.encode(r.word())
        r.expect(">")
        r.expect(",")
        s.operands[0] = [r.use()]
        if r.accept(","):
            s.operands[1] = [r.use()]
        if r.accept_word("fastmath"):
            flags: list[str] = r.list_of(r.word, "<", ">")
            s.attributes["fastmath"] = OpaqueAttr(f"#arith.fastmath<{','.join(flags)}>")
        s.attributes.update(r.optional_dictionary())
        r.expect(":")
        r.type()
        r.expect_word("into")
        s.types = [r.type()]

    def print(self, p: OpPrinter, op: Any) -> None:
        p.write(f"<{op.kind}>, {p.values(op.operands)}")
        others = {k: v for k, v in op.attributes.items() if k not in ("kind", "fastmath")}
        p.write(f" {op.fastmath}".replace("#arith.", "") if op.fastmath is not None else "")
        p.write(f" {p.dictionary(others)}" if others else "")
        p.write(f" : {p.type(op.vector.type)} into {p.type(op.dest.type)}")


class Reduction(Carried, name="vector.reduction"):
    """All elements of a vector, and `acc` where it is given, combined into one."""

    assembly: ClassVar[str] = "custom<Reduction>"
    vector = Operand()
    acc = Operand(optional=True)
    kind = Attr(KIND)
    fastmath = Attr(ANY, optional=True)
    dest = Result()


class Gather(Operation, name="vector.gather"):
    """One element a lane, at `offsets` + the lane's index along the last dimension; `pass_thru` where masked off."""

    assembly: ClassVar[str] = (
        "$base `[` $offsets `]` `[` $indices `]` `,` $mask `,` $pass_thru attr-dict `:` "
        "type($base) `,` type($indices) `,` type($mask) `,` type($pass_thru) `into` type($result)"
    )
    pure: ClassVar[bool] = False
    base = Operand()
    offsets = Operand(variadic=True)
    indices = Operand()
    mask = Operand()
    pass_thru = Operand()
    result = Result()

    def infer(self) -> Sequence[Type]:
        return [self.operands[-1].type]


class Scatter(Operation, name="vector.scatter"):
    """One element a lane; lanes write in increasing order where indices meet."""

    assembly: ClassVar[str] = (
        "$base `[` $offsets `]` `[` $indices `]` `,` $mask `,` $valueToStore attr-dict `:` "
        "type($base) `,` type($indices) `,` type($mask) `,` type($valueToStore)"
    )
    pure: ClassVar[bool] = False
    base = Operand()
    offsets = Operand(variadic=True)
    indices = Operand()
    mask = Operand()
    valueToStore = Operand()

    def infer(self) -> Sequence[Type]:
        return []


class Step(Operation, name="vector.step"):
    """0, 1, 2, ... The result type is given (a vector of index)."""

    assembly: ClassVar[str] = "attr-dict `:` type($result)"
    result = Result()


class Mask(Operation, name="vector.mask"):
    """`vector.mask %m { vector.reduction <add>, %v : ... } : vector<8xi1> -> f32`: one op, done where the mask holds.

    Elsewhere the results are `passthru`'s, or undefined without it. The result types are given."""

    assembly: ClassVar[str] = "custom<Mask>"
    pure: ClassVar[bool] = False
    mask = Operand()
    passthru = Operand(optional=True)
    maskRegion = RegionField()
    returned = Result(variadic=True)


class Yield(Operation, name="vector.yield"):
    """The terminator of `vector.mask`."""

    assembly: ClassVar[str] = "attr-dict ($values^ `:` type($values))?"
    terminator: ClassVar[bool] = True
    pure: ClassVar[bool] = False
    values = Operand(variadic=True)


def mask_type(type: Any) -> VectorType:
    """The mask of a tile type."""
    return VectorType(type.shape, i1)
