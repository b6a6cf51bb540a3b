"""An engine process that hangs, or goes, while a run is recorded; and an offer to end one that comes too late."""

from pathlib import Path

import pytest
from PyQt6.QtCore import QSize

from gui.faults import Silence
from gui.message_bar import MessageBar
from gui.recording_run.dialog import RecordDialog
from gui.recording_run.recording import Picture


@pytest.fixture
def dialog(context, qtbot, tmp_path):
    """The dialog, recording ops of a run whose engine has just begun to move and says nothing more."""
    context.state.update(stop={"position": [1, 0, 0], "step": 0, "reason": "step"})
    one = RecordDialog(context, {"All": lambda: Picture(QSize(40, 30), lambda painter: None)}, lambda kind: "")
    qtbot.addWidget(one)
    one.open()
    one.width_.setValue(160)
    one.record(str(tmp_path / "a.gif"))
    context.link.moving = True
    yield one
    one.close()


def test_a_recording_of_an_engine_that_hangs_can_be_left(dialog, context, tmp_path):
    context.link.silent.emit("engine")
    assert dialog.isVisible() and "does not answer" in dialog.note.text()
    dialog.reject()
    assert not dialog.isVisible() and dialog.recording is None and list(Path(tmp_path).iterdir()) == []


def test_a_second_cancel_does_not_wait_for_the_way_back(dialog, context):
    context.link.silent.emit("engine")
    context.link.answering.emit()
    dialog.reject()
    assert dialog.isVisible() and "Cancel once more" in dialog.note.text()
    dialog.reject()
    assert not dialog.isVisible()


def test_a_lost_engine_is_told_in_a_sentence(dialog, context, until):
    notes = []
    dialog.recording.writing.connect(notes.append)
    context.link.moving = False
    context.link.lost.emit("its process was killed by signal 9")
    until(lambda: notes)
    assert notes == ["There the engine process was lost: its process was killed by signal 9."]


def test_an_engine_is_replayed_only_when_it_was_ended_for_that(context, qtbot):
    bar = MessageBar(context)
    qtbot.addWidget(bar)
    silence = Silence(context, bar)
    context.state.update(runs=[{"name": "run 1", "current": True, "position": [1, 0, 0], "replayable": True}])
    context.link.end_engine = lambda: None
    for moved in (True, False):
        silence._end()
        if moved:
            context.link.stopped.emit({"reason": "step", "position": [2, 0, 0]})  # a fork, say, has come through
        before = len(context.link.moves)
        context.link.lost.emit("gone")
        assert (len(context.link.moves) > before) is not moved
