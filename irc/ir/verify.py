"""The verifier: what must hold of every op, block and region, and each op's own constraints.

What it checks: declared operands, attributes and regions are there and of their kind; `infer` accepts the op and its
results have the inferred types; operands are defined before, and visible; blocks end in terminators where they must;
symbols are unique, and `check_symbols` of an op finds those it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from irc.errors import IrcError, SourceSpan, VerifyError
from irc.ir.attributes import DenseArrayAttr, StringAttr
from irc.ir.locations import span_of
from irc.ir.operation import Block, Operation, Region, UnregisteredOp, Value

Symbols = Mapping[str, Operation]


def verify(op: Operation, place: Callable[[Operation], SourceSpan] | None = None) -> None:
    """Checks an op and everything inside; raises VerifyError at the first broken constraint.

    Messages name the op, its place in the text, and the constraint's label. `place` finds an op whose location says
    nothing of a place."""
    _Verifier(place).operation(op, {}, {})


KINDS = {
    "i64": "64-bit signless integer attribute",
    "i32": "32-bit signless integer attribute",
    "index": "index attribute",
    "f32": "32-bit float attribute",
    "bool": "bool attribute",
    "unit": "unit attribute",
    "string": "string attribute",
    "symbol": "flat symbol reference attribute",
    "type": "any type attribute",
    "array<i64>": "i64 dense array attribute",
    "array<i32>": "i32 dense array attribute",
    "array<i1>": "i1 dense array attribute",
    "i64 elements": "64-bit signless integer elements attribute",
}
"""What MLIR calls the kinds of attributes, in its errors."""


class _Verifier:
    """`visible` maps the values that may be used to True; inner regions see a layer on top of it."""

    def __init__(self, place: Callable[[Operation], SourceSpan] | None) -> None:
        self.place = place

    def operation(self, op: Operation, visible: dict[Value, bool], symbols: Symbols) -> None:
        try:
            self._operation(op, visible, symbols)
        except IrcError as e:
            if e.span is None and self.place is not None:
                e.span = span_of(op.location) or self.place(op)
            raise

    def _operation(self, op: Operation, visible: dict[Value, bool], symbols: Symbols) -> None:
        for i, operand in enumerate(op.operands):
            if operand not in visible:
                raise op.error(
                    "dominance", f"uses operand #{i}, which is not defined before or not visible here"
                )
        if not isinstance(op, UnregisteredOp):
            check_declared(op)
            for region in op.regions:
                check_terminators(op, region)
            op.check_results(infer_types(op))
            check_symbols = getattr(op, "check_symbols", None)
            if check_symbols is not None:
                check_symbols(symbols)
        if op.regions:
            inner = symbol_table(op) if op.isolated and op.no_terminator else symbols
            for region in op.regions:
                self.region(region, {} if op.isolated else visible, inner)

    def region(self, region: Region, visible: dict[Value, bool], symbols: Symbols) -> None:
        if len(region.blocks) > 1:
            self._blocks(region, visible, symbols)
            return
        for block in region.blocks:
            self.block(block, visible, symbols)

    def block(self, block: Block, visible: dict[Value, bool], symbols: Symbols) -> list[Value]:
        """Checks a block's ops in order. Values defined here are visible below, and forgotten after."""
        added: list[Value] = []
        self._define(block.arguments, visible, added)
        for op in block.operations:
            self.operation(op, visible, symbols)
            self._define(op.results, visible, added)
        for value in added:
            del visible[value]
        return added

    def _define(self, values: Iterable[Value], visible: dict[Value, bool], added: list[Value]) -> None:
        for value in values:
            visible[value] = True
            added.append(value)

    def _blocks(self, region: Region, visible: dict[Value, bool], symbols: Symbols) -> None:
        """Each block sees what the blocks that dominate it define."""
        for block, above in dominators(region).items():
            seen = dict(visible)
            for other in above:
                seen.update((v, True) for v in other.arguments)
                seen.update((v, True) for op in other.operations for v in op.results)
            self.block(block, seen, symbols)


def infer_types(op: Operation) -> Sequence[Any]:
    """What `infer` gives. Where it trips over a part that is missing or of the wrong kind, that is the op's error."""
    try:
        return op.infer()
    except IrcError:
        raise
    except Exception as e:
        raise op.error("structure", f"is malformed: {e or type(e).__name__}") from e


def check_declared(op: Operation) -> None:
    """Operands, attributes and regions are as many and of the kinds that the class declares."""
    _check_count(op, "operand", op.operand_fields, len(op.operands), "operandSegmentSizes")
    _check_count(op, "result", op.result_fields, len(op.results), "resultSegmentSizes")
    for key, field in op.attribute_fields.items():
        attr = op.attributes.get(key)
        if attr is None:
            if not field.optional:
                raise op.error("attributes", f"requires attribute '{key}'")
        elif not field.codec.accepts(attr):
            kind = KINDS.get(field.codec.name, field.codec.name)
            raise op.error(
                "attributes", f"attribute '{key}' failed to satisfy constraint: {kind}, found {attr}"
            )
    fields = op.region_fields
    if fields and fields[-1].variadic:
        if len(op.regions) < len(fields) - 1:
            raise op.error("regions", f"has {len(op.regions)} regions and needs {len(fields) - 1}")
    elif len(op.regions) != len(fields):
        raise op.error("regions", f"requires {_number(len(fields), 'region')}, found {len(op.regions)}")


def _check_count(op: Operation, kind: str, fields: Sequence[Any], count: int, sizes: str) -> None:
    loose = sum(not f.is_single for f in fields)
    single = len(fields) - loose
    if not loose and count != single:
        raise op.error(f"{kind}s", f"requires {_number(single, kind)}, found {count}")
    if count < single:
        raise op.error(f"{kind}s", f"requires at least {_number(single, kind)}, found {count}")
    if loose < 2:
        return
    attr = op.attributes.get(sizes)
    if op.same_variadic_size and kind == "operand":
        if (count - single) % loose:
            raise op.error(
                f"{kind}s", f"has {count} {kind}s, which do not divide into {loose} lists of one length"
            )
    elif not isinstance(attr, DenseArrayAttr) or len(attr.value) != len(fields) or sum(attr.value) != count:
        raise op.error(
            f"{kind}s", f"needs '{sizes}' with {len(fields)} entries whose sum is {count}, found {attr}"
        )


def _number(n: int, what: str) -> str:
    return f"one {what}" if n == 1 else f"{n or 'zero'} {what}s"


def check_terminators(op: Operation, region: Region) -> None:
    """Terminators end blocks, and only blocks; an op whose blocks end without one says so."""
    for block in region.blocks:
        for inner in block.operations[:-1]:
            if inner.terminator or inner.successors:
                raise inner.error("terminator", "must be the last operation in its block")
        if op.no_terminator or isinstance(op, UnregisteredOp):
            continue
        last = block.operations[-1] if block.operations else None
        if last is None:
            raise op.error("terminator", "has a block without a terminator: it is empty")
        if not (last.terminator or last.successors or isinstance(last, UnregisteredOp)):
            raise last.error("terminator", f"ends a block of '{op.name}' and is not a terminator")


def symbol_table(op: Operation) -> Symbols:
    """The ops inside by symbol name; two of one name are an error."""
    found: dict[str, Operation] = {}
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                name = inner.attributes.get("sym_name")
                if not isinstance(name, StringAttr):
                    continue
                if name.value in found:
                    where = span_of(found[name.value].location)
                    notes = (f"see existing symbol definition at line {where.line}",) if where else ()
                    error = inner.error("symbols", f"redefinition of symbol named '{name.value}'")
                    raise VerifyError(
                        error.message, span=error.span, constraint=error.constraint, notes=notes
                    )
                found[name.value] = inner
    return found


def dominators(region: Region) -> dict[Block, list[Block]]:
    """The blocks on every path from the first block to each block, itself left out; none for unreachable blocks."""
    entry = region.blocks[0]
    before: dict[Block, list[Block]] = {b: [] for b in region.blocks}
    for block in region.blocks:
        for op in block.operations[-1:]:
            for successor in op.successors:
                if block not in before.setdefault(successor, []):
                    before[successor].append(block)
    everything = dict.fromkeys(region.blocks)
    above: dict[Block, dict[Block, None]] = {b: dict(everything) for b in region.blocks}
    above[entry] = {entry: None}
    changed = True
    while changed:
        changed = False
        for block in region.blocks[1:]:
            joined = _common([above[b] for b in before[block]]) if before[block] else dict(everything)
            joined[block] = None
            if joined.keys() != above[block].keys():
                above[block], changed = joined, True
    return {b: [a for a in above[b] if a is not b] for b in region.blocks}


def _common(sets: Sequence[dict[Block, None]]) -> dict[Block, None]:
    first, *others = sets
    return {b: None for b in first if all(b in other for other in others)}
