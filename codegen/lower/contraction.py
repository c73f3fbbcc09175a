"""Contraction kernels: dot_general and convolution with what is fused around them.

The kernel is a loop nest over tiles of the result. A tile's accumulators stay in registers while depth runs:

    tickets (matrices, rows, lanes)          scf.forall
      blocks of depth                        accumulators are stored and reloaded between them, so bits do not change
        pack the right side's block          where its rows are far apart or not contiguous
          tiles of rows x lanes
            for each step of depth           vector.contract <mr x 1> . <1 x lanes>
            epilogue on the tile, store

The lanes of a tile lie along the result's innermost axis. Where that axis belongs to the left operand the roles swap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from irc.codegen.lower.builder import KernelBuilder, kernel
from irc.codegen.lower.contraction_axes import AxisMap, Contraction, Panels, contraction_of
from irc.codegen.lower.contraction_grid import emit_grid_contraction, schedule_of
from irc.codegen.lower.contraction_mma import emit_matrix_contraction, matrix_schedule
from irc.codegen.lower.contraction_plan import Plan
from irc.codegen.lower.contraction_tiles import emit_contraction, emit_packing
from irc.codegen.lower.depthwise import can_lower, depthwise_of, lower_depthwise
from irc.codegen.lower.epilogue import NO_STRIDES, Epilogue, Source, Strides, source_of
from irc.codegen.lower.group import KernelGroup, buffer_type, kernel_element
from irc.codegen.lower.space import NotAffine
from irc.codegen.lower.view import Access
from irc.codegen.schedule.contraction import (
    LARGE,
    LARGE_BYTES,
    LARGE_ROWS,
    Problem,
    Schedule,
    default_schedule,
    one_element_each,
)
from irc.codegen.schedule.machine import HOST, Machine
from irc.dialects import arith
from irc.dialects import stablehlo as hlo
from irc.dialects.func import Func
from irc.errors import UnsupportedError
from irc.ir.attributes import DictionaryAttr, StringAttr
from irc.ir.extents import TYPICAL, typical
from irc.ir.locations import span_of
from irc.ir.operation import Operation, Value
from irc.ir.types import FloatType, IntegerType, bf16, f16, f32, f64
from irc.passes.dot_products.definition import is_dot_product, pack_kind, plain_op
from irc.passes.pack import is_packed, product_of


def lower_contraction(func: Func, machine: Machine = HOST) -> KernelGroup:
    """The kernels of a fused function that holds one dot_general or convolution.

    Fields of an attribute `irc.schedule` on the function replace those of the default schedule. An output may share memory
    with an input that ops after the contraction read element by element, if `finishes_at_once`; with no other input.
    Raises UnsupportedError, naming the op, for what has no lowering."""
    padded = depthwise_of(func)
    if padded is not None:
        if can_lower(func, machine):
            return lower_depthwise(func, machine)
        raise NotAffine(padded.lhs)
    center = _center(func)
    inputs = tuple(buffer_type(v.type) for v in func.arguments)
    outputs = tuple(buffer_type(v.type) for v in func.returned)
    plan = _plan(func, center, machine)
    large = _large_plan(plan, center, machine)
    names = [v.name for v in func.arguments]
    attributes = {"irc.kind": StringAttr("contraction"), "irc.schedule": plan.schedule.attribute()}
    scratch = (*plan.scratch, *(large.scratch if large else ()))
    buffers = (*inputs, *outputs, *scratch)
    emit = (
        _grid_emitter(plan)
        if machine.is_grid
        else partial(_emit_either, large)
        if large
        else emit_contraction
    )
    functions = []
    if plan.schedule.pack_b == "all":
        functions.append(
            kernel(
                f"{func.sym_name}_pack", buffers, lambda b, *v: emit_packing(b, plan, v), machine,
                attributes=attributes, location=center.location, names=names,
            )
        )  # fmt: skip
    functions.append(
        kernel(
            func.sym_name, buffers, lambda b, *v: emit(b, plan, v), machine,
            attributes=attributes, location=center.location, names=names,
        )
    )  # fmt: skip
    return KernelGroup(tuple(functions), scratch)


def _emit_either(large: Plan, b: KernelBuilder, plan: Plan, values: Sequence[Value]) -> None:
    """The kernel for sizes that are known when it runs: `large` from so many rows and bytes of the right side on."""
    c, given = plan.contraction, len(values) - len(large.scratch)
    size = c.size((*plan.depth, plan.lane)) * plan.rhs.argument.type.element.numpy.itemsize
    many, big = (
        b.compare("sge", n, least) for n, least in ((c.size(plan.rows), LARGE_ROWS), (size, LARGE_BYTES))
    )
    own = (*values[: given - len(plan.scratch)], *values[given:])

    def packed(b: KernelBuilder) -> None:
        emit_packing(b, large, own)
        emit_contraction(b, large, own)

    b.branch(b.emit(arith.AndI(many, big)), packed, lambda b: emit_contraction(b, plan, values[:given]))


def _large_plan(plan: Plan, center: Operation, machine: Machine) -> Plan | None:
    """Where sizes are not known: the plan for large ones, if it packs the right side before and the plan does not."""
    c = plan.contraction
    if (
        machine.is_grid
        or "irc.schedule" in plan.func.attributes
        or all(isinstance(n, int) for n in c.extents)
    ):
        return None
    large = _plan(plan.func, center, machine, LARGE)
    return large if large.schedule.pack_b == "all" and plan.schedule.pack_b == "none" else None


def _grid_emitter(plan: Plan) -> Callable[..., None]:
    """What writes the kernel for a grid: on matrix units, in tiles of shared memory, or a thread an element."""
    matrices = matrix_schedule(plan)
    if matrices is not None:
        return partial(emit_matrix_contraction, matrices)
    tiles = schedule_of(plan)
    return emit_contraction if tiles is None else partial(emit_grid_contraction, tiles)


def finishes_at_once(func: Func, machine: Machine = HOST) -> bool:
    """Whether each element of the results is written once, after all that its tile reads of the other operands.

    Not so where depth is cut into blocks and an output holds the sums between two of them."""
    if depthwise_of(func) is not None:
        return can_lower(func, machine)
    center = _center(func)
    plan = _plan(func, center, machine)
    plans = (plan, _large_plan(plan, center, machine))
    return all(p is None or p.blocks.count == 1 or not p.spills_to_output for p in plans)


def _center(func: Func) -> Operation:
    products = (hlo.DotGeneral, hlo.Convolution)
    found = [
        op for op in func.block.operations if isinstance(op, products) or is_dot_product(op) or is_packed(op)
    ]
    if len(found) != 1:
        raise UnsupportedError(
            f"a contraction kernel holds one dot_general or convolution; @{func.sym_name} has {len(found)}",
            span=span_of(func.location),
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class Sum:
    """A contraction of a function, before anybody decides how to compute it."""

    func: Func
    contraction: Contraction
    dims: AxisMap
    lhs: Source
    rhs: Source
    epilogue: Epilogue
    accumulator: FloatType | IntegerType
    packs: str = ""

    @staticmethod
    def of(func: Func, center: Operation, local: Strides = NO_STRIDES, *, turns: bool = True) -> Sum:
        """The sum around `center`; `local` has the strides of arguments that are not dense. `turns`: results may be written in
        another order of dimensions, whole rows of them."""
        lhs, rhs = (source_of(v, local) for v in center.operands)
        epilogue = Epilogue(func, center, local, turns=turns)
        packs, sum_of, panels = "", center, None
        if is_dot_product(center):
            packs, sum_of = pack_kind(center), plain_op(center)
            lhs, rhs = lhs.in_packs(), rhs.in_packs()
        if is_packed(center):
            sum_of = product_of(center)
            apart, *within = rhs.access.strides
            panels = Panels(center.operands[1].type.static_shape[-1], apart)
            rhs = replace(rhs, access=Access(0, tuple(within)))
        contraction, dims = contraction_of(sum_of, lhs.access, rhs.access, panels)
        others = tuple(dims.access(epilogue.strides(*read)) for read in epilogue.reads)
        out = dims.access(epilogue.out_strides) if epilogue.turns else contraction.out
        contraction = replace(contraction, others=others, out=out)
        return Sum(func, contraction, dims, lhs, rhs, epilogue, _accumulator(center), packs)

    def simplified(self) -> Sum:
        """With as few axes as can be, and lanes along the right operand."""
        s = replace(self, contraction=self.contraction.simplified())
        if not s.is_by_rows:
            return s
        packs = "s8u8" if s.packs == "u8s8" else s.packs
        return replace(s, contraction=s.contraction.swapped(), lhs=s.rhs, rhs=s.lhs, packs=packs)

    @property
    def is_by_rows(self) -> bool:
        """Whether the result's lanes lie along the left operand."""
        c = self.contraction
        return c.lane is not None and c.kind(c.lane) == "row"

    def plan(self, schedule: Schedule, lanes: int, *, alone: bool = False) -> Plan:
        """The sum with a schedule, for vectors of so many lanes."""
        return Plan(
            self.func,
            self.contraction,
            self.lhs,
            self.rhs,
            self.epilogue,
            self.accumulator,
            lanes,
            schedule,
            self.packs,
            alone,
        )

    def problem(self, machine: Machine, size: int = TYPICAL) -> Problem:
        """What a schedule depends on, where every size that is not known is taken to be `size`."""
        return _problem(self.contraction, self.lhs, self.rhs, self.accumulator, machine.vector_bits, size)

    def vector_lanes(self, machine: Machine) -> int:
        """Elements of a vector of sums."""
        return machine.vector_bits // max(self.accumulator.width, 32)


def _plan(func: Func, center: Operation, machine: Machine, size: int = TYPICAL) -> Plan:
    """The plan, where every size that is not known is taken to be `size`."""
    s = Sum.of(func, center, turns=not machine.is_grid).simplified()
    contraction = s.contraction
    if machine.is_grid:
        return s.plan(one_element_each(contraction.size(contraction.of_kind("depth"))), 1)
    schedule = default_schedule(s.problem(machine, size))
    edited = func.attributes.get("irc.schedule")
    if isinstance(edited, DictionaryAttr):
        schedule = schedule.edited(edited)
    return s.plan(_possible(schedule, contraction), s.vector_lanes(machine))


def _possible(schedule: Schedule, c: Contraction) -> Schedule:
    """The schedule without what the problem does not allow."""
    if schedule.prefetch and schedule.pack_b != "turn" and len(c.of_kind("depth")) != 1:
        schedule = replace(schedule, prefetch=False)
    if c.lane is None:
        return schedule if schedule.pack_b != "turn" else replace(schedule, pack_b="none")
    if c.kind(c.lane) == "batch":
        return replace(schedule, pack_a=False, pack_b="none")  # lanes of both sides are read where they are
    if schedule.pack_b != "turn":
        return schedule
    if not _turns(c) or not isinstance(c.extents[c.lane], int):
        return replace(schedule, pack_b="block", prefetch=False)
    return replace(schedule, pack_a=False, kc=max(1, c.size(c.of_kind("depth"))))


def _turns(c: Contraction) -> bool:
    """Whether the last axis of depth is contiguous in the right side, and lanes are not."""
    depth = c.of_kind("depth")
    return bool(depth) and c.lane is not None and c.rhs.strides[c.lane] != 1 == c.rhs.strides[depth[-1]]


def _accumulator(center: Operation) -> FloatType | IntegerType:
    """The tensor element type that sums are held in: f32 for narrower floats, otherwise the result's."""
    element = center.results[0].type.element
    match element:
        case FloatType() if element in (f16, bf16):
            return f32
        case FloatType() if element in (f32, f64):
            return element
        case IntegerType() if element.width > 1:
            kernel_element(element)
            return element
    raise UnsupportedError(
        f"no lowering of '{center.name}' with result {center.results[0].type}", span=span_of(center.location)
    )


def _problem(
    c: Contraction,
    lhs: Source,
    rhs: Source,
    accumulator: FloatType | IntegerType,
    vector_bits: int,
    size: int,
) -> Problem:
    lane, depth, rows = c.lane, c.of_kind("depth"), c.of_kind("row")
    number = partial(typical, size=size)
    outer = [a for a in (*c.of_kind("batch"), *c.of_kind("column")) if a != lane]
    bytes_of = [4 if s.packs else s.argument.type.element.numpy.itemsize for s in (lhs, rhs)]
    return Problem(
        batch=number(c.size(outer)),
        rows=tuple(number(c.extents[a]) for a in rows),
        lanes=1 if lane is None else number(c.extents[lane]),
        depth=tuple(number(c.extents[a]) for a in depth),
        lane_kind="column" if lane is None else c.kind(lane),
        vector_lanes=vector_bits // max(accumulator.width, 32),
        registers=32 if vector_bits == 512 else 16,
        element_bytes=bytes_of[1],
        rhs_contiguous=lane is None or c.rhs.strides[lane] == 1,
        rhs_dense=lane is not None and c.extents[lane] in [abs(number(c.rhs.strides[a])) for a in depth],
        rhs_lane_pitch=0 if lane is None else abs(number(c.rhs.strides[lane])) * bytes_of[1],
        rhs_turns=_turns(c),
        rhs_pitch=abs(number(c.rhs.strides[depth[-1]])) * bytes_of[1] if depth else 0,
        lhs_pitch=abs(number(c.lhs.strides[rows[-1]])) * bytes_of[0] if rows else 0,
        narrow=bytes_of[0] * 8 < accumulator.width,
    )
