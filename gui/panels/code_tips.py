"""What hovering over a name in the code shows: type or shape, value, range, and a thumbnail of a tensor."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import QBuffer, QByteArray, QIODevice, Qt

from gui.numbers import format_number, format_shape
from gui.panels.tensor_view import Plan, shown
from gui.theme import Theme
from gui.widgets.image_grid import layout_of
from gui.widgets.slicing import with_leading
from gui.widgets.value_scale import finite_in, scale_for

#: Pixels of a thumbnail at 100 %: its width and height; a cell is at most so many large, and one of a matrix at most so many
#: times as wide as high, or as high as wide.
_WIDE, _HIGH, _CELL, _STRETCH = 216, 120, 12, 4

#: Maps that a thumbnail shows at most.
_MAPS = 16


def thumbnail_plan(shape: Sequence[int]) -> Plan | None:
    """What to ask for to draw a tensor small: of four dimensions the first sample; None where there is nothing to draw."""
    if not shape or 0 in shape or max(shape) == 1:
        return None
    cut = with_leading(shape, [0] * max(0, len(shape) - 3) if len(shape) > 3 else [])
    layout = layout_of(cut.selected, _WIDE / _HIGH, _MAPS)
    return Plan(cut, layout, (max(1, _HIGH // max(1, layout.down)), max(1, _WIDE // max(1, layout.across))))


def thumbnail(plan: Plan, body: dict[str, Any], theme: Theme) -> str:
    """A picture of the answer to ``tensor`` as HTML."""
    data = shown([body], plan).data
    image = scale_for(data).image(data, finite_in(data), theme)
    rows, columns = data.shape
    down, across = max(1, min(_CELL, _HIGH // rows)), max(1, min(_CELL, _WIDE // columns))
    most = 1 if plan.layout.lead else _STRETCH  # a picture keeps its proportions, a long matrix is no line
    down, across = min(down, most * across), min(across, most * down)
    image = image.scaled(columns * across, rows * down, Qt.AspectRatioMode.IgnoreAspectRatio)
    raw = QByteArray()
    buffer = QBuffer(raw)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    buffer.close()
    picture = f'<img src="data:image/png;base64,{bytes(raw.toBase64().data()).decode("ascii")}">'
    part = _part(plan)
    return f"{picture}<br><span style='color:{theme.muted.name()}'>{part}</span>" if part else picture


def _part(plan: Plan) -> str:
    """Which part of the tensor is drawn: ``[0] of 64``, ``[0], 16 of 32 maps``; "" for all of it."""
    shape, entries = plan.cut.shape, plan.cut.entries
    fixed = [str(entry) for entry in entries if isinstance(entry, int)]
    parts = [f"[{', '.join(fixed)}] of {format_shape(shape[: len(fixed)])}"] if fixed else []
    if plan.layout.lead and plan.layout.lead[0] < plan.cut.selected[0]:
        parts.append(f"{plan.layout.lead[0]} of {plan.cut.selected[0]} maps")
    return ", ".join(parts)


def value_tip(expression: str, body: Mapping[str, Any], theme: Theme, picture: str = "") -> str:
    """A tooltip: the expression, its type or shape, its value, its range, and a picture."""
    tensor = body.get("tensor")
    rows = [f"<b>{html.escape(expression)}</b> <span style='color:{theme.muted.name()}'>{html.escape(_kind(body))}</span>"]
    value = str(body.get("result", ""))
    if tensor and tensor.get("shape"):
        value = value.split(") ", 1)[-1]
    elif tensor:
        value = value.split(" (")[0]
    rows.append(f"<span style='font-family:\"{theme.code_font().family()}\"'>{html.escape(value[:300])}</span>")
    if tensor and tensor.get("count", 0) > 1:
        names = ("min", "max", "mean", "std")
        whole = tensor["dtype"].startswith(("int", "uint", "bool"))
        known = {name: tensor[name] for name in names if tensor.get(name) is not None}
        if whole:
            known.update({name: int(known[name]) for name in ("min", "max") if math.isfinite(known.get(name, math.nan))})
        parts = [f"{name} {format_number(value)}".replace(" ", "&nbsp;") for name, value in known.items()]
        odd = [f"{tensor[name]} {words}" for name, words in (("nans", "NaN"), ("infs", "infinite")) if tensor.get(name)]
        rows.append(" · ".join(parts + odd))
    if picture:
        rows.append(picture)
    return "<br>".join(rows)


def problem_tip(expression: str, message: str, theme: Theme) -> str:
    """A tooltip about an expression that has no value."""
    if message.startswith("NameError"):
        message = "has no value yet, or is not known here"
    said = html.escape(message.removeprefix(f"{expression}: "))
    return f"<b>{html.escape(expression)}</b> <span style='color:{theme.muted.name()}'>{said}</span>"


def _kind(body: Mapping[str, Any]) -> str:
    tensor = body.get("tensor")
    if not tensor:
        return str(body.get("type", ""))
    grad = " · requires grad" if tensor.get("requiresGrad") else ""
    return f"{tensor['dtype']} · {format_shape(tensor['shape'])}{grad}"
