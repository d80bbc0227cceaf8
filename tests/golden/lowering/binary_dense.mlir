module {
  func.func @binary_dense(%arg0: !bf.stream<ui3> {bf.lanes_of = 6 : i64, bf.name = "x"}, %arg1: memref<4x2xui3> {bf.lanes_of = 6 : i64, bf.name = "w", bf.partition = [{dim = 1 : i64, factor = 2 : i64, kind = "cyclic"}]}, %arg2: memref<4xsi16> {bf.name = "t", bf.partition = [{dim = 1 : i64, factor = 2 : i64, kind = "cyclic"}]}, %arg3: !bf.stream<ui2> {bf.lanes_of = 4 : i64, bf.name = "y"}) attributes {bf.kernel = "binary_dense"} {
    %alloca = memref.alloca() {bf.lanes_of = 6 : i64, bf.name = "x_buffer"} : memref<2xui3>
    %alloca_0 = memref.alloca() {bf.name = "acc", bf.partition = [{dim = 1 : i64, factor = 0 : i64, kind = "complete"}]} : memref<2xui16>
    %alloca_1 = memref.alloca() {bf.name = "y_word"} : memref<ui2>
    %0 = "bf.constant"() {value = 0 : ui1} : () -> ui1
    %1 = "bf.cast"(%0) : (ui1) -> ui2
    memref.store %1, %alloca_1[] : memref<ui2>
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    scf.for %arg4 = %c0 to %c2 step %c1 {
      %c1_2 = arith.constant 1 : index
      %c0_3 = arith.constant 0 : index
      %c2_4 = arith.constant 2 : index
      scf.for %arg5 = %c0_3 to %c2_4 step %c1_2 {
        %2 = "bf.from_index"(%arg5) : (index) -> ui1
        %3 = "bf.constant"() {value = 0 : ui1} : () -> ui1
        %4 = "bf.cmp"(%2, %3) {pred = "=="} : (ui1, ui1) -> ui1
        %5 = "bf.condition"(%4) : (ui1) -> i1
        scf.if %5 {
          %c1_8 = arith.constant 1 : index
          %c0_9 = arith.constant 0 : index
          %c2_10 = arith.constant 2 : index
          scf.for %arg6 = %c0_9 to %c2_10 step %c1_8 {
            %14 = "bf.constant"() {value = 0 : ui1} : () -> ui1
            %15 = "bf.cast"(%14) : (ui1) -> ui16
            memref.store %15, %alloca_0[%arg6] : memref<2xui16>
          } {bf.name = "m_i_1", bf.unroll = -1 : i64}
        }
        %6 = "bf.from_index"(%arg4) : (index) -> ui1
        %7 = "bf.constant"() {value = 0 : ui1} : () -> ui1
        %8 = "bf.cmp"(%6, %7) {pred = "=="} : (ui1, ui1) -> ui1
        %9 = "bf.condition"(%8) : (ui1) -> i1
        scf.if %9 {
          %14 = "bf.get"(%arg0) : (!bf.stream<ui3>) -> ui3
          memref.store %14, %alloca[%arg5] : memref<2xui3>
        }
        %c1_5 = arith.constant 1 : index
        %c0_6 = arith.constant 0 : index
        %c2_7 = arith.constant 2 : index
        scf.for %arg6 = %c0_6 to %c2_7 step %c1_5 {
          %14 = memref.load %alloca_0[%arg6] : memref<2xui16>
          %c2_8 = arith.constant 2 : index
          %15 = arith.muli %arg4, %c2_8 : index
          %16 = arith.addi %15, %arg6 : index
          %17 = memref.load %arg1[%16, %arg5] : memref<4x2xui3>
          %18 = memref.load %alloca[%arg5] : memref<2xui3>
          %19 = "bf.xnor"(%17, %18) : (ui3, ui3) -> ui3
          %20 = "bf.popcount"(%19) : (ui3) -> ui2
          %21 = "bf.add"(%14, %20) : (ui16, ui2) -> ui17
          %22 = "bf.cast"(%21) : (ui17) -> ui16
          memref.store %22, %alloca_0[%arg6] : memref<2xui16>
        } {bf.name = "m_i", bf.unroll = -1 : i64}
        %10 = "bf.from_index"(%arg5) : (index) -> ui1
        %11 = "bf.constant"() {value = 1 : ui1} : () -> ui1
        %12 = "bf.cmp"(%10, %11) {pred = "=="} : (ui1, ui1) -> ui1
        %13 = "bf.condition"(%12) : (ui1) -> i1
        scf.if %13 {
          %14 = "bf.constant"() {value = 0 : ui1} : () -> ui1
          %15 = "bf.cast"(%14) : (ui1) -> ui2
          memref.store %15, %alloca_1[] : memref<ui2>
          %c1_8 = arith.constant 1 : index
          %c0_9 = arith.constant 0 : index
          %c2_10 = arith.constant 2 : index
          scf.for %arg6 = %c0_9 to %c2_10 step %c1_8 {
            %17 = memref.load %alloca_1[] : memref<ui2>
            %18 = "bf.from_index"(%arg6) : (index) -> ui1
            %19 = memref.load %alloca_0[%arg6] : memref<2xui16>
            %c2_11 = arith.constant 2 : index
            %20 = arith.muli %arg4, %c2_11 : index
            %21 = arith.addi %20, %arg6 : index
            %22 = memref.load %arg2[%21] : memref<4xsi16>
            %23 = "bf.cmp"(%19, %22) {pred = ">="} : (ui16, si16) -> ui1
            %24 = "bf.set_bit"(%17, %18, %23) : (ui2, ui1, ui1) -> ui2
            memref.store %24, %alloca_1[] : memref<ui2>
          } {bf.name = "m_i_2", bf.unroll = -1 : i64}
          %16 = memref.load %alloca_1[] : memref<ui2>
          "bf.put"(%arg3, %16) : (!bf.stream<ui2>, ui2) -> ()
        }
      } {bf.name = "k_o", bf.pipeline = 1 : i64}
    } {bf.flatten, bf.name = "m_o"}
    return
  }
}
