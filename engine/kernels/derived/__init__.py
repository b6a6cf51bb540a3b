"""Home of the modules that :mod:`engine.kernels.derive` writes; their files lie in the cache folder."""
