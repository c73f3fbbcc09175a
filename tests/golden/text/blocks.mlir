// RUN: print -- labelled blocks, successors and values used before the block that defines them, in the generic form
"func.func"() <{function_type = (i1) -> i32, sym_name = "main"}> ({
^bb0(%c: i1):
  "test.branch"(%c)[^bb2, ^bb3] : (i1) -> ()
^bb1:
  "test.end"(%late) : (i32) -> ()
^bb2:
  %late = "test.make"() {"with space" = 1 : i32, flag} : () -> i32
  "test.jump"()[^bb1] : () -> ()
^bb3:
  "test.end"(%c) : (i1) -> ()
}) : () -> ()
// GIVES
module {
  func.func @main(%c: i1) -> i32 {
    "test.branch"(%c)[^bb2, ^bb3] : (i1) -> ()
  ^bb1:
    "test.end"(%late) : (i32) -> ()
  ^bb2:
    %late = "test.make"() {flag, "with space" = 1 : i32} : () -> i32
    "test.jump"()[^bb1] : () -> ()
  ^bb3:
    "test.end"(%c) : (i1) -> ()
  }
}
