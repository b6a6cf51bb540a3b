"""Which epoch and which batch it is, as far as DataLoaders tell."""

from __future__ import annotations

from typing import Any

from engine.debug.outlook import batch_count


class _Pass:
    """The passes over one loader, which is kept so that its id stays its own."""

    __slots__ = ("batch", "begun", "count", "loader")

    def __init__(self, loader: Any) -> None:
        self.loader, self.begun, self.batch = loader, 0, -1
        self.count: int | None = None


class Passes:
    """Counts passes over DataLoaders. Those for training are the ones during which optimizer steps end.

    Attributes:
        epochs: passes begun over the loader that was at work when the last step ended; until one has, over the first.
        batch: number of the newest batch of the innermost pass, from 0; -1 before the first.
        count: how many batches that pass has; None where its loader cannot tell.
    """

    def __init__(self) -> None:
        self.epochs, self.batch = 0, -1
        self.count: int | None = None
        self._by_loader: dict[int, _Pass] = {}
        #: Passes at work, outermost first.
        self._active: list[_Pass] = []
        self._training: _Pass | None = None

    def begin(self, loader: Any) -> None:
        """A pass over ``loader`` begins."""
        found = self._by_loader.setdefault(id(loader), _Pass(loader))
        self._leave(found)
        found.begun += 1
        found.batch = -1
        found.count = self.count = batch_count(loader)
        self._active.append(found)
        if self._training is None:
            self._training = found
        self.epochs, self.batch = self._training.begun, -1

    def hand_out(self, loader: Any, index: int) -> None:
        """Batch number ``index`` of the newest pass over ``loader``."""
        found = self._by_loader.setdefault(id(loader), _Pass(loader))
        found.batch = self.batch = index
        self.count = found.count
        if not self._active or self._active[-1] is not found:
            # Passes inside of this one were left before their ends.
            self._leave(found)
            self._active.append(found)

    def end(self, loader: Any) -> None:
        """The pass over ``loader`` has come to its end."""
        found = self._by_loader.get(id(loader))
        if found is not None:
            self._leave(found)
        if self._active:
            self.batch, self.count = self._active[-1].batch, self._active[-1].count

    @property
    def at_work(self) -> bool:
        """Whether a pass over a loader has begun and not ended."""
        return bool(self._active)

    @property
    def evaluating(self) -> Any:
        """The loader of the innermost pass, where that is not the one for training; else None."""
        last = self._active[-1] if self._active else None
        return None if last is None or last is self._training else last.loader

    def train(self) -> int:
        """An optimizer step has ended: the innermost pass is one for training. Returns ``epochs``."""
        if self._active and self._active[-1] is not self._training:
            self._training = self._active[-1]
            self.epochs = self._training.begun
        return self.epochs

    def _leave(self, one: _Pass) -> None:
        if one in self._active:
            del self._active[self._active.index(one) :]
