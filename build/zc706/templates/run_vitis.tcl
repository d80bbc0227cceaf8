# {{ name }} for the {{ device.name }}, in Vitis HLS:
#
#   vitis_hls -f run_vitis.tcl
#   vitis_hls -f run_vitis.tcl "csim=0 cosim=1 export=1"
{% set flow = " -flow_target vivado" %}
{% set std = "c++14" %}
{% include "steps.tcl" %}
