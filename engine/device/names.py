"""``torch.device``: the names of devices."""

from __future__ import annotations

from types import TracebackType

from engine.errors import DeviceError


class Device:
    """``torch.device``: where a tensor lives: ``"cpu"`` or ``"cuda"``.

    ``with torch.device("cuda"):`` makes tensors there that are not told otherwise, until the block ends.

    Raises:
        DeviceError: for another name; and where the ``with`` begins, for a GPU that is not there.
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | Device = "cpu", index: int | None = None) -> None:
        if isinstance(type, Device):
            type, index = type.type, type.index
        if not isinstance(type, str):
            raise DeviceError(f"device: expected a name such as 'cpu', got {type!r}")
        name, _, number = type.partition(":")
        if name not in ("cpu", "cuda"):
            raise DeviceError(f"device: {type!r} is not a device of this engine; it knows 'cpu' and 'cuda'")
        if number and not number.isdigit():
            raise DeviceError(f"device: {type!r} has no number behind the colon")
        self.type = name
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> Device:
        from engine.device import get_default_device, set_default_device

        _outer.append(get_default_device())
        try:
            set_default_device(self)
        except DeviceError:
            _outer.pop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        from engine.device import set_default_device

        set_default_device(_outer.pop())


#: The default devices of the ``with`` blocks that have not ended.
_outer: list[Device] = []


CPU = Device("cpu")
