"""Where the cells of a map lie on the screen: fitting, zooming, panning. Plain arithmetic, no Qt."""

from __future__ import annotations

from dataclasses import dataclass

#: The largest cell, in pixels at 100 % text size: (width, height) of a matrix's, and the side of a picture's.
CELL = (72.0, 36.0)
SQUARE = 72.0


@dataclass
class MapView:
    """``rows`` × ``columns`` cells in a rectangle of ``width`` × ``height`` pixels.

    At zoom 1 everything is seen: a picture (``square``) with square cells, a matrix filling the width with cells no
    wider and higher than the largest. Zooming makes cells larger until they have that size in both directions.

    Attributes:
        zoom: 1 or more.
        center: what is seen in the middle, as shares of the map (across, down).
        unit: the text size; the largest cell grows with it.
    """

    rows: int = 1
    columns: int = 1
    square: bool = False
    width: float = 1.0
    height: float = 1.0
    zoom: float = 1.0
    center: tuple[float, float] = (0.5, 0.5)
    unit: float = 1.0

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a cell in pixels."""
        x, y = self._fitted()
        most_x, most_y = self._largest()
        return min(x * self.zoom, most_x), min(y * self.zoom, most_y)

    @property
    def most_zoom(self) -> float:
        """The zoom at which cells have their largest size."""
        (x, y), (most_x, most_y) = self._fitted(), self._largest()
        return max(1.0, most_x / x, most_y / y)

    @property
    def origin(self) -> tuple[float, float]:
        """Where the map's left upper corner lies, in pixels from the rectangle's."""
        x, y = self.cell
        return (
            _start(x * self.columns, self.width, self.center[0]),
            _start(y * self.rows, self.height, self.center[1]),
        )

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """(row, column) of the cell at a pixel of the rectangle, or None beside the map."""
        (left, top), (width, height) = self.origin, self.cell
        column, row = int((x - left) // width), int((y - top) // height)
        inside = 0 <= x <= self.width and 0 <= y <= self.height and 0 <= row < self.rows and 0 <= column < self.columns
        return (row, column) if inside else None

    def visible(self) -> tuple[int, int, int, int]:
        """First and last + 1 of the rows, then of the columns, that can be seen."""
        (left, top), (width, height) = self.origin, self.cell
        return (
            max(0, int(-top // height)), max(0, min(self.rows, int(-(-(self.height - top) // height)))),
            max(0, int(-left // width)), max(0, min(self.columns, int(-(-(self.width - left) // width)))),
        )  # fmt: skip

    def zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom by ``factor``; what lies at the pixel (x, y) stays there."""
        (left, top), (width, height) = self.origin, self.cell
        across, down = (x - left) / width, (y - top) / height
        self.zoom = min(max(1.0, self.zoom * factor), self.most_zoom)
        width, height = self.cell
        self._place(x - across * width, y - down * height)

    def pan(self, dx: float, dy: float) -> None:
        """Move the map by so many pixels, no further than its edges."""
        left, top = self.origin
        self._place(left + dx, top + dy)

    def show(self, row: int, column: int) -> None:
        """Move the map as far as is needed for a cell to be seen."""
        (left, top), (width, height) = self.origin, self.cell
        self._place(
            left + _into(left + column * width, width, self.width), top + _into(top + row * height, height, self.height)
        )

    def reset(self) -> None:
        """See everything again."""
        self.zoom, self.center = 1.0, (0.5, 0.5)

    def _fitted(self) -> tuple[float, float]:
        most_x, most_y = self._largest()
        x = min(most_x, max(self.width, 1.0) / max(1, self.columns))
        y = min(most_y, max(self.height, 1.0) / max(1, self.rows))
        return (min(x, y), min(x, y)) if self.square else (x, y)

    def _largest(self) -> tuple[float, float]:
        width, height = (SQUARE, SQUARE) if self.square else CELL
        return width * self.unit, height * self.unit

    def _place(self, left: float, top: float) -> None:
        width, height = self.cell
        self.center = (
            _middle(left, width * self.columns, self.width), _middle(top, height * self.rows, self.height)
        )  # fmt: skip


def _start(extent: float, room: float, center: float) -> float:
    if extent <= room:
        return 0.0
    return min(0.0, max(room - extent, room / 2 - center * extent))


def _middle(start: float, extent: float, room: float) -> float:
    if extent <= room:
        return 0.5
    return (room / 2 - min(0.0, max(room - extent, start))) / extent


def _into(start: float, size: float, room: float) -> float:
    """By how much to move so that start to start + size lies between 0 and room."""
    return -start if start < 0 else min(0.0, room - start - size)
