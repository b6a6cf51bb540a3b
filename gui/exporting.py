"""What "File › Export" does: pictures of panels and of the window, tables, recordings, written where the user says."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QDockWidget, QMenu, QWidget

from gui.context import Context
from gui.docks import Workspace
from gui.exporting_files import explained
from gui.exporting_pictures import draw_panel, panel_size, write_window
from gui.exporting_tables import Table, curves_table, layers_table, write_csv
from gui.panels.panel import Panel
from gui.saving_where import ask_path
from gui.widgets.menu import Menu

if TYPE_CHECKING:
    from gui.recording_run.recording import Picture

_FORMATS = {"png": "PNG picture", "svg": "SVG picture", "csv": "Comma-separated values", "gif": "GIF", "mp4": "MP4 video"}

#: What there is to do where a panel has no table yet.
_NO_TABLE = {
    "curves": "There are no curves yet: they begin with the first backward(). Step on by a batch, or run.",
    "layers": "There are no statistics yet. Choose under “Collect” in the Layers panel, and step on by a batch.",
}


class Exporting:
    """The actions "Export ..." of ``window``; ``workspace`` gives its panels, if there are any yet."""

    def __init__(self, context: Context, window: QWidget, workspace: Callable[[], Workspace | None]) -> None:
        self._context = context
        self._window = window
        self._workspace = workspace
        self._folder = ""

    # ---- pictures ----

    def panel(self, kind: str, panel: Panel | None = None) -> None:
        """Ask where, and write a panel, else the one with the focus, else the canvas, as "png", "svg" or "csv"."""
        panel = panel if panel is not None else self._current()
        if panel is not None and (path := self.ask_where(panel.key, kind, f"Export the panel {panel.title}")):
            self._write(partial(panel.export_png if kind == "png" else panel.export_svg, path), path)

    def window(self, scale: float = 1.0) -> None:
        """Ask where, and write the whole window as PNG."""
        if path := self.ask_where("nablascope", "png", "Export the window"):
            self._write(partial(write_window, self._window, path, scale), path)

    def _current(self) -> Panel | None:
        workspace = self._workspace()
        if workspace is None:
            return None
        key = workspace.current_key() or ("network" if "network" in workspace.panels else next(iter(workspace.panels), ""))
        return workspace.panels.get(key)

    # ---- tables ----

    def table(self, key: str) -> None:
        """Ask where, and write the table of a panel as CSV."""
        table = self._curves() if key == "curves" else self._layers()
        if table is None:
            self._context.say(_NO_TABLE[key])
        elif path := self.ask_where(key, "csv", f"Export {key} as CSV"):
            self._write(partial(write_csv, table, path), path)

    def _curves(self) -> Table | None:
        state = self._context.state
        known = any(len(curve["steps"]) for curve in state.curves.values())
        return curves_table(state.curves, state.measures, state.run_names) if known else None

    def _layers(self) -> Table | None:
        from gui.panels.layers import LayersPanel  # panels are loaded when they are needed

        workspace = self._workspace()
        panel = workspace.panels.get("layers") if workspace is not None else None
        rows = panel.model.rows if isinstance(panel, LayersPanel) else []
        return layers_table(rows) if rows else None

    # ---- runs ----

    def run(self) -> None:
        """Ask what, and record the run."""
        from gui.recording_run.dialog import RecordDialog
        from gui.recording_run.recording import Picture

        workspace = self._workspace()
        if workspace is None or self._context.state.stop is None:
            return
        whole, bar = self._window, getattr(self._window, "messages", None)
        if bar is not None and bar.passing:
            bar.leave()  # else it would leave in the midst of the recording
        pictures = {"Whole window": lambda: Picture(whole.size(), lambda painter: whole.render(painter, QPoint(0, 0)))}
        for panel in workspace.panels.values():
            if panel.isVisible():
                pictures[f"Panel {panel.title}"] = partial(_panel_picture, panel)
        dialog = RecordDialog(
            self._context, pictures, lambda kind: self.ask_where("run", kind, "Export the run"), self._window
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.recorded.connect(self._recorded)
        dialog.refused.connect(lambda problem: self._context.say(problem, "error"))
        dialog.open()

    def _recorded(self, path: str, note: str) -> None:
        self._context.say(f"Written: {path}" + (f". {note}" if note else ""), about=path)

    # ---- the menu of a panel's head ----

    def add_menu(self, panel: Panel) -> None:
        """Offer what a panel can be written as in the context menu of its head, and wherever in it no other one opens: so
        the menu key, too, opens one in every panel.
        """
        for widget in (panel.head, panel):
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            widget.customContextMenuRequested.connect(
                lambda place, widget=widget: self.menu(panel).popup(widget.mapToGlobal(place))
            )

    def menu(self, panel: Panel) -> QMenu:
        """What a panel can be written as."""
        menu = Menu(panel)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entries: list[tuple[str, Callable[[], object]]] = [
            (f"Export {panel.title} as PNG…", lambda: self.panel("png", panel)),
            (f"Export {panel.title} as SVG…", lambda: self.panel("svg", panel)),
        ]
        if panel.key in _NO_TABLE:
            entries.append((f"Export {panel.title} as CSV…", lambda: self.table(panel.key)))
        for text, call in entries:
            if (action := menu.addAction(text)) is not None:
                action.triggered.connect(lambda _checked=False, call=call: call())
        place = panel.parentWidget()
        dock = place.parentWidget() if place is not None else None
        if isinstance(dock, QDockWidget) and (close := menu.addAction("Close the panel")) is not None:
            menu.insertSeparator(close)
            close.triggered.connect(lambda _checked=False: dock.close())
        return menu

    # ---- files ----

    def ask_where(self, name: str, kind: str, title: str) -> str:
        """A path that the user chooses, ending on the format's letters; "" for none."""
        suggestion = os.path.join(self._folder or os.getcwd(), f"{name}.{kind}")
        path = ask_path(self._window, title, suggestion, f".{kind}", f"{_FORMATS[kind]} (*.{kind})")
        if path:
            self._folder = os.path.dirname(path)
        return path

    def _write(self, write: Callable[[], object], path: str) -> None:
        try:
            write()
        except OSError as error:
            self._context.say(explained(error, path), "error", path)
        else:
            self._context.say(f"Written: {path}", about=path)


def _panel_picture(panel: Panel) -> Picture:
    from gui.recording_run.recording import Picture

    return Picture(panel_size(panel), lambda painter: _draw(panel, painter))


def _draw(panel: Panel, painter: QPainter) -> None:
    painter.fillRect(0, 0, panel_size(panel).width(), panel_size(panel).height(), panel.theme.panel)
    draw_panel(panel, painter)

