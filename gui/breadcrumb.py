"""Where am I: ``epoch 1 › batch 3 of 188 › backward › conv2 › weight``. A part that is clicked is stepped out to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from gui.context import Context
from gui.numbers import plural
from gui.panels.panel import ElidedLabel
from gui.state import Selection, is_loss
from gui.steps import step_number
from gui.timers import COUNTING, READABLE, Paced

#: What the arrays of an op are called where they have no name of their own.
_ROLES = {"y": "output", "x": "input", "dy": "output", "dx": "input", "w": "weight", "dw": "weight", "w_new": "weight"}

#: What stands between two parts.
_MARK = "›"


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
        of = f"; there will be {stop['epochs']} {plural(stop['epochs'], 'epoch')}" if stop.get("epochs") else ""
        found.append(_part(f"epoch {epoch}", "epoch", f"the start of the epoch{of}"))
        if batch is not None and batch >= 0:
            of = f" of {stop['batches']}" if stop.get("batches") else ""
            found.append(_part(f"batch {batch + 1}{of}", "batch", "the start of the batch"))
    elif (ended := stop.get("step") or 0) or stop.get("direction"):
        tip = f"The optimizer's step that goes on here, or ends; {ended:,} {'has' if ended == 1 else 'have'} been done"
        found.append(Part(f"step {step_number(stop):,}", None, "", tip))
    direction, in_module = str(stop.get("direction") or ""), stop.get("level") == "module" and stop.get("module")
    if phase := "forward" if in_module else direction:  # modules are called on the way forward alone
        if phase == "forward" and is_loss(str(stop.get("op") or (stop.get("name") if in_module else "") or "")):
            phase = "loss"
        found.append(_part(phase, "line", "the line that began this pass", phase))
    if direction:
        names = [name for name in str(stop.get("module") or "").split(".") if name]
        for name in names:
            if direction == "forward":
                found.append(_part(name, "module", f"the start of the module {stop['module']}"))
            else:
                found.append(Part(name, ("stepOut", {}), "", f"Step out of {stop['module']}, on to what comes after it"))
        array = _array(stop, selection)
        # A module may compute by several ops; only a parameter's name says which.
        if not names or array is None or array in ("output", "input"):
            found.append(Part(str(stop.get("op") or stop.get("name") or ""), None, "", "The op at work"))
        if array is not None:
            found.append(Part(array, None, "", f"What is selected here; the op is {stop.get('op')}"))
    elif in_module:
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
        #: By place in the path, phase, and whether it is the last: another font or colour for a widget takes long.
        self._made: dict[tuple[int, str, bool], QPushButton] = {}
        self._crumbs: list[QPushButton] = []
        self._before: QWidget | None = None
        self._sizes: dict[tuple[str, bool], QSize] = {}
        #: Where the marks between the crumbs stand, from left to right.
        self._marks: list[QRect] = []
        self._arranged: tuple[Any, ...] | None = None
        self._paced = Paced(self, COUNTING, self._show_progress)
        self.setObjectName("breadcrumb")
        self.setAccessibleName("Where the script stands")
        # It paints all of itself: what lies under it need not be.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._more = QLabel("…", self)
        # While the script runs the path changes all the time, and leads nowhere.
        self._going = ElidedLabel()
        self._note = ElidedLabel()
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for label in (self._more, self._going, self._note):
            label.setParent(self)
            label.setObjectName("muted")
        self._trail = Paced(self, READABLE, self._show)
        context.state.subscribe(("stop", "running", "selection", "scrubbing"), self._follow)
        context.state.subscribe("progress", self._paced.call)
        context.theme_changed.connect(self._rebuild)
        self._rebuild()

    @property
    def text(self) -> str:
        """The path as text."""
        return f" {_MARK} ".join(part.text for part in self._shown or ())

    def _follow(self) -> None:
        # Nobody reads the path of each place that the timeline is dragged past.
        self._trail.call(at_once=not self._context.state.scrubbing)

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
            self._going.setText(f"  {_MARK}  ".join(part.text for part in parts(state.progress)) or "running")
        elif not self._shown:
            ended = (state.stop or {}).get("reason") in ("end", "exited")
            self._going.setText("The script has ended" if ended else "The script has not stopped yet")

    def _rebuild(self) -> None:
        theme = self._context.theme
        self.setFixedHeight(theme.row(32))
        self._note.setFont(theme.text_font("small"))
        for label in (self._going, self._more):
            label.setFont(theme.text_font("body"))
        self._going.set_ground(theme.panel)
        for crumb in self._made.values():
            crumb.deleteLater()
        self._made.clear()
        self._crumbs.clear()
        self._sizes.clear()
        self._shown = self._arranged = None
        self._show()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._arrange()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        theme, box = self._context.theme, self.rect()
        painter = QPainter(self)
        painter.fillRect(box, theme.panel)
        painter.fillRect(0, box.bottom(), box.width(), 1, theme.hairline)
        painter.setFont(theme.text_font("body"))
        painter.setPen(theme.muted)
        for mark in self._marks:
            painter.drawText(mark, Qt.AlignmentFlag.AlignCenter, _MARK)
        painter.end()

    # ---- the parts ----

    def _write(self, wanted: list[Part]) -> None:
        """Write the parts into crumbs; those of before that are not used again disappear."""
        before, self._crumbs, others = self._crumbs, [], False
        for number, part in enumerate(wanted):
            crumb = self._crumb(number, part.phase, number == len(wanted) - 1)
            self._crumbs.append(crumb)
            if crumb.text() != part.text:
                crumb.setText(part.text)
                crumb.setAccessibleName(part.text)
            if crumb.toolTip() != part.tip:
                crumb.setToolTip(part.tip)
            policy = Qt.FocusPolicy.NoFocus if part.move is None else Qt.FocusPolicy.StrongFocus
            if crumb.focusPolicy() != policy:
                crumb.setFocusPolicy(policy)
                others = True
        for number, crumb in enumerate(before):
            if crumb in self._crumbs:
                continue
            if crumb.hasFocus() and number < len(self._crumbs):
                self._crumbs[number].setFocus()
            crumb.hide()
        if others:
            self._order()

    def _crumb(self, number: int, phase: str, last: bool) -> QPushButton:
        theme = self._context.theme
        color = theme.phase_text.get(phase)
        key = number, phase if color is not None else "", last
        if key not in self._made:
            crumb = QPushButton(self)
            crumb.setObjectName("crumb")
            crumb.setFont(theme.text_font("body", bold=last))
            if color is not None:
                crumb.setStyleSheet(f"color: {color.name()}")
            crumb.clicked.connect(lambda: self._go(number))
            self._made[key] = crumb
            crumb.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return self._made[key]

    def come_after(self, widget: QWidget) -> None:
        """Let Tab lead from ``widget`` to the crumbs: made late, they would be the last of the window."""
        self._before = widget
        self._order()

    def _order(self) -> None:
        # What takes no focus has no place in the order.
        order = [crumb for _, crumb in sorted(self._made.items()) if crumb.focusPolicy() != Qt.FocusPolicy.NoFocus]
        for one, other in pairwise(order if self._before is None else [self._before, *order]):
            QWidget.setTabOrder(one, other)

    def _go(self, number: int) -> None:
        move = self._shown[number].move if self._shown and number < len(self._shown) else None
        if move is not None:
            self._clicked(*move)

    def _size(self, part: QLabel | QPushButton) -> QSize:
        """The size that a part wants."""
        key = part.text(), part.font().bold()
        if key not in self._sizes:
            if len(self._sizes) > 500:
                self._sizes.clear()
            self._sizes[key] = part.sizeHint()
        return self._sizes[key]

    def _arrange(self) -> None:
        """Show as many parts as there is room for, from the finest up; what is left over is the note's."""
        arranged = self._shown, self._context.state.running, self.width(), self.height()
        if arranged == self._arranged:
            return
        self._arranged = arranged
        running, count, high = self._context.state.running, len(self._shown or ()), self.height()
        more, between = self._size(self._more).width(), QFontMetrics(self._more.font()).horizontalAdvance(_MARK)
        room, first = self.width() - 20 - more, count
        while not running and first > 0:
            room -= self._size(self._crumbs[first - 1]).width() + between
            if room < 0 and first < count:
                break
            first -= 1
        hidden = 0 < first < count
        x = 8 + (more + 4 if hidden else 0)
        self._marks.clear()
        for number, crumb in enumerate(self._crumbs):
            shown = first <= number < count
            if shown:
                if number:
                    self._marks.append(QRect(x, 0, between, high))
                    x += between
                size = self._size(crumb)
                wide = min(size.width(), max(1, self.width() - 8 - x))
                crumb.setGeometry(x, (high - size.height()) // 2, wide, size.height())
                x += wide
            crumb.setVisible(shown)
        self._more.setGeometry(8, 0, more, high)
        self._more.setVisible(hidden)
        if self._more.toolTip() != self.text:
            self._more.setToolTip(self.text)
        going = running or not self._shown
        left = 8 if going else x + 8
        for label in (self._going, self._note):
            label.setGeometry(left, 0, max(1, self.width() - 8 - left), high - 1)
        self._going.setVisible(going)
        self._note.setVisible(not going)
        self.update()
