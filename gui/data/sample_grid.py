"""The samples as a grid of pictures with label, prediction and loss; only what is in sight is drawn."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PyQt6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip

from gui.data.batch import Batch
from gui.network.glyphs import image_of
from gui.network.values import colours, greys
from gui.numbers import format_number
from gui.theme import Theme, with_alpha
from gui.widgets.parts import scroll_bar_of, viewport_of

_GAP = 8

#: Part of its side to which a picture may shrink in height for one more row to be seen whole.
_SHRUNK = 0.7
#: And in width for one more column: the words under it need it.
_NARROWED = 0.9

#: Samples by whose texts the columns of a batch in lines are measured.
_MEASURED = 64


class SampleGrid(QAbstractScrollArea):
    """Signals: chosen(i): position in the batch of the sample that was clicked; opened(i): double-clicked, or Enter."""

    chosen = pyqtSignal(int)
    opened = pyqtSignal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.batch: Batch | None = None
        self.order: list[int] = []
        self.sample = 0
        self._images: dict[int, QImage] = {}
        self._widths: tuple[float, float] | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Samples of the batch: arrow keys choose one, Enter changes its label")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_batch(self, batch: Batch | None, order: list[int]) -> None:
        """Show these samples in this order; the scroll position stays."""
        if batch is not self.batch:
            self._images.clear()
        self.batch, self.order = batch, order
        self._measure()
        viewport_of(self).update()

    def clear(self) -> None:
        """Show nothing, and the next batch from its beginning."""
        self.show_batch(None, [])

    def show_sample(self, sample: int) -> None:
        if sample != self.sample:
            self.sample = sample
            viewport_of(self).update()

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._images.clear()
        self._measure()
        viewport_of(self).update()

    # ---- geometry ----

    @property
    def _in_lines(self) -> bool:
        """Whether each sample has a line of its own: numbers that are no picture."""
        return self.batch is not None and self.batch.kind in ("rows", "words", "points")

    @property
    def _under(self) -> int:
        """Lines of text under a picture: names of classes have one each."""
        return 3 if self.batch is not None and self.batch.names is not None else 2

    def _cell(self) -> QSize:
        """A picture and lines under it; or a line."""
        line = QFontMetricsF(self.theme.code_font("small")).height()
        if self._in_lines:
            return QSize(max(1, viewport_of(self).width() - 2 * _GAP), round(line + 4))
        side = self.theme.space(64 if self._under == 2 else 84)
        texts = round(self._under * line + 4)
        across = max(0, viewport_of(self).width() - _GAP)
        fitted = across // (across // (side + _GAP) + 1) - _GAP  # with one column more
        side = fitted if fitted >= _NARROWED * side else side
        if self.batch is None or self.batch.kind != "pictures":
            return QSize(side, texts)
        room = viewport_of(self).height() - _GAP
        one_more = room // (side + texts + _GAP) + 1
        fitted = room // one_more - _GAP - texts
        return QSize(side, (fitted if fitted >= _SHRUNK * side else side) + texts)

    def _columns(self) -> int:
        return 1 if self._in_lines else max(1, (viewport_of(self).width() - _GAP) // (self._cell().width() + _GAP))

    def box(self, place: int) -> QRectF:
        """Where the sample at a place of the order stands."""
        cell, columns = self._cell(), self._columns()
        row, column = divmod(place, columns)
        top = _GAP + (row - scroll_bar_of(self).value()) * (cell.height() + _GAP)
        return QRectF(_GAP + column * (cell.width() + _GAP), top, cell.width(), cell.height())

    def place_at(self, x: float, y: float) -> int | None:
        """The place whose cell a point lies in."""
        cell, columns = self._cell(), self._columns()
        column = int((x - _GAP // 2) // (cell.width() + _GAP))
        row = int((y - _GAP // 2) // (cell.height() + _GAP))
        place = (row + scroll_bar_of(self).value()) * columns + column
        seen = 0 <= column < columns and 0 <= row < self._rows_in_sight()
        return place if seen and place < len(self.order) else None

    def _measure(self) -> None:
        self._widths = None
        rows, bar = -(-len(self.order) // self._columns()), scroll_bar_of(self)
        bar.setPageStep(self._rows_in_sight())
        bar.setRange(0, max(0, rows - self._rows_in_sight()))

    def _rows_in_sight(self) -> int:
        """Rows that can be seen whole: it is scrolled by rows, and one that would be cut is left out."""
        return max(1, (viewport_of(self).height() - _GAP) // (self._cell().height() + _GAP))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self._measure()

    # ---- painting ----

    def paintEvent(self, event: object) -> None:
        painter = QPainter(viewport_of(self))
        painter.fillRect(viewport_of(self).rect(), self.theme.panel)
        if self.batch is None:
            return
        first, columns = scroll_bar_of(self).value() * self._columns(), self._columns()
        for place in range(first, min(len(self.order), first + self._rows_in_sight() * columns)):
            self._paint_cell(painter, self.box(place), self.order[place])

    def _paint_cell(self, painter: QPainter, box: QRectF, i: int) -> None:
        line = QFontMetricsF(self.theme.code_font("small")).height()
        if self._in_lines:
            self._paint_line(painter, box, i)
        else:
            picture = QRectF(box.left(), box.top(), box.width(), box.height() - self._under * line - 4)
            self._paint_picture(painter, picture, i)
            texts = self._verdict(i)
            for number, text in enumerate(texts):
                where = QRectF(box.left(), picture.bottom() + 3 + number * line, box.width(), line)
                self._write(painter, where, text, i, number < len(texts) - 1)
        if i == self.sample:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.theme.selection, 2))
            painter.drawRoundedRect(box.adjusted(-3, -3, 3, 3), 6, 6)

    def _verdict(self, i: int) -> list[str]:
        """Label, prediction where it is another (in one line, but for names), and loss."""
        assert self.batch is not None
        loss = self.batch.loss(i)
        texts = [self.batch.verdict(i)]
        if self._under == 3:
            label, _, prediction = texts[0].partition(" → ")
            texts = [label, f"→ {prediction}" if prediction else ""]
        return [*texts, "" if loss is None else format_number(loss)]

    def _paint_line(self, painter: QPainter, box: QRectF, i: int) -> None:
        """The numbers as a strip or in writing, what was predicted, the loss."""
        assert self.batch is not None
        loss = self.batch.loss(i)
        verdict, wide = self._columns_of_texts()
        least, left = 0.15 * box.width(), box.width() - verdict - wide - 20
        share = min(0.45 * box.width() - 8, max(least, left))
        if left < least and self.batch.kind != "words":
            share = -4  # what was predicted, and the loss, say more than a strip
        numbers = QRectF(box.left(), box.top() + 2, share, box.height() - 4)
        if share >= 0 and self.batch.kind == "words":
            self._write(painter, numbers, self.batch.words(i), i, False)
        elif share >= 0:
            self._paint_picture(painter, numbers, i)
        text = "" if loss is None else format_number(loss)
        self._write(painter, QRectF(box.right() - wide, box.top(), wide, box.height()), text, i, False, right=True)
        middle = QRectF(numbers.right() + 8, box.top(), box.right() - wide - numbers.right() - 12, box.height())
        self._write(painter, middle, self.batch.verdict(i), i, True)

    def _columns_of_texts(self) -> tuple[float, float]:
        """Widths of the widest prediction and of the widest loss of a batch in lines, of the first of many."""
        batch = self.batch
        assert batch is not None
        if self._widths is None:
            metrics, some = QFontMetricsF(self.theme.code_font("small", bold=True)), self.order[:_MEASURED]
            losses = [batch.loss(i) for i in some]
            verdict = max((metrics.horizontalAdvance(batch.verdict(i)) for i in some), default=0.0)
            loss = max((metrics.horizontalAdvance(format_number(loss)) for loss in losses if loss is not None), default=0.0)
            self._widths = verdict + 4, loss + 4
        return self._widths

    def _write(self, painter: QPainter, box: QRectF, text: str, i: int, verdict: bool, right: bool = False) -> None:
        assert self.batch is not None
        wrong = verdict and self.batch.right(i) is False
        theme = self.theme
        painter.setFont(theme.code_font("small", bold=wrong))
        painter.setPen(theme.phase_text["alarm"] if wrong else theme.ink if verdict else theme.muted)
        shown = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, max(1.0, box.width()))
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_picture(self, painter: QPainter, box: QRectF, i: int) -> None:
        image = self._image(i)
        if image is None:
            return
        inner = self._fitted(box, image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, inner.width() < image.width())
        painter.drawImage(inner, image)
        painter.setPen(QPen(with_alpha(self.theme.ink, 0.2), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(inner)

    @staticmethod
    def _fitted(box: QRectF, image: QImage) -> QRectF:
        if image.height() <= 1:
            return box
        factor = min(box.width() / image.width(), box.height() / image.height())
        wide, high = image.width() * factor, image.height() * factor
        return QRectF(box.left() + (box.width() - wide) / 2, box.top() + (box.height() - high) / 2, wide, high)

    def _image(self, i: int) -> QImage | None:
        if i in self._images:
            return self._images[i]
        assert self.batch is not None
        data = self.batch.picture(i)
        if data is None or not data.size:
            return None
        alarm = self.theme.phase["alarm"]
        rgb = (alarm.red(), alarm.green(), alarm.blue())
        low, high = self.batch.low, self.batch.high
        if data.ndim == 3:
            shares = np.clip((np.nan_to_num(data) - low) / ((high - low) or 1.0), 0, 1)
            rgba = np.concatenate([np.rint(shares * 255), np.full((*data.shape[:2], 1), 255)], axis=2)
        elif self.batch.kind == "pictures":
            rgba = greys(data, low, high, self.theme.sequential, rgb)
        else:
            rgba = colours(data, max(abs(low), abs(high)) or 1.0, self.theme.diverging, rgb)
        image = image_of(rgba)
        self._images[i] = image
        return image

    # ---- mouse and keys ----

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            place = self.place_at(event.position().x(), event.position().y())
            if place is not None:
                self.chosen.emit(self.order[place])

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            place = self.place_at(event.position().x(), event.position().y())
            if place is not None:
                self.opened.emit(self.order[place])

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.sample in self.order:
            self.opened.emit(self.sample)
            return
        steps = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -self._columns(), Qt.Key.Key_Down: self._columns(),
        }  # fmt: skip
        if event.key() in steps and self.order:
            here = self.order.index(self.sample) if self.sample in self.order else 0
            place = max(0, min(len(self.order) - 1, here + steps[Qt.Key(event.key())]))
            self.reveal(place)
            self.chosen.emit(self.order[place])
        else:
            super().keyPressEvent(event)

    def reveal(self, place: int) -> None:
        """Scroll as little as needed to show a place."""
        row, bar = place // self._columns(), scroll_bar_of(self)
        bar.setValue(min(max(bar.value(), row - self._rows_in_sight() + 1), row))

    def viewportEvent(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and self.batch is not None:
            place = self.place_at(event.pos().x(), event.pos().y())
            text = self.batch.describe(self.order[place]) if place is not None else ""
            QToolTip.showText(event.globalPos(), text, viewport_of(self))
            return True
        return super().viewportEvent(event)
