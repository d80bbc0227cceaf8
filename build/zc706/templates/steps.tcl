
array set steps {csim 1 csynth 1 cosim 0 export 0}
foreach arg $::argv {
    foreach {all step on} [regexp -all -inline {(\w+)=([01])} $arg] {
        if {[info exists steps($step)]} { set steps($step) $on }
    }
}

open_project -reset {{ name }}_prj
set_top {{ top }}
add_files {{ name }}.cpp -cflags "-std={{ std }}"
add_files -tb tb.cpp -cflags "-std={{ std }} -Wno-unknown-pragmas"
add_files -tb vectors.txt
open_solution -reset "solution"{{ flow }}
set_part { {{- device.part -}} }
create_clock -period {{ "%g" % device.clock_ns }} -name default

if {$steps(csim)} { csim_design -argv vectors.txt }
if {$steps(csynth)} { csynth_design }
if {$steps(cosim)} { cosim_design -argv vectors.txt }
if {$steps(export)} { export_design -format ip_catalog }
exit
