// FOUND text -- ValueError: 01 was taken for no number of Python's
func.func @f() attributes {a = 01 : i32, b = dense<[007, -08]> : tensor<2xi8>} {
  return
}
