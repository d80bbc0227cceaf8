"""Scheduled programs to MLIR, as named passes."""
