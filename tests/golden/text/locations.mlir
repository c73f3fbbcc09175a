// RUN: print -- locations come out as aliases at the end, those inside others before them
#file = loc("model.py":12:8)
func.func @main(%x: tensor<2xf32> loc("x")) -> tensor<2xf32> {
  %y = stablehlo.add %x, %x : tensor<2xf32> loc(#file)
  %z = stablehlo.multiply %y, %x : tensor<2xf32> loc("net.fc1"(#file))
  %w = stablehlo.negate %z : tensor<2xf32> loc(fused<"grad of">["net.fc1", #file])
  %v = stablehlo.abs %w : tensor<2xf32> loc(callsite("f" at "model.py":3:4 to :9))
  return %v : tensor<2xf32> loc(unknown)
} loc(#late)
#late = loc("model.py":1:1)
// GIVES
module {
  func.func @main(%x: tensor<2xf32> loc(#loc0)) -> tensor<2xf32> {
    %y = stablehlo.add %x, %x : tensor<2xf32> loc(#loc1)
    %z = stablehlo.multiply %y, %x : tensor<2xf32> loc(#loc2)
    %w = stablehlo.negate %z : tensor<2xf32> loc(#loc4)
    %v = stablehlo.abs %w : tensor<2xf32> loc(#loc7)
    return %v : tensor<2xf32>
  } loc(#loc8)
}
#loc0 = loc("x")
#loc1 = loc("model.py":12:8)
#loc2 = loc("net.fc1"(#loc1))
#loc3 = loc("net.fc1")
#loc4 = loc(fused<"grad of">[#loc3, #loc1])
#loc5 = loc("f")
#loc6 = loc("model.py":3:4 to :9)
#loc7 = loc(callsite(#loc5 at #loc6))
#loc8 = loc("model.py":1:1)
