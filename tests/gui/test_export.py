"""Exports: pictures of panels and of the window, tables as CSV, and what is said where a file cannot be written."""

import csv
import errno
import math
import os
import re
import resource
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QImage, QPainter, QPolygonF, QTransform
from PyQt6.QtSvg import QSvgRenderer
from PyQt6.QtWidgets import QFileDialog, QLabel, QMessageBox, QWidget

from gui.context import Context
from gui.exporting_files import NotWritten, whole_file, write_whole
from gui.exporting_pictures import write_window
from gui.exporting_tables import Table, csv_text, curves_table, layers_table, write_csv
from gui.link import Link
from gui.panels import panel_classes
from gui.panels.layers_table import Row
from gui.saving_where import ask_path
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import SAMPLES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture
def window(qapp, qtbot, until, tmp_path, monkeypatch, no_spare):
    """A window in which two_points.py stands in its second step."""
    monkeypatch.chdir(tmp_path)
    window = Window(Context(State(), Link(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.open(str(SAMPLES / "two_points.py"))
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and window.workspace)
    for command, arguments in (("runTo", {"step": 2}), ("next", {"granularity": "op"}), ("next", {"granularity": "op"})):
        before = state.stop
        link.move(command, **arguments)
        until(lambda before=before: state.stop is not before and not link.moving)
    until(lambda: link.quiet)
    yield window
    window.close()


@pytest.fixture
def choose(monkeypatch):
    """``choose(path)``: what the user answers when asked for a file's name."""

    def answer(path):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))

    return answer


def test_every_panel_is_written_as_png_and_svg_from_its_menu(window, until, choose, tmp_path):
    workspace = window.workspace
    assert len(workspace.panels) == len(panel_classes()) >= 14
    for key, panel in workspace.panels.items():
        workspace.show_panel(key)
        until(lambda panel=panel: panel.isVisible() and window.context.link.quiet)
        texts = {action.text(): action for action in window.exporting.menu(panel).actions()}
        for kind in ("png", "svg"):
            choose(tmp_path / f"{key}.{kind}")
            texts[f"Export {panel.title} as {kind.upper()}…"].trigger()
        image = QImage(str(tmp_path / f"{key}.png"))
        assert image.width() == 2 * panel.width() and image.height() >= 2 * panel.height()
        colors = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
        assert len(colors) > 4, key
        root = ET.parse(tmp_path / f"{key}.svg").getroot()
        words = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
        if workspace.docks.get(key) is not None:
            assert panel.title in words, key
        assert panel.head.subject.text().split(" ")[0] in words, key
        assert QSvgRenderer(str(tmp_path / f"{key}.svg")).isValid()


def test_svg_is_drawn_as_vectors_and_where_the_png_is(window, until, tmp_path):
    window.workspace.show_panel("curves")
    panel = window.workspace.panels["curves"]
    until(lambda: panel.isVisible() and window.context.state.curves and window.context.link.quiet)
    panel.export_svg(tmp_path / "curves.svg")
    panel.export_png(tmp_path / "curves.png", 1.0)
    root = ET.parse(tmp_path / "curves.svg").getroot()
    assert sum(1 for _ in root.iter(f"{SVG}text")) >= 5
    assert any(True for _ in root.iter(f"{SVG}polyline")) or any(True for _ in root.iter(f"{SVG}path"))
    texts = [text for text in root.iter(f"{SVG}text") if len(text.text or "") > 1]
    for text in texts:  # also where Inter and JetBrains Mono are not installed each keeps to its place
        assert text.get("font-family").endswith(("sans-serif", "monospace")) and text.get("lengthAdjust")
        share = float(text.get("textLength")) / (len(text.text) * float(text.get("font-size")))
        assert 0.25 < share < 0.75, text.text
    mono = [text for text in texts if "Mono" in text.get("font-family")]
    assert mono and all(
        abs(float(text.get("textLength")) / len(text.text) / float(text.get("font-size")) - 0.6) < 0.01 for text in mono
    )
    renderer = QSvgRenderer(str(tmp_path / "curves.svg"))
    png = QImage(str(tmp_path / "curves.png"))
    drawn = QImage(png.size(), QImage.Format.Format_RGB32)
    drawn.fill(Qt.GlobalColor.magenta)
    painter = QPainter(drawn)
    renderer.render(painter)
    painter.end()
    places = [(x, y) for x in range(png.width()) for y in range(png.height())]
    one, other = (np.array([image.pixelColor(x, y).lightness() < 200 for x, y in places]) for image in (png, drawn))
    assert one.sum() > 100 and 0.5 < other.sum() / one.sum() < 2.0


def test_what_svg_cuts_off_is_where_it_is_drawn(window, until, tmp_path):
    """Qt's own renderer draws all of it: here clip paths and texts are put into the picture's coordinates."""
    seen = 0
    for key in ("variables", "code", "tensor", "network", "breakpoints", "output"):
        window.workspace.show_panel(key)
        panel = window.workspace.panels[key]
        until(lambda panel=panel: panel.isVisible() and window.context.link.quiet)
        panel.export_svg(tmp_path / f"{key}.svg")
        root = ET.parse(tmp_path / f"{key}.svg").getroot()
        paths = {path.get("id"): path for path in root.iter(f"{SVG}clipPath")}
        assert len(paths) == sum(1 for _ in root.iter(f"{SVG}clipPath"))  # no name is given twice
        for anchor, edges, clips in _texts(root, paths, QTransform(), (), ()):
            if all(edge.contains(anchor) for edge in edges):  # else it is scrolled out of sight
                seen += len(clips)
                assert all(clip.adjusted(-1, -1, 1, 1).contains(anchor) for clip in clips), (key, anchor, clips)
        words = {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
        assert key != "variables" or {"Name", "Value", "Watches"} <= words
    assert seen > 50


def test_svg_leaves_text_that_looks_like_its_own_names(window, until, tmp_path):
    window.workspace.show_panel("variables")
    panel = window.workspace.panels["variables"]
    until(lambda: panel.isVisible() and window.context.link.quiet)
    label = QLabel('<g id="a" fill="url(#a)"></g> url(#a)', panel, textFormat=Qt.TextFormat.PlainText)
    label.adjustSize()
    label.show()
    panel.export_svg(tmp_path / "variables.svg")
    root = ET.parse(tmp_path / "variables.svg").getroot()
    assert label.text() in {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}


def _texts(element, paths, at, edges, clips):
    """Of each text its first letter's middle, the edges of the widgets around it, and what it is cut at there."""
    if moved := element.get("transform"):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", moved)]
        at = (QTransform(*numbers) if len(numbers) == 6 else QTransform.fromTranslate(*numbers)) * at
    if named := element.get("clip-path"):
        (shape,) = paths[named[5:-1]]
        if shape.tag == f"{SVG}rect":
            edges = (*edges, at.mapRect(QRectF(0, 0, float(shape.get("width")), float(shape.get("height")))))
        else:
            corners = re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", shape.get("d"))
            clips = (*clips, at.mapRect(QPolygonF([QPointF(float(x), float(y)) for x, y in corners]).boundingRect()))
    if element.tag == f"{SVG}text":
        size = float(element.get("font-size"))
        yield at.map(QPointF(float(element.get("x")) + size / 4, float(element.get("y")) - size / 3)), edges, clips
    for child in element:
        yield from _texts(child, paths, at, edges, clips)


def test_the_window_is_written_at_its_size_and_at_twice_that(window, choose, tmp_path):
    choose(tmp_path / "one")  # the ending is added
    window.context.action("export_window").trigger()
    choose(tmp_path / "two.png")
    window.context.action("export_window_2x").trigger()
    one, two = QImage(str(tmp_path / "one.png")), QImage(str(tmp_path / "two.png"))
    assert one.size() == window.size() and two.size() == 2 * window.size()
    assert f"Written: {tmp_path / 'two.png'}" == window.messages.text.text()


def test_the_menu_lists_what_can_be_exported(window):
    texts = [action.text() for action in window.menus["File › Export"].actions()]
    assert {"Panel as PNG…", "Panel as SVG…", "Window as PNG…", "Window as PNG, high resolution…", "Curves as CSV…",
            "Layers as CSV…", "Run as GIF or MP4…"} <= set(texts)  # fmt: skip


def test_curves_and_layers_are_written_as_csv(window, until, choose, tmp_path):
    window.workspace.show_panel("layers")
    layers, state = window.workspace.panels["layers"], window.context.state
    layers.tiers["scalars"].setChecked(True)
    until(lambda: window.context.link.quiet)
    before = state.stop
    window.context.link.move("runTo", step=4)
    until(lambda: state.stop is not before and layers.model.rows and window.context.link.quiet)
    for key in ("curves", "layers"):
        choose(tmp_path / f"{key}.csv")
        window.context.action(f"export_{key}").trigger()
    with open(tmp_path / "curves.csv", newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["train loss"]]
    curve = state.curves[1]
    assert [int(line["step"]) for line in lines] == (curve["steps"] + 1).tolist() and lines[0]["run"] == "run 1"
    assert [float(line["train loss"]) for line in lines] == pytest.approx(curve["losses"].tolist(), nan_ok=True, rel=1e-12)
    with open(tmp_path / "layers.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["layer"] for line in lines] == [row.name for row in layers.model.rows]
    assert [float(line["std"]) for line in lines] == pytest.approx([row.values["std"] for row in layers.model.rows])
    assert {line["kind"] for line in lines} == {"output", "parameter"}


def test_numbers_in_csv_are_the_same_everywhere_and_can_be_read_back():
    import locale

    values = [1.5, -0.1, 1e-12, float("nan"), float("inf"), -float("inf"), np.float32(0.1), np.float64(2) / 3, 7, None, True]
    old = locale.setlocale(locale.LC_ALL)
    try:
        for name in ("de_DE.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:
                continue
            text = csv_text(Table(["value"], [[value] for value in values]))
            assert text.split("\r\n")[1:-1] == [
                "1.5", "-0.1", "1e-12", "nan", "inf", "-inf", "0.1", repr(2 / 3), "7", '""', "true",
            ]  # fmt: skip
    finally:
        locale.setlocale(locale.LC_ALL, old)


def test_the_table_of_curves_has_every_series_of_every_run():
    curves = {
        1: {"steps": np.array([0, 1, 2]), "losses": np.array([1.0, np.nan, 0.5])},
        2: {"steps": np.array([5]), "losses": np.array([2.0])},
    }  # fmt: skip
    measures = {1: {
        "series": {
            ("accuracy", "train"): (np.array([1]), np.array([0.5]), np.array([4])),
            ("loss", "validation"): (np.array([2]), np.array([0.25]), np.array([4])),
            ("learning rate", "lr"): (np.array([0, 2]), np.array([0.1, 0.01]), np.array([1, 1])),
        },
        "epochs": np.array([[1, 0], [2, 2]]),
    }}  # fmt: skip
    lines = list(csv.reader(csv_text(curves_table(curves, measures, {1: "run 1", 2: "a, b"})).splitlines()))
    assert lines == [
        ["run", "step", "epoch", "train loss", "validation loss", "train accuracy in %", "lr learning rate"],
        ["run 1", "1", "1", "1.0", "", "", "0.1"], ["run 1", "2", "1", "nan", "0.25", "50.0", "0.1"],
        ["run 1", "3", "2", "0.5", "", "", "0.01"], ["a, b", "6", "", "2.0", "", "", ""],
    ]  # fmt: skip


def test_the_table_of_layers_has_numbers_of_both_sides():
    conv = Row("conv1", False, {"step": 3, "std": 0.5, "dead": None}, {"step": 2, "std": math.nan})
    rows = [conv, Row("w", True, {"step": 3, "std": 1.0})]
    lines = list(csv.reader(csv_text(layers_table(rows)).splitlines()))
    assert lines[0] == ["layer", "kind", "step", "std", "dead", "gradient step", "gradient std"]
    assert lines[1:] == [["conv1", "output", "4", "0.5", "", "3", "nan"], ["w", "parameter", "4", "1.0", "", "", ""]]


# ---- files that cannot be written ----


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    os.chmod(path, 0o640)
    with pytest.raises(ZeroDivisionError), whole_file(path) as part:
        part.write_text("half")
        1 / 0
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.csv"]
    write_whole(path, b"new")
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["a.csv"] and path.stat().st_mode & 0o777 == 0o640
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    write_whole(link, b"newer")
    assert link.is_symlink() and path.read_text() == "newer"


@pytest.mark.parametrize(
    ("name", "cause"), [("missing/a.png", "no such file"), ("file/a.png", "not a directory"), ("folder", "is a directory")]
)
def test_a_message_names_file_and_cause(window, choose, tmp_path, name, cause):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    path = tmp_path / (name if name.endswith(".png") else f"{name}.png")
    for action in ("export_window", "export_png"):
        choose(path)
        window.context.action(action).trigger()
        assert str(path) in window.messages.text.text() and cause in window.messages.text.text().lower()
        assert window.messages.severity == "error"
    with pytest.raises(NotWritten):
        write_csv(Table(["a"], []), path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
def test_a_disk_that_is_full_is_told_and_the_old_file_stays(window, choose, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        choose(path)
        window.context.action("export_window").trigger()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = window.messages.text.text()
    assert str(path) in said and "file too large" in said
    assert path.read_bytes() == b"old" and not list(tmp_path.glob(".*.part"))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gui.exporting_files.os.fsync", full)
    window.context.action("export_window").trigger()
    assert "no space left on device" in window.messages.text.text() and path.read_bytes() == b"old"


def test_write_window_raises_where_it_cannot(window, tmp_path):
    with pytest.raises(OSError, match="missing"):
        write_window(window, tmp_path / "missing" / "a.png")


@pytest.mark.parametrize("may", [False, True])
def test_a_file_whose_letters_were_not_typed_is_replaced_only_if_one_may(qtbot, monkeypatch, tmp_path, may):
    parent, asked, yes = QWidget(), [], QMessageBox.StandardButton.Yes
    qtbot.addWidget(parent)
    monkeypatch.setattr(QMessageBox, "warning", lambda *said: asked.append(said[2]) or (yes if may else None))

    def chosen(name):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (name and str(tmp_path / name), ""))
        return ask_path(parent, "Export", "a.png", ".png", "PNG picture (*.png)")

    assert chosen("") == ""
    assert chosen("new") == str(tmp_path / "new.png") and not asked
    (tmp_path / "old.png").write_text("mine")
    assert chosen("old.png") == str(tmp_path / "old.png") and not asked  # the dialog itself has asked
    assert chosen("old") == (str(tmp_path / "old.png") if may else "")
    (text,) = asked
    assert str(tmp_path / "old.png") in text
