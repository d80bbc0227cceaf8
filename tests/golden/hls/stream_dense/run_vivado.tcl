# stream_dense for the ZC706, in Vivado HLS:
#
#   vivado_hls -f run_vivado.tcl
#   vivado_hls -f run_vivado.tcl "csim=0 cosim=1 export=1"

array set steps {csim 1 csynth 1 cosim 0 export 0}
foreach arg $::argv {
    foreach {all step on} [regexp -all -inline {(\w+)=([01])} $arg] {
        if {[info exists steps($step)]} { set steps($step) $on }
    }
}

open_project -reset stream_dense_prj
set_top stream_dense
add_files stream_dense.cpp -cflags "-std=c++0x"
add_files -tb tb.cpp -cflags "-std=c++0x -Wno-unknown-pragmas"
add_files -tb vectors.txt
open_solution -reset "solution"
set_part {xc7z045ffg900-2}
create_clock -period 5 -name default

if {$steps(csim)} { csim_design -argv vectors.txt }
if {$steps(csynth)} { csynth_design }
if {$steps(cosim)} { cosim_design -argv vectors.txt }
if {$steps(export)} { export_design -format ip_catalog }
exit
