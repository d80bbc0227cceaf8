"""Native CPU code through LLVM's JIT: NumPy arrays in, NumPy arrays out."""
