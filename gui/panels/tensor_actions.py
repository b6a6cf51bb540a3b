"""What can be done with the tensor that is shown: copy, change, save; and the menu that offers it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QApplication, QDialog, QMenu

from gui.makers import maker_of, with_events
from gui.numbers import plural
from gui.panels.tensor_edit import EditDialog, Place, place_of
from gui.panels.tensor_save import TensorSave
from gui.panels.tensor_view import exact
from gui.state import Selection
from gui.widgets.context_menu import context_menu

if TYPE_CHECKING:
    from gui.panels.tensor import TensorPanel


#: Batches that are looked through for the one that an op has read.
_BATCHES = 500
#: Ops of a pass that are looked through for the one that has made what an op has read.
_OPS = 500


class TensorActions:
    """Acts on what ``panel`` shows."""

    def __init__(self, panel: TensorPanel) -> None:
        self._panel = panel
        #: What a fork has changed that is not shown yet, and how many runs there were before it.
        self.forked: tuple[Selection, int] | None = None
        self.saver = TensorSave(panel)

    def menu(self) -> QMenu:
        """The menu."""
        panel = self._panel
        selected, shown = panel.map.selected is not None, panel.shown is not None
        return context_menu(panel, (
            ("Explain this number\tEnter", self.explain_selected, selected),
            ("Change this number…\tF2", self.edit_selected, selected),
            None,
            ("Copy this number\tCtrl+C", self.copy_number, selected),
            ("Copy the numbers in view" + ("" if selected else "\tCtrl+C"), self.copy_shown, shown),
            None,
            ("Show everything\t0", panel.map.reset_view, shown),
            ("Fit the colours to these numbers", panel.fit_scale, shown),
            ("Slice…", lambda: panel.controls.show_slice(panel.controls.slice.isHidden()), shown),
            None,
            ("Save as NumPy file…", partial(self.saver.ask, "npy"), shown),
            ("Save the map as PNG…", partial(self.saver.ask, "png"), shown),
            ("Save the map as SVG…", partial(self.saver.ask, "svg"), shown),
        ))  # fmt: skip

    def copy(self) -> None:
        """Copy the selected number, or without one what is seen."""
        if self._panel.map.selected is not None:
            self.copy_number()
        else:
            self.copy_shown()

    def explain_selected(self) -> None:
        """Have the selected element explained."""
        if self._panel.map.selected is not None:
            self._panel.explain(*self._panel.map.selected)

    def copy_number(self) -> None:
        """Put the selected number on the clipboard, exactly."""
        if self._panel.shown is not None and self._panel.map.selected is not None:
            _clip(exact(self._panel.shown.number(*self._panel.map.selected)))

    def copy_shown(self) -> None:
        """Put the numbers that are seen on the clipboard, as lines with tabs."""
        view, map_view = self._panel.shown, self._panel.map.view
        if view is None:
            return
        top, bottom, left, right = map_view.visible()
        (row, column), (down, across) = view.start, (1, 1) if view.tiled else view.block
        seen = view.data[
            max(0, top - row) // down : max(0, -(-(bottom - row) // down)),
            max(0, left - column) // across : max(0, -(-(right - column) // across)),
        ]
        _clip("\n".join("\t".join(map(exact, numbers)) for numbers in seen))
        if view.block != (1, 1):
            means = f"{view.block[0]} × {view.block[1]} elements"
            copied = f"{seen.size:,} {plural(seen.size, 'mean')} of {means} each"
            self._panel.context.say(f"Copied {copied}. Zoom in to copy single numbers.")

    def edit_selected(self) -> None:
        """Ask for another value of the selected element."""
        if self._panel.map.selected is not None:
            self.edit(*self._panel.map.selected)

    def edit(self, row: int, column: int) -> None:
        """Ask for another value of the element of a cell, and fork the run with it."""
        panel, view = self._panel, self._panel.shown
        if panel.numbers.arriving:
            return panel.context.want_edit()  # of the selected element, whose number is on its way
        index = view.index(row, column) if view is not None else None
        if view is None or index is None or view.block != (1, 1) or len(panel.source.references) != 1:
            panel.context.say("Only a single number of the tensor itself can be changed: show its data, and zoom in.")
            return
        reference, stop, label = panel.source.references[0], panel.state.stop or {}, panel.label

        def ask_value(batch: int | None, graph: dict[str, Any] | None = panel.state.graph) -> None:
            place = place_of(reference, label, stop, graph, batch)
            if place is None:
                panel.context.say(f"{panel.source.title} is past and cannot be changed. Select the parameter itself.")
            elif panel.shown is view:
                self._ask_value(place, row, column, index)

        def found(body: dict[str, Any]) -> None:
            before = [event["seq"] for event in body["events"] if event["seq"] < reference["event"]]
            batch = before[-1] if before else None
            if batch is None or maker_of(panel.state.graph, reference["event"], reference["name"]) is not None:
                ask_value(batch)
                return
            arguments = {"kinds": ["forward"], "from": batch, "count": _OPS}
            panel.ask("edit", "events", arguments,
                      lambda body: ask_value(batch, with_events(panel.state.graph, body["events"])))  # fmt: skip

        if label or "event" not in reference:
            ask_value(None)
        else:
            panel.ask("edit", "events", {"kinds": ["batch"], "count": _BATCHES}, found)

    def _ask_value(self, place: Place, row: int, column: int, index: tuple[int, ...]) -> None:
        """Ask for the value in a dialog, then fork."""
        panel, view = self._panel, self._panel.shown
        assert view is not None
        element = f"{panel.source.title}[{', '.join(map(str, index))}]" if index else panel.source.title
        integer = view.dtype.startswith(("int", "uint"))
        dialog = EditDialog(element, exact(view.number(row, column)), panel.theme, integer, panel, place.note)
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.value is not None:
            if place.seq is not None and place.seq != (panel.state.stop or {}).get("seq"):
                panel.context.link.move("goto", seq=place.seq)  # the fork waits for it
            panel.context.link.fork([place.edit(index, dialog.value)], f"{element} = {dialog.field.text().strip()}")
            if expression := place.reference.get("expression"):
                changed = replace(panel.state.selection, event=None, name=None, expression=expression, index=index)
                self.forked = replace(changed, label=expression), len(panel.state.runs)
        dialog.deleteLater()

    def show_forked(self) -> None:
        """Select the parameter that a fork has changed, once its run is there: what its op has read is the old value."""
        stop, runs = self._panel.state.stop or {}, self._panel.state.runs
        if self.forked is not None and len(runs) > self.forked[1] and stop.get("live", True):
            selection, self.forked = self.forked[0], None
            self._panel.state.update(selection=selection)


def _clip(text: str) -> None:
    if (clipboard := QApplication.clipboard()) is not None:
        clipboard.setText(text)
