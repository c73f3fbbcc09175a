"""Templates: an operation lowered once for its operand types, applied many times.

A lowering is a function `lower(scope, *operands, *statics)` on expressions (`irc.passes.expression`) that emits
StableHLO ops and returns the result or a tuple of them. It runs once for each combination of operand types and static arguments; recording the operation again
costs one look-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from irc.dialects.stablehlo import Reshape
from irc.frontends.recorder.bounded import Bounded, template_limit
from irc.frontends.source import scopes
from irc.ir.builder import Builder
from irc.ir.locations import FusedLoc, Location
from irc.ir.operation import Block, Operation, Region, Value
from irc.ir.types import TensorType
from irc.passes.expression import Scope

Lowering = Callable[..., Any]


class Template:
    """Ops over parameters. `values` are results of its ops that others may refer to by position (all of them, in order,
    unless given); `results` are the positions of those the operation returns."""

    __slots__ = (
        "operations",
        "origin",
        "parameters",
        "position",
        "result_types",
        "results",
        "values",
        "weight",
    )

    def __init__(
        self,
        parameters: Sequence[Value],
        operations: Sequence[Operation],
        results: Sequence[Value],
        values: Sequence[Value] | None = None,
        origin: tuple[Lowering, tuple[Any, ...]] | None = None,
    ) -> None:
        """`origin` is what was lowered: the lowering and its static arguments."""
        self.origin = origin
        self.parameters = tuple(parameters)
        self.operations = tuple(operations)
        self.values = tuple(r for op in operations for r in op.results) if values is None else tuple(values)
        self.position = {value: i for i, value in enumerate(self.values)}
        self.results = tuple(self.position[value] for value in results)
        self.result_types: tuple[TensorType, ...] = tuple(value.type for value in results)
        self.weight = sum(t.nbytes for t in self.result_types if t.is_static)

    def only(self, *kinds: type[Operation]) -> bool:
        """Whether it is made of one operand and ops of these kinds alone."""
        return len(self.parameters) == 1 and all(isinstance(op, kinds) for op in self.operations)

    def place(self, operands: Sequence[Value], location: Location) -> tuple[list[Operation], list[Value]]:
        """Its ops on these operands, and the copies of `values`. Ops without a place of their own get `location`."""
        renamed = dict(zip(self.parameters, operands, strict=True))
        made = copy_operations(self.operations, renamed, self.noted(location))
        return made, [renamed[value] for value in self.values]

    def noted(self, location: Location) -> Location:
        """The location with a note on what was lowered, where locations carry notes and this one has none yet."""
        if scopes.describe is None or self.origin is None or isinstance(location, FusedLoc):
            return location
        note = scopes.describe(*self.origin)
        return location if note is None else note.at(location)


def copy_operations(
    operations: Sequence[Operation], renamed: dict[Value, Value], location: Location | None = None
) -> list[Operation]:
    """Copies of straight-line ops with operands renamed; `renamed` learns of their results."""
    made: list[Operation] = []
    for op in operations:
        regions = op.regions
        if regions and _captures(op):
            regions = tuple(_copy_region(region, renamed, location) for region in regions)
        place = op.location if location is None or type(op.location) is not Location else location
        new = type(op).create(
            [renamed.get(o, o) for o in op.operands],
            [r.type for r in op.results],
            op.attributes,
            regions,
            place,
        )
        made.append(new)
        for old, result in zip(op.results, new.results, strict=True):
            renamed[old] = result
    return made


def _captures(op: Operation) -> bool:
    """Whether the regions use values from outside."""
    inside: dict[Value, None] = {}
    for inner in op.walk():
        if inner is not op:
            if any(o not in inside for o in inner.operands):
                return True
            inside.update((r, None) for r in inner.results)
        for region in inner.regions:
            for block in region.blocks:
                inside.update((a, None) for a in block.arguments)
    return False


def _copy_region(region: Region, outer: Mapping[Value, Value], location: Location | None) -> Region:
    renamed = dict(outer)
    blocks = []
    for block in region.blocks:
        arguments = [Value(a.type, None, a.index, a.name, a.location) for a in block.arguments]
        renamed.update(zip(block.arguments, arguments, strict=True))
        operations = copy_operations(block.operations, renamed, location)
        blocks.append(Block(arguments, operations))
    return Region(blocks)


_TEMPLATES: Bounded[Template] = Bounded("operations on types", template_limit)


def find_template(key: Any) -> Template | None:
    """The template made before under this key (lowering, statics, operand types)."""
    return _TEMPLATES.get(key)


def keep_template(key: Any, template: Template) -> None:
    """Remembers a template made elsewhere."""
    _TEMPLATES[key] = template


def make_template(
    key: Any, lower: Lowering, statics: tuple[Any, ...], types: Sequence[TensorType]
) -> Template:
    """Lowers the operation for these operand types; raises what the lowering raises, and remembers only success."""
    scope = Scope(Builder())
    parameters = [Value(t, None, i) for i, t in enumerate(types)]
    results = lower(scope, *map(scope.of, parameters), *statics)
    values = [r.value for r in (results if isinstance(results, (tuple, list)) else (results,))]
    template = Template(
        parameters, scope.builder.operations, own_results(scope.builder, values), origin=(lower, statics)
    )
    _TEMPLATES[key] = template
    return template


def own_results(builder: Builder, values: Sequence[Value]) -> list[Value]:
    """The values, each the result of an op in `builder` and none twice: others go through a reshape."""
    made = {result: None for op in builder.operations for result in op.results}
    out = []
    for value in values:
        if value not in made:
            value = builder.emit(Reshape(value, result_types=[value.type]))
        else:
            del made[value]
        out.append(value)
    return out
