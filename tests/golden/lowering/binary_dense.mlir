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
          %c1_9 = arith.constant 1 : index
          %c0_10 = arith.constant 0 : index
          %c2_11 = arith.constant 2 : index
          scf.for %arg6 = %c0_10 to %c2_11 step %c1_9 {
            %16 = "bf.constant"() {value = 0 : ui1} : () -> ui1
            %17 = "bf.cast"(%16) : (ui1) -> ui16
            memref.store %17, %alloca_0[%arg6] : memref<2xui16>
          } {bf.name = "m_i_1", bf.unroll = -1 : i64}
        }
        %alloca_5 = memref.alloca() {bf.name = "x_word"} : memref<ui3>
        %6 = "bf.constant"() {value = 0 : ui1} : () -> ui1
        %7 = "bf.cast"(%6) : (ui1) -> ui3
        memref.store %7, %alloca_5[] : memref<ui3>
        %8 = "bf.from_index"(%arg4) : (index) -> ui1
        %9 = "bf.constant"() {value = 0 : ui1} : () -> ui1
        %10 = "bf.cmp"(%8, %9) {pred = "=="} : (ui1, ui1) -> ui1
        %11 = "bf.condition"(%10) : (ui1) -> i1
        scf.if %11 {
          %16 = "bf.get"(%arg0) : (!bf.stream<ui3>) -> ui3
          memref.store %16, %alloca_5[] : memref<ui3>
          %17 = memref.load %alloca_5[] : memref<ui3>
          memref.store %17, %alloca[%arg5] : memref<2xui3>
        } else {
          %16 = memref.load %alloca[%arg5] : memref<2xui3>
          memref.store %16, %alloca_5[] : memref<ui3>
        }
        %c1_6 = arith.constant 1 : index
        %c0_7 = arith.constant 0 : index
        %c2_8 = arith.constant 2 : index
        scf.for %arg6 = %c0_7 to %c2_8 step %c1_6 {
          %16 = memref.load %alloca_0[%arg6] : memref<2xui16>
          %c2_9 = arith.constant 2 : index
          %17 = arith.muli %arg4, %c2_9 : index
          %18 = arith.addi %17, %arg6 : index
          %19 = memref.load %arg1[%18, %arg5] : memref<4x2xui3>
          %20 = memref.load %alloca_5[] : memref<ui3>
          %21 = "bf.xnor"(%19, %20) : (ui3, ui3) -> ui3
          %22 = "bf.popcount"(%21) : (ui3) -> ui2
          %23 = "bf.add"(%16, %22) : (ui16, ui2) -> ui17
          %24 = "bf.cast"(%23) : (ui17) -> ui16
          memref.store %24, %alloca_0[%arg6] : memref<2xui16>
        } {bf.name = "m_i", bf.unroll = -1 : i64}
        %12 = "bf.from_index"(%arg5) : (index) -> ui1
        %13 = "bf.constant"() {value = 1 : ui1} : () -> ui1
        %14 = "bf.cmp"(%12, %13) {pred = "=="} : (ui1, ui1) -> ui1
        %15 = "bf.condition"(%14) : (ui1) -> i1
        scf.if %15 {
          %16 = "bf.constant"() {value = 0 : ui1} : () -> ui1
          %17 = "bf.cast"(%16) : (ui1) -> ui2
          memref.store %17, %alloca_1[] : memref<ui2>
          %c1_9 = arith.constant 1 : index
          %c0_10 = arith.constant 0 : index
          %c2_11 = arith.constant 2 : index
          scf.for %arg6 = %c0_10 to %c2_11 step %c1_9 {
            %19 = memref.load %alloca_1[] : memref<ui2>
            %20 = "bf.from_index"(%arg6) : (index) -> ui1
            %21 = memref.load %alloca_0[%arg6] : memref<2xui16>
            %c2_12 = arith.constant 2 : index
            %22 = arith.muli %arg4, %c2_12 : index
            %23 = arith.addi %22, %arg6 : index
            %24 = memref.load %arg2[%23] : memref<4xsi16>
            %25 = "bf.cmp"(%21, %24) {pred = ">="} : (ui16, si16) -> ui1
            %26 = "bf.set_bit"(%19, %20, %25) : (ui2, ui1, ui1) -> ui2
            memref.store %26, %alloca_1[] : memref<ui2>
          } {bf.name = "m_i_2", bf.unroll = -1 : i64}
          %18 = memref.load %alloca_1[] : memref<ui2>
          "bf.put"(%arg3, %18) : (!bf.stream<ui2>, ui2) -> ()
        }
      } {bf.name = "k_o", bf.pipeline = 1 : i64}
    } {bf.flatten, bf.name = "m_o"}
    return
  }
}
