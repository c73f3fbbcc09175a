"""The thread pool of generated code: one a process, written in LLVM text, cut by tickets.

``irc_parallel(fn, ctx, tickets)`` calls ``fn(ctx, ticket)`` exactly once for each ticket, on the caller and
the workers, and returns when all are done. How work is cut into tickets never depends on the number of
threads, so neither do results.

Every thread has a share of the tickets, those that follow each other; who is done with its own draws from the next one's.
So a thread meets the same rows in kernel after kernel, in its own cache, and the same parts of the weights in call after call.

A region opens by setting the counter of every share to its first ticket and closes by swapping a huge number into it. The join
waits only for workers that entered the region (``@active``), so one that sleeps never delays the caller. A
worker that enters late draws a huge ticket and leaves without reading ``@fn``: what a region's fields hold
is read only by who drew one of its tickets or is counted in ``@active`` while they stay fixed.

Where other programs want the processors too, a worker can lose its own while it holds a ticket, and the join waits for it.
A join that waits for more than two tickets' time and ``_GRACE`` is taken for that; for ``_ALONE`` times as long as it
waited regions then run on their caller. So a busy machine costs an eighth at most, whatever the others do, and a quiet one
nothing: its joins wait for one ticket. Who spins offers its processor all the while: on a busy machine it may be the caller's own.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import threading
from pathlib import Path

from irc import options
from irc.runtime import jit

_SPINS = 20_000  # how often a worker looks for work before it sleeps (well under a millisecond)
_OFFER = 512  # turns of spinning between two offers of the processor
_GRACE = 20_000  # nanoseconds: more than a worker takes to wake
_ALONE = 8
_SHARES = 64  # at most; further threads begin where others did
_PAUSE = {"x86_64": "llvm.x86.sse2.pause()", "aarch64": "llvm.aarch64.hint(i32 1)"}
_FUTEX = {"x86_64": 202, "aarch64": 98}  # the system call's number

_TEXT = """
@threads = internal global i32 1, align 64
@started = internal global i32 0, align 4
@busy = internal global i32 0, align 64
@epoch = internal global i32 0, align 64
@sleepers = internal global i32 0, align 64
@shares = internal global [{shares} x [8 x i64]] [{closed_shares}], align 64 ; the next ticket, and the end; a line each
@active = internal global i32 0, align 64
@fn = internal global ptr null, align 64
@ctx = internal global ptr null, align 8
@parts = internal global i64 1, align 8
@alone.until = internal global i64 0, align 64

declare i64 @syscall(i64, ...)
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare void @{pause_name}({pause_type})

define void @irc_parallel(ptr %fn, ptr %ctx, i64 %tickets) {{
entry:
  %threads = load atomic i32, ptr @threads monotonic, align 4
  %several = icmp sgt i32 %threads, 1
  %worth = icmp ugt i64 %tickets, 1
  %try = and i1 %several, %worth
  br i1 %try, label %ask, label %alone

ask:
  %begun = call i64 @now()
  %until = load atomic i64, ptr @alone.until monotonic, align 8
  %calm = icmp sge i64 %begun, %until
  br i1 %calm, label %lock, label %alone

lock:                                             ; taken by another region, around this or beside it
  %was = atomicrmw xchg ptr @busy, i32 1 acquire
  %free = icmp eq i32 %was, 0
  br i1 %free, label %open, label %alone

open:
  %workers = sub i32 %threads, 1
  call void @start(i32 %workers)
  store atomic ptr %fn, ptr @fn monotonic, align 8
  store atomic ptr %ctx, ptr @ctx monotonic, align 8
  %now.threads = load atomic i32, ptr @threads monotonic, align 4
  %wide = zext i32 %now.threads to i64
  %parts = call i64 @llvm.umin.i64(i64 %wide, i64 {shares})
  store atomic i64 %parts, ptr @parts monotonic, align 8
  br label %deal

deal:
  %share = phi i64 [ 0, %open ], [ %share.next, %deal ]
  %low = phi i64 [ 0, %open ], [ %high, %deal ]
  %share.next = add i64 %share, 1
  %until.here = mul i64 %share.next, %tickets
  %high = udiv i64 %until.here, %parts
  %counter = getelementptr [8 x i64], ptr @shares, i64 %share
  %end.at = getelementptr i64, ptr %counter, i64 1
  store atomic i64 %high, ptr %end.at monotonic, align 8
  store atomic i64 %low, ptr %counter release, align 8
  %dealt = icmp eq i64 %share.next, %parts
  br i1 %dealt, label %call, label %deal

call:
  %epoch = atomicrmw add ptr @epoch, i32 1 seq_cst
  %sleepers = load atomic i32, ptr @sleepers seq_cst, align 4
  %asleep = icmp sgt i32 %sleepers, 0
  br i1 %asleep, label %wake, label %drain

wake:
  %woken = call i64 (i64, ...) @syscall(i64 {futex}, ptr @epoch, i32 129, i32 2147483647,
                                          ptr null, ptr null, i32 0)
  br label %drain

drain:
  %own = call i64 @drain(i64 0)
  br label %shut

shut:
  %closing = phi i64 [ 0, %drain ], [ %closing.next, %shut ]
  %closed.at = getelementptr [8 x i64], ptr @shares, i64 %closing
  %last = atomicrmw xchg ptr %closed.at, i64 {closed} seq_cst
  %closing.next = add i64 %closing, 1
  %shut.all = icmp eq i64 %closing.next, %parts
  br i1 %shut.all, label %look, label %shut

look:
  %others = load atomic i32, ptr @active seq_cst, align 4
  %at.once = icmp eq i32 %others, 0
  br i1 %at.once, label %close, label %wait

wait:
  %drained = call i64 @now()
  br label %join

join:
  %spin = phi i32 [ 0, %wait ], [ %spin.next, %idle ], [ 0, %yield ]
  %active = load atomic i32, ptr @active seq_cst, align 4
  %joined = icmp eq i32 %active, 0
  br i1 %joined, label %judge, label %waiting

waiting:
  %spin.next = add i32 %spin, 1
  %long = icmp ugt i32 %spin.next, {offer}
  br i1 %long, label %yield, label %idle

idle:
  call void @{pause}
  br label %join

yield:                                            ; who holds a ticket lost its processor: offer ours
  %yielded = call i32 @sched_yield()
  br label %join

judge:
  %ended = call i64 @now()
  %waited = sub i64 %ended, %drained
  %worked = sub i64 %drained, %begun
  %some = call i64 @llvm.umax.i64(i64 %own, i64 1)
  %a.ticket = udiv i64 %worked, %some
  %two = shl i64 %a.ticket, 1
  %fair = add i64 %two, {grace}
  %lost = icmp sgt i64 %waited, %fair
  br i1 %lost, label %retreat, label %close

retreat:
  %pause = mul i64 %waited, {alone}
  %return = add i64 %ended, %pause
  store atomic i64 %return, ptr @alone.until monotonic, align 8
  br label %close

close:
  store atomic i32 0, ptr @busy release, align 4
  ret void

alone:
  %none = icmp eq i64 %tickets, 0
  br i1 %none, label %done, label %each

each:
  %ticket = phi i64 [ 0, %alone ], [ %ticket.next, %each ]
  call void %fn(ptr %ctx, i64 %ticket)
  %ticket.next = add i64 %ticket, 1
  %more = icmp ult i64 %ticket.next, %tickets
  br i1 %more, label %each, label %done

done:
  ret void
}}

define internal i64 @now() {{
  %time = alloca [2 x i64], align 8
  %got = call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %rest.at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.at, align 8
  %whole = mul i64 %seconds, 1000000000
  %now = add i64 %whole, %rest
  ret i64 %now
}}

declare i64 @llvm.umax.i64(i64, i64)

declare i64 @llvm.umin.i64(i64, i64)

; Runs tickets until there are no more, those of the share `first` first; how many.
define internal i64 @drain(i64 %first) {{
entry:
  %parts = load atomic i64, ptr @parts monotonic, align 8
  %begin = urem i64 %first, %parts
  br label %share

share:
  %at = phi i64 [ %begin, %entry ], [ %at.next, %next ]
  %before = phi i64 [ 0, %entry ], [ %count, %next ]
  %left = phi i64 [ %parts, %entry ], [ %left.next, %next ]
  %counter = getelementptr [8 x i64], ptr @shares, i64 %at
  %end.at = getelementptr i64, ptr %counter, i64 1
  br label %draw

draw:
  %count = phi i64 [ %before, %share ], [ %count.next, %run ]
  %ticket = atomicrmw add ptr %counter, i64 1 seq_cst
  %end = load atomic i64, ptr %end.at monotonic, align 8
  %mine = icmp ult i64 %ticket, %end
  br i1 %mine, label %run, label %next

run:
  %fn = load atomic ptr, ptr @fn monotonic, align 8
  %ctx = load atomic ptr, ptr @ctx monotonic, align 8
  call void %fn(ptr %ctx, i64 %ticket)
  %count.next = add i64 %count, 1
  br label %draw

next:
  %after = add i64 %at, 1
  %round = icmp eq i64 %after, %parts
  %at.next = select i1 %round, i64 0, i64 %after
  %left.next = sub i64 %left, 1
  %none.left = icmp eq i64 %left.next, 0
  br i1 %none.left, label %done, label %share

done:
  ret i64 %count
}}

define internal ptr @worker(ptr %index) {{
entry:
  %id.wide = ptrtoint ptr %index to i64
  %id = trunc i64 %id.wide to i32
  br label %enter

enter:
  %seen = load atomic i32, ptr @epoch acquire, align 4
  %threads = load atomic i32, ptr @threads monotonic, align 4
  %limit = sub i32 %threads, 1
  %wanted = icmp slt i32 %id, %limit
  br i1 %wanted, label %work, label %spin

work:
  %before = atomicrmw add ptr @active, i32 1 seq_cst
  %share = add i64 %id.wide, 1
  %drawn = call i64 @drain(i64 %share)
  %after = atomicrmw sub ptr @active, i32 1 seq_cst
  br label %spin

spin:
  %spins = phi i32 [ 0, %enter ], [ 0, %work ], [ %spins.next, %pause ], [ %spins.next, %yield ]
  %now = load atomic i32, ptr @epoch acquire, align 4
  %changed = icmp ne i32 %now, %seen
  br i1 %changed, label %enter, label %pause

pause:
  call void @{pause}
  %spins.next = add i32 %spins, 1
  %turn = urem i32 %spins.next, {offer}
  %offer = icmp eq i32 %turn, 0
  br i1 %offer, label %yield, label %spin

yield:                                            ; to who else wants this processor, the caller perhaps
  %yielded = call i32 @sched_yield()
  %patient = icmp ult i32 %spins.next, {spins}
  br i1 %patient, label %spin, label %sleep

sleep:                                            ; returns at once where the epoch moved meanwhile
  %in = atomicrmw add ptr @sleepers, i32 1 seq_cst
  %slept = call i64 (i64, ...) @syscall(i64 {futex}, ptr @epoch, i32 128, i32 %seen,
                                          ptr null, ptr null, i32 0)
  %out = atomicrmw sub ptr @sleepers, i32 1 seq_cst
  %then = load atomic i32, ptr @epoch acquire, align 4
  %woken = icmp ne i32 %then, %seen
  br i1 %woken, label %enter, label %sleep
}}

; Workers block every signal: Python's handlers belong to its own threads.
define internal void @start(i32 %workers) {{
entry:
  %have = load atomic i32, ptr @started monotonic, align 4
  %enough = icmp sge i32 %have, %workers
  br i1 %enough, label %done, label %create

create:
  %all = alloca [128 x i8], align 8
  %old = alloca [128 x i8], align 8
  %thread = alloca i64, align 8
  call void @llvm.memset.p0.i64(ptr %all, i8 -1, i64 128, i1 false)
  %blocked = call i32 @pthread_sigmask(i32 0, ptr %all, ptr %old)
  br label %each

each:
  %id = phi i32 [ %have, %create ], [ %id.next, %made ]
  %id.wide = zext i32 %id to i64
  %index = inttoptr i64 %id.wide to ptr
  %error = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %index)
  %ok = icmp eq i32 %error, 0
  br i1 %ok, label %made, label %refused

made:
  %handle = load i64, ptr %thread, align 8
  %detached = call i32 @pthread_detach(i64 %handle)
  %id.next = add i32 %id, 1
  store atomic i32 %id.next, ptr @started monotonic, align 4
  %more = icmp slt i32 %id.next, %workers
  br i1 %more, label %each, label %restore

refused:                                          ; the system gives no more: go on with those there are
  %threads = add i32 %id, 1
  store atomic i32 %threads, ptr @threads monotonic, align 4
  br label %restore

restore:
  %unblocked = call i32 @pthread_sigmask(i32 2, ptr %old, ptr null)
  br label %done

done:
  ret void
}}

declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define void @irc_set_threads(i32 %threads) {{
  store atomic i32 %threads, ptr @threads monotonic, align 4
  ret void
}}

; In a forked child no worker exists, and the thread that held the region may be gone.
define void @irc_after_fork() {{
entry:
  store atomic i32 0, ptr @started monotonic, align 4
  store atomic i32 0, ptr @sleepers monotonic, align 4
  store atomic i32 0, ptr @active monotonic, align 4
  br label %shut

shut:
  %share = phi i64 [ 0, %entry ], [ %share.next, %shut ]
  %counter = getelementptr [8 x i64], ptr @shares, i64 %share
  store atomic i64 {closed}, ptr %counter monotonic, align 8
  %share.next = add i64 %share, 1
  %shut.all = icmp eq i64 %share.next, {shares}
  br i1 %shut.all, label %free, label %shut

free:
  store atomic i64 0, ptr @alone.until monotonic, align 8
  store atomic i32 0, ptr @busy release, align 4
  ret void
}}
"""


def pool_text(machine: str | None = None) -> str:
    """The pool as LLVM text for a processor family (``x86_64`` or ``aarch64``)."""
    machine = machine or platform.machine()
    pause = _PAUSE[machine]
    name, argument = pause.split("(")
    closed = 1 << 62
    return _TEXT.format(
        closed=closed,
        shares=_SHARES,
        closed_shares=", ".join([f"[8 x i64] [i64 {closed}{', i64 0' * 7}]"] * _SHARES),
        futex=_FUTEX[machine],
        pause=pause,
        pause_name=name,
        pause_type=argument.rstrip(")").split(" ")[0],
        spins=_SPINS,
        offer=_OFFER,
        grace=_GRACE,
        alone=_ALONE,
    )


class _Pool:
    """The loaded pool: ``parallel`` is the address that programs link as ``irc_parallel``."""

    def __init__(self) -> None:
        found = jit.load(jit.assembled(pool_text()), ("irc_parallel", "irc_set_threads", "irc_after_fork"))
        self.parallel = found["irc_parallel"]
        self.set_threads = ctypes.PYFUNCTYPE(None, ctypes.c_int32)(found["irc_set_threads"])
        self._after_fork = ctypes.PYFUNCTYPE(None)(found["irc_after_fork"])
        os.register_at_fork(after_in_child=self._after_fork)


_LOCK = threading.Lock()
_threads: int | None = None


@functools.cache
def _load() -> _Pool:
    pool = _Pool()
    pool.set_threads(get_num_threads())
    return pool


def parallel_address() -> int:
    """The address of ``void irc_parallel(ptr fn, ptr ctx, i64 tickets)``; the pool is compiled on first use.

    No worker is created before the first region that has two tickets and two threads."""
    with _LOCK:
        return _load().parallel


def set_num_threads(count: int) -> None:
    """Use ``count`` threads, the caller included, from the next region on. One means no worker at all."""
    global _threads
    if count < 1:
        raise ValueError(f"a program needs at least one thread, not {count}")
    with _LOCK:
        _threads = count
        if _load.cache_info().currsize:
            _load().set_threads(count)


def get_num_threads() -> int:
    """The number of threads a region may use, the caller included."""
    return _threads if _threads is not None else default_num_threads()


@functools.cache
def default_num_threads() -> int:
    """IRC_NUM_THREADS, else OMP_NUM_THREADS, else the processors this process may use under its cgroup's
    quota."""
    for variable in ("IRC_NUM_THREADS", "OMP_NUM_THREADS"):
        given = options.text(variable).split(",")[0].strip()
        if given.isdigit() and int(given) > 0:
            return int(given)
    return max(1, min(len(os.sched_getaffinity(0)), _cgroup_processors()))


_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def _cgroup_processors() -> int:
    """The least processor quota of this process's cgroups (versions 1 and 2) and those around them, rounded up; a huge number
    where there is none."""
    found = [1 << 30]
    with contextlib.suppress(OSError):
        for line in _OWN_CGROUPS.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                top, quota_of = _CGROUPS, _quota
            elif "cpu" in controllers.split(","):
                top, quota_of = _CGROUPS / "cpu", _quota_of_version_1
            else:
                continue
            inner = top / path.strip("/")
            for folder in (inner, *inner.parents):
                if folder.is_relative_to(top):
                    found.append(quota_of(folder))
    return min(found)


def _quota(folder: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        if quota != "max":
            return -(-int(quota) // int(period))
    return 1 << 30


def _quota_of_version_1(folder: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        if quota > 0:
            return -(-quota // int((folder / "cpu.cfs_period_us").read_text()))
    return 1 << 30
