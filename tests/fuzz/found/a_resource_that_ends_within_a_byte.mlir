// FOUND text -- ValueError: half a byte
func.func @f() {
  %0 = arith.constant dense_resource<w> : tensor<i8>
  return
}
{-#
  dialect_resources: {
    builtin: {
      w: "0x04000000000"
    }
  }
#-}
