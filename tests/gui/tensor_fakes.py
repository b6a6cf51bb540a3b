"""Answers like an engine process's, from arrays at hand, for the link of the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.debug.views import arrays as views


class Engine:
    """Answers ``tensor``, ``histogram``, ``events`` and ``statistics`` of a fake link.

    ``arrays``: by (event, name) or expression; ``events``: summaries, oldest first; ``statistics``: latest and series.
    """

    def __init__(self, link: Any) -> None:
        self.arrays: dict[Any, np.ndarray] = {}
        self.events: list[dict[str, Any]] = []
        self.latest: dict[str, dict[str, Any]] = {}
        self.series: dict[tuple[str, str], dict[str, Any]] = {}
        self.collecting = False
        self.link = link
        link.answers.update(
            tensor=self._tensor, histogram=self._histogram, events=self._events, statistics=self._statistics
        )

    def asked(self, command: str) -> list[dict[str, Any]]:
        """The arguments of every ask of that command."""
        return [arguments for _, name, arguments in self.link.asked if name == command]

    def add(self, seq: int, kind: str, name: str, module: str, step: int, tensors: dict, **labels: str) -> dict[str, Any]:
        """Record an event with its arrays; the summary of it serves as a stop, too."""
        described = [
            {"name": n, "shape": list(a.shape), "dtype": str(a.dtype), **({"label": labels[n]} if n in labels else {})}
            for n, a in tensors.items()
        ]
        event = {
            "seq": seq, "kind": kind, "name": name, "module": module, "direction": kind, "step": step, "op": name,
            "level": "op", "position": [seq, 0, 0], "tensors": described, "epoch": 0, "batch": step, "live": True,
            "reason": "step", "description": f"{kind} {name}",
        }  # fmt: skip
        self.events.append(event)
        self.arrays.update({(seq, n): a for n, a in tensors.items()})
        return event

    def _find(self, arguments: dict[str, Any]) -> Any:
        reference = arguments["reference"]
        key = reference["expression"] if "expression" in reference else (reference["event"], reference["name"])
        return self.arrays.get(key)

    def _answer(self, arguments: dict[str, Any], make: Any) -> Any:
        array, reference = self._find(arguments), arguments["reference"]
        if array is None:
            return KeyError(f"{reference} is not there")
        try:
            body = make(array)
        except (ValueError, IndexError) as error:
            return error
        name = reference.get("name") or reference["expression"]
        seq = reference.get("event")
        step = next((event["step"] for event in self.events if event["seq"] == seq), None)
        return {**body, "description": views.describe(array), "event": seq, "step": step, "name": name}

    def _tensor(self, arguments: dict[str, Any]) -> Any:
        most = tuple(arguments.get("maxShape") or (256, 256))
        return self._answer(arguments, lambda array: views.view(array, arguments.get("slice"), most))

    def _histogram(self, arguments: dict[str, Any]) -> Any:
        return self._answer(arguments, lambda array: views.histogram(array, arguments.get("bins", 64)))

    def _events(self, arguments: dict[str, Any]) -> dict[str, Any]:
        found = [e for e in self.events if not arguments.get("kinds") or e["kind"] in arguments["kinds"]]
        return {"events": found[-arguments.get("count", 100) :], "first": 0, "last": 99, "complete": True}

    def _statistics(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.collecting = arguments.get("enabled", self.collecting)
        if not self.collecting:
            return {"enabled": False}
        body: dict[str, Any] = {"enabled": True, "latest": self.latest}
        if arguments.get("names"):
            body["series"] = {name: self.series[name, arguments["field"]] for name in arguments["names"]}
        return body


def linear_layer(engine: Engine, steps: int = 2) -> None:
    """Record forward, backward and update of a layer "fc" of 3 to 5 units: events 10·step, + 1 and + 2."""
    random = np.random.default_rng(0)
    w = random.normal(size=(5, 3)).astype("f4")
    for step in range(steps):
        x, dy = random.normal(size=(4, 3)).astype("f4"), random.normal(size=(4, 5)).astype("f4")
        forward = {"x": x, "w": w, "y": x @ w.T}
        backward = {**forward, "dy": dy, "dx": dy @ w, "dw": dy.T @ x}
        update = {"w": w, "dw": backward["dw"], "w_new": w - np.float32(0.1) * backward["dw"]}
        engine.add(10 * step, "forward", "Linear", "fc", step, forward, w="fc.weight")
        engine.add(10 * step + 1, "backward", "Linear", "fc", step, backward, w="fc.weight")
        engine.add(10 * step + 2, "update", "SGD", "fc", step, update, w="fc.weight", w_new="fc.weight")
        w = update["w_new"]
        engine.arrays["fc.weight"], engine.arrays["fc.weight.grad"] = w, update["dw"]


def choose(panel: Any, key: str) -> None:
    """Choose a view of the Tensor panel, as its selector does."""
    panel.controls.view.setCurrentIndex(panel.controls.view.findData(key))
    panel.controls.view_chosen.emit()
