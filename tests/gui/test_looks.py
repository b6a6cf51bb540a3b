"""Themes, fonts, and that no text of the window lacks room, in all themes and at 100 % and 150 %."""

import ast
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QFontInfo, QImage, QRawFont
from PyQt6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
)  # fmt: skip
from pytestqt.exceptions import TimeoutError as QtBotTimeoutError

from gui import fonts
from gui.context import Context
from gui.link import Link
from gui.looks import Looks
from gui.settings import Settings
from gui.state import State
from gui.style import palette, style_sheet
from gui.theme import PHASES, THEMES, Theme, contrast, mixed
from gui.window import Window
from tests.gui.clipping import clipped
from tests.gui.conftest import SAMPLES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", THEMES)
def test_text_and_phases_read_on_every_background(qapp, name):
    theme = Theme(name)
    wanted = 7.0 if name == "projector" else 4.5
    grounds = (theme.paper, theme.panel, theme.raised)
    for color in (theme.ink, theme.muted, theme.accent, *theme.phase_text.values()):
        assert min(contrast(color, ground) for ground in grounds) >= wanted, color.name()
    if theme.dark:
        for color in theme.phase.values():
            assert min(contrast(color, ground) for ground in grounds) >= 4.5, color.name()
    else:
        assert {key: color.name().upper() for key, color in theme.phase.items()} == PHASES
    zero = tuple(int(v) for v in theme.diverging[128, :3])
    assert zero == theme.panel.getRgb()[:3]
    assert theme.diverging.shape == theme.sequential.shape == (256, 4)


@pytest.mark.parametrize("name", THEMES)
def test_text_reads_on_messages_and_on_what_is_picked(qapp, name):
    theme = Theme(name)
    for hue, share in ((theme.accent, 0.10), (theme.phase["loss"], 0.16), (theme.phase["alarm"], 0.14)):
        assert contrast(theme.ink, mixed(theme.panel, hue, share)) >= 7.0
    picked = mixed(theme.panel, theme.accent, 0.20 if theme.dark else 0.13)
    assert contrast(theme.ink, picked) >= 4.5


def test_black_on_white_has_the_contrast_of_the_standard(qapp):
    theme = Theme("projector")
    assert contrast(theme.ink, theme.panel) == pytest.approx(21.0)
    assert contrast(theme.panel, theme.ink) == pytest.approx(21.0)


def test_the_shipped_fonts_are_used(qapp):
    theme = Theme()
    assert fonts.load() == ("Inter", "JetBrains Mono")
    for font, family in ((theme.text_font(), "Inter"), (theme.code_font(), "JetBrains Mono")):
        assert QFontInfo(font).family() == family
    for bold in (theme.text_font(bold=True), theme.code_font(bold=True)):
        assert QRawFont.fromFont(bold).weight() == 600
    folder = Path(fonts.__file__).parent
    for name in fonts.FILES:
        assert 10_000 < (folder / name).stat().st_size < 400_000
    for name in ("OFL-Inter.txt", "OFL-JetBrainsMono.txt"):
        text = (folder / name).read_text()
        assert text.startswith("Copyright 2020") and "SIL OPEN FONT LICENSE Version 1.1" in text


def test_figures_have_one_width_and_code_is_shown_as_written(qapp):
    theme = Theme()
    from PyQt6.QtGui import QFontMetricsF

    for font in (theme.text_font(), theme.code_font()):
        metrics = QFontMetricsF(font)
        assert len({round(metrics.horizontalAdvance(f"{digit}" * 8), 3) for digit in range(10)}) == 1
    code = QFontMetricsF(theme.code_font())
    assert code.horizontalAdvance("->!=") == pytest.approx(4 * code.horizontalAdvance("x"))


def test_the_fonts_have_every_sign_that_the_window_writes(qapp):
    theme = Theme()
    signs = set()
    for path in (ROOT / "gui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                signs |= {sign for sign in node.value if ord(sign) > 126 and sign.isprintable()}
    text, code = (QRawFont.fromFont(font) for font in (theme.text_font(), theme.code_font()))
    missing = {sign for sign in signs if not (text.supportsCharacter(sign) or code.supportsCharacter(sign))}
    assert missing == set()


def test_projector_text_is_thirteen_points(qapp):
    assert Theme("light").point_size() == 10.0 and Theme("projector").point_size() == 13.0
    assert Theme("projector", 1.5).point_size() == pytest.approx(19.5)


def test_no_text_lacks_room(qtbot, until, tmp_path, monkeypatch, no_spare):
    monkeypatch.chdir(tmp_path)
    window = Window(Context(State(), Link(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    faults = []

    def settle():
        """Let what is laid out later be laid out: where something is clipped, it may be so only until then."""
        qtbot.wait(60)
        with suppress(QtBotTimeoutError):
            qtbot.waitUntil(lambda: not clipped(window), timeout=30_000)

    def look(place):
        for name in THEMES:
            for scale in (1.0, 1.5):
                window.looks.set_theme(name)
                window.looks.set_scale(scale)
                if window.workspace is not None:
                    window.workspace.arrange()
                settle()
                faults.extend(f"{place}, {name} at {scale:.0%}: {fault}" for fault in clipped(window))

    look("start page")
    window.open(str(SAMPLES / "two_points.py"), ("folder=",))
    until(lambda: window.context.state.stop and window.workspace)
    look("first line")
    for _ in range(3):
        before = window.context.state.stop
        window.context.action("over").trigger()
        until(lambda before=before: window.context.state.stop is not before and not window.context.link.moving)
    window.show_panel("explain")
    look("forward")
    for key in window.workspace.docks:
        window.show_panel(key)
        settle()
        faults.extend(f"{key}: {fault}" for fault in clipped(window))
    Looks(window.context).set_theme("light")
    window.close()
    assert not faults, "\n" + "\n".join(sorted(set(faults)))


@pytest.fixture
def styled(qapp):
    """Called with a theme: the application in that theme, until the end of the test."""
    before = qapp.font(), qapp.palette(), qapp.styleSheet()

    def style(theme):
        qapp.setFont(theme.text_font())
        qapp.setPalette(palette(theme))
        qapp.setStyleSheet(style_sheet(theme))

    yield style
    qapp.setFont(before[0])
    qapp.setPalette(before[1])
    qapp.setStyleSheet(before[2])


def pixels(widget, box=None):
    """What a widget looks like: (rows, columns, 3) as whole numbers."""
    image = widget.grab(box or widget.rect()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    data = np.frombuffer(bytes(image.constBits().asarray(image.sizeInBytes())), np.uint8)
    return data.reshape(image.height(), -1, 4)[..., :3].astype(int)


def made(kind, name=""):
    widget = kind("text") if issubclass(kind, (QAbstractButton, QLineEdit)) and kind is not QToolButton else kind()
    if isinstance(widget, QToolButton):
        widget.setText("text")
        widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    widget.setObjectName("" if name == "default" else name)
    return widget


@pytest.mark.parametrize("name", THEMES)
def test_no_box_stands_where_two_scroll_bars_meet(styled, qtbot, name):
    styled(Theme(name))
    text = QPlainTextEdit("a line that is wider than its view\n" * 40)
    qtbot.addWidget(text)
    text.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
    text.resize(120, 90)
    text.show()
    wide, high = text.verticalScrollBar().width(), text.horizontalScrollBar().height()
    assert wide > 4 and high > 4
    corner = pixels(text, QRect(text.width() - wide, text.height() - high, wide, high))
    assert len(np.unique(corner.reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind, of", [
    (QPushButton, ""), (QPushButton, "default"), (QPushButton, "crumb"), (QPushButton, "link"), (QPushButton, "card"),
    (QCheckBox, ""), (QRadioButton, ""), (QComboBox, ""), (QLineEdit, ""), (QSpinBox, ""), (QToolButton, ""),
])  # fmt: skip
def test_what_has_the_focus_has_a_ring(qtbot, qapp, styled, name, kind, of):
    styled(Theme(name))
    dialog = QDialog()
    qtbot.addWidget(dialog)
    column = QVBoxLayout(dialog)
    other, widget = QPushButton("other"), made(kind, of)
    other.setAutoDefault(False)
    if kind is QPushButton:
        widget.setAutoDefault(False)
        widget.setDefault(of == "default")
        if of == "crumb":
            widget.setStyleSheet("color: red")  # as those of a phase are
    column.addWidget(other)
    column.addWidget(widget)
    dialog.show()
    dialog.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    without = pixels(widget)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(widget.hasFocus)
    changed = np.abs(pixels(widget) - without).max(axis=2) > 24
    edges = [changed[:3].any(axis=0), changed[-3:].any(axis=0), changed[:, :3].any(axis=1), changed[:, -3:].any(axis=1)]
    assert min(edge.mean() for edge in edges) > 0.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
def test_a_box_that_is_not_checked_is_seen_and_grows_with_the_text(qtbot, styled, name, kind):
    sides = []
    for scale in (1.0, 2.0):
        theme = Theme(name, scale)
        styled(theme)
        box = kind("")
        qtbot.addWidget(box)
        box.show()
        seen = np.abs(pixels(box) - theme.paper.getRgb()[2::-1]).max(axis=2) > 60
        rows = np.flatnonzero(seen.any(axis=1))
        sides.append(rows[-1] - rows[0] + 1)
    assert sides[0] >= 13 and sides[1] >= 1.7 * sides[0]


def test_arrows_grow_with_the_text(qtbot, styled):
    widths = []
    for scale in (1.0, 2.0):
        theme = Theme("light", scale)
        styled(theme)
        choice = QComboBox()
        qtbot.addWidget(choice)
        choice.resize(200, 60)
        choice.show()
        inner = pixels(choice)[8:-8, 100:-6]
        columns = np.flatnonzero((np.abs(inner - inner[0, 0]).max(axis=2) > 60).any(axis=0))
        widths.append(columns[-1] - columns[0] + 1)
    assert widths[1] >= 1.4 * widths[0]
