"""The LLVM text of the entry point (see ``entry``): the calls themselves, between the checks and the arena."""

from __future__ import annotations

from irc.runtime import numpy_abi
from irc.runtime.arena_text import ARENA_TEXT
from irc.runtime.entry_checks import CHECKS_TEXT
from irc.runtime.entry_table import (
    ARENA,
    CONVERT,
    CONVERT_INTO,
    DIMS,
    DONATED,
    DONATIONS,
    DONOR,
    DTYPE,
    HEADER,
    INPUTS,
    KEEP_GIL,
    MAKER,
    OUTPUTS,
    PROGRAM,
    RANK,
    SIZES,
    SPEC,
    field,
)

_BROKEN = "irc: arguments do not fit even after their conversion"

_CALLS = f"""
; Run the program; false, with a Python error set, where there is no memory for its arena.
define internal i1 @run(ptr %table, ptr %pointers) {{
entry:
  {field("program", "table", PROGRAM, "ptr")}
  {field("bytes", "table", ARENA)}
  {field("keep", "table", KEEP_GIL)}
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
  {field("donor", "spec", DONOR)}
  {field("maker", "spec", MAKER, "ptr")}
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
  {field("dtype", "spec", DTYPE, "ptr")}
  {field("rank", "spec", RANK)}
  {field("dims", "spec", DIMS, "ptr")}
  %rank32 = trunc i64 %rank to i32
  call void @Py_IncRef(ptr %dtype)
  %array = call ptr @PyArray_NewFromDescr(ptr @PyArray_Type, ptr %dtype, i32 %rank32, ptr %dims,
                                         ptr null, ptr null, i32 0, ptr null)
  ret ptr %array
}}

; The list of results of a call whose inputs are in %pointers; the outputs' pointers are added to them.
define internal ptr @results(ptr %table, ptr %args, ptr %pointers) {{
entry:
  {field("inputs", "table", INPUTS)}
  {field("outputs", "table", OUTPUTS)}
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
  {field("inputs", "table", INPUTS)}
  {field("outputs", "table", OUTPUTS)}
  %all = add i64 %inputs, %outputs
  %more.one = add i64 %all, 1
  %pointers = alloca ptr, i64 %more.one, align 8
  {field("sizes", "table", SIZES, "ptr")}
  %sizes.slot = getelementptr ptr, ptr %pointers, i64 %all
  store ptr %sizes, ptr %sizes.slot, align 8
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
  {field("inputs", "table", INPUTS)}
  {field("convert", "table", CONVERT, "ptr")}
  {field("donated", "table", DONATED, "ptr")}
  {field("donations", "table", DONATIONS)}
  %result = call ptr @enter(ptr %table, ptr %args, i64 %given, i64 %inputs, ptr %donated, i64 %donations,
                         ptr %convert, ptr @results)
  ret ptr %result
}}

define ptr @irc_call_into(ptr %self, ptr %args, i64 %given) {{
  %data.at = getelementptr i8, ptr %self, i64 {numpy_abi.ARRAY_DATA}
  %table = load ptr, ptr %data.at, align 8
  {field("inputs", "table", INPUTS)}
  {field("outputs", "table", OUTPUTS)}
  {field("convert", "table", CONVERT_INTO, "ptr")}
  {field("donated", "table", DONATED, "ptr")}
  {field("donations", "table", DONATIONS)}
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

ENTRY_TEXT = _DECLARATIONS + CHECKS_TEXT + ARENA_TEXT + _CALLS
