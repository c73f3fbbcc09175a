"""LLVM text of the arenas: memory for the intermediate values of calls, kept from one call to the next."""

from __future__ import annotations

_ARENA_SLOTS = 8
_HUGE = 2 << 20


def arena_block(nbytes: int) -> int:
    """Bytes that are taken from the system for an arena of so many: a header before it, and whole huge pages for a
    big one."""
    if not nbytes:
        return 0
    step = _HUGE if nbytes >= _HUGE else 64
    return -(-(nbytes + 64) // step) * step


ARENA_TEXT = f"""
@arena.held = internal global i64 0, align 8
@arenas = internal global [{_ARENA_SLOTS} x ptr] zeroinitializer, align 64

; The process keeps the arenas of finished calls, whatever program they served: one that is big enough is
; taken, smaller ones on the way are freed for the bigger one that will come back. The word 64 bytes before
; an arena is its size.
define internal ptr @arena_take(i64 %bytes) {{
entry:
  %none = icmp eq i64 %bytes, 0
  br i1 %none, label %empty, label %look

look:
  %i = phi i64 [ 0, %entry ], [ %i.next, %small ], [ %i.next, %slot ]
  %i.next = add i64 %i, 1
  %past = icmp eq i64 %i, {_ARENA_SLOTS}
  br i1 %past, label %make, label %slot

slot:
  %slot.at = getelementptr ptr, ptr @arenas, i64 %i
  %kept = atomicrmw xchg ptr %slot.at, ptr null acq_rel
  %vacant = icmp eq ptr %kept, null
  br i1 %vacant, label %look, label %measure

measure:
  %base = getelementptr i8, ptr %kept, i64 -64
  %size = load i64, ptr %base, align 8
  %fits = icmp uge i64 %size, %bytes
  br i1 %fits, label %found, label %small

small:
  call void @arena_free(ptr %kept)
  br label %look

found:
  ret ptr %kept

make:
  %new = call ptr @arena_new(i64 %bytes)
  ret ptr %new

empty:
  ret ptr null
}}

define internal ptr @arena_new(i64 %bytes) {{
entry:
  %huge = icmp uge i64 %bytes, {_HUGE}
  %step = select i1 %huge, i64 {_HUGE}, i64 64
  %step.less = sub i64 %step, 1
  %with.header = add i64 %bytes, 64
  %over = add i64 %with.header, %step.less
  %mask = xor i64 %step.less, -1
  %total = and i64 %over, %mask
  %base = call ptr @aligned_alloc(i64 %step, i64 %total)
  %failed = icmp eq ptr %base, null
  br i1 %failed, label %none, label %made

made:
  %usable = sub i64 %total, 64
  store i64 %usable, ptr %base, align 8
  %held = atomicrmw add ptr @arena.held, i64 %total monotonic
  %arena = getelementptr i8, ptr %base, i64 64
  br i1 %huge, label %advise, label %done

advise:                                           ; MADV_HUGEPAGE; where it is refused small pages serve
  %advised = call i32 @madvise(ptr %base, i64 %total, i32 14)
  br label %done

done:
  ret ptr %arena

none:
  ret ptr null
}}

define internal void @arena_give(ptr %arena) {{
entry:
  %none = icmp eq ptr %arena, null
  br i1 %none, label %done, label %look

look:
  %i = phi i64 [ 0, %entry ], [ %i.next, %taken ]
  %past = icmp eq i64 %i, {_ARENA_SLOTS}
  br i1 %past, label %drop, label %slot

slot:
  %slot.at = getelementptr ptr, ptr @arenas, i64 %i
  %pair = cmpxchg ptr %slot.at, ptr null, ptr %arena acq_rel monotonic
  %kept = extractvalue {{ ptr, i1 }} %pair, 1
  br i1 %kept, label %done, label %taken

taken:
  %i.next = add i64 %i, 1
  br label %look

drop:
  call void @arena_free(ptr %arena)
  br label %done

done:
  ret void
}}

define internal void @arena_free(ptr %arena) {{
entry:
  %base = getelementptr i8, ptr %arena, i64 -64
  %usable = load i64, ptr %base, align 8
  %total = add i64 %usable, 64
  %held = atomicrmw sub ptr @arena.held, i64 %total monotonic
  call void @free(ptr %base)
  ret void
}}

; Bytes taken from the system for arenas, in use or waiting.
define i64 @irc_arena_held() {{
entry:
  %held = load atomic i64, ptr @arena.held monotonic, align 8
  ret i64 %held
}}

define void @irc_release_arenas() {{
entry:
  br label %each

each:
  %i = phi i64 [ 0, %entry ], [ %i.next, %next ]
  %slot.at = getelementptr ptr, ptr @arenas, i64 %i
  %kept = atomicrmw xchg ptr %slot.at, ptr null acq_rel
  %vacant = icmp eq ptr %kept, null
  br i1 %vacant, label %next, label %drop

drop:
  call void @arena_free(ptr %kept)
  br label %next

next:
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, {_ARENA_SLOTS}
  br i1 %more, label %each, label %done

done:
  ret void
}}
"""
