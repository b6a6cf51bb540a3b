"""What Explain says of a number that an edit has set: neither that the kernel computed it, nor that it is there no more."""

import pytest

from engine.debug.session import Session

SCRIPT = """import engine as torch
from engine import nn
torch.manual_seed(0)
x, y = torch.randn(6, 4), torch.randn(6, 1)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    with Session.launch(str(path), capture_output=True) as session:
        session.start()
        yield session


def explained(session, name, index):
    found = session.request("explain", reference=name if isinstance(name, dict) else {"expression": name}, index=index)
    return found["edited"], found["agrees"], found["actual"], found["now"]


def walk(session, kind):
    session.step("next", granularity="op")
    while session.current.stop.get("kind") != kind:
        session.step("next", granularity="op")


@pytest.mark.parametrize("kind,name,index", [("update", "weight", [0, -1]), ("forward", "y", [3, 0])])
def test_an_edit_at_the_op_that_computed_it(session, kind, name, index):
    walk(session, kind)
    session.fork([{"kind": "tensor", "reference": {"expression": name}, "index": index, "value": 5.0}])
    at = {"event": session.current.stop["seq"], "name": "w_new" if kind == "update" else "y"}
    place = [i % 4 for i in index]
    assert explained(session, at, place) == (True, False, 5.0, None)
    edited, agrees, _, now = explained(session, at, [0, 0])
    assert (edited, agrees, now) == (False, True, None), "its neighbour is as it was computed"


def test_a_whole_array_that_was_set(session):
    walk(session, "update")
    session.fork([{"kind": "tensor", "reference": {"expression": "weight"}, "value": 2.0}])
    at = {"event": session.current.stop["seq"], "name": "w_new"}
    assert all(explained(session, at, [0, i]) == (True, False, 2.0, None) for i in range(4))


def test_an_edit_of_what_the_op_had_read(session):
    """The definition is given the new number, as the run goes on with it; the kernel was not."""
    walk(session, "forward")
    read = {"event": session.current.stop["seq"], "name": "b"}
    session.fork([{"kind": "tensor", "reference": read, "index": [0], "value": 5.0}])
    at = {"event": session.current.stop["seq"], "name": "y"}
    found = session.request("explain", reference=at, index=[0, 0])
    assert (found["edited"], found["editedInputs"], found["agrees"]) == (False, ["b"], False)
    session.step("next", granularity="op")
    later = {"event": session.current.stop["seq"], "name": "y"}
    assert session.request("explain", reference=later, index=[0, 0])["editedInputs"] == []


def test_an_edit_later_than_the_update_says_what_is_there_now(session):
    walk(session, "update")
    session.step("runTo", step=1)
    session.fork([{"kind": "tensor", "reference": {"expression": "weight"}, "index": [0, 2], "value": 5.0}])
    edited, agrees, actual, now = explained(session, "weight", [0, 2])
    assert (edited, agrees, now) == (False, True, 5.0) and actual != 5.0
    assert explained(session, "weight", [0, 1])[3] is None
