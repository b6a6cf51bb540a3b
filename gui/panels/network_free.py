"""The Network panel while the script runs freely, and what is left of that when it stands again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gui.network import caption
from gui.network.fill import Fill
from gui.network.live import LiveNumbers
from gui.network.values import Wanted
from gui.timers import COUNTING, Paced

if TYPE_CHECKING:
    from gui.panels.network import NetworkPanel


class FreeRun:
    """Shows pictures of steps in ``panel``, and says which steps they are of.

    Attributes:
        pictured: whether the numbers that are shown are those of a picture.
        newest: the last event of the step whose structure is known, while the script runs.
    """

    def __init__(self, panel: NetworkPanel) -> None:
        self._panel = panel
        self._numbers = LiveNumbers(panel.scene.show_content)
        self._steps = Paced(panel, COUNTING, self.say_steps)
        self.pictured = False
        self.newest: int | None = None

    def stopped(self) -> None:
        """The script stands: scales are those of its stops."""
        self.newest = None
        self._numbers.clear()

    def forget(self) -> None:
        """Forget the pictures: they are of another run, or of another network."""
        self._numbers.forget()

    def views(self, fill: Fill) -> list[dict[str, Any]]:
        """See :meth:`gui.panels.panel.Panel.live_views`."""
        return self._numbers.want(fill, anew=not self.pictured)

    def take(self, views: dict[str, dict[str, Any]]) -> None:
        """Show what steps have looked like."""
        if self._numbers.take(views):
            self.pictured = True
            self._panel.view.renew()
            self._steps.call()

    def say_steps(self) -> None:
        """Say which steps the nodes are of that stand side by side; some times a second, nobody reads faster."""
        state, naming = self._panel.state, self._panel.naming
        if state.running and naming is not None:
            self._panel.say(caption.running(naming.fill, self._numbers.steps, state.selection.sample))

    # ---- at the stop behind it ----

    @property
    def mode(self) -> str:
        """What was shown: "forward", "backward" or "update"."""
        return self._numbers.mode

    def again(self) -> None:
        """Show the last step of which all was seen, and say which one it is."""
        self._numbers.again()
        self._panel.say(caption.ran(self.mode, self._numbers.steps))

    def show_seen(self, fill: Fill, node: str, part: str, wanted: Wanted | None) -> bool:
        """Show dimmed what a picture has shown of a part, where that is newer than the newest event of its op."""
        if wanted is None or not wanted.faint:
            return False
        upto = (self._panel.state.stop or {}).get("step") or 0
        seen = self._numbers.between(node, part, fill.log.step_of(wanted.event) or 0, upto)
        if seen is not None:
            fill.pictured[node, part] = seen[1]
            self._panel.scene.show_content(node, part, seen[0], True)
        return seen is not None

    def seen_in(self, node: str, part: str) -> int | None:
        """The step that a picture has shown a part of a node in; None where it shows what is recorded of the stop."""
        return self._numbers.seen.get((node, part)) if self._panel.state.running or self.pictured else None
