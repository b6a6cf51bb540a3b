"""One node of the network on the canvas: its title, its weights, its values, the marks upon them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QImage, QPainter, QPen
from PyQt6.QtWidgets import QGraphicsItem

from gui.network import not_finite
from gui.network.frames import paint_frame, paint_funnel, paint_marks, paint_number
from gui.network.glyphs import bgra_of, quick_image, short_number
from gui.network.places import MEANS, Place
from gui.network.rings import Drawn
from gui.network.texts import NOT_FINITE
from gui.network.units import paint_beside, paint_units
from gui.network.values import BGR, Content, pixels
from gui.network.words import CHANGING, Words
from gui.theme import Theme, with_alpha

#: Opacity of what belongs to an older pass or another phase.
FAINT = 0.45


@dataclass
class Marks:
    """What is lit on a node: ``phase`` (key of the theme's phases, "" for none), whether it is ``selected`` as a whole,
    the ``picked`` element as (part, index), and ``lit`` elements as (part, index, share 0 to 1).
    """

    phase: str = ""
    selected: bool = False
    picked: tuple[str, tuple[int, ...]] | None = None
    lit: list[tuple[str, tuple[int, ...], float]] = field(default_factory=list)


class NodeItem(QGraphicsItem):
    """Draws a :class:`~gui.network.layout.Place`. ``contents`` and ``faint`` are by part: "values", "weight"."""

    def __init__(self, place: Place, node: dict[str, Any], size: Any, theme: Theme) -> None:
        super().__init__()
        self.place, self.node, self.size, self.theme = place, node, size, theme
        self.contents: dict[str, Content] = {}
        self.faint: dict[str, bool] = {}
        self.signed = False
        self.marks = Marks()
        #: How the numbers that are lit were drawn last, see :func:`paint_lit`.
        self.lit: Drawn | None = None
        self._images: dict[str, QImage | None] = {}
        self._boxes = {"values": QRectF(*place.values), "weight": QRectF(*place.weight)}
        self._bounds = QRectF(place.x, place.y, place.width, place.height).adjusted(-8, -6, 8, 6)
        #: What is said where there are no values.
        self.note = ""
        #: Whether numbers change many times a second: the view then paints them by itself, see :mod:`gui.network.still`.
        self.live = False
        #: Whether circles are drawn quickly, see :mod:`gui.network.refining`.
        self.rough = False
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.words = Words(self)

    # ---- what is shown ----

    def show_content(
        self, part: str, content: Content | None, faint: bool = False, signed: bool = False, words: bool = True
    ) -> None:
        """Show these numbers in a part; ``words``: also in what is written under it."""
        before = self.contents.get(part), self.faint.get(part, False), self.signed
        if content is None:
            self.contents.pop(part, None)
            self._images.pop(part, None)
        elif content is not self.contents.get(part) or signed != self.signed:
            self.contents[part] = content
            self.signed = signed
            self._images[part] = self._image(part, content)
        self.faint[part] = faint
        if before[0] is not content or before[1:] != (faint, self.signed):
            if not self.live:
                self.update()
            if words:
                self.words.renew()

    def show_note(self, note: str) -> None:
        """Say this where there are no values."""
        if note != self.note:
            self.note = note
            self.update()
            self.words.renew()

    def show_marks(self, marks: Marks) -> None:
        if marks != self.marks:
            self.marks = marks
            self.setZValue(2.0 if marks.selected or marks.picked else 1.0)
            self.update()

    def refine(self) -> None:
        """Draw the circles as they are."""
        if self.rough:
            self.rough = False
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        for part, content in self.contents.items():
            self._images[part] = self._image(part, content)
        self.update()

    def _image(self, part: str, content: Content) -> QImage | None:
        signed = self.signed and part == "values"
        key = part, signed, self.theme, self.place.form.kind, self.place.form.weight, self.place.form.shape
        if key not in content.pictures:
            content.pictures[key] = self._made(part, content, signed)
        return content.pictures[key]

    def _made(self, part: str, content: Content, signed: bool) -> QImage | None:
        color = self.theme.phase["alarm"]
        alarm, both = (color.blue(), color.green(), color.red()), bgra_of(self.theme.diverging)
        bgra = pixels(self.place.form, part, content, both, bgra_of(self.theme.sequential), alarm, signed, BGR)
        if bgra is None:
            return None
        not_finite.note(content, part, bgra, alarm)
        return quick_image(bgra)

    # ---- geometry ----

    def rect(self, part: str) -> QRectF:
        """Where a part stands; the circles' column for units."""
        return QRectF(self._boxes[part])

    def boundingRect(self) -> QRectF:
        return self._bounds

    def center(self, unit: int) -> QPointF:
        """The middle of a unit's circle."""
        box = self.rect("values")
        return QPointF(box.center().x(), box.top() + (unit + 0.5) * box.height() / max(1, self.place.form.shape[0]))

    def side(self, way: int) -> tuple[float, float, float]:
        """Where lines end at the right (1) or left (-1) of a column of units: x, y at its first one, and how far it is from
        unit to unit.
        """
        first, units = self.center(0), max(1, self.place.form.shape[0])
        return first.x() + way * self.size.radius, first.y(), self._boxes["values"].height() / units

    def body(self) -> QRectF:
        """All but title and caption."""
        both = self.rect("values")
        if self.place.numbers == "right":
            both.setRight(self.place.right)
        elif self.place.numbers == "left":
            both.setLeft(both.left() - self.place.beside)
        return both.united(self.rect("weight")) if self.place.weight[2] else both

    def written(self) -> QRectF:
        """Where what is written changes with the numbers."""
        form = self.place.form
        if form.kind in ("units", "number"):
            return self._bounds.adjusted(4, 2, -4, -2)
        there = form.scaled, bool(form.weight)
        boxes = [QRectF(*self.place.caption_box(which)) for which, on in zip(CHANGING, there, strict=True) if on]
        return functools.reduce(QRectF.united, boxes).adjusted(-6, 0, 6, 0) if boxes else QRectF()

    # ---- painting ----

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        self.paint_ground(painter)
        self.paint_numbers(painter)
        for part in self.pictured():
            self.paint_picture(painter, part)
        self.paint_lines(painter)
        self.words.paint(painter)

    def paint_ground(self, painter: QPainter) -> None:
        """What lies under everything else: the frame in the hue of a phase, and the bar of an op that only gives numbers
        another shape.
        """
        form, theme = self.place.form, self.theme
        phase = self.marks.phase or ("loss" if form.loss else "")
        if not phase and form.kind != "label":
            return
        zoom = painter.worldTransform().m11()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if phase:
            painter.setPen(QPen(theme.phase[phase], 1 / zoom))
            painter.setBrush(with_alpha(theme.phase[phase], 0.16 if self.marks.phase else 0.10))
            painter.drawRoundedRect(self.body().adjusted(-5, -4, 5, 4), 6, 6)
        if form.kind == "label":
            paint_funnel(painter, self, zoom)

    def paint_numbers(self, painter: QPainter) -> None:
        """Values that are written."""
        kind = self.place.form.kind
        if kind != "number" and not (kind == "units" and self.place.numbers):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(FAINT if self.faint.get("values") else 1.0)
        if kind == "units":
            paint_beside(painter, self, painter.worldTransform().m11())
        else:
            paint_number(painter, self)
        painter.setOpacity(1.0)

    def pictured(self) -> list[str]:
        """The parts that are painted as pictures and circles: what changes with every step."""
        values = ["values"] if self.place.form.scaled else []
        return ["weight", *values] if self.place.weight[2] else values

    def _framed(self) -> list[str]:
        """Those of them that have hairlines around them."""
        return [part for part in self.pictured() if part == "weight" or self.place.form.kind != "units"]

    def paint_picture(self, painter: QPainter, part: str) -> None:
        """One of these parts."""
        zoom = painter.worldTransform().m11()
        painter.setOpacity(FAINT if self.faint.get(part) else 1.0)
        if part == "values" and self.place.form.kind == "units":
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_units(painter, self, self.contents.get(part), zoom)
        elif (image := self._images.get(part)) is not None:
            box = self._boxes[part]
            fine = box.width() * zoom < image.width() or box.height() * zoom < image.height()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, fine)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # smooth edges take three times as long
            painter.drawImage(box, image)
            not_finite.paint(painter, self.theme, self.contents[part], part, box, zoom)
        painter.setOpacity(1.0)

    def paint_lines(self, painter: QPainter) -> None:
        """What lies over the pictures: hairlines around them, and the marks."""
        zoom = painter.worldTransform().m11()
        for part in self._framed():
            painter.setOpacity(FAINT if self.faint.get(part) else 1.0)
            paint_frame(painter, self, part, zoom)
        painter.setOpacity(1.0)
        paint_marks(painter, self, zoom)

    def is_framed(self, part: str) -> tuple[bool, bool, bool]:
        """What the lines over a part depend on, of its numbers: there are any, they are faint, some are not finite."""
        content = self.contents.get(part)
        return content is not None, self.faint.get(part, False), content is not None and content.nans + content.infs > 0

    def captions(self) -> dict[str, str]:
        """What is written under the pictures, by the names of :meth:`Place.caption_box`."""
        found = {"shape": self.place.form.caption, "scale": self._scale() or self.note * self.place.form.scaled}
        if (weight := self.contents.get("weight")) is not None:
            found["weight"] = f"{weight.symbol}{MEANS * self.place.form.averaged} {_range(weight, True)}"
        return {which: text for which, text in found.items() if text}

    def _scale(self) -> str:
        """The range that the colours stand for."""
        content, form = self.contents.get("values"), self.place.form
        if content is None or not form.scaled:
            return ""
        return _range(content, form.kind != "picture" or self.signed)


def _range(content: Content, signed: bool) -> str:
    """The range of numbers in a caption, where one of them is finite. Zeros alone have no range to tell."""
    if not content.known:
        return NOT_FINITE
    if content.low == content.high == 0 and not (content.nans or content.infs):
        return "all 0"
    if not signed:
        return f"{short_number(content.low)} … {short_number(content.high)}"
    return f"± {short_number(content.limit)}"
