"""The one place that imports the MLIR Python bindings.

`torch-mlir` provides them; a provider that installs them as `mlir` works as well.
"""

from __future__ import annotations

try:
    from torch_mlir import ir, passmanager
    from torch_mlir.dialects import arith, ext, func, llvm, math, memref, scf
    from torch_mlir.execution_engine import ExecutionEngine
except ImportError:  # pragma: no cover - another provider of the same bindings
    from mlir import ir, passmanager
    from mlir.dialects import arith, ext, func, llvm, math, memref, scf
    from mlir.execution_engine import ExecutionEngine

__all__ = ["ExecutionEngine", "arith", "ext", "func", "ir", "llvm", "math", "memref", "passmanager", "scf"]
