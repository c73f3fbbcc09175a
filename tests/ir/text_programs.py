"""Programs in MLIR's text, by name: what the round-trip tests read and print."""

from __future__ import annotations

KERNEL = """
#map = affine_map<(d0, d1) -> (d0, 0)>
module {
  memref.global "private" constant @w : memref<2x2xf32> = dense<[[1.0, 2.0], [3.0, 0x7F800001]]> {alignment = 64 : i64}
  memref.global @u : memref<4xf32> = uninitialized
  func.func @k(%a: memref<8x16xf32, strided<[16, 1], offset: ?>>, %b: memref<?x16xf32>, %n: index, %x: f32, %c: i1) -> f32 attributes {llvm.emit_c_interface} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %t = arith.constant true
    %v0 = arith.constant dense<0.0> : vector<4x8xf32>
    %i32 = arith.constant -3 : i32
    %g = memref.get_global @w : memref<2x2xf32>
    %al = memref.alloca() {alignment = 64 : i64} : memref<4x8xf32>
    %al2 = memref.alloca(%n) : memref<?x8xf32>
    %sv = memref.subview %b[%c0, 4] [8, 8] [1, 1] : memref<?x16xf32> to memref<8x8xf32, strided<[16, 1], offset: ?>>
    %rc = memref.reinterpret_cast %b to offset: [0], sizes: [4, %n], strides: [1, 1] : memref<?x16xf32> to memref<4x?xf32, strided<[1, 1]>>
    %ca = memref.cast %b : memref<?x16xf32> to memref<?x?xf32>
    %d = memref.dim %b, %c0 : memref<?x16xf32>
    %co = memref.collapse_shape %al [[0, 1]] : memref<4x8xf32> into memref<32xf32>
    %ex = memref.expand_shape %co [[0, 1]] output_shape [4, 8] : memref<32xf32> into memref<4x8xf32>
    memref.prefetch %b[%c0, %c1], read, locality<3>, data : memref<?x16xf32>
    %l = memref.load %a[%c0, %c1] : memref<8x16xf32, strided<[16, 1], offset: ?>>
    memref.store %l, %b[%c0, %c1] {nontemporal = true} : memref<?x16xf32>
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %x) -> (f32) {
      %s = arith.addf %acc, %l : f32
      scf.yield %s : f32
    }
    scf.for %i = %c0 to %n step %c1 {
      memref.store %r, %b[%i, %c0] : memref<?x16xf32>
    } {tag = "x"}
    scf.for %i = %i32 to %i32 step %i32 : i32 {
    }
    scf.forall (%i, %j) in (4, 8) {
      %k = arith.addi %i, %j : index
      memref.store %r, %b[%k, %c0] : memref<?x16xf32>
    }
    scf.forall (%i) = (0) to (%n) step (4) {
    }
    %q = scf.if %c -> (f32) {
      scf.yield %x : f32
    } else {
      scf.yield %r : f32
    }
    scf.if %c { scf.yield } else { scf.yield }
    %w:2 = scf.while (%p = %x, %m = %c0) : (f32, index) -> (f32, index) {
      %lt = arith.cmpi slt, %m, %n : index
      scf.condition(%lt) %p, %m : f32, index
    } do {
    ^bb0(%p: f32, %m: index):
      %m1 = arith.addi %m, %c1 : index
      scf.yield %p, %m1 : f32, index
    }
    %mask = vector.create_mask %n, %n : vector<4x8xi1>
    %cm = vector.constant_mask [4, 4] : vector<4x8xi1>
    %tr = vector.transfer_read %b[%c0, %c0], %x, %mask {in_bounds = [true, true], permutation_map = affine_map<(d0, d1) -> (d0, d1)>} : memref<?x16xf32>, vector<4x8xf32>
    %tb = vector.transfer_read %b[%c0, %c0], %x {in_bounds = [true, true], permutation_map = #map} : memref<?x16xf32>, vector<4x8xf32>
    vector.transfer_write %tr, %b[%c0, %c0], %mask : vector<4x8xf32>, memref<?x16xf32>
    vector.transfer_write %tr, %b[%c0, %c0] {in_bounds = [true, false]} : vector<4x8xf32>, memref<?x16xf32>
    %lv = vector.load %b[%c0, %c0] {alignment = 64 : i64} : memref<?x16xf32>, vector<8xf32>
    vector.store %lv, %b[%c0, %c0] : memref<?x16xf32>, vector<8xf32>
    %bc = vector.broadcast %x : f32 to vector<4x8xf32>
    %A = vector.broadcast %x : f32 to vector<4x16xf32>
    %B = vector.broadcast %x : f32 to vector<16x8xf32>
    %ct = vector.contract {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %A, %B, %bc {foo} : vector<4x16xf32>, vector<16x8xf32> into vector<4x8xf32>
    %f = vector.fma %bc, %bc, %ct : vector<4x8xf32>
    %e = vector.extract %f[0, 3] : f32 from vector<4x8xf32>
    %e2 = vector.extract %f[0] : vector<8xf32> from vector<4x8xf32>
    %in = vector.insert %e, %f [0, 4] : f32 into vector<4x8xf32>
    %es = vector.extract_strided_slice %f {offsets = [0, 2], sizes = [4, 2], strides = [1, 1]} : vector<4x8xf32> to vector<4x2xf32>
    %is = vector.insert_strided_slice %es, %f {offsets = [0, 2], strides = [1, 1]} : vector<4x2xf32> into vector<4x8xf32>
    %sh = vector.shuffle %lv, %lv [0, 2, 4] : vector<8xf32>, vector<8xf32>
    %mr = vector.multi_reduction <add>, %f, %lv [0] : vector<4x8xf32> to vector<8xf32>
    %tp = vector.transpose %f, [1, 0] : vector<4x8xf32> to vector<8x4xf32>
    %sc = vector.shape_cast %f : vector<4x8xf32> to vector<32xf32>
    %bt = vector.bitcast %f : vector<4x8xf32> to vector<4x8xi32>
    %idx = vector.step : vector<8xindex>
    %m8 = vector.create_mask %n : vector<8xi1>
    %ga = vector.gather %b[%c0, %c0] [%idx], %m8, %lv : memref<?x16xf32>, vector<8xindex>, vector<8xi1>, vector<8xf32> into vector<8xf32>
    vector.scatter %b[%c0, %c0] [%idx], %m8, %lv : memref<?x16xf32>, vector<8xindex>, vector<8xi1>, vector<8xf32>
    %sel = arith.select %c, %x, %r : f32
    %selv = arith.select %mask, %f, %f : vector<4x8xi1>, vector<4x8xf32>
    %cf = arith.cmpf oeq, %x, %r : f32
    %ic = arith.index_cast %n : index to i64
    %ef = arith.extf %x : f32 to f64
    %mx = math.exp %f : vector<4x8xf32>
    %ma = arith.maximumf %x, %r : f32
    return %e : f32
  }
}
"""

TENSOR = """
module @m attributes {mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<4x8xf32> {jax.buffer_donor = true}, %arg1: tensor<8x4xf32>, %s: tensor<i32>) -> (tensor<4x4xf32> {jax.result_info = "result"}, tensor<i1>) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT], algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false> : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
    %1 = stablehlo.dot_general %arg0, %arg0, batching_dims = [0] x [0], contracting_dims = [1] x [1], precision = [HIGHEST, DEFAULT] : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4xf32>
    %2 = stablehlo.iota dim = 0 {tag} : tensor<4xi32>
    %3 = stablehlo.compare LT, %2, %2, SIGNED : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>
    %4 = stablehlo.select %3, %1, %1 : tensor<4xi1>, tensor<4xf32>
    %5 = stablehlo.complex %1, %1 : tensor<4xcomplex<f32>>
    %6 = stablehlo.abs %5 : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
    %7 = stablehlo.pad %4, %c, low = [1], high = [-1], interior = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    %8 = stablehlo.concatenate %4, %7, dim = 0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
    %9 = stablehlo.dynamic_slice %8, %s, sizes = [4] : (tensor<8xf32>, tensor<i32>) -> tensor<4xf32>
    %10 = stablehlo.reverse %9, dims = [0] : tensor<4xf32>
    %11:2 = stablehlo.optimization_barrier %10, %9 : tensor<4xf32>, tensor<4xf32>
    %12 = stablehlo.reduce_precision %10, format = e5m10 : tensor<4xf32>
    %13 = stablehlo.custom_call @Sharding(%12) {backend_config = "", mhlo.sharding = "{replicated}"} : (tensor<4xf32>) -> tensor<4xf32>
    %14 = stablehlo.tuple %13, %s : tuple<tensor<4xf32>, tensor<i32>>
    %15 = stablehlo.get_tuple_element %14[0] : (tuple<tensor<4xf32>, tensor<i32>>) -> tensor<4xf32>
    %16 = "stablehlo.gather"(%0, %17) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 4>}> : (tensor<4x4xf32>, tensor<2x1xi32>) -> tensor<2x4xf32>
    %18 = "stablehlo.case"(%s) ({
      stablehlo.return %1 : tensor<4xf32>
    }, {
      stablehlo.return %15 : tensor<4xf32>
    }) : (tensor<i32>) -> tensor<4xf32>
    %19:2 = "stablehlo.reduce_window"(%0, %0, %c, %c) <{padding = dense<0> : tensor<2x2xi64>, window_dimensions = array<i64: 2, 2>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>, %d: tensor<f32>, %e: tensor<f32>):
      stablehlo.return %a, %b : tensor<f32>, tensor<f32>
    }) : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<f32>, tensor<f32>) -> (tensor<3x3xf32>, tensor<3x3xf32>)
    %20 = "stablehlo.if"(%p) ({
      stablehlo.return %18 : tensor<4xf32>
    }, {
      stablehlo.return %13 : tensor<4xf32>
    }) : (tensor<i1>) -> tensor<4xf32>
    return %0, %p : tensor<4x4xf32>, tensor<i1>
  }
}
"""

ODD_SPELLINGS = """
// Comments, blank lines, quoted names, results in groups, several statements on a line.
!t = tensor<2xf32>
#note = "kept"
module   @"a b" attributes {  test.x  =  #note  , "test.y z"   } {
  // a comment with a { brace and a "quote
  func.func private @"f g"(!t) -> (!t, !t) func.func @main ( %x : !t ) -> !t { // one line
    %a:2 = func.call @"f g" ( %x ) : ( !t ) -> ( !t , !t ) %b = stablehlo.add
      %a#0, // the first
      %a#1 : !t return %b : !t } }
"""

PROGRAMS = {"kernel": KERNEL, "odd_spellings": ODD_SPELLINGS}
PROGRAMS["tensor"] = TENSOR.replace(
    "    %0 = stablehlo.dot_general",
    "    %c = stablehlo.constant dense<0.0> : tensor<f32>\n"
    "    %p = stablehlo.constant dense<true> : tensor<i1>\n"
    "    %17 = stablehlo.constant dense<[[0], [1]]> : tensor<2x1xi32>\n    %0 = stablehlo.dot_general",
    1,
)
