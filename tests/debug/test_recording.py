"""A recording's folder: what is written of a tape is what is read of it, whenever one looks."""

import json
import threading
import time

import pytest

from engine.debug.replay.recording import Recording, RecordingError
from engine.debug.replay.tape import Tape


def tape(steps):
    made = Tape()
    for step in range(steps):
        made.codes.append(step % 7)
        made.losses.append(step / 2)
        made.loss_steps.append(step)
        made.reads.append(f"read {step}")
        made.read_ticks.append(step)
    return made


def same(a, b):
    return all(getattr(a, name) == getattr(b, name) for name in ("codes", "losses", "loss_steps", "reads", "read_ticks"))


def test_each_flush_adds_what_is_new(tmp_path):
    recording, grown = Recording(tmp_path / "run", {"script": "x = 1"}), tape(0)
    for steps in (0, 3, 3, 200):
        grown = tape(steps)
        recording.flush(grown)
        assert same(Recording(tmp_path / "run").load(), grown)
    assert Recording(tmp_path / "run").described() == {"script": "x = 1"}


def test_a_tape_that_was_cut_is_read_as_it_is(tmp_path):
    recording = Recording(tmp_path / "run")
    recording.flush(tape(50))
    recording.rewrite()
    recording.flush(tape(20))
    assert same(Recording(tmp_path / "run").load(), tape(20))


def test_what_it_is_of_may_change_later(tmp_path):
    recording = Recording(tmp_path / "run", {"script": "x = 1"})
    recording.flush(tape(1))
    recording.about["arguments"] = ["-v"]
    recording.flush(tape(2))
    assert Recording(tmp_path / "run").described() == {"script": "x = 1", "arguments": ["-v"]}


def test_what_a_flush_left_behind_that_failed_does_not_count(tmp_path):
    recording = Recording(tmp_path / "run")
    recording.flush(tape(5))
    with open(tmp_path / "run" / "codes", "ab") as file:
        file.write(b"half of a fl")
    assert same(Recording(tmp_path / "run").load(), tape(5))
    recording.flush(tape(9))
    assert same(Recording(tmp_path / "run").load(), tape(9))


def test_who_reads_while_it_is_written_sees_a_flush_as_a_whole(tmp_path):
    recording, found, done = Recording(tmp_path / "run"), [], threading.Event()
    recording.flush(tape(0))

    def read():
        while not done.is_set():
            loaded = Recording(tmp_path / "run").load()
            found.append(len(loaded.codes) if same(loaded, tape(len(loaded.codes))) else "half of a flush")

    reader = threading.Thread(target=read)
    reader.start()
    for steps in range(1, 150):
        recording.flush(tape(steps))
        seen = len(found)
        while steps % 30 == 0 and len(found) <= seen and reader.is_alive():  # or all may be written between two looks
            time.sleep(0.001)
    done.set()
    reader.join()
    assert "half of a flush" not in found and found == sorted(found) and len(set(found)) > 1


def test_ends_that_are_broken_are_told(tmp_path):
    Recording(tmp_path / "run").flush(tape(5))
    path = tmp_path / "run" / "ends"
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="ends is broken"):
        Recording(tmp_path / "run").load()


def test_a_recording_of_the_version_before_is_read_and_goes_on(tmp_path):
    folder = tmp_path / "run"
    Recording(folder, {"script": "x = 1"}).flush(tape(5))
    ends = json.loads((folder / "ends").read_bytes()[8:])
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "about": {"script": "x = 1"}, "ends": ends}))
    (folder / "ends").unlink()
    recording = Recording(folder)
    assert same(recording.load(), tape(5))
    recording.flush(tape(8))
    assert same(Recording(folder).load(), tape(8))


def test_a_folder_of_another_version_or_of_nothing_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="there is no recording here"):
        Recording(tmp_path).load()
    (tmp_path / "manifest.json").write_text('{"version": 99}')
    with pytest.raises(RecordingError, match="version 99"):
        Recording(tmp_path).load()
