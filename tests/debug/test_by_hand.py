"""Scripts without modules and optimizers: tensors in variables, and weights that are changed by hand."""

import pytest

from engine.debug.session import RequestError, Session

SCRIPT = """\
import engine as torch

torch.manual_seed(0)
x = torch.randn(8, 2)
target = torch.randn(8, 1)
w = torch.ones(2, 1, requires_grad=True)
b = torch.full((3,), 7.0, requires_grad=True)
for step in range(4):
    y = x @ w + b[0]
    loss = (y - target).square().mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad = None
    b.grad = None
"""


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "by_hand.py"
    path.write_text(SCRIPT)
    with Session.launch(str(path), capture_output=True) as found:
        found.start()
        yield found


def _to(session, op, **more):
    while (stop := session.step("next", granularity="op"))["op"] != op or any(stop[k] != v for k, v in more.items()):
        pass
    return stop


def _numbers(session, reference):
    return session.request("tensor", reference=reference)["data"].numpy().reshape(-1).tolist()


def test_a_variable_is_not_an_array_of_the_op_with_the_same_name(session):
    stop = _to(session, "Mm")
    assert _numbers(session, {"event": stop["seq"], "name": "b"}) == [1.0, 1.0]  # of the product: w of the script
    assert _numbers(session, {"expression": "b"}) == [1.0, 1.0]  # the same: a name alone is of the op first
    variable = {"expression": "b", "frameId": 0}
    assert _numbers(session, variable) == [7.0, 7.0, 7.0]
    edit = {"kind": "tensor", "reference": variable, "index": [2], "value": 5.0}
    session.fork([edit])
    assert _numbers(session, variable) == [7.0, 7.0, 5.0]
    assert _numbers(session, {"expression": "w"}) == [1.0, 1.0]


def test_of_the_past_a_variable_is_not_known_by_the_name_of_an_array(session):
    seq = _to(session, "Mm")["seq"]
    _to(session, "Add")
    while session.step("stepBack", granularity="op")["seq"] != seq:
        pass
    assert _numbers(session, {"event": seq, "name": "b"}) == [1.0, 1.0]
    assert _numbers(session, {"expression": "b", "frameId": 0}) == [7.0, 7.0, 7.0]  # it is trained, and so known
    with pytest.raises(RequestError, match="variables are those of the present"):
        _numbers(session, {"expression": "x", "frameId": 0})


def test_what_is_trained_has_the_name_of_its_variable(session):
    stop = _to(session, "Mm")
    assert {t["name"]: t.get("label") for t in stop["tensors"]} == {"a": None, "b": "w", "y": None}
    _to(session, "Mean")
    stop = _to(session, "Mm", direction="backward")
    inputs = [node["variable"] for node in session.request("graph")["nodes"] if node["kind"] == "input"]
    assert sorted(filter(None, inputs)) == ["b", "w"]
    found = session.request("explain", reference={"event": stop["seq"], "name": "db"}, index=[0, 0])
    assert found["label"] == "w.grad" and found["agrees"]


def test_steps_by_hand_are_batches(session):
    seen = []
    while not (stop := session.step("next", granularity="batch")).ended:
        seen.append((stop["kind"], stop["name"], stop["step"], _numbers(session, {"expression": "w"})))
    assert [place[:3] for place in seen] == [("batch", "step", 1), ("batch", "step", 2), ("batch", "step", 3)]
    assert len({tuple(weights) for *_, weights in seen}) == 3  # the weights have been changed where it stops
    assert stop["step"] == 4
    assert [node["op"] for node in session.request("graph")["nodes"] if node["op"]].count("Mm") == 1
    back = session.step("stepBack", granularity="batch")
    assert (back["name"], back["step"]) == ("step", 3)
