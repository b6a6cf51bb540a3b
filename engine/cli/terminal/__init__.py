"""The terminal front end of the debugger: a client that speaks to the engine's process and knows only text.

It loads neither NumPy nor Numba.
"""
