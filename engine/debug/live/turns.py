"""Which of several networks is shown while the script runs: the rule, and the structure of the one that is."""

from __future__ import annotations

from typing import Any

from engine.debug.live.structure import Structure

#: Steps in a row of the network's own that had another structure, after which that one counts.
PATIENCE = 3

#: Steps that others have taken, and seconds since the network's own last one, after which another network is shown;
#: and the most that these seconds become.
AWAY, AWAY_SECONDS, MOST_AWAY_SECONDS = 10, 0.5, 8.0

#: Networks that were shown, and that have stepped, which are remembered.
_REMEMBERED = 7


class Turns:
    """Of several networks the one is shown whose optimizer steps, and it stays while it goes on doing so: steps of others
    are left out. Once these have taken :data:`AWAY` steps, and its own last one is :data:`AWAY_SECONDS` ago, theirs is
    shown; at once where it has not stepped before, for then another training has begun, which may be a short one. Each
    return to a network that was shown before doubles that time, so that networks that take long turns do not flicker. An
    optimizer of the same first parameter is the same network's.

    Attributes:
        structure: of the step that is shown; None where the next one is to be taken.
    """

    def __init__(self) -> None:
        self.structure: Structure | None = None
        self._own_at, self._own, self._away, self._strange = 0.0, 0, 0, 0
        self._seconds = AWAY_SECONDS
        self._were_shown: list[Any] = []
        #: Other networks that have stepped; and whether the one that steps now had not before, so that a training begins.
        self._others: list[Any] = []
        self._begins = False

    def stepped(self, optimizer: Any, now: float) -> None:
        """A step of ``optimizer`` has ended."""
        structure = self.structure
        own = structure is None or structure.optimizer is None or structure.optimizer is optimizer
        if own or _trained(structure.optimizer) is _trained(optimizer):  # type: ignore[union-attr]
            self._away, self._own_at, self._own = 0, now, self._own + 1
            return
        if not self._away:
            trained = _trained(optimizer)
            known = any(one is trained for one in (*self._others, *self._were_shown))
            self._begins = not known and self._own >= AWAY
            if not known:
                self._others = [*self._others[-_REMEMBERED:], trained]
        self._away += 1

    def fits(self, same: bool | None, now: float) -> bool:
        """Whether the step that has ended is to be shown; it had the known structure (``same``), or had not (None: it was
        not looked at).

        Forgets the structure where another is to be taken.
        """
        if self._away:
            if self._away >= AWAY and (self._begins or now - self._own_at >= self._seconds):
                self.structure = None
            return False
        if same is None:
            return True
        self._strange = 0 if same else self._strange + 1
        if self._strange >= PATIENCE:
            self.structure = None
        return same

    def take(self, structure: Structure, now: float) -> None:
        """Show steps of this structure from now on."""
        self.structure = structure
        self._own_at, self._own, self._away, self._strange = now, 0, 0, 0
        trained = _trained(structure.optimizer)
        if any(shown is trained for shown in self._were_shown[:-1]):
            self._seconds = min(2 * self._seconds, MOST_AWAY_SECONDS)
        others = [shown for shown in self._were_shown if shown is not trained]
        self._were_shown = [*others[-_REMEMBERED:], trained]


def _trained(optimizer: Any) -> Any:
    """The first parameter that the optimizer updates; the optimizer itself where it tells none."""
    for group in getattr(optimizer, "param_groups", ()):
        for parameter in group.get("params", ()):
            return parameter
    return optimizer
