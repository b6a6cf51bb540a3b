"""A run as GIF or MP4: the encoders, the writer, and recordings of a true run, with the way back."""

import importlib.util
import resource
import threading
import time

import numpy as np
import pytest
from PIL import Image, ImageSequence
from PyQt6.QtWidgets import QFileDialog

from gui.context import Context
from gui.link import Link
from gui.recording_run import encoders
from gui.recording_run.dialog import RecordDialog
from gui.recording_run.encoders import NO_MP4, MissingEncoder, available, open_encoder
from gui.recording_run.writer import Writer
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import PATIENCE, SAMPLES

needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="needs the package av")
KINDS = ["gif", pytest.param("mp4", marks=needs_av)]


def picture(number, height=61, width=81):
    """A square that moves over white."""
    array = np.full((height, width, 3), 255, np.uint8)
    array[10:30, 5 * number : 5 * number + 20] = (0, 114, 178)
    return array


def frames(path):
    """The pictures of a file, as arrays."""
    if str(path).endswith(".gif"):
        with Image.open(path) as image:
            return [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def as_gif(array, folder):
    """A picture as it is in a GIF of it alone."""
    encoder = open_encoder("gif", folder / "a.gif", 10)
    encoder.add(array)
    encoder.finish()
    return frames(folder / "a.gif")[0]


# ---- encoders ----


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_encoded_can_be_decoded(tmp_path, kind):
    encoder = open_encoder(kind, tmp_path / f"a.{kind}", 5)
    for number in range(6):
        encoder.add(picture(number))
    encoder.finish()
    found = frames(tmp_path / f"a.{kind}")
    assert len(found) == 6
    for number, frame in enumerate(found):
        height, width = frame.shape[:2]
        assert (height, width) == ((61, 81) if kind == "gif" else (60, 80))
        difference = np.abs(frame.astype(int) - picture(number)[:height, :width])
        assert difference.mean() < (0.01 if kind == "gif" else 6)


def test_a_gif_shows_a_picture_that_stays_longer_and_repeats_for_ever(tmp_path):
    encoder = open_encoder("gif", tmp_path / "a.gif", 10)
    for number in (0, 0, 0, 1, 2, 2):
        encoder.add(picture(number))
    encoder.finish()
    with Image.open(tmp_path / "a.gif") as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
        assert durations == [300, 100, 200] and image.info["loop"] == 0


def test_a_gif_of_many_colours_keeps_them_nearly(tmp_path):
    rng = np.random.default_rng(0)
    smooth = np.linspace(0, 255, 81).astype(np.uint8)
    noise = rng.integers(0, 255, (61, 81), np.uint8)
    array = np.stack([np.tile(smooth, (61, 1)), np.tile(smooth[::-1], (61, 1)), noise], -1)
    assert np.abs(as_gif(array, tmp_path).astype(int) - array).mean() < 12


def test_a_gif_keeps_the_colours_of_small_marks(tmp_path):
    """The hues of the phases: the one of the loss came out as the map's orange, of which there is much more."""
    array = np.zeros((60, 512, 3), np.uint8)
    array[..., 0], array[..., 1] = np.arange(512) // 2, np.arange(60)[:, None] * 2
    array[:, :, 2] = 90
    marks = [(0xE6, 0x9F, 0x00), (0x00, 0x9E, 0x73), (0xCC, 0x79, 0xA7)]
    for i, color in enumerate(marks):
        array[4:10, 20 * i : 20 * i + 6] = color
    shown = as_gif(array, tmp_path)
    assert [tuple(shown[6, 20 * i + 2]) for i in range(3)] == marks


def test_a_gif_keeps_the_colours_of_small_marks_beside_a_large_map(tmp_path):
    """The map's shades are bright too, and each is more frequent than a mark; but they have near neighbours."""
    shades = np.linspace((0xB3, 0x50, 0x00), (0xFF, 0xC0, 0x90), 480).astype(np.uint8)
    array = np.repeat(shades[None], 300, axis=0)
    array[150:] = np.linspace((0x00, 0x50, 0xA0), (0x90, 0xC0, 0xFF), 480).astype(np.uint8)
    marks = [(0x00, 0x9E, 0x73), (0xCC, 0x79, 0xA7)]
    for i, color in enumerate(marks):
        array[4:13, 20 * i : 20 * i + 9] = color
    shown = as_gif(array, tmp_path)
    assert [tuple(shown[6, 20 * i + 2]) for i in range(2)] == marks


def test_without_av_there_is_no_mp4_but_a_message_and_gif(monkeypatch, tmp_path):
    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: None)
    assert available("gif") and not available("mp4")
    with pytest.raises(MissingEncoder, match="pip install"):
        open_encoder("mp4", tmp_path / "a.mp4", 5)
    assert not (tmp_path / "a.mp4").exists()


# ---- the writer ----


def feed(writer, pictures):
    for array in pictures:
        while writer.full and not writer.ended:
            time.sleep(0.002)
        writer.put(array)
    while not writer.finish():
        time.sleep(0.002)
    writer.join(PATIENCE / 1000)


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_cannot_be_written_are_told_and_the_old_one_stays(tmp_path, kind):
    said, path = [], tmp_path / f"a.{kind}"
    path.write_bytes(b"old")
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(10)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        feed(Writer(path, kind, 5, said.append), noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(path) in said[0] and "file too large" in said[0]
    feed(Writer(tmp_path / "missing" / f"b.{kind}", kind, 5, said.append), noise)
    assert "missing" in said[1] and "no such file" in said[1]
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", KINDS)
def test_a_writer_that_is_cancelled_leaves_nothing(tmp_path, kind):
    said = []
    writer = Writer(tmp_path / f"a.{kind}", kind, 5, said.append)
    for number in range(3):
        while writer.full:
            time.sleep(0.002)
        writer.put(picture(number))
    writer.cancel()
    assert said == ["cancelled"] and list(tmp_path.iterdir()) == [] and writer.ended


def test_pictures_do_not_pile_up(tmp_path, monkeypatch):
    hold = threading.Event()
    monkeypatch.setattr(encoders.GifEncoder, "add", lambda self, array: hold.wait(30))
    writer = Writer(tmp_path / "a.gif", "gif", 5, lambda _: None)
    taken = 0
    while not writer.full and taken < 100:
        writer.put(picture(0))
        taken += 1
    assert taken <= 5
    hold.set()
    writer.cancel()


# ---- recordings ----


@pytest.fixture
def window(qapp, qtbot, until, tmp_path, monkeypatch, no_spare):
    """A window in which two_points.py stands in its fourth step."""
    monkeypatch.chdir(tmp_path)
    window = Window(Context(State(), Link(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1000, 700)
    window.show()
    window.open(str(SAMPLES / "two_points.py"), ("epochs=8",))
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and window.workspace)
    before = state.stop
    link.move("runTo", step=4)
    until(lambda: state.stop is not before and link.quiet)
    yield window
    window.close()


@pytest.fixture
def dialog(window, monkeypatch, tmp_path):
    """``dialog(kind)``: the dialog of the action, which will write tmp_path/a.KIND."""

    def open_it(kind="gif"):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / f"a.{kind}"), ""))
        window.context.action("export_run").trigger()
        found = window.findChild(RecordDialog)
        found.format.setCurrentIndex(found.format.findData(kind))
        found.width_.setValue(400)
        return found

    return open_it


def done(window):
    return window.findChild(RecordDialog) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_ops_are_recorded_and_the_run_stands_where_it_stood(window, dialog, until, tmp_path, kind):
    state, place = window.context.state, window.context.state.stop["position"]
    stops = []
    window.context.link.stopped.connect(lambda stop: stops.append(stop["position"]))
    one = dialog(kind)
    one.count.setValue(4)
    assert "4 pictures" in one.note.text() and "400 ×" in one.note.text()
    one.go.click()
    until(lambda: done(window))
    assert f"Written: {tmp_path / f'a.{kind}'}" == window.messages.whole
    assert state.stop["position"] == place and len(set(map(tuple, stops))) == 4
    found = frames(tmp_path / f"a.{kind}")
    assert len(found) == 4 and found[0].shape == (280, 400, 3)
    assert any((found[0] != other).any() for other in found[1:])
    assert window.context.settings["motion"] is True


def test_what_was_selected_is_selected_again(window, dialog, until):
    state = window.context.state
    state.select(event=state.stop["seq"] - 3, name="y", label="as it was")
    selected = state.selection
    one = dialog()
    one.count.setValue(4)
    one.go.click()
    until(lambda: done(window))
    assert state.selection == selected


@pytest.mark.parametrize(("level", "count"), [("step", 3), ("batch", None)])
def test_a_stretch_of_the_past_is_recorded(window, dialog, until, tmp_path, level, count):
    state, place = window.context.state, window.context.state.stop["position"]
    steps = []
    window.context.link.stopped.connect(lambda stop: steps.append(stop["step"]))
    one = dialog()
    one.between.setChecked(True)
    one.level.setCurrentIndex(one.level.findData(level))
    one.first.setValue(1)
    one.last.setValue(3)
    one.go.click()
    until(lambda: done(window))
    assert window.messages.whole.startswith("Written: ")
    assert state.stop["position"] == place and steps[0] == 1 and max(steps[:-1]) == 3
    if count is not None:
        assert len(frames(tmp_path / "a.gif")) == count


def test_a_panel_is_recorded_in_its_own_size(window, dialog, until, tmp_path):
    window.workspace.show_panel("network")
    one = dialog()
    one.what.setCurrentIndex(one.what.findText("Panel Network"))
    panel = window.workspace.panels["network"]
    assert one.width_.value() == panel.width() & ~1
    one.count.setValue(2)
    one.go.click()
    until(lambda: done(window))
    assert frames(tmp_path / "a.gif")[0].shape[1] == panel.width() & ~1


def test_cancelling_goes_back_and_leaves_no_file(window, dialog, until, tmp_path):
    state, place = window.context.state, window.context.state.stop["position"]
    one = dialog()
    one.count.setValue(1000)
    one.go.click()
    until(lambda: one.progress.value() >= 2)
    one.reject()
    until(lambda: done(window) and window.context.link.quiet)
    assert state.stop["position"] == place and not list(tmp_path.glob("*a.gif*"))


def test_a_script_that_ends_on_the_way_is_recorded_up_to_there(window, dialog, until, tmp_path):
    one = dialog()
    one.level.setCurrentIndex(one.level.findData("step"))
    one.count.setValue(1000)
    one.rate.setValue(50)
    one.width_.setValue(160)
    one.go.click()
    until(lambda: done(window))
    assert "The script has ended there" in window.messages.whole and (tmp_path / "a.gif").stat().st_size > 1000


def test_a_file_that_cannot_be_written_is_told(window, dialog, until, tmp_path, monkeypatch):
    place = window.context.state.stop["position"]
    one = dialog()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "missing" / "a.gif"), ""))
    one.count.setValue(50)
    one.go.click()
    until(lambda: done(window))
    assert "missing" in window.messages.whole and window.messages.severity == "error"
    assert window.context.state.stop["position"] == place


def test_without_av_the_dialog_says_what_to_install(window, dialog, monkeypatch):
    monkeypatch.setattr("gui.recording_run.dialog.available", lambda kind: kind == "gif")
    one = dialog("mp4")
    assert one.note.text() == NO_MP4 and not one.go.isEnabled()
    one.format.setCurrentIndex(one.format.findData("gif"))
    assert one.go.isEnabled()
    one.reject()


def test_a_window_that_closes_while_it_records_leaves_nothing(window, dialog, until, tmp_path):
    one = dialog()
    one.count.setValue(1000)
    one.go.click()
    until(lambda: one.progress.value() >= 1)
    window.close()
    until(lambda: not any(thread.name == "recording" for thread in threading.enumerate()))
    assert not list(tmp_path.glob("*a.gif*"))
