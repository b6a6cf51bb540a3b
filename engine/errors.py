"""The errors that the engine raises.

Each class also derives from the built-in exception that PyTorch raises in the same place, so that
``except RuntimeError`` in a script written for PyTorch keeps its meaning here.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of every error that the engine raises on purpose."""


class ShapeError(EngineError, RuntimeError, ValueError):
    """Shapes of operands do not fit together; the message names op, tensors, rule and values."""


class DtypeError(EngineError, RuntimeError, TypeError):
    """An operand has a dtype that the op does not take."""


class IndexRangeError(EngineError, IndexError, RuntimeError):
    """An index tensor holds a position that its dimension does not have (PyTorch raises now one, now the other)."""


class GradientError(EngineError, RuntimeError):
    """Backward cannot be done: no graph, a freed graph, or a saved tensor that was modified."""


class InPlaceError(EngineError, RuntimeError):
    """An in-place change that autograd cannot follow."""


class DeviceError(EngineError, RuntimeError):
    """A device that is not there, or operands on different devices."""


class MixedDevicesError(DeviceError):
    """Operands of one op that lie on different devices."""

    @classmethod
    def of(cls, op: str, found: str) -> MixedDevicesError:
        """The error for ``op``; ``found``: its tensors, and where they lie."""
        text = f"{op}: expected all tensors to be on the same device, but found {found}"
        return cls(f"{text}. Move one side, with .to('cuda') or .cpu()")


class OutOfMemoryError(DeviceError):
    """``torch.cuda.OutOfMemoryError``: the device has no room for an array."""


class DataError(EngineError, ValueError):
    """A file or an array holds something else than was promised; the message names where."""


class CheckpointError(EngineError, RuntimeError):
    """A checkpoint cannot be written or read."""


class MissingError(EngineError, AttributeError, NotImplementedError):
    """A name of PyTorch that this subset does not have."""
