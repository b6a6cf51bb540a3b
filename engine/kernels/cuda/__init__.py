"""Kernels for the GPU. Importing the package gives arrays on the GPU their arithmetic."""

from engine.device.cuda_array import from_host
from engine.kernels.cuda import elementwise, functions, indexing, reduce

__all__ = ["elementwise", "from_host", "functions", "indexing", "reduce"]
