"""HLS C++ with its test bench and scripts, and its simulation with g++."""

from bitfold.build.hls.csim import CsimResult, csim
from bitfold.build.hls.emit import Source, emit
from bitfold.build.hls.project import Plan, plan, write
from bitfold.build.hls.vectors import Port, Vectors

__all__ = ["CsimResult", "Plan", "Port", "Source", "Vectors", "csim", "emit", "plan", "write"]
