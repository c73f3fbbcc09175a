// FOUND text -- KeyError: f80 has no NumPy dtype
module attributes {a = 1 : f80} {
}
