"""Where am I: ``epoch 1 › batch 3 of 188 › backward › conv2 › weight``. A part that is clicked is stepped out to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFont, QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from gui.context import Context
from gui.panels.panel import ElidedLabel
from gui.state import Selection

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
        found.append(Part(f"step {step}", None, "", "Steps that the optimizer has done"))
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
    """The path over the canvas. Where it is too long its coarse parts are left out first."""

    def __init__(self, context: Context, clicked: Callable[[str, dict[str, Any]], object]) -> None:
        super().__init__()
        self._context = context
        self._clicked = clicked
        self._shown: list[Part] | None = None
        self._crumbs: list[tuple[QLabel, QPushButton]] = []
        self.setObjectName("breadcrumb")
        self.setAccessibleName("Where the script stands")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout()
        self._row.setSpacing(0)
        self._more = QLabel("…")
        self._more.setObjectName("muted")
        self._row.addWidget(self._more)
        # While the script runs the path changes all the time, and leads nowhere.
        self._going = ElidedLabel()
        self._going.setObjectName("muted")
        self._note = ElidedLabel()
        self._note.setObjectName("muted")
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        layout.setSpacing(8)
        layout.addLayout(self._row)
        layout.addWidget(self._going, 1)
        layout.addWidget(self._note, 1)
        context.state.subscribe(("stop", "running", "selection"), self._show)
        context.state.subscribe("progress", self._show_progress)
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
            self._build()
        self._going.setVisible(state.running or not wanted)
        self._note.setVisible(not self._going.isVisibleTo(self))
        self._show_progress()
        self._fit()

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
        for label in (self._going, self._more):
            label.setFont(theme.text_font("body"))
        self._shown = None
        self._show()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as many parts as there is room for, from the finest up."""
        room = self.width() - 16 - self._more.sizeHint().width()
        running, hidden = self._context.state.running, False
        for mark, crumb in reversed(self._crumbs):
            room -= crumb.sizeHint().width() + mark.sizeHint().width()
            hidden = hidden or (room < 0 and crumb is not self._crumbs[-1][1])
            crumb.setVisible(not hidden and not running)
            mark.setVisible(not hidden and not running and mark is not self._crumbs[0][0])
        self._more.setVisible(hidden and not running)
        self._more.setToolTip(self.text)

    def _build(self) -> None:
        while (item := self._row.takeAt(1)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._crumbs = []
        for part in self._shown or ():
            mark = QLabel("›")
            mark.setObjectName("muted")
            last = part is (self._shown or [part])[-1]
            crumb = self._crumb(part, self._context.theme.text_font("body", bold=last))
            self._crumbs.append((mark, crumb))
            for widget in (mark, crumb):
                widget.hide()
                self._row.addWidget(widget)

    def _crumb(self, part: Part, font: QFont) -> QPushButton:
        button = QPushButton(part.text)
        button.setObjectName("crumb")
        button.setFont(font)
        button.setAccessibleName(part.text)
        button.setToolTip(part.tip)
        button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        if part.phase:
            color = self._context.theme.phase_text.get(part.phase)
            if color is not None:
                button.setStyleSheet(f"color: {color.name()}")
        if part.move is None:
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        else:
            command, arguments = part.move
            button.clicked.connect(lambda: self._clicked(command, arguments))
        return button
