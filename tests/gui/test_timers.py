"""Timers in one line."""

from gui.timers import Paced


def test_what_is_paced_is_called_at_once_and_the_last_time_is_made_up_for(qtbot, until):
    from PyQt6.QtCore import QObject

    called, value = [], 0
    parent = QObject()
    paced = Paced(parent, 50, lambda: called.append(value))
    paced.call()
    assert called == [0]
    for value in range(1, 6):  # noqa: B007
        paced.call()
    assert called == [0]
    until(lambda: called == [0, 5])
    # Nothing was asked for since: nothing is called.
    qtbot.wait(120)
    assert called == [0, 5]
    value = 7
    paced.call()
    assert called == [0, 5, 7]
