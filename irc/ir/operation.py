"""Values, operations, blocks, regions: the one structure every level of irc is made of.

Values and operations are frozen and compare by identity. A value knows the op that made it; nothing knows its uses:
a pass that wants them makes a table of the block it looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from irc.errors import VerifyError
from irc.ir.attributes import Attribute, DenseArrayAttr
from irc.ir.fields import Attr, Field, Operand, RegionField, Result
from irc.ir.locations import UNKNOWN, Location, span_of
from irc.ir.quantized import same_element
from irc.ir.types import TensorType, Type, compatible_shapes, i32

OpT = TypeVar("OpT", bound="Operation")


class Value:
    """A result of an op, or a block argument (`op` is None). `name` is a hint for the printer, never meaning."""

    __slots__ = ("index", "location", "name", "op", "type")
    __match_args__ = ("op",)

    def __init__(
        self,
        type: Type,
        op: Operation | None = None,
        index: int = 0,
        name: str = "",
        location: Location = UNKNOWN,
    ) -> None:
        self.type: Any = type
        self.op = op
        self.index = index
        self.name = name
        self.location = location if op is None else op.location

    def __repr__(self) -> str:
        source = self.op.name if self.op is not None else "argument"
        return f"<{source}#{self.index} : {self.type}>"


class Block:
    """Arguments, then operations; the last operation is the terminator where the op asks for one."""

    __slots__ = ("arguments", "operations")

    def __init__(self, arguments: Iterable[Value] = (), operations: Iterable[Operation] = ()) -> None:
        self.arguments = tuple(arguments)
        self.operations = tuple(operations)

    @property
    def terminator(self) -> Operation:
        return self.operations[-1]


class Region:
    """A list of blocks; StableHLO's and scf's have exactly one."""

    __slots__ = ("blocks",)

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self.blocks = tuple(blocks)

    @property
    def block(self) -> Block:
        """The only block."""
        return self.blocks[0]

    @property
    def arguments(self) -> tuple[Value, ...]:
        return self.blocks[0].arguments

    @property
    def operations(self) -> tuple[Operation, ...]:
        return self.blocks[0].operations


_REGISTRY: dict[str, type[Operation]] = {}


class Operation:
    """An operation. A subclass per op declares its fields, `assembly`, `infer` and (tensor ops) `evaluate`.

    `DotGeneral(a, b, dot_dimension_numbers=d)` takes operands in order (a sequence for a variadic one), attributes by
    name as Python values, `regions`, `location`, and `result_types` where `infer` cannot know them; it raises
    VerifyError when a constraint is broken. `create` takes everything as stored and checks nothing."""

    __slots__ = ("attributes", "location", "operands", "regions", "results", "successors")

    name: str = ""
    dialect: ClassVar[str] = ""
    assembly: ClassVar[str] = ""
    """The assembly format (MLIR's `assemblyFormat` directives); empty means the generic form."""
    operand_fields: ClassVar[tuple[Operand, ...]] = ()
    result_fields: ClassVar[tuple[Result, ...]] = ()
    attribute_fields: ClassVar[dict[str, Attr]] = {}
    region_fields: ClassVar[tuple[RegionField, ...]] = ()
    single_operands: ClassVar[bool] = True
    single_results: ClassVar[bool] = True
    needs_segments: ClassVar[bool] = False
    """Its operands' fields cannot be told apart by their number: a stored attribute has the lengths."""
    same_variadic_size: ClassVar[bool] = False
    """Several variadic operands (or results) have one length (StableHLO reduce, while, sort)."""
    pure: ClassVar[bool] = True
    """No effect besides its results: dead ones may go, equal ones may merge."""
    terminator: ClassVar[bool] = False
    isolated: ClassVar[bool] = False
    """Its regions see no values from outside."""
    no_terminator: ClassVar[bool] = False
    """Its blocks end without a terminator."""
    default_dialect: ClassVar[str] = ""
    """Ops of this dialect directly inside are written without their prefix (`return` in `func.func`)."""
    commutative: ClassVar[bool] = False
    result_labels: ClassVar[tuple[str, str]] = ("results", "results")
    """Labels of the constraints that a result of the wrong shape, and one of the wrong element type, breaks."""

    operands: tuple[Value, ...]
    results: tuple[Value, ...]
    attributes: dict[str, Attribute]
    regions: tuple[Region, ...]
    successors: tuple[Block, ...]
    location: Location

    def __init_subclass__(cls, name: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared: dict[str, Field] = {}
        for base in reversed(cls.__mro__):
            declared.update((k, v) for k, v in vars(base).items() if isinstance(v, Field))
        cls.operand_fields = _numbered(declared, Operand)
        cls.result_fields = _numbered(declared, Result)
        cls.region_fields = _numbered(declared, RegionField)
        cls.attribute_fields = {v.key: v for v in declared.values() if isinstance(v, Attr)}
        cls.single_operands = all(f.is_single for f in cls.operand_fields)
        cls.single_results = all(f.is_single for f in cls.result_fields)
        loose = sum(not f.is_single for f in cls.operand_fields)
        cls.needs_segments = loose > 1 and not cls.same_variadic_size
        if name:
            cls.name = name
            cls.dialect = name.partition(".")[0]
            _REGISTRY[name] = cls

    def __init__(
        self,
        *operands: Any,
        result_types: Sequence[Type] | None = None,
        regions: Sequence[Region] = (),
        attributes: Mapping[str, Attribute] | None = None,
        location: Location = UNKNOWN,
        **values: Any,
    ) -> None:
        attrs = dict(attributes) if attributes else {}
        for key, value in values.items():
            if value is not None:
                attrs[key] = self.attribute_fields[key].codec.encode(value)
        if self.single_operands and len(operands) == len(self.operand_fields) and None not in operands:
            self.operands = operands
        else:
            self.operands, sizes = self._flat(operands)
            if self.needs_segments:
                attrs["operandSegmentSizes"] = DenseArrayAttr(i32, sizes)
        self.attributes = attrs
        self.regions = tuple(regions)
        self.successors = ()
        self.location = location
        self.results = tuple([Value(t, self, i) for i, t in enumerate(result_types)]) if result_types else ()
        types = self.infer()
        if result_types is None:
            self.results = tuple([Value(t, self, i) for i, t in enumerate(types)])
        else:
            self.check_results(types)

    def _flat(self, operands: Sequence[Any]) -> tuple[tuple[Value, ...], tuple[int, ...]]:
        """Operands as they are stored, and how many belong to each field."""
        flat: list[Value] = []
        sizes: list[int] = []
        for field, given in zip(self.operand_fields, operands, strict=True):
            items = tuple(given) if field.variadic else () if given is None else (given,)
            flat += items
            sizes.append(len(items))
        return tuple(flat), tuple(sizes)

    @classmethod
    def create(
        cls: type[OpT],
        operands: Iterable[Value],
        result_types: Iterable[Type],
        attributes: dict[str, Attribute],
        regions: Iterable[Region] = (),
        location: Location = UNKNOWN,
        successors: Iterable[Block] = (),
    ) -> OpT:
        """The op from its stored parts, nothing checked: for passes that keep types, and for the parser before it verifies."""
        op = cls.__new__(cls)
        op.operands = tuple(operands)
        op.attributes = attributes
        op.regions = tuple(regions)
        op.successors = tuple(successors)
        op.location = location
        op.results = tuple(Value(t, op, i) for i, t in enumerate(result_types))
        return op

    def infer(self) -> Sequence[Type]:
        """The result types, raising VerifyError with the label of the constraint that is broken.

        Shape rule and verification are this one function. Where types cannot be known from operands and attributes
        (reshape, constant), `self.results` already has those given, and they are checked and returned."""
        return [r.type for r in self.results]

    def check_results(self, inferred: Sequence[Type]) -> None:
        """Raises VerifyError, labelled by `result_labels`, unless the stored result types are the inferred ones.

        An extent that is unknown on one side matches any on the other."""
        shape, element = self.result_labels
        if len(inferred) != len(self.results):
            raise self.error(shape, f"has {len(self.results)} results and should have {len(inferred)}")
        for result, expected in zip(self.results, inferred, strict=True):
            given = result.type
            if given is expected:
                continue
            if not (isinstance(given, TensorType) and isinstance(expected, TensorType)):
                raise self.error(element, _incompatible(given, expected))
            if not same_element(given.element, expected.element):
                raise self.error(element, _incompatible(given, expected))
            if not compatible_shapes(given.shape, expected.shape):
                raise self.error(shape, _incompatible(given, expected))

    def with_operands(self: OpT, operands: Sequence[Value], regions: Sequence[Region] | None = None) -> OpT:
        """The same op on other operands (and regions). Result types are inferred again only if operand types changed."""
        cls = type(self)
        new = cls.__new__(cls)
        new.operands = tuple(operands)
        new.attributes = self.attributes
        new.regions = self.regions if regions is None else tuple(regions)
        new.successors = self.successors
        new.location = self.location
        # Nearly all ops have one result, and passes live on this function: that case is spelled out.
        results = self.results
        if len(results) == 1:
            new.results = (Value(results[0].type, new, 0, results[0].name),)
        else:
            new.results = tuple([Value(r.type, new, i, r.name) for i, r in enumerate(results)])
        _copy_identity(self, new)
        for old, now in zip(self.operands, new.operands, strict=True):
            if old.type is not now.type:
                refine(new, new.infer())
                for before, after in zip(results, new.results, strict=True):
                    after.name = before.name
                break
        return new

    def with_attributes(self: OpT, **values: Any) -> OpT:
        """The same op with declared attributes replaced (None removes); types are kept."""
        attrs = dict(self.attributes)
        for key, value in values.items():
            attrs.pop(key, None)
            if value is not None:
                field = self.attribute_fields.get(key)
                attrs[key] = field.codec.encode(value) if field else value
        new = type(self).create(
            self.operands, [r.type for r in self.results], attrs, self.regions, self.location, self.successors
        )
        _copy_identity(self, new)
        return new

    @property
    def result(self) -> Value:
        """The only result."""
        (result,) = self.results
        return result

    @property
    def result_types(self) -> tuple[Any, ...]:
        return tuple(r.type for r in self.results)

    def segment(self, fields: tuple[Any, ...], total: int, attribute: str, index: int) -> tuple[int, int]:
        """(start, stop) of one declared operand or result within the flat list."""
        sizes = self.attributes.get(attribute)
        if isinstance(sizes, DenseArrayAttr):
            start = sum(sizes.value[:index])
            return start, start + sizes.value[index]
        start = loose = before = 0
        for i, field in enumerate(fields):
            if field.is_single:
                start += i < index
            else:
                loose += 1
                before += i < index
        each = (total - (len(fields) - loose)) // loose if loose else 0
        start += before * each
        return start, start + (1 if fields[index].is_single else each)

    def error(self, constraint: str, message: str) -> VerifyError:
        """A VerifyError about this op: `raise op.error("C1", "...")`."""
        return VerifyError(f"'{self.name}' op {message}", span=span_of(self.location), constraint=constraint)

    def check(self, holds: bool, constraint: str, message: str) -> None:
        """Raises `error(constraint, message)` unless `holds`. Message text is built by the caller: keep it cheap."""
        if not holds:
            raise self.error(constraint, message)

    @property
    def title(self) -> str:
        """What errors call it: its name, and what else says which op it is."""
        return self.name

    @property
    def mnemonic(self) -> str:
        """The name without its dialect, as kernels are called after it."""
        return self.name.partition(".")[2]

    def walk(self) -> Iterator[Operation]:
        """This op and all ops inside its regions, outermost first, in order."""
        stack: list[Operation] = [self]
        while stack:
            op = stack.pop()
            yield op
            for region in reversed(op.regions):
                for block in reversed(region.blocks):
                    stack.extend(reversed(block.operations))

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join(str(o.type) for o in self.operands)})>"


def _incompatible(given: Type, inferred: Type) -> str:
    return f"inferred type(s) '{inferred}' are incompatible with return type(s) of operation '{given}'"


def _copy_identity(old: Operation, new: Operation) -> None:
    if isinstance(old, UnregisteredOp) and isinstance(new, UnregisteredOp):
        new.name = old.name


def _numbered(declared: dict[str, Field], kind: type[Any]) -> tuple[Any, ...]:
    found = [f for f in declared.values() if isinstance(f, kind)]
    for i, f in enumerate(found):
        f.index = i
    return tuple(found)


def refine(op: Operation, types: Sequence[Type]) -> None:
    """Gives a just-made op its inferred result types."""
    op.results = tuple(Value(t, op, i) for i, t in enumerate(types))


def registered(name: str) -> type[Operation] | None:
    """The class of an op name, or None."""
    return _REGISTRY.get(name)


def all_operations() -> dict[str, type[Operation]]:
    """Every registered op class by name, in order of registration."""
    return dict(_REGISTRY)


def short_names() -> dict[str, type[Operation]]:
    """The ops that may be written without their dialect, because some op makes it the default inside it."""
    return _short_names(len(_REGISTRY))


@lru_cache(maxsize=1)
def _short_names(registered_count: int) -> dict[str, type[Operation]]:
    dialects = {cls.default_dialect for cls in _REGISTRY.values() if cls.default_dialect}
    return {name.partition(".")[2]: cls for name, cls in _REGISTRY.items() if cls.dialect in dialects}


class UnregisteredOp(Operation):
    """An op of no known class; it can be parsed and printed (generic form), and is refused by whoever must understand it."""

    __slots__ = ("name",)
    pure: ClassVar[bool] = False

    @classmethod
    def named(cls, name: str, *parts: Any, **more: Any) -> UnregisteredOp:
        op = cls.create(*parts, **more)
        op.name = name
        return op
