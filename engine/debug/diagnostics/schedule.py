"""Which passes are looked at closely, and when it is worth the cost to hear of every module, line and update."""

from __future__ import annotations

from engine.debug.diagnostics.passes import Site

#: First passes of a line that are all looked at, and passes after which its training has settled, and has for long.
FIRST, SETTLED, LONG = 3, 200, 1000

#: How many times rarer a settled training is looked at, and one that has settled for long.
RARER, RAREST = 5, 20

#: Of the passes that are followed from a distance, the checks are asked about each such one; and where the training has
#: settled for long.
SPARSE, SPARSEST = 10, 20


class Schedule:
    """Counts by passes, not by time, so that a run that is repeated finds the same.

    Args:
        every: of the passes of a line that has not settled, after the first ones, each such one is looked at.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        # A line whose turn it was while nothing was followed closely: its next pass is waited for.
        self._awaited: Site | None = None
        # Whether the beginning of an evaluation was missed, whether a pass has come since, and whether one was followed
        # from its beginning on.
        self._missed = self._over = self._seen = False

    def due(self, site: Site) -> bool:
        """Whether the pass that begins at ``site``, which has had ``site.count`` before, is one to look at."""
        count = site.count
        rarer = 1 if count < SETTLED else RARER if count < LONG else RAREST
        return count < FIRST or count % (rarer * self._every) == 0

    def settled(self, site: Site) -> bool:
        """Whether the training at ``site`` has settled."""
        return site.count >= SETTLED

    def asks(self, site: Site) -> bool:
        """Whether the checks are asked about a pass at ``site``, followed from a distance, in which nothing is unusual."""
        return site.losses.count % (SPARSE if site.losses.count < LONG else SPARSEST) == 0

    def wants(self, site: Site) -> bool:
        """Whether the next pass, after one at ``site``, shall be followed closely."""
        self._over = self._missed
        if self.due(site):
            self._awaited = site
        elif self._awaited is site:
            self._awaited = None
        return self._awaited is not None or self._missed or not self.settled(site)

    def evaluated(self, closely: bool) -> bool:
        """An op has run that only evaluates: whether what follows shall be followed closely.

        The first evaluation that was missed has all be followed until the next one.
        """
        if not self._seen:
            self._seen = closely and (self._over or not self._missed)
            self._missed = not self._seen
        return closely or self._missed
