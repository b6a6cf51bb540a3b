"""Compiling the CUDA kernels for the types with which the engine launches them, on a machine without a GPU."""
