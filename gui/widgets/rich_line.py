"""``RichLine``: words in several colours, broken into lines, that may change many times a second."""

from __future__ import annotations

import math

from PyQt6.QtCore import QEvent, QRectF, QSize, Qt
from PyQt6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextDocument,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget


class RichLine(QWidget):
    """Rich text as high as its lines. Another text only paints it anew while that height stays; where a QLabel gets one,
    the whole window is laid out again.
    """

    def __init__(self, margin: int = 8) -> None:
        super().__init__()
        self._text = ""
        self._margin = margin
        self._ground: QColor | None = None
        self._document = QTextDocument(self)
        self._document.setDocumentMargin(0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        """What is written, as it was given."""
        return self._text

    def setText(self, text: str) -> None:
        """Write something else."""
        if text != self._text:
            self._text = text
            self._document.setHtml(text)
            self._fit()

    def set_ground(self, color: QColor) -> None:
        """Paint this under the text: what lies below need not be painted anew with each text."""
        self._ground = color
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(1, self.minimumHeight())

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._document.setDefaultFont(self.font())
            self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self._document.setTextWidth(max(1, self.width() - 2 * self._margin))
        high = math.ceil(self._document.size().height()) if self._text else 0
        if high != self.minimumHeight():
            self.setFixedHeight(high)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        layout = self._document.documentLayout()
        if layout is None:
            return
        painter = QPainter(self)
        if self._ground is not None:
            painter.fillRect(self.rect(), self._ground)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, self.palette().color(self.foregroundRole()))
        context.clip = QRectF(0, 0, max(1, self.width() - 2 * self._margin), self.height())
        painter.translate(self._margin, 0)
        layout.draw(painter, context)
        painter.end()
