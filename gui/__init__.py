"""The desktop window of Nablascope: a client of the engine's process.

It imports of the engine only ``engine.debug.protocol``, ``client`` and ``session``, which need nothing but Python's own
library: so the window opens before Numba is loaded, and outlives whatever the script does.
"""
