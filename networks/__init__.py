"""Whole networks (SFC, LFC, CNV) as plain Python functions over kernels, with their trained weights."""
