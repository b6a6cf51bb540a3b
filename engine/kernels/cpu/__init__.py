"""Tuned CPU kernels. Outputs first; the caller allocates; every kernel overwrites its outputs and returns nothing."""
