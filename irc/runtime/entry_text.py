"""The LLVM text of the entry point (see ``entry``): checks, the arena, and the calls themselves."""

from __future__ import annotations

from irc.runtime import numpy_abi

# The table's header: one word each, then a spec of eight words for every input and output.
PROGRAM, INPUTS, OUTPUTS, ARENA, KEEP_GIL, CONVERT, CONVERT_INTO, DONATED, DONATIONS, HEADER = range(10)
# A spec. MAKER is a callable that makes the output, or 0: NumPy makes it; DONOR the input that becomes it,
# or -1.
WORD, RANK, DIMS, FLAGS, BYTES, DTYPE, DONOR, MAKER, SPEC = range(9)

_ARENA_SLOTS = 8
_BROKEN = "irc: arguments do not fit even after their conversion"
_HUGE = 2 << 20


def _field(name: str, base: str, word: int, kind: str = "i64") -> str:
    """LLVM text that loads word number ``word`` of ``base`` into ``name``."""
    place = f"%{name}.at = getelementptr i64, ptr %{base}, i64 {word}"
    return f"{place}\n  %{name} = load {kind}, ptr %{name}.at, align 8"


_CHECKS = f"""
; The data pointer of %object where it is an array as %spec says, else null.
define internal ptr @accept(ptr %object, ptr %spec) {{
entry:
  %type.at = getelementptr i8, ptr %object, i64 {numpy_abi.OBJECT_TYPE}
  %type = load ptr, ptr %type.at, align 8
  %is.array = icmp eq ptr %type, @PyArray_Type
  br i1 %is.array, label %layout, label %no

layout:
  %rank.at = getelementptr i8, ptr %object, i64 {numpy_abi.ARRAY_RANK}
  %rank32 = load i32, ptr %rank.at, align 4
  %rank = sext i32 %rank32 to i64
  %flags.at = getelementptr i8, ptr %object, i64 {numpy_abi.ARRAY_FLAGS}
  %flags32 = load i32, ptr %flags.at, align 4
  %flags = sext i32 %flags32 to i64
  %dtype.at = getelementptr i8, ptr %object, i64 {numpy_abi.ARRAY_DTYPE}
  %dtype = load ptr, ptr %dtype.at, align 8
  %word.at = getelementptr i8, ptr %dtype, i64 {numpy_abi.DTYPE_WORD}
  %word.all = load i64, ptr %word.at, align 8
  %word = and i64 %word.all, {numpy_abi.DTYPE_MASK}
  {_field("want.word", "spec", WORD)}
  {_field("want.rank", "spec", RANK)}
  {_field("want.flags", "spec", FLAGS)}
  {_field("want.dims", "spec", DIMS, "ptr")}
  %has = and i64 %flags, %want.flags
  %same.flags = icmp eq i64 %has, %want.flags
  %same.rank = icmp eq i64 %rank, %want.rank
  %same.word = icmp eq i64 %word, %want.word
  %same.some = and i1 %same.flags, %same.rank
  %same = and i1 %same.some, %same.word
  br i1 %same, label %shape, label %no

shape:
  %dims.at = getelementptr i8, ptr %object, i64 {numpy_abi.ARRAY_DIMS}
  %dims = load ptr, ptr %dims.at, align 8
  br label %axis

axis:
  %i = phi i64 [ 0, %shape ], [ %i.next, %next ]
  %more = icmp ult i64 %i, %rank
  br i1 %more, label %next, label %yes

next:
  %dim.at = getelementptr i64, ptr %dims, i64 %i
  %dim = load i64, ptr %dim.at, align 8
  %want.at = getelementptr i64, ptr %want.dims, i64 %i
  %want = load i64, ptr %want.at, align 8
  %i.next = add i64 %i, 1
  %equal = icmp eq i64 %dim, %want
  br i1 %equal, label %axis, label %no

yes:
  %data.at = getelementptr i8, ptr %object, i64 {numpy_abi.ARRAY_DATA}
  %data = load ptr, ptr %data.at, align 8
  ret ptr %data

no:
  ret ptr null
}}

; Whether none of the %written arguments shares bytes with another argument. Eight at a time: where there are
; hundreds of parameters, all pairs are many.
define internal i1 @disjoint(ptr %table, ptr %pointers, i64 %count, ptr %written, i64 %writes) {{
entry:
  %none = icmp eq i64 %writes, 0
  br i1 %none, label %yes, label %measure

measure:
  %up = add i64 %count, 7
  %padded = and i64 %up, -8
  %bytes = shl i64 %padded, 3
  %starts = alloca i64, i64 %padded, align 64
  %ends = alloca i64, i64 %padded, align 64
  call void @llvm.memset.p0.i64(ptr align 64 %starts, i8 0, i64 %bytes, i1 false)
  call void @llvm.memset.p0.i64(ptr align 64 %ends, i8 0, i64 %bytes, i1 false)
  br label %bound

bound:
  %b = phi i64 [ 0, %measure ], [ %b.next, %bound ]
  %data.at = getelementptr ptr, ptr %pointers, i64 %b
  %data = load i64, ptr %data.at, align 8
  %offset = mul i64 %b, {SPEC}
  %size.word = add i64 %offset, {HEADER + BYTES}
  %size.at = getelementptr i64, ptr %table, i64 %size.word
  %size = load i64, ptr %size.at, align 8
  %past = add i64 %data, %size
  %start.at = getelementptr i64, ptr %starts, i64 %b
  store i64 %data, ptr %start.at, align 8
  %end.at = getelementptr i64, ptr %ends, i64 %b
  store i64 %past, ptr %end.at, align 8
  %b.next = add i64 %b, 1
  %b.more = icmp ult i64 %b.next, %count
  br i1 %b.more, label %bound, label %each

each:
  %w = phi i64 [ 0, %bound ], [ %w.next, %judge ]
  %index.at = getelementptr i64, ptr %written, i64 %w
  %index = load i64, ptr %index.at, align 8
  %start.of = getelementptr i64, ptr %starts, i64 %index
  %start.one = load i64, ptr %start.of, align 8
  %start.first = insertelement <8 x i64> poison, i64 %start.one, i64 0
  %start = shufflevector <8 x i64> %start.first, <8 x i64> poison, <8 x i32> zeroinitializer
  %end.of = getelementptr i64, ptr %ends, i64 %index
  %end.one = load i64, ptr %end.of, align 8
  %end.first = insertelement <8 x i64> poison, i64 %end.one, i64 0
  %end = shufflevector <8 x i64> %end.first, <8 x i64> poison, <8 x i32> zeroinitializer
  br label %others

others:
  %o = phi i64 [ 0, %each ], [ %o.next, %others ]
  %hits = phi i64 [ 0, %each ], [ %hits.next, %others ]
  %o.starts.at = getelementptr i64, ptr %starts, i64 %o
  %o.start = load <8 x i64>, ptr %o.starts.at, align 64
  %o.ends.at = getelementptr i64, ptr %ends, i64 %o
  %o.end = load <8 x i64>, ptr %o.ends.at, align 64
  %above = icmp ugt <8 x i64> %o.end, %start
  %below = icmp ugt <8 x i64> %end, %o.start
  %meets = and <8 x i1> %above, %below
  %mask = bitcast <8 x i1> %meets to i8
  %met = call i8 @llvm.ctpop.i8(i8 %mask)
  %met.wide = zext i8 %met to i64
  %hits.next = add i64 %hits, %met.wide
  %o.next = add i64 %o, 8
  %o.more = icmp ult i64 %o.next, %padded
  br i1 %o.more, label %others, label %judge

judge:                                            ; one hit is the argument itself
  %shared = icmp ugt i64 %hits.next, 1
  %w.next = add i64 %w, 1
  %w.last = icmp eq i64 %w.next, %writes
  %stop = or i1 %shared, %w.last
  br i1 %stop, label %verdict, label %each

verdict:
  %fine = xor i1 %shared, true
  ret i1 %fine

yes:
  ret i1 true
}}

declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i8 @llvm.ctpop.i8(i8)

; Fill %pointers from %args; whether every argument will do.
define internal i1 @ready(ptr %table, ptr %args, i64 %given, i64 %count, ptr %written, i64 %writes,
                          ptr %pointers) {{
entry:
  %specs = getelementptr i64, ptr %table, i64 {HEADER}
  %right = icmp eq i64 %given, %count
  br i1 %right, label %each, label %no

each:
  %i = phi i64 [ 0, %entry ], [ %i.next, %accepted ]
  %more = icmp ult i64 %i, %count
  br i1 %more, label %check, label %last

check:
  %object.at = getelementptr ptr, ptr %args, i64 %i
  %object = load ptr, ptr %object.at, align 8
  %offset = mul i64 %i, {SPEC}
  %spec = getelementptr i64, ptr %specs, i64 %offset
  %data = call ptr @accept(ptr %object, ptr %spec)
  %refused = icmp eq ptr %data, null
  br i1 %refused, label %no, label %accepted

accepted:
  %slot = getelementptr ptr, ptr %pointers, i64 %i
  store ptr %data, ptr %slot, align 8
  %i.next = add i64 %i, 1
  br label %each

last:
  %apart = call i1 @disjoint(ptr %table, ptr %pointers, i64 %count, ptr %written, i64 %writes)
  ret i1 %apart

no:
  ret i1 false
}}
"""

_ARENA = f"""
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
  call void @free(ptr %base)
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
  %base = getelementptr i8, ptr %arena, i64 -64
  call void @free(ptr %base)
  br label %done

done:
  ret void
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
  %base = getelementptr i8, ptr %kept, i64 -64
  call void @free(ptr %base)
  br label %next

next:
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, {_ARENA_SLOTS}
  br i1 %more, label %each, label %done

done:
  ret void
}}
"""

_CALLS = f"""
; Run the program; false, with a Python error set, where there is no memory for its arena.
define internal i1 @run(ptr %table, ptr %pointers) {{
entry:
  {_field("program", "table", PROGRAM, "ptr")}
  {_field("bytes", "table", ARENA)}
  {_field("keep", "table", KEEP_GIL)}
  %arena = call ptr @arena_take(i64 %bytes)
  %no.arena = icmp eq ptr %arena, null
  %wants = icmp ne i64 %bytes, 0
  %failed = and i1 %no.arena, %wants
  br i1 %failed, label %no.memory, label %go

go:
  %holds = icmp ne i64 %keep, 0
  br i1 %holds, label %held, label %released

held:
  call void %program(ptr %pointers, ptr %arena)
  br label %done

released:
  %state = call ptr @PyEval_SaveThread()
  call void %program(ptr %pointers, ptr %arena)
  call void @PyEval_RestoreThread(ptr %state)
  br label %done

done:
  call void @arena_give(ptr %arena)
  ret i1 true

no.memory:
  %raised = call ptr @PyErr_NoMemory()
  ret i1 false
}}

; A new reference to the array that output %spec will be written to: an input, a big block's, or a new one.
define internal ptr @output(ptr %spec, ptr %args) {{
entry:
  {_field("donor", "spec", DONOR)}
  {_field("maker", "spec", MAKER, "ptr")}
  %donated = icmp sge i64 %donor, 0
  br i1 %donated, label %reuse, label %make

reuse:
  %input.at = getelementptr ptr, ptr %args, i64 %donor
  %input = load ptr, ptr %input.at, align 8
  call void @Py_IncRef(ptr %input)
  ret ptr %input

make:
  %plain = icmp eq ptr %maker, null
  br i1 %plain, label %new, label %big

big:
  %block = call ptr @PyObject_CallNoArgs(ptr %maker)
  ret ptr %block

new:
  {_field("dtype", "spec", DTYPE, "ptr")}
  {_field("rank", "spec", RANK)}
  {_field("dims", "spec", DIMS, "ptr")}
  %rank32 = trunc i64 %rank to i32
  call void @Py_IncRef(ptr %dtype)
  %array = call ptr @PyArray_NewFromDescr(ptr @PyArray_Type, ptr %dtype, i32 %rank32, ptr %dims,
                                         ptr null, ptr null, i32 0, ptr null)
  ret ptr %array
}}

; The list of results of a call whose inputs are in %pointers; the outputs' pointers are added to them.
define internal ptr @results(ptr %table, ptr %args, ptr %pointers) {{
entry:
  {_field("inputs", "table", INPUTS)}
  {_field("outputs", "table", OUTPUTS)}
  %skipped = mul i64 %inputs, {SPEC}
  %first = add i64 %skipped, {HEADER}
  %specs = getelementptr i64, ptr %table, i64 %first
  %slots = getelementptr ptr, ptr %pointers, i64 %inputs
  %list = call ptr @PyList_New(i64 %outputs)
  %no.list = icmp eq ptr %list, null
  br i1 %no.list, label %failed, label %each

each:
  %i = phi i64 [ 0, %entry ], [ %i.next, %made ]
  %more = icmp ult i64 %i, %outputs
  br i1 %more, label %make, label %go

make:
  %offset = mul i64 %i, {SPEC}
  %spec = getelementptr i64, ptr %specs, i64 %offset
  %array = call ptr @output(ptr %spec, ptr %args)
  %no.array = icmp eq ptr %array, null
  br i1 %no.array, label %drop, label %made

made:
  %set = call i32 @PyList_SetItem(ptr %list, i64 %i, ptr %array)
  %data.at = getelementptr i8, ptr %array, i64 {numpy_abi.ARRAY_DATA}
  %data = load ptr, ptr %data.at, align 8
  %slot = getelementptr ptr, ptr %slots, i64 %i
  store ptr %data, ptr %slot, align 8
  %i.next = add i64 %i, 1
  br label %each

go:
  %ran = call i1 @run(ptr %table, ptr %pointers)
  br i1 %ran, label %done, label %drop

done:
  ret ptr %list

drop:
  call void @Py_DecRef(ptr %list)
  br label %failed

failed:
  ret ptr null
}}

; exe.into(*inputs, *outputs): None
define internal ptr @nothing(ptr %table, ptr %args, ptr %pointers) {{
entry:
  %ran = call i1 @run(ptr %table, ptr %pointers)
  br i1 %ran, label %done, label %failed

done:
  call void @Py_IncRef(ptr @Py_None)
  ret ptr @Py_None

failed:
  ret ptr null
}}

define internal ptr @enter(ptr %table, ptr %args, i64 %given, i64 %count, ptr %written, i64 %writes,
                           ptr %convert, ptr %finish) {{
entry:
  {_field("inputs", "table", INPUTS)}
  {_field("outputs", "table", OUTPUTS)}
  %all = add i64 %inputs, %outputs
  %pointers = alloca ptr, i64 %all, align 8
  %quick = call i1 @ready(ptr %table, ptr %args, i64 %given, i64 %count, ptr %written, i64 %writes,
                       ptr %pointers)
  br i1 %quick, label %straight, label %slow

straight:
  %result = call ptr %finish(ptr %table, ptr %args, ptr %pointers)
  ret ptr %result

slow:
  %tuple = call ptr @PyObject_Vectorcall(ptr %convert, ptr %args, i64 %given, ptr null)
  %raised = icmp eq ptr %tuple, null
  br i1 %raised, label %failed, label %unpack

unpack:
  %fresh = alloca ptr, i64 %all, align 8
  br label %each

each:
  %i = phi i64 [ 0, %unpack ], [ %i.next, %item ]
  %more = icmp ult i64 %i, %count
  br i1 %more, label %item, label %again

item:
  %object = call ptr @PyTuple_GetItem(ptr %tuple, i64 %i)
  %place = getelementptr ptr, ptr %fresh, i64 %i
  store ptr %object, ptr %place, align 8
  %i.next = add i64 %i, 1
  br label %each

again:
  %good = call i1 @ready(ptr %table, ptr %fresh, i64 %count, i64 %count, ptr %written, i64 %writes,
                       ptr %pointers)
  br i1 %good, label %converted, label %broken

converted:
  %late = call ptr %finish(ptr %table, ptr %fresh, ptr %pointers)
  call void @Py_DecRef(ptr %tuple)
  ret ptr %late

broken:
  call void @Py_DecRef(ptr %tuple)
  call void @PyErr_SetString(ptr @irc_system_error, ptr @broken.text)
  br label %failed

failed:
  ret ptr null
}}

@broken.text = private constant [{len(_BROKEN) + 1} x i8] c"{_BROKEN}\\00"

define ptr @irc_call(ptr %self, ptr %args, i64 %given) {{
  %data.at = getelementptr i8, ptr %self, i64 {numpy_abi.ARRAY_DATA}
  %table = load ptr, ptr %data.at, align 8
  {_field("inputs", "table", INPUTS)}
  {_field("convert", "table", CONVERT, "ptr")}
  {_field("donated", "table", DONATED, "ptr")}
  {_field("donations", "table", DONATIONS)}
  %result = call ptr @enter(ptr %table, ptr %args, i64 %given, i64 %inputs, ptr %donated, i64 %donations,
                         ptr %convert, ptr @results)
  ret ptr %result
}}

define ptr @irc_call_into(ptr %self, ptr %args, i64 %given) {{
  %data.at = getelementptr i8, ptr %self, i64 {numpy_abi.ARRAY_DATA}
  %table = load ptr, ptr %data.at, align 8
  {_field("inputs", "table", INPUTS)}
  {_field("outputs", "table", OUTPUTS)}
  {_field("convert", "table", CONVERT_INTO, "ptr")}
  {_field("donated", "table", DONATED, "ptr")}
  {_field("donations", "table", DONATIONS)}
  %all = add i64 %inputs, %outputs
  %written = getelementptr i64, ptr %donated, i64 %donations
  %result = call ptr @enter(ptr %table, ptr %args, i64 %given, i64 %all, ptr %written, i64 %outputs,
                         ptr %convert, ptr @nothing)
  ret ptr %result
}}
"""

_DECLARATIONS = """
@PyArray_Type = external global i8
@Py_None = external global i8
@irc_system_error = external global i8
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyObject_CallNoArgs(ptr)
declare ptr @PyErr_NoMemory()
declare void @PyErr_SetString(ptr, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare ptr @PyTuple_GetItem(ptr, i64)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyArray_NewFromDescr(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare ptr @aligned_alloc(i64, i64)
declare i32 @madvise(ptr, i64, i32)
declare void @free(ptr)
"""

ENTRY_TEXT = _DECLARATIONS + _CHECKS + _ARENA + _CALLS
