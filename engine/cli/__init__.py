"""The command ``nablascope``: running scripts without a window, and looking after the installation.

Importing this package, and asking for help, loads no NumPy and no Numba.
"""
