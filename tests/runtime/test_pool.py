"""The thread pool: every ticket once, at any number of threads, nested, from several threads, and after
fork."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from programs import NESTED, SLOW_WORKERS, count

from irc.ir.types import TensorType, i64
from irc.runtime import jit, pool
from irc.runtime.executable import NativeProgram


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = pool.get_num_threads()
    yield
    pool.set_num_threads(before)


def _program(text: str, size: int) -> NativeProgram:
    type_ = TensorType((size,), i64)
    return NativeProgram(jit.assemble(text), [type_], [type_])


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("tickets", [1, 2, 7, 64])
def test_every_ticket_runs_once(threads: int, tickets: int) -> None:
    pool.set_num_threads(threads)
    start = np.arange(tickets)
    (out,) = _program(count(tickets), tickets)(start)
    assert (out == start + 20).all()


def test_nested_regions_run_inside_their_ticket() -> None:
    pool.set_num_threads(3)
    (out,) = _program(NESTED, 64)(np.zeros(64, np.int64))
    assert (out == 1).all()


def test_several_python_threads() -> None:
    pool.set_num_threads(3)
    program = _program(count(16), 16)
    wrong: list[np.ndarray] = []

    def work(start: int) -> None:
        for _ in range(200):
            (out,) = program(np.full(16, start))
            if not (out == start + 20).all():
                wrong.append(out)

    threads = [threading.Thread(target=work, args=(1000 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_forked_child_has_a_pool_of_its_own() -> None:
    pool.set_num_threads(3)
    program = _program(count(32), 32)
    program(np.zeros(32, np.int64))
    child = os.fork()
    if child == 0:
        (out,) = program(np.zeros(32, np.int64))
        workers = len(os.listdir("/proc/self/task"))
        os._exit(0 if (out == 20).all() and workers == 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


_ONE_THREAD = """
import os, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from programs import count
from irc.ir.types import TensorType, i64
from irc.runtime import jit, pool
from irc.runtime.executable import NativeProgram
before = len(os.listdir("/proc/self/task"))
t = TensorType((8,), i64)
out, = NativeProgram(jit.assemble(count(8)), [t], [t])(np.zeros(8, np.int64))
print(pool.get_num_threads(), (out == 20).all(), len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.parametrize(("variable", "value"), [("IRC_NUM_THREADS", "1"), ("OMP_NUM_THREADS", "3")])
def test_environment_sets_the_threads(variable: str, value: str) -> None:
    """Also: an empty PATH is enough, one thread makes no worker, and the process ends well with workers
    asleep."""
    command = [sys.executable, "-c", _ONE_THREAD, os.path.dirname(__file__)]
    out = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": "", variable: value}, check=True
    )
    assert out.stdout.split() == [value, "True", str(int(value) - 1)]


@pytest.mark.parametrize(
    ("own", "files", "threads"),
    [
        ("0::/", {"cpu.max": "150000 100000"}, 2),
        (
            "0::/a/b",
            {"cpu.max": "max 100000", "a/cpu.max": "100000 100000", "a/b/cpu.max": "300000 100000"},
            1,
        ),
        ("0::/gone", {"cpu.max": "300000 100000"}, 3),
        (
            "4:memory:/x\n3:cpuacct,cpu:/a",
            {"cpu/a/cpu.cfs_quota_us": "250000", "cpu/a/cpu.cfs_period_us": "100000"},
            3,
        ),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 1 << 30),
        ("3:cpuset:/", {"cpu.max": "100000 100000"}, 1 << 30),
    ],
)
def test_the_quota_of_a_cgroup_or_one_around_it_bounds_the_threads(
    own: str, files: dict[str, str], threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").write_text(own + "\n")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(pool, "_CGROUPS", tmp_path)
    monkeypatch.setattr(pool, "_OWN_CGROUPS", tmp_path / "own")
    assert pool._cgroup_processors() == threads


def test_the_affinity_mask_bounds_the_threads() -> None:
    one = f"taskset -c {min(os.sched_getaffinity(0))}".split()
    code = "from irc.runtime import pool; print(pool.get_num_threads())"
    environment = {k: v for k, v in os.environ.items() if k not in ("IRC_NUM_THREADS", "OMP_NUM_THREADS")}
    out = subprocess.run([*one, sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert out.stdout.strip() == "1"


def test_no_threads_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        pool.set_num_threads(0)


def test_a_worker_that_loses_its_processor_is_left_out_for_a_while() -> None:
    pool.set_num_threads(2)
    me = threading.get_ident()
    types = [TensorType((2,), i64)], [TensorType((8,), i64)]
    program = NativeProgram(jit.assemble(SLOW_WORKERS), *types)

    def others(pause: int) -> int:
        (ran_on,) = program(np.array([me, pause]))
        return int((ran_on != me).sum())

    def until_one_helps(pause: int) -> bool:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if others(pause):
                return True
        return False

    assert until_one_helps(1000)
    time.sleep(0.2)
    assert until_one_helps(100_000)  # the join waited for some 90 ms: for eight times as long nobody is asked
    begun = time.monotonic()
    while time.monotonic() < begun + 0.4:
        assert others(1000) == 0
    time.sleep(0.6)
    assert until_one_helps(1000)


def test_every_thread_begins_with_a_share_of_its_own() -> None:
    """Neighbouring tickets run on one thread, where both work at one pace."""
    pool.set_num_threads(2)
    me = threading.get_ident()
    program = NativeProgram(jit.assemble(SLOW_WORKERS), [TensorType((2,), i64)], [TensorType((8,), i64)])
    end = time.monotonic() + 30
    while time.monotonic() < end:
        (ran_on,) = program(np.array([me, 1000]))
        if (ran_on[:4] == me).all() and (ran_on[4:] != me).all():
            return
    pytest.fail("two threads of one pace never ran a half of the tickets each")


_ONE_PROCESSOR = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from programs import count
from irc.ir.types import TensorType, i64
from irc.runtime import jit, pool
from irc.runtime.executable import NativeProgram
pool.set_num_threads(2)
t = TensorType((4096,), i64)
program = NativeProgram(jit.assemble(count(4096)), [t], [t])
given = np.zeros(4096, np.int64)
before = set(os.listdir("/proc/self/task"))
program(given)
worker, = set(os.listdir("/proc/self/task")) - before
spent = lambda: int(open(f"/proc/self/task/{worker}/schedstat").read().split()[0])
begun, own = spent(), time.thread_time_ns()
for _ in range(300):
    program(given)
print((spent() - begun) / (time.thread_time_ns() - own))
"""


def test_a_worker_that_waits_leaves_the_processor_to_its_caller() -> None:
    """Where both have one processor, spinning takes what the caller would work in."""
    command = [sys.executable, "-c", _ONE_PROCESSOR, os.path.dirname(__file__)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(out.stdout) < 0.2
