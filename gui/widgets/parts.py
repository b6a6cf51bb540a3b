"""Parts that Qt always gives its views; its type stubs say that they might be missing."""

from __future__ import annotations

from PyQt6.QtWidgets import QAbstractScrollArea, QGraphicsScene, QGraphicsView, QScrollBar, QWidget


def viewport_of(view: QAbstractScrollArea) -> QWidget:
    """The part of a view that shows its contents."""
    viewport = view.viewport()
    assert viewport is not None
    return viewport


def scroll_bar_of(view: QAbstractScrollArea) -> QScrollBar:
    """The vertical scroll bar of a view."""
    bar = view.verticalScrollBar()
    assert bar is not None
    return bar


def scene_of(view: QGraphicsView) -> QGraphicsScene:
    """The scene that a view shows; it must have been given one."""
    scene = view.scene()
    assert scene is not None
    return scene
