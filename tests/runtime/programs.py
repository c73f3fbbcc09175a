"""Small programs for the runtime's tests, as LLVM text, and one as StableHLO."""

from __future__ import annotations

ADD = """
define void @irc_main(ptr %args, ptr %arena) {
  %a = load ptr, ptr %args
  %b.at = getelementptr ptr, ptr %args, i64 1
  %b = load ptr, ptr %b.at
  %out.at = getelementptr ptr, ptr %args, i64 2
  %out = load ptr, ptr %out.at
  %x = load <16 x float>, ptr %a, align 4
  %y = load <16 x float>, ptr %b, align 4
  %sum = fadd <16 x float> %x, %y
  store <16 x float> %sum, ptr %out, align 4
  ret void
}
"""

# Adds one to element `ticket` of the output, after a little work, for each of TICKETS tickets; 20 regions a
# call.
COUNT = """
declare void @irc_parallel(ptr, ptr, i64)

define internal void @body(ptr %ctx, i64 %ticket) {
entry:
  br label %work
work:
  %i = phi i64 [ 0, %entry ], [ %i.next, %work ]
  %i.next = add i64 %i, 1
  call void asm sideeffect "", ""()
  %more = icmp ult i64 %i.next, 50
  br i1 %more, label %work, label %count
count:
  %at = getelementptr i64, ptr %ctx, i64 %ticket
  %old = load i64, ptr %at
  %new = add i64 %old, 1
  store i64 %new, ptr %at
  ret void
}

define void @irc_main(ptr %args, ptr %arena) {
entry:
  %in = load ptr, ptr %args
  %out.at = getelementptr ptr, ptr %args, i64 1
  %out = load ptr, ptr %out.at
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %in, i64 TICKETS_BYTES, i1 false)
  br label %region
region:
  %r = phi i64 [ 0, %entry ], [ %r.next, %region ]
  call void @irc_parallel(ptr @body, ptr %out, i64 TICKETS)
  %r.next = add i64 %r, 1
  %more = icmp ult i64 %r.next, 20
  br i1 %more, label %region, label %done
done:
  ret void
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""


def count(tickets: int) -> str:
    return COUNT.replace("TICKETS_BYTES", str(8 * tickets)).replace("TICKETS", str(tickets))


# Every ticket of the outer region opens a region of its own over 8 elements.
NESTED = """
declare void @irc_parallel(ptr, ptr, i64)

define internal void @inner(ptr %ctx, i64 %ticket) {
  %at = getelementptr i64, ptr %ctx, i64 %ticket
  %old = load i64, ptr %at
  %new = add i64 %old, 1
  store i64 %new, ptr %at
  ret void
}

define internal void @outer(ptr %ctx, i64 %ticket) {
  %offset = mul i64 %ticket, 8
  %at = getelementptr i64, ptr %ctx, i64 %offset
  call void @irc_parallel(ptr @inner, ptr %at, i64 8)
  ret void
}

define void @irc_main(ptr %args, ptr %arena) {
  %in = load ptr, ptr %args
  %out.at = getelementptr ptr, ptr %args, i64 1
  %out = load ptr, ptr %out.at
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %in, i64 512, i1 false)
  call void @irc_parallel(ptr @outer, ptr %out, i64 8)
  ret void
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""

# Copies the input into the arena, and the arena, doubled, into the output: wrong where two calls share an
# arena.
THROUGH_ARENA = """
define void @irc_main(ptr %args, ptr %arena) {
entry:
  %in = load ptr, ptr %args
  %out.at = getelementptr ptr, ptr %args, i64 1
  %out = load ptr, ptr %out.at
  call void @llvm.memcpy.p0.p0.i64(ptr %arena, ptr %in, i64 32768, i1 false)
  br label %each
each:
  %i = phi i64 [ 0, %entry ], [ %i.next, %each ]
  %from = getelementptr i64, ptr %arena, i64 %i
  %x = load i64, ptr %from
  %y = shl i64 %x, 1
  %to = getelementptr i64, ptr %out, i64 %i
  store i64 %y, ptr %to
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, 4096
  br i1 %more, label %each, label %done
done:
  ret void
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""

NOTHING = """
define void @irc_main(ptr %args, ptr %arena) {
  ret void
}
"""

PRODUCT = """
func.func @main(%x: tensor<40x70xf32>, %y: tensor<70x50xf32>) -> (tensor<40x50xf32>, tensor<40xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<40x70xf32>, tensor<70x50xf32>) -> tensor<40x50xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<40x50xf32>, tensor<f32>) -> tensor<40xf32>
  return %0, %1 : tensor<40x50xf32>, tensor<40xf32>
}"""

# One region of 8 tickets. Each notes the thread it ran on; one on another thread than element 0 of the input names sleeps
# as many microseconds as element 1 says, as a thread does that lost its processor.
SLOW_WORKERS = """
declare void @irc_parallel(ptr, ptr, i64)
declare i64 @pthread_self()
declare i32 @usleep(i32)

define internal void @body(ptr %args, i64 %ticket) {
entry:
  %in = load ptr, ptr %args
  %out.at = getelementptr ptr, ptr %args, i64 1
  %out = load ptr, ptr %out.at
  %me = call i64 @pthread_self()
  %caller = load i64, ptr %in
  %pause.at = getelementptr i64, ptr %in, i64 1
  %pause = load i64, ptr %pause.at
  %pause32 = trunc i64 %pause to i32
  %is.caller = icmp eq i64 %me, %caller
  %time = select i1 %is.caller, i32 1000, i32 %pause32
  %slept = call i32 @usleep(i32 %time)
  %place = getelementptr i64, ptr %out, i64 %ticket
  store i64 %me, ptr %place
  ret void
}

define void @irc_main(ptr %args, ptr %arena) {
  call void @irc_parallel(ptr @body, ptr %args, i64 8)
  ret void
}
"""
