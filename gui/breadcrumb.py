"""Where am I: ``epoch 1 › batch 3 › step 190 › backward › conv2 › dw``. A part that is clicked is stepped out to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from gui.context import Context
from gui.panels.panel import ElidedLabel


class Part(NamedTuple):
    """A part of the path: its words, the move that leads there (command, arguments) if any, its phase, its tooltip."""

    text: str
    move: tuple[str, dict[str, Any]] | None = None
    phase: str = ""
    tip: str = ""


def parts(stop: dict[str, Any] | None, selected: str = "") -> list[Part]:
    """The path to a stop, coarse to fine."""
    if not stop:
        return []
    found: list[Part] = []
    step, epoch, batch = stop.get("step"), stop.get("epoch") or 0, stop.get("batch", -1)
    if epoch:
        found.append(Part(f"epoch {epoch}", ("stepBack", {"granularity": "epoch"}), "", "Back to the start of the epoch"))
        if batch is not None and batch >= 0:
            move = ("stepBack", {"granularity": "batch"})
            found.append(Part(f"batch {batch}", move, "", "Back to the start of the batch"))
    if step is not None and (stop.get("direction") or epoch or step):
        found.append(Part(f"step {step}", None, "", "Optimizer steps done before this place"))
    direction = stop.get("direction")
    if direction:
        out = ("stepOut", {})
        found.append(Part(str(direction), out, str(direction), "Step out, to the end of what is at work here"))
        for i, name in enumerate(filter(None, str(stop.get("module") or "").split("."))):
            found.append(Part(name, ("next", {"granularity": "module"}) if i == 0 else None, "", "On to the next module"))
        if stop.get("op"):
            found.append(Part(str(stop["op"]), ("next", {"granularity": "op"}), "", "On to the next op"))
    elif stop.get("line"):
        function = stop.get("function")
        if function and function != "<module>":
            found.append(Part(f"{function}()", ("stepOut", {"granularity": "line"}), "", "Step out of the function"))
        found.append(Part(f"line {stop['line']}", ("next", {"granularity": "line"}), "", "On to the next line"))
    if selected:
        found.append(Part(selected, None, "", "What is selected"))
    return found


class Breadcrumb(QWidget):
    """The path over the canvas."""

    def __init__(self, context: Context, clicked: Callable[[str, dict[str, Any]], object]) -> None:
        super().__init__()
        self._context = context
        self._clicked = clicked
        self._shown: list[Part] = []
        self.setObjectName("breadcrumb")
        self.setAccessibleName("Where the script stands")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout()
        self._row.setSpacing(0)
        self._note = ElidedLabel()
        self._note.setObjectName("muted")
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        layout.setSpacing(8)
        layout.addLayout(self._row)
        layout.addWidget(self._note, 1)
        context.state.subscribe(("stop", "running"), self._show)
        context.theme_changed.connect(self._rebuild)
        self._rebuild()

    @property
    def text(self) -> str:
        """The path as text."""
        return " › ".join(part.text for part in self._shown)

    def _show(self) -> None:
        stop = self._context.state.stop
        self._note.setText("" if not stop or stop.get("live", True) else "in the past: nothing here is computed anew")
        wanted = parts(stop)
        self.setEnabled(not self._context.state.running)
        if wanted != self._shown:
            self._shown = wanted
            self._build()

    def _rebuild(self) -> None:
        self.setFixedHeight(self._context.theme.space(32))
        self._note.setFont(self._context.theme.text_font("small"))
        self._shown = []
        self._build()
        self._show()

    def _build(self) -> None:
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        theme = self._context.theme
        if not self._shown:
            label = QLabel("No stop yet")
            label.setObjectName("muted")
            self._row.addWidget(label)
        for i, part in enumerate(self._shown):
            if i:
                mark = QLabel("›")
                mark.setObjectName("muted")
                self._row.addWidget(mark)
            self._row.addWidget(self._crumb(part, theme.text_font("body", bold=i == len(self._shown) - 1)))

    def _crumb(self, part: Part, font: Any) -> QWidget:
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
