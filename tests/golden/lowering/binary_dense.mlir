module {
  func.func @binary_dense(%arg0: !bf.stream<ui3> {bf.lanes_of = 6 : i64, bf.name = "x"}, %arg1: memref<4x2xui3> {bf.lanes_of = 6 : i64, bf.name = "w", bf.partition = [{dim = 1 : i64, factor = 2 : i64, kind = "cyclic"}]}, %arg2: memref<4xsi16> {bf.name = "t"}, %arg3: !bf.stream<ui1> {bf.name = "y"}) attributes {bf.kernel = "binary_dense"} {
    %alloca = memref.alloca() {bf.lanes_of = 6 : i64, bf.name = "x_buffer"} : memref<2xui3>
    %alloca_0 = memref.alloca() {bf.name = "acc", bf.partition = [{dim = 1 : i64, factor = 0 : i64, kind = "complete"}]} : memref<2xui16>
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    scf.for %arg4 = %c0 to %c2 step %c1 {
      %c1_1 = arith.constant 1 : index
      %c0_2 = arith.constant 0 : index
      %c2_3 = arith.constant 2 : index
      scf.for %arg5 = %c0_2 to %c2_3 step %c1_1 {
        %0 = "bf.from_index"(%arg5) : (index) -> ui1
        %1 = "bf.constant"() {value = 0 : ui1} : () -> ui1
        %2 = "bf.cmp"(%0, %1) {pred = "=="} : (ui1, ui1) -> ui1
        %3 = "bf.condition"(%2) : (ui1) -> i1
        scf.if %3 {
          %c1_7 = arith.constant 1 : index
          %c0_8 = arith.constant 0 : index
          %c2_9 = arith.constant 2 : index
          scf.for %arg6 = %c0_8 to %c2_9 step %c1_7 {
            %12 = "bf.constant"() {value = 0 : ui1} : () -> ui1
            %13 = "bf.cast"(%12) : (ui1) -> ui16
            memref.store %13, %alloca_0[%arg6] : memref<2xui16>
          } {bf.name = "m_i_1", bf.unroll = -1 : i64}
        }
        %4 = "bf.from_index"(%arg4) : (index) -> ui1
        %5 = "bf.constant"() {value = 0 : ui1} : () -> ui1
        %6 = "bf.cmp"(%4, %5) {pred = "=="} : (ui1, ui1) -> ui1
        %7 = "bf.condition"(%6) : (ui1) -> i1
        scf.if %7 {
          %12 = "bf.get"(%arg0) : (!bf.stream<ui3>) -> ui3
          memref.store %12, %alloca[%arg5] : memref<2xui3>
        }
        %c1_4 = arith.constant 1 : index
        %c0_5 = arith.constant 0 : index
        %c2_6 = arith.constant 2 : index
        scf.for %arg6 = %c0_5 to %c2_6 step %c1_4 {
          %12 = memref.load %alloca_0[%arg6] : memref<2xui16>
          %c2_7 = arith.constant 2 : index
          %13 = arith.muli %arg4, %c2_7 : index
          %14 = arith.addi %13, %arg6 : index
          %15 = memref.load %arg1[%14, %arg5] : memref<4x2xui3>
          %16 = memref.load %alloca[%arg5] : memref<2xui3>
          %17 = "bf.xnor"(%15, %16) : (ui3, ui3) -> ui3
          %18 = "bf.popcount"(%17) : (ui3) -> ui2
          %19 = "bf.add"(%12, %18) : (ui16, ui2) -> ui17
          %20 = "bf.cast"(%19) : (ui17) -> ui16
          memref.store %20, %alloca_0[%arg6] : memref<2xui16>
        } {bf.name = "m_i", bf.unroll = -1 : i64}
        %8 = "bf.from_index"(%arg5) : (index) -> ui1
        %9 = "bf.constant"() {value = 1 : ui1} : () -> ui1
        %10 = "bf.cmp"(%8, %9) {pred = "=="} : (ui1, ui1) -> ui1
        %11 = "bf.condition"(%10) : (ui1) -> i1
        scf.if %11 {
          %c1_7 = arith.constant 1 : index
          %c0_8 = arith.constant 0 : index
          %c2_9 = arith.constant 2 : index
          scf.for %arg6 = %c0_8 to %c2_9 step %c1_7 {
            %12 = memref.load %alloca_0[%arg6] : memref<2xui16>
            %c2_10 = arith.constant 2 : index
            %13 = arith.muli %arg4, %c2_10 : index
            %14 = arith.addi %13, %arg6 : index
            %15 = memref.load %arg2[%14] : memref<4xsi16>
            %16 = "bf.cmp"(%12, %15) {pred = ">="} : (ui16, si16) -> ui1
            "bf.put"(%arg3, %16) : (!bf.stream<ui1>, ui1) -> ()
          } {bf.name = "m_i_2", bf.unroll = -1 : i64}
        }
      } {bf.name = "k_o", bf.pipeline = 1 : i64}
    } {bf.flatten, bf.name = "m_o"}
    return
  }
}
