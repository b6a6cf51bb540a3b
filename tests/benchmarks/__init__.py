"""Benchmarks: one command, ``python -m tests.benchmarks`` (see :mod:`tests.benchmarks.__main__`)."""
