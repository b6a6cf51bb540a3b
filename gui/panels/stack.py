"""The user's frames at the stop, innermost first."""

from __future__ import annotations

import os
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QListWidget, QListWidgetItem

from gui.context import Context
from gui.numbers import plural
from gui.panels.panel import Panel
from gui.places import places_of
from gui.theme import Theme


class StackPanel(Panel):
    """Clicking a frame shows its line in the Code panel and its variables in the Variables panel."""

    key = "stack"
    title = "Stack"
    area = "left-bottom"
    trails = True
    empty_text = "The functions under way appear here, innermost first.\n\nOpen a script (Ctrl+O) and step into one (F11)."

    def __init__(self, context: Context) -> None:
        places_of(context)  # hears of stops before the panel does
        super().__init__(context)
        self.frames: list[dict[str, Any]] = []
        self.list = QListWidget()
        self.list.setAccessibleName("Frames, innermost first")
        self.list.setToolTip("Click (Enter) a frame: its line and its variables are shown")
        self.list.itemClicked.connect(self._chosen)
        self.list.itemActivated.connect(self._chosen)
        self.set_content(self.list)
        places_of(context).frame_changed.connect(self._mark)

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self.ask("frames", "stackTrace", {}, lambda body: self._show(body["stackFrames"], stop or {}), self._refused)

    def show_running(self) -> None:
        self.head.set_subject("running: pause (F6) to see where")

    def _show(self, frames: list[dict[str, Any]], stop: dict[str, Any]) -> None:
        self.frames = frames
        self.list.clear()
        element = stop.get("element")
        inner = [*reversed(element.get("stack") or ())] if element else []
        if element:
            self._add(f"{element['function']}:{element['line']}  (definition)", None)
            for call in inner:
                self._add(f"{call['function']}:{call['line']}  (definition)", None)
        for frame in frames:
            path = (frame.get("source") or {}).get("path", "")
            place = f"{os.path.basename(path)}:{frame['line']}" if path else ""
            self._add(f"{_frame_name(frame['name'])}  {place}", frame)
        past = "" if stop.get("live", True) else " · in the past only the line is known"
        self.head.set_subject(f"{len(frames)} {plural(len(frames), 'frame')}{past}")
        if not frames and not element:
            self.show_empty("The script has ended.\n\nStep back (Alt+F10) or restart (Ctrl+Shift+F5).")
        self._mark()

    def _refused(self, message: str) -> None:
        self.head.set_problem(message)
        if not self.list.count():
            self.show_empty(f"The functions under way are not known: {message}")

    def _add(self, text: str, frame: dict[str, Any] | None) -> None:
        item = QListWidgetItem(text)
        item.setData(Qt.ItemDataRole.UserRole, frame)
        if frame is not None:
            item.setToolTip((frame.get("source") or {}).get("path", ""))
        else:
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            item.setForeground(self.theme.muted)
        self.list.addItem(item)

    def _mark(self) -> None:
        """Select the row of the frame that is looked at."""
        wanted = places_of(self.context).frame
        for row in range(self.list.count()):
            item = self.list.item(row)
            frame = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
            if frame is not None and frame["id"] == wanted:
                self.list.setCurrentRow(row)

    def _chosen(self, item: QListWidgetItem) -> None:
        frame = item.data(Qt.ItemDataRole.UserRole)
        if frame is None:
            return
        places = places_of(self.context)
        places.look_at(int(frame["id"]))
        path = (frame.get("source") or {}).get("path")
        if path:
            places.show_line(path, int(frame["line"]))

    def apply_theme(self, theme: Theme) -> None:
        self.list.setFont(theme.code_font())


def _frame_name(name: str) -> str:
    return "top level" if name == "<module>" else name


PANEL = StackPanel
