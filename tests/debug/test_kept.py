"""Answers about large arrays: kept while the script stands, and forgotten with every change."""

import numpy as np
import pytest

from engine.debug.session import Session
from engine.debug.views.kept import LARGE, MOST, Kept

SCRIPT = """
import engine as torch

w = torch.ones(600, 600).requires_grad_()
optimizer = torch.optim.SGD([w], lr=1.0)
for _ in range(3):
    optimizer.zero_grad()
    y = w * 2.0
    y.sum().backward()
    optimizer.step()
with torch.no_grad():
    w.fill_(9.0)
    z = w * 1.0
"""


def test_one_question_is_answered_once_for_one_memory():
    kept, made = Kept(), []
    array = np.zeros(LARGE // 4, np.float32)
    ask = lambda of, question="q": kept.of(of, question, lambda: made.append(question) or len(made))  # noqa: E731
    assert [ask(array), ask(array[:]), ask(array, "other"), ask(array)] == [1, 1, 2, 1]
    assert ask(array.reshape(2, -1)) == 3 and ask(array.view(np.int32)) == 4
    kept.clear()
    assert ask(array) == 5
    for number in range(MOST):
        ask(array, number)
    assert ask(array) == len(made) and len(kept._answers) == MOST


def test_small_arrays_are_asked_anew():
    kept, made, array = Kept(), [], np.zeros(10, np.float32)
    for _ in range(2):
        kept.of(array, "q", lambda: made.append(1))
    assert len(made) == 2


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    with_session = Session.launch(path)
    with_session.start(120)
    yield with_session
    with_session.close()


def seen(session, **reference):
    """Mean, range and histogram of a tensor: all by numbers that change together."""
    view = session.request("tensor", reference=reference, maxShape=[1, 1])
    counted = session.request("histogram", reference=reference, bins=2)
    mean, description = float(view["data"].numpy().ravel()[0]), view["description"]
    assert view["range"] == [description["min"], description["max"]] and description["mean"] == pytest.approx(mean, rel=1e-5)
    assert counted["edges"].numpy()[1] == pytest.approx((view["range"][0] + view["range"][1]) / 2)
    return mean


def step_to(session, kind, name):
    """Step over ops until an event of that kind and name."""
    for _ in range(200):
        stop = session.step("next", 120, granularity="op")
        if (stop["direction"], stop["op"]) == (kind, name):
            return stop
    raise LookupError(name)


def test_an_update_in_place_is_seen_and_the_past_keeps_what_it_had(session):
    forward = step_to(session, "forward", "Mul")
    assert seen(session, event=forward["seq"], name="y") == 2.0
    assert seen(session, event=forward["seq"], name="a") == 1.0
    update = step_to(session, "update", "SGD")
    assert seen(session, event=update["seq"], name="w_new") == -1.0
    assert seen(session, event=update["seq"], name="w") == 1.0
    assert seen(session, event=forward["seq"], name="a") == 1.0
    session.step("goto", 60, seq=forward["seq"])
    assert seen(session, event=forward["seq"], name="a") == 1.0
    again = step_to(session, "forward", "Mul")
    assert seen(session, event=again["seq"], name="a") == -1.0


def test_changes_at_a_stop_are_seen(session):
    forward = step_to(session, "forward", "Mul")
    reference = {"event": forward["seq"], "name": "y"}
    assert seen(session, **reference) == 2.0
    session.request("edit", edits=[{"kind": "tensor", "reference": reference, "value": 5.0}])
    assert seen(session, **reference) == 5.0
    session.request("evaluate", expression="y.detach().numpy()[:] = 7.0", context="repl")
    assert seen(session, **reference) == 7.0
    step_to(session, "forward", "Mul")
    assert seen(session, expression="w") == -1.0
    session.request("evaluate", expression="w.data.fill_(8.0)", context="watch")
    assert seen(session, expression="w") == 8.0


def test_a_fork_and_travelling_show_what_is_there(session):
    forward = step_to(session, "forward", "Mul")
    assert seen(session, event=forward["seq"], name="y") == 2.0
    reference = {"event": forward["seq"], "name": "y"}
    session.fork([{"kind": "tensor", "reference": reference, "value": 3.0}])
    assert seen(session, expression="y") == 3.0
    session.switch(1)
    assert seen(session, **reference) == 2.0
    update = step_to(session, "update", "SGD")
    assert seen(session, event=update["seq"], name="w_new") == -1.0
    session.travel(forward["position"], 120, live=True)
    assert seen(session, expression="y") == 2.0


def test_a_write_of_the_script_itself_is_seen(session):
    session.step("runTo", 120, step=3)
    assert seen(session, expression="w") == -5.0
    step_to(session, "forward", "Mul")
    assert seen(session, expression="w") == 9.0
