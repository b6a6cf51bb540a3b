"""Which part of a tensor is shown, and how the indices of the part and of the tensor belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Entry = int | tuple[int, int, int]


@dataclass(frozen=True)
class Cut:
    """A part of a tensor.

    Attributes:
        shape: of the tensor.
        entries: for each of its dimensions an index, or (start, stop, step) with 0 <= start <= stop and step >= 1.
    """

    shape: tuple[int, ...]
    entries: tuple[Entry, ...]

    @property
    def selected(self) -> tuple[int, ...]:
        """The shape of the part."""
        return tuple(len(range(*entry)) for entry in self.entries if isinstance(entry, tuple))

    @property
    def complete(self) -> bool:
        """Whether the part is everything."""
        return all(entry == (0, extent, 1) for entry, extent in zip(self.entries, self.shape))

    def wire(self, region: tuple[int, int, int, int] | None = None) -> list[int | list[int]]:
        """As the protocol takes it; ``region``: only these rows and columns (first, last + 1, ...) of the last two."""
        entries = list(self.entries)
        if region is not None:
            axes = [axis for axis, entry in enumerate(entries) if isinstance(entry, tuple)]
            parts = [region[2:]] if len(axes) == 1 else [region[:2], region[2:]]
            for axis, (first, last) in zip(axes[-len(parts) :] if axes else (), parts):
                start, stop, step = entries[axis]  # type: ignore[misc]
                entries[axis] = (start + first * step, min(stop, start + last * step), step)
        return [list(entry) if isinstance(entry, tuple) else entry for entry in entries]

    def limited(self, counts: Sequence[int]) -> Cut:
        """Of the part's first dimensions only the first so many entries each."""
        entries, rest = list(self.entries), iter(counts)
        for axis, entry in enumerate(entries):
            if isinstance(entry, tuple) and (count := next(rest, None)) is not None:
                entries[axis] = (entry[0], min(entry[1], entry[0] + count * entry[2]), entry[2])
        return Cut(self.shape, tuple(entries))

    def whole_index(self, index: Sequence[int]) -> tuple[int, ...]:
        """The tensor's index of the part's element ``index``."""
        rest = iter(index)
        return tuple(
            entry[0] + next(rest) * entry[2] if isinstance(entry, tuple) else entry for entry in self.entries
        )

    def part_index(self, index: Sequence[int]) -> tuple[int, ...] | None:
        """The part's index of the tensor's element ``index``; None where the part lacks it."""
        if len(index) != len(self.entries):
            return None
        found = []
        for i, entry in zip(index, self.entries):
            if isinstance(entry, int):
                if i != entry:
                    return None
            elif i in range(*entry):
                found.append((i - entry[0]) // entry[2])
            else:
                return None
        return tuple(found)

    def __str__(self) -> str:
        return ", ".join(_written(entry, extent) for entry, extent in zip(self.entries, self.shape))


def _written(entry: Entry, extent: int) -> str:
    if isinstance(entry, int):
        return str(entry)
    start, stop, step = entry
    text = ("" if start == 0 else str(start)) + ":" + ("" if stop == extent else str(stop))
    return text if step == 1 else f"{text}:{step}"


def whole(shape: Sequence[int]) -> Cut:
    """Everything."""
    return Cut(tuple(shape), tuple((0, extent, 1) for extent in shape))


def with_leading(shape: Sequence[int], leading: Sequence[int | None]) -> Cut:
    """Of the first dimensions only one index each, where ``leading`` has one; indices are brought into range."""
    entries: list[Entry] = [(0, extent, 1) for extent in shape]
    for axis, index in enumerate(leading):
        if index is not None and axis < len(shape) and shape[axis]:
            entries[axis] = min(max(0, index), shape[axis] - 1)
    return Cut(tuple(shape), tuple(entries))


def parsed(text: str, shape: Sequence[int]) -> Cut:
    """The part that Python's text ``"0, :, 3:5"`` means; dimensions left out are whole.

    Raises:
        ValueError: the text is none, has too many entries, or an index lies outside.
    """
    pieces = [piece.strip() for piece in text.strip().strip("[]").split(",")] if text.strip("[] ") else []
    if len(pieces) > len(shape):
        raise ValueError(f"{len(pieces)} entries, but the tensor has {len(shape)} dimensions")
    entries: list[Entry] = [(0, extent, 1) for extent in shape]
    for axis, piece in enumerate(pieces):
        entries[axis] = _entry(piece, axis, shape[axis])
    return Cut(tuple(shape), tuple(entries))


def _entry(piece: str, axis: int, extent: int) -> Entry:
    parts = piece.split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
    except ValueError:
        raise ValueError(f"{piece!r} is neither an index nor start:stop:step") from None
    if len(numbers) > 3 or (len(numbers) == 1 and numbers[0] is None):
        raise ValueError(f"{piece!r} is neither an index nor start:stop:step")
    if len(numbers) == 1:
        index = numbers[0] or 0
        if not -extent <= index < extent:
            raise ValueError(f"dimension {axis} has {extent} entries; there is no index {index}")
        return index % extent
    if len(numbers) == 3 and numbers[2] is not None and numbers[2] < 1:
        raise ValueError(f"{piece!r}: the step must be at least 1")
    start, stop, step = slice(*numbers).indices(extent)
    return start, max(start, stop), step
