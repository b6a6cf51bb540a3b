"""Where am I: ``epoch 1 › batch 3 of 188 › backward › conv2 › weight``. A part that is clicked is stepped out to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from gui.context import Context
from gui.panels.panel import ElidedLabel
from gui.state import Selection
from gui.timers import READABLE, Paced

#: What the arrays of an op are called where they have no name of their own.
_ROLES = {"y": "output", "x": "input", "dy": "output", "dx": "input", "w": "weight", "dw": "weight", "w_new": "weight"}


class Part(NamedTuple):
    """A part of the path: its words, the move that leads there (command, arguments) if any, its phase, its tooltip."""

    text: str
    move: tuple[str, dict[str, Any]] | None = None
    phase: str = ""
    tip: str = ""


def parts(stop: dict[str, Any] | None, selection: Selection | None = None) -> list[Part]:
    """The path to a stop, coarse to fine; people count epochs and batches from 1."""
    if not stop:
        return []
    found: list[Part] = []
    epoch, batch = stop.get("epoch") or 0, stop.get("batch", -1)
    if epoch:
        of = f"; there will be {stop['epochs']} epochs" if stop.get("epochs") else ""
        found.append(_part(f"epoch {epoch}", "epoch", f"the start of the epoch{of}"))
        if batch is not None and batch >= 0:
            of = f" of {stop['batches']}" if stop.get("batches") else ""
            found.append(_part(f"batch {batch + 1}{of}", "batch", "the start of the batch"))
    elif step := stop.get("step"):
        found.append(Part(f"step {step:,}", None, "", "Steps that the optimizer has done"))
    if direction := str(stop.get("direction") or ""):
        found.append(_part(direction, "line", "the line that began this pass", direction))
        names = [name for name in str(stop.get("module") or "").split(".") if name]
        for name in names:
            if direction == "forward":
                found.append(_part(name, "module", f"the start of the module {stop['module']}"))
            else:
                found.append(Part(name, ("stepOut", {}), "", f"Step out of {stop['module']}, on to what comes after it"))
        array = _array(stop, selection)
        if not names or array is None:
            found.append(Part(str(stop.get("op") or stop.get("name") or ""), None, "", "The op at work"))
        if array is not None:
            found.append(Part(array, None, "", f"What is selected here; the op is {stop.get('op')}"))
    elif stop.get("level") == "module" and stop.get("module"):
        found.append(_part(str(stop["module"]), "line", "the line that calls the module"))
        found.append(Part("entered" if stop.get("kind") == "enter" else "left", None, "", str(stop.get("name") or "")))
    elif stop.get("line"):
        function = stop.get("function")
        if function and function != "<module>":
            move = ("stepOut", {"granularity": "line"})
            found.append(Part(f"{function}()", move, "", "Step out of the function (Shift+F11)"))
        found.append(Part(f"line {stop['line']}", None, "", "The line that runs next"))
    return [part for part in found if part.text]


def _part(text: str, level: str, where: str, phase: str = "") -> Part:
    return Part(text, ("stepBack", {"granularity": level}), phase, f"Step out to {where}")


def _array(stop: dict[str, Any], selection: Selection | None) -> str | None:
    """What the selected array of the stop's op is called."""
    tensors = {tensor["name"]: tensor for tensor in stop.get("tensors") or ()}
    if selection is None or selection.event != stop.get("seq") or selection.name not in tensors:
        return None
    name, module = str(selection.name), str(stop.get("module") or "")
    of = tensors.get(name.removeprefix("d").removesuffix("_new"), {})  # the gradient of w has the label of w
    label = str(tensors[name].get("label") or of.get("label") or "").removesuffix(".grad")
    return label.removeprefix(f"{module}.") if label else _ROLES.get(name)


class Breadcrumb(QWidget):
    """The path over the canvas. Where it is too long its coarse parts are left out first.

    It places its parts itself and uses them again: with a layout every other path would lay out the whole window.
    """

    def __init__(self, context: Context, clicked: Callable[[str, dict[str, Any]], object]) -> None:
        super().__init__()
        self._context = context
        self._clicked = clicked
        self._shown: list[Part] | None = None
        self._crumbs: list[tuple[QLabel, QPushButton]] = []
        self._widths: dict[tuple[str, bool], int] = {}
        self._arranged: tuple[Any, ...] | None = None
        self._paced = Paced(self, READABLE, self._show_progress)
        self.setObjectName("breadcrumb")
        self.setAccessibleName("Where the script stands")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._more = QLabel("…", self)
        # While the script runs the path changes all the time, and leads nowhere.
        self._going = ElidedLabel()
        self._note = ElidedLabel()
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for label in (self._more, self._going, self._note):
            label.setParent(self)
            label.setObjectName("muted")
        context.state.subscribe(("stop", "running", "selection"), self._show)
        context.state.subscribe("progress", self._paced.call)
        context.theme_changed.connect(self._rebuild)
        self._rebuild()

    @property
    def text(self) -> str:
        """The path as text."""
        return " › ".join(part.text for part in self._shown or ())

    def _show(self) -> None:
        state = self._context.state
        stop = state.stop
        self._note.setText("" if not stop or stop.get("live", True) else "in the past: nothing here is computed anew")
        wanted = parts(stop, state.selection)
        if wanted != self._shown:
            self._shown = wanted
            self._write(wanted)
        self._show_progress()
        self._arrange()

    def _show_progress(self) -> None:
        state = self._context.state
        if state.running:
            self._going.setText("  ›  ".join(part.text for part in parts(state.progress)) or "running")
        elif not self._shown:
            ended = (state.stop or {}).get("reason") in ("end", "exited")
            self._going.setText("The script has ended" if ended else "The script has not stopped yet")

    def _rebuild(self) -> None:
        theme = self._context.theme
        self.setFixedHeight(theme.space(32))
        self._note.setFont(theme.text_font("small"))
        for label in (self._going, self._more, *(mark for mark, _ in self._crumbs)):
            label.setFont(theme.text_font("body"))
        self._going.set_ground(theme.panel)
        self._widths.clear()
        self._shown = self._arranged = None
        self._show()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._arrange()

    # ---- the parts ----

    def _write(self, wanted: list[Part]) -> None:
        """Write the parts into the crumbs, which are made where there are too few."""
        while len(self._crumbs) < len(wanted):
            self._crumbs.append(self._crumb(len(self._crumbs)))
        theme = self._context.theme
        for number, (_, crumb) in enumerate(self._crumbs):
            part = wanted[number] if number < len(wanted) else Part("")
            if crumb.text() != part.text:
                crumb.setText(part.text)
                crumb.setAccessibleName(part.text)
            font = theme.text_font("body", bold=number == len(wanted) - 1)
            if crumb.font() != font:
                crumb.setFont(font)
            color = theme.phase_text.get(part.phase)
            style = "" if color is None else f"color: {color.name()}"
            if crumb.styleSheet() != style:
                crumb.setStyleSheet(style)
            crumb.setToolTip(part.tip)
            crumb.setFocusPolicy(Qt.FocusPolicy.NoFocus if part.move is None else Qt.FocusPolicy.StrongFocus)

    def _crumb(self, number: int) -> tuple[QLabel, QPushButton]:
        mark, crumb = QLabel("›", self), QPushButton(self)
        mark.setObjectName("muted")
        mark.setFont(self._context.theme.text_font("body"))
        crumb.setObjectName("crumb")
        crumb.clicked.connect(lambda: self._go(number))
        return mark, crumb

    def _go(self, number: int) -> None:
        move = self._shown[number].move if self._shown and number < len(self._shown) else None
        if move is not None:
            self._clicked(*move)

    def _width(self, crumb: QPushButton) -> int:
        key = crumb.text(), crumb.font().bold()
        if key not in self._widths:
            if len(self._widths) > 500:
                self._widths.clear()
            self._widths[key] = crumb.sizeHint().width()
        return self._widths[key]

    def _arrange(self) -> None:
        """Show as many parts as there is room for, from the finest up; what is left over is the note's."""
        arranged = self._shown, self._context.state.running, self.width(), self.height()
        if arranged == self._arranged:
            return
        self._arranged = arranged
        running, count = self._context.state.running, len(self._shown or ())
        more, mark_width = self._more.sizeHint().width(), self._crumbs[0][0].sizeHint().width() if self._crumbs else 0
        room, first = self.width() - 20 - more, count
        while not running and first > 0:
            room -= self._width(self._crumbs[first - 1][1]) + mark_width
            if room < 0 and first < count:
                break
            first -= 1
        hidden = 0 < first < count
        x = 8 + (more + 4 if hidden else 0)
        for number, (mark, crumb) in enumerate(self._crumbs):
            shown = first <= number < count
            if shown:
                if number:
                    mark.setGeometry(x, 0, mark_width, self.height())
                    x += mark_width
                wide, high = min(self._width(crumb), max(1, self.width() - 8 - x)), crumb.sizeHint().height()
                crumb.setGeometry(x, (self.height() - high) // 2, wide, high)
                x += wide
            crumb.setVisible(shown)
            mark.setVisible(shown and number > 0)
        self._more.setGeometry(8, 0, more, self.height())
        self._more.setVisible(hidden)
        if self._more.toolTip() != self.text:
            self._more.setToolTip(self.text)
        going = running or not self._shown
        left = 8 if going else x + 8
        for label in (self._going, self._note):
            label.setGeometry(left, 0, max(1, self.width() - 8 - left), self.height() - 1)
        self._going.setVisible(going)
        self._note.setVisible(not going)
