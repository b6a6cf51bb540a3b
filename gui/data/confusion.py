"""The confusion matrix: a row for each label, a column for each prediction, the counts of the batch in the cells."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QEvent, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPen
from PyQt6.QtWidgets import QToolTip, QWidget

from gui.theme import Theme, with_alpha


class ConfusionMatrix(QWidget):
    """Signal chosen(label, prediction): the cell that was clicked."""

    chosen = pyqtSignal(int, int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.counts: np.ndarray | None = None
        self.names: list[str] | None = None
        self.setMinimumSize(120, 120)
        self.setAccessibleName("Confusion matrix: rows are labels, columns are predictions")

    def show_counts(self, counts: np.ndarray | None, names: list[str] | None = None) -> None:
        """``names``: of the classes, where they have some."""
        self.counts = counts
        self.names = names if names is not None and counts is not None and len(names) == len(counts) else None
        self.update()

    def name(self, number: int) -> str:
        """What a class is called."""
        return self.names[number] if self.names is not None else str(number)

    def _margin(self) -> float:
        """Room for the names at the left: at most a third of the width."""
        metrics = QFontMetricsF(self.theme.code_font("small"))
        count = len(self.counts) if self.counts is not None else 1
        widest = max((metrics.horizontalAdvance(self.name(i)) for i in range(count)), default=0.0)
        return min(self.width() / 3, max(metrics.horizontalAdvance("00"), widest) + 6)

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def _field(self) -> QRectF:
        line = QFontMetricsF(self.theme.code_font("small")).height()
        room = QRectF(self.rect()).adjusted(line + 12 + self._margin(), 2 * line + 12, -12, -12)
        side = max(1.0, min(room.width(), room.height()))
        return QRectF(room.left() + (room.width() - side) / 2, room.top(), side, side)

    def cell(self, label: int, prediction: int) -> QRectF:
        field, n = self._field(), len(self.counts) if self.counts is not None else 1
        side = field.width() / n
        return QRectF(field.left() + prediction * side, field.top() + label * side, side, side)

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        if self.counts is None:
            return None
        field, n = self._field(), len(self.counts)
        label, prediction = int((y - field.top()) / field.height() * n), int((x - field.left()) / field.width() * n)
        inside = field.contains(x, y) and 0 <= label < n and 0 <= prediction < n
        return (label, prediction) if inside else None

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.panel)
        if self.counts is None:
            painter.setFont(self.theme.text_font())
            painter.setPen(self.theme.muted)
            text = "Appears when the network predicts classes and the loss has been computed."
            painter.drawText(
                self.rect().adjusted(12, 12, -12, -12), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text
            )
            return
        self._paint_labels(painter)
        painter.setFont(self.theme.code_font("small"))
        most = max(1, int(self.counts.max()))
        n = len(self.counts)
        write = self._field().width() / n >= QFontMetricsF(painter.font()).horizontalAdvance("000")
        for label in range(n):
            for prediction in range(n):
                self._paint_cell(painter, label, prediction, most, write)
        painter.setPen(QPen(with_alpha(self.theme.ink, 0.3), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self._field())

    def _paint_cell(self, painter: QPainter, label: int, prediction: int, most: int, write: bool) -> None:
        assert self.counts is not None
        count, box, theme = int(self.counts[label, prediction]), self.cell(label, prediction), self.theme
        right = label == prediction
        hue = theme.phase["forward" if right else "alarm"]
        share = count / most
        color = _over(hue, theme.panel, 0.12 + 0.78 * share) if count else QColor(theme.panel)
        painter.fillRect(box, color)
        if right:
            painter.setPen(QPen(with_alpha(theme.ink, 0.25), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        if count and write:
            bright = 0.299 * color.red() + 0.587 * color.green() + 0.114 * color.blue()
            painter.setPen(QColor("#101418") if bright > 128 else QColor("#FFFFFF"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(count))

    def _paint_labels(self, painter: QPainter) -> None:
        assert self.counts is not None
        field, n, theme = self._field(), len(self.counts), self.theme
        painter.setFont(theme.text_font("small"))
        line = QFontMetricsF(painter.font()).height()
        painter.setPen(theme.muted)
        painter.drawText(
            QRectF(field.left(), field.top() - 2 * line - 6, field.width(), line), Qt.AlignmentFlag.AlignCenter, "prediction"
        )
        painter.save()
        painter.translate(field.left() - self._margin() - line - 6, field.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-60, 0, 120, line), Qt.AlignmentFlag.AlignCenter, "label")
        painter.restore()
        painter.setFont(theme.code_font("small"))
        painter.setPen(theme.ink)
        every = max(1, int(np.ceil(n * 1.6 * line / max(1.0, field.width()))))
        for i in range(0, n, every):
            row, column = self.cell(i, 0), self.cell(0, i)
            painter.drawText(
                QRectF(field.left() - self._margin(), row.center().y() - line / 2, self._margin() - 4, line),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                self._short(painter, self.name(i), self._margin() - 4),
            )
            wide = every * column.width() - 4
            # Names that do not fit over their columns are numbers there, in the order of the rows.
            fits = all(QFontMetricsF(painter.font()).horizontalAdvance(self.name(j)) <= wide for j in range(n))
            painter.drawText(
                QRectF(column.center().x() - 60, field.top() - line - 3, 120, line),
                Qt.AlignmentFlag.AlignCenter, self.name(i) if fits else str(i),
            )  # fmt: skip

    @staticmethod
    def _short(painter: QPainter, text: str, room: float) -> str:
        return QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, room)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            found = self.cell_at(event.position().x(), event.position().y())
            if found is not None:
                self.chosen.emit(*found)

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and self.counts is not None:
            found = self.cell_at(event.pos().x(), event.pos().y())
            text = ""
            if found is not None:
                count = int(self.counts[found])
                label, predicted = self.name(found[0]), self.name(found[1])
                text = f"label {label}, predicted {predicted}: {count} of {int(self.counts[found[0]].sum())}"
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def _over(color: QColor, ground: QColor, share: float) -> QColor:
    return QColor(*(round(g + (c - g) * share) for c, g in zip(color.getRgb()[:3], ground.getRgb()[:3])))
