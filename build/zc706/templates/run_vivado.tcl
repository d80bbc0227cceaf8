# {{ name }} for the {{ device.name }}, in Vivado HLS:
#
#   vivado_hls -f run_vivado.tcl
#   vivado_hls -f run_vivado.tcl "csim=0 cosim=1 export=1"
{% set flow = "" %}
{% set std = "c++0x" %}
{% include "steps.tcl" %}
