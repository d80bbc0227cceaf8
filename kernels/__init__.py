"""Layers of binarized neural networks as plain Python functions, one file per kind of layer."""
