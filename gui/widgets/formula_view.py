"""``FormulaView``: a LaTeX formula, drawn as outlines in the theme's ink, wrapped and shrunk to the width that there is."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

from PyQt6 import sip
from PyQt6.QtCore import QObject, QPointF, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.formulas import EM, Box, Formula
from gui.theme import Theme
from gui.typesetting import Typesetting

#: Formulas that are kept.
_KEPT = 256
#: Share of the wanted size to which a formula shrinks before it is cut.
_SMALLEST = 0.45
#: Between pieces, between equations in one line, and before what goes on with an equation in another.
_GAP, _APART, _INDENT = 0.05 * EM, 1.0 * EM, 1.2 * EM


#: Pieces, and where they begin.
Line = list[tuple[float, Box]]


class Typesetter(QObject):
    """Has formulas made, and waits for them in a thread that lives while there are some to make.

    Signals:
        ready(latex): that one can be had now.
    """

    ready = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._made: OrderedDict[str, Formula | None] = OrderedDict()
        self._wanted: deque[str] = deque()
        self._typesetting = Typesetting()
        self._lock = threading.Lock()
        self._working = False

    def get(self, latex: str) -> Formula | None:
        """The formula; None while it is being made, and where it cannot be made."""
        with self._lock:
            if latex in self._made:
                self._made.move_to_end(latex)
                return self._made[latex]
            if latex not in self._wanted:
                self._wanted.append(latex)
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, daemon=True, name="typesetter").start()
        return None

    def failed(self, latex: str) -> bool:
        """Whether it has turned out that the formula cannot be made."""
        with self._lock:
            return latex in self._made and self._made[latex] is None

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._working = False
                    return
                latex = self._wanted[0]
            made = self._typesetting.make(latex)
            with self._lock:
                self._wanted.popleft()
                self._made[latex] = made
                while len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            if sip.isdeleted(self):
                return
            self.ready.emit(latex)


typesetter = Typesetter()


class FormulaView(QWidget):
    """Shows one formula; its plain text until the outlines are there, and where there are none."""

    def __init__(self, theme: Theme, size: float = 1.35) -> None:
        super().__init__()
        self._latex = self._plain = ""
        self._factor = size
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumWidth(1)
        self.setAccessibleName("Formula")
        self.apply_theme(theme)
        typesetter.ready.connect(self._arrived)

    def set_formula(self, latex: str, plain: str) -> None:
        """Show another formula; ``plain`` is its text."""
        if (latex, plain) == (self._latex, self._plain):
            return
        self._latex, self._plain = latex, plain
        self.setAccessibleDescription(plain)
        self.setToolTip(plain)
        typesetter.get(latex)
        self.updateGeometry()
        self.update()

    def is_typeset(self) -> bool:
        """Whether the outlines are there."""
        return typesetter.get(self._latex) is not None

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self._color = QColor(theme.ink)
        self._muted = QColor(theme.muted)
        self.setFont(theme.code_font())
        self._pixels = theme.point_size() * self.logicalDpiY() / 72 * self._factor
        self.updateGeometry()
        self.update()

    def _arrived(self, latex: str) -> None:
        if not sip.isdeleted(self) and latex == self._latex:
            self.updateGeometry()
            self.update()

    # ---- layout ----

    def _lines(self, width: float) -> tuple[list[Line], float]:
        """The pieces in lines, and the scale at which they fit."""
        made = typesetter.get(self._latex) if self._latex else None
        if made is None or not made.equations:
            return [], 0.0
        scale = self._pixels / EM
        room = max(width, 1.0) / scale
        lines = in_lines(made, room)
        widest = max(x + piece.width for line in lines for x, piece in line)
        return lines, scale * max(min(1.0, room / widest), _SMALLEST)

    def heightForWidth(self, a0: int) -> int:
        lines, scale = self._lines(a0)
        if not lines:
            return self.fontMetrics().boundingRect(QRect(0, 0, max(a0, 50), 10_000), _WRAPPED, self._plain).height() + 8
        return round(sum(_ascent(line) + _descent(line) for line in lines) * scale + 6 * (len(lines) - 1) + 8)

    def hasHeightForWidth(self) -> bool:
        return True

    def sizeHint(self) -> QSize:
        width = max(self.width(), 100)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(1, self.heightForWidth(max(self.width(), 100)))

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        lines, scale = self._lines(self.width())
        if not lines:
            painter.setPen(self._color if typesetter.failed(self._latex) else self._muted)
            painter.drawText(self.rect().adjusted(0, 4, 0, 0), _WRAPPED, self._plain)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        y = 4.0
        for line in lines:
            for x, piece in line:
                painter.save()
                painter.translate(QPointF(x * scale, y + _ascent(line) * scale))
                painter.scale(scale, scale)
                painter.drawPath(piece.path)
                painter.restore()
            y += (_ascent(line) + _descent(line)) * scale + 6


_WRAPPED = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop) | Qt.TextFlag.TextWordWrap.value


def in_lines(made: Formula, room: float) -> list[Line]:
    """Lines of a width of ``room``: pieces with the places where they begin. An equation that has no room in a line of its
    own goes on in the next ones, with an indent; what comes behind it begins another line.
    """
    lines: list[Line] = []
    whole = False
    for equation in made.equations:
        x = lines[-1][-1][0] + lines[-1][-1][1].width + _APART if whole else 0.0
        if not whole or x + _width(equation) > room:
            lines.append([])
            x = 0.0
        whole = True
        for piece in equation:
            if piece is not equation[0] and x + piece.width > room:
                lines.append([])
                x, whole = _INDENT, False
            lines[-1].append((x, piece))
            x += piece.width + _GAP
    return lines


def _width(equation: tuple[Box, ...]) -> float:
    return sum(piece.width for piece in equation) + _GAP * (len(equation) - 1)


def _ascent(line: Line) -> float:
    return max(piece.ascent for _, piece in line)


def _descent(line: Line) -> float:
    return max(piece.descent for _, piece in line)
