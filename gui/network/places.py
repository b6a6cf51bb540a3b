"""Where one node stands, with its title, its pictures and its captions. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gui.network.forms import Form, Size
from gui.network.texts import Texts

#: Between a unit and the number beside it, which the ring of a selected unit must not touch.
APART = 8.0
#: Room for numbers beside units: for how many units they are written.
MOST_NUMBERS = 12
#: Sides of pictures from which captions are as large as designed; under smaller ones they are half as large, and can be
#: read when zoomed in. Where text is larger than designed, these captions come nearer to it.
CAPTIONED = 60
_SMALL = 0.5
#: Between title and pictures, and between pictures and captions.
_ABOVE, _BELOW = 7.0, 7.0
#: Numbers of units are written where the units are at least so many lines of text apart.
_CLOSE = 0.85
#: Titles are cut where they are wider than this, or than so many sides of the pictures.
_WIDEST_TITLE, _SIDES = 120.0, 1.5

Box = tuple[float, float, float, float]


@dataclass
class Place:
    """Where a node stands, in pixels at a zoom of 100 %.

    Attributes:
        id: of the node. form: what it is drawn as.
        column, row, line: its place in the order.
        x, y, width, height: of the whole, with title and captions.
        weight, values: (x, y, width, height) of the two pictures; the weight's is empty where it has none.
        numbers: "left" or "right" where the units' numbers are written beside them, else "".
        beside: room for these. over, under: room above and below the pictures.
        below: whether the title stands under the pictures: where a line leaves upwards.
        stacked: whether the weights' caption stands under the values' one, else each under its picture.
        small: how large captions are. caption: height of a line of them, title: of the title.
    """

    id: str
    form: Form
    column: int
    row: int
    line: int = 0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    weight: Box = (0.0, 0.0, 0.0, 0.0)
    values: Box = (0.0, 0.0, 0.0, 0.0)
    numbers: str = ""
    beside: float = 0.0
    over: float = 0.0
    under: float = 0.0
    below: bool = False
    stacked: bool = False
    small: float = 1.0
    caption: float = 0.0
    title: float = 0.0

    @property
    def body(self) -> float:
        """Height of the pictures."""
        return self.height - self.over - self.under

    @property
    def middle(self) -> float:
        return self.y + self.over + self.body / 2

    @property
    def left(self) -> float:
        """Where lines arrive."""
        return self.weight[0] if self.weight[2] else self.values[0]

    @property
    def right(self) -> float:
        """Where lines leave."""
        return self.values[0] + self.values[2] + (self.beside if self.numbers == "right" else 0.0)

    def twin(self) -> Place:
        """A copy."""
        other = object.__new__(Place)  # copy.copy takes four times as long, and a layout is tried in many ways
        other.__dict__.update(self.__dict__)
        return other

    def measure(self, size: Size, texts: Texts) -> None:
        """Set the extents of everything, at no place yet."""
        form = self.form
        wide, high = form.weight_size(size)
        values = form.values_size(size)
        between = 6.0 if wide else 0.0
        if size.pitch < _CLOSE * texts.caption_height:  # the numbers would lie upon each other
            self.numbers = ""
        self.beside = texts.widest_number + APART + 4 if self.numbers else 0.0
        before = self.beside if self.numbers == "left" else 0.0
        pictures = wide + between + values[0] + self.beside
        self.small = 1.0 if size.side >= CAPTIONED else min(1.0, _SMALL * math.sqrt(texts.factor))
        self.caption = texts.caption_height * self.small
        lines, scale = caption_lines(form, texts)
        shape = max(lines, default=0.0) * self.small
        weight = scale * self.small
        self.stacked = weight > wide or shape > values[0]
        under = len(lines) + (1 if scale and self.stacked else 0)
        beneath = max(shape, weight) if self.stacked else 0.0
        few = self.small == 1.0 or form.kind == "number"
        most = max(_WIDEST_TITLE if few else 48.0, _SIDES * size.side) * texts.factor
        self.width = max(pictures, beneath, min(most, texts.title(form.title)))
        self.title = texts.title_height
        head = texts.title_height + _ABOVE
        self.over, self.under = (14.0, head) if self.below else (head, 0.0)
        self.under += under * self.caption + (_BELOW if under else 0.0)
        self.height = self.over + max(high, values[1]) + self.under
        self.weight = (0.0, 0.0, wide, high)
        self.values = (before + wide + between, 0.0, *values)

    def settle(self, x: float, middle: float) -> None:
        """Stand at ``x`` with the pictures' middle at the height ``middle``."""
        self.x, self.y = x, middle - self.body / 2 - self.over
        after = self.beside if self.numbers == "right" else 0.0
        left = x + (self.width - self.values[0] - self.values[2] - after) / 2
        _, _, wide, high = self.weight
        self.weight = (left, middle - high / 2, wide, high)
        offset, _, wide, high = self.values
        self.values = (left + offset, middle - high / 2, wide, high)

    def title_box(self) -> Box:
        """Where the title stands."""
        y = self.y + self.over + self.body + _ABOVE if self.below else self.y
        return self.x, y, self.width, self.title

    def caption_box(self, which: str) -> Box:
        """Where a caption stands: "shape", "scale" (of the values) or "weight" (scale of the weights)."""
        top = self.y + self.height - self.under + _BELOW + (self.title if self.below else 0.0)
        lines = (bool(self.form.caption), self.form.scaled)
        number = {"shape": 0, "scale": lines[0], "weight": sum(lines) if self.stacked else 0}[which]
        x, _, wide, _ = self.weight if which == "weight" else self.values
        if self.stacked:
            x, wide = self.x, self.width
        return x, top + number * self.caption, wide, self.caption


def caption_lines(form: Form, texts: Texts) -> tuple[list[float], float]:
    """(widths of the captions of the values, width of that of the weights or 0), as wide as they may become."""
    lines = [texts.caption(form.caption)] if form.caption else []
    if form.scaled:
        lines.append(texts.widest("", 2) if form.kind == "picture" else texts.widest("± "))
    return lines, texts.widest("w ± ") if form.weight else 0.0
