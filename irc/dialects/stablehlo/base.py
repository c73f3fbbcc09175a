"""What StableHLO ops share: element-type domains of operands, and arithmetic on shapes with unknown extents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from irc.ir.extents import greatest
from irc.ir.fields import Operand
from irc.ir.operation import Operation, Region, Value
from irc.ir.quantized import QuantizedType, same_element
from irc.ir.types import (
    ComplexType,
    Dim,
    FloatType,
    IndexType,
    IntegerType,
    TensorType,
    Type,
    compatible_shapes,
    f32,
    f64,
    i1,
)

BOOL = ("bool",)
SIGNED = ("signed",)
INTEGER = ("signed", "unsigned")
FLOAT = ("float",)
COMPLEX = ("complex",)
ANY_ELEMENT = (*BOOL, *INTEGER, *FLOAT, *COMPLEX)

_WORDS = {"integer": INTEGER, "any": ANY_ELEMENT, "dimension": (*INTEGER, "index")}


@cache
def element_kind(element: Any) -> str:
    """`bool`, `signed`, `unsigned`, `float`, `complex`, `index`, `quantized`, or `other`."""
    match element:
        case IntegerType(width=1):
            return "bool"
        case IntegerType(signedness="unsigned"):
            return "unsigned"
        case IntegerType():
            return "signed"
        case FloatType():
            return "float"
        case ComplexType(element=element) if element in (f32, f64):
            return "complex"
        case IndexType():
            return "index"
        case QuantizedType(storage=storage) if storage.signedness != "signed":
            return "quantized"
    return "other"


@dataclass(frozen=True, slots=True)
class Constraint:
    """What an operand's constraint text says: element kinds, rank (None: any), whether every extent must be known, and
    whether quantized elements have one scale for the whole tensor."""

    kinds: tuple[str, ...]
    rank: int | None = None
    static: bool = False
    tensorwise: bool = False


@cache
def constraint_of(text: str) -> Constraint:
    """Reads `"integer 0d"`, `"any"`, `"float complex"`, `"dimension 1d static"`, `"any tensorwise"`."""
    kinds: list[str] = []
    rank, static, tensorwise = None, False, False
    for word in text.split():
        if word[:-1].isdigit() and word[-1] == "d":
            rank = int(word[:-1])
        elif word == "static":
            static = True
        elif word == "tensorwise":
            tensorwise = True
        else:
            kinds += _WORDS.get(word, (word,))
    return Constraint(tuple(kinds), rank, static, tensorwise)


class TensorOp(Operation):
    """An op on tensors. `domain` is the element kinds of operands whose field states no constraint of its own."""

    domain: ClassVar[tuple[str, ...]] = ANY_ELEMENT
    elementwise: ClassVar[bool] = False
    """Element i of every result depends on element i of the operands alone, and operands of rank 0 spread."""
    quantized: ClassVar[str] = "tensor"
    """Where floats are taken, quantized numbers are too: of one scale (`tensor`), of several (`axis`), or not at all."""
    by_floats: ClassVar[bool] = False
    """Quantized numbers are computed with as floats; otherwise they are moved as they are stored."""

    def check_operands(self) -> None:
        """Each operand is a tensor of its field's element kinds and rank; the spec labels input n with `In`."""
        cls: Any = type(self)
        for label, field, constraint in _plan(cls):
            values = field.__get__(self)
            for value in values if field.variadic else (values,):
                if not self._fits(value.type, constraint):
                    raise self.error(label, self._operand_message(field, value, constraint))

    def _fits(self, type: Any, constraint: Constraint) -> bool:
        if not isinstance(type, TensorType):
            return False
        if constraint.rank is not None and type.rank != constraint.rank:
            return False
        if constraint.static and not type.is_static:
            return False
        if isinstance(type.element, QuantizedType):
            wanted = "" if "float" not in constraint.kinds else self.quantized
            return is_quantized_tensor(type, wanted == "axis" and not constraint.tensorwise) and bool(wanted)
        return element_kind(type.element) in constraint.kinds

    def _operand_message(self, field: Operand, value: Value, constraint: Constraint) -> str:
        """In MLIR's words: `operand #0 must be ranked tensor of float values, but got ...`."""
        rank = "ranked " if constraint.rank is None else f"{constraint.rank}D "
        many = "variadic of " if field.variadic else ""
        static = "statically shaped " if constraint.static else ""
        kinds = " or ".join(constraint.kinds)
        found = f"but got '{value.type}' as `{field.name}`"
        position = next(i for i, o in enumerate(self.operands) if o is value)
        return f"operand #{position} must be {many}{static}{rank}tensor of {kinds} values, {found}"

    def check_integer(self, name: str, label: str, positive: bool = False) -> None:
        """An integer attribute is not negative, or positive."""
        codec, value = self.attribute_fields[name].codec, getattr(self, name)
        kind = f"{codec.name[1:]}-bit signless integer attribute whose value is "
        message = f"attribute '{name}' failed to satisfy constraint: {kind}"
        self.check(value >= positive, label, message + ("positive" if positive else "non-negative"))

    def check_distinct(
        self, label: str, first: tuple[str, Sequence[int]], second: tuple[str, Sequence[int]]
    ) -> None:
        """No dimension is named twice in two named lists taken together."""
        (name, dims), (other, more) = first, second
        found = repeated((*dims, *more))
        self.check(found is None, label, f"has duplicated dimension from {name} and {other}: {found}")

    def check_inside(self, label: str, name: str, dims: Sequence[int], rank: int, of: str) -> None:
        """The dimensions of a named list lie in `[0, rank)`."""
        found = next((d for d in dims if not 0 <= d < rank), None)
        bounds = f"in range [0, rank-of('{of}')) i.e. [0, {rank}). got: {found}."
        self.check(found is None, label, f"Expects each element of {name} to be {bounds}")

    def check_vector_dim(self, label: str, dim: int, rank: int, of: str) -> None:
        """`index_vector_dim` is a dimension of the indices, or the one past the last."""
        message = (
            f"Expects index_vector_dim to be in range [0, rank-of('{of}')] i.e. [0, {rank}]. got: {dim}."
        )
        self.check(0 <= dim <= rank, label, message)

    def check_in_order(self, label: str, name: str, dims: Sequence[int], subject: str = "Expects") -> None:
        """A named list is sorted, and has no dimension twice."""
        text = f"[{shape_text(dims)}]"
        self.check(is_sorted(dims), label, f"{subject} {name} to be sorted; got: {text}")
        self.check(is_unique(dims), label, f"{subject} {name} to not repeat; got: {text}")

    def given_type(self, label: str) -> Any:
        """The result type that was written, for ops that cannot infer it."""
        if not self.results:
            raise self.error(label, "cannot infer its result: give result_types")
        return self.results[0].type


@cache
def _plan(cls: type[TensorOp]) -> list[tuple[str, Operand, Constraint]]:
    """Label, field and constraint of each operand of an op class."""
    domain = Constraint(cls.domain)
    constraints = [constraint_of(f.constraint) if f.constraint else domain for f in cls.operand_fields]
    labels = [f"I{n}" for n in range(1, len(constraints) + 1)]
    return list(zip(labels, cls.operand_fields, constraints, strict=True))


def same_dim(a: Dim, b: Dim) -> bool:
    """Equal, or one is unknown."""
    return a == b or a is None or b is None


def merge_shapes(shapes: Iterable[Sequence[Dim]]) -> tuple[Dim, ...]:
    """Of compatible shapes, the one that knows every extent that any of them knows."""
    merged: list[Dim] = []
    for shape in shapes:
        merged = (
            list(shape) if not merged else [n if m is None else m for m, n in zip(merged, shape, strict=True)]
        )
    return tuple(merged)


def merge_types(types: Iterable[Any]) -> TensorType:
    """The most exact of compatible tensor types."""
    types = list(types)
    if all(t is types[0] for t in types):
        return types[0]
    return TensorType(merge_shapes(t.shape for t in types), types[0].element)


def compatible(a: Any, b: Any) -> bool:
    """Tensor types of one element type whose shapes can be one; other types only when they are the same."""
    if a is b:
        return True
    if not (isinstance(a, TensorType) and isinstance(b, TensorType)):
        return False
    return same_element(a.element, b.element) and compatible_shapes(a.shape, b.shape)


def all_compatible(types: Sequence[Any]) -> bool:
    return all(compatible(types[0], t) for t in types[1:])


def quoted(types: Iterable[Any]) -> str:
    """Types as MLIR lists them in errors."""
    return ", ".join(f"'{t}'" for t in types)


def shape_text(shape: Iterable[Dim]) -> str:
    """`2, ?, 3`."""
    return ", ".join("?" if n is None else str(n) for n in shape)


def repeated(dims: Sequence[Any]) -> Any:
    """The first of them that was there before; None where all are different."""
    return next((d for i, d in enumerate(dims) if d in dims[:i]), None)


def dims_in_range(dims: Iterable[int], rank: int) -> bool:
    return all(0 <= d < rank for d in dims)


def is_unique(dims: Sequence[int]) -> bool:
    return len(set(dims)) == len(dims)


def is_sorted(dims: Sequence[int]) -> bool:
    return list(dims) == sorted(dims)


def check_padding(op: TensorOp, padding: Sequence[Sequence[int]], n: int, label: str) -> None:
    """Padding has two numbers for each of `n` dimensions."""
    shape = f"{len(padding)}, {len(padding[0]) if padding else 2}"
    message = f"expects the shape of padding-attribute to be {{N, 2}}, but got {{{shape}}}."
    op.check(all(len(p) == 2 for p in padding), label, message)
    message = (
        f"expects padding-entries to have same dimension-size as size of window dimensions ({n}), but got: "
    )
    op.check(len(padding) == n, label, f"{message}{len(padding)}.")


def is_quantized_tensor(type: TensorType, per_axis: bool = True) -> bool:
    """Whether a tensor is quantized, and in a way that its shape allows: an axis that it has, a scale for each index."""
    element = type.element
    if element_kind(element) != "quantized":
        return False
    if element.axis is None:
        return True
    return per_axis and element.axis < type.rank and same_dim(type.shape[element.axis], len(element.scales))


def scalar(element: Type) -> TensorType:
    """`tensor<E>`."""
    return TensorType((), element)


def promotable(source: Any, target: Any) -> bool:
    """The spec's `is_promotable`: the same kind of element, at least as wide; quantized ones of one expressed type."""
    if isinstance(source, QuantizedType) and isinstance(target, QuantizedType):
        return source.expressed is target.expressed and source.width <= target.width
    return element_kind(source) == element_kind(target) and source.width <= target.width


def region_types(region: Region) -> tuple[list[Any], list[Any]]:
    """(argument types, types returned) of a one-block region."""
    block = region.block
    return [a.type for a in block.arguments], [o.type for o in block.terminator.operands]


def is_predicate(types: Sequence[Any]) -> bool:
    """Whether a region returns one `tensor<i1>`."""
    return list(types) == [scalar(i1)]


def window_count(size: Dim, window: int, stride: int) -> Dim:
    """How many windows fit; `size` is the padded and dilated extent, `window` the dilated window."""
    if size is None:
        return None
    if isinstance(size, int) and (size <= 0 or window > size):
        return 0
    return greatest((size - window) // stride + 1, 0)


def dilated(size: Dim, dilation: int) -> Dim:
    """The extent with `dilation - 1` holes between neighbours."""
    if size is None:
        return None
    return 0 if size == 0 else (size - 1) * dilation + 1


def padded(size: Dim, low: int, high: int) -> Dim:
    return None if size is None else low + size + high
