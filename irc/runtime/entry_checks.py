"""LLVM text of an entry point's quick test: whether the arguments are arrays that can go in as they lie."""

from __future__ import annotations

from irc.runtime import numpy_abi
from irc.runtime.entry_table import BYTES, DIMS, FLAGS, HEADER, RANK, SPEC, WORD, field

CHECKS_TEXT = f"""
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
  {field("want.word", "spec", WORD)}
  {field("want.rank", "spec", RANK)}
  {field("want.flags", "spec", FLAGS)}
  {field("want.dims", "spec", DIMS, "ptr")}
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
