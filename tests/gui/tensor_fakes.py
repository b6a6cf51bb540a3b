"""A link that answers like an engine process, from arrays at hand, and panels with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QObject

from gui.context import Context
from gui.state import State
from gui.theme import Theme


class FakeLink(QObject):
    """Answers at once. ``events``: summaries, oldest first; ``arrays``: by (event, name) or expression.

    ``asked`` lists (key, command, arguments) of every ask; ``forks`` the edits of every fork.
    """

    def __init__(self, arrays: dict[Any, np.ndarray] | None = None, events: list[dict] | None = None) -> None:
        super().__init__()
        self.arrays = arrays or {}
        self.events = events or []
        self.statistics: dict[str, Any] = {"enabled": False}
        self.asked: list[tuple[Any, str, dict]] = []
        self.forks: list[tuple[list, str | None]] = []

    def ask(self, key, command, arguments, then, otherwise=None):
        self.asked.append((key, command, arguments))
        try:
            body = getattr(self, f"_{command}")(arguments)
        except (KeyError, ValueError, IndexError) as error:
            if otherwise is not None:
                otherwise(str(error))
            return
        then(body)

    def fork(self, edits, name=None, parameters=()):
        self.forks.append((list(edits), name))

    def move(self, command, **arguments):
        self.asked.append(("move", command, arguments))

    def commands(self, command: str) -> list[dict]:
        return [arguments for _, name, arguments in self.asked if name == command]

    def _find(self, arguments: dict) -> np.ndarray:
        reference = arguments["reference"]
        key = reference["expression"] if "expression" in reference else (reference["event"], reference["name"])
        if key not in self.arrays:
            raise KeyError(f"{key} is not there")
        return self.arrays[key]

    def _tensor(self, arguments: dict) -> dict:
        from engine.debug.views import arrays

        array = self._find(arguments)
        body = arrays.view(array, arguments.get("slice"), tuple(arguments.get("maxShape") or (256, 256)))
        return {**body, **self._origin(arguments, array)}

    def _histogram(self, arguments: dict) -> dict:
        from engine.debug.views import arrays

        array = self._find(arguments)
        return {**arrays.histogram(array, arguments.get("bins", 64)), **self._origin(arguments, array)}

    def _origin(self, arguments: dict, array: np.ndarray) -> dict:
        from engine.debug.views import arrays

        reference = arguments["reference"]
        name = reference.get("name") or reference["expression"]
        return {"description": arrays.describe(array), "event": reference.get("event"), "name": name}

    def _events(self, arguments: dict) -> dict:
        found = [e for e in self.events if not arguments.get("kinds") or e["kind"] in arguments["kinds"]]
        return {"events": found[-arguments.get("count", 100) :], "first": 0, "last": 99, "complete": True}

    def _statistics(self, arguments: dict) -> dict:
        if arguments.get("enabled"):
            self.statistics = {"enabled": True, "latest": {}, **self.statistics, "enabled": True}
        body = {key: value for key, value in self.statistics.items() if key != "series"}
        if arguments.get("names"):
            field = arguments.get("field", "norm")
            known = self.statistics.get("series", {})
            body["series"] = {name: known[name, field] for name in arguments["names"] if (name, field) in known}
        return body


def event(seq: int, kind: str, name: str, module: str, step: int, tensors: dict[str, np.ndarray], **labels: str) -> dict:
    """A summary as of the request ``events``; with ``reason`` it is a stop's."""
    described = [
        {"name": n, "shape": list(a.shape), "dtype": str(a.dtype), **({"label": labels[n]} if n in labels else {})}
        for n, a in tensors.items()
    ]
    return {
        "seq": seq, "kind": kind, "name": name, "module": module, "direction": kind, "step": step, "op": name,
        "level": "op", "position": [seq, 0, 0], "tensors": described, "epoch": 0, "batch": step, "live": True,
        "reason": "step", "description": f"{kind} {name}",
    }  # fmt: skip


def context_of(link: QObject, theme: str = "light") -> Context:
    """What panels are given."""
    return Context(State(), link, Theme(theme), {})


@pytest.fixture
def two_layer_link() -> FakeLink:
    """A linear layer in two steps, forward, backward and update."""
    random = np.random.default_rng(0)
    link = FakeLink()
    for step in range(2):
        base = 10 * step
        x, w = random.normal(size=(4, 3)).astype("f4"), random.normal(size=(5, 3)).astype("f4")
        y = x @ w.T
        forward = {"x": x, "w": w, "y": y}
        dy = random.normal(size=y.shape).astype("f4")
        backward = {**forward, "dy": dy, "dx": dy @ w, "dw": dy.T @ x}
        update = {"w": w, "dw": backward["dw"], "w_new": w - np.float32(0.1) * backward["dw"]}
        for offset, (kind, name, tensors, labels) in enumerate((
            ("forward", "Linear", forward, {"w": "fc.weight"}),
            ("backward", "Linear", backward, {"w": "fc.weight"}),
            ("update", "SGD", update, {"w": "fc.weight", "w_new": "fc.weight"}),
        )):  # fmt: skip
            link.events.append(event(base + offset, kind, name, "fc", step, tensors, **labels))
            for key, array in tensors.items():
                link.arrays[base + offset, key] = array
        link.arrays["fc.weight"], link.arrays["fc.weight.grad"] = update["w_new"], update["dw"]
    return link
