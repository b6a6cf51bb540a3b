"""A screen that goes: where the window comes back to."""

import pytest
from PyQt6.QtCore import QRect
from PyQt6.QtGui import QGuiApplication, QScreen
from PyQt6.QtWidgets import QWidget

from gui.screens import Screens, back_on_screen, fits_screen, show_whole

LAPTOP = QRect(0, 0, 1440, 900), QRect(0, 24, 1440, 876)
BEAMER = QRect(1440, 0, 1920, 1080), QRect(1440, 0, 1920, 1080)


@pytest.mark.parametrize(
    ("frame", "screens", "wanted"),
    [
        # In reach: as it is, also where a part of it hangs over an edge, and behind a task bar.
        (QRect(100, 100, 1280, 800), [LAPTOP], QRect(100, 100, 1280, 800)),
        (QRect(1600, 50, 1280, 800), [LAPTOP, BEAMER], QRect(1600, 50, 1280, 800)),
        (QRect(700, 500, 1280, 800), [LAPTOP], QRect(700, 500, 1280, 800)),
        (QRect(-8, -8, 1456, 916), [LAPTOP], QRect(-8, -8, 1456, 916)),
        # The projector has gone, and the window with it.
        (QRect(1600, 50, 1280, 800), [LAPTOP], QRect(160, 50, 1280, 800)),
        (QRect(1440, 0, 1920, 1080), [LAPTOP], QRect(0, 24, 1440, 876)),
        # Its title stands above every screen; it goes where most of it was.
        (QRect(1600, -300, 1280, 800), [LAPTOP, BEAMER], QRect(1600, 0, 1280, 800)),
        (QRect(1600, 50, 1280, 800), [], QRect(1600, 50, 1280, 800)),
    ],
)  # fmt: skip
def test_where_a_window_belongs(frame, screens, wanted):
    assert back_on_screen(frame, screens) == wanted


@pytest.fixture
def window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 300)
    window.show()
    return window


@pytest.mark.parametrize(("more", "maximized"), [((-100, -100), False), ((-100, 0), True), ((1, -100), True)])
def test_a_first_window_that_does_not_fit_on_the_screen_fills_it(window, more, maximized):
    room = QGuiApplication.primaryScreen().availableSize()
    window.hide()
    window.resize(room.width() + more[0], room.height() + more[1])
    show_whole(window)
    assert window.isVisible() and window.isMaximized() == maximized


@pytest.mark.parametrize("maximized", [False, True])
def test_a_window_off_all_screens_comes_back_when_one_is_removed(window, until, maximized):
    watching = Screens(window)
    place = QGuiApplication.primaryScreen().geometry()
    window.move(place.right() + 500, 40)
    if maximized:
        window.showMaximized()
        window.setGeometry(place.translated(place.width() + 500, 0))
    assert not place.intersects(window.frameGeometry())
    # The offscreen platform cannot lose a screen: the signal is the one that Qt emits when a platform does.
    QGuiApplication.instance().screenRemoved.emit(QGuiApplication.primaryScreen())
    until(lambda: place.intersects(window.frameGeometry()))
    assert window.isMaximized() == maximized
    assert watching._shown == []


def test_a_window_that_qt_hides_with_its_screen_is_shown_again(window, until):
    watching = Screens(window)
    QGuiApplication.instance().screenRemoved.emit(QGuiApplication.primaryScreen())
    window.hide()
    until(window.isVisible)
    assert watching.parent() is window


def test_a_window_whose_two_screens_go_at_once_is_shown_again(window, until):
    watching = Screens(window)
    for _ in range(2):
        QGuiApplication.instance().screenRemoved.emit(QGuiApplication.primaryScreen())
        window.hide()
    until(window.isVisible)
    assert watching._shown == []


def test_a_window_in_reach_stays_where_it_is(window, qtbot):
    watching = Screens(window)
    window.move(60, 70)
    before = window.frameGeometry()
    watching.bring_back()
    assert window.frameGeometry() == before


def test_screens_that_are_added_are_watched(window, until):
    watching = Screens(window)
    place = QGuiApplication.primaryScreen().geometry()
    window.move(place.right() + 500, 40)
    screen: QScreen = QGuiApplication.primaryScreen()
    QGuiApplication.instance().screenAdded.emit(screen)
    screen.geometryChanged.emit(place)
    until(lambda: place.intersects(window.frameGeometry()))
    assert watching.parent() is window


@pytest.mark.parametrize(("more", "fits"), [((-100, -100), True), ((0, 0), False), ((-100, 0), False), ((100, -100), False)])
def test_a_window_with_its_frame_fits_its_screen_or_not(window, more, fits):
    place = window.screen().availableGeometry()
    window.resize(place.width() + more[0], place.height() + more[1])
    assert fits_screen(window) == fits
