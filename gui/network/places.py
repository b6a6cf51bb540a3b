"""Where one node stands, with its title, its pictures and its captions. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gui.network.forms import Form, Size
from gui.network.texts import Texts

#: Between a unit and the number beside it, which the ring of a selected unit must not touch.
APART = 8.0
#: Room for numbers beside units: for how many units they are written.
MOST_NUMBERS = 12
#: Zoom from which text that is as large as designed is written: what would be smaller is left out. A network is shown so,
#: if it can be; of what has no room there, some is seen when it is zoomed in.
READABLE = 0.8
#: Zoom down to which titles are: below :data:`READABLE` they stay as large as there, on room that is not theirs alone.
TITLED = 0.62
#: How large captions are that have no room: they are read when zoomed in.
_SMALL = 0.35
#: Between title and pictures, and between pictures and captions.
_ABOVE, _BELOW = 7.0, 7.0
#: What titles may take of that, and of what lies on their other side.
_NEAR, _FAR = 3.0, 6.0
#: Numbers of units are written where the units are at least so many lines of text apart.
_CLOSE = 0.85
#: Titles are cut where they are wider than this, or than so many sides of the pictures.
_WIDEST_TITLE, _SIDES = 120.0, 1.5

#: What the weights' caption calls them: themselves, their gradient, their change.
WEIGHTS = ("w", "dw", "Δw")
#: What is added where means of neighbours are shown, whose range is smaller than that of the weights: a bar above, which
#: takes no room.
MEANS = "\u0304"

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
        captions: which are as large as designed, see :class:`gui.network.forms.Size`.
        caption: height of a line of these, title: of the title.
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
    captions: str = "all"
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
        self.captions, self.caption = size.captions, texts.caption_height
        widths = {name: width * self.share(name) for name, width in caption_widths(form, texts).items()}
        beneath, weight = max(widths.values(), default=0.0), widths.pop("weight", 0.0)
        self.stacked = weight > wide or max(widths.values(), default=0.0) > values[0]
        under = sum(map(self.share, widths)) + (self.share("weight") if weight and self.stacked else 0)
        few = self.captions != "none" or form.kind == "number"
        most = max(_WIDEST_TITLE if few else 48.0, _SIDES * size.side) * texts.factor
        self.width = max(pictures, beneath * self.stacked, min(most, texts.title(form.title)))
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

    def title_box(self, aside: float = 0.0) -> Box:
        """Where the title stands; with ``aside`` all that it may take: so much beside it, and above it and below."""
        y = self.y + self.over + self.body + _ABOVE if self.below else self.y
        near, far = (_NEAR, _FAR) if aside else (0.0, 0.0)
        y -= near if self.below else far
        return self.x - aside, y, self.width + 2 * aside, self.title + near + far

    def share(self, which: str) -> float:
        """How large a caption is, 1 as designed: "shape", "scale" (of the values) or "weight" (scale of the weights)."""
        return 1.0 if self.captions == "all" or (self.captions == "ranges" and which != "shape") else _SMALL

    def caption_box(self, which: str) -> Box:
        """Where a caption stands; the larger ones first."""
        top = self.y + self.height - self.under + _BELOW + (self.title if self.below else 0.0)
        form, apart = self.form, not self.stacked
        there = (("shape", form.caption), ("scale", form.scaled), ("weight", form.weight))
        order = [name for name, on in there if on and not (apart and (name == "weight") != (which == "weight"))]
        order.sort(key=lambda name: -self.share(name))
        above = order[: order.index(which)]
        x, _, wide, _ = self.weight if which == "weight" else self.values
        if self.stacked:
            x, wide = self.x, self.width
        return x, top + self.caption * sum(map(self.share, above)), wide, self.caption * self.share(which)


@lru_cache(maxsize=1024)
def caption_widths(form: Form, texts: Texts) -> Mapping[str, float]:
    """The captions of a node, as :meth:`Place.caption_box` names them, and how wide they may become as designed; looked at
    for each size that is tried.
    """
    widths = {"shape": texts.caption(form.caption)} if form.caption else {}
    if form.scaled:
        widths["scale"] = texts.widest(times=2) if form.kind == "picture" else texts.widest("± ")
    if form.weight:
        widths["weight"] = max(texts.widest(f"{name} ± ") for name in WEIGHTS)
    return widths
