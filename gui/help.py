"""The menu Help: keys, terms, about, and what to write into an issue."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QDialog, QMessageBox, QWidget

from gui.context import Context
from gui.glossary import TERMS
from gui.keys_dialog import KeysDialog
from gui.table_dialog import Row, TableDialog

_PACKAGES = ("numpy", "numba", "PyQt6", "pyqtgraph", "matplotlib")


class Help:
    """Its methods are the handlers of the actions."""

    def __init__(self, context: Context, window: QWidget) -> None:
        self._context, self._window = context, window

    def keys(self) -> None:
        """All keys."""
        self._open(KeysDialog(self._context, self._window))

    def terms(self) -> None:
        """What the words mean."""
        rows = [Row(group, (word, meaning)) for group, word, meaning in TERMS]
        self._open(TableDialog(self._context, self._window, "Terms", ("Term", "Meaning"), rows))

    def about(self) -> None:
        """Versions and licences."""
        box = QMessageBox(self._window)
        box.setWindowTitle("About Nablascope")
        what = "A visual debugger for neural-network training, and the engine it debugs."
        licences = (
            "GNU General Public License 3 or later.\nFonts Inter and JetBrains Mono: SIL Open Font License 1.1 (gui/fonts)."
        )
        box.setText(f"Nablascope {versions()['nablascope']}\n\n{what}\n{licences}")
        box.setInformativeText("\n".join(f"{name} {number}" for name, number in versions().items() if name != "nablascope"))
        copy = box.addButton("Copy for an issue", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Close)
        assert copy is not None
        copy.clicked.connect(self.copy_for_issue)
        for button in box.buttons():
            button.setAccessibleName(button.text().replace("&", ""))
        self._open(box)

    def copy_for_issue(self) -> None:
        """Versions and the state of the window onto the clipboard."""
        if clipboard := QApplication.clipboard():
            clipboard.setText(issue_text(self._context, self._window))
            self._context.say("Copied: versions and the state of the window, for the text of an issue.")

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()


def versions() -> dict[str, str]:
    """Nablascope, Python, the system and the packages that matter, with their versions."""
    found = {"nablascope": "of this checkout", "Python": platform.python_version(), "System": platform.platform()}
    for name in ("nablascope", *_PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found.setdefault(name, "missing")
    return found


def issue_text(context: Context, window: QWidget) -> str:
    """Versions and the state of the window: no path of the user's, no data."""
    state, theme, screen = context.state, context.theme, window.screen()
    stop, app = state.stop or {}, QApplication.instance()
    lines = [f"{name}: {number}" for name, number in versions().items()]
    lines.append(f"Platform: {sys.platform}, Qt {app.platformName() if isinstance(app, QApplication) else '?'}")
    lines.append(f"Window: {window.width()} x {window.height()}, theme {theme.name}, text {theme.scale:.0%}")
    if screen is not None:
        size = screen.size()
        lines.append(f"Screen: {size.width()} x {size.height()}, {screen.devicePixelRatio():g} pixels a point")
    if stop:
        keys = ("level", "kind", "op", "direction", "step")
        place = ", ".join(f"{key} {stop[key]}" for key in keys if stop.get(key) is not None)
        lines.append(f"Stop: {stop.get('reason')} at {place}; live {stop.get('live', True)}")
    lines.append(f"Runs: {len(state.runs)}; running {state.running}")
    return "\n".join(lines) + "\n"
