// RUN: opt expand -- random bits are the integer arithmetic of their generator
func.func @main(%s: tensor<2xui64>) -> (tensor<2xui64>, tensor<3xui32>) {
  %0, %1 = stablehlo.rng_bit_generator %s, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<3xui32>)
  return %0, %1 : tensor<2xui64>, tensor<3xui32>
}
// GIVES
module {
  func.func @main(%s: tensor<2xui64>) -> (tensor<2xui64>, tensor<3xui32>) {
    %0 = stablehlo.slice %s [0:1] : (tensor<2xui64>) -> tensor<1xui64>
    %1 = stablehlo.reshape %0 : (tensor<1xui64>) -> tensor<ui64>
    %2 = stablehlo.slice %s [1:2] : (tensor<2xui64>) -> tensor<1xui64>
    %3 = stablehlo.reshape %2 : (tensor<1xui64>) -> tensor<ui64>
    %4 = stablehlo.broadcast_in_dim %1, dims = [] : (tensor<ui64>) -> tensor<2xui64>
    %5 = stablehlo.constant dense<32> : tensor<ui64>
    %6 = stablehlo.broadcast_in_dim %5, dims = [] : (tensor<ui64>) -> tensor<2xui64>
    %7 = stablehlo.shift_right_logical %4, %6 : tensor<2xui64>
    %8 = stablehlo.convert %4 : (tensor<2xui64>) -> tensor<2xui32>
    %9 = stablehlo.convert %7 : (tensor<2xui64>) -> tensor<2xui32>
    %10 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<ui64>) -> tensor<2xui64>
    %11 = stablehlo.iota dim = 0 : tensor<2xui64>
    %12 = stablehlo.add %10, %11 : tensor<2xui64>
    %13 = stablehlo.constant dense<32> : tensor<ui64>
    %14 = stablehlo.broadcast_in_dim %13, dims = [] : (tensor<ui64>) -> tensor<2xui64>
    %15 = stablehlo.shift_right_logical %12, %14 : tensor<2xui64>
    %16 = stablehlo.convert %12 : (tensor<2xui64>) -> tensor<2xui32>
    %17 = stablehlo.convert %15 : (tensor<2xui64>) -> tensor<2xui32>
    %18 = stablehlo.xor %8, %9 : tensor<2xui32>
    %19 = stablehlo.constant dense<466688986> : tensor<ui32>
    %20 = stablehlo.broadcast_in_dim %19, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %21 = stablehlo.xor %18, %20 : tensor<2xui32>
    %22 = stablehlo.add %16, %8 : tensor<2xui32>
    %23 = stablehlo.add %17, %9 : tensor<2xui32>
    %24 = stablehlo.add %22, %23 : tensor<2xui32>
    %25 = stablehlo.constant dense<13> : tensor<ui32>
    %26 = stablehlo.broadcast_in_dim %25, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %27 = stablehlo.shift_left %23, %26 : tensor<2xui32>
    %28 = stablehlo.constant dense<19> : tensor<ui32>
    %29 = stablehlo.broadcast_in_dim %28, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %30 = stablehlo.shift_right_logical %23, %29 : tensor<2xui32>
    %31 = stablehlo.or %27, %30 : tensor<2xui32>
    %32 = stablehlo.xor %31, %24 : tensor<2xui32>
    %33 = stablehlo.add %24, %32 : tensor<2xui32>
    %34 = stablehlo.constant dense<15> : tensor<ui32>
    %35 = stablehlo.broadcast_in_dim %34, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %36 = stablehlo.shift_left %32, %35 : tensor<2xui32>
    %37 = stablehlo.constant dense<17> : tensor<ui32>
    %38 = stablehlo.broadcast_in_dim %37, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %39 = stablehlo.shift_right_logical %32, %38 : tensor<2xui32>
    %40 = stablehlo.or %36, %39 : tensor<2xui32>
    %41 = stablehlo.xor %40, %33 : tensor<2xui32>
    %42 = stablehlo.add %33, %41 : tensor<2xui32>
    %43 = stablehlo.constant dense<26> : tensor<ui32>
    %44 = stablehlo.broadcast_in_dim %43, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %45 = stablehlo.shift_left %41, %44 : tensor<2xui32>
    %46 = stablehlo.constant dense<6> : tensor<ui32>
    %47 = stablehlo.broadcast_in_dim %46, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %48 = stablehlo.shift_right_logical %41, %47 : tensor<2xui32>
    %49 = stablehlo.or %45, %48 : tensor<2xui32>
    %50 = stablehlo.xor %49, %42 : tensor<2xui32>
    %51 = stablehlo.add %42, %50 : tensor<2xui32>
    %52 = stablehlo.constant dense<6> : tensor<ui32>
    %53 = stablehlo.broadcast_in_dim %52, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %54 = stablehlo.shift_left %50, %53 : tensor<2xui32>
    %55 = stablehlo.constant dense<26> : tensor<ui32>
    %56 = stablehlo.broadcast_in_dim %55, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %57 = stablehlo.shift_right_logical %50, %56 : tensor<2xui32>
    %58 = stablehlo.or %54, %57 : tensor<2xui32>
    %59 = stablehlo.xor %58, %51 : tensor<2xui32>
    %60 = stablehlo.add %51, %9 : tensor<2xui32>
    %61 = stablehlo.add %59, %21 : tensor<2xui32>
    %62 = stablehlo.constant dense<1> : tensor<ui32>
    %63 = stablehlo.broadcast_in_dim %62, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %64 = stablehlo.add %61, %63 : tensor<2xui32>
    %65 = stablehlo.add %60, %64 : tensor<2xui32>
    %66 = stablehlo.constant dense<17> : tensor<ui32>
    %67 = stablehlo.broadcast_in_dim %66, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %68 = stablehlo.shift_left %64, %67 : tensor<2xui32>
    %69 = stablehlo.constant dense<15> : tensor<ui32>
    %70 = stablehlo.broadcast_in_dim %69, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %71 = stablehlo.shift_right_logical %64, %70 : tensor<2xui32>
    %72 = stablehlo.or %68, %71 : tensor<2xui32>
    %73 = stablehlo.xor %72, %65 : tensor<2xui32>
    %74 = stablehlo.add %65, %73 : tensor<2xui32>
    %75 = stablehlo.constant dense<29> : tensor<ui32>
    %76 = stablehlo.broadcast_in_dim %75, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %77 = stablehlo.shift_left %73, %76 : tensor<2xui32>
    %78 = stablehlo.constant dense<3> : tensor<ui32>
    %79 = stablehlo.broadcast_in_dim %78, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %80 = stablehlo.shift_right_logical %73, %79 : tensor<2xui32>
    %81 = stablehlo.or %77, %80 : tensor<2xui32>
    %82 = stablehlo.xor %81, %74 : tensor<2xui32>
    %83 = stablehlo.add %74, %82 : tensor<2xui32>
    %84 = stablehlo.constant dense<16> : tensor<ui32>
    %85 = stablehlo.broadcast_in_dim %84, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %86 = stablehlo.shift_left %82, %85 : tensor<2xui32>
    %87 = stablehlo.constant dense<16> : tensor<ui32>
    %88 = stablehlo.broadcast_in_dim %87, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %89 = stablehlo.shift_right_logical %82, %88 : tensor<2xui32>
    %90 = stablehlo.or %86, %89 : tensor<2xui32>
    %91 = stablehlo.xor %90, %83 : tensor<2xui32>
    %92 = stablehlo.add %83, %91 : tensor<2xui32>
    %93 = stablehlo.constant dense<24> : tensor<ui32>
    %94 = stablehlo.broadcast_in_dim %93, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %95 = stablehlo.shift_left %91, %94 : tensor<2xui32>
    %96 = stablehlo.constant dense<8> : tensor<ui32>
    %97 = stablehlo.broadcast_in_dim %96, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %98 = stablehlo.shift_right_logical %91, %97 : tensor<2xui32>
    %99 = stablehlo.or %95, %98 : tensor<2xui32>
    %100 = stablehlo.xor %99, %92 : tensor<2xui32>
    %101 = stablehlo.add %92, %21 : tensor<2xui32>
    %102 = stablehlo.add %100, %8 : tensor<2xui32>
    %103 = stablehlo.constant dense<2> : tensor<ui32>
    %104 = stablehlo.broadcast_in_dim %103, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %105 = stablehlo.add %102, %104 : tensor<2xui32>
    %106 = stablehlo.add %101, %105 : tensor<2xui32>
    %107 = stablehlo.constant dense<13> : tensor<ui32>
    %108 = stablehlo.broadcast_in_dim %107, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %109 = stablehlo.shift_left %105, %108 : tensor<2xui32>
    %110 = stablehlo.constant dense<19> : tensor<ui32>
    %111 = stablehlo.broadcast_in_dim %110, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %112 = stablehlo.shift_right_logical %105, %111 : tensor<2xui32>
    %113 = stablehlo.or %109, %112 : tensor<2xui32>
    %114 = stablehlo.xor %113, %106 : tensor<2xui32>
    %115 = stablehlo.add %106, %114 : tensor<2xui32>
    %116 = stablehlo.constant dense<15> : tensor<ui32>
    %117 = stablehlo.broadcast_in_dim %116, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %118 = stablehlo.shift_left %114, %117 : tensor<2xui32>
    %119 = stablehlo.constant dense<17> : tensor<ui32>
    %120 = stablehlo.broadcast_in_dim %119, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %121 = stablehlo.shift_right_logical %114, %120 : tensor<2xui32>
    %122 = stablehlo.or %118, %121 : tensor<2xui32>
    %123 = stablehlo.xor %122, %115 : tensor<2xui32>
    %124 = stablehlo.add %115, %123 : tensor<2xui32>
    %125 = stablehlo.constant dense<26> : tensor<ui32>
    %126 = stablehlo.broadcast_in_dim %125, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %127 = stablehlo.shift_left %123, %126 : tensor<2xui32>
    %128 = stablehlo.constant dense<6> : tensor<ui32>
    %129 = stablehlo.broadcast_in_dim %128, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %130 = stablehlo.shift_right_logical %123, %129 : tensor<2xui32>
    %131 = stablehlo.or %127, %130 : tensor<2xui32>
    %132 = stablehlo.xor %131, %124 : tensor<2xui32>
    %133 = stablehlo.add %124, %132 : tensor<2xui32>
    %134 = stablehlo.constant dense<6> : tensor<ui32>
    %135 = stablehlo.broadcast_in_dim %134, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %136 = stablehlo.shift_left %132, %135 : tensor<2xui32>
    %137 = stablehlo.constant dense<26> : tensor<ui32>
    %138 = stablehlo.broadcast_in_dim %137, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %139 = stablehlo.shift_right_logical %132, %138 : tensor<2xui32>
    %140 = stablehlo.or %136, %139 : tensor<2xui32>
    %141 = stablehlo.xor %140, %133 : tensor<2xui32>
    %142 = stablehlo.add %133, %8 : tensor<2xui32>
    %143 = stablehlo.add %141, %9 : tensor<2xui32>
    %144 = stablehlo.constant dense<3> : tensor<ui32>
    %145 = stablehlo.broadcast_in_dim %144, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %146 = stablehlo.add %143, %145 : tensor<2xui32>
    %147 = stablehlo.add %142, %146 : tensor<2xui32>
    %148 = stablehlo.constant dense<17> : tensor<ui32>
    %149 = stablehlo.broadcast_in_dim %148, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %150 = stablehlo.shift_left %146, %149 : tensor<2xui32>
    %151 = stablehlo.constant dense<15> : tensor<ui32>
    %152 = stablehlo.broadcast_in_dim %151, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %153 = stablehlo.shift_right_logical %146, %152 : tensor<2xui32>
    %154 = stablehlo.or %150, %153 : tensor<2xui32>
    %155 = stablehlo.xor %154, %147 : tensor<2xui32>
    %156 = stablehlo.add %147, %155 : tensor<2xui32>
    %157 = stablehlo.constant dense<29> : tensor<ui32>
    %158 = stablehlo.broadcast_in_dim %157, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %159 = stablehlo.shift_left %155, %158 : tensor<2xui32>
    %160 = stablehlo.constant dense<3> : tensor<ui32>
    %161 = stablehlo.broadcast_in_dim %160, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %162 = stablehlo.shift_right_logical %155, %161 : tensor<2xui32>
    %163 = stablehlo.or %159, %162 : tensor<2xui32>
    %164 = stablehlo.xor %163, %156 : tensor<2xui32>
    %165 = stablehlo.add %156, %164 : tensor<2xui32>
    %166 = stablehlo.constant dense<16> : tensor<ui32>
    %167 = stablehlo.broadcast_in_dim %166, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %168 = stablehlo.shift_left %164, %167 : tensor<2xui32>
    %169 = stablehlo.constant dense<16> : tensor<ui32>
    %170 = stablehlo.broadcast_in_dim %169, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %171 = stablehlo.shift_right_logical %164, %170 : tensor<2xui32>
    %172 = stablehlo.or %168, %171 : tensor<2xui32>
    %173 = stablehlo.xor %172, %165 : tensor<2xui32>
    %174 = stablehlo.add %165, %173 : tensor<2xui32>
    %175 = stablehlo.constant dense<24> : tensor<ui32>
    %176 = stablehlo.broadcast_in_dim %175, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %177 = stablehlo.shift_left %173, %176 : tensor<2xui32>
    %178 = stablehlo.constant dense<8> : tensor<ui32>
    %179 = stablehlo.broadcast_in_dim %178, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %180 = stablehlo.shift_right_logical %173, %179 : tensor<2xui32>
    %181 = stablehlo.or %177, %180 : tensor<2xui32>
    %182 = stablehlo.xor %181, %174 : tensor<2xui32>
    %183 = stablehlo.add %174, %9 : tensor<2xui32>
    %184 = stablehlo.add %182, %21 : tensor<2xui32>
    %185 = stablehlo.constant dense<4> : tensor<ui32>
    %186 = stablehlo.broadcast_in_dim %185, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %187 = stablehlo.add %184, %186 : tensor<2xui32>
    %188 = stablehlo.add %183, %187 : tensor<2xui32>
    %189 = stablehlo.constant dense<13> : tensor<ui32>
    %190 = stablehlo.broadcast_in_dim %189, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %191 = stablehlo.shift_left %187, %190 : tensor<2xui32>
    %192 = stablehlo.constant dense<19> : tensor<ui32>
    %193 = stablehlo.broadcast_in_dim %192, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %194 = stablehlo.shift_right_logical %187, %193 : tensor<2xui32>
    %195 = stablehlo.or %191, %194 : tensor<2xui32>
    %196 = stablehlo.xor %195, %188 : tensor<2xui32>
    %197 = stablehlo.add %188, %196 : tensor<2xui32>
    %198 = stablehlo.constant dense<15> : tensor<ui32>
    %199 = stablehlo.broadcast_in_dim %198, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %200 = stablehlo.shift_left %196, %199 : tensor<2xui32>
    %201 = stablehlo.constant dense<17> : tensor<ui32>
    %202 = stablehlo.broadcast_in_dim %201, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %203 = stablehlo.shift_right_logical %196, %202 : tensor<2xui32>
    %204 = stablehlo.or %200, %203 : tensor<2xui32>
    %205 = stablehlo.xor %204, %197 : tensor<2xui32>
    %206 = stablehlo.add %197, %205 : tensor<2xui32>
    %207 = stablehlo.constant dense<26> : tensor<ui32>
    %208 = stablehlo.broadcast_in_dim %207, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %209 = stablehlo.shift_left %205, %208 : tensor<2xui32>
    %210 = stablehlo.constant dense<6> : tensor<ui32>
    %211 = stablehlo.broadcast_in_dim %210, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %212 = stablehlo.shift_right_logical %205, %211 : tensor<2xui32>
    %213 = stablehlo.or %209, %212 : tensor<2xui32>
    %214 = stablehlo.xor %213, %206 : tensor<2xui32>
    %215 = stablehlo.add %206, %214 : tensor<2xui32>
    %216 = stablehlo.constant dense<6> : tensor<ui32>
    %217 = stablehlo.broadcast_in_dim %216, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %218 = stablehlo.shift_left %214, %217 : tensor<2xui32>
    %219 = stablehlo.constant dense<26> : tensor<ui32>
    %220 = stablehlo.broadcast_in_dim %219, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %221 = stablehlo.shift_right_logical %214, %220 : tensor<2xui32>
    %222 = stablehlo.or %218, %221 : tensor<2xui32>
    %223 = stablehlo.xor %222, %215 : tensor<2xui32>
    %224 = stablehlo.add %215, %21 : tensor<2xui32>
    %225 = stablehlo.add %223, %8 : tensor<2xui32>
    %226 = stablehlo.constant dense<5> : tensor<ui32>
    %227 = stablehlo.broadcast_in_dim %226, dims = [] : (tensor<ui32>) -> tensor<2xui32>
    %228 = stablehlo.add %225, %227 : tensor<2xui32>
    %229 = stablehlo.reshape %224 : (tensor<2xui32>) -> tensor<2x1xui32>
    %230 = stablehlo.reshape %228 : (tensor<2xui32>) -> tensor<2x1xui32>
    %231 = stablehlo.concatenate %229, %230, dim = 1 : (tensor<2x1xui32>, tensor<2x1xui32>) -> tensor<2x2xui32>
    %232 = stablehlo.reshape %231 : (tensor<2x2xui32>) -> tensor<4xui32>
    %233 = stablehlo.slice %232 [0:3] : (tensor<4xui32>) -> tensor<3xui32>
    %234 = stablehlo.reshape %233 : (tensor<3xui32>) -> tensor<3xui32>
    %235 = stablehlo.constant dense<2> : tensor<ui64>
    %236 = stablehlo.add %3, %235 : tensor<ui64>
    %237 = stablehlo.reshape %1 : (tensor<ui64>) -> tensor<1xui64>
    %238 = stablehlo.reshape %236 : (tensor<ui64>) -> tensor<1xui64>
    %239 = stablehlo.concatenate %237, %238, dim = 0 : (tensor<1xui64>, tensor<1xui64>) -> tensor<2xui64>
    return %239, %234 : tensor<2xui64>, tensor<3xui32>
  }
}
