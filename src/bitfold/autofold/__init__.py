"""Automatic folding: the cheapest (PE, SIMD) of every layer that meets a requirement, and why."""
