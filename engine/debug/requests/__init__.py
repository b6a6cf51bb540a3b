"""The debuggee's answers to the protocol's requests: one file for what belongs together."""

from engine.debug.requests import breaking, frames, listening, moving, networks, run, tensors
from engine.debug.requests.registry import HANDLERS

__all__ = ["HANDLERS", "breaking", "frames", "listening", "moving", "networks", "run", "tensors"]
