"""Sessions against a debuggee that is made up: time travel, forks, comparing, processes that are gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.debug.compare import _PATIENCE, _difference, common_past
from engine.debug.run import Run
from engine.debug.session import RequestError, Session, SessionError
from tests.debug.fake_client import LENGTH, MEMORY, FakeClient


@pytest.fixture
def session(made):
    with Session.launch("script.py", ["--fast"], parameters=["lr=0.1"], client_class=FakeClient) as session:
        session.start()
        yield session


def change(value: float) -> dict:
    return {"kind": "tensor", "reference": {"expression": "w"}, "index": [0], "value": value}


def forward(session: Session, ticks: int):
    return session.step("runTo", position=[session.current.stop.position[0] + ticks, 0, 0])


def test_a_run_gets_another_name(session):
    session.start()
    first = session.current
    fork = session.fork([], "what if")
    assert session.fork([], "what if").name == "what if (2)", "the same may be tried twice, and told apart"
    session.rename(fork, " colder ")
    assert fork.name == "colder" and session.find("colder") is fork and session.find(2) is fork
    for name, why in (("", "without a name"), ("run 1", "there is a run 'run 1'"), ("3", "by a number")):
        with pytest.raises(SessionError, match=why):
            session.rename(2, name)
    session.rename(1, "run 1")
    assert (first.name, fork.name) == ("run 1", "colder")


def test_launch_hands_the_arguments_on(session, made):
    assert made[0].program == "script.py"
    assert made[0].arguments == ["--fast"]
    assert made[0].options["parameters"] == ["lr=0.1"]
    assert made[0].options["replay"] is None


def test_steps_wait_for_their_stop(session):
    stop = session.step("next", granularity="op")
    assert (stop.reason, stop.position, stop.live) == ("step", (1, 0, 0), True)
    assert session.current.state == "stopped"
    assert session.step("continue").ended
    assert session.current.state == "ended"


def test_what_the_process_remembers_needs_no_other(session, made):
    forward(session, MEMORY)
    stop = session.step("stepBack", granularity="op")
    assert (stop.position, stop.live) == ((MEMORY - 1, 0, 0), False)
    assert len(made) == 1


def test_beyond_the_history_a_replay_takes_the_process_s_place(session, made):
    forward(session, 20)
    session.travel([20 - MEMORY, 0, 0])
    stop = session.step("stepBack", granularity="op")
    old, new = made
    assert stop.position == (20 - MEMORY - 1, 0, 0)
    assert new.replay == {"recordedScript": True, "recording": str(old.folder), "before": [20 - MEMORY, 0, 0], "level": "op"}
    assert old.closed and not new.closed
    assert session.current.client is new
    assert [run.name for run in session.runs] == ["run 1"]
    assert not old.folder.exists() and new.folder.exists()


def test_travel_goes_both_ways(session, made):
    forward(session, 20)
    assert session.travel([3, 0, 0]).position == (3, 0, 0)
    assert made[-1].replay["at"] == [3, 0, 0]
    assert session.travel([9, 0, 0]).position == (9, 0, 0)
    assert len(made) == 2


def test_breakpoints_are_set_again_in_every_process(session, made):
    session.configure("setBreakpoints", source={"path": "a.py"}, breakpoints=[{"line": 3}])
    session.configure("setBreakpoints", source={"path": "b.py"}, breakpoints=[{"line": 4}])
    session.configure("setBreakpoints", source={"path": "a.py"}, breakpoints=[{"line": 5}])
    forward(session, 20)
    session.travel([3, 0, 0])
    commands = [arguments for command, arguments in made[-1].asked if command == "setBreakpoints"]
    assert commands == [
        {"source": {"path": "a.py"}, "breakpoints": [{"line": 5}]},
        {"source": {"path": "b.py"}, "breakpoints": [{"line": 4}]},
    ]
    assert [command for command, _ in made[-1].asked].index("configurationDone") == 2


def test_a_replay_that_may_not_skip_is_repeated(session, made, monkeypatch):
    forward(session, 20)
    monkeypatch.setattr(FakeClient, "refuse_skipping", True)
    assert session.travel([3, 0, 0]).position == (3, 0, 0)
    assert [client.replay.get("skip") for client in made[1:]] == [None, False]
    assert made[1].closed


def test_a_replay_s_output_is_not_shown_again(made):
    heard, runs = [], []

    def hear(run, message):
        heard.append(message["body"])
        runs.append(run)

    session = Session.launch("s.py", client_class=FakeClient, on_event=hear)
    with session:
        session.start()
        forward(session, 20)
        assert len(heard) == 20
        session.travel([3, 0, 0])
        assert len(heard) == 20
        forward(session, 2)
        assert [body["output"] for body in heard[20:]] == ["3\n", "4\n"]
        assert all(run is session.current for run in runs)  # also of the process that took the first one's place


def test_a_run_whose_process_wrote_nothing_says_so(session, made):
    forward(session, 2)
    made[0].lost = "killed"
    for path in session.current.recording.iterdir():
        path.unlink()
    with pytest.raises(SessionError, match="run 1 cannot be replayed to there: its process was gone before anything"):
        session.travel([1, 0, 0])


def test_fork_is_a_second_run_beside_the_first(session, made):
    forward(session, 8)
    run = session.fork([change(5.0)], "warmer")
    parent = session.runs[0]
    assert (run.name, run.number, run.parent, run.forked_at) == ("warmer", 2, parent, (8, 0, 0))
    assert session.current is run and not made[0].closed
    assert run.stop.position == (8, 0, 0)
    assert made[1].replay["edits"] == [change(5.0)]
    assert parent.recording.exists() and run.recording != parent.recording
    session.switch(1)
    assert session.current is parent


def test_a_fork_begins_at_the_end_of_a_step_of_the_past(session, made, monkeypatch):
    forward(session, 8)
    client = session.current.client
    request = client.request
    ends = {3: [5, 0, 0], 99: None}
    monkeypatch.setattr(
        client, "request", lambda command, *a, **given: {"position": ends[given["step"]]} if command == "locate"
        else request(command, *a, **given),
    )
    run = session.fork([change(5.0)], step=3)
    assert run.forked_at == (5, 0, 0) and made[1].replay["at"] == [5, 0, 0]
    session.switch(1)
    with pytest.raises(SessionError, match="has not come to the end of step 99"):
        session.fork([change(5.0)], step=99)
    assert len(session.runs) == 2


def test_a_fork_that_fails_leaves_nothing(session, made):
    forward(session, 8)
    with pytest.raises(SessionError, match="cannot be forked"):
        session.fork([{"kind": "exec", "code": "bad"}])
    assert len(session.runs) == 1
    assert made[-1].closed and not made[-1].folder.exists()
    assert session.step("next").position == (9, 0, 0)


def test_restart_begins_anew_in_place(session, made):
    forward(session, 8)
    stop = session.restart()
    assert (stop.reason, stop.position) == ("entry", (0, 0, 0))
    assert made[0].closed and len(session.runs) == 1
    assert made[1].options["parameters"] == ["lr=0.1"]
    assert made[1].replay is None


def test_restart_with_parameters_is_another_run(session, made):
    session.restart(["lr=0.2", "epochs=3"])
    assert [run.name for run in session.runs] == ["run 1", "run 2"]
    assert session.current.parameters == ("lr=0.2", "epochs=3")
    assert not made[0].closed


def test_compare_finds_step_op_and_element(session):
    forward(session, 5)
    session.fork([change(0.5)])
    forward(session, 10)
    session.switch(1)
    forward(session, 10)
    session.travel([12, 0, 0])
    found = session.compare(1, 2)
    assert found["curves"]["run 1"]["steps"] == [1.0, 2.0, 3.0]
    assert (found["step"], found["losses"]) == (2.0, [8.0, 8.5])
    assert found["event"]["position"] == [5, 0, 0]
    assert (found["tensor"], found["index"], found["values"]) == ("y", [1, 1], [5.0, 5.5])


def test_compare_names_both_ops_where_they_are_not_the_same():
    log = {"position": [7, 0, 0], "kind": "forward", "name": "Log", "module": None, "checksums": {}}
    log["description"] = "forward Log"
    clamp = {**log, "name": "Clamp", "description": "forward Clamp"}
    found = _difference([(None, [log]), (None, [clamp])])
    assert found["event"] is log and found["instead"] is clamp
    assert found["note"] == "from here on they do different things: forward Log, and forward Clamp"


def test_compare_replays_what_nobody_remembers(session, made):
    forward(session, 5)
    session.fork([change(0.5)])
    forward(session, 30)
    session.switch(1)
    forward(session, 30)
    before = len(made)
    found = session.compare(1, 2)
    assert found["event"]["position"] == [5, 0, 0]
    examiners = made[before:]
    assert [client.replay["at"] for client in examiners] == [[5, 0, 0]] * 2
    assert all(client.closed and not client.folder.exists() for client in examiners)


@pytest.mark.parametrize("progress", [0, 3])
def test_compare_gives_up_a_replay_that_stands_still(session, made, monkeypatch, progress):
    forward(session, 5)
    session.fork([change(0.5)])
    forward(session, 30)
    session.switch(1)
    forward(session, 30)
    waits = []

    def hang(client, step):
        def wait_for(names, timeout):
            waits.append(timeout)
            if len(waits) <= progress:
                client.tell("progress", step=len(waits))
            raise TimeoutError

        client.wait_for = wait_for

    monkeypatch.setattr(FakeClient, "do_runTo", hang)
    before = len(made)
    found = session.compare(1, 2)
    assert found["event"] is None and found["step"] == 2.0
    assert "run 1" in found["note"] and f"{_PATIENCE:g} seconds" in found["note"]
    # As long as there is progress it is waited for.
    assert waits == [_PATIENCE] * (progress + 1)
    assert all(client.closed and not client.folder.exists() for client in made[before:])


def test_equal_runs_do_not_differ(session):
    forward(session, 5)
    session.fork([])
    found = session.compare(1, 2)
    assert found["step"] is None and found["event"] is None


def test_common_past_of_forks():
    def run(number, parent=None, at=None):
        return Run(number, f"run {number}", None, None, parent=parent, forked_at=at)

    first = run(1)
    second = run(2, first, (8, 0, 0))
    third = run(3, second, (12, 0, 0))
    fourth = run(4, first, (5, 0, 0))
    assert common_past(first, second) == (8, 0, 0)
    assert common_past(third, first) == (8, 0, 0)
    assert common_past(second, third) == (12, 0, 0)
    assert common_past(third, fourth) == (5, 0, 0)
    assert common_past(first, run(5)) is None


def test_a_crash_is_a_stop_and_the_past_stays(session, made, monkeypatch):
    forward(session, 8)
    session.current.client.do_flushRecording()
    monkeypatch.setattr(FakeClient, "crash_at", 10)
    stop = session.step("continue")
    assert (stop.reason, stop["exitCode"]) == ("lost", -6)
    assert "signal 6" in stop["description"]
    assert session.step("next").reason == "lost"
    assert session.step("stepBack", granularity="op").position == (8, 0, 0)
    assert session.current.state == "stopped"
    assert session.restart().position == (0, 0, 0)


def test_errors_of_other_kinds_are_raised(session):
    def refuse(**_):
        raise RequestError("no", {"error": {"id": "badArguments"}})

    session.current.client.do_next = refuse
    with pytest.raises(RequestError, match="no"):
        session.step("next")


def test_drop_and_find(session):
    session.fork([], "other")
    with pytest.raises(SessionError, match="current run"):
        session.drop("other")
    with pytest.raises(SessionError, match="there is no run 'x'"):
        session.switch("x")
    session.switch("1")
    session.drop("other")
    assert [run.name for run in session.runs] == ["run 1"]


def test_close_ends_everything(made):
    session = Session.launch("s.py", client_class=FakeClient)
    session.start()
    session.fork([])
    folder = made[0].folder.parent
    session.close()
    assert all(client.closed for client in made)
    assert not folder.exists()


def test_a_launch_that_fails_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    class Refusing(FakeClient):
        @classmethod
        def launch(cls, *arguments, **options):
            raise RequestError("no such script", {})

    with pytest.raises(RequestError):
        Session.launch("s.py", client_class=Refusing)
    assert not list(tmp_path.iterdir())


def test_the_end_is_reached(session):
    assert forward(session, LENGTH + 5).reason == "end"


def test_sessions_load_no_numpy():
    code = "import sys, engine.debug.session, engine.debug.compare; print('numpy' in sys.modules, 'numba' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_tape_is_written_before_the_script_runs_far(session, made):
    session.step("next", granularity="op")
    assert "flushRecording" not in [command for command, _ in made[0].asked]
    session.step("continue")
    assert [command for command, _ in made[0].asked][-2:] == ["flushRecording", "continue"]


def test_going_on_at_the_end_stays_there(session, made):
    end = session.step("continue")
    asked = len(made[0].asked)
    assert session.step("continue") is end
    assert len(made[0].asked) == asked
