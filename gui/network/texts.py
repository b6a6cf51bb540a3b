"""How wide texts on the canvas are: the layout leaves room for them. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: The widest numbers that captions may hold, as :func:`gui.network.glyphs.short_number` writes them.
WIDEST = ("-0.00888", "-8.8e-88")

#: Stands for the range of numbers of which none is finite.
NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Texts:
    """Widths of texts, and heights of a line of them, in pixels at a zoom of 100 %.

    Attributes:
        title, caption, number: width of a text in that font; titles as wide as they are when lit.
        title_height, caption_height: of a line.
        factor: how large text is, 1 as designed.
    """

    title: Callable[[str], float]
    caption: Callable[[str], float]
    number: Callable[[str], float]
    title_height: float
    caption_height: float
    factor: float = 1.0

    @property
    def widest_number(self) -> float:
        """Of the numbers beside units."""
        return max(self.number(text) for text in WIDEST)

    def widest(self, before: str = "", times: int = 1) -> float:
        """Width of a caption of ``before`` and ``times`` numbers, whatever they are, also where they are not finite; behind
        a ± they have no sign.
        """
        numbers = (text.removeprefix("-" * before.endswith("± ")) for text in WIDEST)
        texts = [before + " … ".join([text] * times) for text in numbers]
        return max(map(self.caption, [*texts, before.removesuffix("± ") + NOT_FINITE]))


def rough(factor: float = 1.0) -> Texts:
    """Widths by the number of letters, where no font is at hand."""
    return Texts(
        lambda text: 6.8 * factor * len(text), lambda text: 5.8 * factor * len(text), lambda text: 6.8 * factor * len(text),
        16.0 * factor, 13.0 * factor, factor,
    )  # fmt: skip
