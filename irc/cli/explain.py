"""`irc explain FILE`: which ops became one kernel and why others did not, what each kernel costs, and how near it comes to
what the machine can do."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence

from irc.cli import collecting
from irc.cli.arrays import arguments as make_arguments
from irc.cli.collecting import Program
from irc.cli.columns import columns, count, seconds
from irc.cli.terminal import show
from irc.codegen.clocks import CallSite, Clocks, Taken, by_site, call_sites
from irc.driver import Executable, shaped_for
from irc.errors import IrcError
from irc.ir.locations import described
from irc.passes.fusion.cost import Cost, Roofs, cost_of
from irc.passes.fusion.reasons import MEANINGS, EdgeRemark
from irc.passes.hooks import Record
from irc.runtime import jit, pool, roofs
from irc.runtime.available import readable
from irc.runtime.executable import NativeProgram

SECONDS = 1.0
"""How long a program is measured, in rounds of whole calls."""
ROUNDS = 15


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    collecting.add(parser)
    parser.add_argument(
        "--no-times", action="store_true", help="run nothing: neither the program nor the machine's roofs"
    )
    parser.add_argument("--unfused", action="store_true", help="of the edges, only those that are not fused")
    parser.add_argument("--seed", type=int, default=0, help="of the random arguments that are measured with")


def run(arguments: argparse.Namespace) -> int:
    """Prints the tables of every program that was compiled; returns the exit status."""
    programs = collecting.chosen(collecting.collected(arguments), arguments)
    limits = None if arguments.no_times else Roofs(*roofs.measured())
    for number, program in programs:
        show(f"program {number}: {program[0]!r}\n")
        show(tables(program, limits, unfused=arguments.unfused, seed=arguments.seed))
    if limits is not None:
        show(_roofs(limits))
    return 0


def tables(compiled: Program, limits: Roofs | None, *, unfused: bool = False, seed: int = 0) -> str:
    """The kernels of a program, the edges between its ops (only those that are not fused, with `unfused`), and what the
    reasons mean."""
    program, hooks = compiled
    remarks = [r for h in hooks if isinstance(h, Record) for r in h.remarks if isinstance(r, EdgeRemark)]
    parts = [
        columns(kernel_rows(program, limits, seed)),
        columns(edge_rows(remarks, unfused)),
        _legend(remarks),
    ]
    return "\n".join(parts)


def kernel_rows(program: Executable, limits: Roofs | None, seed: int = 0) -> list[list[str]]:
    """A row for each kernel call of a program, a row of headings first: times where `limits` are given."""
    fused = program.stages.fused
    if fused is None:
        raise IrcError("a program of kernels says nothing of the ops it came from")
    sites = call_sites(fused, shaped_for(program.target))
    untimed: list[Taken | None] = [None] * len(sites)
    taken = untimed if limits is None else measured(program, sites, seed)
    headings = ["kernel", "bytes", "FLOPs"]
    timed = ["calls", "predicted", "measured", "roof"] if limits is not None else []
    rows = [[*headings, *timed, "line"]]
    for site, spent in zip(sites, taken, strict=True):
        cost = cost_of(site.func) if site.func is not None else Cost(0, 0)
        row = [_name(site), readable(cost.bytes), count(cost.flops)]
        if limits is not None and spent is not None:
            least = limits.seconds(cost) * spent.times
            share = f"{100 * least / spent.seconds:.0f} %" if spent.seconds else ""
            row += [str(spent.times), seconds(least), seconds(spent.seconds), share]
        rows.append([*row, described(site.location)])
    return rows


def measured(program: Executable, sites: Sequence[CallSite], seed: int = 0) -> list[Taken]:
    """What each call site takes of one call of the program on random arguments, on one thread: medians."""
    clocks = Clocks(program.stages.llvm)
    code = jit.assemble(clocks.text, program.target, program.stages.opt)
    stamp = program.stamp
    native = NativeProgram(code, stamp.inputs, stamp.outputs, arena_bytes=stamp.arena_bytes)
    arrays = make_arguments(stamp.inputs, [], seed)
    threads = pool.get_num_threads()
    pool.set_num_threads(1)
    try:
        native.call(*arrays)
        clocks.read()
        rounds: list[list[Taken]] = []
        start = time.perf_counter()
        while len(rounds) < ROUNDS and (len(rounds) < 3 or time.perf_counter() - start < SECONDS):
            native.call(*arrays)
            rounds.append(clocks.read())
    finally:
        pool.set_num_threads(threads)
    return by_site(sites, clocks, rounds)


def edge_rows(remarks: Sequence[EdgeRemark], unfused: bool = False) -> list[list[str]]:
    """A row for each edge, a row of headings first."""
    rows = [["edge", "", "saves", "kernels", "line"]]
    for r in remarks:
        if r.reason is None and unfused:
            continue
        verdict = "fused" if r.reason is None else r.reason.value
        saved = readable(r.saved) if r.saved else "-"
        one = r.reason is None
        kernels = r.producer_kernel if one else f"{r.producer_kernel} -> {r.consumer_kernel}"
        rows.append([f"{r.producer} -> {r.consumer}", verdict, saved, kernels, described(r.location)])
    return rows


def _legend(remarks: Sequence[EdgeRemark]) -> str:
    counts = Counter(r.reason for r in remarks)
    lines = [f"{counts.pop(None, 0)} of {len(remarks)} edges are fused. The others:"]
    lines += [f"{n:5d}  {reason.value}: {MEANINGS[reason]}" for reason, n in counts.most_common() if reason]
    return "\n".join(lines) + "\n"


def _roofs(limits: Roofs) -> str:
    rates = ", ".join(f"{rate / 1e9:.0f} GB/s in {readable(size)}" for size, rate in limits.bandwidths)
    return f"roofs of one core: {limits.flops / 1e9:.0f} GFLOP/s (f32 multiply-add), copies: {rates}\n"


def _name(site: CallSite) -> str:
    if site.op is None or site.func is None:
        return "copy"
    return f"@{site.func.sym_name}" if site.op.name == "func.call" else site.func.sym_name
