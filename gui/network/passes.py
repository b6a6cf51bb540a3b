"""Where passes through the network begin, among the events of a run. No Qt."""

from __future__ import annotations

from bisect import bisect_right

from gui.network.follower import Node


class Passes:
    """A pass lies between two batches or steps of an optimizer. Of a script that has neither, it begins behind the backward
    pass before, with the first op that is on the tape.

    Within these bounds a validation is a pass of its own, and so is the training that goes on behind it: a run of ops
    without gradient through nodes that are on the tape when the network is trained.
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        #: Whether a batch or a step was seen; and whether the ops on the tape that follow begin a pass without one.
        self._bounded, self._begins_anew = False, True
        #: Whether the network has run since the last of these bounds.
        self._ran = False
        #: Where a run without gradient has begun that has only been through nodes without gradient so far.
        self._begun: int | None = None
        #: Whether a validation is under way, or was the last that ran; and where validations begin and end.
        self._validates = False
        self._validations: list[tuple[int, bool]] = []

    def bound(self, seq: int) -> None:
        """A batch or a step ends or begins with event ``seq``: a pass begins behind it."""
        self._bounded, self._ran, self._begun = True, False, None
        self._begin(seq)
        self._turn(False, seq)

    def went_back(self) -> None:
        """An op has run backward."""
        self._begins_anew = True

    def forward(self, seq: int) -> bool:
        """An op on the tape has run; whether a pass begins with it whose ops are counted anew."""
        anew = self._begins_anew and not self._bounded
        if anew or self._validates:
            self._begin((self._begun if self._begun is not None else seq) - 1)
        self._begins_anew, self._begun, self._ran = False, None, True
        self._turn(False, seq)
        return anew

    def forward_without(self, seq: int, node: Node, begins: bool) -> None:
        """An op has run without gradient, which stands for ``node``; ``begins``: another run begins with it."""
        if begins:
            self._begun = seq
        if not node.on_tape or (self._validates and self._begun is None):
            return
        begun, self._begun = self._begun if self._begun is not None else seq, None
        if self._ran:
            self._begin(begun - 1)
        self._ran = True
        self._turn(True, begun)

    def _begin(self, at: int) -> None:
        if not self._starts or self._starts[-1] < at:
            self._starts.append(at)

    def _turn(self, validates: bool, seq: int) -> None:
        if validates != self._validates:
            self._validates = validates
            self._validations.append((seq, validates))

    def start(self, at: int) -> int:
        """Number of the event that the pass of event ``at`` begins behind; -1 before the first."""
        place = bisect_right(self._starts, at)
        # Standing at the boundary itself, or at an optimizer's, what lies before it is the pass.
        while place and self._starts[place - 1] == at:
            place, at = place - 1, at - 1
        return self._starts[place - 1] if place else -1

    def validates(self, at: int) -> bool:
        """Whether the network runs without gradient at event ``at``, or was the last time that it ran."""
        place = bisect_right(self._validations, (at, True))
        return place > 0 and self._validations[place - 1][1]
