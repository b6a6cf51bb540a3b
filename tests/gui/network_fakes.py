"""Answers of an engine that has run one step of a 2-8-1 network, as the protocol gives them."""

import numpy as np

from gui.panels.network import NetworkPanel

#: number, kind, op, module of each event; 20 is the stop's.
_RUN = (
    (1, "forward", "Linear", "fc1"), (2, "forward", "Relu", "act"), (3, "forward", "Linear", "fc2"),
    (4, "forward", "BinaryCrossEntropy", "BCELoss"), (5, "begin_backward", "backward", None),
    (6, "backward", "BinaryCrossEntropy", "BCELoss"), (7, "backward", "Linear", "fc2"), (8, "backward", "Relu", "act"),
    (9, "backward", "Linear", "fc1"), (10, "update", "SGD", "fc1"), (11, "update", "SGD", "fc2"),
    (12, "end_step", "SGD", None), (13, "forward", "Linear", "fc1"), (14, "forward", "Relu", "act"),
)  # fmt: skip
_SHAPES = {"fc1": (4, 8), "act": (4, 8), "fc2": (4, 1), "BCELoss": ()}
_WEIGHTS = {"fc1": (8, 2), "fc2": (1, 8)}


def filled(panel, seq):
    """Whether the panel shows all of the event ``seq``: its graph, laid out, and the numbers of all nodes."""
    laid_out = panel._drawing.layout is not None and not panel._drawing._laying.busy
    return panel.context.link.quiet and laid_out and panel._fill is not None and panel._fill._at == seq


def node(id, op, module, event, rank, shape, weight=None, kind="op", name="w"):
    """A node of ``graph``; ``weight``: shape of its weight."""
    parameters = (
        [] if weight is None else [{"name": name, "shape": list(weight), "dtype": "float32", "label": f"{module}.weight"}]
    )
    return {
        "id": id, "kind": kind, "op": op, "module": module, "event": event, "rank": rank, "main": True, "label": "",
        "outputs": [{"name": "y", "shape": list(shape), "dtype": "float32"}], "parameters": parameters,
    }  # fmt: skip


def edge(source, target, name="x", shape=(4, 8)):
    return {"from": source, "to": target, "output": "y", "input": name, "shape": list(shape)}


def graph():
    """Of the 2-8-1 network, with a print that the loss does not depend on."""
    nodes = [
        node("input", "", "", None, 0, (4, 2), kind="input"),
        node("fc1/Linear", "Linear", "fc1", 1, 1, (4, 8), (8, 2)),
        node("act/Relu", "Relu", "act", 2, 2, (4, 8)),
        node("fc2/Linear", "Linear", "fc2", 3, 3, (4, 1), (1, 8)),
        node("input#2", "", "", None, 0, (4, 1), kind="input"),
        node("BCELoss/BinaryCrossEntropy", "BinaryCrossEntropy", "BCELoss", 4, 4, ()),
        {**node("Slice", "Slice", "", None, 1, ()), "main": False},
    ]
    edges = [
        edge("input", "fc1/Linear", shape=(4, 2)), edge("fc1/Linear", "act/Relu"), edge("act/Relu", "fc2/Linear"),
        edge("fc2/Linear", "BCELoss/BinaryCrossEntropy", shape=(4, 1)),
        edge("input#2", "BCELoss/BinaryCrossEntropy", "t", (4, 1)), edge("act/Relu", "Slice"),
    ]  # fmt: skip
    return {"nodes": nodes, "edges": edges, "modules": [], "signature": "a", "complete": True, "truncated": False}


def events():
    """The events of one step and the beginning of the next."""
    found = []
    for seq, kind, op, module in _RUN:
        tensors = []
        if module in _SHAPES and kind in ("forward", "backward"):
            tensors = [{"name": "y", "shape": list(_SHAPES[module]), "dtype": "float32"}]
        if kind == "update":
            tensors = [{"name": "w", "shape": list(_WEIGHTS[module]), "dtype": "float32", "label": f"{module}.weight"}]
        direction = kind if kind in ("forward", "backward", "update") else None
        found.append({
            "seq": seq, "position": [seq, 0, 0], "kind": kind, "level": "op", "name": op, "module": module,
            "direction": direction, "file": "/script.py", "line": seq, "epoch": 0, "batch": -1, "step": int(seq > 12),
            "description": f"{kind} {op}", "tensors": tensors,
        })  # fmt: skip
    return found


def stop(seq, **changes):
    """The stop at an event."""
    event = next(event for event in events() if event["seq"] == seq)
    return {**event, "op": event["name"], "live": True, "reason": "step", **changes}


def answer_events(arguments):
    start = arguments.get("from", 0)
    kinds = arguments.get("kinds")
    found = [event for event in events() if event["seq"] >= start and (not kinds or event["kind"] in kinds)]
    return {"events": found, "first": 1, "last": 14, "complete": True}


def answer_tensor(arguments):
    """Numbers that tell the event and the name apart."""
    event, name = arguments["reference"]["event"], arguments["reference"]["name"]
    module = next(module for seq, _, _, module in _RUN if seq == event)
    if name in ("w", "dw", "w_new"):
        shape = _WEIGHTS[module]
        data = np.full(shape, float(event) + (0.5 if name == "w_new" else 0.0), np.float32)
        data[0, 0] = -data[0, 0]
    else:
        whole = {"x": {"fc1": (4, 2), "fc2": (4, 8), "BCELoss": (4, 1)}.get(module), "t": (4, 1)}.get(name, _SHAPES[module])
        sample = next((part for part in arguments["slice"] if isinstance(part, int)), None)
        shape = whole if sample is None else whole[1:]
        data = np.full(shape, event + (sample or 0) / 10, np.float32)
    return {
        "data": data,
        "range": [float(data.min()), float(data.max())],
        "nonFinite": {"nan": 0, "inf": 0},
        "block": [1, 1],
    }


def answers():
    """For ``FakeLink.answers``; ``tensors`` asks ``tensor`` for each."""
    found = {"events": answer_events, "tensor": answer_tensor, "graph": lambda arguments: graph()}

    def answer(arguments):
        one = found.get("tensor")
        return {"tensors": [{"error": "gone"} if one is None else one(view) for view in arguments["tensors"]]}

    found["tensors"] = answer
    return found


def shown_panel(qtbot, context, link, width=600):
    """The Network panel, in sight, on a link that gives these answers."""
    link.answers = answers()
    panel = NetworkPanel(context)
    qtbot.addWidget(panel)
    panel.resize(width, 480)
    panel.show()
    qtbot.waitExposed(panel)
    return panel
