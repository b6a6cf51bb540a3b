"""``Making``: the panels and the workspace around them, made when they are wanted for the first time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QStackedWidget

from gui.breadcrumb import Breadcrumb
from gui.context import Context
from gui.docks import Workspace
from gui.panels import MODULES, Panel, panel_class
from gui.turns import Turns


class Making(QObject):
    """Makes the workspace, a panel at a time, between which the window lives. It is seen, and hears of what the engine
    process does, when it is complete.

    Args:
        pages: of the window; the workspace becomes one of them.
        breadcrumb: makes the workspace's.
        made: called with the complete workspace.
        seen: calls what it is given when the window has been seen: nothing is begun before.

    Attributes:
        workspace: None until it is complete.
    """

    def __init__(
        self, context: Context, pages: QStackedWidget, breadcrumb: Callable[[], Breadcrumb],
        made: Callable[[Workspace], object], seen: Callable[[Callable[[], object]], object], parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.workspace: Workspace | None = None
        self._context, self._pages = context, pages
        self._breadcrumb, self._made, self._seen = breadcrumb, made, seen
        self._turns: Turns | None = None
        self._waiting: list[Callable[[], object]] = []

    def then(self, call: Callable[[], object]) -> None:
        """Call when there is a workspace: now, or once it has been made."""
        if self.workspace is not None:
            call()
            return
        self._waiting.append(call)
        # A panel that is not there yet would miss what happens.
        self._context.link.hold_back()
        self._seen(lambda: self._waiting and self._begin())

    def now(self) -> Workspace | None:
        """The workspace, made without more ado; None where that has failed."""
        if self.workspace is None:
            self._begin().finish()
        return self.workspace

    def stop(self) -> None:
        """No workspace is wanted any more."""
        self._waiting.clear()
        if self._turns is not None:
            self._turns.stop()

    def _begin(self) -> Turns:
        if self._turns is None or self._turns.done:
            self._turns = Turns(self, self._parts(), self._context.link.release)
        return self._turns

    def _parts(self) -> Generator[object]:
        """All that is to do, in parts of some milliseconds each."""
        workspace = Workspace(self._context, self._breadcrumb())
        # From the beginning, though not seen: its style is worked out with each panel then, not for all at once.
        self._pages.addWidget(workspace)
        from gui.python_text import lexer  # not before the window is seen

        yield
        lexer()
        yield
        for key in MODULES:
            make = panel_class(key)
            yield
            panel = None if make is None else self._make(key, make)
            yield
            if panel is not None:
                workspace.add(panel)
                yield
        workspace.complete()
        yield
        self._made(workspace)
        self.workspace = workspace
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def _make(self, key: str, make: type[Panel]) -> Panel | None:
        """A panel as it was left; None where it cannot be made, which is told."""
        try:
            panel = make(self._context)
        except Exception as error:
            logging.getLogger(__name__).exception("the panel %r failed", key)
            self._context.say(f"The panel {key} cannot be shown: {error!r}", "error")
            return None
        saved = self._context.settings.get("panels", {}).get(key)
        try:
            if isinstance(saved, dict):
                panel.restore(saved)
        except Exception:  # of broken settings, or of another version's
            logging.getLogger(__name__).warning("the panel %r begins with its defaults", key, exc_info=True)
        return panel
