"""Sessions saved and reopened in true windows, with true engine processes."""

import errno
import json
import os
import signal
import threading
import zipfile
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QAbstractButton
from pytestqt.exceptions import TimeoutError as QtBotTimeoutError

from gui import watchdog
from gui.breakpoints import breakpoints_of
from gui.context import Context
from gui.link import Link
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import PATIENCE

WEIGHT = "model[0].weight"
LOOP = 21  # the line of zero_grad()
CHANGE = {"kind": "tensor", "reference": {"expression": WEIGHT}, "index": [1, 0], "value": 0.5}

SCRIPT = """\
# %% tags=["parameters"]
seed = 0
rate = 0.1

# %%
import pathlib
import time

import engine as torch
from engine import nn

while pathlib.Path(__file__).with_name("slow").exists():
    time.sleep(0.01)
torch.manual_seed(seed)
model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])

for step in range(200):
    optimizer.zero_grad()
    loss = nn.functional.binary_cross_entropy_with_logits(model(x), y)
    loss.backward()
    optimizer.step()
print("done", loss.item())
"""


class Desk:
    """A window on a true link, and what one does with it."""

    def __init__(self, qtbot, settings):
        self.qtbot = qtbot
        self.window = Window(Context(State(), Link(), Theme(), Settings(settings)))
        self.context, self.state, self.messages = self.window.context, self.window.context.state, self.window.messages
        qtbot.addWidget(self.window)
        self.window.show()

    def until(self, condition):
        try:
            self.qtbot.waitUntil(lambda: bool(condition()))
        except QtBotTimeoutError:
            said, status = self.messages.text.text(), self.window.status.state.text()
            pytest.fail(f"still waiting; message: {said!r}, status: {status!r}")

    def open(self, path, **more):
        self.window.open(str(path), **more)
        self.until(lambda: self.standing)

    @property
    def standing(self):
        """Whether the script of the window stands still."""
        link = self.context.link
        return self.state.stop is not None and link.active and not link.moving and not self.state.restoring

    def move(self, command, **arguments):
        before = self.state.stop
        self.context.link.move(command, **arguments)
        self.until(lambda: self.state.stop is not before and self.standing)

    def fork(self, edits, name):
        count = len(self.state.runs)
        self.context.link.fork(edits, name)
        self.until(lambda: len(self.state.runs) == count + 1 and self.standing)

    def ask(self, command, run=None, **arguments):
        found = []
        self.context.link.ask(("test", command), command, arguments, found.append, found.append, run)
        self.until(lambda: found)
        assert isinstance(found[0], dict), found
        return found[0]

    def weight(self, run):
        """The bytes of a parameter in a run."""
        return self.ask("tensor", run, reference={"expression": WEIGHT})["data"].numpy().tobytes()

    def save(self, path):
        self.window.saving.write(str(path))
        self.until(lambda: self.messages.isVisible())
        return self.messages.text.text()

    def click(self, text):
        self.buttons()[text].click()

    def buttons(self):
        return {b.text(): b for b in self.messages.findChildren(QAbstractButton) if b.text() and not b.isHidden()}

    def says(self, *parts):
        self.until(lambda: self.messages.isVisible() and all(part in self.messages.text.text() for part in parts))

    def facts(self):
        """Everything that has to be the same again."""
        of_run = ("name", "number", "current", "parent", "forkedAt", "parameters", "edits", "position")
        of_stop = ("position", "file", "line", "epoch", "step", "op", "direction")
        runs = [{name: run[name] for name in of_run} for run in self.state.runs]
        return {
            "runs": runs,
            "weights": [self.weight(run["number"]) for run in runs],
            "digests": [self.ask("digest", run["number"]) for run in runs],
            "curves": [self.ask("curves", run["number"])["losses"].tolist() for run in runs],
            "breakpoints": {path: [e["line"] for e in entries] for path, entries in self.state.breakpoints.items()},
            "watchpoints": [entry["kind"] for entry in self.state.watchpoints],
            "watches": list(self.state.watches),
            "level": self.state.level,
            "place": [self.state.stop.get(name) for name in of_stop],
        }


@pytest.fixture
def desk(qapp, qtbot, tmp_path, monkeypatch):
    """``desk()``: a window; all share the settings of one user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gui.linking.moving.LAST", PATIENCE / 1000)  # a slow machine shall save its place too
    desks = []

    def make(user="home"):
        desks.append(Desk(qtbot, tmp_path / user / "settings.json"))
        return desks[-1]

    yield make
    for one in desks:
        one.window.close()


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "work" / "train.py"
    path.parent.mkdir()
    path.write_text(SCRIPT)
    return path


def worked(desk, script):
    """A session with a breakpoint, a watch, an edit that forked it, and two runs at different places."""
    desk.open(script, parameters=("seed=3",))
    breakpoints_of(desk.context).set_lines(str(script), [{"line": LOOP, "condition": "loss < 0"}])
    breakpoints_of(desk.context).set_entries("watch", [{"kind": "nan-inf"}])
    desk.state.update(watches=["loss.item()"], level="line")
    desk.move("runTo", step=3)
    desk.fork([CHANGE], "draft")
    desk.context.link.rename(2, "what if")
    desk.move("runTo", step=5)
    desk.move("next", granularity="op")
    desk.move("next", granularity="op")


def test_everything_is_as_it_was_bit_by_bit(desk, script, tmp_path):
    path = tmp_path / "xor.nablascope"
    first = desk()
    worked(first, script)
    before = first.facts()
    assert before["weights"][0] != before["weights"][1]
    assert [run["name"] for run in before["runs"]] == ["run 1", "what if"]
    assert str(path) in first.save(path)
    first.window.close()
    second = desk()
    second.window.open(str(path))
    second.until(lambda: second.standing)
    assert second.facts() == before
    assert not second.messages.isVisible() or second.messages.severity == "info"
    second.context.link.switch("run 1")
    second.until(lambda: second.state.runs[0]["current"] and second.standing)
    second.move("runTo", step=8)
    assert second.state.stop["step"] == 8
    second.context.link.switch("what if")
    second.until(lambda: second.state.runs[1]["current"] and second.standing)
    second.move("stepBack", granularity="op")


@pytest.fixture
def saved(desk, script, tmp_path, no_spare):
    """(file, what was the case when it was saved)."""
    path = tmp_path / "kept" / "a session.nablascope"
    path.parent.mkdir()
    first = desk()
    worked(first, script)
    facts = first.facts()
    first.save(path)
    first.window.close()
    return path, facts


def test_the_history_is_there_at_once_and_the_replay_can_be_cancelled(desk, saved, script):
    path, facts = saved
    slow = script.with_name("slow")
    slow.touch()
    one = desk()
    one.window.open(str(path))
    one.until(lambda: one.state.restoring and one.buttons().get("Cancel"))
    assert not one.context.link.active
    assert [one.state.curves[run["number"]]["losses"].tolist() for run in one.state.runs] == facts["curves"]
    assert one.state.stop["position"] == facts["place"][0] and one.state.graph["nodes"]
    assert "Replaying what if to step 5" in one.messages.text.text() and "%" in one.messages.text.text()
    timeline = one.window.workspace.panels["timeline"]
    one.until(lambda: timeline.events.next > 10)
    assert not one.context.action("over").isEnabled() and not one.context.action("restart").isEnabled()
    one.click("Cancel")
    assert one.state.restoring and one.state.curves and not one.context.link.moving
    one.context.link.move("next", granularity="op")
    assert "file" in one.messages.text.text()
    slow.unlink()
    one.window.reopening.replay(one.state.program)
    one.until(lambda: one.standing)
    assert one.facts() == facts


def test_a_replay_of_which_nothing_is_heard_is_told(desk, saved, script, monkeypatch):
    monkeypatch.setattr(watchdog, "START", 0.5)
    slow = script.with_name("slow")
    slow.touch()
    one = desk()
    one.window.open(str(saved[0]))
    one.says("Nothing was heard of it for 0.5 seconds")
    assert set(one.buttons()) == {"Cancel"}
    slow.unlink()
    one.until(lambda: one.standing)
    assert "Nothing was heard" not in one.messages.text.text() or not one.messages.isVisible()


def test_a_script_that_has_changed_can_be_left_as_it_was(desk, saved, script):
    path, facts = saved
    script.write_text(SCRIPT.replace("momentum=0.9", "momentum=0.5"))
    one = desk()
    one.window.open(str(path))
    one.says("the script has changed since: 1 line")
    assert not one.context.link.active and not one.context.link.moving and one.state.curves
    one.click("Use the saved text")
    one.until(lambda: one.standing)
    found = one.facts()
    (copy,) = found["breakpoints"]
    assert copy != str(script) and copy.endswith("train.py") and Path(copy).read_text() == SCRIPT
    assert (found["weights"], found["digests"]) == (facts["weights"], facts["digests"])
    assert script.read_text() != SCRIPT


def test_with_the_file_on_disk_it_says_what_differs(desk, saved, script):
    path, facts = saved
    script.write_text(SCRIPT.replace("momentum=0.9", "momentum=0.5"))
    one = desk()
    one.window.open(str(path))
    one.says("With which of the two")
    one.click("Use the file on disk")
    one.until(lambda: one.standing)
    one.says("came out otherwise", "In what if", "the loss", "train.py, line 23", "the script has changed since: 1 line")
    assert one.state.program == str(script)
    one.until(lambda: one.facts()["digests"] != facts["digests"])


def test_a_script_that_is_gone_runs_from_the_saved_text_once_one_agrees(desk, saved, script):
    path, facts = saved
    script.unlink()
    one = desk()
    one.window.open(str(path))
    one.says("is not there any more")
    assert not one.context.link.active and not one.context.link.moving
    one.click("Replay it")
    one.until(lambda: one.standing)
    assert one.facts()["weights"] == facts["weights"]
    one.context.link.restart()
    one.until(lambda: one.standing and one.state.stop["reason"] == "entry")


def test_nothing_of_somebody_elses_file_runs_unasked(desk, script, tmp_path):
    script.write_text(SCRIPT + f"\nopen({str(tmp_path / 'ran')!r}, 'a').write('x')\n")
    path, first = tmp_path / "theirs.nablascope", desk("them")
    first.open(script)
    first.move("continue")
    assert first.state.stop["reason"] == "end" and (tmp_path / "ran").read_text() == "x"
    first.save(path)
    first.window.close()
    (tmp_path / "ran").unlink()
    one = desk("me")
    one.window.open(str(path))
    one.says("saved on another machine", "train.py, 27 lines")
    one.click("Only look")
    assert not one.context.link.active and not one.context.link.moving and len(one.state.curves[1]["losses"]) == 200
    assert not (tmp_path / "ran").exists()
    one.click("Replay it")
    one.until(lambda: one.standing)
    assert one.state.stop["reason"] == "end" and one.state.runs[0]["state"] == "ended"


def test_a_file_without_its_tape_is_named_and_a_key_offers_the_replay(desk, script, tmp_path):
    path, one = tmp_path / "s.nablascope", desk()
    one.open(script)
    one.move("runTo", step=3)
    one.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    del members["runs/1/codes"]
    manifest = json.loads(members["manifest.json"])
    del manifest["members"]["runs/1/codes"]
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    one.window.open(str(path))
    one.says("was changed since")
    question = one.messages.whole
    one.messages.dismiss()
    one.context.link.move("next", granularity="op")
    assert one.messages.whole == question and set(one.buttons()) == {"Replay it", "Only look"}
    one.click("Replay it")
    one.says("run 1 cannot be replayed to where it stood: ")
    assert f"{path}: codes is missing in the recording" in one.messages.whole and "tapes-" not in one.messages.whole
    for _ in range(2):
        one.context.link.move("next", granularity="op")
        assert any("once its runs are replayed" in text for text in one.messages.waiting)  # the error stays
        one.until(lambda: {"Replay it", "Begin at the first line"} <= set(one.buttons()))
    one.click("Replay it")
    assert "is shown as it was saved" in one.messages.whole and one.messages.waiting == []
    one.says("run 1 cannot be replayed to where it stood: ")


def test_saving_while_it_runs_pauses_it_and_a_dead_process_can_be_saved(desk, script, tmp_path):
    script.write_text(SCRIPT.replace("range(200)", "range(10**7)"))
    path, one = tmp_path / "s.nablascope", desk()
    one.open(script)
    one.context.link.move("continue")
    one.until(lambda: one.state.running and one.state.progress.get("step", 0) > 50)
    one.window.saving.write(str(path))
    one.says("Saved", "paused")
    one.until(lambda: not one.state.running and one.standing)
    step = one.state.stop["step"]
    os.kill(one.context.link._session.current.client.pid, signal.SIGKILL)
    one.says("gone")
    one.window.saving.write(str(path))
    one.until(lambda: any("Saved" in text for text in one.messages.waiting))  # the error stays
    one.window.close()
    two = desk()
    two.window.open(str(path))
    two.until(lambda: two.standing)
    assert two.state.stop["step"] == step >= 50
    assert not two.messages.isVisible()


@pytest.mark.parametrize("problem", [None, RuntimeError("nobody has foreseen this")])
def test_the_status_line_says_that_a_session_is_being_saved_while_it_is(desk, script, tmp_path, monkeypatch, problem):
    go_on, one = threading.Event(), desk()
    one.open(script)
    one.move("runTo", step=2)

    def slow(*_arguments):
        go_on.wait()
        if problem is not None:
            raise problem

    line = one.window.status
    before = line.state.text()
    monkeypatch.setattr("gui.saved_sessions.saving.write", slow)
    try:
        path = tmp_path / "s.nablascope"
        path.touch()
        one.window.saving.write(str(path))
        one.until(lambda: line.state.text().startswith("saving s.nablascope …") and line._busy.isVisible())
    finally:
        go_on.set()
    one.until(lambda: line.state.text() == before and not line._busy.isVisible())
    one.says("Saved" if problem is None else "nobody has foreseen this")


def test_a_full_disk_keeps_the_old_file(desk, saved, script, monkeypatch):
    path, _ = saved
    old, one = path.read_bytes(), desk()
    one.open(script)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "is full" in one.save(path) and one.messages.severity == "error"
    assert path.read_bytes() == old and os.listdir(path.parent) == [path.name]
    one.messages.dismiss()
    assert "does not exist" in one.save(path.parent / "missing" / "s.nablascope")
    monkeypatch.undo()
    one.messages.dismiss()
    assert "Saved" in one.save(path) and path.read_bytes() != old


def test_a_file_that_cannot_be_opened_leaves_the_window_as_it_is(desk, script, tmp_path):
    path, one = tmp_path / "broken.nablascope", desk()
    one.open(script)
    stop = one.state.stop
    path.write_bytes(b"PK\x03\x04 and so on")
    one.window.open(str(path))
    one.says("broken.nablascope cannot be opened")
    assert one.messages.severity == "error" and one.state.stop is stop and one.context.link.active
    one.move("next", granularity="op")


def test_closing_the_window_remembers_the_place(desk, script):
    first = desk()
    first.open(script)
    first.move("runTo", step=4)
    facts = first.facts()
    first.window.close()
    second = desk()
    links = [b for b in second.window.start_page.findChildren(QAbstractButton) if b.text().startswith("Reopen")]
    assert [link.text() for link in links] == ["Reopen at step 4"]
    links[0].click()
    second.until(lambda: second.standing)
    assert second.facts() == facts
    assert second.window.saving.path is None


def test_watches_and_breakpoints_belong_to_their_script(desk, script, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(SCRIPT)
    first = desk()
    first.open(script)
    breakpoints_of(first.context).set_lines(str(script), [{"line": LOOP}])
    first.state.update(watches=["loss"])
    first.open(other)
    assert first.state.watches == []
    first.state.update(watches=["rate"])
    first.window.close()
    second = desk()
    second.open(script)
    assert second.state.watches == ["loss"] and second.state.breakpoints[str(script)][0]["line"] == LOOP
    second.open(other)
    assert second.state.watches == ["rate"]
