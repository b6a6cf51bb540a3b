"""Pictures of panels and of the window, written where the user says."""

from __future__ import annotations

import os
from collections.abc import Callable

from PyQt6.QtWidgets import QFileDialog, QWidget

from gui.context import Context
from gui.docks import Workspace


class Exporting:
    """The actions "Export ..." of ``window``; ``workspace`` gives its panels, if there are any yet."""

    def __init__(self, context: Context, window: QWidget, workspace: Callable[[], Workspace | None]) -> None:
        self._context = context
        self._window = window
        self._workspace = workspace

    def panel(self, kind: str) -> None:
        """Ask where, and write the panel with the focus (else the canvas) as "png" or "svg"."""
        workspace = self._workspace()
        if workspace is None:
            return
        key = workspace.current_key() or ("network" if "network" in workspace.panels else next(iter(workspace.panels), ""))
        panel = workspace.panels.get(key)
        if panel is not None and (path := self._ask_where(f"{key}.{kind}", kind)):
            self._write(lambda: panel.export_png(path) if kind == "png" else panel.export_svg(path), path)

    def window(self) -> None:
        """Ask where, and write the whole window as PNG."""
        if path := self._ask_where("nablascope.png", "png"):
            self._write(lambda: save_window(self._window, path), path)

    def _ask_where(self, name: str, kind: str) -> str:
        suggestion = os.path.join(os.getcwd(), name)
        path, _ = QFileDialog.getSaveFileName(self._window, "Export", suggestion, f"{kind.upper()} (*.{kind})")
        return path if not path or path.lower().endswith(f".{kind}") else f"{path}.{kind}"

    def _write(self, write: Callable[[], object], path: str) -> None:
        try:
            write()
        except OSError as error:
            self._context.say(f"Nothing was written: {error}", "warning")
        else:
            self._context.say(f"Written: {path}")


def save_window(window: QWidget, path: str) -> None:
    """Write a window as PNG. Raises OSError where it cannot be written."""
    if not window.grab().save(path, "PNG"):
        raise OSError(f"{path} cannot be written")
