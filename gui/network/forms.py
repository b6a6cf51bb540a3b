"""What each node of a graph is drawn as: units, a strip, feature maps, a picture, a number. No Qt."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from gui.numbers import plural

#: Layers of up to so many units are drawn as circles, and the weights between two of them as lines.
MOST_UNITS = 32
#: Elements of a strip, maps of a layer, and kernels of a layer each way that are asked for and drawn.
MOST_STRIP = 4096
MOST_MAPS = 64
MOST_KERNELS = 64
#: Rows and columns of a matrix that are asked for; of more there come means of neighbours.
MOST_SIDE = 128
#: What an input is called that only the loss reads.
TARGET = "target"
#: Width of the box of a number, as wide as the widest that may stand in it ("-8.8e-88").
_NUMBER = 58.0
#: Rows of a strip before it goes on in a second column.
STRIP_ROWS = 128

#: Ops that only give their input another shape.
_SHAPES = frozenset({
    "Reshape", "Flatten", "View", "Permute", "Transpose", "Unsqueeze", "Squeeze", "Contiguous", "Clone", "Cast",
})  # fmt: skip


class Size(NamedTuple):
    """How large things are drawn, in pixels at a zoom of 100 %; ``text``: how large text is, 1 as designed; ``captions``:
    which of them are as large: "all", "ranges" or "none".
    """

    pitch: float
    radius: float
    side: float
    strip: float
    gap: float
    fan: float
    text: float = 1.0
    captions: str = "all"


#: From the largest to the smallest; the layout takes the first with which everything fits.
SIZES = (
    Size(34, 11, 132, 224, 30, 120),
    Size(34, 11, 104, 176, 22, 84),
    Size(28, 9, 88, 152, 20, 76),
    Size(22, 7.5, 72, 128, 18, 68),
    Size(16, 5.5, 60, 104, 16, 60),
    Size(12, 4, 42, 72, 14, 48),
    Size(8, 3, 28, 48, 10, 36),
)


@dataclass(frozen=True)
class Form:
    """What a node is drawn as.

    Attributes:
        kind: of its values: "number", "units", "strip", "maps", "picture", "rows" (a matrix), or "label" (no values).
        shape: of the values of one sample.
        batched: whether the first dimension of the tensor counts samples.
        weight: of its weights: "" (none), "edges" (lines from the units before), "matrix" or "filters".
        weight_shape: of them.
        title: what is written over it.
        loss: whether it is the loss. given: whether it is an input.
    """

    kind: str
    shape: tuple[int, ...]
    batched: bool
    weight: str
    weight_shape: tuple[int, ...]
    title: str
    loss: bool = False
    given: bool = False

    @property
    def scaled(self) -> bool:
        """Whether colours stand for the values, so that a caption says their range."""
        return self.kind not in ("number", "label")

    @property
    def averaged(self) -> bool:
        """Whether the picture of the weights shows means of neighbours, because there are more than it has places."""
        return self.weight == "matrix" and max(self.weight_shape) > MOST_SIDE

    @property
    def caption(self) -> str:
        """The shape of one sample's values in words."""
        if not self.shape or self.kind == "number":
            return ""
        if self.kind in ("units", "strip"):
            return f"{self.shape[0]:,} {plural(self.shape[0], 'value' if self.given else 'unit')}"
        return " × ".join(f"{n:,}" for n in self.shape)

    def grid(self) -> tuple[int, int]:
        """(rows, columns) in which the elements of a strip, the maps or the units stand."""
        count = self.shape[0] if self.shape else 1
        if self.kind == "strip":
            count = min(count, MOST_STRIP)
            rows = min(count, STRIP_ROWS)
            return rows, -(-count // rows)
        if self.kind == "maps":
            return near_square(min(count, MOST_MAPS))
        return (count, 1) if self.kind == "units" else (1, 1)

    @property
    def kernel(self) -> tuple[int, int]:
        """(rows, columns) of one kernel; those of 1-D convolutions have one row."""
        return (1, *self.weight_shape[2:])[-2:]  # type: ignore[return-value]

    def kernels(self) -> tuple[int, int]:
        """(rows, columns) in which the kernels stand: as the maps do for one input channel, else output × input."""
        out, into = self.weight_shape[:2]
        if into == 1:
            return near_square(min(out, MOST_MAPS))
        return min(out, MOST_KERNELS), min(into, MOST_KERNELS)

    def values_size(self, size: Size) -> tuple[float, float]:
        """(width, height) of the values."""
        if self.kind == "units":
            return 2 * size.radius + 2, self.shape[0] * size.pitch
        if self.kind == "strip":
            rows, columns = self.grid()
            return max(10.0, min(size.side, columns * max(1.0, size.strip / rows))), size.strip
        if self.kind == "maps":
            rows, columns = self.grid()
            return _inside(columns * self.shape[2], rows * self.shape[1], size.side, 40 * math.sqrt(rows * columns))
        if self.kind in ("picture", "rows"):
            return _inside(max(1, self.shape[-1]), max(1, self.shape[-2]), size.side * 0.8, math.inf)
        if self.kind == "number":
            return max(2 * size.radius + 2, _NUMBER * size.text), max(24.0 * size.text, 2 * size.radius)
        return max(10.0, size.radius), max(24.0, 3 * size.radius)

    def weight_size(self, size: Size) -> tuple[float, float]:
        """(width, height) of the picture of the weights; (0, 0) where they are lines or there are none."""
        if self.weight == "matrix":
            height = size.strip if self.kind == "strip" else self.values_size(size)[1]
            return max(24.0, min(size.side, 2.0 * self.weight_shape[1])), max(height, 16.0)
        if self.weight == "filters":
            rows, columns = self.kernels()
            high, wide = self.kernel
            return _inside(columns * (wide + 1), rows * (high + 1), size.side, 14.0 * math.sqrt(rows * columns) + 24)
        return 0.0, 0.0


def near_square(count: int) -> tuple[int, int]:
    """(rows, columns) of a grid for ``count`` things, no wider than twice its height."""
    columns = max(1, math.ceil(math.sqrt(count)))
    return -(-count // columns), columns


def _inside(wide: float, high: float, side: float, most: float) -> tuple[float, float]:
    """``wide`` × ``high`` scaled so that the longer of the two is ``side`` or ``most``, whatever is less."""
    factor = min(side, most) / max(wide, high)
    return max(6.0, wide * factor), max(6.0, high * factor)


def forms(graph: dict[str, Any]) -> dict[str, Form]:
    """The form of each node of ``graph`` (of :func:`shown`)."""
    batch = _batch_size(graph)
    losses = {node["id"] for node in graph["nodes"]} - {edge["from"] for edge in graph["edges"]}
    found: dict[str, Form] = {}
    first: dict[str, str] = {}
    judged = {node["id"] for node in graph["nodes"] if _is_loss(node)}
    targets = {edge["from"] for edge in graph["edges"] if edge["input"] == "t" and edge["to"] in judged}
    others = {edge["from"] for edge in graph["edges"] if edge["input"] != "t" or edge["to"] not in judged}
    for edge in graph["edges"]:
        if edge["input"] in ("x", "x[0]"):
            first.setdefault(edge["to"], edge["from"])
    for node in graph["nodes"]:
        source = found.get(first.get(node["id"], ""))
        title = TARGET if node["kind"] == "input" and node["id"] in targets - others else title_of(node)
        # While the first pass goes on its last op is known for a loss only by its name.
        ends = graph.get("complete", False) or node["id"] in judged
        loss = node["id"] in losses and node["kind"] == "op" and ends
        found[node["id"]] = _form(node, source, batch, title, loss)
    return found


def _form(node: dict[str, Any], source: Form | None, batch: int | None, title: str, last: bool) -> Form:
    whole = tuple(node["outputs"][0]["shape"]) if node["outputs"] else ()
    batched = bool(whole) and (whole[0] == batch or (len(whole) in (2, 4) and node["kind"] == "op"))
    shape = whole[1:] if batched else whole
    kind = _kind(node, shape)
    weight, weight_shape = _weight(node, kind, source)
    return Form(kind, shape, batched, weight, weight_shape, title, last and not whole, node["kind"] == "input")


def _kind(node: dict[str, Any], shape: tuple[int, ...]) -> str:
    if not node["outputs"] or (node["op"] in _SHAPES and math.prod(shape) > 1) or 0 in shape:
        return "label"
    if math.prod(shape) == 1 and not (len(shape) == 1 and node["kind"] == "op"):
        return "number"
    if len(shape) == 1:
        return "units" if shape[0] <= MOST_UNITS else "strip"
    if len(shape) == 2:
        return "rows"
    if len(shape) == 3:
        return "picture" if shape[0] == 1 or (shape[0] == 3 and node["kind"] == "input") else "maps"
    return "label"


def _weight(node: dict[str, Any], kind: str, source: Form | None) -> tuple[str, tuple[int, ...]]:
    shape = next((tuple(p["shape"]) for p in node["parameters"] if p["name"] == "w"), ())
    if len(shape) == 2 and kind != "label":
        lines = kind == "units" and source is not None and source.kind == "units" and source.shape[0] == shape[1]
        return ("edges" if lines else "matrix"), shape
    if len(shape) in (3, 4):
        return "filters", shape
    return "", ()


def title_of(node: dict[str, Any]) -> str:
    """What is written over a node: its module where it has parameters or the module is named for it, else the op."""
    if node["kind"] == "input":
        return node.get("variable") or "input"
    module = node["module"] or ""
    if module[:1].isupper() or not module:  # a class: the root of the script, or a loss
        return _words(node["op"])
    name = module.rpartition(".")[2]
    if name.isdecimal():
        return _words(node["op"]) if "." in module else f"{module} {_words(node['op'])}"
    return (
        name if node["parameters"] or _words(node["op"]) in ("max pool", "average pool", "dropout") else _words(node["op"])
    )


#: Words for ops whose names, taken apart, do not say what the field calls them.
_NAMES = {
    "CrossEntropy": "cross-entropy", "SoftCrossEntropy": "cross-entropy", "BinaryCrossEntropy": "cross-entropy",
    "BinaryCrossEntropyWithLogits": "cross-entropy", "MaxPool2d": "max pool", "AvgPool2d": "average pool",
    "MaxPool1d": "max pool", "AvgPool1d": "average pool", "Convolution": "conv", "MseLoss": "squared error",
    "L1Loss": "absolute error", "NativeBatchNorm": "batch norm",
    "NativeLayerNorm": "layer norm", "NativeGroupNorm": "group norm", "NllLoss": "negative log-likelihood",
    "Addmm": "linear", "Bmm": "matrix product", "Matmul": "matrix product", "KlDiv": "KL divergence",
}  # fmt: skip


def _words(op: str) -> str:
    if op in _NAMES:
        return _NAMES[op]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", op).lower()


def _is_loss(node: dict[str, Any]) -> bool:
    """Whether an op compares its input with a target."""
    return node["op"].endswith(("Loss", "Entropy", "EntropyWithLogits", "KlDiv", "SquaredError"))


def _batch_size(graph: dict[str, Any]) -> int | None:
    """The first extent of the first input with more than one dimension."""
    for node in graph["nodes"]:
        if node["kind"] == "input" and node["outputs"] and len(node["outputs"][0]["shape"]) > 1:
            return node["outputs"][0]["shape"][0]
    return None


def shown(graph: dict[str, Any]) -> dict[str, Any]:
    """``graph`` without what the loss does not depend on: prints, metrics, and what was run before the pass."""
    kept = {node["id"] for node in graph["nodes"] if node.get("main", True)}
    if not any(node["kind"] == "op" and node["id"] in kept for node in graph["nodes"]):
        return graph
    return {
        **graph,
        "nodes": [node for node in graph["nodes"] if node["id"] in kept],
        "edges": [edge for edge in graph["edges"] if edge["from"] in kept and edge["to"] in kept],
    }


def structure(graph: dict[str, Any]) -> tuple:
    """Equal for graphs that are drawn alike, whatever their batch size."""
    nodes = tuple(
        (n["id"], tuple(tuple(o["shape"][1:]) for o in n["outputs"]), tuple(tuple(p["shape"]) for p in n["parameters"]))
        for n in graph["nodes"]
    )
    return nodes, tuple((e["from"], e["to"], e["input"]) for e in graph["edges"]), graph.get("complete", False)
