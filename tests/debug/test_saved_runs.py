"""Runs that are brought back in another session: on a made-up debuggee, and on a real script."""

import shutil
import threading
from pathlib import Path

import pytest

from engine.debug.session import Session, SessionError
from tests.debug.fake_client import FakeClient
from tests.debug.processes import PATIENCE

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def saved(made, tmp_path):
    """Two runs, as they were kept of a session that is closed: run 1 at tick 12, run 2 forked from it at 8, at tick 9."""
    with Session.launch("s.py", ["--fast"], parameters=["lr=0.1"], client_class=FakeClient) as session:
        session.start()
        session.step("runTo", position=[8, 0, 0])
        edit = {"kind": "tensor", "reference": {"expression": "w"}, "index": [0], "value": 5.0}
        session.fork([edit], "warmer")
        session.step("next", granularity="op")
        session.switch(1)
        session.step("runTo", position=[12, 0, 0])
        runs = [run.moved(tmp_path / str(run.number)) for run in session.saved_runs()]
        for run, kept in zip(session.runs, runs, strict=True):
            shutil.copytree(run.recording, kept.recording)
    made.clear()
    return runs


def reopened(**more):
    return Session.reopen("s.py", ["--fast"], client_class=FakeClient, **more)


def test_what_is_kept_of_runs(saved):
    first, second = saved
    assert (first.number, first.position, first.parameters, first.parent) == (1, (12, 0, 0), ("lr=0.1",), None)
    assert (second.name, second.position, second.parent, second.forked_at) == ("warmer", (9, 0, 0), 1, (8, 0, 0))
    assert second.edits[0]["value"] == 5.0


def test_runs_come_back_with_their_tree_the_current_one_first(saved, made):
    with reopened() as session:
        assert session.bring_back(saved, 2) == []
        assert [client.replay["at"] for client in made] == [[9, 0, 0], [12, 0, 0]]
        assert all(client.arguments == ["--fast"] and client.options["parameters"] == ["lr=0.1"] for client in made)
        first, second = session.runs
        assert (first.number, second.number, second.parent, second.name) == (1, 2, first, "warmer")
        assert session.current is second and second.stop.position == (9, 0, 0)
        assert made[0].edits == {8: 5.0}
        assert session.fork([], None).number == 3
    assert all(client.closed for client in made)


def test_settings_hold_in_what_comes_back(saved, made):
    with reopened() as session:
        session.preset("setBreakpoints", source={"path": "a.py"}, breakpoints=[{"line": 3}])
        session.preset("statistics", enabled=True)
        session.bring_back(saved, 1)
    for client in made:
        commands = [command for command, _ in client.asked]
        assert commands[:3] == ["setBreakpoints", "statistics", "configurationDone"]


def test_what_has_changed_since_is_computed_in_full(saved, made):
    with reopened() as session:
        session.bring_back(saved, 1, skip=False)
    assert [client.replay["skip"] for client in made] == [False, False]


def test_a_run_that_cannot_come_back_is_named_and_left_out(saved, made):
    shutil.rmtree(saved[1].recording)
    saved[1].recording.mkdir()
    (saved[1].recording / "tape").write_text("{}")

    class Dying(FakeClient):
        def do_configurationDone(self):
            if self.replay["at"] == [9, 0, 0]:
                self.lost = "killed by signal 9"
                return
            super().do_configurationDone()

    with Session.reopen("s.py", client_class=Dying) as session:
        failures = session.bring_back(saved, 1)
        assert [run.number for run in session.runs] == [1]
        assert "warmer cannot be replayed" in failures[0] and "signal 9" in failures[0]
    with Session.reopen("s.py", client_class=Dying) as session, pytest.raises(SessionError, match="signal 9"):
        session.bring_back(saved, 2)
    assert all(client.closed for client in made)


def test_closing_meanwhile_ends_what_is_on_its_way(saved, made):
    arrived = threading.Event()

    class Waiting(FakeClient):
        def do_configurationDone(self):
            arrived.set()

        def wait_for(self, names, timeout=None):
            while not self.lost:
                threading.Event().wait(0.01)
            return super().wait_for(names, timeout)

    session = Session.reopen("s.py", client_class=Waiting)
    errors = []

    def bring():
        try:
            session.bring_back(saved, 1)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=bring)
    thread.start()
    assert arrived.wait(PATIENCE)
    session.close()
    thread.join(PATIENCE)
    assert not thread.is_alive() and len(errors) == 1
    assert len(made) == 1 and made[0].closed


def test_a_real_run_and_its_fork_come_back_bit_by_bit(tmp_path):
    script = str(SAMPLES / "two_points.py")
    look = {"expression": "model[0].weight"}
    with Session.launch(script, parameters=["folder="], capture_output=True) as session:
        session.start()
        session.step("runTo", step=5)
        session.fork([{"kind": "tensor", "reference": look, "index": [3, 0], "value": 0.5}], "what if")
        session.step("runTo", step=8)
        kept = [run.moved(tmp_path / str(run.number)) for run in session.saved_runs()]
        facts = []
        for run, saved in zip(session.runs, kept, strict=True):
            shutil.copytree(run.recording, saved.recording)
            session.switch(run)
            weight = session.request("evaluate", expression=look["expression"] + ".tolist()")["result"]
            facts.append((run.stop.position, session.request("digest"), weight))
    seen = []
    again = Session.reopen(script, capture_output=True)
    with again as session:
        on_progress = lambda run, body: seen.append((run.number, body["step"]))  # noqa: E731
        assert session.bring_back(kept, 2, on_progress=on_progress) == []
        for run, (position, digest, weight) in zip(session.runs, facts, strict=True):
            session.switch(run)
            assert run.stop.position == position and run.divergence is None
            assert session.request("digest") == digest
            assert session.request("evaluate", expression=look["expression"] + ".tolist()")["result"] == weight
        assert facts[0][2] != facts[1][2]


def test_what_a_watchpoint_said_is_said_again_where_a_replay_comes_to_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import engine as torch\nfor i in range(6):\n    x = torch.tensor([1.0, -1.0]) * (i - 2)\n    torch.log(x[:1] + 2)\n"
    )
    watch = [{"kind": "nan-inf"}]
    told = ("reason", "description", "tensor", "index", "position", "hitBreakpointIds")
    with Session.launch(str(script), capture_output=True) as session:
        session.configure("setWatchpoints", breakpoints=watch)
        session.start()
        stop = session.step("continue")
        assert (stop.reason, stop["op"], stop.get("again")) == ("data breakpoint", "Log", None)
        (run,) = [run.moved(tmp_path / "kept") for run in session.saved_runs()]
        shutil.copytree(session.current.recording, run.recording)
        session.configure("setWatchpoints", breakpoints=[])
        session.step("continue")  # freely: what was before is no longer at hand
        session.configure("setWatchpoints", breakpoints=watch)
        back = session.step("reverseContinue")
        assert {name: back[name] for name in told} == {name: stop[name] for name in told} and back["again"]
        assert session.request("stackTrace")["stackFrames"]
    with Session.reopen(str(script), capture_output=True) as session:
        session.preset("setWatchpoints", breakpoints=watch)
        session.bring_back([run], 1)
        back = session.current.stop
        assert {name: back[name] for name in told} == {name: stop[name] for name in told} and back["again"]


def test_a_script_that_has_changed_is_found_out(tmp_path):
    script = tmp_path / "script.py"
    text = (SAMPLES / "two_points.py").read_text()
    script.write_text(text)
    with Session.launch(str(script), parameters=["folder="], capture_output=True) as session:
        session.start()
        session.step("runTo", step=6)
        (run,) = [run.moved(tmp_path / "kept") for run in session.saved_runs()]
        shutil.copytree(session.current.recording, run.recording)
        position = session.current.stop.position
    script.write_text(text.replace("lr=learning_rate", "lr=2 * learning_rate"))
    assert script.read_text() != text
    with Session.reopen(str(script), capture_output=True) as session:
        session.bring_back([run], 1, skip=False)
        assert session.current.divergence is not None
        assert session.current.stop.position >= position
