"""Static figures of trained networks, drawn by matplotlib without a display.

Every function takes arrays or tensors, returns a ``matplotlib.figure.Figure``, and writes it to ``path`` where one is
given (the folder is made; the suffix, ``.png`` or ``.svg``, decides the format). Colours are from the Okabe-Ito set;
signed values use one diverging map whose white is exactly zero, magnitudes and pictures a map of one hue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.plural import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE, INK = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#333333"

#: Negative to positive: blue, white at zero, orange; both ends equally dark.
_DIVERGING = ("#00395c", "#0072b2", "#8cc3e3", "#ffffff", "#f2b880", "#c86400", "#713600")

_DPI = 150


def training_curves(history: Mapping[str, Sequence[float]], path: str | Path | None = None, title: str = "") -> Figure:
    """Curves over epochs, one plot for each quantity.

    Args:
        history: column name -> one value per epoch (from epoch 1). ``train_loss`` and ``val_loss`` share a plot named
            "loss", likewise for every other name behind ``train_`` and ``val_``.
        path: file to write.
        title: above the plots.
    """
    groups: dict[str, dict[str, Sequence[float]]] = {}
    for column, values in history.items():
        split, _, quantity = column.partition("_")
        if split not in ("train", "val"):
            split, quantity = "", column
        groups.setdefault(quantity.replace("_", " "), {})[split] = values
    figure = _figure(4.6 * len(groups), 3.4, title)
    styles = {"train": (BLUE, "o", "training"), "val": (ORANGE, "s", "validation"), "": (GREEN, "o", "")}
    for axes, (quantity, lines) in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups.items()):
        for split, values in lines.items():
            colour, marker, label = styles[split]
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, color=colour, marker=marker, markersize=3.5, lw=1.5, label=label)
        _plain(axes, "epoch", quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if len(lines) > 1:
            axes.legend(frameon=False)
    return _written(figure, path)


def filters(weight: Any, path: str | Path | None = None, title: str = "Filters", limit: int = 16) -> Figure:
    """The kernels of a convolution as pictures on one scale, blue negative, white zero, orange positive.

    Args:
        weight: (O, I, KH, KW): a row of pictures for each of the first ``limit`` output channels, a column for each of
            the first ``limit`` input channels; with one input channel the pictures fill a grid.
        path: file to write.
        title: above the pictures.
        limit: greatest number of channels shown.
    """
    array = _array(weight)[:limit, :limit]
    outputs, inputs = array.shape[:2]
    columns = inputs if inputs > 1 else math.ceil(math.sqrt(2 * outputs))
    rows = math.ceil(outputs * inputs / columns)
    figure = _figure(0.55 * columns + 1.6, 0.55 * rows + 0.9, title)
    scale = float(np.abs(array).max()) or 1.0
    grid = _grid(figure, rows, columns)
    for axes, kernel in zip(grid, array.reshape(-1, *array.shape[2:])):
        image = axes.imshow(kernel, cmap=diverging_map(), vmin=-scale, vmax=scale)
    for axes in grid[outputs * inputs :]:
        axes.set_visible(False)
    figure.colorbar(image, ax=grid, label="weight (dimensionless)", shrink=0.9, aspect=25)
    if inputs > 1:
        figure.supxlabel("input channel", fontsize=9)
        figure.supylabel("output channel", fontsize=9)
    return _written(figure, path)


def feature_maps(
    picture: Any, maps: Mapping[str, Any], path: str | Path | None = None, title: str = "Feature maps", limit: int = 16
) -> Figure:
    """One input picture and what layers make of it.

    Args:
        picture: (H, W).
        maps: name of the layer -> its output (C, H', W') for that picture; a row each, on a scale of its own.
        path: file to write.
        title: above the pictures.
        limit: greatest number of channels shown.
    """
    arrays = {name: _array(values)[:limit] for name, values in maps.items()}
    columns = max(len(values) for values in arrays.values())
    figure = _figure(0.62 * columns + 2.6, 0.95 * len(arrays) + 1.1, title)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.4, 0.62 * columns + 1.2))[0]
    axes = _grid(left, 1, 1)[0]
    axes.imshow(_array(picture), cmap="gray")
    axes.set_title("input", fontsize=9)
    strips: Any = right.subfigures(len(arrays), 1, squeeze=False)
    for strip, (name, values) in zip(strips[:, 0], arrays.items()):
        grid = _grid(strip, 1, columns)
        for place, channel in zip(grid, values):
            image = place.imshow(channel, cmap="Blues", vmin=min(0.0, float(values.min())), vmax=float(values.max()))
        for place in grid[len(values):]:
            place.set_visible(False)
        strip.colorbar(image, ax=grid, label="activation", aspect=12)
        every = len(_array(maps[name]))
        strip.suptitle(f"{name}: {len(values)} of {every} {plural(every, 'channel')}", fontsize=9)
    return _written(figure, path)


def confusion_matrix(
    counts: Any, classes: Sequence[str], path: str | Path | None = None, title: str = "Confusion matrix"
) -> Figure:
    """How often each true class (row) was predicted as each class (column).

    Args:
        counts: (K, K) whole numbers; shades show the share of the row, numbers the counts.
        classes: K names.
        path: file to write.
        title: above the matrix.
    """
    table = _array(counts)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    side = 0.55 * len(classes) + 1.9
    figure = _figure(side + 0.9, side, title)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(table):
        if count:
            colour = "white" if shares[row, column] > 0.5 else INK
            axes.text(column, row, f"{int(count)}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(classes)), classes, fontsize=8)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label="share of the true class", shrink=0.8)
    return _written(figure, path)


def mistakes(
    pictures: Any,
    targets: Any,
    probabilities: Any,
    classes: Sequence[str],
    path: str | Path | None = None,
    title: str = "",
    count: int = 24,
) -> Figure:
    """The pictures that were classified wrongly with the greatest certainty.

    Args:
        pictures: (N, H, W). targets: (N,) true class numbers. probabilities: (N, K) of the classes.
        classes: K names.
        path: file to write.
        title: above the pictures; by default the number of mistakes.
        count: how many pictures to show.
    """
    shown, truth, beliefs = _array(pictures), _array(targets), _array(probabilities)
    predicted = beliefs.argmax(1)
    certainty = beliefs.max(1)
    wrong = np.flatnonzero(predicted != truth)
    chosen = wrong[np.argsort(-certainty[wrong], kind="stable")][:count]
    columns = 8
    rows = max(1, math.ceil(len(chosen) / columns))
    title = title or f"{len(wrong)} {plural(len(wrong), 'mistake')} of {len(truth)}, the most certain first"
    figure = _figure(1.25 * columns, 1.6 * rows + 0.5, title)
    grid = _grid(figure, rows, columns)
    for axes, index in zip(grid, chosen):
        axes.imshow(shown[index], cmap="gray")
        taken = f"{classes[int(predicted[index])]} {certainty[index]:.0%}"
        axes.set_title(f"{taken}\nis: {classes[int(truth[index])]}", fontsize=7, linespacing=1.1)
    for axes in grid[len(chosen):]:
        axes.set_visible(False)
    return _written(figure, path)


def decision_regions(
    probability: Callable[[np.ndarray], Any],
    points: Any,
    labels: Any,
    path: str | Path | None = None,
    title: str = "",
) -> Figure:
    """A classifier of two inputs and two classes: its probability over the plane, the line of 0.5, and the points.

    Args:
        probability: takes float32 (M, 2) points, returns M probabilities of class 1.
        points: (N, 2). labels: (N,), 0 or 1.
        path: file to write.
        title: above the plot.
    """
    inside, truth = _array(points), _array(labels).reshape(-1)
    low, high = inside.min(0), inside.max(0)
    margin = 0.25 * np.maximum(high - low, 0.5)
    first, second = (np.linspace(low[i] - margin[i], high[i] + margin[i], 121) for i in range(2))
    plane = np.stack(np.meshgrid(first, second), -1).reshape(-1, 2).astype(np.float32)
    shares = _array(probability(plane)).reshape(121, 121)
    figure = _figure(5.0, 4.0, title)
    axes = figure.subplots()
    image = axes.pcolormesh(first, second, shares, cmap=diverging_map(), vmin=0, vmax=1, alpha=0.75, shading="gouraud")
    axes.contour(first, second, shares, levels=[0.5], colors=INK, linewidths=1.2)
    for value, marker, colour in ((0, "o", BLUE), (1, "^", "#c86400")):
        chosen = inside[truth == value]
        axes.scatter(*chosen.T, marker=marker, s=45, c=colour, edgecolors="white", linewidths=1, label=f"class {value}")
    axes.legend(frameon=True, framealpha=0.9, fontsize=8)
    figure.colorbar(image, label="probability of class 1", ticks=[0, 0.25, 0.5, 0.75, 1])
    _plain(axes, "x1", "x2", grid=False)
    return _written(figure, path)


def lines(
    curves: Mapping[str, tuple[Any, Any]],
    path: str | Path | None = None,
    title: str = "",
    x_label: str = "x",
    y_label: str = "y",
    points: tuple[Any, Any] | None = None,
) -> Figure:
    """Curves in one plot.

    Args:
        curves: label -> (x, y).
        path: file to write.
        title, x_label, y_label: texts.
        points: (x, y) of measured points, drawn behind the curves.
    """
    figure = _figure(5.6, 3.8, title)
    axes = figure.subplots()
    if points is not None:
        axes.plot(*map(_array, points), "o", color=INK, alpha=0.6, markersize=4, label="data")
    for (label, (x, y)), colour, style in zip(curves.items(), (BLUE, ORANGE, GREEN, PURPLE), ("-", "--", "-.", ":")):
        axes.plot(_array(x), _array(y), style, color=colour, lw=1.8, label=label)
    _plain(axes, x_label, y_label)
    axes.legend(frameon=False)
    return _written(figure, path)


def diverging_map() -> Any:
    """The colour map of signed values: blue, white, orange."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blue_white_orange", _DIVERGING)


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


def _figure(width: float, height: float, title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=_DPI)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _grid(figure: Any, rows: int, columns: int) -> list[Axes]:
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in grid:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(color="#bbbbbb", linewidth=0.5)
    return grid


def _plain(axes: Axes, x_label: str, y_label: str, grid: bool = True) -> None:
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)


def _written(figure: Figure, path: str | Path | None) -> Figure:
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    return figure
