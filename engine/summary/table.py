"""The table that a summary is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

_HEADERS = ("layer", "type", "output shape", "parameters", "frozen", "mult-adds", "activations", "weights")


@dataclass
class LayerSummary:
    """One call of one layer.

    ``parameters`` counts the elements of the layer's own parameters that no row before has counted, ``frozen``
    those among them that are not trained; ``shared`` says whether there are others. ``activation_bytes`` is the
    memory that the output takes beyond that of earlier outputs (0 for a view), ``parameter_bytes`` that of
    ``parameters``. ``output_shape`` is None for a layer that was not called; of several outputs it is the first's.
    """

    name: str
    type: str
    output_shape: tuple[int, ...] | None
    parameters: int = 0
    frozen: int = 0
    shared: bool = False
    mult_adds: int = 0
    activation_bytes: int = 0
    parameter_bytes: int = 0

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        called = self.output_shape is not None
        parameters = "shared" if self.shared and not self.parameters else _count(self.parameters)
        return (
            self.name or "(model)",
            self.type,
            _shape_text(self.output_shape) if called else "not called",
            parameters,
            _count(self.frozen),
            _count(self.mult_adds),
            _bytes(self.activation_bytes) if self.activation_bytes else "",
            _bytes(self.parameter_bytes) if self.parameter_bytes else "",
        )


@dataclass
class Summary:
    """The layers in the order of their calls, and the totals; printing it shows the table."""

    model: str
    input_shapes: list[tuple[int, ...]]
    layers: list[LayerSummary] = field(default_factory=list)
    buffer_bytes: int = 0

    @property
    def total_params(self) -> int:
        """Elements of all parameters, each counted once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable_params(self) -> int:
        """Those that require a gradient."""
        return self.total_params - sum(layer.frozen for layer in self.layers)

    @property
    def total_mult_adds(self) -> int:
        """Multiply-adds of one forward pass of the batch."""
        return sum(layer.mult_adds for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Memory of all outputs of layers for the batch; training keeps most of it until backward."""
        return sum(layer.activation_bytes for layer in self.layers)

    @property
    def parameter_bytes(self) -> int:
        """Memory of the parameters; their gradients take as much again, the state of Adam twice as much."""
        return sum(layer.parameter_bytes for layer in self.layers)

    def __repr__(self) -> str:
        rows = [_HEADERS, *(layer.cells() for layer in self.layers)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        frozen = self.total_params - self.trainable_params
        shapes = ", ".join(map(_shape_text, self.input_shapes))
        return "\n".join(
            [
                f"{self.model}, input {shapes}",
                lines[0],
                rule,
                *lines[1:],
                rule,
                f"parameters   {self.total_params:,} ({self.trainable_params:,} trainable, {frozen:,} frozen), "
                f"{_bytes(self.parameter_bytes)}; buffers {_bytes(self.buffer_bytes)}",
                f"mult-adds    {self.total_mult_adds:,} per forward pass of this batch",
                f"activations  {_bytes(self.activation_bytes)} for this batch",
            ]
        )


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _bytes(number: int) -> str:
    if number < 1024:
        return f"{number} B"
    power = min(3, int(math.log2(number)) // 10)
    return f"{number / 1024**power:.1f} {('KiB', 'MiB', 'GiB')[power - 1]}"


def _shape_text(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _aligned(row: Sequence[str], widths: list[int]) -> list[str]:
    """Names and shapes to the left, numbers to the right."""
    return [f"{cell:<{w}}" if i < 3 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
