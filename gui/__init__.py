"""The desktop window of Nablascope: a client of the engine's process.

It imports of the engine only ``engine.debug.protocol``, so that the window opens before Numba is loaded and outlives
whatever the script does.
"""
