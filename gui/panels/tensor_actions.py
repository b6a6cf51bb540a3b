"""What can be done with the tensor that is shown: copy, change, save; and the menu that offers it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QApplication, QDialog, QMenu

from gui.panels.tensor_edit import EditDialog, edit_of
from gui.panels.tensor_save import TensorSave
from gui.panels.tensor_view import exact

if TYPE_CHECKING:
    from gui.panels.tensor import TensorPanel


class TensorActions:
    """Acts on what ``panel`` shows."""

    def __init__(self, panel: TensorPanel) -> None:
        self._panel = panel
        self.saver = TensorSave(panel)

    def menu(self) -> QMenu:
        """The menu."""
        panel = self._panel
        menu, selected, shown = QMenu(panel), panel.map.selected is not None, panel.shown is not None
        for text, call, usable in (
            ("Copy this number", self.copy_number, selected),
            ("Copy the numbers shown", self.copy_shown, shown),
            ("Change this number…", self.edit_selected, selected),
            ("", None, True),
            ("Show everything\t0", panel.map.reset_view, shown),
            ("Fit the colours to these numbers", panel.fit_scale, shown),
            ("Slice…", lambda: panel.controls.show_slice(panel.controls.slice.isHidden()), shown),
            ("", None, True),
            ("Save as NumPy file…", partial(self.saver.ask, "npy"), shown),
            ("Save the map as PNG…", partial(self.saver.ask, "png"), shown),
            ("Save the map as SVG…", partial(self.saver.ask, "svg"), shown),
        ):
            if call is None:
                menu.addSeparator()
                continue
            action = QAction(text, menu)
            action.setEnabled(usable)
            action.triggered.connect(partial(_call, call))
            menu.addAction(action)
        return menu

    def copy_number(self) -> None:
        """Put the selected number on the clipboard, exactly."""
        if self._panel.shown is not None and self._panel.map.selected is not None:
            _clip(exact(self._panel.shown.number(*self._panel.map.selected)))

    def copy_shown(self) -> None:
        """Put the numbers of the map on the clipboard, as lines with tabs."""
        if self._panel.shown is not None:
            _clip("\n".join("\t".join(map(exact, row)) for row in self._panel.shown.data))

    def edit_selected(self) -> None:
        """Ask for another value of the selected element."""
        if self._panel.map.selected is not None:
            self.edit(*self._panel.map.selected)

    def edit(self, row: int, column: int) -> None:
        """Ask for another value of the element of a cell, and fork the run with it."""
        panel, view = self._panel, self._panel.shown
        index = view.index(row, column) if view is not None else None
        if view is None or index is None or view.block != (1, 1) or len(panel.source.references) != 1:
            panel.context.say("Only a single number of the tensor itself can be changed: show its data, and zoom in.")
            return
        reference, stop, label = panel.source.references[0], panel.state.stop or {}, panel.label
        if edit_of(reference, label, index, 0.0, stop) is None:
            text = f"{panel.source.title} was computed at an earlier op. Go to that op, then change it there."
            panel.context.say(text)
            return
        element = f"{panel.source.title}[{', '.join(map(str, index))}]" if index else panel.source.title
        integer = view.dtype.startswith(("int", "uint"))
        dialog = EditDialog(element, exact(view.number(row, column)), panel.theme, integer, panel)
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.value is not None:
            edit = edit_of(reference, label, index, dialog.value, stop)
            panel.context.link.fork([edit], f"{element} = {dialog.field.text().strip()}")
        dialog.deleteLater()


def _call(call: Any, _checked: bool = False) -> None:
    call()


def _clip(text: str) -> None:
    if (clipboard := QApplication.clipboard()) is not None:
        clipboard.setText(text)
