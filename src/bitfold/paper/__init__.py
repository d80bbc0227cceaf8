"""The FINN paper's result table beside ours: `bitfold paper`, or `python -m bitfold.paper`."""

from bitfold.paper.compare import Comparison, Design, Figure, compare

__all__ = ["Comparison", "Design", "Figure", "compare"]
