"""A session of the debugger with a convolutional network on the GPU: numbers, elements, the past, watchpoints, a fork."""

import os

import numpy as np
import pytest

from engine.debug.session import Session

TRAINING = """
import torch
from torch import nn

torch.manual_seed(0)
plane = nn.Sequential(nn.Linear(2, 2), nn.Tanh()).to("cuda")
model = nn.Sequential(
    nn.Conv2d(1, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 3),
).to("cuda")
x, t = torch.randn(2, 1, 3, 3, device="cuda"), torch.tensor([0, 2]).to("cuda")
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
loss = nn.functional.cross_entropy(model(x * 3e38), t)
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "script.py"
    path.write_text(TRAINING)
    with Session.launch(str(path), as_torch=True, capture_output=True) as session:
        session.start()
        session.listen_to("statistics", enabled=True)
        session.step("runTo", step=1)
        yield session


def over(session, direction, op, command="next"):
    while (stop := session.step(command, granularity="op"))["op"] != op or stop["direction"] != direction:
        assert stop["op"], stop
    return stop


def shown(session, event, name):
    return session.request("tensor", reference={"event": event, "name": name})["data"].numpy()


def numbers(session, stop):
    return {t["name"]: shown(session, stop["seq"], t["name"]).tolist() for t in stop["tensors"]}


def stepped(session, stop, name, index):
    """Step through the computation of an element and back to its first line; its last step."""
    first = session.step("stepIn", tensor=name, index=index)
    assert (first["level"], first["tensor"], first["index"]) == ("element", name, list(index))
    body = session.request("elementSteps", reference={"event": stop["seq"], "name": name}, index=list(index))
    assert body["launch"] == first["element"]["launch"]
    last = first
    for _ in range(body["count"] - 1):
        last = session.step("next")
    assert last["element"]["ends"]
    assert last["element"]["returned"] == pytest.approx(shown(session, stop["seq"], name)[index], rel=1e-5)
    assert session.step("stepBack")["element"]["index"] == body["count"] - 2
    assert session.step("stepOut")["level"] == "op"
    return last["element"]


def test_lines_are_the_script_s_only(session):
    events = session.request("events", count=1000, kinds=["line"])["events"]
    assert len(events) > 10 and {os.path.basename(event["file"]) for event in events} == {"script.py"}


def test_statistics_are_those_of_the_tensors(session):
    latest = session.request("statistics")["latest"]
    for name in ("0.weight", "4.bias"):
        values = session.request("tensor", reference={"expression": f"model[{name[0]}].{name[2:]}"})["data"].numpy()
        assert latest[name]["mean"] == pytest.approx(values.mean(), rel=1e-4)
        assert latest[name]["norm"] == pytest.approx(np.linalg.norm(values), rel=1e-4)
    assert "update_ratio" in latest["0.weight"]


def test_elements_of_a_convolution_and_a_product_are_stepped(session):
    stop = over(session, "forward", "Convolution")
    threads = stepped(session, stop, "y", (1, 1, 0, 1))["launch"]
    assert threads["kernel"] == "derived" and threads["threadIdx"] == [13, 0, 0]
    stop = over(session, "forward", "Linear")
    threads = stepped(session, stop, "y", (1, 2))["launch"]
    assert threads["kernel"] == "naive" and threads["threadIdx"][:2] == [2, 1]
    stop = over(session, "backward", "Convolution")
    assert stepped(session, stop, "dw", (1, 0, 1, 0))["launch"]["threadIdx"] == [6, 0, 0]


def test_the_same_numbers_come_back(session):
    there = over(session, "update", "Adam")
    first = numbers(session, there)
    assert {"w", "dw", "w_new"} <= set(first)
    while (back := session.step("stepBack", granularity="op"))["op"] != "MaxPool2d":
        pass
    assert not back["live"]
    assert numbers(session, session.travel(there.position)) == first
    # Computed anew, in another process.
    session.step("runTo", step=2)
    again = session.travel(there.position, live=True)
    assert again["live"] and numbers(session, again) == first


def test_a_plane_of_inputs(session):
    body = session.request("gridEvaluate", model="plane", x=[-1, 1], y=[-1, 1], resolution=2)
    values = body["output"].numpy()
    assert values.shape == (2, 2, 2) and np.isfinite(values).all() and (np.abs(values) < 1).all()


def test_a_fork_goes_its_own_way(session):
    base = session.current
    digest = session.request("digest")["digest"]
    run = session.fork([{"kind": "tensor", "reference": {"expression": "4.bias"}, "index": [1], "value": 2.5}])
    session.switch(run)
    assert session.request("tensor", reference={"expression": "model[4].bias"})["data"].tolist()[1] == 2.5
    assert session.request("digest")["digest"] != digest
    over(session, "forward", "Convolution")
    session.switch(base)
    assert session.request("digest")["digest"] == digest
    session.drop(run)


def test_a_watchpoint_stops_at_the_op_that_made_the_first_infinity(session):
    session.configure("setWatchpoints", breakpoints=[{"kind": "nan-inf"}])
    stop = session.step("continue")
    assert (stop["op"], stop["direction"]) == ("Mul", "forward") and stop["hitBreakpointIds"], stop
    body = session.request("explain", reference={"event": stop["seq"], "name": stop["tensor"]}, index=stop["index"])
    assert body["agrees"] and body["cause"] and not np.isfinite(body["actual"])
    session.configure("setWatchpoints", breakpoints=[])
    assert session.step("continue").reason == "end"
