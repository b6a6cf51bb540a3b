"""Pictures of a run that is not watched closely: now and then one step is looked at, and what the client's panels show
of it is sent, made small."""

from engine.debug.live.live import Live

__all__ = ["Live"]
