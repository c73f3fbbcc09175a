// FOUND text -- AttributeError: a resource whose type has no elements
func.func @f() {
  %0 = arith.constant dense_resource<w> : !other.type
  return
}
{-#
  dialect_resources: {
    builtin: {
      w: "0x0400000000"
    }
  }
#-}
