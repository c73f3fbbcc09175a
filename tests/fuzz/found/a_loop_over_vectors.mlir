// FOUND text -- pretty form not read: a loop that counts in vectors
func.func @f(%a: vector<4xf32>) {
  scf.for %i = %a to %a step %a : vector<4xf32> {
  }
  return
}
