"""``TermsView``: the largest terms of an explained number, one row each, with a bar for its share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QBrush,
    QColor,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)  # fmt: skip
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.numbers import format_number, format_numbers
from gui.terms import Term, Terms, element_name
from gui.theme import Theme, with_alpha

#: Rows that are drawn; what lies beyond is one row that says how many and how much.
ROWS = 8

#: Part of a row that a bar beside the numbers takes at least; where less is left, the bars get lines of their own.
_BAR = 0.3

#: Instead of a share where a number was only compared, or used as an index.
_DECIDES = "decides"

#: Between the factors of a term, and where there is little room.
_DOT, _CLOSE_DOT = " · ", "·"

#: Height of a bar with a line of its own, with the air below it.
_BAR_LINE = 12


class TermsView(QWidget):
    """Rows of terms; keys Up, Down, Left, Right move over the factors, Enter selects.

    Signals:
        pointed(list): the contributors under the mouse or at the cursor; empty when there are none.
        chosen(dict): a contributor was clicked.
    """

    pointed = pyqtSignal(list)
    chosen = pyqtSignal(dict)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.terms = Terms((), True)
        self._rows: tuple[Term, ...] = ()
        self._shares: list[str] = []
        self._rest = (0, 0.0)
        self._numbers_width = 0
        self._place: tuple[int, int] | None = None  # row, factor
        self._marked: Mapping[str, Any] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Largest terms")
        self.setAccessibleDescription("Arrow keys move over the factors, Enter selects the element.")
        self.apply_theme(theme)

    def set_terms(self, terms: Terms) -> None:
        """Show other terms."""
        self.terms = terms
        self._draw_rows(terms.terms[:ROWS])
        self._place = self._marked = None
        self._measure()
        self.update()

    def mark(self, contributor: Mapping[str, Any] | None) -> None:
        """Mark the row of a contributor that is pointed at elsewhere; one that is not among the largest gets a row."""
        if contributor is self._marked:
            return
        self._marked = contributor
        rows = self.terms.terms[:ROWS]
        extra = next((term for term in self.terms.terms[ROWS:] if contributor in term.contributors), None)
        self._draw_rows(rows if extra is None else (*rows[:-1], extra))
        self._measure()
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self._theme = theme
        self.setFont(theme.code_font())
        self._measure()
        self.update()

    @property
    def rest(self) -> tuple[int, float]:
        """How many terms are not drawn, and their sum."""
        return self._rest

    def _draw_rows(self, rows: tuple[Term, ...]) -> None:
        """Draw these terms, and one line for the others."""
        self._rows = rows
        self._shares = format_numbers(term.share for term in rows)
        drawn = {id(term) for term in rows}
        left = [term.share for term in self.terms.terms if id(term) not in drawn]
        known = [share for share in left if share is not None and math.isfinite(share)]
        self._rest = len(left) + self.terms.beyond, math.fsum([*known, self.terms.beyond_share])

    # ---- layout ----

    def _measure(self) -> None:
        """How wide the widest numbers are decides where the bars stand."""
        metrics = self.fontMetrics()
        self._numbers_width = max((metrics.horizontalAdvance(term.numbers) for term in self._rows), default=0) + 8
        self.updateGeometry()

    @property
    def stacked(self) -> bool:
        """Whether the bars stand below the numbers, because beside these there is no room for both."""
        return self._numbers_width > (1 - _BAR) * self.width()

    @property
    def tall(self) -> bool:
        """Whether the shares stand beside the bars on a third line, because beside the factors there is no room."""
        return not any(self._fits(dot, self.width() - self._share_width() - 8) for dot in (_DOT, _CLOSE_DOT))

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self.updateGeometry()

    def _row_height(self) -> int:
        height = self.fontMetrics().height()
        return 2 * height + 6 + (height if self.tall else _BAR_LINE if self.stacked else 0)

    def _line_height(self) -> int:
        return self.fontMetrics().height() + 6

    def line_at(self, y: int) -> tuple[int, int]:
        """Where the row at ``y`` begins and ends."""
        row = min(y // max(1, self._row_height()), len(self._rows))
        high = self._row_height() if row < len(self._rows) else self._line_height()
        return row * self._row_height(), row * self._row_height() + high

    def sizeHint(self) -> QSize:
        height = len(self._rows) * self._row_height() + (self._line_height() if self.rest[0] else 0)
        return QSize(self._theme.space(200), height)

    def minimumSizeHint(self) -> QSize:
        return QSize(1, self.sizeHint().height())

    def _share_width(self) -> int:
        metrics = self.fontMetrics()
        said = [_DECIDES if term.decides else share for term, share in zip(self._rows, self._shares)]
        return max(map(metrics.horizontalAdvance, said), default=0)

    def _names(self, row: int, dot: str) -> list[str]:
        """The names of a row's factors; beside a dot without spaces these have none either."""
        names = [element_name(c["tensor"], c["index"]) for c in self._rows[row].contributors]
        return names if dot == _DOT else [name.replace(" ", "") for name in names]

    def _fits(self, dot: str, room: int) -> bool:
        """Whether the factors of all rows fit into ``room``."""
        width = self.fontMetrics().horizontalAdvance
        return all(width(dot.join(self._names(row, dot))) <= room for row in range(len(self._rows)))

    def _factors(self, row: int) -> tuple[list[str], str]:
        """The names of a row's factors and the dot between them; without spaces where in any row these would run into the
        share: then they stand below each other in all of them.
        """
        room = self.width() - (0 if self.tall else self._share_width() + 8)
        dot = _DOT if self._fits(_DOT, room) else _CLOSE_DOT
        return self._names(row, dot), dot

    def factor_rects(self, row: int) -> list[QRect]:
        """Where the names of a row's factors stand."""
        metrics, x, y = self.fontMetrics(), 0, row * self._row_height() + 2
        rects = []
        names, dot = self._factors(row)
        for name in names:
            width = metrics.horizontalAdvance(name)
            rects.append(QRect(x, y, width, metrics.height()))
            x += width + metrics.horizontalAdvance(dot)
        return rects

    def _lower(self, row: int) -> tuple[QRect, QRect]:
        """Where the numbers of a row and its bar stand."""
        height, width = self.fontMetrics().height(), self.width()
        top = row * self._row_height() + height + 2
        if self.tall:
            return QRect(0, top, width, height), QRect(0, top + height + 2, width - self._share_width() - 8, height - 5)
        if self.stacked:
            return QRect(0, top, width, height), QRect(0, top + height + 2, width - 2, _BAR_LINE - 6)
        left = max(width // 2, self._numbers_width)
        return QRect(0, top, left, height), QRect(left, top + 2, width - left - 2, height - 5)

    # ---- drawing ----

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row in range(len(self._rows)):
            self._draw(painter, row)
        count, total = self.rest
        if count:
            text = f"and {count:,} more" + (f" that add {format_number(total)}" if self.terms.summands else "")
            top = len(self._rows) * self._row_height()
            painter.setPen(self._theme.muted)
            painter.drawText(QRect(0, top, self.width(), self._line_height()), _LEFT, text)

    def _draw(self, painter: QPainter, row: int) -> None:
        theme, term, metrics = self._theme, self._rows[row], QFontMetrics(self.font())
        top, height = row * self._row_height(), metrics.height()
        marked = self._marked is not None and self._marked in term.contributors
        if marked or (self._place is not None and self._place[0] == row):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(with_alpha(theme.ink, 0.06))
            painter.drawRoundedRect(QRectF(-4, top, self.width() + 4, self._row_height()), 4, 4)
        share = self._shares[row]
        beside = top + 2 * height if self.tall else top + 2
        right = QRect(self.width() - self._share_width() - 2, beside, self._share_width() + 2, height)
        painter.setPen(theme.muted if term.decides else theme.ink)
        painter.drawText(right, _LEFT, _DECIDES if term.decides else share)
        names, dot = self._factors(row)
        for i, (c, name, rect) in enumerate(zip(term.contributors, names, self.factor_rects(row))):
            here = self._place == (row, i) or c is self._marked
            painter.setPen(theme.accent)
            painter.drawText(rect, _LEFT, name)
            if here:
                painter.drawLine(rect.left(), rect.bottom(), rect.right(), rect.bottom())
            if i:
                painter.setPen(theme.muted)
                painter.drawText(QRect(rect.left() - metrics.horizontalAdvance(dot), rect.top(), 100, height), _LEFT, dot)
        numbers, bar = self._lower(row)
        painter.setPen(theme.muted)
        painter.drawText(numbers, _LEFT, metrics.elidedText(term.numbers, Qt.TextElideMode.ElideRight, numbers.width()))
        if not term.decides and term.share is not None:
            self._draw_bar(painter, bar, term.share)

    def _draw_bar(self, painter: QPainter, area: QRect, share: float) -> None:
        """A bar to the right (positive) or left (negative, hatched) of the middle; a cross where there is no number."""
        theme = self._theme
        middle = area.center().x() + 0.5
        painter.setPen(QPen(theme.hairline, 1))
        painter.drawLine(QPointF(middle, area.top() - 1), QPointF(middle, area.bottom() + 2))
        if not math.isfinite(share):
            painter.setPen(QPen(theme.phase["alarm"], 1.5))
            center, arm = QPointF(area.center()), area.height() / 3
            painter.drawLine(center + QPointF(-arm, -arm), center + QPointF(arm, arm))
            painter.drawLine(center + QPointF(-arm, arm), center + QPointF(arm, -arm))
            return
        length = (area.width() / 2 - 1) * abs(share) / (self.terms.largest or 1.0)
        if not length:
            return
        left = middle if share >= 0 else middle - length
        bar = QRectF(left, area.top(), max(length, 1.0), area.height())
        color = _end(theme, share >= 0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(bar, color)
        if share < 0:
            painter.fillRect(bar, _hatching(theme))

    # ---- the mouse and the keys ----

    def _at(self, event: QMouseEvent) -> tuple[int, int] | None:
        x, y = event.position().x(), event.position().y()
        row = int(y // self._row_height())
        if not 0 <= row < len(self._rows) or y < 0:
            return None
        rects = self.factor_rects(row)
        inside = [i for i, rect in enumerate(rects) if rect.left() - 3 <= x <= rect.right() + 3 and y <= rect.bottom() + 2]
        return row, inside[0] if inside else -1

    def _point(self, place: tuple[int, int] | None) -> None:
        if place == self._place:
            return
        self._place = place
        self.update()
        if place is None:
            self.pointed.emit([])
            return
        contributors = self._rows[place[0]].contributors
        self.pointed.emit([contributors[place[1]]] if place[1] >= 0 else list(contributors))

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None:
            return
        place = self._at(a0)
        self._point(place)
        on_name = place is not None and place[1] >= 0
        self.setCursor(Qt.CursorShape.PointingHandCursor if on_name else Qt.CursorShape.ArrowCursor)
        if on_name and place is not None:
            tip = contributor_tip(self._rows[place[0]].contributors[place[1]])
            QToolTip.showText(a0.globalPosition().toPoint(), tip, self)
        elif place is not None and self._numbers_width - 8 > self._lower(place[0])[0].width():
            QToolTip.showText(a0.globalPosition().toPoint(), self._rows[place[0]].numbers, self)

    def leaveEvent(self, a0: Any) -> None:
        self._point(None)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        place = self._at(a0) if a0 is not None else None
        if place is not None and a0 is not None and a0.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(dict(self._rows[place[0]].contributors[max(0, place[1])]))

    def focusOutEvent(self, a0: QFocusEvent | None) -> None:
        super().focusOutEvent(a0)
        self._point(None)

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is None or not self._rows:
            return
        row, factor = self._place or (-1, 0)
        key = a0.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row >= 0:
            self.chosen.emit(dict(self._rows[row].contributors[max(0, factor)]))
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            row = min(max(row + (1 if key == Qt.Key.Key_Down else -1), 0), len(self._rows) - 1)
            self._point((row, min(max(factor, 0), len(self._rows[row].contributors) - 1)))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and row >= 0:
            factor += 1 if key == Qt.Key.Key_Right else -1
            self._point((row, min(max(factor, 0), len(self._rows[row].contributors) - 1)))
        else:
            super().keyPressEvent(a0)


def contributor_tip(contributor: Mapping[str, Any]) -> str:
    """What a contributor is: its value exactly, the parameter it belongs to, how the result hangs on it."""
    name = element_name(contributor["tensor"], contributor["index"])
    lines = [f"{name} = {contributor['value']!r}"]
    if contributor.get("label"):
        lines.append(f"element of {contributor['label']}")
    if contributor.get("decides"):
        lines.append("only compared, or used as an index")
    elif contributor.get("derivative") is not None:
        lines.append(f"d result / d {name} = {format_number(contributor['derivative'])}")
    return "\n".join([*lines, "Click (Enter) to select it"])


def _end(theme: Theme, positive: bool) -> QColor:
    red, green, blue, _ = theme.diverging[225 if positive else 30]
    return QColor(int(red), int(green), int(blue))


def _hatching(theme: Theme) -> QBrush:
    return QBrush(with_alpha(theme.panel, 0.55), Qt.BrushStyle.BDiagPattern)


_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
