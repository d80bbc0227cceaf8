"""Bitfold: binarized neural network kernels in Python, scheduled and lowered to CPU code and HLS C++."""

from bitfold.api import Schedule, Target, customize
from bitfold.diagnostics import BitfoldError
from bitfold.lang.layouts import Partition

__version__ = "0.1.0"

__all__ = ["BitfoldError", "Partition", "Schedule", "Target", "__version__", "customize"]
