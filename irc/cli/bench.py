"""`irc bench FILE`: irc against whichever of PyTorch, JAX, onnxruntime and OpenVINO is installed, on the same work: results
are compared first, then all are timed in turns.

A module's text, and every program that a Python file compiles, is given to XLA as it is. With --input, the file's model is
called on random inputs by irc, and by PyTorch, onnxruntime and OpenVINO with the same weights."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from irc import options
from irc.cli import collecting
from irc.cli.arrays import arguments as make_arguments
from irc.cli.arrays import tensor_type
from irc.cli.columns import columns, count, seconds
from irc.cli.explain import measured
from irc.cli.peers import NEEDS, PEERS
from irc.cli.terminal import show
from irc.codegen.clocks import call_sites
from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.driver import Executable, compile_module, shaped_for
from irc.errors import IrcError
from irc.frontends.models import called, models_in, weights_of
from irc.passes.fusion.cost import Cost, Roofs, cost_of
from irc.runtime import pool, roofs

ROUNDS = 7
BATCH = 0.05
"""Seconds of each batch, at least."""
TOLERANCE = 1e-3
"""How far results may be apart, of the greatest element."""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "IRC_NUM_THREADS")


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    collecting.add(parser)
    parser.add_argument(
        "--peers", metavar="NAMES", help=f"some of {','.join(PEERS)} (default: all that are installed)"
    )
    parser.add_argument("--threads", type=int, default=1, help="of each (default: 1)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"batches of each, in turns (default: {ROUNDS})"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random arguments")


def run(arguments: argparse.Namespace) -> int:
    """Prints a table for each program, and one for the model with --input; returns the exit status."""
    peers = _peers(arguments)
    names: dict[str, Any] = {}
    programs = collecting.chosen(collecting.collected(arguments, names=names), arguments)
    limits = Roofs(*roofs.measured())
    with _threads(arguments.threads), tempfile.TemporaryDirectory() as folder:
        for number, (program, _) in programs:
            show(f"program {number}: {program!r}\n")
            work = of_program(program, Path(folder) / str(number), arguments)
            show(_contest(work, [p for p in peers if p == "jax"], arguments))
            show(_share(program, limits, arguments.seed))
        if arguments.input:
            show(f"model {_model_name(arguments, names)} on {', '.join(arguments.input)}\n")
            work = of_model(names, Path(folder) / "model", arguments)
            show(_contest(work, [p for p in peers if p != "jax"], arguments))
    return 0


def _peers(arguments: argparse.Namespace) -> list[str]:
    wanted = arguments.peers.split(",") if arguments.peers else list(PEERS)
    unknown = [p for p in wanted if p not in PEERS]
    if unknown:
        raise IrcError(f"there is no peer '{unknown[0]}' (peers: {', '.join(PEERS)})")
    return [p for p in wanted if all(find_spec(m) is not None for m in (p, *NEEDS.get(p, ())))]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """irc and what it starts run on `count` threads and processors."""
    before = pool.get_num_threads()
    processors = sorted(os.sched_getaffinity(0))
    pool.set_num_threads(count)
    os.sched_setaffinity(0, processors[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, processors)
        pool.set_num_threads(before)


@dataclass(frozen=True)
class Work:
    """What is to be done: irc's way, what that gives, and the folder that tells the peers of it."""

    step: Callable[[], Any]
    results: list[np.ndarray[Any, Any]]
    folder: Path


def of_program(program: Executable, folder: Path, arguments: argparse.Namespace) -> Work:
    """A program on random arguments, none of which is donated."""
    if program.stages.tensor is None:
        raise IrcError("a program of kernels cannot be given to others")
    module = _without_donations(program.stages.tensor)
    own = compile_module(module)
    arrays = make_arguments(own.stamp.inputs, [], arguments.seed)
    _describe(folder, arrays, arguments, model=None)
    (folder / "program.mlir").write_text(str(module))
    return Work(lambda: own.call(*arrays), own(*arrays), folder)


def of_model(names: dict[str, Any], folder: Path, arguments: argparse.Namespace) -> Work:
    """A model of the file on random inputs."""
    name = _model_name(arguments, names)
    types = [tensor_type(t) for t in arguments.input]
    arrays = make_arguments(types, [], arguments.seed)
    model = names[name]
    model = model() if isinstance(model, type) else model
    _describe(folder, arrays, arguments, model=name)
    weights: dict[str, Any] = weights_of(model)
    np.savez(folder / "state.npz", **weights)
    step = called(model, arrays)
    return Work(step, [v.numpy() for v in step()], folder)


def _describe(folder: Path, arrays: Sequence[Any], arguments: argparse.Namespace, model: str | None) -> None:
    folder.mkdir()
    np.savez(folder / "inputs.npz", *arrays)
    told = {
        "threads": arguments.threads,
        "file": arguments.file,
        "arguments": arguments.arguments,
        "model": model,
    }
    (folder / "request.json").write_text(json.dumps(told))


def _model_name(arguments: argparse.Namespace, names: dict[str, Any]) -> str:
    return arguments.model or next(iter(models_in(names)))


def _without_donations(module: Module) -> Module:
    """Arguments that are given away could be given once."""
    made = [op.with_attributes(arg_attrs=None) if isinstance(op, Func) else op for op in module.operations]
    return module.with_operations(made)


@dataclass
class Contestant:
    """Somebody who does the work: `batch(n)` gives the (CPU, wall) seconds of n runs. `error`: why it does not take part."""

    name: str
    batch: Callable[[int], tuple[float, float]]
    error: str = ""
    count: int = 1
    spent: list[tuple[float, float]] = field(default_factory=list)


def _contest(work: Work, peers: Sequence[str], arguments: argparse.Namespace) -> str:
    """Everybody in turns, as a table."""
    with ExitStack() as stack:
        everybody = [Contestant("irc", _timed(work.step))]
        everybody += [stack.enter_context(_peer(work, p, arguments.threads)) for p in peers]
        able = [c for c in everybody if not c.error]
        for c in able:
            _calibrate(c)
        for _ in range(arguments.rounds):
            for c in able:
                cpu, wall = c.batch(c.count)
                c.spent.append((cpu / c.count, wall / c.count))
    return columns(_rows(everybody)) + "\n"


def _timed(step: Callable[[], Any]) -> Callable[[int], tuple[float, float]]:
    held: list[Any] = []

    def batch(n: int) -> tuple[float, float]:
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(n):
            # As peers do: a result lives until the next is there.
            held[:] = [step()]
        return time.process_time() - cpu, time.perf_counter() - wall

    return batch


def _calibrate(c: Contestant) -> None:
    """So many runs a batch that it takes BATCH."""
    c.batch(1)
    while (taken := c.batch(c.count)[1]) < BATCH:
        c.count = max(c.count + 1, min(10 * c.count, int(1.2 * c.count * BATCH / max(taken, 1e-9))))


@contextmanager
def _peer(work: Work, name: str, threads: int) -> Iterator[Contestant]:
    """A peer in a process of its own, its results compared."""
    environment = options.inherited(**dict.fromkeys(_THREADS, str(threads)))
    command = [sys.executable, "-m", "irc.cli.peers", name, str(work.folder)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        source, into = process.stdout, process.stdin

        def batch(n: int) -> tuple[float, float]:
            into.write(f"{n}\n")
            into.flush()
            spent = json.loads(source.readline())
            return spent["cpu"], spent["wall"]

        answer = json.loads(source.readline() or '{"error": "the process ended"}')
        error = answer.get("error") or _difference(work, name)
        try:
            yield Contestant(PEERS[name][0], batch, error)
        finally:
            into.close()


def _difference(work: Work, name: str) -> str:
    """How a peer's results differ from irc's, or "" where they agree."""
    with np.load(work.folder / f"{name}.npz") as kept:
        theirs = [kept[key] for key in kept.files]
    if len(theirs) != len(work.results):
        return f"it gives {len(theirs)} results, and irc {len(work.results)}"
    for i, (a, b) in enumerate(zip(work.results, theirs, strict=True)):
        if a.shape != b.shape:
            return f"result {i} is {list(b.shape)}, and irc's {list(a.shape)}"
        scale = np.max(np.abs(np.where(np.isfinite(b), b, 0)), initial=1e-30)
        if not np.allclose(a, b, rtol=0, atol=TOLERANCE * scale, equal_nan=True):
            return f"result {i} differs from irc's by {np.nanmax(np.abs(a - b)) / scale:.1e} of its greatest element"
    return ""


def _rows(everybody: Sequence[Contestant]) -> list[list[str]]:
    """CPU and wall time of each, and how many times irc's CPU time that is."""
    rows = [["", "CPU", "wall", "of irc's", ""]]
    own = median(cpu for cpu, _ in everybody[0].spent)
    for c in everybody:
        if c.error:
            rows.append([c.name, "-", "-", "-", f"not timed: {c.error}"])
            continue
        cpu, wall = (median(s[i] for s in c.spent) for i in range(2))
        rows.append([c.name, seconds(cpu), seconds(wall), f"{cpu / own:.2f} x", ""])
    return rows


def _share(program: Executable, limits: Roofs, seed: int) -> str:
    """How near irc comes to the roofs: what they allow for all kernels, over what these take."""
    assert program.stages.fused is not None
    sites = call_sites(program.stages.fused, shaped_for(program.target))
    taken = measured(program, sites, seed)
    costs = [cost_of(s.func) if s.func is not None else Cost(0, 0) for s in sites]
    spent = sum(t.seconds for t in taken)
    if not spent:
        return "irc: its kernels take less than a look at the clock\n"
    pairs = list(zip(costs, taken, strict=True))
    least = sum(limits.seconds(c) * t.times for c, t in pairs)
    rates = [sum(v * t.times for v, (_, t) in zip(values, pairs, strict=True)) / spent for values in
             ([c.flops for c in costs], [c.bytes for c in costs])]  # fmt: skip
    return f"irc: {100 * least / spent:.0f} % of the roofs; {count(rates[0])}FLOP/s, {count(rates[1])}B/s\n"
