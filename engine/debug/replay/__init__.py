"""Deterministic time travel: the tape of a run, checkpoints, and replaying it to any place."""
