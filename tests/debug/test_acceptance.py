"""Whole sessions on real scripts, as a user has them: step, explain, go back, change, fork, compare; find the first NaN."""

import math
from pathlib import Path

import pytest

from engine.debug.session import Session

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture
def launch():
    sessions = []

    def start(path, **options):
        session = Session.launch(str(path), capture_output=True, **options)
        sessions.append(session)
        return session

    yield start
    for session in sessions:
        session.close()


def explained(session, name, index):
    """The explanation of an element at the cursor, which must agree with the kernel's number."""
    body = session.request("explain", reference={"expression": name}, index=list(index))
    assert body["agrees"], body
    assert body["contributors"]
    assert math.isfinite(body["actual"])
    # The number that the window shows is that same number.
    shown = session.request("tensor", reference={"expression": name}, slice=list(index))
    assert float(shown["data"].numpy()) == pytest.approx(body["actual"], rel=1e-6)
    return body


def test_a_lecture_on_the_convolutional_network(launch):
    """Acceptance 1 of the debugger: one recorded session from the third batch to two runs compared."""
    session = launch(SAMPLES / "fashion_cnn.py", parameters=["epochs=1", "folder="])
    assert session.start().reason == "entry"
    stop = session.step("runTo", batch=2)
    assert (stop["kind"], stop["batch"], stop["step"]) == ("batch", 2, 2)
    assert stop["tensors"][0]["shape"] == [64, 1, 28, 28]

    walked = []
    explanations = {}
    conv1 = None
    while True:
        stop = session.step("next", granularity="op")
        if stop["step"] != 2 or len(walked) > 60:
            break
        walked.append((stop["direction"], stop["op"], stop["module"]))
        if walked[-1] == ("forward", "Convolution", "conv1"):
            conv1 = stop
            explanations["y"] = explained(session, "y", (3, 5, 10, 11))
        if walked[-1] == ("backward", "Convolution", "conv1"):
            explanations["dw"] = explained(session, "dw", (5, 0, 1, 2))
        if walked[-1][0] == "update" and "conv1.weight" in stop["description"]:
            explanations["w_new"] = explained(session, "w_new", (5, 0, 1, 2))
    directions = [direction for direction, _, _ in walked]
    assert directions == sorted(directions, key=["forward", "backward", "update"].index)
    assert [directions.count(d) for d in ("forward", "backward", "update")] == [13, 13, 8]
    forward = [op for direction, op, _ in walked if direction == "forward"]
    backward = [op for direction, op, _ in walked if direction == "backward"]
    assert backward == forward[::-1]
    # 3 x 3 pixels, as many weights, and the bias.
    assert len(explanations["y"]["contributors"]) == 19
    # The gradient of a filter element: a product for every pixel of every sample where the filter met the picture.
    assert explanations["dw"]["total"] == 2 * 64 * 28 * 27
    assert {c["tensor"] for c in explanations["w_new"]["contributors"]} >= {"w", "dw", "m", "v"}

    while (stop["direction"], stop["module"]) != ("forward", "conv1") or stop["step"] != 2:
        stop = session.step("stepBack", granularity="op")
    assert stop["seq"] == conv1["seq"]
    assert not stop.live
    assert session.request("explain", reference={"expression": "y"}, index=[3, 5, 10, 11])["actual"] == (
        explanations["y"]["actual"]
    )

    first = session.current
    edit = {"kind": "tensor", "reference": {"expression": "conv1.weight"}, "index": [5, 0, 1, 1], "value": 1.5}
    fork = session.fork([edit], "filter changed")
    assert session.current is fork
    assert fork.stop.position == tuple(stop["position"])
    weight = session.request("tensor", reference={"expression": "model.conv1.weight"}, slice=[5, 0, 1, 1])
    assert float(weight["data"].numpy()) == 1.5
    session.switch(first)
    weight = session.request("tensor", reference={"expression": "conv1.weight"}, slice=[5, 0, 1, 1])
    assert float(weight["data"].numpy()) != 1.5

    for run in (first, fork):
        session.switch(run)
        assert session.step("runTo", step=20)["step"] == 20
    found = session.compare(first, fork)
    assert found["common"] == 20
    assert found["step"] == 3, "the changed filter is first used in the fourth batch"
    one, other = (curve["losses"] for curve in found["curves"].values())
    assert len(one) == len(other) == 20
    assert one[:3] == other[:3]
    assert one[3] != other[3]
    # The update of the step that was under way when the filter was changed starts from another weight.
    assert (found["event"]["name"], found["event"]["module"]) == ("Adam", "conv1")
    assert (found["tensor"], found["index"]) == ("w (conv1.weight)", [5, 0, 1, 1])
    assert found["values"][1] == pytest.approx(1.5, abs=0.01)


def test_continue_stops_at_the_op_that_made_the_first_nan(launch):
    """Acceptance 2 of the debugger."""
    session = launch(SCRIPTS / "becomes_nan.py")
    session.start()
    session.configure("setWatchpoints", breakpoints=[{"kind": "nan-inf"}])
    stop = session.step("continue")
    assert stop.reason == "data breakpoint"
    assert (stop["direction"], stop["op"], stop["step"]) == ("forward", "Div", 388)
    assert (stop["tensor"], stop["index"], stop["sample"], stop["datasetIndex"]) == ("y", [1, 0], 1, 777)
    body = session.request("explain", reference={"expression": "y"}, index=[1, 0])
    assert math.isnan(body["actual"])
    assert "0" in body["cause"]
    back = session.step("stepBack", granularity="op")
    for tensor in back["tensors"]:
        described = session.request("tensor", reference={"event": back["seq"], "name": tensor["name"]})["description"]
        assert described["nans"] == described["infs"] == 0
    again = session.step("continue")
    for name in ("reason", "description", "hitBreakpointIds", "tensor", "index", "sample", "datasetIndex", "position"):
        assert again[name] == stop[name], name
    session.step("stepBack", granularity="op")
    session.step("next", granularity="op")
    session.step("next", granularity="op")  # past it, live
    back = session.step("reverseContinue")
    assert (back["description"], back["live"]) == (stop["description"], False)


def test_a_script_written_for_pytorch_is_stepped(launch, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
        "torch.manual_seed(0)\n"
        "model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))\n"
        "optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)\n"
        "for _ in range(3):\n"
        "    loss = F.nll_loss(F.log_softmax(model(torch.randn(4, 1, 6, 6)), dim=1), torch.tensor([0, 1, 2, 0]))\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
    )
    session = launch(path, as_torch=True)
    session.start()
    ops = [session.step("next", granularity="op")["op"] for _ in range(17)]
    assert ops[:4] == ["Convolution", "Relu", "Reshape", "Linear"]
    assert ops.count("Adadelta") == 4


def test_a_fork_reached_by_a_quick_replay_counts_batches_like_its_parent(launch, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "import engine as torch\nfrom engine import nn\nfrom engine.utils.data import DataLoader, TensorDataset\n"
        "torch.manual_seed(0)\n"
        "loader = DataLoader(TensorDataset(torch.randn(40, 3), torch.randn(40, 1)), batch_size=2)\n"
        "model = nn.Linear(3, 1)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\n"
        "for x, y in loader:\n"
        "    optimizer.zero_grad()\n"
        "    nn.functional.mse_loss(model(x), y).backward()\n"
        "    optimizer.step()\n"
    )
    session = launch(path)
    session.start()
    session.step("runTo", batch=8)
    session.step("next", granularity="op")
    session.fork([{"kind": "tensor", "reference": {"expression": "model.weight"}, "index": [0, 0], "value": 1.0}], "other")
    said = [session.step("next", granularity="batch")["description"] for _ in range(3)]
    assert said == [f"batch {number} of loader" for number in (9, 10, 11)]
