module {
  func.func @spread(%arg0: memref<6xsi8> {bf.name = "x"}, %arg1: !bf.streams<si5, [3]> {bf.name = "c"}) attributes {bf.kernel = "spread"} {
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %c6 = arith.constant 6 : index
    scf.for %arg2 = %c0 to %c6 step %c1 {
      %0 = memref.load %arg0[%arg2] : memref<6xsi8>
      %1 = "bf.cast"(%0) : (si8) -> si5
      %c3 = arith.constant 3 : index
      %2 = arith.remsi %arg2, %c3 : index
      %3 = "bf.at"(%arg1, %2) : (!bf.streams<si5, [3]>, index) -> !bf.stream<si5>
      "bf.put"(%3, %1) : (!bf.stream<si5>, si5) -> ()
    } {bf.name = "i"}
    return
  }
  func.func @middle(%arg0: !bf.streams<si5, [3]> {bf.name = "c"}, %arg1: !bf.stream<si8> {bf.name = "a"}, %arg2: !bf.stream<si16> {bf.name = "b"}) attributes {bf.kernel = "middle"} {
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    scf.for %arg3 = %c0 to %c2 step %c1 {
      %c1_0 = arith.constant 1 : index
      %c0_1 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      scf.for %arg4 = %c0_1 to %c3 step %c1_0 {
        %alloca = memref.alloca() {bf.name = "v"} : memref<si5>
        %0 = "bf.at"(%arg0, %arg4) : (!bf.streams<si5, [3]>, index) -> !bf.stream<si5>
        %1 = "bf.get"(%0) : (!bf.stream<si5>) -> si5
        memref.store %1, %alloca[] : memref<si5>
        %2 = "bf.from_index"(%arg4) : (index) -> ui2
        %3 = "bf.constant"() {value = 1 : ui1} : () -> ui1
        %4 = "bf.cmp"(%2, %3) {pred = "=="} : (ui2, ui1) -> ui1
        %5 = "bf.condition"(%4) : (ui1) -> i1
        scf.if %5 {
          %6 = memref.load %alloca[] : memref<si5>
          %7 = "bf.cast"(%6) : (si5) -> si8
          "bf.put"(%arg1, %7) : (!bf.stream<si8>, si8) -> ()
        } else {
          %6 = memref.load %alloca[] : memref<si5>
          %7 = "bf.constant"() {value = 100 : ui7} : () -> ui7
          %8 = "bf.mul"(%6, %7) : (si5, ui7) -> si12
          %9 = "bf.cast"(%8) : (si12) -> si16
          "bf.put"(%arg2, %9) : (!bf.stream<si16>, si16) -> ()
        }
      } {bf.name = "j"}
    } {bf.name = "i"}
    return
  }
  func.func @merge(%arg0: !bf.stream<si8> {bf.name = "a"}, %arg1: !bf.stream<si16> {bf.name = "b"}, %arg2: memref<6xsi16> {bf.name = "y"}) attributes {bf.kernel = "merge"} {
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %c6 = arith.constant 6 : index
    scf.for %arg3 = %c0 to %c6 step %c1 {
      %0 = "bf.from_index"(%arg3) : (index) -> ui3
      %1 = "bf.constant"() {value = 3 : ui2} : () -> ui2
      %2 = "bf.mod"(%0, %1) : (ui3, ui2) -> ui2
      %3 = "bf.constant"() {value = 1 : ui1} : () -> ui1
      %4 = "bf.cmp"(%2, %3) {pred = "=="} : (ui2, ui1) -> ui1
      %5 = "bf.condition"(%4) : (ui1) -> i1
      scf.if %5 {
        %6 = "bf.get"(%arg0) : (!bf.stream<si8>) -> si8
        %7 = "bf.cast"(%6) : (si8) -> si16
        memref.store %7, %arg2[%arg3] : memref<6xsi16>
      } else {
        %6 = "bf.get"(%arg1) : (!bf.stream<si16>) -> si16
        memref.store %6, %arg2[%arg3] : memref<6xsi16>
      }
    } {bf.name = "i"}
    return
  }
  func.func @fanned(%arg0: memref<6xsi8> {bf.name = "x"}, %arg1: memref<6xsi16> {bf.name = "y"}) attributes {bf.dataflow, bf.kernel = "fanned"} {
    %0 = "bf.channel"() {bf.name = "c", depth = 2 : i64} : () -> !bf.streams<si5, [3]>
    %1 = "bf.channel"() {bf.name = "a", depth = 1 : i64} : () -> !bf.stream<si8>
    %2 = "bf.channel"() {bf.name = "b", depth = 2 : i64} : () -> !bf.stream<si16>
    call @spread(%arg0, %0) : (memref<6xsi8>, !bf.streams<si5, [3]>) -> ()
    call @middle(%0, %1, %2) : (!bf.streams<si5, [3]>, !bf.stream<si8>, !bf.stream<si16>) -> ()
    call @merge(%1, %2, %arg1) : (!bf.stream<si8>, !bf.stream<si16>, memref<6xsi16>) -> ()
    return
  }
}
